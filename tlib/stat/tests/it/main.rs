//! Public behaviour of the tracker: T-Events in, statuses out.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod any_order;
mod engine;
mod snapshot;
mod status;

use std::time::{Duration, Instant};

use stat::{Action, StateTracker, StatusChange, Subject, TrackerConfig};
use tlib::catalog::CallType;
use tlib::{AttributeId, ConnId, Message, MessageType};

/// A tracker with a clock that only the test moves.
struct Bench {
    start: Instant,
    now: Instant,
    tracker: StateTracker,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            start: now,
            now,
            tracker: StateTracker::new(TrackerConfig::default()),
        }
    }

    /// Lets `secs` pass, then feeds the event and answers the changes as text.
    fn feed(&mut self, secs: u64, event: Message) -> Vec<String> {
        self.now += Duration::from_secs(secs);
        self.tracker.handle_event(self.now, &event);
        self.changes().iter().map(|change| self.print(change)).collect()
    }

    fn changes(&mut self) -> Vec<StatusChange> {
        std::iter::from_fn(|| self.tracker.poll_output()).collect()
    }

    fn print(&self, change: &StatusChange) -> String {
        let subject = match &change.subject {
            Subject::Dn(dn) => format!("dn {dn}"),
            Subject::Agent(agent) => format!("agent {agent}"),
        };
        format!(
            "{subject}: {} -> {} @{} after {}",
            change.previous,
            change.status,
            change.since.duration_since(self.start).as_secs(),
            change.lasted.as_secs()
        )
    }

    fn dn_status(&self, dn: &str) -> Action {
        self.tracker.dn(dn).unwrap().status
    }

    fn agent_status(&self, agent: &str) -> Action {
        self.tracker.agent(agent).unwrap().status
    }
}

const C1: ConnId = ConnId(0x0065_0000_0000_0001);
const C2: ConnId = ConnId(0x0065_0000_0000_0002);

fn event(message_type: MessageType, dn: &str) -> Message {
    Message::new(message_type).with(AttributeId::THIS_DN, dn)
}

fn agent_event(message_type: MessageType, dn: &str, agent: &str) -> Message {
    event(message_type, dn).with(AttributeId::AGENT_ID, agent)
}

fn call(message_type: MessageType, dn: &str, conn_id: ConnId, call_type: CallType) -> Message {
    event(message_type, dn)
        .with(AttributeId::CONN_ID, conn_id)
        .with(AttributeId::CALL_TYPE, call_type)
}

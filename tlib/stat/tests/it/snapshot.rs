//! Resynchronisation from the snapshot in the registration answer.

use std::time::Duration;

use stat::{Action, CallPhase, StateTracker, TrackerConfig};
use tlib::catalog::{CallType, PartyState};
use tlib::{AttributeId, KvList, MessageType};

use crate::{Bench, C1, C2, agent_event, call, event};

/// Spec: T-Library reference §5, EventRegistered
#[test]
fn a_snapshot_brings_calls_and_login_of_a_dn() {
    let mut bench = Bench::new();
    let extensions = KvList::new()
        .with("AgentID", "A1")
        .with("AgentStatus", 3)
        .with("conn-1", C1.to_string())
        .with("ct-1", CallType::INBOUND.0)
        .with("ps-1", PartyState::HELD.0.cast_signed())
        .with("conn-2", C2.to_string())
        .with("ct-2", CallType::CONSULT.0)
        .with("ps-2", PartyState::ALERTING.0.cast_signed());
    bench.feed(
        0,
        event(MessageType::EVENT_REGISTERED, "1001").with(AttributeId::EXTENSIONS, extensions),
    );
    let view = bench.tracker.dn("1001").unwrap();
    let phases: Vec<_> = view.calls.iter().map(|call| call.phase).collect();
    assert_eq!(phases, [CallPhase::Held, CallPhase::Ringing]);
    assert_eq!(view.status, Action::CallOnHold);
    assert_eq!(bench.agent_status("A1"), Action::CallOnHold);
}

#[test]
fn a_new_snapshot_drops_calls_that_ended_unseen_and_keeps_the_age_of_the_others() {
    let mut bench = Bench::new();
    bench.feed(0, event(MessageType::EVENT_REGISTERED, "1001"));
    bench.feed(0, agent_event(MessageType::EVENT_AGENT_LOGIN, "1001", "A1"));
    bench.feed(0, agent_event(MessageType::EVENT_AGENT_READY, "1001", "A1"));
    bench.feed(
        0,
        call(MessageType::EVENT_ESTABLISHED, "1001", C1, CallType::INBOUND),
    );
    let begun = bench.tracker.dn("1001").unwrap().calls[0].since;
    bench.feed(3, event(MessageType::EVENT_SERVER_DISCONNECTED, "ignored"));
    assert_eq!(bench.dn_status("1001"), Action::NotMonitored);
    let with_call = KvList::new()
        .with("AgentID", "A1")
        .with("AgentStatus", "3")
        .with("conn-1", C1.to_string())
        .with("ct-1", "2")
        .with("ps-1", "12");
    bench.feed(
        3,
        event(MessageType::EVENT_REGISTERED, "1001").with(AttributeId::EXTENSIONS, with_call),
    );
    assert_eq!(bench.tracker.dn("1001").unwrap().calls[0].since, begun);
    assert_eq!(bench.agent_status("A1"), Action::CallInbound);
    let empty = KvList::new().with("AgentID", "A1").with("AgentStatus", 3);
    bench.feed(
        3,
        event(MessageType::EVENT_REGISTERED, "1001").with(AttributeId::EXTENSIONS, empty),
    );
    assert!(bench.tracker.dn("1001").unwrap().calls.is_empty());
    assert_eq!(bench.tracker.time_in_ready(bench.now, "A1"), Some(Duration::ZERO));
}

#[test]
fn a_snapshot_without_login_logs_the_agent_out() {
    let mut bench = Bench::new();
    bench.feed(0, event(MessageType::EVENT_REGISTERED, "1001"));
    bench.feed(0, agent_event(MessageType::EVENT_AGENT_READY, "1001", "A1"));
    let out = KvList::new().with("AgentStatus", 0);
    bench.feed(
        1,
        event(MessageType::EVENT_REGISTERED, "1001").with(AttributeId::EXTENSIONS, out),
    );
    assert_eq!(bench.agent_status("A1"), Action::LoggedOut);
}

#[test]
fn limits_count_what_they_drop() {
    let mut config = TrackerConfig::default();
    config.max_dns = 1;
    config.max_agents = 1;
    config.max_calls_per_dn = 1;
    let mut bench = Bench::new();
    bench.tracker = StateTracker::new(config);
    bench.feed(0, event(MessageType::EVENT_REGISTERED, "1001"));
    bench.feed(0, event(MessageType::EVENT_REGISTERED, "1002"));
    assert!(bench.tracker.dn("1002").is_none());
    bench.feed(
        0,
        call(MessageType::EVENT_ESTABLISHED, "1001", C1, CallType::INBOUND),
    );
    bench.feed(
        0,
        call(MessageType::EVENT_ESTABLISHED, "1001", C2, CallType::INBOUND),
    );
    assert_eq!(bench.tracker.dn("1001").unwrap().calls.len(), 1);
    bench.feed(0, agent_event(MessageType::EVENT_AGENT_READY, "1001", "A1"));
    bench.feed(0, agent_event(MessageType::EVENT_AGENT_READY, "1001", "A2"));
    assert!(bench.tracker.agent("A2").is_none());
    assert_eq!(bench.tracker.stats().events_over_limit, 3);
}

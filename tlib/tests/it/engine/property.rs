//! Whatever clients, phones and time do in whatever order: nothing panics, nothing leaks, every queueing ends once.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use tlib::catalog::TreatmentType;
use tlib::sim::{SimEndpoint, SimReply};
use tlib::switch::{Cause, LegId, SwitchEvent, TreatmentId, TreatmentResult};
use tlib::{AttributeId as A, ClientId, ConnId, KvList, Message, MessageType as M};

use super::bench::{Bench, call_request, config, pairs};

const DNS: [&str; 6] = ["8000", "8001", "1001", "1002", "1003", "7000"];
const TARGETS: [&str; 7] = ["1001", "1002", "1003", "8001", "8000", "0301111", "7000"];

/// One step of a random scenario; numbers choose among what exists then.
#[derive(Clone, Debug)]
enum Action {
    Caller(usize),
    Dial(usize, usize),
    Request(usize, usize, usize, usize),
    Sensible(usize, usize, usize),
    Answer(usize),
    HangUp(usize),
    Hold(usize, bool),
    Press(usize),
    Script(usize, usize),
    Vanish(usize),
    ComeBack(usize),
    Wrong(usize, usize),
    Advance(u64),
}

fn action() -> impl Strategy<Value = Action> {
    let n = 0_usize..96;
    prop_oneof![
        3 => n.clone().prop_map(Action::Caller),
        1 => (n.clone(), n.clone()).prop_map(|(from, to)| Action::Dial(from, to)),
        12 => (n.clone(), n.clone(), n.clone(), n.clone()).prop_map(|(a, b, c, d)| Action::Request(a, b, c, d)),
        24 => (n.clone(), n.clone(), n.clone()).prop_map(|(a, b, c)| Action::Sensible(a, b, c)),
        4 => n.clone().prop_map(Action::Answer),
        1 => n.clone().prop_map(Action::HangUp),
        1 => (n.clone(), any::<bool>()).prop_map(|(leg, held)| Action::Hold(leg, held)),
        1 => n.clone().prop_map(Action::Press),
        2 => (n.clone(), n.clone()).prop_map(|(dn, reply)| Action::Script(dn, reply)),
        1 => n.clone().prop_map(Action::Vanish),
        3 => n.clone().prop_map(Action::ComeBack),
        1 => (n.clone(), n).prop_map(|(leg, kind)| Action::Wrong(leg, kind)),
        2 => (1_u64..30).prop_map(Action::Advance),
    ]
}

struct World {
    bench: Bench,
    client: ClientId,
    calls: Vec<ConnId>,
    callers: Vec<LegId>,
}

impl World {
    fn new() -> Self {
        let mut settings = config().with_max_reroutes(2).with_after_call_work_secs(7);
        settings.dns[0].route_timeout_secs = Some(25);
        let mut bench = Bench::new(settings);
        let client = bench.client("everything", &DNS);
        for dn in ["1001", "1002"] {
            bench.login(client, dn, &format!("agent-{dn}"));
        }
        Self {
            bench,
            client,
            calls: Vec::new(),
            callers: Vec::new(),
        }
    }

    fn act(&mut self, action: Action) {
        let phones = &DNS[2..5];
        match action {
            Action::Caller(to) => {
                let leg = self.bench.caller(TARGETS[to % TARGETS.len()]);
                self.callers.push(leg);
            }
            Action::Dial(from, to) => {
                let (from, to) = (phones[from % 3], TARGETS[to % TARGETS.len()]);
                let leg = self
                    .bench
                    .at_switch(|switch, _| switch.call(Some(from), from, to));
                self.callers.push(leg);
            }
            Action::Request(kind, dn, call, to) => {
                let message = self.message(kind, dn, call, to);
                self.bench.request(self.client, message);
            }
            Action::Sensible(party, kind, to) => {
                if let Some(message) = self.sensible(party, kind, to) {
                    self.bench.request(self.client, message);
                }
            }
            Action::Answer(number) => {
                let number = TARGETS[number % TARGETS.len()];
                self.bench.at_switch(|switch, now| {
                    if let Some(leg) = switch.leg_of(number) {
                        switch.answer(now, leg);
                    }
                });
            }
            Action::HangUp(leg) => {
                if let Some(leg) = self.leg(leg) {
                    self.bench.at_switch(|switch, _| switch.hang_up(leg));
                }
            }
            Action::Hold(leg, held) => {
                if let Some(leg) = self.leg(leg) {
                    self.bench.at_switch(|switch, _| switch.hold(leg, held));
                }
            }
            Action::Press(leg) => {
                if let Some(leg) = self.leg(leg) {
                    self.bench.at_switch(|switch, now| switch.press(now, leg, "1"));
                }
            }
            Action::Script(dn, reply) => {
                let replies = [
                    SimReply::Rings,
                    SimReply::AnswersAfter(Duration::from_secs(2)),
                    SimReply::Busy,
                    SimReply::Rejects,
                    SimReply::Unreachable,
                ];
                let endpoint = SimEndpoint::new(replies[reply % replies.len()]);
                self.bench.switch.add(phones[dn % 3], endpoint);
            }
            Action::Vanish(dn) => self.bench.at_switch(|switch, _| switch.vanish(phones[dn % 3])),
            Action::ComeBack(dn) => self.bench.at_switch(|switch, _| switch.come_back(phones[dn % 3])),
            Action::Wrong(leg, kind) => self.wrong(leg, kind),
            Action::Advance(secs) => self.bench.advance(Duration::from_secs(secs)),
        }
        let mut known = self
            .bench
            .received
            .iter()
            .filter_map(|received| received.message.conn_id());
        let last = known.next_back();
        if let Some(call) = last.filter(|call| !self.calls.contains(call)) {
            self.calls.push(call);
        }
    }

    /// Events that a correct switch would not send just then.
    fn wrong(&mut self, leg: usize, kind: usize) {
        let Some(leg) = self.leg(leg) else { return };
        let cause = Cause::Error;
        let treatment = TreatmentId(kind as u64);
        let result = TreatmentResult::Completed;
        let events = [
            SwitchEvent::Ringing { leg },
            SwitchEvent::EarlyMedia { leg },
            SwitchEvent::Held { leg },
            SwitchEvent::Retrieved { leg },
            SwitchEvent::CommandFailed { leg, cause },
            SwitchEvent::TreatmentStarted { leg, treatment },
            SwitchEvent::TreatmentEnded {
                leg,
                treatment,
                result,
            },
        ];
        self.bench.switch_event(events[kind % events.len()].clone());
    }

    fn leg(&self, choice: usize) -> Option<LegId> {
        let numbers = ["1001", "1002", "1003", "0301111"];
        let asked = numbers
            .iter()
            .filter_map(|number| self.bench.switch.leg_of(number));
        let legs: Vec<LegId> = self.callers.iter().rev().take(4).copied().chain(asked).collect();
        (!legs.is_empty()).then(|| legs[choice % legs.len()])
    }

    /// A request that fits what a party was told last.
    fn sensible(&self, party: usize, kind: usize, to: usize) -> Option<Message> {
        let mut last = BTreeMap::new();
        for received in &self.bench.received {
            let message = &received.message;
            if let (Some(dn), Some(call)) = (message.this_dn(), message.conn_id()) {
                last.insert((call, dn.to_owned()), message.message_type);
            }
        }
        last.retain(|_, event| ![M::EVENT_RELEASED, M::EVENT_ABANDONED, M::EVENT_DIVERTED].contains(event));
        let parties: Vec<_> = last.into_iter().collect();
        let ((call, dn), event) = parties.get(party % parties.len().max(1))?;
        let request = match (*event, kind % 4) {
            (M::EVENT_RINGING, 0) => M::REQUEST_REDIRECT_CALL,
            (M::EVENT_RINGING, _) => M::REQUEST_ANSWER_CALL,
            (M::EVENT_HELD, _) => M::REQUEST_RETRIEVE_CALL,
            (M::EVENT_ESTABLISHED | M::EVENT_RETRIEVED, 0) => M::REQUEST_RELEASE_CALL,
            (M::EVENT_ESTABLISHED | M::EVENT_RETRIEVED, _) => M::REQUEST_HOLD_CALL,
            (M::EVENT_DIALING, _) => M::REQUEST_UPDATE_USER_DATA,
            (_, 0) => M::REQUEST_APPLY_TREATMENT,
            _ => M::REQUEST_ROUTE_CALL,
        };
        Some(full_request(request, dn, *call, to))
    }

    /// Mostly a party that events were about lately, sometimes any DN with any call.
    fn party(&self, dn: usize, call: usize) -> (String, ConnId) {
        let received = self.bench.received.iter().rev();
        let parties = received.filter_map(|received| {
            let message = &received.message;
            Some((message.this_dn()?.to_owned(), message.conn_id()?))
        });
        let parties: Vec<(String, ConnId)> = parties.take(6).collect();
        if dn.is_multiple_of(8) || parties.is_empty() {
            let calls: Vec<ConnId> = self.calls.iter().rev().take(3).copied().collect();
            let call = calls.get(call % calls.len().max(1)).copied();
            return (DNS[dn % DNS.len()].to_owned(), call.unwrap_or(ConnId(7)));
        }
        parties[call % parties.len()].clone()
    }

    fn message(&self, kind: usize, dn: usize, call: usize, to: usize) -> Message {
        let requests = [
            M::REQUEST_ROUTE_CALL,
            M::REQUEST_ROUTE_CALL,
            M::REQUEST_ROUTE_CALL,
            M::REQUEST_APPLY_TREATMENT,
            M::REQUEST_APPLY_TREATMENT,
            M::REQUEST_ANSWER_CALL,
            M::REQUEST_RELEASE_CALL,
            M::REQUEST_CLEAR_CALL,
            M::REQUEST_HOLD_CALL,
            M::REQUEST_RETRIEVE_CALL,
            M::REQUEST_REDIRECT_CALL,
            M::REQUEST_MAKE_CALL,
            M::REQUEST_AGENT_READY,
            M::REQUEST_AGENT_NOT_READY,
            M::REQUEST_AGENT_LOGIN,
            M::REQUEST_AGENT_LOGOUT,
            M::REQUEST_UPDATE_USER_DATA,
            M::REQUEST_QUERY_CALL,
        ];
        let (dn, call) = self.party(dn, call);
        full_request(requests[kind % requests.len()], &dn, call, to)
    }

    /// Everybody hangs up and time passes.
    fn finish(&mut self) {
        for leg in std::mem::take(&mut self.callers) {
            self.bench.at_switch(|switch, _| switch.hang_up(leg));
        }
        for number in ["1001", "1002", "1003", "0301111"] {
            while let Some(leg) = self.bench.switch.leg_of(number) {
                self.bench.at_switch(|switch, _| switch.hang_up(leg));
            }
        }
        self.bench.advance(Duration::from_secs(60));
    }
}

/// A request with every attribute that some request wants.
fn full_request(request: M, dn: &str, call: ConnId, to: usize) -> Message {
    let treatments = [
        TreatmentType::MUSIC,
        TreatmentType::SILENCE,
        TreatmentType::COLLECT_DIGITS,
    ];
    call_request(request, dn, call)
        .with(A::OTHER_DN, TARGETS[to % TARGETS.len()])
        .with(A::AGENT_ID, format!("agent-{dn}"))
        .with(A::AGENT_WORK_MODE, (to % 5) as i32)
        .with(A::TREATMENT_TYPE, treatments[to % 3].0)
        .with(A::TREATMENT_PARMS, KvList::new().with("DURATION", 3))
        .with(A::USER_DATA, pairs(&[("k", "v")]))
}

/// Queueings that are open after the events, by call and routing point.
fn open_queueings(bench: &Bench) -> BTreeMap<(ConnId, String), i32> {
    let mut open = BTreeMap::new();
    for received in &bench.received {
        let message = &received.message;
        let change = match message.message_type {
            M::EVENT_QUEUED => 1,
            M::EVENT_DIVERTED | M::EVENT_ABANDONED | M::EVENT_RELEASED => -1,
            _ => continue,
        };
        let dn = message.this_dn().unwrap();
        if !dn.starts_with("800") {
            continue;
        }
        let count = open
            .entry((message.conn_id().unwrap(), dn.to_owned()))
            .or_insert(0);
        *count += change;
        assert!((0..=1).contains(count), "{} at {dn} twice", message.message_type);
    }
    open.retain(|_, count| *count != 0);
    open
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_things_panics_leaks_or_leaves_a_queueing_open(actions in prop::collection::vec(action(), 1..120)) {
        let mut world = World::new();
        for action in actions {
            world.act(action);
            let stats = world.bench.server.stats();
            prop_assert_eq!(open_queueings(&world.bench).len() as u64 <= stats.calls, true);
            prop_assert_eq!(stats.legs, world.bench.switch.legs() as u64);
        }
        world.finish();
        let stats = world.bench.server.stats();
        prop_assert_eq!((stats.calls, stats.legs, world.bench.switch.legs()), (0, 0, 0));
        prop_assert_eq!(open_queueings(&world.bench).len(), 0);
        prop_assert_eq!(world.bench.server.poll_timeout(), None);
    }
}

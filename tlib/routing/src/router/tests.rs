//! Tests of the router: scripted ones, and any sequence of inputs against the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tlib::{AgentId, Dn};

use super::*;
use crate::error::SubmitError;

const SECOND: Duration = Duration::from_secs(1);

/// A router with a clock that only the test moves.
struct Bench {
    start: Instant,
    now: Instant,
    router: Router,
}

impl Bench {
    fn new(agents: &[(&str, &[(&str, u32)])]) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test needs some instant to start from"
        )]
        let now = Instant::now();
        let mut router = Router::new(RouterConfig::default());
        for (agent, skills) in agents {
            let profile = skills
                .iter()
                .fold(AgentProfile::new(*agent), |profile, (skill, level)| {
                    profile.with_skill(*skill, *level)
                });
            router.set_agent(now, profile.with_group("everyone")).unwrap();
        }
        Self {
            start: now,
            now,
            router,
        }
    }

    fn wait(&mut self, secs: u64) -> Vec<String> {
        let until = self.now + SECOND * u32::try_from(secs).unwrap();
        let mut log = Vec::new();
        while let Some(at) = self.router.poll_timeout().filter(|at| *at <= until) {
            self.now = at.max(self.now);
            self.router.handle_timeout(self.now);
            log.extend(self.drain());
        }
        self.now = until;
        log
    }

    fn drain(&mut self) -> Vec<String> {
        let start = self.start;
        let outputs: Vec<_> = std::iter::from_fn(|| self.router.poll_output()).collect();
        let at = self.now.duration_since(start).as_secs();
        outputs
            .iter()
            .map(|output| match output {
                Output::Selected(s) => {
                    format!("@{at} {} -> {} at {} by {}", s.request, s.agent, s.dn, s.target)
                }
                Output::TimedOut { request, waited, .. } => {
                    format!("@{at} {request} timed out after {}", waited.as_secs())
                }
                Output::Replaced { request, .. } => format!("@{at} {request} replaced"),
                Output::ReservationExpired { request, agent, .. } => {
                    format!("@{at} reservation of {agent} for {request} expired")
                }
            })
            .collect()
    }

    fn submit(&mut self, request: Request) -> Vec<String> {
        self.router.submit(self.now, request).unwrap();
        self.drain()
    }

    fn ready(&mut self, agent: &str) -> Vec<String> {
        let status = AgentStatus::Ready {
            dn: Dn::from(format!("dn-{agent}")),
            since: self.now,
        };
        self.status(agent, status);
        self.drain()
    }

    fn busy(&mut self, agent: &str) -> Vec<String> {
        self.status(agent, AgentStatus::NotReady);
        self.drain()
    }

    fn status(&mut self, agent: &str, status: AgentStatus) {
        self.router
            .agent_status(self.now, &AgentId::from(agent), status)
            .unwrap();
    }
}

fn request(id: &str, target: &str) -> Request {
    Request::new(id, format!("ixn-{id}"), Target::parse_list(target).unwrap())
}

const SALES: &str = "?:sales>0@stat.GA";

fn id(text: &str) -> RequestId {
    RequestId::from(text)
}

/// Spec: routing reference §4 (waiting order)
#[test]
fn higher_priority_goes_first_and_age_decides_among_equals() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)])]);
    for (request_id, priority) in [("old", 0), ("new", 0), ("vip", 5)] {
        assert!(
            bench
                .submit(request(request_id, SALES).with_priority(priority))
                .is_empty()
        );
        bench.wait(1);
    }
    let mut order = Vec::new();
    for _ in 0..3 {
        order.extend(bench.ready("1"));
        let selected = order.last().unwrap().split(' ').nth(1).unwrap().to_owned();
        bench.busy("1");
        assert!(bench.router.confirm(bench.now, &id(&selected)));
    }
    let target = SALES;
    assert_eq!(
        order,
        [
            format!("@3 vip -> 1 at dn-1 by {target}"),
            format!("@3 old -> 1 at dn-1 by {target}"),
            format!("@3 new -> 1 at dn-1 by {target}"),
        ]
    );
}

/// Spec: routing reference §4 (time in Ready descending)
#[test]
fn the_longest_ready_agent_is_chosen_and_ties_go_by_id() {
    let skills: &[(&str, u32)] = &[("sales", 1)];
    let mut bench = Bench::new(&[("1", skills), ("2", skills), ("3", skills)]);
    bench.ready("3");
    bench.wait(1);
    bench.ready("2");
    bench.ready("1");
    let mut order = bench.submit(request("a", SALES));
    order.extend(bench.submit(request("b", SALES)));
    order.extend(bench.submit(request("c", SALES)));
    assert!(
        order[0].contains("-> 3") && order[1].contains("-> 1") && order[2].contains("-> 2"),
        "{order:?}"
    );
}

#[test]
fn only_agents_that_fulfil_a_target_are_chosen() {
    let mut bench = Bench::new(&[("1", &[("sales", 2)]), ("2", &[("support", 5)]), ("3", &[])]);
    for agent in ["1", "2", "3"] {
        bench.ready(agent);
    }
    assert_eq!(bench.submit(request("a", "?:support>=6@stat.GA")), [""; 0]);
    assert_eq!(
        bench.submit(request("b", "?:support>=5 & !sales@stat.GA")).len(),
        1
    );
    let selected = bench.submit(request("c", "?:sales>5@stat.GA, 3@stat.A"));
    assert_eq!(selected, ["@0 c -> 3 at dn-3 by 3@stat.A"]);
    assert!(bench.submit(request("d", "everyone@stat.GA"))[0].contains("d -> 1"));
}

#[test]
fn a_reserved_agent_gets_no_second_call_until_the_status_changes_after_confirm() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)])]);
    bench.ready("1");
    assert_eq!(bench.submit(request("a", SALES)).len(), 1);
    assert!(bench.submit(request("b", SALES)).is_empty());
    assert!(bench.router.confirm(bench.now, &id("a")));
    assert!(
        bench.drain().is_empty(),
        "the ready status is older than the call"
    );
    assert!(bench.busy("1").is_empty());
    bench.wait(60);
    assert_eq!(bench.ready("1"), [format!("@60 b -> 1 at dn-1 by {SALES}")]);
}

#[test]
fn a_released_agent_gets_the_next_call_at_once() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)])]);
    bench.ready("1");
    bench.submit(request("a", SALES));
    bench.submit(request("b", SALES));
    assert!(bench.router.release(bench.now, &id("a")));
    assert_eq!(bench.drain(), [format!("@0 b -> 1 at dn-1 by {SALES}")]);
    assert!(
        !bench.router.release(bench.now, &id("a")),
        "a selection is released once"
    );
}

/// Spec: routing reference §4.1 (grant expires)
#[test]
fn an_unanswered_reservation_expires_and_frees_the_agent() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)])]);
    bench.ready("1");
    bench.submit(request("a", SALES));
    bench.submit(request("b", SALES));
    assert_eq!(
        bench.wait(10),
        [
            "@10 reservation of 1 for a expired".to_owned(),
            format!("@10 b -> 1 at dn-1 by {SALES}"),
        ]
    );
    assert!(!bench.router.confirm(bench.now, &id("a")));
}

#[test]
fn an_agent_without_status_change_after_confirm_is_free_again_after_the_reservation_time() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)])]);
    bench.ready("1");
    bench.submit(request("a", SALES));
    bench.router.confirm(bench.now, &id("a"));
    bench.submit(request("b", SALES));
    assert_eq!(bench.wait(10), [format!("@10 b -> 1 at dn-1 by {SALES}")]);
}

#[test]
fn a_request_times_out_exactly_and_its_targets_count_for_the_next_submit() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)]), ("2", &[("support", 1)])]);
    bench.submit(request("a", SALES).with_timeout(SECOND * 30));
    assert_eq!(bench.wait(29), [""; 0]);
    assert_eq!(bench.wait(1), ["@30 a timed out after 30"]);
    let mut second = request("b", "?:support>0@stat.GA");
    second.interaction = InteractionId::from("ixn-a");
    bench.submit(second);
    bench.submit(request("c", SALES));
    bench.wait(5);
    assert!(
        bench.ready("1")[0].contains("b -> 1"),
        "the kept target and age count"
    );
}

#[test]
fn a_strategy_that_queues_for_the_same_target_again_and_again_keeps_one_target() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)])]);
    for round in 0..200 {
        let mut again = request(&format!("r{round}"), &format!("{SALES}, {SALES}")).with_timeout(SECOND);
        again.interaction = InteractionId::from("ixn");
        bench.submit(again);
        bench.wait(1);
    }
    let mut last = request("last", SALES);
    last.interaction = InteractionId::from("ixn");
    bench.submit(last);
    assert_eq!(bench.router.waiting[&id("last")].targets.len(), 1);
    assert!(bench.router.cancel(bench.now, &id("last")));
    assert_eq!(
        bench.router.pools.evict().len(),
        1,
        "nothing refers to the target any more"
    );
}

#[test]
fn clear_on_timeout_drops_the_targets() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)])]);
    let mut first = request("a", SALES).with_timeout(SECOND);
    first.clear_on_timeout = true;
    bench.submit(first);
    assert_eq!(bench.wait(1), ["@1 a timed out after 1"]);
    let mut second = request("b", "?:support>0@stat.GA");
    second.interaction = InteractionId::from("ixn-a");
    bench.submit(second);
    assert!(bench.ready("1").is_empty());
}

#[test]
fn one_interaction_has_one_request_unless_it_clears_the_queue() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)])]);
    bench.submit(request("a", SALES));
    let mut second = request("b", SALES);
    second.interaction = InteractionId::from("ixn-a");
    let error = bench.router.submit(bench.now, second.clone()).unwrap_err();
    assert_eq!(error, SubmitError::InteractionBusy(id("a")));
    second.clear_queue = true;
    assert_eq!(bench.submit(second), ["@0 a replaced"]);
    assert!(bench.ready("1")[0].contains("b -> 1"));
}

#[test]
fn refused_requests_say_why_and_change_nothing() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)])]);
    let cases = [
        (
            "8001@switch.Q",
            SubmitError::UnsupportedTarget {
                index: 0,
                target_type: TargetType::Queue,
            },
        ),
        (
            "1@s.A, 7@s.DN",
            SubmitError::UnsupportedTarget {
                index: 1,
                target_type: TargetType::Dn,
            },
        ),
        ("{StatX<1}1@s.A", SubmitError::UnsupportedThreshold { index: 0 }),
    ];
    for (target, expected) in cases {
        assert_eq!(
            bench.router.submit(bench.now, request("a", target)),
            Err(expected)
        );
    }
    let none = Request::new("a", "i", Vec::new());
    assert_eq!(bench.router.submit(bench.now, none), Err(SubmitError::NoTargets));
    assert_eq!(bench.router.stats().refused, 4);
    assert_eq!(bench.router.interactions.len(), 0);
    bench.submit(request("a", SALES));
    let again = bench.router.submit(bench.now, request("a", SALES));
    assert_eq!(again, Err(SubmitError::DuplicateRequest(id("a"))));
}

#[test]
fn cancelling_and_ended_interactions_leave_nothing_behind() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)])]);
    bench.submit(request("a", SALES).with_timeout(SECOND));
    bench.submit(request("b", SALES));
    assert!(bench.router.cancel(bench.now, &id("a")));
    bench
        .router
        .interaction_ended(bench.now, &InteractionId::from("ixn-b"));
    assert!(bench.ready("1").is_empty());
    bench.submit(request("c", SALES));
    bench
        .router
        .interaction_ended(bench.now, &InteractionId::from("ixn-c"));
    assert_eq!(
        bench.submit(request("d", SALES)).len(),
        1,
        "the agent of the lost call is free"
    );
    bench.busy("1");
    bench.router.confirm(bench.now, &id("d"));
    assert!(bench.router.interactions.is_empty() && bench.router.timers.is_empty());
    assert!(bench.router.waiting.is_empty() && bench.router.reservations.is_empty());
}

/// Spec: ORS reference §4 (query)
#[test]
fn a_query_answers_priority_position_and_time() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)])]);
    bench.submit(request("a", SALES));
    bench.submit(request("other", "?:support>0@stat.GA"));
    bench.wait(4);
    bench.submit(request("b", "?:sales>0@stat.GA, 1@stat.A").with_priority(-1));
    bench.wait(3);
    let view = bench.router.query(bench.now, &id("b")).unwrap();
    assert_eq!((view.priority, view.position, view.waited), (-1, 2, SECOND * 3));
    assert_eq!(bench.router.query(bench.now, &id("a")).unwrap().position, 1);
    assert!(bench.router.query(bench.now, &id("nobody")).is_none());
}

#[test]
fn a_changed_skill_moves_the_agent_between_target_sets() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)])]);
    bench.ready("1");
    bench.submit(request("a", "?:support>0@stat.GA"));
    bench
        .router
        .set_agent(bench.now, AgentProfile::new("1").with_skill("support", 3))
        .unwrap();
    assert_eq!(bench.drain().len(), 1);
    bench.router.release(bench.now, &id("a"));
    assert!(bench.submit(request("b", SALES)).is_empty());
}

#[test]
fn a_removed_agent_is_never_selected_and_returns_with_the_reservation() {
    let mut bench = Bench::new(&[("1", &[("sales", 1)])]);
    bench.ready("1");
    bench.submit(request("a", SALES));
    assert!(bench.router.remove_agent(&AgentId::from("1")));
    bench.submit(request("b", SALES));
    bench
        .router
        .set_agent(bench.now, AgentProfile::new("1").with_skill("sales", 1))
        .unwrap();
    assert!(
        bench.ready("1").is_empty(),
        "the call of request a may still arrive"
    );
    bench.router.release(bench.now, &id("a"));
    assert_eq!(bench.drain(), [format!("@0 b -> 1 at dn-1 by {SALES}")]);
    let unknown = bench
        .router
        .agent_status(bench.now, &AgentId::from("9"), AgentStatus::NotReady);
    assert_eq!(unknown, Err(UnknownAgent));
}

#[test]
fn unused_target_sets_make_room_for_new_ones() {
    let mut bench = Bench::new(&[("1", &[("s1", 1), ("s9", 1)])]);
    bench.router.config.max_pools = 3;
    bench.ready("1");
    for index in 2..9 {
        bench.submit(request("a", &format!("?:s{index}>0@stat.GA")));
        assert!(bench.router.cancel(bench.now, &id("a")));
        assert!(bench.router.pools.len() <= 3);
    }
    assert_eq!(bench.submit(request("b", "?:s9>0@stat.GA")).len(), 1);
    for index in 2..5 {
        bench.submit(request(&format!("w{index}"), &format!("?:s{index}>0@stat.GA")));
    }
    let full = bench.router.submit(bench.now, request("c", "?:s7>0@stat.GA"));
    assert_eq!(full, Err(SubmitError::Full));
}

#[test]
fn statuses_of_the_statistics_drive_the_router() {
    use tlib::{AttributeId, Message, MessageType};
    let mut bench = Bench::new(&[("A1", &[("sales", 1)])]);
    let mut tracker = stat::StateTracker::new(stat::TrackerConfig::default());
    bench.submit(request("a", SALES));
    for message_type in [
        MessageType::EVENT_REGISTERED,
        MessageType::EVENT_AGENT_LOGIN,
        MessageType::EVENT_AGENT_READY,
    ] {
        let event = Message::new(message_type)
            .with(AttributeId::THIS_DN, "1001")
            .with(AttributeId::AGENT_ID, "A1");
        tracker.handle_event(bench.now, &event);
    }
    while let Some(change) = tracker.poll_output() {
        bench.router.handle_status(bench.now, &change);
    }
    assert_eq!(bench.drain(), [format!("@0 a -> A1 at 1001 by {SALES}")]);
}

#[derive(Clone, Debug)]
enum Step {
    Submit {
        target: u8,
        priority: i32,
        timeout: Option<u64>,
        clear: bool,
    },
    Cancel(u8),
    Confirm(u8),
    Release(u8),
    End(u8),
    Ready(u8),
    Busy(u8),
    Wait(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_u8, -2..3_i32, prop::option::of(0..20_u64), any::<bool>())
            .prop_map(|(target, priority, timeout, clear)| Step::Submit { target, priority, timeout, clear }),
        1 => any::<u8>().prop_map(Step::Cancel),
        2 => any::<u8>().prop_map(Step::Confirm),
        1 => any::<u8>().prop_map(Step::Release),
        1 => any::<u8>().prop_map(Step::End),
        4 => (0..4_u8).prop_map(Step::Ready),
        3 => (0..4_u8).prop_map(Step::Busy),
        2 => (0..15_u64).prop_map(Step::Wait),
    ]
}

/// What the rules say about every request and agent so far.
#[derive(Default)]
struct Model {
    submitted: Vec<String>,
    ended: BTreeSet<String>,
    /// Waiting requests: target, priority, since.
    waiting: BTreeMap<String, (u8, i32, Instant)>,
    ready: BTreeMap<String, Instant>,
    /// Agents with a call or the promise of one, by request.
    reserved: BTreeMap<String, String>,
}

const TARGETS: [&str; 4] = ["?:sales>0@s.GA", "?:support>0@s.GA", "everyone@s.GA", "2@s.A"];

fn fulfils(target: u8, agent: &str) -> bool {
    match target {
        0 => matches!(agent, "0" | "1"),
        1 => matches!(agent, "1" | "2"),
        2 => true,
        _ => agent == "2",
    }
}

impl Model {
    /// Takes the outputs; panics where they break a rule.
    fn take(&mut self, bench: &mut Bench) {
        while let Some(output) = bench.router.poll_output() {
            match output {
                Output::Selected(selection) => {
                    let (request, agent) = (selection.request.to_string(), selection.agent.to_string());
                    let (target, priority, since) = self
                        .waiting
                        .remove(&request)
                        .expect("selected while it did not wait");
                    assert!(fulfils(target, &agent));
                    let ready = self.ready.get(&agent).expect("selected while not ready");
                    assert!(
                        !self.reserved.values().any(|other| *other == agent),
                        "selected twice"
                    );
                    for (other, other_priority, other_since) in self.waiting.values() {
                        assert!(
                            !fulfils(*other, &agent) || (-other_priority, *other_since) >= (-priority, since),
                            "an earlier request was passed over"
                        );
                    }
                    for (other, other_ready) in &self.ready {
                        let free = !self.reserved.values().any(|reserved| reserved == other);
                        assert!(
                            !free || !fulfils(target, other) || (other_ready, other) >= (ready, &agent),
                            "a longer ready agent was passed over"
                        );
                    }
                    self.reserved.insert(request, agent);
                }
                Output::TimedOut { request, .. } => {
                    self.waiting
                        .remove(request.as_str())
                        .expect("timed out while it did not wait");
                    assert!(self.ended.insert(request.to_string()));
                }
                Output::ReservationExpired { request, .. } => {
                    self.reserved
                        .remove(request.as_str())
                        .expect("expired while not reserved");
                    assert!(self.ended.insert(request.to_string()));
                }
                Output::Replaced { .. } => panic!("nobody asked"),
            }
        }
        bench.router.pools.check();
    }

    /// A request that was submitted; empty before the first.
    fn named(&self, index: u8) -> String {
        let count = self.submitted.len().max(1);
        let name = self.submitted.get(usize::from(index) % count);
        name.cloned().unwrap_or_default()
    }

    fn apply(&mut self, bench: &mut Bench, step: Step) {
        match step {
            Step::Submit {
                target,
                priority,
                timeout,
                clear,
            } => {
                let name = format!("r{:03}", self.submitted.len());
                let mut request = request(&name, TARGETS[usize::from(target)]).with_priority(priority);
                request.timeout = timeout.map(Duration::from_secs);
                request.clear_on_timeout = clear;
                self.submitted.push(name.clone());
                self.waiting.insert(name, (target, priority, bench.now));
                bench.router.submit(bench.now, request).unwrap();
            }
            Step::Cancel(index) => {
                let name = self.named(index);
                let known = self.waiting.remove(&name).is_some() || self.reserved.remove(&name).is_some();
                assert_eq!(bench.router.cancel(bench.now, &id(&name)), known);
                self.ended.extend(known.then_some(name));
            }
            Step::Confirm(index) => {
                let name = self.named(index);
                let agent = self.reserved.remove(&name);
                assert_eq!(bench.router.confirm(bench.now, &id(&name)), agent.is_some());
                if let Some(agent) = agent {
                    self.ended.insert(name);
                    self.take(bench);
                    self.ready.remove(&agent);
                    bench.busy(&agent);
                }
            }
            Step::Release(index) => {
                let name = self.named(index);
                let known = self.reserved.remove(&name).is_some();
                assert_eq!(bench.router.release(bench.now, &id(&name)), known);
                self.ended.extend(known.then_some(name));
            }
            Step::End(index) => {
                let name = self.named(index);
                let known = self.waiting.remove(&name).is_some() || self.reserved.remove(&name).is_some();
                bench
                    .router
                    .interaction_ended(bench.now, &format!("ixn-{name}").into());
                self.ended.extend(known.then_some(name));
            }
            Step::Ready(agent) => {
                self.ready.insert(agent.to_string(), bench.now);
                let status = AgentStatus::Ready {
                    dn: Dn::from("7"),
                    since: bench.now,
                };
                bench.status(&agent.to_string(), status);
            }
            Step::Busy(agent) => {
                self.ready.remove(&agent.to_string());
                bench.status(&agent.to_string(), AgentStatus::NotReady);
            }
            Step::Wait(secs) => self.wait(bench, Duration::from_secs(secs)),
        }
        self.take(bench);
    }

    fn wait(&mut self, bench: &mut Bench, time: Duration) {
        let until = bench.now + time;
        while let Some(at) = bench.router.poll_timeout().filter(|at| *at <= until) {
            bench.now = at.max(bench.now);
            bench.router.handle_timeout(bench.now);
            self.take(bench);
        }
        bench.now = until;
    }

    /// Every request is in exactly one place, and nobody waits for an agent who is free.
    fn check(&self, bench: &mut Bench) {
        for name in &self.submitted {
            let places = [
                self.waiting.contains_key(name),
                self.reserved.contains_key(name),
                self.ended.contains(name),
            ];
            assert_eq!(
                places.iter().filter(|place| **place).count(),
                1,
                "{} {:?}",
                name,
                places
            );
            assert_eq!(bench.router.query(bench.now, &id(name)).is_some(), places[0]);
        }
        for (target, _, _) in self.waiting.values() {
            let idle = self
                .ready
                .keys()
                .any(|agent| fulfils(*target, agent) && !self.reserved.values().any(|other| other == agent));
            assert!(!idle, "a request waits although an agent is free");
        }
    }
}

proptest! {
    #[test]
    fn no_request_is_lost_or_served_twice_and_no_agent_gets_two_calls(
        steps in prop::collection::vec(any_step(), 0..120)
    ) {
        let skills: [(&str, &[(&str, u32)]); 4] =
            [("0", &[("sales", 1)]), ("1", &[("sales", 1), ("support", 2)]), ("2", &[("support", 1)]), ("3", &[])];
        let mut bench = Bench::new(&skills);
        let mut model = Model::default();
        for step in steps {
            model.apply(&mut bench, step);
            model.check(&mut bench);
        }
    }
}

//! Any sequence of answers and platform events keeps the books straight.

use std::collections::BTreeSet;
use std::time::Duration;

use orchestration::{
    CompleteError, Completion, Failure, InteractionEvent, Operation, Output, PlatformRequest, QueuePosition,
    RequestKey, Target,
};
use proptest::prelude::*;
use scxml::Value;

use crate::{Bench, ixn};

const STRATEGY: &str = include_str!("../data/inbound.scxml");

#[derive(Clone, Debug)]
enum Step {
    Succeed(usize),
    Fail(usize, &'static str),
    Misfit(usize),
    AnswerAgain,
    Happens(InteractionEvent),
    Wait(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<usize>().prop_map(Step::Succeed),
        2 => (any::<usize>(), prop::sample::select(vec!["timeout", "remote", "cancelled"]))
            .prop_map(|(index, code)| Step::Fail(index, code)),
        1 => any::<usize>().prop_map(Step::Misfit),
        1 => Just(Step::AnswerAgain),
        2 => prop::sample::select(vec![
            InteractionEvent::RouteRequested,
            InteractionEvent::Present,
            InteractionEvent::UserDataChanged(Value::object().with("Priority", 7)),
        ]).prop_map(Step::Happens),
        2 => (0..3_000_u64).prop_map(Step::Wait),
    ]
}

fn success(operation: &Operation) -> Completion {
    match operation {
        Operation::Submit(submit) => {
            Completion::Target(Target::new(submit.targets[0].clone(), "1001", "switch"))
        }
        Operation::QuerySubmit { .. } => Completion::Position(QueuePosition::default()),
        Operation::Treat(treatment) if treatment.collects() => Completion::digits("2"),
        _ => Completion::Done,
    }
}

fn answer(step: &Step, operation: &Operation) -> Result<Completion, Failure> {
    match step {
        Step::Fail(_, code) => Err(Failure::new(*code, "because")),
        Step::Misfit(_) => Ok(Completion::Position(QueuePosition::default())),
        _ => Ok(success(operation)),
    }
}

/// What the platform knows.
#[derive(Default)]
struct Platform {
    open: Vec<PlatformRequest>,
    seen: BTreeSet<RequestKey>,
    answered: Option<RequestKey>,
    ended: usize,
}

impl Platform {
    fn take(&mut self, bench: &mut Bench) {
        while let Some(output) = bench.manager.poll_output() {
            match output {
                Output::Request(request) => {
                    assert!(
                        self.seen.insert(request.key.clone()),
                        "a request id was used twice"
                    );
                    assert_eq!(request.interaction, ixn());
                    self.open.push(request);
                }
                Output::CancelRequest { key, .. } => {
                    let before = self.open.len();
                    self.open.retain(|request| request.key != key);
                    assert_eq!(self.open.len() + 1, before, "cancelled what was not open");
                }
                Output::Ended { .. } => self.ended += 1,
                _ => {}
            }
        }
        assert_eq!(bench.manager.stats().pending_requests, self.open.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_request_is_answered_or_cancelled_once_and_a_deleted_call_leaves_nothing(
        steps in prop::collection::vec(any_step(), 0..40),
        hangs_up_first in any::<bool>(),
    ) {
        let mut bench = Bench::new(STRATEGY);
        bench.call(Value::object());
        let mut platform = Platform::default();
        platform.take(&mut bench);
        for step in steps {
            match step {
                Step::Succeed(index) | Step::Fail(index, _) | Step::Misfit(index) if !platform.open.is_empty() => {
                    let index = index % platform.open.len();
                    let key = platform.open[index].key.clone();
                    let result = answer(&step, &platform.open[index].operation);
                    let taken = bench.manager.complete(bench.now, &key, result);
                    if matches!(step, Step::Misfit(_)) {
                        prop_assert_eq!(taken, Err(CompleteError::WrongKind));
                    } else {
                        prop_assert_eq!(taken, Ok(()));
                        platform.open.remove(index);
                        platform.answered = Some(key);
                    }
                }
                Step::AnswerAgain => {
                    if let Some(key) = &platform.answered {
                        let again = bench.manager.complete(bench.now, key, Err(Failure::timeout()));
                        prop_assert_eq!(again, Err(CompleteError::UnknownRequest));
                    }
                }
                Step::Happens(event) => {
                    prop_assert!(bench.manager.handle_interaction(bench.now, &ixn(), event));
                }
                Step::Wait(millis) => {
                    let until = bench.now + Duration::from_millis(millis);
                    while let Some(at) = bench.manager.poll_timeout().filter(|at| *at <= until) {
                        bench.now = at.max(bench.now);
                        bench.manager.handle_timeout(bench.now);
                        platform.take(&mut bench);
                    }
                    bench.now = until;
                }
                _ => {}
            }
            platform.take(&mut bench);
            prop_assert_eq!(platform.ended, 0);
        }
        let last = if hangs_up_first {
            InteractionEvent::Abandoned
        } else {
            InteractionEvent::Deleted { result_of: None }
        };
        bench.manager.handle_interaction(bench.now, &ixn(), last);
        platform.take(&mut bench);
        let stats = bench.manager.stats();
        prop_assert_eq!((platform.ended, platform.open.len(), stats.active, stats.killed), (1, 0, 0, 0));
        prop_assert_eq!(bench.manager.poll_timeout(), None);
        prop_assert!(bench.manager.owner(&ixn()).is_none());
    }
}

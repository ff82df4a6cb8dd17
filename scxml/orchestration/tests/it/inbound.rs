//! A whole strategy against a scripted platform.

use std::sync::Arc;

use orchestration::{
    Completion, Failure, FileSource, InteractionEvent, ManagerConfig, SessionManager, Target,
};
use scxml::Value;

use crate::{Bench, ixn};

const STRATEGY: &str = include_str!("../data/inbound.scxml");

fn target() -> Result<Completion, Failure> {
    let target = Target::new("?:support>0@stat.GA", "1003", "switch").with_agent("1003", "stat");
    Ok(Completion::Target(target))
}

#[test]
fn a_caller_is_greeted_chooses_waits_is_routed_and_talks() {
    let mut bench = Bench::new(STRATEGY);
    let session = bench.call(Value::object().with("Priority", "3"));
    let mut log = bench.drain();
    bench.wait(2_000);
    bench.interaction(InteractionEvent::RouteRequested);
    bench.answer("play", Ok(Completion::Done));
    log.extend(bench.drain());
    bench.wait(1_500);
    bench.answer("playandcollect", Ok(Completion::digits("2")));
    log.extend(bench.drain());
    bench.wait(5_000);
    bench.answer("submit", target());
    log.extend(bench.drain());
    assert_eq!(
        bench.manager.query(bench.now, &session).unwrap().states,
        ["call", "routed"]
    );
    bench.wait(60_000);
    bench.interaction(InteractionEvent::Deleted {
        result_of: Some("deletion".to_owned()),
    });
    log.extend(bench.drain());
    insta::assert_snapshot!(log.join("\n"));
    let stats = bench.manager.stats();
    assert_eq!(
        (
            stats.active,
            stats.finished,
            stats.pending_requests,
            stats.refused_actions
        ),
        (0, 1, 0, 0)
    );
    assert!(bench.manager.owner(&ixn()).is_none());
    assert_eq!(bench.manager.poll_timeout(), None);
}

#[test]
fn the_menu_is_asked_three_times_and_then_takes_sales() {
    let mut bench = Bench::new(STRATEGY);
    bench.call(Value::object());
    bench.drain();
    bench.answer("play", Ok(Completion::Done));
    let mut log = bench.drain();
    for digits in ["", "7", ""] {
        bench.answer("playandcollect", Ok(Completion::digits(digits)));
        log.extend(bench.drain());
    }
    insta::assert_snapshot!(log.join("\n"));
}

#[test]
fn a_queue_timeout_apologizes_and_queues_again_until_an_agent_is_found() {
    let mut bench = Bench::new(STRATEGY);
    bench.call(Value::object());
    bench.drain();
    bench.answer("play", Ok(Completion::Done));
    bench.drain();
    bench.answer("playandcollect", Ok(Completion::digits("1")));
    let mut log = bench.drain();
    for _ in 0..2 {
        bench.wait(60_000);
        bench.answer("submit", Err(Failure::timeout()));
        log.extend(bench.drain());
        bench.wait(2_000);
        bench.answer("play", Ok(Completion::Done));
        log.extend(bench.drain());
    }
    bench.answer("submit", Err(Failure::new("remote", "no router")));
    log.extend(bench.drain());
    log.extend(bench.wait(1_000));
    insta::assert_snapshot!(log.join("\n"));
}

#[test]
fn an_agent_who_does_not_answer_gives_the_call_back_to_the_queue_with_higher_priority() {
    let mut bench = Bench::new(STRATEGY);
    bench.call(Value::object());
    bench.drain();
    bench.answer("play", Ok(Completion::Done));
    bench.drain();
    bench.answer("playandcollect", Ok(Completion::digits("2")));
    bench.drain();
    bench.answer("submit", target());
    assert!(bench.drain().is_empty());
    bench.wait(15_000);
    bench.interaction(InteractionEvent::RouteRequested);
    let log = bench.drain();
    assert!(
        log.iter()
            .any(|line| line.contains("submit ?:support>0@stat.GA priority 1")),
        "{log:?}"
    );
}

#[test]
fn an_abandoned_call_ends_the_session_and_cancels_what_runs() {
    for (answers, cancelled) in [(0, "request.1"), (1, "request.2"), (2, "request.3")] {
        let mut bench = Bench::new(STRATEGY);
        bench.call(Value::object());
        bench.drain();
        let results = [
            ("play", Completion::Done),
            ("playandcollect", Completion::digits("1")),
        ];
        for (action, result) in results.into_iter().take(answers) {
            bench.answer(action, Ok(result));
            bench.drain();
        }
        bench.interaction(InteractionEvent::Abandoned);
        let log = bench.drain();
        assert_eq!(log.len(), 2, "{log:?}");
        assert!(log[0].ends_with(&format!("{cancelled} cancelled")), "{log:?}");
        assert!(log[1].contains("Finished(\"over\")"), "{log:?}");
        assert!(bench.open.is_empty());
    }
}

#[test]
fn a_file_is_compiled_once_until_it_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let mut manager = SessionManager::new(ManagerConfig::default(), Arc::new(FileSource::new(folder)));
    assert_eq!(manager.load("inbound.scxml").unwrap().name(), "inbound");
    manager.load("inbound.scxml").unwrap();
    assert_eq!(
        manager.stats().compiled,
        1,
        "the second load answers the compiled document"
    );
    assert!(manager.forget("inbound.scxml"));
    manager.load("inbound.scxml").unwrap();
    assert_eq!(manager.stats().compiled, 2);
}

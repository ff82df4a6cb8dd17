//! Bad documents, bad actions, broken limits.

use std::time::Duration;

use orchestration::{
    CompleteError, Completion, Failure, InteractionEvent, LoadError, ManagerConfig, Output, StartError,
};
use scxml::{SessionLimits, Value};

use crate::{Bench, ixn, key};

const HEAD: &str = r#"<scxml version="1.0" datamodel="ecmascript" initial="a" xmlns="http://www.w3.org/2005/07/scxml"
    xmlns:queue="www.genesyslab.com/modules/queue" xmlns:dialog="www.genesyslab.com/modules/dialog"
    xmlns:ixn="www.genesyslab.com/modules/interaction">"#;

fn on_present(content: &str) -> String {
    format!(
        r#"{HEAD}<datamodel><data id="rid"/></datamodel>
           <state id="a"><transition event="interaction.present">{content}</transition>
           <transition event="stop" target="z"/>
           <transition event="error queue dialog interaction.deleted"><log expr="_event.name + ' ' + _event.data.error"/></transition></state>
           <final id="z"/></scxml>"#
    )
}

#[test]
fn a_bad_document_is_refused_with_file_line_column_and_rule() {
    let mut bench = Bench::new(&format!(
        "{HEAD}\n  <state id=\"a\">\n    <transition event=\"x\" target=\"nowhere\"/>\n  </state>\n</scxml>"
    ));
    let error = bench.start(Vec::new()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("test.scxml:5:") && text.contains("nowhere") && text.contains("(unknown-target)"),
        "{text}"
    );
    assert!(matches!(error, StartError::Load(LoadError::Document { .. })));
    let missing = bench
        .manager
        .start(bench.now, "none.scxml", Vec::new())
        .unwrap_err();
    assert_eq!(missing.to_string(), "none.scxml: no such document");
    let stats = bench.manager.stats();
    assert_eq!((stats.refused, stats.started, stats.active), (2, 0, 0));
}

/// Spec: ORS reference §3 (action contract, 5)
#[test]
fn actions_that_cannot_be_carried_out_give_error_events_with_codes() {
    let cases = [
        ("<queue:teleport/>", "error.queue.teleport unknown"),
        ("<dialog:dance/>", "error.dialog.dance unknown"),
        ("<ixn:teleport/>", "error.interaction.teleport unknown"),
        ("<queue:submit/>", "error.queue.submit invalidattribute"),
        ("<queue:query/>", "error.queue.query invalidattribute"),
        (
            "<queue:submit priority=\"1.5\"><queue:targets><queue:targetid expr=\"'1.A'\"/></queue:targets></queue:submit>",
            "error.queue.submit invalidattribute",
        ),
        (
            "<queue:submit timeout=\"'soon'\"><queue:targets><queue:targetid expr=\"'1.A'\"/></queue:targets></queue:submit>",
            "error.queue.submit invalidattribute",
        ),
        (
            "<queue:submit interactionid=\"'other'\"><queue:targets><queue:targetid expr=\"'1.A'\"/></queue:targets></queue:submit>",
            "error.queue.submit invalidstate.null",
        ),
        ("<dialog:play/>", "error.dialog.play invalidattribute"),
        (
            "<dialog:play><dialog:prompts><dialog:prompt intid=\"1\" text=\"'x'\"/></dialog:prompts></dialog:play>",
            "error.dialog.play invalidattribute",
        ),
        ("<dialog:collect/>", "error.dialog.collect invalidattribute"),
        (
            "<dialog:collect><dialog:input max_digits=\"0\"/></dialog:collect>",
            "error.dialog.collect invalidattribute",
        ),
        (
            "<dialog:collect><dialog:input max_digits=\"1\" term_digits=\"'x'\"/></dialog:collect>",
            "error.dialog.collect invalidattribute",
        ),
        ("<dialog:stop/>", "error.dialog.stop invalidattribute"),
        ("<ixn:redirect/>", "error.interaction.redirect invalidattribute"),
    ];
    for (content, expected) in cases {
        let mut bench = Bench::new(&on_present(content));
        bench.call(Value::object());
        assert_eq!(bench.drain(), [format!("     0 log  {expected}")], "{content}");
        assert_eq!(bench.manager.stats().refused_actions, 1, "{content}");
        assert!(bench.open.is_empty(), "{content}");
    }
}

#[test]
fn an_expression_that_fails_stops_the_block_before_the_action() {
    let mut bench = Bench::new(&on_present(
        "<dialog:stop requestid=\"no.such.thing\"/><log expr=\"'not reached'\"/>",
    ));
    bench.call(Value::object());
    assert_eq!(bench.drain(), ["     0 log  error.execution undefined"]);
}

#[test]
fn answers_that_nobody_waits_for_or_that_do_not_fit_are_refused() {
    let mut bench = Bench::new(&on_present("<dialog:playsound requestid=\"rid\"/>"));
    let session = bench.call(Value::object());
    bench.drain();
    let request = key(&session, "request.1");
    let digits = bench
        .manager
        .complete(bench.now, &request, Ok(Completion::digits("1")));
    assert_eq!(digits, Err(CompleteError::WrongKind));
    bench
        .manager
        .complete(bench.now, &request, Ok(Completion::Done))
        .unwrap();
    let again = bench.manager.complete(bench.now, &request, Ok(Completion::Done));
    assert_eq!(again, Err(CompleteError::UnknownRequest));
}

#[test]
fn requests_of_an_interaction_that_is_gone_fail_after_its_deletion() {
    let mut bench = Bench::new(&on_present("<dialog:playsound requestid=\"rid\"/>"));
    let session = bench.call(Value::object());
    bench.drain();
    bench.interaction(InteractionEvent::Deleted { result_of: None });
    assert_eq!(
        bench.drain(),
        [
            "     0 request.1 cancelled",
            "     0 log  interaction.deleted undefined",
            "     0 log  error.dialog.playsound cancelled",
        ]
    );
    assert!(
        !bench
            .manager
            .handle_interaction(bench.now, &ixn(), InteractionEvent::Abandoned)
    );
    assert!(
        bench
            .manager
            .query(bench.now, &session)
            .unwrap()
            .interactions
            .is_empty()
    );
    let late = bench
        .manager
        .complete(bench.now, &key(&session, "request.1"), Err(Failure::cancelled()));
    assert_eq!(late, Err(CompleteError::UnknownRequest));
}

/// Spec: ORS reference §8.3 (breach: log, kill, count)
#[test]
fn a_session_that_breaks_a_limit_is_killed_counted_and_its_requests_cancelled() {
    let document = format!(
        r#"{HEAD}<state id="a"><transition event="interaction.present" target="b">
             <dialog:playsound/></transition></state>
             <state id="b"><transition event="go" target="c"/></state>
             <state id="c"><transition target="d"/></state><state id="d"><transition target="c"/></state></scxml>"#
    );
    let limits = SessionLimits::default();
    let mut bench = Bench::with_config(&document, ManagerConfig::default().with_session_limits(limits));
    let session = bench.call(Value::object());
    bench.drain();
    assert!(
        bench
            .manager
            .send_event(bench.now, &session, "go", Value::Undefined)
    );
    let log = bench.drain();
    assert!(log[0].contains("request.1 cancelled"), "{log:?}");
    assert!(
        log[1].contains("ended Killed(") && log[1].contains("ixn-1"),
        "{log:?}"
    );
    assert_eq!(bench.manager.stats().killed, 1);
    assert!(bench.manager.owner(&ixn()).is_none());
}

#[test]
fn an_endless_script_is_killed() {
    let mut bench = Bench::new(&on_present("<script>while (true) {}</script>"));
    bench.call(Value::object());
    let log = bench.drain();
    assert!(log[0].contains("ended Killed(Script)"), "{log:?}");
}

#[test]
fn a_session_that_answers_refused_actions_with_refused_actions_is_killed() {
    let document = format!(
        r#"{HEAD}<state id="a"><transition event="interaction.present error.queue"><queue:submit/></transition></state></scxml>"#
    );
    let mut bench = Bench::new(&document);
    bench.call(Value::object());
    let log = bench.drain();
    assert_eq!(log, ["     0 ended Runaway leaving [\"ixn-1\"] with null"]);
    assert_eq!(bench.manager.stats().killed, 1);
}

#[test]
fn an_old_session_is_killed_exactly_at_its_age() {
    let config = ManagerConfig::default().with_max_session_age(Duration::from_secs(60));
    let mut bench = Bench::with_config(&on_present("<log expr=\"'hi'\"/>"), config);
    bench.call(Value::object());
    bench.drain();
    assert!(bench.wait(59_999).is_empty());
    assert_eq!(
        bench.wait(1),
        ["     60000 ended TooOld leaving [\"ixn-1\"] with null"]
            .map(|line| line.trim_start().to_owned())
            .map(|line| format!(" {line}"))
    );
}

#[test]
fn sessions_are_limited_and_an_interaction_has_one_owner() {
    let config = ManagerConfig::default().with_max_sessions(2);
    let mut bench = Bench::with_config(&on_present(""), config);
    bench.call(Value::object());
    let voice = orchestration::Voice::inbound("1", None, None);
    let second = bench.manager.start_for_interaction(
        bench.now,
        "test.scxml",
        orchestration::Interaction::call("ixn-1", voice),
        Vec::new(),
    );
    assert_eq!(second, Err(StartError::InteractionOwned));
    bench.start(Vec::new()).unwrap();
    assert_eq!(
        bench.start(Vec::new()),
        Err(StartError::TooManySessions { limit: 2 })
    );
}

#[test]
fn outputs_print_no_personal_data() {
    let mut bench = Bench::new(&on_present(
        "<script>_genesys.ixn.setuData({ Name: 'Doe' });</script><ixn:redirect to=\"'5559'\"/>",
    ));
    bench.call(Value::object().with("Pin", "4711"));
    let printed: Vec<_> = std::iter::from_fn(|| bench.manager.poll_output())
        .map(|output: Output| format!("{output:?}"))
        .collect();
    let printed = printed.join(" ");
    assert!(
        printed.contains("SetUserData") && printed.contains("Redirect"),
        "{printed}"
    );
    for secret in ["Doe", "5559", "4711", "5551"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn a_document_that_ends_before_it_gets_its_interaction_leaves_it_by_name() {
    for (content, reason) in [
        ("<final id=\"a\"/>", "Finished(\"a\")"),
        (
            "<script>while (true) {}</script><state id=\"a\"/>",
            "Killed(Script)",
        ),
    ] {
        let mut bench = Bench::new(&format!("{HEAD}{content}</scxml>"));
        bench.call(Value::object());
        assert_eq!(
            bench.drain(),
            [format!("     0 ended {reason} leaving [\"ixn-1\"] with null")]
        );
        assert!(bench.manager.owner(&ixn()).is_none());
    }
}

/// Spec: ORS reference §3 (action contract, 5)
#[test]
fn elements_of_unknown_modules_are_ignored_or_refused_in_strict_mode() {
    let document = |mode: &str| {
        format!(
            r#"<scxml version="1.0" datamodel="ecmascript" exmode="{mode}" xmlns="http://www.w3.org/2005/07/scxml"
                 xmlns:x="http://example.com/x"><state id="a"><onentry><x:dance/><log expr="'after'"/></onentry></state></scxml>"#
        )
    };
    let mut lax = Bench::new(&document("lax"));
    lax.start(Vec::new()).unwrap();
    assert_eq!(lax.drain(), ["     0 log  after"]);
    let error = Bench::new(&document("strict"))
        .start(Vec::new())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("test.scxml:2:") && error.contains("unknown-element"),
        "{error}"
    );
}

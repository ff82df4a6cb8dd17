//! Treatments at a routing point.

use std::time::Duration;

use tlib::catalog::{ErrorCode, TreatmentType};
use tlib::switch::Treatment;
use tlib::{AttributeId as A, KvList, Message, MessageType as M};

use super::bench::{Bench, call_request, config};

fn apply(bench: &Bench, treatment_type: TreatmentType, parms: KvList) -> Message {
    call_request(M::REQUEST_APPLY_TREATMENT, "8000", bench.conn_id())
        .with(A::TREATMENT_TYPE, treatment_type.0)
        .with(A::TREATMENT_PARMS, parms)
}

fn menu() -> KvList {
    let prompt = KvList::new().with("INTERRUPTABLE", 1).with("ID", "menu.wav");
    KvList::new()
        .with("PROMPT", KvList::new().with("1", prompt))
        .with("MAX_DIGITS", 4)
        .with("TERM_DIGITS", "#")
        .with("ABORT_DIGITS", "*")
}

fn greeting() -> KvList {
    let prompt = KvList::new().with("ID", "greeting.wav");
    KvList::new().with("PROMPT", KvList::new().with("1", prompt))
}

// Spec: T-Library reference §6.12 (treatment on an RP); cluster reference §5.2 step 4
#[test]
fn a_caller_hears_a_prompt_presses_digits_and_hears_music_until_the_agent_answers() {
    let (mut bench, router, _) = Bench::with_router_and_desktop(config());
    let caller = bench.caller("8000");
    bench.clear();
    let announcement = apply(&bench, TreatmentType::PLAY_ANNOUNCEMENT, greeting());
    bench.request(router, announcement);
    bench.advance(Duration::from_secs(2));
    let collect = apply(&bench, TreatmentType::PLAY_ANNOUNCEMENT_AND_DIGITS, menu());
    bench.request(router, collect);
    bench.at_switch(|switch, now| switch.press(now, caller, "42#"));
    let music = apply(
        &bench,
        TreatmentType::MUSIC,
        KvList::new().with("MUSIC_DN", "wait.wav"),
    );
    bench.request(router, music);
    let call = bench.conn_id();
    bench.route(router, "8000", call, "1001");
    assert!(matches!(
        bench.switch.treatment(caller),
        Some(Treatment::Music { .. })
    ));
    bench.answers("1001");
    assert_eq!(bench.switch.treatment(caller), None);
    insta::assert_snapshot!(bench.log());
    bench.hangs_up("1001");
    bench.assert_idle();
}

#[test]
fn the_music_goes_on_while_a_call_comes_back_from_an_agent() {
    let (mut bench, router, _) = Bench::with_router_and_desktop(config());
    let caller = bench.caller("8000");
    let music = apply(&bench, TreatmentType::MUSIC, KvList::new());
    bench.request(router, music);
    let call = bench.conn_id();
    bench.route(router, "8000", call, "1001");
    bench.advance(Duration::from_secs(20));
    assert!(matches!(
        bench.switch.treatment(caller),
        Some(Treatment::Music { .. })
    ));
    assert_eq!(bench.names(router).last().unwrap(), "EventRouteRequest");
}

#[test]
fn a_new_treatment_ends_the_running_one() {
    let (mut bench, router, _) = Bench::with_router_and_desktop(config());
    bench.caller("8000");
    let music = apply(&bench, TreatmentType::MUSIC, KvList::new());
    bench.request(router, music);
    let ringback = apply(&bench, TreatmentType::RING_BACK, KvList::new());
    bench.clear();
    bench.request(router, ringback);
    assert_eq!(
        bench.names(router),
        ["EventTreatmentEnd", "EventTreatmentApplied"]
    );
    let kind = |message_type| bench.last(message_type).message.int(A::TREATMENT_TYPE);
    assert_eq!(kind(M::EVENT_TREATMENT_END), Some(TreatmentType::MUSIC.0));
    assert_eq!(kind(M::EVENT_TREATMENT_APPLIED), Some(TreatmentType::RING_BACK.0));
}

#[test]
fn every_treatment_type_of_the_switch_can_be_applied_and_ends_by_its_duration() {
    for treatment_type in [
        TreatmentType::MUSIC,
        TreatmentType::RING_BACK,
        TreatmentType::SILENCE,
        TreatmentType::BUSY,
    ] {
        let (mut bench, router, _) = Bench::with_router_and_desktop(config());
        bench.caller("8000");
        bench.clear();
        let message = apply(&bench, treatment_type, KvList::new().with("DURATION", "3"));
        bench.request(router, message);
        bench.advance(Duration::from_secs(2));
        assert_eq!(bench.names(router), ["EventTreatmentApplied"]);
        bench.advance(Duration::from_secs(1));
        assert_eq!(
            bench.names(router),
            ["EventTreatmentApplied", "EventTreatmentEnd"]
        );
    }
}

#[test]
fn digits_end_by_count_by_abort_and_by_time() {
    for (pressed, digits, last, timed_out) in [
        ("1234", "1234", Some('4'), false),
        ("12*", "", Some('*'), false),
        ("12", "12", None, true),
    ] {
        let (mut bench, router, _) = Bench::with_router_and_desktop(config());
        let caller = bench.caller("8000");
        let message = apply(&bench, TreatmentType::PLAY_ANNOUNCEMENT_AND_DIGITS, menu());
        bench.request(router, message);
        bench.at_switch(|switch, now| switch.press(now, caller, pressed));
        bench.advance(Duration::from_secs(5));
        let end = &bench.last(M::EVENT_TREATMENT_END).message;
        assert_eq!(end.str(A::COLLECTED_DIGITS), Some(digits));
        assert_eq!(end.int(A::LAST_DIGIT), last.map(|digit: char| digit as i32));
        let error = timed_out.then_some(ErrorCode::TIMEOUT.0);
        assert_eq!(end.int(A::ERROR_CODE), error);
    }
}

// Spec: T-Library reference §6.12 (refusal)
#[test]
fn a_treatment_that_the_switch_cannot_start_is_not_applied() {
    let (mut bench, router, _) = Bench::with_router_and_desktop(config());
    bench.switch.remove_source("greeting.wav");
    bench.caller("8000");
    bench.clear();
    let announcement = apply(&bench, TreatmentType::PLAY_ANNOUNCEMENT, greeting());
    bench.request(router, announcement);
    insta::assert_snapshot!(bench.log());
    let music = apply(&bench, TreatmentType::MUSIC, KvList::new());
    bench.request(router, music);
    assert_eq!(bench.names(router).last().unwrap(), "EventTreatmentApplied");
}

#[test]
fn a_caller_who_hangs_up_in_the_prompt_abandons_at_the_routing_point() {
    let (mut bench, router, _) = Bench::with_router_and_desktop(config());
    bench.caller("8000");
    let announcement = apply(&bench, TreatmentType::PLAY_ANNOUNCEMENT, greeting());
    bench.request(router, announcement);
    bench.clear();
    bench.hangs_up("0304711");
    bench.advance(Duration::from_secs(10));
    assert_eq!(bench.names(router), ["EventAbandoned"]);
    bench.assert_idle();
}

#[test]
fn a_treatment_needs_a_call_that_waits_at_the_routing_point() {
    let (mut bench, router, _) = Bench::with_router_and_desktop(config());
    bench.caller("8000");
    let music = apply(&bench, TreatmentType::MUSIC, KvList::new());
    let call = bench.conn_id();
    bench.route(router, "8000", call, "1001");
    bench.clear();
    bench.request(router, music);
    assert_eq!(bench.names(router), ["EventError"]);
    let code = bench.last(M::EVENT_ERROR).message.int(A::ERROR_CODE);
    assert_eq!(code, Some(ErrorCode::INVALID_CONN_ID.0));
}

#[test]
fn a_treatment_that_has_not_begun_when_the_call_moves_on_is_answered() {
    for (request, names) in [
        (
            Some(M::REQUEST_ROUTE_CALL),
            &["EventTreatmentNotApplied", "EventRouteUsed", "EventDiverted"][..],
        ),
        (Some(M::REQUEST_APPLY_TREATMENT), &["EventTreatmentNotApplied"]),
        (None, &["EventTreatmentNotApplied", "EventAbandoned"]),
    ] {
        let (mut bench, router, _) = Bench::with_router_and_desktop(config());
        bench.caller("8000");
        bench.switch_is_deaf = true;
        let music = apply(&bench, TreatmentType::MUSIC, KvList::new());
        bench.request(router, music);
        bench.clear();
        match request {
            Some(M::REQUEST_ROUTE_CALL) => {
                let call = bench.conn_id();
                bench.route(router, "8000", call, "1001");
            }
            Some(_) => {
                let ringback = apply(&bench, TreatmentType::RING_BACK, KvList::new());
                bench.request(router, ringback);
            }
            None => bench.hangs_up("0304711"),
        }
        assert_eq!(bench.names(router), names);
        assert!(bench.last(M::EVENT_TREATMENT_NOT_APPLIED).reference.is_some());
    }
}

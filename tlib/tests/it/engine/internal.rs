//! Calls that our phones make, hold, retrieve, redirect.

use std::time::Duration;

use tlib::catalog::{CallState, CallType};
use tlib::sim::{SimEndpoint, SimReply};
use tlib::{AttributeId as A, ClientId, Message, MessageType as M};

use super::bench::{Bench, call_request, config, pairs};

/// Desktops at 1001 and 1002.
fn two_desktops() -> (Bench, ClientId, ClientId) {
    let mut bench = Bench::new(config());
    let first = bench.client("desktop-1001", &["1001"]);
    let second = bench.client("desktop-1002", &["1002"]);
    bench.clear();
    (bench, first, second)
}

fn make_call(from: &str, to: &str) -> Message {
    Message::new(M::REQUEST_MAKE_CALL)
        .with(A::THIS_DN, from)
        .with(A::OTHER_DN, to)
        .with(A::USER_DATA, pairs(&[("Why", "test")]))
}

/// A connected call of 1001 to 1002.
fn talking() -> (Bench, ClientId, ClientId) {
    let (mut bench, first, second) = two_desktops();
    bench.request(first, make_call("1001", "1002"));
    bench.answers("1002");
    bench.clear();
    (bench, first, second)
}

// Spec: T-Library reference §6.1
#[test]
fn a_made_call_rings_the_makers_phone_first_and_then_the_destination() {
    let (mut bench, first, second) = two_desktops();
    bench.request(first, make_call("1001", "1002"));
    bench.advance(Duration::from_secs(2));
    let call = bench.conn_id();
    bench.on_call(second, M::REQUEST_ANSWER_CALL, "1002", call);
    bench.advance(Duration::from_secs(10));
    bench.on_call(first, M::REQUEST_RELEASE_CALL, "1001", call);
    insta::assert_snapshot!(bench.log());
    bench.assert_idle();
}

// Spec: T-Library reference §6.1
#[test]
fn a_call_dialed_at_the_phone_gives_the_same_events() {
    let (mut bench, first, second) = two_desktops();
    bench.at_switch(|switch, _| switch.call(Some("1001"), "1001", "1002"));
    bench.answers("1002");
    bench.hangs_up("1002");
    let dialed = ["EventDialing", "EventEstablished", "EventReleased"];
    assert_eq!(bench.names(first), dialed);
    assert_eq!(
        bench.names(second),
        ["EventRinging", "EventEstablished", "EventReleased"]
    );
    insta::assert_snapshot!(bench.log());
    bench.assert_idle();
}

// Spec: T-Library reference §6.1 (busy)
#[test]
fn a_busy_destination_is_told_to_the_caller() {
    let (mut bench, _, _) = two_desktops();
    bench.switch.add("1002", SimEndpoint::new(SimReply::Busy));
    bench.at_switch(|switch, _| switch.call(Some("1001"), "1001", "1002"));
    insta::assert_snapshot!(bench.log());
    bench.assert_idle();
}

// Spec: T-Library reference §6.1 (no answer)
#[test]
fn a_destination_that_does_not_answer_ends_the_call_at_both() {
    let (mut bench, first, second) = two_desktops();
    bench.request(first, make_call("1001", "1002"));
    bench.advance(Duration::from_secs(20));
    assert_eq!(bench.names(first), ["EventDialing", "EventReleased"]);
    assert_eq!(bench.names(second), ["EventRinging", "EventReleased"]);
    let state = bench.last(M::EVENT_RELEASED).message.int(A::CALL_STATE);
    assert_eq!(state, Some(CallState::NO_ANSWER.0));
    bench.assert_idle();
}

#[test]
fn a_caller_who_gives_up_abandons_at_the_destination() {
    let (mut bench, first, second) = two_desktops();
    bench.request(first, make_call("1001", "1002"));
    let call = bench.conn_id();
    bench.on_call(first, M::REQUEST_RELEASE_CALL, "1001", call);
    assert_eq!(bench.names(first), ["EventDialing", "EventReleased"]);
    assert_eq!(bench.names(second), ["EventRinging", "EventAbandoned"]);
    bench.assert_idle();
}

// Spec: T-Library reference §6.6
#[test]
fn an_outbound_call_reaches_the_network_and_is_answered() {
    let (mut bench, first, _) = two_desktops();
    bench.request(first, make_call("1001", "0301111"));
    bench.advance(Duration::from_secs(1));
    bench.answers("0301111");
    bench.hangs_up("0301111");
    insta::assert_snapshot!(bench.log());
    bench.assert_idle();
}

// Spec: T-Library reference §6.6 (failure)
#[test]
fn an_outbound_call_that_fails_tells_why_twice() {
    for (reply, state) in [
        (SimReply::Busy, CallState::BUSY),
        (SimReply::Rings, CallState::NO_ANSWER),
    ] {
        let (mut bench, first, _) = two_desktops();
        bench.switch.add("0301111", SimEndpoint::new(reply).outside());
        bench.request(first, make_call("1001", "0301111"));
        bench.advance(Duration::from_secs(20));
        let names = bench.names(first);
        let end = &names[names.len() - 2..];
        assert_eq!(end, ["EventDestinationBusy", "EventReleased"]);
        for message_type in [M::EVENT_DESTINATION_BUSY, M::EVENT_RELEASED] {
            let event = &bench.last(message_type).message;
            assert_eq!(event.int(A::CALL_STATE), Some(state.0));
            assert_eq!(event.int(A::CALL_TYPE), Some(CallType::OUTBOUND.0));
        }
        bench.assert_idle();
    }
}

#[test]
fn a_makers_phone_that_does_not_answer_is_an_error_and_no_call() {
    let (mut bench, first, second) = two_desktops();
    bench
        .switch
        .add("1001", SimEndpoint::new(SimReply::Rings).disobedient());
    bench.request(first, make_call("1001", "1002"));
    assert_eq!(bench.names(first), [""; 0]);
    bench.advance(Duration::from_secs(20));
    assert_eq!(bench.names(first), ["EventError"]);
    assert_eq!(bench.names(second), [""; 0]);
    let error = bench.last(M::EVENT_ERROR);
    assert_eq!(
        error.message.str(A::ERROR_MESSAGE),
        Some("maker's phone did not answer")
    );
    assert!(error.reference.is_some());
    bench.assert_idle();
}

#[test]
fn a_maker_can_release_before_its_phone_answers() {
    let (mut bench, first, _) = two_desktops();
    bench
        .switch
        .add("1001", SimEndpoint::new(SimReply::Rings).disobedient());
    bench.request(first, make_call("1001", "1002"));
    let query = Message::new(M::REQUEST_REGISTER_ADDRESS).with(A::THIS_DN, "1001");
    bench.request(first, query);
    let snapshot = bench.last(M::EVENT_REGISTERED).message.kv(A::EXTENSIONS).unwrap();
    assert_eq!(snapshot.get_int("ps-1"), Some(1));
    let call = u64::from_str_radix(snapshot.get_str("conn-1").unwrap(), 16).unwrap();
    bench.on_call(first, M::REQUEST_RELEASE_CALL, "1001", tlib::ConnId(call));
    assert_eq!(bench.names(first)[1..], ["EventError", "EventReleased"]);
    bench.assert_idle();
}

#[test]
fn an_agent_can_call_a_routing_point() {
    let (mut bench, first, _) = two_desktops();
    let router = bench.client("router", &["8000"]);
    bench.request(first, make_call("1001", "8000"));
    let call = bench.conn_id();
    bench.clear();
    bench.route(router, "8000", call, "1002");
    bench.answers("1002");
    assert_eq!(bench.names(first), ["EventEstablished"]);
    assert_eq!(
        bench.last(M::EVENT_ESTABLISHED).message.str(A::OTHER_DN),
        Some("1002")
    );
}

// Spec: T-Library reference §6.7
#[test]
fn a_call_is_held_and_retrieved_by_request_and_by_the_phone() {
    let (mut bench, first, second) = talking();
    let call = bench.conn_id();
    bench.on_call(second, M::REQUEST_HOLD_CALL, "1002", call);
    bench.on_call(second, M::REQUEST_RETRIEVE_CALL, "1002", call);
    assert_eq!(bench.names(first), [""; 0]);
    insta::assert_snapshot!(bench.log());
    bench.clear();
    bench.at_switch(|switch, _| switch.hold(switch.leg_of("1001").unwrap(), true));
    bench.at_switch(|switch, _| switch.hold(switch.leg_of("1001").unwrap(), false));
    assert_eq!(bench.names(first), ["EventHeld", "EventRetrieved"]);
    assert_eq!(bench.names(second), [""; 0]);
    bench.hangs_up("1001");
    bench.assert_idle();
}

#[test]
fn a_hold_that_the_switch_cannot_do_is_taken_back() {
    let (mut bench, first, _) = talking();
    let call = bench.conn_id();
    bench.on_call(first, M::REQUEST_HOLD_CALL, "1001", call);
    let leg = bench.switch.leg_of("1001").unwrap();
    let cause = tlib::switch::Cause::Media;
    bench.switch_event(tlib::switch::SwitchEvent::CommandFailed { leg, cause });
    assert_eq!(bench.names(first), ["EventHeld", "EventRetrieved"]);
}

// Spec: T-Library reference §6.12 (redirect)
#[test]
fn a_ringing_call_is_redirected() {
    let (mut bench, first, second) = two_desktops();
    bench.client("desktop-1003", &["1003"]);
    bench.request(first, make_call("1001", "1002"));
    let call = bench.conn_id();
    bench.clear();
    let redirect = call_request(M::REQUEST_REDIRECT_CALL, "1002", call).with(A::OTHER_DN, "1003");
    bench.request(second, redirect);
    bench.answers("1003");
    insta::assert_snapshot!(bench.log());
    bench.hangs_up("1003");
    bench.assert_idle();
}

#[test]
fn a_call_can_be_cleared_for_everybody() {
    let (mut bench, first, second) = talking();
    let call = bench.conn_id();
    bench.on_call(first, M::REQUEST_CLEAR_CALL, "1001", call);
    assert_eq!(bench.names(first), ["EventReleased"]);
    assert_eq!(bench.names(second), ["EventReleased"]);
    bench.assert_idle();
}

#[test]
fn an_answer_request_that_the_phone_ignores_is_an_error() {
    let (mut bench, first, second) = two_desktops();
    bench
        .switch
        .add("1002", SimEndpoint::new(SimReply::Rings).disobedient());
    bench.request(first, make_call("1001", "1002"));
    let call = bench.conn_id();
    bench.on_call(second, M::REQUEST_ANSWER_CALL, "1002", call);
    assert_eq!(bench.names(second), ["EventRinging", "EventError"]);
    assert_eq!(bench.server.stats().calls, 1);
}

#[test]
fn an_answer_request_that_the_caller_overtakes_is_an_error() {
    let (mut bench, first, second) = two_desktops();
    bench.request(first, make_call("1001", "1002"));
    let call = bench.conn_id();
    bench.switch_is_deaf = true;
    bench.on_call(second, M::REQUEST_ANSWER_CALL, "1002", call);
    bench.hangs_up("1001");
    assert_eq!(
        bench.names(second),
        ["EventRinging", "EventAbandoned", "EventError"]
    );
    assert_eq!(bench.server.stats().calls, 0);
}

#[test]
fn a_call_whose_media_cannot_be_joined_is_released() {
    let (mut bench, first, second) = talking();
    let leg = bench.switch.leg_of("1002").unwrap();
    let cause = tlib::switch::Cause::Media;
    bench.switch_event(tlib::switch::SwitchEvent::CommandFailed { leg, cause });
    assert_eq!(bench.names(first), ["EventReleased"]);
    assert_eq!(bench.names(second), ["EventReleased"]);
    let state = bench.last(M::EVENT_RELEASED).message.int(A::CALL_STATE);
    assert_eq!(state, Some(CallState::GENERAL_ERROR.0));
    bench.assert_idle();
}

//! Every refusal is an `EventError` with code, text and the request's reference id.

use tlib::catalog::{ErrorCode, RouteType, TreatmentType};
use tlib::{AttributeId as A, ClientId, ClientInput, ConnId, Message, MessageType as M, Output};

use super::bench::{Bench, call_request, config};

fn refused(bench: &mut Bench, client: ClientId, request: Message) -> (ErrorCode, String) {
    bench.clear();
    bench.request(client, request);
    assert_eq!(bench.names(client), ["EventError"], "{}", bench.log());
    let error = &bench.received[0];
    assert!(error.reference.is_some());
    let code = error.message.int(A::ERROR_CODE).unwrap();
    let text = error.message.str(A::ERROR_MESSAGE).unwrap();
    (ErrorCode(code), text.to_owned())
}

#[test]
fn every_refusal_has_its_code_and_a_clear_text() {
    let (mut bench, router, desktop) = Bench::with_router_and_desktop(config());
    bench.at_switch(|switch, _| switch.vanish("1002"));
    bench.caller("8000");
    let call = bench.conn_id();
    let unknown = ConnId(1);
    let dn = |request, dn: &str| Message::new(request).with(A::THIS_DN, dn);
    let to = |request: Message, to: &str| request.with(A::OTHER_DN, to);
    let route = |to: &str| call_request(M::REQUEST_ROUTE_CALL, "8000", call).with(A::OTHER_DN, to);
    let requests = [
        (router, Message::new(M::REQUEST_SET_DND_ON)),
        (router, Message::new(M::EVENT_RINGING)),
        (router, Message::new(tlib::MessageType(9_999))),
        (router, Message::new(M::REQUEST_REGISTER_ADDRESS)),
        (router, dn(M::REQUEST_REGISTER_ADDRESS, "9999")),
        (
            router,
            dn(M::REQUEST_REGISTER_ADDRESS, "8000").with(A::REGISTER_MODE, 9),
        ),
        (router, dn(M::REQUEST_UNREGISTER_ADDRESS, "1001")),
        (router, call_request(M::REQUEST_ANSWER_CALL, "1001", call)),
        (router, route("1002")),
        (router, route("7000")),
        (router, route("two words")),
        (router, route("1001").with(A::ROUTE_TYPE, RouteType::LABEL.0)),
        (router, call_request(M::REQUEST_ROUTE_CALL, "8000", unknown)),
        (router, call_request(M::REQUEST_ROUTE_CALL, "8001", call)),
        (router, call_request(M::REQUEST_HOLD_CALL, "8000", call)),
        (router, call_request(M::REQUEST_APPLY_TREATMENT, "8000", call)),
        (
            router,
            call_request(M::REQUEST_APPLY_TREATMENT, "8000", call)
                .with(A::TREATMENT_TYPE, TreatmentType::IVR.0),
        ),
        (router, dn(M::REQUEST_AGENT_LOGIN, "8000").with(A::AGENT_ID, "A1")),
        (desktop, dn(M::REQUEST_AGENT_LOGIN, "1001")),
        (desktop, dn(M::REQUEST_AGENT_READY, "1001")),
        (
            desktop,
            dn(M::REQUEST_AGENT_LOGIN, "1001")
                .with(A::AGENT_ID, "A1")
                .with(A::THIS_QUEUE, "1002"),
        ),
        (desktop, to(dn(M::REQUEST_MAKE_CALL, "1001"), "1001")),
        (desktop, to(dn(M::REQUEST_MAKE_CALL, "1001"), "1002")),
        (desktop, to(dn(M::REQUEST_MAKE_CALL, "1001"), "")),
        (desktop, call_request(M::REQUEST_ATTACH_USER_DATA, "1001", call)),
        (desktop, call_request(M::REQUEST_QUERY_CALL, "1001", unknown)),
    ];
    let mut table = String::new();
    for (client, request) in requests {
        let name = request.message_type;
        let (code, text) = refused(&mut bench, client, request);
        table.push_str(&format!("{name}: {} {text}\n", code.0));
    }
    insta::assert_snapshot!(table);
    assert_eq!(bench.server.stats().calls, 1);
}

#[test]
fn a_phone_with_a_call_cannot_make_another_until_it_holds() {
    let (mut bench, _, desktop) = Bench::with_router_and_desktop(config());
    bench.caller("1001");
    bench.answers("1001");
    let call = bench.conn_id();
    let make = || {
        Message::new(M::REQUEST_MAKE_CALL)
            .with(A::THIS_DN, "1001")
            .with(A::OTHER_DN, "1003")
    };
    let (code, _) = refused(&mut bench, desktop, make());
    assert_eq!(code, ErrorCode::WRONG_SET_STATE);
    bench.on_call(desktop, M::REQUEST_HOLD_CALL, "1001", call);
    bench.request(desktop, make());
    assert_eq!(bench.names(desktop).last().unwrap(), "EventDialing");
}

#[test]
fn requests_before_register_client_are_refused() {
    let mut bench = Bench::new(config());
    let client = ClientId(9);
    bench
        .server
        .handle_client(bench.now, ClientInput::Connected { client });
    let message = Message::new(M::REQUEST_QUERY_SERVER);
    bench
        .server
        .handle_client(bench.now, ClientInput::Request { client, message });
    let Some(Output::Send { message, .. }) = bench.server.poll_output() else {
        panic!("no answer")
    };
    assert_eq!(message.int(A::ERROR_CODE), Some(ErrorCode::INVALID_STATE.0));
}

#[test]
fn events_of_unknown_legs_are_counted_and_ignored() {
    use tlib::switch::{Cause, LegId, SwitchEvent};
    let mut bench = Bench::new(config());
    let leg = LegId::from_engine(5);
    bench.switch_event(SwitchEvent::Answered { leg });
    bench.switch_event(SwitchEvent::Held { leg });
    let cause = Cause::Normal;
    bench.switch_event(SwitchEvent::Released { leg, cause });
    bench.switch_event(SwitchEvent::CommandFailed { leg, cause });
    assert_eq!(bench.server.stats().switch_events_ignored_total, 4);
    assert_eq!(bench.log(), "");
}

#[test]
fn a_request_with_more_than_an_event_could_carry_is_refused() {
    let (mut bench, _, desktop) = Bench::with_router_and_desktop(config());
    let ready = || Message::new(M::REQUEST_AGENT_READY).with(A::THIS_DN, "1001");
    let mut reasons = tlib::KvList::new();
    for _ in 0..5_000 {
        reasons.push("", "");
    }
    let (code, text) = refused(&mut bench, desktop, ready().with(A::REASON, reasons));
    assert_eq!(
        (code, text.as_str()),
        (ErrorCode::INVALID_ATTRIBUTE, "Reason has more than 4096 pairs")
    );
    let mut crowded = ready();
    for _ in 0..600 {
        crowded.push(A::PLACE, "here");
    }
    let (code, _) = refused(&mut bench, desktop, crowded);
    assert_eq!(code, ErrorCode::INVALID_ATTRIBUTE);
}

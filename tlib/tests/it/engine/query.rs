//! Sessions, registrations, snapshots and queries.

use bytes::Bytes;
use tlib::catalog::{AddressInfoType, ErrorCode, RegisterMode};
use tlib::{
    AttributeId as A, ClientId, ClientInput, Limits, Message, MessageType as M, Output, ReferenceId, Value,
};

use super::bench::{Bench, call_request, config};

fn register(dn: &str, mode: RegisterMode) -> Message {
    Message::new(M::REQUEST_REGISTER_ADDRESS)
        .with(A::THIS_DN, dn)
        .with(A::REGISTER_MODE, mode.0)
}

fn query(dn: &str, info_type: AddressInfoType) -> Message {
    Message::new(M::REQUEST_QUERY_ADDRESS)
        .with(A::THIS_DN, dn)
        .with(A::ADDRESS_INFO_TYPE, info_type.0)
}

fn code(bench: &Bench) -> Option<i32> {
    bench.last(M::EVENT_ERROR).message.int(A::ERROR_CODE)
}

// Spec: T-Library reference §4 (RegisterClient, QueryServer, RegisterAddress)
#[test]
fn a_session_starts_with_link_connected_server_info_and_registered() {
    let mut bench = Bench::new(config());
    let client = bench.client("desktop", &[]);
    bench.request(client, Message::new(M::REQUEST_QUERY_SERVER));
    bench.request(client, register("1001", RegisterMode::MODE_SHARE));
    bench.request(
        client,
        Message::new(M::REQUEST_UNREGISTER_ADDRESS).with(A::THIS_DN, "1001"),
    );
    insta::assert_snapshot!(bench.log());
    assert_eq!(bench.server.stats().registrations, 0);
}

// Spec: T-Library reference §5 (keys of a DN snapshot)
#[test]
fn the_snapshot_of_a_dn_shows_calls_and_agent() {
    let (mut bench, router, desktop) = Bench::with_router_and_desktop(config());
    let login = Message::new(M::REQUEST_AGENT_LOGIN)
        .with(A::THIS_DN, "1001")
        .with(A::THIS_QUEUE, "7000")
        .with(A::AGENT_ID, "A1");
    bench.request(desktop, login);
    bench.caller("8000");
    let call = bench.conn_id();
    bench.clear();
    bench.request(router, register("8000", RegisterMode::MODE_SHARE));
    bench.route(router, "8000", call, "1001");
    bench.request(desktop, query("1001", AddressInfoType::DN_STATUS));
    bench.answers("1001");
    bench.clear();
    bench.request(router, query("8000", AddressInfoType::QUEUE_STATUS));
    bench.request(desktop, query("1001", AddressInfoType::DN_STATUS));
    bench.request(desktop, call_request(M::REQUEST_QUERY_CALL, "1001", call));
    insta::assert_snapshot!(bench.log());
}

#[test]
fn an_address_is_queried_by_kind_of_information() {
    let (mut bench, router, desktop) = Bench::with_router_and_desktop(config());
    bench.login(desktop, "1001", "A1");
    bench.caller("8000");
    let call = bench.conn_id();
    for (dn, info_type, status) in [
        ("8000", AddressInfoType::NUMBER_OF_CALLS_IN_QUEUE, 1),
        ("8000", AddressInfoType::ADDRESS_TYPE, 4),
        ("7000", AddressInfoType::NUMBER_OF_AGENTS_IN_QUEUE, 0),
        ("7000", AddressInfoType::NUMBER_OF_AVAILABLE_AGENTS_IN_QUEUE, 0),
        ("1001", AddressInfoType::ADDRESS_STATUS, 0),
        ("1001", AddressInfoType::AGENT_STATUS, 3),
        ("8000", AddressInfoType::CALLS_QUERY, 1),
    ] {
        bench.request(router, query(dn, info_type));
        let info = &bench.last(M::EVENT_ADDRESS_INFO).message;
        assert_eq!(info.int(A::ADDRESS_INFO_STATUS), Some(status), "{info_type}");
    }
    assert_eq!(bench.last(M::EVENT_ADDRESS_INFO).message.conn_id(), Some(call));
    bench.request(router, query("8000", AddressInfoType::DATABASE_VALUE));
    assert_eq!(code(&bench), Some(ErrorCode::NOT_SUPPORTED.0));
}

// Spec: T-Library reference §6.16 rules 2 and 3
#[test]
fn only_the_requester_gets_the_reference_id_and_everybody_one_copy() {
    let (mut bench, _, desktop) = Bench::with_router_and_desktop(config());
    let watcher = bench.client("watcher", &["1001", "1001"]);
    bench.clear();
    bench.login(desktop, "1001", "A1");
    assert_eq!(bench.names(watcher), bench.names(desktop));
    let login = bench
        .received
        .iter()
        .filter(|received| received.message.message_type == M::EVENT_AGENT_LOGIN);
    let references: Vec<_> = login
        .map(|received| (received.client, received.reference.is_some()))
        .collect();
    assert_eq!(references, [(desktop, true), (watcher, false)]);
}

// Spec: T-Library reference §6.16 rule 4
#[test]
fn sequence_numbers_rise_by_one_per_event_whoever_receives_it() {
    let (mut bench, router, desktop) = Bench::with_router_and_desktop(config());
    bench.client("watcher", &["1001", "8000"]);
    bench.clear();
    bench.login(desktop, "1001", "A1");
    bench.caller("8000");
    let call = bench.conn_id();
    bench.route(router, "8000", call, "1001");
    let mut numbers: Vec<i64> = bench
        .received
        .iter()
        .map(|received| received.message.long(A::EVENT_SEQUENCE_NUMBER).unwrap())
        .collect();
    numbers.dedup();
    let first = numbers[0];
    let expected: Vec<i64> = (first..first + 7).collect();
    assert_eq!(numbers, expected);
}

// Spec: T-Library reference §6.16 rule 1
#[test]
fn a_private_registration_excludes_others_but_not_monitors() {
    let mut bench = Bench::new(config());
    let owner = bench.client("owner", &[]);
    let other = bench.client("other", &[]);
    bench.request(owner, register("1001", RegisterMode::MODE_PRIVATE));
    bench.request(other, register("1001", RegisterMode::MODE_SHARE));
    assert_eq!(code(&bench), Some(ErrorCode::RESOURCE_SEIZED.0));
    bench.clear();
    bench.request(other, register("1001", RegisterMode::MODE_MONITOR));
    assert_eq!(bench.names(other), ["EventRegistered"]);
    bench.login(owner, "1001", "A1");
    assert_eq!(bench.names(other)[1..], ["EventAgentLogin", "EventAgentReady"]);
    bench.login(other, "1001", "A1");
    assert_eq!(code(&bench), Some(ErrorCode::NOT_REGISTERED.0));
    let gone = ClientInput::Disconnected { client: owner };
    bench.server.handle_client(bench.now, gone);
    bench.request(other, register("1001", RegisterMode::MODE_PRIVATE));
    assert_eq!(bench.names(other).last().unwrap(), "EventRegistered");
}

// Spec: T-Library reference §1.12
#[test]
fn an_input_mask_hides_events_but_not_answers() {
    let (mut bench, _, desktop) = Bench::with_router_and_desktop(config());
    let mut mask = [0_u8; 64];
    let ready = M::EVENT_AGENT_READY.0;
    mask[usize::from(ready / 8)] |= 1 << (ready % 8);
    let mask = Value::Binary(Bytes::copy_from_slice(&mask));
    bench.request(
        desktop,
        Message::new(M::REQUEST_SET_INPUT_MASK).with(A::INPUT_MASK, mask),
    );
    bench.clear();
    bench.login(desktop, "1001", "A1");
    bench.caller("1001");
    assert_eq!(bench.names(desktop), ["EventAgentLogin", "EventAgentReady"]);
    let short = Value::Binary(Bytes::from_static(&[0; 8]));
    bench.request(
        desktop,
        Message::new(M::REQUEST_SET_INPUT_MASK).with(A::INPUT_MASK, short),
    );
    assert_eq!(code(&bench), Some(ErrorCode::INVALID_ATTRIBUTE.0));
}

// Spec: T-Library reference §2 (ReferenceID)
#[test]
fn a_request_that_wants_no_answer_gets_none() {
    let (mut bench, router, _) = Bench::with_router_and_desktop(config());
    bench.caller("8000");
    let call = bench.conn_id();
    bench.clear();
    let silent = |message: Message| message.with(A::REFERENCE_ID, ReferenceId::NO_ANSWER);
    bench.send(router, silent(query("8000", AddressInfoType::ADDRESS_TYPE)));
    bench.send(router, silent(Message::new(M::REQUEST_ROUTE_CALL)));
    assert_eq!(bench.names(router), [""; 0]);
    let route = call_request(M::REQUEST_ROUTE_CALL, "8000", call).with(A::OTHER_DN, "1001");
    bench.send(router, silent(route));
    assert_eq!(bench.names(router), ["EventRouteUsed", "EventDiverted"]);
    assert!(bench.received.iter().all(|received| received.reference.is_none()));
}

#[test]
fn clients_and_registrations_beyond_the_limit_are_refused() {
    let limits = Limits::default().with_clients(2).with_registrations(1);
    let mut bench = Bench::new(config().with_limits(limits));
    let first = bench.client("first", &["1001"]);
    let second = bench.client("second", &["1001"]);
    assert_eq!(code(&bench), Some(ErrorCode::NO_MORE_LICENSES.0));
    bench.request(first, register("1001", RegisterMode::MODE_SHARE));
    assert_eq!(bench.names(first).last().unwrap(), "EventRegistered");
    let third = ClientId(77);
    bench
        .server
        .handle_client(bench.now, ClientInput::Connected { client: third });
    assert_eq!(
        bench.server.poll_output(),
        Some(Output::Disconnect { client: third })
    );
    let gone = ClientInput::Disconnected { client: first };
    bench.server.handle_client(bench.now, gone);
    bench.request(second, register("1001", RegisterMode::MODE_SHARE));
    assert_eq!(bench.names(second).last().unwrap(), "EventRegistered");
    let stats = bench.server.stats();
    assert_eq!(
        (stats.clients, stats.registrations, stats.clients_refused_total),
        (1, 1, 1)
    );
}

// Spec: T-Library reference §9 (64 KiB per list)
#[test]
fn the_snapshot_of_a_crowded_routing_point_is_bounded() {
    let mut bench = Bench::new(config());
    for _ in 0..600 {
        bench.caller("8000");
    }
    let router = bench.client("router", &["8000"]);
    let registered = bench.last(M::EVENT_REGISTERED);
    let snapshot = registered.message.kv(A::EXTENSIONS).unwrap();
    let calls = snapshot
        .iter()
        .filter(|pair| pair.key.starts_with("conn-"))
        .count();
    assert_eq!(calls, 500);
    bench.request(router, query("8000", AddressInfoType::NUMBER_OF_CALLS_IN_QUEUE));
    let info = &bench.last(M::EVENT_ADDRESS_INFO).message;
    assert_eq!(info.int(A::ADDRESS_INFO_STATUS), Some(600));
}

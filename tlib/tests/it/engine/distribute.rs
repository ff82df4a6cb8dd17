//! Events that clients make.

use tlib::catalog::ErrorCode;
use tlib::{AttributeId as A, DnConfig, Message, MessageType as M, ReferenceId};

use super::bench::{Bench, call_request, config, pairs};

// Spec: T-Library reference §6.4
#[test]
fn a_router_puts_a_call_on_a_virtual_queue() {
    let config = config().with_dn(DnConfig::virtual_queue("9000"));
    let (mut bench, router, _) = Bench::with_router_and_desktop(config);
    bench.client("statistics", &["9000"]);
    bench.caller("8000");
    let queued = call_request(M::REQUEST_DISTRIBUTE_EVENT, "9000", bench.conn_id())
        .with(A::USER_EVENT, i32::from(M::EVENT_QUEUED.0))
        .with(A::THIS_QUEUE, "9000")
        .with(A::OTHER_DN, "0304711")
        .with(
            A::EXTENSIONS,
            pairs(&[("VQID", "AM5D3AE9D90757BKTSVJTCIAR4000014")]),
        )
        .with(A::REFERENCE_ID, ReferenceId::NO_ANSWER);
    bench.clear();
    bench.send(router, queued);
    insta::assert_snapshot!(bench.log());
}

#[test]
fn events_of_real_dns_and_requests_cannot_be_distributed() {
    let config = config().with_dn(DnConfig::virtual_queue("9000"));
    let (mut bench, router, _) = Bench::with_router_and_desktop(config);
    for (dn, event, code) in [
        ("1001", M::EVENT_RINGING, ErrorCode::INCOMPATIBLE_OBJECT),
        ("9000", M::REQUEST_ROUTE_CALL, ErrorCode::INVALID_ATTRIBUTE),
        ("9999", M::EVENT_QUEUED, ErrorCode::DN_NOT_CONFIGURED),
    ] {
        let message = Message::new(M::REQUEST_DISTRIBUTE_EVENT)
            .with(A::THIS_DN, dn)
            .with(A::USER_EVENT, i32::from(event.0));
        bench.clear();
        bench.request(router, message);
        assert_eq!(bench.names(router), ["EventError"]);
        assert_eq!(
            bench.last(M::EVENT_ERROR).message.int(A::ERROR_CODE),
            Some(code.0)
        );
    }
}

// Spec: T-Library reference §4 (DistributeUserEvent)
#[test]
fn a_user_event_reaches_the_listeners_and_the_sender_is_acknowledged() {
    let (mut bench, router, desktop) = Bench::with_router_and_desktop(config());
    let message = Message::new(M::REQUEST_DISTRIBUTE_USER_EVENT)
        .with(A::THIS_DN, "1001")
        .with(A::USER_DATA, pairs(&[("Say", "hello")]));
    bench.request(router, message);
    assert_eq!(bench.names(desktop), ["EventUserEvent"]);
    assert_eq!(bench.names(router), ["EventACK"]);
    let event = &bench.last(M::EVENT_USER_EVENT).message;
    assert_eq!(event.kv(A::USER_DATA), Some(&pairs(&[("Say", "hello")])));
    assert!(bench.last(M::EVENT_ACK).reference.is_some());
}

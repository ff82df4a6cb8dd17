//! Calls from outside: to a routing point, routed, abandoned, refused, unanswered.

use std::time::Duration;

use tlib::catalog::{CallState, RouteType};
use tlib::sim::{SimEndpoint, SimReply};
use tlib::switch::{Cause, SwitchCommand};
use tlib::{AttributeId as A, ClientId, DnConfig, MessageType as M};

use super::bench::{Bench, call_request, config, pairs};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A call that rings at agent 1001 after routing from 8000.
fn ringing() -> (Bench, ClientId, ClientId) {
    let (mut bench, router, desktop) = Bench::with_router_and_desktop(config());
    bench.login(desktop, "1001", "A1");
    bench.caller("8000");
    let call = bench.conn_id();
    bench.route(router, "8000", call, "1001");
    bench.clear();
    (bench, router, desktop)
}

// Spec: T-Library reference §6.3
#[test]
fn a_call_to_a_routing_point_is_queued_routed_answered_and_released() {
    let (mut bench, router, desktop) = Bench::with_router_and_desktop(config());
    bench.login(desktop, "1001", "A1");
    bench.clear();
    bench.caller("8000");
    let call = bench.conn_id();
    let route = call_request(M::REQUEST_ROUTE_CALL, "8000", call)
        .with(A::OTHER_DN, "1001")
        .with(A::ROUTE_TYPE, RouteType::DIRECT.0)
        .with(A::USER_DATA, pairs(&[("Skill", "english")]))
        .with(A::REASON, pairs(&[("RTR", "115")]));
    bench.request(router, route);
    bench.advance(secs(3));
    bench.answers("1001");
    bench.advance(secs(60));
    bench.hangs_up("0304711");
    insta::assert_snapshot!(bench.log());
    bench.assert_idle();
}

// Spec: T-Library reference §6.2
#[test]
fn a_call_to_an_extension_rings_is_answered_and_released_by_request() {
    let (mut bench, _, desktop) = Bench::with_router_and_desktop(config());
    bench.caller("1001");
    let call = bench.conn_id();
    bench.on_call(desktop, M::REQUEST_ANSWER_CALL, "1001", call);
    bench.on_call(desktop, M::REQUEST_RELEASE_CALL, "1001", call);
    insta::assert_snapshot!(bench.log());
    bench.assert_idle();
}

// Spec: T-Library reference §6.3 (caller gives up at the RP)
#[test]
fn a_caller_who_gives_up_at_the_routing_point_abandons_there() {
    let (mut bench, _, _) = Bench::with_router_and_desktop(config());
    bench.caller("8000");
    bench.clear();
    bench.hangs_up("0304711");
    insta::assert_snapshot!(bench.log());
    bench.assert_idle();
}

// Spec: T-Library reference §6.2 (caller gives up while ringing)
#[test]
fn a_caller_who_gives_up_while_it_rings_abandons_at_the_agent() {
    let (mut bench, _, _) = ringing();
    bench.hangs_up("0304711");
    insta::assert_snapshot!(bench.log());
    bench.assert_idle();
}

// Spec: cluster reference §5.2 (busy: route again)
#[test]
fn a_call_that_finds_the_agent_busy_goes_back_to_its_routing_point() {
    let (mut bench, router, _) = Bench::with_router_and_desktop(config());
    bench.switch.add("1001", SimEndpoint::new(SimReply::Busy));
    bench.caller("8000");
    let call = bench.conn_id();
    bench.clear();
    bench.route(router, "8000", call, "1001");
    insta::assert_snapshot!(bench.log());
    assert_eq!(bench.server.stats().calls, 1);
}

// Spec: cluster reference §5.2 (no answer: agent NotReady, route again)
#[test]
fn an_agent_who_does_not_answer_is_made_not_ready_and_the_call_goes_back() {
    let (mut bench, router, _) = ringing();
    bench.advance(secs(20));
    insta::assert_snapshot!(bench.log());
    let call = bench.conn_id();
    bench.route(router, "8000", call, "1002");
    bench.answers("1002");
    bench.hangs_up("1002");
    bench.assert_idle();
}

#[test]
fn an_agent_who_does_not_answer_stays_ready_if_configured_so() {
    let config = config().with_not_ready_on_no_answer(false);
    let (mut bench, router, desktop) = Bench::with_router_and_desktop(config);
    bench.login(desktop, "1001", "A1");
    bench.caller("8000");
    let call = bench.conn_id();
    bench.route(router, "8000", call, "1001");
    bench.clear();
    bench.advance(secs(20));
    assert_eq!(bench.names(desktop), ["EventReleased"]);
    assert_eq!(bench.names(router), ["EventQueued", "EventRouteRequest"]);
}

// Spec: T-Library reference §7 (DN out of service)
#[test]
fn a_phone_that_vanishes_while_it_rings_sends_the_call_back() {
    let (mut bench, _, _) = ringing();
    bench.at_switch(|switch, _| switch.vanish("1001"));
    insta::assert_snapshot!(bench.log());
    assert_eq!(bench.server.stats().calls, 1);
}

#[test]
fn a_phone_that_vanishes_in_the_call_ends_it() {
    let (mut bench, _, desktop) = ringing();
    bench.answers("1001");
    bench.clear();
    bench.at_switch(|switch, _| switch.vanish("1001"));
    assert_eq!(bench.names(desktop), ["EventDNOutOfService", "EventReleased"]);
    let state = bench.last(M::EVENT_RELEASED).message.int(A::CALL_STATE);
    assert_eq!(state, Some(CallState::SYSTEM_ERROR.0));
    bench.assert_idle();
    bench.at_switch(|switch, _| switch.come_back("1001"));
    assert_eq!(bench.names(desktop).last().unwrap(), "EventDNBackInService");
}

#[test]
fn a_ringing_agent_who_releases_by_request_sends_the_call_back() {
    let (mut bench, router, desktop) = ringing();
    let call = bench.conn_id();
    bench.on_call(desktop, M::REQUEST_RELEASE_CALL, "1001", call);
    assert_eq!(bench.names(desktop), ["EventReleased"]);
    assert!(bench.last(M::EVENT_RELEASED).reference.is_some());
    assert_eq!(bench.names(router), ["EventQueued", "EventRouteRequest"]);
}

// Spec: T-Library reference §6.3 (server's own timer)
#[test]
fn a_call_that_nobody_routes_in_time_goes_to_the_default_destination() {
    let point = DnConfig::routing_point("8000")
        .with_default_destination("1003")
        .with_route_timeout_secs(30);
    let mut settings = config();
    settings.dns[0] = point;
    let (mut bench, _, _) = Bench::with_router_and_desktop(settings);
    bench.client("supervisor", &["1003"]);
    bench.caller("8000");
    bench.clear();
    bench.advance(secs(30));
    insta::assert_snapshot!(bench.log());
    bench.answers("1003");
    assert_eq!(bench.server.poll_timeout(), None);
    bench.hangs_up("1003");
    bench.assert_idle();
}

#[test]
fn a_call_that_is_routed_or_abandoned_in_time_leaves_no_deadline_behind() {
    for routed in [true, false] {
        let mut settings = config();
        settings.dns[0].route_timeout_secs = Some(30);
        let (mut bench, router, _) = Bench::with_router_and_desktop(settings);
        bench.caller("8000");
        assert!(bench.server.poll_timeout().is_some());
        let call = bench.conn_id();
        if routed {
            bench.route(router, "8000", call, "1001");
            bench.answers("1001");
        } else {
            bench.hangs_up("0304711");
        }
        assert_eq!(bench.server.poll_timeout(), None);
    }
}

#[test]
fn a_call_that_comes_back_too_often_goes_to_the_default_destination_and_then_ends() {
    let (mut bench, router, _) = Bench::with_router_and_desktop(config().with_max_reroutes(2));
    bench.switch.add("1001", SimEndpoint::new(SimReply::Busy));
    bench.switch.add("1003", SimEndpoint::new(SimReply::Busy));
    bench.caller("8000");
    let call = bench.conn_id();
    bench.clear();
    for _ in 0..3 {
        bench.route(router, "8000", call, "1001");
    }
    let again = [
        "EventRouteUsed",
        "EventDiverted",
        "EventQueued",
        "EventRouteRequest",
    ];
    let last = [
        "EventRouteUsed",
        "EventDiverted",
        "EventQueued",
        "EventRouteUsed",
        "EventDiverted",
    ];
    let expected: Vec<&str> = again.into_iter().chain(again).chain(last).collect();
    assert_eq!(bench.names(router), expected);
    let used = bench.last(M::EVENT_ROUTE_USED);
    assert_eq!(used.message.int(A::ROUTE_TYPE), Some(RouteType::DEFAULT.0));
    assert_eq!(used.reference, None);
    bench.assert_idle();
    let last = bench.commands.last().unwrap();
    assert!(
        matches!(
            last,
            SwitchCommand::Reject {
                cause: Cause::Busy,
                ..
            }
        ),
        "{last:?}"
    );
}

#[test]
fn a_routing_point_without_default_destination_releases_the_caller_at_the_end() {
    let (mut bench, router, _) = Bench::with_router_and_desktop(config().with_max_reroutes(0));
    bench.switch.add("1001", SimEndpoint::new(SimReply::Rejects));
    bench.caller("8001");
    let call = bench.conn_id();
    bench.clear();
    bench.route(router, "8001", call, "1001");
    assert_eq!(bench.names(router), ["EventRouteUsed", "EventDiverted"]);
    bench.assert_idle();
}

#[test]
fn a_call_routed_to_another_routing_point_is_queued_there() {
    let (mut bench, router, _) = Bench::with_router_and_desktop(config());
    bench.caller("8000");
    let call = bench.conn_id();
    bench.clear();
    bench.route(router, "8000", call, "8001");
    let names = bench.names(router);
    assert_eq!(
        names,
        [
            "EventRouteUsed",
            "EventDiverted",
            "EventQueued",
            "EventRouteRequest"
        ]
    );
    assert_eq!(bench.last(M::EVENT_ROUTE_REQUEST).message.this_dn(), Some("8001"));
}

#[test]
fn a_call_routed_outside_is_offered_there_and_connected() {
    let (mut bench, router, _) = Bench::with_router_and_desktop(config());
    let caller = bench.caller("8000");
    let call = bench.conn_id();
    bench.route(router, "8000", call, "0301111");
    bench.answers("0301111");
    assert_eq!(bench.switch.peer(caller), bench.switch.leg_of("0301111"));
    bench.hangs_up("0301111");
    bench.assert_idle();
}

#[test]
fn a_router_can_reject_a_call_and_release_it() {
    for (request, route_type) in [
        (M::REQUEST_ROUTE_CALL, Some(RouteType::REJECT)),
        (M::REQUEST_ROUTE_CALL, Some(RouteType::CALL_DISCONNECT)),
        (M::REQUEST_RELEASE_CALL, None),
    ] {
        let (mut bench, router, _) = Bench::with_router_and_desktop(config());
        bench.caller("8000");
        let call = bench.conn_id();
        bench.clear();
        let message = call_request(request, "8000", call);
        bench.request(
            router,
            message.with_opt(A::ROUTE_TYPE, route_type.map(|kind| kind.0)),
        );
        assert_eq!(bench.names(router).last().unwrap(), "EventReleased");
        bench.assert_idle();
    }
}

#[test]
fn calls_to_numbers_that_are_not_ours_and_calls_beyond_the_limit_are_rejected() {
    let settings = config().with_limits(tlib::Limits::default().with_calls(1));
    let (mut bench, _, _) = Bench::with_router_and_desktop(settings);
    bench.caller("0301111");
    bench.caller("7000");
    bench.caller("8000");
    bench.caller("8000");
    let causes: Vec<Cause> = bench
        .commands
        .iter()
        .filter_map(|command| match command {
            SwitchCommand::Reject { cause, .. } => Some(*cause),
            _ => None,
        })
        .collect();
    assert_eq!(
        causes,
        [Cause::InvalidNumber, Cause::InvalidNumber, Cause::Overload]
    );
    assert_eq!(bench.server.stats().calls_rejected_total, 3);
    assert_eq!(bench.server.stats().calls, 1);
}

#[test]
fn headers_of_the_caller_reach_the_router_in_extensions() {
    let (mut bench, _, _) = Bench::with_router_and_desktop(config());
    let call = tlib::switch::OfferedCall {
        origin: None,
        from: "0304711".to_owned(),
        to: "8000".into(),
        headers: vec![("X-Customer".to_owned(), "17".to_owned())],
    };
    let leg = tlib::switch::LegId::from_switch(99);
    bench.switch_event(tlib::switch::SwitchEvent::Offered { leg, call });
    let request = bench.last(M::EVENT_ROUTE_REQUEST);
    let extensions = request.message.kv(A::EXTENSIONS).unwrap();
    assert_eq!(extensions.get_str("X-Customer"), Some("17"));
}

#[test]
fn headers_and_numbers_of_a_caller_are_bounded() {
    let (mut bench, _, _) = Bench::with_router_and_desktop(config());
    let header = |number: usize| (format!("X-{number}"), "x".repeat(100));
    let call = tlib::switch::OfferedCall {
        origin: None,
        from: "0".repeat(1_000),
        to: "8000".into(),
        headers: (0..1_000).map(header).collect(),
    };
    let leg = tlib::switch::LegId::from_switch(99);
    bench.switch_event(tlib::switch::SwitchEvent::Offered { leg, call });
    let request = &bench.last(M::EVENT_ROUTE_REQUEST).message;
    assert!(request.kv(A::EXTENSIONS).unwrap().len() < 82);
    assert_eq!(request.str(A::ANI).unwrap().len(), 64);
}

#[test]
fn an_offer_that_the_switch_forgets_is_given_up() {
    let (mut bench, router, desktop) = ringing_with_deaf_switch();
    bench.advance(secs(24));
    assert_eq!(bench.names(desktop), [""; 0]);
    bench.advance(secs(1));
    assert_eq!(bench.names(desktop), ["EventReleased", "EventAgentNotReady"]);
    assert_eq!(bench.names(router), ["EventQueued", "EventRouteRequest"]);
    assert!(matches!(bench.commands[..], [SwitchCommand::Release { .. }]));
}

/// [`ringing`], but the switch does not know of the offer.
fn ringing_with_deaf_switch() -> (Bench, ClientId, ClientId) {
    let (mut bench, router, desktop) = Bench::with_router_and_desktop(config());
    bench.login(desktop, "1001", "A1");
    bench.caller("8000");
    bench.switch_is_deaf = true;
    let call = bench.conn_id();
    bench.route(router, "8000", call, "1001");
    bench.clear();
    (bench, router, desktop)
}

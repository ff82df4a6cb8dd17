//! The life of an agent.

use std::time::Duration;

use tlib::catalog::{AgentWorkMode, ErrorCode};
use tlib::{AttributeId as A, ClientId, DnConfig, Message, MessageType as M};

use super::bench::{Bench, config, pairs};

fn agent(request: M) -> Message {
    Message::new(request).with(A::THIS_DN, "1001")
}

fn mode(request: M, mode: AgentWorkMode) -> Message {
    agent(request).with(A::AGENT_WORK_MODE, mode.0)
}

fn status(bench: &mut Bench, client: ClientId) -> i32 {
    bench.request(client, agent(M::REQUEST_REGISTER_ADDRESS));
    let registered = bench.last(M::EVENT_REGISTERED);
    let snapshot = registered.message.kv(A::EXTENSIONS).unwrap();
    snapshot.get_int("AgentStatus").unwrap()
}

/// A routed call at agent A1 (1001), answered.
fn on_a_routed_call(bench: &mut Bench, router: ClientId) {
    bench.caller("8000");
    let call = bench.conn_id();
    bench.route(router, "8000", call, "1001");
    bench.answers("1001");
    bench.clear();
}

// Spec: T-Library reference §7
#[test]
fn an_agent_logs_in_gets_ready_pauses_and_logs_out() {
    let (mut bench, _, desktop) = Bench::with_router_and_desktop(config());
    let login = agent(M::REQUEST_AGENT_LOGIN)
        .with(A::AGENT_ID, "A1")
        .with(A::THIS_QUEUE, "7000");
    bench.request(desktop, login);
    bench.request(desktop, mode(M::REQUEST_AGENT_READY, AgentWorkMode::AUTO_IN));
    let pause = mode(M::REQUEST_AGENT_NOT_READY, AgentWorkMode::AUX_WORK);
    let reasons = pairs(&[("KW_UC_STATUS", "busy"), ("KW_UC_NOTE", "")]);
    bench.request(desktop, pause.with(A::REASON, reasons));
    bench.request(
        desktop,
        mode(M::REQUEST_AGENT_NOT_READY, AgentWorkMode::AFTER_CALL_WORK),
    );
    bench.request(
        desktop,
        mode(M::REQUEST_AGENT_NOT_READY, AgentWorkMode::LEGAL_GUARD),
    );
    bench.request(desktop, agent(M::REQUEST_AGENT_LOGOUT));
    insta::assert_snapshot!(bench.log());
    assert_eq!(status(&mut bench, desktop), 0);
}

#[test]
fn a_login_with_a_ready_mode_is_followed_by_ready() {
    let (mut bench, _, desktop) = Bench::with_router_and_desktop(config());
    bench.login(desktop, "1001", "A1");
    assert_eq!(bench.names(desktop), ["EventAgentLogin", "EventAgentReady"]);
    assert_eq!(status(&mut bench, desktop), 3);
}

// Spec: T-Library reference §7 (logout of one of several queues)
#[test]
fn the_last_queue_logs_the_agent_out() {
    let config = config().with_dn(DnConfig::queue("7001"));
    let (mut bench, _, desktop) = Bench::with_router_and_desktop(config);
    for queue in ["7000", "7001"] {
        let login = agent(M::REQUEST_AGENT_LOGIN).with(A::AGENT_ID, "A1");
        bench.request(desktop, login.with(A::THIS_QUEUE, queue));
    }
    assert_eq!(
        bench.names(desktop),
        ["EventAgentLogin", "EventAgentNotReady", "EventAgentLogin"]
    );
    bench.clear();
    for queue in ["7000", "7001"] {
        bench.request(desktop, agent(M::REQUEST_AGENT_LOGOUT).with(A::THIS_QUEUE, queue));
    }
    assert_eq!(bench.names(desktop), ["EventQueueLogout", "EventAgentLogout"]);
}

// Spec: T-Library reference §7 (wrap-up timer)
#[test]
fn after_a_routed_call_comes_after_call_work_and_then_ready() {
    let config = config().with_after_call_work_secs(15);
    let (mut bench, router, desktop) = Bench::with_router_and_desktop(config);
    bench.login(desktop, "1001", "A1");
    on_a_routed_call(&mut bench, router);
    bench.hangs_up("0304711");
    bench.advance(Duration::from_secs(14));
    assert_eq!(bench.names(desktop), ["EventReleased", "EventAgentNotReady"]);
    bench.advance(Duration::from_secs(1));
    insta::assert_snapshot!(bench.log());
    assert_eq!(bench.server.poll_timeout(), None);
}

#[test]
fn an_agent_may_cut_the_after_call_work_short() {
    let config = config().with_after_call_work_secs(15);
    let (mut bench, router, desktop) = Bench::with_router_and_desktop(config);
    bench.login(desktop, "1001", "A1");
    on_a_routed_call(&mut bench, router);
    bench.hangs_up("0304711");
    bench.request(desktop, mode(M::REQUEST_AGENT_READY, AgentWorkMode::AUTO_IN));
    assert_eq!(bench.server.poll_timeout(), None);
    assert_eq!(bench.names(desktop).last().unwrap(), "EventAgentReady");
}

#[test]
fn a_pause_asked_for_during_a_routed_call_holds_after_it() {
    let config = config().with_after_call_work_secs(15);
    let (mut bench, router, desktop) = Bench::with_router_and_desktop(config);
    bench.login(desktop, "1001", "A1");
    on_a_routed_call(&mut bench, router);
    bench.request(desktop, mode(M::REQUEST_AGENT_NOT_READY, AgentWorkMode::AUX_WORK));
    bench.hangs_up("0304711");
    assert_eq!(bench.names(desktop), ["EventAgentNotReady", "EventReleased"]);
    assert_eq!(bench.server.poll_timeout(), None);
    assert_eq!(status(&mut bench, desktop), 2);
}

// Spec: T-Library reference §7 (direct calls never cause a Busy transition)
#[test]
fn a_direct_call_causes_no_after_call_work() {
    let config = config().with_after_call_work_secs(15);
    let (mut bench, _, desktop) = Bench::with_router_and_desktop(config);
    bench.login(desktop, "1001", "A1");
    bench.clear();
    bench.caller("1001");
    bench.answers("1001");
    bench.hangs_up("1001");
    assert_eq!(
        bench.names(desktop),
        ["EventRinging", "EventEstablished", "EventReleased"]
    );
    assert_eq!(status(&mut bench, desktop), 3);
}

#[test]
fn an_agent_who_logs_out_during_a_call_stays_logged_out() {
    let config = config().with_after_call_work_secs(15);
    let (mut bench, router, desktop) = Bench::with_router_and_desktop(config);
    bench.login(desktop, "1001", "A1");
    on_a_routed_call(&mut bench, router);
    bench.request(desktop, agent(M::REQUEST_AGENT_LOGOUT));
    bench.hangs_up("0304711");
    assert_eq!(bench.names(desktop), ["EventAgentLogout", "EventReleased"]);
    assert_eq!(bench.server.poll_timeout(), None);
}

#[test]
fn an_agent_is_at_one_dn_and_a_dn_has_one_agent() {
    let (mut bench, _, desktop) = Bench::with_router_and_desktop(config());
    bench.client("other", &["1002"]);
    bench.login(desktop, "1001", "A1");
    let other = ClientId(3);
    bench.login(other, "1002", "A1");
    let code = |bench: &Bench| bench.last(M::EVENT_ERROR).message.int(A::ERROR_CODE);
    assert_eq!(code(&bench), Some(ErrorCode::RESOURCE_SEIZED.0));
    bench.clear();
    bench.login(desktop, "1001", "A2");
    assert_eq!(code(&bench), Some(ErrorCode::RESOURCE_SEIZED.0));
    bench.clear();
    bench.login(desktop, "1001", "");
    assert_eq!(code(&bench), Some(ErrorCode::INVALID_AGENT_ID.0));
    bench.request(desktop, agent(M::REQUEST_AGENT_LOGOUT));
    bench.login(other, "1002", "A1");
    assert_eq!(bench.names(other).last().unwrap(), "EventAgentReady");
}

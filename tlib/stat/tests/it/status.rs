//! Statuses through the life of agents and calls.

use std::time::Duration;

use stat::{Action, CallPhase};
use tlib::catalog::{AddressInfoType, AddressType, AgentWorkMode, CallType};
use tlib::{AttributeId, MessageType};

use crate::{Bench, C1, C2, agent_event, call, event};

fn ready_agent() -> Bench {
    let mut bench = Bench::new();
    bench.feed(0, event(MessageType::EVENT_REGISTERED, "1001"));
    bench.feed(1, agent_event(MessageType::EVENT_AGENT_LOGIN, "1001", "A1"));
    bench.feed(1, agent_event(MessageType::EVENT_AGENT_READY, "1001", "A1"));
    bench
}

/// Spec: statistics reference §3.3
#[test]
fn a_day_of_one_agent_gives_the_statuses_of_the_table() {
    let mut bench = Bench::new();
    let inbound = CallType::INBOUND;
    let steps = [
        event(MessageType::EVENT_REGISTERED, "1001"),
        agent_event(MessageType::EVENT_AGENT_LOGIN, "1001", "A1"),
        agent_event(MessageType::EVENT_AGENT_NOT_READY, "1001", "A1"),
        agent_event(MessageType::EVENT_AGENT_READY, "1001", "A1"),
        call(MessageType::EVENT_RINGING, "1001", C1, inbound),
        call(MessageType::EVENT_ESTABLISHED, "1001", C1, inbound),
        call(MessageType::EVENT_HELD, "1001", C1, inbound),
        call(MessageType::EVENT_DIALING, "1001", C2, CallType::CONSULT),
        call(MessageType::EVENT_ESTABLISHED, "1001", C2, CallType::CONSULT),
        call(MessageType::EVENT_RELEASED, "1001", C2, CallType::CONSULT),
        call(MessageType::EVENT_RETRIEVED, "1001", C1, inbound),
        call(MessageType::EVENT_RELEASED, "1001", C1, inbound),
        agent_event(MessageType::EVENT_AGENT_NOT_READY, "1001", "A1")
            .with(AttributeId::AGENT_WORK_MODE, AgentWorkMode::AFTER_CALL_WORK),
        agent_event(MessageType::EVENT_AGENT_READY, "1001", "A1"),
        agent_event(MessageType::EVENT_AGENT_LOGOUT, "1001", "A1"),
        event(MessageType::EVENT_UNREGISTERED, "1001"),
    ];
    let log: Vec<String> = steps.into_iter().flat_map(|step| bench.feed(10, step)).collect();
    insta::assert_snapshot!(log.join("\n"));
}

#[test]
fn hold_hides_the_established_action_until_the_call_is_retrieved() {
    let mut bench = ready_agent();
    bench.feed(1, call(MessageType::EVENT_RINGING, "1001", C1, CallType::INBOUND));
    bench.feed(
        1,
        call(MessageType::EVENT_ESTABLISHED, "1001", C1, CallType::INBOUND),
    );
    assert_eq!(bench.dn_status("1001"), Action::CallInbound);
    bench.feed(1, call(MessageType::EVENT_HELD, "1001", C1, CallType::INBOUND));
    let view = bench.tracker.dn("1001").unwrap();
    assert_eq!(view.status, Action::CallOnHold);
    assert!(!view.actions.contains(Action::CallInbound));
    assert!(view.actions.contains(Action::OffHook));
    bench.feed(
        1,
        call(MessageType::EVENT_RETRIEVED, "1001", C1, CallType::INBOUND),
    );
    assert_eq!(bench.agent_status("A1"), Action::CallInbound);
}

#[test]
fn ready_time_starts_anew_after_a_call() {
    let mut bench = ready_agent();
    bench.now += Duration::from_secs(30);
    assert_eq!(
        bench.tracker.time_in_ready(bench.now, "A1"),
        Some(Duration::from_secs(30))
    );
    bench.feed(0, call(MessageType::EVENT_RINGING, "1001", C1, CallType::INBOUND));
    assert_eq!(bench.tracker.time_in_ready(bench.now, "A1"), None);
    bench.feed(
        5,
        call(MessageType::EVENT_RELEASED, "1001", C1, CallType::INBOUND),
    );
    bench.now += Duration::from_secs(7);
    assert_eq!(
        bench.tracker.time_in_ready(bench.now, "A1"),
        Some(Duration::from_secs(7))
    );
}

#[test]
fn the_longest_ready_agent_comes_first_and_ties_go_by_id() {
    let mut bench = Bench::new();
    for (secs, agent) in [(1, "A3"), (1, "A2"), (0, "A1")] {
        let dn = agent.replace('A', "100");
        bench.feed(secs, event(MessageType::EVENT_REGISTERED, &dn));
        bench.feed(0, agent_event(MessageType::EVENT_AGENT_LOGIN, &dn, agent));
        bench.feed(0, agent_event(MessageType::EVENT_AGENT_READY, &dn, agent));
    }
    let ready = bench.tracker.ready_agents();
    let order: Vec<_> = ready.iter().map(|(agent, _)| agent.as_str()).collect();
    assert_eq!(order, ["A3", "A1", "A2"]);
}

/// Spec: T-Library reference §7 (a login is never by itself a change to Ready or NotReady)
#[test]
fn login_alone_does_not_make_an_agent_ready() {
    let mut bench = Bench::new();
    bench.feed(0, event(MessageType::EVENT_REGISTERED, "1001"));
    bench.feed(0, agent_event(MessageType::EVENT_AGENT_LOGIN, "1001", "A1"));
    assert!(!bench.agent_status("A1").is_ready());
    assert!(
        bench
            .tracker
            .dn("1001")
            .unwrap()
            .actions
            .contains(Action::LoggedIn)
    );
    bench.feed(0, agent_event(MessageType::EVENT_AGENT_READY, "1001", "A1"));
    bench.feed(0, agent_event(MessageType::EVENT_AGENT_LOGIN, "1001", "A1"));
    assert!(
        bench.agent_status("A1").is_ready(),
        "a login to a further queue keeps the state"
    );
}

#[test]
fn an_agent_on_two_dns_has_the_highest_action_of_both() {
    let mut bench = ready_agent();
    bench.feed(1, event(MessageType::EVENT_REGISTERED, "1002"));
    bench.feed(1, agent_event(MessageType::EVENT_AGENT_LOGIN, "1002", "A1"));
    bench.feed(1, agent_event(MessageType::EVENT_AGENT_NOT_READY, "1002", "A1"));
    assert_eq!(bench.agent_status("A1"), Action::NotReadyForNextCall);
    bench.feed(1, agent_event(MessageType::EVENT_AGENT_LOGOUT, "1002", "A1"));
    assert_eq!(bench.agent_status("A1"), Action::WaitForNextCall);
    bench.feed(1, agent_event(MessageType::EVENT_AGENT_LOGOUT, "1001", "A1"));
    assert_eq!(bench.agent_status("A1"), Action::LoggedOut);
}

#[test]
fn a_second_agent_on_a_dn_logs_the_first_out() {
    let mut bench = ready_agent();
    let log = bench.feed(1, agent_event(MessageType::EVENT_AGENT_LOGIN, "1001", "A2"));
    assert!(
        log.contains(&"agent A1: WaitForNextCall -> LoggedOut @3 after 1".to_owned()),
        "{log:?}"
    );
    assert_eq!(bench.tracker.dn("1001").unwrap().agent.unwrap().as_str(), "A2");
}

#[test]
fn a_lost_link_or_phone_makes_the_agent_unavailable_and_its_return_restores_the_state() {
    for (down, up) in [
        (
            MessageType::EVENT_LINK_DISCONNECTED,
            MessageType::EVENT_LINK_CONNECTED,
        ),
        (
            MessageType::EVENT_DN_OUT_OF_SERVICE,
            MessageType::EVENT_DN_BACK_IN_SERVICE,
        ),
    ] {
        let mut bench = ready_agent();
        bench.feed(1, event(down, "1001"));
        assert_eq!(bench.agent_status("A1"), Action::NotMonitored, "{down}");
        bench.feed(1, event(up, "1001"));
        assert_eq!(bench.agent_status("A1"), Action::WaitForNextCall, "{up}");
    }
}

#[test]
fn a_queue_is_only_monitored_or_not_and_counts_its_calls() {
    let mut bench = Bench::new();
    let registered = event(MessageType::EVENT_REGISTERED, "8000")
        .with(AttributeId::ADDRESS_INFO_TYPE, AddressInfoType::ADDRESS_TYPE.0)
        .with(AttributeId::ADDRESS_INFO_STATUS, AddressType::ROUTE_DN.0);
    bench.feed(0, registered);
    let inbound = CallType::INBOUND;
    for (conn_id, end) in [
        (C1, MessageType::EVENT_DIVERTED),
        (C2, MessageType::EVENT_ABANDONED),
    ] {
        bench.feed(1, call(MessageType::EVENT_QUEUED, "8000", conn_id, inbound));
        bench.feed(
            0,
            call(MessageType::EVENT_ROUTE_REQUEST, "8000", conn_id, inbound),
        );
        let view = bench.tracker.dn("8000").unwrap();
        assert_eq!(
            (view.status, view.calls.len(), view.mediation),
            (Action::Monitored, 1, true)
        );
        assert_eq!(view.calls[0].phase, CallPhase::Queued);
        bench.feed(1, call(end, "8000", conn_id, inbound));
    }
    let stats = bench.tracker.stats();
    assert_eq!(
        (
            stats.queue_entered,
            stats.queue_distributed,
            stats.queue_abandoned
        ),
        (2, 1, 1)
    );
}

/// Spec: T-Library reference §6.8
#[test]
fn a_completed_transfer_moves_the_call_to_the_surviving_connection() {
    let mut bench = Bench::new();
    bench.feed(0, event(MessageType::EVENT_REGISTERED, "1003"));
    bench.feed(1, call(MessageType::EVENT_RINGING, "1003", C2, CallType::CONSULT));
    bench.feed(
        1,
        call(MessageType::EVENT_ESTABLISHED, "1003", C2, CallType::CONSULT),
    );
    assert_eq!(bench.dn_status("1003"), Action::CallConsult);
    bench.feed(
        1,
        call(MessageType::EVENT_PARTY_CHANGED, "1003", C1, CallType::INBOUND)
            .with(AttributeId::PREVIOUS_CONN_ID, C2),
    );
    let view = bench.tracker.dn("1003").unwrap();
    assert_eq!(
        (view.status, view.calls.len(), view.calls[0].conn_id),
        (Action::CallInbound, 1, C1)
    );
    bench.feed(
        1,
        call(MessageType::EVENT_RELEASED, "1003", C1, CallType::INBOUND),
    );
    assert_eq!(bench.dn_status("1003"), Action::OnHook);
    assert_eq!(bench.tracker.stats().calls_released, 1);
}

#[test]
fn changes_print_no_numbers_and_no_agents() {
    let mut bench = ready_agent();
    bench.feed(0, event(MessageType::EVENT_REGISTERED, "5559"));
    bench.tracker.handle_event(
        bench.now,
        &agent_event(MessageType::EVENT_AGENT_LOGIN, "5559", "Smith"),
    );
    let printed = format!("{:?} {:?}", bench.changes(), bench.tracker);
    assert!(
        !printed.contains("5559") && !printed.contains("Smith"),
        "{printed}"
    );
}

//! Agents log in, pause, work after calls and log out.

use std::time::Duration;

use reference::sim::phone::Line;
use tlib::catalog::AgentWorkMode;
use tlib::{CallControlExt, KvList, MessageType, RequestError};

use crate::desk::Desk;
use crate::flow::{call_and_press, call_and_wait};
use crate::site::{POINT, Site};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_logs_in_pauses_with_reasons_and_logs_out() {
    let site = Site::start().await;
    let _phone = site.phone("1001", Line::default()).await;
    let mut desk = Desk::connect(&site, &["1001"]).await;
    let mut other = Desk::connect(&site, &["1001"]).await;
    let client = desk.client.clone();

    client.agent_login("1001", "1001", None).await.unwrap();
    client
        .agent_ready("1001", AgentWorkMode::MANUAL_IN)
        .await
        .unwrap();
    let lunch = KvList::new().with("KW_UC_STATUS", "busy").with("KW_UC_NOTE", "");
    client
        .agent_not_ready("1001", AgentWorkMode::AUX_WORK, lunch)
        .await
        .unwrap();
    let again = KvList::new().with("KW_UC_STATUS", "away");
    client
        .agent_not_ready("1001", AgentWorkMode::AUX_WORK, again)
        .await
        .unwrap();
    client
        .agent_not_ready("1001", AgentWorkMode::AFTER_CALL_WORK, KvList::new())
        .await
        .unwrap();
    client.agent_ready("1001", AgentWorkMode::AUTO_IN).await.unwrap();
    client.agent_logout("1001", None).await.unwrap();
    let refused = client.agent_ready("1001", AgentWorkMode::AUTO_IN).await;
    assert!(
        matches!(refused, Err(RequestError::Refused { .. })),
        "{refused:?}"
    );
    desk.fence().await;
    insta::assert_snapshot!(desk.log());

    // The other client sees the same, without reference ids and without the refusal.
    other.fence().await;
    let seen: Vec<_> = other.names();
    let mut expected = desk.names();
    assert_eq!(expected.pop().unwrap(), "1001 EventError");
    assert_eq!(seen, expected);
    assert!(!other.log().contains("ReferenceID"), "{}", other.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_routed_call_the_agent_works_on_and_is_ready_again_in_time() {
    let site = Site::start_with(|config| {
        let extension = config
            .extensions
            .iter_mut()
            .find(|extension| extension.number == "1001");
        extension.unwrap().after_call_work_secs = 1;
    })
    .await;
    let mut agent = site.phone("1001", Line::auto_answer(Duration::ZERO)).await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    desk.ready("1001").await;

    let call = call_and_press(&mut customer, &mut desk, "1").await;
    let taken = agent.incoming().await;
    customer.joined(call).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1001").await;
    desk.mark_here();
    agent.hang_up(taken).await;
    desk.until(MessageType::EVENT_AGENT_READY, "1001").await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_who_pauses_in_a_call_gets_no_other_one_until_ready_again() {
    let site = Site::start().await;
    let mut agent = site.phone("1001", Line::auto_answer(Duration::ZERO)).await;
    let mut first = site.customer("5550101").await;
    let mut second = site.customer("5550102").await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    desk.ready("1001").await;
    let call = call_and_press(&mut first, &mut desk, "1").await;
    agent.incoming().await;
    first.joined(call).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1001").await;
    desk.client
        .agent_not_ready("1001", AgentWorkMode::AUX_WORK, KvList::new())
        .await
        .unwrap();
    let waits = call_and_wait(&mut second, &mut desk, "1").await;
    first.hang_up(call).await;
    desk.until(MessageType::EVENT_RELEASED, "1001").await;
    desk.fence().await;
    assert_eq!(site.ready_agents().await, 0);
    desk.mark();
    desk.client
        .agent_ready("1001", AgentWorkMode::AUTO_IN)
        .await
        .unwrap();
    second.joined(waits).await;
    second.hang_up(waits).await;
    desk.log_of_ended(&site).await;
    let expected = [
        "1001 EventAgentReady",
        "8000 EventRouteUsed",
        "8000 EventDiverted",
        "1001 EventRinging",
        "1001 EventEstablished",
        "1001 EventReleased",
    ];
    assert_eq!(desk.names(), expected);
}

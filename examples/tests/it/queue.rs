//! Who is served first, and by whom.

use std::time::Duration;

use reference::sim::phone::{Behavior, Line};
use tlib::catalog::TreatmentType;
use tlib::{CallControlExt, KvList, MessageType};

use crate::desk::Desk;
use crate::flow::{call_and_press, call_and_wait};
use crate::site::{POINT, Phone, Site};

/// Who talks at a phone, by the number that is shown.
async fn served(desk: &mut Desk, dn: &str) -> String {
    let event = desk.until(MessageType::EVENT_ESTABLISHED, dn).await;
    event.str(tlib::AttributeId::ANI).unwrap().to_owned()
}

async fn release(desk: &mut Desk, agent: &mut Phone) {
    let call = agent.incoming().await;
    agent.answered(call).await;
    agent.hang_up(call).await;
    desk.until(MessageType::EVENT_RELEASED, &agent.number).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_who_wait_are_served_in_the_order_in_which_they_came() {
    let site = Site::start().await;
    let mut agent = site.phone("1001", Line::auto_answer(Duration::ZERO)).await;
    let mut first = site.customer("5550101").await;
    let mut second = site.customer("5550102").await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    call_and_wait(&mut first, &mut desk, "1").await;
    call_and_wait(&mut second, &mut desk, "1").await;

    desk.ready("1001").await;
    assert_eq!(served(&mut desk, "1001").await, "5550101");
    release(&mut desk, &mut agent).await;
    assert_eq!(served(&mut desk, "1001").await, "5550102");
    release(&mut desk, &mut agent).await;
    site.idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_a_higher_priority_in_its_data_is_served_before_one_that_waits_longer() {
    let site = Site::start().await;
    let mut agent = site.phone("1001", Line::auto_answer(Duration::ZERO)).await;
    let mut colleague = site.phone("1002", Line::new(Behavior::Manual)).await;
    let mut customer = site.customer("5550101").await;
    let mut desk = Desk::connect(&site, &["1001", "1002", POINT]).await;
    call_and_wait(&mut customer, &mut desk, "1").await;
    let urgent = KvList::new().with("Priority", "10");
    desk.client.make_call("1002", POINT, urgent).await.unwrap();
    let call = colleague.incoming().await;
    colleague.answered(call).await;
    desk.until_treatment(TreatmentType::PLAY_ANNOUNCEMENT_AND_DIGITS)
        .await;
    colleague.host.send_digits(call, "1").await.unwrap();
    desk.until_treatment(TreatmentType::MUSIC).await;

    desk.ready("1001").await;
    assert_eq!(served(&mut desk, "1001").await, "1002");
    release(&mut desk, &mut agent).await;
    assert_eq!(served(&mut desk, "1001").await, "5550101");
    release(&mut desk, &mut agent).await;
    site.idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_who_is_ready_longest_gets_the_call_and_one_without_the_skill_never() {
    let site = Site::start().await;
    // Support only, sales, sales.
    let _support = site.phone("1003", Line::auto_answer(Duration::ZERO)).await;
    let mut second = site.phone("1005", Line::auto_answer(Duration::ZERO)).await;
    let _third = site.phone("1002", Line::auto_answer(Duration::ZERO)).await;
    let mut customer = site.customer("5550101").await;
    let mut desk = Desk::connect(&site, &["1002", "1003", "1005", POINT]).await;
    for dn in ["1003", "1005", "1002"] {
        desk.ready(dn).await;
    }
    let call = call_and_press(&mut customer, &mut desk, "1").await;
    second.incoming().await;
    assert_eq!(served(&mut desk, "1005").await, "5550101");
    customer.hang_up(call).await;
    site.idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_waits_while_the_only_agents_phone_refuses_and_is_served_when_it_does_not() {
    let site = Site::start().await;
    let mut agent = site.phone("1001", Line::new(Behavior::Busy)).await;
    let mut customer = site.customer("5550101").await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    desk.ready("1001").await;
    let call = call_and_press(&mut customer, &mut desk, "1").await;
    agent.incoming().await;
    desk.until(MessageType::EVENT_RELEASED, "1001").await;
    agent.line(Line::auto_answer(Duration::ZERO)).await;
    desk.until_treatment(TreatmentType::MUSIC).await;
    assert_eq!(served(&mut desk, "1001").await, "5550101");
    customer.hang_up(call).await;
    site.idle().await;
}

//! Calls that do not get their agent, or not the first one.

use std::time::Duration;

use reference::sim::phone::{Behavior, Ending, Line};
use tlib::MessageType;
use tlib::catalog::TreatmentType;

use crate::desk::Desk;
use crate::flow::call_and_press;
use crate::site::{POINT, Site};

const ANSWERS: Duration = Duration::ZERO;

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_hangs_up_in_the_greeting_abandons_at_the_routing_point() {
    let site = Site::start().await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &[POINT]).await;

    let call = customer.call(POINT).await;
    customer.answered(call).await;
    desk.until_treatment(TreatmentType::PLAY_ANNOUNCEMENT_AND_DIGITS)
        .await;
    customer.hears(call, 3).await;
    customer.hang_up(call).await;
    desk.until(MessageType::EVENT_ABANDONED, POINT).await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_hangs_up_while_the_phone_rings_abandons_at_the_agent() {
    let site = Site::start().await;
    let mut agent = site.phone("1001", Line::new(Behavior::Manual)).await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    desk.ready("1001").await;

    let call = call_and_press(&mut customer, &mut desk, "1").await;
    let ringing = agent.incoming().await;
    desk.ringing("1001").await;
    desk.mark_here();
    customer.hang_up(call).await;
    let (ending, _) = agent.ended(ringing).await;
    assert_eq!(ending, Ending::ByPeer, "the phone still rings");
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_for_a_busy_phone_comes_back_and_goes_to_the_next_agent() {
    let site = Site::start().await;
    let mut busy = site.phone("1001", Line::new(Behavior::Busy)).await;
    let mut free = site.phone("1005", Line::auto_answer(ANSWERS)).await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1001", "1005", POINT]).await;
    desk.ready("1001").await;
    desk.ready("1005").await;

    let call = call_and_press(&mut customer, &mut desk, "1").await;
    desk.mark_here();
    busy.incoming().await;
    free.incoming().await;
    customer.joined(call).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1005").await;
    customer.hang_up(call).await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_answers_makes_the_agent_not_ready_and_goes_to_the_next() {
    let site = Site::start_with(|config| config.sip.no_answer_secs = 2).await;
    let mut absent = site.phone("1001", Line::new(Behavior::RingForever)).await;
    let mut present = site.phone("1005", Line::auto_answer(ANSWERS)).await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1001", "1005", POINT]).await;
    desk.ready("1001").await;
    desk.ready("1005").await;

    let call = call_and_press(&mut customer, &mut desk, "1").await;
    desk.mark_here();
    let rang = absent.incoming().await;
    let (ending, _) = absent.ended(rang).await;
    assert_eq!(ending, Ending::ByPeer);
    present.incoming().await;
    customer.joined(call).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1005").await;
    customer.hang_up(call).await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_vanished_without_a_word_is_taken_for_one_that_nobody_answers() {
    let site = Site::start_with(|config| config.sip.no_answer_secs = 2).await;
    let gone = site.phone("1001", Line::new(Behavior::Manual)).await;
    let mut present = site.phone("1005", Line::auto_answer(ANSWERS)).await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1001", "1005", POINT]).await;
    desk.ready("1001").await;
    desk.ready("1005").await;
    gone.line(Line::new(Behavior::Gone)).await;

    let call = call_and_press(&mut customer, &mut desk, "1").await;
    desk.mark_here();
    present.incoming().await;
    customer.joined(call).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1005").await;
    customer.hang_up(call).await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_unregistered_is_out_of_service_and_gets_no_call_until_it_is_back() {
    let site = Site::start().await;
    let mut away = site.phone("1001", Line::auto_answer(ANSWERS)).await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    desk.ready("1001").await;
    away.unregister().await;
    desk.until(MessageType::EVENT_DN_OUT_OF_SERVICE, "1001").await;

    let call = call_and_press(&mut customer, &mut desk, "1").await;
    desk.until_treatment(TreatmentType::MUSIC).await;
    away.register().await;
    away.incoming().await;
    customer.joined(call).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1001").await;
    customer.hang_up(call).await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

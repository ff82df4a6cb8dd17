//! Calls that are answered, with the audio of both sides.

use std::time::Duration;

use media::g711::Law;
use reference::sim::phone::{CallOptions, Ending, Line};
use tlib::catalog::TreatmentType;
use tlib::{CallControlExt, MessageType};

use crate::desk::Desk;
use crate::flow::call_and_press;
use crate::site::{POINT, Site, quickstart, strength, tone};

/// Half a second of frames.
const A_WHILE: u64 = 25;

/// The last fifth of a second.
fn tail(sound: &[i16]) -> &[i16] {
    &sound[sound.len().saturating_sub(1_600)..]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_presses_one_talks_to_an_agent_and_hangs_up() {
    // With the real prompts.
    let site = Site::start_with(|config| config.media.prompts = quickstart().media.prompts).await;
    let mut agent = site
        .phone(
            "1001",
            Line::auto_answer(Duration::ZERO)
                .with_talk(tone(1_200.0))
                .with_record(true),
        )
        .await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    desk.ready("1001").await;

    let options = CallOptions::new(POINT, "5550100")
        .with_talk(tone(440.0))
        .with_record(true);
    let call = customer.call_with(options).await;
    customer.answered(call).await;
    customer.hears(call, A_WHILE).await;
    desk.until_treatment(TreatmentType::PLAY_ANNOUNCEMENT_AND_DIGITS)
        .await;
    customer.hears(call, A_WHILE).await;
    customer.host.send_digits(call, "1").await.unwrap();
    let taken = agent.incoming().await;
    customer.joined(call).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1001").await;
    customer.hears(call, A_WHILE).await;
    agent.hears(taken, A_WHILE).await;
    customer.host.hang_up(call).await.unwrap();

    let (ending, at_customer) = customer.ended(call).await;
    assert_eq!(ending, Ending::ByUs);
    let (ending, at_agent) = agent.ended(taken).await;
    assert_eq!(ending, Ending::ByPeer);
    let agent_heard = strength(tail(&at_customer), 1_200.0);
    assert!(
        agent_heard > 6_000.0,
        "the customer hears the agent's tone with {agent_heard}"
    );
    let customer_heard = strength(tail(&at_agent), 440.0);
    assert!(
        customer_heard > 6_000.0,
        "the agent hears the customer's tone with {customer_heard}"
    );
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_hangs_up_on_a_customer() {
    let site = Site::start().await;
    let mut agent = site.phone("1003", Line::auto_answer(Duration::ZERO)).await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1003", POINT]).await;
    desk.ready("1003").await;

    let call = call_and_press(&mut customer, &mut desk, "2").await;
    let taken = agent.incoming().await;
    customer.joined(call).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1003").await;
    agent.hang_up(taken).await;
    let (ending, _) = customer.ended(call).await;
    assert_eq!(ending, Ending::ByPeer);
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_tcp_on_both_sides_is_a_call_like_any_other() {
    let site = Site::start().await;
    let agent_line = Line::auto_answer(Duration::ZERO).with_talk(tone(1_200.0));
    let mut agent = site.phone_over_tcp("1001", agent_line).await;
    let mut customer = site.customer_over_tcp("5550100").await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    desk.ready("1001").await;

    let call = call_and_press(&mut customer, &mut desk, "1").await;
    let taken = agent.incoming().await;
    customer.joined(call).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1001").await;
    customer.hears(call, A_WHILE).await;
    customer.hang_up(call).await;
    assert_eq!(agent.ended(taken).await.0, Ending::ByPeer);
    desk.log_of_ended(&site).await;
    let seen: Vec<_> = desk.names();
    let at_agent: Vec<_> = seen.iter().filter(|name| name.starts_with("1001")).collect();
    assert_eq!(
        at_agent,
        ["1001 EventRinging", "1001 EventEstablished", "1001 EventReleased"]
    );
    let endpoint = site.cluster.node().stats().await.endpoint;
    assert_eq!(endpoint.datagrams_in, 0, "something went over UDP");
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_of_either_law_hear_the_menu_and_an_agent_who_knows_both() {
    let site = Site::start().await;
    let line = Line::auto_answer(Duration::ZERO)
        .with_talk(tone(1_200.0))
        .with_record(true);
    let mut agent = site.phone("1001", line).await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    desk.ready("1001").await;
    for law in [Law::Mu, Law::A] {
        let mut customer = site.phone_of_law("5550100", law).await;
        let options = CallOptions::new(POINT, "5550100")
            .with_talk(tone(440.0))
            .with_record(true);
        let call = customer.call_with(options).await;
        customer.answered(call).await;
        customer.hears(call, A_WHILE).await;
        desk.until_treatment(TreatmentType::PLAY_ANNOUNCEMENT_AND_DIGITS)
            .await;
        customer.host.send_digits(call, "1").await.unwrap();
        let taken = agent.incoming().await;
        customer.joined(call).await;
        desk.until(MessageType::EVENT_ESTABLISHED, "1001").await;
        customer.hears(call, A_WHILE).await;
        agent.hears(taken, A_WHILE).await;
        customer.host.hang_up(call).await.unwrap();
        let heard = strength(tail(&customer.ended(call).await.1), 1_200.0);
        assert!(
            heard > 6_000.0,
            "the customer of {law:?} hears the agent with {heard}"
        );
        let heard = strength(tail(&agent.ended(taken).await.1), 440.0);
        assert!(
            heard > 6_000.0,
            "the agent hears the customer of {law:?} with {heard}"
        );
        desk.log_of_ended(&site).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_answers_as_soon_as_it_sees_the_call_ring_is_served() {
    let site = Site::start().await;
    let mut ada = site.phone("1001", Line::default()).await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1001"]).await;
    for _ in 0..10 {
        let call = customer.call("1001").await;
        let conn = desk.ringing("1001").await;
        desk.client.answer_call("1001", conn).await.unwrap();
        let taken = ada.incoming().await;
        customer.answered(call).await;
        ada.answered(taken).await;
        customer.hang_up(call).await;
        ada.ended(taken).await;
    }
    site.idle().await;
}

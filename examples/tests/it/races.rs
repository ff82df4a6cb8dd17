//! Ends at bad moments: nothing may be left of a call, and the next one must work.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reference::sim::phone::{Behavior, CallOptions, Ending, Goal, Happening, Line, Presses};
use tlib::{CallControlExt, KvList, MessageType};

use crate::desk::Desk;
use crate::flow::{call_and_press, internal_call};
use crate::site::{POINT, Site, tone};

const ANSWERS: Duration = Duration::ZERO;

#[tokio::test(flavor = "multi_thread")]
async fn customers_who_hang_up_at_any_moment_leave_no_trace_and_the_agents_go_on() {
    let site = Site::start().await;
    let mut agents = Vec::new();
    let mut desk = Desk::connect(&site, &["1001", "1002", POINT]).await;
    for number in ["1001", "1002"] {
        agents.push(
            site.phone(number, Line::auto_answer(Duration::from_millis(50)))
                .await,
        );
        desk.ready(number).await;
    }
    let mut crowd = site.customer("5550100").await;
    let mut random = StdRng::seed_from_u64(0xabad);
    let mut calls = Vec::new();
    for _ in 0..50 {
        let mut pause = |most| Duration::from_millis(random.random_range(0..most));
        let keys = Presses::new("1", pause(500)).with_every(Duration::from_millis(200));
        let options = CallOptions::new(POINT, "5550100")
            .with_goal(Goal::Joined)
            .with_presses(keys)
            .with_patience(pause(2_000))
            .with_talk_time(pause(200));
        calls.push(crowd.call_with(options).await);
    }
    for call in calls {
        let over = |what: &Happening| {
            what.call() == Some(call) && matches!(what, Happening::Ended { .. } | Happening::Failed { .. })
        };
        let what = crowd.until("end of a call", over).await;
        assert!(
            matches!(
                what,
                Happening::Ended {
                    ending: Ending::ByUs | Ending::GaveUp,
                    ..
                }
            ),
            "{what:?}"
        );
    }
    site.idle().await;
    assert_eq!(site.ready_agents().await, 2);

    let mut customer = site.customer("5550199").await;
    desk.fence().await;
    desk.mark();
    let call = call_and_press(&mut customer, &mut desk, "1").await;
    customer.joined(call).await;
    customer.hang_up(call).await;
    site.idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_may_hang_up_at_once() {
    let site = Site::start().await;
    let mut ada = site.phone("1001", Line::new(Behavior::Manual)).await;
    let mut bob = site.phone("1002", Line::auto_answer(ANSWERS)).await;
    let mut desk = Desk::connect(&site, &["1001", "1002"]).await;
    for _ in 0..10 {
        let call = internal_call(&mut desk, &mut ada, &mut bob, KvList::new()).await;
        desk.mark_here();
        let (a, b) = tokio::join!(ada.host.hang_up(call.from), bob.host.hang_up(call.to));
        a.and(b).unwrap();
        ada.ended(call.from).await;
        bob.ended(call.to).await;
        site.idle().await;
        desk.fence().await;
        let mut names = desk.names();
        names.sort();
        assert_eq!(names, ["1001 EventReleased", "1002 EventReleased"]);
        desk.mark();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_may_hang_up_on_hold_and_the_agent_gets_the_next_call() {
    let site = Site::start().await;
    let mut agent = site
        .phone("1001", Line::auto_answer(ANSWERS).with_talk(tone(440.0)))
        .await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    desk.ready("1001").await;
    for _ in 0..2 {
        let call = call_and_press(&mut customer, &mut desk, "1").await;
        let taken = agent.incoming().await;
        let conn = desk
            .until(MessageType::EVENT_ESTABLISHED, "1001")
            .await
            .conn_id()
            .unwrap();
        desk.client.hold_call("1001", conn).await.unwrap();
        desk.until(MessageType::EVENT_HELD, "1001").await;
        customer.hang_up(call).await;
        desk.until(MessageType::EVENT_RELEASED, "1001").await;
        agent.ended(taken).await;
        site.idle().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_may_hang_up_on_a_phone_that_vanished_in_the_call() {
    let site = Site::start().await;
    let mut agent = site.phone("1001", Line::auto_answer(ANSWERS)).await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    desk.ready("1001").await;
    let call = call_and_press(&mut customer, &mut desk, "1").await;
    agent.incoming().await;
    customer.joined(call).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1001").await;
    desk.mark_here();
    agent.line(Line::new(Behavior::Gone)).await;
    customer.hang_up(call).await;
    // Applications do not wait for the answer to a BYE that nobody answers.
    desk.until(MessageType::EVENT_RELEASED, "1001").await;
    assert_eq!(desk.names(), ["1001 EventReleased"]);
    let calls = site.cluster.node().stats().await.engine.unwrap().calls;
    assert_eq!(calls, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_asked_again_and_the_right_one_counts() {
    let site = Site::start().await;
    let mut agent = site.phone("1003", Line::auto_answer(ANSWERS)).await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1003", POINT]).await;
    desk.ready("1003").await;
    let call = call_and_press(&mut customer, &mut desk, "9").await;
    let end = desk.until(MessageType::EVENT_TREATMENT_END, POINT).await;
    assert_eq!(end.str(tlib::AttributeId::COLLECTED_DIGITS), Some("9"));
    desk.until_treatment(tlib::catalog::TreatmentType::PLAY_ANNOUNCEMENT_AND_DIGITS)
        .await;
    customer.host.send_digits(call, "2").await.unwrap();
    agent.incoming().await;
    let established = desk.until(MessageType::EVENT_ESTABLISHED, "1003").await;
    assert_eq!(established.user_data().unwrap().get_str("Skill"), Some("support"));
    customer.hang_up(call).await;
    site.idle().await;
}

//! What applications and phones do with calls: make, hold, retrieve, redirect, attach data.

use std::time::Duration;

use reference::sim::phone::{Behavior, Ending, Line};
use tlib::catalog::{ErrorCode, TreatmentType};
use tlib::{CallControlExt, ConnId, KvList, MessageType, RequestError};

use crate::desk::Desk;
use crate::flow::{call_and_press, internal_call};
use crate::site::{POINT, Site, tone};

/// Some frames.
const A_WHILE: u64 = 10;

fn manual() -> Line {
    Line::new(Behavior::Manual)
}

fn answers() -> Line {
    Line::auto_answer(Duration::ZERO)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_makes_a_call_between_two_phones_and_releases_it() {
    let site = Site::start().await;
    let mut ada = site.phone("1001", manual().with_talk(tone(440.0))).await;
    let mut bob = site.phone("1002", answers().with_talk(tone(440.0))).await;
    let mut desk = Desk::connect(&site, &["1001", "1002"]).await;

    let call = internal_call(
        &mut desk,
        &mut ada,
        &mut bob,
        KvList::new().with("Topic", "lunch"),
    )
    .await;
    ada.hears(call.from, A_WHILE).await;
    bob.hears(call.to, A_WHILE).await;
    desk.client.release_call("1001", call.conn).await.unwrap();
    assert_eq!(ada.ended(call.from).await.0, Ending::ByPeer);
    assert_eq!(bob.ended(call.to).await.0, Ending::ByPeer);
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_dialed_at_a_phone_is_seen_at_both_ends_and_answered_by_request() {
    let site = Site::start().await;
    let mut ada = site.phone("1001", manual()).await;
    let mut bob = site.phone("1002", manual()).await;
    let mut desk = Desk::connect(&site, &["1001", "1002"]).await;

    let call = ada.call("1002").await;
    let taken = bob.incoming().await;
    ada.ringing(call).await;
    let conn = desk.ringing("1002").await;
    desk.client.answer_call("1002", conn).await.unwrap();
    ada.answered(call).await;
    bob.answered(taken).await;
    bob.hang_up(taken).await;
    assert_eq!(ada.ended(call).await.0, Ending::ByPeer);
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_from_outside_to_an_extension_rings_there_and_is_not_answered_if_busy() {
    let site = Site::start().await;
    let mut ada = site.phone("1001", answers()).await;
    let mut bob = site.phone("1002", Line::new(Behavior::Busy)).await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1001", "1002"]).await;

    let call = customer.call("1001").await;
    let taken = ada.incoming().await;
    customer.answered(call).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1001").await;
    customer.hang_up(call).await;
    assert_eq!(ada.ended(taken).await.0, Ending::ByPeer);
    desk.until(MessageType::EVENT_RELEASED, "1001").await;

    let call = customer.call("1002").await;
    bob.incoming().await;
    assert_eq!(customer.refused(call).await.0, 486);
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_holds_a_routed_call_and_takes_it_back() {
    let site = Site::start().await;
    let mut agent = site.phone("1001", answers().with_talk(tone(440.0))).await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    desk.ready("1001").await;
    let call = call_and_press(&mut customer, &mut desk, "1").await;
    let taken = agent.incoming().await;
    customer.joined(call).await;
    let conn = desk
        .until(MessageType::EVENT_ESTABLISHED, "1001")
        .await
        .conn_id()
        .unwrap();
    desk.mark_here();

    desk.client.hold_call("1001", conn).await.unwrap();
    assert!(agent.held(taken).await, "the phone does not know");
    let refused = desk.client.hold_call("1001", conn).await;
    assert!(
        matches!(refused, Err(RequestError::Refused { .. })),
        "{refused:?}"
    );
    // Music while on hold.
    customer.hears(call, A_WHILE).await;
    desk.client.retrieve_call("1001", conn).await.unwrap();
    assert!(agent.retrieved(taken).await, "the phone does not know");
    customer.hears(call, A_WHILE).await;
    agent.hang_up(taken).await;
    customer.ended(call).await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_holds_at_the_phone_and_takes_the_call_back() {
    let site = Site::start().await;
    let mut ada = site.phone("1001", manual().with_talk(tone(440.0))).await;
    let mut bob = site.phone("1002", answers().with_talk(tone(440.0))).await;
    let mut desk = Desk::connect(&site, &["1001", "1002"]).await;
    let call = internal_call(&mut desk, &mut ada, &mut bob, KvList::new()).await;
    ada.hears(call.from, A_WHILE).await;
    desk.mark_here();

    bob.host.hold(call.to).await.unwrap();
    assert!(!bob.held(call.to).await);
    desk.until(MessageType::EVENT_HELD, "1002").await;
    bob.host.retrieve(call.to).await.unwrap();
    assert!(!bob.retrieved(call.to).await);
    desk.until(MessageType::EVENT_RETRIEVED, "1002").await;
    ada.hears(call.from, A_WHILE).await;
    bob.hears(call.to, A_WHILE).await;
    ada.hang_up(call.from).await;
    bob.ended(call.to).await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ringing_call_is_redirected_to_another_phone() {
    let site = Site::start().await;
    let mut ada = site.phone("1001", manual()).await;
    let mut bob = site.phone("1002", manual()).await;
    let mut cleo = site.phone("1003", answers()).await;
    let mut desk = Desk::connect(&site, &["1001", "1002", "1003"]).await;

    let call = ada.call("1002").await;
    let rings = bob.incoming().await;
    let conn = desk.ringing("1002").await;
    desk.client.redirect_call("1002", conn, "1003").await.unwrap();
    assert_eq!(
        bob.ended(rings).await.0,
        Ending::ByPeer,
        "the first phone still rings"
    );
    let taken = cleo.incoming().await;
    ada.answered(call).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1003").await;
    ada.hang_up(call).await;
    cleo.ended(taken).await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_a_call_is_the_same_for_all_parties_whoever_changes_it() {
    let site = Site::start().await;
    let mut ada = site.phone("1001", manual()).await;
    let mut bob = site.phone("1002", answers()).await;
    let mut desk = Desk::connect(&site, &["1001", "1002"]).await;
    let call = internal_call(
        &mut desk,
        &mut ada,
        &mut bob,
        KvList::new().with("Segment", "gold"),
    )
    .await;
    desk.mark_here();

    let (client, conn) = (desk.client.clone(), call.conn);
    client
        .attach_user_data(
            "1001",
            conn,
            KvList::new().with("Segment", "silver").with("Case", 17),
        )
        .await
        .unwrap();
    client
        .update_user_data(
            "1002",
            conn,
            KvList::new().with("Segment", "bronze").with("Note", "x"),
        )
        .await
        .unwrap();
    client.delete_pair("1001", conn, "Case").await.unwrap();
    // Somebody else, with a phone of its own but no part in the call.
    let mut other = Desk::connect(&site, &["1003"]).await;
    other
        .client
        .update_user_data("1003", conn, KvList::new().with("Supervisor", "1003"))
        .await
        .unwrap();
    other.fence().await;
    insta::assert_snapshot!("the_copy_of_a_stranger", other.log());
    client.delete_user_data("1002", conn).await.unwrap();
    let refused = client
        .delete_pair("1001", ConnId(0xdead), "Case")
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            RequestError::Refused {
                code: ErrorCode::INVALID_CONN_ID,
                ..
            }
        ),
        "{refused}"
    );
    ada.hang_up(call.from).await;
    bob.ended(call.to).await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_colleague_is_told_to_the_caller_s_application() {
    let site = Site::start().await;
    let mut ada = site.phone("1001", manual()).await;
    let mut bob = site.phone("1002", Line::new(Behavior::Busy)).await;
    let mut desk = Desk::connect(&site, &["1001", "1002"]).await;
    let call = ada.call("1002").await;
    bob.incoming().await;
    assert_eq!(ada.refused(call).await.0, 486);
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_who_does_not_answer_is_not_made_not_ready() {
    let site = Site::start_with(|config| config.sip.no_answer_secs = 1).await;
    let mut ada = site.phone("1001", manual()).await;
    let mut bob = site.phone("1002", Line::new(Behavior::RingForever)).await;
    let mut desk = Desk::connect(&site, &["1001", "1002"]).await;
    desk.ready("1002").await;
    let call = ada.call("1002").await;
    let rang = bob.incoming().await;
    ada.refused(call).await;
    bob.ended(rang).await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ringing_call_is_refused_by_request_or_given_up_by_the_caller() {
    let site = Site::start().await;
    let mut ada = site.phone("1001", manual()).await;
    let mut bob = site.phone("1002", manual()).await;
    let mut desk = Desk::connect(&site, &["1001", "1002"]).await;
    let call = ada.call("1002").await;
    let rings = bob.incoming().await;
    let conn = desk.ringing("1002").await;
    desk.client.release_call("1002", conn).await.unwrap();
    ada.refused(call).await;
    bob.ended(rings).await;

    let call = ada.call("1002").await;
    let rings = bob.incoming().await;
    desk.ringing("1002").await;
    ada.hang_up(call).await;
    bob.ended(rings).await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_comes_late_learns_of_the_calls_there_are() {
    let site = Site::start().await;
    let mut ada = site.phone("1001", manual()).await;
    let mut bob = site.phone("1002", answers()).await;
    let mut desk = Desk::connect(&site, &["1001", "1002", POINT]).await;
    let call = internal_call(&mut desk, &mut ada, &mut bob, KvList::new()).await;
    let mut customer = site.customer("5550100").await;
    let waits = call_and_press(&mut customer, &mut desk, "1").await;
    desk.until_treatment(TreatmentType::MUSIC).await;
    let mut late = Desk::connect(&site, &[]).await;
    for dn in ["1001", "1002", "1003", POINT] {
        late.client.register_address(dn).await.unwrap();
    }
    late.fence().await;
    insta::assert_snapshot!(late.log());
    ada.hang_up(call.from).await;
    customer.hang_up(waits).await;
    site.idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_cannot_be_served_say_why() {
    let site = Site::start().await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    let client = desk.client.clone();
    // No phone is registered; the DN is not ours; there is no such DN; there is no such call.
    client.make_call("1001", "1002", KvList::new()).await.unwrap_err();
    client.make_call("1002", "1001", KvList::new()).await.unwrap_err();
    client.register_address("4711").await.unwrap_err();
    client.answer_call("1001", ConnId(1)).await.unwrap_err();
    let _ada = site.phone("1001", manual()).await;
    desk.until(MessageType::EVENT_DN_BACK_IN_SERVICE, "1001").await;
    // The other phone is not registered.
    client.make_call("1001", "1002", KvList::new()).await.unwrap_err();
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_a_number_that_nobody_has_fails_at_the_caller() {
    let site = Site::start().await;
    let mut ada = site.phone("1001", manual()).await;
    let mut desk = Desk::connect(&site, &["1001"]).await;
    desk.client
        .make_call("1001", "4711", KvList::new())
        .await
        .unwrap();
    let call = ada.incoming().await;
    ada.ended(call).await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

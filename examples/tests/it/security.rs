//! Who may register and call.

use reference::sim::phone::{Behavior, CallOptions, Happening, Line};
use sip::ua::Account;
use tlib::MessageType;

use crate::desk::Desk;
use crate::site::{POINT, Phone, Site};

/// The status with which a registration failed.
async fn registration_refused(phone: &mut Phone) -> u16 {
    let failed = |what: &Happening| matches!(what, Happening::RegistrationFailed { .. });
    let what = phone.until("failed registration", failed).await;
    let Happening::RegistrationFailed {
        status, will_retry, ..
    } = what
    else {
        unreachable!()
    };
    assert!(!will_retry, "it would try the wrong password again");
    status.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_user_do_not_register() {
    let site = Site::start().await;
    let mut desk = Desk::connect(&site, &["1001"]).await;
    let mut thief = site.customer("1001").await;
    thief
        .host
        .register("1001", "agent-1002", site.sip())
        .await
        .unwrap();
    assert!([401, 403].contains(&registration_refused(&mut thief).await));
    thief
        .host
        .register("1099", "agent-1099", site.sip())
        .await
        .unwrap();
    let unknown = registration_refused(&mut thief).await;
    assert!([401, 403, 404].contains(&unknown), "{unknown}");
    assert_eq!(site.bindings().await, 0);
    assert_eq!(desk.log_of_ended(&site).await, "", "the phone came into service");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_nobody_has_is_not_found() {
    let site = Site::start().await;
    let mut customer = site.customer("5550100").await;
    let call = customer.call("4711").await;
    assert_eq!(customer.refused(call).await.0, 404);
    site.idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_without_a_phone_cannot_be_reached() {
    let site = Site::start().await;
    let mut customer = site.customer("5550100").await;
    let call = customer.call("1001").await;
    assert_eq!(customer.refused(call).await.0, 480);
    site.idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_the_name_of_an_extension_needs_its_password() {
    let site = Site::start().await;
    let _bob = site.phone("1002", Line::new(Behavior::Manual)).await;
    let mut desk = Desk::connect(&site, &["1001", "1002", POINT]).await;
    // Not registered: nothing but a claim.
    let mut caller = site.customer("1001").await;

    let call = caller.call("1002").await;
    let status = caller.refused(call).await.0;
    assert!([401, 407].contains(&status), "not challenged but {status}");
    let wrong = CallOptions::new(POINT, "1001").with_account(Account::new("1001", "agent-1002"));
    let call = caller.call_with(wrong).await;
    let status = caller.refused(call).await.0;
    assert!([401, 403, 407].contains(&status), "{status}");
    assert_eq!(
        desk.log_of_ended(&site).await,
        "",
        "a refused call was seen by applications"
    );

    let right = CallOptions::new("1002", "1001").with_account(Account::new("1001", "agent-1001"));
    let call = caller.call_with(right).await;
    caller.ringing(call).await;
    let dialing = desk.until(MessageType::EVENT_DIALING, "1001").await;
    assert_eq!(dialing.other_dn(), Some("1002"));
    caller.hang_up(call).await;
    site.idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_is_no_trunk_cannot_call_without_a_password() {
    let site = Site::start_with(|config| config.sip.trunk_networks.clear()).await;
    let mut customer = site.customer("5550100").await;
    let call = customer.call(POINT).await;
    let status = customer.refused(call).await.0;
    assert!([401, 403, 407].contains(&status), "{status}");
    site.idle().await;
}

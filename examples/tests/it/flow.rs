//! Ways that many calls go.

use reference::sim::phone::CallId;
use tlib::catalog::TreatmentType;
use tlib::{CallControlExt, ConnId, KvList, MessageType};

use crate::desk::Desk;
use crate::site::{POINT, Phone};

/// Calls the routing point and presses a key in its menu. The desk must see the routing point.
pub(crate) async fn call_and_press(customer: &mut Phone, desk: &mut Desk, key: &str) -> CallId {
    let call = customer.call(POINT).await;
    customer.answered(call).await;
    desk.until_treatment(TreatmentType::PLAY_ANNOUNCEMENT_AND_DIGITS)
        .await;
    customer.host.send_digits(call, key).await.unwrap();
    call
}

/// Calls, presses a key and waits in the queue until the music plays.
pub(crate) async fn call_and_wait(customer: &mut Phone, desk: &mut Desk, key: &str) -> CallId {
    let call = call_and_press(customer, desk, key).await;
    desk.until_treatment(TreatmentType::MUSIC).await;
    call
}

/// An established call between two extensions, made by an application; the desk must see both.
pub(crate) struct Internal {
    pub(crate) conn: ConnId,
    /// At the phone that calls.
    pub(crate) from: CallId,
    /// At the phone that is called.
    pub(crate) to: CallId,
}

/// The caller's phone must answer what an application asks of it, the other one by itself.
pub(crate) async fn internal_call(
    desk: &mut Desk,
    from: &mut Phone,
    to: &mut Phone,
    data: KvList,
) -> Internal {
    let dialing = desk
        .client
        .make_call(&from.number, &to.number, data)
        .await
        .unwrap();
    let caller = from.incoming().await;
    let callee = to.incoming().await;
    desk.until(MessageType::EVENT_DIALING, &from.number).await;
    let mut open = vec![from.number.clone(), to.number.clone()];
    while !open.is_empty() {
        let event = desk
            .until_that("both established", |event| {
                event.message_type == MessageType::EVENT_ESTABLISHED
            })
            .await;
        open.retain(|dn| Some(dn.as_str()) != event.this_dn());
    }
    Internal {
        conn: dialing.conn_id().unwrap(),
        from: caller,
        to: callee,
    }
}

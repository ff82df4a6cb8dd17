//! Calls: set-up, end, races, re-INVITE.

use std::time::Duration;

use super::support::*;
use crate::header::HeaderName;
use crate::method::Method;
use crate::status::StatusCode;
use crate::testing::{Fault, Side};
use crate::ua::{CommandError, EndCause, FailureCause, UaCommand, UaEvent};

#[test]
fn a_call_rings_is_answered_and_ends_by_either_side() {
    for side in [Side::Alice, Side::Bob] {
        let mut pair = perfect();
        call(&mut pair, invite().with_sdp(OFFER));
        pair.run_for(ms(0));
        let events = pair.events(Side::Bob);
        assert!(matches!(&events[..], [UaEvent::Incoming { call, request, .. }]
            if *call == B && request.body() == &OFFER));
        pair.command(Side::Bob, UaCommand::ringing(B)).unwrap();
        pair.run_for(ms(0));
        assert!(matches!(
            &pair.events(Side::Alice)[..],
            [UaEvent::Progress {
                status: StatusCode::RINGING,
                ..
            }]
        ));
        pair.command(Side::Bob, UaCommand::accept(B, ANSWER)).unwrap();
        pair.run_for(ms(0));
        let events = pair.events(Side::Alice);
        assert!(
            matches!(&events[..], [UaEvent::Answered { offer: false, sdp: Some(sdp), .. }] if *sdp == ANSWER)
        );
        assert!(matches!(
            &pair.events(Side::Bob)[..],
            [UaEvent::Confirmed { sdp: None, .. }]
        ));
        let key = if side == Side::Alice { A } else { B };
        pair.command(side, UaCommand::hangup(key)).unwrap();
        pair.run_for(ms(0));
        assert!(matches!(
            &pair.events(side)[..],
            [UaEvent::Ended {
                cause: EndCause::Local,
                ..
            }]
        ));
        assert!(matches!(
            &pair.events(side.other())[..],
            [UaEvent::Ended {
                cause: EndCause::Remote,
                ..
            }]
        ));
        assert_eq!(
            pair.command(side, UaCommand::hangup(key)),
            Err(CommandError::UnknownCall)
        );
        assert_empty(&mut pair);
    }
}

#[test]
fn a_late_offer_is_answered_in_the_ack() {
    // Spec: RFC 3261 §13.2.1
    let mut pair = perfect();
    call(&mut pair, invite());
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::accept(B, OFFER)).unwrap();
    pair.run_for(ms(0));
    assert!(
        matches!(&pair.events(Side::Alice)[..], [UaEvent::Answered { offer: true, sdp: Some(sdp), .. }] if *sdp == OFFER)
    );
    assert_eq!(names(&pair.events(Side::Bob)), ["Incoming"]);
    pair.command(
        Side::Alice,
        UaCommand::Ack {
            call: A,
            sdp: Some(ANSWER),
        },
    )
    .unwrap();
    pair.run_for(ms(0));
    assert!(
        matches!(&pair.events(Side::Bob)[..], [UaEvent::Confirmed { sdp: Some(sdp), .. }] if *sdp == ANSWER)
    );
}

#[test]
fn an_offer_that_the_user_never_answers_ends_the_call() {
    let mut pair = perfect();
    call(&mut pair, invite());
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::accept(B, OFFER)).unwrap();
    pair.run_for(Duration::from_secs(30));
    let events = pair.timed_events(Side::Alice);
    assert!(
        matches!(events.last(), Some((at, UaEvent::Ended { cause: EndCause::NoUserAck, .. })) if *at == Duration::from_secs(20))
    );
    assert_empty(&mut pair);
}

#[test]
fn the_same_call_over_tcp_repeats_nothing() {
    let mut pair = perfect();
    talk(&mut pair, over_tcp(invite()));
    pair.command(Side::Bob, UaCommand::hangup(B)).unwrap();
    assert_empty(&mut pair);
    let sent: Vec<String> = pair
        .sent
        .iter()
        .map(|(_, side, message)| format!("{side:?} {message:?}"))
        .collect();
    assert_eq!(sent.len(), 5, "{sent:#?}");
}

#[test]
fn lost_invites_are_repeated_at_the_exact_times_and_the_call_fails_after_32_s() {
    let mut pair = perfect();
    pair.set_rule(|_, _| Some(Fault::Drop));
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(Duration::from_secs(40));
    let times: Vec<u128> = pair
        .times_of(Side::Alice, "INVITE")
        .iter()
        .map(Duration::as_millis)
        .collect();
    assert_eq!(times, [0, 500, 1500, 3500, 7500, 15500, 31500]);
    let events = pair.timed_events(Side::Alice);
    assert!(
        matches!(&events[..], [(at, UaEvent::Failed { cause: FailureCause::NoResponse, .. })] if *at == Duration::from_secs(32))
    );
    assert_empty(&mut pair);
}

#[test]
fn a_lost_200_is_repeated_until_the_ack() {
    // Spec: RFC 3261 §13.3.1.4
    let mut pair = perfect();
    let mut lost = 0;
    pair.set_rule(move |_, message| {
        let drop = message.status() == Some(StatusCode::OK) && lost < 3;
        lost += u8::from(drop);
        drop.then_some(Fault::Drop)
    });
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::accept(B, ANSWER)).unwrap();
    pair.run_for(Duration::from_secs(40));
    let times: Vec<u128> = pair
        .times_of(Side::Bob, "200")
        .iter()
        .map(Duration::as_millis)
        .collect();
    assert_eq!(times, [0, 500, 1500, 3500]);
    assert_eq!(names(&pair.events(Side::Bob)), ["Incoming", "Confirmed"]);
    assert_eq!(names(&pair.events(Side::Alice)), ["Answered"]);
}

#[test]
fn a_lost_ack_is_sent_again_for_every_repeated_200_and_told_once() {
    // Spec: RFC 3261 §13.2.2.4
    let mut pair = perfect();
    let mut lost = 0;
    pair.set_rule(move |_, message| {
        let drop = message.is_method(&Method::ACK) && lost < 2;
        lost += u8::from(drop);
        drop.then_some(Fault::Drop)
    });
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::accept(B, ANSWER)).unwrap();
    pair.run_for(Duration::from_secs(40));
    let times: Vec<u128> = pair
        .times_of(Side::Alice, "ACK")
        .iter()
        .map(Duration::as_millis)
        .collect();
    assert_eq!(times, [0, 500, 1500]);
    assert_eq!(names(&pair.events(Side::Alice)), ["Answered"]);
    assert_eq!(names(&pair.events(Side::Bob)), ["Incoming", "Confirmed"]);
}

#[test]
fn a_call_that_is_never_acknowledged_ends_with_bye_after_32_s() {
    let mut pair = perfect();
    pair.set_rule(|_, message| message.is_method(&Method::ACK).then_some(Fault::Drop));
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::accept(B, ANSWER)).unwrap();
    pair.run_for(Duration::from_secs(33));
    let events = pair.timed_events(Side::Bob);
    assert!(
        matches!(events.last(), Some((at, UaEvent::Ended { cause: EndCause::NoAck, .. })) if *at == Duration::from_secs(32))
    );
    assert_eq!(pair.times_of(Side::Bob, "BYE"), [Duration::from_secs(32)]);
    assert_eq!(names(&pair.events(Side::Alice)), ["Answered", "Ended"]);
    assert_empty(&mut pair);
}

#[test]
fn a_ringing_call_is_cancelled() {
    let mut pair = perfect();
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::ringing(B)).unwrap();
    pair.run_for(ms(0));
    let headers = vec![(HeaderName::REASON, "SIP;cause=200".to_owned())];
    pair.command(Side::Alice, UaCommand::Hangup { call: A, headers })
        .unwrap();
    pair.run_for(ms(0));
    assert_eq!(names(&pair.events(Side::Bob)), ["Incoming", "Cancelled"]);
    assert_eq!(names(&pair.events(Side::Alice)), ["Progress", "Ended"]);
    assert_eq!(
        last(&pair, Side::Alice, "CANCEL").header(&HeaderName::REASON),
        Some("SIP;cause=200")
    );
    assert_eq!(pair.times_of(Side::Bob, "487").len(), 1);
    assert_empty(&mut pair);
}

#[test]
fn cancel_waits_for_the_first_provisional_response() {
    // Spec: RFC 3261 §9.1
    let mut pair = perfect();
    call(&mut pair, invite().with_sdp(OFFER));
    pair.command(Side::Alice, UaCommand::hangup(A)).unwrap();
    pair.run_for(ms(100));
    assert!(pair.times_of(Side::Alice, "CANCEL").is_empty());
    pair.run_for(ms(200));
    assert_eq!(
        pair.times_of(Side::Alice, "CANCEL"),
        [ms(200)],
        "the 100 after 200 ms lets it go"
    );
    assert_empty(&mut pair);
    assert_eq!(names(&pair.events(Side::Bob)), ["Incoming", "Cancelled"]);
}

#[test]
fn a_200_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut pair = perfect();
    pair.set_rule(|side, message| match side {
        Side::Bob if message.status() == Some(StatusCode::OK) => Some(Fault::Delay(ms(50))),
        Side::Alice if message.is_method(&Method::CANCEL) => Some(Fault::Delay(ms(50))),
        _ => None,
    });
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::ringing(B)).unwrap();
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::accept(B, ANSWER)).unwrap();
    pair.command(Side::Alice, UaCommand::hangup(A)).unwrap();
    pair.run_for(Duration::from_secs(1));
    assert_eq!(names(&pair.events(Side::Alice)), ["Progress", "Ended"]);
    assert_eq!(names(&pair.events(Side::Bob)), ["Incoming", "Confirmed", "Ended"]);
    assert_eq!(pair.times_of(Side::Alice, "BYE").len(), 1);
    assert!(pair.times_of(Side::Bob, "487").is_empty());
    assert_empty(&mut pair);
}

#[test]
fn a_cancel_without_answer_to_the_invite_is_given_up_after_32_s() {
    // Spec: RFC 3261 §9.1
    let mut pair = perfect();
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::ringing(B)).unwrap();
    pair.run_for(ms(0));
    pair.set_rule(|side, _| (side == Side::Alice).then_some(Fault::Drop));
    pair.command(Side::Alice, UaCommand::hangup(A)).unwrap();
    pair.run_for(Duration::from_secs(33));
    assert_eq!(pair.agent(Side::Alice).stats().calls, 0);
}

#[test]
fn a_call_that_rings_too_long_is_cancelled_and_fails_at_that_moment() {
    let mut pair = perfect();
    call(
        &mut pair,
        invite().with_sdp(OFFER).with_timeout(Duration::from_secs(10)),
    );
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::ringing(B)).unwrap();
    pair.run_for(Duration::from_secs(11));
    let events = pair.timed_events(Side::Alice);
    assert!(
        matches!(&events[1..], [(at, UaEvent::Failed { cause: FailureCause::RingTimeout, status, .. })]
        if *at == Duration::from_secs(10) && *status == StatusCode::REQUEST_TIMEOUT)
    );
    assert_eq!(names(&pair.events(Side::Bob)), ["Incoming", "Cancelled"]);
    assert_empty(&mut pair);
}

#[test]
fn an_incoming_call_that_nobody_decides_is_refused() {
    let mut pair = perfect();
    call(
        &mut pair,
        invite().with_sdp(OFFER).with_timeout(Duration::from_secs(600)),
    );
    pair.run_for(Duration::from_secs(181));
    assert!(matches!(
        &pair.events(Side::Alice)[..],
        [UaEvent::Failed {
            status: StatusCode::TEMPORARILY_UNAVAILABLE,
            ..
        }]
    ));
    assert!(matches!(
        pair.events(Side::Bob).last(),
        Some(UaEvent::Ended {
            cause: EndCause::NoDecision,
            ..
        })
    ));
    assert_empty(&mut pair);
}

#[test]
fn a_provisional_response_is_repeated_every_minute() {
    // Spec: RFC 3261 §13.3.1.1
    let mut pair = perfect();
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::ringing(B)).unwrap();
    pair.run_for(Duration::from_secs(130));
    assert_eq!(
        pair.times_of(Side::Bob, "180"),
        [0, 60, 120].map(Duration::from_secs)
    );
}

#[test]
fn refusals_and_redirections_reach_the_caller() {
    let mut pair = perfect();
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::reject(B, StatusCode::BUSY_HERE))
        .unwrap();
    pair.run_for(ms(0));
    assert!(matches!(
        &pair.events(Side::Alice)[..],
        [UaEvent::Failed {
            status: StatusCode::BUSY_HERE,
            cause: FailureCause::Refused,
            ..
        }]
    ));
    assert_empty(&mut pair);

    let mut pair = perfect();
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    let contacts = vec![
        "sip:c@10.0.0.3".parse().unwrap(),
        "sip:d@10.0.0.4".parse().unwrap(),
    ];
    pair.command(Side::Bob, UaCommand::Redirect { call: B, contacts })
        .unwrap();
    pair.run_for(ms(0));
    let events = pair.events(Side::Alice);
    let [
        UaEvent::Failed {
            response: Some(response),
            ..
        },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(response.contacts().count(), 2);
    assert_empty(&mut pair);
}

#[test]
fn hanging_up_before_the_ack_waits_for_it() {
    // Spec: RFC 3261 §15
    let mut pair = perfect();
    let mut lost = 0;
    pair.set_rule(move |_, message| {
        let drop = message.is_method(&Method::ACK) && lost < 1;
        lost += u8::from(drop);
        drop.then_some(Fault::Drop)
    });
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::accept(B, ANSWER)).unwrap();
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::hangup(B)).unwrap();
    pair.run_for(Duration::from_secs(1));
    assert_eq!(
        pair.times_of(Side::Bob, "BYE"),
        [ms(500)],
        "with the ACK of the repeated 200"
    );
    assert_empty(&mut pair);
}

#[test]
fn crossing_byes_both_end_the_call_once() {
    let mut pair = talking();
    pair.set_rule(|_, message| message.is_method(&Method::BYE).then_some(Fault::Delay(ms(10))));
    pair.command(Side::Alice, UaCommand::hangup(A)).unwrap();
    pair.command(Side::Bob, UaCommand::hangup(B)).unwrap();
    pair.run_for(ms(100));
    assert_eq!(names(&pair.events(Side::Alice)), ["Ended"]);
    assert_eq!(names(&pair.events(Side::Bob)), ["Ended"]);
    assert_eq!(
        (
            pair.times_of(Side::Alice, "200").len(),
            pair.times_of(Side::Bob, "200").len()
        ),
        (1, 2)
    );
    assert_empty(&mut pair);
}

#[test]
fn a_bye_that_is_never_answered_ends_the_call_all_the_same() {
    let mut pair = talking();
    pair.set_rule(|_, _| Some(Fault::Drop));
    pair.command(Side::Alice, UaCommand::hangup(A)).unwrap();
    pair.run_for(Duration::from_secs(33));
    assert_eq!(pair.agent(Side::Alice).stats().calls, 0);
}

#[test]
fn a_reinvite_is_answered_or_refused_and_a_refusal_leaves_the_session() {
    let mut pair = talking();
    pair.command(Side::Bob, UaCommand::reinvite(B, Some(OFFER)))
        .unwrap();
    pair.run_for(ms(0));
    assert_eq!(names(&pair.events(Side::Alice)), ["Reinvited"]);
    pair.command(Side::Alice, UaCommand::AcceptReinvite { call: A, sdp: ANSWER })
        .unwrap();
    pair.run_for(ms(0));
    assert!(
        matches!(&pair.events(Side::Bob)[..], [UaEvent::ReinviteAnswered { offer: false, sdp: Some(sdp), .. }] if *sdp == ANSWER)
    );
    assert_eq!(names(&pair.events(Side::Alice)), ["Confirmed"]);

    pair.command(Side::Alice, UaCommand::reinvite(A, Some(OFFER)))
        .unwrap();
    pair.run_for(ms(0));
    pair.command(
        Side::Bob,
        UaCommand::RejectReinvite {
            call: B,
            status: StatusCode::NOT_ACCEPTABLE_HERE,
        },
    )
    .unwrap();
    pair.run_for(ms(0));
    assert!(matches!(
        &pair.events(Side::Alice)[..],
        [UaEvent::ReinviteFailed {
            status: StatusCode::NOT_ACCEPTABLE_HERE,
            ..
        }]
    ));
    pair.run_for(Duration::from_secs(100));
    assert_eq!(
        (
            pair.agent(Side::Alice).stats().calls,
            pair.agent(Side::Bob).stats().calls
        ),
        (1, 1)
    );
}

#[test]
fn a_reinvite_without_offer_is_answered_with_one_and_the_ack_carries_the_answer() {
    let mut pair = talking();
    pair.command(Side::Bob, UaCommand::reinvite(B, None)).unwrap();
    pair.run_for(ms(0));
    assert!(matches!(
        &pair.events(Side::Alice)[..],
        [UaEvent::Reinvited { sdp: None, .. }]
    ));
    pair.command(Side::Alice, UaCommand::AcceptReinvite { call: A, sdp: OFFER })
        .unwrap();
    pair.run_for(ms(0));
    assert!(matches!(
        &pair.events(Side::Bob)[..],
        [UaEvent::ReinviteAnswered { offer: true, .. }]
    ));
    pair.command(
        Side::Bob,
        UaCommand::Ack {
            call: B,
            sdp: Some(ANSWER),
        },
    )
    .unwrap();
    pair.run_for(ms(0));
    assert!(
        matches!(&pair.events(Side::Alice)[..], [UaEvent::Confirmed { sdp: Some(sdp), .. }] if *sdp == ANSWER)
    );
}

#[test]
fn reinvites_that_cross_are_both_refused_and_both_succeed_later() {
    // Spec: RFC 3261 §14.1
    let mut pair = talking();
    pair.set_rule(|_, message| message.is_method(&Method::INVITE).then_some(Fault::Delay(ms(10))));
    pair.command(Side::Alice, UaCommand::reinvite(A, Some(OFFER)))
        .unwrap();
    pair.command(Side::Bob, UaCommand::reinvite(B, Some(OFFER)))
        .unwrap();
    pair.run_for(ms(50));
    assert_eq!(
        (
            pair.times_of(Side::Alice, "491").len(),
            pair.times_of(Side::Bob, "491").len()
        ),
        (1, 1)
    );
    let mut answered = Vec::new();
    for _ in 0..100 {
        pair.run_for(ms(100));
        for (side, key) in [(Side::Alice, A), (Side::Bob, B)] {
            let events = pair.events(side);
            if names(&events).contains(&"Reinvited") {
                pair.command(
                    side,
                    UaCommand::AcceptReinvite {
                        call: key,
                        sdp: ANSWER,
                    },
                )
                .unwrap();
            }
            if names(&events).contains(&"ReinviteAnswered") {
                answered.push(side);
            }
        }
    }
    answered.sort_unstable();
    assert_eq!(answered, [Side::Alice, Side::Bob]);
    let retries = pair.times_of(Side::Alice, "INVITE");
    let wait = retries[2] - ms(20);
    assert!(
        wait >= ms(2100) && wait <= ms(4010),
        "the caller waits 2.1 to 4 s: {wait:?}"
    );
}

#[test]
fn a_reinvite_before_the_ack_waits_for_it() {
    let mut pair = perfect();
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::accept(B, ANSWER)).unwrap();
    pair.command(Side::Bob, UaCommand::reinvite(B, Some(OFFER)))
        .unwrap();
    assert!(pair.times_of(Side::Bob, "INVITE").is_empty());
    pair.run_for(ms(0));
    assert_eq!(pair.times_of(Side::Bob, "INVITE").len(), 1);
}

#[test]
fn an_undecided_reinvite_is_refused_with_488_and_a_cancelled_one_is_told() {
    let mut pair = talking();
    pair.command(Side::Alice, UaCommand::reinvite(A, Some(OFFER)))
        .unwrap();
    pair.run_for(Duration::from_secs(21));
    let events = pair.timed_events(Side::Alice);
    assert!(
        matches!(&events[..], [(at, UaEvent::ReinviteFailed { status: StatusCode::NOT_ACCEPTABLE_HERE, .. })] if *at == Duration::from_secs(20))
    );
    assert_eq!(pair.agent(Side::Bob).stats().unanswered_requests, 1);
}

#[test]
fn a_bye_during_a_reinvite_ends_everything() {
    let mut pair = talking();
    pair.command(Side::Alice, UaCommand::reinvite(A, Some(OFFER)))
        .unwrap();
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::hangup(B)).unwrap();
    pair.run_for(ms(0));
    assert_eq!(names(&pair.events(Side::Alice)), ["Ended"]);
    assert_empty(&mut pair);
}

#[test]
fn requests_inside_the_dialog_are_the_users_both_ways() {
    let mut pair = talking();
    let headers = vec![(HeaderName::EVENT, "talk".to_owned())];
    pair.command(
        Side::Bob,
        UaCommand::InDialog {
            call: B,
            method: Method::NOTIFY,
            headers,
            body: None,
        },
    )
    .unwrap();
    pair.run_for(ms(0));
    let events = pair.events(Side::Alice);
    let [UaEvent::InDialog { request, message, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(message.header(&HeaderName::EVENT), Some("talk"));
    let respond = UaCommand::Respond {
        request: *request,
        status: StatusCode::OK,
        headers: Vec::new(),
        body: None,
    };
    pair.command(Side::Alice, respond.clone()).unwrap();
    assert_eq!(
        pair.command(Side::Alice, respond),
        Err(CommandError::UnknownRequest)
    );
    pair.run_for(ms(0));
    assert!(matches!(
        &pair.events(Side::Bob)[..],
        [UaEvent::InDialogResult {
            status: StatusCode::OK,
            ..
        }]
    ));
}

#[test]
fn a_ringing_phone_is_asked_to_talk_and_its_refusal_does_not_end_the_call() {
    let mut pair = perfect();
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    let talk = UaCommand::InDialog {
        call: A,
        method: Method::NOTIFY,
        headers: vec![(HeaderName::EVENT, "talk".to_owned())],
        body: None,
    };
    assert_eq!(
        pair.command(Side::Alice, talk.clone()),
        Err(CommandError::WrongState),
        "no dialog before the 180"
    );
    pair.command(Side::Bob, UaCommand::ringing(B)).unwrap();
    pair.run_for(ms(0));
    pair.events(Side::Bob);
    pair.command(Side::Alice, talk).unwrap();
    pair.run_for(ms(0));
    let events = pair.events(Side::Bob);
    let [UaEvent::InDialog { request, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    let status = StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
    let refuse = UaCommand::Respond {
        request: *request,
        status,
        headers: Vec::new(),
        body: None,
    };
    pair.command(Side::Bob, refuse).unwrap();
    pair.command(Side::Bob, UaCommand::accept(B, ANSWER)).unwrap();
    pair.run_for(ms(0));
    assert_eq!(
        names(&pair.events(Side::Alice)),
        ["Progress", "InDialogResult", "Answered"]
    );
    assert_eq!(
        names(&pair.events(Side::Bob)),
        ["Confirmed"],
        "the ACK has the number of the INVITE"
    );
    pair.command(Side::Alice, UaCommand::hangup(A)).unwrap();
    pair.run_for(ms(0));
    let (notify, bye) = (
        last(&pair, Side::Alice, "NOTIFY"),
        last(&pair, Side::Alice, "BYE"),
    );
    assert_eq!(bye.cseq().unwrap().number, notify.cseq().unwrap().number + 1);
    assert_empty(&mut pair);
}

#[test]
fn a_request_that_the_user_forgets_is_refused_and_counted() {
    let mut pair = talking();
    let info = UaCommand::InDialog {
        call: A,
        method: Method::INFO,
        headers: Vec::new(),
        body: None,
    };
    pair.command(Side::Alice, info).unwrap();
    pair.run_for(Duration::from_secs(25));
    assert!(matches!(
        &pair.events(Side::Alice)[..],
        [UaEvent::InDialogResult {
            status: StatusCode::SERVER_INTERNAL_ERROR,
            ..
        }]
    ));
    assert_eq!(
        pair.times_of(Side::Bob, "100").first(),
        Some(&ms(3500)),
        "RFC 4320: not before timer E is at T2"
    );
    assert_eq!(pair.agent(Side::Bob).stats().unanswered_requests, 1);
}

#[test]
fn a_dead_peer_is_noticed_inside_the_dialog() {
    let mut pair = talking();
    pair.set_rule(|_, _| Some(Fault::Drop));
    pair.command(Side::Alice, UaCommand::reinvite(A, Some(OFFER)))
        .unwrap();
    pair.run_for(Duration::from_secs(33));
    assert!(matches!(
        &pair.events(Side::Alice)[..],
        [
            UaEvent::ReinviteFailed { .. },
            UaEvent::Ended {
                cause: EndCause::DialogLost,
                ..
            }
        ]
    ));
    pair.run_for(Duration::from_secs(64));
    assert_eq!(pair.agent(Side::Alice).stats().calls, 0);
}

#[test]
fn shutdown_ends_every_call_and_refuses_new_ones() {
    let mut pair = talking();
    pair.shutdown(Side::Bob);
    pair.run_for(ms(0));
    assert_eq!(names(&pair.events(Side::Alice)), ["Ended"]);
    assert!(pair.agent(Side::Bob).is_idle());
    let again = UaCommand::Invite {
        call: crate::ua::CallKey::outgoing(9),
        invite: Box::new(invite().with_sdp(OFFER)),
    };
    pair.command(Side::Alice, again).unwrap();
    pair.run_for(ms(0));
    assert!(matches!(
        &pair.events(Side::Alice)[..],
        [UaEvent::Failed {
            status: StatusCode::SERVICE_UNAVAILABLE,
            ..
        }]
    ));
    assert_empty(&mut pair);
}

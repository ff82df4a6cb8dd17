//! What else the B2BUA does: keys by INFO, transfers, limits, stopping, trunks, remote answer.

use std::time::Duration;

use super::calls::{MEDIA_1, connect};
use super::world::{World, sdp_of, uri};
use crate::b2bua::{B2buaCommand, B2buaEvent, LegKey, OfferSource, Target};
use crate::endpoint::Core as _;
use crate::header::HeaderName;
use crate::media::{MediaId, MediaRequest, MediaResult, OpId, ScriptedMedia};
use crate::method::Method;
use crate::status::StatusCode;
use crate::ua::{Body, UaCommand, UaEvent};

#[test]
fn keys_in_info_are_digits() {
    let mut world = World::new();
    let (caller, call) = world.incoming();
    world.treat(caller, 1);
    world.told();
    world.tell(
        1,
        UaCommand::InDialog {
            call,
            method: Method::INFO,
            headers: Vec::new(),
            body: Some(Body::new(
                "application/dtmf-relay",
                "Signal=7\r\nDuration=100\r\n",
            )),
        },
    );
    assert!(world.events.contains(&B2buaEvent::Digit {
        leg: caller,
        digit: '7'
    }));
    world.release(caller);
    world.assert_clean();
}

#[test]
fn keys_in_info_are_collected_and_reported_once() {
    let mut world = World::new();
    let (caller, call) = world.incoming();
    let request = MediaRequest::Collect {
        prompts: Vec::new(),
        max_digits: 2,
        terminators: String::new(),
        first_timeout: Duration::from_secs(5),
        digit_timeout: Duration::from_secs(5),
        total_timeout: None,
    };
    world.command(B2buaCommand::Treat {
        leg: caller,
        op: OpId(1),
        request,
    });
    let info = |kind: &str, body: &'static str| UaCommand::InDialog {
        call,
        method: Method::INFO,
        headers: Vec::new(),
        body: Some(Body::new(kind, body)),
    };
    world.events.clear();
    world.tell(1, info("application/dtmf-relay", "Signal=7\r\nDuration=100\r\n"));
    world.tell(1, info("application/dtmf", "#"));
    world.tell(1, info("application/dtmf", "1"));
    let digit = |digit| B2buaEvent::Digit { leg: caller, digit };
    let ended = B2buaEvent::TreatmentEnded {
        leg: caller,
        op: OpId(1),
        result: MediaResult::Digits {
            digits: "7#".into(),
            last: None,
        },
    };
    assert_eq!(
        world.events,
        [digit('7'), digit('#'), ended, digit('1')],
        "the last one came when nothing was collected"
    );
    world.release(caller);
    world.assert_clean();
}

/// Spec: RFC 3515, RFC 3891
#[test]
fn a_transfer_names_its_target_and_the_leg_it_replaces() {
    let mut world = World::with_config(|config| config.with_transfer_requests(true));
    world.register(2, "7001");
    let (caller, _) = world.incoming();
    let agent = world.invite("7001", OfferSource::Peer(caller));
    let call = world.answer(2);
    connect(&mut world, caller, agent);
    let refer = |to: &str| UaCommand::InDialog {
        call,
        method: Method::REFER,
        headers: vec![(HeaderName::REFER_TO, to.to_owned())],
        body: None,
    };
    world.told();
    world.tell(2, refer("<sip:7002@example.com>"));
    let asked = B2buaEvent::TransferAsked {
        leg: agent,
        target: "7002".into(),
        replaces: None,
    };
    assert_eq!(world.events, [asked]);
    assert!(world.ladder.contains("NOTIFY"), "{}", world.ladder);
    world.events.clear();
    let other = world.call(2, "7001", "8001", Some(sdp_of(2)));
    let consult = world.last_incoming();
    let _ = other;
    let (id, tag) = world.b2bua.dialog_of(consult).unwrap();
    world.tell(
        2,
        refer(&format!(
            "<sip:8001@example.com?Replaces={id}%3Bto-tag%3Dx%3Bfrom-tag%3D{tag}>"
        )),
    );
    let asked = B2buaEvent::TransferAsked {
        leg: agent,
        target: "8001".into(),
        replaces: Some(consult),
    };
    assert_eq!(world.events, [asked]);
    for leg in [caller, agent, consult] {
        world.release(leg);
    }
    world.assert_clean();
}

/// Spec: RFC 3515 §2.4.2, RFC 3261 §21.6.2
#[test]
fn a_transfer_is_refused_and_not_announced_unless_the_application_does_transfers() {
    for (wanted, status) in [(false, 603), (true, 202)] {
        let mut world = World::with_config(|config| config.with_transfer_requests(wanted));
        let (caller, call) = world.incoming();
        world.treat(caller, 1);
        let answered = world.phone(1).events.iter().find_map(|event| match event {
            UaEvent::Answered { response, .. } => Some(response.clone()),
            _ => None,
        });
        let answered = answered.expect("the caller was answered");
        assert_eq!(answered.has_token(&HeaderName::ALLOW, "REFER"), wanted);
        assert!(answered.has_token(&HeaderName::ALLOW, "INFO"));
        world.told();
        world.tell(
            1,
            UaCommand::InDialog {
                call,
                method: Method::REFER,
                headers: vec![(HeaderName::REFER_TO, "<sip:7002@example.com>".to_owned())],
                body: None,
            },
        );
        let outcome = world.phone(1).events.iter().find_map(|event| match event {
            UaEvent::InDialogResult { status, .. } => Some(status.0),
            _ => None,
        });
        assert_eq!(outcome, Some(status));
        assert_eq!(world.told().len(), usize::from(wanted));
        assert_eq!(world.ladder.contains("NOTIFY"), wanted, "{}", world.ladder);
        world.release(caller);
        world.assert_clean();
    }
}

#[test]
fn a_stopping_b2bua_refuses_new_calls_and_ends_those_it_has() {
    let mut world = World::new();
    world.register(2, "7001");
    let (caller, _) = world.incoming();
    world.treat(caller, 1);
    let agent = world.invite("7001", OfferSource::Peer(caller));
    world.told();
    world.b2bua.handle_shutdown(world.now);
    world.settle();
    let released = [caller, agent].map(|leg| format!("Released({}, Shutdown)", leg.0));
    assert_eq!(world.told(), released);
    world.phone(1).events.clear();
    world.call(1, "5551000", "8000", Some(sdp_of(1)));
    let refused = world.phone(1).events.iter().any(|event| {
        matches!(
            event,
            UaEvent::Failed {
                status: StatusCode(503),
                ..
            }
        )
    });
    assert!(refused);
    world.assert_clean();
}

#[test]
fn more_legs_than_allowed_are_refused_with_503() {
    let mut world = World::with_config(|config| config.with_max_legs(1));
    world.register(2, "7001");
    let (caller, _) = world.incoming();
    world.phone(1).events.clear();
    world.call(1, "5551000", "8000", Some(sdp_of(1)));
    let status = world.phone(1).events.iter().find_map(|event| match event {
        UaEvent::Failed { status, .. } => Some(status.0),
        _ => None,
    });
    assert_eq!(status, Some(503));
    let agent = world.invite("7001", OfferSource::Late);
    assert_eq!(world.failed_with(agent), Some(StatusCode(503)));
    assert_eq!(world.b2bua.stats().overload_refusals, 1);
    world.release(caller);
    world.assert_clean();
}

#[test]
fn debug_output_shows_no_numbers_digits_or_headers() {
    let mut world = World::new();
    let (caller, _) = world.incoming();
    let event = B2buaEvent::Digit {
        leg: caller,
        digit: '9',
    };
    let command = B2buaCommand::Redirect {
        leg: caller,
        uri: uri("sip:5559000@192.0.2.9"),
    };
    let media = ScriptedMedia::description(MediaId(1));
    let shown = format!(
        "{:?} {event:?} {command:?} {:?}",
        world.events,
        crate::media::MediaEvent::Opened {
            id: MediaId(1),
            sdp: media
        }
    );
    assert!(
        !shown.contains("555") && !shown.contains("'9'") && !shown.contains("192.0.2"),
        "{shown}"
    );
}

#[test]
fn addresses_outside_are_called_directly_or_through_the_trunk() {
    let invite = |leg: LegKey, uri_text: &str| B2buaCommand::Invite {
        leg,
        target: Target::Uri(uri(uri_text)),
        from_user: "8000".into(),
        from_display: None,
        media: OfferSource::Late,
        auto_answer: false,
        timeout: Duration::from_secs(20),
        headers: Vec::new(),
    };
    let mut world = World::new();
    let leg = LegKey::outgoing(50);
    world.command(invite(leg, "sip:5552000@127.0.0.2:5060"));
    assert_eq!(
        world.ringing(1).1.request_uri_str(),
        Some("sip:5552000@127.0.0.2:5060")
    );
    world.release(leg);
    let nowhere = LegKey::outgoing(51);
    world.command(invite(nowhere, "sip:5552000@carrier.example"));
    assert_eq!(
        world.failed_with(nowhere),
        Some(StatusCode(503)),
        "a name, and no trunk"
    );
    world.assert_clean();

    let trunk = crate::transport::Destination::udp(super::world::address(3));
    let mut world = World::with_config(|config| config.with_trunk(trunk));
    world.command(invite(leg, "sip:5552000@carrier.example"));
    assert_eq!(
        world.ringing(3).1.request_uri_str(),
        Some("sip:5552000@carrier.example")
    );
    world.answer(3);
    world.treat(leg, 1);
    assert_eq!(world.hears(3), MEDIA_1);
    world.release(leg);
    world.assert_clean();
}

#[test]
fn a_ringing_and_an_answered_phone_can_be_asked_to_talk() {
    let mut world = World::new();
    world.register(2, "7001");
    let agent = world.invite("7001", OfferSource::Late);
    world.told();
    let asked = |world: &mut World| {
        let asked = world.ladder.matches("b2bua -> agent  NOTIFY").count();
        world.ladder.clear();
        asked
    };
    world.command(B2buaCommand::Talk { leg: agent });
    assert_eq!(asked(&mut world), 0, "no dialog yet");
    let (call, _) = world.ringing(2);
    world.tell(2, UaCommand::ringing(call));
    assert_eq!(asked(&mut world), 1, "as soon as there is one");
    world.tell(2, UaCommand::ringing(call));
    assert_eq!(asked(&mut world), 0, "once");
    world.command(B2buaCommand::Talk { leg: agent });
    assert_eq!(asked(&mut world), 1);
    assert_eq!(world.told(), [format!("Ringing({})", agent.0)]);
    world.tell(2, UaCommand::accept(call, sdp_of(2)));
    world.treat(agent, 1);
    world.ladder.clear();
    world.command(B2buaCommand::Talk { leg: agent });
    assert!(
        world.ladder.contains("b2bua -> agent  NOTIFY"),
        "{}",
        world.ladder
    );
    world.release(agent);
    world.assert_clean();
}

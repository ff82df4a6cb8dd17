//! Media that cannot be had: servers that refuse or hang, offers without a common codec, refused re-INVITEs.

use std::time::Duration;

use bytes::Bytes;

use super::calls::connect;
use super::world::{World, prompt};
use crate::b2bua::{B2buaCommand, OfferSource};
use crate::endpoint::Core as _;
use crate::header::HeaderName;
use crate::media::{MediaId, OpId, RefusalKind, ScriptedOutcome};
use crate::status::StatusCode;
use crate::ua::{UaCommand, UaEvent};

#[test]
fn a_media_server_that_refuses_or_hangs_fails_the_treatment_and_the_caller_can_still_be_connected() {
    for outcome in [
        ScriptedOutcome::RefuseOpen(RefusalKind::Exhausted),
        ScriptedOutcome::RefuseOpen(RefusalKind::Unavailable),
        ScriptedOutcome::IgnoreOpen,
    ] {
        let mut world = World::new();
        world.register(2, "7001");
        let (caller, _) = world.incoming();
        world.media.script(outcome);
        world.treat(caller, 1);
        world.run_for(Duration::from_secs(6));
        assert!(
            world
                .told()
                .iter()
                .any(|event| event.starts_with(&format!("TreatmentEnded({}, 1, Failed", caller.0)))
        );
        assert_eq!(world.media.open_ids(), Vec::new());
        let agent = world.invite("7001", OfferSource::Peer(caller));
        world.answer(2);
        connect(&mut world, caller, agent);
        assert_eq!(world.hears(1), "10.1.0.2:4000");
        world.release(caller);
        world.release(agent);
        world.assert_clean();
    }
}

#[test]
fn a_caller_without_common_media_is_refused_and_one_who_never_says_any_is_released() {
    let mut world = World::new();
    world.call(
        1,
        "5551000",
        "8000",
        Some(Bytes::from_static(b"v=0\r\nno description\r\n")),
    );
    let refused = world.phone(1).events.iter().any(|event| {
        matches!(
            event,
            UaEvent::Failed {
                status: StatusCode(488),
                ..
            }
        )
    });
    assert!(refused, "{:?}", world.phone(1).events);
    assert_eq!(world.told(), Vec::<String>::new());
    let call = world.call(1, "5551000", "8000", None);
    let caller = world.last_incoming();
    world.treat(caller, 1);
    world.tell(1, UaCommand::Ack { call, sdp: None });
    assert!(world.told().contains(&format!("Released({}, Media)", caller.0)));
    world.assert_clean();
}

/// Status and `Warning` of the refusal of a phone's call.
fn refusal_of(world: &mut World, node: usize) -> Option<(u16, String)> {
    world.phone(node).events.iter().find_map(|event| match event {
        UaEvent::Failed {
            status,
            response: Some(response),
            ..
        } => {
            let warning = response.header(&HeaderName::WARNING).unwrap_or_default();
            Some((status.0, warning.to_owned()))
        }
        _ => None,
    })
}

/// Spec: RFC 3261 §13.3.1.3, §20.43, §21.4.26
#[test]
fn a_caller_whose_offer_the_media_server_cannot_serve_is_refused_with_488() {
    let opus = "v=0\r\no=phone 1 1 IN IP4 10.1.0.1\r\ns=-\r\nc=IN IP4 10.1.0.1\r\nt=0 0\r\n\
                m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n";
    for ringing in [false, true] {
        let mut world = World::new();
        world.call(1, "5551000", "8000", Some(Bytes::from_static(opus.as_bytes())));
        let caller = world.last_incoming();
        if ringing {
            world.command(B2buaCommand::Ring { leg: caller });
        }
        world.treat(caller, 1);
        assert_eq!(world.told(), vec![format!("Released({}, Media)", caller.0)]);
        assert_eq!(
            refusal_of(&mut world, 1),
            Some((488, "305 b2bua \"Incompatible media format\"".to_owned()))
        );
        assert_eq!(world.media.open_ids(), Vec::new());
        world.assert_clean();
    }
}

#[test]
fn a_description_that_only_the_media_server_cannot_read_is_refused_with_another_warning() {
    let mut world = World::new();
    let (caller, _) = world.incoming();
    world
        .media
        .script(ScriptedOutcome::RefuseOpen(RefusalKind::BadDescription));
    world.treat(caller, 1);
    assert_eq!(world.told(), vec![format!("Released({}, Media)", caller.0)]);
    assert_eq!(
        refusal_of(&mut world, 1),
        Some((488, "399 b2bua \"Session description cannot be used\"".to_owned()))
    );
    world.assert_clean();
}

#[test]
fn a_leg_that_is_refused_for_its_offer_ends_the_commands_that_wait_for_it() {
    let mut world = World::new();
    world.register(2, "7001");
    let (caller, _) = world.incoming();
    let agent = world.invite("7001", OfferSource::Peer(caller));
    world.answer(2);
    world
        .media
        .script(ScriptedOutcome::RefuseOpen(RefusalKind::NoCommonMedia));
    let now = world.now;
    let treat = B2buaCommand::Treat {
        leg: caller,
        op: OpId(1),
        request: prompt(),
    };
    // Both are asked before the media server's answer is taken.
    world.b2bua.handle_command(now, treat);
    connect(&mut world, agent, caller);
    let told = world.told();
    assert!(
        told.contains(&format!("CommandFailed({}, connect, PartnerGone)", agent.0))
            && told.contains(&format!("Released({}, Media)", caller.0)),
        "{told:?}"
    );
    world.release(agent);
    world.assert_clean();
}

#[test]
fn an_answered_endpoint_whose_late_offer_cannot_be_served_is_the_applications_to_release() {
    let mut world = World::new();
    world.register(2, "7001");
    let agent = world.invite("7001", OfferSource::Late);
    world.answer(2);
    world.told();
    world
        .media
        .script(ScriptedOutcome::RefuseOpen(RefusalKind::NoCommonMedia));
    world.treat(agent, 1);
    let told = world.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with(&format!("TreatmentEnded({}, 1, Failed", agent.0))
            && told[0].contains("no media in common"),
        "{told:?}"
    );
    world.release(agent);
    world.assert_clean();
}

#[test]
fn a_refused_reinvite_leaves_the_caller_with_its_music() {
    let mut world = World::new();
    world.register(2, "7001");
    let (caller, _) = world.incoming();
    world.treat(caller, 1);
    let agent = world.invite("7001", OfferSource::Peer(caller));
    world.answer(2);
    connect(&mut world, caller, agent);
    let call = world.take_reinvite(1).unwrap();
    world.tell(
        1,
        UaCommand::RejectReinvite {
            call,
            status: StatusCode(488),
        },
    );
    let failed = format!("CommandFailed({}, connect, Refused(StatusCode(488)))", caller.0);
    let told = world.told();
    assert!(
        told.iter()
            .any(|event| event.starts_with(&failed[..failed.len() - 20])),
        "{told:?}"
    );
    assert!(world.media.running(MediaId(1)).is_some());
    world.release(agent);
    world.release(caller);
    world.assert_clean();
}

//! Calls from outside to agents: treated, connected, abandoned, refused.

use std::time::Duration;

use super::world::{World, sdp_of, sdp_with, uri};
use crate::b2bua::{B2buaCommand, B2buaEvent, LegKey, OfferSource, Target};
use crate::header::HeaderName;
use crate::media::{MediaId, MediaRequest, MediaResult, OpId};
use crate::status::StatusCode;
use crate::ua::{EndCause, UaCommand, UaEvent};

pub(super) const MEDIA_1: &str = "192.0.2.200:20002";

pub(super) fn connect(world: &mut World, a: LegKey, b: LegKey) {
    world.command(B2buaCommand::Connect { a, b });
}

/// Spec: RFC 3725 §4, the main flow of a contact centre
#[test]
fn a_treated_caller_is_connected_to_an_agent_who_got_the_callers_offer() {
    let mut world = World::new();
    world.register(2, "7001");
    world.told();
    world.ladder.clear();
    let (caller, _) = world.incoming();
    world.treat(caller, 1);
    assert_eq!(world.hears(1), MEDIA_1);
    let agent = world.invite("7001", OfferSource::Peer(caller));
    world.answer(2);
    connect(&mut world, caller, agent);
    world.agree(1);
    assert_eq!(world.hears(1), "10.1.0.2:4000");
    assert_eq!(world.hears(2), "10.1.0.1:4000");
    assert_eq!(
        world.media.open_ids(),
        Vec::new(),
        "the media server is out of the path"
    );
    let (call, _) = world.ringing(2);
    world.tell(2, UaCommand::hangup(call));
    world.release(caller);
    insta::assert_snapshot!("treated_then_connected_early_offer", world.ladder);
    world.assert_clean();
}

/// Spec: RFC 3725 §4.1 (flow I)
#[test]
fn a_treated_caller_is_connected_to_an_agent_who_made_the_offer() {
    let mut world = World::new();
    world.register(2, "7001");
    world.told();
    world.ladder.clear();
    let (caller, _) = world.incoming();
    world.treat(caller, 1);
    let agent = world.invite("7001", OfferSource::Late);
    world.answer(2);
    assert_eq!(world.hears(2), "", "the agent waits for the caller's answer");
    connect(&mut world, caller, agent);
    world.agree(1);
    assert_eq!(world.hears(1), "10.1.0.2:4000");
    assert_eq!(world.hears(2), "10.1.0.1:4000");
    insta::assert_snapshot!("treated_then_connected_late_offer", world.ladder);
    world.release(caller);
    world.release(agent);
    world.assert_clean();
}

#[test]
fn an_unanswered_caller_gets_the_agents_answer_in_its_200() {
    let mut world = World::new();
    world.register(2, "7001");
    let (caller, call) = world.incoming();
    world.command(B2buaCommand::Ring { leg: caller });
    let agent = world.invite("7001", OfferSource::Peer(caller));
    world.answer(2);
    assert!(
        !world.told().contains(&format!("Answered({})", caller.0)),
        "nobody has answered the caller yet"
    );
    connect(&mut world, caller, agent);
    let answered = world
        .phone(1)
        .events
        .iter()
        .any(|event| matches!(event, UaEvent::Answered { .. }));
    assert!(answered);
    assert_eq!(world.told(), [format!("Answered({})", caller.0)]);
    assert_eq!(
        (world.hears(1).as_str(), world.hears(2).as_str()),
        ("10.1.0.2:4000", "10.1.0.1:4000")
    );
    assert_eq!(world.media.commands(), Vec::new(), "no media server was needed");
    world.tell(1, UaCommand::hangup(call));
    assert_eq!(world.told(), [format!("Released({}, Remote)", caller.0)]);
    world.release(agent);
    world.assert_clean();
}

/// Both sides made an offer; each is answered with what both have.
///
/// Spec: RFC 3264 §6
#[test]
fn an_unanswered_caller_and_an_agent_with_a_late_offer_are_answered_with_each_other() {
    let mut world = World::new();
    world.register(2, "7001");
    world.call(1, "5551000", "8000", Some(sdp_with(1, "9 8 101", "sendrecv")));
    let caller = world.last_incoming();
    let agent = world.invite("7001", OfferSource::Late);
    world.answer(2);
    connect(&mut world, caller, agent);
    assert_eq!(
        (world.hears(1).as_str(), world.hears(2).as_str()),
        ("10.1.0.2:4000", "10.1.0.1:4000")
    );
    let told = |node: usize| world.phones[node - 1].last_description.clone().unwrap();
    for node in [1, 2] {
        let sdp = String::from_utf8(told(node).to_vec()).unwrap();
        assert!(
            sdp.contains("m=audio 4000 RTP/AVP 8 101\r\n"),
            "only what both have: {sdp}"
        );
    }
    world.release(caller);
    world.release(agent);
    world.assert_clean();
}

#[test]
fn a_caller_without_offer_is_offered_the_agents_description_and_answers_in_its_ack() {
    let mut world = World::new();
    world.register(2, "7001");
    let call = world.call(1, "5551000", "8000", None);
    let caller = world.last_incoming();
    world.treat(caller, 1);
    world.tell(
        1,
        UaCommand::Ack {
            call,
            sdp: Some(sdp_of(1)),
        },
    );
    assert_eq!(
        world.media.peer(MediaId(1)).map(|sdp| super::world::place(&sdp)),
        Some("10.1.0.1:4000".into())
    );
    assert_eq!(
        world.told(),
        [
            format!("Answered({})", caller.0),
            format!("TreatmentStarted({}, 1)", caller.0)
        ]
    );
    let agent = world.invite("7001", OfferSource::Peer(caller));
    world.answer(2);
    connect(&mut world, caller, agent);
    world.agree(1);
    assert_eq!(
        (world.hears(1).as_str(), world.hears(2).as_str()),
        ("10.1.0.2:4000", "10.1.0.1:4000")
    );
    world.release(caller);
    world.release(agent);
    world.assert_clean();
}

/// Spec: RFC 3264 §8: the source's changed side goes to the target
#[test]
fn a_caller_who_answers_from_another_place_is_made_known_to_the_agent() {
    let mut world = World::new();
    world.register(2, "7001");
    let (caller, _) = world.incoming();
    world.treat(caller, 1);
    let agent = world.invite("7001", OfferSource::Peer(caller));
    world.answer(2);
    connect(&mut world, caller, agent);
    world.agree_with(1, &sdp_of(9));
    world.agree(2);
    assert_eq!(
        (world.hears(1).as_str(), world.hears(2).as_str()),
        ("10.1.0.2:4000", "10.1.0.9:4000")
    );
    world.release(caller);
    world.release(agent);
    world.assert_clean();
}

#[test]
fn a_treatment_reports_its_start_digits_and_end_and_a_new_one_replaces_it_silently() {
    let mut world = World::new();
    let (caller, _) = world.incoming();
    let collect = MediaRequest::Collect {
        prompts: Vec::new(),
        max_digits: 2,
        terminators: "#".into(),
        first_timeout: Duration::from_secs(5),
        digit_timeout: Duration::from_secs(2),
        total_timeout: None,
    };
    world.treat(caller, 1);
    world.command(B2buaCommand::Treat {
        leg: caller,
        op: OpId(2),
        request: collect,
    });
    world.media.press(world.now, MediaId(1), '4');
    world.media.press(world.now, MediaId(1), '2');
    world.settle();
    let digits = world.events.iter().filter_map(|event| match event {
        B2buaEvent::Digit { digit, .. } => Some(*digit),
        _ => None,
    });
    assert_eq!(digits.collect::<String>(), "42");
    let ended = B2buaEvent::TreatmentEnded {
        leg: caller,
        op: OpId(2),
        result: MediaResult::Digits {
            digits: "42".into(),
            last: None,
        },
    };
    assert!(world.events.contains(&ended));
    assert!(
        !world
            .told()
            .iter()
            .any(|event| event.starts_with(&format!("TreatmentEnded({}, 1", caller.0)))
    );
    world.treat(caller, 3);
    world.command(B2buaCommand::StopTreatment { leg: caller });
    assert_eq!(
        world.told(),
        [format!("TreatmentStarted({}, 3)", caller.0)],
        "stopping is not reported"
    );
    world.release(caller);
    world.assert_clean();
}

#[test]
fn a_caller_who_gives_up_while_the_agent_rings_leaves_nothing_behind() {
    let mut world = World::new();
    world.register(2, "7001");
    let (caller, call) = world.incoming();
    let agent = world.invite("7001", OfferSource::Peer(caller));
    let (ringing, _) = world.ringing(2);
    world.tell(2, UaCommand::ringing(ringing));
    world.command(B2buaCommand::Ring { leg: caller });
    world.told();
    world.tell(1, UaCommand::hangup(call));
    assert_eq!(world.told(), [format!("Released({}, Cancelled)", caller.0)]);
    world.release(agent);
    assert!(
        world
            .phone(2)
            .events
            .iter()
            .any(|event| matches!(event, UaEvent::Cancelled { .. }))
    );
    assert_eq!(world.told(), Vec::<String>::new(), "a release is not reported");
    world.assert_clean();
}

#[test]
fn a_busy_agent_is_a_failed_leg_and_the_caller_keeps_its_music() {
    let mut world = World::new();
    world.register(2, "7001");
    let (caller, _) = world.incoming();
    world.treat(caller, 1);
    let agent = world.invite("7001", OfferSource::Peer(caller));
    let (call, _) = world.ringing(2);
    world.tell(2, UaCommand::reject(call, StatusCode(486)));
    assert_eq!(world.failed_with(agent), Some(StatusCode(486)));
    assert!(world.media.running(MediaId(1)).is_some());
    connect(&mut world, caller, agent);
    assert!(
        world
            .told()
            .contains(&format!("CommandFailed({}, connect, PartnerGone)", caller.0))
    );
    world.release(caller);
    world.assert_clean();
}

#[test]
fn an_agent_who_does_not_answer_in_time_is_cancelled_and_fails_with_408() {
    let mut world = World::new();
    world.register(2, "7001");
    let agent = world.invite("7001", OfferSource::Late);
    let (call, _) = world.ringing(2);
    world.tell(2, UaCommand::ringing(call));
    world.run_for(Duration::from_secs(19));
    assert_eq!(world.failed_with(agent), None);
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.failed_with(agent), Some(StatusCode(408)));
    assert!(
        world
            .phone(2)
            .events
            .iter()
            .any(|event| matches!(event, UaEvent::Cancelled { .. }))
    );
    world.assert_clean();
}

#[test]
fn a_dead_phone_is_unreachable_and_unknown_and_unregistered_users_are_told_apart() {
    let mut world = World::new();
    world.register(2, "7001");
    world.phone(2).dead = true;
    world.events.clear();
    let dead = world.invite("7001", OfferSource::Late);
    let unregistered = world.invite("7002", OfferSource::Late);
    let unknown = world.invite("9999", OfferSource::Late);
    assert_eq!(world.failed_with(unregistered), Some(StatusCode(480)));
    assert_eq!(world.failed_with(unknown), Some(StatusCode(404)));
    world.run_for(Duration::from_secs(40));
    assert!(
        matches!(world.failed_with(dead), Some(StatusCode(503 | 408))),
        "{:?}",
        world.told()
    );
    world.assert_clean();
}

/// Spec: RFC 3261 §16.7
#[test]
fn all_phones_of_a_user_ring_and_the_first_that_answers_wins() {
    let mut world = World::new();
    world.register(2, "7001");
    world.register(3, "7001");
    world.told();
    let agent = world.invite("7001", OfferSource::Late);
    let (second, _) = world.ringing(3);
    world.tell(3, UaCommand::ringing(second));
    let (first, _) = world.ringing(2);
    world.tell(2, UaCommand::ringing(first));
    assert_eq!(
        world.told(),
        [format!("Ringing({})", agent.0)],
        "one report for both"
    );
    world.answer(2);
    assert_eq!(world.told(), [format!("Answered({})", agent.0)]);
    assert!(
        world
            .phone(3)
            .events
            .iter()
            .any(|event| matches!(event, UaEvent::Cancelled { .. }))
    );
    world.treat(agent, 1);
    assert_eq!(world.hears(2), MEDIA_1);
    world.release(agent);
    world.assert_clean();
}

fn world_call(world: &mut World, node: usize) -> crate::ua::CallKey {
    world.ringing(node).0
}

#[test]
fn a_user_fails_when_all_phones_refused_and_at_once_when_one_declines_for_all() {
    let mut world = World::new();
    world.register(2, "7001");
    world.register(3, "7001");
    let agent = world.invite("7001", OfferSource::Late);
    let call = world_call(&mut world, 2);
    world.tell(2, UaCommand::reject(call, StatusCode(486)));
    assert_eq!(world.failed_with(agent), None);
    let call = world_call(&mut world, 3);
    world.tell(3, UaCommand::reject(call, StatusCode(480)));
    assert_eq!(world.failed_with(agent), Some(StatusCode(486)));
    let agent = world.invite("7001", OfferSource::Late);
    let call = world_call(&mut world, 2);
    world.tell(2, UaCommand::reject(call, StatusCode(603)));
    assert_eq!(world.failed_with(agent), Some(StatusCode(603)));
    world.assert_clean();
}

#[test]
fn either_side_may_hang_up_and_the_other_leg_is_the_applications_to_release() {
    for first in [1, 2] {
        let mut world = World::new();
        world.register(2, "7001");
        let (caller, call) = world.incoming();
        let agent = world.invite("7001", OfferSource::Peer(caller));
        let agent_call = world.answer(2);
        connect(&mut world, caller, agent);
        world.told();
        let (gone, rest, call, other) = if first == 1 {
            (caller, agent, call, 2)
        } else {
            (agent, caller, agent_call, 1)
        };
        world.tell(first, UaCommand::hangup(call));
        assert_eq!(world.told(), [format!("Released({}, Remote)", gone.0)]);
        world.release(rest);
        let ended = |event: &UaEvent| {
            matches!(
                event,
                UaEvent::Ended {
                    cause: EndCause::Remote,
                    ..
                }
            )
        };
        assert!(world.phone(other).events.iter().any(ended));
        world.assert_clean();
    }
}

#[test]
fn headers_pass_from_callers_to_applications_and_on_to_agents() {
    let mut world = World::new();
    world.register(2, "7001");
    world.call(1, "5551000", "8000", Some(sdp_of(1)));
    let Some(B2buaEvent::Incoming {
        leg,
        from_user,
        authenticated,
        to_user,
        headers,
        ..
    }) = world
        .events
        .iter()
        .find(|event| matches!(event, B2buaEvent::Incoming { .. }))
        .cloned()
    else {
        panic!("no call: {:?}", world.events)
    };
    assert_eq!(
        (from_user.as_str(), to_user.as_str(), authenticated),
        ("5551000", "8000", None)
    );
    assert!(
        headers.iter().all(|(name, _)| !name.eq_ignore_ascii_case("via")),
        "{headers:?}"
    );
    let agent = LegKey::outgoing(1000);
    world.command(B2buaCommand::Invite {
        leg: agent,
        target: Target::Aor("7001".into()),
        from_user: "5551000".into(),
        from_display: Some("Ann \"A\" Caller".into()),
        media: OfferSource::Late,
        auto_answer: true,
        timeout: Duration::from_secs(20),
        headers: vec![
            ("X-Case".into(), "4711".into()),
            ("Via".into(), "SIP/2.0/UDP evil".into()),
        ],
    });
    let (_, request) = world.ringing(2);
    let header = |name: &str| {
        request
            .header(&HeaderName::from_name(name).unwrap())
            .map(str::to_owned)
    };
    assert_eq!(header("X-Case").as_deref(), Some("4711"));
    assert!(header("Call-Info").unwrap().contains("answer-after=0"));
    assert!(header("Alert-Info").unwrap().contains("alert-autoanswer"));
    assert_eq!(
        request.from().unwrap().display().as_deref(),
        Some("Ann \"A\" Caller")
    );
    assert_eq!(world.b2bua.stats().headers_dropped, 1);
    world.release(agent);
    world.release(leg);
    world.assert_clean();
}

#[test]
fn callers_can_be_redirected_refused_and_released_before_the_answer() {
    let mut world = World::new();
    let expected = [302, 486, 480];
    for (n, status) in expected.into_iter().enumerate() {
        world.phone(1).events.clear();
        let (leg, _) = world.incoming();
        world.command(match n {
            0 => B2buaCommand::Redirect {
                leg,
                uri: uri("sip:9000@192.0.2.9"),
            },
            1 => B2buaCommand::Reject {
                leg,
                status: StatusCode(486),
            },
            _ => B2buaCommand::Release { leg, status: None },
        });
        let failed = world.phone(1).events.iter().find_map(|event| match event {
            UaEvent::Failed { status, .. } => Some(status.0),
            _ => None,
        });
        assert_eq!(failed, Some(status));
        assert_eq!(world.told(), Vec::<String>::new());
    }
    world.assert_clean();
}

#[test]
fn commands_that_do_not_fit_are_refused_and_change_nothing() {
    let mut world = World::new();
    let (caller, _) = world.incoming();
    let ghost = LegKey::outgoing(77);
    world.command(B2buaCommand::Ring { leg: ghost });
    connect(&mut world, caller, caller);
    world.command(B2buaCommand::Hold {
        leg: caller,
        partner: None,
    });
    world.command(B2buaCommand::Invite {
        leg: caller,
        target: Target::Aor("7001".into()),
        from_user: String::new(),
        from_display: None,
        media: OfferSource::Late,
        auto_answer: false,
        timeout: Duration::from_secs(5),
        headers: Vec::new(),
    });
    assert_eq!(
        world.told(),
        [
            format!("CommandFailed({}, ring, UnknownLeg)", ghost.0),
            format!("CommandFailed({}, connect, WrongState)", caller.0),
            format!("CommandFailed({}, hold, WrongState)", caller.0),
            format!("CommandFailed({}, invite, BadKey)", caller.0),
        ]
    );
    world.treat(caller, 1);
    world.command(B2buaCommand::Reject {
        leg: caller,
        status: StatusCode(486),
    });
    assert!(
        world
            .told()
            .contains(&format!("CommandFailed({}, reject, WrongState)", caller.0))
    );
    world.release(caller);
    world.assert_clean();
}

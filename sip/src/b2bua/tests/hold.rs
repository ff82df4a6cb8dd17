//! Hold and retrieve, by command and by the phone, and requests that cross.

use std::time::Duration;

use super::world::{World, sdp_of, sdp_with};
use crate::b2bua::{B2buaCommand, B2buaEvent, LegKey, OfferSource};
use crate::media::MediaId;
use crate::status::StatusCode;
use crate::ua::{CallKey, UaCommand, UaEvent};

struct Talk {
    world: World,
    caller: LegKey,
    caller_call: CallKey,
    agent: LegKey,
    agent_call: CallKey,
}

/// The trunk caller (phone 1) talks to 7001 (phone 2).
fn talk() -> Talk {
    talk_in(World::new())
}

fn talk_in(mut world: World) -> Talk {
    world.register(2, "7001");
    let (caller, caller_call) = world.incoming();
    let agent = world.invite("7001", OfferSource::Peer(caller));
    let agent_call = world.answer(2);
    world.command(B2buaCommand::Connect { a: caller, b: agent });
    world.told();
    world.ladder.clear();
    Talk {
        world,
        caller,
        caller_call,
        agent,
        agent_call,
    }
}

impl Talk {
    fn hears(&self) -> (String, String) {
        (self.world.hears(1), self.world.hears(2))
    }

    fn assert_talking(&mut self) {
        assert_eq!(self.hears(), ("10.1.0.2:4000".into(), "10.1.0.1:4000".into()));
        assert_eq!(self.world.media.open_ids(), Vec::new());
    }

    fn end(mut self) {
        self.world.release(self.caller);
        self.world.release(self.agent);
        self.world.assert_clean();
    }
}

fn sendonly(node: usize) -> bytes::Bytes {
    sdp_with(node, "0 8 101", "sendonly")
}

#[test]
fn a_held_caller_hears_music_and_is_joined_again_on_retrieve() {
    let mut talk = talk();
    let (caller, agent) = (talk.caller, talk.agent);
    talk.world.command(B2buaCommand::Hold {
        leg: agent,
        partner: Some(caller),
    });
    talk.world.agree_with(2, &sdp_with(2, "0 8 101", "inactive"));
    talk.world.agree(1);
    assert_eq!(
        talk.hears(),
        ("192.0.2.200:20002".into(), "10.1.0.1:4000 inactive".into())
    );
    assert!(talk.world.media.running(MediaId(1)).is_some(), "music plays");
    assert_eq!(
        talk.world.told(),
        Vec::<String>::new(),
        "music on hold is nobody's treatment"
    );
    talk.world.command(B2buaCommand::Retrieve {
        leg: agent,
        partner: Some(caller),
    });
    talk.world.agree(1);
    talk.world.agree(2);
    talk.assert_talking();
    insta::assert_snapshot!("hold_and_retrieve_by_command", talk.world.ladder);
    talk.end();
}

#[test]
fn a_hold_without_partner_silences_the_endpoint_only() {
    let mut talk = talk();
    let agent = talk.agent;
    talk.world.command(B2buaCommand::Hold {
        leg: agent,
        partner: None,
    });
    talk.world.agree_with(2, &sdp_with(2, "0 8 101", "inactive"));
    assert_eq!(
        talk.hears(),
        ("10.1.0.2:4000".into(), "10.1.0.1:4000 inactive".into())
    );
    talk.world.command(B2buaCommand::Retrieve {
        leg: agent,
        partner: None,
    });
    talk.world.agree(2);
    talk.assert_talking();
    talk.end();
}

/// Spec: RFC 3264 §8.4
#[test]
fn a_phone_that_holds_gives_its_partner_music_and_takes_it_back() {
    let mut talk = talk();
    let (agent, call) = (talk.agent, talk.agent_call);
    talk.world.tell(2, UaCommand::reinvite(call, Some(sendonly(2))));
    talk.world.agree(1);
    assert_eq!(talk.world.told(), [format!("HeldByPeer({})", agent.0)]);
    assert_eq!(
        talk.hears(),
        ("192.0.2.200:20002".into(), "10.1.0.1:4000 inactive".into())
    );
    // A refresh of the held session changes nothing.
    talk.world.tell(2, UaCommand::reinvite(call, Some(sendonly(2))));
    assert_eq!(talk.world.told(), Vec::<String>::new());
    talk.world.tell(2, UaCommand::reinvite(call, Some(sdp_of(2))));
    talk.world.agree(1);
    assert_eq!(talk.world.told(), [format!("RetrievedByPeer({})", agent.0)]);
    talk.assert_talking();
    insta::assert_snapshot!("hold_and_retrieve_by_the_phone", talk.world.ladder);
    talk.end();
}

#[test]
fn without_music_on_hold_the_phones_hold_reaches_its_partner() {
    let mut talk = talk_in(World::with_config(|config| config.with_music_on_hold(false)));
    let (agent, call) = (talk.agent, talk.agent_call);
    talk.world.tell(2, UaCommand::reinvite(call, Some(sendonly(2))));
    talk.world.agree_with(1, &sdp_with(1, "0 8 101", "recvonly"));
    assert_eq!(
        talk.hears(),
        ("10.1.0.2:4000 sendonly".into(), "10.1.0.1:4000 recvonly".into())
    );
    assert_eq!(talk.world.told(), [format!("HeldByPeer({})", agent.0)]);
    talk.world.tell(2, UaCommand::reinvite(call, Some(sdp_of(2))));
    talk.world.agree(1);
    assert_eq!(talk.world.told(), [format!("RetrievedByPeer({})", agent.0)]);
    talk.assert_talking();
    talk.end();
}

#[test]
fn a_changed_codec_of_one_phone_is_agreed_with_the_other() {
    let mut talk = talk();
    let call = talk.agent_call;
    talk.world.tell(
        2,
        UaCommand::reinvite(call, Some(sdp_with(2, "8 101", "sendrecv"))),
    );
    talk.world.agree_with(1, &sdp_with(1, "8 101", "sendrecv"));
    let answered = |event: &UaEvent| matches!(event, UaEvent::ReinviteAnswered { .. });
    assert!(talk.world.phone(2).events.iter().any(answered));
    let told = talk.world.phones[1].last_description.clone().unwrap();
    assert!(String::from_utf8_lossy(&told).contains("RTP/AVP 8 101\r\n"));
    assert_eq!(talk.world.told(), Vec::<String>::new());
    talk.end();
}

#[test]
fn a_change_that_the_other_phone_refuses_is_refused_and_the_call_goes_on() {
    let mut talk = talk();
    let call = talk.agent_call;
    talk.world
        .tell(2, UaCommand::reinvite(call, Some(sdp_with(2, "9", "sendrecv"))));
    let asked = talk.world.take_reinvite(1).unwrap();
    talk.world.tell(
        1,
        UaCommand::RejectReinvite {
            call: asked,
            status: StatusCode(488),
        },
    );
    let refused = |event: &UaEvent| {
        matches!(
            event,
            UaEvent::ReinviteFailed {
                status: StatusCode(488),
                ..
            }
        )
    };
    assert!(talk.world.phone(2).events.iter().any(refused));
    assert_eq!(talk.world.told(), Vec::<String>::new());
    talk.end();
}

/// Spec: RFC 3261 §14.2: an INVITE without offer
#[test]
fn a_reinvite_without_offer_is_answered_with_the_partners_description() {
    let mut talk = talk();
    let call = talk.agent_call;
    talk.world.tell(2, UaCommand::reinvite(call, None));
    assert_eq!(talk.world.hears(2), "10.1.0.1:4000");
    talk.world.tell(
        2,
        UaCommand::Ack {
            call,
            sdp: Some(sdp_of(2)),
        },
    );
    talk.world.agree(1);
    talk.assert_talking();
    talk.end();
}

/// Both sides change the session at the same time; the phone's request is refused with 491 or taken first, and both
/// are done in the end.
///
/// Spec: RFC 3261 §14.1
#[test]
fn a_hold_of_the_phone_that_crosses_a_command_is_settled() {
    let mut talk = talk();
    let (caller, agent, call) = (talk.caller, talk.agent, talk.agent_call);
    let now = talk.world.now;
    // Both requests are under way before either arrives.
    talk.world
        .phone(2)
        .agent
        .handle_command(now, UaCommand::reinvite(call, Some(sendonly(2))))
        .unwrap();
    talk.world.command(B2buaCommand::Hold {
        leg: agent,
        partner: Some(caller),
    });
    for _ in 0..12 {
        talk.world.run_for(Duration::from_secs(1));
        talk.world.agree_with(2, &sdp_with(2, "0 8 101", "inactive"));
        talk.world.agree(1);
    }
    assert!(
        talk.world.ladder.contains("491 (INVITE)"),
        "{}",
        talk.world.ladder
    );
    assert_eq!(talk.hears().0, "192.0.2.200:20002");
    let told = talk.world.told();
    assert!(
        told.contains(&format!("HeldByPeer({})", agent.0)),
        "{told:?}\n{}",
        talk.world.ladder
    );
    assert!(
        !told.iter().any(|event| event.starts_with("CommandFailed")),
        "{told:?}"
    );
    talk.end();
}

#[test]
fn a_hold_is_undone_while_it_is_still_being_agreed() {
    let mut talk = talk();
    let (caller, agent) = (talk.caller, talk.agent);
    talk.world.command(B2buaCommand::Hold {
        leg: agent,
        partner: Some(caller),
    });
    talk.world.command(B2buaCommand::Retrieve {
        leg: agent,
        partner: Some(caller),
    });
    for _ in 0..3 {
        talk.world.agree(2);
        talk.world.agree(1);
    }
    assert_eq!(talk.world.told(), Vec::<String>::new());
    talk.assert_talking();
    talk.end();
}

#[test]
fn too_many_commands_for_one_leg_are_refused() {
    let mut talk = talk_in(World::with_config(|config| config.with_max_queued(2)));
    let agent = talk.agent;
    for _ in 0..3 {
        talk.world.command(B2buaCommand::Hold {
            leg: agent,
            partner: None,
        });
    }
    assert_eq!(
        talk.world.told(),
        [format!("CommandFailed({}, hold, Busy)", agent.0)]
    );
    talk.end();
}

#[test]
fn a_phone_that_never_answers_a_reinvite_fails_the_command_and_a_lost_one_the_leg() {
    let mut talk = talk();
    let (caller, agent) = (talk.caller, talk.agent);
    talk.world.phone(2).dead = true;
    talk.world.command(B2buaCommand::Hold {
        leg: agent,
        partner: Some(caller),
    });
    talk.world.agree(1);
    talk.world.run_for(Duration::from_secs(60));
    let told = talk.world.told();
    let ended = told.iter().any(|event| {
        event.starts_with(&format!("Released({}", agent.0))
            || event.starts_with(&format!("CommandFailed({}", agent.0))
    });
    assert!(ended, "{told:?}");
    talk.end();
}

#[test]
fn a_caller_who_hangs_up_during_a_phones_reinvite_frees_the_phone() {
    let mut talk = talk();
    let (caller, call) = (talk.caller, talk.agent_call);
    talk.world.tell(
        2,
        UaCommand::reinvite(call, Some(sdp_with(2, "8 101", "sendrecv"))),
    );
    let hangup = UaCommand::hangup(talk.caller_call);
    talk.world.tell(1, hangup);
    let refused = |event: &UaEvent| matches!(event, UaEvent::ReinviteFailed { .. });
    assert!(
        talk.world.phone(2).events.iter().any(refused),
        "{}",
        talk.world.ladder
    );
    assert_eq!(
        talk.world.events,
        [B2buaEvent::Released {
            leg: caller,
            why: crate::b2bua::ReleaseReason::Remote
        }]
    );
    let agent = talk.agent;
    talk.world.treat(agent, 5);
    talk.world.agree(2);
    assert_eq!(talk.world.hears(2), "192.0.2.200:20002");
    talk.end();
}

//! Calls that are passed on too often, or go in a circle.

use std::time::Duration;

use super::world::{World, sdp_of, uri};
use crate::b2bua::{B2buaCommand, LegKey, OfferSource, Target};
use crate::status::StatusCode;
use crate::ua::{CallKey, UaEvent};

fn caller_with(world: &mut World, hops: u8) -> (LegKey, CallKey) {
    let call = world.call_with(1, "5551000", "8000", Some(sdp_of(1)), |invite| {
        invite.with_max_forwards(hops)
    });
    (world.last_incoming(), call)
}

fn refused_with(world: &mut World, node: usize, call: CallKey) -> Option<StatusCode> {
    world.phone(node).events.iter().find_map(|event| match event {
        UaEvent::Failed { call: of, status, .. } if *of == call => Some(*status),
        _ => None,
    })
}

/// Asks for a leg to this B2BUA itself.
fn circle(world: &mut World, n: u64, media: OfferSource) -> LegKey {
    let leg = LegKey::outgoing(100 + n);
    world.command(B2buaCommand::Invite {
        leg,
        target: Target::Uri(uri("sip:8000@127.0.0.1:5060")),
        from_user: "5551000".into(),
        from_display: None,
        media,
        auto_answer: false,
        timeout: Duration::from_secs(20),
        headers: Vec::new(),
    });
    leg
}

/// Spec: RFC 7332 §4
#[test]
fn a_leg_made_for_a_caller_has_one_hop_less_and_one_of_our_own_begins_anew() {
    let mut world = World::new();
    world.register(2, "7001");
    let (caller, _) = caller_with(&mut world, 9);
    let agent = world.invite("7001", OfferSource::Peer(caller));
    assert_eq!(world.ringing(2).1.max_forwards(), Ok(Some(8)));
    world.release(agent);
    let agent = world.invite("7001", OfferSource::Late);
    assert_eq!(world.ringing(2).1.max_forwards(), Ok(Some(70)));
    // A leg that is made for a leg of our own begins anew as well.
    let consulted = world.invite("7001", OfferSource::Peer(agent));
    assert_eq!(world.ringing(2).1.max_forwards(), Ok(Some(70)));
    for leg in [caller, agent, consulted] {
        world.release(leg);
    }
    assert_eq!(world.b2bua.stats().loops, 0);
    world.assert_clean();
}

/// Spec: RFC 3261 §16.3 item 3
#[test]
fn a_caller_without_hops_may_be_treated_but_not_passed_on() {
    let mut world = World::new();
    world.register(2, "7001");
    let (caller, call) = caller_with(&mut world, 0);
    let agent = world.invite("7001", OfferSource::Peer(caller));
    assert_eq!(world.failed_with(agent), Some(StatusCode(483)));
    assert!(
        !world.ladder.contains("b2bua -> agent  INVITE"),
        "{}",
        world.ladder
    );
    // Whatever the application makes of the failure, the caller learns the cause.
    world.command(B2buaCommand::Reject {
        leg: caller,
        status: StatusCode(500),
    });
    assert_eq!(refused_with(&mut world, 1, call), Some(StatusCode(483)));

    let (released, call) = caller_with(&mut world, 0);
    world.invite("7001", OfferSource::Peer(released));
    world.release(released);
    assert_eq!(refused_with(&mut world, 1, call), Some(StatusCode(483)));

    let (treated, _) = caller_with(&mut world, 0);
    world.treat(treated, 1);
    assert!(world.told().contains(&format!("Answered({})", treated.0)));
    world.release(treated);
    let (untried, call) = caller_with(&mut world, 0);
    world.command(B2buaCommand::Reject {
        leg: untried,
        status: StatusCode(486),
    });
    assert_eq!(refused_with(&mut world, 1, call), Some(StatusCode(486)));
    assert_eq!(world.b2bua.stats().loops, 2);
    world.assert_clean();
}

/// Spec: RFC 3261 §16.3 item 4
#[test]
fn a_call_that_comes_back_is_let_in_as_often_as_configured() {
    for allowed in [0, 2] {
        let mut world = World::with_config(|config| config.with_max_returns(allowed));
        let (mut caller, _) = world.incoming();
        let mut legs = vec![caller];
        for n in 0..u64::from(allowed) {
            legs.push(circle(&mut world, n, OfferSource::Peer(caller)));
            caller = world.last_incoming();
            legs.push(caller);
        }
        let last = circle(&mut world, 9, OfferSource::Peer(caller));
        assert_eq!(world.failed_with(last), Some(StatusCode(482)), "{}", world.ladder);
        assert_eq!(world.b2bua.stats().loops, 1);
        for leg in legs {
            world.release(leg);
        }
        world.assert_clean();
    }
}

#[test]
fn a_circle_that_nobody_counts_ends_by_hops() {
    let mut world = World::with_config(|config| config.with_max_returns(u8::MAX));
    let (mut caller, _) = caller_with(&mut world, 5);
    let mut legs = vec![caller];
    let failed = (0..20).find_map(|n| {
        let leg = circle(&mut world, n, OfferSource::Peer(caller));
        if let Some(status) = world.failed_with(leg) {
            return Some((n, status));
        }
        caller = world.last_incoming();
        legs.extend([leg, caller]);
        None
    });
    assert_eq!(failed, Some((5, StatusCode(483))));
    for leg in legs {
        world.release(leg);
    }
    world.assert_clean();
}

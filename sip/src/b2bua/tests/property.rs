//! Whatever an application commands and phones do, in whatever order: nothing panics and nothing is left.

use std::time::Duration;

use proptest::prelude::*;

use super::world::{World, sdp_of, sdp_with};
use crate::b2bua::{B2buaCommand, B2buaEvent, LegKey, OfferSource};
use crate::endpoint::Core as _;
use crate::media::{RefusalKind, ScriptedOutcome};
use crate::status::StatusCode;
use crate::testing::NetworkConfig;
use crate::ua::{CallKey, UaCommand, UaEvent};

/// One thing that happens. Numbers choose among what there is at that moment.
#[derive(Clone, Debug)]
enum Act {
    Call { node: usize, offer: bool },
    Invite { user: bool, peer: Option<usize> },
    Ring(usize),
    Treat(usize),
    Stop(usize),
    Connect(usize, usize),
    Hold(usize, Option<usize>),
    Retrieve(usize, Option<usize>),
    Reject(usize),
    Release(usize),
    Talk(usize),
    PhoneAnswer { node: usize, ring: bool },
    PhoneReject { node: usize, global: bool },
    PhoneHangup { node: usize, call: usize },
    PhoneReinvite { node: usize, call: usize, kind: u8 },
    PhoneAgree { node: usize, fine: bool },
    PhoneAck { node: usize, call: usize, sdp: bool },
    PhoneDies(usize),
    MediaTrouble(ScriptedOutcome),
    Wait(u16),
}

fn act() -> impl Strategy<Value = Act> {
    let leg = 0_usize..6;
    let node = 1_usize..4;
    prop_oneof![
        4 => (node.clone(), any::<bool>()).prop_map(|(node, offer)| Act::Call { node, offer }),
        4 => (any::<bool>(), proptest::option::of(leg.clone())).prop_map(|(user, peer)| Act::Invite { user, peer }),
        1 => leg.clone().prop_map(Act::Ring),
        4 => leg.clone().prop_map(Act::Treat),
        1 => leg.clone().prop_map(Act::Stop),
        6 => (leg.clone(), leg.clone()).prop_map(|(a, b)| Act::Connect(a, b)),
        3 => (leg.clone(), proptest::option::of(leg.clone())).prop_map(|(a, b)| Act::Hold(a, b)),
        3 => (leg.clone(), proptest::option::of(leg.clone())).prop_map(|(a, b)| Act::Retrieve(a, b)),
        1 => leg.clone().prop_map(Act::Reject),
        2 => leg.clone().prop_map(Act::Release),
        1 => leg.prop_map(Act::Talk),
        6 => (node.clone(), any::<bool>()).prop_map(|(node, ring)| Act::PhoneAnswer { node, ring }),
        1 => (node.clone(), any::<bool>()).prop_map(|(node, global)| Act::PhoneReject { node, global }),
        2 => (node.clone(), 0_usize..4).prop_map(|(node, call)| Act::PhoneHangup { node, call }),
        4 => (node.clone(), 0_usize..4, 0_u8..5)
            .prop_map(|(node, call, kind)| Act::PhoneReinvite { node, call, kind }),
        8 => (node.clone(), proptest::bool::weighted(0.8))
            .prop_map(|(node, fine)| Act::PhoneAgree { node, fine }),
        3 => (node.clone(), 0_usize..4, proptest::bool::weighted(0.8))
            .prop_map(|(node, call, sdp)| Act::PhoneAck { node, call, sdp }),
        1 => node.prop_map(Act::PhoneDies),
        1 => proptest::sample::select(vec![
            ScriptedOutcome::RefuseOpen(RefusalKind::NoCommonMedia),
            ScriptedOutcome::RefuseOpen(RefusalKind::Exhausted),
            ScriptedOutcome::IgnoreOpen,
        ])
        .prop_map(Act::MediaTrouble),
        6 => (0_u16..4000).prop_map(Act::Wait),
    ]
}

struct Play {
    world: World,
    legs: Vec<LegKey>,
    operations: u64,
}

impl Play {
    fn leg(&self, n: usize) -> Option<LegKey> {
        self.legs.get(n % self.legs.len().max(1)).copied()
    }

    fn call_of(&mut self, node: usize, n: usize) -> Option<CallKey> {
        let calls = self.world.recent_calls(node);
        calls.get(n % calls.len().max(1)).copied()
    }

    /// Keeps the list of legs that the application believes in, and checks that it is told no nonsense.
    fn learn(&mut self) {
        for event in std::mem::take(&mut self.world.events) {
            match event {
                B2buaEvent::Incoming { leg, .. } => {
                    assert!(!self.legs.contains(&leg));
                    self.legs.push(leg);
                }
                B2buaEvent::Failed { leg, .. } | B2buaEvent::Released { leg, .. } => {
                    let at = self.legs.iter().position(|known| *known == leg);
                    self.legs
                        .remove(at.expect("a leg ends once, and only if it began"));
                }
                B2buaEvent::Ringing { leg }
                | B2buaEvent::Answered { leg }
                | B2buaEvent::HeldByPeer { leg }
                | B2buaEvent::RetrievedByPeer { leg }
                | B2buaEvent::TreatmentStarted { leg, .. }
                | B2buaEvent::TreatmentEnded { leg, .. } => {
                    assert!(
                        self.legs.contains(&leg),
                        "an event for a leg that is gone: {event:?}"
                    );
                }
                _ => {}
            }
        }
        self.world.ladder.clear();
    }

    fn command(&mut self, command: B2buaCommand) {
        self.learn();
        let ends = matches!(command, B2buaCommand::Release { .. }).then_some(command.leg());
        self.world.command(command);
        self.legs.retain(|known| Some(*known) != ends);
        self.learn();
    }

    fn act(&mut self, act: &Act) {
        match act.clone() {
            Act::Call { node, offer } => {
                self.world
                    .call(node, "5551000", "8000", offer.then(|| sdp_of(node)));
            }
            Act::Invite { user, peer } => {
                let media = peer
                    .and_then(|peer| self.leg(peer))
                    .map_or(OfferSource::Late, OfferSource::Peer);
                let leg = self.world.invite(if user { "7001" } else { "7002" }, media);
                self.legs.push(leg);
            }
            Act::PhoneAnswer { node, ring } => self.phone_answer(node, ring),
            Act::PhoneReject { node, global } => {
                let status = StatusCode(if global { 603 } else { 486 });
                if let Some(call) = self.call_of(node, 0) {
                    let _ = self.world.try_tell(node, UaCommand::reject(call, status));
                }
            }
            Act::PhoneHangup { node, call } => {
                if let Some(call) = self.call_of(node, call) {
                    let _ = self.world.try_tell(node, UaCommand::hangup(call));
                }
            }
            Act::PhoneReinvite { node, call, kind } => {
                let sdp = match kind {
                    0 => None,
                    1 => Some(sdp_with(node, "0 8 101", "sendonly")),
                    2 => Some(sdp_with(node, "9", "sendrecv")),
                    3 => Some(bytes::Bytes::from_static(b"nonsense")),
                    _ => Some(sdp_of(node)),
                };
                if let Some(call) = self.call_of(node, call) {
                    let _ = self.world.try_tell(node, UaCommand::reinvite(call, sdp));
                }
            }
            Act::PhoneAgree { node, fine } => {
                if let Some(call) = self.world.take_reinvite(node) {
                    let command = if fine {
                        UaCommand::AcceptReinvite {
                            call,
                            sdp: sdp_of(node),
                        }
                    } else {
                        UaCommand::RejectReinvite {
                            call,
                            status: StatusCode(488),
                        }
                    };
                    let _ = self.world.try_tell(node, command);
                }
            }
            Act::PhoneAck { node, call, sdp } => {
                if let Some(call) = self.call_of(node, call) {
                    let _ = self.world.try_tell(
                        node,
                        UaCommand::Ack {
                            call,
                            sdp: sdp.then(|| sdp_of(node)),
                        },
                    );
                }
            }
            Act::PhoneDies(node) => {
                let dead = self.world.phone(node).dead;
                self.world.phone(node).dead = !dead;
            }
            Act::MediaTrouble(outcome) => self.world.media.script(outcome),
            Act::Wait(millis) => self.world.run_for(Duration::from_millis(millis.into())),
            act => self.act_on_legs(act),
        }
        self.learn();
    }

    fn act_on_legs(&mut self, act: Act) {
        self.operations += 1;
        let op = crate::media::OpId(self.operations);
        let of = |n: usize| self.leg(n);
        let command = match act {
            Act::Ring(n) => of(n).map(|leg| B2buaCommand::Ring { leg }),
            Act::Treat(n) => of(n).map(|leg| B2buaCommand::Treat {
                leg,
                op,
                request: super::world::prompt(),
            }),
            Act::Stop(n) => of(n).map(|leg| B2buaCommand::StopTreatment { leg }),
            Act::Connect(a, b) => of(a).zip(of(b)).map(|(a, b)| B2buaCommand::Connect { a, b }),
            Act::Hold(n, partner) => of(n).map(|leg| B2buaCommand::Hold {
                leg,
                partner: partner.and_then(of),
            }),
            Act::Retrieve(n, partner) => of(n).map(|leg| B2buaCommand::Retrieve {
                leg,
                partner: partner.and_then(of),
            }),
            // A refused Reject leaves the leg, so it is released here as well.
            Act::Reject(n) | Act::Release(n) => of(n).map(|leg| B2buaCommand::Release { leg, status: None }),
            Act::Talk(n) => of(n).map(|leg| B2buaCommand::Talk { leg }),
            _ => None,
        };
        if let Some(command) = command {
            self.command(command);
        }
    }

    fn phone_answer(&mut self, node: usize, ring: bool) {
        let ringing = self
            .world
            .phone(node)
            .events
            .iter()
            .rev()
            .find_map(|event| match event {
                UaEvent::Incoming { call, .. } => Some(*call),
                _ => None,
            });
        let Some(call) = ringing else { return };
        let command = if ring {
            UaCommand::ringing(call)
        } else {
            UaCommand::accept(call, sdp_of(node))
        };
        let _ = self.world.try_tell(node, command);
    }
}

fn run(network: NetworkConfig, acts: &[Act]) {
    let mut world = World::with_network(network, |config| config);
    world.register_for(2, "7001", Duration::from_secs(3600));
    world.register_for(3, "7002", Duration::from_secs(3600));
    world.register_for(3, "7001", Duration::from_secs(3600));
    world.run_for(Duration::from_secs(30));
    world.events.clear();
    let mut play = Play {
        world,
        legs: Vec::new(),
        operations: 0,
    };
    for act in acts {
        play.act(act);
    }
    // Legs known to the application are exactly those that exist.
    let mut known = play.legs.clone();
    known.sort_unstable();
    assert_eq!(known, play.world.b2bua.leg_keys());
    for leg in known {
        play.command(B2buaCommand::Release { leg, status: None });
    }
    play.learn();
    // Phones hang up what they still believe in, so that only the B2BUA's own leaks can remain.
    play.world.run_for(Duration::from_secs(300));
    play.learn();
    for leg in play.legs.clone() {
        play.command(B2buaCommand::Release { leg, status: None });
    }
    play.world.run_for(Duration::from_secs(300));
    let stats = play.world.b2bua.stats();
    assert_eq!(
        (stats.legs, stats.media_endpoints, stats.negotiations),
        (0, 0, 0),
        "{stats:?}"
    );
    assert_eq!(play.world.media.open_ids(), Vec::new());
    assert_eq!(play.world.b2bua.leftovers(), (0, 0, 0));
    assert!(
        play.world.b2bua.is_idle(),
        "{:?}",
        play.world.b2bua.user_agent().stats()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_leaks_whatever_happens(acts in proptest::collection::vec(act(), 1..60)) {
        run(NetworkConfig::perfect(), &acts);
    }

    #[test]
    fn nothing_leaks_on_a_bad_network(seed in 1_u64..1_000, acts in proptest::collection::vec(act(), 1..40)) {
        run(NetworkConfig::bad(seed), &acts);
    }
}

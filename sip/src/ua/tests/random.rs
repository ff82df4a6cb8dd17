//! Random commands, losses and times: no panic, and nothing is left at the end.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::support::*;
use crate::method::Method;
use crate::status::StatusCode;
use crate::testing::{NetworkConfig, Pair, Side};
use crate::ua::{CallKey, RequestKey, UaCommand, UaEvent};

#[derive(Clone, Debug)]
enum Step {
    Command(Side, u8, u8),
    Wait(u32),
    Replay(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<bool>(), 0u8..16, 0u8..6).prop_map(|(alice, what, which)| {
            Step::Command(if alice { Side::Alice } else { Side::Bob }, what, which)
        }),
        4 => (0u32..3000).prop_map(Step::Wait),
        1 => (0u32..40_000).prop_map(Step::Wait),
        2 => any::<usize>().prop_map(Step::Replay),
    ]
}

fn command(side: Side, what: u8, which: u8) -> UaCommand {
    let outgoing = CallKey::outgoing(u64::from(which));
    let call = if side == Side::Alice {
        outgoing
    } else {
        CallKey::incoming(u64::from(which))
    };
    let transport = if which % 3 == 2 {
        over_tcp(invite())
    } else {
        invite()
    };
    match what {
        0 => UaCommand::Invite {
            call: outgoing,
            invite: Box::new(transport.with_sdp(OFFER)),
        },
        1 => UaCommand::Invite {
            call: outgoing,
            invite: Box::new(transport),
        },
        2 => UaCommand::ringing(call),
        3 | 4 => UaCommand::accept(call, ANSWER),
        5 => UaCommand::Ack {
            call,
            sdp: Some(ANSWER),
        },
        6 => UaCommand::reject(call, StatusCode::BUSY_HERE),
        7 => UaCommand::reinvite(call, Some(OFFER)),
        8 => UaCommand::reinvite(call, None),
        9 => UaCommand::AcceptReinvite { call, sdp: ANSWER },
        10 => UaCommand::RejectReinvite {
            call,
            status: StatusCode::NOT_ACCEPTABLE_HERE,
        },
        11 => UaCommand::InDialog {
            call,
            method: Method::INFO,
            headers: Vec::new(),
            body: None,
        },
        12 => UaCommand::Respond {
            request: RequestKey(u64::from(which) + 1),
            status: StatusCode::OK,
            headers: Vec::new(),
            body: None,
        },
        13 => UaCommand::Redirect {
            call,
            contacts: Vec::new(),
        },
        _ => UaCommand::hangup(call),
    }
}

/// The call of an event, and whether it ends there.
fn life(event: &UaEvent) -> Option<(CallKey, bool)> {
    match event {
        UaEvent::Failed { call, .. } | UaEvent::Cancelled { call } | UaEvent::Ended { call, .. } => {
            Some((*call, true))
        }
        UaEvent::Incoming { call, .. }
        | UaEvent::Progress { call, .. }
        | UaEvent::Answered { call, .. }
        | UaEvent::Confirmed { call, .. }
        | UaEvent::Reinvited { call, .. }
        | UaEvent::ReinviteCancelled { call }
        | UaEvent::ReinviteAnswered { call, .. }
        | UaEvent::ReinviteFailed { call, .. }
        | UaEvent::InDialog { call, .. }
        | UaEvent::InDialogResult { call, .. } => Some((*call, false)),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, rng_seed: RngSeed::Fixed(3261), ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_panics_and_nothing_is_left(seed in any::<u64>(), steps in prop::collection::vec(step(), 1..60)) {
        let mut pair = Pair::new(NetworkConfig::bad(seed >> 8));
        let mut started: [Vec<CallKey>; 2] = [Vec::new(), Vec::new()];
        for step in steps {
            match step {
                Step::Command(side, what, which) => {
                    let command = command(side, what, which);
                    let new = match &command {
                        UaCommand::Invite { call, .. } => Some(*call),
                        _ => None,
                    };
                    // A key is used once.
                    if new.is_some_and(|call| started[side as usize].contains(&call)) {
                        continue;
                    }
                    if pair.command(side, command).is_ok() {
                        started[side as usize].extend(new);
                    }
                }
                Step::Wait(time) => pair.run_for(Duration::from_millis(u64::from(time))),
                Step::Replay(which) if !pair.sent.is_empty() => {
                    let (_, from, message) = pair.sent[which % pair.sent.len()].clone();
                    pair.inject(from.other(), message);
                }
                Step::Replay(_) => {}
            }
        }
        // Whoever has not hung up does now; then every deadline passes.
        pair.shutdown(Side::Alice);
        pair.shutdown(Side::Bob);
        pair.run_for(Duration::from_secs(200));
        for side in [Side::Alice, Side::Bob] {
            let stats = pair.agent(side).stats();
            prop_assert_eq!((stats.calls, stats.transactions), (0, 0), "{:?} keeps something", side);
            prop_assert_eq!(pair.agent(side).poll_timeout(), None);
            let mut ended = Vec::new();
            for event in pair.events(side) {
                if let UaEvent::Incoming { call, .. } = &event {
                    started[side as usize].push(*call);
                }
                if let Some((call, ends)) = life(&event) {
                    prop_assert!(!ended.contains(&call), "an event after the end: {:?}", event);
                    ended.extend(ends.then_some(call));
                }
            }
            let mut started = std::mem::take(&mut started[side as usize]);
            started.sort_unstable();
            ended.sort_unstable();
            prop_assert_eq!(started, ended, "every call ends exactly once");
        }
    }
}

//! What the tests share.

use std::time::Duration;

use bytes::Bytes;

use crate::message::{Limits, Message};
use crate::testing::{NetworkConfig, Pair, Side};
use crate::transport::Destination;
use crate::ua::{CallKey, Invite, UaCommand, UaEvent};

pub(super) const OFFER: Bytes = Bytes::from_static(b"v=0\r\no=a 1 1 IN IP4 10.0.0.1\r\n");
pub(super) const ANSWER: Bytes = Bytes::from_static(b"v=0\r\no=b 1 1 IN IP4 10.0.0.2\r\n");
pub(super) const A: CallKey = CallKey::outgoing(1);
pub(super) const B: CallKey = CallKey::incoming(0);

pub(super) fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

pub(super) fn perfect() -> Pair {
    Pair::new(NetworkConfig::perfect())
}

pub(super) fn invite() -> Invite {
    let target = format!("sip:bob@{}", Side::Bob.address());
    let from: crate::header::NameAddr = "\"Alice\" <sip:alice@10.0.0.1>".parse().unwrap();
    Invite::new(target.parse().unwrap(), from)
}

pub(super) fn call(pair: &mut Pair, invite: Invite) {
    pair.command(
        Side::Alice,
        UaCommand::Invite {
            call: A,
            invite: Box::new(invite),
        },
    )
    .unwrap();
}

/// A call over UDP that stands; all events of it are taken.
pub(super) fn talking() -> Pair {
    let mut pair = perfect();
    talk(&mut pair, invite());
    pair
}

pub(super) fn talk(pair: &mut Pair, invite: Invite) {
    call(pair, invite.with_sdp(OFFER));
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::accept(B, ANSWER)).unwrap();
    pair.run_for(ms(0));
    assert!(names(&pair.events(Side::Alice)).contains(&"Answered"));
    assert!(names(&pair.events(Side::Bob)).contains(&"Confirmed"));
}

pub(super) fn over_tcp(invite: Invite) -> Invite {
    invite.with_destination(Destination::tcp(Side::Bob.address()))
}

/// Names of the events, in order.
pub(super) fn names(events: &[UaEvent]) -> Vec<&'static str> {
    events
        .iter()
        .map(|event| match event {
            UaEvent::Incoming { .. } => "Incoming",
            UaEvent::Progress { .. } => "Progress",
            UaEvent::Answered { .. } => "Answered",
            UaEvent::Failed { .. } => "Failed",
            UaEvent::Confirmed { .. } => "Confirmed",
            UaEvent::Cancelled { .. } => "Cancelled",
            UaEvent::Ended { .. } => "Ended",
            UaEvent::Reinvited { .. } => "Reinvited",
            UaEvent::ReinviteCancelled { .. } => "ReinviteCancelled",
            UaEvent::ReinviteAnswered { .. } => "ReinviteAnswered",
            UaEvent::ReinviteFailed { .. } => "ReinviteFailed",
            UaEvent::InDialog { .. } => "InDialog",
            UaEvent::InDialogResult { .. } => "InDialogResult",
            UaEvent::OutOfDialog { .. } => "OutOfDialog",
            UaEvent::Registered { .. } => "Registered",
            UaEvent::RegistrationFailed { .. } => "RegistrationFailed",
            UaEvent::Unregistered { .. } => "Unregistered",
            UaEvent::CommandFailed { .. } => "CommandFailed",
        })
        .collect()
}

/// Nothing is left on either side once all timers have run out.
pub(super) fn assert_empty(pair: &mut Pair) {
    pair.run_for(Duration::from_secs(64));
    for side in [Side::Alice, Side::Bob] {
        let stats = pair.agent(side).stats();
        assert_eq!(
            (stats.calls, stats.transactions),
            (0, 0),
            "{side:?} keeps something"
        );
        assert_eq!(pair.agent(side).poll_timeout(), None, "{side:?} keeps a timer");
    }
}

pub(super) fn parse(text: &str) -> Message {
    Message::parse(Bytes::from(text.replace('\n', "\r\n")), &Limits::default()).unwrap()
}

/// The last message of a side, with that start.
pub(super) fn last(pair: &Pair, side: Side, start: &str) -> Message {
    let found = pair.sent.iter().rev().find(|(_, from, message)| {
        *from == side
            && message.method().map_or_else(
                || message.status().is_some_and(|status| status.to_string() == start),
                |method| method.as_str() == start,
            )
    });
    found
        .unwrap_or_else(|| panic!("{side:?} sent no {start}"))
        .2
        .clone()
}

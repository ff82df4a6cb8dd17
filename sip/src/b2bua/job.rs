//! Negotiations: what changes the session of one or two legs, step by step, one at a time per leg.

use std::time::Instant;

use bytes::Bytes;

use super::LegKey;
use super::event::B2buaError;
use crate::media::{MediaRequest, OpId, RefusalKind};
use crate::sdp::Direction;
use crate::status::StatusCode;

/// Names a negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct JobId(pub(super) u64);

/// A negotiation that waits for its legs, or runs.
pub(super) struct Job {
    /// The legs it needs; it runs when it is the first negotiation of each.
    pub(super) first: LegKey,
    pub(super) second: Option<LegKey>,
    /// Name of the command that asked for it, or of the request of an endpoint.
    pub(super) command: &'static str,
    pub(super) work: Work,
    pub(super) step: Step,
    pub(super) deadline: Option<Instant>,
}

impl Job {
    pub(super) fn legs(&self) -> impl Iterator<Item = LegKey> + use<> {
        std::iter::once(self.first).chain(self.second)
    }

    pub(super) const fn is_running(&self) -> bool {
        !matches!(self.step, Step::Queued)
    }
}

/// What a negotiation is for.
pub(super) enum Work {
    /// Joins the two legs; `passed_on` when the first leg's endpoint asked for it with a re-INVITE.
    Join { passed_on: bool },
    /// Joins the leg to the media server, then runs the request.
    Park { request: Option<Request> },
    /// Offers the leg its last description with another direction.
    Direct { direction: Direction },
}

/// What to run on a media endpoint once it is joined.
pub(super) struct Request {
    /// `None` for music on hold.
    pub(super) user: Option<OpId>,
    pub(super) request: MediaRequest,
}

/// What a negotiation waits for.
pub(super) enum Step {
    /// Its turn.
    Queued,
    /// The target's answer to the source's description.
    Target { source: LegKey, target: LegKey },
    /// The source's ACK of the 200 that carried the target's answer.
    SourceAck,
    /// The source's answer to the target's description; `known` is what the target was told of the source.
    Source {
        source: LegKey,
        target: LegKey,
        known: Bytes,
    },
    /// The target's answer to the source's changed description.
    Again,
    /// ACKs of two legs whose offers were answered with each other.
    Cross { open: usize },
    /// The media server's description.
    Opening,
    /// The endpoint's answer to the media server's offer.
    Offering,
    /// The endpoint's ACK of the media server's answer.
    Confirming,
    /// The endpoint's answer to a changed direction.
    Directing,
}

/// What a running negotiation is told.
pub(super) enum JobInput {
    /// The endpoint answered our re-INVITE, or acknowledged our 200.
    Agreed(Option<Bytes>),
    /// The endpoint refused our re-INVITE.
    Refused(StatusCode),
    /// The media server opened the endpoint.
    Opened(Bytes),
    /// The media server refused the endpoint.
    MediaRefused(RefusalKind),
}

/// How a step ends.
pub(super) enum Outcome {
    /// Wait for this.
    Wait(Step),
    /// The negotiation is complete.
    Done,
    /// It failed.
    Fail(B2buaError),
}

//! One leg: its dialogs, its descriptions, what its media is joined to, and what waits for it.

use std::collections::VecDeque;

use bytes::Bytes;

use super::LegKey;
use super::job::JobId;
use super::session::Session;
use super::state::{LegInput, LegState};
use crate::media::{MediaId, OpId};
use crate::status::StatusCode;
use crate::ua::{CallKey, MAX_FORWARDS};

/// The request or response that carries our description to an endpoint that waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vehicle {
    /// Our 200 to the caller's INVITE.
    Invite,
    /// Our ACK to a 200 that carried an offer.
    Ack,
    /// Our 200 to a re-INVITE.
    Reinvite,
}

/// What an endpoint waits for.
#[derive(Clone)]
pub(super) enum Demand {
    /// It made this offer.
    Answer(Vehicle, Bytes),
    /// It sent an INVITE without one: we offer, it answers in the ACK.
    Offer(Vehicle),
}

impl Demand {
    pub(super) const fn vehicle(&self) -> Vehicle {
        match self {
            Self::Answer(vehicle, _) | Self::Offer(vehicle) => *vehicle,
        }
    }
}

/// Where the endpoint's media goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// Nowhere.
    None,
    /// To the endpoint of another leg.
    Peer(LegKey),
    /// To the media server.
    Media,
}

/// What runs on the media endpoint of a leg.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// As the media server knows it.
    pub(super) id: OpId,
    /// As the user called it; `None` for music on hold.
    pub(super) user: Option<OpId>,
    /// It collects digits, and reports them.
    pub(super) collects: bool,
}

/// One dialog set with one endpoint.
pub(super) struct Leg {
    pub(super) key: LegKey,
    pub(super) state: LegState,
    /// The call of an incoming leg, or the fork that answered.
    pub(super) call: Option<CallKey>,
    /// Calls of an outgoing leg that have no final response.
    pub(super) forks: Vec<CallKey>,
    /// Those among them that shall be asked to talk as soon as they ring.
    pub(super) to_talk: Vec<CallKey>,
    /// Best failure of the forks so far.
    pub(super) best_failure: Option<StatusCode>,
    pub(super) ringing_reported: bool,
    pub(super) early_media_reported: bool,
    pub(super) session: Session,
    pub(super) demand: Option<Demand>,
    pub(super) link: Link,
    pub(super) media: Option<MediaId>,
    pub(super) operation: Option<Operation>,
    /// Negotiations that need this leg, in order; the first one may run.
    pub(super) jobs: VecDeque<JobId>,
    /// A 200 of ours waits for its ACK.
    pub(super) awaiting_ack: bool,
    /// A re-INVITE of ours waits for its answer.
    pub(super) reinviting: bool,
    /// The endpoint holds.
    pub(super) held_by_peer: bool,
    /// The partner it had when it began to hold.
    pub(super) held_partner: Option<LegKey>,
    /// Call-ID of the dialog, for requests that name it (Replaces).
    pub(super) call_id: String,
    /// Tag of the endpoint in the dialog.
    pub(super) remote_tag: String,
    /// How many elements may still pass the caller's request on; full for an outgoing leg.
    pub(super) hops: u8,
    /// How often the call went out of here and came back, before this leg.
    pub(super) returns: u8,
    /// The caller's request could not be passed on for want of hops.
    pub(super) out_of_hops: bool,
}

impl Leg {
    pub(super) fn new(key: LegKey, state: LegState) -> Self {
        Self {
            key,
            state,
            call: None,
            forks: Vec::new(),
            to_talk: Vec::new(),
            best_failure: None,
            ringing_reported: false,
            early_media_reported: false,
            session: Session::default(),
            demand: None,
            link: Link::None,
            media: None,
            operation: None,
            jobs: VecDeque::new(),
            awaiting_ack: false,
            reinviting: false,
            held_by_peer: false,
            held_partner: None,
            call_id: String::new(),
            remote_tag: String::new(),
            hops: MAX_FORWARDS,
            returns: 0,
            out_of_hops: false,
        }
    }

    /// Goes through the table; `false` when the input means nothing now.
    pub(super) fn step(&mut self, input: LegInput) -> bool {
        match self.state.next(input) {
            Some(next) => {
                tracing::trace!(leg = self.key.0, ?input, from = ?self.state, to = ?next, "leg state");
                self.state = next;
                true
            }
            None => {
                tracing::debug!(leg = self.key.0, ?input, state = ?self.state, "input means nothing in this state");
                false
            }
        }
    }

    /// Whether a negotiation may use the leg now.
    pub(super) const fn is_free(&self) -> bool {
        !self.awaiting_ack && !self.reinviting
    }

    /// What a negotiation can do with the leg.
    pub(super) fn role(&self) -> Role {
        match (&self.demand, self.state) {
            (Some(Demand::Answer(_, offer)), _) => Role::Offers(offer.clone()),
            (Some(Demand::Offer(_)), _) => Role::WantsOffer,
            (None, LegState::Established) => Role::Stable,
            (None, _) => Role::NotReady,
        }
    }
}

/// What a negotiation can do with a leg.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// Its endpoint made an offer and waits for the answer.
    Offers(Bytes),
    /// Its endpoint waits for an offer.
    WantsOffer,
    /// It has a session that a re-INVITE can change.
    Stable,
    /// Not answered, or waiting for an ACK.
    NotReady,
}

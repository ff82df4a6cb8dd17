//! What a user of the B2BUA asks for.

use std::fmt;
use std::time::Duration;

use crate::media::{MediaRequest, OpId};
use crate::status::StatusCode;
use crate::uri::Uri;

/// Names one leg: one dialog set of the B2BUA with one endpoint.
///
/// Legs that come in are named by the core and are even, legs that the user asks for are named by the user and
/// are odd, so that neither side asks the other. A key is not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegKey(pub u64);

impl LegKey {
    /// The `n`-th leg of the user; each `n` is to be used once.
    pub const fn outgoing(n: u64) -> Self {
        Self(n << 1 | 1)
    }

    /// Whether the user asked for the leg.
    pub const fn is_outgoing(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Whom an outgoing leg calls.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// All bindings of a local user, at the same time; the first that answers wins.
    ///
    /// Spec: RFC 3261 §16.6
    Aor(String),
    /// This address, through the configured trunk if there is one.
    Uri(Uri),
}

/// Numbers stay out of logs.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aor(_) => f.write_str("Target::Aor(..)"),
            Self::Uri(_) => f.write_str("Target::Uri(..)"),
        }
    }
}

/// Which session description an outgoing INVITE carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfferSource {
    /// None: the endpoint offers in its 200, and [`B2buaCommand::Connect`] or [`B2buaCommand::Treat`] answers it.
    ///
    /// Spec: RFC 3725 §4.1 (flow I)
    Late,
    /// The last description of this leg's endpoint; like `Late` when the leg has none.
    Peer(LegKey),
}

/// What a user of a [`B2bua`](super::B2bua) asks for.
///
/// Commands never fail by return value: [`B2buaEvent::CommandFailed`](super::B2buaEvent::CommandFailed), `Failed`
/// or `TreatmentEnded` say what went wrong. Commands for a leg whose session is being negotiated wait for their
/// turn, `Release` and `StopTreatment` do not.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum B2buaCommand {
    /// Calls an endpoint on a new leg.
    Invite {
        /// The new leg, from [`LegKey::outgoing`].
        leg: LegKey,
        /// Whom to call.
        target: Target,
        /// User part of From.
        from_user: String,
        /// Display name of From.
        from_display: Option<String>,
        /// What the INVITE offers.
        media: OfferSource,
        /// Asks the endpoint to answer by itself (`Call-Info` with `answer-after=0`, `Alert-Info`).
        auto_answer: bool,
        /// Fails with 408 when it is not answered by then.
        timeout: Duration,
        /// More headers (name, value). Those that belong to the dialog, and those with control characters, are
        /// left out and counted.
        headers: Vec<(String, String)>,
    },
    /// Tells the caller of an unanswered incoming leg that the destination rings (180).
    Ring {
        /// The leg.
        leg: LegKey,
    },
    /// Asks the endpoint of an outgoing leg to answer, or to take its call off hold (NOTIFY, `Event: talk`). An endpoint
    /// that does not ring yet is asked when it does.
    Talk {
        /// The leg.
        leg: LegKey,
    },
    /// Joins two legs: their endpoints send media to each other. An unanswered incoming leg is answered.
    /// Media endpoints and treatments of both end.
    Connect {
        /// One leg; failures are reported for it.
        a: LegKey,
        /// The other leg.
        b: LegKey,
    },
    /// Stops the media of a leg's endpoint, and lets its partner hear music.
    Hold {
        /// The leg whose user holds.
        leg: LegKey,
        /// Who hears music.
        partner: Option<LegKey>,
    },
    /// Undoes [`B2buaCommand::Hold`].
    Retrieve {
        /// The leg whose user retrieves.
        leg: LegKey,
        /// The leg to join again; without it, the media of `leg` goes on as before the hold.
        partner: Option<LegKey>,
    },
    /// Lets the media server work on a leg, in place of what it does there. An unanswered incoming leg is answered;
    /// when the media server cannot serve what its caller offers, it is refused with 488 and
    /// [`Released`](super::B2buaEvent::Released), without an end of the treatment.
    Treat {
        /// The leg.
        leg: LegKey,
        /// Names the operation in the events.
        op: OpId,
        /// What to do.
        request: MediaRequest,
    },
    /// Ends the treatment of a leg, without a report.
    StopTreatment {
        /// The leg.
        leg: LegKey,
    },
    /// Sends the caller of an unanswered incoming leg elsewhere (302). The leg is gone, no event follows.
    Redirect {
        /// The leg.
        leg: LegKey,
        /// Where to.
        uri: Uri,
    },
    /// Refuses an unanswered incoming leg. The leg is gone, no event follows.
    Reject {
        /// The leg.
        leg: LegKey,
        /// 400 to 699.
        status: StatusCode,
    },
    /// Ends a leg in whatever state it is (CANCEL, BYE, final response). The leg is gone, no event follows.
    Release {
        /// The leg.
        leg: LegKey,
        /// Status for an unanswered incoming leg, and cause of the `Reason` header otherwise; default 480.
        status: Option<StatusCode>,
    },
}

impl B2buaCommand {
    /// The leg that the command is about (of `Connect`, the first).
    #[must_use]
    pub const fn leg(&self) -> LegKey {
        match self {
            Self::Invite { leg, .. }
            | Self::Ring { leg }
            | Self::Talk { leg }
            | Self::Connect { a: leg, .. }
            | Self::Hold { leg, .. }
            | Self::Retrieve { leg, .. }
            | Self::Treat { leg, .. }
            | Self::StopTreatment { leg }
            | Self::Redirect { leg, .. }
            | Self::Reject { leg, .. }
            | Self::Release { leg, .. } => *leg,
        }
    }

    /// Name of the command, for logs and failures.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Invite { .. } => "invite",
            Self::Ring { .. } => "ring",
            Self::Talk { .. } => "talk",
            Self::Connect { .. } => "connect",
            Self::Hold { .. } => "hold",
            Self::Retrieve { .. } => "retrieve",
            Self::Treat { .. } => "treat",
            Self::StopTreatment { .. } => "stop_treatment",
            Self::Redirect { .. } => "redirect",
            Self::Reject { .. } => "reject",
            Self::Release { .. } => "release",
        }
    }
}

/// Numbers, names and header values stay out of logs.
impl fmt::Debug for B2buaCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "B2buaCommand::{}({})", self.name(), self.leg().0)
    }
}

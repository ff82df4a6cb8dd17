//! The southbound seam: what the T-Server engine controls, in legs and media, without SIP.
//!
//! The engine thinks in calls, parties, DNs and user data; a switch thinks in legs. A leg is one line to
//! one endpoint: a SIP dialog set, or a simulated line. Events go up, commands go down; both sides are
//! deterministic, so the same inputs give the same T-Events.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::id::Dn;

mod debug;

/// Names a leg. Legs that reach the switch from outside have even numbers, legs that the engine asks for
/// have odd ones, so that both sides can name legs without asking each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId(u64);

impl LegId {
    /// The `n`-th leg that the switch offers to the engine.
    pub const fn from_switch(n: u64) -> Self {
        Self(n << 1)
    }

    /// The `n`-th leg that the engine asks the switch for.
    pub const fn from_engine(n: u64) -> Self {
        Self(n << 1 | 1)
    }

    /// The number as it appears in logs.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Names one treatment of a leg, so that the end of a replaced treatment is told from the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreatmentId(pub u64);

/// What the switch reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SwitchEvent {
    /// Somebody calls: a new leg waits for [`SwitchCommand::Ring`], `Accept`, `Treat`, `Redirect` or `Reject`.
    Offered {
        /// The new leg.
        leg: LegId,
        /// Who calls and whom.
        call: OfferedCall,
    },
    /// The far end of an engine leg rings.
    Ringing {
        /// The leg.
        leg: LegId,
    },
    /// The far end of an engine leg sends media before the answer.
    EarlyMedia {
        /// The leg.
        leg: LegId,
    },
    /// The far end of a leg answered (engine leg), or an accepted leg is confirmed with media (switch leg).
    Answered {
        /// The leg.
        leg: LegId,
    },
    /// An engine leg was not answered: busy, refused, unreachable, timed out. The leg is gone.
    Failed {
        /// The leg.
        leg: LegId,
        /// Why.
        cause: Cause,
    },
    /// A leg ended after it was offered or answered. The leg is gone.
    Released {
        /// The leg.
        leg: LegId,
        /// Why.
        cause: Cause,
    },
    /// The endpoint put the leg on hold.
    Held {
        /// The leg.
        leg: LegId,
    },
    /// The endpoint took the leg off hold.
    Retrieved {
        /// The leg.
        leg: LegId,
    },
    /// The endpoint asks to transfer the leg.
    TransferAsked {
        /// The leg.
        leg: LegId,
        /// Number to transfer to.
        to: Dn,
        /// The leg to join in an attended transfer.
        replaces: Option<LegId>,
    },
    /// A treatment runs.
    TreatmentStarted {
        /// The leg.
        leg: LegId,
        /// The treatment.
        treatment: TreatmentId,
    },
    /// A treatment ended by itself, or could not be started.
    TreatmentEnded {
        /// The leg.
        leg: LegId,
        /// The treatment.
        treatment: TreatmentId,
        /// How.
        result: TreatmentResult,
    },
    /// A command for a leg could not be carried out; the leg is as it was.
    CommandFailed {
        /// The leg.
        leg: LegId,
        /// Why.
        cause: Cause,
    },
    /// The endpoint of a DN is reachable (registered).
    EndpointUp {
        /// The DN.
        dn: Dn,
    },
    /// The endpoint of a DN is no longer reachable.
    EndpointDown {
        /// The DN.
        dn: Dn,
    },
}

/// Parties of a leg that came in. `Debug` shows neither numbers nor headers.
#[derive(Clone, PartialEq, Eq)]
pub struct OfferedCall {
    /// The DN of the endpoint that calls, if it is one of ours and proved it.
    pub origin: Option<Dn>,
    /// Calling number, as presented (ANI).
    pub from: String,
    /// Called number (DNIS).
    pub to: Dn,
    /// Headers of the caller that applications may see (name, value), in order.
    pub headers: Vec<(String, String)>,
}

/// What the engine asks for. A switch answers with events, never by return value.
///
/// `Debug` shows neither numbers nor headers.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SwitchCommand {
    /// Call an address on a new engine leg.
    Offer {
        /// The new leg, named by the engine.
        leg: LegId,
        /// Whom to call.
        to: Dn,
        /// Calling number to present.
        from: String,
        /// Whose media goes into the offer.
        media: OfferMedia,
        /// Ask the endpoint to answer by itself (third-party make call, answer request).
        auto_answer: bool,
        /// Give up with [`Cause::NoAnswer`] after this time.
        timeout: Duration,
        /// Application headers (name, value).
        headers: Vec<(String, String)>,
    },
    /// Tell the caller of a switch leg that the destination rings.
    Ring {
        /// The leg.
        leg: LegId,
    },
    /// Ask the ringing endpoint of an engine leg to answer (remote control of the phone).
    Answer {
        /// The leg.
        leg: LegId,
    },
    /// Join the media of two legs. Legs still waiting for an answer are accepted; treatments of both end.
    Connect {
        /// One leg.
        a: LegId,
        /// The other leg.
        b: LegId,
    },
    /// Put the leg's endpoint on hold: it hears music, its partner is held at media too.
    Hold {
        /// The leg whose owner holds.
        leg: LegId,
        /// The partner, which hears music on hold.
        partner: Option<LegId>,
    },
    /// Undo [`SwitchCommand::Hold`].
    Retrieve {
        /// The leg whose owner retrieves.
        leg: LegId,
        /// The partner to connect to again.
        partner: Option<LegId>,
    },
    /// Treat a leg at media; a leg still waiting for an answer is accepted. Replaces a running treatment.
    Treat {
        /// The leg.
        leg: LegId,
        /// Name of this treatment.
        treatment: TreatmentId,
        /// What to do.
        action: Treatment,
    },
    /// End a treatment without a report.
    StopTreatment {
        /// The leg.
        leg: LegId,
    },
    /// Send the caller of an unanswered switch leg elsewhere (3xx).
    Redirect {
        /// The leg.
        leg: LegId,
        /// Where.
        to: Dn,
    },
    /// Refuse an unanswered switch leg.
    Reject {
        /// The leg.
        leg: LegId,
        /// Why.
        cause: Cause,
    },
    /// End a leg in whatever state it is. No event follows.
    Release {
        /// The leg.
        leg: LegId,
        /// Why.
        cause: Cause,
    },
}

/// Which media an outgoing offer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfferMedia {
    /// No offer; the endpoint offers in its answer (RFC 3725 flow I).
    Late,
    /// The media of this leg.
    Leg(LegId),
}

/// Why a leg ended or a command failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Ordinary end.
    Normal,
    /// The endpoint is busy.
    Busy,
    /// Nobody answered in time.
    NoAnswer,
    /// The endpoint refused.
    Rejected,
    /// No endpoint under this address, or it is out of service.
    Unreachable,
    /// Unknown number.
    InvalidNumber,
    /// The caller gave up before the answer.
    Abandoned,
    /// Media could not be agreed or provided.
    Media,
    /// A limit of the switch was reached.
    Overload,
    /// The endpoint vanished (transport or session failure).
    Lost,
    /// Anything else.
    Error,
}

/// What a leg hears and what is collected from it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Treatment {
    /// Music (or any endless file) until replaced; `duration` bounds it.
    Music {
        /// Name of the source; `None` is the default music.
        source: Option<String>,
        /// End after this time.
        duration: Option<Duration>,
    },
    /// Silence.
    Silence {
        /// End after this time.
        duration: Option<Duration>,
    },
    /// Ring-back tone.
    RingBack {
        /// End after this time.
        duration: Option<Duration>,
    },
    /// Busy tone.
    Busy {
        /// End after this time.
        duration: Option<Duration>,
    },
    /// Play prompts one after the other.
    Announcement {
        /// Prompts in order.
        prompts: Vec<Prompt>,
    },
    /// Collect digits, with prompts before.
    Digits {
        /// Prompts in order; may be empty.
        prompts: Vec<Prompt>,
        /// What to collect.
        collect: Collect,
    },
}

/// One prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Name of the audio source, as the media server knows it.
    pub source: String,
    /// Whether a digit stops it.
    pub interruptible: bool,
}

/// Rules of a digit collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collect {
    /// End after this many digits; at least 1.
    pub max_digits: u8,
    /// Digits that end the collection; not part of the result.
    pub terminators: String,
    /// Time to the first digit, counted from the end of the prompts.
    pub first_timeout: Duration,
    /// Time between digits.
    pub digit_timeout: Duration,
    /// Time for the whole collection, counted from the end of the prompts.
    pub total_timeout: Option<Duration>,
}

/// How a treatment ended. `Debug` does not show digits.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TreatmentResult {
    /// Played to the end, or the duration is over.
    Completed,
    /// Digits were collected; `last` is the terminator if one ended the collection.
    Digits {
        /// The digits, without terminator.
        digits: String,
        /// The terminator.
        last: Option<char>,
    },
    /// The time for digits is over; what was pressed until then.
    Timeout {
        /// The digits so far.
        digits: String,
    },
    /// Could not be done, for example an unknown prompt.
    Failed {
        /// Why, for the operator.
        reason: String,
    },
}

/// A switch under the engine's control.
///
/// The trait names no runtime: an adapter over sockets wakes the task that polls it, a simulated switch
/// works on `now` alone. Both pass the same contract suite.
pub trait Switch: Send {
    /// Carries out a command. Never blocks; refusals come back as events.
    fn handle_command(&mut self, now: Instant, command: SwitchCommand);

    /// The next event. `Pending` until there is one; the waker of `cx` is woken if one can come from outside.
    fn poll_event(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<SwitchEvent>;

    /// Lets time pass to `now`.
    fn handle_timeout(&mut self, now: Instant);

    /// When to call [`Switch::handle_timeout`] next.
    fn poll_timeout(&self) -> Option<Instant>;
}

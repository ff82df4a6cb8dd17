//! The seam between call control and media resources: what a B2BUA asks of a media server and what it is told.
//!
//! A [`MediaServer`] owns media endpoints, named by a [`MediaId`] that the caller chooses. An endpoint is
//! opened with or without the far side's session description, runs one operation at a time (announcement,
//! digit collection, music, silence, tone), reports digits while it collects, and lives until it is closed.
//!
//! | command | answered by |
//! | --- | --- |
//! | [`MediaCommand::Open`] | [`MediaEvent::Opened`] or [`MediaEvent::Refused`] |
//! | [`MediaCommand::Answer`] | nothing; [`MediaEvent::Refused`] when the description cannot be used |
//! | [`MediaCommand::Run`] | [`MediaEvent::Started`], later exactly one [`MediaEvent::Ended`] |
//! | [`MediaCommand::Press`] | [`MediaEvent::Digit`] while digits are collected, and what the key brings about |
//! | [`MediaCommand::Stop`] | [`MediaEvent::Ended`] of the running operation, if one runs |
//! | [`MediaCommand::Close`] | nothing: the id is free at once and no event follows for it |
//!
//! Commands for an id that is not open are ignored. A `Run` while an operation runs ends the running one
//! (with the result that it has so far) before the new one starts.

use std::fmt;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;

#[cfg(any(test, feature = "testing"))]
mod scripted;
#[cfg(any(test, feature = "testing"))]
#[expect(clippy::panic, reason = "the contract is written as test functions")]
pub mod suite;

#[cfg(any(test, feature = "testing"))]
pub use scripted::{ScriptedMedia, ScriptedOutcome};

/// Names one media endpoint of a [`MediaServer`]. Chosen by the caller; never reused while open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaId(pub u64);

/// Names one operation on a media endpoint, as the application called it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u64);

/// What a media server is asked to do.
#[derive(Clone, PartialEq, Eq)]
pub enum MediaCommand {
    /// Makes an endpoint.
    Open {
        /// The new endpoint's name; opening a name that is open is refused.
        id: MediaId,
        /// The far side's offer (`application/sdp`); without it the media server makes the offer.
        offer: Option<Bytes>,
    },
    /// Tells the endpoint the far side's description: the answer to our offer, or a changed description
    /// of a peer whose offer was answered before.
    Answer {
        /// Which endpoint.
        id: MediaId,
        /// The far side's session description.
        sdp: Bytes,
    },
    /// Starts an operation; a running one is ended first.
    Run {
        /// Which endpoint.
        id: MediaId,
        /// The operation's name, repeated in its events.
        op: OpId,
        /// What to do.
        request: MediaRequest,
    },
    /// The far side pressed a key and said so outside of the media stream (SIP INFO). It counts like one that was
    /// heard in the stream.
    Press {
        /// Which endpoint.
        id: MediaId,
        /// `0`-`9`, `*`, `#`, `A`-`D`; anything else is ignored.
        digit: char,
    },
    /// Ends the running operation early; nothing happens when none runs.
    Stop {
        /// Which endpoint.
        id: MediaId,
    },
    /// Frees the endpoint and everything that runs on it, silently.
    Close {
        /// Which endpoint.
        id: MediaId,
    },
}

impl MediaCommand {
    /// The endpoint that the command is about.
    #[must_use]
    pub fn id(&self) -> MediaId {
        match self {
            Self::Open { id, .. }
            | Self::Answer { id, .. }
            | Self::Run { id, .. }
            | Self::Press { id, .. }
            | Self::Stop { id }
            | Self::Close { id } => *id,
        }
    }
}

/// Bodies hold addresses, digits may be a PIN: both stay out.
impl fmt::Debug for MediaCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { id, offer } => f
                .debug_struct("Open")
                .field("id", id)
                .field("offer_octets", &offer.as_ref().map(Bytes::len))
                .finish(),
            Self::Answer { id, sdp } => f
                .debug_struct("Answer")
                .field("id", id)
                .field("sdp_octets", &sdp.len())
                .finish(),
            Self::Run { id, op, request } => f
                .debug_struct("Run")
                .field("id", id)
                .field("op", op)
                .field("request", request)
                .finish(),
            Self::Press { id, .. } => f.debug_struct("Press").field("id", id).finish_non_exhaustive(),
            Self::Stop { id } => f.debug_struct("Stop").field("id", id).finish(),
            Self::Close { id } => f.debug_struct("Close").field("id", id).finish(),
        }
    }
}

/// What a media server reports.
#[derive(Clone, PartialEq, Eq)]
pub enum MediaEvent {
    /// The endpoint exists.
    Opened {
        /// Which endpoint.
        id: MediaId,
        /// The answer to the offer given in [`MediaCommand::Open`], or the media server's own offer.
        sdp: Bytes,
    },
    /// The endpoint could not be made, or can no longer be used; the id is free, unless an open id was opened
    /// ([`RefusalKind::IdInUse`]).
    Refused {
        /// Which endpoint.
        id: MediaId,
        /// Why, for programs.
        kind: RefusalKind,
        /// Why, for logs: no port free, no codec in common, the server is unreachable.
        reason: String,
    },
    /// An operation runs.
    Started {
        /// Which endpoint.
        id: MediaId,
        /// Which operation.
        op: OpId,
    },
    /// An operation is over; reported once per operation that was started or refused.
    Ended {
        /// Which endpoint.
        id: MediaId,
        /// Which operation.
        op: OpId,
        /// How it went.
        result: MediaResult,
    },
    /// The far side pressed a key while digits were collected.
    Digit {
        /// Which endpoint.
        id: MediaId,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
    },
}

impl MediaEvent {
    /// The endpoint that the event is about.
    #[must_use]
    pub fn id(&self) -> MediaId {
        match self {
            Self::Opened { id, .. }
            | Self::Refused { id, .. }
            | Self::Started { id, .. }
            | Self::Ended { id, .. }
            | Self::Digit { id, .. } => *id,
        }
    }
}

/// Bodies and digits stay out: digits may be a PIN.
impl fmt::Debug for MediaEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { id, sdp } => f
                .debug_struct("Opened")
                .field("id", id)
                .field("sdp_octets", &sdp.len())
                .finish(),
            Self::Refused { id, kind, reason } => f
                .debug_struct("Refused")
                .field("id", id)
                .field("kind", kind)
                .field("reason", reason)
                .finish(),
            Self::Started { id, op } => f.debug_struct("Started").field("id", id).field("op", op).finish(),
            Self::Ended { id, op, result } => f
                .debug_struct("Ended")
                .field("id", id)
                .field("op", op)
                .field("result", result)
                .finish(),
            Self::Digit { id, .. } => f.debug_struct("Digit").field("id", id).finish_non_exhaustive(),
        }
    }
}

/// Why a media server refuses an endpoint: whether another caller, another time or another server would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The far side's description has no media, or no encoding, that the server has as well.
    NoCommonMedia,
    /// The far side's description cannot be read, or lacks what is needed, such as an address.
    BadDescription,
    /// The server works, but has no room: sessions, ports or time.
    Exhausted,
    /// The server cannot serve anybody: stopped, unreachable, without its network address.
    Unavailable,
    /// The name is that of an open endpoint, which goes on.
    IdInUse,
}

impl RefusalKind {
    /// Whether it is the far side's description that cannot be served, now or later.
    #[must_use]
    pub const fn is_about_description(self) -> bool {
        matches!(self, Self::NoCommonMedia | Self::BadDescription)
    }
}

/// One piece of an announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPrompt {
    /// What to play, in the media server's words (a file below its prompt folder, by default).
    pub source: String,
    /// Whether a key press ends it.
    pub interruptible: bool,
}

/// Which call progress tone to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ToneKind {
    /// The far phone rings.
    RingBack,
    /// The far phone is busy.
    Busy,
}

/// One operation on a media endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaRequest {
    /// Plays prompts in order, once. Ends with [`MediaResult::Completed`], or with
    /// [`MediaResult::Digits`] when a key ended an interruptible prompt.
    Play {
        /// What to play; an empty list ends at once.
        prompts: Vec<MediaPrompt>,
    },
    /// Plays prompts, then collects digits. Timers start when the last prompt ends.
    Collect {
        /// What to play first; may be empty.
        prompts: Vec<MediaPrompt>,
        /// Ends after so many digits; 0 means 1.
        max_digits: u8,
        /// Keys that end the collection; they are reported as `last`, not among the digits.
        terminators: String,
        /// How long to wait for the first key.
        first_timeout: Duration,
        /// How long to wait between keys.
        digit_timeout: Duration,
        /// How long the collection may last altogether; `None`: only the other limits count.
        total_timeout: Option<Duration>,
    },
    /// Plays music, again from its start when it ends.
    Music {
        /// What to play; `None`: the media server's default music.
        source: Option<String>,
        /// Ends with [`MediaResult::Completed`] after so long; `None`: until stopped.
        duration: Option<Duration>,
    },
    /// Sends silence.
    Silence {
        /// Ends with [`MediaResult::Completed`] after so long; `None`: until stopped.
        duration: Option<Duration>,
    },
    /// Plays a call progress tone.
    Tone {
        /// Which one.
        kind: ToneKind,
        /// Ends with [`MediaResult::Completed`] after so long; `None`: until stopped.
        duration: Option<Duration>,
    },
}

/// How an operation ended.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaResult {
    /// It ran to its end, or was stopped.
    Completed,
    /// Digits were collected, or a key ended an interruptible prompt.
    Digits {
        /// The keys pressed, without the terminator.
        digits: String,
        /// The terminator that ended the collection, if one did.
        last: Option<char>,
    },
    /// A time limit ended the collection.
    Timeout {
        /// The keys pressed until then.
        digits: String,
    },
    /// It could not run.
    Failed {
        /// Why, for logs: prompt not found, unreadable, endpoint gone.
        reason: String,
    },
}

/// Digits stay out: only their number is printed.
impl fmt::Debug for MediaResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("Completed"),
            Self::Digits { digits, .. } => f
                .debug_struct("Digits")
                .field("count", &digits.len())
                .finish_non_exhaustive(),
            Self::Timeout { digits } => f.debug_struct("Timeout").field("count", &digits.len()).finish(),
            Self::Failed { reason } => f.debug_struct("Failed").field("reason", reason).finish(),
        }
    }
}

/// Media endpoints for call control: in this process, scripted, or behind a protocol.
///
/// Commands take effect in order. Events come from [`poll_event`](Self::poll_event), which a driver calls
/// with its waker after every input and a sans-IO test with a no-op waker. The module documentation says
/// which command is answered by which event.
pub trait MediaServer: Send {
    /// Takes one command; what comes of it is reported by [`poll_event`](Self::poll_event).
    fn handle_command(&mut self, now: Instant, command: MediaCommand);

    /// The next event, or `Pending` with the waker kept until there is one.
    ///
    /// # Cancel safety
    ///
    /// Not a future: an event returned is delivered, nothing else changes.
    fn poll_event(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<MediaEvent>;

    /// Lets time pass; to be called when [`poll_timeout`](Self::poll_timeout) is due.
    fn handle_timeout(&mut self, now: Instant);

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called; `None`: not before the next input.
    fn poll_timeout(&self) -> Option<Instant>;
}

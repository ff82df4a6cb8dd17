//! What happens at a host of phones.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use media::phone::PhoneStats;
use sip::status::StatusCode;
use tokio::sync::mpsc;

use super::CallId;

/// One event and its time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PhoneEvent {
    /// When it happened; not when it was read.
    pub at: Instant,
    /// What happened.
    pub what: Happening,
}

/// What happens. Every call ends with exactly one of [`Happening::Ended`] and [`Happening::Failed`].
#[derive(Clone)]
#[non_exhaustive]
pub enum Happening {
    /// A line was registered, or its registration refreshed.
    Registered {
        /// The line.
        line: String,
    },
    /// A registration failed.
    RegistrationFailed {
        /// The line.
        line: String,
        /// Status; 408 for no answer.
        status: StatusCode,
        /// Whether it is tried again.
        will_retry: bool,
    },
    /// A registration was removed.
    Unregistered {
        /// The line.
        line: String,
    },
    /// A call comes in.
    Incoming {
        /// The call.
        call: CallId,
        /// The line that is called.
        line: String,
        /// User part of the caller's address.
        from: String,
    },
    /// The phone at the other end rings.
    Ringing {
        /// The call.
        call: CallId,
    },
    /// A call was answered: ours by the peer, or the peer's by us.
    Answered {
        /// The call.
        call: CallId,
        /// Time since the INVITE.
        after: Duration,
        /// Where we take RTP.
        local_rtp: SocketAddr,
    },
    /// The peer moved its audio by re-INVITE: somebody else is at the other end.
    MediaChanged {
        /// The call.
        call: CallId,
        /// Where it takes RTP now.
        remote_rtp: SocketAddr,
    },
    /// The call is on hold.
    Held {
        /// The call.
        call: CallId,
        /// Whether the peer did it.
        by_peer: bool,
    },
    /// The call is no longer on hold.
    Retrieved {
        /// The call.
        call: CallId,
        /// Whether the peer did it.
        by_peer: bool,
    },
    /// The peer refused a hold or retrieve; all stays as it was.
    ChangeFailed {
        /// The call.
        call: CallId,
        /// The status.
        status: StatusCode,
    },
    /// A call is over: after the answer, or cancelled before it by either side.
    Ended {
        /// The call.
        call: CallId,
        /// How.
        ending: Ending,
        /// Whether it was answered.
        answered: bool,
        /// What its audio did.
        stats: Box<PhoneStats>,
        /// What was heard, if that was asked for: 16 bits, 8 kHz.
        recording: Option<Vec<i16>>,
    },
    /// A call was not answered.
    Failed {
        /// The call.
        call: CallId,
        /// The refusal, or 408 for none, 503 for no connection.
        status: StatusCode,
    },
    /// The reader was too slow: that many events after those read so far are missing.
    Overflowed {
        /// How many.
        lost: u64,
    },
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The peer hung up.
    ByPeer,
    /// We hung up.
    ByUs,
    /// The caller's patience was over.
    GaveUp,
    /// The peer went away without a word, or its audio cannot be used.
    Lost,
}

impl Happening {
    /// The call that it is about.
    pub const fn call(&self) -> Option<CallId> {
        match self {
            Self::Incoming { call, .. }
            | Self::Ringing { call }
            | Self::Answered { call, .. }
            | Self::MediaChanged { call, .. }
            | Self::Held { call, .. }
            | Self::Retrieved { call, .. }
            | Self::ChangeFailed { call, .. }
            | Self::Ended { call, .. }
            | Self::Failed { call, .. } => Some(*call),
            Self::Registered { .. }
            | Self::RegistrationFailed { .. }
            | Self::Unregistered { .. }
            | Self::Overflowed { .. } => None,
        }
    }
}

/// Numbers and recordings stay out.
impl std::fmt::Debug for Happening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Registered { .. } => f.write_str("Registered"),
            Self::RegistrationFailed {
                status, will_retry, ..
            } => {
                write!(f, "RegistrationFailed({}, will_retry: {will_retry})", status.0)
            }
            Self::Unregistered { .. } => f.write_str("Unregistered"),
            Self::Incoming { call, .. } => write!(f, "Incoming({call:?})"),
            Self::Ringing { call } => write!(f, "Ringing({call:?})"),
            Self::Answered { call, after, .. } => write!(f, "Answered({call:?}, after: {after:?})"),
            Self::MediaChanged { call, .. } => write!(f, "MediaChanged({call:?})"),
            Self::Held { call, by_peer } => write!(f, "Held({call:?}, by_peer: {by_peer})"),
            Self::Retrieved { call, by_peer } => write!(f, "Retrieved({call:?}, by_peer: {by_peer})"),
            Self::ChangeFailed { call, status } => write!(f, "ChangeFailed({call:?}, {})", status.0),
            Self::Ended {
                call,
                ending,
                answered,
                ..
            } => {
                write!(f, "Ended({call:?}, {ending:?}, answered: {answered})")
            }
            Self::Failed { call, status } => write!(f, "Failed({call:?}, {})", status.0),
            Self::Overflowed { lost } => write!(f, "Overflowed({lost})"),
        }
    }
}

/// The writing end; never waits.
#[derive(Clone)]
pub(super) struct EventSender {
    queue: mpsc::Sender<PhoneEvent>,
    lost: Arc<AtomicU64>,
}

impl EventSender {
    pub(super) fn send(&self, what: Happening) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send(PhoneEvent { at: now(), what }) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The events of a host, in order. Ends when the host has stopped.
#[derive(Debug)]
pub struct PhoneEvents {
    queue: mpsc::Receiver<PhoneEvent>,
    lost: Arc<AtomicU64>,
}

impl PhoneEvents {
    /// The next event; `None` when the host has stopped.
    ///
    /// # Cancel safety
    ///
    /// No event is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<PhoneEvent> {
        match self.lost.swap(0, Ordering::Relaxed) {
            0 => self.queue.recv().await,
            lost => Some(PhoneEvent {
                at: now(),
                what: Happening::Overflowed { lost },
            }),
        }
    }
}

pub(super) fn channel(queue: usize) -> (EventSender, PhoneEvents) {
    let (sender, receiver) = mpsc::channel(queue.max(1));
    let lost = Arc::new(AtomicU64::new(0));
    (
        EventSender {
            queue: sender,
            lost: Arc::clone(&lost),
        },
        PhoneEvents {
            queue: receiver,
            lost,
        },
    )
}

pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

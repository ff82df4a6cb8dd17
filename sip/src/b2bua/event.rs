//! What a user of the B2BUA is told.

use std::fmt;

use super::LegKey;
use crate::media::{MediaResult, OpId};
use crate::status::StatusCode;

/// What a user of a [`B2bua`](super::B2bua) is told.
///
/// A leg ends with exactly one of `Failed` (outgoing, never answered), `Released`, or a command that ends it
/// (`Release`, `Reject`, `Redirect`). After that its key means nothing any more.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum B2buaEvent {
    /// Somebody calls. The leg waits for `Ring`, `Connect`, `Treat`, `Redirect` or `Reject`.
    Incoming {
        /// The new leg.
        leg: LegKey,
        /// User part of From.
        from_user: String,
        /// Display name of From.
        from_display: Option<String>,
        /// The local user who called and proved it (digest, or the flow of a registration).
        authenticated: Option<String>,
        /// User part of the Request-URI.
        to_user: String,
        /// Headers that an application may want (name, value), in order: none of those that SIP needs itself.
        headers: Vec<(String, String)>,
    },
    /// The endpoint of an outgoing leg rings. Reported once.
    Ringing {
        /// The leg.
        leg: LegKey,
    },
    /// The endpoint of an outgoing leg sends a description before its answer. Reported once.
    EarlyMedia {
        /// The leg.
        leg: LegKey,
    },
    /// An outgoing leg was answered, or the caller of an incoming leg confirmed our answer.
    Answered {
        /// The leg.
        leg: LegKey,
    },
    /// An outgoing leg was not answered. The leg is gone.
    Failed {
        /// The leg.
        leg: LegKey,
        /// The endpoint's final status (best of all bindings), or ours: 404 no such local user, 480 not registered,
        /// 408 not answered in time, 483 the caller's Max-Forwards is used up, 503 the endpoint cannot be reached or a limit is reached.
        status: StatusCode,
    },
    /// A leg ended. The leg is gone.
    Released {
        /// The leg.
        leg: LegKey,
        /// Why.
        why: ReleaseReason,
    },
    /// The endpoint put the leg on hold.
    HeldByPeer {
        /// The leg.
        leg: LegKey,
    },
    /// The endpoint took the leg off hold.
    RetrievedByPeer {
        /// The leg.
        leg: LegKey,
    },
    /// The endpoint asks to transfer the leg (REFER); accepted with 202. Only with
    /// [`B2buaConfig::transfer_requests`](super::B2buaConfig::transfer_requests).
    ///
    /// Spec: RFC 3515
    TransferAsked {
        /// The leg.
        leg: LegKey,
        /// User part of the Refer-To URI.
        target: String,
        /// The leg to join with in an attended transfer.
        replaces: Option<LegKey>,
    },
    /// A treatment runs.
    TreatmentStarted {
        /// The leg.
        leg: LegKey,
        /// The operation.
        op: OpId,
    },
    /// A treatment ended by itself, or could not be started.
    TreatmentEnded {
        /// The leg.
        leg: LegKey,
        /// The operation.
        op: OpId,
        /// How.
        result: MediaResult,
    },
    /// The endpoint pressed a key (reported by the media server, or by INFO).
    Digit {
        /// The leg.
        leg: LegKey,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
    },
    /// A command could not be carried out. The leg still exists if it existed before.
    CommandFailed {
        /// The leg.
        leg: LegKey,
        /// Name of the command, from [`B2buaCommand::name`](super::B2buaCommand::name).
        command: &'static str,
        /// Why.
        why: B2buaError,
    },
    /// A local user can be called.
    Registered {
        /// User part of the address of record.
        user: String,
    },
    /// A local user cannot be called any more: removed, expired, or the flow is lost.
    Unregistered {
        /// User part of the address of record.
        user: String,
    },
}

/// Numbers, names, digits and header values stay out of logs.
impl fmt::Debug for B2buaEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incoming {
                leg, authenticated, ..
            } => {
                let proved = if authenticated.is_some() {
                    "authenticated"
                } else {
                    "unauthenticated"
                };
                write!(f, "Incoming({}, {proved})", leg.0)
            }
            Self::Ringing { leg } => write!(f, "Ringing({})", leg.0),
            Self::EarlyMedia { leg } => write!(f, "EarlyMedia({})", leg.0),
            Self::Answered { leg } => write!(f, "Answered({})", leg.0),
            Self::Failed { leg, status } => write!(f, "Failed({}, {})", leg.0, status.0),
            Self::Released { leg, why } => write!(f, "Released({}, {why:?})", leg.0),
            Self::HeldByPeer { leg } => write!(f, "HeldByPeer({})", leg.0),
            Self::RetrievedByPeer { leg } => write!(f, "RetrievedByPeer({})", leg.0),
            Self::TransferAsked { leg, replaces, .. } => {
                write!(f, "TransferAsked({}, {:?})", leg.0, replaces.map(|other| other.0))
            }
            Self::TreatmentStarted { leg, op } => write!(f, "TreatmentStarted({}, {})", leg.0, op.0),
            Self::TreatmentEnded { leg, op, result } => {
                write!(f, "TreatmentEnded({}, {}, {result:?})", leg.0, op.0)
            }
            Self::Digit { leg, .. } => write!(f, "Digit({})", leg.0),
            Self::CommandFailed { leg, command, why } => {
                write!(f, "CommandFailed({}, {command}, {why:?})", leg.0)
            }
            Self::Registered { .. } => f.write_str("Registered(..)"),
            Self::Unregistered { .. } => f.write_str("Unregistered(..)"),
        }
    }
}

/// Why a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReleaseReason {
    /// The endpoint hung up (BYE).
    Remote,
    /// The caller gave up before the answer (CANCEL).
    Cancelled,
    /// Nobody decided about an incoming leg in time.
    NoDecision,
    /// The endpoint vanished: no ACK, no answer inside the dialog, its connection broke.
    Lost,
    /// The session could not be agreed although the call was answered, or the media server cannot serve what the
    /// caller of an unanswered leg offers: that caller was refused with 488.
    Media,
    /// The B2BUA stops.
    Shutdown,
}

/// Why a command could not be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum B2buaError {
    /// No such leg, or it has ended.
    #[error("no such leg")]
    UnknownLeg,
    /// The key is in use, or is not one for outgoing legs.
    #[error("leg key in use or not an outgoing one")]
    BadKey,
    /// The leg is in a state in which the command means nothing.
    #[error("the command does not fit the state of the leg")]
    WrongState,
    /// The endpoint refused the new session with this status.
    #[error("the endpoint refused the session with {}", .0.0)]
    Refused(StatusCode),
    /// The endpoints have no media in common, or a description cannot be read.
    #[error("no media in common")]
    Media,
    /// The media server refused for want of room or is not there, or did not answer in time.
    #[error("no media server endpoint")]
    NoMediaServer,
    /// The other leg of the command ended.
    #[error("the other leg ended")]
    PartnerGone,
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// Too many commands wait for the leg.
    #[error("too many commands wait for the leg")]
    Busy,
    /// The core is shutting down.
    #[error("shutting down")]
    ShuttingDown,
}

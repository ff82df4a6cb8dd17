//! What a user of the core is told.

use std::fmt;

use bytes::Bytes;

use super::{CallKey, RegistrationKey, RequestKey};
use crate::message::Message;
use crate::method::Method;
use crate::status::StatusCode;
use crate::transport::{Flow, Transmit};

/// One effect of the core.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this.
    Transmit(Transmit),
    /// Tell the user this.
    Event(UaEvent),
}

/// What a user of a [`UserAgent`](super::UserAgent) is told.
///
/// Every call ends with exactly one of [`UaEvent::Failed`], [`UaEvent::Cancelled`] and [`UaEvent::Ended`]; after that
/// its key means nothing any more.
#[derive(Clone)]
#[non_exhaustive]
pub enum UaEvent {
    /// A call comes in and waits for `Provisional`, `Accept`, `Reject`, `Redirect` or `Hangup`.
    Incoming {
        /// The new call.
        call: CallKey,
        /// The INVITE.
        request: Message,
        /// Where it came from.
        flow: Flow,
    },
    /// An outgoing call got a provisional response other than 100.
    Progress {
        /// The call.
        call: CallKey,
        /// 101 to 199.
        status: StatusCode,
        /// Early session description.
        sdp: Option<Bytes>,
        /// The response.
        response: Message,
    },
    /// An outgoing call was answered with 2xx.
    Answered {
        /// The call.
        call: CallKey,
        /// The session description of the 200.
        sdp: Option<Bytes>,
        /// `true`: `sdp` is an offer, and [`UaCommand::Ack`](super::UaCommand::Ack) has to carry the answer.
        /// `false`: it is the answer, and the core has acknowledged by itself.
        offer: bool,
        /// The response.
        response: Message,
    },
    /// An outgoing call was not answered. The call is gone.
    Failed {
        /// The call.
        call: CallKey,
        /// Status of the final response, or the one that stands for the cause: 408 timeout, 503 transport.
        status: StatusCode,
        /// What happened.
        cause: FailureCause,
        /// The final response, if there was one (Contact of a 3xx, Retry-After of a 503, ...).
        response: Option<Message>,
    },
    /// The caller acknowledged our 200: the incoming call, or the re-INVITE, is confirmed.
    Confirmed {
        /// The call.
        call: CallKey,
        /// Session description of the ACK: the answer, when our 200 carried the offer.
        sdp: Option<Bytes>,
    },
    /// The caller gave up before the answer. The call is gone.
    Cancelled {
        /// The call.
        call: CallKey,
    },
    /// A call ended. The call is gone.
    Ended {
        /// The call.
        call: CallKey,
        /// Why.
        cause: EndCause,
    },
    /// The peer asks to change the session; waits for `AcceptReinvite` or `RejectReinvite`.
    Reinvited {
        /// The call.
        call: CallKey,
        /// The offer; without one, our 200 carries the offer.
        sdp: Option<Bytes>,
        /// The request.
        request: Message,
    },
    /// The peer took its re-INVITE back (CANCEL) before we answered; the session stays as it was.
    ReinviteCancelled {
        /// The call.
        call: CallKey,
    },
    /// The peer agreed to our re-INVITE.
    ReinviteAnswered {
        /// The call.
        call: CallKey,
        /// The session description of the 200.
        sdp: Option<Bytes>,
        /// As in [`UaEvent::Answered`].
        offer: bool,
    },
    /// The peer refused our re-INVITE; the session stays as it was. 491 was already tried again by the core.
    ReinviteFailed {
        /// The call.
        call: CallKey,
        /// The status, or 408 for none in time.
        status: StatusCode,
    },
    /// A request inside a dialog; waits for [`UaCommand::Respond`](super::UaCommand::Respond).
    InDialog {
        /// The call.
        call: CallKey,
        /// Names the request.
        request: RequestKey,
        /// The request.
        message: Message,
    },
    /// The final outcome of [`UaCommand::InDialog`](super::UaCommand::InDialog).
    InDialogResult {
        /// The call.
        call: CallKey,
        /// Method of our request.
        method: Method,
        /// The status, or 408 for none in time.
        status: StatusCode,
        /// The response, if there was one.
        response: Option<Message>,
    },
    /// A request outside of any dialog; waits for [`UaCommand::Respond`](super::UaCommand::Respond).
    OutOfDialog {
        /// Names the request.
        request: RequestKey,
        /// The request.
        message: Message,
        /// Where it came from.
        flow: Flow,
    },
    /// A registration was made or refreshed.
    Registered {
        /// The registration.
        key: RegistrationKey,
        /// Lifetime granted, in seconds.
        expires_secs: u32,
        /// The flow it was made along.
        flow: Flow,
    },
    /// A registration could not be made or refreshed.
    RegistrationFailed {
        /// The registration.
        key: RegistrationKey,
        /// The status, 408 for none in time, 503 for no transport.
        status: StatusCode,
        /// Whether the core tries again by itself.
        will_retry: bool,
    },
    /// A registration was removed, as asked; also when the registrar did not answer that in time.
    Unregistered {
        /// The registration.
        key: RegistrationKey,
    },
    /// A command that came through a driver was refused.
    CommandFailed {
        /// The call, if the command named one.
        call: Option<CallKey>,
        /// Name of the command.
        command: &'static str,
        /// Why.
        error: CommandError,
    },
}

impl fmt::Debug for UaEvent {
    /// Names, keys, codes and causes; neither bodies nor addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incoming { call, .. } => write!(f, "Incoming({})", call.0),
            Self::Progress { call, status, .. } => write!(f, "Progress({}, {status:?})", call.0),
            Self::Answered { call, offer, .. } => write!(f, "Answered({}, offer: {offer})", call.0),
            Self::Failed {
                call, status, cause, ..
            } => write!(f, "Failed({}, {status:?}, {cause:?})", call.0),
            Self::Confirmed { call, sdp } => write!(f, "Confirmed({}, sdp: {})", call.0, sdp.is_some()),
            Self::Cancelled { call } => write!(f, "Cancelled({})", call.0),
            Self::Ended { call, cause } => write!(f, "Ended({}, {cause:?})", call.0),
            Self::Reinvited { call, sdp, .. } => write!(f, "Reinvited({}, sdp: {})", call.0, sdp.is_some()),
            Self::ReinviteCancelled { call } => write!(f, "ReinviteCancelled({})", call.0),
            Self::ReinviteAnswered { call, offer, .. } => {
                write!(f, "ReinviteAnswered({}, offer: {offer})", call.0)
            }
            Self::ReinviteFailed { call, status } => write!(f, "ReinviteFailed({}, {status:?})", call.0),
            Self::InDialog {
                call,
                request,
                message,
            } => {
                write!(
                    f,
                    "InDialog({}, request {}, {:?})",
                    call.0,
                    request.0,
                    message.method()
                )
            }
            Self::InDialogResult {
                call, method, status, ..
            } => {
                write!(f, "InDialogResult({}, {method:?}, {status:?})", call.0)
            }
            Self::OutOfDialog { request, message, .. } => {
                write!(f, "OutOfDialog(request {}, {:?})", request.0, message.method())
            }
            Self::Registered {
                key, expires_secs, ..
            } => write!(f, "Registered({}, {expires_secs} s)", key.0),
            Self::RegistrationFailed {
                key,
                status,
                will_retry,
            } => {
                write!(
                    f,
                    "RegistrationFailed({}, {status:?}, will retry: {will_retry})",
                    key.0
                )
            }
            Self::Unregistered { key } => write!(f, "Unregistered({})", key.0),
            Self::CommandFailed { call, command, error } => {
                write!(
                    f,
                    "CommandFailed({:?}, {command}, {error:?})",
                    call.map(|call| call.0)
                )
            }
        }
    }
}

/// Why an answered or incoming call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndCause {
    /// The user hung up, refused or redirected.
    Local,
    /// The peer sent BYE.
    Remote,
    /// Nobody decided about an incoming call in time.
    NoDecision,
    /// Our 200 was never acknowledged.
    ///
    /// Spec: RFC 3261 §13.3.1.4
    NoAck,
    /// The user did not acknowledge a 200 with an offer in time.
    NoUserAck,
    /// The peer does not know the dialog (481), or did not answer inside it (408).
    ///
    /// Spec: RFC 3261 §12.2.1.2
    DialogLost,
    /// The flow of the call broke.
    Transport,
}

/// Why an outgoing call was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureCause {
    /// A final response refused it.
    Refused,
    /// The peer asked for credentials that we lack, or refused the ones we have.
    Unauthorized,
    /// No response at all in time.
    NoResponse,
    /// The call rang longer than its timeout.
    RingTimeout,
    /// It could not be sent.
    Transport,
    /// A response broke the rules so that no dialog could be made.
    BadResponse,
}

/// Why a command was refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// No such call, or it has ended.
    #[error("no such call")]
    UnknownCall,
    /// No such request, or it was answered.
    #[error("no such request")]
    UnknownRequest,
    /// No such registration.
    #[error("no such registration")]
    UnknownRegistration,
    /// The key is in use, or is not one for outgoing calls.
    #[error("call key in use or not an outgoing one")]
    BadKey,
    /// The call is in a state in which the command means nothing.
    #[error("the command does not fit the state of the call")]
    WrongState,
    /// The status code is not one for this command.
    #[error("status code out of range for the command")]
    BadStatus,
    /// The method is not one for this command.
    #[error("method not allowed for the command")]
    BadMethod,
    /// A header value holds control characters, or the header is the core's to write.
    #[error("header not allowed for the command")]
    BadHeader,
    /// The target is not an IP address and no destination was named.
    #[error("no destination: the target is not an ip address")]
    NoDestination,
    /// The limit of calls is reached.
    #[error("too many calls")]
    TooManyCalls,
    /// The limit of transactions is reached.
    #[error("too many transactions")]
    TooManyTransactions,
    /// The core is shutting down.
    #[error("shutting down")]
    ShuttingDown,
}

/// Counters of a user agent since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UaStats {
    /// Calls that exist, ending ones included.
    pub calls: usize,
    /// Transactions that exist.
    pub transactions: usize,
    /// Incoming calls so far.
    pub incoming_calls: u64,
    /// Outgoing calls so far.
    pub outgoing_calls: u64,
    /// Requests that were repeated by a timer so far.
    pub retransmissions: u64,
    /// Requests refused with 503 so far because of a limit.
    pub overload_refusals: u64,
    /// Messages that broke the rules so far: answered with 400, or dropped.
    pub malformed: u64,
    /// Responses and ACKs that matched nothing so far.
    pub stray: u64,
    /// Requests that the user did not answer in time so far.
    pub unanswered_requests: u64,
}

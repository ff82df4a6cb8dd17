//! The northbound seam: what an application asks of a T-Server, whoever carries the messages.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;

use crate::catalog::{AddressInfoType, AddressType, AgentWorkMode, ErrorCode, TreatmentType};
use crate::codec::EncodeError;
use crate::id::ConnId;
use crate::kv::KvList;
use crate::message::Message;

pub mod request;

/// Sends requests to a T-Server.
///
/// Implemented by the network client and the in-process client; applications and libraries take
/// `Arc<dyn CallControl>` or a generic parameter. The requests of the catalogue are methods of
/// [`CallControlExt`], which every implementation has.
#[async_trait]
pub trait CallControl: Send + Sync + 'static {
    /// Sends a request under a new reference id, which replaces one in `message`, and waits for the first
    /// event that carries it. The event also comes out of the event stream.
    ///
    /// # Errors
    ///
    /// [`RequestError::Refused`] for an `EventError`; the other variants if no answer came.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future forgets the answer; the request may have been sent.
    async fn request(&self, message: Message) -> Result<Arc<Message>, RequestError>;

    /// Sends a message as it is and does not wait for an answer.
    ///
    /// # Errors
    ///
    /// [`RequestError::Disconnected`] or [`RequestError::Encode`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it open whether the message is sent.
    async fn send(&self, message: Message) -> Result<(), RequestError>;
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The server answered with `EventError`.
    #[error("refused with code {}: {text}", code.0)]
    Refused {
        /// `ErrorCode`.
        code: ErrorCode,
        /// `ErrorMessage`; empty if the server sent none.
        text: String,
    },
    /// No answer within the request time.
    #[error("no answer in time")]
    Timeout,
    /// There is no connection, or it ended before the answer.
    #[error("not connected")]
    Disconnected,
    /// The message cannot be written in the connection's format.
    #[error("request cannot be encoded")]
    Encode(#[from] EncodeError),
}

impl RequestError {
    /// The error that an `EventError` stands for.
    pub fn from_event(event: &Message) -> Self {
        Self::Refused {
            code: event.error_code().unwrap_or(ErrorCode::UNKNOWN_ERROR),
            text: event.error_message().unwrap_or_default().to_owned(),
        }
    }
}

/// Future of an answer.
pub type Reply<'a> = Pin<Box<dyn Future<Output = Result<Arc<Message>, RequestError>> + Send + 'a>>;

/// The frequent requests as methods of every [`CallControl`].
///
/// Each builds its message with the function of the same name in [`request`](mod@request) and
/// passes it to [`CallControl::request`], whose errors and cancel safety apply.
pub trait CallControlExt: CallControl {
    /// Receives the events of a DN from now on. Answer `EventRegistered` with the state of the DN.
    fn register_address(&self, dn: &str) -> Reply<'_> {
        self.request(request::register_address(dn))
    }

    /// Ends [`CallControlExt::register_address`]. Answer `EventUnregistered`.
    fn unregister_address(&self, dn: &str) -> Reply<'_> {
        self.request(request::unregister_address(dn))
    }

    /// Asks for the state of a DN. Answer `EventAddressInfo`.
    fn query_address(&self, dn: &str, kind: AddressType, info: AddressInfoType) -> Reply<'_> {
        self.request(request::query_address(dn, kind, info))
    }

    /// Logs an agent in at a DN, into a queue if one is named. Answer `EventAgentLogin`.
    fn agent_login(&self, dn: &str, agent: &str, queue: Option<&str>) -> Reply<'_> {
        self.request(request::agent_login(dn, agent, queue))
    }

    /// Logs the agent at a DN out, of one queue if it is named. Answer `EventAgentLogout` or
    /// `EventQueueLogout`.
    fn agent_logout(&self, dn: &str, queue: Option<&str>) -> Reply<'_> {
        self.request(request::agent_logout(dn, queue))
    }

    /// Makes the agent at a DN ready. Answer `EventAgentReady`.
    fn agent_ready(&self, dn: &str, mode: AgentWorkMode) -> Reply<'_> {
        self.request(request::agent_ready(dn, mode))
    }

    /// Makes the agent at a DN not ready; an empty `reasons` is not sent. Answer `EventAgentNotReady`.
    fn agent_not_ready(&self, dn: &str, mode: AgentWorkMode, reasons: KvList) -> Reply<'_> {
        self.request(request::agent_not_ready(dn, mode, reasons))
    }

    /// Calls `to` from a DN; an empty `user_data` is not sent. Answer `EventDialing`.
    fn make_call(&self, dn: &str, to: &str, user_data: KvList) -> Reply<'_> {
        self.request(request::make_call(dn, to, user_data))
    }

    /// Answers the call that rings at a DN. Answer `EventEstablished`.
    fn answer_call(&self, dn: &str, conn: ConnId) -> Reply<'_> {
        self.request(request::answer_call(dn, conn))
    }

    /// Releases a DN from a call. Answer `EventReleased`.
    fn release_call(&self, dn: &str, conn: ConnId) -> Reply<'_> {
        self.request(request::release_call(dn, conn))
    }

    /// Puts a call on hold. Answer `EventHeld`.
    fn hold_call(&self, dn: &str, conn: ConnId) -> Reply<'_> {
        self.request(request::hold_call(dn, conn))
    }

    /// Takes a call off hold. Answer `EventRetrieved`.
    fn retrieve_call(&self, dn: &str, conn: ConnId) -> Reply<'_> {
        self.request(request::retrieve_call(dn, conn))
    }

    /// Sends a ringing call elsewhere. Answer `EventReleased`.
    fn redirect_call(&self, dn: &str, conn: ConnId, to: &str) -> Reply<'_> {
        self.request(request::redirect_call(dn, conn, to))
    }

    /// Routes a call that waits at a routing point. Answer `EventRouteUsed`.
    fn route_call(&self, dn: &str, conn: ConnId, to: &str) -> Reply<'_> {
        self.request(request::route_call(dn, conn, to))
    }

    /// Starts a treatment of a call at a routing point. Answer `EventTreatmentApplied`; with
    /// `EventTreatmentNotApplied` the result is `Ok` too, because it is no `EventError`.
    fn apply_treatment(&self, dn: &str, conn: ConnId, kind: TreatmentType, parms: KvList) -> Reply<'_> {
        self.request(request::apply_treatment(dn, conn, kind, parms))
    }

    /// Appends pairs to the user data of a call. Answer `EventAttachedDataChanged`.
    fn attach_user_data(&self, dn: &str, conn: ConnId, data: KvList) -> Reply<'_> {
        self.request(request::attach_user_data(dn, conn, data))
    }

    /// Replaces or adds pairs of the user data of a call. Answer `EventAttachedDataChanged`.
    fn update_user_data(&self, dn: &str, conn: ConnId, data: KvList) -> Reply<'_> {
        self.request(request::update_user_data(dn, conn, data))
    }

    /// Removes one key of the user data of a call. Answer `EventAttachedDataChanged`.
    fn delete_pair(&self, dn: &str, conn: ConnId, key: &str) -> Reply<'_> {
        self.request(request::delete_pair(dn, conn, key))
    }

    /// Removes the user data of a call. Answer `EventAttachedDataChanged`.
    fn delete_user_data(&self, dn: &str, conn: ConnId) -> Reply<'_> {
        self.request(request::delete_user_data(dn, conn))
    }
}

impl<T: CallControl + ?Sized> CallControlExt for T {}

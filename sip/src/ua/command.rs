//! What a user of the core asks for.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::{CallKey, RegistrationKey, RequestKey};
use crate::auth::Account;
use crate::header::{HeaderName, NameAddr};
use crate::method::Method;
use crate::status::StatusCode;
use crate::transport::Destination;
use crate::uri::Uri;

/// Max-Forwards of a request that is nobody else's before. Spec: RFC 3261 §8.1.1.6
pub(crate) const MAX_FORWARDS: u8 = 70;

/// What a user of a [`UserAgent`](super::UserAgent) asks for.
///
/// A command that cannot be carried out changes nothing; the outcome is a [`CommandError`](super::CommandError).
#[derive(Clone)]
#[non_exhaustive]
pub enum UaCommand {
    /// Starts an outgoing call.
    Invite {
        /// A new key from [`CallKey::outgoing`].
        call: CallKey,
        /// The call.
        invite: Box<Invite>,
    },
    /// Answers an incoming call provisionally (180, 183, ...).
    Provisional {
        /// The call.
        call: CallKey,
        /// 101 to 199.
        status: StatusCode,
        /// Early answer.
        sdp: Option<Bytes>,
        /// More headers.
        headers: Vec<(HeaderName, String)>,
    },
    /// Answers an incoming call with 200.
    Accept {
        /// The call.
        call: CallKey,
        /// The answer, or the offer if the INVITE had none.
        sdp: Bytes,
        /// More headers.
        headers: Vec<(HeaderName, String)>,
    },
    /// Acknowledges a 200 that carried an offer, with the answer to it; for the first INVITE and re-INVITEs.
    Ack {
        /// The call.
        call: CallKey,
        /// The answer.
        sdp: Option<Bytes>,
    },
    /// Refuses an incoming call.
    Reject {
        /// The call.
        call: CallKey,
        /// 400 to 699.
        status: StatusCode,
        /// More headers.
        headers: Vec<(HeaderName, String)>,
    },
    /// Refuses an incoming call with 302 and other addresses.
    Redirect {
        /// The call.
        call: CallKey,
        /// Where to call instead, best first.
        contacts: Vec<Uri>,
    },
    /// Changes the session of an answered call; one at a time.
    Reinvite {
        /// The call.
        call: CallKey,
        /// The offer; without one the peer is asked for its offer.
        sdp: Option<Bytes>,
        /// More headers.
        headers: Vec<(HeaderName, String)>,
    },
    /// Answers the peer's re-INVITE with 200.
    AcceptReinvite {
        /// The call.
        call: CallKey,
        /// The answer, or the offer if the re-INVITE had none.
        sdp: Bytes,
    },
    /// Refuses the peer's re-INVITE; the session stays as it was.
    RejectReinvite {
        /// The call.
        call: CallKey,
        /// 400 to 699; 488 for an offer that does not suit.
        status: StatusCode,
    },
    /// Ends a call in whatever state it is: CANCEL, BYE or a final response.
    Hangup {
        /// The call.
        call: CallKey,
        /// More headers for the CANCEL or BYE, such as Reason.
        headers: Vec<(HeaderName, String)>,
    },
    /// Sends another request inside the dialog (INFO, NOTIFY, REFER, ...) of an answered call, or of an outgoing one
    /// that rings.
    InDialog {
        /// The call.
        call: CallKey,
        /// Not INVITE, ACK, CANCEL, BYE, PRACK or UPDATE.
        method: Method,
        /// More headers.
        headers: Vec<(HeaderName, String)>,
        /// Body.
        body: Option<Body>,
    },
    /// Answers a request that came as [`UaEvent::InDialog`](super::UaEvent::InDialog) or
    /// [`UaEvent::OutOfDialog`](super::UaEvent::OutOfDialog).
    Respond {
        /// The request.
        request: RequestKey,
        /// 200 to 699.
        status: StatusCode,
        /// More headers.
        headers: Vec<(HeaderName, String)>,
        /// Body.
        body: Option<Body>,
    },
    /// Registers, and stays registered until [`UaCommand::Unregister`].
    Register {
        /// A key of the user's choice; a registration with the same key is replaced.
        key: RegistrationKey,
        /// The registration.
        registration: Box<Registration>,
    },
    /// Removes a registration.
    Unregister {
        /// The registration.
        key: RegistrationKey,
    },
}

impl UaCommand {
    /// [`UaCommand::Hangup`] without headers.
    pub const fn hangup(call: CallKey) -> Self {
        Self::Hangup {
            call,
            headers: Vec::new(),
        }
    }

    /// [`UaCommand::Accept`] without headers.
    pub const fn accept(call: CallKey, sdp: Bytes) -> Self {
        Self::Accept {
            call,
            sdp,
            headers: Vec::new(),
        }
    }

    /// [`UaCommand::Reject`] without headers.
    pub const fn reject(call: CallKey, status: StatusCode) -> Self {
        Self::Reject {
            call,
            status,
            headers: Vec::new(),
        }
    }

    /// [`UaCommand::Provisional`] with 180 and nothing else.
    pub const fn ringing(call: CallKey) -> Self {
        Self::Provisional {
            call,
            status: StatusCode(180),
            sdp: None,
            headers: Vec::new(),
        }
    }

    /// [`UaCommand::Reinvite`] without headers.
    pub const fn reinvite(call: CallKey, sdp: Option<Bytes>) -> Self {
        Self::Reinvite {
            call,
            sdp,
            headers: Vec::new(),
        }
    }

    /// The call that the command speaks about.
    pub const fn call(&self) -> Option<CallKey> {
        match self {
            Self::Invite { call, .. }
            | Self::Provisional { call, .. }
            | Self::Accept { call, .. }
            | Self::Ack { call, .. }
            | Self::Reject { call, .. }
            | Self::Redirect { call, .. }
            | Self::Reinvite { call, .. }
            | Self::AcceptReinvite { call, .. }
            | Self::RejectReinvite { call, .. }
            | Self::Hangup { call, .. }
            | Self::InDialog { call, .. } => Some(*call),
            Self::Respond { .. } | Self::Register { .. } | Self::Unregister { .. } => None,
        }
    }

    /// The name and the key, for logs: never personal data.
    pub(crate) fn label(&self) -> (&'static str, u64) {
        match self {
            Self::Invite { call, .. } => ("invite", call.0),
            Self::Provisional { call, .. } => ("provisional", call.0),
            Self::Accept { call, .. } => ("accept", call.0),
            Self::Ack { call, .. } => ("ack", call.0),
            Self::Reject { call, .. } => ("reject", call.0),
            Self::Redirect { call, .. } => ("redirect", call.0),
            Self::Reinvite { call, .. } => ("reinvite", call.0),
            Self::AcceptReinvite { call, .. } => ("accept_reinvite", call.0),
            Self::RejectReinvite { call, .. } => ("reject_reinvite", call.0),
            Self::Hangup { call, .. } => ("hangup", call.0),
            Self::InDialog { call, .. } => ("in_dialog", call.0),
            Self::Respond { request, .. } => ("respond", request.0),
            Self::Register { key, .. } => ("register", key.0),
            Self::Unregister { key } => ("unregister", key.0),
        }
    }
}

impl fmt::Debug for UaCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, key) = self.label();
        write!(f, "UaCommand::{name}({key})")
    }
}

/// An outgoing call.
#[derive(Clone)]
#[non_exhaustive]
pub struct Invite {
    /// Request-URI.
    pub target: Uri,
    /// From, without tag.
    pub from: NameAddr,
    /// To; the target when absent.
    pub to: Option<NameAddr>,
    /// Next hop: the flow of a binding, or an outbound proxy. When absent, the target must be an IP address.
    pub destination: Option<Destination>,
    /// Contact; built from the local address when absent.
    pub contact: Option<Uri>,
    /// More headers, Route among them.
    pub headers: Vec<(HeaderName, String)>,
    /// The offer; without one the peer is asked for its offer and [`UaCommand::Ack`] carries the answer.
    pub sdp: Option<Bytes>,
    /// What to answer a digest challenge with.
    pub account: Option<Account>,
    /// The call is cancelled when it is not answered by then; [`UaConfig::ring_timeout`](super::UaConfig) when absent.
    pub timeout: Option<Duration>,
    /// How many elements may still pass the request on. Default 70; a back-to-back user agent that passes a call on
    /// takes what the incoming request left, less one.
    ///
    /// Spec: RFC 3261 §8.1.1.6, RFC 7332 §4
    pub max_forwards: u8,
}

impl Invite {
    /// A call to `target` from `from`, without offer.
    pub const fn new(target: Uri, from: NameAddr) -> Self {
        Self {
            target,
            from,
            to: None,
            destination: None,
            contact: None,
            headers: Vec::new(),
            sdp: None,
            account: None,
            timeout: None,
            max_forwards: MAX_FORWARDS,
        }
    }

    /// Sets [`Invite::to`].
    pub fn with_to(mut self, to: NameAddr) -> Self {
        self.to = Some(to);
        self
    }

    /// Sets [`Invite::destination`].
    pub fn with_destination(mut self, destination: impl Into<Destination>) -> Self {
        self.destination = Some(destination.into());
        self
    }

    /// Sets [`Invite::contact`].
    pub fn with_contact(mut self, contact: Uri) -> Self {
        self.contact = Some(contact);
        self
    }

    /// Adds a header.
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets [`Invite::sdp`].
    pub fn with_sdp(mut self, sdp: impl Into<Bytes>) -> Self {
        self.sdp = Some(sdp.into());
        self
    }

    /// Sets [`Invite::account`].
    pub fn with_account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// Sets [`Invite::timeout`].
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets [`Invite::max_forwards`].
    pub fn with_max_forwards(mut self, hops: u8) -> Self {
        self.max_forwards = hops;
        self
    }
}

/// A client registration.
#[derive(Clone)]
#[non_exhaustive]
pub struct Registration {
    /// Request-URI: the domain of the registrar, without user part.
    pub registrar: Uri,
    /// The address of record, in To and From.
    pub aor: NameAddr,
    /// The contact to bind; built from the local address and the user of the address of record when absent.
    pub contact: Option<Uri>,
    /// Next hop; when absent, the registrar must be an IP address.
    pub destination: Option<Destination>,
    /// Lifetime to ask for; the registrar may choose a shorter one. Default 3600 s.
    pub expires: Duration,
    /// What to answer a digest challenge with.
    pub account: Option<Account>,
}

impl Registration {
    /// A registration of `aor` at `registrar` for an hour.
    pub const fn new(registrar: Uri, aor: NameAddr) -> Self {
        Self {
            registrar,
            aor,
            contact: None,
            destination: None,
            expires: Duration::from_secs(3600),
            account: None,
        }
    }

    /// Sets [`Registration::contact`].
    pub fn with_contact(mut self, contact: Uri) -> Self {
        self.contact = Some(contact);
        self
    }

    /// Sets [`Registration::destination`].
    pub fn with_destination(mut self, destination: impl Into<Destination>) -> Self {
        self.destination = Some(destination.into());
        self
    }

    /// Sets [`Registration::expires`].
    pub fn with_expires(mut self, expires: Duration) -> Self {
        self.expires = expires;
        self
    }

    /// Sets [`Registration::account`].
    pub fn with_account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }
}

/// A message body and its type.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    /// Value of Content-Type.
    pub content_type: String,
    /// The octets.
    pub bytes: Bytes,
}

impl Body {
    /// A body.
    pub fn new(content_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self {
            content_type: content_type.into(),
            bytes: bytes.into(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({}, {} octets)", self.content_type, self.bytes.len())
    }
}

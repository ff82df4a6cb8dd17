//! Dialogs: the state two user agents share, made by an INVITE and its answer.
//!
//! Spec: RFC 3261 §12

#[cfg(test)]
mod tests;

use std::fmt;

use crate::header::{HeaderError, HeaderName, NameAddr};
use crate::message::Message;
use crate::method::Method;
use crate::transport::Destination;
use crate::uri::Uri;

/// Most entries of a route set; a message with more makes no dialog.
const MAX_ROUTES: usize = 32;

/// Names a dialog: Call-ID and both tags, seen from this side.
///
/// Spec: RFC 3261 §12
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DialogId {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The peer's tag; empty for a peer of RFC 2543.
    pub remote_tag: String,
}

impl fmt::Debug for DialogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "DialogId(local {}, remote {})",
            self.local_tag, self.remote_tag
        )
    }
}

/// Why a message makes no dialog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialogError {
    /// A header of the dialog is missing or malformed.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// No Contact with a SIP URI. Spec: RFC 3261 §12.1
    #[error("no contact")]
    NoContact,
    /// More Record-Route values than the limit.
    #[error("too many routes")]
    TooManyRoutes,
}

/// What the number of a request inside a dialog says.
///
/// Spec: RFC 3261 §12.2.2
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceCheck {
    /// Higher than all before.
    InOrder,
    /// Not higher: the request is refused with 500.
    OutOfOrder,
}

/// One dialog, early or confirmed.
#[derive(Clone)]
pub struct Dialog {
    id: DialogId,
    outgoing: bool,
    early: bool,
    local: NameAddr,
    remote: NameAddr,
    remote_target: Uri,
    routes: Vec<NameAddr>,
    local_cseq: u32,
    remote_cseq: Option<u32>,
    destination: Destination,
}

impl Dialog {
    /// The dialog that a response to our INVITE makes: early for 1xx, confirmed for 2xx.
    ///
    /// # Errors
    ///
    /// The response lacks what a dialog needs.
    ///
    /// Spec: RFC 3261 §12.1.2
    pub fn outgoing(response: &Message, destination: Destination) -> Result<Self, DialogError> {
        let (local, remote) = (response.from()?, response.to()?);
        let mut routes = record_routes(response)?;
        routes.reverse();
        Ok(Self {
            id: DialogId {
                call_id: response.call_id()?.to_owned(),
                local_tag: local.tag().unwrap_or_default().to_owned(),
                remote_tag: remote.tag().unwrap_or_default().to_owned(),
            },
            outgoing: true,
            early: response.status().is_some_and(|status| status.is_provisional()),
            remote_target: contact(response)?,
            routes,
            local_cseq: response.cseq()?.number,
            remote_cseq: None,
            destination,
            local: local.detached(),
            remote: remote.detached(),
        })
    }

    /// The dialog that our answer to an INVITE makes, with the tag we put into it; early until [`Dialog::confirm`].
    ///
    /// # Errors
    ///
    /// The INVITE lacks what a dialog needs.
    ///
    /// Spec: RFC 3261 §12.1.1
    pub fn incoming(
        request: &Message,
        local_tag: &str,
        destination: Destination,
    ) -> Result<Self, DialogError> {
        let (local, remote) = (request.to()?.with_tag(local_tag), request.from()?);
        Ok(Self {
            id: DialogId {
                call_id: request.call_id()?.to_owned(),
                local_tag: local_tag.to_owned(),
                remote_tag: remote.tag().unwrap_or_default().to_owned(),
            },
            outgoing: false,
            early: true,
            remote_target: contact(request)?,
            routes: record_routes(request)?,
            local_cseq: 0,
            remote_cseq: Some(request.cseq()?.number),
            destination,
            local: local.detached(),
            remote: remote.detached(),
        })
    }

    /// Call-ID and tags.
    pub const fn id(&self) -> &DialogId {
        &self.id
    }

    /// Whether our INVITE made it.
    pub const fn is_outgoing(&self) -> bool {
        self.outgoing
    }

    /// Whether only provisional responses made it so far.
    pub const fn is_early(&self) -> bool {
        self.early
    }

    /// Where requests inside the dialog go.
    pub const fn destination(&self) -> Destination {
        self.destination
    }

    /// Where the peer wants requests inside the dialog addressed to.
    pub const fn remote_target(&self) -> &Uri {
        &self.remote_target
    }

    /// Number of our last request.
    pub const fn local_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// Proxies between us and the peer that want to see the requests.
    pub fn routes(&self) -> &[NameAddr] {
        &self.routes
    }

    /// A 2xx was sent.
    pub const fn confirm(&mut self) {
        self.early = false;
    }

    /// Carries the numbers of the early dialog on that this one confirms.
    pub(crate) fn continue_from(&mut self, early: &Self) {
        self.local_cseq = self.local_cseq.max(early.local_cseq);
        self.remote_cseq = self.remote_cseq.max(early.remote_cseq);
    }

    /// The peer was last heard along this way.
    pub const fn bind(&mut self, destination: Destination) {
        self.destination = destination;
    }

    /// A new request inside the dialog, without Via and Contact. Numbers it, except an ACK, which takes the number of
    /// [`Dialog::ack`].
    ///
    /// Spec: RFC 3261 §12.2.1.1
    pub fn request(&mut self, method: &Method) -> Message {
        self.local_cseq = self.local_cseq.saturating_add(1);
        self.compose(method, self.local_cseq)
    }

    /// The ACK for a 2xx to the INVITE of that number, without Via.
    ///
    /// Spec: RFC 3261 §13.2.2.4
    pub fn ack(&self, invite_cseq: u32) -> Message {
        self.compose(&Method::ACK, invite_cseq)
    }

    /// Whether a request inside the dialog is in order; remembers its number if so.
    pub fn check_sequence(&mut self, number: u32) -> SequenceCheck {
        if self.remote_cseq.is_some_and(|last| number <= last) {
            return SequenceCheck::OutOfOrder;
        }
        self.remote_cseq = Some(number);
        SequenceCheck::InOrder
    }

    /// Takes the Contact of a target refresh request or of the 2xx to one.
    ///
    /// Spec: RFC 3261 §12.2.1.2, §12.2.2
    pub fn refresh_target(&mut self, message: &Message) {
        if let Ok(target) = contact(message) {
            self.remote_target = target;
        }
    }

    fn compose(&self, method: &Method, number: u32) -> Message {
        let strict = self
            .routes
            .first()
            .filter(|route| !route.uri().params().contains("lr"));
        let target = match strict {
            Some(first) => first.uri().without_headers().without_param("method"),
            None => self.remote_target.without_headers(),
        };
        let mut message = Message::request(method.clone(), &target);
        message.push_header(&HeaderName::MAX_FORWARDS, "70");
        for route in self.routes.iter().skip(usize::from(strict.is_some())) {
            message.push_header(&HeaderName::ROUTE, route.as_str());
        }
        if strict.is_some() {
            message.push_header(&HeaderName::ROUTE, format!("<{}>", self.remote_target));
        }
        message.push_header(&HeaderName::FROM, self.local.as_str());
        message.push_header(&HeaderName::TO, self.remote.as_str());
        message.push_header(&HeaderName::CALL_ID, &self.id.call_id);
        message.push_header(&HeaderName::CSEQ, format!("{number} {method}"));
        message
    }
}

impl fmt::Debug for Dialog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialog")
            .field("id", &self.id)
            .field("early", &self.early)
            .field("routes", &self.routes.len())
            .field("local_cseq", &self.local_cseq)
            .field("remote_cseq", &self.remote_cseq)
            .finish_non_exhaustive()
    }
}

fn contact(message: &Message) -> Result<Uri, DialogError> {
    let contact = message.contacts().next().ok_or(DialogError::NoContact)??;
    Some(contact.uri())
        .filter(|uri| uri.is_sip())
        .map(Uri::detached)
        .ok_or(DialogError::NoContact)
}

fn record_routes(message: &Message) -> Result<Vec<NameAddr>, DialogError> {
    let mut routes = Vec::new();
    for route in message.record_routes() {
        if routes.len() >= MAX_ROUTES {
            return Err(DialogError::TooManyRoutes);
        }
        routes.push(route?.detached());
    }
    Ok(routes)
}

//! Messages: read lazily from one buffer, built, changed and written.
//!
//! A parsed [`Message`] keeps the received buffer and a table of where its header fields are. Typed access
//! ([`Message::from`], [`Message::top_via`], ...) reads a value when it is asked for; edits touch the table only, and
//! what was not touched is written again octet by octet.

mod access;
mod build;
mod edit;
mod parse;
mod print;
mod table;
#[cfg(test)]
mod tests;
mod validate;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::header::text::Text;
use crate::method::Method;
use crate::status::StatusCode;

pub use access::{Header, Headers};
pub(crate) use parse::content_length;
pub use parse::{Limits, ParseError, ParseErrorKind};
pub use validate::{Level, Refusal, RefusalCause};

use table::Table;

/// A request or a response.
///
/// Cloning is cheap (the buffer and the table are shared until one side is changed). Debug shows neither numbers nor
/// bodies. `==` compares start line, header fields (names without case and in long form, order kept, Content-Length
/// aside) and body.
///
/// ```
/// use bytes::Bytes;
/// use sip::header::HeaderName;
/// use sip::message::{Limits, Message};
/// use sip::method::Method;
///
/// let datagram = Bytes::from_static(
///     b"OPTIONS sip:bob@example.com SIP/2.0\r\n\
///       Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2\r\n\
///       From: <sip:alice@example.com>;tag=1\r\n\
///       To: <sip:bob@example.com>\r\n\
///       i: 7@192.0.2.1\r\n\
///       CSeq: 1 OPTIONS\r\n\r\n",
/// );
/// let mut message = Message::parse(datagram, &Limits::default())?;
/// assert_eq!(message.method(), Some(&Method::OPTIONS));
/// assert_eq!(message.call_id()?, "7@192.0.2.1");
/// message.remove_first_value(&HeaderName::VIA);
/// assert_eq!(message.top_via()?.branch(), Some("z9hG4bK2"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Spec: RFC 3261 §7
#[derive(Clone)]
pub struct Message {
    /// What was received; empty for a message built here.
    buf: Bytes,
    start: StartLine,
    table: Arc<Table>,
    body: Bytes,
}

#[derive(Clone, PartialEq, Eq)]
enum StartLine {
    Request {
        method: Method,
        uri: Text,
        version: Version,
    },
    Response {
        status: StatusCode,
        reason: Bytes,
        version: Version,
    },
}

/// Text of a version other than 2.0.
#[derive(Clone, Default, PartialEq, Eq)]
struct Version(Option<Text>);

impl Version {
    fn detached(&self) -> Self {
        Self(self.0.as_ref().map(Text::detached))
    }
}

impl Message {
    /// Whether this is a request.
    pub const fn is_request(&self) -> bool {
        matches!(self.start, StartLine::Request { .. })
    }

    /// Method of a request; `None` for a response (see [`Message::cseq`]).
    pub const fn method(&self) -> Option<&Method> {
        match &self.start {
            StartLine::Request { method, .. } => Some(method),
            StartLine::Response { .. } => None,
        }
    }

    /// Whether this is a request with that method.
    pub fn is_method(&self, wanted: &Method) -> bool {
        self.method() == Some(wanted)
    }

    /// Text of the Request-URI; `None` for a response.
    pub fn request_uri_str(&self) -> Option<&str> {
        match &self.start {
            StartLine::Request { uri, .. } => Some(uri.as_str()),
            StartLine::Response { .. } => None,
        }
    }

    /// Status of a response; `None` for a request.
    pub const fn status(&self) -> Option<StatusCode> {
        match self.start {
            StartLine::Request { .. } => None,
            StartLine::Response { status, .. } => Some(status),
        }
    }

    /// Reason phrase of a response, as received; empty for a request. Octets that are not UTF-8 are replaced.
    pub fn reason(&self) -> Cow<'_, str> {
        match &self.start {
            StartLine::Request { .. } => Cow::Borrowed(""),
            StartLine::Response { reason, .. } => String::from_utf8_lossy(reason),
        }
    }

    /// Text of the protocol version: `SIP/2.0` for everything this crate speaks.
    pub fn version(&self) -> &str {
        let (StartLine::Request { version, .. } | StartLine::Response { version, .. }) = &self.start;
        version.0.as_ref().map_or("SIP/2.0", Text::as_str)
    }

    /// The body; octets after the announced length are not part of it.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Reads a message from one datagram, or from what [`StreamDecoder`](crate::codec::StreamDecoder) cut out.
    ///
    /// Only the framing is checked: start line, header lines, Content-Length, limits. [`Message::validate`] checks
    /// the values. Empty lines in front are skipped; octets behind the announced body are ignored.
    ///
    /// # Errors
    /// Where the octets break the framing or a limit.
    ///
    /// Spec: RFC 3261 §7, §18.3
    pub fn parse(datagram: Bytes, limits: &Limits) -> Result<Self, ParseError> {
        parse::parse(datagram, limits)
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        let fields = |message: &Self| -> Vec<(String, Vec<u8>)> {
            let kept = message.headers().filter(|header| !header.is_content_length());
            kept.map(|header| (header.long_name().to_ascii_lowercase(), header.value().to_vec()))
                .collect()
        };
        self.start == other.start && self.body == other.body && fields(self) == fields(other)
    }
}

impl Eq for Message {}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Message");
        match &self.start {
            StartLine::Request { method, .. } => shown.field("method", method),
            StartLine::Response { status, .. } => shown.field("status", status),
        };
        if let Ok(cseq) = self.cseq() {
            shown.field("cseq", &format_args!("{cseq}"));
        }
        shown
            .field("headers", &self.table.entries.len())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

//! New messages.

use std::sync::Arc;

use bytes::Bytes;

use super::table::Table;
use super::{Message, StartLine, Version};
use crate::header::HeaderName;
use crate::header::text::Text;
use crate::method::Method;
use crate::status::StatusCode;
use crate::uri::Uri;

impl Message {
    /// A request without header fields. Headers after `?` in the URI are left out: they have no place there.
    pub fn request(method: Method, uri: &Uri) -> Self {
        let uri = if uri.headers().is_some() {
            uri.without_headers()
        } else {
            uri.clone()
        };
        let start = StartLine::Request {
            method,
            uri: uri.as_str().into(),
            version: Version::default(),
        };
        Self {
            buf: Bytes::new(),
            start,
            table: Arc::new(Table::default()),
            body: Bytes::new(),
        }
    }

    /// A response to a request: every Via, From, To, Call-ID and CSeq as they came, Timestamp in a 100, and no body.
    /// The octets are shared with the request.
    ///
    /// Responses other than 100 need a To tag: [`Message::set_to_tag`].
    ///
    /// Spec: RFC 3261 §8.2.6.1, §8.2.6.2
    pub fn response(request: &Self, status: StatusCode) -> Self {
        const COPIED: [HeaderName; 5] = [
            HeaderName::VIA,
            HeaderName::FROM,
            HeaderName::TO,
            HeaderName::CALL_ID,
            HeaderName::CSEQ,
        ];
        let timestamp = |id| status == StatusCode::TRYING && id == HeaderName::TIMESTAMP.id();
        let copied = |id| COPIED.iter().any(|name| name.id() == id) || timestamp(id);
        let entries = request
            .table
            .entries
            .iter()
            .filter(|entry| copied(entry.id))
            .copied()
            .collect();
        let table = Table {
            entries,
            extra: request.table.extra.clone(),
        };
        let reason = Bytes::from_static(status.reason_phrase().as_bytes());
        Self {
            buf: request.buf.clone(),
            start: StartLine::Response {
                status,
                reason,
                version: Version::default(),
            },
            table: Arc::new(table),
            body: Bytes::new(),
        }
    }

    /// The same message on a buffer of its own: for long storage of one of many messages that were read into one
    /// large buffer.
    #[must_use]
    pub fn detached(&self) -> Self {
        let start = match &self.start {
            StartLine::Request { method, uri, version } => StartLine::Request {
                method: method.clone(),
                uri: uri.detached(),
                version: version.detached(),
            },
            StartLine::Response {
                status,
                reason,
                version,
            } => StartLine::Response {
                status: *status,
                reason: Bytes::copy_from_slice(reason),
                version: version.detached(),
            },
        };
        Self {
            buf: Bytes::copy_from_slice(&self.buf),
            start,
            table: Arc::clone(&self.table),
            body: Bytes::copy_from_slice(&self.body),
        }
    }

    /// Puts another phrase in the status line; nothing happens to a request. Line ends become spaces.
    pub fn set_reason(&mut self, phrase: &str) {
        if let StartLine::Response { reason, .. } = &mut self.start {
            *reason = Bytes::from(phrase.replace(['\r', '\n', '\0'], " ").into_bytes());
        }
    }

    /// Puts another URI in the request line; nothing happens to a response.
    pub fn set_request_uri(&mut self, target: &Uri) {
        if let StartLine::Request { uri, .. } = &mut self.start {
            *uri = Text::from(target.as_str());
        }
    }
}

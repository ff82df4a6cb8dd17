//! From octets to a header table.

use std::sync::Arc;

use bytes::Bytes;

use super::table::{Entry, Place, Table};
use super::{Message, StartLine, Version};
use crate::header::HeaderId;
use crate::header::scan::{is_space, is_token};
use crate::header::text::{Span, Text};
use crate::method::Method;
use crate::status::StatusCode;

/// What is read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct Limits {
    /// Whole message with body. Unit: octets; default 65 536; at most 2^31.
    pub message_bytes: usize,
    /// Header fields. Default 256.
    pub headers: usize,
    /// Request-URI. Unit: octets; default 8 192.
    pub uri_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024,
            headers: 256,
            uri_bytes: 8 * 1024,
        }
    }
}

impl Limits {
    /// The limits with another message size in octets.
    #[must_use]
    pub const fn with_message_bytes(self, message_bytes: usize) -> Self {
        Self {
            message_bytes,
            ..self
        }
    }

    /// The limits with another number of header fields.
    #[must_use]
    pub const fn with_headers(self, headers: usize) -> Self {
        Self { headers, ..self }
    }

    /// The limits with another length of the Request-URI in octets.
    #[must_use]
    pub const fn with_uri_bytes(self, uri_bytes: usize) -> Self {
        Self { uri_bytes, ..self }
    }
}

/// Which rule of framing or which limit was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// More octets than [`Limits::message_bytes`].
    #[error("message is too large")]
    TooLarge,
    /// More fields than [`Limits::headers`].
    #[error("too many header fields")]
    TooManyHeaders,
    /// Request-URI longer than [`Limits::uri_bytes`].
    #[error("request-uri is too long")]
    UriTooLong,
    /// The first line is neither a request line nor a status line.
    #[error("expected a start line")]
    StartLine,
    /// A line is no header field: no colon, or the name is no token.
    #[error("expected a header field")]
    HeaderField,
    /// The empty line after the header fields is missing.
    #[error("expected an empty line after the header fields")]
    NotTerminated,
    /// Content-Length is not a plain number, or there are two different ones.
    #[error("content-length is malformed or contradicts itself")]
    ContentLength,
    /// A message on a stream has no Content-Length.
    #[error("content-length is missing on a stream")]
    NoContentLength,
    /// Fewer octets follow than Content-Length says.
    #[error("body is shorter than content-length")]
    BodyTooShort,
}

/// Octets that are not a message.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{kind} at octet {offset}")]
pub struct ParseError {
    /// Place in the input.
    pub offset: usize,
    /// What is wrong there.
    pub kind: ParseErrorKind,
    head: Option<Box<Message>>,
}

impl ParseError {
    pub(crate) const fn new(offset: usize, kind: ParseErrorKind) -> Self {
        Self {
            offset,
            kind,
            head: None,
        }
    }

    /// The same error with the head that came before it on a stream, if that can be read.
    pub(crate) fn with_head(self, head: &[u8], limits: &Limits) -> Self {
        let message = match parse(Bytes::copy_from_slice(head), limits) {
            Ok(message) => Some(Box::new(message)),
            Err(error) => error.head,
        };
        Self {
            head: message,
            ..self
        }
    }

    /// The header fields, when they could be read and only the length of the body is wrong: enough for a request to be
    /// answered with 400 (Bad Request) without a transaction.
    ///
    /// Spec: RFC 3261 §18.3
    pub fn head(&self) -> Option<&Message> {
        self.head.as_deref()
    }
}

impl PartialEq for ParseError {
    fn eq(&self, other: &Self) -> bool {
        (self.offset, self.kind) == (other.offset, other.kind)
    }
}

impl Eq for ParseError {}

pub(super) fn parse(buf: Bytes, limits: &Limits) -> Result<Message, ParseError> {
    if buf.len() > limits.message_bytes {
        return Err(ParseError::new(limits.message_bytes, ParseErrorKind::TooLarge));
    }
    let mut at = buf
        .iter()
        .take_while(|octet| matches!(octet, b'\r' | b'\n'))
        .count();
    let start = start_line(&buf, &mut at, limits)?;
    let mut table = Table {
        entries: Vec::with_capacity(32),
        extra: Vec::new(),
    };
    let mut length = Length::default();
    while let Some(line) = next_line(&buf, &mut at)? {
        if table.entries.len() == limits.headers {
            return Err(ParseError::new(line.start, ParseErrorKind::TooManyHeaders));
        }
        let entry = field(&buf, &line, &mut table)?;
        if entry.id == HeaderId::CONTENT_LENGTH {
            length.add(table.value(&buf, &entry), line.start);
        }
        table.entries.push(entry);
    }
    let present = buf.len() - at;
    let body = buf.slice(at..at + length.value.unwrap_or(present).min(present));
    let message = Message {
        start,
        table: Arc::new(table),
        body,
        buf,
    };
    let wrong = match (length.wrong_at, length.value) {
        (Some(offset), _) => Some((offset, ParseErrorKind::ContentLength)),
        (None, Some(length)) if length > present => Some((at, ParseErrorKind::BodyTooShort)),
        _ => None,
    };
    match wrong {
        None => Ok(message),
        Some((offset, kind)) => Err(ParseError {
            offset,
            kind,
            head: Some(Box::new(message)),
        }),
    }
}

/// The announced length of the body, over all fields that announce it.
#[derive(Default)]
struct Length {
    value: Option<usize>,
    wrong_at: Option<usize>,
}

impl Length {
    fn add(&mut self, value: &[u8], offset: usize) {
        let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(value)
            .ok()
            .filter(|_| digits)
            .and_then(|text| text.parse::<u32>().ok());
        let number = number.and_then(|number| usize::try_from(number).ok());
        if number.is_none() || self.value.is_some_and(|first| Some(first) != number) {
            self.wrong_at.get_or_insert(offset);
        }
        self.value = self.value.or(number);
    }
}

/// A line with its continuation lines; `end` is before, `next` after the line end.
struct Line {
    start: usize,
    end: usize,
    next: usize,
    folded: bool,
    irregular: bool,
}

/// The next header line, or `None` after the empty line (`at` is then the start of the body).
fn next_line(buf: &[u8], at: &mut usize) -> Result<Option<Line>, ParseError> {
    let mut line = Line {
        start: *at,
        end: *at,
        next: *at,
        folded: false,
        irregular: false,
    };
    loop {
        let rest = buf.get(line.next..).unwrap_or_default();
        let found = memchr::memchr(b'\n', rest);
        let lf = line.next + found.ok_or(ParseError::new(buf.len(), ParseErrorKind::NotTerminated))?;
        let crlf = lf > line.next && buf[lf - 1] == b'\r';
        line.irregular |= !crlf;
        line.end = lf - usize::from(crlf);
        line.next = lf + 1;
        if line.end == line.start {
            *at = line.next;
            return Ok(None);
        }
        if !buf.get(line.next).is_some_and(|octet| is_space(*octet)) {
            *at = line.next;
            return Ok(Some(line));
        }
        line.folded = true;
    }
}

/// One header field; the value of a folded one is joined in `table.extra`.
fn field(buf: &Bytes, line: &Line, table: &mut Table) -> Result<Entry, ParseError> {
    let malformed = |at: usize| ParseError::new(at, ParseErrorKind::HeaderField);
    let octets = &buf[line.start..line.end];
    let colon = memchr::memchr(b':', octets).ok_or(malformed(line.start))?;
    let mut name_len = colon;
    while name_len > 0 && is_space(octets[name_len - 1]) {
        name_len -= 1;
    }
    let name = &octets[..name_len];
    let id = HeaderId::find(name);
    let stored_len = u16::try_from(name_len).map_err(|_| malformed(line.start))?;
    if id == HeaderId::OTHER && !is_token(name) {
        return Err(malformed(line.start));
    }
    let mut entry = Entry {
        id,
        line_in: Place::Buffer,
        value_in: Place::Buffer,
        irregular: line.irregular,
        name_len: stored_len,
        line: Span::new(line.start..line.next),
        value: Span::new(trimmed(buf, line.start + colon + 1, line.end)),
    };
    if line.folded {
        let start = table.extra.len();
        unfold(&buf[entry.value.range()], &mut table.extra);
        entry.value_in = Place::Extra;
        entry.value = Span::new(start..table.extra.len());
    }
    Ok(entry)
}

/// The range without white space (and line ends of folding) on both sides.
fn trimmed(buf: &[u8], mut start: usize, mut end: usize) -> std::ops::Range<usize> {
    let blank = |octet: u8| is_space(octet) || matches!(octet, b'\r' | b'\n');
    while start < end && blank(buf[start]) {
        start += 1;
    }
    while end > start && blank(buf[end - 1]) {
        end -= 1;
    }
    start..end
}

/// Every line end with the white space around it becomes one space.
///
/// Spec: RFC 3261 §7.3.1
fn unfold(value: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut lines = value.split(|octet| *octet == b'\n');
    if let Some(first) = lines.next() {
        out.extend_from_slice(first.trim_ascii_end());
    }
    for line in lines {
        let text = line.trim_ascii();
        if !text.is_empty() && out.len() > start {
            out.push(b' ');
        }
        out.extend_from_slice(text);
    }
}

fn start_line(buf: &Bytes, at: &mut usize, limits: &Limits) -> Result<StartLine, ParseError> {
    let start = *at;
    let malformed = |offset: usize| ParseError::new(offset, ParseErrorKind::StartLine);
    let lf = memchr::memchr(b'\n', &buf[start..]).ok_or(malformed(start))? + start;
    let end = lf - usize::from(lf > start && buf[lf - 1] == b'\r');
    *at = lf + 1;
    let line = &buf[start..end];
    if line
        .get(..4)
        .is_some_and(|front| front.eq_ignore_ascii_case(b"SIP/"))
    {
        return status_line(buf, start, end);
    }
    let first = memchr::memchr(b' ', line).ok_or(malformed(start))?;
    let last = memchr::memrchr(b' ', line)
        .filter(|last| *last > first)
        .ok_or(malformed(end))?;
    let method = std::str::from_utf8(&line[..first])
        .ok()
        .and_then(Method::from_name);
    let method = method.ok_or(malformed(start))?;
    if last - first > limits.uri_bytes + 1 {
        return Err(ParseError::new(start + first + 1, ParseErrorKind::UriTooLong));
    }
    let uri = &line[first + 1..last];
    if uri.is_empty() || uri.iter().any(|octet| *octet <= b' ') {
        return Err(malformed(start + first + 1));
    }
    let uri = Text::new(buf.slice(start + first + 1..start + last)).ok_or(malformed(start + first + 1))?;
    let version = version(buf, start + last + 1, end).ok_or(malformed(start + last + 1))?;
    Ok(StartLine::Request { method, uri, version })
}

fn status_line(buf: &Bytes, start: usize, end: usize) -> Result<StartLine, ParseError> {
    let malformed = |offset: usize| ParseError::new(offset, ParseErrorKind::StartLine);
    let line = &buf[start..end];
    let first = memchr::memchr(b' ', line).ok_or(malformed(start))?;
    let version = version(buf, start, start + first).ok_or(malformed(start))?;
    let code = line
        .get(first + 1..first + 4)
        .filter(|code| code.iter().all(u8::is_ascii_digit));
    let code = code.ok_or(malformed(start + first + 1))?;
    let status = code
        .iter()
        .fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    let reason_start = match line.get(first + 4) {
        None => end,
        Some(b' ') => start + first + 5,
        Some(_) => return Err(malformed(start + first + 4)),
    };
    if !(100..700).contains(&status) {
        return Err(malformed(start + first + 1));
    }
    Ok(StartLine::Response {
        status: StatusCode(status),
        reason: buf.slice(reason_start..end),
        version,
    })
}

/// `SIP/` digits `.` digits.
fn version(buf: &Bytes, start: usize, end: usize) -> Option<Version> {
    let text = buf.get(start..end)?;
    if text.eq_ignore_ascii_case(b"SIP/2.0") {
        return Some(Version(None));
    }
    let number = text
        .get(..4)
        .filter(|front| front.eq_ignore_ascii_case(b"SIP/"))
        .and(text.get(4..))?;
    let point = memchr::memchr(b'.', number)?;
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    (digits(&number[..point]) && digits(&number[point + 1..]))
        .then(|| Text::new(buf.slice(start..end)).map(|text| Version(Some(text))))?
}

/// The announced body length of a head that ends with its empty line. For streams.
pub(crate) fn content_length(head: &[u8]) -> Result<Option<usize>, ParseError> {
    let mut at = memchr::memchr(b'\n', head).map_or(head.len(), |lf| lf + 1);
    let mut length = Length::default();
    while let Some(line) = next_line(head, &mut at)? {
        let octets = &head[line.start..line.end];
        let Some(colon) = memchr::memchr(b':', octets) else {
            continue;
        };
        if HeaderId::find(octets[..colon].trim_ascii_end()) == HeaderId::CONTENT_LENGTH {
            length.add(octets[colon + 1..].trim_ascii(), line.start);
        }
    }
    match length.wrong_at {
        Some(offset) => Err(ParseError::new(offset, ParseErrorKind::ContentLength)),
        None => Ok(length.value),
    }
}

//! Framing on streams: where one message ends and the next starts.

use bytes::{Buf, BytesMut};

use crate::message::{Limits, Message, ParseError, ParseErrorKind, content_length};

/// One thing that came over a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message.
    Message(Message),
    /// Two line ends: the peer keeps the connection alive and wants [`PONG`]. Spec: RFC 5626 §4.4.1
    Ping,
    /// One line end: the answer to a ping.
    Pong,
}

/// What keeps a connection alive.
pub const PING: &[u8] = b"\r\n\r\n";

/// The answer to [`PING`].
pub const PONG: &[u8] = b"\r\n";

/// Cuts a byte stream into messages.
///
/// Feed it a buffer and take frames until `Ok(None)`, which asks for more octets. After an error the stream cannot be
/// used any more: nobody knows where the next message starts.
///
/// ```
/// use bytes::BytesMut;
/// use sip::codec::{Frame, StreamDecoder};
/// use sip::message::Limits;
///
/// let mut decoder = StreamDecoder::new(Limits::default());
/// let mut buffer = BytesMut::from("\r\n\r\nSIP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nh");
/// assert_eq!(decoder.decode(&mut buffer)?, Some(Frame::Ping));
/// assert_eq!(decoder.decode(&mut buffer)?, None);
/// buffer.extend_from_slice(b"i");
/// assert!(matches!(decoder.decode(&mut buffer)?, Some(Frame::Message(message)) if &message.body()[..] == b"hi"));
/// # Ok::<(), sip::message::ParseError>(())
/// ```
///
/// Spec: RFC 3261 §18.3, RFC 5626 §3.5.1
#[derive(Clone, Debug)]
pub struct StreamDecoder {
    limits: Limits,
    /// Octets known to hold no end of the head.
    scanned: usize,
    /// Length of the whole message, once its head is there.
    whole: Option<usize>,
    /// A lone line end was reported; another one makes it a ping.
    half_ping: bool,
}

impl StreamDecoder {
    /// A decoder at the start of a stream.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            scanned: 0,
            whole: None,
            half_ping: false,
        }
    }

    /// Takes one frame from the front of the buffer; `None` when more octets are needed.
    ///
    /// A lone line end is reported as [`Frame::Pong`] at once; when a second one follows, a [`Frame::Ping`] is
    /// reported for both.
    ///
    /// # Errors
    /// When the octets are no message, it has no or a malformed Content-Length, or it breaks a limit. If the head could
    /// be read, [`ParseError::head`] has it for a last response before the connection is closed.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, ParseError> {
        if self.whole.is_none() {
            if let Some(frame) = self.keep_alive(buffer) {
                return Ok(Some(frame));
            }
            self.whole = self.find_end(buffer)?;
        }
        match self.whole {
            Some(whole) if buffer.len() >= whole => {
                (self.whole, self.scanned, self.half_ping) = (None, 0, false);
                Message::parse(buffer.split_to(whole).freeze(), &self.limits)
                    .map(Frame::Message)
                    .map(Some)
            }
            _ => Ok(None),
        }
    }

    fn keep_alive(&mut self, buffer: &mut BytesMut) -> Option<Frame> {
        if buffer.starts_with(PING) {
            buffer.advance(PING.len());
            (self.half_ping, self.scanned) = (false, 0);
            return Some(Frame::Ping);
        }
        // A third octet `\r` may be half of a second line end: wait for it.
        if buffer.starts_with(PONG) && &buffer[2..] != b"\r" {
            buffer.advance(PONG.len());
            self.scanned = 0;
            let frame = if self.half_ping { Frame::Ping } else { Frame::Pong };
            self.half_ping = !self.half_ping;
            return Some(frame);
        }
        None
    }

    /// Length of the whole message, when its head is complete.
    fn find_end(&mut self, buffer: &[u8]) -> Result<Option<usize>, ParseError> {
        let from = self.scanned.saturating_sub(3);
        let Some(found) = memchr::memmem::find(&buffer[from..], PING) else {
            self.scanned = buffer.len();
            if buffer.len() > self.limits.message_bytes {
                return Err(ParseError::new(
                    self.limits.message_bytes,
                    ParseErrorKind::TooLarge,
                ));
            }
            return Ok(None);
        };
        let head = from + found + PING.len();
        self.announced(&buffer[..head])
            .map(Some)
            .map_err(|error| error.with_head(&buffer[..head], &self.limits))
    }

    /// Length of the message with that head.
    fn announced(&self, head: &[u8]) -> Result<usize, ParseError> {
        let length = content_length(head)?;
        let length = length.ok_or(ParseError::new(head.len(), ParseErrorKind::NoContentLength))?;
        let whole = head.len().saturating_add(length);
        if whole > self.limits.message_bytes {
            return Err(ParseError::new(head.len(), ParseErrorKind::TooLarge));
        }
        Ok(whole)
    }
}

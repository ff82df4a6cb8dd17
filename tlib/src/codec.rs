//! Messages ⇄ bytes: the seam [`WireCodec`] and our own documented format [`Tlx1`].

use std::fmt;

use bytes::BytesMut;

use crate::id::ReferenceId;
use crate::message::Message;

#[cfg(feature = "testing")]
pub mod contract;
mod packed;
mod tlx;

pub use tlx::Tlx1;

/// One wire format of T-Library messages.
///
/// A codec keeps no state between frames, so that one value serves every connection and several codecs can
/// listen on one port ([`WireCodec::probe`]). Sequence numbers are counted by the connection.
pub trait WireCodec: fmt::Debug + Send + Sync + 'static {
    /// Short name for logs and metrics, for example `tlx/1`.
    fn name(&self) -> &'static str;

    /// Whether a connection that starts with these bytes speaks this format.
    fn probe(&self, first: &[u8]) -> Probe;

    /// Appends one frame to `output`; on an error `output` is as it was.
    ///
    /// `AttributeReferenceID` belongs to the frame, not to the message body: `head.reference` wins over an
    /// attribute in `message`, so that one message goes to several receivers with different references.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if the message passes a limit or cannot be written in this format.
    fn encode(&self, head: FrameHead, message: &Message, output: &mut BytesMut) -> Result<(), EncodeError>;

    /// Writes another head over that of one whole frame that this codec encoded; `false`, and nothing written, if
    /// the format cannot do that in place. Then `frame` is what [`WireCodec::encode`] makes of the same message
    /// with this head; here `head.reference` is all there is, the message's own is not looked at.
    ///
    /// A server encodes an event once for all its receivers with it. Without it (the default answers `false`)
    /// the event is encoded for each of them.
    fn readdress(&self, head: FrameHead, frame: &mut [u8]) -> bool {
        let _ = (head, frame);
        false
    }

    /// Takes one frame from the front of `input`, which stays untouched if there is none or it is malformed.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] with the offset of the first wrong byte. The stream cannot be used after it.
    fn decode(&self, input: &mut BytesMut) -> Result<Decoded, DecodeError>;
}

/// Answer of [`WireCodec::probe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth answer")]
pub enum Probe {
    /// It does.
    Match,
    /// It does not.
    NoMatch,
    /// Too few bytes to tell.
    NeedMore,
}

/// What a frame carries besides the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameHead {
    /// Reference id; `None` takes the one from the message, if it has one.
    pub reference: Option<ReferenceId>,
    /// Number of the frame in its direction: 1, 2, 3, ...; 0 if the sender does not count.
    pub sequence: u64,
}

/// A decoded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Reference id and sequence.
    pub head: FrameHead,
    /// The message; `AttributeReferenceID` stands first if the frame carried one.
    pub message: Message,
}

/// Outcome of [`WireCodec::decode`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a frame is complete or it is not")]
pub enum Decoded {
    /// A frame was taken from the input.
    Frame(Frame),
    /// The frame at the front is not complete.
    Incomplete {
        /// At least this many bytes more are needed; never 0.
        needed: usize,
    },
}

/// Bounds of one frame. Both directions keep them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct FrameLimits {
    /// Size of a frame with its head. Unit bytes; default 1 MiB; range 64 bytes to 16 MiB. A connection
    /// buffers at most one frame plus one read.
    pub frame_bytes: usize,
    /// Attributes of a message. Default 1024; range 1 to 65535.
    pub attributes: usize,
    /// Depth of nested key-value lists; a list without lists has depth 1. Default 16; range 1 to 64.
    pub kv_depth: usize,
    /// Pairs of all key-value lists of a message together. Default 16384; range 1 to 1048576.
    pub kv_pairs: usize,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self {
            frame_bytes: 1 << 20,
            attributes: 1024,
            kv_depth: 16,
            kv_pairs: 16_384,
        }
    }
}

impl FrameLimits {
    /// Sets [`FrameLimits::frame_bytes`]; values outside the range are moved into it.
    #[must_use]
    pub fn with_frame_bytes(mut self, bytes: usize) -> Self {
        self.frame_bytes = bytes;
        self.clamped()
    }

    /// Sets [`FrameLimits::attributes`]; values outside the range are moved into it.
    #[must_use]
    pub fn with_attributes(mut self, count: usize) -> Self {
        self.attributes = count;
        self.clamped()
    }

    /// Sets [`FrameLimits::kv_depth`]; values outside the range are moved into it.
    #[must_use]
    pub fn with_kv_depth(mut self, depth: usize) -> Self {
        self.kv_depth = depth;
        self.clamped()
    }

    /// Sets [`FrameLimits::kv_pairs`]; values outside the range are moved into it.
    #[must_use]
    pub fn with_kv_pairs(mut self, count: usize) -> Self {
        self.kv_pairs = count;
        self.clamped()
    }

    /// Every field inside its range.
    fn clamped(self) -> Self {
        Self {
            frame_bytes: self.frame_bytes.clamp(64, 16 << 20),
            attributes: self.attributes.clamp(1, 65_535),
            kv_depth: self.kv_depth.clamp(1, 64),
            kv_pairs: self.kv_pairs.clamp(1, 1 << 20),
        }
    }
}

/// Why a frame could not be read; offsets count from the first byte of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset} of the frame")]
#[non_exhaustive]
pub struct DecodeError {
    /// Where.
    pub offset: usize,
    /// What.
    pub kind: DecodeErrorKind,
}

/// What was wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The frame does not start as this format does.
    #[error("no frame of this format starts here")]
    Magic,
    /// A version of the format that this codec does not know.
    #[error("unknown version {found}")]
    Version {
        /// The version.
        found: u8,
    },
    /// A flag that this version reserves is set.
    #[error("reserved flags {found:#06x}")]
    Flags {
        /// All flags.
        found: u16,
    },
    /// The frame is larger than [`FrameLimits::frame_bytes`].
    #[error("frame of {size} bytes passes the limit of {limit}")]
    FrameTooLarge {
        /// Announced size with the head.
        size: u64,
        /// The limit.
        limit: usize,
    },
    /// More than [`FrameLimits::attributes`].
    #[error("more than {limit} attributes")]
    TooManyAttributes {
        /// The limit.
        limit: usize,
    },
    /// Deeper than [`FrameLimits::kv_depth`].
    #[error("key-value lists nest deeper than {limit}")]
    KvTooDeep {
        /// The limit.
        limit: usize,
    },
    /// More than [`FrameLimits::kv_pairs`].
    #[error("more than {limit} key-value pairs")]
    TooManyKvPairs {
        /// The limit.
        limit: usize,
    },
    /// A length points past the end of what contains it.
    #[error("{needed} bytes expected, {left} left")]
    Truncated {
        /// Bytes that the field needs.
        needed: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// A value does not have the length that its class or kind demands.
    #[error("length {found} where {expected} is demanded")]
    Length {
        /// The length.
        found: usize,
        /// What it should be.
        expected: usize,
    },
    /// Bytes after the end of a key-value list.
    #[error("{count} bytes after the end of the list")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// Text that is not UTF-8 or contains NUL.
    #[error("text is not NUL-free UTF-8")]
    Text,
    /// `AttributeReferenceID` among the attributes; it belongs into the head.
    #[error("reference id outside the head")]
    ReferenceInBody,
    /// The frame's sequence number does not follow the one before.
    #[error("sequence {found} where {expected} was due")]
    Sequence {
        /// Number that came.
        found: u64,
        /// Number that was due.
        expected: u64,
    },
}

/// Why a message could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The frame would be larger than [`FrameLimits::frame_bytes`].
    #[error("frame of {size} bytes passes the limit of {limit}")]
    FrameTooLarge {
        /// Size with the head.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// More than [`FrameLimits::attributes`].
    #[error("more than {limit} attributes")]
    TooManyAttributes {
        /// The limit.
        limit: usize,
    },
    /// Deeper than [`FrameLimits::kv_depth`].
    #[error("key-value lists nest deeper than {limit}")]
    KvTooDeep {
        /// The limit.
        limit: usize,
    },
    /// More than [`FrameLimits::kv_pairs`], or more than 65,535 in one list.
    #[error("more than {limit} key-value pairs")]
    TooManyKvPairs {
        /// The limit.
        limit: usize,
    },
    /// A key longer than 65,535 bytes.
    #[error("key of {size} bytes passes the limit of 65535")]
    KeyTooLong {
        /// Its size.
        size: usize,
    },
    /// Text or a key contains NUL.
    #[error("text contains NUL")]
    NulInText,
    /// `AttributeReferenceID` is not an integer, or is there twice.
    #[error("the reference id is not one integer")]
    ReferenceId,
    /// `Value::Unknown` or `KvValue::Unknown` with a class or kind that is known, or too large.
    #[error("class {class} is not an unknown one")]
    ReservedClass {
        /// The class or kind.
        class: u8,
    },
}

#[cfg(test)]
mod tests;

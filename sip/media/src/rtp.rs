//! RTP packets, and the two ends of one RTP stream.
//!
//! [`Packet`] reads and writes one packet; [`Sender`] numbers the packets of our stream; [`Receiver`] keeps the
//! account of the peer's stream; [`Source`] tells the peer's packets from those of others.
//!
//! Spec: RFC 3550 §5, §6.4, A.1, A.3, A.8

mod latch;
mod receiver;
mod sender;
#[cfg(test)]
mod tests;

pub use latch::{LatchPolicy, Source, SourceVerdict};
pub use receiver::{Receiver, ReceiverStats, Sequence};
pub use sender::Sender;

use thiserror::Error;

/// Length of the fixed header.
pub const HEADER_LEN: usize = 12;

/// Why a datagram is not an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RtpError {
    /// Fewer octets than the part at `offset` needs.
    #[error("truncated at offset {offset}: {expected} octets expected")]
    Truncated {
        /// Where the missing part begins.
        offset: usize,
        /// How many octets that part has.
        expected: usize,
    },
    /// The version is not 2.
    #[error("version {0} at offset 0, expected 2")]
    Version(u8),
    /// The padding count is zero or larger than the payload.
    #[error("padding of {0} octets does not fit")]
    Padding(u8),
    /// An RTCP packet on the RTP port.
    ///
    /// Spec: RFC 5761 §4
    #[error("payload type {0} is the range of rtcp")]
    Rtcp(u8),
    /// More than 15 contributing sources, or an extension longer than its count can say.
    #[error("{0} does not fit the header")]
    TooLong(&'static str),
}

/// One RTP packet, borrowed from its datagram.
///
/// Unknown payload types and extensions are kept as they came.
///
/// Spec: RFC 3550 §5.1
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "the header is fixed by the protocol")]
pub struct Packet<'a> {
    /// Marker: first packet of a talk spurt or of a telephone event.
    pub marker: bool,
    /// Payload type, 0-127.
    pub payload_type: u8,
    /// Sequence number; wraps.
    pub sequence: u16,
    /// Sampling instant of the first sample, in samples; wraps.
    pub timestamp: u32,
    /// Synchronization source.
    pub ssrc: u32,
    /// Contributing sources, four octets each, at most 15.
    pub csrc: &'a [u8],
    /// Header extension.
    pub extension: Option<Extension<'a>>,
    /// Payload without padding.
    pub payload: &'a [u8],
}

/// The header extension of a packet.
///
/// Spec: RFC 3550 §5.3.1
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the header is fixed by the protocol")]
pub struct Extension<'a> {
    /// Defined by the profile; 0xBEDE for RFC 8285 one-byte headers.
    pub profile: u16,
    /// The data; a multiple of four octets.
    pub data: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// [`RtpError`]: what is wrong, and where.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, RtpError> {
        let header = datagram.get(..HEADER_LEN).ok_or(RtpError::Truncated {
            offset: 0,
            expected: HEADER_LEN,
        })?;
        if header[0] >> 6 != 2 {
            return Err(RtpError::Version(header[0] >> 6));
        }
        // RTCP packet types 192-223 fall on payload types 64-95 with the marker set.
        if (192..=223).contains(&header[1]) {
            return Err(RtpError::Rtcp(header[1]));
        }
        let csrc_len = usize::from(header[0] & 0x0F) * 4;
        let mut offset = HEADER_LEN;
        let csrc = part(datagram, &mut offset, csrc_len)?;
        let extension = if header[0] & 0x10 == 0 {
            None
        } else {
            let head = part(datagram, &mut offset, 4)?;
            let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
            Some(Extension {
                profile: u16::from_be_bytes([head[0], head[1]]),
                data: part(datagram, &mut offset, words * 4)?,
            })
        };
        let mut payload = &datagram[offset..];
        if header[0] & 0x20 != 0 {
            let count = payload.last().copied().unwrap_or(0);
            match payload.len().checked_sub(usize::from(count)) {
                Some(len) if count > 0 => payload = &payload[..len],
                _ => return Err(RtpError::Padding(count)),
            }
        }
        Ok(Packet {
            marker: header[1] & 0x80 != 0,
            payload_type: header[1] & 0x7F,
            sequence: u16::from_be_bytes([header[2], header[3]]),
            timestamp: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            ssrc: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
            csrc,
            extension,
            payload,
        })
    }

    /// Appends the packet to a buffer, without padding.
    ///
    /// # Errors
    /// [`RtpError::TooLong`] if contributing sources or extension are longer than the header can say, or no multiple
    /// of four octets; the buffer is left as it was.
    pub fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RtpError> {
        if self.csrc.len() > 60 || !self.csrc.len().is_multiple_of(4) {
            return Err(RtpError::TooLong("csrc"));
        }
        let words = match &self.extension {
            Some(extension) if !extension.data.len().is_multiple_of(4) => {
                return Err(RtpError::TooLong("extension"));
            }
            Some(extension) => {
                Some(u16::try_from(extension.data.len() / 4).map_err(|_| RtpError::TooLong("extension"))?)
            }
            None => None,
        };
        out.reserve(HEADER_LEN + self.csrc.len() + self.payload.len());
        let extension_bit = if self.extension.is_some() { 0x10 } else { 0 };
        out.push(0x80 | extension_bit | (self.csrc.len() / 4) as u8);
        out.push(u8::from(self.marker) << 7 | (self.payload_type & 0x7F));
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(self.csrc);
        if let (Some(extension), Some(words)) = (&self.extension, words) {
            out.extend_from_slice(&extension.profile.to_be_bytes());
            out.extend_from_slice(&words.to_be_bytes());
            out.extend_from_slice(extension.data);
        }
        out.extend_from_slice(self.payload);
        Ok(())
    }

    /// The contributing sources.
    pub fn contributors(&self) -> impl Iterator<Item = u32> + 'a {
        self.csrc
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]))
    }
}

impl std::fmt::Debug for Packet<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packet")
            .field("marker", &self.marker)
            .field("payload_type", &self.payload_type)
            .field("sequence", &self.sequence)
            .field("timestamp", &self.timestamp)
            .field("ssrc", &format_args!("{:08x}", self.ssrc))
            .field("payload_len", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// True if a datagram on a multiplexed port is RTCP.
///
/// Spec: RFC 5761 §4
pub fn is_rtcp(datagram: &[u8]) -> bool {
    datagram.len() >= 2 && datagram[0] >> 6 == 2 && (192..=223).contains(&datagram[1])
}

fn part<'a>(datagram: &'a [u8], offset: &mut usize, len: usize) -> Result<&'a [u8], RtpError> {
    let part = datagram.get(*offset..*offset + len).ok_or(RtpError::Truncated {
        offset: *offset,
        expected: len,
    })?;
    *offset += len;
    Ok(part)
}

//! Numbering of the packets we send.

use super::{Packet, RtpError};
use crate::random::Random;

/// The sending end of one stream: sequence, timestamp origin, SSRC, counts.
///
/// The timestamp of a packet is the origin plus the stream's media time, so a skipped packet leaves the gap that the
/// receiver needs to see.
///
/// Spec: RFC 3550 §5.1
#[derive(Debug, Clone)]
pub struct Sender {
    ssrc: u32,
    sequence: u16,
    origin: u32,
    last_timestamp: u32,
    packets: u64,
    octets: u64,
}

impl Sender {
    /// A stream with random identity, sequence and timestamp origin.
    pub fn new(random: &mut Random) -> Self {
        let origin = random.next_u32();
        Sender {
            ssrc: random.next_u32(),
            sequence: random.next_u32() as u16,
            origin,
            last_timestamp: origin,
            packets: 0,
            octets: 0,
        }
    }

    /// Our synchronization source.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Packets sent.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Payload octets sent.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// The timestamp of a point of media time, in samples since the stream began.
    pub fn timestamp_at(&self, media_time: u64) -> u32 {
        // Truncation is the wrap that the protocol wants.
        self.origin.wrapping_add(media_time as u32)
    }

    /// Timestamp of the packet sent last.
    pub fn last_timestamp(&self) -> u32 {
        self.last_timestamp
    }

    /// Writes the next packet into `out`, which is cleared first.
    ///
    /// # Errors
    /// None in practice: the packet has neither contributors nor extension.
    pub fn write(
        &mut self,
        media_time: u64,
        payload_type: u8,
        marker: bool,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), RtpError> {
        out.clear();
        let timestamp = self.timestamp_at(media_time);
        Packet {
            marker,
            payload_type,
            sequence: self.sequence,
            timestamp,
            ssrc: self.ssrc,
            payload,
            ..Packet::default()
        }
        .write_to(out)?;
        self.sequence = self.sequence.wrapping_add(1);
        self.last_timestamp = timestamp;
        self.packets += 1;
        self.octets += payload.len() as u64;
        Ok(())
    }

    /// Takes a new SSRC after a collision.
    ///
    /// Spec: RFC 3550 §8.2
    pub fn change_ssrc(&mut self, random: &mut Random) {
        self.ssrc = random.next_u32();
    }
}

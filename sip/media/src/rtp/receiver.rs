//! The account of the packets we receive: order, loss, jitter.

use std::time::Instant;

use super::Packet;
use crate::audio::SAMPLE_RATE;

/// A jump of fewer numbers than this is loss, a larger one a restart.
const MAX_DROPOUT: u16 = 3_000;
/// A packet at most this many numbers late is reordering.
const MAX_MISORDER: u16 = 100;
const SEQUENCE_MODULUS: u32 = 1 << 16;

/// What the sequence number says about a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sequence {
    /// First packet of a stream: of the first one, after a new SSRC, or after a restart of the peer.
    First,
    /// In order; numbers may be missing before it.
    Next {
        /// How many numbers were skipped.
        skipped: u16,
    },
    /// Behind a packet that has come already.
    Late,
    /// The same number as the one before.
    Duplicate,
    /// Out of range by far; dropped until a second one follows it.
    Jump,
}

/// Counters of a received stream. All but `jitter` restart with a new SSRC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReceiverStats {
    /// Packets counted, duplicates and late ones included.
    pub packets: u64,
    /// Payload octets.
    pub octets: u64,
    /// Packets expected less received; negative with many duplicates.
    pub lost: i64,
    /// Packets that came behind a later one.
    pub late: u64,
    /// Packets with the number of the one before.
    pub duplicates: u64,
    /// Interarrival jitter, in samples.
    pub jitter: u32,
    /// Times the peer changed its SSRC or restarted its numbers.
    pub restarts: u64,
}

/// The receiving end of one stream.
///
/// Probation is light: signaling has announced the stream, so its first packet counts. Jumps still need a second
/// packet in sequence before they are believed.
///
/// Spec: RFC 3550 A.1, A.3, A.8
#[derive(Debug, Clone, Default)]
pub struct Receiver {
    stream: Option<Stream>,
    restarts: u64,
}

#[derive(Debug, Clone)]
struct Stream {
    ssrc: u32,
    base: u16,
    highest: u16,
    cycles: u32,
    bad: Option<u16>,
    received: u64,
    octets: u64,
    late: u64,
    duplicates: u64,
    expected_prior: u64,
    received_prior: u64,
    transit: Option<Transit>,
    /// Sixteen times the estimate, as A.8 keeps it.
    jitter: u32,
}

#[derive(Debug, Clone, Copy)]
struct Transit {
    arrival: Instant,
    timestamp: u32,
}

impl Receiver {
    /// Nothing received yet.
    pub fn new() -> Self {
        Receiver::default()
    }

    /// Counts a packet and says how it stands in the sequence.
    ///
    /// `timed` packets move the jitter; packets of a telephone event repeat their timestamp and must not.
    pub fn receive(&mut self, now: Instant, packet: &Packet<'_>, timed: bool) -> Sequence {
        let known = self.stream.as_mut().filter(|stream| stream.ssrc == packet.ssrc);
        let sequence = match known {
            Some(stream) => stream.update(packet.sequence),
            None => Sequence::First,
        };
        if sequence == Sequence::First {
            if self.stream.is_some() {
                self.restarts += 1;
            }
            self.stream = Some(Stream::new(packet));
        }
        if let Some(stream) = self.stream.as_mut().filter(|_| sequence != Sequence::Jump) {
            stream.received += 1;
            stream.octets += packet.payload.len() as u64;
            if timed && !matches!(sequence, Sequence::Duplicate) {
                stream.update_jitter(now, packet.timestamp);
            }
        }
        sequence
    }

    /// The peer's synchronization source.
    pub fn ssrc(&self) -> Option<u32> {
        self.stream.as_ref().map(|stream| stream.ssrc)
    }

    /// Highest sequence number with its cycles, for a report.
    pub fn extended_highest(&self) -> u32 {
        self.stream
            .as_ref()
            .map_or(0, |stream| stream.cycles.wrapping_add(u32::from(stream.highest)))
    }

    /// The counters.
    pub fn stats(&self) -> ReceiverStats {
        let mut stats = ReceiverStats {
            restarts: self.restarts,
            ..ReceiverStats::default()
        };
        if let Some(stream) = &self.stream {
            stats.packets = stream.received;
            stats.octets = stream.octets;
            stats.lost = stream.expected() as i64 - stream.received as i64;
            stats.late = stream.late;
            stats.duplicates = stream.duplicates;
            stats.jitter = stream.jitter >> 4;
        }
        stats
    }

    /// The share lost since the last call, in 1/256, as a report block carries it.
    ///
    /// Spec: RFC 3550 A.3
    pub fn take_fraction_lost(&mut self) -> u8 {
        let Some(stream) = &mut self.stream else { return 0 };
        let expected = stream.expected();
        let interval_expected = expected.saturating_sub(stream.expected_prior);
        let interval_received = stream.received - stream.received_prior;
        stream.expected_prior = expected;
        stream.received_prior = stream.received;
        let lost = interval_expected.saturating_sub(interval_received);
        (lost * 256)
            .checked_div(interval_expected)
            .map_or(0, |share| share.min(255) as u8)
    }
}

impl Stream {
    fn new(packet: &Packet<'_>) -> Self {
        Stream {
            ssrc: packet.ssrc,
            base: packet.sequence,
            highest: packet.sequence,
            cycles: 0,
            bad: None,
            received: 0,
            octets: 0,
            late: 0,
            duplicates: 0,
            expected_prior: 0,
            received_prior: 0,
            transit: None,
            jitter: 0,
        }
    }

    fn update(&mut self, sequence: u16) -> Sequence {
        let delta = sequence.wrapping_sub(self.highest);
        if delta == 0 {
            self.duplicates += 1;
            return Sequence::Duplicate;
        }
        if delta < MAX_DROPOUT {
            if sequence < self.highest {
                self.cycles = self.cycles.wrapping_add(SEQUENCE_MODULUS);
            }
            self.highest = sequence;
            self.bad = None;
            return Sequence::Next { skipped: delta - 1 };
        }
        if delta > u16::MAX - MAX_MISORDER {
            self.late += 1;
            return Sequence::Late;
        }
        if self.bad == Some(sequence) {
            return Sequence::First;
        }
        self.bad = Some(sequence.wrapping_add(1));
        Sequence::Jump
    }

    fn expected(&self) -> u64 {
        let extended = u64::from(self.cycles) + u64::from(self.highest);
        extended.saturating_sub(u64::from(self.base)) + 1
    }

    /// J += (|D| - J) / 16, in integers.
    fn update_jitter(&mut self, now: Instant, timestamp: u32) {
        if let Some(last) = self.transit {
            let arrived = now.saturating_duration_since(last.arrival).as_micros();
            let arrived = (arrived * u128::from(SAMPLE_RATE) / 1_000_000).min(1 << 30) as i64;
            let sent = i64::from(timestamp.wrapping_sub(last.timestamp) as i32);
            // A second and more is a pause of the source, not jitter.
            let difference = (arrived - sent).unsigned_abs().min(u64::from(SAMPLE_RATE)) as u32;
            self.jitter = (self.jitter + difference).saturating_sub((self.jitter + 8) >> 4);
        }
        self.transit = Some(Transit {
            arrival: now,
            timestamp,
        });
    }
}

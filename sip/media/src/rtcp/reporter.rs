//! When a stream reports, and what it says.

use std::time::{Duration, Instant};

use super::{CanonicalName, Compound, ReportBlock, RtcpPacket, SenderInfo};
use crate::random::Random;
use crate::rtp::{Receiver, Sender};

/// Mean time between reports of a stream with two members.
///
/// Spec: RFC 3550 §6.2 (minimum interval)
const INTERVAL: Duration = Duration::from_secs(5);

/// What the peer's last report said of our stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PeerReport {
    /// Reports received.
    pub reports: u64,
    /// Lost since the peer's previous report, in 1/256.
    pub fraction_lost: u8,
    /// Lost in all.
    pub lost: i32,
    /// Jitter in samples.
    pub jitter: u32,
    /// Time there and back, if the peer has seen a report of ours.
    pub round_trip: Option<Duration>,
}

/// The reports of one stream: due 2.5 s after it began, then every 5 s, each time 0.5 to 1.5 of that.
///
/// With two members the interval of RFC 3550 never grows beyond its minimum, so members are not counted. NTP times
/// are times since the stream began, as §6.4.1 allows.
///
/// Spec: RFC 3550 §6.2, §6.3, §6.4
#[derive(Debug, Clone)]
pub struct Reporter {
    start: Instant,
    due: Instant,
    cname: String,
    packets_at_report: u64,
    /// Middle bits of the peer's last sender report, and when it came.
    last_sr: Option<(u32, Instant)>,
    peer: PeerReport,
    peer_left: bool,
}

impl Reporter {
    /// A stream that begins now. The canonical name is cut at 255 octets when it is written; it should name no person.
    pub fn new(now: Instant, cname: String, random: &mut Random) -> Self {
        Reporter {
            start: now,
            due: now + jittered(INTERVAL / 2, random),
            cname,
            packets_at_report: 0,
            last_sr: None,
            peer: PeerReport::default(),
            peer_left: false,
        }
    }

    /// When [`report`](Self::report) is to be called.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// What the peer says of our stream.
    pub fn peer(&self) -> PeerReport {
        self.peer
    }

    /// True once the peer has sent BYE; it may still come back with a new stream.
    pub fn peer_left(&self) -> bool {
        self.peer_left
    }

    /// The report that is due now; sets the next one's time.
    pub fn report(
        &mut self,
        now: Instant,
        sender: &Sender,
        media_time: u64,
        receiver: &mut Receiver,
        random: &mut Random,
    ) -> Compound {
        self.due = now + jittered(INTERVAL, random);
        let compound = self.compound(now, sender, media_time, receiver);
        self.packets_at_report = sender.packets();
        compound
    }

    /// The farewell: a report and BYE.
    ///
    /// Spec: RFC 3550 §6.6
    pub fn goodbye(
        &mut self,
        now: Instant,
        sender: &Sender,
        media_time: u64,
        receiver: &mut Receiver,
    ) -> Compound {
        let mut compound = self.compound(now, sender, media_time, receiver);
        compound.packets.push(RtcpPacket::Bye {
            sources: vec![sender.ssrc()],
        });
        compound
    }

    /// Takes the peer's report.
    pub fn receive(&mut self, now: Instant, our_ssrc: u32, compound: &Compound) {
        for packet in &compound.packets {
            match packet {
                RtcpPacket::SenderReport { sender, reports, .. } => {
                    self.last_sr = Some(((sender.ntp >> 16) as u32, now));
                    self.take_blocks(now, our_ssrc, reports);
                }
                RtcpPacket::ReceiverReport { reports, .. } => self.take_blocks(now, our_ssrc, reports),
                RtcpPacket::Bye { .. } => self.peer_left = true,
                RtcpPacket::SourceDescription(_) | RtcpPacket::Other { .. } => {}
            }
        }
    }

    fn compound(&self, now: Instant, sender: &Sender, media_time: u64, receiver: &mut Receiver) -> Compound {
        let reports = self.blocks(now, receiver);
        let ssrc = sender.ssrc();
        let report = if sender.packets() > self.packets_at_report {
            let info = SenderInfo {
                ntp: self.ntp(now),
                timestamp: sender.timestamp_at(media_time),
                packets: sender.packets() as u32,
                octets: sender.octets() as u32,
            };
            RtcpPacket::SenderReport {
                ssrc,
                sender: info,
                reports,
            }
        } else {
            RtcpPacket::ReceiverReport { ssrc, reports }
        };
        let name = CanonicalName {
            ssrc,
            name: self.cname.clone(),
        };
        Compound {
            packets: vec![report, RtcpPacket::SourceDescription(vec![name])],
        }
    }

    fn blocks(&self, now: Instant, receiver: &mut Receiver) -> Vec<ReportBlock> {
        let Some(ssrc) = receiver.ssrc() else {
            return Vec::new();
        };
        let stats = receiver.stats();
        let (last_sr, delay) = self.last_sr.map_or((0, 0), |(middle, at)| {
            let delay = now.saturating_duration_since(at).as_micros() * 65_536 / 1_000_000;
            (middle, u32::try_from(delay).unwrap_or(u32::MAX))
        });
        vec![ReportBlock {
            ssrc,
            fraction_lost: receiver.take_fraction_lost(),
            lost: stats.lost.clamp(-0x80_0000, 0x7F_FFFF) as i32,
            highest: receiver.extended_highest(),
            jitter: stats.jitter,
            last_sr,
            delay,
        }]
    }

    fn take_blocks(&mut self, now: Instant, our_ssrc: u32, blocks: &[ReportBlock]) {
        for block in blocks.iter().filter(|block| block.ssrc == our_ssrc) {
            let arrived = (self.ntp(now) >> 16) as u32;
            let travelled = arrived.wrapping_sub(block.last_sr).wrapping_sub(block.delay);
            // Above half the range the difference is negative: the peer's delay is wrong.
            let plausible = block.last_sr != 0 && travelled < 1 << 31;
            self.peer = PeerReport {
                reports: self.peer.reports + 1,
                fraction_lost: block.fraction_lost,
                lost: block.lost,
                jitter: block.jitter,
                round_trip: plausible
                    .then(|| Duration::from_micros(u64::from(travelled) * 1_000_000 / 65_536)),
            };
        }
    }

    /// Time since the stream began plus one second, so that it is never the zero that means "none".
    fn ntp(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.start) + Duration::from_secs(1);
        let fraction = (u64::from(elapsed.subsec_nanos()) << 32) / 1_000_000_000;
        elapsed.as_secs() << 32 | fraction
    }
}

/// 0.5 to 1.5 times the mean.
fn jittered(mean: Duration, random: &mut Random) -> Duration {
    mean / 2 + mean * random.below(1_000) / 1_000
}

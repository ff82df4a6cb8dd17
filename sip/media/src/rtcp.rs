//! RTCP: compound packets, and the reports of one stream.
//!
//! [`Compound::parse`] reads a datagram into its packets; [`write()`] prints them; [`Reporter`] decides when a stream
//! reports and what.
//!
//! Spec: RFC 3550 §6; RFC 5761 for the shared port

mod reporter;
#[cfg(test)]
mod tests;

pub use reporter::{PeerReport, Reporter};

use thiserror::Error;

/// Most packets read from one datagram.
pub const MAX_PACKETS: usize = 32;

const SR: u8 = 200;
const RR: u8 = 201;
const SDES: u8 = 202;
const BYE: u8 = 203;
/// Item type of the canonical name in a source description.
const CNAME: u8 = 1;

/// Why a datagram is not a compound RTCP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RtcpError {
    /// Fewer octets than the part at `offset` needs.
    #[error("truncated at offset {offset}")]
    Truncated {
        /// Where the part begins.
        offset: usize,
    },
    /// The version is not 2.
    #[error("version {version} at offset {offset}, expected 2")]
    Version {
        /// Where the packet begins.
        offset: usize,
        /// What it says.
        version: u8,
    },
    /// Padding that does not fit, or not on the last packet.
    #[error("bad padding at offset {offset}")]
    Padding {
        /// Where the packet begins.
        offset: usize,
    },
    /// The first packet is no report.
    ///
    /// Spec: RFC 3550 A.2
    #[error("first packet has type {0}, expected a report")]
    FirstIsNoReport(u8),
    /// More than [`MAX_PACKETS`].
    #[error("too many packets")]
    TooMany,
}

/// One packet of a compound.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RtcpPacket {
    /// Sender report.
    SenderReport {
        /// Who reports.
        ssrc: u32,
        /// What was sent.
        sender: SenderInfo,
        /// What was received; at most 31.
        reports: Vec<ReportBlock>,
    },
    /// Receiver report.
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// What was received; at most 31.
        reports: Vec<ReportBlock>,
    },
    /// Source description: canonical names. Other items are read over.
    SourceDescription(Vec<CanonicalName>),
    /// Sources that leave.
    Bye {
        /// Who leaves; at most 31.
        sources: Vec<u32>,
    },
    /// Any other type, kept.
    Other {
        /// Packet type.
        packet_type: u8,
        /// The five bits of count or subtype.
        count: u8,
        /// What follows the first four octets.
        body: Vec<u8>,
    },
}

/// The sender part of a report.
///
/// Spec: RFC 3550 §6.4.1
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "fixed by the protocol")]
pub struct SenderInfo {
    /// NTP time, or time since joining, in 1/2^32 s.
    pub ntp: u64,
    /// The same instant as RTP timestamp.
    pub timestamp: u32,
    /// Packets sent; wraps.
    pub packets: u32,
    /// Payload octets sent; wraps.
    pub octets: u32,
}

/// What one receiver says of one source.
///
/// Spec: RFC 3550 §6.4.1
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "fixed by the protocol")]
pub struct ReportBlock {
    /// The source.
    pub ssrc: u32,
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost in all; 24 bits with sign.
    pub lost: i32,
    /// Highest sequence number with cycles.
    pub highest: u32,
    /// Interarrival jitter in samples.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time; 0 for none.
    pub last_sr: u32,
    /// Delay since that report in 1/65536 s.
    pub delay: u32,
}

/// The canonical name of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "fixed by the protocol")]
pub struct CanonicalName {
    /// The source.
    pub ssrc: u32,
    /// Its name; at most 255 octets.
    pub name: String,
}

/// The packets of one datagram.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "a list")]
pub struct Compound {
    /// In order.
    pub packets: Vec<RtcpPacket>,
}

impl Compound {
    /// Reads a datagram, checked as A.2 asks.
    ///
    /// # Errors
    /// [`RtcpError`]: what is wrong, and where.
    pub fn parse(datagram: &[u8]) -> Result<Self, RtcpError> {
        let mut packets = Vec::new();
        let mut offset = 0;
        while offset < datagram.len() {
            if packets.len() == MAX_PACKETS {
                return Err(RtcpError::TooMany);
            }
            let head = datagram
                .get(offset..offset + 4)
                .ok_or(RtcpError::Truncated { offset })?;
            if head[0] >> 6 != 2 {
                return Err(RtcpError::Version {
                    offset,
                    version: head[0] >> 6,
                });
            }
            let end = offset + 4 + 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
            let mut body = datagram
                .get(offset + 4..end)
                .ok_or(RtcpError::Truncated { offset })?;
            if head[0] & 0x20 != 0 {
                let count = usize::from(body.last().copied().unwrap_or(0));
                let kept = body
                    .len()
                    .checked_sub(count)
                    .filter(|_| count > 0 && end == datagram.len());
                body = &body[..kept.ok_or(RtcpError::Padding { offset })?];
            }
            if offset == 0 && !(head[1] == SR || head[1] == RR) {
                return Err(RtcpError::FirstIsNoReport(head[1]));
            }
            let packet =
                read(head[1], head[0] & 0x1F, body).ok_or(RtcpError::Truncated { offset: offset + 4 })?;
            packets.push(packet);
            offset = end;
        }
        if packets.is_empty() {
            Err(RtcpError::Truncated { offset: 0 })
        } else {
            Ok(Compound { packets })
        }
    }

    /// Prints the packets.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        for packet in &self.packets {
            write(packet, &mut out);
        }
        out
    }
}

/// Appends one packet. Lists longer than the protocol allows are cut at its limit.
pub fn write(packet: &RtcpPacket, out: &mut Vec<u8>) {
    let start = out.len();
    let (packet_type, count) = match packet {
        RtcpPacket::SenderReport { reports, .. } => (SR, reports.len().min(31) as u8),
        RtcpPacket::ReceiverReport { reports, .. } => (RR, reports.len().min(31) as u8),
        RtcpPacket::SourceDescription(names) => (SDES, names.len().min(31) as u8),
        RtcpPacket::Bye { sources } => (BYE, sources.len().min(31) as u8),
        RtcpPacket::Other {
            packet_type, count, ..
        } => (*packet_type, *count & 0x1F),
    };
    out.extend_from_slice(&[0x80 | count, packet_type, 0, 0]);
    match packet {
        RtcpPacket::SenderReport {
            ssrc,
            sender,
            reports,
        } => {
            out.extend_from_slice(&ssrc.to_be_bytes());
            out.extend_from_slice(&sender.ntp.to_be_bytes());
            for word in [sender.timestamp, sender.packets, sender.octets] {
                out.extend_from_slice(&word.to_be_bytes());
            }
            write_reports(reports, out);
        }
        RtcpPacket::ReceiverReport { ssrc, reports } => {
            out.extend_from_slice(&ssrc.to_be_bytes());
            write_reports(reports, out);
        }
        RtcpPacket::SourceDescription(names) => {
            for name in names.iter().take(31) {
                let octets = &name.name.as_bytes()[..name.name.len().min(255)];
                out.extend_from_slice(&name.ssrc.to_be_bytes());
                out.extend_from_slice(&[CNAME, octets.len() as u8]);
                out.extend_from_slice(octets);
                // One to four zero octets end the items of a source.
                let pad = 4 - (out.len() - start) % 4;
                out.extend_from_slice(&[0; 4][..pad]);
            }
        }
        RtcpPacket::Bye { sources } => {
            for source in sources.iter().take(31) {
                out.extend_from_slice(&source.to_be_bytes());
            }
        }
        RtcpPacket::Other { body, .. } => {
            let len = body.len().min(4 * usize::from(u16::MAX)) & !3;
            out.extend_from_slice(&body[..len]);
        }
    }
    let words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

fn write_reports(reports: &[ReportBlock], out: &mut Vec<u8>) {
    for report in reports.iter().take(31) {
        let lost = report.lost.clamp(-0x80_0000, 0x7F_FFFF) as u32 & 0x00FF_FFFF;
        let words = [
            report.ssrc,
            u32::from(report.fraction_lost) << 24 | lost,
            report.highest,
            report.jitter,
            report.last_sr,
            report.delay,
        ];
        for word in words {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
}

fn read(packet_type: u8, count: u8, body: &[u8]) -> Option<RtcpPacket> {
    let count_len = usize::from(count);
    Some(match packet_type {
        SR => RtcpPacket::SenderReport {
            ssrc: word(body, 0)?,
            sender: SenderInfo {
                ntp: u64::from(word(body, 1)?) << 32 | u64::from(word(body, 2)?),
                timestamp: word(body, 3)?,
                packets: word(body, 4)?,
                octets: word(body, 5)?,
            },
            reports: read_reports(body.get(24..)?, count_len)?,
        },
        RR => RtcpPacket::ReceiverReport {
            ssrc: word(body, 0)?,
            reports: read_reports(body.get(4..)?, count_len)?,
        },
        SDES => RtcpPacket::SourceDescription(read_names(body, count_len)?),
        BYE => RtcpPacket::Bye {
            sources: (0..count_len).map(|at| word(body, at)).collect::<Option<_>>()?,
        },
        _ => RtcpPacket::Other {
            packet_type,
            count,
            body: body.to_vec(),
        },
    })
}

fn word(body: &[u8], at: usize) -> Option<u32> {
    let octets = body.get(at * 4..at * 4 + 4)?;
    Some(u32::from_be_bytes([octets[0], octets[1], octets[2], octets[3]]))
}

fn read_reports(body: &[u8], count: usize) -> Option<Vec<ReportBlock>> {
    (0..count)
        .map(|index| {
            let block = body.get(index * 24..index * 24 + 24)?;
            let losses = word(block, 1)?;
            Some(ReportBlock {
                ssrc: word(block, 0)?,
                fraction_lost: (losses >> 24) as u8,
                lost: (losses << 8) as i32 >> 8,
                highest: word(block, 2)?,
                jitter: word(block, 3)?,
                last_sr: word(block, 4)?,
                delay: word(block, 5)?,
            })
        })
        .collect()
}

fn read_names(body: &[u8], count: usize) -> Option<Vec<CanonicalName>> {
    let mut names = Vec::new();
    let mut offset = 0;
    for _ in 0..count {
        let ssrc = u32::from_be_bytes(body.get(offset..offset + 4)?.try_into().ok()?);
        offset += 4;
        loop {
            let item = *body.get(offset)?;
            if item == 0 {
                offset = (offset / 4 + 1) * 4;
                break;
            }
            let len = usize::from(*body.get(offset + 1)?);
            let text = body.get(offset + 2..offset + 2 + len)?;
            if item == CNAME {
                names.push(CanonicalName {
                    ssrc,
                    name: String::from_utf8_lossy(text).into_owned(),
                });
            }
            offset += 2 + len;
        }
    }
    Some(names)
}

//! One audio stream, both ways, without socket or clock.
//!
//! [`AudioStream`] puts the parts together: it paces 20 ms frames against the clock it is given, sends audio or
//! telephone events, takes packets from the peer's address, keeps the accounts and reports by RTCP. The media server's
//! [`Session`](crate::session::Session) and the phones build on it.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::audio::{FRAME, FRAME_SAMPLES, Frame, SILENCE};
use crate::dtmf::{DtmfEvent, DtmfReceiver, DtmfSender};
use crate::g711::Law;
use crate::random::Random;
use crate::rtcp::{Compound, PeerReport, Reporter};
use crate::rtp::{
    LatchPolicy, Packet, Receiver, ReceiverStats, Sender, Sequence, Source, SourceVerdict, is_rtcp,
};

/// Frames that are made up for when the driver was late; what is behind that is skipped.
const MAX_BEHIND: u64 = 10;

/// What signaling agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain parameters")]
pub struct Agreed {
    /// Where the peer takes RTP.
    pub rtp: SocketAddr,
    /// Where the peer takes RTCP; the same as `rtp` when multiplexed.
    pub rtcp: SocketAddr,
    /// RTCP shares the RTP port.
    ///
    /// Spec: RFC 5761
    pub mux: bool,
    /// The law we send.
    pub law: Law,
    /// Its payload type.
    pub payload_type: u8,
    /// Payload type of telephone events, if agreed.
    pub event_type: Option<u8>,
    /// We send.
    pub send: bool,
    /// We receive.
    pub receive: bool,
}

/// Which of the two sockets a datagram leaves by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "two sockets")]
pub enum Channel {
    /// The even port.
    Rtp,
    /// The odd port above it.
    Rtcp,
}

/// A datagram to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain output")]
pub struct Transmit<'a> {
    /// By which socket.
    pub channel: Channel,
    /// Where to.
    pub destination: SocketAddr,
    /// The bytes.
    pub payload: &'a [u8],
}

/// What came in a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received<'a> {
    /// Audio: one octet per sample.
    Audio {
        /// How it is coded.
        law: Law,
        /// Its RTP timestamp.
        timestamp: u32,
        /// The octets.
        payload: &'a [u8],
        /// How it stands in the sequence.
        sequence: Sequence,
    },
    /// A packet of a telephone event that said something new.
    Events([Option<DtmfEvent>; 2]),
    /// Nothing of interest.
    Nothing,
}

/// Counters of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StreamStats {
    /// Packets sent.
    pub sent_packets: u64,
    /// Payload octets sent.
    pub sent_octets: u64,
    /// Frames left out because the driver came too late.
    pub skipped_frames: u64,
    /// What was received.
    pub received: ReceiverStats,
    /// Datagrams from others than the peer: strangers, a source that is not believed yet, one that was left behind.
    pub rejected: u64,
    /// Datagrams that are no RTP or RTCP.
    pub malformed: u64,
    /// Packets with a payload type that was not agreed.
    pub unknown_payload: u64,
    /// What the peer says of our stream.
    pub peer: PeerReport,
}

/// One audio stream; drive it with `handle_rtp`, `handle_rtcp` and `poll_transmit`.
///
/// ```
/// # #[expect(clippy::disallowed_methods)]
/// # let now = std::time::Instant::now();
/// use media::g711::Law;
/// use media::random::Random;
/// use media::rtp::{LatchPolicy, Packet};
/// use media::stream::{Agreed, AudioStream};
///
/// let mut stream = AudioStream::new(now, LatchPolicy::default(), "example".into(), Random::new(1));
/// let peer = "127.0.0.1:4000".parse()?;
/// let rtcp = "127.0.0.1:4001".parse()?;
/// let agreed = Agreed { rtp: peer, rtcp, mux: false, law: Law::A, payload_type: 8, event_type: None, send: true, receive: true };
/// stream.agree(now, agreed);
/// let sent = stream.poll_transmit(now, &mut |frame| { frame.fill(1000); true }).expect("a frame is due");
/// let packet = Packet::parse(sent.payload)?;
/// assert_eq!((sent.destination, packet.payload_type, packet.payload.len()), (peer, 8, 160));
/// assert!(stream.poll_transmit(now, &mut |_| true).is_none(), "the next one is due in 20 ms");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct AudioStream {
    latch: LatchPolicy,
    random: Random,
    sender: Sender,
    receiver: Receiver,
    reporter: Reporter,
    dtmf_in: DtmfReceiver,
    dtmf_out: DtmfSender,
    agreed: Option<Agreed>,
    source: Option<Source>,
    /// Frame k is due at this instant plus k frames.
    start: Option<Instant>,
    frames: u64,
    talking: bool,
    stats: StreamStats,
    buffer: Vec<u8>,
}

impl AudioStream {
    /// A stream without a peer; it sends nothing before [`agree`](Self::agree). `cname` should name no person.
    pub fn new(now: Instant, latch: LatchPolicy, cname: String, mut random: Random) -> Self {
        AudioStream {
            latch,
            sender: Sender::new(&mut random),
            receiver: Receiver::new(),
            reporter: Reporter::new(now, cname, &mut random),
            dtmf_in: DtmfReceiver::new(),
            dtmf_out: DtmfSender::new(),
            agreed: None,
            source: None,
            start: None,
            frames: 0,
            talking: false,
            stats: StreamStats::default(),
            buffer: Vec::with_capacity(256),
            random,
        }
    }

    /// Takes what signaling agreed on, the first time or anew. The stream's clock starts with the first.
    pub fn agree(&mut self, now: Instant, agreed: Agreed) {
        match &mut self.source {
            Some(source) => source.signal(now, agreed.rtp),
            None => self.source = Some(Source::new(self.latch, agreed.rtp)),
        }
        self.agreed = Some(agreed);
        self.start.get_or_insert(now);
    }

    /// What was agreed.
    pub fn agreed(&self) -> Option<&Agreed> {
        self.agreed.as_ref()
    }

    /// Digits to send as telephone events.
    pub fn dtmf(&mut self) -> &mut DtmfSender {
        &mut self.dtmf_out
    }

    /// The counters.
    pub fn stats(&self) -> StreamStats {
        StreamStats {
            sent_packets: self.sender.packets(),
            sent_octets: self.sender.octets(),
            received: self.receiver.stats(),
            peer: self.reporter.peer(),
            ..self.stats
        }
    }

    /// Takes a datagram from the RTP port; RTCP is told apart if multiplexed.
    pub fn handle_rtp<'a>(&mut self, now: Instant, from: SocketAddr, datagram: &'a [u8]) -> Received<'a> {
        if is_rtcp(datagram) {
            self.handle_rtcp(now, from, datagram);
            return Received::Nothing;
        }
        let (Some(agreed), Some(source)) = (self.agreed, &mut self.source) else {
            return Received::Nothing;
        };
        let verdict = source.judge(now, from);
        if verdict == SourceVerdict::Reject {
            self.stats.rejected += 1;
            return Received::Nothing;
        }
        let Ok(packet) = Packet::parse(datagram) else {
            self.stats.malformed += 1;
            return Received::Nothing;
        };
        let is_event = agreed.event_type == Some(packet.payload_type);
        let law = agreed.law_of(packet.payload_type);
        if !is_event && law.is_none() {
            self.stats.unknown_payload += 1;
            return Received::Nothing;
        }
        if verdict == SourceVerdict::Candidate && !source.heard(now, from) {
            self.stats.rejected += 1;
            return Received::Nothing;
        }
        let sequence = self.receiver.receive(now, &packet, !is_event);
        if !agreed.receive || matches!(sequence, Sequence::Jump | Sequence::Duplicate) {
            return Received::Nothing;
        }
        if sequence == Sequence::First {
            self.dtmf_in.reset();
        }
        match law {
            Some(law) if !is_event => Received::Audio {
                law,
                timestamp: packet.timestamp,
                payload: packet.payload,
                sequence,
            },
            _ => match self
                .dtmf_in
                .receive(packet.timestamp, packet.marker, packet.payload)
            {
                [None, None] => Received::Nothing,
                events => Received::Events(events),
            },
        }
    }

    /// Takes a datagram from the RTCP port. Its host must be the peer's.
    pub fn handle_rtcp(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let (Some(agreed), Some(source)) = (self.agreed, &self.source) else {
            return;
        };
        if from.ip() != source.destination().ip() && from.ip() != agreed.rtcp.ip() {
            self.stats.rejected += 1;
            return;
        }
        match Compound::parse(datagram) {
            Ok(compound) => self.reporter.receive(now, self.sender.ssrc(), &compound),
            Err(_) => self.stats.malformed += 1,
        }
    }

    /// The next datagram that is due, or `None`; call again until then.
    ///
    /// `fill` is called once for every frame that is due, also while we may not send, and puts 160 samples into the
    /// frame; false sends nothing for it. While a digit is sent it is not asked.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        fill: &mut dyn FnMut(&mut Frame) -> bool,
    ) -> Option<Transmit<'_>> {
        let (channel, destination) = match self.next_frame(now, fill) {
            Some(destination) => (Channel::Rtp, destination),
            None => self.next_report(now)?,
        };
        Some(Transmit {
            channel,
            destination,
            payload: &self.buffer,
        })
    }

    /// When the next frame or report is due; `None` before anything is agreed.
    pub fn poll_timeout(&self) -> Option<Instant> {
        Some(self.frame_due()?.min(self.reporter.due()))
    }

    /// The farewell to send when the stream ends.
    pub fn goodbye(&mut self, now: Instant) -> Option<Transmit<'_>> {
        let (channel, destination) = self.report_path()?;
        let media_time = self.media_time(now);
        let compound = self
            .reporter
            .goodbye(now, &self.sender, media_time, &mut self.receiver);
        self.buffer = compound.to_bytes();
        Some(Transmit {
            channel,
            destination,
            payload: &self.buffer,
        })
    }

    fn frame_due(&self) -> Option<Instant> {
        self.start.map(|start| start + frame_offset(self.frames))
    }

    fn media_time(&self, now: Instant) -> u64 {
        let Some(start) = self.start else { return 0 };
        let elapsed = now.saturating_duration_since(start).as_micros() as u64;
        elapsed / 1_000 * 8
    }

    fn next_frame(&mut self, now: Instant, fill: &mut dyn FnMut(&mut Frame) -> bool) -> Option<SocketAddr> {
        let start = self.start?;
        let elapsed = now.checked_duration_since(start)?;
        let due = (elapsed.as_micros() / FRAME.as_micros()) as u64 + 1;
        if due.saturating_sub(self.frames) > MAX_BEHIND {
            self.stats.skipped_frames += due - self.frames - MAX_BEHIND;
            self.frames = due - MAX_BEHIND;
        }
        while self.frames < due {
            let media_time = self.frames * FRAME_SAMPLES as u64;
            self.frames += 1;
            if let Some(destination) = self.make_packet(media_time, fill) {
                return Some(destination);
            }
        }
        None
    }

    fn make_packet(
        &mut self,
        media_time: u64,
        fill: &mut dyn FnMut(&mut Frame) -> bool,
    ) -> Option<SocketAddr> {
        let agreed = self.agreed?;
        let event = agreed
            .event_type
            .and_then(|event_type| Some((event_type, self.dtmf_out.next(media_time)?)));
        let destination = self.source.as_ref()?.destination();
        let written = match event {
            Some((event_type, event)) if agreed.send => {
                self.talking = false;
                let payload = &event.payload;
                self.sender
                    .write(event.began, event_type, event.marker, payload, &mut self.buffer)
            }
            Some(_) => return None,
            None => {
                let mut frame = SILENCE;
                let talking = fill(&mut frame) && agreed.send;
                let marker = talking && !self.talking;
                self.talking = talking;
                if !talking {
                    return None;
                }
                let octets = agreed.law.encode_frame(&frame);
                self.sender
                    .write(media_time, agreed.payload_type, marker, &octets, &mut self.buffer)
            }
        };
        written.ok().map(|()| destination)
    }

    fn next_report(&mut self, now: Instant) -> Option<(Channel, SocketAddr)> {
        let path = self.report_path().filter(|_| self.reporter.due() <= now)?;
        let media_time = self.media_time(now);
        let compound = self.reporter.report(
            now,
            &self.sender,
            media_time,
            &mut self.receiver,
            &mut self.random,
        );
        self.buffer = compound.to_bytes();
        Some(path)
    }

    fn report_path(&self) -> Option<(Channel, SocketAddr)> {
        let (agreed, source) = (self.agreed?, self.source.as_ref()?);
        let destination = source.destination();
        if agreed.mux {
            return Some((Channel::Rtp, destination));
        }
        if destination == agreed.rtp {
            return Some((Channel::Rtcp, agreed.rtcp));
        }
        // Signaling was wrong about the address, so it is about this one: the port above the one we see.
        Some((
            Channel::Rtcp,
            SocketAddr::new(destination.ip(), destination.port().checked_add(1)?),
        ))
    }
}

impl Agreed {
    /// The law of a payload type that may be received: the one agreed, or a static one.
    fn law_of(&self, payload_type: u8) -> Option<Law> {
        if payload_type == self.payload_type {
            return Some(self.law);
        }
        [Law::Mu, Law::A]
            .into_iter()
            .find(|law| law.payload_type() == payload_type)
    }
}

fn frame_offset(frames: u64) -> Duration {
    Duration::from_millis(frames.saturating_mul(FRAME.as_millis() as u64))
}

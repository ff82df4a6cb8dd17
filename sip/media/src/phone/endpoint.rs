//! One endpoint without socket or clock: what it says and what it hears.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::audio::rms;
use crate::dtmf::DtmfEvent;
use crate::g711::Law;
use crate::net::Endpoint;
use crate::pcm::Pcm;
use crate::random::Random;
use crate::rtp::{LatchPolicy, Sequence};
use crate::stream::{Agreed, AudioStream, Received, StreamStats, Transmit};

/// Root mean square above which a frame counts as sound: about -40 dBm0.
const LOUD: f64 = 200.0;
/// Most digits kept of those heard.
const MAX_DIGITS: usize = 256;

/// What an endpoint sends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Talk {
    /// Silent frames.
    #[default]
    Silence,
    /// No packets.
    Nothing,
    /// Audio, then silence.
    Once(Pcm),
    /// Audio, again from its start when it ends.
    Loop(Pcm),
}

/// Counters of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PhoneStats {
    /// The stream's counters.
    pub stream: StreamStats,
    /// Packets of audio heard.
    pub frames: u64,
    /// Those that were no silence.
    pub loud_frames: u64,
    /// Digits heard as telephone events; at most 256.
    pub digits: Digits,
    /// Digits that were asked for are all sent.
    pub digits_sent: bool,
    /// Samples recorded.
    pub recorded: usize,
}

/// Digits; `Debug` hides them.
#[derive(Clone, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper that hides")]
pub struct Digits(pub String);

impl std::fmt::Debug for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digits({})", self.0.len())
    }
}

#[derive(Debug)]
pub(super) struct Phone {
    stream: AudioStream,
    talk: Talk,
    position: usize,
    frames: u64,
    loud_frames: u64,
    digits: String,
    recorder: Option<Recorder>,
    recording_limit: usize,
}

impl Phone {
    pub(super) fn new(now: Instant, latch: LatchPolicy, recording_limit: usize, random: Random) -> Self {
        Phone {
            stream: AudioStream::new(now, latch, "phone".to_owned(), random),
            talk: Talk::Silence,
            position: 0,
            frames: 0,
            loud_frames: 0,
            digits: String::new(),
            recorder: None,
            recording_limit,
        }
    }

    pub(super) fn agree(&mut self, now: Instant, agreed: Agreed) {
        self.stream.agree(now, agreed);
    }

    pub(super) fn talk(&mut self, talk: Talk) {
        self.talk = talk;
        self.position = 0;
    }

    pub(super) fn send_digits(&mut self, digits: &str, pressed: Duration) {
        for digit in digits.chars() {
            self.stream.dtmf().push(digit, pressed);
        }
    }

    pub(super) fn record(&mut self, on: bool) {
        match &mut self.recorder {
            Some(recorder) if !on => recorder.stopped = true,
            recorder if on => *recorder = Some(Recorder::new(self.recording_limit)),
            _ => {}
        }
    }

    pub(super) fn recording(&self) -> Vec<i16> {
        self.recorder
            .as_ref()
            .map(|recorder| recorder.samples.clone())
            .unwrap_or_default()
    }

    pub(super) fn stats(&mut self) -> PhoneStats {
        PhoneStats {
            stream: self.stream.stats(),
            frames: self.frames,
            loud_frames: self.loud_frames,
            digits: Digits(self.digits.clone()),
            digits_sent: self.stream.dtmf().is_idle(),
            recorded: self
                .recorder
                .as_ref()
                .map_or(0, |recorder| recorder.samples.len()),
        }
    }

    fn hear(&mut self, law: Law, timestamp: u32, payload: &[u8], sequence: Sequence) {
        let samples = law.decode(payload);
        self.frames += 1;
        self.loud_frames += u64::from(rms(&samples) > LOUD);
        if let Some(recorder) = &mut self.recorder {
            recorder.place(timestamp, &samples, sequence == Sequence::First);
        }
    }
}

impl Endpoint for Phone {
    fn handle_rtp(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        match self.stream.handle_rtp(now, from, datagram) {
            Received::Audio {
                law,
                timestamp,
                payload,
                sequence,
            } => {
                self.hear(law, timestamp, payload, sequence);
            }
            Received::Events(events) => {
                for event in events.into_iter().flatten() {
                    if let DtmfEvent::Started { digit } = event
                        && self.digits.len() < MAX_DIGITS
                    {
                        self.digits.push(digit);
                    }
                }
            }
            Received::Nothing => {}
        }
    }

    fn handle_rtcp(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.stream.handle_rtcp(now, from, datagram);
    }

    fn handle_timeout(&mut self, _now: Instant) {}

    fn poll_transmit(&mut self, now: Instant) -> Option<Transmit<'_>> {
        let Phone {
            stream,
            talk,
            position,
            ..
        } = self;
        stream.poll_transmit(now, &mut |frame| match talk {
            Talk::Silence => true,
            Talk::Nothing => false,
            Talk::Once(pcm) => {
                pcm.fill(position, frame);
                true
            }
            Talk::Loop(pcm) => {
                pcm.fill_looped(position, frame);
                true
            }
        })
    }

    fn goodbye(&mut self, now: Instant) -> Option<Transmit<'_>> {
        self.stream.goodbye(now)
    }
}

/// Puts audio where its timestamp says, so that order and delay of the packets do not matter.
#[derive(Debug)]
struct Recorder {
    samples: Vec<i16>,
    limit: usize,
    stopped: bool,
    /// Timestamp of sample 0 of the stream that is recorded, as seen from where it began.
    origin: Option<(u32, usize)>,
}

impl Recorder {
    fn new(limit: usize) -> Self {
        Recorder {
            samples: Vec::new(),
            limit,
            stopped: false,
            origin: None,
        }
    }

    fn place(&mut self, timestamp: u32, samples: &[i16], first: bool) {
        if self.stopped {
            return;
        }
        let (origin, base) = match self.origin {
            Some(origin) if !first => origin,
            _ => (timestamp, self.samples.len()),
        };
        self.origin = Some((origin, base));
        // Before the first packet: it came late and is left out.
        let Ok(offset) = usize::try_from(timestamp.wrapping_sub(origin) as i32) else {
            return;
        };
        let start = base.saturating_add(offset);
        let end = start.saturating_add(samples.len()).min(self.limit);
        if start >= end {
            return;
        }
        if self.samples.len() < end {
            self.samples.resize(end, 0);
        }
        self.samples[start..end].copy_from_slice(&samples[..end - start]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_placed_by_timestamps_over_loss_reordering_and_restart() {
        let mut recorder = Recorder::new(1_000);
        recorder.place(u32::MAX - 1, &[1, 2], true);
        recorder.place(4, &[7, 8], false);
        recorder.place(0, &[3, 4], false);
        recorder.place(u32::MAX - 9, &[9, 9], false);
        assert_eq!(recorder.samples, [1, 2, 3, 4, 0, 0, 7, 8]);
        recorder.place(5_000_000, &[5], true);
        assert_eq!(recorder.samples.last(), Some(&5));
        recorder.place(6_000_000, &[6], false);
        assert_eq!(recorder.samples.len(), 9, "past the limit");
        recorder.stopped = true;
        recorder.place(5_000_001, &[6], false);
        assert_eq!(recorder.samples.len(), 9);
        assert_eq!(format!("{:?}", Digits("12".into())), "Digits(2)");
    }
}

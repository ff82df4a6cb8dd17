//! Received audio, put back in order.

use std::collections::VecDeque;

use crate::audio::FRAME_SAMPLES;

/// Frames that may miss in a row before the buffer waits for the stream to begin anew.
const MAX_GAP: u32 = 50;

/// What a tick plays.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Playout {
    /// The payload of the frame that is due.
    Frame(Vec<u8>),
    /// The frame that is due has not come: play silence or conceal.
    Missing,
    /// Nothing to play: not begun, or the stream pauses.
    Idle,
}

/// Counters of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct JitterStats {
    /// Frames played.
    pub played: u64,
    /// Frames that were due and not there.
    pub missing: u64,
    /// Frames that came after they were due.
    pub late: u64,
    /// Frames dropped because the buffer was full.
    pub overflowed: u64,
}

/// A small buffer, ordered by timestamp: telephone events take sequence numbers, but no audio time.
///
/// Holds at most `capacity` frames and begins to play with `depth` frames inside. A stream that pauses or jumps starts
/// anew with the next frame.
#[derive(Debug, Clone)]
pub struct JitterBuffer {
    frames: VecDeque<(u32, Vec<u8>)>,
    depth: usize,
    capacity: usize,
    next: Option<u32>,
    gap: u32,
    stats: JitterStats,
}

impl JitterBuffer {
    /// A buffer that waits for `depth` frames (20 ms each, at least 1) and holds `capacity` (at least `depth`, at
    /// most 256).
    pub fn new(depth: usize, capacity: usize) -> Self {
        let depth = depth.clamp(1, 256);
        JitterBuffer {
            frames: VecDeque::new(),
            depth,
            capacity: capacity.clamp(depth, 256),
            next: None,
            gap: 0,
            stats: JitterStats::default(),
        }
    }

    /// Frames inside.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// True if nothing is inside.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The counters.
    pub fn stats(&self) -> JitterStats {
        self.stats
    }

    /// Forgets everything inside; the next frame begins a new stream. For a new SSRC.
    pub fn reset(&mut self) {
        self.frames.clear();
        self.next = None;
        self.gap = 0;
    }

    /// Puts a payload where its timestamp says. Doubles are ignored.
    pub fn insert(&mut self, timestamp: u32, payload: &[u8]) {
        if let Some(next) = self.next {
            let ahead = timestamp.wrapping_sub(next) as i32;
            let horizon = (self.capacity * FRAME_SAMPLES) as i32;
            if ahead < 0 && ahead > -horizon {
                self.stats.late += 1;
                return;
            }
            if ahead < 0 || ahead > horizon {
                self.reset();
            }
        }
        let at = self
            .frames
            .iter()
            .rposition(|(other, _)| timestamp.wrapping_sub(*other) as i32 >= 0);
        match at {
            Some(at) if self.frames[at].0 == timestamp => return,
            Some(at) => self.frames.insert(at + 1, (timestamp, payload.to_vec())),
            None => self.frames.push_front((timestamp, payload.to_vec())),
        }
        if self.frames.len() > self.capacity {
            self.frames.pop_front();
            self.stats.overflowed += 1;
            if self.next.is_some() {
                self.next = self.frames.front().map(|(timestamp, _)| *timestamp);
            }
        }
    }

    /// Takes the frame that is due; call once in 20 ms.
    pub fn pop(&mut self) -> Playout {
        let next = match self.next {
            Some(next) => next,
            None if self.frames.len() >= self.depth => self.frames[0].0,
            None => return Playout::Idle,
        };
        let is_due = |timestamp: u32| (timestamp.wrapping_sub(next) as i32) < FRAME_SAMPLES as i32;
        let due = self
            .frames
            .front()
            .is_some_and(|(timestamp, _)| is_due(*timestamp));
        if due && let Some((timestamp, payload)) = self.frames.pop_front() {
            let samples = u32::try_from(payload.len()).unwrap_or(0).max(1);
            self.next = Some(timestamp.wrapping_add(samples));
            self.gap = 0;
            self.stats.played += 1;
            return Playout::Frame(payload);
        }
        self.gap += 1;
        if self.frames.is_empty() && self.gap >= MAX_GAP {
            self.reset();
            return Playout::Idle;
        }
        self.next = Some(next.wrapping_add(FRAME_SAMPLES as u32));
        self.stats.missing += 1;
        Playout::Missing
    }
}

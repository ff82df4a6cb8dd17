//! The packets of digits to send.

use std::collections::VecDeque;
use std::time::Duration;

use super::{TelephoneEvent, event_of};
use crate::audio::{FRAME_SAMPLES, samples_in};

/// Most digits that wait.
const MAX_QUEUE: usize = 64;
/// Repeats of the last packet.
///
/// Spec: RFC 4733 §2.5.1.4
const END_PACKETS: u8 = 3;
/// Silence between two digits, in frames: 60 ms.
const GAP_FRAMES: u8 = 3;
const VOLUME: u8 = 10;

/// One event packet to send in this frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventPacket {
    /// Media time at which the event began; its timestamp.
    pub began: u64,
    /// Marker: first packet of the event.
    pub marker: bool,
    /// The payload.
    pub payload: [u8; super::PAYLOAD_LEN],
}

/// Sends digits one after the other: a packet per frame, the last three times, then a gap.
#[derive(Debug, Clone, Default)]
pub struct DtmfSender {
    queue: VecDeque<(u8, u16)>,
    current: Option<Current>,
    gap: u8,
}

#[derive(Debug, Clone, Copy)]
struct Current {
    event: u8,
    began: u64,
    sent: u16,
    duration: u16,
    ends: u8,
}

impl DtmfSender {
    /// Nothing to send.
    pub fn new() -> Self {
        DtmfSender::default()
    }

    /// True if nothing is being sent and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.current.is_none() && self.queue.is_empty()
    }

    /// Puts a digit at the end of the queue: 0-9, *, #, A-D; pressed for 40 ms to 8 s, in whole frames.
    ///
    /// False if it is no digit, or 64 wait already.
    pub fn push(&mut self, digit: char, pressed: Duration) -> bool {
        let Some(event) = event_of(digit).filter(|_| self.queue.len() < MAX_QUEUE) else {
            return false;
        };
        let frames = (samples_in(pressed) / FRAME_SAMPLES as u32).clamp(2, 400);
        self.queue
            .push_back((event, (frames * FRAME_SAMPLES as u32) as u16));
        true
    }

    /// Forgets all digits, also the one that is being sent.
    pub fn clear(&mut self) {
        *self = DtmfSender::default();
    }

    /// The packet of this frame, instead of audio; `None` lets audio pass.
    pub fn next(&mut self, media_time: u64) -> Option<EventPacket> {
        if self.gap > 0 {
            self.gap -= 1;
            return None;
        }
        let mut current = match self.current {
            Some(current) => current,
            None => {
                let (event, duration) = self.queue.pop_front()?;
                Current {
                    event,
                    began: media_time,
                    sent: 0,
                    duration,
                    ends: 0,
                }
            }
        };
        let marker = current.sent == 0;
        current.sent = (current.sent + FRAME_SAMPLES as u16).min(current.duration);
        let end = current.sent == current.duration;
        current.ends += u8::from(end);
        let event = TelephoneEvent {
            event: current.event,
            end,
            volume: VOLUME,
            duration: current.sent,
        };
        if current.ends == END_PACKETS {
            self.current = None;
            self.gap = GAP_FRAMES;
        } else {
            self.current = Some(current);
        }
        Some(EventPacket {
            began: current.began,
            marker,
            payload: event.to_bytes(),
        })
    }
}

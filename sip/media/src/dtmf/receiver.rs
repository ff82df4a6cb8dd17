//! One digit of many packets.

use std::time::Duration;

use super::TelephoneEvent;
use crate::audio::duration_of;

/// What an event packet means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DtmfEvent {
    /// A digit began; said once, with the first packet of it that comes.
    Started {
        /// 0-9, *, #, A-D.
        digit: char,
    },
    /// It ended; said once, with the first end packet that comes. A digit whose end is lost has none.
    Ended {
        /// 0-9, *, #, A-D.
        digit: char,
        /// How long it was pressed.
        duration: Duration,
    },
}

/// Tells events apart by their timestamp, so each is one digit whichever of its packets come.
///
/// Spec: RFC 4733 §2.2.2, §2.5.1
#[derive(Debug, Clone, Default)]
pub struct DtmfReceiver {
    current: Option<Current>,
    others: u64,
}

#[derive(Debug, Clone, Copy)]
struct Current {
    event: u8,
    timestamp: u32,
    duration: u16,
    /// Samples of earlier segments of a long event.
    before: u32,
    ended: bool,
}

impl DtmfReceiver {
    /// Nothing received yet.
    pub fn new() -> Self {
        DtmfReceiver::default()
    }

    /// Events that were no digits (hook flash, tones), or unreadable.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// Forgets the last event; for a new SSRC.
    pub fn reset(&mut self) {
        self.current = None;
    }

    /// Takes the timestamp, marker and payload of an event packet. Gives start and end both when only an end came.
    pub fn receive(&mut self, timestamp: u32, marker: bool, payload: &[u8]) -> [Option<DtmfEvent>; 2] {
        let Some(event) = TelephoneEvent::parse(payload) else {
            self.others += 1;
            return [None; 2];
        };
        let Some(digit) = event.digit() else {
            self.others += 1;
            return [None; 2];
        };
        let mut started = None;
        let current = match self.current {
            Some(current) if current.timestamp == timestamp => current,
            // Behind the one we have: a late packet of an event that was counted.
            Some(current) if (timestamp.wrapping_sub(current.timestamp) as i32) < 0 => return [None; 2],
            Some(current) if current.continues(&event, timestamp, marker) => Current {
                timestamp,
                before: current
                    .before
                    .saturating_add(timestamp.wrapping_sub(current.timestamp)),
                duration: 0,
                ..current
            },
            _ => {
                started = Some(DtmfEvent::Started { digit });
                Current {
                    event: event.event,
                    timestamp,
                    duration: 0,
                    before: 0,
                    ended: false,
                }
            }
        };
        let duration = current.duration.max(event.duration);
        let mut ended = None;
        if event.end && !current.ended {
            let samples = current.before.saturating_add(u32::from(duration));
            ended = Some(DtmfEvent::Ended {
                digit,
                duration: duration_of(samples as usize),
            });
        }
        self.current = Some(Current {
            duration,
            ended: current.ended || event.end,
            ..current
        });
        [started, ended]
    }
}

impl Current {
    /// A segment of the same event: begins where the last one, of the greatest duration, ended.
    ///
    /// Spec: RFC 4733 §2.5.1.3
    fn continues(&self, event: &TelephoneEvent, timestamp: u32, marker: bool) -> bool {
        !marker
            && !self.ended
            && event.event == self.event
            && timestamp.wrapping_sub(self.timestamp) == u32::from(u16::MAX)
    }
}

//! Telephone events: digits as named events in RTP.
//!
//! [`DtmfReceiver`] makes one digit of the many packets of an event; [`DtmfSender`] makes those packets.
//!
//! Spec: RFC 4733 §2

mod receiver;
mod sender;
#[cfg(test)]
mod tests;

pub use receiver::{DtmfEvent, DtmfReceiver};
pub use sender::{DtmfSender, EventPacket};

/// Length of the payload of one event.
pub const PAYLOAD_LEN: usize = 4;

/// The digits of events 0-15, in order.
///
/// Spec: RFC 4733 §3.2, table 3
pub const DIGITS: [char; 16] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D',
];

/// The payload of a telephone event.
///
/// Spec: RFC 4733 §2.3
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "fixed by the protocol")]
pub struct TelephoneEvent {
    /// Event code; 0-15 are digits, others are kept.
    pub event: u8,
    /// Last packets of the event.
    pub end: bool,
    /// Power below 0 dBm0, 0-63.
    pub volume: u8,
    /// Duration so far, in samples.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads a payload; `None` if it is shorter than four octets. What follows them is of no meaning here.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let payload = payload.get(..PAYLOAD_LEN)?;
        Some(TelephoneEvent {
            event: payload[0],
            end: payload[1] & 0x80 != 0,
            volume: payload[1] & 0x3F,
            duration: u16::from_be_bytes([payload[2], payload[3]]),
        })
    }

    /// Prints the payload.
    pub fn to_bytes(self) -> [u8; PAYLOAD_LEN] {
        let duration = self.duration.to_be_bytes();
        [
            self.event,
            u8::from(self.end) << 7 | (self.volume & 0x3F),
            duration[0],
            duration[1],
        ]
    }

    /// The digit, if it is one.
    pub fn digit(self) -> Option<char> {
        DIGITS.get(usize::from(self.event)).copied()
    }
}

/// The event code of a digit; letters in either case.
pub fn event_of(digit: char) -> Option<u8> {
    let digit = digit.to_ascii_uppercase();
    DIGITS.iter().position(|&known| known == digit).map(|at| at as u8)
}

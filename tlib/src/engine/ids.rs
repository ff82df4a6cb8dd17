//! Numbers that the engine gives: connection ids, call UUIDs, call numbers, legs, treatments.

use std::time::Duration;

use crate::id::{CallUuid, ConnId};
use crate::switch::{LegId, TreatmentId};

/// Counters behind the ids; no randomness, so that a replay gives the same ids.
pub(super) struct Ids {
    server_id: u16,
    started: Duration,
    calls: u64,
    legs: u64,
    treatments: u64,
}

/// The ids of one call.
pub(super) struct CallIds {
    pub(super) conn_id: ConnId,
    pub(super) uuid: CallUuid,
    pub(super) number: i32,
}

impl Ids {
    pub(super) fn new(server_id: u16, started: Duration) -> Self {
        Self {
            server_id,
            started,
            calls: 0,
            legs: 0,
            treatments: 0,
        }
    }

    /// Ids of the next call.
    ///
    /// A connection id is 16 bits of server id, then 48 bits that start at the second of the server's start
    /// (its low 24 bits) times 2^24 and count up, so that a restarted server does not repeat itself.
    ///
    /// Spec: T-Library reference §2, identifier formats
    pub(super) fn call(&mut self) -> CallIds {
        self.calls += 1;
        let base = (self.started.as_secs() & 0x00ff_ffff) << 24;
        let low = base.wrapping_add(self.calls) & 0xffff_ffff_ffff;
        let number = i32::try_from(self.calls & 0x7fff_ffff).unwrap_or(i32::MAX);
        CallIds {
            conn_id: ConnId(u64::from(self.server_id) << 48 | low),
            uuid: call_uuid(self.server_id, self.started, self.calls),
            number,
        }
    }

    pub(super) fn leg(&mut self) -> LegId {
        self.legs += 1;
        LegId::from_engine(self.legs)
    }

    pub(super) fn treatment(&mut self) -> TreatmentId {
        self.treatments += 1;
        TreatmentId(self.treatments)
    }
}

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";

/// 26 characters of server, start and high part of the counter, 6 of its low 30 bits.
///
/// Spec: T-Library reference §2, identifier formats
fn call_uuid(server_id: u16, started: Duration, counter: u64) -> CallUuid {
    let micros = u64::try_from(started.as_micros()).unwrap_or(u64::MAX);
    let high = u128::from(counter >> 30);
    let prefix = u128::from(server_id) << 112 | u128::from(micros) << 48 | high & 0xffff_ffff_ffff;
    let mut text = String::with_capacity(32);
    for index in 0..26_u32 {
        // 26 digits hold 130 bits; the last digit carries three bits and two of padding.
        let digit = match 123_u32.checked_sub(5 * index) {
            Some(shift) => prefix >> shift,
            None => prefix << 2,
        };
        text.push(digit32(digit));
    }
    for index in (0..6).rev() {
        text.push(digit32(u128::from(counter >> (5 * index))));
    }
    CallUuid::from(text)
}

fn digit32(value: u128) -> char {
    let index = usize::try_from(value & 31).unwrap_or(0);
    char::from(ALPHABET[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_published_formats_and_the_server_in_front() {
        let mut ids = Ids::new(0x6c, Duration::from_secs(1_700_000_000));
        let first = ids.call();
        let second = ids.call();
        assert_eq!(first.conn_id.to_string(), "006c53f100000001");
        assert_eq!(second.conn_id.to_string(), "006c53f100000002");
        assert_eq!((first.number, second.number), (1, 2));
        let uuid = first.uuid.as_str();
        assert_eq!(uuid.len(), 32);
        assert!(uuid.ends_with("000001"), "{uuid}");
        assert!(uuid.bytes().all(|b| ALPHABET.contains(&b)));
        assert_ne!(first.uuid, second.uuid);
    }

    #[test]
    fn the_call_uuid_counter_carries_into_the_prefix() {
        let at = Duration::from_secs(1);
        let low = call_uuid(1, at, (1 << 30) - 1);
        let high = call_uuid(1, at, 1 << 30);
        assert!(low.as_str().ends_with("VVVVVV"));
        assert!(high.as_str().ends_with("000000"));
        assert_ne!(low.as_str()[..26], high.as_str()[..26]);
    }
}

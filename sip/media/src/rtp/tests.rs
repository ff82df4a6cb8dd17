//! Tests of packets, and accounts.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::random::Random;

fn packet(sequence: u16, timestamp: u32) -> Packet<'static> {
    Packet {
        sequence,
        timestamp,
        ssrc: 1,
        payload: &[0xFF; 160],
        ..Packet::default()
    }
}

#[expect(clippy::disallowed_methods, reason = "an origin for simulated time")]
fn origin() -> Instant {
    Instant::now()
}

#[test]
fn a_packet_with_every_part_is_read_and_written() {
    let mut datagram = vec![0xB2, 0x80, 0x12, 0x34, 0, 0, 0, 160, 0xDE, 0xAD, 0xBE, 0xEF];
    datagram.extend([0, 0, 0, 7, 0, 0, 0, 8]); // two contributors
    datagram.extend([0xBE, 0xDE, 0, 1, 0x10, 0xAA, 0, 0]); // extension
    datagram.extend([1, 2, 3, 0, 0, 3]); // payload and three octets of padding
    let packet = Packet::parse(&datagram).unwrap();
    assert!(packet.marker);
    assert_eq!(
        (packet.payload_type, packet.sequence, packet.timestamp),
        (0, 0x1234, 160)
    );
    assert_eq!(packet.ssrc, 0xDEAD_BEEF);
    assert_eq!(packet.contributors().collect::<Vec<_>>(), [7, 8]);
    assert_eq!(
        packet.extension,
        Some(Extension {
            profile: 0xBEDE,
            data: &[0x10, 0xAA, 0, 0]
        })
    );
    assert_eq!(packet.payload, [1, 2, 3]);
    let mut written = Vec::new();
    packet.write_to(&mut written).unwrap();
    assert_eq!(Packet::parse(&written).unwrap(), packet);
}

#[test]
fn bad_packets_are_refused_with_their_reason() {
    let good = [0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
    assert!(Packet::parse(&good).unwrap().payload.is_empty());
    assert_eq!(
        Packet::parse(&good[..11]),
        Err(RtpError::Truncated {
            offset: 0,
            expected: 12
        })
    );
    let with = |at: usize, value: u8| {
        let mut bad = good;
        bad[at] = value;
        Packet::parse(&bad).unwrap_err()
    };
    assert_eq!(with(0, 0x40), RtpError::Version(1));
    assert_eq!(
        with(0, 0x81),
        RtpError::Truncated {
            offset: 12,
            expected: 4
        }
    );
    assert_eq!(
        with(0, 0x90),
        RtpError::Truncated {
            offset: 12,
            expected: 4
        }
    );
    assert_eq!(with(0, 0xA0), RtpError::Padding(0));
    assert_eq!(with(1, 200), RtpError::Rtcp(200));
    let padded = [&good[..], &[1, 9]].concat();
    assert_eq!(
        Packet::parse(&[&[0xA0], &padded[1..]].concat()),
        Err(RtpError::Padding(9)),
        "padding longer than the payload"
    );
    let contributors = [0; 64];
    let too_many = Packet {
        csrc: &contributors,
        ..Packet::default()
    };
    assert_eq!(too_many.write_to(&mut Vec::new()), Err(RtpError::TooLong("csrc")));
}

proptest! {
    #[test]
    fn any_octets_are_read_without_panic_and_reprinting_is_stable(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(packet) = Packet::parse(&octets) {
            let mut once = Vec::new();
            packet.write_to(&mut once).unwrap();
            prop_assert_eq!(Packet::parse(&once).unwrap(), packet);
        }
    }

    #[test]
    fn the_account_balances_for_any_order(sequences in prop::collection::vec(0u16..400, 1..200)) {
        let now = origin();
        let mut receiver = Receiver::new();
        for &sequence in &sequences {
            receiver.receive(now, &packet(sequence, u32::from(sequence) * 160), true);
        }
        let stats = receiver.stats();
        prop_assert!(stats.packets <= sequences.len() as u64);
        prop_assert!(stats.lost <= 400);
        receiver.take_fraction_lost();
    }
}

#[test]
fn the_sender_numbers_in_order_and_its_time_is_media_time() {
    let mut random = Random::new(3);
    let mut sender = Sender::new(&mut random);
    let (first, mut out) = (sender.timestamp_at(0), Vec::new());
    sender.write(0, 8, true, &[1; 160], &mut out).unwrap();
    let one = Packet::parse(&out).unwrap();
    assert!(one.marker);
    assert_eq!(
        (one.payload_type, one.timestamp, one.ssrc),
        (8, first, sender.ssrc())
    );
    let sequence = one.sequence;
    sender
        .write(u64::from(u32::MAX) + 161, 8, false, &[1; 160], &mut out)
        .unwrap();
    let two = Packet::parse(&out).unwrap();
    assert_eq!(two.sequence, sequence.wrapping_add(1));
    assert_eq!(two.timestamp, first.wrapping_add(160), "timestamps wrap");
    assert_eq!((sender.packets(), sender.octets()), (2, 320));
}

#[test]
fn loss_late_and_duplicates_are_told_apart_over_the_wrap() {
    let now = origin();
    let mut receiver = Receiver::new();
    let seen: Vec<_> = [65_533u16, 65_534, 1, 65_535, 1, 2]
        .iter()
        .map(|&sequence| receiver.receive(now, &packet(sequence, 0), false))
        .collect();
    assert_eq!(
        seen,
        [
            Sequence::First,
            Sequence::Next { skipped: 0 },
            Sequence::Next { skipped: 2 },
            Sequence::Late,
            Sequence::Duplicate,
            Sequence::Next { skipped: 0 }
        ]
    );
    let stats = receiver.stats();
    // Expected 65533..=65538, six; five distinct and one double came.
    assert_eq!(
        (stats.packets, stats.lost, stats.late, stats.duplicates),
        (6, 0, 1, 1)
    );
    assert_eq!(receiver.extended_highest(), 65_536 + 2);
}

#[test]
fn the_fraction_lost_is_that_of_the_interval() {
    let now = origin();
    let mut receiver = Receiver::new();
    for sequence in 0..10 {
        receiver.receive(now, &packet(sequence, 0), false);
    }
    assert_eq!(receiver.take_fraction_lost(), 0);
    receiver.receive(now, &packet(13, 0), false);
    assert_eq!(receiver.take_fraction_lost(), 192, "three of four");
    assert_eq!(receiver.take_fraction_lost(), 0, "nothing expected since");
    assert_eq!(receiver.stats().lost, 3);
}

#[test]
fn jitter_follows_the_formula_of_the_standard() {
    let start = origin();
    let mut receiver = Receiver::new();
    // Packets of 20 ms; every second one comes 10 ms late, so |D| is 80 samples each time.
    let mut expected = 0.0f64;
    for n in 0..200u32 {
        let late = if n % 2 == 1 {
            Duration::from_millis(10)
        } else {
            Duration::ZERO
        };
        let now = start + Duration::from_millis(20) * n + late;
        receiver.receive(now, &packet(n as u16, n * 160), true);
        if n > 0 {
            expected += (80.0 - expected) / 16.0;
        }
    }
    let jitter = f64::from(receiver.stats().jitter);
    assert!((jitter - expected).abs() < 1.5, "{jitter} against {expected}");
}

#[test]
fn a_jump_needs_a_second_packet_and_a_new_source_begins_anew() {
    let now = origin();
    let mut receiver = Receiver::new();
    receiver.receive(now, &packet(1, 0), false);
    assert_eq!(receiver.receive(now, &packet(30_000, 0), false), Sequence::Jump);
    assert_eq!(receiver.stats().packets, 1);
    assert_eq!(
        receiver.receive(now, &packet(2, 0), false),
        Sequence::Next { skipped: 0 }
    );
    receiver.receive(now, &packet(40_000, 0), false);
    assert_eq!(receiver.receive(now, &packet(40_001, 0), false), Sequence::First);
    assert_eq!(receiver.stats().restarts, 1);
    let other = Packet {
        ssrc: 2,
        ..packet(5, 0)
    };
    assert_eq!(receiver.receive(now, &other, false), Sequence::First);
    assert_eq!(
        (receiver.ssrc(), receiver.stats().restarts, receiver.stats().lost),
        (Some(2), 2, 0)
    );
}

//! Tests of telephone events, with loss and reordering.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// The packets of some digits as the sender makes them: timestamp, marker, payload.
fn packets(digits: &str, pressed: Duration) -> Vec<(u32, bool, [u8; 4])> {
    let mut sender = DtmfSender::new();
    for digit in digits.chars() {
        assert!(sender.push(digit, pressed));
    }
    let mut packets = Vec::new();
    let mut frame = 0u64;
    while !sender.is_idle() {
        if let Some(packet) = sender.next(frame * 160) {
            packets.push((packet.began as u32, packet.marker, packet.payload));
        }
        frame += 1;
        assert!(frame < 100_000);
    }
    packets
}

fn digits<'a>(packets: impl IntoIterator<Item = &'a (u32, bool, [u8; 4])>) -> (String, usize) {
    let mut receiver = DtmfReceiver::new();
    let (mut text, mut ends) = (String::new(), 0);
    for (timestamp, marker, payload) in packets {
        for event in receiver
            .receive(*timestamp, *marker, payload)
            .into_iter()
            .flatten()
        {
            match event {
                DtmfEvent::Started { digit } => text.push(digit),
                DtmfEvent::Ended { .. } => ends += 1,
            }
        }
    }
    (text, ends)
}

#[test]
fn the_payload_is_that_of_the_standard() {
    let event = TelephoneEvent {
        event: 11,
        end: true,
        volume: 10,
        duration: 800,
    };
    assert_eq!(event.to_bytes(), [11, 0x8A, 0x03, 0x20]);
    assert_eq!(TelephoneEvent::parse(&[11, 0x8A, 0x03, 0x20]), Some(event));
    assert_eq!(event.digit(), Some('#'));
    assert_eq!(TelephoneEvent::parse(&[1, 2, 3]), None);
    assert_eq!((event_of('d'), event_of('x')), (Some(15), None));
}

#[test]
fn a_digit_of_100_ms_has_five_updates_of_which_the_last_comes_three_times() {
    let sent = packets("5", Duration::from_millis(100));
    assert_eq!(sent.len(), 7);
    let events: Vec<_> = sent
        .iter()
        .map(|(_, _, payload)| TelephoneEvent::parse(payload).unwrap())
        .collect();
    assert_eq!(
        events.iter().map(|event| event.duration).collect::<Vec<_>>(),
        [160, 320, 480, 640, 800, 800, 800]
    );
    assert_eq!(events.iter().filter(|event| event.end).count(), 3);
    assert!(
        sent[0].1 && sent[1..].iter().all(|(_, marker, _)| !marker),
        "only the first is marked"
    );
    assert!(
        sent.iter().all(|(timestamp, ..)| *timestamp == sent[0].0),
        "one timestamp"
    );
}

#[test]
fn each_digit_is_heard_once_whatever_is_lost_of_it() {
    let sent = packets("159*#0AD", Duration::from_millis(80));
    assert_eq!(digits(&sent), ("159*#0AD".into(), 8));
    let only = |keep: &dyn Fn(usize) -> bool| {
        let mut at = 0;
        let mut last = None;
        let kept: Vec<_> = sent
            .iter()
            .filter(|(timestamp, ..)| {
                at = if last == Some(*timestamp) { at + 1 } else { 0 };
                last = Some(*timestamp);
                keep(at)
            })
            .collect();
        digits(kept)
    };
    assert_eq!(only(&|at| at != 0), ("159*#0AD".into(), 8), "start lost");
    assert_eq!(
        only(&|at| at >= 5),
        ("159*#0AD".into(), 8),
        "only the last repeat of the end"
    );
    assert_eq!(only(&|at| at < 3), ("159*#0AD".into(), 0), "all ends lost");
}

#[test]
fn the_same_digit_twice_is_two_digits_and_a_late_packet_none() {
    let sent = packets("77", Duration::from_millis(60));
    assert_eq!(digits(&sent), ("77".into(), 2));
    let mut late = sent.clone();
    late.push(sent[0]);
    assert_eq!(digits(&late), ("77".into(), 2));
}

#[test]
fn a_very_long_digit_in_segments_is_one() {
    let mut receiver = DtmfReceiver::new();
    let payload = |end, duration| {
        TelephoneEvent {
            event: 3,
            end,
            volume: 0,
            duration,
        }
        .to_bytes()
    };
    assert!(receiver.receive(1_000, true, &payload(false, u16::MAX))[0].is_some());
    let next = 1_000 + u32::from(u16::MAX);
    assert_eq!(receiver.receive(next, false, &payload(false, 160)), [None; 2]);
    let [started, ended] = receiver.receive(next, false, &payload(true, 320));
    assert_eq!(started, None);
    let expected = crate::audio::duration_of(usize::from(u16::MAX) + 320);
    assert_eq!(
        ended,
        Some(DtmfEvent::Ended {
            digit: '3',
            duration: expected
        })
    );
}

#[test]
fn events_that_are_no_digits_are_counted_and_ignored() {
    let mut receiver = DtmfReceiver::new();
    assert_eq!(receiver.receive(1, true, &[16, 0, 0, 160]), [None; 2]);
    assert_eq!(receiver.receive(1, true, &[1]), [None; 2]);
    assert_eq!(receiver.others(), 2);
}

#[test]
fn the_queue_of_digits_to_send_is_bounded() {
    let mut sender = DtmfSender::new();
    assert!(!sender.push('x', Duration::from_millis(100)));
    assert!((0..64).all(|_| sender.push('1', Duration::from_millis(100))));
    assert!(!sender.push('1', Duration::from_millis(100)));
    sender.clear();
    assert!(sender.is_idle() && sender.next(0).is_none());
}

proptest! {
    #[test]
    fn with_any_loss_that_leaves_one_packet_each_digit_is_heard_once(
        text in "[0-9*#A-D]{1,10}",
        losses in prop::collection::vec(any::<bool>(), 200),
    ) {
        let sent = packets(&text, Duration::from_millis(80));
        let mut last = None;
        let kept: Vec<_> = sent
            .iter()
            .zip(losses)
            .filter(|((timestamp, ..), lost)| {
                // The first packet of each event that is not lost; if all are lost, its last.
                let first = last != Some(*timestamp);
                last = Some(*timestamp);
                first || !lost
            })
            .map(|(packet, _)| packet)
            .collect();
        prop_assert_eq!(digits(kept).0, text);
    }

    #[test]
    fn any_packets_are_taken_without_panic(
        packets in prop::collection::vec((any::<u32>(), any::<bool>(), prop::collection::vec(any::<u8>(), 0..6)), 0..50),
    ) {
        let mut receiver = DtmfReceiver::new();
        for (timestamp, marker, payload) in packets {
            receiver.receive(timestamp, marker, &payload);
        }
    }
}

//! Tests of compounds and of reports over simulated time.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::random::Random;
use crate::rtp::{Packet, Receiver, Sender};

#[expect(clippy::disallowed_methods, reason = "an origin for simulated time")]
fn origin() -> Instant {
    Instant::now()
}

#[test]
fn a_sender_report_with_name_and_bye_is_these_octets() {
    let compound = Compound {
        packets: vec![
            RtcpPacket::SenderReport {
                ssrc: 0x0102_0304,
                sender: SenderInfo {
                    ntp: 0x1122_3344_5566_7788,
                    timestamp: 160,
                    packets: 1,
                    octets: 160,
                },
                reports: vec![ReportBlock {
                    ssrc: 9,
                    fraction_lost: 128,
                    lost: -2,
                    highest: 65_540,
                    jitter: 7,
                    last_sr: 1,
                    delay: 2,
                }],
            },
            RtcpPacket::SourceDescription(vec![CanonicalName {
                ssrc: 0x0102_0304,
                name: "a@b".into(),
            }]),
            RtcpPacket::Bye {
                sources: vec![0x0102_0304],
            },
        ],
    };
    let bytes = compound.to_bytes();
    let expected: Vec<u8> = [
        &[
            0x81, 200, 0, 12, 1, 2, 3, 4, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
        ][..],
        &[0, 0, 0, 160, 0, 0, 0, 1, 0, 0, 0, 160],
        &[
            0, 0, 0, 9, 128, 0xFF, 0xFF, 0xFE, 0, 1, 0, 4, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2,
        ],
        &[0x81, 202, 0, 3, 1, 2, 3, 4, 1, 3, b'a', b'@', b'b', 0, 0, 0],
        &[0x81, 203, 0, 1, 1, 2, 3, 4],
    ]
    .concat();
    assert_eq!(bytes, expected);
    assert_eq!(Compound::parse(&bytes).unwrap(), compound);
    assert!(crate::rtp::is_rtcp(&bytes));
}

#[test]
fn bad_compounds_are_refused() {
    let rr = [0x80, 201, 0, 1, 0, 0, 0, 1];
    assert!(Compound::parse(&rr).is_ok());
    assert_eq!(Compound::parse(&[]), Err(RtcpError::Truncated { offset: 0 }));
    assert_eq!(Compound::parse(&rr[..7]), Err(RtcpError::Truncated { offset: 0 }));
    assert_eq!(
        Compound::parse(&[0x81, 203, 0, 1, 0, 0, 0, 1]),
        Err(RtcpError::FirstIsNoReport(203))
    );
    assert_eq!(
        Compound::parse(&[0x00, 201, 0, 1, 0, 0, 0, 1]),
        Err(RtcpError::Version {
            offset: 0,
            version: 0
        })
    );
    assert_eq!(
        Compound::parse(&[0x81, 201, 0, 1, 0, 0, 0, 1]),
        Err(RtcpError::Truncated { offset: 4 }),
        "a report is announced that is not there"
    );
    let padded = [0xA0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4];
    assert!(Compound::parse(&padded).is_ok());
    assert_eq!(
        Compound::parse(&[&padded[..], &rr].concat()),
        Err(RtcpError::Padding { offset: 0 }),
        "only the last packet is padded"
    );
    assert_eq!(Compound::parse(&rr.repeat(40)), Err(RtcpError::TooMany));
}

proptest! {
    #[test]
    fn any_octets_are_read_without_panic_and_reprinting_is_stable(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&octets);
    }

    #[test]
    fn any_body_of_a_known_type_is_read_without_panic(
        types in prop::collection::vec((200u8..205, 0u8..32, prop::collection::vec(any::<u8>(), 0..80)), 1..6),
    ) {
        let mut octets = Vec::new();
        for (packet_type, count, mut body) in types {
            body.truncate(body.len() & !3);
            octets.extend([0x80 | count, packet_type, 0, (body.len() / 4) as u8]);
            octets.extend(body);
        }
        check(&octets);
    }
}

fn check(octets: &[u8]) {
    if let Ok(compound) = Compound::parse(octets) {
        let once = Compound::parse(&compound.to_bytes());
        if let Ok(once) = once {
            assert_eq!(Compound::parse(&once.to_bytes()), Ok(once));
        }
    }
}

#[test]
fn reports_come_every_5_s_on_average_and_measure_loss_and_round_trip() {
    let start = origin();
    let mut random = Random::new(11);
    let (mut sender, mut far_sender) = (Sender::new(&mut random), Sender::new(&mut random));
    let mut receiver = Receiver::new();
    let mut reporter = Reporter::new(start, "near".into(), &mut random);
    assert!(reporter.due() >= start + Duration::from_millis(1_250));
    assert!(reporter.due() <= start + Duration::from_millis(3_750));

    let first = reporter.due();
    let empty = reporter.report(first, &sender, 0, &mut receiver, &mut random);
    assert!(matches!(&empty.packets[0], RtcpPacket::ReceiverReport { reports, .. } if reports.is_empty()));

    let mut out = Vec::new();
    sender.write(0, 0, true, &[0; 160], &mut out).unwrap();
    for n in [0u64, 1, 3] {
        far_sender.write(n * 160, 0, false, &[0; 160], &mut out).unwrap();
        if n == 1 {
            far_sender
                .write(2 * 160, 0, false, &[0; 160], &mut Vec::new())
                .unwrap();
        }
        receiver.receive(start, &Packet::parse(&out).unwrap(), true);
    }
    let report = reporter.report(reporter.due(), &sender, 160, &mut receiver, &mut random);
    let RtcpPacket::SenderReport {
        ssrc,
        sender: info,
        reports,
    } = &report.packets[0]
    else {
        panic!("a sender reports as sender")
    };
    assert_eq!((*ssrc, info.packets, info.octets), (sender.ssrc(), 1, 160));
    assert_eq!((reports[0].lost, reports[0].fraction_lost), (1, 64));

    let silent = reporter.report(reporter.due(), &sender, 160, &mut receiver, &mut random);
    assert!(
        matches!(silent.packets[0], RtcpPacket::ReceiverReport { .. }),
        "nothing sent since"
    );
    let gaps = (0..200).map(|_| {
        let before = reporter.due();
        reporter.report(before, &sender, 160, &mut receiver, &mut random);
        reporter.due() - before
    });
    let gaps: Vec<_> = gaps.collect();
    assert!(gaps.iter().all(|gap| (2_500..=7_500).contains(&gap.as_millis())));
    let mean = gaps.iter().sum::<Duration>() / 200;
    assert!((4_500..=5_500).contains(&mean.as_millis()), "{mean:?}");

    let mut far = Reporter::new(start, "far".into(), &mut random);
    let mut far_receiver = Receiver::new();
    assert!(!reporter.peer_left());
    let sent = start;
    let bye = far.goodbye(sent, &far_sender, 480, &mut far_receiver);
    reporter.receive(sent, sender.ssrc(), &bye);
    assert!(reporter.peer_left());
}

#[test]
fn the_round_trip_is_what_is_left_after_the_peers_delay() {
    let start = origin();
    let mut random = Random::new(5);
    let (mut near_sender, far_sender) = (Sender::new(&mut random), Sender::new(&mut random));
    near_sender.write(0, 0, true, &[0; 160], &mut Vec::new()).unwrap();
    let mut near = Reporter::new(start, "near".into(), &mut random);
    let mut far = Reporter::new(start + Duration::from_secs(77), "far".into(), &mut random);
    let mut heard = Receiver::new();
    heard.receive(
        start,
        &Packet {
            ssrc: near_sender.ssrc(),
            ..Packet::default()
        },
        true,
    );
    let at = |ms| start + Duration::from_millis(ms);
    let report = near.report(at(2_000), &near_sender, 0, &mut Receiver::new(), &mut random);
    far.receive(at(2_030), far_sender.ssrc(), &report);
    let answer = far.report(at(2_530), &far_sender, 0, &mut heard, &mut random);
    near.receive(at(2_560), near_sender.ssrc(), &answer);
    let measured = near.peer().round_trip.unwrap();
    let error = measured.abs_diff(Duration::from_millis(60));
    assert!(error < Duration::from_millis(1), "{measured:?}");
}

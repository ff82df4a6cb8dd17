//! Tests of a stream in simulated time.

use super::*;

#[expect(clippy::disallowed_methods, reason = "an origin for simulated time")]
fn origin() -> Instant {
    Instant::now()
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn agreed(port: u16) -> Agreed {
    Agreed {
        rtp: address(port),
        rtcp: address(port + 1),
        mux: false,
        law: Law::Mu,
        payload_type: 0,
        event_type: Some(101),
        send: true,
        receive: true,
    }
}

fn stream(now: Instant, seed: u64) -> AudioStream {
    AudioStream::new(now, LatchPolicy::SameHost, "test".into(), Random::new(seed))
}

/// All that is due: channel, destination, bytes.
fn drain(stream: &mut AudioStream, now: Instant) -> Vec<(Channel, SocketAddr, Vec<u8>)> {
    let mut sent = Vec::new();
    while let Some(out) = stream.poll_transmit(now, &mut |_| true) {
        sent.push((out.channel, out.destination, out.payload.to_vec()));
    }
    sent
}

#[test]
fn frames_are_paced_from_the_start_without_drift() {
    let start = origin();
    let mut stream = stream(start, 1);
    assert_eq!(stream.poll_timeout(), None);
    stream.agree(start, agreed(4_000));
    let (mut frames, mut first) = (0u32, None);
    // The driver wakes at odd times, always a little late.
    for wake in 0..1_000u64 {
        let now = start + Duration::from_micros(wake * 20_000 + wake * 7_919 % 15_000);
        for (channel, _, bytes) in drain(&mut stream, now) {
            if channel == Channel::Rtp {
                let packet = Packet::parse(&bytes).unwrap();
                let base = *first.get_or_insert(packet.timestamp);
                assert_eq!(packet.timestamp.wrapping_sub(base), frames * 160);
                assert_eq!(packet.marker, frames == 0);
                frames += 1;
            }
        }
    }
    assert_eq!(frames, 1_000);
    assert_eq!(stream.stats().skipped_frames, 0);
}

#[test]
fn a_late_driver_makes_up_for_little_and_skips_the_rest() {
    let start = origin();
    let mut stream = stream(start, 1);
    stream.agree(start, agreed(4_000));
    let first = Packet::parse(&drain(&mut stream, start)[0].2).unwrap().timestamp;
    let late = drain(&mut stream, start + Duration::from_millis(60));
    assert_eq!(late.len(), 3, "made up");
    let very_late = drain(&mut stream, start + Duration::from_millis(1_060));
    assert_eq!(very_late.len(), 10);
    assert_eq!(stream.stats().skipped_frames, 40);
    let last = Packet::parse(&very_late[9].2).unwrap().timestamp;
    assert_eq!(last.wrapping_sub(first), 53 * 160, "the timestamp tells the gap");
}

#[test]
fn audio_goes_from_one_stream_to_the_other_and_strangers_are_rejected() {
    let start = origin();
    let (mut near, mut far) = (stream(start, 1), stream(start, 2));
    near.agree(start, agreed(4_000));
    far.agree(start, agreed(5_000));
    let sent = near.poll_transmit(start, &mut |frame| {
        frame.fill(1_004);
        true
    });
    let bytes = sent.unwrap().payload.to_vec();
    assert_eq!(
        far.handle_rtp(start, "10.9.9.9:5000".parse().unwrap(), &bytes),
        Received::Nothing
    );
    let Received::Audio {
        law: Law::Mu,
        payload,
        sequence: Sequence::First,
        ..
    } = far.handle_rtp(start, address(5_000), &bytes)
    else {
        panic!("audio of a peer is received")
    };
    assert_eq!(payload, [Law::Mu.encode_sample(1_004); 160]);
    assert_eq!(
        far.handle_rtp(start, address(5_000), &bytes),
        Received::Nothing,
        "a duplicate"
    );
    assert_eq!(
        far.handle_rtp(start, address(5_000), &[1, 2, 3]),
        Received::Nothing
    );
    let mut unknown = bytes.clone();
    unknown[1] = 18;
    assert_eq!(far.handle_rtp(start, address(5_000), &unknown), Received::Nothing);
    let stats = far.stats();
    assert_eq!(
        (stats.rejected, stats.malformed, stats.unknown_payload),
        (1, 1, 1)
    );
    assert_eq!((stats.received.packets, stats.received.duplicates), (2, 1));
}

/// A packet of audio that a stream with a peer sends.
fn spoken(stream: &mut AudioStream, now: Instant) -> Vec<u8> {
    drain(stream, now)
        .into_iter()
        .find(|(channel, ..)| *channel == Channel::Rtp)
        .unwrap()
        .2
}

fn is_heard(stream: &mut AudioStream, now: Instant, from: SocketAddr, packet: &[u8]) -> bool {
    matches!(stream.handle_rtp(now, from, packet), Received::Audio { .. })
}

#[test]
fn the_answer_goes_where_the_peer_really_sends_from() {
    let start = origin();
    let (mut near, mut far) = (stream(start, 1), stream(start, 2));
    near.agree(start, agreed(4_000));
    far.agree(start, agreed(5_000));
    for frame in 0..5 {
        let now = start + FRAME * frame;
        assert_eq!(drain(&mut far, now)[0].1, address(5_000));
        let packet = spoken(&mut near, now);
        assert_eq!(is_heard(&mut far, now, address(6_100), &packet), frame == 4);
    }
    let now = start + FRAME * 5;
    assert_eq!(drain(&mut far, now)[0].1, address(6_100));
    assert_eq!(far.stats().rejected, 4, "before it was believed");
    let bye = far.goodbye(now).unwrap();
    assert_eq!((bye.channel, bye.destination), (Channel::Rtcp, address(6_101)));
    far.agree(now, agreed(5_002));
    assert_eq!(
        far.goodbye(now).unwrap().destination,
        address(5_003),
        "signaling moved it"
    );
}

#[test]
fn the_last_packets_of_a_peer_left_behind_take_neither_ear_nor_voice_from_the_new_one() {
    let start = origin();
    let (mut old, mut new, mut phone) = (stream(start, 1), stream(start, 2), stream(start, 3));
    old.agree(start, agreed(3_000));
    new.agree(start, agreed(3_000));
    phone.agree(start, agreed(4_000));
    assert!(is_heard(
        &mut phone,
        start,
        address(4_000),
        &spoken(&mut old, start)
    ));
    drain(&mut phone, start);

    phone.agree(start, agreed(5_000));
    for frame in 1..3 {
        let now = start + FRAME * frame;
        let packet = spoken(&mut old, now);
        assert!(!is_heard(&mut phone, now, address(4_000), &packet));
        assert_eq!(
            drain(&mut phone, now)[0].1,
            address(5_000),
            "not to the port that closes"
        );
    }
    for frame in 3..6 {
        let now = start + FRAME * frame;
        let packet = spoken(&mut new, now);
        assert!(
            is_heard(&mut phone, now, address(5_000), &packet),
            "from its first packet on"
        );
        let packet = spoken(&mut old, now);
        assert!(!is_heard(&mut phone, now, address(4_000), &packet));
        assert_eq!(drain(&mut phone, now)[0].1, address(5_000));
    }
    assert_eq!(phone.stats().rejected, 5);
}

#[test]
fn digits_take_the_place_of_audio_and_arrive_once() {
    let start = origin();
    let (mut near, mut far) = (stream(start, 1), stream(start, 2));
    near.agree(start, agreed(4_000));
    far.agree(start, agreed(5_000));
    assert!(near.dtmf().push('4', Duration::from_millis(100)));
    assert!(near.dtmf().push('2', Duration::from_millis(100)));
    let (mut heard, mut audio) = (String::new(), 0);
    for frame in 0..40 {
        let now = start + FRAME * frame;
        for (channel, _, bytes) in drain(&mut near, now) {
            assert_eq!(channel, Channel::Rtp);
            match far.handle_rtp(now, address(5_000), &bytes) {
                Received::Events(events) => {
                    for event in events.into_iter().flatten() {
                        if let DtmfEvent::Started { digit } = event {
                            heard.push(digit);
                        }
                    }
                }
                Received::Audio { .. } => audio += 1,
                Received::Nothing => {}
            }
        }
    }
    assert_eq!((heard.as_str(), audio), ("42", 40 - 2 * 7));
    assert_eq!(far.stats().received.lost, 0, "one sequence for both");
}

#[test]
fn on_hold_nothing_is_sent_but_time_and_reports_go_on() {
    let start = origin();
    let mut stream = stream(start, 1);
    stream.agree(
        start,
        Agreed {
            send: false,
            mux: true,
            ..agreed(4_000)
        },
    );
    let mut asked = 0;
    let mut reports = Vec::new();
    for frame in 0..500 {
        let now = start + FRAME * frame;
        while let Some(out) = stream.poll_transmit(now, &mut |_| {
            asked += 1;
            true
        }) {
            assert_eq!(
                (out.channel, out.destination),
                (Channel::Rtp, address(4_000)),
                "reports share the port"
            );
            assert!(is_rtcp(out.payload));
            reports.push(now);
        }
    }
    assert_eq!(asked, 500);
    assert!((2..=5).contains(&reports.len()), "{}", reports.len());
}

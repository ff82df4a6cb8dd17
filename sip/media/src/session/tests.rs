//! Tests of operations in simulated time, against a peer that is a stream itself.

mod typed;

use std::time::Duration;

use proptest::prelude::*;
use sip::media::{MediaPrompt, ToneKind};

use super::*;
use crate::audio::{FRAME, Frame, SILENCE, tone_share};
use crate::g711::Law;
use crate::pcm::Pcm;
use crate::tone::sine_wave;

#[expect(clippy::disallowed_methods, reason = "an origin for simulated time")]
fn origin() -> Instant {
    Instant::now()
}

/// A session and its peer, wired together, and what each of them got.
struct Call {
    now: Instant,
    start: Instant,
    session: Session,
    peer: AudioStream,
    heard: Vec<i16>,
    events: Vec<(u128, SessionEvent)>,
}

fn agreed(port: u16) -> Agreed {
    Agreed {
        rtp: SocketAddr::from(([127, 0, 0, 1], port)),
        rtcp: SocketAddr::from(([127, 0, 0, 1], port)),
        mux: true,
        law: Law::A,
        payload_type: 8,
        event_type: Some(101),
        send: true,
        receive: true,
    }
}

impl Call {
    fn new() -> Self {
        let mut call = Call::unanswered();
        call.session.agree(call.now, agreed(5_000));
        call
    }

    fn unanswered() -> Self {
        let now = origin();
        let mut store = PromptStore::default();
        store
            .insert("hello", sine_wave(600.0, 8_000, Duration::from_millis(200)))
            .unwrap();
        store
            .insert("menu", sine_wave(1_000.0, 8_000, Duration::from_millis(300)))
            .unwrap();
        store.insert("odd", Pcm::from(vec![1_000; 170])).unwrap();
        let mut peer = AudioStream::new(now, LatchPolicy::SameHost, "peer".into(), Random::new(2));
        peer.agree(now, agreed(4_000));
        let session = Session::new(now, LatchPolicy::SameHost, Arc::new(store), Random::new(1));
        Call {
            now,
            start: now,
            session,
            peer,
            heard: Vec::new(),
            events: Vec::new(),
        }
    }

    fn run(&mut self, op: u64, request: MediaRequest) {
        self.session.run(self.now, OpId(op), request);
        self.collect_events();
    }

    fn press(&mut self, digits: &str) {
        for digit in digits.chars() {
            assert!(self.peer.dtmf().push(digit, Duration::from_millis(40)));
        }
    }

    /// Lets time pass in steps of 10 ms.
    fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(10);
            while let Some(out) = self.peer.poll_transmit(self.now, &mut |_| false) {
                self.session.handle_rtp(self.now, agreed(5_000).rtp, out.payload);
            }
            self.session.handle_timeout(self.now);
            let mut sent = Vec::new();
            while let Some(out) = self.session.poll_transmit(self.now) {
                sent.push(out.payload.to_vec());
            }
            for datagram in sent {
                if let Received::Audio { law, payload, .. } =
                    self.peer.handle_rtp(self.now, agreed(4_000).rtp, &datagram)
                {
                    self.heard.extend(law.decode(payload));
                }
            }
            self.collect_events();
        }
    }

    fn collect_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            self.events.push(((self.now - self.start).as_millis(), event));
        }
    }

    fn ends(&self) -> Vec<(u128, MediaResult)> {
        self.events
            .iter()
            .filter_map(|(at, event)| match event {
                SessionEvent::Ended { result, .. } => Some((*at, result.clone())),
                _ => None,
            })
            .collect()
    }

    fn keys(&self) -> String {
        self.events
            .iter()
            .filter_map(|(_, event)| match event {
                SessionEvent::Digit(Digit(digit)) => Some(*digit),
                _ => None,
            })
            .collect()
    }
}

fn prompt(source: &str, interruptible: bool) -> MediaPrompt {
    MediaPrompt {
        source: source.into(),
        interruptible,
    }
}

fn play(prompts: &[(&str, bool)]) -> MediaRequest {
    MediaRequest::Play {
        prompts: prompts
            .iter()
            .map(|(source, free)| prompt(source, *free))
            .collect(),
    }
}

fn collect(prompts: &[(&str, bool)], max_digits: u8, total: Option<u64>) -> MediaRequest {
    MediaRequest::Collect {
        prompts: prompts
            .iter()
            .map(|(source, free)| prompt(source, *free))
            .collect(),
        max_digits,
        terminators: "#*".into(),
        first_timeout: Duration::from_millis(3_000),
        digit_timeout: Duration::from_millis(1_000),
        total_timeout: total.map(Duration::from_millis),
    }
}

fn digits(digits: &str, last: Option<char>) -> MediaResult {
    MediaResult::Digits {
        digits: digits.into(),
        last,
    }
}

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

#[test]
fn prompts_are_heard_sample_for_sample_as_g711_leaves_them() {
    let mut call = Call::new();
    call.run(1, play(&[("hello", false), ("odd", false), ("menu", false)]));
    call.advance(ms(700));
    let mut expected = sine_wave(600.0, 8_000, ms(200)).samples().to_vec();
    expected.extend([1_000; 170]);
    expected.extend([0; 150]);
    expected.extend(sine_wave(1_000.0, 8_000, ms(300)).samples());
    let expected: Vec<i16> = expected
        .into_iter()
        .map(|sample| Law::A.quantize(sample))
        .collect();
    assert_eq!(call.heard[..expected.len()], expected);
    assert_eq!(call.ends(), [(540, MediaResult::Completed)], "27 frames");
}

#[test]
fn a_prompt_that_is_not_there_fails_with_its_name() {
    let mut call = Call::new();
    call.run(1, play(&[("hello", false), ("../secret", false)]));
    call.run(
        2,
        MediaRequest::Music {
            source: Some("absent".into()),
            duration: None,
        },
    );
    let reasons: Vec<_> = call
        .ends()
        .into_iter()
        .map(|(_, result)| match result {
            MediaResult::Failed { reason } => reason,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(
        reasons[0].contains("../secret") && reasons[1].contains("absent"),
        "{reasons:?}"
    );
    assert!(
        call.events
            .iter()
            .all(|(_, event)| !matches!(event, SessionEvent::Started { .. }))
    );
}

#[test]
fn a_key_ends_an_interruptible_prompt_and_no_other() {
    let mut call = Call::new();
    call.run(1, play(&[("hello", true), ("menu", true)]));
    call.advance(ms(50));
    call.press("5");
    call.advance(ms(200));
    assert_eq!(call.ends().len(), 1);
    assert_eq!(call.ends()[0].1, digits("5", None));
    assert!(call.ends()[0].0 <= 100);
    assert_eq!(call.keys(), "", "keys are reported while collecting only");

    let mut call = Call::new();
    call.run(1, play(&[("hello", false), ("menu", true), ("odd", false)]));
    call.advance(ms(50));
    call.press("5");
    call.advance(ms(600));
    let (at, result) = call.ends().remove(0);
    assert_eq!(result, digits("5", None));
    assert!(
        (240..=260).contains(&at),
        "hello (200 ms) and odd (40 ms) are played out: {at}"
    );
}

#[test]
fn a_key_told_by_signaling_counts_like_one_in_the_stream() {
    let mut call = Call::new();
    call.run(1, play(&[("hello", true), ("menu", true)]));
    call.session.press(call.now, 'x');
    call.session.press(call.now, '5');
    call.advance(ms(50));
    assert_eq!(call.ends(), [(10, digits("5", None))]);

    let mut call = Call::new();
    call.run(1, collect(&[("menu", true)], 3, None));
    call.session.press(call.now, '1');
    call.press("2");
    call.advance(ms(200));
    call.session.press(call.now, '#');
    call.advance(ms(50));
    assert_eq!(call.ends()[0].1, digits("12", Some('#')));
    assert_eq!(call.keys(), "12#");
}

#[test]
fn collecting_ends_with_the_last_digit_or_a_terminator() {
    let mut call = Call::new();
    call.run(1, collect(&[("menu", true)], 3, None));
    call.press("123");
    call.advance(ms(1_000));
    assert_eq!(call.ends()[0].1, digits("123", None));
    assert_eq!(call.keys(), "123");

    let mut call = Call::new();
    call.run(1, collect(&[("menu", true)], 3, None));
    call.press("1#");
    call.advance(ms(1_000));
    assert_eq!(call.ends()[0].1, digits("1", Some('#')));
    assert_eq!(call.keys(), "1#");
}

#[test]
fn a_collection_times_out_by_first_key_by_next_key_and_in_all() {
    let mut call = Call::new();
    call.run(1, collect(&[("menu", true)], 3, None));
    call.advance(ms(5_000));
    let (at, result) = call.ends().remove(0);
    assert_eq!(
        result,
        MediaResult::Timeout {
            digits: String::new()
        }
    );
    assert!(
        (3_300..=3_330).contains(&at),
        "first key, counted from the prompt's end: {at}"
    );

    let mut call = Call::new();
    call.run(1, collect(&[], 3, None));
    call.advance(ms(500));
    call.press("7");
    call.advance(ms(3_000));
    let (at, result) = call.ends().remove(0);
    assert_eq!(result, MediaResult::Timeout { digits: "7".into() });
    assert!((1_500..=1_550).contains(&at), "next key: {at}");

    let mut call = Call::new();
    call.run(1, collect(&[], 20, Some(2_000)));
    for _ in 0..10 {
        call.press("1");
        call.advance(ms(500));
    }
    let (at, result) = call.ends().remove(0);
    assert_eq!(
        result,
        MediaResult::Timeout {
            digits: "1111".into()
        }
    );
    assert!((2_000..=2_010).contains(&at), "in all: {at}");
}

#[test]
fn keys_during_a_prompt_that_may_not_be_interrupted_count_after_it() {
    let mut call = Call::new();
    call.run(1, collect(&[("menu", false)], 2, None));
    call.press("12");
    call.advance(ms(1_000));
    let (at, result) = call.ends().remove(0);
    assert_eq!(result, digits("12", None));
    assert!((300..=330).contains(&at), "the prompt was played out: {at}");

    let mut call = Call::new();
    call.run(1, collect(&[("menu", false)], 2, None));
    call.press("1");
    call.advance(ms(2_000));
    let (at, result) = call.ends().remove(0);
    assert_eq!(result, MediaResult::Timeout { digits: "1".into() });
    assert!(
        (1_300..=1_330).contains(&at),
        "the time between keys starts with the prompt's end: {at}"
    );
}

#[test]
fn stop_and_replace_end_with_what_is_there() {
    let mut call = Call::new();
    call.run(1, collect(&[], 5, None));
    call.press("42");
    call.advance(ms(500));
    call.session.stop();
    call.run(
        2,
        MediaRequest::Music {
            source: None,
            duration: None,
        },
    );
    call.run(3, MediaRequest::Silence { duration: None });
    call.session.stop();
    call.session.stop();
    call.collect_events();
    let results: Vec<_> = call.ends().into_iter().map(|(_, result)| result).collect();
    assert_eq!(
        results,
        [digits("42", None), MediaResult::Completed, MediaResult::Completed]
    );
}

#[test]
fn music_and_tones_sound_until_their_time_is_over() {
    let mut call = Call::new();
    call.run(
        1,
        MediaRequest::Tone {
            kind: ToneKind::Busy,
            duration: Some(ms(1_990)),
        },
    );
    call.advance(ms(2_100));
    assert_eq!(call.ends()[0].1, MediaResult::Completed);
    assert!(
        (2_000..=2_020).contains(&call.ends()[0].0),
        "in whole frames: {}",
        call.ends()[0].0
    );
    assert!(tone_share(&call.heard[..4_000], 425.0) > 0.9);
    assert!(
        tone_share(&call.heard[8_000..12_000], 425.0) > 0.9,
        "again after the pause"
    );

    let mut call = Call::new();
    call.run(
        1,
        MediaRequest::Music {
            source: Some("menu".into()),
            duration: None,
        },
    );
    call.advance(ms(3_000));
    assert!(call.ends().is_empty());
    assert!(
        tone_share(&call.heard[16_000..24_000], 1_000.0) > 0.95,
        "from its start again and again"
    );
}

#[test]
fn an_operation_waits_for_the_peers_description() {
    let mut call = Call::unanswered();
    call.run(1, play(&[("hello", false)]));
    call.advance(ms(500));
    assert!(call.events.is_empty() && call.heard.is_empty());
    call.session.agree(call.now, agreed(5_000));
    call.advance(ms(500));
    assert_eq!(call.events[0].1, SessionEvent::Started { op: OpId(1) });
    assert_eq!(call.ends()[0].1, MediaResult::Completed);
    assert!(call.ends()[0].0 >= 700);
}

#[test]
fn silence_is_sent_when_nothing_runs_and_a_debug_print_shows_no_keys() {
    let mut call = Call::new();
    call.advance(ms(200));
    assert_eq!(call.heard.len(), 20 / 2 * 160 + 160);
    assert!(call.heard.iter().all(|sample| *sample == Law::A.quantize(0)));
    call.run(1, collect(&[], 9, None));
    call.press("913");
    call.advance(ms(900));
    let text = format!("{:?} {:?}", call.session.running, call.events);
    assert!(
        call.keys() == "913" && !text.contains("913") && !text.contains("'9'"),
        "{text}"
    );
}

fn any_request() -> impl Strategy<Value = MediaRequest> {
    let prompts = prop::collection::vec(
        (
            prop::sample::select(vec!["hello", "menu", "odd", "absent"]),
            any::<bool>(),
        ),
        0..4,
    );
    (prompts, 0u8..4, 0u64..500, 0u8..5).prop_map(|(prompts, max, time, kind)| match kind {
        0 => play(&prompts),
        1 => collect(&prompts, max, Some(time)),
        2 => MediaRequest::Music {
            source: None,
            duration: Some(ms(time)),
        },
        3 => MediaRequest::Silence {
            duration: Some(ms(time)),
        },
        _ => collect(&prompts, max, None),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_operation_ends_exactly_once(
        steps in prop::collection::vec((any_request(), "[0-9#]{0,3}", 0u64..800, any::<bool>()), 1..6),
    ) {
        let mut call = Call::new();
        let count = steps.len();
        for (op, (request, keys, time, stop)) in steps.into_iter().enumerate() {
            call.run(op as u64, request);
            call.press(&keys);
            call.advance(ms(time));
            if stop {
                call.session.stop();
            }
        }
        call.advance(ms(10_000));
        prop_assert_eq!(call.ends().len(), count);
        let mut running = None;
        for (_, event) in &call.events {
            match event {
                SessionEvent::Started { op } => {
                    prop_assert!(running.is_none());
                    running = Some(*op);
                }
                SessionEvent::Ended { op, result } => {
                    let failed = matches!(result, MediaResult::Failed { .. });
                    prop_assert!(failed || running == Some(*op));
                    running = None;
                }
                SessionEvent::Digit(_) => prop_assert!(running.is_some()),
            }
        }
    }
}

#[test]
fn a_frame_is_what_the_prompt_says_and_silence_after_it() {
    let mut call = Call::new();
    call.run(1, play(&[("odd", false)]));
    call.advance(ms(100));
    let frame: Frame = call.heard[..160].try_into().unwrap();
    assert!(frame != SILENCE.map(|sample| Law::A.quantize(sample)));
    assert_eq!(call.now - call.start, FRAME * 5);
}

//! A caller hears what the server plays, and the server what the caller presses.

use std::sync::Arc;
use std::time::Duration;

use media::g711::Law;
use media::pcm::Pcm;
use media::phone::{PhoneConfig, Phones, RtpEndpoint, Talk};
use media::prompt::PromptStore;
use media::server::{LocalMedia, LocalMediaConfig, LocalMediaHandle};
use media::tone::sine_wave;
use sip::media::{
    MediaCommand, MediaEvent, MediaId, MediaPrompt, MediaRequest, MediaResult, MediaServer, OpId,
};

pub(crate) const ID: MediaId = MediaId(1);

pub(crate) fn now() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}

pub(crate) async fn next(media: &mut LocalMedia) -> MediaEvent {
    std::future::poll_fn(|cx| media.poll_event(now(), cx)).await
}

pub(crate) fn tell(media: &mut LocalMedia, command: MediaCommand) {
    media.handle_command(now(), command);
}

fn greeting() -> Pcm {
    // Two tones and a ramp: nothing that looks the same when it is shifted.
    let mut samples = sine_wave(440.0, 6_000, Duration::from_millis(300))
        .samples()
        .to_vec();
    samples.extend((0..1_601).map(|n| (n * 17 % 20_000 - 10_000) as i16));
    samples.extend(sine_wave(1_200.0, 9_000, Duration::from_millis(155)).samples());
    samples.into()
}

pub(crate) fn start(config: LocalMediaConfig) -> (LocalMedia, LocalMediaHandle) {
    let mut prompts = PromptStore::default();
    prompts.insert("greeting", greeting()).unwrap();
    LocalMedia::start(config, Arc::new(prompts))
}

pub(crate) async fn call(media: &mut LocalMedia, caller: &mut RtpEndpoint, id: MediaId) {
    tell(
        media,
        MediaCommand::Open {
            id,
            offer: Some(caller.offer()),
        },
    );
    match next(media).await {
        MediaEvent::Opened { sdp, .. } => caller.take_answer(&sdp).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn prompt(source: &str, interruptible: bool) -> Vec<MediaPrompt> {
    vec![MediaPrompt {
        source: source.into(),
        interruptible,
    }]
}

/// Where the prompt begins in what was heard: after the silence before it.
fn find(heard: &[i16], prompt: &[i16]) -> Option<usize> {
    heard.windows(prompt.len()).position(|window| window == prompt)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_hears_the_prompt_sample_for_sample() {
    for law in [Law::A, Law::Mu] {
        let (mut media, _handle) = start(LocalMediaConfig::default());
        let phones = Phones::start(PhoneConfig::default().with_laws(vec![law]));
        let mut caller = phones.endpoint().await.unwrap();
        caller.record(true);
        call(&mut media, &mut caller, ID).await;
        let request = MediaRequest::Play {
            prompts: prompt("greeting", false),
        };
        tell(
            &mut media,
            MediaCommand::Run {
                id: ID,
                op: OpId(9),
                request,
            },
        );
        assert!(matches!(
            next(&mut media).await,
            MediaEvent::Started { op: OpId(9), .. }
        ));
        let ended = next(&mut media).await;
        assert!(
            matches!(
                ended,
                MediaEvent::Ended {
                    result: MediaResult::Completed,
                    ..
                }
            ),
            "{ended:?}"
        );
        let expected: Vec<i16> = greeting()
            .samples()
            .iter()
            .map(|sample| law.quantize(*sample))
            .collect();
        let heard = loop {
            caller.stats().await.unwrap();
            let heard = caller.recording().await.unwrap();
            if find(&heard, &expected).is_some() {
                break heard;
            }
            assert!(
                heard.len() < 80_000,
                "ten seconds heard, and the prompt was not among them"
            );
        };
        let before = find(&heard, &expected).unwrap();
        assert!(
            heard[..before].iter().all(|sample| *sample == law.quantize(0)),
            "silence before it"
        );
        let stats = caller.stats().await.unwrap();
        assert_eq!(
            (
                stats.stream.received.lost,
                stats.stream.rejected,
                stats.stream.unknown_payload
            ),
            (0, 0, 0)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn digits_pressed_during_a_prompt_are_collected() {
    let (mut media, _handle) = start(LocalMediaConfig::default());
    let phones = Phones::start(PhoneConfig::default());
    let mut caller = phones.endpoint().await.unwrap();
    call(&mut media, &mut caller, ID).await;
    let request = MediaRequest::Collect {
        prompts: prompt("greeting", true),
        max_digits: 8,
        terminators: "#".into(),
        first_timeout: Duration::from_secs(60),
        digit_timeout: Duration::from_secs(60),
        total_timeout: None,
    };
    tell(
        &mut media,
        MediaCommand::Run {
            id: ID,
            op: OpId(1),
            request,
        },
    );
    assert!(matches!(next(&mut media).await, MediaEvent::Started { .. }));
    caller.send_digits("2718#", Duration::from_millis(60));
    let mut pressed = String::new();
    let result = loop {
        match next(&mut media).await {
            MediaEvent::Digit { digit, .. } => pressed.push(digit),
            MediaEvent::Ended { result, .. } => break result,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(pressed, "2718#");
    assert!(
        result
            == MediaResult::Digits {
                digits: "2718".into(),
                last: Some('#')
            }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn digits_typed_during_an_announcement_are_collected_after_it() {
    let (mut media, _handle) = start(LocalMediaConfig::default());
    let phones = Phones::start(PhoneConfig::default());
    let mut caller = phones.endpoint().await.unwrap();
    call(&mut media, &mut caller, ID).await;
    let run = |op, request| MediaCommand::Run {
        id: ID,
        op: OpId(op),
        request,
    };
    let prompts = prompt("greeting", false);
    tell(&mut media, run(1, MediaRequest::Play { prompts }));
    assert!(matches!(next(&mut media).await, MediaEvent::Started { .. }));
    caller.send_digits("31#", Duration::from_millis(60));
    assert!(matches!(
        next(&mut media).await,
        MediaEvent::Ended {
            result: MediaResult::Completed,
            ..
        }
    ));
    while !caller.stats().await.unwrap().digits_sent {}
    let request = MediaRequest::Collect {
        prompts: prompt("greeting", true),
        max_digits: 8,
        terminators: "#".into(),
        first_timeout: Duration::from_secs(60),
        digit_timeout: Duration::from_secs(60),
        total_timeout: None,
    };
    tell(&mut media, run(2, request));
    assert!(matches!(next(&mut media).await, MediaEvent::Started { .. }));
    for key in "31#".chars() {
        assert!(matches!(next(&mut media).await, MediaEvent::Digit { digit, .. } if digit == key));
    }
    assert!(matches!(
        next(&mut media).await,
        MediaEvent::Ended { result: MediaResult::Digits { digits, last: Some('#') }, .. } if digits == "31"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_that_is_moved_hears_and_reaches_its_new_peer_while_the_old_one_still_plays() {
    let (mut media, _handle) = start(LocalMediaConfig::default());
    let phones = Phones::start(PhoneConfig::default());
    let (mut moved, mut agent) = (phones.endpoint().await.unwrap(), phones.endpoint().await.unwrap());
    call(&mut media, &mut moved, ID).await;
    let request = MediaRequest::Music {
        source: None,
        duration: None,
    };
    tell(
        &mut media,
        MediaCommand::Run {
            id: ID,
            op: OpId(1),
            request,
        },
    );
    while moved.stats().await.unwrap().loud_frames < 5 {}

    moved.talk(Talk::Loop(sine_wave(500.0, 8_000, Duration::from_millis(100))));
    let offer = agent.offer();
    let answer = moved.answer(&offer).unwrap();
    agent.take_answer(&answer).unwrap();
    let at_move = moved.stats().await.unwrap();
    while agent.stats().await.unwrap().loud_frames < 10 {}
    let after = loop {
        let stats = moved.stats().await.unwrap();
        if stats.frames >= at_move.frames + 10 && stats.stream.rejected >= 10 {
            break stats;
        }
    };
    assert_eq!(
        after.loud_frames, at_move.loud_frames,
        "no music, only the silent agent"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_offer_is_answered_by_a_phone_and_then_the_music_plays() {
    let (mut media, handle) = start(LocalMediaConfig::default());
    let phones = Phones::start(PhoneConfig::default());
    let mut agent = phones.endpoint().await.unwrap();
    tell(&mut media, MediaCommand::Open { id: ID, offer: None });
    let MediaEvent::Opened { sdp, .. } = next(&mut media).await else {
        panic!("no offer")
    };
    let request = MediaRequest::Music {
        source: None,
        duration: Some(Duration::from_millis(500)),
    };
    tell(
        &mut media,
        MediaCommand::Run {
            id: ID,
            op: OpId(1),
            request,
        },
    );
    let answer = agent.answer(&sdp).unwrap();
    tell(&mut media, MediaCommand::Answer { id: ID, sdp: answer });
    assert!(matches!(next(&mut media).await, MediaEvent::Started { .. }));
    assert!(matches!(
        next(&mut media).await,
        MediaEvent::Ended {
            result: MediaResult::Completed,
            ..
        }
    ));
    while agent.stats().await.unwrap().loud_frames < 20 {}
    let stats = handle.stats().await.unwrap();
    assert_eq!((stats.sessions, stats.opened, stats.refused), (1, 1, 0));
    assert!(
        stats.sent_packets >= 25 && stats.received_packets > 0,
        "{stats:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_phones_talk_hold_and_press_keys() {
    let phones = Phones::start(PhoneConfig::default());
    let (mut caller, mut agent) = (phones.endpoint().await.unwrap(), phones.endpoint().await.unwrap());
    let answer = agent.answer(&caller.offer()).unwrap();
    caller.take_answer(&answer).unwrap();
    caller.talk(Talk::Loop(sine_wave(500.0, 8_000, Duration::from_millis(100))));
    agent.talk(Talk::Nothing);
    caller.send_digits("19", Duration::from_millis(60));
    while agent.stats().await.unwrap().digits.0 != "19" {}
    while agent.stats().await.unwrap().loud_frames < 10 {}
    assert_eq!(caller.stats().await.unwrap().frames, 0, "the agent sends nothing");

    agent.talk(Talk::Silence);
    while caller.stats().await.unwrap().frames < 3 {}
    let answer = agent.answer(&caller.offer_hold(true)).unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("a=recvonly"));
    caller.take_answer(&answer).unwrap();
    // What was under way may still come; a frame later the agent is silent.
    agent.stats().await.unwrap();
    let sent = agent.stats().await.unwrap().stream.sent_packets;
    caller.stats().await.unwrap();
    assert_eq!(agent.stats().await.unwrap().stream.sent_packets, sent, "held");
    let answer = agent.answer(&caller.offer_hold(false)).unwrap();
    caller.take_answer(&answer).unwrap();
    while agent.stats().await.unwrap().stream.sent_packets == sent {}
}

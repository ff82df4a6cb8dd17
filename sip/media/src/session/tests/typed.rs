//! Tests of keys that are typed before they are asked for.

use super::*;

fn completed() -> MediaResult {
    MediaResult::Completed
}

fn results(call: &Call) -> Vec<MediaResult> {
    call.ends().into_iter().map(|(_, result)| result).collect()
}

fn music() -> MediaRequest {
    MediaRequest::Music {
        source: None,
        duration: Some(ms(100)),
    }
}

fn silence() -> MediaRequest {
    MediaRequest::Silence {
        duration: Some(ms(100)),
    }
}

#[test]
fn keys_during_an_announcement_that_may_not_be_interrupted_count_for_the_next_collection() {
    let mut call = Call::new();
    call.run(1, play(&[("menu", false)]));
    call.press("12#");
    call.advance(ms(400));
    assert_eq!(results(&call), [completed()], "it was played out");
    assert_eq!(call.keys(), "", "and nothing was collected yet");

    call.run(2, collect(&[("menu", true), ("hello", true)], 5, None));
    assert_eq!(
        call.ends()[1],
        (400, digits("12", Some('#'))),
        "at once, no prompt is heard"
    );
    assert_eq!(call.keys(), "12#", "reported as keys of the collection");
    let started = SessionEvent::Started { op: OpId(2) };
    let at = |wanted: &dyn Fn(&SessionEvent) -> bool| call.events.iter().position(|(_, event)| wanted(event));
    assert!(at(&|event| *event == started) < at(&|event| matches!(event, SessionEvent::Digit(_))));
}

#[test]
fn the_key_that_ends_an_announcement_counts_for_the_collection_after_it() {
    let mut call = Call::new();
    call.run(1, play(&[("menu", true)]));
    call.press("7");
    call.advance(ms(200));
    assert_eq!(results(&call), [digits("7", None)]);
    call.run(2, collect(&[("menu", true)], 1, None));
    assert_eq!(results(&call)[1], digits("7", None));
}

#[test]
fn a_key_between_two_operations_counts_too_and_the_rest_is_awaited() {
    let mut call = Call::new();
    call.run(1, play(&[("hello", false)]));
    call.advance(ms(300));
    call.press("4");
    call.advance(ms(200));
    call.run(2, collect(&[("menu", true)], 2, None));
    assert_eq!((results(&call).len(), call.keys().as_str()), (1, "4"));
    call.advance(ms(500));
    call.press("2");
    call.advance(ms(200));
    assert_eq!(results(&call)[1], digits("42", None));

    let mut call = Call::new();
    call.session.press(call.now, '4');
    call.run(1, collect(&[("menu", true)], 2, None));
    call.advance(ms(2_000));
    let timeout = MediaResult::Timeout { digits: "4".into() };
    assert_eq!(
        call.ends(),
        [(1_000, timeout)],
        "the prompt is skipped: the time between keys runs from the start"
    );
}

#[test]
fn prompts_of_the_collection_that_may_not_be_interrupted_are_heard_all_the_same() {
    let mut call = Call::new();
    call.run(1, play(&[("hello", false)]));
    call.press("5");
    call.advance(ms(300));
    call.run(
        2,
        collect(&[("hello", true), ("menu", false), ("hello", true)], 1, None),
    );
    call.heard.clear();
    call.advance(ms(600));
    let (at, result) = call.ends().remove(1);
    assert_eq!(result, digits("5", None));
    assert!((600..=620).contains(&at), "menu alone is 300 ms: {at}");
    assert!(tone_share(&call.heard[..2_000], 1_000.0) > 0.9);
}

#[test]
fn keys_that_a_collection_leaves_over_count_for_the_next_one() {
    let mut call = Call::new();
    call.run(1, play(&[("menu", false)]));
    for key in "12#34".chars() {
        call.session.press(call.now, key);
    }
    call.advance(ms(400));
    call.run(2, collect(&[], 9, None));
    call.run(3, collect(&[("menu", true)], 1, None));
    call.run(4, collect(&[("menu", false)], 1, None));
    call.session.press(call.now, '5');
    call.advance(ms(400));
    call.run(5, collect(&[], 1, None));
    assert_eq!(
        results(&call),
        [
            completed(),
            digits("12", Some('#')),
            digits("3", None),
            digits("4", None),
            digits("5", None)
        ]
    );
    assert_eq!(call.keys(), "12#345", "each is reported once");
}

#[test]
fn announcements_and_pauses_keep_keys_and_music_forgets_them() {
    let cases = [
        (play(&[("hello", true)]), true),
        (silence(), true),
        (music(), false),
        (
            MediaRequest::Tone {
                kind: ToneKind::Busy,
                duration: Some(ms(100)),
            },
            false,
        ),
    ];
    for (between, kept) in cases {
        let mut call = Call::new();
        call.run(1, play(&[("menu", false)]));
        call.session.press(call.now, '1');
        call.advance(ms(400));
        call.run(2, between.clone());
        call.advance(ms(300));
        assert_eq!(
            results(&call),
            [completed(), completed()],
            "a key typed before ends no later announcement"
        );
        call.run(3, collect(&[], 1, None));
        assert_eq!(call.keys(), if kept { "1" } else { "" }, "{between:?}");

        let mut call = Call::new();
        call.run(1, between.clone());
        call.session.press(call.now, '2');
        call.advance(ms(300));
        call.run(2, collect(&[], 1, None));
        assert_eq!(call.keys(), if kept { "2" } else { "" }, "{between:?}");
    }
}

#[test]
fn an_operation_that_cannot_run_forgets_nothing() {
    let mut call = Call::new();
    call.session.press(call.now, '1');
    let absent = MediaRequest::Music {
        source: Some("absent".into()),
        duration: None,
    };
    call.run(1, absent);
    call.run(2, collect(&[], 1, None));
    assert_eq!(results(&call)[1], digits("1", None));
}

#[test]
fn at_most_32_keys_are_kept_and_none_is_shown() {
    let mut call = Call::new();
    call.run(1, play(&[("hello", true), ("menu", false)]));
    for key in "0123456789".chars().cycle().take(40) {
        call.session.press(call.now, key);
    }
    let text = format!("{:?}", call.session);
    assert!(
        text.contains("TypedAhead(32)") && !text.contains("012345") && !text.contains("'0'"),
        "{text}"
    );
    call.advance(ms(400));
    call.run(2, collect(&[], 255, None));
    assert_eq!(call.keys(), "01234567890123456789012345678901");
}

//! The contract of a [`MediaServer`] as tests, for every implementation: see [`media_suite!`](crate::media_suite).

use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{
    MediaCommand, MediaEvent, MediaId, MediaPrompt, MediaRequest, MediaResult, MediaServer, OpId, RefusalKind,
};

/// A media server under test, and the time it lives in.
pub trait Fixture {
    /// The server.
    fn server(&mut self) -> &mut dyn MediaServer;

    /// The time.
    fn now(&self) -> Instant;

    /// Lets time pass, virtual or real.
    fn advance(&mut self, by: Duration);

    /// An offer that the server can answer: audio, G.711.
    fn offer(&self) -> Bytes {
        Bytes::from_static(
            b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
              m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        )
    }

    /// A prompt that exists and is short.
    fn prompt(&self) -> String {
        "prompt".to_owned()
    }
}

/// A server that needs nothing but the time it is told.
pub struct Virtual<M> {
    server: M,
    now: Instant,
}

impl<M: MediaServer> Virtual<M> {
    /// Starts a virtual clock.
    #[expect(
        clippy::disallowed_methods,
        reason = "an arbitrary start; only differences count"
    )]
    pub fn new(server: M) -> Self {
        Self {
            server,
            now: Instant::now(),
        }
    }
}

impl<M: MediaServer> Fixture for Virtual<M> {
    fn server(&mut self) -> &mut dyn MediaServer {
        &mut self.server
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
    }
}

const ID: MediaId = MediaId(7);

fn tell(fixture: &mut impl Fixture, command: MediaCommand) {
    let now = fixture.now();
    fixture.server().handle_command(now, command);
}

fn run(fixture: &mut impl Fixture, op: u64, request: MediaRequest) {
    tell(
        fixture,
        MediaCommand::Run {
            id: ID,
            op: OpId(op),
            request,
        },
    );
}

/// The next event within `limit` of the fixture's time.
fn next(fixture: &mut impl Fixture, limit: Duration) -> Option<MediaEvent> {
    let end = fixture.now() + limit;
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        let now = fixture.now();
        fixture.server().handle_timeout(now);
        if let Poll::Ready(event) = fixture.server().poll_event(now, &mut cx) {
            return Some(event);
        }
        if now >= end {
            return None;
        }
        fixture.advance(Duration::from_millis(5));
    }
}

fn soon(fixture: &mut impl Fixture) -> Option<MediaEvent> {
    next(fixture, Duration::from_secs(2))
}

fn open(fixture: &mut impl Fixture) {
    let offer = fixture.offer();
    tell(
        fixture,
        MediaCommand::Open {
            id: ID,
            offer: Some(offer),
        },
    );
    assert!(matches!(soon(fixture), Some(MediaEvent::Opened { id: ID, .. })));
}

fn music(duration: Option<Duration>) -> MediaRequest {
    MediaRequest::Silence { duration }
}

fn started(op: u64) -> Option<MediaEvent> {
    Some(MediaEvent::Started { id: ID, op: OpId(op) })
}

fn ended(op: u64, result: MediaResult) -> Option<MediaEvent> {
    Some(MediaEvent::Ended {
        id: ID,
        op: OpId(op),
        result,
    })
}

/// Opening with an offer gives an audio answer, without one an audio offer.
pub fn open_gives_a_description(mut fixture: impl Fixture) {
    for offer in [Some(fixture.offer()), None] {
        tell(&mut fixture, MediaCommand::Open { id: ID, offer });
        let Some(MediaEvent::Opened { id: ID, sdp }) = soon(&mut fixture) else {
            panic!("not opened")
        };
        let text = String::from_utf8_lossy(&sdp).into_owned();
        assert!(text.starts_with("v=0\r\n") && text.contains("m=audio "), "{text}");
        tell(&mut fixture, MediaCommand::Close { id: ID });
    }
}

/// An id names one endpoint.
pub fn open_of_an_open_id_is_refused(mut fixture: impl Fixture) {
    open(&mut fixture);
    tell(&mut fixture, MediaCommand::Open { id: ID, offer: None });
    assert_eq!(refusal(&mut fixture), RefusalKind::IdInUse);
    run(&mut fixture, 1, music(None));
    assert_eq!(soon(&mut fixture), started(1), "the endpoint goes on");
}

/// A description of the far side that cannot be used, and how it is refused.
const USELESS: [(&[u8], RefusalKind); 4] = [
    (
        b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
          m=audio 40000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n",
        RefusalKind::NoCommonMedia,
    ),
    (
        b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
          m=video 40000 RTP/AVP 31\r\n",
        RefusalKind::NoCommonMedia,
    ),
    (b"v=0\r\nno description\r\n", RefusalKind::BadDescription),
    (b"", RefusalKind::BadDescription),
];

fn refusal(fixture: &mut impl Fixture) -> RefusalKind {
    match soon(fixture) {
        Some(MediaEvent::Refused { id: ID, kind, .. }) => kind,
        other => panic!("not refused: {other:?}"),
    }
}

/// An offer that cannot be answered is refused with its kind, once, and leaves the id free.
pub fn a_useless_offer_is_refused_with_its_kind(mut fixture: impl Fixture) {
    for (sdp, kind) in USELESS {
        let offer = Some(Bytes::from_static(sdp));
        tell(&mut fixture, MediaCommand::Open { id: ID, offer });
        assert_eq!(refusal(&mut fixture), kind, "{:?}", String::from_utf8_lossy(sdp));
    }
    assert_eq!(next(&mut fixture, Duration::from_millis(200)), None);
    open(&mut fixture);
}

/// A useless answer ends what runs and the endpoint, with its kind.
pub fn a_useless_answer_is_refused_with_its_kind(mut fixture: impl Fixture) {
    for (sdp, kind) in USELESS {
        open(&mut fixture);
        run(&mut fixture, 1, music(None));
        assert_eq!(soon(&mut fixture), started(1));
        let sdp = Bytes::from_static(sdp);
        tell(&mut fixture, MediaCommand::Answer { id: ID, sdp });
        assert_eq!(soon(&mut fixture), ended(1, MediaResult::Completed));
        assert_eq!(refusal(&mut fixture), kind);
    }
}

/// Close frees the id at once, and nothing is heard of it any more.
pub fn close_is_silent_and_frees_the_id(mut fixture: impl Fixture) {
    open(&mut fixture);
    run(&mut fixture, 1, music(Some(Duration::from_millis(100))));
    tell(&mut fixture, MediaCommand::Close { id: ID });
    assert_eq!(next(&mut fixture, Duration::from_millis(500)), None);
    open(&mut fixture);
}

/// Commands for an id that is not open do nothing.
pub fn commands_for_an_unknown_id_are_ignored(mut fixture: impl Fixture) {
    run(&mut fixture, 1, music(None));
    tell(&mut fixture, MediaCommand::Stop { id: ID });
    let sdp = fixture.offer();
    tell(&mut fixture, MediaCommand::Answer { id: ID, sdp });
    tell(&mut fixture, MediaCommand::Close { id: ID });
    assert_eq!(next(&mut fixture, Duration::from_millis(200)), None);
}

/// A bounded operation reports its start, and its end not before its time.
pub fn a_bounded_operation_ends_at_its_time(mut fixture: impl Fixture) {
    open(&mut fixture);
    run(&mut fixture, 1, music(Some(Duration::from_millis(300))));
    let began = fixture.now();
    assert_eq!(soon(&mut fixture), started(1));
    assert_eq!(soon(&mut fixture), ended(1, MediaResult::Completed));
    assert!(
        fixture.now() - began >= Duration::from_millis(250),
        "ended after {:?}",
        fixture.now() - began
    );
    assert_eq!(
        next(&mut fixture, Duration::from_millis(200)),
        None,
        "it ends once"
    );
}

/// Stop ends what runs; a second stop does nothing.
pub fn stop_ends_the_running_operation_once(mut fixture: impl Fixture) {
    open(&mut fixture);
    run(&mut fixture, 1, music(None));
    assert_eq!(soon(&mut fixture), started(1));
    assert_eq!(
        next(&mut fixture, Duration::from_millis(300)),
        None,
        "it has no end of its own"
    );
    tell(&mut fixture, MediaCommand::Stop { id: ID });
    tell(&mut fixture, MediaCommand::Stop { id: ID });
    assert_eq!(soon(&mut fixture), ended(1, MediaResult::Completed));
    assert_eq!(next(&mut fixture, Duration::from_millis(200)), None);
}

/// A new operation replaces the running one: its end is reported before the new start.
pub fn run_replaces_the_running_operation(mut fixture: impl Fixture) {
    open(&mut fixture);
    run(&mut fixture, 1, music(None));
    run(&mut fixture, 2, music(None));
    assert_eq!(soon(&mut fixture), started(1));
    assert_eq!(soon(&mut fixture), ended(1, MediaResult::Completed));
    assert_eq!(soon(&mut fixture), started(2));
    assert_eq!(next(&mut fixture, Duration::from_millis(200)), None);
}

/// An announcement without prompts, and one with a short prompt, run to their end.
pub fn play_completes(mut fixture: impl Fixture) {
    open(&mut fixture);
    run(&mut fixture, 1, MediaRequest::Play { prompts: Vec::new() });
    assert_eq!(soon(&mut fixture), started(1));
    assert_eq!(soon(&mut fixture), ended(1, MediaResult::Completed));
    let source = fixture.prompt();
    run(
        &mut fixture,
        2,
        MediaRequest::Play {
            prompts: vec![MediaPrompt {
                source,
                interruptible: true,
            }],
        },
    );
    assert_eq!(soon(&mut fixture), started(2));
    assert_eq!(
        next(&mut fixture, Duration::from_secs(10)),
        ended(2, MediaResult::Completed)
    );
}

/// A collection without keys ends with a timeout, after the time for the first key.
pub fn collect_times_out_without_keys(mut fixture: impl Fixture) {
    open(&mut fixture);
    let began = fixture.now();
    run(
        &mut fixture,
        1,
        MediaRequest::Collect {
            prompts: Vec::new(),
            max_digits: 4,
            terminators: "#".to_owned(),
            first_timeout: Duration::from_millis(400),
            digit_timeout: Duration::from_millis(100),
            total_timeout: None,
        },
    );
    assert_eq!(soon(&mut fixture), started(1));
    assert_eq!(
        soon(&mut fixture),
        ended(
            1,
            MediaResult::Timeout {
                digits: String::new()
            }
        )
    );
    assert!(fixture.now() - began >= Duration::from_millis(350));
}

fn press(fixture: &mut impl Fixture, keys: &str) {
    for digit in keys.chars() {
        tell(fixture, MediaCommand::Press { id: ID, digit });
    }
}

/// Keys that are told outside of the stream are collected, up to the terminator; what is no key is not.
pub fn keys_out_of_band_are_collected(mut fixture: impl Fixture) {
    open(&mut fixture);
    run(
        &mut fixture,
        1,
        MediaRequest::Collect {
            prompts: Vec::new(),
            max_digits: 9,
            terminators: "#".to_owned(),
            first_timeout: Duration::from_secs(60),
            digit_timeout: Duration::from_secs(60),
            total_timeout: None,
        },
    );
    assert_eq!(soon(&mut fixture), started(1));
    press(&mut fixture, "4x\u{e9}D#7");
    for digit in ['4', 'D', '#'] {
        assert_eq!(soon(&mut fixture), Some(MediaEvent::Digit { id: ID, digit }));
    }
    let digits = MediaResult::Digits {
        digits: "4D".to_owned(),
        last: Some('#'),
    };
    assert_eq!(soon(&mut fixture), ended(1, digits));
    assert_eq!(next(&mut fixture, Duration::from_millis(200)), None);
}

/// Keys are nobody's where nothing is collected.
pub fn keys_out_of_band_mean_nothing_without_a_collection(mut fixture: impl Fixture) {
    press(&mut fixture, "1");
    open(&mut fixture);
    press(&mut fixture, "2");
    run(&mut fixture, 1, music(None));
    assert_eq!(soon(&mut fixture), started(1));
    press(&mut fixture, "3");
    assert_eq!(next(&mut fixture, Duration::from_millis(200)), None);
}

/// Tests that every [`MediaServer`] has to pass. The argument is a closure that makes a
/// [`Fixture`](crate::media::suite::Fixture); for a server that needs only the time it is told,
/// `|| sip::media::suite::Virtual::new(server)`.
#[macro_export]
macro_rules! media_suite {
    ($make:expr) => {
        $crate::media_suite!(@tests $make;
            open_gives_a_description
            open_of_an_open_id_is_refused
            a_useless_offer_is_refused_with_its_kind
            a_useless_answer_is_refused_with_its_kind
            close_is_silent_and_frees_the_id
            commands_for_an_unknown_id_are_ignored
            a_bounded_operation_ends_at_its_time
            stop_ends_the_running_operation_once
            run_replaces_the_running_operation
            play_completes
            collect_times_out_without_keys
            keys_out_of_band_are_collected
            keys_out_of_band_mean_nothing_without_a_collection
        );
    };
    (@tests $make:expr; $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                $crate::media::suite::$name(($make)());
            }
        )*
    };
}

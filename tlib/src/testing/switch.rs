//! The contract of [`Switch`](crate::Switch), one function per rule.
//!
//! Besides what the vocabulary's own documentation says:
//!
//! - legs that reach the switch have even numbers; each is offered once;
//! - a leg that `Failed` or was `Released` is never named again, and commands for it are ignored;
//! - `Reject`, `Redirect` and `Release` end a leg without an event;
//! - a treatment that is replaced, stopped, or cut by `Connect` is not reported as ended;
//! - a treatment that cannot be started is reported as ended with `Failed`, and the leg stays.

#![expect(
    clippy::panic,
    reason = "a contract suite fails by panicking, like every test"
)]

use std::time::Duration;

use super::{Behavior, SwitchFixture};
use crate::switch::{
    Cause, Collect, LegId, OfferMedia, Prompt, SwitchCommand, SwitchEvent, Treatment, TreatmentId,
    TreatmentResult,
};

/// An audio source that no fixture has.
pub const MISSING_SOURCE: &str = "no-such-source";

/// Longer than anything a fixture does by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the contract suite of [`Switch`](crate::Switch) on an implementation, one test per rule.
///
/// The argument is a function that makes a new [`SwitchFixture`](crate::testing::SwitchFixture).
#[macro_export]
macro_rules! switch_suite {
    ($make:expr) => {
        $crate::switch_suite! { $make =>
            an_offered_leg_is_even_and_carries_both_numbers
            a_caller_who_gives_up_is_reported_once
            a_rejected_leg_ends_without_an_event
            an_endpoint_that_answers_is_reported
            a_busy_endpoint_fails_with_busy
            an_unreachable_endpoint_fails_with_unreachable
            an_unknown_number_fails
            an_endpoint_that_rings_out_fails_with_no_answer
            a_released_leg_ends_without_an_event
            connected_legs_end_one_by_one
            an_announcement_starts_and_completes
            a_treatment_that_is_replaced_is_not_reported
            music_goes_on_until_legs_are_connected
            digits_are_collected_to_the_terminator
            digits_that_do_not_come_time_out
            an_unknown_source_fails_and_keeps_the_leg
            commands_for_a_leg_that_is_gone_are_ignored
        }
    };
    ($make:expr => $($test:ident)+) => {
        $(#[test]
        fn $test() {
            $crate::testing::switch::$test(&mut $make());
        })+
    };
}

/// The next event that is not about endpoints.
fn event(fixture: &mut impl SwitchFixture) -> Option<SwitchEvent> {
    loop {
        match fixture.next_event(PATIENCE)? {
            SwitchEvent::EndpointUp { .. } | SwitchEvent::EndpointDown { .. } => {}
            event => return Some(event),
        }
    }
}

fn expect(fixture: &mut impl SwitchFixture, expected: SwitchEvent) {
    assert_eq!(event(fixture), Some(expected));
}

fn expect_nothing(fixture: &mut impl SwitchFixture) {
    assert_eq!(event(fixture), None, "no event was due");
}

/// A caller's leg.
fn offered(fixture: &mut impl SwitchFixture) -> LegId {
    fixture.call("8000");
    match event(fixture) {
        Some(SwitchEvent::Offered { leg, .. }) => leg,
        other => panic!("expected Offered, got {other:?}"),
    }
}

fn offer(fixture: &mut impl SwitchFixture, leg: LegId, behavior: Behavior, media: OfferMedia) {
    let to = fixture.endpoint(behavior);
    fixture.command(SwitchCommand::Offer {
        leg,
        to,
        from: "0304711".to_owned(),
        media,
        auto_answer: false,
        timeout: Duration::from_secs(4),
        headers: Vec::new(),
    });
}

/// The next event that is not progress of the leg.
fn outcome(fixture: &mut impl SwitchFixture, leg: LegId) -> Option<SwitchEvent> {
    loop {
        match event(fixture)? {
            SwitchEvent::Ringing { leg: of } | SwitchEvent::EarlyMedia { leg: of } if of == leg => {}
            event => return Some(event),
        }
    }
}

fn treat(fixture: &mut impl SwitchFixture, leg: LegId, id: u64, action: Treatment) {
    let treatment = TreatmentId(id);
    fixture.command(SwitchCommand::Treat {
        leg,
        treatment,
        action,
    });
}

/// The next event about treatments; accepting a leg is confirmed by `Answered` at any time.
fn treatment_event(fixture: &mut impl SwitchFixture, leg: LegId) -> Option<SwitchEvent> {
    loop {
        match event(fixture)? {
            SwitchEvent::Answered { leg: of } if of == leg => {}
            event => return Some(event),
        }
    }
}

fn started(fixture: &mut impl SwitchFixture, leg: LegId, id: u64) {
    let treatment = TreatmentId(id);
    let expected = SwitchEvent::TreatmentStarted { leg, treatment };
    assert_eq!(treatment_event(fixture, leg), Some(expected));
}

fn ended(fixture: &mut impl SwitchFixture, leg: LegId, id: u64, result: TreatmentResult) {
    let treatment = TreatmentId(id);
    let expected = SwitchEvent::TreatmentEnded {
        leg,
        treatment,
        result,
    };
    assert_eq!(treatment_event(fixture, leg), Some(expected));
}

fn music() -> Treatment {
    Treatment::Music {
        source: None,
        duration: None,
    }
}

fn digits() -> Treatment {
    Treatment::Digits {
        prompts: Vec::new(),
        collect: Collect {
            max_digits: 8,
            terminators: "#".to_owned(),
            first_timeout: Duration::from_secs(2),
            digit_timeout: Duration::from_secs(2),
            total_timeout: None,
        },
    }
}

fn announcement(source: &str) -> Treatment {
    Treatment::Announcement {
        prompts: vec![Prompt {
            source: source.to_owned(),
            interruptible: false,
        }],
    }
}

/// A caller connected to an endpoint: both legs.
fn connected(fixture: &mut impl SwitchFixture) -> (LegId, LegId) {
    let caller = offered(fixture);
    let leg = LegId::from_engine(1);
    offer(fixture, leg, Behavior::Answers, OfferMedia::Leg(caller));
    assert_eq!(outcome(fixture, leg), Some(SwitchEvent::Answered { leg }));
    fixture.command(SwitchCommand::Connect { a: caller, b: leg });
    expect(fixture, SwitchEvent::Answered { leg: caller });
    (caller, leg)
}

/// A leg from outside has an even number and names who calls whom.
pub fn an_offered_leg_is_even_and_carries_both_numbers(fixture: &mut impl SwitchFixture) {
    fixture.call("8000");
    let Some(SwitchEvent::Offered { leg, call }) = event(fixture) else {
        panic!("no Offered")
    };
    assert_eq!(leg.get() % 2, 0);
    assert_eq!(call.to.as_str(), "8000");
    assert!(!call.from.is_empty());
    assert_eq!(call.origin, None);
}

/// A caller who gives up before the answer ends its leg with one event.
pub fn a_caller_who_gives_up_is_reported_once(fixture: &mut impl SwitchFixture) {
    let leg = offered(fixture);
    fixture.caller_hangs_up();
    let cause = Cause::Abandoned;
    expect(fixture, SwitchEvent::Released { leg, cause });
    expect_nothing(fixture);
}

/// `Reject` ends a leg without an event.
pub fn a_rejected_leg_ends_without_an_event(fixture: &mut impl SwitchFixture) {
    let leg = offered(fixture);
    let cause = Cause::Busy;
    fixture.command(SwitchCommand::Reject { leg, cause });
    expect_nothing(fixture);
}

/// An endpoint that answers is reported as answered, after any progress.
pub fn an_endpoint_that_answers_is_reported(fixture: &mut impl SwitchFixture) {
    let leg = LegId::from_engine(1);
    offer(fixture, leg, Behavior::Answers, OfferMedia::Late);
    assert_eq!(outcome(fixture, leg), Some(SwitchEvent::Answered { leg }));
    fixture.endpoint_hangs_up();
    let cause = Cause::Normal;
    expect(fixture, SwitchEvent::Released { leg, cause });
}

fn fails(fixture: &mut impl SwitchFixture, behavior: Behavior, cause: Cause) {
    let leg = LegId::from_engine(1);
    offer(fixture, leg, behavior, OfferMedia::Late);
    let expected = SwitchEvent::Failed { leg, cause };
    assert_eq!(outcome(fixture, leg), Some(expected));
    expect_nothing(fixture);
}

/// A busy endpoint fails the leg with [`Cause::Busy`].
pub fn a_busy_endpoint_fails_with_busy(fixture: &mut impl SwitchFixture) {
    fails(fixture, Behavior::Busy, Cause::Busy);
}

/// An endpoint that is not reachable fails the leg with [`Cause::Unreachable`].
pub fn an_unreachable_endpoint_fails_with_unreachable(fixture: &mut impl SwitchFixture) {
    fails(fixture, Behavior::Unreachable, Cause::Unreachable);
}

/// A number that nobody has fails the leg.
pub fn an_unknown_number_fails(fixture: &mut impl SwitchFixture) {
    let leg = LegId::from_engine(1);
    fixture.command(SwitchCommand::Offer {
        leg,
        to: "no-such-number".into(),
        from: "0304711".to_owned(),
        media: OfferMedia::Late,
        auto_answer: false,
        timeout: Duration::from_secs(4),
        headers: Vec::new(),
    });
    let result = outcome(fixture, leg);
    let failed = matches!(result, Some(SwitchEvent::Failed { leg: of, .. }) if of == leg);
    assert!(failed, "expected Failed, got {result:?}");
}

/// An endpoint that does not answer within the offer's timeout fails the leg with [`Cause::NoAnswer`].
pub fn an_endpoint_that_rings_out_fails_with_no_answer(fixture: &mut impl SwitchFixture) {
    fails(fixture, Behavior::Rings, Cause::NoAnswer);
}

/// `Release` ends a ringing leg without an event.
pub fn a_released_leg_ends_without_an_event(fixture: &mut impl SwitchFixture) {
    let leg = LegId::from_engine(1);
    offer(fixture, leg, Behavior::Rings, OfferMedia::Late);
    expect(fixture, SwitchEvent::Ringing { leg });
    let cause = Cause::Abandoned;
    fixture.command(SwitchCommand::Release { leg, cause });
    expect_nothing(fixture);
}

/// When one of two connected legs ends, the other stays until it is released.
pub fn connected_legs_end_one_by_one(fixture: &mut impl SwitchFixture) {
    let (caller, leg) = connected(fixture);
    fixture.endpoint_hangs_up();
    let cause = Cause::Normal;
    expect(fixture, SwitchEvent::Released { leg, cause });
    fixture.command(SwitchCommand::Release { leg: caller, cause });
    expect_nothing(fixture);
}

/// An announcement is reported when it starts and when it is over.
pub fn an_announcement_starts_and_completes(fixture: &mut impl SwitchFixture) {
    let leg = offered(fixture);
    treat(fixture, leg, 1, announcement("greeting.wav"));
    started(fixture, leg, 1);
    ended(fixture, leg, 1, TreatmentResult::Completed);
}

/// A replaced treatment is not reported as ended.
pub fn a_treatment_that_is_replaced_is_not_reported(fixture: &mut impl SwitchFixture) {
    let leg = offered(fixture);
    treat(fixture, leg, 1, music());
    started(fixture, leg, 1);
    treat(fixture, leg, 2, announcement("greeting.wav"));
    started(fixture, leg, 2);
    ended(fixture, leg, 2, TreatmentResult::Completed);
    expect_nothing(fixture);
}

/// Music has no end of its own, and its end by `Connect` is not reported.
pub fn music_goes_on_until_legs_are_connected(fixture: &mut impl SwitchFixture) {
    let caller = offered(fixture);
    treat(fixture, caller, 1, music());
    started(fixture, caller, 1);
    let leg = LegId::from_engine(1);
    offer(fixture, leg, Behavior::Answers, OfferMedia::Leg(caller));
    loop {
        match outcome(fixture, leg) {
            Some(SwitchEvent::Answered { leg: of }) if of == caller => {}
            result => {
                assert_eq!(result, Some(SwitchEvent::Answered { leg }));
                break;
            }
        }
    }
    fixture.command(SwitchCommand::Connect { a: caller, b: leg });
    let result = treatment_event(fixture, caller);
    assert_eq!(result, None);
}

/// Digits up to the terminator are the result.
pub fn digits_are_collected_to_the_terminator(fixture: &mut impl SwitchFixture) {
    let leg = offered(fixture);
    treat(fixture, leg, 1, digits());
    started(fixture, leg, 1);
    fixture.caller_presses("42#");
    let digits = "42".to_owned();
    let last = Some('#');
    ended(fixture, leg, 1, TreatmentResult::Digits { digits, last });
}

/// What was pressed until the time was over is reported as such.
pub fn digits_that_do_not_come_time_out(fixture: &mut impl SwitchFixture) {
    let leg = offered(fixture);
    treat(fixture, leg, 1, digits());
    started(fixture, leg, 1);
    fixture.caller_presses("4");
    let digits = "4".to_owned();
    ended(fixture, leg, 1, TreatmentResult::Timeout { digits });
}

/// A treatment with an unknown source fails; the leg can be treated again.
pub fn an_unknown_source_fails_and_keeps_the_leg(fixture: &mut impl SwitchFixture) {
    let leg = offered(fixture);
    treat(fixture, leg, 1, announcement(MISSING_SOURCE));
    let result = treatment_event(fixture, leg);
    let failed = matches!(
        result,
        Some(SwitchEvent::TreatmentEnded {
            treatment: TreatmentId(1),
            result: TreatmentResult::Failed { .. },
            ..
        })
    );
    assert!(failed, "expected a failed treatment, got {result:?}");
    treat(fixture, leg, 2, music());
    started(fixture, leg, 2);
}

/// Commands that cross the end of a leg do nothing.
pub fn commands_for_a_leg_that_is_gone_are_ignored(fixture: &mut impl SwitchFixture) {
    let (caller, leg) = connected(fixture);
    let cause = Cause::Normal;
    fixture.command(SwitchCommand::Release { leg: caller, cause });
    fixture.command(SwitchCommand::Release { leg, cause });
    fixture.command(SwitchCommand::Hold {
        leg,
        partner: Some(caller),
    });
    fixture.command(SwitchCommand::StopTreatment { leg: caller });
    treat(fixture, caller, 1, music());
    fixture.command(SwitchCommand::Connect { a: caller, b: leg });
    fixture.command(SwitchCommand::Release { leg, cause });
    expect_nothing(fixture);
}

//! Tests of sources in simulated time: packets of the peer, of its former self, and of others.

use proptest::prelude::*;

use super::*;

const FRAME: Duration = Duration::from_millis(20);

#[expect(clippy::disallowed_methods, reason = "an origin for simulated time")]
fn origin() -> Instant {
    Instant::now()
}

fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], port))
}

/// So many packets, one per frame; whether each was the peer's.
fn packets(source: &mut Source, now: &mut Instant, from: SocketAddr, count: usize) -> Vec<bool> {
    (0..count)
        .map(|_| {
            *now += FRAME;
            source.heard(*now, from)
        })
        .collect()
}

const BELIEVED_LATE: [bool; 6] = [false, false, false, false, true, true];

#[test]
fn the_policy_says_which_sources_may_be_believed() {
    let now = origin();
    let (signaled, port, host) = (address(1, 4_000), address(1, 4_002), address(2, 4_000));
    let verdict = |policy, from| Source::new(policy, signaled).judge(now, from);
    for policy in [LatchPolicy::Off, LatchPolicy::SameHost, LatchPolicy::AnyHost] {
        assert_eq!(verdict(policy, signaled), SourceVerdict::Candidate);
    }
    assert_eq!(verdict(LatchPolicy::Off, port), SourceVerdict::Reject);
    assert_eq!(verdict(LatchPolicy::SameHost, port), SourceVerdict::Candidate);
    assert_eq!(verdict(LatchPolicy::SameHost, host), SourceVerdict::Reject);
    assert_eq!(verdict(LatchPolicy::AnyHost, host), SourceVerdict::Candidate);
}

#[test]
fn a_peer_behind_a_translator_is_believed_after_five_packets() {
    let mut now = origin();
    let (signaled, real) = (address(1, 4_000), address(2, 9_000));
    let mut source = Source::new(LatchPolicy::AnyHost, signaled);
    assert_eq!(source.destination(), signaled);
    assert_eq!(packets(&mut source, &mut now, real, 6), BELIEVED_LATE);
    assert_eq!(source.destination(), real);
    assert_eq!(source.judge(now, address(3, 9_000)), SourceVerdict::Reject);
    source.signal(now, signaled);
    assert_eq!(
        source.destination(),
        real,
        "the same address again changes nothing"
    );
}

#[test]
fn the_signaled_address_always_wins_and_is_not_left_again() {
    let mut now = origin();
    let (signaled, attacker) = (address(1, 4_000), address(1, 6_666));
    let mut source = Source::new(LatchPolicy::SameHost, signaled);
    assert_eq!(packets(&mut source, &mut now, attacker, 6), BELIEVED_LATE);
    assert_eq!(source.destination(), attacker, "nobody else spoke");
    assert_eq!(packets(&mut source, &mut now, signaled, 1), [true]);
    assert_eq!(source.destination(), signaled);
    now += Duration::from_secs(60);
    assert_eq!(packets(&mut source, &mut now, attacker, 20), [false; 20]);
    assert_eq!(source.destination(), signaled, "its address is known to work");
}

#[test]
fn after_a_move_the_former_sources_are_refused_and_the_new_one_is_taken_at_once() {
    let mut now = origin();
    let (old, seen, new) = (address(1, 4_000), address(1, 4_100), address(1, 5_000));
    let mut source = Source::new(LatchPolicy::SameHost, old);
    packets(&mut source, &mut now, seen, 5);
    assert_eq!(source.destination(), seen);
    source.signal(now, new);
    assert_eq!(source.destination(), new);
    assert_eq!(packets(&mut source, &mut now, seen, 20), [false; 20]);
    assert_eq!(packets(&mut source, &mut now, old, 20), [false; 20]);
    assert_eq!(source.destination(), new);
    assert_eq!(packets(&mut source, &mut now, new, 1), [true]);
    now += FAREWELL * 2;
    assert_eq!(packets(&mut source, &mut now, seen, 20), [false; 20]);
    assert_eq!(source.destination(), new);
}

#[test]
fn a_new_peer_behind_a_translator_is_found_while_the_old_one_still_speaks() {
    let mut now = origin();
    let (old, new, real) = (address(1, 4_000), address(1, 5_000), address(2, 9_000));
    let mut source = Source::new(LatchPolicy::AnyHost, old);
    packets(&mut source, &mut now, old, 1);
    source.signal(now, new);
    let mut taken = Vec::new();
    for _ in 0..6 {
        assert_eq!(packets(&mut source, &mut now, old, 1), [false]);
        taken.extend(packets(&mut source, &mut now, real, 1));
    }
    assert_eq!(taken, BELIEVED_LATE);
    assert_eq!(source.destination(), real);
}

#[test]
fn a_source_that_stayed_although_signaling_moved_it_is_believed_after_two_seconds() {
    let start = origin();
    let (old, real, new) = (address(1, 4_000), address(2, 9_000), address(1, 5_000));
    let mut source = Source::new(LatchPolicy::AnyHost, old);
    packets(&mut source, &mut start.clone(), real, 5);
    source.signal(start, new);
    assert_eq!(
        source.judge(start + FAREWELL - FRAME, real),
        SourceVerdict::Reject
    );
    let mut now = start + FAREWELL - FRAME;
    assert_eq!(packets(&mut source, &mut now, real, 6), BELIEVED_LATE);
}

#[test]
fn a_source_on_trial_is_not_put_off_by_another_until_it_is_silent() {
    let mut now = origin();
    let (peer, attacker) = (address(2, 9_000), address(3, 6_666));
    let mut source = Source::new(LatchPolicy::AnyHost, address(1, 4_000));
    let mut taken = Vec::new();
    for _ in 0..6 {
        taken.extend(packets(&mut source, &mut now, peer, 1));
        assert_eq!(packets(&mut source, &mut now, attacker, 3), [false; 3]);
    }
    assert_eq!(taken, BELIEVED_LATE);

    let mut source = Source::new(LatchPolicy::AnyHost, address(1, 4_000));
    packets(&mut source, &mut now, attacker, 4);
    now += CANDIDATE_GAP;
    assert_eq!(packets(&mut source, &mut now, peer, 6), BELIEVED_LATE);
}

proptest! {
    #[test]
    fn the_signaled_address_is_taken_at_any_time_and_nobody_else_after_it(
        steps in prop::collection::vec((0u8..4, 0u16..4, 0u64..3_000, any::<bool>()), 0..60),
    ) {
        let mut now = origin();
        let mut signaled = address(1, 4_000);
        let mut source = Source::new(LatchPolicy::AnyHost, signaled);
        let mut proven = false;
        for (host, port, wait, moves) in steps {
            now += Duration::from_millis(wait);
            let other = address(host, 4_000 + port);
            if moves {
                proven &= other == signaled;
                signaled = other;
                source.signal(now, signaled);
            } else {
                let taken = source.heard(now, other);
                proven |= other == signaled;
                prop_assert!(taken || other != signaled);
                prop_assert!(!proven || taken == (other == signaled));
            }
            prop_assert!(!proven || source.destination() == signaled);
        }
    }
}

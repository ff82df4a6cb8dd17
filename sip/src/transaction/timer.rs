//! Deadlines: a small table per owner, and one ordered set over all owners.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Deadlines of one owner: one slot per kind of timer.
#[derive(Clone, Debug)]
pub(crate) struct Timers<const N: usize> {
    slots: [Option<Instant>; N],
    /// What the ordered set holds for this owner.
    queued: Option<Instant>,
}

impl<const N: usize> Timers<N> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: [None; N],
            queued: None,
        }
    }

    pub(crate) fn set(&mut self, slot: usize, at: Instant) {
        self.slots[slot] = Some(at);
    }

    pub(crate) fn clear(&mut self, slot: usize) {
        self.slots[slot] = None;
    }

    pub(crate) fn clear_all(&mut self) {
        self.slots = [None; N];
    }

    pub(crate) fn is_set(&self, slot: usize) -> bool {
        self.slots[slot].is_some()
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.slots.iter().flatten().min().copied()
    }

    /// Takes the earliest slot that is due; the one with the lower number first when two are due at once.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(usize, Instant)> {
        let (slot, at) = self
            .slots
            .iter()
            .enumerate()
            .filter_map(|(slot, at)| at.filter(|at| *at <= now).map(|at| (slot, at)))
            .min_by_key(|(slot, at)| (*at, *slot))?;
        self.slots[slot] = None;
        Some((slot, at))
    }
}

/// The next deadline of every owner, in order: insertion and removal cost O(log n).
#[derive(Clone, Debug)]
pub(crate) struct Deadlines<K> {
    set: BTreeSet<(Instant, K)>,
}

impl<K: Ord + Copy> Deadlines<K> {
    pub(crate) const fn new() -> Self {
        Self { set: BTreeSet::new() }
    }

    /// Brings the set in line with an owner's table; to be called after every change of it.
    pub(crate) fn update<const N: usize>(&mut self, key: K, timers: &mut Timers<N>) {
        let next = timers.next();
        if next == timers.queued {
            return;
        }
        if let Some(at) = timers.queued {
            self.set.remove(&(at, key));
        }
        if let Some(at) = next {
            self.set.insert((at, key));
        }
        timers.queued = next;
    }

    /// Forgets an owner.
    pub(crate) fn remove<const N: usize>(&mut self, key: K, timers: &mut Timers<N>) {
        timers.clear_all();
        self.update(key, timers);
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.set.first().map(|(at, _)| *at)
    }

    /// An owner with a deadline that is due.
    pub(crate) fn first_due(&self, now: Instant) -> Option<K> {
        self.set.first().filter(|(at, _)| *at <= now).map(|(_, key)| *key)
    }
}

/// Base intervals of all timers.
///
/// Spec: RFC 3261 §17.1.1.1, table 4
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerConfig {
    /// Round-trip estimate. Default 500 ms.
    pub t1: Duration,
    /// Longest retransmission interval. Default 4 s.
    pub t2: Duration,
    /// How long a message may stay in the network. Default 5 s.
    pub t4: Duration,
}

impl Default for TimerConfig {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}

impl TimerConfig {
    /// 64 * T1: timers B, F, H, J, L and M.
    pub fn give_up(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// How long repeats of a final response to INVITE are answered with ACK: timer D.
    pub(crate) fn completed_invite(&self) -> Duration {
        self.give_up().max(Duration::from_secs(32))
    }

    /// When timer E of the peer reaches T2: from then on a 100 for non-INVITE is allowed.
    ///
    /// Spec: RFC 4320 §4.1
    pub(crate) fn late_trying(&self) -> Duration {
        let mut interval = self.t1.max(Duration::from_millis(1));
        let mut sum = Duration::ZERO;
        while interval < self.t2 {
            sum += interval;
            interval *= 2;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_slot_fires_first_and_only_once() {
        let start = tokio_free_now();
        let mut timers = Timers::<3>::new();
        timers.set(0, start + Duration::from_secs(2));
        timers.set(2, start + Duration::from_secs(1));
        let late = start + Duration::from_secs(3);
        assert_eq!(timers.take_due(late).map(|(slot, _)| slot), Some(2));
        assert_eq!(timers.take_due(late).map(|(slot, _)| slot), Some(0));
        assert_eq!(timers.take_due(late), None);
    }

    #[test]
    fn the_set_follows_every_change_of_a_table() {
        let start = tokio_free_now();
        let mut deadlines = Deadlines::new();
        let mut a = Timers::<1>::new();
        let mut b = Timers::<1>::new();
        a.set(0, start + Duration::from_secs(2));
        b.set(0, start + Duration::from_secs(1));
        deadlines.update(1, &mut a);
        deadlines.update(2, &mut b);
        assert_eq!(deadlines.first_due(start + Duration::from_secs(5)), Some(2));
        deadlines.remove(2, &mut b);
        assert_eq!(deadlines.next(), Some(start + Duration::from_secs(2)));
        deadlines.remove(1, &mut a);
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn the_late_trying_of_default_timers_comes_after_three_and_a_half_seconds() {
        // Spec: RFC 4320 §4.1
        assert_eq!(TimerConfig::default().late_trying(), Duration::from_millis(3500));
    }

    fn tokio_free_now() -> Instant {
        crate::testing::start()
    }
}

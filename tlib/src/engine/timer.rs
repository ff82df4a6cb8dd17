//! Deadlines of calls and agents, ordered by time.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::call::PartyId;
use crate::id::{ConnId, Dn};

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Nobody routed the call.
    Route(ConnId),
    /// The switch did not report the end of an offer.
    Offer(ConnId, PartyId),
    /// The wrap-up of the agent at this DN is over.
    WrapUp(Dn),
}

/// The armed deadlines. The owner keeps its deadline too, to disarm it.
#[derive(Default)]
pub(super) struct Timers {
    armed: BTreeSet<(Instant, Timer)>,
}

impl Timers {
    pub(super) fn arm(&mut self, at: Instant, timer: Timer) {
        self.armed.insert((at, timer));
    }

    pub(super) fn disarm(&mut self, at: Instant, timer: Timer) {
        self.armed.remove(&(at, timer));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.armed.first().map(|(at, _)| *at)
    }

    /// Takes the earliest deadline that is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(Instant, Timer)> {
        if self.next()? > now {
            return None;
        }
        self.armed.pop_first()
    }
}

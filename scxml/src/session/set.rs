//! Sets of states in document order.

use crate::document::StateId;

/// A bit set over the states of one document; iterates in document order.
#[derive(Debug, Clone, Default)]
pub(super) struct StateSet(Vec<u64>);

impl StateSet {
    pub(super) fn new(states: usize) -> Self {
        Self(vec![0; states.div_ceil(64)])
    }

    pub(super) fn insert(&mut self, state: StateId) -> bool {
        let (word, bit) = Self::position(state);
        let fresh = self.0[word] & bit == 0;
        self.0[word] |= bit;
        fresh
    }

    pub(super) fn remove(&mut self, state: StateId) {
        let (word, bit) = Self::position(state);
        self.0[word] &= !bit;
    }

    pub(super) fn contains(&self, state: StateId) -> bool {
        let (word, bit) = Self::position(state);
        self.0[word] & bit != 0
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }

    pub(super) fn intersects(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = StateId> {
        let bits = u16::try_from(self.0.len() * 64).unwrap_or(u16::MAX);
        (0..bits).map(StateId).filter(|s| self.contains(*s))
    }

    const fn position(state: StateId) -> (usize, u64) {
        (state.0 as usize / 64, 1 << (state.0 % 64))
    }
}

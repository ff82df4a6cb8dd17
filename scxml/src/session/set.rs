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

    /// The members in document order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = StateId> {
        let words = self.0.iter().enumerate().filter(|(_, word)| **word != 0);
        words.flat_map(|(index, word)| {
            let bits = (0..64_u16).filter(move |bit| word & (1 << bit) != 0);
            // A document has at most 65,000 states, so the number fits.
            bits.map(move |bit| StateId(u16::try_from(index * 64).unwrap_or(u16::MAX).saturating_add(bit)))
        })
    }

    /// Whether some member is numbered `from` or higher but below `end`.
    pub(super) fn any_between(&self, from: StateId, end: u16) -> bool {
        (from.0..end).any(|number| self.contains(StateId(number)))
    }

    const fn position(state: StateId) -> (usize, u64) {
        (state.0 as usize / 64, 1 << (state.0 % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_in_document_order_and_backwards() {
        let mut set = StateSet::new(200);
        for number in [199, 0, 64, 63, 130] {
            assert!(set.insert(StateId(number)));
        }
        assert!(!set.insert(StateId(64)));
        set.remove(StateId(130));
        assert_eq!(set.iter().map(|s| s.0).collect::<Vec<_>>(), [0, 63, 64, 199]);
        assert_eq!(
            set.iter().rev().map(|s| s.0).collect::<Vec<_>>(),
            [199, 64, 63, 0]
        );
        assert!(set.any_between(StateId(60), 64) && !set.any_between(StateId(65), 199));
    }
}

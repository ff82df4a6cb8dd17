//! Keys that wait for a collection.

use std::collections::VecDeque;

use super::MAX_TYPED_AHEAD;

/// The first [`MAX_TYPED_AHEAD`] keys, in order; its `Debug` hides which.
#[derive(Default)]
pub(super) struct TypedAhead {
    keys: VecDeque<char>,
}

impl TypedAhead {
    pub(super) fn push(&mut self, key: char) {
        if self.keys.len() < MAX_TYPED_AHEAD {
            self.keys.push_back(key);
        }
    }

    pub(super) fn pop(&mut self) -> Option<char> {
        self.keys.pop_front()
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
    }
}

impl std::fmt::Debug for TypedAhead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TypedAhead({})", self.keys.len())
    }
}

//! Identifiers that others cannot guess and that tests can repeat.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

/// Prefix of every branch made by RFC 3261. Spec: RFC 3261 §8.1.1.7
pub(crate) const BRANCH_COOKIE: &str = "z9hG4bK";

/// Makes tokens from a secret seed and a counter.
#[derive(Clone)]
pub(crate) struct Tokens {
    seed: [u8; 32],
    counter: u64,
}

impl Tokens {
    pub(crate) const fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0 }
    }

    /// A seed for another generator, which gives other tokens than this one.
    pub(crate) fn derive(&self, label: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(label.as_bytes());
        hash.finalize().into()
    }

    /// Branch parameter of a Via.
    pub(crate) fn branch(&mut self) -> String {
        let mut branch = String::with_capacity(BRANCH_COOKIE.len() + 24);
        branch.push_str(BRANCH_COOKIE);
        self.append::<12>(&mut branch);
        branch
    }

    /// Tag of From or To: at least 32 random bits are asked for, these are 64.
    ///
    /// Spec: RFC 3261 §19.3
    pub(crate) fn tag(&mut self) -> String {
        let mut tag = String::with_capacity(16);
        self.append::<8>(&mut tag);
        tag
    }

    /// Call-ID, without a host part.
    pub(crate) fn call_id(&mut self) -> String {
        let mut call_id = String::with_capacity(32);
        self.append::<16>(&mut call_id);
        call_id
    }

    /// First CSeq of a dialog: below 2^16, so that it never runs out.
    pub(crate) fn cseq(&mut self) -> u32 {
        let [a, b, ..] = self.next();
        u32::from(u16::from_be_bytes([a, b])).max(1)
    }

    /// A number from 0 to `bound` - 1; 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.next();
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
            .checked_rem(bound)
            .unwrap_or(0)
    }

    fn append<const N: usize>(&mut self, to: &mut String) {
        for octet in self.next().iter().take(N) {
            // Writing to a String does not fail.
            let _ = write!(to, "{octet:02x}");
        }
    }

    fn next(&mut self) -> [u8; 32] {
        self.counter += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(self.counter.to_be_bytes());
        hash.finalize().into()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens(#{})", self.counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_tokens_and_another_seed_others() {
        let mut a = Tokens::new([1; 32]);
        let mut b = Tokens::new([1; 32]);
        let mut c = Tokens::new([2; 32]);
        let branch = a.branch();
        assert_eq!(branch, b.branch());
        assert_ne!(branch, c.branch());
        assert_ne!(branch, a.branch());
        assert!(branch.starts_with(BRANCH_COOKIE));
    }

    #[test]
    fn a_derived_seed_gives_other_tokens() {
        let mut a = Tokens::new([1; 32]);
        let mut b = Tokens::new(a.derive("branches"));
        assert_ne!(a.tag(), b.tag());
    }
}

//! Where a stream may come from, and where ours goes.

use std::net::SocketAddr;

/// Whether the peer's real source replaces the address it signaled.
///
/// A peer behind a network address translator signals an address that does not work. Following the source lets any
/// host that guesses the port take the stream over, so the host is checked by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LatchPolicy {
    /// Only the signaled address and port.
    Off,
    /// Another port of the signaled host.
    #[default]
    SameHost,
    /// Any host; for peers behind translators.
    AnyHost,
}

/// What to do with a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a decision")]
pub enum SourceVerdict {
    /// From the peer.
    Accept,
    /// From a new source that would be accepted if the packet is valid: call [`Source::latch`].
    Candidate,
    /// From somebody else.
    Reject,
}

/// The peer's address: as signaled, or as seen.
///
/// The first valid packet decides: after it the source is fixed until signaling gives a new address.
#[derive(Debug, Clone)]
pub struct Source {
    policy: LatchPolicy,
    signaled: SocketAddr,
    latched: Option<SocketAddr>,
}

impl Source {
    /// A peer that signaled an address.
    pub fn new(policy: LatchPolicy, signaled: SocketAddr) -> Self {
        Source {
            policy,
            signaled,
            latched: None,
        }
    }

    /// Where to send.
    pub fn destination(&self) -> SocketAddr {
        self.latched.unwrap_or(self.signaled)
    }

    /// Judges a source.
    pub fn judge(&self, source: SocketAddr) -> SourceVerdict {
        match self.latched {
            Some(latched) if latched == source => SourceVerdict::Accept,
            Some(_) => SourceVerdict::Reject,
            None if source == self.signaled => SourceVerdict::Candidate,
            None => match self.policy {
                LatchPolicy::Off => SourceVerdict::Reject,
                LatchPolicy::SameHost if source.ip() != self.signaled.ip() => SourceVerdict::Reject,
                LatchPolicy::SameHost | LatchPolicy::AnyHost => SourceVerdict::Candidate,
            },
        }
    }

    /// Fixes the source after a valid packet from a candidate.
    pub fn latch(&mut self, source: SocketAddr) {
        self.latched = Some(source);
    }

    /// Signaling gave an address; a new one forgets the latched source.
    pub fn signal(&mut self, signaled: SocketAddr) {
        if signaled != self.signaled {
            self.signaled = signaled;
            self.latched = None;
        }
    }
}

//! Names of the things that commands and events speak about.

/// Names one call (one dialog set) of a user agent.
///
/// Keys of incoming calls come from the core and are even, keys of outgoing calls come from the user and are odd,
/// so that neither side asks the other. A key is not used again in the life of the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey(pub u64);

impl CallKey {
    /// The `n`-th call that came in; numbered by the core.
    pub const fn incoming(n: u64) -> Self {
        Self(n << 1)
    }

    /// The `n`-th call of the user; each `n` is to be used once.
    pub const fn outgoing(n: u64) -> Self {
        Self(n << 1 | 1)
    }

    /// Whether the user made the call.
    pub const fn is_outgoing(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Names a request that waits for [`UaCommand::Respond`](super::UaCommand::Respond).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey(pub u64);

/// Names one client registration; chosen by the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrationKey(pub u64);

//! `TPartyState`, a bit field of a telephony state and modifiers.

use std::ops::BitOr;

/// State of a party as reported in the `ps-N` pairs of `Extensions`.
///
/// The low four bits hold one telephony state, the others are flags. Printed values are masked with 0xFFFF.
///
/// Spec: T-Library reference §3, TPartyState
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartyState(pub u32);

impl PartyState {
    /// No call at this party.
    pub const NULL: Self = Self(0x0000);
    /// Off hook, no destination yet.
    pub const INITIATED: Self = Self(0x0001);
    /// Waiting in a queue.
    pub const QUEUED: Self = Self(0x0009);
    /// Ringing.
    pub const ALERTING: Self = Self(0x000A);
    /// Destination busy.
    pub const BUSY: Self = Self(0x000B);
    /// Talking.
    pub const CONNECTED: Self = Self(0x000C);
    /// Call progress detection runs.
    pub const CP_DETECT: Self = Self(0x000D);
    /// On hold.
    pub const HELD: Self = Self(0x000E);
    /// Failed.
    pub const FAILED: Self = Self(0x000F);
    /// Does not hear.
    pub const NO_LISTEN: Self = Self(0x0010);
    /// Is not heard.
    pub const NO_TALK: Self = Self(0x0020);
    /// Bridged appearance.
    pub const BRIDGED: Self = Self(0x0040);
    /// Audits the call.
    pub const AUDIT: Self = Self(0x0080);
    /// Service observing, `NO_TALK | AUDIT`.
    pub const SVC_OBSERVING: Self = Self(0x00A0);
    /// A treatment is asked for.
    pub const TREATMENT_REQ: Self = Self(0x0100);
    /// A treatment runs.
    pub const TREATMENT: Self = Self(0x0200);
    /// A route is asked for.
    pub const ROUTING: Self = Self(0x0800);
    /// Dialing modifier.
    pub const DIALING: Self = Self(0x1_0000);
    /// Uncertain modifier.
    pub const UNCERTAIN: Self = Self(0x2_0000);

    /// The telephony state alone, without flags.
    pub const fn telephony(self) -> Self {
        Self(self.0 & 0x000F)
    }

    /// Whether every bit of `flag` is set.
    pub const fn contains(self, flag: Self) -> bool {
        self.0 & flag.0 == flag.0
    }

    /// The value as it is printed in logs and snapshots.
    pub const fn printed(self) -> u32 {
        self.0 & 0xFFFF
    }
}

impl BitOr for PartyState {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

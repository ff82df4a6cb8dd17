//! Durable actions in the order of their priority, and sets of them.

use std::fmt;

/// Declares the actions from the lowest to the highest priority; the order of the table is the rule.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A durable action of a DN or agent. A status carries the name of the action that gives it.
        ///
        /// The order of the variants is the priority: the greatest current action is the status.
        ///
        /// Spec: statistics reference §3.2, §3.3
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(clippy::exhaustive_enums, reason = "the priority table is closed")]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// Every action, lowest priority first.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The published name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// Looks an action up by its published name (exact spelling).
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

actions! {
    /// The DN is not registered, out of service, or the link is down.
    NotMonitored,
    /// The DN is observed.
    Monitored,
    /// An agent is logged in.
    LoggedIn,
    /// The phone rests.
    OnHook,
    /// The agent is ready.
    WaitForNextCall,
    /// The phone is in use.
    OffHook,
    /// A call is being placed.
    CallDialing,
    /// A call rings.
    CallRinging,
    /// The agent is not ready.
    NotReadyForNextCall,
    /// The agent wraps up.
    AfterCallWork,
    /// A call is on hold; its established action is hidden.
    CallOnHold,
    /// A call of unknown type is established.
    CallUnknown,
    /// A consultation call is established.
    CallConsult,
    /// An internal call is established.
    CallInternal,
    /// An outbound call is established.
    CallOutbound,
    /// An inbound call is established.
    CallInbound,
    /// The agent is logged in nowhere. Agents only.
    LoggedOut,
}

impl Action {
    /// Whether an agent in this status can be given an interaction.
    pub const fn is_ready(self) -> bool {
        matches!(self, Self::WaitForNextCall)
    }

    /// Whether the action belongs to a call.
    pub const fn is_call(self) -> bool {
        matches!(
            self,
            Self::CallDialing
                | Self::CallRinging
                | Self::CallOnHold
                | Self::CallUnknown
                | Self::CallConsult
                | Self::CallInternal
                | Self::CallOutbound
                | Self::CallInbound
        )
    }

    /// Whether a DN can have this action; every action except [`Action::LoggedOut`].
    pub const fn is_dn_action(self) -> bool {
        !matches!(self, Self::LoggedOut)
    }

    /// Whether a queue, routing point or other mediation DN can have this action.
    pub const fn is_mediation_action(self) -> bool {
        matches!(self, Self::NotMonitored | Self::Monitored)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of actions that go on at one time.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ActionSet(u32);

impl ActionSet {
    /// No action.
    pub const EMPTY: Self = Self(0);

    /// Adds an action.
    pub const fn insert(&mut self, action: Action) {
        self.0 |= 1 << action as u32;
    }

    /// [`ActionSet::insert`] for building in one expression.
    #[must_use]
    pub const fn with(mut self, action: Action) -> Self {
        self.insert(action);
        self
    }

    /// Whether the action goes on.
    pub const fn contains(self, action: Action) -> bool {
        self.0 & (1 << action as u32) != 0
    }

    /// Whether nothing goes on.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The actions, lowest priority first.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL
            .iter()
            .copied()
            .filter(move |action| self.contains(*action))
    }

    /// The action of the highest priority, which is the status; `None` for the empty set.
    ///
    /// Spec: statistics reference §3.3
    pub fn status(self) -> Option<Action> {
        Action::ALL
            .iter()
            .rev()
            .copied()
            .find(|action| self.contains(*action))
    }
}

impl FromIterator<Action> for ActionSet {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        actions.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: statistics reference §3.3
    #[test]
    fn the_status_of_every_pair_of_actions_follows_the_priority_table() {
        let mut matrix = String::new();
        for first in Action::ALL {
            for second in Action::ALL {
                let set = ActionSet::EMPTY.with(*first).with(*second);
                let status = set.status().unwrap();
                matrix.push_str(&format!("{first} + {second} -> {status}\n"));
            }
        }
        insta::assert_snapshot!("status_matrix", matrix);
    }

    /// Spec: statistics reference §3.3
    #[test]
    fn the_table_is_the_published_one_with_logged_out_on_top() {
        let published = "NotMonitored, Monitored, LoggedIn, OnHook, WaitForNextCall, OffHook, CallDialing, \
                         CallRinging, NotReadyForNextCall, AfterCallWork, CallOnHold, CallUnknown, CallConsult, \
                         CallInternal, CallOutbound, CallInbound, LoggedOut";
        let ours: Vec<_> = Action::ALL.iter().map(|action| action.name()).collect();
        assert_eq!(ours.join(", "), published);
        assert!(Action::ALL.is_sorted());
        for action in Action::ALL {
            assert_eq!(Action::from_name(action.name()), Some(*action));
        }
    }

    #[test]
    fn the_empty_set_has_no_status() {
        assert_eq!(ActionSet::EMPTY.status(), None);
        assert!(ActionSet::EMPTY.is_empty());
        assert_eq!(format!("{:?}", ActionSet::EMPTY.with(Action::OnHook)), "{OnHook}");
    }
}

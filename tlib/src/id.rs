//! Identifiers: connection, reference, DN, agent, call UUID.

use std::fmt;
use std::sync::Arc;

use crate::pii::REDACTED;

/// Connection id of a call: 64 bits, printed as 16 lower-case hex digits.
///
/// Spec: T-Library reference §2, identifier formats
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnId({self})")
    }
}

/// Reference id of a request, chosen by the client and echoed in the answer.
///
/// Spec: T-Library reference §2, identifier formats
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferenceId(pub u32);

impl ReferenceId {
    /// Value on requests that want no answer.
    pub const NO_ANSWER: Self = Self(u32::MAX);
}

macro_rules! text_id {
    ($(#[$outer:meta])* $name:ident) => {
        $(#[$outer])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a text; cloning the id is cheap.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&$name> for crate::message::Value {
            fn from(id: &$name) -> Self {
                Self::Str(id.as_str().to_owned())
            }
        }
    };
}

text_id!(
    /// Directory number: extension, routing point, queue. Personal data: `Debug` does not show it.
    Dn
);
text_id!(
    /// Id of an agent; in a cluster the employee id of the person. Personal data: `Debug` does not show it.
    AgentId
);
text_id!(
    /// UUID of a call or party: 32 characters from `0-9A-V`.
    ///
    /// Spec: T-Library reference §2, identifier formats
    CallUuid
);

impl fmt::Debug for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dn({REDACTED})")
    }
}

impl fmt::Debug for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgentId({REDACTED})")
    }
}

impl fmt::Debug for CallUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallUuid({})", self.0)
    }
}

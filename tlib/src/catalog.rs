//! The published catalogue: message types, attributes and enumerations, one table per kind.

mod attribute;
mod enums;
mod macros;
mod message_type;
mod party_state;

pub use attribute::AttributeId;
pub use enums::*;
pub use message_type::MessageType;
pub use party_state::PartyState;

/// Class of an attribute's value on the wire.
///
/// Spec: T-Library reference §2, type classes
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the message layer has exactly these classes"
)]
pub enum ValueClass {
    /// 32-bit integer, `[int]` in logs.
    Int,
    /// 64-bit integer, `[long]` in logs.
    Long,
    /// Text without NUL, `[str]` in logs.
    Str,
    /// Packed key-value list, `[bstr]` in logs.
    KvList,
    /// Uninterpreted bytes.
    Binary,
}

impl AttributeId {
    /// Class of this attribute's value, or `None` for an id outside the table.
    pub fn class(self) -> Option<ValueClass> {
        attribute::CLASSES.get(usize::from(self.0)).copied()
    }
}

impl MessageType {
    /// Whether this is a request by its published name; `false` for unknown ids.
    ///
    /// Requests and events share one number space; only the table tells them apart.
    pub fn is_request(self) -> bool {
        self.name().is_some_and(|name| name.starts_with("Request"))
    }

    /// Whether this is an event by its published name; `false` for unknown ids.
    pub fn is_event(self) -> bool {
        self.name().is_some_and(|name| name.starts_with("Event"))
    }
}

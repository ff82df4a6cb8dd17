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

    /// Whether the value is a connection id, which logs print as 16 hex digits.
    pub fn is_conn_id(self) -> bool {
        self.class() == Some(ValueClass::Long) && self.name().is_some_and(|name| name.ends_with("ConnID"))
    }

    /// Whether the value can identify a person or is data attached by applications: numbers, agents,
    /// digits, passwords, user data. Values of ids outside the table count as personal.
    pub fn is_personal(self) -> bool {
        match self.class() {
            None | Some(ValueClass::KvList) => true,
            Some(ValueClass::Str | ValueClass::Int) => PERSONAL.contains(&self),
            Some(ValueClass::Long | ValueClass::Binary) => false,
        }
    }
}

/// Attributes whose value is personal data, besides key-value lists.
const PERSONAL: &[AttributeId] = &[
    AttributeId::AGENT_ID,
    AttributeId::DNIS,
    AttributeId::ANI,
    AttributeId::THIS_DN,
    AttributeId::THIS_QUEUE,
    AttributeId::OTHER_DN,
    AttributeId::OTHER_QUEUE,
    AttributeId::THIRD_PARTY_DN,
    AttributeId::THIRD_PARTY_QUEUE,
    AttributeId::USER_ID,
    AttributeId::PASSWORD,
    AttributeId::COLLECTED_DIGITS,
    AttributeId::LAST_DIGIT,
    AttributeId::CALLING_LINE_NAME,
    AttributeId::COMMUNICATION_DN,
    AttributeId::APPLICATION_PASSWORD,
    AttributeId::DTMF_DIGITS,
    AttributeId::REMOTE_DN,
    AttributeId::CUSTOMER_ID,
    AttributeId::FIRST_TRANSFER_ORIG_DN,
    AttributeId::LAST_TRANSFER_ORIG_DN,
    AttributeId::CLID,
    AttributeId::ACCESS_NUMBER,
    AttributeId::PLACE,
    AttributeId::AGENT_IDLE_REASON,
    AttributeId::DN,
    AttributeId::DIALED_NUMBER,
    AttributeId::PARTY_ID,
    AttributeId::REF_PARTY,
    AttributeId::CTRL_PARTY,
    AttributeId::REMOTE_PARTY,
    AttributeId::DEVICE,
    AttributeId::RETURN_RECEIPT_DN,
    AttributeId::NETWORK_ORIG_DN,
    AttributeId::NETWORK_DEST_DN,
];

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

#[cfg(test)]
mod tests;

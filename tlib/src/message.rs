//! A T-Library message: its type and its attributes in order.

use std::fmt;

use bytes::Bytes;

use crate::catalog::{
    AddressInfoType, AddressType, AgentWorkMode, AttributeId, CallState, CallType, ControlMode, DnRole,
    ErrorCode, ForwardMode, MakeCallType, MediaType, MessageType, RegisterMode, RouteType, ServerRole,
    TreatmentType,
};
use crate::id::{ConnId, ReferenceId};
use crate::kv::KvList;
use crate::pii::REDACTED;

/// A request or event: a type and an ordered list of attributes. Unknown types and attributes are kept.
///
/// `Debug` prints on one line and redacts personal data; [`Message::log`] and [`Message::json`] print
/// every detail and show personal data on demand.
///
/// ```
/// use tlib::{AttributeId, ConnId, Message, MessageType};
///
/// let event = Message::new(MessageType::EVENT_RINGING)
///     .with(AttributeId::CONN_ID, ConnId(0x006c_0246_2a16_1006))
///     .with(AttributeId::THIS_DN, "5002");
/// assert_eq!(event.this_dn(), Some("5002"));
/// assert_eq!(
///     format!("{event:?}"),
///     "EventRinging { ConnID: 006c02462a161006, ThisDN: [redacted] }"
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Type of the message.
    pub message_type: MessageType,
    attributes: Vec<Attribute>,
}

/// One attribute of a [`Message`].
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Which attribute.
    pub id: AttributeId,
    /// Its value.
    pub value: Value,
}

/// Value of an attribute. `Debug` shows the class only: without the attribute's id nobody knows whether
/// the value is personal data.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// 32-bit integer.
    Int(i32),
    /// 64-bit integer.
    Long(i64),
    /// Text.
    Str(String),
    /// Key-value list.
    KvList(KvList),
    /// Uninterpreted bytes.
    Binary(Bytes),
    /// A value of a class outside the table, kept as it came.
    Unknown {
        /// Class as sent; 5 to 255.
        class: u8,
        /// The value's bytes.
        data: Bytes,
    },
}

impl Value {
    /// Name of the class as the log formats print it.
    pub const fn log_class(&self) -> &'static str {
        match self {
            Self::Int(_) => "int",
            Self::Long(_) => "long",
            Self::Str(_) => "str",
            Self::KvList(_) => "bstr",
            Self::Binary(_) => "binary",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl Message {
    /// A message without attributes.
    pub const fn new(message_type: MessageType) -> Self {
        Self {
            message_type,
            attributes: Vec::new(),
        }
    }

    /// Adds an attribute at the end.
    pub fn push(&mut self, id: AttributeId, value: impl Into<Value>) {
        self.attributes.push(Attribute {
            id,
            value: value.into(),
        });
    }

    /// [`Message::push`] for building in one expression.
    #[must_use]
    pub fn with(mut self, id: AttributeId, value: impl Into<Value>) -> Self {
        self.push(id, value);
        self
    }

    /// [`Message::with`] that adds nothing for `None`.
    #[must_use]
    pub fn with_opt(self, id: AttributeId, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(id, value),
            None => self,
        }
    }

    /// Replaces the first attribute `id`, or adds it at the end.
    pub fn set(&mut self, id: AttributeId, value: impl Into<Value>) {
        let value = value.into();
        match self.attributes.iter_mut().find(|attribute| attribute.id == id) {
            Some(attribute) => attribute.value = value,
            None => self.push(id, value),
        }
    }

    /// Removes every attribute `id`.
    pub fn remove(&mut self, id: AttributeId) {
        self.attributes.retain(|attribute| attribute.id != id);
    }

    /// First value of attribute `id`.
    pub fn get(&self, id: AttributeId) -> Option<&Value> {
        self.attributes
            .iter()
            .find(|attribute| attribute.id == id)
            .map(|attribute| &attribute.value)
    }

    /// First value of `id` if it is a 32-bit integer.
    pub fn int(&self, id: AttributeId) -> Option<i32> {
        match self.get(id)? {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// First value of `id` if it is a 64-bit integer.
    pub fn long(&self, id: AttributeId) -> Option<i64> {
        match self.get(id)? {
            Value::Long(value) => Some(*value),
            _ => None,
        }
    }

    /// First value of `id` if it is text.
    pub fn str(&self, id: AttributeId) -> Option<&str> {
        match self.get(id)? {
            Value::Str(value) => Some(value),
            _ => None,
        }
    }

    /// First value of `id` if it is a key-value list.
    pub fn kv(&self, id: AttributeId) -> Option<&KvList> {
        match self.get(id)? {
            Value::KvList(value) => Some(value),
            _ => None,
        }
    }

    /// `AttributeReferenceID`, if present.
    pub fn reference_id(&self) -> Option<ReferenceId> {
        self.int(AttributeId::REFERENCE_ID)
            .map(|value| ReferenceId(value.cast_unsigned()))
    }

    /// `AttributeConnID`, if present.
    pub fn conn_id(&self) -> Option<ConnId> {
        self.long(AttributeId::CONN_ID)
            .map(|value| ConnId(value.cast_unsigned()))
    }

    /// `AttributePreviousConnID`, if present.
    pub fn previous_conn_id(&self) -> Option<ConnId> {
        self.long(AttributeId::PREVIOUS_CONN_ID)
            .map(|value| ConnId(value.cast_unsigned()))
    }

    /// First value of `id` as an enumeration of the catalogue, for example
    /// `message.enumeration::<CallType>(AttributeId::CALL_TYPE)`. Values outside the table are answered too.
    pub fn enumeration<T: From<i32>>(&self, id: AttributeId) -> Option<T> {
        self.int(id).map(T::from)
    }

    /// First value of `id` if it is uninterpreted bytes.
    pub fn binary(&self, id: AttributeId) -> Option<&Bytes> {
        match self.get(id)? {
            Value::Binary(value) => Some(value),
            _ => None,
        }
    }

    /// The attributes in order.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// Adds an attribute before all others.
    pub fn push_front(&mut self, id: AttributeId, value: impl Into<Value>) {
        self.attributes.insert(
            0,
            Attribute {
                id,
                value: value.into(),
            },
        );
    }
}

/// Getters of frequent attributes: the first value of the right class, or `None`.
macro_rules! getters {
    ($($name:ident: $attribute:ident as str;)*) => {
        impl Message {
            $(
                #[doc = concat!("[`AttributeId::", stringify!($attribute), "`] as text, if present.")]
                pub fn $name(&self) -> Option<&str> {
                    self.str(AttributeId::$attribute)
                }
            )*
        }
    };
    ($($name:ident: $attribute:ident as kv;)*) => {
        impl Message {
            $(
                #[doc = concat!("[`AttributeId::", stringify!($attribute), "`] as a list, if present.")]
                pub fn $name(&self) -> Option<&KvList> {
                    self.kv(AttributeId::$attribute)
                }
            )*
        }
    };
    ($($name:ident: $attribute:ident as $enumeration:ident;)*) => {
        impl Message {
            $(
                #[doc = concat!("[`AttributeId::", stringify!($attribute), "`], if present.")]
                pub fn $name(&self) -> Option<$enumeration> {
                    self.enumeration(AttributeId::$attribute)
                }
            )*
        }
    };
}

getters! {
    this_dn: THIS_DN as str;
    this_queue: THIS_QUEUE as str;
    other_dn: OTHER_DN as str;
    third_party_dn: THIRD_PARTY_DN as str;
    ani: ANI as str;
    dnis: DNIS as str;
    agent_id: AGENT_ID as str;
    call_uuid: CALL_UUID as str;
    collected_digits: COLLECTED_DIGITS as str;
    data_key: DATA_KEY as str;
    error_message: ERROR_MESSAGE as str;
    location: LOCATION as str;
    application_name: APPLICATION_NAME as str;
}

getters! {
    user_data: USER_DATA as kv;
    extensions: EXTENSIONS as kv;
    reasons: REASON as kv;
    treatment_parms: TREATMENT_PARMS as kv;
}

getters! {
    call_type: CALL_TYPE as CallType;
    call_state: CALL_STATE as CallState;
    this_dn_role: THIS_DN_ROLE as DnRole;
    other_dn_role: OTHER_DN_ROLE as DnRole;
    third_party_dn_role: THIRD_PARTY_DN_ROLE as DnRole;
    work_mode: AGENT_WORK_MODE as AgentWorkMode;
    error_code: ERROR_CODE as ErrorCode;
    treatment_type: TREATMENT_TYPE as TreatmentType;
    route_type: ROUTE_TYPE as RouteType;
    address_type: ADDRESS_TYPE as AddressType;
    address_info_type: ADDRESS_INFO_TYPE as AddressInfoType;
    register_mode: REGISTER_MODE as RegisterMode;
    make_call_type: MAKE_CALL_TYPE as MakeCallType;
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_struct(self.message_type.name().unwrap_or("Unknown"));
        if self.message_type.name().is_none() {
            output.field("id", &self.message_type.0);
        }
        for attribute in &self.attributes {
            let shown = ShownValue(attribute);
            match attribute.id.name() {
                Some(name) => output.field(name, &shown),
                None => output.field(&format!("Attribute{}", attribute.id.0), &shown),
            };
        }
        output.finish()
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.id, ShownValue(self))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({REDACTED})", self.log_class())
    }
}

/// A value in the context of its attribute, for `Debug`.
struct ShownValue<'a>(&'a Attribute);

impl fmt::Debug for ShownValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.value {
            // Keys are names of the application, values are redacted by the list itself.
            Value::KvList(list) => list.fmt(f),
            _ if self.0.id.is_personal() => f.write_str(REDACTED),
            Value::Int(value) if self.0.id == AttributeId::REFERENCE_ID => {
                write!(f, "{}", value.cast_unsigned())
            }
            Value::Int(value) => value.fmt(f),
            Value::Long(value) if self.0.id.is_conn_id() => {
                write!(f, "{}", ConnId(value.cast_unsigned()))
            }
            Value::Long(value) => value.fmt(f),
            Value::Str(value) => value.fmt(f),
            Value::Binary(data) | Value::Unknown { data, .. } => write!(f, "{} bytes", data.len()),
        }
    }
}

macro_rules! enumeration_values {
    ($($name:ident),* $(,)?) => {
        $(impl From<$name> for Value {
            fn from(value: $name) -> Self {
                Self::Int(value.0)
            }
        })*
    };
}

enumeration_values!(
    AddressInfoType,
    AddressType,
    AgentWorkMode,
    CallState,
    CallType,
    ControlMode,
    DnRole,
    ErrorCode,
    ForwardMode,
    MakeCallType,
    MediaType,
    RegisterMode,
    RouteType,
    ServerRole,
    TreatmentType,
);

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Long(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Str(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Str(value)
    }
}

impl From<KvList> for Value {
    fn from(value: KvList) -> Self {
        Self::KvList(value)
    }
}

impl From<Bytes> for Value {
    fn from(value: Bytes) -> Self {
        Self::Binary(value)
    }
}

impl From<ConnId> for Value {
    fn from(value: ConnId) -> Self {
        Self::Long(value.0.cast_signed())
    }
}

impl From<ReferenceId> for Value {
    fn from(value: ReferenceId) -> Self {
        Self::Int(value.0.cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_names_attributes_and_shows_no_personal_data() {
        let message = Message::new(MessageType::REQUEST_ATTACH_USER_DATA)
            .with(AttributeId::REFERENCE_ID, ReferenceId::NO_ANSWER)
            .with(AttributeId::THIS_DN, "5002")
            .with(AttributeId::CALL_TYPE, CallType::INBOUND)
            .with(
                AttributeId::USER_DATA,
                KvList::new()
                    .with("Name", "Doe")
                    .with("Nested", KvList::new().with("Pin", 4711)),
            )
            .with(AttributeId(900), "secret");
        let printed = format!("{message:?}");
        assert_eq!(
            printed,
            "RequestAttachUserData { ReferenceID: 4294967295, ThisDN: [redacted], CallType: 2, \
             UserData: {\"Name\": str([redacted]), \"Nested\": {\"Pin\": int([redacted])}}, \
             Attribute900: [redacted] }"
        );
        for attribute in message.attributes() {
            let printed = format!("{attribute:?} {:?}", attribute.value);
            for secret in ["5002", "Doe", "4711", "secret"] {
                assert!(!printed.contains(secret), "{printed}");
            }
        }
    }

    #[test]
    fn unknown_message_types_print_their_number() {
        assert_eq!(
            format!("{:?}", Message::new(MessageType(999))),
            "Unknown { id: 999 }"
        );
    }

    #[test]
    fn getters_answer_only_the_right_class() {
        let message = Message::new(MessageType::EVENT_RINGING)
            .with(AttributeId::THIS_DN, 5)
            .with(AttributeId::CALL_TYPE, CallType(77))
            .with(AttributeId::CONN_ID, ConnId(u64::MAX));
        assert_eq!(message.this_dn(), None);
        assert_eq!(message.call_type(), Some(CallType(77)));
        assert_eq!(message.conn_id(), Some(ConnId(u64::MAX)));
        assert_eq!(message.call_state(), None);
    }
}

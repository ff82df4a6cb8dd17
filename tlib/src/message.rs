//! A T-Library message: its type and its attributes in order.

use bytes::Bytes;

use crate::catalog::{AttributeId, MessageType};
use crate::id::{ConnId, ReferenceId};
use crate::kv::KvList;

/// A request or event: a type and an ordered list of attributes. Unknown types and attributes are kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Type of the message.
    pub message_type: MessageType,
    attributes: Vec<Attribute>,
}

/// One attribute of a [`Message`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Which attribute.
    pub id: AttributeId,
    /// Its value.
    pub value: Value,
}

/// Value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// `AttributeThisDN`, if present.
    pub fn this_dn(&self) -> Option<&str> {
        self.str(AttributeId::THIS_DN)
    }

    /// The attributes in order.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }
}

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

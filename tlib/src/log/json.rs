//! Messages as JSON, written by hand so that it needs no feature.

use std::fmt::{self, Write as _};

use super::Hex;
use crate::id::ConnId;
use crate::kv::{KvList, KvValue};
use crate::message::{Attribute, Message, Value};
use crate::pii::REDACTED;

/// Prints a message as one JSON object on one line; made by [`Message::json`].
///
/// `message` is the published name or null, `id` its number, `attributes` an array in the order of the
/// message, because attributes and keys may repeat. Connection ids are 16 hex digits, other integers are
/// numbers, bytes are hex digits, lists are arrays of `{"key", "type", "value"}`.
#[derive(Clone, Copy, Debug)]
pub struct MessageJson<'a> {
    message: &'a Message,
    personal_data: bool,
}

impl<'a> MessageJson<'a> {
    pub(super) const fn new(message: &'a Message) -> Self {
        Self {
            message,
            personal_data: false,
        }
    }

    /// Whether numbers, names and attached data are printed. Default false: `"[redacted]"` in their place.
    #[must_use]
    pub const fn with_personal_data(mut self, shown: bool) -> Self {
        self.personal_data = shown;
        self
    }

    fn attribute(&self, f: &mut fmt::Formatter<'_>, attribute: &Attribute) -> fmt::Result {
        let name = Name(attribute.id.name());
        let class = attribute.value.log_class();
        let id = attribute.id.0;
        write!(f, r#"{{"name":{name},"id":{id},"type":"{class}","value":"#)?;
        match &attribute.value {
            Value::KvList(list) => self.pairs(f, list)?,
            _ if attribute.id.is_personal() && !self.personal_data => {
                write!(f, "{}", Text(REDACTED))?;
            }
            // Reference ids are unsigned: 4294967295 wants no answer.
            Value::Int(value) if attribute.id == crate::AttributeId::REFERENCE_ID => {
                write!(f, "{}", value.cast_unsigned())?;
            }
            Value::Int(value) => write!(f, "{value}")?,
            Value::Long(value) if attribute.id.is_conn_id() => {
                write!(f, "\"{}\"", ConnId(value.cast_unsigned()))?;
            }
            Value::Long(value) => write!(f, "{value}")?,
            Value::Str(value) => write!(f, "{}", Text(value))?,
            Value::Binary(data) | Value::Unknown { data, .. } => write!(f, "\"{}\"", Hex(data))?,
        }
        f.write_char('}')
    }

    fn pairs(&self, f: &mut fmt::Formatter<'_>, list: &KvList) -> fmt::Result {
        f.write_char('[')?;
        for (index, pair) in list.iter().enumerate() {
            if index > 0 {
                f.write_char(',')?;
            }
            let class = pair.value.log_class();
            let key = Text(&pair.key);
            write!(f, r#"{{"key":{key},"type":"{class}","value":"#)?;
            match &pair.value {
                KvValue::List(inner) => self.pairs(f, inner)?,
                _ if !self.personal_data => write!(f, "{}", Text(REDACTED))?,
                KvValue::Int(value) => write!(f, "{value}")?,
                KvValue::Str(value) | KvValue::Unicode(value) => write!(f, "{}", Text(value))?,
                KvValue::Binary(data) | KvValue::Unknown { data, .. } => {
                    write!(f, "\"{}\"", Hex(data))?;
                }
            }
            f.write_char('}')?;
        }
        f.write_char(']')
    }
}

impl fmt::Display for MessageJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Name(self.message.message_type.name());
        let id = self.message.message_type.0;
        write!(f, r#"{{"message":{name},"id":{id},"attributes":["#)?;
        for (index, attribute) in self.message.attributes().iter().enumerate() {
            if index > 0 {
                f.write_char(',')?;
            }
            self.attribute(f, attribute)?;
        }
        f.write_str("]}")
    }
}

/// A published name, or null.
struct Name(Option<&'static str>);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, "{}", Text(name)),
            None => f.write_str("null"),
        }
    }
}

/// A JSON string.
///
/// Spec: RFC 8259 §7
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                // Control characters need an escape; the others are for readers that print lines.
                other if other.is_control() || matches!(other, '\u{2028}' | '\u{2029}') => {
                    write!(f, "\\u{:04x}", u32::from(other))?;
                }
                other => f.write_char(other)?,
            }
        }
        f.write_char('"')
    }
}

//! Messages as text: the SDK log format and JSON.

use std::fmt;

use crate::catalog::AttributeId;
use crate::id::ConnId;
use crate::kv::{KvList, KvValue};
use crate::message::{Attribute, Message, Value};
use crate::pii::REDACTED;

mod json;

pub use json::MessageJson;

/// Prints a message in the SDK log format; made by [`Message::log`].
///
/// Text is printed in double quotes with `"`, `\` and control characters escaped, so that a value cannot
/// pretend to be a line of the log. Uninterpreted bytes are printed as hex digits.
///
/// Spec: T-Library reference §8.1
#[derive(Clone, Copy, Debug)]
pub struct MessageLog<'a> {
    message: &'a Message,
    personal_data: bool,
}

impl Message {
    /// Prints the message in the SDK log format, without personal data unless asked for.
    ///
    /// ```
    /// use tlib::{AttributeId, KvList, Message, MessageType};
    ///
    /// let message = Message::new(MessageType::REQUEST_AGENT_NOT_READY)
    ///     .with(AttributeId::REFERENCE_ID, 13)
    ///     .with(AttributeId::THIS_DN, "5002")
    ///     .with(AttributeId::REASON, KvList::new().with("KW_UC_STATUS", "busy"));
    /// assert_eq!(
    ///     message.log().with_personal_data(true).to_string(),
    ///     "message: 'RequestAgentNotReady' (11) attributes:
    ///     AttributeReferenceID [int] = 13
    ///     AttributeThisDN [str] = \"5002\"
    ///     AttributeReasons [bstr] = KVList:
    ///         'KW_UC_STATUS' [str] = \"busy\""
    /// );
    /// ```
    ///
    /// Spec: T-Library reference §8.1
    pub const fn log(&self) -> MessageLog<'_> {
        MessageLog {
            message: self,
            personal_data: false,
        }
    }

    /// Prints the message as one JSON object on one line, without personal data unless asked for.
    ///
    /// ```
    /// use tlib::{AttributeId, Message, MessageType};
    ///
    /// let message = Message::new(MessageType::EVENT_RINGING).with(AttributeId::CALL_TYPE, 2);
    /// assert_eq!(
    ///     message.json().to_string(),
    ///     r#"{"message":"EventRinging","id":60,"attributes":[{"name":"CallType","id":54,"type":"int","value":2}]}"#
    /// );
    /// ```
    pub const fn json(&self) -> MessageJson<'_> {
        MessageJson::new(self)
    }
}

impl MessageLog<'_> {
    /// Whether numbers, names and attached data are printed. Default false: `[redacted]` in their place.
    #[must_use]
    pub const fn with_personal_data(mut self, shown: bool) -> Self {
        self.personal_data = shown;
        self
    }

    fn attribute(&self, f: &mut fmt::Formatter<'_>, attribute: &Attribute) -> fmt::Result {
        let name = AttributeName(attribute.id);
        let class = attribute.value.log_class();
        write!(f, "Attribute{name} [{class}] = ")?;
        if let Value::KvList(list) = &attribute.value {
            f.write_str("KVList:")?;
            return self.pairs(f, list, 2);
        }
        if attribute.id.is_personal() && !self.personal_data {
            return f.write_str(REDACTED);
        }
        match &attribute.value {
            Value::Int(value) if attribute.id == AttributeId::REFERENCE_ID => {
                write!(f, "{}", value.cast_unsigned())
            }
            Value::Int(value) => write!(f, "{value}"),
            Value::Long(value) if attribute.id.is_conn_id() => {
                write!(f, "{}", ConnId(value.cast_unsigned()))
            }
            Value::Long(value) => write!(f, "{value}"),
            Value::Str(value) => write!(f, "{}", Quoted(value)),
            Value::Binary(data) | Value::Unknown { data, .. } => write!(f, "{}", Hex(data)),
            Value::KvList(_) => Ok(()),
        }
    }

    fn pairs(&self, f: &mut fmt::Formatter<'_>, list: &KvList, depth: usize) -> fmt::Result {
        for pair in list {
            write!(f, "\n{:1$}", "", depth * 4)?;
            let class = pair.value.log_class();
            write!(f, "'{}' [{class}] = ", Escaped(&pair.key, '\''))?;
            match &pair.value {
                KvValue::List(inner) => {
                    f.write_str("KVList:")?;
                    self.pairs(f, inner, depth + 1)?;
                }
                _ if !self.personal_data => f.write_str(REDACTED)?,
                KvValue::Int(value) => write!(f, "{value}")?,
                KvValue::Str(value) | KvValue::Unicode(value) => write!(f, "{}", Quoted(value))?,
                KvValue::Binary(data) | KvValue::Unknown { data, .. } => {
                    write!(f, "{}", Hex(data))?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for MessageLog<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.message.message_type;
        match id.name() {
            Some(name) => write!(f, "message: '{name}' ({}) attributes:", id.0)?,
            None => write!(f, "message: 'Unknown' ({}) attributes:", id.0)?,
        }
        let mut attributes = self.message.attributes();
        while let [first, rest @ ..] = attributes {
            f.write_str("\n    ")?;
            attributes = match rest {
                [second, rest @ ..] if is_time(first, second) => {
                    f.write_str("Time = ComplexClass(TimeStamp):\n        ")?;
                    self.attribute(f, first)?;
                    f.write_str("\n        ")?;
                    self.attribute(f, second)?;
                    rest
                }
                _ => {
                    self.attribute(f, first)?;
                    rest
                }
            };
        }
        Ok(())
    }
}

/// Whether the two attributes are the time of the event, which the format folds into one value.
fn is_time(first: &Attribute, second: &Attribute) -> bool {
    let times = [AttributeId::TIME_IN_SECS, AttributeId::TIME_IN_USECS];
    first.id != second.id && times.contains(&first.id) && times.contains(&second.id)
}

/// Name of an attribute as the SDK log spells it.
///
/// Spec: T-Library reference §2, spelling differences
struct AttributeName(AttributeId);

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            AttributeId::REASON => f.write_str("Reasons"),
            AttributeId::CALL_UUID => f.write_str("CallUuid"),
            id => match id.name() {
                Some(name) => f.write_str(name),
                None => write!(f, "{}", id.0),
            },
        }
    }
}

/// Text in double quotes.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Escaped(self.0, '"'))
    }
}

/// Text with `\`, one kind of quote and control characters escaped.
struct Escaped<'a>(&'a str, char);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\\' => f.write_str("\\\\")?,
                quote if quote == self.1 => write!(f, "\\{quote}")?,
                // Line and paragraph separators start a line in some viewers.
                other if other.is_control() || matches!(other, '\u{2028}' | '\u{2029}') => {
                    write!(f, "\\u{{{:x}}}", u32::from(other))?;
                }
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

/// Bytes as hex digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests;

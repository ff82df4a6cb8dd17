//! Values that cross the border between a data model and the rest of the world.

use std::fmt;

/// A data value: what JSON can say, plus `undefined` and inline XML.
///
/// Values are copies. An object that a script holds keeps its identity inside the data model; what leaves it
/// (event data, parameters, log values) is converted to this form, functions becoming [`Value::Undefined`].
///
/// `Debug` shows the shape only, because values carry user data; `Display` writes JSON and is for explicit use.
#[derive(Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum Value {
    /// No value. In event data: nothing was sent.
    #[default]
    Undefined,
    /// The null value.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number (ECMAScript has one kind: IEEE 754 double).
    Number(f64),
    /// A string.
    String(String),
    /// An ordered list.
    Array(Vec<Value>),
    /// Named members in the order in which they were written.
    Object(Vec<(String, Value)>),
    /// One XML element as text with all its namespace declarations; a DOM object inside an ECMAScript data model.
    Xml(String),
}

impl Value {
    /// An object without members.
    #[must_use]
    pub const fn object() -> Self {
        Self::Object(Vec::new())
    }

    /// Builder: sets member `key` (replacing an earlier one) and returns the object.
    ///
    /// A value that is not an object is replaced by one.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Self>) -> Self {
        self.set(key, value);
        self
    }

    /// Sets member `key`, replacing an earlier one; turns a value that is not an object into one.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Self>) {
        let (key, value) = (key.into(), value.into());
        if !matches!(self, Self::Object(_)) {
            *self = Self::object();
        }
        if let Self::Object(members) = self {
            match members.iter_mut().find(|(k, _)| *k == key) {
                Some(slot) => slot.1 = value,
                None => members.push((key, value)),
            }
        }
    }

    /// The member `key` of an object; `None` for other kinds and absent members.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text of a [`Value::String`].
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number of a [`Value::Number`].
    #[must_use]
    pub const fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(n) => Some(*n),
            _ => None,
        }
    }

    /// The boolean of a [`Value::Bool`].
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The elements of a [`Value::Array`].
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members of a [`Value::Object`].
    #[must_use]
    pub fn as_object(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Whether this is [`Value::Undefined`].
    #[must_use]
    pub const fn is_undefined(&self) -> bool {
        matches!(self, Self::Undefined)
    }

    /// The value as plain text: strings without quotes, `undefined` as that word, everything else as JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::String(text) | Self::Xml(text) => text.clone(),
            Self::Undefined => "undefined".to_owned(),
            other => other.to_string(),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Number(f64::from(value))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Number(f64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Vec<Self>> for Value {
    fn from(value: Vec<Self>) -> Self {
        Self::Array(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Undefined, Into::into)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined => f.write_str("undefined"),
            Self::Null => f.write_str("null"),
            Self::Bool(_) => f.write_str("bool"),
            Self::Number(_) => f.write_str("number"),
            Self::String(text) => write!(f, "string({} bytes)", text.len()),
            Self::Array(items) => write!(f, "array({} items)", items.len()),
            Self::Object(members) => write!(f, "object({} members)", members.len()),
            Self::Xml(text) => write!(f, "xml({} bytes)", text.len()),
        }
    }
}

/// JSON text; `undefined` members are left out, `undefined` elsewhere and numbers without JSON form are `null`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined | Self::Null => f.write_str("null"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Number(n) if n.is_finite() => write!(f, "{n}"),
            Self::Number(_) => f.write_str("null"),
            Self::String(text) | Self::Xml(text) => write_json_string(f, text),
            Self::Array(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        f.write_str(",")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                let present = members.iter().filter(|(_, v)| !v.is_undefined());
                for (i, (key, value)) in present.enumerate() {
                    if i > 0 {
                        f.write_str(",")?;
                    }
                    write_json_string(f, key)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_json_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if u32::from(c) < 0x20 => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_text_escapes_and_leaves_out_undefined_members() {
        let value = Value::object()
            .with("a", "q\"\\\n\u{1}")
            .with("gone", Value::Undefined)
            .with(
                "list",
                vec![
                    Value::Undefined,
                    Value::from(1),
                    Value::from(1.5),
                    Value::Number(f64::NAN),
                ],
            );
        assert_eq!(
            value.to_string(),
            "{\"a\":\"q\\\"\\\\\\n\\u0001\",\"list\":[null,1,1.5,null]}"
        );
    }

    #[test]
    fn setting_a_member_twice_keeps_its_place_and_the_last_value() {
        let value = Value::object().with("a", 1).with("b", 2).with("a", 3);
        assert_eq!(value.to_string(), "{\"a\":3,\"b\":2}");
    }

    #[test]
    fn debug_output_never_shows_content() {
        let value = Value::object().with("ani", "+15551234567");
        assert_eq!(
            format!("{value:?} {:?}", Value::from("secret")),
            "object(1 members) string(6 bytes)"
        );
    }
}

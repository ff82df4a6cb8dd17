//! A request written on the command line: a name of the catalogue and `Name=value` attributes.

use tlib::catalog::ValueClass;
use tlib::{AttributeId, KvList, Message, MessageType, Value};

use super::arguments::conn_id;

/// What is wrong with a request on the command line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RawError {
    /// Not a message of the catalogue.
    #[error("`{0}` is neither the name nor the number of a message")]
    UnknownMessage(String),
    /// Not of the form `Name=value`.
    #[error("`{0}` is not of the form Name=value")]
    NotAPair(String),
    /// Not an attribute of the catalogue.
    #[error("`{0}` is not an attribute")]
    UnknownAttribute(String),
    /// The value does not fit the attribute.
    #[error("{attribute}: `{value}` is not {expected}")]
    WrongValue {
        /// Name of the attribute.
        attribute: String,
        /// The value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
}

/// Builds the message.
///
/// Text and integers are written plainly, connection ids as hex, lists as `key:value,key:value`.
pub(super) fn message(name: &str, attributes: &[String]) -> Result<Message, RawError> {
    let message_type = MessageType::from_name(name)
        .or_else(|| name.parse().ok().map(MessageType))
        .ok_or_else(|| RawError::UnknownMessage(name.to_owned()))?;
    let mut message = Message::new(message_type);
    for text in attributes {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| RawError::NotAPair(text.clone()))?;
        let name = name.strip_prefix("Attribute").unwrap_or(name);
        let id = AttributeId::from_name(name).ok_or_else(|| RawError::UnknownAttribute(name.to_owned()))?;
        message.push(id, parse(id, name, value)?);
    }
    Ok(message)
}

fn parse(id: AttributeId, name: &str, value: &str) -> Result<Value, RawError> {
    let wrong = |expected| RawError::WrongValue {
        attribute: name.to_owned(),
        value: value.to_owned(),
        expected,
    };
    match id.class() {
        Some(ValueClass::Int) => value
            .parse()
            .map(Value::Int)
            .map_err(|_| wrong("a 32-bit integer")),
        Some(ValueClass::Long) if name.ends_with("ConnID") => conn_id(value)
            .map(Value::from)
            .ok_or_else(|| wrong("up to 16 hex digits")),
        Some(ValueClass::Long) => value
            .parse()
            .map(Value::Long)
            .map_err(|_| wrong("a 64-bit integer")),
        Some(ValueClass::KvList) => {
            let mut list = KvList::new();
            for pair in value.split(',').filter(|pair| !pair.is_empty()) {
                let (key, value) = pair.split_once(':').ok_or_else(|| wrong("a list of key:value"))?;
                match value.parse::<i32>() {
                    Ok(number) => list.push(key, number),
                    Err(_) => list.push(key, value),
                }
            }
            Ok(Value::KvList(list))
        }
        Some(ValueClass::Binary) => Err(wrong("something that can be written here")),
        _ => Ok(Value::Str(value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(name: &str, attributes: &[&str]) -> Result<Message, RawError> {
        message(
            name,
            &attributes
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn a_request_is_built_from_names_and_values() {
        let built = build(
            "RequestRouteCall",
            &[
                "ThisDN=8000",
                "ConnID=006c02462a161006",
                "RouteType=1",
                "UserData=a:b,n:7",
            ],
        );
        let expected = Message::new(MessageType::REQUEST_ROUTE_CALL)
            .with(AttributeId::THIS_DN, "8000")
            .with(AttributeId::CONN_ID, tlib::ConnId(0x006c_0246_2a16_1006))
            .with(AttributeId::ROUTE_TYPE, 1)
            .with(AttributeId::USER_DATA, KvList::new().with("a", "b").with("n", 7));
        assert_eq!(built, Ok(expected));
        assert_eq!(
            build("1", &[]).unwrap().message_type,
            MessageType::REQUEST_QUERY_SERVER
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, attributes, expected) in [
            (
                "Nonsense",
                &[][..],
                "`Nonsense` is neither the name nor the number of a message",
            ),
            (
                "RequestMakeCall",
                &["ThisDN"][..],
                "`ThisDN` is not of the form Name=value",
            ),
            ("RequestMakeCall", &["Xyz=1"][..], "`Xyz` is not an attribute"),
            (
                "RequestRouteCall",
                &["RouteType=x"][..],
                "RouteType: `x` is not a 32-bit integer",
            ),
            (
                "RequestRouteCall",
                &["ConnID=xyz"][..],
                "ConnID: `xyz` is not up to 16 hex digits",
            ),
        ] {
            assert_eq!(build(name, attributes).unwrap_err().to_string(), expected);
        }
    }
}

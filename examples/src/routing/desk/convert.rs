//! User data and calls, between T-Library and strategies.

use orchestration::{Interaction, Voice};
use scxml::Value;
use tlib::catalog::CallType;
use tlib::{AttributeId, ConnId, KvList, KvValue, Message};

/// A call as strategies see it.
pub(super) fn interaction(conn: ConnId, event: &Message, point: &str) -> Interaction {
    let id = event
        .str(AttributeId::CALL_UUID)
        .map_or_else(|| conn.to_string(), str::to_owned);
    let text = |id| event.str(id).map(str::to_owned);
    let mut voice = Voice::inbound(conn.to_string(), text(AttributeId::ANI), text(AttributeId::DNIS));
    voice.call_type = match event.int(AttributeId::CALL_TYPE).map(CallType) {
        Some(CallType::INTERNAL) => "internal",
        Some(CallType::OUTBOUND) => "outbound",
        Some(CallType::CONSULT) => "consult",
        _ => "inbound",
    }
    .to_owned();
    voice.call_id = event.int(AttributeId::CALL_ID).map(|id| id.to_string());
    Interaction::call(id, voice)
        .with_user_data(user_data(event))
        .with_party(point, "routepoint")
}

/// The user data of an event as an object.
pub(super) fn user_data(event: &Message) -> Value {
    event
        .kv(AttributeId::USER_DATA)
        .map_or_else(Value::object, to_value)
}

/// A list as an object; of repeated keys the last one counts. Bytes are left out.
pub(super) fn to_value(list: &KvList) -> Value {
    let mut object = Value::object();
    for pair in list {
        match &pair.value {
            KvValue::Str(text) | KvValue::Unicode(text) => object.set(&*pair.key, text.as_str()),
            KvValue::Int(number) => object.set(&*pair.key, f64::from(*number)),
            KvValue::List(list) => object.set(&*pair.key, to_value(list)),
            _ => {}
        }
    }
    object
}

/// The members of an object as a list. Whole numbers become integers, everything without a counterpart its text.
pub(super) fn to_list(value: &Value) -> KvList {
    let mut list = KvList::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Undefined | Value::Null => list.push(key.as_str(), ""),
            Value::Number(number) => match integer(*number) {
                Some(integer) => list.push(key.as_str(), integer),
                None => list.push(key.as_str(), value.to_text()),
            },
            Value::Object(_) => list.push(key.as_str(), to_list(value)),
            other => list.push(key.as_str(), other.to_text()),
        }
    }
    list
}

fn integer(number: f64) -> Option<i32> {
    let whole = number.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be a whole number in range"
    )]
    whole.then_some(number as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_data_survives_the_way_to_a_strategy_and_back() {
        let list = KvList::new()
            .with("name", "Ada")
            .with("count", 3)
            .with("nested", KvList::new().with("level", -1));
        assert_eq!(to_list(&to_value(&list)), list);
    }

    #[test]
    fn what_has_no_counterpart_becomes_text() {
        let value = Value::object()
            .with("half", 0.5)
            .with("big", 1e12)
            .with("yes", true);
        let expected = KvList::new()
            .with("half", "0.5")
            .with("big", "1000000000000")
            .with("yes", "true");
        assert_eq!(to_list(&value), expected);
    }
}

//! Tests of the log and JSON forms.

use bytes::Bytes;

use super::*;
use crate::catalog::{CallType, MessageType};
use crate::id::ReferenceId;

fn example() -> Message {
    Message::new(MessageType::EVENT_ATTACHED_DATA_CHANGED)
        .with(AttributeId::REFERENCE_ID, ReferenceId::NO_ANSWER)
        .with(AttributeId::EVENT_SEQUENCE_NUMBER, 4_899_493_i64)
        .with(AttributeId::TIME_IN_USECS, 573_000)
        .with(AttributeId::TIME_IN_SECS, 1_420_644_031)
        .with(AttributeId::CONN_ID, ConnId(0x006c_0246_2a16_1006))
        .with(AttributeId::CALL_UUID, "AM5D3AE9D90757BKTSVJTCIAR4000014")
        .with(AttributeId::CALL_TYPE, CallType::INBOUND)
        .with(AttributeId::THIS_DN, "5002")
        .with(
            AttributeId::ERROR_MESSAGE,
            "say \"no\"\n    AttributeFake [int] = 1",
        )
        .with(
            AttributeId::USER_DATA,
            KvList::new()
                .with("Name", "Zoë O'Neil")
                .with("it's", 4711)
                .with(
                    "Nested",
                    KvList::new()
                        .with("Empty", KvList::new())
                        .with("Blob", Bytes::from_static(b"\x00\xff")),
                )
                .with("Uni", KvValue::Unicode("ж".to_owned()))
                .with(
                    "Odd",
                    KvValue::Unknown {
                        kind: 9,
                        data: Bytes::from_static(b"A"),
                    },
                ),
        )
        .with(AttributeId::INPUT_MASK, Bytes::from_static(&[1, 2]))
        .with(AttributeId(900), "kept")
        .with(
            AttributeId(901),
            Value::Unknown {
                class: 77,
                data: Bytes::from_static(b"\x0a"),
            },
        )
}

/// Shape and spelling of the example of a connector's log.
///
/// Spec: T-Library reference §8.1
#[test]
fn the_example_of_the_reference_is_printed_as_it_stands_there() {
    let message = Message::new(MessageType::REQUEST_AGENT_NOT_READY)
        .with(AttributeId::REFERENCE_ID, 13)
        .with(AttributeId::THIS_DN, "5002")
        .with(
            AttributeId::REASON,
            KvList::new().with("KW_UC_STATUS", "busy").with("KW_UC_NOTE", ""),
        );
    insta::assert_snapshot!(message.log().with_personal_data(true), @r#"
    message: 'RequestAgentNotReady' (11) attributes:
        AttributeReferenceID [int] = 13
        AttributeThisDN [str] = "5002"
        AttributeReasons [bstr] = KVList:
            'KW_UC_STATUS' [str] = "busy"
            'KW_UC_NOTE' [str] = ""
    "#);
}

#[test]
fn every_class_is_printed_and_text_cannot_forge_a_line() {
    insta::assert_snapshot!(example().log().with_personal_data(true));
}

#[test]
fn the_log_shows_no_personal_data_unless_asked() {
    insta::assert_snapshot!(example().log());
}

#[test]
fn unknown_messages_print_their_number() {
    let message = Message::new(MessageType(999));
    assert_eq!(message.log().to_string(), "message: 'Unknown' (999) attributes:");
}

#[test]
fn json_has_every_attribute_and_is_valid() {
    let text = example().json().with_personal_data(true).to_string();
    assert!(!text.contains('\n'));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
}

#[test]
fn json_shows_no_personal_data_unless_asked() {
    let text = example().json().to_string();
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    for secret in ["5002", "Zo", "4711", "00ff", "ж", "kept"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(text.contains(r#"{"key":"Name","type":"str","value":"[redacted]"}"#));
}

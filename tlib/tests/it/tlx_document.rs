//! The hex examples of `docs/tlx.md`, byte for byte.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use tlib::codec::{Decoded, FrameHead, Tlx1, WireCodec};
use tlib::{AttributeId, ConnId, KvList, KvPair, KvValue, Message, MessageType, ReferenceId, Value};

/// Title of the example in the document, head, message.
fn examples() -> Vec<(&'static str, FrameHead, Message)> {
    let head = |reference: Option<u32>, sequence| FrameHead {
        reference: reference.map(ReferenceId),
        sequence,
    };
    let unknown = KvPair {
        key: "u".to_owned(),
        value: KvValue::Unknown {
            kind: 9,
            data: Bytes::from_static(b"?"),
        },
    };
    let mut every_kind = KvList::new()
        .with("s", "text")
        .with("i", -2)
        .with("b", Bytes::from_static(&[1, 2]))
        .with("l", KvList::new().with("x", 1))
        .with("e", KvList::new())
        .with("w", KvValue::Unicode("ж".to_owned()));
    every_kind.extend([unknown]);
    vec![
        (
            "A request without attributes",
            head(Some(13), 1),
            Message::new(MessageType::REQUEST_QUERY_SERVER),
        ),
        (
            "A request that wants no answer",
            head(Some(u32::MAX), 2),
            Message::new(MessageType::REQUEST_AGENT_NOT_READY)
                .with(AttributeId::THIS_DN, "5002")
                .with(
                    AttributeId::REASON,
                    KvList::new().with("KW_UC_STATUS", "busy").with("KW_UC_NOTE", ""),
                ),
        ),
        (
            "Every class of attribute",
            head(None, 3),
            Message::new(MessageType::EVENT_RINGING)
                .with(AttributeId::CALL_TYPE, 2)
                .with(AttributeId::CONN_ID, ConnId(0x006c_0246_2a16_1006))
                .with(AttributeId::THIS_DN, "5002")
                .with(AttributeId::USER_DATA, KvList::new().with("RTR", 115))
                .with(AttributeId::INPUT_MASK, Bytes::from_static(&[0xF0]))
                .with(
                    AttributeId::PRIORITY,
                    Value::Unknown {
                        class: 9,
                        data: Bytes::from_static(b"?"),
                    },
                ),
        ),
        (
            "Every kind of pair",
            head(None, 4),
            Message::new(MessageType::EVENT_USER_EVENT).with(AttributeId::USER_DATA, every_kind),
        ),
        (
            "Unknown ids",
            head(None, 0),
            Message::new(MessageType(9000)).with(AttributeId(900), "kept"),
        ),
    ]
}

/// The bytes in the code block after the heading: hex pairs up to `;`, which starts a comment.
fn documented(document: &str, title: &str) -> Vec<u8> {
    let heading = format!("### {title}\n");
    let (_, section) = document
        .split_once(&heading)
        .unwrap_or_else(|| panic!("no section {title:?}"));
    let block = section.split("```").nth(1).expect("a code block");
    block
        .lines()
        .skip(1)
        .flat_map(|line| line.split(';').next().unwrap_or("").split_whitespace())
        .map(|pair| u8::from_str_radix(pair, 16).expect("a hex pair"))
        .collect()
}

#[test]
fn every_example_of_the_document_is_what_the_codec_writes_and_reads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tlx.md");
    let document = std::fs::read_to_string(path).unwrap();
    let codec = Tlx1::default();
    for (title, head, message) in examples() {
        let mut bytes = BytesMut::new();
        codec.encode(head, &message, &mut bytes).unwrap();
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(bytes, documented(&document, title), "{title}: {}", hex.join(" "));
        let Ok(Decoded::Frame(frame)) = codec.decode(&mut bytes) else {
            panic!("{title} is not decoded")
        };
        let mut expected = message;
        if let Some(reference) = head.reference {
            expected.push_front(AttributeId::REFERENCE_ID, reference);
        }
        assert!(frame.head == head && frame.message == expected, "{title}");
    }
}

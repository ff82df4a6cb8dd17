//! Tests of TLX/1 and the packed lists: known bytes, inverse, limits, hostile input.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;
use crate::catalog::{AttributeId, CallType, MessageType};
use crate::id::ConnId;
use crate::kv::{KvList, KvPair, KvValue};
use crate::message::Value;

fn encoded(message: &Message) -> BytesMut {
    let mut bytes = BytesMut::new();
    Tlx1::default()
        .encode(FrameHead::default(), message, &mut bytes)
        .unwrap();
    bytes
}

fn decoded(codec: &Tlx1, bytes: &[u8]) -> Result<Decoded, DecodeError> {
    codec.decode(&mut BytesMut::from(bytes))
}

/// A frame with one `UserData` attribute of these packed bytes.
fn user_data_frame(packed: &[u8]) -> Vec<u8> {
    let body = 6 + packed.len();
    let mut frame = b"TLX\x01".to_vec();
    frame.extend(u32::try_from(body).unwrap().to_be_bytes());
    frame.extend([0, 85, 0, 0, 0, 0, 0, 0]);
    frame.extend([0; 8]);
    frame.extend([0, 51, 3, 0]);
    frame.extend(u16::try_from(packed.len()).unwrap().to_be_bytes());
    frame.extend(packed);
    frame
}

fn packed(list: &KvList) -> Bytes {
    let message = Message::new(MessageType::EVENT_USER_EVENT).with(AttributeId::USER_DATA, list.clone());
    encoded(&message).freeze().slice(30..)
}

/// Spec: T-Library reference §9, golden vectors
#[test]
fn packed_lists_have_the_sizes_and_first_bytes_of_real_logs() {
    let uuid = "AM5D3AE9D90757BKTSVJTCIAR4000014";
    let session = KvList::new()
        .with("Session", "00PN8M303SBR7E9P04000VTAES000001+")
        .with("Node", "272")
        .with("Url", "http://co67.step:7005/scxml");
    let router = KvList::new()
        .with("SIGNATURE", "router")
        .with("NAME", "URS76")
        .with("VERSION", "Version: 7.6.200.11")
        .with("CLUSTER", "URS76")
        .with("VQID", uuid)
        .with("Location", "AvayaSwitch")
        .with("CallUUID", uuid);
    let vectors = [
        (14, [0, 1, 1, 0], KvList::new().with("RTR", 115)),
        (
            34,
            [0, 1, 0, 0],
            KvList::new().with("RTargetAgentGroup", "VAG_Skill1"),
        ),
        (
            149,
            [0, 1, 3, 0],
            KvList::new().with("ORSI:Cluster1:QK59HK4FS927D7FUU41G6IE468000004", session),
        ),
        (194, [0, 7, 0, 0], router),
    ];
    for (size, first, list) in vectors {
        let bytes = packed(&list);
        assert_eq!((bytes.len(), &bytes[..4]), (size, &first[..]), "{list:?}");
        assert_eq!(list.packed_len(), size);
    }
}

#[test]
fn values_over_64_kib_take_the_large_form_and_come_back() {
    for size in [65_532, 65_533, 65_535, 65_536, 70_000] {
        let list = KvList::new()
            .with("big", "x".repeat(size))
            .with("nested", KvList::new().with("b", "y".repeat(size - 8)));
        let message = Message::new(MessageType::EVENT_USER_EVENT).with(AttributeId::USER_DATA, list.clone());
        let mut bytes = encoded(&message);
        assert_eq!(bytes.len(), 30 + list.packed_len());
        let Ok(Decoded::Frame(frame)) = Tlx1::default().decode(&mut bytes) else {
            panic!("no frame for {size}")
        };
        assert!(frame.message == message, "{size}");
    }
}

#[test]
fn the_reference_of_the_head_wins_and_comes_back_first() {
    let message = Message::new(MessageType::EVENT_ERROR)
        .with(AttributeId::THIS_DN, "1001")
        .with(AttributeId::REFERENCE_ID, ReferenceId(1));
    let head = FrameHead {
        reference: Some(ReferenceId(u32::MAX)),
        sequence: u64::MAX,
    };
    let mut bytes = BytesMut::new();
    Tlx1::default().encode(head, &message, &mut bytes).unwrap();
    let Ok(Decoded::Frame(frame)) = Tlx1::default().decode(&mut bytes) else {
        panic!("no frame")
    };
    assert_eq!(frame.head, head);
    assert_eq!(
        frame.message,
        Message::new(MessageType::EVENT_ERROR)
            .with(AttributeId::REFERENCE_ID, ReferenceId(u32::MAX))
            .with(AttributeId::THIS_DN, "1001")
    );
    assert!(bytes.is_empty());
}

#[test]
fn a_reference_id_that_is_no_single_integer_is_not_written() {
    for message in [
        Message::new(MessageType(0)).with(AttributeId::REFERENCE_ID, "7"),
        Message::new(MessageType(0))
            .with(AttributeId::REFERENCE_ID, 7)
            .with(AttributeId::REFERENCE_ID, 8),
    ] {
        let mut bytes = BytesMut::from(&b"kept"[..]);
        let result = Tlx1::default().encode(FrameHead::default(), &message, &mut bytes);
        assert_eq!(result, Err(EncodeError::ReferenceId));
        assert_eq!(&bytes[..], b"kept");
    }
}

#[test]
fn limits_hold_when_writing_and_when_reading() {
    let tight = Tlx1::new(
        FrameLimits::default()
            .with_frame_bytes(200)
            .with_attributes(2)
            .with_kv_depth(2)
            .with_kv_pairs(3),
    );
    let base = || Message::new(MessageType::EVENT_USER_EVENT);
    let deep = KvList::new().with("a", KvList::new().with("b", KvList::new()));
    let wide = KvList::new()
        .with("a", KvList::new().with("b", 1).with("c", 2))
        .with("d", 3);
    let cases = [
        (
            base().with(AttributeId::ANI, "1".repeat(200)),
            EncodeError::FrameTooLarge {
                size: 230,
                limit: 200,
            },
            DecodeErrorKind::FrameTooLarge {
                size: 230,
                limit: 200,
            },
            4,
        ),
        (
            base()
                .with(AttributeId::CALL_ID, 1)
                .with(AttributeId::CALL_ID, 1)
                .with(AttributeId::CALL_ID, 1),
            EncodeError::TooManyAttributes { limit: 2 },
            DecodeErrorKind::TooManyAttributes { limit: 2 },
            44,
        ),
        (
            base().with(AttributeId::USER_DATA, deep),
            EncodeError::KvTooDeep { limit: 2 },
            DecodeErrorKind::KvTooDeep { limit: 2 },
            50,
        ),
        (
            base().with(AttributeId::USER_DATA, wide),
            EncodeError::TooManyKvPairs { limit: 3 },
            DecodeErrorKind::TooManyKvPairs { limit: 3 },
            40,
        ),
    ];
    for (message, write_error, kind, offset) in cases {
        let mut bytes = BytesMut::new();
        let written = tight.encode(FrameHead::default(), &message, &mut bytes);
        assert_eq!(written, Err(write_error));
        assert!(bytes.is_empty());
        let read = decoded(&tight, &encoded(&message));
        assert_eq!(read, Err(DecodeError { offset, kind }), "{message:?}");
    }
}

#[test]
fn limits_outside_their_range_are_moved_into_it() {
    let limits = FrameLimits::default()
        .with_frame_bytes(0)
        .with_attributes(1 << 30)
        .with_kv_depth(1000)
        .with_kv_pairs(0);
    assert_eq!(
        limits,
        FrameLimits {
            frame_bytes: 64,
            attributes: 65_535,
            kv_depth: 64,
            kv_pairs: 1,
        }
    );
}

#[test]
fn text_with_nul_and_known_classes_as_unknown_ones_are_not_written() {
    let message = |value: Value| Message::new(MessageType(0)).with(AttributeId(900), value);
    let list = |pair: KvPair| Value::KvList(std::iter::once(pair).collect());
    let pair = |key: &str, value: KvValue| KvPair {
        key: key.to_owned(),
        value,
    };
    let data = Bytes::from_static(b"x");
    let unknown = |kind| KvValue::Unknown {
        kind,
        data: data.clone(),
    };
    let cases = [
        (Value::Str("a\0".to_owned()), EncodeError::NulInText),
        (list(pair("a\0", 1.into())), EncodeError::NulInText),
        (list(pair("a", "\0".into())), EncodeError::NulInText),
        (
            Value::Unknown {
                class: 4,
                data: data.clone(),
            },
            EncodeError::ReservedClass { class: 4 },
        ),
        (
            list(pair("a", unknown(4))),
            EncodeError::ReservedClass { class: 4 },
        ),
        (
            list(pair("a", unknown(0x85))),
            EncodeError::ReservedClass { class: 0x85 },
        ),
        (
            list(pair(&"k".repeat(65_536), 1.into())),
            EncodeError::KeyTooLong { size: 65_536 },
        ),
    ];
    for (value, error) in cases {
        let result = Tlx1::default().encode(FrameHead::default(), &message(value), &mut BytesMut::new());
        assert_eq!(result, Err(error));
    }
}

#[test]
fn malformed_frames_are_errors_with_the_offset_of_the_fault() {
    let good = encoded(
        &Message::new(MessageType::EVENT_RINGING)
            .with(AttributeId::CALL_TYPE, CallType::INBOUND)
            .with(AttributeId::CONN_ID, ConnId(7))
            .with(AttributeId::THIS_DN, "1001"),
    );
    let with = |index: usize, byte: u8| {
        let mut bytes = good.to_vec();
        bytes[index] = byte;
        bytes
    };
    let length = |found, expected| DecodeErrorKind::Length { found, expected };
    let cases = [
        (with(1, b'M'), 1, DecodeErrorKind::Magic),
        (with(3, 2), 3, DecodeErrorKind::Version { found: 2 }),
        (
            with(4, 1),
            4,
            DecodeErrorKind::FrameTooLarge {
                size: (1 << 24) + 58,
                limit: 1 << 20,
            },
        ),
        (with(10, 0x80), 10, DecodeErrorKind::Flags { found: 0x8000 }),
        (with(25, 2), 24, DecodeErrorKind::ReferenceInBody),
        (
            with(29, 200),
            30,
            DecodeErrorKind::Truncated {
                needed: 200,
                left: 28,
            },
        ),
        (with(26, 1), 30, length(4, 8)),
        (with(36, 0), 40, length(8, 4)),
        (with(55, 0), 55, DecodeErrorKind::Text),
        (with(56, 0xFF), 56, DecodeErrorKind::Text),
    ];
    for (bytes, offset, kind) in cases {
        assert_eq!(
            decoded(&Tlx1::default(), &bytes),
            Err(DecodeError { offset, kind })
        );
    }
}

#[test]
fn malformed_lists_are_errors_with_the_offset_of_the_fault() {
    let truncated = |needed, left| DecodeErrorKind::Truncated { needed, left };
    let length = |found, expected| DecodeErrorKind::Length { found, expected };
    let cases: [(&[u8], usize, DecodeErrorKind); 7] = [
        (&[0], 30, truncated(2, 1)),
        (&[0, 1], 32, truncated(1, 0)),
        (&[0, 1, 0, 0, 9, 0, 0], 37, truncated(9, 0)),
        (&[0, 0, 7], 32, DecodeErrorKind::TrailingBytes { count: 1 }),
        (&[0, 1, 1, 0, 1, 0, 2, b'k', 0, 0], 38, length(2, 4)),
        (&[0, 1, 3, 0, 1, 0, 4, b'k', 0, 9, 0, 0], 38, length(9, 2)),
        (&[0, 1, 0, 0, 1, 0, 1, 0xFF, b'v'], 37, DecodeErrorKind::Text),
    ];
    for (packed, offset, kind) in cases {
        assert_eq!(
            decoded(&Tlx1::default(), &user_data_frame(packed)),
            Err(DecodeError { offset, kind }),
            "{packed:?}"
        );
    }
}

#[test]
fn errors_say_what_and_where() {
    let error = decoded(&Tlx1::default(), b"GET / HTTP/1.1").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no frame of this format starts here at byte 0 of the frame"
    );
}

#[test]
fn probe_needs_four_bytes_and_tells_other_formats_early() {
    let codec = Tlx1::default();
    assert_eq!(codec.probe(b""), Probe::NeedMore);
    assert_eq!(codec.probe(b"TLX"), Probe::NeedMore);
    assert_eq!(codec.probe(b"TLX\x01\0\0"), Probe::Match);
    assert_eq!(codec.probe(b"TLX\x02"), Probe::NoMatch);
    assert_eq!(codec.probe(b"{"), Probe::NoMatch);
}

#[test]
fn frames_that_follow_each_other_are_taken_one_by_one() {
    let first = Message::new(MessageType::EVENT_ACK);
    let second = Message::new(MessageType(9000)).with(AttributeId(9000), "kept");
    let mut bytes = encoded(&first);
    bytes.extend_from_slice(&encoded(&second));
    let codec = Tlx1::default();
    for expected in [first, second] {
        let Ok(Decoded::Frame(frame)) = codec.decode(&mut bytes) else {
            panic!("no frame")
        };
        assert_eq!(frame.message, expected);
    }
    assert_eq!(codec.decode(&mut bytes), Ok(Decoded::Incomplete { needed: 24 }));
}

fn text() -> impl Strategy<Value = String> {
    "[^\0]{0,12}"
}

fn kv_list() -> impl Strategy<Value = KvList> {
    let leaf = prop_oneof![
        text().prop_map(KvValue::Str),
        any::<i32>().prop_map(KvValue::Int),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(|data| KvValue::Binary(data.into())),
        text().prop_map(KvValue::Unicode),
        (5_u8..0x80, prop::collection::vec(any::<u8>(), 0..9)).prop_map(|(kind, data)| {
            KvValue::Unknown {
                kind,
                data: data.into(),
            }
        }),
    ];
    let list_of = |value: BoxedStrategy<KvValue>| {
        let pair = (text(), value).prop_map(|(key, value)| KvPair { key, value });
        prop::collection::vec(pair, 0..5).prop_map(|pairs| pairs.into_iter().collect::<KvList>())
    };
    let value = leaf.prop_recursive(4, 24, 4, move |inner| {
        list_of(inner.boxed()).prop_map(KvValue::List)
    });
    list_of(value.boxed())
}

fn message() -> impl Strategy<Value = Message> {
    let value = prop_oneof![
        any::<i32>().prop_map(Value::Int),
        any::<i64>().prop_map(Value::Long),
        text().prop_map(Value::Str),
        kv_list().prop_map(Value::KvList),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|data| Value::Binary(data.into())),
        (5_u8.., prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(class, data)| {
            Value::Unknown {
                class,
                data: data.into(),
            }
        }),
    ];
    let id = prop_oneof![0_u16..160, any::<u16>()].prop_filter("lives in the head", |id| *id != 2);
    let reference = prop::option::of(any::<u32>());
    let attributes = prop::collection::vec((id, value), 0..10);
    (any::<u16>(), reference, attributes).prop_map(|(id, reference, attributes)| {
        let mut message = Message::new(MessageType(id));
        if let Some(reference) = reference {
            message.push(AttributeId::REFERENCE_ID, ReferenceId(reference));
        }
        for (id, value) in attributes {
            message.push(AttributeId(id), value);
        }
        message
    })
}

proptest! {
    #[test]
    fn every_message_comes_back_as_it_was_and_every_cut_asks_for_the_rest(
        message in message(),
        sequence: u64,
    ) {
        let codec = Tlx1::default();
        let mut bytes = BytesMut::new();
        let head = FrameHead { reference: None, sequence };
        codec.encode(head, &message, &mut bytes).unwrap();
        for cut in 0..bytes.len() {
            let mut part = BytesMut::from(&bytes[..cut]);
            let outcome = codec.decode(&mut part);
            let Ok(Decoded::Incomplete { needed }) = outcome else {
                panic!("{outcome:?} after {cut} bytes");
            };
            prop_assert!(needed > 0 && cut + needed <= bytes.len());
            prop_assert_eq!(part.len(), cut);
        }
        let all = bytes.clone();
        let Ok(Decoded::Frame(frame)) = codec.decode(&mut bytes) else {
            panic!("no frame");
        };
        prop_assert_eq!(frame.head.sequence, sequence);
        prop_assert_eq!(frame.head.reference, message.reference_id());
        prop_assert!(frame.message == message);
        let mut again = BytesMut::new();
        codec.encode(frame.head, &frame.message, &mut again).unwrap();
        prop_assert_eq!(again, all);
    }

    #[test]
    fn any_bytes_are_decoded_or_refused_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let codec = Tlx1::default();
        let _ = decoded(&codec, &bytes);
        let body = u8::try_from(bytes.len()).unwrap();
        let mut frame = vec![b'T', b'L', b'X', 1, 0, 0, 0, body, 0, 60, 0, 1];
        frame.extend([0; 12]);
        frame.extend(&bytes);
        // Complete frames are never incomplete.
        let outcome = decoded(&codec, &frame);
        let incomplete = matches!(outcome, Ok(Decoded::Incomplete { .. }));
        prop_assert!(!incomplete);
        // What is read can be written, and reads the same again.
        if let Ok(Decoded::Frame(frame)) = outcome {
            let mut again = BytesMut::new();
            codec.encode(frame.head, &frame.message, &mut again).unwrap();
            prop_assert_eq!(codec.decode(&mut again), Ok(Decoded::Frame(frame)));
        }
    }

    #[test]
    fn a_changed_byte_never_panics(message in message(), at: prop::sample::Index, byte: u8) {
        let mut bytes = encoded(&message);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Err(error) = decoded(&Tlx1::default(), &bytes) {
            prop_assert!(error.offset <= bytes.len());
        }
    }
}

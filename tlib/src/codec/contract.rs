//! The contract of [`WireCodec`], one function per rule. Feature `testing`.
//!
//! Run all of them on an implementation with [`codec_suite!`](crate::codec_suite).

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a contract suite fails by panicking, like every test"
)]

use bytes::{Bytes, BytesMut};

use super::{Decoded, Frame, FrameHead, Probe, WireCodec};
use crate::catalog::{AttributeId, MessageType, ValueClass};
use crate::id::{ConnId, ReferenceId};
use crate::kv::{KvList, KvPair, KvValue};
use crate::message::{Message, Value};

/// Runs the contract suite on a codec, one test per rule. The argument makes a new codec, with limits that
/// let frames of 64 KiB through.
///
/// ```
/// mod tlx {
///     tlib::codec_suite!(tlib::codec::Tlx1::default());
/// }
/// ```
#[macro_export]
macro_rules! codec_suite {
    ($make:expr) => {
        $crate::codec_suite! { $make =>
            every_message_and_attribute_of_the_catalogue_comes_back
            every_class_and_kind_comes_back_the_unknown_ones_too
            the_reference_of_the_head_wins_and_stands_first
            another_head_on_a_frame_is_as_if_it_was_encoded_with_it
            a_cut_frame_is_incomplete_and_stays_in_the_input
            frames_in_one_buffer_are_taken_one_by_one
            the_probe_knows_every_beginning_of_a_frame
            what_cannot_be_written_leaves_the_output_as_it_was
            hostile_bytes_never_panic
        }
    };
    ($make:expr => $($test:ident)+) => {
        $(#[test]
        fn $test() {
            $crate::codec::contract::$test(&$make);
        })+
    };
}

/// A message of every type with every attribute of the table survives.
pub fn every_message_and_attribute_of_the_catalogue_comes_back(codec: &dyn WireCodec) {
    for kind in MessageType::ALL {
        let message = Message::new(*kind).with(AttributeId::THIS_DN, "1001");
        assert_eq!(round_trip(codec, &message), message);
    }
    let mut message = Message::new(MessageType::EVENT_RINGING);
    message.push(AttributeId::REFERENCE_ID, ReferenceId(7));
    for id in AttributeId::ALL {
        let value = match id.class() {
            _ if *id == AttributeId::REFERENCE_ID => continue,
            Some(ValueClass::Int) => Value::Int(i32::from(id.0) - 70),
            Some(ValueClass::Long) => Value::Long(i64::MIN + i64::from(id.0)),
            Some(ValueClass::KvList) => Value::KvList(KvList::new().with("key", "value")),
            Some(ValueClass::Binary) => Value::Binary(Bytes::from_static(&[0, 255])),
            Some(ValueClass::Str) | None => Value::Str("text".to_owned()),
        };
        message.push(*id, value);
    }
    assert_eq!(round_trip(codec, &message), message);
}

/// Every class of value, every kind of pair, repeated ids and keys, and ids outside the tables survive.
pub fn every_class_and_kind_comes_back_the_unknown_ones_too(codec: &dyn WireCodec) {
    let message = example();
    // `Debug` redacts, so the comparison must not print.
    assert!(round_trip(codec, &message) == message);
}

/// The head's reference replaces the one in the message; without it the message's goes into the head.
pub fn the_reference_of_the_head_wins_and_stands_first(codec: &dyn WireCodec) {
    let message = Message::new(MessageType::EVENT_ACK)
        .with(AttributeId::THIS_DN, "1001")
        .with(AttributeId::REFERENCE_ID, ReferenceId(1));
    for (given, expected) in [(None, 1), (Some(u32::MAX), u32::MAX), (Some(0), 0)] {
        let head = FrameHead {
            reference: given.map(ReferenceId),
            sequence: 9,
        };
        let frame = decode(codec, &mut encode(codec, head, &message));
        let expected = Some(ReferenceId(expected));
        assert_eq!((frame.head.reference, frame.head.sequence), (expected, 9));
        assert_eq!(frame.message.reference_id(), expected);
        assert_eq!(frame.message.attributes()[0].id, AttributeId::REFERENCE_ID);
        assert_eq!(frame.message.attributes().len(), 2);
    }
}

/// A codec that readdresses frames changes the head and nothing else; one that does not leaves them alone.
pub fn another_head_on_a_frame_is_as_if_it_was_encoded_with_it(codec: &dyn WireCodec) {
    let message = example();
    let heads =
        [(None, 0), (Some(0), 1), (Some(u32::MAX), u64::MAX)].map(|(reference, sequence)| FrameHead {
            reference: reference.map(ReferenceId),
            sequence,
        });
    for before in heads {
        for after in heads {
            let mut frame = encode(codec, before, &message);
            let written = codec.readdress(after, &mut frame);
            let expected = if written { after } else { before };
            assert_eq!(frame, encode(codec, expected, &message));
        }
    }
}

/// Every beginning of a frame is incomplete, wants at least one byte and at most the rest, and is kept.
pub fn a_cut_frame_is_incomplete_and_stays_in_the_input(codec: &dyn WireCodec) {
    let bytes = encode(codec, FrameHead::default(), &example());
    for cut in 0..bytes.len() {
        let mut part = BytesMut::from(&bytes[..cut]);
        match codec.decode(&mut part) {
            Ok(Decoded::Incomplete { needed }) => {
                assert!((1..=bytes.len() - cut).contains(&needed), "after {cut} bytes");
                assert_eq!(part, bytes[..cut]);
            }
            other => panic!("{other:?} after {cut} bytes"),
        }
    }
}

/// Frames that follow each other do not touch each other.
pub fn frames_in_one_buffer_are_taken_one_by_one(codec: &dyn WireCodec) {
    let mut bytes = BytesMut::new();
    for sequence in 1..=3 {
        let head = FrameHead {
            reference: None,
            sequence,
        };
        bytes.extend_from_slice(&encode(codec, head, &example()));
    }
    for sequence in 1..=3 {
        assert_eq!(decode(codec, &mut bytes).head.sequence, sequence);
    }
    assert!(bytes.is_empty());
}

/// A beginning of a frame never looks like another format, and a whole frame is known.
pub fn the_probe_knows_every_beginning_of_a_frame(codec: &dyn WireCodec) {
    let bytes = encode(codec, FrameHead::default(), &example());
    assert_eq!(codec.probe(&[]), Probe::NeedMore);
    for cut in 1..bytes.len() {
        assert_ne!(codec.probe(&bytes[..cut]), Probe::NoMatch, "{cut} bytes");
    }
    assert_eq!(codec.probe(&bytes), Probe::Match);
    assert_eq!(codec.probe(&[0; 64]), Probe::NoMatch);
}

/// A message that cannot be written is an error, and nothing of it is written.
pub fn what_cannot_be_written_leaves_the_output_as_it_was(codec: &dyn WireCodec) {
    let huge = Message::new(MessageType::EVENT_ACK).with(AttributeId::ANI, "1".repeat(64 << 20));
    let nul = Message::new(MessageType::EVENT_ACK).with(AttributeId::ANI, "\0");
    for message in [huge, nul] {
        let mut output = BytesMut::from(&b"before"[..]);
        let result = codec.encode(FrameHead::default(), &message, &mut output);
        assert!(result.is_err());
        assert_eq!(output, b"before"[..]);
    }
}

/// Frames with changed bytes are decoded or refused, whatever stands in them.
pub fn hostile_bytes_never_panic(codec: &dyn WireCodec) {
    let good = encode(codec, FrameHead::default(), &example());
    let mut state = 1_u64;
    let mut random = move || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or(0)
    };
    for _ in 0..10_000 {
        let mut bytes = good.clone();
        for _ in 0..=random() % 3 {
            let at = random() % bytes.len();
            bytes[at] = random().to_le_bytes()[0];
        }
        if let Err(error) = codec.decode(&mut bytes) {
            assert!(error.offset <= good.len());
        }
    }
}

/// A message with everything that a codec must keep.
fn example() -> Message {
    let data = Bytes::from_static(b"\x00\xffraw");
    let unknown = KvPair {
        key: "odd".to_owned(),
        value: KvValue::Unknown {
            kind: 99,
            data: data.clone(),
        },
    };
    let mut list = KvList::new()
        .with("", "")
        .with("text", "\"quotes\" \\ \n ж 😀")
        .with("text", "again")
        .with("min", i32::MIN)
        .with("binary", data.clone())
        .with("unicode", KvValue::Unicode("ж".to_owned()))
        .with("list", KvList::new().with("empty", KvList::new()));
    list.extend([unknown]);
    Message::new(MessageType(40_000))
        .with(AttributeId::CONN_ID, ConnId(u64::MAX))
        .with(AttributeId::CALL_ID, -1)
        .with(AttributeId::CALL_ID, 2)
        .with(AttributeId::USER_DATA, list)
        .with(AttributeId::INPUT_MASK, data.clone())
        .with(AttributeId(40_000), "kept")
        .with(AttributeId::THIS_DN, Value::Unknown { class: 200, data })
}

fn encode(codec: &dyn WireCodec, head: FrameHead, message: &Message) -> BytesMut {
    let mut bytes = BytesMut::new();
    codec
        .encode(head, message, &mut bytes)
        .expect("the message can be written");
    bytes
}

fn decode(codec: &dyn WireCodec, bytes: &mut BytesMut) -> Frame {
    match codec.decode(bytes) {
        Ok(Decoded::Frame(frame)) => frame,
        other => panic!("{other:?} instead of a frame"),
    }
}

fn round_trip(codec: &dyn WireCodec, message: &Message) -> Message {
    let mut bytes = encode(codec, FrameHead::default(), message);
    let frame = decode(codec, &mut bytes);
    assert!(bytes.is_empty());
    frame.message
}

//! TLX/1, the documented wire format of this crate (`docs/tlx.md`).

use bytes::{Buf, BufMut, BytesMut};

use super::packed::{self, Budget, Cursor, Fault};
use super::{
    DecodeError, DecodeErrorKind, Decoded, EncodeError, Frame, FrameHead, FrameLimits, Probe, WireCodec,
};
use crate::catalog::{AttributeId, MessageType};
use crate::id::ReferenceId;
use crate::message::{Message, Value};

/// The codec of TLX/1: a head of 24 bytes, then attributes as id, class, length and value.
///
/// ```
/// use bytes::BytesMut;
/// use tlib::codec::{Decoded, FrameHead, Tlx1, WireCodec};
/// use tlib::{Message, MessageType, ReferenceId};
///
/// let codec = Tlx1::default();
/// let mut bytes = BytesMut::new();
/// let head = FrameHead { reference: Some(ReferenceId(13)), sequence: 1 };
/// codec.encode(head, &Message::new(MessageType::REQUEST_QUERY_SERVER), &mut bytes)?;
/// assert_eq!(bytes.len(), 24);
/// let Ok(Decoded::Frame(frame)) = codec.decode(&mut bytes) else { unreachable!() };
/// assert_eq!(frame.message.reference_id(), Some(ReferenceId(13)));
/// # Ok::<(), tlib::codec::EncodeError>(())
/// ```
///
/// Spec: docs/tlx.md
#[derive(Clone, Debug, Default)]
pub struct Tlx1 {
    limits: FrameLimits,
}

/// The first three bytes of every frame.
const MAGIC: [u8; 3] = *b"TLX";
/// The fourth byte.
const VERSION: u8 = 1;
/// Size of the fixed head.
const HEAD: usize = 24;
/// Where the fields of the head begin that differ between the receivers of one message.
const ADDRESS: usize = 10;
/// Flag: the head carries a reference id.
const FLAG_REFERENCE: u16 = 0x0001;
/// Bytes of an attribute before its value.
const ATTRIBUTE_HEAD: usize = 6;

const CLASS_INT: u8 = 0;
const CLASS_LONG: u8 = 1;
const CLASS_STR: u8 = 2;
const CLASS_KV_LIST: u8 = 3;
const CLASS_BINARY: u8 = 4;

impl Tlx1 {
    /// A codec with limits; fields outside their range are moved into it.
    pub fn new(limits: FrameLimits) -> Self {
        Self {
            limits: limits.clamped(),
        }
    }

    /// The limits.
    pub const fn limits(&self) -> &FrameLimits {
        &self.limits
    }

    /// Size of the frame of `message`, after all checks that need no bytes.
    fn frame_len(&self, message: &Message) -> Result<usize, EncodeError> {
        let mut budget = Budget::new(&self.limits);
        let mut size = HEAD;
        let mut count = 0;
        for attribute in message.attributes() {
            if attribute.id == AttributeId::REFERENCE_ID {
                continue;
            }
            count += 1;
            size += ATTRIBUTE_HEAD
                + match &attribute.value {
                    Value::Int(_) => 4,
                    Value::Long(_) => 8,
                    Value::Str(text) if text.contains('\0') => return Err(EncodeError::NulInText),
                    Value::Str(text) => text.len(),
                    Value::KvList(list) => {
                        packed::check(list, 1, &mut budget)?;
                        list.packed_len()
                    }
                    Value::Unknown { class, .. } if *class <= CLASS_BINARY => {
                        return Err(EncodeError::ReservedClass { class: *class });
                    }
                    Value::Binary(data) | Value::Unknown { data, .. } => data.len(),
                };
        }
        if count > self.limits.attributes {
            return Err(EncodeError::TooManyAttributes {
                limit: self.limits.attributes,
            });
        }
        if size > self.limits.frame_bytes {
            return Err(EncodeError::FrameTooLarge {
                size,
                limit: self.limits.frame_bytes,
            });
        }
        Ok(size)
    }

    fn decode_body(&self, head: &Head, frame: &[u8]) -> Result<Frame, Fault> {
        let mut message = Message::new(head.message_type);
        if let Some(reference) = head.reference {
            message.push(AttributeId::REFERENCE_ID, reference);
        }
        let mut input = Cursor::new(frame, HEAD);
        let mut budget = Budget::new(&self.limits);
        let mut count = 0;
        while !input.is_empty() {
            let start = input.offset();
            count += 1;
            if count > self.limits.attributes {
                let limit = self.limits.attributes;
                return Err((start, DecodeErrorKind::TooManyAttributes { limit }));
            }
            let id = AttributeId(input.u16()?);
            if id == AttributeId::REFERENCE_ID {
                return Err((start, DecodeErrorKind::ReferenceInBody));
            }
            let word = input.u32()?;
            let [class, ..] = word.to_be_bytes();
            let length = usize::try_from(word & 0x00FF_FFFF).unwrap_or(usize::MAX);
            let value = input.take(length)?;
            message.push(id, read_value(class, value, &mut budget)?);
        }
        Ok(Frame {
            head: FrameHead {
                reference: head.reference,
                sequence: head.sequence,
            },
            message,
        })
    }
}

impl WireCodec for Tlx1 {
    fn name(&self) -> &'static str {
        "tlx/1"
    }

    fn probe(&self, first: &[u8]) -> Probe {
        let magic = [MAGIC[0], MAGIC[1], MAGIC[2], VERSION];
        let seen = first.len().min(magic.len());
        match first[..seen] == magic[..seen] {
            true if seen == magic.len() => Probe::Match,
            true => Probe::NeedMore,
            false => Probe::NoMatch,
        }
    }

    fn encode(&self, head: FrameHead, message: &Message, output: &mut BytesMut) -> Result<(), EncodeError> {
        let own = own_reference(message)?;
        let size = self.frame_len(message)?;
        output.reserve(size);
        output.put_slice(&MAGIC);
        output.put_u8(VERSION);
        output.put_u32(u32::try_from(size - HEAD).unwrap_or(u32::MAX));
        output.put_u16(message.message_type.0);
        output.put_slice(&address(FrameHead {
            reference: head.reference.or(own),
            ..head
        }));
        for attribute in message.attributes() {
            if attribute.id != AttributeId::REFERENCE_ID {
                write_attribute(attribute.id, &attribute.value, output);
            }
        }
        Ok(())
    }

    fn readdress(&self, head: FrameHead, frame: &mut [u8]) -> bool {
        let Some(field) = frame.get_mut(ADDRESS..HEAD) else {
            return false;
        };
        field.copy_from_slice(&address(head));
        true
    }

    fn decode(&self, input: &mut BytesMut) -> Result<Decoded, DecodeError> {
        let located = |(offset, kind): Fault| DecodeError { offset, kind };
        let Some(head) = Head::read(input, &self.limits).map_err(located)? else {
            return Ok(Decoded::Incomplete {
                needed: HEAD - input.len(),
            });
        };
        let size = HEAD + head.body;
        let Some(frame) = input.get(..size) else {
            return Ok(Decoded::Incomplete {
                needed: size - input.len(),
            });
        };
        let frame = self.decode_body(&head, frame).map_err(located)?;
        input.advance(size);
        Ok(Decoded::Frame(frame))
    }
}

/// The fields of the head that differ between the receivers of one message: flags, reference id, sequence.
fn address(head: FrameHead) -> [u8; HEAD - ADDRESS] {
    let mut fields = [0; HEAD - ADDRESS];
    if let Some(reference) = head.reference {
        fields[..2].copy_from_slice(&FLAG_REFERENCE.to_be_bytes());
        fields[2..6].copy_from_slice(&reference.0.to_be_bytes());
    }
    fields[6..].copy_from_slice(&head.sequence.to_be_bytes());
    fields
}

/// The fixed head.
struct Head {
    body: usize,
    message_type: MessageType,
    reference: Option<ReferenceId>,
    sequence: u64,
}

impl Head {
    /// `None` if the head is not complete; wrong bytes are reported as early as they are there.
    fn read(input: &[u8], limits: &FrameLimits) -> Result<Option<Self>, Fault> {
        for (offset, (found, expected)) in input.iter().zip(MAGIC).enumerate() {
            if *found != expected {
                return Err((offset, DecodeErrorKind::Magic));
            }
        }
        if let Some(&found) = input.get(3).filter(|version| **version != VERSION) {
            return Err((3, DecodeErrorKind::Version { found }));
        }
        let Some(body) = field(input, 4).map(u32::from_be_bytes) else {
            return Ok(None);
        };
        let size = u64::from(body) + HEAD as u64;
        let limit = limits.frame_bytes;
        let body = usize::try_from(body).unwrap_or(usize::MAX);
        if size > limit as u64 {
            return Err((4, DecodeErrorKind::FrameTooLarge { size, limit }));
        }
        let Some(flags) = field(input, 10).map(u16::from_be_bytes) else {
            return Ok(None);
        };
        if flags & !FLAG_REFERENCE != 0 {
            return Err((10, DecodeErrorKind::Flags { found: flags }));
        }
        let (Some(message_type), Some(reference), Some(sequence)) =
            (field(input, 8), field(input, 12), field(input, 16))
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            body,
            message_type: MessageType(u16::from_be_bytes(message_type)),
            reference: (flags & FLAG_REFERENCE != 0).then_some(ReferenceId(u32::from_be_bytes(reference))),
            sequence: u64::from_be_bytes(sequence),
        }))
    }
}

/// The bytes of a field of the head, if they are there.
fn field<const N: usize>(input: &[u8], at: usize) -> Option<[u8; N]> {
    input.get(at..at + N)?.try_into().ok()
}

/// The reference id that stands among the attributes.
fn own_reference(message: &Message) -> Result<Option<ReferenceId>, EncodeError> {
    let mut found = None;
    for attribute in message.attributes() {
        if attribute.id == AttributeId::REFERENCE_ID {
            match attribute.value {
                Value::Int(value) if found.is_none() => {
                    found = Some(ReferenceId(value.cast_unsigned()));
                }
                _ => return Err(EncodeError::ReferenceId),
            }
        }
    }
    Ok(found)
}

fn write_attribute(id: AttributeId, value: &Value, output: &mut BytesMut) {
    let (class, length) = match value {
        Value::Int(_) => (CLASS_INT, 4),
        Value::Long(_) => (CLASS_LONG, 8),
        Value::Str(text) => (CLASS_STR, text.len()),
        Value::KvList(list) => (CLASS_KV_LIST, list.packed_len()),
        Value::Binary(data) => (CLASS_BINARY, data.len()),
        Value::Unknown { class, data } => (*class, data.len()),
    };
    output.put_u16(id.0);
    // A frame has at most 16 MiB, so 24 bits hold every length.
    let length = u32::try_from(length).unwrap_or(u32::MAX) & 0x00FF_FFFF;
    output.put_u32(u32::from(class) << 24 | length);
    match value {
        Value::Int(value) => output.put_i32(*value),
        Value::Long(value) => output.put_i64(*value),
        Value::Str(text) => output.put_slice(text.as_bytes()),
        Value::KvList(list) => packed::write(list, output),
        Value::Binary(data) | Value::Unknown { data, .. } => output.put_slice(data),
    }
}

fn read_value(class: u8, value: Cursor<'_>, budget: &mut Budget<'_>) -> Result<Value, Fault> {
    Ok(match class {
        CLASS_INT => Value::Int(i32::from_be_bytes(value.number()?)),
        CLASS_LONG => Value::Long(i64::from_be_bytes(value.number()?)),
        CLASS_STR => Value::Str(value.text()?),
        CLASS_KV_LIST => Value::KvList(packed::read(value, 1, budget)?),
        CLASS_BINARY => Value::Binary(value.bytes()),
        _ => Value::Unknown {
            class,
            data: value.bytes(),
        },
    })
}

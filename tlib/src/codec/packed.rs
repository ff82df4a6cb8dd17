//! The packed form of a key-value list.
//!
//! Sizes and kinds follow what is known of classic lists; the order of the two lengths of a pair is our
//! choice, because it is not public. `docs/tlx.md` describes every byte.

use bytes::{BufMut, Bytes, BytesMut};

use super::{DecodeErrorKind, EncodeError, FrameLimits};
use crate::catalog::KvType;
use crate::kv::{KvList, KvPair, KvValue};

/// Flag of a kind whose value is too large for the classic 16-bit length.
///
/// Spec: T-Library reference §3, TKVType
const LARGE: u8 = 0x80;

/// Largest value with a 16-bit length.
const CLASSIC_MAX: usize = 0xFFFF;

impl KvList {
    /// Size of the packed form in bytes: 2, plus 5, key and value for every pair.
    ///
    /// ```
    /// use tlib::KvList;
    ///
    /// assert_eq!(KvList::new().with("RTR", 115).packed_len(), 14);
    /// ```
    ///
    /// Spec: T-Library reference §9
    pub fn packed_len(&self) -> usize {
        let pairs = self.iter().map(|pair| {
            let value = value_len(&pair.value);
            head_len(value) + pair.key.len() + value
        });
        2 + pairs.sum::<usize>()
    }
}

/// Bytes of a pair before its key: kind and two lengths.
const fn head_len(value: usize) -> usize {
    if value > CLASSIC_MAX { 7 } else { 5 }
}

/// Bytes of a value, for a list with its own length.
fn value_len(value: &KvValue) -> usize {
    match value {
        KvValue::Int(_) => 4,
        KvValue::Str(text) | KvValue::Unicode(text) => text.len(),
        KvValue::Binary(data) | KvValue::Unknown { data, .. } => data.len(),
        KvValue::List(list) => {
            let packed = list.packed_len();
            // The inner length has the width of the outer one.
            if packed + 2 > CLASSIC_MAX {
                packed + 4
            } else {
                packed + 2
            }
        }
    }
}

/// What is left of the limits while one message is read or written.
pub(super) struct Budget<'a> {
    limits: &'a FrameLimits,
    pairs: usize,
}

impl<'a> Budget<'a> {
    pub(super) const fn new(limits: &'a FrameLimits) -> Self {
        Self { limits, pairs: 0 }
    }

    /// Counts pairs; false if there are too many.
    const fn take_pairs(&mut self, count: usize) -> bool {
        self.pairs = self.pairs.saturating_add(count);
        self.pairs <= self.limits.kv_pairs
    }
}

/// Checks depth, counts and text of a list; its size is checked with the frame.
pub(super) fn check(list: &KvList, depth: usize, budget: &mut Budget<'_>) -> Result<(), EncodeError> {
    if depth > budget.limits.kv_depth {
        return Err(EncodeError::KvTooDeep {
            limit: budget.limits.kv_depth,
        });
    }
    if !budget.take_pairs(list.len()) {
        return Err(EncodeError::TooManyKvPairs {
            limit: budget.limits.kv_pairs,
        });
    }
    if list.len() > CLASSIC_MAX {
        return Err(EncodeError::TooManyKvPairs { limit: CLASSIC_MAX });
    }
    for pair in list {
        if pair.key.len() > CLASSIC_MAX {
            return Err(EncodeError::KeyTooLong { size: pair.key.len() });
        }
        if pair.key.contains('\0') {
            return Err(EncodeError::NulInText);
        }
        match &pair.value {
            KvValue::Str(text) | KvValue::Unicode(text) if text.contains('\0') => {
                return Err(EncodeError::NulInText);
            }
            KvValue::List(inner) => check(inner, depth + 1, budget)?,
            KvValue::Unknown { kind, .. } if *kind <= 4 || *kind & LARGE != 0 => {
                return Err(EncodeError::ReservedClass { class: *kind });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes a checked list.
pub(super) fn write(list: &KvList, output: &mut BytesMut) {
    put_u16(output, list.len());
    for pair in list {
        let size = value_len(&pair.value);
        let large = size > CLASSIC_MAX;
        let kind = kind_of(&pair.value) | if large { LARGE } else { 0 };
        output.put_u8(kind);
        put_u16(output, pair.key.len());
        put_len(output, size, large);
        output.put_slice(pair.key.as_bytes());
        match &pair.value {
            KvValue::Int(value) => output.put_i32(*value),
            KvValue::Str(text) | KvValue::Unicode(text) => output.put_slice(text.as_bytes()),
            KvValue::Binary(data) | KvValue::Unknown { data, .. } => output.put_slice(data),
            KvValue::List(inner) => {
                put_len(output, inner.packed_len(), large);
                write(inner, output);
            }
        }
    }
}

fn kind_of(value: &KvValue) -> u8 {
    let kind = match value {
        KvValue::Str(_) => KvType::STRING,
        KvValue::Int(_) => KvType::INT,
        KvValue::Binary(_) => KvType::BINARY,
        KvValue::List(_) => KvType::LIST,
        KvValue::Unicode(_) => KvType::UNICODE,
        KvValue::Unknown { kind, .. } => return *kind,
    };
    kind.0.to_le_bytes()[0]
}

/// Writes a length that [`check`] has bounded to 16 bits.
fn put_u16(output: &mut BytesMut, value: usize) {
    output.put_u16(u16::try_from(value).unwrap_or(u16::MAX));
}

/// Writes a length of 32 bits if `large`, else of 16. The frame limit bounds it to 24 bits.
fn put_len(output: &mut BytesMut, value: usize, large: bool) {
    if large {
        output.put_u32(u32::try_from(value).unwrap_or(u32::MAX));
    } else {
        put_u16(output, value);
    }
}

/// An error while reading: where in the frame, and what.
pub(super) type Fault = (usize, DecodeErrorKind);

/// A part of a frame that is being read; offsets count from the start of the frame.
pub(super) struct Cursor<'a> {
    frame: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    /// The part of `frame` that starts at `at`, which must not lie behind its end.
    pub(super) const fn new(frame: &'a [u8], at: usize) -> Self {
        Self {
            frame,
            at,
            end: frame.len(),
        }
    }

    pub(super) const fn offset(&self) -> usize {
        self.at
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.at == self.end
    }

    const fn left(&self) -> usize {
        self.end - self.at
    }

    fn data(&self) -> &'a [u8] {
        &self.frame[self.at..self.end]
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<Self, Fault> {
        let left = self.left();
        if count > left {
            let kind = DecodeErrorKind::Truncated { needed: count, left };
            return Err((self.at, kind));
        }
        let taken = Self {
            frame: self.frame,
            at: self.at,
            end: self.at + count,
        };
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let taken = self.take(N)?;
        let mut bytes = [0; N];
        bytes.copy_from_slice(taken.data());
        Ok(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, Fault> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// A length of 32 bits if `large`, else of 16.
    fn len(&mut self, large: bool) -> Result<usize, Fault> {
        if large {
            let value = self.u32()?;
            Ok(usize::try_from(value).unwrap_or(usize::MAX))
        } else {
            Ok(usize::from(self.u16()?))
        }
    }

    /// Everything that is left as a number of exactly its size.
    pub(super) fn number<const N: usize>(mut self) -> Result<[u8; N], Fault> {
        if self.left() != N {
            let kind = DecodeErrorKind::Length {
                found: self.left(),
                expected: N,
            };
            return Err((self.at, kind));
        }
        self.array()
    }

    /// Everything that is left as text.
    pub(super) fn text(self) -> Result<String, Fault> {
        match std::str::from_utf8(self.data()) {
            Ok(text) => match text.find('\0') {
                None => Ok(text.to_owned()),
                Some(at) => Err((self.at + at, DecodeErrorKind::Text)),
            },
            Err(error) => Err((self.at + error.valid_up_to(), DecodeErrorKind::Text)),
        }
    }

    /// Everything that is left, as it is. A copy: a small value must not keep a large frame in memory.
    pub(super) fn bytes(self) -> Bytes {
        Bytes::copy_from_slice(self.data())
    }
}

/// Reads a list that fills `input`.
pub(super) fn read(mut input: Cursor, depth: usize, budget: &mut Budget<'_>) -> Result<KvList, Fault> {
    if depth > budget.limits.kv_depth {
        let limit = budget.limits.kv_depth;
        return Err((input.offset(), DecodeErrorKind::KvTooDeep { limit }));
    }
    let start = input.offset();
    let count = usize::from(input.u16()?);
    if !budget.take_pairs(count) {
        let limit = budget.limits.kv_pairs;
        return Err((start, DecodeErrorKind::TooManyKvPairs { limit }));
    }
    let mut pairs = Vec::new();
    for _ in 0..count {
        pairs.push(read_pair(&mut input, depth, budget)?);
    }
    if !input.is_empty() {
        let kind = DecodeErrorKind::TrailingBytes { count: input.left() };
        return Err((input.offset(), kind));
    }
    Ok(pairs.into_iter().collect())
}

fn read_pair(input: &mut Cursor<'_>, depth: usize, budget: &mut Budget<'_>) -> Result<KvPair, Fault> {
    let tag = input.u8()?;
    let large = tag & LARGE != 0;
    let kind = tag & !LARGE;
    let key_len = usize::from(input.u16()?);
    let value_len = input.len(large)?;
    let key = input.take(key_len)?.text()?;
    let mut value = input.take(value_len)?;
    let value = match KvType(i32::from(kind)) {
        KvType::STRING => KvValue::Str(value.text()?),
        KvType::UNICODE => KvValue::Unicode(value.text()?),
        KvType::INT => KvValue::Int(i32::from_be_bytes(value.number()?)),
        KvType::BINARY => KvValue::Binary(value.bytes()),
        KvType::LIST => {
            let at = value.offset();
            let found = value.len(large)?;
            let expected = value.left();
            if found != expected {
                return Err((at, DecodeErrorKind::Length { found, expected }));
            }
            KvValue::List(read(value, depth + 1, budget)?)
        }
        _ => KvValue::Unknown {
            kind,
            data: value.bytes(),
        },
    };
    Ok(KvPair { key, value })
}

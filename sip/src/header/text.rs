//! Text that shares the buffer of the message it came from.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

/// Octets known to be UTF-8.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Text(Bytes);

/// A part of a [`Text`] or of a buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn new(range: Range<usize>) -> Self {
        let bound = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: bound(range.start),
            end: bound(range.end),
        }
    }

    pub(crate) const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) const fn len(self) -> usize {
        (self.end - self.start) as usize
    }
}

impl Text {
    /// Takes the octets if they are UTF-8.
    pub(crate) fn new(bytes: Bytes) -> Option<Self> {
        std::str::from_utf8(&bytes).is_ok().then_some(Self(bytes))
    }

    /// The text. The check is the price of not using `unsafe`; the values are short.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// One part of the text; empty when the span is not of this text.
    pub(crate) fn get(&self, span: Span) -> &str {
        self.0
            .get(span.range())
            .and_then(|part| std::str::from_utf8(part).ok())
            .unwrap_or_default()
    }

    /// One part as a text of its own, on the same buffer.
    pub(crate) fn slice(&self, span: Span) -> Self {
        let part = self
            .0
            .get(span.range())
            .filter(|part| std::str::from_utf8(part).is_ok());
        part.map_or_else(Self::default, |part| Self(self.0.slice_ref(part)))
    }

    /// A part of a buffer, sharing it; a text from elsewhere is copied.
    pub(crate) fn part_of(buf: &Bytes, part: &str) -> Self {
        let (start, base) = (part.as_ptr() as usize, buf.as_ptr() as usize);
        let within = start >= base && start + part.len() <= base + buf.len();
        if within {
            Self(buf.slice(start - base..start - base + part.len()))
        } else {
            part.into()
        }
    }

    /// The octets.
    pub(crate) fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The same text on a buffer of its own.
    pub(crate) fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

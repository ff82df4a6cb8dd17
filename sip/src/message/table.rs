//! The header table: where each field is.

use bytes::Bytes;

use crate::header::HeaderId;
use crate::header::text::Span;

/// Header fields in order, and the octets that are not in the received buffer.
#[derive(Clone, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
    /// Lines written by edits, and values of folded lines in their unfolded form.
    pub(super) extra: Vec<u8>,
}

/// One field: name and value within a line.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) id: HeaderId,
    /// Where the line and where the value is.
    pub(super) line_in: Place,
    pub(super) value_in: Place,
    /// A line end is not CRLF: the line is written anew instead of copied.
    pub(super) irregular: bool,
    /// Length of the name, which starts the line.
    pub(super) name_len: u16,
    /// The line with its line end.
    pub(super) line: Span,
    pub(super) value: Span,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The received buffer.
    Buffer,
    /// [`Table::extra`].
    Extra,
}

impl Table {
    pub(super) fn octets<'a>(&'a self, buf: &'a Bytes, place: Place, span: Span) -> &'a [u8] {
        let source: &[u8] = match place {
            Place::Buffer => buf,
            Place::Extra => &self.extra,
        };
        source.get(span.range()).unwrap_or_default()
    }

    pub(super) fn line<'a>(&'a self, buf: &'a Bytes, entry: &Entry) -> &'a [u8] {
        self.octets(buf, entry.line_in, entry.line)
    }

    pub(super) fn name<'a>(&'a self, buf: &'a Bytes, entry: &Entry) -> &'a str {
        let name = self
            .line(buf, entry)
            .get(..usize::from(entry.name_len))
            .unwrap_or_default();
        std::str::from_utf8(name).unwrap_or_default()
    }

    pub(super) fn value<'a>(&'a self, buf: &'a Bytes, entry: &Entry) -> &'a [u8] {
        self.octets(buf, entry.value_in, entry.value)
    }

    /// Writes `name: value` behind the extra octets and gives its entry. Line ends and NUL in the value become
    /// spaces, so that no value can add a line.
    pub(super) fn write_line(&mut self, name: &str, value: &[u8]) -> Entry {
        let start = self.extra.len();
        self.extra.extend_from_slice(name.as_bytes());
        self.extra.extend_from_slice(b": ");
        let value_start = self.extra.len();
        let blank = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | 0);
        let clean = |octet: &u8| {
            if matches!(octet, b'\r' | b'\n' | 0) {
                b' '
            } else {
                *octet
            }
        };
        let first = value
            .iter()
            .position(|octet| !blank(octet))
            .unwrap_or(value.len());
        let last = value
            .iter()
            .rposition(|octet| !blank(octet))
            .map_or(first, |last| last + 1);
        self.extra.extend(value[first..last].iter().map(clean));
        let value_end = self.extra.len();
        self.extra.extend_from_slice(b"\r\n");
        Entry {
            id: HeaderId::find(name.as_bytes()),
            line_in: Place::Extra,
            value_in: Place::Extra,
            irregular: false,
            name_len: u16::try_from(name.len()).unwrap_or(u16::MAX),
            line: Span::new(start..self.extra.len()),
            value: Span::new(value_start..value_end),
        }
    }
}

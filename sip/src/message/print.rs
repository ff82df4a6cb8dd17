//! From a message to octets.

use bytes::{BufMut, Bytes, BytesMut};

use super::table::Place;
use super::{Message, StartLine};
use crate::header::HeaderId;

impl Message {
    /// Appends the message to a buffer. Untouched header lines are copied as they came; Content-Length is always
    /// there once and right.
    pub fn write_to(&self, out: &mut BytesMut) {
        out.reserve(self.size_hint());
        match &self.start {
            StartLine::Request { method, uri, .. } => {
                out.put_slice(method.as_str().as_bytes());
                out.put_u8(b' ');
                out.put_slice(uri.as_str().as_bytes());
                out.put_u8(b' ');
                out.put_slice(self.version().as_bytes());
            }
            StartLine::Response { status, reason, .. } => {
                out.put_slice(self.version().as_bytes());
                out.put_u8(b' ');
                put_number(out, usize::from(status.0));
                out.put_u8(b' ');
                out.put_slice(reason);
            }
        }
        out.put_slice(b"\r\n");
        self.write_headers(out);
        out.put_slice(b"\r\n");
        out.put_slice(&self.body);
    }

    /// The message in a buffer of its own.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.write_to(&mut out);
        out.freeze()
    }

    fn size_hint(&self) -> usize {
        self.buf.len() + self.table.extra.len() + self.body.len() + 64
    }

    fn write_headers(&self, out: &mut BytesMut) {
        let mut length_written = false;
        // Untouched lines that follow each other in the buffer are copied at once.
        let mut run = 0..0;
        for entry in &self.table.entries {
            let verbatim =
                entry.line_in == Place::Buffer && !entry.irregular && entry.id != HeaderId::CONTENT_LENGTH;
            let line = entry.line.range();
            if verbatim && line.start == run.end {
                run.end = line.end;
                continue;
            }
            out.put_slice(&self.buf[run.clone()]);
            run = if verbatim { line } else { 0..0 };
            if verbatim {
                continue;
            }
            if entry.id == HeaderId::CONTENT_LENGTH {
                if !length_written {
                    self.write_length(out);
                }
                length_written = true;
            } else if entry.irregular {
                out.put_slice(self.table.name(&self.buf, entry).as_bytes());
                out.put_slice(b": ");
                out.put_slice(self.table.value(&self.buf, entry));
                out.put_slice(b"\r\n");
            } else {
                out.put_slice(self.table.line(&self.buf, entry));
            }
        }
        out.put_slice(&self.buf[run]);
        if !length_written {
            self.write_length(out);
        }
    }

    fn write_length(&self, out: &mut BytesMut) {
        out.put_slice(b"Content-Length: ");
        put_number(out, self.body.len());
        out.put_slice(b"\r\n");
    }
}

fn put_number(out: &mut BytesMut, mut number: usize) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.put_slice(&digits[at..]);
}

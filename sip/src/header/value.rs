//! Errors of typed access, and the small values.

use std::fmt;

use super::{HeaderName, scan};
use crate::method::Method;

/// What is wrong with a value, and where in the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at octet {offset} of the value")]
pub struct ValueError {
    /// Octet in the value (folded lines count as joined by one space).
    pub offset: usize,
    /// What should have been there.
    pub expected: &'static str,
}

impl ValueError {
    pub(crate) const fn new(offset: usize, expected: &'static str) -> Self {
        Self { offset, expected }
    }

    /// The same error in a text in which the value starts at `base`.
    pub(crate) const fn shifted(self, base: usize) -> Self {
        Self {
            offset: self.offset + base,
            expected: self.expected,
        }
    }
}

/// Why a typed access to a header field gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The message has no such field.
    #[error("header {0} is missing")]
    Missing(HeaderName),
    /// The value is not what the grammar of the field says.
    #[error("header {name} is malformed: {source}")]
    Malformed {
        /// The field.
        name: HeaderName,
        /// Where and why.
        source: ValueError,
    },
    /// A field that may stand only once is there more often.
    #[error("header {0} is repeated")]
    Repeated(HeaderName),
    /// The Request-URI is not a URI, or the message is a response and has none.
    #[error("request-uri is malformed: {0}")]
    RequestUri(ValueError),
}

/// Number and method of a CSeq field.
///
/// Spec: RFC 3261 §20.16
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CSeq {
    /// Sequence number, below 2^31 in what this crate accepts.
    pub number: u32,
    /// Method of the request.
    pub method: Method,
}

impl CSeq {
    /// Reads `4711 INVITE`.
    ///
    /// # Errors
    /// Where the text is not a number below 2^31, white space and a token.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let text = scan::trim(text);
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number = scan::decimal(&text[..digits])
            .filter(|number| *number < 1 << 31)
            .ok_or(ValueError::new(0, "a number below 2^31"))?;
        let rest = &text[digits..];
        if !rest.starts_with([' ', '\t']) {
            return Err(ValueError::new(digits, "white space"));
        }
        let method = Method::from_name(scan::trim(rest)).ok_or(ValueError::new(digits + 1, "a method"))?;
        Ok(Self { number, method })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cseq_reads_leading_zeros_and_white_space_and_refuses_what_is_too_large() {
        let cseq = CSeq::parse("0009 \t INVITE").unwrap();
        assert_eq!((cseq.number, cseq.method), (9, Method::INVITE));
        for wrong in [
            "36893488147419103232 REGISTER",
            "2147483648 ACK",
            "-1 ACK",
            "+1 ACK",
            "1",
            "1INVITE",
            "",
            "1 A B",
        ] {
            assert!(CSeq::parse(wrong).is_err(), "{wrong}");
        }
    }
}

//! Character classes and the splitting of values.

use std::borrow::Cow;

const TOKEN: u8 = 1;
const USER: u8 = 2;
const PARAM: u8 = 4;
const HOST: u8 = 8;
const HEADER: u8 = 16;

/// Classes of each octet. Spec: RFC 3261 §25.1
static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let octet = at as u8;
        if octet.is_ascii_alphanumeric() {
            table[at] = TOKEN | USER | PARAM | HOST | HEADER;
        }
        at += 1;
    }
    let mut table = mark(table, b"-.!%*_+`'~", TOKEN);
    table = mark(table, b"-_.!~*'()&=+$,;?/", USER);
    table = mark(table, b"-_.!~*'()[]/:&+$", PARAM);
    table = mark(table, b"-_.", HOST);
    mark(table, b"-_.!~*'()[]/?:+$", HEADER)
};

const fn mark(mut table: [u8; 256], octets: &[u8], class: u8) -> [u8; 256] {
    let mut at = 0;
    while at < octets.len() {
        table[octets[at] as usize] |= class;
        at += 1;
    }
    table
}

fn all(text: &[u8], class: u8) -> bool {
    text.iter().all(|octet| CLASS[usize::from(*octet)] & class != 0)
}

pub(crate) fn is_token_octet(octet: u8) -> bool {
    CLASS[usize::from(octet)] & TOKEN != 0
}

/// One or more token octets.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && all(text, TOKEN)
}

/// What may stand in a host name (and `_`, which real names carry).
pub(crate) fn is_host_name(text: &[u8]) -> bool {
    !text.is_empty() && all(text, HOST)
}

fn escaped(text: &[u8], class: u8) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        let octet = text[at];
        if octet == b'%' {
            let digits = text
                .get(at + 1..at + 3)
                .is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
            if !digits {
                return Some(at);
            }
            at += 3;
        } else if CLASS[usize::from(octet)] & class != 0 {
            at += 1;
        } else {
            return Some(at);
        }
    }
    None
}

/// Position of the first octet that may not stand in the user part of a URI.
pub(crate) fn not_user(text: &[u8]) -> Option<usize> {
    escaped(text, USER)
}

/// Position of the first octet that may not stand in a parameter of a URI.
pub(crate) fn not_uri_param(text: &[u8]) -> Option<usize> {
    escaped(text, PARAM)
}

/// Position of the first octet that may not stand in a header name or value of a URI.
pub(crate) fn not_uri_header(text: &[u8]) -> Option<usize> {
    escaped(text, HEADER)
}

pub(crate) fn is_user_octet(octet: u8) -> bool {
    CLASS[usize::from(octet)] & USER != 0
}

pub(crate) fn is_uri_param_octet(octet: u8) -> bool {
    CLASS[usize::from(octet)] & PARAM != 0
}

/// Linear white space, after unfolding.
pub(crate) const fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A decimal number: digits only, no sign, within 32 bits.
pub(crate) fn decimal(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// End of the quoted string that starts at `start` (with its quote): the place after the closing quote.
pub(crate) fn quoted_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let found = memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        at += found;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Puts a text between quotes, with a backslash before quotes and backslashes.
///
/// Line breaks become spaces: they cannot stand in a quoted string.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\r' | '\n' => quoted.push(' '),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Takes the quotes off a quoted string and undoes its backslashes; any other text is given back as it is.
pub fn unquote(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.extend(chars.next()),
            _ => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

/// Place of the first comma that separates two values of a list (not within quotes or angle brackets).
pub(crate) fn list_comma(value: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut bracket = false;
    loop {
        let rest = value.get(at..)?;
        let found = if bracket {
            memchr::memchr2(b'>', b'>', rest)?
        } else {
            memchr::memchr3(b',', b'"', b'<', rest)?
        };
        at += found;
        match value[at] {
            b',' => return Some(at),
            b'"' => at = quoted_end(value, at)?,
            b'<' => {
                bracket = true;
                at += 1;
            }
            _ => {
                bracket = false;
                at += 1;
            }
        }
    }
}

/// The values of one field, split at its commas and trimmed.
#[derive(Clone, Debug)]
pub(crate) struct ListValues<'a> {
    rest: Option<&'a str>,
    split: bool,
}

impl<'a> ListValues<'a> {
    pub(crate) const fn new(value: &'a str, split: bool) -> Self {
        Self {
            rest: Some(value),
            split,
        }
    }
}

impl<'a> Iterator for ListValues<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?;
        let comma = if self.split {
            list_comma(rest.as_bytes())
        } else {
            None
        };
        let value = match comma {
            Some(comma) => {
                self.rest = Some(&rest[comma + 1..]);
                &rest[..comma]
            }
            None => rest,
        };
        Some(trim(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(value: &str) -> Vec<&str> {
        ListValues::new(value, true).collect()
    }

    #[test]
    fn commas_within_quotes_and_brackets_do_not_split() {
        assert_eq!(split("a, b ,c"), ["a", "b", "c"]);
        assert_eq!(
            split(r#""a, \",b" <sip:x,y@z>;q=1, <sip:b>"#),
            [r#""a, \",b" <sip:x,y@z>;q=1"#, "<sip:b>"]
        );
        assert_eq!(split("\"open, end"), ["\"open, end"]);
        assert_eq!(split(""), [""]);
    }

    #[test]
    fn quoting_and_unquoting_are_inverse() {
        for text in ["Bob O\"Neil", "back\\slash", "", "plain"] {
            assert_eq!(unquote(&quote(text)), text);
        }
        assert_eq!(quote("a\r\nVia: x"), "\"a  Via: x\"");
    }

    #[test]
    fn a_decimal_has_no_sign_and_fits_32_bits() {
        assert_eq!(decimal("0042"), Some(42));
        for wrong in ["", "+1", "-1", "4294967296", "1 ", "0x1"] {
            assert_eq!(decimal(wrong), None, "{wrong}");
        }
    }
}

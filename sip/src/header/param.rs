//! Parameters: `;name=value`.

use std::borrow::Cow;
use std::fmt;

use super::scan::{self, is_token};
use super::{ValueError, unquote};

/// One parameter. Debug shows its name only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// Name as written; compare it without case.
    pub name: &'a str,
    /// Value as written (a quoted string with its quotes); `None` without `=`.
    pub value: Option<&'a str>,
}

impl<'a> Param<'a> {
    /// The value without quotes; empty for a parameter without value.
    pub fn text(&self) -> Cow<'a, str> {
        unquote(self.value.unwrap_or_default())
    }
}

/// The parameters of a header value or of a URI, in order. Debug shows their names only.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Params<'a>(&'a str);

impl fmt::Debug for Param<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> Params<'a> {
    /// Reads on demand: the text is empty or starts with `;`.
    pub(crate) const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The text, with its leading `;`.
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// Each parameter, in order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'a>> + use<'a> {
        Split(self.0).map(param)
    }

    /// The first parameter of that name.
    pub fn find(&self, name: &str) -> Option<Param<'a>> {
        self.iter().find(|param| param.name.eq_ignore_ascii_case(name))
    }

    /// Value of the first parameter of that name, as written; `None` too when it has no value.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.find(name)?.value
    }

    /// Whether a parameter of that name is there, with or without value.
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks the parameters of a header value: `;` token [`=` token, host or quoted string].
    pub(crate) fn check(text: &str) -> Result<(), ValueError> {
        if !text.is_empty() && !text.starts_with(';') {
            return Err(ValueError::new(0, "`;`"));
        }
        let mut at = 0;
        for part in Split(text) {
            let Param { name, value } = param(part);
            if !is_token(name.as_bytes()) {
                return Err(ValueError::new(at, "a parameter name"));
            }
            if value.is_some_and(|value| !is_value(value)) {
                return Err(ValueError::new(at, "a parameter value"));
            }
            at += part.len() + 1;
        }
        Ok(())
    }

    /// The text without the parameters of that name.
    pub(crate) fn without(&self, name: &str) -> String {
        let keep = |part: &&str| !param(part).name.eq_ignore_ascii_case(name);
        Split(self.0).filter(keep).fold(String::new(), |mut text, part| {
            text.push(';');
            text.push_str(part.trim_matches([' ', '\t']));
            text
        })
    }
}

/// `;name=value` or `;name` at the end of a text.
pub(crate) fn push(text: &mut String, name: &str, value: Option<&str>) {
    text.push(';');
    text.push_str(name);
    if let Some(value) = value {
        text.push('=');
        text.push_str(value);
    }
}

fn param(part: &str) -> Param<'_> {
    match part.split_once('=') {
        Some((name, value)) => Param {
            name: scan::trim(name),
            value: Some(scan::trim(value)),
        },
        None => Param {
            name: scan::trim(part),
            value: None,
        },
    }
}

/// A token, a host (with brackets and colons), or a whole quoted string.
fn is_value(value: &str) -> bool {
    let octets = value.as_bytes();
    if octets.first() == Some(&b'"') {
        return scan::quoted_end(octets, 0) == Some(octets.len());
    }
    is_plain(value)
}

/// A value that needs no quotes: a token or a host.
pub(crate) fn is_plain(value: &str) -> bool {
    let allowed = |octet: u8| scan::is_token_octet(octet) || b"[]:/@?$&()".contains(&octet);
    !value.is_empty() && value.bytes().all(allowed)
}

/// Parts between semicolons that are not within quotes, each in order.
struct Split<'a>(&'a str);

impl<'a> Iterator for Split<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.strip_prefix(';')?;
        let octets = text.as_bytes();
        let mut at = 0;
        let end = loop {
            match memchr::memchr2(b';', b'"', octets.get(at..).unwrap_or_default()) {
                None => break octets.len(),
                Some(found) if octets[at + found] == b';' => break at + found,
                Some(found) => match scan::quoted_end(octets, at + found) {
                    Some(after) => at = after,
                    None => break octets.len(),
                },
            }
        };
        self.0 = &text[end..];
        Some(&text[..end])
    }
}

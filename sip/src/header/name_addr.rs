//! Addresses with display name and parameters: From, To, Contact, Route and others.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

use super::text::{Span, Text};
use super::{Params, ValueError, param, quote, scan, unquote};
use crate::uri::Uri;

/// `"Display" <uri>;params` or `uri;params`.
///
/// The text is kept as it came. Cloning is cheap. Debug hides the display name and the user.
///
/// ```
/// use sip::header::NameAddr;
///
/// let from: NameAddr = r#""Bob O\"Neil" <sip:bob@example.com;lr>;tag=77"#.parse()?;
/// assert_eq!(from.display().as_deref(), Some("Bob O\"Neil"));
/// assert_eq!(from.uri().user(), Some("bob"));
/// assert_eq!(from.tag(), Some("77"));
/// # Ok::<(), sip::header::ValueError>(())
/// ```
///
/// Spec: RFC 3261 §20.10, §25.1 (name-addr, addr-spec)
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameAddr {
    text: Text,
    display: Option<Span>,
    uri: Uri,
    params: Span,
}

impl NameAddr {
    /// An address in angle brackets, without display name and parameters.
    pub fn new(uri: Uri) -> Self {
        Self::assembled(None, uri, "")
    }

    /// Reads one value from octets, sharing their buffer.
    ///
    /// # Errors
    /// Where the octets are not an address.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, ValueError> {
        Self::from_text(Text::new(bytes).ok_or(ValueError::new(0, "utf-8"))?)
    }

    pub(crate) fn from_text(text: Text) -> Result<Self, ValueError> {
        let whole = text.as_str();
        let start = whole.len() - whole.trim_start_matches([' ', '\t']).len();
        let (display, open) = display_name(whole, start)?;
        let Some(open) = open else {
            return Self::bare(text, start);
        };
        let close = memchr::memchr(b'>', &whole.as_bytes()[open..]).map(|at| at + open);
        let close = close.ok_or(ValueError::new(whole.len(), "`>`"))?;
        let uri = text.slice(Span::new(open + 1..close));
        let uri = Uri::from_text(uri).map_err(|error| error.shifted(open + 1))?;
        let params = Self::params_from(whole, close + 1)?;
        Ok(Self {
            display,
            uri,
            params,
            text,
        })
    }

    /// The form without brackets: what follows `;` belongs to the header.
    fn bare(text: Text, start: usize) -> Result<Self, ValueError> {
        let whole = text.as_str();
        let end = whole[start..].find(';').map_or(whole.len(), |at| at + start);
        let trimmed = start + whole[start..end].trim_end_matches([' ', '\t']).len();
        if let Some(at) = memchr::memchr2(b'?', b',', &whole.as_bytes()[start..trimmed]) {
            return Err(ValueError::new(start + at, "angle brackets around the uri"));
        }
        let uri =
            Uri::from_text(text.slice(Span::new(start..trimmed))).map_err(|error| error.shifted(start))?;
        let params = Self::params_from(whole, end)?;
        Ok(Self {
            display: None,
            uri,
            params,
            text,
        })
    }

    fn params_from(whole: &str, at: usize) -> Result<Span, ValueError> {
        let rest = &whole[at..];
        let start = at + rest.len() - rest.trim_start_matches([' ', '\t']).len();
        Params::check(&whole[start..]).map_err(|error| error.shifted(start))?;
        Ok(Span::new(start..whole.len()))
    }

    fn assembled(display: Option<&str>, uri: Uri, params: &str) -> Self {
        let front = display
            .map(|display| format!("{} ", quote(display)))
            .unwrap_or_default();
        let text = format!("{front}<{uri}>{params}");
        let display = display.map(|_| Span::new(0..front.len() - 1));
        let params = Span::new(text.len() - params.len()..text.len());
        Self {
            display,
            uri,
            params,
            text: text.into(),
        }
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// The display name without its quotes; `None` when there is none (an empty quoted one is there).
    pub fn display(&self) -> Option<Cow<'_, str>> {
        self.display.map(|span| unquote(self.text.get(span)))
    }

    /// The URI.
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Parameters of the field (not those of the URI).
    pub fn params(&self) -> Params<'_> {
        Params::new(self.text.get(self.params))
    }

    /// The `tag` parameter, if it is there and not empty.
    pub fn tag(&self) -> Option<&str> {
        self.params().value("tag").filter(|tag| !tag.is_empty())
    }

    /// The `expires` parameter of a contact; one that is no number counts as absent.
    ///
    /// Unit: seconds. Spec: RFC 3261 §20.10
    pub fn expires(&self) -> Option<u32> {
        self.params().value("expires").and_then(scan::decimal)
    }

    /// The `q` parameter of a contact in thousandths; 1000 when it is absent or malformed.
    pub fn q_thousandths(&self) -> u16 {
        self.params().value("q").and_then(thousandths).unwrap_or(1000)
    }

    /// The same address with another display name.
    #[must_use]
    pub fn with_display(&self, display: Option<&str>) -> Self {
        Self::assembled(display, self.uri.clone(), self.params().as_str())
    }

    /// The same address with another URI.
    #[must_use]
    pub fn with_uri(&self, uri: Uri) -> Self {
        Self::assembled(self.display().as_deref(), uri, self.params().as_str())
    }

    /// The same address with a parameter added or its value replaced. A value that is no token is quoted; a name that
    /// is no token changes nothing.
    #[must_use]
    pub fn with_param(&self, name: &str, value: Option<&str>) -> Self {
        let mut params = self.params().without(name);
        let value = value.map(|value| match param::is_plain(value) {
            true => Cow::Borrowed(value),
            false => Cow::Owned(quote(value)),
        });
        param::push(&mut params, name, value.as_deref());
        if Params::check(&params).is_err() {
            return self.clone();
        }
        Self::assembled(self.display().as_deref(), self.uri.clone(), &params)
    }

    /// The same address without the parameters of that name.
    #[must_use]
    pub fn without_param(&self, name: &str) -> Self {
        Self::assembled(
            self.display().as_deref(),
            self.uri.clone(),
            &self.params().without(name),
        )
    }

    /// The same address with that tag.
    #[must_use]
    pub fn with_tag(&self, tag: &str) -> Self {
        self.with_param("tag", Some(tag))
    }

    /// The same value on a buffer of its own, so that it does not keep a whole message alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self {
            text: self.text.detached(),
            uri: self.uri.detached(),
            ..self.clone()
        }
    }
}

/// The display name in front of `<`, and the place of `<`; without `<` neither.
fn display_name(whole: &str, start: usize) -> Result<(Option<Span>, Option<usize>), ValueError> {
    let octets = whole.as_bytes();
    if octets.get(start) == Some(&b'"') {
        let end = scan::quoted_end(octets, start).ok_or(ValueError::new(start, "a closing quote"))?;
        let rest = whole.get(end..).ok_or(ValueError::new(end, "a closing quote"))?;
        let open = end + rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if octets.get(open) != Some(&b'<') {
            return Err(ValueError::new(open, "`<`"));
        }
        return Ok((Some(Span::new(start..end)), Some(open)));
    }
    // A semicolon before `<` means that the bracket belongs to a parameter: the form without brackets.
    let Some(open) = memchr::memchr2(b'<', b';', &octets[start..]).map(|at| at + start) else {
        return Ok((None, None));
    };
    if octets[open] == b';' {
        return Ok((None, None));
    }
    let display = whole[start..open].trim_end_matches([' ', '\t']);
    let wrong = display
        .bytes()
        .position(|octet| !scan::is_token_octet(octet) && !scan::is_space(octet));
    if let Some(at) = wrong {
        return Err(ValueError::new(
            start + at,
            "a token or a quoted string as display name",
        ));
    }
    let span = (!display.is_empty()).then(|| Span::new(start..start + display.len()));
    Ok((span, Some(open)))
}

/// `0` to `1` with up to three digits after the point.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3
        || !matches!(whole, "0" | "1")
        || !fraction.bytes().all(|octet| octet.is_ascii_digit())
    {
        return None;
    }
    let value: u16 = format!("{whole}{fraction:0<3}").parse().ok()?;
    (value <= 1000).then_some(value)
}

impl From<Uri> for NameAddr {
    fn from(uri: Uri) -> Self {
        Self::new(uri)
    }
}

impl FromStr for NameAddr {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_text(text.into())
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{:?}>", self.uri)?;
        self.tag().map_or(Ok(()), |tag| write!(f, ";tag={tag}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> NameAddr {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn parameters_outside_the_brackets_belong_to_the_field_and_inside_to_the_uri() {
        let outside = addr("sip:u@example.com;unknownparam");
        assert!(outside.params().contains("unknownparam") && outside.uri().params().is_empty());
        let inside = addr("<sip:u@example.com;unknownparam>");
        assert!(inside.params().is_empty() && inside.uri().params().contains("unknownparam"));
    }

    #[test]
    fn display_names_are_tokens_or_quoted_strings() {
        assert_eq!(addr("caller<sip:a@b>").display().as_deref(), Some("caller"));
        assert_eq!(
            addr("Watson Thomas  <sip:a@b> ;tag=1").display().as_deref(),
            Some("Watson Thomas")
        );
        assert_eq!(addr("\"\" <sip:a@b>").display().as_deref(), Some(""));
        assert_eq!(addr("<sip:a@b>").display(), None);
        assert_eq!(addr("\"<sip:x@y>\" <sip:a@b>").uri().as_str(), "sip:a@b");
        assert_eq!(
            addr("sip:a@b;p=\"<x>\"")
                .params()
                .find("p")
                .map(|p| p.text().into_owned())
                .as_deref(),
            Some("<x>")
        );
    }

    #[test]
    fn broken_addresses_are_refused() {
        for text in [
            "",
            "<",
            "<>",
            "\"open <sip:a@b>",
            "Bell, Alexander <sip:a@b>",
            "sip:a@b?Route=x",
            "< sip:a@b>",
            "<sip:a@b >",
            "<sip:a@b>;",
            "<sip:a@b>;;x",
            "<sip:a@b>;x=",
            "<sip:a@b>x",
            "\"a\" sip:a@b",
            "<sip:a@b>;t=\"x",
        ] {
            assert!(text.parse::<NameAddr>().is_err(), "{text}");
        }
    }

    #[test]
    fn changed_addresses_read_back_the_same() {
        let built = NameAddr::new("sip:bob@example.com;lr".parse().unwrap())
            .with_display(Some("Bob \"B\" \\ Neil"))
            .with_tag("a1")
            .with_param("note", Some("two words; one"))
            .with_param("flag", None);
        assert_eq!(addr(built.as_str()), built);
        assert_eq!(
            built
                .params()
                .find("note")
                .map(|p| p.text().into_owned())
                .as_deref(),
            Some("two words; one")
        );
        assert_eq!(
            built.without_param("NOTE").as_str(),
            r#""Bob \"B\" \\ Neil" <sip:bob@example.com;lr>;tag=a1;flag"#
        );
        assert_eq!(built.with_param("bad name", None), built);
    }

    #[test]
    fn contact_parameters_have_values() {
        assert_eq!(addr("<sip:a@b>;q=0.7;expires=60").q_thousandths(), 700);
        assert_eq!(addr("<sip:a@b>;q=1.001").q_thousandths(), 1000);
        assert_eq!(addr("<sip:a@b>;expires=60").expires(), Some(60));
        assert_eq!(addr("<sip:a@b>;expires=-1").expires(), None);
    }

    #[test]
    fn debug_shows_neither_name_nor_number() {
        assert_eq!(
            format!("{:?}", addr("\"Bob\" <sip:5551234@h>;tag=x")),
            "<sip:[redacted]@h>;tag=x"
        );
    }
}

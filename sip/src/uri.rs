//! Addresses: `sip:`, `sips:`, `tel:` and any other scheme.

mod build;
mod equivalent;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::str::FromStr;

use bytes::Bytes;

pub(crate) use build::unescape;

use crate::header::text::{Span, Text};
use crate::header::{Param, Params, ValueError, scan};
use crate::pii::REDACTED;

/// Scheme of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// `sip`
    Sip,
    /// `sips`: over TLS on every hop.
    Sips,
    /// `tel`: a telephone number. Spec: RFC 3966
    Tel,
    /// Any other; [`Uri::scheme_str`] has its name.
    Other,
}

/// Host of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Host<'a> {
    /// A domain name, as written.
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; written in brackets.
    V6(Ipv6Addr),
}

impl<'a> Host<'a> {
    /// Reads a domain name, an IPv4 address or an IPv6 address in brackets.
    ///
    /// # Errors
    /// When the text is none of these.
    pub fn parse(text: &'a str) -> Result<Self, ValueError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner
                .strip_suffix(']')
                .ok_or(ValueError::new(text.len(), "`]`"))?;
            return inner
                .parse()
                .map(Self::V6)
                .map_err(|_| ValueError::new(1, "an ipv6 address"));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::V4(address));
        }
        if scan::is_host_name(text.as_bytes()) {
            return Ok(Self::Name(text));
        }
        Err(ValueError::new(0, "a host"))
    }

    /// The address, unless the host is a name.
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(address) => Some(IpAddr::V4(*address)),
            Self::V6(address) => Some(IpAddr::V6(*address)),
        }
    }

    /// Equality without case; addresses by value.
    pub fn is_same(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Self::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b),
            (a, b) => a.ip().is_some() && a.ip() == b.ip(),
        }
    }
}

impl From<IpAddr> for Host<'_> {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// Splits `host[:port]`. Used by URIs and by Via.
pub(crate) fn host_port(text: &str) -> Result<(Span, Option<u16>), ValueError> {
    let host_end = if text.starts_with('[') {
        text.find(']')
            .map(|at| at + 1)
            .ok_or(ValueError::new(text.len(), "`]`"))?
    } else {
        text.find([':', ' ', '\t']).unwrap_or(text.len())
    };
    Host::parse(&text[..host_end])?;
    let rest = scan::trim(&text[host_end..]);
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => None,
        None => return Err(ValueError::new(host_end, "`:` or the end of the host")),
        Some(port) => {
            let number = scan::decimal(scan::trim(port)).and_then(|port| u16::try_from(port).ok());
            Some(number.ok_or(ValueError::new(host_end + 1, "a port number"))?)
        }
    };
    Ok((Span::new(0..host_end), port))
}

/// A URI as it stands in a Request-URI or in an address.
///
/// The text is kept as it came; the parts are read from it. Cloning is cheap: a parsed URI shares the buffer of its
/// message ([`Uri::detached`] gives a copy of its own for long storage). `==` compares the text;
/// [`Uri::equivalent`] compares by the rules of SIP. Debug hides the user part.
///
/// ```
/// use sip::uri::{Host, Uri};
///
/// let uri: Uri = "sip:alice@example.com:5070;transport=tcp".parse()?;
/// assert_eq!(uri.user(), Some("alice"));
/// assert_eq!(uri.host(), Some(Host::Name("example.com")));
/// assert_eq!(uri.port(), Some(5070));
/// assert_eq!(uri.params().value("transport"), Some("tcp"));
/// # Ok::<(), sip::header::ValueError>(())
/// ```
///
/// Spec: RFC 3261 §19.1, RFC 3966
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uri {
    text: Text,
    scheme: Scheme,
    scheme_end: u32,
    user: Option<Span>,
    password: Option<Span>,
    host: Option<Span>,
    port: Option<u16>,
    params: Span,
    headers: Option<Span>,
}

impl Uri {
    /// Reads a URI from octets, sharing their buffer.
    ///
    /// # Errors
    /// Where the octets are not UTF-8 or not a URI of the scheme's form.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, ValueError> {
        let text = Text::new(bytes).ok_or(ValueError::new(0, "utf-8"))?;
        Self::from_text(text)
    }

    pub(crate) fn from_text(text: Text) -> Result<Self, ValueError> {
        let whole = text.as_str();
        let colon = whole.find(':').ok_or(ValueError::new(0, "a scheme and `:`"))?;
        let name = &whole[..colon];
        let first = name
            .bytes()
            .next()
            .is_some_and(|octet| octet.is_ascii_alphabetic());
        if !first
            || !name
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet))
        {
            return Err(ValueError::new(0, "a scheme"));
        }
        let scheme = match name {
            _ if name.eq_ignore_ascii_case("sip") => Scheme::Sip,
            _ if name.eq_ignore_ascii_case("sips") => Scheme::Sips,
            _ if name.eq_ignore_ascii_case("tel") => Scheme::Tel,
            _ => Scheme::Other,
        };
        let mut parts = Parts {
            base: colon + 1,
            ..Parts::default()
        };
        let rest = &whole[colon + 1..];
        let read = match scheme {
            Scheme::Sip | Scheme::Sips => parts.sip(rest),
            Scheme::Tel => parts.tel(rest),
            Scheme::Other => opaque(rest),
        };
        read.map_err(|error| error.shifted(colon + 1))?;
        let end = Span::new(whole.len()..whole.len());
        Ok(Self {
            scheme,
            scheme_end: Span::new(0..colon).end,
            user: parts.user,
            password: parts.password,
            host: parts.host,
            port: parts.port,
            params: parts.params.unwrap_or(end),
            headers: parts.headers,
            text,
        })
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Name of the scheme, as written.
    pub fn scheme_str(&self) -> &str {
        self.text.get(Span {
            start: 0,
            end: self.scheme_end,
        })
    }

    /// Whether the scheme is `sip` or `sips`.
    pub const fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// The user part as written, with its escapes; for `tel` the number.
    pub fn user(&self) -> Option<&str> {
        self.user.map(|span| self.text.get(span))
    }

    /// The user part with its escapes undone (once).
    pub fn user_decoded(&self) -> Option<Cow<'_, str>> {
        self.user().map(unescape)
    }

    /// The password, as written.
    pub fn password(&self) -> Option<&str> {
        self.password.map(|span| self.text.get(span))
    }

    /// The host; `None` for schemes other than `sip` and `sips`.
    pub fn host(&self) -> Option<Host<'_>> {
        let host = self.text.get(self.host?);
        Some(Host::parse(host).unwrap_or(Host::Name(host)))
    }

    /// The port, when it is written.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Parameters of the URI.
    pub fn params(&self) -> Params<'_> {
        Params::new(self.text.get(self.params))
    }

    /// Text after `?`, as written.
    pub fn headers(&self) -> Option<&str> {
        self.headers.map(|span| self.text.get(span))
    }

    /// The headers after `?`: names and values as written.
    pub fn header_params(&self) -> impl Iterator<Item = Param<'_>> {
        let parts = self.headers().into_iter().flat_map(|headers| headers.split('&'));
        parts.map(|part| match part.split_once('=') {
            Some((name, value)) => Param {
                name,
                value: Some(value),
            },
            None => Param {
                name: part,
                value: None,
            },
        })
    }

    /// The same URI on a buffer of its own, so that it does not keep a whole message alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self {
            text: self.text.detached(),
            ..self.clone()
        }
    }
}

/// Parts of a URI, found while reading; places count from the start of the text.
#[derive(Default)]
struct Parts {
    base: usize,
    user: Option<Span>,
    password: Option<Span>,
    host: Option<Span>,
    port: Option<u16>,
    params: Option<Span>,
    headers: Option<Span>,
}

impl Parts {
    fn span(&self, range: Range<usize>) -> Span {
        Span::new(range.start + self.base..range.end + self.base)
    }

    /// `[user[:password]@]host[:port][;params][?headers]`
    fn sip(&mut self, text: &str) -> Result<(), ValueError> {
        let octets = text.as_bytes();
        let mut host_start = 0;
        if let Some(at) = memchr::memchr(b'@', octets) {
            self.user_info(text, at)?;
            host_start = at + 1;
        }
        let after = &octets[host_start..];
        let headers = memchr::memchr(b'?', after).map(|at| at + host_start);
        let before_headers = headers.unwrap_or(octets.len());
        let params = memchr::memchr(b';', &octets[host_start..before_headers]).map(|at| at + host_start);
        let host_end = params.unwrap_or(before_headers);
        if octets[host_start..host_end]
            .iter()
            .any(|octet| scan::is_space(*octet))
        {
            return Err(ValueError::new(host_start, "a host without white space"));
        }
        let (host, port) = host_port(&text[host_start..host_end]).map_err(|e| e.shifted(host_start))?;
        self.host = Some(self.span(host_start..host_start + host.len()));
        self.port = port;
        if let Some(start) = params {
            check_params(&text[start..before_headers]).map_err(|error| error.shifted(start))?;
            self.params = Some(self.span(start..before_headers));
        } else {
            self.params = Some(self.span(host_end..host_end));
        }
        if let Some(at) = headers {
            check_headers(&text[at + 1..]).map_err(|error| error.shifted(at + 1))?;
            self.headers = Some(self.span(at + 1..text.len()));
        }
        Ok(())
    }

    fn user_info(&mut self, text: &str, at: usize) -> Result<(), ValueError> {
        let colon = memchr::memchr(b':', &text.as_bytes()[..at]);
        let user_end = colon.unwrap_or(at);
        let wrong = scan::not_user(&text.as_bytes()[..user_end]);
        if user_end == 0 || wrong.is_some() {
            return Err(ValueError::new(wrong.unwrap_or(0), "a user"));
        }
        self.user = Some(self.span(0..user_end));
        if let Some(colon) = colon {
            if let Some(wrong) = scan::not_user(&text.as_bytes()[colon + 1..at]) {
                return Err(ValueError::new(colon + 1 + wrong, "a password"));
            }
            self.password = Some(self.span(colon + 1..at));
        }
        Ok(())
    }

    /// `number[;params]`
    fn tel(&mut self, text: &str) -> Result<(), ValueError> {
        let end = text.find(';').unwrap_or(text.len());
        let number = &text.as_bytes()[..end];
        let digit = |octet: &u8| octet.is_ascii_hexdigit() || b"*#".contains(octet);
        let allowed = |octet: &u8| digit(octet) || b"-.()".contains(octet);
        let local = number.strip_prefix(b"+").unwrap_or(number);
        if !local.iter().any(digit) || !local.iter().all(allowed) {
            return Err(ValueError::new(0, "a telephone number"));
        }
        check_params(&text[end..]).map_err(|error| error.shifted(end))?;
        self.user = Some(self.span(0..end));
        self.params = Some(self.span(end..text.len()));
        Ok(())
    }
}

fn opaque(text: &str) -> Result<(), ValueError> {
    let wrong = |octet: u8| !octet.is_ascii_graphic() || b"<>\"".contains(&octet);
    match text.bytes().position(wrong) {
        None if !text.is_empty() => Ok(()),
        at => Err(ValueError::new(at.unwrap_or(0), "the rest of the uri")),
    }
}

/// Most parameters, and most headers, of one URI.
const MOST_PARTS: usize = 64;

/// `;name[=value]` with the octets that a URI allows.
fn check_params(text: &str) -> Result<(), ValueError> {
    // Comparing URIs costs the product of their parameters, so their number has a bound.
    if memchr::memchr_iter(b';', text.as_bytes()).count() > MOST_PARTS {
        return Err(ValueError::new(0, "at most 64 uri parameters"));
    }
    let mut at = 0;
    for part in text.split(';').skip(usize::from(text.starts_with(';'))) {
        let (name, value) = part.split_once('=').unwrap_or((part, "x"));
        let wrong =
            scan::not_uri_param(name.as_bytes()).is_some() || scan::not_uri_param(value.as_bytes()).is_some();
        if !text.is_empty() && (name.is_empty() || value.is_empty() || wrong) {
            return Err(ValueError::new(at, "a uri parameter"));
        }
        at += part.len() + 1;
    }
    Ok(())
}

/// `name=value` joined by `&`.
fn check_headers(text: &str) -> Result<(), ValueError> {
    if memchr::memchr_iter(b'&', text.as_bytes()).count() >= MOST_PARTS {
        return Err(ValueError::new(0, "at most 64 uri headers"));
    }
    let mut at = 0;
    for part in text.split('&') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let wrong = scan::not_uri_header(name.as_bytes()).or(scan::not_uri_header(value.as_bytes()));
        if name.is_empty() || wrong.is_some() {
            return Err(ValueError::new(at, "a uri header"));
        }
        at += part.len() + 1;
    }
    Ok(())
}

impl FromStr for Uri {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_text(text.into())
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme_str())?;
        match self.host() {
            Some(host) if self.user.is_some() => write!(f, "{REDACTED}@{host}")?,
            Some(host) => write!(f, "{host}")?,
            None => f.write_str(REDACTED)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

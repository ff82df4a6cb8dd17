//! New URIs from parts, and changed ones.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::{Host, Scheme, Uri};
use crate::header::text::Span;
use crate::header::{ValueError, param, scan};

impl Uri {
    /// `sip:user@host` or `sip:host`. The user is escaped where it must be.
    ///
    /// # Errors
    /// When `host` is not a host (an IPv6 address needs brackets) with or without port.
    pub fn sip(user: Option<&str>, host: &str) -> Result<Self, ValueError> {
        let user = user
            .filter(|user| !user.is_empty())
            .map(|user| format!("{}@", escape_user(user)));
        Self::from_text(format!("sip:{}{host}", user.unwrap_or_default()).into())
    }

    /// `sip:user@address:port`, with brackets where they are due.
    pub fn at(user: Option<&str>, address: SocketAddr) -> Self {
        let user = user
            .filter(|user| !user.is_empty())
            .map(|user| format!("{}@", escape_user(user)));
        let user = user.unwrap_or_default();
        let host = Host::from(address.ip()).to_string();
        let text = format!("sip:{user}{host}:{}", address.port());
        let host_start = 4 + user.len();
        let end = Span::new(text.len()..text.len());
        Self {
            scheme: Scheme::Sip,
            scheme_end: 3,
            user: (!user.is_empty()).then(|| Span::new(4..host_start - 1)),
            password: None,
            host: Some(Span::new(host_start..host_start + host.len())),
            port: Some(address.port()),
            params: end,
            headers: None,
            text: text.into(),
        }
    }

    /// The URI with one more parameter, or with that parameter's value replaced. Value octets that a URI does not
    /// allow are escaped; a name with such octets leaves the URI as it is.
    #[must_use]
    pub fn with_param(&self, name: &str, value: Option<&str>) -> Self {
        let mut params = self.params().without(name);
        let value = value.map(|value| escape(value, scan::is_uri_param_octet));
        param::push(&mut params, name, value.as_deref());
        self.rebuilt(&params, self.headers())
    }

    /// The URI without the parameters of that name.
    #[must_use]
    pub fn without_param(&self, name: &str) -> Self {
        self.rebuilt(&self.params().without(name), self.headers())
    }

    /// The URI without any parameter and without headers: what names a user, as an address of record does.
    #[must_use]
    pub fn without_params(&self) -> Self {
        self.rebuilt("", None)
    }

    /// The URI without the headers after `?`, which must not stand in a Request-URI.
    #[must_use]
    pub fn without_headers(&self) -> Self {
        self.rebuilt(self.params().as_str(), None)
    }

    fn rebuilt(&self, params: &str, headers: Option<&str>) -> Self {
        let (front, _) = self
            .as_str()
            .split_at(self.params.range().start.min(self.as_str().len()));
        let headers = headers.map(|headers| format!("?{headers}")).unwrap_or_default();
        Self::from_text(format!("{front}{params}{headers}").into()).unwrap_or_else(|_| self.clone())
    }
}

/// Escapes what may not stand in the user part.
pub(crate) fn escape_user(user: &str) -> Cow<'_, str> {
    escape(user, scan::is_user_octet)
}

fn escape(text: &str, allowed: fn(u8) -> bool) -> Cow<'_, str> {
    if text.bytes().all(allowed) {
        return Cow::Borrowed(text);
    }
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut escaped = String::with_capacity(text.len() + 8);
    for octet in text.bytes() {
        if allowed(octet) {
            escaped.push(char::from(octet));
        } else {
            let digits = [HEX[usize::from(octet >> 4)], HEX[usize::from(octet & 15)]];
            escaped.extend(['%', char::from(digits[0]), char::from(digits[1])]);
        }
    }
    Cow::Owned(escaped)
}

/// Undoes `%hh`, once. Octets that are not UTF-8 afterwards become the replacement character.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let octets: Vec<u8> = Decoded::new(text).map(|(octet, _)| octet).collect();
    Cow::Owned(String::from_utf8_lossy(&octets).into_owned())
}

/// The octets of a text with their escapes undone, and whether each was escaped.
pub(super) struct Decoded<'a>(&'a [u8]);

impl<'a> Decoded<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}

impl Iterator for Decoded<'_> {
    type Item = (u8, bool);

    fn next(&mut self) -> Option<Self::Item> {
        let digit = |octet: u8| {
            char::from(octet)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        match *self.0 {
            [b'%', high, low, ref rest @ ..] if digit(high).is_some() && digit(low).is_some() => {
                self.0 = rest;
                Some((digit(high)? << 4 | digit(low)?, true))
            }
            [octet, ref rest @ ..] => {
                self.0 = rest;
                Some((octet, false))
            }
            [] => None,
        }
    }
}

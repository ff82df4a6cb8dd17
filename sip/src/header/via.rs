//! Via: where a request passed and where its response goes.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use bytes::Bytes;

use super::text::{Span, Text};
use super::{Params, ValueError, param, scan};
use crate::uri::{Host, host_port};

/// What every branch of RFC 3261 starts with.
pub(crate) const MAGIC_COOKIE: &str = "z9hG4bK";

/// One Via value.
///
/// ```
/// use sip::header::Via;
///
/// let via: Via = "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKabc;rport".parse()?;
/// assert_eq!((via.transport(), via.port(), via.branch()), ("UDP", Some(5070), Some("z9hG4bKabc")));
/// assert_eq!(via.rport(), Some(None));
/// # Ok::<(), sip::header::ValueError>(())
/// ```
///
/// Spec: RFC 3261 §20.42, RFC 3581
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Via {
    text: Text,
    transport: Span,
    host: Span,
    port: Option<u16>,
    params: Span,
}

impl Via {
    /// `SIP/2.0/<transport> <sent_by>;branch=<branch>;rport`
    ///
    /// # Errors
    /// When an argument is not what its name says.
    pub fn new(transport: &str, sent_by: &str, branch: &str) -> Result<Self, ValueError> {
        format!("SIP/2.0/{transport} {sent_by};branch={branch};rport").parse()
    }

    /// Reads one value from octets, sharing their buffer.
    ///
    /// # Errors
    /// Where the octets are not a Via value.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, ValueError> {
        Self::from_text(Text::new(bytes).ok_or(ValueError::new(0, "utf-8"))?)
    }

    fn from_text(text: Text) -> Result<Self, ValueError> {
        let whole = text.as_str();
        let mut at = 0;
        for (expected, what) in [("SIP", "`SIP`"), ("2.0", "`2.0`")] {
            let part = token_at(whole, &mut at).ok_or(ValueError::new(at, what))?;
            if !whole[part.range()].eq_ignore_ascii_case(expected) {
                return Err(ValueError::new(part.range().start, what));
            }
            skip_space(whole, &mut at);
            if whole.as_bytes().get(at) != Some(&b'/') {
                return Err(ValueError::new(at, "`/`"));
            }
            at += 1;
        }
        let transport = token_at(whole, &mut at).ok_or(ValueError::new(at, "a transport"))?;
        let after = at;
        skip_space(whole, &mut at);
        if at == after {
            return Err(ValueError::new(at, "white space"));
        }
        let end = memchr::memchr(b';', &whole.as_bytes()[at..]).map_or(whole.len(), |found| found + at);
        let sent_by = whole[at..end].trim_end_matches([' ', '\t']);
        let (host, port) = host_port(sent_by).map_err(|error| error.shifted(at))?;
        Params::check(&whole[end..]).map_err(|error| error.shifted(end))?;
        Ok(Self {
            transport,
            host: Span::new(at..at + host.len()),
            port,
            params: Span::new(end..whole.len()),
            text,
        })
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// Transport as written: `UDP`, `TCP`, `TLS` or any other token.
    pub fn transport(&self) -> &str {
        self.text.get(self.transport)
    }

    /// Host of sent-by.
    pub fn host(&self) -> Host<'_> {
        let host = self.text.get(self.host);
        Host::parse(host).unwrap_or(Host::Name(host))
    }

    /// Port of sent-by, when it is written.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// `host[:port]` as one lower-case text, for the key of a transaction.
    pub fn sent_by(&self) -> String {
        let host = self.host().to_string().to_ascii_lowercase();
        self.port
            .map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
    }

    /// The parameters.
    pub fn params(&self) -> Params<'_> {
        Params::new(self.text.get(self.params))
    }

    /// The branch, as written.
    pub fn branch(&self) -> Option<&str> {
        self.params().value("branch")
    }

    /// Whether the branch is one of RFC 3261: the magic cookie and something after it.
    pub fn has_magic_cookie(&self) -> bool {
        self.branch().is_some_and(|branch| {
            let cookie = branch
                .get(..MAGIC_COOKIE.len())
                .is_some_and(|c| c.eq_ignore_ascii_case(MAGIC_COOKIE));
            cookie && branch.len() > MAGIC_COOKIE.len()
        })
    }

    /// The address in `received`; brackets around an IPv6 address are accepted.
    pub fn received(&self) -> Option<IpAddr> {
        let value = self.params().value("received")?;
        value
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(value)
            .parse()
            .ok()
    }

    /// `Some(None)` when `rport` asks for the port, `Some(Some(port))` when it tells it.
    pub fn rport(&self) -> Option<Option<u16>> {
        let param = self.params().find("rport")?;
        Some(
            param
                .value
                .and_then(scan::decimal)
                .and_then(|port| u16::try_from(port).ok()),
        )
    }

    /// The same value with a parameter added or replaced; a name or value that is not allowed changes nothing.
    #[must_use]
    pub fn with_param(&self, name: &str, value: Option<&str>) -> Self {
        let mut params = self.params().without(name);
        param::push(&mut params, name, value);
        self.rebuilt(&params)
    }

    /// The same value without the parameters of that name.
    #[must_use]
    pub fn without_param(&self, name: &str) -> Self {
        self.rebuilt(&self.params().without(name))
    }

    /// What a server writes into the top Via of a request that came from `source`: `received` when the sent-by is a
    /// name or another address or `rport` was asked for, and the value of `rport` then.
    ///
    /// Spec: RFC 3261 §18.2.1, RFC 3581 §4
    #[must_use]
    pub fn with_source(&self, source: SocketAddr) -> Self {
        // A `received` that the sender wrote would send the response elsewhere.
        let forged = self.params().contains("received");
        let mut via = if forged {
            self.without_param("received")
        } else {
            self.clone()
        };
        let ip = source.ip().to_canonical();
        let wants_port = self.rport().is_some();
        if wants_port || self.host().ip().map(|own| own.to_canonical()) != Some(ip) {
            via = via.with_param("received", Some(&ip.to_string()));
        }
        if wants_port {
            via = via.with_param("rport", Some(&source.port().to_string()));
        }
        via
    }

    /// Where a response goes over UDP: `received` and `rport`, else the sent-by address; `None` when the sent-by is a
    /// name and nothing was received (then a name must be resolved). `maddr` is not looked at.
    ///
    /// Spec: RFC 3261 §18.2.2, RFC 3581 §4
    pub fn response_address(&self) -> Option<SocketAddr> {
        let ip = self.received().or_else(|| self.host().ip())?;
        let port = self.rport().flatten().or(self.port).unwrap_or(5060);
        Some(SocketAddr::new(ip, port))
    }

    /// The same value on a buffer of its own, so that it does not keep a whole message alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self {
            text: self.text.detached(),
            ..self.clone()
        }
    }

    fn rebuilt(&self, params: &str) -> Self {
        let front = &self.as_str()[..self.params.range().start];
        format!("{front}{params}")
            .parse()
            .unwrap_or_else(|_| self.clone())
    }
}

fn skip_space(text: &str, at: &mut usize) {
    while text
        .as_bytes()
        .get(*at)
        .is_some_and(|octet| scan::is_space(*octet))
    {
        *at += 1;
    }
}

fn token_at(text: &str, at: &mut usize) -> Option<Span> {
    skip_space(text, at);
    let start = *at;
    while text
        .as_bytes()
        .get(*at)
        .is_some_and(|octet| scan::is_token_octet(*octet))
    {
        *at += 1;
    }
    (*at > start).then(|| Span::new(start..*at))
}

impl FromStr for Via {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_text(text.into())
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via(text: &str) -> Via {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn white_space_around_slashes_and_parameters_is_accepted() {
        let via = via("SIP  / 2.0  / UDP  192.0.2.2 ;branch = 390skdjuw;x");
        assert_eq!((via.transport(), via.branch()), ("UDP", Some("390skdjuw")));
        assert_eq!(via.host(), Host::V4([192, 0, 2, 2].into()));
        assert!(!via.has_magic_cookie() && via.params().contains("x"));
    }

    /// Spec: RFC 5118 §4.5
    #[test]
    fn received_takes_ipv6_with_and_without_brackets() {
        for text in ["received=[2001:db8::9:255]", "received=2001:db8::9:255"] {
            let via = via(&format!("SIP/2.0/UDP [2001:db8::9:1];{text};branch=z9hG4bKas3"));
            assert_eq!(via.received(), Some("2001:db8::9:255".parse().unwrap()));
        }
    }

    #[test]
    fn broken_values_are_refused() {
        for text in [
            "",
            "SIP/2.0",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/3.0/UDP h",
            "HTTP/2.0/UDP h",
            "SIP/2.0/UDP h;;x",
            "SIP/2.0/UDP h;",
            "SIP/2.0/UDP h:x",
            "SIP/2.0/UDP 2001:db8::9:1",
            "SIP/2.0/UDPh",
            "SIP/2.0/UDP h,",
        ] {
            assert!(text.parse::<Via>().is_err(), "{text}");
        }
    }

    /// Spec: RFC 3581 §4
    #[test]
    fn the_source_is_written_where_it_differs_or_was_asked_for() {
        let source: SocketAddr = "192.0.2.9:9000".parse().unwrap();
        let asked = via("SIP/2.0/UDP 192.0.2.9:5060;rport;branch=z9hG4bK1").with_source(source);
        assert_eq!(asked.response_address(), Some(source));
        let same = via("SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1");
        assert_eq!(same.with_source(source), same);
        let named = via("SIP/2.0/UDP host.example:5080;branch=z9hG4bK1").with_source(source);
        assert_eq!(named.response_address(), Some("192.0.2.9:5080".parse().unwrap()));
        let mapped = via("SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1");
        assert_eq!(
            mapped.with_source("[::ffff:192.0.2.9]:1".parse().unwrap()),
            mapped
        );
    }

    #[test]
    fn a_received_parameter_of_the_sender_does_not_lead_the_response_elsewhere() {
        let source: SocketAddr = "192.0.2.9:5060".parse().unwrap();
        let forged = via("SIP/2.0/UDP 192.0.2.9;received=198.51.100.1;branch=z9hG4bK1").with_source(source);
        assert_eq!(forged.response_address(), Some(source));
        let asked = via("SIP/2.0/UDP h;rport=1;received=198.51.100.1;branch=z9hG4bK1").with_source(source);
        assert_eq!(asked.response_address(), Some(source));
    }

    #[test]
    fn a_forged_parameter_changes_nothing() {
        let plain = via("SIP/2.0/UDP h;branch=z9hG4bK1");
        assert_eq!(plain.with_param("x", Some("a\r\nVia: b")), plain);
        assert_eq!(plain.sent_by(), "h");
    }
}

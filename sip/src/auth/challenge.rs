//! The header values of the digest scheme.

use std::fmt;
use std::str::FromStr;

use super::Algorithm;
use crate::header::{ValueError, quote, scan, unquote};
use crate::pii::REDACTED;

/// What a server asks: the value of WWW-Authenticate or Proxy-Authenticate.
///
/// Spec: RFC 7616 §3.3, RFC 3261 §22
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Whose password is wanted.
    pub realm: String,
    /// The server's value, to be hashed into the answer.
    pub nonce: String,
    /// To be given back as it is.
    pub opaque: Option<String>,
    /// Name of the hash as written; `None` means MD5.
    pub algorithm: Option<String>,
    /// Whether `auth` is among the offered qualities of protection.
    pub qop_auth: bool,
    /// Whether other qualities only are offered, which this crate cannot answer.
    pub qop_other_only: bool,
    /// The password was right, the nonce too old.
    pub stale: bool,
}

/// What a client answers: the value of Authorization or Proxy-Authorization. Debug hides user and response.
///
/// Spec: RFC 7616 §3.4
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who.
    pub username: String,
    /// Realm of the challenge.
    pub realm: String,
    /// Nonce of the challenge.
    pub nonce: String,
    /// URI that went into the hash: the Request-URI.
    pub uri: String,
    /// The hash, hexadecimal digits.
    pub response: String,
    /// Opaque of the challenge.
    pub opaque: Option<String>,
    /// Name of the hash as written; `None` means MD5.
    pub algorithm: Option<String>,
    /// Count and client nonce when `qop=auth`; `None` for the form of RFC 2069.
    pub counted: Option<Nonced>,
}

/// Count and client nonce of an answer with `qop=auth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonced {
    /// How often the client used the nonce, from 1. Eight hexadecimal digits on the wire.
    pub nc: u32,
    /// The client's value.
    pub cnonce: String,
}

impl Challenge {
    /// The hash; `None` when this crate does not have it.
    pub fn known_algorithm(&self) -> Option<Algorithm> {
        self.algorithm
            .as_deref()
            .map_or(Some(Algorithm::Md5), Algorithm::from_name)
    }
}

impl Credentials {
    /// The hash; `None` when this crate does not have it.
    pub fn known_algorithm(&self) -> Option<Algorithm> {
        self.algorithm
            .as_deref()
            .map_or(Some(Algorithm::Md5), Algorithm::from_name)
    }
}

impl FromStr for Challenge {
    type Err = ValueError;

    /// # Errors
    /// When the scheme is not Digest, the syntax is broken, or realm or nonce are missing.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let values = directives(text)?;
        let qop = find(&values, "qop");
        let offers = |wanted: &str| {
            qop.as_deref()
                .is_some_and(|qop| qop.split(',').any(|one| one.trim().eq_ignore_ascii_case(wanted)))
        };
        Ok(Self {
            realm: find(&values, "realm").ok_or(ValueError::new(text.len(), "a realm"))?,
            nonce: find(&values, "nonce").ok_or(ValueError::new(text.len(), "a nonce"))?,
            opaque: find(&values, "opaque"),
            algorithm: find(&values, "algorithm"),
            qop_auth: offers("auth"),
            qop_other_only: qop.is_some() && !offers("auth"),
            stale: find(&values, "stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }
}

impl FromStr for Credentials {
    type Err = ValueError;

    /// # Errors
    /// When the scheme is not Digest, the syntax is broken, or a mandatory part is missing or malformed.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let values = directives(text)?;
        let missing = |what| ValueError::new(text.len(), what);
        let counted = match find(&values, "qop") {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                let nc = find(&values, "nc").filter(|nc| nc.len() == 8 && !nc.starts_with('+'));
                let nc = nc
                    .and_then(|nc| u32::from_str_radix(&nc, 16).ok())
                    .ok_or(missing("a nonce count"))?;
                Some(Nonced {
                    nc,
                    cnonce: find(&values, "cnonce").ok_or(missing("a cnonce"))?,
                })
            }
            Some(_) => return Err(missing("qop `auth`")),
        };
        Ok(Self {
            username: find(&values, "username").ok_or(missing("a username"))?,
            realm: find(&values, "realm").ok_or(missing("a realm"))?,
            nonce: find(&values, "nonce").ok_or(missing("a nonce"))?,
            uri: find(&values, "uri").ok_or(missing("a uri"))?,
            response: find(&values, "response").ok_or(missing("a response"))?,
            opaque: find(&values, "opaque"),
            algorithm: find(&values, "algorithm"),
            counted,
        })
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Digest realm={}, nonce={}",
            quote(&self.realm),
            quote(&self.nonce)
        )?;
        if let Some(opaque) = &self.opaque {
            write!(f, ", opaque={}", quote(opaque))?;
        }
        if self.stale {
            f.write_str(", stale=true")?;
        }
        algorithm(f, self.algorithm.as_deref())?;
        match (self.qop_auth, self.qop_other_only) {
            (true, _) => f.write_str(", qop=\"auth\""),
            (false, true) => f.write_str(", qop=\"auth-int\""),
            (false, false) => Ok(()),
        }
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Digest username={}, realm={}",
            quote(&self.username),
            quote(&self.realm)
        )?;
        write!(f, ", nonce={}, uri={}", quote(&self.nonce), quote(&self.uri))?;
        write!(f, ", response={}", quote(&self.response))?;
        algorithm(f, self.algorithm.as_deref())?;
        if let Some(Nonced { nc, cnonce }) = &self.counted {
            write!(f, ", qop=auth, nc={nc:08x}, cnonce={}", quote(cnonce))?;
        }
        self.opaque
            .as_ref()
            .map_or(Ok(()), |opaque| write!(f, ", opaque={}", quote(opaque)))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &REDACTED)
            .field("realm", &self.realm)
            .field("algorithm", &self.algorithm)
            .field("counted", &self.counted.is_some())
            .finish_non_exhaustive()
    }
}

/// A token as it is; anything else would break the field and is quoted.
fn algorithm(f: &mut fmt::Formatter<'_>, name: Option<&str>) -> fmt::Result {
    match name {
        None => Ok(()),
        Some(name) if scan::is_token(name.as_bytes()) => write!(f, ", algorithm={name}"),
        Some(name) => write!(f, ", algorithm={}", quote(name)),
    }
}

/// `Digest name=value, name="value"`: the names with their unquoted values.
fn directives(text: &str) -> Result<Vec<(&str, String)>, ValueError> {
    let text = scan::trim(text);
    let scheme = text
        .get(..6)
        .filter(|scheme| scheme.eq_ignore_ascii_case("digest"));
    let rest = scheme
        .and(text.get(6..))
        .filter(|rest| rest.starts_with([' ', '\t']));
    let rest = rest.ok_or(ValueError::new(0, "the scheme Digest"))?;
    let base = text.len() - rest.len();
    let mut values: Vec<(&str, String)> = Vec::new();
    let mut at = 0;
    loop {
        let (part, next) = directive(rest, at);
        let (name, value) = part
            .split_once('=')
            .ok_or(ValueError::new(base + at, "name=value"))?;
        let (name, value) = (scan::trim(name), scan::trim(value));
        let quoted = value.starts_with('"');
        let whole = !quoted || scan::quoted_end(value.as_bytes(), 0) == Some(value.len());
        if !scan::is_token(name.as_bytes()) || !whole || (!quoted && value.contains([' ', '\t', '"'])) {
            return Err(ValueError::new(base + at, "name=value"));
        }
        if values.iter().any(|(found, _)| found.eq_ignore_ascii_case(name)) {
            return Err(ValueError::new(base + at, "each name once"));
        }
        values.push((name, unquote(value).into_owned()));
        if values.len() > MOST_DIRECTIVES {
            return Err(ValueError::new(base + at, "fewer parameters"));
        }
        match next {
            Some(next) => at = next,
            None => return Ok(values),
        }
    }
}

/// More parameters than any scheme has.
const MOST_DIRECTIVES: usize = 32;

/// The part from `at` to the next comma that is not within quotes, and the place after that comma.
fn directive(text: &str, at: usize) -> (&str, Option<usize>) {
    let octets = text.as_bytes();
    let mut end = at;
    loop {
        match memchr::memchr2(b',', b'"', octets.get(end..).unwrap_or_default()) {
            None => return (&text[at..], None),
            Some(found) if octets[end + found] == b',' => {
                return (&text[at..end + found], Some(end + found + 1));
            }
            Some(found) => match scan::quoted_end(octets, end + found) {
                Some(after) => end = after,
                None => return (&text[at..], None),
            },
        }
    }
}

fn find(values: &[(&str, String)], name: &str) -> Option<String> {
    values
        .iter()
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.clone())
}

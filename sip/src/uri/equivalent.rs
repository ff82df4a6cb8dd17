//! When two URIs name the same resource.

use super::build::Decoded;
use super::{Scheme, Uri};

/// Parameters that must be in both URIs or in none.
const DECISIVE: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

impl Uri {
    /// Whether both URIs name the same resource by the rules of SIP: user and password with case, everything else
    /// without; an escape equals its octet unless the octet is reserved; unknown parameters count only when both
    /// have them; a written default port differs from none.
    ///
    /// The relation is not transitive, which is why it is not `==`.
    ///
    /// Spec: RFC 3261 §19.1.4; RFC 3966 §4 for `tel`
    pub fn equivalent(&self, other: &Self) -> bool {
        match (self.scheme(), other.scheme()) {
            (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => self.sip_equivalent(other),
            (Scheme::Tel, Scheme::Tel) => self.tel_equivalent(other),
            (Scheme::Other, Scheme::Other) => {
                let rest = |uri: &Self| uri.as_str()[uri.scheme_str().len()..].to_owned();
                self.scheme_str().eq_ignore_ascii_case(other.scheme_str()) && rest(self) == rest(other)
            }
            _ => false,
        }
    }

    fn sip_equivalent(&self, other: &Self) -> bool {
        let hosts = match (self.host(), other.host()) {
            (Some(a), Some(b)) => a.is_same(&b),
            _ => false,
        };
        hosts
            && self.port() == other.port()
            && optional(self.user(), other.user(), true)
            && optional(self.password(), other.password(), true)
            && self.params_agree(other)
            && other.params_agree(self)
            && self.headers_agree(other)
            && other.headers_agree(self)
    }

    /// Every parameter of this URI that the other has too, or must have, has the same value there.
    fn params_agree(&self, other: &Self) -> bool {
        self.params()
            .iter()
            .all(|param| match other.params().find(param.name) {
                Some(found) => optional(param.value, found.value, false),
                None => !DECISIVE.iter().any(|name| param.name.eq_ignore_ascii_case(name)),
            })
    }

    /// Every header of this URI is in the other.
    fn headers_agree(&self, other: &Self) -> bool {
        let value = |value: Option<&str>| value.unwrap_or_default().to_owned();
        self.header_params().all(|header| {
            other.header_params().any(|found| {
                same(header.name, found.name, false) && same(&value(header.value), &value(found.value), true)
            })
        })
    }

    fn tel_equivalent(&self, other: &Self) -> bool {
        let number = |uri: &Self| -> String {
            let digits = uri
                .user()
                .unwrap_or_default()
                .chars()
                .filter(|c| !"-.()".contains(*c));
            digits.map(|c| c.to_ascii_lowercase()).collect()
        };
        let agree = |a: &Self, b: &Self| {
            a.params().iter().all(|param| {
                b.params()
                    .find(param.name)
                    .is_some_and(|found| optional(param.value, found.value, false))
            })
        };
        number(self) == number(other) && agree(self, other) && agree(other, self)
    }
}

fn optional(a: Option<&str>, b: Option<&str>, with_case: bool) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b, with_case),
        (None, None) => true,
        _ => false,
    }
}

/// Octet by octet, where an escaped octet equals the plain one unless it is reserved.
fn same(a: &str, b: &str, with_case: bool) -> bool {
    let octets = |text| {
        Decoded::new(text).map(move |(octet, escaped)| {
            let octet = if with_case {
                octet
            } else {
                octet.to_ascii_lowercase()
            };
            (octet, escaped && b";/?:@&=+$,".contains(&octet))
        })
    };
    octets(a).eq(octets(b))
}

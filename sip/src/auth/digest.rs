//! Hashes and the response of the digest scheme.

use std::fmt;

use md5::Md5;
use sha2::digest::{Digest, Update};
use sha2::{Sha256, Sha512_256};

/// Hash of a digest.
///
/// Spec: RFC 7616 §3.3, RFC 8760 §2
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// MD5: weak, and the only one that every phone has.
    Md5,
    /// SHA-256.
    Sha256,
    /// SHA-512/256.
    Sha512_256,
}

impl Algorithm {
    /// Every algorithm, weakest first.
    pub const ALL: [Self; 3] = [Self::Md5, Self::Sha256, Self::Sha512_256];

    /// Name in a header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        }
    }

    /// The algorithm with that name, in any case; `None` for others and for the session variants.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// Hash of the parts joined with colons, as hexadecimal digits.
    pub(super) fn hash(self, parts: &[&str]) -> String {
        match self {
            Self::Md5 => joined::<Md5>(parts),
            Self::Sha256 => joined::<Sha256>(parts),
            Self::Sha512_256 => joined::<Sha512_256>(parts),
        }
    }

    /// The hash of user, realm and password, which a store may keep instead of the password.
    pub fn ha1(self, user: &str, realm: &str, password: &str) -> String {
        self.hash(&[user, realm, password])
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What goes into a response besides the secret.
pub(super) struct Input<'a> {
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) nonce: &'a str,
    /// Count and cnonce with `qop=auth`; without it the form of RFC 2069.
    pub(super) counted: Option<(&'a str, &'a str)>,
}

impl Input<'_> {
    /// Spec: RFC 7616 §3.4.1
    pub(super) fn response(&self, algorithm: Algorithm, ha1: &str) -> String {
        let ha2 = algorithm.hash(&[self.method, self.uri]);
        match self.counted {
            Some((nc, cnonce)) => algorithm.hash(&[ha1, self.nonce, nc, cnonce, "auth", &ha2]),
            None => algorithm.hash(&[ha1, self.nonce, &ha2]),
        }
    }
}

fn joined<D: Digest + Update>(parts: &[&str]) -> String {
    let mut hash = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            Update::update(&mut hash, b":");
        }
        Update::update(&mut hash, part.as_bytes());
    }
    hex(&hash.finalize())
}

pub(super) fn hex(octets: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    octets
        .iter()
        .flat_map(|octet| [digit(octet >> 4), digit(octet & 15)])
        .collect()
}

/// HMAC with SHA-256.
///
/// Spec: RFC 2104
pub(super) fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(octet, key)| *octet ^= key);
        block
    };
    let inner = Sha256::new().chain(pad(0x36)).chain(message).finalize();
    Sha256::new().chain(pad(0x5c)).chain(inner).finalize().into()
}

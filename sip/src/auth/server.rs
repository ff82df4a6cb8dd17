//! The side that asks and checks.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq;

use super::digest::{Input, hex, hmac};
use super::{Algorithm, Challenge, Credentials};
use crate::header::HeaderName;
use crate::message::Message;
use crate::uri::Uri;

/// What the store knows of a user.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The password itself.
    Password(String),
    /// Hash of user, realm and password ([`Algorithm::ha1`]), good for one algorithm.
    Ha1(Algorithm, String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(crate::pii::REDACTED)
    }
}

/// Outcome of a check.
#[derive(Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The user proved to know the password.
    Ok {
        /// Who.
        user: String,
    },
    /// There are no credentials for this realm: challenge.
    Missing,
    /// The password was right, but the nonce is too old or the count was used before: challenge with `stale`.
    Stale,
    /// The credentials are wrong: challenge again, or refuse.
    Wrong,
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok { .. } => "Ok",
            Self::Missing => "Missing",
            Self::Stale => "Stale",
            Self::Wrong => "Wrong",
        })
    }
}

/// Makes challenges for one realm and checks the answers.
///
/// Nonces are not stored: each holds the time and number of its making and a keyed hash over them. What is stored is
/// the count of each nonce that was answered correctly, within a bound; when the bound is reached the oldest nonces
/// become stale.
///
/// ```
/// use std::time::Instant;
/// use sip::auth::{DigestServer, Secret, Verdict};
/// # fn request() -> sip::message::Message {
/// #     sip::message::Message::request(sip::method::Method::REGISTER, &"sip:example.com".parse().unwrap())
/// # }
///
/// # fn f(now: Instant) {
/// let mut server = DigestServer::new("example.com", [7; 32], now); // the secret comes from a random source
/// let lookup = |user: &str| (user == "7001").then(|| Secret::Password("pass".into()));
/// match server.verify(now, &request(), &sip::header::HeaderName::AUTHORIZATION, lookup) {
///     Verdict::Ok { user } => println!("it is {user}"),
///     verdict => {
///         for challenge in server.challenges(now, verdict == Verdict::Stale) {
///             // goes into a 401 as one WWW-Authenticate field each
///             let _ = challenge.to_string();
///         }
///     }
/// }
/// # }
/// ```
///
/// Spec: RFC 7616 §3.3, §5.4; RFC 3261 §22; RFC 8760
pub struct DigestServer {
    realm: String,
    secret: [u8; 32],
    epoch: Instant,
    algorithms: Vec<Algorithm>,
    lifetime: Duration,
    capacity: usize,
    check_uri: bool,
    made: u32,
    counts: BTreeMap<Stamp, Counts>,
    /// Nonces up to this one are stale, because their counts were forgotten.
    floor: Option<Stamp>,
}

/// When a nonce was made: milliseconds since the epoch of the server, and a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stamp(u64, u32);

/// Which counts of a nonce were used: the highest, and a bit for each of the 64 up to it.
#[derive(Clone, Copy, Default)]
struct Counts {
    highest: u32,
    seen: u64,
}

impl DigestServer {
    /// A server for a realm. Offers SHA-256 and MD5, nonces live five minutes, 65 536 used nonces are remembered.
    ///
    /// `secret` must come from a random source and be new for every start; `now` is the origin of the nonce times.
    pub fn new(realm: impl Into<String>, secret: [u8; 32], now: Instant) -> Self {
        Self {
            realm: realm.into(),
            secret,
            epoch: now,
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            lifetime: Duration::from_secs(300),
            capacity: 65_536,
            check_uri: true,
            made: 0,
            counts: BTreeMap::new(),
            floor: None,
        }
    }

    /// Offers these algorithms, the preferred one first. Many phones read the first challenge only: put MD5 there for
    /// them.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl Into<Vec<Algorithm>>) -> Self {
        self.algorithms = algorithms.into();
        self
    }

    /// How long a nonce may be used. Default five minutes.
    #[must_use]
    pub const fn with_nonce_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How many used nonces are remembered at most; at least 1.
    #[must_use]
    pub fn with_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity.max(1);
        self
    }

    /// Whether the URI of the credentials must name the same as the Request-URI. Default yes. A client behind a proxy
    /// that rewrites the Request-URI needs no.
    #[must_use]
    pub const fn with_uri_check(mut self, check: bool) -> Self {
        self.check_uri = check;
        self
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// One challenge for each algorithm, with a new nonce; one header field each.
    pub fn challenges(&mut self, now: Instant, stale: bool) -> Vec<Challenge> {
        self.made = self.made.wrapping_add(1);
        let nonce = self.nonce(Stamp(self.millis(now), self.made));
        let challenge = |algorithm: &Algorithm| Challenge {
            realm: self.realm.clone(),
            nonce: nonce.clone(),
            opaque: None,
            algorithm: Some(algorithm.name().to_owned()),
            qop_auth: true,
            qop_other_only: false,
            stale,
        };
        self.algorithms.iter().map(challenge).collect()
    }

    /// Checks the credentials in one kind of header field ([`HeaderName::AUTHORIZATION`] or
    /// [`HeaderName::PROXY_AUTHORIZATION`]) of a request. `lookup` gives what the store knows of a user.
    ///
    /// ACK and CANCEL cannot be challenged and repeat the credentials of their INVITE: do not check them.
    ///
    /// A count that was used with the same nonce gives [`Verdict::Stale`], which costs an honest client one more
    /// round and a replayed request everything.
    pub fn verify(
        &mut self,
        now: Instant,
        request: &Message,
        field: &HeaderName,
        lookup: impl FnOnce(&str) -> Option<Secret>,
    ) -> Verdict {
        let mine = |credentials: &Credentials| credentials.realm == self.realm;
        let values = request
            .header_values(field)
            .filter_map(|value| value.parse::<Credentials>().ok());
        let Some(credentials) = values.into_iter().find(mine) else {
            return Verdict::Missing;
        };
        let Some(algorithm) = credentials
            .known_algorithm()
            .filter(|found| self.algorithms.contains(found))
        else {
            return Verdict::Missing;
        };
        // An unknown user costs as much time as a wrong password.
        let found = lookup(&credentials.username);
        let ha1 = match &found {
            Some(Secret::Ha1(of, ha1)) if *of == algorithm => ha1.clone(),
            Some(Secret::Password(password)) => algorithm.ha1(&credentials.username, &self.realm, password),
            _ => algorithm.ha1(&credentials.username, &self.realm, ""),
        };
        let usable = match &found {
            Some(Secret::Ha1(of, _)) => *of == algorithm,
            Some(Secret::Password(_)) => true,
            None => false,
        };
        let right = Self::is_right(request, &credentials, algorithm, &ha1);
        if !right || !usable || (self.check_uri && !same_uri(request, &credentials.uri)) {
            return Verdict::Wrong;
        }
        self.accept_nonce(now, &credentials)
    }

    fn is_right(request: &Message, credentials: &Credentials, algorithm: Algorithm, ha1: &str) -> bool {
        let nc = credentials
            .counted
            .as_ref()
            .map(|counted| format!("{:08x}", counted.nc));
        let cnonce = credentials
            .counted
            .as_ref()
            .map(|counted| counted.cnonce.as_str());
        let input = Input {
            method: request.method().map_or("", |method| method.as_str()),
            uri: &credentials.uri,
            nonce: &credentials.nonce,
            counted: nc.as_deref().zip(cnonce),
        };
        let expected = input.response(algorithm, ha1);
        expected
            .as_bytes()
            .ct_eq(credentials.response.to_ascii_lowercase().as_bytes())
            .into()
    }

    /// The response is right: is the nonce ours, young, and its count new?
    fn accept_nonce(&mut self, now: Instant, credentials: &Credentials) -> Verdict {
        let now = self.millis(now);
        let lifetime = u64::try_from(self.lifetime.as_millis()).unwrap_or(u64::MAX);
        let Some(stamp) = self.stamp(&credentials.nonce) else {
            return Verdict::Stale;
        };
        if now.saturating_sub(stamp.0) > lifetime || self.floor.is_some_and(|floor| stamp <= floor) {
            return Verdict::Stale;
        }
        // Without a count a nonce is good once.
        let nc = credentials
            .counted
            .as_ref()
            .map_or(u32::MAX, |counted| counted.nc);
        self.forget_old(now, lifetime);
        if !self.counts.entry(stamp).or_default().take(nc) {
            return Verdict::Stale;
        }
        if self.counts.len() > self.capacity
            && let Some((oldest, _)) = self.counts.pop_first()
        {
            self.floor = Some(oldest);
        }
        Verdict::Ok {
            user: credentials.username.clone(),
        }
    }

    fn forget_old(&mut self, now: u64, lifetime: u64) {
        while let Some(oldest) = self.counts.first_entry()
            && now.saturating_sub(oldest.key().0) > lifetime
        {
            oldest.remove();
        }
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.epoch).as_millis()).unwrap_or(u64::MAX)
    }

    fn nonce(&self, stamp: Stamp) -> String {
        let mut message = Vec::with_capacity(12 + self.realm.len());
        message.extend_from_slice(&stamp.0.to_be_bytes());
        message.extend_from_slice(&stamp.1.to_be_bytes());
        message.extend_from_slice(self.realm.as_bytes());
        let seal = hmac(&self.secret, &message);
        hex(&message[..12]) + &hex(&seal[..16])
    }

    /// The time and number in a nonce of ours.
    fn stamp(&self, nonce: &str) -> Option<Stamp> {
        let millis = u64::from_str_radix(nonce.get(..16)?, 16).ok()?;
        let number = u32::from_str_radix(nonce.get(16..24)?, 16).ok()?;
        let stamp = Stamp(millis, number);
        let ours: bool = self.nonce(stamp).as_bytes().ct_eq(nonce.as_bytes()).into();
        ours.then_some(stamp)
    }
}

impl fmt::Debug for DigestServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestServer")
            .field("realm", &self.realm)
            .field("algorithms", &self.algorithms)
            .field("remembered", &self.counts.len())
            .finish_non_exhaustive()
    }
}

impl Counts {
    /// Takes a count that was not used; counts may come out of order within the last 64.
    fn take(&mut self, nc: u32) -> bool {
        if nc > self.highest {
            let shift = nc - self.highest;
            self.seen = if shift < 64 { self.seen << shift | 1 } else { 1 };
            self.highest = nc;
            return true;
        }
        let back = self.highest - nc;
        let new = nc > 0 && back < 64 && self.seen & (1 << back) == 0;
        if new {
            self.seen |= 1 << back;
        }
        new
    }
}

fn same_uri(request: &Message, uri: &str) -> bool {
    if request.request_uri_str() == Some(uri) {
        return true;
    }
    match (request.request_uri(), uri.parse::<Uri>()) {
        (Ok(own), Ok(given)) => own.equivalent(&given),
        _ => false,
    }
}

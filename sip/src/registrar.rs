//! The registrar: which local users can be reached now, and who is one.
//!
//! [`Registrar`] is sans-IO: it is given REGISTER requests with the flow they came along and the time, and gives
//! what to answer and [`RegistrarEvent`]s. [`B2bua`](crate::b2bua::B2bua) contains one.
//!
//! Spec: RFC 3261 §10, §22; RFC 7616

mod credentials;
mod location;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::auth::{Algorithm, DigestServer, Secret, Verdict};
use crate::header::{HeaderName, NameAddr};
use crate::message::Message;
use crate::status::StatusCode;
use crate::transport::Flow;
use crate::ua::Seed;

pub use credentials::{Credential, CredentialStore, MemoryCredentials};
use location::Update;
pub use location::{Binding, LocationError, LocationService};

/// What a [`Registrar`] is and how much it takes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistrarConfig {
    /// Realm of the challenges; usually the domain.
    pub realm: String,
    /// Hosts that addresses of record may have. Default: empty, any host is taken for ours.
    pub domains: Vec<String>,
    /// Digest algorithms offered, the preferred one first. Default SHA-256, then MD5. Many phones read the first
    /// challenge only and know only MD5: for them MD5 goes first.
    ///
    /// Spec: RFC 8760 §2.3
    pub algorithms: Vec<Algorithm>,
    /// Source of the key of the nonces. Must be unpredictable for others and new for every start.
    pub seed: Seed,
    /// Shortest lifetime of a binding. Default 60 s. Requests for less, other than 0, are refused with 423.
    pub min_expires: Duration,
    /// Longest lifetime of a binding; requests for more get this. Default 3600 s.
    pub max_expires: Duration,
    /// Lifetime of a binding that asks for none. Default 3600 s.
    pub default_expires: Duration,
    /// Contacts that one user may have. Default 8; each is called when the user is called.
    pub max_contacts: usize,
    /// Contacts of all users. Default 100 000; about 1 kB each.
    pub max_bindings: usize,
}

impl RegistrarConfig {
    /// Defaults for a realm.
    pub fn new(realm: impl Into<String>, seed: Seed) -> Self {
        Self {
            realm: realm.into(),
            domains: Vec::new(),
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            seed,
            min_expires: Duration::from_secs(60),
            max_expires: Duration::from_secs(3600),
            default_expires: Duration::from_secs(3600),
            max_contacts: 8,
            max_bindings: 100_000,
        }
    }

    /// Sets [`RegistrarConfig::domains`].
    #[must_use]
    pub fn with_domains(mut self, domains: Vec<String>) -> Self {
        self.domains = domains;
        self
    }

    /// Sets [`RegistrarConfig::algorithms`].
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: Vec<Algorithm>) -> Self {
        self.algorithms = algorithms;
        self
    }

    /// Sets [`RegistrarConfig::min_expires`].
    #[must_use]
    pub fn with_min_expires(mut self, time: Duration) -> Self {
        self.min_expires = time;
        self
    }

    /// Sets [`RegistrarConfig::max_expires`].
    #[must_use]
    pub fn with_max_expires(mut self, time: Duration) -> Self {
        self.max_expires = time;
        self
    }

    /// Sets [`RegistrarConfig::default_expires`].
    #[must_use]
    pub fn with_default_expires(mut self, time: Duration) -> Self {
        self.default_expires = time;
        self
    }

    /// Sets [`RegistrarConfig::max_contacts`].
    #[must_use]
    pub fn with_max_contacts(mut self, contacts: usize) -> Self {
        self.max_contacts = contacts;
        self
    }

    /// Sets [`RegistrarConfig::max_bindings`].
    #[must_use]
    pub fn with_max_bindings(mut self, bindings: usize) -> Self {
        self.max_bindings = bindings;
        self
    }
}

/// What changed for local users.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrarEvent {
    /// The user has a contact now and had none before. Refreshes and further contacts are not reported.
    Registered {
        /// User part of the address of record.
        user: String,
    },
    /// The user has no contact any more.
    Unregistered {
        /// User part of the address of record.
        user: String,
        /// Why.
        why: UnregisterReason,
    },
}

/// Why a user has no contact any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnregisterReason {
    /// The user removed it.
    Removed,
    /// It was not refreshed in time.
    Expired,
    /// Its connection is gone.
    FlowLost,
}

/// The response to a request.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers beside those that every response has.
    pub headers: Vec<(HeaderName, String)>,
}

impl Answer {
    const fn bare(status: u16) -> Self {
        Self {
            status: StatusCode(status),
            headers: Vec::new(),
        }
    }
}

/// A registrar for the users of one realm.
pub struct Registrar {
    config: RegistrarConfig,
    users: Box<dyn CredentialStore>,
    digest: Option<DigestServer>,
    location: LocationService,
    events: VecDeque<RegistrarEvent>,
    challenges: u64,
}

impl Registrar {
    /// A registrar without bindings.
    pub fn new(config: RegistrarConfig, users: Box<dyn CredentialStore>) -> Self {
        Self {
            config,
            users,
            digest: None,
            location: LocationService::new(),
            events: VecDeque::new(),
            challenges: 0,
        }
    }

    /// The bindings.
    #[must_use]
    pub fn location(&self) -> &LocationService {
        &self.location
    }

    /// Whether there is such a local user.
    #[must_use]
    pub fn is_user(&self, user: &str) -> bool {
        self.users.credential(user).is_some()
    }

    /// Challenges sent so far.
    #[must_use]
    pub fn challenges(&self) -> u64 {
        self.challenges
    }

    /// Answers a REGISTER. `trusted` says whether the sender is in a network whose peers need no password; users
    /// without password may register from there only.
    ///
    /// Spec: RFC 3261 §10.3
    pub fn handle_register(&mut self, now: Instant, flow: Flow, trusted: bool, request: &Message) -> Answer {
        self.handle_timeout(now);
        let Some(user) = self.address_of_record(request) else {
            return Answer::bare(404);
        };
        if let Err(refusal) = self.prove(now, trusted, request, &user) {
            return refusal;
        }
        let before = self.location.lookup(&user).is_empty();
        if let Err(refusal) = self.change(now, flow, request, &user) {
            return refusal;
        }
        match (before, self.location.lookup(&user).is_empty()) {
            (true, false) => self
                .events
                .push_back(RegistrarEvent::Registered { user: user.clone() }),
            (false, true) => self.unregistered(vec![user.clone()], UnregisterReason::Removed),
            _ => {}
        }
        let contacts = self.location.lookup(&user).iter().map(|binding| {
            let left = binding.expires_at.saturating_duration_since(now);
            let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
            (
                HeaderName::CONTACT,
                format!("<{}>;expires={seconds}", binding.contact),
            )
        });
        Answer {
            status: StatusCode(200),
            headers: contacts.collect(),
        }
    }

    /// Checks that the sender of a request is that local user.
    ///
    /// # Errors
    /// What to answer: a challenge, or a refusal.
    pub fn prove(
        &mut self,
        now: Instant,
        trusted: bool,
        request: &Message,
        user: &str,
    ) -> Result<(), Answer> {
        match self.users.credential(user) {
            None => return Err(Answer::bare(404)),
            Some(Credential::Open) if trusted => return Ok(()),
            Some(Credential::Open) => return Err(Answer::bare(403)),
            Some(Credential::Password(_)) => {}
        }
        match self.verify(now, request) {
            Verdict::Ok { user: proved } if proved == user => Ok(()),
            // Somebody else's password does not help, and asking again would not either.
            Verdict::Ok { .. } | Verdict::Wrong => Err(Answer::bare(403)),
            Verdict::Missing => Err(self.challenge(now, false)),
            Verdict::Stale => Err(self.challenge(now, true)),
        }
    }

    fn digest(&mut self, now: Instant) -> &mut DigestServer {
        let config = &self.config;
        self.digest.get_or_insert_with(|| {
            DigestServer::new(config.realm.clone(), *config.seed.bytes(), now)
                .with_algorithms(config.algorithms.clone())
        })
    }

    fn verify(&mut self, now: Instant, request: &Message) -> Verdict {
        self.digest(now);
        let users = &self.users;
        let Some(digest) = self.digest.as_mut() else {
            return Verdict::Missing;
        };
        digest.verify(now, request, &HeaderName::AUTHORIZATION, |user| {
            match users.credential(user)? {
                Credential::Password(password) => Some(Secret::Password(password)),
                Credential::Open => None,
            }
        })
    }

    fn challenge(&mut self, now: Instant, stale: bool) -> Answer {
        self.challenges += 1;
        let challenges = self.digest(now).challenges(now, stale);
        let headers = challenges
            .iter()
            .map(|one| (HeaderName::WWW_AUTHENTICATE, one.to_string()))
            .collect();
        Answer {
            status: StatusCode(401),
            headers,
        }
    }

    fn address_of_record(&self, request: &Message) -> Option<String> {
        let to = request.to().ok()?;
        let host = to.uri().host()?.to_string();
        let ours = self.config.domains.is_empty()
            || self
                .config
                .domains
                .iter()
                .any(|domain| domain.eq_ignore_ascii_case(&host));
        let user = to.uri().user_decoded()?;
        (ours && !user.is_empty()).then(|| user.into_owned())
    }

    fn change(&mut self, now: Instant, flow: Flow, request: &Message, user: &str) -> Result<(), Answer> {
        let (Ok(call_id), Ok(cseq), Ok(expires)) = (request.call_id(), request.cseq(), request.expires())
        else {
            return Err(Answer::bare(400));
        };
        let result = if request.is_contact_star() {
            // A star stands alone and removes everything.
            if expires != Some(0) {
                return Err(Answer::bare(400));
            }
            self.location.clear(user, call_id, cseq.number)
        } else {
            let updates = self.updates(now, request, expires)?;
            let limits = (self.config.max_contacts, self.config.max_bindings);
            self.location
                .apply(user, flow, call_id, cseq.number, updates, limits)
        };
        result.map_err(|error| match error {
            LocationError::OutOfOrder => Answer::bare(500),
            LocationError::TooManyContacts => Answer::bare(403),
            LocationError::Full => Answer::bare(503),
        })
    }

    fn updates(&self, now: Instant, request: &Message, header: Option<u32>) -> Result<Vec<Update>, Answer> {
        let mut updates = Vec::new();
        for contact in request.contacts() {
            let contact = contact.map_err(|_| Answer::bare(400))?;
            if updates.len() > 2 * self.config.max_contacts {
                return Err(Answer::bare(403));
            }
            updates.push(self.update(now, &contact, header)?);
        }
        Ok(updates)
    }

    fn update(&self, now: Instant, contact: &NameAddr, header: Option<u32>) -> Result<Update, Answer> {
        if !contact.uri().is_sip() {
            return Err(Answer::bare(400));
        }
        let asked = contact
            .expires()
            .or(header)
            .map(|seconds| Duration::from_secs(seconds.into()));
        let lifetime = asked
            .unwrap_or(self.config.default_expires)
            .min(self.config.max_expires);
        if lifetime.is_zero() {
            return Ok(Update {
                contact: contact.uri().detached(),
                expires_at: None,
            });
        }
        if lifetime < self.config.min_expires {
            let least = (
                HeaderName::MIN_EXPIRES,
                self.config.min_expires.as_secs().to_string(),
            );
            return Err(Answer {
                status: StatusCode(423),
                headers: vec![least],
            });
        }
        Ok(Update {
            contact: contact.uri().detached(),
            expires_at: Some(now + lifetime),
        })
    }

    /// A connection is gone: what was registered along it cannot be called any more.
    pub fn handle_flow_lost(&mut self, flow: &Flow) {
        let gone = self.location.lose_flow(flow);
        self.unregistered(gone, UnregisterReason::FlowLost);
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        let gone = self.location.expire(now);
        self.unregistered(gone, UnregisterReason::Expired);
    }

    /// When the next binding expires.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.location.poll_timeout()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<RegistrarEvent> {
        self.events.pop_front()
    }

    fn unregistered(&mut self, users: Vec<String>, why: UnregisterReason) {
        for user in users {
            tracing::info!(?why, "a local user is not registered any more");
            self.events.push_back(RegistrarEvent::Unregistered { user, why });
        }
    }
}

//! Configuration of a user agent.

use std::fmt;
use std::time::Duration;

use crate::method::Method;

/// Where identifiers (branches, tags, Call-IDs) come from: a secret that makes them unpredictable for others and
/// repeatable in tests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed from 32 octets.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A seed for tests and simulations: the same number gives the same identifiers.
    pub fn from_number(number: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Self(bytes)
    }

    /// A seed from the random source of the operating system.
    ///
    /// # Errors
    ///
    /// The system has no random source.
    pub fn from_system() -> std::io::Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Self(bytes))
    }

    /// The octets.
    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// What a [`UserAgent`](super::UserAgent) is and how much it takes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UaConfig {
    /// Source of identifiers. Two cores that may meet need different seeds.
    pub seed: Seed,
    /// Host (and port) written into Via and Contact in place of the bound address; needed when the endpoint is bound
    /// to an unspecified address. Form: `host` or `host:port`. Default: none, the bound address.
    pub advertised: Option<String>,
    /// User part of the Contact of calls that name none. Default: `ua`.
    pub contact_user: String,
    /// Value of `User-Agent` and `Server`; `None` leaves them out. Default: `cti-sip`.
    pub product: Option<String>,
    /// Round-trip estimate; base of all retransmission and timeout intervals. Default 500 ms, range 1 ms to 10 s.
    ///
    /// Spec: RFC 3261 §17.1.1.1 (T1)
    pub t1: Duration,
    /// Longest retransmission interval of non-INVITE requests and INVITE answers. Default 4 s.
    ///
    /// Spec: RFC 3261 §17.1.2.2 (T2)
    pub t2: Duration,
    /// How long a message may stay in the network. Default 5 s.
    ///
    /// Spec: RFC 3261 §17.1.2.2 (T4)
    pub t4: Duration,
    /// Calls at the same time, both directions, those that are ending included. More are refused with 503 (incoming)
    /// or [`CommandError::TooManyCalls`](super::CommandError::TooManyCalls). Default 10 000; about 4 kB each.
    pub max_calls: usize,
    /// Transactions at the same time, completed ones that wait out their timers included. More requests are refused
    /// with 503. Default 200 000; about 2 kB each.
    pub max_transactions: usize,
    /// `Retry-After` of a 503. Default 5 s.
    pub retry_after: Duration,
    /// An outgoing INVITE without final response, and without own timeout, is cancelled after this time, and an
    /// incoming one that nobody decides is refused with 480. Default 180 s.
    ///
    /// Spec: RFC 3261 §16.6 (Timer C gives the order of magnitude)
    pub ring_timeout: Duration,
    /// A request handed to the user that nobody answers is refused with 500, a re-INVITE with 488, after this time.
    /// Default 20 s, must be below 64 * T1.
    pub answer_timeout: Duration,
    /// Methods handed to the user when they come outside of a dialog, as
    /// [`UaEvent::OutOfDialog`](super::UaEvent::OutOfDialog). Default: none. INVITE, ACK, CANCEL and BYE are always
    /// the core's; OPTIONS is the core's unless it is listed.
    pub out_of_dialog_methods: Vec<Method>,
    /// Methods handed to the user when they come inside a dialog, as [`UaEvent::InDialog`](super::UaEvent::InDialog).
    /// Default: INFO, NOTIFY, REFER, MESSAGE.
    pub in_dialog_methods: Vec<Method>,
    /// First wait before a failed registration is tried again; doubled up to [`UaConfig::register_retry_max`].
    /// Default 2 s.
    pub register_retry: Duration,
    /// Longest wait before a failed registration is tried again. Default 120 s.
    pub register_retry_max: Duration,
}

impl UaConfig {
    /// A configuration with the default values and that seed.
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            advertised: None,
            contact_user: "ua".to_owned(),
            product: Some("cti-sip".to_owned()),
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            max_calls: 10_000,
            max_transactions: 200_000,
            retry_after: Duration::from_secs(5),
            ring_timeout: Duration::from_secs(180),
            answer_timeout: Duration::from_secs(20),
            out_of_dialog_methods: Vec::new(),
            in_dialog_methods: vec![Method::INFO, Method::NOTIFY, Method::REFER, Method::MESSAGE],
            register_retry: Duration::from_secs(2),
            register_retry_max: Duration::from_secs(120),
        }
    }

    /// Sets [`UaConfig::advertised`].
    pub fn with_advertised(mut self, host: impl Into<String>) -> Self {
        self.advertised = Some(host.into());
        self
    }

    /// Sets [`UaConfig::contact_user`].
    pub fn with_contact_user(mut self, user: impl Into<String>) -> Self {
        self.contact_user = user.into();
        self
    }

    /// Sets [`UaConfig::product`].
    pub fn with_product(mut self, product: Option<String>) -> Self {
        self.product = product;
        self
    }

    /// Sets [`UaConfig::max_calls`].
    pub fn with_max_calls(mut self, calls: usize) -> Self {
        self.max_calls = calls;
        self
    }

    /// Sets [`UaConfig::max_transactions`].
    pub fn with_max_transactions(mut self, transactions: usize) -> Self {
        self.max_transactions = transactions;
        self
    }

    /// Sets [`UaConfig::ring_timeout`].
    pub fn with_ring_timeout(mut self, timeout: Duration) -> Self {
        self.ring_timeout = timeout;
        self
    }

    /// Sets [`UaConfig::out_of_dialog_methods`].
    pub fn with_out_of_dialog_methods(mut self, methods: Vec<Method>) -> Self {
        self.out_of_dialog_methods = methods;
        self
    }

    /// Sets [`UaConfig::in_dialog_methods`].
    pub fn with_in_dialog_methods(mut self, methods: Vec<Method>) -> Self {
        self.in_dialog_methods = methods;
        self
    }
}

//! Configuration of a T-Server: DNs, routing defaults, agents, limits.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::catalog::AddressType;
use crate::id::Dn;

/// Checked configuration of a [`TServer`](crate::TServer); made by [`TServerConfigBuilder::build`].
#[derive(Clone, Debug)]
pub struct TServerConfig {
    pub(crate) settings: TServerConfigBuilder,
    pub(crate) dns: BTreeMap<Dn, DnConfig>,
}

impl TServerConfig {
    /// Starts a configuration from the defaults.
    pub fn builder() -> TServerConfigBuilder {
        TServerConfigBuilder::default()
    }

    /// The settings as they were given to the builder.
    pub fn settings(&self) -> &TServerConfigBuilder {
        &self.settings
    }
}

/// Settings of a T-Server before the checks.
///
/// ```
/// use tlib::{DnConfig, TServerConfig};
///
/// let config = TServerConfig::builder()
///     .with_server_id(108)
///     .with_dn(DnConfig::routing_point("8000").with_default_destination("1001"))
///     .with_dn(DnConfig::extension("1001"))
///     .build()?;
/// assert_eq!(config.settings().server_id, 108);
/// # Ok::<(), tlib::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct TServerConfigBuilder {
    /// Name reported as `ApplicationName`. Default `tserver`; 1 to 255 bytes.
    pub application_name: String,
    /// Server id, the high part of every ConnID. Default 1; range 0 to 16383.
    ///
    /// Spec: T-Library reference §2, identifier formats
    pub server_id: u16,
    /// The DNs of the server. Default none.
    pub dns: Vec<DnConfig>,
    /// Seconds an offered destination may ring. Default 20; range 1 to 3600.
    pub no_answer_timeout_secs: u32,
    /// Whether an agent who lets a routed call ring out is made NotReady. Default true.
    pub not_ready_on_no_answer: bool,
    /// How often a call may come back to its routing point before its default destination is used.
    /// Default 5; range 0 to 100.
    pub max_reroutes: u32,
    /// Seconds of after-call work after a routed call. Default 0 (none); range 0 to 86400.
    pub after_call_work_secs: u32,
    /// Bounds of the server's memory.
    pub limits: Limits,
}

/// Bounds of a T-Server. A request beyond a bound is refused with `EventError`, a call beyond is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct Limits {
    /// Calls at one time. Default 10000; at least 1; a few KiB each besides user data.
    pub calls: usize,
    /// Clients at one time. Default 1000; at least 1.
    pub clients: usize,
    /// DN registrations of all clients together. Default 100000; at least 1.
    pub registrations: usize,
    /// Packed size of a call's user data in bytes. Default and most 65536.
    ///
    /// Spec: T-Library reference §9
    pub user_data_bytes: usize,
}

/// One DN.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct DnConfig {
    /// The number; 1 to 64 bytes, without blanks.
    pub number: String,
    /// What it is.
    #[cfg_attr(feature = "serde", serde(default))]
    pub kind: DnKind,
    /// Routing point only: where a call goes that nobody routes. Default none: the call is released.
    #[cfg_attr(feature = "serde", serde(default))]
    pub default_destination: Option<String>,
    /// Routing point only: seconds until the default destination is used. Default none: wait for ever;
    /// range 1 to 86400.
    #[cfg_attr(feature = "serde", serde(default))]
    pub route_timeout_secs: Option<u32>,
    /// Extension only: seconds it may ring. Default: the server's; range 1 to 3600.
    #[cfg_attr(feature = "serde", serde(default))]
    pub no_answer_timeout_secs: Option<u32>,
    /// Extension only: seconds of after-call work. Default: the server's; range 0 to 86400.
    #[cfg_attr(feature = "serde", serde(default))]
    pub after_call_work_secs: Option<u32>,
}

/// Kind of a DN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum DnKind {
    /// A phone.
    #[default]
    Extension,
    /// A place where calls wait for the router.
    RoutingPoint,
    /// A queue that agents log in to. This server does not distribute calls from it.
    Queue,
    /// A queue that exists only in events, which the router distributes.
    VirtualQueue,
}

/// Why a configuration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A value is outside its range.
    #[error("{field} is {value}, allowed is {allowed}")]
    Range {
        /// Name of the field.
        field: &'static str,
        /// The value.
        value: u64,
        /// The range in words.
        allowed: &'static str,
    },
    /// The application name is empty or too long.
    #[error("application_name must have 1 to 255 bytes")]
    ApplicationName,
    /// A DN number is empty, too long or contains blanks.
    #[error("dn number {number:?} must have 1 to 64 bytes without blanks")]
    Number {
        /// The number.
        number: String,
    },
    /// Two DNs have one number.
    #[error("dn {number} is configured twice")]
    DuplicateDn {
        /// The number.
        number: String,
    },
    /// A setting does not belong to the kind of DN.
    #[error("dn {number}: {field} does not apply to its kind")]
    NotApplicable {
        /// The number.
        number: String,
        /// Name of the field.
        field: &'static str,
    },
    /// The default destination of a routing point is a routing point or a queue.
    #[error("dn {number}: default destination {destination} is not an extension or an outside number")]
    DefaultDestination {
        /// The routing point.
        number: String,
        /// Its default destination.
        destination: String,
    },
}

impl Default for TServerConfigBuilder {
    fn default() -> Self {
        Self {
            application_name: "tserver".to_owned(),
            server_id: 1,
            dns: Vec::new(),
            no_answer_timeout_secs: 20,
            not_ready_on_no_answer: true,
            max_reroutes: 5,
            after_call_work_secs: 0,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls: 10_000,
            clients: 1_000,
            registrations: 100_000,
            user_data_bytes: 65_536,
        }
    }
}

impl Limits {
    /// Sets the number of calls.
    #[must_use]
    pub fn with_calls(mut self, calls: usize) -> Self {
        self.calls = calls;
        self
    }

    /// Sets the number of clients.
    #[must_use]
    pub fn with_clients(mut self, clients: usize) -> Self {
        self.clients = clients;
        self
    }

    /// Sets the number of registrations.
    #[must_use]
    pub fn with_registrations(mut self, registrations: usize) -> Self {
        self.registrations = registrations;
        self
    }

    /// Sets the size of user data, in bytes.
    #[must_use]
    pub fn with_user_data_bytes(mut self, bytes: usize) -> Self {
        self.user_data_bytes = bytes;
        self
    }
}

impl TServerConfigBuilder {
    /// Sets the application name.
    #[must_use]
    pub fn with_application_name(mut self, name: impl Into<String>) -> Self {
        self.application_name = name.into();
        self
    }

    /// Sets the server id.
    #[must_use]
    pub fn with_server_id(mut self, server_id: u16) -> Self {
        self.server_id = server_id;
        self
    }

    /// Adds a DN.
    #[must_use]
    pub fn with_dn(mut self, dn: DnConfig) -> Self {
        self.dns.push(dn);
        self
    }

    /// Sets how long a destination may ring, in seconds.
    #[must_use]
    pub fn with_no_answer_timeout_secs(mut self, secs: u32) -> Self {
        self.no_answer_timeout_secs = secs;
        self
    }

    /// Sets whether an agent who does not answer is made NotReady.
    #[must_use]
    pub fn with_not_ready_on_no_answer(mut self, on: bool) -> Self {
        self.not_ready_on_no_answer = on;
        self
    }

    /// Sets how often a call may come back to its routing point.
    #[must_use]
    pub fn with_max_reroutes(mut self, times: u32) -> Self {
        self.max_reroutes = times;
        self
    }

    /// Sets the after-call work, in seconds.
    #[must_use]
    pub fn with_after_call_work_secs(mut self, secs: u32) -> Self {
        self.after_call_work_secs = secs;
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting that is out of its documented range, names a DN twice, or does not fit its DN's kind.
    pub fn build(self) -> Result<TServerConfig, ConfigError> {
        if !(1..=255).contains(&self.application_name.len()) {
            return Err(ConfigError::ApplicationName);
        }
        range("server_id", self.server_id.into(), 0..=16_383, "0 to 16383")?;
        let ring = self.no_answer_timeout_secs.into();
        range("no_answer_timeout_secs", ring, 1..=3_600, "1 to 3600")?;
        range("max_reroutes", self.max_reroutes.into(), 0..=100, "0 to 100")?;
        let wrap_up = self.after_call_work_secs.into();
        range("after_call_work_secs", wrap_up, 0..=86_400, "0 to 86400")?;
        self.limits.check()?;
        let mut dns = BTreeMap::new();
        for dn in &self.dns {
            dn.check()?;
            let number = Dn::new(dn.number.as_str());
            if dns.insert(number, dn.clone()).is_some() {
                let number = dn.number.clone();
                return Err(ConfigError::DuplicateDn { number });
            }
        }
        for dn in &self.dns {
            check_default_destination(dn, &dns)?;
        }
        Ok(TServerConfig { settings: self, dns })
    }
}

impl Limits {
    fn check(&self) -> Result<(), ConfigError> {
        let any = 1..=u64::MAX;
        range("limits.calls", wide(self.calls), any.clone(), "at least 1")?;
        range("limits.clients", wide(self.clients), any.clone(), "at least 1")?;
        let registrations = wide(self.registrations);
        range("limits.registrations", registrations, any, "at least 1")?;
        let bytes = wide(self.user_data_bytes);
        range("limits.user_data_bytes", bytes, 0..=65_536, "0 to 65536")
    }
}

impl DnConfig {
    /// A DN of a kind, without options.
    pub fn new(number: impl Into<String>, kind: DnKind) -> Self {
        Self {
            number: number.into(),
            kind,
            default_destination: None,
            route_timeout_secs: None,
            no_answer_timeout_secs: None,
            after_call_work_secs: None,
        }
    }

    /// An extension.
    pub fn extension(number: impl Into<String>) -> Self {
        Self::new(number, DnKind::Extension)
    }

    /// A routing point.
    pub fn routing_point(number: impl Into<String>) -> Self {
        Self::new(number, DnKind::RoutingPoint)
    }

    /// A queue that agents log in to.
    pub fn queue(number: impl Into<String>) -> Self {
        Self::new(number, DnKind::Queue)
    }

    /// A virtual queue.
    pub fn virtual_queue(number: impl Into<String>) -> Self {
        Self::new(number, DnKind::VirtualQueue)
    }

    /// Sets the default destination of a routing point.
    #[must_use]
    pub fn with_default_destination(mut self, number: impl Into<String>) -> Self {
        self.default_destination = Some(number.into());
        self
    }

    /// Sets how long a routing point waits for the router, in seconds.
    #[must_use]
    pub fn with_route_timeout_secs(mut self, secs: u32) -> Self {
        self.route_timeout_secs = Some(secs);
        self
    }

    /// Sets how long an extension may ring, in seconds.
    #[must_use]
    pub fn with_no_answer_timeout_secs(mut self, secs: u32) -> Self {
        self.no_answer_timeout_secs = Some(secs);
        self
    }

    /// Sets an extension's after-call work, in seconds.
    #[must_use]
    pub fn with_after_call_work_secs(mut self, secs: u32) -> Self {
        self.after_call_work_secs = Some(secs);
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        let number = || self.number.clone();
        if !is_number(&self.number) {
            return Err(ConfigError::Number { number: number() });
        }
        let wrong = |field| ConfigError::NotApplicable {
            number: number(),
            field,
        };
        if self.kind != DnKind::RoutingPoint {
            if self.default_destination.is_some() {
                return Err(wrong("default_destination"));
            }
            if self.route_timeout_secs.is_some() {
                return Err(wrong("route_timeout_secs"));
            }
        }
        if self.kind != DnKind::Extension {
            if self.no_answer_timeout_secs.is_some() {
                return Err(wrong("no_answer_timeout_secs"));
            }
            if self.after_call_work_secs.is_some() {
                return Err(wrong("after_call_work_secs"));
            }
        }
        option_range("route_timeout_secs", self.route_timeout_secs, 1, 86_400)?;
        option_range("no_answer_timeout_secs", self.no_answer_timeout_secs, 1, 3_600)?;
        option_range("after_call_work_secs", self.after_call_work_secs, 0, 86_400)
    }
}

impl DnKind {
    /// The address type that clients see.
    ///
    /// Spec: T-Library reference §3 (TAddressType)
    pub fn address_type(self) -> AddressType {
        match self {
            Self::Extension => AddressType::DN,
            Self::RoutingPoint => AddressType::ROUTE_DN,
            Self::Queue | Self::VirtualQueue => AddressType::QUEUE,
        }
    }
}

impl TServerConfig {
    pub(crate) fn no_answer_timeout(&self, dn: &str) -> Duration {
        let own = self.dns.get(dn).and_then(|dn| dn.no_answer_timeout_secs);
        let secs = own.unwrap_or(self.settings.no_answer_timeout_secs);
        Duration::from_secs(secs.into())
    }

    pub(crate) fn after_call_work(&self, dn: &str) -> Duration {
        let own = self.dns.get(dn).and_then(|dn| dn.after_call_work_secs);
        let secs = own.unwrap_or(self.settings.after_call_work_secs);
        Duration::from_secs(secs.into())
    }
}

/// Whether a text can be a DN or a number to call: 1 to 64 bytes, no blanks or control characters.
pub(crate) fn is_number(text: &str) -> bool {
    (1..=64).contains(&text.len()) && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn check_default_destination(dn: &DnConfig, dns: &BTreeMap<Dn, DnConfig>) -> Result<(), ConfigError> {
    let Some(destination) = &dn.default_destination else {
        return Ok(());
    };
    let kind = dns.get(destination.as_str()).map(|dn| dn.kind);
    if is_number(destination) && matches!(kind, None | Some(DnKind::Extension)) {
        return Ok(());
    }
    Err(ConfigError::DefaultDestination {
        number: dn.number.clone(),
        destination: destination.clone(),
    })
}

fn range(
    field: &'static str,
    value: u64,
    allowed: std::ops::RangeInclusive<u64>,
    words: &'static str,
) -> Result<(), ConfigError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(ConfigError::Range {
        field,
        value,
        allowed: words,
    })
}

fn option_range(field: &'static str, value: Option<u32>, low: u64, high: u64) -> Result<(), ConfigError> {
    let words = match (low, high) {
        (1, 3_600) => "1 to 3600",
        (1, _) => "1 to 86400",
        _ => "0 to 86400",
    };
    value.map_or(Ok(()), |value| range(field, value.into(), low..=high, words))
}

fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_outside_their_range_are_refused_with_the_field_name() {
        let error = TServerConfig::builder()
            .with_server_id(16_384)
            .build()
            .unwrap_err();
        assert_eq!(error.to_string(), "server_id is 16384, allowed is 0 to 16383");
        let limits = Limits::default().with_user_data_bytes(65_537);
        let error = TServerConfig::builder().with_limits(limits).build().unwrap_err();
        assert!(matches!(
            error,
            ConfigError::Range {
                field: "limits.user_data_bytes",
                ..
            }
        ));
    }

    #[test]
    fn a_number_is_configured_once() {
        let builder = TServerConfig::builder()
            .with_dn(DnConfig::extension("1001"))
            .with_dn(DnConfig::queue("1001"));
        let number = "1001".to_owned();
        assert_eq!(builder.build().unwrap_err(), ConfigError::DuplicateDn { number });
    }

    #[test]
    fn a_default_destination_is_an_extension_or_an_outside_number() {
        let point = |to| DnConfig::routing_point("8000").with_default_destination(to);
        let build = |to| {
            TServerConfig::builder()
                .with_dn(DnConfig::queue("7000"))
                .with_dn(point(to))
                .build()
        };
        assert!(build("+4930123").is_ok());
        assert!(build("7000").is_err());
        assert!(build("8000").is_err());
    }

    #[test]
    fn options_of_another_kind_are_refused() {
        let dn = DnConfig::extension("1001").with_route_timeout_secs(5);
        assert!(TServerConfig::builder().with_dn(dn).build().is_err());
        let dn = DnConfig::routing_point("8000").with_after_call_work_secs(5);
        assert!(TServerConfig::builder().with_dn(dn).build().is_err());
    }

    #[cfg(feature = "serde")]
    #[test]
    fn settings_are_read_from_a_file_and_unknown_fields_are_refused() {
        let text = r#"{"server_id": 7, "limits": {"calls": 5}, "dns": [
            {"number": "8000", "kind": "routing-point", "default_destination": "1001"},
            {"number": "1001"}]}"#;
        let settings: TServerConfigBuilder = serde_json::from_str(text).unwrap();
        assert_eq!(settings.dns[1], DnConfig::extension("1001"));
        assert_eq!(settings.limits, Limits::default().with_calls(5));
        assert_eq!(
            settings.build().unwrap().no_answer_timeout("1001"),
            Duration::from_secs(20)
        );
        let text = r#"{"sever_id": 7}"#;
        assert!(serde_json::from_str::<TServerConfigBuilder>(text).is_err());
    }
}

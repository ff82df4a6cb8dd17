//! The deployment's configuration file: TOML, checked as a whole before anything starts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

mod error;
mod network;

pub use error::ConfigError;
pub use network::IpNetwork;

/// Everything that one process of the reference deployment needs to know.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterConfig {
    /// SIP listener and policy.
    #[serde(default)]
    pub sip: SipConfig,
    /// Media server.
    #[serde(default)]
    pub media: MediaConfig,
    /// T-Library listener.
    #[serde(default)]
    pub tlib: TlibConfig,
    /// Administration pages.
    #[serde(default)]
    pub http: HttpConfig,
    /// Phones with a password.
    #[serde(default, rename = "extension")]
    pub extensions: Vec<ExtensionConfig>,
    /// Agents and their skills.
    #[serde(default, rename = "agent")]
    pub agents: Vec<AgentConfig>,
    /// Numbers that run a strategy.
    #[serde(default, rename = "routing_point")]
    pub routing_points: Vec<RoutingPointConfig>,
    #[serde(skip)]
    source: Option<Source>,
}

/// The file that a configuration was read from, to say where a value is.
#[derive(Clone)]
struct Source {
    file: PathBuf,
    text: String,
}

/// The text holds passwords.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.file.fmt(f)
    }
}

/// `[sip]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SipConfig {
    /// Address for UDP and TCP; default 127.0.0.1:5060. Port 0 picks a free one.
    pub listen: SocketAddr,
    /// Realm of the digest challenge; default `cti.example`.
    pub realm: String,
    /// Digest algorithms offered to phones, the preferred one first: `MD5`, `SHA-256`, `SHA-512-256`; default SHA-256,
    /// then MD5. Phones that read only the first challenge need theirs there.
    pub digest_algorithms: Vec<DigestAlgorithm>,
    /// Networks whose unauthenticated calls are taken as trunk calls; default loopback.
    pub trunk_networks: Vec<IpNetwork>,
    /// Host (and port) that numbers which are not ours are sent to; default none: they are refused.
    pub trunk: Option<String>,
    /// Seconds that a phone rings before the call goes back; default 15, 1 to 600.
    pub no_answer_secs: u32,
    /// Calls at one time, both directions; default 2,000. More are refused with 503.
    pub max_calls: usize,
}

/// A digest algorithm by its name in the challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "the algorithms of the registrar")]
pub enum DigestAlgorithm {
    /// Known by every phone.
    #[serde(rename = "MD5")]
    Md5,
    /// Strong.
    #[serde(rename = "SHA-256")]
    Sha256,
    /// Strong, rare.
    #[serde(rename = "SHA-512-256")]
    Sha512_256,
}

impl From<DigestAlgorithm> for sip::auth::Algorithm {
    fn from(algorithm: DigestAlgorithm) -> Self {
        match algorithm {
            DigestAlgorithm::Md5 => Self::Md5,
            DigestAlgorithm::Sha256 => Self::Sha256,
            DigestAlgorithm::Sha512_256 => Self::Sha512_256,
        }
    }
}

/// `[media]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaConfig {
    /// Address of the RTP sockets; default 127.0.0.1.
    pub address: IpAddr,
    /// First and last RTP port; default 20000 to 29999. Two ports a session.
    pub rtp_ports: (u16, u16),
    /// Folder of the prompts, relative to the configuration file; default `prompts`.
    pub prompts: PathBuf,
}

/// `[tlib]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlibConfig {
    /// Address of the T-Library port; default 127.0.0.1:7001. Port 0 picks a free one.
    pub listen: SocketAddr,
    /// Number of this server in connection ids; default 101, 0 to 16383.
    pub server_id: u16,
    /// Clients at one time; default 1,000.
    pub max_clients: usize,
    /// Serve TLS with this certificate and key; default plain TCP.
    pub tls: Option<TlsConfig>,
}

/// `[tlib.tls]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file of the certificate chain, relative to the configuration file.
    pub certificate: PathBuf,
    /// PEM file of the private key, relative to the configuration file.
    pub key: PathBuf,
}

/// `[http]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Address of the administration pages; default 127.0.0.1:8080. Port 0 picks a free one.
    pub listen: SocketAddr,
}

/// `[[extension]]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionConfig {
    /// The number, 1 to 32 digits, `*`, `#` or `+`.
    pub number: String,
    /// Password of the phone's digest answers.
    pub password: String,
    /// Seconds of after-call work after each routed call; default 0: ready at once.
    #[serde(default)]
    pub after_call_work_secs: u32,
}

impl std::fmt::Debug for ExtensionConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExtensionConfig")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// `[[agent]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    /// Id under which the agent logs in.
    pub id: String,
    /// Skills and levels, 0 to 100; 0 is the same as not having the skill.
    #[serde(default)]
    pub skills: BTreeMap<String, u32>,
}

/// `[[routing_point]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingPointConfig {
    /// The number, 1 to 32 digits, `*`, `#` or `+`.
    pub number: String,
    /// SCXML application, relative to the configuration file.
    pub strategy: PathBuf,
    /// Where calls go when no router takes them in time; default none: they are released.
    pub default_destination: Option<String>,
}

impl Default for SipConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 5060)),
            realm: "cti.example".to_owned(),
            digest_algorithms: vec![DigestAlgorithm::Sha256, DigestAlgorithm::Md5],
            trunk_networks: vec![IpNetwork::new(Ipv4Addr::new(127, 0, 0, 0).into(), 8)],
            trunk: None,
            no_answer_secs: 15,
            max_calls: 2_000,
        }
    }
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            rtp_ports: (20_000, 29_999),
            prompts: "prompts".into(),
        }
    }
}

impl Default for TlibConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7001)),
            server_id: 101,
            max_clients: 1_000,
            tls: None,
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
        }
    }
}

impl SipConfig {
    /// [`SipConfig::no_answer_secs`] as a duration.
    pub fn no_answer(&self) -> Duration {
        Duration::from_secs(self.no_answer_secs.into())
    }
}

impl ClusterConfig {
    /// Reads and checks a file. Paths in it become relative to the current directory.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the file, the line where there is one, and the reason.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            file: path.to_owned(),
            source,
        })?;
        let mut config = Self::parse(path, &text)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.media.prompts = folder.join(&config.media.prompts);
        for point in &mut config.routing_points {
            point.strategy = folder.join(&point.strategy);
        }
        if let Some(tls) = &mut config.tlib.tls {
            tls.certificate = folder.join(&tls.certificate);
            tls.key = folder.join(&tls.key);
        }
        Ok(config)
    }

    /// Parses and checks a text; `path` is for messages only.
    ///
    /// # Errors
    ///
    /// As [`ClusterConfig::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut config: Self =
            toml::from_str(text).map_err(|error| ConfigError::syntax(path, text, &error))?;
        config
            .check()
            .map_err(|(needle, reason)| ConfigError::rule(path, text, &needle, reason))?;
        config.source = Some(Source {
            file: path.to_owned(),
            text: text.to_owned(),
        });
        Ok(config)
    }

    /// Where a value stands, as `file:line`, for errors that show only when a server starts.
    pub fn locate(&self, value: &str) -> String {
        let Some(source) = &self.source else {
            return "defaults".to_owned();
        };
        let file = source.file.display();
        match source.text.find(value) {
            Some(offset) => format!("{file}:{}", error::line_at(&source.text, offset)),
            None => file.to_string(),
        }
    }

    /// Rules that span fields. The first part of the error is a text to look for in the file.
    fn check(&self) -> Result<(), (String, String)> {
        let fail = |needle: &str, reason: String| Err((needle.to_owned(), reason));
        let mut numbers = BTreeSet::new();
        let dns = self.extensions.iter().map(|extension| &extension.number);
        for number in dns.chain(self.routing_points.iter().map(|point| &point.number)) {
            let valid = (1..=32).contains(&number.len())
                && number.chars().all(|c| c.is_ascii_digit() || "*#+".contains(c));
            if !valid {
                return fail(
                    &format!("\"{number}\""),
                    format!("`{number}` is not a number of 1 to 32 digits, `*`, `#` or `+`"),
                );
            }
            if !numbers.insert(number) {
                return fail(
                    &format!("\"{number}\""),
                    format!("number `{number}` is given twice"),
                );
            }
        }
        let mut agents = BTreeSet::new();
        for agent in &self.agents {
            if agent.id.is_empty() || !agents.insert(&agent.id) {
                return fail(
                    &format!("\"{}\"", agent.id),
                    format!("agent id `{}` is empty or given twice", agent.id),
                );
            }
            if let Some((skill, level)) = agent.skills.iter().find(|(_, level)| **level > 100) {
                return fail(skill, format!("level {level} of skill `{skill}` is over 100"));
            }
        }
        if self.sip.digest_algorithms.is_empty() {
            return fail(
                "digest_algorithms",
                "digest_algorithms must name one at least".to_owned(),
            );
        }
        let (first, last) = self.media.rtp_ports;
        if first < 1024 || last <= first {
            return fail(
                "rtp_ports",
                format!("ports {first} to {last} are not a range above 1023"),
            );
        }
        if !(1..=600).contains(&self.sip.no_answer_secs) {
            return fail("no_answer_secs", "no_answer_secs must be 1 to 600".to_owned());
        }
        if self.tlib.server_id > 16_383 {
            return fail("server_id", "server_id must be 0 to 16383".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Session descriptions: read, changed, written, offered and answered.

mod answer;
mod media;
mod parse;
mod print;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

pub use answer::{AnswerError, Audio, Capabilities, Codec, answer, offer};
pub use media::{Direction, MediaDescription, RtpMap};
pub use parse::SdpError;

/// One session description. Every line of the text is kept, known or not, in the order that the format demands.
///
/// Debug shows neither names nor keys.
///
/// ```
/// use sip::sdp::{Direction, SessionDescription};
///
/// let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
///             m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n";
/// let mut sdp = SessionDescription::parse(text.as_bytes())?;
/// assert_eq!(sdp.to_string(), text);
/// assert_eq!(sdp.direction(0), Direction::SendOnly);
/// assert!(sdp.is_hold());
/// sdp.set_direction(Direction::SendRecv);
/// sdp.bump_version();
/// assert!(sdp.to_string().contains("o=- 1 2 IN"));
/// # Ok::<(), sip::sdp::SdpError>(())
/// ```
///
/// Spec: RFC 8866
#[derive(Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// `o=`
    pub origin: Origin,
    /// `s=`
    pub session_name: String,
    /// `c=` of the session; media without their own use it.
    pub connection: Option<Connection>,
    /// `t=`, each with its `r=` lines.
    pub times: Vec<Timing>,
    /// `a=` of the session.
    pub attributes: Vec<Attribute>,
    /// `i=`, `u=`, `e=`, `p=`, `b=`, `z=`, `k=` and unknown lines of the session.
    pub other: Vec<Line>,
    /// `m=` sections.
    pub media: Vec<MediaDescription>,
}

/// Who made the session, and which version of it this is.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    /// User name, or `-`.
    pub username: String,
    /// Number of the session.
    pub session_id: u64,
    /// Version, which rises with every change.
    pub version: u64,
    /// Network type, address type and address: `IN IP4 192.0.2.1`.
    pub address: Connection,
}

/// Network type, address type and address.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    /// `IN`
    pub network: String,
    /// `IP4` or `IP6`.
    pub address_type: String,
    /// Address or name, with time to live and count if they were there.
    pub address: String,
}

/// One `t=` line.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Timing {
    /// Start in NTP seconds; 0 for no bound.
    pub start: u64,
    /// Stop in NTP seconds; 0 for no bound.
    pub stop: u64,
    /// Values of the `r=` lines.
    pub repeats: Vec<String>,
}

/// One `a=` line.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// What is before the colon.
    pub name: String,
    /// What is behind it; `None` without colon.
    pub value: Option<String>,
}

/// Any other line.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// The letter.
    pub kind: char,
    /// What is behind `=`.
    pub value: String,
}

impl Connection {
    /// The connection data of an address.
    pub fn new(address: IpAddr) -> Self {
        let address_type = if address.is_ipv4() { "IP4" } else { "IP6" };
        Self {
            network: "IN".into(),
            address_type: address_type.into(),
            address: address.to_string(),
        }
    }

    /// The address, unless it is a name. What follows `/` is not looked at.
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.split('/').next()?.parse().ok()
    }
}

impl Attribute {
    /// An attribute without value.
    pub fn flag(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: None,
        }
    }

    /// An attribute with value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: Some(value.into()),
        }
    }
}

impl SessionDescription {
    /// A description without media, at that address.
    pub fn new(address: IpAddr, session_id: u64) -> Self {
        let connection = Connection::new(address);
        Self {
            origin: Origin {
                username: "-".into(),
                session_id,
                version: session_id,
                address: connection.clone(),
            },
            session_name: "-".into(),
            connection: Some(connection),
            times: vec![Timing::default()],
            attributes: Vec::new(),
            other: Vec::new(),
            media: Vec::new(),
        }
    }

    /// Reads a description. Line ends may be CRLF or LF; lines may stand in any order within their section.
    ///
    /// # Errors
    /// The line that is not what the format says, or a limit: 64 KiB, 2,000 lines, 64 media.
    pub fn parse(text: &[u8]) -> Result<Self, SdpError> {
        parse::parse(text)
    }

    /// The next version: for every description that differs from the one sent before.
    ///
    /// Spec: RFC 3264 §8
    pub const fn bump_version(&mut self) {
        self.origin.version = self.origin.version.wrapping_add(1);
    }

    /// Direction of a media section: its own, else that of the session, else send and receive.
    pub fn direction(&self, media: usize) -> Direction {
        let own = self
            .media
            .get(media)
            .and_then(|media| Direction::of(&media.attributes));
        own.or_else(|| Direction::of(&self.attributes))
            .unwrap_or_default()
    }

    /// Puts a direction in every media section that is in use, and takes it away from the session.
    pub fn set_direction(&mut self, direction: Direction) {
        self.attributes
            .retain(|attribute| !Direction::is_attribute(attribute));
        for media in self.media.iter_mut().filter(|media| media.port != 0) {
            media.set_direction(direction);
        }
    }

    /// Connection data of a media section: its own, else that of the session.
    pub fn connection_of(&self, media: usize) -> Option<&Connection> {
        self.media
            .get(media)
            .and_then(|media| media.connections.first())
            .or(self.connection.as_ref())
    }

    /// Whether the sender does not want to hear its peer: every audio section in use is `sendonly` or `inactive`, or
    /// has the address 0.0.0.0 of old.
    ///
    /// Spec: RFC 3264 §8.4, RFC 2543 §B.5
    pub fn is_hold(&self) -> bool {
        let mut audio = self
            .media
            .iter()
            .enumerate()
            .filter(|(_, media)| media.media == "audio" && media.port != 0);
        let held = |at: usize| {
            let nowhere = self
                .connection_of(at)
                .and_then(Connection::ip)
                .is_some_and(|ip| ip.is_unspecified());
            nowhere || !self.direction(at).receives()
        };
        audio.clone().next().is_some() && audio.all(|(at, _)| held(at))
    }
}

impl fmt::Debug for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionDescription")
            .field("session_id", &self.origin.session_id)
            .field("version", &self.origin.version)
            .field("media", &self.media)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({} {})", self.session_id, self.version)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({} {})", self.network, self.address_type)
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attribute({})", self.name)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({})", self.kind)
    }
}

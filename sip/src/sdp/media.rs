//! One `m=` section.

use std::fmt;

use super::{Attribute, Connection, Line};

/// Which way media flow, seen from the side that wrote it.
///
/// Spec: RFC 8866 §6.7
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// From here to the peer only.
    SendOnly,
    /// From the peer to here only.
    RecvOnly,
    /// Neither way.
    Inactive,
}

impl Direction {
    /// Every direction.
    pub const ALL: [Self; 4] = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];

    /// Name of the attribute.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The direction with what is sent and received as told.
    pub const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether this side sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether this side receives.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same seen from the peer.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    /// What both directions allow.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self::new(self.sends() && other.sends(), self.receives() && other.receives())
    }

    pub(super) fn is_attribute(attribute: &Attribute) -> bool {
        attribute.value.is_none()
            && Self::ALL
                .iter()
                .any(|direction| direction.name() == attribute.name)
    }

    /// The direction among attributes.
    pub(super) fn of(attributes: &[Attribute]) -> Option<Self> {
        let flags = attributes.iter().filter(|attribute| attribute.value.is_none());
        flags
            .flat_map(|flag| {
                Self::ALL
                    .into_iter()
                    .find(|direction| direction.name() == flag.name)
            })
            .next()
    }
}

/// What a payload type means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpMap {
    /// Payload type, 0 to 127.
    pub payload: u8,
    /// Name of the encoding; compare it without case.
    pub encoding: String,
    /// Unit: hertz.
    pub clock_rate: u32,
    /// Channels of audio; 1 when not written.
    pub channels: u8,
}

/// Payload types that need no `rtpmap`. Spec: RFC 3551 §6
const STATIC: [(u8, &str); 7] = [
    (0, "PCMU"),
    (3, "GSM"),
    (4, "G723"),
    (8, "PCMA"),
    (9, "G722"),
    (13, "CN"),
    (18, "G729"),
];

/// One `m=` line and what belongs to it. Debug shows no attribute values: keys are among them.
///
/// Spec: RFC 8866 §5.14
#[derive(Clone, PartialEq, Eq)]
pub struct MediaDescription {
    /// `audio`, `video`, ...
    pub media: String,
    /// Port; 0 when the section is refused or not in use.
    pub port: u16,
    /// Number of ports, when it is written.
    pub port_count: Option<u16>,
    /// `RTP/AVP`, ...
    pub protocol: String,
    /// Payload types or other formats, preferred one first.
    pub formats: Vec<String>,
    /// `c=` lines.
    pub connections: Vec<Connection>,
    /// `a=` lines.
    pub attributes: Vec<Attribute>,
    /// `i=`, `b=`, `k=` and unknown lines.
    pub other: Vec<Line>,
}

impl MediaDescription {
    /// A section without attributes.
    pub fn new(media: impl Into<String>, port: u16, protocol: impl Into<String>) -> Self {
        Self {
            media: media.into(),
            port,
            port_count: None,
            protocol: protocol.into(),
            formats: Vec::new(),
            connections: Vec::new(),
            attributes: Vec::new(),
            other: Vec::new(),
        }
    }

    /// Value of the first attribute of that name; empty for one without value.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|attribute| attribute.name == name)?;
        Some(found.value.as_deref().unwrap_or_default())
    }

    /// Replaces the direction.
    pub fn set_direction(&mut self, direction: Direction) {
        self.attributes
            .retain(|attribute| !Direction::is_attribute(attribute));
        self.attributes.push(Attribute::flag(direction.name()));
    }

    /// What a payload type of this section means, by `rtpmap` or by the static table.
    pub fn rtpmap(&self, payload: u8) -> Option<RtpMap> {
        let written = self
            .values("rtpmap")
            .filter_map(rtpmap)
            .find(|map| map.payload == payload);
        written.or_else(|| {
            let (_, encoding) = STATIC.into_iter().find(|(known, _)| *known == payload)?;
            Some(RtpMap {
                payload,
                encoding: encoding.into(),
                clock_rate: 8000,
                channels: 1,
            })
        })
    }

    /// What the formats of this section mean, in their order; unknown ones are left out.
    pub fn rtpmaps(&self) -> impl Iterator<Item = RtpMap> {
        let payloads = self.formats.iter().filter_map(|format| format.parse::<u8>().ok());
        payloads.filter_map(|payload| self.rtpmap(payload))
    }

    /// Format parameters of a payload type.
    pub fn fmtp(&self, payload: u8) -> Option<&str> {
        self.values("fmtp").find_map(|value| {
            let (format, parameters) = value.split_once(' ')?;
            (format.parse() == Ok(payload)).then_some(parameters.trim())
        })
    }

    /// Packet length. Unit: milliseconds.
    pub fn ptime(&self) -> Option<u32> {
        self.attribute("ptime")?
            .trim()
            .parse()
            .ok()
            .filter(|ptime| *ptime > 0)
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self
            .attributes
            .iter()
            .filter(move |attribute| attribute.name == name);
        named.filter_map(|attribute| attribute.value.as_deref())
    }
}

/// `101 telephone-event/8000` or `96 L16/8000/2`
fn rtpmap(value: &str) -> Option<RtpMap> {
    let (payload, map) = value.split_once(' ')?;
    let mut parts = map.trim().split('/');
    Some(RtpMap {
        payload: payload.parse().ok().filter(|payload| *payload < 128)?,
        encoding: parts.next().filter(|encoding| !encoding.is_empty())?.to_owned(),
        clock_rate: parts.next()?.parse().ok()?,
        channels: parts.next().map_or(Some(1), |channels| channels.parse().ok())?,
    })
}

impl fmt::Debug for MediaDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaDescription")
            .field("media", &self.media)
            .field("port", &self.port)
            .field("protocol", &self.protocol)
            .field("formats", &self.formats)
            .field("attributes", &self.attributes)
            .finish_non_exhaustive()
    }
}

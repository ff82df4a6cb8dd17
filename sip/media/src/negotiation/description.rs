//! The few lines of a session description that an audio stream needs, borrowed from it.

use std::net::IpAddr;

use super::NegotiationError;

/// Longest description.
const MAX_LEN: usize = 65_536;
const MAX_MEDIA: usize = 32;
const MAX_FORMATS: usize = 64;
const MAX_MAPS: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

#[derive(Debug, Default)]
pub(super) struct Description<'a> {
    pub(super) address: Option<IpAddr>,
    pub(super) direction: Option<Direction>,
    pub(super) media: Vec<Media<'a>>,
}

#[derive(Debug)]
pub(super) struct Media<'a> {
    pub(super) kind: &'a str,
    pub(super) port: u16,
    pub(super) protocol: &'a str,
    pub(super) formats: Vec<&'a str>,
    pub(super) address: Option<IpAddr>,
    pub(super) direction: Option<Direction>,
    pub(super) mux: bool,
    pub(super) rtcp: Option<(u16, Option<IpAddr>)>,
    /// Payload type, encoding name, clock rate.
    maps: Vec<(u8, &'a str, u32)>,
}

impl Direction {
    pub(super) fn of(send: bool, receive: bool) -> Self {
        match (send, receive) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [
            Direction::SendRecv,
            Direction::SendOnly,
            Direction::RecvOnly,
            Direction::Inactive,
        ]
        .into_iter()
        .find(|direction| direction.name() == name)
    }

    pub(super) fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    pub(super) fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }
}

impl<'a> Description<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Result<Self, NegotiationError> {
        if text.len() > MAX_LEN {
            return Err(NegotiationError::Unreadable { line: 1 });
        }
        let mut description = Description::default();
        for (index, line) in text.split(|octet| *octet == b'\n').enumerate() {
            let bad = NegotiationError::Unreadable { line: index + 1 };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if index == 0 && line != b"v=0" {
                return Err(bad);
            }
            // Free text (s=, i=) may be in any encoding; what is read here is ASCII.
            let Ok(line) = std::str::from_utf8(line) else {
                continue;
            };
            if !line.is_empty() {
                let (kind, value) = line.split_once('=').ok_or(bad)?;
                description.take(kind, value).ok_or(bad)?;
            }
        }
        Ok(description)
    }

    fn take(&mut self, kind: &str, value: &'a str) -> Option<()> {
        match kind {
            "m" if self.media.len() == MAX_MEDIA => return None,
            "m" => self.media.push(Media::parse(value)?),
            "c" => {
                let address = connection(value);
                match self.media.last_mut() {
                    Some(media) => media.address = address,
                    None => self.address = address,
                }
            }
            "a" => match self.media.last_mut() {
                Some(media) => media.take_attribute(value),
                None => self.direction = Direction::from_name(value).or(self.direction),
            },
            _ => {}
        }
        Some(())
    }
}

impl<'a> Media<'a> {
    fn parse(value: &'a str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let (kind, port, protocol) = (words.next()?, words.next()?, words.next()?);
        // A number of ports may follow; the first pair is ours.
        let port = port.split('/').next()?.parse().ok()?;
        Some(Media {
            kind,
            port,
            protocol,
            formats: words.take(MAX_FORMATS).collect(),
            address: None,
            direction: None,
            mux: false,
            rtcp: None,
            maps: Vec::new(),
        })
    }

    /// An attribute that cannot be read is as if it were not there.
    fn take_attribute(&mut self, attribute: &'a str) {
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "rtpmap" if self.maps.len() < MAX_MAPS => self.maps.extend(rtpmap(value)),
            "rtcp-mux" => self.mux = true,
            "rtcp" => {
                let (port, rest) = value.split_once(' ').unwrap_or((value, ""));
                self.rtcp = port.parse().ok().map(|port| (port, connection(rest)));
            }
            _ => self.direction = Direction::from_name(name).or(self.direction),
        }
    }

    /// Payload type and encoding name of a format with 8 kHz; static types need no map.
    pub(super) fn codec(&self, format: &str) -> Option<(u8, &'a str)> {
        let payload_type: u8 = format.parse().ok().filter(|payload_type| *payload_type < 128)?;
        let mapped = self.maps.iter().find(|(mapped, ..)| *mapped == payload_type);
        match (mapped, payload_type) {
            (Some((_, name, 8_000)), _) => Some((payload_type, name)),
            (Some(_), _) => None,
            (None, 0) => Some((0, "PCMU")),
            (None, 8) => Some((8, "PCMA")),
            _ => None,
        }
    }
}

fn rtpmap(value: &str) -> Option<(u8, &str, u32)> {
    let (payload_type, encoding) = value.split_once(' ')?;
    let mut parts = encoding.trim().split('/');
    let (name, rate) = (parts.next()?, parts.next()?.parse().ok()?);
    let mono = parts.next().is_none_or(|channels| channels == "1");
    mono.then_some((payload_type.parse().ok()?, name, rate))
}

/// The address of `IN IP4 192.0.2.1/127`; `None` for a host name.
fn connection(value: &str) -> Option<IpAddr> {
    let mut words = value.split_ascii_whitespace();
    let (network, _family, address) = (words.next()?, words.next()?, words.next()?);
    (network == "IN")
        .then(|| address.split('/').next()?.parse().ok())
        .flatten()
}

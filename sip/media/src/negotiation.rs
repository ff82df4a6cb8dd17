//! Offer and answer of one audio stream: G.711 and telephone events.
//!
//! [`Negotiator`] makes the descriptions of one endpoint and reads those of its peer, on top of [`sip::sdp`]. It answers
//! with the one law the peer prefers of those we have, with the peer's payload types.
//!
//! Spec: RFC 3264 §5, §6, §8; RFC 4733 §2.4; RFC 3605 (`rtcp`); RFC 5761 §5.1 (`rtcp-mux`)

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use sip::media::RefusalKind;
use sip::sdp::{
    Attribute, Capabilities, Codec, Connection, Direction, MediaDescription, SdpError, SessionDescription,
};
use thiserror::Error;

use crate::g711::Law;
use crate::stream::Agreed;

const RATE: u32 = crate::audio::SAMPLE_RATE;
const EVENT: &str = "telephone-event";
const MUX: &str = "rtcp-mux";

/// Why a description cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NegotiationError {
    /// Not a session description, or beyond its limits.
    #[error("unreadable session description: {0}")]
    Unreadable(#[from] SdpError),
    /// No audio over plain RTP, or the peer refused it.
    #[error("no audio stream over rtp in the session description")]
    NoAudio,
    /// Neither of the laws we have.
    #[error("no codec in common; PCMA and PCMU at 8000 Hz are supported")]
    NoCommonCodec,
    /// The peer names no address, or a host name.
    #[error("no ip address for the audio stream")]
    NoAddress,
}

impl NegotiationError {
    /// How a media server reports it.
    #[must_use]
    pub const fn refusal_kind(self) -> RefusalKind {
        match self {
            Self::NoAudio | Self::NoCommonCodec => RefusalKind::NoCommonMedia,
            Self::Unreadable(_) | Self::NoAddress => RefusalKind::BadDescription,
        }
    }
}

/// Makes and reads the descriptions of one endpoint.
#[derive(Debug, Clone)]
pub struct Negotiator {
    local: SocketAddr,
    laws: Vec<Law>,
    session: u64,
    version: u64,
    hold: bool,
}

/// What of a peer's description we use.
struct Choice {
    index: usize,
    law: Law,
    payload_type: u8,
    event_type: Option<u8>,
}

impl Negotiator {
    /// An endpoint that takes RTP at `local`; `laws` by preference, empty means A-law, then µ-law. `session` names the
    /// description's origin and should be random.
    pub fn new(local: SocketAddr, laws: &[Law], session: u64) -> Self {
        let mut known = Vec::new();
        for law in if laws.is_empty() { &[Law::A, Law::Mu] } else { laws } {
            if !known.contains(law) {
                known.push(*law);
            }
        }
        // Some peers read the numbers of the origin as signed 64 or even 32 bits.
        Negotiator {
            local,
            laws: known,
            session: session >> 33,
            version: 0,
            hold: false,
        }
    }

    /// Whether the descriptions to come put the peer on hold.
    pub fn set_hold(&mut self, hold: bool) {
        self.hold = hold;
    }

    /// Our offer; a later one has the next version.
    pub fn offer(&mut self) -> Bytes {
        let mut offer = sip::sdp::offer(&self.capabilities(&self.laws));
        if let Some(media) = offer.media.first_mut() {
            media.attributes.push(Attribute::flag(MUX));
        }
        self.print(offer)
    }

    /// Answers a peer's offer: the first one or a later one. Media other than the audio taken is refused in its place.
    ///
    /// # Errors
    /// [`NegotiationError`]: nothing is agreed, and what was before stays.
    pub fn answer(&mut self, offer: &[u8]) -> Result<(Bytes, Agreed), NegotiationError> {
        let offer = SessionDescription::parse(offer)?;
        let choice = self.choose(&offer)?;
        let agreed = self.agreed(&offer, &choice)?;
        let mut answer = sip::sdp::answer(&offer, &self.capabilities(&[choice.law]))
            .map_err(|_| NegotiationError::NoCommonCodec)?;
        if let Some(media) = answer.media.get_mut(choice.index) {
            media.set_direction(Direction::new(agreed.send, agreed.receive));
            if agreed.mux {
                media.attributes.push(Attribute::flag(MUX));
            }
        }
        Ok((self.print(answer), agreed))
    }

    /// Reads the answer to our offer, or the peer's changed description.
    ///
    /// # Errors
    /// [`NegotiationError`]: what was agreed before stays.
    pub fn take_answer(&self, answer: &[u8]) -> Result<Agreed, NegotiationError> {
        let answer = SessionDescription::parse(answer)?;
        let choice = self.choose(&answer)?;
        self.agreed(&answer, &choice)
    }

    fn capabilities(&self, laws: &[Law]) -> Capabilities {
        let mut own = Capabilities::g711(self.local, self.session);
        own.codecs = laws
            .iter()
            .map(|law| match law {
                Law::Mu => Codec::pcmu(),
                Law::A => Codec::pcma(),
            })
            .collect();
        own.codecs.push(Codec::telephone_event());
        own.direction = if self.hold {
            Direction::SendOnly
        } else {
            Direction::SendRecv
        };
        own
    }

    fn print(&mut self, mut description: SessionDescription) -> Bytes {
        self.version += 1;
        description.origin.version = self.version;
        description.to_string().into()
    }

    /// The first audio stream with a law in common; the law that the peer names first.
    fn choose(&self, description: &SessionDescription) -> Result<Choice, NegotiationError> {
        let mut error = NegotiationError::NoAudio;
        for (index, media) in description.media.iter().enumerate() {
            let plain = media.protocol.eq_ignore_ascii_case("RTP/AVP");
            if media.media != "audio" || media.port == 0 || !plain {
                continue;
            }
            let codecs = || {
                media
                    .rtpmaps()
                    .filter(|map| map.clock_rate == RATE && map.channels == 1)
            };
            let chosen = codecs().find_map(|map| {
                let law = Law::from_name(&map.encoding).filter(|law| self.laws.contains(law))?;
                Some((map.payload, law))
            });
            if let Some((payload_type, law)) = chosen {
                let event = codecs().find(|map| map.encoding.eq_ignore_ascii_case(EVENT));
                let event_type = event.map(|map| map.payload);
                return Ok(Choice {
                    index,
                    law,
                    payload_type,
                    event_type,
                });
            }
            error = NegotiationError::NoCommonCodec;
        }
        Err(error)
    }

    fn agreed(&self, description: &SessionDescription, choice: &Choice) -> Result<Agreed, NegotiationError> {
        let media = description
            .media
            .get(choice.index)
            .ok_or(NegotiationError::NoAudio)?;
        let connection = description.connection_of(choice.index);
        let address = connection
            .and_then(Connection::ip)
            .ok_or(NegotiationError::NoAddress)?;
        let rtp = SocketAddr::new(address, media.port);
        let mux = media.attribute(MUX).is_some();
        let rtcp = if mux { rtp } else { rtcp_address(media, address) };
        let direction = description.direction(choice.index);
        Ok(Agreed {
            rtp,
            rtcp,
            mux,
            law: choice.law,
            payload_type: choice.payload_type,
            event_type: choice.event_type,
            // The unspecified address is the old form of hold.
            send: direction.receives() && !address.is_unspecified(),
            receive: direction.sends() && !self.hold,
        })
    }
}

/// Where the peer takes RTCP: as its attribute says, else the next port.
fn rtcp_address(media: &MediaDescription, address: IpAddr) -> SocketAddr {
    let next = SocketAddr::new(address, media.port.saturating_add(1));
    let mut words = media
        .attribute("rtcp")
        .unwrap_or_default()
        .split_ascii_whitespace();
    let Some(port) = words.next().and_then(|port| port.parse().ok()) else {
        return next;
    };
    // Network and address type stand before the address.
    let named = words.nth(2).and_then(|host| host.parse().ok());
    SocketAddr::new(named.unwrap_or(address), port)
}

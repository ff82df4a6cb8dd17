//! Offer and answer of one audio stream: G.711 and telephone events.
//!
//! [`Negotiator`] makes the descriptions of one endpoint and reads those of its peer. It answers with the one law the
//! peer prefers of those we have, with the peer's payload types, and refuses all other media of an offer in their places.
//!
//! Spec: RFC 3264 §5, §6, §8; RFC 8866; RFC 4733 §2.4; RFC 3605 (`rtcp`); RFC 5761 §5.1 (`rtcp-mux`)

mod description;
#[cfg(test)]
mod tests;

use std::fmt::Write;
use std::net::SocketAddr;

use bytes::Bytes;
use thiserror::Error;

use crate::g711::Law;
use crate::stream::Agreed;
use description::{Description, Direction, Media};

/// Payload type of telephone events in our offers.
const EVENT_TYPE: u8 = 101;

/// Why a description cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NegotiationError {
    /// Not a session description; too long; or too many parts.
    #[error("unreadable session description at line {line}")]
    Unreadable {
        /// Line, from 1.
        line: usize,
    },
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
        let mut text = self.head();
        let formats: Vec<(u8, Law)> = self.laws.iter().map(|law| (law.payload_type(), *law)).collect();
        let port = self.local.port();
        let direction = if self.hold {
            Direction::SendOnly
        } else {
            Direction::SendRecv
        };
        audio(
            &mut text,
            port,
            "RTP/AVP",
            &formats,
            Some(EVENT_TYPE),
            direction,
            true,
        );
        text.into()
    }

    /// Answers a peer's offer: the first one or a later one.
    ///
    /// # Errors
    /// [`NegotiationError`]: nothing is agreed, and what was before stays.
    pub fn answer(&mut self, offer: &[u8]) -> Result<(Bytes, Agreed), NegotiationError> {
        let description = Description::parse(offer)?;
        let (index, media, choice) = self.choose(&description)?;
        let agreed = self.agreed(&description, media, &choice)?;
        let direction = Direction::of(agreed.send, agreed.receive);
        let mut text = self.head();
        for (at, other) in description.media.iter().enumerate() {
            if at == index {
                let formats = [(choice.payload_type, choice.law)];
                let port = self.local.port();
                audio(
                    &mut text,
                    port,
                    media.protocol,
                    &formats,
                    choice.event_type,
                    direction,
                    media.mux,
                );
            } else {
                let format = other.formats.first().copied().unwrap_or("0");
                // Writing to a string does not fail.
                let _ = write!(text, "m={} 0 {} {format}\r\n", other.kind, other.protocol);
            }
        }
        Ok((text.into(), agreed))
    }

    /// Reads the answer to our offer, or the peer's changed description.
    ///
    /// # Errors
    /// [`NegotiationError`]: what was agreed before stays.
    pub fn take_answer(&self, answer: &[u8]) -> Result<Agreed, NegotiationError> {
        let description = Description::parse(answer)?;
        let (_, media, choice) = self.choose(&description)?;
        self.agreed(&description, media, &choice)
    }

    fn head(&mut self) -> String {
        self.version += 1;
        let family = if self.local.is_ipv4() { "IP4" } else { "IP6" };
        let address = self.local.ip();
        format!(
            "v=0\r\no=- {} {} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n",
            self.session, self.version
        )
    }

    /// The first audio stream with a law in common; the law that the peer names first.
    fn choose<'a, 'b>(
        &self,
        description: &'b Description<'a>,
    ) -> Result<(usize, &'b Media<'a>, Choice), NegotiationError> {
        let mut error = NegotiationError::NoAudio;
        for (index, media) in description.media.iter().enumerate() {
            let plain = matches!(media.protocol, "RTP/AVP" | "RTP/AVPF");
            if media.kind != "audio" || media.port == 0 || !plain {
                continue;
            }
            let codecs = || media.formats.iter().filter_map(|format| media.codec(format));
            let chosen = codecs().find_map(|(payload_type, name)| {
                let law = Law::from_name(name).filter(|law| self.laws.contains(law))?;
                Some((payload_type, law))
            });
            let events = codecs().find(|(_, name)| name.eq_ignore_ascii_case("telephone-event"));
            if let Some((payload_type, law)) = chosen {
                let event_type = events.map(|(event_type, _)| event_type);
                return Ok((
                    index,
                    media,
                    Choice {
                        law,
                        payload_type,
                        event_type,
                    },
                ));
            }
            error = NegotiationError::NoCommonCodec;
        }
        Err(error)
    }

    fn agreed(
        &self,
        description: &Description<'_>,
        media: &Media<'_>,
        choice: &Choice,
    ) -> Result<Agreed, NegotiationError> {
        let address = media
            .address
            .or(description.address)
            .ok_or(NegotiationError::NoAddress)?;
        let rtp = SocketAddr::new(address, media.port);
        let rtcp = match media.rtcp {
            _ if media.mux => rtp,
            Some((port, host)) => SocketAddr::new(host.unwrap_or(address), port),
            None => SocketAddr::new(address, media.port.saturating_add(1)),
        };
        let direction = media
            .direction
            .or(description.direction)
            .unwrap_or(Direction::SendRecv);
        // The unspecified address is the old form of hold.
        let heard = direction.receives() && !address.is_unspecified();
        Ok(Agreed {
            rtp,
            rtcp,
            mux: media.mux,
            law: choice.law,
            payload_type: choice.payload_type,
            event_type: choice.event_type,
            send: heard,
            receive: direction.sends() && !self.hold,
        })
    }
}

fn audio(
    text: &mut String,
    port: u16,
    protocol: &str,
    formats: &[(u8, Law)],
    event_type: Option<u8>,
    direction: Direction,
    mux: bool,
) {
    // Writing to a string does not fail.
    let _ = write!(text, "m=audio {port} {protocol}");
    for payload_type in formats
        .iter()
        .map(|(payload_type, _)| *payload_type)
        .chain(event_type)
    {
        let _ = write!(text, " {payload_type}");
    }
    text.push_str("\r\n");
    for (payload_type, law) in formats {
        let _ = write!(text, "a=rtpmap:{payload_type} {}/8000\r\n", law.name());
    }
    if let Some(event_type) = event_type {
        let _ = write!(
            text,
            "a=rtpmap:{event_type} telephone-event/8000\r\na=fmtp:{event_type} 0-15\r\n"
        );
    }
    let _ = write!(text, "a=ptime:20\r\na={}\r\n", direction.name());
    if mux {
        text.push_str("a=rtcp-mux\r\n");
    }
}

//! Offer and answer for one audio stream.

use std::net::{IpAddr, SocketAddr};

use super::{Attribute, Connection, Direction, MediaDescription, RtpMap, SessionDescription};

/// One encoding that this side can send and receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// Payload type in an offer of ours; an answer takes the number of the offer.
    pub payload: u8,
    /// Name of the encoding.
    pub encoding: String,
    /// Unit: hertz.
    pub clock_rate: u32,
    /// Format parameters, if any.
    pub fmtp: Option<String>,
}

impl Codec {
    /// G.711 mu-law, payload type 0.
    pub fn pcmu() -> Self {
        Self {
            payload: 0,
            encoding: "PCMU".into(),
            clock_rate: 8000,
            fmtp: None,
        }
    }

    /// G.711 A-law, payload type 8.
    pub fn pcma() -> Self {
        Self {
            payload: 8,
            encoding: "PCMA".into(),
            clock_rate: 8000,
            fmtp: None,
        }
    }

    /// Digits 0 to 15 as RFC 4733 events, payload type 101.
    pub fn telephone_event() -> Self {
        Self {
            payload: 101,
            encoding: EVENT.into(),
            clock_rate: 8000,
            fmtp: Some("0-15".into()),
        }
    }

    fn is(&self, map: &RtpMap) -> bool {
        map.encoding.eq_ignore_ascii_case(&self.encoding)
            && map.clock_rate == self.clock_rate
            && map.channels == 1
    }

    fn is_event(&self) -> bool {
        self.encoding.eq_ignore_ascii_case(EVENT)
    }
}

const EVENT: &str = "telephone-event";

/// What this side offers or answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Where this side receives.
    pub address: SocketAddr,
    /// Number of the session, and its first version.
    pub session_id: u64,
    /// Encodings, preferred one first; telephone-event among them if wanted.
    pub codecs: Vec<Codec>,
    /// What this side wants to do.
    pub direction: Direction,
    /// Packet length to announce. Unit: milliseconds.
    pub ptime: Option<u32>,
}

impl Capabilities {
    /// PCMU, PCMA and telephone-event, both ways, 20 ms.
    pub fn g711(address: SocketAddr, session_id: u64) -> Self {
        Self {
            address,
            session_id,
            codecs: vec![Codec::pcmu(), Codec::pcma(), Codec::telephone_event()],
            direction: Direction::SendRecv,
            ptime: Some(20),
        }
    }
}

/// Why an offer cannot be answered; the request is refused with 488.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// No audio section in use, over RTP/AVP, with a codec that both have.
    #[error("no audio in common")]
    NothingInCommon,
}

/// The audio stream that a description describes, seen from its receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio {
    /// Number of the media section.
    pub index: usize,
    /// Where its writer receives; `None` when it is on hold with 0.0.0.0 or gives a name.
    pub remote: Option<SocketAddr>,
    /// Encodings in the writer's order, without telephone-event.
    pub codecs: Vec<RtpMap>,
    /// Payload type of telephone-event at 8,000 Hz, if it is there.
    pub telephone_event: Option<u8>,
    /// What the writer does.
    pub direction: Direction,
    /// Packet length that the writer wants. Unit: milliseconds.
    pub ptime: Option<u32>,
}

impl SessionDescription {
    /// The first audio section that is in use over RTP/AVP.
    pub fn audio(&self) -> Option<Audio> {
        let index = self.media.iter().position(is_audio)?;
        let media = &self.media[index];
        let ip = self
            .connection_of(index)
            .and_then(Connection::ip)
            .filter(|ip| !ip.is_unspecified());
        let (events, codecs): (Vec<_>, Vec<_>) = media
            .rtpmaps()
            .partition(|map| map.encoding.eq_ignore_ascii_case(EVENT));
        Some(Audio {
            index,
            remote: ip.map(|ip: IpAddr| SocketAddr::new(ip, media.port)),
            codecs,
            telephone_event: events
                .iter()
                .find(|event| event.clock_rate == 8000)
                .map(|event| event.payload),
            direction: self.direction(index),
            ptime: media.ptime(),
        })
    }
}

fn is_audio(media: &MediaDescription) -> bool {
    media.media == "audio" && media.port != 0 && media.protocol.eq_ignore_ascii_case("RTP/AVP")
}

/// An offer of one audio stream.
///
/// Spec: RFC 3264 §5
pub fn offer(own: &Capabilities) -> SessionDescription {
    let mut sdp = SessionDescription::new(own.address.ip(), own.session_id);
    let codecs = own.codecs.iter().map(|codec| (codec.payload, codec));
    sdp.media.push(section(own, codecs, own.direction, own.ptime));
    sdp
}

/// The answer to an offer: the first audio section with a common codec is taken, every other section is refused with
/// port 0. Codecs keep the order and the payload types of the offer.
///
/// # Errors
/// When no section can be taken.
///
/// Spec: RFC 3264 §6
pub fn answer(offer: &SessionDescription, own: &Capabilities) -> Result<SessionDescription, AnswerError> {
    let taken = offer
        .media
        .iter()
        .position(|media| is_audio(media) && common(media, own).is_some());
    let taken = taken.ok_or(AnswerError::NothingInCommon)?;
    let mut sdp = SessionDescription::new(own.address.ip(), own.session_id);
    sdp.times = offer
        .times
        .iter()
        .map(|time| super::Timing {
            repeats: Vec::new(),
            ..time.clone()
        })
        .collect();
    for (at, media) in offer.media.iter().enumerate() {
        let section = match common(media, own) {
            Some(codecs) if at == taken => {
                let direction = offer.direction(at).reversed().and(own.direction);
                section(own, codecs.into_iter(), direction, own.ptime.or(media.ptime()))
            }
            _ => refused(media),
        };
        sdp.media.push(section);
    }
    Ok(sdp)
}

/// Payload types of the offer with the codec of ours; `None` unless one of them carries sound.
fn common<'a>(media: &MediaDescription, own: &'a Capabilities) -> Option<Vec<(u8, &'a Codec)>> {
    let pairs = media.rtpmaps().filter_map(|map| {
        let codec = own.codecs.iter().find(|codec| codec.is(&map))?;
        Some((map.payload, codec))
    });
    let pairs: Vec<_> = pairs.collect();
    pairs.iter().any(|(_, codec)| !codec.is_event()).then_some(pairs)
}

fn refused(media: &MediaDescription) -> MediaDescription {
    let mut refused = MediaDescription::new(media.media.as_str(), 0, media.protocol.as_str());
    refused.formats.clone_from(&media.formats);
    refused
}

fn section<'a>(
    own: &Capabilities,
    codecs: impl Iterator<Item = (u8, &'a Codec)>,
    direction: Direction,
    ptime: Option<u32>,
) -> MediaDescription {
    let mut media = MediaDescription::new("audio", own.address.port(), "RTP/AVP");
    for (payload, codec) in codecs {
        media.formats.push(payload.to_string());
        let map = format!("{payload} {}/{}", codec.encoding, codec.clock_rate);
        media.attributes.push(Attribute::new("rtpmap", map));
        if let Some(fmtp) = &codec.fmtp {
            media
                .attributes
                .push(Attribute::new("fmtp", format!("{payload} {fmtp}")));
        }
    }
    if let Some(ptime) = ptime {
        media.attributes.push(Attribute::new("ptime", ptime.to_string()));
    }
    media.set_direction(direction);
    media
}

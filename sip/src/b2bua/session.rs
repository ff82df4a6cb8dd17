//! The descriptions of a leg's session: what its endpoint said, what it was told, and where that came from.

use bytes::Bytes;

use super::command::LegKey;
use crate::message::Message;
use crate::sdp::{Direction, MediaDescription, Origin, SessionDescription};

/// Which state of which leg's endpoint a description was made from.
type Source = (LegKey, u32);

/// Both sides of one leg's session.
#[derive(Default)]
pub(super) struct Session {
    /// What the endpoint said last when it did not hold.
    remote: Option<Bytes>,
    /// Counts the changes of `remote`.
    revision: u32,
    holding: bool,
    /// What the endpoint was told last, and agreed to.
    local: Option<Bytes>,
    local_from: Option<Source>,
    proposed: Option<(Bytes, Option<Source>)>,
    /// The `o=` line that the endpoint sees; it must not change with the source of the media.
    origin: Option<Origin>,
    /// Number of media lines shown so far; lines are never taken away.
    lines: Vec<MediaDescription>,
}

impl Session {
    /// Makes a description fit for this leg: one origin for the life of the dialog, with a version that counts
    /// changes, and as many media lines as before. It counts as agreed after [`Session::commit`]. `None`: it cannot
    /// be read.
    ///
    /// Spec: RFC 3264 §8
    pub(super) fn propose(&mut self, sdp: &Bytes, from: Option<Source>) -> Option<Bytes> {
        let mut description = SessionDescription::parse(sdp).ok()?;
        let origin = match &self.origin {
            Some(origin) => Origin {
                version: origin.version.wrapping_add(1),
                ..origin.clone()
            },
            None => Origin {
                username: "-".to_owned(),
                version: 1,
                ..description.origin.clone()
            },
        };
        for gone in self.lines.iter().skip(description.media.len()) {
            description.media.push(rejected(gone));
        }
        self.lines.clone_from(&description.media);
        self.origin = Some(origin.clone());
        description.origin = origin;
        let text = Bytes::from(description.to_string());
        self.proposed = Some((text.clone(), from));
        Some(text)
    }

    /// The endpoint agreed to what was proposed.
    pub(super) fn commit(&mut self) {
        if let Some((sdp, from)) = self.proposed.take() {
            self.local = Some(sdp);
            self.local_from = from;
        }
    }

    /// The endpoint refused what was proposed.
    pub(super) fn discard(&mut self) {
        self.proposed = None;
    }

    /// Keeps what the endpoint said.
    pub(super) fn store_remote(&mut self, sdp: &Bytes) {
        self.holding = is_hold(sdp);
        match &self.remote {
            Some(_) if self.holding => {}
            // An answer that takes less of what was offered does not take it back for later offers.
            Some(before) if is_same_media(sdp, before) => {}
            _ => {
                self.remote = Some(sdp.clone());
                self.revision = self.revision.wrapping_add(1);
            }
        }
    }

    pub(super) fn remote(&self) -> Option<Bytes> {
        self.remote.clone()
    }

    pub(super) const fn revision(&self) -> u32 {
        self.revision
    }

    pub(super) fn local(&self) -> Option<Bytes> {
        self.local.clone()
    }

    /// Whether the endpoint never said anything that can be used.
    pub(super) const fn is_void(&self) -> bool {
        self.remote.is_none()
    }

    /// Whether the endpoint's last description holds.
    pub(super) const fn is_peer_holding(&self) -> bool {
        self.holding
    }

    /// The endpoint's description as an offer to somebody else.
    pub(super) fn active_offer(&self) -> Option<Bytes> {
        with_direction(self.remote.as_ref()?, Direction::SendRecv)
    }

    /// Whether this endpoint's description is the answer to what that leg's endpoint says now.
    pub(super) fn answers(&self, peer: LegKey, other: &Self) -> bool {
        self.remote.is_some() && !self.holding && self.local_from == Some((peer, other.revision))
    }
}

/// The session description in a request.
pub(super) fn body_of(request: &Message) -> Option<Bytes> {
    let body = request.body();
    (!body.is_empty() && request.is_content_type("application/sdp")).then(|| body.clone())
}

pub(super) fn is_readable(sdp: &Bytes) -> bool {
    SessionDescription::parse(sdp).is_ok()
}

/// Whether there is audio that is not refused.
pub(super) fn is_usable(sdp: &Bytes) -> bool {
    SessionDescription::parse(sdp).is_ok_and(|description| description.media.iter().any(is_active_audio))
}

fn is_active_audio(media: &MediaDescription) -> bool {
    media.media == "audio" && media.port != 0
}

fn rejected(media: &MediaDescription) -> MediaDescription {
    let mut media = media.clone();
    media.port = 0;
    media.attributes.clear();
    media
}

/// Whether the endpoint does not want to hear.
pub(super) fn is_hold(sdp: &Bytes) -> bool {
    SessionDescription::parse(sdp).is_ok_and(|description| description.is_hold())
}

fn address_of(description: &SessionDescription, media: usize) -> Option<&str> {
    description
        .connection_of(media)
        .map(|connection| connection.address.as_str())
}

/// The description with another direction of all its media.
pub(super) fn with_direction(sdp: &Bytes, direction: Direction) -> Option<Bytes> {
    let mut description = SessionDescription::parse(sdp).ok()?;
    description.set_direction(direction);
    Some(Bytes::from(description.to_string()))
}

/// Whether `new` names the same media as `known`: the same places, and no format that is not in `known`.
pub(super) fn is_same_media(new: &Bytes, known: &Bytes) -> bool {
    let (Ok(new), Ok(known)) = (SessionDescription::parse(new), SessionDescription::parse(known)) else {
        return false;
    };
    let same = |(at, (a, b)): (usize, (&MediaDescription, &MediaDescription))| {
        a.media == b.media
            && a.port == b.port
            && a.protocol == b.protocol
            && (a.port == 0 || address_of(&new, at) == address_of(&known, at))
            && a.formats
                .iter()
                .all(|format| b.formats.contains(format) && codec(a, format) == codec(b, format))
    };
    new.media.len() == known.media.len() && new.media.iter().zip(&known.media).enumerate().all(same)
}

/// Encoding name and clock rate of a format, which mean the same in every description.
fn codec(media: &MediaDescription, format: &str) -> String {
    match format.parse().ok().and_then(|payload| media.rtpmap(payload)) {
        Some(map) => format!("{}/{}", map.encoding.to_ascii_uppercase(), map.clock_rate),
        None => format.to_owned(),
    }
}

/// Makes an answer to an offer from another description: the offer's media lines in their order, each with the
/// formats that both have, or refused. `None`: there is no audio in common.
///
/// Spec: RFC 3264 §6
pub(super) fn restrict(sdp: &Bytes, offer: &Bytes) -> Option<Bytes> {
    let mut description = SessionDescription::parse(sdp).ok()?;
    let offer = SessionDescription::parse(offer).ok()?;
    let mut mine = std::mem::take(&mut description.media);
    for wanted in &offer.media {
        let at = mine.iter().position(|media| media.media == wanted.media);
        let media = at
            .map(|at| mine.remove(at))
            .and_then(|media| common(media, wanted));
        description.media.push(media.unwrap_or_else(|| rejected(wanted)));
    }
    description
        .media
        .iter()
        .any(is_active_audio)
        .then(|| Bytes::from(description.to_string()))
}

fn common(mut media: MediaDescription, wanted: &MediaDescription) -> Option<MediaDescription> {
    let theirs: Vec<String> = wanted
        .formats
        .iter()
        .map(|format| codec(wanted, format))
        .collect();
    let kept: Vec<String> = media
        .formats
        .iter()
        .filter(|format| theirs.contains(&codec(&media, format)))
        .cloned()
        .collect();
    let speech = kept
        .iter()
        .any(|format| !codec(&media, format).starts_with("TELEPHONE-EVENT"));
    if !speech || media.port == 0 || wanted.port == 0 || media.protocol != wanted.protocol {
        return None;
    }
    media.attributes.retain(|attribute| {
        let of_format = matches!(attribute.name.as_str(), "rtpmap" | "fmtp" | "rtcp-fb");
        let format = attribute
            .value
            .as_deref()
            .and_then(|value| value.split(' ').next())
            .unwrap_or_default();
        !of_format || kept.iter().any(|kept| kept == format)
    });
    media.formats = kept;
    Some(media)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sdp(address: &str, port: u16, formats: &str, more: &str) -> Bytes {
        Bytes::from(format!(
            "v=0\r\no=x 9 9 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP {formats}\r\na=rtpmap:101 telephone-event/8000\r\n{more}"
        ))
    }

    fn text(sdp: Option<Bytes>) -> String {
        String::from_utf8(sdp.unwrap().to_vec()).unwrap()
    }

    /// Spec: RFC 3264 §8
    #[test]
    fn an_endpoint_sees_one_origin_whose_version_counts() {
        let mut session = Session::default();
        let first = text(session.propose(&sdp("192.0.2.1", 4000, "0 101", ""), None));
        let second = text(session.propose(&sdp("192.0.2.2", 5000, "0 101", ""), None));
        assert!(first.contains("o=- 9 1 IN IP4 192.0.2.1\r\n"), "{first}");
        assert!(second.contains("o=- 9 2 IN IP4 192.0.2.1\r\n"), "{second}");
        assert!(second.contains("c=IN IP4 192.0.2.2\r\n"), "{second}");
    }

    /// Spec: RFC 3264 §8
    #[test]
    fn media_lines_are_refused_but_never_taken_away() {
        let mut session = Session::default();
        let video = sdp(
            "192.0.2.1",
            4000,
            "0 101",
            "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
        );
        session.propose(&video, None).unwrap();
        let next = text(session.propose(&sdp("192.0.2.2", 5000, "0 101", ""), None));
        assert!(next.contains("m=video 0 RTP/AVP 96\r\n"), "{next}");
    }

    /// Spec: RFC 3264 §8.4
    #[test]
    fn hold_is_seen_in_all_its_forms() {
        assert!(is_hold(&sdp("192.0.2.1", 4000, "0", "a=sendonly\r\n")));
        assert!(is_hold(&sdp("192.0.2.1", 4000, "0", "a=inactive\r\n")));
        assert!(is_hold(&sdp("0.0.0.0", 4000, "0", "")));
        assert!(!is_hold(&sdp("192.0.2.1", 4000, "0", "a=recvonly\r\n")));
        assert!(!is_hold(&sdp("192.0.2.1", 4000, "0", "")));
    }

    /// Spec: RFC 3264 §6
    #[test]
    fn an_answer_made_from_another_description_keeps_what_both_have() {
        let offer = sdp(
            "192.0.2.1",
            4000,
            "8 0 101",
            "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
        );
        let answer = text(restrict(&sdp("192.0.2.2", 5000, "9 0 101", ""), &offer));
        assert!(answer.contains("m=audio 5000 RTP/AVP 0 101\r\n"), "{answer}");
        assert!(answer.contains("m=video 0 RTP/AVP 96\r\n"), "{answer}");
        assert_eq!(restrict(&sdp("192.0.2.2", 5000, "9 101", ""), &offer), None);
    }

    #[test]
    fn less_of_the_same_is_the_same_media_and_another_place_is_not() {
        let known = sdp("192.0.2.1", 4000, "0 8 101", "");
        assert!(is_same_media(&sdp("192.0.2.1", 4000, "8 101", ""), &known));
        assert!(!is_same_media(&known, &sdp("192.0.2.1", 4000, "8 101", "")));
        assert!(!is_same_media(&sdp("192.0.2.1", 4002, "8", ""), &known));
        assert!(!is_same_media(&sdp("192.0.2.9", 4000, "8", ""), &known));
    }

    #[test]
    fn a_holding_endpoint_keeps_its_last_active_description() {
        let mut session = Session::default();
        let active = sdp("192.0.2.1", 4000, "0", "");
        session.store_remote(&active);
        let revision = session.revision();
        session.store_remote(&sdp("0.0.0.0", 4000, "0", "a=inactive\r\n"));
        assert!(session.is_peer_holding());
        assert_eq!((session.remote(), session.revision()), (Some(active), revision));
    }
}

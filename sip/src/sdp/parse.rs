//! From text to a description.

use super::{Attribute, Connection, Line, MediaDescription, Origin, SessionDescription, Timing};

/// Text that is no session description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} in line {line}")]
pub struct SdpError {
    /// Number of the line, from 1.
    pub line: usize,
    /// What should have been there.
    pub expected: &'static str,
}

const MOST_OCTETS: usize = 64 * 1024;
const MOST_LINES: usize = 2000;
const MOST_MEDIA: usize = 64;

/// What is known while reading.
#[derive(Default)]
struct Reader {
    origin: Option<Origin>,
    session_name: Option<String>,
    connection: Option<Connection>,
    times: Vec<Timing>,
    attributes: Vec<Attribute>,
    other: Vec<Line>,
    media: Vec<MediaDescription>,
}

pub(super) fn parse(text: &[u8]) -> Result<SessionDescription, SdpError> {
    let error = |line, expected| SdpError { line, expected };
    if text.len() > MOST_OCTETS {
        return Err(error(1, "at most 65536 octets"));
    }
    let text = std::str::from_utf8(text).map_err(|wrong| {
        let before = text.get(..wrong.valid_up_to()).unwrap_or_default();
        error(1 + memchr::memchr_iter(b'\n', before).count(), "utf-8")
    })?;
    let mut reader = Reader::default();
    let mut count = 0;
    for (at, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        count = at + 1;
        // An empty line at the end does no harm; anything behind one is not looked at.
        if line.is_empty() && at > 0 {
            break;
        }
        if count > MOST_LINES {
            return Err(error(count, "at most 2000 lines"));
        }
        let (kind, value) = line.split_once('=').ok_or(error(count, "a letter and `=`"))?;
        let kind = match kind.as_bytes() {
            [letter] if letter.is_ascii_alphabetic() => char::from(*letter),
            _ => return Err(error(count, "a letter and `=`")),
        };
        if (at == 0) != (kind == 'v') || (at == 0 && value.trim() != "0") {
            return Err(error(count, "`v=0` in the first line only"));
        }
        if value.contains(['\r', '\0']) {
            return Err(error(count, "text without control characters"));
        }
        reader
            .line(kind, value)
            .map_err(|expected| error(count, expected))?;
    }
    reader.finish().map_err(|expected| error(count, expected))
}

impl Reader {
    fn line(&mut self, kind: char, value: &str) -> Result<(), &'static str> {
        let full = self.media.len() == MOST_MEDIA;
        match (kind, self.media.last_mut()) {
            ('v', _) => {}
            ('m', _) if full => return Err("at most 64 media"),
            ('m', _) => self.media.push(media(value).ok_or("a media line")?),
            ('o' | 's' | 't' | 'r', Some(_)) => return Err("no session line in a media section"),
            ('o', None) if self.origin.is_some() => return Err("one origin"),
            ('o', None) => self.origin = Some(origin(value).ok_or("an origin")?),
            ('s', None) if self.session_name.is_some() => return Err("one session name"),
            ('s', None) => self.session_name = Some(value.to_owned()),
            ('t', None) => self.times.push(timing(value).ok_or("a start and a stop time")?),
            ('r', None) => {
                let timing = self.times.last_mut().ok_or("a time before its repetition")?;
                timing.repeats.push(value.to_owned());
            }
            ('c', Some(media)) => media
                .connections
                .push(connection(value).ok_or("connection data")?),
            ('c', None) if self.connection.is_some() => return Err("one connection of the session"),
            ('c', None) => self.connection = Some(connection(value).ok_or("connection data")?),
            ('a', Some(media)) => media.attributes.push(attribute(value)),
            ('a', None) => self.attributes.push(attribute(value)),
            (kind, Some(media)) => media.other.push(Line {
                kind,
                value: value.to_owned(),
            }),
            (kind, None) => self.other.push(Line {
                kind,
                value: value.to_owned(),
            }),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<SessionDescription, &'static str> {
        // Some senders leave out the lines that say nothing.
        if self.times.is_empty() {
            self.times.push(Timing::default());
        }
        super::print::sort(&mut self.other);
        for media in &mut self.media {
            super::print::sort(&mut media.other);
        }
        Ok(SessionDescription {
            origin: self.origin.ok_or("an origin before the end")?,
            session_name: self.session_name.unwrap_or_else(|| "-".to_owned()),
            connection: self.connection,
            times: self.times,
            attributes: self.attributes,
            other: self.other,
            media: self.media,
        })
    }
}

fn origin(value: &str) -> Option<Origin> {
    let mut parts = value.split_ascii_whitespace();
    let origin = Origin {
        username: parts.next()?.to_owned(),
        session_id: number(parts.next()?)?,
        version: number(parts.next()?)?,
        address: connection_of(&mut parts)?,
    };
    parts.next().is_none().then_some(origin)
}

fn connection(value: &str) -> Option<Connection> {
    let mut parts = value.split_ascii_whitespace();
    let connection = connection_of(&mut parts)?;
    parts.next().is_none().then_some(connection)
}

fn connection_of<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Connection> {
    Some(Connection {
        network: parts.next()?.to_owned(),
        address_type: parts.next()?.to_owned(),
        address: parts.next()?.to_owned(),
    })
}

fn timing(value: &str) -> Option<Timing> {
    let mut parts = value.split_ascii_whitespace();
    let timing = Timing {
        start: number(parts.next()?)?,
        stop: number(parts.next()?)?,
        repeats: Vec::new(),
    };
    parts.next().is_none().then_some(timing)
}

fn attribute(value: &str) -> Attribute {
    match value.split_once(':') {
        Some((name, value)) => Attribute::new(name, value),
        None => Attribute::flag(value),
    }
}

fn media(value: &str) -> Option<MediaDescription> {
    let mut parts = value.split_ascii_whitespace();
    let kind = parts.next()?;
    let port = parts.next()?;
    let (port, count) = match port.split_once('/') {
        Some((port, count)) => (port, Some(u16::try_from(number(count)?).ok()?)),
        None => (port, None),
    };
    let mut media = MediaDescription::new(kind, u16::try_from(number(port)?).ok()?, parts.next()?);
    media.port_count = count;
    media.formats = parts.map(str::to_owned).collect();
    (!media.formats.is_empty()).then_some(media)
}

/// Digits only, no sign.
fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|octet| octet.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

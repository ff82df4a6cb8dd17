//! From a description to text.

use std::fmt::{self, Write as _};

use super::{Attribute, Connection, Line, MediaDescription, SessionDescription};

/// Order of lines that are kept as they are. Spec: RFC 8866 §5
const ORDER: &str = "iuepbzk";

/// Puts lines in the order of the format, unknown ones last.
pub(super) fn sort(lines: &mut [Line]) {
    lines.sort_by_key(|line| rank(line.kind));
}

fn rank(kind: char) -> usize {
    ORDER.find(kind).unwrap_or(ORDER.len())
}

/// Line ends in what was put in by hand become spaces: no value can add a line.
struct Clean<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Clean<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut parts = text.split(['\r', '\n', '\0']);
        self.0.write_str(parts.next().unwrap_or_default())?;
        parts.try_for_each(|part| write!(self.0, " {part}"))
    }
}

fn line(f: &mut fmt::Formatter<'_>, kind: char, value: fmt::Arguments<'_>) -> fmt::Result {
    let mut clean = Clean(f);
    write!(clean, "{kind}={value}")?;
    f.write_str("\r\n")
}

fn connection(f: &mut fmt::Formatter<'_>, value: &Connection) -> fmt::Result {
    line(
        f,
        'c',
        format_args!("{} {} {}", value.network, value.address_type, value.address),
    )
}

fn attributes(f: &mut fmt::Formatter<'_>, attributes: &[Attribute]) -> fmt::Result {
    attributes
        .iter()
        .try_for_each(|attribute| match &attribute.value {
            Some(value) => line(f, 'a', format_args!("{}:{value}", attribute.name)),
            None => line(f, 'a', format_args!("{}", attribute.name)),
        })
}

/// Lines whose place is between two of the order.
fn others(f: &mut fmt::Formatter<'_>, lines: &[Line], from: usize, to: usize) -> fmt::Result {
    let mut wanted = lines.iter().filter(|line| (from..to).contains(&rank(line.kind)));
    wanted.try_for_each(|other| line(f, other.kind, format_args!("{}", other.value)))
}

impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = &self.origin;
        let address = &origin.address;
        f.write_str("v=0\r\n")?;
        line(
            f,
            'o',
            format_args!(
                "{} {} {} {} {} {}",
                origin.username,
                origin.session_id,
                origin.version,
                address.network,
                address.address_type,
                address.address
            ),
        )?;
        line(f, 's', format_args!("{}", self.session_name))?;
        others(f, &self.other, 0, rank('b'))?;
        self.connection
            .iter()
            .try_for_each(|value| connection(f, value))?;
        others(f, &self.other, rank('b'), rank('z'))?;
        for time in &self.times {
            line(f, 't', format_args!("{} {}", time.start, time.stop))?;
            time.repeats
                .iter()
                .try_for_each(|repeat| line(f, 'r', format_args!("{repeat}")))?;
        }
        others(f, &self.other, rank('z'), usize::MAX)?;
        attributes(f, &self.attributes)?;
        self.media.iter().try_for_each(|media| write!(f, "{media}"))
    }
}

impl fmt::Display for MediaDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self
            .port_count
            .map(|count| format!("/{count}"))
            .unwrap_or_default();
        let formats = self.formats.join(" ");
        line(
            f,
            'm',
            format_args!("{} {}{count} {} {formats}", self.media, self.port, self.protocol),
        )?;
        others(f, &self.other, 0, rank('b'))?;
        self.connections
            .iter()
            .try_for_each(|value| connection(f, value))?;
        others(f, &self.other, rank('b'), usize::MAX)?;
        attributes(f, &self.attributes)
    }
}

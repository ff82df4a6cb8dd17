//! Changes to the header fields and the body.

use std::sync::Arc;

use bytes::Bytes;

use super::Message;
use crate::header::scan::list_comma;
use crate::header::{HeaderName, Via};

impl Message {
    /// Adds a field behind all others. Line ends in the value become spaces, so a value cannot add a field.
    ///
    /// Content-Length is written by itself and needs no field.
    pub fn push_header(&mut self, name: &HeaderName, value: impl AsRef<[u8]>) {
        let at = self.table.entries.len();
        self.insert(at, name, value.as_ref());
    }

    /// Adds a field before the first of that name, or before all others when there is none: the place for Via and
    /// Record-Route.
    pub fn push_front_header(&mut self, name: &HeaderName, value: impl AsRef<[u8]>) {
        let at = self.entries_of(name).next().map_or(0, |(at, _)| at);
        self.insert(at, name, value.as_ref());
    }

    /// Replaces all fields of that name by one, in the place of the first; adds it at the end when there is none.
    pub fn set_header(&mut self, name: &HeaderName, value: impl AsRef<[u8]>) {
        let at = self.entries_of(name).next().map(|(at, _)| at);
        self.remove_header(name);
        let at = at.unwrap_or(self.table.entries.len());
        self.insert(at, name, value.as_ref());
    }

    /// Removes all fields of that name and says how many there were.
    pub fn remove_header(&mut self, name: &HeaderName) -> usize {
        let places: Vec<usize> = self.entries_of(name).map(|(at, _)| at).collect();
        if !places.is_empty() {
            let table = Arc::make_mut(&mut self.table);
            let mut at = 0;
            table.entries.retain(|_| {
                at += 1;
                places.binary_search(&(at - 1)).is_err()
            });
        }
        places.len()
    }

    /// Removes the first value of that name and gives it: one value of a comma list, not its whole line.
    ///
    /// This is how a proxy takes its Via from a response and a Route from a request. Octets that are not UTF-8 are
    /// replaced in what is given back.
    ///
    /// Spec: RFC 3261 §7.3.1, §16.7 (3)
    pub fn remove_first_value(&mut self, name: &HeaderName) -> Option<String> {
        self.change_first_value(name, None)
    }

    /// Replaces the first value of that name and gives the old one; `None`, and no change, when there is none.
    pub fn replace_first_value(&mut self, name: &HeaderName, value: impl AsRef<[u8]>) -> Option<String> {
        self.change_first_value(name, Some(value.as_ref()))
    }

    /// Replaces the topmost Via: for `received` and `rport` ([`Via::with_source`]).
    pub fn set_top_via(&mut self, via: &Via) {
        self.replace_first_value(&HeaderName::VIA, via.as_str());
    }

    /// Gives To a tag, unless it has one or is malformed.
    pub fn set_to_tag(&mut self, tag: &str) {
        if let Ok(to) = self.to()
            && to.tag().is_none()
        {
            self.set_header(&HeaderName::TO, to.with_tag(tag).as_str());
        }
    }

    /// Puts a body and its Content-Type in the message.
    pub fn set_body(&mut self, content_type: &str, body: Bytes) {
        self.set_header(&HeaderName::CONTENT_TYPE, content_type);
        self.body = body;
    }

    /// Takes the body away, and the fields that describe it.
    pub fn clear_body(&mut self) {
        for name in [
            HeaderName::CONTENT_TYPE,
            HeaderName::CONTENT_ENCODING,
            HeaderName::CONTENT_LANGUAGE,
            HeaderName::CONTENT_DISPOSITION,
        ] {
            self.remove_header(&name);
        }
        self.body = Bytes::new();
    }

    fn insert(&mut self, at: usize, name: &HeaderName, value: &[u8]) {
        let table = Arc::make_mut(&mut self.table);
        let entry = table.write_line(name.as_str(), value);
        table.entries.insert(at, entry);
    }

    fn change_first_value(&mut self, name: &HeaderName, new: Option<&[u8]>) -> Option<String> {
        let (at, entry) = self.entries_of(name).next()?;
        let value = self.table.value(&self.buf, entry);
        let comma = if name.is_list() { list_comma(value) } else { None };
        let (old, rest) = value.split_at(comma.unwrap_or(value.len()));
        let (old, rest) = (
            String::from_utf8_lossy(old.trim_ascii()).into_owned(),
            rest.to_vec(),
        );
        let mut changed = new.map(<[u8]>::to_vec).unwrap_or_default();
        changed.extend_from_slice(if new.is_none() {
            rest.get(1..).unwrap_or_default()
        } else {
            &rest
        });
        let table = Arc::make_mut(&mut self.table);
        if new.is_none() && comma.is_none() {
            table.entries.remove(at);
        } else {
            table.entries[at] = table.write_line(name.as_str(), &changed);
        }
        Some(old)
    }
}

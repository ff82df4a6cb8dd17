//! Events and the matching of event descriptors.

use std::fmt;

use crate::value::Value;

/// Where an event came from, as scripts see it in `_event.type`.
///
/// Spec: SCXML §5.10.1
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EventKind {
    /// Raised by the platform itself: `error.*`, `done.*`.
    Platform,
    /// Raised by `<raise>` or sent to `#_internal`.
    Internal,
    /// Everything else.
    #[default]
    External,
}

impl EventKind {
    /// The word used in `_event.type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Internal => "internal",
            Self::External => "external",
        }
    }
}

/// One event as delivered to a session.
///
/// `Debug` shows neither data nor the raw message.
///
/// Spec: SCXML §5.10.1
#[derive(Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Event {
    /// Dot-separated name.
    pub name: String,
    /// Origin class.
    pub kind: EventKind,
    /// Id of the `<send>` that produced it, if its author gave one or if this reports its failure.
    pub send_id: Option<String>,
    /// Address to answer to.
    pub origin: Option<String>,
    /// I/O processor type to answer with.
    pub origin_type: Option<String>,
    /// Id of the invocation it came from.
    pub invoke_id: Option<String>,
    /// Payload.
    pub data: Value,
    /// The message as received from the wire, for processors that have one.
    pub raw: Option<String>,
}

impl Event {
    /// An external event without data.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// A platform event (`error.*`, `done.*`).
    #[must_use]
    pub fn platform(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: EventKind::Platform,
            ..Self::default()
        }
    }

    /// An internal event.
    #[must_use]
    pub fn internal(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: EventKind::Internal,
            ..Self::default()
        }
    }

    /// Sets the payload.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<Value>) -> Self {
        self.data = data.into();
        self
    }

    /// Sets the send id.
    #[must_use]
    pub fn with_send_id(mut self, send_id: impl Into<String>) -> Self {
        self.send_id = Some(send_id.into());
        self
    }

    /// Sets the address and processor type to answer to.
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>, origin_type: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self.origin_type = Some(origin_type.into());
        self
    }

    /// Sets the invocation id.
    #[must_use]
    pub fn with_invoke_id(mut self, invoke_id: impl Into<String>) -> Self {
        self.invoke_id = Some(invoke_id.into());
        self
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("send_id", &self.send_id)
            .field("invoke_id", &self.invoke_id)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

/// Whether `descriptor` matches an event called `name`.
///
/// Matching is by whole tokens: `foo` matches `foo` and `foo.bar` but not `foobar`. A trailing `.*` or `.` is ignored and
/// `*` matches everything.
///
/// Spec: SCXML §3.12.1
#[must_use]
pub fn descriptor_matches(descriptor: &str, name: &str) -> bool {
    if descriptor == "*" {
        return true;
    }
    let prefix = descriptor
        .strip_suffix(".*")
        .or_else(|| descriptor.strip_suffix('.'))
        .unwrap_or(descriptor);
    name.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: SCXML §3.12.1
    #[test]
    fn descriptors_match_by_whole_tokens() {
        for (descriptor, name, expected) in [
            ("foo", "foo", true),
            ("foo", "foo.bar", true),
            ("foo", "foobar", false),
            ("foo.bar", "foo", false),
            ("foo.*", "foo", true),
            ("foo.*", "foo.bar", true),
            ("foo.", "foo.bar", true),
            ("*", "anything.at.all", true),
            ("error", "error.execution", true),
            ("errors", "error.execution", false),
        ] {
            assert_eq!(
                descriptor_matches(descriptor, name),
                expected,
                "{descriptor} against {name}"
            );
        }
    }

    #[test]
    fn debug_output_shows_neither_data_nor_the_raw_message_nor_addresses() {
        let mut event = Event::new("e").with_data("secret").with_origin("sip:secret", "t");
        event.raw = Some("secret".to_owned());
        let shown = format!("{event:?}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

//! How the platform answers requests, and the events that sessions get for it.

use std::fmt;
use std::time::Duration;

use scxml::Value;

use crate::interaction::InteractionId;
use crate::request::Operation;

/// Success of a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Completion {
    /// Nothing more to tell: play, sound, stop, cancel, redirect, terminate.
    Done,
    /// Collected digits, possibly none: collect, play and collect. Personal data.
    Digits(Digits),
    /// A target: submit.
    Target(Target),
    /// Place in the queue: query.
    Position(QueuePosition),
}

/// Collected digits; `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct Digits(String);

/// The target of a submit.
///
/// Spec: ORS reference §4, queue.submit.done
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Target {
    /// The DN: `number@switch.DN`.
    pub selected: String,
    /// Virtual queue.
    pub queue: Option<String>,
    /// The agent: `name@server.A`.
    pub component: Option<String>,
    /// As asked, for example `?:sales>0@stat.GA`.
    pub object: String,
    /// Where to send the interaction.
    pub resource: Resource,
}

/// An address for `ixn:redirect`.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resource {
    /// Number.
    pub dn: String,
    /// Agent.
    pub agent: Option<String>,
}

/// Place of a submit in the queue.
///
/// Spec: ORS reference §4, queue.query.done
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuePosition {
    /// Priority.
    pub priority: i32,
    /// Place, from 1.
    pub position: u32,
    /// How long it waits.
    pub waited: Duration,
}

/// Failure of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The published code: `timeout`, `cancelled`, `invaliddestination`, `invalidstate.ringing`, `remote` ...
    pub code: String,
    /// A sentence for people; no personal data.
    pub description: String,
}

impl Completion {
    /// Digits as collected.
    pub fn digits(digits: impl Into<String>) -> Self {
        Self::Digits(Digits(digits.into()))
    }

    /// Whether this answers the operation.
    pub(crate) const fn fits(&self, operation: &Operation) -> bool {
        match operation {
            Operation::Submit(_) => matches!(self, Self::Target(_)),
            Operation::QuerySubmit { .. } => matches!(self, Self::Position(_)),
            Operation::Treat(treatment) if treatment.collects() => matches!(self, Self::Digits(_)),
            _ => matches!(self, Self::Done),
        }
    }

    /// Data of the done event.
    pub(crate) fn data(&self, request: &str, interaction: &InteractionId) -> Value {
        let data = Value::object()
            .with("requestid", request)
            .with("interactionid", interaction.as_str());
        match self {
            Self::Done => data,
            Self::Digits(digits) => data.with("digits", digits.0.as_str()),
            Self::Position(place) => data
                .with("priority", place.priority)
                .with("positioninqueue", place.position)
                .with("invqwaittime", place.waited.as_secs_f64().floor()),
            Self::Target(target) => data
                .with("targetselected", target.selected.as_str())
                .with("vqselected", target.queue.as_deref())
                .with("targetcomponentselected", target.component.as_deref())
                .with("targetobjectselected", target.object.as_str())
                .with("resource", target.resource.to_value()),
        }
    }
}

impl Digits {
    /// The digits.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Target {
    /// A target found: `object` as asked, `dn` to send the interaction to.
    pub fn new(object: impl Into<String>, dn: impl Into<String>, switch: &str) -> Self {
        let dn = dn.into();
        Self {
            selected: format!("{dn}@{switch}.DN"),
            object: object.into(),
            resource: Resource { dn, agent: None },
            ..Self::default()
        }
    }

    /// Names the agent, and the server that told of it.
    #[must_use]
    pub fn with_agent(mut self, agent: &str, server: &str) -> Self {
        self.component = Some(format!("{agent}@{server}.A"));
        self.resource.agent = Some(agent.to_owned());
        self
    }

    /// Names the virtual queue.
    #[must_use]
    pub fn with_queue(mut self, queue: Option<String>) -> Self {
        self.queue = queue;
        self
    }
}

impl QueuePosition {
    /// A place in a queue.
    pub const fn new(priority: i32, position: u32, waited: Duration) -> Self {
        Self {
            priority,
            position,
            waited,
        }
    }
}

impl Resource {
    fn to_value(&self) -> Value {
        Value::object()
            .with("dn", self.dn.as_str())
            .with("agent", self.agent.as_deref())
    }
}

impl Failure {
    /// A failure with a published code.
    pub fn new(code: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            description: description.into(),
        }
    }

    /// `timeout`.
    pub fn timeout() -> Self {
        Self::new("timeout", "time is over")
    }

    /// `cancelled`.
    pub fn cancelled() -> Self {
        Self::new("cancelled", "request was cancelled")
    }

    /// Data of the error event.
    pub(crate) fn data(&self, request: &str, interaction: Option<&InteractionId>) -> Value {
        Value::object()
            .with("requestid", request)
            .with("interactionid", interaction.map(InteractionId::as_str))
            .with("error", self.code.as_str())
            .with("description", self.description.as_str())
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource").finish_non_exhaustive()
    }
}

//! What a session asks of its surroundings.

use crate::event::Event;
use crate::value::Value;

/// One effect of a session, to be carried out by whoever drives it.
///
/// Outputs come in the order in which the document caused them. The session does not take its next external event
/// before all outputs of the current macrostep were fetched, so a failure reported at once
/// ([`Session::handle_send_failure`](crate::Session::handle_send_failure)) is seen before that event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// A custom action was executed.
    Action(Action),
    /// A message for somebody outside the session (all self-sends, internal sends and delays are handled inside).
    Send(SendRequest),
    /// An invocation is to be started.
    Invoke(InvokeRequest),
    /// An invocation is to be cancelled; nothing it still sends will be accepted.
    CancelInvoke {
        /// The invocation.
        invoke_id: String,
    },
    /// An event to be passed on to an invocation with `autoforward`.
    Forward {
        /// The invocation.
        invoke_id: String,
        /// The exact copy of the event.
        event: Event,
    },
    /// A `<log>` was executed.
    Log(LogRecord),
    /// The session has ended; no further output follows.
    Done(Done),
    /// A step of the algorithm, only with [`SessionConfig::trace`](crate::SessionConfig::trace).
    Trace(Trace),
}

/// An executed custom action, everything evaluated.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Action {
    /// Session-unique id, to be repeated as `requestid` in the answer; already stored at the `requestid` location.
    pub request_id: String,
    /// The element with its children.
    pub element: ActionElement,
}

impl Action {
    /// An action, for tests of action handlers.
    #[must_use]
    pub fn new(request_id: impl Into<String>, element: ActionElement) -> Self {
        Self {
            request_id: request_id.into(),
            element,
        }
    }
}

/// An element of a custom action with evaluated attributes.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct ActionElement {
    /// Namespace as written.
    pub namespace: String,
    /// Local name.
    pub name: String,
    /// Attributes in document order: expressions as their values, tokens as strings, locations as the location text.
    pub attributes: Vec<(String, Value)>,
    /// Values of `<param>` children in document order.
    pub params: Vec<(String, Value)>,
    /// Value of a `<content>` child.
    pub content: Option<Value>,
    /// Child elements in document order.
    pub children: Vec<ActionElement>,
    /// Text directly inside the element, surrounding white space removed.
    pub text: String,
}

impl ActionElement {
    /// An element without attributes or children, for tests of action handlers.
    #[must_use]
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            ..Self::default()
        }
    }

    /// The value of attribute `name`.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// The first child element called `name`.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|c| c.name == name)
    }
}

/// Addressee of a message that leaves the session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendTarget {
    /// The session that invoked this one (`#_parent`).
    Parent,
    /// An active invocation of this session (`#_<invokeid>`).
    Invoke(String),
    /// Another session (`#_scxml_<sessionid>`).
    Session(String),
    /// Anything else; meaning given by the I/O processor. `None`: no target was given.
    Address(Option<String>),
}

/// A message that leaves the session.
///
/// Spec: SCXML §6.2
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SendRequest {
    /// The send's id, generated if the author gave none; use it to report failure.
    pub send_id: String,
    /// I/O processor type as written, or the SCXML processor's URI.
    pub processor: String,
    /// Addressee.
    pub target: SendTarget,
    /// The event as the addressee shall receive it: name (may be empty for processors that allow it), origin, data.
    pub event: Event,
    /// `namelist` and `<param>` values, in that order, before they were merged into `event.data`.
    pub params: Vec<(String, Value)>,
    /// Value of `<content>`.
    pub content: Option<Value>,
}

/// Why a message could not be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendFailure {
    /// The address is legal but cannot be reached: `error.communication`.
    Communication,
    /// The request cannot be carried out at all: `error.execution`.
    Execution,
}

/// An invocation to be started.
///
/// Spec: SCXML §6.4
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct InvokeRequest {
    /// Id of the invocation, unique in the session.
    pub invoke_id: String,
    /// Kind of service as written; `None` means an SCXML session.
    pub service: Option<String>,
    /// Address of the document.
    pub src: Option<String>,
    /// Inline document or other content.
    pub content: Option<Value>,
    /// `namelist` and `<param>` values.
    pub params: Vec<(String, Value)>,
}

/// A `<log>`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LogRecord {
    /// Label, possibly empty.
    pub label: String,
    /// Value of the expression.
    pub value: Value,
    /// Level of the Ors dialect (1 reporting, 2 error, 3 warning, 4 debug).
    pub level: Option<i32>,
}

/// End of a session.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Done {
    /// Why it ended.
    pub reason: DoneReason,
    /// `<donedata>` of the top-level final state.
    pub data: Value,
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DoneReason {
    /// A top-level final state was entered; its id.
    Final(String),
    /// [`Session::cancel`](crate::Session::cancel) was called.
    Cancelled,
    /// A limit was exceeded.
    Limit(Limit),
}

/// A limit whose breach ends the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Too many microsteps in one macrostep.
    Microsteps,
    /// Too many macrosteps after one input.
    Macrosteps,
    /// Too many events waiting.
    PendingEvents,
    /// One state entered too often within one macrostep.
    StateEntries,
    /// Too many delayed sends waiting.
    Timers,
    /// A script used up its instruction budget or deadline.
    Script,
    /// A script used up its memory.
    Memory,
    /// Too much output caused by one macrostep.
    Outputs,
}

/// A step of the algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trace {
    /// An event was taken from a queue.
    Event {
        /// Its name.
        name: String,
    },
    /// A state was exited.
    Exited {
        /// Its id.
        state: String,
    },
    /// A transition was taken.
    Transition {
        /// Source state.
        source: String,
        /// Target states.
        targets: Vec<String>,
    },
    /// A state was entered.
    Entered {
        /// Its id.
        state: String,
    },
    /// A delayed send was scheduled.
    TimerSet {
        /// Its send id.
        send_id: String,
    },
    /// A delayed send became due.
    TimerFired {
        /// Its send id.
        send_id: String,
    },
    /// Delayed sends were cancelled.
    TimerCancelled {
        /// Their send id.
        send_id: String,
    },
    /// An evaluation failed. The message is what the language said; a script may have put data of the session into it.
    Error {
        /// Event raised.
        event: String,
        /// Line in the document.
        line: u32,
        /// What went wrong.
        message: String,
    },
}

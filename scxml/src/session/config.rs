//! How a session is set up.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::action::{ActionHandler, NoActions};
use crate::data_model::ScriptLimits;
use crate::document::LimitOverrides;
use crate::value::Value;

/// Limits of one session. Breach of any ends the session with [`DoneReason::Limit`](crate::DoneReason::Limit).
///
/// A document of the Ors dialect may set `_microStepLimit`, `_stateEntryLimit` and `_maxPendingEvents` (each 1 to 100,000)
/// for itself, which go before these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionLimits {
    /// Microsteps in one macrostep. Default 1,000.
    pub microsteps: usize,
    /// Macrosteps after one input, as a document that sends events to itself without delay causes. Default 10,000.
    pub macrosteps: usize,
    /// Events waiting in the internal and in the external queue, each. Default 100.
    pub pending_events: usize,
    /// Entries into one state within one macrostep. Default 100.
    pub state_entries: u32,
    /// Delayed sends waiting. Default 1,000.
    pub timers: usize,
    /// Outputs caused by one macrostep. Default 10,000.
    pub outputs: usize,
}

impl SessionLimits {
    /// Takes the limits that a document sets for itself.
    pub(super) fn apply(&mut self, overrides: LimitOverrides) {
        let size = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        if let Some(limit) = overrides.microsteps {
            self.microsteps = size(limit);
        }
        if let Some(limit) = overrides.pending_events {
            self.pending_events = size(limit);
        }
        if let Some(limit) = overrides.state_entries {
            self.state_entries = limit;
        }
    }
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            microsteps: 1_000,
            macrosteps: 10_000,
            pending_events: 100,
            state_entries: 100,
            timers: 1_000,
            outputs: 10_000,
        }
    }
}

/// Asked now and then while a script runs; `true` stops it.
pub type Interrupt = Rc<dyn Fn() -> bool>;

/// Whether a session of the given id can be reached.
pub type SessionLookup = Rc<dyn Fn(&str) -> bool>;

/// How a session is set up.
#[derive(Clone)]
#[non_exhaustive]
pub struct SessionConfig {
    /// The session's id, `_sessionid`; unique among the sessions that can reach each other.
    pub id: String,
    /// The custom elements understood; default none.
    pub actions: Arc<dyn ActionHandler>,
    /// Limits of the algorithm.
    pub limits: SessionLimits,
    /// Limits of scripts.
    pub script: ScriptLimits,
    /// Asked now and then while a script runs; `true` stops it and ends the session. Default none.
    pub interrupt: Option<Interrupt>,
    /// Whether a session of the given id can be reached. Default none: all are taken for reachable, and the driver
    /// reports failures afterwards.
    pub session_lookup: Option<SessionLookup>,
    /// Values that replace those of top-level data items of the same name.
    pub params: Vec<(String, Value)>,
    /// Id under which another session invoked this one; makes `#_parent` reachable.
    pub invoke_id: Option<String>,
    /// Further I/O processors: type (as in `<send type>`) and own address (`_ioprocessors[type].location`).
    pub io_processors: Vec<(String, String)>,
    /// Whether to emit [`Output::Trace`](crate::Output::Trace). Default no.
    pub trace: bool,
}

impl SessionConfig {
    /// A session with this id and all defaults.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            actions: Arc::new(NoActions),
            limits: SessionLimits::default(),
            script: ScriptLimits::default(),
            interrupt: None,
            session_lookup: None,
            params: Vec::new(),
            invoke_id: None,
            io_processors: Vec::new(),
            trace: false,
        }
    }

    /// Sets the custom elements understood.
    #[must_use]
    pub fn with_actions(mut self, actions: Arc<dyn ActionHandler>) -> Self {
        self.actions = actions;
        self
    }

    /// Sets the limits of the algorithm.
    #[must_use]
    pub const fn with_limits(mut self, limits: SessionLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the limits of scripts.
    #[must_use]
    pub const fn with_script_limits(mut self, script: ScriptLimits) -> Self {
        self.script = script;
        self
    }

    /// Sets the check that stops scripts.
    #[must_use]
    pub fn with_interrupt(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = Some(interrupt);
        self
    }

    /// Sets the check whether another session can be reached.
    #[must_use]
    pub fn with_session_lookup(mut self, lookup: SessionLookup) -> Self {
        self.session_lookup = Some(lookup);
        self
    }

    /// Sets the values that replace those of top-level data items.
    #[must_use]
    pub fn with_params(mut self, params: Vec<(String, Value)>) -> Self {
        self.params = params;
        self
    }

    /// Sets the id under which another session invoked this one.
    #[must_use]
    pub fn with_invoke_id(mut self, invoke_id: impl Into<String>) -> Self {
        self.invoke_id = Some(invoke_id.into());
        self
    }

    /// Adds an I/O processor.
    #[must_use]
    pub fn with_io_processor(mut self, processor: impl Into<String>, location: impl Into<String>) -> Self {
        self.io_processors.push((processor.into(), location.into()));
        self
    }

    /// Switches trace output.
    #[must_use]
    pub const fn with_trace(mut self, trace: bool) -> Self {
        self.trace = trace;
        self
    }
}

impl fmt::Debug for SessionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionConfig")
            .field("id", &self.id)
            .field("limits", &self.limits)
            .field("script", &self.script)
            .field("params", &self.params.len())
            .field("invoke_id", &self.invoke_id)
            .field("trace", &self.trace)
            .finish_non_exhaustive()
    }
}

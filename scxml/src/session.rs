//! One running document: the algorithm of the Recommendation without sockets, clocks or threads.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::data_model::{DataError, DataModel, NullDataModel};
use crate::document::{Document, StateId};
use crate::event::Event;
use crate::output::{Done, DoneReason, Limit, Output, SendFailure, SendRequest, Trace};
use crate::value::Value;

mod config;
mod exec;
mod invoke;
mod run;
mod select;
mod send;
mod set;
mod step;

pub use config::{Interrupt, SessionConfig, SessionLimits, SessionLookup};
use set::StateSet;

/// One running document.
///
/// The session is sans-IO: it never waits and reads no clock. Drive it so:
///
/// 1. [`Session::new`], register host functions and values with [`Session::data_mut`], then [`Session::start`];
/// 2. after every call drain [`Session::poll_output`] to `None`;
/// 3. call [`Session::handle_timeout`] when [`Session::poll_timeout`] is due, [`Session::handle_event`] when an event
///    comes in;
/// 4. stop at [`Output::Done`].
///
/// A session is not `Send`, because scripting engines are not: it lives on the thread that made it. A driver for many
/// sessions gives them threads of their own and talks to those.
pub struct Session {
    doc: Arc<Document>,
    config: SessionConfig,
    data: Box<dyn DataModel>,
    phase: Phase,
    now: Option<Instant>,
    active: StateSet,
    history: BTreeMap<StateId, Vec<StateId>>,
    entered_once: StateSet,
    to_invoke: StateSet,
    invocations: Vec<Invocation>,
    internal: VecDeque<Event>,
    external: VecDeque<Event>,
    timers: BTreeMap<(Instant, u64), Timer>,
    outputs: VecDeque<Output>,
    next_id: u64,
    /// Whether eventless transitions and internal events are exhausted.
    stable: bool,
    microsteps: usize,
    macrosteps: usize,
    entries: BTreeMap<StateId, u32>,
    outputs_in_step: usize,
    /// Set when the session must end.
    stop: Option<DoneReason>,
    done_data: Value,
    stats: SessionStats,
}

/// Plain counters of one session since its creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SessionStats {
    /// External events taken from the queue.
    pub external_events: u64,
    /// External events dropped because their invocation is not active.
    pub dropped_events: u64,
    /// Microsteps taken.
    pub microsteps: u64,
    /// Transitions taken.
    pub transitions: u64,
    /// `error.*` events raised by the session itself.
    pub errors: u64,
    /// Delayed messages sent.
    pub timers_fired: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Created,
    Running,
    Done,
}

/// An invocation that was started and has not ended.
struct Invocation {
    id: String,
    state: StateId,
    index: usize,
}

/// A delayed message.
struct Timer {
    route: send::Route,
    request: SendRequest,
}

/// Why a session could not be created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The document asks for a data model that is not built in.
    #[error("data model {name:?} is not available")]
    UnknownDataModel {
        /// The name asked for.
        name: String,
    },
    /// The data model could not be set up.
    #[error("data model could not be set up")]
    DataModel(#[source] DataError),
}

impl Session {
    /// Creates a session with the data model that the document asks for. Nothing runs before [`Session::start`].
    ///
    /// # Errors
    /// If the data model is unknown or cannot be set up.
    pub fn new(document: Arc<Document>, config: SessionConfig) -> Result<Self, SessionError> {
        let data: Box<dyn DataModel> = match document.data_model() {
            "null" => Box::new(NullDataModel::new()),
            #[cfg(feature = "ecmascript")]
            "ecmascript" => Box::new(
                crate::EcmaScript::new(crate::EcmaScriptConfig {
                    dialect: document.dialect(),
                    limits: config.script,
                    interrupt: config.interrupt.clone(),
                })
                .map_err(SessionError::DataModel)?,
            ),
            other => {
                return Err(SessionError::UnknownDataModel {
                    name: other.to_owned(),
                });
            }
        };
        Self::with_data_model(document, config, data)
    }

    /// Creates a session with a data model of the caller's.
    ///
    /// # Errors
    /// If the data model refuses the system variables.
    pub fn with_data_model(
        document: Arc<Document>,
        mut config: SessionConfig,
        data: Box<dyn DataModel>,
    ) -> Result<Self, SessionError> {
        config.limits.apply(document.limits);
        let states = document.states.len();
        let mut session = Self {
            doc: document,
            config,
            data,
            phase: Phase::Created,
            now: None,
            active: StateSet::new(states),
            history: BTreeMap::new(),
            entered_once: StateSet::new(states),
            to_invoke: StateSet::new(states),
            invocations: Vec::new(),
            internal: VecDeque::new(),
            external: VecDeque::new(),
            timers: BTreeMap::new(),
            outputs: VecDeque::new(),
            next_id: 0,
            stable: false,
            microsteps: 0,
            macrosteps: 0,
            entries: BTreeMap::new(),
            outputs_in_step: 0,
            stop: None,
            done_data: Value::Undefined,
            stats: SessionStats::default(),
        };
        session.set_system_variables().map_err(SessionError::DataModel)?;
        Ok(session)
    }

    /// Runs top-level scripts, creates data and enters the initial states. Only the first call has an effect.
    pub fn start(&mut self, now: Instant) {
        if self.phase == Phase::Created {
            self.now = Some(now);
            self.phase = Phase::Running;
            self.begin();
            self.advance();
        }
    }

    /// Puts an event into the external queue and runs.
    ///
    /// Events that carry the id of an invocation which is not active are dropped. Before [`Session::start`] events wait.
    ///
    /// Spec: SCXML §3.13
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        self.macrosteps = 0;
        self.enqueue(now, event);
        self.advance();
    }

    /// Reports the end of an invocation: raises `done.invoke.<id>` with the given data.
    ///
    /// Spec: SCXML §6.4.3
    pub fn handle_invoke_done(&mut self, now: Instant, invoke_id: &str, data: Value) {
        self.handle_event(now, done_invoke(invoke_id, data));
    }

    /// Reports that an invocation could not be started: raises an error event and forgets the invocation.
    pub fn handle_invoke_failure(&mut self, now: Instant, invoke_id: &str, failure: SendFailure) {
        self.invocations.retain(|i| i.id != invoke_id);
        let event = Event::platform(failure.event_name()).with_invoke_id(invoke_id);
        self.handle_internal(now, event);
    }

    /// Reports that a message could not be delivered: raises an error event carrying the send's id on the internal
    /// queue, ahead of all external events.
    ///
    /// Spec: SCXML §6.2.5
    pub fn handle_send_failure(&mut self, now: Instant, send_id: &str, failure: SendFailure) {
        let event = Event::platform(failure.event_name()).with_send_id(send_id);
        self.handle_internal(now, event);
    }

    /// Sends all delayed messages that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.phase != Phase::Running {
            return;
        }
        self.now = Some(now);
        self.macrosteps = 0;
        self.outputs_in_step = 0;
        self.fire_timers(now);
        self.advance();
    }

    /// Ends the session: active states are exited with their handlers, invocations and delayed sends are cancelled.
    pub fn cancel(&mut self, now: Instant) {
        if self.phase != Phase::Done {
            self.now = Some(now);
            self.stop = Some(DoneReason::Cancelled);
            self.finish();
        }
    }

    /// The next effect to carry out; drain to `None` after every call into the session.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.outputs.is_empty() {
            self.advance();
        }
        self.outputs.pop_front()
    }

    /// When [`Session::handle_timeout`] is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.keys().next().map(|(due, _)| *due)
    }

    /// The session's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.config.id
    }

    /// The document.
    #[must_use]
    pub const fn document(&self) -> &Arc<Document> {
        &self.doc
    }

    /// Whether the session has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Ids of the active states in document order, ancestors included.
    #[must_use]
    pub fn configuration(&self) -> Vec<&str> {
        self.active
            .iter()
            .filter(|s| *s != StateId::ROOT)
            .map(|s| self.doc.state(s).id.as_str())
            .collect()
    }

    /// Whether the state of this id is active.
    #[must_use]
    pub fn is_active(&self, id: &str) -> bool {
        self.active
            .iter()
            .any(|s| s != StateId::ROOT && self.doc.state(s).id == id)
    }

    /// Whether an invocation of this id was started and has not ended.
    #[must_use]
    pub fn has_invocation(&self, invoke_id: &str) -> bool {
        self.invocations.iter().any(|i| i.id == invoke_id)
    }

    /// Events waiting in both queues.
    #[must_use]
    pub fn pending_events(&self) -> usize {
        self.internal.len() + self.external.len()
    }

    /// Counters.
    #[must_use]
    pub const fn stats(&self) -> SessionStats {
        self.stats
    }

    /// The data model, to register host functions or update host values.
    pub fn data_mut(&mut self) -> &mut dyn DataModel {
        &mut *self.data
    }

    /// Writes a value to a location of the data model, as an answer to an action with a location attribute.
    ///
    /// # Errors
    /// If the location does not exist or may not be written.
    pub fn assign(&mut self, location: &str, value: &Value) -> Result<(), DataError> {
        self.data.set(location, value)
    }
}

impl Session {
    /// Puts an event into the external queue without running; [`Session::poll_output`] does that.
    pub(crate) fn enqueue(&mut self, now: Instant, event: Event) {
        if self.phase == Phase::Done {
            return;
        }
        self.now = Some(now);
        if event
            .invoke_id
            .as_deref()
            .is_none_or(|id| self.has_invocation(id))
        {
            self.push_external(event);
        } else {
            self.stats.dropped_events += 1;
        }
    }

    /// Allows a full number of macrosteps again.
    pub(crate) const fn renew(&mut self) {
        self.macrosteps = 0;
    }

    pub(crate) fn set_session_lookup(&mut self, lookup: SessionLookup) {
        self.config.session_lookup = Some(lookup);
    }

    pub(crate) const fn session_lookup(&self) -> Option<&SessionLookup> {
        self.config.session_lookup.as_ref()
    }

    fn handle_internal(&mut self, now: Instant, event: Event) {
        if self.phase == Phase::Running {
            self.now = Some(now);
            self.macrosteps = 0;
            self.push_internal(event);
            self.advance();
        }
    }

    fn push_internal(&mut self, event: Event) {
        self.stable = false;
        if self.internal.len() >= self.config.limits.pending_events {
            self.halt(Limit::PendingEvents);
        } else {
            self.internal.push_back(event);
        }
    }

    fn push_external(&mut self, event: Event) {
        if self.external.len() >= self.config.limits.pending_events {
            self.halt(Limit::PendingEvents);
        } else {
            self.external.push_back(event);
        }
    }

    fn push_output(&mut self, output: Output) {
        self.outputs_in_step += 1;
        if self.outputs_in_step > self.config.limits.outputs {
            self.halt(Limit::Outputs);
        } else {
            self.outputs.push_back(output);
        }
    }

    fn trace(&mut self, make: impl FnOnce() -> Trace) {
        if self.config.trace {
            self.push_output(Output::Trace(make()));
        }
    }

    /// Marks the session for its end by a limit; the first reason stays.
    fn halt(&mut self, limit: Limit) {
        if self.stop.is_none() {
            self.stop = Some(DoneReason::Limit(limit));
        }
    }

    /// Raises `error.execution` for a failed evaluation, or ends the session if a limit was the reason.
    fn fail(&mut self, error: &DataError, line: u32) {
        match error {
            DataError::Interrupted => self.halt(Limit::Script),
            DataError::OutOfMemory => self.halt(Limit::Memory),
            _ => self.raise_error("error.execution", error.to_string(), line, None),
        }
    }

    fn raise_error(&mut self, name: &str, message: String, line: u32, send_id: Option<String>) {
        self.stats.errors += 1;
        self.trace(|| Trace::Error {
            event: name.to_owned(),
            line,
            message: message.clone(),
        });
        let data = Value::object().with("description", message).with("line", line);
        let mut event = Event::platform(name).with_data(data);
        event.send_id = send_id;
        self.push_internal(event);
    }

    fn make_id(&mut self, prefix: &str) -> String {
        self.next_id += 1;
        format!("{prefix}{}", self.next_id)
    }

    fn emit_done(&mut self, reason: DoneReason) {
        let data = std::mem::take(&mut self.done_data);
        self.outputs.push_back(Output::Done(Done { reason, data }));
    }
}

/// The event that ends an invocation.
pub(crate) fn done_invoke(invoke_id: &str, data: Value) -> Event {
    Event::platform(format!("done.invoke.{invoke_id}"))
        .with_data(data)
        .with_invoke_id(invoke_id)
}

impl SendFailure {
    const fn event_name(self) -> &'static str {
        match self {
            Self::Communication => "error.communication",
            Self::Execution => "error.execution",
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.config.id)
            .field("phase", &self.phase)
            .field("configuration", &self.configuration())
            .field("pending_events", &self.pending_events())
            .field("timers", &self.timers.len())
            .finish_non_exhaustive()
    }
}

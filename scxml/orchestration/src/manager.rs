//! Sessions and everything that goes in and out of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scxml::{
    Document, DocumentConfig, DocumentSource, DoneReason, Event, Limit, LogRecord, SessionConfig, Value,
};

use crate::completion::{Completion, Failure};
use crate::interaction::{Interaction, InteractionEvent, InteractionId};
use crate::module::Modules;
use crate::request::{PlatformRequest, RequestKey};

mod config;
mod error;
mod running;

pub use config::ManagerConfig;
pub use error::{CompleteError, LoadError, StartError};
use running::{Effect, Running};

/// Id of a session, unique in its manager.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Arc<str>);

/// Runs orchestration sessions.
///
/// A sans-IO core: documents come from a [`DocumentSource`], platform events and answers go in, requests for the
/// platform come out, time is an argument. It is not `Send`, because scripting engines are not: it lives on the
/// thread that made it.
///
/// Drive it so: after every call drain [`SessionManager::poll_output`] to `None`; call
/// [`SessionManager::handle_timeout`] when [`SessionManager::poll_timeout`] is reached.
pub struct SessionManager {
    config: ManagerConfig,
    source: Arc<dyn DocumentSource>,
    documents: BTreeMap<String, Arc<Document>>,
    sessions: BTreeMap<SessionId, Running>,
    owners: BTreeMap<InteractionId, SessionId>,
    timers: BTreeSet<(Instant, SessionId)>,
    /// Messages between sessions.
    mail: VecDeque<Mail>,
    output: VecDeque<Output>,
    created: u64,
    stats: ManagerStats,
}

struct Mail {
    from: SessionId,
    send_id: String,
    to: Option<SessionId>,
    event: Event,
}

/// What the manager wants done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Output {
    /// Carry this out and answer with [`SessionManager::complete`].
    Request(PlatformRequest),
    /// Nobody waits for the answer any more: stop the treatment, take the submit back; what cannot be taken back,
    /// such as a redirect, goes on. Do not answer. Every request is answered or cancelled.
    CancelRequest {
        /// The request.
        key: RequestKey,
        /// Its interaction.
        interaction: InteractionId,
    },
    /// Attach these members to the interaction's user data.
    SetUserData {
        /// The interaction.
        interaction: InteractionId,
        /// The members, an object.
        data: Value,
    },
    /// A session logged something.
    Log {
        /// The session.
        session: SessionId,
        /// What.
        record: LogRecord,
    },
    /// A session is over.
    Ended {
        /// The session.
        session: SessionId,
        /// Why.
        reason: EndReason,
        /// Interactions it still had; nobody treats them now.
        interactions: Vec<InteractionId>,
        /// Result data of the document.
        data: Value,
    },
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// Its document came to an end, in this state.
    Finished(String),
    /// [`SessionManager::terminate`] was called.
    Terminated,
    /// It broke a limit and was killed.
    Killed(Limit),
    /// It lived longer than [`ManagerConfig::max_session_age`] and was killed.
    TooOld,
    /// It kept answering refused actions with further ones and was killed.
    Runaway,
}

/// Plain counters of a [`SessionManager`]; totals since its start unless marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagerStats {
    /// Sessions started.
    pub started: u64,
    /// Starts refused or failed.
    pub refused: u64,
    /// Sessions that came to their end.
    pub finished: u64,
    /// Sessions terminated from outside.
    pub terminated: u64,
    /// Sessions killed for a broken limit or their age.
    pub killed: u64,
    /// Requests handed to the platform.
    pub requests: u64,
    /// Actions refused without asking the platform.
    pub refused_actions: u64,
    /// Messages that could not be delivered.
    pub undelivered_sends: u64,
    /// Documents compiled.
    pub compiled: u64,
    /// Sessions running now.
    pub active: usize,
    /// Requests without an answer now.
    pub pending_requests: usize,
}

/// State of a session, as a query answers it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionView {
    /// Name of the document.
    pub document: String,
    /// Active states in document order.
    pub states: Vec<String>,
    /// Its interactions in the order in which they came.
    pub interactions: Vec<InteractionId>,
    /// How long it runs.
    pub age: Duration,
    /// Events that wait.
    pub pending_events: usize,
    /// Requests without an answer.
    pub pending_requests: usize,
}

impl SessionId {
    /// Wraps the text of an id.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text, `_sessionid` in scripts.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SessionManager {
    /// A manager without sessions.
    pub fn new(config: ManagerConfig, source: Arc<dyn DocumentSource>) -> Self {
        Self {
            config,
            source,
            documents: BTreeMap::new(),
            sessions: BTreeMap::new(),
            owners: BTreeMap::new(),
            timers: BTreeSet::new(),
            mail: VecDeque::new(),
            output: VecDeque::new(),
            created: 0,
            stats: ManagerStats::default(),
        }
    }

    /// Fetches, checks and compiles a document, or answers the one compiled before.
    ///
    /// # Errors
    ///
    /// [`LoadError`] with file, line, column and rule of every finding.
    pub fn load(&mut self, url: &str) -> Result<Arc<Document>, LoadError> {
        if let Some(document) = self.documents.get(url) {
            return Ok(Arc::clone(document));
        }
        let text = self.source.fetch(url).map_err(|reason| LoadError::Fetch {
            url: url.to_owned(),
            reason,
        })?;
        let config = DocumentConfig::default()
            .with_dialect(self.config.dialect)
            .with_limits(self.config.document_limits)
            .with_source(Arc::clone(&self.source))
            .with_actions(Arc::new(Modules));
        let document = Document::parse_with(&text, &config).map_err(|source| LoadError::Document {
            url: url.to_owned(),
            source,
        })?;
        let document = Arc::new(document);
        self.stats.compiled += 1;
        if self.documents.len() >= self.config.max_documents {
            self.documents.pop_first();
        }
        self.documents.insert(url.to_owned(), Arc::clone(&document));
        Ok(document)
    }

    /// Forgets a compiled document, so that the next start fetches it anew. Running sessions keep theirs.
    pub fn forget(&mut self, url: &str) -> bool {
        self.documents.remove(url).is_some()
    }

    /// Starts a session without interaction; `params` replace top-level data items of the same names.
    ///
    /// # Errors
    ///
    /// [`StartError`]; the manager is unchanged then.
    pub fn start(
        &mut self,
        now: Instant,
        url: &str,
        params: Vec<(String, Value)>,
    ) -> Result<SessionId, StartError> {
        self.create(now, url, params, None)
    }

    /// Starts a session for an interaction: the document starts first, then it gets `interaction.added` and
    /// `interaction.present`. If it ends before that, [`Output::Ended`] names the interaction.
    ///
    /// # Errors
    ///
    /// [`StartError`]; the manager is unchanged then.
    ///
    /// Spec: ORS reference §8.2
    pub fn start_for_interaction(
        &mut self,
        now: Instant,
        url: &str,
        interaction: Interaction,
        params: Vec<(String, Value)>,
    ) -> Result<SessionId, StartError> {
        if self.owners.contains_key(&interaction.id) {
            self.stats.refused += 1;
            return Err(StartError::InteractionOwned);
        }
        let data = Value::object().with("interactionid", interaction.id.as_str());
        let session = self.create(now, url, params, Some(interaction.id.clone()))?;
        self.with_session(now, &session, |running| {
            running.add_interaction(interaction);
            running.deliver(now, Event::new("interaction.added").with_data(data.clone()));
        });
        self.with_session(now, &session, |running| {
            running.deliver(now, Event::new(InteractionEvent::Present.name()).with_data(data));
        });
        Ok(session)
    }

    /// Tells the owner of an interaction what happened to it; answers whether there is one.
    pub fn handle_interaction(
        &mut self,
        now: Instant,
        interaction: &InteractionId,
        event: InteractionEvent,
    ) -> bool {
        let Some(session) = self.owners.get(interaction).cloned() else {
            return false;
        };
        if matches!(event, InteractionEvent::Deleted { .. }) {
            self.owners.remove(interaction);
        }
        self.with_session(now, &session, |running| {
            running.interaction_event(now, interaction, event)
        });
        true
    }

    /// Puts an event from outside into a session; answers whether the session runs.
    pub fn send_event(&mut self, now: Instant, session: &SessionId, name: &str, data: Value) -> bool {
        let event = Event::new(name).with_data(data);
        self.with_session(now, session, |running| running.deliver(now, event))
    }

    /// Ends a session; answers whether it ran.
    pub fn terminate(&mut self, now: Instant, session: &SessionId) -> bool {
        self.with_session(now, session, |running| running.cancel(now))
    }

    /// Answers a request of the platform: the session gets `<module>.<action>.done` or
    /// `error.<module>.<action>`.
    ///
    /// # Errors
    ///
    /// [`CompleteError`] when nobody waits for the answer, or when it is one for another kind of request.
    pub fn complete(
        &mut self,
        now: Instant,
        key: &RequestKey,
        result: Result<Completion, Failure>,
    ) -> Result<(), CompleteError> {
        let running = self
            .sessions
            .get(&key.session)
            .ok_or(CompleteError::UnknownRequest)?;
        running.check_answer(&key.request, &result)?;
        self.with_session(now, &key.session, |running| {
            running.complete(now, &key.request, &result)
        });
        Ok(())
    }

    /// Sends delayed events that are due and kills sessions that are too old.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due: Vec<_> = self
            .timers
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, id)| id.clone())
            .collect();
        for session in due {
            self.with_session(now, &session, |running| running.handle_timeout(now));
        }
    }

    /// When to call [`SessionManager::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// The next thing to do; drain to `None` after every call.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    /// State of a session; `None` if it does not run.
    pub fn query(&self, now: Instant, session: &SessionId) -> Option<SessionView> {
        self.sessions.get(session).map(|running| running.view(now))
    }

    /// The session that has an interaction.
    pub fn owner(&self, interaction: &InteractionId) -> Option<&SessionId> {
        self.owners.get(interaction)
    }

    /// Ids of the running sessions.
    pub fn sessions(&self) -> impl Iterator<Item = &SessionId> {
        self.sessions.keys()
    }

    /// The counters.
    pub fn stats(&self) -> ManagerStats {
        ManagerStats {
            active: self.sessions.len(),
            pending_requests: self.sessions.values().map(Running::pending_requests).sum(),
            ..self.stats
        }
    }

    fn create(
        &mut self,
        now: Instant,
        url: &str,
        params: Vec<(String, Value)>,
        interaction: Option<InteractionId>,
    ) -> Result<SessionId, StartError> {
        match self.prepare(now, url, params) {
            Ok(mut running) => {
                let id = running.id().clone();
                self.stats.started += 1;
                tracing::info!(session = %id, document = url, "session started");
                if let Some(interaction) = interaction {
                    self.owners.insert(interaction.clone(), id.clone());
                    running.promise(interaction);
                }
                self.sessions.insert(id.clone(), running);
                self.with_session(now, &id, |running| running.start(now));
                Ok(id)
            }
            Err(error) => {
                self.stats.refused += 1;
                tracing::warn!(%error, "session not started");
                Err(error)
            }
        }
    }

    fn prepare(
        &mut self,
        now: Instant,
        url: &str,
        params: Vec<(String, Value)>,
    ) -> Result<Running, StartError> {
        if self.sessions.len() >= self.config.max_sessions {
            return Err(StartError::TooManySessions {
                limit: self.config.max_sessions,
            });
        }
        let document = self.load(url)?;
        self.created += 1;
        let id = SessionId::new(format!("{}{:08}", self.config.session_prefix, self.created));
        let config = SessionConfig::new(id.as_str())
            .with_actions(Arc::new(Modules))
            .with_limits(self.config.session_limits)
            .with_script_limits(self.config.script_limits)
            .with_params(params);
        let deadline = now + self.config.max_session_age;
        Running::new(now, id, url, document, config, deadline)
    }

    /// Runs `input` on a session, then delivers the messages that sessions sent each other; answers whether the
    /// session exists.
    fn with_session(&mut self, now: Instant, session: &SessionId, input: impl FnOnce(&mut Running)) -> bool {
        let found = self.step(now, session, input);
        let mut budget = self.config.max_messages_per_input;
        while let Some(mail) = self.mail.pop_front() {
            let to = mail.to.filter(|_| budget > 0);
            budget = budget.saturating_sub(1);
            let delivered = to.is_some_and(|to| self.step(now, &to, |peer| peer.deliver(now, mail.event)));
            if !delivered {
                self.stats.undelivered_sends += 1;
                self.step(now, &mail.from, |running| running.send_failed(now, &mail.send_id));
            }
        }
        found
    }

    /// Runs `input` on one session and takes what it did; answers whether the session exists.
    fn step(&mut self, now: Instant, session: &SessionId, input: impl FnOnce(&mut Running)) -> bool {
        let Some(running) = self.sessions.get_mut(session) else {
            return false;
        };
        input(running);
        let effects = running.drain(now, self.config.max_messages_per_input);
        let (before, after) = running.rearm();
        if before != after {
            if let Some(before) = before {
                self.timers.remove(&(before, session.clone()));
            }
            self.timers.extend(after.map(|after| (after, session.clone())));
        }
        for effect in effects {
            match effect {
                Effect::Output(output) => {
                    self.stats.requests += u64::from(matches!(output, Output::Request(_)));
                    self.output.push_back(output);
                }
                Effect::RefusedAction => self.stats.refused_actions += 1,
                Effect::Send { send_id, to, event } => {
                    self.mail.push_back(Mail {
                        from: session.clone(),
                        send_id,
                        to,
                        event,
                    });
                }
                Effect::Ended { reason, data } => self.end(now, session, reason, data),
            }
        }
        true
    }

    fn end(&mut self, now: Instant, session: &SessionId, reason: EndReason, data: Value) {
        let Some(running) = self.sessions.remove(session) else {
            return;
        };
        if let Some(at) = running.armed() {
            self.timers.remove(&(at, session.clone()));
        }
        let age = running.view(now).age;
        match &reason {
            EndReason::Finished(_) => self.stats.finished += 1,
            EndReason::Terminated => self.stats.terminated += 1,
            EndReason::Killed(_) | EndReason::TooOld | EndReason::Runaway => {
                self.stats.killed += 1;
                tracing::warn!(%session, ?reason, "session killed");
            }
        }
        tracing::info!(%session, ?reason, age_ms = age.as_millis(), "session ended");
        let (interactions, pending) = running.into_rest();
        for interaction in &interactions {
            self.owners.remove(interaction);
        }
        for (key, interaction) in pending {
            self.output.push_back(Output::CancelRequest { key, interaction });
        }
        self.output.push_back(Output::Ended {
            session: session.clone(),
            reason,
            interactions,
            data,
        });
    }
}

impl From<DoneReason> for EndReason {
    fn from(reason: DoneReason) -> Self {
        match reason {
            DoneReason::Final(state) => Self::Finished(state),
            DoneReason::Limit(limit) => Self::Killed(limit),
            _ => Self::Terminated,
        }
    }
}

impl fmt::Debug for SessionManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManager")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

//! Options of the manager.

use std::time::Duration;

use scxml::{Dialect, DocumentLimits, ScriptLimits, SessionLimits};

/// Options and limits of a [`SessionManager`](crate::SessionManager).
///
/// Spec: ORS reference §8.3
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ManagerConfig {
    /// Flavour of the documents; default [`Dialect::Ors`].
    pub dialect: Dialect,
    /// Start of every session id; must differ between managers whose sessions could be confused. Default `S`.
    pub session_prefix: String,
    /// Sessions at one time; default 10,000.
    pub max_sessions: usize,
    /// Compiled documents kept; default 1,000.
    pub max_documents: usize,
    /// Age at which a session is killed; default 604,800 s.
    pub max_session_age: Duration,
    /// Messages between sessions, and events that one session causes itself by actions, that follow from one
    /// input; default 1,000. Further messages fail, further events kill the session.
    pub max_messages_per_input: usize,
    /// Limits of documents.
    pub document_limits: DocumentLimits,
    /// Limits of the algorithm: microsteps (1,000), state entries (100), pending events (100) and so on.
    pub session_limits: SessionLimits,
    /// Limits of scripts: memory, stack, and operations per macrostep in place of a processing time.
    pub script_limits: ScriptLimits,
}

impl Default for ManagerConfig {
    fn default() -> Self {
        Self {
            dialect: Dialect::Ors,
            session_prefix: "S".to_owned(),
            max_sessions: 10_000,
            max_documents: 1_000,
            max_session_age: Duration::from_secs(604_800),
            max_messages_per_input: 1_000,
            document_limits: DocumentLimits::default(),
            session_limits: SessionLimits::default(),
            script_limits: ScriptLimits::default(),
        }
    }
}

impl ManagerConfig {
    /// Sets [`ManagerConfig::dialect`].
    #[must_use]
    pub const fn with_dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// Sets [`ManagerConfig::session_prefix`].
    #[must_use]
    pub fn with_session_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.session_prefix = prefix.into();
        self
    }

    /// Sets [`ManagerConfig::max_sessions`].
    #[must_use]
    pub const fn with_max_sessions(mut self, max_sessions: usize) -> Self {
        self.max_sessions = max_sessions;
        self
    }

    /// Sets [`ManagerConfig::max_session_age`].
    #[must_use]
    pub const fn with_max_session_age(mut self, age: Duration) -> Self {
        self.max_session_age = age;
        self
    }

    /// Sets [`ManagerConfig::session_limits`].
    #[must_use]
    pub const fn with_session_limits(mut self, limits: SessionLimits) -> Self {
        self.session_limits = limits;
        self
    }

    /// Sets [`ManagerConfig::script_limits`].
    #[must_use]
    pub const fn with_script_limits(mut self, limits: ScriptLimits) -> Self {
        self.script_limits = limits;
        self
    }
}

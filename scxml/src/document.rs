//! SCXML documents: from text to a checked model in flat tables.

use std::fmt;
use std::sync::Arc;

mod content;
mod finding;
mod parse;
mod validate;

pub(crate) use content::{
    Arg, Block, Branch, ContentDef, CustomAction, DataItem, DataSource, DoneData, Exec, Expr, ForeachDef,
    Inline, InvokeDef, LogDef, Param, ParamSource, SendDef,
};
pub use finding::{DocumentError, Finding, Rule};

use crate::action::{ActionHandler, NoActions};

/// Which flavour of SCXML a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Dialect {
    /// The Recommendation of 1 September 2015.
    #[default]
    W3c,
    /// What orchestration applications use: attributes of `<send>` and `<cancel>` are expressions, `profile` names
    /// the data model, `<raise>` takes `<param>`, `_data` aliases the data items.
    Ors,
}

/// Fetches what a document refers to by address: external scripts, data and invoked documents.
pub trait DocumentSource: Send + Sync {
    /// The text at `url`, which is passed as written in the document.
    ///
    /// # Errors
    /// A sentence saying why it cannot be had.
    fn fetch(&self, url: &str) -> Result<String, String>;
}

/// A source without documents.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSource;

impl DocumentSource for NoSource {
    fn fetch(&self, url: &str) -> Result<String, String> {
        Err(format!("no source of documents is configured for {url}"))
    }
}

/// Limits on documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentLimits {
    /// Size of the text. Unit: bytes; default 4 MiB.
    pub size_bytes: usize,
    /// XML nodes (elements, texts, comments). Default 200,000.
    pub nodes: u32,
    /// Nesting of elements. Default 100, at most 200.
    pub depth: usize,
    /// States, history states included. Default 10,000, at most 65,000.
    pub states: usize,
    /// Findings reported before the check gives up. Default 100.
    pub findings: usize,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            size_bytes: 4 << 20,
            nodes: 200_000,
            depth: 100,
            states: 10_000,
            findings: 100,
        }
    }
}

/// How to read a document.
#[derive(Clone)]
#[non_exhaustive]
pub struct DocumentConfig {
    /// Flavour; default [`Dialect::W3c`].
    pub dialect: Dialect,
    /// Limits.
    pub limits: DocumentLimits,
    /// Where external scripts and data come from; default [`NoSource`].
    pub source: Arc<dyn DocumentSource>,
    /// The custom elements understood, for the check of `exmode="strict"`; default [`NoActions`].
    pub actions: Arc<dyn ActionHandler>,
}

impl Default for DocumentConfig {
    fn default() -> Self {
        Self {
            dialect: Dialect::W3c,
            limits: DocumentLimits::default(),
            source: Arc::new(NoSource),
            actions: Arc::new(NoActions),
        }
    }
}

impl fmt::Debug for DocumentConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocumentConfig")
            .field("dialect", &self.dialect)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl DocumentConfig {
    /// Sets the dialect.
    #[must_use]
    pub const fn with_dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// Sets the limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: DocumentLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the source of external scripts and data.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn DocumentSource>) -> Self {
        self.source = source;
        self
    }

    /// Sets the custom elements understood.
    #[must_use]
    pub fn with_actions(mut self, actions: Arc<dyn ActionHandler>) -> Self {
        self.actions = actions;
        self
    }
}

/// A checked document, ready to run. Share it between sessions with `Arc`.
///
/// States are numbered in document order, parents before children, so the descendants of a state are a range of numbers.
#[derive(Debug)]
pub struct Document {
    pub(crate) name: String,
    pub(crate) dialect: Dialect,
    pub(crate) data_model: String,
    pub(crate) late_binding: bool,
    pub(crate) states: Vec<State>,
    pub(crate) transitions: Vec<Transition>,
    pub(crate) scripts: Vec<ScriptDef>,
    pub(crate) limits: LimitOverrides,
}

/// Limits that a document of the Ors dialect sets for its own sessions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LimitOverrides {
    pub(crate) microsteps: Option<u32>,
    pub(crate) state_entries: Option<u32>,
    pub(crate) pending_events: Option<u32>,
}

impl Document {
    /// Reads and checks a document of the Recommendation's dialect.
    ///
    /// # Errors
    /// All findings at once, see [`DocumentError`].
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        Self::parse_with(text, &DocumentConfig::default())
    }

    /// Reads and checks a document. External scripts and data are fetched here.
    ///
    /// # Errors
    /// All findings at once, see [`DocumentError`].
    pub fn parse_with(text: &str, config: &DocumentConfig) -> Result<Self, DocumentError> {
        parse::parse(text, config)
    }

    /// The `name` attribute, or an empty string.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The dialect it was read in.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Name of the data model it asks for.
    #[must_use]
    pub fn data_model(&self) -> &str {
        &self.data_model
    }

    /// Ids of all states in document order, without the document element and history states.
    pub fn state_ids(&self) -> impl Iterator<Item = &str> {
        self.states
            .iter()
            .skip(1)
            .filter(|s| !s.is_history())
            .map(|s| s.id.as_str())
    }

    pub(crate) fn state(&self, id: StateId) -> &State {
        &self.states[usize::from(id.0)]
    }

    pub(crate) fn transition(&self, id: TransitionId) -> &Transition {
        &self.transitions[usize::from(id.0)]
    }

    /// Whether `state` is a proper descendant of `ancestor`.
    pub(crate) fn is_descendant(&self, state: StateId, ancestor: StateId) -> bool {
        state.0 > ancestor.0 && state.0 < self.state(ancestor).end
    }
}

/// Number of a state in document order; 0 is the document element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StateId(pub(crate) u16);

impl StateId {
    pub(crate) const ROOT: Self = Self(0);
}

/// Number of a transition in document order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TransitionId(pub(crate) u16);

/// What a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateKind {
    /// `<scxml>`, or `<state>` with child states.
    Compound,
    /// `<state>` without child states.
    Atomic,
    Parallel,
    Final,
    ShallowHistory,
    DeepHistory,
}

/// One state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) id: String,
    pub(crate) kind: StateKind,
    pub(crate) parent: Option<StateId>,
    /// One past the last descendant.
    pub(crate) end: u16,
    /// Child states without history states.
    pub(crate) children: Vec<StateId>,
    pub(crate) histories: Vec<StateId>,
    pub(crate) transitions: Vec<TransitionId>,
    /// Initial transition of a compound state, default transition of a history state.
    pub(crate) initial: Initial,
    pub(crate) onentry: Vec<Block>,
    pub(crate) onexit: Vec<Block>,
    pub(crate) invokes: Vec<InvokeDef>,
    pub(crate) data: Vec<DataItem>,
    pub(crate) donedata: Option<DoneData>,
}

impl State {
    pub(crate) const fn is_history(&self) -> bool {
        matches!(self.kind, StateKind::ShallowHistory | StateKind::DeepHistory)
    }

    pub(crate) const fn is_atomic(&self) -> bool {
        matches!(self.kind, StateKind::Atomic | StateKind::Final)
    }
}

/// Where a compound or history state goes by default.
#[derive(Debug, Default)]
pub(crate) struct Initial {
    pub(crate) targets: Vec<StateId>,
    pub(crate) block: Block,
}

/// One transition.
#[derive(Debug)]
pub(crate) struct Transition {
    pub(crate) source: StateId,
    /// Descriptors; empty for an eventless transition.
    pub(crate) events: Vec<String>,
    pub(crate) cond: Option<Expr>,
    pub(crate) targets: Vec<StateId>,
    pub(crate) internal: bool,
    pub(crate) block: Block,
}

/// A top-level script.
#[derive(Debug)]
pub(crate) struct ScriptDef {
    pub(crate) source: Expr,
}

#[cfg(test)]
mod tests;

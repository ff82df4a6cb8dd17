//! What sessions ask of the platform.

use std::fmt;
use std::time::Duration;

use scxml::Value;

use crate::interaction::InteractionId;
use crate::manager::SessionId;

mod dialog;
mod interaction;
mod queue;
mod read;

pub(crate) use read::{Bad, read};

/// Names a request: the session, and the id that is unique in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct RequestKey {
    /// The session.
    pub session: SessionId,
    /// The request's id in the session.
    pub request: String,
}

impl RequestKey {
    /// The request of this id in this session.
    pub fn new(session: SessionId, request: impl Into<String>) -> Self {
        Self {
            session,
            request: request.into(),
        }
    }
}

impl fmt::Display for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.session, self.request)
    }
}

/// A request that the platform carries out and answers with
/// [`SessionManager::complete`](crate::SessionManager::complete).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlatformRequest {
    /// Its name.
    pub key: RequestKey,
    /// The interaction it is for; one of the session.
    pub interaction: InteractionId,
    /// What to do.
    pub operation: Operation,
}

/// What to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// `queue:submit`: find a target, and route unless told otherwise.
    Submit(Submit),
    /// `queue:cancel`: take a submit back.
    CancelSubmit {
        /// The submit's request id; none means every submit of the interaction.
        request: Option<String>,
        /// Only submits to this virtual queue.
        queue: Option<String>,
    },
    /// `queue:query`: priority, position and time of a submit.
    QuerySubmit {
        /// The submit's request id.
        request: String,
    },
    /// A dialog with the caller: `dialog:play`, `dialog:collect`, `dialog:playandcollect`, `dialog:playsound`.
    Treat(Treatment),
    /// `dialog:stop`: end a dialog.
    StopTreatment {
        /// The dialog's request id.
        request: String,
    },
    /// `ixn:redirect`: send the interaction somewhere.
    Redirect(Redirect),
    /// `ixn:terminate`: end the interaction.
    Terminate(Terminate),
}

/// A `queue:submit`.
///
/// Spec: ORS reference §4
#[derive(Clone)]
#[non_exhaustive]
pub struct Submit {
    /// Targets in the published text format, one per element, at least one.
    pub targets: Vec<String>,
    /// Virtual queue.
    pub queue: Option<String>,
    /// Higher is served first; default 0.
    pub priority: i32,
    /// How long to wait.
    pub timeout: Option<Duration>,
    /// Whether a timeout drops the targets; default false.
    pub clear_on_timeout: bool,
    /// Whether earlier targets of the interaction are dropped first; default false.
    pub clear_queue: bool,
    /// Whether the platform routes (default), or only reserves and reports.
    pub route: bool,
    /// How to choose among targets, and the statistic to choose by.
    pub order: Option<(OrderType, String)>,
    /// What the caller hears meanwhile, in order; the last one is repeated or held as the platform likes.
    pub treatments: Vec<Treatment>,
}

/// How a statistic orders targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrderType {
    /// The greatest value first.
    Max,
    /// The least value first.
    Min,
    /// Any.
    Any,
    /// By the weights of the targets.
    Percentage,
}

/// A dialog with the caller.
///
/// Spec: ORS reference §6
#[derive(Clone)]
#[non_exhaustive]
pub enum Treatment {
    /// Play prompts.
    Play {
        /// Language of the prompts.
        language: Option<String>,
        /// One to ten prompts.
        prompts: Vec<Prompt>,
    },
    /// Collect digits.
    Collect {
        /// Language of spoken input.
        language: Option<String>,
        /// How.
        collect: Collect,
    },
    /// Play prompts and collect digits.
    PlayAndCollect {
        /// Language of the prompts.
        language: Option<String>,
        /// One to ten prompts.
        prompts: Vec<Prompt>,
        /// How to collect.
        collect: Collect,
    },
    /// Play music or a tone.
    PlaySound(Sound),
}

/// A prompt.
#[derive(Clone)]
#[non_exhaustive]
pub struct Prompt {
    /// `ann` (default), `tts` or another published word.
    pub kind: String,
    /// What to play.
    pub source: PromptSource,
    /// Whether a digit stops it; default true.
    pub interrupt: bool,
}

/// What a prompt plays.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PromptSource {
    /// An announcement: a number, or a name such as `greeting`.
    Announcement(String),
    /// A number to be spoken.
    Number(String),
    /// A recorded user announcement.
    User(String),
    /// Text to be spoken.
    Text(String),
}

/// How digits are collected. Times are absent where the platform's default is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collect {
    /// Ends the collection when reached; 1 to 64.
    pub max_digits: Option<u32>,
    /// Digits that end it and are reported.
    pub term_digits: Option<String>,
    /// Digits that end it without a result.
    pub abort_digits: Option<String>,
    /// Digits that take the previous one back.
    pub backspace_digits: Option<String>,
    /// Digits that are ignored.
    pub ignore_digits: Option<String>,
    /// Digits that start over.
    pub reset_digits: Option<String>,
    /// Longest time in all.
    pub total_timeout: Option<Duration>,
    /// Longest time before the first digit.
    pub start_timeout: Option<Duration>,
    /// Longest time between digits.
    pub digit_timeout: Option<Duration>,
}

/// Music or a tone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sound {
    /// `music`, `silence`, `busy`, `ringback` or another published word.
    pub kind: String,
    /// Which music; default the platform's.
    pub resource: Option<String>,
    /// How long; default until something else happens.
    pub duration: Option<Duration>,
}

/// An `ixn:redirect`.
///
/// Spec: ORS reference §5
#[derive(Clone)]
#[non_exhaustive]
pub struct Redirect {
    /// Where the interaction is now; default where it waits to be routed.
    pub from: Option<String>,
    /// Number or address to send it to.
    pub to: String,
    /// Route type by its published name.
    pub route_type: Option<String>,
    /// Whether the session gives the interaction up.
    pub detach: bool,
    /// Why.
    pub reason: Option<String>,
    /// Hints as given.
    pub hints: Value,
}

/// An `ixn:terminate`.
///
/// Spec: ORS reference §5
#[derive(Clone)]
#[non_exhaustive]
pub struct Terminate {
    /// Why.
    pub reason: Option<String>,
    /// Only this party.
    pub resource: Option<String>,
    /// Hints as given.
    pub hints: Value,
}

impl Operation {
    /// Prefix of the operation's events and its action: `("queue", "submit")`.
    pub const fn event_name(&self) -> (&'static str, &'static str) {
        match self {
            Self::Submit(_) => ("queue", "submit"),
            Self::CancelSubmit { .. } => ("queue", "cancel"),
            Self::QuerySubmit { .. } => ("queue", "query"),
            Self::Treat(treatment) => ("dialog", treatment.action()),
            Self::StopTreatment { .. } => ("dialog", "stop"),
            Self::Redirect(_) => ("interaction", "redirect"),
            Self::Terminate(_) => ("interaction", "terminate"),
        }
    }
}

impl Treatment {
    /// Name of the action.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Play { .. } => "play",
            Self::Collect { .. } => "collect",
            Self::PlayAndCollect { .. } => "playandcollect",
            Self::PlaySound(_) => "playsound",
        }
    }

    /// Whether digits are collected.
    pub const fn collects(&self) -> bool {
        matches!(self, Self::Collect { .. } | Self::PlayAndCollect { .. })
    }
}

impl fmt::Debug for Submit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submit")
            .field("targets", &self.targets.len())
            .field("priority", &self.priority)
            .field("timeout", &self.timeout)
            .field("route", &self.route)
            .field("treatments", &self.treatments)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.action())
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PromptSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Announcement(_) => "announcement",
            Self::Number(_) => "number",
            Self::User(_) => "user",
            Self::Text(_) => "text",
        })
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirect")
            .field("route_type", &self.route_type)
            .field("detach", &self.detach)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Terminate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminate").finish_non_exhaustive()
    }
}

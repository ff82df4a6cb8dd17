//! A host of phones: one SIP endpoint and one media task that serve any number of lines and calls.
//!
//! [`PhoneHost`] is the handle, [`PhoneEvents`] what happens. A line is a user part that others call; what it does with
//! a call says its [`Line`]. Each call has a task of its own, which ends with the call.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use media::phone::{PhoneConfig, PhoneStats, Phones, Talk};
use sip::endpoint::{Endpoint, EndpointConfig, EndpointHandle};
use sip::header::ValueError;
use sip::transport::Destination;
use sip::ua::{Account, CallKey, Seed, UaConfig, UserAgent};
use tokio::sync::{mpsc, oneshot};

mod call;
mod event;
mod host;
mod line_filter;
#[cfg(test)]
mod tests;

pub use event::{Ending, Happening, PhoneEvent, PhoneEvents};

use call::CallCommand;
use host::{Host, HostCommand};
use line_filter::LineFilter;

/// Where a host of phones is bound and how much it takes on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PhoneHostConfig {
    /// Address of the SIP socket; port 0 picks a free one. Default 127.0.0.1:0.
    pub bind: SocketAddr,
    /// Address and ports of RTP, codecs, longest recording. Default: as there.
    pub media: PhoneConfig,
    /// Calls at one time, both directions; default 4,000. More are refused with 503.
    pub max_calls: usize,
    /// Events that wait for the user; default 65,536. What is beyond is counted in [`Happening::Overflowed`].
    pub event_queue: usize,
}

impl Default for PhoneHostConfig {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            media: PhoneConfig::default(),
            max_calls: 4_000,
            event_queue: 65_536,
        }
    }
}

impl PhoneHostConfig {
    /// Sets [`PhoneHostConfig::bind`], and the address of RTP with it.
    #[must_use]
    pub fn with_bind(mut self, bind: SocketAddr) -> Self {
        self.bind = bind;
        self.media = self.media.with_address(bind.ip());
        self
    }

    /// Sets [`PhoneHostConfig::max_calls`].
    #[must_use]
    pub fn with_max_calls(mut self, calls: usize) -> Self {
        self.max_calls = calls;
        self.media = self.media.with_max_endpoints(calls);
        self
    }
}

/// Why a host of phones cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PhoneHostError {
    /// The SIP address cannot be bound.
    #[error("SIP {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A number that cannot stand in a SIP address.
    #[error("not a number or name to call: {0}")]
    Number(#[from] ValueError),
    /// As many calls as allowed.
    #[error("all {0} calls are in use")]
    Full(usize),
    /// The host has stopped.
    #[error("the phones have stopped")]
    Stopped,
}

/// Names one call of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(CallKey);

#[cfg(test)]
impl CallId {
    /// A call of a test.
    pub(super) const fn numbered(number: u64) -> Self {
        Self(CallKey::outgoing(number))
    }
}

/// What a line does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Behavior {
    /// Rings until [`PhoneHost::answer`], a NOTIFY `Event: talk`, or an INVITE that asks to be answered by itself.
    #[default]
    Manual,
    /// Rings, then answers.
    AutoAnswer {
        /// Time of ringing.
        after: Duration,
    },
    /// Rings and answers for nobody.
    RingForever,
    /// Refuses with 486.
    Busy,
    /// Vanished: no message of the line is answered, none is sent, its audio stops.
    Gone,
}

/// How a line takes calls.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Line {
    /// What it does with a call.
    pub behavior: Behavior,
    /// Hangs up this long after the answer; default never.
    pub hang_up_after: Option<Duration>,
    /// What it says; default silence.
    pub talk: Talk,
    /// Whether it records what it hears; default no.
    pub record: bool,
}

impl Line {
    /// A line that does this, silently, until the peer hangs up.
    pub fn new(behavior: Behavior) -> Self {
        Self {
            behavior,
            ..Self::default()
        }
    }

    /// A line that answers after ringing so long.
    pub fn auto_answer(after: Duration) -> Self {
        Self::new(Behavior::AutoAnswer { after })
    }

    /// Sets [`Line::hang_up_after`].
    #[must_use]
    pub const fn with_hang_up_after(mut self, after: Duration) -> Self {
        self.hang_up_after = Some(after);
        self
    }

    /// Sets [`Line::talk`].
    #[must_use]
    pub fn with_talk(mut self, talk: Talk) -> Self {
        self.talk = talk;
        self
    }

    /// Sets [`Line::record`].
    #[must_use]
    pub const fn with_record(mut self, record: bool) -> Self {
        self.record = record;
        self
    }
}

/// What a caller wants: ends its patience, starts its talk time, stops its key presses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Goal {
    /// The answer.
    #[default]
    Answered,
    /// The answer, and after it audio that moved to somebody else by re-INVITE: an agent behind a menu.
    Joined,
}

/// Keys that a caller presses.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Presses {
    /// 0-9, `*`, `#`, A-D; at most 64.
    pub digits: String,
    /// Time from the answer to the first key.
    pub after: Duration,
    /// Presses them all again after this time until the goal is reached; default once only.
    pub every: Option<Duration>,
}

impl std::fmt::Debug for Presses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presses")
            .field("after", &self.after)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

impl Presses {
    /// These keys, once, so long after the answer.
    pub fn new(digits: impl Into<String>, after: Duration) -> Self {
        Self {
            digits: digits.into(),
            after,
            every: None,
        }
    }

    /// Sets [`Presses::every`].
    #[must_use]
    pub const fn with_every(mut self, every: Duration) -> Self {
        self.every = Some(every);
        self
    }
}

/// An outgoing call.
#[derive(Clone)]
#[non_exhaustive]
pub struct CallOptions {
    /// Number called.
    pub to: String,
    /// Number of the caller.
    pub from: String,
    /// Answers digest challenges; default none.
    pub account: Option<Account>,
    /// What the caller waits for.
    pub goal: Goal,
    /// Gives up when the goal is not reached by then; default never.
    pub patience: Option<Duration>,
    /// Hangs up this long after the goal is reached; default never.
    pub talk_time: Option<Duration>,
    /// Keys to press; default none.
    pub presses: Option<Presses>,
    /// What the caller says; default silence.
    pub talk: Talk,
    /// Whether to record what is heard; default no.
    pub record: bool,
}

impl std::fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallOptions")
            .field("goal", &self.goal)
            .finish_non_exhaustive()
    }
}

impl CallOptions {
    /// A silent call that lasts until somebody hangs up.
    pub fn new(to: impl Into<String>, from: impl Into<String>) -> Self {
        Self {
            to: to.into(),
            from: from.into(),
            account: None,
            goal: Goal::Answered,
            patience: None,
            talk_time: None,
            presses: None,
            talk: Talk::Silence,
            record: false,
        }
    }

    /// Sets [`CallOptions::account`].
    #[must_use]
    pub fn with_account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// Sets [`CallOptions::goal`].
    #[must_use]
    pub const fn with_goal(mut self, goal: Goal) -> Self {
        self.goal = goal;
        self
    }

    /// Sets [`CallOptions::patience`].
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Sets [`CallOptions::talk_time`].
    #[must_use]
    pub const fn with_talk_time(mut self, time: Duration) -> Self {
        self.talk_time = Some(time);
        self
    }

    /// Sets [`CallOptions::presses`].
    #[must_use]
    pub fn with_presses(mut self, presses: Presses) -> Self {
        self.presses = Some(presses);
        self
    }

    /// Sets [`CallOptions::talk`].
    #[must_use]
    pub fn with_talk(mut self, talk: Talk) -> Self {
        self.talk = talk;
        self
    }

    /// Sets [`CallOptions::record`].
    #[must_use]
    pub const fn with_record(mut self, record: bool) -> Self {
        self.record = record;
        self
    }
}

/// Speaks to a host of phones. Cheap to clone; the host stops with the last clone.
#[derive(Clone)]
pub struct PhoneHost {
    commands: mpsc::Sender<HostCommand>,
    endpoint: EndpointHandle<LineFilter>,
    next_call: Arc<AtomicU64>,
    max_calls: usize,
}

impl std::fmt::Debug for PhoneHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PhoneHost")
            .field("local", &self.local_addr())
            .finish_non_exhaustive()
    }
}

impl PhoneHost {
    /// Binds the SIP socket and starts.
    ///
    /// # Errors
    ///
    /// [`PhoneHostError::Bind`].
    pub async fn start(config: PhoneHostConfig) -> Result<(Self, PhoneEvents), PhoneHostError> {
        let address = config.bind;
        let bind_error = |source| PhoneHostError::Bind { address, source };
        let ua = UaConfig::new(Seed::from_system().map_err(bind_error)?).with_max_calls(config.max_calls);
        let mut endpoint = EndpointConfig::new(address).with_event_queue(config.event_queue);
        endpoint.command_queue = COMMANDS;
        let core = LineFilter::new(UserAgent::new(ua));
        let (endpoint, incoming) = Endpoint::bind(endpoint, core).await.map_err(bind_error)?;
        let phones = Phones::start(config.media);
        let (events, stream) = event::channel(config.event_queue);
        let (commands, queue) = mpsc::channel(COMMANDS);
        let host = Host::new(endpoint.clone(), phones, events, config.max_calls);
        tokio::spawn(host.run(queue, incoming));
        let next_call = Arc::new(AtomicU64::new(0));
        Ok((
            Self {
                commands,
                endpoint,
                next_call,
                max_calls: config.max_calls,
            },
            stream,
        ))
    }

    /// Address of the SIP socket.
    pub fn local_addr(&self) -> SocketAddr {
        self.endpoint.local_addr()
    }

    /// Says what a line does with the calls to come; [`Behavior::Gone`] and back holds for the calls that it has, too.
    ///
    /// Calls to a line that was never set are refused with 404.
    ///
    /// # Errors
    ///
    /// [`PhoneHostError::Stopped`].
    pub async fn set_line(&self, line: &str, how: Line) -> Result<(), PhoneHostError> {
        self.command(HostCommand::SetLine(line.to_owned(), how)).await
    }

    /// Registers a line at a server, and stays registered; the outcome is [`Happening::Registered`] or
    /// [`Happening::RegistrationFailed`].
    ///
    /// # Errors
    ///
    /// [`PhoneHostError::Number`], or [`PhoneHostError::Stopped`].
    pub async fn register(
        &self,
        line: &str,
        password: &str,
        server: Destination,
    ) -> Result<(), PhoneHostError> {
        let account = Account::new(line, password);
        let registration = host::registration(line, account, server)?;
        self.command(HostCommand::Register(line.to_owned(), Box::new(registration)))
            .await
    }

    /// Removes the registration of a line; [`Happening::Unregistered`] follows. Without a registration nothing
    /// happens.
    ///
    /// # Errors
    ///
    /// [`PhoneHostError::Stopped`].
    pub async fn unregister(&self, line: &str) -> Result<(), PhoneHostError> {
        self.command(HostCommand::Unregister(line.to_owned())).await
    }

    /// Calls a number at a server. Everything about the call, its failure too, comes as events.
    ///
    /// # Errors
    ///
    /// [`PhoneHostError::Number`], [`PhoneHostError::Full`] or [`PhoneHostError::Stopped`]; then there is no call.
    pub async fn call(&self, server: Destination, options: CallOptions) -> Result<CallId, PhoneHostError> {
        let invite = host::invite(&options, server)?;
        let call = CallKey::outgoing(self.next_call.fetch_add(1, Ordering::Relaxed));
        let (reply, taken) = oneshot::channel();
        let options = Box::new(options);
        self.command(HostCommand::Call {
            call,
            invite: Box::new(invite),
            options,
            reply,
        })
        .await?;
        match taken.await {
            Ok(true) => Ok(CallId(call)),
            Ok(false) => Err(PhoneHostError::Full(self.max_calls)),
            Err(_) => Err(PhoneHostError::Stopped),
        }
    }

    /// Answers a ringing call. A call that does not ring is left as it is.
    ///
    /// # Errors
    ///
    /// [`PhoneHostError::Stopped`].
    pub async fn answer(&self, call: CallId) -> Result<(), PhoneHostError> {
        self.to_call(call, CallCommand::Answer).await
    }

    /// Ends a call: CANCEL, BYE or a refusal with 603.
    ///
    /// # Errors
    ///
    /// [`PhoneHostError::Stopped`].
    pub async fn hang_up(&self, call: CallId) -> Result<(), PhoneHostError> {
        self.to_call(call, CallCommand::HangUp).await
    }

    /// Ends a call so long from now.
    ///
    /// # Errors
    ///
    /// [`PhoneHostError::Stopped`].
    pub async fn hang_up_in(&self, call: CallId, after: Duration) -> Result<(), PhoneHostError> {
        self.to_call(call, CallCommand::HangUpIn(after)).await
    }

    /// Puts the peer on hold by re-INVITE; [`Happening::Held`] or [`Happening::ChangeFailed`] follows.
    ///
    /// # Errors
    ///
    /// [`PhoneHostError::Stopped`].
    pub async fn hold(&self, call: CallId) -> Result<(), PhoneHostError> {
        self.to_call(call, CallCommand::Hold(true)).await
    }

    /// Takes the peer off hold; [`Happening::Retrieved`] or [`Happening::ChangeFailed`] follows.
    ///
    /// # Errors
    ///
    /// [`PhoneHostError::Stopped`].
    pub async fn retrieve(&self, call: CallId) -> Result<(), PhoneHostError> {
        self.to_call(call, CallCommand::Hold(false)).await
    }

    /// Presses keys (telephone events of 100 ms each).
    ///
    /// # Errors
    ///
    /// [`PhoneHostError::Stopped`].
    pub async fn send_digits(&self, call: CallId, digits: &str) -> Result<(), PhoneHostError> {
        self.to_call(call, CallCommand::Digits(digits.to_owned())).await
    }

    /// What the audio of a call did so far; `None` when it has none or is over.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn stats(&self, call: CallId) -> Option<PhoneStats> {
        let (reply, stats) = oneshot::channel();
        self.to_call(call, CallCommand::Stats(reply)).await.ok()?;
        stats.await.ok()
    }

    /// Hangs up, unregisters and stops, at the latest after `drain`. Answers whether all was ended in time.
    ///
    /// # Cancel safety
    ///
    /// Once polled to its first wait the host stops, whether the future is dropped or not.
    pub async fn shutdown(&self, drain: Duration) -> bool {
        let ended = self.endpoint.shutdown(drain).await;
        // The host closes its queue when the calls have given their last account.
        self.commands.closed().await;
        ended
    }

    async fn to_call(&self, call: CallId, command: CallCommand) -> Result<(), PhoneHostError> {
        self.command(HostCommand::ToCall(call.0, command)).await
    }

    async fn command(&self, command: HostCommand) -> Result<(), PhoneHostError> {
        self.commands
            .send(command)
            .await
            .map_err(|_| PhoneHostError::Stopped)
    }
}

/// Commands that wait for the host, and for its SIP endpoint.
const COMMANDS: usize = 8_192;

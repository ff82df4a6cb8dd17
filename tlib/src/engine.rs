//! The T-Server engine: call, party and agent model between clients and a switch, without IO.
//!
//! One host drives one [`TServer`]: it passes in what clients send ([`TServer::handle_client`]), what the
//! switch reports ([`TServer::handle_switch`]) and the time ([`TServer::handle_timeout`] when
//! [`TServer::poll_timeout`] is due), and after each input carries out [`TServer::poll_output`] until it is
//! empty. The engine reads no clock and no randomness: the same inputs give the same T-Events.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::call::Call;
use crate::id::{AgentId, ConnId, Dn, ReferenceId};
use crate::message::Message;
use crate::switch::{LegId, SwitchCommand, SwitchEvent};

mod agents;
mod book;
mod client;
mod config;
mod control;
mod deliver;
mod distribute;
mod emit;
mod event;
mod ids;
mod inbound;
mod make;
mod query;
mod request;
mod routing;
mod session;
mod table;
mod timer;
mod treatment;
mod user_data;

pub use config::{ConfigError, DnConfig, DnKind, Limits, TServerConfig, TServerConfigBuilder};
pub(crate) use emit::Requester;
#[cfg(test)]
pub(crate) use table::print_table;
pub(crate) use table::state_table;

/// Names one client connection. The host chooses the numbers and never uses one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What happens at a client connection.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientInput {
    /// A connection was accepted.
    Connected {
        /// Its name.
        client: ClientId,
    },
    /// A message arrived.
    Request {
        /// From whom.
        client: ClientId,
        /// The message.
        message: Message,
    },
    /// The connection is gone; its registrations end, its agents stay as they are.
    Disconnected {
        /// Its name.
        client: ClientId,
    },
}

/// What the host has to do.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Send a message to a client. All receivers of one event share one message.
    Send {
        /// To whom.
        client: ClientId,
        /// The message, without `AttributeReferenceID`.
        message: Arc<Message>,
        /// Reference id of the request that this copy answers; goes onto the wire of this copy only.
        reference: Option<ReferenceId>,
    },
    /// Pass a command to the switch.
    Switch(SwitchCommand),
    /// Close a client's connection after what was sent to it. No `Disconnected` input is needed for it.
    Disconnect {
        /// Whose.
        client: ClientId,
    },
}

/// Counters of a [`TServer`] since its start, and its present sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TServerStats {
    /// Clients now.
    pub clients: u64,
    /// Registrations of all clients now.
    pub registrations: u64,
    /// Calls now.
    pub calls: u64,
    /// Legs now.
    pub legs: u64,
    /// Calls created.
    pub calls_created_total: u64,
    /// Offered calls that were rejected: limit reached, or nobody at that number.
    pub calls_rejected_total: u64,
    /// Requests received.
    pub requests_total: u64,
    /// Requests answered with `EventError`.
    pub requests_refused_total: u64,
    /// Events made (each once, however many clients receive it).
    pub events_total: u64,
    /// Messages sent to clients.
    pub messages_sent_total: u64,
    /// Clients refused because the limit was reached.
    pub clients_refused_total: u64,
    /// Switch events that named an unknown leg or treatment; late ones are normal in small numbers.
    pub switch_events_ignored_total: u64,
}

/// The T-Server engine.
///
/// ```
/// use std::time::{Instant, SystemTime};
/// use tlib::{AttributeId, ClientId, ClientInput, DnConfig, Message, MessageType, Output, TServer, TServerConfig};
///
/// # #[expect(clippy::disallowed_methods, reason = "an example")]
/// let (now, wall) = (Instant::now(), SystemTime::now());
/// let config = TServerConfig::builder().with_dn(DnConfig::extension("1001")).build()?;
/// let mut server = TServer::new(config, now, wall);
/// let client = ClientId(1);
/// server.handle_client(now, ClientInput::Connected { client });
/// let message = Message::new(MessageType::REQUEST_REGISTER_CLIENT).with(AttributeId::APPLICATION_NAME, "desk");
/// server.handle_client(now, ClientInput::Request { client, message });
/// let Some(Output::Send { message, .. }) = server.poll_output() else { panic!("no answer") };
/// assert_eq!(message.message_type, MessageType::EVENT_LINK_CONNECTED);
/// # Ok::<(), tlib::ConfigError>(())
/// ```
///
/// # Requests
///
#[doc = include_str!("docs/requests.md")]
///
/// # Snapshots
///
#[doc = include_str!("docs/snapshots.md")]
///
/// # Treatments
///
#[doc = include_str!("docs/treatments.md")]
///
/// Spec: T-Library reference §4 to §7
pub struct TServer {
    config: TServerConfig,
    clock: emit::EventClock,
    ids: ids::Ids,
    clients: client::Clients,
    registrations: usize,
    dns: BTreeMap<Dn, client::DnState>,
    agents: BTreeMap<AgentId, Dn>,
    calls: BTreeMap<ConnId, Call>,
    legs: BTreeMap<LegId, ConnId>,
    timers: timer::Timers,
    outputs: VecDeque<Output>,
    stats: TServerStats,
}

impl TServer {
    /// A server without clients and calls. `wall` is the time of day at `now`; every event time is derived
    /// from this pair, so the time of day never jumps while the server runs.
    ///
    /// Extensions are out of service until the switch reports [`SwitchEvent::EndpointUp`].
    pub fn new(config: TServerConfig, now: Instant, wall: SystemTime) -> Self {
        let clock = emit::EventClock::new(now, wall);
        let dns = config
            .dns
            .iter()
            .map(|(number, dn)| (number.clone(), client::DnState::new(dn.kind)))
            .collect();
        Self {
            ids: ids::Ids::new(config.settings.server_id, clock.started()),
            clock,
            clients: client::Clients::default(),
            registrations: 0,
            dns,
            agents: BTreeMap::new(),
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            timers: timer::Timers::default(),
            outputs: VecDeque::new(),
            stats: TServerStats::default(),
            config,
        }
    }

    /// Takes what happened at a client connection. Inputs of unknown clients are ignored.
    pub fn handle_client(&mut self, now: Instant, input: ClientInput) {
        match input {
            ClientInput::Connected { client } => self.client_connected(client),
            ClientInput::Request { client, message } => self.client_request(now, client, message),
            ClientInput::Disconnected { client } => self.client_gone(client),
        }
    }

    /// Takes what the switch reports. Events of unknown legs are counted and ignored.
    pub fn handle_switch(&mut self, now: Instant, event: SwitchEvent) {
        self.switch_event(now, event);
    }

    /// Lets time pass to `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, timer)) = self.timers.pop(now) {
            match timer {
                timer::Timer::Route(conn_id) => self.route_timed_out(now, conn_id, at),
                timer::Timer::Offer(conn_id, party) => self.offer_overdue(now, conn_id, party),
                timer::Timer::WrapUp(dn) => self.wrap_up_over(now, &dn, at),
            }
        }
    }

    /// The next thing to do; `None` when there is nothing more.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`TServer::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Counters since the start and present sizes.
    pub fn stats(&self) -> TServerStats {
        let count = |size| u64::try_from(size).unwrap_or(u64::MAX);
        TServerStats {
            clients: count(self.clients.len()),
            registrations: count(self.registrations),
            calls: count(self.calls.len()),
            legs: count(self.legs.len()),
            ..self.stats
        }
    }
}

impl fmt::Debug for TServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TServer")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { client } => write!(f, "Connected {{ client: {client} }}"),
            Self::Request { client, message } => {
                write!(
                    f,
                    "Request {{ client: {client}, message: {:?} }}",
                    message.message_type
                )
            }
            Self::Disconnected { client } => write!(f, "Disconnected {{ client: {client} }}"),
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send {
                client,
                message,
                reference,
            } => f
                .debug_struct("Send")
                .field("client", client)
                .field("message", &message.message_type)
                .field("reference", reference)
                .finish(),
            Self::Switch(command) => f.debug_tuple("Switch").field(command).finish(),
            Self::Disconnect { client } => write!(f, "Disconnect {{ client: {client} }}"),
        }
    }
}

//! Two user agents, a network between them, and virtual time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::network::{Fault, Network, NetworkConfig};
use crate::message::{Limits, Message};
use crate::transport::{ConnectionId, Flow, Transmit, TransportProtocol};
use crate::ua::{CommandError, Seed, UaCommand, UaConfig, UaEvent, UserAgent};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The first.
    Alice,
    /// The second.
    Bob,
}

impl Side {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Alice => Self::Bob,
            Self::Bob => Self::Alice,
        }
    }

    /// Where it is bound: 10.0.0.1 or 10.0.0.2, port 5060.
    pub fn address(self) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1 + self as u8], 5060))
    }
}

/// Decides what happens to a message: who sends it, which message, and how many of the same start line this side
/// sent before.
type FaultRule = Box<dyn FnMut(Side, &Message) -> Option<Fault>>;

/// Two user agents on a simulated network.
pub struct Pair {
    /// The time of the simulation.
    pub now: Instant,
    /// When it began.
    pub start: Instant,
    agents: [UserAgent; 2],
    network: Network<(Side, TransportProtocol, Message)>,
    rule: Option<FaultRule>,
    /// Every message sent: when since the start, by whom, and what.
    pub sent: Vec<(Duration, Side, Message)>,
    events: [Vec<(Duration, UaEvent)>; 2],
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair")
            .field("now", &(self.now - self.start))
            .field("sent", &self.sent.len())
            .finish()
    }
}

impl Pair {
    /// Two user agents with default configurations on that network.
    pub fn new(network: NetworkConfig) -> Self {
        let config = |number| UaConfig::new(Seed::from_number(number + (network.seed << 8)));
        Self::with_configs(network, config(1), config(2))
    }

    /// Two user agents.
    pub fn with_configs(network: NetworkConfig, alice: UaConfig, bob: UaConfig) -> Self {
        let now = super::start();
        let agent = |config, side: Side| {
            let mut agent = UserAgent::new(config);
            agent.handle_bound(side.address());
            agent
        };
        Self {
            now,
            start: now,
            agents: [agent(alice, Side::Alice), agent(bob, Side::Bob)],
            network: Network::new(network),
            rule: None,
            sent: Vec::new(),
            events: [Vec::new(), Vec::new()],
        }
    }

    /// Sets who decides about single messages.
    pub fn set_rule(&mut self, rule: impl FnMut(Side, &Message) -> Option<Fault> + 'static) {
        self.rule = Some(Box::new(rule));
    }

    /// One of the agents.
    pub const fn agent(&self, side: Side) -> &UserAgent {
        &self.agents[side as usize]
    }

    /// Gives a command now.
    ///
    /// # Errors
    ///
    /// The command does not fit.
    pub fn command(&mut self, side: Side, command: UaCommand) -> Result<(), CommandError> {
        let done = self.agents[side as usize].handle_command(self.now, command);
        self.flush();
        done
    }

    /// Delivers a message to an agent now, as if the other had sent it.
    pub fn inject(&mut self, to: Side, message: Message) {
        self.deliver(to, TransportProtocol::Udp, message);
        self.flush();
    }

    /// Asks an agent to shut down now.
    pub fn shutdown(&mut self, side: Side) {
        self.agents[side as usize].handle_shutdown(self.now);
        self.flush();
    }

    fn deliver(&mut self, to: Side, protocol: TransportProtocol, message: Message) {
        let (local, remote) = (to.address(), to.other().address());
        let flow = match protocol {
            TransportProtocol::Udp => Flow::udp(local, remote),
            TransportProtocol::Tcp => Flow::tcp(local, remote, ConnectionId(1)),
        };
        self.agents[to as usize].handle_message(self.now, flow, message);
    }

    fn flush(&mut self) {
        for side in [Side::Alice, Side::Bob] {
            while let Some(transmit) = self.agents[side as usize].poll_transmit() {
                self.transmit(side, transmit);
            }
            while let Some(event) = self.agents[side as usize].poll_event() {
                self.events[side as usize].push((self.now - self.start, event));
            }
        }
    }

    fn transmit(&mut self, from: Side, transmit: Transmit) {
        // What the agents write goes through the parser, as it would on a wire.
        let Ok(message) = Message::parse(transmit.payload, &Limits::default()) else {
            return;
        };
        self.sent.push((self.now - self.start, from, message.clone()));
        if transmit.destination.remote() != from.other().address() {
            return;
        }
        let fault = self.rule.as_mut().and_then(|rule| rule(from, &message));
        self.network.send(
            self.now,
            (from.other(), transmit.destination.protocol(), message),
            fault,
        );
    }

    /// The next moment at which something happens.
    pub fn next_event(&self) -> Option<Instant> {
        let timeouts = self.agents.iter().filter_map(UserAgent::poll_timeout);
        timeouts.chain(self.network.next_arrival()).min()
    }

    /// Goes to the next moment at which something happens, if it is before the limit.
    pub fn step(&mut self, limit: Instant) -> bool {
        let Some(next) = self.next_event().filter(|next| *next <= limit) else {
            return false;
        };
        self.now = self.now.max(next);
        while let Some((to, protocol, message)) = self.network.receive(self.now) {
            self.deliver(to, protocol, message);
        }
        for agent in &mut self.agents {
            if agent.poll_timeout().is_some_and(|at| at <= self.now) {
                agent.handle_timeout(self.now);
            }
        }
        self.flush();
        true
    }

    /// Lets that much time pass.
    pub fn run_for(&mut self, time: Duration) {
        let limit = self.now + time;
        while self.step(limit) {}
        self.now = limit;
    }

    /// Takes the events of an agent so far.
    pub fn events(&mut self, side: Side) -> Vec<UaEvent> {
        self.timed_events(side)
            .into_iter()
            .map(|(_, event)| event)
            .collect()
    }

    /// Takes the events of an agent so far, with their times since the start.
    pub fn timed_events(&mut self, side: Side) -> Vec<(Duration, UaEvent)> {
        std::mem::take(&mut self.events[side as usize])
    }

    /// When a side sent messages of that start: a method, or a status code in digits.
    pub fn times_of(&self, side: Side, start: &str) -> Vec<Duration> {
        let of = |message: &Message| match (message.method(), message.status()) {
            (Some(method), _) => method.to_string(),
            (None, status) => status.map(|status| status.to_string()).unwrap_or_default(),
        };
        let kept = self
            .sent
            .iter()
            .filter(|(_, from, message)| *from == side && of(message) == start);
        kept.map(|(at, _, _)| *at).collect()
    }
}

//! The audio side of phones: for softphones and for generators of calls.
//!
//! [`Phones`] is one task for all endpoints of a process, as the media server has; [`RtpEndpoint`] is one call's audio:
//! it makes or answers session descriptions, talks, sends digits, and keeps account of what it hears.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use media::phone::{PhoneConfig, Phones, Talk};
//! use media::tone::sine_wave;
//!
//! let phones = Phones::start(PhoneConfig::default());
//! let (mut caller, mut agent) = (phones.endpoint().await?, phones.endpoint().await?);
//! // Signaling carries these two.
//! let offer = caller.offer();
//! let answer = agent.answer(&offer)?;
//! caller.take_answer(&answer)?;
//!
//! agent.record(true);
//! caller.talk(Talk::Once(sine_wave(440.0, 8_000, Duration::from_millis(100))));
//! while agent.stats().await?.loud_frames < 5 {}
//! assert!(agent.recording().await?.len() >= 800);
//! # Ok(())
//! # }
//! ```

mod endpoint;
mod task;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use crate::g711::Law;
use crate::negotiation::{NegotiationError, Negotiator};
use crate::net::{PortRange, SocketStats};
use crate::rtp::LatchPolicy;
use crate::stream::Agreed;
pub use endpoint::{Digits, PhoneStats, Talk};
use task::{Bound, Command, Task};

/// Where and how phones send and receive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhoneConfig {
    /// Address that RTP is bound to and that descriptions name; default 127.0.0.1.
    pub address: IpAddr,
    /// Ports; default any.
    pub ports: PortRange,
    /// Most endpoints at a time; default 4000.
    pub max_endpoints: usize,
    /// Whether the peer's real source replaces the signaled one; default: on the same host.
    pub latch: LatchPolicy,
    /// The laws, preferred one first; default A-law, then µ-law. Empty means the default.
    pub laws: Vec<Law>,
    /// Longest recording of an endpoint; default ten minutes. What is after it is not kept.
    pub recording_limit: Duration,
}

impl Default for PhoneConfig {
    fn default() -> Self {
        PhoneConfig {
            address: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
            ports: PortRange::Any,
            max_endpoints: 4_000,
            latch: LatchPolicy::default(),
            laws: vec![Law::A, Law::Mu],
            recording_limit: Duration::from_secs(600),
        }
    }
}

impl PhoneConfig {
    /// Sets `address`.
    #[must_use]
    pub fn with_address(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    /// Sets `ports`.
    #[must_use]
    pub fn with_ports(mut self, ports: PortRange) -> Self {
        self.ports = ports;
        self
    }

    /// Sets `max_endpoints`.
    #[must_use]
    pub fn with_max_endpoints(mut self, endpoints: usize) -> Self {
        self.max_endpoints = endpoints;
        self
    }

    /// Sets `latch`.
    #[must_use]
    pub fn with_latch(mut self, latch: LatchPolicy) -> Self {
        self.latch = latch;
        self
    }

    /// Sets `laws`.
    #[must_use]
    pub fn with_laws(mut self, laws: Vec<Law>) -> Self {
        self.laws = laws;
        self
    }

    /// Sets `recording_limit`.
    #[must_use]
    pub fn with_recording_limit(mut self, limit: Duration) -> Self {
        self.recording_limit = limit;
        self
    }
}

/// Why an endpoint cannot do what it is asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PhoneError {
    /// No port, or no socket.
    #[error("no rtp port on {address}: {source}")]
    Bind {
        /// Where.
        address: IpAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// As many endpoints as allowed are open.
    #[error("all {0} endpoints are in use")]
    Exhausted(usize),
    /// The task is gone.
    #[error("phones are shut down")]
    Closed,
}

/// All endpoints of a process; clones share them. The task ends when the last clone and endpoint are dropped.
#[derive(Debug, Clone)]
pub struct Phones {
    commands: mpsc::UnboundedSender<Command>,
    config: PhoneConfig,
}

impl Phones {
    /// Starts the task.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as every spawn.
    pub fn start(config: PhoneConfig) -> Self {
        let (commands, queue) = mpsc::unbounded_channel();
        tokio::spawn(Task::new(&config).run(queue));
        Phones { commands, config }
    }

    /// Makes an endpoint: binds a pair of ports.
    ///
    /// # Errors
    /// [`PhoneError`]: no port, too many endpoints, or shut down.
    ///
    /// # Cancel safety
    /// An endpoint that nobody takes is closed.
    pub async fn endpoint(&self) -> Result<RtpEndpoint, PhoneError> {
        let (reply, bound) = oneshot::channel();
        self.commands
            .send(Command::Open(reply))
            .map_err(|_| PhoneError::Closed)?;
        let Bound { id, address, seed } = bound.await.map_err(|_| PhoneError::Closed)??;
        let negotiator = Negotiator::new(address, &self.config.laws, seed);
        Ok(RtpEndpoint {
            id,
            address,
            commands: self.commands.clone(),
            negotiator,
        })
    }

    /// What the sockets of all endpoints did; `None` after a shutdown.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn sockets(&self) -> Option<SocketStats> {
        let (reply, stats) = oneshot::channel();
        self.commands.send(Command::Sockets(reply)).ok()?;
        stats.await.ok()
    }

    /// Ends all endpoints and waits until their ports are free.
    ///
    /// # Cancel safety
    /// The shutdown goes on when the future is dropped.
    pub async fn shutdown(&self) {
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::Shutdown(reply)).is_ok() {
            // An error means that the task is gone, which is what is wanted.
            let _ = done.await;
        }
    }
}

/// The audio of one call of a phone. Dropping it says farewell by RTCP and frees its ports.
///
/// Until told otherwise it sends silence.
#[derive(Debug)]
pub struct RtpEndpoint {
    id: u64,
    address: SocketAddr,
    commands: mpsc::UnboundedSender<Command>,
    negotiator: Negotiator,
}

impl RtpEndpoint {
    /// Where it takes RTP.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// An offer; a later one is the same with the next version.
    pub fn offer(&mut self) -> Bytes {
        self.negotiator.offer()
    }

    /// Offers to put the peer on hold, or to take it back.
    pub fn offer_hold(&mut self, hold: bool) -> Bytes {
        self.negotiator.set_hold(hold);
        self.negotiator.offer()
    }

    /// Answers an offer, the first one or a later one of the same call.
    ///
    /// # Errors
    /// [`NegotiationError`]: unreadable, or nothing in common. What was agreed before stays.
    pub fn answer(&mut self, offer: &[u8]) -> Result<Bytes, NegotiationError> {
        let (answer, agreed) = self.negotiator.answer(offer)?;
        self.agree(agreed);
        Ok(answer)
    }

    /// Takes the answer to our offer.
    ///
    /// # Errors
    /// [`NegotiationError`]: unreadable, refused, or nothing in common.
    pub fn take_answer(&mut self, answer: &[u8]) -> Result<(), NegotiationError> {
        let agreed = self.negotiator.take_answer(answer)?;
        self.agree(agreed);
        Ok(())
    }

    /// What it sends from now on.
    pub fn talk(&self, talk: Talk) {
        self.send(Command::Talk(self.id, talk));
    }

    /// Sends digits as telephone events, each pressed for so long (40 ms to 8 s). Others than 0-9, *, #, A-D, and more
    /// than 64 that wait, are ignored; so are all if the peer takes no events.
    pub fn send_digits(&self, digits: &str, pressed: Duration) {
        self.send(Command::Digits(
            self.id,
            digits.chars().take(64).collect(),
            pressed,
        ));
    }

    /// Begins a recording of what is heard, or stops it. A new one forgets the old one.
    pub fn record(&self, on: bool) {
        self.send(Command::Record(self.id, on));
    }

    /// The counters, as of the end of the next frame: at most 20 ms from now.
    ///
    /// # Errors
    /// [`PhoneError::Closed`].
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn stats(&self) -> Result<PhoneStats, PhoneError> {
        let (reply, stats) = oneshot::channel();
        self.send(Command::Stats(self.id, reply));
        stats.await.map_err(|_| PhoneError::Closed)
    }

    /// What was recorded so far: placed by RTP timestamps from the first packet on, silence where packets are missing.
    /// [`wav::encode`](crate::wav::encode) makes a file of it.
    ///
    /// # Errors
    /// [`PhoneError::Closed`].
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn recording(&self) -> Result<Vec<i16>, PhoneError> {
        let (reply, recording) = oneshot::channel();
        self.send(Command::Recording(self.id, reply));
        recording.await.map_err(|_| PhoneError::Closed)
    }

    fn agree(&self, agreed: Agreed) {
        self.send(Command::Agree(self.id, agreed));
    }

    fn send(&self, command: Command) {
        // An error means that the task is gone; who asks for an answer learns it.
        let _ = self.commands.send(command);
    }
}

impl Drop for RtpEndpoint {
    fn drop(&mut self) {
        self.send(Command::Close(self.id));
    }
}

//! The media server in this process: [`LocalMedia`] implements [`sip::media::MediaServer`].
//!
//! One task owns all sessions and their sockets and serves them on one 20 ms clock. Commands and events cross by
//! channels; [`LocalMediaHandle`] reads the counters and stops the task.

mod task;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use sip::media::{MediaCommand, MediaEvent, MediaId, MediaResult, MediaServer, RefusalKind};
use tokio::sync::{mpsc, oneshot};

use crate::g711::Law;
use crate::net::{PortRange, SocketStats};
use crate::prompt::PromptStore;
use crate::random::Random;
use crate::rtp::LatchPolicy;
use task::{Command, Task};

/// Commands that may wait for the task before new work is refused.
const MAX_QUEUED: usize = 16_384;

/// Where and how the server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalMediaConfig {
    /// Address that RTP is bound to; default 127.0.0.1. Must be one of this machine's, not the unspecified one, unless
    /// `advertised` is set.
    pub address: IpAddr,
    /// Address written into descriptions; default: `address`.
    pub advertised: Option<IpAddr>,
    /// Ports; default any.
    pub ports: PortRange,
    /// Most sessions at a time; default 1000. Each takes two sockets, or one when RTCP is multiplexed.
    pub max_sessions: usize,
    /// Whether the peer's real source replaces the signaled one; default: on the same host.
    pub latch: LatchPolicy,
    /// The laws, preferred one first; default A-law, then µ-law. Empty means the default.
    pub laws: Vec<Law>,
}

impl Default for LocalMediaConfig {
    fn default() -> Self {
        LocalMediaConfig {
            address: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
            advertised: None,
            ports: PortRange::Any,
            max_sessions: 1_000,
            latch: LatchPolicy::default(),
            laws: vec![Law::A, Law::Mu],
        }
    }
}

impl LocalMediaConfig {
    /// Sets `address`.
    #[must_use]
    pub fn with_address(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    /// Sets `advertised`.
    #[must_use]
    pub fn with_advertised(mut self, address: IpAddr) -> Self {
        self.advertised = Some(address);
        self
    }

    /// Sets `ports`.
    #[must_use]
    pub fn with_ports(mut self, ports: PortRange) -> Self {
        self.ports = ports;
        self
    }

    /// Sets `max_sessions`.
    #[must_use]
    pub fn with_max_sessions(mut self, sessions: usize) -> Self {
        self.max_sessions = sessions;
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
}

/// Counters of a [`LocalMedia`]; sums over all sessions, those that are closed included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MediaStats {
    /// Sessions that are open.
    pub sessions: usize,
    /// Sessions opened.
    pub opened: u64,
    /// Opens refused.
    pub refused: u64,
    /// RTP packets sent.
    pub sent_packets: u64,
    /// RTP payload octets sent.
    pub sent_octets: u64,
    /// RTP packets received.
    pub received_packets: u64,
    /// RTP payload octets received.
    pub received_octets: u64,
    /// RTP packets that did not come.
    pub lost_packets: u64,
    /// RTP packets that came out of order.
    pub late_packets: u64,
    /// Datagrams from strangers, unreadable ones, and payload types not agreed.
    pub rejected_packets: u64,
    /// Frames left out because the clock came too late.
    pub skipped_frames: u64,
    /// Keys not reported because nobody took the events.
    pub dropped_digits: u64,
    /// What the sockets did, RTCP included.
    pub sockets: SocketStats,
}

/// The media server of this process.
///
/// Starts with [`start`](Self::start) inside a tokio runtime. When it is dropped, or the handle shuts it down, sessions
/// say farewell by RTCP and their ports are free.
///
/// Commands are taken in order and never block. More than 16,384 commands that wait mean an overload: then opens are
/// refused and operations fail, while closing goes on.
#[derive(Debug)]
pub struct LocalMedia {
    commands: mpsc::UnboundedSender<Command>,
    events: mpsc::UnboundedReceiver<(u64, MediaEvent)>,
    queues: Arc<Queues>,
    open: HashMap<MediaId, u64>,
    generation: u64,
    max_sessions: usize,
    local: VecDeque<MediaEvent>,
    waker: Option<Waker>,
}

/// What waits in the two channels.
#[derive(Debug, Default)]
struct Queues {
    commands: AtomicUsize,
    events: AtomicUsize,
}

/// Reads counters of a [`LocalMedia`] and stops it.
#[derive(Debug, Clone)]
pub struct LocalMediaHandle {
    commands: mpsc::WeakUnboundedSender<Command>,
}

impl LocalMedia {
    /// Starts the task. Must be called inside a tokio runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as every spawn.
    pub fn start(config: LocalMediaConfig, prompts: Arc<PromptStore>) -> (Self, LocalMediaHandle) {
        let (commands, command_queue) = mpsc::unbounded_channel();
        let (event_sender, events) = mpsc::unbounded_channel();
        let queues = Arc::new(Queues::default());
        let handle = LocalMediaHandle {
            commands: commands.downgrade(),
        };
        let max_sessions = config.max_sessions;
        let task = Task::new(
            config,
            prompts,
            Random::from_process(),
            event_sender,
            Arc::clone(&queues),
        );
        tokio::spawn(task.run(command_queue));
        let media = LocalMedia {
            commands,
            events,
            queues,
            open: HashMap::new(),
            generation: 0,
            max_sessions,
            local: VecDeque::new(),
            waker: None,
        };
        (media, handle)
    }

    fn open(&mut self, command: MediaCommand, id: MediaId) {
        let refusal = if self.open.contains_key(&id) {
            Some((RefusalKind::IdInUse, "endpoint is open already".to_owned()))
        } else if self.open.len() >= self.max_sessions {
            let reason = format!("all {} media sessions are in use", self.max_sessions);
            Some((RefusalKind::Exhausted, reason))
        } else if self.is_overloaded() {
            Some((RefusalKind::Exhausted, "media server is overloaded".to_owned()))
        } else {
            None
        };
        if let Some((kind, reason)) = refusal {
            return self.report(MediaEvent::Refused { id, kind, reason });
        }
        self.generation += 1;
        self.open.insert(id, self.generation);
        if !self.send(self.generation, command) {
            self.open.remove(&id);
            self.report(MediaEvent::Refused {
                id,
                kind: RefusalKind::Unavailable,
                reason: "media server is shut down".to_owned(),
            });
        }
    }

    fn is_overloaded(&self) -> bool {
        self.queues.commands.load(Ordering::Relaxed) > MAX_QUEUED
    }

    fn send(&self, generation: u64, command: MediaCommand) -> bool {
        self.queues.commands.fetch_add(1, Ordering::Relaxed);
        self.commands.send(Command::Media(generation, command)).is_ok()
    }

    fn report(&mut self, event: MediaEvent) {
        self.local.push_back(event);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl MediaServer for LocalMedia {
    fn handle_command(&mut self, _now: Instant, command: MediaCommand) {
        let id = command.id();
        if let MediaCommand::Open { .. } = command {
            return self.open(command, id);
        }
        let Some(&generation) = self.open.get(&id) else {
            return;
        };
        match command {
            MediaCommand::Close { .. } => {
                self.open.remove(&id);
                self.local.retain(|event| event.id() != id);
            }
            MediaCommand::Run { op, .. } if self.is_overloaded() => {
                let result = MediaResult::Failed {
                    reason: "media server is overloaded".to_owned(),
                };
                return self.report(MediaEvent::Ended { id, op, result });
            }
            _ => {}
        }
        self.send(generation, command);
    }

    fn poll_event(&mut self, _now: Instant, cx: &mut Context<'_>) -> Poll<MediaEvent> {
        if let Some(event) = self.local.pop_front() {
            return Poll::Ready(event);
        }
        while let Poll::Ready(Some((generation, event))) = self.events.poll_recv(cx) {
            self.queues.events.fetch_sub(1, Ordering::Relaxed);
            // Of an endpoint that was closed since, or of an earlier one of the same name.
            if self.open.get(&event.id()) != Some(&generation) {
                continue;
            }
            if let MediaEvent::Refused { id, .. } = &event {
                self.open.remove(id);
            }
            return Poll::Ready(event);
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn handle_timeout(&mut self, _now: Instant) {}

    /// Always `None`: time passes in the task.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

impl LocalMediaHandle {
    /// The counters; `None` when the server is gone.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn stats(&self) -> Option<MediaStats> {
        let (reply, answer) = oneshot::channel();
        self.commands.upgrade()?.send(Command::Stats(reply)).ok()?;
        answer.await.ok()
    }

    /// Ends all sessions and waits until their ports are free. Events of open sessions are `Ended` and `Refused`.
    ///
    /// # Cancel safety
    /// The shutdown goes on when the future is dropped.
    pub async fn shutdown(&self) {
        let (reply, done) = oneshot::channel();
        if let Some(commands) = self.commands.upgrade()
            && commands.send(Command::Shutdown(reply)).is_ok()
        {
            // An error means that the task is gone, which is what is wanted.
            let _ = done.await;
        }
    }
}

//! The task that owns sessions, sockets and the clock.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use sip::media::{MediaCommand, MediaEvent, MediaId, RefusalKind};
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;
use tracing::{debug, info};

use super::{LocalMediaConfig, MediaStats, Queues};
use crate::audio::FRAME;
use crate::negotiation::{NegotiationError, Negotiator};
use crate::net::{BUFFER_LEN, Endpoint, Lane, PortPool, SocketStats};
use crate::prompt::PromptStore;
use crate::random::Random;
use crate::session::{Digit, Session, SessionEvent};
use crate::stream::{StreamStats, Transmit};

/// Events that may wait before keys are dropped; all others are as few as the commands.
const MAX_EVENTS: usize = 16_384;
/// Sessions served before other tasks of the thread have a turn.
const BATCH: usize = 64;

#[derive(Debug)]
pub(super) enum Command {
    Media(u64, MediaCommand),
    Stats(oneshot::Sender<MediaStats>),
    Shutdown(oneshot::Sender<()>),
}

pub(super) struct Task {
    config: LocalMediaConfig,
    prompts: Arc<PromptStore>,
    random: Random,
    ports: PortPool,
    sessions: BTreeMap<MediaId, Open>,
    events: mpsc::UnboundedSender<(u64, MediaEvent)>,
    queues: Arc<Queues>,
    /// Counters of closed sessions.
    closed: MediaStats,
    sockets: SocketStats,
    buffer: Vec<u8>,
    pass: u64,
}

/// Why a session is refused: for programs and for logs.
struct Refusal {
    kind: RefusalKind,
    reason: String,
}

impl From<NegotiationError> for Refusal {
    fn from(error: NegotiationError) -> Self {
        Refusal {
            kind: error.refusal_kind(),
            reason: error.to_string(),
        }
    }
}

struct Open {
    generation: u64,
    lane: Lane<Session>,
    negotiator: Negotiator,
}

impl Endpoint for Session {
    fn handle_rtp(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        Session::handle_rtp(self, now, from, datagram);
    }

    fn handle_rtcp(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        Session::handle_rtcp(self, now, from, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        Session::handle_timeout(self, now);
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Transmit<'_>> {
        Session::poll_transmit(self, now)
    }

    fn goodbye(&mut self, now: Instant) -> Option<Transmit<'_>> {
        Session::goodbye(self, now)
    }
}

impl Task {
    pub(super) fn new(
        config: LocalMediaConfig,
        prompts: Arc<PromptStore>,
        mut random: Random,
        events: mpsc::UnboundedSender<(u64, MediaEvent)>,
        queues: Arc<Queues>,
    ) -> Self {
        Task {
            ports: PortPool::new(config.address, config.ports.clone(), &mut random),
            config,
            prompts,
            random,
            sessions: BTreeMap::new(),
            events,
            queues,
            closed: MediaStats::default(),
            sockets: SocketStats::default(),
            buffer: vec![0; BUFFER_LEN],
            pass: 0,
        }
    }

    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut clock = tokio::time::interval(FRAME);
        clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let command = tokio::select! {
                command = commands.recv() => command,
                _ = clock.tick(), if !self.sessions.is_empty() => {
                    self.serve_all().await;
                    continue;
                }
            };
            match command {
                Some(Command::Media(generation, command)) => {
                    self.queues.commands.fetch_sub(1, Ordering::Relaxed);
                    self.handle(now(), generation, command);
                }
                Some(Command::Stats(reply)) => {
                    // The asker may be gone.
                    let _ = reply.send(self.stats());
                }
                Some(Command::Shutdown(reply)) => {
                    self.close_all();
                    commands.close();
                    let _ = reply.send(());
                    break;
                }
                None => {
                    self.close_all();
                    break;
                }
            }
        }
        info!(
            opened = self.closed.opened,
            refused = self.closed.refused,
            "media server stopped"
        );
    }

    async fn serve_all(&mut self) {
        self.pass += 1;
        let now = now();
        let ids: Vec<MediaId> = self.sessions.keys().copied().collect();
        for batch in ids.chunks(BATCH) {
            for id in batch {
                if let Some(open) = self.sessions.get_mut(id) {
                    open.lane
                        .pass(now, self.pass, &mut self.buffer, &mut self.sockets);
                    self.report(*id);
                }
            }
            tokio::task::yield_now().await;
        }
    }

    fn handle(&mut self, now: Instant, generation: u64, command: MediaCommand) {
        let id = command.id();
        if let MediaCommand::Open { offer, .. } = command {
            return self.open(now, generation, id, offer);
        }
        if self
            .sessions
            .get(&id)
            .is_none_or(|open| open.generation != generation)
        {
            return;
        }
        match command {
            MediaCommand::Answer { sdp, .. } => self.answer(now, id, &sdp),
            MediaCommand::Close { .. } => self.close(now, id),
            MediaCommand::Run { op, request, .. } => {
                if let Some(open) = self.sessions.get_mut(&id) {
                    open.lane.endpoint.run(now, op, request);
                }
            }
            MediaCommand::Press { digit, .. } => {
                if let Some(open) = self.sessions.get_mut(&id) {
                    open.lane.endpoint.press(now, digit);
                }
            }
            MediaCommand::Stop { .. } => {
                if let Some(open) = self.sessions.get_mut(&id) {
                    open.lane.endpoint.stop();
                }
            }
            MediaCommand::Open { .. } => {}
        }
        self.report(id);
    }

    fn open(&mut self, now: Instant, generation: u64, id: MediaId, offer: Option<Bytes>) {
        match self.try_open(now, generation, offer) {
            Ok((open, sdp)) => {
                debug!(media = id.0, address = %open.lane.sockets.address, "session opened");
                self.closed.opened += 1;
                self.sessions.insert(id, open);
                self.emit(generation, MediaEvent::Opened { id, sdp });
            }
            Err(refusal) => self.refuse(generation, id, refusal),
        }
    }

    fn try_open(
        &mut self,
        now: Instant,
        generation: u64,
        offer: Option<Bytes>,
    ) -> Result<(Open, Bytes), Refusal> {
        let mut sockets = self.ports.bind().map_err(|error| Refusal {
            kind: match error.kind() {
                ErrorKind::AddrInUse => RefusalKind::Exhausted,
                _ => RefusalKind::Unavailable,
            },
            reason: format!("no rtp port on {}: {error}", self.config.address),
        })?;
        let advertised = self.config.advertised.unwrap_or(self.config.address);
        let local = SocketAddr::new(advertised, sockets.address.port());
        let mut negotiator = Negotiator::new(local, &self.config.laws, self.random.next_u64());
        let random = Random::new(self.random.next_u64());
        let mut session = Session::new(now, self.config.latch, Arc::clone(&self.prompts), random);
        let sdp = match offer {
            None => negotiator.offer(),
            Some(offer) => match negotiator.answer(&offer) {
                Ok((sdp, agreed)) => {
                    if agreed.mux {
                        sockets.multiplex();
                    }
                    session.agree(now, agreed);
                    sdp
                }
                Err(error) => {
                    self.ports.release(&sockets);
                    return Err(error.into());
                }
            },
        };
        Ok((
            Open {
                generation,
                lane: Lane {
                    endpoint: session,
                    sockets,
                },
                negotiator,
            },
            sdp,
        ))
    }

    fn answer(&mut self, now: Instant, id: MediaId, sdp: &[u8]) {
        let Some(open) = self.sessions.get_mut(&id) else {
            return;
        };
        match open.negotiator.take_answer(sdp) {
            Ok(agreed) => {
                if agreed.mux {
                    open.lane.sockets.multiplex();
                }
                open.lane.endpoint.agree(now, agreed);
            }
            Err(error) => {
                let generation = open.generation;
                open.lane.endpoint.stop();
                self.report(id);
                self.close(now, id);
                self.refuse(generation, id, error.into());
            }
        }
    }

    fn close(&mut self, now: Instant, id: MediaId) {
        let Some(mut open) = self.sessions.remove(&id) else {
            return;
        };
        open.lane.goodbye(now, &mut self.sockets);
        self.ports.release(&open.lane.sockets);
        let stats = open.lane.endpoint.stats();
        debug!(
            media = id.0,
            sent = stats.sent_packets,
            received = stats.received.packets,
            "session closed"
        );
        self.closed.add(&stats);
    }

    fn close_all(&mut self) {
        let now = now();
        for id in self.sessions.keys().copied().collect::<Vec<_>>() {
            if let Some(open) = self.sessions.get_mut(&id) {
                let generation = open.generation;
                open.lane.endpoint.stop();
                self.report(id);
                self.close(now, id);
                self.emit(
                    generation,
                    MediaEvent::Refused {
                        id,
                        kind: RefusalKind::Unavailable,
                        reason: "media server shuts down".to_owned(),
                    },
                );
            }
        }
    }

    fn refuse(&mut self, generation: u64, id: MediaId, refusal: Refusal) {
        let Refusal { kind, reason } = refusal;
        info!(media = id.0, ?kind, %reason, "session refused");
        self.closed.refused += 1;
        self.emit(generation, MediaEvent::Refused { id, kind, reason });
    }

    /// Passes on what a session reports.
    fn report(&mut self, id: MediaId) {
        while let Some(open) = self.sessions.get_mut(&id) {
            let Some(event) = open.lane.endpoint.poll_event() else {
                return;
            };
            let generation = open.generation;
            match event {
                SessionEvent::Started { op } => self.emit(generation, MediaEvent::Started { id, op }),
                SessionEvent::Ended { op, result } => {
                    self.emit(generation, MediaEvent::Ended { id, op, result });
                }
                SessionEvent::Digit(_) if self.queues.events.load(Ordering::Relaxed) > MAX_EVENTS => {
                    self.closed.dropped_digits += 1;
                }
                SessionEvent::Digit(Digit(digit)) => self.emit(generation, MediaEvent::Digit { id, digit }),
            }
        }
    }

    fn emit(&self, generation: u64, event: MediaEvent) {
        if self.events.send((generation, event)).is_ok() {
            self.queues.events.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn stats(&self) -> MediaStats {
        let mut stats = MediaStats {
            sessions: self.sessions.len(),
            sockets: self.sockets,
            ..self.closed
        };
        self.sessions
            .values()
            .for_each(|open| stats.add(&open.lane.endpoint.stats()));
        stats
    }
}

impl MediaStats {
    fn add(&mut self, stream: &StreamStats) {
        self.sent_packets += stream.sent_packets;
        self.sent_octets += stream.sent_octets;
        self.received_packets += stream.received.packets;
        self.received_octets += stream.received.octets;
        self.lost_packets += u64::try_from(stream.received.lost).unwrap_or(0);
        self.late_packets += stream.received.late;
        self.rejected_packets += stream.rejected + stream.malformed + stream.unknown_payload;
        self.skipped_frames += stream.skipped_frames;
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

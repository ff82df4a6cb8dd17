//! The task that owns the endpoints of phones.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use super::endpoint::{Phone, PhoneStats, Talk};
use super::{PhoneConfig, PhoneError};
use crate::audio::{FRAME, samples_in};
use crate::net::{BUFFER_LEN, Lane, PortPool, SocketStats};
use crate::random::Random;
use crate::stream::Agreed;

/// Endpoints served before other tasks of the thread have a turn.
const BATCH: usize = 64;

#[derive(Debug)]
pub(super) enum Command {
    Open(oneshot::Sender<Result<Bound, PhoneError>>),
    Agree(u64, Agreed),
    Talk(u64, Talk),
    Digits(u64, String, Duration),
    Record(u64, bool),
    Stats(u64, oneshot::Sender<PhoneStats>),
    Recording(u64, oneshot::Sender<Vec<i16>>),
    Close(u64),
    Sockets(oneshot::Sender<SocketStats>),
    Shutdown(oneshot::Sender<()>),
}

#[derive(Debug)]
pub(super) struct Bound {
    pub(super) id: u64,
    pub(super) address: SocketAddr,
    pub(super) seed: u64,
}

pub(super) struct Task {
    config: PhoneConfig,
    random: Random,
    ports: PortPool,
    phones: BTreeMap<u64, Lane<Phone>>,
    /// Answered after the next pass.
    asked: Vec<(u64, oneshot::Sender<PhoneStats>)>,
    next_id: u64,
    sockets: SocketStats,
    buffer: Vec<u8>,
    pass: u64,
}

impl Task {
    pub(super) fn new(config: &PhoneConfig) -> Self {
        let mut random = Random::from_process();
        Task {
            ports: PortPool::new(config.address, config.ports.clone(), &mut random),
            config: config.clone(),
            random,
            phones: BTreeMap::new(),
            asked: Vec::new(),
            next_id: 0,
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
                _ = clock.tick(), if !self.phones.is_empty() => {
                    self.serve_all().await;
                    continue;
                }
            };
            match command {
                Some(Command::Shutdown(reply)) => {
                    commands.close();
                    self.close_all();
                    let _ = reply.send(());
                    return;
                }
                Some(command) => self.handle(now(), command),
                None => return self.close_all(),
            }
        }
    }

    async fn serve_all(&mut self) {
        self.pass += 1;
        let now = now();
        let ids: Vec<u64> = self.phones.keys().copied().collect();
        for batch in ids.chunks(BATCH) {
            for id in batch {
                if let Some(lane) = self.phones.get_mut(id) {
                    lane.pass(now, self.pass, &mut self.buffer, &mut self.sockets);
                }
            }
            tokio::task::yield_now().await;
        }
        for (id, reply) in std::mem::take(&mut self.asked) {
            if let Some(lane) = self.phones.get_mut(&id) {
                // The asker may be gone.
                let _ = reply.send(lane.endpoint.stats());
            }
        }
    }

    fn handle(&mut self, now: Instant, command: Command) {
        match command {
            Command::Open(reply) => self.open(now, reply),
            Command::Agree(id, agreed) => {
                if let Some(lane) = self.phones.get_mut(&id) {
                    if agreed.mux {
                        lane.sockets.multiplex();
                    }
                    lane.endpoint.agree(now, agreed);
                }
            }
            Command::Talk(id, talk) => self.with(id, |phone| phone.talk(talk)),
            Command::Digits(id, digits, pressed) => {
                self.with(id, |phone| phone.send_digits(&digits, pressed))
            }
            Command::Record(id, on) => self.with(id, |phone| phone.record(on)),
            Command::Stats(id, reply) if self.phones.contains_key(&id) => self.asked.push((id, reply)),
            Command::Stats(..) => {}
            Command::Recording(id, reply) => self.with(id, |phone| {
                let _ = reply.send(phone.recording());
            }),
            Command::Close(id) => self.close(now, id),
            Command::Sockets(reply) => {
                let _ = reply.send(self.sockets);
            }
            Command::Shutdown(_) => {}
        }
    }

    fn with(&mut self, id: u64, act: impl FnOnce(&mut Phone)) {
        if let Some(lane) = self.phones.get_mut(&id) {
            act(&mut lane.endpoint);
        }
    }

    fn open(&mut self, now: Instant, reply: oneshot::Sender<Result<Bound, PhoneError>>) {
        let result = self.try_open(now);
        let id = result.as_ref().ok().map(|bound| bound.id);
        if reply.send(result).is_err()
            && let Some(id) = id
        {
            self.close(now, id);
        }
    }

    fn try_open(&mut self, now: Instant) -> Result<Bound, PhoneError> {
        if self.phones.len() >= self.config.max_endpoints {
            return Err(PhoneError::Exhausted(self.config.max_endpoints));
        }
        let address = self.config.address;
        let sockets = self
            .ports
            .bind()
            .map_err(|source| PhoneError::Bind { address, source })?;
        let limit = samples_in(self.config.recording_limit) as usize;
        let endpoint = Phone::new(now, self.config.latch, limit, Random::new(self.random.next_u64()));
        self.next_id += 1;
        let bound = Bound {
            id: self.next_id,
            address: sockets.address,
            seed: self.random.next_u64(),
        };
        self.phones.insert(bound.id, Lane { endpoint, sockets });
        Ok(bound)
    }

    fn close(&mut self, now: Instant, id: u64) {
        if let Some(mut lane) = self.phones.remove(&id) {
            lane.goodbye(now, &mut self.sockets);
            self.ports.release(&lane.sockets);
        }
    }

    fn close_all(&mut self) {
        let now = now();
        for id in self.phones.keys().copied().collect::<Vec<_>>() {
            self.close(now, id);
        }
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

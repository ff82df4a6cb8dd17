//! The task that owns a core, the sockets and the timer.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Core;
use super::config::EndpointConfig;
use super::connection::{self, FromConnection, Link};
use super::handle::{EndpointEvent, EndpointEvents, EndpointHandle, Instruction};
use super::hosts::Hosts;
use super::stats::{Counters, SharedCounters, count};
use crate::message::Message;
use crate::transport::{ConnectionId, Destination, Flow, Transmit, TransportProtocol};

/// Largest datagram.
const DATAGRAM_BYTES: usize = 65_535;

/// How often a port is chosen anew when the one given for UDP is taken on TCP.
const PORT_ATTEMPTS: usize = 16;

/// How long nothing is accepted after an accept failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How long the driver waits when no timer is armed.
const FAR: Duration = Duration::from_secs(3600);

/// Binds sockets and starts the task that owns a core.
#[derive(Debug)]
pub struct Endpoint;

impl Endpoint {
    /// Binds UDP and TCP on one address and starts to drive the core on the current runtime.
    ///
    /// # Errors
    ///
    /// The address is in use or not one of this machine.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped before it is ready, nothing is left bound.
    pub async fn bind<C: Core>(
        config: EndpointConfig,
        core: C,
    ) -> io::Result<(EndpointHandle<C>, EndpointEvents<C>)> {
        let (udp, listener) = bind_sockets(&config).await?;
        let local = udp.local_addr()?;
        let counters: SharedCounters = Arc::new(Counters::default());
        let (instructions, instruction_queue) = mpsc::channel(config.command_queue.max(1));
        let (event_sender, events) = mpsc::channel(config.event_queue.max(1));
        let (to_driver, from_connections) = mpsc::channel(config.batch.max(1) * 4);
        let driver = Driver {
            core,
            udp: Arc::new(udp),
            local,
            network: Network {
                config: Arc::new(config),
                counters: counters.clone(),
                connections: HashMap::new(),
                by_peer: HashMap::new(),
                hosts: Hosts::default(),
                next_connection: 1,
                tasks: JoinSet::new(),
                to_driver,
                datagrams: VecDeque::new(),
                failed: VecDeque::new(),
            },
            listener,
            instructions: Some(instruction_queue),
            from_connections,
            events: event_sender,
            lost: 0,
            stopping: None,
        };
        tokio::spawn(driver.run());
        Ok((
            EndpointHandle {
                instructions,
                local,
                counters,
            },
            EndpointEvents { receiver: events },
        ))
    }
}

async fn bind_sockets(config: &EndpointConfig) -> io::Result<(UdpSocket, Option<TcpListener>)> {
    let mut last = None;
    for _ in 0..PORT_ATTEMPTS {
        let udp = UdpSocket::bind(config.bind).await?;
        let socket = socket2::SockRef::from(&udp);
        // The system may grant less; that is no reason not to start.
        let _ = socket.set_recv_buffer_size(config.socket_buffer_bytes);
        let _ = socket.set_send_buffer_size(config.socket_buffer_bytes);
        if !config.tcp_listener {
            return Ok((udp, None));
        }
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(listener) => return Ok((udp, Some(listener))),
            Err(error) if config.bind.port() == 0 => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::from(io::ErrorKind::AddrInUse)))
}

struct Driver<C: Core> {
    core: C,
    udp: Arc<UdpSocket>,
    local: SocketAddr,
    network: Network,
    listener: Option<TcpListener>,
    instructions: Option<mpsc::Receiver<Instruction<C>>>,
    from_connections: mpsc::Receiver<FromConnection>,
    events: mpsc::Sender<EndpointEvent<C::Event>>,
    lost: u64,
    stopping: Option<Stopping>,
}

struct Stopping {
    deadline: Instant,
    done: Vec<oneshot::Sender<bool>>,
}

/// What woke the driver.
enum Wake<C: Core> {
    Readable,
    Writable,
    Accepted(io::Result<(TcpStream, SocketAddr)>),
    Connection(Option<FromConnection>),
    Instruction(Option<Instruction<C>>),
    External,
    Time,
}

impl<C: Core> Driver<C> {
    async fn run(mut self) {
        let mut buffer = vec![0; DATAGRAM_BYTES];
        self.core.handle_bound(now(), self.local);
        loop {
            self.flush();
            if let Some(stopping) = &self.stopping {
                let idle = self.core.is_idle() && self.network.datagrams.is_empty();
                if idle || Instant::now() >= stopping.deadline {
                    self.finish(idle).await;
                    return;
                }
            }
            match self.wait().await {
                Wake::Readable => self.receive(&mut buffer),
                Wake::Writable => self.network.send_waiting(&self.udp),
                Wake::Accepted(accepted) => self.accept(accepted),
                Wake::Connection(first) => self.serve_connections(first),
                Wake::Instruction(first) => self.follow(first),
                Wake::External | Wake::Time => {}
            }
            self.core_timeouts();
        }
    }

    async fn wait(&mut self) -> Wake<C> {
        let mut deadline = match self.core.poll_timeout() {
            Some(at) => Instant::from_std(at),
            None => Instant::now() + FAR,
        };
        if let Some(stopping) = &self.stopping {
            deadline = deadline.min(stopping.deadline);
        }
        let Self {
            core,
            udp,
            listener,
            instructions,
            from_connections,
            network,
            ..
        } = self;
        let waiting = !network.datagrams.is_empty();
        tokio::select! {
            _ = udp.readable() => Wake::Readable,
            _ = udp.writable(), if waiting => Wake::Writable,
            accepted = accept_on(listener.as_ref()) => Wake::Accepted(accepted),
            message = from_connections.recv() => Wake::Connection(message),
            instruction = next_instruction(instructions.as_mut()) => Wake::Instruction(instruction),
            () = std::future::poll_fn(|cx| core.poll_external(now(), cx)) => Wake::External,
            () = tokio::time::sleep_until(deadline) => Wake::Time,
        }
    }

    fn core_timeouts(&mut self) {
        let now = now();
        if self.core.poll_timeout().is_some_and(|at| at <= now) {
            self.core.handle_timeout(now);
        }
    }

    /// Takes everything the core has to say.
    fn flush(&mut self) {
        loop {
            while let Some(transmit) = self.core.poll_transmit() {
                self.network.send(&self.udp, transmit);
            }
            while let Some(event) = self.core.poll_event() {
                self.tell(event);
            }
            match self.network.failed.pop_front() {
                Some(destination) => self.core.handle_transport_error(now(), destination),
                None => return,
            }
        }
    }

    fn tell(&mut self, event: C::Event) {
        if self.lost > 0 {
            match self
                .events
                .try_send(EndpointEvent::Overflowed { lost: self.lost })
            {
                Ok(()) => self.lost = 0,
                Err(_) => return self.lose(),
            }
        }
        match self.events.try_send(EndpointEvent::Core(event)) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
            Err(mpsc::error::TrySendError::Full(_)) => {
                tracing::error!("event queue is full; events are lost until the user takes some");
                self.lose();
            }
        }
    }

    fn lose(&mut self) {
        self.lost += 1;
        count(&self.network.counters.events_lost);
    }

    fn receive(&mut self, buffer: &mut [u8]) {
        for _ in 0..self.network.config.batch.max(1) {
            let (length, remote) = match self.udp.try_recv_from(buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An ICMP error of an earlier datagram; the transaction's own timer decides.
                Err(_) => continue,
            };
            let counters = &self.network.counters;
            count(&counters.datagrams_in);
            let datagram = &buffer[..length];
            if datagram.iter().all(|octet| matches!(octet, b'\r' | b'\n' | 0)) {
                count(&counters.keep_alives);
                continue;
            }
            match Message::parse(Bytes::copy_from_slice(datagram), &self.network.config.limits) {
                Ok(message) => {
                    self.core
                        .handle_message(now(), Flow::udp(self.local, remote), message);
                    self.flush();
                }
                Err(error) => {
                    tracing::debug!(%error, "datagram holds no sip message");
                    count(&counters.malformed);
                }
            }
        }
    }

    fn accept(&mut self, accepted: io::Result<(TcpStream, SocketAddr)>) {
        match accepted {
            Ok((stream, remote)) => self.network.accept(stream, remote, self.local),
            Err(error) => tracing::warn!(%error, "accept failed"),
        }
    }

    fn serve_connections(&mut self, first: Option<FromConnection>) {
        let Some(mut message) = first else { return };
        for round in 0.. {
            match message {
                FromConnection::Opened { id, local } => self.network.opened(id, local),
                FromConnection::Message { id, message } => {
                    if let Some(flow) = self
                        .network
                        .connections
                        .get(&id)
                        .map(|connection| connection.flow)
                    {
                        self.core.handle_message(now(), flow, message);
                    }
                }
                FromConnection::Closed { id } => self.network.closed(id),
            }
            self.flush();
            if round >= self.network.config.batch {
                return;
            }
            match self.from_connections.try_recv() {
                Ok(next) => message = next,
                Err(_) => return,
            }
        }
    }

    fn follow(&mut self, first: Option<Instruction<C>>) {
        let Some(mut instruction) = first else {
            self.instructions = None;
            let drain = self.network.config.drain_timeout;
            self.stop(drain, None);
            return;
        };
        for round in 0.. {
            match instruction {
                Instruction::Command(command) => self.core.handle_command(now(), command),
                Instruction::CoreStats(reply) => drop(reply.send(self.core.stats())),
                Instruction::Shutdown { drain, done } => self.stop(drain, Some(done)),
            }
            self.flush();
            if round >= self.network.config.batch {
                return;
            }
            match self.instructions.as_mut().map(mpsc::Receiver::try_recv) {
                Some(Ok(next)) => instruction = next,
                _ => return,
            }
        }
    }

    fn stop(&mut self, drain: Duration, done: Option<oneshot::Sender<bool>>) {
        let deadline = Instant::now() + drain;
        let first = self.stopping.is_none();
        let stopping = self.stopping.get_or_insert_with(|| Stopping {
            deadline,
            done: Vec::new(),
        });
        stopping.deadline = stopping.deadline.min(deadline);
        stopping.done.extend(done);
        if first {
            self.listener = None;
            self.core.handle_shutdown(now());
        }
    }

    /// Lets the connections write what they have, then reports.
    async fn finish(mut self, idle: bool) {
        let grace = Duration::from_millis(200);
        self.network.connections.clear();
        self.from_connections.close();
        let tasks = &mut self.network.tasks;
        let _ = tokio::time::timeout(grace, async { while tasks.join_next().await.is_some() {} }).await;
        tasks.abort_all();
        let mut waiting = self
            .stopping
            .take()
            .map_or_else(Vec::new, |stopping| stopping.done);
        // Who asks for the end of what is ending already gets the same answer.
        if let Some(mut instructions) = self.instructions.take() {
            instructions.close();
            while let Some(instruction) = instructions.recv().await {
                if let Instruction::Shutdown { done, .. } = instruction {
                    waiting.push(done);
                }
            }
        }
        for done in waiting {
            let _ = done.send(idle);
        }
    }
}

/// The sending side: the connection table and what waits to be sent.
struct Network {
    config: Arc<EndpointConfig>,
    counters: SharedCounters,
    connections: HashMap<ConnectionId, Connection>,
    /// The newest connection to each address, for messages that name an address.
    by_peer: HashMap<SocketAddr, ConnectionId>,
    /// Incoming connections by host.
    hosts: Hosts,
    next_connection: u64,
    tasks: JoinSet<()>,
    to_driver: mpsc::Sender<FromConnection>,
    datagrams: VecDeque<(SocketAddr, Bytes)>,
    /// Destinations that failed, to be told to the core outside of its own calls.
    failed: VecDeque<Destination>,
}

struct Connection {
    flow: Flow,
    sender: mpsc::Sender<Bytes>,
    /// The peer opened it.
    incoming: bool,
}

impl Network {
    fn send(&mut self, udp: &UdpSocket, transmit: Transmit) {
        let Transmit { destination, payload } = transmit;
        match (destination.protocol(), destination) {
            (TransportProtocol::Udp, _) => self.send_datagram(udp, destination, payload),
            (_, Destination::Flow(flow)) => self.send_stream(flow.connection, destination, payload),
            (_, Destination::Address { remote, .. }) => match self.connection_to(remote) {
                Some(id) => self.send_stream(id, destination, payload),
                None => self.fail(destination),
            },
        }
    }

    fn send_datagram(&mut self, udp: &UdpSocket, destination: Destination, payload: Bytes) {
        let remote = destination.remote();
        if self.datagrams.is_empty() {
            match udp.try_send_to(&payload, remote) {
                Ok(_) => return count(&self.counters.datagrams_out),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    tracing::debug!(%error, "datagram could not be sent");
                    return self.fail(destination);
                }
            }
        }
        if self.datagrams.len() >= self.config.datagram_queue {
            count(&self.counters.datagrams_dropped);
        } else {
            self.datagrams.push_back((remote, payload));
        }
    }

    fn send_waiting(&mut self, udp: &UdpSocket) {
        while let Some((remote, payload)) = self.datagrams.front() {
            match udp.try_send_to(payload, *remote) {
                Ok(_) => count(&self.counters.datagrams_out),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.failed.push_back(Destination::udp(*remote)),
            }
            self.datagrams.pop_front();
        }
    }

    fn send_stream(&mut self, id: ConnectionId, destination: Destination, payload: Bytes) {
        let sent = self
            .connections
            .get(&id)
            .map(|connection| connection.sender.try_send(payload));
        match sent {
            Some(Ok(())) => count(&self.counters.stream_messages_out),
            Some(Err(_)) => {
                // The peer does not read, or the task has just ended: the connection is of no use any more.
                self.closed(id);
                self.fail(destination);
            }
            None => self.fail(destination),
        }
    }

    fn fail(&mut self, destination: Destination) {
        count(&self.counters.send_failures);
        self.failed.push_back(destination);
    }

    /// The connection to that address, opened if there is none.
    fn connection_to(&mut self, remote: SocketAddr) -> Option<ConnectionId> {
        if let Some(id) = self.by_peer.get(&remote) {
            return Some(*id);
        }
        // Our address is known when the connection is open; nothing is received before.
        let unknown = match remote {
            SocketAddr::V4(_) => SocketAddr::from(([0, 0, 0, 0], 0)),
            SocketAddr::V6(_) => SocketAddr::from(([0u16; 8], 0)),
        };
        let (id, link) = self.add(remote, unknown, false)?;
        self.tasks.spawn(connection::connect(remote, link));
        Some(id)
    }

    fn accept(&mut self, stream: TcpStream, remote: SocketAddr, bound: SocketAddr) {
        let local = stream.local_addr().unwrap_or(bound);
        if !self.hosts.admit(remote.ip(), &self.config) {
            tracing::debug!("a host has too many connections");
            return count(&self.counters.connections_refused_by_host);
        }
        match self.add(remote, local, true) {
            Some((_, link)) => {
                count(&self.counters.connections_accepted);
                self.tasks.spawn(connection::accept(stream, link));
            }
            None => self.hosts.leave(remote.ip()),
        }
    }

    fn add(&mut self, remote: SocketAddr, local: SocketAddr, incoming: bool) -> Option<(ConnectionId, Link)> {
        while self.tasks.try_join_next().is_some() {}
        if self.connections.len() >= self.config.max_connections {
            count(&self.counters.connections_refused);
            return None;
        }
        let id = ConnectionId(self.next_connection);
        self.next_connection += 1;
        let (sender, outgoing) = mpsc::channel(self.config.connection_queue.max(1));
        let link = Link {
            id,
            config: self.config.clone(),
            counters: self.counters.clone(),
            to_driver: self.to_driver.clone(),
            pongs: sender.downgrade(),
            outgoing,
        };
        self.connections.insert(
            id,
            Connection {
                flow: Flow::tcp(local, remote, id),
                sender,
                incoming,
            },
        );
        self.by_peer.insert(remote, id);
        Some((id, link))
    }

    fn opened(&mut self, id: ConnectionId, local: SocketAddr) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.flow.local = local;
        }
    }

    fn closed(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        let remote = connection.flow.remote;
        if connection.incoming {
            self.hosts.leave(remote.ip());
        }
        if self.by_peer.get(&remote) == Some(&id) {
            self.by_peer.remove(&remote);
        }
        self.failed.push_back(Destination::Flow(connection.flow));
    }
}

async fn accept_on(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => {
            let accepted = listener.accept().await;
            if accepted.is_err() {
                // Out of file descriptors or the like: do not spin on it.
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            accepted
        }
        None => std::future::pending().await,
    }
}

async fn next_instruction<C: Core>(
    instructions: Option<&mut mpsc::Receiver<Instruction<C>>>,
) -> Option<Instruction<C>> {
    match instructions {
        Some(instructions) => instructions.recv().await,
        None => std::future::pending().await,
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

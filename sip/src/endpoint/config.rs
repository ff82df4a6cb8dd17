//! Configuration of the driver.

use std::net::SocketAddr;
use std::time::Duration;

use crate::message::Limits;

/// Where a driver listens and how much it takes on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndpointConfig {
    /// Address of the UDP socket and the TCP listener; port 0 chooses one that is free for both.
    pub bind: SocketAddr,
    /// Whether to listen on TCP. Outgoing TCP works either way. Default true.
    pub tcp_listener: bool,
    /// Open TCP connections, both directions. More are closed at once and counted. Default 4096.
    pub max_connections: usize,
    /// Open incoming TCP connections of one host: of one IPv4 address, or one IPv6 network of 64 bits. More are closed
    /// at once and counted. Default 64: many phones behind one address translator need more. Loopback has
    /// [`EndpointConfig::max_connections_from_loopback`] instead.
    pub max_connections_per_host: usize,
    /// Open incoming TCP connections from this machine itself. Default 4096.
    pub max_connections_from_loopback: usize,
    /// How long opening a connection may take. Default 5 s.
    pub connect_timeout: Duration,
    /// How long a new incoming connection may stay without a whole message. Default 10 s.
    pub first_message_timeout: Duration,
    /// How long a connection may stay without receiving anything, keep-alives included. Default 1 h: a phone that
    /// registers for an hour and sends no keep-alives stays reachable.
    pub idle_timeout: Duration,
    /// How long writing one message to a connection may take. Default 10 s.
    pub write_timeout: Duration,
    /// Limits of messages, both for datagrams and for streams.
    pub limits: Limits,
    /// Commands that wait for the driver. Default 1024.
    pub command_queue: usize,
    /// Events that wait for the user; what happens beyond is in
    /// [`EndpointEvent::Overflowed`](super::EndpointEvent::Overflowed). Default 8192.
    pub event_queue: usize,
    /// Messages that wait to be written to one connection; a connection with more is closed. Default 256.
    pub connection_queue: usize,
    /// Datagrams that wait while the socket is full; more are dropped and counted. Default 1024.
    pub datagram_queue: usize,
    /// Datagrams, messages or commands handled per wake-up before the others get their turn. Default 64.
    pub batch: usize,
    /// Receive and send buffer asked of the system for the UDP socket, in octets. Default 4 MiB.
    pub socket_buffer_bytes: usize,
    /// How long the driver drains when the last handle is dropped. Default 2 s.
    pub drain_timeout: Duration,
}

impl EndpointConfig {
    /// The default configuration on that address.
    pub fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            tcp_listener: true,
            max_connections: 4096,
            max_connections_per_host: 64,
            max_connections_from_loopback: 4096,
            connect_timeout: Duration::from_secs(5),
            first_message_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(3600),
            write_timeout: Duration::from_secs(10),
            limits: Limits::default(),
            command_queue: 1024,
            event_queue: 8192,
            connection_queue: 256,
            datagram_queue: 1024,
            batch: 64,
            socket_buffer_bytes: 4 << 20,
            drain_timeout: Duration::from_secs(2),
        }
    }

    /// Sets [`EndpointConfig::tcp_listener`].
    pub fn with_tcp_listener(mut self, on: bool) -> Self {
        self.tcp_listener = on;
        self
    }

    /// Sets [`EndpointConfig::max_connections`].
    pub fn with_max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Sets [`EndpointConfig::max_connections_per_host`].
    pub fn with_max_connections_per_host(mut self, connections: usize) -> Self {
        self.max_connections_per_host = connections;
        self
    }

    /// Sets [`EndpointConfig::max_connections_from_loopback`].
    pub fn with_max_connections_from_loopback(mut self, connections: usize) -> Self {
        self.max_connections_from_loopback = connections;
        self
    }

    /// Sets [`EndpointConfig::first_message_timeout`].
    pub fn with_first_message_timeout(mut self, timeout: Duration) -> Self {
        self.first_message_timeout = timeout;
        self
    }

    /// Sets [`EndpointConfig::idle_timeout`].
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets [`EndpointConfig::connect_timeout`].
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets [`EndpointConfig::event_queue`].
    pub fn with_event_queue(mut self, events: usize) -> Self {
        self.event_queue = events;
        self
    }

    /// Sets [`EndpointConfig::limits`].
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

//! The server driver on tokio: sockets and in-process clients around one engine and one switch.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::client::{Events, LocalClient, Session};
use crate::codec::{Tlx1, WireCodec};
use crate::control::{CallControl, RequestError, request};
use crate::engine::{ClientId, TServerConfig, TServerStats};
use crate::message::Message;
use crate::switch::Switch;

mod accept;
mod connection;
mod driver;
mod stats;

pub(crate) use driver::Input;
pub use stats::ServerStats;

use driver::Driver;
use stats::Counters;

/// Settings of the server driver.
///
/// The structure is made by [`ServerConfig::default`] or [`ServerConfig::listening`] and the `with_*`
/// setters; [`ServerConfig::start`] checks it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Where to listen. Default nowhere: in-process clients only.
    pub listeners: Vec<Listener>,
    /// Formats of the frames; the first bytes of a connection decide. Default [`Tlx1`] with its default
    /// limits; at least one, if there is a listener.
    pub codecs: Vec<Arc<dyn WireCodec>>,
    /// Connections at one time; more are closed at once and counted. Default 1024; at least 1.
    pub max_connections: usize,
    /// Time for the TLS handshake and the first message together. Default 5 s; must be > 0.
    pub handshake_timeout: Duration,
    /// Messages that may wait for one client. Default 4096; range 16 to 1048576. A client whose queue is
    /// full is disconnected and counted; all clients share the memory of one event
    /// and of its frame.
    pub client_queue: usize,
    /// Requests of all clients that may wait for the engine. Default 1024; at least 1. If it is full, the
    /// server reads no more from its clients.
    pub input_queue: usize,
    /// Time to write what waits for a client when the server closes the connection. Default 2 s.
    pub drain_timeout: Duration,
}

/// One address to listen on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listener {
    /// Address; port 0 lets the system choose, see [`ServerHandle::local_addrs`].
    pub address: SocketAddr,
    /// TLS from the first byte on; none is plain TCP. See [`tls::server_config`](crate::tls::server_config).
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

impl Listener {
    /// Plain TCP.
    pub const fn tcp(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// TLS.
    pub const fn tls(address: SocketAddr, config: Arc<rustls::ServerConfig>) -> Self {
        Self {
            address,
            tls: Some(config),
        }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            codecs: vec![Arc::new(Tlx1::default())],
            max_connections: 1024,
            handshake_timeout: Duration::from_secs(5),
            client_queue: 4096,
            input_queue: 1024,
            drain_timeout: Duration::from_secs(2),
        }
    }
}

impl ServerConfig {
    /// The defaults, listening on one address for plain TCP.
    pub fn listening(address: SocketAddr) -> Self {
        Self::default().with_listener(Listener::tcp(address))
    }

    /// Adds one of [`ServerConfig::listeners`].
    #[must_use]
    pub fn with_listener(mut self, listener: Listener) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Sets [`ServerConfig::codecs`].
    #[must_use]
    pub fn with_codecs(mut self, codecs: Vec<Arc<dyn WireCodec>>) -> Self {
        self.codecs = codecs;
        self
    }

    /// Sets [`ServerConfig::max_connections`].
    #[must_use]
    pub const fn with_max_connections(mut self, count: usize) -> Self {
        self.max_connections = count;
        self
    }

    /// Sets [`ServerConfig::handshake_timeout`].
    #[must_use]
    pub const fn with_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Sets [`ServerConfig::client_queue`].
    #[must_use]
    pub const fn with_client_queue(mut self, messages: usize) -> Self {
        self.client_queue = messages;
        self
    }

    /// Sets [`ServerConfig::input_queue`].
    #[must_use]
    pub const fn with_input_queue(mut self, requests: usize) -> Self {
        self.input_queue = requests;
        self
    }

    /// Sets [`ServerConfig::drain_timeout`].
    #[must_use]
    pub const fn with_drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    fn check(&self) -> Result<(), ServerError> {
        let range = |field, allowed| Err(ServerError::Range { field, allowed });
        if self.codecs.is_empty() && !self.listeners.is_empty() {
            return range("codecs", "at least one");
        }
        if self.max_connections == 0 || self.max_connections > Semaphore::MAX_PERMITS {
            return range("max_connections", "at least 1");
        }
        if self.handshake_timeout.is_zero() {
            return range("handshake_timeout", "more than 0");
        }
        if !(16..=1 << 20).contains(&self.client_queue) {
            return range("client_queue", "16 to 1048576");
        }
        if self.input_queue == 0 || self.input_queue > Semaphore::MAX_PERMITS {
            return range("input_queue", "at least 1");
        }
        Ok(())
    }

    /// Binds the listeners and starts the server: one task that owns the engine and the switch, and one per
    /// connection. Must run inside a tokio runtime with time and IO.
    ///
    /// # Errors
    ///
    /// [`ServerError`]; then nothing runs.
    pub async fn start(
        self,
        engine: TServerConfig,
        switch: Box<dyn Switch>,
    ) -> Result<ServerHandle, ServerError> {
        self.check()?;
        let mut sockets = Vec::new();
        let mut addresses = Vec::new();
        for listener in &self.listeners {
            let address = listener.address;
            let bind = |source| ServerError::Bind { address, source };
            let socket = TcpListener::bind(address).await.map_err(bind)?;
            addresses.push(socket.local_addr().map_err(bind)?);
            sockets.push(socket);
        }
        let (inputs, receiver) = mpsc::channel(self.input_queue);
        let (leaving, left) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let (running, finished) = mpsc::channel(1);
        let context = Arc::new(Context {
            counters: Counters::default(),
            connections: Arc::new(Semaphore::new(self.max_connections)),
            next_client: AtomicU64::new(1),
            inputs,
            config: self,
        });
        let driver = Driver::new(engine, switch, Arc::clone(&context), receiver, left);
        tokio::spawn(driver.run(stopped.clone(), running.clone()));
        for (socket, listener) in sockets.into_iter().zip(&context.config.listeners) {
            let accept = accept::run(
                socket,
                listener.tls.clone(),
                Arc::clone(&context),
                stopped.clone(),
                running.clone(),
            );
            tokio::spawn(accept);
        }
        for address in &addresses {
            tracing::info!(%address, "t-server listens");
        }
        let inner = HandleInner {
            context,
            addresses,
            leaving,
            stop,
            finished: tokio::sync::Mutex::new(finished),
        };
        Ok(ServerHandle {
            inner: Arc::new(inner),
        })
    }
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A setting is outside its range.
    #[error("{field} must be {allowed}")]
    Range {
        /// Name of the field.
        field: &'static str,
        /// The range in words.
        allowed: &'static str,
    },
    /// An address could not be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What all tasks of a server share.
pub(crate) struct Context {
    pub(crate) config: ServerConfig,
    pub(crate) counters: Counters,
    connections: Arc<Semaphore>,
    next_client: AtomicU64,
    pub(crate) inputs: mpsc::Sender<Input>,
}

impl Context {
    /// A number for a new client; never used again.
    fn client_id(&self) -> ClientId {
        ClientId(self.next_client.fetch_add(1, Ordering::Relaxed))
    }
}

/// A running server. Cheap to clone; the server stops when the last clone is dropped.
#[derive(Clone)]
pub struct ServerHandle {
    inner: Arc<HandleInner>,
}

struct HandleInner {
    context: Arc<Context>,
    addresses: Vec<SocketAddr>,
    leaving: mpsc::UnboundedSender<ClientId>,
    stop: watch::Sender<bool>,
    /// Ends when every task has dropped its sender.
    finished: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle")
            .field("addresses", &self.inner.addresses)
            .field("stats", &self.stats())
            .finish()
    }
}

impl ServerHandle {
    /// Address of the first listener; `None` if there is none.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.inner.addresses.first().copied()
    }

    /// Addresses of the listeners, in the order of the configuration.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.inner.addresses
    }

    /// Counters of the driver.
    pub fn stats(&self) -> ServerStats {
        self.inner.context.counters.read()
    }

    /// Counters of the engine; `None` if the server has stopped.
    pub async fn engine_stats(&self) -> Option<TServerStats> {
        let (sender, receiver) = oneshot::channel();
        let inputs = &self.inner.context.inputs;
        inputs.send(Input::Stats(sender)).await.ok()?;
        receiver.await.ok()
    }

    /// Registers a client of this process under an application name: no sockets, no bytes, the same
    /// requests and events. A client that does not read its events is disconnected as one on the network.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if the server refuses the client or has stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future removes the client.
    pub async fn connect_local(&self, application: &str) -> Result<(LocalClient, Events), RequestError> {
        let context = &self.inner.context;
        let (session, events) = Session::new(context.config.client_queue, LOCAL_REQUEST_TIMEOUT);
        let id = context.client_id();
        session.open();
        let connected = Input::ConnectedLocal {
            client: id,
            session: Arc::clone(&session),
        };
        let sent = context.inputs.send(connected).await;
        sent.map_err(|_| RequestError::Disconnected)?;
        let leaving = self.inner.leaving.clone();
        let client = LocalClient::new(id, context.inputs.clone(), leaving, session);
        let message: Message = request::register_client(application, None);
        client.request(message).await?;
        Ok((client, events))
    }

    /// Stops the server: no new connections, clients get what waits for them within
    /// [`ServerConfig::drain_timeout`], then every task ends.
    ///
    /// # Cancel safety
    ///
    /// The server stops also if the future is dropped.
    pub async fn shutdown(&self) {
        self.inner.stop.send_replace(true);
        // No task sends; the end of the channel is the end of the tasks.
        while self.inner.finished.lock().await.recv().await.is_some() {}
    }
}

/// Time for the answer to a request of an in-process client; the engine answers at once unless the switch
/// is asked first.
const LOCAL_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Waits until the server is told to stop or its handle is dropped.
async fn stop_asked(stopped: &mut watch::Receiver<bool>) {
    // An error means that the handle is gone, which stops the server too.
    let _ = stopped.wait_for(|stop| *stop).await;
}

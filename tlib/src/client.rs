//! The client driver on tokio: requests as futures, events as a stream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::catalog::ErrorCode;
use crate::codec::{EncodeError, Tlx1, WireCodec};
use crate::control::{CallControl, RequestError, request};
use crate::message::Message;
use crate::net::{HIGH_WATER, Link, Progress};
use crate::pii::Pii;

mod events;
mod local;
mod session;

pub use events::Events;
pub use local::LocalClient;
pub(crate) use session::{CloseReason, Session};

/// Settings of a [`Client`].
///
/// The structure is made by [`ClientConfig::new`] and the `with_*` setters.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Where the server listens: `host:port`.
    pub address: String,
    /// `ApplicationName` of the registration.
    pub application_name: String,
    /// `ApplicationPassword`. Default none.
    pub password: Option<Pii<String>>,
    /// TLS; default none: plain TCP.
    pub tls: Option<ClientTls>,
    /// Time for the TCP connection, the TLS handshake and the registration, each. Default 3.6 s; must be > 0.
    ///
    /// Spec: T-Library reference §10.2
    pub connect_timeout: Duration,
    /// Time for the answer to a request. Default 10 s; must be > 0.
    pub request_timeout: Duration,
    /// Events that may wait for the application. Default 4096; range 16 to 1048576. A client whose queue is
    /// full is disconnected: events are never dropped silently.
    pub event_queue: usize,
    /// Format of the frames. Default [`Tlx1`] with its default limits.
    pub codec: Arc<dyn WireCodec>,
}

/// How a client speaks TLS.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientTls {
    /// Trust and certificates; see [`tls::client_config`](crate::tls::client_config).
    pub config: Arc<rustls::ClientConfig>,
    /// Name or address that the server's certificate must carry.
    pub server_name: String,
}

impl ClientTls {
    /// TLS with a configuration, to a server that proves this name.
    pub fn new(config: Arc<rustls::ClientConfig>, server_name: impl Into<String>) -> Self {
        Self {
            config,
            server_name: server_name.into(),
        }
    }
}

impl ClientConfig {
    /// Plain TCP to `address` (`host:port`) under an application name.
    pub fn new(address: impl Into<String>, application_name: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            application_name: application_name.into(),
            password: None,
            tls: None,
            connect_timeout: Duration::from_millis(3600),
            request_timeout: Duration::from_secs(10),
            event_queue: 4096,
            codec: Arc::new(Tlx1::default()),
        }
    }

    /// Sets [`ClientConfig::password`].
    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(Pii::new(password.into()));
        self
    }

    /// Sets [`ClientConfig::tls`].
    #[must_use]
    pub fn with_tls(mut self, tls: ClientTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sets [`ClientConfig::connect_timeout`].
    #[must_use]
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets [`ClientConfig::request_timeout`].
    #[must_use]
    pub const fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets [`ClientConfig::event_queue`].
    #[must_use]
    pub const fn with_event_queue(mut self, events: usize) -> Self {
        self.event_queue = events;
        self
    }

    /// Sets [`ClientConfig::codec`].
    #[must_use]
    pub fn with_codec(mut self, codec: Arc<dyn WireCodec>) -> Self {
        self.codec = codec;
        self
    }

    /// Makes the client and its stream of events. The stream exists before the connection, so that no event
    /// is lost between the two.
    pub fn build(self) -> (Client, Events) {
        let (session, events) = Session::new(self.event_queue, self.request_timeout);
        let inner = Inner {
            config: self,
            session,
            connecting: tokio::sync::Mutex::new(()),
            alive: Arc::new(Semaphore::new(1)),
            connection: Mutex::new(None),
        };
        (
            Client {
                inner: Arc::new(inner),
            },
            events,
        )
    }
}

/// A client of a T-Server over TCP or TLS. Cheap to clone; the connection ends with the last clone.
///
/// Made by [`ClientConfig::build`]. [`Client::connect`] opens the connection and registers the application;
/// after a loss (the stream says `EventServerDisconnected`) it may be called again. Registrations of DNs do
/// not survive a loss.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: ClientConfig,
    session: Arc<Session>,
    /// Held while a connection is made.
    connecting: tokio::sync::Mutex<()>,
    /// Its permit is held by the task of a connection until the end is reported, so that the end of one
    /// connection never falls into the next.
    alive: Arc<Semaphore>,
    connection: Mutex<Option<Connection>>,
}

/// The task of a connection, seen from outside.
#[derive(Debug)]
struct Connection {
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

/// A message to write, and whom to tell whether it could be.
struct Command {
    message: Message,
    written: oneshot::Sender<Result<(), EncodeError>>,
}

/// Commands that may wait for the connection's task.
const COMMANDS: usize = 64;

/// Why a client could not connect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is a connection already.
    #[error("already connected")]
    AlreadyConnected,
    /// The event queue is full: read events first.
    #[error("the event queue is full")]
    EventQueueFull,
    /// TCP or TLS failed.
    #[error("cannot connect to {address}")]
    Io {
        /// Where to.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The name of [`ClientTls::server_name`] is no host name or address.
    #[error("{name:?} is no server name")]
    ServerName {
        /// The name.
        name: String,
    },
    /// The connection was not made within [`ClientConfig::connect_timeout`].
    #[error("no connection to {address} in time")]
    Timeout {
        /// Where to.
        address: String,
    },
    /// The server did not register the client.
    #[error("the server did not register the client")]
    Register(#[source] RequestError),
}

impl Client {
    /// Connects and registers the application. Answers the server's first event: `EventLinkConnected`, or
    /// `EventLinkDisconnected` if the server has no link to its switch. Both also come out of the stream,
    /// after `EventServerConnected`.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]; then there is no connection.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes what was opened.
    pub async fn connect(&self) -> Result<Arc<Message>, ConnectError> {
        let inner = &*self.inner;
        let _alone = inner.connecting.lock().await;
        if self.is_connected() {
            return Err(ConnectError::AlreadyConnected);
        }
        let permit = Arc::clone(&inner.alive).acquire_owned();
        // The semaphore is never closed.
        let permit = inner.in_time(permit).await?.ok();
        if !inner.session.has_room() {
            return Err(ConnectError::EventQueueFull);
        }
        let address = &inner.config.address;
        let stream = inner
            .in_time(TcpStream::connect(address.as_str()))
            .await?
            .map_err(|source| inner.io_error(source))?;
        stream
            .set_nodelay(true)
            .map_err(|source| inner.io_error(source))?;
        let connection = match &inner.config.tls {
            None => inner.start(stream, permit),
            Some(tls) => {
                let name =
                    ServerName::try_from(tls.server_name.clone()).map_err(|_| ConnectError::ServerName {
                        name: tls.server_name.clone(),
                    })?;
                let connector = TlsConnector::from(Arc::clone(&tls.config));
                let stream = inner
                    .in_time(connector.connect(name, stream))
                    .await?
                    .map_err(|source| inner.io_error(source))?;
                inner.start(stream, permit)
            }
        };
        *inner.connection() = Some(connection);
        // Until the registration is answered, leaving this function closes the connection.
        let guard = CloseOnDrop(Some(inner));
        let password = inner.config.password.as_ref();
        let message = request::register_client(
            &inner.config.application_name,
            password.map(|password| password.reveal().as_str()),
        );
        let answer = inner
            .in_time(self.request(message))
            .await?
            .map_err(ConnectError::Register)?;
        guard.disarm();
        Ok(answer)
    }

    /// Whether there is a connection now.
    pub fn is_connected(&self) -> bool {
        let connection = self.inner.connection();
        connection
            .as_ref()
            .is_some_and(|connection| !connection.commands.is_closed())
    }

    /// Closes the connection after what was sent is written, and waits for the end. The stream then says
    /// `EventServerDisconnected`. Without a connection nothing happens.
    ///
    /// # Cancel safety
    ///
    /// The connection closes also if the future is dropped.
    pub async fn disconnect(&self) {
        let connection = self.inner.connection().take();
        if let Some(Connection { commands, task }) = connection {
            drop(commands);
            // The task never panics; if the runtime stops, there is nothing to wait for.
            let _ = task.await;
        }
    }

    /// Queues a message for the connection's task and waits until it is encoded.
    async fn write(&self, message: Message) -> Result<(), RequestError> {
        let commands = self
            .inner
            .connection()
            .as_ref()
            .map(|connection| connection.commands.clone())
            .ok_or(RequestError::Disconnected)?;
        let (written, result) = oneshot::channel();
        commands
            .send(Command { message, written })
            .await
            .map_err(|_| RequestError::Disconnected)?;
        result
            .await
            .map_err(|_| RequestError::Disconnected)?
            .map_err(RequestError::Encode)
    }
}

#[async_trait]
impl CallControl for Client {
    async fn request(&self, message: Message) -> Result<Arc<Message>, RequestError> {
        let session = &self.inner.session;
        session.request(message, |message| self.write(message)).await
    }

    async fn send(&self, message: Message) -> Result<(), RequestError> {
        self.write(message).await
    }
}

impl Inner {
    fn connection(&self) -> MutexGuard<'_, Option<Connection>> {
        // Nothing panics while the lock is held, and the value is whole at every moment.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, ConnectError> {
        tokio::time::timeout(self.config.connect_timeout, work)
            .await
            .map_err(|_| ConnectError::Timeout {
                address: self.config.address.clone(),
            })
    }

    fn io_error(&self, source: std::io::Error) -> ConnectError {
        ConnectError::Io {
            address: self.config.address.clone(),
            source,
        }
    }

    fn start<S>(&self, stream: S, permit: Option<OwnedSemaphorePermit>) -> Connection
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let link = Link::new(stream, Arc::clone(&self.config.codec), BytesMut::new());
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let session = Arc::clone(&self.session);
        session.open();
        let timeout = self.config.connect_timeout;
        let task = tokio::spawn(async move {
            let reason = run(link, receiver, &session, timeout).await;
            tracing::info!(reason = reason.text(), "connection to the t-server closed");
            session.close(&reason);
            drop(permit);
        });
        Connection { commands, task }
    }
}

/// Drops a connection that was not registered.
struct CloseOnDrop<'a>(Option<&'a Inner>);

impl CloseOnDrop<'_> {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(inner) = self.0 {
            *inner.connection() = None;
        }
    }
}

/// Carries frames until one side ends the connection; answers why it ended.
async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    mut link: Link<S>,
    mut commands: mpsc::Receiver<Command>,
    session: &Session,
    drain: Duration,
) -> CloseReason {
    loop {
        loop {
            match link.next_frame() {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    if session.deliver(Arc::new(frame.message)).is_err() {
                        return CloseReason::EventQueueFull;
                    }
                }
                Err(error) => return CloseReason::Malformed(error),
            }
        }
        tokio::select! {
            command = commands.recv(), if link.backlog() < HIGH_WATER => match command {
                Some(command) => {
                    let result = link.queue(&command.message, None);
                    // The asking side may have given up.
                    let _ = command.written.send(result);
                }
                None => {
                    // A server that does not read cannot hold the close up for longer than this.
                    let _ = tokio::time::timeout(drain, link.finish()).await;
                    return CloseReason::Asked;
                }
            },
            progress = link.progress(true) => match progress {
                Ok(Progress::Closed) => return CloseReason::Peer,
                Ok(Progress::Read | Progress::Wrote) => {}
                Err(error) => return CloseReason::Io(error),
            },
        }
    }
}

impl ErrorCode {
    /// Connection layer: the connection is closed.
    ///
    /// Spec: T-Library reference §3.1, client-side codes
    pub const CONNECTION_CLOSED: Self = Self(-6);
    /// Connection layer: the peer broke the protocol.
    ///
    /// Spec: T-Library reference §3.1, client-side codes
    pub const PROTOCOL_ERROR: Self = Self(-8);
    /// Connection layer: no room in the queue.
    ///
    /// Spec: T-Library reference §3.1, client-side codes
    pub const NO_QUEUE: Self = Self(-4);
}

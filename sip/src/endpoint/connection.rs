//! One TCP connection: a task that reads messages, writes messages and keeps the deadlines.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::config::EndpointConfig;
use super::stats::{SharedCounters, count};
use crate::codec::{Frame, StreamDecoder};
use crate::message::Message;
use crate::transport::ConnectionId;

/// Answer to a keep-alive. Spec: RFC 5626 §3.5.1
const PONG: &[u8] = b"\r\n";

/// What a connection tells the driver.
pub(super) enum FromConnection {
    /// An outgoing connection is open; this is our address.
    Opened { id: ConnectionId, local: SocketAddr },
    /// A message came in.
    Message { id: ConnectionId, message: Message },
    /// The connection is gone.
    Closed { id: ConnectionId },
}

/// What a connection task needs.
pub(super) struct Link {
    pub(super) id: ConnectionId,
    pub(super) config: Arc<EndpointConfig>,
    pub(super) counters: SharedCounters,
    pub(super) to_driver: mpsc::Sender<FromConnection>,
    /// For keep-alive answers: weak, so that the driver closes the connection by dropping its sender.
    pub(super) pongs: mpsc::WeakSender<Bytes>,
    pub(super) outgoing: mpsc::Receiver<Bytes>,
}

/// Opens a connection, then serves it. Messages may be queued before it is open.
pub(super) async fn connect(remote: SocketAddr, link: Link) {
    let id = link.id;
    let to_driver = link.to_driver.clone();
    match timeout(link.config.connect_timeout, open(remote)).await {
        Ok(Ok((stream, local))) => {
            count(&link.counters.connections_opened);
            if to_driver.send(FromConnection::Opened { id, local }).await.is_ok() {
                serve(stream, link, None).await;
            }
        }
        Ok(Err(_)) | Err(_) => {
            count(&link.counters.connect_failures);
            let _ = to_driver.send(FromConnection::Closed { id }).await;
        }
    }
}

/// Serves a connection that came in.
pub(super) async fn accept(stream: TcpStream, link: Link) {
    let first = link.config.first_message_timeout;
    serve(stream, link, Some(first)).await;
}

async fn open(remote: SocketAddr) -> io::Result<(TcpStream, SocketAddr)> {
    let stream = TcpStream::connect(remote).await?;
    let local = stream.local_addr()?;
    Ok((stream, local))
}

async fn serve(stream: TcpStream, link: Link, first: Option<Duration>) {
    let Link {
        id,
        config,
        counters,
        to_driver,
        pongs,
        outgoing,
    } = link;
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    let reading = read(reader, id, first, &config, &counters, &to_driver, &pongs);
    let writing = write(writer, outgoing, config.write_timeout);
    tokio::select! {
        () = reading => {}
        () = writing => {}
    }
    count(&counters.connections_closed);
    let _ = to_driver.send(FromConnection::Closed { id }).await;
}

async fn read(
    mut reader: OwnedReadHalf,
    id: ConnectionId,
    first: Option<Duration>,
    config: &EndpointConfig,
    counters: &SharedCounters,
    to_driver: &mpsc::Sender<FromConnection>,
    pongs: &mpsc::WeakSender<Bytes>,
) {
    let mut decoder = StreamDecoder::new(config.limits);
    let mut buffer = BytesMut::with_capacity(8192);
    // The deadline of the first message is absolute: octets that trickle in do not move it.
    let mut deadline = first.map(|limit| tokio::time::Instant::now() + limit);
    loop {
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(Frame::Message(message))) => {
                    deadline = None;
                    count(&counters.stream_messages_in);
                    if to_driver
                        .send(FromConnection::Message { id, message })
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
                Ok(Some(Frame::Ping)) => {
                    deadline = None;
                    count(&counters.keep_alives);
                    if let Some(sender) = pongs.upgrade() {
                        let _ = sender.try_send(Bytes::from_static(PONG));
                    }
                }
                Ok(Some(_)) => count(&counters.keep_alives),
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(connection = id.0, %error, "stream holds no sip message");
                    count(&counters.malformed);
                    return;
                }
            }
        }
        let until = deadline.unwrap_or_else(|| tokio::time::Instant::now() + config.idle_timeout);
        match tokio::time::timeout_at(until, reader.read_buf(&mut buffer)).await {
            Ok(Ok(0)) | Ok(Err(_)) | Err(_) => return,
            Ok(Ok(_)) => {}
        }
    }
}

async fn write(mut writer: OwnedWriteHalf, mut outgoing: mpsc::Receiver<Bytes>, limit: Duration) {
    while let Some(bytes) = outgoing.recv().await {
        match timeout(limit, writer.write_all(&bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
    let _ = timeout(limit, writer.shutdown()).await;
}

//! One connection: handshake, then frames both ways until either side ends it.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot, watch};

use super::driver::{Input, Outgoing};
use super::{Context, stop_asked};
use crate::catalog::{AttributeId, ErrorCode, MessageType};
use crate::codec::{DecodeError, Probe};
use crate::engine::ClientId;
use crate::message::Message;
use crate::net::{HIGH_WATER, Link, Progress};

/// A connection before its stream is ready.
pub(super) struct Connection {
    context: Arc<Context>,
    stopped: watch::Receiver<bool>,
}

/// Bytes that a format may need to be recognised.
const PROBE_BYTES: usize = 64;

/// Bytes that a connection may hold before it is registered.
const FIRST_FRAME_BYTES: usize = 64 * 1024;

/// Why the handshake failed.
#[derive(Debug, thiserror::Error)]
enum HandshakeError {
    #[error("transport failed: {0}")]
    Io(io::Error),
    #[error("unknown format")]
    UnknownFormat,
    #[error("malformed frame: {0}")]
    Malformed(DecodeError),
    #[error("closed by the peer")]
    Closed,
    #[error("the first message is no registration")]
    FirstMessage,
    #[error("the first message is too large")]
    TooLarge,
    #[error("no registration in time")]
    TimedOut,
}

/// How the exchange of frames ended.
enum End {
    /// The peer or the transport.
    Peer,
    /// The peer sent a malformed frame.
    Malformed(DecodeError),
    /// The queue is closed: write what waits, then close.
    Drain,
    /// The client is too slow: close at once.
    Abort,
    /// The engine is gone.
    Stopped,
}

impl Connection {
    pub(super) const fn new(context: Arc<Context>, stopped: watch::Receiver<bool>) -> Self {
        Self { context, stopped }
    }

    /// Runs the connection over the stream that `opening` gives.
    pub(super) async fn run<S>(mut self, opening: impl Future<Output = io::Result<S>>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let limit = self.context.config.handshake_timeout;
        let handshake = async {
            let stream = opening.await.map_err(HandshakeError::Io)?;
            let mut link = self.context.open_link(stream).await?;
            let first = first_message(&mut link).await?;
            Ok((link, first))
        };
        let result = tokio::select! {
            result = tokio::time::timeout(limit, handshake) => {
                result.unwrap_or(Err(HandshakeError::TimedOut))
            }
            () = stop_asked(&mut self.stopped) => return,
        };
        match result {
            Ok((link, first)) => self.registered(link, first).await,
            Err(error) => {
                let counters = &self.context.counters;
                counters.handshakes_failed_total.add();
                if matches!(error, HandshakeError::Malformed(_)) {
                    counters.malformed_total.add();
                }
                tracing::warn!(%error, "connection closed before its registration");
            }
        }
    }

    async fn registered<S>(&self, mut link: Link<S>, first: Message)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let client = self.context.client_id();
        let (queue, outgoing) = mpsc::channel(self.context.config.client_queue);
        let (abort, aborted) = oneshot::channel();
        let inputs = &self.context.inputs;
        let connected = Input::Connected { client, queue, abort };
        if inputs.send(connected).await.is_err() {
            return;
        }
        tracing::info!(client = client.0, "client connected");
        let end = self.exchange(&mut link, client, first, outgoing, aborted).await;
        match &end {
            End::Malformed(error) => {
                self.context.counters.malformed_total.add();
                tracing::warn!(client = client.0, %error, "client sent a malformed frame");
            }
            End::Drain => {
                let drain = self.context.config.drain_timeout;
                // The peer may have closed its side already, or may not read in time.
                let _ = tokio::time::timeout(drain, link.finish()).await;
            }
            End::Peer | End::Abort | End::Stopped => {}
        }
        drop(link);
        tracing::info!(client = client.0, "client disconnected");
        // A server that has stopped needs no notice.
        let _ = inputs.send(Input::Disconnected { client }).await;
    }

    async fn exchange<S>(
        &self,
        link: &mut Link<S>,
        client: ClientId,
        first: Message,
        mut outgoing: mpsc::Receiver<Outgoing>,
        mut aborted: oneshot::Receiver<()>,
    ) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut request = Some(first);
        let mut may_abort = true;
        loop {
            if request.is_none() {
                match link.next_frame() {
                    Ok(frame) => request = frame.map(|frame| frame.message),
                    Err(error) => return End::Malformed(error),
                }
            }
            tokio::select! {
                result = &mut aborted, if may_abort => match result {
                    Ok(()) => return End::Abort,
                    // The driver let the client go in peace; the queue says when.
                    Err(_) => may_abort = false,
                },
                permit = self.context.inputs.reserve(), if request.is_some() => {
                    let Ok(permit) = permit else { return End::Stopped };
                    if let Some(message) = request.take() {
                        permit.send(Input::Request { client, message });
                    }
                }
                message = outgoing.recv(), if link.backlog() < HIGH_WATER => {
                    let Some(message) = message else { return End::Drain };
                    if let Some(end) = self.queue(link, client, message, &mut outgoing) {
                        return end;
                    }
                }
                progress = link.progress(request.is_none()) => match progress {
                    Ok(Progress::Read | Progress::Wrote) => {}
                    Ok(Progress::Closed) | Err(_) => return End::Peer,
                },
            }
        }
    }

    /// Encodes a message and those that wait behind it, up to the high-water mark.
    fn queue<S>(
        &self,
        link: &mut Link<S>,
        client: ClientId,
        message: Outgoing,
        outgoing: &mut mpsc::Receiver<Outgoing>,
    ) -> Option<End>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut next = Some(message);
        while let Some(sent) = next.take() {
            let (message, reference) = (&sent.message, sent.reference);
            let queued = match &sent.frames {
                Some(frames) => link.queue_shared(message, reference, frames),
                None => link.queue(message, reference),
            };
            if let Err(error) = queued {
                // Leaving the event out would be a silent loss.
                self.context.counters.unencodable_total.add();
                let kind = message.message_type;
                tracing::error!(client = client.0, %kind, %error, "client disconnected: message too large");
                return Some(End::Drain);
            }
            if link.backlog() < HIGH_WATER {
                match outgoing.try_recv() {
                    Ok(message) => next = Some(message),
                    Err(TryRecvError::Empty) => {}
                    Err(TryRecvError::Disconnected) => return Some(End::Drain),
                }
            }
        }
        None
    }
}

impl Context {
    /// Reads until the first bytes tell the format.
    async fn open_link<S>(&self, mut stream: S) -> Result<Link<S>, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut input = BytesMut::with_capacity(PROBE_BYTES);
        loop {
            match stream.read_buf(&mut input).await {
                Ok(0) => return Err(HandshakeError::Closed),
                Ok(_) => {}
                Err(error) => return Err(HandshakeError::Io(error)),
            }
            let mut open = false;
            for codec in &self.config.codecs {
                match codec.probe(&input) {
                    Probe::Match => return Ok(Link::new(stream, Arc::clone(codec), input)),
                    Probe::NeedMore => open = true,
                    Probe::NoMatch => {}
                }
            }
            if !open || input.len() >= PROBE_BYTES {
                return Err(HandshakeError::UnknownFormat);
            }
        }
    }
}

/// The first message, which must be the registration; any other is refused with an answer.
async fn first_message<S>(link: &mut Link<S>) -> Result<Message, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        if let Some(frame) = link.next_frame().map_err(HandshakeError::Malformed)? {
            if frame.message.message_type == MessageType::REQUEST_REGISTER_CLIENT {
                return Ok(frame.message);
            }
            let answer = Message::new(MessageType::EVENT_ERROR)
                .with(AttributeId::ERROR_CODE, ErrorCode::INVALID_STATE)
                .with(
                    AttributeId::ERROR_MESSAGE,
                    "the first message must be RequestRegisterClient",
                );
            // The frame is small and the peer is gone in any case.
            if link.queue(&answer, frame.head.reference).is_ok() {
                let _ = link.finish().await;
            }
            return Err(HandshakeError::FirstMessage);
        }
        if link.unread() > FIRST_FRAME_BYTES {
            return Err(HandshakeError::TooLarge);
        }
        match link.progress(true).await {
            Ok(Progress::Closed) => return Err(HandshakeError::Closed),
            Ok(_) => {}
            Err(error) => return Err(HandshakeError::Io(error)),
        }
    }
}

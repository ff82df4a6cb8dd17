//! Requests that wait for an answer, and the queue of events; the same for every kind of client.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::Events;
use crate::catalog::{AttributeId, ErrorCode, MessageType};
use crate::codec::DecodeError;
use crate::control::RequestError;
use crate::id::ReferenceId;
use crate::message::Message;

/// State of a client that outlives its connections.
#[derive(Debug)]
pub(crate) struct Session {
    pending: Mutex<Pending>,
    events: mpsc::Sender<Arc<Message>>,
    timeout: Duration,
}

#[derive(Debug, Default)]
struct Pending {
    /// No connection since the last one ended.
    closed: bool,
    last: u32,
    waiting: BTreeMap<ReferenceId, oneshot::Sender<Arc<Message>>>,
}

/// Room of the event queue that only `EventServerConnected` and `EventServerDisconnected` may use.
const RESERVED: usize = 2;

/// The event queue is full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

/// Why a connection ended.
#[derive(Debug)]
pub(crate) enum CloseReason {
    /// The application closed it.
    Asked,
    /// The server closed it.
    Peer,
    /// The transport failed.
    Io(io::Error),
    /// The server sent a malformed frame.
    Malformed(DecodeError),
    /// The application did not read its events.
    EventQueueFull,
}

impl CloseReason {
    /// In words, for logs and `ErrorMessage`.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Asked => "closed by the application".to_owned(),
            Self::Peer => "closed by the server".to_owned(),
            Self::Io(error) => format!("transport failed: {error}"),
            Self::Malformed(error) => format!("malformed frame: {error}"),
            Self::EventQueueFull => "events were not read in time".to_owned(),
        }
    }

    const fn code(&self) -> ErrorCode {
        match self {
            Self::Asked | Self::Peer | Self::Io(_) => ErrorCode::CONNECTION_CLOSED,
            Self::Malformed(_) => ErrorCode::PROTOCOL_ERROR,
            Self::EventQueueFull => ErrorCode::NO_QUEUE,
        }
    }
}

impl Session {
    pub(crate) fn new(event_queue: usize, timeout: Duration) -> (Arc<Self>, Events) {
        let size = event_queue.clamp(16, 1 << 20) + RESERVED;
        let (events, receiver) = mpsc::channel(size);
        let session = Self {
            pending: Mutex::default(),
            events,
            timeout,
        };
        (Arc::new(session), Events::new(receiver))
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // Nothing panics while the lock is held, and the maps are whole at every moment.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a new connection can report its beginning and its end, and at least one event between.
    pub(crate) fn has_room(&self) -> bool {
        self.events.is_closed() || self.events.capacity() > RESERVED
    }

    /// Whether the last connection ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.pending().closed
    }

    /// Reports a new connection.
    pub(crate) fn open(&self) {
        self.pending().closed = false;
        let event = Message::new(MessageType::EVENT_SERVER_CONNECTED);
        // `has_room` was asked before, or nobody listens.
        let _ = self.events.try_send(Arc::new(event));
    }

    /// Takes a message from the server: first into the stream, then to the request that waits for it.
    pub(crate) fn deliver(&self, message: Arc<Message>) -> Result<(), Overflow> {
        if !self.events.is_closed() {
            if self.events.capacity() <= RESERVED {
                return Err(Overflow);
            }
            // Only a receiver that was dropped just now can refuse it.
            let _ = self.events.try_send(Arc::clone(&message));
        }
        if let Some(reference) = message.reference_id() {
            let waiting = self.pending().waiting.remove(&reference);
            if let Some(waiting) = waiting {
                // A request that was dropped just now wants no answer.
                let _ = waiting.send(message);
            }
        }
        Ok(())
    }

    /// Ends every request that waits and reports the end of the connection.
    pub(crate) fn close(&self, reason: &CloseReason) {
        {
            let mut pending = self.pending();
            pending.closed = true;
            // Dropping the senders ends the requests.
            pending.waiting.clear();
        }
        let event = Message::new(MessageType::EVENT_SERVER_DISCONNECTED)
            .with(AttributeId::ERROR_CODE, reason.code())
            .with(AttributeId::ERROR_MESSAGE, reason.text());
        // The reserved room is for this event; nobody may listen.
        let _ = self.events.try_send(Arc::new(event));
    }

    /// Sends a request under a new reference id and waits for its answer.
    pub(crate) async fn request<F>(
        &self,
        mut message: Message,
        send: impl FnOnce(Message) -> F,
    ) -> Result<Arc<Message>, RequestError>
    where
        F: Future<Output = Result<(), RequestError>>,
    {
        let (ticket, answer) = self.begin();
        message.remove(AttributeId::REFERENCE_ID);
        message.push_front(AttributeId::REFERENCE_ID, ticket.reference);
        let exchange = async {
            send(message).await?;
            answer.await.map_err(|_| RequestError::Disconnected)
        };
        let event = tokio::time::timeout(self.timeout, exchange)
            .await
            .map_err(|_| RequestError::Timeout)??;
        if event.message_type == MessageType::EVENT_ERROR {
            return Err(RequestError::from_event(&event));
        }
        Ok(event)
    }

    /// A new reference id with its place in the table.
    fn begin(&self) -> (Ticket<'_>, oneshot::Receiver<Arc<Message>>) {
        let (sender, receiver) = oneshot::channel();
        let mut pending = self.pending();
        let reference = loop {
            pending.last = pending.last.wrapping_add(1);
            let reference = ReferenceId(pending.last);
            let reserved = reference == ReferenceId::NO_ANSWER || reference.0 == 0;
            if !reserved && !pending.waiting.contains_key(&reference) {
                break reference;
            }
        };
        pending.waiting.insert(reference, sender);
        drop(pending);
        let ticket = Ticket {
            session: self,
            reference,
        };
        (ticket, receiver)
    }
}

/// Frees the reference id of a request that was dropped or ran out of time.
struct Ticket<'a> {
    session: &'a Session,
    reference: ReferenceId,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.session.pending().waiting.remove(&self.reference);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: MessageType, reference: u32) -> Arc<Message> {
        Arc::new(Message::new(kind).with(AttributeId::REFERENCE_ID, ReferenceId(reference)))
    }

    #[tokio::test]
    async fn reference_ids_skip_reserved_and_waiting_ones() {
        let (session, _events) = Session::new(16, Duration::from_secs(1));
        session.pending().last = u32::MAX - 2;
        let (first, _answer) = session.begin();
        let (second, _answer) = session.begin();
        assert_eq!(first.reference, ReferenceId(u32::MAX - 1));
        assert_eq!(second.reference, ReferenceId(1));
        session.pending().last = u32::MAX - 2;
        let (third, _answer) = session.begin();
        assert_eq!(third.reference, ReferenceId(2));
        drop((first, second, third));
        assert!(session.pending().waiting.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_an_answer_times_out_and_frees_its_place() {
        let (session, _events) = Session::new(16, Duration::from_secs(3));
        let message = Message::new(MessageType::REQUEST_QUERY_SERVER);
        let result = session.request(message, |_| async { Ok(()) }).await;
        assert_eq!(result, Err(RequestError::Timeout));
        assert!(session.pending().waiting.is_empty());
    }

    #[tokio::test]
    async fn a_refusal_becomes_an_error_with_code_and_text() {
        let (session, mut events) = Session::new(16, Duration::from_secs(3));
        let message =
            Message::new(MessageType::REQUEST_QUERY_SERVER).with(AttributeId::REFERENCE_ID, ReferenceId(99));
        let answer = |message: Message| {
            assert_eq!(message.reference_id(), Some(ReferenceId(1)));
            let event = Message::new(MessageType::EVENT_ERROR)
                .with(AttributeId::REFERENCE_ID, ReferenceId(1))
                .with(AttributeId::ERROR_CODE, ErrorCode::INVALID_CONN_ID)
                .with(AttributeId::ERROR_MESSAGE, "no such call");
            session.deliver(Arc::new(event)).unwrap();
            async { Ok(()) }
        };
        let error = session.request(message, answer).await.unwrap_err();
        assert_eq!(
            error,
            RequestError::Refused {
                code: ErrorCode::INVALID_CONN_ID,
                text: "no such call".to_owned()
            }
        );
        assert_eq!(error.to_string(), "refused with code 56: no such call");
        let seen = events.next().await.unwrap();
        assert_eq!(seen.message_type, MessageType::EVENT_ERROR);
    }

    #[tokio::test]
    async fn a_full_queue_is_an_overflow_and_keeps_room_for_the_last_event() {
        let (session, mut events) = Session::new(16, Duration::from_secs(3));
        session.open();
        let mut delivered = 0;
        while session.deliver(event(MessageType::EVENT_ACK, 7)).is_ok() {
            delivered += 1;
        }
        session.close(&CloseReason::EventQueueFull);
        assert_eq!(delivered, 15);
        assert!(!session.has_room());
        let mut kinds = Vec::new();
        while let Some(event) = events.try_next() {
            kinds.push(event.message_type);
        }
        assert_eq!(kinds.len(), 17);
        assert_eq!(kinds[0], MessageType::EVENT_SERVER_CONNECTED);
        assert_eq!(kinds[16], MessageType::EVENT_SERVER_DISCONNECTED);
        assert!(session.has_room());
    }

    #[tokio::test]
    async fn a_closed_connection_ends_the_requests_that_wait() {
        let (session, events) = Session::new(16, Duration::from_secs(3));
        drop(events);
        let message = Message::new(MessageType::REQUEST_QUERY_SERVER);
        let result = session
            .request(message, |_| async {
                session.close(&CloseReason::Peer);
                Ok(())
            })
            .await;
        assert_eq!(result, Err(RequestError::Disconnected));
    }

    #[tokio::test]
    async fn a_client_without_a_stream_still_gets_answers() {
        let (session, events) = Session::new(16, Duration::from_secs(3));
        drop(events);
        for _ in 0..100 {
            let message = Message::new(MessageType::REQUEST_SET_INPUT_MASK);
            let answer = session
                .request(message, |message| {
                    let reference = message.reference_id().unwrap();
                    let answer = event(MessageType::EVENT_ACK, reference.0);
                    session.deliver(answer).unwrap();
                    async { Ok(()) }
                })
                .await;
            assert_eq!(answer.unwrap().message_type, MessageType::EVENT_ACK);
        }
    }
}

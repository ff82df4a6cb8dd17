//! The stream of events of a client.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::mpsc;

use crate::message::Message;

/// The events that a client receives, in the order of the server, answers to requests among them.
///
/// Two events come from the client itself: `EventServerConnected` when a connection is open, and
/// `EventServerDisconnected` with `ErrorCode` and `ErrorMessage` when it has ended. The stream goes on over
/// any number of connections and ends when every handle of the client is dropped.
///
/// The queue behind the stream is bounded. A client whose application does not keep up is disconnected, with
/// the code [`ErrorCode::NO_QUEUE`](crate::catalog::ErrorCode::NO_QUEUE) after the last event that had room.
/// An application that wants no events drops the stream.
#[derive(Debug)]
pub struct Events {
    receiver: mpsc::Receiver<Arc<Message>>,
}

impl Events {
    pub(super) const fn new(receiver: mpsc::Receiver<Arc<Message>>) -> Self {
        Self { receiver }
    }

    /// The next event; `None` when every handle of the client is dropped.
    ///
    /// # Cancel safety
    ///
    /// No event is lost.
    pub async fn next(&mut self) -> Option<Arc<Message>> {
        self.receiver.recv().await
    }

    /// The next event if one waits.
    pub fn try_next(&mut self) -> Option<Arc<Message>> {
        self.receiver.try_recv().ok()
    }
}

impl Stream for Events {
    type Item = Arc<Message>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(cx)
    }
}

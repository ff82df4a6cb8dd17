//! The in-process client: the same interface as over the network, without sockets and bytes.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::Session;
use crate::control::{CallControl, RequestError};
use crate::engine::ClientId;
use crate::message::Message;
use crate::server::Input;

/// A client in the process of the server; made by
/// [`ServerHandle::connect_local`](crate::server::ServerHandle::connect_local). Cheap to clone; the server
/// forgets the client when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct LocalClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: ClientId,
    inputs: mpsc::Sender<Input>,
    leaving: mpsc::UnboundedSender<ClientId>,
    session: Arc<Session>,
}

impl LocalClient {
    pub(crate) fn new(
        client: ClientId,
        inputs: mpsc::Sender<Input>,
        leaving: mpsc::UnboundedSender<ClientId>,
        session: Arc<Session>,
    ) -> Self {
        let inner = Inner {
            client,
            inputs,
            leaving,
            session,
        };
        Self {
            inner: Arc::new(inner),
        }
    }
}

#[async_trait]
impl CallControl for LocalClient {
    async fn request(&self, message: Message) -> Result<Arc<Message>, RequestError> {
        let session = &self.inner.session;
        session.request(message, |message| self.send(message)).await
    }

    async fn send(&self, message: Message) -> Result<(), RequestError> {
        if self.inner.session.is_closed() {
            return Err(RequestError::Disconnected);
        }
        let input = Input::Request {
            client: self.inner.client,
            message,
        };
        let sent = self.inner.inputs.send(input).await;
        sent.map_err(|_| RequestError::Disconnected)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A server that has stopped needs no notice. The queue holds one entry per client at most.
        let _ = self.leaving.send(self.client);
    }
}

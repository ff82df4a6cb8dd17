//! The task that owns the engine and the switch.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Context, stop_asked};
use crate::catalog::AttributeId;
use crate::client::{CloseReason, Session};
use crate::engine::{ClientId, ClientInput, Output, TServer, TServerConfig, TServerStats};
use crate::id::ReferenceId;
use crate::message::Message;
use crate::net::SharedFrames;
use crate::switch::Switch;

/// What reaches the driver's task.
pub(crate) enum Input {
    /// A connection registers.
    Connected {
        client: ClientId,
        queue: mpsc::Sender<Outgoing>,
        abort: oneshot::Sender<()>,
    },
    /// An in-process client registers.
    ConnectedLocal { client: ClientId, session: Arc<Session> },
    /// A message of a client.
    Request { client: ClientId, message: Message },
    /// A connection has ended.
    Disconnected { client: ClientId },
    /// Somebody asks for the engine's counters.
    Stats(oneshot::Sender<TServerStats>),
}

/// A message on its way to a connection.
pub(crate) struct Outgoing {
    pub(crate) message: Arc<Message>,
    pub(crate) reference: Option<ReferenceId>,
    /// Where it shares its frame with the other receivers; none if it is the only one.
    pub(crate) frames: Option<Arc<SharedFrames>>,
}

/// The message that is given to one receiver after the other.
#[derive(Default)]
struct Sharing(Option<(Arc<Message>, Arc<SharedFrames>)>);

impl Sharing {
    /// The engine gives the receivers of a message one after the other, so the first one sees those that follow.
    fn frames(&mut self, message: &Arc<Message>) -> Option<Arc<SharedFrames>> {
        match &self.0 {
            Some((last, frames)) if Arc::ptr_eq(last, message) => return Some(Arc::clone(frames)),
            _ if Arc::strong_count(message) == 1 => self.0 = None,
            _ => self.0 = Some((Arc::clone(message), Arc::default())),
        }
        self.0.as_ref().map(|(_, frames)| Arc::clone(frames))
    }
}

/// Where the messages of a client go.
enum Slot {
    Remote {
        queue: mpsc::Sender<Outgoing>,
        abort: oneshot::Sender<()>,
    },
    Local(Arc<Session>),
}

/// Inputs taken before the switch and the timers get their turn.
const BATCH: usize = 64;

pub(super) struct Driver {
    engine: TServer,
    switch: Box<dyn Switch>,
    clients: BTreeMap<ClientId, Slot>,
    context: Arc<Context>,
    inputs: mpsc::Receiver<Input>,
    left: mpsc::UnboundedReceiver<ClientId>,
}

impl Driver {
    pub(super) fn new(
        engine: TServerConfig,
        switch: Box<dyn Switch>,
        context: Arc<Context>,
        inputs: mpsc::Receiver<Input>,
        left: mpsc::UnboundedReceiver<ClientId>,
    ) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the driver reads the time of day once")]
        let wall = SystemTime::now();
        Self {
            engine: TServer::new(engine, now(), wall),
            switch,
            clients: BTreeMap::new(),
            context,
            inputs,
            left,
        }
    }

    /// Runs until the server is told to stop.
    pub(super) async fn run(mut self, mut stopped: watch::Receiver<bool>, running: mpsc::Sender<()>) {
        loop {
            self.carry_out();
            let deadline = [self.engine.poll_timeout(), self.switch.poll_timeout()]
                .into_iter()
                .flatten()
                .min();
            let due = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            let switch = &mut self.switch;
            tokio::select! {
                () = stop_asked(&mut stopped) => break,
                Some(input) = self.inputs.recv() => self.take_batch(input),
                Some(client) = self.left.recv() => self.remove(client),
                event = poll_fn(|cx| switch.poll_event(now(), cx)) => {
                    self.engine.handle_switch(now(), event);
                }
                () = due => {
                    let now = now();
                    self.engine.handle_timeout(now);
                    self.switch.handle_timeout(now);
                }
            }
        }
        tracing::info!(clients = self.clients.len(), "t-server stops");
        for slot in std::mem::take(&mut self.clients).into_values() {
            // Remote queues close when they are dropped; their connections write what waits.
            if let Slot::Local(session) = slot {
                session.close(&CloseReason::Peer);
                self.context.counters.local_clients_now.subtract();
            }
        }
        // Requests that still wait are not answered; their senders see the closed queue.
        drop(self);
        drop(running);
    }

    /// Handles an input and those behind it, up to a limit.
    fn take_batch(&mut self, first: Input) {
        self.take(first);
        for _ in 1..BATCH {
            let Ok(input) = self.inputs.try_recv() else {
                return;
            };
            self.carry_out();
            self.take(input);
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Connected { client, queue, abort } => self.insert(client, Slot::Remote { queue, abort }),
            Input::ConnectedLocal { client, session } => {
                self.context.counters.local_clients_now.add();
                self.insert(client, Slot::Local(session));
            }
            Input::Request { client, message } => {
                // A client that was disconnected may have requests on the way.
                if self.clients.contains_key(&client) {
                    self.context.counters.messages_received_total.add();
                    tracing::debug!(client = client.0, ?message, "request");
                    let input = ClientInput::Request { client, message };
                    self.engine.handle_client(now(), input);
                }
            }
            Input::Disconnected { client } => self.remove(client),
            Input::Stats(sender) => {
                // The asking side may have given up.
                let _ = sender.send(self.engine.stats());
            }
        }
    }

    fn insert(&mut self, client: ClientId, slot: Slot) {
        self.clients.insert(client, slot);
        self.engine
            .handle_client(now(), ClientInput::Connected { client });
    }

    /// Forgets a client that is gone.
    fn remove(&mut self, client: ClientId) {
        if let Some(slot) = self.clients.remove(&client) {
            self.leave(slot, &CloseReason::Asked);
            self.engine
                .handle_client(now(), ClientInput::Disconnected { client });
        }
    }

    /// Lets go of a client's queue.
    fn leave(&self, slot: Slot, reason: &CloseReason) {
        if let Slot::Local(session) = slot {
            self.context.counters.local_clients_now.subtract();
            session.close(reason);
        }
    }

    /// Does everything that the engine asks for.
    fn carry_out(&mut self) {
        let mut sharing = Sharing::default();
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Send {
                    client,
                    message,
                    reference,
                } => {
                    let frames = sharing.frames(&message);
                    let outgoing = Outgoing {
                        message,
                        reference,
                        frames,
                    };
                    self.send(client, outgoing);
                }
                Output::Switch(command) => self.switch.handle_command(now(), command),
                Output::Disconnect { client } => {
                    if let Some(slot) = self.clients.remove(&client) {
                        self.leave(slot, &CloseReason::Peer);
                    }
                }
            }
        }
    }

    fn send(&mut self, client: ClientId, outgoing: Outgoing) {
        let Some(slot) = self.clients.get(&client) else {
            return;
        };
        let sent = match slot {
            Slot::Remote { queue, .. } => match queue.try_send(outgoing) {
                Ok(()) => true,
                // The connection has ended; its notice is on the way.
                Err(TrySendError::Closed(_)) => return,
                Err(TrySendError::Full(_)) => false,
            },
            Slot::Local(session) => {
                let message = with_reference(outgoing.message, outgoing.reference);
                session.deliver(message).is_ok()
            }
        };
        if sent {
            self.context.counters.messages_sent_total.add();
        } else {
            self.disconnect_slow(client);
        }
    }

    /// Disconnects a client that does not read what it is sent.
    fn disconnect_slow(&mut self, client: ClientId) {
        self.context.counters.slow_clients_total.add();
        tracing::warn!(client = client.0, "client disconnected: its queue is full");
        match self.clients.remove(&client) {
            Some(Slot::Remote { abort, .. }) => {
                // A connection that has just ended cannot be aborted.
                let _ = abort.send(());
            }
            Some(slot) => self.leave(slot, &CloseReason::EventQueueFull),
            None => {}
        }
        self.engine
            .handle_client(now(), ClientInput::Disconnected { client });
    }
}

/// The copy of a message for one in-process client.
fn with_reference(message: Arc<Message>, reference: Option<ReferenceId>) -> Arc<Message> {
    match reference {
        None => message,
        Some(reference) => {
            let mut copy = Arc::unwrap_or_clone(message);
            copy.remove(AttributeId::REFERENCE_ID);
            copy.push_front(AttributeId::REFERENCE_ID, reference);
            Arc::new(copy)
        }
    }
}

/// The time of the runtime, which follows a paused clock.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

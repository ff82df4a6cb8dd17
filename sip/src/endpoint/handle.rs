//! The user's side of the driver: commands in, events out.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tokio::sync::{mpsc, oneshot};

use super::Core;
use super::stats::{EndpointStats, SharedCounters};

/// What a handle tells the driver.
pub(super) enum Instruction<C: Core> {
    Command(C::Command),
    CoreStats(oneshot::Sender<C::Stats>),
    Shutdown {
        drain: Duration,
        done: oneshot::Sender<bool>,
    },
}

/// Speaks to a driver. Cheap to clone; when the last clone is dropped, the driver drains and stops.
pub struct EndpointHandle<C: Core> {
    pub(super) instructions: mpsc::Sender<Instruction<C>>,
    pub(super) local: SocketAddr,
    pub(super) counters: SharedCounters,
}

impl<C: Core> Clone for EndpointHandle<C> {
    fn clone(&self) -> Self {
        Self {
            instructions: self.instructions.clone(),
            local: self.local,
            counters: self.counters.clone(),
        }
    }
}

impl<C: Core> fmt::Debug for EndpointHandle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointHandle")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

impl<C: Core> EndpointHandle<C> {
    /// The address that the sockets are bound to.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Gives the core a command; waits while the queue is full.
    ///
    /// # Errors
    ///
    /// The driver has stopped; the command comes back.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped before it is ready, the command was not given.
    pub async fn send(&self, command: C::Command) -> Result<(), SendError<C::Command>> {
        self.instructions
            .send(Instruction::Command(command))
            .await
            .map_err(|error| match error.0 {
                Instruction::Command(command) => SendError::Stopped(Some(command)),
                Instruction::CoreStats(_) | Instruction::Shutdown { .. } => SendError::Stopped(None),
            })
    }

    /// Gives the core a command without waiting.
    ///
    /// # Errors
    ///
    /// The queue is full, or the driver has stopped; the command comes back.
    pub fn try_send(&self, command: C::Command) -> Result<(), SendError<C::Command>> {
        self.instructions
            .try_send(Instruction::Command(command))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(Instruction::Command(command)) => SendError::Full(command),
                mpsc::error::TrySendError::Closed(Instruction::Command(command)) => {
                    SendError::Stopped(Some(command))
                }
                _ => SendError::Stopped(None),
            })
    }

    /// Counters of the driver.
    pub fn stats(&self) -> EndpointStats {
        self.counters.snapshot()
    }

    /// Counters of the core; `None` when the driver has stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn core_stats(&self) -> Option<C::Stats> {
        let (sender, receiver) = oneshot::channel();
        self.instructions
            .send(Instruction::CoreStats(sender))
            .await
            .ok()?;
        receiver.await.ok()
    }

    /// Ends what is open (BYE, CANCEL, final responses) and stops the driver, at the latest after `drain`.
    ///
    /// Returns whether everything was ended in that time. The event stream ends when the driver has stopped.
    ///
    /// # Cancel safety
    ///
    /// Once polled to its first wait the driver stops, whether the future is dropped or not.
    pub async fn shutdown(&self, drain: Duration) -> bool {
        let (done, finished) = oneshot::channel();
        if self
            .instructions
            .send(Instruction::Shutdown { drain, done })
            .await
            .is_err()
        {
            return true;
        }
        finished.await.unwrap_or(false)
    }
}

/// A command that could not be given.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError<T> {
    /// The queue is full.
    #[error("command queue is full")]
    Full(T),
    /// The driver has stopped.
    #[error("the endpoint has stopped")]
    Stopped(Option<T>),
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full",
            Self::Stopped(_) => "Stopped",
        })
    }
}

/// What comes out of [`EndpointEvents`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointEvent<E> {
    /// The core tells something.
    Core(E),
    /// The queue was full and that many events were lost at this place. The user has to assume anything about
    /// calls it has not heard of since.
    Overflowed {
        /// Number of lost events.
        lost: u64,
    },
}

/// The events of a driver, in order. Ends when the driver has stopped. Dropping it does not stop the driver.
pub struct EndpointEvents<C: Core> {
    pub(super) receiver: mpsc::Receiver<EndpointEvent<C::Event>>,
}

impl<C: Core> fmt::Debug for EndpointEvents<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointEvents")
            .field("waiting", &self.receiver.len())
            .finish()
    }
}

impl<C: Core> EndpointEvents<C> {
    /// The next event; `None` when the driver has stopped.
    ///
    /// # Cancel safety
    ///
    /// No event is lost when the future is dropped.
    pub async fn recv(&mut self) -> Option<EndpointEvent<C::Event>> {
        self.receiver.recv().await
    }

    /// The next event, for hand-written futures.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<EndpointEvent<C::Event>>> {
        self.receiver.poll_recv(cx)
    }
}

impl<C: Core> Stream for EndpointEvents<C> {
    type Item = EndpointEvent<C::Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(cx)
    }
}

//! What a driver needs from a protocol core.

use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::message::Message;
use crate::transport::{Destination, Flow, Transmit};

/// A protocol core that a driver can own: no sockets, no clock, no tasks inside.
///
/// After every `handle_*` call and after [`Core::poll_external`] was ready the driver takes [`Core::poll_transmit`]
/// and [`Core::poll_event`] until both are `None`, then arms one timer with [`Core::poll_timeout`].
pub trait Core: Send + 'static {
    /// What users of the driver ask for.
    type Command: Send + 'static;
    /// What users of the driver are told.
    type Event: Send + 'static;
    /// Counters of the core, for metrics; `()` for none.
    type Stats: Clone + Send + 'static;

    /// The driver is bound to that address and starts to run. Called once, before anything else.
    fn handle_bound(&mut self, now: Instant, local: SocketAddr);

    /// A message came in along a flow.
    fn handle_message(&mut self, now: Instant, flow: Flow, message: Message);

    /// A message could not be sent, a connection could not be opened, or a connection ended.
    ///
    /// For an ended connection the destination is its flow; for a failed connect it is the address that was asked
    /// for.
    fn handle_transport_error(&mut self, now: Instant, destination: Destination);

    /// A user asks for something.
    fn handle_command(&mut self, now: Instant, command: Self::Command);

    /// Time passed: a deadline from [`Core::poll_timeout`] is reached. Calling early does no harm.
    fn handle_timeout(&mut self, now: Instant);

    /// The next moment at which [`Core::handle_timeout`] shall be called.
    fn poll_timeout(&self) -> Option<Instant>;

    /// The next message to send.
    fn poll_transmit(&mut self) -> Option<Transmit>;

    /// The next event for the user.
    fn poll_event(&mut self) -> Option<Self::Event>;

    /// Looks at other sources of events, such as a media server. Ready when something was handled and the outputs
    /// shall be taken; it is then polled again. The default has no such source.
    fn poll_external(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let _ = (now, cx);
        Poll::Pending
    }

    /// Counters since the start.
    fn stats(&self) -> Self::Stats;

    /// The driver shall stop: take no new work, end what is open (BYE, CANCEL, final responses).
    fn handle_shutdown(&mut self, now: Instant);

    /// Whether nothing is left that needs the network; a stopping driver ends then, or at its deadline.
    fn is_idle(&self) -> bool;
}

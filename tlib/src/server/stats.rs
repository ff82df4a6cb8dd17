//! Counters of the server driver.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters of the server driver since its start; `_now` ones are present values.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct ServerStats {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// The counters while the server runs.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        impl Counters {
            pub(crate) fn read(&self) -> ServerStats {
                ServerStats { $($name: self.$name.0.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Connections now, those in the handshake among them.
    connections_now,
    /// In-process clients now.
    local_clients_now,
    /// Connections accepted.
    connections_total,
    /// Connections closed at once because of [`ServerConfig::max_connections`](super::ServerConfig::max_connections).
    connections_refused_total,
    /// Failures of the system's accept call.
    accept_errors_total,
    /// Connections that ended before they were registered: TLS failed, the time was over, an unknown format,
    /// a first message of more than 64 KiB, or another message came first.
    handshakes_failed_total,
    /// Connections closed because of a malformed frame, before or after the registration.
    malformed_total,
    /// Clients disconnected because their queue was full.
    slow_clients_total,
    /// Clients disconnected because a message passed the limits of their format.
    unencodable_total,
    /// Messages received from clients, in-process ones among them.
    messages_received_total,
    /// Messages put into the queues of clients.
    messages_sent_total,
}

/// One counter.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn subtract(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts one thing as long as it lives.
pub(crate) struct Present<F: Fn(&Counters) -> &Counter> {
    context: std::sync::Arc<super::Context>,
    counter: F,
}

impl<F: Fn(&Counters) -> &Counter> Present<F> {
    pub(crate) fn new(context: std::sync::Arc<super::Context>, counter: F) -> Self {
        counter(&context.counters).add();
        Self { context, counter }
    }
}

impl<F: Fn(&Counters) -> &Counter> Drop for Present<F> {
    fn drop(&mut self) {
        (self.counter)(&self.context.counters).subtract();
    }
}

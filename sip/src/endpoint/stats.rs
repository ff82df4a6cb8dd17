//! Counters of the driver, shared with its handles.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// Counters of a driver since it was bound.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct EndpointStats {
            $($(#[$doc])* pub $name: u64,)+
        }

        /// The live form of [`EndpointStats`].
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: AtomicU64,)+
        }

        impl Counters {
            pub(super) fn snapshot(&self) -> EndpointStats {
                EndpointStats { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }
        }
    };
}

counters! {
    /// Datagrams received.
    datagrams_in,
    /// Datagrams sent.
    datagrams_out,
    /// Datagrams dropped because the send queue was full.
    datagrams_dropped,
    /// Messages received on connections.
    stream_messages_in,
    /// Messages handed to connections.
    stream_messages_out,
    /// Datagrams and streams that held no SIP message. A stream is closed then.
    malformed,
    /// Keep-alives received.
    keep_alives,
    /// Connections accepted.
    connections_accepted,
    /// Connections opened.
    connections_opened,
    /// Connections that could not be opened.
    connect_failures,
    /// Incoming or outgoing connections refused by the limit of all connections.
    connections_refused,
    /// Incoming connections refused by the limit of their host.
    connections_refused_by_host,
    /// Connections closed, for whatever reason.
    connections_closed,
    /// Messages that could not be sent.
    send_failures,
    /// Events lost because the user did not take them.
    events_lost,
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The counters as handles share them.
pub(super) type SharedCounters = Arc<Counters>;

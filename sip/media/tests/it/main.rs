//! The media server and phones through real sockets on loopback.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]
#![cfg(feature = "tokio")]

mod contract;
mod loopback;
mod server;

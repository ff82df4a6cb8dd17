//! Public behaviour of the crate, one module per area.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

#[cfg(feature = "tokio")]
mod endpoint;
mod message_properties;
mod rfc3261_messages;
mod torture;

//! Behaviour of the crate through its public interface.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

#[cfg(feature = "tokio")]
mod calls;
mod engine;
#[cfg(feature = "tokio")]
mod formats;
#[cfg(feature = "tokio")]
mod hostile;
#[cfg(feature = "tokio")]
mod network;
#[cfg(feature = "tokio")]
mod support;
#[cfg(feature = "testing")]
mod switch_suite;
#[cfg(feature = "tokio")]
mod tls;
mod tlx_document;

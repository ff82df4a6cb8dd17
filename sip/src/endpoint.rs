//! The driver: one task that owns a sans-IO [`Core`] and gives it sockets and a clock.
//!
//! The same driver serves a softphone (a [`UserAgent`](crate::ua::UserAgent)) and a server (a B2BUA that contains
//! one). The trait is here whether the feature `tokio` is on or not; the driver itself needs it.

#[cfg(feature = "tokio")]
mod config;
#[cfg(feature = "tokio")]
mod connection;
mod core_trait;
#[cfg(feature = "tokio")]
mod driver;
#[cfg(feature = "tokio")]
mod handle;
#[cfg(feature = "tokio")]
mod hosts;
#[cfg(feature = "tokio")]
mod stats;

#[cfg(feature = "tokio")]
pub use config::EndpointConfig;
pub use core_trait::Core;
#[cfg(feature = "tokio")]
pub use driver::Endpoint;
#[cfg(feature = "tokio")]
pub use handle::{EndpointEvent, EndpointEvents, EndpointHandle, SendError};
#[cfg(feature = "tokio")]
pub use stats::EndpointStats;

//! Framework layer: administration, metrics, logging and signals of a server.

pub mod admin;
pub mod logging;
pub mod metrics;
pub mod signal;

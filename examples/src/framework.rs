//! Framework layer: administration of a server.

pub mod admin;
pub mod metrics;

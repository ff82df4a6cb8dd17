//! Routing layer: strategies in SCXML that treat, queue and route the calls of routing points.
//!
//! [`RoutingDesk`] is the core: T-Events in, T-Requests out, no IO. It joins three libraries: `stat` keeps the
//! agents' states, `routing` chooses, `orchestration` runs the strategies. [`RoutingServer`] drives it as a
//! T-Library client.

mod config;
mod desk;
mod server;

pub use config::RoutingConfig;
pub use desk::{DeskStats, RoutingDesk};
pub use server::RoutingServer;

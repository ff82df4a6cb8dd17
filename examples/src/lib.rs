//! The reference deployment: servers built on the `cti-*` libraries, one module per layer.

pub mod cluster;
pub mod config;
pub mod framework;
pub mod routing;
pub mod sim;
pub mod start;
pub mod voice;
pub mod workspace;

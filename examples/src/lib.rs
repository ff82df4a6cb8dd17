//! The reference deployment: servers built on the `cti-*` libraries, one module per layer.

pub mod config;
pub mod framework;
//pub mod voice;
pub mod workspace;

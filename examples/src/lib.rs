//! The reference deployment: servers built on the `cti-*` libraries.

pub mod config;
pub mod framework;

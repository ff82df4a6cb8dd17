//! Why a server does not start: one line that names the file, the place and the reason.

use std::net::SocketAddr;

use crate::config::{ClusterConfig, ConfigError};

/// A server that could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration file is wrong.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// A port cannot be bound.
    #[error("{place}: {what} {address}: {reason}")]
    Bind {
        /// File and line of the address.
        place: String,
        /// Which port.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        reason: std::io::Error,
    },
    /// A value is right in itself but cannot be used, for example a missing file.
    #[error("{place}: {reason}")]
    Value {
        /// File and line of the value.
        place: String,
        /// Why.
        reason: String,
    },
    /// A strategy is wrong; the text names its file and lines.
    #[error("{0}")]
    Strategy(String),
    /// The router cannot work.
    #[error("router: {0}")]
    Router(String),
    /// The system refused something that every server needs.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
}

impl StartError {
    pub(crate) fn bind(
        config: &ClusterConfig,
        what: &'static str,
        address: SocketAddr,
        reason: std::io::Error,
    ) -> Self {
        Self::Bind {
            place: config.locate(&address.to_string()),
            what,
            address,
            reason,
        }
    }

    pub(crate) fn value(config: &ClusterConfig, value: &str, reason: impl ToString) -> Self {
        Self::Value {
            place: config.locate(value),
            reason: reason.to_string(),
        }
    }
}

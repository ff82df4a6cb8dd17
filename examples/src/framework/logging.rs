//! The log of a binary: to standard error, level by `RUST_LOG`, warnings and errors by default.

use tracing_subscriber::EnvFilter;

/// Installs the subscriber; a second call does nothing.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    // Fails only when there is a subscriber already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}

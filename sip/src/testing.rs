//! Tests without sockets and clocks: an in-memory network with loss, delay, reordering and duplicates from a seed.

mod network;
mod pair;

pub use network::{Fault, Network, NetworkConfig};
pub use pair::{Pair, Side};

use std::time::Instant;

/// A moment to start a simulation at. Only differences of times matter in a core.
#[expect(
    clippy::disallowed_methods,
    reason = "a starting point has to come from somewhere; its value is never seen"
)]
pub fn start() -> Instant {
    Instant::now()
}

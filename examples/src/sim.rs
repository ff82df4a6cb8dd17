//! Built-in customers and phones: over real sockets, as the outside world would call.

pub mod phone;
pub mod softphone;
#[cfg(test)]
mod testing;
pub mod traffic;

//! The B2BUA between scripted phones: calls, holds, refusals, and whatever a peer may do at the wrong time.

mod calls;
#[cfg(feature = "tokio")]
mod driver;
mod hold;
mod loops;
mod property;
mod refusals;
mod registration;
mod services;
mod world;

//! The user agent core: many calls and client registrations, both directions, without sockets or clock.
//!
//! [`UserAgent`] takes messages, commands and the time, and gives messages to send and [`UaEvent`]s. Softphones,
//! traffic generators and the B2BUA use the same core; [`endpoint`](crate::endpoint) drives it.

mod call;
mod command;
mod compose;
mod config;
mod event;
mod incoming;
mod key;
mod outgoing;
mod register;
mod session;
#[cfg(test)]
mod tests;
mod timers;
mod user_agent;

pub use call::{CallInput, CallState};
pub(crate) use command::MAX_FORWARDS;
pub use command::{Body, Invite, Registration, UaCommand};
pub use config::{Seed, UaConfig};
pub use event::{CommandError, EndCause, FailureCause, Output, UaEvent, UaStats};
pub use key::{CallKey, RegistrationKey, RequestKey};
pub use register::{BindingInput, BindingState};
pub use user_agent::UserAgent;

pub use crate::auth::Account;

//! Transactions: repeats, timeouts and matching of requests and responses.
//!
//! [`TransactionLayer`] is sans-IO: messages, requests, responses and the time go in; messages to send and
//! [`TransactionEvent`]s come out. It writes the top Via of requests and stamps `received` and `rport` into the top
//! Via of requests that come in.
//!
//! Spec: RFC 3261 §17, RFC 6026, RFC 4320, RFC 3581

mod client;
mod layer;
mod matching;
mod server;
mod table;
#[cfg(test)]
mod tests;
mod timer;
mod token;

pub use layer::{ClientKey, ServerKey, TransactionEvent, TransactionLayer};
pub(crate) use table::state_table;
pub use table::{
    ClientInvite, ClientInviteEvent, ClientNonInvite, ClientNonInviteEvent, ServerInvite, ServerInviteEvent,
    ServerNonInvite, ServerNonInviteEvent,
};
pub use timer::TimerConfig;
pub(crate) use timer::{Deadlines, Timers};
pub(crate) use token::Tokens;

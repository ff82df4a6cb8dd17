//! The T-Server engine on the simulated switch: scenarios by their T-Events, and properties.

mod agent;
mod bench;
mod distribute;
mod inbound;
mod internal;
mod property;
mod query;
mod refusal;
mod treatment;
mod user_data;

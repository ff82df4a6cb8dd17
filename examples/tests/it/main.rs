//! Whole deployments in this process, called over real sockets: what applications see of every kind of call.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod desk;
mod flow;
mod mask;
mod site;

mod agents;
mod answered;
mod control;
mod hostile;
mod lifecycle;
mod queue;
mod races;
mod raw;
mod security;
mod unanswered;

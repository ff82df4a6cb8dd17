//! Public behaviour of the crate, in virtual time.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(feature = "ecmascript")]

mod action;
mod content;
mod history;
mod legal;
mod limits;
mod ors;
mod rig;
mod selection;
mod send;
mod tree;

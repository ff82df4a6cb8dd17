//! Digest authentication, both sides: what a server asks and checks, what a client answers.
//!
//! Neither side owns a clock or random numbers: the server is given `now` and a secret, the client its cnonce.

mod challenge;
mod client;
mod digest;
mod server;
#[cfg(test)]
mod tests;

pub use challenge::{Challenge, Credentials, Nonced};
pub use client::{Account, AuthError, DigestClient};
pub use digest::Algorithm;
pub use server::{DigestServer, Secret, Verdict};

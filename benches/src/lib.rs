#![doc = include_str!("../README.md")]

pub mod engine;
pub mod routing;
pub mod scxml;
pub mod sip;
pub mod tlx;

#![doc = include_str!("../README.md")]

pub mod cluster;
pub mod config;
pub mod framework;
pub mod routing;
pub mod sim;
pub mod start;
pub mod voice;
pub mod workspace;

#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod agent;
mod call;
pub mod catalog;
#[cfg(feature = "tokio")]
pub mod client;
pub mod codec;
pub mod control;
mod engine;
mod id;
mod kv;
mod log;
mod message;
#[cfg(feature = "tokio")]
mod net;
mod pii;
#[cfg(feature = "tokio")]
pub mod server;
pub mod sim;
pub mod switch;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tokio")]
pub mod tls;

pub use catalog::{AttributeId, MessageType};
#[cfg(feature = "tokio")]
pub use client::{Client, ClientConfig, Events, LocalClient};
pub use control::{CallControl, CallControlExt, RequestError};
pub use engine::{
    ClientId, ClientInput, ConfigError, DnConfig, DnKind, Limits, Output, TServer, TServerConfig,
    TServerConfigBuilder, TServerStats,
};
pub use id::{AgentId, CallUuid, ConnId, Dn, ReferenceId};
pub use kv::{KvList, KvPair, KvValue};
pub use log::{MessageJson, MessageLog};
pub use message::{Attribute, Message, Value};
pub use pii::Pii;
#[cfg(feature = "tokio")]
pub use server::{ServerConfig, ServerHandle};
pub use switch::Switch;

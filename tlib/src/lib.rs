#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod agent;
mod call;
pub mod catalog;
pub mod codec;
mod engine;
mod id;
mod kv;
mod log;
mod message;
mod pii;
pub mod switch;

pub use catalog::{AttributeId, MessageType};
pub use engine::{
    ClientId, ClientInput, ConfigError, DnConfig, DnKind, Limits, Output, TServer, TServerConfig,
    TServerConfigBuilder, TServerStats,
};
pub use id::{AgentId, CallUuid, ConnId, Dn, ReferenceId};
pub use kv::{KvList, KvPair, KvValue};
pub use log::{MessageJson, MessageLog};
pub use message::{Attribute, Message, Value};
pub use pii::Pii;

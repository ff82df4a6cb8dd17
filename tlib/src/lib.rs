#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

pub mod catalog;
mod id;
mod kv;
mod message;
pub mod switch;

pub use catalog::{AttributeId, MessageType};
pub use id::{AgentId, CallUuid, ConnId, Dn, ReferenceId};
pub use kv::{KvList, KvPair, KvValue};
pub use message::{Attribute, Message, Value};

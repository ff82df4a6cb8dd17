#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod error;
mod expr;
mod id;
mod router;
mod target;

pub use error::{ParseError, SubmitError};
pub use expr::{Comparison, SkillExpr, SkillSet};
pub use id::{InteractionId, RequestId};
pub use router::{
    AgentProfile, AgentStatus, Output, QueueView, Request, Router, RouterConfig, RouterStats, Selection,
    UnknownAgent,
};
pub use target::{Target, TargetKind, TargetType, Threshold};

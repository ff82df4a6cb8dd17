#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod action;
mod dn;
mod snapshot;
mod tracker;

pub use action::{Action, ActionSet};
pub use dn::{CallPhase, CallView, DnView};
pub use tracker::{AgentView, StateTracker, StatusChange, Subject, TrackerConfig, TrackerStats};

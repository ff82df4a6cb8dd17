#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod completion;
mod host;
mod interaction;
mod manager;
mod module;
mod request;
mod source;

pub use completion::{Completion, Digits, Failure, QueuePosition, Resource, Target};
pub use interaction::{Interaction, InteractionEvent, InteractionId, Party, Voice};
pub use manager::{
    CompleteError, EndReason, LoadError, ManagerConfig, ManagerStats, Output, SessionId, SessionManager,
    SessionView, StartError,
};
pub use module::{Module, Modules};
pub use request::{
    Collect, Operation, OrderType, PlatformRequest, Prompt, PromptSource, Redirect, RequestKey, Sound,
    Submit, Terminate, Treatment,
};
pub use source::{FileSource, MemorySource};

#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod action;
mod data_model;
mod document;
mod event;
mod output;
mod session;
mod tree;
mod value;

pub use action::{ActionHandler, AttributeKind, NoActions};
pub use data_model::{
    DataError, DataModel, HostFunction, NullDataModel, ScriptCall, ScriptLimits, parse_delay,
};
#[cfg(feature = "ecmascript")]
#[cfg_attr(docsrs, doc(cfg(feature = "ecmascript")))]
pub use data_model::{EcmaScript, EcmaScriptConfig};
pub use document::{
    Dialect, Document, DocumentConfig, DocumentError, DocumentLimits, DocumentSource, Finding, NoSource, Rule,
};
pub use event::{Event, EventKind, descriptor_matches};
pub use output::{
    Action, ActionElement, Done, DoneReason, InvokeRequest, Limit, LogRecord, Output, SendFailure,
    SendRequest, SendTarget, Trace,
};
pub use session::{
    Interrupt, Session, SessionConfig, SessionError, SessionLimits, SessionLookup, SessionStats,
};
pub use tree::{SessionTree, TreeConfig};
pub use value::Value;

/// The SCXML namespace.
pub const NAMESPACE: &str = "http://www.w3.org/2005/07/scxml";

/// Type of the SCXML event I/O processor.
///
/// Spec: SCXML appendix C.1
pub const SCXML_PROCESSOR: &str = "http://www.w3.org/TR/scxml/#SCXMLEventProcessor";

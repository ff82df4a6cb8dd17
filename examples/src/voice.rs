//! Voice layer: the SIP Server node.

mod node;
mod sip_switch;

pub use node::{Node, NodeStats};
pub use sip_switch::{DialPlan, SipSwitch};

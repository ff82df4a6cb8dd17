//! A back-to-back user agent: legs to endpoints, joined to each other or to a media server, under the command of an
//! application.

mod command;
mod event;

pub use command::{B2buaCommand, LegKey, OfferSource, Target};
pub use event::{B2buaError, B2buaEvent, ReleaseReason};

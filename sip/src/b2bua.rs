//! A back-to-back user agent: legs to endpoints, joined to each other or to a media server, under the command of an
//! application.
//!
//! [`B2bua`] is sans-IO: a [`Core`](crate::endpoint::Core) that contains a user agent, a registrar and a media
//! server. It is told [`B2buaCommand`]s and gives [`B2buaEvent`]s; [`endpoint`](crate::endpoint) drives it over
//! sockets. It knows legs and media, and nothing of calls: which legs belong together is the application's business.
//!
//! | the application wants | commands |
//! | --- | --- |
//! | announcement, music, digits before the agent | `Treat` on the incoming leg |
//! | to ring an agent | `Invite` to the agent, `Ring` on the incoming leg |
//! | to let them talk | `Connect` after `Answered` of the agent |
//! | hold, retrieve | `Hold`, `Retrieve` |
//! | to end | `Release` of each leg |
//!
//! Media flows directly between joined endpoints; the media server is in the path during treatments and music on
//! hold only. Every change of a session is an offer and an answer ([RFC 3264]); where several endpoints are
//! concerned, in the order of RFC 3725. One leg takes part in one negotiation at a time, commands that need it wait.
//!
//! Who may call:
//!
//! - whoever calls along the flow of a registration is the user registered there;
//! - a From with the name of a local user needs the user's digest credentials;
//! - anybody else needs to be in a trusted network ([`B2buaConfig::peers`]).
//!
//! # Limits
//!
//! Early media of an outgoing leg is reported, not passed on; two unanswered callers that both sent no offer cannot be
//! joined; redirects (3xx) of an endpoint are reported as failures; keys in INFO are reported as
//! [`B2buaEvent::Digit`] and do not reach a running collection; the subscription of a REFER gets one NOTIFY (100).
//!
//! [RFC 3264]: https://www.rfc-editor.org/rfc/rfc3264

mod command;
mod config;
mod core;
mod event;
mod inbound;
mod job;
mod leg;
mod negotiate;
mod outbound;
mod policy;
mod requests;
mod session;
mod state;
#[cfg(test)]
mod tests;

pub use self::core::{B2bua, B2buaStats};
pub use command::{B2buaCommand, LegKey, OfferSource, Target};
pub use config::{B2buaConfig, Network};
pub use event::{B2buaError, B2buaEvent, ReleaseReason};

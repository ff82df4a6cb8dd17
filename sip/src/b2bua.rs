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
//! # Example
//!
//! A B2BUA that plays music to every caller. A driver ([`endpoint`](crate::endpoint)) would own it; here it is asked
//! by hand, and with the `testing` feature's media server.
//!
//! ```
//! # #[cfg(feature = "testing")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Instant;
//!
//! use sip::b2bua::{B2bua, B2buaCommand, B2buaConfig, B2buaEvent};
//! use sip::endpoint::Core;
//! use sip::media::{MediaRequest, OpId, ScriptedMedia};
//! use sip::registrar::{MemoryCredentials, RegistrarConfig};
//! use sip::ua::{Seed, UaConfig};
//!
//! let registrar = RegistrarConfig::new("example.com", Seed::from_system()?);
//! let config = B2buaConfig::new(UaConfig::new(Seed::from_system()?), registrar);
//! let users = MemoryCredentials::new().with_password("7001", "secret");
//! let mut b2bua = B2bua::new(config, Box::new(users), Box::new(ScriptedMedia::new()));
//!
//! fn serve(b2bua: &mut B2bua, now: Instant) {
//!     while let Some(event) = b2bua.poll_event() {
//!         if let B2buaEvent::Incoming { leg, .. } = event {
//!             let request = MediaRequest::Music { source: None, duration: None };
//!             b2bua.handle_command(now, B2buaCommand::Treat { leg, op: OpId(1), request });
//!         }
//!     }
//! }
//! let now = Instant::now();
//! b2bua.handle_bound(now, "127.0.0.1:5060".parse()?);
//! serve(&mut b2bua, now);
//! assert_eq!(b2bua.stats().legs, 0);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "testing"))]
//! # fn main() {}
//! ```
//!
//! # Limits
//!
//! Early media of an outgoing leg is reported, not passed on; two unanswered callers that both sent no offer cannot be
//! joined; redirects (3xx) of an endpoint are reported as failures; an endpoint that tells a key both in
//! its stream and by INFO presses it twice; REFER is refused unless the application carries
//! transfers out ([`B2buaConfig::transfer_requests`]), and its subscription then gets one NOTIFY (100); an INVITE
//! with Replaces is a call like any other.
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

//! Which transaction a request belongs to.

use crate::header::{HeaderName, Via};
use crate::message::Message;
use crate::method::Method;

/// What the repeats, the ACK and the CANCEL of a request have in common with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum MatchKey {
    /// Branch, sent-by and method. Spec: RFC 3261 §17.2.3
    Branch {
        branch: String,
        sent_by: String,
        method: Method,
    },
    /// What a peer without the cookie can be told by: Call-ID, number, From tag, Request-URI and top Via. The To tag
    /// is left out, because the ACK has the one of the response. Spec: RFC 3261 §17.2.3 (RFC 2543 peers)
    Legacy { identity: String, method: Method },
}

impl MatchKey {
    /// The key of a request as if it had that method: INVITE for an ACK or for what a CANCEL is about.
    pub(super) fn of(request: &Message, via: &Via, method: &Method) -> Self {
        let method = method.clone();
        match via.branch() {
            Some(branch) if via.has_magic_cookie() => Self::Branch {
                branch: branch.to_owned(),
                sent_by: via.sent_by(),
                method,
            },
            _ => {
                let from = request.from();
                let tag = from.as_ref().ok().and_then(|from| from.tag()).unwrap_or_default();
                let number = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
                let call_id = request.call_id().unwrap_or_default();
                let uri = request.request_uri_str().unwrap_or_default();
                let via = request.header(&HeaderName::VIA).unwrap_or_default();
                Self::Legacy {
                    identity: [call_id, tag, &number.to_string(), uri, via].join("\n"),
                    method,
                }
            }
        }
    }
}

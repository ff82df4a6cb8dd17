//! The side that answers.

use std::collections::BTreeMap;
use std::fmt;

use super::digest::Input;
use super::{Algorithm, Challenge, Credentials, Nonced};
use crate::header::HeaderName;
use crate::message::Message;
use crate::status::StatusCode;

/// User name and password of a client. Debug hides both.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
}

impl Account {
    /// A user name and a password.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({})", crate::pii::REDACTED)
    }
}

/// Why a challenge is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The response is not 401 or 407.
    #[error("response is no challenge")]
    NotAChallenge,
    /// No challenge has a scheme, algorithm and quality of protection that this crate knows.
    #[error("no challenge can be answered")]
    Unsupported,
    /// The request carried an answer to the same realm, and the server does not call it stale.
    #[error("the credentials were refused")]
    Refused,
}

/// Answers challenges with one account, and uses a known nonce for later requests.
///
/// Spec: RFC 7616 §3.4, RFC 3261 §22.2, §22.3
#[derive(Clone, Debug)]
pub struct DigestClient {
    account: Account,
    /// The last challenge of each realm, and how often its nonce was used. The key says whether a proxy asked.
    known: BTreeMap<(bool, String), (Challenge, u32)>,
}

/// Realms remembered at most.
const MOST_REALMS: usize = 16;

impl DigestClient {
    /// A client that has not met a server yet.
    pub const fn new(account: Account) -> Self {
        Self {
            account,
            known: BTreeMap::new(),
        }
    }

    /// Puts the answer to a 401 or 407 into a copy of the request that it refused. The caller gives the request a new
    /// branch and CSeq afterwards, and a `cnonce` from a random source (16 octets or more as text).
    ///
    /// Of several challenges for a realm the strongest known algorithm is answered.
    ///
    /// # Errors
    /// When the response is no challenge, none can be answered, or the same credentials were refused before.
    pub fn answer(
        &mut self,
        response: &Message,
        request: &mut Message,
        cnonce: &str,
    ) -> Result<(), AuthError> {
        let (proxy, asked, answer) = match response.status() {
            Some(StatusCode::UNAUTHORIZED) => {
                (false, HeaderName::WWW_AUTHENTICATE, HeaderName::AUTHORIZATION)
            }
            Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED) => (
                true,
                HeaderName::PROXY_AUTHENTICATE,
                HeaderName::PROXY_AUTHORIZATION,
            ),
            _ => return Err(AuthError::NotAChallenge),
        };
        let mut strongest: BTreeMap<String, (Algorithm, Challenge)> = BTreeMap::new();
        for challenge in response
            .header_values(&asked)
            .filter_map(|value| value.parse::<Challenge>().ok())
        {
            let Some(algorithm) = challenge.known_algorithm().filter(|_| !challenge.qop_other_only) else {
                continue;
            };
            if strongest
                .get(&challenge.realm)
                .is_none_or(|(known, _)| *known < algorithm)
            {
                strongest.insert(challenge.realm.clone(), (algorithm, challenge));
            }
        }
        if strongest.is_empty() {
            return Err(AuthError::Unsupported);
        }
        for (realm, (_, challenge)) in &strongest {
            if !challenge.stale && answered(request, &answer, realm) {
                return Err(AuthError::Refused);
            }
        }
        for (realm, (_, challenge)) in strongest {
            if self.known.len() == MOST_REALMS && !self.known.contains_key(&(proxy, realm.clone())) {
                self.known.pop_first();
            }
            self.known.insert((proxy, realm), (challenge, 0));
        }
        self.authorize(request, cnonce);
        Ok(())
    }

    /// Puts credentials for every realm met so far into a request, replacing older ones, so that the server need not
    /// ask again. ACK and CANCEL take the credentials of their INVITE instead.
    pub fn authorize(&mut self, request: &mut Message, cnonce: &str) {
        let (Some(method), Some(uri)) = (
            request.method().cloned(),
            request.request_uri_str().map(str::to_owned),
        ) else {
            return;
        };
        for name in [HeaderName::AUTHORIZATION, HeaderName::PROXY_AUTHORIZATION] {
            request.remove_header(&name);
        }
        for ((proxy, realm), (challenge, used)) in &mut self.known {
            let Some(algorithm) = challenge.known_algorithm() else {
                continue;
            };
            *used += 1;
            let nc = format!("{used:08x}");
            let input = Input {
                method: method.as_str(),
                uri: &uri,
                nonce: &challenge.nonce,
                counted: challenge.qop_auth.then_some((nc.as_str(), cnonce)),
            };
            let ha1 = algorithm.ha1(&self.account.username, realm, &self.account.password);
            let credentials = Credentials {
                username: self.account.username.clone(),
                realm: realm.clone(),
                nonce: challenge.nonce.clone(),
                uri: uri.clone(),
                response: input.response(algorithm, &ha1),
                opaque: challenge.opaque.clone(),
                algorithm: challenge.algorithm.clone(),
                counted: challenge.qop_auth.then(|| Nonced {
                    nc: *used,
                    cnonce: cnonce.to_owned(),
                }),
            };
            let name = if *proxy {
                HeaderName::PROXY_AUTHORIZATION
            } else {
                HeaderName::AUTHORIZATION
            };
            request.push_header(&name, credentials.to_string());
        }
    }
}

fn answered(request: &Message, name: &HeaderName, realm: &str) -> bool {
    let mut values = request
        .header_values(name)
        .filter_map(|value| value.parse::<Credentials>().ok());
    values.any(|credentials| credentials.realm == realm)
}

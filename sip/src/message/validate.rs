//! Checks of the values, in the levels in which an element needs them.

use super::Message;
use crate::header::{CSeq, HeaderError, HeaderName, scan};
use crate::status::StatusCode;

/// How much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What a transaction needs: version, Via, From, To, Call-ID, CSeq, Max-Forwards, Request-URI.
    Transaction,
    /// That, and every header field that this crate reads, wherever it stands.
    Full,
}

/// Why a message is not taken. A request is answered with the status; a response is dropped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{source} ({status})")]
pub struct Refusal {
    /// Status for the answer: 400 or 505.
    pub status: StatusCode,
    /// What is wrong.
    pub source: RefusalCause,
}

/// What is wrong with a message that could be framed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalCause {
    /// A field is missing, malformed or repeated.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The version is not 2.0.
    #[error("version is not sip/2.0")]
    Version,
    /// CSeq names another method than the request line.
    #[error("cseq names another method than the request line")]
    CSeqMethod,
}

impl Refusal {
    /// What to write behind the status: a short text without personal data.
    pub fn phrase(&self) -> String {
        match &self.source {
            RefusalCause::Header(HeaderError::Missing(name)) => format!("Missing {name}"),
            RefusalCause::Header(HeaderError::Malformed { name, .. }) => format!("Malformed {name}"),
            RefusalCause::Header(HeaderError::Repeated(name)) => format!("Repeated {name}"),
            RefusalCause::Header(HeaderError::RequestUri(_)) => "Malformed Request-URI".to_owned(),
            RefusalCause::CSeqMethod => "CSeq Method Mismatch".to_owned(),
            RefusalCause::Version => self.status.reason_phrase().to_owned(),
        }
    }
}

impl<E: Into<RefusalCause>> From<E> for Refusal {
    fn from(source: E) -> Self {
        let source = source.into();
        let wrong_version = matches!(source, RefusalCause::Version);
        let status = if wrong_version {
            StatusCode::VERSION_NOT_SUPPORTED
        } else {
            StatusCode::BAD_REQUEST
        };
        Self { status, source }
    }
}

/// Fields that hold addresses.
const ADDRESSES: [HeaderName; 9] = [
    HeaderName::ROUTE,
    HeaderName::RECORD_ROUTE,
    HeaderName::PATH,
    HeaderName::SERVICE_ROUTE,
    HeaderName::REPLY_TO,
    HeaderName::REFER_TO,
    HeaderName::REFERRED_BY,
    HeaderName::P_ASSERTED_IDENTITY,
    HeaderName::P_PREFERRED_IDENTITY,
];

/// Fields that hold a number below 2^32.
const NUMBERS: [HeaderName; 6] = [
    HeaderName::EXPIRES,
    HeaderName::MIN_EXPIRES,
    HeaderName::RETRY_AFTER,
    HeaderName::SESSION_EXPIRES,
    HeaderName::MIN_SE,
    HeaderName::RSEQ,
];

impl Message {
    /// Checks the values.
    ///
    /// # Errors
    /// The first rule that is broken, with the status that answers it.
    ///
    /// Spec: RFC 3261 §8.1.1, §8.2, §16.3
    pub fn validate(&self, level: Level) -> Result<(), Refusal> {
        if self.version() != "SIP/2.0" {
            return Err(RefusalCause::Version.into());
        }
        self.top_via()?;
        self.from()?;
        self.to()?;
        self.call_id()?;
        let CSeq { method, .. } = self.cseq()?;
        self.max_forwards()?;
        if let Some(own) = self.method() {
            if *own != method {
                return Err(RefusalCause::CSeqMethod.into());
            }
            self.request_uri()?;
        }
        if level == Level::Full {
            self.validate_values()
        } else {
            Ok(())
        }
    }

    fn validate_values(&self) -> Result<(), Refusal> {
        self.vias().try_for_each(|via| via.map(drop))?;
        self.contacts().try_for_each(|contact| contact.map(drop))?;
        for name in &ADDRESSES {
            self.name_addrs(name).try_for_each(|address| address.map(drop))?;
        }
        for name in &NUMBERS {
            self.number(name)?;
        }
        if let Some(kind) = self.content_type() {
            let parts = kind.split_once('/');
            if !parts.is_some_and(|(a, b)| scan::is_token(a.as_bytes()) && scan::is_token(b.as_bytes())) {
                let source = crate::header::ValueError::new(0, "a media type");
                return Err(HeaderError::Malformed {
                    name: HeaderName::CONTENT_TYPE,
                    source,
                }
                .into());
            }
        }
        Ok(())
    }
}

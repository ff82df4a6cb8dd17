//! Errors of the parsers and of submitting.

use thiserror::Error;

use crate::id::RequestId;
use crate::target::TargetType;

/// A skill expression or target string does not follow its grammar.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Something else stands where `expected` has to be.
    #[error("expected {expected} at byte {offset}")]
    Expected {
        /// Bytes from the start of the text.
        offset: usize,
        /// What the grammar wants here.
        expected: &'static str,
    },
    /// The text is too long.
    #[error("text is longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// Parentheses nest too deep.
    #[error("nested deeper than {limit} at byte {offset}")]
    TooDeep {
        /// Bytes from the start of the text.
        offset: usize,
        /// The limit.
        limit: usize,
    },
    /// Too many comparisons or targets.
    #[error("more than {limit} elements at byte {offset}")]
    TooMany {
        /// Bytes from the start of the text.
        offset: usize,
        /// The limit.
        limit: usize,
    },
}

impl ParseError {
    /// Moves the error's offset by `base` bytes: the text was a part of a larger one.
    #[must_use]
    pub(crate) const fn shifted(self, base: usize) -> Self {
        match self {
            Self::Expected { offset, expected } => Self::Expected {
                offset: offset + base,
                expected,
            },
            Self::TooDeep { offset, limit } => Self::TooDeep {
                offset: offset + base,
                limit,
            },
            Self::TooMany { offset, limit } => Self::TooMany {
                offset: offset + base,
                limit,
            },
            Self::TooLong { limit } => Self::TooLong { limit },
        }
    }
}

/// A request is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The request id is in use.
    #[error("request {0} exists")]
    DuplicateRequest(RequestId),
    /// Neither the request nor earlier submits of the interaction name a target.
    #[error("no targets")]
    NoTargets,
    /// More targets than [`RouterConfig::max_targets`](crate::RouterConfig::max_targets).
    #[error("more than {limit} targets")]
    TooManyTargets {
        /// The limit.
        limit: usize,
    },
    /// Targets of this type are parsed but not selected by this version.
    #[error("target {index}: type {target_type} is not supported for selection")]
    UnsupportedTarget {
        /// Position in the request, from 0.
        index: usize,
        /// Its type.
        target_type: TargetType,
    },
    /// Thresholds are parsed but not evaluated by this version.
    #[error("target {index}: thresholds are not supported for selection")]
    UnsupportedThreshold {
        /// Position in the request, from 0.
        index: usize,
    },
    /// Another request of the interaction waits or has an agent reserved; set
    /// [`Request::clear_queue`](crate::Request::clear_queue) to replace it.
    #[error("interaction has request {0} already")]
    InteractionBusy(RequestId),
    /// A limit of the router is reached.
    #[error("router is full")]
    Full,
}

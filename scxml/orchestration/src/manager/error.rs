//! Errors of loading, starting and answering.

use scxml::{DataError, DocumentError, SessionError};
use thiserror::Error;

/// A document cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It cannot be fetched.
    #[error("{url}: {reason}")]
    Fetch {
        /// The document.
        url: String,
        /// Why.
        reason: String,
    },
    /// It breaks rules. Prints one line per finding: file, line, column, message, rule.
    #[error("{}", lines(url, source))]
    Document {
        /// The document.
        url: String,
        /// All findings.
        source: DocumentError,
    },
}

/// A session cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The document cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// As many sessions run as are allowed.
    #[error("{limit} sessions run already")]
    TooManySessions {
        /// The limit.
        limit: usize,
    },
    /// Another session has the interaction.
    #[error("the interaction belongs to another session")]
    InteractionOwned,
    /// The interpreter refuses the document.
    #[error("session could not be set up: {0}")]
    Session(#[from] SessionError),
    /// The objects of the platform could not be made known to scripts.
    #[error("objects of the platform could not be set up: {0}")]
    Host(#[from] DataError),
}

/// An answer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CompleteError {
    /// Nobody waits for it: answered, cancelled, or the session is over.
    #[error("no such request is pending")]
    UnknownRequest,
    /// The request is of another kind, for example digits for a submit.
    #[error("the answer does not fit the request")]
    WrongKind,
}

fn lines(url: &str, error: &DocumentError) -> String {
    let lines: Vec<_> = error
        .findings
        .iter()
        .map(|finding| format!("{url}:{finding}"))
        .collect();
    lines.join("\n")
}

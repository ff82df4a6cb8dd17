//! What can be wrong with a configuration file, with the line where it is.

use std::path::{Path, PathBuf};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a wrong field or value.
    #[error("{}:{line}: {reason}", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
}

impl ConfigError {
    pub(super) fn syntax(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start);
        let reason = error.message().lines().collect::<Vec<_>>().join(" ");
        Self::Invalid {
            file: file.to_owned(),
            line: line_at(text, offset),
            reason,
        }
    }

    pub(super) fn rule(file: &Path, text: &str, needle: &str, reason: String) -> Self {
        // The second of two equal values is the one to point at.
        let offset = text.rfind(needle).unwrap_or(0);
        Self::Invalid {
            file: file.to_owned(),
            line: line_at(text, offset),
            reason,
        }
    }
}

pub(super) fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes()
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

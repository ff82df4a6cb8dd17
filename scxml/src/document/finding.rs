//! What can be wrong with a document.

use std::fmt;

/// The rule that a document breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// The text is not well-formed XML, or uses a DTD.
    Xml,
    /// A limit of [`DocumentLimits`](crate::DocumentLimits) is exceeded.
    Limit,
    /// The document element is not `<scxml>` of the SCXML namespace.
    Root,
    /// An element is not known.
    UnknownElement,
    /// An element is not allowed where it stands.
    MisplacedElement,
    /// An attribute is not known on its element.
    UnknownAttribute,
    /// A required attribute is missing.
    MissingAttribute,
    /// An attribute's value is not one of those allowed.
    BadAttribute,
    /// Attributes or children that exclude each other are both present.
    Exclusive,
    /// Two states have the same id.
    DuplicateId,
    /// A target names no state.
    UnknownTarget,
    /// Initial states are not descendants, or cannot be active together.
    Initial,
    /// Targets of a transition cannot be active together.
    TargetSet,
    /// A history state's default transition is missing or wrong.
    History,
    /// A transition has neither event, condition nor target, or an initial transition has event or condition.
    Transition,
    /// A script cannot be fetched.
    Source,
    /// The document asks for something that this implementation does not do.
    Unsupported,
}

impl Rule {
    /// A stable name for logs and machine-readable output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Limit => "limit",
            Self::Root => "root",
            Self::UnknownElement => "unknown-element",
            Self::MisplacedElement => "misplaced-element",
            Self::UnknownAttribute => "unknown-attribute",
            Self::MissingAttribute => "missing-attribute",
            Self::BadAttribute => "bad-attribute",
            Self::Exclusive => "exclusive",
            Self::DuplicateId => "duplicate-id",
            Self::UnknownTarget => "unknown-target",
            Self::Initial => "initial",
            Self::TargetSet => "target-set",
            Self::History => "history",
            Self::Transition => "transition",
            Self::Source => "source",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The rule broken.
    pub rule: Rule,
    /// One sentence for people.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {} ({})",
            self.line, self.column, self.message, self.rule
        )
    }
}

/// A document that cannot be run, with everything that is wrong with it in document order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", join(.findings))]
#[non_exhaustive]
pub struct DocumentError {
    /// At least one finding, ordered by line and column.
    pub findings: Vec<Finding>,
}

fn join(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

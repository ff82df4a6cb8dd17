//! Skill expressions: what an agent must be able to do.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::error::ParseError;

mod parse;
#[cfg(test)]
mod tests;

/// Skills of an agent with their levels. A skill that is absent has level 0.
pub type SkillSet = BTreeMap<String, u32>;

/// A parsed skill expression, for example `sales>=5 & !("key account" | trainee)`.
///
/// ```text
/// expr  := or ; or := and ('|' and)* ; and := not ('&' not)* ; not := '!'? atom
/// atom  := '(' expr ')' | skill op integer | skill          -- bare skill means > 0
/// op    := '=' | '!=' | '>' | '>=' | '<' | '<='
/// skill := identifier | "quoted name"
/// ```
///
/// An identifier starts with a letter or `_` and goes on with letters, digits, `_`, `-` or `.`. A quoted name
/// holds anything but `"`. White space may stand between tokens. Limits: 4,096 bytes, 32 nested parentheses,
/// 256 comparisons.
///
/// `Display` prints a form that parses to the same expression.
///
/// ```
/// use routing::{SkillExpr, SkillSet};
///
/// let expr: SkillExpr = "sales > 3 & !trainee".parse()?;
/// let agent: SkillSet = [("sales".to_owned(), 5)].into();
/// assert!(expr.matches(&agent));
/// assert_eq!(expr.to_string(), "sales>3 & !trainee>0");
/// # Ok::<(), routing::ParseError>(())
/// ```
///
/// Spec: routing reference §4
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the grammar is closed")]
pub enum SkillExpr {
    /// At least one holds; two or more elements.
    Or(Vec<SkillExpr>),
    /// All hold; two or more elements.
    And(Vec<SkillExpr>),
    /// Does not hold.
    Not(Box<SkillExpr>),
    /// The level of `skill` compares to `level`.
    Level {
        /// The skill.
        skill: String,
        /// How to compare.
        comparison: Comparison,
        /// Right side.
        level: u32,
    },
}

/// Comparison of a level with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the grammar is closed")]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl SkillExpr {
    /// Most bytes of a text to parse.
    pub const MAX_BYTES: usize = 4096;
    /// Most parentheses inside each other.
    pub const MAX_DEPTH: usize = 32;
    /// Most comparisons in one expression.
    pub const MAX_COMPARISONS: usize = 256;

    /// Whether an agent with `skills` fulfils the expression.
    pub fn matches(&self, skills: &SkillSet) -> bool {
        match self {
            Self::Or(parts) => parts.iter().any(|part| part.matches(skills)),
            Self::And(parts) => parts.iter().all(|part| part.matches(skills)),
            Self::Not(part) => !part.matches(skills),
            Self::Level {
                skill,
                comparison,
                level,
            } => comparison.holds(skills.get(skill).copied().unwrap_or_default(), *level),
        }
    }

    fn fmt_operand(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(_) | Self::And(_) => write!(f, "({self})"),
            Self::Not(_) | Self::Level { .. } => fmt::Display::fmt(self, f),
        }
    }
}

impl Comparison {
    /// Whether `left` compares to `right` this way.
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
        }
    }

    /// The operator's text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }
}

impl FromStr for SkillExpr {
    type Err = ParseError;

    /// # Errors
    ///
    /// [`ParseError`] with the byte offset of the first place that breaks the grammar or a limit.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse::expression(text)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for SkillExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(parts) => join(f, parts, " | ", |part| matches!(part, Self::Or(_))),
            Self::And(parts) => join(f, parts, " & ", |part| matches!(part, Self::Or(_) | Self::And(_))),
            Self::Not(part) if matches!(**part, Self::Not(_)) => write!(f, "!({part})"),
            Self::Not(part) => {
                f.write_str("!")?;
                part.fmt_operand(f)
            }
            Self::Level {
                skill,
                comparison,
                level,
            } if parse::is_identifier(skill) => {
                write!(f, "{skill}{comparison}{level}")
            }
            Self::Level {
                skill,
                comparison,
                level,
            } => write!(f, "\"{skill}\"{comparison}{level}"),
        }
    }
}

fn join(
    f: &mut fmt::Formatter<'_>,
    parts: &[SkillExpr],
    separator: &str,
    grouped: fn(&SkillExpr) -> bool,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        if grouped(part) {
            write!(f, "({part})")?;
        } else {
            fmt::Display::fmt(part, f)?;
        }
    }
    Ok(())
}

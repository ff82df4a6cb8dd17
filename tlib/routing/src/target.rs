//! Target strings: who may get an interaction.

use std::fmt;
use std::str::FromStr;

use crate::error::ParseError;
use crate::expr::{Comparison, SkillExpr};

#[cfg(test)]
mod tests;

/// Declares the target types with their suffixes.
macro_rules! target_types {
    ($($(#[$doc:meta])* $name:ident = $suffix:literal,)*) => {
        /// Type of a target, the suffix of its string.
        ///
        /// Spec: routing reference §4; ORS reference §4
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum TargetType {
            $($(#[$doc])* $name,)*
        }

        impl TargetType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The suffix in target strings.
            pub const fn suffix(self) -> &'static str {
                match self {
                    $(Self::$name => $suffix,)*
                }
            }

            /// Looks a type up by its suffix (exact spelling).
            pub fn from_suffix(suffix: &str) -> Option<Self> {
                match suffix {
                    $($suffix => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

target_types! {
    /// Agent.
    Agent = "A",
    /// Place.
    Place = "AP",
    /// Agent group, or agents by a skill expression.
    AgentGroup = "GA",
    /// Place group.
    PlaceGroup = "GP",
    /// Queue.
    Queue = "Q",
    /// Queue group.
    QueueGroup = "GQ",
    /// Routing point.
    RoutingPoint = "RP",
    /// A directory number of a switch.
    Dn = "DN",
    /// Destination label.
    DestinationLabel = "DL",
    /// Campaign.
    Campaign = "C",
    /// Campaign group.
    CampaignGroup = "GC",
}

impl fmt::Display for TargetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.suffix())
    }
}

/// A parsed target: `{threshold}[weight]name@server.type` or `{threshold}[weight]?name:expression@server.GA`.
///
/// Threshold, weight and server may be absent. `Display` prints a form that parses to the same target.
/// Limits: 4,096 bytes per target.
///
/// ```
/// use routing::{Target, TargetKind};
///
/// let target: Target = "?:sales>0 & english>=5@stat.GA".parse()?;
/// assert!(matches!(target.kind, TargetKind::Skill { .. }));
/// assert_eq!(target.server.as_deref(), Some("stat"));
/// # Ok::<(), routing::ParseError>(())
/// ```
///
/// Spec: routing reference §4; ORS reference §4
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// Condition under which the target is used at all.
    pub threshold: Option<Threshold>,
    /// Share under percentage distribution; this version's selection does not use it.
    pub weight: Option<u32>,
    /// What is meant.
    pub kind: TargetKind,
    /// Statistics server, or the switch of a DN.
    pub server: Option<String>,
}

/// What a target means.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetKind {
    /// An object by its name.
    Object {
        /// Its type.
        target_type: TargetType,
        /// Its name.
        name: String,
    },
    /// Agents by their skills.
    Skill {
        /// A name for reports.
        name: Option<String>,
        /// The expression.
        expr: SkillExpr,
    },
}

/// A comparison of a statistic with a number, for example `StatCallsInQueue<10`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Threshold {
    /// Name of the statistic.
    pub statistic: String,
    /// How to compare.
    pub comparison: Comparison,
    /// Right side.
    pub value: u32,
}

impl Target {
    /// Most bytes of one target.
    pub const MAX_BYTES: usize = 4096;
    /// Most targets in a list.
    pub const MAX_LIST: usize = 256;

    /// A skill target without name, for `expr` at `server`.
    pub fn skill(expr: SkillExpr, server: impl Into<String>) -> Self {
        Self {
            threshold: None,
            weight: None,
            kind: TargetKind::Skill { name: None, expr },
            server: Some(server.into()),
        }
    }

    /// An object of `target_type` at `server`.
    pub fn object(target_type: TargetType, name: impl Into<String>, server: impl Into<String>) -> Self {
        Self {
            threshold: None,
            weight: None,
            kind: TargetKind::Object {
                target_type,
                name: name.into(),
            },
            server: Some(server.into()),
        }
    }

    /// Its type; skill targets are [`TargetType::AgentGroup`].
    pub const fn target_type(&self) -> TargetType {
        match &self.kind {
            TargetKind::Object { target_type, .. } => *target_type,
            TargetKind::Skill { .. } => TargetType::AgentGroup,
        }
    }

    /// Parses a comma-separated list; commas inside quotes and braces do not separate.
    ///
    /// # Errors
    ///
    /// [`ParseError`] with the byte offset in `text`; an empty list is an error.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, ParseError> {
        let mut targets = Vec::new();
        for (offset, part) in split_list(text) {
            if targets.len() >= Self::MAX_LIST {
                return Err(ParseError::TooMany {
                    offset,
                    limit: Self::MAX_LIST,
                });
            }
            let indent = part.len() - part.trim_start().len();
            let target: Self = part
                .trim()
                .parse()
                .map_err(|error: ParseError| error.shifted(offset + indent))?;
            targets.push(target);
        }
        Ok(targets)
    }
}

impl FromStr for Target {
    type Err = ParseError;

    /// # Errors
    ///
    /// [`ParseError`] with the byte offset of the first place that breaks the grammar or a limit.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.len() > Self::MAX_BYTES {
            return Err(ParseError::TooLong {
                limit: Self::MAX_BYTES,
            });
        }
        let mut rest = text;
        let threshold = match enclosed(text, &mut rest, '{', '}', "closing `}`")? {
            Some((offset, inner)) => Some(Threshold::parse(inner).map_err(|error| error.shifted(offset))?),
            None => None,
        };
        let weight = match enclosed(text, &mut rest, '[', ']', "closing `]`")? {
            Some((offset, inner)) => Some(
                inner
                    .trim()
                    .parse()
                    .map_err(|_| expected(offset, "weight as integer"))?,
            ),
            None => None,
        };
        let base = text.len() - rest.len();
        let (kind, server) = parse_object(rest).map_err(|error| error.shifted(base))?;
        Ok(Self {
            threshold,
            weight,
            kind,
            server,
        })
    }
}

/// `name@server.type` or `?name:expression@server.GA`; the server may be absent.
fn parse_object(text: &str) -> Result<(TargetKind, Option<String>), ParseError> {
    let dot = text
        .rfind('.')
        .ok_or_else(|| expected(text.len(), "`.` and a target type"))?;
    let target_type =
        TargetType::from_suffix(&text[dot + 1..]).ok_or_else(|| expected(dot + 1, "target type"))?;
    let (object, server) = match last_unquoted(&text[..dot], '@') {
        Some(at) if at + 1 == dot => return Err(expected(dot, "name of a server")),
        Some(at) => (&text[..at], Some(text[at + 1..dot].to_owned())),
        None => (&text[..dot], None),
    };
    let Some(skill) = object.strip_prefix('?') else {
        if object.is_empty() {
            return Err(expected(0, "name of a target"));
        }
        return Ok((
            TargetKind::Object {
                target_type,
                name: object.to_owned(),
            },
            server,
        ));
    };
    if target_type != TargetType::AgentGroup {
        return Err(expected(dot + 1, "type `GA` of a skill target"));
    }
    let colon = skill
        .find(':')
        .ok_or_else(|| expected(object.len(), "`:` before the skill expression"))?;
    let name = Some(&skill[..colon])
        .filter(|name| !name.is_empty())
        .map(|name| (*name).to_owned());
    let expr = skill[colon + 1..]
        .parse()
        .map_err(|error: ParseError| error.shifted(colon + 2))?;
    Ok((TargetKind::Skill { name, expr }, server))
}

impl Threshold {
    fn parse(text: &str) -> Result<Self, ParseError> {
        let operator = text
            .find(['=', '!', '<', '>'])
            .ok_or_else(|| expected(text.len(), "comparison of the statistic"))?;
        let statistic = text[..operator].trim();
        if statistic.is_empty() {
            return Err(expected(0, "name of a statistic"));
        }
        let (comparison, length) = [
            Comparison::NotEqual,
            Comparison::GreaterOrEqual,
            Comparison::LessOrEqual,
            Comparison::Equal,
            Comparison::Greater,
            Comparison::Less,
        ]
        .into_iter()
        .find(|comparison| text[operator..].starts_with(comparison.as_str()))
        .map(|comparison| (comparison, comparison.as_str().len()))
        .ok_or_else(|| expected(operator, "comparison"))?;
        let value = text[operator + length..]
            .trim()
            .parse()
            .map_err(|_| expected(operator + length, "integer"))?;
        Ok(Self {
            statistic: statistic.to_owned(),
            comparison,
            value,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(threshold) = &self.threshold {
            write!(
                f,
                "{{{}{}{}}}",
                threshold.statistic, threshold.comparison, threshold.value
            )?;
        }
        if let Some(weight) = self.weight {
            write!(f, "[{weight}]")?;
        }
        match &self.kind {
            TargetKind::Object { name, .. } => f.write_str(name)?,
            TargetKind::Skill { name, expr } => write!(f, "?{}:{expr}", name.as_deref().unwrap_or_default())?,
        }
        if let Some(server) = &self.server {
            write!(f, "@{server}")?;
        }
        write!(f, ".{}", self.target_type())
    }
}

/// Names of agents and numbers are personal data; types and skills are not.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("kind", &self.kind)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object { target_type, .. } => write!(f, "Object({target_type}, [redacted])"),
            Self::Skill { expr, .. } => write!(f, "Skill({expr})"),
        }
    }
}

const fn expected(offset: usize, expected: &'static str) -> ParseError {
    ParseError::Expected { offset, expected }
}

/// Takes a part between `open` and `close` off the front of `rest`; answers its offset in `text`.
fn enclosed<'a>(
    text: &str,
    rest: &mut &'a str,
    open: char,
    close: char,
    closing: &'static str,
) -> Result<Option<(usize, &'a str)>, ParseError> {
    let trimmed = rest.trim_start();
    let Some(inner) = trimmed.strip_prefix(open) else {
        return Ok(None);
    };
    let end = inner.find(close).ok_or_else(|| expected(text.len(), closing))?;
    *rest = inner[end + 1..].trim_start();
    Ok(Some((text.len() - inner.len(), &inner[..end])))
}

/// Last `wanted` outside double quotes.
fn last_unquoted(text: &str, wanted: char) -> Option<usize> {
    let mut quoted = false;
    let mut found = None;
    for (index, c) in text.char_indices() {
        quoted ^= c == '"';
        if c == wanted && !quoted {
            found = Some(index);
        }
    }
    found
}

/// Parts of a list with their offsets.
fn split_list(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut quoted, mut braces, mut start) = (false, false, 0);
    for (index, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '{' if !quoted => braces = true,
            '}' if !quoted => braces = false,
            ',' if !quoted && !braces => {
                parts.push((start, &text[start..index]));
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push((start, &text[start..]));
    parts
}

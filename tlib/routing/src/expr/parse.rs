//! Parser of skill expressions.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::{char, multispace0};
use nom::error::{ErrorKind, ParseError as _};
use nom::{IResult, Parser};

use super::{Comparison, SkillExpr};
use crate::error::ParseError;

pub(super) fn expression(text: &str) -> Result<SkillExpr, ParseError> {
    let limit = SkillExpr::MAX_BYTES;
    if text.len() > limit {
        return Err(ParseError::TooLong { limit });
    }
    let mut state = State::default();
    let (rest, expr) = or(&mut state, text).map_err(|error| to_error(text, error))?;
    if rest.is_empty() {
        Ok(expr)
    } else {
        let expected = "`&`, `|` or the end";
        Err(ParseError::Expected {
            offset: text.len() - rest.len(),
            expected,
        })
    }
}

pub(super) fn is_identifier(text: &str) -> bool {
    identifier(text).is_ok_and(|(rest, _)| rest.is_empty())
}

/// What the limits count.
#[derive(Default)]
struct State {
    depth: usize,
    comparisons: usize,
}

/// Where a parser stopped, and why.
struct Fail<'a> {
    rest: &'a str,
    why: Why,
}

#[derive(Clone, Copy)]
enum Why {
    Expected(&'static str),
    TooDeep,
    TooMany,
}

type Parsed<'a, T> = IResult<&'a str, T, Fail<'a>>;

impl<'a> nom::error::ParseError<&'a str> for Fail<'a> {
    fn from_error_kind(rest: &'a str, _: ErrorKind) -> Self {
        Fail {
            rest,
            why: Why::Expected("skill or `(`"),
        }
    }

    fn append(_: &'a str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

fn or<'a>(state: &mut State, input: &'a str) -> Parsed<'a, SkillExpr> {
    chain(state, input, '|', and, SkillExpr::Or)
}

fn and<'a>(state: &mut State, input: &'a str) -> Parsed<'a, SkillExpr> {
    chain(state, input, '&', not, SkillExpr::And)
}

/// One or more elements between `separator`; a single one stands for itself.
fn chain<'a>(
    state: &mut State,
    input: &'a str,
    separator: char,
    element: fn(&mut State, &'a str) -> Parsed<'a, SkillExpr>,
    group: fn(Vec<SkillExpr>) -> SkillExpr,
) -> Parsed<'a, SkillExpr> {
    let (mut rest, first) = element(state, input)?;
    let mut parts = vec![first];
    while let Ok((after, _)) = token(separator, rest) {
        let (after, part) = element(state, after)?;
        parts.push(part);
        rest = after;
    }
    let single = parts.len() == 1;
    let expr = match parts.pop() {
        Some(part) if single => part,
        last => group(parts.into_iter().chain(last).collect()),
    };
    Ok((rest, expr))
}

fn not<'a>(state: &mut State, input: &'a str) -> Parsed<'a, SkillExpr> {
    match token('!', input) {
        Ok((rest, _)) => {
            let (rest, part) = atom(state, rest)?;
            Ok((rest, SkillExpr::Not(Box::new(part))))
        }
        Err(_) => atom(state, input),
    }
}

fn atom<'a>(state: &mut State, input: &'a str) -> Parsed<'a, SkillExpr> {
    let Ok((inside, _)) = token('(', input) else {
        return level(state, input);
    };
    if state.depth >= SkillExpr::MAX_DEPTH {
        return fail(input, Why::TooDeep);
    }
    state.depth += 1;
    let (rest, expr) = or(state, inside)?;
    state.depth -= 1;
    match token(')', rest) {
        Ok((rest, _)) => Ok((rest, expr)),
        Err(_) => fail(rest, Why::Expected("`&`, `|` or `)`")),
    }
}

fn level<'a>(state: &mut State, input: &'a str) -> Parsed<'a, SkillExpr> {
    let (input, _) = multispace0::<_, Fail<'_>>(input)?;
    if state.comparisons >= SkillExpr::MAX_COMPARISONS {
        return fail(input, Why::TooMany);
    }
    state.comparisons += 1;
    let (rest, skill) = if input.starts_with('"') {
        quoted(input)?
    } else {
        identifier(input)?
    };
    let (rest, _) = multispace0::<_, Fail<'_>>(rest)?;
    let skill = skill.to_owned();
    let Ok((after, comparison)) = comparison(rest) else {
        return Ok((
            rest,
            SkillExpr::Level {
                skill,
                comparison: Comparison::Greater,
                level: 0,
            },
        ));
    };
    let (after, _) = multispace0::<_, Fail<'_>>(after)?;
    let Ok((end, level)) = nom::character::complete::u32::<_, Fail<'_>>(after) else {
        return fail(after, Why::Expected("integer"));
    };
    let (end, _) = multispace0::<_, Fail<'_>>(end)?;
    Ok((
        end,
        SkillExpr::Level {
            skill,
            comparison,
            level,
        },
    ))
}

fn comparison(input: &str) -> Parsed<'_, Comparison> {
    alt((
        tag("!=").map(|_| Comparison::NotEqual),
        tag(">=").map(|_| Comparison::GreaterOrEqual),
        tag("<=").map(|_| Comparison::LessOrEqual),
        tag("=").map(|_| Comparison::Equal),
        tag(">").map(|_| Comparison::Greater),
        tag("<").map(|_| Comparison::Less),
    ))
    .parse(input)
}

fn identifier(input: &str) -> Parsed<'_, &str> {
    if !input.starts_with(|first: char| first.is_alphabetic() || first == '_') {
        return Err(nom::Err::Error(Fail::from_error_kind(input, ErrorKind::Alpha)));
    }
    take_while1(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')).parse(input)
}

fn quoted(input: &str) -> Parsed<'_, &str> {
    let name = &input[1..];
    match name.find('"') {
        Some(0) => fail(name, Why::Expected("skill name")),
        Some(end) => Ok((&name[end + 1..], &name[..end])),
        None => fail(&input[input.len()..], Why::Expected("closing `\"`")),
    }
}

/// A character with white space around it.
fn token(expected: char, input: &str) -> Parsed<'_, char> {
    let (input, _) = multispace0(input)?;
    let (input, found) = char(expected)(input)?;
    let (input, _) = multispace0(input)?;
    Ok((input, found))
}

fn fail<T>(rest: &str, why: Why) -> Parsed<'_, T> {
    Err(nom::Err::Failure(Fail { rest, why }))
}

fn to_error(text: &str, error: nom::Err<Fail<'_>>) -> ParseError {
    match error {
        nom::Err::Error(Fail { rest, why }) | nom::Err::Failure(Fail { rest, why }) => {
            let offset = text.len() - rest.len();
            match why {
                Why::Expected(expected) => ParseError::Expected { offset, expected },
                Why::TooDeep => ParseError::TooDeep {
                    offset,
                    limit: SkillExpr::MAX_DEPTH,
                },
                Why::TooMany => ParseError::TooMany {
                    offset,
                    limit: SkillExpr::MAX_COMPARISONS,
                },
            }
        }
        nom::Err::Incomplete(_) => ParseError::Expected {
            offset: text.len(),
            expected: "more text",
        },
    }
}

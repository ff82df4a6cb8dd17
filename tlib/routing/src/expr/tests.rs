//! Tests of skill expressions.

use proptest::prelude::*;

use super::{Comparison, SkillExpr, SkillSet};
use crate::error::ParseError;

fn skills(list: &[(&str, u32)]) -> SkillSet {
    list.iter()
        .map(|(skill, level)| ((*skill).to_owned(), *level))
        .collect()
}

fn holds(expr: &str, list: &[(&str, u32)]) -> bool {
    expr.parse::<SkillExpr>().unwrap().matches(&skills(list))
}

/// Spec: routing reference §4
#[test]
fn and_binds_stronger_than_or_and_not_strongest() {
    assert!(holds("a | b & c", &[("a", 1)]));
    assert!(!holds("(a | b) & c", &[("a", 1)]));
    assert!(holds("!a & b", &[("b", 1)]));
    assert!(!holds("!(a | b)", &[("b", 1)]));
    assert!(holds("!a=3", &[("a", 2)]));
}

/// Spec: routing reference §4
#[test]
fn every_operator_compares_levels_and_an_absent_skill_has_level_zero() {
    let rows: &[(&str, [bool; 4])] = &[
        ("s=2", [false, false, true, false]),
        ("s!=2", [true, true, false, true]),
        ("s>2", [false, false, false, true]),
        ("s>=2", [false, false, true, true]),
        ("s<2", [true, true, false, false]),
        ("s<=2", [true, true, true, false]),
        ("s", [false, true, true, true]),
    ];
    for (expr, expected) in rows {
        let found = [None, Some(1), Some(2), Some(3)].map(|level| {
            let list: Vec<_> = level.map(|level| ("s", level)).into_iter().collect();
            holds(expr, &list)
        });
        assert_eq!(found, *expected, "{expr}");
    }
}

#[test]
fn quoted_names_hold_operators_and_spaces() {
    assert!(holds(
        "\"key account | gold\" >= 2 & ventas_é.1-b",
        &[("key account | gold", 2), ("ventas_é.1-b", 1)]
    ));
}

#[test]
fn errors_name_the_byte_and_what_was_expected() {
    let cases = [
        ("", 0, "skill or `(`"),
        ("   ", 3, "skill or `(`"),
        ("sales &", 7, "skill or `(`"),
        ("sales > x", 8, "integer"),
        ("sales > 99999999999", 8, "integer"),
        ("(sales", 6, "`&`, `|` or `)`"),
        ("sales support", 6, "`&`, `|` or the end"),
        ("sales)", 5, "`&`, `|` or the end"),
        ("\"sales", 6, "closing `\"`"),
        ("\"\">1", 1, "skill name"),
        ("!!a", 1, "skill or `(`"),
        ("a | 5", 4, "skill or `(`"),
        ("a > -1", 4, "integer"),
    ];
    for (text, offset, expected) in cases {
        let error = text.parse::<SkillExpr>().unwrap_err();
        assert_eq!(error, ParseError::Expected { offset, expected }, "{text:?}");
    }
}

#[test]
fn length_depth_and_comparisons_are_limited() {
    let nested = |depth| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(nested(SkillExpr::MAX_DEPTH).parse::<SkillExpr>().is_ok());
    assert_eq!(
        nested(SkillExpr::MAX_DEPTH + 1).parse::<SkillExpr>(),
        Err(ParseError::TooDeep {
            offset: 32,
            limit: 32
        })
    );
    let many = |count| vec!["a"; count].join("|");
    assert!(many(SkillExpr::MAX_COMPARISONS).parse::<SkillExpr>().is_ok());
    assert_eq!(
        many(SkillExpr::MAX_COMPARISONS + 1).parse::<SkillExpr>(),
        Err(ParseError::TooMany {
            offset: 512,
            limit: 256
        })
    );
    let long = "a".repeat(SkillExpr::MAX_BYTES + 1);
    assert_eq!(
        long.parse::<SkillExpr>(),
        Err(ParseError::TooLong { limit: 4096 })
    );
}

fn any_expr() -> impl Strategy<Value = SkillExpr> {
    let comparison = prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
    ]);
    let leaf = (
        "[a-z_][a-z0-9_.-]{0,4}|[ a-z&|!()0-9]{1,5}",
        comparison,
        any::<u32>(),
    )
        .prop_map(|(skill, comparison, level)| SkillExpr::Level {
            skill,
            comparison,
            level,
        });
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(SkillExpr::Or),
            prop::collection::vec(inner.clone(), 2..4).prop_map(SkillExpr::And),
            inner.prop_map(|part| SkillExpr::Not(Box::new(part))),
        ]
    })
}

proptest! {
    #[test]
    fn printing_and_parsing_are_inverse(expr in any_expr()) {
        let text = expr.to_string();
        prop_assert_eq!(text.parse::<SkillExpr>(), Ok(expr), "{}", text);
    }

    #[test]
    fn any_text_parses_or_fails_inside_the_text(text in "[a-c\" |&!()<>=0-9é]{0,40}") {
        match text.parse::<SkillExpr>() {
            Ok(expr) => prop_assert_eq!(expr.to_string().parse::<SkillExpr>(), Ok(expr)),
            Err(ParseError::Expected { offset, .. }) => prop_assert!(text.is_char_boundary(offset)),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}

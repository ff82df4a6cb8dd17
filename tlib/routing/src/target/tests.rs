//! Tests of target strings.

use proptest::prelude::*;

use super::{Target, TargetKind, TargetType};
use crate::error::ParseError;
use crate::expr::Comparison;

/// Spec: ORS reference §4 (example)
#[test]
fn the_documented_list_parses() {
    let text = "{StatCallsInQueue<10}[25]8001.Q, {StatCallsInQueue<20}[50]8003.Q";
    let targets = Target::parse_list(text).unwrap();
    assert_eq!(targets.len(), 2);
    let second = &targets[1];
    let threshold = second.threshold.as_ref().unwrap();
    assert_eq!(threshold.statistic, "StatCallsInQueue");
    assert_eq!((threshold.comparison, threshold.value), (Comparison::Less, 20));
    assert_eq!(
        (second.weight, second.target_type(), &second.server),
        (Some(50), TargetType::Queue, &None)
    );
    assert_eq!(second.to_string(), "{StatCallsInQueue<20}[50]8003.Q");
}

#[test]
fn every_type_parses_and_prints() {
    for target_type in TargetType::ALL {
        let text = format!("some name@server.one.{target_type}");
        let target: Target = text.parse().unwrap();
        let TargetKind::Object { name, .. } = &target.kind else {
            panic!("{text}")
        };
        assert_eq!((name.as_str(), target.target_type()), ("some name", *target_type));
        assert_eq!(target.server.as_deref(), Some("server.one"));
        assert_eq!(target.to_string(), text);
    }
}

#[test]
fn skill_targets_keep_name_expression_and_server() {
    let target: Target = "?gold:\"a@b, c\">0 & x@stat.GA".parse().unwrap();
    let TargetKind::Skill { name, expr } = &target.kind else {
        panic!("not a skill target")
    };
    assert_eq!(name.as_deref(), Some("gold"));
    assert_eq!(expr.to_string(), "\"a@b, c\">0 & x>0");
    assert_eq!(target.server.as_deref(), Some("stat"));
    let list = Target::parse_list("?:\"a, b\">0@stat.GA,1001@stat.A").unwrap();
    assert_eq!(list.len(), 2);
}

#[test]
fn errors_name_the_byte_of_the_whole_text() {
    let cases = [
        ("", 0, "`.` and a target type"),
        ("1001@stat", 9, "`.` and a target type"),
        ("1001@stat.XX", 10, "target type"),
        ("@stat.A", 0, "name of a target"),
        ("1001@.A", 5, "name of a server"),
        ("?:sales@stat.A", 13, "type `GA` of a skill target"),
        ("?sales@stat.GA", 6, "`:` before the skill expression"),
        ("?:sales>@stat.GA", 8, "integer"),
        ("{x<1[5]8001.Q", 13, "closing `}`"),
        ("{x<1}[five]8001.Q", 6, "weight as integer"),
        ("{x}8001.Q", 2, "comparison of the statistic"),
        ("1001@stat.A, ?:a&@stat.GA", 17, "skill or `(`"),
        ("1001@stat.A,", 12, "`.` and a target type"),
    ];
    for (text, offset, expected) in cases {
        let error = Target::parse_list(text).unwrap_err();
        assert_eq!(error, ParseError::Expected { offset, expected }, "{text:?}");
    }
}

#[test]
fn debug_shows_no_agent_and_no_number() {
    let target: Target = "Smith@stat.A".parse().unwrap();
    assert_eq!(
        format!("{target:?}"),
        "Target { kind: Object(A, [redacted]), weight: None, .. }"
    );
}

proptest! {
    #[test]
    fn any_text_parses_or_fails_inside_the_text(text in "[{}a-c?:\"@.,<>=0-9AGQé \\[\\]]{0,40}") {
        match Target::parse_list(&text) {
            Ok(targets) => for target in targets {
                prop_assert_eq!(target.to_string().parse::<Target>(), Ok(target));
            },
            Err(ParseError::Expected { offset, .. }) => prop_assert!(offset <= text.len()),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}

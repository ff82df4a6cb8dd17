//! Findings, limits and the tables.

use std::sync::Arc;

use super::*;

fn wrap(body: &str) -> String {
    format!("<scxml xmlns=\"http://www.w3.org/2005/07/scxml\" version=\"1.0\">\n{body}\n</scxml>")
}

fn findings(body: &str) -> Vec<(u32, Rule)> {
    match Document::parse(&wrap(body)) {
        Ok(_) => Vec::new(),
        Err(error) => error.findings.iter().map(|f| (f.line, f.rule)).collect(),
    }
}

#[test]
fn all_findings_come_at_once_in_document_order_with_line_and_column() {
    let text = wrap(
        "<state id='a'>\n  <transition target='nowhere'/>\n  <onentry>\u{fc}<send delay='soon'/></onentry>\n</state>\n\
         <state id='a'><wrong/></state>",
    );
    let error = Document::parse(&text).unwrap_err();
    let shown: Vec<String> = error.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "3:3: no state has the id \"nowhere\" (unknown-target)",
            "4:13: delay is not a time such as 1.5s or 500ms (bad-attribute)",
            "6:1: id \"a\" is used by another state (duplicate-id)",
            "6:15: <wrong> is not known in <state> (unknown-element)",
        ]
    );
}

#[test]
fn each_rule_is_checked() {
    for (body, rule) in [
        ("<state id='a b'/>", Rule::BadAttribute),
        ("<state idd='a'/>", Rule::UnknownAttribute),
        (
            "<state><final/><onentry/><raise event='x'/></state>",
            Rule::MisplacedElement,
        ),
        ("<state><transition/></state>", Rule::Transition),
        (
            "<state><transition event='e' type='sideways'/></state>",
            Rule::BadAttribute,
        ),
        (
            "<state><onentry><raise/></onentry></state>",
            Rule::MissingAttribute,
        ),
        (
            "<state><onentry><if><log/></if></onentry></state>",
            Rule::MissingAttribute,
        ),
        (
            "<state><onentry><if cond='1'><else/><elseif cond='1'/></if></onentry></state>",
            Rule::MisplacedElement,
        ),
        (
            "<state><onentry><foreach array='a'/></onentry></state>",
            Rule::MissingAttribute,
        ),
        (
            "<state><onentry><assign location='x' expr='1'>2</assign></onentry></state>",
            Rule::Exclusive,
        ),
        (
            "<state><onentry><send event='a' eventexpr='b'/></onentry></state>",
            Rule::Exclusive,
        ),
        (
            "<state><onentry><send event='a' id='i' idlocation='l'/></onentry></state>",
            Rule::Exclusive,
        ),
        (
            "<state><onentry><send event='a' target='#_internal' delay='1s'/></onentry></state>",
            Rule::Exclusive,
        ),
        (
            "<state><onentry><cancel/></onentry></state>",
            Rule::MissingAttribute,
        ),
        (
            "<state><onentry><send event='a'><param name='n'/></send></onentry></state>",
            Rule::MissingAttribute,
        ),
        (
            "<state><invoke src='a'><content>b</content></invoke></state>",
            Rule::Exclusive,
        ),
        (
            "<state initial='b'><state id='a'/></state><state id='b'/>",
            Rule::Initial,
        ),
        (
            "<state initial='a b'><state id='a'/><state id='b'/></state>",
            Rule::Initial,
        ),
        ("<state id='a' initial='a'/>", Rule::Initial),
        ("<state><initial/><state/></state>", Rule::Initial),
        (
            "<state initial='a'><initial><transition target='a'/></initial><state id='a'/></state>",
            Rule::Exclusive,
        ),
        (
            "<state><transition event='e' target='a b'/></state><state id='a'/><state id='b'/>",
            Rule::TargetSet,
        ),
        ("<state><history id='h'/><state/></state>", Rule::History),
        (
            "<state><history id='h'><transition target='b'/></history><state/></state><state id='b'/>",
            Rule::History,
        ),
        (
            "<state><onentry><script src='gone.js'/></onentry></state>",
            Rule::Source,
        ),
        ("", Rule::Initial),
    ] {
        let found = findings(body);
        assert!(
            found.iter().any(|(_, r)| *r == rule),
            "{body} gave {found:?}, expected {rule}"
        );
    }
    assert_eq!(
        Document::parse("<scxml/>").unwrap_err().findings[0].rule,
        Rule::Root
    );
    let broken = Document::parse("<scxml>\n  <state></scxml>").unwrap_err();
    assert_eq!((broken.findings[0].line, broken.findings[0].rule), (2, Rule::Xml));
    let dtd = Document::parse("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").unwrap_err();
    assert_eq!(dtd.findings[0].rule, Rule::Xml);
}

#[test]
fn limits_on_size_nodes_depth_states_and_findings_hold() {
    let limited = |body: &str, limits: DocumentLimits| {
        let config = DocumentConfig::default().with_limits(limits);
        Document::parse_with(&wrap(body), &config).unwrap_err().findings
    };
    let defaults = DocumentLimits::default();
    let rule = |findings: Vec<Finding>| findings[0].rule;
    assert_eq!(
        rule(limited(
            "<state/>",
            DocumentLimits {
                size_bytes: 50,
                ..defaults
            }
        )),
        Rule::Limit
    );
    assert_eq!(
        rule(limited(
            "<state/><state/>",
            DocumentLimits { nodes: 4, ..defaults }
        )),
        Rule::Limit
    );
    assert_eq!(
        rule(limited(
            "<state/><state/>",
            DocumentLimits {
                states: 2,
                ..defaults
            }
        )),
        Rule::Limit
    );
    let deep = format!("{}{}", "<state>".repeat(150), "</state>".repeat(150));
    assert_eq!(rule(limited(&deep, defaults)), Rule::Limit);
    let many = "<wrong/>".repeat(50);
    assert_eq!(
        limited(
            &many,
            DocumentLimits {
                findings: 7,
                ..defaults
            }
        )
        .len(),
        7
    );
}

#[test]
fn nesting_beyond_any_reason_is_refused_without_harm() {
    let deep = format!("{}{}", "<state>".repeat(100_000), "</state>".repeat(100_000));
    let findings = Document::parse(&wrap(&deep)).unwrap_err().findings;
    assert!(matches!(findings[0].rule, Rule::Limit | Rule::Xml));
}

#[test]
fn states_are_numbered_in_document_order_and_descendants_are_a_range() {
    let document = Document::parse(&wrap(
        "<state id='a'><state id='b'/><parallel id='c'><state id='d'/><state id='e'/></parallel></state>\
         <final id='f'/>",
    ))
    .unwrap();
    assert_eq!(
        document.state_ids().collect::<Vec<_>>(),
        ["a", "b", "c", "d", "e", "f"]
    );
    let below = |s, a| document.is_descendant(StateId(s), StateId(a));
    assert!(below(4, 1) && below(5, 3) && below(6, 0));
    assert!(!below(6, 1) && !below(1, 1) && !below(2, 3));
}

#[test]
fn scripts_and_data_are_fetched_from_the_source() {
    struct Source;
    impl DocumentSource for Source {
        fn fetch(&self, url: &str) -> Result<String, String> {
            match url {
                "a.js" => Ok("var a = 1;".to_owned()),
                "b.xml" => Ok("<b/>".to_owned()),
                other => Err(format!("no {other}")),
            }
        }
    }
    let config = DocumentConfig::default().with_source(Arc::new(Source));
    let document = Document::parse_with(
        &wrap("<datamodel><data id='x' src='b.xml'/><data id='y' src='c'/></datamodel><script src='a.js'/><state/>"),
        &config,
    )
    .unwrap();
    assert_eq!(document.scripts[0].source.text, "var a = 1;");
    let data = &document.states[0].data;
    assert!(matches!(&data[0].value, DataSource::Inline(Inline::Xml(text), _) if text == "<b/>"));
    assert!(matches!(&data[1].value, DataSource::Missing(message, _) if message == "no c"));
}

#[test]
fn inline_xml_keeps_the_namespaces_it_stood_in() {
    let document = Document::parse(&wrap(
        "<datamodel xmlns:p='urn:p'><data id='x'><p:a xmlns:q='urn:q' q:b='/&gt;'><c/></p:a></data></datamodel><state/>",
    ))
    .unwrap();
    let DataSource::Inline(Inline::Xml(text), _) = &document.states[0].data[0].value else {
        panic!()
    };
    let parsed = roxmltree::Document::parse(text).unwrap();
    let root = parsed.root_element();
    assert_eq!(root.tag_name().namespace(), Some("urn:p"));
    assert_eq!(
        root.first_element_child().unwrap().tag_name().namespace(),
        Some(crate::NAMESPACE)
    );
    assert_eq!(root.attribute(("urn:q", "b")), Some("/>"));
}

#[test]
fn documents_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Document>();
    shared::<DocumentConfig>();
}

#[test]
fn profile_names_the_data_model_too() {
    let text = wrap("<state/>").replace("version=", "profile='ecmascript' version=");
    assert_eq!(Document::parse(&text).unwrap().data_model(), "ecmascript");
    let ors = DocumentConfig::default().with_dialect(Dialect::Ors);
    assert_eq!(
        Document::parse_with(&wrap("<state/>"), &ors)
            .unwrap()
            .data_model(),
        "ecmascript"
    );
    assert_eq!(Document::parse(&wrap("<state/>")).unwrap().data_model(), "null");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(body in "(<[a-z]{1,9}( [a-z]{2,6}='[a-z# ]{0,8}')?/?>|</[a-z]{1,9}>|[a-z&;]{0,5}){0,20}") {
        let _ = Document::parse(&wrap(&body));
    }

    #[test]
    fn no_mutilated_document_makes_the_parser_panic(cut in 0usize..400, put in "[<>/='a-z\"& ]{0,6}") {
        let mut text = wrap("<state id='a' initial='b'><onentry><if cond='x'><send event='e' delay='1s'/><else/>\
            <foreach array='a' item='b'><log/></foreach></if></onentry><history id='h'><transition target='b'/></history>\
            <state id='b'><invoke><content><scxml version='1.0'/></content></invoke></state></state>");
        let at = cut.min(text.len());
        let end = (at + put.len()).min(text.len());
        text.replace_range(at..end, &put);
        let _ = Document::parse(&text);
    }
}

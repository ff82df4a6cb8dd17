//! Custom actions.

use std::sync::Arc;

use scxml::{
    ActionHandler, AttributeKind, Dialect, Document, DocumentConfig, Event, Output, Rule, SessionConfig,
    Value,
};

use crate::rig::{Rig, wrap};

/// `requestid` and `result` are locations, `type` is a token, everything else an expression.
struct Table;

impl ActionHandler for Table {
    fn knows(&self, namespace: &str) -> bool {
        namespace == "urn:x"
    }

    fn attribute(&self, _namespace: &str, _element: &str, attribute: &str) -> AttributeKind {
        match attribute {
            "requestid" | "result" => AttributeKind::Location,
            "type" => AttributeKind::Token,
            _ => AttributeKind::Expr,
        }
    }
}

fn rig(body: &str) -> Rig {
    Rig::with(
        body,
        Dialect::Ors,
        SessionConfig::new("s1").with_actions(Arc::new(Table)),
    )
}

#[test]
fn an_action_leaves_evaluated_with_its_request_id_already_stored() {
    let mut rig = rig(
        "<datamodel><data id='req'/><data id='n' expr='2'/></datamodel>
         <state id='s'><onentry>
           <x:play requestid='req' type='ann' language=\"'en'\" count='n + 1'>
             <x:prompts type='tts'><x:prompt text=\"'hello ' + n\"/><x:prompt intid='7'/></x:prompts>
             <param name='p' expr='n'/><content _expr='[n]'/>
           </x:play>
           <log expr='req'/></onentry>
           <transition event='x.play.done' cond='_event.data.requestid == req' target='t'/></state><state id='t'/>",
    );
    let [Output::Action(action)] = rig.outputs.as_slice() else {
        panic!("{:?}", rig.outputs)
    };
    let action = action.clone();
    assert_eq!(rig.take_logs(), action.request_id);
    let element = &action.element;
    assert_eq!(
        (element.namespace.as_str(), element.name.as_str()),
        ("urn:x", "play")
    );
    assert_eq!(element.attribute("type").and_then(Value::as_str), Some("ann"));
    assert_eq!(element.attribute("language").and_then(Value::as_str), Some("en"));
    assert_eq!(element.attribute("count").and_then(Value::as_f64), Some(3.0));
    assert_eq!(element.params, [("p".to_owned(), Value::from(2))]);
    assert_eq!(element.content, Some(Value::Array(vec![Value::from(2)])));
    let prompts = element.child("prompts").unwrap();
    assert_eq!(prompts.attribute("type").and_then(Value::as_str), Some("tts"));
    assert_eq!(
        prompts.children[0].attribute("text").and_then(Value::as_str),
        Some("hello 2")
    );
    assert_eq!(
        prompts.children[1].attribute("intid").and_then(Value::as_f64),
        Some(7.0)
    );
    let data = Value::object().with("requestid", action.request_id);
    rig.send(Event::new("x.play.done").with_data(data));
    assert_eq!(rig.states(), "t");
}

#[test]
fn an_action_that_cannot_be_evaluated_is_an_error_and_stops_the_block() {
    for action in [
        "<x:a v='no.such'/>",
        "<x:a><x:b v='1 +'/></x:a>",
        "<x:a requestid='undeclared'/>",
    ] {
        let mut rig = rig(&format!(
            "<state id='s'><onentry>{action}<log expr=\"'after'\"/></onentry></state>"
        ));
        assert!(rig.outputs.is_empty(), "{action}");
        assert_eq!(rig.errors(), ["error.execution"], "{action}");
        assert_eq!(rig.take_logs(), "", "{action}");
    }
}

#[test]
fn unknown_namespaces_are_ignored_unless_the_document_is_strict() {
    let body = "<state id='s'><onentry><y:a xmlns:y='urn:y' v='no.such'/><log expr='1'/></onentry></state>";
    let mut lax = rig(body);
    assert_eq!((lax.take_logs().as_str(), lax.outputs.len()), ("1", 0));
    let strict = wrap(body).replace("version=", "exmode='strict' version=");
    let config = DocumentConfig::default().with_actions(Arc::new(Table));
    let findings = Document::parse_with(&strict, &config).unwrap_err().findings;
    assert_eq!(findings[0].rule, Rule::UnknownElement);
    assert!(Document::parse_with(&strict.replace("urn:y", "urn:x"), &config).is_ok());
}

#[test]
fn the_answer_to_an_action_may_write_to_a_location() {
    let mut rig = rig(
        "<datamodel><data id='out'/></datamodel><state id='s'><transition event='e'><log expr='out.k'/></transition></state>",
    );
    rig.session
        .assign("out", &Value::object().with("k", "v"))
        .unwrap();
    assert!(rig.session.assign("nowhere", &Value::Null).is_err());
    rig.event("e");
    assert_eq!(rig.take_logs(), "v");
}

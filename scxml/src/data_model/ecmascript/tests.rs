//! The engine behind the seam.

use super::*;

fn engine() -> EcmaScript {
    EcmaScript::new(EcmaScriptConfig::default()).unwrap()
}

#[test]
fn values_survive_the_way_in_and_out() {
    let mut engine = engine();
    engine.declare("x").unwrap();
    let value = Value::object()
        .with("list", vec![Value::Null, Value::from(1.5), Value::from(true)])
        .with("text", "a\"\u{1f6a6}\n")
        .with(
            "nested",
            Value::object().with("10", 1).with("b", Value::Undefined),
        );
    engine.set("x", &value).unwrap();
    assert_eq!(engine.eval("x"), Ok(value));
    let xml = Value::Xml("<a b=\"c\"><d/>t</a>".to_owned());
    engine.set("x", &xml).unwrap();
    assert_eq!(engine.eval("x"), Ok(xml));
    assert_eq!(
        engine.eval("x.getAttribute('b') + x.firstChild.tagName + x.textContent"),
        Ok("cdt".into())
    );
}

#[test]
fn what_has_no_copy_becomes_undefined_and_dates_become_text() {
    let mut engine = engine();
    assert_eq!(engine.eval("(function(){})"), Ok(Value::Undefined));
    assert_eq!(engine.eval("Symbol('s')"), Ok(Value::Undefined));
    assert_eq!(engine.eval("new Date(0)"), Ok("1970-01-01T00:00:00.000Z".into()));
}

#[test]
fn expressions_may_end_in_a_semicolon_or_a_comment() {
    let mut engine = engine();
    assert_eq!(engine.eval("1 + 1 ; "), Ok(2.into()));
    assert_eq!(engine.eval("1 + 1 // two"), Ok(2.into()));
    assert_eq!(engine.eval("{ a: 1 }"), Ok(Value::object().with("a", 1)));
    assert!(engine.eval("1; 2").is_err());
}

#[test]
fn scripts_share_one_global_scope_with_data() {
    let mut engine = engine();
    engine
        .script("var a = 1; function f() { return a + 1; }")
        .unwrap();
    engine.declare("d").unwrap();
    engine.script("d = f();").unwrap();
    assert_eq!(engine.eval("d"), Ok(2.into()));
    engine.assign("a", "d").unwrap();
    assert_eq!(engine.eval("f()"), Ok(3.into()));
}

#[test]
fn assignment_needs_a_location_that_exists() {
    let mut engine = engine();
    engine.script("var o = Object.freeze({ a: 1 });").unwrap();
    for location in [
        "undeclared",
        "o.a",
        "o.b.c",
        "1",
        "f()",
        "",
        "a b",
        "o.a) = 1; (o",
    ] {
        assert!(engine.assign(location, "1").is_err(), "{location}");
    }
    assert_eq!(engine.eval("o.a"), Ok(1.into()));
}

#[test]
fn error_messages_name_the_error() {
    let mut engine = engine();
    let Err(DataError::Evaluation { message }) = engine.eval("nothing.here") else {
        panic!()
    };
    assert_eq!(message, "ReferenceError: nothing is not defined");
    assert!(
        matches!(engine.eval("1 +"), Err(DataError::Evaluation { message }) if message.starts_with("SyntaxError"))
    );
    assert!(matches!(
        engine.script("throw 7"),
        Err(DataError::Evaluation { .. })
    ));
}

#[test]
fn an_interrupted_engine_refuses_everything_until_the_next_macrostep() {
    let mut engine = engine();
    assert_eq!(engine.script("for(;;);"), Err(DataError::Interrupted));
    assert_eq!(engine.eval("1"), Err(DataError::Interrupted));
    engine.begin_macrostep();
    assert_eq!(engine.eval("1"), Ok(1.into()));
}

#[test]
fn the_prelude_leaves_no_names_behind() {
    let mut plain = engine();
    let names = "Object.getOwnPropertyNames(globalThis).filter(function (n) { return /scxml|_data|toSource|uneval|__/.test(n); })";
    assert_eq!(plain.eval(names), Ok(Value::Array(vec![])));
    assert_eq!(plain.eval("'toSource' in {}"), Ok(false.into()));
}

#[test]
fn engines_are_released_with_their_host_functions() {
    for _ in 0..20 {
        let token = Rc::new(());
        let held = Rc::clone(&token);
        let mut engine = engine();
        engine
            .set_host_function(
                "host.f",
                Box::new(move |args| {
                    let _ = &held;
                    Ok(args.first().cloned().unwrap_or_default())
                }),
            )
            .unwrap();
        assert_eq!(engine.eval("host.f([1, { a: 2 }])[1].a"), Ok(2.into()));
        drop(engine);
        assert_eq!(Rc::strong_count(&token), 1);
    }
}

#[test]
fn names_of_every_script_are_legal_even_when_a_script_takes_regular_expressions_away() {
    let mut engine = engine();
    engine.script("RegExp = undefined;").unwrap();
    for name in ["x", "$", "_1", "größe", "数", "été$"] {
        engine.declare(name).unwrap();
    }
    for name in ["", "1", "a b", "a-b", "1é", "é-", "a\u{2028}"] {
        assert!(engine.declare(name).is_err(), "{name:?}");
    }
}

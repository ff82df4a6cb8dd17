//! Sessions without interactions, messages between sessions, timers.

use scxml::Value;

use crate::Bench;

#[test]
fn parameters_replace_data_and_the_result_comes_back() {
    let mut bench = Bench::new(
        r#"<scxml version="1.0" datamodel="ecmascript" initial="a" xmlns="http://www.w3.org/2005/07/scxml">
             <datamodel><data id="number" expr="'none'"/></datamodel>
             <state id="a"><transition event="finish" target="z"/></state>
             <final id="z"><donedata><content expr="number + _event.data.suffix"/></donedata></final></scxml>"#,
    );
    let session = bench
        .start(vec![("number".to_owned(), Value::from("555"))])
        .unwrap();
    let view = bench.manager.query(bench.now, &session).unwrap();
    assert_eq!(
        (view.document.as_str(), view.states),
        ("test.scxml", vec!["a".to_owned()])
    );
    assert!(bench.manager.send_event(
        bench.now,
        &session,
        "finish",
        Value::object().with("suffix", "-1")
    ));
    assert_eq!(
        bench.drain(),
        ["     0 ended Finished(\"z\") leaving [] with \"555-1\""]
    );
    assert!(
        !bench
            .manager
            .send_event(bench.now, &session, "finish", Value::Undefined)
    );
}

#[test]
fn terminated_sessions_run_their_exit_handlers() {
    let mut bench = Bench::new(
        r#"<scxml version="1.0" datamodel="ecmascript" xmlns="http://www.w3.org/2005/07/scxml">
             <state id="a"><onexit><log expr="'bye'"/></onexit></state></scxml>"#,
    );
    let session = bench.start(Vec::new()).unwrap();
    assert!(bench.manager.terminate(bench.now, &session));
    assert_eq!(
        bench.drain(),
        ["     0 log  bye", "     0 ended Terminated leaving [] with null"]
    );
    assert_eq!(bench.manager.stats().terminated, 1);
    assert!(!bench.manager.terminate(bench.now, &session));
}

const PEER: &str = r#"<scxml version="1.0" datamodel="ecmascript" xmlns="http://www.w3.org/2005/07/scxml">
     <state id="a">
       <transition event="ask"><send event="'ping'" target="'#_scxml_' + _event.data.peer"/></transition>
       <transition event="ping"><log expr="_sessionid + ' got a ping'"/><send event="'pong'" target="_event.origin"/></transition>
       <transition event="pong"><log expr="_sessionid + ' got a pong'"/></transition>
       <transition event="error.communication"><log expr="'unreachable'"/></transition>
       <transition event="loop"><send event="'loop'" target="'#_scxml_' + _event.data.peer">
         <param name="peer" expr="_sessionid"/></send></transition>
     </state></scxml>"#;

#[test]
fn sessions_send_each_other_messages() {
    let mut bench = Bench::new(PEER);
    let first = bench.start(Vec::new()).unwrap();
    let second = bench.start(Vec::new()).unwrap();
    let ask = |peer: &str| Value::object().with("peer", peer);
    bench
        .manager
        .send_event(bench.now, &first, "ask", ask(second.as_str()));
    assert_eq!(
        bench.drain(),
        [
            format!("     0 log  {second} got a ping"),
            format!("     0 log  {first} got a pong"),
        ]
    );
    bench.manager.send_event(bench.now, &first, "ask", ask("nobody"));
    assert_eq!(bench.drain(), ["     0 log  unreachable"]);
    assert_eq!(bench.manager.stats().undelivered_sends, 1);
}

#[test]
fn sessions_that_send_each_other_messages_without_end_are_stopped() {
    let mut bench = Bench::new(PEER);
    let first = bench.start(Vec::new()).unwrap();
    let second = bench.start(Vec::new()).unwrap();
    bench.manager.send_event(
        bench.now,
        &first,
        "loop",
        Value::object().with("peer", second.as_str()),
    );
    assert_eq!(bench.drain(), ["     0 log  unreachable"]);
    assert_eq!(bench.manager.stats().active, 2);
}

#[test]
fn delayed_events_fire_at_their_time() {
    let mut bench = Bench::new(
        r#"<scxml version="1.0" datamodel="ecmascript" xmlns="http://www.w3.org/2005/07/scxml">
             <state id="a"><onentry><send event="'later'" delay="'1500ms'"/></onentry>
             <transition event="later" target="b"/></state><final id="b"/></scxml>"#,
    );
    bench.start(Vec::new()).unwrap();
    assert!(bench.wait(1_499).is_empty());
    assert_eq!(
        bench.wait(1),
        ["  1500 ended Finished(\"b\") leaving [] with null"]
    );
    assert_eq!(bench.manager.poll_timeout(), None);
}

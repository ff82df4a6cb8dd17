//! Executable content and data.

use crate::rig::Rig;

/// Spec: SCXML §4.6
#[test]
fn foreach_visits_a_shallow_copy_and_declares_its_variables() {
    let mut rig = Rig::new(
        "<datamodel><data id='list'>[1, 2, 3]</data></datamodel>
         <state id='s'><onentry><foreach array='list' item='it' index='i'>
           <script>list.push(9)</script><log expr=\"i + ':' + it\"/>
         </foreach><log expr='list.length'/></onentry></state>",
    );
    assert_eq!(rig.take_logs(), "0:1 1:2 2:3 6");
    assert!(rig.errors().is_empty());
}

/// Spec: SCXML §4.6
#[test]
fn foreach_over_something_else_or_into_an_illegal_name_is_an_error() {
    for (array, item) in [
        ("7", "x"),
        ("'text'", "x"),
        ("[1]", "continue"),
        ("[1]", "_event"),
        ("[1]", "a b"),
    ] {
        let mut rig = Rig::new(&format!(
            "<state id='s'><onentry><foreach array=\"{array}\" item='{item}'><log expr='1'/></foreach>
               <log expr=\"'after'\"/></onentry></state>"
        ));
        assert_eq!(rig.take_logs(), "", "{array} into {item}");
        assert_eq!(rig.errors(), ["error.execution"], "{array} into {item}");
    }
}

/// Spec: SCXML §4.6
#[test]
fn an_error_in_a_loop_stops_the_loop_and_its_block() {
    let mut rig = Rig::new(
        "<state id='s'><onentry><foreach array='[1,2,3]' item='x'><log expr='x'/>
           <if cond='x == 2'><assign location='nowhere' expr='1'/></if></foreach><log expr=\"'after'\"/></onentry>
           <onentry><log expr=\"'next block'\"/></onentry></state>",
    );
    assert_eq!(rig.take_logs(), "1 2 next block");
}

/// Spec: SCXML §5.4 and §5.10
#[test]
fn assignments_to_undeclared_locations_and_system_variables_raise_errors() {
    for location in [
        "nope",
        "a.b.c",
        "_event",
        "_sessionid",
        "_name",
        "_ioprocessors",
        "1",
        "In",
        "x y",
    ] {
        let mut rig = Rig::new(&format!(
            "<datamodel><data id='a' expr='({{}})'/></datamodel>
             <state id='s'><onentry><raise event='go'/></onentry>
               <transition event='go'><assign location='{location}' expr='1'/><log expr=\"'not reached'\"/></transition>
               <transition event='error.execution'><log expr='_event.name + _event.type'/></transition></state>"
        ));
        assert_eq!(rig.take_logs(), "error.executionplatform", "{location}");
    }
}

/// Spec: SCXML §5.4
#[test]
fn assignment_keeps_the_identity_of_objects() {
    let mut rig = Rig::new(
        "<datamodel><data id='a' expr='{ n: 1 }'/><data id='b'/></datamodel>
         <state id='s'><onentry><assign location='b' expr='a'/><assign location='b.n' expr='5'/>
           <log expr='a.n'/><log expr='a === b'/></onentry></state>",
    );
    assert_eq!(rig.take_logs(), "5 true");
}

/// Spec: SCXML §5.3
#[test]
fn late_binding_gives_values_at_first_entry_only() {
    let body = "<datamodel><data id='n' expr='1'/></datamodel>
         <state id='a'><onentry><log expr='typeof m'/></onentry><transition event='e' target='b'/></state>
         <state id='b'><datamodel><data id='m' expr='n'/></datamodel>
           <onentry><log expr='m'/><assign location='m' expr='m + 1'/></onentry>
           <transition event='e' target='b'/></state>";
    let text = crate::rig::wrap(body).replace("datamodel=", "binding='late' datamodel=");
    let document = scxml::Document::parse(&text).unwrap();
    let mut session =
        scxml::Session::new(std::sync::Arc::new(document), scxml::SessionConfig::new("s")).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the start of virtual time")]
    let now = std::time::Instant::now();
    session.start(now);
    session.handle_event(now, scxml::Event::new("e"));
    session.handle_event(now, scxml::Event::new("e"));
    let mut logs = Vec::new();
    while let Some(output) = session.poll_output() {
        if let scxml::Output::Log(record) = output {
            logs.push(record.value.to_text());
        }
    }
    assert_eq!(logs.join(" "), "undefined 1 2");
}

/// Spec: SCXML §5.3 and appendix B.2.2
#[test]
fn inline_data_is_json_or_xml_or_normalised_text() {
    let mut rig = Rig::new(
        "<datamodel><data id='json'>{\"a\": [1, null]}</data>
           <data id='xml'><books xmlns=''><book title='t1'/><book title='t2'>in</book></books></data>
           <data id='text'>  some
              words </data></datamodel>
         <state id='s'><onentry><log expr='json.a.length'/>
           <log expr=\"xml.getElementsByTagName('book')[1].getAttribute('title')\"/>
           <log expr=\"xml.getElementsByTagName('book')[1].textContent\"/>
           <log expr=\"'[' + text + ']'\"/></onentry></state>",
    );
    assert_eq!(rig.take_logs(), "2 t2 in [some words]");
}

/// Spec: SCXML §5.9.1
#[test]
fn a_condition_that_fails_is_false_and_raises_an_error() {
    let mut rig = Rig::new(
        "<state id='s'><onentry><if cond='no.such.thing'><log expr='1'/><elseif cond='1 +'/><log expr='2'/>
            <else/><log expr='3'/></if></onentry></state>",
    );
    assert_eq!(rig.take_logs(), "3");
    assert_eq!(rig.errors(), ["error.execution", "error.execution"]);
}

/// Spec: SCXML §5.9.1 (In)
#[test]
fn in_is_true_from_entry_to_exit() {
    let mut rig = Rig::new(
        "<state id='p'><onexit><log expr=\"In('c')\"/></onexit>
           <state id='c'><onentry><log expr=\"In('c') &amp;&amp; In('p')\"/></onentry>
             <onexit><log expr=\"In('c')\"/></onexit><transition event='e' target='q'/></state></state>
         <state id='q'/>",
    );
    rig.event("e");
    assert_eq!(rig.take_logs(), "true true false");
}

/// Spec: SCXML §5.10
#[test]
fn event_data_reaches_scripts_and_absent_fields_are_undefined() {
    let mut rig = Rig::new(
        "<state id='s'><transition event='call'>
           <log expr='_event.data.list[1].n'/><log expr=\"'sendid' in _event &amp;&amp; _event.sendid === undefined\"/>
           <log expr='_event.type'/><log expr='Object.keys(_event).length'/></transition></state>",
    );
    let list = vec![scxml::Value::from(0), scxml::Value::object().with("n", "two")];
    rig.send(scxml::Event::new("call").with_data(scxml::Value::object().with("list", list)));
    assert_eq!(rig.take_logs(), "two true external 8");
}

#[test]
fn a_value_in_a_circle_cannot_leave_but_harms_nobody() {
    let mut rig = Rig::new(
        "<datamodel><data id='a' expr='{}'/></datamodel>
         <state id='s'><onentry><script>a.self = a; a.again = a;</script><log expr='a'/></onentry>
           <transition event='error.execution' target='t'/></state><state id='t'/>",
    );
    assert_eq!((rig.take_logs().as_str(), rig.states().as_str()), ("", "t"));
}

#[test]
fn text_outside_unicode_scalars_survives_the_border() {
    let mut rig = Rig::new(
        "<state id='s'><onentry><log expr=\"'\\ud800'\"/><log expr=\"'gr\u{fc}n \u{1f6a6}'\"/></onentry></state>",
    );
    assert_eq!(rig.take_logs(), "\u{fffd} gr\u{fc}n \u{1f6a6}");
}

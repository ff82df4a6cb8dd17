//! Messages, delays and cancellation.

use scxml::{Output, SendFailure, SendTarget, SessionConfig};

use crate::rig::Rig;

/// Spec: SCXML §6.2.4
#[test]
fn delayed_messages_arrive_exactly_when_due_with_data_of_the_time_of_sending() {
    let mut rig = Rig::new(
        "<datamodel><data id='n' expr='1'/></datamodel>
         <state id='s'><onentry>
           <send event='late' delay='1.5s'><param name='n' expr='n'/></send>
           <send event='early' delay='500ms' namelist='n'/>
           <assign location='n' expr='2'/></onentry>
           <transition event='early late'><log expr='_event.name + _event.data.n'/></transition></state>",
    );
    rig.pass(499);
    assert_eq!(rig.take_logs(), "");
    rig.pass(1);
    assert_eq!(rig.take_logs(), "early1");
    rig.pass(999);
    assert_eq!(rig.take_logs(), "");
    rig.pass(1);
    assert_eq!(rig.take_logs(), "late1");
    assert_eq!(rig.session.poll_timeout(), None);
}

/// Spec: SCXML §6.3
#[test]
fn cancel_drops_all_delayed_messages_of_its_id() {
    let mut rig = Rig::new(
        "<datamodel><data id='made'/></datamodel>
         <state id='s'><onentry><send id='a' event='a' delay='1s'/><send id='a' event='a' delay='2s'/>
           <send idlocation='made' event='b' delay='1s'/><send id='c' event='c' delay='1s'/></onentry>
           <transition event='stop'><cancel sendid='a'/><cancel sendidexpr='made'/></transition>
           <transition event='*'><log expr='_event.name + _event.sendid'/></transition></state>",
    );
    rig.event("stop");
    rig.pass(5_000);
    assert_eq!(rig.take_logs(), "cc");
}

/// Spec: SCXML §6.2.3
#[test]
fn unknown_types_and_illegal_targets_are_execution_errors_with_the_sends_id() {
    for attributes in [
        "type='fax'",
        "target='nowhere'",
        "typeexpr='undefined'",
        "delayexpr=\"'soon'\"",
        "namelist='no'",
    ] {
        let mut rig = Rig::new(&format!(
            "<state id='s'><onentry><send id='x' event='e' {attributes}/><log expr=\"'not reached'\"/></onentry>
               <transition event='*'><log expr='_event.name + _event.sendid'/></transition></state>"
        ));
        assert_eq!(rig.take_logs(), "error.executionx", "{attributes}");
    }
}

/// Spec: SCXML appendix C.1
#[test]
fn a_target_that_is_not_there_is_a_communication_error() {
    for target in ["#_parent", "#_nobody"] {
        let mut rig = Rig::new(&format!(
            "<state id='s'><onentry><send event='e' target='{target}'/><log expr=\"'reached'\"/></onentry>
               <transition event='*'><log expr='_event.name'/></transition></state>"
        ));
        assert_eq!(rig.take_logs(), "reached error.communication", "{target}");
    }
}

/// Spec: SCXML §6.2.5
#[test]
fn a_failure_reported_at_once_is_seen_before_the_next_external_event() {
    let mut rig = Rig::idle(
        "<state id='s'><onentry><send id='m' event='e' target='#_scxml_other'/><send event='own'/></onentry>
           <transition event='*'><log expr='_event.name'/></transition></state>",
        scxml::Dialect::W3c,
        SessionConfig::new("s1"),
    );
    rig.session.start(rig.now);
    let sent = loop {
        if let Output::Send(request) = rig.session.poll_output().unwrap() {
            break request;
        }
    };
    assert_eq!(sent.target, SendTarget::Session("other".to_owned()));
    assert_eq!(sent.event.origin.as_deref(), Some("#_scxml_s1"));
    rig.session
        .handle_send_failure(rig.now, &sent.send_id, SendFailure::Communication);
    rig.drain();
    assert_eq!(rig.take_logs(), "error.communication own");
}

#[test]
fn messages_of_other_processors_leave_with_target_and_parameters() {
    let config = SessionConfig::new("s1").with_io_processor("basichttp", "http://127.0.0.1/s1");
    let mut rig = Rig::with(
        "<state id='s'><onentry><log expr=\"_ioprocessors['basichttp'].location\"/>
           <send type='basichttp' target='http://127.0.0.1/x' event='e'><param name='k' expr='1'/>
             <param name='k' expr='2'/></send></onentry></state>",
        scxml::Dialect::W3c,
        config,
    );
    assert_eq!(rig.take_logs(), "http://127.0.0.1/s1");
    let [Output::Send(request)] = rig.outputs.as_slice() else {
        panic!("{:?}", rig.outputs)
    };
    assert_eq!(
        request.target,
        SendTarget::Address(Some("http://127.0.0.1/x".to_owned()))
    );
    assert_eq!(request.params.len(), 2);
}

/// Spec: SCXML §6.2.4
#[test]
fn the_end_of_the_session_drops_what_was_not_delivered() {
    let mut rig = Rig::new(
        "<state id='s'><onentry><send event='late' delay='1s'/></onentry><transition event='e' target='f'/></state>
         <final id='f'/>",
    );
    assert!(rig.session.poll_timeout().is_some());
    rig.event("e");
    assert!(rig.done.is_some());
    assert_eq!(rig.session.poll_timeout(), None);
}

#[test]
fn counters_count_what_happened() {
    let mut rig = Rig::new(
        "<state id='a'><onentry><send event='tick' delay='1s'/></onentry>
           <transition event='tick' target='b'/><transition event='bad' cond='no.such' target='b'/></state>
         <state id='b'/>",
    );
    rig.event("bad");
    rig.send(scxml::Event::new("from.nobody").with_invoke_id("gone"));
    rig.pass(1_000);
    let stats = rig.session.stats();
    assert_eq!(rig.states(), "b");
    assert_eq!(
        (stats.external_events, stats.dropped_events, stats.errors),
        (2, 1, 1)
    );
    assert_eq!(
        (stats.microsteps, stats.transitions, stats.timers_fired),
        (1, 1, 1)
    );
}

//! Selection of transitions, exit and entry order.

use crate::rig::Rig;

const LOGGED: &str = "<state id='p'>
  <onentry><log expr=\"'+p'\"/></onentry><onexit><log expr=\"'-p'\"/></onexit>
  <transition event='self' target='p'><log expr=\"'t'\"/></transition>
  <transition event='inner' type='internal' target='b'><log expr=\"'t'\"/></transition>
  <transition event='outer' target='b'><log expr=\"'t'\"/></transition>
  <transition event='none'><log expr=\"'t'\"/></transition>
  <state id='a'><onentry><log expr=\"'+a'\"/></onentry><onexit><log expr=\"'-a'\"/></onexit></state>
  <state id='b'><onentry><log expr=\"'+b'\"/></onentry><onexit><log expr=\"'-b'\"/></onexit></state>
</state>";

/// Spec: SCXML §3.13
#[test]
fn exits_run_inside_out_then_the_transition_then_entries_outside_in() {
    let mut rig = Rig::new(LOGGED);
    assert_eq!(rig.take_logs(), "+p +a");
    rig.event("self");
    assert_eq!(rig.take_logs(), "-a -p t +p +a");
}

/// Spec: SCXML §3.13
#[test]
fn an_internal_transition_does_not_leave_its_compound_source() {
    let mut rig = Rig::new(LOGGED);
    rig.take_logs();
    rig.event("inner");
    assert_eq!(rig.take_logs(), "-a t +b");
    rig.event("outer");
    assert_eq!(rig.take_logs(), "-b -p t +p +b");
    rig.event("none");
    assert_eq!(rig.take_logs(), "t");
}

/// Spec: SCXML §3.13
#[test]
fn an_internal_transition_of_a_parallel_state_is_external() {
    let mut rig = Rig::new(
        "<parallel id='p'><onexit><log expr=\"'-p'\"/></onexit>
           <transition event='e' type='internal' target='r1'/>
           <state id='r1'/><state id='r2'/></parallel>",
    );
    rig.event("e");
    assert_eq!(rig.take_logs(), "-p");
}

/// Spec: SCXML §3.13
#[test]
fn a_child_beats_its_parent_and_document_order_decides_within_a_state() {
    let mut rig = Rig::new(
        "<state id='p'><transition event='e' target='lost'/>
           <state id='c'><transition event='e' cond='false' target='lost'/>
             <transition event='e' target='won'/><transition event='e' target='lost'/></state>
         </state><state id='won'/><state id='lost'/>",
    );
    rig.event("e");
    assert_eq!(rig.states(), "won");
}

/// Spec: SCXML appendix D, removeConflictingTransitions
#[test]
fn of_two_conflicting_transitions_in_regions_the_first_in_document_order_wins() {
    let mut rig = Rig::new(
        "<parallel id='p'>
           <state id='r1'><transition event='e' target='x'/></state>
           <state id='r2'><transition event='e' target='y'/></state>
         </parallel><state id='x'/><state id='y'/>",
    );
    rig.event("e");
    assert_eq!(rig.states(), "x");
}

/// Spec: SCXML appendix D, removeConflictingTransitions
#[test]
fn a_transition_of_a_descendant_preempts_an_earlier_one_of_its_ancestor() {
    // From the view of r1 the parallel state's transition is selected first; r2's own one must replace it.
    let mut rig = Rig::new(
        "<parallel id='p'><transition event='e' target='x'/>
           <state id='r1'/>
           <state id='r2'><transition event='e' target='y'/></state>
         </parallel><state id='x'/><state id='y'/>",
    );
    rig.event("e");
    assert_eq!(rig.states(), "y");
}

/// Spec: SCXML §3.4
#[test]
fn every_region_of_a_parallel_state_reacts_to_one_event() {
    let mut rig = Rig::new(
        "<parallel id='p'>
           <state id='r1'><state id='a1'><transition event='e' target='a2'/></state><state id='a2'/></state>
           <state id='r2'><state id='b1'><transition event='e' target='b2'/></state><state id='b2'/></state>
         </parallel>",
    );
    assert_eq!(rig.states(), "p r1 a1 r2 b1");
    rig.event("e");
    assert_eq!(rig.states(), "p r1 a2 r2 b2");
}

/// Spec: SCXML §3.4 and §3.7
#[test]
fn a_parallel_state_is_done_when_all_its_regions_are() {
    let mut rig = Rig::new(
        "<parallel id='p'>
           <transition event='done.state.r1'><log expr=\"'r1'\"/></transition>
           <transition event='done.state.p' target='end'/>
           <state id='r1'><state id='a'><transition event='one' target='af'/></state><final id='af'/></state>
           <state id='r2'><state id='b'><transition event='two' target='bf'/></state><final id='bf'/></state>
         </parallel><state id='end'/>",
    );
    rig.event("one");
    assert_eq!(
        (rig.take_logs().as_str(), rig.states().as_str()),
        ("r1", "p r1 af r2 b")
    );
    rig.event("two");
    assert_eq!(rig.states(), "end");
}

/// Spec: SCXML §5.5
#[test]
fn donedata_travels_with_the_done_event_and_with_the_end_of_the_session() {
    let mut rig = Rig::new(
        "<state id='p'><final id='f'><donedata><param name='n' expr='1 + 1'/></donedata></final>
           <transition event='done.state.p' target='end'><log expr='_event.data.n'/></transition></state>
         <final id='end'><donedata><content expr=\"'bye'\"/></donedata></final>",
    );
    rig.drain();
    assert_eq!(rig.take_logs(), "2");
    let done = rig.done.unwrap();
    assert_eq!(done.data.as_str(), Some("bye"));
    assert_eq!(done.reason, scxml::DoneReason::Final("end".to_owned()));
}

/// Spec: SCXML §3.13
#[test]
fn internal_events_come_before_external_ones_and_eventless_transitions_before_both() {
    let mut rig = Rig::new(
        "<state id='a'><onentry><send event='ext'/><raise event='int'/></onentry>
           <transition target='b'/></state>
         <state id='b'><transition event='*'><log expr='_event.name'/></transition></state>",
    );
    assert_eq!(rig.take_logs(), "int ext");
    rig.event("unknown.event");
    assert_eq!(rig.take_logs(), "unknown.event");
}

/// Spec: SCXML §3.6
#[test]
fn initial_may_name_deep_states_of_several_regions() {
    let rig = Rig::new(
        "<state id='top' initial='a2 b2'><parallel id='p'>
           <state id='r1'><state id='a1'/><state id='a2'/></state>
           <state id='r2'><state id='b1'/><state id='b2'/></state>
           <state id='r3'><state id='c1'/></state></parallel></state>",
    );
    assert_eq!(rig.states(), "top p r1 a2 r2 b2 r3 c1");
}

/// Spec: SCXML §3.13
#[test]
fn cancelling_a_session_runs_exit_handlers_and_ends_it() {
    let mut rig = Rig::new(LOGGED);
    rig.take_logs();
    rig.session.cancel(rig.now);
    rig.drain();
    assert_eq!(rig.take_logs(), "-a -p");
    assert_eq!(
        rig.done.as_ref().map(|d| d.reason.clone()),
        Some(scxml::DoneReason::Cancelled)
    );
    rig.event("self");
    assert!(rig.session.is_done() && rig.logs.is_empty() && rig.states().is_empty());
}

//! History states.

use crate::rig::Rig;

fn player(kind: &str, default: &str) -> Rig {
    Rig::new(&format!(
        "<state id='out'><transition event='in' target='h'/></state>
         <state id='p'><onentry><log expr=\"'+p'\"/></onentry>
           <history id='h' type='{kind}'><transition target='{default}'><log expr=\"'default'\"/></transition></history>
           <transition event='leave' target='out'/>
           <state id='a'><transition event='next' target='b2'/></state>
           <state id='b'><state id='b1'/><state id='b2'/></state>
         </state>"
    ))
}

/// Spec: SCXML §3.10
#[test]
fn the_default_is_taken_once_and_its_content_runs_after_the_parent_is_entered() {
    let mut rig = player("shallow", "a");
    rig.event("in");
    assert_eq!(
        (rig.take_logs().as_str(), rig.states().as_str()),
        ("+p default", "p a")
    );
    rig.event("leave");
    rig.event("in");
    assert_eq!(rig.take_logs(), "+p");
}

/// Spec: SCXML §3.10
#[test]
fn shallow_history_restores_the_child_but_not_its_descendants() {
    let mut rig = player("shallow", "a");
    for event in ["in", "next", "leave", "in"] {
        rig.event(event);
    }
    assert_eq!(rig.states(), "p b b1");
}

/// Spec: SCXML §3.10
#[test]
fn deep_history_restores_the_atomic_states() {
    let mut rig = player("deep", "b1");
    rig.event("in");
    assert_eq!(rig.states(), "p b b1");
    rig.event("leave");
    rig.event("in");
    assert_eq!(rig.states(), "p b b1");
    let mut rig = player("deep", "a");
    for event in ["in", "next", "leave", "in"] {
        rig.event(event);
    }
    assert_eq!(rig.states(), "p b b2");
}

/// Spec: SCXML §3.10
#[test]
fn deep_history_of_a_parallel_state_restores_all_regions() {
    let mut rig = Rig::new(
        "<state id='out'><transition event='in' target='h'/></state>
         <state id='w'><history id='h' type='deep'><transition target='p'/></history>
           <transition event='leave' target='out'/>
           <parallel id='p'>
             <state id='r1'><state id='a1'><transition event='x' target='a2'/></state><state id='a2'/></state>
             <state id='r2'><state id='b1'><transition event='y' target='b2'/></state><state id='b2'/></state>
           </parallel></state>",
    );
    for event in ["in", "y", "leave", "in"] {
        rig.event(event);
    }
    assert_eq!(rig.states(), "w p r1 a1 r2 b2");
}

/// A history state may be targeted while its parent is active; what is active stays entered once.
///
/// Spec: SCXML §3.10, §3.13
#[test]
fn targeting_history_from_inside_its_parent_enters_no_active_state_again() {
    let mut rig = Rig::new(
        "<state id='out'><transition event='in' target='h'/></state>
         <state id='p' initial='c1'><onentry><log expr=\"'+p'\"/></onentry>
           <history id='h' type='deep'><transition target='c1'/></history>
           <transition event='leave' target='out'/>
           <state id='c1'><onentry><log expr=\"'+c1'\"/></onentry>
             <transition event='b' target='b'/>
             <state id='a'/><state id='b'><transition event='back' target='h'/></state></state>
         </state>",
    );
    for event in ["in", "leave", "in", "b"] {
        rig.event(event);
    }
    rig.take_logs();
    // The stored state is `a`, a sibling of the source inside `c1`.
    rig.event("back");
    assert_eq!(rig.states(), "p c1 a");
    assert_eq!(rig.take_logs(), "");
}

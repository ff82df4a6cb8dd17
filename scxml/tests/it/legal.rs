//! Whatever the transitions and events, the configuration stays legal.

use std::collections::BTreeSet;

use proptest::prelude::*;
use scxml::{Dialect, SessionConfig};

use crate::rig::Rig;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Compound,
    Parallel,
    Atomic,
    Shallow,
    Deep,
}
use Kind::{Atomic, Compound, Deep, Parallel, Shallow};

/// The states in document order: parent (index into this table), kind. Histories default to the first sibling.
const TREE: [(Option<usize>, Kind); 20] = [
    (None, Compound),     // 0
    (Some(0), Atomic),    // 1
    (Some(0), Compound),  // 2
    (Some(2), Atomic),    // 3
    (Some(2), Atomic),    // 4
    (Some(0), Shallow),   // 5
    (Some(0), Deep),      // 6
    (None, Parallel),     // 7
    (Some(7), Compound),  // 8
    (Some(8), Atomic),    // 9
    (Some(8), Parallel),  // 10
    (Some(10), Compound), // 11
    (Some(11), Atomic),   // 12
    (Some(11), Atomic),   // 13
    (Some(11), Shallow),  // 14
    (Some(10), Atomic),   // 15
    (Some(7), Compound),  // 16
    (Some(16), Atomic),   // 17
    (Some(16), Atomic),   // 18
    (Some(7), Deep),      // 19
];

fn children(parent: Option<usize>) -> impl Iterator<Item = usize> {
    (0..TREE.len()).filter(move |i| TREE[*i].0 == parent)
}

fn is_history(state: usize) -> bool {
    matches!(TREE[state].1, Shallow | Deep)
}

/// Transitions as source, event, target, internal.
type Transitions = Vec<(usize, u8, usize, bool)>;

fn write(state: usize, transitions: &Transitions) -> String {
    let tag = match TREE[state].1 {
        Parallel => "parallel",
        Shallow => {
            let default = children(TREE[state].0).next().unwrap();
            return format!("<history id='s{state}'><transition target='s{default}'/></history>");
        }
        Deep => {
            let default = children(TREE[state].0).next().unwrap();
            return format!("<history id='s{state}' type='deep'><transition target='s{default}'/></history>");
        }
        Compound | Atomic => "state",
    };
    let mut text = format!("<{tag} id='s{state}'>");
    for (_, event, target, internal) in transitions.iter().filter(|(source, ..)| *source == state) {
        let kind = if *internal { "internal" } else { "external" };
        text.push_str(&format!(
            "<transition event='e{event}' target='s{target}' type='{kind}'/>"
        ));
    }
    for child in children(Some(state)) {
        text.push_str(&write(child, transitions));
    }
    text + &format!("</{tag}>")
}

fn check(active: &BTreeSet<usize>) -> Result<(), String> {
    let count = |parent| children(parent).filter(|c| active.contains(c)).count();
    if count(None) != 1 {
        return Err("not exactly one top-level state".to_owned());
    }
    for &state in active {
        if TREE[state].0.is_some_and(|parent| !active.contains(&parent)) {
            return Err(format!("the parent of {state} is not active"));
        }
        let active_children = count(Some(state));
        let legal = match TREE[state].1 {
            Compound => active_children == 1,
            Parallel => active_children == children(Some(state)).filter(|c| !is_history(*c)).count(),
            Atomic => true,
            Shallow | Deep => false,
        };
        if !legal {
            return Err(format!("{state} has {active_children} active children"));
        }
    }
    Ok(())
}

fn transitions() -> impl Strategy<Value = Transitions> {
    let sources: Vec<usize> = (0..TREE.len()).filter(|s| !is_history(*s)).collect();
    let one = (
        proptest::sample::select(sources),
        0..4_u8,
        0..TREE.len(),
        any::<bool>(),
    );
    proptest::collection::vec(one, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Spec: SCXML §3.11
    #[test]
    fn the_configuration_is_legal_after_every_event(
        transitions in transitions(),
        events in proptest::collection::vec(0..4_u8, 1..30),
    ) {
        let body: String = children(None).map(|top| write(top, &transitions)).collect();
        let mut rig = Rig::with(&body, Dialect::W3c, SessionConfig::new("s"));
        for event in events {
            rig.event(&format!("e{event}"));
            let active: BTreeSet<usize> =
                rig.session.configuration().iter().map(|id| id[1..].parse().unwrap()).collect();
            prop_assert_eq!(check(&active), Ok(()), "{} gave {:?}", body, active);
            prop_assert!(rig.done.is_none());
        }
        // Every state that was entered was left or is still active, never entered twice.
        let mut entered = BTreeSet::new();
        for step in &rig.trace {
            match step {
                scxml::Trace::Entered { state } => prop_assert!(entered.insert(state.clone()), "{state} entered twice"),
                scxml::Trace::Exited { state } => prop_assert!(entered.remove(state), "{state} left but not entered"),
                _ => {}
            }
        }
        prop_assert_eq!(entered.into_iter().collect::<BTreeSet<_>>(),
            rig.session.configuration().iter().map(ToString::to_string).collect::<BTreeSet<_>>());
    }
}

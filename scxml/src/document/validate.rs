//! Checks that need the whole document.

use roxmltree::Node;

use super::parse::{Parser, is_scxml};
use super::{Rule, State, StateId, StateKind};

/// Checks initial states, history defaults and target sets.
pub(super) fn validate(parser: &mut Parser<'_>, root: Node<'_, '_>) {
    let nodes: Vec<Node<'_, '_>> = root.descendants().filter(Node::is_element).collect();
    for node in nodes {
        let Some(id) = parser.number(node) else {
            // Transitions inside inline content belong to other documents.
            if is_scxml(node, "transition") && node.parent().is_some_and(|p| parser.number(p).is_some()) {
                check_transition(parser, node);
            }
            continue;
        };
        let state = &parser.states[usize::from(id.0)];
        match state.kind {
            StateKind::Compound => check_initial(parser, node, id),
            StateKind::ShallowHistory | StateKind::DeepHistory => check_history(parser, node, id),
            StateKind::Atomic | StateKind::Parallel | StateKind::Final => {}
        }
    }
}

fn check_initial(parser: &mut Parser<'_>, node: Node<'_, '_>, id: StateId) {
    let targets = parser.states[usize::from(id.0)].initial.targets.clone();
    if targets.iter().any(|t| !is_below(&parser.states, *t, id)) {
        parser.find(node, Rule::Initial, "an initial state is not a descendant");
    }
    if !compatible(&parser.states, &targets) {
        parser.find(node, Rule::Initial, "initial states cannot be active together");
    }
}

fn check_history(parser: &mut Parser<'_>, node: Node<'_, '_>, id: StateId) {
    let state = &parser.states[usize::from(id.0)];
    let parent = state.parent.unwrap_or(StateId::ROOT);
    let deep = state.kind == StateKind::DeepHistory;
    let targets = state.initial.targets.clone();
    if !node.children().any(|c| is_scxml(c, "transition")) {
        parser.find(
            node,
            Rule::History,
            "<history> needs a <transition> to its default",
        );
        return;
    }
    let legal = targets.iter().all(|t| {
        let target = &parser.states[usize::from(t.0)];
        if deep {
            is_below(&parser.states, *t, parent)
        } else {
            target.parent == Some(parent)
        }
    });
    if !legal || targets.contains(&id) {
        parser.find(
            node,
            Rule::History,
            "the default of <history> lies outside its parent",
        );
    } else if !compatible(&parser.states, &targets) {
        parser.find(node, Rule::History, "default states cannot be active together");
    }
}

fn check_transition(parser: &mut Parser<'_>, node: Node<'_, '_>) {
    let targets = parser.known_targets(node);
    if !compatible(&parser.states, &targets) {
        parser.find(node, Rule::TargetSet, "targets cannot be active together");
    }
}

fn is_below(states: &[State], state: StateId, ancestor: StateId) -> bool {
    state.0 > ancestor.0 && state.0 < states[usize::from(ancestor.0)].end
}

/// Whether some legal configuration contains all of the states: of each two, one is below the other or they meet in a
/// parallel state.
fn compatible(states: &[State], targets: &[StateId]) -> bool {
    targets.iter().enumerate().all(|(i, &a)| {
        targets[i + 1..].iter().all(|&b| {
            if a == b || is_below(states, a, b) || is_below(states, b, a) {
                return true;
            }
            let mut at = states[usize::from(a.0)].parent;
            while let Some(ancestor) = at {
                if is_below(states, b, ancestor) {
                    return states[usize::from(ancestor.0)].kind == StateKind::Parallel;
                }
                at = states[usize::from(ancestor.0)].parent;
            }
            false
        })
    })
}

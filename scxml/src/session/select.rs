//! Selection of transitions and resolution of conflicts.
//!
//! Spec: SCXML appendix D, `selectTransitions`, `removeConflictingTransitions`, `computeExitSet`

use super::Session;
use super::set::StateSet;
use crate::document::{Document, StateId, StateKind, TransitionId};
use crate::event::descriptor_matches;

impl Session {
    /// The transitions enabled by `event` (`None`: eventless ones), conflicts resolved, in document order of the
    /// states that selected them.
    pub(super) fn select_transitions(&mut self, doc: &Document, event: Option<&str>) -> Vec<TransitionId> {
        let atomic: Vec<StateId> = self.active.iter().filter(|s| doc.state(*s).is_atomic()).collect();
        let mut enabled: Vec<TransitionId> = Vec::new();
        for state in atomic {
            let mut at = Some(state);
            'ancestors: while let Some(source) = at {
                for &id in &doc.state(source).transitions {
                    if self.is_enabled(doc, id, event) {
                        if !enabled.contains(&id) {
                            enabled.push(id);
                        }
                        break 'ancestors;
                    }
                    if self.stop.is_some() {
                        return Vec::new();
                    }
                }
                at = doc.state(source).parent;
            }
        }
        self.collect_calls(doc);
        if enabled.len() > 1 {
            self.remove_conflicting(doc, &enabled)
        } else {
            enabled
        }
    }

    fn is_enabled(&mut self, doc: &Document, id: TransitionId, event: Option<&str>) -> bool {
        let transition = doc.transition(id);
        let named = match event {
            None => transition.events.is_empty(),
            Some(name) => transition.events.iter().any(|d| descriptor_matches(d, name)),
        };
        if !named {
            return false;
        }
        let Some(cond) = &transition.cond else { return true };
        self.data.eval_bool(&cond.text).unwrap_or_else(|error| {
            self.fail(&error, cond.line);
            false
        })
    }

    fn remove_conflicting(&self, doc: &Document, enabled: &[TransitionId]) -> Vec<TransitionId> {
        let mut filtered: Vec<(TransitionId, StateSet)> = Vec::new();
        for &t1 in enabled {
            let exits1 = self.exit_set(doc, &[t1]);
            let source1 = doc.transition(t1).source;
            let conflicts: Vec<TransitionId> = filtered
                .iter()
                .filter(|(_, exits2)| exits1.intersects(exits2))
                .map(|(t2, _)| *t2)
                .collect();
            // t1 loses unless its source is a descendant of the source of every transition it conflicts with.
            if conflicts
                .iter()
                .all(|t2| doc.is_descendant(source1, doc.transition(*t2).source))
            {
                filtered.retain(|(t2, _)| !conflicts.contains(t2));
                filtered.push((t1, exits1));
            }
        }
        filtered.into_iter().map(|(t, _)| t).collect()
    }

    /// The active states that the transitions exit.
    pub(super) fn exit_set(&self, doc: &Document, transitions: &[TransitionId]) -> StateSet {
        let mut exits = StateSet::new(doc.states.len());
        for &id in transitions {
            if let Some(domain) = self.transition_domain(doc, id) {
                for state in self.active.iter().filter(|s| doc.is_descendant(*s, domain)) {
                    exits.insert(state);
                }
            }
        }
        exits
    }

    /// The state below which everything active is exited; `None` for a targetless transition.
    pub(super) fn transition_domain(&self, doc: &Document, id: TransitionId) -> Option<StateId> {
        let transition = doc.transition(id);
        let targets = self.effective_targets(doc, &transition.targets);
        if targets.is_empty() {
            return None;
        }
        let source = transition.source;
        if transition.internal
            && doc.state(source).kind == StateKind::Compound
            && targets.iter().all(|t| doc.is_descendant(*t, source))
        {
            return Some(source);
        }
        let mut at = doc.state(source).parent;
        while let Some(ancestor) = at {
            if doc.state(ancestor).kind == StateKind::Compound
                && targets.iter().all(|t| doc.is_descendant(*t, ancestor))
            {
                return Some(ancestor);
            }
            at = doc.state(ancestor).parent;
        }
        Some(StateId::ROOT)
    }

    /// Targets with history states replaced by what they stand for.
    fn effective_targets(&self, doc: &Document, targets: &[StateId]) -> Vec<StateId> {
        let mut out = Vec::new();
        for &target in targets {
            if doc.state(target).is_history() {
                match self.history.get(&target) {
                    Some(stored) => out.extend(stored),
                    None => out.extend(self.effective_targets(doc, &doc.state(target).initial.targets)),
                }
            } else {
                out.push(target);
            }
        }
        out
    }
}

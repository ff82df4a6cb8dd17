//! Microsteps: leaving and entering states.
//!
//! Spec: SCXML appendix D, `microstep`, `exitStates`, `enterStates`, `computeEntrySet`

use std::collections::BTreeMap;

use super::Session;
use super::set::StateSet;
use crate::document::{Block, Document, StateId, StateKind, TransitionId};
use crate::event::Event;
use crate::output::{DoneReason, Limit, Trace};
use crate::value::Value;

/// What one microstep enters.
struct EntrySet<'d> {
    enter: StateSet,
    default_entry: StateSet,
    /// Content of history default transitions, by parent of the history state.
    history_content: BTreeMap<StateId, &'d Block>,
}

impl Session {
    pub(super) fn microstep(&mut self, doc: &Document, transitions: &[TransitionId]) {
        if !self.count_microstep(transitions.len()) {
            return;
        }
        self.exit_states(doc, transitions);
        for &id in transitions {
            let transition = doc.transition(id);
            self.trace(|| Trace::Transition {
                source: doc.state(transition.source).id.clone(),
                targets: transition
                    .targets
                    .iter()
                    .map(|t| doc.state(*t).id.clone())
                    .collect(),
            });
            self.run_block(doc, &transition.block);
        }
        let mut entry = EntrySet::new(doc);
        for &id in transitions {
            entry.add_targets(self, doc, &doc.transition(id).targets);
        }
        self.enter_states(doc, entry);
    }

    pub(super) fn enter_initial(&mut self, doc: &Document) {
        let initial = &doc.state(StateId::ROOT).initial;
        self.run_block(doc, &initial.block);
        let mut entry = EntrySet::new(doc);
        entry.add_targets(self, doc, &initial.targets);
        self.enter_states(doc, entry);
    }

    fn exit_states(&mut self, doc: &Document, transitions: &[TransitionId]) {
        let exits = self.exit_set(doc, transitions);
        for state in exits.iter() {
            self.to_invoke.remove(state);
        }
        for state in exits.iter() {
            for &history in &doc.state(state).histories {
                let deep = doc.state(history).kind == StateKind::DeepHistory;
                let stored = self
                    .active
                    .iter()
                    .filter(|s| {
                        if deep {
                            doc.state(*s).is_atomic() && doc.is_descendant(*s, state)
                        } else {
                            doc.state(*s).parent == Some(state)
                        }
                    })
                    .collect();
                self.history.insert(history, stored);
            }
        }
        for state in exits.iter().rev() {
            for block in &doc.state(state).onexit {
                self.run_block(doc, block);
            }
            self.cancel_invocations(state);
            self.leave(doc, state);
        }
    }

    /// Removes a state from the configuration.
    pub(super) fn leave(&mut self, doc: &Document, state: StateId) {
        self.active.remove(state);
        let id = &doc.state(state).id;
        self.data.set_active(id, false);
        self.trace(|| Trace::Exited { state: id.clone() });
    }

    fn enter_states(&mut self, doc: &Document, entry: EntrySet<'_>) {
        for id in entry.enter.iter() {
            if self.stop.is_some() {
                return;
            }
            let state = doc.state(id);
            let entries = self.entries.entry(id).or_default();
            *entries += 1;
            if *entries > self.config.limits.state_entries {
                self.halt(Limit::StateEntries);
                return;
            }
            self.active.insert(id);
            self.data.set_active(&state.id, true);
            self.trace(|| Trace::Entered {
                state: state.id.clone(),
            });
            if !state.invokes.is_empty() {
                self.to_invoke.insert(id);
            }
            if self.entered_once.insert(id) {
                self.initialize_data(doc, id);
            }
            for block in &state.onentry {
                self.run_block(doc, block);
            }
            if entry.default_entry.contains(id) {
                self.run_block(doc, &state.initial.block);
            }
            if let Some(block) = entry.history_content.get(&id) {
                self.run_block(doc, block);
            }
            if state.kind == StateKind::Final && self.stop.is_none() {
                self.enter_final(doc, id);
            }
        }
    }

    fn enter_final(&mut self, doc: &Document, id: StateId) {
        let state = doc.state(id);
        let parent = state.parent.unwrap_or(StateId::ROOT);
        let data = match &state.donedata {
            Some(donedata) => self.done_data(donedata),
            None => Value::Undefined,
        };
        if parent == StateId::ROOT {
            self.done_data = data;
            if self.stop.is_none() {
                self.stop = Some(DoneReason::Final(state.id.clone()));
            }
            return;
        }
        self.push_internal(Event::platform(format!("done.state.{}", doc.state(parent).id)).with_data(data));
        let Some(grandparent) = doc.state(parent).parent else {
            return;
        };
        let region_parent = doc.state(grandparent);
        if region_parent.kind == StateKind::Parallel
            && region_parent
                .children
                .iter()
                .all(|child| self.is_in_final_state(doc, *child))
        {
            self.push_internal(Event::platform(format!("done.state.{}", region_parent.id)));
        }
    }

    fn is_in_final_state(&self, doc: &Document, id: StateId) -> bool {
        let state = doc.state(id);
        match state.kind {
            StateKind::Compound => state
                .children
                .iter()
                .any(|c| doc.state(*c).kind == StateKind::Final && self.active.contains(*c)),
            StateKind::Parallel => state.children.iter().all(|c| self.is_in_final_state(doc, *c)),
            _ => false,
        }
    }
}

impl<'d> EntrySet<'d> {
    fn new(doc: &Document) -> Self {
        let states = doc.states.len();
        Self {
            enter: StateSet::new(states),
            default_entry: StateSet::new(states),
            history_content: BTreeMap::new(),
        }
    }

    fn add_targets(&mut self, session: &Session, doc: &'d Document, targets: &[StateId]) {
        for &target in targets {
            self.add_descendants(session, doc, target);
        }
        for &target in targets {
            self.add_ancestors(session, doc, target);
        }
    }

    fn add_descendants(&mut self, session: &Session, doc: &'d Document, id: StateId) {
        let state = doc.state(id);
        match state.kind {
            StateKind::ShallowHistory | StateKind::DeepHistory => self.add_history(session, doc, id),
            StateKind::Compound => {
                self.enter.insert(id);
                self.default_entry.insert(id);
                self.add_targets(session, doc, &state.initial.targets);
            }
            StateKind::Parallel => {
                self.enter.insert(id);
                self.add_regions(session, doc, id);
            }
            StateKind::Atomic | StateKind::Final => {
                self.enter.insert(id);
            }
        }
    }

    fn add_history(&mut self, session: &Session, doc: &'d Document, id: StateId) {
        let state = doc.state(id);
        let parent = state.parent.unwrap_or(StateId::ROOT);
        if let Some(stored) = session.history.get(&id) {
            self.add_targets(session, doc, stored);
        } else {
            self.history_content.insert(parent, &state.initial.block);
            self.add_targets(session, doc, &state.initial.targets);
        }
    }

    /// Adds the ancestors of `id` that are not active any more, and what parallel ones among them bring along.
    ///
    /// After the exit phase everything below the transition's domain is inactive and the domain and its ancestors are
    /// active, so this is the Recommendation's walk up to the domain; but it does not enter an active state again
    /// when a history state's parent lies above the domain, as appendix D would against §3.13
    /// (`docs/adr/0003-history-enters-no-active-state-again.md`).
    ///
    /// Spec: SCXML §3.10, §3.13
    fn add_ancestors(&mut self, session: &Session, doc: &'d Document, id: StateId) {
        let mut at = doc.state(id).parent;
        while let Some(ancestor) = at.filter(|a| *a != StateId::ROOT && !session.active.contains(*a)) {
            self.enter.insert(ancestor);
            if doc.state(ancestor).kind == StateKind::Parallel {
                self.add_regions(session, doc, ancestor);
            }
            at = doc.state(ancestor).parent;
        }
    }

    /// Enters by default each region of a parallel state of which nothing is entered yet.
    fn add_regions(&mut self, session: &Session, doc: &'d Document, id: StateId) {
        for &region in &doc.state(id).children {
            if !self.enter.any_between(region, doc.state(region).end) {
                self.add_descendants(session, doc, region);
            }
        }
    }
}

//! The event loop.
//!
//! Spec: SCXML appendix D, `interpret`, `mainEventLoop`, `exitInterpreter`

use std::sync::Arc;

use super::{Phase, Session};
use crate::data_model::DataError;
use crate::document::{DataSource, Document, StateId};
use crate::event::Event;
use crate::output::{DoneReason, Limit, Output, Trace};
use crate::value::Value;
use crate::{SCXML_PROCESSOR, SendTarget};

impl Session {
    pub(super) fn set_system_variables(&mut self) -> Result<(), DataError> {
        let id = self.config.id.clone();
        self.data.set_system("_sessionid", &Value::from(id.as_str()))?;
        self.data.set_system("_name", &Value::from(self.doc.name()))?;
        let location = |address: &str| Value::object().with("location", address);
        let own = location(&format!("#_scxml_{id}"));
        let mut processors = Value::object()
            .with("scxml", own.clone())
            .with(SCXML_PROCESSOR, own);
        for (name, address) in &self.config.io_processors {
            processors.set(name.as_str(), location(address));
        }
        self.data.set_system("_ioprocessors", &processors)
    }

    /// Data, scripts and initial states.
    pub(super) fn begin(&mut self) {
        let doc = Arc::clone(&self.doc);
        tracing::debug!(session = %self.config.id, document = doc.name(), "session started");
        self.begin_macrostep();
        self.declare_data(&doc);
        for script in &doc.scripts {
            if let Err(error) = self.data.script(&script.source.text) {
                self.fail(&error, script.source.line);
            }
        }
        self.collect_calls(&doc);
        self.enter_initial(&doc);
        if self.stop.is_some() {
            self.finish();
        }
    }

    fn begin_macrostep(&mut self) {
        self.microsteps = 0;
        self.entries.clear();
        self.outputs_in_step = 0;
        self.data.begin_macrostep();
    }

    /// Runs until there is something to hand out or nothing left to do.
    pub(super) fn advance(&mut self) {
        while self.phase == Phase::Running && self.outputs.is_empty() && self.step() {}
    }

    /// Runs to the end of one macrostep; `false` if there was nothing to do.
    fn step(&mut self) -> bool {
        let doc = Arc::clone(&self.doc);
        if self.stop.is_some() {
            self.finish();
            return true;
        }
        if self.stable {
            let Some(event) = self.external.pop_front() else {
                return false;
            };
            self.macrosteps += 1;
            self.stats.external_events += 1;
            if self.macrosteps > self.config.limits.macrosteps {
                self.halt(Limit::Macrosteps);
                return true;
            }
            self.begin_macrostep();
            self.take_external(&doc, event);
        }
        self.complete_macrostep(&doc);
        if self.stop.is_some() {
            self.finish();
        }
        true
    }

    fn take_external(&mut self, doc: &Document, event: Event) {
        self.stable = false;
        self.trace(|| Trace::Event {
            name: event.name.clone(),
        });
        self.bind_event(&event);
        self.finalize_and_forward(doc, &event);
        let enabled = self.select_transitions(doc, Some(&event.name));
        if !enabled.is_empty() {
            self.microstep(doc, &enabled);
        }
    }

    fn complete_macrostep(&mut self, doc: &Document) {
        loop {
            while self.stop.is_none() {
                let mut enabled = self.select_transitions(doc, None);
                if enabled.is_empty() {
                    let Some(event) = self.internal.pop_front() else {
                        break;
                    };
                    self.trace(|| Trace::Event {
                        name: event.name.clone(),
                    });
                    self.bind_event(&event);
                    enabled = self.select_transitions(doc, Some(&event.name));
                }
                if !enabled.is_empty() {
                    self.microstep(doc, &enabled);
                }
            }
            if self.stop.is_some() {
                return;
            }
            self.start_invocations(doc);
            if self.internal.is_empty() {
                self.stable = true;
                return;
            }
        }
    }

    fn bind_event(&mut self, event: &Event) {
        if let Err(error) = self.data.set_event(event) {
            self.fail(&error, 0);
        }
    }

    pub(super) fn count_microstep(&mut self, transitions: usize) -> bool {
        self.microsteps += 1;
        self.stats.microsteps += 1;
        self.stats.transitions += u64::try_from(transitions).unwrap_or(u64::MAX);
        if self.microsteps > self.config.limits.microsteps {
            self.halt(Limit::Microsteps);
        }
        self.stop.is_none()
    }

    /// Declares all data items; with early binding their values are set too.
    fn declare_data(&mut self, doc: &Document) {
        for state in &doc.states {
            for item in &state.data {
                if let Err(error) = self.data.declare(&item.id) {
                    self.fail(&error, item.line);
                }
            }
        }
        for (index, state) in doc.states.iter().enumerate() {
            let id = StateId(u16::try_from(index).unwrap_or(u16::MAX));
            if id == StateId::ROOT || !doc.late_binding {
                self.entered_once.insert(id);
                if !state.data.is_empty() {
                    self.initialize_data(doc, id);
                }
            }
        }
    }

    /// Sets the values of the data items of one state.
    pub(super) fn initialize_data(&mut self, doc: &Document, state: StateId) {
        for item in &doc.state(state).data {
            if state == StateId::ROOT
                && let Some((_, value)) = self.config.params.iter().find(|(name, _)| *name == item.id)
            {
                let value = value.clone();
                if let Err(error) = self.data.set(&item.id, &value) {
                    self.fail(&error, item.line);
                }
                continue;
            }
            self.assign_source(&item.id, &item.value);
        }
    }

    /// Writes the value that `source` describes to `location`; `false` after an error.
    pub(super) fn assign_source(&mut self, location: &str, source: &DataSource) -> bool {
        let (result, line) = match source {
            DataSource::Nothing => return true,
            DataSource::Expr(expr) => (self.data.assign(location, &expr.text), expr.line),
            DataSource::Inline(inline, line) => {
                let value = self.inline_value(inline);
                (self.data.set(location, &value), *line)
            }
            DataSource::Missing(message, line) => (Err(DataError::evaluation(message.clone())), *line),
        };
        match result {
            Ok(()) => true,
            Err(error) => {
                self.fail(&error, line);
                false
            }
        }
    }

    /// Exits everything and reports the end.
    pub(super) fn finish(&mut self) {
        let Some(reason) = self.stop.take() else { return };
        self.phase = Phase::Done;
        let doc = Arc::clone(&self.doc);
        self.timers.clear();
        let run_handlers = !matches!(reason, DoneReason::Limit(_));
        self.begin_macrostep();
        let active: Vec<StateId> = self.active.iter().rev().collect();
        for state in active {
            if run_handlers {
                for block in &doc.state(state).onexit {
                    self.run_block(&doc, block);
                }
            }
            self.cancel_invocations(state);
            self.leave(&doc, state);
        }
        self.timers.clear();
        self.internal.clear();
        self.external.clear();
        // A limit breached inside the last handlers does not change why the session ended.
        self.stop = None;
        match &reason {
            DoneReason::Limit(limit) => {
                tracing::warn!(session = %self.config.id, ?limit, "session exceeded a limit")
            }
            reason => tracing::debug!(session = %self.config.id, ?reason, "session ended"),
        }
        self.emit_done(reason);
    }

    /// Passes an external event to `<finalize>` of the invocation it came from and to those with `autoforward`.
    fn finalize_and_forward(&mut self, doc: &Document, event: &Event) {
        let mut owners: Vec<(StateId, usize, String)> = self
            .invocations
            .iter()
            .map(|i| (i.state, i.index, i.id.clone()))
            .collect();
        owners.sort();
        for (state, index, id) in owners {
            let def = &doc.state(state).invokes[index];
            if event.invoke_id.as_deref() == Some(id.as_str()) {
                self.run_finalize(doc, def, event);
                if event.name == format!("done.invoke.{id}") {
                    self.invocations.retain(|i| i.id != id);
                    continue;
                }
            }
            if def.autoforward {
                self.push_output(Output::Forward {
                    invoke_id: id,
                    event: event.clone(),
                });
            }
        }
    }

    /// Whether messages to this target can be handed out.
    pub(super) fn is_reachable(&self, target: &SendTarget) -> bool {
        match target {
            SendTarget::Parent => self.config.invoke_id.is_some(),
            SendTarget::Invoke(id) => self.invocations.iter().any(|i| i.id == *id),
            SendTarget::Session(id) => self
                .config
                .session_lookup
                .as_ref()
                .is_none_or(|lookup| lookup(id)),
            SendTarget::Address(_) => true,
        }
    }
}

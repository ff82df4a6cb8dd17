//! `<invoke>`, `<finalize>` and the life of invocations.
//!
//! Spec: SCXML §6.4, §6.5

use super::exec::Failure;
use super::{Invocation, Session};
use crate::document::{Document, InvokeDef, ParamSource, StateId};
use crate::event::Event;
use crate::output::{InvokeRequest, Output};

impl Session {
    /// Starts the invocations of states that were entered in this macrostep and are still active.
    pub(super) fn start_invocations(&mut self, doc: &Document) {
        let states: Vec<StateId> = self.to_invoke.iter().collect();
        self.to_invoke.clear();
        for state in states {
            for (index, def) in doc.state(state).invokes.iter().enumerate() {
                match self.prepare_invoke(doc, state, def) {
                    Ok(request) => {
                        self.invocations.push(Invocation {
                            id: request.invoke_id.clone(),
                            state,
                            index,
                        });
                        self.push_output(Output::Invoke(request));
                    }
                    Err((error, line)) => self.fail(&error, line),
                }
            }
        }
    }

    fn prepare_invoke(
        &mut self,
        doc: &Document,
        state: StateId,
        def: &InvokeDef,
    ) -> Result<InvokeRequest, Failure> {
        let invoke_id = match &def.id {
            Some(id) => id.clone(),
            None => {
                let prefix = format!("{}.", doc.state(state).id);
                self.make_id(&prefix)
            }
        };
        if let Some(location) = &def.id_location {
            self.data
                .set(&location.text, &invoke_id.as_str().into())
                .map_err(|e| (e, location.line))?;
        }
        let service = self.eval_optional(def.service.as_ref())?;
        let src = self.eval_optional(def.src.as_ref())?;
        let mut params = self.eval_names(&def.namelist, def.line)?;
        params.extend(self.eval_params(&def.params));
        let content = def.content.as_ref().map(|c| self.eval_content(c)).transpose()?;
        Ok(InvokeRequest {
            invoke_id,
            service,
            src,
            content,
            params,
        })
    }

    /// Cancels what the state had invoked.
    pub(super) fn cancel_invocations(&mut self, state: StateId) {
        let mut cancelled = Vec::new();
        self.invocations.retain(|invocation| {
            let keep = invocation.state != state;
            if !keep {
                cancelled.push(invocation.id.clone());
            }
            keep
        });
        for invoke_id in cancelled {
            // Not counted against the output limit: a started service must learn of its end.
            self.outputs.push_back(Output::CancelInvoke { invoke_id });
        }
    }

    /// Runs `<finalize>`; an empty one copies event data to the locations that were passed in.
    pub(super) fn run_finalize(&mut self, doc: &Document, def: &InvokeDef, event: &Event) {
        let Some(block) = &def.finalize else { return };
        if !block.is_empty() {
            self.run_block(doc, block);
            return;
        }
        let by_name = def.namelist.iter().map(|name| (name.as_str(), name.as_str()));
        let by_param = def.params.iter().filter_map(|param| match &param.source {
            ParamSource::Location(location) => Some((param.name.as_str(), location.text.as_str())),
            ParamSource::Expr(_) => None,
        });
        for (name, location) in by_name.chain(by_param) {
            if let Some(value) = event.data.get(name)
                && let Err(error) = self.data.set(location, value)
            {
                self.fail(&error, def.line);
            }
        }
    }
}

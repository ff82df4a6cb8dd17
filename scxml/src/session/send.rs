//! `<send>`, `<cancel>` and delayed delivery.
//!
//! Spec: SCXML §6.2, §6.3 and appendix C.1

use std::time::{Duration, Instant};

use super::exec::{Failure, merge};
use super::{Session, Timer};
use crate::SCXML_PROCESSOR;
use crate::data_model::{DataError, parse_delay};
use crate::document::{Dialect, Document, SendDef};
use crate::event::{Event, EventKind};
use crate::output::{Limit, Output, SendRequest, SendTarget, Trace};

/// Where a message goes.
#[derive(Debug, Clone)]
pub(super) enum Route {
    /// The own external queue.
    Own,
    /// The own internal queue.
    Internal,
    /// Somebody else, by way of the driver.
    Out,
}

impl Session {
    pub(super) fn run_send(&mut self, doc: &Document, def: &SendDef) -> bool {
        let send_id = match &def.id {
            Some(id) => id.clone(),
            None => self.make_id("send."),
        };
        match self.prepare_send(doc, def, &send_id) {
            Ok((delay, route, request)) if delay.is_zero() => {
                self.deliver(route, request);
                true
            }
            Ok((delay, route, request)) => {
                self.schedule(delay, route, request);
                true
            }
            Err((DataError::Evaluation { message }, line)) => {
                self.raise_error("error.execution", message, line, Some(send_id));
                false
            }
            Err((error, line)) => {
                self.fail(&error, line);
                false
            }
        }
    }

    /// Evaluates everything at once, also for delayed messages.
    fn prepare_send(
        &mut self,
        doc: &Document,
        def: &SendDef,
        send_id: &str,
    ) -> Result<(Duration, Route, SendRequest), Failure> {
        let line = def.line;
        if let Some(location) = &def.id_location {
            self.data
                .set(&location.text, &send_id.into())
                .map_err(|e| (e, location.line))?;
        }
        let name = self.eval_optional(def.event.as_ref())?;
        let target = self.eval_optional(def.target.as_ref())?;
        let processor = self.eval_optional(def.processor.as_ref())?;
        let delay = match self.eval_optional(def.delay.as_ref())? {
            None => Duration::ZERO,
            Some(text) => {
                parse_delay(&text).ok_or_else(|| (DataError::evaluation("delay is not a time"), line))?
            }
        };
        let mut params = self.eval_names(&def.namelist, line)?;
        params.extend(self.eval_params(&def.params));
        let content = def.content.as_ref().map(|c| self.eval_content(c)).transpose()?;
        let (route, target, processor) = self
            .resolve(doc.dialect, target, processor)
            .map_err(|message| (DataError::evaluation(message), line))?;
        if processor == SCXML_PROCESSOR && name.as_deref().unwrap_or_default().is_empty() {
            return Err((
                DataError::evaluation("a message to a session needs an event name"),
                line,
            ));
        }
        let mut event = Event::new(name.unwrap_or_default())
            .with_data(content.clone().unwrap_or_else(|| merge(&params)))
            .with_origin(format!("#_scxml_{}", self.config.id), SCXML_PROCESSOR);
        event.send_id = def.id.is_some().then(|| send_id.to_owned());
        if target == SendTarget::Parent {
            event.invoke_id.clone_from(&self.config.invoke_id);
        }
        let send_id = send_id.to_owned();
        Ok((
            delay,
            route,
            SendRequest {
                send_id,
                processor,
                target,
                event,
                params,
                content,
            },
        ))
    }

    fn resolve(
        &self,
        dialect: Dialect,
        target: Option<String>,
        processor: Option<String>,
    ) -> Result<(Route, SendTarget, String), &'static str> {
        let own = |processor: &str| {
            let name = processor.trim_end_matches('/');
            matches!(
                name,
                "" | "scxml" | SCXML_PROCESSOR | "http://www.w3.org/TR/scxml"
            )
        };
        if let Some(processor) = processor.filter(|p| !own(p)) {
            if !self
                .config
                .io_processors
                .iter()
                .any(|(name, _)| *name == processor)
            {
                return Err("send type is not supported");
            }
            return Ok((Route::Out, SendTarget::Address(target), processor));
        }
        let (route, target) = self.resolve_session(dialect, target.as_deref().unwrap_or_default())?;
        Ok((route, target, SCXML_PROCESSOR.to_owned()))
    }

    fn resolve_session(&self, dialect: Dialect, target: &str) -> Result<(Route, SendTarget), &'static str> {
        let session = |id: &str| {
            let route = if id == self.config.id {
                Route::Own
            } else {
                Route::Out
            };
            (route, SendTarget::Session(id.to_owned()))
        };
        if target.is_empty() {
            return Ok(session(&self.config.id));
        }
        if target == "#_internal" || (dialect == Dialect::Ors && target == "_internal") {
            return Ok((Route::Internal, SendTarget::Session(self.config.id.clone())));
        }
        if target == "#_parent" {
            return Ok((Route::Out, SendTarget::Parent));
        }
        if let Some(id) = target.strip_prefix("#_scxml_") {
            return Ok(session(id));
        }
        match target.strip_prefix("#_") {
            Some(id) => Ok((Route::Out, SendTarget::Invoke(id.to_owned()))),
            None if dialect == Dialect::Ors => Ok(session(target)),
            None => Err("target is not legal for this type of send"),
        }
    }

    fn deliver(&mut self, route: Route, request: SendRequest) {
        match route {
            Route::Own => self.push_external(request.event),
            Route::Internal => {
                let mut event = request.event;
                event.kind = EventKind::Internal;
                self.push_internal(event);
            }
            Route::Out if self.is_reachable(&request.target) => self.push_output(Output::Send(request)),
            Route::Out => {
                let message = "target cannot be reached".to_owned();
                self.raise_error("error.communication", message, 0, Some(request.send_id));
            }
        }
    }

    fn schedule(&mut self, delay: Duration, route: Route, request: SendRequest) {
        // The clock of the last input; a session executes nothing before its start.
        let Some(due) = self.now.and_then(|now| now.checked_add(delay)) else {
            return;
        };
        if self.timers.len() >= self.config.limits.timers {
            self.halt(Limit::Timers);
            return;
        }
        self.next_id += 1;
        self.trace(|| Trace::TimerSet {
            send_id: request.send_id.clone(),
        });
        self.timers.insert((due, self.next_id), Timer { route, request });
    }

    /// Drops all delayed messages with this id.
    pub(super) fn cancel_sends(&mut self, send_id: &str) {
        let before = self.timers.len();
        self.timers.retain(|_, timer| timer.request.send_id != send_id);
        if self.timers.len() < before {
            self.trace(|| Trace::TimerCancelled {
                send_id: send_id.to_owned(),
            });
        }
    }

    pub(super) fn fire_timers(&mut self, now: Instant) {
        while let Some(entry) = self.timers.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let timer = entry.remove();
            self.stats.timers_fired += 1;
            self.trace(|| Trace::TimerFired {
                send_id: timer.request.send_id.clone(),
            });
            self.deliver(timer.route, timer.request);
        }
    }
}

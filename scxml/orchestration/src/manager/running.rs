//! One running session: its interpreter, its interactions, its pending requests.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use scxml::{
    Action, Document, Event, Output as Step, SendFailure, SendRequest, SendTarget, Session, SessionConfig,
    Value,
};

use super::{CompleteError, EndReason, Output, SessionId, SessionView, StartError};
use crate::completion::{Completion, Failure};
use crate::host::{self, Model, SharedModel};
use crate::interaction::{Interaction, InteractionEvent, InteractionId};
use crate::module::Module;
use crate::request::{Bad, Operation, PlatformRequest, RequestKey, read};

pub(super) struct Running {
    id: SessionId,
    url: String,
    session: Session,
    model: SharedModel,
    /// The interaction that the session was started for and has not got yet.
    promised: Option<InteractionId>,
    /// Whether scripts see an older state of the interactions.
    stale: bool,
    pending: BTreeMap<String, Pending>,
    /// Requests that were dropped and the platform has not been told of.
    dropped: Vec<(RequestKey, InteractionId)>,
    /// Events that follow from what the session did itself.
    follow_up: VecDeque<Event>,
    started: Instant,
    deadline: Instant,
    /// When the manager's timer is set to.
    armed: Option<Instant>,
    /// Why the manager ended the session, if it did.
    killed: Option<EndReason>,
}

/// A request that the platform has not answered.
struct Pending {
    interaction: InteractionId,
    operation: Operation,
}

/// What the manager has to do for a session.
pub(super) enum Effect {
    Output(Output),
    RefusedAction,
    Send {
        send_id: String,
        to: Option<SessionId>,
        event: Event,
    },
    Ended {
        reason: EndReason,
        data: Value,
    },
}

impl Running {
    pub(super) fn new(
        now: Instant,
        id: SessionId,
        url: &str,
        document: Arc<Document>,
        config: SessionConfig,
        deadline: Instant,
    ) -> Result<Self, StartError> {
        let has_scripts = document.data_model() != "null";
        let mut session = Session::new(document, config)?;
        let model = Rc::new(RefCell::new(Model::default()));
        if has_scripts {
            host::install(&mut session, &model)?;
        }
        Ok(Self {
            id,
            url: url.to_owned(),
            session,
            model,
            promised: None,
            stale: false,
            pending: BTreeMap::new(),
            dropped: Vec::new(),
            follow_up: VecDeque::new(),
            started: now,
            deadline,
            armed: None,
            killed: None,
        })
    }

    pub(super) const fn id(&self) -> &SessionId {
        &self.id
    }

    /// The session is going to get an interaction once it runs.
    pub(super) fn promise(&mut self, interaction: InteractionId) {
        self.promised = Some(interaction);
    }

    /// Gives the session an interaction; scripts see it with the next event.
    pub(super) fn add_interaction(&mut self, interaction: Interaction) {
        self.promised = None;
        self.model.borrow_mut().insert(interaction);
        self.stale = true;
    }

    pub(super) fn start(&mut self, now: Instant) {
        self.session.start(now);
    }

    pub(super) fn cancel(&mut self, now: Instant) {
        self.session.cancel(now);
    }

    /// Delivers an event; scripts see the interactions as they are now.
    pub(super) fn deliver(&mut self, now: Instant, event: Event) {
        if std::mem::take(&mut self.stale)
            && self.session.document().data_model() != "null"
            && let Err(error) = host::publish(&mut self.session, &self.model)
        {
            tracing::warn!(session = %self.id, %error, "interactions could not be shown to scripts");
        }
        self.session.handle_event(now, event);
    }

    pub(super) fn interaction_event(&mut self, now: Instant, id: &InteractionId, event: InteractionEvent) {
        let message = Event::new(event.name()).with_data(event.data(id));
        self.stale = true;
        match event {
            InteractionEvent::UserDataChanged(data) => {
                if let Some(interaction) = self.model.borrow_mut().get_mut(id) {
                    interaction.set_user_data(data);
                }
            }
            InteractionEvent::PartyStateChanged { parties, .. } => {
                if let Some(interaction) = self.model.borrow_mut().get_mut(id) {
                    interaction.parties = parties;
                }
            }
            InteractionEvent::Deleted { .. } => {
                self.model.borrow_mut().remove(id);
                self.deliver(now, message);
                self.fail_pending(id);
                return;
            }
            InteractionEvent::Present | InteractionEvent::RouteRequested | InteractionEvent::Abandoned => {}
        }
        self.deliver(now, message);
    }

    /// Requests for an interaction that is gone fail.
    fn fail_pending(&mut self, id: &InteractionId) {
        let (gone, kept) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|(_, pending)| pending.interaction == *id);
        self.pending = kept;
        let gone: BTreeMap<String, Pending> = gone;
        for (request, pending) in gone {
            let data = Failure::cancelled().data(&request, Some(id));
            let event = error_event(pending.operation.event_name(), data);
            self.follow_up.push_back(event);
            self.dropped.push((self.key(request), pending.interaction));
        }
    }

    fn key(&self, request: String) -> RequestKey {
        RequestKey::new(self.id.clone(), request)
    }

    pub(super) fn check_answer(
        &self,
        request: &str,
        result: &Result<Completion, Failure>,
    ) -> Result<(), CompleteError> {
        let pending = self.pending.get(request).ok_or(CompleteError::UnknownRequest)?;
        match result {
            Ok(completion) if !completion.fits(&pending.operation) => Err(CompleteError::WrongKind),
            _ => Ok(()),
        }
    }

    pub(super) fn complete(&mut self, now: Instant, request: &str, result: &Result<Completion, Failure>) {
        let Some(pending) = self.pending.remove(request) else {
            return;
        };
        let names = pending.operation.event_name();
        // Answers that are about another request carry that one's id, which is the one the document knows.
        let shown = match &pending.operation {
            Operation::CancelSubmit {
                request: Some(other), ..
            }
            | Operation::QuerySubmit { request: other }
            | Operation::StopTreatment { request: other } => other,
            _ => request,
        };
        let event = match result {
            Ok(completion) => Event::new(format!("{}.{}.done", names.0, names.1))
                .with_data(completion.data(shown, &pending.interaction)),
            Err(failure) => error_event(names, failure.data(shown, Some(&pending.interaction))),
        };
        self.deliver(now, event);
    }

    pub(super) fn send_failed(&mut self, now: Instant, send_id: &str) {
        self.session
            .handle_send_failure(now, send_id, SendFailure::Communication);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if now >= self.deadline {
            self.kill(now, EndReason::TooOld);
        } else {
            self.session.handle_timeout(now);
        }
    }

    fn kill(&mut self, now: Instant, reason: EndReason) {
        self.killed.get_or_insert(reason);
        self.follow_up.clear();
        self.session.cancel(now);
    }

    /// Sets the timer to the next time something is due; answers the time before and now.
    pub(super) fn rearm(&mut self) -> (Option<Instant>, Option<Instant>) {
        let next = self
            .session
            .poll_timeout()
            .map_or(self.deadline, |at| at.min(self.deadline));
        (self.armed.replace(next), Some(next))
    }

    pub(super) const fn armed(&self) -> Option<Instant> {
        self.armed
    }

    /// Takes everything that the session did since the last call. At most `budget` events may follow from what it
    /// did itself.
    pub(super) fn drain(&mut self, now: Instant, mut budget: usize) -> Vec<Effect> {
        let cancelled = |(key, interaction)| Effect::Output(Output::CancelRequest { key, interaction });
        let mut effects: Vec<_> = self.dropped.drain(..).map(cancelled).collect();
        loop {
            let step = self.session.poll_output();
            self.take_user_data(&mut effects);
            match step {
                Some(step) => self.take_step(now, step, &mut effects),
                None => match self.follow_up.pop_front() {
                    Some(_) if budget == 0 => self.kill(now, EndReason::Runaway),
                    Some(event) => {
                        budget -= 1;
                        self.deliver(now, event);
                    }
                    None => return effects,
                },
            }
        }
    }

    fn take_step(&mut self, now: Instant, step: Step, effects: &mut Vec<Effect>) {
        match step {
            Step::Action(action) => self.take_action(action, effects),
            Step::Send(request) => self.take_send(request, effects),
            Step::Log(record) => {
                effects.push(Effect::Output(Output::Log {
                    session: self.id.clone(),
                    record,
                }));
            }
            Step::Invoke(request) => {
                self.session
                    .handle_invoke_failure(now, &request.invoke_id, SendFailure::Execution);
            }
            Step::Done(done) => {
                let reason = self.killed.take().unwrap_or_else(|| done.reason.into());
                effects.push(Effect::Ended {
                    reason,
                    data: done.data,
                });
            }
            // There are no invocations that could be cancelled or forwarded to, and tracing is not switched on.
            _ => {}
        }
    }

    fn take_user_data(&mut self, effects: &mut Vec<Effect>) {
        let attached = self.model.borrow_mut().take_attached();
        self.stale |= !attached.is_empty();
        for (interaction, data) in attached {
            effects.push(Effect::Output(Output::SetUserData { interaction, data }));
        }
    }

    fn take_action(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let Some(module) = Module::by_namespace(&action.element.namespace) else {
            return;
        };
        let request = action.request_id;
        let read = read(module, &action.element).and_then(|operation| {
            let interaction = self.interaction_of(&action.element)?;
            Ok((operation, interaction))
        });
        match read {
            Ok((operation, interaction)) => {
                if let Operation::Submit(_) = operation {
                    let data = Value::object()
                        .with("requestid", request.as_str())
                        .with("interactionid", interaction.as_str());
                    self.follow_up
                        .push_back(Event::new("queue.submit.requestid").with_data(data));
                }
                let key = RequestKey {
                    session: self.id.clone(),
                    request: request.clone(),
                };
                let pending = Pending {
                    interaction: interaction.clone(),
                    operation: operation.clone(),
                };
                self.pending.insert(request, pending);
                let request = PlatformRequest {
                    key,
                    interaction,
                    operation,
                };
                effects.push(Effect::Output(Output::Request(request)));
            }
            Err(bad) => {
                tracing::warn!(
                    session = %self.id, module = module.prefix, action = action.element.name,
                    code = bad.code, problem = bad.description, "action refused"
                );
                let names = (module.event_prefix, action.element.name.as_str());
                let data = Failure::new(bad.code, bad.description).data(&request, None);
                self.follow_up.push_back(error_event(names, data));
                effects.push(Effect::RefusedAction);
            }
        }
    }

    /// The interaction that an action names, or the first one.
    fn interaction_of(&self, element: &scxml::ActionElement) -> Result<InteractionId, Bad> {
        let model = self.model.borrow();
        let named = match element.attribute("interactionid") {
            None | Some(Value::Undefined | Value::Null) => model.first().cloned(),
            Some(id) => Some(id.to_text())
                .filter(|id| model.contains(id))
                .map(InteractionId::from),
        };
        named.ok_or_else(|| Bad {
            code: "invalidstate.null",
            description: "the session has no such interaction".to_owned(),
        })
    }

    fn take_send(&mut self, request: SendRequest, effects: &mut Vec<Effect>) {
        let to = match request.target {
            SendTarget::Session(id)
                if request.processor == scxml::SCXML_PROCESSOR || request.processor == "scxml" =>
            {
                Some(SessionId::new(id))
            }
            _ => None,
        };
        effects.push(Effect::Send {
            send_id: request.send_id,
            to,
            event: request.event,
        });
    }

    pub(super) fn pending_requests(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn view(&self, now: Instant) -> SessionView {
        SessionView {
            document: self.url.clone(),
            states: self
                .session
                .configuration()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            interactions: self.model.borrow().ids().to_vec(),
            age: now.saturating_duration_since(self.started),
            pending_events: self.session.pending_events() + self.follow_up.len(),
            pending_requests: self.pending.len(),
        }
    }

    /// What is left when the session is over: its interactions, and the requests to be cancelled.
    pub(super) fn into_rest(self) -> (Vec<InteractionId>, Vec<(RequestKey, InteractionId)>) {
        let id = &self.id;
        let requests = self
            .pending
            .into_iter()
            .map(|(request, pending)| (RequestKey::new(id.clone(), request), pending.interaction))
            .collect();
        let mut interactions = self.model.borrow().ids().to_vec();
        interactions.extend(self.promised);
        (interactions, requests)
    }
}

fn error_event(names: (&str, &str), data: Value) -> Event {
    Event::new(format!("error.{}.{}", names.0, names.1)).with_data(data)
}

//! Public behaviour of the session manager.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]
#![cfg(feature = "ecmascript")]

mod actions;
mod any_order;
mod errors;
mod inbound;
mod sessions;

use std::sync::Arc;
use std::time::{Duration, Instant};

use orchestration::{
    Completion, Failure, Interaction, InteractionEvent, InteractionId, ManagerConfig, MemorySource,
    Operation, Output, PlatformRequest, RequestKey, SessionId, SessionManager, StartError, Voice,
};
use scxml::Value;

/// A manager with a clock that only the test moves.
struct Bench {
    start: Instant,
    now: Instant,
    manager: SessionManager,
    /// Requests that the platform has not answered.
    open: Vec<PlatformRequest>,
}

impl Bench {
    fn new(document: &str) -> Self {
        Self::with_config(document, ManagerConfig::default())
    }

    fn with_config(document: &str, config: ManagerConfig) -> Self {
        let now = Instant::now();
        let source = MemorySource::new().with("test.scxml", document);
        let manager = SessionManager::new(config, Arc::new(source));
        Self {
            start: now,
            now,
            manager,
            open: Vec::new(),
        }
    }

    /// Starts the document for a call.
    fn call(&mut self, user_data: Value) -> SessionId {
        let voice = Voice::inbound(
            "0065000000000001",
            Some("5551".to_owned()),
            Some("8000".to_owned()),
        );
        let interaction = Interaction::call("ixn-1", voice)
            .with_user_data(user_data)
            .with_party("8000", "routepoint");
        self.manager
            .start_for_interaction(self.now, "test.scxml", interaction, Vec::new())
            .unwrap()
    }

    fn start(&mut self, params: Vec<(String, Value)>) -> Result<SessionId, StartError> {
        self.manager.start(self.now, "test.scxml", params)
    }

    fn interaction(&mut self, event: InteractionEvent) {
        assert!(self.manager.handle_interaction(self.now, &ixn(), event));
    }

    /// Answers the oldest open request of this operation.
    fn answer(&mut self, action: &str, result: Result<Completion, Failure>) {
        let index = self
            .open
            .iter()
            .position(|request| request.operation.event_name().1 == action);
        let index = index.unwrap_or_else(|| panic!("no open {action} in {:?}", self.open));
        let request = self.open.remove(index);
        self.manager.complete(self.now, &request.key, result).unwrap();
    }

    fn wait(&mut self, millis: u64) -> Vec<String> {
        let until = self.now + Duration::from_millis(millis);
        let mut log = Vec::new();
        while let Some(at) = self.manager.poll_timeout().filter(|at| *at <= until) {
            self.now = at.max(self.now);
            self.manager.handle_timeout(self.now);
            log.extend(self.drain());
        }
        self.now = until;
        log
    }

    /// What came out since the last call, as text.
    fn drain(&mut self) -> Vec<String> {
        let outputs: Vec<_> = std::iter::from_fn(|| self.manager.poll_output()).collect();
        let at = self.now.duration_since(self.start).as_millis();
        outputs
            .into_iter()
            .map(|output| format!("{at:>6} {}", self.print(output)))
            .collect()
    }

    fn print(&mut self, output: Output) -> String {
        match output {
            Output::Request(request) => {
                let text = format!("{} {}", request.key.request, describe(&request.operation));
                self.open.push(request);
                text
            }
            Output::CancelRequest { key, .. } => {
                self.open.retain(|request| request.key != key);
                format!("{} cancelled", key.request)
            }
            Output::SetUserData { interaction, data } => format!("{interaction} user data {data}"),
            Output::Log { record, .. } => format!("log {} {}", record.label, record.value.to_text()),
            Output::Ended {
                reason,
                interactions,
                data,
                ..
            } => {
                let left: Vec<_> = interactions.iter().map(InteractionId::as_str).collect();
                format!("ended {reason:?} leaving {left:?} with {data}")
            }
            other => panic!("{other:?}"),
        }
    }
}

fn ixn() -> InteractionId {
    InteractionId::from("ixn-1")
}

fn key(session: &SessionId, request: &str) -> RequestKey {
    RequestKey::new(session.clone(), request)
}

/// An operation in one line, with everything that matters.
fn describe(operation: &Operation) -> String {
    use orchestration::{PromptSource, Treatment};
    fn prompt(source: &PromptSource) -> String {
        match source {
            PromptSource::Announcement(name) => name.clone(),
            PromptSource::Number(number) => format!("number {number}"),
            PromptSource::User(id) => format!("user {id}"),
            PromptSource::Text(text) => format!("text {text}"),
            other => panic!("{other:?}"),
        }
    }
    fn treatment(treatment: &Treatment) -> String {
        match treatment {
            Treatment::Play { prompts, .. } => {
                let names: Vec<_> = prompts.iter().map(|p| prompt(&p.source)).collect();
                format!("play {}", names.join(", "))
            }
            Treatment::Collect { collect, .. } => format!("collect {:?} digits", collect.max_digits),
            Treatment::PlayAndCollect { prompts, collect, .. } => {
                let names: Vec<_> = prompts.iter().map(|p| prompt(&p.source)).collect();
                format!(
                    "play {} and collect {:?} within {:?}",
                    names.join(", "),
                    collect.max_digits,
                    collect.total_timeout
                )
            }
            Treatment::PlaySound(sound) => {
                format!("sound {} {:?} {:?}", sound.kind, sound.resource, sound.duration)
            }
            other => panic!("{other:?}"),
        }
    }
    match operation {
        Operation::Submit(submit) => {
            let treatments: Vec<_> = submit.treatments.iter().map(treatment).collect();
            format!(
                "submit {} priority {} timeout {:?} route {} [{}]",
                submit.targets.join(" + "),
                submit.priority,
                submit.timeout,
                submit.route,
                treatments.join("; ")
            )
        }
        Operation::CancelSubmit { request, queue } => format!("cancel {request:?} {queue:?}"),
        Operation::QuerySubmit { request } => format!("query {request}"),
        Operation::Treat(inner) => treatment(inner),
        Operation::StopTreatment { request } => format!("stop {request}"),
        Operation::Redirect(redirect) => {
            format!(
                "redirect {:?} -> {} {:?}",
                redirect.from, redirect.to, redirect.route_type
            )
        }
        Operation::Terminate(terminate) => format!("terminate {:?}", terminate.reason),
        other => panic!("{other:?}"),
    }
}

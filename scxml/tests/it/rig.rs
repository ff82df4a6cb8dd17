//! A session under test with a clock of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scxml::{Dialect, Document, DocumentConfig, Done, Event, Output, Session, SessionConfig, Trace};

pub(crate) struct Rig {
    pub(crate) session: Session,
    pub(crate) now: Instant,
    /// Values of `<log>` as text.
    pub(crate) logs: Vec<String>,
    /// All other outputs but traces.
    pub(crate) outputs: Vec<Output>,
    pub(crate) trace: Vec<Trace>,
    pub(crate) done: Option<Done>,
}

/// Wraps the inside of an `<scxml>` element.
pub(crate) fn wrap(body: &str) -> String {
    format!(
        "<scxml xmlns=\"http://www.w3.org/2005/07/scxml\" xmlns:x=\"urn:x\" version=\"1.0\" \
         datamodel=\"ecmascript\">{body}</scxml>"
    )
}

impl Rig {
    /// Starts the document with this body.
    pub(crate) fn new(body: &str) -> Self {
        Self::with(body, Dialect::W3c, SessionConfig::new("s1"))
    }

    pub(crate) fn with(body: &str, dialect: Dialect, config: SessionConfig) -> Self {
        let mut rig = Self::idle(body, dialect, config);
        rig.session.start(rig.now);
        rig.drain();
        rig
    }

    /// Like `with`, but not started.
    pub(crate) fn idle(body: &str, dialect: Dialect, config: SessionConfig) -> Self {
        let document =
            Document::parse_with(&wrap(body), &DocumentConfig::default().with_dialect(dialect)).unwrap();
        let session = Session::new(Arc::new(document), config.with_trace(true)).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the start of virtual time")]
        let now = Instant::now();
        Self {
            session,
            now,
            logs: vec![],
            outputs: vec![],
            trace: vec![],
            done: None,
        }
    }

    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Log(record) => self.logs.push(record.value.to_text()),
                Output::Trace(step) => self.trace.push(step),
                Output::Done(done) => self.done = Some(done),
                other => self.outputs.push(other),
            }
        }
    }

    pub(crate) fn event(&mut self, name: &str) {
        self.send(Event::new(name));
    }

    pub(crate) fn send(&mut self, event: Event) {
        self.session.handle_event(self.now, event);
        self.drain();
    }

    /// Lets time pass; timers fire exactly when due.
    pub(crate) fn pass(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= end) {
            self.now = due;
            self.session.handle_timeout(due);
            self.drain();
        }
        self.now = end;
    }

    pub(crate) fn states(&self) -> String {
        self.session.configuration().join(" ")
    }

    /// Takes the logs as one line.
    pub(crate) fn take_logs(&mut self) -> String {
        std::mem::take(&mut self.logs).join(" ")
    }

    /// Names of error events raised so far.
    pub(crate) fn errors(&self) -> Vec<&str> {
        self.trace
            .iter()
            .filter_map(|step| match step {
                Trace::Error { event, .. } => Some(event.as_str()),
                _ => None,
            })
            .collect()
    }
}

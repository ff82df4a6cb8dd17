//! A session together with the SCXML sessions that it invokes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::document::{Document, DocumentConfig};
use crate::event::{Event, EventKind};
use crate::output::{Done, DoneReason, InvokeRequest, Output, SendFailure, SendRequest, SendTarget};
use crate::session::{Session, SessionConfig, SessionError, done_invoke};
use crate::value::Value;

/// How a tree of sessions is set up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TreeConfig {
    /// How invoked documents are read.
    pub document: DocumentConfig,
    /// Set-up of the first session and, with ids and parameters of their own, of all invoked ones.
    pub session: SessionConfig,
    /// Sessions alive at the same time. Default 100; an invocation beyond that fails.
    pub max_sessions: usize,
}

impl TreeConfig {
    /// A tree whose first session has this set-up.
    #[must_use]
    pub const fn new(document: DocumentConfig, session: SessionConfig) -> Self {
        Self {
            document,
            session,
            max_sessions: 100,
        }
    }

    /// Sets how many sessions may be alive at the same time.
    #[must_use]
    pub const fn with_max_sessions(mut self, max_sessions: usize) -> Self {
        self.max_sessions = max_sessions;
        self
    }
}

/// A session together with the SCXML sessions that it, and those in turn, invoke.
///
/// Invocations of SCXML documents, `#_parent`, `#_<invokeid>`, `#_scxml_<sessionid>` within the tree, `autoforward`
/// and `done.invoke` are handled inside; everything else comes out with the id of the session that asked for it.
/// Driven like a [`Session`].
///
/// Spec: SCXML §6.4
#[derive(Debug)]
pub struct SessionTree {
    config: TreeConfig,
    root: String,
    nodes: BTreeMap<String, Node>,
    now: Option<Instant>,
    started: u64,
    /// Ids of the living sessions, shared with their checks of reachability.
    alive: Rc<RefCell<BTreeSet<String>>>,
    /// The session whose outputs are being fetched; it is drained before another one runs, so that what it sent
    /// with its last breath is queued together with the news of its end.
    current: Option<String>,
}

#[derive(Debug)]
struct Node {
    session: Session,
    /// Session and invocation that this one answers to.
    parent: Option<(String, String)>,
}

impl SessionTree {
    /// Creates the first session. Nothing runs before [`SessionTree::start`].
    ///
    /// # Errors
    /// As [`Session::new`].
    pub fn new(document: Arc<Document>, config: TreeConfig) -> Result<Self, SessionError> {
        let session = Session::new(document, config.session.clone())?;
        Ok(Self::with_session(session, config))
    }

    /// Makes a tree of a session that was created, and possibly given host functions, but not started.
    #[must_use]
    pub fn with_session(session: Session, config: TreeConfig) -> Self {
        let mut tree = Self {
            config,
            root: session.id().to_owned(),
            nodes: BTreeMap::new(),
            now: None,
            started: 0,
            alive: Rc::default(),
            current: None,
        };
        tree.add(session, None);
        tree
    }

    fn add(&mut self, mut session: Session, parent: Option<(String, String)>) {
        let id = session.id().to_owned();
        let alive = Rc::clone(&self.alive);
        let others = session.session_lookup().map(Rc::clone);
        session.set_session_lookup(Rc::new(move |id| {
            alive.borrow().contains(id) || others.as_ref().is_some_and(|lookup| lookup(id))
        }));
        self.alive.borrow_mut().insert(id.clone());
        self.nodes.insert(id, Node { session, parent });
    }

    /// Takes the time of an input and renews what sessions may do without another one.
    fn begin_input(&mut self, now: Instant) {
        self.now = Some(now);
        for node in self.nodes.values_mut() {
            node.session.renew();
        }
    }

    /// The first session; `None` after its end was reported.
    #[must_use]
    pub fn root(&self) -> Option<&Session> {
        self.session(&self.root)
    }

    /// The first session, to update host values; `None` after its end was reported.
    pub fn root_mut(&mut self) -> Option<&mut Session> {
        self.nodes.get_mut(&self.root).map(|node| &mut node.session)
    }

    /// A living session.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<&Session> {
        self.nodes.get(id).map(|node| &node.session)
    }

    /// Starts the first session.
    pub fn start(&mut self, now: Instant) {
        self.begin_input(now);
        if let Some(session) = self.root_mut() {
            session.start(now);
        }
    }

    /// Gives an event to the first session.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        let root = self.root.clone();
        self.handle_event_for(now, &root, event);
    }

    /// Gives an event to the session of this id; without effect if it is gone.
    pub fn handle_event_for(&mut self, now: Instant, session: &str, event: Event) {
        self.begin_input(now);
        if let Some(node) = self.nodes.get_mut(session) {
            node.session.handle_event(now, event);
        }
    }

    /// Reports that a message of the given session could not be delivered.
    pub fn handle_send_failure(&mut self, now: Instant, session: &str, send_id: &str, failure: SendFailure) {
        self.begin_input(now);
        if let Some(node) = self.nodes.get_mut(session) {
            node.session.handle_send_failure(now, send_id, failure);
        }
    }

    /// Lets all sessions send what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.begin_input(now);
        for node in self.nodes.values_mut() {
            if node.session.poll_timeout().is_some_and(|due| due <= now) {
                node.session.handle_timeout(now);
            }
        }
    }

    /// Ends the first session and with it all others.
    pub fn cancel(&mut self, now: Instant) {
        self.begin_input(now);
        if let Some(session) = self.root_mut() {
            session.cancel(now);
        }
    }

    /// The next effect to carry out and the id of the session that asks for it.
    pub fn poll_output(&mut self) -> Option<(String, Output)> {
        let now = self.now?;
        loop {
            let (id, output) = self.next_output()?;
            if let Some(output) = self.handle_output(now, &id, output) {
                return Some((id, output));
            }
        }
    }

    fn next_output(&mut self) -> Option<(String, Output)> {
        let current = self.current.take();
        if let Some(id) = current
            && let Some(output) = self
                .nodes
                .get_mut(&id)
                .and_then(|node| node.session.poll_output())
        {
            self.current = Some(id.clone());
            return Some((id, output));
        }
        let (id, output) = self
            .nodes
            .iter_mut()
            .find_map(|(id, node)| node.session.poll_output().map(|output| (id.clone(), output)))?;
        self.current = Some(id.clone());
        Some((id, output))
    }

    /// When [`SessionTree::handle_timeout`] is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.nodes
            .values()
            .filter_map(|node| node.session.poll_timeout())
            .min()
    }

    /// Carries out what stays inside the tree and returns the rest.
    fn handle_output(&mut self, now: Instant, id: &str, output: Output) -> Option<Output> {
        match output {
            Output::Invoke(request) if is_scxml_service(request.service.as_deref()) => {
                self.invoke(now, id, &request);
                None
            }
            Output::CancelInvoke { invoke_id } => match self.child_of(id, &invoke_id) {
                Some(child) => {
                    self.cancel_child(now, &child);
                    None
                }
                None => Some(Output::CancelInvoke { invoke_id }),
            },
            Output::Forward { invoke_id, event } => match self.child_of(id, &invoke_id) {
                Some(child) => {
                    self.deliver(now, &child, event);
                    None
                }
                None => Some(Output::Forward { invoke_id, event }),
            },
            Output::Send(request) => self.send(now, id, request),
            Output::Done(done) => {
                let node = self.nodes.remove(id)?;
                self.alive.borrow_mut().remove(id);
                match node.parent {
                    Some((parent, invoke_id)) => {
                        self.child_done(now, &parent, &invoke_id, done);
                        None
                    }
                    None => Some(Output::Done(done)),
                }
            }
            other => Some(other),
        }
    }

    fn child_of(&self, parent: &str, invoke_id: &str) -> Option<String> {
        let is_child = |node: &Node| {
            node.parent
                .as_ref()
                .is_some_and(|(p, invoked)| p == parent && invoked == invoke_id)
        };
        self.nodes
            .iter()
            .find(|(_, node)| is_child(node))
            .map(|(id, _)| id.clone())
    }

    fn cancel_child(&mut self, now: Instant, child: &str) {
        if let Some(node) = self.nodes.get_mut(child) {
            node.session.cancel(now);
        }
    }

    /// Delivers an event that was sent by another session of the tree.
    fn deliver(&mut self, now: Instant, to: &str, mut event: Event) {
        event.kind = EventKind::External;
        if let Some(node) = self.nodes.get_mut(to) {
            // Ids of invocations mean something only to the session that made them.
            let from_child = event
                .invoke_id
                .as_deref()
                .is_some_and(|id| node.session.has_invocation(id));
            if !from_child {
                event.invoke_id = None;
            }
            node.session.enqueue(now, event);
        }
    }

    fn send(&mut self, now: Instant, id: &str, request: SendRequest) -> Option<Output> {
        match &request.target {
            SendTarget::Parent => {
                let parent = self.nodes.get(id).and_then(|node| node.parent.clone());
                let Some((parent, _)) = parent else {
                    return Some(Output::Send(request));
                };
                // Kept with its invocation id even if that was cancelled, so that the parent drops it.
                if let Some(node) = self.nodes.get_mut(&parent) {
                    node.session.enqueue(now, request.event);
                }
                None
            }
            SendTarget::Invoke(invoke_id) => match self.child_of(id, invoke_id) {
                Some(child) => {
                    self.deliver(now, &child, request.event);
                    None
                }
                None => Some(Output::Send(request)),
            },
            SendTarget::Session(target) if self.nodes.contains_key(target) => {
                let target = target.clone();
                self.deliver(now, &target, request.event);
                None
            }
            _ => Some(Output::Send(request)),
        }
    }

    fn child_done(&mut self, now: Instant, parent: &str, invoke_id: &str, done: Done) {
        let Some(node) = self.nodes.get_mut(parent) else {
            return;
        };
        match done.reason {
            DoneReason::Final(_) => node.session.enqueue(now, done_invoke(invoke_id, done.data)),
            DoneReason::Cancelled => {}
            DoneReason::Limit(_) => {
                node.session
                    .handle_invoke_failure(now, invoke_id, SendFailure::Execution)
            }
        }
    }

    fn invoke(&mut self, now: Instant, parent: &str, request: &InvokeRequest) {
        match self.create_child(request) {
            Ok(session) => {
                let id = session.id().to_owned();
                self.add(session, Some((parent.to_owned(), request.invoke_id.clone())));
                if let Some(node) = self.nodes.get_mut(&id) {
                    node.session.start(now);
                }
            }
            Err(failure) => {
                if let Some(node) = self.nodes.get_mut(parent) {
                    node.session
                        .handle_invoke_failure(now, &request.invoke_id, failure);
                }
            }
        }
    }

    fn create_child(&mut self, request: &InvokeRequest) -> Result<Session, SendFailure> {
        if self.nodes.len() >= self.config.max_sessions {
            return Err(SendFailure::Execution);
        }
        let text = match (&request.content, &request.src) {
            (Some(Value::Xml(text) | Value::String(text)), _) => text.clone(),
            (None, Some(src)) => self
                .config
                .document
                .source
                .fetch(src)
                .map_err(|_| SendFailure::Communication)?,
            _ => return Err(SendFailure::Execution),
        };
        let document =
            Document::parse_with(&text, &self.config.document).map_err(|_| SendFailure::Execution)?;
        self.started += 1;
        let mut config = self.config.session.clone();
        config.id = format!("{}.{}", self.root, self.started);
        config.params.clone_from(&request.params);
        config.invoke_id = Some(request.invoke_id.clone());
        Session::new(Arc::new(document), config).map_err(|_| SendFailure::Execution)
    }
}

fn is_scxml_service(service: Option<&str>) -> bool {
    let name = service.unwrap_or_default().trim_end_matches('/');
    matches!(name, "" | "scxml" | "http://www.w3.org/TR/scxml")
}

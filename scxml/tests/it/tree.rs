//! Invoked sessions.

use std::sync::Arc;
use std::time::Instant;

use scxml::{Document, DocumentConfig, DoneReason, Event, Output, SessionConfig, SessionTree, TreeConfig};

use crate::rig::wrap;

struct Forest {
    tree: SessionTree,
    now: Instant,
    logs: Vec<String>,
    done: Option<DoneReason>,
}

impl Forest {
    fn new(body: &str) -> Self {
        Self::with(body, 100)
    }

    fn with(body: &str, max_sessions: usize) -> Self {
        let document = Arc::new(Document::parse(&wrap(body)).unwrap());
        let config = TreeConfig::new(DocumentConfig::default(), SessionConfig::new("root"))
            .with_max_sessions(max_sessions);
        let tree = SessionTree::new(document, config).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the start of virtual time")]
        let now = Instant::now();
        let mut forest = Self {
            tree,
            now,
            logs: vec![],
            done: None,
        };
        forest.tree.start(now);
        forest.drain();
        forest
    }

    fn drain(&mut self) {
        while let Some((id, output)) = self.tree.poll_output() {
            match output {
                Output::Log(record) => self.logs.push(format!("{id}:{}", record.value.to_text())),
                Output::Done(done) => self.done = Some(done.reason),
                _ => {}
            }
        }
    }

    fn event(&mut self, name: &str) {
        self.tree.handle_event(self.now, Event::new(name));
        self.drain();
    }

    fn take_logs(&mut self) -> String {
        std::mem::take(&mut self.logs).join(" ")
    }
}

fn child(body: &str) -> String {
    format!("<content>{}</content>", wrap(body))
}

/// Spec: SCXML §6.4
#[test]
fn a_child_gets_parameters_answers_its_parent_and_reports_its_end() {
    let inner = child(
        "<datamodel><data id='n' expr='0'/></datamodel>
         <state id='c'><onentry><send target='#_parent' event='hello'><param name='n' expr='n'/></send></onentry>
           <transition event='stop' target='f'/></state>
         <final id='f'><donedata><content expr='n * 2'/></donedata></final>",
    );
    let mut forest = Forest::new(&format!(
        "<state id='s'><invoke id='kid'><param name='n' expr='21'/><param name='unknown' expr='1'/>{inner}</invoke>
           <transition event='hello'><log expr='_event.data.n + _event.invokeid'/></transition>
           <transition event='halt'><send target='#_kid' event='stop'/></transition>
           <transition event='done.invoke.kid' target='end'><log expr='_event.data'/></transition></state>
         <final id='end'/>"
    ));
    assert_eq!(forest.take_logs(), "root:21kid");
    assert!(forest.tree.session("root.1").is_some());
    forest.event("halt");
    assert_eq!(forest.take_logs(), "root:42");
    assert_eq!(forest.done, Some(DoneReason::Final("end".to_owned())));
    assert!(forest.tree.root().is_none());
}

/// Spec: SCXML §6.4
#[test]
fn leaving_the_state_cancels_the_child_whose_exit_handlers_run_unheard() {
    let inner = child(
        "<state id='c'><onexit><log expr=\"'exit'\"/><send target='#_parent' event='last'/></onexit></state>",
    );
    let mut forest = Forest::new(&format!(
        "<state id='s'><invoke id='kid'>{inner}</invoke><transition event='leave' target='t'/></state>
         <state id='t'><transition event='last done.invoke'><log expr='_event.name'/></transition></state>"
    ));
    forest.event("leave");
    assert_eq!(forest.take_logs(), "root.1:exit");
    assert!(forest.tree.session("root.1").is_none());
}

/// Spec: SCXML §6.4.1 and §6.5
#[test]
fn autoforward_copies_events_and_finalize_runs_first() {
    let inner = child(
        "<state id='c'><transition event='ping'><send target='#_parent' event='pong'/></transition></state>",
    );
    let mut forest = Forest::new(&format!(
        "<datamodel><data id='seen' expr='0'/></datamodel>
         <state id='s'><invoke id='kid' autoforward='true'>{inner}<finalize><script>seen++</script></finalize></invoke>
           <transition event='pong'><log expr='seen'/></transition></state>"
    ));
    forest.event("ping");
    assert_eq!(forest.take_logs(), "root:1");
}

#[test]
fn a_child_that_cannot_be_started_is_an_error_of_the_parent() {
    for (invoke, error) in [
        ("<invoke src='nowhere'/>", "error.communication"),
        (
            "<invoke><content>no document</content></invoke>",
            "error.execution",
        ),
    ] {
        let mut forest = Forest::new(&format!(
            "<state id='s'>{invoke}<transition event='error.*'><log expr='_event.name'/></transition></state>"
        ));
        assert_eq!(forest.take_logs(), format!("root:{error}"));
    }
}

#[test]
fn the_number_of_sessions_is_limited() {
    let inner = child("<state id='c'/>");
    let mut forest = Forest::with(
        &format!(
            "<state id='s'><invoke>{inner}</invoke><invoke>{inner}</invoke>
               <transition event='error.execution'><log expr='1'/></transition></state>"
        ),
        2,
    );
    assert_eq!(forest.take_logs(), "root:1");
    assert!(forest.tree.session("root.1").is_some());
}

#[test]
fn two_sessions_that_answer_each_other_for_ever_are_stopped() {
    let inner =
        child("<state id='c'><transition event='a'><send target='#_parent' event='b'/></transition></state>");
    let mut forest = Forest::new(&format!(
        "<state id='s'><invoke id='kid'>{inner}</invoke>
           <transition event='b'><send target='#_kid' event='a'/></transition></state>"
    ));
    forest.event("b");
    // One of the two reaches its limit of macrosteps, after which the other falls silent.
    let alive = [
        forest.tree.root().is_some(),
        forest.tree.session("root.1").is_some(),
    ];
    assert!(alive.contains(&false), "{alive:?}");
}

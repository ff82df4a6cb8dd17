//! State charts for the interpreter, and the events that drive them.

use std::sync::Arc;
use std::time::Instant;

use scxml::{Document, DocumentError, Event, Output, Session, SessionConfig, SessionError, Value};

/// A menu with history, a parallel region, conditions and assignments in ECMAScript; ten events drive it.
pub const ECMASCRIPT: &str = r#"
<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="ecmascript" initial="call">
  <datamodel>
    <data id="asked" expr="0"/>
    <data id="digits" expr="''"/>
    <data id="choices" expr="{ '1': 'sales', '2': 'support' }"/>
  </datamodel>
  <parallel id="call">
    <state id="watch" initial="calm">
      <state id="calm"><transition event="patience.low" cond="asked > 1" target="urgent"/></state>
      <state id="urgent"/>
    </state>
    <state id="dialogue" initial="greeting">
      <history id="back"><transition target="greeting"/></history>
      <state id="greeting"><transition event="prompt.done" target="menu"/></state>
      <state id="menu">
        <onentry><assign location="asked" expr="asked + 1"/></onentry>
        <transition event="digit" cond="choices[_event.data.digit] !== undefined" target="queued">
          <assign location="digits" expr="digits + _event.data.digit"/>
        </transition>
        <transition event="digit" target="menu"/>
      </state>
      <state id="queued"><transition event="again" target="menu"/></state>
    </state>
    <transition event="agent.found" target="routed"/>
  </parallel>
  <state id="routed"><transition event="call.over" target="over"/></state>
  <final id="over"/>
</scxml>"#;

/// The same states without data: what the algorithm costs without a script engine.
pub const NULL: &str = r#"
<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="null" initial="call">
  <parallel id="call">
    <state id="watch" initial="calm">
      <state id="calm"><transition event="patience.low" target="urgent"/></state>
      <state id="urgent"/>
    </state>
    <state id="dialogue" initial="greeting">
      <history id="back"><transition target="greeting"/></history>
      <state id="greeting"><transition event="prompt.done" target="menu"/></state>
      <state id="menu">
        <transition event="digit.valid" target="queued"/>
        <transition event="digit" target="menu"/>
      </state>
      <state id="queued"><transition event="again" target="menu"/></state>
    </state>
    <transition event="agent.found" target="routed"/>
  </parallel>
  <state id="routed"><transition event="call.over" target="over"/></state>
  <final id="over"/>
</scxml>"#;

/// Parses one of the documents.
///
/// # Errors
/// When it is not a valid document, which none of this crate is.
pub fn document(text: &str) -> Result<Arc<Document>, DocumentError> {
    Document::parse(text).map(Arc::new)
}

/// The ten events that take either document to its final state.
pub fn events() -> [Event; 10] {
    let digit = |name: &str, digit: &str| Event::new(name).with_data(Value::object().with("digit", digit));
    [
        Event::new("prompt.done"),
        digit("digit.wrong", "7"),
        digit("digit.wrong", "9"),
        digit("digit.valid", "1"),
        Event::new("again"),
        Event::new("patience.low"),
        digit("digit.wrong", "5"),
        digit("digit.valid", "2"),
        Event::new("agent.found"),
        Event::new("call.over"),
    ]
}

/// A session from its creation through its start and `events` until nothing is left to do; answers how it stands.
///
/// # Errors
/// When the session cannot be created.
pub fn run(
    document: &Arc<Document>,
    now: Instant,
    events: impl IntoIterator<Item = Event>,
) -> Result<Session, SessionError> {
    let mut session = Session::new(Arc::clone(document), SessionConfig::new("bench"))?;
    session.start(now);
    drain(&mut session);
    for event in events {
        session.handle_event(now, event);
        drain(&mut session);
    }
    Ok(session)
}

fn drain(session: &mut Session) {
    while let Some(output) = session.poll_output() {
        std::hint::black_box::<Output>(output);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any time will do: the documents have no timers.
    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    #[test]
    fn ten_events_take_both_documents_to_their_final_state() {
        for text in [ECMASCRIPT, NULL] {
            let session = run(&document(text).unwrap(), now(), events()).unwrap();
            assert!(session.is_done());
            assert_eq!(session.stats().external_events, 10);
            assert_eq!(session.stats().transitions, 10);
            assert_eq!(session.stats().errors, 0);
        }
    }

    #[test]
    fn without_events_both_documents_wait_in_the_greeting() {
        for text in [ECMASCRIPT, NULL] {
            let session = run(&document(text).unwrap(), now(), []).unwrap();
            assert!(session.is_active("greeting") && session.is_active("calm"));
        }
    }
}

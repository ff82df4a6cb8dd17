//! The dialect of orchestration applications.

use std::sync::Arc;

use scxml::{Dialect, Document, DocumentConfig, Output, Rule, Session, SessionConfig, Value};

use crate::rig::{Rig, wrap};

fn rig(body: &str) -> Rig {
    Rig::with(body, Dialect::Ors, SessionConfig::new("s1"))
}

#[test]
fn attributes_of_send_and_cancel_are_expressions() {
    let mut rig = rig(
        "<datamodel><data id='wait' expr=\"'2s'\"/><data id='ids' expr=\"{ x: 'late' }\"/></datamodel>
         <state id='s'><onentry>
           <send event=\"'app.' + 'start'\" delay=\"'1s'\" targettype=\"'scxml'\"/>
           <send event=\"'app.never'\" delay='wait' sendid='late'/>
           <cancel sendid='ids.x'/></onentry>
           <transition event='*'><log expr='_event.name'/></transition></state>",
    );
    rig.pass(5_000);
    assert_eq!(rig.take_logs(), "app.start");
}

#[test]
fn raise_takes_parameters_and_event_is_its_older_form() {
    let mut rig = rig(
        "<state id='s'><onentry><raise event='a'><param name='k' expr='1 + 1'/></raise><event name='b'/></onentry>
           <transition event='a b'><log expr='_event.name + (_event.data ? _event.data.k : 0)'/></transition></state>",
    );
    assert_eq!(rig.take_logs(), "a2 b0");
}

#[test]
fn data_items_are_seen_through_the_data_alias() {
    let mut rig = rig("<datamodel><data id='a' expr='1'/><data id='b'/></datamodel>
         <state id='s'><onentry><assign location='_data.b' expr='_data.a + 1'/><script>_data.a = 5</script>
           <log expr='a'/><log expr='b'/><log expr='Object.keys(_data).length'/></onentry></state>");
    assert_eq!(rig.take_logs(), "5 2 2");
}

#[test]
fn old_script_idioms_work() {
    let mut rig = rig(
        "<script><!-- a comment -->
           var settings = eval('(' + '{\"n\": 1}' + ')');</script>
         <state id='s'><onentry><log expr='settings.n'/><log expr=\"({a: [1, 'x'], b: null}).toSource()\"/>
           <script>__Log('text', 'label', 3); __Raise('mine', { k: 1 });</script></onentry>
           <transition event='mine'><log expr='_event.data.k'/><log expr='_event.toSource().length > 20'/></transition></state>",
    );
    assert_eq!(rig.take_logs(), "1 ({a:[1, \"x\"], b:null}) text 1 true");
}

#[test]
fn log_levels_come_out() {
    let mut rig = Rig::idle(
        "<state id='s'><onentry><log label='l' expr=\"'v'\" level='1'/></onentry></state>",
        Dialect::Ors,
        SessionConfig::new("s1"),
    );
    rig.session.start(rig.now);
    let record = std::iter::from_fn(|| rig.session.poll_output())
        .find_map(|o| {
            if let Output::Log(record) = o {
                Some(record)
            } else {
                None
            }
        })
        .unwrap();
    assert_eq!((record.label.as_str(), record.level), ("l", Some(1)));
}

#[test]
fn host_values_and_functions_live_below_a_read_only_root() {
    let mut rig = Rig::idle(
        "<datamodel><data id='ixn'/></datamodel>
         <state id='s'><onentry><log expr='_genesys.ixn.interactions[0].ani'/>
           <log expr=\"_genesys.ixn.getuData('k').v\"/><log expr=\"_genesys.ixn.getuData()\"/>
           <log expr=\"'after'\"/></onentry>
           <onentry><assign location='_genesys' expr='1'/></onentry>
           <transition event='changed'><log expr='_genesys.ixn.interactions[0].ani'/></transition></state>",
        Dialect::Ors,
        SessionConfig::new("s1"),
    );
    let interactions = |ani: &str| Value::Array(vec![Value::object().with("ani", ani)]);
    let data = rig.session.data_mut();
    data.set_host_value("_genesys.ixn.interactions", &interactions("1001"))
        .unwrap();
    data.set_host_function(
        "_genesys.ixn.getuData",
        Box::new(|args| match args {
            [Value::String(key)] => Ok(Value::object().with("v", format!("value of {key}"))),
            _ => Err("a key is needed".to_owned()),
        }),
    )
    .unwrap();
    rig.session.start(rig.now);
    rig.drain();
    assert_eq!(rig.take_logs(), "1001 value of k");
    assert_eq!(rig.errors(), ["error.execution", "error.execution"]);
    rig.session
        .data_mut()
        .set_host_value("_genesys.ixn.interactions", &interactions("1002"))
        .unwrap();
    rig.event("changed");
    assert_eq!(rig.take_logs(), "1002");
}

#[test]
fn the_internal_target_and_bare_session_ids_are_understood() {
    let mut rig = rig(
        "<state id='s'><onentry><send event=\"'ext'\" target='_sessionid'/><send event=\"'int'\" target=\"'_internal'\"/></onentry>
           <transition event='*'><log expr='_event.name + _event.type'/></transition></state>",
    );
    assert_eq!(rig.take_logs(), "intinternal extexternal");
}

#[test]
fn a_document_may_set_limits_for_itself() {
    let body = "<datamodel><data id='n' expr='0'/></datamodel>
        <state id='a'><transition cond='n &lt; 50'><script>n++</script></transition></state>";
    let start = |attributes: &str| {
        let text = wrap(body).replace("version=", &format!("{attributes} version="));
        let config = DocumentConfig::default().with_dialect(Dialect::Ors);
        Document::parse_with(&text, &config).map(|document| {
            let mut session = Session::new(Arc::new(document), SessionConfig::new("s")).unwrap();
            #[expect(clippy::disallowed_methods, reason = "the start of virtual time")]
            session.start(std::time::Instant::now());
            session.is_done()
        })
    };
    assert_eq!(start("_microStepLimit='50'"), Ok(false));
    assert_eq!(start("_microStepLimit='49'"), Ok(true));
    assert_eq!(
        start("_maxPendingEvents='0'").unwrap_err().findings[0].rule,
        Rule::BadAttribute
    );
}

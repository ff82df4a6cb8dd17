//! What ends a session that does too much.

use std::cell::Cell;
use std::rc::Rc;

use scxml::{Dialect, DoneReason, Limit, ScriptLimits, SessionConfig, SessionLimits};

use crate::rig::Rig;

fn end(body: &str) -> Option<DoneReason> {
    let mut rig = Rig::new(body);
    rig.event("go");
    rig.done.map(|done| done.reason)
}

#[test]
fn endless_eventless_transitions_end_the_session() {
    let body = "<state id='a'><transition target='b'/></state><state id='b'><transition target='a'/></state>";
    assert_eq!(end(body), Some(DoneReason::Limit(Limit::StateEntries)));
    let body = "<state id='a'><transition cond='true'><log expr='1'/></transition></state>";
    assert_eq!(end(body), Some(DoneReason::Limit(Limit::Microsteps)));
}

#[test]
fn raising_without_end_ends_the_session() {
    let body =
        "<state id='a'><transition event='*'><raise event='x'/><raise event='y'/></transition></state>";
    assert_eq!(end(body), Some(DoneReason::Limit(Limit::PendingEvents)));
}

#[test]
fn sending_to_oneself_without_delay_for_ever_ends_the_session() {
    let body = "<state id='a'><transition event='*'><send event='x'/></transition></state>";
    assert_eq!(end(body), Some(DoneReason::Limit(Limit::Macrosteps)));
}

#[test]
fn too_many_timers_end_the_session() {
    let body = "<state id='a'><transition event='go'><foreach array='new Array(2000).fill(0)' item='i'>
        <send event='x' delay='1s'/></foreach></transition></state>";
    assert_eq!(end(body), Some(DoneReason::Limit(Limit::Timers)));
}

#[test]
fn too_much_output_ends_the_session() {
    let body = "<state id='a'><transition event='go'><foreach array='new Array(20000).fill(0)' item='i'>
        <log expr='i'/></foreach></transition></state>";
    assert_eq!(end(body), Some(DoneReason::Limit(Limit::Outputs)));
}

#[test]
fn an_endless_loop_in_a_script_is_interrupted() {
    for script in [
        "while (true) {}",
        "try { while (true) {} } catch (e) { while (true) {} }",
    ] {
        let body =
            format!("<state id='a'><transition event='go'><script>{script}</script></transition></state>");
        assert_eq!(end(&body), Some(DoneReason::Limit(Limit::Script)), "{script}");
    }
    let body = "<state id='a'><transition event='go' cond='(function(){for(;;);})()'/></state>";
    assert_eq!(end(body), Some(DoneReason::Limit(Limit::Script)));
}

#[test]
fn an_expression_that_backtracks_without_end_is_interrupted() {
    let body = "<state id='a'><transition event='go'>
        <script>/^(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')</script></transition></state>";
    assert_eq!(end(body), Some(DoneReason::Limit(Limit::Script)));
}

#[test]
fn the_callers_interrupt_stops_a_script() {
    let asked = Rc::new(Cell::new(0));
    let count = Rc::clone(&asked);
    let config = SessionConfig::new("s").with_interrupt(Rc::new(move || {
        count.set(count.get() + 1);
        count.get() == 3
    }));
    let rig = Rig::with(
        "<state id='a'><onentry><script>while (true) {}</script></onentry></state>",
        Dialect::W3c,
        config,
    );
    assert_eq!(rig.done.map(|d| d.reason), Some(DoneReason::Limit(Limit::Script)));
    assert_eq!(asked.get(), 3);
}

#[test]
fn a_memory_bomb_is_stopped() {
    for script in [
        "var a = []; while (true) a.push('x'.repeat(1000) + a.length)",
        "var s = 'x'; while (true) s += s",
    ] {
        let body =
            format!("<state id='a'><transition event='go'><script>{script}</script></transition></state>");
        let reason = end(&body);
        // A string beyond the engine's length limit is an ordinary error; memory is never exceeded either way.
        assert!(
            reason == Some(DoneReason::Limit(Limit::Memory))
                || (script.contains("s += s") && reason.is_none()),
            "{script}: {reason:?}"
        );
    }
}

#[test]
fn endless_recursion_is_an_ordinary_error() {
    let mut rig = Rig::new(
        "<state id='a'><transition event='go'><script>(function f() { f(); })()</script></transition>
           <transition event='error.execution' target='b'/></state><state id='b'/>",
    );
    rig.event("go");
    assert_eq!(rig.states(), "b");
}

#[test]
fn a_budget_is_renewed_with_each_macrostep() {
    let mut script = ScriptLimits::default();
    script.budget_ticks = 200;
    let mut rig = Rig::with(
        "<state id='a'><transition event='go'><script>for (var i = 0; i &lt; 500000; i++);</script></transition></state>",
        Dialect::W3c,
        SessionConfig::new("s").with_script_limits(script),
    );
    for _ in 0..20 {
        rig.event("go");
    }
    assert!(rig.done.is_none());
}

#[test]
fn a_flood_of_external_events_ends_the_session() {
    let mut limits = SessionLimits::default();
    limits.pending_events = 3;
    let mut rig = Rig::idle(
        "<state id='a'/>",
        Dialect::W3c,
        SessionConfig::new("s").with_limits(limits),
    );
    for _ in 0..4 {
        rig.session.handle_event(rig.now, scxml::Event::new("e"));
    }
    rig.session.start(rig.now);
    rig.drain();
    assert_eq!(
        rig.done.map(|d| d.reason),
        Some(DoneReason::Limit(Limit::PendingEvents))
    );
}

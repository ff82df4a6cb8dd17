//! Each action: what the platform is asked, what the session gets.

use std::time::Duration;

use orchestration::{Completion, Failure, InteractionEvent, Operation, QueuePosition, Target, Treatment};
use scxml::Value;

use crate::Bench;

/// A document whose first state does `content` on `interaction.present` and logs every later event with its data.
fn document(content: &str) -> String {
    format!(
        r#"<scxml version="1.0" datamodel="ecmascript" initial="a"
             xmlns="http://www.w3.org/2005/07/scxml"
             xmlns:queue="www.genesyslab.com/modules/queue"
             xmlns:dialog="http://www.genesyslab.com/modules/dialog"
             xmlns:ixn="http://www.genesyslab.com/modules/interaction">
             <datamodel><data id="rid"/><data id="target"/></datamodel>
             <state id="a">
               <transition event="interaction.present" target="b">{content}</transition>
             </state>
             <state id="b">
               <transition event="stop" target="c"/>
               <transition event="queue.submit.done">
                 <assign location="target" expr="_event.data.resource"/>
                 <log label="event" expr="_event.name + ' ' + JSON.stringify(_event.data)"/>
               </transition>
               <transition event="send.it">
                 <ixn:redirect interactionid="_event.data.id" from="'8000'" to="target"
                    type="_genesys.queue.rType.RouteTypeDefault" detach="false" hints="{{ a: 1 }}"/>
               </transition>
               <transition event="interaction.udata.changed">
                 <log label="udata" expr="_genesys.ixn.interactions[0].udata.Color"/>
               </transition>
               <transition event="*"><log label="event" expr="_event.name + ' ' + JSON.stringify(_event.data)"/></transition>
             </state>
             <final id="c"/>
           </scxml>"#
    )
}

fn run(content: &str) -> (Bench, Vec<String>) {
    let mut bench = Bench::new(&document(content));
    bench.call(Value::object());
    let log = bench.drain();
    (bench, log)
}

/// Spec: ORS reference §4 (submit, all attributes)
#[test]
fn a_submit_carries_every_attribute_and_reports_every_field() {
    let (mut bench, mut log) = run(
        r#"<queue:submit requestid="rid" queue="'VQ_Sales'" priority="2 + 3" timeout="'90'" clearontimeout="true"
             clearqueue="true" route="false" ordertype="'max'" orderstat="'StatTimeInReadyState'">
             <queue:targets type="agentgroup" statserver="'stat'">
               <queue:target name="'Gold'" weight="3" threshold="'StatCallsInQueue&lt;10'"/>
               <queue:target type="skill" name="'best'" skillexpr="'sales>5'"/>
               <queue:target type="agent" name="'1001'" statserver="'other'"/>
               <queue:targetid expr="'?:&quot;a, b&quot;>0@stat.GA, 8001@sw.Q'"/>
             </queue:targets>
           </queue:submit><log label="rid" expr="rid"/>"#,
    );
    let Operation::Submit(submit) = &bench.open[0].operation else {
        panic!("no submit")
    };
    assert_eq!(
        submit.targets,
        [
            "{StatCallsInQueue<10}[3]Gold@stat.GA",
            "?best:sales>5@stat.GA",
            "1001@other.A",
            "?:\"a, b\">0@stat.GA",
            "8001@sw.Q",
        ]
    );
    assert_eq!(submit.timeout, Some(Duration::from_secs(90)));
    assert!(submit.clear_on_timeout && submit.clear_queue && !submit.route);
    assert_eq!((submit.queue.as_deref(), submit.priority), (Some("VQ_Sales"), 5));
    assert_eq!(submit.order.as_ref().unwrap().1, "StatTimeInReadyState");
    let target = Target::new("?best:sales>5@stat.GA", "1001", "sw")
        .with_agent("1001", "stat")
        .with_queue(Some("VQ_Sales".to_owned()));
    bench.answer("submit", Ok(Completion::Target(target)));
    log.extend(bench.drain());
    let id = Value::object().with("id", "ixn-1");
    let session = bench.manager.sessions().next().unwrap().clone();
    bench.manager.send_event(bench.now, &session, "send.it", id);
    log.extend(bench.drain());
    bench.answer(
        "redirect",
        Err(Failure::new("invaliddestination", "no such number")),
    );
    log.extend(bench.drain());
    insta::assert_snapshot!(log.join("\n"));
}

/// Spec: ORS reference §4 (cancel, query)
#[test]
fn a_submit_is_queried_and_cancelled_by_its_request_id() {
    let (mut bench, mut log) = run(
        r#"<queue:submit requestid="rid"><queue:targets><queue:targetid expr="'1@s.A'"/></queue:targets></queue:submit>
           <queue:query requestid="rid"/><queue:cancel requestid="rid"/>"#,
    );
    bench.answer(
        "query",
        Ok(Completion::Position(QueuePosition::new(
            1,
            4,
            Duration::from_millis(2_900),
        ))),
    );
    bench.answer("cancel", Ok(Completion::Done));
    bench.answer("submit", Err(Failure::cancelled()));
    log.extend(bench.drain());
    insta::assert_snapshot!(log.join("\n"));
}

/// Spec: ORS reference §6
#[test]
fn dialogs_carry_prompts_and_input_and_report_digits() {
    let (mut bench, mut log) = run(r#"<dialog:play language="'en'"><dialog:prompts type="tts">
               <dialog:prompt text="'Hello'" interrupt="false"/><dialog:prompt number="42"/>
               <dialog:prompt userannid="7"/><dialog:prompt intid="12"/></dialog:prompts></dialog:play>
           <dialog:collect><dialog:input max_digits="4" term_digits="'#'" total_timeout="10" digit_timeout="2.5"/>
             </dialog:collect>
           <dialog:playsound requestid="rid" type="'ringback'" resource="'x'" duration="3"/>
           <dialog:stop requestid="rid"/>"#);
    let Operation::Treat(Treatment::Play { prompts, language }) = &bench.open[0].operation else {
        panic!()
    };
    assert_eq!(
        (
            language.as_deref(),
            prompts[0].kind.as_str(),
            prompts[0].interrupt
        ),
        (Some("en"), "tts", false)
    );
    let Operation::Treat(Treatment::Collect { collect, .. }) = &bench.open[1].operation else {
        panic!()
    };
    assert_eq!(
        (collect.max_digits, collect.term_digits.as_deref()),
        (Some(4), Some("#"))
    );
    assert_eq!(collect.digit_timeout, Some(Duration::from_millis(2_500)));
    bench.answer("collect", Ok(Completion::digits("123#")));
    bench.answer("stop", Ok(Completion::Done));
    bench.answer("playsound", Err(Failure::cancelled()));
    bench.answer("play", Err(Failure::new("invalidstate.null", "no call")));
    log.extend(bench.drain());
    insta::assert_snapshot!(log.join("\n"));
}

/// Spec: ORS reference §5
#[test]
fn an_interaction_is_terminated_with_a_reason() {
    let (mut bench, mut log) = run(r#"<ixn:terminate interactionid="'ixn-1'" reason="'closed'"/>"#);
    bench.answer("terminate", Ok(Completion::Done));
    log.extend(bench.drain());
    insta::assert_snapshot!(log.join("\n"), @r#"
         0 request.1 terminate Some("closed")
         0 log event interaction.terminate.done {"requestid":"request.1","interactionid":"ixn-1"}
    "#);
}

/// Spec: ORS reference §2 (interaction object, functions)
#[test]
fn scripts_see_the_interaction_and_attach_user_data() {
    let (mut bench, log) = run(r#"<script>
             var i = _genesys.ixn.interactions[_genesys.ixn.firstixnid];
             _genesys.ixn.setuData({ Color: 'red' });
             __Log([i.g_uid, i.ani, i.media === _genesys.ixn.mediaType.TMediaVoice, i.voice.type, i.voice.connid,
                    i.voice.dnis, i.parties['8000'].devicetype, i.udata.Color,
                    _genesys.ixn.getuData('Color', 'ixn-1')].join(' '), 'ixn');
           </script>"#);
    assert_eq!(
        log,
        [
            "     0 ixn-1 user data {\"Color\":\"red\"}",
            "     0 log ixn ixn-1 5551 true inbound 0065000000000001 8000 routepoint  red",
        ]
    );
    bench.interaction(InteractionEvent::UserDataChanged(
        Value::object().with("Color", "blue"),
    ));
    assert_eq!(bench.drain(), ["     0 log udata blue"]);
}

/// Spec: ORS reference §2 (rules: touching an interaction that does not exist is an error)
#[test]
fn touching_an_unknown_interaction_is_a_runtime_error() {
    let (_, log) = run(r#"<script>_genesys.ixn.setuData({ a: 1 }, 'ixn-9');</script>"#);
    assert_eq!(log.len(), 1);
    assert!(log[0].contains("error.execution"), "{log:?}");
}

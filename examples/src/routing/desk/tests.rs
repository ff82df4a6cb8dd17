//! The desk with a real T-Server on a simulated switch, in simulated time.

use std::time::SystemTime;

use orchestration::MemorySource;
use routing::AgentProfile;
use tlib::catalog::AgentWorkMode;
use tlib::control::request;
use tlib::sim::{SimEndpoint, SimReply, SimSwitch};
use tlib::switch::{LegId, Switch};
use tlib::{ClientId, ClientInput, DnConfig, Output, TServer, TServerConfig};

use super::*;

const DESK: ClientId = ClientId(1);
const AGENTS: ClientId = ClientId(2);
const SECOND: Duration = Duration::from_secs(1);

struct Floor {
    now: Instant,
    server: TServer,
    switch: SimSwitch,
    desk: RoutingDesk,
    /// Names of the events at the routing point, in order.
    at_point: Vec<&'static str>,
}

impl Floor {
    fn new(strategy: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "any moment will do")]
        let now = Instant::now();
        let config = RoutingConfig {
            points: [("8000".to_owned(), "s.scxml".to_owned())].into(),
            documents: Arc::new(MemorySource::new().with("s.scxml", strategy)),
            agents: ["1001", "1002"]
                .map(|id| AgentProfile::new(id).with_skill("sales", 5))
                .to_vec(),
            extensions: vec!["1001".to_owned(), "1002".to_owned()],
        };
        let engine = TServerConfig::builder()
            .with_dn(DnConfig::routing_point("8000"))
            .with_dn(DnConfig::extension("1001"))
            .with_dn(DnConfig::extension("1002"))
            .with_no_answer_timeout_secs(10)
            .build()
            .unwrap();
        let mut floor = Self {
            now,
            server: TServer::new(engine, now, SystemTime::UNIX_EPOCH),
            switch: SimSwitch::new(),
            desk: RoutingDesk::new(now, &config),
            at_point: Vec::new(),
        };
        for client in [DESK, AGENTS] {
            floor.server.handle_client(now, ClientInput::Connected { client });
            floor.send(client, request::register_client("test", None));
            for dn in ["8000", "1001", "1002"] {
                floor.send(client, request::register_address(dn));
            }
        }
        floor
    }

    fn send(&mut self, client: ClientId, message: Message) {
        self.server
            .handle_client(self.now, ClientInput::Request { client, message });
        self.settle();
    }

    /// An agent with a phone that takes calls like this, logged in and ready.
    fn agent(&mut self, dn: &str, phone: SimEndpoint) {
        self.switch.add(dn, phone);
        self.settle();
        self.send(AGENTS, request::agent_login(dn, dn, None));
        self.send(AGENTS, request::agent_ready(dn, AgentWorkMode::AUTO_IN));
    }

    fn settle(&mut self) {
        loop {
            if let Some(event) = self.switch.next_event() {
                self.server.handle_switch(self.now, event);
            } else if let Some(message) = self.desk.poll_request() {
                self.server.handle_client(
                    self.now,
                    ClientInput::Request {
                        client: DESK,
                        message,
                    },
                );
            } else if let Some(output) = self.server.poll_output() {
                self.output(output);
            } else {
                return;
            }
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Send {
                client: DESK,
                message,
                reference,
            } => {
                let mut message = Message::clone(&message);
                if let Some(reference) = reference {
                    message.push(AttributeId::REFERENCE_ID, reference);
                }
                if message.this_dn() == Some("8000") {
                    self.at_point.extend(message.message_type.name());
                }
                self.desk.handle_event(self.now, &Arc::new(message));
            }
            Output::Switch(command) => self.switch.handle_command(self.now, command),
            _ => {}
        }
    }

    /// Lets time pass in the order of the deadlines.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let next = [
                self.switch.poll_timeout(),
                self.server.poll_timeout(),
                self.desk.poll_timeout(),
            ];
            let Some(next) = next.into_iter().flatten().min().filter(|next| *next <= end) else {
                break;
            };
            self.now = next.max(self.now);
            self.switch.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
            self.desk.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    fn call(&mut self) -> LegId {
        let leg = self.switch.call(None, "5550100", "8000");
        self.settle();
        leg
    }

    /// The number of the endpoint that a leg talks with.
    fn talks_with(&self, leg: LegId, dn: &str) -> bool {
        self.switch
            .leg_of(dn)
            .is_some_and(|agent| self.switch.peer(leg) == Some(agent))
    }
}

/// The body of a strategy for a call that is present.
fn strategy(body: &str) -> String {
    format!(
        r#"<scxml version="1.0" datamodel="ecmascript" xmlns="http://www.w3.org/2005/07/scxml"
            xmlns:queue="http://www.genesyslab.com/modules/queue"
            xmlns:ixn="http://www.genesyslab.com/modules/interaction"
            xmlns:dialog="http://www.genesyslab.com/modules/dialog">
          <datamodel><data id="ixn" expr="''"/><data id="req" expr="''"/></datamodel>
          <state id="start">
            <transition event="interaction.present" target="work">
              <assign location="ixn" expr="_event.data.interactionid"/>
            </transition>
          </state>
          {body}
          <final id="over"/>
        </scxml>"#
    )
}

const QUEUE: &str = r#"
  <state id="work">
    <onentry>
      <queue:submit interactionid="ixn" timeout="60">
        <queue:targets><queue:targetid expr="'?:sales>0@stat.GA'"/></queue:targets>
        <dialog:runtreatments>
          <dialog:play><dialog:prompts><dialog:prompt intid="'wait'"/></dialog:prompts></dialog:play>
          <dialog:playsound type="'music'"/>
        </dialog:runtreatments>
      </queue:submit>
    </onentry>
    <transition event="queue.submit.done" target="routed"/>
    <transition event="interaction.deleted" target="over"/>
  </state>
  <state id="routed">
    <transition event="interaction.onrouterequest" target="work"/>
    <transition event="interaction.deleted" target="over"/>
  </state>"#;

#[test]
fn a_call_waits_with_treatments_and_goes_to_the_first_ready_agent() {
    let mut floor = Floor::new(&strategy(QUEUE));
    let caller = floor.call();
    floor.wait(20 * SECOND);
    assert!(
        floor.switch.treatment(caller).is_some(),
        "the music plays after the announcement"
    );
    floor.agent("1001", SimEndpoint::answers_after(SECOND));
    floor.wait(2 * SECOND);
    assert!(floor.talks_with(caller, "1001"));
    assert_eq!(
        floor
            .at_point
            .iter()
            .filter(|name| name.starts_with("EventTreatment"))
            .count(),
        3,
        "announcement applied and ended, music applied: {:?}",
        floor.at_point
    );
    assert_eq!(
        floor.at_point[floor.at_point.len() - 2..],
        ["EventRouteUsed", "EventDiverted"]
    );
    floor.switch.hang_up(caller);
    floor.settle();
    let stats = floor.desk.stats();
    assert_eq!(
        (stats.active, stats.sessions.active, stats.sessions.finished),
        (0, 0, 1)
    );
}

#[test]
fn a_call_that_nobody_answers_comes_back_and_goes_to_the_next_agent() {
    let mut floor = Floor::new(&strategy(QUEUE));
    floor.agent("1001", SimEndpoint::new(SimReply::Rings));
    floor.wait(SECOND);
    floor.agent("1002", SimEndpoint::answers_after(SECOND));
    let caller = floor.call();
    floor.wait(20 * SECOND);
    assert!(
        floor.talks_with(caller, "1002"),
        "1001 was ready for longer, but did not answer"
    );
    let stats = floor.desk.stats();
    assert_eq!((stats.returned, stats.router.selected), (1, 2));
}

#[test]
fn a_busy_agent_is_not_called_twice_for_the_same_call() {
    let mut floor = Floor::new(&strategy(QUEUE));
    floor.agent("1001", SimEndpoint::new(SimReply::Busy));
    floor.wait(SECOND);
    floor.agent("1002", SimEndpoint::answers_after(SECOND));
    let caller = floor.call();
    floor.wait(30 * SECOND);
    assert!(floor.talks_with(caller, "1002"));
}

#[test]
fn a_caller_who_gives_up_leaves_nothing_behind() {
    let mut floor = Floor::new(&strategy(QUEUE));
    let caller = floor.call();
    floor.wait(5 * SECOND);
    floor.switch.hang_up(caller);
    floor.settle();
    let stats = floor.desk.stats();
    assert_eq!(
        (stats.active, stats.router.waiting, stats.sessions.active),
        (0, 0, 0)
    );
    assert_eq!(floor.at_point.last(), Some(&"EventAbandoned"));
}

#[test]
fn a_caller_who_gives_up_while_the_agent_rings_frees_the_agent() {
    let mut floor = Floor::new(&strategy(QUEUE));
    floor.agent("1001", SimEndpoint::new(SimReply::Rings));
    let first = floor.call();
    floor.wait(2 * SECOND);
    floor.switch.hang_up(first);
    floor.settle();
    floor.switch.add("1001", SimEndpoint::answers_after(SECOND));
    let second = floor.call();
    floor.wait(15 * SECOND);
    assert!(floor.talks_with(second, "1001"));
}

#[test]
fn digits_reach_the_strategy_and_choose() {
    let body = r#"
      <state id="work">
        <onentry>
          <dialog:playandcollect interactionid="ixn">
            <dialog:prompts><dialog:prompt intid="'menu'" interrupt="true"/></dialog:prompts>
            <dialog:input max_digits="1" total_timeout="5"/>
          </dialog:playandcollect>
        </onentry>
        <transition event="dialog.playandcollect.done" cond="_event.data.digits == '2'" target="out"/>
      </state>
      <state id="out"><onentry><ixn:redirect interactionid="ixn" to="'1002'"/></onentry></state>"#;
    let mut floor = Floor::new(&strategy(body));
    floor.switch.add("1002", SimEndpoint::answers_after(SECOND));
    let caller = floor.call();
    floor.wait(SECOND);
    floor.switch.press(floor.now, caller, "2");
    floor.settle();
    floor.wait(2 * SECOND);
    assert!(floor.talks_with(caller, "1002"));
}

#[test]
fn a_call_whose_strategy_ends_is_released() {
    let mut floor = Floor::new(&strategy(
        r#"<state id="work"><transition target="over"/></state>"#,
    ));
    floor.call();
    floor.wait(SECOND);
    assert_eq!(floor.switch.legs(), 0);
    let stats = floor.desk.stats();
    assert_eq!((stats.leftovers, stats.active), (1, 0));
}

#[test]
fn a_reserved_agent_gets_the_call_by_redirect_and_the_strategy_is_told() {
    let body = r#"
      <state id="work">
        <onentry>
          <queue:submit interactionid="ixn" route="false">
            <queue:targets><queue:targetid expr="'?:sales>0@stat.GA'"/></queue:targets>
          </queue:submit>
        </onentry>
        <transition event="queue.submit.done" target="out">
          <assign location="req" expr="_event.data.resource"/>
        </transition>
      </state>
      <state id="out">
        <onentry><ixn:redirect interactionid="ixn" to="req"/></onentry>
        <transition event="interaction.redirect.done" target="told"/>
      </state>
      <state id="told"><transition event="interaction.partystatechanged" target="talking"/></state>
      <state id="talking"><transition event="interaction.deleted" target="over"/></state>"#;
    let mut floor = Floor::new(&strategy(body));
    floor.agent("1001", SimEndpoint::answers_after(SECOND));
    let caller = floor.call();
    floor.wait(2 * SECOND);
    assert!(floor.talks_with(caller, "1001"));
    let session = floor.desk.sessions.sessions().next().unwrap().clone();
    assert_eq!(
        floor.desk.sessions.query(floor.now, &session).unwrap().states,
        ["talking"]
    );
}

/// A strategy that submits to two virtual queues one after the other and then does `then`.
fn two_submits(clear: bool, then: &str) -> String {
    let submit = |queue: &str, clear: bool| {
        format!(
            r#"<queue:submit interactionid="ixn" queue="'{queue}'" clearqueue="{clear}">
                 <queue:targets><queue:targetid expr="'?:sales>0@stat.GA'"/></queue:targets>
               </queue:submit>"#
        )
    };
    let (first, second) = (submit("VQ1", false), submit("VQ2", clear));
    strategy(&format!(
        r#"<state id="work">
             <onentry>{first}{second}</onentry>
             <transition event="error.queue.submit" cond="_event.data.error == 'invalidattribute'" target="busy"/>
             <transition event="error.queue.submit" cond="_event.data.error == 'cancelled'" target="replaced"/>
           </state>
           <state id="busy"><onentry>{then}</onentry></state>
           <state id="replaced"/>"#
    ))
}

#[test]
fn a_second_submit_is_refused_and_the_first_goes_on() {
    let mut floor = Floor::new(&two_submits(false, ""));
    let caller = floor.call();
    floor.agent("1001", SimEndpoint::answers_after(SECOND));
    floor.wait(2 * SECOND);
    assert!(floor.talks_with(caller, "1001"));
}

#[test]
fn a_submit_that_clears_the_queue_takes_the_place_of_the_first() {
    let mut floor = Floor::new(&two_submits(true, ""));
    let caller = floor.call();
    let session = floor.desk.sessions.sessions().next().unwrap().clone();
    assert_eq!(
        floor.desk.sessions.query(floor.now, &session).unwrap().states,
        ["replaced"]
    );
    floor.agent("1001", SimEndpoint::answers_after(SECOND));
    floor.wait(2 * SECOND);
    assert!(floor.talks_with(caller, "1001"));
}

#[test]
fn a_submit_is_taken_back_by_the_name_of_its_own_virtual_queue_only() {
    for (queue, waiting) in [("VQ2", 1), ("VQ1", 0)] {
        let cancel = format!(r#"<queue:cancel interactionid="ixn" queue="'{queue}'"/>"#);
        let mut floor = Floor::new(&two_submits(false, &cancel));
        floor.call();
        assert_eq!(floor.desk.stats().router.waiting, waiting, "cancel of {queue}");
    }
}

#[test]
fn a_strategy_learns_that_its_target_is_nonsense() {
    let body = r#"
      <state id="work">
        <onentry>
          <queue:submit interactionid="ixn"><queue:targets><queue:targetid expr="'?:(('"/></queue:targets></queue:submit>
        </onentry>
        <transition event="error.queue.submit" cond="_event.data.error == 'invalidattribute'" target="out"/>
      </state>
      <state id="out"><onentry><ixn:redirect interactionid="ixn" to="'1001'"/></onentry></state>"#;
    let mut floor = Floor::new(&strategy(body));
    floor.switch.add("1001", SimEndpoint::answers_after(SECOND));
    let caller = floor.call();
    floor.wait(2 * SECOND);
    assert!(floor.talks_with(caller, "1001"));
}

#[test]
fn a_lost_connection_ends_every_session() {
    let mut floor = Floor::new(&strategy(QUEUE));
    floor.call();
    floor.desk.handle_disconnect(floor.now);
    let stats = floor.desk.stats();
    assert_eq!(
        (stats.active, stats.router.waiting, stats.sessions.active),
        (0, 0, 0)
    );
}

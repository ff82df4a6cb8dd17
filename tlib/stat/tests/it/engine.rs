//! The tracker behind a real T-Server engine with a simulated switch.

use std::time::{Duration, Instant, SystemTime};

use stat::{Action, StateTracker, TrackerConfig};
use tlib::catalog::AgentWorkMode;
use tlib::control::request;
use tlib::sim::{SimEndpoint, SimSwitch};
use tlib::{ClientId, ClientInput, DnConfig, KvList, Message, Output, Switch, TServer, TServerConfig};

struct World {
    now: Instant,
    server: TServer,
    switch: SimSwitch,
    clients: u64,
    /// The first client's tracker, registered before anything happens.
    tracker: StateTracker,
}

const FIRST: ClientId = ClientId(1);
const DNS: [&str; 4] = ["1001", "1002", "1003", "8000"];

impl World {
    fn new() -> Self {
        let config = TServerConfig::builder()
            .with_dn(DnConfig::extension("1001"))
            .with_dn(DnConfig::extension("1002"))
            .with_dn(DnConfig::extension("1003"))
            .with_dn(DnConfig::routing_point("8000"))
            .build()
            .unwrap();
        let now = Instant::now();
        let mut switch = SimSwitch::new();
        switch.add("1001", SimEndpoint::answers_after(Duration::from_secs(3)));
        switch.add("1002", SimEndpoint::answers_after(Duration::from_secs(3)));
        let server = TServer::new(config, now, SystemTime::UNIX_EPOCH);
        let tracker = StateTracker::new(TrackerConfig::default());
        let mut world = Self {
            now,
            server,
            switch,
            clients: 0,
            tracker,
        };
        world.wait(0);
        let events = world.register();
        world.track(events);
        world
    }

    /// A new client registers every DN; answers what it gets.
    fn register(&mut self) -> Vec<Message> {
        self.clients += 1;
        let client = ClientId(self.clients);
        self.server
            .handle_client(self.now, ClientInput::Connected { client });
        let requests = std::iter::once(request::register_client("stat", None))
            .chain(DNS.iter().map(|dn| request::register_address(dn)));
        requests
            .flat_map(|message| self.request(client, message))
            .collect()
    }

    fn request(&mut self, client: ClientId, message: Message) -> Vec<Message> {
        self.server
            .handle_client(self.now, ClientInput::Request { client, message });
        self.pump(client)
    }

    fn track(&mut self, events: Vec<Message>) {
        for event in events {
            self.tracker.handle_event(self.now, &event);
        }
    }

    fn ask(&mut self, message: Message) {
        let events = self.request(FIRST, message);
        self.track(events);
    }

    /// Carries everything between engine and switch; answers what `client` gets.
    fn pump(&mut self, client: ClientId) -> Vec<Message> {
        let mut events = Vec::new();
        loop {
            while let Some(output) = self.server.poll_output() {
                match output {
                    Output::Send {
                        client: to, message, ..
                    } if to == client => {
                        events.push((*message).clone());
                    }
                    Output::Switch(command) => self.switch.handle_command(self.now, command),
                    _ => {}
                }
            }
            match self.switch.next_event() {
                Some(event) => self.server.handle_switch(self.now, event),
                None => return events,
            }
        }
    }

    fn wait(&mut self, secs: u64) {
        let until = self.now + Duration::from_secs(secs);
        loop {
            let events = self.pump(FIRST);
            self.track(events);
            let next = [self.server.poll_timeout(), self.switch.poll_timeout()]
                .into_iter()
                .flatten()
                .min();
            match next.filter(|at| *at <= until) {
                Some(at) => {
                    self.now = at.max(self.now);
                    self.server.handle_timeout(self.now);
                    self.switch.handle_timeout(self.now);
                }
                None => break,
            }
        }
        self.now = until;
    }

    fn agent(&self) -> Action {
        self.tracker
            .agent("A1")
            .map_or(Action::LoggedOut, |agent| agent.status)
    }

    /// A tracker that starts now has the same statuses from snapshots alone.
    fn check_snapshots(&mut self, step: &str) {
        let mut late = StateTracker::new(TrackerConfig::default());
        for event in self.register() {
            late.handle_event(self.now, &event);
        }
        let dns: Vec<_> = self.tracker.dns().collect();
        assert_eq!(dns, late.dns().collect::<Vec<_>>(), "{step}");
        let logged_in: Vec<_> = self
            .tracker
            .agents()
            .filter(|(_, status)| *status != Action::LoggedOut)
            .collect();
        assert_eq!(logged_in, late.agents().collect::<Vec<_>>(), "{step}");
    }
}

#[test]
fn statuses_follow_the_engine_and_snapshots_agree_with_events_at_every_step() {
    let mut world = World::new();
    world.check_snapshots("start");
    assert_eq!(
        world.tracker.dn("1003").unwrap().status,
        Action::NotMonitored,
        "no phone is registered there"
    );
    world.ask(request::agent_login("1001", "A1", None));
    world.check_snapshots("login");
    world.ask(request::agent_ready("1001", AgentWorkMode::AUTO_IN));
    assert_eq!(world.agent(), Action::WaitForNextCall);
    world.check_snapshots("ready");
    let leg = world.switch.call(None, "0301234", "1001");
    world.wait(1);
    assert_eq!(world.agent(), Action::CallRinging);
    world.check_snapshots("ringing");
    world.wait(5);
    assert_eq!(world.agent(), Action::CallInbound);
    world.check_snapshots("talking");
    let conn_id = world.tracker.agent("A1").unwrap().calls[0].conn_id;
    world.ask(request::hold_call("1001", conn_id));
    assert_eq!(world.agent(), Action::CallOnHold);
    world.check_snapshots("held");
    world.ask(request::retrieve_call("1001", conn_id));
    assert_eq!(world.agent(), Action::CallInbound);
    world.switch.hang_up(leg);
    world.wait(1);
    assert_eq!(world.agent(), Action::WaitForNextCall);
    world.check_snapshots("released");
    world.ask(request::make_call("1001", "1002", KvList::new()));
    assert_eq!(world.agent(), Action::CallDialing);
    world.check_snapshots("dialing");
    world.wait(5);
    assert_eq!(world.agent(), Action::CallInternal);
    assert_eq!(world.tracker.dn("1002").unwrap().status, Action::CallInternal);
    world.ask(request::agent_not_ready(
        "1001",
        AgentWorkMode::AUX_WORK,
        KvList::new(),
    ));
    assert_eq!(world.agent(), Action::CallInternal);
    let conn_id = world.tracker.agent("A1").unwrap().calls[0].conn_id;
    world.ask(request::release_call("1001", conn_id));
    world.wait(1);
    assert_eq!(world.agent(), Action::NotReadyForNextCall);
    world.check_snapshots("not ready");
    world.ask(request::agent_logout("1001", None));
    assert_eq!(world.agent(), Action::LoggedOut);
    world.check_snapshots("logged out");
}

#[test]
fn a_call_on_a_routing_point_is_counted_there() {
    let mut world = World::new();
    let leg = world.switch.call(None, "0301234", "8000");
    world.wait(1);
    let view = world.tracker.dn("8000").unwrap();
    assert_eq!(
        (view.mediation, view.status, view.calls.len()),
        (true, Action::Monitored, 1)
    );
    world.check_snapshots("waiting");
    world.switch.hang_up(leg);
    world.wait(1);
    assert!(world.tracker.dn("8000").unwrap().calls.is_empty());
    let stats = world.tracker.stats();
    assert_eq!(
        (
            stats.queue_entered,
            stats.queue_abandoned,
            stats.queue_distributed
        ),
        (1, 1, 0)
    );
}

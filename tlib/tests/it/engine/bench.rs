//! A T-Server, a simulated switch and clients on one table, with a log of everything that goes out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tlib::catalog::AgentWorkMode;
use tlib::sim::{SimEndpoint, SimReply, SimSwitch};
use tlib::switch::{LegId, Switch as _, SwitchCommand, SwitchEvent};
use tlib::{
    AttributeId as A, ClientId, ClientInput, ConnId, DnConfig, KvList, Message, MessageType as M, Output,
    ReferenceId, TServer, TServerConfig, TServerConfigBuilder,
};

/// Time of day at the start of every scenario: 2023-11-14 22:13:20 UTC.
const WALL_SECS: u64 = 1_700_000_000;

/// One message as a client received it.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) client: ClientId,
    pub(crate) message: Arc<Message>,
    pub(crate) reference: Option<ReferenceId>,
}

pub(crate) struct Bench {
    pub(crate) server: TServer,
    pub(crate) switch: SimSwitch,
    pub(crate) now: Instant,
    start: Instant,
    names: BTreeMap<ClientId, &'static str>,
    references: u32,
    log: String,
    pub(crate) received: Vec<Received>,
    pub(crate) commands: Vec<SwitchCommand>,
    last_call: Option<ConnId>,
    /// Whether commands are logged but do not reach the switch.
    pub(crate) switch_is_deaf: bool,
}

/// The DNs of the scenarios: routing point 8000 with default destination 1003, queue 7000, phones 1001 to 1003.
pub(crate) fn config() -> TServerConfigBuilder {
    TServerConfig::builder()
        .with_server_id(0x6c)
        .with_dn(DnConfig::routing_point("8000").with_default_destination("1003"))
        .with_dn(DnConfig::routing_point("8001"))
        .with_dn(DnConfig::queue("7000"))
        .with_dn(DnConfig::extension("1001"))
        .with_dn(DnConfig::extension("1002"))
        .with_dn(DnConfig::extension("1003"))
}

impl Bench {
    pub(crate) fn new(config: TServerConfigBuilder) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "an origin for relative times; never compared with a clock"
        )]
        let now = Instant::now();
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(WALL_SECS);
        let mut bench = Self {
            server: TServer::new(config.build().unwrap(), now, wall),
            switch: SimSwitch::new(),
            now,
            start: now,
            names: BTreeMap::new(),
            references: 0,
            log: String::new(),
            received: Vec::new(),
            commands: Vec::new(),
            last_call: None,
            switch_is_deaf: false,
        };
        for dn in ["1001", "1002", "1003"] {
            bench.switch.add(dn, SimEndpoint::new(SimReply::Rings));
        }
        bench
            .switch
            .add("0301111", SimEndpoint::new(SimReply::Rings).outside());
        bench.pump();
        bench
    }

    /// The usual cast: a router at 8000 and a desktop at 1001.
    pub(crate) fn with_router_and_desktop(config: TServerConfigBuilder) -> (Self, ClientId, ClientId) {
        let mut bench = Self::new(config);
        let router = bench.client("router", &["8000", "8001"]);
        let desktop = bench.client("desktop", &["1001"]);
        bench.clear();
        (bench, router, desktop)
    }

    /// Connects a client and registers DNs for it.
    pub(crate) fn client(&mut self, name: &'static str, dns: &[&str]) -> ClientId {
        let client = ClientId(self.names.len() as u64 + 1);
        self.names.insert(client, name);
        self.server
            .handle_client(self.now, ClientInput::Connected { client });
        let hello = Message::new(M::REQUEST_REGISTER_CLIENT).with(A::APPLICATION_NAME, name);
        self.request(client, hello);
        for dn in dns {
            let register = Message::new(M::REQUEST_REGISTER_ADDRESS).with(A::THIS_DN, *dn);
            self.request(client, register);
        }
        client
    }

    /// Sends a request with the next reference id.
    pub(crate) fn request(&mut self, client: ClientId, message: Message) {
        self.references += 1;
        let message = message.with(A::REFERENCE_ID, ReferenceId(self.references));
        self.send(client, message);
    }

    /// Sends a message as it is.
    pub(crate) fn send(&mut self, client: ClientId, message: Message) {
        self.server
            .handle_client(self.now, ClientInput::Request { client, message });
        self.pump();
    }

    pub(crate) fn login(&mut self, client: ClientId, dn: &str, agent: &str) {
        let login = Message::new(M::REQUEST_AGENT_LOGIN)
            .with(A::THIS_DN, dn)
            .with(A::AGENT_ID, agent)
            .with(A::AGENT_WORK_MODE, AgentWorkMode::AUTO_IN.0);
        self.request(client, login);
    }

    pub(crate) fn on_call(&mut self, client: ClientId, request: M, dn: &str, conn_id: ConnId) {
        self.request(client, call_request(request, dn, conn_id));
    }

    pub(crate) fn route(&mut self, client: ClientId, point: &str, conn_id: ConnId, to: &str) {
        let route = call_request(M::REQUEST_ROUTE_CALL, point, conn_id).with(A::OTHER_DN, to);
        self.request(client, route);
    }

    /// A caller from outside.
    pub(crate) fn caller(&mut self, to: &str) -> LegId {
        let leg = self.switch.call(None, "0304711", to);
        self.pump();
        leg
    }

    /// Does something at the switch and lets the events go through.
    pub(crate) fn at_switch<T>(&mut self, act: impl FnOnce(&mut SimSwitch, Instant) -> T) -> T {
        let result = act(&mut self.switch, self.now);
        self.pump();
        result
    }

    pub(crate) fn switch_event(&mut self, event: SwitchEvent) {
        self.server.handle_switch(self.now, event);
        self.pump();
    }

    /// The endpoint of a number answers.
    pub(crate) fn answers(&mut self, number: &str) {
        self.at_switch(|switch, now| {
            let leg = switch.leg_of(number).unwrap();
            switch.answer(now, leg);
        });
    }

    pub(crate) fn hangs_up(&mut self, number: &str) {
        self.at_switch(|switch, _| {
            let leg = switch.leg_of(number).unwrap();
            switch.hang_up(leg);
        });
    }

    /// Lets time pass, stopping at every deadline on the way.
    pub(crate) fn advance(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let due = [self.server.poll_timeout(), self.switch.poll_timeout()];
            let next = due.into_iter().flatten().min().filter(|at| *at <= until);
            self.now = next.unwrap_or(until).max(self.now);
            self.server.handle_timeout(self.now);
            self.switch.handle_timeout(self.now);
            self.pump();
            if next.is_none() {
                return;
            }
        }
    }

    /// Passes outputs and switch events on until both sides are quiet.
    pub(crate) fn pump(&mut self) {
        loop {
            while let Some(output) = self.server.poll_output() {
                self.output(output);
            }
            let Some(event) = self.switch.next_event() else {
                return;
            };
            self.server.handle_switch(self.now, event);
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Send {
                client,
                message,
                reference,
            } => {
                assert!(
                    message.reference_id().is_none(),
                    "the shared message has a reference id"
                );
                self.line(&format!("to {}", self.names[&client]), reference);
                let text = message.log().with_personal_data(true).to_string();
                writeln!(self.log, "{text}").unwrap();
                self.last_call = message.conn_id().or(self.last_call);
                self.received.push(Received {
                    client,
                    message,
                    reference,
                });
            }
            Output::Switch(command) => {
                self.line(&describe(&command), None);
                self.commands.push(command.clone());
                if !self.switch_is_deaf {
                    self.switch.handle_command(self.now, command);
                }
            }
            Output::Disconnect { client } => {
                self.line(&format!("disconnect {client}"), None);
            }
            _ => panic!("an output that the bench does not know"),
        }
    }

    fn line(&mut self, what: &str, reference: Option<ReferenceId>) {
        let time = self.now - self.start;
        write!(self.log, "[{:.1} s] {what}", time.as_secs_f64()).unwrap();
        if let Some(reference) = reference {
            write!(self.log, ", reference {}", reference.0).unwrap();
        }
        self.log.push('\n');
    }

    /// Forgets what was logged until now.
    pub(crate) fn clear(&mut self) {
        self.log.clear();
        self.received.clear();
        self.commands.clear();
    }

    /// What went out since the last [`Bench::clear`], as text.
    pub(crate) fn log(&self) -> &str {
        &self.log
    }

    /// Names of the messages that a client received, in order.
    pub(crate) fn names(&self, client: ClientId) -> Vec<String> {
        let own = self.received.iter().filter(|received| received.client == client);
        own.map(|received| received.message.message_type.to_string())
            .collect()
    }

    /// The last message of a type that anybody received.
    pub(crate) fn last(&self, message_type: M) -> &Received {
        let mut received = self.received.iter().rev();
        let found = received.find(|received| received.message.message_type == message_type);
        found.unwrap_or_else(|| panic!("nobody received {message_type}\n{}", self.log))
    }

    /// ConnID of the last event that had one.
    pub(crate) fn conn_id(&self) -> ConnId {
        self.last_call.unwrap()
    }

    /// Fails unless every call and leg is gone on both sides.
    pub(crate) fn assert_idle(&self) {
        let stats = self.server.stats();
        assert_eq!((stats.calls, stats.legs, self.switch.legs()), (0, 0, 0));
    }
}

pub(crate) fn call_request(request: M, dn: &str, conn_id: ConnId) -> Message {
    Message::new(request)
        .with(A::THIS_DN, dn)
        .with(A::CONN_ID, conn_id)
}

pub(crate) fn pairs(pairs: &[(&str, &str)]) -> KvList {
    let mut list = KvList::new();
    for (key, value) in pairs {
        list.push(*key, *value);
    }
    list
}

fn describe(command: &SwitchCommand) -> String {
    match command {
        SwitchCommand::Offer {
            leg,
            to,
            from,
            auto_answer,
            timeout,
            ..
        } => format!(
            "switch: offer leg {} to {} from {from}, auto-answer {auto_answer}, {} s",
            leg.get(),
            to.as_str(),
            timeout.as_secs()
        ),
        SwitchCommand::Ring { leg } => format!("switch: ring leg {}", leg.get()),
        SwitchCommand::Answer { leg } => format!("switch: answer leg {}", leg.get()),
        SwitchCommand::Connect { a, b } => format!("switch: connect legs {} and {}", a.get(), b.get()),
        SwitchCommand::Hold { leg, partner } => {
            format!(
                "switch: hold leg {}, partner {:?}",
                leg.get(),
                partner.map(LegId::get)
            )
        }
        SwitchCommand::Retrieve { leg, partner } => {
            format!(
                "switch: retrieve leg {}, partner {:?}",
                leg.get(),
                partner.map(LegId::get)
            )
        }
        SwitchCommand::Treat { leg, action, .. } => format!("switch: treat leg {}: {action:?}", leg.get()),
        SwitchCommand::Reject { leg, cause } => format!("switch: reject leg {}, {cause:?}", leg.get()),
        SwitchCommand::Release { leg, cause } => format!("switch: release leg {}, {cause:?}", leg.get()),
        other => format!("switch: {other:?}"),
    }
}

//! A B2BUA with a scripted media server and phones around it, on a network without delay, in virtual time.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::b2bua::{B2bua, B2buaCommand, B2buaConfig, B2buaEvent, LegKey, OfferSource, Target};
use crate::endpoint::Core;
use crate::header::NameAddr;
use crate::media::{MediaRequest, OpId, ScriptedMedia};
use crate::message::{Limits, Message};
use crate::registrar::{MemoryCredentials, RegistrarConfig};
use crate::sdp::{Direction, SessionDescription};
use crate::status::StatusCode;
use crate::testing::{Network, NetworkConfig, start};
use crate::transport::{ConnectionId, Destination, Flow, Transmit, TransportProtocol};
use crate::ua::{
    Account, CallKey, Invite, Registration, RegistrationKey, Seed, UaCommand, UaConfig, UaEvent, UserAgent,
};
use crate::uri::Uri;

/// The B2BUA's place among the nodes.
const SERVER: usize = 0;

/// Who sends to whom, how, what.
type Packet = (usize, usize, TransportProtocol, Message);

pub(super) struct Phone {
    pub(super) name: &'static str,
    pub(super) agent: UserAgent,
    pub(super) events: Vec<UaEvent>,
    calls: u64,
    pub(super) protocol: TransportProtocol,
    /// The last description that reached it.
    pub(super) last_description: Option<Bytes>,
    /// It hears nothing and says nothing.
    pub(super) dead: bool,
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) b2bua: B2bua,
    pub(super) media: ScriptedMedia,
    pub(super) phones: Vec<Phone>,
    network: Network<Packet>,
    pub(super) events: Vec<B2buaEvent>,
    pub(super) ladder: String,
    legs: u64,
}

pub(super) fn address(node: usize) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1 + u8::try_from(node).unwrap()], 5060))
}

/// The description of a phone: its own address, port 4000, G.711.
pub(super) fn sdp_of(phone: usize) -> Bytes {
    sdp_with(phone, "0 8 101", "sendrecv")
}

pub(super) fn sdp_with(phone: usize, formats: &str, direction: &str) -> Bytes {
    Bytes::from(format!(
        "v=0\r\no=phone {phone} 1 IN IP4 10.1.0.{phone}\r\ns=-\r\nc=IN IP4 10.1.0.{phone}\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP {formats}\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
    ))
}

/// Where a description sends media, and its direction: `10.1.0.1:4000 sendrecv`.
pub(super) fn place(sdp: &Bytes) -> String {
    let Ok(sdp) = SessionDescription::parse(sdp) else {
        return "unreadable".to_owned();
    };
    let address = sdp.connection_of(0).unwrap().address.clone();
    let direction = match sdp.direction(0) {
        Direction::SendRecv => "",
        other => other.name(),
    };
    format!("{address}:{} {direction}", sdp.media[0].port)
        .trim_end()
        .to_owned()
}

pub(super) fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

pub(super) fn prompt() -> MediaRequest {
    MediaRequest::Music {
        source: None,
        duration: None,
    }
}

impl World {
    /// A B2BUA with the local users 7001 and 7002 (passwords `pw7001`, `pw7002`) and `lobby` (no password), a trunk
    /// peer (phone 1), and the phones 2 and 3.
    pub(super) fn new() -> Self {
        Self::with_config(|config| config)
    }

    pub(super) fn with_config(change: impl FnOnce(B2buaConfig) -> B2buaConfig) -> Self {
        Self::with_network(NetworkConfig::perfect(), change)
    }

    pub(super) fn with_network(
        network: NetworkConfig,
        change: impl FnOnce(B2buaConfig) -> B2buaConfig,
    ) -> Self {
        let now = start();
        let media = ScriptedMedia::new();
        let users = MemoryCredentials::new()
            .with_password("7001", "pw7001")
            .with_password("7002", "pw7002")
            .with_open("lobby");
        let registrar = RegistrarConfig::new("example.com", Seed::from_number(99));
        let config = change(B2buaConfig::new(UaConfig::new(Seed::from_number(1)), registrar));
        let mut b2bua = B2bua::new(config, Box::new(users), Box::new(media.clone()));
        b2bua.handle_bound(now, address(SERVER));
        let mut world = Self {
            now,
            b2bua,
            media,
            phones: Vec::new(),
            network: Network::new(network),
            events: Vec::new(),
            ladder: String::new(),
            legs: 0,
        };
        for name in ["caller", "agent", "other"] {
            world.add_phone(name);
        }
        world
    }

    pub(super) fn add_phone(&mut self, name: &'static str) -> usize {
        let node = self.phones.len() + 1;
        let mut agent = UserAgent::new(UaConfig::new(Seed::from_number(100 + node as u64)));
        agent.handle_bound(address(node));
        let protocol = TransportProtocol::Udp;
        self.phones.push(Phone {
            name,
            agent,
            events: Vec::new(),
            calls: 0,
            protocol,
            last_description: None,
            dead: false,
        });
        node
    }

    pub(super) fn phone(&mut self, node: usize) -> &mut Phone {
        &mut self.phones[node - 1]
    }

    // Time and messages.

    fn flow(node: usize, peer: usize, protocol: TransportProtocol) -> Flow {
        match protocol {
            TransportProtocol::Udp => Flow::udp(address(node), address(peer)),
            _ => Flow::tcp(address(node), address(peer), ConnectionId((node + peer) as u64)),
        }
    }

    fn node_at(&self, at: SocketAddr) -> Option<usize> {
        (0..=self.phones.len()).find(|node| address(*node) == at)
    }

    fn send(&mut self, from: usize, transmit: Transmit) {
        let message = Message::parse(transmit.payload, &Limits::default()).unwrap();
        let Some(to) = self.node_at(transmit.destination.remote()) else {
            return;
        };
        self.draw(from, to, &message);
        self.network.send(
            self.now,
            (from, to, transmit.destination.protocol(), message),
            None,
        );
    }

    fn draw(&mut self, from: usize, to: usize, message: &Message) {
        let name = |node: usize| match node {
            SERVER => "b2bua",
            phone => self.phones[phone - 1].name,
        };
        let (from, to) = (name(from), name(to));
        let what = match (message.method(), message.status()) {
            (Some(method), _) => method.to_string(),
            (None, status) => format!("{} ({})", status.unwrap().0, message.cseq().unwrap().method),
        };
        let body = Some(message.body())
            .filter(|body| body.starts_with(b"v=0"))
            .map(place);
        let body = body.map(|body| format!(" [{body}]")).unwrap_or_default();
        writeln!(self.ladder, "{from:>6} -> {to:<6} {what}{body}").unwrap();
    }

    fn note(&mut self, event: B2buaEvent) {
        writeln!(self.ladder, "       * {event:?}").unwrap();
        self.events.push(event);
    }

    fn flush(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(()) = self.b2bua.poll_external(self.now, &mut cx) {}
        while let Some(transmit) = self.b2bua.poll_transmit() {
            self.send(SERVER, transmit);
        }
        while let Some(event) = self.b2bua.poll_event() {
            self.note(event);
        }
        for node in 1..=self.phones.len() {
            while let Some(transmit) = self.phone(node).agent.poll_transmit() {
                if !self.phone(node).dead {
                    self.send(node, transmit);
                }
            }
            while let Some(event) = self.phone(node).agent.poll_event() {
                self.phone(node).events.push(event);
            }
        }
    }

    fn deliver(&mut self, (from, to, protocol, message): Packet) {
        let flow = Self::flow(to, from, protocol);
        let now = self.now;
        if to == SERVER {
            self.b2bua.handle_message(now, flow, message);
        } else if !self.phone(to).dead {
            if message.body().starts_with(b"v=0") {
                self.phone(to).last_description = Some(message.body().clone());
            }
            self.phone(to).agent.handle_message(now, flow, message);
        }
    }

    /// Delivers everything that is due now.
    pub(super) fn settle(&mut self) {
        self.flush();
        while let Some(packet) = self.network.receive(self.now) {
            self.deliver(packet);
            self.flush();
        }
    }

    fn next_event(&self) -> Option<Instant> {
        let phones = self.phones.iter().filter_map(|phone| phone.agent.poll_timeout());
        phones
            .chain(self.b2bua.poll_timeout())
            .chain(self.network.next_arrival())
            .min()
    }

    /// Lets time pass.
    pub(super) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.settle();
        while let Some(next) = self.next_event().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            if self.b2bua.poll_timeout().is_some_and(|at| at <= self.now) {
                self.b2bua.handle_timeout(self.now);
            }
            for phone in &mut self.phones {
                if phone.agent.poll_timeout().is_some_and(|at| at <= self.now) {
                    phone.agent.handle_timeout(self.now);
                }
            }
            self.settle();
        }
        self.now = end;
    }

    /// The node's connections break.
    pub(super) fn lose_connection(&mut self, node: usize) {
        let flow = Self::flow(SERVER, node, TransportProtocol::Tcp);
        self.b2bua
            .handle_transport_error(self.now, Destination::Flow(flow));
        self.settle();
    }

    // The application.

    pub(super) fn command(&mut self, command: B2buaCommand) {
        writeln!(self.ladder, "       > {command:?}").unwrap();
        self.b2bua.handle_command(self.now, command);
        self.settle();
    }

    pub(super) fn invite(&mut self, user: &str, media: OfferSource) -> LegKey {
        self.legs += 1;
        let leg = LegKey::outgoing(self.legs);
        self.command(B2buaCommand::Invite {
            leg,
            target: Target::Aor(user.to_owned()),
            from_user: "5551000".to_owned(),
            from_display: None,
            media,
            auto_answer: false,
            timeout: Duration::from_secs(20),
            headers: vec![("X-Case".to_owned(), "4711".to_owned())],
        });
        leg
    }

    pub(super) fn treat(&mut self, leg: LegKey, op: u64) {
        self.command(B2buaCommand::Treat {
            leg,
            op: OpId(op),
            request: prompt(),
        });
    }

    /// The events since the last time, in short form.
    pub(super) fn told(&mut self) -> Vec<String> {
        self.events.drain(..).map(|event| format!("{event:?}")).collect()
    }

    // The phones.

    /// Registers a phone and waits for it.
    pub(super) fn register(&mut self, node: usize, user: &str) {
        self.register_for(node, user, Duration::from_secs(600));
        assert!(
            !self.b2bua.registrar().location().lookup(user).is_empty(),
            "{:?}",
            self.phone(node).events
        );
    }

    pub(super) fn register_for(&mut self, node: usize, user: &str, expires: Duration) {
        let aor = NameAddr::new(uri(&format!("sip:{user}@example.com")));
        let destination = self.server(node);
        let registration = Registration::new(uri("sip:example.com"), aor)
            .with_destination(destination)
            .with_expires(expires)
            .with_account(Account::new(user, format!("pw{user}")));
        let key = RegistrationKey(node as u64);
        let command = UaCommand::Register {
            key,
            registration: Box::new(registration),
        };
        self.tell(node, command);
    }

    fn server(&mut self, node: usize) -> Destination {
        match self.phone(node).protocol {
            TransportProtocol::Udp => Destination::udp(address(SERVER)),
            _ => Destination::tcp(address(SERVER)),
        }
    }

    /// Gives a phone a command that must fit.
    pub(super) fn tell(&mut self, node: usize, command: UaCommand) {
        assert_eq!(self.try_tell(node, command), Ok(()));
    }

    pub(super) fn try_tell(
        &mut self,
        node: usize,
        command: UaCommand,
    ) -> Result<(), crate::ua::CommandError> {
        let now = self.now;
        let done = self.phone(node).agent.handle_command(now, command);
        self.settle();
        done
    }

    /// A phone calls a number, with its own description or without offer.
    pub(super) fn call(&mut self, node: usize, from: &str, number: &str, sdp: Option<Bytes>) -> CallKey {
        self.call_with(node, from, number, sdp, |invite| invite)
    }

    /// The same with a changed INVITE.
    pub(super) fn call_with(
        &mut self,
        node: usize,
        from: &str,
        number: &str,
        sdp: Option<Bytes>,
        change: impl FnOnce(Invite) -> Invite,
    ) -> CallKey {
        let target = uri(&format!("sip:{number}@127.0.0.1"));
        let from_addr = NameAddr::new(uri(&format!("sip:{from}@example.com")));
        let destination = self.server(node);
        let mut invite = Invite::new(target, from_addr)
            .with_destination(destination)
            .with_account(Account::new(from, format!("pw{from}")));
        invite.sdp = sdp;
        self.phone(node).calls += 1;
        let call = CallKey::outgoing(self.phone(node).calls);
        self.tell(
            node,
            UaCommand::Invite {
                call,
                invite: Box::new(change(invite)),
            },
        );
        call
    }

    /// The trunk peer calls with its description; the new leg and its call.
    pub(super) fn incoming(&mut self) -> (LegKey, CallKey) {
        let call = self.call(1, "5551000", "8000", Some(sdp_of(1)));
        (self.last_incoming(), call)
    }

    pub(super) fn last_incoming(&mut self) -> LegKey {
        let leg = self.events.iter().rev().find_map(|event| match event {
            B2buaEvent::Incoming { leg, .. } => Some(*leg),
            _ => None,
        });
        self.events.clear();
        leg.expect("a leg came in")
    }

    /// The call that rings at a phone.
    pub(super) fn ringing(&mut self, node: usize) -> (CallKey, Message) {
        let found = self
            .phone(node)
            .events
            .iter()
            .rev()
            .find_map(|event| match event {
                UaEvent::Incoming { call, request, .. } => Some((*call, request.clone())),
                _ => None,
            });
        found.expect("the phone rings")
    }

    /// The last calls of a phone, newest first, out and in; some of them have ended.
    pub(super) fn recent_calls(&mut self, node: usize) -> Vec<CallKey> {
        let phone = self.phone(node);
        let incoming = phone.events.iter().rev().filter_map(|event| match event {
            UaEvent::Incoming { call, .. } => Some(*call),
            _ => None,
        });
        let outgoing = (1..=phone.calls).rev().map(CallKey::outgoing);
        incoming.take(3).chain(outgoing.take(3)).collect()
    }

    /// A phone rings and answers with its description.
    pub(super) fn answer(&mut self, node: usize) -> CallKey {
        let (call, _) = self.ringing(node);
        self.tell(node, UaCommand::ringing(call));
        self.tell(node, UaCommand::accept(call, sdp_of(node)));
        call
    }

    /// Accepts what the B2BUA asks a phone for, with its own description, until it asks no more.
    pub(super) fn agree(&mut self, node: usize) {
        self.agree_with(node, &sdp_of(node));
    }

    pub(super) fn agree_with(&mut self, node: usize, sdp: &Bytes) {
        while let Some(call) = self.take_reinvite(node) {
            self.tell(
                node,
                UaCommand::AcceptReinvite {
                    call,
                    sdp: sdp.clone(),
                },
            );
        }
    }

    pub(super) fn take_reinvite(&mut self, node: usize) -> Option<CallKey> {
        let at = self
            .phone(node)
            .events
            .iter()
            .position(|event| matches!(event, UaEvent::Reinvited { .. }))?;
        match self.phone(node).events.remove(at) {
            UaEvent::Reinvited { call, .. } => Some(call),
            _ => None,
        }
    }

    /// Where the phone was told last to send its media.
    pub(super) fn hears(&self, node: usize) -> String {
        let last = self.phones[node - 1].last_description.clone();
        last.as_ref().map(place).unwrap_or_default()
    }

    // What must hold at the end.

    /// Nothing is left of any call.
    pub(super) fn assert_clean(&mut self) {
        self.run_for(Duration::from_secs(200));
        let stats = self.b2bua.stats();
        assert_eq!(
            (stats.legs, stats.media_endpoints, stats.negotiations),
            (0, 0, 0),
            "{stats:?}"
        );
        assert_eq!(self.media.open_ids(), Vec::new());
        assert!(self.b2bua.is_idle(), "{:?}", self.b2bua.user_agent().stats());
    }

    pub(super) fn release(&mut self, leg: LegKey) {
        self.command(B2buaCommand::Release { leg, status: None });
    }

    pub(super) fn failed_with(&mut self, leg: LegKey) -> Option<StatusCode> {
        self.events.iter().find_map(|event| match event {
            B2buaEvent::Failed { leg: of, status } if *of == leg => Some(*status),
            _ => None,
        })
    }
}

//! The core: its tables, and the way in and out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::call::{Call, CallInput, CallState};
use super::compose::Identity;
use super::register::Binding;
use super::{
    CallKey, CommandError, EndCause, Output, RegistrationKey, RequestKey, UaCommand, UaConfig, UaEvent,
    UaStats,
};
use crate::endpoint::Core;
use crate::message::Message;
use crate::method::Method;
use crate::status::StatusCode;
use crate::transaction::{
    ClientKey, Deadlines, ServerKey, TimerConfig, Timers, Tokens, TransactionEvent, TransactionLayer,
};
use crate::transport::{Destination, Flow, Transmit};

/// Most answers of one forked INVITE that are acknowledged; more are ignored.
pub(super) const MAX_FORKS: usize = 32;

/// A user agent: many calls and client registrations.
pub struct UserAgent {
    pub(super) config: UaConfig,
    pub(super) identity: Identity,
    pub(super) layer: TransactionLayer,
    pub(super) tokens: Tokens,
    pub(super) calls: HashMap<CallKey, Call>,
    /// Call-ID and our tag.
    pub(super) by_dialog: HashMap<(String, String), CallKey>,
    /// Call-ID, From tag and number of incoming INVITEs without final response.
    pub(super) by_origin: HashMap<(String, String, u32), CallKey>,
    pub(super) clients: HashMap<ClientKey, Purpose>,
    pub(super) servers: HashMap<ServerKey, InviteOwner>,
    pub(super) requests: HashMap<RequestKey, PendingRequest>,
    pub(super) bindings: BTreeMap<RegistrationKey, Binding>,
    pub(super) deadlines: Deadlines<Owner>,
    pub(super) events: VecDeque<UaEvent>,
    pub(super) counters: UaStats,
    pub(super) next_call: u64,
    pub(super) next_request: u64,
    pub(super) stopping: bool,
}

/// Who waits for a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Call(CallKey),
    Request(RequestKey),
    Binding(RegistrationKey),
}

/// What a client transaction is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// The INVITE of a call, and the ACKs of its 2xx by To tag, for repeats.
    Invite {
        call: CallKey,
        acks: BTreeMap<String, (Destination, Bytes)>,
    },
    /// A re-INVITE, its number, and the ACK of its 2xx.
    Reinvite {
        call: CallKey,
        request: Message,
        ack: Option<(Destination, Bytes)>,
    },
    /// A BYE, to be tried once more with credentials.
    Bye { call: CallKey, request: Message },
    /// Another request inside the dialog.
    InDialog { call: CallKey, request: Message },
    /// REGISTER.
    Register { key: RegistrationKey },
    /// Whatever comes is ignored: CANCEL, BYE of a fork.
    Nothing,
}

/// What an INVITE server transaction without final response is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum InviteOwner {
    Call(CallKey),
    Reinvite(CallKey),
}

/// A request that waits for the user's answer.
#[derive(Debug)]
pub(super) struct PendingRequest {
    pub(super) server: ServerKey,
    pub(super) request: Message,
    pub(super) tag: String,
    pub(super) timers: Timers<1>,
}

impl UserAgent {
    /// A user agent without calls. Before its first request it has to know its address: [`UserAgent::handle_bound`].
    pub fn new(config: UaConfig) -> Self {
        let tokens = Tokens::new(*config.seed.bytes());
        let timing = TimerConfig {
            t1: config.t1,
            t2: config.t2,
            t4: config.t4,
        };
        let identity = Identity::new(&config);
        let layer = TransactionLayer::new(timing, tokens.derive("branches"), identity.host.clone())
            .with_limit(config.max_transactions, config.retry_after);
        Self {
            identity,
            layer,
            tokens,
            calls: HashMap::new(),
            by_dialog: HashMap::new(),
            by_origin: HashMap::new(),
            clients: HashMap::new(),
            servers: HashMap::new(),
            requests: HashMap::new(),
            bindings: BTreeMap::new(),
            deadlines: Deadlines::new(),
            events: VecDeque::new(),
            counters: UaStats::default(),
            next_call: 0,
            next_request: 0,
            stopping: false,
            config,
        }
    }

    /// Tells the core the address it is bound to; written into Via and Contact unless
    /// [`UaConfig::advertised`] says otherwise.
    pub fn handle_bound(&mut self, local: SocketAddr) {
        if self.config.advertised.is_none() {
            self.identity.host = local.to_string();
            self.layer.set_sent_by(local.to_string());
        }
    }

    /// Takes a message that came in.
    pub fn handle_message(&mut self, now: Instant, flow: Flow, message: Message) {
        self.layer.handle_message(now, flow, message);
        self.pump(now);
    }

    /// Takes a failed destination: a message could not be sent, or a connection ended.
    pub fn handle_transport_error(&mut self, now: Instant, destination: Destination) {
        self.layer.handle_transport_error(destination);
        self.pump(now);
    }

    /// Carries out a command.
    ///
    /// # Errors
    ///
    /// The command does not fit; nothing was changed.
    pub fn handle_command(&mut self, now: Instant, command: UaCommand) -> Result<(), CommandError> {
        let (name, key) = command.label();
        tracing::debug!(command = name, key, "command");
        let done = self.carry_out(now, command);
        self.pump(now);
        done
    }

    fn carry_out(&mut self, now: Instant, command: UaCommand) -> Result<(), CommandError> {
        match command {
            UaCommand::Invite { call, invite } => self.invite(now, call, *invite),
            UaCommand::Provisional {
                call,
                status,
                sdp,
                headers,
            } => self.provisional(now, call, status, sdp, &headers),
            UaCommand::Accept { call, sdp, headers } => self.accept(now, call, &sdp, &headers),
            UaCommand::Ack { call, sdp } => self.user_ack(now, call, sdp.as_ref()),
            UaCommand::Reject {
                call,
                status,
                headers,
            } => self.reject(now, call, status, &headers),
            UaCommand::Redirect { call, contacts } => self.redirect(now, call, &contacts),
            UaCommand::Reinvite { call, sdp, headers } => self.reinvite(now, call, sdp, headers),
            UaCommand::AcceptReinvite { call, sdp } => self.accept_reinvite(now, call, &sdp),
            UaCommand::RejectReinvite { call, status } => self.reject_reinvite(now, call, status),
            UaCommand::Hangup { call, headers } => self.hangup(now, call, headers),
            UaCommand::InDialog {
                call,
                method,
                headers,
                body,
            } => self.in_dialog(now, call, &method, &headers, body.as_ref()),
            UaCommand::Respond {
                request,
                status,
                headers,
                body,
            } => self.respond(now, request, status, &headers, body.as_ref()),
            UaCommand::Register { key, registration } => self.register(now, key, *registration),
            UaCommand::Unregister { key } => self.unregister(now, key),
        }
    }

    /// Takes the time.
    pub fn handle_timeout(&mut self, now: Instant) {
        loop {
            self.layer.handle_timeout(now);
            self.pump(now);
            let Some(owner) = self.deadlines.first_due(now) else {
                return;
            };
            match owner {
                Owner::Call(key) => self.call_timer(now, key),
                Owner::Request(key) => self.request_timer(now, key),
                Owner::Binding(key) => self.binding_timer(now, key),
            }
            self.pump(now);
        }
    }

    /// The next moment at which [`UserAgent::handle_timeout`] shall be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.layer.poll_timeout(), self.deadlines.next()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.layer.poll_transmit()
    }

    /// The next event for the user.
    pub fn poll_event(&mut self) -> Option<UaEvent> {
        self.events.pop_front()
    }

    /// The next effect: messages first.
    pub fn poll_output(&mut self) -> Option<Output> {
        match self.poll_transmit() {
            Some(transmit) => Some(Output::Transmit(transmit)),
            None => self.poll_event().map(Output::Event),
        }
    }

    /// Ends every call and registration, and takes no new ones.
    pub fn handle_shutdown(&mut self, now: Instant) {
        self.stopping = true;
        let mut calls: Vec<CallKey> = self.calls.keys().copied().collect();
        calls.sort_unstable();
        for call in calls {
            // A call that is ending already refuses the command.
            let _ = self.hangup(now, call, Vec::new());
        }
        let keys: Vec<RegistrationKey> = self.bindings.keys().copied().collect();
        for key in keys {
            let _ = self.unregister(now, key);
        }
        let mut waiting: Vec<RequestKey> = self.requests.keys().copied().collect();
        waiting.sort_unstable();
        for request in waiting {
            let _ = self.respond(now, request, StatusCode::SERVICE_UNAVAILABLE, &[], None);
        }
        self.pump(now);
    }

    /// Leaves a method out of Allow, though requests of it are still handed to the user.
    pub(crate) fn withdraw(&mut self, method: &Method) {
        self.identity.withdraw(method);
    }

    /// The call whose side of the dialog here has that Call-ID and tag: of an outgoing call, from its INVITE on.
    pub(crate) fn call_with_tag(&self, call_id: &str, local_tag: &str) -> Option<CallKey> {
        self.by_dialog
            .get(&(call_id.to_owned(), local_tag.to_owned()))
            .copied()
    }

    /// Whether no call, registration or request is left.
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.bindings.is_empty() && self.requests.is_empty()
    }

    /// Counters since the start.
    pub fn stats(&self) -> UaStats {
        UaStats {
            calls: self.calls.len(),
            transactions: self.layer.len(),
            retransmissions: self.layer.retransmissions(),
            overload_refusals: self.counters.overload_refusals + self.layer.refused(),
            malformed: self.counters.malformed + self.layer.malformed(),
            ..self.counters
        }
    }

    /// Takes what the transactions tell.
    pub(super) fn pump(&mut self, now: Instant) {
        while let Some(event) = self.layer.poll_event() {
            match event {
                TransactionEvent::Request { key, flow, message } => self.request(now, key, flow, message),
                TransactionEvent::Cancel { key, invite, message } => {
                    self.cancelled(now, key, invite, &message)
                }
                TransactionEvent::Ack { flow, message } => self.acknowledged(now, flow, &message),
                TransactionEvent::Response { key, flow, message } => self.response(now, key, flow, message),
                TransactionEvent::StrayResponse { .. } => self.counters.stray += 1,
                TransactionEvent::Timeout { key } => {
                    self.no_response(now, key, StatusCode::REQUEST_TIMEOUT);
                }
                TransactionEvent::TransportError { key } => {
                    self.no_response(now, key, StatusCode::SERVICE_UNAVAILABLE);
                }
                TransactionEvent::Terminated { key } => drop(self.clients.remove(&key)),
                TransactionEvent::ServerTransportError { key } => self.server_lost(now, key),
                TransactionEvent::ServerTimeout { .. } => {}
            }
        }
    }

    fn response(&mut self, now: Instant, key: ClientKey, flow: Flow, response: Message) {
        let Some(status) = response.status() else { return };
        match self.clients.get(&key) {
            Some(Purpose::Invite { .. }) => self.invite_response(now, key, flow, status, response),
            Some(Purpose::Reinvite { .. }) => self.reinvite_response(now, key, flow, status, &response),
            Some(Purpose::Bye { .. }) if status.is_final() => self.bye_response(now, key, status, &response),
            Some(Purpose::InDialog { .. }) if status.is_final() => {
                self.in_dialog_response(now, key, status, response);
            }
            Some(Purpose::Register { key }) if status.is_final() => {
                let key = *key;
                self.register_response(now, key, flow, status, &response);
            }
            _ => {}
        }
    }

    /// No final response: timeout or transport error.
    fn no_response(&mut self, now: Instant, key: ClientKey, status: StatusCode) {
        match self.clients.get(&key) {
            Some(Purpose::Invite { call, .. }) => {
                let call = *call;
                self.invite_silence(now, call, status);
            }
            Some(Purpose::Reinvite { call, .. }) => {
                let call = *call;
                self.reinvite_silence(now, call, status);
            }
            Some(Purpose::Bye { call, .. }) => {
                let call = *call;
                self.feed(now, call, CallInput::ByeDone);
            }
            Some(Purpose::InDialog { call, request, .. }) => {
                let (call, method) = (*call, request.method().cloned().unwrap_or(Method::INFO));
                self.in_dialog_silence(now, call, method, status);
            }
            Some(Purpose::Register { key }) => {
                let key = *key;
                self.register_failed(now, key, status, None);
            }
            Some(Purpose::Nothing) | None => {}
        }
    }

    /// Follows the table of a call and settles it; `false` when the input means nothing in its state.
    pub(super) fn feed(&mut self, now: Instant, key: CallKey, input: CallInput) -> bool {
        let stepped = self.calls.get_mut(&key).is_some_and(|call| call.step(input));
        self.settle(now, key);
        stepped
    }

    /// Brings the deadlines in line with a call, or buries it.
    pub(super) fn settle(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        if call.state != CallState::Ended {
            self.deadlines.update(Owner::Call(key), &mut call.timers);
            return;
        }
        self.bury(now, key);
    }

    fn bury(&mut self, now: Instant, key: CallKey) {
        let Some(mut call) = self.calls.remove(&key) else {
            return;
        };
        self.deadlines.remove(Owner::Call(key), &mut call.timers);
        self.by_dialog
            .remove(&(call.call_id.clone(), call.local_tag.clone()));
        if let Some(incoming) = &call.incoming {
            let status = call.refusal();
            let mut refusal = self.identity.response(&incoming.request, status, &call.local_tag);
            if status == StatusCode::SERVICE_UNAVAILABLE {
                super::incoming::retry_after(&mut refusal, self.config.retry_after);
            }
            self.finish_invite(now, incoming.server, &incoming.request, &refusal);
        }
        if let Some(reinvite) = &call.their_reinvite {
            let refusal =
                self.identity
                    .response(&reinvite.request, StatusCode::REQUEST_TERMINATED, &call.local_tag);
            self.finish_invite(now, reinvite.server, &reinvite.request, &refusal);
        }
        if let Some(outgoing) = &call.outgoing {
            self.layer.abandon(outgoing.client);
        }
        self.tell_ended(&mut call, None);
    }

    /// Sends the final response of an INVITE and forgets that it was open.
    pub(super) fn finish_invite(
        &mut self,
        now: Instant,
        server: ServerKey,
        request: &Message,
        response: &Message,
    ) {
        self.layer.respond(now, server, response);
        if self.servers.remove(&server).is_some()
            && let Some(origin) = super::incoming::origin(request)
        {
            self.by_origin.remove(&origin);
        }
    }

    /// Tells the user once that a call is over.
    pub(super) fn tell_ended(&mut self, call: &mut Call, event: Option<UaEvent>) {
        if !call.told {
            call.told = true;
            self.events.push_back(event.unwrap_or(UaEvent::Ended {
                call: call.key,
                cause: call.cause,
            }));
        }
    }

    /// [`UserAgent::tell_ended`] for a call in the table.
    pub(super) fn tell_over(&mut self, key: CallKey, cause: EndCause) {
        if let Some(call) = self.calls.get_mut(&key).filter(|call| !call.told) {
            call.told = true;
            call.cause = cause;
            self.events.push_back(UaEvent::Ended { call: key, cause });
        }
    }

    pub(super) fn give_up(&self) -> Duration {
        self.config.t1.saturating_mul(64)
    }

    /// A call that the user may still speak about.
    pub(super) fn live(&mut self, key: CallKey) -> Result<&mut Call, CommandError> {
        self.calls
            .get_mut(&key)
            .filter(|call| !call.told)
            .ok_or(CommandError::UnknownCall)
    }
}

impl fmt::Debug for UserAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserAgent")
            .field("stats", &self.stats())
            .field("bindings", &self.bindings.len())
            .field("requests", &self.requests.len())
            .finish_non_exhaustive()
    }
}

impl Core for UserAgent {
    type Command = UaCommand;
    type Event = UaEvent;
    type Stats = UaStats;

    fn handle_bound(&mut self, _now: Instant, local: SocketAddr) {
        Self::handle_bound(self, local);
    }

    fn handle_message(&mut self, now: Instant, flow: Flow, message: Message) {
        Self::handle_message(self, now, flow, message);
    }

    fn handle_transport_error(&mut self, now: Instant, destination: Destination) {
        Self::handle_transport_error(self, now, destination);
    }

    fn handle_command(&mut self, now: Instant, command: UaCommand) {
        let (name, call) = (command.label().0, command.call());
        if let Err(error) = Self::handle_command(self, now, command) {
            self.events.push_back(UaEvent::CommandFailed {
                call,
                command: name,
                error,
            });
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        Self::handle_timeout(self, now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Self::poll_timeout(self)
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        Self::poll_transmit(self)
    }

    fn poll_event(&mut self) -> Option<UaEvent> {
        Self::poll_event(self)
    }

    fn stats(&self) -> UaStats {
        Self::stats(self)
    }

    fn handle_shutdown(&mut self, now: Instant) {
        Self::handle_shutdown(self, now);
    }

    fn is_idle(&self) -> bool {
        Self::is_idle(self)
    }
}

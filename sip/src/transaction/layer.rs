//! All transactions of one user agent.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::client::{self, Client};
use super::matching::MatchKey;
use super::server::{self, Server};
use super::timer::{Deadlines, TimerConfig};
use super::token::Tokens;
use crate::header::{HeaderName, Via};
use crate::message::Message;
use crate::method::Method;
use crate::status::StatusCode;
use crate::transport::{Destination, Flow, Transmit};

/// Names a client transaction. Not used again in the life of the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientKey(u64);

/// Names a server transaction. Not used again in the life of the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerKey(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    Client(ClientKey),
    Server(ServerKey),
}

/// What the layer tells the user agent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TransactionEvent {
    /// A new request, other than ACK and CANCEL.
    Request {
        /// Names it for [`TransactionLayer::respond`].
        key: ServerKey,
        /// Where it came from.
        flow: Flow,
        /// The request, with `received` and `rport` filled in.
        message: Message,
    },
    /// A CANCEL; it wants a response of its own.
    Cancel {
        /// Names the CANCEL.
        key: ServerKey,
        /// The INVITE it is about, if there is one.
        invite: Option<ServerKey>,
        /// The CANCEL.
        message: Message,
    },
    /// An ACK that no refused INVITE waits for: it belongs to a 2xx, or to nothing.
    Ack {
        /// Where it came from.
        flow: Flow,
        /// The ACK.
        message: Message,
    },
    /// A response to one of our requests, repeats left out.
    Response {
        /// The transaction.
        key: ClientKey,
        /// Where it came from.
        flow: Flow,
        /// The response.
        message: Message,
    },
    /// A response that belongs to no transaction: a late 2xx, or nothing of ours.
    StrayResponse {
        /// Where it came from.
        flow: Flow,
        /// The response.
        message: Message,
    },
    /// Timer B or F: no final response in time.
    Timeout {
        /// The transaction.
        key: ClientKey,
    },
    /// The request could not be sent, or the connection for the response ended.
    TransportError {
        /// The transaction.
        key: ClientKey,
    },
    /// A client transaction is over; nothing more comes of it.
    Terminated {
        /// The transaction.
        key: ClientKey,
    },
    /// Timer H: no ACK for our refusal. Or the request was never answered by the user agent.
    ServerTimeout {
        /// The transaction.
        key: ServerKey,
    },
    /// The response could not be sent by any way.
    ServerTransportError {
        /// The transaction.
        key: ServerKey,
    },
}

/// No room for another transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many transactions")]
pub struct Overload;

/// Effects of transactions, in order.
#[derive(Debug)]
pub(super) struct Effects {
    pub(super) timing: TimerConfig,
    transmits: VecDeque<Transmit>,
    events: VecDeque<TransactionEvent>,
    retransmissions: u64,
}

impl Effects {
    pub(super) fn send(&mut self, destination: Destination, payload: Bytes) {
        self.transmits.push_back(Transmit { destination, payload });
    }

    pub(super) fn repeat(&mut self, destination: Destination, payload: Bytes) {
        self.retransmissions += 1;
        self.send(destination, payload);
    }

    pub(super) fn tell(&mut self, event: TransactionEvent) {
        self.events.push_back(event);
    }
}

/// All transactions of one user agent: client and server, INVITE and other.
pub struct TransactionLayer {
    effects: Effects,
    tokens: Tokens,
    sent_by: String,
    max_transactions: usize,
    retry_after: Duration,
    last_key: u64,
    clients: HashMap<ClientKey, Client>,
    servers: HashMap<ServerKey, Server>,
    by_branch: HashMap<(String, Method), ClientKey>,
    by_match: HashMap<MatchKey, ServerKey>,
    by_destination: BTreeSet<(Destination, Key)>,
    deadlines: Deadlines<Key>,
    refused: u64,
    malformed: u64,
}

impl TransactionLayer {
    /// A layer without transactions. `sent_by` is what goes into our Via: host and port.
    pub fn new(timing: TimerConfig, seed: [u8; 32], sent_by: impl Into<String>) -> Self {
        let effects = Effects {
            timing,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            retransmissions: 0,
        };
        Self {
            effects,
            tokens: Tokens::new(seed),
            sent_by: sent_by.into(),
            max_transactions: usize::MAX,
            retry_after: Duration::from_secs(5),
            last_key: 0,
            clients: HashMap::new(),
            servers: HashMap::new(),
            by_branch: HashMap::new(),
            by_match: HashMap::new(),
            by_destination: BTreeSet::new(),
            deadlines: Deadlines::new(),
            refused: 0,
            malformed: 0,
        }
    }

    /// Limits the transactions; a request beyond gets 503 with that Retry-After, without a transaction. Requests
    /// inside dialogs and CANCEL have a quarter more.
    pub fn with_limit(mut self, max_transactions: usize, retry_after: Duration) -> Self {
        self.max_transactions = max_transactions;
        self.retry_after = retry_after;
        self
    }

    /// Changes what goes into our Via.
    pub fn set_sent_by(&mut self, sent_by: impl Into<String>) {
        self.sent_by = sent_by.into();
    }

    /// Transactions that exist.
    pub fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// Whether there is no transaction.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a response of ours or of a peer is still owed.
    pub fn is_open(&self) -> bool {
        self.clients.values().any(Client::is_open) || self.servers.values().any(Server::is_open)
    }

    /// Requests refused because of the limit so far.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Messages without a usable Via or CSeq so far.
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Messages sent again by timers, or because the peer sent again, so far.
    pub fn retransmissions(&self) -> u64 {
        self.effects.retransmissions
    }

    /// Takes a message that came in.
    pub fn handle_message(&mut self, now: Instant, flow: Flow, message: Message) {
        if message.is_request() {
            self.handle_request(now, flow, message);
        } else {
            self.handle_response(now, flow, message);
        }
    }

    fn handle_response(&mut self, now: Instant, flow: Flow, message: Message) {
        let (Some(status), Ok(via), Ok(cseq)) = (message.status(), message.top_via(), message.cseq()) else {
            self.malformed += 1;
            return;
        };
        if !(100..700).contains(&status.0) {
            self.malformed += 1;
            return;
        }
        let branch = via.branch().unwrap_or_default().to_owned();
        let key = self.by_branch.get(&(branch, cseq.method)).copied();
        let Some(client) = key.and_then(|key| self.clients.get_mut(&key)) else {
            self.effects
                .tell(TransactionEvent::StrayResponse { flow, message });
            return;
        };
        client.response(now, flow, status, message, &mut self.effects);
        let key = client.key;
        self.settle_client(key);
    }

    fn handle_request(&mut self, now: Instant, flow: Flow, mut message: Message) {
        let (Some(method), Ok(via)) = (message.method().cloned(), message.top_via()) else {
            self.malformed += 1;
            return;
        };
        let invite = method == Method::INVITE || method == Method::ACK;
        let match_key = MatchKey::of(&message, &via, if invite { &Method::INVITE } else { &method });
        if let Some(key) = self.by_match.get(&match_key).copied() {
            self.handle_repeat(now, key, flow, method, message);
            return;
        }
        if method == Method::ACK {
            self.effects.tell(TransactionEvent::Ack { flow, message });
            return;
        }
        let rport = via.rport().is_some();
        let route = server::response_route(flow, via.port().unwrap_or(5060), rport);
        let about = (method == Method::CANCEL).then(|| {
            self.by_match
                .get(&MatchKey::of(&message, &via, &Method::INVITE))
                .copied()
        });
        stamp(&mut message, &via, flow);
        // What ends or continues a call gets room that new work does not get.
        let inside = about.is_some() || message.to().is_ok_and(|to| to.tag().is_some());
        let reserve = if inside { self.max_transactions / 4 } else { 0 };
        if self.len() >= self.max_transactions.saturating_add(reserve) {
            self.refuse(route.0, &message);
            return;
        }
        self.last_key += 1;
        let key = ServerKey(self.last_key);
        let server = Server::start(
            key,
            match_key.clone(),
            &message,
            invite,
            route,
            now,
            &self.effects,
        );
        self.by_destination.insert((server.destination, Key::Server(key)));
        self.servers.insert(key, server);
        self.by_match.insert(match_key, key);
        self.settle_server(key);
        self.effects.tell(match about {
            Some(invite) => TransactionEvent::Cancel { key, invite, message },
            None => TransactionEvent::Request { key, flow, message },
        });
    }

    fn handle_repeat(&mut self, now: Instant, key: ServerKey, flow: Flow, method: Method, message: Message) {
        let Some(server) = self.servers.get_mut(&key) else {
            return;
        };
        if method == Method::ACK {
            if server.ack(now, &self.effects) {
                self.effects.tell(TransactionEvent::Ack { flow, message });
            }
        } else {
            server.repeated(&mut self.effects);
        }
        self.settle_server(key);
    }

    /// 503 without a transaction. Spec: RFC 3261 §8.2.7, §21.5.4
    fn refuse(&mut self, destination: Destination, request: &Message) {
        self.refused += 1;
        let mut response = Message::response(request, StatusCode::SERVICE_UNAVAILABLE);
        response.push_header(
            &HeaderName::RETRY_AFTER,
            self.retry_after.as_secs().max(1).to_string(),
        );
        self.effects.send(destination, response.to_bytes());
    }

    /// Sends a request in a new transaction. The Via is written here; the message must not have one of ours.
    ///
    /// # Errors
    ///
    /// The limit of transactions is reached; nothing was sent.
    pub fn request(
        &mut self,
        now: Instant,
        destination: Destination,
        mut message: Message,
    ) -> Result<ClientKey, Overload> {
        if self.len() >= self.max_transactions {
            return Err(Overload);
        }
        let branch = self.push_via(&destination, &mut message);
        Ok(self.start_client(now, destination, branch, message))
    }

    /// Sends CANCEL for an INVITE that has no final response yet; `None` when there is nothing to cancel.
    ///
    /// Spec: RFC 3261 §9.1
    pub fn cancel(
        &mut self,
        now: Instant,
        invite: ClientKey,
        headers: &[(HeaderName, String)],
    ) -> Option<ClientKey> {
        let client = self.clients.get(&invite).filter(|client| client.is_open())?;
        let mut cancel = client::hop_request(&client.request, &Method::CANCEL, None);
        for (name, value) in headers {
            cancel.push_header(name, value);
        }
        let (destination, branch) = (client.destination, client.branch.clone());
        if self.by_branch.contains_key(&(branch.clone(), Method::CANCEL)) {
            return None;
        }
        Some(self.start_client(now, destination, branch, cancel))
    }

    fn start_client(
        &mut self,
        now: Instant,
        destination: Destination,
        branch: String,
        message: Message,
    ) -> ClientKey {
        self.last_key += 1;
        let key = ClientKey(self.last_key);
        let client = Client::start(key, branch.clone(), message, destination, now, &mut self.effects);
        self.by_branch.insert((branch, client.method.clone()), key);
        self.by_destination.insert((destination, Key::Client(key)));
        self.clients.insert(key, client);
        self.settle_client(key);
        key
    }

    /// Sends a request that has no transaction: the ACK of a 2xx. Returns what was sent, to send it again.
    ///
    /// Spec: RFC 3261 §13.2.2.4
    pub fn send_ack(&mut self, destination: Destination, mut message: Message) -> Bytes {
        self.push_via(&destination, &mut message);
        let bytes = message.to_bytes();
        self.effects.send(destination, bytes.clone());
        bytes
    }

    /// Sends those bytes again.
    pub fn send_again(&mut self, destination: Destination, payload: Bytes) {
        self.effects.repeat(destination, payload);
    }

    /// Sends a response. `false` when the transaction is over or has its final response.
    pub fn respond(&mut self, now: Instant, key: ServerKey, response: &Message) -> bool {
        let (Some(server), Some(status)) = (self.servers.get_mut(&key), response.status()) else {
            return false;
        };
        let sent = server.respond(now, status, response.to_bytes(), &mut self.effects);
        self.settle_server(key);
        sent
    }

    /// Whether a server transaction exists and waits for its final response.
    pub fn awaits_response(&self, key: ServerKey) -> bool {
        self.servers.get(&key).is_some_and(Server::is_open)
    }

    /// Ends an INVITE transaction that waits for its final response: after CANCEL, when none comes.
    ///
    /// Spec: RFC 3261 §9.1
    pub fn abandon(&mut self, key: ClientKey) {
        if let Some(client) = self.clients.get_mut(&key).filter(|client| client.is_open()) {
            client.abandon();
        }
        self.settle_client(key);
    }

    /// Takes a failed destination.
    pub fn handle_transport_error(&mut self, destination: Destination) {
        let mut failed = vec![destination];
        if let Destination::Flow(Flow { protocol, remote, .. }) = destination {
            failed.push(Destination::Address { protocol, remote });
        }
        for destination in failed {
            let first = (destination, Key::Client(ClientKey(0)));
            let last = (destination, Key::Server(ServerKey(u64::MAX)));
            let keys: Vec<Key> = self
                .by_destination
                .range(first..=last)
                .map(|(_, key)| *key)
                .collect();
            for key in keys {
                self.fail(destination, key);
            }
        }
    }

    fn fail(&mut self, destination: Destination, key: Key) {
        match key {
            Key::Client(key) => {
                if let Some(client) = self.clients.get_mut(&key) {
                    client.transport_error(&mut self.effects);
                }
                self.settle_client(key);
            }
            Key::Server(id) => {
                if let Some(server) = self.servers.get_mut(&id) {
                    server.transport_error(&mut self.effects);
                    self.by_destination.remove(&(destination, key));
                    self.by_destination.insert((server.destination, key));
                }
                self.settle_server(id);
            }
        }
    }

    /// Takes the time.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(key) = self.deadlines.first_due(now) {
            match key {
                Key::Client(key) => {
                    if let Some(client) = self.clients.get_mut(&key)
                        && let Some((slot, due)) = client.timers.take_due(now)
                    {
                        client.timer(now, slot, due, &mut self.effects);
                    }
                    self.settle_client(key);
                }
                Key::Server(key) => {
                    if let Some(server) = self.servers.get_mut(&key)
                        && let Some((slot, due)) = server.timers.take_due(now)
                    {
                        server.timer(now, slot, due, &mut self.effects);
                    }
                    self.settle_server(key);
                }
            }
        }
    }

    /// The next deadline.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.effects.transmits.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<TransactionEvent> {
        self.effects.events.pop_front()
    }

    fn settle_client(&mut self, key: ClientKey) {
        let Some(client) = self.clients.get_mut(&key) else {
            return;
        };
        if !client.is_over() {
            self.deadlines.update(Key::Client(key), &mut client.timers);
            return;
        }
        self.deadlines.remove(Key::Client(key), &mut client.timers);
        self.by_branch
            .remove(&(client.branch.clone(), client.method.clone()));
        self.by_destination
            .remove(&(client.destination, Key::Client(key)));
        self.clients.remove(&key);
        self.effects.tell(TransactionEvent::Terminated { key });
    }

    fn settle_server(&mut self, key: ServerKey) {
        let Some(server) = self.servers.get_mut(&key) else {
            return;
        };
        if !server.is_over() {
            self.deadlines.update(Key::Server(key), &mut server.timers);
            return;
        }
        self.deadlines.remove(Key::Server(key), &mut server.timers);
        self.by_match.remove(&server.match_key);
        self.by_destination
            .remove(&(server.destination, Key::Server(key)));
        self.servers.remove(&key);
    }

    fn push_via(&mut self, destination: &Destination, message: &mut Message) -> String {
        let branch = self.tokens.branch();
        let protocol = destination.protocol();
        let via = format!("SIP/2.0/{protocol} {};branch={branch};rport", self.sent_by);
        message.push_front_header(&HeaderName::VIA, via);
        branch
    }
}

impl fmt::Debug for TransactionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionLayer")
            .field("clients", &self.clients.len())
            .field("servers", &self.servers.len())
            .finish_non_exhaustive()
    }
}

/// Writes where the request really came from into its top Via.
///
/// Spec: RFC 3261 §18.2.1, RFC 3581 §4
fn stamp(message: &mut Message, via: &Via, flow: Flow) {
    let stamped = via.with_source(flow.remote);
    if stamped != *via {
        message.set_top_via(&stamped);
    }
}

//! Making and distributing events: sequence number, time, receivers, reference ids.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::{ClientId, Output, TServer};
use crate::catalog::{AttributeId, ErrorCode, MessageType};
use crate::id::{Dn, ReferenceId};
use crate::message::Message;

/// Who asked, and how its answer is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Requester {
    pub(crate) client: ClientId,
    /// The reference id to echo; `None` if the request had none.
    pub(super) reference: Option<ReferenceId>,
    /// Whether the client wants an answer at all.
    ///
    /// Spec: T-Library reference §2 (ReferenceID 4294967295)
    pub(super) answer: bool,
}

impl Requester {
    pub(super) fn of(client: ClientId, request: &Message) -> Self {
        let reference = request.reference_id();
        let answer = reference != Some(ReferenceId::NO_ANSWER);
        Self {
            client,
            reference: reference.filter(|_| answer),
            answer,
        }
    }
}

/// A refusal of a request: goes out as `EventError`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: ErrorCode,
    pub(super) text: String,
}

impl Refused {
    pub(super) fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}

/// Time of day and number of events, from the pair given at the start.
pub(super) struct EventClock {
    start: Instant,
    since_epoch: Duration,
    sequence: i64,
}

impl EventClock {
    pub(super) fn new(now: Instant, wall: SystemTime) -> Self {
        Self {
            start: now,
            since_epoch: wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            sequence: 0,
        }
    }

    /// Time of the start since 1970.
    pub(super) fn started(&self) -> Duration {
        self.since_epoch
    }

    /// Uses up the number of an event that nobody receives.
    fn skip(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Adds sequence number and time, the last attributes of every event.
    fn stamp(&mut self, now: Instant, message: &mut Message) {
        let time = self.since_epoch + now.saturating_duration_since(self.start);
        let secs = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        self.skip();
        message.push(AttributeId::EVENT_SEQUENCE_NUMBER, self.sequence);
        message.push(AttributeId::TIME_IN_SECS, secs.cast_signed());
        message.push(AttributeId::TIME_IN_USECS, time.subsec_micros().cast_signed());
    }
}

impl TServer {
    /// Sends an event about `dn` to every client that registered it, and to the requester in any case.
    ///
    /// Spec: T-Library reference §6.16 rules 1 to 4
    pub(super) fn publish(&mut self, now: Instant, dn: &str, message: Message, requester: Option<Requester>) {
        let receivers = self.dns.get(dn).map(super::client::DnState::receivers);
        let mut receivers = receivers.unwrap_or_default();
        let asked = requester.filter(|requester| self.clients.contains(requester.client));
        if let Some(requester) = asked
            && requester.answer
            && !receivers.contains(&requester.client)
        {
            receivers.push(requester.client);
        }
        let message = self.make(now, message);
        for client in receivers {
            let own = asked.filter(|requester| requester.client == client);
            let answer = own.is_some_and(|requester| requester.answer);
            if answer || self.clients.wants(client, message.message_type) {
                self.send(client, &message, own.and_then(|requester| requester.reference));
            }
        }
    }

    pub(super) fn has_receivers(&self, dn: &Dn) -> bool {
        self.dns
            .get(dn)
            .is_some_and(super::client::DnState::has_receivers)
    }

    /// Counts an event that nobody receives, so that sequence numbers do not depend on who listens.
    pub(super) fn skip_event(&mut self) {
        self.clock.skip();
        self.stats.events_total += 1;
    }

    /// Sends an answer to the client that asked.
    pub(super) fn reply(&mut self, now: Instant, requester: Requester, message: Message) {
        if requester.answer && self.clients.contains(requester.client) {
            let message = self.make(now, message);
            self.send(requester.client, &message, requester.reference);
        }
    }

    /// Answers a request with `EventError`.
    ///
    /// Spec: T-Library reference §4
    pub(super) fn refuse(&mut self, now: Instant, requester: Requester, about: &Subject, refused: Refused) {
        self.stats.requests_refused_total += 1;
        tracing::debug!(
            client = requester.client.0,
            code = refused.code.0,
            "request refused"
        );
        let message = Message::new(MessageType::EVENT_ERROR)
            .with_opt(AttributeId::CONN_ID, about.conn_id)
            .with(AttributeId::ERROR_CODE, refused.code.0)
            .with(AttributeId::ERROR_MESSAGE, refused.text)
            .with_opt(AttributeId::THIS_DN, about.this_dn.as_ref());
        self.reply(now, requester, message);
    }

    fn make(&mut self, now: Instant, mut message: Message) -> Arc<Message> {
        self.clock.stamp(now, &mut message);
        self.stats.events_total += 1;
        Arc::new(message)
    }

    fn send(&mut self, client: ClientId, message: &Arc<Message>, reference: Option<ReferenceId>) {
        self.stats.messages_sent_total += 1;
        self.outputs.push_back(Output::Send {
            client,
            message: Arc::clone(message),
            reference,
        });
    }
}

/// What a refused request was about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) conn_id: Option<crate::id::ConnId>,
    pub(super) this_dn: Option<Dn>,
}

impl Subject {
    pub(super) fn of(request: &Message) -> Self {
        Self {
            conn_id: request.conn_id(),
            this_dn: request.this_dn().map(Dn::from),
        }
    }
}

//! Building the events of a call: attributes in one order, by the party they are about.

use std::time::Instant;

use super::TServer;
use super::emit::Requester;
use super::request::Request;
use crate::call::{Call, Party, PartyId, PartyKind};
use crate::catalog::{AttributeId, CallState, DnRole, MessageType};
use crate::id::{ConnId, Dn};
use crate::kv::KvList;
use crate::message::{Message, Value};

/// What an event says besides what the call and the party say by themselves.
pub(super) struct CallEvent {
    message_type: MessageType,
    state: CallState,
    third: Option<(Dn, DnRole)>,
    extra: Vec<(AttributeId, Value)>,
    reasons: Option<KvList>,
    extensions: Option<KvList>,
    headers: bool,
    by: Option<Requester>,
}

impl CallEvent {
    pub(super) fn new(message_type: MessageType) -> Self {
        Self {
            message_type,
            state: CallState::OK,
            third: None,
            extra: Vec::new(),
            reasons: None,
            extensions: None,
            headers: false,
            by: None,
        }
    }

    pub(super) fn state(mut self, state: CallState) -> Self {
        self.state = state;
        self
    }

    pub(super) fn third(mut self, dn: &Dn, role: DnRole) -> Self {
        self.third = Some((dn.clone(), role));
        self
    }

    pub(super) fn extra(mut self, id: AttributeId, value: impl Into<Value>) -> Self {
        self.extra.push((id, value.into()));
        self
    }

    /// Passes the caller's headers in `Extensions`.
    pub(super) fn headers(mut self) -> Self {
        self.headers = true;
        self
    }

    /// Carries the reference id to the requester.
    pub(super) fn by(mut self, by: Option<Requester>) -> Self {
        self.by = by;
        self
    }

    /// Carries reference id, reasons and extensions of a request.
    pub(super) fn answering(mut self, request: &Request) -> Self {
        self.by = Some(request.by);
        self.reasons = request.reasons();
        self.extensions = request.extensions();
        self
    }

    pub(super) fn reasons(mut self, reasons: Option<KvList>) -> Self {
        self.reasons = reasons;
        self
    }

    pub(super) fn extensions(mut self, extensions: Option<KvList>) -> Self {
        self.extensions = extensions;
        self
    }
}

impl TServer {
    /// Publishes an event about a party to everybody registered for its DN. Parties outside have none.
    ///
    /// Spec: T-Library reference §5, §6.16
    pub(super) fn emit(&mut self, now: Instant, conn_id: ConnId, party: PartyId, event: CallEvent) {
        let Some(call) = self.calls.get(&conn_id) else {
            return;
        };
        let Some(party) = call.party(party) else {
            return;
        };
        if party.kind == PartyKind::Outside {
            return;
        }
        if event.by.is_none() && !self.has_receivers(&party.dn) {
            self.skip_event();
            return;
        }
        let agent = self.dns.get(&party.dn).and_then(|dn| dn.agent.as_ref());
        let agent = agent.map(|agent| agent.id.as_str().to_owned());
        let dn = party.dn.clone();
        let by = event.by;
        let message = build(call, party, agent, event);
        self.publish(now, dn.as_str(), message, by);
    }
}

/// The attributes that identify a call.
pub(super) fn call_head(message_type: MessageType, call: &Call) -> Message {
    Message::new(message_type)
        .with(AttributeId::CONN_ID, call.conn_id)
        .with(AttributeId::CALL_UUID, &call.uuid)
        .with(AttributeId::CALL_ID, call.number)
        .with(AttributeId::CALL_TYPE, call.call_type.0)
}

fn build(call: &Call, party: &Party, agent: Option<String>, event: CallEvent) -> Message {
    let mut message = call_head(event.message_type, call)
        .with(AttributeId::CALL_STATE, event.state.0)
        .with(AttributeId::THIS_DN, &party.dn)
        .with(AttributeId::THIS_DN_ROLE, party.role.0)
        .with_opt(AttributeId::THIS_QUEUE, party.queue.as_ref());
    if let Some((dn, role)) = other(call, party) {
        message.push(AttributeId::OTHER_DN, dn);
        message.push(AttributeId::OTHER_DN_ROLE, role.0);
    }
    if let Some((dn, role)) = event.third {
        message.push(AttributeId::THIRD_PARTY_DN, &dn);
        if role != DnRole::UNKNOWN {
            message.push(AttributeId::THIRD_PARTY_DN_ROLE, role.0);
        }
    }
    if !call.ani.is_empty() {
        message.push(AttributeId::ANI, call.ani.as_str());
    }
    message.push(AttributeId::DNIS, &call.dnis);
    message = message.with_opt(AttributeId::AGENT_ID, agent);
    for (id, value) in event.extra {
        message.push(id, value);
    }
    // The complete list, also when nothing is left of it (reference §6.14).
    let changed = event.message_type == MessageType::EVENT_ATTACHED_DATA_CHANGED;
    if changed || !call.user_data.is_empty() {
        message.push(AttributeId::USER_DATA, call.user_data.clone());
    }
    message = message.with_opt(AttributeId::REASON, event.reasons);
    let mut extensions = event.extensions.unwrap_or_default();
    if event.headers {
        for pair in &call.headers {
            extensions.push(pair.key.clone(), pair.value.clone());
        }
    }
    let extensions = Some(extensions).filter(|extensions| !extensions.is_empty());
    message.with_opt(AttributeId::EXTENSIONS, extensions)
}

/// Who is across: the other party, or the dialed number while there is none.
fn other<'a>(call: &'a Call, party: &Party) -> Option<(&'a str, DnRole)> {
    let (dn, role) = match call.other(party.id) {
        Some(other) => (other.dn.as_str(), other.role),
        None if party.is_origin() => (call.dnis.as_str(), DnRole::DESTINATION),
        None => (call.ani.as_str(), DnRole::ORIGINATION),
    };
    (!dn.is_empty()).then_some((dn, role))
}

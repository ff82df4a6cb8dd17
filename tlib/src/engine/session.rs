//! Sessions: connections, RegisterClient, QueryServer, input masks, registration of addresses.

use std::time::Instant;

use super::client::{MASK_BYTES, mask_bit};
use super::emit::{Refused, Requester};
use super::request::{Request, handler, missing};
use super::{ClientId, Output, TServer};
use crate::catalog::{AddressInfoType, AttributeId, ErrorCode, MessageType, RegisterMode, ServerRole};
use crate::id::Dn;
use crate::message::{Message, Value};

/// Events that this server can send.
const EVENTS: &[MessageType] = &[
    MessageType::EVENT_ERROR,
    MessageType::EVENT_SERVER_INFO,
    MessageType::EVENT_LINK_CONNECTED,
    MessageType::EVENT_ACK,
    MessageType::EVENT_REGISTERED,
    MessageType::EVENT_UNREGISTERED,
    MessageType::EVENT_ADDRESS_INFO,
    MessageType::EVENT_PARTY_INFO,
    MessageType::EVENT_QUEUED,
    MessageType::EVENT_DIVERTED,
    MessageType::EVENT_ABANDONED,
    MessageType::EVENT_RINGING,
    MessageType::EVENT_DIALING,
    MessageType::EVENT_NETWORK_REACHED,
    MessageType::EVENT_DESTINATION_BUSY,
    MessageType::EVENT_ESTABLISHED,
    MessageType::EVENT_RELEASED,
    MessageType::EVENT_HELD,
    MessageType::EVENT_RETRIEVED,
    MessageType::EVENT_PARTY_CHANGED,
    MessageType::EVENT_ROUTE_REQUEST,
    MessageType::EVENT_ROUTE_USED,
    MessageType::EVENT_TREATMENT_APPLIED,
    MessageType::EVENT_TREATMENT_NOT_APPLIED,
    MessageType::EVENT_TREATMENT_END,
    MessageType::EVENT_ATTACHED_DATA_CHANGED,
    MessageType::EVENT_USER_EVENT,
    MessageType::EVENT_AGENT_LOGIN,
    MessageType::EVENT_AGENT_LOGOUT,
    MessageType::EVENT_QUEUE_LOGOUT,
    MessageType::EVENT_AGENT_READY,
    MessageType::EVENT_AGENT_NOT_READY,
    MessageType::EVENT_DN_OUT_OF_SERVICE,
    MessageType::EVENT_DN_BACK_IN_SERVICE,
];

impl TServer {
    pub(super) fn client_connected(&mut self, client: ClientId) {
        if self.clients.contains(client) {
            return;
        }
        if self.clients.len() >= self.config.settings.limits.clients {
            self.stats.clients_refused_total += 1;
            tracing::warn!(client = client.0, "client refused: limit reached");
            self.outputs.push_back(Output::Disconnect { client });
            return;
        }
        self.clients.insert(client);
    }

    pub(super) fn client_gone(&mut self, client: ClientId) {
        let Some(session) = self.clients.remove(client) else {
            return;
        };
        for dn in session.dns {
            if let Some(state) = self.dns.get_mut(&dn) {
                state.unregister(client);
                self.registrations = self.registrations.saturating_sub(1);
            }
        }
    }

    pub(super) fn register_client(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        if let Some(session) = self.clients.get_mut(request.by.client) {
            session.registered = true;
        }
        let message = Message::new(MessageType::EVENT_LINK_CONNECTED).with(
            AttributeId::APPLICATION_NAME,
            self.config.settings.application_name.as_str(),
        );
        self.reply(now, request.by, message);
        Ok(())
    }

    pub(super) fn query_server(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let started = i64::try_from(self.clock.started().as_secs()).unwrap_or(i64::MAX);
        let message = Message::new(MessageType::EVENT_SERVER_INFO)
            .with(
                AttributeId::APPLICATION_NAME,
                self.config.settings.application_name.as_str(),
            )
            .with(AttributeId::SERVER_VERSION, env!("CARGO_PKG_VERSION"))
            .with(AttributeId::SERVER_ROLE, ServerRole::PRIMARY.0)
            .with(
                AttributeId::SERVER_CAPABILITY_MASK,
                Value::Binary(bytes::Bytes::copy_from_slice(&capability_mask())),
            )
            .with(AttributeId::SERVER_START_TIME, started);
        self.reply(now, request.by, message);
        Ok(())
    }

    pub(super) fn set_input_mask(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let Some(Value::Binary(bytes)) = request.message.get(AttributeId::INPUT_MASK) else {
            return Err(missing(AttributeId::INPUT_MASK));
        };
        let mask = <[u8; MASK_BYTES]>::try_from(bytes.as_ref()).map_err(|_| {
            let text = format!("InputMask has {} bytes, 64 are needed", bytes.len());
            Refused::new(ErrorCode::INVALID_ATTRIBUTE, text)
        })?;
        if let Some(session) = self.clients.get_mut(request.by.client) {
            session.mask = Some(mask);
        }
        self.reply(now, request.by, Message::new(MessageType::EVENT_ACK));
        Ok(())
    }

    pub(super) fn register_address(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let dn = request.this_dn()?;
        let mode = register_mode(&request.message)?;
        let client = request.by.client;
        let full = self.registrations >= self.config.settings.limits.registrations;
        let Some(state) = self.dns.get_mut(&dn) else {
            return Err(not_configured(&dn));
        };
        if state.conflicts(client, mode) {
            let text = "DN is registered by another client in a mode that excludes this one";
            return Err(Refused::new(ErrorCode::RESOURCE_SEIZED, text));
        }
        if state.mode(client).is_none() {
            if full {
                let text = "limit of registrations is reached";
                return Err(Refused::new(ErrorCode::NO_MORE_LICENSES, text));
            }
            self.registrations += 1;
        }
        state.register(client, mode);
        let kind = state.kind.address_type();
        if let Some(session) = self.clients.get_mut(client) {
            session.dns.insert(dn.clone());
        }
        let message = Message::new(MessageType::EVENT_REGISTERED)
            .with(AttributeId::THIS_DN, &dn)
            .with(AttributeId::ADDRESS_INFO_TYPE, AddressInfoType::ADDRESS_TYPE.0)
            .with(AttributeId::ADDRESS_INFO_STATUS, kind.0)
            .with(AttributeId::EXTENSIONS, self.snapshot(&dn));
        self.reply(now, request.by, message);
        Ok(())
    }

    pub(super) fn unregister_address(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let dn = request.this_dn()?;
        self.check_registered(request.by, &dn)?;
        if let Some(state) = self.dns.get_mut(&dn) {
            state.unregister(request.by.client);
            self.registrations = self.registrations.saturating_sub(1);
        }
        if let Some(session) = self.clients.get_mut(request.by.client) {
            session.dns.remove(&dn);
        }
        let message = Message::new(MessageType::EVENT_UNREGISTERED).with(AttributeId::THIS_DN, &dn);
        self.reply(now, request.by, message);
        Ok(())
    }

    /// Refuses a request for a DN that does not exist or that the client did not register.
    pub(super) fn check_registered(&self, by: Requester, dn: &Dn) -> Result<RegisterMode, Refused> {
        let state = self.dns.get(dn).ok_or_else(|| not_configured(dn))?;
        state
            .mode(by.client)
            .ok_or_else(|| Refused::new(ErrorCode::NOT_REGISTERED, "client has not registered for the DN"))
    }

    /// [`TServer::check_registered`] for requests that change something: monitors may not.
    pub(super) fn check_control(&self, by: Requester, dn: &Dn) -> Result<(), Refused> {
        if self.check_registered(by, dn)? == RegisterMode::MODE_MONITOR {
            let text = "client only monitors the DN";
            return Err(Refused::new(ErrorCode::NOT_REGISTERED, text));
        }
        Ok(())
    }
}

fn register_mode(message: &Message) -> Result<RegisterMode, Refused> {
    let mode = message.int(AttributeId::REGISTER_MODE).map(RegisterMode);
    let mode = mode.unwrap_or(RegisterMode::MODE_SHARE);
    if RegisterMode::ALL.contains(&mode) {
        return Ok(mode);
    }
    let text = format!("RegisterMode {mode} is unknown");
    Err(Refused::new(ErrorCode::INVALID_ATTRIBUTE, text))
}

pub(super) fn not_configured(dn: &Dn) -> Refused {
    Refused::new(ErrorCode::DN_NOT_CONFIGURED, format!("DN {dn} is not configured"))
}

/// What the server understands and sends.
///
/// Spec: T-Library reference §1.12
fn capability_mask() -> [u8; MASK_BYTES] {
    let mut mask = [0; MASK_BYTES];
    for message_type in MessageType::ALL {
        if handler(*message_type).is_some() || EVENTS.contains(message_type) {
            let id = message_type.0;
            if let Some(byte) = mask.get_mut(usize::from(id / 8)) {
                *byte |= 1 << (id % 8);
            }
        }
    }
    debug_assert!(mask_bit(&mask, MessageType::EVENT_ERROR));
    mask
}

//! Events that clients make: of virtual queues, and user events.

use std::time::Instant;

use super::TServer;
use super::emit::Refused;
use super::request::{Request, missing};
use super::session::not_configured;
use crate::catalog::{AttributeId, ErrorCode, MessageType};
use crate::engine::DnKind;
use crate::id::Dn;
use crate::message::Message;

/// Attributes of a request that do not go into the event: it has its own.
const OWN: &[AttributeId] = &[
    AttributeId::REFERENCE_ID,
    AttributeId::USER_EVENT,
    AttributeId::EVENT_SEQUENCE_NUMBER,
    AttributeId::TIME_IN_SECS,
    AttributeId::TIME_IN_USECS,
];

impl TServer {
    /// Serves `RequestDistributeEvent`: the event named by `UserEvent`, with the request's attributes, goes to
    /// everybody registered for the virtual queue `ThisDN`.
    ///
    /// Spec: T-Library reference §6.4
    pub(super) fn distribute_event(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let dn = request.this_dn()?;
        let state = self.dns.get(&dn).ok_or_else(|| not_configured(&dn))?;
        if state.kind != DnKind::VirtualQueue {
            let text = format!("DN {dn} is not a virtual queue");
            return Err(Refused::new(ErrorCode::INCOMPATIBLE_OBJECT, text));
        }
        let id = request.message.int(AttributeId::USER_EVENT);
        let id = id.ok_or_else(|| missing(AttributeId::USER_EVENT))?;
        let message_type = u16::try_from(id).map(MessageType);
        let Some(message_type) = message_type.ok().filter(|message_type| message_type.is_event()) else {
            let text = format!("UserEvent {id} is not an event");
            return Err(Refused::new(ErrorCode::INVALID_ATTRIBUTE, text));
        };
        let mut event = Message::new(message_type);
        for attribute in request.message.attributes() {
            if !OWN.contains(&attribute.id) {
                event.push(attribute.id, attribute.value.clone());
            }
        }
        self.publish(now, dn.as_str(), event, Some(request.by));
        Ok(())
    }

    /// Serves `RequestDistributeUserEvent`: `EventUserEvent` to everybody registered for `CommunicationDN`, or
    /// `ThisDN` without it; `EventACK` to the sender.
    ///
    /// Spec: T-Library reference §4 (DistributeUserEvent)
    pub(super) fn distribute_user_event(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let message = &request.message;
        let to = message.str(AttributeId::COMMUNICATION_DN).or(message.this_dn());
        let to = to.map(Dn::from).ok_or_else(|| missing(AttributeId::THIS_DN))?;
        if !self.dns.contains_key(&to) {
            return Err(not_configured(&to));
        }
        let event = Message::new(MessageType::EVENT_USER_EVENT)
            .with_opt(AttributeId::CONN_ID, message.conn_id())
            .with(AttributeId::THIS_DN, &to)
            .with_opt(AttributeId::USER_EVENT, message.int(AttributeId::USER_EVENT))
            .with_opt(
                AttributeId::USER_DATA,
                message.kv(AttributeId::USER_DATA).cloned(),
            )
            .with_opt(AttributeId::REASON, request.reasons())
            .with_opt(AttributeId::EXTENSIONS, request.extensions());
        self.publish(now, to.as_str(), event, None);
        self.reply(now, request.by, Message::new(MessageType::EVENT_ACK));
        Ok(())
    }
}

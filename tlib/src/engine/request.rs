//! The table of requests: which handler serves which message type.

use std::time::Instant;

use super::TServer;
use super::emit::{Refused, Requester, Subject};
use super::user_data::check_bounds;
use crate::catalog::{AttributeId, ErrorCode, MessageType};
use crate::id::{ConnId, Dn};
use crate::kv::KvList;
use crate::message::Message;

/// A request on its way to its handler.
pub(super) struct Request {
    pub(super) by: Requester,
    pub(super) message: Message,
}

type Handler = fn(&mut TServer, Instant, &Request) -> Result<(), Refused>;

/// The handler of a message type, or `None` if this server does not support it.
pub(super) fn handler(message_type: MessageType) -> Option<Handler> {
    Some(match message_type {
        MessageType::REQUEST_REGISTER_CLIENT => TServer::register_client,
        MessageType::REQUEST_QUERY_SERVER => TServer::query_server,
        MessageType::REQUEST_SET_INPUT_MASK => TServer::set_input_mask,
        MessageType::REQUEST_REGISTER_ADDRESS => TServer::register_address,
        MessageType::REQUEST_UNREGISTER_ADDRESS => TServer::unregister_address,
        MessageType::REQUEST_QUERY_ADDRESS => TServer::query_address,
        MessageType::REQUEST_QUERY_CALL => TServer::query_call,
        MessageType::REQUEST_MAKE_CALL => TServer::make_call,
        MessageType::REQUEST_ANSWER_CALL => TServer::answer_call,
        MessageType::REQUEST_RELEASE_CALL => TServer::release_call,
        MessageType::REQUEST_CLEAR_CALL => TServer::clear_call,
        MessageType::REQUEST_HOLD_CALL => TServer::hold_call,
        MessageType::REQUEST_RETRIEVE_CALL => TServer::retrieve_call,
        MessageType::REQUEST_REDIRECT_CALL => TServer::redirect_call,
        MessageType::REQUEST_ROUTE_CALL => TServer::route_call,
        MessageType::REQUEST_APPLY_TREATMENT => TServer::apply_treatment,
        MessageType::REQUEST_ATTACH_USER_DATA => TServer::attach_user_data,
        MessageType::REQUEST_UPDATE_USER_DATA => TServer::update_user_data,
        MessageType::REQUEST_DELETE_PAIR => TServer::delete_pair,
        MessageType::REQUEST_DELETE_USER_DATA => TServer::delete_user_data,
        MessageType::REQUEST_DISTRIBUTE_EVENT => TServer::distribute_event,
        MessageType::REQUEST_DISTRIBUTE_USER_EVENT => TServer::distribute_user_event,
        MessageType::REQUEST_AGENT_LOGIN => TServer::agent_login,
        MessageType::REQUEST_AGENT_LOGOUT => TServer::agent_logout,
        MessageType::REQUEST_AGENT_READY => TServer::agent_ready,
        MessageType::REQUEST_AGENT_NOT_READY => TServer::agent_not_ready,
        _ => return None,
    })
}

impl TServer {
    pub(super) fn client_request(&mut self, now: Instant, client: super::ClientId, message: Message) {
        let Some(session) = self.clients.get(client) else {
            return;
        };
        let registered = session.registered;
        self.stats.requests_total += 1;
        let by = Requester::of(client, &message);
        let request = Request { by, message };
        let message_type = request.message.message_type;
        let result = match handler(message_type) {
            Some(_) if !registered && message_type != MessageType::REQUEST_REGISTER_CLIENT => {
                Err(Refused::new(
                    ErrorCode::INVALID_STATE,
                    "client has not sent RequestRegisterClient",
                ))
            }
            Some(handler) => check_bounds(&request.message).and_then(|()| handler(self, now, &request)),
            None => Err(Refused::new(
                ErrorCode::NOT_SUPPORTED,
                format!("message type {message_type} is not supported"),
            )),
        };
        if let Err(refused) = result {
            self.refuse(now, by, &Subject::of(&request.message), refused);
        }
    }
}

impl Request {
    /// A text attribute that the request must have.
    pub(super) fn text(&self, id: AttributeId) -> Result<&str, Refused> {
        self.message.str(id).ok_or_else(|| missing(id))
    }

    /// `AttributeThisDN`.
    pub(super) fn this_dn(&self) -> Result<Dn, Refused> {
        self.text(AttributeId::THIS_DN).map(Dn::from)
    }

    /// `AttributeOtherDN`, checked to be a number.
    pub(super) fn other_dn(&self) -> Result<Dn, Refused> {
        let text = self.text(AttributeId::OTHER_DN)?;
        if super::config::is_number(text) {
            return Ok(Dn::from(text));
        }
        Err(Refused::new(
            ErrorCode::INVALID_CALLED_DN,
            "OtherDN must have 1 to 64 bytes without blanks",
        ))
    }

    /// `AttributeConnID`.
    pub(super) fn conn_id(&self) -> Result<ConnId, Refused> {
        self.message
            .conn_id()
            .ok_or_else(|| missing(AttributeId::CONN_ID))
    }

    /// `AttributeReason` to pass on.
    pub(super) fn reasons(&self) -> Option<KvList> {
        self.message.kv(AttributeId::REASON).cloned()
    }

    /// `AttributeExtensions` to pass on.
    pub(super) fn extensions(&self) -> Option<KvList> {
        self.message.kv(AttributeId::EXTENSIONS).cloned()
    }
}

pub(super) fn missing(id: AttributeId) -> Refused {
    Refused::new(
        ErrorCode::INVALID_ATTRIBUTE,
        format!("attribute {id} is missing or has a wrong type"),
    )
}

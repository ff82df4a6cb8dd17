//! Requests of the catalogue as messages, with the parameters of the reference.
//!
//! Each function sets the parameters that the request must have; others are added with
//! [`Message::with`]: `make_call("1001", "1002", KvList::new()).with(AttributeId::REASON, reasons)`.
//!
//! Spec: T-Library reference §4

use crate::catalog::{
    AddressInfoType, AddressType, AgentWorkMode, AttributeId, ControlMode, MakeCallType, MessageType,
    RegisterMode, RouteType, TreatmentType,
};
use crate::id::ConnId;
use crate::kv::KvList;
use crate::message::Message;

/// Protocol identity of release 7.1, to which the catalogue belongs.
///
/// Spec: T-Library reference, protocol identity
pub const PROTOCOL_VERSION: &str = "tserver protocol 4.2";

/// `RequestRegisterClient`, the first message of a connection.
pub fn register_client(application: &str, password: Option<&str>) -> Message {
    Message::new(MessageType::REQUEST_REGISTER_CLIENT)
        .with(AttributeId::PROTOCOL_VERSION, PROTOCOL_VERSION)
        .with(AttributeId::APPLICATION_NAME, application)
        .with_opt(AttributeId::APPLICATION_PASSWORD, password)
}

/// `RequestQueryServer`.
pub const fn query_server() -> Message {
    Message::new(MessageType::REQUEST_QUERY_SERVER)
}

/// `RequestRegisterAddress`, shared, for a plain DN.
pub fn register_address(dn: &str) -> Message {
    Message::new(MessageType::REQUEST_REGISTER_ADDRESS)
        .with(AttributeId::THIS_DN, dn)
        .with(AttributeId::REGISTER_MODE, RegisterMode::MODE_SHARE)
        .with(AttributeId::CONTROL_MODE, ControlMode::REGISTER_DEFAULT)
        .with(AttributeId::ADDRESS_TYPE, AddressType::DN)
}

/// `RequestUnregisterAddress`.
pub fn unregister_address(dn: &str) -> Message {
    Message::new(MessageType::REQUEST_UNREGISTER_ADDRESS)
        .with(AttributeId::THIS_DN, dn)
        .with(AttributeId::CONTROL_MODE, ControlMode::REGISTER_DEFAULT)
}

/// `RequestQueryAddress`.
pub fn query_address(dn: &str, kind: AddressType, info: AddressInfoType) -> Message {
    Message::new(MessageType::REQUEST_QUERY_ADDRESS)
        .with(AttributeId::THIS_DN, dn)
        .with(AttributeId::ADDRESS_TYPE, kind)
        .with(AttributeId::ADDRESS_INFO_TYPE, info)
}

/// `RequestAgentLogin`; work mode `Unknown` leaves the first state to the server.
pub fn agent_login(dn: &str, agent: &str, queue: Option<&str>) -> Message {
    Message::new(MessageType::REQUEST_AGENT_LOGIN)
        .with_opt(AttributeId::THIS_QUEUE, queue)
        .with(AttributeId::THIS_DN, dn)
        .with(AttributeId::AGENT_ID, agent)
        .with(AttributeId::AGENT_WORK_MODE, AgentWorkMode::UNKNOWN)
}

/// `RequestAgentLogout`.
pub fn agent_logout(dn: &str, queue: Option<&str>) -> Message {
    Message::new(MessageType::REQUEST_AGENT_LOGOUT)
        .with_opt(AttributeId::THIS_QUEUE, queue)
        .with(AttributeId::THIS_DN, dn)
}

/// `RequestAgentReady`.
pub fn agent_ready(dn: &str, mode: AgentWorkMode) -> Message {
    Message::new(MessageType::REQUEST_AGENT_READY)
        .with(AttributeId::THIS_DN, dn)
        .with(AttributeId::AGENT_WORK_MODE, mode)
}

/// `RequestAgentNotReady`; an empty `reasons` is left out.
pub fn agent_not_ready(dn: &str, mode: AgentWorkMode, reasons: KvList) -> Message {
    Message::new(MessageType::REQUEST_AGENT_NOT_READY)
        .with(AttributeId::THIS_DN, dn)
        .with(AttributeId::AGENT_WORK_MODE, mode)
        .with_opt(AttributeId::REASON, filled(reasons))
}

/// `RequestMakeCall`; an empty `user_data` is left out.
pub fn make_call(dn: &str, to: &str, user_data: KvList) -> Message {
    Message::new(MessageType::REQUEST_MAKE_CALL)
        .with(AttributeId::THIS_DN, dn)
        .with(AttributeId::OTHER_DN, to)
        .with(AttributeId::MAKE_CALL_TYPE, MakeCallType::REGULAR)
        .with_opt(AttributeId::USER_DATA, filled(user_data))
}

/// `RequestAnswerCall`.
pub fn answer_call(dn: &str, conn: ConnId) -> Message {
    of_call(MessageType::REQUEST_ANSWER_CALL, dn, conn)
}

/// `RequestReleaseCall`.
pub fn release_call(dn: &str, conn: ConnId) -> Message {
    of_call(MessageType::REQUEST_RELEASE_CALL, dn, conn)
}

/// `RequestHoldCall`.
pub fn hold_call(dn: &str, conn: ConnId) -> Message {
    of_call(MessageType::REQUEST_HOLD_CALL, dn, conn)
}

/// `RequestRetrieveCall`.
pub fn retrieve_call(dn: &str, conn: ConnId) -> Message {
    of_call(MessageType::REQUEST_RETRIEVE_CALL, dn, conn)
}

/// `RequestRedirectCall`.
pub fn redirect_call(dn: &str, conn: ConnId, to: &str) -> Message {
    of_call(MessageType::REQUEST_REDIRECT_CALL, dn, conn).with(AttributeId::OTHER_DN, to)
}

/// `RequestRouteCall` with route type `Unknown`.
pub fn route_call(dn: &str, conn: ConnId, to: &str) -> Message {
    of_call(MessageType::REQUEST_ROUTE_CALL, dn, conn)
        .with(AttributeId::OTHER_DN, to)
        .with(AttributeId::ROUTE_TYPE, RouteType::UNKNOWN)
}

/// `RequestApplyTreatment`; an empty `parms` is left out.
pub fn apply_treatment(dn: &str, conn: ConnId, kind: TreatmentType, parms: KvList) -> Message {
    of_call(MessageType::REQUEST_APPLY_TREATMENT, dn, conn)
        .with(AttributeId::TREATMENT_TYPE, kind)
        .with_opt(AttributeId::TREATMENT_PARMS, filled(parms))
}

/// `RequestAttachUserData`: appends, also if a key exists.
pub fn attach_user_data(dn: &str, conn: ConnId, data: KvList) -> Message {
    of_call(MessageType::REQUEST_ATTACH_USER_DATA, dn, conn).with(AttributeId::USER_DATA, data)
}

/// `RequestUpdateUserData`: replaces keys that exist, adds the others.
pub fn update_user_data(dn: &str, conn: ConnId, data: KvList) -> Message {
    of_call(MessageType::REQUEST_UPDATE_USER_DATA, dn, conn).with(AttributeId::USER_DATA, data)
}

/// `RequestDeletePair`: removes one key.
pub fn delete_pair(dn: &str, conn: ConnId, key: &str) -> Message {
    of_call(MessageType::REQUEST_DELETE_PAIR, dn, conn).with(AttributeId::DATA_KEY, key)
}

/// `RequestDeleteUserData`: removes everything.
pub fn delete_user_data(dn: &str, conn: ConnId) -> Message {
    of_call(MessageType::REQUEST_DELETE_USER_DATA, dn, conn)
}

/// A request about a call at a DN.
fn of_call(kind: MessageType, dn: &str, conn: ConnId) -> Message {
    Message::new(kind)
        .with(AttributeId::THIS_DN, dn)
        .with(AttributeId::CONN_ID, conn)
}

/// The list, unless it is empty.
fn filled(list: KvList) -> Option<KvList> {
    (!list.is_empty()).then_some(list)
}

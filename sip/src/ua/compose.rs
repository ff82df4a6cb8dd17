//! Writing requests, responses and the headers that describe us.

use std::net::SocketAddr;

use bytes::Bytes;

use super::{Body, CommandError, UaConfig};
use crate::header::HeaderName;
use crate::message::Message;
use crate::method::Method;
use crate::status::StatusCode;
use crate::transport::{Destination, Flow, TransportProtocol};
use crate::uri::Uri;

/// Type of a session description.
pub(super) const SDP: &str = "application/sdp";

/// Headers that only the core writes.
const OURS: [HeaderName; 8] = [
    HeaderName::VIA,
    HeaderName::FROM,
    HeaderName::TO,
    HeaderName::CALL_ID,
    HeaderName::CSEQ,
    HeaderName::CONTENT_LENGTH,
    HeaderName::CONTENT_TYPE,
    HeaderName::RECORD_ROUTE,
];

/// Headers of the user, checked: none of ours, no control characters.
pub(super) fn check_headers(headers: &[(HeaderName, String)]) -> Result<(), CommandError> {
    let bad =
        |(name, value): &(HeaderName, String)| OURS.contains(name) || value.chars().any(char::is_control);
    if headers.iter().any(bad) {
        Err(CommandError::BadHeader)
    } else {
        Ok(())
    }
}

/// Appends headers of the user. A header of which there is one only replaces ours.
pub(super) fn push_headers(message: &mut Message, headers: &[(HeaderName, String)]) {
    const REPLACED: [HeaderName; 4] = [
        HeaderName::MAX_FORWARDS,
        HeaderName::CONTACT,
        HeaderName::USER_AGENT,
        HeaderName::SERVER,
    ];
    for name in REPLACED
        .iter()
        .filter(|name| headers.iter().any(|(own, _)| own == *name))
    {
        message.remove_header(name);
    }
    for (name, value) in headers {
        message.push_header(name, value);
    }
}

/// Sets a session description as body, if there is one.
pub(super) fn set_sdp(message: &mut Message, sdp: Option<&Bytes>) {
    if let Some(sdp) = sdp {
        message.set_body(SDP, sdp.clone());
    }
}

/// Sets a body, if there is one.
pub(super) fn set_body(message: &mut Message, body: Option<&Body>) {
    if let Some(body) = body {
        message.set_body(&body.content_type, body.bytes.clone());
    }
}

/// The session description of a message.
pub(super) fn sdp_of(message: &Message) -> Option<Bytes> {
    (!message.body().is_empty() && message.is_content_type(SDP)).then(|| message.body().clone())
}

/// Where a URI leads without name resolution: an IP address, with the port and transport it names.
///
/// Spec: RFC 3263 §4.1, §4.2 (numeric targets)
pub(super) fn destination_of(uri: &Uri) -> Option<Destination> {
    if !uri.is_sip() {
        return None;
    }
    let ip = uri.host()?.ip()?;
    let protocol = match uri.params().value("transport") {
        None => TransportProtocol::Udp,
        Some(name) => TransportProtocol::from_name(name)?,
    };
    Some(Destination::Address {
        protocol,
        remote: SocketAddr::new(ip, uri.port().unwrap_or(5060)),
    })
}

/// Where requests to the sender of a request go: its flow, unless that is known to be another than where it listens.
///
/// A peer that asks for `rport` or uses a connection is reached along the flow. A peer behind a proxy that does not
/// record its route, or that sends from a port where it does not listen, is reached at its Contact.
pub(super) fn way_back(request: &Message, flow: Flow) -> Destination {
    if flow.protocol.is_reliable() {
        return flow.into();
    }
    let rport = request.top_via().is_ok_and(|via| via.rport().is_some());
    let direct = request.vias().nth(1).is_none() || request.has_header(&HeaderName::RECORD_ROUTE);
    if rport && direct {
        return flow.into();
    }
    let contact = request.contacts().next().and_then(Result::ok);
    contact
        .and_then(|contact| destination_of(contact.uri()))
        .filter(|_| !rport || !direct)
        .unwrap_or(flow.into())
}

/// Who we are and what we can do, in headers.
#[derive(Debug)]
pub(super) struct Identity {
    /// Host and port for Via and Contact.
    pub(super) host: String,
    product: Option<String>,
    allow: String,
    pub(super) contact_user: String,
}

impl Identity {
    pub(super) fn new(config: &UaConfig) -> Self {
        let fixed = [
            Method::INVITE,
            Method::ACK,
            Method::CANCEL,
            Method::BYE,
            Method::OPTIONS,
        ];
        let mut allow = fixed.map(|method| method.to_string()).to_vec();
        for method in config
            .in_dialog_methods
            .iter()
            .chain(&config.out_of_dialog_methods)
        {
            if !allow.iter().any(|known| known == method.as_str()) {
                allow.push(method.to_string());
            }
        }
        Self {
            host: config
                .advertised
                .clone()
                .unwrap_or_else(|| "localhost.invalid".to_owned()),
            product: config.product.clone(),
            allow: allow.join(", "),
            contact_user: config.contact_user.clone(),
        }
    }

    /// Leaves a method out of Allow.
    pub(super) fn withdraw(&mut self, method: &Method) {
        let kept: Vec<&str> = self
            .allow
            .split(", ")
            .filter(|known| *known != method.as_str())
            .collect();
        self.allow = kept.join(", ");
    }

    /// Our Contact for a peer along that protocol.
    pub(super) fn contact(&self, user: &str, protocol: TransportProtocol) -> String {
        let transport = if protocol == TransportProtocol::Tcp {
            ";transport=tcp"
        } else {
            ""
        };
        format!("<sip:{user}@{}{transport}>", self.host)
    }

    /// Allow, Accept and User-Agent of a request that describes us.
    pub(super) fn describe(&self, request: &mut Message) {
        request.push_header(&HeaderName::ALLOW, &self.allow);
        if let Some(product) = &self.product {
            request.push_header(&HeaderName::USER_AGENT, product);
        }
    }

    /// A response with our tag and name.
    pub(super) fn response(&self, request: &Message, status: StatusCode, tag: &str) -> Message {
        let mut response = Message::response(request, status);
        if status != StatusCode::TRYING {
            response.set_to_tag(tag);
        }
        if let Some(product) = &self.product {
            response.push_header(&HeaderName::SERVER, product);
        }
        response
    }

    /// Allow: what a 200 to INVITE, a 200 to OPTIONS and a 405 say.
    pub(super) fn allow(&self, response: &mut Message) {
        response.push_header(&HeaderName::ALLOW, &self.allow);
    }

    /// The answer to OPTIONS. Spec: RFC 3261 §11.2
    pub(super) fn capabilities(&self, response: &mut Message) {
        self.allow(response);
        response.push_header(&HeaderName::ACCEPT, SDP);
        response.push_header(&HeaderName::ACCEPT_ENCODING, "identity");
        response.push_header(&HeaderName::SUPPORTED, "");
    }
}

/// Copies what a 2xx or a dialog-making provisional response has to repeat.
///
/// Spec: RFC 3261 §12.1.1
pub(super) fn copy_record_route(request: &Message, response: &mut Message) {
    for route in request.header_values(&HeaderName::RECORD_ROUTE) {
        response.push_header(&HeaderName::RECORD_ROUTE, route);
    }
}

/// What goes from a challenged INVITE into its ACK. Spec: RFC 3261 §22.1
pub(super) fn copy_credentials(request: &Message, ack: &mut Message) {
    for name in [HeaderName::AUTHORIZATION, HeaderName::PROXY_AUTHORIZATION] {
        for value in request.header_values(&name) {
            ack.push_header(&name, value);
        }
    }
}

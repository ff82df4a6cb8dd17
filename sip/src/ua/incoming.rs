//! Requests that come in: checks, new calls, CANCEL, ACK, and the user's decisions about an incoming call.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::call::{Call, CallInput, CallState, IncomingInvite, NO_ACK, PROGRESS, REPEAT_OK, RING, UnackedOk};
use super::compose::{SDP, check_headers, copy_record_route, push_headers, sdp_of, set_sdp, way_back};
use super::user_agent::{InviteOwner, Owner, UserAgent};
use super::{CallKey, CommandError, EndCause, UaEvent};
use crate::dialog::Dialog;
use crate::header::HeaderName;
use crate::message::{Level, Message};
use crate::method::Method;
use crate::status::StatusCode;
use crate::transaction::ServerKey;
use crate::transport::Flow;
use crate::uri::Uri;

/// Provisional responses are sent again after this time, so that no proxy gives up.
///
/// Spec: RFC 3261 §13.3.1.1
const REPEAT_PROVISIONAL: Duration = Duration::from_secs(60);

impl UserAgent {
    pub(super) fn request(&mut self, now: Instant, server: ServerKey, flow: Flow, request: Message) {
        if let Err(refusal) = request.validate(Level::Transaction) {
            self.counters.malformed += 1;
            let mut response = Message::response(&request, refusal.status);
            response.set_reason(&refusal.phrase());
            let tag = self.tokens.tag();
            response.set_to_tag(&tag);
            self.layer.respond(now, server, &response);
            return;
        }
        let Some(method) = request.method().cloned() else {
            return;
        };
        let to_tag = request.to().ok().and_then(|to| to.tag().map(str::to_owned));
        if let Some(response) = self.unsupported(&request) {
            self.layer.respond(now, server, &response);
            return;
        }
        match to_tag {
            Some(tag) => self.inside(now, server, flow, &method, &tag, request),
            None => self.outside(now, server, flow, &method, request),
        }
    }

    /// A request outside of any dialog.
    fn outside(&mut self, now: Instant, server: ServerKey, flow: Flow, method: &Method, request: Message) {
        let sip = request.request_uri().is_ok_and(|uri| uri.is_sip());
        if !sip && !self.config.out_of_dialog_methods.contains(method) {
            return self.refuse(now, server, &request, StatusCode::UNSUPPORTED_URI_SCHEME);
        }
        if *method == Method::INVITE {
            self.new_call(now, server, flow, request);
        } else if self.config.out_of_dialog_methods.contains(method) {
            if self.stopping {
                return self.refuse(now, server, &request, StatusCode::SERVICE_UNAVAILABLE);
            }
            let tag = self.tokens.tag();
            let key = self.pend(now, server, request.clone(), tag);
            self.events.push_back(UaEvent::OutOfDialog {
                request: key,
                message: request,
                flow,
            });
        } else if *method == Method::OPTIONS {
            self.answer_options(now, server, &request);
        } else if matches!(
            *method,
            Method::BYE | Method::PRACK | Method::UPDATE | Method::NOTIFY
        ) {
            self.refuse(
                now,
                server,
                &request,
                StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST,
            );
        } else {
            self.refuse_method(now, server, &request, method);
        }
    }

    /// Spec: RFC 3261 §11.2
    pub(super) fn answer_options(&mut self, now: Instant, server: ServerKey, request: &Message) {
        let full = self.stopping || self.calls.len() >= self.config.max_calls;
        let status = if full {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::OK
        };
        let tag = self.tokens.tag();
        let mut response = self.identity.response(request, status, &tag);
        self.identity.capabilities(&mut response);
        if full {
            retry_after(&mut response, self.config.retry_after);
        }
        self.layer.respond(now, server, &response);
    }

    /// 405 for a method that we know, 501 for one that we do not. Spec: RFC 3261 §8.2.1, §21.5.2
    pub(super) fn refuse_method(
        &mut self,
        now: Instant,
        server: ServerKey,
        request: &Message,
        method: &Method,
    ) {
        let status = if method.is_known() {
            StatusCode::METHOD_NOT_ALLOWED
        } else {
            StatusCode::NOT_IMPLEMENTED
        };
        let tag = self.tokens.tag();
        let mut response = self.identity.response(request, status, &tag);
        self.identity.allow(&mut response);
        self.layer.respond(now, server, &response);
    }

    /// A refusal outside of the calls.
    pub(super) fn refuse(&mut self, now: Instant, server: ServerKey, request: &Message, status: StatusCode) {
        let tag = self.tokens.tag();
        let mut response = self.identity.response(request, status, &tag);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            self.counters.overload_refusals += 1;
            retry_after(&mut response, self.config.retry_after);
        }
        if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            response.push_header(&HeaderName::ACCEPT, SDP);
        }
        self.layer.respond(now, server, &response);
    }

    /// 420 for required extensions; we have none. Spec: RFC 3261 §8.2.2.3
    fn unsupported(&mut self, request: &Message) -> Option<Message> {
        let required: Vec<&str> = request.tokens(&HeaderName::REQUIRE).collect();
        if required.is_empty() {
            return None;
        }
        let tag = self.tokens.tag();
        let mut response = self.identity.response(request, StatusCode::BAD_EXTENSION, &tag);
        response.push_header(&HeaderName::UNSUPPORTED, required.join(", "));
        Some(response)
    }

    fn new_call(&mut self, now: Instant, server: ServerKey, flow: Flow, request: Message) {
        let origin = origin(&request);
        if origin
            .as_ref()
            .is_some_and(|origin| self.by_origin.contains_key(origin))
        {
            // The same request along two ways. Spec: RFC 3261 §8.2.2.2
            return self.refuse(now, server, &request, StatusCode::LOOP_DETECTED);
        }
        if self.stopping || self.calls.len() >= self.config.max_calls {
            return self.refuse(now, server, &request, StatusCode::SERVICE_UNAVAILABLE);
        }
        if !request.body().is_empty() && sdp_of(&request).is_none() {
            return self.refuse(now, server, &request, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let tag = self.tokens.tag();
        let Ok(dialog) = Dialog::incoming(&request, &tag, way_back(&request, flow)) else {
            self.counters.malformed += 1;
            return self.refuse(now, server, &request, StatusCode::BAD_REQUEST);
        };
        let key = CallKey::incoming(self.next_call);
        self.next_call += 1;
        let user = request
            .request_uri()
            .ok()
            .and_then(|uri| uri.user().map(str::to_owned));
        let user = user.unwrap_or_else(|| self.identity.contact_user.clone());
        let contact = self.identity.contact(&user, flow.protocol);
        let call_id = dialog.id().call_id.clone();
        let mut call = Call::new(key, CallState::Offered, call_id.clone(), tag.clone(), contact);
        call.dialog = Some(dialog);
        call.incoming = Some(IncomingInvite {
            server,
            has_offer: sdp_of(&request).is_some(),
            request: request.clone(),
            provisional: None,
        });
        call.timers.set(RING, now + self.config.ring_timeout);
        self.deadlines.update(Owner::Call(key), &mut call.timers);
        self.calls.insert(key, call);
        self.by_dialog.insert((call_id, tag), key);
        self.servers.insert(server, InviteOwner::Call(key));
        if let Some(origin) = origin {
            self.by_origin.insert(origin, key);
        }
        self.counters.incoming_calls += 1;
        self.events.push_back(UaEvent::Incoming {
            call: key,
            request,
            flow,
        });
    }

    /// CANCEL. Spec: RFC 3261 §9.2
    pub(super) fn cancelled(
        &mut self,
        now: Instant,
        server: ServerKey,
        invite: Option<ServerKey>,
        cancel: &Message,
    ) {
        let Some(invite) = invite else {
            return self.refuse(
                now,
                server,
                cancel,
                StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST,
            );
        };
        let owner = self.servers.get(&invite).copied();
        let call = match owner {
            Some(InviteOwner::Call(key) | InviteOwner::Reinvite(key)) => self.calls.get(&key),
            None => None,
        };
        let tag = call.map_or_else(|| self.tokens.tag(), |call| call.local_tag.clone());
        let response = self.identity.response(cancel, StatusCode::OK, &tag);
        self.layer.respond(now, server, &response);
        match owner {
            Some(InviteOwner::Call(key)) => {
                let Some(call) = self.calls.get_mut(&key) else {
                    return;
                };
                if call.step(CallInput::Cancel) {
                    call.cause = EndCause::Remote;
                    if !call.told {
                        call.told = true;
                        self.events.push_back(UaEvent::Cancelled { call: key });
                    }
                }
                self.settle(now, key);
            }
            Some(InviteOwner::Reinvite(key)) => self.reinvite_cancelled(now, key),
            // The final response was sent already: no effect.
            None => {}
        }
    }

    /// ACK for a 2xx of ours.
    pub(super) fn acknowledged(&mut self, now: Instant, flow: Flow, ack: &Message) {
        let (Ok(call_id), Ok(to), Ok(cseq)) = (ack.call_id(), ack.to(), ack.cseq()) else {
            self.counters.malformed += 1;
            return;
        };
        let id = (call_id.to_owned(), to.tag().unwrap_or_default().to_owned());
        let key = self.by_dialog.get(&id).copied();
        let call = key.and_then(|key| self.calls.get_mut(&key));
        let (Some(key), Some(call)) = (key, call) else {
            self.counters.stray += 1;
            return;
        };
        let peer = ack
            .from()
            .ok()
            .and_then(|from| from.tag().map(str::to_owned))
            .unwrap_or_default();
        let known = call
            .dialog
            .as_ref()
            .is_some_and(|dialog| dialog.id().remote_tag == peer);
        if !known
            || call
                .unacked
                .as_ref()
                .is_none_or(|unacked| unacked.cseq != cseq.number)
        {
            self.counters.stray += 1;
            return;
        }
        call.unacked = None;
        call.timers.clear(REPEAT_OK);
        call.timers.clear(NO_ACK);
        if let Some(dialog) = call.dialog.as_mut().filter(|_| flow.protocol.is_reliable()) {
            dialog.bind(flow.into());
        }
        call.step(CallInput::Ack);
        match call.state {
            CallState::Ending => self.send_bye(now, key),
            CallState::Confirmed => {
                if !call.told {
                    self.events.push_back(UaEvent::Confirmed {
                        call: key,
                        sdp: sdp_of(ack),
                    });
                }
                self.start_reinvite(now, key);
            }
            _ => {}
        }
        self.settle(now, key);
    }

    /// A response of ours could not be sent by any way.
    pub(super) fn server_lost(&mut self, now: Instant, server: ServerKey) {
        match self.servers.get(&server).copied() {
            Some(InviteOwner::Call(key)) => {
                self.tell_over(key, EndCause::Transport);
                self.feed(now, key, CallInput::Lost);
            }
            Some(InviteOwner::Reinvite(_)) | None => {}
        }
    }

    pub(super) fn provisional(
        &mut self,
        now: Instant,
        key: CallKey,
        status: StatusCode,
        sdp: Option<Bytes>,
        headers: &[(HeaderName, String)],
    ) -> Result<(), CommandError> {
        if !(101..200).contains(&status.0) {
            return Err(CommandError::BadStatus);
        }
        check_headers(headers)?;
        self.live(key)?;
        let Some(call) = self.calls.get_mut(&key) else {
            return Err(CommandError::UnknownCall);
        };
        let Some(incoming) = call
            .incoming
            .as_mut()
            .filter(|_| call.state == CallState::Offered)
        else {
            return Err(CommandError::WrongState);
        };
        let mut response = self.identity.response(&incoming.request, status, &call.local_tag);
        copy_record_route(&incoming.request, &mut response);
        response.push_header(&HeaderName::CONTACT, &call.contact);
        push_headers(&mut response, headers);
        set_sdp(&mut response, sdp.as_ref());
        self.layer.respond(now, incoming.server, &response);
        incoming.provisional = Some(response);
        call.timers.set(PROGRESS, now + REPEAT_PROVISIONAL);
        self.settle(now, key);
        Ok(())
    }

    /// Sends the provisional response again.
    pub(super) fn repeat_provisional(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self
            .calls
            .get_mut(&key)
            .filter(|call| call.state == CallState::Offered)
        else {
            return;
        };
        if let Some(IncomingInvite {
            server,
            provisional: Some(response),
            ..
        }) = &call.incoming
        {
            self.layer.respond(now, *server, response);
            call.timers.set(PROGRESS, now + REPEAT_PROVISIONAL);
        }
    }

    pub(super) fn accept(
        &mut self,
        now: Instant,
        key: CallKey,
        sdp: &Bytes,
        headers: &[(HeaderName, String)],
    ) -> Result<(), CommandError> {
        check_headers(headers)?;
        let call = self.live(key)?;
        if call.incoming.is_none() || !call.step(CallInput::UserAccept) {
            return Err(CommandError::WrongState);
        }
        let Some(incoming) = call.incoming.take() else {
            return Err(CommandError::WrongState);
        };
        call.timers.clear(RING);
        call.timers.clear(PROGRESS);
        if let Some(dialog) = &mut call.dialog {
            dialog.confirm();
        }
        tracing::debug!(call = key.0, offer = !incoming.has_offer, "accepted");
        self.send_ok(now, key, incoming.server, &incoming.request, sdp, headers);
        Ok(())
    }

    /// 200 to INVITE or re-INVITE, repeated until the ACK. Spec: RFC 3261 §13.3.1.4
    pub(super) fn send_ok(
        &mut self,
        now: Instant,
        key: CallKey,
        server: ServerKey,
        request: &Message,
        sdp: &Bytes,
        headers: &[(HeaderName, String)],
    ) {
        let (t1, give_up) = (self.config.t1, self.give_up());
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let mut response = self.identity.response(request, StatusCode::OK, &call.local_tag);
        copy_record_route(request, &mut response);
        response.push_header(&HeaderName::CONTACT, &call.contact);
        self.identity.allow(&mut response);
        push_headers(&mut response, headers);
        set_sdp(&mut response, Some(sdp));
        call.timers.set(REPEAT_OK, now + t1);
        call.timers.set(NO_ACK, now + give_up);
        let cseq = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
        call.unacked = Some(UnackedOk {
            server,
            response: response.clone(),
            cseq,
            interval: t1,
        });
        self.finish_invite(now, server, request, &response);
        self.settle(now, key);
    }

    /// Sends the 2xx again.
    pub(super) fn repeat_ok(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let Some(unacked) = &mut call.unacked else { return };
        self.layer.respond(now, unacked.server, &unacked.response);
        unacked.interval = unacked.interval.saturating_mul(2).min(self.config.t2);
        call.timers.set(REPEAT_OK, now + unacked.interval);
    }

    pub(super) fn reject(
        &mut self,
        now: Instant,
        key: CallKey,
        status: StatusCode,
        headers: &[(HeaderName, String)],
    ) -> Result<(), CommandError> {
        if !(300..700).contains(&status.0) {
            return Err(CommandError::BadStatus);
        }
        check_headers(headers)?;
        let call = self.live(key)?;
        if call.incoming.is_none() || !call.step(CallInput::UserRefuse) {
            return Err(CommandError::WrongState);
        }
        let Some(incoming) = call.incoming.take() else {
            return Err(CommandError::WrongState);
        };
        let tag = call.local_tag.clone();
        let mut response = self.identity.response(&incoming.request, status, &tag);
        push_headers(&mut response, headers);
        self.finish_invite(now, incoming.server, &incoming.request, &response);
        self.settle(now, key);
        Ok(())
    }

    pub(super) fn redirect(
        &mut self,
        now: Instant,
        key: CallKey,
        contacts: &[Uri],
    ) -> Result<(), CommandError> {
        let contacts: Vec<String> = contacts.iter().map(|contact| format!("<{contact}>")).collect();
        let headers = [(HeaderName::CONTACT, contacts.join(", "))];
        self.reject(now, key, StatusCode::MOVED_TEMPORARILY, &headers)
    }
}

/// Call-ID, From tag and number: what a request keeps along all its ways.
pub(super) fn origin(request: &Message) -> Option<(String, String, u32)> {
    let from = request.from().ok()?;
    let tag = from.tag()?.to_owned();
    Some((
        request.call_id().ok()?.to_owned(),
        tag,
        request.cseq().ok()?.number,
    ))
}

/// Spec: RFC 3261 §20.33
pub(super) fn retry_after(response: &mut Message, after: Duration) {
    response.push_header(&HeaderName::RETRY_AFTER, after.as_secs().max(1).to_string());
}

//! Requests inside dialogs: BYE, re-INVITE both ways, and those that the user answers or sends.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::call::{CallInput, CallState, GIVE_UP, GLARE, OurReinvite, REINVITE, TheirReinvite, UserAck};
use super::compose::{check_headers, push_headers, sdp_of, set_body, set_sdp, way_back};
use super::outgoing::bump_cseq;
use super::user_agent::{InviteOwner, Owner, Purpose, UserAgent};
use super::{Body, CallKey, CommandError, EndCause, RequestKey, UaEvent};
use crate::dialog::SequenceCheck;
use crate::header::HeaderName;
use crate::message::Message;
use crate::method::Method;
use crate::status::StatusCode;
use crate::transaction::{ClientKey, ServerKey};
use crate::transport::Flow;

/// How often a re-INVITE is tried again after 491.
const MAX_GLARES: u8 = 5;

impl UserAgent {
    /// A request inside a dialog.
    pub(super) fn inside(
        &mut self,
        now: Instant,
        server: ServerKey,
        flow: Flow,
        method: &Method,
        tag: &str,
        request: Message,
    ) {
        let Some(key) = self.owner_of(&request, tag) else {
            return self.refuse(
                now,
                server,
                &request,
                StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST,
            );
        };
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let local_tag = call.local_tag.clone();
        let number = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let peer = request.from().ok().and_then(|from| from.tag().map(str::to_owned));
        let Some(dialog) = call.dialog_with(&peer.unwrap_or_default()) else {
            return;
        };
        if dialog.check_sequence(number) == SequenceCheck::OutOfOrder {
            return self.refuse(now, server, &request, StatusCode::SERVER_INTERNAL_ERROR);
        }
        dialog.bind(way_back(&request, flow));
        if *method == Method::BYE {
            self.bye(now, key, server, &request);
        } else if *method == Method::INVITE {
            self.their_reinvite(now, key, server, request);
        } else if self.config.in_dialog_methods.contains(method) {
            let pending = self.pend(now, server, request.clone(), local_tag);
            if self.calls.get(&key).is_some_and(|call| !call.told) {
                self.events.push_back(UaEvent::InDialog {
                    call: key,
                    request: pending,
                    message: request,
                });
            } else {
                // The user has left the call already. The command cannot be refused: the request is there.
                let status = StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
                let _ = self.respond(now, pending, status, &[], None);
            }
        } else if *method == Method::OPTIONS {
            self.answer_options(now, server, &request);
        } else {
            self.refuse_method(now, server, &request, method);
        }
    }

    /// The call whose dialog a request is in: Call-ID and both tags agree.
    fn owner_of(&mut self, request: &Message, tag: &str) -> Option<CallKey> {
        let id = (request.call_id().ok()?.to_owned(), tag.to_owned());
        let key = *self.by_dialog.get(&id)?;
        let from = request.from().ok()?;
        self.calls
            .get_mut(&key)?
            .dialog_with(from.tag().unwrap_or_default())?;
        Some(key)
    }

    /// Spec: RFC 3261 §15.1.2
    fn bye(&mut self, now: Instant, key: CallKey, server: ServerKey, request: &Message) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let response = self.identity.response(request, StatusCode::OK, &call.local_tag);
        self.layer.respond(now, server, &response);
        call.cause = EndCause::Remote;
        self.feed(now, key, CallInput::Bye);
    }

    /// Sends BYE; the call is in the state for it.
    pub(super) fn send_bye(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        call.timers.clear_all();
        call.unacked = None;
        call.our_reinvite = None;
        let Some(dialog) = &mut call.dialog else { return };
        let mut request = dialog.request(&Method::BYE);
        push_headers(&mut request, &call.leave_headers);
        if let Some(digest) = &mut call.digest {
            digest.authorize(&mut request, &self.tokens.call_id());
        }
        match self.layer.request(now, dialog.destination(), request.clone()) {
            Ok(client) => {
                self.clients.insert(client, Purpose::Bye { call: key, request });
                // Longer than timer F, with one more try: never reached unless the transaction forgot us.
                let limit = now + self.config.t1.saturating_mul(64 * 3);
                if let Some(call) = self.calls.get_mut(&key) {
                    call.timers.set(GIVE_UP, limit);
                }
            }
            Err(_) => drop(call.step(CallInput::Lost)),
        }
    }

    pub(super) fn bye_response(
        &mut self,
        now: Instant,
        client: ClientKey,
        status: StatusCode,
        response: &Message,
    ) {
        let Some(Purpose::Bye { call, request }) = self.clients.get(&client) else {
            return;
        };
        let (key, request) = (*call, request.clone());
        if let Some((client, request)) = self.answer_challenge(now, key, status, response, request) {
            self.clients.insert(client, Purpose::Bye { call: key, request });
            return;
        }
        self.feed(now, key, CallInput::ByeDone);
    }

    /// Sends a challenged request again with credentials, if we have some that were not refused.
    fn answer_challenge(
        &mut self,
        now: Instant,
        key: CallKey,
        status: StatusCode,
        response: &Message,
        mut request: Message,
    ) -> Option<(ClientKey, Message)> {
        if !matches!(
            status,
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        ) {
            return None;
        }
        let call = self.calls.get_mut(&key)?;
        let cnonce = self.tokens.call_id();
        call.digest
            .as_mut()?
            .answer(response, &mut request, &cnonce)
            .ok()?;
        let dialog = call.dialog.as_mut()?;
        let method = request.method().cloned()?;
        let number = dialog.request(&method).cseq().ok()?.number;
        request.set_header(
            &HeaderName::CSEQ,
            format!("{} {method}", number.saturating_sub(1)),
        );
        bump_cseq(&mut request, &method);
        let client = self
            .layer
            .request(now, dialog.destination(), request.clone())
            .ok()?;
        Some((client, request))
    }

    /// The peer does not answer inside the dialog, or does not know it.
    ///
    /// Spec: RFC 3261 §12.2.1.2
    fn dialog_lost(&mut self, now: Instant, key: CallKey, status: StatusCode) {
        // What happens in an early dialog does not decide about the call.
        if self.calls.get(&key).is_none_or(|call| call.dialog.is_none()) {
            return;
        }
        let cause = if status == StatusCode::SERVICE_UNAVAILABLE {
            EndCause::Transport
        } else {
            EndCause::DialogLost
        };
        self.tell_over(key, cause);
        let gone = status == StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
        let input = if gone { CallInput::Lost } else { CallInput::Silence };
        let stepped = self.calls.get_mut(&key).is_some_and(|call| call.step(input));
        if stepped && !gone {
            self.send_bye(now, key);
        }
        self.settle(now, key);
    }

    pub(super) fn in_dialog(
        &mut self,
        now: Instant,
        key: CallKey,
        method: &Method,
        headers: &[(HeaderName, String)],
        body: Option<&Body>,
    ) -> Result<(), CommandError> {
        const OURS: [Method; 7] = [
            Method::INVITE,
            Method::ACK,
            Method::CANCEL,
            Method::BYE,
            Method::PRACK,
            Method::UPDATE,
            Method::REGISTER,
        ];
        if OURS.contains(method) {
            return Err(CommandError::BadMethod);
        }
        check_headers(headers)?;
        self.live(key)?;
        let Some(call) = self.calls.get_mut(&key) else {
            return Err(CommandError::UnknownCall);
        };
        let standing = matches!(call.state, CallState::Accepting | CallState::Confirmed);
        // An endpoint that rings is reached in the last early dialog it made.
        let ringing = call.state == CallState::Proceeding;
        let dialog = match &mut call.dialog {
            Some(dialog) if standing => Some(dialog),
            None if ringing => call.early.last_mut(),
            _ => None,
        };
        let dialog = dialog.ok_or(CommandError::WrongState)?;
        let mut request = dialog.request(method);
        request.push_header(&HeaderName::CONTACT, &call.contact);
        push_headers(&mut request, headers);
        set_body(&mut request, body);
        if let Some(digest) = &mut call.digest {
            digest.authorize(&mut request, &self.tokens.call_id());
        }
        let client = self
            .layer
            .request(now, dialog.destination(), request.clone())
            .map_err(|_| CommandError::TooManyTransactions)?;
        self.clients
            .insert(client, Purpose::InDialog { call: key, request });
        Ok(())
    }

    pub(super) fn in_dialog_response(
        &mut self,
        now: Instant,
        client: ClientKey,
        status: StatusCode,
        response: Message,
    ) {
        let Some(Purpose::InDialog { call, request }) = self.clients.get(&client) else {
            return;
        };
        let (key, request) = (*call, request.clone());
        let method = request.method().cloned().unwrap_or(Method::INFO);
        if let Some((client, request)) = self.answer_challenge(now, key, status, &response, request) {
            self.clients
                .insert(client, Purpose::InDialog { call: key, request });
            return;
        }
        if self.calls.get(&key).is_some_and(|call| !call.told) {
            self.events.push_back(UaEvent::InDialogResult {
                call: key,
                method: method.clone(),
                status,
                response: Some(response),
            });
        }
        // A phone without the event package refuses NOTIFY with 481 and talks on.
        let unknown = status == StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST && method != Method::NOTIFY;
        if unknown || status == StatusCode::REQUEST_TIMEOUT {
            self.dialog_lost(now, key, status);
        }
    }

    pub(super) fn in_dialog_silence(
        &mut self,
        now: Instant,
        key: CallKey,
        method: Method,
        status: StatusCode,
    ) {
        if self.calls.get(&key).is_some_and(|call| !call.told) {
            self.events.push_back(UaEvent::InDialogResult {
                call: key,
                method,
                status,
                response: None,
            });
        }
        self.dialog_lost(now, key, status);
    }

    /// The user answers a request.
    pub(super) fn respond(
        &mut self,
        now: Instant,
        key: RequestKey,
        status: StatusCode,
        headers: &[(HeaderName, String)],
        body: Option<&Body>,
    ) -> Result<(), CommandError> {
        if !(200..700).contains(&status.0) {
            return Err(CommandError::BadStatus);
        }
        check_headers(headers)?;
        let mut pending = self.requests.remove(&key).ok_or(CommandError::UnknownRequest)?;
        self.deadlines.remove(Owner::Request(key), &mut pending.timers);
        let mut response = self.identity.response(&pending.request, status, &pending.tag);
        push_headers(&mut response, headers);
        set_body(&mut response, body);
        self.layer.respond(now, pending.server, &response);
        Ok(())
    }

    pub(super) fn user_ack(
        &mut self,
        now: Instant,
        key: CallKey,
        sdp: Option<&Bytes>,
    ) -> Result<(), CommandError> {
        let call = self.live(key)?;
        let owed = call.user_ack.take().ok_or(CommandError::WrongState)?;
        call.timers.clear(REINVITE);
        call.step(CallInput::UserAck);
        self.send_ack(key, owed.client, owed.cseq, sdp);
        self.start_reinvite(now, key);
        self.settle(now, key);
        Ok(())
    }

    pub(super) fn reinvite(
        &mut self,
        now: Instant,
        key: CallKey,
        sdp: Option<Bytes>,
        headers: Vec<(HeaderName, String)>,
    ) -> Result<(), CommandError> {
        check_headers(&headers)?;
        let call = self.live(key)?;
        let standing = matches!(call.state, CallState::Accepting | CallState::Confirmed);
        if !standing
            || call.our_reinvite.is_some()
            || call.their_reinvite.is_some()
            || call.user_ack.is_some()
        {
            return Err(CommandError::WrongState);
        }
        call.our_reinvite = Some(OurReinvite {
            sdp,
            headers,
            client: None,
            glares: 0,
        });
        self.start_reinvite(now, key);
        self.settle(now, key);
        Ok(())
    }

    /// Sends the re-INVITE that waits, if nothing is in its way; called again when that changes.
    pub(super) fn start_reinvite(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        if call.state != CallState::Confirmed || !call.is_settled() || call.timers.is_set(GLARE) {
            return;
        }
        let (Some(reinvite), Some(dialog)) = (&mut call.our_reinvite, &mut call.dialog) else {
            return;
        };
        if reinvite.client.is_some() {
            return;
        }
        let mut request = dialog.request(&Method::INVITE);
        request.push_header(&HeaderName::CONTACT, &call.contact);
        self.identity.describe(&mut request);
        push_headers(&mut request, &reinvite.headers);
        set_sdp(&mut request, reinvite.sdp.as_ref());
        if let Some(digest) = &mut call.digest {
            digest.authorize(&mut request, &self.tokens.call_id());
        }
        match self.layer.request(now, dialog.destination(), request.clone()) {
            Ok(client) => {
                reinvite.client = Some(client);
                self.clients.insert(
                    client,
                    Purpose::Reinvite {
                        call: key,
                        request,
                        ack: None,
                    },
                );
            }
            Err(_) => self.reinvite_over(key, StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    fn reinvite_over(&mut self, key: CallKey, status: StatusCode) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        call.our_reinvite = None;
        call.timers.clear(GLARE);
        if !call.told {
            self.events
                .push_back(UaEvent::ReinviteFailed { call: key, status });
        }
    }

    pub(super) fn reinvite_response(
        &mut self,
        now: Instant,
        client: ClientKey,
        flow: Flow,
        status: StatusCode,
        response: &Message,
    ) {
        let Some(Purpose::Reinvite { call, request, ack }) = self.clients.get(&client) else {
            return;
        };
        let key = *call;
        if status.is_provisional() {
            return;
        }
        if status.is_success() {
            if let Some((destination, ack)) = ack.clone() {
                return self.layer.send_again(destination, ack);
            }
            return self.reinvite_success(now, client, key, flow, response);
        }
        let request = request.clone();
        let current = |call: &super::call::Call| {
            call.our_reinvite
                .as_ref()
                .is_some_and(|reinvite| reinvite.client == Some(client))
        };
        if !self.calls.get(&key).is_some_and(current) {
            return;
        }
        if let Some((client, request)) = self.answer_challenge(now, key, status, response, request) {
            if let Some(reinvite) = self
                .calls
                .get_mut(&key)
                .and_then(|call| call.our_reinvite.as_mut())
            {
                reinvite.client = Some(client);
            }
            self.clients.insert(
                client,
                Purpose::Reinvite {
                    call: key,
                    request,
                    ack: None,
                },
            );
            return;
        }
        match status {
            StatusCode::REQUEST_PENDING => self.glare(now, key),
            StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST | StatusCode::REQUEST_TIMEOUT => {
                self.reinvite_over(key, status);
                self.dialog_lost(now, key, status);
            }
            _ => self.reinvite_over(key, status),
        }
        self.settle(now, key);
    }

    fn reinvite_success(
        &mut self,
        now: Instant,
        client: ClientKey,
        key: CallKey,
        flow: Flow,
        response: &Message,
    ) {
        let cseq = response.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        if call.user_ack.is_some() {
            return;
        }
        if let Some(dialog) = &mut call.dialog {
            dialog.refresh_target(response);
            if flow.protocol.is_reliable() {
                dialog.bind(flow.into());
            }
        }
        let had_offer = call
            .our_reinvite
            .take()
            .is_none_or(|reinvite| reinvite.sdp.is_some());
        let sdp = sdp_of(response);
        let offer = !had_offer && sdp.is_some() && call.state == CallState::Confirmed;
        if offer {
            call.user_ack = Some(UserAck { client, cseq });
            call.timers.set(REINVITE, now + self.config.answer_timeout);
        }
        let told = call.told;
        if !offer {
            self.send_ack(key, client, cseq, None);
        }
        if !told {
            self.events.push_back(UaEvent::ReinviteAnswered {
                call: key,
                sdp,
                offer,
            });
        }
        self.settle(now, key);
    }

    /// Both sides re-INVITEd at once: try again later, the side that made the call the later one.
    ///
    /// Spec: RFC 3261 §14.1
    fn glare(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let Some(reinvite) = &mut call.our_reinvite else {
            return;
        };
        reinvite.client = None;
        reinvite.glares += 1;
        if reinvite.glares > MAX_GLARES {
            return self.reinvite_over(key, StatusCode::REQUEST_PENDING);
        }
        let units = if key.is_outgoing() {
            210 + self.tokens.below(191)
        } else {
            self.tokens.below(201)
        };
        call.timers.set(GLARE, now + Duration::from_millis(units * 10));
    }

    pub(super) fn reinvite_silence(&mut self, now: Instant, key: CallKey, status: StatusCode) {
        if self
            .calls
            .get(&key)
            .is_some_and(|call| call.our_reinvite.is_some())
        {
            self.reinvite_over(key, status);
            self.dialog_lost(now, key, status);
        }
    }

    /// The peer's re-INVITE. Spec: RFC 3261 §14.2
    fn their_reinvite(&mut self, now: Instant, key: CallKey, server: ServerKey, request: Message) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        if call.their_reinvite.is_some() || call.state == CallState::Offered {
            let mut response =
                self.identity
                    .response(&request, StatusCode::SERVER_INTERNAL_ERROR, &call.local_tag);
            super::incoming::retry_after(&mut response, Duration::from_secs(1 + self.tokens.below(10)));
            self.layer.respond(now, server, &response);
            return;
        }
        let ours = call
            .our_reinvite
            .as_ref()
            .is_some_and(|reinvite| reinvite.client.is_some());
        let refusal = if !request.body().is_empty() && sdp_of(&request).is_none() {
            Some(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        } else if ours || call.user_ack.is_some() {
            Some(StatusCode::REQUEST_PENDING)
        } else if call.told || !matches!(call.state, CallState::Accepting | CallState::Confirmed) {
            Some(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST)
        } else {
            None
        };
        if let Some(status) = refusal {
            return self.refuse(now, server, &request, status);
        }
        if let Some(dialog) = &mut call.dialog {
            dialog.refresh_target(&request);
        }
        call.timers.set(REINVITE, now + self.config.answer_timeout);
        call.their_reinvite = Some(TheirReinvite {
            server,
            request: request.clone(),
        });
        self.servers.insert(server, InviteOwner::Reinvite(key));
        self.events.push_back(UaEvent::Reinvited {
            call: key,
            sdp: sdp_of(&request),
            request,
        });
        self.settle(now, key);
    }

    pub(super) fn accept_reinvite(
        &mut self,
        now: Instant,
        key: CallKey,
        sdp: &Bytes,
    ) -> Result<(), CommandError> {
        let call = self.live(key)?;
        let reinvite = call.their_reinvite.take().ok_or(CommandError::WrongState)?;
        call.timers.clear(REINVITE);
        self.send_ok(now, key, reinvite.server, &reinvite.request, sdp, &[]);
        Ok(())
    }

    pub(super) fn reject_reinvite(
        &mut self,
        now: Instant,
        key: CallKey,
        status: StatusCode,
    ) -> Result<(), CommandError> {
        if !(300..700).contains(&status.0) {
            return Err(CommandError::BadStatus);
        }
        self.live(key)?;
        self.end_reinvite(now, key, status)
    }

    pub(super) fn end_reinvite(
        &mut self,
        now: Instant,
        key: CallKey,
        status: StatusCode,
    ) -> Result<(), CommandError> {
        let call = self.calls.get_mut(&key).ok_or(CommandError::UnknownCall)?;
        let reinvite = call.their_reinvite.take().ok_or(CommandError::WrongState)?;
        call.timers.clear(REINVITE);
        let response = self.identity.response(&reinvite.request, status, &call.local_tag);
        self.finish_invite(now, reinvite.server, &reinvite.request, &response);
        self.start_reinvite(now, key);
        self.settle(now, key);
        Ok(())
    }

    /// The peer takes its re-INVITE back.
    pub(super) fn reinvite_cancelled(&mut self, now: Instant, key: CallKey) {
        let ended = self
            .end_reinvite(now, key, StatusCode::REQUEST_TERMINATED)
            .is_ok();
        if ended && self.calls.get(&key).is_some_and(|call| !call.told) {
            self.events.push_back(UaEvent::ReinviteCancelled { call: key });
        }
    }
}

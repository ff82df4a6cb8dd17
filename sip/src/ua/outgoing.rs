//! Outgoing calls: INVITE, its responses, forks, CANCEL and credentials.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;

use super::call::{Call, CallInput, CallState, GIVE_UP, OutgoingInvite, REINVITE, RING, UserAck};
use super::compose::{check_headers, copy_credentials, destination_of, push_headers, sdp_of, set_sdp};
use super::user_agent::{MAX_FORKS, Owner, Purpose, UserAgent};
use super::{CallKey, CommandError, EndCause, FailureCause, Invite, UaEvent};
use crate::auth::DigestClient;
use crate::dialog::Dialog;
use crate::header::{HeaderName, NameAddr};
use crate::message::Message;
use crate::method::Method;
use crate::status::StatusCode;
use crate::transaction::ClientKey;
use crate::transport::{Destination, Flow, TransportProtocol};

impl UserAgent {
    pub(super) fn invite(&mut self, now: Instant, key: CallKey, invite: Invite) -> Result<(), CommandError> {
        if self.stopping {
            return Err(CommandError::ShuttingDown);
        }
        if !key.is_outgoing() || self.calls.contains_key(&key) {
            return Err(CommandError::BadKey);
        }
        if self.calls.len() >= self.config.max_calls {
            return Err(CommandError::TooManyCalls);
        }
        check_headers(&invite.headers)?;
        let fixed = invite.destination.is_some();
        let destination = match invite.destination {
            Some(destination) => destination,
            None => first_hop(&invite).ok_or(CommandError::NoDestination)?,
        };
        let mut call = Call::new(
            key,
            CallState::Calling,
            self.tokens.call_id(),
            self.tokens.tag(),
            String::new(),
        );
        call.contact = match &invite.contact {
            Some(contact) => format!("<{contact}>"),
            None => {
                let user = invite.from.uri().user().unwrap_or(&self.identity.contact_user);
                self.identity.contact(user, destination.protocol())
            }
        };
        let request = self.compose_invite(&call, &invite);
        let client = self
            .layer
            .request(now, destination, request.clone())
            .map_err(|_| CommandError::TooManyTransactions)?;
        self.clients.insert(
            client,
            Purpose::Invite {
                call: key,
                acks: BTreeMap::new(),
            },
        );
        call.digest = invite.account.map(DigestClient::new);
        call.outgoing = Some(OutgoingInvite {
            client,
            request,
            destination,
            fixed,
            has_offer: invite.sdp.is_some(),
            cancel_sent: false,
        });
        call.timers
            .set(RING, now + invite.timeout.unwrap_or(self.config.ring_timeout));
        self.deadlines.update(Owner::Call(key), &mut call.timers);
        self.by_dialog
            .insert((call.call_id.clone(), call.local_tag.clone()), key);
        self.calls.insert(key, call);
        self.counters.outgoing_calls += 1;
        Ok(())
    }

    fn compose_invite(&mut self, call: &Call, invite: &Invite) -> Message {
        let target = invite.target.without_headers();
        let mut request = Message::request(Method::INVITE, &target);
        request.push_header(&HeaderName::MAX_FORWARDS, invite.max_forwards.to_string());
        request.push_header(&HeaderName::FROM, invite.from.with_tag(&call.local_tag).as_str());
        let to = match &invite.to {
            Some(to) => to.without_param("tag"),
            None => NameAddr::new(target),
        };
        request.push_header(&HeaderName::TO, to.as_str());
        request.push_header(&HeaderName::CALL_ID, &call.call_id);
        request.push_header(&HeaderName::CSEQ, format!("{} INVITE", self.tokens.cseq()));
        request.push_header(&HeaderName::CONTACT, &call.contact);
        self.identity.describe(&mut request);
        push_headers(&mut request, &invite.headers);
        set_sdp(&mut request, invite.sdp.as_ref());
        request
    }

    pub(super) fn invite_response(
        &mut self,
        now: Instant,
        client: ClientKey,
        flow: Flow,
        status: StatusCode,
        response: Message,
    ) {
        let Some(Purpose::Invite { call, .. }) = self.clients.get(&client) else {
            return;
        };
        let key = *call;
        if status.is_provisional() {
            self.invite_progress(now, key, flow, status, response);
        } else if status.is_success() {
            self.invite_success(now, client, key, flow, response);
        } else {
            self.invite_failure(now, client, key, status, response);
        }
    }

    fn invite_progress(
        &mut self,
        now: Instant,
        key: CallKey,
        flow: Flow,
        status: StatusCode,
        response: Message,
    ) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        if !call.step(CallInput::Provisional) {
            return;
        }
        if call.state == CallState::Cancelling {
            self.send_cancel(now, key);
        } else if status != StatusCode::TRYING {
            remember_early(call, flow, &response);
            let sdp = sdp_of(&response);
            self.events.push_back(UaEvent::Progress {
                call: key,
                status,
                sdp,
                response,
            });
        }
    }

    fn invite_success(
        &mut self,
        now: Instant,
        client: ClientKey,
        key: CallKey,
        flow: Flow,
        response: Message,
    ) {
        let tag = remote_tag(&response);
        if let Some(Purpose::Invite { acks, .. }) = self.clients.get(&client)
            && let Some((destination, ack)) = acks.get(&tag)
        {
            self.layer.send_again(*destination, ack.clone());
            return;
        }
        let Some(call) = self.calls.get_mut(&key).filter(|call| call.outgoing.is_some()) else {
            return self.dispose_fork(now, client, flow, &response);
        };
        if let Some(dialog) = &call.dialog {
            // The same answer again while the user still owes the ACK, or another branch.
            if dialog.id().remote_tag != tag {
                self.dispose_fork(now, client, flow, &response);
            }
            return;
        }
        let (fixed, sent_to, has_offer) = match &call.outgoing {
            Some(outgoing) => (outgoing.fixed, outgoing.destination, outgoing.has_offer),
            None => return,
        };
        let mut dialog = match Dialog::outgoing(&response, bind(fixed, sent_to, flow, &response)) {
            Ok(dialog) => dialog,
            Err(error) => {
                tracing::warn!(call = key.0, %error, "answer makes no dialog");
                return self.fail(
                    now,
                    key,
                    StatusCode::BAD_GATEWAY,
                    FailureCause::BadResponse,
                    Some(response),
                );
            }
        };
        let cseq = dialog.local_cseq();
        if let Some(early) = call.dialog_with(&tag) {
            dialog.continue_from(early);
        }
        call.early.clear();
        call.dialog = Some(dialog);
        let sdp = sdp_of(&response);
        let offer = !has_offer && sdp.is_some();
        let input = if offer {
            CallInput::SuccessWithOffer
        } else {
            CallInput::SuccessWithAnswer
        };
        if !call.step(input) {
            return self.settle(now, key);
        }
        call.timers.clear(RING);
        call.timers.clear(GIVE_UP);
        match call.state {
            CallState::Answered => {
                call.user_ack = Some(UserAck { client, cseq });
                call.timers.set(REINVITE, now + self.config.answer_timeout);
            }
            CallState::Ending => {
                self.send_ack(key, client, cseq, None);
                self.send_bye(now, key);
                return self.settle(now, key);
            }
            _ => self.send_ack(key, client, cseq, None),
        }
        self.events.push_back(UaEvent::Answered {
            call: key,
            sdp,
            offer,
            response,
        });
        self.settle(now, key);
    }

    fn invite_failure(
        &mut self,
        now: Instant,
        client: ClientKey,
        key: CallKey,
        status: StatusCode,
        response: Message,
    ) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let Some(outgoing) = call
            .outgoing
            .as_mut()
            .filter(|outgoing| outgoing.client == client)
        else {
            return;
        };
        let challenged = matches!(
            status,
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        );
        let open = matches!(call.state, CallState::Calling | CallState::Proceeding);
        if challenged && open {
            let mut retry = outgoing.request.clone();
            let cnonce = self.tokens.call_id();
            let answered = call
                .digest
                .as_mut()
                .is_some_and(|digest| digest.answer(&response, &mut retry, &cnonce).is_ok());
            if answered {
                bump_cseq(&mut retry, &Method::INVITE);
                if let Ok(client) = self.layer.request(now, outgoing.destination, retry.clone()) {
                    outgoing.client = client;
                    outgoing.request = retry;
                    call.state = CallState::Calling;
                    call.early.clear();
                    self.clients.insert(
                        client,
                        Purpose::Invite {
                            call: key,
                            acks: BTreeMap::new(),
                        },
                    );
                    return;
                }
            }
        }
        let cause = if challenged {
            FailureCause::Unauthorized
        } else {
            FailureCause::Refused
        };
        self.fail(now, key, status, cause, Some(response));
    }

    pub(super) fn invite_silence(&mut self, now: Instant, key: CallKey, status: StatusCode) {
        let cause = if status == StatusCode::REQUEST_TIMEOUT {
            FailureCause::NoResponse
        } else {
            FailureCause::Transport
        };
        let waiting = self.calls.get(&key).is_some_and(|call| call.dialog.is_none());
        if waiting {
            self.fail(now, key, status, cause, None);
        }
    }

    /// The outgoing call comes to nothing.
    fn fail(
        &mut self,
        now: Instant,
        key: CallKey,
        status: StatusCode,
        cause: FailureCause,
        response: Option<Message>,
    ) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        if call.step(CallInput::Failure) && !call.told {
            call.told = true;
            self.events.push_back(UaEvent::Failed {
                call: key,
                status,
                cause,
                response,
            });
        }
        self.settle(now, key);
    }

    /// The outgoing call was not answered in the user's time: give up, as the user would.
    pub(super) fn ring_timeout(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        if !call.told {
            call.told = true;
            self.events.push_back(UaEvent::Failed {
                call: key,
                status: StatusCode::REQUEST_TIMEOUT,
                cause: FailureCause::RingTimeout,
                response: None,
            });
        }
        self.leave(now, key);
    }

    pub(super) fn hangup(
        &mut self,
        now: Instant,
        key: CallKey,
        headers: Vec<(HeaderName, String)>,
    ) -> Result<(), CommandError> {
        check_headers(&headers)?;
        self.live(key)?.leave_headers = headers;
        self.tell_over(key, EndCause::Local);
        self.leave(now, key);
        Ok(())
    }

    /// Ends a call from our side, as its state demands.
    pub(super) fn leave(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let before = call.state;
        if !call.step(CallInput::UserHangup) {
            return;
        }
        match (before, call.state) {
            (CallState::Proceeding, _) => self.send_cancel(now, key),
            // Without any response CANCEL has to wait for one; timer B ends it otherwise. Spec: RFC 3261 §9.1
            (CallState::Calling, _) => call.timers.clear(RING),
            (CallState::Answered, _) => {
                if let Some(UserAck { client, cseq }) = call.user_ack.take() {
                    self.send_ack(key, client, cseq, None);
                }
                self.send_bye(now, key);
            }
            (_, CallState::Ending) => self.send_bye(now, key),
            _ => {}
        }
        self.settle(now, key);
    }

    fn send_cancel(&mut self, now: Instant, key: CallKey) {
        let limit = now + self.give_up();
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        call.timers.clear(RING);
        call.give_up_at(limit);
        if let Some(outgoing) = call.outgoing.as_mut().filter(|outgoing| !outgoing.cancel_sent) {
            outgoing.cancel_sent = true;
            if let Some(client) = self.layer.cancel(now, outgoing.client, &call.leave_headers) {
                self.clients.insert(client, Purpose::Nothing);
            }
        }
        self.settle(now, key);
    }

    /// ACK for a 2xx to our INVITE or re-INVITE, kept for repeats of the 2xx.
    pub(super) fn send_ack(&mut self, key: CallKey, client: ClientKey, cseq: u32, sdp: Option<&Bytes>) {
        let Some(dialog) = self.calls.get(&key).and_then(|call| call.dialog.as_ref()) else {
            return;
        };
        let mut ack = dialog.ack(cseq);
        match (self.clients.get(&client), self.calls.get(&key)) {
            (Some(Purpose::Reinvite { request, .. }), _) => copy_credentials(request, &mut ack),
            (
                _,
                Some(Call {
                    outgoing: Some(outgoing),
                    ..
                }),
            ) => copy_credentials(&outgoing.request, &mut ack),
            _ => {}
        }
        set_sdp(&mut ack, sdp);
        let (destination, tag) = (dialog.destination(), dialog.id().remote_tag.clone());
        let bytes = self.layer.send_ack(destination, ack);
        match self.clients.get_mut(&client) {
            Some(Purpose::Invite { acks, .. }) => drop(acks.insert(tag, (destination, bytes))),
            Some(Purpose::Reinvite { ack, .. }) => *ack = Some((destination, bytes)),
            _ => {}
        }
    }

    /// A 2xx that no call wants, from another branch or too late: acknowledged and ended at once.
    ///
    /// Spec: RFC 3261 §13.2.2.4
    fn dispose_fork(&mut self, now: Instant, client: ClientKey, flow: Flow, response: &Message) {
        let Some(Purpose::Invite { acks, .. }) = self.clients.get_mut(&client) else {
            return;
        };
        if acks.len() >= MAX_FORKS {
            return;
        }
        let Ok(mut dialog) = Dialog::outgoing(response, flow.into()) else {
            return;
        };
        let ack = dialog.ack(dialog.local_cseq());
        let bytes = self.layer.send_ack(flow.into(), ack);
        acks.insert(dialog.id().remote_tag.clone(), (flow.into(), bytes));
        let bye = dialog.request(&Method::BYE);
        if let Ok(bye) = self.layer.request(now, flow.into(), bye) {
            self.clients.insert(bye, Purpose::Nothing);
        }
    }
}

/// Keeps the dialog that a provisional response makes: a phone that rings can be sent requests already.
///
/// Spec: RFC 3261 §12.1.2
fn remember_early(call: &mut Call, flow: Flow, response: &Message) {
    let tag = remote_tag(response);
    let Some(outgoing) = &call.outgoing else { return };
    if tag.is_empty()
        || call.early.len() >= MAX_FORKS
        || call.early.iter().any(|early| early.id().remote_tag == tag)
    {
        return;
    }
    if let Ok(early) = Dialog::outgoing(
        response,
        bind(outgoing.fixed, outgoing.destination, flow, response),
    ) {
        call.early.push(early);
    }
}

/// Where the first request goes when the user does not say: the first Route, or the target.
fn first_hop(invite: &Invite) -> Option<Destination> {
    let route = invite.headers.iter().find(|(name, _)| *name == HeaderName::ROUTE);
    match route {
        Some((_, route)) => destination_of(route.parse::<NameAddr>().ok()?.uri()),
        None => destination_of(&invite.target),
    }
}

/// Which way the requests of the new dialog go: the connection the answer came along, the destination the user
/// named, or the Contact when nobody recorded a route.
fn bind(fixed: bool, sent_to: Destination, flow: Flow, response: &Message) -> Destination {
    if flow.protocol != TransportProtocol::Udp {
        return flow.into();
    }
    if fixed || response.has_header(&HeaderName::RECORD_ROUTE) {
        return sent_to;
    }
    let contact = response.contacts().next().and_then(Result::ok);
    contact
        .and_then(|contact| destination_of(contact.uri()))
        .unwrap_or(sent_to)
}

pub(super) fn remote_tag(response: &Message) -> String {
    response
        .to()
        .ok()
        .and_then(|to| to.tag().map(str::to_owned))
        .unwrap_or_default()
}

/// The next number, for a request that is tried again.
pub(super) fn bump_cseq(request: &mut Message, method: &Method) {
    let number = request.cseq().map_or(1, |cseq| cseq.number.saturating_add(1));
    request.set_header(&HeaderName::CSEQ, format!("{number} {method}"));
}

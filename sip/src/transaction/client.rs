//! One client transaction.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::layer::{ClientKey, Effects, TransactionEvent};
use super::table::{ClientInvite, ClientInviteEvent, ClientNonInvite, ClientNonInviteEvent};
use super::timer::Timers;
use crate::header::HeaderName;
use crate::message::Message;
use crate::method::Method;
use crate::status::StatusCode;
use crate::transport::{Destination, Flow};
use crate::uri::Uri;

/// Timers A and E.
pub(super) const RETRANSMIT: usize = 0;
/// Timers B and F.
pub(super) const TIMEOUT: usize = 1;
/// Timers D, K and M.
pub(super) const LINGER: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Invite(ClientInvite),
    Other(ClientNonInvite),
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) key: ClientKey,
    pub(super) state: State,
    pub(super) branch: String,
    pub(super) method: Method,
    pub(super) request: Message,
    bytes: Bytes,
    pub(super) destination: Destination,
    pub(super) timers: Timers<3>,
    interval: Duration,
    ack: Option<Bytes>,
}

impl Client {
    pub(super) fn start(
        key: ClientKey,
        branch: String,
        request: Message,
        destination: Destination,
        now: Instant,
        effects: &mut Effects,
    ) -> Self {
        let method = request.method().cloned().unwrap_or(Method::OPTIONS);
        let state = if method == Method::INVITE {
            State::Invite(ClientInvite::Calling)
        } else {
            State::Other(ClientNonInvite::Trying)
        };
        let bytes = request.to_bytes();
        let mut timers = Timers::new();
        if !destination.protocol().is_reliable() {
            timers.set(RETRANSMIT, now + effects.timing.t1);
        }
        timers.set(TIMEOUT, now + effects.timing.give_up());
        effects.send(destination, bytes.clone());
        let interval = effects.timing.t1;
        Self {
            key,
            state,
            branch,
            method,
            request,
            bytes,
            destination,
            timers,
            interval,
            ack: None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(
            self.state,
            State::Invite(ClientInvite::Terminated) | State::Other(ClientNonInvite::Terminated)
        )
    }

    /// Whether the final response is still to come.
    pub(super) fn is_open(&self) -> bool {
        matches!(
            self.state,
            State::Invite(ClientInvite::Calling | ClientInvite::Proceeding)
                | State::Other(ClientNonInvite::Trying | ClientNonInvite::Proceeding)
        )
    }

    pub(super) fn response(
        &mut self,
        now: Instant,
        flow: Flow,
        status: StatusCode,
        response: Message,
        effects: &mut Effects,
    ) {
        match self.state {
            State::Invite(state) => self.invite_response(state, now, flow, status, response, effects),
            State::Other(state) => {
                let event = if status.is_provisional() {
                    ClientNonInviteEvent::Provisional
                } else {
                    ClientNonInviteEvent::Final
                };
                let Some(next) = state.on(event) else { return };
                self.state = State::Other(next);
                if event == ClientNonInviteEvent::Final {
                    if state == ClientNonInvite::Completed {
                        return;
                    }
                    self.timers.clear_all();
                    self.timers.set(LINGER, now + self.linger(effects.timing.t4));
                } else if self.timers.is_set(RETRANSMIT) {
                    self.interval = effects.timing.t2;
                }
                effects.tell(TransactionEvent::Response {
                    key: self.key,
                    flow,
                    message: response,
                });
            }
        }
    }

    fn invite_response(
        &mut self,
        state: ClientInvite,
        now: Instant,
        flow: Flow,
        status: StatusCode,
        response: Message,
        effects: &mut Effects,
    ) {
        let event = match status {
            status if status.is_provisional() => ClientInviteEvent::Provisional,
            status if status.is_success() => ClientInviteEvent::Success,
            _ => ClientInviteEvent::Failure,
        };
        let Some(next) = state.on(event) else { return };
        self.state = State::Invite(next);
        match event {
            ClientInviteEvent::Success if state != ClientInvite::Accepted => {
                self.timers.clear_all();
                self.timers.set(LINGER, now + effects.timing.give_up());
            }
            ClientInviteEvent::Failure => {
                let ack = match self.ack.take() {
                    Some(ack) => ack,
                    None => {
                        hop_request(&self.request, &Method::ACK, response.header(&HeaderName::TO)).to_bytes()
                    }
                };
                effects.send(self.destination, ack.clone());
                self.ack = Some(ack);
                if state == ClientInvite::Completed {
                    return;
                }
                self.timers.clear_all();
                self.timers
                    .set(LINGER, now + self.linger(effects.timing.completed_invite()));
            }
            ClientInviteEvent::Provisional => self.timers.clear_all(),
            _ => {}
        }
        effects.tell(TransactionEvent::Response {
            key: self.key,
            flow,
            message: response,
        });
    }

    pub(super) fn timer(&mut self, now: Instant, slot: usize, due: Instant, effects: &mut Effects) {
        let next = match self.state {
            State::Invite(state) => state
                .on(match slot {
                    RETRANSMIT => ClientInviteEvent::Retransmit,
                    TIMEOUT => ClientInviteEvent::Timeout,
                    _ => ClientInviteEvent::Linger,
                })
                .map(State::Invite),
            State::Other(state) => state
                .on(match slot {
                    RETRANSMIT => ClientNonInviteEvent::Retransmit,
                    TIMEOUT => ClientNonInviteEvent::Timeout,
                    _ => ClientNonInviteEvent::Linger,
                })
                .map(State::Other),
        };
        let Some(next) = next else { return };
        self.state = next;
        match slot {
            RETRANSMIT => self.repeat(now, due, effects),
            TIMEOUT => effects.tell(TransactionEvent::Timeout { key: self.key }),
            _ => {}
        }
    }

    /// Sends the request again; intervals count from the moment that was planned, not from the moment we woke up,
    /// unless we woke up more than an interval late.
    fn repeat(&mut self, now: Instant, due: Instant, effects: &mut Effects) {
        effects.repeat(self.destination, self.bytes.clone());
        self.interval = match self.state {
            State::Invite(_) => self.interval.saturating_mul(2),
            State::Other(ClientNonInvite::Proceeding) => effects.timing.t2,
            State::Other(_) => self.interval.saturating_mul(2).min(effects.timing.t2),
        };
        let planned = due + self.interval;
        self.timers.set(
            RETRANSMIT,
            if planned > now {
                planned
            } else {
                now + self.interval
            },
        );
    }

    pub(super) fn transport_error(&mut self, effects: &mut Effects) {
        let was_open = self.is_open();
        let next = match self.state {
            State::Invite(state) => state.on(ClientInviteEvent::TransportError).map(State::Invite),
            State::Other(state) => state.on(ClientNonInviteEvent::TransportError).map(State::Other),
        };
        let Some(next) = next else { return };
        self.state = next;
        if was_open {
            effects.tell(TransactionEvent::TransportError { key: self.key });
        }
    }

    pub(super) fn abandon(&mut self) {
        self.state = match self.state {
            State::Invite(_) => State::Invite(ClientInvite::Terminated),
            State::Other(_) => State::Other(ClientNonInvite::Terminated),
        };
    }

    fn linger(&self, unreliable: Duration) -> Duration {
        if self.destination.protocol().is_reliable() {
            Duration::ZERO
        } else {
            unreliable
        }
    }
}

/// An ACK for a refused INVITE, or a CANCEL: same hop, same branch, same number as the request.
///
/// Spec: RFC 3261 §17.1.1.3, §9.1
pub(super) fn hop_request(request: &Message, method: &Method, to: Option<&str>) -> Message {
    let uri = request
        .request_uri()
        .unwrap_or_else(|_| Uri::at(None, UNSPECIFIED));
    let mut hop = Message::request(method.clone(), &uri);
    if let Some(via) = request.header_values(&HeaderName::VIA).next() {
        hop.push_header(&HeaderName::VIA, via);
    }
    for route in request.header_values(&HeaderName::ROUTE) {
        hop.push_header(&HeaderName::ROUTE, route);
    }
    hop.push_header(&HeaderName::MAX_FORWARDS, "70");
    let own = |name| request.header(name).unwrap_or_default();
    hop.push_header(&HeaderName::FROM, own(&HeaderName::FROM));
    hop.push_header(&HeaderName::TO, to.unwrap_or_else(|| own(&HeaderName::TO)));
    hop.push_header(&HeaderName::CALL_ID, own(&HeaderName::CALL_ID));
    let number = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
    hop.push_header(&HeaderName::CSEQ, format!("{number} {method}"));
    hop
}

/// Stands for a Request-URI that cannot be read; requests of ours have one that can.
const UNSPECIFIED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 5060);

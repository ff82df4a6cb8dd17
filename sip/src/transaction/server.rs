//! One server transaction.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::layer::{Effects, ServerKey, TransactionEvent};
use super::matching::MatchKey;
use super::table::{ServerInvite, ServerInviteEvent, ServerNonInvite, ServerNonInviteEvent};
use super::timer::Timers;
use crate::message::Message;
use crate::status::StatusCode;
use crate::transport::{Destination, Flow};

/// Timer G.
pub(super) const RETRANSMIT: usize = 0;
/// Timer H, and the end of a request that the user forgot.
pub(super) const TIMEOUT: usize = 1;
/// Timers I, J and L.
pub(super) const LINGER: usize = 2;
/// Time for a 100.
pub(super) const TRYING: usize = 3;

/// A user agent that needs longer than this sends a 100. Spec: RFC 3261 §17.2.1
const TRYING_AFTER: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Invite(ServerInvite),
    Other(ServerNonInvite),
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) key: ServerKey,
    pub(super) match_key: MatchKey,
    pub(super) state: State,
    /// Where responses go now.
    pub(super) destination: Destination,
    /// Where they go when the connection is gone. Spec: RFC 3261 §18.2.2
    fallback: Option<Destination>,
    /// For the automatic 100, until anything is answered: few requests ever need one.
    request: Option<Message>,
    last: Option<Bytes>,
    pub(super) timers: Timers<4>,
    interval: Duration,
}

impl Server {
    pub(super) fn start(
        key: ServerKey,
        match_key: MatchKey,
        request: &Message,
        invite: bool,
        (destination, fallback): (Destination, Option<Destination>),
        now: Instant,
        effects: &Effects,
    ) -> Self {
        let mut timers = Timers::new();
        let state = if invite {
            timers.set(TRYING, now + TRYING_AFTER);
            State::Invite(ServerInvite::Proceeding)
        } else {
            timers.set(TRYING, now + effects.timing.late_trying());
            timers.set(TIMEOUT, now + effects.timing.give_up());
            State::Other(ServerNonInvite::Trying)
        };
        let interval = effects.timing.t1;
        Self {
            key,
            match_key,
            state,
            destination,
            fallback,
            request: Some(request.clone()),
            last: None,
            timers,
            interval,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(
            self.state,
            State::Invite(ServerInvite::Terminated) | State::Other(ServerNonInvite::Terminated)
        )
    }

    /// Whether the user agent still owes the final response.
    pub(super) fn is_open(&self) -> bool {
        matches!(
            self.state,
            State::Invite(ServerInvite::Proceeding)
                | State::Other(ServerNonInvite::Trying | ServerNonInvite::Proceeding)
        )
    }

    /// The request came again.
    pub(super) fn repeated(&mut self, effects: &mut Effects) {
        let next = match self.state {
            State::Invite(state) => state.on(ServerInviteEvent::Request).map(State::Invite),
            State::Other(state) => state.on(ServerNonInviteEvent::Request).map(State::Other),
        };
        let Some(next) = next else { return };
        self.state = next;
        // In Accepted the user agent repeats the 2xx by its own timer. Spec: RFC 6026 §7.1
        if self.state != State::Invite(ServerInvite::Accepted)
            && let Some(last) = &self.last
        {
            effects.repeat(self.destination, last.clone());
        }
    }

    /// An ACK came. Returns whether it is for the user agent: the ACK of a 2xx.
    pub(super) fn ack(&mut self, now: Instant, effects: &Effects) -> bool {
        let State::Invite(state) = self.state else {
            return false;
        };
        let Some(next) = state.on(ServerInviteEvent::Ack) else {
            return false;
        };
        self.state = State::Invite(next);
        if state == ServerInvite::Completed {
            self.timers.clear_all();
            self.timers.set(LINGER, now + self.linger(effects.timing.t4));
        }
        next == ServerInvite::Accepted
    }

    /// Sends a response; `false` when the state does not allow it.
    pub(super) fn respond(
        &mut self,
        now: Instant,
        status: StatusCode,
        bytes: Bytes,
        effects: &mut Effects,
    ) -> bool {
        match self.state {
            State::Invite(state) => {
                let event = match status {
                    status if status.is_provisional() => ServerInviteEvent::SendProvisional,
                    status if status.is_success() => ServerInviteEvent::SendSuccess,
                    _ => ServerInviteEvent::SendFailure,
                };
                let Some(next) = state.on(event) else { return false };
                self.state = State::Invite(next);
                self.timers.clear(TRYING);
                match event {
                    ServerInviteEvent::SendSuccess if state == ServerInvite::Proceeding => {
                        self.timers.set(LINGER, now + effects.timing.give_up());
                    }
                    ServerInviteEvent::SendFailure => {
                        if !self.destination.protocol().is_reliable() {
                            self.timers.set(RETRANSMIT, now + effects.timing.t1);
                        }
                        self.timers.set(TIMEOUT, now + effects.timing.give_up());
                    }
                    _ => {}
                }
            }
            State::Other(state) => {
                let event = if status.is_provisional() {
                    ServerNonInviteEvent::SendProvisional
                } else {
                    ServerNonInviteEvent::SendFinal
                };
                let Some(next) = state.on(event) else { return false };
                self.state = State::Other(next);
                self.timers.clear(TRYING);
                if event == ServerNonInviteEvent::SendFinal {
                    self.timers.clear_all();
                    self.timers
                        .set(LINGER, now + self.linger(effects.timing.give_up()));
                }
            }
        }
        self.request = None;
        effects.send(self.destination, bytes.clone());
        self.last = Some(bytes);
        true
    }

    pub(super) fn timer(&mut self, now: Instant, slot: usize, due: Instant, effects: &mut Effects) {
        let next = match self.state {
            State::Invite(state) => state
                .on(match slot {
                    RETRANSMIT => ServerInviteEvent::Retransmit,
                    TIMEOUT => ServerInviteEvent::Timeout,
                    LINGER => ServerInviteEvent::Linger,
                    _ => ServerInviteEvent::Trying,
                })
                .map(State::Invite),
            State::Other(state) => state
                .on(match slot {
                    TIMEOUT => ServerNonInviteEvent::Timeout,
                    TRYING => ServerNonInviteEvent::Trying,
                    _ => ServerNonInviteEvent::Linger,
                })
                .map(State::Other),
        };
        let Some(next) = next else { return };
        self.state = next;
        match slot {
            RETRANSMIT => {
                if let Some(last) = &self.last {
                    effects.repeat(self.destination, last.clone());
                }
                self.interval = self.interval.saturating_mul(2).min(effects.timing.t2);
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
            TIMEOUT => effects.tell(TransactionEvent::ServerTimeout { key: self.key }),
            TRYING => {
                if let Some(request) = self.request.take() {
                    let trying = Message::response(&request, StatusCode::TRYING).to_bytes();
                    effects.send(self.destination, trying.clone());
                    self.last = Some(trying);
                }
            }
            _ => {}
        }
    }

    /// Takes the way of the last resort when the connection is gone; tells the user agent when there is none.
    pub(super) fn transport_error(&mut self, effects: &mut Effects) {
        if let Some(fallback) = self.fallback.take() {
            self.destination = fallback;
            // Whether the peer got the final response is unknown.
            if let Some(last) = self.last.as_ref().filter(|_| !self.is_open()) {
                effects.repeat(fallback, last.clone());
            }
            return;
        }
        let next = match self.state {
            State::Invite(state) => state.on(ServerInviteEvent::TransportError).map(State::Invite),
            State::Other(state) => state.on(ServerNonInviteEvent::TransportError).map(State::Other),
        };
        let Some(next) = next else { return };
        self.state = next;
        effects.tell(TransactionEvent::ServerTransportError { key: self.key });
    }

    fn linger(&self, unreliable: Duration) -> Duration {
        if self.destination.protocol().is_reliable() {
            Duration::ZERO
        } else {
            unreliable
        }
    }
}

/// Where the responses to a request go, and where they go when its connection is gone.
///
/// `sent_by_port` is the port of the top Via, `rport` whether it asks for the source port.
///
/// A `maddr` of the Via is refused on purpose: it would let anybody have our responses, and their repeats, sent to a
/// third party. The host that a response goes to is always the one that the request came from. Requests by multicast,
/// which `maddr` is for, do not reach an endpoint.
///
/// Spec: RFC 3261 §18.2.2 (not its second item), RFC 3581 §4
pub(super) fn response_route(
    flow: Flow,
    sent_by_port: u16,
    rport: bool,
) -> (Destination, Option<Destination>) {
    let mut sent_by = flow.remote;
    sent_by.set_port(sent_by_port);
    if flow.protocol.is_reliable() {
        let fallback = Destination::Address {
            protocol: flow.protocol,
            remote: sent_by,
        };
        (Destination::Flow(flow), Some(fallback))
    } else if rport {
        (Destination::Flow(flow), None)
    } else {
        (
            Destination::Flow(Flow {
                remote: sent_by,
                ..flow
            }),
            None,
        )
    }
}

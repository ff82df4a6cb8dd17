//! What happens when a deadline of a call or of a request for the user is reached.

use std::time::Instant;

use super::call::{CallInput, GIVE_UP, GLARE, NO_ACK, PROGRESS, REINVITE, REPEAT_OK, RING};
use super::user_agent::{Owner, PendingRequest, UserAgent};
use super::{CallKey, EndCause, RequestKey};
use crate::message::Message;
use crate::status::StatusCode;
use crate::transaction::{ServerKey, Timers};

impl UserAgent {
    pub(super) fn call_timer(&mut self, now: Instant, key: CallKey) {
        let Some((slot, _)) = self
            .calls
            .get_mut(&key)
            .and_then(|call| call.timers.take_due(now))
        else {
            return self.settle(now, key);
        };
        match slot {
            RING if key.is_outgoing() => self.ring_timeout(now, key),
            RING => {
                self.tell_over(key, EndCause::NoDecision);
                self.feed(now, key, CallInput::UserRefuse);
            }
            GIVE_UP => {
                self.feed(now, key, CallInput::Lost);
            }
            REPEAT_OK => self.repeat_ok(now, key),
            NO_ACK => self.no_ack(now, key),
            PROGRESS => self.repeat_provisional(now, key),
            GLARE => self.start_reinvite(now, key),
            REINVITE => self.reinvite_deadline(now, key),
            _ => {}
        }
        self.settle(now, key);
    }

    /// The ACK for our 2xx never came. Spec: RFC 3261 §13.3.1.4
    fn no_ack(&mut self, now: Instant, key: CallKey) {
        self.tell_over(key, EndCause::NoAck);
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        call.unacked = None;
        call.timers.clear(REPEAT_OK);
        if call.step(CallInput::NoAck) {
            self.send_bye(now, key);
        }
    }

    /// Nobody decided about a re-INVITE, or answered the offer in a 2xx.
    fn reinvite_deadline(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        if call.their_reinvite.is_some() {
            self.counters.unanswered_requests += 1;
            // The command cannot be refused: the re-INVITE is there.
            let _ = self.end_reinvite(now, key, StatusCode::NOT_ACCEPTABLE_HERE);
        } else if let Some(owed) = call.user_ack.take() {
            self.send_ack(key, owed.client, owed.cseq, None);
            self.tell_over(key, EndCause::NoUserAck);
            if self
                .calls
                .get_mut(&key)
                .is_some_and(|call| call.step(CallInput::NoUserAck))
            {
                self.send_bye(now, key);
            }
        }
    }

    /// Hands a request to the user and waits.
    pub(super) fn pend(
        &mut self,
        now: Instant,
        server: ServerKey,
        request: Message,
        tag: String,
    ) -> RequestKey {
        self.next_request += 1;
        let key = RequestKey(self.next_request);
        let mut timers = Timers::new();
        timers.set(0, now + self.config.answer_timeout);
        self.deadlines.update(Owner::Request(key), &mut timers);
        self.requests.insert(
            key,
            PendingRequest {
                server,
                request,
                tag,
                timers,
            },
        );
        key
    }

    /// The user forgot a request.
    pub(super) fn request_timer(&mut self, now: Instant, key: RequestKey) {
        self.counters.unanswered_requests += 1;
        tracing::warn!(request = key.0, "request was not answered in time");
        // The command cannot be refused: the request is there.
        let _ = self.respond(now, key, StatusCode::SERVER_INTERNAL_ERROR, &[], None);
    }
}

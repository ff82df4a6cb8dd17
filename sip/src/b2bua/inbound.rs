//! What endpoints do, and what it means for their legs.

use std::time::Instant;

use bytes::Bytes;

use super::command::LegKey;
use super::core::B2bua;
use super::event::{B2buaEvent, ReleaseReason};
use super::job::{JobInput, Request, Work};
use super::leg::{Demand, Leg, Link, Vehicle};
use super::session;
use super::state::{LegInput, LegState};
use super::{policy, requests};
use crate::media::{MediaCommand, MediaRequest};
use crate::message::Message;
use crate::sdp::Direction;
use crate::status::StatusCode;
use crate::transport::Flow;
use crate::ua::{CallKey, EndCause, FailureCause, UaCommand, UaEvent};

/// Handles one event of the user agent.
pub(super) fn handle(core: &mut B2bua, now: Instant, event: UaEvent) {
    match event {
        UaEvent::Incoming { call, request, flow } => core.incoming(now, call, &request, flow),
        UaEvent::Progress { call, sdp, .. } => core.progress(now, call, sdp),
        UaEvent::Answered {
            call,
            sdp,
            offer,
            response,
        } => core.answered(now, call, sdp, offer, &response),
        UaEvent::Failed {
            call, status, cause, ..
        } => core.fork_failed(now, call, status, cause),
        UaEvent::Confirmed { call, sdp } => core.confirmed(now, call, sdp),
        UaEvent::Cancelled { call } => core.ended(now, call, LegInput::Cancel, ReleaseReason::Cancelled),
        UaEvent::Ended { call, cause } => {
            let why = match cause {
                EndCause::Remote | EndCause::Local => ReleaseReason::Remote,
                EndCause::NoDecision => ReleaseReason::NoDecision,
                _ => ReleaseReason::Lost,
            };
            core.ended(now, call, LegInput::End, why);
        }
        UaEvent::Reinvited { call, sdp, .. } => core.reinvited(now, call, sdp),
        UaEvent::ReinviteCancelled { call } => {
            if let Some(leg) = core.leg_of(call).and_then(|key| core.legs.get_mut(&key)) {
                leg.demand = None;
            }
        }
        UaEvent::ReinviteAnswered { call, sdp, offer } => core.reinvite_answered(now, call, sdp, offer),
        UaEvent::ReinviteFailed { call, status } => core.reinvite_failed(now, call, status),
        UaEvent::InDialog {
            call,
            request,
            message,
        } => {
            requests::handle_in_dialog(core, now, call, request, &message);
        }
        UaEvent::OutOfDialog {
            request,
            message,
            flow,
        } => {
            requests::handle_out_of_dialog(core, now, request, &message, flow);
        }
        // The outcome of NOTIFY and the like changes nothing for a leg.
        _ => {}
    }
}

impl B2bua {
    fn incoming(&mut self, now: Instant, call: CallKey, request: &Message, flow: Flow) {
        if self.stopping || self.legs.len() >= self.config.max_legs {
            self.stats.overload_refusals += 1;
            let retry = (crate::header::HeaderName::RETRY_AFTER, "5".to_owned());
            let command = UaCommand::Reject {
                call,
                status: StatusCode(503),
                headers: vec![retry],
            };
            let _ = self.command(now, command);
            return;
        }
        let caller = match policy::judge(self, now, request, flow) {
            Ok(caller) => caller,
            Err((status, headers)) => {
                let _ = self.command(
                    now,
                    UaCommand::Reject {
                        call,
                        status,
                        headers,
                    },
                );
                return;
            }
        };
        let returns = self.returns_of(request);
        if returns > self.config.max_returns {
            self.stats.loops += 1;
            tracing::warn!(returns, "call goes in a circle");
            let _ = self.command(now, UaCommand::reject(call, StatusCode::LOOP_DETECTED));
            return;
        }
        let offer = session::body_of(request);
        if offer.as_ref().is_some_and(|offer| !session::is_usable(offer)) {
            let _ = self.command(now, UaCommand::reject(call, StatusCode(488)));
            return;
        }
        let key = LegKey(call.0);
        let mut leg = Leg::new(key, LegState::Offered);
        leg.call = Some(call);
        leg.returns = returns;
        // The value was checked with the message; a request without one counts as new.
        leg.hops = request.max_forwards().ok().flatten().unwrap_or(leg.hops);
        leg.call_id = request.call_id().unwrap_or_default().to_owned();
        leg.remote_tag = request
            .from()
            .ok()
            .and_then(|from| from.tag().map(str::to_owned))
            .unwrap_or_default();
        leg.demand = Some(match offer {
            Some(offer) => {
                leg.session.store_remote(&offer);
                Demand::Answer(Vehicle::Invite, offer)
            }
            None => Demand::Offer(Vehicle::Invite),
        });
        self.legs.insert(key, leg);
        self.calls.insert(call, key);
        self.stats.incoming_legs += 1;
        self.emit(B2buaEvent::Incoming {
            leg: key,
            from_user: caller.from_user,
            from_display: caller.from_display,
            authenticated: caller.authenticated,
            to_user: caller.to_user,
            headers: requests::application_headers(request),
        });
    }

    /// How often this call was here before: its INVITE bears the Call-ID and tag of an outgoing leg.
    ///
    /// Spec: RFC 3261 §16.3 item 4
    fn returns_of(&self, request: &Message) -> u8 {
        let (Ok(call_id), Ok(from)) = (request.call_id(), request.from()) else {
            return 0;
        };
        from.tag()
            .and_then(|tag| self.ua.call_with_tag(call_id, tag))
            .and_then(|call| self.leg_of(call))
            .and_then(|key| self.legs.get(&key))
            .map_or(0, |leg| leg.returns.saturating_add(1))
    }

    fn progress(&mut self, now: Instant, call: CallKey, sdp: Option<Bytes>) {
        let Some(key) = self.leg_of(call) else { return };
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        if !leg.step(LegInput::Progress) {
            return;
        }
        let ringing = !std::mem::replace(&mut leg.ringing_reported, true);
        let early = sdp.is_some() && !std::mem::replace(&mut leg.early_media_reported, true);
        if ringing {
            self.emit(B2buaEvent::Ringing { leg: key });
        }
        if early {
            self.emit(B2buaEvent::EarlyMedia { leg: key });
        }
        self.talk_at_last(now, key, call);
    }

    /// The first fork that answers wins; the others are cancelled.
    fn answered(&mut self, now: Instant, call: CallKey, sdp: Option<Bytes>, offer: bool, response: &Message) {
        let Some(key) = self.leg_of(call) else { return };
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        let late = offer && sdp.is_some();
        if !leg.step(if late {
            LegInput::AnswerWithOffer
        } else {
            LegInput::Answer
        }) {
            return;
        }
        leg.call = Some(call);
        leg.call_id = response.call_id().unwrap_or_default().to_owned();
        leg.remote_tag = response
            .to()
            .ok()
            .and_then(|to| to.tag().map(str::to_owned))
            .unwrap_or_default();
        let losers: Vec<CallKey> = leg.forks.drain(..).filter(|fork| *fork != call).collect();
        leg.session.commit();
        let usable = sdp.as_ref().is_some_and(session::is_usable);
        if let Some(sdp) = sdp.filter(|_| usable) {
            leg.session.store_remote(&sdp);
            if late {
                leg.demand = Some(Demand::Answer(Vehicle::Ack, sdp));
            }
        }
        for loser in losers {
            self.calls.remove(&loser);
            let _ = self.command(now, UaCommand::hangup(loser));
        }
        if usable {
            self.emit(B2buaEvent::Answered { leg: key });
        } else {
            self.release_for_media(now, key);
        }
    }

    fn fork_failed(&mut self, now: Instant, call: CallKey, status: StatusCode, cause: FailureCause) {
        let Some(key) = self.calls.remove(&call) else {
            return;
        };
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        leg.forks.retain(|fork| *fork != call);
        let status = match cause {
            FailureCause::RingTimeout => StatusCode(408),
            FailureCause::NoResponse | FailureCause::Transport => StatusCode(503),
            _ => status,
        };
        let best = better(leg.best_failure, status);
        leg.best_failure = Some(best);
        // A 6xx speaks for all phones of the user.
        if leg.forks.is_empty() || status.class() == 6 {
            self.hang_up(now, key, None);
            self.drop_leg(now, key, LegInput::Fail);
            self.emit(B2buaEvent::Failed {
                leg: key,
                status: best,
            });
        }
    }

    fn confirmed(&mut self, now: Instant, call: CallKey, sdp: Option<Bytes>) {
        let Some(key) = self.leg_of(call) else { return };
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        let first = leg.state == LegState::Accepted;
        if !leg.step(LegInput::Confirm) {
            return;
        }
        leg.awaiting_ack = false;
        leg.session.commit();
        if let Some(sdp) = sdp.as_ref().filter(|sdp| session::is_usable(sdp)) {
            leg.session.store_remote(sdp);
            if leg.link == Link::Media
                && let Some(id) = leg.media
            {
                let sdp = sdp.clone();
                self.media(now, MediaCommand::Answer { id, sdp });
            }
        }
        if first {
            self.emit(B2buaEvent::Answered { leg: key });
        }
        self.job_input(now, key, JobInput::Agreed(sdp));
        self.ready.push_back(key);
    }

    fn ended(&mut self, now: Instant, call: CallKey, input: LegInput, why: ReleaseReason) {
        let Some(key) = self.leg_of(call) else { return };
        let outgoing_unanswered = self
            .legs
            .get(&key)
            .is_some_and(|leg| leg.state.is_unanswered_outgoing());
        if outgoing_unanswered {
            self.fork_failed(now, call, StatusCode(503), FailureCause::Transport);
            return;
        }
        self.drop_leg(now, key, input);
        self.emit(B2buaEvent::Released { leg: key, why });
    }

    fn reinvite_answered(&mut self, now: Instant, call: CallKey, sdp: Option<Bytes>, offer: bool) {
        let Some(key) = self.leg_of(call) else { return };
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        leg.reinviting = false;
        leg.session.commit();
        if let Some(sdp) = sdp.as_ref().filter(|sdp| session::is_usable(sdp)) {
            leg.session.store_remote(sdp);
        }
        if offer {
            // We always offer in a re-INVITE, so this peer is broken; its transaction must end all the same.
            let sdp = leg.session.local();
            let _ = self.command(now, UaCommand::Ack { call, sdp });
        }
        self.job_input(now, key, JobInput::Agreed(sdp));
        self.ready.push_back(key);
    }

    fn reinvite_failed(&mut self, now: Instant, call: CallKey, status: StatusCode) {
        let Some(key) = self.leg_of(call) else { return };
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        leg.reinviting = false;
        leg.session.discard();
        self.job_input(now, key, JobInput::Refused(status));
        self.ready.push_back(key);
    }

    // The endpoint changes its session.

    fn reinvited(&mut self, now: Instant, call: CallKey, sdp: Option<Bytes>) {
        let Some(key) = self.leg_of(call) else { return };
        let Some(leg) = self.legs.get(&key) else { return };
        if !leg.jobs.is_empty() || !leg.is_free() || leg.state != LegState::Established {
            let _ = self.command(
                now,
                UaCommand::RejectReinvite {
                    call,
                    status: StatusCode(491),
                },
            );
            return;
        }
        match sdp {
            Some(offer) => self.reinvited_with(now, key, call, offer),
            None => self.reinvited_without_offer(now, key, call),
        }
    }

    fn reinvited_with(&mut self, now: Instant, key: LegKey, call: CallKey, offer: Bytes) {
        if !session::is_readable(&offer) {
            let _ = self.command(
                now,
                UaCommand::RejectReinvite {
                    call,
                    status: StatusCode(488),
                },
            );
            return;
        }
        let hold = session::is_hold(&offer);
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        let partner = match leg.link {
            Link::Peer(peer) => Some(peer),
            Link::None if leg.held_by_peer && !hold => leg.held_partner,
            _ => None,
        };
        let partner = partner.filter(|peer| self.legs.contains_key(peer));
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        leg.session.store_remote(&offer);
        leg.demand = Some(Demand::Answer(Vehicle::Reinvite, offer.clone()));
        match partner {
            Some(peer) if !(hold && self.config.music_on_hold) => {
                if self
                    .enqueue(key, Some(peer), "reinvite", Work::Join { passed_on: true })
                    .is_err()
                {
                    self.refuse_reinvite(now, key, StatusCode(491));
                }
            }
            partner => {
                if self.answer_locally(now, key, &offer, hold) {
                    self.report_peer_hold(key);
                    self.play_hold_music(key, partner);
                }
            }
        }
    }

    /// Answers with what the endpoint has now, in the direction that the offer leaves.
    fn answer_locally(&mut self, now: Instant, key: LegKey, offer: &Bytes, hold: bool) -> bool {
        let Some(leg) = self.legs.get(&key) else {
            return false;
        };
        let direction = match (leg.link, hold) {
            (Link::Media, false) => Direction::SendRecv,
            _ => Direction::Inactive,
        };
        let answer = leg
            .session
            .local()
            .and_then(|local| session::restrict(&local, offer))
            .and_then(|answer| session::with_direction(&answer, direction));
        let media = leg.media.filter(|_| leg.link == Link::Media);
        let Some(answer) = answer else {
            self.refuse_reinvite(now, key, StatusCode(488));
            return false;
        };
        if self.answer(now, key, &answer, None).is_err() {
            self.refuse_reinvite(now, key, StatusCode(488));
            return false;
        }
        if let Some(id) = media {
            self.media(
                now,
                MediaCommand::Answer {
                    id,
                    sdp: offer.clone(),
                },
            );
        }
        true
    }

    fn play_hold_music(&mut self, key: LegKey, partner: Option<LegKey>) {
        let Some(partner) = partner else { return };
        if let Some(leg) = self.legs.get_mut(&key) {
            leg.held_partner = Some(partner);
        }
        self.unlink(key);
        let music = MediaRequest::Music {
            source: self.config.hold_music.clone(),
            duration: None,
        };
        let work = Work::Park {
            request: Some(Request {
                user: None,
                request: music,
            }),
        };
        // With a full queue the partner hears nothing; the hold itself stands.
        let _ = self.enqueue(partner, None, "hold", work);
    }

    fn reinvited_without_offer(&mut self, now: Instant, key: LegKey, call: CallKey) {
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        if let Link::Peer(peer) = leg.link {
            leg.demand = Some(Demand::Offer(Vehicle::Reinvite));
            if self
                .enqueue(key, Some(peer), "reinvite", Work::Join { passed_on: true })
                .is_err()
            {
                self.refuse_reinvite(now, key, StatusCode(491));
            }
            return;
        }
        let command = match leg.session.local() {
            Some(sdp) => {
                leg.awaiting_ack = true;
                UaCommand::AcceptReinvite { call, sdp }
            }
            None => UaCommand::RejectReinvite {
                call,
                status: StatusCode(488),
            },
        };
        if self.command(now, command).is_err()
            && let Some(leg) = self.legs.get_mut(&key)
        {
            leg.awaiting_ack = false;
        }
    }

    /// Reports a hold, or its end, when the endpoint's last description says other than before.
    pub(super) fn report_peer_hold(&mut self, key: LegKey) {
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        let hold = leg.session.is_peer_holding();
        if std::mem::replace(&mut leg.held_by_peer, hold) == hold {
            return;
        }
        if !hold {
            leg.held_partner = None;
        }
        self.emit(if hold {
            B2buaEvent::HeldByPeer { leg: key }
        } else {
            B2buaEvent::RetrievedByPeer { leg: key }
        });
    }
}

/// The better of two failures, for the user who asked for the call.
///
/// Spec: RFC 3261 §16.7 item 6
fn better(before: Option<StatusCode>, now: StatusCode) -> StatusCode {
    // Global refusals first, then the lowest class; a phone that said something beats one that said nothing.
    fn rank(status: StatusCode) -> (u16, u16) {
        match (status.class(), status.0) {
            (6, _) => (0, 0),
            (class, 408 | 480 | 503) => (class.max(4), 1),
            (class, _) => (class, 0),
        }
    }
    match before {
        Some(before) if rank(before) <= rank(now) => before,
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: RFC 3261 §16.7 item 6
    #[test]
    fn the_best_failure_is_global_then_of_the_lowest_class_then_one_that_was_said() {
        let best = |list: &[u16]| {
            list.iter()
                .fold(None, |best, status| Some(better(best, StatusCode(*status))))
                .map(|best| best.0)
        };
        assert_eq!(best(&[486, 603]), Some(603));
        assert_eq!(best(&[503, 486]), Some(486));
        assert_eq!(best(&[408, 486]), Some(486));
        assert_eq!(best(&[486, 480]), Some(486));
        assert_eq!(best(&[500, 404]), Some(404));
        assert_eq!(best(&[503]), Some(503));
    }
}

//! How negotiations run: who is offered what, in which order, and what a refusal means.
//!
//! Joining two legs follows RFC 3725: the description of one endpoint (the source) is offered to the other (the
//! target), and the target's answer goes back to the source: as the answer it waits for, or as a re-INVITE. If the
//! source then answers with other media than the target was told, the target is told again.

use std::time::Instant;

use bytes::Bytes;

use super::command::LegKey;
use super::core::B2bua;
use super::event::{B2buaError, B2buaEvent};
use super::job::{Job, JobId, JobInput, Outcome, Request, Step, Work};
use super::leg::{Demand, Link, Role, Vehicle};
use super::session;
use super::state::LegInput;
use crate::media::{MediaCommand, MediaResult};
use crate::sdp::Direction;
use crate::status::StatusCode;
use crate::ua::UaCommand;

impl B2bua {
    /// Queues a negotiation behind those that its legs already have.
    pub(super) fn enqueue(
        &mut self,
        first: LegKey,
        second: Option<LegKey>,
        command: &'static str,
        work: Work,
    ) -> Result<(), B2buaError> {
        let legs = || std::iter::once(first).chain(second);
        for key in legs() {
            let leg = self.legs.get(&key).ok_or(if key == first {
                B2buaError::UnknownLeg
            } else {
                B2buaError::PartnerGone
            })?;
            if leg.jobs.len() >= self.config.max_queued {
                return Err(B2buaError::Busy);
            }
        }
        self.last_job += 1;
        let id = JobId(self.last_job);
        for key in legs() {
            if let Some(leg) = self.legs.get_mut(&key) {
                leg.jobs.push_back(id);
            }
        }
        self.jobs.insert(
            id,
            Job {
                first,
                second,
                command,
                work,
                step: Step::Queued,
                deadline: None,
            },
        );
        self.ready.push_back(first);
        Ok(())
    }

    /// Starts the leg's first negotiation if all its legs are free and it is first everywhere.
    pub(super) fn start_next_job(&mut self, now: Instant, key: LegKey) {
        let Some(id) = self.legs.get(&key).and_then(|leg| leg.jobs.front().copied()) else {
            return;
        };
        let Some(job) = self.jobs.get(&id) else { return };
        let is_turn = |key: LegKey| {
            self.legs
                .get(&key)
                .is_some_and(|leg| leg.jobs.front() == Some(&id) && leg.is_free())
        };
        if job.is_running() || !job.legs().all(is_turn) {
            return;
        }
        let (first, second) = (job.first, job.second);
        let outcome = match (&job.work, second) {
            // The endpoint took its request back before its turn came.
            (Work::Join { passed_on: true }, _)
                if self.legs.get(&first).is_none_or(|leg| leg.demand.is_none()) =>
            {
                Outcome::Fail(B2buaError::PartnerGone)
            }
            (Work::Join { passed_on }, Some(second)) => {
                let passed_on = *passed_on;
                self.start_join(now, first, second, passed_on)
            }
            (Work::Join { .. }, None) => Outcome::Fail(B2buaError::PartnerGone),
            (Work::Park { .. }, _) => self.start_park(now, first),
            (Work::Direct { direction }, _) => {
                let direction = *direction;
                self.start_direct(now, first, direction)
            }
        };
        self.conclude(now, id, outcome);
    }

    fn conclude(&mut self, now: Instant, id: JobId, outcome: Outcome) {
        match outcome {
            Outcome::Wait(step) => {
                let limit = match step {
                    Step::Opening => self.config.media_timeout,
                    _ => self.negotiation_timeout(),
                };
                if let Some(job) = self.jobs.get_mut(&id) {
                    job.step = step;
                }
                self.set_deadline(id, Some(now + limit));
            }
            Outcome::Done => self.finish_job(now, id, Ok(())),
            Outcome::Fail(why) => self.finish_job(now, id, Err(why)),
        }
    }

    /// Tells the running negotiation of a leg what happened to the leg.
    pub(super) fn job_input(&mut self, now: Instant, key: LegKey, input: JobInput) {
        let Some(id) = self.legs.get(&key).and_then(|leg| leg.jobs.front().copied()) else {
            return;
        };
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.is_running()) else {
            return;
        };
        let step = std::mem::replace(&mut job.step, Step::Queued);
        let outcome = match (step, input) {
            (Step::Target { source, target }, JobInput::Agreed(sdp)) if key == target => {
                self.target_agreed(now, source, target, sdp)
            }
            (
                Step::Source {
                    source,
                    target,
                    known,
                },
                JobInput::Agreed(sdp),
            ) if key == source => self.source_agreed(now, source, target, &known, sdp),
            (Step::SourceAck | Step::Again | Step::Confirming | Step::Directing, JobInput::Agreed(_)) => {
                Outcome::Done
            }
            (Step::Cross { open }, JobInput::Agreed(_)) if open > 1 => {
                Outcome::Wait(Step::Cross { open: open - 1 })
            }
            (Step::Cross { .. }, JobInput::Agreed(_)) => Outcome::Done,
            (Step::Opening, JobInput::Opened(sdp)) => self.media_opened(now, key, sdp),
            (Step::Offering, JobInput::Agreed(Some(sdp))) => self.media_answered(now, key, sdp),
            (Step::Offering, JobInput::Agreed(None)) => Outcome::Fail(B2buaError::Media),
            (_, JobInput::Refused(status)) => Outcome::Fail(B2buaError::Refused(status)),
            (Step::Opening, JobInput::MediaRefused(kind)) if kind.is_about_description() => {
                Outcome::Fail(B2buaError::Media)
            }
            (_, JobInput::MediaRefused(_)) => Outcome::Fail(B2buaError::NoMediaServer),
            (step, JobInput::Agreed(_) | JobInput::Opened(_)) => Outcome::Wait(step),
        };
        self.conclude(now, id, outcome);
    }

    // Joining two legs.

    fn start_join(&mut self, now: Instant, a: LegKey, b: LegKey, passed_on: bool) -> Outcome {
        let (Some(leg_a), Some(leg_b)) = (self.legs.get(&a), self.legs.get(&b)) else {
            return Outcome::Fail(B2buaError::PartnerGone);
        };
        let (source, target) = match (leg_a.role(), leg_b.role()) {
            (Role::NotReady, _) | (_, Role::NotReady) => return Outcome::Fail(B2buaError::WrongState),
            (Role::WantsOffer, Role::WantsOffer) => return Outcome::Fail(B2buaError::Media),
            (Role::Offers(offer_a), Role::Offers(offer_b)) => {
                return self.cross(now, a, b, &offer_a, &offer_b);
            }
            (Role::Offers(_), _) | (_, Role::WantsOffer) => (a, b),
            (_, Role::Offers(_)) | (Role::WantsOffer, _) => (b, a),
            (Role::Stable, Role::Stable) if leg_a.session.answers(b, &leg_b.session) => (b, a),
            (Role::Stable, Role::Stable) => (a, b),
        };
        let (Some(from), Some(to)) = (self.legs.get(&source), self.legs.get(&target)) else {
            return Outcome::Fail(B2buaError::PartnerGone);
        };
        // A change that an endpoint asks for has to reach the other one; what is agreed already need not.
        if !passed_on
            && to.role() == Role::Stable
            && to.session.answers(source, &from.session)
            && let Some(answer) = to.session.remote()
        {
            return self.deliver(now, source, target, answer);
        }
        let Some(offer) = (match from.role() {
            Role::Offers(offer) => Some(offer),
            _ => from.session.active_offer(),
        }) else {
            return Outcome::Fail(B2buaError::Media);
        };
        match self.present(now, target, &offer, Some(source)) {
            Ok(()) => {
                self.unlink(target);
                Outcome::Wait(Step::Target { source, target })
            }
            Err(why) => Outcome::Fail(why),
        }
    }

    /// Answers two offers with each other, restricted to what both have.
    fn cross(&mut self, now: Instant, a: LegKey, b: LegKey, offer_a: &Bytes, offer_b: &Bytes) -> Outcome {
        let (Some(for_a), Some(for_b)) = (
            session::restrict(offer_b, offer_a),
            session::restrict(offer_a, offer_b),
        ) else {
            return Outcome::Fail(B2buaError::Media);
        };
        let mut open = 0;
        for (key, sdp, from) in [(a, for_a, b), (b, for_b, a)] {
            match self.answer(now, key, &sdp, Some(from)) {
                Ok(true) => open += 1,
                Ok(false) => {}
                Err(why) => return Outcome::Fail(why),
            }
        }
        if open == 0 {
            Outcome::Done
        } else {
            Outcome::Wait(Step::Cross { open })
        }
    }

    fn target_agreed(&mut self, now: Instant, source: LegKey, target: LegKey, sdp: Option<Bytes>) -> Outcome {
        match sdp.filter(session::is_usable) {
            Some(answer) => self.deliver(now, source, target, answer),
            None => Outcome::Fail(B2buaError::Media),
        }
    }

    /// Gives the target's description to the source.
    fn deliver(&mut self, now: Instant, source: LegKey, target: LegKey, answer: Bytes) -> Outcome {
        let Some(leg) = self.legs.get(&source) else {
            return Outcome::Fail(B2buaError::PartnerGone);
        };
        match leg.role() {
            Role::Offers(_) => match self.answer(now, source, &answer, Some(target)) {
                Ok(true) => Outcome::Wait(Step::SourceAck),
                Ok(false) => Outcome::Done,
                Err(why) => Outcome::Fail(why),
            },
            Role::Stable => {
                let Some(known) = leg.session.remote() else {
                    return Outcome::Fail(B2buaError::Media);
                };
                let offer = session::with_direction(&answer, Direction::SendRecv).unwrap_or(answer);
                match self.present(now, source, &offer, Some(target)) {
                    Ok(()) => Outcome::Wait(Step::Source {
                        source,
                        target,
                        known,
                    }),
                    Err(why) => Outcome::Fail(why),
                }
            }
            Role::WantsOffer | Role::NotReady => Outcome::Fail(B2buaError::WrongState),
        }
    }

    fn source_agreed(
        &mut self,
        now: Instant,
        source: LegKey,
        target: LegKey,
        known: &Bytes,
        sdp: Option<Bytes>,
    ) -> Outcome {
        let Some(sdp) = sdp.filter(session::is_usable) else {
            return Outcome::Fail(B2buaError::Media);
        };
        if session::is_same_media(&sdp, known) {
            return Outcome::Done;
        }
        match self.present(now, target, &sdp, Some(source)) {
            Ok(()) => Outcome::Wait(Step::Again),
            Err(why) => Outcome::Fail(why),
        }
    }

    // Joining a leg to the media server.

    fn start_park(&mut self, now: Instant, key: LegKey) -> Outcome {
        let Some(leg) = self.legs.get(&key) else {
            return Outcome::Fail(B2buaError::UnknownLeg);
        };
        if leg.link == Link::Media {
            return Outcome::Done;
        }
        let offer = match leg.role() {
            Role::Offers(offer) => Some(offer),
            Role::WantsOffer | Role::Stable => None,
            Role::NotReady => return Outcome::Fail(B2buaError::WrongState),
        };
        self.open_media(now, key, offer);
        Outcome::Wait(Step::Opening)
    }

    fn media_opened(&mut self, now: Instant, key: LegKey, sdp: Bytes) -> Outcome {
        let Some(leg) = self.legs.get(&key) else {
            return Outcome::Fail(B2buaError::UnknownLeg);
        };
        let outcome = match leg.role() {
            Role::Offers(_) => match self.answer(now, key, &sdp, None) {
                Ok(true) => Ok(Outcome::Wait(Step::Confirming)),
                Ok(false) => Ok(Outcome::Done),
                Err(why) => Err(why),
            },
            Role::WantsOffer | Role::Stable => self
                .present(now, key, &sdp, None)
                .map(|()| Outcome::Wait(Step::Offering)),
            Role::NotReady => Err(B2buaError::WrongState),
        };
        outcome.unwrap_or_else(Outcome::Fail)
    }

    fn media_answered(&mut self, now: Instant, key: LegKey, sdp: Bytes) -> Outcome {
        if !session::is_usable(&sdp) {
            return Outcome::Fail(B2buaError::Media);
        }
        if let Some(id) = self.legs.get(&key).and_then(|leg| leg.media) {
            self.media(now, MediaCommand::Answer { id, sdp });
        }
        Outcome::Done
    }

    // Changing the direction only.

    fn start_direct(&mut self, now: Instant, key: LegKey, direction: Direction) -> Outcome {
        let Some(leg) = self.legs.get(&key) else {
            return Outcome::Fail(B2buaError::UnknownLeg);
        };
        let offer = leg
            .session
            .local()
            .and_then(|sdp| session::with_direction(&sdp, direction));
        match (leg.role(), offer) {
            (Role::Stable, Some(offer)) => match self.present(now, key, &offer, None) {
                Ok(()) => Outcome::Wait(Step::Directing),
                Err(why) => Outcome::Fail(why),
            },
            _ => Outcome::Fail(B2buaError::WrongState),
        }
    }

    // Descriptions to endpoints.

    /// Offers a description to an endpoint: by re-INVITE, or in the 200 to an INVITE without offer.
    fn present(
        &mut self,
        now: Instant,
        key: LegKey,
        sdp: &Bytes,
        from: Option<LegKey>,
    ) -> Result<(), B2buaError> {
        let origin = from.and_then(|peer| Some((peer, self.legs.get(&peer)?.session.revision())));
        let leg = self.legs.get_mut(&key).ok_or(B2buaError::PartnerGone)?;
        let call = leg.call.ok_or(B2buaError::WrongState)?;
        let sdp = leg.session.propose(sdp, origin).ok_or(B2buaError::Media)?;
        let vehicle = leg.demand.as_ref().map(Demand::vehicle);
        let command = match vehicle {
            None => UaCommand::reinvite(call, Some(sdp)),
            Some(Vehicle::Invite | Vehicle::Ack) => UaCommand::accept(call, sdp),
            Some(Vehicle::Reinvite) => UaCommand::AcceptReinvite { call, sdp },
        };
        self.command(now, command).map_err(|_| B2buaError::WrongState)?;
        let Some(leg) = self.legs.get_mut(&key) else {
            return Err(B2buaError::PartnerGone);
        };
        leg.demand = None;
        match vehicle {
            None => leg.reinviting = true,
            Some(vehicle) => {
                leg.awaiting_ack = true;
                if vehicle == Vehicle::Invite {
                    leg.step(LegInput::SendAnswer);
                }
            }
        }
        Ok(())
    }

    /// Answers the offer of an endpoint; `true`: its ACK is still to come.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        key: LegKey,
        sdp: &Bytes,
        from: Option<LegKey>,
    ) -> Result<bool, B2buaError> {
        let origin = from.and_then(|peer| Some((peer, self.legs.get(&peer)?.session.revision())));
        let leg = self.legs.get_mut(&key).ok_or(B2buaError::PartnerGone)?;
        let call = leg.call.ok_or(B2buaError::WrongState)?;
        let vehicle = leg
            .demand
            .as_ref()
            .map(Demand::vehicle)
            .ok_or(B2buaError::WrongState)?;
        let sdp = leg.session.propose(sdp, origin).ok_or(B2buaError::Media)?;
        leg.session.commit();
        let command = match vehicle {
            Vehicle::Invite => UaCommand::accept(call, sdp),
            Vehicle::Ack => UaCommand::Ack { call, sdp: Some(sdp) },
            Vehicle::Reinvite => UaCommand::AcceptReinvite { call, sdp },
        };
        self.command(now, command).map_err(|_| B2buaError::WrongState)?;
        let Some(leg) = self.legs.get_mut(&key) else {
            return Err(B2buaError::PartnerGone);
        };
        leg.demand = None;
        match vehicle {
            Vehicle::Invite => {
                leg.step(LegInput::SendAnswer);
            }
            Vehicle::Ack => {
                leg.step(LegInput::SendAck);
            }
            Vehicle::Reinvite => {}
        }
        leg.awaiting_ack = vehicle != Vehicle::Ack;
        Ok(leg.awaiting_ack)
    }

    /// Takes a leg from its partner; the partner's media goes nowhere then.
    pub(super) fn unlink(&mut self, key: LegKey) {
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        if let Link::Peer(peer) = leg.link {
            leg.link = Link::None;
            if let Some(peer) = self.legs.get_mut(&peer)
                && peer.link == Link::Peer(key)
            {
                peer.link = Link::None;
            }
        }
    }

    // The end of negotiations.

    /// Takes a negotiation out of its legs' queues and does what its outcome means.
    pub(super) fn finish_job(&mut self, now: Instant, id: JobId, outcome: Result<(), B2buaError>) {
        self.set_deadline(id, None);
        let Some(job) = self.jobs.remove(&id) else { return };
        for key in job.legs() {
            if let Some(leg) = self.legs.get_mut(&key) {
                leg.jobs.retain(|other| *other != id);
                self.ready.push_back(key);
            }
        }
        match outcome {
            Ok(()) => self.stats.negotiations_done += 1,
            Err(_) => self.stats.negotiations_failed += 1,
        }
        match (job.work, outcome) {
            (Work::Join { passed_on }, Ok(())) => {
                if let Some(second) = job.second {
                    self.joined(now, job.first, second, passed_on);
                }
            }
            (Work::Join { passed_on }, Err(why)) => {
                self.join_failed(now, job.first, job.second, job.command, passed_on, why);
            }
            (Work::Park { request }, Ok(())) => self.parked(now, job.first, request),
            (Work::Park { request }, Err(why)) => self.park_failed(now, job.first, job.command, request, why),
            (Work::Direct { .. }, Ok(())) => {}
            (Work::Direct { .. }, Err(why)) => self.fail(job.first, job.command, why),
        }
    }

    fn joined(&mut self, now: Instant, a: LegKey, b: LegKey, passed_on: bool) {
        for (key, peer) in [(a, b), (b, a)] {
            self.close_media(now, key);
            self.unlink(key);
            if let Some(leg) = self.legs.get_mut(&key) {
                leg.link = Link::Peer(peer);
            }
        }
        // `unlink` of b has taken a from b as well when they were joined before.
        if let Some(leg) = self.legs.get_mut(&a) {
            leg.link = Link::Peer(b);
        }
        if passed_on {
            self.report_peer_hold(a);
        }
    }

    fn join_failed(
        &mut self,
        now: Instant,
        first: LegKey,
        second: Option<LegKey>,
        command: &'static str,
        passed_on: bool,
        why: B2buaError,
    ) {
        for key in std::iter::once(first).chain(second) {
            self.refuse_reinvite(
                now,
                key,
                match why {
                    B2buaError::Refused(status) => status,
                    _ => StatusCode(488),
                },
            );
        }
        if !passed_on {
            self.fail(first, command, why);
        }
        // An endpoint that took our offer and sent no usable answer has no session at all.
        if why == B2buaError::Media {
            for key in std::iter::once(first).chain(second) {
                if self
                    .legs
                    .get(&key)
                    .is_some_and(|leg| leg.role() == Role::Stable && leg.session.is_void())
                {
                    self.release_for_media(now, key);
                }
            }
        }
    }

    /// Refuses the endpoint's re-INVITE if it still waits.
    pub(super) fn refuse_reinvite(&mut self, now: Instant, key: LegKey, status: StatusCode) {
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        if leg
            .demand
            .as_ref()
            .is_some_and(|demand| demand.vehicle() == Vehicle::Reinvite)
        {
            leg.demand = None;
            if let Some(call) = leg.call {
                let status = if status.is_failure() {
                    status
                } else {
                    StatusCode(488)
                };
                // Gone by itself: then there is nothing to refuse.
                let _ = self.command(now, UaCommand::RejectReinvite { call, status });
            }
        }
    }

    fn parked(&mut self, now: Instant, key: LegKey, request: Option<Request>) {
        self.unlink(key);
        if let Some(leg) = self.legs.get_mut(&key) {
            leg.link = Link::Media;
        }
        if let Some(request) = request {
            self.run_on_media(now, key, request.user, request.request);
        }
    }

    fn park_failed(
        &mut self,
        now: Instant,
        key: LegKey,
        command: &'static str,
        request: Option<Request>,
        why: B2buaError,
    ) {
        if self.legs.get(&key).is_some_and(|leg| leg.link != Link::Media) {
            self.close_media(now, key);
        }
        match request {
            Some(Request { user: Some(op), .. }) => {
                let result = MediaResult::Failed {
                    reason: why.to_string(),
                };
                self.emit(B2buaEvent::TreatmentEnded { leg: key, op, result });
            }
            Some(Request { user: None, .. }) => self.fail(key, command, why),
            None => {}
        }
        if why == B2buaError::Media
            && self
                .legs
                .get(&key)
                .is_some_and(|leg| leg.role() == Role::Stable && leg.session.is_void())
        {
            self.release_for_media(now, key);
        }
    }

    /// A leg of the negotiation is gone.
    pub(super) fn abort_job(&mut self, now: Instant, id: JobId, gone: LegKey) {
        let Some(job) = self.jobs.get(&id) else { return };
        let tell = job.first != gone && !matches!(job.work, Work::Join { passed_on: true });
        let (first, command) = (job.first, job.command);
        self.set_deadline(id, None);
        let Some(job) = self.jobs.remove(&id) else { return };
        self.stats.negotiations_failed += 1;
        for key in job.legs().filter(|key| *key != gone) {
            if let Some(leg) = self.legs.get_mut(&key) {
                leg.jobs.retain(|other| *other != id);
            }
            self.refuse_reinvite(now, key, StatusCode(488));
            self.ready.push_back(key);
        }
        if tell {
            self.fail(first, command, B2buaError::PartnerGone);
        }
    }
}

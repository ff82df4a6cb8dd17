//! The core: who owns what, and how inputs reach the legs.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::command::{B2buaCommand, LegKey};
use super::config::B2buaConfig;
use super::event::{B2buaError, B2buaEvent, ReleaseReason};
use super::inbound;
use super::job::{Job, JobId, JobInput};
use super::leg::{Demand, Leg, Link, Operation, Vehicle};
use super::state::LegInput;
use crate::endpoint::Core;
use crate::header::HeaderName;
use crate::media::{
    MediaCommand, MediaEvent, MediaId, MediaRequest, MediaResult, MediaServer, OpId, RefusalKind,
};
use crate::message::Message;
use crate::method::Method;
use crate::registrar::{CredentialStore, Registrar, RegistrarEvent};
use crate::status::StatusCode;
use crate::transport::{Destination, Flow, Transmit};
use crate::ua::{CallKey, CommandError, Output, UaCommand, UaEvent, UserAgent};

/// Counters of a B2BUA since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct B2buaStats {
    /// Legs that exist.
    pub legs: usize,
    /// Media endpoints that are open.
    pub media_endpoints: usize,
    /// Negotiations that wait or run.
    pub negotiations: usize,
    /// Bindings of local users.
    pub bindings: usize,
    /// Legs that came in so far.
    pub incoming_legs: u64,
    /// Legs that the user asked for so far.
    pub outgoing_legs: u64,
    /// INVITEs and REGISTERs challenged so far.
    pub challenges: u64,
    /// INVITEs refused so far because of who sent them.
    pub forbidden: u64,
    /// INVITEs refused with 503 so far because of a limit or shutdown.
    pub overload_refusals: u64,
    /// Calls refused so far because they went in a circle: 482 for those that came back here too often, and those
    /// that could not be passed on because their Max-Forwards was used up.
    pub loops: u64,
    /// Negotiations completed so far.
    pub negotiations_done: u64,
    /// Negotiations that failed so far.
    pub negotiations_failed: u64,
    /// Application headers left out of INVITEs so far because they are not for applications to write.
    pub headers_dropped: u64,
}

/// A back-to-back user agent, without sockets or clock. The module's documentation shows how it is used.
pub struct B2bua {
    pub(super) config: B2buaConfig,
    pub(super) ua: UserAgent,
    pub(super) registrar: Registrar,
    media: Box<dyn MediaServer>,
    pub(super) legs: BTreeMap<LegKey, Leg>,
    pub(super) calls: HashMap<CallKey, LegKey>,
    pub(super) media_legs: HashMap<MediaId, LegKey>,
    pub(super) jobs: BTreeMap<JobId, Job>,
    pub(super) deadlines: BTreeSet<(Instant, JobId)>,
    /// Legs whose next negotiation may be able to start.
    pub(super) ready: VecDeque<LegKey>,
    pub(super) last_call: u64,
    last_media: u64,
    last_operation: u64,
    pub(super) last_job: u64,
    transmits: VecDeque<Transmit>,
    events: VecDeque<B2buaEvent>,
    pub(super) stopping: bool,
    pub(super) stats: B2buaStats,
}

impl B2bua {
    /// A B2BUA for the users of a credential store, with a media server.
    pub fn new(
        mut config: B2buaConfig,
        users: Box<dyn CredentialStore>,
        media: Box<dyn MediaServer>,
    ) -> Self {
        if !config.ua.out_of_dialog_methods.contains(&Method::REGISTER) {
            config.ua.out_of_dialog_methods.push(Method::REGISTER);
        }
        // What would only be refused is not announced.
        config
            .ua
            .in_dialog_methods
            .retain(|method| *method != Method::MESSAGE);
        let mut ua = UserAgent::new(config.ua.clone());
        if !config.transfer_requests {
            ua.withdraw(&Method::REFER);
        }
        Self {
            ua,
            registrar: Registrar::new(config.registrar.clone(), users),
            config,
            media,
            legs: BTreeMap::new(),
            calls: HashMap::new(),
            media_legs: HashMap::new(),
            jobs: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            ready: VecDeque::new(),
            last_call: 0,
            last_media: 0,
            last_operation: 0,
            last_job: 0,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            stopping: false,
            stats: B2buaStats::default(),
        }
    }

    /// Counters.
    #[must_use]
    pub fn stats(&self) -> B2buaStats {
        B2buaStats {
            legs: self.legs.len(),
            media_endpoints: self.media_legs.len(),
            negotiations: self.jobs.len(),
            bindings: self.registrar.location().len(),
            challenges: self.stats.challenges + self.registrar.challenges(),
            ..self.stats
        }
    }

    /// The user agent inside, to look at.
    #[must_use]
    pub fn user_agent(&self) -> &UserAgent {
        &self.ua
    }

    /// The registrar inside, to look at.
    #[must_use]
    pub fn registrar(&self) -> &Registrar {
        &self.registrar
    }

    /// Takes what the user agent has to say, then lets negotiations start, until nothing is left.
    fn settle(&mut self, now: Instant) {
        loop {
            while let Some(output) = self.ua.poll_output() {
                match output {
                    Output::Transmit(transmit) => self.transmits.push_back(transmit),
                    Output::Event(event) => self.handle_ua_event(now, event),
                }
            }
            self.take_registrar_events();
            match self.ready.pop_front() {
                Some(leg) => self.start_next_job(now, leg),
                None => break,
            }
        }
    }

    fn take_registrar_events(&mut self) {
        while let Some(event) = self.registrar.poll_event() {
            self.emit(match event {
                RegistrarEvent::Registered { user } => B2buaEvent::Registered { user },
                RegistrarEvent::Unregistered { user, .. } => B2buaEvent::Unregistered { user },
            });
        }
    }

    pub(super) fn emit(&mut self, event: B2buaEvent) {
        tracing::debug!(?event, "event");
        self.events.push_back(event);
    }

    pub(super) fn command(&mut self, now: Instant, command: UaCommand) -> Result<(), CommandError> {
        let outcome = self.ua.handle_command(now, command);
        if let Err(error) = outcome {
            tracing::debug!(%error, "user agent refused a command");
        }
        outcome
    }

    pub(super) fn media(&mut self, now: Instant, command: MediaCommand) {
        self.media.handle_command(now, command);
    }

    pub(super) fn leg_of(&self, call: CallKey) -> Option<LegKey> {
        self.calls.get(&call).copied()
    }

    pub(super) fn fail(&mut self, leg: LegKey, command: &'static str, why: B2buaError) {
        self.emit(B2buaEvent::CommandFailed { leg, command, why });
    }

    /// Call-ID and endpoint's tag of a leg, as a transferring phone names it.
    #[cfg(test)]
    pub(super) fn dialog_of(&self, key: LegKey) -> Option<(String, String)> {
        self.legs
            .get(&key)
            .map(|leg| (leg.call_id.clone(), leg.remote_tag.clone()))
    }

    /// The legs that exist.
    #[cfg(test)]
    pub(super) fn leg_keys(&self) -> Vec<LegKey> {
        self.legs.keys().copied().collect()
    }

    /// Entries of the indexes: calls, deadlines, legs to look at.
    #[cfg(test)]
    pub(super) fn leftovers(&self) -> (usize, usize, usize) {
        (self.calls.len(), self.deadlines.len(), self.ready.len())
    }

    // Media endpoints.

    pub(super) fn open_media(&mut self, now: Instant, key: LegKey, offer: Option<bytes::Bytes>) {
        self.close_media(now, key);
        self.last_media += 1;
        let id = MediaId(self.last_media);
        if let Some(leg) = self.legs.get_mut(&key) {
            leg.media = Some(id);
            self.media_legs.insert(id, key);
            self.media(now, MediaCommand::Open { id, offer });
        }
    }

    pub(super) fn close_media(&mut self, now: Instant, key: LegKey) {
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        leg.operation = None;
        let Some(id) = leg.media.take() else { return };
        if leg.link == Link::Media {
            leg.link = Link::None;
        }
        self.media_legs.remove(&id);
        self.media(now, MediaCommand::Close { id });
    }

    pub(super) fn run_on_media(
        &mut self,
        now: Instant,
        key: LegKey,
        user: Option<OpId>,
        request: MediaRequest,
    ) {
        self.last_operation += 1;
        let op = OpId(self.last_operation);
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        let Some(id) = leg.media else { return };
        let collects = matches!(request, MediaRequest::Collect { .. });
        leg.operation = Some(Operation {
            id: op,
            user,
            collects,
        });
        self.media(now, MediaCommand::Run { id, op, request });
    }

    fn handle_media_event(&mut self, now: Instant, event: MediaEvent) {
        let Some(key) = self.media_legs.get(&event.id()).copied() else {
            return;
        };
        match event {
            MediaEvent::Opened { sdp, .. } => self.job_input(now, key, JobInput::Opened(sdp)),
            MediaEvent::Refused { id, kind, reason } => {
                self.handle_media_refused(now, key, id, kind, reason);
            }
            MediaEvent::Started { op, .. } => {
                if let Some(user) = self.user_operation(key, op) {
                    self.emit(B2buaEvent::TreatmentStarted { leg: key, op: user });
                }
            }
            MediaEvent::Ended { op, result, .. } => {
                let user = self.user_operation(key, op);
                if let Some(leg) = self.legs.get_mut(&key)
                    && leg.operation.is_some_and(|running| running.id == op)
                {
                    leg.operation = None;
                }
                if let Some(user) = user {
                    self.emit(B2buaEvent::TreatmentEnded {
                        leg: key,
                        op: user,
                        result,
                    });
                }
            }
            MediaEvent::Digit { digit, .. } => self.emit(B2buaEvent::Digit { leg: key, digit }),
        }
    }

    fn user_operation(&self, key: LegKey, op: OpId) -> Option<OpId> {
        self.legs
            .get(&key)?
            .operation
            .filter(|running| running.id == op)?
            .user
    }

    fn handle_media_refused(
        &mut self,
        now: Instant,
        key: LegKey,
        id: MediaId,
        kind: RefusalKind,
        reason: String,
    ) {
        tracing::warn!(leg = key.0, ?kind, reason, "media endpoint refused");
        self.media_legs.remove(&id);
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        leg.media = None;
        if leg.link == Link::Media {
            leg.link = Link::None;
        }
        if let Some(user) = leg.operation.take().and_then(|running| running.user) {
            self.emit(B2buaEvent::TreatmentEnded {
                leg: key,
                op: user,
                result: MediaResult::Failed { reason },
            });
        }
        if kind.is_about_description() && self.refuse_offer(now, key, kind) {
            return;
        }
        self.job_input(now, key, JobInput::MediaRefused(kind));
    }

    /// Refuses a caller whose offer the media server cannot serve, and ends the leg; `false` for any other leg.
    ///
    /// Spec: RFC 3261 §13.3.1.3, §20.43, §21.4.26
    fn refuse_offer(&mut self, now: Instant, key: LegKey, kind: RefusalKind) -> bool {
        let Some(leg) = self.legs.get(&key) else {
            return false;
        };
        let waits = matches!(leg.demand, Some(Demand::Answer(Vehicle::Invite, _)));
        let Some(call) = leg.call.filter(|_| waits && leg.state.is_unanswered_incoming()) else {
            return false;
        };
        let warning = match kind {
            RefusalKind::NoCommonMedia => "305 b2bua \"Incompatible media format\"",
            _ => "399 b2bua \"Session description cannot be used\"",
        };
        let refusal = UaCommand::Reject {
            call,
            status: StatusCode(488),
            headers: vec![(HeaderName::WARNING, warning.to_owned())],
        };
        // A caller who has gone by itself needs no refusal.
        let _ = self.command(now, refusal);
        self.drop_leg(now, key, LegInput::Release);
        self.emit(B2buaEvent::Released {
            leg: key,
            why: ReleaseReason::Media,
        });
        true
    }

    // The end of a leg.

    /// Forgets a leg: its calls, media and negotiations. What the network needs to know must have been said.
    pub(super) fn drop_leg(&mut self, now: Instant, key: LegKey, input: LegInput) {
        self.close_media(now, key);
        let Some(mut leg) = self.legs.remove(&key) else {
            return;
        };
        leg.step(input);
        for call in leg.call.iter().chain(&leg.forks) {
            self.calls.remove(call);
        }
        if let Link::Peer(peer) = leg.link
            && let Some(peer) = self.legs.get_mut(&peer)
            && peer.link == Link::Peer(key)
        {
            peer.link = Link::None;
        }
        for job in leg.jobs {
            self.abort_job(now, job, key);
        }
    }

    /// Ends a leg towards its endpoint: CANCEL, BYE or a final response.
    pub(super) fn hang_up(&mut self, now: Instant, key: LegKey, status: Option<StatusCode>) {
        let Some(leg) = self.legs.get(&key) else { return };
        let calls: Vec<CallKey> = leg.call.into_iter().chain(leg.forks.iter().copied()).collect();
        let unanswered = leg.state.is_unanswered_incoming();
        for call in calls {
            let command = if unanswered {
                let status = status.filter(|s| s.is_failure()).unwrap_or(StatusCode(480));
                UaCommand::reject(call, self.refusal(key, status))
            } else {
                let reason = status.map(|s| {
                    (
                        HeaderName::REASON,
                        format!("SIP;cause={};text=\"{}\"", s.0, s.reason_phrase()),
                    )
                });
                UaCommand::Hangup {
                    call,
                    headers: reason.into_iter().collect(),
                }
            };
            // A call that is gone by itself needs no goodbye.
            let _ = self.command(now, command);
        }
    }

    pub(super) fn release(&mut self, now: Instant, key: LegKey, status: Option<StatusCode>) {
        self.hang_up(now, key, status);
        self.drop_leg(now, key, LegInput::Release);
    }

    /// Ends a leg whose session cannot be agreed any more.
    pub(super) fn release_for_media(&mut self, now: Instant, key: LegKey) {
        if self.legs.contains_key(&key) {
            self.release(now, key, Some(StatusCode(488)));
            self.emit(B2buaEvent::Released {
                leg: key,
                why: ReleaseReason::Media,
            });
        }
    }

    pub(super) fn set_deadline(&mut self, id: JobId, at: Option<Instant>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if let Some(old) = job.deadline.take() {
            self.deadlines.remove(&(old, id));
        }
        if let Some(at) = at {
            job.deadline = Some(at);
            self.deadlines.insert((at, id));
        }
    }

    fn expire_jobs(&mut self, now: Instant) {
        while let Some((at, id)) = self.deadlines.first().copied() {
            if at > now {
                break;
            }
            self.deadlines.remove(&(at, id));
            self.finish_job(now, id, Err(B2buaError::Timeout));
        }
    }

    pub(super) const fn negotiation_timeout(&self) -> Duration {
        self.config.negotiation_timeout
    }
}

impl Core for B2bua {
    type Command = B2buaCommand;
    type Event = B2buaEvent;
    type Stats = B2buaStats;

    fn handle_bound(&mut self, now: Instant, local: SocketAddr) {
        self.ua.handle_bound(local);
        self.settle(now);
    }

    fn handle_message(&mut self, now: Instant, flow: Flow, message: Message) {
        self.registrar.handle_timeout(now);
        self.ua.handle_message(now, flow, message);
        self.settle(now);
    }

    fn handle_transport_error(&mut self, now: Instant, destination: Destination) {
        if let Destination::Flow(flow) = destination
            && flow.protocol.is_reliable()
        {
            self.registrar.handle_flow_lost(&flow);
        }
        self.ua.handle_transport_error(now, destination);
        self.settle(now);
    }

    fn handle_command(&mut self, now: Instant, command: B2buaCommand) {
        self.registrar.handle_timeout(now);
        tracing::debug!(?command, "command");
        self.carry_out(now, command);
        self.settle(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.registrar.handle_timeout(now);
        self.media.handle_timeout(now);
        self.ua.handle_timeout(now);
        self.expire_jobs(now);
        self.settle(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [
            self.ua.poll_timeout(),
            self.registrar.poll_timeout(),
            self.media.poll_timeout(),
            self.deadlines.first().map(|(at, _)| *at),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    fn poll_event(&mut self) -> Option<B2buaEvent> {
        self.events.pop_front()
    }

    fn poll_external(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<()> {
        match self.media.poll_event(now, cx) {
            Poll::Ready(event) => {
                self.handle_media_event(now, event);
                self.settle(now);
                Poll::Ready(())
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn stats(&self) -> B2buaStats {
        Self::stats(self)
    }

    fn handle_shutdown(&mut self, now: Instant) {
        self.stopping = true;
        let legs: Vec<LegKey> = self.legs.keys().copied().collect();
        for leg in legs {
            self.release(now, leg, Some(StatusCode(503)));
            self.emit(B2buaEvent::Released {
                leg,
                why: ReleaseReason::Shutdown,
            });
        }
        self.ua.handle_shutdown(now);
        self.settle(now);
    }

    fn is_idle(&self) -> bool {
        self.legs.is_empty() && self.ua.is_idle()
    }
}

impl std::fmt::Debug for B2bua {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("B2bua")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl B2bua {
    /// Calls are numbered apart from legs: a leg may ring several phones.
    pub(super) fn next_call(&mut self) -> CallKey {
        self.last_call += 1;
        CallKey::outgoing(self.last_call)
    }

    pub(super) fn handle_ua_event(&mut self, now: Instant, event: UaEvent) {
        inbound::handle(self, now, event);
    }
}

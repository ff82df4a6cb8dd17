//! The router: requests wait, agents turn ready, each request gets one agent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use stat::{StatusChange, Subject};
use tlib::{AgentId, Dn};

use crate::error::SubmitError;
use crate::id::{InteractionId, RequestId};
use crate::target::{Target, TargetType};

mod agent;
mod pool;
#[cfg(test)]
mod tests;
mod waiting;

pub use agent::{AgentProfile, AgentStatus, UnknownAgent};
use agent::{AgentRecord, Reservation};
use pool::Pools;
use waiting::{InteractionRecord, Waiting};
pub use waiting::{QueueView, Request};

/// Gives waiting requests to ready agents.
///
/// Waiting order: priority descending, then age. Choice among agents: the longest ready one, ties by id.
/// A selected agent is reserved until the caller confirms or releases the selection, or the reservation
/// expires; meanwhile no other request gets that agent.
///
/// Cost: an agent turning ready looks at the first waiting request of each target set that contains the
/// agent; a new request looks at the longest-ready agent of each of its targets. Neither walks the other side.
///
/// Drive it like every core: an input, then [`Router::poll_output`] to `None`; [`Router::handle_timeout`]
/// when [`Router::poll_timeout`] is reached.
///
/// Spec: routing reference §4, §4.1 (implicit reservation)
#[derive(Debug)]
pub struct Router {
    config: RouterConfig,
    agents: BTreeMap<AgentId, AgentRecord>,
    pools: Pools,
    waiting: BTreeMap<RequestId, Waiting>,
    interactions: BTreeMap<InteractionId, InteractionRecord>,
    reservations: BTreeMap<RequestId, Reservation>,
    timers: BTreeSet<(Instant, Timer)>,
    output: VecDeque<Output>,
    sequence: u64,
    stats: RouterStats,
}

/// Limits and times of a [`Router`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouterConfig {
    /// How long a selected agent stays reserved without [`Router::confirm`] or [`Router::release`], and how
    /// long after `confirm` the agent's own status may take to change. Default 10 s.
    pub reservation_time: Duration,
    /// Agents in the directory; default 100,000.
    pub max_agents: usize,
    /// Requests that wait or hold targets; default 100,000.
    pub max_requests: usize,
    /// Targets of one interaction, earlier submits included; default 64.
    pub max_targets: usize,
    /// Different targets remembered; unused ones make room for new ones. Default 4,096.
    pub max_pools: usize,
}

impl Default for RouterConfig {
    fn default() -> Self {
        Self {
            reservation_time: Duration::from_secs(10),
            max_agents: 100_000,
            max_requests: 100_000,
            max_targets: 64,
            max_pools: 4_096,
        }
    }
}

/// What the router decided.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Output {
    /// A request got an agent, who is reserved now.
    Selected(Selection),
    /// A request waited too long and is gone.
    TimedOut {
        /// The request.
        request: RequestId,
        /// Its interaction.
        interaction: InteractionId,
        /// How long it waited.
        waited: Duration,
    },
    /// A request is gone because a later one asked to clear the queue of its interaction.
    Replaced {
        /// The earlier request.
        request: RequestId,
        /// The interaction.
        interaction: InteractionId,
    },
    /// Nobody confirmed or released a selection in time; the agent is free again.
    ReservationExpired {
        /// The selected request.
        request: RequestId,
        /// Its interaction.
        interaction: InteractionId,
        /// The agent.
        agent: AgentId,
    },
}

/// A request's agent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selection {
    /// The request.
    pub request: RequestId,
    /// Its interaction.
    pub interaction: InteractionId,
    /// The agent.
    pub agent: AgentId,
    /// Where the agent is logged in.
    pub dn: Dn,
    /// The target that the agent fulfils: the first such one of the request.
    pub target: Target,
    /// The virtual queue named in the request.
    pub queue: Option<String>,
    /// Priority of the request.
    pub priority: i32,
    /// How long the request waited.
    pub waited: Duration,
}

/// Plain counters of a [`Router`]; totals since its start unless marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouterStats {
    /// Requests accepted.
    pub submitted: u64,
    /// Requests refused.
    pub refused: u64,
    /// Selections made.
    pub selected: u64,
    /// Selections confirmed.
    pub confirmed: u64,
    /// Selections released.
    pub released: u64,
    /// Reservations that expired unconfirmed.
    pub expired: u64,
    /// Requests that waited too long.
    pub timed_out: u64,
    /// Requests cancelled or replaced while they waited.
    pub cancelled: u64,
    /// Requests that wait now.
    pub waiting: usize,
    /// Agents that can be selected now.
    pub ready: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Reservation(RequestId),
    Request(RequestId),
}

impl Router {
    /// A router without agents and requests.
    pub fn new(config: RouterConfig) -> Self {
        Self {
            config,
            agents: BTreeMap::new(),
            pools: Pools::default(),
            waiting: BTreeMap::new(),
            interactions: BTreeMap::new(),
            reservations: BTreeMap::new(),
            timers: BTreeSet::new(),
            output: VecDeque::new(),
            sequence: 0,
            stats: RouterStats::default(),
        }
    }

    /// Adds a request, which may select an agent at once.
    ///
    /// Targets of an earlier submit of the interaction that timed out without
    /// [`Request::clear_on_timeout`] count too.
    ///
    /// # Errors
    ///
    /// [`SubmitError`]; nothing has changed then.
    pub fn submit(&mut self, now: Instant, request: Request) -> Result<(), SubmitError> {
        let result = self.try_submit(now, request);
        match &result {
            Ok(()) => self.stats.submitted += 1,
            Err(error) => {
                self.stats.refused += 1;
                tracing::debug!(%error, "request refused");
            }
        }
        result
    }

    /// Takes a request back, whether it waits or has an agent reserved; answers whether it existed.
    /// Targets kept for the interaction are dropped.
    pub fn cancel(&mut self, now: Instant, request: &RequestId) -> bool {
        if let Some(waiting) = self.remove_waiting(request) {
            self.stats.cancelled += 1;
            self.forget_interaction(&waiting.interaction);
            return true;
        }
        self.release(now, request)
    }

    /// The interaction is gone: cancels its request, frees its agent, drops its targets.
    pub fn interaction_ended(&mut self, now: Instant, interaction: &InteractionId) {
        let Some(record) = self.interactions.get(interaction) else {
            return;
        };
        if let Some(request) = record.live.clone() {
            self.cancel(now, &request);
        }
        self.forget_interaction(interaction);
    }

    /// The call reached the selected agent; answers whether the selection existed.
    ///
    /// The agent becomes available again with the next change to ready. If no change is reported within
    /// [`RouterConfig::reservation_time`], the last reported status counts again.
    pub fn confirm(&mut self, now: Instant, request: &RequestId) -> bool {
        let Some(reservation) = self
            .reservations
            .get_mut(request)
            .filter(|reservation| !reservation.confirmed)
        else {
            return false;
        };
        self.stats.confirmed += 1;
        reservation.confirmed = true;
        let was_busy = reservation.was_busy;
        let until = now + self.config.reservation_time;
        self.timers
            .remove(&(reservation.until, Timer::Reservation(request.clone())));
        reservation.until = until;
        self.timers.insert((until, Timer::Reservation(request.clone())));
        let interaction = reservation.interaction.clone();
        self.forget_interaction(&interaction);
        if was_busy {
            self.end_reservation(now, request);
        }
        true
    }

    /// The selection came to nothing and the agent is free; answers whether the selection existed.
    pub fn release(&mut self, now: Instant, request: &RequestId) -> bool {
        if self
            .reservations
            .get(request)
            .is_none_or(|reservation| reservation.confirmed)
        {
            return false;
        }
        self.stats.released += 1;
        self.end_reservation(now, request);
        true
    }

    /// Adds an agent to the directory, or changes skills and groups of one who is there.
    ///
    /// # Errors
    ///
    /// [`SubmitError::Full`] beyond [`RouterConfig::max_agents`].
    pub fn set_agent(&mut self, now: Instant, profile: AgentProfile) -> Result<(), SubmitError> {
        let id = profile.id.clone();
        if !self.agents.contains_key(&id) && self.agents.len() >= self.config.max_agents {
            return Err(SubmitError::Full);
        }
        self.unlist(&id);
        let pools = self.pools.containing(&profile);
        match self.agents.get_mut(&id) {
            Some(record) => {
                record.profile = profile;
                record.pools = pools;
            }
            None => {
                let mut record = AgentRecord::new(profile, pools);
                // One who was removed and comes back may still be selected for a call.
                record.reservation = self
                    .reservations
                    .iter()
                    .find(|(_, reservation)| reservation.agent == id)
                    .map(|(request, _)| request.clone());
                self.agents.insert(id.clone(), record);
            }
        }
        self.refresh(now, &id);
        Ok(())
    }

    /// Removes an agent from the directory; a selection of this agent stays until confirmed or released.
    pub fn remove_agent(&mut self, agent: &AgentId) -> bool {
        self.unlist(agent);
        self.agents.remove(agent).is_some()
    }

    /// Takes the status of an agent.
    ///
    /// # Errors
    ///
    /// [`UnknownAgent`] when the agent is not in the directory.
    pub fn agent_status(
        &mut self,
        now: Instant,
        agent: &AgentId,
        status: AgentStatus,
    ) -> Result<(), UnknownAgent> {
        let record = self.agents.get_mut(agent).ok_or(UnknownAgent)?;
        let ended = match status {
            AgentStatus::Ready { dn, since } => {
                record.ready = Some((since, dn));
                None
            }
            AgentStatus::NotReady => {
                record.ready = None;
                let request = record.reservation.clone();
                request.filter(|request| match self.reservations.get_mut(request) {
                    Some(reservation) => {
                        reservation.was_busy = true;
                        reservation.confirmed
                    }
                    None => true,
                })
            }
        };
        match ended {
            Some(request) => self.end_reservation(now, &request),
            None => self.refresh(now, agent),
        }
        Ok(())
    }

    /// Takes a status change of the statistics; those of DNs and of unknown agents are ignored.
    /// Answers whether it concerned an agent of the directory.
    pub fn handle_status(&mut self, now: Instant, change: &StatusChange) -> bool {
        let Subject::Agent(agent) = &change.subject else {
            return false;
        };
        let status = match &change.dn {
            Some(dn) if change.status.is_ready() => AgentStatus::Ready {
                dn: dn.clone(),
                since: change.since,
            },
            _ => AgentStatus::NotReady,
        };
        self.agent_status(now, agent, status).is_ok()
    }

    /// Lets time-outs happen that are due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, timer)) = self.timers.first().cloned() {
            if at > now {
                break;
            }
            self.timers.pop_first();
            match timer {
                Timer::Request(request) => self.request_timed_out(now, &request),
                Timer::Reservation(request) => self.reservation_timed_out(now, &request),
            }
        }
    }

    /// When to call [`Router::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// The next decision; drain to `None` after every input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    /// Priority, position and time of a waiting request; `None` if it does not wait.
    ///
    /// The position counts the requests ahead that want any of the same targets. This walks the queues of
    /// those targets.
    ///
    /// Spec: ORS reference §4, query
    pub fn query(&self, now: Instant, request: &RequestId) -> Option<QueueView> {
        let waiting = self.waiting.get(request)?;
        let ahead: BTreeSet<_> = waiting
            .targets
            .iter()
            .flat_map(|(_, pool)| self.pools.waiting_before(*pool, &waiting.key))
            .collect();
        Some(QueueView {
            priority: waiting.priority,
            position: ahead.len() + 1,
            waited: now.saturating_duration_since(waiting.submitted),
        })
    }

    /// The counters.
    pub fn stats(&self) -> RouterStats {
        RouterStats {
            waiting: self.waiting.len(),
            ready: self
                .agents
                .values()
                .filter(|agent| agent.listed.is_some())
                .count(),
            ..self.stats
        }
    }

    fn request_timed_out(&mut self, now: Instant, request: &RequestId) {
        let Some(waiting) = self.remove_waiting(request) else {
            return;
        };
        self.stats.timed_out += 1;
        if waiting.clear_on_timeout {
            self.forget_interaction(&waiting.interaction);
        } else {
            self.keep_targets(&waiting);
        }
        self.output.push_back(Output::TimedOut {
            request: request.clone(),
            interaction: waiting.interaction,
            waited: now.saturating_duration_since(waiting.submitted),
        });
    }

    fn reservation_timed_out(&mut self, now: Instant, request: &RequestId) {
        let Some(reservation) = self.reservations.get(request) else {
            return;
        };
        if !reservation.confirmed {
            self.stats.expired += 1;
            self.output.push_back(Output::ReservationExpired {
                request: request.clone(),
                interaction: reservation.interaction.clone(),
                agent: reservation.agent.clone(),
            });
        }
        self.end_reservation(now, request);
    }

    fn end_reservation(&mut self, now: Instant, request: &RequestId) {
        let Some(reservation) = self.reservations.remove(request) else {
            return;
        };
        self.timers
            .remove(&(reservation.until, Timer::Reservation(request.clone())));
        if !reservation.confirmed {
            self.forget_interaction(&reservation.interaction);
        }
        if let Some(agent) = self.agents.get_mut(&reservation.agent)
            && agent.reservation.as_ref() == Some(request)
        {
            agent.reservation = None;
            self.refresh(now, &reservation.agent);
        }
    }

    /// Lists or delists an agent by its state; one that becomes available gets the best waiting request.
    fn refresh(&mut self, now: Instant, agent: &AgentId) {
        let Some(record) = self.agents.get_mut(agent) else {
            return;
        };
        let since = record.available_since();
        if since != record.listed {
            if let Some(listed) = record.listed.take() {
                self.pools.unlist(&record.pools, listed, agent);
            }
            record.listed = since;
            if let Some(since) = since {
                self.pools.list(&record.pools, since, agent);
            }
        }
        if since.is_some()
            && let Some(request) = self.pools.first_waiting(&record.pools)
        {
            self.select(now, &request, agent.clone());
        }
    }

    fn unlist(&mut self, agent: &AgentId) {
        if let Some(record) = self.agents.get_mut(agent)
            && let Some(listed) = record.listed.take()
        {
            self.pools.unlist(&record.pools, listed, agent);
        }
    }

    fn select(&mut self, now: Instant, request: &RequestId, agent: AgentId) {
        let Some(record) = self.agents.get_mut(&agent) else {
            return;
        };
        let Some((_, dn)) = record.ready.clone() else {
            return;
        };
        let Some(target) = self.waiting.get(request).and_then(|waiting| {
            waiting
                .targets
                .iter()
                .find(|(_, pool)| record.pools.contains(pool))
                .map(|(target, _)| target.clone())
        }) else {
            return;
        };
        record.reservation = Some(request.clone());
        self.unlist(&agent);
        let Some(waiting) = self.remove_waiting(request) else {
            return;
        };
        let until = now + self.config.reservation_time;
        self.reservations.insert(
            request.clone(),
            Reservation {
                agent: agent.clone(),
                interaction: waiting.interaction.clone(),
                until,
                was_busy: false,
                confirmed: false,
            },
        );
        self.timers.insert((until, Timer::Reservation(request.clone())));
        self.stats.selected += 1;
        tracing::debug!(%request, "agent selected");
        self.output.push_back(Output::Selected(Selection {
            request: request.clone(),
            interaction: waiting.interaction,
            agent,
            dn,
            target,
            queue: waiting.queue,
            priority: waiting.priority,
            waited: now.saturating_duration_since(waiting.submitted),
        }));
    }
}

/// Whether this version selects agents for targets of the type.
const fn is_selectable(target_type: TargetType) -> bool {
    matches!(target_type, TargetType::Agent | TargetType::AgentGroup)
}

//! Requests that wait, and the targets that interactions keep.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use super::pool::{PoolId, WaitKey};
use super::{Output, Router, Timer, is_selectable};
use crate::error::SubmitError;
use crate::id::{InteractionId, RequestId};
use crate::target::Target;

/// A request for an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// Its id, unique in the router.
    pub id: RequestId,
    /// What waits.
    pub interaction: InteractionId,
    /// Who may get it, in order of preference for reports; any of them is as good as another.
    pub targets: Vec<Target>,
    /// Higher is served first; default 0.
    pub priority: i32,
    /// How long to wait; default: until cancelled. Zero selects now or never.
    pub timeout: Option<Duration>,
    /// Whether a timeout also drops the targets; otherwise (default) they count for the next submit of the
    /// interaction, which then keeps the age of this one.
    pub clear_on_timeout: bool,
    /// Whether earlier requests and targets of the interaction are dropped first; default false.
    pub clear_queue: bool,
    /// Name of the virtual queue, for reports; default none.
    pub queue: Option<String>,
    /// Where the age starts; default: when the request is submitted.
    pub waiting_since: Option<Instant>,
}

impl Request {
    /// A request with default options.
    pub fn new(
        id: impl Into<RequestId>,
        interaction: impl Into<InteractionId>,
        targets: Vec<Target>,
    ) -> Self {
        Self {
            id: id.into(),
            interaction: interaction.into(),
            targets,
            priority: 0,
            timeout: None,
            clear_on_timeout: false,
            clear_queue: false,
            queue: None,
            waiting_since: None,
        }
    }

    /// Sets [`Request::priority`].
    #[must_use]
    pub const fn with_priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Sets [`Request::timeout`].
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

/// Answer of [`Router::query`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueView {
    /// Priority of the request.
    pub priority: i32,
    /// Place among the requests that want any of the same targets, from 1.
    pub position: usize,
    /// How long it waits.
    pub waited: Duration,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) interaction: InteractionId,
    pub(super) targets: Vec<(Target, PoolId)>,
    pub(super) key: WaitKey,
    pub(super) priority: i32,
    pub(super) queue: Option<String>,
    pub(super) submitted: Instant,
    pub(super) deadline: Option<Instant>,
    pub(super) clear_on_timeout: bool,
}

/// What is known of an interaction between its submits.
#[derive(Debug, Default)]
pub(super) struct InteractionRecord {
    /// The request that waits or has an agent reserved.
    pub(super) live: Option<RequestId>,
    /// Targets of submits that timed out, and the age of the first.
    kept: Vec<(Target, PoolId)>,
    since: Option<Instant>,
}

impl Router {
    pub(super) fn try_submit(&mut self, now: Instant, request: Request) -> Result<(), SubmitError> {
        self.check(&request)?;
        let pools = self.open_pools(&request.targets)?;
        if request.clear_queue {
            self.replace(now, &request.interaction);
        }
        let record = self.interactions.entry(request.interaction.clone()).or_default();
        record.live = Some(request.id.clone());
        let kept = std::mem::take(&mut record.kept);
        let kept_since = record.since.take();
        let all = request.targets.into_iter().zip(pools).chain(kept);
        let targets = self.distinct(all);
        let since = request.waiting_since.or(kept_since).unwrap_or(now);
        self.sequence += 1;
        let key = WaitKey {
            priority: Reverse(request.priority),
            since,
            sequence: self.sequence,
        };
        let deadline = request.timeout.and_then(|timeout| now.checked_add(timeout));
        let best = targets
            .iter()
            .filter_map(|(_, pool)| self.pools.first_ready(*pool))
            .min()
            .cloned();
        for (_, pool) in &targets {
            self.pools.enqueue(*pool, key.clone(), request.id.clone());
        }
        if let Some(deadline) = deadline {
            self.timers.insert((deadline, Timer::Request(request.id.clone())));
        }
        self.waiting.insert(
            request.id.clone(),
            Waiting {
                interaction: request.interaction,
                targets,
                key,
                priority: request.priority,
                queue: request.queue,
                submitted: now,
                deadline,
                clear_on_timeout: request.clear_on_timeout,
            },
        );
        if let Some((_, agent)) = best {
            self.select(now, &request.id, agent);
        }
        Ok(())
    }

    /// Targets without those that say the same as an earlier one.
    fn distinct(&mut self, all: impl Iterator<Item = (Target, PoolId)>) -> Vec<(Target, PoolId)> {
        let mut targets: Vec<(Target, PoolId)> = Vec::new();
        for (target, pool) in all {
            if targets.iter().any(|(_, other)| *other == pool) {
                self.pools.release(pool);
            } else {
                targets.push((target, pool));
            }
        }
        targets
    }

    fn check(&self, request: &Request) -> Result<(), SubmitError> {
        if self.waiting.contains_key(&request.id) || self.reservations.contains_key(&request.id) {
            return Err(SubmitError::DuplicateRequest(request.id.clone()));
        }
        let record = self
            .interactions
            .get(&request.interaction)
            .filter(|_| !request.clear_queue);
        if let Some(live) = record.and_then(|record| record.live.clone()) {
            return Err(SubmitError::InteractionBusy(live));
        }
        let known = self.interactions.contains_key(&request.interaction);
        if !known && self.interactions.len() >= self.config.max_requests {
            return Err(SubmitError::Full);
        }
        let limit = self.config.max_targets;
        let kept = record.map_or(&[][..], |record| &record.kept);
        let added = kept
            .iter()
            .filter(|(target, _)| !request.targets.contains(target))
            .count();
        match request.targets.len() + added {
            0 => return Err(SubmitError::NoTargets),
            count if count > limit => return Err(SubmitError::TooManyTargets { limit }),
            _ => {}
        }
        for (index, target) in request.targets.iter().enumerate() {
            let target_type = target.target_type();
            if !is_selectable(target_type) {
                return Err(SubmitError::UnsupportedTarget { index, target_type });
            }
            if target.threshold.is_some() {
                return Err(SubmitError::UnsupportedThreshold { index });
            }
        }
        Ok(())
    }

    /// Drops what an earlier submit of the interaction left.
    fn replace(&mut self, now: Instant, interaction: &InteractionId) {
        let live = self
            .interactions
            .get(interaction)
            .and_then(|record| record.live.clone());
        if let Some(request) = live
            && self.cancel(now, &request)
        {
            self.output.push_back(Output::Replaced {
                request,
                interaction: interaction.clone(),
            });
        }
        self.forget_interaction(interaction);
    }

    /// Pools of the targets, each counted as used.
    fn open_pools(&mut self, targets: &[Target]) -> Result<Vec<PoolId>, SubmitError> {
        let mut opened: Vec<PoolId> = Vec::with_capacity(targets.len());
        for target in targets {
            let pool = self.pools.find(target).or_else(|| self.open_pool(target));
            let Some(pool) = pool else {
                for pool in opened {
                    self.pools.release(pool);
                }
                return Err(SubmitError::Full);
            };
            self.pools.retain(pool);
            opened.push(pool);
        }
        Ok(opened)
    }

    fn open_pool(&mut self, target: &Target) -> Option<PoolId> {
        if self.pools.len() >= self.config.max_pools {
            let unused = self.pools.evict();
            for agent in self.agents.values_mut() {
                agent.pools.retain(|pool| !unused.contains(pool));
            }
            if self.pools.len() >= self.config.max_pools {
                return None;
            }
        }
        let pool = self.pools.create(target)?;
        for (id, agent) in &mut self.agents {
            if self.pools.matches(pool, &agent.profile) {
                agent.pools.insert(pool);
                if let Some(since) = agent.listed {
                    self.pools.list(&[pool].into(), since, id);
                }
            }
        }
        Some(pool)
    }

    /// Takes a request out of every queue; its targets stay counted as used only if the caller keeps them.
    pub(super) fn remove_waiting(&mut self, request: &RequestId) -> Option<Waiting> {
        let waiting = self.waiting.remove(request)?;
        for (_, pool) in &waiting.targets {
            self.pools.dequeue(*pool, &waiting.key);
            self.pools.release(*pool);
        }
        if let Some(deadline) = waiting.deadline {
            self.timers.remove(&(deadline, Timer::Request(request.clone())));
        }
        Some(waiting)
    }

    /// Keeps the targets of a request that timed out for the next submit of its interaction.
    pub(super) fn keep_targets(&mut self, waiting: &Waiting) {
        let Some(record) = self.interactions.get_mut(&waiting.interaction) else {
            return;
        };
        record.live = None;
        record.since = Some(waiting.key.since);
        record.kept.clone_from(&waiting.targets);
        for (_, pool) in &waiting.targets {
            self.pools.retain(*pool);
        }
    }

    /// Drops what is known of an interaction.
    pub(super) fn forget_interaction(&mut self, interaction: &InteractionId) {
        for (_, pool) in self
            .interactions
            .remove(interaction)
            .into_iter()
            .flat_map(|record| record.kept)
        {
            self.pools.release(pool);
        }
    }
}

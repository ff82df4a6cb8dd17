//! Target sets: for each different target the agents it means, those who are ready, and the requests
//! that wait for them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use tlib::AgentId;

use super::AgentProfile;
use crate::expr::SkillExpr;
use crate::id::RequestId;
use crate::target::{Target, TargetKind, TargetType};

/// Place of a request in the waiting order: the least comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WaitKey {
    pub(super) priority: Reverse<i32>,
    pub(super) since: Instant,
    pub(super) sequence: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PoolId(u64);

/// What a pool selects by; targets that mean the same agents share a pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Filter {
    Agent(AgentId),
    Group(String),
    Skill(SkillExpr),
}

#[derive(Debug)]
struct Pool {
    filter: Filter,
    /// Agents by the time they turned ready.
    ready: BTreeSet<(Instant, AgentId)>,
    waiting: BTreeMap<WaitKey, RequestId>,
    /// Requests and interactions that refer to the pool.
    users: usize,
}

#[derive(Debug, Default)]
pub(super) struct Pools {
    pools: BTreeMap<PoolId, Pool>,
    by_filter: BTreeMap<Filter, PoolId>,
    next: u64,
}

impl Filter {
    fn of(target: &Target) -> Option<Self> {
        match &target.kind {
            TargetKind::Skill { expr, .. } => Some(Self::Skill(expr.clone())),
            TargetKind::Object {
                target_type: TargetType::Agent,
                name,
            } => Some(Self::Agent(AgentId::from(name.as_str()))),
            TargetKind::Object {
                target_type: TargetType::AgentGroup,
                name,
            } => Some(Self::Group(name.clone())),
            TargetKind::Object { .. } => None,
        }
    }

    fn matches(&self, agent: &AgentProfile) -> bool {
        match self {
            Self::Agent(id) => *id == agent.id,
            Self::Group(group) => agent.groups.contains(group),
            Self::Skill(expr) => expr.matches(&agent.skills),
        }
    }
}

impl Pools {
    pub(super) fn len(&self) -> usize {
        self.pools.len()
    }

    /// The pool of a target, if it exists.
    pub(super) fn find(&self, target: &Target) -> Option<PoolId> {
        self.by_filter.get(&Filter::of(target)?).copied()
    }

    /// Makes the pool of a target, without agents.
    pub(super) fn create(&mut self, target: &Target) -> Option<PoolId> {
        let filter = Filter::of(target)?;
        let id = PoolId(self.next);
        self.next += 1;
        self.by_filter.insert(filter.clone(), id);
        self.pools.insert(
            id,
            Pool {
                filter,
                ready: BTreeSet::new(),
                waiting: BTreeMap::new(),
                users: 0,
            },
        );
        Some(id)
    }

    pub(super) fn matches(&self, id: PoolId, agent: &AgentProfile) -> bool {
        self.pools.get(&id).is_some_and(|pool| pool.filter.matches(agent))
    }

    /// The pools that contain an agent.
    pub(super) fn containing(&self, agent: &AgentProfile) -> BTreeSet<PoolId> {
        self.pools
            .iter()
            .filter(|(_, pool)| pool.filter.matches(agent))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Removes the pools that nobody refers to and answers them.
    pub(super) fn evict(&mut self) -> BTreeSet<PoolId> {
        let unused: BTreeSet<_> = self
            .pools
            .iter()
            .filter(|(_, pool)| pool.users == 0)
            .map(|(id, _)| *id)
            .collect();
        for id in &unused {
            if let Some(pool) = self.pools.remove(id) {
                self.by_filter.remove(&pool.filter);
            }
        }
        unused
    }

    pub(super) fn retain(&mut self, id: PoolId) {
        if let Some(pool) = self.pools.get_mut(&id) {
            pool.users += 1;
        }
    }

    pub(super) fn release(&mut self, id: PoolId) {
        if let Some(pool) = self.pools.get_mut(&id) {
            pool.users = pool.users.saturating_sub(1);
        }
    }

    pub(super) fn list(&mut self, ids: &BTreeSet<PoolId>, since: Instant, agent: &AgentId) {
        for id in ids {
            if let Some(pool) = self.pools.get_mut(id) {
                pool.ready.insert((since, agent.clone()));
            }
        }
    }

    pub(super) fn unlist(&mut self, ids: &BTreeSet<PoolId>, since: Instant, agent: &AgentId) {
        let entry = (since, agent.clone());
        for id in ids {
            if let Some(pool) = self.pools.get_mut(id) {
                pool.ready.remove(&entry);
            }
        }
    }

    pub(super) fn enqueue(&mut self, id: PoolId, key: WaitKey, request: RequestId) {
        if let Some(pool) = self.pools.get_mut(&id) {
            pool.waiting.insert(key, request);
        }
    }

    pub(super) fn dequeue(&mut self, id: PoolId, key: &WaitKey) {
        if let Some(pool) = self.pools.get_mut(&id) {
            pool.waiting.remove(key);
        }
    }

    /// The request that is first in the waiting order among `ids`.
    pub(super) fn first_waiting(&self, ids: &BTreeSet<PoolId>) -> Option<RequestId> {
        ids.iter()
            .filter_map(|id| self.pools.get(id)?.waiting.first_key_value())
            .min_by(|(left, _), (right, _)| left.cmp(right))
            .map(|(_, request)| request.clone())
    }

    /// The longest-ready agent of a pool.
    pub(super) fn first_ready(&self, id: PoolId) -> Option<&(Instant, AgentId)> {
        self.pools.get(&id)?.ready.first()
    }

    /// Requests of a pool that come before `key`.
    pub(super) fn waiting_before<'a>(
        &'a self,
        id: PoolId,
        key: &WaitKey,
    ) -> impl Iterator<Item = &'a RequestId> + use<'a> {
        let before = self.pools.get(&id).map(|pool| pool.waiting.range(..key.clone()));
        before.into_iter().flatten().map(|(_, request)| request)
    }

    #[cfg(test)]
    pub(super) fn check(&self) {
        for pool in self.pools.values() {
            assert!(
                pool.ready.is_empty() || pool.waiting.is_empty(),
                "a request waits beside a ready agent"
            );
            assert!(pool.waiting.len() <= pool.users);
        }
    }
}

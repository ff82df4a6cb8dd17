//! Agents of the directory and their reservations.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Instant;

use thiserror::Error;
use tlib::{AgentId, Dn};

use super::pool::PoolId;
use crate::expr::SkillSet;
use crate::id::{InteractionId, RequestId};

/// An agent of the directory.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentProfile {
    /// The agent.
    pub id: AgentId,
    /// Skills with their levels.
    pub skills: SkillSet,
    /// Names of the agent's groups.
    pub groups: BTreeSet<String>,
}

impl AgentProfile {
    /// An agent without skills and groups.
    pub fn new(id: impl Into<AgentId>) -> Self {
        Self {
            id: id.into(),
            skills: SkillSet::new(),
            groups: BTreeSet::new(),
        }
    }

    /// Adds a skill.
    #[must_use]
    pub fn with_skill(mut self, skill: impl Into<String>, level: u32) -> Self {
        self.skills.insert(skill.into(), level);
        self
    }

    /// Adds a group.
    #[must_use]
    pub fn with_group(mut self, group: impl Into<String>) -> Self {
        self.groups.insert(group.into());
        self
    }
}

impl fmt::Debug for AgentProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentProfile")
            .field("id", &self.id)
            .field("skills", &self.skills)
            .field("groups", &self.groups)
            .finish()
    }
}

/// Status of an agent, as routing sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentStatus {
    /// Can be selected.
    Ready {
        /// Where the agent is logged in.
        dn: Dn,
        /// Since when; the longest ready agent is selected first.
        since: Instant,
    },
    /// Busy, not ready or logged out.
    NotReady,
}

/// The agent is not in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("agent is not in the directory")]
pub struct UnknownAgent;

#[derive(Debug)]
pub(super) struct AgentRecord {
    pub(super) profile: AgentProfile,
    /// Last reported status: ready since when and where.
    pub(super) ready: Option<(Instant, Dn)>,
    pub(super) reservation: Option<RequestId>,
    /// Target sets that contain the agent.
    pub(super) pools: BTreeSet<PoolId>,
    /// The time under which the agent stands in the ready lists of its pools.
    pub(super) listed: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Reservation {
    pub(super) agent: AgentId,
    pub(super) interaction: InteractionId,
    pub(super) until: Instant,
    /// The agent was reported not ready since the selection.
    pub(super) was_busy: bool,
    pub(super) confirmed: bool,
}

impl AgentRecord {
    pub(super) const fn new(profile: AgentProfile, pools: BTreeSet<PoolId>) -> Self {
        Self {
            profile,
            ready: None,
            reservation: None,
            pools,
            listed: None,
        }
    }

    pub(super) fn available_since(&self) -> Option<Instant> {
        self.ready
            .as_ref()
            .filter(|_| self.reservation.is_none())
            .map(|(since, _)| *since)
    }
}

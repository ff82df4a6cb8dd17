//! Agents whose phone did not take a call rest for a moment, so that the same call does not come straight back to
//! a phone that is busy or gone while its agent is ready.

use std::time::{Duration, Instant};

use routing::AgentStatus;
use stat::{StatusChange, Subject};
use tlib::AgentId;

use super::RoutingDesk;

/// How long an agent gets no call after the phone did not take one.
const REST: Duration = Duration::from_secs(5);

impl RoutingDesk {
    /// The agent's phone did not take a call.
    pub(super) fn rest(&mut self, now: Instant, agent: AgentId) {
        self.tell(now, &agent, AgentStatus::NotReady);
        self.resting.insert(agent, now + REST);
    }

    /// Passes a change of state to the router, unless the agent rests.
    pub(super) fn handle_status(&mut self, now: Instant, change: &StatusChange) {
        let rests = matches!(&change.subject, Subject::Agent(agent) if self.resting.contains_key(agent));
        if !rests || !change.status.is_ready() {
            self.router.handle_status(now, change);
        }
    }

    /// Ends rests that are over; an agent who is ready then gets calls again.
    pub(super) fn end_rests(&mut self, now: Instant) {
        let rested: Vec<_> = self
            .resting
            .iter()
            .filter(|(_, until)| **until <= now)
            .map(|(agent, _)| agent.clone())
            .collect();
        for agent in rested {
            self.resting.remove(&agent);
            let ready = self
                .tracker
                .agent(agent.as_str())
                .filter(|view| view.status.is_ready());
            if let Some((since, dn)) = ready.and_then(|view| Some((view.since, view.dns.first()?.clone()))) {
                self.tell(now, &agent, AgentStatus::Ready { dn, since });
            }
        }
    }

    pub(super) fn next_rest_end(&self) -> Option<Instant> {
        self.resting.values().min().copied()
    }

    fn tell(&mut self, now: Instant, agent: &AgentId, status: AgentStatus) {
        if self.router.agent_status(now, agent, status).is_err() {
            tracing::debug!("a call was routed to an agent who is not in the directory");
        }
    }
}

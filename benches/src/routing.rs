//! A directory of agents and calls that wait, for the router.

use std::time::{Duration, Instant};

use routing::{
    AgentProfile, AgentStatus, Output, Request, Router, RouterConfig, Selection, SubmitError, Target,
};

/// Skills that occur; each agent has three of them.
const SKILLS: [&str; 8] = [
    "sales",
    "support",
    "billing",
    "claims",
    "technical",
    "retention",
    "english",
    "french",
];

/// The expression of every waiting call: no agent fulfils it.
const UNFILLED: &str = "?:sales>10@stat.GA";

/// The expression of the calls that get an agent.
const FILLED: &str = "?:sales>=5 & (english>3 | french>3) & !retention@stat.GA";

/// Agent number `number`, with three skills at levels from 1 to 9 that depend on the number alone.
pub fn agent(number: usize) -> AgentProfile {
    (0..3usize)
        .zip(1..)
        .fold(AgentProfile::new(name(number)), |profile, (skill, level)| {
            let index = (number * 5 + skill * 3) % SKILLS.len();
            let skill = SKILLS.get(index).copied().unwrap_or("sales");
            profile.with_skill(
                skill,
                1 + (u32::try_from(number).unwrap_or_default() * 7 + level * 4) % 9,
            )
        })
}

fn name(number: usize) -> String {
    format!("agent-{number:05}")
}

/// A router with agents and waiting calls, and the steps of a routed call.
pub struct Centre {
    router: Router,
    now: Instant,
    calls: u64,
    filled: Vec<Target>,
}

impl Centre {
    /// `agents` agents who are all ready, and `waiting` calls that none of them can take. `now` is any time.
    ///
    /// # Errors
    /// When the router refuses an agent or a call.
    pub fn new(agents: usize, waiting: usize, now: Instant) -> Result<Self, Box<dyn std::error::Error>> {
        let mut router = Router::new(RouterConfig::default());
        for number in 0..agents {
            router.set_agent(now, agent(number))?;
            router.agent_status(now, &name(number).into(), ready(number, now))?;
        }
        let targets = Target::parse_list(UNFILLED)?;
        for number in 0..waiting {
            let id = format!("waiting-{number}");
            router.submit(
                now,
                Request::new(id.clone(), id, targets.clone()).with_priority(0),
            )?;
        }
        Ok(Self {
            router,
            now,
            calls: 0,
            filled: Target::parse_list(FILLED)?,
        })
    }

    /// One call: submitted, decided, confirmed; its agent works on it and is ready again. Answers the decision,
    /// `None` when nobody fulfils the expression.
    ///
    /// # Errors
    /// When the router refuses the call.
    pub fn route_one(&mut self) -> Result<Option<Selection>, SubmitError> {
        self.calls += 1;
        self.now += Duration::from_millis(1);
        let id = format!("call-{}", self.calls);
        self.router
            .submit(self.now, Request::new(id.clone(), id, self.filled.clone()))?;
        let Some(Output::Selected(selection)) = self.router.poll_output() else {
            return Ok(None);
        };
        self.router.confirm(self.now, &selection.request);
        // The agents of the fixture are all in the directory.
        let _ = self
            .router
            .agent_status(self.now, &selection.agent, AgentStatus::NotReady);
        let since = self.now;
        let ready = AgentStatus::Ready {
            dn: selection.dn.clone(),
            since,
        };
        let _ = self.router.agent_status(self.now, &selection.agent, ready);
        Ok(Some(selection))
    }

    /// Calls that wait.
    pub fn waiting(&self) -> usize {
        self.router.stats().waiting
    }
}

fn ready(number: usize, since: Instant) -> AgentStatus {
    AgentStatus::Ready {
        dn: format!("{}", 10_000 + number).into(),
        since,
    }
}

#[cfg(test)]
mod tests {
    use routing::{SkillExpr, SkillSet};

    use super::*;

    #[test]
    fn every_call_gets_the_longest_ready_agent_who_fulfils_the_expression_and_the_others_go_on_waiting() {
        let mut centre = Centre::new(2_000, 1_000, tokio::time::Instant::now().into_std()).unwrap();
        let expr: SkillExpr = "sales>=5 & (english>3 | french>3) & !retention".parse().unwrap();
        let fits = |skills: &SkillSet| expr.matches(skills);
        let able: Vec<_> = (0..2_000)
            .map(agent)
            .filter(|agent| fits(&agent.skills))
            .collect();
        assert!(able.len() > 20, "{}", able.len());
        for agent in &able {
            assert_eq!(centre.route_one().unwrap().unwrap().agent, agent.id);
        }
        assert_eq!(centre.route_one().unwrap().unwrap().agent, able[0].id);
        assert_eq!(centre.waiting(), 1_000);
    }
}

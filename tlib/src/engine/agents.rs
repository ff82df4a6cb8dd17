//! Agents: login, logout, ready, not ready, queued calls, wrap-up.

use std::time::Instant;

use super::TServer;
use super::emit::{Refused, Requester};
use super::request::Request;
use super::timer::Timer;
use crate::agent::{Agent, AgentEvent, AgentState};
use crate::call::PartyId;
use crate::catalog::{AgentWorkMode, AttributeId, ErrorCode, MessageType};
use crate::engine::DnKind;
use crate::id::{AgentId, ConnId, Dn};
use crate::kv::KvList;
use crate::message::Message;

/// Reason that the engine gives when an agent did not answer.
const NO_ANSWER_REASON: (&str, &str) = ("ReasonCode", "NoAnswer");

impl TServer {
    /// Serves `RequestAgentLogin`. The password is not checked: who may log in is the deployment's to decide.
    ///
    /// A further login of the same agent at the same DN adds its queue.
    ///
    /// Spec: T-Library reference §7 (Login)
    pub(super) fn agent_login(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let dn = request.this_dn()?;
        self.check_control(request.by, &dn)?;
        let agent_id = request
            .message
            .str(AttributeId::AGENT_ID)
            .filter(|id| (1..=64).contains(&id.len()));
        let agent_id = agent_id
            .map(AgentId::from)
            .ok_or_else(|| Refused::new(ErrorCode::INVALID_AGENT_ID, "AgentID must have 1 to 64 bytes"))?;
        let queue = self.queue_of(request)?;
        if self.agents.get(&agent_id).is_some_and(|at| *at != dn) {
            let text = "agent is logged in at another DN";
            return Err(Refused::new(ErrorCode::RESOURCE_SEIZED, text));
        }
        let state = self.extension(&dn)?;
        if state.agent.as_ref().is_some_and(|agent| agent.id != agent_id) {
            let text = "another agent is logged in at this DN";
            return Err(Refused::new(ErrorCode::RESOURCE_SEIZED, text));
        }
        let first = state.agent.is_none();
        let agent = state.agent.get_or_insert_with(|| Agent::new(agent_id.clone()));
        agent.step(AgentEvent::Login);
        if let Some(queue) = &queue {
            agent.queues.insert(queue.clone());
        }
        self.agents.insert(agent_id, dn.clone());
        let mode = work_mode(request);
        let event = self.agent_message(MessageType::EVENT_AGENT_LOGIN, &dn);
        let event = event
            .with(AttributeId::AGENT_WORK_MODE, mode.0)
            .with_opt(AttributeId::THIS_QUEUE, queue.as_ref())
            .with_opt(AttributeId::REASON, request.reasons())
            .with_opt(AttributeId::EXTENSIONS, request.extensions());
        self.publish(now, dn.as_str(), event, Some(request.by));
        if first {
            let ready = matches!(mode, AgentWorkMode::AUTO_IN | AgentWorkMode::MANUAL_IN);
            let event = if ready {
                AgentEvent::Ready
            } else {
                AgentEvent::NotReady
            };
            self.change_agent(now, &dn, event, Change::by_engine(mode));
        }
        Ok(())
    }

    /// Serves `RequestAgentLogout`: of one queue, or without `ThisQueue` of all.
    ///
    /// Spec: T-Library reference §7 (Logout)
    pub(super) fn agent_logout(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let dn = request.this_dn()?;
        self.check_control(request.by, &dn)?;
        let queue = self.queue_of(request)?;
        let agent = self.extension(&dn)?.agent.as_mut().ok_or_else(nobody)?;
        if let Some(queue) = &queue
            && !agent.queues.remove(queue)
        {
            let text = format!("agent is not logged in to queue {queue}");
            return Err(Refused::new(ErrorCode::WRONG_SET_STATE, text));
        }
        let last = queue.is_none() || agent.queues.is_empty();
        let message_type = if last {
            MessageType::EVENT_AGENT_LOGOUT
        } else {
            MessageType::EVENT_QUEUE_LOGOUT
        };
        let event = self
            .agent_message(message_type, &dn)
            .with_opt(AttributeId::THIS_QUEUE, queue.as_ref())
            .with_opt(AttributeId::REASON, request.reasons())
            .with_opt(AttributeId::EXTENSIONS, request.extensions());
        if last {
            self.remove_agent(&dn);
        }
        self.publish(now, dn.as_str(), event, Some(request.by));
        Ok(())
    }

    /// Serves `RequestAgentReady`.
    ///
    /// Spec: T-Library reference §7 (Ready)
    pub(super) fn agent_ready(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        self.agent_request(now, request, |_| AgentEvent::Ready)
    }

    /// Serves `RequestAgentNotReady`; with work mode AfterCallWork it is wrap-up without a time limit.
    ///
    /// Spec: T-Library reference §7 (NotReady, ACW by request)
    pub(super) fn agent_not_ready(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        self.agent_request(now, request, |mode| match mode {
            AgentWorkMode::AFTER_CALL_WORK => AgentEvent::AfterCallWork,
            _ => AgentEvent::NotReady,
        })
    }

    fn agent_request(
        &mut self,
        now: Instant,
        request: &Request,
        event: fn(AgentWorkMode) -> AgentEvent,
    ) -> Result<(), Refused> {
        let dn = request.this_dn()?;
        self.check_control(request.by, &dn)?;
        let queue = self.queue_of(request)?;
        let agent = self.extension(&dn)?.agent.as_mut().ok_or_else(nobody)?;
        if let Some(queue) = queue.as_ref().filter(|queue| !agent.queues.contains(*queue)) {
            let text = format!("agent is not logged in to queue {queue}");
            return Err(Refused::new(ErrorCode::WRONG_SET_STATE, text));
        }
        let mode = work_mode(request);
        let change = Change {
            mode,
            queue,
            reasons: request.reasons(),
            extensions: request.extensions(),
            by: Some(request.by),
        };
        self.change_agent(now, &dn, event(mode), change);
        Ok(())
    }

    /// Moves the agent along the table and tells the clients; nothing where the table has no row.
    fn change_agent(&mut self, now: Instant, dn: &Dn, event: AgentEvent, change: Change) {
        let Some(agent) = self.dns.get_mut(dn).and_then(|state| state.agent.as_mut()) else {
            return;
        };
        if !agent.step(event) {
            return;
        }
        let next = agent.state;
        agent.work_mode = change.mode;
        agent.reasons.clone_from(&change.reasons);
        if let Some(at) = agent.wrap_up.take() {
            self.timers.disarm(at, Timer::WrapUp(dn.clone()));
        }
        let message_type = match next {
            AgentState::Ready | AgentState::BusyReady => MessageType::EVENT_AGENT_READY,
            _ => MessageType::EVENT_AGENT_NOT_READY,
        };
        let message = self
            .agent_message(message_type, dn)
            .with(AttributeId::AGENT_WORK_MODE, change.mode.0)
            .with_opt(AttributeId::THIS_QUEUE, change.queue.as_ref())
            .with_opt(AttributeId::REASON, change.reasons)
            .with_opt(AttributeId::EXTENSIONS, change.extensions);
        self.publish(now, dn.as_str(), message, change.by);
    }

    /// A queued call was answered at the party's DN.
    ///
    /// Spec: T-Library reference §7 (Busy states)
    pub(super) fn agent_call_began(&mut self, conn_id: ConnId, id: PartyId) {
        let party = self.calls.get_mut(&conn_id).and_then(|call| call.party_mut(id));
        let Some(party) = party.filter(|party| party.queue.is_some()) else {
            return;
        };
        let state = self.dns.get_mut(&party.dn).and_then(|state| state.agent.as_mut());
        let Some(agent) = state else {
            return;
        };
        party.counted = true;
        agent.queued_calls += 1;
        agent.step(AgentEvent::CallBegan);
        if let Some(at) = agent.wrap_up.take() {
            let dn = party.dn.clone();
            self.timers.disarm(at, Timer::WrapUp(dn));
        }
    }

    /// A queued call of the agent ended; after the last one comes wrap-up or the state before.
    ///
    /// Spec: T-Library reference §7 (Busy states, wrap-up timer)
    pub(super) fn agent_call_ended(&mut self, now: Instant, dn: &Dn) {
        let wrap_up = self.config.after_call_work(dn.as_str());
        let Some(agent) = self.dns.get_mut(dn).and_then(|state| state.agent.as_mut()) else {
            return;
        };
        agent.queued_calls = agent.queued_calls.saturating_sub(1);
        if agent.queued_calls > 0 {
            return;
        }
        let before = agent.state;
        let event = if wrap_up.is_zero() {
            AgentEvent::CallEnded
        } else {
            AgentEvent::CallEndedWrapUp
        };
        if before != AgentState::BusyReady || wrap_up.is_zero() {
            agent.step(event);
        } else {
            self.change_agent(now, dn, event, Change::by_engine(AgentWorkMode::AFTER_CALL_WORK));
        }
        let timed =
            !wrap_up.is_zero() && matches!(before, AgentState::BusyReady | AgentState::BusyAfterCallWork);
        let state = self.dns.get_mut(dn).and_then(|state| state.agent.as_mut());
        if let (true, Some(agent)) = (timed, state) {
            let at = now + wrap_up;
            agent.wrap_up = Some(at);
            self.timers.arm(at, Timer::WrapUp(dn.clone()));
        }
    }

    pub(super) fn wrap_up_over(&mut self, now: Instant, dn: &Dn, at: Instant) {
        let agent = self.dns.get_mut(dn).and_then(|state| state.agent.as_mut());
        if let Some(agent) = agent.filter(|agent| agent.wrap_up == Some(at)) {
            agent.wrap_up = None;
            self.change_agent(
                now,
                dn,
                AgentEvent::WrapUpOver,
                Change::by_engine(AgentWorkMode::AUTO_IN),
            );
        }
    }

    /// A routed call rang out at the agent.
    pub(super) fn agent_did_not_answer(&mut self, now: Instant, dn: &Dn) {
        if !self.config.settings.not_ready_on_no_answer {
            return;
        }
        let agent = self.dns.get(dn).and_then(|state| state.agent.as_ref());
        if agent.is_some_and(|agent| matches!(agent.state, AgentState::Ready | AgentState::BusyReady)) {
            let (key, value) = NO_ANSWER_REASON;
            let mut change = Change::by_engine(AgentWorkMode::AUX_WORK);
            change.reasons = Some(KvList::new().with(key, value));
            self.change_agent(now, dn, AgentEvent::NotReady, change);
        }
    }

    fn remove_agent(&mut self, dn: &Dn) {
        let Some(mut agent) = self.dns.get_mut(dn).and_then(|state| state.agent.take()) else {
            return;
        };
        agent.step(AgentEvent::Logout);
        self.agents.remove(&agent.id);
        if let Some(at) = agent.wrap_up {
            self.timers.disarm(at, Timer::WrapUp(dn.clone()));
        }
    }

    fn agent_message(&self, message_type: MessageType, dn: &Dn) -> Message {
        let agent = self.dns.get(dn).and_then(|state| state.agent.as_ref());
        Message::new(message_type)
            .with(AttributeId::THIS_DN, dn)
            .with_opt(AttributeId::AGENT_ID, agent.map(|agent| &agent.id))
    }

    /// `ThisQueue` of a request, which must be a configured queue or routing point.
    fn queue_of(&self, request: &Request) -> Result<Option<Dn>, Refused> {
        let queue = request
            .message
            .str(AttributeId::THIS_QUEUE)
            .filter(|queue| !queue.is_empty());
        let Some(queue) = queue.map(Dn::from) else {
            return Ok(None);
        };
        match self.dns.get(&queue) {
            None => Err(super::session::not_configured(&queue)),
            Some(state) if state.kind == DnKind::Extension => {
                let text = format!("DN {queue} is not a queue");
                Err(Refused::new(ErrorCode::INCOMPATIBLE_OBJECT, text))
            }
            Some(_) => Ok(Some(queue)),
        }
    }
}

/// What a change of state says to the clients.
struct Change {
    mode: AgentWorkMode,
    queue: Option<Dn>,
    reasons: Option<KvList>,
    extensions: Option<KvList>,
    by: Option<Requester>,
}

impl Change {
    fn by_engine(mode: AgentWorkMode) -> Self {
        Self {
            mode,
            queue: None,
            reasons: None,
            extensions: None,
            by: None,
        }
    }
}

fn work_mode(request: &Request) -> AgentWorkMode {
    let mode = request.message.int(AttributeId::AGENT_WORK_MODE);
    mode.map_or(AgentWorkMode::UNKNOWN, AgentWorkMode)
}

fn nobody() -> Refused {
    Refused::new(ErrorCode::WRONG_SET_STATE, "no agent is logged in at the DN")
}

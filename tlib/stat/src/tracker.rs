//! The tracker: T-Events in, status changes out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use tlib::catalog::{AddressInfoType, AddressType, AgentWorkMode, CallType};
use tlib::{AgentId, AttributeId, ConnId, Dn, Message, MessageType};

use crate::action::{Action, ActionSet};
use crate::dn::{Call, CallPhase, CallView, DnRecord, DnView, LoginState, is_mediation};
use crate::snapshot::Snapshot;

/// Keeps the state of every DN and agent from the T-Events of one switch.
///
/// Feed every event with [`StateTracker::handle_event`], then drain [`StateTracker::poll_output`].
/// Time comes from the caller; there are no timers.
///
/// Spec: statistics reference §3.2, §3.3
#[derive(Debug)]
pub struct StateTracker {
    config: TrackerConfig,
    link: bool,
    dns: BTreeMap<Dn, DnRecord>,
    agents: BTreeMap<AgentId, AgentRecord>,
    output: VecDeque<StatusChange>,
    stats: TrackerStats,
}

/// Limits of a [`StateTracker`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TrackerConfig {
    /// DNs to keep; default 100,000. Events of further DNs are counted and dropped.
    pub max_dns: usize,
    /// Agents to keep; default 100,000. Further logins count for their DN only.
    pub max_agents: usize,
    /// Calls to keep per DN; default 10,000 (a routing point has many). Further ones are counted and dropped.
    pub max_calls_per_dn: usize,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            max_dns: 100_000,
            max_agents: 100_000,
            max_calls_per_dn: 10_000,
        }
    }
}

/// What a status belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the tracker keeps DNs and agents")]
pub enum Subject {
    /// A DN.
    Dn(Dn),
    /// An agent.
    Agent(AgentId),
}

/// A status began. `Debug` shows no number and no agent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusChange {
    /// Whose status.
    pub subject: Subject,
    /// The status before; equal to `status` when only the agent's DN changed.
    pub previous: Action,
    /// The new status.
    pub status: Action,
    /// When the new status began.
    pub since: Instant,
    /// How long the previous status lasted.
    pub lasted: Duration,
    /// The DN itself, or the first DN where the agent is logged in.
    pub dn: Option<Dn>,
}

/// State of an agent, as a query answers it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AgentView {
    /// The status.
    pub status: Action,
    /// When the status began.
    pub since: Instant,
    /// Every action that goes on at the agent's DNs.
    pub actions: ActionSet,
    /// DNs where the agent is logged in, in order.
    pub dns: Vec<Dn>,
    /// The agent's calls, by DN and connection id.
    pub calls: Vec<CallView>,
}

/// Plain counters of a [`StateTracker`], since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackerStats {
    /// Events taken.
    pub events: u64,
    /// Events that say nothing about states.
    pub events_ignored: u64,
    /// Events dropped at a limit of [`TrackerConfig`].
    pub events_over_limit: u64,
    /// Status changes emitted, DNs and agents together.
    pub status_changes: u64,
    /// Calls that began ringing or dialing at a regular DN.
    pub calls_started: u64,
    /// Calls answered at a regular DN, incoming side.
    pub calls_answered: u64,
    /// Calls that ended at a regular DN after they were established.
    pub calls_released: u64,
    /// Calls that ended while ringing at a regular DN.
    pub calls_missed: u64,
    /// Calls that entered a mediation DN.
    pub queue_entered: u64,
    /// Calls distributed from a mediation DN.
    pub queue_distributed: u64,
    /// Calls abandoned in a mediation DN.
    pub queue_abandoned: u64,
}

struct AgentRecord {
    dns: BTreeSet<Dn>,
    status: Action,
    since: Instant,
    reported_dn: Option<Dn>,
}

impl fmt::Debug for AgentRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentRecord")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl StateTracker {
    /// A tracker that knows nothing yet.
    pub const fn new(config: TrackerConfig) -> Self {
        Self {
            config,
            link: true,
            dns: BTreeMap::new(),
            agents: BTreeMap::new(),
            output: VecDeque::new(),
            stats: TrackerStats {
                events: 0,
                events_ignored: 0,
                events_over_limit: 0,
                status_changes: 0,
                calls_started: 0,
                calls_answered: 0,
                calls_released: 0,
                calls_missed: 0,
                queue_entered: 0,
                queue_distributed: 0,
                queue_abandoned: 0,
            },
        }
    }

    /// Makes a configured agent known before the first login; its status is `LoggedOut` from `now`.
    /// Does nothing for an agent who is known, or when the limit is reached.
    pub fn add_agent(&mut self, now: Instant, agent: AgentId) {
        if self.agents.len() < self.config.max_agents || self.agents.contains_key(&agent) {
            self.agents.entry(agent).or_insert_with(|| AgentRecord::new(now));
        }
    }

    /// Takes one T-Event. Requests and events without a meaning for states are counted and ignored.
    pub fn handle_event(&mut self, now: Instant, event: &Message) {
        self.stats.events += 1;
        match event.message_type {
            MessageType::EVENT_LINK_DISCONNECTED => self.set_link(now, false),
            MessageType::EVENT_LINK_CONNECTED => self.set_link(now, true),
            MessageType::EVENT_SERVER_DISCONNECTED => self.lose_server(now),
            MessageType::EVENT_REGISTERED => self.with_dn(now, event, |tracker, dn| {
                tracker.register(now, dn, event);
            }),
            MessageType::EVENT_ADDRESS_INFO
                if event.address_info_type() == Some(AddressInfoType::DN_STATUS) =>
            {
                self.with_dn(now, event, |tracker, dn| tracker.register(now, dn, event));
            }
            MessageType::EVENT_AGENT_LOGIN
            | MessageType::EVENT_AGENT_LOGOUT
            | MessageType::EVENT_AGENT_READY
            | MessageType::EVENT_AGENT_NOT_READY
            | MessageType::EVENT_AGENT_AFTER_CALL_WORK => self.with_dn(now, event, |tracker, dn| {
                tracker.agent_event(now, dn, event);
            }),
            MessageType::EVENT_UNREGISTERED
            | MessageType::EVENT_DN_OUT_OF_SERVICE
            | MessageType::EVENT_DN_BACK_IN_SERVICE
            | MessageType::EVENT_OFF_HOOK
            | MessageType::EVENT_ON_HOOK => self.with_dn(now, event, |tracker, dn| {
                tracker.device_event(dn, event.message_type);
            }),
            _ if call_phase(event.message_type).is_some() || ends_call(event.message_type) => {
                self.with_dn(now, event, |tracker, dn| tracker.call_event(now, dn, event));
            }
            MessageType::EVENT_PARTY_CHANGED => self.with_dn(now, event, |tracker, dn| {
                tracker.party_changed(now, dn, event);
            }),
            _ => self.stats.events_ignored += 1,
        }
    }

    /// The next status change; drain to `None` after every event.
    pub fn poll_output(&mut self) -> Option<StatusChange> {
        self.output.pop_front()
    }

    /// State of a DN; `None` if no event named it.
    pub fn dn(&self, dn: &str) -> Option<DnView> {
        self.dns.get(dn).map(|record| record.view(self.link))
    }

    /// State of an agent; `None` if unknown.
    pub fn agent(&self, agent: &str) -> Option<AgentView> {
        let record = self.agents.get(agent)?;
        let dns = || record.dns.iter().filter_map(|dn| self.dns.get(dn));
        Some(AgentView {
            status: record.status,
            since: record.since,
            actions: self.agent_actions(record),
            dns: record.dns.iter().cloned().collect(),
            calls: dns()
                .flat_map(|dn| dn.calls.iter().map(|(conn_id, call)| call.view(*conn_id)))
                .collect(),
        })
    }

    /// Status of a DN or agent and how long it lasts at `now`.
    pub fn time_in_status(&self, now: Instant, subject: &Subject) -> Option<(Action, Duration)> {
        let (status, since) = match subject {
            Subject::Dn(dn) => self.dns.get(dn).map(|record| (record.status, record.since))?,
            Subject::Agent(agent) => self
                .agents
                .get(agent)
                .map(|record| (record.status, record.since))?,
        };
        Some((status, now.saturating_duration_since(since)))
    }

    /// How long the agent has been waiting for a call at `now`; `None` unless the status is
    /// `WaitForNextCall`.
    ///
    /// Spec: ORS reference §2, StatTimeInReadyState
    pub fn time_in_ready(&self, now: Instant, agent: &str) -> Option<Duration> {
        let record = self.agents.get(agent)?;
        record
            .status
            .is_ready()
            .then(|| now.saturating_duration_since(record.since))
    }

    /// The ready agents, the longest ready one first; ties by agent id.
    pub fn ready_agents(&self) -> Vec<(AgentId, Instant)> {
        let mut ready: Vec<_> = self
            .agents
            .iter()
            .filter(|(_, record)| record.status.is_ready())
            .map(|(agent, record)| (agent.clone(), record.since))
            .collect();
        ready.sort_by_key(|(_, since)| *since);
        ready
    }

    /// Every known agent with its status, in order of the ids.
    pub fn agents(&self) -> impl Iterator<Item = (&AgentId, Action)> {
        self.agents.iter().map(|(agent, record)| (agent, record.status))
    }

    /// Every known DN with its status, in order of the numbers.
    pub fn dns(&self) -> impl Iterator<Item = (&Dn, Action)> {
        self.dns.iter().map(|(dn, record)| (dn, record.status))
    }

    /// The counters.
    pub const fn stats(&self) -> TrackerStats {
        self.stats
    }

    /// Runs `change` on the event's DN, which is made known if need be, then emits what changed.
    fn with_dn(&mut self, now: Instant, event: &Message, change: impl FnOnce(&mut Self, &Dn)) {
        let Some(number) = event.this_dn().filter(|dn| !dn.is_empty()) else {
            self.stats.events_ignored += 1;
            return;
        };
        let dn = match self.dns.get_key_value(number) {
            Some((dn, _)) => dn.clone(),
            None if self.dns.len() >= self.config.max_dns => {
                self.stats.events_over_limit += 1;
                return;
            }
            None => {
                let dn = Dn::from(number);
                let mut record = DnRecord::new(dn.clone(), now);
                // Events come for registered DNs only.
                record.registered = event.message_type != MessageType::EVENT_UNREGISTERED;
                self.dns.insert(dn.clone(), record);
                dn
            }
        };
        let agent = self.dns.get(&dn).and_then(|record| record.agent.clone());
        change(self, &dn);
        self.refresh_dn(now, &dn);
        let agent_now = self.dns.get(&dn).and_then(|record| record.agent.clone());
        if agent != agent_now
            && let Some(agent) = agent
        {
            self.refresh_agent(now, &agent);
        }
        if let Some(agent) = agent_now {
            self.refresh_agent(now, &agent);
        }
    }

    fn set_link(&mut self, now: Instant, link: bool) {
        self.link = link;
        self.refresh_all(now);
    }

    fn lose_server(&mut self, now: Instant) {
        for record in self.dns.values_mut() {
            record.registered = false;
        }
        self.refresh_all(now);
    }

    /// Spec: T-Library reference §5, EventRegistered
    fn register(&mut self, now: Instant, dn: &Dn, event: &Message) {
        let limit = self.config.max_calls_per_dn;
        let Some(record) = self.dns.get_mut(dn) else {
            return;
        };
        record.registered = true;
        record.in_service = true;
        if let Some(address_type) = address_type(event) {
            record.mediation = is_mediation(address_type);
        }
        let Some(extensions) = event.extensions() else {
            return;
        };
        let snapshot = Snapshot::read(extensions, limit);
        record.in_service = !snapshot.out_of_service;
        let mut known = std::mem::take(&mut record.calls);
        for (conn_id, phase, call_type) in snapshot.calls {
            let call = Call::in_phase(known.remove(&conn_id), phase, call_type, now);
            record.calls.insert(conn_id, call);
        }
        let agent = snapshot.agent.or_else(|| event.agent_id().map(AgentId::from));
        self.set_login(now, dn, snapshot.login, agent);
    }

    fn agent_event(&mut self, now: Instant, dn: &Dn, event: &Message) {
        let known = self.dns.get(dn).and_then(|record| record.agent.clone());
        let agent = event
            .agent_id()
            .filter(|id| !id.is_empty())
            .map(AgentId::from)
            .or(known);
        let login = match event.message_type {
            MessageType::EVENT_AGENT_LOGOUT => LoginState::LoggedOut,
            MessageType::EVENT_AGENT_READY => LoginState::Ready,
            MessageType::EVENT_AGENT_AFTER_CALL_WORK => LoginState::AfterCallWork,
            MessageType::EVENT_AGENT_NOT_READY
                if event.work_mode() == Some(AgentWorkMode::AFTER_CALL_WORK) =>
            {
                LoginState::AfterCallWork
            }
            MessageType::EVENT_AGENT_NOT_READY => LoginState::NotReady,
            _ => match self.dns.get(dn) {
                // A further login (another queue) is not a change to Ready or NotReady.
                Some(record) if record.agent == agent && record.login != LoginState::LoggedOut => {
                    record.login
                }
                _ => LoginState::LoggedIn,
            },
        };
        self.set_login(now, dn, login, agent);
    }

    /// Puts `agent` on the DN in state `login` and takes whoever was there away.
    fn set_login(&mut self, now: Instant, dn: &Dn, login: LoginState, agent: Option<AgentId>) {
        let agent = agent.filter(|_| login != LoginState::LoggedOut);
        let Some(record) = self.dns.get_mut(dn) else {
            return;
        };
        record.login = login;
        let before = std::mem::replace(&mut record.agent, agent.clone());
        if before == agent {
            return;
        }
        if let Some(record) = before.and_then(|before| self.agents.get_mut(&before)) {
            record.dns.remove(dn);
        }
        let Some(agent) = agent else { return };
        self.add_agent(now, agent.clone());
        match self.agents.get_mut(&agent) {
            Some(record) => {
                record.dns.insert(dn.clone());
            }
            None => self.stats.events_over_limit += 1,
        }
    }

    fn device_event(&mut self, dn: &Dn, event: MessageType) {
        let Some(record) = self.dns.get_mut(dn) else {
            return;
        };
        match event {
            MessageType::EVENT_UNREGISTERED => record.registered = false,
            MessageType::EVENT_DN_OUT_OF_SERVICE => record.in_service = false,
            MessageType::EVENT_DN_BACK_IN_SERVICE => record.in_service = true,
            MessageType::EVENT_OFF_HOOK => record.off_hook = true,
            _ => record.off_hook = false,
        }
    }

    fn call_event(&mut self, now: Instant, dn: &Dn, event: &Message) {
        let Some(record) = self.dns.get_mut(dn) else {
            return;
        };
        let Some(conn_id) = event.conn_id() else {
            self.stats.events_ignored += 1;
            return;
        };
        let Some(phase) = call_phase(event.message_type) else {
            let call = record.calls.remove(&conn_id);
            self.stats.count_end(record.mediation, event.message_type, call);
            return;
        };
        record.mediation |= phase == CallPhase::Queued;
        let before = record.calls.get(&conn_id).copied();
        if before.is_none() && record.calls.len() >= self.config.max_calls_per_dn {
            self.stats.events_over_limit += 1;
            return;
        }
        let call_type = event
            .call_type()
            .or(before.map(|call| call.call_type))
            .unwrap_or(CallType::UNKNOWN);
        let call = Call::in_phase(before, phase, call_type, now);
        record.calls.insert(conn_id, call);
        self.stats.count_phase(before, phase);
    }

    /// The call goes on under another connection id or as another type.
    ///
    /// Spec: T-Library reference §6.8
    fn party_changed(&mut self, now: Instant, dn: &Dn, event: &Message) {
        let Some(record) = self.dns.get_mut(dn) else {
            return;
        };
        let Some(conn_id) = event.conn_id() else { return };
        let previous = event
            .previous_conn_id()
            .and_then(|previous: ConnId| record.calls.remove(&previous));
        let Some(mut call) = previous.or_else(|| record.calls.get(&conn_id).copied()) else {
            return;
        };
        if let Some(call_type) = event.call_type().filter(|call_type| *call_type != call.call_type) {
            call.call_type = call_type;
            call.since = now;
        }
        record.calls.insert(conn_id, call);
    }

    fn refresh_all(&mut self, now: Instant) {
        let dns: Vec<_> = self.dns.keys().cloned().collect();
        for dn in dns {
            self.refresh_dn(now, &dn);
        }
        let agents: Vec<_> = self.agents.keys().cloned().collect();
        for agent in agents {
            self.refresh_agent(now, &agent);
        }
    }

    fn refresh_dn(&mut self, now: Instant, dn: &Dn) {
        let link = self.link;
        let Some(record) = self.dns.get_mut(dn) else {
            return;
        };
        let status = record.actions(link).status().unwrap_or(Action::NotMonitored);
        if status == record.status {
            return;
        }
        let change = StatusChange {
            subject: Subject::Dn(record.dn.clone()),
            previous: std::mem::replace(&mut record.status, status),
            status,
            since: now,
            lasted: now.saturating_duration_since(record.since),
            dn: Some(record.dn.clone()),
        };
        record.since = now;
        self.emit(change);
    }

    fn refresh_agent(&mut self, now: Instant, agent: &AgentId) {
        let Some(record) = self.agents.get(agent) else {
            return;
        };
        let status = self.agent_actions(record).status().unwrap_or(Action::LoggedOut);
        let dn = record.dns.first().cloned();
        let Some(record) = self.agents.get_mut(agent) else {
            return;
        };
        if status == record.status && dn == record.reported_dn {
            return;
        }
        let lasted = now.saturating_duration_since(record.since);
        if status != record.status {
            record.since = now;
        }
        record.reported_dn.clone_from(&dn);
        let change = StatusChange {
            subject: Subject::Agent(agent.clone()),
            previous: std::mem::replace(&mut record.status, status),
            status,
            since: record.since,
            lasted,
            dn,
        };
        self.emit(change);
    }

    fn agent_actions(&self, record: &AgentRecord) -> ActionSet {
        if record.dns.is_empty() {
            return ActionSet::EMPTY.with(Action::LoggedOut);
        }
        record
            .dns
            .iter()
            .filter_map(|dn| self.dns.get(dn))
            .fold(ActionSet::EMPTY, |actions, dn| {
                actions.union(dn.actions(self.link))
            })
    }

    fn emit(&mut self, change: StatusChange) {
        self.stats.status_changes += 1;
        tracing::debug!(
            subject = ?change.subject, status = %change.status, previous = %change.previous, "status changed"
        );
        self.output.push_back(change);
    }
}

impl AgentRecord {
    const fn new(now: Instant) -> Self {
        Self {
            dns: BTreeSet::new(),
            status: Action::LoggedOut,
            since: now,
            reported_dn: None,
        }
    }
}

impl TrackerStats {
    fn count_phase(&mut self, before: Option<Call>, phase: CallPhase) {
        match (before.map(|call| call.phase), phase) {
            (None, CallPhase::Ringing | CallPhase::Dialing) => self.calls_started += 1,
            (None, CallPhase::Queued) => self.queue_entered += 1,
            (Some(CallPhase::Ringing), CallPhase::Established) => self.calls_answered += 1,
            _ => {}
        }
    }

    fn count_end(&mut self, mediation: bool, event: MessageType, call: Option<Call>) {
        let Some(call) = call else { return };
        match (mediation, call.phase) {
            (true, _) if event == MessageType::EVENT_ABANDONED => self.queue_abandoned += 1,
            (true, _) => self.queue_distributed += u64::from(event == MessageType::EVENT_DIVERTED),
            (false, CallPhase::Ringing) => self.calls_missed += 1,
            (false, CallPhase::Established | CallPhase::Held) => self.calls_released += 1,
            (false, _) => {}
        }
    }
}

/// Type of the registered address: its own attribute, or the status of `InfoType = AddressType`.
fn address_type(event: &Message) -> Option<AddressType> {
    let info = || {
        event
            .enumeration(AttributeId::ADDRESS_INFO_STATUS)
            .filter(|_| event.address_info_type() == Some(AddressInfoType::ADDRESS_TYPE))
    };
    event
        .address_type()
        .or_else(info)
        .filter(|address_type| *address_type != AddressType::UNKNOWN)
}

/// The phase that an event puts its call into.
const fn call_phase(event: MessageType) -> Option<CallPhase> {
    match event {
        MessageType::EVENT_QUEUED | MessageType::EVENT_ROUTE_REQUEST => Some(CallPhase::Queued),
        MessageType::EVENT_DIALING => Some(CallPhase::Dialing),
        MessageType::EVENT_RINGING => Some(CallPhase::Ringing),
        MessageType::EVENT_ESTABLISHED | MessageType::EVENT_RETRIEVED => Some(CallPhase::Established),
        MessageType::EVENT_HELD => Some(CallPhase::Held),
        _ => None,
    }
}

/// Whether the call is gone from the DN after this event.
const fn ends_call(event: MessageType) -> bool {
    matches!(
        event,
        MessageType::EVENT_RELEASED | MessageType::EVENT_ABANDONED | MessageType::EVENT_DIVERTED
    )
}

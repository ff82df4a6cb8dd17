//! The router's core: joins statistics, selection and strategies over T-Library messages.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use orchestration::{
    Completion, Failure, InteractionEvent, ManagerConfig, ManagerStats, RequestKey, SessionManager,
};
use routing::{Router, RouterConfig, RouterStats};
use stat::{StateTracker, TrackerConfig};
use tlib::catalog::CallState;
use tlib::{AgentId, AttributeId, ConnId, Message, MessageType};

use super::RoutingConfig;
use crate::framework::metrics::Exposition;

mod call;
mod convert;
mod events;
mod operations;
mod rest;
mod submit;
mod treatment;

use call::Call;

/// How long a call may be at a destination that did not answer before the desk takes it for gone: the events of
/// its return follow in the same step of the T-Server.
const RETURN_TIME: Duration = Duration::from_secs(2);
/// Reference ids of the desk; its driver uses lower ones for its own requests.
const FIRST_REFERENCE: u32 = 0x4000_0000;
/// Calls at one time; further ones go to their default destination.
const MAX_CALLS: usize = 50_000;

/// Runs a strategy for every call that waits at a routing point, without IO.
///
/// Feed every T-Event with [`RoutingDesk::handle_event`], send every message of [`RoutingDesk::poll_request`]
/// as it is, and call [`RoutingDesk::handle_timeout`] when [`RoutingDesk::poll_timeout`] is reached. Not `Send`,
/// because strategies hold a script engine: it lives on the thread that made it.
pub struct RoutingDesk {
    points: BTreeMap<String, String>,
    tracker: StateTracker,
    router: Router,
    sessions: SessionManager,
    calls: BTreeMap<ConnId, Call>,
    interactions: BTreeMap<orchestration::InteractionId, ConnId>,
    answers: BTreeMap<u32, Pending>,
    /// Results of submits whose call is on its way.
    targets: BTreeMap<RequestKey, orchestration::Target>,
    returns: BTreeSet<(Instant, ConnId)>,
    /// Agents whose phone did not take a call, until then.
    resting: BTreeMap<AgentId, Instant>,
    next_reference: u32,
    out: VecDeque<Message>,
    stats: Counters,
}

/// What a request was for, by its reference id.
#[derive(Clone, Debug)]
enum Pending {
    /// A treatment of a call.
    Treatment(ConnId),
    /// A route to a selected agent.
    Route(ConnId, RequestKey),
    /// Something whose success is all that a session waits for.
    Plain(RequestKey),
    /// The way out for a call that no session has.
    Leftover(ConnId, Leftover),
    /// Nobody waits.
    Quiet,
}

/// Steps of getting rid of a call that no session has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leftover {
    DefaultDestination,
    Release,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    calls: u64,
    returned: u64,
    leftovers: u64,
    refused: u64,
}

/// Counters of a desk; totals since its start unless marked.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "plain counters")]
pub struct DeskStats {
    /// Calls that asked for a route.
    pub calls: u64,
    /// Calls that came back because their destination did not answer.
    pub returned: u64,
    /// Calls that no strategy routed: sent to the default destination or released.
    pub leftovers: u64,
    /// Requests that the T-Server refused.
    pub refused: u64,
    /// Calls now.
    pub active: usize,
    /// Selection.
    pub router: RouterStats,
    /// Strategies.
    pub sessions: ManagerStats,
}

impl DeskStats {
    /// Writes the counters for `/metrics`.
    pub fn expose(&self, out: &mut Exposition) {
        out.counter("routing_calls_total", "Calls that asked for a route.", self.calls);
        out.counter(
            "routing_returned_total",
            "Calls whose destination did not answer.",
            self.returned,
        );
        out.counter(
            "routing_leftovers_total",
            "Calls that no strategy routed.",
            self.leftovers,
        );
        out.counter(
            "routing_refused_total",
            "Requests that the T-Server refused.",
            self.refused,
        );
        out.gauge("routing_calls", "Calls at the router now.", self.active);
        out.gauge(
            "routing_waiting",
            "Requests that wait for an agent now.",
            self.router.waiting,
        );
        out.gauge(
            "routing_agents_ready",
            "Agents that can be selected now.",
            self.router.ready,
        );
        out.counter("routing_selected_total", "Agents selected.", self.router.selected);
        out.counter(
            "orchestration_sessions_total",
            "Sessions started.",
            self.sessions.started,
        );
        out.counter(
            "orchestration_killed_total",
            "Sessions killed by a limit.",
            self.sessions.killed,
        );
        out.gauge("orchestration_sessions", "Sessions now.", self.sessions.active);
    }
}

impl RoutingDesk {
    /// A desk for the strategies and agents of a configuration.
    pub fn new(now: Instant, config: &RoutingConfig) -> Self {
        let mut router = Router::new(RouterConfig::default());
        let mut tracker = StateTracker::new(TrackerConfig::default());
        for profile in &config.agents {
            tracker.add_agent(now, profile.id.clone());
            if let Err(error) = router.set_agent(now, profile.clone()) {
                tracing::error!(%error, "an agent does not fit into the router");
            }
        }
        Self {
            points: config.points.clone(),
            tracker,
            router,
            sessions: SessionManager::new(ManagerConfig::default(), config.documents.clone()),
            calls: BTreeMap::new(),
            interactions: BTreeMap::new(),
            answers: BTreeMap::new(),
            targets: BTreeMap::new(),
            returns: BTreeSet::new(),
            resting: BTreeMap::new(),
            next_reference: FIRST_REFERENCE,
            out: VecDeque::new(),
            stats: Counters::default(),
        }
    }

    /// Takes a T-Event.
    pub fn handle_event(&mut self, now: Instant, event: &Arc<Message>) {
        self.tracker.handle_event(now, event);
        self.take_event(now, event);
        self.settle(now);
    }

    /// The connection is gone: calls, registrations and answers with it.
    pub fn handle_disconnect(&mut self, now: Instant) {
        self.answers.clear();
        let lost: Vec<_> = self.calls.keys().copied().collect();
        for conn in lost {
            self.end_call(now, conn, None);
        }
        self.settle(now);
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.router.handle_timeout(now);
        self.sessions.handle_timeout(now);
        self.end_rests(now);
        while let Some((at, conn)) = self.returns.first().copied() {
            if at > now {
                break;
            }
            self.returns.pop_first();
            if self
                .calls
                .get(&conn)
                .is_some_and(|call| call.returns_by == Some(at))
            {
                self.end_call(now, conn, None);
            }
        }
        self.settle(now);
    }

    /// When to call [`RoutingDesk::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        let returns = self.returns.first().map(|(at, _)| *at);
        let own = [returns, self.next_rest_end()];
        own.into_iter()
            .chain([self.router.poll_timeout(), self.sessions.poll_timeout()])
            .flatten()
            .min()
    }

    /// The next T-Request, with its reference id.
    pub fn poll_request(&mut self) -> Option<Message> {
        self.out.pop_front()
    }

    /// The counters.
    pub fn stats(&self) -> DeskStats {
        DeskStats {
            calls: self.stats.calls,
            returned: self.stats.returned,
            leftovers: self.stats.leftovers,
            refused: self.stats.refused,
            active: self.calls.len(),
            router: self.router.stats(),
            sessions: self.sessions.stats(),
        }
    }

    /// Passes on what the parts have to tell each other, until they are silent.
    fn settle(&mut self, now: Instant) {
        loop {
            while let Some(change) = self.tracker.poll_output() {
                self.handle_status(now, &change);
            }
            if let Some(output) = self.router.poll_output() {
                self.handle_decision(now, output);
            } else if let Some(output) = self.sessions.poll_output() {
                self.handle_session(now, output);
            } else {
                return;
            }
        }
    }

    fn request(&mut self, message: Message, pending: Pending) {
        let reference = self.next_reference;
        self.next_reference = match reference.checked_add(1) {
            Some(next) if next < u32::MAX => next,
            _ => FIRST_REFERENCE,
        };
        self.answers.insert(reference, pending);
        self.out
            .push_back(message.with(AttributeId::REFERENCE_ID, tlib::ReferenceId(reference)));
    }

    /// Answers a session; that nobody waits any more is normal when a call ends meanwhile.
    fn complete(&mut self, now: Instant, key: &RequestKey, result: Result<Completion, Failure>) {
        if let Err(error) = self.sessions.complete(now, key, result) {
            tracing::debug!(%key, %error, "answer not taken");
        }
    }

    /// Forgets a call and tells its session.
    fn end_call(&mut self, now: Instant, conn: ConnId, abandoned: Option<InteractionEvent>) {
        let Some(call) = self.calls.remove(&conn) else {
            return;
        };
        self.interactions.remove(&call.interaction);
        self.router.interaction_ended(now, &call.routing_id());
        if let Some(event) = abandoned {
            self.sessions.handle_interaction(now, &call.interaction, event);
        }
        let deleted = InteractionEvent::Deleted { result_of: None };
        self.sessions.handle_interaction(now, &call.interaction, deleted);
    }
}

/// `EventReleased` of a destination that never answered: the call comes back to its routing point.
fn comes_back(event: &Message) -> bool {
    event.message_type == MessageType::EVENT_RELEASED
        && event.int(AttributeId::CALL_STATE).map(CallState) != Some(CallState::OK)
}

#[cfg(test)]
mod tests;

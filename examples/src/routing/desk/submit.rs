//! `queue:submit`: the request to the router, the music meanwhile, the route to the selected agent.

use std::time::Instant;

use orchestration::{Completion, Failure, QueuePosition, RequestKey, Submit, Treatment};
use routing::{Output, Request, RequestId, Selection, Target, TargetKind};
use tlib::control::request;
use tlib::{AttributeId, ConnId, KvList};

use super::treatment::Owner;
use super::{Pending, RoutingDesk};

/// Name of this switch in results: `number@switch.DN`.
const SWITCH: &str = "switch";

/// A submit that waits, or whose agent is being called.
#[derive(Debug)]
pub(super) struct ActiveSubmit {
    pub(super) key: RequestKey,
    route: bool,
    /// The virtual queue it names.
    queue: Option<String>,
    treatments: Vec<Treatment>,
    /// The agent's DN and the request in the router, once selected.
    pub(super) selected: Option<(String, RequestId)>,
}

impl RoutingDesk {
    pub(super) fn submit(&mut self, now: Instant, conn: ConnId, key: RequestKey, submit: Submit) {
        let mut targets = Vec::new();
        for text in &submit.targets {
            match Target::parse_list(text) {
                Ok(list) => targets.extend(list),
                Err(error) => {
                    let failure = Failure::new("invalidattribute", format!("target: {error}"));
                    return self.complete(now, &key, Err(failure));
                }
            }
        }
        let Some(call) = self.calls.get_mut(&conn) else {
            return;
        };
        let mut request =
            Request::new(key.to_string(), call.routing_id(), targets).with_priority(submit.priority);
        request.timeout = submit.timeout;
        request.clear_on_timeout = submit.clear_on_timeout;
        request.clear_queue = submit.clear_queue;
        request.queue = submit.queue.clone();
        if let Err(error) = self.router.submit(now, request) {
            // An earlier submit of the call goes on.
            let failure = Failure::new("invalidattribute", error.to_string());
            return self.complete(now, &key, Err(failure));
        }
        let earlier = call.submit.replace(ActiveSubmit {
            key: key.clone(),
            route: submit.route,
            queue: submit.queue,
            treatments: submit.treatments,
            selected: None,
        });
        if let Some(earlier) = earlier.filter(|earlier| earlier.selected.is_none()) {
            call.treatments.disown(&earlier.key);
            self.complete(now, &earlier.key, Err(Failure::cancelled()));
        }
        // A ready agent is selected at once; no treatment is started for that.
        while let Some(output) = self.router.poll_output() {
            self.handle_decision(now, output);
        }
        self.next_queue_treatment(conn, &key, 0);
    }

    /// Whether that submit still waits for an agent.
    pub(super) fn waits(&self, conn: ConnId, key: &RequestKey) -> bool {
        let submit = self.calls.get(&conn).and_then(|call| call.submit.as_ref());
        submit.is_some_and(|submit| submit.key == *key && submit.selected.is_none())
    }

    /// Starts the n-th treatment of a waiting submit; the last one is repeated.
    pub(super) fn next_queue_treatment(&mut self, conn: ConnId, key: &RequestKey, index: usize) {
        if !self.waits(conn, key) {
            return;
        }
        let Some(submit) = self.calls.get(&conn).and_then(|call| call.submit.as_ref()) else {
            return;
        };
        let index = index.min(submit.treatments.len().saturating_sub(1));
        if let Some(treatment) = submit.treatments.get(index).cloned() {
            self.treat(
                conn,
                &treatment,
                Owner::Queue {
                    key: key.clone(),
                    index,
                },
            );
        }
    }

    /// Takes what the router decided.
    pub(super) fn handle_decision(&mut self, now: Instant, output: Output) {
        match output {
            Output::Selected(selection) => self.selected(now, &selection),
            Output::TimedOut { interaction, .. } => {
                self.submit_failed(now, &interaction, Failure::timeout());
            }
            Output::Replaced { request, .. } => {
                tracing::debug!(request = request.as_str(), "submit replaced by a later one");
            }
            Output::ReservationExpired { request, .. } => {
                tracing::warn!(
                    request = request.as_str(),
                    "an agent was reserved but no call was routed"
                );
            }
            other => tracing::debug!(?other, "decision without a consequence"),
        }
    }

    fn selected(&mut self, now: Instant, selection: &Selection) {
        let conn = conn_of(&selection.interaction);
        let Some(call) = conn.and_then(|conn| self.calls.get_mut(&conn)) else {
            self.router.release(now, &selection.request);
            return;
        };
        let Some(submit) = call
            .submit
            .as_mut()
            .filter(|submit| submit.key.to_string() == selection.request.as_str())
        else {
            self.router.release(now, &selection.request);
            return;
        };
        submit.selected = Some((selection.dn.to_string(), selection.request.clone()));
        let (key, route) = (submit.key.clone(), submit.route);
        call.agent = Some(selection.agent.clone());
        let point = call.point.clone();
        let strategy = self.points.get(&point).cloned().unwrap_or_default();
        let target = result(selection);
        if !route {
            return self.complete(now, &key, Ok(Completion::Target(target)));
        }
        let Some(conn) = conn else { return };
        let data = attached(selection, &strategy);
        let message =
            request::route_call(&point, conn, selection.dn.as_str()).with(AttributeId::USER_DATA, data);
        self.targets.insert(key.clone(), target);
        self.request(message, Pending::Route(conn, key));
    }

    /// The call is on its way to the agent.
    pub(super) fn routed(&mut self, now: Instant, conn: ConnId, key: &RequestKey) {
        let target = self.targets.remove(key);
        let submit = self.calls.get_mut(&conn).and_then(|call| call.submit.take());
        if let Some((_, request)) = submit.and_then(|submit| submit.selected) {
            self.router.confirm(now, &request);
        }
        // Without a target it was a redirect to an agent that an earlier submit had reserved.
        let completion = target.map_or(Completion::Done, Completion::Target);
        self.complete(now, key, Ok(completion));
    }

    /// The T-Server did not route the call to the agent.
    pub(super) fn route_refused(&mut self, now: Instant, conn: ConnId, key: &RequestKey, failure: Failure) {
        self.targets.remove(key);
        let submit = self.calls.get_mut(&conn).and_then(|call| call.submit.take());
        if let Some((_, request)) = submit.and_then(|submit| submit.selected) {
            self.router.release(now, &request);
        }
        self.complete(now, key, Err(failure));
    }

    fn submit_failed(&mut self, now: Instant, interaction: &routing::InteractionId, failure: Failure) {
        let call = conn_of(interaction).and_then(|conn| self.calls.get_mut(&conn));
        let Some(submit) = call.and_then(|call| call.submit.take()) else {
            return;
        };
        self.complete(now, &submit.key, Err(failure));
    }

    /// Takes the call's submit back, if it is the one that is meant; answers whether it was.
    pub(super) fn cancel_submit(
        &mut self,
        now: Instant,
        conn: ConnId,
        request: Option<&str>,
        queue: Option<&str>,
    ) -> bool {
        let matches = |submit: &mut ActiveSubmit| {
            request.is_none_or(|request| submit.key.request == request)
                && queue.is_none_or(|queue| submit.queue.as_deref() == Some(queue))
        };
        let Some(call) = self.calls.get_mut(&conn) else {
            return false;
        };
        let Some(submit) = call.submit.take_if(matches) else {
            return false;
        };
        call.treatments.disown(&submit.key);
        self.router.cancel(now, &RequestId::new(submit.key.to_string()));
        self.complete(now, &submit.key, Err(Failure::cancelled()));
        true
    }

    pub(super) fn query_submit(
        &self,
        now: Instant,
        key: &RequestKey,
        request: &str,
    ) -> Result<Completion, Failure> {
        let id = RequestId::new(format!("{}/{request}", key.session));
        let view = self.router.query(now, &id);
        view.map(|view| {
            let position = u32::try_from(view.position).unwrap_or(u32::MAX);
            Completion::Position(QueuePosition::new(view.priority, position, view.waited))
        })
        .ok_or_else(|| Failure::new("unknown", "no such request waits"))
    }
}

fn conn_of(interaction: &routing::InteractionId) -> Option<ConnId> {
    u64::from_str_radix(interaction.as_str(), 16).ok().map(ConnId)
}

fn result(selection: &Selection) -> orchestration::Target {
    let server = selection.target.server.as_deref().unwrap_or("stat");
    orchestration::Target::new(selection.target.to_string(), selection.dn.as_str(), SWITCH)
        .with_agent(selection.agent.as_str(), server)
        .with_queue(selection.queue.clone())
}

/// What routing leaves in the user data.
///
/// Spec: routing reference §4, result user data
fn attached(selection: &Selection, strategy: &str) -> KvList {
    let mut data = KvList::new()
        .with("RTargetTypeSelected", selection.target.target_type().to_string())
        .with("RTargetObjectSelected", selection.target.to_string())
        .with("RTargetAgentSelected", selection.agent.as_str())
        .with("RStrategyName", strategy.rsplit('/').next().unwrap_or(strategy));
    if let TargetKind::Skill { expr, .. } = &selection.target.kind {
        data.push("RRequestedSkillCombination", expr.to_string());
    }
    if let Some(queue) = &selection.queue {
        data.push("RVQ", queue.as_str());
    }
    data
}

//! T-Events, as news for sessions and the router.

use std::sync::Arc;
use std::time::Instant;

use orchestration::{Completion, InteractionEvent, Party};
use tlib::catalog::RouteType;
use tlib::{AttributeId, ConnId, Message, MessageType};

use super::treatment::failure;
use super::{Call, Leftover, MAX_CALLS, Pending, RETURN_TIME, RoutingDesk, comes_back, convert};

impl RoutingDesk {
    pub(super) fn take_event(&mut self, now: Instant, event: &Arc<Message>) {
        let pending = event
            .reference_id()
            .and_then(|reference| self.answers.remove(&reference.0));
        if let Some(pending) = pending {
            self.take_answer(now, event, pending);
        }
        let Some(conn) = event.conn_id() else { return };
        let this_dn = event.this_dn().unwrap_or_default();
        let at_point = self.points.contains_key(this_dn);
        match event.message_type {
            MessageType::EVENT_ROUTE_REQUEST if at_point => self.route_requested(now, conn, this_dn, event),
            MessageType::EVENT_TREATMENT_END if at_point => self.treatment_ended(now, conn, event),
            MessageType::EVENT_ROUTE_USED if at_point => self.route_used(now, conn, event),
            MessageType::EVENT_ABANDONED => self.end_call(now, conn, Some(InteractionEvent::Abandoned)),
            MessageType::EVENT_RELEASED if at_point => self.end_call(now, conn, None),
            MessageType::EVENT_RELEASED => self.destination_released(now, conn, event),
            MessageType::EVENT_ESTABLISHED => self.established(now, conn, this_dn),
            MessageType::EVENT_ATTACHED_DATA_CHANGED => {
                if let Some(call) = self.calls.get(&conn) {
                    let change = InteractionEvent::UserDataChanged(convert::user_data(event));
                    self.sessions.handle_interaction(now, &call.interaction, change);
                }
            }
            _ => {}
        }
    }

    fn take_answer(&mut self, now: Instant, event: &Message, pending: Pending) {
        let refused = matches!(
            event.message_type,
            MessageType::EVENT_ERROR | MessageType::EVENT_TREATMENT_NOT_APPLIED
        );
        if refused {
            self.stats.refused += 1;
            tracing::debug!(?pending, code = event.int(AttributeId::ERROR_CODE), "refused");
        }
        match (pending, refused) {
            (Pending::Treatment(conn), false) => self.treatment_applied(now, conn),
            (Pending::Treatment(conn), true) => self.treatment_refused(now, conn, event),
            (Pending::Route(conn, key), false) => self.routed(now, conn, &key),
            (Pending::Route(conn, key), true) => self.route_refused(now, conn, &key, failure(event)),
            (Pending::Plain(key), false) => self.complete(now, &key, Ok(Completion::Done)),
            (Pending::Plain(key), true) => self.complete(now, &key, Err(failure(event))),
            (Pending::Leftover(conn, Leftover::DefaultDestination), true) => self.release_leftover(conn),
            (Pending::Leftover(..) | Pending::Quiet, _) => {}
        }
    }

    fn route_requested(&mut self, now: Instant, conn: ConnId, point: &str, event: &Message) {
        if let Some(call) = self.calls.get_mut(&conn) {
            call.at_point = true;
            call.established = false;
            call.returns_by = None;
            point.clone_into(&mut call.point);
            call.treatments.orphan();
            self.stats.returned += 1;
            let interaction = call.interaction.clone();
            if !self
                .sessions
                .handle_interaction(now, &interaction, InteractionEvent::RouteRequested)
            {
                self.leave_over(conn);
            }
            return;
        }
        self.stats.calls += 1;
        let interaction = convert::interaction(conn, event, point);
        let Some(strategy) = self.points.get(point).cloned() else {
            return;
        };
        let full = self.calls.len() >= MAX_CALLS;
        self.calls
            .insert(conn, Call::new(conn, interaction.id.clone(), point));
        self.interactions.insert(interaction.id.clone(), conn);
        let started = match full {
            true => Err("too many calls".to_owned()),
            false => self
                .sessions
                .start_for_interaction(now, &strategy, interaction, Vec::new())
                .map_err(|error| error.to_string()),
        };
        if let Err(reason) = started {
            tracing::error!(%conn, reason, "the call gets no strategy");
            self.leave_over(conn);
        }
    }

    /// The call leaves the routing point; without our request it goes to its default destination for good.
    fn route_used(&mut self, now: Instant, conn: ConnId, event: &Message) {
        let Some(call) = self.calls.get_mut(&conn) else {
            return;
        };
        call.at_point = false;
        call.treatments.orphan();
        if event.int(AttributeId::ROUTE_TYPE).map(RouteType) == Some(RouteType::DEFAULT) {
            self.end_call(now, conn, None);
        }
    }

    fn established(&mut self, now: Instant, conn: ConnId, dn: &str) {
        let Some(call) = self.calls.get_mut(&conn) else {
            return;
        };
        call.established = true;
        let change = InteractionEvent::PartyStateChanged {
            focus_device: dn.to_owned(),
            parties: vec![Party::new(dn, "agent")],
        };
        self.sessions.handle_interaction(now, &call.interaction, change);
    }

    fn destination_released(&mut self, now: Instant, conn: ConnId, event: &Message) {
        let Some(call) = self.calls.get_mut(&conn) else {
            return;
        };
        if !call.established && !call.at_point && comes_back(event) {
            let by = now + RETURN_TIME;
            call.returns_by = Some(by);
            self.returns.insert((by, conn));
            if let Some(agent) = call.agent.take() {
                self.rest(now, agent);
            }
        } else if call.established {
            self.end_call(now, conn, None);
        }
    }
}

//! Routing points: queueing, route requests, routing, default destinations.

use std::time::{Duration, Instant};

use super::TServer;
use super::book::call_state;
use super::deliver::Destination;
use super::emit::Refused;
use super::event::CallEvent;
use super::request::Request;
use super::timer::Timer;
use crate::call::{Party, PartyId, PartyKind, PartyStep, PartyStepEvent, Route};
use crate::catalog::{AttributeId, CallState, DnRole, ErrorCode, MessageType, RouteType};
use crate::id::{ConnId, Dn};
use crate::switch::Cause;

impl TServer {
    /// Queues a call at a routing point and, if `ask`, asks the router.
    ///
    /// Spec: T-Library reference §6.3 steps 1 and 2
    pub(super) fn enter_point(&mut self, now: Instant, conn_id: ConnId, point: Dn, ask: bool) {
        let Some(call) = self.calls.get_mut(&conn_id) else {
            return;
        };
        let attempts = call.route.as_ref().map_or(0, |route| route.attempts);
        call.route = Some(Route {
            point: point.clone(),
            attempts,
        });
        let mut party = Party::new(PartyKind::Point, point.clone(), DnRole::DESTINATION);
        party.queue = Some(point.clone());
        let Some(id) = self.add_party(conn_id, party, PartyStepEvent::Queue) else {
            return;
        };
        self.emit(
            now,
            conn_id,
            id,
            CallEvent::new(MessageType::EVENT_QUEUED).headers(),
        );
        if !ask {
            return;
        }
        let event = CallEvent::new(MessageType::EVENT_ROUTE_REQUEST).headers();
        self.emit(now, conn_id, id, event);
        let timeout = self.config.dns.get(&point).and_then(|dn| dn.route_timeout_secs);
        let Some(secs) = timeout else {
            return;
        };
        let at = now + Duration::from_secs(secs.into());
        if let Some(call) = self.calls.get_mut(&conn_id) {
            call.route_deadline = Some(at);
            self.timers.arm(at, Timer::Route(conn_id));
        }
    }

    /// A routed call lost its destination: ask the router again, at most the configured number of times.
    pub(super) fn return_to_point(&mut self, now: Instant, conn_id: ConnId, cause: Cause) {
        let most = self.config.settings.max_reroutes;
        let Some(call) = self.calls.get_mut(&conn_id) else {
            return;
        };
        let origin = call.origin().map(|origin| origin.id);
        let (Some(route), Some(origin)) = (call.route.as_mut(), origin) else {
            return;
        };
        route.attempts += 1;
        let (point, attempts) = (route.point.clone(), route.attempts);
        if attempts <= most {
            return self.enter_point(now, conn_id, point, true);
        }
        if self.default_destination(conn_id).is_some() {
            self.enter_point(now, conn_id, point, false);
            return self.use_default(now, conn_id);
        }
        self.drop_leg(conn_id, origin, cause);
        let event = CallEvent::new(MessageType::EVENT_RELEASED).state(call_state(cause));
        self.leave(now, conn_id, origin, event, cause);
    }

    /// Nobody routed the call in time.
    pub(super) fn route_timed_out(&mut self, now: Instant, conn_id: ConnId, at: Instant) {
        let call = self.calls.get_mut(&conn_id);
        if let Some(call) = call.filter(|call| call.route_deadline == Some(at)) {
            call.route_deadline = None;
            self.use_default(now, conn_id);
        }
    }

    /// The default destination of the call's routing point, if the call can go there now.
    fn default_destination(&self, conn_id: ConnId) -> Option<Destination> {
        let call = self.calls.get(&conn_id)?;
        let point = &call.route.as_ref()?.point;
        let number = self.config.dns.get(point)?.default_destination.as_deref()?;
        self.destination(&Dn::from(number), &call.origin()?.dn).ok()
    }

    /// Sends a queued call to the default destination of its routing point, from where it does not come back;
    /// releases it if there is none.
    ///
    /// Spec: T-Library reference §6.3 (route fails)
    fn use_default(&mut self, now: Instant, conn_id: ConnId) {
        let to = self.default_destination(conn_id);
        let Some(call) = self.calls.get_mut(&conn_id) else {
            return;
        };
        let point = call.parties.iter().find(|party| party.step == PartyStep::Queued);
        let Some(point) = point.map(|party| party.id) else {
            return;
        };
        call.route = None;
        match to {
            Some(to) => self.divert(now, conn_id, point, to, RouteType::DEFAULT, None),
            None => {
                let event = CallEvent::new(MessageType::EVENT_RELEASED).state(CallState::CLEARED);
                self.leave(now, conn_id, point, event, Cause::Unreachable);
            }
        }
    }

    /// Closes the queueing at a routing point and brings the call to its destination.
    fn divert(
        &mut self,
        now: Instant,
        conn_id: ConnId,
        point: PartyId,
        to: Destination,
        route_type: RouteType,
        request: Option<&Request>,
    ) {
        let target = match &to {
            Destination::Extension(dn) | Destination::Point(dn) | Destination::Outside(dn) => dn.clone(),
        };
        let used = CallEvent::new(MessageType::EVENT_ROUTE_USED)
            .extra(AttributeId::ROUTE_TYPE, route_type.0)
            .third(&target, DnRole::DESTINATION);
        let used = match request {
            Some(request) => used.answering(request),
            None => used,
        };
        let diverted = CallEvent::new(MessageType::EVENT_DIVERTED)
            .state(CallState::REDIRECTED)
            .third(&target, DnRole::DESTINATION)
            .reasons(request.and_then(Request::reasons));
        self.treatment_unanswered(now, conn_id, "call was routed before the treatment began");
        self.emit(now, conn_id, point, used);
        self.emit(now, conn_id, point, diverted);
        let queue = self.calls.get(&conn_id).and_then(|call| call.party(point));
        let queue = queue.map(|party| party.dn.clone());
        self.step_party(conn_id, point, PartyStepEvent::Divert);
        self.remove_party(now, conn_id, point);
        self.deliver(now, conn_id, to, queue);
    }

    /// Serves `RequestRouteCall`.
    ///
    /// Route types: Unknown, Default (to `OtherDN`, without it to the default destination), Direct; Reject and
    /// CallDisconnect release the caller. Others are refused.
    ///
    /// Spec: T-Library reference §4, §6.3 steps 3 and 4
    pub(super) fn route_call(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let (conn_id, point) = self.queued_party(request)?;
        let route_type = request.message.int(AttributeId::ROUTE_TYPE).map(RouteType);
        let route_type = route_type.unwrap_or(RouteType::UNKNOWN);
        match route_type {
            RouteType::UNKNOWN | RouteType::DIRECT => {}
            RouteType::DEFAULT if request.message.get(AttributeId::OTHER_DN).is_some() => {}
            RouteType::DEFAULT => {
                let to = self.default_destination(conn_id).ok_or_else(|| {
                    let text = "routing point has no default destination that can be reached";
                    Refused::new(ErrorCode::INVALID_CALLED_DN, text)
                })?;
                self.merge_user_data(conn_id, request)?;
                if let Some(call) = self.calls.get_mut(&conn_id) {
                    call.route = None;
                }
                self.divert(now, conn_id, point, to, route_type, Some(request));
                return Ok(());
            }
            RouteType::REJECT | RouteType::CALL_DISCONNECT => {
                self.merge_user_data(conn_id, request)?;
                let used = CallEvent::new(MessageType::EVENT_ROUTE_USED).answering(request);
                let used = used.extra(AttributeId::ROUTE_TYPE, route_type.0);
                self.emit(now, conn_id, point, used);
                let event = CallEvent::new(MessageType::EVENT_RELEASED).state(CallState::DROPPED);
                self.leave(now, conn_id, point, event, Cause::Rejected);
                return Ok(());
            }
            other => {
                let text = format!("RouteType {other} is not supported");
                return Err(Refused::new(ErrorCode::NOT_SUPPORTED, text));
            }
        }
        let to = self.route_target(conn_id, request)?;
        self.merge_user_data(conn_id, request)?;
        if let Destination::Point(_) = to {
            let route = self.calls.get_mut(&conn_id).and_then(|call| call.route.as_mut());
            if let Some(route) = route {
                route.attempts += 1;
            }
        }
        self.divert(now, conn_id, point, to, route_type, Some(request));
        Ok(())
    }

    fn route_target(&self, conn_id: ConnId, request: &Request) -> Result<Destination, Refused> {
        let to = request.other_dn()?;
        let call = self.calls.get(&conn_id);
        let caller = call
            .and_then(|call| call.origin())
            .map(|origin| origin.dn.clone());
        let to = self.destination(&to, &caller.unwrap_or_else(|| Dn::from("")))?;
        let route = call.and_then(|call| call.route.as_ref());
        let attempts = route.map_or(0, |route| route.attempts);
        if matches!(to, Destination::Point(_)) && attempts >= self.config.settings.max_reroutes {
            let text = "call was sent on or came back too often to go to another routing point";
            return Err(Refused::new(ErrorCode::INVALID_CALLED_DN, text));
        }
        Ok(to)
    }

    /// The routing point's party of a request that needs the call to wait there.
    pub(super) fn queued_party(&self, request: &Request) -> Result<(ConnId, PartyId), Refused> {
        let (conn_id, party) = self.party_of(request)?;
        if party.step == PartyStep::Queued {
            return Ok((conn_id, party.id));
        }
        let text = "call does not wait at a routing point";
        Err(Refused::new(ErrorCode::WRONG_OBJECT_STATE, text))
    }
}

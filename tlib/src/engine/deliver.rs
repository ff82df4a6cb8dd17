//! Bringing a call to a destination: offer, ring, answer, failure.

use std::time::Instant;

use super::TServer;
use super::book::call_state;
use super::client::DnState;
use super::emit::Refused;
use super::event::CallEvent;
use super::request::Request;
use crate::call::{Asked, Party, PartyId, PartyKind, PartyStep, PartyStepEvent};
use crate::catalog::{DnRole, ErrorCode, MessageType};
use crate::engine::DnKind;
use crate::id::{ConnId, Dn};
use crate::switch::{Cause, LegId, OfferMedia, SwitchCommand, Treatment};

/// Where a call can go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Extension(Dn),
    Point(Dn),
    Outside(Dn),
}

impl TServer {
    /// What a number is, if a call of `caller` can go there now.
    pub(super) fn destination(&self, to: &Dn, caller: &Dn) -> Result<Destination, Refused> {
        let Some(state) = self.dns.get(to) else {
            return Ok(Destination::Outside(to.clone()));
        };
        match state.kind {
            DnKind::RoutingPoint => Ok(Destination::Point(to.clone())),
            DnKind::Queue | DnKind::VirtualQueue => Err(Refused::new(
                ErrorCode::INVALID_CALLED_DN,
                format!("DN {to} is a queue; this server does not distribute calls from queues"),
            )),
            DnKind::Extension if to == caller => Err(Refused::new(
                ErrorCode::INVALID_CALLED_DN,
                format!("DN {to} is the caller itself"),
            )),
            DnKind::Extension if !state.in_service => Err(Refused::new(
                ErrorCode::OUT_OF_SERVICE,
                format!("DN {to} is out of service"),
            )),
            DnKind::Extension => Ok(Destination::Extension(to.clone())),
        }
    }

    /// Offers the call to its destination, or queues it there. `queue` is where it comes from.
    pub(super) fn deliver(&mut self, now: Instant, conn_id: ConnId, to: Destination, queue: Option<Dn>) {
        let (kind, dn) = match to {
            Destination::Point(point) => return self.enter_point(now, conn_id, point, true),
            Destination::Extension(dn) => (PartyKind::Extension, dn),
            Destination::Outside(dn) => (PartyKind::Outside, dn),
        };
        let Some(call) = self.calls.get(&conn_id) else {
            return;
        };
        let media = call.origin().and_then(|origin| origin.leg);
        let from = call.ani.clone();
        let leg = self.ids.leg();
        let mut party = Party::new(kind, dn.clone(), DnRole::DESTINATION);
        party.leg = Some(leg);
        party.queue = queue;
        let Some(id) = self.add_party(conn_id, party, PartyStepEvent::Alert) else {
            return;
        };
        let timeout = self.config.no_answer_timeout(dn.as_str());
        self.arm_offer(now, conn_id, id, timeout);
        self.command(SwitchCommand::Offer {
            leg,
            timeout,
            to: dn,
            from,
            media: media.map_or(OfferMedia::Late, OfferMedia::Leg),
            auto_answer: false,
            headers: Vec::new(),
        });
        let ringing = CallEvent::new(MessageType::EVENT_RINGING).headers();
        self.emit(now, conn_id, id, ringing);
    }

    /// The destination rings or sends early media: tell the caller, once.
    pub(super) fn leg_progressed(&mut self, now: Instant, leg: LegId) {
        let Some((conn_id, party)) = self.by_leg(leg) else {
            self.stats.switch_events_ignored_total += 1;
            return;
        };
        let (id, outside) = (party.id, party.kind == PartyKind::Outside);
        if party.step != PartyStep::Alerting || party.progressed {
            return;
        }
        let Some(call) = self.calls.get_mut(&conn_id) else {
            return;
        };
        if let Some(party) = call.party_mut(id) {
            party.progressed = true;
        }
        let quiet = call.treatment.is_none();
        let Some(origin) = call.origin() else {
            return;
        };
        let (caller, accepted, caller_leg) = (origin.id, origin.accepted, origin.leg);
        match caller_leg {
            Some(leg) if !accepted => self.command(SwitchCommand::Ring { leg }),
            Some(leg) if quiet => {
                let treatment = self.ids.treatment();
                let action = Treatment::RingBack { duration: None };
                self.command(SwitchCommand::Treat {
                    leg,
                    treatment,
                    action,
                });
            }
            _ => {}
        }
        if outside {
            let reached = CallEvent::new(MessageType::EVENT_NETWORK_REACHED);
            self.emit(now, conn_id, caller, reached);
        }
    }

    pub(super) fn leg_answered(&mut self, now: Instant, leg: LegId) {
        let Some((conn_id, party)) = self.by_leg(leg) else {
            self.stats.switch_events_ignored_total += 1;
            return;
        };
        let (id, step) = (party.id, party.step);
        self.disarm_offer(conn_id, id);
        match step {
            PartyStep::Initiated => self.maker_answered(now, conn_id, id),
            PartyStep::Alerting => self.establish(now, conn_id, id),
            // The switch confirms the media of a leg that we accepted.
            _ => {}
        }
    }

    /// Connects the caller with the destination that answered; ends the caller's treatment.
    fn establish(&mut self, now: Instant, conn_id: ConnId, target: PartyId) {
        let Some(call) = self.calls.get_mut(&conn_id) else {
            return;
        };
        call.treatment = None;
        call.route = None;
        let mut by = None;
        let mut legs = Vec::new();
        for party in &mut call.parties {
            if !party.step(PartyStepEvent::Establish) {
                continue;
            }
            party.accepted = true;
            if let Some(Asked::Answer(asked)) = party.asked.take() {
                by = Some(asked);
            }
            legs.extend(party.leg);
        }
        let origin = call.origin().map(|origin| origin.id);
        if let [a, b] = legs[..] {
            self.command(SwitchCommand::Connect { a, b });
        }
        let event = CallEvent::new(MessageType::EVENT_ESTABLISHED).by(by);
        self.emit(now, conn_id, target, event);
        if let Some(origin) = origin {
            let event = CallEvent::new(MessageType::EVENT_ESTABLISHED);
            self.emit(now, conn_id, origin, event);
        }
        self.agent_call_began(conn_id, target);
    }

    /// A ringing destination will not answer; its leg is gone or has been dropped. A routed call goes back
    /// to its routing point, any other call ends.
    ///
    /// Spec: T-Library reference §6.1, §6.6; cluster reference §5.2 (branches)
    pub(super) fn target_failed(
        &mut self,
        now: Instant,
        conn_id: ConnId,
        target: PartyId,
        cause: Cause,
        request: Option<&Request>,
    ) {
        let Some(call) = self.calls.get(&conn_id) else {
            return;
        };
        let Some(party) = call.party(target) else {
            return;
        };
        let (dn, queued, outside) = (
            party.dn.clone(),
            party.queue.is_some(),
            party.kind == PartyKind::Outside,
        );
        let (routed, origin) = (call.route.is_some(), call.origin().map(|origin| origin.id));
        let state = call_state(cause);
        if let (false, Some(origin), true) = (routed, origin, outside || cause == Cause::Busy) {
            let busy = CallEvent::new(MessageType::EVENT_DESTINATION_BUSY).state(state);
            self.emit(now, conn_id, origin, busy);
        }
        let released = CallEvent::new(MessageType::EVENT_RELEASED).state(state);
        let released = match request {
            Some(request) => released.answering(request),
            None => released,
        };
        self.emit(now, conn_id, target, released);
        self.step_party(conn_id, target, PartyStepEvent::Release);
        if let (false, Some(origin)) = (routed, origin) {
            self.drop_leg(conn_id, origin, cause);
            let released = CallEvent::new(MessageType::EVENT_RELEASED).state(state);
            self.emit(now, conn_id, origin, released);
            self.step_party(conn_id, origin, PartyStepEvent::Release);
            self.remove_party(now, conn_id, origin);
        }
        self.remove_party(now, conn_id, target);
        if cause == Cause::NoAnswer && queued && !outside {
            self.agent_did_not_answer(now, &dn);
        }
        if routed {
            self.return_to_point(now, conn_id, cause);
        }
    }

    /// A party leaves; its leg is gone or has been dropped. The others are released and the call ends.
    ///
    /// Spec: T-Library reference §6.1 step 4, §6.2, §6.3 (caller gives up)
    pub(super) fn leave(
        &mut self,
        now: Instant,
        conn_id: ConnId,
        leaver: PartyId,
        event: CallEvent,
        cause: Cause,
    ) {
        self.treatment_unanswered(now, conn_id, "call ended before the treatment began");
        self.emit(now, conn_id, leaver, event);
        let Some(call) = self.calls.get(&conn_id) else {
            return;
        };
        let others: Vec<(PartyId, PartyStep)> = call
            .parties
            .iter()
            .filter(|party| party.id != leaver)
            .map(|party| (party.id, party.step))
            .collect();
        for (id, step) in &others {
            let abandoned = CallEvent::new(MessageType::EVENT_ABANDONED).state(call_state(Cause::Abandoned));
            let (cause, event) = match step {
                PartyStep::Queued | PartyStep::Alerting => (Cause::Abandoned, abandoned),
                _ => {
                    let event = CallEvent::new(MessageType::EVENT_RELEASED);
                    (cause, event.state(call_state(cause)))
                }
            };
            self.drop_leg(conn_id, *id, cause);
            self.emit(now, conn_id, *id, event);
        }
        self.step_party(conn_id, leaver, PartyStepEvent::Release);
        self.remove_party(now, conn_id, leaver);
        for (id, step) in others {
            let event = match step {
                PartyStep::Queued | PartyStep::Alerting => PartyStepEvent::Abandon,
                _ => PartyStepEvent::Release,
            };
            self.step_party(conn_id, id, event);
            self.remove_party(now, conn_id, id);
        }
    }
}

impl TServer {
    /// State of a DN that must be an extension.
    pub(super) fn extension(&mut self, dn: &Dn) -> Result<&mut DnState, Refused> {
        let state = self.dns.get_mut(dn);
        let state = state.ok_or_else(|| super::session::not_configured(dn))?;
        if state.kind == DnKind::Extension {
            return Ok(state);
        }
        let text = format!("DN {dn} is not an extension");
        Err(Refused::new(ErrorCode::INCOMPATIBLE_OBJECT, text))
    }
}

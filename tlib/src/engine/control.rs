//! Call control by clients: answer, release, clear, hold, retrieve, redirect.

use std::time::Instant;

use super::TServer;
use super::deliver::Destination;
use super::emit::Refused;
use super::event::CallEvent;
use super::request::Request;
use crate::call::{Asked, Party, PartyId, PartyKind, PartyStep, PartyStepEvent};
use crate::catalog::{CallState, DnRole, ErrorCode, MessageType};
use crate::id::{ConnId, Dn};
use crate::switch::{Cause, LegId, SwitchCommand};

impl TServer {
    /// The party at `ThisDN` of the call `ConnID`, after checking that the client may control it.
    pub(super) fn party_of(&self, request: &Request) -> Result<(ConnId, &Party), Refused> {
        let dn = request.this_dn()?;
        let conn_id = request.conn_id()?;
        self.check_control(request.by, &dn)?;
        let call = self.calls.get(&conn_id).ok_or_else(|| no_call(conn_id))?;
        let party = call.at(dn.as_str()).ok_or_else(|| {
            let text = format!("DN {dn} is not a party of call {conn_id}");
            Refused::new(ErrorCode::INVALID_CONN_ID, text)
        })?;
        Ok((conn_id, party))
    }

    /// Serves `RequestAnswerCall`: the phone is asked; `EventEstablished` carries the reference id.
    ///
    /// Spec: T-Library reference §4, §6.1 step 3
    pub(super) fn answer_call(&mut self, _now: Instant, request: &Request) -> Result<(), Refused> {
        let (conn_id, party) = self.party_of(request)?;
        let (id, leg) = (party.id, leg_in(party, PartyStep::Alerting, "ringing")?);
        if party.asked.is_some() {
            let text = "phone has been asked to answer already";
            return Err(Refused::new(ErrorCode::ALREADY_IN_STATE, text));
        }
        self.ask(conn_id, id, Asked::Answer(request.by));
        self.command(SwitchCommand::Answer { leg });
        Ok(())
    }

    /// Serves `RequestReleaseCall`: the party leaves; a ringing one refuses the call.
    ///
    /// Spec: T-Library reference §4, §6.1 step 4
    pub(super) fn release_call(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let (conn_id, party) = self.party_of(request)?;
        let (id, step) = (party.id, party.step);
        let event = CallEvent::new(MessageType::EVENT_RELEASED).answering(request);
        match step {
            PartyStep::Alerting => {
                self.drop_leg(conn_id, id, Cause::Rejected);
                self.target_failed(now, conn_id, id, Cause::Rejected, Some(request));
            }
            PartyStep::Queued => {
                self.leave(now, conn_id, id, event.state(CallState::DROPPED), Cause::Rejected);
            }
            _ => {
                self.making_failed(
                    now,
                    conn_id,
                    ErrorCode::WRONG_SET_STATE,
                    "call was released before it was dialed",
                );
                self.drop_leg(conn_id, id, Cause::Normal);
                self.leave(now, conn_id, id, event, Cause::Normal);
            }
        }
        Ok(())
    }

    /// Serves `RequestClearCall`: every party is released.
    ///
    /// Spec: T-Library reference §4
    pub(super) fn clear_call(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let (conn_id, party) = self.party_of(request)?;
        let id = party.id;
        self.making_failed(
            now,
            conn_id,
            ErrorCode::WRONG_SET_STATE,
            "call was cleared before it was dialed",
        );
        self.drop_leg(conn_id, id, Cause::Normal);
        let event = CallEvent::new(MessageType::EVENT_RELEASED).answering(request);
        self.leave(now, conn_id, id, event.state(CallState::CLEARED), Cause::Normal);
        Ok(())
    }

    /// Serves `RequestHoldCall`.
    ///
    /// Spec: T-Library reference §6.7
    pub(super) fn hold_call(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let (conn_id, party) = self.party_of(request)?;
        let (id, leg) = (party.id, leg_in(party, PartyStep::Connected, "connected")?);
        let partner = self.partner_leg(conn_id, id);
        self.command(SwitchCommand::Hold { leg, partner });
        self.step_party(conn_id, id, PartyStepEvent::Hold);
        self.ask(conn_id, id, Asked::Hold);
        let event = CallEvent::new(MessageType::EVENT_HELD).answering(request);
        self.emit(now, conn_id, id, event);
        Ok(())
    }

    /// Serves `RequestRetrieveCall`.
    ///
    /// Spec: T-Library reference §6.7
    pub(super) fn retrieve_call(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let (conn_id, party) = self.party_of(request)?;
        let (id, leg) = (party.id, leg_in(party, PartyStep::Held, "held")?);
        let partner = self.partner_leg(conn_id, id);
        self.command(SwitchCommand::Retrieve { leg, partner });
        self.step_party(conn_id, id, PartyStepEvent::Retrieve);
        self.ask(conn_id, id, Asked::Retrieve);
        let event = CallEvent::new(MessageType::EVENT_RETRIEVED).answering(request);
        self.emit(now, conn_id, id, event);
        Ok(())
    }

    /// Serves `RequestRedirectCall`: a ringing call goes on to another number.
    ///
    /// Spec: T-Library reference §6.12 (redirect)
    pub(super) fn redirect_call(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let to = request.other_dn()?;
        let (conn_id, party) = self.party_of(request)?;
        let (id, leg, queue) = (
            party.id,
            leg_in(party, PartyStep::Alerting, "ringing")?,
            party.queue.clone(),
        );
        if party.dn == to {
            let text = "call rings at this DN already";
            return Err(Refused::new(ErrorCode::INVALID_CALLED_DN, text));
        }
        let call = self.calls.get(&conn_id);
        let origin = call.and_then(|call| call.origin());
        let caller = origin.map_or_else(|| Dn::from(""), |origin| origin.dn.clone());
        let origin = origin.map(|origin| origin.id);
        let destination = self.destination(&to, &caller)?;
        self.check_hops(conn_id, &destination)?;
        self.command(SwitchCommand::Release {
            leg,
            cause: Cause::Normal,
        });
        let released = CallEvent::new(MessageType::EVENT_RELEASED)
            .state(CallState::REDIRECTED)
            .third(&to, DnRole::DESTINATION)
            .answering(request);
        self.emit(now, conn_id, id, released);
        self.step_party(conn_id, id, PartyStepEvent::Release);
        self.remove_party(now, conn_id, id);
        self.deliver(now, conn_id, destination, queue);
        if let Some(origin) = origin {
            let changed = CallEvent::new(MessageType::EVENT_PARTY_CHANGED);
            self.emit(now, conn_id, origin, changed.state(CallState::REDIRECTED));
        }
        Ok(())
    }

    /// Bounds how often a call is redirected to routing points.
    fn check_hops(&mut self, conn_id: ConnId, to: &Destination) -> Result<(), Refused> {
        let most = self.config.settings.max_reroutes;
        let route = self.calls.get_mut(&conn_id).and_then(|call| call.route.as_mut());
        if let (Destination::Point(_), Some(route)) = (to, route) {
            if route.attempts >= most {
                let text = "call was sent on or came back too often to go to another routing point";
                return Err(Refused::new(ErrorCode::INVALID_CALLED_DN, text));
            }
            route.attempts += 1;
        }
        Ok(())
    }

    /// The phone put the call on hold or took it off.
    pub(super) fn leg_hold_changed(&mut self, now: Instant, leg: LegId, held: bool) {
        let Some((conn_id, party)) = self.by_leg(leg) else {
            self.stats.switch_events_ignored_total += 1;
            return;
        };
        let id = party.id;
        let (step, event) = hold_event(held);
        if self.step_party(conn_id, id, step) {
            self.emit(now, conn_id, id, event);
        }
    }

    /// A command for a leg failed: undo what was told to the clients, or tell the one who asked.
    pub(super) fn command_failed(&mut self, now: Instant, leg: LegId, cause: Cause) {
        let Some((conn_id, party)) = self.by_leg(leg) else {
            self.stats.switch_events_ignored_total += 1;
            return;
        };
        let (id, step) = (party.id, party.step);
        let asked = self.calls.get_mut(&conn_id).and_then(|call| call.party_mut(id));
        match asked.and_then(|party| party.asked.take()) {
            Some(Asked::Answer(by)) => {
                let about = self.subject(conn_id, id);
                let text = "phone cannot be made to answer";
                self.refuse(now, by, &about, Refused::new(ErrorCode::WRONG_SET_STATE, text));
            }
            Some(asked @ (Asked::Hold | Asked::Retrieve)) => {
                let (step, event) = hold_event(asked == Asked::Retrieve);
                if self.step_party(conn_id, id, step) {
                    self.emit(now, conn_id, id, event);
                }
            }
            None if step == PartyStep::Connected => {
                self.drop_leg(conn_id, id, cause);
                let state = super::book::call_state(cause);
                let event = CallEvent::new(MessageType::EVENT_RELEASED).state(state);
                self.leave(now, conn_id, id, event, cause);
            }
            None => self.treatment_refused(now, conn_id, "switch cannot apply the treatment"),
        }
    }

    fn ask(&mut self, conn_id: ConnId, id: PartyId, asked: Asked) {
        let party = self.calls.get_mut(&conn_id).and_then(|call| call.party_mut(id));
        if let Some(party) = party {
            party.asked = Some(asked);
        }
    }

    /// The leg across that talks; one that holds is left as it is.
    fn partner_leg(&self, conn_id: ConnId, id: PartyId) -> Option<LegId> {
        let partner = self.calls.get(&conn_id)?.other(id)?;
        partner.leg.filter(|_| partner.step == PartyStep::Connected)
    }

    pub(super) fn subject(&self, conn_id: ConnId, id: PartyId) -> super::emit::Subject {
        let party = self.calls.get(&conn_id).and_then(|call| call.party(id));
        super::emit::Subject {
            conn_id: Some(conn_id),
            this_dn: party
                .filter(|party| party.kind != PartyKind::Outside)
                .map(|party| party.dn.clone()),
        }
    }
}

fn hold_event(held: bool) -> (PartyStepEvent, CallEvent) {
    if held {
        let event = CallEvent::new(MessageType::EVENT_HELD);
        (PartyStepEvent::Hold, event)
    } else {
        let event = CallEvent::new(MessageType::EVENT_RETRIEVED);
        (PartyStepEvent::Retrieve, event)
    }
}

fn leg_in(party: &Party, step: PartyStep, word: &str) -> Result<LegId, Refused> {
    match party.leg {
        Some(leg) if party.step == step => Ok(leg),
        _ => Err(Refused::new(
            ErrorCode::WRONG_SET_STATE,
            format!("call is not {word} at DN {}", party.dn),
        )),
    }
}

pub(super) fn no_call(conn_id: ConnId) -> Refused {
    Refused::new(ErrorCode::INVALID_CONN_ID, format!("no call {conn_id}"))
}

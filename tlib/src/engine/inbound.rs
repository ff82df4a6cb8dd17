//! What the switch reports: new legs, progress, ends, endpoints.

use std::time::Instant;

use super::TServer;
use super::book::call_state;
use super::config::is_number;
use super::deliver::Destination;
use super::emit::Refused;
use super::event::CallEvent;
use super::make::cause_of;
use crate::call::{Party, PartyKind, PartyStep, PartyStepEvent};
use crate::catalog::{AttributeId, CallType, DnRole, ErrorCode, MessageType};
use crate::engine::DnKind;
use crate::id::{ConnId, Dn};
use crate::kv::KvList;
use crate::message::Message;
use crate::switch::{Cause, LegId, OfferedCall, SwitchCommand, SwitchEvent};

/// Most bytes of a caller's headers that are kept, packed.
const MAX_HEADER_BYTES: usize = 8_192;

/// Longest calling number that is kept, in bytes.
const MAX_ANI_BYTES: usize = 64;

impl TServer {
    pub(super) fn switch_event(&mut self, now: Instant, event: SwitchEvent) {
        match event {
            SwitchEvent::Offered { leg, call } => self.leg_offered(now, leg, call),
            SwitchEvent::Ringing { leg } | SwitchEvent::EarlyMedia { leg } => self.leg_progressed(now, leg),
            SwitchEvent::Answered { leg } => self.leg_answered(now, leg),
            SwitchEvent::Failed { leg, cause } | SwitchEvent::Released { leg, cause } => {
                self.leg_gone(now, leg, cause);
            }
            SwitchEvent::Held { leg } => self.leg_hold_changed(now, leg, true),
            SwitchEvent::Retrieved { leg } => self.leg_hold_changed(now, leg, false),
            SwitchEvent::TransferAsked { leg, .. } => {
                // Transfers belong to a later cut of the call model; the phone's call stays as it is.
                self.stats.switch_events_ignored_total += 1;
                tracing::warn!(leg = leg.get(), "transfer by the phone is not supported");
            }
            SwitchEvent::TreatmentStarted { leg, treatment } => self.treatment_started(now, leg, treatment),
            SwitchEvent::TreatmentEnded {
                leg,
                treatment,
                result,
            } => self.treatment_ended(now, leg, treatment, result),
            SwitchEvent::CommandFailed { leg, cause } => self.command_failed(now, leg, cause),
            SwitchEvent::EndpointUp { dn } => self.service_changed(now, &dn, true),
            SwitchEvent::EndpointDown { dn } => self.service_changed(now, &dn, false),
        }
    }

    /// A new call: to a routing point, to an extension, or dialed by one of our phones.
    ///
    /// Spec: T-Library reference §6.1, §6.2, §6.3
    fn leg_offered(&mut self, now: Instant, leg: LegId, offered: OfferedCall) {
        let named_by_switch = leg.get().is_multiple_of(2);
        if !named_by_switch || self.legs.contains_key(&leg) {
            self.stats.switch_events_ignored_total += 1;
            return;
        }
        let ours = |dn: &Dn| {
            self.dns
                .get(dn)
                .is_some_and(|state| state.kind == DnKind::Extension)
        };
        let caller = offered.origin.filter(ours);
        let to = offered.to;
        let result = self.offered_destination(&to, caller.as_ref());
        let (call_type, ani) = match &caller {
            Some(dn) if self.dns.contains_key(&to) => (CallType::INTERNAL, dn.as_str().to_owned()),
            Some(dn) => (CallType::OUTBOUND, dn.as_str().to_owned()),
            None => (CallType::INBOUND, bounded(offered.from)),
        };
        let (destination, cause) = match result {
            Ok(destination) => (Some(destination), Cause::Normal),
            Err(refused) => (None, cause_of(&refused)),
        };
        if destination.is_none() && (caller.is_none() || !is_number(to.as_str())) {
            return self.reject_offer(leg, cause);
        }
        let headers = Self::bounded_headers(offered.headers);
        let Some(conn_id) = self.open_call(call_type, ani.clone(), to, headers) else {
            return self.reject_offer(leg, Cause::Overload);
        };
        let (kind, dn) = match caller {
            Some(dn) => (PartyKind::Extension, dn),
            None => (PartyKind::Outside, Dn::from(ani)),
        };
        let mut party = Party::new(kind, dn, DnRole::ORIGINATION);
        party.leg = Some(leg);
        self.add_party(conn_id, party, PartyStepEvent::Dial);
        let dialing = CallEvent::new(MessageType::EVENT_DIALING);
        self.dial(now, conn_id, destination.ok_or(cause), dialing);
    }

    fn offered_destination(&self, to: &Dn, caller: Option<&Dn>) -> Result<Destination, Refused> {
        if !is_number(to.as_str()) {
            let text = "called number is empty, too long or has blanks";
            return Err(Refused::new(ErrorCode::INVALID_CALLED_DN, text));
        }
        let nobody = Dn::from("");
        match self.destination(to, caller.unwrap_or(&nobody))? {
            Destination::Outside(_) if caller.is_none() => {
                let text = "calls from outside do not go outside";
                Err(Refused::new(ErrorCode::INVALID_CALLED_DN, text))
            }
            destination => Ok(destination),
        }
    }

    fn reject_offer(&mut self, leg: LegId, cause: Cause) {
        self.stats.calls_rejected_total += 1;
        self.command(SwitchCommand::Reject { leg, cause });
    }

    /// The caller's side is ready: `event` tells so, then the call goes to its destination or ends.
    pub(super) fn dial(
        &mut self,
        now: Instant,
        conn_id: ConnId,
        to: Result<Destination, Cause>,
        event: CallEvent,
    ) {
        let origin = self.calls.get(&conn_id).and_then(|call| call.origin());
        let Some(origin) = origin.map(|origin| origin.id) else {
            return;
        };
        self.emit(now, conn_id, origin, event);
        match to {
            Ok(destination) => self.deliver(now, conn_id, destination, None),
            Err(cause) => {
                self.stats.calls_rejected_total += 1;
                self.drop_leg(conn_id, origin, cause);
                let event = CallEvent::new(MessageType::EVENT_RELEASED).state(call_state(cause));
                self.leave(now, conn_id, origin, event, cause);
            }
        }
    }

    /// A leg failed before its answer or ended after it.
    pub(super) fn leg_gone(&mut self, now: Instant, leg: LegId, cause: Cause) {
        let Some((conn_id, party)) = self.by_leg(leg) else {
            self.stats.switch_events_ignored_total += 1;
            return;
        };
        let (id, step) = (party.id, party.step);
        // The leg is gone: nothing may be sent for it any more.
        self.legs.remove(&leg);
        if let Some(party) = self.calls.get_mut(&conn_id).and_then(|call| call.party_mut(id)) {
            party.leg = None;
        }
        match step {
            PartyStep::Initiated => self.maker_failed(now, conn_id, id, cause),
            PartyStep::Alerting => self.target_failed(now, conn_id, id, cause, None),
            PartyStep::Dialing => {
                let event = CallEvent::new(MessageType::EVENT_RELEASED);
                self.leave(now, conn_id, id, event, Cause::Normal);
            }
            _ => {
                let event = CallEvent::new(MessageType::EVENT_RELEASED).state(call_state(cause));
                self.leave(now, conn_id, id, event, Cause::Normal);
            }
        }
    }

    /// An endpoint came or went.
    ///
    /// Spec: T-Library reference §7; cluster reference §5.1 step 5
    fn service_changed(&mut self, now: Instant, dn: &Dn, up: bool) {
        let extension = self
            .dns
            .get_mut(dn)
            .filter(|state| state.kind == DnKind::Extension);
        let Some(state) = extension else {
            self.stats.switch_events_ignored_total += 1;
            return;
        };
        if state.in_service == up {
            return;
        }
        state.in_service = up;
        let message_type = if up {
            MessageType::EVENT_DN_BACK_IN_SERVICE
        } else {
            MessageType::EVENT_DN_OUT_OF_SERVICE
        };
        let message = Message::new(message_type).with(AttributeId::THIS_DN, dn);
        self.publish(now, dn.as_str(), message, None);
    }

    fn bounded_headers(headers: Vec<(String, String)>) -> KvList {
        let mut list = KvList::new();
        let mut size = list.packed_len();
        for (name, value) in headers {
            size += 5 + name.len() + value.len();
            if size > MAX_HEADER_BYTES {
                tracing::warn!("headers of a call cut at {MAX_HEADER_BYTES} bytes");
                break;
            }
            list.push(name, value);
        }
        list
    }
}

fn bounded(mut number: String) -> String {
    number.retain(|c| !c.is_control());
    while number.len() > MAX_ANI_BYTES {
        number.pop();
    }
    number
}

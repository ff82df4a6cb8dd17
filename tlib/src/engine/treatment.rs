//! Treatments of a call that waits at a routing point.

use std::time::Instant;

use super::TServer;
use super::emit::{Refused, Requester};
use super::event::CallEvent;
use super::request::Request;
use crate::call::{PartyId, PartyStep, RunningTreatment};
use crate::catalog::{AttributeId, ErrorCode, MessageType, TreatmentType};
use crate::id::ConnId;
use crate::switch::{LegId, SwitchCommand, TreatmentId, TreatmentResult};

mod parms;

impl TServer {
    /// Serves `RequestApplyTreatment`. A new treatment ends the running one.
    ///
    /// Spec: T-Library reference §4, §6.12 (treatment on an RP)
    pub(super) fn apply_treatment(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let (conn_id, point) = self.queued_party(request)?;
        let treatment_type = request
            .message
            .int(AttributeId::TREATMENT_TYPE)
            .map(TreatmentType);
        let treatment_type =
            treatment_type.ok_or_else(|| super::request::missing(AttributeId::TREATMENT_TYPE))?;
        let parms = request.message.kv(AttributeId::TREATMENT_PARMS);
        let parsed = parms::parse(treatment_type, parms)?;
        let call = self.calls.get_mut(&conn_id);
        let origin = call.and_then(|call| call.parties.iter_mut().find(|party| party.is_origin()));
        let leg = origin.and_then(|origin| {
            origin.accepted = true;
            origin.leg
        });
        let leg = leg.ok_or_else(|| Refused::new(ErrorCode::WRONG_OBJECT_STATE, "call has no caller"))?;
        self.end_running(now, conn_id, point);
        let id = self.ids.treatment();
        if let Some(call) = self.calls.get_mut(&conn_id) {
            call.treatment = Some(RunningTreatment {
                id,
                treatment_type,
                asked_by: Some(request.by),
                abort_digits: parsed.abort_digits,
            });
        }
        self.command(SwitchCommand::Treat {
            leg,
            treatment: id,
            action: parsed.action,
        });
        Ok(())
    }

    /// Tells the end of the treatment that a new one replaces.
    fn end_running(&mut self, now: Instant, conn_id: ConnId, point: PartyId) {
        self.treatment_unanswered(now, conn_id, "another treatment was asked for");
        let running = self
            .calls
            .get_mut(&conn_id)
            .and_then(|call| call.treatment.take());
        if let Some(running) = running {
            let ended = event(MessageType::EVENT_TREATMENT_END, running.treatment_type);
            self.emit(now, conn_id, point, ended);
        }
    }

    pub(super) fn treatment_started(&mut self, now: Instant, leg: LegId, id: TreatmentId) {
        let Some(conn_id) = self.treated(leg, id) else {
            return;
        };
        if let (Some((treatment_type, by)), Some(point)) =
            (self.take_asked(conn_id), self.waiting_at(conn_id))
        {
            let applied = event(MessageType::EVENT_TREATMENT_APPLIED, treatment_type).by(Some(by));
            self.emit(now, conn_id, point, applied);
        }
    }

    pub(super) fn treatment_ended(
        &mut self,
        now: Instant,
        leg: LegId,
        id: TreatmentId,
        result: TreatmentResult,
    ) {
        let Some(conn_id) = self.treated(leg, id) else {
            return;
        };
        if let TreatmentResult::Failed { reason } = &result {
            tracing::warn!(conn_id = %conn_id, reason, "treatment failed");
            if self.is_asked(conn_id) {
                return self.treatment_refused(now, conn_id, reason);
            }
        }
        self.treatment_started(now, leg, id);
        let running = self
            .calls
            .get_mut(&conn_id)
            .and_then(|call| call.treatment.take());
        let (Some(running), Some(point)) = (running, self.waiting_at(conn_id)) else {
            return;
        };
        let ended = event(MessageType::EVENT_TREATMENT_END, running.treatment_type);
        self.emit(now, conn_id, point, outcome(ended, &running, result));
    }

    /// The switch could not start the treatment that was asked for.
    pub(super) fn treatment_refused(&mut self, now: Instant, conn_id: ConnId, why: &str) {
        self.treatment_not_applied(now, conn_id, ErrorCode::UNKNOWN_ERROR, why);
    }

    /// The treatment that was asked for has not begun and its routing point will not see it begin.
    pub(super) fn treatment_unanswered(&mut self, now: Instant, conn_id: ConnId, why: &str) {
        self.treatment_not_applied(now, conn_id, ErrorCode::WRONG_OBJECT_STATE, why);
    }

    fn treatment_not_applied(&mut self, now: Instant, conn_id: ConnId, code: ErrorCode, why: &str) {
        let Some((treatment_type, by)) = self.take_asked(conn_id) else {
            return;
        };
        if let Some(call) = self.calls.get_mut(&conn_id) {
            call.treatment = None;
        }
        if let Some(point) = self.waiting_at(conn_id) {
            let refused = event(MessageType::EVENT_TREATMENT_NOT_APPLIED, treatment_type)
                .by(Some(by))
                .extra(AttributeId::ERROR_CODE, code.0)
                .extra(AttributeId::ERROR_MESSAGE, why);
            self.emit(now, conn_id, point, refused);
        }
    }

    /// The call whose present treatment this is. The engine's own tones and replaced treatments are nobody's.
    fn treated(&self, leg: LegId, id: TreatmentId) -> Option<ConnId> {
        let conn_id = *self.legs.get(&leg)?;
        let running = self.calls.get(&conn_id)?.treatment.as_ref()?;
        (running.id == id).then_some(conn_id)
    }

    fn is_asked(&self, conn_id: ConnId) -> bool {
        let running = self.calls.get(&conn_id).and_then(|call| call.treatment.as_ref());
        running.is_some_and(|running| running.asked_by.is_some())
    }

    fn take_asked(&mut self, conn_id: ConnId) -> Option<(TreatmentType, Requester)> {
        let running = self.calls.get_mut(&conn_id)?.treatment.as_mut()?;
        Some((running.treatment_type, running.asked_by.take()?))
    }

    /// The routing point where the call waits.
    fn waiting_at(&self, conn_id: ConnId) -> Option<PartyId> {
        let call = self.calls.get(&conn_id)?;
        let point = call.parties.iter().find(|party| party.step == PartyStep::Queued);
        point.map(|party| party.id)
    }
}

fn event(message_type: MessageType, treatment_type: TreatmentType) -> CallEvent {
    CallEvent::new(message_type).extra(AttributeId::TREATMENT_TYPE, treatment_type.0)
}

/// Adds what was collected. Digits that abort leave no result; `LastDigit` is the character's code.
fn outcome(event: CallEvent, running: &RunningTreatment, result: TreatmentResult) -> CallEvent {
    match result {
        TreatmentResult::Completed => event,
        TreatmentResult::Digits { digits, last } => {
            let aborted = last.is_some_and(|last| running.abort_digits.contains(last));
            let digits = if aborted { String::new() } else { digits };
            let last = last.or_else(|| digits.chars().next_back());
            let event = event.extra(AttributeId::COLLECTED_DIGITS, digits);
            match last.and_then(|last| i32::try_from(u32::from(last)).ok()) {
                Some(last) => event.extra(AttributeId::LAST_DIGIT, last),
                None => event,
            }
        }
        TreatmentResult::Timeout { digits } => event
            .extra(AttributeId::COLLECTED_DIGITS, digits)
            .extra(AttributeId::ERROR_CODE, ErrorCode::TIMEOUT.0),
        TreatmentResult::Failed { .. } => event
            .extra(AttributeId::ERROR_CODE, ErrorCode::UNKNOWN_ERROR.0)
            .extra(AttributeId::ERROR_MESSAGE, "treatment broke off"),
    }
}

//! Calls that a client asks to make: the maker's own phone first, then the destination.

use std::time::Instant;

use super::TServer;
use super::emit::{Refused, Subject};
use super::event::CallEvent;
use super::request::Request;
use super::user_data::check_size;
use crate::call::{Making, Party, PartyId, PartyKind, PartyStepEvent};
use crate::catalog::{AttributeId, CallType, DnRole, ErrorCode, MessageType};
use crate::id::{ConnId, Dn};
use crate::kv::KvList;
use crate::switch::{Cause, OfferMedia, SwitchCommand};

impl TServer {
    /// Serves `RequestMakeCall`: `EventDialing` carries the reference id once the maker's phone has answered.
    ///
    /// Spec: T-Library reference §4, §6.1, §6.6
    pub(super) fn make_call(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let dn = request.this_dn()?;
        let to = request.other_dn()?;
        self.check_control(request.by, &dn)?;
        if !self.extension(&dn)?.in_service {
            let text = format!("DN {dn} is out of service");
            return Err(Refused::new(ErrorCode::OUT_OF_SERVICE, text));
        }
        if self.has_active_call(&dn) {
            let text = format!("DN {dn} has a call that is not on hold");
            return Err(Refused::new(ErrorCode::WRONG_SET_STATE, text));
        }
        self.destination(&to, &dn)?;
        let user_data = request.message.kv(AttributeId::USER_DATA).cloned();
        let user_data = user_data.unwrap_or_default();
        check_size(&user_data, self.config.settings.limits.user_data_bytes)?;
        let call_type = if self.dns.contains_key(&to) {
            CallType::INTERNAL
        } else {
            CallType::OUTBOUND
        };
        let ani = dn.as_str().to_owned();
        let conn_id = self
            .open_call(call_type, ani, to.clone(), KvList::new())
            .ok_or_else(|| Refused::new(ErrorCode::NO_MORE_LICENSES, "limit of calls is reached"))?;
        let leg = self.ids.leg();
        if let Some(call) = self.calls.get_mut(&conn_id) {
            call.user_data = user_data;
            call.making = Some(Making {
                by: request.by,
                reasons: request.reasons(),
                extensions: request.extensions(),
            });
        }
        let mut party = Party::new(PartyKind::Extension, dn.clone(), DnRole::ORIGINATION);
        party.leg = Some(leg);
        let id = self.add_party(conn_id, party, PartyStepEvent::Initiate);
        let timeout = self.config.no_answer_timeout(dn.as_str());
        if let Some(id) = id {
            self.arm_offer(now, conn_id, id, timeout);
        }
        self.command(SwitchCommand::Offer {
            leg,
            to: dn,
            from: to.as_str().to_owned(),
            media: OfferMedia::Late,
            auto_answer: true,
            timeout,
            headers: Vec::new(),
        });
        Ok(())
    }

    fn has_active_call(&self, dn: &Dn) -> bool {
        use crate::call::PartyStep::Held;
        let mut calls = self.dns.get(dn).into_iter().flat_map(|state| &state.calls);
        calls.any(|conn_id| {
            let party = self.calls.get(conn_id).and_then(|call| call.at(dn.as_str()));
            party.is_some_and(|party| party.step != Held)
        })
    }

    /// The maker's phone answered: dial.
    pub(super) fn maker_answered(&mut self, now: Instant, conn_id: ConnId, id: PartyId) {
        let Some(call) = self.calls.get_mut(&conn_id) else {
            return;
        };
        let (to, making) = (call.dnis.clone(), call.making.take());
        let Some(party) = call.party_mut(id) else {
            return;
        };
        party.step(PartyStepEvent::Dial);
        party.accepted = true;
        let caller = party.dn.clone();
        let destination = self.destination(&to, &caller);
        let mut dialing = CallEvent::new(MessageType::EVENT_DIALING);
        if let Some(making) = making {
            dialing = dialing
                .by(Some(making.by))
                .reasons(making.reasons)
                .extensions(making.extensions);
        }
        let destination = destination.map_err(|refused| cause_of(&refused));
        self.dial(now, conn_id, destination, dialing);
    }

    /// The maker's phone did not answer: no event was sent yet, so the requester gets an error and nobody else
    /// learns of the call.
    pub(super) fn maker_failed(&mut self, now: Instant, conn_id: ConnId, id: PartyId, cause: Cause) {
        let (code, text) = match cause {
            Cause::Busy => (ErrorCode::WRONG_SET_STATE, "maker's phone is busy"),
            Cause::NoAnswer => (ErrorCode::TIMEOUT, "maker's phone did not answer"),
            Cause::Unreachable | Cause::Lost => (ErrorCode::OUT_OF_SERVICE, "maker's phone is not reachable"),
            _ => (ErrorCode::WRONG_SET_STATE, "maker's phone refused the call"),
        };
        self.making_failed(now, conn_id, code, text);
        self.step_party(conn_id, id, PartyStepEvent::Release);
        self.remove_party(now, conn_id, id);
    }

    /// Refuses the make call that is still waiting for the maker's phone, if there is one.
    pub(super) fn making_failed(&mut self, now: Instant, conn_id: ConnId, code: ErrorCode, text: &str) {
        let Some(call) = self.calls.get_mut(&conn_id) else {
            return;
        };
        let Some(making) = call.making.take() else {
            return;
        };
        let about = Subject {
            conn_id: None,
            this_dn: call.origin().map(|origin| origin.dn.clone()),
        };
        self.refuse(now, making.by, &about, Refused::new(code, text));
    }
}

/// The cause that tells a phone what a client would be told in words.
pub(super) fn cause_of(refused: &Refused) -> Cause {
    match refused.code {
        ErrorCode::OUT_OF_SERVICE => Cause::Unreachable,
        _ => Cause::InvalidNumber,
    }
}

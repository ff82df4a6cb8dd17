//! The books: calls, parties, legs, and which DN has which calls.

use std::time::{Duration, Instant};

use super::TServer;
use super::emit::{Refused, Subject};
use super::timer::Timer;
use crate::call::{Asked, Call, Party, PartyId, PartyKind, PartyStep, PartyStepEvent};
use crate::catalog::{CallState, CallType, ErrorCode};
use crate::id::{ConnId, Dn};
use crate::kv::KvList;
use crate::switch::{Cause, LegId, SwitchCommand};

/// How long after an offer's timeout the switch may take to report it.
const OFFER_GRACE: Duration = Duration::from_secs(5);

impl TServer {
    /// Opens a call, or `None` at the limit.
    pub(super) fn open_call(
        &mut self,
        call_type: CallType,
        ani: String,
        dnis: Dn,
        headers: KvList,
    ) -> Option<ConnId> {
        if self.calls.len() >= self.config.settings.limits.calls {
            return None;
        }
        let ids = self.ids.call();
        let mut call = Call::new(ids.conn_id, ids.uuid, ids.number, call_type);
        call.ani = ani;
        call.dnis = dnis;
        call.headers = headers;
        self.calls.insert(ids.conn_id, call);
        self.stats.calls_created_total += 1;
        Some(ids.conn_id)
    }

    /// Adds a party that enters by `event`; books its leg and DN.
    pub(super) fn add_party(
        &mut self,
        conn_id: ConnId,
        mut party: Party,
        event: PartyStepEvent,
    ) -> Option<PartyId> {
        let call = self.calls.get_mut(&conn_id)?;
        party.step(event);
        let (kind, dn, leg) = (party.kind, party.dn.clone(), party.leg);
        let id = call.add(party);
        if let Some(leg) = leg {
            self.legs.insert(leg, conn_id);
        }
        if kind != PartyKind::Outside
            && let Some(state) = self.dns.get_mut(&dn)
        {
            state.calls.insert(conn_id);
        }
        Some(id)
    }

    /// Takes a party out of the books; the call ends with its last party. Sends nothing to the switch, and
    /// no event but the agent's change of state after its last queued call.
    pub(super) fn remove_party(&mut self, now: Instant, conn_id: ConnId, id: PartyId) {
        let Some(call) = self.calls.get_mut(&conn_id) else {
            return;
        };
        let Some(party) = call.remove(id) else {
            return;
        };
        if party.kind == PartyKind::Point
            && let Some(at) = call.route_deadline.take()
        {
            self.timers.disarm(at, Timer::Route(conn_id));
        }
        if let Some(at) = party.offer_deadline {
            self.timers.disarm(at, Timer::Offer(conn_id, id));
        }
        if call.parties.is_empty() {
            self.calls.remove(&conn_id);
        }
        if let Some(leg) = party.leg {
            self.legs.remove(&leg);
        }
        if party.kind != PartyKind::Outside
            && let Some(state) = self.dns.get_mut(&party.dn)
        {
            state.calls.remove(&conn_id);
        }
        if party.counted {
            self.agent_call_ended(now, &party.dn);
        }
        if let Some(Asked::Answer(by)) = party.asked {
            let about = Subject {
                conn_id: Some(conn_id),
                this_dn: Some(party.dn),
            };
            let text = "call ended before it was answered";
            self.refuse(now, by, &about, Refused::new(ErrorCode::WRONG_OBJECT_STATE, text));
        }
    }

    /// Gives the switch until the offer's timeout and some grace to report how it ended.
    pub(super) fn arm_offer(&mut self, now: Instant, conn_id: ConnId, id: PartyId, timeout: Duration) {
        let at = now + timeout + OFFER_GRACE;
        let party = self.calls.get_mut(&conn_id).and_then(|call| call.party_mut(id));
        if let Some(party) = party {
            party.offer_deadline = Some(at);
            self.timers.arm(at, Timer::Offer(conn_id, id));
        }
    }

    /// The offer was answered.
    pub(super) fn disarm_offer(&mut self, conn_id: ConnId, id: PartyId) {
        let party = self.calls.get_mut(&conn_id).and_then(|call| call.party_mut(id));
        if let Some(at) = party.and_then(|party| party.offer_deadline.take()) {
            self.timers.disarm(at, Timer::Offer(conn_id, id));
        }
    }

    /// The switch forgot an offer: end the leg there and go on as without an answer.
    pub(super) fn offer_overdue(&mut self, now: Instant, conn_id: ConnId, id: PartyId) {
        let party = self.calls.get(&conn_id).and_then(|call| call.party(id));
        if let Some(leg) = party.and_then(|party| party.leg) {
            tracing::warn!(leg = leg.get(), "switch did not report the end of an offer");
            let cause = Cause::NoAnswer;
            self.command(SwitchCommand::Release { leg, cause });
            self.leg_gone(now, leg, cause);
        }
    }

    /// Moves a party along its table; `false` if the table does not allow it.
    pub(super) fn step_party(&mut self, conn_id: ConnId, id: PartyId, event: PartyStepEvent) -> bool {
        let party = self.calls.get_mut(&conn_id).and_then(|call| call.party_mut(id));
        party.is_some_and(|party| party.step(event))
    }

    pub(super) fn command(&mut self, command: SwitchCommand) {
        self.outputs.push_back(super::Output::Switch(command));
    }

    /// Ends the leg of a party as its state demands.
    pub(super) fn drop_leg(&mut self, conn_id: ConnId, id: PartyId, cause: Cause) {
        let Some(party) = self.calls.get(&conn_id).and_then(|call| call.party(id)) else {
            return;
        };
        let Some(leg) = party.leg else {
            return;
        };
        let unanswered = party.is_origin() && !party.accepted && party.step == PartyStep::Dialing;
        self.command(if unanswered {
            SwitchCommand::Reject { leg, cause }
        } else {
            SwitchCommand::Release { leg, cause }
        });
    }

    /// The party that owns a leg.
    pub(super) fn by_leg(&self, leg: LegId) -> Option<(ConnId, &Party)> {
        let conn_id = *self.legs.get(&leg)?;
        let party = self.calls.get(&conn_id)?.by_leg(leg)?;
        Some((conn_id, party))
    }
}

/// The call state that tells clients why a leg ended.
///
/// Spec: T-Library reference §3 (TCallState)
pub(super) const fn call_state(cause: Cause) -> CallState {
    match cause {
        Cause::Normal => CallState::OK,
        Cause::Busy => CallState::BUSY,
        Cause::NoAnswer => CallState::NO_ANSWER,
        Cause::Rejected => CallState::DROPPED,
        Cause::InvalidNumber => CallState::SIT_INVALIDNUM,
        Cause::Abandoned => CallState::ABANDONED,
        Cause::Overload => CallState::ALL_TRUNKS_BUSY,
        Cause::Lost => CallState::SYSTEM_ERROR,
        Cause::Unreachable | Cause::Media | Cause::Error => CallState::GENERAL_ERROR,
    }
}

//! The call model: a call, its parties, and what was asked of them.

use std::time::Instant;

use crate::catalog::CallType;
use crate::id::{CallUuid, ConnId, Dn};
use crate::kv::KvList;
use crate::switch::{LegId, TreatmentId};

mod party;

pub(crate) use party::{Asked, Party, PartyId, PartyKind, PartyStep, PartyStepEvent};

use crate::catalog::TreatmentType;
use crate::engine::Requester;

/// One call.
pub(crate) struct Call {
    pub(crate) conn_id: ConnId,
    pub(crate) uuid: CallUuid,
    /// The switch's call number (`CallID`).
    pub(crate) number: i32,
    pub(crate) call_type: CallType,
    /// Calling number.
    pub(crate) ani: String,
    /// Called number.
    pub(crate) dnis: Dn,
    /// Headers of the caller, shown in `Extensions` of the events that bring the call somewhere.
    pub(crate) headers: KvList,
    pub(crate) user_data: KvList,
    /// Present parties; the caller is the first.
    pub(crate) parties: Vec<Party>,
    /// The routing point that the call came from or is on.
    pub(crate) route: Option<Route>,
    pub(crate) route_deadline: Option<Instant>,
    /// The treatment that a client asked for.
    pub(crate) treatment: Option<RunningTreatment>,
    /// A make call whose own phone has not answered yet.
    pub(crate) making: Option<Making>,
    next_party: u32,
}

/// Where a routed call goes back to when its destination fails.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) point: Dn,
    /// How often the call was routed on or came back.
    pub(crate) attempts: u32,
}

/// A treatment that a client applied to the caller.
pub(crate) struct RunningTreatment {
    pub(crate) id: TreatmentId,
    pub(crate) treatment_type: TreatmentType,
    /// Who gets the reference id on `EventTreatmentApplied`; `None` once it was sent.
    pub(crate) asked_by: Option<Requester>,
    /// Digits that end a collection without a result.
    pub(crate) abort_digits: String,
}

/// A make call in its first step.
pub(crate) struct Making {
    pub(crate) by: Requester,
    pub(crate) reasons: Option<KvList>,
    pub(crate) extensions: Option<KvList>,
}

impl Call {
    pub(crate) fn new(conn_id: ConnId, uuid: CallUuid, number: i32, call_type: CallType) -> Self {
        Self {
            conn_id,
            uuid,
            number,
            call_type,
            ani: String::new(),
            dnis: Dn::from(""),
            headers: KvList::new(),
            user_data: KvList::new(),
            parties: Vec::new(),
            route: None,
            route_deadline: None,
            treatment: None,
            making: None,
            next_party: 0,
        }
    }

    /// Adds a party and names it.
    pub(crate) fn add(&mut self, mut party: Party) -> PartyId {
        let id = PartyId(self.next_party);
        self.next_party = self.next_party.wrapping_add(1);
        party.id = id;
        self.parties.push(party);
        id
    }

    pub(crate) fn remove(&mut self, id: PartyId) -> Option<Party> {
        let index = self.parties.iter().position(|party| party.id == id)?;
        Some(self.parties.remove(index))
    }

    pub(crate) fn party(&self, id: PartyId) -> Option<&Party> {
        self.parties.iter().find(|party| party.id == id)
    }

    pub(crate) fn party_mut(&mut self, id: PartyId) -> Option<&mut Party> {
        self.parties.iter_mut().find(|party| party.id == id)
    }

    pub(crate) fn by_leg(&self, leg: LegId) -> Option<&Party> {
        self.parties.iter().find(|party| party.leg == Some(leg))
    }

    /// The party at one of our DNs.
    pub(crate) fn at(&self, dn: &str) -> Option<&Party> {
        self.parties
            .iter()
            .find(|party| party.kind != PartyKind::Outside && party.dn.as_str() == dn)
    }

    /// The calling party.
    pub(crate) fn origin(&self) -> Option<&Party> {
        self.parties.iter().find(|party| party.is_origin())
    }

    /// The party across from `id`.
    pub(crate) fn other(&self, id: PartyId) -> Option<&Party> {
        self.parties.iter().find(|party| party.id != id)
    }
}

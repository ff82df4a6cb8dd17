//! A party of a call and the table of its states.

use std::time::Instant;

use crate::catalog::{DnRole, PartyState};
use crate::engine::{Requester, state_table};
use crate::id::Dn;
use crate::switch::LegId;

state_table! {
    /// State of a party.
    ///
    /// Spec: T-Library reference §3 (TPartyState, generic telephony)
    PartyStep {
        /// Not in the call.
        Null,
        /// Its own phone is called before it dials.
        Initiated,
        /// Waits for the other side to answer.
        Dialing,
        /// Waits at a routing point.
        Queued,
        /// Rings.
        Alerting,
        /// Talks.
        Connected,
        /// Holds the call.
        Held,
    }

    /// What changes the state of a party.
    ///
    /// Spec: T-Library reference §6.1 to §6.7
    PartyStepEvent {
        /// A client asks to make a call.
        Initiate: Null => Initiated;
        /// The phone dials.
        Dial: Null | Initiated => Dialing;
        /// The call reaches a routing point.
        Queue: Null => Queued;
        /// The call is offered to the phone.
        Alert: Null => Alerting;
        /// The call is answered.
        Establish: Dialing | Alerting => Connected;
        /// The party holds the call.
        Hold: Connected => Held;
        /// The party takes the call off hold.
        Retrieve: Held => Connected;
        /// The call is sent on from a routing point.
        Divert: Queued => Null;
        /// The caller gave up.
        Abandon: Queued | Alerting => Null;
        /// The party leaves.
        Release: Initiated | Dialing | Queued | Alerting | Connected | Held => Null;
    }
}

/// Names a party within its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PartyId(pub(crate) u32);

/// What a party is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartyKind {
    /// A phone of ours.
    Extension,
    /// A routing point of ours; has no leg of its own.
    Point,
    /// Somebody outside; nobody receives events about it.
    Outside,
}

/// The last thing asked of a party's leg, to know what a failed command was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Answer(Requester),
    Hold,
    Retrieve,
}

/// One party.
pub(crate) struct Party {
    pub(crate) id: PartyId,
    pub(crate) kind: PartyKind,
    /// DN, or the outside number.
    pub(crate) dn: Dn,
    pub(crate) role: DnRole,
    pub(crate) step: PartyStep,
    pub(crate) leg: Option<LegId>,
    /// Queue or routing point that the call came to this party from.
    pub(crate) queue: Option<Dn>,
    pub(crate) asked: Option<Asked>,
    /// Whether the leg has been answered or accepted, so that it hears media.
    pub(crate) accepted: bool,
    /// When the engine gives up on the offer by itself.
    pub(crate) offer_deadline: Option<Instant>,
    /// Whether the network's progress was reported to the caller.
    pub(crate) progressed: bool,
    /// Whether the agent counts this call as a queued one.
    pub(crate) counted: bool,
}

impl Party {
    pub(crate) fn new(kind: PartyKind, dn: Dn, role: DnRole) -> Self {
        Self {
            id: PartyId(0),
            kind,
            dn,
            role,
            step: PartyStep::Null,
            leg: None,
            queue: None,
            asked: None,
            accepted: false,
            offer_deadline: None,
            progressed: false,
            counted: false,
        }
    }

    pub(crate) fn is_origin(&self) -> bool {
        self.role == DnRole::ORIGINATION
    }

    /// Moves along the table; `false` (and no change) where the table has no row.
    pub(crate) fn step(&mut self, event: PartyStepEvent) -> bool {
        match self.step.next(event) {
            Some(next) => {
                self.step = next;
                true
            }
            None => false,
        }
    }

    /// The state that clients see in a snapshot.
    ///
    /// Spec: T-Library reference §3 (TPartyState)
    pub(crate) fn state(&self) -> PartyState {
        match self.step {
            PartyStep::Null => PartyState::NULL,
            PartyStep::Initiated => PartyState::INITIATED,
            PartyStep::Dialing => PartyState::INITIATED | PartyState::DIALING,
            PartyStep::Queued => PartyState::QUEUED | PartyState::ROUTING,
            PartyStep::Alerting => PartyState::ALERTING,
            PartyStep::Connected => PartyState::CONNECTED,
            PartyStep::Held => PartyState::HELD,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::print_table;

    #[test]
    fn the_whole_table_of_party_states_is_as_reviewed() {
        insta::assert_snapshot!(print_table!(PartyStep, PartyStepEvent));
    }

    #[test]
    fn every_party_in_a_call_can_leave_it() {
        for step in PartyStep::ALL {
            let after = step.next(PartyStepEvent::Release);
            assert_eq!(after.is_none(), *step == PartyStep::Null);
        }
    }
}

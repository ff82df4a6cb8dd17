//! What goes on at one DN: calls, the agent's state, monitoring; and the actions that follow.

use std::collections::BTreeMap;
use std::time::Instant;

use tlib::catalog::{AddressType, CallType};
use tlib::{AgentId, ConnId, Dn};

use crate::action::{Action, ActionSet};

/// Phase of a call at one DN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the phases that T-Events tell apart")]
pub enum CallPhase {
    /// Waits at a mediation DN.
    Queued,
    /// Is being placed.
    Dialing,
    /// Rings.
    Ringing,
    /// Talks.
    Established,
    /// Is on hold.
    Held,
}

/// A call at a DN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallView {
    /// The call.
    pub conn_id: ConnId,
    /// Its phase at this DN.
    pub phase: CallPhase,
    /// Its type.
    pub call_type: CallType,
    /// When the phase began.
    pub since: Instant,
}

/// State of a DN, as a query answers it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DnView {
    /// The status.
    pub status: Action,
    /// When the status began.
    pub since: Instant,
    /// Every action that goes on.
    pub actions: ActionSet,
    /// The agent who is logged in here.
    pub agent: Option<AgentId>,
    /// The calls, by connection id.
    pub calls: Vec<CallView>,
    /// Whether this is a queue, routing point or other mediation DN.
    pub mediation: bool,
}

/// State of the agent on a DN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LoginState {
    #[default]
    LoggedOut,
    LoggedIn,
    Ready,
    NotReady,
    AfterCallWork,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) phase: CallPhase,
    pub(crate) call_type: CallType,
    pub(crate) since: Instant,
}

impl Call {
    /// A call in a phase from `now` on, or from earlier if it is in that phase already.
    pub(crate) fn in_phase(
        before: Option<Self>,
        phase: CallPhase,
        call_type: CallType,
        now: Instant,
    ) -> Self {
        let since = before
            .filter(|call| call.phase == phase)
            .map_or(now, |call| call.since);
        Self {
            phase,
            call_type,
            since,
        }
    }
}

#[derive(Debug)]
pub(crate) struct DnRecord {
    pub(crate) dn: Dn,
    pub(crate) mediation: bool,
    pub(crate) registered: bool,
    pub(crate) in_service: bool,
    pub(crate) off_hook: bool,
    pub(crate) login: LoginState,
    pub(crate) agent: Option<AgentId>,
    pub(crate) calls: BTreeMap<ConnId, Call>,
    pub(crate) status: Action,
    pub(crate) since: Instant,
}

impl DnRecord {
    pub(crate) fn new(dn: Dn, now: Instant) -> Self {
        Self {
            dn,
            mediation: false,
            registered: false,
            in_service: true,
            off_hook: false,
            login: LoginState::LoggedOut,
            agent: None,
            calls: BTreeMap::new(),
            status: Action::NotMonitored,
            since: now,
        }
    }

    /// The actions that go on while the link is up (`link`).
    pub(crate) fn actions(&self, link: bool) -> ActionSet {
        if !(link && self.registered && self.in_service) {
            return ActionSet::EMPTY.with(Action::NotMonitored);
        }
        let mut actions = ActionSet::EMPTY.with(Action::Monitored);
        if self.mediation {
            return actions;
        }
        let mut in_use = self.off_hook;
        for call in self.calls.values() {
            actions.insert(call_action(call));
            in_use |= matches!(
                call.phase,
                CallPhase::Dialing | CallPhase::Established | CallPhase::Held
            );
        }
        actions.insert(if in_use { Action::OffHook } else { Action::OnHook });
        let login = match self.login {
            LoginState::LoggedOut => return actions,
            LoginState::LoggedIn => Action::LoggedIn,
            LoginState::Ready => Action::WaitForNextCall,
            LoginState::NotReady => Action::NotReadyForNextCall,
            LoginState::AfterCallWork => Action::AfterCallWork,
        };
        actions.with(Action::LoggedIn).with(login)
    }

    pub(crate) fn view(&self, link: bool) -> DnView {
        DnView {
            status: self.status,
            since: self.since,
            actions: self.actions(link),
            agent: self.agent.clone(),
            calls: self
                .calls
                .iter()
                .map(|(conn_id, call)| call.view(*conn_id))
                .collect(),
            mediation: self.mediation,
        }
    }
}

impl Call {
    pub(crate) const fn view(&self, conn_id: ConnId) -> CallView {
        CallView {
            conn_id,
            phase: self.phase,
            call_type: self.call_type,
            since: self.since,
        }
    }
}

/// The one action of a call; hold hides the established action.
///
/// Spec: statistics reference §3.3
fn call_action(call: &Call) -> Action {
    match (call.phase, call.call_type) {
        (CallPhase::Dialing, _) => Action::CallDialing,
        (CallPhase::Ringing | CallPhase::Queued, _) => Action::CallRinging,
        (CallPhase::Held, _) => Action::CallOnHold,
        (CallPhase::Established, CallType::INBOUND) => Action::CallInbound,
        (CallPhase::Established, CallType::OUTBOUND) => Action::CallOutbound,
        (CallPhase::Established, CallType::INTERNAL) => Action::CallInternal,
        (CallPhase::Established, CallType::CONSULT) => Action::CallConsult,
        (CallPhase::Established, _) => Action::CallUnknown,
    }
}

/// Whether calls only pass through an address of this type.
pub(crate) fn is_mediation(address_type: AddressType) -> bool {
    matches!(
        address_type,
        AddressType::QUEUE | AddressType::ROUTE_DN | AddressType::ROUTE_QUEUE | AddressType::ACD_GROUP
    )
}

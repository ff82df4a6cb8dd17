//! The snapshot of a DN in `Extensions` of a registration answer: an open map, read leniently.

use tlib::catalog::{AddressStatusInfoType, CallType, PartyState};
use tlib::{AgentId, ConnId, KvList, KvValue};

use crate::dn::{CallPhase, LoginState};

/// What a snapshot says; what it does not mention is absent.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) calls: Vec<(ConnId, CallPhase, CallType)>,
    pub(crate) login: LoginState,
    pub(crate) agent: Option<AgentId>,
    /// The phone is gone, although the DN is known.
    pub(crate) out_of_service: bool,
}

impl Snapshot {
    /// Reads `conn-N`, `ct-N`, `ps-N`, `AgentStatus`, `AgentID` and `DNStatus`; at most `max_calls` calls.
    ///
    /// Spec: T-Library reference §5, Extensions keys of a DN snapshot
    pub(crate) fn read(extensions: &KvList, max_calls: usize) -> Self {
        let mut snapshot = Self {
            agent: extensions
                .get_str("AgentID")
                .filter(|id| !id.is_empty())
                .map(AgentId::from),
            out_of_service: integer(extensions, "DNStatus").map(AddressStatusInfoType)
                == Some(AddressStatusInfoType::MAINTENANCE),
            ..Self::default()
        };
        snapshot.login = match integer(extensions, "AgentStatus") {
            None | Some(0) => LoginState::LoggedOut,
            Some(1) => LoginState::LoggedIn,
            Some(3) => LoginState::Ready,
            Some(4) => LoginState::AfterCallWork,
            Some(_) => LoginState::NotReady,
        };
        for pair in extensions {
            let Some(number) = pair.key.strip_prefix("conn-") else {
                continue;
            };
            let Some(conn_id) = conn_id(&pair.value) else {
                continue;
            };
            if snapshot.calls.len() >= max_calls {
                break;
            }
            let call_type = integer(extensions, &format!("ct-{number}")).unwrap_or_default();
            let state = integer(extensions, &format!("ps-{number}")).unwrap_or_default();
            snapshot.calls.push((
                conn_id,
                phase(PartyState(u32::try_from(state).unwrap_or_default())),
                CallType(call_type),
            ));
        }
        snapshot
    }
}

/// A call whose state is not told counts as established, so that its agent is not taken for free.
fn phase(state: PartyState) -> CallPhase {
    match state.telephony() {
        PartyState::INITIATED | PartyState::BUSY | PartyState::CP_DETECT | PartyState::FAILED => {
            CallPhase::Dialing
        }
        PartyState::QUEUED => CallPhase::Queued,
        PartyState::ALERTING => CallPhase::Ringing,
        PartyState::HELD => CallPhase::Held,
        _ if state.contains(PartyState::DIALING) => CallPhase::Dialing,
        _ => CallPhase::Established,
    }
}

fn conn_id(value: &KvValue) -> Option<ConnId> {
    match value {
        KvValue::Str(text) | KvValue::Unicode(text) if text.len() <= 16 => {
            u64::from_str_radix(text, 16).ok().map(ConnId)
        }
        KvValue::Binary(bytes) => bytes
            .as_ref()
            .try_into()
            .ok()
            .map(|bytes| ConnId(u64::from_be_bytes(bytes))),
        _ => None,
    }
}

fn integer(list: &KvList, key: &str) -> Option<i32> {
    match list.get(key)? {
        KvValue::Int(value) => Some(*value),
        KvValue::Str(text) | KvValue::Unicode(text) => text.trim().parse().ok(),
        _ => None,
    }
}

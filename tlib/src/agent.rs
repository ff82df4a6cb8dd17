//! The agent model: states, work modes, queues of one agent at one DN.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::catalog::AgentWorkMode;
use crate::engine::state_table;
use crate::id::{AgentId, Dn};
use crate::kv::KvList;

state_table! {
    /// State of an agent.
    ///
    /// Spec: T-Library reference §7
    AgentState {
        /// Not logged in.
        Null,
        /// Logged in, not prepared for queued calls.
        NotReady,
        /// Logged in, prepared for queued calls.
        Ready,
        /// Wrap-up, a work mode of NotReady.
        AfterCallWork,
        /// On a queued call; after it Ready.
        BusyReady,
        /// On a queued call; after it NotReady.
        BusyNotReady,
        /// On a queued call; after it AfterCallWork.
        BusyAfterCallWork,
    }

    /// What changes the state of an agent.
    ///
    /// Spec: T-Library reference §7 (triggers)
    AgentEvent {
        /// Logs in to the first queue.
        Login: Null => NotReady;
        /// Logs out of the last queue.
        Logout: NotReady | Ready | AfterCallWork | BusyReady | BusyNotReady | BusyAfterCallWork => Null;
        /// Asks for calls.
        Ready: NotReady | Ready | AfterCallWork => Ready,
            BusyReady | BusyNotReady | BusyAfterCallWork => BusyReady;
        /// Asks for no calls, or did not answer one.
        NotReady: NotReady | Ready | AfterCallWork => NotReady,
            BusyReady | BusyNotReady | BusyAfterCallWork => BusyNotReady;
        /// Asks for wrap-up.
        AfterCallWork: NotReady | Ready | AfterCallWork => AfterCallWork,
            BusyReady | BusyNotReady | BusyAfterCallWork => BusyAfterCallWork;
        /// The first queued call was answered.
        CallBegan: Ready => BusyReady, NotReady => BusyNotReady, AfterCallWork => BusyAfterCallWork;
        /// The last queued call ended and no wrap-up is configured.
        CallEnded: BusyReady => Ready, BusyNotReady => NotReady, BusyAfterCallWork => AfterCallWork;
        /// The last queued call ended and wrap-up is configured.
        CallEndedWrapUp: BusyReady | BusyAfterCallWork => AfterCallWork, BusyNotReady => NotReady;
        /// The wrap-up time is over.
        WrapUpOver: AfterCallWork => Ready;
    }
}

/// An agent who is logged in at a DN.
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) state: AgentState,
    /// Work mode of the last Ready or NotReady, as it was asked.
    pub(crate) work_mode: AgentWorkMode,
    /// Reasons of the last change.
    pub(crate) reasons: Option<KvList>,
    /// Queues logged in to; empty for a login without a queue.
    pub(crate) queues: BTreeSet<Dn>,
    /// Queued calls that the agent is on.
    pub(crate) queued_calls: u32,
    /// When the wrap-up ends.
    pub(crate) wrap_up: Option<Instant>,
}

impl Agent {
    pub(crate) fn new(id: AgentId) -> Self {
        Self {
            id,
            state: AgentState::Null,
            work_mode: AgentWorkMode::UNKNOWN,
            reasons: None,
            queues: BTreeSet::new(),
            queued_calls: 0,
            wrap_up: None,
        }
    }

    /// Moves along the table; `false` (and no change) where the table has no row.
    pub(crate) fn step(&mut self, event: AgentEvent) -> bool {
        match self.state.next(event) {
            Some(next) => {
                self.state = next;
                true
            }
            None => false,
        }
    }

    /// Value of the `AgentStatus` pair of a snapshot.
    ///
    /// Spec: T-Library reference §5 (keys of a DN snapshot)
    pub(crate) fn status(&self) -> i32 {
        match self.state {
            AgentState::Null => 0,
            AgentState::NotReady | AgentState::BusyNotReady => 2,
            AgentState::Ready | AgentState::BusyReady => 3,
            AgentState::AfterCallWork | AgentState::BusyAfterCallWork => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::print_table;

    #[test]
    fn the_whole_table_of_agent_states_is_as_reviewed() {
        insta::assert_snapshot!(print_table!(AgentState, AgentEvent));
    }

    #[test]
    fn every_state_but_null_can_be_left_by_logging_out() {
        for state in AgentState::ALL {
            let after = state.next(AgentEvent::Logout);
            assert_eq!(after.is_none(), *state == AgentState::Null);
        }
    }
}

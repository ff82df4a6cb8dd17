//! Any sequence of events keeps the invariants.

use proptest::prelude::*;
use stat::{Action, ActionSet};
use tlib::catalog::CallType;
use tlib::{AttributeId, ConnId, Message, MessageType};

use crate::Bench;

fn any_event() -> impl Strategy<Value = Message> {
    (0..MessageType::ALL.len(), 0..4_u8, 0..4_u8, 0..6_i32, 0..4_u8).prop_map(
        |(index, dn, agent, call_type, conn)| {
            let mut event = Message::new(MessageType::ALL[index])
                .with(AttributeId::THIS_DN, format!("100{dn}").as_str())
                .with(AttributeId::CALL_TYPE, CallType(call_type));
            if agent > 0 {
                event.push(AttributeId::AGENT_ID, format!("A{agent}").as_str());
            }
            if conn > 0 {
                event.push(AttributeId::CONN_ID, ConnId(u64::from(conn)));
            }
            event
        },
    )
}

proptest! {
    #[test]
    fn the_status_is_always_the_highest_current_action(events in prop::collection::vec(any_event(), 0..200)) {
        let mut bench = Bench::new();
        for event in events {
            bench.feed(1, event);
            let dns: Vec<_> = bench.tracker.dns().map(|(dn, status)| (dn.clone(), status)).collect();
            for (dn, status) in dns {
                let view = bench.tracker.dn(dn.as_str()).unwrap();
                prop_assert_eq!(Some(status), view.actions.status());
                prop_assert!(status.is_dn_action());
                prop_assert!(!view.mediation || status.is_mediation_action());
            }
            let agents: Vec<_> = bench.tracker.agents().map(|(agent, status)| (agent.clone(), status)).collect();
            for (agent, status) in agents {
                let view = bench.tracker.agent(agent.as_str()).unwrap();
                prop_assert_eq!(Some(status), view.actions.status());
                prop_assert_eq!(view.dns.is_empty(), status == Action::LoggedOut);
                let union = view
                    .dns
                    .iter()
                    .map(|dn| bench.tracker.dn(dn.as_str()).unwrap())
                    .inspect(|dn| assert_eq!(dn.agent.as_ref(), Some(&agent)))
                    .fold(ActionSet::EMPTY, |all, dn| all.union(dn.actions));
                prop_assert!(view.dns.is_empty() || union == view.actions);
            }
        }
    }
}

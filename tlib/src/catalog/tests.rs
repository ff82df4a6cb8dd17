//! Tests of the catalogue against the counts and rules of the reference.

use std::collections::BTreeSet;
use std::fmt::Debug;

use super::*;

/// Checks one open enumeration: no value and no name twice, and names lead back to their value.
macro_rules! check_table {
    ($name:ident, $rows:expr) => {{
        let values: BTreeSet<_> = $name::ALL.iter().map(|value| value.0).collect();
        assert_eq!(values.len(), $name::ALL.len(), "value twice");
        let names: BTreeSet<_> = $name::ALL.iter().map(|value| value.name()).collect();
        assert_eq!(names.len(), $name::ALL.len(), "name twice");
        for value in $name::ALL {
            let name = value.name().unwrap();
            assert_eq!($name::from_name(name), Some(*value));
            assert_eq!(format!("{value:?} {value}"), format!("{name} {name}"));
        }
        assert_eq!($name::ALL.len(), $rows, stringify!($name));
    }};
}

/// Spec: T-Library reference §1
#[test]
fn there_are_183_messages_with_ids_0_to_182() {
    check_table!(MessageType, 183);
    let ids: Vec<u16> = {
        let set: BTreeSet<u16> = MessageType::ALL.iter().map(|value| value.0).collect();
        set.into_iter().collect()
    };
    assert_eq!(ids, (0..183).collect::<Vec<u16>>());
}

/// Spec: T-Library reference §2
#[test]
fn there_are_149_attributes_with_ids_0_to_148_and_a_class_each() {
    check_table!(AttributeId, 149);
    for (index, attribute) in AttributeId::ALL.iter().enumerate() {
        assert_eq!(usize::from(attribute.0), index);
        assert!(attribute.class().is_some(), "{attribute:?}");
    }
    assert_eq!(AttributeId(149).class(), None);
}

/// Spec: T-Library reference §3
#[test]
fn every_enumeration_has_the_rows_of_the_reference() {
    check_table!(AddressType, 15);
    check_table!(ServerRole, 2);
    check_table!(CallType, 5);
    check_table!(CallState, 34);
    check_table!(AgentWorkMode, 8);
    check_table!(DnRole, 11);
    check_table!(RegisterMode, 3);
    check_table!(ControlMode, 3);
    check_table!(MakeCallType, 5);
    check_table!(MergeType, 2);
    check_table!(ForwardMode, 6);
    check_table!(TreatmentType, 19);
    check_table!(RouteType, 15);
    check_table!(XRouteType, 13);
    check_table!(MediaType, 13);
    check_table!(AddressInfoType, 19);
    check_table!(AddressStatusInfoType, 11);
    check_table!(AssociationInfoType, 4);
    check_table!(MsgWaitingInfoType, 5);
    check_table!(CallInfoType, 2);
    check_table!(SwitchInfoType, 3);
    check_table!(LocationInfoType, 8);
    check_table!(MonitorNextCallType, 2);
    check_table!(AgentType, 2);
    check_table!(InterruptFlag, 2);
    check_table!(ClearFlag, 2);
    check_table!(NetworkCallState, 8);
    check_table!(NetworkDestState, 5);
    check_table!(NetworkPartyRole, 3);
    check_table!(KvType, 5);
    check_table!(XkvType, 9);
    check_table!(OpenMode, 2);
    check_table!(ErrorCode, 22);
}

/// Spec: T-Library reference §1, spot checks against real logs
#[test]
fn ids_seen_in_real_logs_have_their_names() {
    for (id, name) in [
        (11, "RequestAgentNotReady"),
        (30, "RequestAttachUserData"),
        (87, "EventOnHook"),
    ] {
        assert_eq!(MessageType(id).name(), Some(name));
    }
}

#[test]
fn values_outside_a_table_survive_and_print_their_number() {
    fn check<T: Debug + PartialEq>(value: T, printed: &str) {
        assert_eq!(format!("{value:?}"), printed);
    }
    let unknown = MessageType::from(9000_u16);
    assert_eq!(u16::from(unknown), 9000);
    assert_eq!(unknown.name(), None);
    check(unknown, "MessageType(9000)");
    check(CallState::from(-7), "CallState(-7)");
    check(AttributeId(500), "AttributeId(500)");
    assert!(!unknown.is_request() && !unknown.is_event());
}

#[test]
fn requests_and_events_are_told_apart_by_the_table() {
    let requests = MessageType::ALL.iter().filter(|id| id.is_request()).count();
    let events = MessageType::ALL.iter().filter(|id| id.is_event()).count();
    assert_eq!(requests + events, 183);
    assert!(MessageType::REQUEST_MAKE_CALL.is_request());
    assert!(MessageType::EVENT_ACK.is_event());
}

#[test]
fn numbers_lists_and_unknown_attributes_are_personal_and_ids_are_not() {
    for personal in [
        AttributeId::ANI,
        AttributeId::THIS_DN,
        AttributeId::USER_DATA,
        AttributeId::EXTENSIONS,
        AttributeId::APPLICATION_PASSWORD,
        AttributeId(700),
    ] {
        assert!(personal.is_personal(), "{personal:?}");
    }
    for open in [
        AttributeId::CONN_ID,
        AttributeId::CALL_UUID,
        AttributeId::ERROR_MESSAGE,
        AttributeId::CALL_TYPE,
        AttributeId::INPUT_MASK,
    ] {
        assert!(!open.is_personal(), "{open:?}");
    }
}

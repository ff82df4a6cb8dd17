//! User data of calls.

use tlib::catalog::ErrorCode;
use tlib::{AttributeId as A, ClientId, KvList, Message, MessageType as M};

use super::bench::{Bench, call_request, config, pairs};

/// A call of 1001 to 1002 that both desktops see, and a supervisor at 1003.
fn talking() -> (Bench, ClientId, ClientId) {
    let mut bench = Bench::new(config());
    let first = bench.client("desktop-1001", &["1001"]);
    bench.client("desktop-1002", &["1002"]);
    let supervisor = bench.client("supervisor", &["1003"]);
    bench.at_switch(|switch, _| switch.call(Some("1001"), "1001", "1002"));
    bench.answers("1002");
    bench.clear();
    (bench, first, supervisor)
}

fn data(request: M, bench: &Bench, dn: &str, data: KvList) -> Message {
    call_request(request, dn, bench.conn_id()).with(A::USER_DATA, data)
}

// Spec: T-Library reference §6.14
#[test]
fn a_party_updates_user_data_and_every_party_learns_the_whole_list() {
    let (mut bench, first, _) = talking();
    let attach = data(
        M::REQUEST_ATTACH_USER_DATA,
        &bench,
        "1001",
        pairs(&[("Name", "Ann"), ("Tier", "1")]),
    );
    bench.request(first, attach);
    bench.clear();
    let update = data(
        M::REQUEST_UPDATE_USER_DATA,
        &bench,
        "1001",
        pairs(&[("Tier", "2"), ("Lang", "en")]),
    );
    bench.request(first, update.with(A::REASON, pairs(&[("By", "desk")])));
    insta::assert_snapshot!(bench.log());
}

// Spec: T-Library reference §6.14 (non-party)
#[test]
fn a_client_who_is_no_party_gets_a_copy_without_its_dn() {
    let (mut bench, _, supervisor) = talking();
    let update = data(
        M::REQUEST_UPDATE_USER_DATA,
        &bench,
        "1003",
        pairs(&[("Tier", "2")]),
    );
    bench.request(supervisor, update);
    insta::assert_snapshot!(bench.log());
}

// Spec: T-Library reference §4 (difference between the data requests)
#[test]
fn attach_repeats_keys_update_replaces_them_delete_removes_them() {
    let (mut bench, first, _) = talking();
    let now = |bench: &Bench| {
        let event = bench.last(M::EVENT_ATTACHED_DATA_CHANGED);
        event.message.kv(A::USER_DATA).cloned().unwrap()
    };
    for value in ["1", "2"] {
        let attach = data(
            M::REQUEST_ATTACH_USER_DATA,
            &bench,
            "1001",
            pairs(&[("k", value), ("other", "x")]),
        );
        bench.request(first, attach);
    }
    assert_eq!(
        now(&bench),
        pairs(&[("k", "1"), ("other", "x"), ("k", "2"), ("other", "x")])
    );
    let update = data(M::REQUEST_UPDATE_USER_DATA, &bench, "1001", pairs(&[("k", "3")]));
    bench.request(first, update);
    assert_eq!(now(&bench), pairs(&[("k", "3"), ("other", "x"), ("other", "x")]));
    let delete = call_request(M::REQUEST_DELETE_PAIR, "1001", bench.conn_id()).with(A::DATA_KEY, "other");
    bench.request(first, delete);
    assert_eq!(now(&bench), pairs(&[("k", "3")]));
    let delete = call_request(M::REQUEST_DELETE_USER_DATA, "1001", bench.conn_id());
    bench.request(first, delete);
    assert_eq!(now(&bench), KvList::new());
}

#[test]
fn user_data_beyond_the_limit_is_refused_and_changes_nothing() {
    let (mut bench, first, _) = talking();
    let attach = data(M::REQUEST_ATTACH_USER_DATA, &bench, "1001", pairs(&[("k", "1")]));
    bench.request(first, attach);
    let large = "x".repeat(65_536);
    let attach = data(
        M::REQUEST_ATTACH_USER_DATA,
        &bench,
        "1001",
        pairs(&[("large", &large)]),
    );
    bench.request(first, attach);
    let code = bench.last(M::EVENT_ERROR).message.int(A::ERROR_CODE);
    assert_eq!(code, Some(ErrorCode::INVALID_ATTRIBUTE.0));
    bench.hangs_up("1001");
    let released = bench.last(M::EVENT_RELEASED);
    assert_eq!(released.message.kv(A::USER_DATA), Some(&pairs(&[("k", "1")])));
}

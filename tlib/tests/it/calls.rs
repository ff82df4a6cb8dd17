//! Calls through engine, driver and client, over loopback and in process.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tlib::catalog::{CallState, CallType, TreatmentType};
use tlib::sim::{SimEndpoint, SimReply, SimSwitch};
use tlib::switch::{LegId, Switch, SwitchCommand, SwitchEvent};
use tlib::{
    AttributeId, CallControlExt, ClientConfig, ConnId, Events, KvList, Message, MessageType, ServerConfig,
    ServerHandle,
};

use crate::support::{LOOPBACK, address, engine};

/// A simulated switch that the test can reach while the server owns it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<(SimSwitch, Option<Waker>)>>);

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut SimSwitch) -> T) -> T {
        let mut inner = self.0.lock().unwrap();
        let result = act(&mut inner.0);
        if let Some(waker) = inner.1.take() {
            waker.wake();
        }
        result
    }

    fn call(&self, from: &str, to: &str) -> LegId {
        self.with(|switch| switch.call(None, from, to))
    }
}

impl Switch for Shared {
    fn handle_command(&mut self, now: Instant, command: SwitchCommand) {
        self.0.lock().unwrap().0.handle_command(now, command);
    }

    fn poll_event(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<SwitchEvent> {
        let mut inner = self.0.lock().unwrap();
        let polled = inner.0.poll_event(now, cx);
        inner.1 = Some(cx.waker().clone());
        polled
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.0.lock().unwrap().0.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.0.lock().unwrap().0.poll_timeout()
    }
}

/// A server with phones 1001 (takes calls as `first` says) and 1002 (rings).
async fn server(first: SimReply) -> (ServerHandle, Shared) {
    let shared = Shared::default();
    shared.with(|switch| {
        switch.add("1001", SimEndpoint::new(first));
        switch.add("1002", SimEndpoint::new(SimReply::Rings));
    });
    let server = ServerConfig::listening(LOOPBACK)
        .start(engine(), Box::new(shared.clone()))
        .await
        .unwrap();
    (server, shared)
}

/// The next event about a call.
async fn call_event(events: &mut Events) -> Arc<Message> {
    loop {
        let event = events.next().await.unwrap();
        if event.conn_id().is_some() {
            return event;
        }
    }
}

/// The next events about calls, as type and DN, up to and with the one that is named last.
async fn flow(events: &mut Events, last: (MessageType, &str)) -> Vec<(MessageType, String)> {
    let mut flow = Vec::new();
    loop {
        let event = call_event(events).await;
        let dn = event.this_dn().unwrap_or("-").to_owned();
        let end = (event.message_type, dn.as_str()) == last;
        flow.push((event.message_type, dn));
        if end {
            return flow;
        }
    }
}

/// Spec: T-Library reference §6.1
#[tokio::test]
async fn a_call_between_two_phones_is_made_answered_and_released_over_the_network() {
    let (server, _shared) = server(SimReply::Rings).await;
    let (client, mut events) = ClientConfig::new(address(&server), "desk").build();
    client.connect().await.unwrap();
    client.register_address("1001").await.unwrap();
    client.register_address("1002").await.unwrap();
    let data = KvList::new().with("Segment", "gold");
    let dialing = client.make_call("1001", "1002", data.clone()).await.unwrap();
    assert_eq!(dialing.message_type, MessageType::EVENT_DIALING);
    assert_eq!(dialing.call_type(), Some(CallType::INTERNAL));
    let conn = dialing.conn_id().unwrap();
    let ringing = loop {
        let event = call_event(&mut events).await;
        if event.message_type == MessageType::EVENT_RINGING && event.this_dn() == Some("1002") {
            break event;
        }
    };
    assert_eq!(ringing.user_data(), Some(&data));
    assert_eq!(ringing.reference_id(), None);
    let answered = client.answer_call("1002", conn).await.unwrap();
    assert_eq!(answered.message_type, MessageType::EVENT_ESTABLISHED);
    let held = client.hold_call("1002", conn).await.unwrap();
    assert_eq!(held.message_type, MessageType::EVENT_HELD);
    let retrieved = client.retrieve_call("1002", conn).await.unwrap();
    assert_eq!(retrieved.message_type, MessageType::EVENT_RETRIEVED);
    let released = client.release_call("1001", conn).await.unwrap();
    assert_eq!(released.message_type, MessageType::EVENT_RELEASED);
    assert_eq!(released.call_state(), Some(CallState::OK));
    let flow = flow(&mut events, (MessageType::EVENT_RELEASED, "1002")).await;
    let tail: Vec<_> = flow.iter().rev().take(2).map(|(_, dn)| dn.as_str()).collect();
    assert_eq!(tail, ["1002", "1001"], "{flow:?}");
    assert_eq!(server.engine_stats().await.unwrap().calls, 0);
}

/// Spec: T-Library reference §6.3, §6.12, §6.14
#[tokio::test]
async fn a_router_in_process_treats_and_routes_a_caller_whom_a_desk_on_the_network_answers() {
    let (server, shared) = server(SimReply::Rings).await;
    let (desk, mut desk_events) = ClientConfig::new(address(&server), "desk").build();
    desk.connect().await.unwrap();
    desk.register_address("1001").await.unwrap();
    let (router, mut router_events) = server.connect_local("router").await.unwrap();
    router.register_address("8000").await.unwrap();

    let caller = shared.call("0301234567", "8000");
    let queued = call_event(&mut router_events).await;
    assert_eq!(queued.message_type, MessageType::EVENT_QUEUED);
    let asked = call_event(&mut router_events).await;
    assert_eq!(asked.message_type, MessageType::EVENT_ROUTE_REQUEST);
    assert_eq!(asked.ani(), Some("0301234567"));
    let conn = asked.conn_id().unwrap();
    let applied = router
        .apply_treatment("8000", conn, TreatmentType::MUSIC, KvList::new())
        .await
        .unwrap();
    assert_eq!(applied.message_type, MessageType::EVENT_TREATMENT_APPLIED);
    let data = KvList::new().with("Choice", "1");
    let changed = router.attach_user_data("8000", conn, data.clone()).await.unwrap();
    assert_eq!(changed.message_type, MessageType::EVENT_ATTACHED_DATA_CHANGED);
    let used = router.route_call("8000", conn, "1001").await.unwrap();
    assert_eq!(used.message_type, MessageType::EVENT_ROUTE_USED);

    let ringing = call_event(&mut desk_events).await;
    assert_eq!(ringing.message_type, MessageType::EVENT_RINGING);
    assert_eq!(ringing.call_type(), Some(CallType::INBOUND));
    assert_eq!(ringing.user_data(), Some(&data));
    desk.answer_call("1001", conn).await.unwrap();
    let established = call_event(&mut desk_events).await;
    assert_eq!(established.message_type, MessageType::EVENT_ESTABLISHED);
    shared.with(|switch| switch.hang_up(caller));
    let released = call_event(&mut desk_events).await;
    assert_eq!(released.message_type, MessageType::EVENT_RELEASED);
    assert_eq!(released.conn_id(), Some(conn));
}

#[tokio::test]
async fn a_caller_who_gives_up_while_it_rings_is_abandoned_at_the_desk() {
    let (server, shared) = server(SimReply::Rings).await;
    let (desk, mut events) = ClientConfig::new(address(&server), "desk").build();
    desk.connect().await.unwrap();
    desk.register_address("1001").await.unwrap();
    let caller = shared.call("0301234567", "1001");
    let ringing = call_event(&mut events).await;
    assert_eq!(ringing.message_type, MessageType::EVENT_RINGING);
    shared.with(|switch| switch.hang_up(caller));
    let abandoned = call_event(&mut events).await;
    assert_eq!(abandoned.message_type, MessageType::EVENT_ABANDONED);
}

#[tokio::test]
async fn a_refused_call_request_names_the_reason_to_the_caller() {
    let (server, _shared) = server(SimReply::Rings).await;
    let (desk, _events) = ClientConfig::new(address(&server), "desk").build();
    desk.connect().await.unwrap();
    desk.register_address("1001").await.unwrap();
    let refused = desk.answer_call("1001", ConnId(42)).await.unwrap_err();
    assert!(refused.to_string().starts_with("refused with code "), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn the_driver_follows_a_paused_clock() {
    let shared = Shared::default();
    shared.with(|switch| {
        switch.add("1001", SimEndpoint::new(SimReply::Rings));
        switch.add("1002", SimEndpoint::answers_after(Duration::from_secs(5)));
    });
    let server = ServerConfig::default()
        .start(engine(), Box::new(shared))
        .await
        .unwrap();
    let (client, mut events) = server.connect_local("test").await.unwrap();
    client.register_address("1002").await.unwrap();
    client.register_address("1001").await.unwrap();
    client.make_call("1001", "1002", KvList::new()).await.unwrap();
    let mut rung = None;
    let micros = |event: &Message| {
        let seconds = i64::from(event.int(AttributeId::TIME_IN_SECS).unwrap());
        seconds * 1_000_000 + i64::from(event.int(AttributeId::TIME_IN_USECS).unwrap())
    };
    loop {
        let event = call_event(&mut events).await;
        if event.this_dn() != Some("1002") {
            continue;
        }
        match event.message_type {
            MessageType::EVENT_RINGING => rung = Some(micros(&event)),
            MessageType::EVENT_ESTABLISHED => {
                let waited = micros(&event) - rung.unwrap();
                // The runtime's timers count milliseconds.
                assert!((5_000_000..5_005_000).contains(&waited), "{waited}");
                return;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_one_after_the_other_leave_nothing_behind_on_many_threads() {
    let shared = Shared::default();
    shared.with(|switch| {
        switch.add("1001", SimEndpoint::answers_after(Duration::ZERO));
        switch.add("1002", SimEndpoint::answers_after(Duration::ZERO));
    });
    let server = ServerConfig::listening(LOOPBACK)
        .start(engine(), Box::new(shared.clone()))
        .await
        .unwrap();
    let (client, mut events) = ClientConfig::new(address(&server), "desk").build();
    client.connect().await.unwrap();
    client.register_address("1001").await.unwrap();
    client.register_address("1002").await.unwrap();
    let mut last = 0;
    for _ in 0..100 {
        let call = client.make_call("1001", "1002", KvList::new()).await.unwrap();
        let conn = call.conn_id().unwrap();
        let mut established = 0;
        while established < 2 {
            let event = call_event(&mut events).await;
            assert_eq!(event.conn_id(), Some(conn));
            let number = event.long(AttributeId::EVENT_SEQUENCE_NUMBER).unwrap();
            assert!(number > last, "{number} after {last}");
            last = number;
            established += usize::from(event.message_type == MessageType::EVENT_ESTABLISHED);
        }
        client.release_call("1002", conn).await.unwrap();
        let mut released = 0;
        while released < 2 {
            let event = call_event(&mut events).await;
            last = event.long(AttributeId::EVENT_SEQUENCE_NUMBER).unwrap();
            released += usize::from(event.message_type == MessageType::EVENT_RELEASED);
        }
    }
    let stats = server.engine_stats().await.unwrap();
    assert_eq!((stats.calls, stats.legs, stats.calls_created_total), (0, 0, 100));
    shared.with(|switch| assert_eq!(switch.legs(), 0));
}

//! A server among clients that are broken, slow, or not clients at all.

use std::time::Duration;

use tlib::catalog::{AgentWorkMode, ErrorCode};
use tlib::control::request;
use tlib::{
    AttributeId, CallControlExt, ClientConfig, KvList, Message, MessageType, ReferenceId, ServerConfig,
};

use crate::support::{LOOPBACK, RawPeer, address, frame, hello, server};

/// SplitMix64: a small generator with a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// A stream of one or two frames with a fault.
fn malformed(random: &mut Random) -> Vec<u8> {
    let request = Message::new(MessageType::REQUEST_ATTACH_USER_DATA)
        .with(AttributeId::REFERENCE_ID, ReferenceId(1))
        .with(AttributeId::THIS_DN, "1001")
        .with(AttributeId::CONN_ID, 7_i64)
        .with(
            AttributeId::USER_DATA,
            KvList::new()
                .with("a", "text")
                .with("b", KvList::new().with("c", 1)),
        );
    let mut bytes = if random.below(4) == 0 {
        Vec::new()
    } else {
        hello().to_vec()
    };
    let start = bytes.len();
    bytes.extend_from_slice(&frame(&request));
    match random.below(4) {
        0 => bytes.truncate(start + random.below(bytes.len() - start)),
        1 => bytes.truncate(start),
        _ => {
            for _ in 0..=random.below(4) {
                let at = start + random.below(bytes.len() - start);
                bytes[at] = random.byte();
            }
        }
    }
    if random.below(4) < 2 {
        for _ in 0..random.below(200) {
            bytes.push(random.byte());
        }
    }
    bytes
}

#[tokio::test]
async fn a_thousand_malformed_or_truncated_streams_leave_the_server_serving() {
    let server = server(ServerConfig::listening(LOOPBACK)).await;
    let (client, _events) = ClientConfig::new(address(&server), "desk").build();
    client.connect().await.unwrap();
    let mut random = Random(20);
    for _ in 0..1000 {
        let mut peer = RawPeer::connect(&server).await;
        peer.write(&malformed(&mut random)).await;
        peer.finish().await;
    }
    client.register_address("1001").await.unwrap();
    let (late, _late_events) = ClientConfig::new(address(&server), "late").build();
    late.connect().await.unwrap();
    late.register_address("1001").await.unwrap();
    drop((client, late));
    server.shutdown().await;
    let stats = server.stats();
    assert_eq!((stats.connections_total, stats.connections_now), (1002, 0));
    assert!(stats.malformed_total > 300, "{stats:?}");
    assert!(stats.handshakes_failed_total > 100, "{stats:?}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected_and_the_others_are_not_held_up() {
    let server = server(ServerConfig::listening(LOOPBACK).with_client_queue(16)).await;
    let mut slow = RawPeer::connect(&server).await;
    slow.write(&hello()).await;
    assert!(slow.receive().await.is_some());
    slow.send(&request::register_address("1001")).await;
    assert!(slow.receive().await.is_some());

    let (client, mut events) = server.connect_local("busy").await.unwrap();
    client.register_address("1001").await.unwrap();
    client.agent_login("1001", "7", None).await.unwrap();
    let reasons = KvList::new().with("why", "x".repeat(30_000));
    let mut requests = 0;
    while server.stats().slow_clients_total == 0 {
        requests += 1;
        assert!(requests < 20_000, "the slow client is still there");
        client
            .agent_not_ready("1001", AgentWorkMode::AUX_WORK, reasons.clone())
            .await
            .unwrap();
        while events.try_next().is_some() {}
        // The connection's task needs its turn, too.
        tokio::task::yield_now().await;
    }
    // The events that were on their way come whole and in order, then the end.
    let mut received = 0;
    while let Some(event) = slow.receive().await {
        received += usize::from(event.message_type == MessageType::EVENT_AGENT_NOT_READY);
    }
    assert!(received > 0 && received <= requests, "{received}");
    client.agent_logout("1001", None).await.unwrap();
    assert_eq!(server.engine_stats().await.unwrap().clients, 1);
    server.shutdown().await;
    assert_eq!(server.stats().connections_now, 0);
}

#[tokio::test]
async fn another_first_message_is_refused_with_an_answer() {
    let server = server(ServerConfig::listening(LOOPBACK)).await;
    let mut peer = RawPeer::connect(&server).await;
    let early = request::register_address("1001").with(AttributeId::REFERENCE_ID, ReferenceId(5));
    peer.send(&early).await;
    let answer = peer.receive().await.unwrap();
    assert_eq!(answer.message_type, MessageType::EVENT_ERROR);
    assert_eq!(answer.reference_id(), Some(ReferenceId(5)));
    assert_eq!(answer.error_code(), Some(ErrorCode::INVALID_STATE));
    assert_eq!(peer.receive().await, None);
    server.shutdown().await;
    assert_eq!(server.stats().handshakes_failed_total, 1);
}

#[tokio::test]
async fn other_protocols_and_silence_are_turned_away() {
    let config = ServerConfig::listening(LOOPBACK).with_handshake_timeout(Duration::from_millis(50));
    let server = server(config).await;
    let mut browser = RawPeer::connect(&server).await;
    browser.write(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(browser.receive().await, None);
    let mut silent = RawPeer::connect(&server).await;
    assert_eq!(silent.receive().await, None);
    let mut half = RawPeer::connect(&server).await;
    half.write(&hello()[..30]).await;
    assert_eq!(half.receive().await, None);
    server.shutdown().await;
    let stats = server.stats();
    assert_eq!((stats.handshakes_failed_total, stats.malformed_total), (3, 0));
}

#[tokio::test]
async fn a_connection_that_is_not_registered_holds_little_memory() {
    let server = server(ServerConfig::listening(LOOPBACK)).await;
    let mut peer = RawPeer::connect(&server).await;
    let large = request::register_client(&"x".repeat(900_000), None);
    // The server may close before everything is written.
    peer.write_some(&frame(&large)).await;
    assert_eq!(peer.receive().await, None);
    server.shutdown().await;
    let stats = server.stats();
    assert_eq!((stats.handshakes_failed_total, stats.malformed_total), (1, 0));
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_at_once_and_counted() {
    let server = server(ServerConfig::listening(LOOPBACK).with_max_connections(1)).await;
    let (client, _events) = ClientConfig::new(address(&server), "desk").build();
    client.connect().await.unwrap();
    let mut second = RawPeer::connect(&server).await;
    assert_eq!(second.receive().await, None);
    assert_eq!(server.stats().connections_refused_total, 1);
    assert!(client.register_address("1001").await.is_ok());
}

#[tokio::test]
async fn settings_outside_their_range_are_refused() {
    let base = || ServerConfig::listening(LOOPBACK);
    for (config, text) in [
        (base().with_client_queue(15), "client_queue must be 16 to 1048576"),
        (base().with_input_queue(0), "input_queue must be at least 1"),
        (
            base().with_max_connections(0),
            "max_connections must be at least 1",
        ),
        (base().with_codecs(Vec::new()), "codecs must be at least one"),
        (
            base().with_handshake_timeout(Duration::ZERO),
            "handshake_timeout must be more than 0",
        ),
    ] {
        let started = config
            .start(crate::support::engine(), Box::new(crate::support::QuietSwitch))
            .await;
        assert_eq!(started.unwrap_err().to_string(), text);
    }
}

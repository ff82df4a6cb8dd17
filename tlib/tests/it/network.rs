//! Server and client over real loopback sockets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tlib::catalog::{AddressInfoType, AddressType, AgentWorkMode, ErrorCode};
use tlib::client::ConnectError;
use tlib::control::request;
use tlib::{
    AttributeId, CallControl, CallControlExt, ClientConfig, KvList, Message, MessageType, ReferenceId,
    RequestError, ServerConfig, ServerHandle,
};
use tokio::net::TcpListener;

use crate::support::{LOOPBACK, RawPeer, address, expect, hello, server};

#[tokio::test]
async fn a_client_connects_registers_and_gets_answers_and_events_in_order() {
    let server = server(ServerConfig::listening(LOOPBACK)).await;
    let (client, mut events) = ClientConfig::new(address(&server), "desk").build();
    assert!(!client.is_connected());
    let answer = client.connect().await.unwrap();
    assert_eq!(answer.message_type, MessageType::EVENT_LINK_CONNECTED);
    let registered = client.register_address("1001").await.unwrap();
    assert_eq!(registered.this_dn(), Some("1001"));
    let info = client
        .query_address("1001", AddressType::DN, AddressInfoType::DN_STATUS)
        .await
        .unwrap();
    assert_eq!(info.message_type, MessageType::EVENT_ADDRESS_INFO);

    expect(&mut events, MessageType::EVENT_SERVER_CONNECTED).await;
    let link = expect(&mut events, MessageType::EVENT_LINK_CONNECTED).await;
    assert_eq!(link.reference_id(), Some(ReferenceId(1)));
    assert_eq!(link.attributes()[0].id, AttributeId::REFERENCE_ID);
    let seen = expect(&mut events, MessageType::EVENT_REGISTERED).await;
    assert_eq!(seen, registered);
    expect(&mut events, MessageType::EVENT_ADDRESS_INFO).await;

    client.disconnect().await;
    let last = expect(&mut events, MessageType::EVENT_SERVER_DISCONNECTED).await;
    assert_eq!(last.error_code(), Some(ErrorCode::CONNECTION_CLOSED));
    assert_eq!(last.error_message(), Some("closed by the application"));
    drop(client);
    assert_eq!(events.next().await, None);
    server.shutdown().await;
    let stats = server.stats();
    assert_eq!((stats.connections_now, stats.connections_total), (0, 1));
    assert_eq!((stats.messages_received_total, stats.messages_sent_total), (3, 3));
}

#[tokio::test]
async fn a_refusal_is_an_error_with_the_code_of_the_server() {
    let server = server(ServerConfig::listening(LOOPBACK)).await;
    let (client, _events) = ClientConfig::new(address(&server), "desk").build();
    client.connect().await.unwrap();
    let error = client.register_address("4711").await.unwrap_err();
    let RequestError::Refused { code, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(code, ErrorCode::DN_NOT_CONFIGURED);
}

#[tokio::test]
async fn only_the_asking_client_gets_the_reference_id_on_the_network_and_in_process() {
    let server = server(ServerConfig::listening(LOOPBACK)).await;
    let (remote, mut remote_events) = ClientConfig::new(address(&server), "remote").build();
    remote.connect().await.unwrap();
    remote.register_address("1001").await.unwrap();
    expect(&mut remote_events, MessageType::EVENT_SERVER_CONNECTED).await;
    expect(&mut remote_events, MessageType::EVENT_LINK_CONNECTED).await;
    expect(&mut remote_events, MessageType::EVENT_REGISTERED).await;
    let (local, mut local_events) = server.connect_local("local").await.unwrap();
    local.register_address("1001").await.unwrap();
    expect(&mut local_events, MessageType::EVENT_SERVER_CONNECTED).await;
    expect(&mut local_events, MessageType::EVENT_LINK_CONNECTED).await;
    expect(&mut local_events, MessageType::EVENT_REGISTERED).await;

    let login = local.agent_login("1001", "agent-7", None).await.unwrap();
    let asked = expect(&mut local_events, MessageType::EVENT_AGENT_LOGIN).await;
    assert_eq!(asked, login);
    assert_eq!(asked.reference_id(), Some(ReferenceId(3)));
    let seen = expect(&mut remote_events, MessageType::EVENT_AGENT_LOGIN).await;
    assert_eq!(seen.reference_id(), None);
    assert_eq!(seen.agent_id(), Some("agent-7"));
    assert_eq!(&seen.attributes(), &&asked.attributes()[1..]);

    let reasons = KvList::new().with("Lunch", "soup");
    remote
        .agent_not_ready("1001", AgentWorkMode::AUX_WORK, reasons.clone())
        .await
        .unwrap();
    loop {
        let event = local_events.next().await.unwrap();
        if event.reasons() == Some(&reasons) {
            assert_eq!(event.message_type, MessageType::EVENT_AGENT_NOT_READY);
            assert_eq!(event.reference_id(), None);
            break;
        }
    }
    drop(local);
    drop(remote);
    server.shutdown().await;
    assert_eq!(server.stats().local_clients_now, 0);
}

/// What every implementation of `CallControl` does.
async fn keep_the_contract(client: Arc<dyn CallControl>, server: ServerHandle) {
    // Answers find their requests, also when many wait and when the caller chose a reference id.
    let mut asked = Vec::new();
    for number in 0..50_u32 {
        let client = Arc::clone(&client);
        asked.push(tokio::spawn(async move {
            let dn = if number % 2 == 0 { "1001" } else { "1002" };
            let message = request::query_address(dn, AddressType::DN, AddressInfoType::DN_STATUS)
                .with(AttributeId::REFERENCE_ID, ReferenceId(1));
            let info = client.request(message).await.unwrap();
            assert_eq!(info.message_type, MessageType::EVENT_ADDRESS_INFO);
            assert_eq!(info.this_dn(), Some(dn));
            info.reference_id().unwrap()
        }));
    }
    let mut references = BTreeSet::new();
    for task in asked {
        references.insert(task.await.unwrap());
    }
    assert_eq!(references.len(), 50);
    // Refusals carry the code and the text of the server.
    let refused = client.register_address("4711").await;
    assert!(
        matches!(&refused, Err(RequestError::Refused { code: ErrorCode::DN_NOT_CONFIGURED, text }) if !text.is_empty()),
        "{refused:?}"
    );
    // A message that wants no answer is handled, too.
    client
        .send(request::register_address("1001").with(AttributeId::REFERENCE_ID, ReferenceId::NO_ANSWER))
        .await
        .unwrap();
    client.agent_login("1001", "7", None).await.unwrap();
    // Without a server there is an error, not a wait; the first request may still be under way.
    server.shutdown().await;
    let gone = Err(RequestError::Disconnected);
    assert_eq!(client.register_address("1001").await, gone);
    assert_eq!(
        client.send(request::query_server()).await,
        Err(RequestError::Disconnected)
    );
}

#[tokio::test]
async fn the_network_client_keeps_the_contract() {
    let server = server(ServerConfig::listening(LOOPBACK)).await;
    let (client, mut events) = ClientConfig::new(address(&server), "remote").build();
    client.connect().await.unwrap();
    keep_the_contract(Arc::new(client.clone()), server).await;
    while let Some(event) = events.try_next() {
        if event.message_type == MessageType::EVENT_SERVER_DISCONNECTED {
            assert!(!client.is_connected());
            return;
        }
    }
    panic!("the end was not reported");
}

#[tokio::test]
async fn the_in_process_client_keeps_the_contract() {
    let server = server(ServerConfig::default()).await;
    let (client, _events) = server.connect_local("local").await.unwrap();
    keep_the_contract(Arc::new(client), server).await;
}

#[tokio::test]
async fn a_server_that_stops_tells_its_clients_and_a_later_one_can_be_joined() {
    let first = server(ServerConfig::listening(LOOPBACK)).await;
    let bound = first.local_addr().unwrap();
    let (client, mut events) = ClientConfig::new(bound.to_string(), "desk").build();
    client.connect().await.unwrap();
    let again = client.connect().await;
    assert!(matches!(again, Err(ConnectError::AlreadyConnected)));
    let (local, mut local_events) = first.connect_local("local").await.unwrap();
    first.shutdown().await;
    loop {
        let event = events.next().await.unwrap();
        if event.message_type == MessageType::EVENT_SERVER_DISCONNECTED {
            assert_eq!(event.error_message(), Some("closed by the server"));
            break;
        }
    }
    loop {
        let event = local_events.next().await.unwrap();
        if event.message_type == MessageType::EVENT_SERVER_DISCONNECTED {
            break;
        }
    }
    let gone = Err(RequestError::Disconnected);
    assert_eq!(client.register_address("1001").await, gone);
    assert_eq!(local.register_address("1001").await, gone);
    assert!(first.connect_local("late").await.is_err());
    assert!(first.engine_stats().await.is_none());

    let second = server(ServerConfig::listening(bound)).await;
    client.connect().await.unwrap();
    expect(&mut events, MessageType::EVENT_SERVER_CONNECTED).await;
    assert!(client.register_address("1001").await.is_ok());
    assert_eq!(second.engine_stats().await.unwrap().clients, 1);
}

#[tokio::test]
async fn dropping_the_handle_stops_the_server() {
    let server = server(ServerConfig::listening(LOOPBACK)).await;
    let (client, mut events) = ClientConfig::new(address(&server), "desk").build();
    client.connect().await.unwrap();
    drop(server);
    while let Some(event) = events.next().await {
        if event.message_type == MessageType::EVENT_SERVER_DISCONNECTED {
            return;
        }
    }
    panic!("the stream ended without a word");
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_it() {
    let server = server(ServerConfig::listening(LOOPBACK)).await;
    let bound = server.local_addr().unwrap();
    let error = ServerConfig::listening(bound)
        .start(crate::support::engine(), Box::new(crate::support::QuietSwitch))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {bound}"));
}

/// A server that answers the registration and does what the test says.
async fn scripted() -> (TcpListener, String) {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

async fn accept(listener: &TcpListener) -> RawPeer {
    let mut peer = RawPeer::new(listener.accept().await.unwrap().0);
    let hello = peer.receive().await.unwrap();
    assert_eq!(hello.application_name(), Some("desk"));
    let reference = hello.reference_id().unwrap();
    let answer = Message::new(MessageType::EVENT_LINK_CONNECTED).with(AttributeId::REFERENCE_ID, reference);
    peer.send(&answer).await;
    peer
}

#[tokio::test]
async fn a_client_that_does_not_read_its_events_is_told_so_and_may_come_back() {
    let (listener, address) = scripted().await;
    let (client, mut events) = ClientConfig::new(address, "desk").with_event_queue(16).build();
    let (connected, mut peer) = tokio::join!(client.connect(), accept(&listener));
    connected.unwrap();
    for number in 0..100 {
        let event = Message::new(MessageType::EVENT_USER_EVENT).with(AttributeId::CALL_ID, number);
        peer.send(&event).await;
    }
    assert_eq!(peer.receive().await, None);
    assert!(matches!(
        client.connect().await,
        Err(ConnectError::EventQueueFull)
    ));

    expect(&mut events, MessageType::EVENT_SERVER_CONNECTED).await;
    expect(&mut events, MessageType::EVENT_LINK_CONNECTED).await;
    for number in 0..14 {
        let event = expect(&mut events, MessageType::EVENT_USER_EVENT).await;
        assert_eq!(event.int(AttributeId::CALL_ID), Some(number));
    }
    let last = expect(&mut events, MessageType::EVENT_SERVER_DISCONNECTED).await;
    assert_eq!(last.error_code(), Some(ErrorCode::NO_QUEUE));
    let (connected, _peer) = tokio::join!(client.connect(), accept(&listener));
    connected.unwrap();
}

#[tokio::test]
async fn a_dropped_request_leaves_its_late_answer_to_the_stream() {
    let (listener, address) = scripted().await;
    let (client, mut events) = ClientConfig::new(address, "desk").build();
    let (connected, mut peer) = tokio::join!(client.connect(), accept(&listener));
    connected.unwrap();
    let message = Message::new(MessageType::REQUEST_QUERY_SERVER);
    let late = tokio::select! {
        _ = client.request(message) => panic!("nobody has answered"),
        request = peer.receive() => request.unwrap().reference_id().unwrap(),
    };
    let answer = Message::new(MessageType::EVENT_SERVER_INFO).with(AttributeId::REFERENCE_ID, late);
    peer.send(&answer).await;
    expect(&mut events, MessageType::EVENT_SERVER_CONNECTED).await;
    expect(&mut events, MessageType::EVENT_LINK_CONNECTED).await;
    let seen = expect(&mut events, MessageType::EVENT_SERVER_INFO).await;
    assert_eq!(seen.reference_id(), Some(late));
}

#[tokio::test]
async fn a_message_beyond_the_limits_is_refused_and_the_connection_goes_on() {
    let server = server(ServerConfig::listening(LOOPBACK)).await;
    let (client, _events) = ClientConfig::new(address(&server), "desk").build();
    client.connect().await.unwrap();
    let huge = Message::new(MessageType::REQUEST_QUERY_SERVER).with(AttributeId::ANI, "1".repeat(2 << 20));
    for result in [
        client.request(huge.clone()).await.map(drop),
        client.send(huge).await,
    ] {
        assert!(matches!(result, Err(RequestError::Encode(_))), "{result:?}");
    }
    assert!(client.register_address("1001").await.is_ok());
}

#[tokio::test]
async fn a_malformed_frame_from_the_server_ends_the_connection_with_the_reason() {
    let (listener, address) = scripted().await;
    let (client, mut events) = ClientConfig::new(address, "desk").build();
    let (connected, mut peer) = tokio::join!(client.connect(), accept(&listener));
    connected.unwrap();
    peer.write(b"HTTP/1.1 200 OK\r\n").await;
    expect(&mut events, MessageType::EVENT_SERVER_CONNECTED).await;
    expect(&mut events, MessageType::EVENT_LINK_CONNECTED).await;
    let last = expect(&mut events, MessageType::EVENT_SERVER_DISCONNECTED).await;
    assert_eq!(last.error_code(), Some(ErrorCode::PROTOCOL_ERROR));
    assert_eq!(peer.receive().await, None);
}

#[tokio::test]
async fn a_server_that_never_answers_the_registration_is_given_up() {
    let (listener, address) = scripted().await;
    let (client, _events) = ClientConfig::new(address.clone(), "desk")
        .with_connect_timeout(Duration::from_millis(100))
        .build();
    let connected = client.connect().await;
    assert!(
        matches!(&connected, Err(ConnectError::Timeout { address: named }) if *named == address),
        "{connected:?}"
    );
    // The connection is closed: the peer reads the registration and then the end.
    let mut peer = RawPeer::new(listener.accept().await.unwrap().0);
    assert!(peer.receive().await.is_some());
    assert_eq!(peer.receive().await, None);
    assert!(!client.is_connected());
}

#[tokio::test]
async fn a_refused_registration_closes_the_connection_and_the_next_one_is_its_own() {
    let (listener, address) = scripted().await;
    let (client, mut events) = ClientConfig::new(address, "desk").build();
    let refuse = async {
        let mut peer = RawPeer::new(listener.accept().await.unwrap().0);
        let hello = peer.receive().await.unwrap();
        let answer = Message::new(MessageType::EVENT_ERROR)
            .with(AttributeId::REFERENCE_ID, hello.reference_id().unwrap())
            .with(AttributeId::ERROR_CODE, ErrorCode::NO_MORE_LICENSES);
        peer.send(&answer).await;
        peer
    };
    let (refused, mut old) = tokio::join!(client.connect(), refuse);
    let Err(ConnectError::Register(RequestError::Refused { code, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(code, ErrorCode::NO_MORE_LICENSES);
    // At once, while the first connection is still closing.
    let (connected, mut peer) = tokio::join!(client.connect(), accept(&listener));
    connected.unwrap();
    assert_eq!(old.receive().await, None);
    let answer = async {
        let request = peer.receive().await.unwrap();
        let answer = Message::new(MessageType::EVENT_SERVER_INFO)
            .with(AttributeId::REFERENCE_ID, request.reference_id().unwrap());
        peer.send(&answer).await;
    };
    let (info, ()) = tokio::join!(client.request(request::query_server()), answer);
    assert!(info.is_ok());
    for kind in [
        MessageType::EVENT_SERVER_CONNECTED,
        MessageType::EVENT_ERROR,
        MessageType::EVENT_SERVER_DISCONNECTED,
        MessageType::EVENT_SERVER_CONNECTED,
        MessageType::EVENT_LINK_CONNECTED,
        MessageType::EVENT_SERVER_INFO,
    ] {
        expect(&mut events, kind).await;
    }
}

#[tokio::test]
async fn nobody_there_is_an_error_with_the_address() {
    let (listener, address) = scripted().await;
    drop(listener);
    let (client, _events) = ClientConfig::new(address.clone(), "desk").build();
    let error = client.connect().await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot connect to {address}"));
}

#[tokio::test]
async fn a_frame_with_a_wrong_sequence_number_ends_the_connection() {
    use tlib::codec::{FrameHead, Tlx1, WireCodec};
    let server = server(ServerConfig::listening(LOOPBACK)).await;
    let mut peer = RawPeer::connect(&server).await;
    peer.write(&hello()).await;
    assert!(peer.receive().await.is_some());
    let head = FrameHead {
        reference: None,
        sequence: 7,
    };
    let mut bytes = bytes::BytesMut::new();
    let query = request::query_server();
    Tlx1::default().encode(head, &query, &mut bytes).unwrap();
    peer.write(&bytes).await;
    assert_eq!(peer.receive().await, None);
    server.shutdown().await;
    assert_eq!(server.stats().malformed_total, 1);
}

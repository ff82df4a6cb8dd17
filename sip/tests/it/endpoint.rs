//! The driver on real sockets of the loopback interface.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{Endpoint, EndpointConfig, EndpointEvent, EndpointEvents, EndpointHandle};
use sip::header::{HeaderName, NameAddr};
use sip::status::StatusCode;
use sip::transport::Destination;
use sip::ua::{
    CallKey, EndCause, FailureCause, Invite, Registration, RegistrationKey, Seed, UaCommand, UaConfig,
    UaEvent, UserAgent,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

const OFFER: Bytes = Bytes::from_static(b"v=0\r\n");
const CALL: CallKey = CallKey::outgoing(1);

type Handle = EndpointHandle<UserAgent>;
type Events = EndpointEvents<UserAgent>;

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn agent_with(config: EndpointConfig, seed: u64) -> (Handle, Events) {
    let config_of_agent = UaConfig::new(Seed::from_number(seed));
    Endpoint::bind(config, UserAgent::new(config_of_agent))
        .await
        .unwrap()
}

async fn agent(seed: u64) -> (Handle, Events) {
    agent_with(EndpointConfig::new(loopback()), seed).await
}

async fn next(events: &mut Events) -> UaEvent {
    let event = tokio::time::timeout(Duration::from_secs(20), events.recv()).await;
    match event.expect("an event in time").expect("a running endpoint") {
        EndpointEvent::Core(event) => event,
        EndpointEvent::Overflowed { lost } => panic!("{lost} events lost"),
    }
}

/// Answers every call and gives the end causes.
fn answering(handle: Handle, mut events: Events) -> tokio::task::JoinHandle<Vec<EndCause>> {
    tokio::spawn(async move {
        let mut causes = Vec::new();
        while let Some(event) = events.recv().await {
            match event {
                EndpointEvent::Core(UaEvent::Incoming { call, .. }) => {
                    handle.send(UaCommand::accept(call, OFFER)).await.unwrap();
                }
                EndpointEvent::Core(UaEvent::Ended { cause, .. }) => causes.push(cause),
                _ => {}
            }
        }
        causes
    })
}

fn invite(to: Destination) -> Box<Invite> {
    let target = format!("sip:bob@{}", to.remote()).parse().unwrap();
    let from: NameAddr = "<sip:alice@127.0.0.1>".parse().unwrap();
    Box::new(Invite::new(target, from).with_destination(to).with_sdp(OFFER))
}

async fn call_over(to: impl Fn(SocketAddr) -> Destination) {
    let (bob, bob_events) = agent(2).await;
    let (alice, mut alice_events) = agent(1).await;
    let causes = answering(bob.clone(), bob_events);
    let invite = invite(to(bob.local_addr()));
    alice
        .send(UaCommand::Invite { call: CALL, invite })
        .await
        .unwrap();
    let answered = next(&mut alice_events).await;
    assert!(matches!(answered, UaEvent::Answered { .. }), "{answered:?}");
    alice.send(UaCommand::hangup(CALL)).await.unwrap();
    assert!(matches!(
        next(&mut alice_events).await,
        UaEvent::Ended {
            cause: EndCause::Local,
            ..
        }
    ));
    assert!(
        alice.shutdown(Duration::from_secs(5)).await,
        "nothing is left after the BYE was answered"
    );
    assert!(bob.shutdown(Duration::from_secs(5)).await);
    assert_eq!(causes.await.unwrap(), [EndCause::Remote]);
}

#[tokio::test]
async fn a_call_over_udp() {
    call_over(Destination::udp).await;
}

#[tokio::test]
async fn a_call_over_tcp() {
    call_over(Destination::tcp).await;
}

#[tokio::test]
async fn malformed_input_is_counted_and_calls_go_on() {
    let (bob, bob_events) = agent(2).await;
    let _causes = answering(bob.clone(), bob_events);
    let socket = UdpSocket::bind(loopback()).await.unwrap();
    let valid = "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\n\
                 From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n";
    let mut state = 1_u64;
    for _ in 0..1000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mut octets = valid.as_bytes().to_vec();
        let place = usize::try_from(state >> 33).unwrap() % octets.len();
        octets[place] = state.to_be_bytes()[1];
        octets.truncate(octets.len() - usize::try_from(state >> 60).unwrap());
        socket.send_to(&octets, bob.local_addr()).await.unwrap();
    }
    let (alice, mut alice_events) = agent(1).await;
    let invite = invite(Destination::udp(bob.local_addr()));
    alice
        .send(UaCommand::Invite { call: CALL, invite })
        .await
        .unwrap();
    assert!(matches!(next(&mut alice_events).await, UaEvent::Answered { .. }));
    assert!(bob.stats().malformed > 0, "{:?}", bob.stats());
}

#[tokio::test]
async fn keep_alives_are_answered_and_a_stream_that_is_not_sip_is_closed() {
    // Spec: RFC 5626 §3.5.1
    let (bob, _events) = agent(2).await;
    let mut stream = TcpStream::connect(bob.local_addr()).await.unwrap();
    stream.write_all(b"\r\n\r\n").await.unwrap();
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).await.unwrap();
    assert_eq!(&pong, b"\r\n");
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(stream.read(&mut pong).await.unwrap_or(0), 0, "closed");
    assert_eq!(bob.stats().malformed, 1);
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_at_its_deadline() {
    let config = EndpointConfig::new(loopback()).with_first_message_timeout(Duration::from_millis(20));
    let (bob, _events) = agent_with(config, 2).await;
    let mut stream = TcpStream::connect(bob.local_addr()).await.unwrap();
    stream.write_all(b"OPTIONS sip:").await.unwrap();
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap_or(0), 0, "closed");
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_and_counted() {
    let config = EndpointConfig::new(loopback()).with_max_connections(1);
    let (bob, _events) = agent_with(config, 2).await;
    let mut first = TcpStream::connect(bob.local_addr()).await.unwrap();
    first.write_all(b"\r\n\r\n").await.unwrap();
    first.read_exact(&mut [0; 2]).await.unwrap();
    let mut second = TcpStream::connect(bob.local_addr()).await.unwrap();
    assert_eq!(second.read(&mut [0; 16]).await.unwrap_or(0), 0, "closed");
    assert_eq!(bob.stats().connections_refused, 1);
}

#[tokio::test]
async fn a_host_with_too_many_connections_is_refused_until_one_closes() {
    let config = EndpointConfig::new(loopback()).with_max_connections_from_loopback(1);
    let (bob, _events) = agent_with(config, 2).await;
    let mut first = open(&bob).await.expect("the first is served");
    assert!(open(&bob).await.is_none());
    assert_eq!(bob.stats().connections_refused_by_host, 1);
    // What is not SIP closes the connection; then the host has room again.
    first.write_all(b"\0\0\0\0\r\n\r\n").await.unwrap();
    assert_eq!(first.read(&mut [0; 16]).await.unwrap_or(0), 0, "closed");
    let served = async { while open(&bob).await.is_none() {} };
    tokio::time::timeout(Duration::from_secs(20), served)
        .await
        .expect("the place is free again");
    assert_eq!(bob.stats().connections_refused, 0);
}

/// A connection that answers keep-alives; `None` when it was closed.
async fn open(to: &Handle) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(to.local_addr()).await.unwrap();
    stream.write_all(b"\r\n\r\n").await.ok()?;
    stream.read_exact(&mut [0; 2]).await.ok()?;
    Some(stream)
}

#[tokio::test]
async fn a_refused_connect_fails_the_call_and_other_traffic_does_not_wait_for_it() {
    let gone = TcpListener::bind(loopback()).await.unwrap().local_addr().unwrap();
    let (alice, mut events) = agent(1).await;
    let invite = invite(Destination::tcp(gone));
    alice
        .send(UaCommand::Invite { call: CALL, invite })
        .await
        .unwrap();
    let failed = next(&mut events).await;
    assert!(
        matches!(
            failed,
            UaEvent::Failed {
                cause: FailureCause::Transport,
                ..
            }
        ),
        "{failed:?}"
    );
    assert_eq!(alice.stats().connect_failures, 1);
}

#[tokio::test]
async fn requests_to_a_peer_reuse_its_connection() {
    let (bob, mut bob_events) = agent(2).await;
    let (alice, mut alice_events) = agent(1).await;
    let invite = invite(Destination::tcp(bob.local_addr()));
    alice
        .send(UaCommand::Invite { call: CALL, invite })
        .await
        .unwrap();
    let UaEvent::Incoming { call, .. } = next(&mut bob_events).await else {
        panic!("no call")
    };
    bob.send(UaCommand::accept(call, OFFER)).await.unwrap();
    assert!(matches!(next(&mut alice_events).await, UaEvent::Answered { .. }));
    assert!(matches!(next(&mut bob_events).await, UaEvent::Confirmed { .. }));
    bob.send(UaCommand::hangup(call)).await.unwrap();
    assert!(matches!(
        next(&mut alice_events).await,
        UaEvent::Ended {
            cause: EndCause::Remote,
            ..
        }
    ));
    assert_eq!(
        (bob.stats().connections_accepted, bob.stats().connections_opened),
        (1, 0)
    );
}

#[tokio::test]
async fn shutdown_hangs_up_what_is_open() {
    let (bob, bob_events) = agent(2).await;
    let (alice, mut alice_events) = agent(1).await;
    let causes = answering(bob.clone(), bob_events);
    let invite = invite(Destination::udp(bob.local_addr()));
    alice
        .send(UaCommand::Invite { call: CALL, invite })
        .await
        .unwrap();
    assert!(matches!(next(&mut alice_events).await, UaEvent::Answered { .. }));
    assert!(bob.shutdown(Duration::from_secs(5)).await);
    assert_eq!(causes.await.unwrap(), [EndCause::Local]);
    assert!(matches!(
        next(&mut alice_events).await,
        UaEvent::Ended {
            cause: EndCause::Remote,
            ..
        }
    ));
    assert!(bob.core_stats().await.is_none(), "stopped");
}

#[tokio::test]
async fn lost_events_are_told_in_their_place() {
    let config = EndpointConfig::new(loopback()).with_event_queue(1);
    let (alice, mut events) = agent_with(config, 1).await;
    for n in 0..3 {
        alice.send(UaCommand::hangup(CallKey::outgoing(n))).await.unwrap();
    }
    // The answer means that the driver has handled the commands.
    alice.core_stats().await.unwrap();
    assert!(matches!(
        events.recv().await,
        Some(EndpointEvent::Core(UaEvent::CommandFailed { .. }))
    ));
    alice.send(UaCommand::hangup(CALL)).await.unwrap();
    assert!(matches!(
        events.recv().await,
        Some(EndpointEvent::Overflowed { lost: 2 })
    ));
    assert_eq!(
        alice.stats().events_lost,
        3,
        "the event behind the notice found the queue full again"
    );
}

#[tokio::test]
async fn a_port_in_use_is_an_error() {
    let (bob, _events) = agent(2).await;
    let again = UserAgent::new(UaConfig::new(Seed::from_number(3)));
    let error = Endpoint::bind(EndpointConfig::new(bob.local_addr()), again)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn everybody_who_asks_for_the_end_learns_how_it_went() {
    let (bob, _events) = agent(2).await;
    let mut asking = tokio::task::JoinSet::new();
    // More than the driver takes at once, so that some are still unread when it has nothing left to do.
    for _ in 0..300 {
        let bob = bob.clone();
        asking.spawn(async move { bob.shutdown(Duration::from_secs(5)).await });
    }
    while let Some(drained) = asking.join_next().await {
        assert!(drained.unwrap());
    }
    assert!(bob.shutdown(Duration::ZERO).await, "it has stopped");
}

#[tokio::test]
async fn dropping_the_last_handle_stops_the_driver() {
    let (alice, mut events) = agent(1).await;
    drop(alice);
    assert!(events.recv().await.is_none());
}

#[tokio::test]
async fn a_host_answers_register_and_the_client_is_registered() {
    let config =
        UaConfig::new(Seed::from_number(2)).with_out_of_dialog_methods(vec![sip::method::Method::REGISTER]);
    let (server, mut server_events) = Endpoint::bind(EndpointConfig::new(loopback()), UserAgent::new(config))
        .await
        .unwrap();
    let (alice, mut events) = agent(1).await;
    let registrar = format!("sip:{}", server.local_addr()).parse().unwrap();
    let registration = Registration::new(registrar, "<sip:1001@127.0.0.1>".parse().unwrap());
    let register = UaCommand::Register {
        key: RegistrationKey(1),
        registration: Box::new(registration),
    };
    alice.send(register).await.unwrap();
    let UaEvent::OutOfDialog { request, message, .. } = next(&mut server_events).await else {
        panic!("no request")
    };
    let contact = message
        .contacts()
        .next()
        .unwrap()
        .unwrap()
        .with_param("expires", Some("60"));
    let headers = vec![(HeaderName::CONTACT, contact.to_string())];
    server
        .send(UaCommand::Respond {
            request,
            status: StatusCode::OK,
            headers,
            body: None,
        })
        .await
        .unwrap();
    assert!(matches!(
        next(&mut events).await,
        UaEvent::Registered { expires_secs: 60, .. }
    ));
}

//! The tables, matching, and exact times of single transactions.

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::message::{Limits, Message};
use crate::testing;
use crate::transport::{ConnectionId, Destination, Flow};

macro_rules! matrix {
    ($State:ident, $Event:ident) => {
        $State::ALL
            .iter()
            .flat_map(|state| $Event::ALL.iter().map(move |event| (state, event)))
            .map(|(state, event)| match state.on(*event) {
                Some(to) => format!("{state:?} + {event:?} = {to:?}"),
                None => format!("{state:?} + {event:?} ignored"),
            })
            .collect::<Vec<_>>()
            .join("\n")
    };
}

#[test]
fn every_pair_of_state_and_event_is_as_reviewed() {
    // Spec: RFC 3261 §17, RFC 6026, RFC 4320
    insta::assert_snapshot!("client_invite", matrix!(ClientInvite, ClientInviteEvent));
    insta::assert_snapshot!(
        "client_non_invite",
        matrix!(ClientNonInvite, ClientNonInviteEvent)
    );
    insta::assert_snapshot!("server_invite", matrix!(ServerInvite, ServerInviteEvent));
    insta::assert_snapshot!(
        "server_non_invite",
        matrix!(ServerNonInvite, ServerNonInviteEvent)
    );
}

fn peer() -> std::net::SocketAddr {
    std::net::SocketAddr::from(([10, 0, 0, 9], 5060))
}

fn local() -> std::net::SocketAddr {
    std::net::SocketAddr::from(([10, 0, 0, 1], 5060))
}

fn parse(text: &str) -> Message {
    Message::parse(Bytes::from(text.replace('\n', "\r\n")), &Limits::default()).unwrap()
}

fn request(method: &str, branch: &str, via: &str) -> Message {
    parse(&format!(
        "{method} sip:a@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch={branch}{via}\nMax-Forwards: 70\n\
         From: <sip:b@10.0.0.9>;tag=f\nTo: <sip:a@10.0.0.1>\nCall-ID: c1\nCSeq: 1 {}\nContact: <sip:b@10.0.0.9>\n\n",
        if method == "ACK" { "INVITE" } else { method }
            .replace("INVITE", if method == "ACK" { "ACK" } else { "INVITE" })
    ))
}

fn layer() -> TransactionLayer {
    TransactionLayer::new(TimerConfig::default(), [7; 32], "10.0.0.1:5060")
}

/// Runs the layer to its end and gives the times (in ms) at which it sent something.
fn run(layer: &mut TransactionLayer, mut now: std::time::Instant) -> Vec<u128> {
    let start = now;
    let mut times = Vec::new();
    loop {
        while layer.poll_transmit().is_some() {
            times.push((now - start).as_millis());
        }
        let Some(next) = layer.poll_timeout() else {
            return times;
        };
        now = next;
        layer.handle_timeout(now);
    }
}

fn template(method: &str) -> Message {
    let mut message = request(method, "x", "");
    message.remove_first_value(&crate::header::HeaderName::VIA);
    message
}

#[test]
fn an_unanswered_invite_is_repeated_at_doubling_intervals_and_given_up_after_32_s() {
    // Spec: RFC 3261 §17.1.1.2 (timers A and B)
    let (mut layer, now) = (layer(), testing::start());
    let key = layer
        .request(now, Destination::udp(peer()), template("INVITE"))
        .unwrap();
    assert_eq!(run(&mut layer, now), [0, 500, 1500, 3500, 7500, 15500, 31500]);
    assert!(matches!(layer.poll_event(), Some(TransactionEvent::Timeout { key: k }) if k == key));
    assert!(matches!(
        layer.poll_event(),
        Some(TransactionEvent::Terminated { .. })
    ));
    assert!(layer.is_empty());
}

#[test]
fn an_unanswered_request_is_repeated_up_to_every_four_seconds() {
    // Spec: RFC 3261 §17.1.2.2 (timers E and F)
    let (mut layer, now) = (layer(), testing::start());
    layer
        .request(now, Destination::udp(peer()), template("OPTIONS"))
        .unwrap();
    let times = run(&mut layer, now);
    assert_eq!(
        times,
        [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]
    );
}

#[test]
fn nothing_is_repeated_on_a_reliable_transport_but_the_deadline_stands() {
    let (mut layer, now) = (layer(), testing::start());
    layer
        .request(now, Destination::tcp(peer()), template("INVITE"))
        .unwrap();
    layer
        .request(now, Destination::tcp(peer()), template("OPTIONS"))
        .unwrap();
    assert_eq!(layer.poll_timeout(), Some(now + Duration::from_secs(32)));
    assert_eq!(run(&mut layer, now), [0, 0]);
    assert!(layer.is_empty());
}

#[test]
fn a_refusal_of_invite_is_repeated_until_the_ack_and_then_forgotten() {
    // Spec: RFC 3261 §17.2.1 (timers G, H and I)
    let (mut layer, now) = (layer(), testing::start());
    let flow = Flow::udp(local(), peer());
    layer.handle_message(now, flow, request("INVITE", "z9hG4bK1", ";rport"));
    let Some(TransactionEvent::Request { key, message, .. }) = layer.poll_event() else {
        panic!("no request")
    };
    assert_eq!(message.top_via().unwrap().rport(), Some(Some(5060)));
    let busy = Message::response(&message, crate::status::StatusCode::BUSY_HERE);
    assert!(layer.respond(now, key, &busy));
    let times = run(&mut layer, now);
    assert_eq!(
        times,
        [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]
    );

    layer.handle_message(now, flow, request("INVITE", "z9hG4bK2", ""));
    while let Some(event) = layer.poll_event() {
        if let TransactionEvent::Request { key, message, .. } = event {
            layer.respond(
                now,
                key,
                &Message::response(&message, crate::status::StatusCode::BUSY_HERE),
            );
        }
    }
    layer.handle_message(now, flow, request("ACK", "z9hG4bK2", ""));
    assert_eq!(layer.poll_timeout(), Some(now + Duration::from_secs(5)));
    assert_eq!(run(&mut layer, now), [0]);
    assert!(
        layer.poll_event().is_none(),
        "the ack of a refusal is not for the user agent"
    );
    assert!(layer.is_empty());
}

#[test]
fn a_slow_user_agent_sends_trying_after_200_ms_for_invite_and_3500_ms_for_others() {
    // Spec: RFC 3261 §17.2.1, RFC 4320 §4.1
    let (mut layer, now) = (layer(), testing::start());
    let flow = Flow::udp(local(), peer());
    layer.handle_message(now, flow, request("INVITE", "z9hG4bK1", ""));
    assert_eq!(layer.poll_timeout(), Some(now + Duration::from_millis(200)));
    layer.handle_timeout(now + Duration::from_millis(200));
    assert!(layer.poll_transmit().is_some());
    layer.handle_message(now, flow, request("OPTIONS", "z9hG4bK2", ""));
    assert_eq!(layer.poll_timeout(), Some(now + Duration::from_millis(3500)));
}

#[test]
fn a_repeated_request_gets_the_last_response_again() {
    let (mut layer, now) = (layer(), testing::start());
    let flow = Flow::udp(local(), peer());
    layer.handle_message(now, flow, request("OPTIONS", "z9hG4bK1", ""));
    let Some(TransactionEvent::Request { key, message, .. }) = layer.poll_event() else {
        panic!("no request")
    };
    layer.handle_message(now, flow, request("OPTIONS", "z9hG4bK1", ""));
    assert!(layer.poll_transmit().is_none() && layer.poll_event().is_none());
    layer.respond(
        now,
        key,
        &Message::response(&message, crate::status::StatusCode::OK),
    );
    layer.handle_message(now, flow, request("OPTIONS", "z9hG4bK1", ""));
    let first = layer.poll_transmit().unwrap();
    assert_eq!(Some(first), layer.poll_transmit());
}

#[test]
fn peers_without_branch_cookie_are_matched_by_what_their_messages_share() {
    // Spec: RFC 3261 §17.2.3
    let (mut layer, now) = (layer(), testing::start());
    let flow = Flow::udp(local(), peer());
    layer.handle_message(now, flow, request("INVITE", "1", ""));
    assert!(matches!(
        layer.poll_event(),
        Some(TransactionEvent::Request { .. })
    ));
    layer.handle_message(now, flow, request("INVITE", "1", ""));
    assert!(layer.poll_event().is_none());
    layer.handle_message(now, flow, request("CANCEL", "1", ""));
    assert!(matches!(
        layer.poll_event(),
        Some(TransactionEvent::Cancel { invite: Some(_), .. })
    ));
}

#[test]
fn responses_go_to_the_source_host_and_to_its_source_port_only_when_asked_for() {
    // Spec: RFC 3261 §18.2.2, RFC 3581 §4
    let source = std::net::SocketAddr::from(([10, 0, 0, 9], 40_000));
    let flow = Flow::udp(local(), source);
    let cases = [
        ("", 5060),
        (";rport", 40_000),
        // Whoever is named there did not ask.
        (";maddr=198.51.100.9", 5060),
        (";rport;maddr=198.51.100.9", 40_000),
    ];
    for (rport, port) in cases {
        let (mut layer, now) = (layer(), testing::start());
        layer.handle_message(now, flow, request("OPTIONS", "z9hG4bK1", rport));
        let Some(TransactionEvent::Request { key, message, .. }) = layer.poll_event() else {
            panic!("no request")
        };
        layer.respond(
            now,
            key,
            &Message::response(&message, crate::status::StatusCode::OK),
        );
        let remote = layer.poll_transmit().unwrap().destination.remote();
        assert_eq!((remote.ip(), remote.port()), (source.ip(), port));
    }
}

#[test]
fn a_response_whose_connection_is_gone_goes_to_the_address_of_the_via() {
    // Spec: RFC 3261 §18.2.2
    let (mut layer, now) = (layer(), testing::start());
    let source = std::net::SocketAddr::from(([10, 0, 0, 9], 40_000));
    let flow = Flow::tcp(local(), source, ConnectionId(3));
    layer.handle_message(now, flow, request("OPTIONS", "z9hG4bK1", ""));
    let Some(TransactionEvent::Request { key, message, .. }) = layer.poll_event() else {
        panic!("no request")
    };
    layer.handle_transport_error(flow.into());
    layer.respond(
        now,
        key,
        &Message::response(&message, crate::status::StatusCode::OK),
    );
    assert_eq!(
        layer.poll_transmit().unwrap().destination,
        Destination::tcp(peer())
    );
    layer.handle_transport_error(Destination::tcp(peer()));
    assert!(
        matches!(
            layer.poll_event(),
            Some(TransactionEvent::ServerTransportError { .. })
        ) || layer.is_empty()
    );
}

#[test]
fn a_refusal_sent_into_a_dead_connection_is_sent_again_another_way() {
    // Spec: RFC 3261 §18.2.2
    let (mut layer, now) = (layer(), testing::start());
    let source = std::net::SocketAddr::from(([10, 0, 0, 9], 40_000));
    let flow = Flow::tcp(local(), source, ConnectionId(3));
    layer.handle_message(now, flow, request("INVITE", "z9hG4bK1", ""));
    let Some(TransactionEvent::Request { key, message, .. }) = layer.poll_event() else {
        panic!("no request")
    };
    layer.respond(
        now,
        key,
        &Message::response(&message, crate::status::StatusCode::BUSY_HERE),
    );
    let first = layer.poll_transmit().unwrap();
    assert_eq!(first.destination, flow.into());
    layer.handle_transport_error(flow.into());
    let again = layer.poll_transmit().unwrap();
    assert_eq!(
        (again.destination, again.payload),
        (Destination::tcp(peer()), first.payload)
    );
}

#[test]
fn a_closed_connection_fails_the_requests_on_it_at_once() {
    let (mut layer, now) = (layer(), testing::start());
    let flow = Flow::tcp(local(), peer(), ConnectionId(3));
    let a = layer.request(now, flow.into(), template("INVITE")).unwrap();
    let b = layer
        .request(now, Destination::tcp(peer()), template("OPTIONS"))
        .unwrap();
    let other = Flow::tcp(local(), local(), ConnectionId(4));
    layer.request(now, other.into(), template("OPTIONS")).unwrap();
    layer.handle_transport_error(flow.into());
    let mut failed = Vec::new();
    while let Some(event) = layer.poll_event() {
        if let TransactionEvent::TransportError { key } = event {
            failed.push(key);
        }
    }
    assert_eq!(failed, [a, b]);
    assert_eq!(layer.len(), 1);
}

#[test]
fn a_full_layer_refuses_with_503_and_keeps_nothing() {
    let (layer, now) = (layer(), testing::start());
    let mut layer = layer.with_limit(1, Duration::from_secs(7));
    let flow = Flow::udp(local(), peer());
    layer.handle_message(now, flow, request("OPTIONS", "z9hG4bK1", ""));
    layer.handle_message(now, flow, request("OPTIONS", "z9hG4bK2", ""));
    let refusal = Message::parse(layer.poll_transmit().unwrap().payload, &Limits::default()).unwrap();
    assert_eq!(
        refusal.status(),
        Some(crate::status::StatusCode::SERVICE_UNAVAILABLE)
    );
    assert_eq!(refusal.header(&crate::header::HeaderName::RETRY_AFTER), Some("7"));
    assert_eq!((layer.len(), layer.refused()), (1, 1));
    assert!(
        layer
            .request(now, Destination::udp(peer()), template("OPTIONS"))
            .is_err()
    );
}

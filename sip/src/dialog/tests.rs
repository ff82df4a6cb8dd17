//! Route sets, numbers and targets.

use bytes::Bytes;

use super::*;
use crate::message::Limits;

fn parse(text: &str) -> Message {
    Message::parse(Bytes::from(text.replace('\n', "\r\n")), &Limits::default()).unwrap()
}

fn invite(routes: &str) -> Message {
    parse(&format!(
        "INVITE sip:bob@10.0.0.2 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\nMax-Forwards: 70\n{routes}\
         From: <sip:alice@10.0.0.1>;tag=a\nTo: <sip:bob@10.0.0.2>\nCall-ID: c\nCSeq: 7 INVITE\n\
         Contact: <sip:alice@10.0.0.1:5070>\n\n"
    ))
}

fn ok(routes: &str) -> Message {
    parse(&format!(
        "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\n{routes}From: <sip:alice@10.0.0.1>;tag=a\n\
         To: <sip:bob@10.0.0.2>;tag=b\nCall-ID: c\nCSeq: 7 INVITE\nContact: <sip:bob@10.0.0.2:5080>\n\n"
    ))
}

fn somewhere() -> Destination {
    Destination::udp(std::net::SocketAddr::from(([10, 0, 0, 2], 5060)))
}

#[test]
fn the_caller_takes_the_routes_in_reverse_order_and_the_called_as_they_are() {
    // Spec: RFC 3261 §12.1.1, §12.1.2
    let routes = "Record-Route: <sip:p2;lr>, <sip:p1;lr>\n";
    let mut caller = Dialog::outgoing(&ok(routes), somewhere()).unwrap();
    let bye = caller.request(&Method::BYE);
    assert_eq!(
        bye.header_values(&HeaderName::ROUTE).collect::<Vec<_>>(),
        ["<sip:p1;lr>", "<sip:p2;lr>"]
    );
    assert_eq!(bye.request_uri_str(), Some("sip:bob@10.0.0.2:5080"));
    assert_eq!(bye.cseq().unwrap().number, 8);
    let mut called = Dialog::incoming(&invite(routes), "b", somewhere()).unwrap();
    let bye = called.request(&Method::BYE);
    assert_eq!(
        bye.header_values(&HeaderName::ROUTE).collect::<Vec<_>>(),
        ["<sip:p2;lr>", "<sip:p1;lr>"]
    );
    assert_eq!(bye.from().unwrap().tag(), Some("b"));
    assert_eq!(bye.to().unwrap().tag(), Some("a"));
}

#[test]
fn a_strict_router_is_the_request_uri_and_the_target_the_last_route() {
    // Spec: RFC 3261 §12.2.1.1
    let mut dialog = Dialog::incoming(
        &invite("Record-Route: <sip:strict>, <sip:p1;lr>\n"),
        "b",
        somewhere(),
    )
    .unwrap();
    let bye = dialog.request(&Method::BYE);
    assert_eq!(bye.request_uri_str(), Some("sip:strict"));
    let routes: Vec<_> = bye.header_values(&HeaderName::ROUTE).collect();
    assert_eq!(routes, ["<sip:p1;lr>", "<sip:alice@10.0.0.1:5070>"]);
}

#[test]
fn the_ack_has_the_number_of_its_invite_whatever_was_sent_since() {
    // Spec: RFC 3261 §13.2.2.4
    let mut dialog = Dialog::outgoing(&ok(""), somewhere()).unwrap();
    dialog.request(&Method::INFO);
    dialog.request(&Method::INVITE);
    let ack = dialog.ack(7);
    assert_eq!(
        ack.cseq().unwrap(),
        crate::header::CSeq {
            number: 7,
            method: Method::ACK
        }
    );
}

#[test]
fn numbers_have_to_rise() {
    let mut dialog = Dialog::incoming(&invite(""), "b", somewhere()).unwrap();
    assert_eq!(dialog.check_sequence(7), SequenceCheck::OutOfOrder);
    assert_eq!(dialog.check_sequence(9), SequenceCheck::InOrder);
    assert_eq!(dialog.check_sequence(8), SequenceCheck::OutOfOrder);
}

#[test]
fn no_contact_makes_no_dialog() {
    let mut message = ok("");
    message.remove_header(&HeaderName::CONTACT);
    assert_eq!(
        Dialog::outgoing(&message, somewhere()).err(),
        Some(DialogError::NoContact)
    );
}

#[test]
fn debug_shows_no_numbers() {
    let dialog = Dialog::outgoing(&ok(""), somewhere()).unwrap();
    assert!(!format!("{dialog:?}").contains("alice"));
}

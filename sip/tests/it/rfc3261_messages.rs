//! Messages of RFC 3261 §24, with the bodies left out as in its text (so Content-Length is 0 here).

use bytes::Bytes;
use sip::header::HeaderName;
use sip::message::{Level, Limits, Message};
use sip::method::Method;
use sip::status::StatusCode;

fn message(text: &str) -> Message {
    let octets = Bytes::from(text.replace('\n', "\r\n"));
    let message = Message::parse(octets.clone(), &Limits::default()).unwrap();
    assert_eq!(message.validate(Level::Full), Ok(()));
    assert_eq!(message.to_bytes(), octets, "written as it was read");
    message
}

const REGISTER: &str = "REGISTER sip:registrar.biloxi.com SIP/2.0
Via: SIP/2.0/UDP bobspc.biloxi.com:5060;branch=z9hG4bKnashds7
Max-Forwards: 70
To: Bob <sip:bob@biloxi.com>
From: Bob <sip:bob@biloxi.com>;tag=456248
Call-ID: 843817637684230@998sdasdh09
CSeq: 1826 REGISTER
Contact: <sip:bob@192.0.2.4>
Expires: 7200
Content-Length: 0

";

const INVITE_AT_BOB: &str = "INVITE sip:bob@192.0.2.4 SIP/2.0
Via: SIP/2.0/UDP server10.biloxi.com;branch=z9hG4bK4b43c2ff8.1
Via: SIP/2.0/UDP bigbox3.site3.atlanta.com;branch=z9hG4bK77ef4c2312983.1
 ;received=192.0.2.2
Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8
 ;received=192.0.2.1
Max-Forwards: 68
To: Bob <sip:bob@biloxi.com>
From: Alice <sip:alice@atlanta.com>;tag=1928301774
Call-ID: a84b4c76e66710
CSeq: 314159 INVITE
Contact: <sip:alice@pc33.atlanta.com>
Content-Type: application/sdp
Content-Length: 0

";

const ANSWER: &str = "SIP/2.0 200 OK
Via: SIP/2.0/UDP server10.biloxi.com
 ;branch=z9hG4bK4b43c2ff8.1;received=192.0.2.3
Via: SIP/2.0/UDP bigbox3.site3.atlanta.com
 ;branch=z9hG4bK77ef4c2312983.1;received=192.0.2.2
Via: SIP/2.0/UDP pc33.atlanta.com
 ;branch=z9hG4bKnashds8 ;received=192.0.2.1
To: Bob <sip:bob@biloxi.com>;tag=a6c85cf
From: Alice <sip:alice@atlanta.com>;tag=1928301774
Call-ID: a84b4c76e66710
CSeq: 314159 INVITE
Contact: <sip:bob@192.0.2.4>
Content-Type: application/sdp
Content-Length: 0

";

/// Spec: RFC 3261 §24.1
#[test]
fn the_registration_of_the_rfc_has_its_values() {
    let register = message(REGISTER);
    assert_eq!(register.method(), Some(&Method::REGISTER));
    assert_eq!(
        register.request_uri().unwrap().as_str(),
        "sip:registrar.biloxi.com"
    );
    assert_eq!(register.expires(), Ok(Some(7200)));
    assert_eq!(register.to().unwrap().display().as_deref(), Some("Bob"));
    assert_eq!(register.to().unwrap().tag(), None);
    assert_eq!(
        register.contacts().next().unwrap().unwrap().uri().as_str(),
        "sip:bob@192.0.2.4"
    );
}

/// Spec: RFC 3261 §24.2 (F4)
#[test]
fn the_invite_at_the_callee_has_three_vias_and_its_response_goes_back_the_same_way() {
    let invite = message(INVITE_AT_BOB);
    let vias: Vec<_> = invite.vias().map(Result::unwrap).collect();
    assert_eq!(vias.len(), 3);
    assert_eq!(vias[2].branch(), Some("z9hG4bKnashds8"));
    assert_eq!(vias[1].received(), Some([192, 0, 2, 2].into()));
    let mut ringing = Message::response(&invite, StatusCode::RINGING);
    ringing.set_to_tag("a6c85cf");
    assert_eq!(ringing.validate(Level::Full), Ok(()));
    assert_eq!(ringing.vias().map(Result::unwrap).collect::<Vec<_>>(), vias);
    assert_eq!(ringing.to().unwrap().tag(), Some("a6c85cf"));
    assert_eq!(ringing.header(&HeaderName::MAX_FORWARDS), None);
    assert!(
        ringing
            .to_bytes()
            .starts_with(b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP server10")
    );
}

/// Spec: RFC 3261 §24.2 (F9)
#[test]
fn the_answer_of_the_rfc_loses_its_vias_one_by_one_on_the_way_back() {
    let mut answer = message(ANSWER);
    assert_eq!(answer.status(), Some(StatusCode::OK));
    assert_eq!(answer.reason(), "OK");
    for left in [2, 1, 0] {
        assert!(answer.remove_first_value(&HeaderName::VIA).is_some());
        assert_eq!(answer.vias().count(), left);
    }
    assert_eq!(answer.remove_first_value(&HeaderName::VIA), None);
    assert_eq!(answer.cseq().unwrap().method, Method::INVITE);
}

//! Any octets are survived; what is built is read back the same.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use sip::auth::{Challenge, Credentials};
use sip::codec::{Frame, StreamDecoder};
use sip::header::{HeaderName, NameAddr, Via};
use sip::message::{Level, Limits, Message};
use sip::method::Method;
use sip::sdp::SessionDescription;
use sip::status::StatusCode;
use sip::uri::Uri;

const SEED: &[u8] = b"INVITE sip:bob@example.com;transport=tcp SIP/2.0\r\n\
    v: SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bK1;rport, SIP/2.0/TCP h.example;branch=z9hG4bK2\r\n\
    Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n\
    Max-Forwards: 70\r\n\
    f: \"Bob \\\"B\\\" O'Neil\" <sip:bob@example.com>;tag=1\r\n\
    To: sip:7001@example.com;x=y\r\n\
    Subject: one\r\n two\r\n\
    i: abc@192.0.2.1\r\n\
    CSeq: 7 INVITE\r\n\
    m: <sip:bob@192.0.2.1:5070;ob>;expires=60;+sip.instance=\"<urn:uuid:1>\"\r\n\
    Authorization: Digest username=\"a,b\", realm=\"r\", nonce=\"n\", uri=\"sip:x\", response=\"00\", qop=auth, nc=00000001, cnonce=\"c\"\r\n\
    c: application/sdp\r\n\
    l: 82\r\n\r\n\
    v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4 RTP/AVP 0\r\n";

/// Everything that reads is called; nothing may panic, and what is read must be written so that it reads the same.
fn exercise(octets: &[u8]) {
    let _ = SessionDescription::parse(octets).map(|sdp| {
        assert_eq!(
            SessionDescription::parse(sdp.to_string().as_bytes()).as_ref(),
            Ok(&sdp)
        );
        (sdp.audio(), sdp.is_hold())
    });
    let text = String::from_utf8_lossy(octets);
    let _ = text
        .parse::<Uri>()
        .map(|uri| assert!(uri.equivalent(&uri), "{}", uri.as_str()));
    let _ = (
        text.parse::<NameAddr>(),
        text.parse::<Via>(),
        text.parse::<Challenge>(),
        text.parse::<Credentials>(),
    );
    let Ok(mut message) = Message::parse(Bytes::copy_from_slice(octets), &Limits::default()) else {
        return;
    };
    let _ = (
        message.validate(Level::Full),
        message.contacts().count(),
        message.routes().count(),
    );
    let _ = (
        message.is_contact_star(),
        message.content_type(),
        message.reason().len(),
        format!("{message:?}"),
    );
    let again = Message::parse(message.to_bytes(), &Limits::default());
    assert_eq!(again.as_ref(), Ok(&message));
    // A field that is not UTF-8 is removed like any other, but it is not among the values.
    let readable = message.header(&HeaderName::VIA).is_some();
    let count = message.header_values(&HeaderName::VIA).count();
    if message.remove_first_value(&HeaderName::VIA).is_some() && readable && count > 0 {
        assert_eq!(message.header_values(&HeaderName::VIA).count(), count - 1);
    }
    message.set_to_tag("t");
    message.push_front_header(&HeaderName::RECORD_ROUTE, "<sip:me;lr>");
    assert!(Message::parse(message.to_bytes(), &Limits::default()).is_ok());
}

#[test]
fn the_seed_is_valid_so_the_mutations_start_from_something() {
    let message = Message::parse(Bytes::from_static(SEED), &Limits::default()).unwrap();
    assert_eq!(message.validate(Level::Full), Ok(()));
    assert_eq!(message.body().len(), 82);
    assert!(
        SessionDescription::parse(message.body())
            .unwrap()
            .audio()
            .is_some()
    );
    assert_eq!(message.header(&HeaderName::SUBJECT), Some("one two"));
    assert!(message.to().unwrap().params().contains("x"));
    exercise(SEED);
}

#[test]
fn a_first_via_that_is_not_utf8_is_removed_and_the_readable_one_behind_it_stays() {
    let mut octets = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\x80;branch=z9hG4bK1\r\n".to_vec();
    octets.extend_from_slice(b"v: SIP/2.0/TCP h.example;branch=z9hG4bK2\r\nl: 0\r\n\r\n");
    exercise(&octets);
    let mut message = Message::parse(octets.into(), &Limits::default()).unwrap();
    let values = |message: &Message| -> Vec<String> {
        let values = message.header_values(&HeaderName::VIA);
        values.map(str::to_owned).collect()
    };
    let readable = vec!["SIP/2.0/TCP h.example;branch=z9hG4bK2".to_owned()];
    assert_eq!(values(&message), readable);
    assert_eq!(
        message.remove_first_value(&HeaderName::VIA).as_deref(),
        Some("SIP/2.0/UDP h\u{fffd};branch=z9hG4bK1")
    );
    assert_eq!(values(&message), readable);
}

#[test]
fn every_truncation_is_survived() {
    (0..SEED.len()).for_each(|end| exercise(&SEED[..end]));
}

#[test]
fn every_single_octet_mutation_is_survived() {
    for at in 0..SEED.len() {
        for octet in [
            0, b'\r', b'\n', b' ', b'"', b'\\', b'<', b',', b';', b':', b'%', b'@', 0xff,
        ] {
            let mut mutated = SEED.to_vec();
            mutated[at] = octet;
            exercise(&mutated);
        }
    }
}

/// Values that are read for themselves: each truncation and each octet replaced.
#[test]
fn every_mutation_of_single_values_is_survived() {
    let body = SEED.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let values: [&[u8]; 7] = [
        &SEED[body..],
        b"v=0\r\no=- 1 1 IN IP4 h\r\ns=x\r\nb=AS:1\r\nt=0 0\r\nr=1\r\na=sendonly\r\nm=audio 4/2 RTP/AVP 96\r\nc=IN IP6 ::1\r\na=rtpmap:96 X/8000\r\na=fmtp:96 y\r\na=ptime:20\r\n",
        b"sips:a;b=%40:pw@[2001:db8::1]:5061;lr;maddr=1.2.3.4?Route=%3Csip:x%3E&a=",
        b"\"Bob \\\"B\\\"\" <sip:bob@example.com;lr>;tag=1;x=\"a;b\"",
        b"SIP / 2.0 / UDP [::1]:5060 ;branch = z9hG4bK1;received=[::1];rport=7",
        b"Digest realm=\"a,b\", nonce=\"n\\\"\", opaque=\"\", algorithm=MD5, stale=TRUE, qop=\"auth,auth-int\"",
        b"tel:+1-201-555-0123;phone-context=+1",
    ];
    for value in values {
        exercise(value);
        for at in 0..value.len() {
            exercise(&value[..at]);
            for octet in [
                0, b'\r', b'\n', b' ', b'"', b'\\', b'<', b'>', b',', b';', b':', b'=', b'%', b'/', b'9',
                0xff,
            ] {
                let mut mutated = value.to_vec();
                mutated[at] = octet;
                exercise(&mutated);
            }
        }
    }
}

#[test]
fn a_stream_cut_anywhere_gives_the_same_messages() {
    let mut stream = b"\r\n\r\n".to_vec();
    stream.extend_from_slice(SEED);
    stream.extend_from_slice(b"\r\n\r\n");
    stream.extend_from_slice(SEED);
    let whole = Message::parse(Bytes::from_static(SEED), &Limits::default()).unwrap();
    for cut in 1..stream.len() {
        let mut decoder = StreamDecoder::new(Limits::default());
        let mut buffer = BytesMut::new();
        let mut frames = Vec::new();
        for part in [&stream[..cut], &stream[cut..]] {
            buffer.extend_from_slice(part);
            while let Some(frame) = decoder.decode(&mut buffer).unwrap() {
                frames.push(frame);
            }
        }
        let messages: Vec<_> = frames
            .iter()
            .filter(|frame| matches!(frame, Frame::Message(_)))
            .collect();
        assert_eq!(
            messages,
            [&Frame::Message(whole.clone()), &Frame::Message(whole.clone())],
            "cut at {cut}"
        );
        assert_eq!(
            frames.iter().filter(|frame| **frame == Frame::Ping).count(),
            2,
            "cut at {cut}"
        );
        assert!(buffer.is_empty());
    }
}

/// Spec: RFC 3261 §18.3
#[test]
fn a_stream_without_or_with_a_hostile_length_is_an_error() {
    for length in [
        "",
        "Content-Length: -1\r\n",
        "Content-Length: 99999999\r\n",
        "l: 1\r\nContent-Length: 2\r\n",
        "l:\r\n",
    ] {
        let text = format!("OPTIONS sip:a SIP/2.0\r\n{length}\r\n12");
        let mut decoder = StreamDecoder::new(Limits::default());
        let error = decoder.decode(&mut BytesMut::from(text.as_str())).unwrap_err();
        assert!(
            error.head().is_some_and(|head| head.is_method(&Method::OPTIONS)),
            "a last 400 is possible: {length}"
        );
    }
    let mut endless = BytesMut::from(vec![b'x'; 70_000].as_slice());
    assert!(
        StreamDecoder::new(Limits::default())
            .decode(&mut endless)
            .is_err()
    );
}

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9.!%*_+`'~-]{1,12}"
}

fn built() -> impl Strategy<Value = Message> {
    let head = (
        token(),
        "[a-z0-9]{1,8}",
        proptest::option::of(100u16..700),
        any::<u32>(),
    );
    let fields = proptest::collection::vec((token(), ".{0,30}"), 0..12);
    (
        head,
        fields,
        ".{0,20}",
        proptest::collection::vec(any::<u8>(), 0..60),
    )
        .prop_map(|((method, host, status, number), fields, display, body)| {
            let uri: Uri = format!("sip:{host}").parse().unwrap();
            let method = Method::from_name(&method).unwrap();
            let mut message = Message::request(method.clone(), &uri);
            message.push_header(
                &HeaderName::VIA,
                format!("SIP/2.0/UDP {host};branch=z9hG4bK{number}"),
            );
            let address = NameAddr::new(uri).with_display(Some(&display));
            message.push_header(&HeaderName::TO, address.as_str());
            message.push_header(&HeaderName::FROM, address.with_tag("f").as_str());
            message.push_header(&HeaderName::CALL_ID, format!("{number}@{host}"));
            message.push_header(&HeaderName::CSEQ, format!("{} {method}", number >> 1));
            if let Some(status) = status {
                message = Message::response(&message, StatusCode(status));
                message.set_reason(&display);
            }
            for (name, value) in fields {
                let name = HeaderName::from_name(&name).unwrap();
                if name.as_str().len() > 1 && !name.is_single() {
                    message.push_header(&name, value);
                }
            }
            message.set_body("application/octet-stream", body.into());
            message
        })
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        exercise(&octets);
    }

    #[test]
    fn a_seed_with_many_mutations_is_survived(changes in proptest::collection::vec((0..SEED.len(), any::<u8>()), 1..8)) {
        let mut mutated = SEED.to_vec();
        for (at, octet) in changes {
            mutated[at] = octet;
        }
        exercise(&mutated);
    }

    #[test]
    fn a_built_message_is_read_back_the_same(message in built()) {
        let octets = message.to_bytes();
        let again = Message::parse(octets.clone(), &Limits::default()).unwrap();
        prop_assert_eq!(&again, &message);
        prop_assert_eq!(again.to_bytes(), octets);
        prop_assert_eq!(again.validate(Level::Transaction), Ok(()));
    }

    #[test]
    fn an_address_with_any_display_name_and_parameter_is_read_back_the_same(
        display in ".{0,30}", name in token(), value in ".{0,30}", user in ".{1,20}",
    ) {
        let uri = Uri::sip(Some(&user), "example.com").unwrap();
        prop_assert_eq!(uri.user_decoded().unwrap(), user);
        let address = NameAddr::new(uri).with_display(Some(&display)).with_param(&name, Some(&value));
        let again: NameAddr = address.as_str().parse().unwrap();
        prop_assert_eq!(&again, &address);
        let clean = |text: &str| text.replace(['\r', '\n'], " ");
        prop_assert_eq!(again.display().unwrap(), clean(&display));
        prop_assert_eq!(again.params().find(&name).unwrap().text(), clean(&value));
    }
}

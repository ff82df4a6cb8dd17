//! The torture messages of RFC 4475 and RFC 5118 and our field cases, against their tables of verdicts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use sip::codec::{Frame, StreamDecoder};
use sip::header::HeaderName;
use sip::message::{Level, Limits, Message, ParseError, ParseErrorKind};
use sip::sdp::SessionDescription;
use sip::status::StatusCode;

const SETS: [(&str, usize); 3] = [("rfc4475", 51), ("rfc5118", 12), ("field", 20)];

/// The folder of the sets; without it the test is skipped aloud, unless `CTI_TESTDATA` promised it.
fn folder() -> Option<PathBuf> {
    let promised = std::env::var_os("CTI_TESTDATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/testdata");
    let folder = promised.clone().unwrap_or(beside).join("sip");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        promised.is_none(),
        "CTI_TESTDATA is set, but {} is not there",
        folder.display()
    );
    eprintln!(
        "SKIPPED: the torture messages are not at {} (set CTI_TESTDATA)",
        folder.display()
    );
    None
}

struct Case {
    name: String,
    verdict: String,
    octets: Bytes,
}

fn cases(folder: &Path, set: &str) -> Vec<Case> {
    let table = fs::read_to_string(folder.join(set).join("expected.tsv")).unwrap();
    let mut lines = table.lines();
    let column = lines
        .next()
        .unwrap()
        .split('\t')
        .position(|name| name == "strict_udp_parse")
        .unwrap();
    let case = |line: &str| {
        let columns: Vec<_> = line.split('\t').collect();
        let octets = fs::read(folder.join(set).join(format!("{}.dat", columns[0]))).unwrap();
        Case {
            name: columns[0].to_owned(),
            verdict: columns[column].to_owned(),
            octets: octets.into(),
        }
    };
    lines.map(case).collect()
}

fn octets(name: &str) -> Option<Bytes> {
    let (set, name) = name.split_once('/').unwrap();
    let cases = cases(&folder()?, set);
    Some(cases.into_iter().find(|case| case.name == name).unwrap().octets)
}

/// The message of that name, parsed; `None` when the set is not there.
fn message(name: &str) -> Option<Message> {
    Some(Message::parse(octets(name)?, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn accepted(octets: &Bytes) -> bool {
    Message::parse(octets.clone(), &Limits::default())
        .is_ok_and(|message| message.validate(Level::Full).is_ok())
}

/// Spec: RFC 4475, RFC 5118
#[test]
fn every_torture_message_gets_its_verdict_except_the_listed_ones() {
    let Some(folder) = folder() else { return };
    let mut wrong = BTreeSet::new();
    for (set, count) in SETS {
        let cases = cases(&folder, set);
        assert_eq!(cases.len(), count, "{set}");
        for case in cases {
            let right = match case.verdict.as_str() {
                "accept" => accepted(&case.octets),
                "reject" => !accepted(&case.octets),
                _ => true,
            };
            if !right {
                wrong.insert(format!("{set}/{}", case.name));
            }
        }
    }
    let listed = include_str!("../data/torture-known-failures.txt");
    let listed: BTreeSet<_> = listed
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    assert_eq!(
        wrong, listed,
        "left: judged wrongly, right: tests/data/torture-known-failures.txt"
    );
}

#[test]
fn every_torture_message_that_is_read_is_written_so_that_it_reads_the_same() {
    let Some(folder) = folder() else { return };
    for (set, _) in SETS {
        for case in cases(&folder, set) {
            let Ok(message) = Message::parse(case.octets.clone(), &Limits::default()) else {
                continue;
            };
            let again = Message::parse(message.to_bytes(), &Limits::default());
            assert_eq!(again.as_ref(), Ok(&message), "{set}/{}", case.name);
            assert_eq!(
                again.unwrap().to_bytes(),
                message.to_bytes(),
                "{set}/{}",
                case.name
            );
        }
    }
}

fn refused(name: &str) -> Option<StatusCode> {
    Some(message(name)?.validate(Level::Transaction).unwrap_err().status)
}

fn broken(name: &str) -> Option<ParseError> {
    Some(Message::parse(octets(name)?, &Limits::default()).unwrap_err())
}

#[test]
fn wrong_messages_are_answered_with_the_status_of_the_rfc() {
    for name in ["mismatch01", "mismatch02", "insuf", "multi01", "scalar02"] {
        let Some(status) = refused(&format!("rfc4475/{name}")) else {
            return;
        };
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}");
    }
    assert_eq!(
        refused("rfc4475/badvers"),
        Some(StatusCode::VERSION_NOT_SUPPORTED)
    );
}

#[test]
fn a_wrong_body_length_leaves_the_head_for_a_400() {
    for (name, kind) in [
        ("clerr", ParseErrorKind::BodyTooShort),
        ("ncl", ParseErrorKind::ContentLength),
        ("mcl01", ParseErrorKind::ContentLength),
    ] {
        let Some(error) = broken(&format!("rfc4475/{name}")) else {
            return;
        };
        assert_eq!(error.kind, kind, "{name}");
        let mut answer = Message::response(error.head().unwrap(), StatusCode::BAD_REQUEST);
        answer.set_to_tag("x");
        assert_eq!(answer.validate(Level::Transaction), Ok(()), "{name}");
    }
}

/// Spec: RFC 4475 §3.1.1.1
#[test]
fn the_short_tortuous_invite_has_its_values() {
    let Some(message) = message("rfc4475/wsinv") else {
        return;
    };
    assert_eq!(message.vias().count(), 3);
    assert!(message.vias().all(|via| via.is_ok()));
    assert_eq!(message.max_forwards(), Ok(Some(68)));
    assert_eq!(message.cseq().unwrap().number, 9);
    assert_eq!(message.header(&HeaderName::SUBJECT), Some(""));
    assert_eq!(
        message.from().unwrap().display().as_deref(),
        Some("J Rosenberg \\\"")
    );
    assert_eq!(message.from().unwrap().tag(), Some("98asjd8"));
    assert_eq!(message.body().len(), 150);
}

/// Spec: RFC 4475 §3.1.1
#[test]
fn escapes_are_kept_and_undone_once() {
    let Some(method) = message("rfc4475/esc02") else {
        return;
    };
    assert_eq!(
        method
            .method()
            .map(|method| method.as_str().to_owned())
            .as_deref(),
        Some("RE%47IST%45R")
    );
    assert_ne!(method.method(), Some(&sip::method::Method::REGISTER));
    let semicolon = message("rfc4475/semiuri").unwrap().request_uri().unwrap();
    assert_eq!(
        semicolon.user_decoded().as_deref(),
        Some("user;par=u@example.net")
    );
    let zero = message("rfc4475/escnull").unwrap();
    let users: Vec<_> = zero
        .contacts()
        .map(|contact| contact.unwrap().uri().user().unwrap().to_owned())
        .collect();
    assert_eq!(users, ["%00", "%00%00"]);
}

/// Spec: RFC 4475 §3.1.1.8
#[test]
fn two_requests_in_one_datagram_are_one_and_on_a_stream_two() {
    let Some(datagram) = octets("rfc4475/dblreq") else {
        return;
    };
    let first = Message::parse(datagram.clone(), &Limits::default()).unwrap();
    assert!(first.body().is_empty());
    let mut decoder = StreamDecoder::new(Limits::default());
    let mut stream = BytesMut::from(&datagram[..]);
    let mut methods = Vec::new();
    while methods.len() < 2 {
        // An empty line stands between the two.
        if let Frame::Message(message) = decoder.decode(&mut stream).unwrap().unwrap() {
            methods.push(message.method().cloned().unwrap());
        }
    }
    assert_eq!(
        methods,
        [sip::method::Method::REGISTER, sip::method::Method::INVITE]
    );
}

/// Spec: RFC 4475 §3.3.12, §3.3.13
#[test]
fn parameters_inside_and_outside_of_brackets_are_told_apart() {
    let Some(outside) = message("rfc4475/cparam01") else {
        return;
    };
    let contact = outside.contacts().next().unwrap().unwrap();
    assert!(contact.params().contains("unknownparam") && contact.uri().params().is_empty());
    let contact = message("rfc4475/cparam02")
        .unwrap()
        .contacts()
        .next()
        .unwrap()
        .unwrap();
    assert!(contact.uri().params().contains("unknownparam") && contact.params().is_empty());
}

#[test]
fn binary_and_odd_octets_stay_as_they_are() {
    let Some(multipart) = message("rfc4475/mpart01") else {
        return;
    };
    let octets = octets("rfc4475/mpart01").unwrap();
    assert!(octets.ends_with(multipart.body()));
    assert_eq!(multipart.content_type(), Some("multipart/mixed"));
    let latin1 = message("field/latin1_subject_first").unwrap();
    assert!(latin1.top_via().is_ok(), "fields behind the odd octet are there");
    assert_eq!(latin1.header(&HeaderName::SUBJECT), None);
    assert!(latin1.header_bytes(&HeaderName::SUBJECT).unwrap().contains(&0xe9));
    assert!(latin1.to_bytes().windows(1).any(|octet| octet == [0xe9]));
}

/// Spec: RFC 3261 §7.3.1
#[test]
fn taking_the_top_via_of_a_joined_field_leaves_the_second() {
    let Some(mut joined) = message("field/comma_via") else {
        return;
    };
    assert_eq!(
        joined
            .headers()
            .filter(|header| header.written_name() == "Via")
            .count(),
        2
    );
    assert_eq!(joined.vias().count(), 3);
    let second = joined.vias().nth(1).unwrap().unwrap();
    joined.remove_first_value(&HeaderName::VIA);
    assert_eq!(joined.vias().count(), 2);
    assert_eq!(joined.top_via().unwrap(), second);
    let again = Message::parse(joined.to_bytes(), &Limits::default()).unwrap();
    assert_eq!(again.top_via().unwrap(), second);
}

#[test]
fn the_limits_stop_what_is_hostile() {
    let Some(error) = broken("field/many_headers_2000") else {
        return;
    };
    assert_eq!(error.kind, ParseErrorKind::TooManyHeaders);
    let wide = Limits::default().with_headers(4096).with_message_bytes(1 << 20);
    assert!(Message::parse(octets("field/many_headers_2000").unwrap(), &wide).is_ok());
    let folded = Message::parse(octets("field/deep_fold_64k").unwrap(), &wide).unwrap();
    assert!(folded.validate(Level::Full).is_ok());
    for name in ["cl_plus", "cl_overflow"] {
        assert_eq!(
            broken(&format!("field/{name}")).unwrap().kind,
            ParseErrorKind::ContentLength
        );
        let mut decoder = StreamDecoder::new(Limits::default());
        let stream = octets(&format!("field/{name}")).unwrap();
        assert!(
            decoder.decode(&mut BytesMut::from(&stream[..])).is_err(),
            "{name}"
        );
    }
}

/// Spec: RFC 5118 §4.3, §4.4
#[test]
fn a_port_within_the_brackets_is_part_of_the_address() {
    let Some(within) = message("rfc5118/port-ambiguous") else {
        return;
    };
    let uri = within.request_uri().unwrap();
    assert_eq!(uri.port(), None);
    assert_eq!(
        uri.host().and_then(|host| host.ip()),
        "2001:db8::10:5070".parse().ok()
    );
    assert_eq!(
        message("rfc5118/port-unambiguous")
            .unwrap()
            .request_uri()
            .unwrap()
            .port(),
        Some(5070)
    );
}

#[test]
fn the_session_descriptions_of_the_torture_messages_are_read() {
    for name in ["ipv6-in-sdp", "mult-ip-in-sdp", "ipv4-mapped-ipv6"] {
        let Some(message) = message(&format!("rfc5118/{name}")) else {
            return;
        };
        let sdp = SessionDescription::parse(message.body());
        assert!(sdp.is_ok(), "{name}: {sdp:?}");
    }
}

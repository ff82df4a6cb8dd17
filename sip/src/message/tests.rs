//! Messages: framing, access, edits, printing.

use bytes::Bytes;

use super::*;
use crate::header::{HeaderError, HeaderName, NameAddr};
use crate::uri::Uri;

const HEAD: &str = "OPTIONS sip:bob@example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
    From: <sip:a@h>;tag=1\r\n\
    To: <sip:bob@example.com>\r\n\
    Call-ID: 1\r\n\
    CSeq: 1 OPTIONS\r\n";

fn read(text: &str) -> Result<Message, ParseError> {
    Message::parse(Bytes::from(text.to_owned()), &Limits::default())
}

fn with(fields: &str) -> Message {
    read(&format!("{HEAD}{fields}\r\n")).unwrap_or_else(|error| panic!("{error}: {fields}"))
}

fn kind(text: &str) -> ParseErrorKind {
    read(text).unwrap_err().kind
}

fn written(message: &Message) -> String {
    String::from_utf8(message.to_bytes().to_vec()).unwrap()
}

/// A length read as 0 where it is none opens a hole: the body becomes the next message of the stream.
///
/// Spec: RFC 3261 §20.14
#[test]
fn only_plain_numbers_are_content_lengths() {
    for value in [
        "-999",
        "+0",
        "0x1",
        "1 1",
        "1,1",
        "",
        "4294967296",
        "36893488147419103232",
    ] {
        assert_eq!(
            kind(&format!("{HEAD}Content-Length: {value}\r\n\r\n")),
            ParseErrorKind::ContentLength,
            "{value}"
        );
    }
    assert_eq!(
        kind(&format!("{HEAD}l: 1\r\nContent-Length: 0\r\n\r\nx")),
        ParseErrorKind::ContentLength
    );
    assert_eq!(
        kind(&format!("{HEAD}l: 2\r\n\r\nx")),
        ParseErrorKind::BodyTooShort
    );
    let equal = read(&format!("{HEAD}l: 01\r\nContent-Length: 1\r\n\r\nxyz")).unwrap();
    assert_eq!(&equal.body()[..], b"x");
    assert!(
        written(&equal).ends_with("Content-Length: 1\r\n\r\nx"),
        "one length, and right"
    );
}

#[test]
fn a_field_that_is_not_utf8_costs_no_other_field() {
    let octets = [HEAD.as_bytes(), b"Subject: caf\xe9\r\nExpires: 5\r\n\r\n"].concat();
    let message = Message::parse(octets.clone().into(), &Limits::default()).unwrap();
    assert_eq!(message.header(&HeaderName::SUBJECT), None);
    assert_eq!(message.header_bytes(&HeaderName::SUBJECT), Some(&b"caf\xe9"[..]));
    assert_eq!(message.expires(), Ok(Some(5)));
    assert!(message.to_bytes().starts_with(&octets[..octets.len() - 2]));
}

#[test]
fn unknown_methods_compact_names_and_instance_parameters_are_taken() {
    let message = read(
        "FOOBAR sip:h SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\nf: <sip:a@h>;tag=1\r\nt: \"Bob O\\\"Neil\" <sip:b@h>\r\n\
         i: 1\r\nCSeq: 1 FOOBAR\r\nm: <sip:a@h>;+sip.instance=\"<urn:uuid:0,1>\";reg-id=1, <sip:b@h>\r\n\r\n",
    )
    .unwrap();
    assert_eq!(message.validate(Level::Full), Ok(()));
    assert_eq!(message.method().map(Method::as_str), Some("FOOBAR"));
    assert_eq!(message.to().unwrap().display().as_deref(), Some("Bob O\"Neil"));
    let contacts: Vec<_> = message.contacts().map(Result::unwrap).collect();
    assert_eq!(contacts.len(), 2);
    assert_eq!(
        contacts[0].params().find("+sip.instance").unwrap().text(),
        "<urn:uuid:0,1>"
    );
    assert_eq!(message.to_bytes(), read(&written(&message)).unwrap().to_bytes());
}

#[test]
fn broken_framing_is_refused_with_its_place() {
    for (text, kind, offset) in [
        ("", ParseErrorKind::StartLine, 0),
        ("OPTIONS\r\n\r\n", ParseErrorKind::StartLine, 0),
        ("OPTIONS sip:h\r\n\r\n", ParseErrorKind::StartLine, 13),
        ("OPTIONS sip:h HTTP/1.1\r\n\r\n", ParseErrorKind::StartLine, 14),
        ("OPTIONS  sip:h SIP/2.0\r\n\r\n", ParseErrorKind::StartLine, 8),
        ("OPT{IONS sip:h SIP/2.0\r\n\r\n", ParseErrorKind::StartLine, 0),
        ("SIP/2.0 99 Low\r\n\r\n", ParseErrorKind::StartLine, 8),
        ("SIP/2.0 700 High\r\n\r\n", ParseErrorKind::StartLine, 8),
        ("SIP/2.0 2000 Long\r\n\r\n", ParseErrorKind::StartLine, 11),
        ("A sip:h SIP/2.0\r\nVia: x\r\n", ParseErrorKind::NotTerminated, 25),
        (
            "A sip:h SIP/2.0\r\nno colon\r\n\r\n",
            ParseErrorKind::HeaderField,
            17,
        ),
        ("A sip:h SIP/2.0\r\n: x\r\n\r\n", ParseErrorKind::HeaderField, 17),
        (
            "A sip:h SIP/2.0\r\nV ia: x\r\n\r\n",
            ParseErrorKind::HeaderField,
            17,
        ),
        (
            "A sip:h SIP/2.0\r\n folded: x\r\n\r\n",
            ParseErrorKind::HeaderField,
            17,
        ),
    ] {
        let error = read(text).unwrap_err();
        assert_eq!((error.kind, error.offset), (kind, offset), "{text}");
    }
    let empty_reason = read("SIP/2.0 200\r\n\r\n").unwrap();
    assert_eq!(
        (empty_reason.status(), empty_reason.reason().as_ref()),
        (Some(StatusCode::OK), "")
    );
}

#[test]
fn limits_are_kept() {
    let tight = Limits::default()
        .with_headers(2)
        .with_uri_bytes(5)
        .with_message_bytes(100);
    let read = |text: String| Message::parse(text.into(), &tight).unwrap_err().kind;
    assert_eq!(
        read("A sip:h SIP/2.0\r\na: 1\r\nb: 1\r\nc: 1\r\n\r\n".into()),
        ParseErrorKind::TooManyHeaders
    );
    assert_eq!(
        read("A sip:hh SIP/2.0\r\n\r\n".into()),
        ParseErrorKind::UriTooLong
    );
    assert_eq!(read("x".repeat(101)), ParseErrorKind::TooLarge);
}

#[test]
fn untouched_lines_are_written_as_they_came() {
    let odd = "v : SIP/2.0/TCP  x ;branch=z9hG4bK2\r\nsUBJECT:  two\r\n\t words  \r\nX-Odd:a=1;;\r\nContent-Length:   0\r\nLast: 1\r\n";
    let mut message = with(odd);
    assert_eq!(message.header(&HeaderName::SUBJECT), Some("two words"));
    let expected = format!("{HEAD}{odd}\r\n").replace("Content-Length:   0", "Content-Length: 0");
    assert_eq!(written(&message), expected);
    message.push_front_header(&HeaderName::VIA, "SIP/2.0/UDP me;branch=z9hG4bK3");
    message.set_header(&HeaderName::MAX_FORWARDS, "69");
    let edited = expected
        .replace(
            "Via: SIP/2.0/UDP h",
            "Via: SIP/2.0/UDP me;branch=z9hG4bK3\r\nVia: SIP/2.0/UDP h",
        )
        .replace("Last: 1\r\n", "Last: 1\r\nMax-Forwards: 69\r\n");
    assert_eq!(written(&message), edited);
}

#[test]
fn lone_line_feeds_are_taken_and_written_as_line_ends() {
    let message = read(
        &HEAD
            .replace("\r\n", "\n")
            .replace("Call-ID: 1", "Call-ID:\n 1")
            .add_end(),
    )
    .unwrap();
    assert_eq!(message.call_id(), Ok("1"));
    assert_eq!(written(&message), format!("{HEAD}Content-Length: 0\r\n\r\n"));
}

trait AddEnd {
    fn add_end(self) -> String;
}

impl AddEnd for String {
    fn add_end(mut self) -> String {
        self.push('\n');
        self
    }
}

#[test]
fn edits_work_on_values_not_on_lines() {
    let mut message = with("Route: <sip:a;lr>, <sip:b;lr>\r\nRoute: <sip:c;lr>\r\n");
    assert_eq!(
        message.remove_first_value(&HeaderName::ROUTE).as_deref(),
        Some("<sip:a;lr>")
    );
    let routes = |message: &Message| {
        message
            .header_values(&HeaderName::ROUTE)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(routes(&message), ["<sip:b;lr>", "<sip:c;lr>"]);
    assert_eq!(
        message
            .replace_first_value(&HeaderName::ROUTE, "<sip:x>")
            .as_deref(),
        Some("<sip:b;lr>")
    );
    assert_eq!(routes(&message), ["<sip:x>", "<sip:c;lr>"]);
    assert_eq!(message.remove_header(&HeaderName::ROUTE), 2);
    assert_eq!(message.remove_first_value(&HeaderName::ROUTE), None);
    assert_eq!(message.replace_first_value(&HeaderName::ROUTE, "x"), None);

    let mut joined = with("v: SIP/2.0/UDP a, SIP/2.0/UDP b\r\n");
    joined.remove_first_value(&HeaderName::VIA);
    let via = joined
        .top_via()
        .unwrap()
        .with_source("192.0.2.1:9".parse().unwrap());
    joined.set_top_via(&via);
    assert!(written(&joined).contains("Via: SIP/2.0/UDP a;received=192.0.2.1, SIP/2.0/UDP b\r\n"));
}

#[test]
fn a_clone_does_not_see_the_edits_of_the_other() {
    let first = with("");
    let mut second = first.clone();
    second.set_header(&HeaderName::CALL_ID, "2");
    assert_eq!((first.call_id(), second.call_id()), (Ok("1"), Ok("2")));
}

#[test]
fn no_value_can_add_a_field_or_a_line() {
    let mut message = Message::request(Method::OPTIONS, &"sip:h".parse().unwrap());
    message.push_header(&HeaderName::SUBJECT, "x\r\nVia: evil\0");
    let mut response = Message::response(&message, StatusCode::OK);
    response.set_reason("fine\r\nVia: evil");
    assert_eq!(
        written(&message),
        "OPTIONS sip:h SIP/2.0\r\nSubject: x  Via: evil\r\nContent-Length: 0\r\n\r\n"
    );
    assert_eq!(
        written(&response),
        "SIP/2.0 200 fine  Via: evil\r\nContent-Length: 0\r\n\r\n"
    );
}

#[test]
fn a_request_leaves_out_the_headers_of_its_uri() {
    let uri: Uri = "sip:h;lr?Route=x".parse().unwrap();
    assert_eq!(
        Message::request(Method::INVITE, &uri).request_uri_str(),
        Some("sip:h;lr")
    );
}

#[test]
fn bodies_are_set_and_cleared_with_their_fields() {
    let mut message = with("c: text/plain;charset=utf-8\r\nContent-Disposition: session\r\n");
    assert!(message.is_content_type("TEXT/PLAIN"));
    message.set_body("application/sdp", Bytes::from_static(b"v=0"));
    assert!(written(&message).ends_with("Content-Length: 3\r\n\r\nv=0"));
    assert_eq!(
        message
            .headers()
            .filter(|header| header.name() == Some(HeaderName::CONTENT_TYPE))
            .count(),
        1
    );
    message.clear_body();
    assert_eq!(written(&message), written(&with("")));
}

#[test]
fn typed_access_says_what_is_wrong() {
    let missing = read("OPTIONS sip:h SIP/2.0\r\n\r\n").unwrap();
    assert_eq!(missing.top_via(), Err(HeaderError::Missing(HeaderName::VIA)));
    assert_eq!(missing.from(), Err(HeaderError::Missing(HeaderName::FROM)));
    assert_eq!((missing.max_forwards(), missing.expires()), (Ok(None), Ok(None)));
    let doubled =
        with("t: <sip:x@y>\r\nMax-Forwards: 256\r\nExpires: 4294967296\r\nContact: <sip:a@h>, <bad\r\n");
    assert_eq!(doubled.to(), Err(HeaderError::Repeated(HeaderName::TO)));
    assert!(matches!(
        doubled.max_forwards(),
        Err(HeaderError::Malformed { .. })
    ));
    assert!(matches!(doubled.expires(), Err(HeaderError::Malformed { .. })));
    let contacts: Vec<_> = doubled.contacts().map(|contact| contact.is_ok()).collect();
    assert_eq!(contacts, [true, false]);
    let response = Message::response(&doubled, StatusCode::OK);
    assert!(matches!(response.request_uri(), Err(HeaderError::RequestUri(_))));
}

#[test]
fn validation_answers_with_the_right_status() {
    let refusal = |text: String| read(&text).unwrap().validate(Level::Transaction).unwrap_err();
    let version = refusal(format!("{}\r\n", HEAD.replace("SIP/2.0\r", "SIP/3.0\r")));
    assert_eq!(
        (version.status, version.source),
        (StatusCode::VERSION_NOT_SUPPORTED, RefusalCause::Version)
    );
    let method = refusal(format!("{}\r\n", HEAD.replace("1 OPTIONS", "1 INVITE")));
    assert_eq!(
        (method.status, method.phrase().as_str()),
        (StatusCode::BAD_REQUEST, "CSeq Method Mismatch")
    );
    let missing = refusal(format!("{}\r\n", HEAD.replace("Call-ID", "Other")));
    assert_eq!(missing.phrase(), "Missing Call-ID");
    assert!(with("Contact: <bad\r\n").validate(Level::Transaction).is_ok());
    assert!(with("Contact: <bad\r\n").validate(Level::Full).is_err());
}

#[test]
fn the_star_contact_is_told_apart_from_addresses() {
    assert!(with("Contact: *\r\n").is_contact_star());
    assert_eq!(with("m: *\r\n").contacts().count(), 0);
    let mixed = with("Contact: *, <sip:a@h>\r\n");
    assert!(!mixed.is_contact_star());
    assert!(mixed.contacts().any(|contact| contact.is_err()));
}

#[test]
fn lists_of_tokens_span_fields_and_skip_what_is_empty() {
    let message = with("Supported: 100rel, timer\r\nk:\r\nk: path,, gruu\r\n");
    assert_eq!(
        message.tokens(&HeaderName::SUPPORTED).collect::<Vec<_>>(),
        ["100rel", "timer", "path", "gruu"]
    );
    assert!(message.has_token(&HeaderName::SUPPORTED, "PATH"));
}

#[test]
fn a_response_gets_a_to_tag_once() {
    let mut response = Message::response(&with(""), StatusCode::RINGING);
    response.set_to_tag("a");
    response.set_to_tag("b");
    assert_eq!(response.to().unwrap().tag(), Some("a"));
    let again: NameAddr = response.header(&HeaderName::TO).unwrap().parse().unwrap();
    assert_eq!(again.uri().user(), Some("bob"));
}

#[test]
fn debug_shows_neither_numbers_nor_bodies() {
    let mut message = with("Subject: 5551234\r\n");
    message.set_body("text/plain", Bytes::from_static(b"secret"));
    let headers: Vec<_> = message.headers().collect();
    let shown = format!("{message:?} {headers:?} {:?}", message.to());
    assert!(
        !shown.contains("5551234") && !shown.contains("secret") && !shown.contains("bob"),
        "{shown}"
    );
}

#[test]
fn a_detached_message_is_the_same_on_another_buffer() {
    let message = with("Subject: a\r\n b\r\n");
    let detached = message.detached();
    assert_eq!((&detached, detached.to_bytes()), (&message, message.to_bytes()));
    assert_ne!(
        detached.header(&HeaderName::VIA).unwrap().as_ptr(),
        message.header(&HeaderName::VIA).unwrap().as_ptr()
    );
}

//! URIs: the forms, and the equalities of RFC 3261.

use super::*;

fn uri(text: &str) -> Uri {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Spec: RFC 3261 §19.1.4
#[test]
fn the_equal_pairs_of_the_rfc_are_equivalent() {
    for (a, b) in [
        (
            "sip:%61lice@atlanta.com;transport=TCP",
            "sip:alice@AtLanTa.CoM;Transport=tcp",
        ),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:carol@chicago.com;security=on",
            "sip:carol@chicago.com;newparam=5",
        ),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("tel:+1-201-555-0123", "TEL:+12015550123"),
        ("sip:[2001:db8::1]", "sip:[2001:DB8:0::1]"),
    ] {
        assert!(uri(a).equivalent(&uri(b)), "{a} {b}");
        assert!(uri(b).equivalent(&uri(a)), "{b} {a}");
    }
}

/// Spec: RFC 3261 §19.1.4
#[test]
fn the_different_pairs_of_the_rfc_are_not_equivalent() {
    for (a, b) in [
        (
            "SIP:ALICE@AtLanTa.CoM;Transport=udp",
            "sip:alice@AtLanTa.CoM;Transport=UDP",
        ),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        (
            "sip:carol@chicago.com",
            "sip:carol@chicago.com?Subject=next%20meeting",
        ),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        (
            "sip:carol@chicago.com;security=on",
            "sip:carol@chicago.com;security=off",
        ),
        ("sip:a@b", "sips:a@b"),
        ("sip:a%3Bb@c", "sip:a;b@c"),
        ("tel:+1;ext=1", "tel:+1"),
    ] {
        assert!(!uri(a).equivalent(&uri(b)), "{a} {b}");
        assert!(!uri(b).equivalent(&uri(a)), "{b} {a}");
    }
}

#[test]
fn parts_of_a_sip_uri_are_found() {
    let uri =
        uri("sips:user;par=u%40example.net:pa$s@[2001:db8::10]:5061;lr;maddr=1.2.3.4?Route=%3Csip:x%3E&a=");
    assert_eq!(uri.scheme(), Scheme::Sips);
    assert_eq!(uri.user(), Some("user;par=u%40example.net"));
    assert_eq!(uri.user_decoded().as_deref(), Some("user;par=u@example.net"));
    assert_eq!(uri.password(), Some("pa$s"));
    assert_eq!(
        uri.host().map(|host| host.to_string()).as_deref(),
        Some("[2001:db8::10]")
    );
    assert_eq!(uri.port(), Some(5061));
    assert!(uri.params().contains("LR"));
    assert_eq!(uri.header_params().count(), 2);
}

#[test]
fn broken_uris_are_refused() {
    for text in [
        "",
        "sip",
        "sip:",
        ":x",
        "sip:@host",
        "sip:a@",
        "sip:a@b@c",
        "sip:a b@c",
        "sip:a@b:",
        "sip:a@b:x",
        "sip:a@b:70000",
        "sip:a@b:+1",
        "sip:a@[::1",
        "sip:a@2001:db8::10",
        "sip:a@b;",
        "sip:a@b;=1",
        "sip:a@b;x=",
        "sip:a@b?",
        "sip:%zz@b",
        "sip:a@b; lr",
        "<sip:a@b>",
        "1x:y",
        "tel:",
        "tel:abc xyz",
        "http: x",
        "sip:a@b\u{e9}",
    ] {
        assert!(text.parse::<Uri>().is_err(), "{text}");
    }
}

#[test]
fn other_schemes_are_kept_whole() {
    let sos = uri("urn:service:sos");
    assert_eq!(
        (sos.scheme(), sos.scheme_str(), sos.host()),
        (Scheme::Other, "urn", None)
    );
    let tel = uri("tel:7042;phone-context=example.com");
    assert_eq!(
        (tel.user(), tel.params().value("phone-context")),
        (Some("7042"), Some("example.com"))
    );
}

#[test]
fn built_uris_escape_the_user_and_bracket_the_address() {
    assert_eq!(
        Uri::sip(Some("a b@c"), "example.com:5070").unwrap().as_str(),
        "sip:a%20b%40c@example.com:5070"
    );
    let at = Uri::at(Some("bob"), "[::1]:5060".parse().unwrap());
    assert_eq!(at, uri("sip:bob@[::1]:5060"));
    assert_eq!(
        Uri::at(None, "127.0.0.1:1".parse().unwrap()),
        uri("sip:127.0.0.1:1")
    );
    assert!(Uri::sip(None, "x\r\ny").is_err());
}

#[test]
fn parameters_are_set_and_removed() {
    let plain = uri("sip:a@b;x=1?h=2");
    assert_eq!(plain.with_param("lr", None).as_str(), "sip:a@b;x=1;lr?h=2");
    assert_eq!(plain.with_param("X", Some("a;b")).as_str(), "sip:a@b;X=a%3Bb?h=2");
    assert_eq!(plain.without_param("x").as_str(), "sip:a@b?h=2");
    assert_eq!(plain.without_params().as_str(), "sip:a@b");
    assert_eq!(plain.without_headers().as_str(), "sip:a@b;x=1");
}

#[test]
fn debug_hides_the_user() {
    assert_eq!(
        format!("{:?}", uri("sip:+14155550100@example.com:5070;x=1")),
        "sip:[redacted]@example.com:5070"
    );
    assert_eq!(format!("{:?}", uri("tel:+14155550100")), "tel:[redacted]");
}

#[test]
fn the_number_of_parameters_and_headers_is_bounded() {
    for (text, joined) in [("sip:a@b;x", ";x"), ("sip:a@b?x", "&x"), ("tel:1;x", ";x")] {
        assert!(
            format!("{text}{}", joined.repeat(63)).parse::<Uri>().is_ok(),
            "{text}"
        );
        assert!(
            format!("{text}{}", joined.repeat(64)).parse::<Uri>().is_err(),
            "{text}"
        );
    }
}

/// Spec: RFC 3261 §19.1.2
#[test]
fn escapes_are_undone_once_and_broken_ones_stay_as_they_are() {
    assert_eq!(unescape("a%40b%3Bto-tag%3D1"), "a@b;to-tag=1");
    assert_eq!(unescape("%2541"), "%41");
    for broken in ["%", "%4", "%zz", "%+1", "1%2"] {
        assert_eq!(unescape(broken), broken);
    }
    assert_eq!(unescape("%ff"), "\u{fffd}");
}

//! Session descriptions: known text, offers and answers.

use super::*;

/// Spec: RFC 8866 §5
const EXAMPLE: &str = "v=0\r\n\
    o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\n\
    s=Call to John Smith\r\n\
    i=SDP Offer #1\r\n\
    u=http://www.jdoe.example.com/home.html\r\n\
    e=Jane Doe <jane@jdoe.example.com>\r\n\
    p=+1 617 555-6011\r\n\
    c=IN IP4 198.51.100.1\r\n\
    t=0 0\r\n\
    m=audio 49170 RTP/AVP 0\r\n\
    m=audio 49180 RTP/AVP 0\r\n\
    m=video 51372 RTP/AVP 99\r\n\
    c=IN IP6 2001:db8::2\r\n\
    a=rtpmap:99 h263-1998/90000\r\n";

fn sdp(text: &str) -> SessionDescription {
    SessionDescription::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn with_media(media: &str) -> SessionDescription {
    sdp(&format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{media}"
    ))
}

fn own() -> Capabilities {
    Capabilities::g711("192.0.2.9:7000".parse().unwrap(), 5)
}

#[test]
fn the_example_of_rfc_8866_is_read_and_written_unchanged() {
    let example = sdp(EXAMPLE);
    assert_eq!(example.to_string(), EXAMPLE);
    assert_eq!(
        (example.origin.session_id, example.origin.version),
        (3_724_394_400, 3_724_394_405)
    );
    assert_eq!(example.media.len(), 3);
    assert_eq!(
        example.connection_of(1).and_then(Connection::ip),
        Some([198, 51, 100, 1].into())
    );
    assert_eq!(
        example.connection_of(2).map(|c| c.address.as_str()),
        Some("2001:db8::2")
    );
    let map = example.media[2].rtpmap(99).unwrap();
    assert_eq!((map.encoding.as_str(), map.clock_rate), ("h263-1998", 90_000));
}

#[test]
fn unknown_lines_and_attributes_survive() {
    let text = "v=0\r\no=- 1 1 IN IP4 h.example\r\ns= \r\nb=AS:64\r\nt=1 2\r\nr=7d 1h 0 25h\r\nk=prompt\r\nx=y\r\n\
                a=group:BUNDLE 0\r\nm=image 5 udptl t38\r\ni=fax\r\nb=AS:1\r\nw=?\r\na=T38FaxVersion:0\r\na=x:\r\n";
    assert_eq!(sdp(text).to_string(), text);
    assert_eq!(sdp(&text.replace("\r\n", "\n")), sdp(text));
}

#[test]
fn broken_descriptions_are_refused_with_the_line() {
    for (text, line) in [
        ("", 1),
        ("o=- 1 1 IN IP4 h\r\n", 1),
        ("v=1\r\n", 1),
        ("v=0\r\ns=x\r\n", 3),
        ("v=0\r\no=- 1 IN IP4 h\r\n", 2),
        ("v=0\r\no=- -1 1 IN IP4 h\r\n", 2),
        ("v=0\r\no=- 1 1 IN IP4 h\r\nv=0\r\n", 3),
        ("v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 70000 RTP/AVP 0\r\n", 3),
        ("v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 1 RTP/AVP\r\n", 3),
        ("v=0\r\no=- 1 1 IN IP4 h\r\nno equals\r\n", 3),
        ("v=0\r\no=- 1 1 IN IP4 h\r\nr=1\r\n", 3),
    ] {
        assert_eq!(
            SessionDescription::parse(text.as_bytes()).unwrap_err().line,
            line,
            "{text}"
        );
    }
    assert_eq!(
        SessionDescription::parse(b"v=0\n\xff=").unwrap_err(),
        SdpError {
            line: 2,
            expected: "utf-8"
        }
    );
    let many = format!("{EXAMPLE}{}", "m=audio 1 RTP/AVP 0\r\n".repeat(64));
    assert!(SessionDescription::parse(many.as_bytes()).is_err());
}

/// Spec: RFC 3264 §8.4
#[test]
fn every_form_of_hold_is_seen() {
    for (media, held) in [
        ("m=audio 4000 RTP/AVP 0\r\n", false),
        ("m=audio 4000 RTP/AVP 0\r\na=recvonly\r\n", false),
        ("m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n", true),
        ("m=audio 4000 RTP/AVP 0\r\na=inactive\r\n", true),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n", true),
        ("a=inactive\r\nm=audio 4000 RTP/AVP 0\r\n", true),
        ("a=inactive\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n", false),
        ("m=video 4000 RTP/AVP 99\r\na=inactive\r\n", false),
    ] {
        assert_eq!(with_media(media).is_hold(), held, "{media}");
    }
}

#[test]
fn an_offer_describes_its_audio() {
    let offer = offer(&own());
    insta::assert_snapshot!(offer.to_string().replace("\r\n", "\n"), @r"
    v=0
    o=- 5 5 IN IP4 192.0.2.9
    s=-
    c=IN IP4 192.0.2.9
    t=0 0
    m=audio 7000 RTP/AVP 0 8 101
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=rtpmap:101 telephone-event/8000
    a=fmtp:101 0-15
    a=ptime:20
    a=sendrecv
    ");
    let audio = sdp(&offer.to_string()).audio().unwrap();
    assert_eq!(audio.remote, Some("192.0.2.9:7000".parse().unwrap()));
    assert_eq!(
        audio.codecs.iter().map(|codec| codec.payload).collect::<Vec<_>>(),
        [0, 8]
    );
    assert_eq!(
        (audio.telephone_event, audio.ptime, audio.direction),
        (Some(101), Some(20), Direction::SendRecv)
    );
}

/// Spec: RFC 3264 §6
#[test]
fn an_answer_keeps_the_order_of_the_offer_and_refuses_other_media() {
    let offer = with_media(
        "m=video 5000 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n\
         m=audio 0 RTP/AVP 0\r\n\
         m=audio 4000 RTP/AVP 18 96 8 0 97\r\na=rtpmap:96 telephone-event/8000\r\na=rtpmap:97 opus/48000/2\r\n\
         m=audio 4002 RTP/AVP 0\r\n",
    );
    let answer = answer(&offer, &own()).unwrap();
    let sections: Vec<_> = answer
        .media
        .iter()
        .map(|media| (media.media.as_str(), media.port))
        .collect();
    assert_eq!(
        sections,
        [("video", 0), ("audio", 0), ("audio", 7000), ("audio", 0)]
    );
    assert_eq!(answer.media[2].formats, ["96", "8", "0"]);
    assert_eq!(answer.audio().unwrap().telephone_event, Some(96));
    assert_eq!(answer.media[0].formats, ["99"]);
}

#[test]
fn the_direction_of_an_answer_is_what_both_allow() {
    for (offered, wanted, answered) in [
        ("sendrecv", Direction::SendRecv, Direction::SendRecv),
        ("sendonly", Direction::SendRecv, Direction::RecvOnly),
        ("recvonly", Direction::SendRecv, Direction::SendOnly),
        ("inactive", Direction::SendRecv, Direction::Inactive),
        ("sendonly", Direction::SendOnly, Direction::Inactive),
        ("sendrecv", Direction::SendOnly, Direction::SendOnly),
    ] {
        let offer = with_media(&format!("m=audio 4000 RTP/AVP 0\r\na={offered}\r\n"));
        let answer = answer(
            &offer,
            &Capabilities {
                direction: wanted,
                ..own()
            },
        )
        .unwrap();
        assert_eq!(answer.direction(0), answered, "{offered}");
    }
}

#[test]
fn an_offer_without_a_common_codec_is_refused() {
    for media in [
        "m=audio 4000 RTP/AVP 18\r\n",
        "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        "m=audio 4000 RTP/SAVP 0\r\n",
        "m=audio 0 RTP/AVP 0\r\n",
        "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 PCMU/16000\r\n",
        "",
    ] {
        assert_eq!(
            answer(&with_media(media), &own()),
            Err(AnswerError::NothingInCommon),
            "{media}"
        );
    }
}

#[test]
fn values_put_in_by_hand_cannot_add_lines_and_debug_hides_them() {
    let mut sdp = sdp(EXAMPLE);
    sdp.session_name = "x\r\na=inactive".into();
    assert!(sdp.to_string().contains("s=x  a=inactive\r\n"));
    sdp.media[0]
        .attributes
        .push(Attribute::new("crypto", "1 AES inline:KEY"));
    let shown = format!("{sdp:?}");
    assert!(
        !shown.contains("KEY") && !shown.contains("jdoe") && !shown.contains("555"),
        "{shown}"
    );
}

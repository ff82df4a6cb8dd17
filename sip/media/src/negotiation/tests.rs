//! Tests of offers and answers.

use proptest::prelude::*;

use super::*;

fn negotiator() -> Negotiator {
    Negotiator::new("127.0.0.1:20000".parse().unwrap(), &[], 77 << 33)
}

fn offer(media: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{media}")
}

fn text(bytes: &Bytes) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn our_offer_names_both_laws_events_and_the_shared_port() {
    let mut negotiator = negotiator();
    let expected = "v=0\r\no=- 77 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
        m=audio 20000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\na=rtcp-mux\r\n";
    assert_eq!(text(&negotiator.offer()), expected);
    assert!(
        text(&negotiator.offer()).contains("o=- 77 2 "),
        "the next version"
    );
    negotiator.set_hold(true);
    assert!(text(&negotiator.offer()).contains("a=sendonly"));
}

#[test]
fn an_answer_takes_the_peers_first_law_and_its_payload_types() {
    let media =
        "m=audio 4000 RTP/AVP 18 0 8 96\r\na=rtpmap:18 G729/8000\r\na=rtpmap:96 telephone-event/8000\r\n";
    let (answer, agreed) = negotiator().answer(offer(media).as_bytes()).unwrap();
    assert!(
        text(&answer).contains("m=audio 20000 RTP/AVP 0 96\r\n"),
        "{answer:?}"
    );
    assert!(!text(&answer).contains("rtcp-mux"), "not offered");
    assert_eq!(
        (agreed.law, agreed.payload_type, agreed.event_type),
        (Law::Mu, 0, Some(96))
    );
    assert_eq!(agreed.rtp, "192.0.2.1:4000".parse().unwrap());
    assert_eq!(agreed.rtcp, "192.0.2.1:4001".parse().unwrap());
    assert!(agreed.send && agreed.receive && !agreed.mux);
}

#[test]
fn other_media_is_refused_in_its_place() {
    let media = "m=video 4002 RTP/AVP 31\r\nm=audio 0 RTP/AVP 8\r\nm=audio 4000 RTP/AVP 97\r\nc=IN IP6 ::1\r\n\
        a=rtpmap:97 PCMA/8000/1\r\na=rtcp:4100 IN IP6 ::2\r\na=rtcp-mux\r\nm=audio 4004 RTP/SAVP 8\r\n";
    let (answer, agreed) = negotiator().answer(offer(media).as_bytes()).unwrap();
    let lines: Vec<_> = text(&answer)
        .lines()
        .filter(|line| line.starts_with("m="))
        .collect();
    assert_eq!(
        lines,
        [
            "m=video 0 RTP/AVP 31",
            "m=audio 0 RTP/AVP 8",
            "m=audio 20000 RTP/AVP 97",
            "m=audio 0 RTP/SAVP 8"
        ]
    );
    assert!(text(&answer).contains("a=rtcp-mux"));
    assert_eq!(
        (agreed.rtp, agreed.rtcp, agreed.mux),
        ("[::1]:4000".parse().unwrap(), agreed.rtp, true)
    );
}

#[test]
fn hold_is_understood_in_all_its_forms() {
    let agreed = |media: &str| negotiator().answer(offer(media).as_bytes()).unwrap();
    for (direction, send, receive, back) in [
        ("sendrecv", true, true, "sendrecv"),
        ("sendonly", false, true, "recvonly"),
        ("recvonly", true, false, "sendonly"),
        ("inactive", false, false, "inactive"),
    ] {
        let (answer, agreed) = agreed(&format!("m=audio 4000 RTP/AVP 8\r\na={direction}\r\n"));
        assert_eq!((agreed.send, agreed.receive), (send, receive), "{direction}");
        assert!(text(&answer).contains(&format!("a={back}\r\n")), "{direction}");
    }
    let (answer, held) = agreed("m=audio 4000 RTP/AVP 8\r\nc=IN IP4 0.0.0.0\r\n");
    assert!(!held.send && held.receive && text(&answer).contains("a=recvonly"));
    let mut holding = negotiator();
    holding.set_hold(true);
    let (answer, _) = holding
        .answer(offer("m=audio 4000 RTP/AVP 8\r\n").as_bytes())
        .unwrap();
    assert!(text(&answer).contains("a=sendonly"));
}

#[test]
fn two_negotiators_agree_with_each_other() {
    let (mut caller, mut callee) = (
        negotiator(),
        Negotiator::new("127.0.0.1:30000".parse().unwrap(), &[Law::Mu], 1),
    );
    let (answer, at_callee) = callee.answer(&caller.offer()).unwrap();
    let at_caller = caller.take_answer(&answer).unwrap();
    assert_eq!((at_caller.law, at_callee.law), (Law::Mu, Law::Mu));
    assert_eq!((at_caller.rtp.port(), at_callee.rtp.port()), (30_000, 20_000));
    assert!(at_caller.mux && at_callee.mux && at_caller.event_type == Some(101));
}

#[test]
fn what_cannot_be_used_is_refused_with_its_reason() {
    let error = |text: &str| negotiator().answer(text.as_bytes()).unwrap_err();
    for bad in ["", "v=0\r\nnonsense\r\n", &offer("m=audio x RTP/AVP 8\r\n")] {
        assert!(matches!(error(bad), NegotiationError::Unreadable(_)), "{bad:?}");
    }
    for (media, expected) in [
        ("m=video 4000 RTP/AVP 31\r\n", NegotiationError::NoAudio),
        ("m=audio 0 RTP/AVP 8\r\n", NegotiationError::NoAudio),
        ("m=audio 4000 RTP/SAVP 8\r\n", NegotiationError::NoAudio),
        ("m=audio 4000 RTP/AVP 18\r\n", NegotiationError::NoCommonCodec),
        // A map overrides the static type.
        (
            "m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/16000\r\n",
            NegotiationError::NoCommonCodec,
        ),
        (
            "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 host.example\r\n",
            NegotiationError::NoAddress,
        ),
    ] {
        assert_eq!(error(&offer(media)), expected, "{media}");
    }
}

proptest! {
    #[test]
    fn any_octets_are_read_without_panic(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = negotiator().answer(&[offer("m=audio 1 RTP/AVP 8\r\n").as_bytes(), &octets].concat());
    }

    #[test]
    fn an_offer_of_any_lines_gets_as_many_media_lines_back(
        lines in prop::collection::vec("(m=audio 4000 RTP/AVP (0|8|18)|m=video 1 UDP x|a=(sendonly|rtcp:[0-9]{1,6}|rtpmap:[0-9]{1,3} [A-Z]{1,4}/8000)|c=IN IP4 1.2.3.4)", 0..12),
    ) {
        let offer = offer(&(lines.join("\r\n") + "\r\n"));
        if let Ok((answer, _)) = negotiator().answer(offer.as_bytes()) {
            let count = |text: &str| text.lines().filter(|line| line.starts_with("m=")).count();
            prop_assert_eq!(count(text(&answer)), count(&offer));
        }
    }
}

//! SIP messages and a session description, in sizes that occur in the field.

use std::fmt::Write as _;

use bytes::Bytes;

mod mix;

pub use mix::mix;

/// An audio offer of 334 octets as a telephone sends it: three codecs, telephone events, RTCP attributes.
pub const SDP: &str = "v=0\r\n\
o=- 1732160533 1732160533 IN IP4 192.0.2.71\r\n\
s=desk phone\r\n\
c=IN IP4 192.0.2.71\r\n\
t=0 0\r\n\
m=audio 16418 RTP/AVP 8 0 9 101\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:9 G722/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-15\r\n\
a=ptime:20\r\n\
a=rtcp:16419 IN IP4 192.0.2.71\r\n\
a=rtcp-xr:voip-metrics\r\n\
a=label:1\r\n\
a=sendrecv\r\n";

/// A message from its start line, header lines (without ends of line) and body; Content-Length is added.
pub(crate) fn compose(start: &str, headers: &[String], body: &str) -> Bytes {
    let mut text = String::with_capacity(2048);
    text.push_str(start);
    text.push_str("\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
    Bytes::from(text)
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim_start().to_owned()).collect()
}

/// An INVITE with [`SDP`] that came through one proxy: 1,267 octets.
pub fn invite_with_sdp() -> Bytes {
    let headers = lines(
        "Via: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bK-524287-1---c4f3a8e95b1d7f02;rport=5060
         Via: SIP/2.0/UDP 192.0.2.71:5062;branch=z9hG4bK-hy7ud2kq0vmx3;rport=5062;received=192.0.2.71
         Record-Route: <sip:198.51.100.20:5060;lr;transport=udp;ftag=8kq27xw1cz>
         Max-Forwards: 69
         From: \"Front Desk, Building 4\" <sip:7001@voice.example.com>;tag=8kq27xw1cz
         To: <sip:8000@voice.example.com;user=phone>
         Call-ID: 5f1c0b7a2d9e4860-1732160533@192.0.2.71
         CSeq: 20117 INVITE
         Contact: <sip:7001@192.0.2.71:5062;transport=udp>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-02005e4a10f7>\"
         User-Agent: Example-Desk-Phone/4.7.10 (build 20261101)
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY
         Supported: replaces, timer
         Session-Expires: 1800;refresher=uac
         P-Asserted-Identity: <sip:+493012345701@voice.example.com>
         Content-Type: application/sdp",
    );
    compose(
        "INVITE sip:8000@voice.example.com;user=phone SIP/2.0",
        &headers,
        SDP,
    )
}

/// The 200 OK to an INVITE, with [`SDP`]: 1,122 octets.
pub fn ok_with_sdp() -> Bytes {
    let headers = lines(
        "Via: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bK-524287-1---c4f3a8e95b1d7f02;rport=5060
         Via: SIP/2.0/UDP 192.0.2.71:5062;branch=z9hG4bK-hy7ud2kq0vmx3;rport=5062;received=192.0.2.71
         Record-Route: <sip:198.51.100.20:5060;lr;transport=udp;ftag=8kq27xw1cz>
         From: \"Front Desk, Building 4\" <sip:7001@voice.example.com>;tag=8kq27xw1cz
         To: <sip:8000@voice.example.com;user=phone>;tag=b2-0193c6e01f
         Call-ID: 5f1c0b7a2d9e4860-1732160533@192.0.2.71
         CSeq: 20117 INVITE
         Contact: <sip:8000@203.0.113.9:5060;transport=udp>
         Server: Example-Contact-Centre/0.1.0 (release)
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY, UPDATE
         Supported: replaces, timer
         Session-Expires: 1800;refresher=uac
         Require: timer
         Content-Type: application/sdp",
    );
    compose("SIP/2.0 200 OK", &headers, SDP)
}

/// A REGISTER with a digest answer: 944 octets.
pub fn register() -> Bytes {
    let headers = lines(
        "Via: SIP/2.0/UDP 192.0.2.71:5062;branch=z9hG4bK-w0e5ty81mnb2;rport
         Max-Forwards: 70
         From: \"Front Desk, Building 4\" <sip:7001@voice.example.com>;tag=q71m0cv2zx
         To: \"Front Desk, Building 4\" <sip:7001@voice.example.com>
         Call-ID: 0d4e7f21b8a84c3f-1732157902@192.0.2.71
         CSeq: 4012 REGISTER
         Contact: <sip:7001@192.0.2.71:5062;transport=udp>;expires=600;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-02005e4a10f7>\";reg-id=1
         Authorization: Digest username=\"7001\", realm=\"voice.example.com\", nonce=\"6740a1d5c0ffee19b2d87730\", uri=\"sip:voice.example.com\", response=\"9b1f6d2a73c8e4055ad0e1b7c2f38496\", algorithm=MD5, cnonce=\"4e81fa20\", qop=auth, nc=00000012
         User-Agent: Example-Desk-Phone/4.7.1 (build 20261101)
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY
         Supported: path, outbound, gruu
         Accept-Language: de, en;q=0.8
         X-Device-Place: Room 4.1170
         Expires: 600",
    );
    compose("REGISTER sip:voice.example.com SIP/2.0", &headers, "")
}

/// An INVITE with 60 header fields, as it looks behind several application servers: 4,740 octets.
pub fn invite_60_headers() -> Bytes {
    let mut headers = lines(
        "Max-Forwards: 63
         From: \"Front Desk, Building 4\" <sip:7001@voice.example.com>;tag=8kq27xw1cz
         To: <sip:8000@voice.example.com;user=phone>
         Call-ID: 5f1c0b7a2d9e4860-1732160533@192.0.2.71
         CSeq: 20117 INVITE
         Contact: <sip:7001@192.0.2.71:5062;transport=udp>
         User-Agent: Example-Desk-Phone/4.7.1 (build 20261101)
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY
         Supported: replaces, timer, outbound, path
         Session-Expires: 1800;refresher=uac
         Content-Type: application/sdp",
    );
    for hop in 1..=5 {
        headers.insert(
            0,
            format!(
                "Via: SIP/2.0/UDP 198.51.100.{hop}:5060;branch=z9hG4bK-{hop}ab07d-4c1e93f7-{hop}0;rport=5060"
            ),
        );
        headers.push(format!("Record-Route: <sip:198.51.100.{hop}:5060;lr;hop={hop}>"));
    }
    for (number, length) in (1..=38).zip((56..=73).cycle()) {
        let value: String = ('a'..='z').cycle().skip(number).take(length).collect();
        headers.push(format!("X-Application-{number:02}: {value}"));
    }
    compose(
        "INVITE sip:8000@voice.example.com;user=phone SIP/2.0",
        &headers,
        SDP,
    )
}

#[cfg(test)]
mod tests;

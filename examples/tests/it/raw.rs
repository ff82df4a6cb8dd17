//! Callers whose messages the phones of the other tests do not send.

use std::net::SocketAddr;

use media::phone::{PhoneConfig, Phones};
use tlib::MessageType;
use tlib::catalog::TreatmentType;
use tokio::net::UdpSocket;

use crate::desk::Desk;
use crate::site::{POINT, STEP, Site};

/// One call of a caller who writes every message by hand.
struct RawCaller {
    socket: UdpSocket,
    server: SocketAddr,
}

impl RawCaller {
    async fn new(site: &Site) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        Self {
            socket,
            server: site.cluster.addresses().sip,
        }
    }

    /// Sends a request of the call. CANCEL and the ACK of a refusal carry the branch of their INVITE; `to` has the tag
    /// when there is one.
    async fn send(&self, method: &str, branch: &str, target: &str, to: &str, number: u32, body: &str) {
        let us = self.socket.local_addr().unwrap();
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        let text = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK{branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:5550100@{us}>;tag=raw\r\n{to}\r\nCall-ID: raw@{us}\r\n\
             CSeq: {number} {method}\r\nContact: <sip:5550100@{us}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.send_to(text.as_bytes(), self.server).await.unwrap();
    }

    async fn invite(&self, body: &str) {
        let target = format!("sip:{POINT}@{}", self.server);
        self.send("INVITE", "1", &target, &format!("To: <{target}>"), 1, body)
            .await;
    }

    /// The final response.
    async fn answer(&self) -> String {
        self.until(|text| text.starts_with("SIP/2.0 ") && !text.starts_with("SIP/2.0 1"))
            .await
    }

    async fn until(&self, wanted: impl Fn(&str) -> bool) -> String {
        let mut buffer = vec![0; 65_536];
        let found = async {
            loop {
                let size = self.socket.recv(&mut buffer).await.unwrap();
                let text = String::from_utf8_lossy(&buffer[..size]).into_owned();
                if wanted(&text) {
                    return text;
                }
            }
        };
        tokio::time::timeout(STEP, found)
            .await
            .expect("no such message came")
    }
}

/// The first line that starts so.
fn line<'a>(message: &'a str, start: &str) -> &'a str {
    message
        .lines()
        .find(|line| line.starts_with(start))
        .unwrap_or_else(|| panic!("no `{start}` in\n{message}"))
}

/// Address in angle brackets.
fn address(line: &str) -> &str {
    line.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .unwrap()
        .0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_offers_nothing_is_offered_audio_and_hears_the_menu() {
    let site = Site::start().await;
    let mut desk = Desk::connect(&site, &[POINT]).await;
    let phones = Phones::start(PhoneConfig::default());
    let mut audio = phones.endpoint().await.unwrap();
    let caller = RawCaller::new(&site).await;
    caller.invite("").await;
    let accepted = caller.answer().await;
    assert!(accepted.starts_with("SIP/2.0 200 "), "{accepted}");
    let (_, offer) = accepted.split_once("\r\n\r\n").unwrap();
    let answer = audio.answer(offer.as_bytes()).unwrap();
    let (to, target) = (line(&accepted, "To:"), address(line(&accepted, "Contact:")));
    caller
        .send("ACK", "2", target, to, 1, std::str::from_utf8(&answer).unwrap())
        .await;
    desk.until_treatment(TreatmentType::PLAY_ANNOUNCEMENT_AND_DIGITS)
        .await;
    let heard = async { while audio.stats().await.unwrap().loud_frames < 10 {} };
    tokio::time::timeout(STEP, heard).await.expect("nothing is heard");
    caller.send("BYE", "3", target, to, 2, "").await;
    let gone = caller.until(|text| text.contains("CSeq: 2 BYE")).await;
    assert!(gone.starts_with("SIP/2.0 200 "), "{gone}");
    desk.until(MessageType::EVENT_ABANDONED, POINT).await;
    site.idle().await;
}

/// Spec: RFC 3261 §13.3.1.3, §21.4.26
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_a_codec_of_ours_is_refused_at_once() {
    let site = Site::start().await;
    let mut desk = Desk::connect(&site, &[POINT]).await;
    let caller = RawCaller::new(&site).await;
    let opus = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n";
    caller.invite(opus).await;
    let refused = caller.answer().await;
    assert!(refused.starts_with("SIP/2.0 488 "), "{refused}");
    assert!(line(&refused, "Warning:").contains(" 305 "), "{refused}");
    let target = format!("sip:{POINT}@{}", site.cluster.addresses().sip);
    caller
        .send("ACK", "1", &target, line(&refused, "To:"), 1, "")
        .await;
    desk.until(MessageType::EVENT_ABANDONED, POINT).await;
    insta::assert_snapshot!(desk.log_of_ended(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitoring_station_gets_an_answer_to_its_ping() {
    let site = Site::start().await;
    let caller = RawCaller::new(&site).await;
    let target = format!("sip:{}", site.cluster.addresses().sip);
    caller
        .send("OPTIONS", "1", &target, &format!("To: <{target}>"), 1, "")
        .await;
    let answer = caller.answer().await;
    assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    for method in ["INVITE", "ACK", "BYE", "CANCEL", "REGISTER"] {
        assert!(line(&answer, "Allow:").contains(method), "{answer}");
    }
}

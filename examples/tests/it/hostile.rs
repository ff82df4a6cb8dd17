//! What nobody should send, in thousands, and a call afterwards.

use std::net::SocketAddr;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use reference::sim::phone::Line;
use tlib::codec::{FrameHead, Tlx1, WireCodec};
use tlib::control::request;
use tlib::{AttributeId, KvList, Message, MessageType, ReferenceId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::desk::Desk;
use crate::flow::call_and_press;
use crate::site::{POINT, STEP, Site};

const INPUTS: usize = 1_000;
const STREAMS: usize = 100;

/// Input damaged in one of the ways in which input is.
fn damaged(random: &mut StdRng, whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    match random.random_range(0..6) {
        0 => bytes.truncate(random.random_range(0..whole.len())),
        1 => {
            for _ in 0..random.random_range(1..=8) {
                let at = random.random_range(0..bytes.len());
                bytes[at] = random.random();
            }
        }
        2 => {
            let at = random.random_range(0..bytes.len());
            let count = random.random_range(1..=64.min(bytes.len() - at));
            bytes.drain(at..at + count);
        }
        3 => {
            let at = random.random_range(0..bytes.len());
            let junk: Vec<u8> = (0..random.random_range(1..200))
                .map(|_| random.random())
                .collect();
            bytes.splice(at..at, junk);
        }
        4 => {
            // A part twice: headers, attributes, lengths that no longer fit.
            let at = random.random_range(0..bytes.len());
            let end = random.random_range(at..=bytes.len());
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        _ => random.fill_bytes(&mut bytes),
    }
    bytes
}

/// Messages that are well-formed when they are whole. The number that the INVITE calls does not exist, so that one
/// which survives its damage is refused and does not leave a call that waits for our ACK.
fn sip_messages(server: SocketAddr, us: SocketAddr, serial: usize) -> Vec<String> {
    let head = |line: &str, method: &str| {
        format!(
            "{line} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK-{method}-{serial};rport\r\nMax-Forwards: 70\r\n\
             From: \"A \\\" B\" <sip:5550100@{us}>;tag=f{serial}\r\nTo: <sip:4711@{server}>\r\n\
             Call-ID: hostile-{serial}@{us}\r\nCSeq: {serial} {method}\r\nContact: <sip:5550100@{us}>\r\n"
        )
    };
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 101\r\n\
               a=rtpmap:101 telephone-event/8000\r\n";
    let body = format!(
        "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    let none = "Content-Length: 0\r\n\r\n";
    let digest = "Authorization: Digest username=\"1001\", realm=\"cti.example\", nonce=\"00\", \
                  uri=\"sip:127.0.0.1\", response=\"00000000000000000000000000000000\", qop=auth, nc=00000001, \
                  cnonce=\"0\", algorithm=MD5\r\n";
    vec![
        head(&format!("INVITE sip:4711@{server}"), "INVITE") + &body,
        head(&format!("REGISTER sip:{server}"), "REGISTER") + digest + "Expires: 60\r\n" + none,
        head(&format!("OPTIONS sip:{server}"), "OPTIONS") + "Accept: a/b;q=0.5, */*\r\n" + none,
        head(&format!("BYE sip:4711@{server}"), "BYE") + none,
        head(&format!("CANCEL sip:4711@{server}"), "CANCEL") + none,
        head(&format!("ACK sip:4711@{server}"), "ACK") + none,
        head(&format!("NOTIFY sip:4711@{server}"), "NOTIFY") + "Event: talk\r\n" + none,
        head("SIP/2.0 200 OK", "INVITE").replacen(" SIP/2.0\r\n", "\r\n", 1) + &body,
    ]
}

async fn storm_sip(site: &Site) {
    let server = site.cluster.addresses().sip;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let us = socket.local_addr().unwrap();
    let mut random = StdRng::seed_from_u64(0x51b);
    for serial in 0..INPUTS {
        let messages = sip_messages(server, us, serial);
        let whole = messages[random.random_range(0..messages.len())].as_bytes();
        socket
            .send_to(&damaged(&mut random, whole), server)
            .await
            .unwrap();
        // As many as the socket buffers of the host hold is not the point.
        if serial % 50 == 49 {
            site.cluster.node().stats().await;
        }
    }
    // An INVITE for the routing point that was cut off, by any number of bytes, is no call.
    let whole = sip_messages(server, us, INPUTS)[0].replace("4711", POINT);
    for _ in 0..INPUTS / 10 {
        let cut = random.random_range(0..whole.len());
        socket.send_to(&whole.as_bytes()[..cut], server).await.unwrap();
    }
    for serial in 0..STREAMS {
        let messages = sip_messages(server, us, 2 * INPUTS + serial);
        let whole = messages[random.random_range(0..messages.len())].as_bytes();
        throw(server, &damaged(&mut random, whole)).await;
    }
}

/// Sends bytes over TCP, says that there are no more, and waits until the server closes too.
async fn throw(server: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let exchange = async {
        // The server may close at the first byte that is wrong.
        if stream.write_all(bytes).await.is_ok() && stream.shutdown().await.is_ok() {
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
        }
    };
    tokio::time::timeout(STEP, exchange)
        .await
        .expect("the server keeps a connection that the client closed");
}

/// A frame of a client that does not count its frames.
fn frame(message: &Message) -> Vec<u8> {
    let head = FrameHead::default();
    let mut bytes = bytes::BytesMut::new();
    Tlx1::default().encode(head, message, &mut bytes).unwrap();
    bytes.to_vec()
}

async fn storm_tlib(site: &Site) {
    let server = site.cluster.addresses().tlib;
    let mut random = StdRng::seed_from_u64(0x71b);
    let hello = frame(&request::register_client("hostile", None));
    let nested = (0..8).fold(KvList::new().with("end", 1), |list, level| {
        KvList::new().with(level.to_string(), list)
    });
    let asked = |message: Message| frame(&message.with(AttributeId::REFERENCE_ID, ReferenceId(7)));
    let whole = [
        hello.clone(),
        asked(request::register_address("1001")),
        asked(request::make_call(
            "1001",
            POINT,
            KvList::new().with("a", "b").with("nested", nested),
        )),
        asked(request::agent_login("1001", "1001", None)),
        asked(Message::new(MessageType::REQUEST_QUERY_SERVER)),
        asked(Message::new(MessageType(60_000)).with(AttributeId(60_000), "unknown")),
    ];
    for _ in 0..INPUTS {
        let mut bytes = if random.random_bool(0.5) {
            hello.clone()
        } else {
            Vec::new()
        };
        let frame = &whole[random.random_range(0..whole.len())];
        bytes.extend(damaged(&mut random, frame));
        throw(server, &bytes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_malformed_messages_leave_a_server_that_serves_calls() {
    let site = Site::start().await;
    storm_sip(&site).await;
    storm_tlib(&site).await;
    site.idle().await;
    let stats = site.cluster.node().stats().await;
    let arrived = stats.endpoint.datagrams_in;
    assert!(arrived >= INPUTS as u64, "only {arrived} datagrams arrived");
    assert!(stats.endpoint.malformed > 100, "{:?}", stats.endpoint);
    assert!(stats.server.malformed_total > 100, "{:?}", stats.server);
    assert_eq!(site.bindings().await, 0);
    assert_eq!(stats.engine.unwrap().calls_created_total, 0);

    let mut agent = site.phone("1001", Line::auto_answer(Duration::ZERO)).await;
    let mut customer = site.customer("5550100").await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    desk.ready("1001").await;
    let call = call_and_press(&mut customer, &mut desk, "1").await;
    agent.incoming().await;
    customer.joined(call).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1001").await;
    customer.hang_up(call).await;
    site.idle().await;
    let clients = site.cluster.node().stats().await.engine.unwrap().clients;
    assert_eq!(
        clients, 2,
        "besides the router and our desk somebody is still connected"
    );
}

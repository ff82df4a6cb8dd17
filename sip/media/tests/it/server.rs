//! Limits, refusals and the end of the media server.

use std::net::UdpSocket;
use std::time::Duration;

use bytes::Bytes;
use media::net::PortRange;
use media::phone::{PhoneConfig, PhoneError, Phones};
use media::rtcp::{Compound, RtcpPacket};
use media::rtp::Packet;
use media::server::LocalMediaConfig;
use sip::media::{
    MediaCommand, MediaEvent, MediaId, MediaRequest, MediaResult, MediaServer, OpId, RefusalKind,
};

use crate::loopback::{ID, call, next, now, start, tell};

/// The reason of a refusal of this kind.
fn refused(event: MediaEvent, expected: RefusalKind) -> String {
    match event {
        MediaEvent::Refused { kind, reason, .. } if kind == expected => reason,
        other => panic!("{other:?}"),
    }
}

/// A pair of ports that was free a moment ago.
fn free_pair() -> u16 {
    loop {
        let port = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
            & !1;
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_and_ports_are_limited_and_come_back() {
    let (mut media, handle) = start(LocalMediaConfig::default().with_max_sessions(1));
    tell(&mut media, MediaCommand::Open { id: ID, offer: None });
    assert!(matches!(next(&mut media).await, MediaEvent::Opened { .. }));
    tell(
        &mut media,
        MediaCommand::Open {
            id: MediaId(2),
            offer: None,
        },
    );
    assert_eq!(
        refused(next(&mut media).await, RefusalKind::Exhausted),
        "all 1 media sessions are in use"
    );
    tell(&mut media, MediaCommand::Close { id: ID });
    tell(
        &mut media,
        MediaCommand::Open {
            id: MediaId(2),
            offer: None,
        },
    );
    assert!(matches!(next(&mut media).await, MediaEvent::Opened { .. }));
    handle.shutdown().await;

    let port = free_pair();
    let ports = PortRange::Within(port..=port + 1);
    let (mut media, handle) = start(LocalMediaConfig::default().with_ports(ports));
    tell(&mut media, MediaCommand::Open { id: ID, offer: None });
    let MediaEvent::Opened { sdp, .. } = next(&mut media).await else {
        panic!("not opened")
    };
    assert!(String::from_utf8_lossy(&sdp).contains(&format!("m=audio {port} ")));
    tell(
        &mut media,
        MediaCommand::Open {
            id: MediaId(2),
            offer: None,
        },
    );
    assert_eq!(
        refused(next(&mut media).await, RefusalKind::Exhausted),
        "no rtp port on 127.0.0.1: all rtp ports are in use"
    );
    assert_eq!(handle.stats().await.unwrap().refused, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_offer_and_a_bad_answer_are_refused_and_leave_nothing_behind() {
    let (mut media, handle) = start(LocalMediaConfig::default());
    let offer = Some(Bytes::from_static(
        b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n",
    ));
    tell(&mut media, MediaCommand::Open { id: ID, offer });
    assert!(refused(next(&mut media).await, RefusalKind::NoCommonMedia).starts_with("no codec in common"));
    tell(&mut media, MediaCommand::Open { id: ID, offer: None });
    assert!(
        matches!(next(&mut media).await, MediaEvent::Opened { .. }),
        "the id is free"
    );
    let request = MediaRequest::Silence { duration: None };
    tell(
        &mut media,
        MediaCommand::Run {
            id: ID,
            op: OpId(4),
            request,
        },
    );
    tell(
        &mut media,
        MediaCommand::Answer {
            id: ID,
            sdp: Bytes::from_static(b"nonsense"),
        },
    );
    assert!(matches!(
        next(&mut media).await,
        MediaEvent::Ended { op: OpId(4), .. }
    ));
    assert!(refused(next(&mut media).await, RefusalKind::BadDescription).starts_with("unreadable"));
    assert_eq!(handle.stats().await.unwrap().sessions, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_ends_what_runs_and_frees_the_ports() {
    let (mut media, handle) = start(LocalMediaConfig::default());
    let phones = Phones::start(PhoneConfig::default());
    let mut caller = phones.endpoint().await.unwrap();
    call(&mut media, &mut caller, ID).await;
    let request = MediaRequest::Music {
        source: None,
        duration: None,
    };
    tell(
        &mut media,
        MediaCommand::Run {
            id: ID,
            op: OpId(1),
            request,
        },
    );
    assert!(matches!(next(&mut media).await, MediaEvent::Started { .. }));
    handle.shutdown().await;
    let ended = next(&mut media).await;
    assert!(matches!(
        ended,
        MediaEvent::Ended {
            result: MediaResult::Completed,
            ..
        }
    ));
    assert_eq!(
        refused(next(&mut media).await, RefusalKind::Unavailable),
        "media server shuts down"
    );
    tell(&mut media, MediaCommand::Open { id: ID, offer: None });
    assert_eq!(
        refused(next(&mut media).await, RefusalKind::Unavailable),
        "media server is shut down"
    );
    assert!(handle.stats().await.is_none());

    let address = caller.local_address();
    phones.shutdown().await;
    UdpSocket::bind(address).unwrap();
    assert!(matches!(caller.stats().await, Err(PhoneError::Closed)));
    assert!(phones.endpoint().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_datagrams_leave_the_session_playing() {
    let (mut media, handle) = start(LocalMediaConfig::default());
    let phones = Phones::start(PhoneConfig::default());
    let mut caller = phones.endpoint().await.unwrap();
    tell(
        &mut media,
        MediaCommand::Open {
            id: ID,
            offer: Some(caller.offer()),
        },
    );
    let MediaEvent::Opened { sdp, .. } = next(&mut media).await else {
        panic!("not opened")
    };
    let text = String::from_utf8_lossy(&sdp).into_owned();
    let port: u16 = text
        .split("m=audio ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    caller.take_answer(&sdp).unwrap();
    while caller.stats().await.unwrap().frames < 3 {}

    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut random = media::random::Random::new(42);
    for _ in 0..1_000 {
        let len = random.below(60) as usize;
        let datagram: Vec<u8> = (0..len).map(|_| random.next_u32() as u8).collect();
        stranger.send_to(&datagram, ("127.0.0.1", port)).unwrap();
    }
    let heard = caller.stats().await.unwrap().frames;
    while caller.stats().await.unwrap().frames < heard + 10 {}
    assert!(handle.stats().await.unwrap().rejected_packets > 0);
    tell(&mut media, MediaCommand::Stop { id: ID });
    let request = MediaRequest::Silence {
        duration: Some(Duration::from_millis(20)),
    };
    tell(
        &mut media,
        MediaCommand::Run {
            id: ID,
            op: OpId(1),
            request,
        },
    );
    assert!(matches!(next(&mut media).await, MediaEvent::Started { .. }));
    assert!(matches!(next(&mut media).await, MediaEvent::Ended { .. }));
    assert_eq!(media.poll_timeout(), None);
    media.handle_timeout(now());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callers_hear_music_and_leave_nothing_behind() {
    let (mut media, handle) = start(LocalMediaConfig::default());
    let phones = Phones::start(PhoneConfig::default());
    let mut callers = Vec::new();
    for id in 0..100 {
        let mut caller = phones.endpoint().await.unwrap();
        call(&mut media, &mut caller, MediaId(id)).await;
        let request = MediaRequest::Music {
            source: None,
            duration: None,
        };
        tell(
            &mut media,
            MediaCommand::Run {
                id: MediaId(id),
                op: OpId(id),
                request,
            },
        );
        assert!(matches!(next(&mut media).await, MediaEvent::Started { .. }));
        callers.push(caller);
    }
    for caller in &callers {
        while caller.stats().await.unwrap().loud_frames < 25 {}
    }
    let stats = handle.stats().await.unwrap();
    assert_eq!(
        (stats.sessions, stats.opened, stats.rejected_packets),
        (100, 100, 0),
        "{stats:?}"
    );
    assert!(
        stats.sent_packets >= 2_500 && stats.received_packets >= 2_500,
        "{stats:?}"
    );
    assert_eq!(stats.sockets.send_errors, 0);
    drop(callers);
    for id in 0..100 {
        tell(&mut media, MediaCommand::Close { id: MediaId(id) });
    }
    let stats = handle.stats().await.unwrap();
    assert_eq!(stats.sessions, 0);
    assert!(stats.sent_packets >= 2_500, "counters outlive their sessions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_without_multiplexing_gets_its_reports_on_the_odd_port() {
    let port = free_pair();
    let rtp = tokio::net::UdpSocket::bind(("127.0.0.1", port)).await.unwrap();
    let rtcp = tokio::net::UdpSocket::bind(("127.0.0.1", port + 1))
        .await
        .unwrap();
    let (mut media, _handle) = start(LocalMediaConfig::default());
    let offer = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    );
    tell(
        &mut media,
        MediaCommand::Open {
            id: ID,
            offer: Some(offer.into()),
        },
    );
    let MediaEvent::Opened { sdp, .. } = next(&mut media).await else {
        panic!("not opened")
    };
    assert!(!String::from_utf8_lossy(&sdp).contains("rtcp-mux"));
    let mut buffer = [0; 2_048];
    let (len, from) = rtp.recv_from(&mut buffer).await.unwrap();
    let packet = Packet::parse(&buffer[..len]).unwrap();
    assert_eq!((packet.payload_type, packet.payload.len()), (0, 160));
    let ssrc = packet.ssrc;
    tell(&mut media, MediaCommand::Close { id: ID });
    let (len, report_from) = rtcp.recv_from(&mut buffer).await.unwrap();
    assert_eq!(report_from.port(), from.port() + 1);
    let compound = Compound::parse(&buffer[..len]).unwrap();
    let bye = compound.packets.last().unwrap();
    assert_eq!(*bye, RtcpPacket::Bye { sources: vec![ssrc] });
    assert!(matches!(compound.packets[0], RtcpPacket::SenderReport { .. }));
}

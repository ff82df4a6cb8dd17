//! Several wire formats on one port.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, BytesMut};
use tlib::codec::{DecodeError, Decoded, EncodeError, FrameHead, FrameLimits, Probe, Tlx1, WireCodec};
use tlib::{
    AttributeId, CallControl, CallControlExt, ClientConfig, KvList, Message, MessageType, ReferenceId,
    ServerConfig,
};

use crate::support::{LOOPBACK, address, server};

/// TLX/1 with a byte before every frame: another format that nobody else speaks.
#[derive(Debug, Default)]
struct Marked(Tlx1);

const MARK: u8 = b'#';

impl WireCodec for Marked {
    fn name(&self) -> &'static str {
        "marked"
    }

    fn probe(&self, first: &[u8]) -> Probe {
        match first {
            [] => Probe::NeedMore,
            [MARK, rest @ ..] => self.0.probe(rest),
            _ => Probe::NoMatch,
        }
    }

    fn encode(&self, head: FrameHead, message: &Message, output: &mut BytesMut) -> Result<(), EncodeError> {
        let mut frame = BytesMut::new();
        self.0.encode(head, message, &mut frame)?;
        output.extend_from_slice(&[MARK]);
        output.extend_from_slice(&frame);
        Ok(())
    }

    fn decode(&self, input: &mut BytesMut) -> Result<Decoded, DecodeError> {
        let mut rest = BytesMut::from(input.get(1..).unwrap_or_default());
        let before = rest.len();
        let decoded = self.0.decode(&mut rest)?;
        if matches!(decoded, Decoded::Frame(_)) {
            input.advance(1 + before - rest.len());
        }
        Ok(decoded)
    }
}

/// TLX/1 that counts how often it encodes `EventAgentLogin`.
#[derive(Debug, Default)]
struct Counting {
    codec: Tlx1,
    logins: AtomicUsize,
}

impl WireCodec for Counting {
    fn name(&self) -> &'static str {
        self.codec.name()
    }

    fn probe(&self, first: &[u8]) -> Probe {
        self.codec.probe(first)
    }

    fn encode(&self, head: FrameHead, message: &Message, output: &mut BytesMut) -> Result<(), EncodeError> {
        if message.message_type == MessageType::EVENT_AGENT_LOGIN {
            self.logins.fetch_add(1, Ordering::Relaxed);
        }
        self.codec.encode(head, message, output)
    }

    fn readdress(&self, head: FrameHead, frame: &mut [u8]) -> bool {
        self.codec.readdress(head, frame)
    }

    fn decode(&self, input: &mut BytesMut) -> Result<Decoded, DecodeError> {
        self.codec.decode(input)
    }
}

#[cfg(feature = "testing")]
mod contract {
    mod tlx {
        tlib::codec_suite!(tlib::codec::Tlx1::default());
    }

    mod marked {
        tlib::codec_suite!(super::super::Marked::default());
    }
}

#[tokio::test]
async fn clients_of_two_formats_share_a_port_and_their_events() {
    let codecs: Vec<Arc<dyn WireCodec>> = vec![Arc::new(Tlx1::default()), Arc::new(Marked::default())];
    let server = server(ServerConfig::listening(LOOPBACK).with_codecs(codecs)).await;
    let (plain, _events) = ClientConfig::new(address(&server), "plain").build();
    let (marked, mut events) = ClientConfig::new(address(&server), "marked")
        .with_codec(Arc::new(Marked::default()))
        .build();
    plain.connect().await.unwrap();
    marked.connect().await.unwrap();
    plain.register_address("1001").await.unwrap();
    marked.register_address("1001").await.unwrap();
    plain.agent_login("1001", "7", None).await.unwrap();
    while let Some(event) = events.next().await {
        if event.message_type == MessageType::EVENT_AGENT_LOGIN {
            assert_eq!(event.agent_id(), Some("7"));
            return;
        }
    }
    panic!("the event did not come");
}

#[tokio::test]
async fn an_event_is_encoded_once_for_all_and_only_the_asking_client_gets_the_reference() {
    let codec = Arc::new(Counting::default());
    let codecs: Vec<Arc<dyn WireCodec>> = vec![Arc::clone(&codec) as _, Arc::new(Marked::default())];
    let server = server(ServerConfig::listening(LOOPBACK).with_codecs(codecs)).await;
    let mut clients = Vec::new();
    for number in 0..8 {
        let mut config = ClientConfig::new(address(&server), format!("client-{number}"));
        if number % 4 == 1 {
            config = config.with_codec(Arc::new(Marked::default()));
        }
        let (client, events) = config.build();
        client.connect().await.unwrap();
        client.register_address("1001").await.unwrap();
        clients.push((client, events));
    }
    let login = clients[3].0.agent_login("1001", "7", None).await.unwrap();
    assert_eq!(login.reference_id(), Some(ReferenceId(3)));
    let body = &login.attributes()[1..];
    for (number, (_, events)) in clients.iter_mut().enumerate() {
        loop {
            let event = events.next().await.unwrap();
            if event.message_type == MessageType::EVENT_AGENT_LOGIN {
                let asked = number == 3;
                assert_eq!(event.reference_id(), asked.then_some(ReferenceId(3)));
                assert_eq!(&event.attributes()[usize::from(asked)..], body);
                break;
            }
        }
    }
    assert_eq!(codec.logins.load(Ordering::Relaxed), 1);
    // Clients check the sequence numbers of what they get, so this answer proves that they went on.
    for (client, _) in &clients {
        client.register_address("1002").await.unwrap();
    }
}

#[tokio::test]
async fn an_event_beyond_the_limits_of_a_format_disconnects_the_client_instead_of_vanishing() {
    let tight = Tlx1::new(FrameLimits::default().with_frame_bytes(2000));
    let codecs: Vec<Arc<dyn WireCodec>> = vec![Arc::new(tight)];
    let server = server(ServerConfig::listening(LOOPBACK).with_codecs(codecs)).await;
    let (remote, mut events) = ClientConfig::new(address(&server), "remote").build();
    remote.connect().await.unwrap();
    remote.register_address("1001").await.unwrap();
    let (local, _local_events) = server.connect_local("local").await.unwrap();
    local.register_address("1001").await.unwrap();
    local.agent_login("1001", "7", None).await.unwrap();
    let reasons = KvList::new().with("why", "x".repeat(3000));
    let message =
        tlib::control::request::agent_not_ready("1001", tlib::catalog::AgentWorkMode::AUX_WORK, reasons);
    local.request(message).await.unwrap();
    loop {
        let event = events.next().await.unwrap();
        assert!(event.reasons().is_none());
        if event.message_type == MessageType::EVENT_SERVER_DISCONNECTED {
            assert!(event.int(AttributeId::ERROR_CODE).is_some());
            break;
        }
    }
    server.shutdown().await;
    assert_eq!(server.stats().unencodable_total, 1);
}

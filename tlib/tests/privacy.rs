//! What the crate writes into logs, at every level.
//!
//! A binary of its own with one test and one subscriber for the whole process: with a subscriber of one thread, a
//! parallel test without one that reaches a `tracing` callsite first leaves it cached as "nobody wants this".
#![cfg(feature = "tokio")]
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::fmt::{Debug, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tlib::catalog::AgentWorkMode;
use tlib::sim::{SimEndpoint, SimReply, SimSwitch};
use tlib::{CallControlExt, ClientConfig, DnConfig, KvList, MessageType, ServerConfig, TServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Two DNs that are longer than a port number, which logs may show.
const FIRST: &str = "555100123";
const SECOND: &str = "555100124";

/// Keeps everything that is logged, at every level.
#[derive(Clone, Default)]
struct Capture(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        attributes.record(&mut Line(&mut self.0.lock().unwrap()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
        write!(
            text,
            "{} {}:",
            event.metadata().level(),
            event.metadata().target()
        )
        .unwrap();
        event.record(&mut Line(&mut text));
        text.push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn logs_at_every_level_hold_no_numbers_names_or_attached_data() {
    let capture = Capture::default();
    tracing::subscriber::set_global_default(capture.clone()).expect("no other test in this binary");
    let shown = talk().await;
    let text = capture.0.lock().unwrap().clone();
    assert!(
        text.contains("RequestMakeCall") && text.contains("[redacted]"),
        "{text}"
    );
    for secret in [
        "tell-no-one",
        "agent-smith",
        "dentist",
        "Mustermann",
        "0301234567",
        "0307654321",
        "0309999999",
        FIRST,
        SECOND,
    ] {
        assert!(!text.contains(secret), "{secret} in:\n{text}");
    }
    assert!(!shown.contains("tell-no-one"), "{shown}");
}

/// Server and client say all they have to say, about secrets; answers how the client shows itself.
async fn talk() -> String {
    let mut switch = SimSwitch::new();
    switch.add(FIRST, SimEndpoint::new(SimReply::Rings));
    switch.add(SECOND, SimEndpoint::new(SimReply::Rings));
    let engine = TServerConfig::builder()
        .with_dn(DnConfig::extension(FIRST))
        .with_dn(DnConfig::extension(SECOND))
        .build()
        .unwrap();
    let server = ServerConfig::listening(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .start(engine, Box::new(switch))
        .await
        .unwrap();
    let address = server.local_addr().unwrap();
    let (client, mut events) = ClientConfig::new(address.to_string(), "desk")
        .with_password("tell-no-one")
        .build();
    client.connect().await.unwrap();
    client.register_address(FIRST).await.unwrap();
    client.register_address(SECOND).await.unwrap();
    client.agent_login(FIRST, "agent-smith", None).await.unwrap();
    let reasons = KvList::new().with("why", "dentist");
    client
        .agent_not_ready(FIRST, AgentWorkMode::AUX_WORK, reasons)
        .await
        .unwrap();
    let data = KvList::new().with("name", "Mustermann");
    let call = client.make_call(FIRST, SECOND, data).await.unwrap();
    let conn = call.conn_id().unwrap();
    while events.next().await.unwrap().message_type != MessageType::EVENT_RINGING {}
    client.answer_call(SECOND, conn).await.unwrap();
    client.release_call(SECOND, conn).await.unwrap();
    // Refusals are logged, too.
    client.make_call(FIRST, "0301234567", KvList::new()).await.ok();
    client.register_address("0307654321").await.unwrap_err();
    let mut stranger = TcpStream::connect(address).await.unwrap();
    stranger.write_all(b"TLX\x01 0309999999").await.unwrap();
    // The server closes without an answer; the system may report that as a reset.
    let mut answer = Vec::new();
    let _ = stranger.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "{answer:?}");
    client.disconnect().await;
    server.shutdown().await;
    format!("{client:?}")
}

//! What the tests of the server and the client share.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::BytesMut;
use tlib::codec::{Decoded, FrameHead, Tlx1, WireCodec};
use tlib::control::request;
use tlib::switch::{Switch, SwitchCommand, SwitchEvent};
use tlib::{DnConfig, Events, Message, MessageType, ServerConfig, ServerHandle, TServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A switch without lines: for tests of what needs no call.
pub(crate) struct QuietSwitch;

impl Switch for QuietSwitch {
    fn handle_command(&mut self, _: Instant, command: SwitchCommand) {
        panic!("nobody calls in this test: {command:?}");
    }

    fn poll_event(&mut self, _: Instant, _: &mut Context<'_>) -> Poll<SwitchEvent> {
        Poll::Pending
    }

    fn handle_timeout(&mut self, _: Instant) {}

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

/// Extensions 1001 and 1002 and the routing point 8000.
pub(crate) fn engine() -> TServerConfig {
    TServerConfig::builder()
        .with_dn(DnConfig::extension("1001"))
        .with_dn(DnConfig::extension("1002"))
        .with_dn(DnConfig::routing_point("8000"))
        .build()
        .unwrap()
}

pub(crate) async fn server(config: ServerConfig) -> ServerHandle {
    config.start(engine(), Box::new(QuietSwitch)).await.unwrap()
}

/// Address of the first listener as text.
pub(crate) fn address(server: &ServerHandle) -> String {
    server.local_addr().unwrap().to_string()
}

/// The next event, which must be of this type.
pub(crate) async fn expect(events: &mut Events, kind: MessageType) -> Arc<Message> {
    let event = events.next().await.unwrap();
    assert_eq!(event.message_type, kind, "{event:?}");
    event
}

/// A frame in TLX/1.
pub(crate) fn frame(message: &Message) -> BytesMut {
    let mut bytes = BytesMut::new();
    Tlx1::default()
        .encode(FrameHead::default(), message, &mut bytes)
        .unwrap();
    bytes
}

/// The first frame of a client.
pub(crate) fn hello() -> BytesMut {
    frame(&request::register_client("raw", None))
}

/// A peer that speaks TLX/1 by hand.
pub(crate) struct RawPeer {
    stream: TcpStream,
    input: BytesMut,
}

impl RawPeer {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
        }
    }

    pub(crate) async fn connect(server: &ServerHandle) -> Self {
        let address = server.local_addr().unwrap();
        Self::new(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Writes until everything is written or the server has closed.
    pub(crate) async fn write_some(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    pub(crate) async fn send(&mut self, message: &Message) {
        self.write(&frame(message)).await;
    }

    /// The next message; `None` at the end of the stream, whether it is closed or reset.
    pub(crate) async fn receive(&mut self) -> Option<Message> {
        loop {
            if let Decoded::Frame(frame) = Tlx1::default().decode(&mut self.input).unwrap() {
                return Some(frame.message);
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Ends our direction and reads until the server has closed its own.
    pub(crate) async fn finish(mut self) {
        // The server may have closed the connection before.
        let _ = self.stream.shutdown().await;
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest).await;
    }
}

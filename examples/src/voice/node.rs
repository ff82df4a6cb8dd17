//! A SIP Server node: SIP endpoint with B2BUA, registrar and media on one side, T-Library server on the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use media::net::PortRange;
use media::prompt::{PromptLimits, PromptStore};
use media::server::{LocalMedia, LocalMediaConfig, LocalMediaHandle, MediaStats};
use media::tone::ToneSet;
use sip::b2bua::{B2bua, B2buaConfig, B2buaStats};
use sip::endpoint::{Endpoint, EndpointConfig, EndpointEvents, EndpointHandle, EndpointStats};
use sip::registrar::{MemoryCredentials, RegistrarConfig};
use sip::ua::{Seed, UaConfig};
use tlib::server::{Listener, ServerError, ServerStats};
use tlib::{DnConfig, ServerConfig, ServerHandle, TServerConfig, TServerStats};

use super::{DialPlan, SipSwitch};
use crate::config::ClusterConfig;
use crate::framework::metrics::Exposition;
use crate::start::StartError;

/// Legs per call at most: the caller, the agent, and one in between while a call is routed again.
const LEGS_PER_CALL: usize = 3;
/// Commands and events that may wait between the SIP endpoint and the call model: some seconds of a busy node.
const QUEUE: usize = 65_536;
/// How long SIP gets to say good-bye when the node stops.
const DRAIN: Duration = Duration::from_secs(2);

/// A running node.
pub struct Node {
    endpoint: EndpointHandle<B2bua>,
    media: LocalMediaHandle,
    server: ServerHandle,
    tlib: SocketAddr,
}

/// Counters of a node; parts that are stopping are absent.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "plain counters")]
pub struct NodeStats {
    /// SIP messages and connections.
    pub endpoint: EndpointStats,
    /// Legs and registrations.
    pub b2bua: Option<B2buaStats>,
    /// Media sessions and packets.
    pub media: Option<MediaStats>,
    /// T-Library connections.
    pub server: ServerStats,
    /// Calls and requests.
    pub engine: Option<TServerStats>,
}

impl Node {
    /// Binds the SIP and T-Library ports and starts.
    ///
    /// # Errors
    ///
    /// [`StartError`] names the value of the configuration that cannot be had.
    pub async fn start(config: &ClusterConfig) -> Result<Self, StartError> {
        let (media_server, media) = start_media(config)?;
        let (endpoint, events) = start_sip(config, media_server).await?;
        let extensions = config.extensions.iter().map(|extension| extension.number.clone());
        let plan = DialPlan::new(extensions, config.sip.trunk.clone());
        let switch = SipSwitch::new(endpoint.clone(), events, plan);
        let server = match start_tlib(config, switch).await {
            Ok(server) => server,
            Err(error) => {
                endpoint.shutdown(Duration::ZERO).await;
                return Err(error);
            }
        };
        let tlib = server.local_addr().unwrap_or(config.tlib.listen);
        Ok(Self {
            endpoint,
            media,
            server,
            tlib,
        })
    }

    /// Address of the SIP port.
    pub fn sip_addr(&self) -> SocketAddr {
        self.endpoint.local_addr()
    }

    /// Address of the T-Library port.
    pub const fn tlib_addr(&self) -> SocketAddr {
        self.tlib
    }

    /// The T-Library server, for clients in this process.
    pub const fn tlib_server(&self) -> &ServerHandle {
        &self.server
    }

    /// Counters of now.
    pub async fn stats(&self) -> NodeStats {
        NodeStats {
            endpoint: self.endpoint.stats(),
            b2bua: self.endpoint.core_stats().await,
            media: self.media.stats().await,
            server: self.server.stats(),
            engine: self.server.engine_stats().await,
        }
    }

    /// Takes no more calls and ends those that are up, within two seconds.
    pub async fn drain(&self) {
        if !self.endpoint.shutdown(DRAIN).await {
            tracing::warn!("calls were still open at the end of the drain time");
        }
    }

    /// Closes the connections; calls that are still up are cut. Call [`Node::drain`] before.
    pub async fn shutdown(&self) {
        self.server.shutdown().await;
        self.media.shutdown().await;
    }
}

impl NodeStats {
    /// Writes the counters for `/metrics`.
    pub fn expose(&self, out: &mut Exposition) {
        let sip = &self.endpoint;
        let received = sip.datagrams_in + sip.stream_messages_in;
        let sent = sip.datagrams_out + sip.stream_messages_out;
        let connections =
            (sip.connections_accepted + sip.connections_opened).saturating_sub(sip.connections_closed);
        out.counter("sip_messages_received_total", "SIP messages received.", received);
        out.counter("sip_messages_sent_total", "SIP messages sent.", sent);
        out.counter(
            "sip_malformed_total",
            "SIP input dropped as malformed.",
            sip.malformed,
        );
        out.counter(
            "sip_events_lost_total",
            "SIP events that the call model missed.",
            sip.events_lost,
        );
        let refused = sip.connections_refused + sip.connections_refused_by_host;
        out.counter(
            "sip_connections_refused_total",
            "SIP connections refused by a limit.",
            refused,
        );
        out.gauge("sip_connections", "Open SIP connections.", connections);
        if let Some(b2bua) = &self.b2bua {
            out.gauge("sip_legs", "Legs now.", b2bua.legs);
            out.gauge("sip_bindings", "Registered contacts now.", b2bua.bindings);
            out.counter("sip_challenges_total", "Requests challenged.", b2bua.challenges);
            out.counter(
                "sip_loops_total",
                "Calls refused because they went in circles.",
                b2bua.loops,
            );
            out.counter(
                "sip_overload_total",
                "Calls refused by a limit.",
                b2bua.overload_refusals,
            );
        }
        if let Some(media) = &self.media {
            out.gauge("media_sessions", "Media sessions now.", media.sessions);
            out.counter(
                "media_sent_packets_total",
                "RTP packets sent.",
                media.sent_packets,
            );
            out.counter(
                "media_received_packets_total",
                "RTP packets received.",
                media.received_packets,
            );
            out.counter(
                "media_lost_packets_total",
                "RTP packets that did not come.",
                media.lost_packets,
            );
            out.counter("media_refused_total", "Media sessions refused.", media.refused);
        }
        out.gauge(
            "tlib_connections",
            "T-Library connections now.",
            self.server.connections_now,
        );
        out.counter(
            "tlib_malformed_total",
            "Connections closed for a bad frame.",
            self.server.malformed_total,
        );
        let failed = self.server.handshakes_failed_total;
        out.counter(
            "tlib_handshakes_failed_total",
            "Connections that never registered.",
            failed,
        );
        out.counter(
            "tlib_slow_clients_total",
            "Clients that did not keep up.",
            self.server.slow_clients_total,
        );
        if let Some(engine) = &self.engine {
            out.gauge("tserver_calls", "Calls now.", engine.calls);
            out.counter(
                "tserver_calls_total",
                "Calls created.",
                engine.calls_created_total,
            );
            out.counter(
                "tserver_calls_rejected_total",
                "Calls rejected.",
                engine.calls_rejected_total,
            );
            out.counter("tserver_requests_total", "T-Requests.", engine.requests_total);
            out.counter(
                "tserver_requests_refused_total",
                "T-Requests refused.",
                engine.requests_refused_total,
            );
            out.counter("tserver_events_total", "T-Events made.", engine.events_total);
        }
    }
}

fn start_media(config: &ClusterConfig) -> Result<(LocalMedia, LocalMediaHandle), StartError> {
    let mut prompts = PromptStore::new(ToneSet::default(), PromptLimits::default());
    prompts
        .load_folder(&config.media.prompts)
        .map_err(|error| StartError::value(config, "prompts", error))?;
    let (first, last) = config.media.rtp_ports;
    let media = LocalMediaConfig::default()
        .with_address(config.media.address)
        .with_ports(PortRange::Within(first..=last))
        .with_max_sessions(config.sip.max_calls);
    Ok(LocalMedia::start(media, Arc::new(prompts)))
}

async fn start_sip(
    config: &ClusterConfig,
    media: LocalMedia,
) -> Result<(EndpointHandle<B2bua>, EndpointEvents<B2bua>), StartError> {
    let legs = config.sip.max_calls * LEGS_PER_CALL;
    let ua = UaConfig::new(Seed::from_system()?).with_max_calls(legs);
    let registrar = RegistrarConfig::new(&config.sip.realm, Seed::from_system()?).with_algorithms(
        config
            .sip
            .digest_algorithms
            .iter()
            .copied()
            .map(Into::into)
            .collect(),
    );
    let b2bua = B2buaConfig::new(ua, registrar)
        .with_peers(
            config
                .sip
                .trunk_networks
                .iter()
                .copied()
                .map(Into::into)
                .collect(),
        )
        .with_max_legs(legs);
    let users = config
        .extensions
        .iter()
        .fold(MemoryCredentials::new(), |users, extension| {
            users.with_password(&extension.number, &extension.password)
        });
    let core = B2bua::new(b2bua, Box::new(users), Box::new(media));
    let mut endpoint = EndpointConfig::new(config.sip.listen).with_event_queue(QUEUE);
    endpoint.command_queue = QUEUE;
    Endpoint::bind(endpoint, core)
        .await
        .map_err(|reason| StartError::bind(config, "SIP", config.sip.listen, reason))
}

async fn start_tlib(config: &ClusterConfig, switch: SipSwitch) -> Result<ServerHandle, StartError> {
    let mut engine = TServerConfig::builder()
        .with_application_name("sip-server")
        .with_server_id(config.tlib.server_id)
        .with_no_answer_timeout_secs(config.sip.no_answer_secs)
        .with_limits(
            tlib::Limits::default()
                .with_calls(config.sip.max_calls)
                .with_clients(config.tlib.max_clients + LOCAL_CLIENTS),
        );
    for extension in &config.extensions {
        let mut dn = DnConfig::extension(&extension.number);
        dn.after_call_work_secs = Some(extension.after_call_work_secs);
        engine = engine.with_dn(dn);
    }
    for point in &config.routing_points {
        let dn = DnConfig::routing_point(&point.number);
        engine = engine.with_dn(match &point.default_destination {
            Some(number) => dn
                .with_default_destination(number)
                .with_route_timeout_secs(ROUTE_TIMEOUT_SECS),
            None => dn,
        });
    }
    let engine = engine
        .build()
        .map_err(|error| StartError::value(config, "[tlib]", error))?;
    let address = config.tlib.listen;
    let listener = match &config.tlib.tls {
        None => Listener::tcp(address),
        Some(tls) => {
            let certificate = tls.certificate.display().to_string();
            let server = tlib::tls::server_config(&tls.certificate, &tls.key, None)
                .map_err(|error| StartError::value(config, &certificate, error))?;
            Listener::tls(address, server)
        }
    };
    let mut server = ServerConfig::default()
        .with_listener(listener)
        .with_max_connections(config.tlib.max_clients);
    server.client_queue = QUEUE;
    server
        .start(engine, Box::new(switch))
        .await
        .map_err(|error| match error {
            ServerError::Bind { address, source } => StartError::bind(config, "T-Library", address, source),
            other => StartError::value(config, "[tlib]", other),
        })
}

/// Clients inside this process, beside those that connect.
const LOCAL_CLIENTS: usize = 16;
/// When a routing point with a default destination stops waiting for the router.
const ROUTE_TIMEOUT_SECS: u32 = 60;

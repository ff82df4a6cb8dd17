//! All layers in one process from one file.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::config::ClusterConfig;
use crate::framework::admin::{AdminPages, AdminServer, Collect};
use crate::framework::metrics::Exposition;
use crate::routing::{RoutingConfig, RoutingServer};
use crate::start::StartError;
use crate::voice::Node;

/// Time for everything to end after Ctrl-C.
const SHUTDOWN: Duration = Duration::from_secs(4);

/// The running deployment.
pub struct Cluster {
    node: Arc<Node>,
    router: Arc<RoutingServer>,
    admin: AdminServer,
    config: ClusterConfig,
}

/// Where a deployment listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain addresses")]
pub struct Addresses {
    /// SIP over UDP and TCP.
    pub sip: SocketAddr,
    /// T-Library.
    pub tlib: SocketAddr,
    /// Administration pages.
    pub http: SocketAddr,
}

impl Cluster {
    /// Starts every server; when one cannot start, those before it are stopped again.
    ///
    /// # Errors
    ///
    /// [`StartError`] is one line with the file, the place and the reason.
    pub async fn start(config: ClusterConfig) -> Result<Self, StartError> {
        let routing = RoutingConfig::load(&config)?;
        let node = Arc::new(Node::start(&config).await?);
        let router = match RoutingServer::start(routing, node.tlib_server().clone()).await {
            Ok(router) => Arc::new(router),
            Err(error) => {
                node.drain().await;
                node.shutdown().await;
                return Err(error);
            }
        };
        let pages = pages(&config, &node, &router);
        let admin = match AdminServer::start(config.http.listen, pages).await {
            Ok(admin) => admin,
            Err(reason) => {
                router.shutdown().await;
                node.drain().await;
                node.shutdown().await;
                return Err(StartError::bind(&config, "HTTP", config.http.listen, reason));
            }
        };
        admin.set_ready(true);
        Ok(Self {
            node,
            router,
            admin,
            config,
        })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        Addresses {
            sip: self.node.sip_addr(),
            tlib: self.node.tlib_addr(),
            http: self.admin.local_addr(),
        }
    }

    /// The SIP Server node inside.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The router inside.
    pub fn router(&self) -> &RoutingServer {
        &self.router
    }

    /// Ends calls, then connections, within five seconds.
    pub async fn shutdown(self) {
        self.admin.set_ready(false);
        let stop = async {
            self.node.drain().await;
            self.router.shutdown().await;
            self.node.shutdown().await;
            self.admin.shutdown().await;
        };
        if tokio::time::timeout(SHUTDOWN, stop).await.is_err() {
            tracing::warn!("not everything ended in time");
        }
    }
}

/// What a user wants to know first.
impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Addresses { sip, tlib, http } = self.addresses();
        writeln!(f, "  SIP         {sip} (UDP and TCP)")?;
        writeln!(f, "  T-Library   {tlib}")?;
        writeln!(f, "  HTTP        http://{http}/")?;
        let extensions: Vec<_> = self.config.extensions.iter().map(|e| e.number.as_str()).collect();
        if let (Some(first), Some(last)) = (extensions.first(), extensions.last()) {
            writeln!(
                f,
                "  phones      {first} to {last} ({} extensions)",
                extensions.len()
            )?;
        }
        for point in &self.config.routing_points {
            writeln!(
                f,
                "  call        {} runs {}",
                point.number,
                point.strategy.display()
            )?;
        }
        Ok(())
    }
}

fn pages(config: &ClusterConfig, node: &Arc<Node>, router: &Arc<RoutingServer>) -> AdminPages {
    let numbers: Vec<_> = config
        .routing_points
        .iter()
        .map(|point| point.number.as_str())
        .collect();
    let (node, router) = (Arc::clone(node), Arc::clone(router));
    AdminPages {
        title: "cti-sdk reference deployment".to_owned(),
        notes: vec![
            format!("SIP: {} (UDP and TCP)", node.sip_addr()),
            format!("T-Library: {}", node.tlib_addr()),
            format!("Numbers to call: {}", numbers.join(", ")),
        ],
        links: [
            ("/health", "Health"),
            ("/ready", "Readiness"),
            ("/metrics", "Metrics"),
        ]
        .map(|(address, text)| (address.to_owned(), text.to_owned()))
        .to_vec(),
        metrics: Box::new(move || collect(Arc::clone(&node), Arc::clone(&router))),
    }
}

fn collect(node: Arc<Node>, router: Arc<RoutingServer>) -> Collect {
    Box::pin(async move {
        let mut exposition = Exposition::new();
        node.stats().await.expose(&mut exposition);
        if let Some(stats) = router.stats().await {
            stats.expose(&mut exposition);
        }
        exposition
    })
}

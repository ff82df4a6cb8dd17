//! Administration pages of a server: `/health`, `/ready`, `/metrics`, and `/` with a page of links.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::framework::metrics::Exposition;

/// Connections at one time; more wait in the listener's queue.
const MAX_CONNECTIONS: usize = 64;
/// Time for a client to send its request line and headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Life of a connection, whatever it does.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);

/// What the pages show.
pub struct AdminPages {
    /// Name of the server, for the page's title.
    pub title: String,
    /// Links of the page: (address, text).
    pub links: Vec<(String, String)>,
    /// Lines of plain text shown on the page, for example addresses to call.
    pub notes: Vec<String>,
    /// Collects the metrics at the time of the request.
    pub metrics: Box<dyn Fn() -> Collect + Send + Sync>,
}

/// Metrics on their way.
pub type Collect = Pin<Box<dyn Future<Output = Exposition> + Send>>;

/// A running administration server.
pub struct AdminServer {
    address: SocketAddr,
    ready: Arc<AtomicBool>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    pages: AdminPages,
    ready: Arc<AtomicBool>,
}

impl AdminServer {
    /// Listens on `address` and serves until [`AdminServer::shutdown`].
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub async fn start(address: SocketAddr, pages: AdminPages) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let ready = Arc::new(AtomicBool::new(false));
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            pages,
            ready: Arc::clone(&ready),
        });
        let task = tokio::spawn(serve(listener, router(shared), stopped));
        Ok(Self {
            address,
            ready,
            stop,
            task,
        })
    }

    /// The bound address.
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Sets what `/ready` answers.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// Stops listening and ends open connections.
    pub async fn shutdown(self) {
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "administration server ended badly");
        }
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/health", get(|| async { "ok\n" }))
        .route("/ready", get(is_ready))
        .route("/metrics", get(metrics))
        .with_state(shared)
}

async fn serve(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let slot = tokio::select! {
            slot = Arc::clone(&slots).acquire_owned() => slot,
            _ = stopped.changed() => break,
        };
        let Ok(slot) = slot else { break };
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => break,
        };
        match stream {
            Ok((stream, _)) => {
                let router = router.clone();
                connections.spawn(async move {
                    connection(stream, router).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, router: Router) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Ok(Err(error)) = tokio::time::timeout(CONNECTION_TIMEOUT, served).await {
        tracing::debug!(%error, "administration connection");
    }
}

async fn is_ready(State(shared): State<Arc<Shared>>) -> (StatusCode, &'static str) {
    if shared.ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let exposition = (shared.pages.metrics)().await;
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        exposition.into_text(),
    )
}

async fn index(State(shared): State<Arc<Shared>>) -> Html<String> {
    let pages = &shared.pages;
    let links: String = pages
        .links
        .iter()
        .map(|(address, text)| format!("<li><a href=\"{}\">{}</a></li>\n", escape(address), escape(text)))
        .collect();
    let notes: String = pages
        .notes
        .iter()
        .map(|note| format!("<li>{}</li>\n", escape(note)))
        .collect();
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body style=\"font-family: sans-serif; max-width: 40em; margin: 2em auto\">\n\
         <h1>{title}</h1>\n<ul>\n{notes}</ul>\n<ul>\n{links}</ul>\n</body>\n</html>\n",
        title = escape(&pages.title),
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn pages() -> AdminPages {
        AdminPages {
            title: "a <server>".to_owned(),
            links: vec![("/metrics".to_owned(), "Metrics".to_owned())],
            notes: vec![],
            metrics: Box::new(|| {
                Box::pin(async {
                    let mut exposition = Exposition::new();
                    exposition.counter("x_total", "How many x.", 3);
                    exposition
                })
            }),
        }
    }

    #[tokio::test]
    async fn the_pages_answer_and_ready_follows_the_server() {
        let server = AdminServer::start(SocketAddr::from(([127, 0, 0, 1], 0)), pages())
            .await
            .unwrap();
        let address = server.local_addr();
        assert!(get(address, "/health").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/ready").await.starts_with("HTTP/1.1 503"));
        server.set_ready(true);
        assert!(get(address, "/ready").await.starts_with("HTTP/1.1 200"));
        assert!(
            get(address, "/metrics")
                .await
                .contains("# TYPE x_total counter\nx_total 3\n")
        );
        let page = get(address, "/").await;
        assert!(page.contains("a &lt;server&gt;") && page.contains("href=\"/metrics\""));
        assert!(get(address, "/none").await.starts_with("HTTP/1.1 404"));
        server.shutdown().await;
        assert!(TcpStream::connect(address).await.is_err());
    }
}

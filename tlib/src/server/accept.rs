//! Accepting connections of one listener.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use super::connection::Connection;
use super::stats::{Counters, Present};
use super::{Context, stop_asked};

/// Pause after a failure of accept, so that a full descriptor table does not take a whole core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts until the server stops.
pub(super) async fn run(
    socket: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    context: Arc<Context>,
    mut stopped: watch::Receiver<bool>,
    running: mpsc::Sender<()>,
) {
    let acceptor = tls.map(TlsAcceptor::from);
    let peers = stopped.clone();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = stop_asked(&mut stopped) => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                context.counters.accept_errors_total.add();
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&context.connections).try_acquire_owned() else {
            context.counters.connections_refused_total.add();
            tracing::warn!("connection refused: limit reached");
            continue;
        };
        context.counters.connections_total.add();
        let present = Present::new(Arc::clone(&context), |counters: &Counters| {
            &counters.connections_now
        });
        let connection = Connection::new(Arc::clone(&context), peers.clone());
        let (acceptor, running) = (acceptor.clone(), running.clone());
        tokio::spawn(async move {
            serve(connection, stream, acceptor).await;
            drop((present, permit, running));
        });
    }
}

/// Runs one connection to its end.
async fn serve(connection: Connection, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
    // Without it the small frames of an event wait for the acknowledgement of the one before; a socket that
    // refuses the option works all the same.
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => connection.run(async move { Ok(stream) }).await,
        Some(acceptor) => connection.run(acceptor.accept(stream)).await,
    }
}

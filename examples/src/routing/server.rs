//! Drives the desk: a T-Library client in this process, on a thread of its own because strategies hold a script
//! engine.

use std::future::pending;
use std::time::Duration;

use tlib::control::request;
use tlib::{CallControl, Events, LocalClient, MessageType, RequestError, ServerHandle};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::{DeskStats, RoutingConfig, RoutingDesk};
use crate::start::StartError;

/// Time before a lost connection is made again.
const RECONNECT: Duration = Duration::from_secs(1);
/// Events handled before requests and timers get their turn.
const BATCH: usize = 256;

/// A running router.
pub struct RoutingServer {
    control: mpsc::Sender<Control>,
}

enum Control {
    Stats(oneshot::Sender<DeskStats>),
    Stop(oneshot::Sender<()>),
}

/// How a connection ended.
enum End {
    Lost,
    Stopped(oneshot::Sender<()>),
    Dropped,
}

impl RoutingServer {
    /// Registers at the T-Server and starts to route. Ready when the strategies get their calls.
    ///
    /// # Errors
    ///
    /// [`StartError`] when there is no thread to be had or the T-Server refuses a registration.
    pub async fn start(config: RoutingConfig, server: ServerHandle) -> Result<Self, StartError> {
        let (control, controls) = mpsc::channel(16);
        let (ready, started) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        std::thread::Builder::new()
            .name("router".to_owned())
            .spawn(move || {
                runtime.block_on(run(config, server, controls, ready));
            })?;
        match started.await {
            Ok(Ok(())) => Ok(Self { control }),
            Ok(Err(error)) => Err(StartError::Router(error.to_string())),
            Err(_) => Err(StartError::Router("its thread ended".to_owned())),
        }
    }

    /// The counters; `None` when the router has stopped.
    pub async fn stats(&self) -> Option<DeskStats> {
        let (sender, receiver) = oneshot::channel();
        self.control.send(Control::Stats(sender)).await.ok()?;
        receiver.await.ok()
    }

    /// Stops routing; calls that wait stay at the T-Server.
    pub async fn shutdown(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.control.send(Control::Stop(sender)).await.is_ok() {
            // An error means that the thread is gone already.
            let _ = receiver.await;
        }
    }
}

async fn run(
    config: RoutingConfig,
    server: ServerHandle,
    mut controls: mpsc::Receiver<Control>,
    ready: oneshot::Sender<Result<(), RequestError>>,
) {
    let mut desk = RoutingDesk::new(now(), &config);
    let mut ready = Some(ready);
    loop {
        let connected = connect(&server, &config).await;
        let (client, mut events) = match connected {
            Ok(connected) => connected,
            Err(error) => {
                if let Some(ready) = ready.take() {
                    let _ = ready.send(Err(error));
                    return;
                }
                tracing::error!(%error, "the router cannot connect");
                match pause(&mut desk, &mut controls).await {
                    End::Lost => continue,
                    End::Stopped(done) => return stopped(done),
                    End::Dropped => return,
                }
            }
        };
        if let Some(ready) = ready.take() {
            let _ = ready.send(Ok(()));
        }
        let mut end = serve(&mut desk, &client, &mut events, &mut controls).await;
        if matches!(end, End::Lost) {
            tracing::warn!("the router lost its connection");
            desk.handle_disconnect(now());
            while desk.poll_request().is_some() {}
            end = pause(&mut desk, &mut controls).await;
        }
        match end {
            End::Lost => {}
            End::Stopped(done) => return stopped(done),
            End::Dropped => return,
        }
    }
}

fn stopped(done: oneshot::Sender<()>) {
    // Nobody may wait any more.
    let _ = done.send(());
}

/// Waits until it is time to connect again, and answers questions meanwhile.
async fn pause(desk: &mut RoutingDesk, controls: &mut mpsc::Receiver<Control>) -> End {
    let until = Instant::now() + RECONNECT;
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(until) => return End::Lost,
            control = controls.recv() => match control {
                Some(Control::Stats(sender)) => {
                    let _ = sender.send(desk.stats());
                }
                Some(Control::Stop(done)) => return End::Stopped(done),
                None => return End::Dropped,
            },
        }
    }
}

/// Registers for every DN whose events the desk needs.
async fn connect(
    server: &ServerHandle,
    config: &RoutingConfig,
) -> Result<(LocalClient, Events), RequestError> {
    let (client, events) = server.connect_local("router").await?;
    for dn in config.points.keys().chain(&config.extensions) {
        client.request(request::register_address(dn)).await?;
    }
    Ok((client, events))
}

async fn serve(
    desk: &mut RoutingDesk,
    client: &LocalClient,
    events: &mut Events,
    controls: &mut mpsc::Receiver<Control>,
) -> End {
    loop {
        while let Some(message) = desk.poll_request() {
            if client.send(message).await.is_err() {
                return End::Lost;
            }
        }
        let deadline = desk.poll_timeout().map(Instant::from_std);
        let timer = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => pending().await,
            }
        };
        tokio::select! {
            event = events.next() => {
                let mut next = event;
                for _ in 0..BATCH {
                    let Some(event) = next.take() else { break };
                    if event.message_type == MessageType::EVENT_SERVER_DISCONNECTED {
                        return End::Lost;
                    }
                    desk.handle_event(now(), &event);
                    next = events.try_next();
                }
                if let Some(event) = next {
                    desk.handle_event(now(), &event);
                }
            }
            () = timer => desk.handle_timeout(now()),
            control = controls.recv() => match control {
                Some(Control::Stats(sender)) => {
                    let _ = sender.send(desk.stats());
                }
                Some(Control::Stop(done)) => return End::Stopped(done),
                None => return End::Dropped,
            },
        }
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

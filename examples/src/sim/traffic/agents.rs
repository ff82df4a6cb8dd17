//! The built-in agents: a registered phone and a T-Library client each.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sip::transport::Destination;
use tlib::catalog::AgentWorkMode;
use tlib::client::{Client, ClientConfig};
use tlib::{CallControlExt, MessageType};
use tokio::task::JoinSet;

use super::refused;
use crate::sim::phone::{Happening, Line, PhoneEvents, PhoneHost};
use crate::start::StartError;

/// How long all registrations may take.
const REGISTER: Duration = Duration::from_secs(20);

/// Agents who are logged in and ready.
pub(super) struct Agents {
    clients: Vec<(String, Client)>,
    readers: JoinSet<()>,
    events: Arc<AtomicU64>,
}

impl Agents {
    /// Registers the phones by digest, then logs the agents in and makes them ready.
    pub(super) async fn log_in(
        phones: &PhoneHost,
        happenings: &mut PhoneEvents,
        line: Line,
        numbers: &[(String, String)],
        server: Destination,
        tlib: SocketAddr,
    ) -> Result<Self, StartError> {
        let mut waiting = BTreeSet::new();
        for (number, password) in numbers {
            phones.set_line(number, line.clone()).await.map_err(refused)?;
            phones.register(number, password, server).await.map_err(refused)?;
            waiting.insert(number.clone());
        }
        tokio::time::timeout(REGISTER, registered(happenings, waiting))
            .await
            .map_err(|_| refused("the phones are not registered in time"))??;
        let mut agents = Self {
            clients: Vec::new(),
            readers: JoinSet::new(),
            events: Arc::default(),
        };
        for (number, _) in numbers {
            agents.add(number, tlib).await?;
        }
        Ok(agents)
    }

    async fn add(&mut self, number: &str, tlib: SocketAddr) -> Result<(), StartError> {
        let (client, mut events) = ClientConfig::new(tlib.to_string(), "traffic-agent").build();
        let count = Arc::clone(&self.events);
        self.readers.spawn(async move {
            while let Some(event) = events.next().await {
                if event.message_type == MessageType::EVENT_SERVER_DISCONNECTED {
                    return;
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        client.connect().await.map_err(refused)?;
        client.register_address(number).await.map_err(refused)?;
        client.agent_login(number, number, None).await.map_err(refused)?;
        client
            .agent_ready(number, AgentWorkMode::AUTO_IN)
            .await
            .map_err(refused)?;
        self.clients.push((number.to_owned(), client));
        Ok(())
    }

    /// Logs everybody out; answers how many T-Events they got.
    pub(super) async fn log_out(mut self) -> u64 {
        for (number, client) in &self.clients {
            if let Err(error) = client.agent_logout(number, None).await {
                tracing::warn!(%error, "an agent could not log out");
            }
            client.disconnect().await;
        }
        while self.readers.join_next().await.is_some() {}
        self.events.load(Ordering::Relaxed)
    }
}

async fn registered(happenings: &mut PhoneEvents, mut waiting: BTreeSet<String>) -> Result<(), StartError> {
    while !waiting.is_empty() {
        let Some(event) = happenings.next().await else {
            return Err(refused("the phones have stopped"));
        };
        match event.what {
            Happening::Registered { line } => {
                waiting.remove(&line);
            }
            Happening::RegistrationFailed {
                line,
                status,
                will_retry: false,
            } => {
                return Err(refused(format!(
                    "{line} cannot register: {} {}",
                    status.0,
                    status.reason_phrase()
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

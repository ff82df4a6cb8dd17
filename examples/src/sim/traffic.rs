//! Built-in customers and agents that load a deployment through its sockets, and the table of what became of them.
//!
//! Calls are placed evenly at a fixed rate whatever the system does (open loop). A customer calls the first routing
//! point, presses 1 or 2 in turn from the answer on, again and again until an agent is there (a prompt that listens to
//! no keys swallows them, as for people), talks, and hangs up or is hung up on, in turn.
//!
//! Generator and servers share the process: CPU figures are of both. Every call needs six descriptors (RTP and
//! RTCP of customer, agent and media server), so `ulimit -n` bounds the calls at one time; calls beyond
//! [`TrafficConfig::max_calls`] are shed and count as failed.

use std::time::Duration;

use media::phone::Talk;
use media::tone::sine_wave;
use sip::transport::Destination;
use tokio::time::Instant;

use super::phone::{
    CallId, CallOptions, Goal, Line, PhoneEvents, PhoneHost, PhoneHostConfig, PhoneHostError, Presses,
};
use crate::cluster::Cluster;
use crate::config::{AgentConfig, ClusterConfig, ExtensionConfig};
use crate::framework::signal::interrupted;
use crate::start::StartError;

mod agents;
mod ledger;
mod process;
mod report;

pub use report::{Quantiles, TrafficReport};

use agents::Agents;
use ledger::Ledger;

/// First number of the built-in agents.
const FIRST_AGENT: u32 = 20_001;
/// The customers' number; all have the same.
const CUSTOMER: &str = "5550100";
/// How often a customer presses its key.
const PRESS_EVERY: Duration = Duration::from_millis(250);
/// Level of the agents' skills.
const SKILL_LEVEL: u32 = 5;
/// Descriptors for everything that is not a call.
const SPARE_DESCRIPTORS: usize = 128;
/// Descriptors of a call at its fullest, and of an agent's connection at both ends.
const DESCRIPTORS_PER_CALL: usize = 6;
const DESCRIPTORS_PER_AGENT: usize = 6;
/// How long phones may take to say good-bye at the end.
const DRAIN: Duration = Duration::from_secs(3);

/// How much traffic.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TrafficConfig {
    /// Calls a second; above 0, at most 10,000.
    pub rate: f64,
    /// Agents, 1 to 1,000.
    pub agents: usize,
    /// How long calls are placed.
    pub duration: Duration,
    /// Time from the moment that customer and agent are connected to the hang-up. Default 30% of the time that an agent
    /// has per call (agents / rate), from 20 ms to 1 s, so that the agents can keep up.
    pub talk: Duration,
    /// How long an agent's phone rings. Default none.
    pub ring: Duration,
    /// When a customer without an agent gives up; default 30 s.
    pub patience: Duration,
    /// Calls at one time; more are shed. Default what the limit of open files allows, at most 4,000.
    pub max_calls: usize,
    /// How long calls may take to end after the last was placed; default 20 s.
    pub drain: Duration,
    /// Number to call; the first routing point when prepared.
    number: Option<String>,
    /// Numbers and passwords of the agents' phones.
    phones: Vec<(String, String)>,
}

impl TrafficConfig {
    /// So many calls a second for so many agents, with default values for the rest.
    pub fn new(rate: f64, agents: usize, duration_secs: u64) -> Self {
        let rate = if rate.is_finite() {
            rate.clamp(0.001, 10_000.0)
        } else {
            1.0
        };
        let agents = agents.clamp(1, 1_000);
        let share = (agents as f64 / rate * 0.3).clamp(0.02, 1.0);
        let open_files = process::open_files_limit().unwrap_or(1_024);
        let room = open_files.saturating_sub(SPARE_DESCRIPTORS + agents * DESCRIPTORS_PER_AGENT);
        Self {
            rate,
            agents,
            duration: Duration::from_secs(duration_secs),
            talk: Duration::from_secs_f64(share),
            ring: Duration::ZERO,
            patience: Duration::from_secs(30),
            max_calls: (room / DESCRIPTORS_PER_CALL).clamp(1, 4_000),
            drain: Duration::from_secs(20),
            number: None,
            phones: Vec::new(),
        }
    }

    /// Sets [`TrafficConfig::talk`].
    #[must_use]
    pub const fn with_talk(mut self, talk: Duration) -> Self {
        self.talk = talk;
        self
    }

    /// Sets [`TrafficConfig::patience`].
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets [`TrafficConfig::max_calls`].
    #[must_use]
    pub const fn with_max_calls(mut self, calls: usize) -> Self {
        self.max_calls = calls;
        self
    }

    /// Adds the built-in agents to a deployment: extensions from 20001 on that are free, and agents under the same ids
    /// with the skills `sales` and `support`.
    #[must_use]
    pub fn prepare(mut self, config: &mut ClusterConfig) -> Self {
        let is_taken = |number: &str, config: &ClusterConfig| {
            config
                .extensions
                .iter()
                .any(|extension| extension.number == number)
                || config.routing_points.iter().any(|point| point.number == number)
                || config.agents.iter().any(|agent| agent.id == number)
        };
        let free = (FIRST_AGENT..)
            .map(|number| number.to_string())
            .filter(|number| !is_taken(number, config));
        let numbers: Vec<String> = free.take(self.agents).collect();
        for number in numbers {
            let password = format!("traffic-{number}");
            config.extensions.push(ExtensionConfig {
                number: number.clone(),
                password: password.clone(),
                after_call_work_secs: 0,
            });
            let skills = ["sales", "support"]
                .map(|skill| (skill.to_owned(), SKILL_LEVEL))
                .into();
            config.agents.push(AgentConfig {
                id: number.clone(),
                skills,
            });
            self.phones.push((number, password));
        }
        config.tlib.max_clients += self.agents;
        self.number = config.routing_points.first().map(|point| point.number.clone());
        self
    }
}

/// Loads a deployment that was started with the configuration that [`TrafficConfig::prepare`] changed. Ctrl-C ends it
/// early.
///
/// # Errors
///
/// [`StartError`] when phones cannot be bound or registered, or agents cannot log in.
///
/// # Cancel safety
///
/// Dropping the future ends the phones.
pub async fn run(cluster: &Cluster, config: TrafficConfig) -> Result<TrafficReport, StartError> {
    let Some(number) = config.number.clone() else {
        return Err(refused(
            "the configuration has no routing point, or was not prepared",
        ));
    };
    let addresses = cluster.addresses();
    let server = Destination::udp(addresses.sip);
    let hosts = PhoneHostConfig::default().with_max_calls(config.max_calls);
    let (customers, customer_events) = PhoneHost::start(hosts.clone()).await.map_err(refused)?;
    let (phones, mut phone_events) = PhoneHost::start(hosts).await.map_err(refused)?;
    let line = Line::auto_answer(config.ring).with_talk(tone());
    let agents = Agents::log_in(
        &phones,
        &mut phone_events,
        line,
        &config.phones,
        server,
        addresses.tlib,
    )
    .await?;
    let cpu = process::cpu_time();
    let began = Instant::now();
    let mut generator = Generator {
        server,
        number,
        customers,
        phones,
        ledger: Ledger::default(),
        offered: 0,
        config,
    };
    generator
        .run(began, customer_events, phone_events)
        .await
        .map_err(refused)?;
    let wall = began.elapsed();
    let cpu = process::cpu_time()
        .zip(cpu)
        .map(|(after, before)| after.saturating_sub(before));
    let t_events = agents.log_out().await;
    let Generator {
        customers,
        phones,
        ledger,
        config,
        ..
    } = generator;
    tokio::join!(customers.shutdown(DRAIN), phones.shutdown(DRAIN));
    Ok(ledger.report(&config, wall, cpu, t_events))
}

struct Generator {
    server: Destination,
    number: String,
    customers: PhoneHost,
    phones: PhoneHost,
    ledger: Ledger,
    offered: u32,
    config: TrafficConfig,
}

impl Generator {
    async fn run(
        &mut self,
        began: Instant,
        mut customers: PhoneEvents,
        mut phones: PhoneEvents,
    ) -> Result<(), PhoneHostError> {
        let last = began + self.config.duration;
        let end = last + self.config.drain;
        let mut stop = std::pin::pin!(interrupted());
        loop {
            let next = began + Duration::from_secs_f64(f64::from(self.offered) / self.config.rate);
            let placing = next < last;
            if !placing && self.ledger.is_quiet() {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep_until(if placing { next } else { end }) => {
                    if !placing {
                        return Ok(());
                    }
                    self.place().await?;
                }
                Some(event) = customers.next() => {
                    if let Some((customer, agent)) = self.ledger.customer_event(event) {
                        self.hang_up_later(customer, agent).await?;
                    }
                }
                Some(event) = phones.next() => {
                    if let Some((customer, agent)) = self.ledger.agent_event(event) {
                        self.hang_up_later(customer, agent).await?;
                    }
                }
                () = &mut stop => return Ok(()),
                else => return Err(PhoneHostError::Stopped),
            }
        }
    }

    async fn place(&mut self) -> Result<(), PhoneHostError> {
        let key = if self.offered.is_multiple_of(2) { "1" } else { "2" };
        self.offered += 1;
        let options = CallOptions::new(&self.number, CUSTOMER)
            .with_goal(Goal::Joined)
            .with_patience(self.config.patience)
            .with_presses(Presses::new(key, Duration::ZERO).with_every(PRESS_EVERY));
        match self.customers.call(self.server, options).await {
            Ok(call) => self.ledger.offered(call),
            Err(PhoneHostError::Full(_)) => self.ledger.shed(),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Customer and agent hang up in turn.
    async fn hang_up_later(&self, customer: CallId, agent: CallId) -> Result<(), PhoneHostError> {
        if self.ledger.connected().is_multiple_of(2) {
            self.customers.hang_up_in(customer, self.config.talk).await
        } else {
            self.phones.hang_up_in(agent, self.config.talk).await
        }
    }
}

/// What agents say.
fn tone() -> Talk {
    Talk::Loop(sine_wave(440.0, 8_000, Duration::from_secs(1)))
}

fn refused(reason: impl ToString) -> StartError {
    StartError::Value {
        place: "traffic".to_owned(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests;

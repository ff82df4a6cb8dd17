//! What became of every call, from the events of both hosts.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use media::phone::PhoneStats;

use super::TrafficConfig;
use super::report::{Quantiles, TrafficReport};
use crate::sim::phone::{CallId, Ending, Happening, PhoneEvent};

/// A customer's call.
#[derive(Default)]
struct Customer {
    answered: bool,
    /// Where its audio went, and when, by re-INVITE.
    joined: Option<(SocketAddr, Instant)>,
    /// Its agent is known.
    paired: bool,
}

/// An agent's call.
struct AgentCall {
    began: Instant,
    rtp: Option<SocketAddr>,
}

/// The account.
#[derive(Default)]
pub(super) struct Ledger {
    customers: HashMap<CallId, Customer>,
    agents: HashMap<CallId, AgentCall>,
    /// Agents that answered and whose customer is not known yet, by where they take RTP.
    free_agents: HashMap<SocketAddr, CallId>,
    /// Customers who were joined to an agent that is not known yet.
    free_customers: HashMap<SocketAddr, CallId>,
    offered: u64,
    answered: u64,
    abandoned: u64,
    shed: u64,
    connected: u64,
    agent_heard: u64,
    reasons: BTreeMap<String, u64>,
    setup: Times,
    connect: Times,
    rtp_sent: u64,
    rtp_received: u64,
}

/// Durations to take quantiles of, in microseconds.
struct Times(Option<Histogram<u64>>);

impl Default for Times {
    fn default() -> Self {
        // Three digits up to two minutes are valid bounds.
        Self(Histogram::new_with_bounds(1, 120_000_000, 3).ok())
    }
}

impl Times {
    fn record(&mut self, time: Duration) {
        if let Some(times) = &mut self.0 {
            times.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        }
    }

    fn quantiles(&self) -> Option<Quantiles> {
        let times = self.0.as_ref().filter(|times| !times.is_empty())?;
        let at = |quantile| Duration::from_micros(times.value_at_quantile(quantile));
        Some(Quantiles {
            p50: at(0.5),
            p99: at(0.99),
        })
    }
}

impl Ledger {
    pub(super) fn offered(&mut self, call: CallId) {
        self.offered += 1;
        self.customers.insert(call, Customer::default());
    }

    /// A call that was not placed because of the limit.
    pub(super) fn shed(&mut self) {
        self.offered += 1;
        self.shed += 1;
    }

    /// Whether all calls are over, on both sides.
    pub(super) fn is_quiet(&self) -> bool {
        self.customers.is_empty() && self.agents.is_empty()
    }

    /// Customers who have got an agent so far.
    pub(super) const fn connected(&self) -> u64 {
        self.connected
    }

    /// Answers a customer and its agent when they have just become known to each other.
    pub(super) fn customer_event(&mut self, event: PhoneEvent) -> Option<(CallId, CallId)> {
        match event.what {
            Happening::Answered { call, after, .. } => {
                self.setup.record(after);
                self.customers.get_mut(&call)?.answered = true;
            }
            Happening::MediaChanged { call, remote_rtp } => {
                let customer = self.customers.get_mut(&call)?;
                if customer.joined.is_none() {
                    customer.joined = Some((remote_rtp, event.at));
                    self.free_customers.insert(remote_rtp, call);
                    return self.pair(remote_rtp);
                }
            }
            Happening::Failed { call, status } => {
                self.customers.remove(&call)?;
                self.fail(format!("refused with {} {}", status.0, status.reason_phrase()));
            }
            Happening::Ended {
                call, ending, stats, ..
            } => {
                self.count_rtp(&stats);
                let customer = self.customers.remove(&call)?;
                self.customer_ended(&customer, ending);
            }
            Happening::Overflowed { lost } => tracing::error!(lost, "the account of calls is incomplete"),
            _ => {}
        }
        None
    }

    /// As [`Ledger::customer_event`].
    pub(super) fn agent_event(&mut self, event: PhoneEvent) -> Option<(CallId, CallId)> {
        match event.what {
            Happening::Incoming { call, .. } => {
                self.agents.insert(
                    call,
                    AgentCall {
                        began: event.at,
                        rtp: None,
                    },
                );
            }
            Happening::Answered { call, local_rtp, .. } => {
                self.agents.get_mut(&call)?.rtp = Some(local_rtp);
                self.free_agents.insert(local_rtp, call);
                return self.pair(local_rtp);
            }
            Happening::Failed { call, .. } => {
                self.agents.remove(&call);
            }
            Happening::Ended { call, stats, .. } => {
                self.count_rtp(&stats);
                self.agent_heard += u64::from(stats.stream.received.packets > 0);
                if let Some(rtp) = self.agents.remove(&call).and_then(|agent| agent.rtp) {
                    self.free_agents.remove(&rtp);
                }
            }
            Happening::Overflowed { lost } => tracing::error!(lost, "the account of calls is incomplete"),
            _ => {}
        }
        None
    }

    fn pair(&mut self, rtp: SocketAddr) -> Option<(CallId, CallId)> {
        let (customer_call, agent_call) = (*self.free_customers.get(&rtp)?, *self.free_agents.get(&rtp)?);
        self.free_customers.remove(&rtp);
        self.free_agents.remove(&rtp);
        let customer = self.customers.get_mut(&customer_call)?;
        customer.paired = true;
        let (_, joined) = customer.joined?;
        let began = self.agents.get(&agent_call)?.began;
        self.connect.record(joined.saturating_duration_since(began));
        self.connected += 1;
        Some((customer_call, agent_call))
    }

    fn customer_ended(&mut self, customer: &Customer, ending: Ending) {
        if let Some((rtp, _)) = customer.joined.filter(|_| !customer.paired) {
            self.free_customers.remove(&rtp);
        }
        match (customer.paired, customer.joined.is_some(), ending) {
            (true, ..) => self.answered += 1,
            (false, true, _) => self.fail("ended before the agent had audio".to_owned()),
            (false, false, Ending::GaveUp) => self.abandoned += 1,
            (false, false, Ending::ByPeer) => self.fail("the server hung up before an agent".to_owned()),
            (false, false, _) => self.fail("lost before an agent".to_owned()),
        }
    }

    fn fail(&mut self, reason: String) {
        *self.reasons.entry(reason).or_default() += 1;
    }

    fn count_rtp(&mut self, stats: &PhoneStats) {
        self.rtp_sent += stats.stream.sent_packets;
        self.rtp_received += stats.frames;
    }

    /// The report of now: calls that are not over count as failed.
    pub(super) fn report(
        mut self,
        config: &TrafficConfig,
        wall: Duration,
        cpu: Option<Duration>,
        t_events: u64,
    ) -> TrafficReport {
        for customer in std::mem::take(&mut self.customers).into_values() {
            self.fail(match (customer.answered, customer.joined.is_some()) {
                (_, true) => "not ended: with an agent".to_owned(),
                (true, false) => "not ended: waiting for an agent".to_owned(),
                (false, false) => "not ended: never answered".to_owned(),
            });
        }
        if self.shed > 0 {
            self.reasons
                .insert("shed: too many calls at one time".to_owned(), self.shed);
        }
        let calls = self.offered.max(1) as f64;
        TrafficReport {
            rate: config.rate,
            agents: config.agents,
            talk: config.talk,
            offered: self.offered,
            answered: self.answered,
            abandoned: self.abandoned,
            failed: self.reasons.values().sum(),
            reasons: self.reasons,
            agent_heard: self.agent_heard,
            setup: self.setup.quantiles(),
            connect: self.connect.quantiles(),
            rtp_sent: self.rtp_sent,
            rtp_received: self.rtp_received,
            t_events,
            cpu_ms_per_call: cpu.map(|cpu| cpu.as_secs_f64() * 1_000.0 / calls),
            wall,
        }
    }
}

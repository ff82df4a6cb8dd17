//! The table at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What became of the calls. Every offered call is answered, abandoned or failed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrafficReport {
    /// Calls a second that were asked for.
    pub rate: f64,
    /// Agents.
    pub agents: usize,
    /// Talk time.
    pub talk: Duration,
    /// Calls placed or shed.
    pub offered: u64,
    /// Calls whose audio was joined to an agent's phone that had answered.
    pub answered: u64,
    /// Calls that the customer gave up before an agent.
    pub abandoned: u64,
    /// All others: refused, lost, hung up by the server before an agent, shed, or not over at the end.
    pub failed: u64,
    /// Why calls failed, and how many.
    pub reasons: BTreeMap<String, u64>,
    /// Calls in which the agent's phone heard the customer.
    pub agent_heard: u64,
    /// Time from the customer's INVITE to the 200 of the routing point; `None` without such a call.
    pub setup: Option<Quantiles>,
    /// Time from the INVITE at the agent's phone to the re-INVITE that joins the customer to it.
    pub connect: Option<Quantiles>,
    /// RTP packets sent by customers and agents, in calls that ended.
    pub rtp_sent: u64,
    /// RTP packets of audio heard by them.
    pub rtp_received: u64,
    /// T-Events that the agents' clients got.
    pub t_events: u64,
    /// CPU time of the process, generator and servers together, per offered call. Unit: milliseconds; `None` where the
    /// system does not tell.
    pub cpu_ms_per_call: Option<f64>,
    /// Time from the first call to the end of the last.
    pub wall: Duration,
}

/// Median and 99th percentile, to three digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain figures")]
pub struct Quantiles {
    /// Median.
    pub p50: Duration,
    /// 99th percentile.
    pub p99: Duration,
}

impl fmt::Display for TrafficReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1_000.0);
        let both = |times: Option<Quantiles>| match times {
            Some(times) => (ms(times.p50), ms(times.p99)),
            None => ("-".to_owned(), "-".to_owned()),
        };
        let ((setup_p50, setup_p99), (connect_p50, connect_p99)) = (both(self.setup), both(self.connect));
        let talk = self.talk.as_millis();
        writeln!(
            f,
            "traffic: {} calls/s, {} agents, {talk} ms talk",
            self.rate, self.agents
        )?;
        let mut row = |name: &str, value: String| writeln!(f, "  {name:<28} {value:>12}");
        row("offered", self.offered.to_string())?;
        row("answered", self.answered.to_string())?;
        row("abandoned", self.abandoned.to_string())?;
        row("failed", self.failed.to_string())?;
        for (reason, calls) in &self.reasons {
            row(&format!("  {reason}"), calls.to_string())?;
        }
        row("set-up p50", setup_p50)?;
        row("set-up p99", setup_p99)?;
        row("agent connect p50", connect_p50)?;
        row("agent connect p99", connect_p99)?;
        row("agent heard the customer", self.agent_heard.to_string())?;
        row("RTP packets sent", self.rtp_sent.to_string())?;
        row("RTP packets received", self.rtp_received.to_string())?;
        row("T-Events to agents", self.t_events.to_string())?;
        let cpu = self
            .cpu_ms_per_call
            .map_or("-".to_owned(), |cpu| format!("{cpu:.2} ms"));
        row("CPU per call", cpu)?;
        row("wall time", format!("{:.1} s", self.wall.as_secs_f64()))?;
        write!(
            f,
            "set-up: INVITE to 200 of the routing point; connect: INVITE at the agent to the customer's re-INVITE;\n\
                   CPU: this process, callers and servers together"
        )
    }
}

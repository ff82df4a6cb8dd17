//! SIPp as phone and customer.

use std::process::Command;

use super::process::{Cluster, Process};

/// Where the customer's media is.
pub(crate) const CUSTOMER_RTP: u16 = 14_500;

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");

fn sipp(cluster: &Cluster, scenario: &str) -> Command {
    let mut command = Command::new("sipp");
    command
        .arg(cluster.sip.to_string())
        .args(["-sf", &format!("{SCENARIOS}/{scenario}")])
        .args([
            "-i",
            "127.0.0.1",
            "-m",
            "1",
            "-nostdin",
            "-timeout",
            "60",
            "-timeout_error",
        ]);
    command
}

/// Registers a phone with digest.
pub(crate) fn register(cluster: &Cluster, user: &str, port: u16) {
    let mut command = sipp(cluster, "register.xml");
    command.args([
        "-s",
        user,
        "-ap",
        &format!("agent-{user}"),
        "-p",
        &port.to_string(),
    ]);
    Process::start("sipp register", &mut command).finish();
}

/// The phone that was registered on `port`: answers one call, echoes RTP.
pub(crate) fn agent(cluster: &Cluster, port: u16) -> Process {
    let mut command = sipp(cluster, "agent.xml");
    command.args([
        "-p",
        &port.to_string(),
        "-mp",
        &(port + 1000).to_string(),
        "-rtp_echo",
    ]);
    Process::start("sipp agent", &mut command)
}

/// As [`agent`], but it ends the call after a second.
pub(crate) fn agent_who_hangs_up(cluster: &Cluster, port: u16) -> Process {
    let mut command = sipp(cluster, "agent-hangs-up.xml");
    command.args([
        "-p",
        &port.to_string(),
        "-mp",
        &(port + 1000).to_string(),
        "-rtp_echo",
    ]);
    Process::start("sipp agent", &mut command)
}

/// A customer who calls 8000.
pub(crate) fn customer(cluster: &Cluster, scenario: &str) {
    let mut command = sipp(cluster, scenario);
    command.args(["-s", "8000", "-rtp_echo", "-mp", &CUSTOMER_RTP.to_string()]);
    Process::start("sipp customer", &mut command).finish();
}

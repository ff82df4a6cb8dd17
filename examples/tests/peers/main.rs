//! The first call with peers that we did not write: SIPp and baresip against the `cluster` binary,
//! watched by `tlib-cli`. Runs when `CTI_PEERS` is set; says loudly when it does not.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test")]

mod baresip;
mod capture;
mod process;
mod sipp;

use std::sync::{Mutex, MutexGuard, PoisonError};

use capture::{Capture, RtpStream};
use process::{Cluster, TlibCli};

/// The right to use the real peers, which share ports: one test at a time. None without `CTI_PEERS`; they need
/// Debian's sip-tester and baresip-core.
fn peers() -> Option<MutexGuard<'static, ()>> {
    static ALONE: Mutex<()> = Mutex::new(());
    if std::env::var_os("CTI_PEERS").is_none() {
        eprintln!("SKIPPED: set CTI_PEERS=1 with SIPp and baresip installed to run the real peers");
        return None;
    }
    Some(ALONE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The event names at one DN, in order, from SDK log text.
fn events_at(log: &str, dn: &str) -> Vec<String> {
    let mut names = Vec::new();
    for block in log.split("message: '").skip(1) {
        let name = block.split('\'').next().unwrap();
        if block.contains(&format!("AttributeThisDN [str] = \"{dn}\"")) {
            names.push(name.to_owned());
        }
    }
    names
}

/// What the agent's DN has to see of one answered inbound call.
const ANSWERED: [&str; 3] = ["EventRinging", "EventEstablished", "EventReleased"];

fn call_events(log: &str, dn: &str) -> Vec<String> {
    let is_call =
        |name: &String| !name.contains("Agent") && !name.contains("Regist") && !name.contains("Service");
    events_at(log, dn).into_iter().filter(is_call).collect()
}

#[test]
fn a_sipp_agent_answers_a_sipp_customer_who_pressed_one_and_hangs_up() {
    let Some(_alone) = peers() else { return };
    let cluster = Cluster::start();
    sipp::register(&cluster, "1001", 12_070);
    let agent_phone = sipp::agent(&cluster, 12_070);
    let agent = TlibCli::login(&cluster, "1001");
    let point = TlibCli::watch(&cluster, "8000");
    sipp::customer(&cluster, "caller.xml");
    agent_phone.finish();
    let log = agent.until("EventReleased");
    assert_eq!(call_events(&log, "1001"), ANSWERED);
    let log = point.until("EventDiverted");
    let seen = call_events(&log, "8000");
    assert_eq!(seen[..2], ["EventQueued", "EventRouteRequest"]);
    assert_eq!(seen[seen.len() - 2..], ["EventRouteUsed", "EventDiverted"]);
    assert!(seen.iter().any(|name| name == "EventTreatmentEnd"), "{seen:?}");
    assert!(
        log.contains("AttributeCollectedDigits [str] = \"1\""),
        "the digit was not collected:\n{log}"
    );
    cluster.stop();
}

#[test]
fn an_agent_on_sipp_hangs_up_on_the_customer() {
    let Some(_alone) = peers() else { return };
    let cluster = Cluster::start();
    sipp::register(&cluster, "1001", 12_072);
    let agent_phone = sipp::agent_who_hangs_up(&cluster, 12_072);
    let agent = TlibCli::login(&cluster, "1001");
    sipp::customer(&cluster, "caller-released.xml");
    agent_phone.finish();
    let log = agent.until("EventReleased");
    assert_eq!(call_events(&log, "1001"), ANSWERED);
    cluster.stop();
}

#[test]
fn a_customer_on_sipp_abandons_in_the_greeting() {
    let Some(_alone) = peers() else { return };
    let cluster = Cluster::start();
    let point = TlibCli::watch(&cluster, "8000");
    sipp::customer(&cluster, "caller-abandons.xml");
    let log = point.until("EventAbandoned");
    let seen = call_events(&log, "8000");
    assert_eq!(
        seen,
        [
            "EventQueued",
            "EventRouteRequest",
            "EventTreatmentApplied",
            "EventAbandoned"
        ]
    );
    cluster.stop();
}

#[test]
fn baresip_registers_with_digest_answers_and_hears_the_customer() {
    let Some(_alone) = peers() else { return };
    let cluster = Cluster::start();
    let mut phone = baresip::start(&cluster, "1001", "agent-1001", 12_074);
    phone.until("200 OK");
    let agent = TlibCli::login(&cluster, "1001");
    let capture = Capture::start(sipp::CUSTOMER_RTP);
    sipp::customer(&cluster, "caller.xml");
    let log = agent.until("EventReleased");
    assert_eq!(call_events(&log, "1001"), ANSWERED);
    let streams = capture.finish();
    let count = |wanted: &dyn Fn(&RtpStream) -> bool| -> u64 {
        streams
            .iter()
            .filter(|stream| wanted(stream))
            .map(|stream| stream.packets)
            .sum()
    };
    let agent = baresip::RTP_PORTS;
    let heard_prompts = count(&|stream| stream.to == sipp::CUSTOMER_RTP && !agent.contains(&stream.from));
    let heard_agent = count(&|stream| stream.to == sipp::CUSTOMER_RTP && agent.contains(&stream.from));
    let said_to_agent = count(&|stream| stream.from == sipp::CUSTOMER_RTP && agent.contains(&stream.to));
    assert!(
        heard_prompts > 50 && heard_agent > 50 && said_to_agent > 50,
        "{streams:?}"
    );
    phone.stop();
    cluster.stop();
}

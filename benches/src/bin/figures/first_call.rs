//! The first call under load: the whole deployment in this process, built-in callers and agents, real sockets.

use std::path::PathBuf;
use std::time::Duration;

use reference::cluster::Cluster;
use reference::config::ClusterConfig;
use reference::sim::traffic::{self, TrafficConfig, TrafficReport};
use tokio::runtime::Runtime;

use crate::kernel::{self, DatagramCost};
use crate::proc::{self, Loopback, Machine};
use crate::sipp;

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/config/quickstart.toml");

/// One run of traffic.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Calls a second.
    rate: f64,
    agents: usize,
    secs: u64,
    /// How long calls may take to end after the last was placed.
    drain: Duration,
}

/// Share of the machine for other work from which it counts as busy.
const BUSY: f64 = 0.1;

/// What logging in and out of agents may take besides.
const AROUND: Duration = Duration::from_secs(3);

/// Share of the planned calls that a run must have placed to count.
const WHOLE: f64 = 0.99;

/// What a run came to.
struct Measured {
    report: TrafficReport,
    /// What went over loopback meanwhile.
    network: Option<Loopback>,
}

/// Measures and prints.
pub(crate) fn run(runtime: &Runtime, long: bool) -> Result<(), String> {
    let ([first, second], drain) = if long { ([60, 30], 20) } else { ([12, 8], 4) };
    let plan = |rate, agents, secs| Plan {
        rate,
        agents,
        secs,
        drain: Duration::from_secs(drain),
    };
    preface();
    let traffic80 = measure(runtime, plan(80.0, 40, first))?;
    let traffic200 = measure(runtime, plan(200.0, 40, second))?;
    if let Some(measured) = &traffic80 {
        limits(measured);
    }
    figures(traffic80.as_ref(), traffic200.as_ref());
    Ok(())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn preface() {
    let files = proc::open_files_limit().map_or_else(|| "unknown".to_owned(), |files| files.to_string());
    println!("Machine: {} cores, {files} open files allowed.", cores());
    println!("Callers, agents, SIP, media, T-Server, strategy and router are all in this one process.");
}

/// Says how much of the machine others took, because times say little on a busy one.
fn other_work(in_use: Option<f64>, report: &TrafficReport) {
    let Some((in_use, cpu)) = in_use.zip(report.cpu_ms_per_call) else {
        println!("Whether other work went on meanwhile is unknown.");
        return;
    };
    let own = cpu / 1e3 * report.offered as f64 / (report.wall.as_secs_f64() * cores() as f64);
    let other = (in_use - own).max(0.0);
    let verdict = if other > BUSY {
        ": these times are those of a busy machine"
    } else {
        ""
    };
    println!(
        "This process took {:.0} % of the machine, other work about {:.0} %{verdict}.",
        own * 100.0,
        other * 100.0
    );
}

/// One run on a fresh deployment. `None`, after a plain sentence, when it did not come to its end.
fn measure(runtime: &Runtime, plan: Plan) -> Result<Option<Measured>, String> {
    let Plan {
        rate,
        agents,
        secs,
        drain,
    } = plan;
    println!("\n{rate} calls a second for {secs} s, {agents} agents");
    runtime.block_on(async {
        let mut config = ClusterConfig::load(&PathBuf::from(CONFIG)).map_err(|error| error.to_string())?;
        for listen in [
            &mut config.sip.listen,
            &mut config.tlib.listen,
            &mut config.http.listen,
        ] {
            listen.set_port(0);
        }
        let mut traffic = TrafficConfig::new(rate, agents, secs).prepare(&mut config);
        traffic.drain = drain;
        let cluster = Cluster::start(config).await.map_err(|error| error.to_string())?;
        let (before, machine) = (Loopback::now(), Machine::now());
        let limit = Duration::from_secs(secs) + drain + AROUND;
        let outcome = tokio::time::timeout(limit, traffic::run(&cluster, traffic)).await;
        let network = before
            .zip(Loopback::now())
            .map(|(before, after)| after.since(before));
        let in_use = machine
            .zip(Machine::now())
            .and_then(|(before, after)| after.in_use_since(before));
        cluster.shutdown().await;
        match outcome {
            Ok(Ok(report)) => {
                println!("{report}");
                other_work(in_use, &report);
                if (report.offered as f64) < rate * secs as f64 * WHOLE {
                    return Err(format!(
                        "the run at {rate} calls a second was ended early: no figures"
                    ));
                }
                Ok(Some(Measured { report, network }))
            }
            Ok(Err(error)) => {
                println!("The run at {rate} calls a second could not start: {error}.");
                Ok(None)
            }
            Err(_) => {
                println!("The run at {rate} calls a second did not end within {limit:?}.");
                Ok(None)
            }
        }
    })
}

/// What the kernel alone and the bare pair take, beside ours.
fn limits(measured: &Measured) {
    let Some(ours) = measured.report.cpu_ms_per_call else {
        println!("The CPU time of this process cannot be read here: no CPU per call.");
        return;
    };
    let title = format!(
        "CPU per call, both ends included, at {} calls/s",
        measured.report.rate
    );
    println!("\n{title:<56} {:>9} {:>10}", "ms", "ours is");
    println!(
        "  {:<54} {ours:>9.3}",
        "this deployment with its callers and agents"
    );
    match measured.network.filter(|network| network.datagrams > 0) {
        Some(network) => match kernel::measure(network.datagrams, network.mean_payload()) {
            Ok(cost) => physical(ours, network, measured.report.offered, cost),
            Err(error) => println!("  The physical limit could not be measured: {error}."),
        },
        None => println!("  The kernel's counters of datagrams cannot be read here: no physical limit."),
    }
    match sipp::measure() {
        Ok(pair) => {
            row(
                "bare pair of SIPp, no media, no server between",
                pair.cpu.as_secs_f64() * 1e3,
                ours,
            );
            println!(
                "    {} calls at {} a second, start and idle share taken off",
                pair.calls, pair.rate
            );
        }
        Err(reason) => println!("  The bare pair of SIPp could not be measured: {reason}."),
    }
}

fn physical(ours: f64, network: Loopback, calls: u64, cost: DatagramCost) {
    let a_call = network.datagrams as f64 / calls.max(1) as f64;
    let DatagramCost {
        datagrams,
        bytes,
        cpu,
    } = cost;
    row(
        "physical limit: the kernel alone, same datagrams",
        a_call * cpu.as_secs_f64() * 1e3,
        ours,
    );
    println!(
        "    {} datagrams on this machine in the run, {a_call:.1} a call;",
        network.datagrams
    );
    println!(
        "    {datagrams} of {bytes} octets sent and received by one thread: {:.2} us each",
        micros(cpu)
    );
}

fn row(what: &str, ms: f64, ours: f64) {
    println!("  {what:<54} {ms:>9.3} {:>8.1} x", ours / ms);
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn figures(traffic80: Option<&Measured>, traffic200: Option<&Measured>) {
    println!();
    let report80 = traffic80.map(|measured| &measured.report);
    if report80.is_some_and(|report| report.setup.is_none()) {
        println!("No call of the first run was set up: no set-up time.");
    }
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    figure(
        "traffic80_failed",
        report80.map(|report| report.failed.to_string()),
    );
    figure(
        "traffic80_answered",
        report80.map(|report| report.answered.to_string()),
    );
    let setup = report80.and_then(|report| report.setup.as_ref());
    figure(
        "setup_p99_ms",
        setup.map(|setup| format!("{:.1}", millis(setup.p99))),
    );
    figure(
        "cpu_ms_per_call",
        report80
            .and_then(|report| report.cpu_ms_per_call)
            .map(|cpu| format!("{cpu:.3}")),
    );
    figure(
        "traffic200_failed",
        traffic200.map(|measured| measured.report.failed.to_string()),
    );
}

/// One figure, if there is one.
fn figure(name: &str, value: Option<String>) {
    if let Some(value) = value {
        println!("FIGURE first_call.{name} {value}");
    }
}

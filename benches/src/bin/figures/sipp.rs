//! The bare pair: SIPp calling SIPp with its built-in scenarios, without any server between.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::proc;

/// Calls of the measured run.
const CALLS: u32 = 1_000;
/// Calls a second.
const RATE: u32 = 250;
/// How often the CPU time of a running process is read.
const TICK: Duration = Duration::from_millis(20);
/// How long the answering side is watched while nobody calls.
const IDLE: Duration = Duration::from_millis(500);
/// The calling side must have ended by then: twice its time, and some.
const LONGEST: Duration = Duration::from_secs(10);

/// What one call costs both ends together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PairCost {
    pub(crate) calls: u32,
    pub(crate) rate: u32,
    /// User and kernel time of both processes per call, without start and idle share.
    pub(crate) cpu: Duration,
}

/// Why there is no figure.
#[derive(Debug)]
pub(crate) enum Unmeasured {
    /// SIPp is not there.
    NotInstalled,
    /// It did not do what it should.
    Failed(String),
}

impl fmt::Display for Unmeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled => f.write_str("sipp is not on the path"),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

/// A SIPp process; killed and waited for when dropped.
struct Sipp {
    child: Child,
    /// CPU time of each thread as last seen.
    threads: BTreeMap<u32, Duration>,
}

impl Sipp {
    fn start(arguments: &[String]) -> Result<Self, Unmeasured> {
        let started = Command::new("sipp")
            .args(arguments)
            .args(["-i", "127.0.0.1", "-nostdin"])
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match started {
            Ok(child) => Ok(Self {
                child,
                threads: BTreeMap::new(),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Unmeasured::NotInstalled),
            Err(error) => Err(Unmeasured::Failed(format!("sipp does not start: {error}"))),
        }
    }

    /// CPU time up to now. Threads that ended count with what was last seen of them.
    fn cpu(&mut self) -> Duration {
        self.threads.append(&mut proc::process_threads(self.child.id()));
        self.threads.values().sum()
    }

    fn ended(&self) -> bool {
        proc::has_ended(self.child.id()) != Some(false)
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        // One that has ended cannot be killed, only waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU and wall time of one run of the calling side, and what the answering side took meanwhile.
struct Run {
    calling: Duration,
    answering: Duration,
    wall: Duration,
}

/// Measures the pair: a long run less a run of one call less the idle share.
pub(crate) fn measure() -> Result<PairCost, Unmeasured> {
    let port = free_port()?;
    let mut answering = Sipp::start(&["-sn".into(), "uas".into(), "-p".into(), port.to_string()])?;
    // SIPp does not say when it is ready; a second is ample, and a miss shows as a failed run.
    sleep(Duration::from_secs(1));
    let before = answering.cpu();
    sleep(IDLE);
    let idle = answering.cpu().saturating_sub(before).as_secs_f64() / IDLE.as_secs_f64();
    let short = run(&mut answering, port, 1)?;
    let long = run(&mut answering, port, CALLS)?;
    let wall = long.wall.saturating_sub(short.wall).as_secs_f64();
    let total = |run: &Run| (run.calling + run.answering).as_secs_f64();
    // Both ends are the same program, so both idle alike.
    let cpu = total(&long) - total(&short) - 2.0 * idle * wall;
    if cpu <= 0.0 {
        return Err(Unmeasured::Failed(
            "sipp's CPU time does not stand out from its idle share".to_owned(),
        ));
    }
    Ok(PairCost {
        calls: CALLS,
        rate: RATE,
        cpu: Duration::from_secs_f64(cpu / f64::from(CALLS - 1)),
    })
}

fn run(answering: &mut Sipp, port: u16, calls: u32) -> Result<Run, Unmeasured> {
    let before = answering.cpu();
    let arguments = [
        "-sn",
        "uac",
        &format!("127.0.0.1:{port}"),
        "-r",
        &RATE.to_string(),
        "-m",
        &calls.to_string(),
    ];
    let mut calling = Sipp::start(&arguments.map(str::to_owned))?;
    let mut wall = Duration::ZERO;
    while !calling.ended() {
        if wall > LONGEST {
            return Err(Unmeasured::Failed(format!(
                "sipp does not end within {LONGEST:?}"
            )));
        }
        calling.cpu();
        sleep(TICK);
        wall += TICK;
    }
    // It ended but was not waited for, so its last CPU time can still be read.
    let cpu = calling.cpu();
    let status = calling
        .child
        .wait()
        .map_err(|error| Unmeasured::Failed(error.to_string()))?;
    if !status.success() {
        return Err(Unmeasured::Failed(format!(
            "sipp's own calls to itself failed: {status}"
        )));
    }
    if answering.ended() {
        return Err(Unmeasured::Failed("the answering sipp ended early".to_owned()));
    }
    Ok(Run {
        calling: cpu,
        answering: answering.cpu().saturating_sub(before),
        wall,
    })
}

/// A port that was free a moment ago; SIPp cannot choose and tell one.
fn free_port() -> Result<u16, Unmeasured> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|socket| socket.local_addr())
        .map(|address| address.port())
        .map_err(|error| Unmeasured::Failed(format!("no free port: {error}")))
}

//! The servers and tools as processes: started with what they print captured, ended by pid.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How long a peer may take for one step before the test fails.
const STEP: Duration = Duration::from_secs(30);

/// A child process whose output lines arrive on a channel; killed when dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    lines: Receiver<String>,
    seen: String,
}

impl Process {
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let (sender, lines) = channel();
        for source in [
            Box::new(child.stdout.take().unwrap()) as Box<dyn Read + Send>,
            Box::new(child.stderr.take().unwrap()),
        ] {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(source).split(b'\n').map_while(Result::ok) {
                    let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                }
            });
        }
        Self {
            name: name.to_owned(),
            child,
            lines,
            seen: String::new(),
        }
    }

    /// Waits for a line that contains `text`; answers everything printed so far, a block longer.
    pub(crate) fn until(&mut self, text: &str) -> String {
        loop {
            match self.lines.recv_timeout(STEP) {
                Ok(line) => {
                    writeln!(self.seen, "{line}").unwrap();
                    if line.contains(text) {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("{}: no `{text}` in:\n{}", self.name, self.seen)
                }
            }
        }
        // The attributes of the event follow on their own lines.
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(300)) {
            writeln!(self.seen, "{line}").unwrap();
        }
        self.seen.clone()
    }

    /// Waits for the end; fails unless it ends well.
    pub(crate) fn finish(mut self) -> String {
        // Both pipes end with the process.
        loop {
            match self.lines.recv_timeout(STEP * 4) {
                Ok(line) => writeln!(self.seen, "{line}").unwrap(),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("{}: does not end:\n{}", self.name, self.seen),
            }
        }
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{}: {status}\n{}", self.name, self.seen);
        std::mem::take(&mut self.seen)
    }

    /// Asks it to end as Ctrl-C does and waits.
    pub(crate) fn interrupt(self) -> String {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(sent.success());
        self.finish()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The `cluster` binary on free ports.
pub(crate) struct Cluster {
    process: Process,
    pub(crate) sip: SocketAddr,
    pub(crate) tlib: SocketAddr,
    _config: tempfile::TempDir,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config");
        let folder = tempfile::tempdir().unwrap();
        let text = std::fs::read_to_string(format!("{shipped}/quickstart.toml"))
            .unwrap()
            .replace("127.0.0.1:5060", "127.0.0.1:0")
            .replace("127.0.0.1:7001", "127.0.0.1:0")
            .replace("127.0.0.1:8080", "127.0.0.1:0")
            .replace("\"prompts\"", &format!("\"{shipped}/prompts\""))
            .replace("\"strategies/", &format!("\"{shipped}/strategies/"));
        let config = folder.path().join("cluster.toml");
        std::fs::write(&config, text).unwrap();
        let mut process = Process::start(
            "cluster",
            Command::new(env!("CARGO_BIN_EXE_cluster"))
                .arg("--config")
                .arg(config),
        );
        let printed = process.until("ready");
        let address = |label: &str| -> SocketAddr {
            let line = printed
                .lines()
                .find(|line| line.trim_start().starts_with(label))
                .unwrap();
            line.split_whitespace()
                .find_map(|word| word.parse().ok())
                .unwrap()
        };
        Self {
            sip: address("SIP"),
            tlib: address("T-Library"),
            process,
            _config: folder,
        }
    }

    /// Ctrl-C; fails unless it drains and ends well.
    pub(crate) fn stop(self) {
        self.process.interrupt();
    }
}

/// `tlib-cli`, printing events in the SDK log format.
pub(crate) struct TlibCli(Process);

impl TlibCli {
    fn start(cluster: &Cluster, arguments: &[&str], first: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tlib-cli"));
        command
            .arg("--server")
            .arg(cluster.tlib.to_string())
            .args(arguments);
        let mut process = Process::start("tlib-cli", &mut command);
        process.until(first);
        Self(process)
    }

    pub(crate) fn login(cluster: &Cluster, dn: &str) -> Self {
        Self::start(
            cluster,
            &["login", "--dn", dn, "--agent", dn, "--ready", "--watch"],
            "EventAgentReady",
        )
    }

    pub(crate) fn watch(cluster: &Cluster, dn: &str) -> Self {
        Self::start(cluster, &["watch", "--dn", dn], "EventRegistered")
    }

    pub(crate) fn until(mut self, text: &str) -> String {
        self.0.until(text)
    }
}

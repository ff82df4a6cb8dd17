//! Start, wrong starts, and the end with calls up.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use reference::cluster::{Addresses, Cluster};
use reference::sim::phone::{Ending, Line};
use tlib::MessageType;
use tlib::catalog::TreatmentType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::desk::Desk;
use crate::flow::call_and_press;
use crate::site::{POINT, STEP, Site, quickstart};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config");

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_hangs_up_on_calls_tells_applications_and_disconnects_them() {
    let site = Site::start().await;
    let mut agent = site.phone("1001", Line::auto_answer(Duration::ZERO)).await;
    let mut talks = site.customer("5550101").await;
    let mut listens = site.customer("5550102").await;
    let mut desk = Desk::connect(&site, &["1001", POINT]).await;
    desk.ready("1001").await;
    let talk = call_and_press(&mut talks, &mut desk, "1").await;
    let taken = agent.incoming().await;
    talks.joined(talk).await;
    desk.until(MessageType::EVENT_ESTABLISHED, "1001").await;
    let menu = listens.call(POINT).await;
    listens.answered(menu).await;
    desk.until_treatment(TreatmentType::PLAY_ANNOUNCEMENT_AND_DIGITS)
        .await;
    desk.mark_here();

    let Site {
        cluster,
        prompts: _prompts,
    } = site;
    tokio::time::timeout(STEP, cluster.shutdown())
        .await
        .expect("the shutdown does not end");
    assert_eq!(
        talks.ended(talk).await.0,
        Ending::ByPeer,
        "no BYE for the customer"
    );
    assert_eq!(agent.ended(taken).await.0, Ending::ByPeer, "no BYE for the agent");
    assert_eq!(
        listens.ended(menu).await.0,
        Ending::ByPeer,
        "no BYE for the customer in the menu"
    );
    let disconnected = |event: &tlib::Message| event.message_type == MessageType::EVENT_SERVER_DISCONNECTED;
    desk.until_that("end of the connection", disconnected).await;
    let mut seen = desk.names();
    assert_eq!(seen.pop().unwrap(), "- EventServerDisconnected");
    seen.sort();
    assert_eq!(seen, ["1001 EventReleased", "8000 EventAbandoned"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_deployment_tells_its_health_and_counts_calls() {
    let site = Site::start().await;
    let mut customer = site.customer("5550100").await;
    let call = customer.call(POINT).await;
    customer.answered(call).await;
    assert!(get(&site, "/health").await.starts_with("HTTP/1.1 200"));
    assert!(get(&site, "/ready").await.starts_with("HTTP/1.1 200"));
    let metrics = get(&site, "/metrics").await;
    for line in [
        "tserver_calls 1",
        "sip_legs 1",
        "media_sessions 1",
        "orchestration_sessions 1",
    ] {
        assert!(
            metrics.lines().any(|metric| metric == line),
            "no `{line}` in\n{metrics}"
        );
    }
    customer.hang_up(call).await;
    site.idle().await;
    let metrics = get(&site, "/metrics").await;
    for line in [
        "tserver_calls 0",
        "sip_legs 0",
        "media_sessions 0",
        "orchestration_sessions 0",
    ] {
        assert!(
            metrics.lines().any(|metric| metric == line),
            "no `{line}` in\n{metrics}"
        );
    }
}

async fn get(site: &Site, page: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(site.cluster.addresses().http)
        .await
        .unwrap();
    let request = format!("GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A configuration file of its own: the quick start on free ports, changed.
struct File {
    folder: tempfile::TempDir,
    text: String,
}

impl File {
    fn new() -> Self {
        let text = std::fs::read_to_string(format!("{SHIPPED}/quickstart.toml")).unwrap();
        let text = [5060, 7001, 8080].iter().fold(text, |text, port| {
            text.replace(&format!("\"127.0.0.1:{port}\""), "\"127.0.0.1:0\"")
        });
        let text = text
            .replace("\"prompts\"", &format!("\"{SHIPPED}/prompts\""))
            .replace("\"strategies/", &format!("\"{SHIPPED}/strategies/"));
        Self {
            folder: tempfile::tempdir().unwrap(),
            text,
        }
    }

    fn replace(mut self, from: &str, to: &str) -> Self {
        assert!(self.text.contains(from), "the quick start has no `{from}`");
        self.text = self.text.replacen(from, to, 1);
        self
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cluster.toml")
    }

    /// Line of the first appearance of a text, from 1.
    fn line(&self, text: &str) -> usize {
        1 + self.text.lines().position(|line| line.contains(text)).unwrap()
    }

    /// Runs the binary on it, which must refuse to start.
    fn run(&self, arguments: &[&str]) -> Output {
        std::fs::write(self.path(), &self.text).unwrap();
        run(&self.path(), arguments)
    }
}

fn run(config: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cluster"))
        .arg("--config")
        .arg(config)
        .args(arguments)
        .output()
        .unwrap()
}

/// The one line that it says before it ends with code 2.
fn complaint(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        output.stdout.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(text.lines().count(), 1, "not one line:\n{text}");
    text.trim_end().to_owned()
}

#[test]
fn the_shipped_configuration_is_found_good_without_a_start() {
    let output = run(
        &PathBuf::from(format!("{SHIPPED}/quickstart.toml")),
        &["--check-config"],
    );
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed, format!("{SHIPPED}/quickstart.toml: ok\n"));
    assert!(output.stderr.is_empty());
}

#[test]
fn a_configuration_that_is_not_there_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing.toml");
    let said = complaint(&run(&path, &[]));
    assert!(said.starts_with(&format!("{}: ", path.display())), "{said}");
}

#[test]
fn wrong_values_are_said_with_file_and_line() {
    let cases = [
        (
            "no_answer_secs = 15",
            "no_answer_secs = \"soon\"",
            "no_answer_secs = ",
        ),
        ("no_answer_secs = 15", "no_answer_secs = 0", "no_answer_secs = "),
        ("server_id = 101", "server_id = 20000", "server_id"),
        ("server_id = 101", "colour = 1", "colour"),
        ("number = \"1002\"", "number = \"10 02\"", "10 02"),
        (
            "rtp_ports = [20000, 29999]",
            "rtp_ports = [29999, 20000]",
            "rtp_ports",
        ),
        ("\"MD5\"", "\"ROT13\"", "ROT13"),
        ("[tlib]", "[tlib", "[tlib"),
    ];
    for (from, to, at) in cases {
        let file = File::new().replace(from, to);
        let place = format!("{}:{}: ", file.path().display(), file.line(at));
        for arguments in [&[][..], &["--check-config"]] {
            let said = complaint(&file.run(arguments));
            assert!(said.starts_with(&place), "`{to}`: {said}, expected {place}");
            assert!(said.len() > place.len() + 5, "no reason: {said}");
        }
    }
}

#[test]
fn a_port_in_use_is_said_with_file_line_and_address() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for section in ["[sip]", "[tlib]", "[http]"] {
        let file = File::new();
        let at = file.text.find(section).unwrap();
        let (before, after) = file.text.split_at(at);
        let text = format!(
            "{before}{}",
            after.replacen("127.0.0.1:0", &address.to_string(), 1)
        );
        let file = File { text, ..file };
        let place = format!("{}:{}: ", file.path().display(), file.line(&address.to_string()));
        let said = complaint(&file.run(&[]));
        assert!(said.starts_with(&place), "{section}: {said}, expected {place}");
        assert!(
            said.contains(&address.to_string()) && said.contains("in use"),
            "{section}: {said}"
        );
    }
}

#[test]
fn a_strategy_that_is_wrong_or_missing_is_said_with_its_file() {
    let strategy = std::fs::read_to_string(format!("{SHIPPED}/strategies/inbound.scxml")).unwrap();
    let cases = [
        (
            strategy
                .replace("</final>", "")
                .replace("<final id=\"over\"/>", "<final id=\"over\">"),
            "not closed",
        ),
        (
            strategy.replace("target=\"menu\"", "target=\"nowhere\""),
            "a target that does not exist",
        ),
        (
            strategy.replace("initial=\"starting\"", "initial=\"ending\""),
            "an initial state that does not exist",
        ),
    ];
    for (text, what) in cases {
        assert_ne!(text, strategy, "{what}");
        let file = File::new().replace(&format!("{SHIPPED}/strategies/inbound.scxml"), "wrong.scxml");
        let wrong = file.folder.path().join("wrong.scxml");
        std::fs::write(&wrong, text).unwrap();
        let said = complaint(&file.run(&["--check-config"]));
        assert!(said.contains(&format!("{}:", wrong.display())), "{what}: {said}");
        assert_eq!(said, complaint(&file.run(&[])), "{what}");
    }
    let file = File::new().replace(&format!("{SHIPPED}/strategies/inbound.scxml"), "missing.scxml");
    let said = complaint(&file.run(&[]));
    assert!(said.contains("missing.scxml"), "{said}");
}

/// Other tests take free ports all the time, so that one attempt says nothing; a server that keeps a port fails all.
const ATTEMPTS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_was_shut_down_has_given_its_ports_back() {
    for _ in 0..ATTEMPTS {
        let cluster = Cluster::start(quickstart()).await.unwrap();
        let Addresses { sip, tlib, http } = cluster.addresses();
        cluster.shutdown().await;
        let free = [sip, tlib, http]
            .iter()
            .all(|address| std::net::TcpListener::bind(address).is_ok());
        if free && std::net::UdpSocket::bind(sip).is_ok() {
            return;
        }
    }
    panic!("a port stays bound");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_started_before_a_failure_is_stopped_again() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for _ in 0..ATTEMPTS {
        let mut config = quickstart();
        config.http.listen = taken.local_addr().unwrap();
        let free = std::net::UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        config.sip.listen = free;
        let error = Cluster::start(config)
            .await
            .err()
            .expect("the HTTP port is in use");
        if error.to_string().contains("HTTP") && std::net::UdpSocket::bind(free).is_ok() {
            return;
        }
    }
    panic!("the SIP port stays bound");
}

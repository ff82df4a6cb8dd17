//! A deployment on free ports, with phones and customers.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use media::g711::Law;
use media::phone::{PhoneStats, Talk};
use media::tone::sine_wave;
use media::wav;
use reference::cluster::Cluster;
use reference::config::ClusterConfig;
use reference::sim::phone::{
    CallId, CallOptions, Ending, Happening, Line, PhoneEvents, PhoneHost, PhoneHostConfig,
};
use sip::status::StatusCode;
use sip::transport::Destination;

/// How long one step may take before a test fails; far beyond what it takes on a busy machine.
pub(crate) const STEP: Duration = Duration::from_secs(30);
/// How often something that nobody announces is looked at.
const TICK: Duration = Duration::from_millis(10);

/// The number that runs the strategy of the quick start.
pub(crate) const POINT: &str = "8000";

/// A running deployment.
pub(crate) struct Site {
    pub(crate) cluster: Cluster,
    pub(crate) prompts: tempfile::TempDir,
}

impl Site {
    /// The quick start with prompts that do not keep a test waiting: a short greeting, and a menu that lasts until a key
    /// is pressed.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut ClusterConfig)) -> Self {
        let prompts = prompts();
        let mut config = quickstart();
        config.media.prompts = prompts.path().to_owned();
        change(&mut config);
        Self {
            cluster: Cluster::start(config).await.unwrap(),
            prompts,
        }
    }

    pub(crate) fn sip(&self) -> Destination {
        Destination::udp(self.cluster.addresses().sip)
    }

    /// A phone with a socket of its own, registered under its number.
    pub(crate) async fn phone(&self, number: &str, line: Line) -> Phone {
        let mut phone = Phone::start(self, number).await;
        phone.line(line).await;
        phone.register().await;
        phone
    }

    /// Somebody who calls from outside.
    pub(crate) async fn customer(&self, number: &str) -> Phone {
        Phone::start(self, number).await
    }

    /// A phone that knows only one law of G.711, not registered.
    pub(crate) async fn phone_of_law(&self, number: &str, law: Law) -> Phone {
        let mut config = PhoneHostConfig::default();
        config.media = config.media.with_laws(vec![law]);
        Phone::start_with(self, number, config).await
    }

    /// A phone that speaks TCP, registered under its number.
    pub(crate) async fn phone_over_tcp(&self, number: &str, line: Line) -> Phone {
        let mut phone = self.customer_over_tcp(number).await;
        phone.line(line).await;
        phone.register().await;
        phone
    }

    /// Somebody who calls from outside over TCP.
    pub(crate) async fn customer_over_tcp(&self, number: &str) -> Phone {
        let mut phone = Phone::start(self, number).await;
        phone.server = Destination::tcp(self.cluster.addresses().sip);
        phone
    }

    /// Waits until no layer has anything left of any call.
    pub(crate) async fn idle(&self) {
        let limit = tokio::time::Instant::now() + STEP;
        loop {
            let left = self.left().await;
            if left.iter().all(|(_, count)| *count == 0) {
                return;
            }
            assert!(tokio::time::Instant::now() < limit, "left over: {left:?}");
            tokio::time::sleep(TICK).await;
        }
    }

    /// Registered contacts.
    pub(crate) async fn bindings(&self) -> usize {
        self.cluster.node().stats().await.b2bua.unwrap().bindings
    }

    /// Agents that the router can select.
    pub(crate) async fn ready_agents(&self) -> usize {
        self.cluster.router().stats().await.unwrap().router.ready
    }

    /// What each layer has of calls.
    async fn left(&self) -> Vec<(&'static str, u64)> {
        let node = self.cluster.node().stats().await;
        let (b2bua, engine, media) = (node.b2bua.unwrap(), node.engine.unwrap(), node.media.unwrap());
        let router = self.cluster.router().stats().await.unwrap();
        vec![
            ("SIP legs", b2bua.legs as u64),
            ("media endpoints", b2bua.media_endpoints as u64),
            ("negotiations", b2bua.negotiations as u64),
            ("media sessions", media.sessions as u64),
            ("calls", engine.calls),
            ("engine legs", engine.legs),
            ("calls at the router", router.active as u64),
            ("waiting requests", router.router.waiting as u64),
            ("strategies", router.sessions.active as u64),
        ]
    }
}

/// The configuration of the quick start on free ports.
pub(crate) fn quickstart() -> ClusterConfig {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config/quickstart.toml"));
    let mut config = ClusterConfig::load(file).unwrap();
    config.sip.listen.set_port(0);
    config.tlib.listen.set_port(0);
    config.http.listen.set_port(0);
    config
}

/// A prompt that plays for a quarter of a second.
const SHORT: Duration = Duration::from_millis(250);
/// A prompt that no test hears to its end.
const LONG: Duration = Duration::from_secs(120);

/// The prompts of the strategy as tones of 300 Hz.
fn prompts() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, duration) in [
        ("greeting", SHORT),
        ("menu", LONG),
        ("wait", SHORT),
        ("apology", SHORT),
    ] {
        write_prompt(folder.path(), name, duration);
    }
    folder
}

fn write_prompt(folder: &Path, name: &str, duration: Duration) {
    let sound = sine_wave(300.0, 8_000, duration);
    std::fs::write(folder.join(format!("{name}.wav")), wav::encode(sound.samples())).unwrap();
}

/// A steady tone to say.
pub(crate) fn tone(frequency: f64) -> Talk {
    Talk::Loop(sine_wave(frequency, 8_000, Duration::from_secs(1)))
}

/// How strong one frequency is in a sound: the amplitude of its sine.
pub(crate) fn strength(sound: &[i16], frequency: f64) -> f64 {
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (n, sample) in sound.iter().enumerate() {
        let angle = std::f64::consts::TAU * frequency * n as f64 / 8_000.0;
        real += f64::from(*sample) * angle.cos();
        imaginary += f64::from(*sample) * angle.sin();
    }
    2.0 * real.hypot(imaginary) / sound.len().max(1) as f64
}

/// One phone with sockets of its own.
pub(crate) struct Phone {
    pub(crate) host: PhoneHost,
    pub(crate) number: String,
    events: PhoneEvents,
    /// Happened, and nobody has asked for it yet.
    happened: VecDeque<Happening>,
    server: Destination,
}

impl Phone {
    async fn start(site: &Site, number: &str) -> Self {
        Self::start_with(site, number, PhoneHostConfig::default()).await
    }

    async fn start_with(site: &Site, number: &str, config: PhoneHostConfig) -> Self {
        let (host, events) = PhoneHost::start(config).await.unwrap();
        Self {
            host,
            number: number.to_owned(),
            events,
            happened: VecDeque::new(),
            server: site.sip(),
        }
    }

    pub(crate) async fn line(&self, line: Line) {
        self.host.set_line(&self.number, line).await.unwrap();
    }

    pub(crate) async fn register(&mut self) {
        self.host
            .register(&self.number, &format!("agent-{}", self.number), self.server)
            .await
            .unwrap();
        self.until("registration", |what| {
            matches!(what, Happening::Registered { .. })
        })
        .await;
    }

    pub(crate) async fn unregister(&mut self) {
        self.host.unregister(&self.number).await.unwrap();
        self.until("end of registration", |what| {
            matches!(what, Happening::Unregistered { .. })
        })
        .await;
    }

    pub(crate) async fn call(&self, to: &str) -> CallId {
        self.call_with(CallOptions::new(to, &self.number)).await
    }

    pub(crate) async fn call_with(&self, options: CallOptions) -> CallId {
        self.host.call(self.server, options).await.unwrap()
    }

    /// The first happening of a kind that was not asked for before.
    pub(crate) async fn until(&mut self, name: &str, wanted: impl Fn(&Happening) -> bool) -> Happening {
        if let Some(found) = self.happened.iter().position(&wanted) {
            return self.happened.remove(found).unwrap();
        }
        let limit = tokio::time::sleep(STEP);
        tokio::pin!(limit);
        loop {
            tokio::select! {
                event = self.events.next() => {
                    let what = event.unwrap().what;
                    if wanted(&what) {
                        return what;
                    }
                    self.happened.push_back(what);
                }
                () = &mut limit => panic!("no {name} at the phone after {:?}", self.happened),
            }
        }
    }

    pub(crate) async fn incoming(&mut self) -> CallId {
        let what = self
            .until("incoming call", |what| matches!(what, Happening::Incoming { .. }))
            .await;
        what.call().unwrap()
    }

    pub(crate) async fn ringing(&mut self, call: CallId) {
        self.until(
            "ringing",
            |what| matches!(what, Happening::Ringing { call: c } if *c == call),
        )
        .await;
    }

    pub(crate) async fn answered(&mut self, call: CallId) {
        self.until(
            "answer",
            |what| matches!(what, Happening::Answered { call: c, .. } if *c == call),
        )
        .await;
    }

    /// Waits until somebody else is at the other end.
    pub(crate) async fn joined(&mut self, call: CallId) {
        self.until(
            "re-INVITE",
            |what| matches!(what, Happening::MediaChanged { call: c, .. } if *c == call),
        )
        .await;
    }

    /// Waits until the call is on hold; answers whether the other side did it.
    pub(crate) async fn held(&mut self, call: CallId) -> bool {
        let what = self
            .until(
                "hold",
                |what| matches!(what, Happening::Held { call: c, .. } if *c == call),
            )
            .await;
        matches!(what, Happening::Held { by_peer: true, .. })
    }

    /// Waits until the call is no longer on hold; answers whether the other side did it.
    pub(crate) async fn retrieved(&mut self, call: CallId) -> bool {
        let what = self
            .until(
                "retrieve",
                |what| matches!(what, Happening::Retrieved { call: c, .. } if *c == call),
            )
            .await;
        matches!(what, Happening::Retrieved { by_peer: true, .. })
    }

    /// Waits for the refusal of a call.
    pub(crate) async fn refused(&mut self, call: CallId) -> StatusCode {
        let what = self
            .until(
                "refusal",
                |what| matches!(what, Happening::Failed { call: c, .. } if *c == call),
            )
            .await;
        let Happening::Failed { status, .. } = what else {
            unreachable!()
        };
        status
    }

    /// Waits for the end of a call, answers how it ended and what was recorded.
    pub(crate) async fn ended(&mut self, call: CallId) -> (Ending, Vec<i16>) {
        let what = self
            .until(
                "end",
                |what| matches!(what, Happening::Ended { call: c, .. } if *c == call),
            )
            .await;
        let Happening::Ended {
            ending, recording, ..
        } = what
        else {
            unreachable!()
        };
        (ending, recording.unwrap_or_default())
    }

    /// Waits until the phone heard this many more frames (20 ms each) that are no silence.
    pub(crate) async fn hears(&self, call: CallId, frames: u64) {
        let before = self.stats(call).await.loud_frames;
        let heard = async {
            // Each answer comes with the next frame.
            while self.stats(call).await.loud_frames < before + frames {}
        };
        let in_time = tokio::time::timeout(STEP, heard).await.is_ok();
        assert!(
            in_time,
            "the phone hears nothing: {:?}",
            self.host.stats(call).await
        );
    }

    pub(crate) async fn stats(&self, call: CallId) -> PhoneStats {
        self.host.stats(call).await.unwrap()
    }

    pub(crate) async fn hang_up(&mut self, call: CallId) {
        self.host.hang_up(call).await.unwrap();
        self.ended(call).await;
    }
}

//! Phones against a whole deployment on loopback.

use std::time::Duration;

use media::tone::sine_wave;
use tlib::{CallControlExt, MessageType};

use super::*;
use crate::cluster::Cluster;
use crate::sim::testing::cluster;

const STEP: Duration = Duration::from_secs(20);

struct Site {
    cluster: Cluster,
    server: Destination,
    host: PhoneHost,
    events: PhoneEvents,
    waiting: Vec<Happening>,
}

impl Site {
    async fn start() -> Self {
        let cluster = cluster().await;
        let server = Destination::udp(cluster.addresses().sip);
        let (host, events) = PhoneHost::start(PhoneHostConfig::default()).await.unwrap();
        Self {
            cluster,
            server,
            host,
            events,
            waiting: Vec::new(),
        }
    }

    async fn register(&mut self, number: &str, line: Line) {
        self.host.set_line(number, line).await.unwrap();
        self.host
            .register(number, &format!("agent-{number}"), self.server)
            .await
            .unwrap();
        self.until(|what| matches!(what, Happening::Registered { .. }))
            .await;
    }

    /// The first event that fits and was not taken yet; the others stay for later.
    async fn until(&mut self, wanted: impl Fn(&Happening) -> bool) -> Happening {
        if let Some(at) = self.waiting.iter().position(&wanted) {
            return self.waiting.remove(at);
        }
        let found = tokio::time::timeout(STEP, async {
            loop {
                let event = self.events.next().await.unwrap();
                if wanted(&event.what) {
                    return event.what;
                }
                self.waiting.push(event.what);
            }
        });
        let found = found.await;
        found.unwrap_or_else(|_| panic!("not seen; waiting: {:?}", self.waiting))
    }

    async fn incoming(&mut self) -> CallId {
        self.until(|what| matches!(what, Happening::Incoming { .. }))
            .await
            .call()
            .unwrap()
    }

    async fn answered(&mut self, call: CallId) {
        self.until(|what| matches!(what, Happening::Answered { call: c, .. } if *c == call))
            .await;
    }

    /// Waits until a call heard sound.
    async fn hears(&self, call: CallId) -> PhoneStats {
        let heard = async {
            loop {
                let stats = self.host.stats(call).await.unwrap();
                if stats.loud_frames > 3 {
                    return stats;
                }
            }
        };
        tokio::time::timeout(STEP, heard).await.unwrap()
    }

    async fn ended(&mut self, call: CallId) -> (Ending, bool, PhoneStats, Option<Vec<i16>>) {
        let what = self
            .until(|what| matches!(what, Happening::Ended { call: c, .. } if *c == call))
            .await;
        let Happening::Ended {
            ending,
            answered,
            stats,
            recording,
            ..
        } = what
        else {
            unreachable!()
        };
        (ending, answered, *stats, recording)
    }

    async fn stop(self) {
        assert!(
            self.host.shutdown(Duration::from_secs(5)).await,
            "not all was ended in time"
        );
        self.cluster.shutdown().await;
    }
}

fn from(caller: &str, to: &str) -> CallOptions {
    CallOptions::new(to, caller).with_account(Account::new(caller, format!("agent-{caller}")))
}

fn tone() -> Talk {
    Talk::Loop(sine_wave(440.0, 8_000, Duration::from_secs(1)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_registers_with_its_password_and_not_with_another() {
    let mut site = Site::start().await;
    site.register("1001", Line::default()).await;
    site.host.register("1002", "wrong", site.server).await.unwrap();
    let failed = site
        .until(|what| matches!(what, Happening::RegistrationFailed { .. }))
        .await;
    let Happening::RegistrationFailed {
        line,
        status,
        will_retry,
    } = failed
    else {
        unreachable!()
    };
    assert_eq!((line.as_str(), will_retry), ("1002", false));
    assert!([401, 403].contains(&status.0), "{status:?}");
    site.host.unregister("1001").await.unwrap();
    site.until(|what| matches!(what, Happening::Unregistered { .. }))
        .await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_hears_the_greeting_and_records_it() {
    let mut site = Site::start().await;
    let options = CallOptions::new("8000", "5550100").with_record(true);
    let call = site.host.call(site.server, options).await.unwrap();
    site.answered(call).await;
    site.hears(call).await;
    site.host.hang_up(call).await.unwrap();
    let (ending, answered, stats, recording) = site.ended(call).await;
    assert_eq!((ending, answered), (Ending::ByUs, true));
    assert!(stats.stream.sent_packets > 0 && stats.stream.received.packets > 3);
    assert!(
        recording
            .unwrap()
            .iter()
            .any(|sample| sample.unsigned_abs() > 500),
        "the recording is silent"
    );
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_phones_talk_hold_retrieve_and_hang_up() {
    let mut site = Site::start().await;
    site.register("1001", Line::default().with_talk(tone())).await;
    site.register("1002", Line::auto_answer(Duration::ZERO).with_talk(tone()))
        .await;
    let caller = site
        .host
        .call(site.server, from("1001", "1002").with_talk(tone()))
        .await
        .unwrap();
    let callee = site.incoming().await;
    let mut open = vec![caller, callee];
    while !open.is_empty() {
        let call = site
            .until(|what| matches!(what, Happening::Answered { .. }))
            .await
            .call()
            .unwrap();
        open.retain(|waiting| *waiting != call);
    }
    site.hears(caller).await;
    site.hears(callee).await;

    site.host.hold(caller).await.unwrap();
    let held = |call| Happening::Held {
        call,
        by_peer: call == callee,
    };
    let mut open = vec![caller];
    while !open.is_empty() {
        let what = site.until(|what| matches!(what, Happening::Held { .. })).await;
        assert_eq!(format!("{what:?}"), format!("{:?}", held(what.call().unwrap())));
        open.retain(|waiting| Some(*waiting) != what.call());
    }
    site.host.retrieve(caller).await.unwrap();
    site.until(|what| matches!(what, Happening::Retrieved { call, by_peer: false } if *call == caller))
        .await;
    let before = site.host.stats(caller).await.unwrap().loud_frames;
    while site.host.stats(caller).await.unwrap().loud_frames < before + 5 {}

    site.host.hang_up(callee).await.unwrap();
    let (ending, answered, ..) = site.ended(caller).await;
    assert_eq!((ending, answered), (Ending::ByPeer, true));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_line_refuses_and_a_manual_line_rings_until_it_is_told() {
    let mut site = Site::start().await;
    for caller in ["1001", "1002"] {
        site.register(caller, Line::default()).await;
    }
    site.register("1003", Line::new(Behavior::Busy)).await;
    site.register("1004", Line::default()).await;
    let call = site.host.call(site.server, from("1001", "1003")).await.unwrap();
    let failed = site
        .until(|what| matches!(what, Happening::Failed { call: c, .. } if *c == call))
        .await;
    let Happening::Failed { status, .. } = failed else {
        unreachable!()
    };
    assert_eq!(status.0, 486);
    site.incoming().await;

    let options = from("1001", "1004").with_patience(Duration::from_millis(300));
    let impatient = site.host.call(site.server, options).await.unwrap();
    let ringing = site.incoming().await;
    let (ending, answered, ..) = site.ended(impatient).await;
    assert_eq!((ending, answered), (Ending::GaveUp, false));
    let (ending, answered, ..) = site.ended(ringing).await;
    assert_eq!((ending, answered), (Ending::ByPeer, false));

    let patient = site.host.call(site.server, from("1002", "1004")).await.unwrap();
    let ringing = site.incoming().await;
    site.host.answer(ringing).await.unwrap();
    site.answered(patient).await;
    site.host.hang_up(patient).await.unwrap();
    let (ending, answered, ..) = site.ended(ringing).await;
    assert_eq!((ending, answered), (Ending::ByPeer, true));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_vanished_answers_nothing_until_it_is_back() {
    let mut site = Site::start().await;
    site.register("1001", Line::default()).await;
    site.register("1005", Line::auto_answer(Duration::ZERO)).await;
    site.host
        .set_line("1005", Line::new(Behavior::Gone))
        .await
        .unwrap();
    let options = from("1001", "1005").with_patience(Duration::from_millis(700));
    let call = site.host.call(site.server, options).await.unwrap();
    let (ending, answered, ..) = site.ended(call).await;
    assert_eq!((ending, answered), (Ending::GaveUp, false));
    site.host
        .set_line("1005", Line::auto_answer(Duration::ZERO))
        .await
        .unwrap();
    let call = site.host.call(site.server, from("1001", "1005")).await.unwrap();
    site.answered(call).await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_client_answers_is_told_by_notify() {
    let mut site = Site::start().await;
    site.register("1001", Line::default()).await;
    site.register("1006", Line::default()).await;
    let address = site.cluster.addresses().tlib.to_string();
    let (client, mut events) = tlib::ClientConfig::new(address, "test").build();
    client.connect().await.unwrap();
    client.register_address("1006").await.unwrap();
    let call = site.host.call(site.server, from("1001", "1006")).await.unwrap();
    let conn = loop {
        let event = events.next().await.unwrap();
        if event.message_type == MessageType::EVENT_RINGING {
            break event.conn_id().unwrap();
        }
    };
    site.until(|what| matches!(what, Happening::Ringing { call: c } if *c == call))
        .await;
    client.answer_call("1006", conn).await.unwrap();
    site.answered(call).await;
    site.stop().await;
}

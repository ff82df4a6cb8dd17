//! A little traffic against a whole deployment, and the account on its own.

use super::*;
use crate::sim::testing;

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_a_small_load_reaches_an_agent_and_is_heard() {
    let mut config = testing::config();
    let traffic = TrafficConfig::new(4.0, 4, 2).prepare(&mut config);
    let cluster = Cluster::start(config).await.unwrap();
    let report = run(&cluster, traffic).await.unwrap();
    cluster.shutdown().await;
    assert_eq!(
        (report.offered, report.answered, report.abandoned, report.failed),
        (8, 8, 0, 0),
        "{report}"
    );
    assert_eq!(report.agent_heard, 8, "{report}");
    assert!(
        report.setup.is_some() && report.connect.is_some() && report.t_events > 0,
        "{report}"
    );
}

#[test]
fn agents_get_free_numbers_and_both_skills() {
    let mut config = ClusterConfig::default();
    config.extensions.push(ExtensionConfig {
        number: "20002".to_owned(),
        password: "secret".to_owned(),
        after_call_work_secs: 0,
    });
    let traffic = TrafficConfig::new(1.0, 3, 1).prepare(&mut config);
    let numbers: Vec<_> = traffic.phones.iter().map(|(number, _)| number.as_str()).collect();
    assert_eq!(numbers, ["20001", "20003", "20004"]);
    assert_eq!(config.extensions.len(), 4);
    assert!(
        config
            .agents
            .iter()
            .all(|agent| agent.skills["sales"] > 0 && agent.skills["support"] > 0)
    );
}

#[test]
fn talk_times_leave_the_agents_time_between_calls() {
    assert_eq!(TrafficConfig::new(80.0, 40, 60).talk, Duration::from_millis(150));
    assert_eq!(TrafficConfig::new(1.0, 40, 60).talk, Duration::from_secs(1));
    assert_eq!(TrafficConfig::new(f64::NAN, 0, 1).agents, 1);
}

mod account {
    use std::net::SocketAddr;
    use std::time::Duration;

    use sip::status::StatusCode;
    use tokio::time::Instant;

    use super::super::ledger::Ledger;
    use super::super::{TrafficConfig, TrafficReport};
    use crate::sim::phone::{CallId, Ending, Happening, PhoneEvent};

    const AGENT: CallId = CallId::numbered(100);

    /// Events of both hosts with times in milliseconds.
    struct Book {
        ledger: Ledger,
        began: Instant,
    }

    impl Book {
        fn with_customers(calls: impl IntoIterator<Item = u64>) -> Self {
            let mut ledger = Ledger::default();
            for call in calls {
                ledger.offered(CallId::numbered(call));
            }
            Self {
                ledger,
                began: Instant::now(),
            }
        }

        fn customer(&mut self, ms: u64, what: Happening) -> Option<(CallId, CallId)> {
            let at = (self.began + Duration::from_millis(ms)).into_std();
            self.ledger.customer_event(PhoneEvent { at, what })
        }

        fn agent(&mut self, ms: u64, what: Happening) -> Option<(CallId, CallId)> {
            let at = (self.began + Duration::from_millis(ms)).into_std();
            self.ledger.agent_event(PhoneEvent { at, what })
        }

        fn report(self) -> TrafficReport {
            self.ledger
                .report(&TrafficConfig::new(1.0, 1, 1), Duration::from_secs(1), None, 0)
        }
    }

    fn rtp(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn incoming(call: CallId) -> Happening {
        Happening::Incoming {
            call,
            line: "20001".to_owned(),
            from: "5550100".to_owned(),
        }
    }

    fn answered(call: CallId, port: u16) -> Happening {
        Happening::Answered {
            call,
            after: Duration::from_millis(3),
            local_rtp: rtp(port),
        }
    }

    fn joined(call: CallId, port: u16) -> Happening {
        Happening::MediaChanged {
            call,
            remote_rtp: rtp(port),
        }
    }

    fn ended(call: CallId, ending: Ending) -> Happening {
        Happening::Ended {
            call,
            ending,
            answered: true,
            stats: Box::default(),
            recording: None,
        }
    }

    #[test]
    fn a_call_that_is_joined_to_an_agent_is_answered_whichever_side_is_heard_of_first() {
        for agent_first in [true, false] {
            let mut book = Book::with_customers([1]);
            let call = CallId::numbered(1);
            book.customer(3, answered(call, 1));
            book.agent(10, incoming(AGENT));
            let paired = if agent_first {
                assert_eq!(book.agent(12, answered(AGENT, 40)), None);
                book.customer(15, joined(call, 40))
            } else {
                assert_eq!(book.customer(15, joined(call, 40)), None);
                book.agent(17, answered(AGENT, 40))
            };
            assert_eq!(paired, Some((call, AGENT)));
            assert!(!book.ledger.is_quiet());
            book.customer(20, ended(call, Ending::ByPeer));
            book.agent(20, ended(AGENT, Ending::ByUs));
            assert!(book.ledger.is_quiet());
            let report = book.report();
            assert_eq!((report.offered, report.answered, report.failed), (1, 1, 0));
            assert_eq!(report.connect.unwrap().p50.as_millis(), 5);
            assert_eq!(report.setup.unwrap().p99.as_millis(), 3);
        }
    }

    #[test]
    fn every_other_end_is_abandoned_or_failed_with_its_reason() {
        let mut book = Book::with_customers(1..=6);
        let call = CallId::numbered;
        book.customer(
            1,
            Happening::Failed {
                call: call(1),
                status: StatusCode(503),
            },
        );
        book.customer(2, ended(call(2), Ending::GaveUp));
        book.customer(3, ended(call(3), Ending::ByPeer));
        book.customer(4, joined(call(4), 50));
        book.customer(5, ended(call(4), Ending::ByPeer));
        book.customer(6, answered(call(5), 1));
        book.ledger.shed();
        let report = book.report();
        assert_eq!(
            (report.offered, report.answered, report.abandoned, report.failed),
            (7, 0, 1, 6)
        );
        let reasons: Vec<_> = report
            .reasons
            .iter()
            .map(|(reason, calls)| format!("{calls} {reason}"))
            .collect();
        assert_eq!(
            reasons,
            [
                "1 ended before the agent had audio",
                "1 not ended: never answered",
                "1 not ended: waiting for an agent",
                "1 refused with 503 Service Unavailable",
                "1 shed: too many calls at one time",
                "1 the server hung up before an agent",
            ]
        );
        assert_eq!((report.setup.is_some(), report.connect), (true, None));
    }

    #[test]
    fn the_table_shows_every_figure() {
        insta::assert_snapshot!(Book::with_customers([1]).report());
    }
}

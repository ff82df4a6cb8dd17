//! A little traffic against a whole deployment, and the account on its own.

use std::path::Path;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_a_small_load_reaches_an_agent_and_is_heard() {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config/quickstart.toml"));
    let mut config = ClusterConfig::load(file).unwrap();
    config.sip.listen.set_port(0);
    config.tlib.listen.set_port(0);
    config.http.listen.set_port(0);
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

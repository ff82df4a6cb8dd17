//! Tests of the configuration file.

use std::path::Path;

use super::*;

fn error(text: &str) -> String {
    ClusterConfig::parse(Path::new("t.toml"), text)
        .unwrap_err()
        .to_string()
}

#[test]
fn every_shipped_file_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let config = ClusterConfig::load(&path).unwrap();
            for point in &config.routing_points {
                assert!(point.strategy.exists(), "{}", point.strategy.display());
            }
            assert!(config.media.prompts.is_dir());
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn an_empty_file_is_a_deployment_with_defaults() {
    let config = ClusterConfig::parse(Path::new("t.toml"), "").unwrap();
    assert_eq!(config.sip.listen.port(), 5060);
    assert_eq!(config.tlib.listen.port(), 7001);
    assert_eq!(config.http.listen.port(), 8080);
}

#[test]
fn errors_name_file_line_and_reason() {
    assert_eq!(
        error("[sip]\nlisten = \"127.0.0.1:5060\"\nlisen = 1\n"),
        "t.toml:3: unknown field `lisen`, expected one of `listen`, `realm`, `digest_algorithms`, \
         `trunk_networks`, `trunk`, `no_answer_secs`, `max_calls`"
    );
    assert_eq!(
        error(
            "[[extension]]\nnumber = \"1\"\npassword = \"\"\n[[routing_point]]\nnumber = \"1\"\nstrategy = \"s\"\n"
        ),
        "t.toml:5: number `1` is given twice"
    );
    assert_eq!(
        error("[sip]\n\nno_answer_secs = 0\n"),
        "t.toml:3: no_answer_secs must be 1 to 600"
    );
    assert!(
        error("[sip]\ntrunk_networks = [\"10.0.0.0/33\"]\n").starts_with("t.toml:2: `10.0.0.0/33` is not")
    );
    assert!(error("x").starts_with("t.toml:1: "));
}

#[test]
fn passwords_stay_out_of_debug_output() {
    let config = ClusterConfig::parse(
        Path::new("t"),
        "[[extension]]\nnumber = \"1\"\npassword = \"secret\"\n",
    );
    assert!(!format!("{config:?}").contains("secret"));
}

#[test]
fn a_network_is_written_as_address_and_prefix() {
    assert_eq!(
        "127.0.0.0/8".parse(),
        Ok(IpNetwork::new(Ipv4Addr::new(127, 0, 0, 0).into(), 8))
    );
    assert_eq!("::1".parse(), Ok(IpNetwork::new("::1".parse().unwrap(), 128)));
    for wrong in ["", "127.0.0.1/33", "127.0.0.1/x", "localhost/8", "::/129"] {
        assert!(wrong.parse::<IpNetwork>().is_err(), "{wrong}");
    }
}

#[test]
fn a_value_is_found_in_its_file() {
    let config = ClusterConfig::parse(Path::new("t.toml"), "[sip]\n\nlisten = \"127.0.0.1:5062\"\n").unwrap();
    assert_eq!(config.locate("127.0.0.1:5062"), "t.toml:3");
    assert_eq!(config.locate("127.0.0.1:7001"), "t.toml", "a default has no line");
    assert_eq!(ClusterConfig::default().locate("x"), "defaults");
}

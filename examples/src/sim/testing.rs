//! A deployment for tests: the quick start on free ports.

use std::path::Path;

use crate::cluster::Cluster;
use crate::config::ClusterConfig;

pub(super) fn config() -> ClusterConfig {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config/quickstart.toml"));
    let mut config = ClusterConfig::load(file).unwrap();
    config.sip.listen.set_port(0);
    config.tlib.listen.set_port(0);
    config.http.listen.set_port(0);
    config
}

pub(super) async fn cluster() -> Cluster {
    Cluster::start(config()).await.unwrap()
}

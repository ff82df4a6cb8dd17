//! TLS with certificates made for the test.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tlib::client::{ClientTls, ConnectError};
use tlib::server::Listener;
use tlib::{CallControlExt, ClientConfig, ServerConfig};

use crate::support::{LOOPBACK, address, server};

/// A folder of PEM files that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tlib-tls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An authority with its own certificate.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    /// Certificate and key for a name, as PEM.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

fn client(address: String, ca: &Path, identity: Option<(&Path, &Path)>) -> ClientConfig {
    let config = tlib::tls::client_config(ca, identity).unwrap();
    ClientConfig::new(address, "desk").with_tls(ClientTls::new(config, "localhost"))
}

#[tokio::test]
async fn a_client_that_trusts_the_server_talks_to_it_and_others_do_not() {
    let folder = Folder::new("simple");
    let authority = Authority::new();
    let (chain, key) = authority.issue("localhost");
    let ca = folder.write("ca.pem", &authority.pem);
    let other = folder.write("other.pem", &Authority::new().pem);
    let config = tlib::tls::server_config(
        &folder.write("server.pem", &chain),
        &folder.write("server.key", &key),
        None,
    )
    .unwrap();
    let server = server(
        ServerConfig::default()
            .with_listener(Listener::tls(LOOPBACK, config))
            .with_listener(Listener::tcp(LOOPBACK)),
    )
    .await;

    let (trusting, _events) = client(address(&server), &ca, None).build();
    trusting.connect().await.unwrap();
    assert!(trusting.register_address("1001").await.is_ok());

    let (doubting, _events) = client(address(&server), &other, None).build();
    let refused = doubting.connect().await;
    assert!(matches!(refused, Err(ConnectError::Io { .. })), "{refused:?}");

    let config = tlib::tls::client_config(&ca, None).unwrap();
    let (elsewhere, _events) = ClientConfig::new(address(&server), "desk")
        .with_tls(ClientTls::new(config, "example.org"))
        .build();
    let refused = elsewhere.connect().await;
    assert!(matches!(refused, Err(ConnectError::Io { .. })), "{refused:?}");

    let (plain, _events) = ClientConfig::new(address(&server), "desk").build();
    assert!(plain.connect().await.is_err());
    let (plain, _events) = ClientConfig::new(server.local_addrs()[1].to_string(), "desk").build();
    plain.connect().await.unwrap();
}

#[tokio::test]
async fn mutual_tls_demands_a_certificate_of_the_client() {
    let folder = Folder::new("mutual");
    let authority = Authority::new();
    let (chain, key) = authority.issue("localhost");
    let (own_chain, own_key) = authority.issue("desk.example");
    let ca = folder.write("ca.pem", &authority.pem);
    let own_chain = folder.write("desk.pem", &own_chain);
    let own_key = folder.write("desk.key", &own_key);
    let config = tlib::tls::server_config(
        &folder.write("server.pem", &chain),
        &folder.write("server.key", &key),
        Some(&ca),
    )
    .unwrap();
    let listener = Listener::tls(LOOPBACK, config);
    let server = server(ServerConfig::default().with_listener(listener)).await;

    let (nobody, _events) = client(address(&server), &ca, None).build();
    assert!(nobody.connect().await.is_err());
    let (known, _events) = client(address(&server), &ca, Some((&own_chain, &own_key))).build();
    known.connect().await.unwrap();
    assert!(known.register_address("1001").await.is_ok());
    server.shutdown().await;
    assert_eq!(server.stats().handshakes_failed_total, 1);
}

#[test]
fn missing_and_empty_files_are_named() {
    let folder = Folder::new("files");
    let empty = folder.write("empty.pem", "");
    let missing = folder.0.join("missing.pem");
    let error = tlib::tls::client_config(&missing, None).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read {}", missing.display()));
    let error = tlib::tls::client_config(&empty, None).unwrap_err();
    let text = format!("{} holds no certificate", empty.display());
    assert_eq!(error.to_string(), text);
}

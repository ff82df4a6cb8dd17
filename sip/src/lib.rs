#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(feature = "tokio", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "tokio"),
    doc = "SIP as sans-IO cores. The example of the README needs the feature `tokio`."
)]

pub mod auth;
pub mod b2bua;
pub mod codec;
pub mod dialog;
pub mod endpoint;
pub mod header;
pub mod media;
pub mod message;
pub mod method;
pub mod pii;
pub mod registrar;
pub mod sdp;
pub mod status;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod transaction;
pub mod transport;
pub mod ua;
pub mod uri;

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(feature = "tokio", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "tokio"),
    doc = "Media for SIP as sans-IO cores. The example of the README needs the feature `tokio`."
)]

pub mod audio;
pub mod dtmf;
pub mod g711;
pub mod music;
pub mod negotiation;
#[cfg(feature = "tokio")]
pub mod net;
pub mod pcm;
#[cfg(feature = "tokio")]
pub mod phone;
pub mod prompt;
pub mod random;
pub mod rtcp;
pub mod rtp;
#[cfg(feature = "tokio")]
pub mod server;
pub mod session;
pub mod stream;
pub mod tone;
pub mod wav;

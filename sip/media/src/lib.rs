#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

pub mod audio;
pub mod dtmf;
pub mod g711;
pub mod music;
pub mod pcm;
pub mod prompt;
pub mod random;
pub mod rtcp;
pub mod rtp;
pub mod session;
pub mod stream;
pub mod tone;
pub mod wav;

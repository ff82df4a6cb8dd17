//! Tests of the fixtures: what a bench reads must be what its name says.

use sip::message::{Level, Limits, Message};
use sip::method::Method;
use sip::sdp::SessionDescription;

use super::*;

fn parse(bytes: Bytes) -> Message {
    let message = Message::parse(bytes, &Limits::default()).unwrap();
    message.validate(Level::Full).unwrap();
    message
}

#[test]
fn the_single_messages_are_valid_and_have_the_sizes_of_their_names() {
    let sizes =
        [invite_with_sdp(), ok_with_sdp(), register(), invite_60_headers()].map(|message| message.len());
    assert_eq!(sizes, [1267, 1122, 944, 4740]);
    assert!(parse(invite_with_sdp()).is_method(&Method::INVITE));
    assert_eq!(parse(ok_with_sdp()).status().map(|status| status.0), Some(200));
    assert!(parse(register()).is_method(&Method::REGISTER));
    assert_eq!(parse(invite_60_headers()).headers().count(), 60);
}

#[test]
fn the_session_description_is_an_audio_offer_of_334_octets() {
    assert_eq!(SDP.len(), 334);
    let audio = SessionDescription::parse(SDP.as_bytes())
        .unwrap()
        .audio()
        .unwrap();
    assert_eq!(audio.remote.map(|remote| remote.port()), Some(16418));
}

#[test]
fn every_message_of_the_mix_is_valid_and_gives_its_transaction_fields() {
    for bytes in mix() {
        let message = parse(bytes);
        message.top_via().unwrap();
        message.from().unwrap();
        message.to().unwrap();
        message.call_id().unwrap();
        message.cseq().unwrap();
    }
}

#[test]
fn the_mix_is_the_same_each_time_and_has_no_message_twice() {
    let first = mix();
    assert_eq!(first, mix());
    let distinct: std::collections::BTreeSet<_> = first.iter().collect();
    assert_eq!(distinct.len(), 256);
}

#[test]
fn the_mean_size_of_the_mix_is_about_that_of_the_reference() {
    let messages = mix();
    let mean = messages.iter().map(Bytes::len).sum::<usize>() / messages.len();
    assert!((1450..=1510).contains(&mean), "{mean}");
}

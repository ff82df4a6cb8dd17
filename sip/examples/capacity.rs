//! What requests and calls cost: with many finished transactions that wait out their timers, and over loopback.
//!
//! Run: `cargo run --release -p cti-sip --example capacity -- [CALLS]`
//!
//! Expected: about the same time per request in every line of the first table, and as many calls answered as made.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{Endpoint, EndpointConfig, EndpointEvent, EndpointHandle};
use sip::message::{Limits, Message};
use sip::transport::{Destination, Flow};
use sip::ua::{CallKey, Invite, Seed, UaCommand, UaConfig, UaEvent, UserAgent};
use tokio::time::Instant;

const BATCH: u64 = 10_000;
const BATCHES: u64 = 16;
/// Calls that are being made at the same time.
const WINDOW: u64 = 64;
const SDP: Bytes = Bytes::from_static(b"v=0\r\n");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let calls = std::env::args()
        .nth(1)
        .map_or(Ok(20_000), |calls| calls.parse())?;
    lingering()?;
    over_loopback(calls).await
}

/// One core gets requests; nothing ends, because its time stands still.
fn lingering() -> Result<(), Box<dyn Error>> {
    let (local, peer) = ("127.0.0.1:5060".parse()?, "127.0.0.1:5070".parse()?);
    let mut core = UserAgent::new(UaConfig::new(Seed::from_number(1)));
    core.handle_bound(local);
    let now = Instant::now().into_std();
    for batch in 0..BATCHES {
        let before = core.stats().transactions;
        let began = Instant::now();
        for n in batch * BATCH..(batch + 1) * BATCH {
            let request = Bytes::from(format!(
                "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{n};rport\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:load@127.0.0.1>;tag={n}\r\nTo: <sip:x@127.0.0.1>\r\n\
                 Call-ID: {n}@127.0.0.1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            ));
            let message = Message::parse(request, &Limits::default())?;
            core.handle_message(now, Flow::udp(local, peer), message);
            while core.poll_output().is_some() {}
        }
        let each = began.elapsed().as_nanos() / u128::from(BATCH);
        println!("{before:>7} transactions: {each:>6} ns per request");
    }
    Ok(())
}

/// Two endpoints, one of which calls the other.
async fn over_loopback(calls: u64) -> Result<(), Box<dyn Error>> {
    let config = || EndpointConfig::new(([127, 0, 0, 1], 0).into());
    let agent = |seed| UserAgent::new(UaConfig::new(Seed::from_number(seed)));
    let (bob, mut bob_events) = Endpoint::bind(config(), agent(2)).await?;
    let answering = bob.clone();
    tokio::spawn(async move {
        while let Some(event) = bob_events.recv().await {
            if let EndpointEvent::Core(UaEvent::Incoming { call, .. }) = event {
                let _ = answering.send(UaCommand::accept(call, SDP)).await;
            }
        }
    });
    let (alice, mut events) = Endpoint::bind(config(), agent(1)).await?;
    let (mut made, mut answered, mut over) = (0, 0, 0);
    let began = Instant::now();
    while over < calls {
        while made < calls && made - over < WINDOW {
            made += 1;
            invite(&alice, &bob, made).await?;
        }
        match events.recv().await {
            Some(EndpointEvent::Core(UaEvent::Answered { call, .. })) => {
                answered += 1;
                alice.send(UaCommand::hangup(call)).await?;
            }
            Some(EndpointEvent::Core(UaEvent::Ended { .. } | UaEvent::Failed { .. })) => over += 1,
            Some(_) => {}
            None => return Err("the endpoint stopped".into()),
        }
    }
    let rate = calls as f64 / began.elapsed().as_secs_f64();
    println!("{made} calls, {answered} answered, {rate:.0} per second, both sides in this process");
    println!("{:?}", alice.stats());
    println!("{:?}", bob.core_stats().await);
    alice.shutdown(Duration::from_secs(2)).await;
    bob.shutdown(Duration::from_secs(2)).await;
    Ok(())
}

async fn invite(
    alice: &EndpointHandle<UserAgent>,
    bob: &EndpointHandle<UserAgent>,
    n: u64,
) -> Result<(), Box<dyn Error>> {
    let target = format!("sip:bob@{}", bob.local_addr()).parse()?;
    let invite = Invite::new(target, "<sip:alice@127.0.0.1>".parse()?)
        .with_destination(Destination::udp(bob.local_addr()))
        .with_sdp(SDP);
    alice
        .send(UaCommand::Invite {
            call: CallKey::outgoing(n),
            invite: Box::new(invite),
        })
        .await?;
    Ok(())
}

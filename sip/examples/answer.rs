//! A user agent that answers every call.
//!
//! Run: `cargo run -p cti-sip --example answer -- 127.0.0.1:5080`
//! Call it: `sipp -sn uac 127.0.0.1:5080 -m 100 -r 50` (add `-t t1` for TCP)
//! Output: the address, and on Ctrl-D (end of input) how many calls it had.
#![allow(clippy::print_stdout, reason = "the output is the purpose")]

use std::time::Duration;

use sip::endpoint::{Endpoint, EndpointConfig, EndpointEvent};
use sip::ua::{Seed, UaCommand, UaConfig, UaEvent, UserAgent};

const ANSWER: &str = "v=0\r\no=answer 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                      m=audio 9 RTP/AVP 0\r\na=inactive\r\n";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:5080".to_owned());
    let agent = UserAgent::new(UaConfig::new(Seed::from_system()?));
    let (handle, mut events) = Endpoint::bind(EndpointConfig::new(address.parse()?), agent).await?;
    println!("answering on {}", handle.local_addr());

    let answering = handle.clone();
    let answers = tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if let EndpointEvent::Core(UaEvent::Incoming { call, .. }) = event {
                let ring = answering.send(UaCommand::ringing(call)).await;
                let answer = answering.send(UaCommand::accept(call, ANSWER.into())).await;
                if ring.and(answer).is_err() {
                    break;
                }
            }
        }
    });

    tokio::task::spawn_blocking(|| std::io::stdin().lines().count()).await?;
    let stats = handle.core_stats().await;
    let drained = handle.shutdown(Duration::from_secs(2)).await;
    answers.await?;
    println!("drained: {drained}; {stats:?}; {:?}", handle.stats());
    Ok(())
}

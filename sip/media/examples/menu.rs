//! A number to call: it plays a melody, collects two keys, says how many came with as many tones, and hangs up.
//!
//! Run: `cargo run -p cti-media --example menu -- 127.0.0.1:5062`
//! Call `sip:8000@127.0.0.1:5062` with any phone of this machine; keys may come as RTP events or by SIP INFO.
//! Output: the address, then one line per call and result. Ctrl-C ends it.
#![allow(clippy::print_stdout, reason = "the output is the purpose")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use media::prompt::PromptStore;
use media::server::{LocalMedia, LocalMediaConfig};
use media::tone::sine_wave;
use sip::b2bua::{B2bua, B2buaCommand, B2buaConfig, B2buaEvent, LegKey};
use sip::endpoint::{Endpoint, EndpointConfig, EndpointEvent, EndpointHandle};
use sip::media::{MediaPrompt, MediaRequest, MediaResult, OpId};
use sip::registrar::{MemoryCredentials, RegistrarConfig};
use sip::ua::{Seed, UaConfig};

const MENU: OpId = OpId(1);
const REPLY: OpId = OpId(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:5062".to_owned());
    let mut prompts = PromptStore::default();
    prompts.insert("welcome", sine_wave(440.0, 8_000, Duration::from_millis(800)))?;
    prompts.insert("beep", sine_wave(880.0, 8_000, Duration::from_millis(200)))?;
    let (media, media_handle) = LocalMedia::start(LocalMediaConfig::default(), Arc::new(prompts));

    let registrar = RegistrarConfig::new("menu.invalid", Seed::from_system()?);
    let config = B2buaConfig::new(UaConfig::new(Seed::from_system()?), registrar);
    let core = B2bua::new(config, Box::new(MemoryCredentials::new()), Box::new(media));
    let (handle, mut events) = Endpoint::bind(EndpointConfig::new(address.parse()?), core).await?;
    println!("call sip:8000@{}", handle.local_addr());

    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(EndpointEvent::Core(event)) => serve(&handle, event).await?,
                Some(EndpointEvent::Overflowed { lost }) => println!("{lost} events lost"),
                None => break,
            },
            _ = tokio::signal::ctrl_c() => {
                handle.shutdown(Duration::from_secs(2)).await;
                break;
            }
        }
    }
    media_handle.shutdown().await;
    Ok(())
}

/// One step of a call: what happened, and what comes next.
async fn serve(handle: &EndpointHandle<B2bua>, event: B2buaEvent) -> Result<(), Box<dyn Error>> {
    let command = match event {
        B2buaEvent::Incoming { leg, .. } => {
            println!("call {}: answered", leg.0);
            treat(leg, MENU, menu())
        }
        B2buaEvent::TreatmentEnded {
            leg,
            op: MENU,
            result,
        } => {
            let keys = match result {
                MediaResult::Digits { digits, .. } | MediaResult::Timeout { digits } => digits.len(),
                _ => 0,
            };
            println!("call {}: {keys} keys", leg.0);
            let prompts = vec![prompt("beep", false); keys];
            treat(leg, REPLY, MediaRequest::Play { prompts })
        }
        B2buaEvent::TreatmentEnded { leg, .. } => {
            println!("call {}: over", leg.0);
            B2buaCommand::Release { leg, status: None }
        }
        B2buaEvent::Released { leg, why } => {
            println!("call {}: {why:?}", leg.0);
            return Ok(());
        }
        _ => return Ok(()),
    };
    handle.send(command).await?;
    Ok(())
}

fn treat(leg: LegKey, op: OpId, request: MediaRequest) -> B2buaCommand {
    B2buaCommand::Treat { leg, op, request }
}

fn menu() -> MediaRequest {
    MediaRequest::Collect {
        prompts: vec![prompt("welcome", true)],
        max_digits: 2,
        terminators: "#".to_owned(),
        first_timeout: Duration::from_secs(10),
        digit_timeout: Duration::from_secs(5),
        total_timeout: None,
    }
}

fn prompt(source: &str, interruptible: bool) -> MediaPrompt {
    MediaPrompt {
        source: source.to_owned(),
        interruptible,
    }
}

//! How much a number of sessions costs: callers hear music and send silence for some seconds.
//!
//! Run: `cargo run --release -p cti-media --example load -- [SESSIONS] [SECONDS]`
//!
//! Expected: one line of counters, with `lost 0` and `skipped 0` on a machine that is not overloaded. Two or four
//! sockets are open per session: raise `ulimit -n` for many.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use media::phone::{PhoneConfig, Phones};
use media::prompt::PromptStore;
use media::server::{LocalMedia, LocalMediaConfig};
use sip::media::{MediaCommand, MediaEvent, MediaId, MediaRequest, MediaServer, OpId};
use tokio::task::JoinSet;

#[tokio::main]
#[allow(clippy::print_stdout, reason = "a program for the terminal")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let sessions = arguments.next().transpose()?.unwrap_or(200);
    let seconds = arguments.next().transpose()?.unwrap_or(5);

    let now = || tokio::time::Instant::now().into_std();
    let (mut server, handle) =
        LocalMedia::start(LocalMediaConfig::default(), Arc::new(PromptStore::default()));
    let phones = Phones::start(PhoneConfig::default());
    let mut callers = Vec::new();
    for id in (0..sessions).map(MediaId) {
        let mut caller = phones.endpoint().await?;
        server.handle_command(
            now(),
            MediaCommand::Open {
                id,
                offer: Some(caller.offer()),
            },
        );
        match poll_fn(|cx| server.poll_event(now(), cx)).await {
            MediaEvent::Opened { sdp, .. } => caller.take_answer(&sdp)?,
            other => return Err(format!("{other:?}").into()),
        }
        let request = MediaRequest::Music {
            source: None,
            duration: None,
        };
        server.handle_command(
            now(),
            MediaCommand::Run {
                id,
                op: OpId(id.0),
                request,
            },
        );
        poll_fn(|cx| server.poll_event(now(), cx)).await;
        callers.push(caller);
    }
    tokio::time::sleep(Duration::from_secs(seconds)).await;

    // Each answers at the end of its next frame: all are asked at once.
    let mut asked = JoinSet::new();
    for caller in callers {
        asked.spawn(async move { (caller.stats().await, caller) });
    }
    let (mut frames, mut lost) = (0, 0);
    for (stats, _caller) in asked.join_all().await {
        let stats = stats?;
        frames += stats.frames;
        lost += stats.stream.received.lost;
    }
    let stats = handle.stats().await.ok_or("the server is gone")?;
    println!(
        "{sessions} sessions, {seconds} s: {} packets sent, {} received, callers heard {frames}; lost {} and {lost}, skipped {}",
        stats.sent_packets, stats.received_packets, stats.lost_packets, stats.skipped_frames
    );
    handle.shutdown().await;
    phones.shutdown().await;
    Ok(())
}

//! The body of `softphone`: one line that registers, calls, answers, presses keys, plays and records.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use media::phone::{PhoneStats, Talk};
use media::wav::{self, WavError};
use sip::transport::Destination;
use sip::ua::Account;

use super::phone::{
    Behavior, CallOptions, Ending, Happening, Line, PhoneEvents, PhoneHost, PhoneHostConfig, PhoneHostError,
    Presses,
};

/// Longest file to play: ten minutes.
const PLAY_LIMIT: usize = 8_000 * 600;
/// How long hanging up and unregistering may take at the end.
const DRAIN: Duration = Duration::from_secs(2);
/// Number of a caller who names none.
const ANONYMOUS: &str = "5550100";

/// A phone for the command line.
///
/// Ends with 0 if its call was answered (or it only took calls), with 1 if not, with 2 for bad arguments.
#[derive(Clone, Debug, Parser)]
#[command(name = "softphone", version)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Arguments {
    /// SIP server: host and port.
    #[arg(long, default_value = "127.0.0.1:5060")]
    pub server: String,
    /// SIP over TCP instead of UDP.
    #[arg(long)]
    pub tcp: bool,
    /// Register this user and take its calls.
    #[arg(long, value_name = "USER", required_unless_present = "call")]
    pub register: Option<String>,
    /// Password of the user.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub password: String,
    /// Answer calls by itself after ringing so many milliseconds (without a value: 300).
    #[arg(long, value_name = "MS", num_args = 0..=1, default_missing_value = "300")]
    pub auto_answer: Option<u64>,
    /// Call this number.
    #[arg(long, value_name = "NUMBER")]
    pub call: Option<String>,
    /// Number of the caller; default the registered user, or 5550100.
    #[arg(long, value_name = "NUMBER")]
    pub from: Option<String>,
    /// Keys to press in the call: 0-9, *, #, A-D.
    #[arg(long, value_name = "DIGITS", requires = "call", value_parser = digits)]
    pub dtmf: Option<String>,
    /// Milliseconds from the answer to the first key.
    #[arg(long, value_name = "MS", default_value_t = 1_500)]
    pub dtmf_after: u64,
    /// Record what is heard; calls after the first get -2, -3, ... before the extension.
    #[arg(long, value_name = "FILE.wav")]
    pub record: Option<PathBuf>,
    /// Say this, then silence; default silence.
    #[arg(long, value_name = "FILE.wav")]
    pub play: Option<PathBuf>,
    /// Hang up so many seconds after the answer.
    #[arg(long, value_name = "SECONDS")]
    pub hang_up_after: Option<f64>,
    /// End after so many calls; default 1 with --call, else never.
    #[arg(long, value_name = "N")]
    pub calls: Option<u64>,
}

/// Why a softphone does not start or go on; one line for the user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SoftphoneError {
    /// The server's address.
    #[error("server {server}: {reason}")]
    Server {
        /// As given.
        server: String,
        /// Why.
        reason: io::Error,
    },
    /// The file to play, or the recording.
    #[error("{file}: {reason}")]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The file to play is no audio.
    #[error("{file}: {reason}")]
    Audio {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: WavError,
    },
    /// A time that is no time.
    #[error("--hang-up-after: not a number of seconds from 0 to a year")]
    Time,
    /// Port or number.
    #[error("{0}")]
    Phone(#[from] PhoneHostError),
    /// Standard output is gone.
    #[error("{0}")]
    Output(#[from] io::Error),
}

fn digits(text: &str) -> Result<String, String> {
    let valid = (1..=64).contains(&text.len()) && text.chars().all(|c| "0123456789*#ABCD".contains(c));
    if valid {
        Ok(text.to_owned())
    } else {
        Err("1 to 64 of 0-9, *, #, A-D".to_owned())
    }
}

/// Runs to the end of the calls or to Ctrl-C; one line for each happening goes to `out`. Answers whether the call was
/// answered, or for a phone that only takes calls whether it could be registered.
///
/// # Errors
///
/// [`SoftphoneError`].
pub async fn run(arguments: Arguments, out: &mut (dyn Write + Send)) -> Result<bool, SoftphoneError> {
    let server = resolve(&arguments.server).await?;
    let talk = arguments.play.as_deref().map_or(Ok(Talk::Silence), read)?;
    let hang_up_after = arguments.hang_up_after.map(seconds).transpose()?;
    let bind = local_address(server).map_err(|reason| server_error(&arguments.server, reason))?;
    let config = PhoneHostConfig::default()
        .with_bind(SocketAddr::new(bind, 0))
        .with_max_calls(16);
    let (phone, events) = PhoneHost::start(config).await?;
    let server = if arguments.tcp {
        Destination::tcp(server)
    } else {
        Destination::udp(server)
    };
    let mut softphone = Softphone {
        phone: phone.clone(),
        server,
        talk,
        hang_up_after,
        arguments,
        out,
        ended: 0,
        good: false,
    };
    let result = softphone.serve(events).await;
    phone.shutdown(DRAIN).await;
    result.map(|()| softphone.good)
}

struct Softphone<'a> {
    phone: PhoneHost,
    server: Destination,
    talk: Talk,
    hang_up_after: Option<Duration>,
    arguments: Arguments,
    out: &'a mut (dyn Write + Send),
    ended: u64,
    good: bool,
}

impl Softphone<'_> {
    async fn serve(&mut self, mut events: PhoneEvents) -> Result<(), SoftphoneError> {
        match self.arguments.register.clone() {
            Some(user) => {
                self.phone.set_line(&user, self.line()).await?;
                self.phone
                    .register(&user, &self.arguments.password, self.server)
                    .await?;
            }
            None => self.dial().await?,
        }
        let mut interrupted = std::pin::pin!(crate::framework::signal::interrupted());
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = &mut interrupted => break,
            };
            let Some(event) = event else { return Ok(()) };
            if self.handle(event.what).await? {
                return self.last_words(&mut events).await;
            }
        }
        self.say("interrupted")?;
        self.last_words(&mut events).await
    }

    /// Answers whether that was the end.
    async fn handle(&mut self, what: Happening) -> Result<bool, SoftphoneError> {
        match what {
            Happening::Registered { line } => {
                self.say(&format!("registered {line}"))?;
                if self.arguments.call.is_some() {
                    self.dial().await?;
                } else {
                    self.good = true;
                }
            }
            Happening::RegistrationFailed {
                line,
                status,
                will_retry,
            } => {
                let next = if will_retry { ", trying again" } else { "" };
                let reason = status.reason_phrase();
                self.say(&format!(
                    "registration of {line} failed: {} {reason}{next}",
                    status.0
                ))?;
                return Ok(!will_retry);
            }
            Happening::Incoming { from, .. } => self.say(&format!("ringing: call from {from}"))?,
            Happening::Ringing { .. } => self.say("ringing")?,
            Happening::Answered { after, .. } => {
                self.good = true;
                self.say(&format!("answered after {} ms", after.as_millis()))?;
            }
            Happening::MediaChanged { remote_rtp, .. } => {
                self.say(&format!("media moved to {remote_rtp}"))?
            }
            Happening::Held { by_peer, .. } => self.say(if by_peer { "on hold" } else { "holding" })?,
            Happening::Retrieved { .. } => self.say("off hold")?,
            Happening::ChangeFailed { status, .. } => self.say(&format!("refused: {}", status.0))?,
            Happening::Failed { status, .. } => {
                self.say(&format!("failed: {} {}", status.0, status.reason_phrase()))?;
                return Ok(self.call_over());
            }
            Happening::Ended {
                ending,
                stats,
                recording,
                ..
            } => {
                self.say(&ended(ending, &stats))?;
                if let Some(recording) = recording {
                    self.save(&recording)?;
                }
                return Ok(self.call_over());
            }
            Happening::Unregistered { line } => self.say(&format!("unregistered {line}"))?,
            Happening::Overflowed { .. } => {}
        }
        Ok(false)
    }

    /// Counts a call; answers whether it was the last.
    fn call_over(&mut self) -> bool {
        self.ended += 1;
        let most = self
            .arguments
            .calls
            .or(self.arguments.call.is_some().then_some(1));
        most.is_some_and(|most| self.ended >= most)
    }

    fn save(&mut self, recording: &[i16]) -> Result<(), SoftphoneError> {
        let Some(file) = self.recording_file() else {
            return Ok(());
        };
        std::fs::write(&file, wav::encode(recording)).map_err(|reason| SoftphoneError::File {
            file: file.clone(),
            reason,
        })?;
        self.say(&format!(
            "recorded {} s to {}",
            recording.len() / 8_000,
            file.display()
        ))
    }

    fn recording_file(&self) -> Option<PathBuf> {
        let file = self.arguments.record.as_ref()?;
        if self.ended == 0 {
            return Some(file.clone());
        }
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let extension = file.extension().unwrap_or_default().to_string_lossy();
        Some(file.with_file_name(format!("{stem}-{}.{extension}", self.ended + 1)))
    }

    async fn dial(&mut self) -> Result<(), SoftphoneError> {
        let Some(number) = self.arguments.call.clone() else {
            return Ok(());
        };
        let user = self.arguments.register.as_deref();
        let from = self.arguments.from.as_deref().or(user).unwrap_or(ANONYMOUS);
        let mut options = CallOptions::new(&number, from)
            .with_talk(self.talk.clone())
            .with_record(self.arguments.record.is_some());
        if let Some(user) = user {
            options = options.with_account(Account::new(user, &self.arguments.password));
        }
        if let Some(digits) = &self.arguments.dtmf {
            let after = Duration::from_millis(self.arguments.dtmf_after);
            options = options.with_presses(Presses::new(digits, after));
        }
        if let Some(after) = self.hang_up_after {
            options = options.with_talk_time(after);
        }
        self.phone.call(self.server, options).await?;
        self.say(&format!("calling {number}"))
    }

    fn line(&self) -> Line {
        let behavior = match self.arguments.auto_answer {
            Some(after) => Behavior::AutoAnswer {
                after: Duration::from_millis(after),
            },
            None => Behavior::Manual,
        };
        let line = Line::new(behavior)
            .with_talk(self.talk.clone())
            .with_record(self.arguments.record.is_some());
        match self.hang_up_after {
            Some(after) => line.with_hang_up_after(after),
            None => line,
        }
    }

    /// Hangs up and unregisters, and prints what still happens.
    async fn last_words(&mut self, events: &mut PhoneEvents) -> Result<(), SoftphoneError> {
        let phone = self.phone.clone();
        let stop = tokio::spawn(async move { phone.shutdown(DRAIN).await });
        while let Some(event) = events.next().await {
            self.handle(event.what).await?;
        }
        // A drain that took too long was the peer's doing.
        let _ = stop.await;
        Ok(())
    }

    fn say(&mut self, line: &str) -> Result<(), SoftphoneError> {
        writeln!(self.out, "{line}")?;
        Ok(self.out.flush()?)
    }
}

fn ended(ending: Ending, stats: &PhoneStats) -> String {
    let how = match ending {
        Ending::ByPeer => "by the other side",
        Ending::ByUs => "by us",
        Ending::GaveUp => "given up",
        Ending::Lost => "connection lost",
    };
    let (sent, received) = (stats.stream.sent_packets, stats.frames);
    let mut text = format!(
        "ended {how}: {sent} RTP packets sent, {received} received ({} with sound)",
        stats.loud_frames
    );
    if !stats.digits.0.is_empty() {
        text.push_str(&format!(", keys heard: {}", stats.digits.0));
    }
    text
}

fn server_error(server: &str, reason: io::Error) -> SoftphoneError {
    SoftphoneError::Server {
        server: server.to_owned(),
        reason,
    }
}

async fn resolve(server: &str) -> Result<SocketAddr, SoftphoneError> {
    let mut found = tokio::net::lookup_host(server)
        .await
        .map_err(|reason| server_error(server, reason))?;
    found
        .next()
        .ok_or_else(|| server_error(server, io::ErrorKind::NotFound.into()))
}

/// The address of this machine that the server can answer to.
fn local_address(server: SocketAddr) -> io::Result<IpAddr> {
    let any: SocketAddr = if server.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0u16; 8], 0).into()
    };
    let socket = std::net::UdpSocket::bind(any)?;
    socket.connect(server)?;
    Ok(socket.local_addr()?.ip())
}

fn read(file: &Path) -> Result<Talk, SoftphoneError> {
    let bytes = std::fs::read(file).map_err(|reason| SoftphoneError::File {
        file: file.to_owned(),
        reason,
    })?;
    let pcm = wav::decode(&bytes, PLAY_LIMIT).map_err(|reason| SoftphoneError::Audio {
        file: file.to_owned(),
        reason,
    })?;
    Ok(Talk::Once(pcm))
}

fn seconds(text: f64) -> Result<Duration, SoftphoneError> {
    let year = 365.0 * 86_400.0;
    if (0.0..=year).contains(&text) {
        Ok(Duration::from_secs_f64(text))
    } else {
        Err(SoftphoneError::Time)
    }
}

#[cfg(test)]
mod tests;

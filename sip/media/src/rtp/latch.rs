//! Where a stream may come from, and where ours goes.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Packets of one unannounced source, and none of the announced one, after which that source is believed: 100 ms of
/// usual audio.
const CANDIDATE_PACKETS: u32 = 5;
/// A source on trial that is silent for so long makes room for another one.
const CANDIDATE_GAP: Duration = Duration::from_millis(500);
/// So long after signaling moved the peer, its former source is refused: time to repeat a lost message twice.
const FAREWELL: Duration = Duration::from_secs(2);

/// Whether the peer's real source replaces the address it signaled.
///
/// A peer behind a network address translator signals an address that does not work. Following the source lets any
/// host that guesses the port take the stream over, so the host is checked by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LatchPolicy {
    /// Only the signaled address and port.
    Off,
    /// Another port of the signaled host.
    #[default]
    SameHost,
    /// Any host; for peers behind translators.
    AnyHost,
}

/// What to do with a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a decision")]
pub enum SourceVerdict {
    /// From the peer.
    Accept,
    /// From a source that may become the peer's: if the packet is valid, [`Source::heard`] decides.
    Candidate,
    /// From somebody else.
    Reject,
}

/// The peer's address: as signaled, or as seen.
///
/// - The signaled address always wins: its first packet ends the trust in any other source, and from then on it is the
///   only one until signaling gives a new address.
/// - Another source that the policy allows is believed after five packets while nothing comes from the signaled
///   address. It stays until the signaled address is heard or signaling gives a new one.
/// - When signaling moves the peer, packets go to the new address at once, and what the former sources still send is
///   refused for 2 s, so that the last packets of a peer that was left behind do not count as the new one's. After that
///   they are sources like others: the peer may be the same one, behind a translator that kept its port.
///
/// ```
/// # #[expect(clippy::disallowed_methods)]
/// # let now = std::time::Instant::now();
/// use media::rtp::{LatchPolicy, Source, SourceVerdict};
///
/// let (old, new) = ("10.0.0.1:4000".parse()?, "10.0.0.1:5000".parse()?);
/// let mut source = Source::new(LatchPolicy::SameHost, old);
/// assert!(source.heard(now, old));
/// source.signal(now, new);
/// assert_eq!(source.destination(), new);
/// assert_eq!(source.judge(now, old), SourceVerdict::Reject, "it is about to be closed");
/// assert!(source.judge(now, new) == SourceVerdict::Candidate && source.heard(now, new));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Source {
    policy: LatchPolicy,
    signaled: SocketAddr,
    /// The source that is believed; `None` before one was.
    latched: Option<SocketAddr>,
    trial: Option<Trial>,
    former: Option<Former>,
}

/// A source that is not believed yet.
#[derive(Debug, Clone, Copy)]
struct Trial {
    source: SocketAddr,
    packets: u32,
    last: Instant,
}

/// What the peer was before signaling moved it.
#[derive(Debug, Clone, Copy)]
struct Former {
    signaled: SocketAddr,
    latched: Option<SocketAddr>,
    until: Instant,
}

impl Source {
    /// A peer that signaled an address.
    pub fn new(policy: LatchPolicy, signaled: SocketAddr) -> Self {
        Source {
            policy,
            signaled,
            latched: None,
            trial: None,
            former: None,
        }
    }

    /// Where to send.
    pub fn destination(&self) -> SocketAddr {
        self.latched.unwrap_or(self.signaled)
    }

    /// Judges a source.
    pub fn judge(&self, now: Instant, source: SocketAddr) -> SourceVerdict {
        if self.latched == Some(source) {
            return SourceVerdict::Accept;
        }
        if source == self.signaled {
            return SourceVerdict::Candidate;
        }
        let allowed = match self.policy {
            LatchPolicy::Off => false,
            LatchPolicy::SameHost => source.ip() == self.signaled.ip(),
            LatchPolicy::AnyHost => true,
        };
        let left_behind = self.former.is_some_and(|former| former.refuses(now, source));
        let crowded_out = self.trial.is_some_and(|trial| trial.keeps_out(now, source));
        if self.latched.is_some() || !allowed || left_behind || crowded_out {
            SourceVerdict::Reject
        } else {
            SourceVerdict::Candidate
        }
    }

    /// Takes note of a valid packet from a source; true if the packet is the peer's.
    pub fn heard(&mut self, now: Instant, source: SocketAddr) -> bool {
        match self.judge(now, source) {
            SourceVerdict::Accept => return true,
            SourceVerdict::Reject => return false,
            SourceVerdict::Candidate => {}
        }
        if source != self.signaled {
            let packets = match self.trial {
                Some(trial) if trial.source == source => trial.packets + 1,
                _ => 1,
            };
            if packets < CANDIDATE_PACKETS {
                self.trial = Some(Trial {
                    source,
                    packets,
                    last: now,
                });
                return false;
            }
        }
        self.latched = Some(source);
        self.trial = None;
        self.former = None;
        true
    }

    /// Signaling gave an address; the one that is known changes nothing.
    pub fn signal(&mut self, now: Instant, signaled: SocketAddr) {
        if signaled == self.signaled {
            return;
        }
        self.former = Some(Former {
            signaled: self.signaled,
            latched: self.latched.take(),
            until: now + FAREWELL,
        });
        self.signaled = signaled;
        self.trial = None;
    }
}

impl Trial {
    fn keeps_out(&self, now: Instant, source: SocketAddr) -> bool {
        source != self.source && now.saturating_duration_since(self.last) <= CANDIDATE_GAP
    }
}

impl Former {
    fn refuses(&self, now: Instant, source: SocketAddr) -> bool {
        now < self.until && (source == self.signaled || Some(source) == self.latched)
    }
}

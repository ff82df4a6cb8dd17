//! The network between simulated user agents.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How a simulated network treats messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkConfig {
    /// Seed of all choices.
    pub seed: u64,
    /// Time a message needs at least.
    pub delay: Duration,
    /// More time on top, from 0 to this, different for each message: messages overtake each other.
    pub jitter: Duration,
    /// Messages lost, in percent.
    pub loss_percent: u8,
    /// Messages delivered twice, in percent.
    pub duplicate_percent: u8,
}

impl NetworkConfig {
    /// A network that delivers everything at once.
    pub const fn perfect() -> Self {
        Self {
            seed: 0,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss_percent: 0,
            duplicate_percent: 0,
        }
    }

    /// A network that loses, delays, reorders and repeats.
    pub const fn bad(seed: u64) -> Self {
        Self {
            seed,
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(120),
            loss_percent: 15,
            duplicate_percent: 10,
        }
    }
}

/// What shall happen to one message, in place of chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is lost.
    Drop,
    /// It arrives that much later.
    Delay(Duration),
}

/// Messages under way, delivered in the order of their arrival times.
#[derive(Debug)]
pub struct Network<T> {
    config: NetworkConfig,
    state: u64,
    sequence: u64,
    under_way: BTreeMap<(Instant, u64), T>,
}

impl<T: Clone> Network<T> {
    /// An empty network.
    pub const fn new(config: NetworkConfig) -> Self {
        Self {
            config,
            state: config.seed,
            sequence: 0,
            under_way: BTreeMap::new(),
        }
    }

    /// Sends a message; a fault takes the place of chance.
    pub fn send(&mut self, now: Instant, message: T, fault: Option<Fault>) {
        let lost = self.percent(self.config.loss_percent);
        let twice = self.percent(self.config.duplicate_percent);
        match fault {
            Some(Fault::Drop) => {}
            Some(Fault::Delay(more)) => self.put(now + self.config.delay + more, message),
            None if lost => {}
            None => {
                for _ in 0..1 + u8::from(twice) {
                    let jitter = self.below(u64::try_from(self.config.jitter.as_micros()).unwrap_or(0));
                    self.put(
                        now + self.config.delay + Duration::from_micros(jitter),
                        message.clone(),
                    );
                }
            }
        }
    }

    fn put(&mut self, at: Instant, message: T) {
        self.sequence += 1;
        self.under_way.insert((at, self.sequence), message);
    }

    /// The next arrival.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.under_way.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes a message that has arrived.
    pub fn receive(&mut self, now: Instant) -> Option<T> {
        let entry = self.under_way.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// A number from 0 to `bound` - 1 from the seed.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).checked_rem(bound).unwrap_or(0)
    }

    fn percent(&mut self, percent: u8) -> bool {
        self.below(100) < u64::from(percent)
    }
}

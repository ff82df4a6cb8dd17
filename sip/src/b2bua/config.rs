//! Configuration of the B2BUA.

use std::net::IpAddr;
use std::time::Duration;

use crate::registrar::RegistrarConfig;
use crate::transport::Destination;
use crate::ua::UaConfig;

/// A range of IP addresses: the peers whose calls are taken without a registration or password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The addresses that share their first `prefix` bits with `address`; a longer prefix than the address has
    /// means exactly that address.
    pub const fn new(address: IpAddr, prefix: u8) -> Self {
        Self { address, prefix }
    }

    /// Whether the address is inside. IPv4 addresses written as IPv6 count as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        fn same(a: u128, b: u128, bits: u32, prefix: u8) -> bool {
            let dropped = bits.saturating_sub(u32::from(prefix));
            a.checked_shr(dropped).unwrap_or(0) == b.checked_shr(dropped).unwrap_or(0)
        }
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(u32::from(a).into(), u32::from(b).into(), 32, self.prefix),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.into(), b.into(), 128, self.prefix),
            _ => false,
        }
    }
}

/// What a [`B2bua`](super::B2bua) is and how much it takes on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct B2buaConfig {
    /// The user agent core inside.
    pub ua: UaConfig,
    /// The registrar inside.
    pub registrar: RegistrarConfig,
    /// Host part of From in outgoing INVITEs. Default: the realm of the registrar.
    pub domain: Option<String>,
    /// Next hop for [`Target::Uri`](super::Target::Uri). Default: none, the URI must name an IP address.
    pub trunk: Option<Destination>,
    /// Who may call without being a registered user. Default: loopback only.
    pub peers: Vec<Network>,
    /// Legs at the same time; more are refused with 503. Default 10 000; about 8 kB each, with their calls.
    pub max_legs: usize,
    /// How often a call that goes out of here may come back in, straight or through proxies; one more is refused with
    /// 482. It is counted along legs that were made with [`OfferSource::Peer`](super::OfferSource::Peer). Default 3;
    /// 0 refuses every call that comes back. Loops through other back-to-back user agents end by Max-Forwards.
    ///
    /// Spec: RFC 5393, RFC 7332
    pub max_returns: u8,
    /// Commands that may wait for one leg's negotiation. Default 16.
    pub max_queued: usize,
    /// How long the media server may take to open an endpoint. Default 5 s.
    pub media_timeout: Duration,
    /// How long one step of a negotiation with an endpoint may take. Default 40 s: more than the 32 s after which
    /// SIP itself gives up.
    pub negotiation_timeout: Duration,
    /// Whether endpoints may ask for transfers (REFER). When off, REFER is not announced and refused with 603, and no
    /// event tells of it. When on, it is accepted with 202 and reported as
    /// [`B2buaEvent::TransferAsked`](super::B2buaEvent::TransferAsked): only for applications that carry transfers
    /// out, because the phone then takes its part in the call as done. Default off.
    ///
    /// Spec: RFC 3515 §2.4.2
    pub transfer_requests: bool,
    /// Whether the partner of an endpoint that puts a call on hold hears music from the media server. When off, the
    /// endpoint's hold is passed on as it is. Default on.
    pub music_on_hold: bool,
    /// What the media server plays as music on hold; `None` is its default music.
    pub hold_music: Option<String>,
}

impl B2buaConfig {
    /// Defaults around a user agent and a registrar.
    pub fn new(ua: UaConfig, registrar: RegistrarConfig) -> Self {
        Self {
            ua,
            registrar,
            domain: None,
            trunk: None,
            peers: vec![
                Network::new(IpAddr::from([127, 0, 0, 0]), 8),
                Network::new(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), 128),
            ],
            max_legs: 10_000,
            max_returns: 3,
            max_queued: 16,
            media_timeout: Duration::from_secs(5),
            negotiation_timeout: Duration::from_secs(40),
            transfer_requests: false,
            music_on_hold: true,
            hold_music: None,
        }
    }

    /// Sets [`B2buaConfig::domain`].
    #[must_use]
    pub fn with_domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets [`B2buaConfig::trunk`].
    #[must_use]
    pub fn with_trunk(mut self, trunk: Destination) -> Self {
        self.trunk = Some(trunk);
        self
    }

    /// Sets [`B2buaConfig::peers`].
    #[must_use]
    pub fn with_peers(mut self, peers: Vec<Network>) -> Self {
        self.peers = peers;
        self
    }

    /// Sets [`B2buaConfig::max_legs`].
    #[must_use]
    pub fn with_max_legs(mut self, legs: usize) -> Self {
        self.max_legs = legs;
        self
    }

    /// Sets [`B2buaConfig::max_returns`].
    #[must_use]
    pub fn with_max_returns(mut self, returns: u8) -> Self {
        self.max_returns = returns;
        self
    }

    /// Sets [`B2buaConfig::max_queued`].
    #[must_use]
    pub fn with_max_queued(mut self, commands: usize) -> Self {
        self.max_queued = commands;
        self
    }

    /// Sets [`B2buaConfig::media_timeout`].
    #[must_use]
    pub fn with_media_timeout(mut self, timeout: Duration) -> Self {
        self.media_timeout = timeout;
        self
    }

    /// Sets [`B2buaConfig::negotiation_timeout`].
    #[must_use]
    pub fn with_negotiation_timeout(mut self, timeout: Duration) -> Self {
        self.negotiation_timeout = timeout;
        self
    }

    /// Sets [`B2buaConfig::transfer_requests`].
    #[must_use]
    pub fn with_transfer_requests(mut self, on: bool) -> Self {
        self.transfer_requests = on;
        self
    }

    /// Sets [`B2buaConfig::music_on_hold`].
    #[must_use]
    pub fn with_music_on_hold(mut self, on: bool) -> Self {
        self.music_on_hold = on;
        self
    }

    /// Sets [`B2buaConfig::hold_music`].
    #[must_use]
    pub fn with_hold_music(mut self, source: impl Into<String>) -> Self {
        self.hold_music = Some(source.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_the_addresses_that_share_its_prefix() {
        let loopback = Network::new(IpAddr::from([127, 0, 0, 0]), 8);
        assert!(loopback.contains(IpAddr::from([127, 9, 8, 7])));
        assert!(!loopback.contains(IpAddr::from([128, 0, 0, 1])));
        assert!(!loopback.contains(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])));
        assert!(loopback.contains(IpAddr::from([0, 0, 0, 0, 0, 0xffff, 0x7f00, 1])));
        let all = Network::new(IpAddr::from([0, 0, 0, 0]), 0);
        assert!(all.contains(IpAddr::from([203, 0, 113, 9])));
        let one = Network::new(IpAddr::from([192, 0, 2, 1]), 99);
        assert!(one.contains(IpAddr::from([192, 0, 2, 1])) && !one.contains(IpAddr::from([192, 0, 2, 2])));
    }
}

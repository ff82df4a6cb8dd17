//! How many connections each host has opened.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use super::config::EndpointConfig;

/// Incoming connections that are open, by the host they came from.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    open: HashMap<IpAddr, usize>,
}

impl Hosts {
    /// Counts a new connection; `false`, and nothing counted, when the host has as many as it may.
    pub(super) fn admit(&mut self, from: IpAddr, config: &EndpointConfig) -> bool {
        let host = host(from);
        let limit = if host.is_loopback() {
            config.max_connections_from_loopback
        } else {
            config.max_connections_per_host
        };
        let open = self.open.get(&host).copied().unwrap_or_default();
        if open >= limit {
            return false;
        }
        self.open.insert(host, open + 1);
        true
    }

    /// A connection that was counted is closed.
    pub(super) fn leave(&mut self, from: IpAddr) {
        let host = host(from);
        match self.open.get_mut(&host) {
            Some(open) if *open > 1 => *open -= 1,
            _ => drop(self.open.remove(&host)),
        }
    }
}

/// What counts as one host: an IPv4 address however it is written, or an IPv6 network of 64 bits, all of whose
/// addresses one machine may use.
fn host(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(hosts: &mut Hosts, from: &str) -> bool {
        let config = EndpointConfig::new(([127, 0, 0, 1], 0).into())
            .with_max_connections_per_host(2)
            .with_max_connections_from_loopback(3);
        hosts.admit(from.parse().unwrap(), &config)
    }

    #[test]
    fn a_host_has_its_share_and_gets_it_back_when_connections_close() {
        let mut hosts = Hosts::default();
        for from in ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", "192.0.2.2"] {
            assert!(admit(&mut hosts, from), "{from}");
        }
        assert!(!admit(&mut hosts, "192.0.2.1"));
        assert!(!admit(&mut hosts, "192.0.2.1"), "refusals are not counted");
        hosts.leave("192.0.2.1".parse().unwrap());
        assert!(admit(&mut hosts, "192.0.2.1"));
        assert!(!admit(&mut hosts, "::ffff:192.0.2.1"));
        for from in ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2"] {
            hosts.leave(from.parse().unwrap());
        }
        assert!(hosts.open.is_empty(), "nothing is kept of hosts that are gone");
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_and_loopback_has_a_limit_of_its_own() {
        let mut hosts = Hosts::default();
        assert!(admit(&mut hosts, "2001:db8::1") && admit(&mut hosts, "2001:db8::2"));
        assert!(!admit(&mut hosts, "2001:db8::3"));
        assert!(admit(&mut hosts, "2001:db8:0:1::1"));
        for loopback in ["127.0.0.1", "::1"] {
            for _ in 0..3 {
                assert!(admit(&mut hosts, loopback));
            }
            assert!(!admit(&mut hosts, loopback));
        }
    }
}

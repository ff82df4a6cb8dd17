//! Ports and sockets of the drivers: bound in pairs, drained once per frame.
//!
//! The sockets are not registered with a reactor: all of them are read and written on the one 20 ms clock of their
//! driver, so a packet costs a system call and no wake-up.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::time::Instant;

use crate::random::Random;
use crate::stream::{Channel, Transmit};

/// Datagrams taken from one socket in one pass; the rest waits for the next.
const MAX_BURST: usize = 64;
/// Passes between two looks at the RTCP port: half a second.
const RTCP_PASSES: u64 = 25;
/// Largest datagram read; what is longer is cut and then refused.
pub(crate) const BUFFER_LEN: usize = 2_048;
/// Tries to find a pair of ports when the system chooses.
const EPHEMERAL_TRIES: usize = 64;

/// The ports that RTP may use.
///
/// RTP takes the even port of a pair and RTCP the odd one above it.
///
/// Spec: RFC 3550 §11
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PortRange {
    /// Any pair that the system has free.
    #[default]
    Any,
    /// Pairs inside these bounds.
    Within(RangeInclusive<u16>),
}

/// What is sent and received by an endpoint of a driver.
pub(crate) trait Endpoint {
    fn handle_rtp(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]);
    fn handle_rtcp(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]);
    fn handle_timeout(&mut self, now: Instant);
    fn poll_transmit(&mut self, now: Instant) -> Option<Transmit<'_>>;
    fn goodbye(&mut self, now: Instant) -> Option<Transmit<'_>>;
}

/// Hands out pairs of ports.
#[derive(Debug)]
pub(crate) struct PortPool {
    address: IpAddr,
    range: PortRange,
    next: u16,
    used: HashSet<u16>,
}

impl PortPool {
    pub(crate) fn new(address: IpAddr, range: PortRange, random: &mut Random) -> Self {
        let mut pool = PortPool {
            address,
            range,
            next: 0,
            used: HashSet::new(),
        };
        if let Some((first, pairs)) = pool.pairs() {
            pool.next = first + 2 * random.below(u32::from(pairs)) as u16;
        }
        pool
    }

    /// First even port and number of pairs.
    fn pairs(&self) -> Option<(u16, u16)> {
        let PortRange::Within(range) = &self.range else {
            return None;
        };
        let first = range.start().checked_add(range.start() & 1)?;
        let room = range.end().checked_sub(first)?.checked_add(1)?;
        Some((first, room / 2))
    }

    pub(crate) fn bind(&mut self) -> io::Result<Sockets> {
        if self.range == PortRange::Any {
            return self.bind_any();
        }
        let exhausted = || io::Error::new(io::ErrorKind::AddrInUse, "all rtp ports are in use");
        let (first, pairs) = self
            .pairs()
            .filter(|(_, pairs)| *pairs > 0)
            .ok_or_else(exhausted)?;
        for _ in 0..pairs {
            let port = self.next;
            let index = (port - first) / 2 + 1;
            self.next = if index >= pairs { first } else { first + 2 * index };
            if self.used.contains(&port) {
                continue;
            }
            match Sockets::bind(self.address, port) {
                Ok(sockets) => {
                    self.used.insert(port);
                    return Ok(sockets);
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
        Err(exhausted())
    }

    pub(crate) fn release(&mut self, sockets: &Sockets) {
        self.used.remove(&sockets.address.port());
    }

    fn bind_any(&self) -> io::Result<Sockets> {
        for _ in 0..EPHEMERAL_TRIES {
            let probe = UdpSocket::bind((self.address, 0))?;
            let port = probe.local_addr()?.port() & !1;
            drop(probe);
            match Sockets::bind(self.address, port) {
                Ok(sockets) => return Ok(sockets),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "no pair of rtp ports found",
        ))
    }
}

/// A bound pair.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) address: SocketAddr,
    rtp: UdpSocket,
    rtcp: Option<UdpSocket>,
}

impl Sockets {
    fn bind(address: IpAddr, port: u16) -> io::Result<Self> {
        let rtp = UdpSocket::bind((address, port))?;
        let rtcp = UdpSocket::bind((address, port.saturating_add(1)))?;
        rtp.set_nonblocking(true)?;
        rtcp.set_nonblocking(true)?;
        Ok(Sockets {
            address: SocketAddr::new(address, port),
            rtp,
            rtcp: Some(rtcp),
        })
    }

    /// Reports share the RTP port: the other socket is given back.
    pub(crate) fn multiplex(&mut self) {
        self.rtcp = None;
    }

    fn socket(&self, channel: Channel) -> Option<&UdpSocket> {
        match channel {
            Channel::Rtp => Some(&self.rtp),
            Channel::Rtcp => self.rtcp.as_ref(),
        }
    }
}

/// Counters of a driver's sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SocketStats {
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams received.
    pub received: u64,
    /// Datagrams that the system refused to send.
    pub send_errors: u64,
}

/// An endpoint and its sockets.
#[derive(Debug)]
pub(crate) struct Lane<E> {
    pub(crate) endpoint: E,
    pub(crate) sockets: Sockets,
}

impl<E: Endpoint> Lane<E> {
    /// Takes what has come, lets time pass, sends what is due.
    pub(crate) fn pass(&mut self, now: Instant, pass: u64, buffer: &mut [u8], stats: &mut SocketStats) {
        let Lane { endpoint, sockets } = self;
        receive(&sockets.rtp, buffer, stats, |from, datagram| {
            endpoint.handle_rtp(now, from, datagram)
        });
        if let Some(rtcp) = sockets.rtcp.as_ref().filter(|_| pass.is_multiple_of(RTCP_PASSES)) {
            receive(rtcp, buffer, stats, |from, datagram| {
                endpoint.handle_rtcp(now, from, datagram)
            });
        }
        endpoint.handle_timeout(now);
        while let Some(out) = endpoint.poll_transmit(now) {
            send(sockets, out, stats);
        }
    }

    pub(crate) fn goodbye(&mut self, now: Instant, stats: &mut SocketStats) {
        if let Some(out) = self.endpoint.goodbye(now) {
            send(&self.sockets, out, stats);
        }
    }
}

fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    stats: &mut SocketStats,
    mut take: impl FnMut(SocketAddr, &[u8]),
) {
    for _ in 0..MAX_BURST {
        match socket.recv_from(buffer) {
            Ok((len, from)) => {
                stats.received += 1;
                take(from, &buffer[..len]);
            }
            // A port unreachable of an earlier packet of ours is reported here; datagrams may follow it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(_) => return,
        }
    }
}

fn send(sockets: &Sockets, out: Transmit<'_>, stats: &mut SocketStats) {
    let Some(socket) = sockets.socket(out.channel) else {
        return;
    };
    match socket.send_to(out.payload, out.destination) {
        Ok(_) => stats.sent += 1,
        Err(_) => stats.send_errors += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn pairs_are_even_and_their_number_is_the_ranges() {
        let mut random = Random::new(1);
        let pool = PortPool::new(LOOPBACK, PortRange::Within(20_001..=20_007), &mut random);
        assert_eq!(pool.pairs(), Some((20_002, 3)));
        assert!([20_002, 20_004, 20_006].contains(&pool.next));
        let none = PortPool::new(LOOPBACK, PortRange::Within(20_001..=20_002), &mut random);
        assert_eq!(none.pairs(), Some((20_002, 0)));
        let top = PortPool::new(LOOPBACK, PortRange::Within(65_534..=65_535), &mut random);
        assert_eq!((top.pairs(), top.next), (Some((65_534, 1)), 65_534));
    }

    #[test]
    fn a_range_is_exhausted_with_a_reason_and_a_pair_given_back_is_used_again() {
        let mut random = Random::new(1);
        // A pair that the system has free, so that this test depends on no fixed port.
        let free = PortPool::new(LOOPBACK, PortRange::Any, &mut random)
            .bind()
            .unwrap();
        let port = free.address.port();
        assert_eq!(port % 2, 0);
        drop(free);
        let mut pool = PortPool::new(LOOPBACK, PortRange::Within(port..=port + 1), &mut random);
        let first = pool.bind().unwrap();
        assert_eq!(pool.bind().unwrap_err().to_string(), "all rtp ports are in use");
        pool.release(&first);
        drop(first);
        assert_eq!(pool.bind().unwrap().address.port(), port);
    }

    #[test]
    fn a_multiplexed_pair_gives_its_second_socket_back() {
        let mut sockets = PortPool::new(LOOPBACK, PortRange::Any, &mut Random::new(1))
            .bind()
            .unwrap();
        assert!(sockets.socket(Channel::Rtcp).is_some());
        sockets.multiplex();
        assert!(sockets.socket(Channel::Rtcp).is_none());
        UdpSocket::bind((LOOPBACK, sockets.address.port() + 1)).unwrap();
    }
}

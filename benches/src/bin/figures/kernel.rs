//! The physical limit: what the kernel alone takes to send and receive datagrams on loopback.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use crate::proc;

/// More than this many are not sent; the cost of one hardly changes.
const MOST: u64 = 200_000;
/// Fewer give no stable mean.
const LEAST: u64 = 20_000;
/// Longest wait for a datagram that was just sent to ourselves.
const LOST: Duration = Duration::from_secs(1);

/// Mean cost of one datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DatagramCost {
    /// Datagrams sent and received.
    pub(crate) datagrams: u64,
    /// Payload of each.
    pub(crate) bytes: usize,
    /// CPU, kernel and the loop around it, to send and receive one.
    pub(crate) cpu: Duration,
}

/// Sends datagrams of `bytes` from one socket to another and receives them, one by one in one thread: no wake-ups, no
/// parser, no state. No server can take less with one system call a datagram. Sends as many as were counted, within bounds.
pub(crate) fn measure(counted: u64, bytes: usize) -> io::Result<DatagramCost> {
    let datagrams = counted.clamp(LEAST, MOST);
    let (from, to) = (socket()?, socket()?);
    from.connect(to.local_addr()?)?;
    to.connect(from.local_addr()?)?;
    let payload = vec![0x55; bytes];
    let mut buffer = vec![0; bytes.max(1)];
    let no_clock = || io::Error::other("the kernel does not tell the CPU time of a thread");
    let start = proc::thread_cpu().ok_or_else(no_clock)?;
    for _ in 0..datagrams {
        from.send(&payload)?;
        to.recv(&mut buffer)?;
    }
    let total = proc::thread_cpu().ok_or_else(no_clock)?.saturating_sub(start);
    Ok(DatagramCost {
        datagrams,
        bytes,
        cpu: total / u32::try_from(datagrams).unwrap_or(u32::MAX),
    })
}

fn socket() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(LOST))?;
    Ok(socket)
}

//! Where messages come from and go to: flows, destinations and what a core wants sent.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;

/// Transport protocol of a flow, as it is named in a Via header and in the `transport` parameter of a URI.
///
/// Spec: RFC 3261 §18
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TransportProtocol {
    /// Datagrams; requests and final answers to INVITE are repeated by the transactions.
    Udp,
    /// A byte stream; nothing is repeated except what RFC 3261 §13.3.1.4 asks for end to end.
    Tcp,
}

impl TransportProtocol {
    /// Whether the transport repeats lost data by itself.
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// The name in a Via header: `UDP` or `TCP`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }

    /// The protocol with that name, in any case; `None` for one that this crate does not speak.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Udp, Self::Tcp]
            .into_iter()
            .find(|protocol| protocol.as_str().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for TransportProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Number of one connection of an endpoint. It is never used twice in the life of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

impl ConnectionId {
    /// The connection number of every datagram flow: there is one socket.
    pub const DATAGRAM: Self = Self(0);
}

/// A way to reach one peer: the socket and address a message came from, or one particular connection.
///
/// A dialog stays on its flow, so that requests inside it take the connection that the peer opened.
///
/// Spec: RFC 5626 §3.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// Protocol.
    pub protocol: TransportProtocol,
    /// Address of this side.
    pub local: SocketAddr,
    /// Address of the peer, as seen here (behind a NAT: the translated one).
    pub remote: SocketAddr,
    /// Which connection, or [`ConnectionId::DATAGRAM`].
    pub connection: ConnectionId,
}

impl Flow {
    /// The datagram flow between two addresses.
    pub const fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self {
            protocol: TransportProtocol::Udp,
            local,
            remote,
            connection: ConnectionId::DATAGRAM,
        }
    }

    /// The flow of one TCP connection.
    pub const fn tcp(local: SocketAddr, remote: SocketAddr, connection: ConnectionId) -> Self {
        Self {
            protocol: TransportProtocol::Tcp,
            local,
            remote,
            connection,
        }
    }
}

/// Where a message shall go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// Along a flow that exists. When a connection is gone, the driver reports a transport error.
    Flow(Flow),
    /// To an address: for TCP the driver takes an open connection to it or opens one.
    Address {
        /// Protocol to use.
        protocol: TransportProtocol,
        /// Address of the next hop.
        remote: SocketAddr,
    },
}

impl Destination {
    /// A UDP address.
    pub const fn udp(remote: SocketAddr) -> Self {
        Self::Address {
            protocol: TransportProtocol::Udp,
            remote,
        }
    }

    /// A TCP address.
    pub const fn tcp(remote: SocketAddr) -> Self {
        Self::Address {
            protocol: TransportProtocol::Tcp,
            remote,
        }
    }

    /// Protocol of the destination.
    pub const fn protocol(&self) -> TransportProtocol {
        match self {
            Self::Flow(flow) => flow.protocol,
            Self::Address { protocol, .. } => *protocol,
        }
    }

    /// Address of the next hop.
    pub const fn remote(&self) -> SocketAddr {
        match self {
            Self::Flow(flow) => flow.remote,
            Self::Address { remote, .. } => *remote,
        }
    }
}

impl From<Flow> for Destination {
    fn from(flow: Flow) -> Self {
        Self::Flow(flow)
    }
}

/// One message that a core wants sent, already serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Where to.
    pub destination: Destination,
    /// The bytes of one whole message.
    pub payload: Bytes,
}

impl fmt::Debug for Transmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transmit")
            .field("destination", &self.destination)
            .field("bytes", &self.payload.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocol_names_are_found_in_any_case_and_unknown_ones_are_not() {
        assert_eq!(TransportProtocol::from_name("tcp"), Some(TransportProtocol::Tcp));
        assert_eq!(TransportProtocol::from_name("Udp"), Some(TransportProtocol::Udp));
        assert_eq!(TransportProtocol::from_name("SCTP"), None);
    }

    #[test]
    fn debug_of_a_transmit_does_not_show_the_message() {
        let transmit = Transmit {
            destination: Destination::udp(SocketAddr::from(([127, 0, 0, 1], 5060))),
            payload: Bytes::from_static(b"OPTIONS sip:5551234@x SIP/2.0"),
        };
        let shown = format!("{transmit:?}");
        assert!(!shown.contains("5551234"), "{shown}");
        assert!(shown.contains("29"), "{shown}");
    }
}

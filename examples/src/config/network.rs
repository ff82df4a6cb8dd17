//! An IP network in prefix notation, as configuration files write it.

use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;

/// A network such as `127.0.0.0/8` or `::1/128`; an address alone is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct IpNetwork {
    address: IpAddr,
    prefix: u8,
}

impl IpNetwork {
    /// A network; a prefix longer than the address is cut to its length.
    pub fn new(address: IpAddr, prefix: u8) -> Self {
        Self {
            address,
            prefix: prefix.min(bits(address)),
        }
    }
}

impl From<IpNetwork> for sip::b2bua::Network {
    fn from(network: IpNetwork) -> Self {
        Self::new(network.address, network.prefix)
    }
}

const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl FromStr for IpNetwork {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = || format!("`{text}` is not a network such as 127.0.0.0/8");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| fail())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| fail())?;
        let prefix = prefix.unwrap_or(bits(address));
        if prefix > bits(address) {
            Err(fail())
        } else {
            Ok(Self { address, prefix })
        }
    }
}

impl TryFrom<String> for IpNetwork {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

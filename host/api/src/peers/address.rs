//! What counts as one peer: an IPv4 address, or a /64 of IPv6, which is the least that one customer of a provider gets.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::{IpNet, Ipv6Net};

/// One peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Peer(IpAddr);

impl Peer {
    /// Whose address this is. An IPv4 address within IPv6 is that IPv4 address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => Self(IpAddr::V6(Ipv6Net::new_assert(address, 64).network())),
            four => Self(four),
        }
    }
}

/// A network, such as `10.0.0.0/8`, or one address; never all addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an address such as 127.0.0.1, or a network such as 10.0.0.0/8 or fd00::/8, without bits set beyond the prefix, and \
     not everybody (/0)"
)]
pub struct NetworkError;

impl Network {
    /// Whether an address is in it. An IPv4 address within IPv6 is that IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let read: IpNet = match text.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().into(),
            Err(_) => text.parse().map_err(|_| NetworkError)?,
        };
        // `10.1.2.3/8` is somebody's mistake: one address was meant, or another prefix.
        // Where everybody is believed, nobody has limits: anybody can claim to be somebody else.
        let is_meant = read.trunc() == read && read.prefix_len() > 0;
        if is_meant { Ok(Self(read)) } else { Err(NetworkError) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

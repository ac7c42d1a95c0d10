//! Who is at the other end of a connection, and how much one of them may take up: connections at a time, and requests that prove
//! nothing.
//!
//! | file | answers for |
//! |---|---|
//! | `address` | what counts as one peer, and which proxies are believed |
//! | `forwarded` | whom a proxy says that it asks for |
//! | `connections` | connections at a time, of all and of each |
//! | `allowance` | requests that prove nothing, a minute and peer |
//! | `gate` | both as a layer around endpoints, and the count of what was refused there |
//! | `patience` | clients that send nothing, or do not read |
//!
//! Invariants:
//! - what a client says of its address is believed only where a proxy that the operator named says it, in the one header that this
//!   proxy writes;
//! - nobody's refused requests stop those of somebody at another address, nor an event whose signature holds;
//! - what is kept of peers is bounded, however many there are.

mod address;
mod allowance;
mod connections;
mod forwarded;
mod gate;
mod patience;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc, time::Duration};

pub use address::{Network, NetworkError};
pub use forwarded::ForwardedBy;
use hyper::HeaderMap;

pub(crate) use address::Peer;
pub(crate) use allowance::{Allowance, Door};
pub(crate) use connections::Book;
pub(crate) use gate::{Face, Gate, Known, gated, retry_after};
pub(crate) use patience::{Patient, first_byte};

/// What the operator decides about peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerConfig {
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// Of one address at a time, or of one /64 of IPv6; more are closed at once. Trusted proxies are not held to it.
    pub connections_per_address: usize,
    /// How long a new connection may be silent.
    pub first_byte: Duration,
    /// How long a request's head may take to arrive, and so how long an idle connection is kept.
    pub head: Duration,
    /// How long a client may leave an answer unread.
    pub write: Duration,
    /// Requests that prove nothing, of one address or /64, a minute; a minute's worth at once.
    pub unproved_per_minute: u64,
    /// Proxies that are believed about whom they ask for.
    pub trusted_proxies: Vec<Network>,
    /// Where these say it.
    pub forwarded_by: ForwardedBy,
}

impl Default for PeerConfig {
    fn default() -> Self {
        Self {
            connections: 1_024,
            connections_per_address: 128,
            first_byte: Duration::from_secs(10),
            head: Duration::from_secs(30),
            write: Duration::from_secs(30),
            unproved_per_minute: 600,
            trusted_proxies: Vec::new(),
            forwarded_by: ForwardedBy::default(),
        }
    }
}

/// The address that a request's connection came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct From(pub IpAddr);

/// Whose request it is: whoever is connected, or whom a trusted proxy names. Behind the gate every request has one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub IpAddr);

/// Says who asks.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    config: Arc<PeerConfig>,
    told: Arc<std::sync::Once>,
}

impl Peers {
    pub fn new(config: Arc<PeerConfig>) -> Self {
        Self { config, told: Arc::new(std::sync::Once::new()) }
    }

    /// Whether this address is a proxy that is believed.
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        self.config.trusted_proxies.iter().any(|network| network.contains(address))
    }

    /// Who asks: whoever is connected, or whom a trusted proxy names. To the last bit of the address.
    pub fn client(&self, from: From, headers: &HeaderMap) -> Client {
        if self.is_proxy(from.0) {
            let by = self.config.forwarded_by;
            return Client(forwarded::client(from.0, headers, by, |address| self.is_proxy(address)).to_canonical());
        }
        if from.0.is_loopback() && forwarded::ForwardedBy::ALL.iter().any(|by| headers.contains_key(by.header())) {
            self.told.call_once(|| {
                tracing::warn!(
                    "requests come through a proxy on this machine that is not named: all its clients share what one address may \
                     do; name it in listen.trusted-proxies"
                );
            });
        }
        Client(from.0.to_canonical())
    }
}

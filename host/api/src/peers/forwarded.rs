//! Whom a proxy asks for, by `X-Forwarded-For` or by `Forwarded` (RFC 7239).
//!
//! Each proxy adds at the right end the address that it was asked from, to whatever it was sent. So the list is read from the right,
//! past proxies that are believed; the first other address is the client's, and what stands to the left of it is its own invention.
//!
//! Invariant: one header is read, the one that the operator says that the proxies write: another one comes from the client as it is.

use std::net::{IpAddr, SocketAddr};

use hyper::{HeaderMap, header::HeaderName};

/// In which header proxies name the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`, as most do.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The most addresses that are looked at: nobody has as many proxies.
const MOST: usize = 32;

impl ForwardedBy {
    /// Each of them.
    pub(super) const ALL: [Self; 2] = [Self::XForwardedFor, Self::Forwarded];

    pub(super) fn header(self) -> HeaderName {
        match self {
            Self::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            Self::Forwarded => hyper::header::FORWARDED,
        }
    }

    /// The address in one element of the list.
    fn address(self, element: &str) -> Option<IpAddr> {
        let node = match self {
            Self::XForwardedFor => element.trim(),
            Self::Forwarded => {
                let named = element.split(';').filter_map(|pair| pair.trim().split_once('='));
                let mut nodes = named.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
                match (nodes.next(), nodes.next()) {
                    (Some((_, node)), None) => node.trim().trim_matches('"'),
                    _ => return None,
                }
            }
        };
        let bare = node.strip_prefix('[').and_then(|node| node.strip_suffix(']')).unwrap_or(node);
        bare.parse().ok().or_else(|| node.parse::<SocketAddr>().ok().map(|address| address.ip()))
    }
}

/// The client behind a trusted proxy; the last one that is known to be in between, where its address is not said or cannot be read.
pub(super) fn client(proxy: IpAddr, headers: &HeaderMap, by: ForwardedBy, trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let lines: Vec<&str> = headers.get_all(by.header()).iter().map(|line| line.to_str().unwrap_or_default()).collect();
    let mut last = proxy;
    for element in lines.iter().rev().flat_map(|line| line.rsplit(',')).take(MOST) {
        match by.address(element) {
            Some(address) if trusted(address) => last = address,
            Some(address) => return address,
            None => break,
        }
    }
    last
}

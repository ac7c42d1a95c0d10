//! `[listen]`: where the host listens, how it is reached, and how much one client may take up.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use anyhow::{Result, anyhow};
use portcullis_api::{ForwardedBy, Network, PeerConfig};
use serde::Deserialize;

/// The listener.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Listen {
    /// Address and port. Port 0: a free one.
    pub address: SocketAddr,
    /// Where those who operate the host reach health and metrics without a token: an address that nobody else reaches. Absent: nowhere.
    pub operations: Option<SocketAddr>,
    /// How browsers reach this host, such as `https://portcullis.acme.example`. Absent: at the address, in plain HTTP.
    pub public_url: Option<String>,
    /// Addresses and networks of proxies that are believed about whom they ask for. Absent: none.
    pub trusted_proxies: Vec<String>,
    /// The header in which these proxies say it.
    pub forwarded_by: Header,
    /// How much clients may take up.
    pub limits: Limits,
}

/// The header in which proxies name their clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Header {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// How much clients may take up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Limits {
    /// Connections at a time; more wait.
    pub connections: NonZeroU32,
    /// Connections at a time of one address, or of one /64 of IPv6; more are closed. Trusted proxies are not held to it.
    pub connections_per_address: NonZeroU32,
    /// For how long a new connection may be silent, in seconds.
    pub first_byte_seconds: NonZeroU32,
    /// How long a request's head may take, and so how long an idle connection is kept, in seconds.
    pub head_seconds: NonZeroU32,
    /// How long an answer may stay unread, in seconds.
    pub write_seconds: NonZeroU32,
    /// Requests a minute of one address, or of one /64 of IPv6, that do not prove whose they are.
    pub unproved_per_minute: NonZeroU32,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8787)),
            operations: None,
            public_url: None,
            trusted_proxies: Vec::new(),
            forwarded_by: Header::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let most = PeerConfig::default();
        let number = |number: u64| u32::try_from(number).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX);
        let count = |count: usize| number(u64::try_from(count).unwrap_or(u64::MAX));
        Self {
            connections: count(most.connections),
            connections_per_address: count(most.connections_per_address),
            first_byte_seconds: number(most.first_byte.as_secs()),
            head_seconds: number(most.head.as_secs()),
            write_seconds: number(most.write.as_secs()),
            unproved_per_minute: number(most.unproved_per_minute),
        }
    }
}

impl Listen {
    pub(super) fn check(&self) -> Result<()> {
        self.peers().map(drop)
    }

    /// How browsers reach this host: scheme, host and port, without anything after it. Plain HTTP is for loopback alone (DAT-5).
    pub fn base(&self) -> Result<String> {
        let Some(text) = &self.public_url else {
            anyhow::ensure!(
                self.address.ip().is_loopback() && self.address.port() != 0,
                "listen.public-url is missing: how do browsers reach this host? Such as 'https://portcullis.acme.example'"
            );
            return Ok(format!("http://{}", self.address));
        };
        let target: portcullis_model::target::Target =
            format!("{text}/").parse().map_err(|error| anyhow!("listen.public-url: {error}"))?;
        anyhow::ensure!(
            target.origin() == *text,
            "listen.public-url: expected 'https://' and a host, without anything after it, such as '{}'",
            target.origin()
        );
        Ok(text.clone())
    }

    /// What holds for clients.
    pub fn peers(&self) -> Result<PeerConfig> {
        let network = |text: &String| {
            let read = text.parse::<Network>();
            read.map_err(|error| anyhow!("listen.trusted-proxies: '{text}': {error}"))
        };
        let seconds = |number: NonZeroU32| Duration::from_secs(number.get().into());
        let count = |number: NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
        let limits = &self.limits;
        Ok(PeerConfig {
            connections: count(limits.connections),
            connections_per_address: count(limits.connections_per_address),
            first_byte: seconds(limits.first_byte_seconds),
            head: seconds(limits.head_seconds),
            write: seconds(limits.write_seconds),
            unproved_per_minute: limits.unproved_per_minute.get().into(),
            trusted_proxies: self.trusted_proxies.iter().map(network).collect::<Result<_>>()?,
            forwarded_by: match self.forwarded_by {
                Header::XForwardedFor => ForwardedBy::XForwardedFor,
                Header::Forwarded => ForwardedBy::Forwarded,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn peers(text: &str) -> Result<PeerConfig> {
        Config::parse(text).and_then(|config| config.listen.peers())
    }

    #[test]
    fn nothing_written_means_the_listeners_own_defaults() {
        assert_eq!(peers("").unwrap(), PeerConfig::default());
    }

    #[test]
    fn limits_and_proxies_are_read_and_what_is_wrong_is_refused() {
        let text = "[listen]\ntrusted-proxies = ['127.0.0.1', 'fd00::/8']\nforwarded-by = 'forwarded'\n\
            [listen.limits]\nconnections-per-address = 7\nhead-seconds = 3\nunproved-per-minute = 60\n";
        let read = peers(text).unwrap();
        assert_eq!((read.connections_per_address, read.head.as_secs(), read.unproved_per_minute), (7, 3, 60));
        assert_eq!((read.trusted_proxies.len(), read.forwarded_by), (2, ForwardedBy::Forwarded));
        let error = |text: &str| format!("{:#}", peers(text).unwrap_err());
        let wrong = error("[listen]\ntrusted-proxies = ['10.0.0.1/8']\n");
        assert!(wrong.contains("trusted-proxies: '10.0.0.1/8': expected an address"), "{wrong}");
        assert!(error("[listen]\nforwarded-by = 'x-real-ip'\n").contains("x-forwarded-for"));
        assert!(error("[listen.limits]\nconnections = 0\n").contains("nonzero"));
        assert!(error("[listen.limits]\nconnection = 1\n").contains("did you mean 'connections'?"));
    }
}

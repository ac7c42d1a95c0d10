//! From where people may come, how long sessions last, and how fresh a second factor must be: by layers, of which the most
//! restrictive holds (ACC-4, ACC-7, ACC-9).

use std::{fmt, net::IpAddr, str::FromStr};

use async_trait::async_trait;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{error::StoreError, id::TenantId};

/// A network such as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an address such as 192.0.2.7, or a network such as 10.0.0.0/8 or fd00::/8, without bits set beyond the prefix"
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
        if read.trunc() == read { Ok(Self(read)) } else { Err(NetworkError) }
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;
    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What one layer allows at most: the platform, a profile, or the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// How long a session may lie unused, in minutes.
    pub idle_minutes: u32,
    /// How long a session may last, in minutes.
    pub absolute_minutes: u32,
    /// How long ago a second factor may have been proved for a privileged act, in minutes.
    pub step_up_minutes: u32,
    /// From where people may come: an address must be in one network of EACH list. No list: from anywhere.
    pub networks: Vec<Vec<Network>>,
}

impl Limits {
    /// What always holds.
    pub fn baseline() -> Self {
        Self { idle_minutes: 60, absolute_minutes: 12 * 60, step_up_minutes: 10, networks: Vec::new() }
    }

    /// What both allow: never more than either (ACC-9).
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        let mut networks: Vec<_> = self.networks.iter().chain(&other.networks).cloned().collect();
        networks.sort();
        networks.dedup();
        Self {
            idle_minutes: self.idle_minutes.min(other.idle_minutes),
            absolute_minutes: self.absolute_minutes.min(other.absolute_minutes),
            step_up_minutes: self.step_up_minutes.min(other.step_up_minutes),
            networks,
        }
    }

    /// Whether people may come from this address.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.networks.iter().all(|list| list.iter().any(|network| network.contains(address)))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::baseline()
    }
}

/// A tenant's own OpenID provider (ACC-2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Provider {
    /// Its issuer: exactly as in its discovery document and its ID tokens.
    pub issuer: String,
    /// The host's client id there.
    pub client_id: String,
    /// Whether the tenant's people come in by it alone; otherwise passkeys work beside it. Who is let in all the same: owners with
    /// [`break_glass`](super::Membership::break_glass).
    #[serde(default)]
    pub only: bool,
    /// Values of `acr` that say that it saw a second factor.
    #[serde(default)]
    pub mfa_acr: Vec<String>,
    /// Values of `amr` (RFC 8176) that say so.
    #[serde(default)]
    pub mfa_amr: Vec<String>,
    /// Whether nobody is let in for whom it saw none.
    #[serde(default)]
    pub needs_mfa: bool,
    /// How long ago people may have signed in there, in minutes; `None`: as long as a session may last.
    #[serde(default)]
    pub max_age_minutes: Option<u32>,
}

impl Provider {
    /// Whether what it says of a sign-in means that it saw a second factor.
    pub fn saw_second(&self, class: Option<&str>, ways: &[String]) -> bool {
        class.is_some_and(|class| self.mfa_acr.iter().any(|one| one == class))
            || ways.iter().any(|way| self.mfa_amr.contains(way))
    }

    /// How long ago people may have signed in there, in seconds, where it is asked at all. Where its word stands for a second factor it is:
    /// without the time, nobody knows how fresh that is.
    pub fn max_age_seconds(&self) -> Option<u32> {
        let counts = self.needs_mfa || !self.mfa_acr.is_empty() || !self.mfa_amr.is_empty();
        let longest = counts.then(|| Limits::baseline().absolute_minutes);
        self.max_age_minutes.or(longest).map(|minutes| minutes.saturating_mul(60))
    }
}

/// What a tenant, or the platform, has set about its people's access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AccessSettings {
    /// At most.
    pub limits: Limits,
    /// Single sign-on, where it is on.
    pub provider: Option<Provider>,
    /// Goes up with each change; 0: nothing was ever set.
    pub version: u64,
}

/// What the profiles that a tenant has turned on ask for.
#[async_trait]
pub trait ProfileLimits: Send + Sync {
    /// The limits of each of them.
    async fn limits_of(&self, tenant: &TenantId) -> Result<Vec<Limits>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(idle: u32, absolute: u32, step_up: u32, networks: &[&[&str]]) -> Limits {
        let list = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Limits {
            idle_minutes: idle,
            absolute_minutes: absolute,
            step_up_minutes: step_up,
            networks: networks.iter().map(list).collect(),
        }
    }

    #[test]
    fn the_most_restrictive_holds_whoever_says_it() {
        let platform = of(30, 600, 20, &[&["10.0.0.0/8"]]);
        let tenant = of(60, 300, 10, &[&["10.1.0.0/16", "192.0.2.0/24"]]);
        let met = platform.meet(&tenant);
        assert_eq!((met.idle_minutes, met.absolute_minutes, met.step_up_minutes), (30, 300, 10));
        assert_eq!(met, tenant.meet(&platform));
        assert_eq!(met, met.meet(&platform), "a layer twice is a layer once");
        for (address, both) in
            [("10.1.2.3", true), ("10.2.0.1", false), ("192.0.2.9", false), ("::ffff:10.1.2.3", true)]
        {
            assert_eq!(met.allows(address.parse().unwrap()), both, "{address}");
        }
        assert!(!of(1, 1, 1, &[&[]]).allows("10.0.0.1".parse().unwrap()), "a list of none lets nobody in");
    }

    #[test]
    fn a_network_with_bits_beyond_its_prefix_is_a_mistake() {
        assert_eq!("10.1.2.3/8".parse::<Network>(), Err(NetworkError));
        assert_eq!("::ffff:192.0.2.1".parse::<Network>().unwrap().to_string(), "192.0.2.1/32");
    }
}

//! Automation: a program of a tenant's own that uses the admin API as an OAuth client, with a role and by a key of its own. It is no
//! person, has no session and can prove no second factor (ACC-1, ACC-3).
//!
//! Invariants: what is stored is public keys and digests of tokens; each one ends by itself; a change and its audit entry are one.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Network;
use crate::{
    audit::{Actor, Entry},
    error::StoreError,
    id::{ClientId, Digest, RoleName, TenantId},
    oauth::{ClientKey, Put},
    time::{Rng, Timestamp},
};

/// What a client id of automation begins with: no plugin's client is called so.
const PREFIX: &str = "aut_";

/// One of a tenant's automations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Automation {
    /// Its client id.
    pub id: ClientId,
    /// Whose it is, and where it reaches.
    pub tenant: TenantId,
    /// What it is called: once in a tenant, 1 to 60 characters.
    pub name: String,
    /// As what it acts.
    pub role: RoleName,
    /// May also do what people need a second factor for, as far as the role goes.
    pub privileged: bool,
    /// From where it may come; empty: from wherever the tenant's people may.
    pub networks: Vec<Network>,
    /// Its keys.
    pub keys: Vec<ClientKey>,
    /// Who made it.
    pub by: Actor,
    /// Since when.
    pub since: Timestamp,
    /// Until when it can be used.
    pub until: Timestamp,
    /// When it was taken away.
    pub ended: Option<Timestamp>,
    /// Goes up with each change.
    pub version: u64,
}

impl Automation {
    /// Whether it can be used at that time.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.until
    }

    /// Whether it may come from there, as far as it is for itself to say.
    pub fn is_near(&self, address: std::net::IpAddr) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(address))
    }

    /// The keys that are good at that time.
    pub fn good_keys(&self, now: Timestamp) -> impl Iterator<Item = &ClientKey> {
        self.keys.iter().filter(move |key| key.is_good(now))
    }

    /// Whether an id is of automation, and not of a plugin's client.
    pub fn is_named(id: &str) -> bool {
        id.starts_with(PREFIX)
    }

    /// A fresh id.
    pub fn fresh_id(rng: &dyn Rng) -> ClientId {
        let text = ClientId::random(rng);
        let own = text.as_str().replacen("cli_", PREFIX, 1);
        own.parse().unwrap_or(text)
    }
}

/// An access token of automation, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutomationToken {
    /// Of the token.
    pub digest: Digest,
    /// Whose.
    pub client: ClientId,
    /// The thumbprint of the key that asked for it: it ends with that key.
    pub key: String,
    /// When it ends.
    pub expires: Timestamp,
}

/// Changes that take effect together, or not at all.
#[derive(Clone, Debug, Default)]
pub struct AutomationChange {
    /// A row.
    pub row: Option<Put<Automation>>,
    /// A token.
    pub token: Option<AutomationToken>,
    /// What is written to the log.
    pub entries: Vec<Entry>,
}

/// Keeps automations and their tokens.
#[async_trait]
pub trait AutomationStore: Send + Sync {
    /// Makes the changes. False, and nothing is changed, where the row has another version than expected, or its name is taken in its
    /// tenant.
    async fn change_automation(&self, change: AutomationChange) -> Result<bool, StoreError>;

    /// One, ended or not.
    async fn automation(&self, id: &ClientId) -> Result<Option<Automation>, StoreError>;

    /// A tenant's that were not taken away, by name; at most so many.
    async fn automations(&self, tenant: &TenantId, most: usize) -> Result<Vec<Automation>, StoreError>;

    /// The token of this digest, whether it is over or not.
    async fn automation_token(&self, digest: &Digest) -> Result<Option<AutomationToken>, StoreError>;

    /// Forgets tokens that are over. Gives how many.
    async fn sweep_automation(&self, now: Timestamp) -> Result<u64, StoreError>;
}

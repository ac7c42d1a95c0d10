//! A client of the host's own authorization server: one an installation, by keys of its own and never by a password (INT-1,
//! INT-4).

use serde::{Deserialize, Serialize};

use crate::{
    id::{ClientId, InstallationId, PluginId, TenantId},
    time::Timestamp,
};

/// How a client proves itself. There is no other way: no client secret, no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authentication {
    /// By a JWT that one of its keys signed (RFC 7523).
    PrivateKeyJwt,
    /// By a proof of possession with each request (RFC 9449): with one of its keys, or, where it registered none, with the one
    /// that its first request brought.
    Dpop,
}

impl Authentication {
    /// The name that metadata has for it (RFC 8414, `token_endpoint_auth_methods_supported`).
    pub fn method(self) -> &'static str {
        match self {
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::Dpop => "none",
        }
    }
}

/// A public key in the form of RFC 7517, with the members that make it up and no other. Its values were checked when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum Jwk {
    /// Ed25519 (RFC 8037): `crv` is `Ed25519`.
    #[serde(rename = "OKP")]
    Okp {
        /// The curve.
        crv: String,
        /// The key.
        x: String,
    },
    /// P-256 (RFC 7518, 6.2): `crv` is `P-256`.
    #[serde(rename = "EC")]
    Ec {
        /// The curve.
        crv: String,
        /// One coordinate.
        x: String,
        /// The other.
        y: String,
    },
    /// RSA (RFC 7518, 6.3).
    #[serde(rename = "RSA")]
    Rsa {
        /// The exponent.
        e: String,
        /// The modulus.
        n: String,
    },
}

/// Where a key stands in its rotation. Each of them is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum KeyState {
    /// Registered, and not used yet: with its first use it becomes the current one.
    Pending,
    /// In use.
    Current,
    /// Replaced: good until then.
    Previous {
        /// When it ends.
        until: Timestamp,
    },
}

/// One of a client's keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientKey {
    /// Its public half.
    pub key: Jwk,
    /// Its thumbprint (RFC 7638, SHA-256).
    pub thumbprint: String,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// Where it stands.
    #[serde(flatten)]
    pub state: KeyState,
}

impl ClientKey {
    /// Whether it is good at that time.
    pub fn is_good(&self, now: Timestamp) -> bool {
        !matches!(self.state, KeyState::Previous { until } if until <= now)
    }
}

/// A client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its id, which no other client ever has.
    pub id: ClientId,
    /// Its name, which no other client has: `<plugin> in <tenant> (<installation>)`.
    pub name: String,
    /// Whose data it works on.
    pub tenant: TenantId,
    /// On behalf of which installation.
    pub installation: InstallationId,
    /// Of which plugin.
    pub plugin: PluginId,
    /// How it proves itself.
    pub authentication: Authentication,
    /// Its keys.
    pub keys: Vec<ClientKey>,
    /// Where an authorization may lead back to, character for character.
    pub redirects: Vec<String>,
    /// For how long a replaced key stays good, in seconds.
    pub overlap_seconds: u64,
    /// When it was registered.
    pub created: Timestamp,
    /// Tokens and grants that are not younger than this have ended, all at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_until: Option<Timestamp>,
    /// When it was revoked; absent while it is not.
    pub revoked: Option<Timestamp>,
    /// Goes up with each change.
    pub version: u64,
}

impl Client {
    /// Whether what it was given at that time has been ended since.
    pub fn has_ended(&self, given: Timestamp) -> bool {
        self.revoked.is_some() || self.ended_until.is_some_and(|until| given <= until)
    }

    /// The keys that are good at that time.
    pub fn good_keys(&self, now: Timestamp) -> impl Iterator<Item = &ClientKey> {
        self.keys.iter().filter(move |key| key.is_good(now))
    }
}

//! Sessions, and what people prove who they are with.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    id::{Digest, FactorId, PersonId, SessionId, TenantId},
    time::Timestamp,
};

/// How a session began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum SignIn {
    /// By a method of the host's own.
    Native,
    /// Through a tenant's own provider: good for that tenant alone.
    Provider {
        /// Whose.
        tenant: TenantId,
    },
}

/// Sorts of proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactorKind {
    /// A passkey that verified its user: something that the person has and something that the person knows or is.
    Passkey,
    /// A time-based one-time code (RFC 6238).
    Totp,
    /// A recovery code, good once.
    Recovery,
    /// The word of the tenant's own provider.
    Provider,
    /// The word of the tenant's own provider that it saw a second factor (`amr` or `acr`).
    ProviderMfa,
}

impl FactorKind {
    /// Whether it counts as a second factor (ACC-3).
    pub fn is_second(self) -> bool {
        matches!(self, Self::Passkey | Self::Totp | Self::ProviderMfa)
    }

    /// Its name, as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Totp => "totp",
            Self::Recovery => "recovery",
            Self::Provider => "provider",
            Self::ProviderMfa => "provider-mfa",
        }
    }
}

/// Something was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What.
    pub kind: FactorKind,
    /// When.
    pub at: Timestamp,
}

/// What a person can prove who they are with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Factor {
    /// Which.
    pub id: FactorId,
    /// Whose.
    pub person: PersonId,
    /// What sort.
    pub kind: FactorKind,
    /// What the person calls it.
    pub label: String,
    /// What it is found by: of a passkey, its credential's id; of others, nothing.
    pub handle: Option<String>,
    /// What it is checked against: a passkey's public key and counter, a sealed TOTP secret, digests of recovery codes. As JSON.
    pub body: serde_json::Value,
    /// Since when.
    pub created: Timestamp,
    /// When it was last used.
    pub used: Option<Timestamp>,
    /// When it was taken away.
    pub ended: Option<Timestamp>,
    /// Goes up with each change.
    pub version: u64,
}

/// From what somebody signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// In words that the person knows it by, such as `Firefox on Linux`. At most 80 characters.
    pub label: String,
    /// Of the value that the device keeps.
    pub id: Digest,
    /// Whether the person had never signed in from it before (ACC-5).
    pub new: bool,
    /// When the person said a word about that: that it was them, or that it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Timestamp>,
}

/// How a session came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Why, in a word or two.
    pub why: String,
}

/// From a sign-in to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub person: PersonId,
    /// Of the token in the cookie. Another one after each step-up.
    pub token: Digest,
    /// How it began.
    pub sign_in: SignIn,
    /// From what.
    pub device: Device,
    /// From where, last.
    pub address: IpAddr,
    /// When it began.
    pub created: Timestamp,
    /// When it was last used. May lag by a part of a minute.
    pub used: Timestamp,
    /// The limits that it began with, in minutes: idle, and absolute. Those that hold by then may be shorter, never longer.
    pub idle_minutes: u32,
    /// See `idle_minutes`.
    pub absolute_minutes: u32,
    /// What was proved in it: the last of each sort.
    pub factors: Vec<Proof>,
    /// How it ended; `None`: not by anybody's act.
    pub ended: Option<Ended>,
    /// Of the provider's own name for its session (`sid`), by which it says that this one is over; where it began by one that gives any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Digest>,
    /// Goes up with each change.
    pub version: u64,
}

impl Session {
    /// Whether it can be used at that time, by the limits that it began with.
    pub fn is_live(&self, now: Timestamp) -> bool {
        let minutes = |n: u32| std::time::Duration::from_secs(u64::from(n) * 60);
        self.ended.is_none()
            && now < self.created.plus(minutes(self.absolute_minutes))
            && now < self.used.plus(minutes(self.idle_minutes))
    }

    /// Notes that something was proved.
    pub fn prove(&mut self, kind: FactorKind, at: Timestamp) {
        self.factors.retain(|proof| proof.kind != kind);
        self.factors.push(Proof { kind, at });
    }
}

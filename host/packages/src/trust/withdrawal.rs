//! Withdrawals: what makes a release that held hold no more, everywhere at once (MNT-3), and leave to run one below the floor.
//!
//! A publisher *yanks* its own releases; whoever a root trusts with it *quarantines* any. Both end what runs. A quarantine is
//! ended by a *lift*, a yank by another release.
//!
//! Invariants: a withdrawal that a key signed while it was trusted stays in force when the key is replaced; only a key that is
//! trusted now can end one.

use portcullis_model::{
    audit::plain,
    id::{Digest, PluginId},
    json::sorted,
    release::ReleaseId,
    time::Timestamp,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    TrustError,
    root::{KeyId, is_key_id},
};
use crate::{
    dsse::{Envelope, PayloadType},
    keys::{KeyError, Signer},
};

/// The longest reason, in characters.
pub const MAX_REASON: usize = 500;
/// For how many days an override holds at most.
pub const MOST_DAYS: u32 = 365;

/// What a withdrawal is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields, tag = "type")]
pub enum Target {
    /// Every release of a plugin with this component.
    Component {
        /// Which plugin.
        plugin: PluginId,
        /// The component's digest.
        digest: Digest,
    },
    /// The releases of a plugin with these numbers.
    Releases {
        /// Which plugin.
        plugin: PluginId,
        /// From this one on.
        from: u64,
        /// Up to and with this one; absent: all that come.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        to: Option<u64>,
    },
    /// Whatever this publisher's key signed.
    PublisherKey {
        /// The key's id.
        key: KeyId,
    },
}

impl Target {
    /// The plugin that it is about, where it is about one.
    pub fn plugin(&self) -> Option<&PluginId> {
        match self {
            Self::Component { plugin, .. } | Self::Releases { plugin, .. } => Some(plugin),
            Self::PublisherKey { .. } => None,
        }
    }

    /// Fails where it could cover nothing, whatever is released: whoever signed it believes that something was stopped.
    fn means_something(&self) -> Result<(), TrustError> {
        match self {
            Self::Releases { from, to: Some(to), .. } if to < from => {
                Err(TrustError::Unreadable(format!("there are no releases from {from} to {to}")))
            }
            Self::PublisherKey { key } if !is_key_id(key) => Err(TrustError::Unreadable(format!(
                "'{}' is no key's id: 64 of 0-9 and a-f, as 'portcullis key show --json' prints it",
                plain(key)
            ))),
            _ => Ok(()),
        }
    }

    /// Whether it is about this release, which these keys signed.
    pub fn covers(&self, release: &ReleaseId, plugin: &PluginId, number: u64, signers: &[KeyId]) -> bool {
        match self {
            Self::Component { plugin: of, digest } => of == plugin && *digest == release.component,
            Self::Releases { plugin: of, from, to } => {
                of == plugin && (*from..=to.unwrap_or(u64::MAX)).contains(&number)
            }
            Self::PublisherKey { key } => signers.contains(key),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Component { plugin, digest } => write!(f, "{plugin} with the component {digest}"),
            Self::Releases { plugin, from, to: Some(to) } if from == to => write!(f, "{plugin}, release {from}"),
            Self::Releases { plugin, from, to: Some(to) } => write!(f, "{plugin}, releases {from} to {to}"),
            Self::Releases { plugin, from, to: None } => write!(f, "{plugin}, releases from {from} on"),
            Self::PublisherKey { key } => write!(f, "whatever the key {} signed", plain(key)),
        }
    }
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, tag = "act")]
pub enum Act {
    /// A publisher takes its own releases back, for good.
    Yank {
        /// Which.
        target: Target,
    },
    /// Releases are stopped until that is lifted.
    Quarantine {
        /// Which.
        target: Target,
    },
    /// A quarantine is over.
    Lift {
        /// The SHA-256 of the payload of the quarantine.
        of: Digest,
    },
}

/// A withdrawal or a lift: the payload of a [`PayloadType::Withdrawal`] envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Withdrawal {
    /// What is done.
    pub what: Act,
    /// Why, in the words of whoever does it.
    pub reason: String,
    /// When, by their clock.
    pub issued: Timestamp,
}

impl Withdrawal {
    /// What is signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        sorted(self).unwrap_or_default().to_string().into_bytes()
    }

    /// Signs it.
    pub fn signed(&self, key: &dyn Signer) -> Result<Envelope, KeyError> {
        Envelope::sign(PayloadType::Withdrawal, self.to_bytes(), key)
    }

    /// Reads one that nobody has checked yet.
    pub fn read(envelope: &Envelope) -> Result<Self, TrustError> {
        let read: Self = document(envelope)?;
        read.check()?;
        Ok(read)
    }

    /// Fails where nobody should sign it: it has no reason, or could cover nothing.
    pub fn check(&self) -> Result<(), TrustError> {
        reasoned(&self.reason)?;
        match &self.what {
            Act::Yank { target } | Act::Quarantine { target } => target.means_something(),
            Act::Lift { .. } => Ok(()),
        }
    }
}

/// Leave to run a release below the floor (a downgrade): the payload of a [`PayloadType::Override`] envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Override {
    /// Digest of the release's component.
    pub component: Digest,
    /// Digest of its manifest.
    pub manifest: Digest,
    /// Why.
    pub reason: String,
    /// When it was given.
    pub issued: Timestamp,
    /// Until when it holds.
    pub expires: Timestamp,
}

impl Override {
    /// What is signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        sorted(self).unwrap_or_default().to_string().into_bytes()
    }

    /// Signs it.
    pub fn signed(&self, key: &dyn Signer) -> Result<Envelope, KeyError> {
        Envelope::sign(PayloadType::Override, self.to_bytes(), key)
    }

    /// Reads one that nobody has checked yet.
    pub fn read(envelope: &Envelope) -> Result<Self, TrustError> {
        let read: Self = document(envelope)?;
        read.check()?;
        Ok(read)
    }

    /// Fails where nobody should sign it: it has no reason.
    pub fn check(&self) -> Result<(), TrustError> {
        reasoned(&self.reason)
    }

    /// Fails where it holds for longer than anybody takes it, whichever way it comes. What was taken before is not judged by this.
    pub fn check_span(&self) -> Result<(), TrustError> {
        let most = i64::from(MOST_DAYS) * 86_400_000;
        match self.expires.0.saturating_sub(self.issued.0) > most {
            true => Err(TrustError::Unreadable(format!(
                "an override holds for at most {MOST_DAYS} days; have it signed for less"
            ))),
            false => Ok(()),
        }
    }

    /// Which release it is about.
    pub fn release(&self) -> ReleaseId {
        ReleaseId { component: self.component, manifest: self.manifest }
    }
}

fn document<T: DeserializeOwned>(envelope: &Envelope) -> Result<T, TrustError> {
    serde_json::from_slice(envelope.unverified()).map_err(|error| TrustError::Unreadable(plain(&error.to_string())))
}

fn reasoned(reason: &str) -> Result<(), TrustError> {
    let length = reason.chars().count();
    match reason.trim().is_empty() || length > MAX_REASON || plain(reason) != *reason {
        true => Err(TrustError::Unreadable(format!("it needs a reason of one line, 1 to {MAX_REASON} characters"))),
        false => Ok(()),
    }
}

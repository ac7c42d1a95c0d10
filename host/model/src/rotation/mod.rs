//! Rotation: what is rotated, in which acts, what became of each credential, and where that is kept (INT-5, INT-6, INT-8).
//!
//! Invariants: an act and each of its steps are stored before they are carried out, so that one that was cut off can go on; a line
//! says of every step whether it was confirmed; nothing in here is a secret.

mod policy;
mod window;

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use policy::{Due, LONGEST_OVERLAP, MOST_WINDOWS, OVERLAP, Policy, SHORTEST_AGE, Scope};
pub use window::{Window, WindowError};

use crate::{
    alert::OPERATOR_SIGNING,
    audit::Entry,
    connection::ConnectionKey,
    error::StoreError,
    freeze::{Extent, Freeze, Released, is_published_by},
    id::{InstallationId, PluginId, ProviderId, RotationId, TenantId},
    source::Source,
    time::Timestamp,
};

/// Families of what can be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// A credential for an upstream API.
    Connection,
    /// What a source of events signs with.
    Source,
    /// The tokens of the host's own that an installation's client holds.
    Tokens,
    /// What the host signs its webhooks to an installation's back end with.
    Backend,
    /// The keys by which an installation's client proves itself to the host.
    ClientKey,
    /// What the host signs with what it tells an endpoint of alerts: a tenant's, or the operator's.
    AlertEndpoint,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Connection, Self::Source, Self::Tokens, Self::Backend, Self::ClientKey, Self::AlertEndpoint];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Source => "source",
            Self::Tokens => "tokens",
            Self::Backend => "backend",
            Self::ClientKey => "client-key",
            Self::AlertEndpoint => "alert-endpoint",
        }
    }
}

/// One thing that can be rotated.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Item {
    /// Of which family.
    pub family: Family,
    /// Under whose name it is kept; see [`owner`](Self::owner).
    pub tenant: TenantId,
    /// Of which installation; absent for a source and an endpoint of alerts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationId>,
    /// Its name there.
    pub name: String,
}

impl Item {
    /// A connection's credential.
    pub fn connection(key: ConnectionKey) -> Self {
        Self { family: Family::Connection, tenant: key.tenant, installation: Some(key.installation), name: key.name }
    }

    /// Whose it is. None: the operator's own, whatever tenant is called as what it is kept under.
    pub fn owner(&self) -> Option<&TenantId> {
        let operators = self.family == Family::AlertEndpoint && self.name == OPERATOR_SIGNING;
        (!operators).then_some(&self.tenant)
    }

    /// The connection, if it is one.
    pub fn key(&self) -> Option<ConnectionKey> {
        match (self.family, &self.installation) {
            (Family::Connection, Some(installation)) => Some(ConnectionKey {
                tenant: self.tenant.clone(),
                installation: installation.clone(),
                name: self.name.clone(),
            }),
            _ => None,
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = self.family.name();
        match (&self.installation, self.owner()) {
            (Some(installation), _) => write!(f, "{family} {}/{installation}/{}", self.tenant, self.name),
            (None, Some(owner)) => write!(f, "{family} {owner}/{}", self.name),
            (None, None) => write!(f, "{family} {}", self.name),
        }
    }
}

/// Where a new one comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Renewal {
    /// From a person only: a static token, or a secret that somebody else must be told.
    Person,
    /// From a refresh token, which is revoked together with the old one.
    RefreshToken,
    /// By the host's own means: client credentials, an app's key, or because the host itself mints it.
    Own,
    /// Whoever holds it asks the host for a new one.
    Holder,
}

/// What is to be known of a credential, to rotate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Nature {
    /// Where a new one comes from.
    pub renewal: Renewal,
    /// A renewal ends the old one at once.
    pub renewal_ends_old: bool,
    /// A refresh token works once only, so that a renewal takes it from whoever else has it.
    pub refresh_once: bool,
    /// It can be revoked.
    pub revocable: bool,
}

/// A step on the way from an old credential to a new one. Each can be taken again after it was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Revoke all of it.
    Revoke,
    /// Revoke the old access token, after a new pair has taken its place.
    RevokeOld,
    /// Get a new one and take it into use.
    Mint,
    /// Take it out of use, and tell that a person must replace it.
    Person,
}

/// Something that can be rotated, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Held {
    /// Which.
    #[serde(flatten)]
    pub item: Item,
    /// Of which plugin; absent for a source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginId>,
    /// From which provider; absent where it was given by hand or is the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// Goes up with each new one.
    pub generation: u64,
    /// When the present one was issued; absent where nobody knows.
    pub issued: Option<Timestamp>,
    /// How it can be rotated.
    pub nature: Nature,
    /// Only a person can help it, already before it is rotated.
    pub needs_person: bool,
}

impl Held {
    /// Whether an act with this extent reaches it.
    pub fn is_in(&self, extent: &Extent) -> bool {
        match extent {
            Extent::All => true,
            Extent::Tenant(tenant) => self.item.owner() == Some(tenant),
            Extent::Provider(provider) => self.provider.as_ref() == Some(provider),
            Extent::Publisher(publisher) => {
                self.plugin.as_ref().is_some_and(|plugin| is_published_by(plugin, publisher))
            }
            Extent::Plugin(plugin) => self.plugin.as_ref() == Some(plugin),
            Extent::Installation(installation) => self.item.installation.as_ref() == Some(installation),
            Extent::Connection(key) => self.item.key().as_ref() == Some(key),
        }
    }
}

/// How an act goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// After a breach: frozen, revoked, minted anew, resumed.
    Emergency,
    /// In good order: minted anew, with overlap, while everything goes on.
    Planned,
    /// An emergency act that changes nothing.
    Rehearsal,
}

/// One act of rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Act {
    /// Its id.
    pub id: RotationId,
    /// How.
    pub mode: Mode,
    /// What it reaches.
    pub extent: Extent,
    /// Why, in a person's words.
    pub reason: String,
    /// Who did it.
    pub by: String,
    /// When it began.
    pub started: Timestamp,
    /// The freeze that goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<u64>,
    /// When it was known that nothing in the extent goes out any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Reached>,
    /// How long an old secret goes on beside a new one, in seconds; 0 in an emergency.
    #[serde(default)]
    pub overlap: u64,
    /// Whether its lines are complete: what is in the extent was listed.
    pub listed: bool,
    /// When it came to its end; what failed is in the lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// That a freeze holds everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reached {
    /// When.
    pub at: Timestamp,
    /// Whether a host was running; without one nothing was under way.
    pub host_runs: bool,
    /// Requests that were under way and were ended.
    pub ended: u64,
    /// Requests that had not ended when the host last looked.
    pub left: u64,
}

/// What became of the old credential where it was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Revocation {
    /// Not tried, or not yet.
    Not,
    /// The issuer confirmed it.
    Confirmed,
    /// The new one took its place: the issuer ends the old one at a renewal.
    Replaced,
    /// The issuer has no such call: somebody must revoke it by hand, or it lives until it ends.
    NotOffered,
    /// The issuer refuses it, or could not be asked.
    Failed,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Its turn has not come, or it was cut off.
    Open,
    /// A new one is in use.
    Renewed,
    /// It is gone, and nothing takes its place: the host's own tokens, which clients ask for anew.
    Ended,
    /// Only a person's consent, or a new secret from a person, helps. It is not used any more.
    PersonNeeded,
    /// A person must replace it; until then it goes on as it was.
    LeftAsItWas,
    /// The issuer could not be asked: it stays frozen until the act goes on.
    Failed,
    /// It was not there any more when its turn came.
    Gone,
}

/// What became of one item in an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// Which.
    #[serde(flatten)]
    pub item: Item,
    /// Of which plugin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginId>,
    /// From which provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// How it can be rotated, as it was when the act began.
    pub nature: Nature,
    /// The generation that is to be replaced.
    pub old_generation: u64,
    /// The one in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_generation: Option<u64>,
    /// The steps that are not known to be done.
    pub left: Vec<Step>,
    /// What became of the old one.
    pub revocation: Revocation,
    /// What became of it.
    pub outcome: Outcome,
    /// Tries of all steps together.
    pub tries: u32,
    /// When its first step began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it had its outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// What went wrong, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Line {
    /// A line whose turn has not come, with the steps that are before it.
    pub fn new(held: &Held, left: Vec<Step>) -> Self {
        Self {
            item: held.item.clone(),
            plugin: held.plugin.clone(),
            provider: held.provider.clone(),
            nature: held.nature,
            old_generation: held.generation,
            new_generation: None,
            left,
            revocation: Revocation::Not,
            outcome: Outcome::Open,
            tries: 0,
            started: None,
            ended: None,
            why: None,
        }
    }

    /// Whether it is to be looked at when the act goes on.
    pub fn is_open(&self) -> bool {
        matches!(self.outcome, Outcome::Open | Outcome::Failed)
    }
}

/// How a source's secrets stand. All of it is absent for a source whose secret was never rotated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceKeys {
    /// Goes up with each new secret; 0 for the one that the source was registered with.
    pub generation: u64,
    /// When the newest was stored.
    pub issued: Option<Timestamp>,
    /// A newer secret is accepted beside the present one until then, and alone from then on.
    pub promote_at: Option<Timestamp>,
    /// Since when none is accepted: it was revoked, and a person must rotate it.
    pub revoked: Option<Timestamp>,
}

/// Which of a source's secrets are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The present one.
    pub current: bool,
    /// The one that is to take its place.
    pub next: bool,
}

impl SourceKeys {
    /// Which secrets are accepted now.
    pub fn accepted(&self, now: Timestamp) -> Accepted {
        match (self.revoked, self.promote_at) {
            (Some(_), _) => Accepted { current: false, next: false },
            (None, None) => Accepted { current: true, next: false },
            (None, Some(at)) => Accepted { current: now < at, next: true },
        }
    }
}

/// Where acts and policies are kept.
#[async_trait]
pub trait RotationStore: Send + Sync {
    /// All policies.
    async fn policies(&self) -> Result<Vec<(Scope, Policy)>, StoreError>;

    /// Puts another one, or none, in the place of this one, or of none. False, and nothing is done, where it is not this one any more.
    async fn put_policy(
        &self,
        scope: Scope,
        before: Option<Policy>,
        policy: Option<Policy>,
        entry: Entry,
    ) -> Result<bool, StoreError>;

    /// Begins an act, together with its freeze where it has one. Gives the freeze's number.
    async fn begin_act(&self, act: Act, freeze: Option<Freeze>, entries: Vec<Entry>)
    -> Result<Option<u64>, StoreError>;

    /// Writes what is known of an act anew, and adds lines to it.
    async fn put_act(&self, act: Act, lines: Vec<Line>) -> Result<(), StoreError>;

    /// Writes a line anew, with what its freeze releases for it.
    async fn put_line(
        &self,
        act: &RotationId,
        line: Line,
        released: Vec<Released>,
        entries: Vec<Entry>,
    ) -> Result<(), StoreError>;

    /// Ends an act: all freezes that belong to it are lifted, and those take their place that hold what failed.
    async fn end_act(&self, act: Act, still: Vec<Freeze>, entries: Vec<Entry>) -> Result<(), StoreError>;

    /// All acts, oldest first.
    async fn acts(&self) -> Result<Vec<Act>, StoreError>;

    /// The lines of an act, in the order of their items.
    async fn lines(&self, act: &RotationId) -> Result<Vec<Line>, StoreError>;

    /// What became of an item, in at most so many acts, the latest first, before this one.
    async fn turned(
        &self,
        item: &Item,
        before: Option<&RotationId>,
        most: usize,
    ) -> Result<Vec<(Act, Line)>, StoreError> {
        let (mut all, mut found) = (self.acts().await?, Vec::new());
        if let Some(at) = before.and_then(|id| all.iter().position(|act| act.id == *id)) {
            all.truncate(at);
        }
        while let Some(act) = all.pop().filter(|_| found.len() < most) {
            let line = self.lines(&act.id).await?.into_iter().find(|line| line.item == *item);
            found.extend(line.map(|line| (act, line)));
        }
        Ok(found)
    }

    /// Notes that a person was told that this generation of an item must be replaced. False where that was noted before.
    async fn note_needed(&self, item: &Item, generation: u64, entry: Entry) -> Result<bool, StoreError>;

    /// Writes how a source's secrets stand. False, and nothing is written, where its tenant has none of this name any more.
    async fn put_source_keys(&self, source: &Source, keys: SourceKeys, entries: Vec<Entry>)
    -> Result<bool, StoreError>;
}

//! People, what they were made to be, and where.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    audit::Actor,
    id::{Digest, InvitationId, PersonId, RoleName, SupportId, TenantId},
    time::Timestamp,
};

/// How an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonState {
    /// Can sign in.
    Active,
    /// Cannot, until somebody says otherwise.
    Suspended,
    /// Never again. What the log says of the person stays.
    Removed,
}

/// A person with an account of their own (ACC-1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Person {
    /// Which.
    pub id: PersonId,
    /// The address that the person was invited by, in lower case: one account each.
    pub email: String,
    /// What the person is called. At most 100 characters.
    pub name: String,
    /// How the account stands.
    pub state: PersonState,
    /// Who this is at the tenant's own provider, where the account came from there: the tenant, and the provider's `sub`.
    pub subject: Option<(TenantId, String)>,
    /// Since when.
    pub created: Timestamp,
    /// Digests of the devices that the person has signed in from.
    pub devices: BTreeSet<Digest>,
    /// Goes up with each change.
    pub version: u64,
}

/// A role that a person holds somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Membership {
    /// Who.
    pub person: PersonId,
    /// Where; `None`: in the platform itself.
    pub tenant: Option<TenantId>,
    /// Which role; one a person and place.
    pub role: RoleName,
    /// By whom.
    pub by: Actor,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None`: until it is taken away.
    pub until: Option<Timestamp>,
    /// May sign in natively although the tenant has single sign-on: for the day on which the provider fails.
    #[serde(default)]
    pub break_glass: bool,
    /// When it was taken away.
    pub ended: Option<Timestamp>,
    /// Goes up with each change.
    pub version: u64,
}

impl Membership {
    /// Whether it holds at that time.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.until.is_none_or(|until| now < until)
    }
}

/// The roles that every tenant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BuiltIn {
    /// Everything in its tenant, people's rights included.
    Owner,
    /// The daily work: plugins, connections, incidents. Not who may do what.
    Admin,
    /// Looks at releases and says how much they may do.
    Reviewer,
    /// Sees how plugins fare.
    Developer,
    /// Sees everything, exports the log, changes nothing.
    Auditor,
    /// The platform's support: only where a tenant lets it in (ACC-6).
    Support,
}

impl BuiltIn {
    /// All of them, the widest first.
    pub const ALL: [Self; 6] =
        [Self::Owner, Self::Admin, Self::Reviewer, Self::Developer, Self::Auditor, Self::Support];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Reviewer => "reviewer",
            Self::Developer => "developer",
            Self::Auditor => "auditor",
            Self::Support => "support",
        }
    }

    /// The one of this name.
    pub fn of(role: &RoleName) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == role.as_str())
    }
}

/// One line of a tenant's own role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// Whether it forbids; otherwise it permits. What is forbidden stays so, whatever another line permits.
    #[serde(default)]
    pub forbid: bool,
    /// Names of actions.
    pub actions: BTreeSet<String>,
    /// On which resources, each as `kind:id`; empty: on all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub only: BTreeSet<String>,
}

/// A role of a tenant's own (ACC-1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Role {
    /// Whose.
    pub tenant: TenantId,
    /// What it is called. Not as one that is built in.
    pub name: RoleName,
    /// What it is for, in a sentence.
    pub says: String,
    /// What it may do.
    pub rules: Vec<Rule>,
    /// Who wrote it last.
    pub by: Actor,
    /// Whether it was removed.
    #[serde(default)]
    pub removed: bool,
    /// Goes up with each change.
    pub version: u64,
}

/// A link by which somebody gets an account. Good once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Invitation {
    /// Which.
    pub id: InvitationId,
    /// For whom.
    pub email: String,
    /// What the person is called.
    pub name: String,
    /// Where to; `None`: the platform itself.
    pub tenant: Option<TenantId>,
    /// As what.
    pub role: RoleName,
    /// Until when the role is held.
    pub role_until: Option<Timestamp>,
    /// Whether the person may sign in natively although the tenant has single sign-on.
    #[serde(default)]
    pub break_glass: bool,
    /// For an account that is there already, and gets another way in.
    pub person: Option<PersonId>,
    /// By whom.
    pub by: Actor,
    /// Of the link's last part.
    pub link: Digest,
    /// Since when.
    pub created: Timestamp,
    /// Until when it can be used.
    pub expires: Timestamp,
    /// When it was used or taken back.
    pub ended: Option<Timestamp>,
    /// Goes up with each change.
    pub version: u64,
}

/// A tenant lets the platform's support in, for a time (ACC-6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SupportGrant {
    /// Which.
    pub id: SupportId,
    /// Whose data.
    pub tenant: TenantId,
    /// Whether it may change anything; otherwise it only looks.
    pub may_change: bool,
    /// What for.
    pub reason: String,
    /// By whom.
    pub by: Actor,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// When it was ended before its time.
    pub ended: Option<Timestamp>,
    /// Goes up with each change.
    pub version: u64,
}

impl SupportGrant {
    /// Whether it holds at that time.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.since <= now && now < self.until
    }
}

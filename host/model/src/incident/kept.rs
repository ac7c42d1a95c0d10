//! What is kept of an incident.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Subject;
use crate::{
    alert::{AlertId, AlertSeverity},
    duty::Party,
    freeze::Extent,
    id::{IncidentId, InstallationId, ReportId, TenantId},
    rotation::Reached,
    time::Timestamp,
};

/// The longest title, in characters.
pub const LONGEST_TITLE: usize = 120;
/// The most notes of an incident.
pub const MOST_NOTES: usize = 500;
/// The most that is kept of who was told, of an incident.
pub const MOST_TOLD: usize = 5_000;

/// What somebody opened it from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// An alert.
    Alert(AlertId),
    /// A report of misbehaviour.
    Report(ReportId),
    /// What somebody saw or was told.
    Hand,
}

impl Origin {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Alert(id) => format!("alert {id}"),
            Self::Report(id) => format!("report {id}"),
            Self::Hand => "by hand".to_owned(),
        }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Somebody works on it.
    Open,
    /// The same, and its subject does nothing any more.
    Contained,
    /// It is through.
    Closed,
}

impl State {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Contained => "contained",
            Self::Closed => "closed",
        }
    }
}

/// Somebody who must be told of it, as the table of the duties has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Telling {
    /// What it is called, such as `authority`.
    pub key: String,
    /// Whom to tell, and what, in words.
    pub whom: String,
    /// Who must tell them.
    pub by: Party,
    /// Until when; absent where the rule has no number of hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// By which rule, and when it applies.
    pub rule: String,
    /// Each of these tenants is told, or tells, by itself; none: it is one telling.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantId>,
    /// Who said that they were told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Told>,
}

impl Telling {
    /// Of which tenants it is not done. None where it is done; where it is not any tenant's, one `None`.
    pub fn open(&self) -> Vec<Option<&TenantId>> {
        if self.told.iter().any(|one| one.tenant.is_none()) {
            return Vec::new();
        }
        if self.tenants.is_empty() {
            return vec![None];
        }
        let told: BTreeSet<_> = self.told.iter().filter_map(|one| one.tenant.as_ref()).collect();
        self.tenants.iter().filter(|tenant| !told.contains(tenant)).map(Some).collect()
    }

    /// Whether its time is over, and it is not done.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due < now) && !self.open().is_empty()
    }
}

/// That somebody was told, as a person says by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Told {
    /// Who says so.
    pub by: String,
    /// When they were told.
    pub at: Timestamp,
    /// Who was told, and how: a person, an address, the number of a case.
    pub to: String,
    /// Of which tenant; absent: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
}

/// What somebody found or did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Note {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// When the running host was seen to hold to a containment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reach {
    /// When.
    pub at: Timestamp,
    /// Where that stands in the log.
    pub log_index: u64,
    /// Whether a host was running; without one nothing was under way.
    pub host_runs: bool,
    /// Calls and visits that were under way and were ended.
    pub calls_ended: u64,
    /// Those that had not ended when it was last looked.
    pub calls_left: u64,
}

/// How its subject was contained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Containment {
    /// Since when: the time of the entry that it begins with.
    pub at: Timestamp,
    /// Where that stands in the log.
    pub log_index: u64,
    /// Who ordered it.
    pub by: String,
    /// Whether that was whoever runs the host: then nobody else lifts it.
    #[serde(default)]
    pub platform: bool,
    /// Whether a running host goes on with it by itself, because whoever ordered it does not wait.
    #[serde(default)]
    pub left_to_host: bool,
    /// Installations that were suspended by it.
    pub suspended: u64,
    /// Installations that it reaches and that were suspended before.
    pub already: u64,
    /// The freezes that it made, by their numbers.
    pub freezes: Vec<(u64, Extent)>,
    /// What is revoked and rotated: an act of rotation each.
    pub rotates: Vec<Extent>,
    /// The installations that hold a credential of the provider that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<InstallationId>,
    /// When nothing of it ran any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// When nothing of it went out any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<Reached>,
    /// When it was through, credentials and all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Timestamp>,
    /// Since when a running host does not go on with it by itself any more: something in it failed, and a person must look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<Timestamp>,
    /// Since when it holds nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Note>,
}

impl Containment {
    /// From its entry to when nothing ran and nothing went out, in milliseconds; absent where nobody has said so.
    pub fn took_ms(&self) -> Option<u64> {
        let (reach, egress) = (self.reach?, self.egress);
        let egress = if self.freezes.is_empty() { self.at } else { egress?.at };
        Some(u64::try_from(reach.at.max(egress).0 - self.at.0).unwrap_or(0))
    }

    /// Whether it is known that nothing of it runs or goes out.
    pub fn is_reached(&self) -> bool {
        self.took_ms().is_some()
            && self.reach.is_some_and(|reach| reach.calls_left == 0)
            && self.egress.is_none_or(|egress| egress.left == 0)
    }

    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.lifted.is_none()
    }
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Closing {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// What the cause was.
    pub cause: String,
    /// What prevents another.
    pub prevention: String,
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// In a few words.
    pub title: String,
    /// How bad it is.
    pub severity: AlertSeverity,
    /// What it reaches.
    pub subject: Subject,
    /// What it was opened from.
    pub origin: Origin,
    /// Whether personal data may be concerned.
    pub personal_data: bool,
    /// When it was opened: from then on times count.
    pub opened: Timestamp,
    /// By whom.
    pub by: String,
    /// Who must be told, by when.
    pub tell: Vec<Telling>,
    /// What was found and done.
    #[serde(default)]
    pub notes: Vec<Note>,
    /// How it was contained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containment: Option<Containment>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closing>,
    /// What was told of it on the status page, by the name that it has there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced: Option<String>,
    /// Goes up with each change.
    pub revision: u64,
}

impl Incident {
    /// How far it is.
    pub fn state(&self) -> State {
        match (&self.closed, &self.containment) {
            (Some(_), _) => State::Closed,
            (None, Some(containment)) if containment.holds() => State::Contained,
            _ => State::Open,
        }
    }

    /// As an entry's resource names it.
    pub fn resource(&self) -> String {
        format!("incident:{}", self.id)
    }
}

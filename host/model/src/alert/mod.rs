//! Alerts: what of the audit log a person should look at (MON-4), and what became of it.
//!
//! A rule, applied to an entry, gives a [`Hit`]. Hits of one rule about one subject within the rule's cool-down are one [`Alert`]. A
//! [`Mute`] keeps a rule quiet about an installation or a tenant until a day; what it hides is counted.
//!
//! Types and ports only: rules are in the detect crate, rows in the store.
//!
//! Invariants: an alert names the entries that it came of, and holds no personal value and nothing that somebody wrote: what a person
//! said about it stands in the entry of that act, and is read from there; a mute has an end.

mod endpoint;
mod ports;

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

pub use endpoint::{Endpoint, Notification, OPERATOR_SIGNING, SIGNING};
pub use ports::{AlertOutbox, AlertPost, AlertSettled, Alerts, ChangeError, Posted, SignAlerts, Trial};

use crate::{
    id::{InstallationId, TenantId},
    time::Timestamp,
};

/// The most entries that one alert names: the first half of them and the newest half. Those in between are counted.
pub const MOST_ENTRIES: usize = 50;

/// What an id begins with.
const PREFIX: &str = "alr_";

/// Which alert: `alr_12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AlertId(pub u64);

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl FromStr for AlertId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix(PREFIX).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let number = number.and_then(|digits| digits.parse().ok()).map(Self);
        number.ok_or_else(|| format!("'{}' is no alert; expected one such as alr_12", crate::audit::plain(text)))
    }
}

impl From<AlertId> for String {
    fn from(id: AlertId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for AlertId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// How soon somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertSeverity {
    /// When there is time.
    Low,
    /// This week.
    Medium,
    /// Today.
    High,
    /// Now.
    Critical,
}

impl AlertSeverity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl FromStr for AlertSeverity {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Low, Self::Medium, Self::High, Self::Critical];
        let known = all.into_iter().find(|one| one.name() == text);
        known.ok_or_else(|| "expected low, medium, high or critical".to_owned())
    }
}

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// Whoever runs the host.
    Platform,
    /// The tenant's admin.
    Subscriber,
    /// Whoever wrote the plugin.
    Developer,
}

impl Party {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Subscriber => "subscriber",
            Self::Developer => "developer",
        }
    }
}

/// A rule applied to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// By which rule.
    pub rule: String,
    /// What the rule is called.
    pub title: String,
    /// How soon somebody should look.
    pub severity: AlertSeverity,
    /// Who must act.
    pub party: Party,
    /// About what, by ids alone, such as `acme/ins_1`: what hits are gathered by.
    pub subject: String,
    /// In whose data; absent for the host's own.
    pub tenant: Option<TenantId>,
    /// About which installation.
    pub installation: Option<InstallationId>,
    /// What was found, in words. No personal value.
    pub why: String,
    /// Of which entries, by their indices.
    pub entries: Vec<u64>,
    /// When the last of them was written.
    pub time: Timestamp,
    /// For how long after the first hit others go into the same alert.
    pub cool_down: Duration,
    /// Whether what was found is a thing of its own each time, such as another destination, rather than more of the same: it is told
    /// even where the alert that it goes into is open.
    pub is_news: bool,
}

/// What became of an alert by people's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertState {
    /// Nobody has looked at it.
    Open,
    /// Somebody looks at it.
    Acknowledged,
    /// It is done with.
    Closed,
}

impl AlertState {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
        }
    }
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Alert {
    /// Which.
    pub id: AlertId,
    /// By which rule.
    pub rule: String,
    /// What the rule was called then.
    pub title: String,
    /// How soon somebody should look.
    pub severity: AlertSeverity,
    /// Who must act.
    pub party: Party,
    /// About what.
    pub subject: String,
    /// In whose data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// About which installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationId>,
    /// What the hits found: the first of it, and then what else, without repetitions. Of much, the first and the newest.
    pub why: String,
    /// The entries behind it, at most [`MOST_ENTRIES`]: the first and the newest.
    pub entries: Vec<u64>,
    /// When the first hit was.
    pub first: Timestamp,
    /// When the last one was.
    pub last: Timestamp,
    /// How many hits.
    pub count: u64,
    /// What became of it.
    pub state: AlertState,
    /// The entry of the last change that a person made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<u64>,
    /// What keeps it quiet at the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted: Option<Mute>,
}

impl Alert {
    /// Its state in a word: `muted` while a mute holds, unless it is closed.
    pub fn standing(&self) -> &'static str {
        if self.muted.is_some() && self.state != AlertState::Closed { "muted" } else { self.state.name() }
    }
}

/// A rule that is kept quiet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mute {
    /// Which rule.
    pub rule: String,
    /// In which tenant; absent: about what is no tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// About which installation; absent: about all of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationId>,
    /// Until when. Then it is over by itself.
    pub until: Timestamp,
    /// Who and why, as the entry says that it was made by; absent where that was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The entry that says so.
    pub entry: u64,
    /// How many hits it hid.
    pub hidden: u64,
    /// The entry of the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_last: Option<u64>,
}

/// What a mute is about: one rule, and one installation or a whole tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MuteScope {
    /// Which rule.
    pub rule: String,
    /// In which tenant; none for what is no tenant's.
    pub tenant: Option<TenantId>,
    /// About which installation; none: all of the tenant.
    pub installation: Option<InstallationId>,
}

/// A rule that does not alert about a subject yet, because it learns what is usual there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Learning {
    /// Which rule.
    pub rule: String,
    /// About what.
    pub subject: String,
    /// Until when.
    pub until: Timestamp,
}

/// Which alerts are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertQuery {
    /// Those that are closed as well.
    pub closed: bool,
    /// Of this tenant.
    pub tenant: Option<TenantId>,
    /// About this installation.
    pub installation: Option<InstallationId>,
    /// By this rule.
    pub rule: Option<String>,
    /// Older than this one: where the next page begins.
    pub before: Option<AlertId>,
    /// At most so many.
    pub most: usize,
}

/// What there is to see: alerts, the newest first, and what keeps others from being there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AlertList {
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// Where the next page begins; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<AlertId>,
    /// The mutes that hold.
    pub mutes: Vec<Mute>,
    /// What is being learnt, the first hundred.
    pub learning: Vec<Learning>,
    /// How much of that there is in all.
    pub learning_count: u64,
    /// Up to before which entry the log was looked at.
    pub looked_at: u64,
    /// How many entries there are.
    pub written: u64,
}

/// A change that a person makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertChange {
    /// Somebody looks at it.
    Acknowledge,
    /// It is done with.
    Close,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_what_it_prints_and_nothing_else() {
        assert_eq!("alr_12".parse(), Ok(AlertId(12)));
        assert_eq!(AlertId(12).to_string(), "alr_12");
        for bad in ["", "12", "alr_", "alr_+1", "alr_-1", "alr_1 ", "alr_99999999999999999999", "ALR_1"] {
            assert!(bad.parse::<AlertId>().is_err(), "{bad}");
        }
    }
}

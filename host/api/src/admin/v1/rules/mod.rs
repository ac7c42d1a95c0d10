//! Rules: what the log is held against, and what raises an alert (MON-4).
//!
//! Invariants: a rule that comes with the host is everybody's; what the operator's own look for, and where their files lie, is for nobody
//! else; nothing is written here but that somebody read the log: a rule is a file of the home, and a host takes it when it starts.

mod get;
mod list;
#[cfg(test)]
mod tests;
mod try_out;

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{audit::Recorder, error::StoreError, time::Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    admin::{Call, Group, Operation, unavailable},
    problem::Problem,
};

/// A rule that is tried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The one of this id.
    Known(String),
    /// One that lies nowhere, as its file would have it.
    Text(String),
}

/// Of when is shown what a rule finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Within {
    /// Not older than this.
    pub from: Option<Timestamp>,
    /// Older than this.
    pub to: Option<Timestamp>,
}

impl Within {
    /// Whether this lies within.
    pub fn has(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
    }
}

/// What a rule found in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RuleTried)]
pub struct Tried {
    /// The rule's id.
    pub rule: String,
    /// How many entries were read: all of them.
    pub entries: u64,
    /// How many it is about.
    pub about: u64,
    /// How often it would have raised something within the span.
    pub hits: u64,
    /// The first 50 of these.
    pub shown: Vec<Raised>,
}

/// What a rule would have raised an alert for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RuleHit)]
pub struct Raised {
    /// About what, by ids alone.
    pub subject: String,
    /// What was found, in words.
    pub found: String,
    /// Of which entries, by their indices.
    pub entries: Vec<u64>,
    /// When the last of them was written.
    #[schema(format = DateTime)]
    pub time: String,
}

/// Why a rule was not tried out.
#[derive(Clone, Debug)]
pub enum NotTried {
    /// There is none of that id.
    Missing,
    /// What was said is no rule, for this reason.
    NoRule(String),
    /// Another one is being tried.
    Busy,
    /// The rules or the log cannot be read.
    Failed(StoreError),
}

/// Reads all rules.
#[async_trait]
pub trait Rulebook: Send + Sync {
    /// All of them, by their ids: those that come with the host, and the operator's own.
    ///
    /// # Errors
    /// A file of the operator's cannot be read, or is no rule.
    fn rules(&self) -> Result<Vec<RuleView>, StoreError>;

    /// Holds the whole log against a rule, and says what it finds of this time. Nothing is stored.
    ///
    /// # Errors
    /// See [`NotTried`].
    async fn try_out(&self, rule: Wanted, within: Within) -> Result<Tried, NotTried>;
}

/// What rules are read with.
pub struct Ports {
    /// Where they are.
    pub book: Arc<dyn Rulebook>,
    /// Where it is written that somebody read the log.
    pub recorder: Arc<dyn Recorder>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>().with::<get::Get>().with::<try_out::TryOut>()
}

/// What the operator's own are called for whoever sees nothing of the platform's own.
const NEUTRAL: &str = "A rule of the operator's own";

/// A rule, for people. Of the operator's own, whoever sees nothing of the platform's own is told id, severity, party and whether it is
/// applied, and nothing of what it looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = AlertRule)]
pub struct RuleView {
    /// What it is called by.
    pub id: String,
    /// What it finds, in a line.
    pub title: String,
    /// How soon somebody should look: `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// Who must act: `platform`, `subscriber` or `developer`.
    pub party: String,
    /// The duties that it serves.
    pub duties: Vec<String>,
    /// What to look at when it raises something.
    pub look_at: String,
    /// About which entries of the log.
    #[serde(rename = "where")]
    pub filter: String,
    /// When it raises something, in a word.
    pub condition: String,
    /// The same, in words.
    pub raises: String,
    /// For how many hours after the first hit others go into the same alert.
    pub cool_down_hours: u64,
    /// Whether it is applied.
    pub enabled: bool,
    /// Whether it is the operator's own, or in the place of one that comes with the host.
    pub own: bool,
    /// The operator's file: null where it comes with the host, and for whoever sees nothing of the platform's own.
    pub file: Option<String>,
    /// The digest of what it was read from.
    pub digest: String,
}

impl Ports {
    /// All rules, as whoever asks sees them.
    async fn shown<O: Operation>(&self, call: &Call<O>) -> Result<Vec<RuleView>, Problem> {
        let mut all = self.book.rules().map_err(|error| unavailable(&error))?;
        if !call.on_platform().await? {
            all.iter_mut().filter(|rule| rule.own).for_each(RuleView::veil);
        }
        Ok(all)
    }
}

impl RuleView {
    /// Takes away what can name other tenants, people and destinations.
    fn veil(&mut self) {
        let Self { id, severity, party, enabled, own, .. } = self.clone();
        *self = Self { id, severity, party, enabled, own, title: NEUTRAL.to_owned(), ..Self::default() };
    }
}

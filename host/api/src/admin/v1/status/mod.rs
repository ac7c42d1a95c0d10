//! What the status page tells of incidents and maintenance.
//!
//! Invariant: what is told here everybody reads: each telling is in the log, with whose words it is.

mod announce;
mod list;
mod resolve;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, plain},
    error::StoreError,
    incident::{ChangeError, Incident},
    people::Resource,
    time::{Rng, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    admin::{Group, unavailable, unknown},
    ops::Announced,
    problem::{Problem, Reason},
};

/// The longest title and the longest text, in characters.
pub(super) const TITLE: usize = 200;
pub(super) const TEXT: usize = 4_000;

/// Keeps what the status page tells.
#[async_trait]
pub trait Board: Send + Sync {
    /// What it tells: what is open, and what was over not long ago, the newest first.
    ///
    /// # Errors
    /// Storage.
    async fn told(&self) -> Result<Vec<Announced>, StoreError>;

    /// Tells this. False where something is told under its id already.
    ///
    /// # Errors
    /// Storage.
    async fn tell(&self, one: &Announced, by: Actor) -> Result<bool, StoreError>;

    /// Tells this of an incident, and writes on it that this was told, in one write.
    ///
    /// # Errors
    /// Storage; where the incident is another one by now, as whoever changes it is told.
    async fn tell_of(&self, one: &Announced, of: Incident, by: Actor) -> Result<(), ChangeError>;

    /// Tells that this is over. False where that was told before.
    ///
    /// # Errors
    /// Storage.
    async fn resolve(&self, one: &Announced, by: Actor) -> Result<bool, StoreError>;
}

/// What the status page is written with.
pub struct Ports {
    /// Where it is kept.
    pub board: Arc<dyn Board>,
    /// Randomness for ids.
    pub rng: Arc<dyn Rng>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>().with::<announce::Announce>().with::<resolve::Resolve>()
}

/// Which announcement.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// Its id.
    id: String,
}

/// What is told of.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = AnnouncementKind)]
pub enum What {
    /// Something does not work.
    Incident,
    /// Something will not work for a while.
    Maintenance,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Maintenance => "maintenance",
        }
    }
}

/// What is told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Announcement)]
pub struct View {
    /// Its id.
    id: String,
    /// What of: `incident` or `maintenance`.
    kind: String,
    /// In a few words.
    title: String,
    /// In more.
    text: String,
    /// Since when, or from when on.
    #[schema(format = DateTime)]
    since: String,
    /// Until when it will last, where that is known.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// When it was over; null while it is not.
    #[schema(format = DateTime)]
    resolved: Option<String>,
}

impl From<&Announced> for View {
    fn from(one: &Announced) -> Self {
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            id: one.id.clone(),
            kind: one.kind.clone(),
            title: one.title.clone(),
            text: one.text.clone(),
            since: one.since.to_string(),
            until: text(one.until),
            resolved: text(one.resolved),
        }
    }
}

/// What is told now, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnnouncementTold)]
pub struct Told {
    /// Whether this was a rehearsal: nothing was told then.
    dry_run: bool,
    /// It.
    announcement: View,
}

impl Ports {
    async fn all(&self) -> Result<Vec<Announced>, Problem> {
        self.board.told().await.map_err(|error| unavailable(&error))
    }

    async fn find(&self, which: &Which) -> Result<Announced, Problem> {
        let found = self.all().await?.into_iter().find(|one| one.id == which.id);
        found.ok_or_else(|| unknown("Nothing is told under this id; see GET /admin/v1/status/announcements."))
    }
}

/// An id of 128 random bits: no two things are told under one.
pub(super) fn new_id(rng: &dyn Rng) -> String {
    let mut id = [0u8; 16];
    rng.fill(&mut id);
    hex::encode(id)
}

fn told_already() -> Problem {
    Problem::new(Reason::Conflict, "Something is told under its id already: send it once more.")
}

fn over_already() -> Problem {
    Problem::new(Reason::Conflict, "It was said before that this is over.")
}

pub(super) fn resource() -> Resource {
    Resource::of_platform("status")
}

/// A person's words as they stand on a page.
pub(super) fn words(name: &str, text: &str, least: usize, most: usize) -> Result<String, Problem> {
    let text = plain(text.trim());
    match (least..=most).contains(&text.chars().count()) {
        true => Ok(text),
        false => Err(Problem::new(Reason::WrongBody, format!("{name}: expected {least} to {most} characters."))),
    }
}

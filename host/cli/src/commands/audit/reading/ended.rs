//! How something that was in the log came to its end: when, by whom and why.

use anyhow::{Context as _, Result};
use portcullis_model::{
    audit::{Actor, reader::Shown},
    time::Timestamp,
};
use serde::Serialize;

/// The end of a value or of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// The entry that says so.
    pub entry: u64,
    /// When.
    pub time: Timestamp,
    /// By whom.
    pub by: String,
    /// Why: a reason, or the policy.
    pub why: String,
}

/// What the entry of that index says, which is one of these.
pub fn ended(ends: &[Shown], by: u64) -> Result<Ended> {
    let found = ends.iter().find(|shown| shown.index == by);
    let entry = found.and_then(|shown| shown.entry.as_ref()).with_context(|| format!("entry {by} cannot be read"))?;
    let why = entry.text("reason").or(entry.text("policy")).unwrap_or_default().to_owned();
    Ok(Ended { entry: by, time: entry.time, by: who(&entry.actor), why })
}

/// An actor in a few words.
pub fn who(actor: &Actor) -> String {
    match actor {
        Actor::Host => "host".to_owned(),
        Actor::Person { name } | Actor::Account { name, .. } => format!("person {name}"),
        Actor::Automation { client } => client.to_string(),
        Actor::Source { name } => format!("source {name}"),
        Actor::Client { client, .. } => client.to_string(),
        Actor::Plugin { plugin, .. } => plugin.to_string(),
    }
}

impl Ended {
    /// In a line.
    pub fn words(&self) -> String {
        format!("as entry {} says: {}, by {}, {}", self.entry, self.time, self.by, self.why)
    }
}

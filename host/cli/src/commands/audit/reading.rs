//! An entry as people read it: with what was erased of it or disposed of, when, by whom and why.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use portcullis_model::{
    audit::{Actor, Entry},
    time::Timestamp,
};
use portcullis_store::{SqliteStore, StoredEntry};
use serde::Serialize;

/// The end of something that was in the log.
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

/// An entry, and what is not there any more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// Its index.
    pub index: u64,
    /// The entry; None where it was disposed of.
    pub entry: Option<Entry>,
    /// Its fields whose values were erased.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub erased: BTreeMap<String, Ended>,
    /// How it was disposed of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposed: Option<Ended>,
}

/// Reads an entry that was found in the store.
pub async fn read(store: &SqliteStore, stored: &StoredEntry) -> Result<Reading> {
    let mut reading = Reading { index: stored.index, entry: None, erased: BTreeMap::new(), disposed: None };
    match stored.disposed {
        Some(by) => reading.disposed = Some(ended(store, by).await?),
        None => reading.entry = Some(stored.read().with_context(|| format!("entry {} cannot be read", stored.index))?),
    }
    for (field, by) in &stored.erased {
        reading.erased.insert(field.clone(), ended(store, *by).await?);
    }
    Ok(reading)
}

async fn ended(store: &SqliteStore, by: u64) -> Result<Ended> {
    let stored = store.entries(by, 1).await?;
    let stored = stored.first().with_context(|| format!("entry {by} is missing from the database"))?;
    let entry = stored.read().with_context(|| format!("entry {by} cannot be read"))?;
    let why = entry.text("reason").or(entry.text("policy")).unwrap_or_default().to_owned();
    Ok(Ended { entry: by, time: entry.time, by: who(&entry.actor), why })
}

/// An actor in a few words.
pub fn who(actor: &Actor) -> String {
    match actor {
        Actor::Host => "host".to_owned(),
        Actor::Person { name } => format!("person {name}"),
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

impl Reading {
    /// In a line, and one more for each field that was erased.
    pub fn words(&self) -> String {
        let Some(entry) = &self.entry else {
            let how = self.disposed.as_ref().map(Ended::words).unwrap_or_default();
            return format!("{:>7} disposed of, {how}", self.index);
        };
        let detail: Vec<String> = entry.detail.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let resource = entry.resource.as_deref().unwrap_or("-");
        let (kind, actor) = (entry.kind.name(), who(&entry.actor));
        let mut words = format!("{:>7} {} {kind:16} {actor} {resource} {}", self.index, entry.time, detail.join(" "));
        for (field, how) in &self.erased {
            words.push_str(&format!("\n        {field} was erased, {}", how.words()));
        }
        words
    }
}

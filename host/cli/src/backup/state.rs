//! How old the newest backup and the newest test of one are (INC-5).

use std::time::Duration;

use anyhow::Result;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    time::Timestamp,
};
use portcullis_store::{Newest, SqliteStore};
use serde::Serialize;
use serde_json::Value;

use crate::config::Backup;

/// The newest backup.
pub const BACKUP: &str = "backup";
/// The newest backup that was restored as a test, whole.
pub const TESTED: &str = "backup-test";
/// The restore that this host came from.
pub const RESTORED: &str = "restore";

/// How backups stand.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct State {
    /// The newest one.
    pub backup: Option<Seen>,
    /// The newest good test.
    pub tested: Option<Seen>,
    /// What is not as the configuration asks for; nothing, where all is.
    pub open: Vec<String>,
}

/// One act.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// How long ago, in whole hours.
    pub hours_ago: u64,
    /// The audit entry that says it.
    pub entry: u64,
    /// What it says.
    pub detail: Value,
}

/// How backups stand at a moment.
pub async fn state(store: &SqliteStore, config: &Backup, now: Timestamp) -> Result<State> {
    let seen = |newest: Option<Newest>| {
        newest.map(|one| Seen {
            at: one.at,
            hours_ago: now.distance(one.at).as_secs() / 3600,
            entry: one.entry,
            detail: serde_json::from_str(&one.body).unwrap_or_default(),
        })
    };
    let (backup, tested) = (seen(store.newest(BACKUP).await?), seen(store.newest(TESTED).await?));
    let mut open = Vec::new();
    let age = |seen: &Option<Seen>| seen.as_ref().map(|one| now.distance(one.at));
    match (age(&backup), config.every()) {
        (None, _) => open.push("no backup was ever made: see 'portcullis backup --help'".to_owned()),
        // One that is just being made is not late yet.
        (Some(age), Some(every)) if age > every.saturating_add(every / 4).max(every + Duration::from_secs(3600)) => {
            open.push(format!("the newest backup is {} hours old", age.as_secs() / 3600));
        }
        _ => {}
    }
    match age(&tested) {
        None => open.push("no backup was ever restored as a test: 'portcullis restore FILE --identity KEY --test'".into()),
        Some(age) if age > config.test_within() => open.push(format!(
            "the last backup that was restored as a test was {} days ago: 'portcullis restore FILE --identity KEY --test'",
            age.as_secs() / 86_400
        )),
        Some(_) => {}
    }
    Ok(State { backup, tested, open })
}

/// Says in the audit log how a test ended. A good one is the newest from now on.
pub async fn record_test(
    store: &SqliteStore,
    now: Timestamp,
    actor: Actor,
    outcome: &Result<Value>,
    file: &str,
) -> Result<()> {
    let entry = Entry::new(now, Kind::BackupTested, actor, None).with("file", file);
    match outcome {
        Ok(found) if found["unopened"].as_u64().is_some_and(|many| many > 0) => {
            use portcullis_model::audit::Recorder as _;
            let problem = "stored credentials do not open with the keys in it";
            let said =
                entry.with("outcome", "failed").with("problem", problem).with("unopened", found["unopened"].clone());
            store.record(vec![said.with("sha256", found["sha256"].clone())]).await?;
        }
        Ok(found) => {
            let opened = if found["unopened"].is_null() { "not looked at: their keys are not in it" } else { "open" };
            let mut said = entry.with("outcome", "passed").with("credentials", opened);
            for name in ["sha256", "bytes", "files", "entries", "log-size", "log-root", "took-ms"] {
                said = said.with(name, found[name].clone());
            }
            store.note_newest(TESTED, said, found.to_string()).await?;
        }
        Err(error) => {
            use portcullis_model::audit::Recorder as _;
            store.record(vec![entry.with("outcome", "failed").with("problem", format!("{error:#}"))]).await?;
        }
    }
    Ok(())
}

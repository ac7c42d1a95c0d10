//! What it takes for the host to do its work.

use std::time::Duration;

use anyhow::Result;
use portcullis_api::ops::Check;
use portcullis_audit::{Log, LogVerifier};
use portcullis_model::time::Timestamp;
use serde::Deserialize;

use super::Running;
use crate::log_proof;

/// For how long it is believed that the keys are there: asking may start a program.
const VAULT_HOLDS: Duration = Duration::from_secs(60);

/// `[health]`: when the host says that it is not ready.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Health {
    /// For how long an audit entry may wait to be published, in seconds.
    pub publish_within_seconds: u64,
}

impl Default for Health {
    fn default() -> Self {
        Self { publish_within_seconds: 30 }
    }
}

/// How the published log stands to the database.
pub(super) struct Published {
    /// Entries that are published.
    pub size: u64,
    /// Entries that there are.
    pub entries: u64,
    /// How old the oldest is that is not.
    pub waits: Duration,
}

impl Running {
    /// Everything but the store.
    pub(super) async fn standing(&self) -> Vec<Check> {
        let stopping = match *self.stopping.borrow() {
            true => Check::bad("stopping", "the host is told to stop"),
            false => Check::ok("stopping", "no"),
        };
        let tasks = match (self.alive.running(), self.alive.begun()) {
            (running, begun) if running == begun => Check::ok("tasks", format!("all {begun} run")),
            (running, begun) => Check::bad("tasks", format!("{running} of {begun} run")),
        };
        vec![stopping, tasks, self.log().await, self.vault().await]
    }

    async fn log(&self) -> Check {
        let within = Duration::from_secs(self.host.config.health.publish_within_seconds);
        match self.published().await {
            Ok(Published { waits, size, entries }) if waits > within => Check::bad(
                "log",
                format!("{} entries wait to be published, the oldest for {} s", entries - size, waits.as_secs()),
            ),
            Ok(Published { size, .. }) => Check::ok("log", format!("published up to {size} entries")),
            Err(error) => Check::bad("log", format!("cannot be read: {error:#}")),
        }
    }

    pub(super) async fn published(&self) -> Result<Published> {
        let (home, store) = (&self.host.home, &self.host.store);
        let (dir, key) = (home.log(), LogVerifier::parse(&log_proof::vkey(home)?)?);
        // Before the entries are counted: it is never ahead of them.
        let log = tokio::task::spawn_blocking(move || Log::open(&dir, &key)).await??;
        let (size, now) = (log.head().size(), self.host.clock.now());
        let entries = store.entry_count().await?;
        let waits = match entries > size {
            true => store.entries(size, 1).await?.first().map_or(Duration::ZERO, |entry| since(entry.time, now)),
            false => Duration::ZERO,
        };
        Ok(Published { size, entries: entries.max(size), waits })
    }

    async fn vault(&self) -> Check {
        let now = self.host.clock.now();
        let mut last = self.vault.lock().await;
        if let Some((at, check)) = last.as_ref()
            && now.distance(*at) < VAULT_HOLDS
        {
            return check.clone();
        }
        let check = match self.host.vault().status().await {
            Ok(status) => match status.wrapping_keys.iter().filter(|key| !key.at_hand && key.wraps > 0).count() {
                0 => Check::ok("vault", format!("open; {} stored secrets do not open", status.unopened.len())),
                missing => Check::bad("vault", format!("{missing} key-encryption keys are not at hand")),
            },
            Err(error) => Check::bad("vault", error.to_string()),
        };
        *last = Some((now, check.clone()));
        check
    }
}

/// How long ago something was; nothing, where the clock was set back.
fn since(then: Timestamp, now: Timestamp) -> Duration {
    if then < now { now.distance(then) } else { Duration::ZERO }
}

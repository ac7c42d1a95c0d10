//! Looking again at every release that is installed or was handed in, when more is known of vulnerabilities (MNT-3).
//!
//! Invariants: in a process one goes on at a time; without a database nothing is found and nothing is said to be fine; what is stopped by itself is what the
//! configuration says, and stands in the log with its reason.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use portcullis_api::admin::v1::releases::{NotScanned, Rescanned, Rescans};
use portcullis_model::{
    audit::Actor,
    id::Digest,
    review::{Severity, Vulnerability},
    trust::TrustStore as _,
};
use portcullis_packages::{
    advisories::{Database, Finding, Rating},
    inspect::Inspection,
    review::rescan::{Scan, Scanned, Unread, named, reason_for_quarantine, target, withdrawals},
    trust::{By, withdrawal::Withdrawal},
};
use serde::Serialize;
use tokio::sync::watch;

use crate::{
    commands::advisories,
    host::Host,
    quarantine::{self, Stopped},
};

/// How often a running host looks whether the file of advisories has changed.
const TICK: Duration = Duration::from_secs(2);
/// How soon it looks again where it could not.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// What a rescan found and did.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rescan {
    /// The database's digest.
    pub database: Digest,
    /// Release by release.
    pub scanned: Vec<Scanned>,
    /// Those that could not be looked at.
    pub unread: Vec<Unread>,
    /// Those that were stopped by the configuration's rule.
    pub stopped: Vec<ByPolicy>,
}

/// A release that was stopped.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ByPolicy {
    /// Its component's digest.
    pub component: String,
    /// Why.
    pub reason: String,
    /// How.
    pub how: Stopped,
}

/// Looks at all of them now.
pub async fn rescan(host: &Host, database: &Database, actor: Actor) -> Result<Rescan> {
    looked(host, database, actor, false).await
}

/// The same, or its rehearsal: what would be found and stopped, and nothing is written.
async fn looked(host: &Host, database: &Database, actor: Actor, trial: bool) -> Result<Rescan> {
    let look = |bytes: &[u8]| {
        // Inspecting takes a while.
        let inspection = tokio::task::block_in_place(|| Inspection::of(bytes)).map_err(|error| error.to_string())?;
        let found = database.matches(&inspection.dependencies).into_iter();
        Ok(found.filter(|one| one.informational.is_none()).map(vulnerability).collect())
    };
    let (scanned, unread) = Scan { trial, ..host.scan(actor) }.run(&host.watched().await?, look).await?;
    let mut stopped = Vec::new();
    if let Some(from) = host.config.review.quarantine_vulnerable {
        let trust = host.registry.trust().await??;
        let withdrawals = withdrawals(&trust, &host.store.trust().await?);
        for one in &scanned {
            stopped.extend(stop(host, one, from, &withdrawals, trial).await?);
        }
    }
    Ok(Rescan { database: database.summary().digest, scanned, unread, stopped })
}

/// Looks for a changed file of advisories until `stop` turns true, and looks at all releases again when there is one.
pub async fn run(host: Arc<Host>, mut stop: watch::Receiver<bool>) {
    let mut seen = None;
    loop {
        let (now, mut pause) = (stamp(&host), TICK);
        if now.is_some() && now != seen {
            match again(&host).await {
                Ok(found) => tracing::info!(releases = found.scanned.len(), stopped = found.stopped.len(), "rescanned"),
                Err(error) => {
                    tracing::error!(%error, "releases could not be rescanned; it is tried again in a minute");
                    pause = AFTER_FAILURE;
                }
            }
        }
        seen = if pause == TICK { now } else { None };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => {}
        }
        if *stop.borrow() {
            return;
        }
    }
}

async fn again(host: &Host) -> Result<Rescan> {
    let _alone = host.looking.lock().await;
    let database = tokio::task::block_in_place(|| database(host))?;
    rescan(host, &database, Actor::Host).await
}

/// What is known of vulnerabilities.
///
/// # Errors
/// Where there is no file of that, with what to do.
pub fn database(host: &Host) -> Result<Database> {
    advisories::load(&host.home)?.with_context(|| advisories::absent(&host.home))
}

/// What tells one state of the file from another.
fn stamp(host: &Host) -> Option<(SystemTime, u64)> {
    let about = std::fs::metadata(host.home.advisories()).ok()?;
    Some((about.modified().ok()?, about.len()))
}

async fn stop(
    host: &Host,
    one: &Scanned,
    from: Severity,
    withdrawals: &[(Withdrawal, By)],
    trial: bool,
) -> Result<Option<ByPolicy>> {
    let (Some(reason), Some(target)) = (reason_for_quarantine(one, from, withdrawals), target(one)) else {
        return Ok(None);
    };
    let fresh = one.new.iter().any(|one| one.certain && one.severity >= from);
    if !fresh && !host.home.root_key().exists() {
        // It was suspended for that when it was found; an admin who resumed it since then knows.
        return Ok(None);
    }
    let how = match trial {
        true => quarantine::would_stop(host, &one.release, &target).await?,
        false => quarantine::stop(host, &one.release, target, &reason).await?,
    };
    Ok(Some(ByPolicy { component: one.component.clone(), reason, how }).filter(|one| one.how != Stopped::Already))
}

#[async_trait]
impl Rescans for Host {
    fn stops(&self) -> bool {
        self.config.review.quarantine_vulnerable.is_some()
    }

    async fn rescan(&self, by: Actor, dry_run: bool) -> Result<Rescanned, NotScanned> {
        let failed = |error: anyhow::Error| NotScanned::Failed(format!("{error:#}"));
        let Ok(_alone) = self.looking.try_lock() else { return Err(NotScanned::Busy) };
        let database = tokio::task::block_in_place(|| advisories::load(&self.home)).map_err(failed)?;
        let database = database.ok_or_else(|| NotScanned::NoAdvisories(advisories::absent(&self.home)))?;
        let found = looked(self, &database, by, dry_run).await.map_err(failed)?;
        let words = found.words();
        let found = serde_json::to_value(found).map_err(|error| NotScanned::Failed(error.to_string()))?;
        Ok(Rescanned { found, words })
    }
}

impl Rescan {
    /// For people.
    pub fn words(&self) -> String {
        let vulnerable = self.scanned.iter().filter(|one| !one.found.is_empty()).count();
        let mut lines = vec![format!(
            "{} releases were held against the advisories {}; {vulnerable} are made of what has known vulnerabilities.",
            self.scanned.len(),
            self.database.short()
        )];
        for one in self.scanned.iter().filter(|one| !one.found.is_empty() || !one.gone.is_empty()) {
            lines.extend(release(one));
        }
        lines.extend(self.unread.iter().map(|one| format!("{} could not be looked at: {}", one.component, one.reason)));
        for one in &self.stopped {
            lines.push(format!("{} ({}): {}", one.component, one.reason, one.how.words()));
        }
        lines.join("\n")
    }
}

fn release(one: &Scanned) -> Vec<String> {
    let mut lines = vec![format!("{}@{} ({})", one.plugin, one.number, one.version)];
    for found in &one.found {
        let new = if one.new.contains(found) { "NEW " } else { "    " };
        let fixed = found.fixed.as_ref().map_or_else(|| "not fixed".to_owned(), |fixed| format!("fixed in {fixed}"));
        lines.push(format!("  {new}{}, {fixed}: {}", named(found), found.summary));
    }
    lines.extend(one.gone.iter().map(|gone| format!("  gone {}", named(gone))));
    lines
}

fn vulnerability(found: Finding) -> Vulnerability {
    let severity = match found.rating() {
        None => Severity::Unknown,
        Some(Rating::None | Rating::Low) => Severity::Low,
        Some(Rating::Medium) => Severity::Medium,
        Some(Rating::High) => Severity::High,
        Some(Rating::Critical) => Severity::Critical,
    };
    Vulnerability {
        advisory: found.id,
        dependency: found.name,
        version: found.version.unwrap_or_else(|| "unknown".to_owned()),
        severity,
        summary: found.summary,
        fixed: found.fixed,
        certain: found.certain,
    }
}

#[cfg(test)]
mod tests {
    use portcullis_packages::{advisories::Severity as Given, inspect::dependencies::Ecosystem};

    use super::*;

    #[test]
    fn what_an_advisory_does_not_say_is_unknown_and_not_harmless() {
        let found = |rating: Option<Rating>| Finding {
            ecosystem: Ecosystem::CratesIo,
            name: "time".into(),
            version: None,
            build_only: false,
            id: "A-1".into(),
            aliases: std::collections::BTreeSet::new(),
            summary: "x".into(),
            severity: rating.map(|rating| Given { vector: None, rating: Some(rating) }),
            informational: None,
            fixed: None,
            certain: false,
        };
        let rated = |rating| vulnerability(found(rating)).severity;
        assert_eq!(rated(None), Severity::Unknown);
        assert_eq!(rated(Some(Rating::None)), Severity::Low);
        assert_eq!(rated(Some(Rating::Critical)), Severity::Critical);
        let one = vulnerability(found(None));
        assert_eq!((one.version.as_str(), one.certain), ("unknown", false));
    }
}

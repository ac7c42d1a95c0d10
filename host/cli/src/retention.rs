//! The end of what the audit log keeps: announced, then disposed of by policy or by hand, on record (DAT-8, MON-3).
//!
//! Invariants: nothing that policy disposes of was announced later than its warning time before; nothing is disposed of that is younger
//! than the platform's minimum, by whomever; what goes is in the log with the root that still proves it.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use portcullis_audit::{Leaf, Log, LogVerifier};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::TenantId,
    time::Timestamp,
};
use portcullis_store::Announcement;
use tokio::sync::watch;

use crate::{config::Retention, host::Host};

/// How often a running host looks what is due.
const TICK: Duration = Duration::from_secs(60 * 60);
/// How soon after its start, and after a look that failed.
const FIRST: Duration = Duration::from_secs(30);

/// What was disposed of, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disposed {
    /// Whose view: a tenant, or `host`.
    pub view: String,
    /// The first entry.
    pub from: Option<u64>,
    /// The last one.
    pub to: Option<u64>,
    /// How many.
    pub count: u64,
    /// Whether nothing of them is left in the database's files; meaningless for a dry run.
    pub is_gone: bool,
}

/// By whom, until when and why.
pub struct Order<'a> {
    /// By whom.
    pub actor: Actor,
    /// What is older than this.
    pub before: Timestamp,
    /// The policy, in words.
    pub policy: String,
    /// Why, where a person orders it.
    pub reason: Option<&'a str>,
}

/// The moment so long before another.
fn before(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

/// A view's name for people.
pub fn name(view: Option<&TenantId>) -> String {
    view.map_or_else(|| "host".to_owned(), ToString::to_string)
}

/// Why nobody may dispose of what is older than this moment, where it is not old enough.
pub fn too_young(host: &Host, cut: Timestamp) -> Option<String> {
    let oldest = before(host.clock.now(), host.config.audit.minimum());
    let why = || format!("entries are kept until {oldest} at the least (audit.minimum-days); {cut} is later");
    (cut > oldest).then(why)
}

/// Disposes of what of a view an order is about; looks only, where `dry`.
pub async fn dispose(host: &Host, view: Option<&TenantId>, order: &Order<'_>, dry: bool) -> Result<Disposed> {
    if let Some(why) = too_young(host, order.before) {
        bail!(why);
    }
    let log = log(host)?;
    let mut done = Disposed { view: name(view), ..Disposed::default() };
    if dry {
        if let Some(due) = host.store.all_disposable(view.cloned(), order.before, log.head().size()).await? {
            (done.from, done.to, done.count) = (Some(due.first), Some(due.last), due.count);
        }
        return Ok(done);
    }
    while let Some(due) = host.store.disposable(view.cloned(), order.before, log.head().size()).await? {
        done.from.get_or_insert(due.first);
        (done.to, done.count) = (Some(due.last), done.count + due.count);
        let mut entry = Entry::new(host.clock.now(), Kind::AuditDisposed, order.actor.clone(), view.cloned())
            .with("before", order.before.to_string())
            .with("policy", order.policy.as_str());
        if let Some(reason) = order.reason {
            entry = entry.with("reason", reason);
        }
        if let Some(leaf) = leaf(&log, due.last)? {
            entry = entry.with("view", leaf.view.as_str()).with("size", leaf.size).with("root", leaf.root.to_string());
        }
        host.store.dispose(due, entry).await?;
    }
    done.is_gone = done.count > 0 && host.store.forget_disposed().await;
    Ok(done)
}

fn log(host: &Host) -> Result<Log> {
    let vkey = host.home.log_vkey();
    let vkey = std::fs::read_to_string(&vkey).with_context(|| format!("cannot read {}", vkey.display()))?;
    Ok(Log::open(&host.home.log(), &LogVerifier::parse(vkey.trim())?)?)
}

/// The head of its view that was published with an entry. None for an entry of a log that published bodies.
fn leaf(log: &Log, index: u64) -> Result<Option<Leaf>> {
    let mut leaf = None;
    tokio::task::block_in_place(|| log.entries(index..index + 1, |_, bytes| leaf = Leaf::read(bytes)))?;
    Ok(leaf)
}

/// What is announced next for a view, where something is.
fn next(now: Timestamp, known: Announcement, of: Retention) -> Option<Announcement> {
    if now < known.ripe {
        return None;
    }
    // Far enough ahead that whatever becomes due before the next announcement was in this one in time.
    let announced = before(now, of.keep).plus(of.warn).plus(of.warn);
    Some(Announcement { free: known.announced, announced: announced.max(known.announced), ripe: now.plus(of.warn) })
}

/// Announces and disposes of what policy says, view by view.
pub async fn tick(host: &Host) -> Result<()> {
    for view in host.store.log_views().await?.into_iter().map(|view| view.tenant) {
        let own = view.as_ref().and_then(|tenant| host.config.tenants.get(tenant)).map(|tenant| &tenant.audit);
        if let Some(retention) = host.config.audit.retention(own) {
            by_policy(host, view.as_ref(), retention)
                .await
                .with_context(|| format!("the audit log of {}", name(view.as_ref())))?;
        }
    }
    Ok(())
}

async fn by_policy(host: &Host, view: Option<&TenantId>, of: Retention) -> Result<()> {
    let now = host.clock.now();
    let mut known = host.store.announcement(view.cloned()).await?;
    if let Some(next) = next(now, known, of) {
        let size = host.store.entry_count().await?;
        let due = host.store.disposable(view.cloned(), next.announced, size).await?;
        let entry = due.map(|due| {
            Entry::new(now, Kind::AuditDisposalAnnounced, Actor::Host, view.cloned())
                .with("older-than", next.announced.to_string())
                .with("not-before", next.ripe.to_string())
                .with("from", due.first)
                .with("policy", policy(of))
        });
        // Where there is nothing to announce, what was announced before is free all the same.
        if entry.is_some() || known.free != known.announced {
            known = Announcement { ripe: if entry.is_some() { next.ripe } else { Timestamp(0) }, ..next };
            if entry.is_none() {
                known.announced = known.free;
            }
            host.store.announce(view.cloned(), known, entry).await?;
        }
    }
    let order =
        Order { actor: Actor::Host, before: before(now, of.keep).min(known.free), policy: policy(of), reason: None };
    let done = dispose(host, view, &order, false).await?;
    if done.count > 0 {
        tracing::info!(view = done.view, entries = done.count, "entries of the audit log were disposed of");
    }
    Ok(())
}

fn policy(of: Retention) -> String {
    format!("keep-days = {}", of.keep.as_secs() / (24 * 60 * 60))
}

/// Looks every hour, until `stop` turns true.
pub async fn run(host: Arc<Host>, mut stop: watch::Receiver<bool>) {
    let mut pause = FIRST;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => {}
        }
        if *stop.borrow() {
            return;
        }
        pause = match tick(&host).await {
            Ok(()) => TICK,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "retention cannot go on; it is tried again");
                FIRST
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn whatever_policy_frees_was_announced_in_time() {
        let of = Retention { keep: DAY * 100, warn: DAY * 10 };
        let start = Timestamp(0).plus(DAY * 1_000);
        let mut known = Announcement::default();
        let mut announced: Vec<(Timestamp, Timestamp)> = Vec::new();
        for day in 0..200 {
            let now = start.plus(DAY * day);
            if let Some(to) = next(now, known, of) {
                announced.push((now, to.announced));
                known = to;
            }
            let cut = before(now, of.keep).min(known.free);
            if cut > Timestamp(0) {
                let told = announced.iter().any(|(when, older_than)| *older_than >= cut && when.plus(of.warn) <= now);
                assert!(told, "day {day}");
            }
            // In the steady state nothing stays longer than it is to be kept.
            assert!(day < 10 || cut == before(now, of.keep), "day {day}: {cut}");
        }
        assert_eq!(announced.len(), 20, "once in each warning time");
    }
}

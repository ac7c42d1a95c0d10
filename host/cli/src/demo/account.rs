//! The account: what happened, computed from the audit log and from files on disk.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use portcullis_audit::verify;
use portcullis_model::audit::{Actor, Entry, Kind};
use serde::Serialize;

use super::{
    secrets::{self, SecretsAccount},
    stage::{PLUGINS, Sent, Stage},
};

/// What happened.
#[derive(Debug, Serialize)]
pub struct Account {
    /// What was sent.
    pub sent: Sent,
    /// By plugin.
    pub plugins: BTreeMap<String, PluginAccount>,
    /// From an event's arrival to the end of a call for it, in milliseconds.
    pub event_to_handled_ms: Latency,
    /// What became of tokens, where secrets were looked for, and where they were found.
    pub secrets: SecretsAccount,
    /// The audit log.
    pub log: LogAccount,
}

/// What one plugin did, and what it was refused.
#[derive(Debug, Default, Serialize)]
pub struct PluginAccount {
    /// Calls by how they ended.
    pub calls: BTreeMap<String, u64>,
    /// Permitted acts by name and outcome.
    pub acts: BTreeMap<String, BTreeMap<String, u64>>,
    /// Denials.
    pub denials: Vec<DenialAccount>,
    /// Wall-clock time of a call, in microseconds.
    pub call_us: Latency,
}

/// One sort of denial.
#[derive(Debug, Serialize)]
pub struct DenialAccount {
    /// What it tried.
    pub act: String,
    /// The scope that would have been needed.
    pub scope: String,
    /// Why not.
    pub reason: String,
    /// Who could grant it.
    pub grantor: String,
    /// How often.
    pub count: u64,
}

/// A latency's distribution.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Latency {
    /// How many.
    pub count: u64,
    /// The median.
    pub p50: u64,
    /// The 99th percentile.
    pub p99: u64,
}

/// The audit log.
#[derive(Debug, Serialize)]
pub struct LogAccount {
    /// Whether every hash, and the signature, held.
    pub verified: bool,
    /// Entries.
    pub entries: u64,
    /// The root hash.
    pub root: String,
    /// What did not hold.
    pub faults: Vec<String>,
}

impl Latency {
    fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let at = |part: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index below the length")]
            #[expect(clippy::cast_precision_loss, reason = "a few thousand values")]
            let index = (values.len() as f64 * part) as usize;
            values.get(index.min(values.len().saturating_sub(1))).copied().unwrap_or(0)
        };
        Self { count: values.len() as u64, p50: at(0.50), p99: at(0.99) }
    }
}

impl Account {
    /// Draws it up.
    pub async fn draw_up(stage: &Stage, sent: Sent) -> Result<Self> {
        let entries = entries(stage).await?;
        let plugins = PLUGINS.iter().map(|name| ((*name).to_owned(), plugin(&entries, stage, name))).collect();
        Ok(Self {
            sent,
            plugins,
            event_to_handled_ms: Latency::of(handling_times(&entries)),
            // First: what is published by then is searched too.
            log: check_log(stage).await?,
            secrets: tokio::task::block_in_place(|| secrets::draw_up(stage, &entries))?,
        })
    }
}

async fn entries(stage: &Stage) -> Result<Vec<Entry>> {
    let mut all = Vec::new();
    loop {
        let batch = stage.host.store.entries(all.len() as u64, 4_096).await?;
        if batch.is_empty() {
            return Ok(all);
        }
        for stored in batch {
            all.push(stored.read()?);
        }
    }
}

fn number(entry: &Entry, name: &str) -> Option<u64> {
    entry.detail.get(name)?.as_u64()
}

fn plugin(entries: &[Entry], stage: &Stage, name: &str) -> PluginAccount {
    let mut account = PluginAccount::default();
    let mut denials: BTreeMap<[String; 4], u64> = BTreeMap::new();
    let mut times = Vec::new();
    let own = |entry: &&Entry| matches!(&entry.actor, Actor::Plugin { installation, .. } if Some(installation) == stage.installed.get(name));
    for entry in entries.iter().filter(own) {
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        match entry.kind {
            Kind::CallEnded => {
                let why =
                    if text("end") == "limit" { format!("limit: {}", limit(&text("reason"))) } else { text("end") };
                *account.calls.entry(why).or_default() += 1;
                times.extend(number(entry, "wall-us"));
            }
            Kind::ActOutcome => {
                *account.acts.entry(text("act")).or_default().entry(text("outcome")).or_default() += 1;
            }
            Kind::ActDenied => {
                *denials.entry([text("act"), text("scope"), text("reason"), text("grantor")]).or_default() += 1;
            }
            _ => {}
        }
    }
    account.denials = denials
        .into_iter()
        .map(|([act, scope, reason, grantor], count)| DenialAccount { act, scope, reason, grantor, count })
        .collect();
    account.call_us = Latency::of(times);
    account
}

/// `cpu-ms` out of `limit reached: cpu-ms`.
fn limit(reason: &str) -> &str {
    reason.rsplit(' ').next().unwrap_or_default()
}

fn handling_times(entries: &[Entry]) -> Vec<u64> {
    let mut arrived = HashMap::new();
    let mut times = Vec::new();
    for entry in entries {
        match (entry.kind, &entry.resource) {
            (Kind::EventReceived, Some(event)) => drop(arrived.insert(event.clone(), entry.time)),
            (Kind::CallEnded, Some(event)) => {
                times.extend(arrived.get(event).map(|at| entry.time.0.abs_diff(at.0)));
            }
            _ => {}
        }
    }
    times
}

/// Verifies the published log offline, once all that is in the store has been published.
async fn check_log(stage: &Stage) -> Result<LogAccount> {
    let home = &stage.host.home;
    let vkey = std::fs::read_to_string(home.log_vkey())?;
    let stored = stage.host.store.entry_count().await?;
    let mut faults = Vec::new();
    for _ in 0..100 {
        match tokio::task::block_in_place(|| verify(&home.log(), vkey.trim(), None)) {
            Ok(report) if report.size >= stored => {
                return Ok(LogAccount { verified: true, entries: report.size, root: report.root, faults: vec![] });
            }
            Ok(report) => faults = vec![format!("only {} of {stored} entries are published", report.size)],
            // The host may have been publishing while it was read.
            Err(error) => faults = vec![error.to_string()],
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    Ok(LogAccount { verified: false, entries: stored, root: String::new(), faults })
}

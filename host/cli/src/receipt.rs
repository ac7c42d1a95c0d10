//! What came of a change of trust: which installations were suspended for it, how many calls were ended, and how long that took,
//! as the audit log has it (MNT-3, INC-1).
//!
//! Invariant: a receipt says that something was enforced only where the log says so: by the running host's entry for that
//! revision or a later one, or by a round of this process while no host runs.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use portcullis_api::admin::v1::withdrawals::Enforces;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::StoreError,
    id::TenantId,
    time::Timestamp,
    trust::TrustStore as _,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{enforce::Enforcer, host::Host};

/// How long the running host is waited for. A withdrawal ends live work within five seconds.
pub const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);
const BATCH: usize = 1_000;

/// An installation that was suspended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stopped {
    /// Which.
    pub installation: String,
    /// In which tenant.
    pub tenant: Option<TenantId>,
    /// Which plugin.
    pub plugin: String,
    /// When.
    pub suspended: Timestamp,
    /// Where that stands in the log.
    pub log_index: u64,
    /// Calls that were under way and were told to end.
    pub calls: u64,
    /// Of them, those that had not ended when the host last looked.
    #[serde(default)]
    pub left: u64,
}

/// Calls by installation: those that were ended, and those that were left.
#[derive(Debug, Default)]
struct Calls {
    ended: BTreeMap<String, u64>,
    left: BTreeMap<String, u64>,
}

/// What came of one change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Receipt {
    /// Whether a host runs here.
    pub host_runs: bool,
    /// When the change stands in the log.
    pub since: Option<Timestamp>,
    /// Its place in the log.
    pub log_index: Option<u64>,
    /// What was suspended.
    pub suspended: Vec<Stopped>,
    /// Calls that were ended, of all of them.
    pub calls_ended: u64,
    /// Calls that had not ended when the host last looked.
    pub calls_left: u64,
    /// When the last of them had ended and nothing new could begin; absent where no host said so in time.
    pub enforced: Option<Timestamp>,
    /// Where that stands in the log.
    pub enforced_log_index: Option<u64>,
    /// From the entry of the change to that, in milliseconds.
    pub took_ms: Option<u64>,
}

/// Where the log stood before a change.
#[derive(Clone, Copy, Debug)]
pub struct Before(u64);

impl Before {
    /// Now.
    pub async fn now(host: &Host) -> Result<Self> {
        Ok(Self(host.store.entry_count().await?))
    }
}

impl Receipt {
    /// Waits until what is trusted now is enforced, by the running host or, where none runs, by a round of this process.
    pub async fn of(host: &Arc<Host>, before: Before) -> Result<Self> {
        let revision = host.store.trust_revision().await?;
        if let Some(_alone) = host.home.try_lock()? {
            Enforcer::new(host.clone(), None).tick().await?;
            let mut receipt = Self::read(host, before, revision).await?;
            if receipt.enforced.is_none() {
                // Nothing had to be suspended, and so there is no entry that says it.
                receipt.enforced = Some(host.clock.now());
            }
            return Ok(receipt.timed());
        }
        let patience = Instant::now() + PATIENCE;
        loop {
            let mut receipt = Self::read(host, before, revision).await?;
            if receipt.enforced.is_some() || Instant::now() >= patience {
                receipt.host_runs = true;
                return Ok(receipt.timed());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What of it is in this tenant: the others are nothing to whoever keeps its root.
    #[must_use]
    fn within(mut self, tenant: &TenantId) -> Self {
        self.suspended.retain(|one| one.tenant.as_ref() == Some(tenant));
        self.calls_ended = self.suspended.iter().map(|one| one.calls).sum();
        self.calls_left = self.suspended.iter().map(|one| one.left).sum();
        self
    }

    /// Whether everything had ended in time.
    pub fn is_whole(&self) -> bool {
        self.enforced.is_some() && self.calls_left == 0
    }

    async fn read(host: &Host, before: Before, revision: u64) -> Result<Self> {
        let (mut receipt, mut calls) = (Self::default(), Calls::default());
        let mut from = before.0;
        loop {
            let stored = host.store.entries(from, BATCH).await?;
            let Some(last) = stored.last() else { break };
            from = last.index + 1;
            for one in &stored {
                let entry = one.read().with_context(|| format!("entry {} of the log cannot be read", one.index))?;
                receipt.take(&entry, one.index, revision, &mut calls);
            }
        }
        for one in &mut receipt.suspended {
            one.calls = calls.ended.get(&one.installation).copied().unwrap_or_default();
            one.left = calls.left.get(&one.installation).copied().unwrap_or_default();
        }
        receipt.calls_ended = calls.ended.values().sum();
        Ok(receipt)
    }

    fn take(&mut self, entry: &Entry, index: u64, revision: u64, calls: &mut Calls) {
        let of = |name: &str| entry.detail.get(name).and_then(|all| all.as_object()).into_iter().flatten();
        let number = |name: &str| entry.detail.get(name).and_then(serde_json::Value::as_u64);
        match entry.kind {
            Kind::ReleaseWithdrawn | Kind::ReleaseReinstated | Kind::TrustChanged if self.log_index.is_none() => {
                (self.since, self.log_index) = (Some(entry.time), Some(index));
            }
            Kind::PluginSuspended if entry.actor == Actor::Host => {
                let installation = entry.resource.as_deref().unwrap_or_default();
                self.suspended.push(Stopped {
                    installation: installation.strip_prefix("installation:").unwrap_or(installation).to_owned(),
                    tenant: entry.tenant.clone(),
                    plugin: entry.text("plugin").unwrap_or_default().to_owned(),
                    suspended: entry.time,
                    log_index: index,
                    calls: 0,
                    left: 0,
                });
            }
            Kind::TrustEnforced => {
                for (id, ended) in of("calls") {
                    *calls.ended.entry(id.clone()).or_default() += ended.as_u64().unwrap_or_default();
                }
                calls.left.extend(of("left").map(|(id, left)| (id.clone(), left.as_u64().unwrap_or_default())));
                if number("revision").is_some_and(|reached| reached >= revision) {
                    self.calls_left = number("calls-left").unwrap_or_default();
                    (self.enforced, self.enforced_log_index) = (Some(entry.time), Some(index));
                }
            }
            _ => {}
        }
    }

    fn timed(mut self) -> Self {
        let both = self.since.zip(self.enforced);
        self.took_ms = both.map(|(since, enforced)| u64::try_from(enforced.0 - since.0).unwrap_or(0));
        self
    }

    /// For people, one line each.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.suspended.iter().map(Stopped::line).collect();
        lines.push(match (&self.enforced, self.host_runs) {
            (None, _) => format!(
                "NOT ENFORCED within {} s: the running host did not say that it was. Look at its log; stop it where it hangs.",
                PATIENCE.as_secs()
            ),
            (Some(_), _) if self.calls_left > 0 => {
                format!("{} calls were told to end and have NOT ENDED within {} s.", self.calls_left, PATIENCE.as_secs())
            }
            (Some(at), true) => format!(
                "{} installations suspended, {} calls ended, nothing new begins: {} ms after it was logged, at {at}{}.",
                self.suspended.len(),
                self.calls_ended,
                self.took_ms.unwrap_or_default(),
                self.enforced_log_index.map(|index| format!(" (log {index})")).unwrap_or_default()
            ),
            (Some(_), false) => format!(
                "No host runs here: {} installations suspended, nothing was under way.",
                self.suspended.len()
            ),
        });
        lines
    }
}

impl Stopped {
    fn line(&self) -> String {
        let tenant = self.tenant.as_ref().map_or("-", |tenant| tenant.as_str());
        format!(
            "  {}  tenant {tenant}  {}  suspended {}  calls ended {}  (log {})",
            self.installation, self.plugin, self.suspended, self.calls, self.log_index
        )
    }
}

#[async_trait]
impl Enforces for Host {
    async fn mark(&self) -> Result<u64, StoreError> {
        self.store.entry_count().await
    }

    async fn receipt(&self, since: u64, of: Option<&TenantId>) -> Result<Value, String> {
        let receipt = Receipt::of(&Arc::new(self.clone()), Before(since)).await;
        let receipt = receipt.map_err(|error| format!("{error:#}"))?;
        let receipt = of.into_iter().fold(receipt, Receipt::within);
        serde_json::to_value(receipt).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(time: i64, kind: Kind) -> Entry {
        Entry::new(Timestamp(time), kind, Actor::Host, None)
    }

    #[test]
    fn only_an_entry_for_that_revision_says_that_it_is_enforced() {
        let (mut receipt, mut calls) = (Receipt::default(), Calls::default());
        let enforced = |revision: u64, left: u64| {
            entry(1_800, Kind::TrustEnforced)
                .with("revision", revision)
                .with("calls-left", left)
                .with("calls", serde_json::json!({ "ins_1": 5 }))
                .with("left", serde_json::json!({ "ins_1": left }))
        };
        receipt.take(&entry(1_000, Kind::ReleaseWithdrawn), 7, 4, &mut calls);
        receipt.take(&entry(1_500, Kind::PluginSuspended).about("installation:ins_1"), 8, 4, &mut calls);
        receipt.take(&enforced(3, 0), 9, 4, &mut calls);
        assert!(!receipt.is_whole(), "an older revision says nothing about this one");
        receipt.take(&enforced(4, 2), 10, 4, &mut calls);
        assert!(!receipt.is_whole() && calls.left["ins_1"] == 2, "two calls go on");
        receipt.take(&enforced(5, 0), 11, 4, &mut calls);
        let receipt = receipt.timed();
        assert!(receipt.is_whole());
        assert_eq!((receipt.log_index, receipt.enforced_log_index, receipt.took_ms), (Some(7), Some(11), Some(800)));
        assert_eq!((receipt.suspended[0].installation.as_str(), calls.ended["ins_1"]), ("ins_1", 15));
    }

    #[test]
    fn a_tenants_receipt_has_what_was_stopped_there_alone() {
        let one = |installation: &str, tenant: &str, calls: u64| Stopped {
            installation: installation.to_owned(),
            tenant: Some(tenant.parse().unwrap()),
            plugin: "com.example.a".to_owned(),
            suspended: Timestamp(1),
            log_index: 1,
            calls,
            left: calls - 2,
        };
        let suspended = vec![one("ins_1", "acme", 2), one("ins_2", "globex", 5)];
        let whole = Receipt { suspended, calls_ended: 7, calls_left: 3, ..Receipt::default() };
        let receipt = whole.within(&"acme".parse().unwrap());
        assert_eq!((receipt.suspended.len(), receipt.calls_ended, receipt.calls_left), (1, 2, 0));
        let told: Receipt = serde_json::from_value(serde_json::to_value(&receipt).unwrap()).unwrap();
        assert_eq!(told, receipt, "a command reads what is answered");
    }

    #[test]
    fn what_was_not_enforced_is_said_loudly() {
        assert!(Receipt::default().lines().concat().contains("NOT ENFORCED"));
        let left = Receipt { enforced: Some(Timestamp(0)), calls_left: 1, ..Receipt::default() };
        assert!(left.lines().concat().contains("NOT ENDED") && !left.is_whole());
    }
}

//! Deleting a tenant that left (DAT-10): its plugins are taken out, all that is its own goes, and its id is not given again (DAT-11).
//!
//! Invariants: nothing is deleted before that is on record, and from then on nothing of the tenant runs or is taken; files go before
//! rows; what was cut off is carried on by the running host, or by the command that holds its lock; it ends when nothing is found.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::StoreError,
    id::{InstallationId, TenantId},
    installation::{Installation, InstallationState, InstallationStore as _},
};
use portcullis_store::{Deletion, Leaving, helpdesk::SqliteHelpDesk};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::certificate::{Backups, backups};
use crate::{erasure, host::Host, reading::LogReader};

/// How often a running host looks what is to be done.
const TICK: Duration = Duration::from_secs(1);
/// How long the running host is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// Why its plugins are taken out, as the log says.
const REASON: &str = "the tenant is deleted";

/// What a deletion would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// Of which tenant.
    pub tenant: TenantId,
    /// What there is of it: rows, files and records, by part.
    pub found: BTreeMap<String, u64>,
    /// Installations that are active.
    pub active: Vec<InstallationId>,
    /// Whether the configuration file has a section for it, which has to be taken out first.
    pub configured: bool,
    /// What backups hold of it.
    pub backups: Backups,
    /// Since when it is being deleted, or was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_way: Option<Deletion>,
}

/// What a deletion would do. Fails where there is nothing of this tenant.
pub async fn plan(host: &Host, tenant: &TenantId) -> Result<Plan> {
    let (mut found, under_way) =
        (host.store.found_of_tenant(tenant.clone()).await?, host.store.deletion(tenant.clone()).await?);
    let installations = of_tenant(host, tenant).await?;
    found.extend(beside(host, tenant, &installations).await?);
    let configured = host.config.tenants.contains_key(tenant);
    if found.is_empty() && under_way.is_none() && !configured {
        bail!("there is nothing of a tenant '{tenant}' on this host");
    }
    let active = installations.iter().filter(|one| one.state == InstallationState::Active);
    Ok(Plan {
        tenant: tenant.clone(),
        active: active.map(|one| one.id.clone()).collect(),
        found,
        configured,
        backups: backups(host).await?,
        under_way,
    })
}

async fn of_tenant(host: &Host, tenant: &TenantId) -> Result<Vec<Installation>> {
    let mut all = host.store.installations().await?;
    all.retain(|one| one.tenant == *tenant);
    Ok(all)
}

fn desk(host: &Host) -> Result<Option<SqliteHelpDesk>> {
    let path = host.home.helpdesk();
    path.is_file().then(|| SqliteHelpDesk::open(&path, host.clock.clone())).transpose().map_err(Into::into)
}

/// What lies outside of the host's database, by part.
async fn beside(host: &Host, tenant: &TenantId, installations: &[Installation]) -> Result<BTreeMap<String, u64>> {
    let mut files = 0;
    for one in installations {
        tokio::task::block_in_place(|| {
            host.dirs.visit(&one.tenant, &one.id, &mut |_, _| {
                files += 1;
                Ok(())
            })
        })?;
    }
    let records = match desk(host)? {
        Some(desk) => desk.records_of(tenant).await?,
        None => 0,
    };
    let mut all: BTreeMap<String, u64> =
        [("files", files), ("help-desk-records", records)].map(|(name, n)| (name.to_owned(), n)).into();
    all.retain(|_, n| *n > 0);
    Ok(all)
}

/// Puts a deletion on record. With `contain`, installations that are active are ended by it; without, they refuse it. One that is on
/// record already goes on.
pub async fn begin(host: &Host, plan: &Plan, contain: bool, actor: Actor) -> Result<()> {
    let tenant = &plan.tenant;
    if plan.under_way.is_some() {
        return Ok(());
    }
    if plan.configured {
        let file = host.home.config();
        bail!(
            "{} has a section [tenants.{tenant}]; take it out first, so that nothing of it comes back",
            file.display()
        );
    }
    if !contain && !plan.active.is_empty() {
        let ids: Vec<&str> = plan.active.iter().map(InstallationId::as_str).collect();
        bail!(
            "{} installations of '{tenant}' are active ({}); uninstall them, or end them in the same act with --contain",
            ids.len(),
            ids.join(", ")
        );
    }
    let now = host.clock.now();
    let entry = |kind| Entry::new(now, kind, actor.clone(), Some(tenant.clone()));
    let mut ended = Vec::new();
    for old in
        of_tenant(host, tenant).await?.into_iter().filter(|one| !matches!(one.state, InstallationState::Erased { .. }))
    {
        let state = InstallationState::Uninstalled { since: now, purge_at: now, reason: REASON.to_owned(), held: None };
        let new = Installation { state, waiting: None, generation: old.generation + 1, ..old.clone() };
        let told = entry(Kind::PluginUninstalled)
            .about(format!("installation:{}", new.id))
            .with("plugin", new.plugin.as_str())
            .with("version", new.version.as_str())
            .with("digest", new.release.to_string())
            .with("generation", new.generation)
            .with("reason", REASON)
            .with("purge-at", now.to_string());
        ended.push((new, old.generation, told));
    }
    let installations = of_tenant(host, tenant).await?;
    let leaving = Leaving {
        tenant: tenant.clone(),
        at: now,
        entry: entry(Kind::TenantLeaving)
            .about(format!("tenant:{tenant}"))
            .with("installations", ended.len())
            .with("contained", plan.active.len()),
        installations: ended,
        beside: beside(host, tenant, &installations).await?,
    };
    host.store.begin_deletion(leaving).await?;
    Ok(())
}

/// Does what is to be done for a deletion. `alone`: no host runs; otherwise the running host's own loop erases what its plugins stored, when
/// their calls have ended. True: it is done.
pub async fn step(host: &Host, tenant: &TenantId, alone: bool) -> Result<bool> {
    for one in of_tenant(host, tenant).await? {
        match &one.state {
            InstallationState::Erased { .. } => {}
            InstallationState::Uninstalled { .. } if alone => drop(erasure::purge(host, &one).await?),
            _ => return Ok(false),
        }
    }
    tokio::task::block_in_place(|| {
        crate::parcel::sweep(&host.home);
        host.dirs.remove_tenant(tenant)
    })?;
    if let Some(desk) = desk(host)? {
        desk.delete_tenant(tenant).await?;
    }
    let now = host.clock.now();
    let entry =
        Entry::new(now, Kind::TenantDeleted, Actor::Host, Some(tenant.clone())).about(format!("tenant:{tenant}"));
    let reader = LogReader::new(&host.home, host.store.clone());
    let forget = async {
        match reader.forgets().await {
            true => Ok(()),
            false => {
                Err(StoreError("what was erased is in the index of the log still, which somebody reads".to_owned()))
            }
        }
    };
    let left = host.store.delete_tenant(tenant, now, entry, forget).await?;
    if !left.is_empty() {
        tracing::warn!(%tenant, ?left, "something of a tenant that is deleted came meanwhile; it is looked at again");
    }
    Ok(left.is_empty())
}

/// Has the host delete a tenant whose deletion is on record: in this process where none runs; otherwise waits until the running one has.
pub async fn carry_on(host: &Host, tenant: &TenantId) -> Result<Deletion> {
    let patience = tokio::time::Instant::now() + PATIENCE;
    loop {
        let deletion = host.store.deletion(tenant.clone()).await?;
        let deletion = deletion.with_context(|| format!("no deletion of '{tenant}' is on record"))?;
        if deletion.ended.is_some() || tokio::time::Instant::now() >= patience {
            return Ok(deletion);
        }
        let is_done = match host.home.try_lock()? {
            Some(_alone) => step(host, tenant, true).await?,
            None => false,
        };
        if !is_done {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Deletes all tenants whose deletion is on record, until `stop` turns true.
pub async fn run(host: Arc<Host>, mut stop: watch::Receiver<bool>) {
    loop {
        match host.store.deletions_under_way().await {
            Ok(all) => {
                for one in all {
                    if let Err(error) = step(&host, &one.tenant, false).await {
                        let error = format!("{error:#}");
                        tracing::error!(tenant = %one.tenant, error, "the deletion of a tenant does not go on; it is tried again");
                    }
                }
            }
            Err(error) => tracing::error!(%error, "deletions of tenants cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            _ = stop.changed() => {}
        }
        if *stop.borrow() {
            return;
        }
    }
}

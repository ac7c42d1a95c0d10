//! Whose turn it is: the right to carry out acts of rotation in a home directory, between processes and within one.
//!
//! Invariants: one act of a tenant is carried out at a time, and none of them while one of the platform is; no tenant waits for another;
//! an act of the platform waits for those of tenants that are under way, and none begins while it does; an emergency of the platform
//! freezes before it waits.

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use portcullis_model::{freeze::Extent, id::TenantId, installation::InstallationStore as _};

use crate::{home::Home, host::Host};

/// How long a tenant's turn is waited for. A host that looks for what is due has it for a moment.
const MOMENT: Duration = Duration::from_secs(1);
/// How long the platform waits for acts of tenants that are under way.
const PATIENCE: Duration = Duration::from_secs(20);
/// The same, once all is frozen that its own act reaches: nothing goes out meanwhile.
const FROZEN: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_millis(50);

/// The right to carry out acts, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _held: [File; 2],
}

/// The platform's place before its turn.
#[derive(Debug)]
pub enum Place {
    /// For all: nobody begins any more, and who has begun is not through yet.
    Everywhere {
        /// Held already.
        gate: File,
        /// What is waited for.
        tenants: File,
    },
    /// For one tenant: what is under way there goes on, and so do all others.
    Within(Home, TenantId),
}

impl Place {
    /// Waits until acts that this one meets are through; `None` where they are not within this time.
    async fn within(self, patience: Duration) -> Result<Option<Turn>> {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            match &self {
                Self::Everywhere { tenants, .. } if had(tenants.try_lock())? => break,
                Self::Everywhere { .. } => {}
                Self::Within(home, tenant) => {
                    if let Some(turn) = try_take(home, Some(tenant))? {
                        return Ok(Some(turn));
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(match self {
            Self::Everywhere { gate, tenants } if had(tenants.try_lock())? => Some(Turn { _held: [gate, tenants] }),
            _ => None,
        })
    }

    /// For an act that has frozen what it reaches: waits long for the turn.
    pub async fn frozen(self) -> Result<Option<Turn>> {
        self.within(FROZEN).await
    }
}

/// What is locked.
struct Locks<'a>(&'a Home);

impl Locks<'_> {
    /// Held by the platform while it has its turn or waits for it, and by a tenant for the moment in which it takes its own.
    fn gate(&self) -> Result<File> {
        opened(&self.0.dir().join("rotation.lock"))
    }

    /// Shared by the tenants that have their turns.
    fn tenants(&self) -> Result<File> {
        opened(&self.0.dir().join("rotation-tenants.lock"))
    }

    fn tenant(&self, tenant: &TenantId) -> Result<File> {
        let dir = self.0.locks();
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        opened(&dir.join(format!("rotation-{tenant}.lock")))
    }

    fn of_tenant(&self, tenant: &TenantId) -> Result<Option<Turn>> {
        let (gate, tenants, own) = (self.gate()?, self.tenants()?, self.tenant(tenant)?);
        let all = had(gate.try_lock_shared())? && had(tenants.try_lock_shared())? && had(own.try_lock())?;
        Ok(all.then_some(Turn { _held: [tenants, own] }))
    }

    fn gate_of_platform(&self) -> Result<Option<File>> {
        let gate = self.gate()?;
        Ok(had(gate.try_lock())?.then_some(gate))
    }
}

fn opened(path: &Path) -> Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(path);
    file.with_context(|| format!("cannot open {}", path.display()))
}

fn had(locked: Result<(), TryLockError>) -> Result<bool> {
    match locked {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the home directory"),
    }
}

/// A tenant's turn, or the platform's where that is none; `None` while somebody else has one that it would meet.
pub fn try_take(home: &Home, tenant: Option<&TenantId>) -> Result<Option<Turn>> {
    let locks = Locks(home);
    let Some(tenant) = tenant else {
        let Some(gate) = locks.gate_of_platform()? else { return Ok(None) };
        let tenants = locks.tenants()?;
        return Ok(had(tenants.try_lock())?.then_some(Turn { _held: [gate, tenants] }));
    };
    locks.of_tenant(tenant)
}

/// As [`try_take`], and waits: a tenant for a moment, the platform until acts of tenants are through, within bounds.
pub async fn wait(home: &Home, tenant: Option<&TenantId>) -> Result<Option<Turn>> {
    let begun = Instant::now();
    if tenant.is_some() {
        loop {
            match try_take(home, tenant)? {
                None if begun.elapsed() < MOMENT => tokio::time::sleep(PAUSE).await,
                taken => return Ok(taken),
            }
        }
    }
    match place(home, None).await? {
        Some(place) => place.within(PATIENCE).await,
        None => Ok(None),
    }
}

/// The platform's place, in one tenant or everywhere; the latter is waited for for a moment: `None` while another act of the platform has
/// it.
pub async fn place(home: &Home, tenant: Option<&TenantId>) -> Result<Option<Place>> {
    if let Some(tenant) = tenant {
        return Ok(Some(Place::Within(home.clone(), tenant.clone())));
    }
    let (locks, begun) = (Locks(home), Instant::now());
    loop {
        match locks.gate_of_platform()? {
            None if begun.elapsed() < MOMENT => tokio::time::sleep(PAUSE).await,
            None => return Ok(None),
            Some(gate) => return Ok(Some(Place::Everywhere { gate, tenants: locks.tenants()? })),
        }
    }
}

/// Takes the right to carry out an act of a tenant, or of the platform.
pub async fn turn(host: &Host, tenant: Option<&TenantId>) -> Result<Turn> {
    let Some(turn) = wait(&host.home, tenant).await? else { bail!(busy(host)) };
    Ok(turn)
}

/// Why there is no turn.
pub fn busy(host: &Host) -> String {
    format!("a rotation that meets this one is under way in {}; wait until it is through", host.home.dir().display())
}

/// The one tenant that lies around all of these; `None` where they reach further.
pub async fn whose(host: &Host, extents: &[Extent]) -> Result<Option<TenantId>> {
    let installations = host.store.installations().await?;
    let of = |extent: &Extent| match extent {
        Extent::All | Extent::Provider(_) | Extent::Publisher(_) | Extent::Plugin(_) => None,
        Extent::Tenant(tenant) => Some(tenant.clone()),
        Extent::Connection(key) => Some(key.tenant.clone()),
        Extent::Installation(id) => installations.iter().find(|one| one.id == *id).map(|one| one.tenant.clone()),
    };
    let all: BTreeSet<Option<TenantId>> = extents.iter().map(of).collect();
    Ok(if all.len() == 1 { all.into_iter().next().flatten() } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home, TenantId, TenantId) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        (dir, home, "acme".parse().unwrap(), "other".parse().unwrap())
    }

    #[test]
    fn no_tenant_waits_for_another_and_the_platform_has_it_alone() {
        let (_dir, home, acme, other) = home();
        let held = try_take(&home, Some(&acme)).unwrap();
        assert!(held.is_some());
        assert!(try_take(&home, Some(&acme)).unwrap().is_none(), "one at a time");
        let others = try_take(&home, Some(&other)).unwrap();
        assert!(others.is_some(), "another tenant does not wait");
        assert!(try_take(&home, None).unwrap().is_none(), "the platform's meets both");
        drop((held, others));
        let all = try_take(&home, None).unwrap();
        assert!(all.is_some());
        assert!(try_take(&home, Some(&acme)).unwrap().is_none());
        assert!(try_take(&home, None).unwrap().is_none());
        drop(all);
        assert!(try_take(&home, Some(&acme)).unwrap().is_some());
    }

    #[tokio::test]
    async fn a_tenant_that_rotates_without_end_does_not_keep_the_platform_out() {
        let (_dir, home, acme, other) = home();
        let held = try_take(&home, Some(&acme)).unwrap().unwrap();
        let waits = {
            let home = home.clone();
            tokio::spawn(async move { wait(&home, None).await.unwrap() })
        };
        tokio::time::sleep(PAUSE * 4).await;
        assert!(!waits.is_finished(), "what is under way is waited for");
        assert!(try_take(&home, Some(&other)).unwrap().is_none(), "and nothing begins meanwhile");
        drop(held);
        assert!(waits.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn the_platforms_place_in_one_tenant_waits_for_that_one_alone() {
        let (_dir, home, acme, other) = home();
        let held = try_take(&home, Some(&acme)).unwrap().unwrap();
        let own = place(&home, Some(&acme)).await.unwrap().unwrap();
        assert!(own.within(PAUSE).await.unwrap().is_none(), "what is under way is waited for");
        let others = place(&home, Some(&other)).await.unwrap().unwrap();
        assert!(others.within(PATIENCE).await.unwrap().is_some());
        drop(held);
        let own = place(&home, Some(&acme)).await.unwrap().unwrap();
        assert!(own.within(PATIENCE).await.unwrap().is_some());
    }
}

//! Duties, wired: the facts that postures are computed from, and what a running host does about them by itself.

mod facts;
mod listed;
mod lookout;
mod plan;
mod sheet;
mod watch;

use std::collections::BTreeSet;

use anyhow::Result;
use portcullis_duties::{desk::Desk, posture::Posture};
use portcullis_model::{
    audit::reader::AuditReader, duty::DutyStore as _, id::TenantId, installation::InstallationStore as _,
};

pub use listed::{RiskOf, risk_of, risks};
pub use lookout::{Lookout, elsewhere, unfit};
pub use plan::turned;
pub use sheet::{sheet, sheet_before};
pub use watch::{follow, look, run};

use crate::host::Host;

/// Where people act about duties on this host.
pub fn desk(host: &Host) -> Desk<'_> {
    Desk { catalogue: host.duties.catalogue(), store: host.store.as_ref(), clock: host.clock.as_ref() }
}

/// How a tenant stands now.
pub async fn posture(host: &Host, reader: &dyn AuditReader, tenant: &TenantId) -> Result<Posture> {
    let facts = facts::gather(host, reader, tenant).await?;
    Ok(Posture::new(host.duties.catalogue(), &facts)?)
}

/// All tenants that this host knows of: by an installation, a section of the configuration, or a profile.
pub async fn tenants(host: &Host) -> Result<Vec<TenantId>> {
    let installed = host.store.installations().await?;
    let installed = installed.into_iter().filter(|one| !one.is_gone()).map(|one| one.tenant);
    let on = host.store.duty_state().await?.profiles.into_iter().map(|one| one.tenant);
    let all: BTreeSet<TenantId> = installed.chain(on).chain(host.config.tenants.keys().cloned()).collect();
    Ok(all.into_iter().collect())
}

/// The tenant that is meant: the one that is named, or the only one.
pub async fn tenant(host: &Host, named: Option<TenantId>) -> Result<TenantId> {
    match (named, tenants(host).await?.as_slice()) {
        (Some(tenant), _) => Ok(tenant),
        (None, [one]) => Ok(one.clone()),
        (None, []) => anyhow::bail!("no tenant has anything installed: name one with --tenant"),
        (None, many) => {
            let names: Vec<&str> = many.iter().map(|one| one.as_str()).collect();
            anyhow::bail!("there are {} tenants: name one with --tenant: {}", many.len(), names.join(", "))
        }
    }
}

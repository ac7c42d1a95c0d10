//! Deliveries of events: what became of them, and those that were put aside after their last try, for a person to look at and to have
//! tried again (INC-6).
//!
//! Invariants: what an event holds is not shown; however many a tenant has, another's are found.

mod depth;
mod get;
mod list;
mod retry;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use portcullis_model::{
    audit::plain,
    id::{InstallationId, TenantId},
    installation::InstallationStore,
    people::Resource,
    queue::{DeliveryRow, DeliveryState, Queue},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    admin::{Group, unavailable, unknown},
    problem::Problem,
};

/// What deliveries are looked after with.
pub struct Ports {
    /// Where they are.
    pub queue: Arc<dyn Queue>,
    /// Whose installations are.
    pub installations: Arc<dyn InstallationStore>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>().with::<depth::Depth>().with::<get::Get>().with::<retry::Retry>()
}

const NONE: &str = "There is no delivery with this number; see GET /admin/v1/deliveries.";

/// Which delivery.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// Its number.
    number: u64,
}

/// A delivery. What the event holds is not shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Delivery)]
pub struct DeliveryView {
    /// Its number.
    number: i64,
    /// In which tenant.
    tenant: String,
    /// To which installation.
    installation: String,
    /// Whether it goes to the installation's back end, and not to its plugin.
    back_end: bool,
    /// Where the event came from.
    source: String,
    /// The event's id there.
    event: String,
    /// Its type.
    kind: String,
    /// How far it got: `pending`, `leased`, `done`, or `dead` where it was put aside.
    #[schema(value_type = String)]
    state: DeliveryState,
    /// How often it was tried.
    attempts: u32,
    /// What went wrong last.
    error: Option<String>,
}

impl DeliveryView {
    fn of(row: &DeliveryRow, tenant: &TenantId) -> Self {
        Self {
            number: row.delivery,
            tenant: tenant.to_string(),
            installation: row.installation.to_string(),
            back_end: row.back_end,
            source: plain(&row.source),
            event: plain(&row.event),
            kind: plain(&row.kind),
            state: row.state,
            attempts: row.attempts,
            error: row.error.as_deref().map(plain),
        }
    }
}

impl Ports {
    /// Of which tenant each installation is.
    async fn tenants(&self) -> Result<HashMap<InstallationId, TenantId>, Problem> {
        let all = self.installations.installations().await.map_err(|error| unavailable(&error))?;
        Ok(all.into_iter().map(|one| (one.id, one.tenant)).collect())
    }

    /// A delivery, whatever became of it, with its tenant.
    async fn find(&self, which: &Which) -> Result<(DeliveryRow, TenantId), Problem> {
        let number = i64::try_from(which.number).map_err(|_| unknown(NONE))?;
        let found = self.queue.delivery(number).await.map_err(|error| unavailable(&error))?;
        let tenants = self.tenants().await?;
        let found = found.and_then(|row| tenants.get(&row.installation).cloned().map(|tenant| (row, tenant)));
        found.ok_or_else(|| unknown(NONE))
    }
}

fn resource(row: &DeliveryRow, tenant: TenantId) -> Resource {
    Resource::of(tenant, "delivery").named(row.delivery.to_string())
}

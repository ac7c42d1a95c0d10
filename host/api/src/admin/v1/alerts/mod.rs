//! Alerts, and what becomes of them (MON-4).
//!
//! Invariants: nobody sees or changes an alert of a tenant that they have nothing to do with; each change is an audit entry, written
//! with it.

mod acknowledge;
mod close;
mod get;
mod list;
mod mute;
mod mute_rule;
#[cfg(test)]
mod tests;
mod unmute;
mod unmute_rule;

use std::sync::Arc;

use portcullis_model::{
    alert::{Alert, AlertChange, AlertId, Alerts, ChangeError, MuteScope},
    audit::{Entry, Kind},
    people::Resource,
    time::Clock,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    admin::{Call, Group, Operation, Reply, unavailable, unknown},
    problem::{Problem, Reason},
};

/// What alerts are kept in.
pub struct Ports {
    /// Where alerts are.
    pub alerts: Arc<dyn Alerts>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<get::Get>()
        .with::<acknowledge::Acknowledge>()
        .with::<close::Close>()
        .with::<mute::Mute>()
        .with::<unmute::Unmute>()
        .with::<mute_rule::MuteRule>()
        .with::<unmute_rule::UnmuteRule>()
}

/// Which alert.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// Its id, such as `alr_12`.
    #[param(value_type = String)]
    id: AlertId,
}

/// An alert: by which rule, how severe, about what, which entries are behind it, and what became of it.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = Alert, value_type = Object)]
pub struct AlertView(Alert);

impl Ports {
    async fn find(&self, id: AlertId) -> Result<Alert, Problem> {
        let found = self.alerts.alert(id, self.clock.now()).await.map_err(|error| unavailable(&error))?;
        found.ok_or_else(|| unknown("There is no alert with this id; see GET /admin/v1/alerts."))
    }

    async fn resource(&self, which: &Which) -> Result<Resource, Problem> {
        let of = match self.find(which.id).await?.tenant {
            Some(tenant) => Resource::of(tenant, "alert"),
            None => Resource::of_platform("alert"),
        };
        Ok(of.named(which.id.to_string()))
    }

    /// Changes what became of one; `text` is what whoever does it says.
    async fn change(
        &self,
        id: AlertId,
        change: AlertChange,
        entry: Entry,
        text: Option<(&str, String)>,
    ) -> Result<Reply<AlertView>, Problem> {
        let entry = match text {
            Some((name, text)) => entry.with_personal(name, text),
            None => entry,
        };
        match self.alerts.change_alert(id, change, entry).await {
            Ok(alert) => Ok(Reply::json(AlertView(alert))),
            Err(ChangeError::Unknown(_)) => Err(unknown("There is no alert with this id; see GET /admin/v1/alerts.")),
            Err(ChangeError::Unfit(why)) => Err(Problem::new(Reason::Conflict, format!("{why}."))),
            Err(ChangeError::Store(error)) => Err(unavailable(&error)),
        }
    }
}

/// An entry by whoever asks, about what they ask for.
fn entry<O: Operation>(call: &Call<O>, kind: Kind) -> Entry {
    Entry::new(call.now(), kind, call.actor(), call.resource.tenant.clone())
}

/// What a mute that is begun at an alert is about.
fn scope(alert: Alert, whole_tenant: bool) -> MuteScope {
    let installation = alert.installation.filter(|_| !whole_tenant);
    MuteScope { rule: alert.rule, tenant: alert.tenant, installation }
}

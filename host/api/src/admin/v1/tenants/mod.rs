//! Tenants that leave for good (DAT-10): taken out by their owners, deleted by the platform's, with a certificate of it, and their ids not
//! given again (DAT-11).
//!
//! Invariants: what is taken out is on record before it is handed over; nothing is deleted whose id was not typed once more; what would go is said before; only the platform deletes tenants, no
//! tenant itself and no other.

mod certificate;
mod delete;
mod deletion;
mod export;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use portcullis_model::{audit::Actor, error::StoreError, id::TenantId, people::Resource, time::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    admin::{Group, Parcel, sentence, unavailable, unknown},
    problem::{Problem, Reason},
};

/// A deletion that is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Since when.
    pub begun: Timestamp,
    /// When nothing of the tenant was left; `None`: it goes on.
    pub ended: Option<Timestamp>,
    /// What there was of it when that began: rows, files and records, by part.
    pub found: BTreeMap<String, u64>,
}

/// A certificate, with its signature.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The DSSE envelope, as text.
    pub envelope: String,
    /// Its SHA-256.
    pub digest: String,
    /// The key that it is signed with.
    pub key: String,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// There is nothing of such a tenant.
    #[error("{0}")]
    Nothing(String),
    /// Something stands in the way: what to do about it.
    #[error("{0}")]
    Refused(String),
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NotDone> for Problem {
    fn from(error: NotDone) -> Self {
        match error {
            NotDone::Nothing(why) => unknown(&sentence(&why)),
            NotDone::Refused(why) => Self::new(Reason::Conflict, sentence(&why)),
            NotDone::Store(error) => unavailable(&error),
        }
    }
}

/// Deletes tenants: what the host does about it, however it is asked.
#[async_trait]
pub trait Deletions: Send + Sync {
    /// What a deletion would do.
    ///
    /// # Errors
    /// There is nothing of this tenant.
    async fn plan(&self, tenant: &TenantId) -> Result<Value, NotDone>;

    /// Puts a deletion on record, from when on nothing of the tenant runs or is taken; the running host carries it on. With `contain`,
    /// installations that are active are ended by it.
    ///
    /// # Errors
    /// There is nothing of this tenant, or something stands in the way.
    async fn begin(&self, tenant: &TenantId, contain: bool, by: Actor) -> Result<Deletion, NotDone>;

    /// The deletion of a tenant, where one is on record.
    ///
    /// # Errors
    /// Storage.
    async fn deletion(&self, tenant: &TenantId) -> Result<Option<Deletion>, StoreError>;

    /// Signs that a tenant was deleted.
    ///
    /// # Errors
    /// It is not deleted yet.
    async fn certify(&self, tenant: &TenantId, by: Actor) -> Result<Signed, NotDone>;
}

/// Takes tenants out.
#[async_trait]
pub trait Exports: Send + Sync {
    /// All that is a tenant's own as one tar; that it was taken out is on record then.
    ///
    /// # Errors
    /// There is nothing of this tenant, or it is being handed over already.
    async fn export(&self, tenant: &TenantId, by: Actor) -> Result<Parcel, NotDone>;
}

/// What tenants are taken out and deleted with.
pub struct Ports {
    /// Who deletes them.
    pub deletions: Arc<dyn Deletions>,
    /// Who takes them out.
    pub exports: Arc<dyn Exports>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<export::Export>()
        .with::<delete::Delete>()
        .with::<deletion::Shown>()
        .with::<certificate::Certify>()
}

/// Which tenant.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// Its id.
    #[param(value_type = String)]
    id: TenantId,
}

impl Which {
    /// It is the platform's to say, and not the tenant's own.
    fn resource(&self) -> Resource {
        Resource::of_platform("tenant").named(self.id.to_string())
    }
}

/// How the deletion of a tenant stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = TenantDeletion)]
pub struct DeletionView {
    /// The tenant.
    tenant: String,
    /// Since when its deletion is on record: from then on nothing of it ran or was taken.
    #[schema(format = DateTime)]
    begun: String,
    /// When nothing of it was left; absent while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    ended: Option<String>,
    /// What there was of it: rows, files and records, by part.
    found: BTreeMap<String, u64>,
}

impl DeletionView {
    fn of(tenant: &TenantId, one: Deletion) -> Self {
        Self {
            tenant: tenant.to_string(),
            begun: one.begun.to_string(),
            ended: one.ended.map(|at| at.to_string()),
            found: one.found,
        }
    }
}

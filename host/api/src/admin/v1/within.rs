//! What several lists have in common: they can be asked for one tenant alone.

use portcullis_model::{id::TenantId, people::Resource};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    admin::{Call, Operation},
    problem::Problem,
};

/// Of which tenant.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Within {
    /// Only those in this tenant.
    #[param(value_type = Option<String>)]
    pub tenant: Option<TenantId>,
}

impl Within {
    /// What the request is about, where these are of this kind.
    pub(super) fn resource(&self, kind: &'static str) -> Resource {
        of_tenant(self.tenant.as_ref(), kind)
    }
}

/// What a request about one tenant is about, where it may name none.
pub(super) fn of_tenant(tenant: Option<&TenantId>, kind: &'static str) -> Resource {
    match tenant {
        Some(tenant) => Resource::of(tenant.clone(), kind),
        None => Resource::of_platform(kind),
    }
}

impl<O: Operation> Call<O> {
    /// Of these, what is in the tenant that is asked for, and in one that whoever asks may see.
    pub(super) async fn visible<T>(
        &self,
        tenant: Option<&TenantId>,
        mut all: Vec<T>,
        of: impl Fn(&T) -> &TenantId,
    ) -> Result<Vec<T>, Problem> {
        all.retain(|one| tenant.is_none_or(|tenant| of(one) == tenant));
        let seen = self.seen(all.iter().map(|one| of(one).clone())).await?;
        all.retain(|one| seen.contains(of(one)));
        Ok(all)
    }
}

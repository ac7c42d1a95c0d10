//! Tenants' own OpenID providers, by which their people sign in (ACC-2): which one, what its word is good for, and what has to be registered
//! there.
//!
//! Invariants: the host's secret there is taken and never answered; what is tried out makes every check that the act makes, and
//! writes nothing; a provider that cannot work is not set.

mod get;
mod list;
mod remove;
mod set;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_broker::{
    oidc::{Oidc, OidcError, Party, secret_of},
    vault::Vault,
};
use portcullis_model::{
    id::TenantId,
    people::{AccessSettings, Provider, Resource},
    secret::Slot,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::people;
use crate::{
    admin::{Group, unavailable},
    people::{logout_uri, redirect_uri},
    problem::Problem,
};

/// Asks a provider whether it can be used.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Whether it answers, and publishes what is needed.
    ///
    /// # Errors
    /// What is wrong.
    async fn check(&self, party: &Party) -> Result<(), OidcError>;
}

#[async_trait]
impl Probe for Oidc {
    async fn check(&self, party: &Party) -> Result<(), OidcError> {
        Self::check(self, party).await
    }
}

/// What asks providers: the same one each time, so that it remembers whom it has asked; made when one is asked first.
pub type Asking = Box<dyn Fn() -> Result<Arc<dyn Probe>, String> + Send + Sync>;

/// What providers are looked after with.
pub struct Ports {
    /// Who is who.
    pub people: Arc<people::Ports>,
    /// Where the host's secrets there lie.
    pub vault: Arc<Vault>,
    /// What asks providers.
    pub probe: Asking,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>().with::<get::Get>().with::<set::Set>().with::<remove::Remove>()
}

/// Whose provider.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// The tenant.
    #[param(value_type = String)]
    tenant: TenantId,
}

impl Which {
    fn resource(&self) -> Resource {
        Resource::of(self.tenant.clone(), "access")
    }
}

/// How a tenant's people sign in by a provider of its own.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = SignInProvider)]
pub struct ProviderView {
    /// The tenant.
    tenant: String,
    /// The provider; absent: people sign in with passkeys.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Setting>,
    /// Whether the host has a secret there; without one it is a public client, by PKCE alone.
    has_secret: bool,
    /// The redirect URI to register there, exactly; absent where no address of this host is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<String>,
    /// The address for back-channel logout to register there.
    #[serde(skip_serializing_if = "Option::is_none")]
    logout_uri: Option<String>,
}

/// A provider, and what its word is good for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = SignInProviderSetting)]
pub struct Setting {
    /// Its issuer, exactly as it says it itself.
    #[schema(min_length = 1, max_length = 255)]
    issuer: String,
    /// The host's client id there.
    #[schema(min_length = 1, max_length = 255)]
    client_id: String,
    /// People come in by it alone: passkeys do not work any more, but for owners behind the glass.
    #[serde(default)]
    only: bool,
    /// Values of `acr` that say that it saw a second factor.
    #[serde(default)]
    #[schema(max_items = 16)]
    second_factor_acr: Vec<String>,
    /// Values of `amr` that say so, such as `mfa`.
    #[serde(default)]
    #[schema(max_items = 16)]
    second_factor_amr: Vec<String>,
    /// Nobody comes in for whom it saw no second factor.
    #[serde(default)]
    require_second_factor: bool,
    /// How long ago people may have signed in there, in minutes; absent: however long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    max_age_minutes: Option<u32>,
}

impl From<&Provider> for Setting {
    fn from(one: &Provider) -> Self {
        Self {
            issuer: one.issuer.clone(),
            client_id: one.client_id.clone(),
            only: one.only,
            second_factor_acr: one.mfa_acr.clone(),
            second_factor_amr: one.mfa_amr.clone(),
            require_second_factor: one.needs_mfa,
            max_age_minutes: one.max_age_minutes,
        }
    }
}

/// A provider that was set or taken away, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignInProviderChanged)]
pub struct Changed {
    /// Whether this was a rehearsal: nothing was changed then.
    dry_run: bool,
    /// How people of the tenant sign in then.
    sign_in: ProviderView,
}

/// Where the host's secret at a tenant's provider lies.
fn slot(tenant: &TenantId, settings: &AccessSettings) -> Option<Slot> {
    settings.provider.as_ref().map(|one| secret_of(tenant, &one.issuer, &one.client_id))
}

impl Ports {
    async fn has(&self, slot: Option<&Slot>) -> Result<bool, Problem> {
        match slot {
            None => Ok(false),
            Some(slot) => Ok(self.vault.head(slot).await.map_err(|error| unavailable(&error))?.is_some()),
        }
    }

    fn view(&self, tenant: &TenantId, settings: &AccessSettings, has_secret: bool) -> ProviderView {
        let base = self.people.base().ok();
        ProviderView {
            tenant: tenant.to_string(),
            provider: settings.provider.as_ref().map(Setting::from),
            has_secret,
            redirect_uri: base.map(|base| redirect_uri(base, tenant)),
            logout_uri: base.map(|base| logout_uri(base, tenant)),
        }
    }
}

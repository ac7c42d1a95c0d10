//! `/signin/provider/`: sign-in through a tenant's own OpenID provider, and what else its word is asked for.
//!
//! | file | answers for |
//! |---|---|
//! | `flows` | what was begun, until its answer comes: once, within ten minutes, in the browser that began it |
//! | `begin` | sending the browser there |
//! | `back` | its way back |
//! | `out` | what the provider says is over |
//! | `page` | what a browser is shown where that does not end well |
//!
//! Invariants:
//! - an answer counts in the browser that asked, once: its state is taken out before anything else is looked at;
//! - each tenant's answers come back at an address of its own, and say whom they are from where the provider can say it: what one
//!   provider sends for another is refused;
//! - who is sent on afterwards goes to a page of this host that was fixed before: no request names it;
//! - what binds an identity or steps up needs the session that began it, besides.

mod back;
mod begin;
mod flows;
mod out;
mod page;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use portcullis_broker::{
    oidc::{Oidc, OidcError, Party, secret_of},
    vault::Vault,
};
use portcullis_model::{id::TenantId, people::Provider};

use super::{SignIn, answer::Refused};
use flows::Flows;

/// Tenants' providers, and what is under way with them.
pub struct Providers {
    oidc: Arc<Oidc>,
    vault: Arc<Vault>,
    flows: Flows,
    said: out::Said,
}

impl Providers {
    /// With secrets out of this vault.
    pub fn new(oidc: Arc<Oidc>, vault: Arc<Vault>) -> Self {
        Self { oidc, vault, flows: Flows::default(), said: out::Said::default() }
    }

    /// The host as the provider's client.
    async fn party(&self, tenant: &TenantId, provider: &Provider) -> Result<Party, Refused> {
        let found =
            self.vault.slot(&secret_of(tenant, &provider.issuer, &provider.client_id)).await.map_err(|error| {
                tracing::error!(%error, "a provider's client secret cannot be read");
                Refused::unavailable()
            })?;
        let secret = found.and_then(|(_, opened)| opened.credential.access);
        Ok(Party { issuer: provider.issuer.clone(), client_id: provider.client_id.clone(), secret })
    }
}

/// The address at which a tenant's provider sends people back, under the one that browsers reach the host by. What is registered there.
pub fn redirect_uri(base: &str, tenant: &TenantId) -> String {
    format!("{base}/signin/provider/{tenant}/callback")
}

/// The address at which a tenant's provider says that somebody has signed out there (OpenID Connect Back-Channel Logout 1.0, 2.2).
pub fn logout_uri(base: &str, tenant: &TenantId) -> String {
    format!("{base}/signin/provider/{tenant}/logout")
}

/// The routes.
pub(super) fn routes() -> Router<Arc<SignIn>> {
    Router::new()
        .route("/signin/provider/begin", post(begin::sign_in))
        .route("/signin/provider/join", post(begin::join))
        .route("/signin/provider/bind", post(begin::bind))
        .route("/signin/provider/step-up", post(begin::step_up))
        .route("/signin/provider/{tenant}/callback", get(back::callback))
        .route("/signin/provider/{tenant}/logout", post(out::logged_out))
}

/// What a provider's failure says to whoever came in by it. The log has the whole of it.
fn failed(tenant: &TenantId, error: &OidcError) -> Refused {
    tracing::warn!(%tenant, %error, "a sign-in through a tenant's provider failed");
    match error {
        OidcError::Unreached(_) | OidcError::Unfit(_) => Refused::no_provider(),
        OidcError::Refused(_) | OidcError::Unproved(_) => Refused::from(portcullis_access::AccessError::NotProved),
    }
}

//! The authorization server of a running host, put together.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Result;
use async_trait::async_trait;
use portcullis_broker::{
    authz::{AuthorizationServer, Parts},
    key::Key,
};
use portcullis_capabilities::Catalogue;
use portcullis_model::{
    bounds::Bounds, catalogue::Catalogue as _, installation::Installation, oauth::InstallationAuthority,
    release::Releases as _, scope::ScopeText,
};
use portcullis_packages::check::Registry;

use crate::host::Host;

/// What installations may do: the meet of their layers, from a release that is verified anew each time.
pub struct Layers {
    /// Where releases are checked.
    pub registry: Arc<Registry>,
    /// What holds for every installation.
    pub bounds: Bounds,
}

#[async_trait]
impl InstallationAuthority for Layers {
    async fn authority(&self, installation: &Installation) -> Result<Vec<ScopeText>, String> {
        let release = self.registry.verified(&installation.release_id(), &installation.tenant).await;
        let release = release.map_err(|error| error.to_string())?;
        self.bounds.refresh().await.map_err(|error| error.to_string())?;
        let mut layers = self.bounds.layers(&release, installation).into_iter().map(|(_, scopes)| scopes);
        let first = layers.next().unwrap_or_default();
        layers.try_fold(first, |left, layer| Catalogue.meet(&left, &layer)).map_err(|error| error.to_string())
    }
}

/// What is told where [`key_is_gone`].
pub const KEY_IS_GONE: &str = "keys/oauth.key is missing, though tokens were granted; a new one is made. Grants and refresh tokens stay \
    good, but an answer that got lost just before cannot be given again: its client needs authorization anew. Look what else is \
    missing in keys/, and put it back from a copy";

/// Whether the key is missing that successors of refresh tokens were derived with: it was lost, or `keys/` was not restored.
pub async fn key_is_gone(host: &Host) -> Result<bool> {
    Ok(!host.home.oauth_key().exists() && host.store.has_grants(host.clock.now()).await?)
}

/// The authorization server of a host that listens there; `None`, and a warning, where nobody could reach it safely.
pub fn server(host: &Host, listen: SocketAddr) -> Result<Option<Arc<AuthorizationServer>>> {
    let Some(settings) = host.config.oauth.settings(listen) else {
        tracing::warn!("no tokens are issued: name [oauth] issuer, the https address that the host is reached by");
        return Ok(None);
    };
    let parts = Parts {
        store: host.store.clone(),
        authority: Arc::new(Layers { registry: host.registry.clone(), bounds: host.bounds() }),
        catalogue: Arc::new(Catalogue),
        clock: host.clock.clone(),
        rng: host.rng.clone(),
        key: Key::load(&host.home.oauth_key(), host.rng.as_ref())?,
        freezes: Some(host.freezes.clone()),
        settings,
    };
    Ok(Some(Arc::new(AuthorizationServer::new(parts).with_automation(host.store.clone()))))
}

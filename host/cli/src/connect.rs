//! The host's OAuth client, its desk of consents and what stores connections without one, wired together.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use portcullis_broker::{
    connecting::Connecting, consent::Desk, providers::Providers, resolve::SystemResolver, upstream::Upstream,
};
use portcullis_model::time::{Clock, Rng};
use tokio::sync::watch;

use crate::{config::Config, home::Home, host::Host};

/// How often consents that came to nothing are looked for.
const TIDY: Duration = Duration::from_secs(60);

/// The providers that come with the host, and the operator's own.
pub fn providers(home: &Home) -> Result<Providers> {
    Ok(Providers::load(&home.providers())?)
}

/// The host's OAuth client.
pub fn upstream(home: &Home, config: &Config, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Arc<Upstream>> {
    let (providers, resolver) = (Arc::new(providers(home)?), Arc::new(SystemResolver::default()));
    Ok(Arc::new(Upstream::new(&config.egress()?, resolver, providers, clock, rng)?))
}

/// What sees consents through.
pub fn desk(host: &Host) -> Desk {
    let (store, keeps, upstream) = (host.store.clone(), host.connections.clone(), host.upstream.clone());
    Desk::new(store.clone(), store, keeps, upstream, host.clock.clone(), host.rng.clone())
}

/// What stores connections that no person consents to.
pub fn connecting(host: &Host) -> Connecting {
    Connecting {
        keeps: host.connections.clone(),
        issuer: host.upstream.clone(),
        providers: host.upstream.providers().clone(),
        recorder: host.store.clone(),
        clock: host.clock.clone(),
    }
}

/// Ends consents that came to nothing, until `stop` turns true.
pub async fn tidy(desk: Arc<Desk>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = desk.sweep().await {
            tracing::error!(%error, "consents that came to nothing cannot be ended");
        }
        tokio::select! {
            () = tokio::time::sleep(TIDY) => {}
            _ = stop.changed() => {}
        }
    }
}

//! The host's OAuth client and its desk of consents, wired together.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use portcullis_broker::{consent::Desk, providers::Providers, resolve::SystemResolver, upstream::Upstream};
use tokio::sync::watch;

use crate::{home::Home, host::Host, keeps::Kept};

/// How often consents that came to nothing are looked for.
const TIDY: Duration = Duration::from_secs(60);

/// The providers that come with the host, and the operator's own.
pub fn providers(home: &Home) -> Result<Providers> {
    Ok(Providers::load(&home.providers())?)
}

/// The host's OAuth client.
pub fn upstream(host: &Host) -> Result<Arc<Upstream>> {
    let providers = Arc::new(providers(&host.home)?);
    let resolver = Arc::new(SystemResolver::default());
    let upstream = Upstream::new(&host.config.egress()?, resolver, providers, host.clock.clone(), host.rng.clone())?;
    Ok(Arc::new(upstream))
}

/// What sees consents through.
pub fn desk(host: &Host) -> Result<Desk> {
    let (store, keeps) = (host.store.clone(), Arc::new(Kept::new(host)));
    Ok(Desk::new(store, keeps, upstream(host)?, host.clock.clone(), host.rng.clone()))
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

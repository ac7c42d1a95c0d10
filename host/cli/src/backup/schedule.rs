//! Backups that a running host makes by itself.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::Result;
use portcullis_model::{audit::Actor, time::Timestamp};
use tokio::sync::watch;

use super::{Target, make, make::unstopped, state::BACKUP};
use crate::{config::recipients, host::Host};

/// How often it is looked whether one is due.
const LOOK: Duration = Duration::from_secs(20);
/// How long one that failed is left alone.
const AGAIN: Duration = Duration::from_secs(15 * 60);

/// Makes backups as `[backup]` says, until it is told to stop. One that is being made then is given up.
pub async fn run(host: Arc<Host>, mut stop: watch::Receiver<bool>) {
    let mut not_before = Timestamp(0);
    while !*stop.borrow() {
        match due(&host, not_before).await {
            Ok(Some(target)) => {
                if let Err(error) = make_until(&host, target, &mut stop).await {
                    tracing::error!(%error, "a backup could not be made");
                    not_before = host.clock.now().plus(AGAIN);
                }
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "it cannot be told whether a backup is due"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn due(host: &Host, not_before: Timestamp) -> Result<Option<Target>> {
    let config = &host.config.backup;
    let (Some(every), Some(to)) = (config.every(), &config.to) else { return Ok(None) };
    let (newest, now) = (host.store.newest(BACKUP).await?, host.clock.now());
    if now < not_before || newest.is_some_and(|newest| now < newest.at.plus(every)) {
        return Ok(None);
    }
    let recipients = recipients(&config.recipients)?;
    Ok(Some(Target { to: to.clone(), recipients, keys: config.keys, keep: Some(config.keep) }))
}

async fn make_until(host: &Host, target: Target, stop: &mut watch::Receiver<bool>) -> Result<()> {
    let given_up = unstopped();
    let making = make(&host.home, &host.store, target, (Actor::Host, host.clock.as_ref()), given_up.clone());
    tokio::pin!(making);
    let told = async { drop(stop.wait_for(|stop| *stop).await) };
    let first = tokio::select! {
        made = &mut making => Some(made),
        () = told => None,
    };
    let made = match first {
        Some(made) => made,
        None => {
            given_up.store(true, Ordering::Relaxed);
            making.await
        }
    };
    made.map(|made| tracing::info!(file = %made.file.display(), bytes = made.bytes, "a backup was made"))
}

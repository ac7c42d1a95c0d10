//! How a running host stands: for `/healthz`, `/readyz`, `/metrics` and `/status`, and whom to tell of a vulnerability.
//!
//! Invariants: nothing here changes what the host does; what is recorded is when it was up, and no more often than asked for by the
//! clock; a part that does not answer is said not to work, and holds up no other answer.

pub(crate) mod board;
mod counted;
mod security;
mod standing;
pub mod traces;
mod uptime;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use portcullis_api::{
    ApiConfig, Listener, Refusals,
    audit::Live,
    ops::{Check, Component, Family, Operations, Ops, Status},
    serve_operations,
};
use portcullis_model::time::Timestamp;
pub use security::{Security, security_txt};
pub use standing::Health;
use tokio::sync::watch;
pub use traces::Traces;

use crate::{host::Host, tasks::Alive};

/// How often the host looks after itself.
const LOOK: Duration = Duration::from_secs(15);
/// How long what is over stays on the status page, and how far back availability is shown.
pub(crate) const SHOWN: Duration = Duration::from_secs(90 * 24 * 3600);

/// A running host, to those who watch it.
pub struct Running {
    host: Arc<Host>,
    live: Arc<Live>,
    alive: Alive,
    stopping: watch::Receiver<bool>,
    /// Since when it has been ready without a break.
    run: Mutex<Option<Timestamp>>,
    vault: tokio::sync::Mutex<Option<(Timestamp, Check)>>,
    derived: tokio::sync::Mutex<Option<(Timestamp, Vec<Family>)>>,
}

impl Running {
    /// Looks after this host. `stopping` turns true as soon as it is to end.
    pub fn new(host: Arc<Host>, live: Arc<Live>, alive: Alive, stopping: watch::Receiver<bool>) -> Arc<Self> {
        let (run, vault, derived) = (Mutex::default(), tokio::sync::Mutex::default(), tokio::sync::Mutex::default());
        Arc::new(Self { host, live, alive, stopping, run, vault, derived })
    }

    /// The endpoints about it.
    pub fn endpoints(self: &Arc<Self>) -> Result<Arc<Ops>> {
        Ok(Arc::new(Ops::new(self.clone(), self.host.operator_token()?, self.host.clock.clone())))
    }

    /// Notes from time to time that the host is up, as long as it is ready.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if let Some(bad) = self.checks().await.into_iter().find(|check| !check.ok) {
                tracing::warn!(check = bad.name, says = bad.says, "the host is not ready");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Whether the store can be written: by noting that the host is up, where all else is well.
    async fn store(&self, well: bool) -> Check {
        let now = self.host.clock.now();
        let since = {
            let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
            *run = if well { Some(run.unwrap_or(now)) } else { None };
            *run
        };
        let written = match since {
            Some(since) => self.host.store.seen_up(since, now).await,
            None => self.host.store.can_write().await,
        };
        match written {
            Ok(()) => Check::ok("store", "answers and can be written"),
            Err(error) => {
                *self.run.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Check::bad("store", error.to_string())
            }
        }
    }
}

#[async_trait]
impl Operations for Running {
    fn lives(&self) -> bool {
        self.alive.all() || *self.stopping.borrow()
    }

    async fn checks(&self) -> Vec<Check> {
        let mut checks = self.standing().await;
        let well = checks.iter().all(|check| check.ok);
        checks.push(self.store(well).await);
        checks
    }

    async fn metrics(&self) -> Vec<Family> {
        self.counted().await
    }

    async fn status(&self) -> Status {
        let now = self.host.clock.now();
        let checks = self.checks().await;
        let fine = |names: &[&str]| !checks.iter().any(|check| names.contains(&check.name) && !check.ok);
        let components = vec![
            Component { name: "Events and API", works: fine(&["store", "stopping"]) },
            Component { name: "Plugins", works: fine(&["store", "tasks", "stopping"]) },
            Component { name: "Connections", works: fine(&["store", "vault"]) },
            Component { name: "Audit log", works: fine(&["store", "log"]) },
        ];
        let from = Timestamp(now.0 - i64::try_from(SHOWN.as_millis()).unwrap_or(i64::MAX));
        let announced = self.host.store.announcements(from).await.unwrap_or_default();
        let runs = self.host.store.uptime(from).await.unwrap_or_default();
        let known = self.host.store.first_up().await.ok().flatten();
        let (days, available_percent) = uptime::days(&runs, known, now);
        Status {
            at: now,
            components,
            announced: announced.into_iter().map(board::told).collect(),
            days,
            available_percent,
        }
    }

    fn security_txt(&self) -> Option<String> {
        security_txt(&self.host.config.security, self.host.clock.now())
    }
}

/// A listener for operators alone, where the configuration names one.
pub async fn listener(address: Option<SocketAddr>, host: &Host) -> Result<Option<Listener>> {
    let Some(listen) = address else { return Ok(None) };
    let config = ApiConfig { listen, peers: host.config.listen.peers()? };
    Ok(Some(Listener::bind(config).await.with_context(|| format!("cannot listen on {listen} for operators"))?))
}

/// Serves on it. It ends last, so that whoever watches sees the host end.
pub async fn serve(
    listener: Option<Listener>,
    ops: Arc<Ops>,
    refusals: Arc<Refusals>,
    mut stop: watch::Receiver<bool>,
) {
    match listener {
        Some(listener) => serve_operations(listener, ops, refusals, stop).await,
        None => drop(stop.wait_for(|stop| *stop).await),
    }
}

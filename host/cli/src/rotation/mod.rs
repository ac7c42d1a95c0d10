//! Rotation, wired: what can be rotated on this host, when a freeze is known to hold, and what a running host does by itself.
//!
//! Invariant: acts that meet are carried out one after the other ([`turns`]).

mod by_itself;
mod reach;
mod report;
mod turns;
pub mod workshop;

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use portcullis_broker::authz::family::ClientCredentials;
use portcullis_broker::rotation::{Endings, Families, Fate, Pace, Rotator, Sources, Upstreams};
use portcullis_model::{audit::Actor, id::TenantId};
use serde::Deserialize;

pub use by_itself::run;
pub use reach::AuditReach;
pub(crate) use report::key;
pub use report::{Signed, sign, verify};
pub use turns::{Place, Turn, place, try_take, turn, wait, whose};

use crate::host::Host;

/// What keeps sources' secrets, for this actor.
pub fn sources(host: &Host, actor: Actor) -> Sources {
    Sources {
        sources: host.store.clone(),
        keys: host.store.clone(),
        vault: host.vault().clone(),
        connections: host.connections.clone(),
        clock: host.clock.clone(),
        rng: host.rng.clone(),
        actor,
    }
}

/// What keeps credentials for upstream APIs, for this actor.
pub fn upstreams(host: &Host, actor: Actor) -> Upstreams {
    Upstreams {
        connections: host.connections.clone(),
        issuer: host.upstream.clone(),
        installations: host.store.clone(),
        clock: host.clock.clone(),
        actor,
    }
}

/// What revokes credentials of connections that were ended, for this actor.
pub fn endings(host: &Host, actor: Actor) -> Endings {
    Endings { store: host.store.clone(), upstreams: upstreams(host, actor) }
}

/// What became of an ended credential at its provider, as the admin API answers it.
#[derive(Clone, Debug, Deserialize)]
pub struct Settled {
    /// At which provider, where that is known.
    pub provider: Option<String>,
    fate: String,
    why: Option<String>,
}

impl Settled {
    /// The same, as what it is.
    pub fn fate(&self) -> Fate {
        let why = || self.why.clone().unwrap_or_default();
        match self.fate.as_str() {
            "revoked" => Fate::Revoked,
            "not-offered" => Fate::NotOffered,
            "failed" => Fate::Failed(why()),
            _ => Fate::Later(why()),
        }
    }

    /// The same in words, as a line; of the connection with this name.
    pub fn line(&self, name: &str) -> String {
        upstream(name, self.provider.as_deref(), &self.fate())
    }
}

fn upstream(name: &str, provider: Option<&str>, fate: &Fate) -> String {
    let provider = provider.unwrap_or("its provider");
    match fate {
        Fate::Revoked => format!("\n  {name}: revoked at {provider}"),
        Fate::NotOffered => {
            format!("\n  {name}: {provider} offers no revocation; it lives until it ends or somebody revokes it there")
        }
        Fate::Failed(why) => format!("\n  {name}: NOT REVOKED at {provider}, do so there by hand: {why}"),
        Fate::Later(why) => {
            format!("\n  {name}: {provider} could not be asked, a running host asks again for a day: {why}")
        }
    }
}

/// Everything that can be rotated on this host.
pub fn families(host: &Host, actor: &Actor) -> Families {
    Families::new(vec![
        Arc::new(sources(host, actor.clone())),
        Arc::new(crate::outbound::rotating(host, actor.clone())),
        Arc::new(ClientCredentials { store: host.store.clone(), clock: host.clock.clone(), actor: actor.clone() }),
        Arc::new(upstreams(host, actor.clone())),
        Arc::new(crate::detect::rotating(host, actor.clone())),
    ])
}

/// What carries out acts on this host, in this name, for whoever runs it or for a tenant.
pub fn rotator(host: &Arc<Host>, actor: Actor, platform: bool) -> Rotator {
    Rotator {
        store: host.store.clone(),
        freezes: host.store.clone(),
        families: families(host, &actor),
        reach: Arc::new(AuditReach(host.clone())),
        clock: host.clock.clone(),
        rng: host.rng.clone(),
        actor,
        platform,
        pace: Pace::default(),
    }
}

/// How long old secrets go on beside new ones, as the host's policy and this tenant's say.
pub async fn overlap_of(host: &Host, tenant: Option<&TenantId>) -> Result<Duration> {
    Ok(portcullis_broker::rotation::overlap(host.store.as_ref(), tenant).await?)
}

//! What the admin API does about sources, back ends, where alerts go, notices, rules, sign-in, deleted tenants, the vault and the status
//! page, where there is nothing of any.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_api::{
    admin::{
        Parcel,
        v1::{
            backends::{self, MaySend},
            endpoints,
            notices::{self, Notice, Noticeboard, Whose},
            people,
            releases::{NotScanned, Rescanned, Rescans},
            reviews::{Stopped, Stops},
            rules::{self, NotTried, RuleView, Rulebook, Tried, Wanted, Within},
            sign_in, sources,
            status::{self, Board},
            tenants::{self, Deletion, Deletions, Exports, NotDone, Signed},
            vault as secrets,
            withdrawals::Enforces,
        },
    },
    ops::Announced,
};
use portcullis_broker::{
    connection::Connections,
    key::{Key, service::KeyRing},
    rotation::Sources,
    standard_webhooks::{SigningKeys, alerts::AlertKeys},
    vault::Vault,
};
use portcullis_model::{
    audit::Actor,
    error::StoreError,
    id::TenantId,
    incident::{ChangeError, Incident},
    installation::Installation,
    review::Misbehaviour,
    target::Target,
    time::Timestamp,
};
use serde_json::Value;

use crate::{host::Nothing, world::World};

#[async_trait]
impl MaySend for Nothing {
    async fn refusal(&self, _: &Installation, _: &Target) -> Result<Option<String>, StoreError> {
        Ok(Some("nothing is installed".to_owned()))
    }
}

#[async_trait]
impl Board for Nothing {
    async fn told(&self) -> Result<Vec<Announced>, StoreError> {
        Ok(Vec::new())
    }
    async fn tell_of(&self, _: &Announced, _: Incident, _: Actor) -> Result<(), ChangeError> {
        Ok(())
    }
    async fn tell(&self, _: &Announced, _: Actor) -> Result<bool, StoreError> {
        Ok(true)
    }
    async fn resolve(&self, _: &Announced, _: Actor) -> Result<bool, StoreError> {
        Ok(true)
    }
}

#[async_trait]
impl Stops for Nothing {
    async fn after_report(&self, _: &Misbehaviour) -> Result<Option<Stopped>, String> {
        Ok(None)
    }
}

#[async_trait]
impl Enforces for Nothing {
    async fn mark(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
    async fn receipt(&self, _: u64, _: Option<&TenantId>) -> Result<Value, String> {
        Ok(Value::Null)
    }
}

#[async_trait]
impl Rescans for Nothing {
    fn stops(&self) -> bool {
        false
    }
    async fn rescan(&self, _: Actor, _: bool) -> Result<Rescanned, NotScanned> {
        Err(NotScanned::NoAdvisories("nothing is known".to_owned()))
    }
}

#[async_trait]
impl Deletions for Nothing {
    async fn plan(&self, _: &TenantId) -> Result<Value, NotDone> {
        Err(NotDone::Nothing("there is no such tenant".to_owned()))
    }
    async fn begin(&self, _: &TenantId, _: bool, _: Actor) -> Result<Deletion, NotDone> {
        Err(NotDone::Nothing("there is no such tenant".to_owned()))
    }
    async fn deletion(&self, _: &TenantId) -> Result<Option<Deletion>, StoreError> {
        Ok(None)
    }
    async fn certify(&self, _: &TenantId, _: Actor) -> Result<Signed, NotDone> {
        Err(NotDone::Nothing("there is no such tenant".to_owned()))
    }
}

#[async_trait]
impl Exports for Nothing {
    async fn export(&self, _: &TenantId, _: Actor) -> Result<Parcel, NotDone> {
        Err(NotDone::Nothing("there is no such tenant".to_owned()))
    }
}

fn vault(world: &World) -> Arc<Vault> {
    let ring = KeyRing::of(Key::random(world.rng.as_ref()), world.rng.clone());
    Arc::new(Vault::new(world.store.clone(), ring, world.rng.clone()))
}

/// For back ends.
pub fn backends(world: &World) -> Arc<backends::Ports> {
    let store = world.store.clone();
    let keys = SigningKeys::new(store.clone(), vault(world), world.clock.clone(), world.rng.clone());
    let (outbox, installations) = (store.clone(), store.clone());
    Arc::new(backends::Ports { back_ends: store, outbox, installations, keys, grants: Arc::new(Nothing) })
}

/// For where alerts are posted to.
pub fn endpoints(world: &World) -> Arc<endpoints::Ports> {
    let keys = AlertKeys::new(vault(world), world.clock.clone(), world.rng.clone());
    Arc::new(endpoints::Ports { outbox: world.store.clone(), keys, placed: Default::default() })
}

/// For the stored secrets.
pub fn secrets(world: &World) -> Arc<secrets::Ports> {
    Arc::new(secrets::Ports { vault: vault(world), file: None })
}

/// For sources.
pub fn sources(world: &World) -> Arc<sources::Ports> {
    let (store, clock, rng, vault) = (world.store.clone(), world.clock.clone(), world.rng.clone(), vault(world));
    let connections = Arc::new(Connections::new(vault.clone()).unwrap());
    let kept_by = move |actor| Sources {
        sources: store.clone(),
        keys: store.clone(),
        vault: vault.clone(),
        connections: connections.clone(),
        clock: clock.clone(),
        rng: rng.clone(),
        actor,
    };
    Arc::new(sources::Ports { kept_by: Box::new(kept_by) })
}

/// For tenants' own providers.
pub fn sign_in(world: &World, people: &Arc<people::Ports>) -> Arc<sign_in::Ports> {
    let (people, vault) = (people.clone(), vault(world));
    Arc::new(sign_in::Ports { people, vault, probe: Box::new(|| Err("nobody is asked".to_owned())) })
}

#[async_trait]
impl Noticeboard for Nothing {
    async fn notices(&self, _: &Whose, _: Timestamp) -> Result<Vec<Notice>, StoreError> {
        Ok(Vec::new())
    }
}

/// For notices.
pub fn notices(world: &World) -> Arc<notices::Ports> {
    Arc::new(notices::Ports { board: Arc::new(Nothing), recorder: world.store.clone() })
}

#[async_trait]
impl Rulebook for Nothing {
    fn rules(&self) -> Result<Vec<RuleView>, StoreError> {
        Ok(Vec::new())
    }
    async fn try_out(&self, _: Wanted, _: Within) -> Result<Tried, NotTried> {
        Err(NotTried::Missing)
    }
}

/// For rules.
pub fn rules(world: &World) -> Arc<rules::Ports> {
    Arc::new(rules::Ports { book: Arc::new(Nothing), recorder: world.store.clone() })
}

/// For the status page.
pub fn status(world: &World) -> Arc<status::Ports> {
    Arc::new(status::Ports { board: Arc::new(Nothing), rng: world.rng.clone() })
}

/// For tenants that leave.
pub fn tenants() -> Arc<tenants::Ports> {
    Arc::new(tenants::Ports { deletions: Arc::new(Nothing), exports: Arc::new(Nothing) })
}

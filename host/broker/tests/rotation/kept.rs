//! Credentials in a real vault, used by real requests, issued by the providers of [`upstream`](crate::upstream).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use portcullis_broker::{
    connection::Connections,
    egress::{Config, Outbound, Private},
    issue::Revoked,
    key::{Key, service::KeyRing},
    place::Place,
    resolve::SystemResolver,
    rotation::{Credentials, Families, FreezeBook, Memory, Pace, Reach, Rotator, StepError},
    vault::Vault,
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    egress::Answer,
    error::{ServiceError, StoreError},
    rotation::{Family, Held, Item, Nature, Reached},
    secret::Secret,
    time::{Clock, Timestamp},
};
use portcullis_store::SqliteStore;

use crate::{
    fake::{Counter, held},
    support::world::{World, get},
    upstream::Upstream,
};

/// A clock that goes as time does.
pub struct Ticking(tokio::time::Instant);

impl Default for Ticking {
    fn default() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.0.elapsed().as_millis()).unwrap())
    }
}

/// A vault on a store in a directory that lasts as long as the first value.
pub fn vault() -> (tempfile::TempDir, Arc<Vault>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("host.db")).unwrap());
    let ring = KeyRing::of(Key::random(&Counter::default()), Arc::new(Counter::default()));
    (folder, Arc::new(Vault::new(store, ring, Arc::new(Counter::default()))))
}

struct Kept {
    held: Held,
    token: String,
    previous: Option<String>,
}

/// The keeper.
pub struct Keeper {
    upstreams: Vec<Upstream>,
    all: Mutex<BTreeMap<Item, Kept>>,
    vault: Arc<Vault>,
    pub connections: Arc<Connections>,
}

impl Keeper {
    fn upstream(&self, held: &Held) -> &Upstream {
        let provider = held.provider.as_ref().unwrap().as_str();
        self.upstreams.iter().find(|one| one.name == provider).unwrap()
    }

    fn get(&self, item: &Item) -> (Held, String, Option<String>) {
        let all = self.all.lock().unwrap();
        let kept = all.get(item).unwrap();
        (kept.held.clone(), kept.token.clone(), kept.previous.clone())
    }

    async fn store(&self, item: &Item, place: &Place, token: &str) {
        let entry = Entry::new(Timestamp(0), Kind::ConnectionAdded, Actor::Host, None);
        let secret = Secret::new(token.as_bytes().to_vec());
        let (tenant, installation, place) = (item.tenant.clone(), item.installation.clone(), place.json());
        self.vault.put(tenant, installation, &item.name, &place, &secret, entry).await.unwrap();
    }

    pub fn items(&self) -> Vec<Held> {
        self.all.lock().unwrap().values().map(|kept| kept.held.clone()).collect()
    }
}

#[async_trait]
impl Credentials for Keeper {
    fn families(&self) -> &'static [Family] {
        &[Family::Connection]
    }

    async fn list(&self) -> Result<Vec<Held>, StepError> {
        Ok(self.items())
    }

    async fn revoke_now(&self, item: &Item, _: u64, access_only: bool) -> Result<Revoked, StepError> {
        let (held, token, previous) = self.get(item);
        let upstream = self.upstream(&held);
        tokio::time::sleep(upstream.latency).await;
        upstream.revoke(if access_only { previous.as_ref().unwrap() } else { &token });
        Ok(Revoked::Confirmed)
    }

    async fn renew_now(&self, item: &Item, old: u64, _: Duration) -> Result<u64, StepError> {
        let (held, token, _) = self.get(item);
        if held.generation > old {
            return Ok(held.generation);
        }
        let upstream = self.upstream(&held);
        tokio::time::sleep(upstream.latency).await;
        let new = upstream.mint();
        if held.nature.renewal_ends_old {
            upstream.revoke(&token);
        }
        self.store(item, &Place::bearer(&upstream.host), &new).await;
        {
            let mut all = self.all.lock().unwrap();
            let kept = all.get_mut(item).unwrap();
            kept.previous = Some(std::mem::replace(&mut kept.token, new));
            kept.held.generation += 1;
        }
        Ok(old + 1)
    }

    async fn person_needed(&self, _: &Item, _: u64, _: &str) -> Result<(), StepError> {
        Err(StepError::Store("nobody needs a person here".into()))
    }
}

/// Freezes of a host in this process.
struct Here(Arc<FreezeBook>, Arc<Ticking>);

#[async_trait]
impl Reach for Here {
    async fn reached(&self, _: u64) -> Result<Reached, StoreError> {
        let change = self.0.tighten().await.map_err(|error| StoreError(error.to_string()))?;
        let (ended, left) = change.map_or((0, 0), |change| (change.ended, change.left as u64));
        Ok(Reached { at: self.1.now(), host_runs: true, ended, left })
    }
}

/// A host with credentials of these providers, all in use.
pub struct Stage {
    pub upstreams: Vec<Upstream>,
    pub keeper: Arc<Keeper>,
    pub world: World,
    pub book: Arc<FreezeBook>,
    pub rotator: Rotator,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// So many credentials of each provider, each of an installation of its own.
    pub async fn new(providers: &[(&'static str, Nature, usize)], latency: Duration) -> Self {
        let mut upstreams = Vec::new();
        for (name, ..) in providers {
            upstreams.push(Upstream::start(name, latency).await);
        }
        let (folder, vault) = vault();
        let connections = Arc::new(Connections::new(vault.clone()).unwrap());
        let private =
            |one: &Upstream| Private { host: one.host.clone(), address: one.address, ca_pem: Some(one.ca_pem.clone()) };
        let config = Config {
            private: upstreams.iter().map(private).collect(),
            // A slow machine is not what is tested.
            connect_timeout: Duration::from_secs(25),
            ..Config::default()
        };
        let memory = Arc::new(Memory::default());
        let book = Arc::new(FreezeBook::new(memory.clone(), connections.clone()));
        let clock = Arc::new(Ticking::default());
        let door = Outbound::new(&config, connections.clone(), Arc::new(SystemResolver::default()), clock.clone());
        let mut world = World::new(&Config::default()).await;
        world.door = door.unwrap().under(book.clone());
        let keeper =
            Keeper { upstreams: upstreams.clone(), all: Mutex::default(), vault, connections: connections.clone() };
        for ((name, nature, count), upstream) in providers.iter().zip(&upstreams) {
            for number in 0..*count {
                let held = held(&format!("ins_{name}_{number}"), "api", name, *nature);
                let token = upstream.mint();
                keeper.store(&held.item, &Place::bearer(&upstream.host), &token).await;
                let kept = Kept { held: held.clone(), token, previous: None };
                keeper.all.lock().unwrap().insert(held.item, kept);
            }
        }
        connections.refresh().await.unwrap();
        let keeper = Arc::new(keeper);
        let rotator = Rotator {
            store: memory.clone(),
            freezes: memory,
            families: Families::new(vec![keeper.clone()]),
            reach: Arc::new(Here(book.clone(), clock.clone())),
            clock,
            rng: Arc::new(Counter::default()),
            actor: Actor::Person { name: "dana".into() },
            pace: Pace::default(),
        };
        Self { upstreams, keeper, world, book, rotator, _folder: folder }
    }

    /// Sends one request in the name of this item's installation to its provider.
    pub async fn send(&self, held: &Held) -> Result<Answer, ServiceError> {
        let url = format!("https://{}/x", self.keeper.upstream(held).host);
        self.world.send_as("acme", held.item.installation.as_ref().unwrap().as_str(), get(&url)).await
    }
}

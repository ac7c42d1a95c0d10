//! Credentials in a real vault, used by real requests, issued by the providers of [`upstream`](crate::upstream).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_broker::{
    connection::Connections,
    egress::{Config, Outbound, Private},
    issue::{Conduct, Credential, IssueError, Issued, Issuer, Revoked},
    key::{Key, service::KeyRing},
    place::Place,
    renew::Renewals,
    resolve::SystemResolver,
    rotation::{Families, FreezeBook, Memory, Pace, Reach, Rotator, Upstreams},
    vault::{NewSecret, Vault},
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    connection::Origin,
    egress::Answer,
    error::{ServiceError, StoreError},
    id::ProviderId,
    rotation::{Held, Nature, Reached, Renewal},
    secret::Secret,
    time::{Clock, Timestamp},
};
use portcullis_store::SqliteStore;

use crate::{
    fake::{Counter, held},
    issuing::{Nobody, conduct},
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

/// Issues and revokes at the providers on this machine.
struct Issuing {
    upstreams: Vec<(Upstream, Nature)>,
}

impl Issuing {
    fn of(&self, origin: &Origin) -> &(Upstream, Nature) {
        self.upstreams.iter().find(|(one, _)| one.name == origin.provider.as_str()).unwrap()
    }
}

fn text(secret: &Secret) -> &str {
    std::str::from_utf8(secret.expose()).unwrap()
}

#[async_trait]
impl Issuer for Issuing {
    fn conduct(&self, provider: &ProviderId) -> Option<Conduct> {
        self.upstreams.iter().find(|(one, _)| one.name == provider.as_str()).map(|(_, nature)| conduct(*nature))
    }

    async fn renew(&self, origin: &Origin, credential: &Credential) -> Result<Issued, IssueError> {
        let (upstream, nature) = self.of(origin);
        tokio::time::sleep(upstream.latency / 2).await;
        let access = upstream.mint();
        if nature.renewal_ends_old {
            upstream.revoke(text(credential.access.as_ref().unwrap()));
        }
        // The old one is over already while the answer is on its way.
        tokio::time::sleep(upstream.latency / 2).await;
        let refresh = nature.refresh_once.then(|| Secret::new(format!("refresh-with-{access}").into_bytes()));
        Ok(Issued { access: Secret::new(access.into_bytes()), refresh, lifetime: None, scopes: None })
    }

    async fn revoke(&self, origin: &Origin, credential: &Credential) -> Result<Revoked, IssueError> {
        let (upstream, _) = self.of(origin);
        tokio::time::sleep(upstream.latency).await;
        upstream.revoke(text(credential.access.as_ref().unwrap()));
        Ok(Revoked::Confirmed)
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

/// A host with credentials of these providers, all in use, in a vault, and with what a host rotates them with.
pub struct Stage {
    pub upstreams: Vec<Upstream>,
    pub items: Vec<Held>,
    pub connections: Arc<Connections>,
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
        let clock = Arc::new(Ticking::default());
        let issuer = Arc::new(Issuing {
            upstreams: upstreams.iter().cloned().zip(providers.iter().map(|(_, nature, _)| *nature)).collect(),
        });
        let locks = folder.path().join("locks");
        let renewals =
            Renewals::new(vault.clone(), issuer.clone(), &locks, clock.clone(), Arc::new(Counter::default()));
        connections.renewed_by(Arc::new(renewals.unwrap()));
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
        let door = Outbound::new(&config, connections.clone(), Arc::new(SystemResolver::default()), clock.clone());
        let mut world = World::new(&Config::default()).await;
        world.door = door.unwrap().under(book.clone());
        let mut items = Vec::new();
        for ((name, nature, count), upstream) in providers.iter().zip(&upstreams) {
            for number in 0..*count {
                let held = held(&format!("ins_{name}_{number}"), "api", name, *nature);
                store(&vault, &held, upstream).await;
                items.push(held);
            }
        }
        connections.refresh().await.unwrap();
        let actor = Actor::Person { name: "dana".into() };
        let keeper = Upstreams {
            connections: connections.clone(),
            issuer,
            installations: Arc::new(Nobody),
            clock: clock.clone(),
            actor: actor.clone(),
        };
        let rotator = Rotator {
            store: memory.clone(),
            freezes: memory,
            families: Families::new(vec![Arc::new(keeper)]),
            reach: Arc::new(Here(book.clone(), clock.clone())),
            clock,
            rng: Arc::new(Counter::default()),
            actor,
            platform: true,
            pace: Pace::default(),
        };
        Self { upstreams, items, connections, world, book, rotator, _folder: folder }
    }

    /// Sends one request in the name of this item's installation to its provider.
    pub async fn send(&self, held: &Held) -> Result<Answer, ServiceError> {
        let provider = held.provider.as_ref().unwrap().as_str();
        let url = format!("https://{}/x", self.upstreams.iter().find(|one| one.name == provider).unwrap().host);
        self.world.send_as("acme", held.item.installation.as_ref().unwrap().as_str(), get(&url)).await
    }
}

/// A first pair of this provider.
async fn store(vault: &Vault, held: &Held, upstream: &Upstream) {
    let access = upstream.mint();
    let refresh = (held.nature.renewal == Renewal::RefreshToken).then(|| format!("refresh-with-{access}"));
    let new = NewSecret {
        slot: held.item.key().unwrap().into(),
        place: Place::bearer(&upstream.host).json(),
        origin: Some(Origin {
            provider: upstream.name.parse().unwrap(),
            settings: BTreeMap::new(),
            scopes: Vec::new(),
            risk: None,
        }),
        credential: Credential {
            access: Some(Secret::new(access.into_bytes())),
            refresh: refresh.map(|text| Secret::new(text.into_bytes())),
            client: None,
        },
        expires: None,
    };
    let entry = Entry::new(Timestamp(0), Kind::ConnectionAdded, Actor::Host, None);
    vault.store_new(new, entry).await.unwrap();
}

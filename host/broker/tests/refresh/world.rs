//! A host's part of it: the store in a directory that several processes share, the vault, and the engine.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use portcullis_broker::{
    connection::{Connections, NewConnection},
    issue::Credential,
    key::{Key, service::KeyRing},
    place::Place,
    renew::Renewals,
    vault::Vault,
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    connection::{ConnectionKey, ConnectionView, Origin},
    secret::{Secret, SecretStore as _, Slot},
    time::{Clock, Rng, Timestamp},
};
use portcullis_store::SqliteStore;

use crate::{
    hooked::Hooked,
    provider::{Client, Way, ask, token},
};

/// A clock that is set by hand, in seconds.
#[derive(Default)]
pub struct Time(AtomicI64);

impl Time {
    pub fn set(&self, seconds: i64) {
        self.0.store(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Differs from process to process.
struct Counter(AtomicU64);

impl Rng for Counter {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
    }
}

pub struct World {
    pub store: Arc<SqliteStore>,
    pub time: Arc<Time>,
    pub connections: Arc<Connections>,
    provider: SocketAddr,
}

impl World {
    /// On what lies in this directory. `at` is called at each step.
    pub async fn open(
        dir: &Path,
        provider: SocketAddr,
        at: impl Fn(&'static str) + Clone + Send + Sync + 'static,
    ) -> Self {
        let store = Arc::new(SqliteStore::open(&dir.join("host.db")).unwrap());
        let start = u64::from(std::process::id()) << 32;
        let rng: Arc<dyn Rng> = Arc::new(Counter(AtomicU64::new(start)));
        let hook = at.clone();
        let hooked = Hooked::new(
            store.clone(),
            Box::new(move |step| {
                hook(step);
                Ok(())
            }),
        );
        let ring = KeyRing::of(Key::of(&[3; 32]).unwrap(), rng.clone());
        let vault = Arc::new(Vault::new(Arc::new(hooked), ring, rng.clone()));
        let (time, client) = (Arc::new(Time::default()), Client { address: provider, at: Box::new(at) });
        let renewals = Renewals::new(vault.clone(), Arc::new(client), &dir.join("locks"), time.clone(), rng).unwrap();
        let connections = Arc::new(Connections::new(vault).unwrap());
        connections.renewed_by(Arc::new(renewals));
        assert!(connections.refresh().await.unwrap().is_empty());
        Self { store, time, connections, provider }
    }

    /// Adds a connection with the first pair of its grant.
    pub async fn add(&self, name: &str, way: Way) {
        let secret = |kind: &str| Some(Secret::new(token(kind, name, 0).into_bytes()));
        let origin = Origin {
            provider: way.name().parse().unwrap(),
            settings: Default::default(),
            scopes: Vec::new(),
            risk: None,
        };
        let credential = Credential { access: secret("access"), refresh: secret("refresh"), client: None };
        let place = Place::bearer(&format!("{name}.example.test"));
        let expires = Some(self.time.now().plus(std::time::Duration::from_secs(60)));
        let new = NewConnection { key: key(name), place, origin, credential, expires };
        let entry = Entry::new(self.time.now(), Kind::ConnectionAdded, Actor::Host, None);
        self.connections.put_connection(new, entry).await.unwrap();
    }

    /// What a request carries now, as the provider's `use` takes it.
    pub async fn token(&self, name: &str) -> Result<String, String> {
        let target = format!("https://{name}.example.test/").parse().unwrap();
        let key = key(name);
        let current = self.connections.current(&key.tenant, &key.installation, &target).await;
        let installed = current.map_err(|error| error.to_string())?.unwrap();
        let chosen = installed.for_target(&target);
        Ok(String::from_utf8(chosen[0].secret.expose().to_vec()).unwrap())
    }

    /// A request that the provider answers.
    pub async fn used(&self, name: &str) -> Result<String, String> {
        let token = self.token(name).await?;
        Ok(ask(self.provider, format!("use {token}")).await.unwrap())
    }

    pub async fn view(&self, name: &str) -> ConnectionView {
        self.connections.views().await.unwrap().into_iter().find(|view| view.key.name == name).unwrap()
    }

    /// Fails where a connection has not exactly one current generation, or one that is newer than that.
    pub async fn check_one_current(&self, name: &str) {
        let rows = self.store.slot(&Slot::from(key(name))).await.unwrap().unwrap();
        let current = rows.generations.iter().filter(|row| row.generation == rows.head.generation).count();
        let newest = rows.generations.iter().map(|row| row.generation).max();
        assert_eq!((current, newest), (1, Some(rows.head.generation)), "{name}");
    }
}

pub fn key(name: &str) -> ConnectionKey {
    ConnectionKey { tenant: "acme".parse().unwrap(), installation: "ins_1".parse().unwrap(), name: name.into() }
}

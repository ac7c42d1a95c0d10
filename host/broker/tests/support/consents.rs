//! Consents and credentials in memory, a clock that is set by hand, and a desk over them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use portcullis_broker::{
    consent::{Desk, KeepError, Keeps, Wanted},
    egress::Config,
    issue::Credential,
    place::Place,
    providers::Providers,
    resolve::SystemResolver,
    upstream::Upstream,
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    connection::{ConnectionKey, ConnectionView, Origin, Standing},
    consent::{Consent, ConsentStore, Stage},
    error::StoreError,
    id::{ConsentId, Digest, TenantId},
    installation::{Installation, InstallationState, InstallationStore},
    secret::Secret,
    time::{Clock, Rng, Timestamp},
};
use tokio::sync::Notify;

/// Milliseconds since 1970, or the machine's own time where it was never set.
pub struct Hand(pub AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl Hand {
    pub fn real() -> Self {
        let output = std::process::Command::new("date").arg("+%s").output().unwrap();
        let seconds: i64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        Self(AtomicI64::new(seconds * 1_000))
    }

    pub fn pass(&self, milliseconds: u64) {
        self.0.fetch_add(i64::try_from(milliseconds).unwrap(), Ordering::SeqCst);
    }
}

/// Never twice the same.
#[derive(Default)]
pub struct Dice(AtomicU64);

impl Rng for Dice {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let text = Digest::of(&self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes()).hex();
            chunk.copy_from_slice(&text.as_bytes()[..chunk.len()]);
        }
    }
}

#[derive(Default)]
pub struct Consents {
    rows: Mutex<BTreeMap<String, Consent>>,
    pub entries: Mutex<Vec<Entry>>,
    /// No consent becomes one that was given.
    pub full: AtomicBool,
}

#[async_trait]
impl ConsentStore for Consents {
    async fn put_consent(&self, consent: Consent, expected: Option<u64>, entry: Entry) -> Result<bool, StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let id = consent.id.to_string();
        if rows.get(&id).map(|row| row.revision) != expected {
            return Ok(false);
        }
        if self.full.load(Ordering::SeqCst) && matches!(consent.stage, Stage::Given { .. }) {
            return Err(StoreError("the disk is full".to_owned()));
        }
        self.entries.lock().unwrap().push(entry);
        rows.insert(id, consent);
        Ok(true)
    }
    async fn consent(&self, id: &ConsentId) -> Result<Option<Consent>, StoreError> {
        Ok(self.rows.lock().unwrap().get(id.as_str()).cloned())
    }
    async fn consent_of_link(&self, link: &Digest) -> Result<Option<Consent>, StoreError> {
        Ok(self.rows.lock().unwrap().values().find(|row| row.link == *link).cloned())
    }
    async fn consent_of_state(&self, digest: &Digest) -> Result<Option<Consent>, StoreError> {
        let is = |row: &&Consent| matches!(&row.stage, Stage::Asked { state, .. } if state == digest);
        Ok(self.rows.lock().unwrap().values().find(is).cloned())
    }
    async fn open_consents(&self) -> Result<Vec<Consent>, StoreError> {
        Ok(self.rows.lock().unwrap().values().filter(|row| row.is_open()).cloned().collect())
    }
}

/// The one installation that there is.
pub struct Installed(pub Mutex<InstallationState>);

#[async_trait]
impl InstallationStore for Installed {
    async fn installations(&self) -> Result<Vec<Installation>, StoreError> {
        let ConnectionKey { tenant, installation, .. } = key("desk");
        Ok(vec![Installation {
            id: installation,
            tenant,
            plugin: "com.example.plugin".parse().unwrap(),
            release: Digest::of(b"component"),
            manifest: Digest::of(b"manifest"),
            version: "0.1.0".to_owned(),
            number: 1,
            state: self.0.lock().unwrap().clone(),
            granted: Vec::new(),
            limits: Default::default(),
            upgrades: Default::default(),
            previous: None,
            waiting: None,
            rolled_back: None,
            generation: 1,
        }])
    }
    async fn installations_revision(&self) -> Result<u64, StoreError> {
        Ok(1)
    }
    async fn put_installation(&self, _: Installation, _: Option<u64>, _: Entry) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// Where the one that comes by is held up: it says that it is there, and waits to be let go.
#[derive(Default)]
pub struct Gate {
    pub there: Notify,
    pub go: Notify,
}

pub struct Kept {
    pub place: Place,
    pub origin: Origin,
    pub credential: Credential,
    pub expires: Option<Timestamp>,
    pub generation: u64,
    pub issued: Timestamp,
}

#[derive(Default)]
pub struct Safe {
    pub kept: Mutex<BTreeMap<ConnectionKey, Kept>>,
    pub held: Mutex<BTreeMap<String, Secret>>,
    pub entries: Mutex<Vec<Entry>>,
    pub broken: AtomicBool,
    /// Where the exchange of a code is held up, just before the provider is asked.
    pub gate: Mutex<Option<Arc<Gate>>>,
}

#[async_trait]
impl Keeps for Safe {
    async fn put(
        &self,
        key: &ConnectionKey,
        place: &Place,
        origin: &Origin,
        credential: Credential,
        expires: Option<Timestamp>,
        entry: Entry,
    ) -> Result<u64, KeepError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(KeepError("the disk is full".to_owned()));
        }
        let mut kept = self.kept.lock().unwrap();
        let generation = kept.get(key).map_or(1, |one| one.generation + 1);
        let issued = entry.time;
        self.entries.lock().unwrap().push(entry);
        let one = Kept { place: place.clone(), origin: origin.clone(), credential, expires, generation, issued };
        kept.insert(key.clone(), one);
        Ok(generation)
    }
    async fn credential(&self, key: &ConnectionKey) -> Result<Option<(Origin, Credential)>, KeepError> {
        let kept = self.kept.lock().unwrap();
        Ok(kept.get(key).map(|one| (one.origin.clone(), one.credential.clone())))
    }
    async fn stored_at(&self, key: &ConnectionKey, at: Timestamp) -> Result<bool, KeepError> {
        Ok(self.kept.lock().unwrap().get(key).is_some_and(|one| one.issued == at))
    }
    async fn views(&self) -> Result<Vec<ConnectionView>, KeepError> {
        let kept = self.kept.lock().unwrap();
        let view = |(key, one): (&ConnectionKey, &Kept)| ConnectionView {
            key: key.clone(),
            origin: one.origin.clone(),
            place: serde_json::json!(one.place),
            generation: one.generation,
            issued: one.issued,
            expires: one.expires,
            standing: Standing::Ready,
            unreadable: None,
        };
        Ok(kept.iter().map(view).collect())
    }
    async fn hold(&self, id: &ConsentId, _: &TenantId, client: &Secret, entry: Entry) -> Result<(), KeepError> {
        self.held.lock().unwrap().insert(id.to_string(), client.clone());
        self.entries.lock().unwrap().push(entry);
        Ok(())
    }
    async fn all_held(&self) -> Result<Vec<(ConsentId, TenantId)>, KeepError> {
        let held = self.held.lock().unwrap();
        Ok(held.keys().map(|id| (id.parse().unwrap(), "acme".parse().unwrap())).collect())
    }
    async fn held(&self, id: &ConsentId, _: &TenantId) -> Result<Option<Secret>, KeepError> {
        let held = self.held.lock().unwrap().get(id.as_str()).cloned();
        let gate = self.gate.lock().unwrap().take();
        if let Some(gate) = gate {
            gate.there.notify_one();
            gate.go.notified().await;
        }
        Ok(held)
    }
    async fn release(&self, id: &ConsentId, _: &TenantId) -> Result<(), KeepError> {
        self.held.lock().unwrap().remove(id.as_str());
        Ok(())
    }
}

/// A desk and what is behind it.
pub struct Office {
    pub desk: Arc<Desk>,
    pub upstream: Arc<Upstream>,
    pub store: Arc<Consents>,
    pub safe: Arc<Safe>,
    pub installed: Arc<Installed>,
    pub clock: Arc<Hand>,
}

impl Office {
    /// With hosts placed by this configuration.
    pub fn new(config: &Config, clock: Hand) -> Self {
        let (store, safe, clock) = (Arc::new(Consents::default()), Arc::new(Safe::default()), Arc::new(clock));
        let installed = Arc::new(Installed(Mutex::new(InstallationState::Active)));
        let rng = Arc::new(Dice::default());
        let providers = Arc::new(Providers::built_in().unwrap());
        let resolver = Arc::new(SystemResolver::default());
        let upstream = Arc::new(Upstream::new(config, resolver, providers, clock.clone(), rng.clone()).unwrap());
        let desk = Desk::new(store.clone(), installed.clone(), safe.clone(), upstream.clone(), clock.clone(), rng);
        Self { desk: Arc::new(desk), upstream, store, safe, installed, clock }
    }

    /// All that was written to the log, as text.
    pub fn log(&self) -> String {
        format!("{:?} {:?}", self.store.entries.lock().unwrap(), self.safe.entries.lock().unwrap())
    }

    /// The kinds of entries about consents.
    pub fn kinds(&self) -> Vec<Kind> {
        self.store.entries.lock().unwrap().iter().map(|entry| entry.kind).collect()
    }
}

pub fn key(name: &str) -> ConnectionKey {
    ConnectionKey { tenant: "acme".parse().unwrap(), installation: "ins_1".parse().unwrap(), name: name.to_owned() }
}

pub fn origin(provider: &str, settings: &[(&str, &str)], scopes: &[&str]) -> Origin {
    Origin {
        provider: provider.parse().unwrap(),
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        risk: None,
    }
}

pub fn wanted(name: &str, origin: Origin, host: &str, base: &str) -> Wanted {
    let asked_by = Actor::Person { name: "dana".to_owned() };
    Wanted { key: key(name), origin, place: Place::bearer(host), asked_by, base: base.to_owned() }
}

pub fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

//! A host in small for the tests of the doors: the real store, help desk, ledger and runtime; a release that is believed, an egress
//! that notes what is sent, and a clock that stands still until it is moved.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Entry, Kind, Recorder as _},
    bounds::Bounds,
    egress::{Answer, Egress, SendRequest},
    error::{ServiceError, StoreError},
    id::{Digest, InstallationId, TenantId},
    installation::{Installation, InstallationState},
    limits::Limits,
    oauth::Bearer,
    permit::Spent,
    platform::{Asked, Installed, Platform as _, Refusal, Session},
    release::{ReleaseError, ReleaseId, Releases, VerifiedRelease},
    scope::ScopeText,
    time::{Clock, Rng, Timestamp},
    upgrade::UpgradePolicy,
};
use portcullis_runtime::{Ledger, Runtime, Sandbox, SandboxConfig};
use portcullis_store::{PrivateDirs, SqliteStore, helpdesk::SqliteHelpDesk};

use super::{BackDoor, Doors};
use crate::{Capabilities, Services};

/// What the manifest of the tests asks for: everything.
pub(crate) const ALL: [&str; 8] = [
    "tickets:read fields=*",
    "tickets:comment visibility=*",
    "tickets:write fields=*",
    "tickets:redact",
    "tickets:delete",
    "users:read fields=*",
    "users:organizations fields=*",
    "http:send to=https://hooks.chat.example/* methods=POST",
];

pub(crate) fn scopes(texts: &[&str]) -> Vec<ScopeText> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(crate) struct StillClock(pub AtomicI64);

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct Counting(AtomicU64);

impl Rng for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        buffer.iter_mut().zip(next.iter().rev().cycle()).for_each(|(byte, next)| *byte = *next);
    }
}

/// Believes a release whose component nobody has: who needs to load it fails.
struct Believed;

#[async_trait]
impl Releases for Believed {
    async fn verified(&self, id: &ReleaseId, _: &TenantId) -> Result<VerifiedRelease, ReleaseError> {
        Ok(VerifiedRelease {
            digest: id.component,
            plugin: "com.example.plugin".parse().unwrap(),
            publisher: "com.example".parse().unwrap(),
            version: "1.0.0".into(),
            number: 1,
            asked: scopes(&ALL),
            reviewed: None,
            until: Timestamp(i64::MAX),
            limits: Limits::CEILING,
            destinations: Vec::new(),
        })
    }

    async fn component(&self, id: &ReleaseId) -> Result<Arc<[u8]>, ReleaseError> {
        Err(ReleaseError::Missing(id.component))
    }
}

/// Notes where requests go.
#[derive(Default)]
pub(crate) struct Sent(pub Mutex<Vec<String>>);

#[async_trait]
impl Egress for Sent {
    async fn send(&self, act: Spent<SendRequest>) -> Result<Answer, ServiceError> {
        self.0.lock().unwrap().push(format!("{}{}", act.act().target.origin(), act.act().target.path()));
        Ok(Answer {
            status: 202,
            headers: vec![],
            body: b"ok".to_vec(),
            sent: act.act().body.len() as u64,
            plaintext: false,
        })
    }
}

struct Pseudonyms;

impl portcullis_model::pseudonym::Pseudonyms for Pseudonyms {
    fn keyed(&self, tenant: &TenantId, installation: &InstallationId, purpose: &str, value: &[u8]) -> [u8; 16] {
        let text = [tenant.as_str().as_bytes(), installation.as_str().as_bytes(), purpose.as_bytes(), value].join(&0);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&Digest::of(&text).hex().as_bytes()[..16]);
        bytes
    }
}

struct Listed(Arc<Mutex<Vec<Installation>>>);

#[async_trait]
impl Installed for Listed {
    async fn installation(&self, id: &InstallationId) -> Result<Option<Arc<Installation>>, StoreError> {
        Ok(self.0.lock().unwrap().iter().find(|one| one.id == *id).cloned().map(Arc::new))
    }
}

pub(crate) struct World {
    pub runtime: Arc<Runtime<Capabilities>>,
    pub doors: Doors,
    pub door: BackDoor,
    pub desk: SqliteHelpDesk,
    pub store: Arc<SqliteStore>,
    pub sent: Arc<Sent>,
    pub clock: Arc<StillClock>,
    installed: Arc<Mutex<Vec<Installation>>>,
    _dir: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(StillClock(AtomicI64::new(Timestamp::parse("2026-11-22T12:00:00Z").unwrap().0)));
        let rng: Arc<dyn Rng> = Arc::new(Counting(AtomicU64::new(1)));
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let desk = SqliteHelpDesk::open(&dir.path().join("desk.db"), clock.clone()).unwrap();
        for tenant in ["acme", "other"] {
            desk.seed(&tenant.parse().unwrap()).await.unwrap();
        }
        let sent = Arc::new(Sent::default());
        let services = Services {
            helpdesk: Arc::new(desk.clone()),
            pseudonyms: Arc::new(Pseudonyms),
            kv: Arc::new(store.kv(clock.clone())),
            files: Arc::new(PrivateDirs::open(&dir.path().join("files")).unwrap()),
            egress: sent.clone(),
            clock: clock.clone(),
            rng: rng.clone(),
        };
        let bounds = Bounds { scopes: None, limits: Limits::CEILING, tenants: [].into(), live: None };
        let runtime = Arc::new(Runtime::new(
            Sandbox::new(SandboxConfig { concurrent_calls: 1, memory_mib: 1, scan_memory: false }).unwrap(),
            Capabilities::new(&services),
            Arc::new(Believed),
            store.clone(),
            clock.clone(),
            rng,
            bounds,
            Ledger::new(store.clone(), clock.clone(), [].into()),
        ));
        let installed = Arc::new(Mutex::new(Vec::new()));
        Self {
            doors: Doors::new(runtime.clone()),
            door: BackDoor::new(runtime.clone(), Arc::new(Listed(installed.clone()))),
            runtime,
            desk,
            store,
            sent,
            clock,
            installed,
            _dir: dir,
        }
    }

    /// Installs the plugin with this grant, in the first tenant.
    pub fn install(&self, granted: &[&str], limits: Limits) -> Installation {
        let mut all = self.installed.lock().unwrap();
        let installation = Installation {
            id: format!("ins_{}", all.len() + 1).parse().unwrap(),
            tenant: "acme".parse().unwrap(),
            plugin: "com.example.plugin".parse().unwrap(),
            release: Digest::of(b"component"),
            manifest: Digest::of(b"manifest"),
            version: "1.0.0".into(),
            number: 1,
            state: InstallationState::Active,
            granted: scopes(granted),
            limits,
            upgrades: UpgradePolicy::Manual,
            previous: None,
            waiting: None,
            rolled_back: None,
            generation: 1,
        };
        all.push(installation.clone());
        installation
    }

    /// Changes an installation as somebody else would.
    pub fn change(&self, id: &InstallationId, change: impl FnOnce(&mut Installation)) -> Installation {
        let mut all = self.installed.lock().unwrap();
        let one = all.iter_mut().find(|one| one.id == *id).unwrap();
        change(one);
        one.generation += 1;
        one.clone()
    }

    /// A token's session.
    pub async fn open(&self, bearer: &Bearer) -> Result<Box<dyn Session>, Refusal> {
        self.door.open(bearer, Asked { label: "GET /api/v2/test", trace: None }).await
    }

    pub async fn entries(&self) -> Vec<Entry> {
        self.store.record(Vec::new()).await.unwrap();
        let stored = self.store.entries(0, 100_000).await.unwrap();
        stored.iter().map(|entry| entry.read().unwrap()).collect()
    }

    pub async fn entries_of(&self, kind: Kind) -> Vec<Entry> {
        self.entries().await.into_iter().filter(|entry| entry.kind == kind).collect()
    }
}

/// A token of this installation, for these scopes.
pub(crate) fn bearer(installation: &Installation, narrowed: &[&str]) -> Bearer {
    Bearer {
        client: "client_1".parse().unwrap(),
        tenant: installation.tenant.clone(),
        installation: installation.id.clone(),
        release: installation.release,
        scopes: scopes(narrowed),
        actors: vec!["client_1".into()],
        reference: "tok_1".into(),
        expires: Timestamp(i64::MAX),
    }
}

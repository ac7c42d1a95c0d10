//! Credentials in a real vault, rotated by what a host rotates them with, from providers that are played.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use portcullis_broker::{
    connection::{Connections, NewConnection},
    issue::{Conduct, Credential, IssueError, Issued, Issuer, Revoked},
    key::{
        Key,
        service::{KeyRing, KeyService, ServiceError},
    },
    place::Place,
    renew::Renewals,
    rotation::{Credentials as _, Families, Quiet, StepError, Upstreams},
    vault::Vault,
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    connection::{ConnectionKey, Origin, Standing, Unreadable},
    error::StoreError,
    freeze::Extent,
    id::ProviderId,
    installation::{Installation, InstallationStore},
    rotation::{Item, Nature, Outcome, Renewal, Revocation},
    secret::Secret,
    time::Clock,
};

use portcullis_store::SqliteStore;

use crate::fake::{Counter, Dial, Fake, LASTING, emergency, key, memory, rotator};

/// The nature of a provider's credentials as its conduct.
pub fn conduct(nature: Nature) -> Conduct {
    Conduct {
        renewable: nature.renewal != Renewal::Person,
        own_means: nature.renewal == Renewal::Own,
        renewal_ends_old: nature.renewal_ends_old,
        refresh_once: nature.refresh_once,
        revocable: nature.revocable,
    }
}

/// No installation is known by its plugin.
pub struct Nobody;

#[async_trait]
impl InstallationStore for Nobody {
    async fn installations(&self) -> Result<Vec<Installation>, StoreError> {
        Ok(Vec::new())
    }
    async fn installations_revision(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
    async fn put_installation(&self, _: Installation, _: Option<u64>, _: Entry) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// Issues pairs, and writes down what it was asked to revoke.
#[derive(Default)]
pub struct Played {
    conducts: Mutex<HashMap<String, Conduct>>,
    issued: Mutex<u64>,
    away: AtomicBool,
    revoked: Mutex<Vec<Vec<String>>>,
}

impl Played {
    /// Nobody reaches it to have something revoked.
    pub fn away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// What was revoked since this was last asked.
    pub fn revoked(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.revoked.lock().unwrap())
    }
}

#[async_trait]
impl Issuer for Played {
    fn conduct(&self, provider: &ProviderId) -> Option<Conduct> {
        self.conducts.lock().unwrap().get(provider.as_str()).copied()
    }

    async fn renew(&self, _: &Origin, _: &Credential) -> Result<Issued, IssueError> {
        let mut issued = self.issued.lock().unwrap();
        *issued += 1;
        let secret = |kind: &str| Secret::new(format!("{kind}-new-{issued}").into_bytes());
        let lifetime = Some(Duration::from_secs(3_600));
        Ok(Issued { access: secret("access"), refresh: None, lifetime, scopes: None })
    }

    async fn revoke(&self, _: &Origin, credential: &Credential) -> Result<Revoked, IssueError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(IssueError::NotReached { why: "no route".into(), retry_after: None });
        }
        let text = |one: &Secret| String::from_utf8(one.expose().to_vec()).unwrap();
        let parts = [&credential.refresh, &credential.access].into_iter().flatten().map(text);
        self.revoked.lock().unwrap().push(parts.collect());
        Ok(Revoked::Confirmed)
    }
}

/// A vault, its connections, and the provider that they are from.
pub struct Stage {
    _folder: tempfile::TempDir,
    pub store: Arc<SqliteStore>,
    vault: Arc<Vault>,
    pub connections: Arc<Connections>,
    pub provider: Arc<Played>,
    pub clock: Dial,
    pub keeper: Upstreams,
}

impl Stage {
    pub fn new(nature: Nature) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("host.db")).unwrap());
        let vault = Arc::new(vault_of(&store, 1));
        let provider = Arc::new(Played::default());
        provider.conducts.lock().unwrap().insert("chat".into(), conduct(nature));
        let clock = Dial::default();
        let locks = folder.path().join("locks");
        let times: Arc<dyn Clock> = Arc::new(clock.clone());
        let renewals =
            Renewals::new(vault.clone(), provider.clone(), &locks, times.clone(), Arc::new(Counter::default()));
        let connections = Arc::new(Connections::new(vault.clone()).unwrap());
        connections.renewed_by(Arc::new(renewals.unwrap()));
        let keeper = Upstreams {
            connections: connections.clone(),
            issuer: provider.clone(),
            installations: Arc::new(Nobody),
            clock: times,
            actor: Actor::Person { name: "dana".into() },
        };
        Self { _folder: folder, store, vault, connections, provider, clock, keeper }
    }

    /// The same rows, seen by a host whose key is another one.
    pub fn with_another_key(&self) -> Arc<Connections> {
        Arc::new(Connections::new(Arc::new(vault_of(&self.store, 2))).unwrap())
    }

    /// The same rows, seen by a host whose key is kept by a program that does not answer so many times.
    pub fn with_key_program(&self, silent: usize) -> Arc<Connections> {
        let program = Arc::new(Program { ring: ring_of(1), silent: AtomicUsize::new(silent) });
        let vault = Vault::new(self.store.clone(), KeyRing::new(program), Arc::new(Counter::default()));
        Arc::new(Connections::new(Arc::new(vault)).unwrap())
    }

    /// Stores what a person consented to, with an access token that lasts so many seconds.
    pub async fn consented(&self, number: u64, lasts: Option<u64>) -> u64 {
        let secret = |kind: &str| Some(Secret::new(format!("{kind}-given-{number}").into_bytes()));
        let origin =
            Origin { provider: "chat".parse().unwrap(), settings: BTreeMap::new(), scopes: Vec::new(), risk: None };
        let new = NewConnection {
            key: name(),
            place: Place::bearer("chat.example.test"),
            origin,
            credential: Credential { access: secret("access"), refresh: secret("refresh"), client: None },
            expires: lasts.map(|seconds| self.clock.now().plus(Duration::from_secs(seconds))),
        };
        let entry = Entry::new(self.clock.now(), Kind::ConnectionAdded, Actor::Host, None);
        self.connections.put_connection(new, entry).await.unwrap()
    }

    pub async fn standing(&self) -> (u64, Standing) {
        let view = self.connections.views().await.unwrap().remove(0);
        (view.generation, view.standing)
    }
}

fn ring_of(key: u8) -> KeyRing {
    KeyRing::of(Key::of(&[key; 32]).unwrap(), Arc::new(Counter::default()))
}

fn vault_of(store: &Arc<SqliteStore>, key: u8) -> Vault {
    Vault::new(store.clone(), ring_of(key), Arc::new(Counter::default()))
}

/// Keeps a key as a program does, and does not answer so many times.
struct Program {
    ring: KeyRing,
    silent: AtomicUsize,
}

#[async_trait]
impl KeyService for Program {
    async fn names(&self) -> Result<Vec<String>, ServiceError> {
        Ok(vec![self.ring.preferred().await?])
    }

    async fn wrap(&self, name: &str, key: &Key, context: &[u8]) -> Result<Vec<u8>, ServiceError> {
        self.ring.wrap(name, key, context).await
    }

    async fn unwrap(&self, name: &str, wrapped: &[u8], context: &[u8]) -> Result<Key, ServiceError> {
        let less = |left: usize| left.checked_sub(1);
        if self.silent.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            return Err(ServiceError::Program { program: "keys".into(), problem: "no answer".into() });
        }
        self.ring.unwrap(name, wrapped, context).await
    }
}

pub fn name() -> ConnectionKey {
    key("ins_1", "chat")
}

fn item() -> Item {
    Item::connection(name())
}

pub fn text(lines: &[&[&str]]) -> Vec<Vec<String>> {
    lines.iter().map(|line| line.iter().map(ToString::to_string).collect()).collect()
}

#[tokio::test]
async fn a_newer_one_of_the_same_grant_goes_with_the_one_that_a_person_must_replace() {
    let stage = Stage::new(LASTING);
    stage.consented(1, Some(3_600)).await;
    // A renewal that was under way when it was listed.
    assert_eq!(stage.keeper.renew_now(&item(), 1, Duration::ZERO).await.unwrap(), 2);
    stage.keeper.person_needed(&item(), 1, "a breach").await.unwrap();
    assert!(matches!(stage.standing().await, (2, Standing::Revoked { .. })), "its refresh token is the thief's too");
    let installed = stage.connections.of(&name().tenant, &name().installation).unwrap();
    assert!(installed.connections().is_empty(), "it is in no request");
    stage.keeper.person_needed(&item(), 1, "a breach").await.unwrap();
}

#[tokio::test]
async fn what_a_person_put_in_its_place_is_left_alone_and_said() {
    let stage = Stage::new(LASTING);
    stage.consented(1, Some(3_600)).await;
    stage.consented(2, Some(3_600)).await;
    assert_eq!(stage.keeper.person_needed(&item(), 1, "a breach").await, Err(StepError::Replaced(2)));
    assert_eq!(stage.standing().await, (2, Standing::Ready));
    assert!(stage.vault.forget(&name().into()).await.unwrap());
    assert_eq!(stage.keeper.person_needed(&item(), 1, "a breach").await, Err(StepError::Gone));
}

#[tokio::test]
async fn access_tokens_from_before_that_live_on_are_revoked_with_it() {
    let stage = Stage::new(LASTING);
    stage.consented(1, Some(3_600)).await;
    for generation in 2..=3 {
        assert_eq!(stage.keeper.renew_now(&item(), generation - 1, Duration::ZERO).await.unwrap(), generation);
    }
    assert_eq!(stage.keeper.revoke_now(&item(), 3, false).await.unwrap(), Revoked::Confirmed);
    let all = text(&[&["refresh-given-1", "access-new-2"], &["access-given-1"], &["access-new-1"]]);
    assert_eq!(stage.provider.revoked(), all);
    assert_eq!(stage.keeper.revoke_now(&item(), 2, true).await.unwrap(), Revoked::Confirmed);
    assert_eq!(stage.provider.revoked(), text(&[&["access-new-1"], &["access-given-1"]]));
    // What has ended by itself is nobody's concern.
    stage.clock.0.store(3_600_000, Ordering::Relaxed);
    stage.keeper.revoke_now(&item(), 3, true).await.unwrap();
    assert_eq!(stage.provider.revoked(), text(&[&["access-new-2"]]));
}

#[tokio::test]
async fn what_was_revoked_stays_revoked_whoever_asks() {
    let stage = Stage::new(LASTING);
    stage.consented(1, Some(3_600)).await;
    stage.keeper.person_needed(&item(), 1, "a breach").await.unwrap();
    assert_eq!(stage.keeper.renew_now(&item(), 1, Duration::ZERO).await, Err(StepError::Gone));
    assert!(matches!(stage.standing().await, (1, Standing::Revoked { .. })));
    assert_eq!(*stage.provider.issued.lock().unwrap(), 0, "nobody is asked");
    assert_eq!(stage.consented(2, None).await, 2);
    assert_eq!(stage.standing().await, (2, Standing::Ready), "only a person brings it back");
}

#[tokio::test]
async fn what_cannot_be_read_has_a_line_that_says_what_a_person_must_do() {
    let stage = Stage::new(LASTING);
    stage.consented(1, Some(3_600)).await;
    let mut keeper = stage.keeper.clone();
    keeper.connections = stage.with_another_key();
    let memory = memory();
    let mut rotator = rotator(&memory, &Fake::new([]), &stage.clock);
    rotator.families = Families::new(vec![Arc::new(keeper.clone())]);
    let extent = Extent::Provider("chat".parse().unwrap());
    let (_, lines) = rotator.carry_out(emergency(extent), Arc::new(Quiet)).await.unwrap();
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert_eq!((line.outcome, line.revocation), (Outcome::PersonNeeded, Revocation::Failed));
    let why = line.why.as_deref().unwrap();
    assert!(why.contains("cannot be read: revoke it by hand at chat"), "{why}");
    let standing = keeper.connections.views().await.unwrap().remove(0);
    assert!(matches!(standing.standing, Standing::Revoked { .. }));
    assert_eq!(standing.unreadable, Some(Unreadable::Lost));
    assert_eq!(stage.provider.revoked(), Vec::<Vec<String>>::new());
}

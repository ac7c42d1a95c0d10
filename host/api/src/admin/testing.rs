//! What the tests of operations share: a frame over a real store, and the ports that they need beside it.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use portcullis_model::{
    audit::{
        Actor, Entry, Kind,
        query::Filter,
        reader::{AuditReader, Found, Shown, Window},
    },
    authority::{Layer, Standing},
    catalogue::{Catalogue, Interface, ScopeDescription, WasiImport},
    error::StoreError,
    id::Digest,
    installation::{Installation, InstallationState},
    people::{Action, Caller, Decide, Holding, Needs, Principal, Reach, Refusal, Resource, Why},
    release::StoredRelease,
    scope::{ScopeError, ScopeText},
    secret::Secret,
    time::{Clock, Rng, Timestamp},
    trust::{RootScope, TrustStore as _},
};
use portcullis_packages::{
    bundle,
    check::{Registry, Rules},
    dsse::Envelope,
    keys::SecretKey,
    publish::sign_release,
    release_dir::ReleaseFiles,
    trust::root::{Publisher, Role, Root},
};
use portcullis_store::{AuditIndex, SqliteStore};

use super::{Frame, OperatorOnly, v1::people::tests::Counting};

/// A time and a random source that stand still.
pub struct Fixed;

/// The present moment of [`Fixed`].
pub const NOW: Timestamp = Timestamp(1_800_000_000_000);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        NOW
    }
}

impl Rng for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

/// Knows no scope.
pub struct NoScopes;

impl Catalogue for NoScopes {
    fn names(&self) -> &[&'static str] {
        &[]
    }
    fn describe(&self, _: &ScopeText) -> Result<Vec<ScopeDescription>, ScopeError> {
        Ok(Vec::new())
    }
    fn interface(&self, _: &str) -> Option<&'static Interface> {
        None
    }
    fn wasi(&self, _: &str) -> Option<WasiImport> {
        None
    }
    fn standing(&self, _: &[(Layer, Vec<ScopeText>)], _: &ScopeText) -> Result<Standing, ScopeError> {
        unreachable!("nobody asks")
    }
    fn meet(&self, _: &[ScopeText], _: &[ScopeText]) -> Result<Vec<ScopeText>, ScopeError> {
        Ok(Vec::new())
    }
}

/// A store's log, of which everything is published.
pub struct Reader {
    store: SqliteStore,
    index: AuditIndex,
}

impl Reader {
    pub fn of(dir: &Path, store: &SqliteStore) -> Self {
        Self { store: store.clone(), index: AuditIndex::new(&dir.join("audit-index.db"), store.clone()) }
    }
}

#[async_trait]
impl AuditReader for Reader {
    async fn written(&self) -> Result<u64, StoreError> {
        self.store.entry_count().await
    }

    async fn published(&self) -> Result<u64, StoreError> {
        self.written().await
    }

    async fn search(&self, filter: &Filter, window: Window) -> Result<Found, StoreError> {
        self.index.search(filter, window).await
    }

    async fn follow(&self, from: u64, most: usize) -> Result<Vec<Shown>, StoreError> {
        self.index.entries(from, most).await
    }

    async fn add_leaves(&self, _: &mut [Shown]) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A frame over this store, in which the operator's token is this one and nobody else may do anything.
pub fn frame(store: &SqliteStore, token: &[u8]) -> Arc<Frame> {
    frame_with(store, token, Arc::new(OperatorOnly))
}

/// The same, where somebody else decides.
pub fn frame_with(store: &SqliteStore, token: &[u8], decide: Arc<dyn Decide>) -> Arc<Frame> {
    Arc::new(Frame::new(Arc::new(Fixed), Secret::new(token.to_vec()), decide, Arc::new(store.clone())))
}

/// A registry over this store, in which nothing is trusted.
pub fn registry(store: &SqliteStore) -> Arc<Registry> {
    let store = Arc::new(store.clone());
    Arc::new(Registry::new(store.clone(), store, Digest::of(b"none"), Arc::new(NoScopes), Arc::new(Fixed)))
}

/// Lets everybody do everything where they hold a role, and nothing elsewhere.
pub struct Own;

#[async_trait]
impl Decide for Own {
    async fn decide(&self, caller: &Caller, _: &Action, at: &Resource) -> Result<Result<(), Refusal>, StoreError> {
        let may = match &caller.reach {
            Reach::Everything => true,
            Reach::Holdings(all) => all.iter().any(|holding| holding.tenant == at.tenant),
        };
        let needs = Needs::Role { one_of: Vec::new() };
        Ok(if may { Ok(()) } else { Err(Refusal { rule: Why::NoRole, needs, who: String::new() }) })
    }
}

/// An admin of this tenant alone.
pub fn of(tenant: &str) -> Caller {
    holder(Some(tenant))
}

/// An admin of the platform, who reaches no tenant.
pub fn of_platform() -> Caller {
    holder(None)
}

fn holder(tenant: Option<&str>) -> Caller {
    let holding = Holding {
        tenant: tenant.map(|tenant| tenant.parse().unwrap()),
        role: "admin".parse().unwrap(),
        until: None,
        support: None,
        break_glass: false,
    };
    let principal = Principal::Automation("cli_1".parse().unwrap());
    Caller { principal, reach: Reach::Holdings(vec![holding]), ..dana() }
}

/// Somebody at the terminal.
pub fn dana() -> Caller {
    Caller::at_the_terminal(Actor::Person { name: "dana".into() }, NOW)
}

/// An installation that is active.
pub fn installation(id: &str, tenant: &str) -> Installation {
    Installation {
        id: id.parse().unwrap(),
        tenant: tenant.parse().unwrap(),
        plugin: "com.example.a".parse().unwrap(),
        release: Digest::of(b"component"),
        manifest: Digest::of(b"manifest"),
        version: "1.0.0".into(),
        number: 1,
        state: InstallationState::Active,
        granted: Vec::new(),
        limits: Default::default(),
        upgrades: Default::default(),
        previous: None,
        waiting: None,
        rolled_back: None,
        generation: 1,
    }
}

/// A registry in which somebody is trusted, and their keys.
pub struct Keepers {
    pub registry: Arc<Registry>,
    /// Signs releases of `com.example`.
    pub publisher: SecretKey,
    /// Withdraw releases and give overrides: each alone signs too little.
    pub ann: SecretKey,
    pub bob: SecretKey,
    /// Keeps the root of acme, and withdraws by it.
    pub acme: SecretKey,
}

fn alone(key: String) -> Role {
    Role { keys: [key].into(), threshold: 1 }
}

/// Puts these roots into a store.
pub async fn keepers(store: &SqliteStore) -> Keepers {
    let rng = Counting::default();
    let [own, publisher, ann, bob, acme] = std::array::from_fn(|_| SecretKey::generate(&rng));
    let until = Timestamp(NOW.0 + 86_400_000);
    let mut root = Root::new(RootScope::Platform, &own.public(), "the keeper", until);
    let publishes = root.know(&publisher.public(), "a publisher");
    root.publishers = Some(vec![Publisher { prefix: "com.example".parse().unwrap(), role: alone(publishes) }]);
    let both = [root.know(&ann.public(), "ann"), root.know(&bob.public(), "bob")].into();
    root.withdrawals = Role { keys: both, threshold: 2 };
    root.overrides = root.withdrawals.clone();
    let first = root.signed(&own).unwrap();
    let mut of_acme = Root::new(RootScope::Tenant("acme".parse().unwrap()), &acme.public(), "acme's keeper", until);
    of_acme.withdrawals = alone(acme.public().keyid());
    let theirs = of_acme.signed(&acme).unwrap().signed_also(&own).unwrap();
    for (scope, envelope) in [(RootScope::Platform, &first), (of_acme.scope.clone(), &theirs)] {
        let entry = Entry::new(NOW, Kind::TrustChanged, Actor::Host, scope.tenant().cloned());
        assert!(store.put_root(scope, 1, envelope.to_json(), entry).await.unwrap());
    }
    let (shared, anchor) = (Arc::new(store.clone()), Digest::of(first.unverified()));
    let registry = Registry::new(shared.clone(), shared, anchor, Arc::new(NoScopes), Arc::new(Fixed));
    Keepers { registry: Arc::new(registry), publisher, ann, bob, acme }
}

/// An envelope as JSON has it.
pub fn json_of(envelope: &Envelope) -> serde_json::Value {
    serde_json::from_str(&envelope.to_json()).unwrap()
}

/// What a rehearsal answered to be signed.
pub fn to_sign(tried: &serde_json::Value) -> Vec<u8> {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.decode(tried["sign"]["payload"].as_str().unwrap()).unwrap()
}

/// The manifest of release 1 of a plugin that does nothing.
pub const MANIFEST: &str = r#"id = "com.example.quiet"
name = "Quiet"
version = "1.0.0"
release = 1
publisher = "com.example"
summary = "Does nothing at all"
terms = "https://example.com/terms"
privacy = "https://example.com/privacy"
support = "mailto:help@example.com"
"#;

/// The smallest component that there is.
pub const COMPONENT: &[u8] = b"\0asm\x0d\x00\x01\x00";

/// That plugin's release of this number in one file, signed with this key.
pub fn packed(key: &SecretKey, number: u64) -> Vec<u8> {
    let manifest = MANIFEST.replace("release = 1", &format!("release = {number}"));
    let rules = Rules { catalogue: &NoScopes };
    let envelope = sign_release(COMPONENT, &manifest, key, rules).unwrap().to_json();
    let stored = StoredRelease { digest: Digest::of(COMPONENT), manifest, envelope };
    bundle::to_bytes(&ReleaseFiles::new(stored, COMPONENT.to_vec().into())).unwrap()
}

//! What the tests of reviews share: a release of nothing that was handed in, a root with a reviewer, and both in a store.

use async_trait::async_trait;
use axum::{Router, http::Method};
use portcullis_model::{
    audit::{Entry, Kind},
    behaviour::{Corpus, Determinism, FORMAT, Report, Subject},
    error::StoreError,
    explain::Explained,
    id::ActId,
    installation::{Installation, InstallationState},
    people::{Caller, Decide},
    release::{ReleaseStore as _, StoredRelease},
    review::{Misbehaviour, Step},
    trust::TrustStore as _,
};
use portcullis_packages::{
    check::Rules,
    keys::{PublicKey, SecretKey},
    publish::sign_release,
    statement::{Statement, Verdict},
    trust::root::{Publisher, Role, Root},
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{
    Local, LocalAnswer, Routes,
    testing::{self, COMPONENT, MANIFEST},
    v1::people::tests::Counting,
};

/// Knows no act, and says that whatever is reported was quarantined; what is reported as this is uninstalled meanwhile.
pub struct Elsewhere(pub SqliteStore);

pub const GOES: &str = "uninstalled meanwhile";

#[async_trait]
impl Explain for Elsewhere {
    async fn explain(&self, _: &ActId) -> Result<Option<Explained>, StoreError> {
        unreachable!("nothing is explained")
    }
    async fn entry(&self, id: &ActId) -> Result<Option<Entry>, StoreError> {
        assert_ne!(id.as_str(), "call_many.1", "more are named than are looked for");
        Ok(None)
    }
}

#[async_trait]
impl Stops for Elsewhere {
    async fn after_report(&self, report: &Misbehaviour) -> Result<Option<Stopped>, String> {
        if report.reason == GOES {
            let old = self.0.installation(&report.installation).await.unwrap().unwrap();
            let state = InstallationState::Uninstalled {
                since: testing::NOW,
                reason: GOES.to_owned(),
                purge_at: testing::NOW,
                held: None,
            };
            let (generation, entry) = (old.generation, told(Kind::PluginUninstalled));
            let gone = Installation { state, generation: generation + 1, ..old };
            assert!(self.0.put_installation(gone, Some(generation), entry).await.unwrap());
        }
        Ok(Some(Stopped::Quarantined))
    }
}

/// What reviews are done with over this store.
pub fn ports(store: &SqliteStore, registry: Arc<Registry>, rng: Arc<dyn Rng>) -> Ports {
    let shared = Arc::new(store.clone());
    Ports {
        registry,
        reviews: shared.clone(),
        installations: shared.clone(),
        explain: Arc::new(Elsewhere(store.clone())),
        stops: Arc::new(Elsewhere(store.clone())),
        recorder: shared,
        clock: Arc::new(testing::Fixed),
        rng,
    }
}

/// A submission that dana handed in.
pub struct World {
    pub store: SqliteStore,
    pub of: Submission,
    /// A reviewer of the platform's root.
    pub ann: SecretKey,
    /// Nobody.
    pub eve: SecretKey,
    /// Signs releases of `com.example`.
    pub publisher: SecretKey,
    router: Router,
    _dir: tempfile::TempDir,
}

fn told(kind: Kind) -> Entry {
    Entry::new(testing::NOW, kind, Actor::Host, None)
}

/// The platform's first root, in which this key publishes and that one reviews.
fn root(own: &SecretKey, publisher: &PublicKey, reviewer: &PublicKey) -> Root {
    let until = portcullis_model::time::Timestamp(testing::NOW.0 + 86_400_000);
    let mut root = Root::new(RootScope::Platform, &own.public(), "the keeper", until);
    let keys = [root.know(publisher, "a publisher")].into();
    let role = Role { keys, threshold: 1 };
    root.publishers = Some(vec![Publisher { prefix: "com.example".parse().unwrap(), role }]);
    let reviewer = root.know(reviewer, "ann");
    root.reviewers.insert(reviewer);
    root
}

impl World {
    pub async fn new() -> Self {
        Self::with(Arc::new(testing::Own)).await
    }

    /// One in which this decides who may do what.
    pub async fn with(decide: Arc<dyn Decide>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
        let rng = Counting::default();
        let [own, publisher, ann, eve] = std::array::from_fn(|_| SecretKey::generate(&rng));
        let first = root(&own, &publisher.public(), &ann.public()).signed(&own).unwrap();
        let put = store.put_root(RootScope::Platform, 1, first.to_json(), told(Kind::TrustChanged)).await;
        assert!(put.unwrap());
        let rules = Rules { catalogue: &testing::NoScopes };
        let envelope = sign_release(COMPONENT, MANIFEST, &publisher, rules).unwrap().to_json();
        let stored = StoredRelease { digest: Digest::of(COMPONENT), manifest: MANIFEST.to_owned(), envelope };
        let id = stored.id();
        store.put_release(stored, COMPONENT.to_vec().into()).await.unwrap();
        let of = Submission {
            component: id.component,
            manifest: id.manifest,
            plugin: "com.example.quiet".parse().unwrap(),
            publisher: "com.example".parse().unwrap(),
            version: "1.0.0".into(),
            number: 1,
        };
        let note = Note { at: testing::NOW, by: "dana".into(), root: RootScope::Platform, step: Step::Submitted };
        assert!(store.put_note(of.clone(), 0, note, told(Kind::ReviewSubmitted)).await.unwrap());
        let anchor = Digest::of(first.unverified());
        Self { router: router(&store, anchor, decide), store, of, ann, eve, publisher, _dir: dir }
    }

    /// Where the submission is, with this behind it.
    pub fn at(&self, then: &str) -> String {
        format!("/reviews/{}/{}{then}", self.of.component, self.of.manifest)
    }

    pub async fn ask(&self, by: &Caller, method: Method, path: &str, body: Value) -> LocalAnswer {
        let body = Some(&body).filter(|body| !body.is_null());
        Local::new(self.router.clone(), by.clone()).ask(method, path, None, body).await
    }

    /// Sends a release as a bundle.
    pub async fn send(&self, by: &Caller, path: &str, bundle: Vec<u8>) -> LocalAnswer {
        Local::new(self.router.clone(), by.clone()).send(path, "application/octet-stream", bundle).await
    }

    /// Asks as dana, who is at the terminal.
    pub async fn post(&self, path: &str, body: Value) -> LocalAnswer {
        self.ask(&testing::dana(), Method::POST, path, body).await
    }

    pub async fn get(&self, path: &str) -> LocalAnswer {
        self.ask(&testing::dana(), Method::GET, path, Value::Null).await
    }

    /// How many entries the log has.
    pub async fn written(&self) -> u64 {
        self.store.entry_count().await.unwrap()
    }

    /// A behaviour report of this release.
    pub fn report(&self) -> Report {
        let inputs = std::collections::BTreeMap::new();
        Report {
            format: FORMAT.into(),
            release: Subject {
                plugin: self.of.plugin.clone(),
                version: self.of.version.clone(),
                release: self.of.number,
                component: self.of.component,
                manifest: self.of.manifest,
            },
            tool: "test".into(),
            seed: 1,
            corpus: Corpus { digest: Digest::of(b""), inputs, kinds: Vec::new(), statuses: Vec::new() },
            passes: Vec::new(),
            determinism: Determinism::default(),
        }
    }
}

fn router(store: &SqliteStore, anchor: Digest, decide: Arc<dyn Decide>) -> Router {
    let (shared, clock) = (Arc::new(store.clone()), Arc::new(testing::Fixed));
    let registry = Registry::new(shared.clone(), shared, anchor, Arc::new(testing::NoScopes), clock);
    let ports = ports(store, Arc::new(registry), Arc::new(Counting::default()));
    let frame = testing::frame_with(store, b"operator", decide);
    Routes::new(frame).mount(operations(), Arc::new(ports)).router()
}

/// The envelope around what a rehearsal answered, signed with this key.
pub fn signed(tried: &Value, key: &SecretKey) -> Value {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let payload = BASE64_STANDARD.decode(tried["sign"]["payload"].as_str().unwrap()).unwrap();
    let statement = Statement::<Verdict>::parse(&payload).unwrap();
    serde_json::from_str(&statement.signed(key).unwrap().to_json()).unwrap()
}

/// A request to approve with this key.
pub fn approval(key: &SecretKey) -> Value {
    json!({ "decision": "approve", "reason": "it does nothing", "key": key.public().keyid() })
}

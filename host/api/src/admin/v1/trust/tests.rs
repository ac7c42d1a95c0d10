use axum::{
    Router,
    http::{Method, StatusCode},
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::Digest,
    people::Caller,
    time::Timestamp,
    trust::TrustStore as _,
};
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    keys::SecretKey,
    trust::{
        root::{Role, Root},
        withdrawal::{Act, Target, Withdrawal},
    },
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing, v1::people::tests::Counting};

const CHANGES: &str = "/trust/changes";
const TRIED: &str = "/trust/changes?dry_run=true";
const DAY: i64 = 86_400_000;

fn until(days: i64) -> Timestamp {
    Timestamp(testing::NOW.0 + days * DAY)
}

/// A host with a root of the platform's, which one key keeps.
struct World {
    store: Arc<SqliteStore>,
    keeper: SecretKey,
    acme: SecretKey,
    root: Root,
    router: Router,
    _dir: tempfile::TempDir,
}

fn sent(envelope: &Envelope) -> Value {
    json!({ "envelope": serde_json::from_str::<Value>(&envelope.to_json()).unwrap() })
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let rng = Counting::default();
        let [keeper, acme] = std::array::from_fn(|_| SecretKey::generate(&rng));
        let root = Root::new(RootScope::Platform, &keeper.public(), "the keeper", until(1));
        let first = root.signed(&keeper).unwrap();
        let told = Entry::new(testing::NOW, Kind::TrustChanged, Actor::Host, None);
        assert!(store.put_root(RootScope::Platform, 1, first.to_json(), told).await.unwrap());
        let (anchor, clock) = (Digest::of(first.unverified()), Arc::new(testing::Fixed));
        let registry = Registry::new(store.clone(), store.clone(), anchor, Arc::new(testing::NoScopes), clock.clone());
        let ports = Arc::new(Ports { registry: Arc::new(registry), clock });
        let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
        let router = Routes::new(frame).mount(operations(), ports).router();
        Self { store, keeper, acme, root, router, _dir: dir }
    }

    /// The platform's next version.
    fn next(&self) -> Root {
        Root { version: 2, expires: until(90), ..self.root.clone() }
    }

    /// The first root of acme's own, signed by its keeper alone.
    fn of_acme(&self) -> Envelope {
        let scope = RootScope::Tenant("acme".parse().unwrap());
        Root::new(scope, &self.acme.public(), "ada", until(30)).signed(&self.acme).unwrap()
    }

    async fn at(&self, by: Caller, method: Method, path: &str, body: Value) -> LocalAnswer {
        let body = Some(&body).filter(|body| !body.is_null());
        Local::new(self.router.clone(), by).ask(method, path, None, body).await
    }

    async fn post(&self, path: &str, envelope: &Envelope) -> LocalAnswer {
        self.at(testing::dana(), Method::POST, path, sent(envelope)).await
    }

    async fn scopes(&self, by: Caller, path: &str) -> Vec<Value> {
        let list = self.at(by, Method::GET, path, Value::Null).await;
        assert_eq!(list.status, StatusCode::OK, "{}", list.body);
        list.body["items"].as_array().unwrap().iter().map(|one| one["root"]["scope"].clone()).collect()
    }

    async fn written(&self) -> u64 {
        self.store.entry_count().await.unwrap()
    }
}

#[tokio::test]
async fn a_next_version_is_tried_out_taken_once_and_on_record() {
    let world = World::new().await;
    let next = world.next().signed(&world.keeper).unwrap();
    let before = world.written().await;
    let tried = world.post(TRIED, &next).await;
    assert_eq!((tried.status, &tried.body["version"]), (StatusCode::OK, &json!(2)), "{}", tried.body);
    let shown = world.at(testing::dana(), Method::GET, "/trust", Value::Null).await;
    assert_eq!(shown.body["items"][0]["root"]["version"], 1, "nothing was taken: {}", shown.body);
    assert_eq!(world.written().await, before);
    let taken = world.post(CHANGES, &next).await;
    assert_eq!((taken.status, &taken.body["scope"]), (StatusCode::OK, &json!("platform")), "{}", taken.body);
    assert_eq!(taken.body["expires"], until(90).to_string());
    assert_eq!(world.written().await, before + 1, "it is in the log");
    let shown = world.at(testing::dana(), Method::GET, "/trust?root=platform", Value::Null).await;
    let first = &shown.body["items"][0];
    assert_eq!((&first["root"]["version"], &first["expired"]), (&json!(2), &json!(false)), "{}", shown.body);
    for path in [TRIED, CHANGES] {
        assert_eq!(world.post(path, &next).await.status, StatusCode::CONFLICT, "it comes after another one");
    }
}

#[tokio::test]
async fn what_its_keepers_did_not_sign_or_what_is_over_is_refused_by_the_rehearsal_too() {
    let world = World::new().await;
    let before = world.written().await;
    let over = Root { expires: until(-1), ..world.next() }.signed(&world.keeper).unwrap();
    let strangers = world.next().signed(&world.acme).unwrap();
    for envelope in [&over, &strangers, &world.of_acme()] {
        for path in [TRIED, CHANGES] {
            let refused = world.post(path, envelope).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        }
    }
    let withdrawal = Envelope::sign(PayloadType::Withdrawal, b"{}".to_vec(), &world.keeper).unwrap();
    let elsewhere = world.post(CHANGES, &withdrawal).await;
    assert_eq!(elsewhere.status, StatusCode::BAD_REQUEST, "{}", elsewhere.body);
    for place in ["POST /admin/v1/withdrawals", "trust apply"] {
        assert!(elsewhere.body["detail"].as_str().unwrap().contains(place), "{}", elsewhere.body);
    }
    let none = world.at(testing::dana(), Method::POST, CHANGES, json!({ "envelope": {} })).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST, "{}", none.body);
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn a_tenant_sees_and_changes_its_own_root_alone() {
    let world = World::new().await;
    let (acme, other) = (|| testing::of("acme"), || testing::of("umbrella"));
    let first = world.of_acme().signed_also(&world.keeper).unwrap();
    for (by, envelope, status) in [
        (acme(), world.next().signed(&world.keeper).unwrap(), StatusCode::FORBIDDEN),
        (other(), first.clone(), StatusCode::NOT_FOUND),
        (acme(), first, StatusCode::OK),
    ] {
        let answer = world.at(by, Method::POST, CHANGES, sent(&envelope)).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    assert_eq!(world.scopes(testing::dana(), "/trust").await, [json!("platform"), json!("tenant:acme")]);
    assert_eq!(world.scopes(acme(), "/trust").await, [json!("tenant:acme")]);
    assert_eq!(world.scopes(acme(), "/trust?root=tenant:acme").await, [json!("tenant:acme")]);
    assert_eq!(world.scopes(acme(), "/trust?root=platform").await, Vec::<Value>::new());
    assert_eq!(world.scopes(other(), "/trust").await, Vec::<Value>::new());
    let hidden = world.at(other(), Method::GET, "/trust?root=tenant:acme", Value::Null).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{}", hidden.body);
}

#[tokio::test]
async fn a_rehearsal_says_which_withdrawals_would_be_over() {
    let world = World::new().await;
    let mut second = world.next();
    let id = second.know(&world.acme.public(), "who withdraws");
    second.withdrawals = Role { keys: [id.clone()].into(), threshold: 1 };
    assert_eq!(world.post(CHANGES, &second.signed(&world.keeper).unwrap()).await.status, StatusCode::OK);
    let target = Target::PublisherKey { key: world.keeper.public().keyid() };
    let quarantine = Withdrawal { what: Act::Quarantine { target }, reason: "stolen".into(), issued: testing::NOW };
    let told = Entry::new(testing::NOW, Kind::ReleaseWithdrawn, Actor::Host, None);
    let signed = quarantine.signed(&world.acme).unwrap();
    world.store.put_withdrawal(signed.to_json(), told).await.unwrap();
    let mut third = Root { version: 3, withdrawals: Role::default(), ..second };
    third.revoked.keys.insert(id);
    let third = third.signed(&world.keeper).unwrap();
    for path in [TRIED, CHANGES] {
        let answer = world.post(path, &third).await;
        let over = &answer.body["withdrawals-over"];
        assert_eq!(over[0]["digest"], Digest::of(signed.unverified()).to_string(), "{}", answer.body);
        assert_eq!((over.as_array().unwrap().len(), &answer.body["withdrawals-back"]), (1, &json!([])));
    }
}

use axum::{
    Router,
    http::{Method, StatusCode},
};
use portcullis_model::people::Caller;
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    keys::SecretKey,
};
use portcullis_store::SqliteStore;
use serde_json::json;

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing};

/// Suspends one installation in each of two tenants, and says of whom it was asked.
struct Two;

#[async_trait]
impl Enforces for Two {
    async fn mark(&self) -> Result<u64, StoreError> {
        Ok(7)
    }

    async fn receipt(&self, since: u64, of: Option<&TenantId>) -> Result<Value, String> {
        let suspended = json!([{ "tenant": "acme" }, { "tenant": "globex" }]);
        Ok(json!({ "since": since, "of": of, "suspended": suspended }))
    }
}

struct World {
    store: SqliteStore,
    keys: testing::Keepers,
    router: Router,
    _dir: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
        let keys = testing::keepers(&store).await;
        let clock = Arc::new(testing::Fixed);
        let ports = Ports { registry: keys.registry.clone(), enforces: Arc::new(Two), clock };
        let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
        let router = Routes::new(frame).mount(operations(), Arc::new(ports)).router();
        Self { store, keys, router, _dir: dir }
    }

    async fn ask(&self, by: &Caller, path: &str, body: &Value) -> LocalAnswer {
        Local::new(self.router.clone(), by.clone()).ask(Method::POST, path, None, Some(body)).await
    }

    async fn post(&self, path: &str, body: &Value) -> LocalAnswer {
        self.ask(&testing::dana(), path, body).await
    }

    /// This request with what its rehearsal by this caller answered, signed by these.
    async fn signed(&self, by: &Caller, path: &str, body: &Value, keys: &[&SecretKey]) -> Value {
        let more = if path.contains('?') { "&" } else { "?" };
        let tried = self.ask(by, &format!("{path}{more}dry_run=true"), body).await;
        assert_eq!(tried.status, StatusCode::OK, "{}", tried.body);
        let (first, others) = keys.split_first().unwrap();
        let first = Envelope::sign(PayloadType::Withdrawal, testing::to_sign(&tried.body), *first);
        let all = others.iter().fold(first.unwrap(), |envelope, key| envelope.signed_also(*key).unwrap());
        with(body, "envelope", testing::json_of(&all))
    }

    async fn in_force(&self) -> Vec<Value> {
        let local = Local::new(self.router.clone(), testing::dana());
        let list = local.ask(Method::GET, "/withdrawals", None, None).await;
        list.body["items"].as_array().unwrap().clone()
    }
}

fn with(body: &Value, name: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[name] = value;
    body
}

fn quarantine() -> Value {
    let target = json!({ "type": "releases", "plugin": "com.example.quiet", "from": 1, "to": 1 });
    json!({ "act": "quarantine", "target": target, "reason": "under investigation" })
}

#[tokio::test]
async fn only_what_was_asked_for_is_filed_and_only_where_enough_have_signed() {
    let world = World::new().await;
    let (dana, path, new) = (testing::dana(), "/withdrawals", quarantine());
    let before = world.store.entry_count().await.unwrap();
    let (ann, bob) = (&world.keys.ann, &world.keys.bob);
    let few = world.signed(&dana, path, &new, &[ann]).await;
    let tried = world.post("/withdrawals?dry_run=true", &few).await.body;
    assert!(tried["by"].is_null() && tried["lacks"].as_str().unwrap().contains("'withdrawals'"), "{tried}");
    let both = world.signed(&dana, path, &new, &[ann, bob]).await;
    let tried = world.post("/withdrawals?dry_run=true", &both).await.body;
    assert_eq!((&tried["by"], &tried["lacks"]), (&json!("platform"), &Value::Null), "{tried}");
    let backwards = json!({ "type": "releases", "plugin": "com.example.quiet", "from": 3, "to": 1 });
    for (path, body, status, says) in [
        (path, new.clone(), StatusCode::BAD_REQUEST, "dry_run=true"),
        ("/withdrawals?dry_run=true", with(&new, "target", backwards), StatusCode::BAD_REQUEST, "from 3 to 1"),
        ("/withdrawals?dry_run=true", with(&new, "reason", json!(" ")), StatusCode::BAD_REQUEST, "reason"),
        (path, few, StatusCode::UNPROCESSABLE_ENTITY, "nobody who may do that signed it"),
        (path, with(&both, "reason", json!("another")), StatusCode::UNPROCESSABLE_ENTITY, "not what this asks for"),
        (path, with(&both, "act", json!("yank")), StatusCode::UNPROCESSABLE_ENTITY, "not what this asks for"),
        ("/withdrawals?root=tenant:acme", both.clone(), StatusCode::UNPROCESSABLE_ENTITY, "root=platform"),
    ] {
        let refused = world.post(path, &body).await;
        assert_eq!(refused.status, status, "{says}: {}", refused.body);
        assert!(refused.body["detail"].as_str().unwrap().contains(says), "{says}: {}", refused.body);
    }
    let stranger = world.ask(&testing::of("acme"), path, &both).await;
    assert_eq!(stranger.status, StatusCode::FORBIDDEN, "{}", stranger.body);
    assert_eq!(world.store.entry_count().await.unwrap(), before, "nothing was done");
    let filed = world.post(path, &both).await;
    assert_eq!((filed.status, &filed.body["receipt"]["since"]), (StatusCode::OK, &json!(7)), "{}", filed.body);
    assert_eq!(filed.body["receipt"]["suspended"].as_array().unwrap().len(), 2);
    assert_eq!(world.in_force().await[0]["digest"], filed.body["digest"]);
    assert_eq!(world.store.entry_count().await.unwrap(), before + 1);
}

#[tokio::test]
async fn a_quarantine_is_lifted_by_the_root_whose_it_is() {
    let world = World::new().await;
    let (dana, keys) = (testing::dana(), [&world.keys.ann, &world.keys.bob]);
    let filed = world.post("/withdrawals", &world.signed(&dana, "/withdrawals", &quarantine(), &keys).await).await;
    let path = format!("/withdrawals/{}/lift", filed.body["digest"].as_str().unwrap());
    let lift = json!({ "reason": "a false alarm" });
    let none = format!("/withdrawals/{}/lift?dry_run=true", portcullis_model::id::Digest::of(b"none"));
    assert_eq!(world.post(&none, &lift).await.status, StatusCode::NOT_FOUND);
    let theirs = world.ask(&testing::of("acme"), &format!("{path}?root=tenant:acme&dry_run=true"), &lift).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND, "the platform's: {}", theirs.body);
    let signed = world.signed(&dana, &path, &lift, &keys).await;
    assert_eq!(world.in_force().await.len(), 1, "a rehearsal lifts nothing");
    assert_eq!(world.post(&path, &signed).await.status, StatusCode::OK);
    assert!(world.in_force().await.is_empty());
    assert_eq!(world.post(&path, &signed).await.status, StatusCode::NOT_FOUND, "once");
}

#[tokio::test]
async fn what_a_tenant_withdraws_at_home_is_its_own() {
    let world = World::new().await;
    let (admin, path) = (testing::of("acme"), "/withdrawals?root=tenant:acme");
    let signed = world.signed(&admin, path, &quarantine(), &[&world.keys.acme]).await;
    let others = world.ask(&testing::of("globex"), path, &signed).await;
    assert_eq!(others.status, StatusCode::NOT_FOUND, "{}", others.body);
    let filed = world.ask(&admin, path, &signed).await;
    assert_eq!((filed.status, &filed.body["by"]), (StatusCode::OK, &json!("tenant:acme")), "{}", filed.body);
    let receipt = &filed.body["receipt"];
    assert_eq!((&receipt["of"], &receipt["suspended"]), (&json!("acme"), &json!([{ "tenant": "acme" }])));
}

use axum::http::{Method, StatusCode};
use portcullis_broker::authz::clients::{Registration, register};
use portcullis_model::{
    audit::Actor,
    authority::{Layer, Standing},
    catalogue::{Interface, ScopeDescription, WasiImport},
    id::Digest,
    oauth::{Authentication, Change, Decision, Put},
    people::Caller,
    scope::{Risk, ScopeError},
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing, v1::people::tests::Counting};

/// Knows what is asked for here, and keeps of it what is named.
struct Two;

impl Catalogue for Two {
    fn names(&self) -> &[&'static str] {
        &["tickets", "log"]
    }
    fn describe(&self, scope: &ScopeText) -> Result<Vec<ScopeDescription>, ScopeError> {
        let words = format!("it does what '{scope}' says");
        Ok(vec![ScopeDescription { words, risk: Risk::Low, classes: Vec::new(), destinations: Vec::new() }])
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
    fn meet(&self, a: &[ScopeText], b: &[ScopeText]) -> Result<Vec<ScopeText>, ScopeError> {
        Ok(a.iter().filter(|one| b.contains(one)).cloned().collect())
    }
}

struct World {
    store: Arc<SqliteStore>,
    router: axum::Router,
    _dir: tempfile::TempDir,
}

fn told(kind: Kind) -> Entry {
    Entry::new(Timestamp(1), kind, Actor::Host, Some("acme".parse().unwrap()))
}

fn pending(client: &Client, code: &str) -> Pending {
    Pending {
        id: format!("req_{code}").parse().unwrap(),
        browser: Digest::of(b"browser"),
        code: code.to_owned(),
        client: client.id.clone(),
        tenant: client.tenant.clone(),
        redirect: "https://back.example/cb".to_owned(),
        state: None,
        challenge: "x".to_owned(),
        audience: "https://api.example".to_owned(),
        scopes: vec!["log:write".parse().unwrap(), "tickets:read fields=subject".parse().unwrap()],
        jkt: None,
        created: testing::NOW,
        expires: Timestamp(testing::NOW.0 + 600_000),
        decision: Decision::Waiting,
        version: 1,
    }
}

impl World {
    /// A client of acme's, with two requests that wait.
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let (one, rng) = (testing::installation("ins_1", "acme"), Counting::default());
        portcullis_model::installation::InstallationStore::put_installation(
            store.as_ref(),
            one.clone(),
            None,
            told(Kind::PluginInstalled),
        )
        .await
        .unwrap();
        let registration = Registration {
            authentication: Authentication::Dpop,
            keys: Vec::new(),
            redirects: vec!["https://back.example/cb".to_owned()],
            overlap_seconds: 60,
        };
        let made = register(store.as_ref(), &one, registration, (&rng, Timestamp(1)), told(Kind::ClientRegistered));
        let client = made.await.unwrap();
        for code in ["BCDF-GHJK", "LMNP-QRST"] {
            let pending = Some(Put { row: pending(&client, code), expected: None });
            let entries = vec![told(Kind::AuthorizationAsked)];
            assert!(store.change(Change { pending, entries, ..Change::default() }).await.unwrap());
        }
        let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
        let ports = Ports { store: store.clone(), catalogue: Arc::new(Two), clock: Arc::new(testing::Fixed) };
        let router = Routes::new(frame).mount(operations(), Arc::new(ports)).router();
        Self { store, router, _dir: dir }
    }

    async fn ask(&self, by: &Caller, method: Method, path: &str, body: Value) -> LocalAnswer {
        let body = Some(&body).filter(|body| !body.is_null());
        Local::new(self.router.clone(), by.clone()).ask(method, path, None, body).await
    }

    async fn waiting(&self, by: &Caller) -> Vec<Value> {
        let list = self.ask(by, Method::GET, "/authorizations", Value::Null).await;
        assert_eq!(list.status, StatusCode::OK, "{}", list.body);
        list.body["items"].as_array().unwrap().clone()
    }

    async fn decision(&self, code: &str) -> Decision {
        let found = self.store.pending_by(&format!("req_{code}").parse().unwrap()).await.unwrap();
        found.unwrap().decision
    }
}

#[tokio::test]
async fn what_waits_is_listed_in_words_and_agreed_to_in_part() {
    let (world, acme) = (World::new().await, testing::of("acme"));
    let all = world.waiting(&acme).await;
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!((&all[0]["code"], &all[0]["redirect"]), (&json!("BCDF-GHJK"), &json!("https://back.example/cb")));
    let read = json!({
        "scope": "tickets:read fields=subject", "words": ["it does what 'tickets:read fields=subject' says"]
    });
    assert_eq!(all[0]["scopes"][1], read);
    let before = world.store.entry_count().await.unwrap();
    let (path, narrow) = ("/authorizations/bcdfghjk/approve", json!({ "scopes": ["tickets:read fields=subject"] }));
    let tried = world.ask(&acme, Method::POST, &format!("{path}?dry_run=true"), narrow.clone()).await;
    assert_eq!((tried.status, &tried.body["scopes"]), (StatusCode::OK, &json!([read])), "{}", tried.body);
    assert_eq!(world.decision("BCDF-GHJK").await, Decision::Waiting);
    assert_eq!(world.store.entry_count().await.unwrap(), before, "a rehearsal writes nothing");
    let done = world.ask(&acme, Method::POST, path, narrow).await;
    assert_eq!((done.status, &done.body["dry_run"]), (StatusCode::OK, &json!(false)), "{}", done.body);
    let scopes = vec!["tickets:read fields=subject".parse().unwrap()];
    assert_eq!(world.decision("BCDF-GHJK").await, Decision::Approved { scopes });
    let entry = world.store.entries(before, 9).await.unwrap().remove(0).read().unwrap();
    assert_eq!((entry.kind, entry.actor), (Kind::AuthorizationDecided, acme.actor.clone()));
    let again = world.ask(&acme, Method::POST, path, json!({})).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "decided already: {}", again.body);
    assert_eq!(world.waiting(&acme).await.len(), 1);
}

#[tokio::test]
async fn what_would_leave_nothing_is_refused_and_a_refusal_is_a_decision() {
    let (world, dana) = (World::new().await, testing::dana());
    let path = "/authorizations/LMNP-QRST/approve";
    for (body, status) in [
        (json!({ "scopes": ["kv:read"] }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "scopes": [] }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "scopes": ["Kv read"] }), StatusCode::BAD_REQUEST),
        (json!({ "scope": "kv:read" }), StatusCode::BAD_REQUEST),
    ] {
        let refused = world.ask(&dana, Method::POST, path, body.clone()).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.body);
    }
    let deny = "/authorizations/LMNP-QRST/deny";
    let tried = world.ask(&dana, Method::POST, &format!("{deny}?dry_run=true"), Value::Null).await;
    assert_eq!(tried.body["authorization"]["code"], "LMNP-QRST", "{}", tried.body);
    assert_eq!(world.decision("LMNP-QRST").await, Decision::Waiting);
    assert_eq!(world.ask(&dana, Method::POST, deny, Value::Null).await.status, StatusCode::OK);
    assert_eq!(world.decision("LMNP-QRST").await, Decision::Denied);
    let unknown = world.ask(&dana, Method::POST, deny, Value::Null).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.body["detail"].as_str().unwrap().contains("10 minutes"), "{}", unknown.body);
}

#[tokio::test]
async fn another_tenants_requests_are_not_there_whoever_knows_their_code() {
    let (world, other) = (World::new().await, testing::of("umbrella"));
    assert!(world.waiting(&other).await.is_empty());
    let known = world.ask(&other, Method::POST, "/authorizations/BCDF-GHJK/approve", json!({})).await;
    let guessed = world.ask(&other, Method::POST, "/authorizations/ZZZZ-ZZZZ/approve", json!({})).await;
    assert_eq!(
        (known.status, known.body),
        (StatusCode::NOT_FOUND, guessed.body),
        "which of them is there does not show"
    );
    let denied = world.ask(&other, Method::POST, "/authorizations/BCDF-GHJK/deny", Value::Null).await;
    assert_eq!(denied.status, StatusCode::NOT_FOUND);
    assert_eq!(world.decision("BCDF-GHJK").await, Decision::Waiting);
}

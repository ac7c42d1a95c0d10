use axum::http::{Method, StatusCode};
use portcullis_broker::key::service::KeyRing;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    people::Caller,
    secret::Secret,
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing, v1::people::tests::Counting};

const ROTATE: &str = "/vault/rotate-keys";
const TRIED: &str = "/vault/rotate-keys?dry_run=true";

struct World {
    store: Arc<SqliteStore>,
    file: Arc<FileKeys>,
    router: axum::Router,
    dir: tempfile::TempDir,
}

impl World {
    /// With a secret of acme and one of umbrella, under keys of a file.
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let rng = Arc::new(Counting::default());
        let file = Arc::new(FileKeys::open(&dir.path().join("vault.key"), true, rng.clone()).unwrap());
        let vault = Arc::new(Vault::new(store.clone(), KeyRing::new(file.clone()), rng));
        for tenant in ["acme", "umbrella"] {
            let tenant: portcullis_model::id::TenantId = tenant.parse().unwrap();
            let told = Entry::new(testing::NOW, Kind::ConnectionAdded, Actor::Host, Some(tenant.clone()));
            vault.put(tenant, None, "hook", "{}", &Secret::new(b"a-secret-of-it".to_vec()), told).await.unwrap();
        }
        let ports = Arc::new(Ports { vault, file: Some(file.clone()) });
        let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
        let router = Routes::new(frame).mount(operations(), ports).router();
        Self { store, file, router, dir }
    }

    async fn at(&self, by: Caller, method: Method, path: &str, body: Value) -> LocalAnswer {
        let body = Some(&body).filter(|body| !body.is_null());
        Local::new(self.router.clone(), by).ask(method, path, None, body).await
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> LocalAnswer {
        self.at(testing::dana(), method, path, body).await
    }

    async fn written(&self) -> u64 {
        self.store.entry_count().await.unwrap()
    }
}

#[tokio::test]
async fn keys_are_shown_by_number_counted_beforehand_and_made_anew() {
    let world = World::new().await;
    let status = world.ask(Method::GET, "/vault", Value::Null).await;
    assert_eq!(status.status, StatusCode::OK, "{}", status.body);
    assert_eq!(status.body["tenants"]["acme"]["data-keys"], json!({ "1": 1 }), "{}", status.body);
    assert!(!status.body.to_string().contains("a-secret-of-it"), "{}", status.body);
    let before = (world.written().await, std::fs::read(world.dir.path().join("vault.key")).unwrap());
    let tried = world.ask(Method::POST, TRIED, json!({})).await;
    let all = json!({ "dry_run": true, "made": 2, "rewrapped": 2, "resealed": 2, "dropped": 3 });
    assert_eq!((tried.status, &tried.body), (StatusCode::OK, &all));
    let after = (world.written().await, std::fs::read(world.dir.path().join("vault.key")).unwrap());
    assert_eq!(before, after, "a rehearsal changes nothing");
    let done = world.ask(Method::POST, ROTATE, json!({})).await;
    let all = json!({ "dry_run": false, "made": 2, "rewrapped": 2, "resealed": 2, "dropped": 3 });
    assert_eq!((done.status, &done.body), (StatusCode::OK, &all));
    assert_ne!(std::fs::read(world.dir.path().join("vault.key")).unwrap(), after.1, "the file has another key");
    let one = world.ask(Method::POST, ROTATE, json!({ "tenant": "acme" })).await;
    assert_eq!((&one.body["made"], &one.body["rewrapped"]), (&json!(1), &json!(0)), "{}", one.body);
    let status = world.ask(Method::GET, "/vault", Value::Null).await.body;
    assert_eq!(status["tenants"]["acme"]["data-keys"], json!({ "3": 1 }), "{status}");
    assert_eq!(status["tenants"]["umbrella"]["data-keys"], json!({ "2": 1 }), "{status}");
    assert_eq!((&status["unopened"], status["wrapping-keys"].as_array().unwrap().len()), (&json!([]), 1), "{status}");
}

#[tokio::test]
async fn a_file_that_somebody_else_turns_is_left_alone_and_no_tenant_has_a_key_encryption_key() {
    let world = World::new().await;
    let taken = world.file.rotation().unwrap();
    let busy = world.ask(Method::POST, ROTATE, json!({ "only": "wrapping" })).await;
    assert_eq!(busy.status, StatusCode::CONFLICT, "{}", busy.body);
    drop(taken);
    let both = world.ask(Method::POST, ROTATE, json!({ "only": "wrapping", "tenant": "acme" })).await;
    assert_eq!(both.status, StatusCode::BAD_REQUEST, "{}", both.body);
    let data = world.ask(Method::POST, ROTATE, json!({ "only": "data" })).await;
    assert_eq!((&data.body["made"], &data.body["rewrapped"]), (&json!(2), &json!(0)), "{}", data.body);
}

#[tokio::test]
async fn it_is_the_platforms_alone() {
    let world = World::new().await;
    let before = world.written().await;
    for (method, path, body) in [
        (Method::GET, "/vault", Value::Null),
        (Method::POST, ROTATE, json!({ "tenant": "acme" })),
        (Method::POST, TRIED, json!({ "tenant": "acme" })),
    ] {
        let refused = world.at(testing::of("acme"), method.clone(), path, body).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {path}: {}", refused.body);
    }
    assert_eq!(world.written().await, before);
}

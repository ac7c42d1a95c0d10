use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use portcullis_broker::{
    connection::Connections,
    key::{Key, service::KeyRing},
    vault::Vault,
};
use portcullis_model::{
    audit::{Entry, Kind},
    error::StoreError,
    people::Caller,
    secret::Slot,
    source::{Added, NewSource, SourceStore},
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing, v1::people::tests::Counting};

struct World {
    store: Arc<SqliteStore>,
    vault: Arc<Vault>,
    router: axum::Router,
    _dir: tempfile::TempDir,
}

/// Says at first that a source is acme's, and then whose it is by now.
struct Changing(Arc<SqliteStore>, AtomicBool);

#[async_trait]
impl SourceStore for Changing {
    async fn add_source(&self, new: NewSource, entry: Entry) -> Result<Added, StoreError> {
        self.0.add_source(new, entry).await
    }

    async fn remove_source(&self, source: &Source, entry: Entry) -> Result<bool, StoreError> {
        self.0.remove_source(source, entry).await
    }

    async fn sources(&self) -> Result<Vec<Source>, StoreError> {
        let mut all = self.0.sources().await?;
        if !self.1.swap(true, Ordering::Relaxed) {
            all.iter_mut().for_each(|one| one.tenant = "acme".parse().unwrap());
        }
        Ok(all)
    }
}

impl World {
    fn new() -> Self {
        Self::over(|store| store)
    }

    fn over<S: SourceStore + 'static>(sources: impl FnOnce(Arc<SqliteStore>) -> Arc<S>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let rng = Arc::new(Counting::default());
        let ring = KeyRing::of(Key::of(&[3; 32]).unwrap(), rng.clone());
        let vault = Arc::new(Vault::new(store.clone(), ring, rng.clone()));
        let connections = Arc::new(Connections::new(vault.clone()).unwrap());
        let (kept, sealed, sources) = (store.clone(), vault.clone(), sources(store.clone()));
        let kept_by: KeptBy = Box::new(move |actor| Sources {
            sources: sources.clone(),
            keys: kept.clone(),
            vault: sealed.clone(),
            connections: connections.clone(),
            clock: Arc::new(testing::Fixed),
            rng: rng.clone(),
            actor,
        });
        let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
        let router = Routes::new(frame).mount(operations(), Arc::new(Ports { kept_by })).router();
        Self { store, vault, router, _dir: dir }
    }

    async fn ask(&self, by: &Caller, method: Method, path: &str, body: Value) -> LocalAnswer {
        let body = Some(&body).filter(|body| !body.is_null());
        Local::new(self.router.clone(), by.clone()).ask(method, path, None, body).await
    }

    async fn secret(&self, name: &str) -> Option<String> {
        let slot = Slot { tenant: "acme".parse().unwrap(), installation: None, name: name.to_owned() };
        let (_, opened) = self.vault.slot(&slot).await.unwrap()?;
        Some(String::from_utf8(opened.credential.access?.expose().to_vec()).unwrap())
    }

    async fn written(&self) -> u64 {
        self.store.entry_count().await.unwrap()
    }
}

#[tokio::test]
async fn a_source_is_tried_out_registered_given_another_secret_and_taken_away() {
    let (world, dana) = (World::new(), testing::dana());
    let (add, body) = ("/sources?tenant=acme", json!({ "name": "desk", "form": "zendesk" }));
    let before = world.written().await;
    let tried = world.ask(&dana, Method::POST, &format!("{add}&dry_run=true"), body.clone()).await;
    assert_eq!((tried.status, &tried.body["secret"]), (StatusCode::OK, &Value::Null), "{}", tried.body);
    assert_eq!(world.written().await, before, "a rehearsal writes nothing");
    let made = world.ask(&dana, Method::POST, add, body.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.body["source"]["path"], "/v1/hooks/zendesk/desk");
    let first = made.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(world.secret("source/desk").await.as_deref(), Some(first.as_str()));
    assert_eq!(world.ask(&dana, Method::POST, add, body).await.status, StatusCode::CONFLICT, "the name is taken");
    let rotated = world
        .ask(&dana, Method::POST, "/sources/desk/secret", json!({ "secret": "chosen-by-them", "overlap-seconds": 60 }))
        .await;
    assert_eq!((rotated.status, &rotated.body["secret"]), (StatusCode::OK, &Value::Null), "{}", rotated.body);
    assert!(rotated.body["source"]["both-until"].is_string(), "{}", rotated.body);
    assert_eq!(world.secret("source/desk/next").await.as_deref(), Some("chosen-by-them"));
    for path in ["/sources", "/sources/desk"] {
        let shown = world.ask(&dana, Method::GET, path, Value::Null).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
        let text = shown.body.to_string();
        assert!(!text.contains(&first) && !text.contains("chosen-by-them"), "a secret is shown again: {text}");
    }
    let gone = world.ask(&dana, Method::DELETE, "/sources/desk?dry_run=true", Value::Null).await;
    assert_eq!((gone.status, world.secret("source/desk").await.is_some()), (StatusCode::OK, true));
    assert_eq!(world.ask(&dana, Method::DELETE, "/sources/desk", Value::Null).await.status, StatusCode::OK);
    assert_eq!((world.secret("source/desk").await, world.secret("source/desk/next").await), (None, None));
    assert_eq!(world.ask(&dana, Method::GET, "/sources/desk", Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_tenants_sources_are_not_there_and_what_does_not_do_is_refused() {
    let (world, dana, other) = (World::new(), testing::dana(), testing::of("umbrella"));
    let body = json!({ "name": "desk", "form": "github" });
    assert_eq!(world.ask(&dana, Method::POST, "/sources?tenant=acme", body.clone()).await.status, StatusCode::CREATED);
    assert_eq!(world.ask(&other, Method::GET, "/sources", Value::Null).await.body["items"], json!([]));
    for (method, path, body) in [
        (Method::GET, "/sources/desk", Value::Null),
        (Method::DELETE, "/sources/desk", Value::Null),
        (Method::POST, "/sources/desk/secret", json!({})),
        (Method::POST, "/sources?tenant=acme", json!({ "name": "mine", "form": "github" })),
    ] {
        assert_eq!(world.ask(&other, method, path, body).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(world.secret("source/desk").await.is_some());
    for (path, body, status) in [
        ("/sources?tenant=acme", json!({ "name": "privacy", "form": "github" }), StatusCode::CONFLICT),
        ("/sources?tenant=acme", json!({ "name": "new", "form": "privacy" }), StatusCode::BAD_REQUEST),
        (
            "/sources?tenant=acme",
            json!({ "name": "new", "form": "github", "secret": "short" }),
            StatusCode::BAD_REQUEST,
        ),
        ("/sources/desk/secret", json!({ "overlap-seconds": 99_000_000 }), StatusCode::BAD_REQUEST),
    ] {
        let refused = world.ask(&dana, Method::POST, path, body).await;
        assert_eq!(refused.status, status, "{path}: {}", refused.body);
    }
}

#[tokio::test]
async fn a_name_that_is_another_tenants_by_now_is_not_taken_from_it() {
    for (method, path, body) in [
        (Method::DELETE, "/sources/desk", Value::Null),
        (Method::POST, "/sources/desk/secret", json!({ "secret": "chosen-by-acme" })),
        (Method::GET, "/sources/desk", Value::Null),
    ] {
        let world = World::over(|store| Arc::new(Changing(store, AtomicBool::new(false))));
        let theirs =
            Source { name: "desk".parse().unwrap(), tenant: "umbrella".parse().unwrap(), form: EventForm::Github };
        let new = NewSource { source: theirs.clone(), keys: SourceKeys::default(), secret: None };
        let entry = Entry::new(testing::NOW, Kind::SourceAdded, Actor::Host, Some(theirs.tenant.clone()));
        assert_eq!(world.store.add_source(new, entry).await.unwrap(), Added::Done);
        let refused = world.ask(&testing::of("acme"), method, path, body).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{path}: {}", refused.body);
        assert_eq!(world.store.sources().await.unwrap(), [theirs]);
        assert_eq!(world.secret("source/desk").await, None, "nor is anything of it kept");
    }
}

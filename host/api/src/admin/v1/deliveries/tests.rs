use axum::http::{Method, StatusCode};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    event::{Event, EventForm},
    installation::{Installation, InstallationState},
    queue::Verdict,
    time::Timestamp,
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, Routes, testing};

struct World {
    store: SqliteStore,
    router: axum::Router,
    _dir: tempfile::TempDir,
}

fn installation(id: &str, tenant: &str) -> Installation {
    Installation {
        id: id.parse().unwrap(),
        tenant: tenant.parse().unwrap(),
        plugin: "com.example.a".parse().unwrap(),
        release: portcullis_model::id::Digest::of(b"component"),
        manifest: portcullis_model::id::Digest::of(b"manifest"),
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

fn entry(kind: Kind, tenant: &str) -> Entry {
    Entry::new(Timestamp(1), kind, Actor::Host, Some(tenant.parse().unwrap()))
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
        for (id, tenant) in [("ins_1", "acme"), ("ins_2", "other")] {
            let added = store.put_installation(installation(id, tenant), None, entry(Kind::PluginInstalled, tenant));
            assert!(added.await.unwrap());
        }
        let shared = Arc::new(store.clone());
        let ports = Ports { queue: shared.clone(), installations: shared };
        let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
        let router = Routes::new(frame).mount(operations(), Arc::new(ports)).router();
        Self { store, router, _dir: dir }
    }

    fn by(&self, tenant: &str) -> Local {
        Local::new(self.router.clone(), testing::of(tenant))
    }

    /// So many of this tenant's are put aside.
    async fn aside(&self, tenant: &str, to: &str, id: &str, count: usize) {
        for number in 0..count {
            let event = Event {
                id: format!("{id}\u{202e}{number}"),
                tenant: tenant.parse().unwrap(),
                origin: "hub".parse().unwrap(),
                source: "hub".into(),
                kind: "ticket.created".into(),
                subject: None,
                time: Timestamp(1),
                form: EventForm::CloudEvents,
                data: json!({ "secret": "of the customer" }),
                trace: None,
            };
            let (new, old) = (entry(Kind::EventReceived, tenant), entry(Kind::EventDuplicate, tenant));
            self.store.ingest(event, vec![to.parse().unwrap()], new, old).await.unwrap();
        }
        for lease in self.store.lease(count, count, Timestamp(0), std::time::Duration::from_secs(9)).await.unwrap() {
            let dead = Verdict::Dead { error: "it trapped".into() };
            self.store.settle(lease.delivery, dead, Vec::new()).await.unwrap();
        }
    }
}

async fn get(by: &Local, path: &str) -> Value {
    by.ask(Method::GET, path, None, None).await.body
}

#[tokio::test]
async fn each_sees_their_own_in_pages_without_what_could_deceive_however_many_others_have() {
    let world = World::new().await;
    world.aside("acme", "ins_1", "a", 3).await;
    world.aside("other", "ins_2", "o", 2).await;
    let acme = world.by("acme");
    let first = get(&acme, "/deliveries?limit=2").await;
    let numbers = |page: &Value| -> Vec<i64> {
        page["items"].as_array().unwrap().iter().map(|one| one["number"].as_i64().unwrap()).collect()
    };
    assert_eq!(numbers(&first), [3, 2], "{first}");
    assert!(!first.to_string().contains('\u{202e}') && !first.to_string().contains("of the customer"), "{first}");
    let next = first["next"].as_str().unwrap().strip_prefix("/admin/v1").unwrap().to_owned();
    let second = get(&acme, &next).await;
    assert_eq!((numbers(&second), &second["next"]), (vec![1], &Value::Null));
    let one = acme.ask(Method::GET, "/deliveries/1", None, None).await;
    assert_eq!((one.status, &one.body["tenant"]), (StatusCode::OK, &json!("acme")), "{}", one.body);
    assert_eq!(get(&Local::new(world.router.clone(), testing::dana()), "/deliveries/depth").await["dead"], 5);
    assert_eq!(acme.ask(Method::GET, "/deliveries/depth", None, None).await.status, StatusCode::FORBIDDEN);
    let other = world.by("other");
    assert_eq!(numbers(&get(&other, "/deliveries").await), [5, 4]);
    for path in ["/deliveries/1", "/deliveries/9"] {
        assert_eq!(other.ask(Method::GET, path, None, None).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn one_is_tried_again_once_and_by_nobody_else() {
    let world = World::new().await;
    world.aside("acme", "ins_1", "a", 1).await;
    let (acme, other) = (world.by("acme"), world.by("other"));
    let post = async |by: &Local, path: &str| by.ask(Method::POST, path, None, None).await;
    let before = world.store.entry_count().await.unwrap();
    for path in ["/deliveries/1/retry", "/deliveries/1/retry?dry_run=true", "/deliveries/9/retry"] {
        let refused = post(&other, path).await;
        assert!(matches!(refused.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN), "{path}: {}", refused.body);
    }
    let tried = post(&acme, "/deliveries/1/retry?dry_run=true").await;
    assert_eq!((tried.status, &tried.body["retried"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    assert_eq!(world.store.entry_count().await.unwrap(), before, "nothing was changed");
    let done = post(&acme, "/deliveries/1/retry").await;
    assert_eq!((done.status, &done.body["retried"]), (StatusCode::OK, &json!(true)), "{}", done.body);
    let again = post(&acme, "/deliveries/1/retry").await;
    assert_eq!((again.status, &again.body["retried"]), (StatusCode::OK, &json!(false)), "{}", again.body);
    assert_eq!(world.store.entry_count().await.unwrap(), before + 1, "once");
    let last = world.store.entries(before, 9).await.unwrap().remove(0).read().unwrap();
    assert_eq!((last.kind, last.resource.as_deref()), (Kind::DeliveryRetried, Some("delivery:1")));
    let lease = world.store.lease(9, 9, Timestamp(0), std::time::Duration::from_secs(9)).await.unwrap().remove(0);
    assert_eq!(lease.attempt, 1);
    world.store.settle(lease.delivery, Verdict::Done, Vec::new()).await.unwrap();
    assert_eq!(post(&acme, "/deliveries/1/retry").await.status, StatusCode::CONFLICT);
    assert!(get(&acme, "/deliveries").await["items"].as_array().unwrap().is_empty(), "none is put aside");
    assert_eq!(get(&acme, "/deliveries?all=true").await["items"][0]["state"], "done");
    assert_eq!(get(&acme, "/deliveries/1").await["state"], "done");
}

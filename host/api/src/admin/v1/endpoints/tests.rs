use axum::http::{Method, StatusCode};
use portcullis_broker::{
    key::{Key, service::KeyRing},
    vault::Vault,
};
use portcullis_model::{alert::AlertSeverity, people::Caller};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing, v1::people::tests::Counting};

const URL: &str = "https://siem.acme.example/in";
const OWN: &str = "/alerts/endpoints?tenant=acme";
const TRIED: &str = "/alerts/endpoints?tenant=acme&dry_run=true";
const KEY: &str = "/alerts/endpoints/key?tenant=acme";
const TEST: &str = "/alerts/endpoints/test?tenant=acme";
const PLATFORM: &str = "/alerts/endpoints";
/// What the operator placed by hand.
const PLACED: &str = "crm.internal.example";

struct World {
    store: Arc<SqliteStore>,
    router: axum::Router,
    _dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let rng = Arc::new(Counting::default());
        let ring = KeyRing::of(Key::of(&[3; 32]).unwrap(), rng.clone());
        let vault = Arc::new(Vault::new(store.clone(), ring, rng.clone()));
        let keys = AlertKeys::new(vault, Arc::new(testing::Fixed), rng);
        let placed = [PLACED.to_owned()].into();
        let ports = Arc::new(Ports { outbox: store.clone(), keys, placed });
        let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
        let router = Routes::new(frame).mount(operations(), ports).router();
        Self { store, router, _dir: dir }
    }

    async fn at(&self, by: Caller, method: Method, path: &str, version: Option<&str>, body: Value) -> LocalAnswer {
        let body = Some(&body).filter(|body| !body.is_null());
        Local::new(self.router.clone(), by).ask(method, path, version, body).await
    }

    async fn ask(&self, method: Method, path: &str, version: Option<&str>, body: Value) -> LocalAnswer {
        self.at(testing::of("acme"), method, path, version, body).await
    }

    async fn written(&self) -> u64 {
        self.store.entry_count().await.unwrap()
    }

    async fn log(&self) -> String {
        let entries = self.store.entries(0, 100).await.unwrap();
        entries.iter().map(|one| String::from_utf8_lossy(&one.body).into_owned()).collect()
    }
}

#[tokio::test]
async fn a_tenants_endpoint_is_tried_out_set_given_another_key_and_taken_away() {
    let (world, body) = (World::new(), json!({ "url": URL, "least": "high" }));
    assert_eq!(world.ask(Method::PUT, OWN, None, body.clone()).await.status, StatusCode::PRECONDITION_REQUIRED);
    let before = world.written().await;
    let tried = world.ask(Method::PUT, TRIED, Some("\"0\""), body.clone()).await;
    assert_eq!((tried.status, &tried.body["key"]), (StatusCode::OK, &Value::Null), "{}", tried.body);
    assert_eq!(world.written().await, before, "a rehearsal writes nothing");
    let set = world.ask(Method::PUT, OWN, Some("\"0\""), body.clone()).await;
    assert_eq!((set.status, &set.body["endpoint"]["least"]), (StatusCode::OK, &json!("high")), "{}", set.body);
    let key = set.body["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("whsec_"), "{}", set.body);
    assert_eq!(world.ask(Method::PUT, OWN, Some("\"0\""), body.clone()).await.status, StatusCode::PRECONDITION_FAILED);
    let again = world.ask(Method::PUT, OWN, set.etag.as_deref(), json!({})).await;
    let shown = json!("https://siem.acme.example");
    assert_eq!((&again.body["key"], &again.body["endpoint"]["url"]), (&Value::Null, &shown), "{}", again.body);
    let tried = world.ask(Method::POST, &format!("{KEY}&dry_run=true"), None, Value::Null).await;
    assert_eq!(tried.body, json!({ "dry_run": true }));
    let other = world.ask(Method::POST, KEY, None, Value::Null).await;
    assert!(other.body["key"].as_str().is_some_and(|other| other != key), "{}", other.body);
    for path in [format!("{KEY}&dry_run=true"), KEY.to_owned()] {
        let soon = world.ask(Method::POST, &path, None, Value::Null).await;
        assert_eq!(soon.status, StatusCode::CONFLICT, "the overlap goes on: {}", soon.body);
    }
    assert_eq!(world.ask(Method::POST, TEST, None, Value::Null).await.status, StatusCode::ACCEPTED);
    let written = world.written().await;
    let waits = world.ask(Method::POST, TEST, None, Value::Null).await;
    assert_eq!((waits.status, world.written().await), (StatusCode::CONFLICT, written), "{}", waits.body);
    let list = world.ask(Method::GET, OWN, None, Value::Null).await;
    let version = format!("\"{}\"", list.body["items"][0]["generation"]);
    assert_eq!(again.etag.as_deref(), Some(version.as_str()), "the list has the version");
    let tried = world.ask(Method::DELETE, TRIED, Some(&version), Value::Null).await;
    assert_eq!((tried.status, &tried.body["dry_run"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    let gone = world.ask(Method::DELETE, OWN, Some(&version), Value::Null).await;
    assert_eq!(gone.status, StatusCode::OK, "{}", gone.body);
    assert_eq!(world.ask(Method::GET, OWN, None, Value::Null).await.body["items"], json!([]));
    let anew = world.ask(Method::PUT, OWN, Some("\"0\""), body).await;
    assert!(anew.body["key"].as_str().is_some_and(|anew| anew != key), "its keys were gone: {}", anew.body);
    assert!(!world.log().await.contains("whsec_"), "a key is in the log");
}

#[tokio::test]
async fn what_could_be_a_secret_in_an_address_is_answered_to_nobody_and_not_logged() {
    let world = World::new();
    let set = world.ask(Method::PUT, OWN, Some("\"0\""), json!({ "url": format!("{URL}?key=hunter2") })).await;
    let least = world.ask(Method::PUT, OWN, set.etag.as_deref(), json!({ "least": "medium" })).await;
    let kept = world.store.endpoints().await.unwrap().pop().unwrap();
    assert_eq!((kept.url, kept.least), (format!("{URL}?key=hunter2"), AlertSeverity::Medium), "alerts go there");
    let list = world.ask(Method::GET, OWN, None, Value::Null).await;
    let gone = world.ask(Method::DELETE, OWN, least.etag.as_deref(), Value::Null).await;
    for answer in [set, least, list, gone] {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let shown = answer.body.to_string();
        assert!(!shown.contains("hunter2") && !shown.contains("acme.example/in"), "it is shown: {shown}");
    }
    let log = world.log().await;
    assert!(
        log.contains("https://siem.acme.example") && !log.contains("acme.example/in") && !log.contains("hunter2"),
        "{log}"
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_tried_out_or_taken_away_and_what_is_unfit_is_not_set() {
    let world = World::new();
    for (method, path, version) in
        [(Method::POST, TEST, None), (Method::POST, KEY, None), (Method::DELETE, OWN, Some("\"0\""))]
    {
        let refused = world.ask(method, path, version, Value::Null).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{path}: {}", refused.body);
    }
    for body in [
        json!({}),
        json!({ "url": "http://siem.acme.example/in" }),
        json!({ "url": "http://127.0.0.1:9/in" }),
        json!({ "url": URL, "least": "all" }),
    ] {
        let refused = world.ask(Method::PUT, OWN, Some("\"0\""), body.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}: {}", refused.body);
    }
    let local = json!({ "url": "http://127.0.0.1:9/in" });
    let set = world.at(testing::dana(), Method::PUT, PLATFORM, Some("\"0\""), local).await;
    assert_eq!(set.status, StatusCode::OK, "the operator's own may be on this machine: {}", set.body);
    assert!(world.store.endpoints().await.unwrap().iter().all(|one| one.tenant.is_none()));
}

#[tokio::test]
async fn a_host_that_the_operator_placed_is_the_operators_to_name() {
    let world = World::new();
    for url in [format!("https://{PLACED}/hooks/run?job=7"), "https://CRM.internal.example.:8443/".to_owned()] {
        let refused = world.ask(Method::PUT, OWN, Some("\"0\""), json!({ "url": url })).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{url}: {}", refused.body);
    }
    let body = json!({ "url": format!("https://{PLACED}/alerts") });
    let set = world.at(testing::dana(), Method::PUT, OWN, Some("\"0\""), body).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.body);
    let least = world.ask(Method::PUT, OWN, set.etag.as_deref(), json!({ "least": "high" })).await;
    assert_eq!(least.status, StatusCode::OK, "the address stays: {}", least.body);
}

#[tokio::test]
async fn nobody_sees_or_sets_where_anothers_alerts_go() {
    let world = World::new();
    let platform = json!({ "url": "https://alerts.platform.example/in" });
    let set = world.at(testing::dana(), Method::PUT, PLATFORM, Some("\"0\""), platform.clone()).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.body);
    world.ask(Method::PUT, OWN, Some("\"0\""), json!({ "url": URL })).await;
    let before = world.written().await;
    let mine = world.ask(Method::GET, PLATFORM, None, Value::Null).await;
    let whose: Vec<&Value> = mine.body["items"].as_array().unwrap().iter().map(|one| &one["tenant"]).collect();
    assert_eq!(whose, [&json!("acme")], "{}", mine.body);
    let all = world.at(testing::dana(), Method::GET, PLATFORM, None, Value::Null).await;
    assert_eq!(all.body["items"].as_array().unwrap().len(), 2, "{}", all.body);
    let own = world.ask(Method::PUT, PLATFORM, set.etag.as_deref(), platform).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN, "the operator's: {}", own.body);
    let stranger = || testing::of("umbrella");
    assert_eq!(world.at(stranger(), Method::GET, PLATFORM, None, Value::Null).await.body["items"], json!([]));
    for (method, path, version, body) in [
        (Method::GET, OWN, None, Value::Null),
        (Method::PUT, OWN, Some("\"0\""), json!({ "url": URL })),
        (Method::DELETE, OWN, Some("\"0\""), Value::Null),
        (Method::POST, KEY, None, Value::Null),
        (Method::POST, TEST, None, Value::Null),
    ] {
        let refused = world.at(stranger(), method.clone(), path, version, body).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{method} {path}: {}", refused.body);
    }
    assert_eq!(world.written().await, before);
}

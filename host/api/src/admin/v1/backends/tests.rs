use axum::http::{Method, StatusCode};
use portcullis_broker::{
    key::{Key, service::KeyRing},
    vault::Vault,
};
use portcullis_model::{audit::Actor, people::Caller};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing, v1::people::tests::Counting};

const URL: &str = "https://hooks.chat.example/in";
const PATH: &str = "/installations/ins_1/backend";

/// Lets everybody send to one host.
struct OneHost;

#[async_trait]
impl MaySend for OneHost {
    async fn refusal(&self, _: &Installation, url: &Target) -> Result<Option<String>, StoreError> {
        Ok((!url.to_string().starts_with("https://hooks.chat.example/")).then(|| "it may not send there".to_owned()))
    }
}

struct World {
    store: Arc<SqliteStore>,
    router: axum::Router,
    _dir: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let told = Entry::new(testing::NOW, Kind::PluginInstalled, Actor::Host, Some("acme".parse().unwrap()));
        assert!(store.put_installation(testing::installation("ins_1", "acme"), None, told).await.unwrap());
        let rng = Arc::new(Counting::default());
        let ring = KeyRing::of(Key::of(&[3; 32]).unwrap(), rng.clone());
        let vault = Arc::new(Vault::new(store.clone(), ring, rng.clone()));
        let ports = Ports {
            back_ends: store.clone(),
            outbox: store.clone(),
            installations: store.clone(),
            keys: SigningKeys::new(store.clone(), vault, Arc::new(testing::Fixed), rng),
            grants: Arc::new(OneHost),
        };
        let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
        let router = Routes::new(frame).mount(operations(), Arc::new(ports)).router();
        Self { store, router, _dir: dir }
    }

    async fn at(&self, by: &Caller, method: Method, path: &str, version: Option<&str>, body: Value) -> LocalAnswer {
        let body = Some(&body).filter(|body| !body.is_null());
        Local::new(self.router.clone(), by.clone()).ask(method, path, version, body).await
    }

    async fn ask(&self, method: Method, path: &str, version: Option<&str>, body: Value) -> LocalAnswer {
        self.at(&testing::of("acme"), method, path, version, body).await
    }

    async fn written(&self) -> u64 {
        self.store.entry_count().await.unwrap()
    }
}

#[tokio::test]
async fn a_back_end_is_tried_out_set_given_another_key_and_taken_away() {
    let (world, body) = (World::new().await, json!({ "url": URL, "events": ["zen:event-type:ticket.*"] }));
    let none = world.ask(Method::GET, PATH, None, Value::Null).await;
    assert_eq!((&none.body["back-end"], none.etag.as_deref()), (&Value::Null, Some("\"0\"")), "{}", none.body);
    assert_eq!(world.ask(Method::PUT, PATH, None, body.clone()).await.status, StatusCode::PRECONDITION_REQUIRED);
    let before = world.written().await;
    let tried = world.ask(Method::PUT, &format!("{PATH}?dry_run=true"), Some("\"0\""), body.clone()).await;
    assert_eq!((tried.status, &tried.body["key"]), (StatusCode::OK, &Value::Null), "{}", tried.body);
    assert_eq!(world.written().await, before, "a rehearsal writes nothing");
    let set = world.ask(Method::PUT, PATH, Some("\"0\""), body.clone()).await;
    let key = set.body["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("whsec_"), "{}", set.body);
    assert_eq!(world.ask(Method::PUT, PATH, Some("\"0\""), body.clone()).await.status, StatusCode::PRECONDITION_FAILED);
    let again = world.ask(Method::PUT, PATH, set.etag.as_deref(), body).await;
    assert_eq!((again.status, &again.body["key"]), (StatusCode::OK, &Value::Null), "the key stays: {}", again.body);
    let tried = world.ask(Method::POST, &format!("{PATH}/key?dry_run=true"), None, json!({})).await;
    assert_eq!((&tried.body["key"], &tried.body["signs"]), (&Value::Null, &json!(true)), "{}", tried.body);
    let rotated = world.ask(Method::POST, &format!("{PATH}/key"), None, json!({ "overlap-seconds": 60 })).await;
    assert!(rotated.body["key"].as_str().is_some_and(|next| next != key), "{}", rotated.body);
    let soon = world.ask(Method::POST, &format!("{PATH}/key?dry_run=true"), None, json!({})).await;
    assert_eq!(soon.status, StatusCode::CONFLICT, "the overlap goes on, and the rehearsal says so: {}", soon.body);
    let shown = world.ask(Method::GET, PATH, None, Value::Null).await;
    assert_eq!(shown.body["keys"].as_array().unwrap().len(), 2, "{}", shown.body);
    assert!(!shown.body.to_string().contains("whsec_"), "a key is shown again: {}", shown.body);
    let gone = world.ask(Method::DELETE, PATH, shown.etag.as_deref(), Value::Null).await;
    assert_eq!(gone.status, StatusCode::OK, "{}", gone.body);
    assert_eq!(world.ask(Method::GET, "/backends", None, Value::Null).await.body["items"], json!([]));
}

#[tokio::test]
async fn a_key_that_was_made_ready_signs_without_being_shown_again() {
    let (world, key) = (World::new().await, format!("{PATH}/key"));
    let rehearsal = format!("{key}?dry_run=true");
    let set = world.ask(Method::PUT, PATH, Some("\"0\""), json!({ "url": URL })).await;
    let ready = world.ask(Method::POST, &key, None, json!({ "prepare": true })).await.body;
    assert!(ready["key"].as_str().unwrap().starts_with("whsec_"), "{ready}");
    assert_eq!((&ready["promoted"], &ready["replaces-ready"]), (&json!(false), &json!(false)), "{ready}");
    for (body, promoted, replaces) in [
        (json!({ "overlap-seconds": 60 }), true, false),
        (json!({ "prepare": true }), false, true),
        (json!({ "overlap-seconds": 0 }), false, true),
    ] {
        let would = world.ask(Method::POST, &rehearsal, None, body).await.body;
        assert_eq!((&would["promoted"], &would["replaces-ready"]), (&json!(promoted), &json!(replaces)), "{would}");
        assert_eq!(would["key"], Value::Null, "{would}");
    }
    let signs = world.ask(Method::POST, &key, None, json!({ "overlap-seconds": 60 })).await.body;
    assert_eq!((&signs["key"], &signs["promoted"], &signs["signs"]), (&Value::Null, &json!(true), &json!(true)));
    assert!(!signs.to_string().contains("whsec_"), "a key is shown a second time: {signs}");
    let again = world.ask(Method::POST, &key, None, json!({ "overlap-seconds": 0 })).await.body;
    let fresh = again["key"].as_str().unwrap();
    assert!(set.body["key"] != fresh && ready["key"] != fresh && again["promoted"] == false, "{again}");
}

#[tokio::test]
async fn the_query_of_an_address_is_kept_and_shown_to_nobody() {
    let world = World::new().await;
    let body = json!({ "url": format!("{URL}?key=hunter2") });
    let tried = world.ask(Method::PUT, &format!("{PATH}?dry_run=true"), Some("\"0\""), body.clone()).await;
    let set = world.ask(Method::PUT, PATH, Some("\"0\""), body).await;
    assert_eq!((tried.status, set.status), (StatusCode::OK, StatusCode::OK), "{}", set.body);
    let shown = world.ask(Method::GET, PATH, None, Value::Null).await;
    assert_eq!(shown.body["back-end"]["url"], URL, "{}", shown.body);
    let list = world.ask(Method::GET, "/backends", None, Value::Null).await;
    let kept = world.store.back_end(&"ins_1".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.url.to_string(), format!("{URL}?key=hunter2"), "messages go there");
    let others = world.ask(Method::PUT, PATH, shown.etag.as_deref(), json!({ "events": ["a.b"] })).await;
    assert_eq!((others.status, &others.body["back-end"]["url"]), (StatusCode::OK, &json!(URL)), "{}", others.body);
    let kept = world.store.back_end(&"ins_1".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((kept.url.to_string(), kept.events), (format!("{URL}?key=hunter2"), vec!["a.b".to_owned()]));
    let gone = world.ask(Method::DELETE, PATH, others.etag.as_deref(), Value::Null).await;
    for answer in [tried, set, shown, list, others, gone] {
        assert!(!answer.body.to_string().contains("hunter2"), "it is shown: {}", answer.body);
    }
}

#[tokio::test]
async fn messages_are_tried_out_listed_and_sent_again() {
    let world = World::new().await;
    let test = format!("{PATH}/test");
    assert_eq!(world.ask(Method::POST, &test, None, Value::Null).await.status, StatusCode::CONFLICT, "there is none");
    let set = world.ask(Method::PUT, PATH, Some("\"0\""), json!({ "url": URL, "scheme": "ed25519" })).await;
    assert!(set.body["key"].as_str().unwrap().starts_with("whpk_"), "{}", set.body);
    let told = world.ask(Method::POST, &test, None, Value::Null).await;
    assert_eq!(told.status, StatusCode::ACCEPTED, "{}", told.body);
    let list = world.ask(Method::GET, &format!("{PATH}/messages"), None, Value::Null).await.body;
    assert_eq!(list["items"][0]["delivery"], told.body["delivery"], "{list}");
    let replay = format!("{PATH}/replay");
    let all = world.ask(Method::POST, &replay, None, json!({})).await;
    assert_eq!((all.status, &all.body["replayed"]), (StatusCode::OK, &json!(0)), "{}", all.body);
    let before = world.written().await;
    let tried = world.ask(Method::POST, &format!("{replay}?dry_run=true"), None, json!({})).await;
    assert_eq!(tried.body, json!({ "dry_run": true, "replayed": 0 }));
    let none = world.ask(Method::POST, &format!("{replay}?dry_run=true"), None, json!({ "delivery": 4711 })).await;
    assert_eq!((none.status, world.written().await), (StatusCode::CONFLICT, before), "{}", none.body);
    let one = world.ask(Method::POST, &replay, None, json!({ "delivery": 4711 })).await;
    assert_eq!(one.status, StatusCode::CONFLICT, "{}", one.body);
    let both = world.ask(Method::POST, &replay, None, json!({ "delivery": 1, "since": "2026-01-01" })).await;
    assert_eq!(both.status, StatusCode::BAD_REQUEST, "{}", both.body);
}

#[tokio::test]
async fn nobody_sends_where_the_installation_may_not_or_for_another_tenant() {
    let (world, other) = (World::new().await, testing::of("umbrella"));
    for (body, status) in [
        (json!({ "url": "https://elsewhere.example/in" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "url": "http://hooks.chat.example/in" }), StatusCode::BAD_REQUEST),
        (json!({ "events": ["a.b"] }), StatusCode::BAD_REQUEST),
        (json!({ "url": URL, "events": ["a*b"] }), StatusCode::BAD_REQUEST),
    ] {
        let refused = world.ask(Method::PUT, PATH, Some("\"0\""), body).await;
        assert_eq!(refused.status, status, "{}", refused.body);
    }
    for (method, path, version, body) in [
        (Method::GET, PATH.to_owned(), None, Value::Null),
        (Method::PUT, PATH.to_owned(), Some("\"0\""), json!({ "url": URL })),
        (Method::DELETE, PATH.to_owned(), Some("\"0\""), Value::Null),
        (Method::POST, format!("{PATH}/key"), None, json!({})),
        (Method::POST, format!("{PATH}/test"), None, Value::Null),
        (Method::POST, format!("{PATH}/replay"), None, json!({})),
        (Method::GET, format!("{PATH}/messages"), None, Value::Null),
    ] {
        assert_eq!(world.at(&other, method, &path, version, body).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use portcullis_model::{
    error::StoreError,
    people::{Action, Caller, Decide, Needs, Refusal, Resource, Why},
    release::{ReleaseStore as _, StoredRelease},
};
use portcullis_store::SqliteStore;
use serde_json::json;

use super::*;
use crate::admin::{Routes, local::Local, testing};

/// Finds nothing, and knows nothing in a rehearsal.
struct Advised;

#[async_trait]
impl Rescans for Advised {
    fn stops(&self) -> bool {
        true
    }
    async fn rescan(&self, by: Actor, dry_run: bool) -> Result<Rescanned, NotScanned> {
        match dry_run {
            true => Err(NotScanned::NoAdvisories("there are no advisories here".to_owned())),
            false => Ok(Rescanned { found: json!({ "by": by }), words: "Nothing.".to_owned() }),
        }
    }
}

pub(super) fn ports(store: &SqliteStore, registry: Arc<Registry>) -> Ports {
    let shared = Arc::new(store.clone());
    Ports {
        registry,
        shelf: shared.clone(),
        reviews: shared.clone(),
        installations: shared.clone(),
        rescans: Arc::new(Advised),
        recorder: shared,
        clock: Arc::new(testing::Fixed),
        rng: Arc::new(testing::Fixed),
    }
}

/// Lets everybody do everything, but quarantine.
struct NoQuarantine;

#[async_trait]
impl Decide for NoQuarantine {
    async fn decide(&self, _: &Caller, action: &Action, _: &Resource) -> Result<Result<(), Refusal>, StoreError> {
        let refusal = Refusal { rule: Why::StepUp, needs: Needs::Role { one_of: Vec::new() }, who: String::new() };
        Ok(if action.name == "withdrawals.quarantine" { Err(refusal) } else { Ok(()) })
    }
}

#[tokio::test]
async fn whoever_may_not_quarantine_does_not_do_so_by_looking_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let frame = testing::frame_with(&store, b"operator", Arc::new(NoQuarantine));
    let ports = Arc::new(ports(&store, testing::registry(&store)));
    let local = Local::new(Routes::new(frame).mount(operations(), ports).router(), testing::dana());
    let refused = local.ask(Method::POST, "/releases/rescan", None, None).await;
    assert_ne!(refused.status, StatusCode::OK, "{}", refused.body);
    assert!(refused.body["refusal"].is_object(), "{}", refused.body);
    let tried = local.ask(Method::POST, "/releases/rescan?dry_run=true", None, None).await;
    assert_eq!(tried.status, StatusCode::CONFLICT, "a rehearsal stops nothing: {}", tried.body);
}

fn local(store: &SqliteStore) -> Local {
    let ports = ports(store, testing::registry(store));
    let router = Routes::new(testing::frame(store, b"operator")).mount(operations(), Arc::new(ports)).router();
    Local::new(router, testing::dana())
}

#[tokio::test]
async fn plugins_are_listed_with_their_newest_release() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    for (plugin, number) in [("com.example.b", 1), ("com.example.a", 1), ("com.example.a", 3), ("com.example.a", 2)] {
        let stored = StoredRelease {
            digest: Digest::of(format!("{plugin}{number}").as_bytes()),
            manifest: format!("{plugin}{number}"),
            envelope: "{}".into(),
        };
        let listed = ListedRelease {
            plugin: plugin.parse().unwrap(),
            id: stored.id(),
            number,
            version: format!("1.0.{number}"),
            since: testing::NOW,
        };
        store.put_release(stored, b"x".to_vec().into()).await.unwrap();
        assert!(store.list_release(listed, None).await.unwrap());
    }
    let local = local(&store);
    let get = async |path: &str| local.ask(Method::GET, path, None, None).await;
    let plugins = get("/plugins").await.body;
    let said: Vec<_> = plugins["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["plugin"], &one["releases"], &one["newest"]["number"]))
        .collect();
    assert_eq!(serde_json::json!(said), serde_json::json!([["com.example.a", 3, 3], ["com.example.b", 1, 1]]));
    let releases = get("/releases?plugin=com.example.a&limit=2").await.body;
    let numbers: Vec<_> = releases["items"].as_array().unwrap().iter().map(|one| &one["number"]).collect();
    assert_eq!(serde_json::json!(numbers), serde_json::json!([3, 2]));
    assert!(releases["next"].is_string());
    let digest = Digest::of(b"none");
    assert_eq!(get(&format!("/releases/{digest}/{digest}")).await.status, StatusCode::NOT_FOUND);
    let one = &releases["items"][0];
    let path = format!("/releases/{}/{}", one["component"].as_str().unwrap(), one["manifest"].as_str().unwrap());
    let broken = get(&path).await;
    assert_eq!(broken.status, StatusCode::UNPROCESSABLE_ENTITY, "its manifest is none: {}", broken.body);
    assert_eq!(get(&format!("{path}/diff")).await.status, StatusCode::BAD_REQUEST, "with which?");
}

#[tokio::test]
async fn releases_are_looked_at_again_by_whoever_may_where_anything_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let local = local(&store);
    let tried = local.ask(Method::POST, "/releases/rescan?dry_run=true", None, None).await;
    assert_eq!((tried.status, &tried.body["detail"]), (StatusCode::CONFLICT, &json!("There are no advisories here.")));
    let done = local.ask(Method::POST, "/releases/rescan", None, None).await;
    assert_eq!((done.status, &done.body["words"]), (StatusCode::OK, &json!("Nothing.")), "{}", done.body);
    assert!(done.body["found"]["by"].to_string().contains("dana"), "in the name of whoever asks: {}", done.body);
    let stranger = local.as_caller(testing::of("acme"));
    assert_eq!(stranger.ask(Method::POST, "/releases/rescan", None, None).await.status, StatusCode::FORBIDDEN);
}

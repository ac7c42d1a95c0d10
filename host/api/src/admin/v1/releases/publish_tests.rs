use axum::http::{Method, StatusCode};
use portcullis_store::SqliteStore;
use serde_json::json;

use super::*;
use crate::admin::{Routes, local::Local, testing};

#[tokio::test]
async fn a_release_is_checked_whole_before_it_is_listed_and_is_listed_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let keys = testing::keepers(&store).await;
    let ports = super::tests::ports(&store, keys.registry.clone());
    let router = Routes::new(testing::frame(&store, b"operator")).mount(operations(), Arc::new(ports)).router();
    let local = Local::new(router, testing::dana());
    let send = async |path: &str, bytes: Vec<u8>| local.send(path, "application/octet-stream", bytes).await;
    let listed = async || store.all_releases().await.unwrap().len();
    let (whole, strangers) = (testing::packed(&keys.publisher, 1), testing::packed(&keys.ann, 1));
    let before = store.entry_count().await.unwrap();
    let tried = send("/releases?dry_run=true", whole.clone()).await;
    assert_eq!((tried.status, &tried.body["new"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    let refused = send("/releases?dry_run=true", strangers.clone()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    assert!(refused.body["type"].as_str().unwrap().ends_with("/release-refused"), "{}", refused.body);
    assert_eq!(send("/releases", whole[1..].to_vec()).await.status, StatusCode::BAD_REQUEST);
    let json = local.ask(Method::POST, "/releases", None, Some(&json!({}))).await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{}", json.body);
    let stranger = local.as_caller(testing::of("acme"));
    let forbidden = stranger.send("/releases", "application/octet-stream", b"not even read".to_vec()).await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN, "{}", forbidden.body);
    assert_eq!((listed().await, store.entry_count().await.unwrap()), (0, before), "nothing was done");
    assert_eq!(send("/releases", strangers).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!((listed().await, store.entry_count().await.unwrap()), (0, before + 1), "that it was refused");
    for new in [true, false] {
        let published = send("/releases", whole.clone()).await;
        let release = &published.body["release"];
        assert_eq!(published.status, StatusCode::OK, "{}", published.body);
        assert_eq!((&published.body["new"], &release["plugin"]), (&json!(new), &json!("com.example.quiet")));
    }
    assert_eq!((listed().await, store.entry_count().await.unwrap()), (1, before + 2));
}

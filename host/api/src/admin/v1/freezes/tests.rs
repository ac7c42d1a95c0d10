use axum::http::{Method, StatusCode};
use portcullis_store::SqliteStore;
use serde_json::json;

use super::*;
use crate::admin::{Local, Routes, testing};

fn local(store: &SqliteStore) -> Local {
    let shared = Arc::new(store.clone());
    let ports = Ports { freezes: shared.clone(), installations: shared };
    let router = Routes::new(testing::frame(store, b"operator")).mount(operations(), Arc::new(ports)).router();
    Local::new(router, testing::dana())
}

#[tokio::test]
async fn one_credential_is_frozen_by_its_whole_name_in_the_tenant_of_its_installation() {
    let read = |text: &str| ExtentView::Connection(text.to_owned()).read_any();
    let key = read("acme/ins_1/a.b/c").unwrap();
    assert_eq!(key.to_string(), "connection acme/ins_1/a.b/c");
    for text in ["", "acme", "acme/ins_1", "acme/ins_1/", "A B/ins_1/a"] {
        assert!(read(text).is_err(), "{text}");
    }
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let body = json!({ "extent": { "of": "connection", "id": "acme/ins_1/crm" }, "reason": "x" });
    let refused = local(&store).ask(Method::POST, "/freezes", None, Some(&body)).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "there is no such installation: {}", refused.body);
}

#[tokio::test]
async fn a_freeze_is_tried_out_added_listed_and_lifted() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let local = local(&store);
    let post = async |path: &str, body| local.ask(Method::POST, path, None, Some(&body)).await;
    let wanted = json!({ "extent": { "of": "tenant", "id": "acme" }, "reason": "a look" });
    let tried = post("/freezes?dry_run=true", wanted.clone()).await;
    assert_eq!((tried.status, &tried.body["freeze"]["number"]), (StatusCode::OK, &json!(0)), "{}", tried.body);
    assert_eq!(store.entry_count().await.unwrap(), 0);
    let added = post("/freezes", wanted).await;
    assert_eq!((added.status, &added.body["freeze"]["number"]), (StatusCode::CREATED, &json!(1)), "{}", added.body);
    assert_eq!(added.body["freeze"]["by"], "dana");
    let list = local.ask(Method::GET, "/freezes", None, None).await.body;
    assert_eq!((&list["items"][0]["reaches"], list["items"].as_array().unwrap().len()), (&json!("tenant acme"), 1));
    for (body, status) in [
        (json!({ "extent": { "of": "tenant", "id": "A B" }, "reason": "x" }), StatusCode::BAD_REQUEST),
        (json!({ "extent": { "of": "planet" }, "reason": "x" }), StatusCode::BAD_REQUEST),
        (json!({ "extent": { "of": "installation", "id": "ins_9" }, "reason": "x" }), StatusCode::NOT_FOUND),
        (json!({ "extent": { "of": "all" }, "reason": "" }), StatusCode::BAD_REQUEST),
    ] {
        let refused = post("/freezes", body).await;
        assert_eq!(refused.status, status, "{}", refused.body);
    }
    assert_eq!(post("/freezes/9/lift", json!({ "reason": "x" })).await.status, StatusCode::NOT_FOUND);
    assert_eq!(post("/freezes/1/lift", json!({ "reason": "x" })).await.status, StatusCode::OK);
    assert_eq!(post("/freezes/1/lift", json!({ "reason": "x" })).await.status, StatusCode::NOT_FOUND);
    assert_eq!(store.entry_count().await.unwrap(), 2);
}

#[tokio::test]
async fn what_whoever_runs_the_host_froze_no_tenant_lifts() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let shared = Arc::new(store.clone());
    let ports = Ports { freezes: shared.clone(), installations: shared };
    let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
    let router = Routes::new(frame).mount(operations(), Arc::new(ports)).router();
    let (operator, acme) = (Local::new(router.clone(), testing::dana()), Local::new(router, testing::of("acme")));
    let frozen = json!({ "extent": { "of": "tenant", "id": "acme" }, "reason": "a look" });
    for by in [&operator, &acme] {
        assert_eq!(by.ask(Method::POST, "/freezes", None, Some(&frozen)).await.status, StatusCode::CREATED);
    }
    let lift = async |by: &Local, path: &str| {
        by.ask(Method::POST, path, None, Some(&json!({ "reason": "we need it", "unrotated": true }))).await
    };
    for path in ["/freezes/1/lift", "/freezes/1/lift?dry_run=true"] {
        let refused = lift(&acme, path).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
        assert!(refused.body["detail"].as_str().unwrap().contains("they alone lift it"), "{}", refused.body);
    }
    assert_eq!(lift(&acme, "/freezes/2/lift").await.status, StatusCode::OK, "its own");
    let left: Vec<u64> = store.freezes().await.unwrap().freezes.iter().map(|one| one.number).collect();
    assert_eq!(left, [1]);
    let wide = json!({ "extent": { "of": "provider", "id": "zendesk" }, "reason": "the other tenant was breached" });
    assert_eq!(operator.ask(Method::POST, "/freezes", None, Some(&wide)).await.status, StatusCode::CREATED);
    let seen = async |by: &Local| by.ask(Method::GET, "/freezes", None, None).await.body["items"].clone();
    let (own, all) = (seen(&acme).await, seen(&operator).await);
    assert_eq!((&own[0]["reason"], &own[1]["reaches"]), (&json!("a look"), &all[1]["reaches"]), "{own}");
    assert_eq!((&own[1]["reason"], &own[1]["by"]), (&json!("for reasons of whoever runs the host"), &json!("")));
    assert_eq!(all[1]["reason"], "the other tenant was breached");
    assert_eq!(lift(&operator, "/freezes/1/lift").await.status, StatusCode::OK);
}

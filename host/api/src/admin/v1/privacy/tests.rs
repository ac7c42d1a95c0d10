use std::time::Duration;

use axum::http::{Method, StatusCode};
use portcullis_model::{people::Caller, privacy::PrivacyStore as _};
use portcullis_store::SqliteStore;
use serde_json::json;

use super::*;
use crate::admin::{Local, Routes, testing as shared};

const MAIL: &str = "ada@example.com";

fn local(store: &Arc<SqliteStore>) -> Local {
    let router = Routes::new(shared::frame(store, b"operator")).mount(operations(), testing::ports(store)).router();
    Local::new(router, shared::dana())
}

#[tokio::test]
async fn a_request_is_tried_out_opened_closed_and_certified_and_never_says_whom_it_is_about() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
    let local = local(&store);
    let post = async |path: &str, body| local.ask(Method::POST, path, None, Some(&body)).await;
    let get = async |path: &str| local.ask(Method::GET, path, None, None).await;
    let at = "/privacy/requests?tenant=acme";
    let whole = json!({ "kind": "erase", "user": "4711", "emails": [MAIL] });
    let many = ["a@b.c"].repeat(60);
    for (body, why) in [
        (json!({ "kind": "forget", "user": "4711" }), "kind: expected"),
        (json!({ "kind": "erase", "user": " 4711" }), "without space around it"),
        (json!({ "kind": "erase", "user": "" }), "1 to 320 characters"),
        (json!({ "kind": "erase", "user": "4711", "days": 0 }), "days: expected"),
        (json!({ "kind": "erase", "user": "4711", "emails": many }), "at most 50"),
        (json!({ "kind": "erase", "user": "4711", "name": "x" }), "name"),
    ] {
        let refused = post(at, body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
        assert!(refused.body.to_string().contains(why), "{}", refused.body);
    }
    let before = store.entry_count().await.unwrap();
    let tried = post("/privacy/requests?tenant=acme&dry_run=true", whole.clone()).await;
    assert_eq!((tried.status, &tried.body["dry-run"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    assert_eq!(store.entry_count().await.unwrap(), before, "nothing was put on record");
    let opened = post(at, whole).await;
    assert_eq!((opened.status, &opened.body["dry-run"]), (StatusCode::CREATED, &json!(false)), "{}", opened.body);
    let id = opened.body["request"]["id"].as_str().unwrap().to_owned();
    let kept = store.request(id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.who.unwrap().emails, [MAIL]);
    let one = get(&format!("/privacy/requests/{id}")).await;
    let all = get("/privacy/requests?tenant=acme").await;
    assert_eq!(all.body["items"][0], one.body);
    for said in [&opened.body, &one.body, &all.body] {
        assert!(!said.to_string().contains(MAIL) && !said.to_string().contains("4711"), "{said}");
    }
    assert_eq!(get("/privacy/requests?tenant=other").await.body["items"], json!([]));
    let certificate = format!("/privacy/requests/{id}/certificate");
    assert_eq!(local.ask(Method::POST, &certificate, None, None).await.status, StatusCode::CONFLICT, "too early");
    let close = format!("/privacy/requests/{id}/close");
    let tried = post(&format!("{close}?dry_run=true"), json!({})).await;
    assert_eq!((tried.status, &tried.body["request"]["stage"]), (StatusCode::OK, &json!("asking")));
    let closed = post(&close, json!({ "note": "asked by hand" })).await;
    assert_eq!((closed.status, &closed.body["request"]["stage"]), (StatusCode::OK, &json!("closed")));
    assert_eq!(post(&close, json!({})).await.status, StatusCode::CONFLICT, "once");
    assert_eq!(local.ask(Method::POST, &certificate, None, None).await.status, StatusCode::OK);
    assert_eq!(get("/privacy/requests/dsr_9").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get("/privacy/leaving?tenant=acme").await.body["plan"]["tenant"], "acme");
}

#[tokio::test]
async fn what_would_go_is_looked_for_once_in_a_while_and_of_backups_the_platform_hears_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
    let frame = shared::frame_with(&store, b"operator", Arc::new(shared::Own));
    let router = Routes::new(frame).mount(operations(), testing::ports(&store)).router();
    let ask = async |by: &Caller, tenant: &str| {
        let local = Local::new(router.clone(), by.clone());
        let told = local.ask(Method::GET, &format!("/privacy/leaving?tenant={tenant}"), None, None).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.body);
        told.body["plan"].clone()
    };
    let (platform, acme) = (shared::dana(), shared::of("acme"));
    for _ in 0..5 {
        assert_eq!(ask(&acme, "acme").await, json!({ "tenant": "acme", "looks": 1 }), "nothing of backups");
        assert_eq!(ask(&platform, "acme").await["backups"]["with-keys"], true);
    }
    assert_eq!(ask(&platform, "other").await["looks"], 2, "what was seen of one is told again of that one");
}

#[tokio::test]
async fn a_tenant_of_which_there_is_much_holds_up_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
    let frame = shared::frame_with(&store, b"operator", Arc::new(shared::Own));
    let router = Routes::new(frame).mount(operations(), testing::ports(&store)).router();
    let local = Local::new(router, shared::dana());
    let ask = async |tenant: &str| {
        local.ask(Method::GET, &format!("/privacy/leaving?tenant={tenant}"), None, None).await.status
    };
    let mut endless = std::pin::pin!(ask("endless"));
    let soon = tokio::time::timeout(Duration::from_millis(500), &mut endless).await;
    assert!(soon.is_err(), "it is looked still");
    let other = tokio::time::timeout(Duration::from_secs(20), ask("acme")).await;
    assert_eq!(other, Ok(StatusCode::OK));
}

#[tokio::test]
async fn the_files_of_a_request_for_access_are_handed_over_to_its_tenant_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
    let frame = shared::frame_with(&store, b"operator", Arc::new(shared::Own));
    let router = Routes::new(frame).mount(operations(), testing::ports(&store)).router();
    let ask = async |by: Caller, method: Method, path: &str, body: Option<&serde_json::Value>| {
        Local::new(router.clone(), by).ask(method, path, None, body).await
    };
    let opened = async |kind: &str| {
        let body = json!({ "kind": kind, "user": "4711", "emails": [MAIL] });
        let opened = ask(shared::of("acme"), Method::POST, "/privacy/requests?tenant=acme", Some(&body)).await;
        assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
        format!("/privacy/requests/{}/export.tar", opened.body["request"]["id"].as_str().unwrap())
    };
    let (access, erase) = (opened("access").await, opened("erase").await);
    let taken = ask(shared::of("acme"), Method::GET, &access, None).await;
    assert_eq!((taken.status, &taken.body), (StatusCode::OK, &json!("a tar of dsr_0")));
    assert_eq!(ask(shared::of("acme"), Method::GET, &erase, None).await.status, StatusCode::CONFLICT);
    assert_eq!(ask(shared::of("other"), Method::GET, &access, None).await.status, StatusCode::NOT_FOUND);
}

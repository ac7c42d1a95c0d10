use axum::http::{Method, StatusCode};
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    keys::SecretKey,
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Routes, local::Local, testing};

#[tokio::test]
async fn an_override_says_just_what_was_asked_for_and_enough_have_signed_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let keys = testing::keepers(&store).await;
    let ports = super::tests::ports(&store, keys.registry.clone());
    let router = Routes::new(testing::frame(&store, b"operator")).mount(operations(), Arc::new(ports)).router();
    let local = Local::new(router, testing::dana());
    let post = async |path: &str, body: &Value| local.ask(Method::POST, path, None, Some(body)).await;
    let id = ReleaseId { component: Digest::of(b"component"), manifest: Digest::of(b"manifest") };
    let path = format!("/releases/{}/{}/override", id.component, id.manifest);
    let (dry, before) = (format!("{path}?dry_run=true"), store.entry_count().await.unwrap());
    let new = json!({ "reason": "release 5 loses tickets", "days": 7 });
    let with = |name: &str, value: Value| {
        let mut body = new.clone();
        body[name] = value;
        body
    };
    let payload = testing::to_sign(&post(&dry, &new).await.body);
    let signed = |keys: &[&SecretKey]| {
        let first = Envelope::sign(PayloadType::Override, payload.clone(), keys[0]).unwrap();
        let all = keys[1..].iter().fold(first, |envelope, key| envelope.signed_also(*key).unwrap());
        testing::json_of(&all)
    };
    let few = with("envelope", signed(&[&keys.ann]));
    let both = with("envelope", signed(&[&keys.ann, &keys.bob]));
    assert!(post(&dry, &few).await.body["lacks"].as_str().unwrap().contains("'overrides'"));
    assert!(post(&dry, &both).await.body["lacks"].is_null());
    let mut longer = both.clone();
    longer["days"] = json!(6);
    let other = format!("/releases/{}/{}/override", id.component, id.component);
    for (path, body, status) in [
        (&path, new.clone(), StatusCode::BAD_REQUEST),
        (&dry, with("days", json!(366)), StatusCode::BAD_REQUEST),
        (&path, few, StatusCode::UNPROCESSABLE_ENTITY),
        (&path, longer, StatusCode::UNPROCESSABLE_ENTITY),
        (&other, both.clone(), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let refused = post(path, &body).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.body);
    }
    let stranger = local.as_caller(testing::of("acme")).ask(Method::POST, &path, None, Some(&both)).await;
    assert_eq!(stranger.status, StatusCode::FORBIDDEN, "{}", stranger.body);
    assert_eq!(store.entry_count().await.unwrap(), before, "nothing was done");
    let filed = post(&path, &both).await;
    assert_eq!((filed.status, &filed.body["given"]["reason"]), (StatusCode::OK, &new["reason"]), "{}", filed.body);
    assert_eq!(store.entry_count().await.unwrap(), before + 1);
}

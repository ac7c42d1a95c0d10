use axum::http::{Method, StatusCode};
use portcullis_model::{
    audit::{Entry, Kind},
    review::{Note, Step},
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, Routes, testing};

#[tokio::test]
async fn what_was_handed_in_is_listed_also_where_its_state_cannot_be_said() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let submission = |number: u64| Submission {
        component: Digest::of(&number.to_be_bytes()),
        manifest: Digest::of(b"manifest"),
        plugin: "com.example.a".parse().unwrap(),
        publisher: "com.example".parse().unwrap(),
        version: format!("{number}.0.0"),
        number,
    };
    for number in [1, 2] {
        let note = Note { at: testing::NOW, by: "dana".into(), root: RootScope::Platform, step: Step::Submitted };
        let entry = Entry::new(testing::NOW, Kind::ReviewSubmitted, Actor::Host, None);
        assert!(store.put_note(submission(number), 0, note, entry).await.unwrap());
    }
    let ports = Ports {
        registry: testing::registry(&store),
        reviews: Arc::new(store.clone()),
        clock: Arc::new(testing::Fixed),
    };
    let router = Routes::new(testing::frame(&store, b"operator")).mount(operations(), Arc::new(ports)).router();
    let local = Local::new(router, testing::dana());
    let get = async |path: &str| local.ask(Method::GET, path, None, None).await;
    let all = get("/reviews").await.body;
    let numbers: Vec<&Value> = all["items"].as_array().unwrap().iter().map(|one| &one["number"]).collect();
    assert_eq!(numbers, [&json!(2), &json!(1)], "{all}");
    assert!(all["items"][0]["state"].is_null() && all["items"][0]["fault"].is_string(), "{all}");
    assert_eq!(get("/reviews?state=approved").await.body["items"], json!([]));
    assert_eq!(get("/reviews?state=good").await.status, StatusCode::BAD_REQUEST);
    let (component, manifest) = (Digest::of(&1u64.to_be_bytes()), Digest::of(b"manifest"));
    let one = get(&format!("/reviews/{component}/{manifest}")).await;
    assert_eq!(one.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", one.body);
    assert_eq!(get(&format!("/reviews/{manifest}/{manifest}")).await.status, StatusCode::NOT_FOUND);
}

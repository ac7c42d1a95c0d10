use std::sync::Mutex;

use axum::http::{Method, StatusCode};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing};

/// Keeps what it is told in memory.
#[derive(Default)]
struct Paper(Mutex<Vec<(Announced, Actor)>>);

#[async_trait]
impl Board for Paper {
    async fn told(&self) -> Result<Vec<Announced>, StoreError> {
        Ok(self.0.lock().unwrap().iter().map(|(one, _)| one.clone()).collect())
    }

    async fn tell(&self, one: &Announced, by: Actor) -> Result<bool, StoreError> {
        let mut all = self.0.lock().unwrap();
        let is_new = all.iter().all(|(known, _)| known.id != one.id);
        if is_new {
            all.push((one.clone(), by));
        }
        Ok(is_new)
    }

    async fn tell_of(&self, _: &Announced, _: Incident, _: Actor) -> Result<(), ChangeError> {
        unreachable!("nobody tells of an incident here")
    }

    async fn resolve(&self, one: &Announced, by: Actor) -> Result<bool, StoreError> {
        let mut all = self.0.lock().unwrap();
        let found = all.iter_mut().find(|(known, _)| known.id == one.id && known.resolved.is_none());
        Ok(found.map(|open| *open = (one.clone(), by)).is_some())
    }
}

fn world() -> (Local, Arc<Paper>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let paper = Arc::new(Paper::default());
    let ports = Ports { board: paper.clone(), rng: Arc::new(testing::Fixed) };
    let router = Routes::new(testing::frame(&store, b"operator")).mount(operations(), Arc::new(ports)).router();
    (Local::new(router, testing::dana()), paper, dir)
}

async fn post(local: &Local, path: &str, body: Value) -> LocalAnswer {
    local.ask(Method::POST, path, None, Some(&body)).await
}

#[tokio::test]
async fn something_is_tried_out_told_and_over() {
    let (local, paper, _dir) = world();
    let path = "/status/announcements";
    let body = json!({ "kind": "incident", "title": "Events are late" });
    let tried = post(&local, &format!("{path}?dry_run=true"), body.clone()).await;
    assert_eq!((tried.status, paper.0.lock().unwrap().len()), (StatusCode::OK, 0), "{}", tried.body);
    let told = post(&local, path, body).await;
    assert_eq!(told.status, StatusCode::CREATED, "{}", told.body);
    assert_eq!(paper.0.lock().unwrap()[0].1, testing::dana().actor, "in the name of whoever said it");
    // Randomness stands still here.
    let again = post(&local, path, json!({ "kind": "incident", "title": "Another" })).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "it takes nothing else's place: {}", again.body);
    let resolve = format!("{path}/{}/resolve", told.body["announcement"]["id"].as_str().unwrap());
    let over = post(&local, &resolve, json!({ "text": "A disk was full." })).await;
    assert_eq!(over.status, StatusCode::OK, "{}", over.body);
    let list = local.ask(Method::GET, path, None, None).await.body;
    let one = &list["items"][0];
    assert_eq!((&one["title"], &one["text"]), (&json!("Events are late"), &json!("A disk was full.")));
    assert!(one["resolved"].is_string(), "{one}");
    assert_eq!(post(&local, &resolve, json!({})).await.status, StatusCode::CONFLICT, "it is over already");
    let nothing = post(&local, &format!("{path}/ffff/resolve"), json!({})).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_says_nothing_or_ends_before_it_begins_is_refused() {
    let (local, paper, _dir) = world();
    for body in [
        json!({ "kind": "incident", "title": " " }),
        json!({ "kind": "party", "title": "x" }),
        json!({ "kind": "maintenance", "title": "x", "since": "soon" }),
        json!({ "kind": "maintenance", "title": "x", "since": "2026-12-02", "until": "2026-12-01" }),
        json!({ "kind": "maintenance", "title": "x".repeat(201) }),
    ] {
        let refused = post(&local, "/status/announcements", body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
    }
    assert!(paper.0.lock().unwrap().is_empty());
}

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use portcullis_access::Seen;
use portcullis_model::{
    error::StoreError,
    id::FactorId,
    people::{FactorKind, Limits, ProfileLimits},
    secret::Secret,
    time::Rng,
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing, v1};

/// Never the same twice.
#[derive(Default)]
pub struct Counting(AtomicU64);

impl Rng for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let n = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let bytes = portcullis_model::id::Digest::of(&n).hex();
        buffer.iter_mut().zip(bytes.bytes().cycle()).for_each(|(to, from)| *to = from);
    }
}

struct NoProfiles;

#[async_trait]
impl ProfileLimits for NoProfiles {
    async fn limits_of(&self, _: &TenantId) -> Result<Vec<Limits>, StoreError> {
        Ok(Vec::new())
    }
}

/// People over a store of their own, asked for by the operator and by those who joined.
pub struct World {
    pub store: SqliteStore,
    pub access: Access,
    router: axum::Router,
    _dir: tempfile::TempDir,
}

pub const BASE: &str = "https://host.example";

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
        let shared = Arc::new(store.clone());
        let (clock, rng) = (Arc::new(testing::Fixed), Arc::new(Counting::default()));
        let access = Access::new(shared, Arc::new(NoProfiles), clock, rng, Secret::new(vec![7; 32])).unwrap();
        let made = access.clone();
        let ports = Arc::new(Ports::new(move || Ok(made), Some(BASE.to_owned())));
        let router = Routes::new(testing::frame_with(&store, b"operator", Arc::new(access.clone())))
            .mount(operations(), ports.clone())
            .mount(v1::roles::operations(), ports.clone())
            .mount(v1::support::operations(), ports.clone())
            .mount(v1::automation::operations(), ports.clone())
            .mount(v1::access::operations(), ports)
            .router();
        Self { store, access, router, _dir: dir }
    }

    pub async fn ask(&self, by: &Caller, method: Method, path: &str, body: Value) -> LocalAnswer {
        self.at(by, method, path, None, body).await
    }

    pub async fn at(&self, by: &Caller, method: Method, path: &str, version: Option<&str>, body: Value) -> LocalAnswer {
        let body = Some(&body).filter(|body| !body.is_null());
        Local::new(self.router.clone(), by.clone()).ask(method, path, version, body).await
    }

    /// Somebody joins by a link that the API answered, and is signed in with a fresh second factor.
    pub async fn joins(&self, by: &Caller, email: &str, role: &str) -> (PersonId, Caller) {
        let body = json!({ "email": email, "name": "Ana", "role": role });
        let made = self.ask(by, Method::POST, "/people/invitations?tenant=acme", body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let link = made.body["link"].as_str().unwrap();
        let token = link.strip_prefix("https://host.example/console/join#").unwrap();
        let person = self.access.invitee(&self.access.invitation(token).await.unwrap()).await.unwrap();
        let factor = Factor {
            id: format!("fac_{email}").replace('@', "-").parse::<FactorId>().unwrap(),
            person: person.id.clone(),
            kind: FactorKind::Passkey,
            label: "a key".to_owned(),
            handle: Some(email.to_owned()),
            body: Value::Null,
            created: testing::NOW,
            used: None,
            ended: None,
            version: 1,
        };
        let seen = Seen { label: "Firefox".to_owned(), device: None, address: "192.0.2.7".parse().unwrap() };
        let started = self.access.join(token, factor, &seen).await.unwrap();
        (person.id, self.access.known(&started.token, seen.address).await.unwrap().unwrap().caller)
    }

    pub async fn written(&self) -> u64 {
        self.store.entry_count().await.unwrap()
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect()
}

#[tokio::test]
async fn somebody_is_invited_joins_and_is_shown() {
    let world = World::new();
    let (_, owner) = world.joins(&testing::dana(), "ana@acme.example", "owner").await;
    let before = world.written().await;
    let body = json!({ "email": "bo@acme.example", "name": "Bo", "role": "auditor" });
    let path = "/people/invitations?tenant=acme";
    let tried = world.ask(&owner, Method::POST, &format!("{path}&dry_run=true"), body.clone()).await;
    assert_eq!(
        (tried.status, &tried.body["link"], &tried.body["dry_run"]),
        (StatusCode::OK, &Value::Null, &json!(true))
    );
    assert_eq!(world.written().await, before);
    assert_eq!(world.ask(&owner, Method::GET, path, Value::Null).await.body["items"], json!([]));
    let (bo, _) = world.joins(&owner, "bo@acme.example", "auditor").await;
    let list = world.ask(&owner, Method::GET, "/people?tenant=acme&limit=1", Value::Null).await.body;
    let next = list["next"].as_str().unwrap().strip_prefix("/admin/v1").unwrap();
    let rest = world.ask(&owner, Method::GET, next, Value::Null).await.body;
    let mut roles = [&list, &rest].map(|page| page["items"][0]["role"].as_str().unwrap().to_owned());
    roles.sort();
    assert_eq!((roles, &rest["next"]), (["auditor".to_owned(), "owner".to_owned()], &Value::Null));
    let one = world.ask(&owner, Method::GET, &format!("/people/{bo}?tenant=acme"), Value::Null).await;
    assert_eq!((&one.body["factors"][0]["kind"], one.etag.as_deref()), (&json!("passkey"), Some("\"1\"")));
    let refused = world.ask(&owner, Method::POST, path, json!({ "email": "x", "name": "X", "role": "admin" })).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
}

#[tokio::test]
async fn another_role_is_tried_out_with_what_it_gives_and_takes_and_then_given() {
    let world = World::new();
    let (_, owner) = world.joins(&testing::dana(), "ana@acme.example", "owner").await;
    let (bo, as_bo) = world.joins(&owner, "bo@acme.example", "auditor").await;
    let before = world.written().await;
    let path = format!("/people/{bo}/role?tenant=acme");
    let body = json!({ "role": "admin" });
    let missing = world.ask(&owner, Method::PUT, &path, body.clone()).await;
    assert_eq!(missing.status, StatusCode::PRECONDITION_REQUIRED);
    let other = world.at(&owner, Method::PUT, &path, Some("\"9\""), body.clone()).await;
    assert_eq!(other.status, StatusCode::PRECONDITION_FAILED, "{}", other.body);
    let tried = world.at(&owner, Method::PUT, &format!("{path}&dry_run=true"), Some("\"1\""), body.clone()).await;
    assert!(texts(&tried.body["gained"]).contains(&"installations.suspend"), "{}", tried.body);
    assert_eq!(tried.body["person"]["role"], "admin");
    assert_eq!(world.written().await, before);
    let done = world.at(&owner, Method::PUT, &path, Some("\"1\""), body).await;
    assert_eq!((done.status, done.etag.as_deref()), (StatusCode::OK, Some("\"2\"")), "{}", done.body);
    assert_eq!((&done.body["sessions-ended"], &done.body["gained"]), (&json!(1), &tried.body["gained"]));
    let gone = world.ask(&as_bo, Method::GET, "/people?tenant=acme", Value::Null).await;
    assert_eq!(gone.status, StatusCode::OK, "what a caller was stands until the next request: {}", gone.body);
    let sessions = world.ask(&owner, Method::GET, &format!("/people/{bo}/sessions?tenant=acme"), Value::Null).await;
    assert_eq!(
        (&sessions.body["items"][0]["live"], &sessions.body["items"][0]["ended"]),
        (&json!(false), &json!("another role"))
    );
}

#[tokio::test]
async fn the_last_owner_stays_also_in_a_rehearsal() {
    let world = World::new();
    let (ana, owner) = world.joins(&testing::dana(), "ana@acme.example", "owner").await;
    let path = format!("/people/{ana}?tenant=acme");
    for path in [path.clone(), format!("{path}&dry_run=true")] {
        let refused = world.ask(&owner, Method::DELETE, &path, Value::Null).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
        assert!(refused.body["detail"].as_str().unwrap().contains("last owner"), "{}", refused.body);
    }
    let (bo, _) = world.joins(&owner, "bo@acme.example", "owner").await;
    let before = world.written().await;
    let tried = world.ask(&owner, Method::DELETE, &format!("/people/{bo}?tenant=acme&dry_run=true"), Value::Null).await;
    assert_eq!((tried.status, &tried.body["dry_run"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    assert_eq!(world.written().await, before);
    let gone = world.ask(&owner, Method::DELETE, &format!("/people/{bo}?tenant=acme"), Value::Null).await;
    assert_eq!((gone.status, &gone.body["sessions-ended"]), (StatusCode::OK, &json!(1)));
    let there = world.ask(&owner, Method::GET, &format!("/people/{bo}?tenant=acme"), Value::Null).await;
    assert_eq!(there.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_is_suspended_is_out_and_comes_back_and_sessions_end_one_by_one() {
    let world = World::new();
    let (_, owner) = world.joins(&testing::dana(), "ana@acme.example", "owner").await;
    let (bo, as_bo) = world.joins(&owner, "bo@acme.example", "developer").await;
    let session = as_bo.session.clone().unwrap();
    let post = async |what: &str, body| {
        world.ask(&owner, Method::POST, &format!("/people/{bo}/{what}?tenant=acme"), body).await
    };
    let ended = post("sessions/end", json!({ "session": session })).await;
    assert_eq!((ended.status, &ended.body["ended"]), (StatusCode::OK, &json!(1)), "{}", ended.body);
    assert_eq!(post("sessions/end", json!({ "session": session })).await.status, StatusCode::NOT_FOUND);
    assert_eq!(post("suspend", Value::Null).await.body["person"]["suspended"], true);
    assert_eq!(post("resume", Value::Null).await.body["person"]["suspended"], false);
    let link = post("recover", Value::Null).await;
    assert!(link.body["link"].as_str().unwrap().starts_with(BASE), "{}", link.body);
    let waiting = world.ask(&owner, Method::GET, "/people/invitations?tenant=acme", Value::Null).await.body;
    let id = waiting["items"][0]["id"].as_str().unwrap();
    assert_eq!(waiting["items"][0]["known"], true);
    let back = format!("/people/invitations/{id}?tenant=acme");
    assert_eq!(world.ask(&owner, Method::DELETE, &back, Value::Null).await.status, StatusCode::OK);
    assert_eq!(world.ask(&owner, Method::DELETE, &back, Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_sees_or_changes_people_of_another_tenant_or_more_than_their_role() {
    let world = World::new();
    let (ana, owner) = world.joins(&testing::dana(), "ana@acme.example", "owner").await;
    let (_, developer) = world.joins(&owner, "bo@acme.example", "developer").await;
    let list = world.ask(&developer, Method::GET, "/people?tenant=acme", Value::Null).await;
    assert_eq!(list.status, StatusCode::FORBIDDEN, "{}", list.body);
    for path in ["/people?tenant=other", "/roles?tenant=other", "/support?tenant=other", "/access?tenant=other"] {
        assert_eq!(world.ask(&owner, Method::GET, path, Value::Null).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(world.ask(&owner, Method::GET, "/people", Value::Null).await.status, StatusCode::FORBIDDEN);
    let stale = Caller { factors: Vec::new(), ..owner.clone() };
    let body = json!({ "email": "cy@acme.example", "name": "Cy", "role": "auditor" });
    let refused = world.ask(&stale, Method::POST, "/people/invitations?tenant=acme", body).await;
    assert_eq!((refused.status, &refused.body["refusal"]["rule"]), (StatusCode::FORBIDDEN, &json!("step-up")));
    let own = world.ask(&stale, Method::POST, &format!("/people/{ana}/suspend?tenant=acme"), Value::Null).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn support_is_let_in_for_a_time_and_networks_keep_nobody_out_who_sets_them() {
    let world = World::new();
    let (_, owner) = world.joins(&testing::dana(), "ana@acme.example", "owner").await;
    let until = Timestamp(testing::NOW.0 + 3_600_000).to_string();
    let body = json!({ "until": until, "reason": "case 4711", "may-change": true });
    let tried = world.ask(&owner, Method::POST, "/support?tenant=acme&dry_run=true", body.clone()).await;
    assert_eq!((tried.status, &tried.body["dry_run"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    let given = world.ask(&owner, Method::POST, "/support?tenant=acme", body).await;
    let id = given.body["access"]["id"].as_str().unwrap();
    let list = world.ask(&owner, Method::GET, "/support?tenant=acme", Value::Null).await.body;
    assert_eq!((list["items"].as_array().unwrap().len(), &list["items"][0]["holds"]), (1, &json!(true)));
    let end = format!("/support/{id}/end?tenant=acme");
    assert_eq!(world.ask(&owner, Method::POST, &end, Value::Null).await.status, StatusCode::OK);
    assert_eq!(world.ask(&owner, Method::POST, &end, Value::Null).await.status, StatusCode::NOT_FOUND);
    let rules = world.ask(&owner, Method::GET, "/access?tenant=acme", Value::Null).await;
    let mut set = rules.body["set"].clone();
    set["idle-minutes"] = json!(20);
    set["networks"] = json!([["10.0.0.0/8"]]);
    let version = rules.etag.as_deref();
    let locked = world.at(&owner, Method::PUT, "/access?tenant=acme", version, set.clone()).await;
    assert_eq!(locked.status, StatusCode::BAD_REQUEST, "{}", locked.body);
    set["networks"] = json!([["192.0.2.0/24"]]);
    let tried = world.at(&owner, Method::PUT, "/access?tenant=acme&dry_run=true", version, set.clone()).await;
    assert_eq!(tried.body["holds"]["idle-minutes"], 20, "{}", tried.body);
    let done = world.at(&owner, Method::PUT, "/access?tenant=acme", version, set.clone()).await;
    assert_eq!((done.status, done.body), (StatusCode::OK, tried.body));
    let late = world.at(&owner, Method::PUT, "/access?tenant=acme", version, set).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
}

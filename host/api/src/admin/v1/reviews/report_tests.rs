use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use portcullis_model::{
    audit::{Entry, Kind},
    error::StoreError,
    installation::InstallationState,
    people::{Action, Caller, Decide, Needs, Refusal, Why},
};
use serde_json::{Value, json};

use super::{
    testing::{GOES, World},
    *,
};
use crate::admin::testing as common;

/// Lets everybody do everything, but suspend.
struct NoSuspending;

#[async_trait]
impl Decide for NoSuspending {
    async fn decide(&self, _: &Caller, action: &Action, _: &Resource) -> Result<Result<(), Refusal>, StoreError> {
        let needs = Needs::Role { one_of: Vec::new() };
        let refusal = Refusal { rule: Why::NoRole, needs, who: String::new() };
        Ok(if action.name == "installations.suspend" { Err(refusal) } else { Ok(()) })
    }
}

/// Two tenants run the same plugin.
async fn run(world: &World) {
    for (id, tenant) in [("ins_1", "acme"), ("ins_2", "globex")] {
        let one = common::installation(id, tenant);
        let entry = Entry::new(common::NOW, Kind::PluginInstalled, Actor::Host, Some(one.tenant.clone()));
        assert!(world.store.put_installation(one, None, entry).await.unwrap());
    }
}

async fn active(world: &World) -> Vec<bool> {
    let all = world.store.installations().await.unwrap();
    all.iter().map(|one| one.state == InstallationState::Active).collect()
}

fn about(installation: &str) -> Value {
    json!({ "installation": installation, "reason": "posts to another room" })
}

#[tokio::test]
async fn what_is_reported_is_checked_whole_before_anything_is_written() {
    let world = World::new().await;
    run(&world).await;
    let before = world.written().await;
    let with = |name: &str, value: Value| {
        let mut body = about("ins_1");
        body[name] = value;
        body
    };
    for (body, status) in [
        (with("reason", json!("two\nlines")), StatusCode::BAD_REQUEST),
        (with("reasons", json!("x")), StatusCode::BAD_REQUEST),
        (with("evidence", json!(["call_1.1"])), StatusCode::UNPROCESSABLE_ENTITY),
        (with("evidence", json!(vec!["call_many.1"; 21])), StatusCode::CONFLICT),
        (about("ins_9"), StatusCode::NOT_FOUND),
    ] {
        let refused = world.post("/misbehaviour", body.clone()).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.body);
    }
    let others = world.ask(&common::of("globex"), Method::POST, "/misbehaviour", about("ins_1")).await;
    assert_eq!(others.status, StatusCode::NOT_FOUND, "another tenant's: {}", others.body);
    let tried = world.post("/misbehaviour?dry_run=true", with("suspend", json!(true))).await.body;
    assert_eq!((&tried["dry_run"], &tried["report"]["plugin"]), (&json!(true), &json!("com.example.a")), "{tried}");
    let others = tried["others-read"].as_str().unwrap();
    assert!(others.contains("com.example.a") && others.contains("was reported for misbehaviour"), "{others}");
    for theirs in ["acme", "ins_1", "dana", "posts to another room"] {
        assert!(!others.contains(theirs), "others read '{theirs}': {others}");
    }
    assert!(world.store.misbehaviours().await.unwrap().is_empty());
    assert_eq!((world.written().await, active(&world).await), (before, vec![true, true]), "nothing was done");
}

#[tokio::test]
async fn a_report_is_taken_and_stops_what_it_is_about_where_that_is_asked_for() {
    let world = World::new().await;
    run(&world).await;
    let mut body = about("ins_1");
    body["suspend"] = json!(true);
    let told = world.post("/misbehaviour", body).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.body);
    assert_eq!((&told.body["suspended"], &told.body["stopped"]), (&json!(true), &json!("quarantined")));
    assert_eq!(active(&world).await, [false, true]);
    let kept = world.store.misbehaviours().await.unwrap();
    assert_eq!((kept.len(), kept[0].by.as_str(), kept[0].tenant.as_str()), (1, "dana", "acme"));
    let theirs = world.ask(&common::of("globex"), Method::POST, "/misbehaviour", about("ins_2")).await;
    assert_eq!(theirs.status, StatusCode::OK, "{}", theirs.body);
    assert!(theirs.body["stopped"].is_null(), "what others run is nothing to a tenant: {}", theirs.body);
    assert_eq!(active(&world).await, [false, true]);
}

#[tokio::test]
async fn whoever_may_not_suspend_does_not_do_so_by_a_report() {
    let world = World::with(Arc::new(NoSuspending)).await;
    run(&world).await;
    let mut body = about("ins_1");
    body["suspend"] = json!(true);
    let refused = world.post("/misbehaviour", body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    assert!(world.store.misbehaviours().await.unwrap().is_empty(), "nothing was taken");
    assert_eq!(world.post("/misbehaviour", about("ins_1")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_report_counts_where_its_installation_cannot_be_suspended_any_more() {
    let world = World::new().await;
    run(&world).await;
    let body = json!({ "installation": "ins_1", "reason": GOES, "suspend": true });
    let told = world.post("/misbehaviour", body).await;
    assert_eq!((told.status, &told.body["suspended"]), (StatusCode::OK, &json!(false)), "{}", told.body);
    assert_eq!(told.body["stopped"], "quarantined", "the release is looked at all the same: {}", told.body);
    assert!(told.body["not-suspended"].is_string(), "{}", told.body);
    assert_eq!(world.store.misbehaviours().await.unwrap().len(), 1);
}

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::admin::{testing, v1::people::tests::World};

const ROLES: &str = "/roles?tenant=acme";

#[tokio::test]
async fn a_role_is_made_held_changed_with_what_that_does_to_whom_and_removed() {
    let world = World::new();
    let (_, owner) = world.joins(&testing::dana(), "ana@acme.example", "owner").await;
    let rules = json!([{ "actions": ["installations.list", "installations.suspend"] }]);
    let body = json!({ "name": "night-watch", "says": "Watches at night", "rules": rules });
    let before = world.written().await;
    let tried = world.ask(&owner, Method::POST, &format!("{ROLES}&dry_run=true"), body.clone()).await;
    assert_eq!(tried.body["gained"], json!(["installations.list", "installations.suspend"]), "{}", tried.body);
    assert_eq!(world.written().await, before);
    assert_eq!(world.ask(&owner, Method::POST, ROLES, body.clone()).await.status, StatusCode::CREATED);
    assert_eq!(world.ask(&owner, Method::POST, ROLES, body).await.status, StatusCode::CONFLICT);
    let (bo, _) = world.joins(&owner, "bo@acme.example", "night-watch").await;
    let list = world.ask(&owner, Method::GET, ROLES, Value::Null).await.body;
    let names: Vec<&str> = list["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["owner", "admin", "reviewer", "developer", "auditor", "support", "night-watch"]);
    let one = "/roles/night-watch?tenant=acme";
    let seen = world.ask(&owner, Method::GET, one, Value::Null).await;
    let rules = json!([
        { "actions": ["installations.list", "denials.list", "installations.suspend"] },
        { "forbid": true, "actions": ["installations.suspend"], "only": ["installation:ins_1"] },
    ]);
    let body = json!({ "says": "Watches at night", "rules": rules });
    let version = seen.etag.as_deref();
    let tried = world.at(&owner, Method::PUT, &format!("{one}&dry_run=true"), version, body.clone()).await;
    assert_eq!(tried.body["gained"], json!(["denials.list"]), "{}", tried.body);
    assert_eq!(tried.body["lost"], json!(["installations.suspend on installation:ins_1"]));
    assert_eq!(tried.body["holders"][0]["id"], bo.as_str());
    let done = world.at(&owner, Method::PUT, one, version, body.clone()).await;
    assert_eq!((done.status, &done.body["lost"]), (StatusCode::OK, &tried.body["lost"]), "{}", done.body);
    assert_eq!(world.at(&owner, Method::PUT, one, version, body).await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(world.ask(&owner, Method::DELETE, one, Value::Null).await.status, StatusCode::CONFLICT);
    assert_eq!(
        world.ask(&owner, Method::DELETE, &format!("/people/{bo}?tenant=acme"), Value::Null).await.status,
        StatusCode::OK
    );
    assert_eq!(world.ask(&owner, Method::DELETE, one, Value::Null).await.status, StatusCode::OK);
    assert_eq!(world.ask(&owner, Method::GET, one, Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_role_that_governs_or_that_speaks_of_nothing_is_refused_and_a_built_in_one_is_shown_only() {
    let world = World::new();
    let (_, owner) = world.joins(&testing::dana(), "ana@acme.example", "owner").await;
    for (name, action) in [("boss", "people.invite"), ("ghost", "installations.destroy"), ("admin", "acts.get")] {
        let body = json!({ "name": name, "says": "x", "rules": [{ "actions": [action] }] });
        let refused = world.ask(&owner, Method::POST, ROLES, body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
    }
    let admin = world.ask(&owner, Method::GET, "/roles/admin?tenant=acme", Value::Null).await.body;
    assert_eq!(admin["built-in"], true);
    assert!(admin["permits"].as_array().unwrap().contains(&json!("installations.install")), "{admin}");
    let path = "/roles/admin?tenant=acme";
    assert_eq!(world.ask(&owner, Method::DELETE, path, Value::Null).await.status, StatusCode::NOT_FOUND);
}

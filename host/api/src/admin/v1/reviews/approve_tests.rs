use axum::http::{Method, StatusCode};
use portcullis_model::{
    audit::{Entry, Kind},
    installation::Installation,
    trust::TrustStore as _,
};
use serde_json::{Value, json};

use super::{
    testing::{World, signed},
    *,
};
use crate::admin::testing as common;

/// Where the release of this world is approved.
fn at(world: &World) -> String {
    format!("/releases/{}/{}/approve", world.of.component, world.of.manifest)
}

/// Installs it, in the tenant acme.
async fn install(world: &World) {
    let (release, manifest) = (world.of.component, world.of.manifest);
    let one = Installation { release, manifest, ..common::installation("ins_1", "acme") };
    let entry = Entry::new(common::NOW, Kind::PluginInstalled, Actor::Host, Some(one.tenant.clone()));
    assert!(world.store.put_installation(one, None, entry).await.unwrap());
}

fn new() -> Value {
    json!({ "at-most": ["tickets:read fields=subject", "log:write"], "days": 30, "reason": "no more than that" })
}

fn with(name: &str, value: Value) -> Value {
    let mut body = new();
    body[name] = value;
    body
}

#[tokio::test]
async fn what_is_installed_is_approved_by_a_reviewers_signature_under_what_was_asked_for() {
    let world = World::new().await;
    install(&world).await;
    let (path, before) = (at(&world), world.written().await);
    let dry = format!("{path}?dry_run=true");
    let tried = world.post(&dry, new()).await;
    assert_eq!((tried.status, &tried.body["dry_run"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    assert_eq!(tried.body["sign"]["payload_type"], "application/vnd.in-toto+json");
    assert_eq!(tried.body["verdict"]["at-most"], new()["at-most"]);
    let (right, eves) = (signed(&tried.body, &world.ann), signed(&tried.body, &world.eve));
    let mut narrower = with("at-most", json!([]));
    narrower["envelope"] = right.clone();
    for (path, body, status, says) in [
        (&path, new(), StatusCode::BAD_REQUEST, "dry_run=true"),
        (&path, with("envelope", json!({})), StatusCode::BAD_REQUEST, "envelope: "),
        (&path, with("envelope", eves.clone()), StatusCode::UNPROCESSABLE_ENTITY, "'reviewers'"),
        (&dry, with("envelope", eves), StatusCode::UNPROCESSABLE_ENTITY, "'reviewers'"),
        (&path, narrower, StatusCode::UNPROCESSABLE_ENTITY, "what was signed is not"),
        (&dry, with("days", json!(366)), StatusCode::BAD_REQUEST, "1 to 365 days"),
        (&dry, with("reason", json!("two\nlines")), StatusCode::BAD_REQUEST, "the reason"),
    ] {
        let refused = world.post(path, body).await;
        assert_eq!(refused.status, status, "{says}: {}", refused.body);
        assert!(refused.body["detail"].as_str().unwrap().contains(says), "{says}: {}", refused.body);
    }
    let whole = with("envelope", right);
    assert_eq!(world.post(&dry, whole.clone()).await.status, StatusCode::OK, "it would be filed");
    assert_eq!(world.written().await, before, "nothing was filed");
    for _ in 0..2 {
        let filed = world.post(&path, whole.clone()).await;
        assert_eq!((filed.status, filed.body["sign"].is_null()), (StatusCode::OK, true), "{}", filed.body);
        assert_eq!(filed.body["verdict"]["reason"], "no more than that");
    }
    assert_eq!(world.written().await, before + 1, "once");
    assert_eq!(world.store.statements(&world.of.release()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_installed_is_handed_in_and_only_the_platform_says_what_holds_for_all() {
    let world = World::new().await;
    let dry = format!("{}?dry_run=true", at(&world));
    let refused = world.post(&dry, new()).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().contains("POST /admin/v1/reviews"), "{}", refused.body);
    install(&world).await;
    let before = world.written().await;
    let acme = world.ask(&common::of("acme"), Method::POST, &dry, new()).await;
    assert_eq!(acme.status, StatusCode::FORBIDDEN, "{}", acme.body);
    assert_eq!(world.written().await, before);
}

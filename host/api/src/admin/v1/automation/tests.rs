use axum::http::{Method, StatusCode};
use portcullis_model::people::Caller;
use serde_json::{Value, json};

use super::super::people::tests::World;
use crate::admin::testing;

/// Two public keys, as `openssl pkey -pubout` writes them.
const FIRST: &str = "-----BEGIN PUBLIC KEY-----\r\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\r\n-----END PUBLIC KEY-----\r\n";
const SECOND: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}"#;

#[tokio::test]
async fn a_program_is_tried_out_registered_given_another_key_and_taken_away() {
    let world = World::new();
    let (_, owner) = world.joins(&testing::dana(), "ana@acme.example", "owner").await;
    let path = "/automation?tenant=acme";
    let body = json!({ "name": "nightly", "role": "auditor", "public-key": FIRST, "until": "2027-06-30", "networks": ["192.0.2.0/24"] });
    let before = world.written().await;
    let tried = world.ask(&owner, Method::POST, &format!("{path}&dry_run=true"), body.clone()).await;
    assert_eq!((tried.status, &tried.body["dry_run"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    assert_eq!(world.written().await, before);
    let made = world.ask(&owner, Method::POST, path, body.clone()).await;
    assert_eq!((made.status, &made.body["automation"]["holds"]), (StatusCode::CREATED, &json!(true)), "{}", made.body);
    assert_eq!(world.ask(&owner, Method::POST, path, body).await.status, StatusCode::CONFLICT, "the name is taken");
    let id = made.body["automation"]["client"].as_str().unwrap();
    let of = |what: &str| format!("/automation/{id}{what}?tenant=acme");
    let next = json!({ "public-key": SECOND, "overlap-minutes": 60 });
    let rotated = world.ask(&owner, Method::POST, &of("/key"), next.clone()).await;
    assert_eq!(rotated.body["automation"]["keys"].as_array().map(Vec::len), Some(2), "{}", rotated.body);
    assert_eq!(world.ask(&owner, Method::POST, &of("/key"), next).await.status, StatusCode::CONFLICT);
    let list = world.ask(&owner, Method::GET, path, Value::Null).await.body;
    assert_eq!((&list["items"][0]["name"], &list["items"][0]["by"]), (&json!("nightly"), &json!("Ana")), "{list}");
    assert_eq!(world.ask(&owner, Method::DELETE, &of(""), Value::Null).await.status, StatusCode::OK);
    assert_eq!(world.ask(&owner, Method::DELETE, &of(""), Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_no_public_key_and_who_may_not_is_refused() {
    let world = World::new();
    let (_, owner) = world.joins(&testing::dana(), "ana@acme.example", "owner").await;
    let (_, auditor) = world.joins(&owner, "bo@acme.example", "auditor").await;
    let path = "/automation?tenant=acme";
    let with = |name: &str, value: Value| {
        let mut body = json!({ "name": "nightly", "role": "auditor", "public-key": FIRST, "until": "2027-06-30" });
        body[name] = value;
        body
    };
    let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----";
    for (body, says) in [
        (with("public-key", json!(private)), "private key"),
        (with("public-key", json!("x".repeat(5_000))), "4096"),
        (with("public-key", json!("{}")), "public-key"),
        (with("networks", json!(["all of them"])), "networks"),
        (with("until", json!("tomorrow")), "until"),
        (with("until", json!("2099-01-01")), "year"),
    ] {
        let refused = world.ask(&owner, Method::POST, path, body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{says}: {}", refused.body);
        assert!(refused.body["detail"].as_str().unwrap().contains(says), "{says}: {}", refused.body);
        assert!(!refused.body.to_string().contains("MC4CAQ"), "a private key is repeated");
    }
    let whole = with("name", json!("nightly"));
    assert_eq!(world.ask(&auditor, Method::POST, path, whole.clone()).await.status, StatusCode::FORBIDDEN);
    let stale = Caller { factors: Vec::new(), ..owner.clone() };
    let refused = world.ask(&stale, Method::POST, path, whole.clone()).await;
    assert_eq!((refused.status, &refused.body["refusal"]["rule"]), (StatusCode::FORBIDDEN, &json!("step-up")));
    let other = world.ask(&owner, Method::POST, "/automation?tenant=other", whole).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

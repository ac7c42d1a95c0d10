//! What is for whoever looks after the platform: whom it trusts, and its keys and secrets.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{Console, says};

const VAULT: &str = "/console/vault";
const ROTATE: &str = "/console/vault/rotate";

#[tokio::test]
async fn trust_is_read_by_whose_keys_are_and_changed_elsewhere() {
    let (_, page) = Console::with(true, []).get("/console/trust").await;
    says(&page, &["The platform", "2 of 3 keys", "Ada Bell", "plugins of com.example", "com.example.triage: number 4"]);
    says(&page, &["Not known here", "revoked", "of high risk: 2", "2027-05-01 00:00 UTC"]);
    says(&page, &["Tenant acme", "It is over", "Whoever the platform lets"]);
    assert!(!page.contains("method=\"post\""), "{page}");
    let none = Console::in_acme([("GET /trust", json!({ "items": [] }))]);
    let (status, page) = none.get("/console/trust").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    says(&page, &["No root of your own"]);
    let (_, page) = Console::with(true, [("GET /trust", json!({ "items": [] }))]).get("/console/trust").await;
    says(&page, &["Nobody is trusted yet"]);
}

#[tokio::test]
async fn keys_are_shown_by_number_and_made_anew_after_a_look() {
    let done = json!({ "dry_run": true, "made": 2, "rewrapped": 3, "resealed": 6, "dropped": 1 });
    let console = Console::with(true, [("POST /vault/rotate-keys", done)]);
    let (_, page) = console.get(VAULT).await;
    says(&page, &["Number 10", "number 9 still seals 1", "4 ready", "1 consent needed", "not at hand", "give-up"]);
    let (status, page) = console.send(ROTATE, "only=data&tenant=acme").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    says(&page, &["Nothing has changed yet", "<dd>6</dd>", "name=\"tenant\" value=\"acme\"", "data-once"]);
    let (_, page) = console.send(ROTATE, "only=&tenant=&step=do").await;
    says(&page, &["The keys are new", "Secrets sealed anew: 6"]);
    let asked = [
        ("POST /vault/rotate-keys?dry_run=true".to_owned(), json!({ "only": "data", "tenant": "acme" }), None),
        ("POST /vault/rotate-keys".to_owned(), json!({}), None),
    ];
    assert_eq!(console.done(), asked);
}

#[tokio::test]
async fn what_is_refused_about_keys_is_said_and_is_nothing_for_tenants() {
    let busy = "Somebody else makes new keys at the moment.";
    let refused = |status: u16, detail: &str| -> Value {
        json!({ "type": "/problems/refused", "status": status, "detail": detail })
    };
    let console = Console::with(true, [("POST /vault/rotate-keys", refused(409, busy))]);
    let (_, page) = console.send(ROTATE, "only=wrapping&tenant=").await;
    says(&page, &[busy, "value=\"wrapping\" selected"]);
    let (_, page) = Console::with(false, []).get(VAULT).await;
    assert!(!page.contains("method=\"post\"") && page.contains("Number 10"), "{page}");
    let tenant = Console::in_acme([("GET /vault", refused(403, "It is the platform's alone."))]);
    let (status, page) = tenant.get(VAULT).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    says(&page, &["It is the platform's alone."]);
    assert!(!page.contains("Keys and secrets"), "a tenant is led to what is the platform's: {page}");
}

//! What goes with an installation, and how it is taken back.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{Console, says};

#[tokio::test]
async fn what_goes_with_an_installation_is_said_before_it_goes() {
    let gone = json!({
        "id": "ins_1", "tenant": "acme", "plugin": "com.example.triage", "state": "uninstalled",
        "purge_at": "2026-12-22T20:59:07.120Z"
    });
    let credential = json!({ "name": "desk", "provider": "zendesk", "fate": "not-offered", "why": null });
    let done = json!({
        "dry_run": false, "installation": gone, "stopped": { "secrets": 2, "deliveries": 11 }, "credentials": [credential]
    });
    let console = Console::with(true, [("POST /installations/ins_1/uninstall", done)]);
    let (own, uninstall) = ("/console/installations/ins_1", "/console/installations/ins_1/uninstall");
    let (_, page) = console.get(own).await;
    says(&page, &["Show what would go", "in which you can take it back", "for thirty days"]);
    let form = "version=%227%22&reason=not+needed&keep=604800";
    let (status, page) = console.send(uninstall, form).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    says(
        &page,
        &["Nothing has changed yet", "2026-12-22 20:59 UTC", "<dd>11</dd>", "value=\"604800\"", "Uninstall it"],
    );
    let (_, page) = console.send(uninstall, &format!("{form}&step=do")).await;
    says(&page, &["Ended here, and not at the provider", "desk at zendesk"]);
    let (body, version) = (json!({ "reason": "not needed", "keep_for": 604_800 }), Some("\"7\"".to_owned()));
    let asked = [
        ("POST /installations/ins_1/uninstall?dry_run=true".to_owned(), body.clone(), version.clone()),
        ("POST /installations/ins_1/uninstall".to_owned(), body, version),
    ];
    assert_eq!(console.done(), asked);
    let (_, page) = console.send(uninstall, "reason=asked+to&keep=now").await;
    says(&page, &["at once, and cannot be had back"]);
    assert_eq!(console.done()[0].1, json!({ "reason": "asked to", "now": true }));
}

#[tokio::test]
async fn what_is_not_erased_can_be_taken_back_by_whoever_may_and_what_is_has_a_receipt() {
    let restored = json!({ "dry_run": false, "changes": [], "installation": { "id": "ins_8", "state": "suspended" } });
    let console = Console::with(true, [("POST /installations/ins_8/restore", restored)]);
    let (_, page) = console.get("/console/installations/ins_8").await;
    says(&page, &["Take it back", "2026-12-20 08:00 UTC"]);
    let (_, to) = console.send("/console/installations/ins_8/restore", "version=%229%22").await;
    assert_eq!(to, "/console/installations/ins_8");
    let asked = ("POST /installations/ins_8/restore".to_owned(), Value::Null, Some("\"9\"".to_owned()));
    assert_eq!(console.done(), [asked]);
    let others = Console::with(false, []);
    for id in ["ins_1", "ins_8"] {
        let (_, page) = others.get(&format!("/console/installations/{id}")).await;
        assert!(!page.contains("/uninstall\"") && !page.contains("/restore\""), "{page}");
    }
    let (_, page) = others.get("/console/installations/ins_9").await;
    says(&page, &["/console/installations/ins_9/receipt"]);
    let (_, page) = others.get("/console/installations/ins_9/receipt").await;
    says(&page, &["<dt>kv-rows</dt><dd>40</dd>", "/console/audit/4690", "check-proof"]);
    let refused = json!({ "type": "/problems/conflict", "status": 409, "detail": "ins_1 is not erased." });
    let early = Console::with(false, [("GET /installations/ins_1/receipt", refused)]);
    let (status, page) = early.get("/console/installations/ins_1/receipt").await;
    assert_eq!(status, StatusCode::CONFLICT);
    says(&page, &["ins_1 is not erased."]);
}

//! What a plugin logged, and what shows that the host's own log is what it was.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{Console, says};

const OWN: &str = "/console/installations/ins_1/log";
const PROOF: &str = "/console/audit/proof";

fn refused(status: u16, detail: &str) -> Value {
    json!({ "type": "/problems/refused", "status": status, "detail": detail })
}

#[tokio::test]
async fn what_a_plugin_wrote_is_marked_as_its_own_words_and_never_markup() {
    let console = Console::with(true, []);
    let (_, page) = console.get(OWN).await;
    let (call, next) = ("/console/audit?q=call%3Dcall_7", "/console/installations/ins_1/log?cursor=YWJj");
    says(&page, &["These are the plugin's own words", "&lt;script&gt;alert(1)", "2026-11-22 20:58 UTC", call, next]);
    assert!(!page.contains("<script>alert"), "{page}");
    let (_, page) = console.get("/console/installations/ins_1").await;
    says(&page, &["What it logged last", "In the plugin's own words", "&lt;script&gt;alert(1)", OWN]);
    assert!(!page.contains("<script>alert"), "{page}");
}

#[tokio::test]
async fn who_may_not_read_a_plugins_log_sees_the_rest_of_its_page() {
    let console = Console::with(true, [("GET /installations/ins_1/log", refused(403, "It takes another role."))]);
    let (status, page) = console.get(OWN).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    says(&page, &["It takes another role."]);
    let (status, page) = console.get("/console/installations/ins_1").await;
    assert_eq!(status, StatusCode::OK);
    assert!(!page.contains("What it logged last"), "{page}");
    let silent = Console::with(true, [("GET /installations/ins_1/log", json!({ "items": [] }))]);
    let (_, page) = silent.get(OWN).await;
    says(&page, &["It has logged nothing", "log:write"]);
}

#[tokio::test]
async fn the_proof_of_the_log_says_who_vouches_for_it_and_who_is_sent_it() {
    let console = Console::with(true, []);
    let (_, page) = console.get(PROOF).await;
    says(&page, &["The whole log", "<dd>4720</dd>", "portcullis.local/70cd40f7\n4720\n", "?tenant=acme", "?host=true"]);
    says(&page, &["4712 of 4720", "did not cosign", "it did not answer within 10 seconds"]);
    says(&page, &["its receiver takes none", "4600 of 4720", "3 that were gone before they were sent"]);
    let (_, page) = console.get(&format!("{PROOF}?tenant=acme")).await;
    says(&page, &["What is of <strong>acme</strong>", "Of the whole log"]);
    let none = json!({ "items": [] });
    let early = [
        ("GET /audit/checkpoint", refused(404, "The log has no head yet.")),
        ("GET /audit/views", none.clone()),
        ("GET /audit/witnesses", none.clone()),
        ("GET /audit/outlets", none),
    ];
    let (status, page) = Console::with(true, early).get(PROOF).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    says(&page, &["Nothing is published yet", "Nobody cosigns the log", "Nobody is sent the log"]);
}

#[tokio::test]
async fn who_looks_after_a_tenant_sees_its_view_and_not_who_is_sent_the_log() {
    let (status, page) = Console::in_acme([]).get(PROOF).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    says(&page, &["What is of <strong>acme</strong>"]);
    for theirs in ["Witnesses", "Outlets", "Of the whole log", "siem.example"] {
        assert!(!page.contains(theirs), "'{theirs}' is in: {page}");
    }
    let stranger = Console::in_acme([("GET /audit/checkpoint", refused(403, "It takes another role."))]);
    let (status, page) = stranger.get(PROOF).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{page}");
}

#[tokio::test]
async fn the_proof_of_an_entry_is_a_file_and_what_is_not_published_is_said_in_a_page() {
    let console = Console::with(true, []);
    let (_, page) = console.get("/console/audit/4711").await;
    says(&page, &["href=\"/console/audit/4711/proof\"", "check-proof"]);
    let (_, text) = console.get("/console/audit/4711/proof").await;
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["index"], 4711);
    let request = Request::get("/console/audit/4711/proof").body(Body::empty()).unwrap();
    let answer = console.router.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_DISPOSITION], "attachment; filename=\"entry-4711.json\"");
    let detail = "Entry 4711 is not published: the log has 4700 entries.";
    let row = json!({ "index": 4711, "entry": { "kind": "act.permitted" }, "body": "{}" });
    let early = [("GET /audit/entries/4711/proof", refused(409, detail)), ("GET /audit/entries/4711", row)];
    let early = Console::with(true, early);
    let (_, page) = early.get("/console/audit/4711").await;
    assert!(!page.contains("Download the proof") && page.contains("It is not published yet"), "{page}");
    let (status, page) = early.get("/console/audit/4711/proof").await;
    assert_eq!(status, StatusCode::CONFLICT);
    says(&page, &[detail]);
}

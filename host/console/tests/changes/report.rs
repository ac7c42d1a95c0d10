//! A plugin that is reported for what it does.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{Console, says};

const OWN: &str = "/console/installations/ins_1/report";
const SEND: &str = "/console/installations/ins_1/report/send";
const OTHERS: &str = "com.example.triage 2.3.1 (release 3) was reported for misbehaviour, under review";
const FORM: &str = "reason=posts+to+another+room&evidence=call_7.1&others=call_9.1++call_8.1&suspend=yes";

fn told(stopped: Value) -> Value {
    let report = json!({
        "id": "rep_1", "plugin": "com.example.triage", "version": "2.3.1", "number": 3, "tenant": "acme",
        "installation": "ins_1", "by": "Dana Reyes", "reason": "posts to another room", "evidence": ["call_7.1"],
    });
    json!({ "dry_run": true, "report": report, "others-read": OTHERS, "suspended": true, "stopped": stopped })
}

#[tokio::test]
async fn who_reads_what_of_a_report_is_said_before_it_is_sent() {
    let console = Console::with(true, [("POST /misbehaviour", told(json!("quarantined")))]);
    let (_, page) = console.get("/console/installations/ins_1").await;
    says(&page, &["Report it", OWN]);
    let (_, page) = console.get(OWN).await;
    says(&page, &["takes your second factor", "Acts that show it", "value=\"call_7.1\"", "Suspend it at once, too"]);
    let (status, page) = console.send(SEND, FORM).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    says(&page, &["Nothing has changed yet", OTHERS, "posts to another room", "It is suspended at once"]);
    says(&page, &["name=\"evidence\" value=\"call_7.1\"", "name=\"suspend\" value=\"yes\"", "data-once"]);
    let (status, page) = console.send(SEND, &format!("{FORM}&step=do")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    says(&page, &["The platform has your report", "rep_1", "it runs nowhere until that is lifted"]);
    let body = json!({
        "installation": "ins_1", "reason": "posts to another room", "suspend": true,
        "evidence": ["call_7.1", "call_8.1", "call_9.1"],
    });
    let asked = [
        ("POST /misbehaviour?dry_run=true".to_owned(), body.clone(), None),
        ("POST /misbehaviour".to_owned(), body, None),
    ];
    assert_eq!(console.done(), asked);
}

#[tokio::test]
async fn what_was_written_is_there_again_where_it_was_refused() {
    let refused = json!({ "type": "/problems/refused", "status": 422, "detail": "call_9.1 is no act of this plugin." });
    let console = Console::with(true, [("POST /misbehaviour", refused)]);
    let (status, page) = console.send(SEND, FORM).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    says(
        &page,
        &[
            "call_9.1 is no act of this plugin.",
            "value=\"posts to another room\"",
            "value=\"call_7.1\" checked",
            "value=\"call_8.1 call_9.1\"",
        ],
    );
    let proof = json!({ "type": "/problems/step-up-required", "status": 403, "detail": "Confirm who you are." });
    let console = Console::with(true, [("POST /misbehaviour", proof)]);
    let (status, to) = console.send(SEND, FORM).await;
    let back = "/console/step-up?next=%2Fconsole%2Finstallations%2Fins_1%2Freport";
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, back));
}

#[tokio::test]
async fn who_may_not_report_is_not_offered_to() {
    let (_, page) = Console::with(false, []).get("/console/installations/ins_1").await;
    assert!(!page.contains(OWN), "{page}");
    let (_, page) = Console::with(false, []).get(OWN).await;
    assert!(!page.contains("Suspend it at once"), "who may not suspend is offered to: {page}");
}

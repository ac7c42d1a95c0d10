//! Where an installation's messages go, and what they are signed with.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{BACK_END, Console, says};

#[tokio::test]
async fn a_back_end_is_set_over_the_one_that_was_seen_and_its_key_shown_once() {
    let back_end =
        json!({ "tenant": "acme", "url": "https://hooks.example/in", "events": ["a.b", "c.*"], "state": "active" });
    let set = json!({ "back-end": back_end, "key": "whsec_once" });
    let console = Console::with(true, [("PUT /installations/ins_1/backend", set)]);
    let form = "url=https%3A%2F%2Fhooks.example%2Fin%3Fof%3Dacme&events=a.b%0D%0Ac.*&scheme=hmac&version=%227%22";
    let (_, page) = console.send("/console/installations/ins_1/backend/set", form).await;
    says(
        &page,
        &[
            "Nothing has changed yet",
            "https://hooks.example/in",
            "value=\"https://hooks.example/in?of=acme\"",
            "value=\"&quot;7&quot;\"",
        ],
    );
    assert!(!page.contains("whsec_once"), "{page}");
    let (_, page) = console.send("/console/installations/ins_1/backend/set", &format!("{form}&step=do")).await;
    says(&page, &["This is shown once", "whsec_once"]);
    let body = json!({ "url": "https://hooks.example/in?of=acme", "events": ["a.b", "c.*"], "scheme": "hmac" });
    let version = Some("\"7\"".to_owned());
    let asked = [
        ("PUT /installations/ins_1/backend?dry_run=true".to_owned(), body.clone(), version.clone()),
        ("PUT /installations/ins_1/backend".to_owned(), body, version),
    ];
    assert_eq!(console.done(), asked);
}

#[tokio::test]
async fn an_address_that_nobody_writes_stays_and_a_form_is_sent_over_what_is_set_now() {
    let back_end = json!({ "tenant": "acme", "url": "https://hooks.example/in", "state": "active" });
    let console = Console::with(true, [("PUT /installations/ins_1/backend", json!({ "back-end": back_end }))]);
    let (_, page) = console.get(BACK_END).await;
    says(&page, &["Empty: as it is now", "name=\"url\" value=\"\""]);
    let set = format!("{BACK_END}/set");
    let (_, page) = console.send(&set, "url=&events=a.b&version=%227%22").await;
    says(&page, &["as until now: ", "https://hooks.example/in"]);
    let (_, to) = console.send(&set, "url=&events=a.b&version=%227%22&step=do").await;
    assert_eq!(to, BACK_END);
    let bodies: Vec<Value> = console.done().into_iter().map(|(_, body, _)| body).collect();
    assert_eq!(bodies, [json!({ "events": ["a.b"] }), json!({ "events": ["a.b"] })]);

    let detail = "Somebody else has just changed it.";
    let refused = json!({ "type": "/problems/precondition-failed", "status": 412, "detail": detail });
    let console = Console::with(true, [("PUT /installations/ins_1/backend", refused)]);
    let sent = "url=https%3A%2F%2Fhooks.example%2Fnew&events=a.b&version=%226%22";
    let (_, page) = console.send(&set, sent).await;
    assert_eq!(console.done()[0].2.as_deref(), Some("\"6\""));
    says(&page, &[detail, "value=\"https://hooks.example/new\"", "name=\"version\" value=\"&quot;7&quot;\""]);
    assert!(!page.contains("&quot;6&quot;"), "each press would be refused again: {page}");
}

#[tokio::test]
async fn how_many_messages_would_be_sent_again_is_said_before_they_are() {
    const REPLAY: &str = "POST /installations/ins_1/backend/replay";
    let console = Console::with(true, [(REPLAY, json!({ "replayed": 3 }))]);
    let path = format!("{BACK_END}/replay");
    let (_, page) = console.get(BACK_END).await;
    says(&page, &["Send 43 again", "name=\"which\" value=\"all\""]);
    let (_, page) = console.send(&path, "which=all").await;
    says(&page, &["Nothing has changed yet", "<dd>3</dd>", "name=\"which\" value=\"all\""]);
    let (_, page) = console.send(&path, "delivery=39").await;
    says(&page, &["of the number 39", "name=\"delivery\" value=\"39\""]);
    let (_, to) = console.send(&path, "delivery=39&step=do").await;
    assert_eq!(to, BACK_END);
    let asked = [
        (format!("{REPLAY}?dry_run=true"), json!({}), None),
        (format!("{REPLAY}?dry_run=true"), json!({ "delivery": 39 }), None),
        (REPLAY.to_owned(), json!({ "delivery": 39 }), None),
    ];
    assert_eq!(console.done(), asked);
    let (_, page) = console.send(&path, "step=do").await;
    says(&page, &["Choose one message"]);
    assert!(console.done().is_empty(), "a form that names nothing sends all");

    let console = Console::with(true, [(REPLAY, json!({ "replayed": 0 }))]);
    let (_, page) = console.send(&path, "which=all").await;
    says(&page, &["None of its messages was given up"]);
    assert!(!page.contains("value=\"do\""), "there is a button for nothing: {page}");
}

#[tokio::test]
async fn a_key_that_is_ready_is_let_sign_and_is_on_no_page_again() {
    let path = format!("{BACK_END}/key");
    let back_end = json!({ "tenant": "acme", "url": "https://hooks.example/in", "state": "active" });
    let ready = json!([{ "slot": "pending", "scheme": "hmac", "since": "2026-11-20T08:00:00Z" }]);
    let promoted = json!({ "signs": true, "promoted": true, "previous_until": "2026-11-24T08:00:00Z" });
    let answers = [
        ("GET /installations/ins_1/backend", json!({ "back-end": back_end, "keys": ready })),
        ("POST /installations/ins_1/backend/key", promoted),
    ];
    let console = Console::with(true, answers);
    let (_, page) = console.get(BACK_END).await;
    says(&page, &["Let the ready key sign"]);
    assert!(!page.contains("next_scheme"), "it signs as it was made: {page}");
    let (_, page) = console.send(&path, "how=86400").await;
    says(&page, &["no new one is made", "signs as well until", "Let it sign"]);
    let (status, to) = console.send(&path, "how=86400&step=do").await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, BACK_END));

    let another = json!({ "key": "whpk_next", "signs": false, "replaces-ready": true });
    let console = Console::with(true, [("POST /installations/ins_1/backend/key", another)]);
    let (_, page) = console.send(&path, "how=prepare").await;
    says(&page, &["The key that was ready", "it never signs", "goes on signing"]);
    let (_, page) = console.send(&path, "how=prepare&step=do").await;
    says(&page, &["This is shown once", "whpk_next"]);
    assert_eq!(console.done()[1].1, json!({ "prepare": true }));
}

#[tokio::test]
async fn what_the_host_would_refuse_of_a_back_end_is_not_offered() {
    let disabled = json!({ "tenant": "acme", "url": "https://hooks.example/in", "state": "disabled", "why": "410" });
    let answer = json!({ "back-end": disabled, "keys": [] });
    let console = Console::with(true, [("GET /installations/ins_1/backend", answer)]);
    let (_, page) = console.get(BACK_END).await;
    says(&page, &["No key signs", "Show where it would send", "Show what would go"]);
    assert!(!page.contains("Try it out") && !page.contains("Send 43 again"), "{page}");

    let none = json!({ "back-end": null, "keys": [] });
    let console = Console::with(true, [("GET /installations/ins_1/backend", none)]);
    let (status, to) = console.send(&format!("{BACK_END}/test"), "").await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, BACK_END));
}

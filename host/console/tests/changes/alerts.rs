//! Where alerts go, what raises them, and what needs somebody.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{Console, says};

/// A tenant's endpoint, and that of a tenant that has none.
pub const ENDPOINT: &str = "/console/alerts/endpoints/acme";
pub const UNSET: &str = "/console/alerts/endpoints/umbrella";

#[tokio::test]
async fn where_alerts_go_is_shown_first_and_its_key_once() {
    let endpoint =
        json!({ "tenant": "umbrella", "url": "https://siem.example/in", "least": "high", "state": "active" });
    let set = json!({ "endpoint": endpoint, "key": "whsec_once" });
    let console = Console::with(true, [("PUT /alerts/endpoints", set)]);
    let (_, page) = console.get(UNSET).await;
    says(&page, &["Alerts are posted nowhere", "name=\"version\" value=\"&quot;0&quot;\"", "Have alerts posted"]);
    assert!(!page.contains("Another key"), "there is none to be replaced: {page}");
    let form = "url=https%3A%2F%2Fsiem.example%2Fin%3Fkey%3Dx&least=high&version=%220%22";
    let (_, page) = console.send(&format!("{UNSET}/set"), form).await;
    let there =
        ["Nothing has changed yet", "High and critical", "value=\"https://siem.example/in?key=x\"", "shown once"];
    says(&page, &there);
    assert!(!page.contains("whsec_once"), "{page}");
    let (_, page) = console.send(&format!("{UNSET}/set"), &format!("{form}&step=do")).await;
    says(&page, &["This is shown once", "whsec_once"]);
    let body = json!({ "url": "https://siem.example/in?key=x", "least": "high" });
    let version = Some("\"0\"".to_owned());
    let asked = [
        ("PUT /alerts/endpoints?tenant=umbrella&dry_run=true".to_owned(), body.clone(), version.clone()),
        ("PUT /alerts/endpoints?tenant=umbrella".to_owned(), body, version),
    ];
    assert_eq!(console.done(), asked);
}

#[tokio::test]
async fn an_address_that_nobody_writes_stays_and_the_platforms_is_its_own() {
    let endpoint = json!({ "url": "https://alerts.platform.example/portcullis", "least": "low", "state": "active" });
    let console = Console::with(true, [("PUT /alerts/endpoints", json!({ "endpoint": endpoint }))]);
    let own = "/console/alerts/endpoints/_";
    let (_, page) = console.get(own).await;
    says(&page, &["All alerts, of the host and of every tenant", "Empty: as it is now", "name=\"url\" value=\"\""]);
    let (_, page) = console.send(&format!("{own}/set"), "url=&least=low&version=%225%22").await;
    says(&page, &["as until now: ", "https://alerts.platform.example/portcullis"]);
    assert!(!page.contains("a key that is made"), "it has one: {page}");
    let (status, to) = console.send(&format!("{own}/set"), "url=&least=low&version=%225%22&step=do").await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, own));
    let (body, version) = (json!({ "least": "low" }), Some("\"5\"".to_owned()));
    let asked = [
        ("PUT /alerts/endpoints?dry_run=true".to_owned(), body.clone(), version.clone()),
        ("PUT /alerts/endpoints".to_owned(), body, version),
    ];
    assert_eq!(console.done(), asked);

    let detail = "Somebody else has just changed it: look again, and send it once more.";
    let refused = json!({ "type": "/problems/precondition-failed", "status": 412, "detail": detail });
    let console = Console::with(true, [("PUT /alerts/endpoints", refused)]);
    let form = "url=https%3A%2F%2Fsiem.example%2Fnew&least=high&version=%226%22";
    let (_, page) = console.send(&format!("{ENDPOINT}/set"), form).await;
    let version = "name=\"version\" value=\"&quot;7&quot;\"";
    says(&page, &[detail, "value=\"https://siem.example/new\"", "value=\"high\" selected", version]);
}

#[tokio::test]
async fn the_key_of_alerts_is_replaced_after_a_look_and_shown_once() {
    const KEY: &str = "POST /alerts/endpoints/key";
    let console = Console::with(true, [(KEY, json!({ "dry_run": false, "key": "whsec_next" }))]);
    let (_, page) = console.send(&format!("{ENDPOINT}/key"), "").await;
    says(&page, &["Nothing has changed yet", "signs as well for a day", "data-once"]);
    assert!(!page.contains("whsec_next"), "{page}");
    let (_, page) = console.send(&format!("{ENDPOINT}/key"), "once=key-0&step=do").await;
    says(&page, &["This is shown once", "whsec_next"]);
    let asked: Vec<String> = console.done().into_iter().map(|(ask, ..)| ask).collect();
    assert_eq!(asked, [format!("{KEY}?tenant=acme&dry_run=true"), format!("{KEY}?tenant=acme")]);
    assert_eq!(*console.api.keys.lock().unwrap(), [None, Some("key-0".to_owned())]);
    // The same, asked for twice: it was shown then.
    let console = Console::with(true, [(KEY, json!({ "dry_run": false }))]);
    let (_, to) = console.send(&format!("{ENDPOINT}/key"), "once=key-0&step=do").await;
    assert_eq!(to, ENDPOINT);

    let detail = "The key was not changed: the overlap goes on.";
    let refused = json!({ "type": "/problems/conflict", "status": 409, "detail": detail });
    let (_, page) = Console::with(true, [(KEY, refused)]).send(&format!("{ENDPOINT}/key"), "").await;
    says(&page, &[detail, "How it stands"]);
}

#[tokio::test]
async fn an_endpoint_is_tried_out_and_taken_away_after_a_look() {
    const TEST: &str = "POST /alerts/endpoints/test";
    let endpoint = json!({ "tenant": "acme", "url": "https://siem.acme.example/in" });
    let answers = [(TEST, json!({ "queued": true })), ("DELETE /alerts/endpoints", json!({ "endpoint": endpoint }))];
    let console = Console::with(true, answers);
    let (_, page) = console.send(&format!("{ENDPOINT}/test"), "").await;
    says(&page, &["Nothing has changed yet", "https://siem.acme.example/in", "Post it"]);
    assert!(console.done().is_empty(), "a look posts nothing");
    let (_, to) = console.send(&format!("{ENDPOINT}/test"), "step=do").await;
    assert_eq!(to, ENDPOINT);
    assert_eq!(console.done(), [(format!("{TEST}?tenant=acme"), Value::Null, None)]);
    let (_, page) = console.send(&format!("{ENDPOINT}/remove"), "version=%227%22").await;
    says(&page, &["What would go", "Nothing has changed yet", "value=\"&quot;7&quot;\""]);
    let (_, to) = console.send(&format!("{ENDPOINT}/remove"), "version=%227%22&step=do").await;
    assert_eq!(to, ENDPOINT);
    let version = Some("\"7\"".to_owned());
    let asked = [
        ("DELETE /alerts/endpoints?tenant=acme&dry_run=true".to_owned(), Value::Null, version.clone()),
        ("DELETE /alerts/endpoints?tenant=acme".to_owned(), Value::Null, version),
    ];
    assert_eq!(console.done(), asked);
    // What is disabled gets nothing until it is set again.
    let (_, page) = console.get("/console/alerts/endpoints/globex").await;
    says(&page, &["it answered 410", "let it go on"]);
    assert!(!page.contains("Try it out"), "{page}");
}

#[tokio::test]
async fn whose_endpoint_is_looked_for_is_named_and_led_to() {
    let console = Console::with(false, []);
    let (_, page) = console.get("/console/alerts/endpoints").await;
    says(&page, &["Alerts of acme", "https://siem.acme.example/in", "All alerts, of the host", "label for=\"tenant\""]);
    let (status, to) = console.get("/console/alerts/endpoints?tenant=acme").await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, ENDPOINT));
    let none = Console::with(false, [("GET /alerts/endpoints", json!({ "items": [] }))]);
    let (_, page) = none.get("/console/alerts/endpoints").await;
    says(&page, &["Alerts are posted nowhere", "Set an address"]);
    let unset = Console::with(true, [("GET /alerts/endpoints", json!({ "items": [] }))]);
    let (_, page) = unset.get("/console/alerts/endpoints").await;
    says(&page, &["href=\"/console/alerts/endpoints/_\"", "not set"]);
}

#[tokio::test]
async fn an_alert_leads_to_its_rule_and_the_rule_to_what_it_is_held_against() {
    let console = Console::with(false, []);
    let (_, page) = console.get("/console/alerts/alr_1").await;
    says(&page, &["href=\"/console/alerts/rules/new-destination\""]);
    let (_, page) = console.get("/console/alerts").await;
    says(&page, &["href=\"/console/alerts/rules\"", "href=\"/console/alerts/endpoints\""]);
    let (_, page) = console.get("/console/alerts/rules").await;
    says(&page, &["A plugin searches tickets in bulk", "not applied", "Comes with the host"]);
    let (_, page) = console.get("/console/alerts/rules/new-destination").await;
    let entries = "href=\"/console/audit?q=kind%3Dact.outcome+act%3Dhttp.send+outcome%3Dok\"";
    says(&page, &["What it sent", "for 6 hours", "kind=act.outcome act=http.send outcome=ok", entries]);
    assert!(!page.contains("Its file"), "it comes with the host: {page}");
    let (status, _) = console.get("/console/alerts/rules/none").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_needs_somebody_stands_by_urgency_and_leads_to_where_it_is_done() {
    let console = Console::with(false, []);
    let (_, page) = console.get("/console/notices").await;
    let first = page.find("Look at these first").unwrap();
    let (soon, known) = (page.find("To be done soon").unwrap(), page.find("Good to know").unwrap());
    assert!(first < soon && soon < known, "{page}");
    let consent = page.find("href=\"/console/connections/ins_1/desk\"").unwrap();
    let upgrade = page.find("href=\"/console/installations/ins_1/upgrade\"").unwrap();
    let over = page.find("A plugin has used up a budget").unwrap();
    assert!(first < consent && consent < soon && soon < upgrade && upgrade < known && known < over, "{page}");
    says(
        &page,
        &[
            "href=\"/console/installations/ins_1/backend\"",
            "href=\"/console/reviews/sha256%3Ac1/sha256%3Am1\"",
            "The back end of com.example.triage in acme",
            "have its keepers sign version 4",
            "Over: nothing to do",
            "portcullis connection authorize ins_1 desk",
            "href=\"/console/notices?cursor=abc\"",
            "These are not all",
        ],
    );
    let (_, overview) = console.get("/console").await;
    says(&overview, &["href=\"/console/notices\"", "<b>6+</b>"]);
}

#[tokio::test]
async fn nothing_that_needs_somebody_is_said_and_what_is_refused_is_no_empty_list() {
    let none = Console::with(false, [("GET /notices", json!({ "items": [] }))]);
    let (_, page) = none.get("/console/notices").await;
    says(&page, &["Nothing needs you", "href=\"/console/notices?days=7\""]);
    let (_, page) = none.get("/console/notices?days=7").await;
    assert!(page.contains("value=\"7\" selected") && !page.contains("Look at seven days"), "{page}");
    let refused = json!({ "type": "/problems/forbidden", "status": 403, "detail": "Your roles do not allow that." });
    let (status, page) = Console::with(false, [("GET /notices", refused)]).get("/console/notices").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    says(&page, &["Your roles do not allow that."]);
    assert!(!page.contains("Nothing needs you"), "{page}");
}

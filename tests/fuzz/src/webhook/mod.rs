//! Webhooks in, through the router that the host serves.
//!
//! Input: see [`request`]: the sender, headers, a blank line, the body. A signature is made for the body unless the input
//! brings its own.
//!
//! Holds: what is accepted was signed, in time, and small enough, and put exactly one event into the queue, which says what
//! the request said (by a second reading of the body), has bounded, printable names, and is read back from storage's form as
//! itself; its audit entries are small enough for the log. What is refused stores nothing, is counted once, and is answered by
//! a problem that repeats nothing of the request.

mod request;
mod world;

use axum::http::StatusCode;
use portcullis_broker::hmac::{github_signature, zendesk_signature};
use portcullis_model::{
    audit::Entry,
    event::{Event, EventForm},
    secret::Secret,
    time::Timestamp,
};
use request::{Request, Sender};
use serde_json::Value;
use world::{Answer, MAX_BODY, NOW, SECRET, World};

use crate::text::{assert_plain, assert_readable};

thread_local! {
    static WORLD: World = World::new();
}

/// Checks one input.
pub fn check(data: &[u8]) {
    let Some(request) = Request::read(data) else { return };
    WORLD.with(|world| {
        let answer = world.send(&request);
        match answer.status {
            StatusCode::ACCEPTED => accepted(&request, &answer),
            _ => refused(&request, &answer),
        }
    });
}

fn accepted(request: &Request, answer: &Answer) {
    assert_eq!(answer.body, br#"{"status":"accepted"}"#);
    assert_eq!(answer.refusals, 0);
    let [(event, entry)] = &answer.stored[..] else { panic!("{} events of one request", answer.stored.len()) };
    assert!(request.body.len() <= MAX_BODY);
    proven(request);
    let body: Value = serde_json::from_slice(request.body).unwrap_or_else(|e| panic!("accepted, but not JSON: {e}"));
    says_the_same(request, event, &body);
    bounded(event);
    recorded(entry);
    let stored = serde_json::to_string(event).unwrap_or_else(|e| panic!("{event:?} cannot be stored: {e}"));
    match serde_json::from_str::<Event>(&stored) {
        Ok(back) => assert_eq!(&back, event, "read back as another event"),
        Err(error) => panic!("stored, but never to be read again: {error}: {stored}"),
    }
}

/// The signature, worked out again, is the one that was sent.
fn proven(request: &Request) {
    let secret = Secret::new(SECRET.as_bytes().to_vec());
    let sent = |name: &str| request.headers.get(name).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    match request.sender {
        Sender::Zendesk => {
            let at = String::from_utf8(sent("x-zendesk-webhook-signature-timestamp")).unwrap_or_default();
            assert_eq!(sent("x-zendesk-webhook-signature"), zendesk_signature(&secret, &at, request.body).as_bytes());
            let at = Timestamp::parse(&at).unwrap_or_else(|| panic!("accepted without a time: {at:?}"));
            assert!(at.distance(NOW).as_secs() <= 300, "accepted at {at}");
        }
        Sender::Github => assert_eq!(sent("x-hub-signature-256"), github_signature(&secret, request.body).as_bytes()),
        Sender::CloudEvents => assert_eq!(sent("authorization"), format!("Bearer {SECRET}").as_bytes()),
        Sender::Nobody => panic!("accepted from nobody"),
    }
}

fn says_the_same(request: &Request, event: &Event, body: &Value) {
    assert_eq!((event.tenant.as_str(), event.origin.as_str()), ("acme", request.sender.source()));
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    match request.sender {
        Sender::Zendesk => {
            assert_eq!((Some(event.id.as_str()), Some(event.kind.as_str())), (text("id"), text("type")));
            assert_eq!((event.form, &event.data), (EventForm::Zendesk, body));
            assert_eq!((event.source.as_str(), event.subject.as_deref()), ("/hooks/zendesk/zen", text("subject")));
        }
        Sender::Github => {
            let kind = request.headers.get("x-github-event").and_then(|value| value.to_str().ok()).unwrap_or_default();
            assert_eq!(
                request.headers.get("x-github-delivery").map(|value| value.as_bytes()),
                Some(event.id.as_bytes())
            );
            let rest = event.kind.strip_prefix("com.github.").and_then(|rest| rest.strip_prefix(kind));
            let action = rest.map(|rest| rest.strip_prefix('.').unwrap_or(rest));
            assert!(action.is_some_and(|action| action.is_empty() || text("action") == Some(action)), "{}", event.kind);
            assert_eq!((event.form, &event.data), (EventForm::Github, body));
            assert_eq!((event.source.as_str(), event.time), ("/hooks/github/hub", NOW));
        }
        Sender::CloudEvents => {
            assert_eq!((Some(event.id.as_str()), Some(event.kind.as_str())), (text("id"), text("type")));
            assert_eq!((Some(event.source.as_str()), event.subject.as_deref()), (text("source"), text("subject")));
            assert_eq!(event.form, EventForm::CloudEvents);
            assert_eq!(&event.data, body.get("data").unwrap_or(&Value::Null));
        }
        Sender::Nobody => panic!("accepted from nobody"),
    }
}

fn bounded(event: &Event) {
    assert_plain(&event.id, 128, "the id");
    assert_plain(&event.kind, 256, "the type");
    assert_plain(&event.source, 256, "the source");
    if let Some(subject) = &event.subject {
        assert_plain(subject, 1024, "the subject");
    }
}

fn recorded(entry: &Entry) {
    let bytes = entry.encode().unwrap_or_else(|e| panic!("{entry:?}: {e}"));
    assert!(bytes.len() < 16 * 1024, "{entry:?}");
    let texts = entry.detail.values().filter_map(Value::as_str);
    texts.chain(entry.resource.as_deref()).for_each(|text| assert_readable(text, 8 * 1024, "an entry's text"));
}

fn refused(request: &Request, answer: &Answer) {
    assert!(answer.stored.is_empty(), "refused with {}, but stored: {:?}", answer.status, answer.stored);
    assert_eq!(answer.refusals, 1, "counted once");
    let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|e| panic!("{}: {e}", answer.status));
    let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
    ["title", "detail", "type"].iter().for_each(|name| assert_readable(text(name), 200, name));
    assert_eq!(problem["status"], answer.status.as_u16());
    let name = text("type").rsplit('/').next().unwrap_or_default();
    let expected = match name {
        "unknown-source" | "no-endpoint" => 404,
        "wrong-method" => 405,
        "too-large" => 413,
        "unsigned" | "wrong-signature" | "stale" => 401,
        "not-json" | "malformed" => 400,
        "wrong-content-type" => 415,
        other => panic!("refused as {other:?}"),
    };
    assert_eq!(answer.status, expected);
    assert!(name != "too-large" || request.body.len() > MAX_BODY, "{} bytes are too many", request.body.len());
    assert!(name != "not-json" || serde_json::from_slice::<Value>(request.body).is_err(), "it is JSON");
    repeats_nothing(request.body, &answer.body);
}

/// A word that is in many inputs, and that no answer has a reason to hold.
fn repeats_nothing(body: &[u8], answer: &[u8]) {
    const MARK: &[u8] = b"zq7mark";
    let holds = |bytes: &[u8]| bytes.windows(MARK.len()).any(|window| window == MARK);
    assert!(!holds(body) || !holds(answer), "{}", String::from_utf8_lossy(answer));
}

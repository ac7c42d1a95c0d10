//! What can be done about deliveries, sources, back ends, clients, where alerts go, plugins that misbehave and keys: shown before it is done,
//! by the same operations as the API has, and only to whom it is of use; and a secret that was made is on one page, once.
#![expect(clippy::unwrap_used, reason = "a test")]

mod alerts;
mod back_ends;
mod leaving;
mod logs;
mod platform;
mod report;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header, request::Parts},
};
use portcullis_console::{
    Router,
    host::{Answer, Ask, Host, Unknown, Visitor},
    routes,
};
use portcullis_model::{
    audit::Actor,
    people::{Action, Caller, Holding, Reach, Resource},
    time::Timestamp,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// An API that writes down what it is asked to do.
struct Asked {
    /// What is answered, by method and path without its query.
    answers: BTreeMap<String, (StatusCode, Value)>,
    done: Mutex<Vec<(String, Value, Option<String>)>>,
    /// Under which key, each of them.
    keys: Mutex<Vec<Option<String>>>,
    fresh: AtomicU32,
    may: bool,
    caller: Caller,
}

#[async_trait]
impl Host for Asked {
    async fn visitor(&self, _: &Parts) -> Result<Option<Visitor>, Unknown> {
        let caller = self.caller.clone();
        Ok(Some(Visitor { caller, name: "Dana Reyes".to_owned(), token: "token".to_owned() }))
    }

    async fn ask(&self, _: &Caller, ask: Ask) -> Answer {
        let path = ask.path.split('?').next().unwrap_or_default();
        let key = format!("{} {path}", ask.method);
        let found = self.answers.get(&key).cloned();
        if ask.method != Method::GET {
            let done = (format!("{} {}", ask.method, ask.path), ask.body.unwrap_or_default(), ask.version);
            self.done.lock().unwrap().push(done);
            self.keys.lock().unwrap().push(ask.key);
        }
        let (status, body) = found.unwrap_or((StatusCode::NOT_FOUND, json!({ "type": "/problems/unknown" })));
        Answer { status, version: Some("\"7\"".to_owned()), body }
    }

    async fn may(&self, _: &Caller, _: &Action, _: &Resource) -> bool {
        self.may
    }

    fn fresh(&self) -> String {
        format!("key-{}", self.fresh.fetch_add(1, Ordering::Relaxed))
    }

    fn base(&self) -> &str {
        "http://localhost:8080"
    }
}

struct Console {
    api: Arc<Asked>,
    router: Router,
}

impl Console {
    /// With the sample answers, and these in their place.
    fn with<const N: usize>(may: bool, others: [(&str, Value); N]) -> Self {
        Self::by(Caller::at_the_terminal(Actor::Host, Timestamp(0)), may, others)
    }

    /// The same, for somebody who looks after one tenant alone.
    fn in_acme<const N: usize>(others: [(&str, Value); N]) -> Self {
        let (tenant, role) = (Some("acme".parse().unwrap()), "owner".parse().unwrap());
        let held = Holding { tenant, role, until: None, support: None, break_glass: false };
        let reach = Reach::Holdings(vec![held]);
        Self::by(Caller { reach, ..Caller::at_the_terminal(Actor::Host, Timestamp(0)) }, true, others)
    }

    fn by<const N: usize>(caller: Caller, may: bool, others: [(&str, Value); N]) -> Self {
        let samples: BTreeMap<String, Value> = serde_json::from_str(include_str!("../answers.json")).unwrap();
        let samples = samples.into_iter().map(|(path, body)| (format!("GET {path}"), (StatusCode::OK, body)));
        let others = others.into_iter().map(|(key, body)| {
            let refused = body.get("status").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
            let status = refused.map_or(StatusCode::OK, |code| StatusCode::from_u16(code).unwrap());
            (key.to_owned(), (status, body))
        });
        let answers = samples.chain(others).collect();
        let (done, keys, fresh) = (Mutex::default(), Mutex::default(), AtomicU32::default());
        let api = Arc::new(Asked { answers, done, keys, fresh, may, caller });
        Self { router: routes(api.clone()), api }
    }

    async fn asked(&self, request: Request<Body>) -> (StatusCode, String) {
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        if head.status == StatusCode::OK {
            assert_eq!(head.headers[header::CACHE_CONTROL], "no-store");
        }
        let to = head.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
        (head.status, to.unwrap_or(text))
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        self.asked(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn send(&self, path: &str, form: &str) -> (StatusCode, String) {
        let body = Body::from(format!("csrf=token&{form}"));
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.asked(request.body(body).unwrap()).await
    }

    /// What the API was asked to do since the last time.
    fn done(&self) -> Vec<(String, Value, Option<String>)> {
        std::mem::take(&mut self.api.done.lock().unwrap())
    }
}

fn says(page: &str, all: &[&str]) {
    for words in all {
        assert!(page.contains(words), "'{words}' is not in: {page}");
    }
}

const BACK_END: &str = "/console/installations/ins_1/backend";

const PAGES: [&str; 8] = [
    "/console/deliveries/42",
    "/console/sources",
    "/console/sources/acme-desk",
    BACK_END,
    "/console/clients/cli_1",
    alerts::ENDPOINT,
    alerts::UNSET,
    "/console/deliveries",
];

#[tokio::test]
async fn who_may_change_nothing_sees_no_button() {
    let (others, own) = (Console::with(false, []), Console::with(true, []));
    for page in PAGES {
        let (status, text) = others.get(page).await;
        assert_eq!(status, StatusCode::OK, "{page}: {text}");
        assert!(!text.contains("method=\"post\""), "{page}: {text}");
        let (_, text) = own.get(page).await;
        assert_eq!(text.contains("method=\"post\""), page != "/console/deliveries", "{page}");
    }
}

#[tokio::test]
async fn a_list_of_one_tenant_says_so_and_leads_back_to_all() {
    let console = Console::with(false, []);
    for path in ["/console/clients", "/console/deliveries"] {
        let (_, all) = console.get(path).await;
        assert!(!all.contains("Of all tenants"), "{path}: {all}");
        let (_, one) = console.get(&format!("{path}?tenant=acme")).await;
        says(&one, &["<strong>acme</strong> alone", &format!("href=\"{path}\">Of all tenants")]);
    }
}

#[tokio::test]
async fn another_try_is_shown_first_and_asked_for_once() {
    let delivery =
        json!({ "number": 42, "tenant": "acme", "installation": "ins_1", "kind": "ticket.created", "attempts": 16 });
    let tried = json!({ "dry_run": true, "delivery": delivery, "retried": true });
    let console = Console::with(true, [("POST /deliveries/42/retry", tried)]);
    let (status, page) = console.send("/console/deliveries/42/retry", "").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    says(&page, &["Nothing has changed yet", "16, counted from none again", "value=\"do\""]);
    assert_eq!(console.done()[0].0, "POST /deliveries/42/retry?dry_run=true");
    let (status, to) = console.send("/console/deliveries/42/retry", "step=do").await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/console/deliveries/42"));
    assert_eq!(console.done().iter().map(|(ask, ..)| ask.as_str()).collect::<Vec<_>>(), ["POST /deliveries/42/retry"]);
}

#[tokio::test]
async fn what_is_sent_twice_is_asked_for_under_one_key() {
    let source = json!({ "name": "desk", "tenant": "acme", "form": "github" });
    let console = Console::with(true, [("POST /sources", json!({ "source": source, "secret": "made" }))]);
    let new = "tenant=acme&name=desk&form=github";
    let (_, page) = console.send("/console/sources/_add", new).await;
    says(&page, &["data-once", "name=\"once\" value=\"key-0\""]);
    let (_, page) = console.send("/console/sources/_add", new).await;
    says(&page, &["name=\"once\" value=\"key-1\""]);
    for _ in 0..2 {
        console.send("/console/sources/_add", &format!("{new}&once=key-1&step=do")).await;
    }
    let one = Some("key-1".to_owned());
    assert_eq!(*console.api.keys.lock().unwrap(), [None, None, one.clone(), one]);
}

#[tokio::test]
async fn a_try_that_somebody_else_was_faster_with_is_said_and_so_is_one_that_was_asked_for() {
    let delivery = json!({ "number": 42, "tenant": "acme", "installation": "ins_1", "kind": "ticket.created" });
    let console =
        Console::with(true, [("POST /deliveries/42/retry", json!({ "delivery": delivery, "retried": false }))]);
    for step in ["", "step=do"] {
        let (status, page) = console.send("/console/deliveries/42/retry", step).await;
        assert_eq!(status, StatusCode::OK, "{step}: {page}");
        says(&page, &["It is not given up any more"]);
    }
}

#[tokio::test]
async fn what_cannot_be_tried_again_is_said_on_its_page() {
    let detail = "Nobody is there to get it: the installation or its back end was taken away.";
    let refused = json!({ "type": "/problems/conflict", "status": 409, "detail": detail });
    let console = Console::with(true, [("POST /deliveries/42/retry", refused)]);
    let (status, page) = console.send("/console/deliveries/42/retry", "").await;
    assert_eq!(status, StatusCode::OK);
    says(&page, &[detail, "What became of it"]);
}

#[tokio::test]
async fn a_secret_of_a_source_is_shown_once_and_one_that_was_sent_never() {
    let source = json!({ "name": "desk", "tenant": "acme", "form": "github", "path": "/v1/hooks/github/desk" });
    let tried = json!({ "dry_run": true, "source": source });
    let console = Console::with(true, [("POST /sources", tried)]);
    let (_, page) = console.send("/console/sources/_add", "tenant=acme&name=desk&form=github").await;
    says(&page, &["Nothing has changed yet", "/v1/hooks/github/desk", "name=\"secret\"", "Register it"]);
    let form = json!({ "name": "desk", "form": "github" });
    assert_eq!(console.done(), [("POST /sources?tenant=acme&dry_run=true".to_owned(), form.clone(), None)]);

    let made = json!({ "dry_run": false, "source": source, "secret": "made-by-the-host" });
    let console = Console::with(true, [("POST /sources", made)]);
    let (_, page) = console.send("/console/sources/_add", "tenant=acme&name=desk&form=github&step=do").await;
    says(&page, &["This is shown once", "made-by-the-host"]);
    assert_eq!(console.done(), [("POST /sources?tenant=acme".to_owned(), form, None)]);

    let refused = json!({ "type": "/problems/conflict", "status": 409, "detail": "Choose another name." });
    let console = Console::with(true, [("POST /sources", refused)]);
    let sent = "tenant=acme&name=desk&form=github&secret=chosen-by-its-sender&step=do";
    let (_, page) = console.send("/console/sources/_add", sent).await;
    says(&page, &["Choose another name.", "value=\"desk\""]);
    assert!(!page.contains("chosen-by-its-sender"), "{page}");
    assert_eq!(console.done()[0].1["secret"], "chosen-by-its-sender");
}

#[tokio::test]
async fn a_secret_is_sent_on_with_its_blanks_and_an_overlap_stays_where_it_was_refused() {
    let refused = json!({ "type": "/problems/conflict", "status": 409, "detail": "The last overlap goes on." });
    let console = Console::with(true, [("POST /sources/acme-desk/secret", refused)]);
    let sent = "overlap=3600&secret=+a+secret+of+its+sender+";
    let (_, page) = console.send("/console/sources/acme-desk/rotate", sent).await;
    assert_eq!(console.done()[0].1, json!({ "secret": " a secret of its sender ", "overlap-seconds": 3600 }));
    says(&page, &["The last overlap goes on.", "value=\"3600\" selected"]);
    assert!(!page.contains("a secret of its sender"), "{page}");

    let revoked = json!({ "name": "acme-code", "tenant": "acme", "generation": 1, "revoked": "2026-11-20T08:00:00Z" });
    let console = Console::with(true, [("GET /sources/acme-code", revoked)]);
    let (_, page) = console.get("/console/sources/acme-code").await;
    says(&page, &["None is accepted now", "<dd>once</dd>"]);
    assert!(!page.contains("name=\"overlap\""), "nothing stays good: {page}");
}

#[tokio::test]
async fn a_source_gets_another_secret_and_goes_only_after_a_look() {
    let source =
        json!({ "name": "acme-desk", "tenant": "acme", "form": "zendesk", "both-until": "2026-11-24T08:00:00Z" });
    let made = json!({ "source": source, "secret": "the-next-one" });
    let answers =
        [("POST /sources/acme-desk/secret", made), ("DELETE /sources/acme-desk", json!({ "source": source }))];
    let console = Console::with(true, answers);
    let (_, page) = console.send("/console/sources/acme-desk/rotate", "overlap=3600").await;
    says(&page, &["is good until", "name=\"overlap\" value=\"3600\""]);
    assert!(!page.contains("the-next-one"), "a page that tries it out shows a secret: {page}");
    let (_, page) = console.send("/console/sources/acme-desk/rotate", "overlap=3600&step=do").await;
    says(&page, &["This is shown once", "the-next-one"]);
    let overlap = json!({ "overlap-seconds": 3600 });
    let asked = [
        ("POST /sources/acme-desk/secret?dry_run=true".to_owned(), overlap.clone(), None),
        ("POST /sources/acme-desk/secret".to_owned(), overlap, None),
    ];
    assert_eq!(console.done(), asked);
    let (_, page) = console.send("/console/sources/acme-desk/remove", "").await;
    says(&page, &["What would go", "Nothing has changed yet"]);
    let (_, to) = console.send("/console/sources/acme-desk/remove", "step=do").await;
    assert_eq!(to, "/console/sources");
    let asked: Vec<String> = console.done().into_iter().map(|(ask, ..)| ask).collect();
    assert_eq!(asked, ["DELETE /sources/acme-desk?dry_run=true", "DELETE /sources/acme-desk"]);
}

#[tokio::test]
async fn what_ends_with_a_client_is_shown_before_it_is_revoked() {
    let client = json!({ "id": "cli_1", "name": "the client of triage", "tenant": "acme" });
    let changed = json!({ "dry_run": true, "client": client });
    let console = Console::with(true, [("POST /clients/cli_1/revoke", changed)]);
    let (_, page) = console.send("/console/clients/cli_1/revoke", "reason=shut+down").await;
    says(&page, &["the client of triage", "cannot be taken back", "value=\"shut down\""]);
    let (_, to) = console.send("/console/clients/cli_1/revoke", "reason=shut+down&step=do").await;
    assert_eq!(to, "/console/clients/cli_1");
    let why = json!({ "reason": "shut down" });
    let asked = [
        ("POST /clients/cli_1/revoke?dry_run=true".to_owned(), why.clone(), None),
        ("POST /clients/cli_1/revoke".to_owned(), why, None),
    ];
    assert_eq!(console.done(), asked);
}

#[tokio::test]
async fn a_review_is_commented_on_and_given_to_a_reviewer_by_whoever_may() {
    let (own, api) = ("/console/reviews/sha256:c1/sha256:m1", "/reviews/sha256%3Ac1/sha256%3Am1");
    let (_, page) = Console::with(false, []).get(own).await;
    assert!(!page.contains("method=\"post\"") && page.contains("Why does it want names?"), "{page}");
    let keys = [format!("POST {api}/comments"), format!("POST {api}/assign")];
    let console = Console::with(true, [(keys[0].as_str(), json!({})), (keys[1].as_str(), json!({}))]);
    let (_, page) = console.get(own).await;
    says(&page, &["Say something", "Have a reviewer look at it", "value=\"k2\"", "Sam Ode"]);
    let (status, to) = console.send(&format!("{own}/comments"), "text=what+for").await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/console/reviews/sha256%3Ac1/sha256%3Am1"));
    console.send(&format!("{own}/assign"), "reviewer=k2").await;
    let asked =
        [(keys[0].clone(), json!({ "text": "what for" }), None), (keys[1].clone(), json!({ "reviewer": "k2" }), None)];
    assert_eq!(console.done(), asked);
    let refused = Console::with(true, []).send(&format!("{own}/comments"), "text=x").await;
    assert_eq!(refused.0, StatusCode::NOT_FOUND, "{}", refused.1);
}

#[tokio::test]
async fn what_waits_in_a_browser_is_agreed_to_scope_by_scope_or_refused() {
    let (path, own) = ("/authorizations/BCDF-GHJK", "/console/clients/_waiting/BCDF-GHJK");
    let subject = json!({ "scope": "tickets:read fields=subject", "words": ["it reads of tickets: subject"] });
    let asked = json!({
        "code": "BCDF-GHJK", "client": "cli_1", "name": "the client of triage", "tenant": "acme", "scopes": [subject, subject]
    });
    let decided = json!({ "dry_run": true, "authorization": asked, "scopes": [subject] });
    let (approve, deny) = (format!("POST {path}/approve"), format!("POST {path}/deny"));
    let console = Console::with(true, [(approve.as_str(), decided.clone()), (deny.as_str(), decided)]);
    let (_, page) = console.get("/console/clients").await;
    says(&page, &["Waits for an admin", "It reads of tickets: subject and status.", own]);
    let (_, page) = console.get(own).await;
    says(&page, &["on their own screen", "id=\"scope-1\"", "value=\"tickets:update fields=priority\" checked"]);
    let form = "scope=tickets%3Aread+fields%3Dsubject";
    let (status, page) = console.send(&format!("{own}/approve"), form).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let hidden = "type=\"hidden\" name=\"scope\" value=\"tickets:read fields=subject\"";
    says(&page, &["Nothing has changed yet", "It reads of tickets: subject.", "1 of 2", hidden]);
    let (_, to) = console.send(&format!("{own}/approve"), &format!("{form}&step=do")).await;
    assert_eq!(to, "/console/clients");
    let (_, to) = console.send(&format!("{own}/deny"), "").await;
    assert_eq!(to, "/console/clients");
    let narrow = json!({ "scopes": ["tickets:read fields=subject"] });
    let done = [
        (format!("{approve}?dry_run=true"), narrow.clone(), None),
        (approve.clone(), narrow, None),
        (deny.clone(), Value::Null, None),
    ];
    assert_eq!(console.done(), done);

    let refused = json!({ "type": "/problems/refused", "status": 422, "detail": "These scopes leave nothing." });
    let console = Console::with(true, [(approve.as_str(), refused)]);
    let (_, page) = console.send(&format!("{own}/approve"), "").await;
    says(&page, &["These scopes leave nothing.", "Take the tick away"]);
    let (_, page) = Console::with(false, []).get(own).await;
    assert!(!page.contains("method=\"post\"") && page.contains("It reads of tickets"), "{page}");
    let (status, _) = console.get("/console/clients/_waiting/ZZZZ-ZZZZ").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

//! Every page, out of answers as the admin API gives them: nothing inline, nothing of another host, a heading, labelled fields, and the
//! session's token in every form. `CONSOLE_PAGES=DIR` writes them to look at.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use async_trait::async_trait;
use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header, request::Parts},
};
use portcullis_console::{
    Router,
    host::{Answer, Ask, Host, Unknown, Visitor},
    routes,
};
use portcullis_model::{
    audit::Actor,
    people::{Action, Caller, Resource},
    time::Timestamp,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const TOKEN: &str = "the-token-of-this-session";

/// Answers as they were recorded, by path.
struct Recorded {
    answers: BTreeMap<String, Value>,
    signed_in: bool,
    may_change: bool,
}

#[async_trait]
impl Host for Recorded {
    async fn visitor(&self, _: &Parts) -> Result<Option<Visitor>, Unknown> {
        let caller = Caller::at_the_terminal(Actor::Host, Timestamp(0));
        Ok(self.signed_in.then(|| Visitor { caller, name: "Dana Reyes".to_owned(), token: TOKEN.to_owned() }))
    }

    async fn ask(&self, _: &Caller, ask: Ask) -> Answer {
        let path = ask.path.split('?').next().unwrap_or_default();
        match self.answers.get(path) {
            Some(body) => Answer { status: StatusCode::OK, version: Some("\"7\"".to_owned()), body: body.clone() },
            None => {
                let body = json!({ "type": "/problems/unknown", "title": "There is no such thing", "detail": path });
                Answer { status: StatusCode::NOT_FOUND, version: None, body }
            }
        }
    }

    async fn may(&self, _: &Caller, action: &Action, on: &Resource) -> bool {
        assert!(!action.read_only, "what is only read has no button");
        let whole = matches!(on.kind, "source" | "alert-endpoint" | "vault");
        assert!(on.id.is_some() || whole, "{on:?} is asked about as a whole");
        self.may_change
    }

    fn fresh(&self) -> String {
        "the-key-of-a-form".to_owned()
    }

    fn base(&self) -> &str {
        "http://localhost:8080"
    }
}

fn pages(signed_in: bool) -> Router {
    let answers = serde_json::from_str(include_str!("answers.json")).unwrap();
    routes(Arc::new(Recorded { answers, signed_in, may_change: true }))
}

async fn get(router: &Router, path: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    (head.status, head.headers, text)
}

/// The pages, each with the name of its picture.
const ALL: &[(&str, &str)] = &[
    ("sign-in", "/console/sign-in"),
    ("join", "/console/join"),
    ("step-up", "/console/step-up"),
    ("account", "/console/account"),
    ("overview", "/console"),
    ("notices", "/console/notices"),
    ("marketplace", "/console/marketplace"),
    ("plugin", "/console/releases/sha256:c1/sha256:m1"),
    ("diff", "/console/releases/sha256:c1/sha256:m1/diff/sha256:c0/sha256:m0"),
    ("consent", "/console/install?component=sha256:c1&manifest=sha256:m1"),
    ("installations", "/console/installations"),
    ("installation", "/console/installations/ins_1"),
    ("installation-uninstalled", "/console/installations/ins_8"),
    ("installation-erased", "/console/installations/ins_9"),
    ("receipt", "/console/installations/ins_9/receipt"),
    ("grant", "/console/installations/ins_1/grant"),
    ("right-size", "/console/installations/ins_1/right-size"),
    ("own-log", "/console/installations/ins_1/log"),
    ("report", "/console/installations/ins_1/report"),
    ("upgrade", "/console/installations/ins_1/upgrade"),
    ("denials", "/console/denials"),
    ("deliveries", "/console/deliveries"),
    ("delivery", "/console/deliveries/42"),
    ("sources", "/console/sources"),
    ("source", "/console/sources/acme-desk"),
    ("backend", "/console/installations/ins_1/backend"),
    ("clients", "/console/clients"),
    ("client", "/console/clients/cli_1"),
    ("authorization", "/console/clients/_waiting/BCDF-GHJK"),
    ("audit", "/console/audit"),
    ("entry", "/console/audit/4711"),
    ("log-proof", "/console/audit/proof"),
    ("alerts", "/console/alerts"),
    ("alert", "/console/alerts/alr_1"),
    ("alert-endpoints", "/console/alerts/endpoints"),
    ("alert-endpoint", "/console/alerts/endpoints/acme"),
    ("alert-endpoint-platform", "/console/alerts/endpoints/_"),
    ("alert-endpoint-none", "/console/alerts/endpoints/umbrella"),
    ("rules", "/console/alerts/rules"),
    ("rule", "/console/alerts/rules/new-destination"),
    ("posture", "/console/posture"),
    ("posture-profile", "/console/posture/acme/healthcare"),
    ("duties", "/console/duties"),
    ("duty", "/console/duties/acme/ACC-8"),
    ("risks", "/console/risks"),
    ("risk", "/console/risks/3"),
    ("risk-propose", "/console/risks/propose"),
    ("sheet", "/console/installations/ins_1/sheet"),
    ("sheet-before", "/console/releases/sha256:c1/sha256:m1/sheet"),
    ("privacy", "/console/privacy"),
    ("privacy-one", "/console/privacy/dsr_1"),
    ("privacy-closed", "/console/privacy/dsr_2"),
    ("incidents", "/console/incidents"),
    ("incident", "/console/incidents/inc_1"),
    ("incident-open", "/console/incidents/inc_2"),
    ("connections", "/console/connections"),
    ("connection", "/console/connections/ins_1/desk"),
    ("rotations", "/console/rotations"),
    ("rotation", "/console/rotations/rot_1"),
    ("reviews", "/console/reviews"),
    ("review", "/console/reviews/sha256:c1/sha256:m1"),
    ("people", "/console/people/acme"),
    ("person", "/console/people/acme/per_2"),
    ("roles", "/console/people/acme/roles"),
    ("role", "/console/people/acme/roles/night-watch"),
    ("automation", "/console/people/acme/automation"),
    ("support", "/console/people/acme/support"),
    ("limits", "/console/people/acme/limits"),
    ("sign-in-provider", "/console/people/acme/sign-in"),
    ("trust", "/console/trust"),
    ("vault", "/console/vault"),
];

#[tokio::test]
async fn every_page_is_whole_and_keeps_to_its_policy() {
    let router = pages(true);
    for (name, path) in ALL {
        let (status, headers, text) = get(&router, path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        if let Ok(dir) = std::env::var("CONSOLE_PAGES") {
            fs::create_dir_all(&dir).unwrap();
            fs::write(Path::new(&dir).join(format!("{name}.html")), &text).unwrap();
        }
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        for inline in [" style=", " onclick=", " onload=", "<style", "javascript:", "<script>"] {
            assert!(!text.contains(inline), "{path} has {inline}");
        }
        for address in text.split("src=\"").skip(1) {
            assert!(address.starts_with("/console/assets/"), "{path}: {address}");
        }
        assert_eq!(text.matches("<h1>").count(), 1, "{path}");
        let posts = text.matches("method=\"post\"").count();
        assert!(text.matches(TOKEN).count() >= posts, "{path}: a form has no token");
        labelled(path, &text);
    }
}

/// Every field has a label, and no two things one id.
fn labelled(path: &str, text: &str) {
    let ids: Vec<&str> = text.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for (number, id) in ids.iter().enumerate() {
        assert!(!ids[..number].contains(id), "{path}: two have the id {id}");
    }
    for field in text.split("<input ").skip(1).filter(|field| !field.starts_with("type=\"hidden\"")) {
        let id = field.split("id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        assert!(text.contains(&format!("for=\"{id}\"")), "{path}: nothing names the field '{id}'");
    }
}

#[tokio::test]
async fn a_stranger_is_led_to_sign_in_and_back() {
    let router = pages(false);
    for (name, path) in ALL.iter().filter(|(name, _)| !matches!(*name, "sign-in" | "join")) {
        let (status, headers, text) = get(&router, path).await;
        assert_eq!((status, text.as_str()), (StatusCode::SEE_OTHER, ""), "{name}");
        let to = headers[header::LOCATION].to_str().unwrap();
        assert!(to.starts_with("/console/sign-in?next=%2Fconsole"), "{to}");
    }
}

#[tokio::test]
async fn a_form_counts_only_from_a_page_of_this_host_with_its_own_token() {
    let router = pages(true);
    let send = |token: &'static str, origin: &'static str| {
        let request = Request::post("/console/installations/ins_1/suspend")
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("csrf={token}&reason=why")))
            .unwrap();
        let router = router.clone();
        async move { router.oneshot(request).await.unwrap().status() }
    };
    assert_eq!(send("another", "http://localhost:8080").await, StatusCode::FORBIDDEN);
    assert_eq!(send("", "http://localhost:8080").await, StatusCode::FORBIDDEN);
    assert_eq!(send(TOKEN, "https://evil.example").await, StatusCode::FORBIDDEN);
    // It is taken, and the API, which knows nothing of it here, is asked.
    assert_eq!(send(TOKEN, "http://localhost:8080").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_gives_or_takes_rights_is_shown_before_it_is_done() {
    let answers: BTreeMap<String, Value> = serde_json::from_str(include_str!("answers.json")).unwrap();
    let tried = json!({ "dry_run": true, "gained": ["alerts.change"], "lost": ["audit.export"], "sessions-ended": 2 });
    let answers = answers.into_iter().chain([("/people/per_2/role".to_owned(), tried)]).collect();
    let router = routes(Arc::new(Recorded { answers, signed_in: true, may_change: true }));
    let send = async |step: &str| {
        let request = Request::post("/console/people/acme/per_2/role")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("csrf={TOKEN}&role=admin&version=1&step={step}")))
            .unwrap();
        let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
        (head.status, String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap())
    };
    let (status, page) = send("").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    for there in
        ["alerts.change", "audit.export", "2 sessions of theirs end", "Nothing has changed yet", "value=\"do\""]
    {
        assert!(page.contains(there), "{there}: {page}");
    }
    assert_eq!(send("do").await, (StatusCode::SEE_OTHER, String::new()));
}

#[tokio::test]
async fn what_the_api_does_not_know_is_said_in_a_page() {
    let (status, _, text) = get(&pages(true), "/console/installations/ins_2").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(text.contains("There is nothing here"), "{text}");
}

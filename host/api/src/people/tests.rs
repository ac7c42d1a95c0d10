use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use portcullis_access::{Access, Begin, NewInvitation, Passkeys, Seen};
use portcullis_model::{
    audit::Actor,
    error::StoreError,
    id::{Digest, FactorId, TenantId},
    people::{Caller, Factor, FactorKind, Limits, PeopleChange, ProfileLimits, SignIn as How},
    secret::Secret,
    time::{Clock, Rng, Timestamp},
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{CSRF, SignIn, routes};
use crate::peers::Client;

const BASE: &str = "https://host.example.com";

pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000)
    }
}

/// Goes on by a millisecond whenever it is asked.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[derive(Default)]
pub(crate) struct Counting(AtomicU64);

impl Rng for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            chunk.copy_from_slice(&Digest::of(&n.to_be_bytes()).hex().as_bytes()[..chunk.len()]);
        }
    }
}

pub(crate) struct NoProfile;

#[async_trait]
impl ProfileLimits for NoProfile {
    async fn limits_of(&self, _: &TenantId) -> Result<Vec<Limits>, StoreError> {
        Ok(Vec::new())
    }
}

struct Host {
    app: Router,
    access: Access,
    _dir: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Host {
    fn new() -> Self {
        Self::at(Arc::new(Still))
    }

    fn at(clock: Arc<dyn Clock>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let rng = Arc::new(Counting::default());
        let key = Secret::new(vec![7; 32]);
        let access = Access::new(store, Arc::new(NoProfile), clock.clone(), rng.clone(), key).unwrap();
        let passkeys = Passkeys::new(BASE).unwrap();
        let own = SignIn { access: access.clone(), passkeys, providers: None, base: BASE.into(), clock, rng };
        Self { app: routes(Arc::new(own)), access, _dir: dir }
    }

    /// Somebody with a session: its cookie and its token for forms.
    async fn session(&self) -> (String, String) {
        let operator = Caller::at_the_terminal(Actor::Host, Still.now());
        let new = NewInvitation {
            email: "ana@acme.example".into(),
            name: "Ana".into(),
            tenant: Some("acme".parse().unwrap()),
            role: "owner".parse().unwrap(),
            until: None,
            break_glass: false,
        };
        let invited = self.access.invite(&operator, new).await.unwrap();
        let person = self.access.invitee(&invited.invitation).await.unwrap();
        let factor = Factor {
            id: FactorId::random(&Counting::default()),
            person: person.id.clone(),
            kind: FactorKind::Passkey,
            label: "laptop".into(),
            handle: Some("abc".into()),
            body: Value::Null,
            created: Still.now(),
            used: None,
            ended: None,
            version: 1,
        };
        let seen = Seen { label: "Firefox".into(), device: None, address: "192.0.2.7".parse().unwrap() };
        let started = self.access.join(&invited.token, factor, &seen).await.unwrap();
        (format!("__Host-portcullis-session={}", started.token.as_str()), started.csrf)
    }

    async fn ask(&self, path: &str, body: Option<Value>, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().uri(path);
        if body.is_some() {
            request = request.method("POST").header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(Client("192.0.2.7".parse().unwrap()));
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: head.status, headers: head.headers, body }
    }
}

#[tokio::test]
async fn who_is_signed_in_is_known_by_the_cookie_alone() {
    let host = Host::new();
    let nobody = host.ask("/signin/session", None, &[]).await;
    assert_eq!(
        (nobody.status, nobody.body["type"].as_str().unwrap()),
        (StatusCode::UNAUTHORIZED, "https://portcullis.dev/problems/sign-in")
    );
    let (cookie, csrf) = host.session().await;
    let ana = host.ask("/signin/session", None, &[("cookie", &cookie)]).await;
    assert_eq!((ana.status, &ana.body["name"], &ana.body["csrf"]), (StatusCode::OK, &json!("Ana"), &json!(csrf)));
    assert_eq!(ana.body["roles"], json!([{ "tenant": "acme", "role": "owner", "until": null, "support": false }]));
    assert_eq!(ana.headers[header::CACHE_CONTROL], "no-store");
    // The same value under the name that another host of the domain could set.
    let bare = cookie.replace("__Host-", "");
    assert_eq!(host.ask("/signin/session", None, &[("cookie", &bare)]).await.status, StatusCode::UNAUTHORIZED);
    let broken = format!("{cookie}x");
    assert_eq!(host.ask("/signin/session", None, &[("cookie", &broken)]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_page_changes_nothing() {
    let host = Host::new();
    let (cookie, csrf) = host.session().await;
    let path = "/signin/factors/recovery";
    let own = [("cookie", cookie.as_str()), (CSRF, csrf.as_str())];
    let without = host.ask(path, Some(json!({})), &own[..1]).await;
    assert_eq!(without.status, StatusCode::FORBIDDEN);
    let wrong = host.ask(path, Some(json!({})), &[own[0], (CSRF, "0000")]).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    for other in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")]
    {
        let forged = host.ask(path, Some(json!({})), &[own[0], own[1], other]).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN, "{other:?}");
    }
    let good = [own[0], own[1], ("origin", BASE), ("sec-fetch-site", "same-origin")];
    let made = host.ask(path, Some(json!({})), &good).await;
    assert_eq!(made.status, StatusCode::OK);
    let codes: BTreeSet<&str> = made.body["codes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(codes.len(), 10);
    let listed = host.ask("/signin/factors", None, &own).await;
    assert_eq!(listed.body["factors"].as_array().unwrap().len(), 2);
    let text = listed.body.to_string();
    assert!(codes.iter().all(|code| !text.contains(code)));
}

#[tokio::test]
async fn the_way_in_says_nothing_about_who_has_an_account() {
    let host = Host::new();
    host.session().await;
    let try_code =
        |email: &'static str| host.ask("/signin/recovery", Some(json!({ "email": email, "code": "x" })), &[]);
    let (known, unknown) = (try_code("ana@acme.example").await, try_code("eve@acme.example").await);
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    assert_eq!(known.status, StatusCode::UNAUTHORIZED);
    let begun = host.ask("/signin/passkey/begin", Some(json!({})), &[]).await;
    assert_eq!(begun.status, StatusCode::OK);
    let options = &begun.body["options"]["publicKey"];
    assert_eq!((&options["userVerification"], &options["rpId"]), (&json!("required"), &json!("host.example.com")));
    assert!(options["allowCredentials"].as_array().is_none_or(Vec::is_empty), "{options}");
    let finish = json!({ "ceremony": begun.body["ceremony"], "credential": {} });
    assert_eq!(host.ask("/signin/passkey/finish", Some(finish), &[]).await.status, StatusCode::BAD_REQUEST);
    let link = host.ask("/signin/join/begin", Some(json!({ "token": "made-up" })), &[]).await;
    assert_eq!(link.status, StatusCode::NOT_FOUND);
    let large = host.ask("/signin/passkey/begin", Some(json!({ "x": "y".repeat(100_000) })), &[]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_link_shows_what_its_maker_said_and_nothing_of_an_account_elsewhere() {
    let host = Host::new();
    host.session().await;
    let operator = Caller::at_the_terminal(Actor::Host, Still.now());
    let new = NewInvitation {
        email: "ana@acme.example".into(),
        name: "Somebody".into(),
        tenant: Some("other".parse().unwrap()),
        role: "auditor".parse().unwrap(),
        until: None,
        break_glass: false,
    };
    let invited = host.access.invite(&operator, new).await.unwrap();
    assert!(invited.invitation.person.is_some(), "the account is there");
    let begun = host.ask("/signin/join/begin", Some(json!({ "token": invited.token.as_str() })), &[]).await;
    assert_eq!((begun.status, &begun.body["name"]), (StatusCode::OK, &json!("Somebody")));
    assert_eq!(begun.body["options"]["publicKey"]["user"]["displayName"], "Somebody");
}

#[tokio::test]
async fn signing_out_takes_the_cookie_away_and_ends_the_session() {
    let host = Host::new();
    let (cookie, csrf) = host.session().await;
    let own = [("cookie", cookie.as_str()), (CSRF, csrf.as_str())];
    let out = host.ask("/signin/end", Some(json!({})), &own).await;
    assert_eq!(out.status, StatusCode::OK);
    let set = out.headers[header::SET_COOKIE].to_str().unwrap();
    assert_eq!(set, "__Host-portcullis-session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure");
    assert_eq!(host.ask("/signin/session", None, &own).await.status, StatusCode::UNAUTHORIZED);
}

#[test]
fn a_device_is_called_what_its_owner_calls_it() {
    let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
    assert_eq!(super::device(agent), "Chrome on Linux");
    assert_eq!(
        super::device("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_1) Version/17 Safari/605.1.15"),
        "Safari on macOS"
    );
    assert_eq!(super::device("<script>"), "another device");
}

#[tokio::test]
async fn the_account_page_is_told_of_a_new_device_until_it_says_that_it_was_its_person() {
    let host = Host::at(Arc::new(Ticking(AtomicI64::new(Still.now().0))));
    let (cookie, csrf) = host.session().await;
    let token = cookie.rsplit_once('=').unwrap().1;
    let address = "192.0.2.8".parse().unwrap();
    let known = host.access.known(token, address).await.unwrap().unwrap();
    let begin = Begin {
        person: &known.person,
        sign_in: How::Native,
        proved: &[],
        seen: &Seen { label: "Chrome".into(), device: None, address },
        upstream: None,
        with: PeopleChange::default(),
    };
    let stranger = host.access.begin(begin).await.unwrap();
    let with = [("cookie", cookie.as_str()), (CSRF, csrf.as_str()), ("origin", BASE)];
    let sessions = async || host.ask("/signin/sessions", None, &with).await.body["sessions"].clone();
    let first = sessions().await[0].clone();
    assert_eq!((&first["device"], &first["notice"]), (&json!("Chrome"), &json!(true)), "{first}");
    let said = json!({ "session": stranger.session.id });
    let answer = host.ask("/signin/sessions/known", Some(said.clone()), &with).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(sessions().await.as_array().unwrap().iter().all(|one| one["notice"] == false));
    let again = host.ask("/signin/sessions/known", Some(said), &with).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "{}", again.body);
}

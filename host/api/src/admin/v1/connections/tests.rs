use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::http::{Method, StatusCode};
use portcullis_broker::{
    consent::KeepError,
    issue::{Conduct, Credential, IssueError, Issued, Issuer, Revoked},
    place::Place,
    providers::Providers,
};
use portcullis_model::{
    audit::{Entry, Kind},
    connection::{Origin, Standing},
    error::StoreError,
    id::{ConsentId, ProviderId},
    people::{Action, Caller, Decide, Needs, Refusal, Why, actions},
    time::Timestamp,
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing};

/// What was stored: of which connection, what requests carry then, and the entry.
type Put = (ConnectionKey, Option<Secret>, Entry);

/// Two connections of two tenants, and what is stored beside.
#[derive(Default)]
struct Kept(Mutex<Vec<Put>>);

/// Issues one token for every secret but one.
struct Issues;

const REFUSED: &str = "a-secret-that-is-wrong";

#[async_trait]
impl Issuer for Issues {
    fn conduct(&self, _: &ProviderId) -> Option<Conduct> {
        None
    }
    async fn renew(&self, _: &Origin, credential: &Credential) -> Result<Issued, IssueError> {
        let client = credential.client.as_ref().unwrap().expose();
        if client == REFUSED.as_bytes() {
            return Err(IssueError::Refused("invalid_client".to_owned()));
        }
        let access = Secret::new(b"issued-for-this".to_vec());
        Ok(Issued { access, refresh: None, lifetime: Some(Duration::from_secs(60)), scopes: None })
    }
    async fn revoke(&self, _: &Origin, _: &Credential) -> Result<Revoked, IssueError> {
        unreachable!("nothing is revoked")
    }
}

fn view(tenant: &str, installation: &str, standing: Standing) -> ConnectionView {
    let place = Place { hosts: vec!["desk.example".into()], header: "authorization".into(), prefix: "Bearer ".into() };
    ConnectionView {
        key: ConnectionKey {
            tenant: tenant.parse().unwrap(),
            installation: installation.parse().unwrap(),
            name: "desk".to_owned(),
        },
        origin: Origin {
            provider: "zendesk".parse().unwrap(),
            settings: Default::default(),
            scopes: vec!["tickets:read".to_owned()],
            risk: None,
        },
        place: json!(place),
        generation: 2,
        issued: testing::NOW,
        expires: None,
        standing,
        unreadable: None,
    }
}

#[async_trait]
impl Keeps for Kept {
    async fn put(
        &self,
        key: &ConnectionKey,
        _: &Place,
        _: &Origin,
        credential: Credential,
        _: Option<Timestamp>,
        entry: Entry,
    ) -> Result<u64, KeepError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((key.clone(), credential.access, entry));
        Ok(all.len() as u64)
    }
    async fn credential(&self, _: &ConnectionKey) -> Result<Option<(Origin, Credential)>, KeepError> {
        unreachable!("no credential is opened")
    }
    async fn stored_at(&self, _: &ConnectionKey, _: Timestamp) -> Result<bool, KeepError> {
        Ok(false)
    }
    async fn views(&self) -> Result<Vec<ConnectionView>, KeepError> {
        let ended = Standing::Revoked { since: testing::NOW };
        Ok(vec![view("acme", "ins_1", Standing::Ready), view("other", "ins_2", ended)])
    }
    async fn hold(&self, _: &ConsentId, _: &TenantId, _: &Secret, _: Entry) -> Result<(), KeepError> {
        unreachable!("nothing is held")
    }
    async fn held(&self, _: &ConsentId, _: &TenantId) -> Result<Option<Secret>, KeepError> {
        Ok(None)
    }
    async fn all_held(&self) -> Result<Vec<(ConsentId, TenantId)>, KeepError> {
        Ok(Vec::new())
    }
    async fn release(&self, _: &ConsentId, _: &TenantId) -> Result<(), KeepError> {
        Ok(())
    }
}

/// Makes no link for what was asked for before, and says of others whether it was given the client's secret.
struct Links;

#[async_trait]
impl Asks for Links {
    async fn link(&self, _: Anew, client: Option<Secret>) -> Result<Asked, ConsentError> {
        let got = if client.is_some() { "with its secret" } else { "without a secret" };
        Err(ConsentError::Unfit(format!("this provider asks no person, {got}")))
    }
    async fn check(&self, wanted: &Anew) -> Result<(), ConsentError> {
        assert!(["desk.example", "acme.zendesk.com"].contains(&wanted.place.hosts[0].as_str()), "{:?}", wanted.place);
        Ok(())
    }
    async fn check_client(&self, _: &Anew, client: Option<&Secret>) -> Result<(), ConsentError> {
        match client {
            None => Ok(()),
            Some(_) => Err(ConsentError::Unfit("the client's secret must be longer".to_owned())),
        }
    }
}

struct World {
    router: axum::Router,
    kept: Arc<Kept>,
    store: SqliteStore,
    _dir: tempfile::TempDir,
}

impl World {
    /// With an installation of a tenant, where everybody may do everything in their own.
    async fn new() -> Self {
        Self::with(Arc::new(testing::Own)).await
    }

    /// The same, where somebody else decides.
    async fn with(decide: Arc<dyn Decide>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
        let (kept, installations) = (Arc::new(Kept::default()), Arc::new(store.clone()));
        let entry = Entry::new(testing::NOW, Kind::PluginInstalled, Actor::Host, Some("acme".parse().unwrap()));
        let put = installations.put_installation(testing::installation("ins_1", "acme"), None, entry).await;
        assert!(put.unwrap());
        let connecting = Connecting {
            keeps: kept.clone(),
            issuer: Arc::new(Issues),
            providers: Arc::new(Providers::built_in().unwrap()),
            recorder: Arc::new(store.clone()),
            clock: Arc::new(testing::Fixed),
        };
        let ports = Ports {
            keeps: kept.clone(),
            ended_by: Box::new(|_| unreachable!("a rehearsal ends nothing")),
            desk: Arc::new(Links),
            connecting,
            installations,
            owed: Arc::new(store.clone()),
            rotations: Arc::new(store.clone()),
            placed: ["erp.example.com".to_owned()].into(),
            base: Some("https://host.example".to_owned()),
        };
        let frame = testing::frame_with(&store, b"operator", decide);
        Self { router: Routes::new(frame).mount(operations(), Arc::new(ports)).router(), kept, store, _dir: dir }
    }

    async fn ask(&self, by: Caller, method: Method, path: &str, body: &Value) -> LocalAnswer {
        let body = Some(body).filter(|body| !body.is_null());
        Local::new(self.router.clone(), by).ask(method, path, None, body).await
    }

    async fn post(&self, path: &str, body: &Value) -> LocalAnswer {
        self.ask(testing::dana(), Method::POST, path, body).await
    }

    fn stored(&self) -> Vec<Put> {
        self.kept.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn ask(method: Method, path: &str, body: Value) -> LocalAnswer {
    World::new().await.ask(testing::dana(), method, path, &body).await
}

#[tokio::test]
async fn connections_are_listed_by_tenant_and_shown_without_what_they_are() {
    let all = ask(Method::GET, "/connections", Value::Null).await.body;
    assert_eq!(all["items"].as_array().unwrap().len(), 2, "{all}");
    let own = ask(Method::GET, "/connections?tenant=acme", Value::Null).await.body;
    assert_eq!((own["items"].as_array().unwrap().len(), &own["items"][0]["state"]), (1, &json!("ready")), "{own}");
    let one = ask(Method::GET, "/connections/ins_1/desk", Value::Null).await.body;
    assert_eq!((&one["connection"]["origin"]["provider"], &one["rotations"]), (&json!("zendesk"), &json!([])));
    assert_eq!(ask(Method::GET, "/connections/ins_1/mail", Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_end_is_tried_out_and_what_has_ended_ends_no_more() {
    let body = json!({ "reason": "no more of it" });
    let tried = ask(Method::POST, "/connections/ins_1/desk/revoke?dry_run=true", body.clone()).await;
    assert_eq!((tried.status, &tried.body["dry_run"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    let over = ask(Method::POST, "/connections/ins_2/desk/revoke", body).await;
    assert_eq!(over.status, StatusCode::CONFLICT, "{}", over.body);
    let nothing = ask(Method::POST, "/connections/ins_1/desk/revoke", json!({ "reason": " " })).await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    let unfit = ask(Method::POST, "/connections/ins_1/desk/authorize", Value::Null).await;
    assert_eq!(unfit.status, StatusCode::CONFLICT, "{}", unfit.body);
    assert!(unfit.body["detail"].as_str().unwrap().contains("asks no person"), "{}", unfit.body);
}

const NEW: &str = "/connections/ins_1/api";
const SECRET: &str = "a-secret-of-the-client";

/// By client credentials; with this secret.
fn client(secret: Option<&str>) -> Value {
    let settings = json!({ "token-url": "https://id.example.com/token", "client-id": "portcullis" });
    json!({ "provider": "client-credentials", "settings": settings, "hosts": ["api.example.com"], "secret": secret })
}

/// A token by hand, with this as why and until when.
fn by_hand(reason: &str, until: &str) -> Value {
    json!({ "hosts": ["hooks.example.com"], "secret": "a-token-by-hand", "risk": { "reason": reason, "until": until } })
}

#[tokio::test]
async fn a_client_is_tried_out_and_stored_with_its_first_token_and_never_answered() {
    let world = World::new().await;
    let tried = world.post(&format!("{NEW}?dry_run=true"), &client(None)).await;
    assert_eq!((tried.status, &tried.body["dry_run"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    assert_eq!((&tried.body["hosts"], &tried.body["replaces"]), (&json!(["api.example.com"]), &json!(false)));
    assert!(world.stored().is_empty(), "a rehearsal stores nothing");
    let wrong = world.post(NEW, &client(Some(REFUSED))).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.body);
    assert!(wrong.body["detail"].as_str().unwrap().contains("No token was issued"), "{}", wrong.body);
    assert_eq!(world.post(NEW, &client(None)).await.status, StatusCode::BAD_REQUEST, "without its secret");
    assert!(world.stored().is_empty(), "what does not work is not stored");
    let entries = world.store.entries(1, 9).await.unwrap();
    let last = entries.last().unwrap().read().unwrap();
    assert_eq!((last.kind, &last.detail["asked"]), (Kind::ConnectionRefused, &json!("id.example.com")));
    let added = world.post(NEW, &client(Some(SECRET))).await;
    assert_eq!((added.status, &added.body["generation"]), (StatusCode::CREATED, &json!(1)), "{}", added.body);
    assert!(!added.body.to_string().contains(SECRET), "{}", added.body);
    let stored = world.stored();
    let [(key, token, entry)] = &stored[..] else { panic!("one is stored") };
    assert_eq!(
        (key.to_string().as_str(), token.as_ref().unwrap().expose()),
        ("acme/ins_1/api", &b"issued-for-this"[..])
    );
    assert_eq!((entry.kind, &entry.actor), (Kind::ConnectionAdded, &testing::dana().actor));
    assert!(!serde_json::to_string(&entry.detail).unwrap().contains(SECRET), "{:?}", entry.detail);
    let again = world.post("/connections/ins_1/desk?dry_run=true", &client(None)).await;
    assert_eq!(again.body["replaces"], true, "there is one of this name: {}", again.body);
}

#[tokio::test]
async fn a_token_by_hand_needs_somebody_who_answers_for_it_until_a_day() {
    let world = World::new().await;
    let why = "the chat service has no OAuth";
    let refused = async |body: Value, says: &str| {
        let refused = world.post(NEW, &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        assert!(refused.body["detail"].as_str().unwrap().contains(says), "{}", refused.body);
    };
    refused(json!({ "hosts": ["hooks.example.com"], "secret": "a-token-by-hand" }), "never changes").await;
    refused(by_hand("because", "2027-12-01"), "at least 10").await;
    refused(by_hand(why, "2001-01-01"), "accept it anew").await;
    let mut renewing = client(Some(SECRET));
    renewing["risk"] = json!({ "reason": why, "until": "2027-12-01" });
    refused(renewing, "renews itself").await;
    let asked =
        json!({ "provider": "zendesk", "settings": { "subdomain": "acme", "client-id": "c" }, "scopes": ["read"] });
    refused(asked, "has to consent").await;
    let program = world.ask(testing::of("acme"), Method::POST, NEW, &by_hand(why, "2027-12-01")).await;
    assert_eq!(program.status, StatusCode::UNPROCESSABLE_ENTITY, "dana answers for it, no program: {}", program.body);
    assert!(world.stored().is_empty());
    let added = world.post(NEW, &by_hand(why, "2027-12-01")).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    assert!(added.body["until"].as_str().unwrap().starts_with("2027-12-01"), "{}", added.body);
    let stored = world.stored();
    let [(_, _, entry)] = &stored[..] else { panic!("one is stored") };
    assert_eq!((&entry.detail["accepted-by"], &entry.detail["reason"]), (&json!("dana"), &json!(why)));
}

#[tokio::test]
async fn a_tenant_has_no_request_sent_to_a_host_that_the_operator_placed() {
    let world = World::new().await;
    let mut body = client(Some(SECRET));
    body["settings"]["token-url"] = json!("https://erp.example.com/orders");
    let tenants = world.ask(testing::of("acme"), Method::POST, NEW, &body).await;
    assert_eq!(tenants.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", tenants.body);
    assert!(tenants.body["detail"].as_str().unwrap().contains("token-url"), "{}", tenants.body);
    assert!(world.stored().is_empty());
    let urls = json!({
        "authorize-url": "https://id.example.com/auth", "token-url": "https://erp.example.com/orders", "client-id": "c",
    });
    let link = json!({ "provider": "oauth2", "settings": urls, "hosts": ["api.example.com"], "scopes": ["read"] });
    let dry = "/connections/ins_1/mail/authorize?dry_run=true";
    let linked = world.ask(testing::of("acme"), Method::POST, dry, &link).await;
    assert_eq!(linked.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", linked.body);
    let operators = world.post(NEW, &body).await;
    assert_eq!(operators.status, StatusCode::CREATED, "{}", operators.body);
}

/// Lets everybody do everything but take risks.
struct NoRisks;

#[async_trait]
impl Decide for NoRisks {
    async fn decide(&self, _: &Caller, action: &Action, _: &Resource) -> Result<Result<(), Refusal>, StoreError> {
        let needs = Needs::Role { one_of: Vec::new() };
        let refusal = Refusal { rule: Why::NoRole, needs, who: String::new() };
        Ok(if *action == actions::RISKS_APPROVE { Err(refusal) } else { Ok(()) })
    }
}

#[tokio::test]
async fn a_risk_is_taken_by_whom_may_approve_risks_for_a_year_at_most_and_in_a_few_words() {
    let (world, why) = (World::with(Arc::new(NoRisks)).await, "the chat service has no OAuth");
    let admin = world.post(NEW, &by_hand(why, "2027-12-01")).await;
    assert_eq!(admin.status, StatusCode::FORBIDDEN, "{}", admin.body);
    assert!(world.stored().is_empty());
    assert_eq!(world.post(NEW, &client(Some(SECRET))).await.status, StatusCode::CREATED, "that takes no risk");
    let world = World::new().await;
    let longer = world.post(NEW, &by_hand(why, "9999-12-31")).await;
    assert_eq!(longer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", longer.body);
    assert!(longer.body["detail"].as_str().unwrap().contains("at most 365 days"), "{}", longer.body);
    let wordy = world.post(NEW, &by_hand(&"word ".repeat(101), "2027-12-01")).await;
    assert_eq!(wordy.status, StatusCode::BAD_REQUEST, "{}", wordy.body);
    assert!(world.stored().is_empty());
}

#[tokio::test]
async fn nothing_is_stored_for_another_tenant_or_what_is_not_installed_or_under_a_wrong_name() {
    let world = World::new().await;
    let body = client(Some(SECRET));
    let other = world.ask(testing::of("other"), Method::POST, NEW, &body).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "{}", other.body);
    assert_eq!(world.post("/connections/ins_9/api", &body).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.post("/connections/ins_1/a~b", &body).await.status, StatusCode::BAD_REQUEST);
    let mut more = body.clone();
    more["password"] = json!("x");
    assert_eq!(world.post(NEW, &more).await.status, StatusCode::BAD_REQUEST);
    let link = json!({ "provider": "zendesk" });
    let elsewhere = world.ask(testing::of("other"), Method::POST, "/connections/ins_1/mail/authorize", &link).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND, "{}", elsewhere.body);
    assert!(world.stored().is_empty());
}

#[tokio::test]
async fn a_link_for_another_provider_is_tried_out_and_says_whether_a_secret_is_needed() {
    let world = World::new().await;
    let (at, dry) = ("/connections/ins_1/mail/authorize", "/connections/ins_1/mail/authorize?dry_run=true");
    let wanted = |more: Value| {
        let mut body =
            json!({ "provider": "zendesk", "settings": { "subdomain": "acme", "client-id": "c" }, "scopes": ["read"] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let tried = world.post(dry, &wanted(json!({}))).await;
    assert_eq!((tried.status, &tried.body["needs-secret"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    assert!(tried.body["link"].is_null(), "{}", tried.body);
    let same = world.post(dry, &wanted(json!({ "same-client": true }))).await;
    assert_eq!((same.status, &same.body["needs-secret"]), (StatusCode::OK, &json!(false)), "{}", same.body);
    let short = world.post(dry, &wanted(json!({ "client-secret": "short" }))).await;
    assert_eq!(short.status, StatusCode::CONFLICT, "{}", short.body);
    assert!(short.body["detail"].as_str().unwrap().contains("must be longer"), "{}", short.body);
    assert_eq!(world.post(at, &wanted(json!({}))).await.status, StatusCode::BAD_REQUEST, "without the secret");
    let both = wanted(json!({ "client-secret": SECRET, "same-client": true }));
    assert_eq!(world.post(at, &both).await.status, StatusCode::BAD_REQUEST);
    let unfit = world.post(dry, &json!({ "provider": "zendesk" })).await;
    assert_eq!(unfit.status, StatusCode::UNPROCESSABLE_ENTITY, "its settings are missing: {}", unfit.body);
    let made = world.post(at, &wanted(json!({ "client-secret": SECRET }))).await;
    assert!(made.body["detail"].as_str().unwrap().contains("with its secret"), "{}", made.body);
    assert!(!made.body.to_string().contains(SECRET), "{}", made.body);
}

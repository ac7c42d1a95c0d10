use axum::http::{Method, StatusCode};
use portcullis_broker::authz::clients::{Registration, register};
use portcullis_model::{
    audit::Actor,
    id::Digest,
    oauth::{AccessToken, Authentication, Change, Grant, Origin, Put},
    people::Caller,
    time::Timestamp,
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing, v1::people::tests::Counting};

struct World {
    store: Arc<SqliteStore>,
    id: String,
    router: axum::Router,
    _dir: tempfile::TempDir,
}

fn told(kind: Kind) -> Entry {
    Entry::new(Timestamp(1), kind, Actor::Host, Some("acme".parse().unwrap()))
}

fn grant(client: &Client, created: Timestamp) -> Grant {
    Grant {
        id: "grt_1".parse().unwrap(),
        client: client.id.clone(),
        tenant: client.tenant.clone(),
        installation: client.installation.clone(),
        audience: "https://api.example".to_owned(),
        scopes: vec!["tickets:read fields=subject".parse().unwrap()],
        jkt: None,
        origin: Origin::ClientCredentials,
        created,
        expires: Timestamp(testing::NOW.0 + 60_000),
        revoked: None,
        code: None,
        refreshing: None,
        version: 1,
    }
}

fn token(client: &Client, issued: Timestamp) -> AccessToken {
    AccessToken {
        digest: Digest::of(b"token"),
        grant: "grt_1".parse().unwrap(),
        client: client.id.clone(),
        tenant: client.tenant.clone(),
        installation: client.installation.clone(),
        release: Digest::of(b"component"),
        audience: "https://api.example".to_owned(),
        scopes: vec!["tickets:read fields=subject".parse().unwrap()],
        jkt: None,
        actors: Vec::new(),
        parent: None,
        issued,
        expires: Timestamp(testing::NOW.0 + 60_000),
        revoked: None,
    }
}

impl World {
    /// A client of an installation of acme's, with one token.
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let (one, rng) = (testing::installation("ins_1", "acme"), Counting::default());
        portcullis_model::installation::InstallationStore::put_installation(
            store.as_ref(),
            one.clone(),
            None,
            told(Kind::PluginInstalled),
        )
        .await
        .unwrap();
        let registration = Registration {
            authentication: Authentication::Dpop,
            keys: Vec::new(),
            redirects: vec!["https://back.example/cb".to_owned()],
            overlap_seconds: 60,
        };
        let since = Timestamp(testing::NOW.0 - 1_000);
        let made = register(store.as_ref(), &one, registration, (&rng, since), told(Kind::ClientRegistered)).await;
        let client = made.unwrap();
        let grant = Some(Put { row: grant(&client, since), expected: None });
        let access = Some(token(&client, since));
        let issued = Change { grant, access, entries: vec![told(Kind::TokenIssued)], ..Change::default() };
        assert!(store.change(issued).await.unwrap());
        let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
        let (installations, rng) = (store.clone(), Arc::new(Counting::default()));
        let ports = Ports { store: store.clone(), installations, rng };
        let router = Routes::new(frame).mount(operations(), Arc::new(ports)).router();
        Self { store, id: client.id.to_string(), router, _dir: dir }
    }

    async fn ask(&self, by: &Caller, method: Method, path: &str, body: Value) -> LocalAnswer {
        let body = Some(&body).filter(|body| !body.is_null());
        Local::new(self.router.clone(), by.clone()).ask(method, path, None, body).await
    }

    async fn tokens(&self) -> usize {
        let path = format!("/clients/{}/tokens", self.id);
        let list = self.ask(&testing::of("acme"), Method::GET, &path, Value::Null).await;
        list.body["items"].as_array().unwrap().len()
    }
}

#[tokio::test]
async fn tokens_are_listed_and_ended_and_the_client_is_revoked() {
    let (world, acme) = (World::new().await, testing::of("acme"));
    let list = world.ask(&acme, Method::GET, "/clients", Value::Null).await.body;
    assert_eq!(list["items"][0]["id"], json!(world.id), "{list}");
    let path = format!("/clients/{}/tokens", world.id);
    let tokens = world.ask(&acme, Method::GET, &path, Value::Null).await.body;
    let one = &tokens["items"][0];
    assert_eq!((&one["bound"], &one["scopes"]), (&json!(false), &json!(["tickets:read fields=subject"])), "{tokens}");
    assert!(!tokens.to_string().contains(&Digest::of(b"token").hex()), "only a part of its digest: {tokens}");
    let (end, why) = (format!("/clients/{}/end-tokens", world.id), json!({ "reason": "they were in a log" }));
    let before = world.store.entry_count().await.unwrap();
    let tried = world.ask(&acme, Method::POST, &format!("{end}?dry_run=true"), why.clone()).await;
    assert_eq!((tried.status, &tried.body["dry_run"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    assert_eq!((world.tokens().await, world.store.entry_count().await.unwrap()), (1, before));
    assert_eq!(world.ask(&acme, Method::POST, &end, why.clone()).await.status, StatusCode::OK);
    assert_eq!((world.tokens().await, world.store.entry_count().await.unwrap()), (0, before + 1));
    let revoke = format!("/clients/{}/revoke", world.id);
    let revoked = world.ask(&acme, Method::POST, &revoke, why.clone()).await;
    assert!(revoked.body["client"]["revoked"].is_string(), "{}", revoked.body);
    for path in [&end, &revoke] {
        assert_eq!(world.ask(&acme, Method::POST, path, why.clone()).await.status, StatusCode::CONFLICT, "{path}");
    }
    let shown = world.ask(&acme, Method::GET, &format!("/clients/{}", world.id), Value::Null).await;
    assert!(shown.body["revoked"].is_string(), "{}", shown.body);
}

#[tokio::test]
async fn another_tenants_clients_are_not_there_and_an_end_has_a_reason() {
    let (world, other) = (World::new().await, testing::of("umbrella"));
    assert_eq!(world.ask(&other, Method::GET, "/clients", Value::Null).await.body["items"], json!([]));
    for (method, then, body) in [
        (Method::GET, "", Value::Null),
        (Method::GET, "/tokens", Value::Null),
        (Method::POST, "/revoke", json!({ "reason": "x" })),
        (Method::POST, "/end-tokens", json!({ "reason": "x" })),
    ] {
        let path = format!("/clients/{}{then}", world.id);
        assert_eq!(world.ask(&other, method, &path, body).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let path = format!("/clients/{}/revoke", world.id);
    let refused = world.ask(&testing::of("acme"), Method::POST, &path, json!({ "reason": " " })).await;
    assert_eq!((refused.status, world.tokens().await), (StatusCode::BAD_REQUEST, 1));
}

#[tokio::test]
async fn a_client_is_registered_and_its_keys_are_changed_by_whoever_may_at_the_version_that_they_saw() {
    const FIRST: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    const NEXT: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}"#;
    let (world, acme) = (World::new().await, testing::of("acme"));
    let two = testing::installation("ins_2", "acme");
    let told = told(Kind::PluginInstalled);
    portcullis_model::installation::InstallationStore::put_installation(world.store.as_ref(), two, None, told)
        .await
        .unwrap();
    let new = json!({ "installation": "ins_2", "public-keys": [FIRST] });
    let before = world.store.entry_count().await.unwrap();
    let tried = world.ask(&acme, Method::POST, "/clients?dry_run=true", new.clone()).await;
    assert_eq!((tried.status, &tried.body["dry_run"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    for (by, body, status) in [
        (&testing::of("other"), new.clone(), StatusCode::NOT_FOUND),
        (&acme, json!({ "installation": "ins_2" }), StatusCode::CONFLICT),
        (&acme, json!({ "installation": "ins_2", "public-keys": ["none"] }), StatusCode::BAD_REQUEST),
        (&acme, json!({ "installation": "ins_1", "public-keys": [FIRST] }), StatusCode::CONFLICT),
        (
            &acme,
            json!({ "installation": "ins_2", "dpop": true, "redirects": ["http://b.example/"] }),
            StatusCode::CONFLICT,
        ),
    ] {
        let refused = world.ask(by, Method::POST, "/clients", body.clone()).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.body);
    }
    assert_eq!(world.store.entry_count().await.unwrap(), before, "nothing was done");
    let made = world.ask(&acme, Method::POST, "/clients", new).await;
    assert_eq!((made.status, made.etag.as_deref()), (StatusCode::CREATED, Some("\"1\"")), "{}", made.body);
    let path = format!("/clients/{}/keys", made.body["client"]["id"].as_str().unwrap());
    let local = Local::new(world.router.clone(), acme);
    let next = json!({ "public-key": NEXT });
    let add = async |version: &str| local.ask(Method::POST, &path, Some(version), Some(&next)).await;
    let added = add("\"1\"").await;
    assert_eq!(added.body["client"]["keys"].as_array().unwrap().len(), 2, "{}", added.body);
    assert_eq!(add("\"1\"").await.status, StatusCode::PRECONDITION_FAILED);
    let first = format!("{path}/{}", made.body["client"]["keys"][0]["thumbprint"].as_str().unwrap());
    let dropped = local.ask(Method::DELETE, &first, Some("\"2\""), None).await;
    assert_eq!(dropped.body["client"]["keys"].as_array().unwrap().len(), 1, "{}", dropped.body);
    let gone = local.ask(Method::DELETE, &first, Some("\"3\""), None).await;
    assert_eq!(gone.status, StatusCode::CONFLICT, "{}", gone.body);
    assert_eq!(world.store.entry_count().await.unwrap(), before + 3, "each change is on record");
}

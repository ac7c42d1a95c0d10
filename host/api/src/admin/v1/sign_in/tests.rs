use axum::http::{Method, StatusCode};
use portcullis_access::Access;
use portcullis_broker::key::{Key, service::KeyRing};
use portcullis_model::{audit::Actor, people::Caller, secret::Secret};
use serde_json::{Value, json};

use super::*;
use crate::admin::{
    Local, LocalAnswer, Routes, testing,
    v1::people::tests::{Counting, World as People},
};

const PATH: &str = "/sign-in/providers/acme";
const ISSUER: &str = "https://login.acme.example";
const SECRET: &str = "a-secret-of-acme";

/// Knows one provider, which asks for a secret.
struct One;

#[async_trait]
impl Probe for One {
    async fn check(&self, party: &Party) -> Result<(), OidcError> {
        match (party.issuer.as_str(), &party.secret) {
            (ISSUER, None) => Ok(()),
            (ISSUER, Some(secret)) if secret.expose() == SECRET.as_bytes() => Ok(()),
            (ISSUER, _) => Err(OidcError::Refused("it is not this secret".to_owned())),
            _ => Err(OidcError::Unreached("nobody is there".to_owned())),
        }
    }
}

struct World {
    people: People,
    vault: Arc<Vault>,
    router: axum::Router,
    owner: Caller,
}

impl World {
    async fn new() -> Self {
        let people = People::new();
        let (_, owner) = people.joins(&testing::dana(), "ana@acme.example", "owner").await;
        let rng = Arc::new(Counting::default());
        let ring = KeyRing::of(Key::of(&[3; 32]).unwrap(), rng.clone());
        let vault = Arc::new(Vault::new(Arc::new(people.store.clone()), ring, rng));
        let access: Access = people.access.clone();
        let frame = testing::frame_with(&people.store, b"operator", Arc::new(access.clone()));
        let who = people::Ports::new(move || Ok(access), Some("https://host.example".to_owned()));
        let probe = Box::new(|| Ok(Arc::new(One) as Arc<dyn Probe>));
        let ports = Ports { people: Arc::new(who), vault: vault.clone(), probe };
        let router = Routes::new(frame).mount(operations(), Arc::new(ports)).router();
        Self { people, vault, router, owner }
    }

    async fn at(&self, by: &Caller, method: Method, path: &str, version: Option<&str>, body: Value) -> LocalAnswer {
        let body = Some(&body).filter(|body| !body.is_null());
        Local::new(self.router.clone(), by.clone()).ask(method, path, version, body).await
    }

    async fn ask(&self, method: Method, path: &str, version: Option<&str>, body: Value) -> LocalAnswer {
        self.at(&self.owner, method, path, version, body).await
    }

    async fn stored(&self) -> Option<Secret> {
        let slot = secret_of(&"acme".parse().unwrap(), ISSUER, "portcullis");
        self.vault.slot(&slot).await.unwrap().and_then(|(_, opened)| opened.credential.access)
    }
}

fn whole() -> Value {
    json!({ "issuer": ISSUER, "client-id": "portcullis", "client-secret": SECRET, "second-factor-amr": ["mfa"] })
}

#[tokio::test]
async fn a_provider_is_tried_out_set_shown_without_its_secret_and_taken_away() {
    let world = World::new().await;
    let none = world.ask(Method::GET, PATH, None, Value::Null).await;
    let back = "https://host.example/signin/provider/acme/callback";
    assert_eq!((&none.body["provider"], &none.body["redirect-uri"]), (&Value::Null, &json!(back)), "{}", none.body);
    let version = none.etag.as_deref();
    let before = world.people.written().await;
    let tried = world.ask(Method::PUT, &format!("{PATH}?dry_run=true"), version, whole()).await;
    assert_eq!((tried.status, &tried.body["sign_in"]["has-secret"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    assert_eq!((world.people.written().await, world.stored().await.is_none()), (before, true));
    let set = world.ask(Method::PUT, PATH, version, whole()).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.body);
    assert_eq!(world.stored().await.unwrap().expose(), SECRET.as_bytes());
    let shown = world.ask(Method::GET, PATH, None, Value::Null).await;
    assert_eq!(shown.body["provider"]["second-factor-amr"], json!(["mfa"]), "{}", shown.body);
    let list = world.ask(Method::GET, "/sign-in/providers", None, Value::Null).await;
    assert_eq!(list.body["items"], json!([shown.body]));
    for said in [&set.body, &shown.body, &list.body] {
        assert!(!said.to_string().contains(SECRET), "the secret is answered: {said}");
    }
    assert_eq!(world.ask(Method::PUT, PATH, version, whole()).await.status, StatusCode::PRECONDITION_FAILED);
    let mut without = whole();
    without.as_object_mut().unwrap().remove("client-secret");
    let again = world.ask(Method::PUT, PATH, shown.etag.as_deref(), without).await;
    assert_eq!(again.status, StatusCode::OK, "the secret stays with its issuer and client: {}", again.body);
    let tried = world.ask(Method::DELETE, &format!("{PATH}?dry_run=true"), again.etag.as_deref(), Value::Null).await;
    assert_eq!((tried.status, world.stored().await.is_some()), (StatusCode::OK, true), "{}", tried.body);
    let gone = world.ask(Method::DELETE, PATH, again.etag.as_deref(), Value::Null).await;
    assert_eq!((gone.status, world.stored().await.is_none()), (StatusCode::OK, true), "{}", gone.body);
    let twice = world.ask(Method::DELETE, PATH, gone.etag.as_deref(), Value::Null).await;
    assert_eq!(twice.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_provider_that_cannot_work_is_not_set() {
    let world = World::new().await;
    let with = |name: &str, value: Value| {
        let mut body = whole();
        body[name] = value;
        body
    };
    for (body, status, says) in [
        (with("issuer", json!("https://nobody.example")), StatusCode::UNPROCESSABLE_ENTITY, "nobody is there"),
        (with("client-secret", json!("another-secret")), StatusCode::UNPROCESSABLE_ENTITY, "not this secret"),
        (with("client-secret", Value::Null), StatusCode::BAD_REQUEST, "client-secret"),
        (with("client-secret", json!("short")), StatusCode::BAD_REQUEST, "client-secret"),
        (with("public-client", json!(true)), StatusCode::BAD_REQUEST, "client-secret"),
        (with("only", json!(true)), StatusCode::BAD_REQUEST, "no owner could sign in"),
        (with("max-age-minutes", json!(0)), StatusCode::BAD_REQUEST, "one minute"),
    ] {
        let refused = world.ask(Method::PUT, PATH, Some("\"0\""), body).await;
        assert_eq!(refused.status, status, "{says}: {}", refused.body);
        let text = refused.body["detail"].as_str().unwrap().to_lowercase();
        assert!(text.contains(&says.to_lowercase()), "{says}: {text}");
    }
    assert!(world.stored().await.is_none());
}

#[tokio::test]
async fn only_owners_with_a_fresh_second_factor_set_one_and_only_in_their_own_tenant() {
    let world = World::new().await;
    let (_, admin) = world.people.joins(&world.owner, "bo@acme.example", "admin").await;
    assert_eq!(world.at(&admin, Method::GET, PATH, None, Value::Null).await.status, StatusCode::OK);
    assert_eq!(world.at(&admin, Method::PUT, PATH, Some("\"0\""), whole()).await.status, StatusCode::FORBIDDEN);
    let stale = Caller { factors: Vec::new(), ..world.owner.clone() };
    let refused = world.at(&stale, Method::PUT, PATH, Some("\"0\""), whole()).await;
    assert_eq!((refused.status, &refused.body["refusal"]["rule"]), (StatusCode::FORBIDDEN, &json!("step-up")));
    let other = "/sign-in/providers/umbrella";
    assert_eq!(world.ask(Method::GET, other, None, Value::Null).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.ask(Method::PUT, other, Some("\"0\""), whole()).await.status, StatusCode::NOT_FOUND);
    let dana = testing::dana();
    assert!(matches!(dana.actor, Actor::Person { .. }));
    assert_eq!(world.at(&dana, Method::PUT, other, Some("\"0\""), whole()).await.status, StatusCode::OK);
    let seen = world.ask(Method::GET, "/sign-in/providers", None, Value::Null).await;
    assert_eq!(seen.body["items"], json!([]), "another tenant's is not listed");
}

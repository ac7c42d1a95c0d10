use axum::http::{Method, StatusCode};
use portcullis_broker::{consent::KeepError, issue::Credential, place::Place};
use portcullis_model::{
    audit::Entry,
    connection::{ConnectionKey, Origin, Standing},
    id::ConsentId,
    secret::Secret,
    time::Timestamp,
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing};

/// Two connections of two tenants, which nobody changes.
struct Kept;

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
        _: &ConnectionKey,
        _: &Place,
        _: &Origin,
        _: Credential,
        _: Option<Timestamp>,
        _: Entry,
    ) -> Result<u64, KeepError> {
        unreachable!("nothing is stored")
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

/// Makes the same link for everything.
struct Links;

#[async_trait]
impl Asks for Links {
    async fn link(&self, wanted: Anew) -> Result<Asked, ConsentError> {
        assert_eq!(wanted.place.hosts, ["desk.example"]);
        Err(ConsentError::Unfit("this provider asks no person".to_owned()))
    }
}

async fn ask(method: Method, path: &str, body: Value) -> LocalAnswer {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let ports = Ports {
        keeps: Arc::new(Kept),
        ended_by: Box::new(|_| unreachable!("a rehearsal ends nothing")),
        desk: Arc::new(Links),
        owed: Arc::new(store.clone()),
        rotations: Arc::new(store.clone()),
        base: Some("https://host.example".to_owned()),
    };
    let router = Routes::new(testing::frame(&store, b"operator")).mount(operations(), Arc::new(ports)).router();
    let body = Some(&body).filter(|body| !body.is_null());
    Local::new(router, testing::dana()).ask(method, path, None, body).await
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

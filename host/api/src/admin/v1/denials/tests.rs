use axum::http::{Method, StatusCode};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::{Digest, TenantId},
    people::{BuiltIn, Caller, Holding, Principal, Reach},
};
use portcullis_store::SqliteStore;

use super::*;
use crate::admin::{Local, Routes, testing};

fn denial(tenant: &str, number: usize) -> Entry {
    let actor = Actor::Plugin {
        installation: format!("ins_{tenant}").parse().unwrap(),
        plugin: "com.example.a".parse().unwrap(),
        release: Digest::of(b"x"),
        call: "call_1".parse().unwrap(),
    };
    Entry::new(testing::NOW, Kind::ActDenied, actor, Some(tenant.parse().unwrap()))
        .about("ticket:1")
        .with("id", format!("call_1.{number}"))
        .with("act", "tickets.get")
        .with("scope", "tickets:read fields=subject")
        .with("layer", "granted")
        .with("reason", "it is not granted")
        .with("grantor", "admin")
}

fn local(dir: &std::path::Path, store: &SqliteStore) -> Local {
    let ports = Ports { reader: Arc::new(testing::Reader::of(dir, store)), recorder: Arc::new(store.clone()) };
    let router = Routes::new(testing::frame(store, b"operator")).mount(operations(), Arc::new(ports)).router();
    Local::new(router, testing::dana())
}

#[tokio::test]
async fn denials_come_in_pages_the_newest_first_and_reading_them_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let entries = (0..3).flat_map(|number| [denial("acme", number), denial("globex", number)]).collect();
    store.record(entries).await.unwrap();
    let local = local(dir.path(), &store);
    let get = async |path: &str| local.ask(Method::GET, path, None, None).await;
    let first = get("/denials?tenant=acme&limit=2").await;
    let said = |body: &serde_json::Value| -> Vec<String> {
        body["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((first.status, said(&first.body)), (StatusCode::OK, vec!["call_1.2".into(), "call_1.1".into()]));
    let next = first.body["next"].as_str().unwrap().strip_prefix("/admin/v1").unwrap().to_owned();
    let second = get(&next).await;
    assert_eq!((said(&second.body), second.body.get("next")), (vec!["call_1.0".into()], None));
    assert_eq!(first.body["items"][0]["installation"], "ins_acme");
    let last: Entry = store.entries(7, 1).await.unwrap()[0].read().unwrap();
    assert_eq!((last.kind, last.text("way")), (Kind::AuditRead, Some("denials")));
    assert_eq!(get("/denials?days=0").await.status, StatusCode::BAD_REQUEST);
}

/// Lets everybody read, in the tenants where they hold a role.
struct Holders;

#[async_trait::async_trait]
impl portcullis_model::people::Decide for Holders {
    async fn decide(
        &self,
        caller: &Caller,
        _: &portcullis_model::people::Action,
        resource: &portcullis_model::people::Resource,
    ) -> Result<Result<(), portcullis_model::people::Refusal>, portcullis_model::error::StoreError> {
        use portcullis_model::people::{Needs, Refusal, Why};
        let holds = resource.tenant.as_ref().is_some_and(|tenant| caller.tenants().unwrap().contains(tenant));
        let no = Refusal { rule: Why::NoRole, needs: Needs::Role { one_of: Vec::new() }, who: String::new() };
        Ok(if holds { Ok(()) } else { Err(no) })
    }
}

#[tokio::test]
async fn nobody_sees_what_is_of_a_tenant_that_they_have_nothing_to_do_with() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    store.record(vec![denial("acme", 0), denial("globex", 1)]).await.unwrap();
    let ports = Ports { reader: Arc::new(testing::Reader::of(dir.path(), &store)), recorder: Arc::new(store.clone()) };
    let frame = testing::frame_with(&store, b"operator", Arc::new(Holders));
    let router = Routes::new(frame).mount(operations(), Arc::new(ports)).router();
    let tenant: TenantId = "acme".parse().unwrap();
    let role = BuiltIn::Auditor.name().parse().unwrap();
    let holding = Holding { tenant: Some(tenant), role, until: None, support: None, break_glass: false };
    let caller = |holdings| Caller {
        principal: Principal::Automation("cli_1".parse().unwrap()),
        reach: Reach::Holdings(holdings),
        ..testing::dana()
    };
    let get =
        async |caller: Caller, path: &str| Local::new(router.clone(), caller).ask(Method::GET, path, None, None).await;
    let own = get(caller(vec![holding.clone()]), "/denials").await;
    assert_eq!(own.status, StatusCode::OK, "{}", own.body);
    let items = own.body["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["tenant"]), (1, &serde_json::json!("acme")));
    let other = get(caller(vec![holding]), "/denials?tenant=globex").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "as if there were no such tenant: {}", other.body);
    assert_eq!(get(caller(Vec::new()), "/denials").await.status, StatusCode::FORBIDDEN);
}

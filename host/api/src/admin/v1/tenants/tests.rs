use std::sync::Mutex;

use axum::http::{Method, StatusCode};
use portcullis_model::{id::Digest, people::Caller};
use portcullis_store::SqliteStore;
use serde_json::json;

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing};

/// Knows one tenant, with an installation that is active.
#[derive(Default)]
struct Register(Mutex<Option<Deletion>>);

fn known(tenant: &TenantId) -> Result<(), NotDone> {
    match tenant.as_str() {
        "acme" => Ok(()),
        other => Err(NotDone::Nothing(format!("there is nothing of a tenant '{other}' on this host"))),
    }
}

#[async_trait]
impl Deletions for Register {
    async fn plan(&self, tenant: &TenantId) -> Result<Value, NotDone> {
        known(tenant)?;
        Ok(json!({ "tenant": tenant, "found": { "sources": 2 }, "active": ["ins_1"] }))
    }

    async fn begin(&self, tenant: &TenantId, contain: bool, by: Actor) -> Result<Deletion, NotDone> {
        known(tenant)?;
        assert_eq!(by, testing::dana().actor, "in the name of whoever deletes it");
        if !contain {
            return Err(NotDone::Refused("1 installations are active".to_owned()));
        }
        let begun = Deletion { begun: testing::NOW, ended: None, found: [("sources".to_owned(), 2)].into() };
        Ok(self.0.lock().unwrap().get_or_insert(begun).clone())
    }

    async fn deletion(&self, _: &TenantId) -> Result<Option<Deletion>, StoreError> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn certify(&self, _: &TenantId, _: Actor) -> Result<Signed, NotDone> {
        Ok(Signed { envelope: "{}".into(), digest: "sha256:00".into(), key: "key".into() })
    }
}

#[async_trait]
impl Exports for Register {
    async fn export(&self, tenant: &TenantId, by: Actor) -> Result<Parcel, NotDone> {
        known(tenant)?;
        assert_eq!(by, testing::dana().actor, "in the name of whoever takes it out");
        let content = b"a tar of acme".to_vec();
        let (bytes, digest) = (content.len() as u64, Digest::of(&content));
        Ok(Parcel { content: Box::new(std::io::Cursor::new(content)), bytes, digest })
    }
}

struct World {
    router: axum::Router,
    register: Arc<Register>,
    _dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
        let register = Arc::new(Register::default());
        let ports = Arc::new(Ports { deletions: register.clone(), exports: register.clone() });
        let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
        Self { router: Routes::new(frame).mount(operations(), ports).router(), register, _dir: dir }
    }

    async fn ask(&self, by: &Caller, method: Method, path: &str) -> LocalAnswer {
        Local::new(self.router.clone(), by.clone()).ask(method, path, None, None).await
    }
}

#[tokio::test]
async fn a_tenant_is_deleted_by_whoever_types_its_name_once_more() {
    let (world, dana) = (World::new(), testing::dana());
    let delete = async |query: &str| world.ask(&dana, Method::DELETE, &format!("/tenants/acme{query}")).await;
    for query in ["", "?confirm=umbrella", "?confirm=acme-2&contain=true", "?dry_run=false"] {
        assert_eq!(delete(query).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let tried = delete("?dry_run=true").await;
    assert_eq!((tried.status, &tried.body["plan"]["found"]["sources"]), (StatusCode::OK, &json!(2)), "{}", tried.body);
    assert!(tried.body["deletion"].is_null() && world.register.0.lock().unwrap().is_none(), "{}", tried.body);
    let active = delete("?confirm=acme").await;
    assert_eq!((active.status, &active.body["detail"]), (StatusCode::CONFLICT, &json!("1 installations are active.")));
    assert_eq!(world.ask(&dana, Method::GET, "/tenants/acme/deletion").await.status, StatusCode::NOT_FOUND);
    let begun = delete("?confirm=acme&contain=true").await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.body);
    assert_eq!(
        world.ask(&dana, Method::GET, "/tenants/acme/certificate").await.status,
        StatusCode::CONFLICT,
        "too early"
    );
    world.register.0.lock().unwrap().as_mut().unwrap().ended = Some(testing::NOW);
    let shown = world.ask(&dana, Method::GET, "/tenants/acme/deletion").await;
    assert!(shown.body["ended"].is_string(), "{}", shown.body);
    assert_eq!(world.ask(&dana, Method::GET, "/tenants/acme/certificate").await.body["digest"], "sha256:00");
    let nobody = world.ask(&dana, Method::DELETE, "/tenants/nobody?confirm=nobody").await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn no_tenant_deletes_itself_or_sees_that_it_is_deleted() {
    let (world, own) = (World::new(), testing::of("acme"));
    for (method, path) in [
        (Method::DELETE, "/tenants/acme?confirm=acme&contain=true"),
        (Method::DELETE, "/tenants/acme?dry_run=true"),
        (Method::GET, "/tenants/acme/deletion"),
        (Method::GET, "/tenants/acme/certificate"),
    ] {
        let refused = world.ask(&own, method, path).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: {}", refused.body);
    }
    assert!(world.register.0.lock().unwrap().is_none());
}

#[tokio::test]
async fn what_is_a_tenants_own_is_handed_over_to_it_and_to_no_other() {
    let world = World::new();
    for by in [testing::dana(), testing::of("acme")] {
        let taken = world.ask(&by, Method::GET, "/tenants/acme/export").await;
        assert_eq!((taken.status, &taken.body), (StatusCode::OK, &json!("a tar of acme")));
    }
    let other = world.ask(&testing::of("other"), Method::GET, "/tenants/acme/export").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "{}", other.body);
    let nobody = world.ask(&testing::dana(), Method::GET, "/tenants/nobody/export").await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND, "{}", nobody.body);
    assert!(nobody.body["detail"].as_str().unwrap().contains("nothing of a tenant 'nobody'"), "{}", nobody.body);
}

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::{Method, StatusCode};
use portcullis_model::{audit::Kind, people::Caller};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing};

/// One of the platform and one of acme stand in the log, and what everybody is told is so at the moment, in other words each time.
#[derive(Default)]
struct Kept(AtomicUsize);

fn notice(index: Option<u64>, kind: &str, what: &str) -> Notice {
    let help = "portcullis trust show".to_owned();
    let about = Subject { installation: index.map(|index| format!("ins_{index}")), ..Subject::default() };
    let (time, key) = (Timestamp(5).to_string(), kind.to_owned());
    Notice { index, time, kind: kind.to_owned(), what: what.to_owned(), help, key, about }
}

#[async_trait]
impl Noticeboard for Kept {
    async fn notices(&self, whose: &Whose, since: Timestamp) -> Result<Vec<Notice>, StoreError> {
        let acme: TenantId = "acme".parse().unwrap();
        let words = format!("the root expires, {}", self.0.fetch_add(1, Ordering::Relaxed));
        let mut all = vec![notice(None, "root.expires", &words)];
        let logged = [(9, Some(&acme), "a plugin of acme"), (4, None, "the host had died")];
        let fits = logged.into_iter().filter(|(_, tenant, _)| whose.has(*tenant) && since.0 < testing::NOW.0);
        all.extend(fits.map(|(index, _, what)| notice(Some(index), "plugin.suspended", what)));
        Ok(all)
    }
}

/// The board, as somebody asks it, and where that is written down.
struct World {
    local: Local,
    store: SqliteStore,
    _dir: tempfile::TempDir,
}

impl World {
    fn of(by: Caller) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
        let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
        let ports = Ports { board: Arc::new(Kept::default()), recorder: Arc::new(store.clone()) };
        let router = Routes::new(frame).mount(operations(), Arc::new(ports)).router();
        Self { local: Local::new(router, by), store, _dir: dir }
    }

    async fn ask(&self, path: &str) -> LocalAnswer {
        self.local.ask(Method::GET, path, None, None).await
    }
}

async fn ask(by: Caller, path: &str) -> LocalAnswer {
    World::of(by).ask(path).await
}

fn indexes(answer: &LocalAnswer) -> Vec<Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body["items"].as_array().unwrap().iter().map(|one| one["index"].clone()).collect()
}

#[tokio::test]
async fn the_operator_is_told_everything_and_a_tenant_what_is_its_own() {
    assert_eq!(indexes(&ask(testing::dana(), "/notices").await), [Value::Null, json!(9), json!(4)]);
    assert_eq!(indexes(&ask(testing::dana(), "/notices?tenant=umbrella").await), [Value::Null]);
    for path in ["/notices", "/notices?tenant=acme"] {
        let own = ask(testing::of("acme"), path).await;
        assert_eq!(indexes(&own), [Value::Null, json!(9)]);
        assert!(!own.body.to_string().contains("the host had died"), "{}", own.body);
    }
    assert_eq!(ask(testing::of("umbrella"), "/notices?tenant=acme").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn they_come_in_pages_and_from_a_moment_on() {
    let world = World::of(testing::dana());
    let mut path = "/notices?limit=1".to_owned();
    let mut found = Vec::new();
    for _ in 0..3 {
        let page = world.ask(&path).await;
        assert!(!page.body.to_string().contains("\"key\""), "{}", page.body);
        found.extend(indexes(&page));
        match page.body["next"].as_str().and_then(|next| next.strip_prefix("/admin/v1")) {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(found, [Value::Null, json!(9), json!(4)]);
    let now = format!("/notices?since={}", testing::NOW);
    assert_eq!(indexes(&ask(testing::dana(), &now).await), [Value::Null]);
    assert_eq!(ask(testing::dana(), "/notices?since=yesterday").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_one_is_about_is_named_and_what_it_is_not_about_is_left_out() {
    let told = ask(testing::of("acme"), "/notices").await;
    let about: Vec<&Value> = told.body["items"].as_array().unwrap().iter().map(|one| &one["about"]).collect();
    assert_eq!(about, [&Value::Null, &json!({ "installation": "ins_9" })], "{}", told.body);
}

#[tokio::test]
async fn whoever_reads_them_is_on_record_where_they_read() {
    for (by, path, tenant) in [
        (testing::of("acme"), "/notices", Some("acme")),
        (testing::dana(), "/notices?tenant=acme", Some("acme")),
        (testing::dana(), "/notices", None),
        (testing::of_platform(), "/notices", None),
    ] {
        let world = World::of(by);
        assert_eq!(world.ask(path).await.status, StatusCode::OK, "{path}");
        let noted = world.store.entries(0, 10).await.unwrap().remove(0).read().unwrap();
        assert_eq!((noted.kind, noted.text("way")), (Kind::AuditRead, Some("notices")), "{path}");
        assert_eq!(noted.tenant, tenant.map(|name| name.parse().unwrap()), "{path}");
    }
}

#[test]
fn what_is_of_a_tenant_is_not_the_platforms_own() {
    let acme: TenantId = "acme".parse().unwrap();
    let told = |whose: Whose| (whose.has(None), whose.has(Some(&acme)));
    assert_eq!(told(Whose::Everybody), (true, true));
    assert_eq!(told(Whose::Platform), (true, false));
    assert_eq!(told(Whose::Tenant(acme.clone())), (false, true));
    assert_eq!(told(Whose::Tenant("umbrella".parse().unwrap())), (false, false));
}

use std::{path::Path, sync::Mutex};

use axum::http::{Method, StatusCode};
use portcullis_broker::{
    connection::Connections,
    issue::NoProviders,
    key::{Key, service::KeyRing},
    rotation::{Endings, Upstreams},
    vault::Vault,
};
use portcullis_model::{
    audit::{Entry, Kind},
    id::Digest,
    installation::InstallationState,
    limits::Limits,
    time::Timestamp,
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use portcullis_model::people::{Caller, Decide};

use super::*;
use crate::admin::{Local, LocalAnswer, OperatorOnly, Routes, testing};

pub(super) struct Desk {
    pub store: SqliteStore,
    pub local: Local,
    pub erased: Arc<Mutex<Option<Erasure>>>,
}

/// What the log has of erasures, as a test says.
struct Proofs(Arc<Mutex<Option<Erasure>>>);

#[async_trait]
impl Receipts for Proofs {
    async fn erasure(&self, _: &InstallationId) -> Result<Option<Erasure>, StoreError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

/// What ends credentials that no provider can be asked about.
fn endings(store: &Arc<SqliteStore>, actor: Actor) -> Endings {
    let rng = Arc::new(testing::Fixed);
    let ring = KeyRing::of(Key::of(&[3; 32]).unwrap(), rng.clone());
    let vault = Arc::new(Vault::new(store.clone(), ring, rng));
    let connections = Arc::new(Connections::new(vault).unwrap());
    let (issuer, clock) = (Arc::new(NoProviders), Arc::new(testing::Fixed));
    let upstreams = Upstreams { connections, issuer, installations: store.clone(), clock, actor };
    Endings { store: store.clone(), upstreams }
}

impl Desk {
    pub async fn open(dir: &Path, count: usize) -> Self {
        Self::under(dir, count, Arc::new(OperatorOnly)).await
    }

    /// The same, where this decides who may do what.
    pub async fn under(dir: &Path, count: usize, decide: Arc<dyn Decide>) -> Self {
        let store = SqliteStore::open(&dir.join("host.db")).unwrap();
        for number in 0..count {
            let tenant = if number % 2 == 0 { "acme" } else { "globex" };
            let installation = installation(&format!("ins_{number}"), tenant);
            let entry = Entry::new(Timestamp(1), Kind::PluginInstalled, Actor::Host, Some(installation.tenant.clone()));
            assert!(store.put_installation(installation, None, entry).await.unwrap());
        }
        let (shared, erased) = (Arc::new(store.clone()), Arc::new(Mutex::new(None)));
        let ending = shared.clone();
        let ports = Ports {
            registry: testing::registry(&store),
            installations: shared.clone(),
            leaving: shared.clone(),
            ended_by: Box::new(move |by| endings(&ending, by)),
            receipts: Arc::new(Proofs(erased.clone())),
            logs: shared.clone(),
            budgets: shared.clone() as Arc<dyn BudgetStore>,
            recorder: shared,
            bounds: Bounds { scopes: None, limits: Limits::CEILING, tenants: Default::default(), live: None },
            reader: Arc::new(testing::Reader::of(dir, &store)),
            clock: Arc::new(testing::Fixed),
            rng: Arc::new(testing::Fixed),
        };
        let frame = testing::frame_with(&store, b"operator", decide);
        let router = Routes::new(frame).mount(operations(), Arc::new(ports)).router();
        Self { store, local: Local::new(router, testing::dana()), erased }
    }

    pub async fn get(&self, path: &str) -> LocalAnswer {
        self.local.ask(Method::GET, path, None, None).await
    }

    async fn suspend(&self, query: &str, version: Option<&str>, body: Value) -> LocalAnswer {
        let path = format!("/installations/ins_0/suspend{query}");
        self.local.ask(Method::POST, &path, version, Some(&body)).await
    }
}

fn installation(id: &str, tenant: &str) -> Installation {
    Installation {
        id: id.parse().unwrap(),
        tenant: tenant.parse().unwrap(),
        plugin: "com.example.a".parse().unwrap(),
        release: Digest::of(b"component"),
        manifest: Digest::of(b"manifest"),
        version: "1.0.0".into(),
        number: 1,
        state: InstallationState::Active,
        granted: vec!["log:write".parse().unwrap()],
        limits: Default::default(),
        upgrades: Default::default(),
        previous: None,
        waiting: None,
        rolled_back: None,
        generation: 1,
    }
}

#[tokio::test]
async fn all_are_listed_once_in_pages_that_follow_from_one_another() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 5).await;
    let (mut path, mut seen) = ("/installations?limit=2".to_owned(), Vec::new());
    loop {
        let answer = desk.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        seen.extend(answer.body["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        match answer.body["next"].as_str() {
            Some(next) => path = next.strip_prefix("/admin/v1").unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["ins_0", "ins_1", "ins_2", "ins_3", "ins_4"]);
    let some = desk.get("/installations?tenant=globex&state=active").await;
    assert_eq!(some.body["items"].as_array().unwrap().len(), 2);
    assert_eq!(desk.get("/installations?state=gone").await.status, StatusCode::BAD_REQUEST);
    let wrong = desk.get("/installations?tenent=acme").await;
    assert!(wrong.body["detail"].as_str().unwrap().contains("'tenant'"), "{}", wrong.body);
    assert_eq!(wrong.body["type"], "https://portcullis.dev/problems/wrong-query");
}

#[tokio::test]
async fn one_is_shown_with_its_version() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 1).await;
    let one = desk.get("/installations/ins_0").await;
    assert_eq!((one.status, one.etag.as_deref()), (StatusCode::OK, Some("\"1\"")));
    let read: Installation = serde_json::from_value(one.body).unwrap();
    assert_eq!(read, installation("ins_0", "acme"), "the command line reads what is answered");
    assert_eq!(desk.get("/installations/ins_9").await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.get("/installations/a%20b").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_change_needs_the_version_that_it_was_made_for() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 1).await;
    let why = json!({ "reason": "it writes too much" });
    for (version, status) in [
        (None, StatusCode::PRECONDITION_REQUIRED),
        (Some("\"2\""), StatusCode::PRECONDITION_FAILED),
        (Some("*"), StatusCode::PRECONDITION_FAILED),
    ] {
        assert_eq!(desk.suspend("", version, why.clone()).await.status, status);
    }
    for body in [json!({}), json!({ "reason": " " }), json!({ "reason": "x", "other": 1 }), json!([])] {
        assert_eq!(desk.suspend("", Some("\"1\""), body).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(desk.store.entry_count().await.unwrap(), 1, "nothing was changed");
    let done = desk.suspend("", Some("\"1\""), why.clone()).await;
    assert_eq!((done.status, done.etag.as_deref()), (StatusCode::OK, Some("\"2\"")));
    assert_eq!(done.body["installation"]["state"], "suspended");
    let entries = desk.store.entries(0, 9).await.unwrap();
    let entry: Entry = entries.last().unwrap().read().unwrap();
    assert_eq!((entry.kind, entry.actor), (Kind::PluginSuspended, Actor::Person { name: "dana".into() }));
}

#[tokio::test]
async fn what_is_tried_out_says_what_it_would_do_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 2).await;
    let bytes = || ["host.db", "host.db-wal"].map(|name| std::fs::read(dir.path().join(name)).unwrap_or_default());
    let before = bytes();
    let tried = desk.suspend("?dry_run=true", Some("\"1\""), json!({ "reason": "x" })).await;
    assert_eq!((tried.status, tried.etag.as_deref()), (StatusCode::OK, Some("\"1\"")));
    assert_eq!(tried.body["dry_run"], true);
    let fields: Vec<&str> =
        tried.body["changes"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["reason", "state"]);
    assert!(bytes() == before, "the store is what it was, byte for byte");
    assert_eq!(
        desk.suspend("?dry_run=1", Some("\"1\""), json!({ "reason": "x" })).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_done_once_and_answered_alike() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 1).await;
    let send = async |key: &str, reason: &str| {
        let body = json!({ "reason": reason });
        desk.local
            .ask_with(
                Method::POST,
                "/installations/ins_0/suspend",
                &[("if-match", "\"1\""), ("idempotency-key", key)],
                Some(&body),
            )
            .await
    };
    let first = send("k1", "x").await;
    assert_eq!(first.status, StatusCode::OK);
    let written = desk.store.entry_count().await.unwrap();
    let again = send("k1", "x").await;
    assert_eq!((again.status, &again.etag, &again.body), (first.status, &first.etag, &first.body));
    assert_eq!(send("k1", "y").await.body["type"], "https://portcullis.dev/problems/idempotency-key-reused");
    // Without the key's memory it would have been refused: the version is another one by now.
    assert_eq!(send("k2", "x").await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(send("k2", "y").await.status, StatusCode::PRECONDITION_FAILED, "what was refused does not hold its key");
    assert_eq!(send("a b", "x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(desk.store.entry_count().await.unwrap(), written, "nothing was done twice");
}

#[tokio::test]
async fn limits_are_set_by_name_and_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 1).await;
    let set = async |body: Value| {
        desk.local.ask(Method::PATCH, "/installations/ins_0/limits", Some("\"1\""), Some(&body)).await
    };
    for (limits, says) in [
        (json!({ "cpu_ms": 1 }), "'cpu-ms'"),
        (json!({ "cpu-ms": 0 }), "suspend"),
        (json!({ "cpu-ms": -1 }), "limits"),
        (json!({}), "name one"),
    ] {
        let refused = set(json!({ "limits": limits })).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
        assert!(refused.body["detail"].as_str().unwrap().contains(says), "{}", refused.body);
    }
    let done = set(json!({ "limits": { "cpu-ms": 50 } })).await;
    assert_eq!(done.body["installation"]["limits"]["cpu-ms"], 50);
    assert_eq!(done.body["changes"].as_array().unwrap().len(), 1);
    assert_eq!(done.body["installation"]["limits"]["wall-ms"], Limits::default().wall_ms);
}

#[tokio::test]
async fn what_the_release_is_needed_for_is_refused_where_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 1).await;
    let grant = json!({ "scopes": ["log:write"] });
    let refused = desk.local.ask(Method::PUT, "/installations/ins_0/grant", Some("\"1\""), Some(&grant)).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.body);
    assert_eq!(desk.get("/installations/ins_0/use").await.status, StatusCode::NOT_FOUND);
    let wrong = json!({ "scopes": ["Log write"] });
    let wrong = desk.local.ask(Method::PUT, "/installations/ins_0/grant", Some("\"1\""), Some(&wrong)).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let digest = Digest::of(b"none");
    let install = json!({ "tenant": "acme", "component": digest, "manifest": digest });
    let missing = desk.local.ask(Method::POST, "/installations", None, Some(&install)).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND, "{}", missing.body);
}

#[tokio::test]
async fn nobody_else_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 1).await;
    let stranger = Caller {
        principal: portcullis_model::people::Principal::Automation("cli_1".parse().unwrap()),
        ..testing::dana()
    };
    let refused = desk.local.as_caller(stranger).ask(Method::GET, "/installations", None, None).await;
    assert_eq!((refused.status, &refused.body["refusal"]["rule"]), (StatusCode::FORBIDDEN, &json!("no-role")));
}

#[tokio::test]
async fn activity_is_counted_day_by_day_and_by_destination() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 2).await;
    let day = 24 * 60 * 60 * 1000;
    let entry = |id: &str, tenant: &str, days: i64, kind: Kind| {
        let actor = Actor::Plugin {
            installation: id.parse().unwrap(),
            plugin: "com.example.a".parse().unwrap(),
            release: Digest::of(b"x"),
            call: "call_1".parse().unwrap(),
        };
        Entry::new(Timestamp(testing::NOW.0 - days * day), kind, actor, Some(tenant.parse().unwrap()))
    };
    let sent = |days: i64, host: &str, bytes: u64| {
        entry("ins_0", "acme", days, Kind::ActOutcome)
            .about(format!("POST https://{host}/hook"))
            .with("act", "http.send")
            .with("outcome", "ok")
            .with("bytes-out", bytes)
            .with("bytes-in", 1)
    };
    let failed = entry("ins_0", "acme", 0, Kind::ActOutcome).with("act", "http.send").with("outcome", "unavailable");
    let entries = vec![
        entry("ins_0", "acme", 100, Kind::ActPermitted),
        entry("ins_0", "acme", 1, Kind::ActPermitted),
        entry("ins_0", "acme", 1, Kind::ActDenied),
        entry("ins_1", "globex", 1, Kind::ActDenied),
        sent(1, "a.example", 10),
        sent(1, "b.example:8443", 500),
        sent(0, "a.example", 20),
        failed,
        entry("ins_0", "acme", 0, Kind::CallEnded).with("end", "ok"),
        entry("ins_0", "acme", 0, Kind::CallEnded).with("end", "trap"),
    ];
    desk.store.record(entries).await.unwrap();
    let found = desk.get("/installations/ins_0/activity").await;
    let days = json!([
        { "day": "2027-01-14", "permitted": 1, "denied": 1, "calls": 0, "failures": 0 },
        { "day": "2027-01-15", "permitted": 0, "denied": 0, "calls": 2, "failures": 2 },
    ]);
    let destinations = json!([
        { "host": "b.example:8443", "requests": 1, "bytes_out": 500, "bytes_in": 1 },
        { "host": "a.example", "requests": 2, "bytes_out": 30, "bytes_in": 2 },
    ]);
    assert_eq!(
        (found.status, &found.body["days"], &found.body["destinations"]),
        (StatusCode::OK, &days, &destinations)
    );
    assert_eq!(found.body["more"], false);
    assert_eq!(desk.get("/installations/ins_0/activity?days=91").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(desk.get("/installations/ins_9/activity").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_scope_is_read_before_it_is_weighed_and_nothing_goes_on_that_was_not_suspended() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 1).await;
    let nonsense = desk.get("/installations/ins_0/standing?scope=nonsense").await;
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST, "{}", nonsense.body);
    let unknown = desk.get("/installations/ins_9/standing?scope=log:write").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.body);
    let path = "/installations/ins_0/capabilities/tickets/resume";
    let nothing = desk.local.ask(Method::POST, path, None, None).await;
    assert_eq!(nothing.status, StatusCode::CONFLICT, "{}", nothing.body);
    assert!(nothing.body["detail"].as_str().unwrap().starts_with("No budget has suspended anything of ins_0"));
}

#[test]
fn what_the_storage_said_of_a_statement_is_for_the_hosts_log_alone() {
    use portcullis_packages::trust::keeper::KeeperError;
    let failed = KeeperError::Store(portcullis_model::error::StoreError("disk I/O error".to_owned()));
    let problem = refused(InstallError::Statement(failed));
    assert_eq!(problem.reason.status(), StatusCode::SERVICE_UNAVAILABLE);
    let lacking = refused(InstallError::Statement(KeeperError::Stranger("nobody knows it")));
    assert_eq!(lacking.reason.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

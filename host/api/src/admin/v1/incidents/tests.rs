use std::path::Path;

use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use portcullis_duties::incident::{Concerned, Plan};
use portcullis_model::{
    alert::{AlertQuery, AlertSeverity, Alerts as _, Hit, Party},
    audit::{Entry, Kind, Recorder as _},
    error::StoreError,
    id::{Digest, TenantId},
    incident::Subject,
    installation::{Installation, InstallationState},
    limits::Limits,
    review::Misbehaviour,
    upgrade::UpgradePolicy,
};
use portcullis_store::{DetectStep, SqliteStore};
use serde_json::{Value, json};

use super::*;
use crate::{
    admin::{Local, Routes, testing},
    ops::Announced,
};

/// Of what is stored, and without any credential.
struct Stored(SqliteStore);

#[async_trait]
impl Survey for Stored {
    async fn plan(&self, subject: &Subject) -> Result<Plan, StoreError> {
        Ok(Plan::new(subject, &self.0.installations().await?, &[]))
    }
    async fn concerned(&self, subject: &Subject) -> Result<Vec<Concerned>, StoreError> {
        let tenants = self.plan(subject).await?.tenants.into_iter();
        Ok(tenants.map(|tenant| Concerned { tenant, profiles: Vec::new() }).collect())
    }
    async fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        Ok(vec!["acme".parse().unwrap()])
    }
}

/// A status page that nobody looks at.
struct Page(SqliteStore);

#[async_trait]
impl Board for Page {
    async fn told(&self) -> Result<Vec<Announced>, StoreError> {
        Ok(Vec::new())
    }
    async fn tell(&self, _: &Announced, _: Actor) -> Result<bool, StoreError> {
        Ok(true)
    }
    async fn tell_of(&self, one: &Announced, of: Incident, _: Actor) -> Result<(), ChangeError> {
        self.0.change_incident(Incident { announced: Some(one.id.clone()), ..of }, Vec::new()).await.map(drop)
    }
    async fn resolve(&self, _: &Announced, _: Actor) -> Result<bool, StoreError> {
        Ok(true)
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp(1_000)
    }
}

impl Rng for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

async fn local(dir: &Path, store: &SqliteStore) -> Local {
    let router = router(dir, store, testing::frame(store, b"operator")).await;
    Local::new(router, testing::dana())
}

async fn router(dir: &Path, store: &SqliteStore, frame: Arc<crate::admin::Frame>) -> axum::Router {
    let one = Installation {
        id: "ins_1".parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        plugin: "com.example.bad".parse().unwrap(),
        release: Digest::of(b"component"),
        manifest: Digest::of(b"manifest"),
        version: "1.0.0".into(),
        number: 1,
        state: InstallationState::Active,
        granted: Vec::new(),
        limits: Limits::default(),
        upgrades: UpgradePolicy::Manual,
        previous: None,
        waiting: None,
        rolled_back: None,
        generation: 1,
    };
    let entry = Entry::new(Timestamp(1), Kind::PluginInstalled, Actor::Host, Some(one.tenant.clone()));
    assert!(store.put_installation(one, None, entry).await.unwrap());
    let shared = Arc::new(store.clone());
    let ports = Ports {
        incidents: shared.clone(),
        survey: Arc::new(Stored(store.clone())),
        alerts: shared.clone(),
        reports: shared.clone(),
        installations: shared.clone(),
        reader: Arc::new(testing::Reader::of(dir, store)),
        recorder: shared,
        board: Arc::new(Page(store.clone())),
        clock: Arc::new(Fixed),
        rng: Arc::new(Fixed),
    };
    Routes::new(frame).mount(operations(), Arc::new(ports)).router()
}

#[tokio::test]
async fn an_incident_is_opened_tried_out_contained_told_and_closed() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let local = local(dir.path(), &store).await;
    let post = async |path: String, body| local.ask(Method::POST, &path, None, Some(&body)).await;
    for (body, status) in [
        (json!({ "title": "key stolen" }), StatusCode::BAD_REQUEST),
        (json!({ "title": "x", "about": "plugin:com.example.bad" }), StatusCode::BAD_REQUEST),
        (json!({ "title": "key stolen", "about": "planet:earth" }), StatusCode::BAD_REQUEST),
        (json!({ "title": "key stolen", "about": "installation:ins_9" }), StatusCode::NOT_FOUND),
        (json!({ "title": "key stolen", "alert": "alr_9" }), StatusCode::NOT_FOUND),
        (json!({ "title": "key stolen", "report": "rep_9" }), StatusCode::NOT_FOUND),
        (json!({ "title": "key stolen", "report": "rep_9", "alert": "alr_9" }), StatusCode::NOT_FOUND),
    ] {
        let refused = post("/incidents".into(), body).await;
        assert_eq!(refused.status, status, "{}", refused.body);
    }
    let opened = post("/incidents".into(), json!({ "title": "key stolen", "about": "installation:ins_1" })).await;
    assert_eq!((opened.status, &opened.body["state"]), (StatusCode::CREATED, &json!("open")), "{}", opened.body);
    assert_eq!(opened.body["incident"]["subject"]["tenant"], "acme", "an installation's incident is its tenant's");
    let id = opened.body["incident"]["id"].as_str().unwrap().to_owned();
    let at = |rest: &str| format!("/incidents/{id}/{rest}");

    let before = store.entry_count().await.unwrap();
    let tried = post(at("contain?dry_run=true"), json!({})).await;
    assert_eq!((tried.status, &tried.body["dry_run"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    assert_eq!(tried.body["plan"]["suspend"], json!(["ins_1"]));
    assert_eq!(store.entry_count().await.unwrap(), before, "nothing was changed");

    let told = post(at("told"), json!({ "who": "authority", "to": "case 4711", "tenant": "acme" })).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.body);
    assert_eq!(post(at("told"), json!({ "who": "nobody", "to": "case 4711" })).await.status, StatusCode::CONFLICT);
    assert_eq!(post(at("note"), json!({ "text": "the vendor confirms it" })).await.status, StatusCode::OK);
    let ended = json!({ "cause": "a stolen signing key", "prevention": "two signatures from now on" });
    let early = post(at("close"), ended.clone()).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "somebody was not told: {}", early.body);

    // Nobody serves here: it is contained, and says that nobody has confirmed that nothing runs.
    let done = post(at("contain"), json!({})).await;
    assert_eq!((done.status, &done.body["incident"]["state"]), (StatusCode::OK, &json!("contained")), "{}", done.body);
    assert_eq!(done.body["incident"]["reached"], json!(false));
    let stored = store.installations().await.unwrap().remove(0);
    assert!(matches!(stored.state, InstallationState::Suspended { .. }));
    assert_eq!(post(at("contain"), json!({})).await.status, StatusCode::CONFLICT, "once");

    let mut last = ended;
    last["untold"] = json!("nobody else is concerned");
    assert_eq!(post(at("close"), last).await.body["state"], "closed");
    assert_eq!(post(at("lift"), json!({ "reason": "the new release is installed" })).await.status, StatusCode::OK);
    assert_eq!(store.held_by(&stored).await.unwrap(), None);
    let list =
        async |path: &str| local.ask(Method::GET, path, None, None).await.body["items"].as_array().unwrap().len();
    assert_eq!((list("/incidents").await, list("/incidents?closed=true").await), (0, 1));
}

#[tokio::test]
async fn what_the_platform_contained_no_tenant_tells_or_closes_and_no_alert_of_another_opens_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let router = router(dir.path(), &store, testing::frame_with(&store, b"operator", Arc::new(testing::Own))).await;
    let as_of = |caller| Local::new(router.clone(), caller);
    let (operator, acme, other) = (as_of(testing::dana()), as_of(testing::of("acme")), as_of(testing::of("other")));
    let post = async |by: &Local, path: &str, body| by.ask(Method::POST, path, None, Some(&body)).await;
    store.record(vec![Entry::new(Timestamp(2), Kind::ActDenied, Actor::Host, None)]).await.unwrap();
    let hit = Hit {
        rule: "new-destination".into(),
        title: "A plugin sends to a new host".into(),
        severity: AlertSeverity::High,
        party: Party::Subscriber,
        subject: "acme/ins_1".into(),
        tenant: Some("acme".parse().unwrap()),
        installation: Some("ins_1".parse().unwrap()),
        why: "h.example for the first time".into(),
        entries: vec![1],
        time: Timestamp(2),
        cool_down: std::time::Duration::from_secs(1),
        is_news: false,
    };
    let step = DetectStep { from: 0, to: 2, cells: Vec::new(), hits: vec![hit], forget: Vec::new(), now: Timestamp(3) };
    store.detect_step(step).await.unwrap();
    let query = AlertQuery { most: 9, ..AlertQuery::default() };
    let alert = &store.alerts(query, Timestamp(4)).await.unwrap().alerts[0].id.to_string();
    for body in [
        json!({ "title": "not mine", "alert": alert }),
        json!({ "title": "not mine", "alert": alert, "about": "plugin:com.example.bad", "tenant": "other" }),
    ] {
        let refused = post(&other, "/incidents", body).await;
        assert!(matches!(refused.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN), "{}", refused.body);
        assert!(!refused.body.to_string().contains("h.example"), "{}", refused.body);
    }
    assert!(store.incidents().await.unwrap().is_empty());

    let opened = post(&operator, "/incidents", json!({ "title": "key stolen", "alert": alert })).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
    let at = |rest: &str| format!("/incidents/{}/{rest}", opened.body["incident"]["id"].as_str().unwrap());
    assert_eq!(post(&operator, &at("contain"), json!({})).await.status, StatusCode::OK);
    let lines = opened.body["incident"]["tell"].as_array().unwrap();
    let of_platform: Vec<&str> =
        lines.iter().filter(|one| one["by"] == "platform").map(|one| one["key"].as_str().unwrap()).collect();
    assert!(!of_platform.is_empty(), "{}", opened.body);
    for who in of_platform {
        let told = post(&acme, &at("told"), json!({ "who": who, "to": "somebody, honestly" })).await;
        assert_eq!(told.status, StatusCode::CONFLICT, "{who}: {}", told.body);
        assert!(told.body["detail"].as_str().unwrap().contains("whoever runs the host"), "{}", told.body);
    }
    let end = json!({
        "cause": "nothing was wrong at all", "prevention": "nothing is to be prevented", "untold": "nobody cares about it",
    });
    let closed = post(&acme, &at("close"), end.clone()).await;
    assert_eq!(closed.status, StatusCode::CONFLICT, "{}", closed.body);
    assert_eq!(post(&acme, &at("lift"), json!({ "reason": "we need it again" })).await.status, StatusCode::CONFLICT);
    assert_eq!(post(&operator, &at("close"), end).await.body["state"], "closed");
}

#[tokio::test]
async fn a_report_opens_an_incident_about_its_plugin_and_another_tenants_opens_none() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let local = local(dir.path(), &store).await;
    let report = Misbehaviour {
        id: "rep_1".parse().unwrap(),
        plugin: "com.example.bad".parse().unwrap(),
        version: "1.0.0".into(),
        number: 1,
        component: Digest::of(b"component"),
        manifest: Digest::of(b"manifest"),
        tenant: "acme".parse().unwrap(),
        installation: "ins_1".parse().unwrap(),
        by: "ana".into(),
        at: Timestamp(2),
        reason: "it sends what it should not".into(),
        evidence: Vec::new(),
        resolved: None,
    };
    let entry = Entry::new(Timestamp(2), Kind::PluginReported, Actor::Host, None);
    assert!(store.put_misbehaviour(report, entry).await.unwrap());
    let post = async |body| local.ask(Method::POST, "/incidents", None, Some(&body)).await;
    let refused = post(json!({ "title": "key stolen", "report": "rep_1", "tenant": "other" })).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.body);
    let opened = post(json!({ "title": "key stolen", "report": "rep_1" })).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
    let incident: Incident = serde_json::from_value(opened.body["incident"].clone()).unwrap();
    assert_eq!(incident.origin, portcullis_model::incident::Origin::Report("rep_1".parse().unwrap()));
    assert_eq!(incident.subject.to_string(), "plugin com.example.bad");
    let path = format!("/incidents/{}/contain", incident.id);
    let done = local.ask(Method::POST, &path, None, Some(&json!({ "left-to-host": false }))).await;
    assert_eq!((done.status, &done.body["incident"]["state"]), (StatusCode::OK, &json!("contained")), "{}", done.body);
    let kept = store.incident(&incident.id).await.unwrap().unwrap().containment.unwrap();
    assert!(!kept.left_to_host, "whoever asked sees to the rest");
}

#[tokio::test]
async fn what_the_log_has_of_one_is_read_by_who_may_and_that_is_on_record() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let router = router(dir.path(), &store, testing::frame_with(&store, b"operator", Arc::new(testing::Own))).await;
    let as_of = |caller| Local::new(router.clone(), caller);
    let (operator, acme, other) = (as_of(testing::dana()), as_of(testing::of("acme")), as_of(testing::of("other")));
    let get = async |by: &Local, path: &str| by.ask(Method::GET, path, None, None).await;
    let body = json!({ "title": "key stolen", "about": "installation:ins_1" });
    let opened = operator.ask(Method::POST, "/incidents", None, Some(&body)).await.body;
    let path = format!("/incidents/{}/log", opened["incident"]["id"].as_str().unwrap());
    let log = get(&acme, &format!("{path}?data=true")).await;
    assert_eq!(log.status, StatusCode::OK, "{}", log.body);
    let first = &log.body["timeline"][0];
    assert_eq!((&first["entry"]["kind"], &first["key"]), (&json!("incident.opened"), &json!(true)), "{}", log.body);
    assert_eq!((&log.body["more"], &log.body["data"]["not_asked"]), (&json!(false), &json!(0)));
    let last = store.entries(store.entry_count().await.unwrap() - 1, 1).await.unwrap().remove(0).read().unwrap();
    let whose = last.tenant.as_ref().map(|tenant| tenant.as_str().to_owned());
    assert_eq!((last.kind, last.text("way"), whose.as_deref()), (Kind::AuditRead, Some("incident"), Some("acme")));
    let none = get(&operator, &format!("{path}?entries=0")).await.body;
    assert_eq!((&none["timeline"], &none["data"]), (&json!([]), &Value::Null));
    assert_eq!(get(&operator, &format!("{path}?entries=10001")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&other, &path).await.status, StatusCode::NOT_FOUND, "another's");
}

#[tokio::test]
async fn an_incident_is_announced_once_in_words_that_name_no_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let local = local(dir.path(), &store).await;
    let post = async |path: &str, body: Value| local.ask(Method::POST, path, None, Some(&body)).await;
    let opened = post("/incidents", json!({ "title": "key stolen", "about": "installation:ins_1" })).await.body;
    let incident = &format!("/incidents/{}", opened["incident"]["id"].as_str().unwrap());
    let path = format!("{incident}/announce");
    let named = post(&path, json!({ "title": "A plugin of Acme", "text": "misbehaves" })).await;
    assert_eq!(named.status, StatusCode::CONFLICT, "{}", named.body);
    let words = json!({ "title": "A plugin misbehaves", "text": "It is stopped." });
    let tried = post(&format!("{path}?dry_run=true"), words.clone()).await;
    let announced = async || local.ask(Method::GET, incident, None, None).await.body["incident"]["announced"].clone();
    assert_eq!((tried.status, announced().await), (StatusCode::OK, Value::Null));
    let told = post(&path, words.clone()).await;
    assert_eq!(told.status, StatusCode::CREATED, "{}", told.body);
    assert_eq!(announced().await, told.body["status"]);
    assert_eq!(post(&path, words).await.status, StatusCode::CONFLICT, "once");
}

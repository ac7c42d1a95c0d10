use std::{collections::BTreeMap, io::Cursor, sync::Mutex};

use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _},
    id::Digest,
    time::Timestamp,
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Parcel, Routes, testing};

/// A log that proves whatever it is asked for, and remembers what is done to it.
#[derive(Default)]
struct Paper {
    witnesses: Mutex<Vec<Witness>>,
    done: Mutex<Vec<(String, Actor)>>,
}

/// How many entries each of its parts has.
const SIZE: u64 = 3;
/// What is younger than this is kept.
const FLOOR: Timestamp = Timestamp(1_700_000_000_000);

impl Paper {
    fn note(&self, what: String, by: Actor) {
        self.done.lock().unwrap().push((what, by));
    }

    fn done(&self) -> Vec<String> {
        self.done.lock().unwrap().iter().map(|(what, _)| what.clone()).collect()
    }
}

#[async_trait]
impl Proofs for Paper {
    async fn head(&self, of: &Part) -> Result<Head, LogError> {
        let text = |text: &str| text.to_owned();
        Ok(Head { origin: format!("{of:?}"), size: SIZE, root: text("r"), key: text("k"), checkpoint: text("note") })
    }

    async fn growth(&self, _: &Part, from: u64) -> Result<Growth, LogError> {
        match from > SIZE {
            true => Err(LogError::Refused(format!("there were never so many: it has {SIZE} entries"))),
            false => Ok(Growth { from, to: SIZE, hashes: Vec::new(), checkpoint: "note".into() }),
        }
    }

    async fn views(&self) -> Result<Vec<View>, LogError> {
        let of = |tenant: &str| View { tag: format!("of-{tenant}"), tenant: tenant.parse().ok(), size: SIZE };
        Ok(vec![of("acme"), of("globex"), View { tag: "own".into(), tenant: None, size: SIZE }])
    }

    async fn entry(&self, index: u64) -> Result<Value, LogError> {
        match index {
            3 => Err(LogError::Conflict("entry 3 is not published: the log has 3 entries".into())),
            index => Ok(json!({ "index": index })),
        }
    }

    async fn keys(&self) -> Result<Keys, LogError> {
        Ok(Keys { key: "log+1+k".into(), older: Vec::new(), old_signs_until: None })
    }
}

#[async_trait]
impl Upkeep for Paper {
    async fn witnesses(&self) -> Result<Vec<Witness>, LogError> {
        Ok(self.witnesses.lock().unwrap().clone())
    }

    fn known_as(&self, new: &NewWitness) -> Result<String, LogError> {
        match new.vkey.as_str() {
            "wrong" => Err(LogError::Refused("this is no key of a witness".into())),
            key => Ok(format!("witness+{key}")),
        }
    }

    async fn add_witness(&self, new: &NewWitness, by: Actor) -> Result<bool, LogError> {
        let NewWitness { name, url, vkey } = new.clone();
        self.note(format!("added {name}"), by);
        self.witnesses.lock().unwrap().push(Witness { name, url, vkey, cosigned: 0, asked: None, problem: None });
        Ok(true)
    }

    async fn remove_witness(&self, name: &str, by: Actor) -> Result<bool, LogError> {
        self.note(format!("removed {name}"), by);
        self.witnesses.lock().unwrap().retain(|one| one.name != name);
        Ok(true)
    }

    async fn ask_witnesses(&self) -> Result<Vec<Asked>, LogError> {
        let of = |one: &Witness| Asked { name: one.name.clone(), cosigned: SIZE, problem: None };
        Ok(self.witnesses.lock().unwrap().iter().map(of).collect())
    }

    async fn outlets(&self) -> Result<Vec<Outlet>, LogError> {
        Ok(vec![Outlet { name: "syslog".into(), to: "siem.example:6514".into(), ..Outlet::default() }])
    }

    async fn erasable(&self, _: &Values) -> Result<Erased, LogError> {
        Ok(Erased { entries: vec![1], fields: BTreeMap::from([("actor.name".into(), 2)]), ..Erased::default() })
    }

    async fn erase(&self, which: &Values, reason: &str, by: Actor) -> Result<Erased, LogError> {
        self.note(format!("erased {which:?}: {reason}"), by);
        Ok(Erased { recorded: vec![4], is_gone: true, ..self.erasable(which).await? })
    }

    async fn dispose(&self, cut: &Cut, by: Actor, dry: bool) -> Result<Vec<Disposed>, LogError> {
        if cut.before > FLOOR {
            return Err(LogError::Refused("entries are kept (audit.minimum-days)".into()));
        }
        if !dry {
            self.note(format!("disposed of {:?}: {}", cut.view, cut.reason), by);
        }
        Ok(vec![Disposed { view: "acme".into(), from: Some(0), to: Some(1), count: 2, is_gone: !dry }])
    }
}

#[async_trait]
impl Bundles for Paper {
    async fn bundle(&self, order: Order) -> Result<Parcel, LogError> {
        if matches!(order.chosen, Chosen::Alert(..)) {
            return Err(LogError::Unknown("there is no such alert".into()));
        }
        let Chosen::Filter(filter) = &order.chosen else { return Err(LogError::Conflict("another one".into())) };
        self.note(format!("bundled '{filter}' for {:?}", order.tenants), order.by);
        Ok(Parcel { content: Box::new(Cursor::new(b"a tar")), bytes: 5, digest: Digest::of(b"a tar") })
    }
}

struct World {
    operator: Local,
    acme: Local,
    paper: Arc<Paper>,
    store: SqliteStore,
    _dir: tempfile::TempDir,
}

/// A log of an entry of acme, one of globex, one of nobody, and one of acme again that is not published yet.
async fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let entry = |tenant: Option<&str>| {
        let tenant = tenant.map(|name| name.parse().unwrap());
        Entry::new(testing::NOW, Kind::HostStarted, Actor::Host, tenant)
    };
    let all = [Some("acme"), Some("globex"), None, Some("acme")];
    store.record(all.into_iter().map(entry).collect()).await.unwrap();
    let paper = Arc::new(Paper::default());
    let ports = Ports {
        proofs: paper.clone(),
        upkeep: paper.clone(),
        bundles: paper.clone(),
        reader: Arc::new(testing::Reader::of(dir.path(), &store)),
        recorder: Arc::new(store.clone()),
    };
    let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
    let operator = Local::new(Routes::new(frame).mount(operations(), Arc::new(ports)).router(), testing::dana());
    World { acme: operator.as_caller(testing::of("acme")), operator, paper, store, _dir: dir }
}

async fn get(local: &Local, path: &str) -> LocalAnswer {
    local.ask(Method::GET, path, None, None).await
}

async fn post(local: &Local, path: &str, body: Value) -> LocalAnswer {
    local.ask(Method::POST, path, None, Some(&body)).await
}

#[tokio::test]
async fn a_tenants_reader_is_shown_the_heads_of_that_tenants_view_alone() {
    let world = world().await;
    for (query, origin) in [("", "Whole"), ("?host=true", "View(None)"), ("?host=false", "Whole")] {
        let head = get(&world.operator, &format!("/audit/checkpoint{query}")).await;
        assert_eq!((head.status, &head.body["origin"]), (StatusCode::OK, &json!(origin)), "{}", head.body);
        let other = get(&world.acme, &format!("/audit/checkpoint{query}")).await;
        assert_eq!(other.status, StatusCode::FORBIDDEN, "{query}: {}", other.body);
    }
    for (path, status) in [
        ("checkpoint?tenant=acme", StatusCode::OK),
        ("consistency?tenant=acme&from=2", StatusCode::OK),
        ("checkpoint?tenant=globex", StatusCode::NOT_FOUND),
        ("consistency?tenant=globex&from=2", StatusCode::NOT_FOUND),
        ("consistency?from=2", StatusCode::FORBIDDEN),
        ("checkpoint?tenant=acme&host=true", StatusCode::BAD_REQUEST),
        ("consistency?tenant=acme", StatusCode::BAD_REQUEST),
        ("consistency?tenant=acme&from=4", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = get(&world.acme, &format!("/audit/{path}")).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn views_are_listed_for_those_who_may_read_them() {
    let world = world().await;
    for (local, expected) in [(&world.operator, &["of-acme", "of-globex", "own"][..]), (&world.acme, &["of-acme"])] {
        let list = get(local, "/audit/views").await;
        let tags: Vec<&str> =
            list.body["items"].as_array().unwrap().iter().map(|one| one["tag"].as_str().unwrap()).collect();
        assert_eq!(tags, expected);
        assert_eq!(get(local, "/audit/key").await.body["key"], "log+1+k", "everybody who reads may check");
    }
}

#[tokio::test]
async fn a_proof_is_of_an_entry_that_may_be_seen_and_is_on_record() {
    let world = world().await;
    for other in ["1", "2", "99"] {
        let unseen = get(&world.acme, &format!("/audit/entries/{other}/proof")).await;
        assert_eq!(unseen.status, StatusCode::NOT_FOUND, "{other}: {}", unseen.body);
    }
    let early = get(&world.acme, "/audit/entries/3/proof").await;
    assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.body);
    assert_eq!(world.store.entry_count().await.unwrap(), 4, "nothing was taken");
    let proof = get(&world.acme, "/audit/entries/0/proof").await;
    assert_eq!((proof.status, &proof.body["index"]), (StatusCode::OK, &json!(0)), "{}", proof.body);
    let noted = world.store.entries(4, 1).await.unwrap().remove(0).read().unwrap();
    assert_eq!((noted.kind, noted.text("way")), (Kind::AuditRead, Some("proof")));
    assert_eq!((noted.tenant, noted.actor), (Some("acme".parse().unwrap()), testing::of("acme").actor));
    assert_eq!(get(&world.operator, "/audit/entries/1/proof").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_witness_is_tried_out_added_asked_and_removed() {
    let world = world().await;
    let (local, path) = (&world.operator, "/audit/witnesses");
    let none = local.ask(Method::POST, "/audit/witnesses/ask", None, None).await;
    assert_eq!(none.status, StatusCode::CONFLICT, "there is none: {}", none.body);
    let body = json!({ "name": "harbour", "url": "https://w.example", "vkey": "k" });
    let tried = post(local, &format!("{path}?dry_run=true"), body.clone()).await;
    assert_eq!((tried.status, &tried.body["witness"]), (StatusCode::OK, &json!("witness+k")), "{}", tried.body);
    assert!(world.paper.done().is_empty());
    let added = post(local, path, body.clone()).await;
    assert_eq!((added.status, &added.body["log-key"]), (StatusCode::CREATED, &json!("log+1+k")), "{}", added.body);
    for dry in ["", "?dry_run=true"] {
        let again = post(local, &format!("{path}{dry}"), body.clone()).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.body);
    }
    assert_eq!(get(local, path).await.body["items"][0]["name"], "harbour");
    let asked = local.ask(Method::POST, "/audit/witnesses/ask", None, None).await;
    assert_eq!(asked.body["asked"][0]["cosigned"], SIZE, "{}", asked.body);
    let one = format!("{path}/harbour");
    let tried = local.ask(Method::DELETE, &format!("{one}?dry_run=true"), None, None).await;
    assert_eq!((tried.status, &tried.body["witness"]["name"]), (StatusCode::OK, &json!("harbour")));
    assert_eq!(local.ask(Method::DELETE, &one, None, None).await.status, StatusCode::OK);
    assert_eq!(local.ask(Method::DELETE, &one, None, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.paper.done(), ["added harbour", "removed harbour"]);
    assert!(world.paper.done.lock().unwrap().iter().all(|(_, by)| *by == testing::dana().actor));
}

#[tokio::test]
async fn a_witness_without_a_name_or_a_key_is_refused() {
    let world = world().await;
    for (name, vkey, status) in [
        ("", "k", StatusCode::BAD_REQUEST),
        ("ask", "k", StatusCode::BAD_REQUEST),
        ("a\nb", "k", StatusCode::BAD_REQUEST),
        ("harbour", "wrong", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let body = json!({ "name": name, "url": "https://w.example", "vkey": vkey });
        let refused = post(&world.operator, "/audit/witnesses", body).await;
        assert_eq!(refused.status, status, "{name}: {}", refused.body);
    }
    assert!(world.paper.done().is_empty());
}

#[tokio::test]
async fn a_witness_on_this_machine_is_the_operators_to_add() {
    let world = world().await;
    let platform = world.operator.as_caller(testing::of_platform());
    let witness = |name: &str, url: &str| json!({ "name": name, "url": url, "vkey": "k" });
    for url in ["http://127.0.0.1:22/x", "http://[::1]:7380"] {
        for dry in ["", "?dry_run=true"] {
            let refused = post(&platform, &format!("/audit/witnesses{dry}"), witness("near", url)).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{url}: {}", refused.body);
        }
    }
    assert!(world.paper.done().is_empty());
    let far = post(&platform, "/audit/witnesses", witness("far", "https://w.example")).await;
    let near = post(&world.operator, "/audit/witnesses", witness("near", "http://127.0.0.1:7380")).await;
    assert_eq!((far.status, near.status), (StatusCode::CREATED, StatusCode::CREATED), "{} {}", far.body, near.body);
}

#[tokio::test]
async fn what_is_the_platforms_is_no_tenants() {
    let world = world().await;
    for path in ["witnesses", "outlets"] {
        assert_eq!(get(&world.acme, &format!("/audit/{path}")).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(get(&world.operator, &format!("/audit/{path}")).await.status, StatusCode::OK, "{path}");
    }
    let outlets = get(&world.operator, "/audit/outlets").await.body;
    assert_eq!((&outlets["items"][0]["name"], &outlets["items"][0]["begun"]), (&json!("syslog"), &json!(false)));
    for (path, body) in [
        ("witnesses", json!({ "name": "harbour", "url": "https://w.example", "vkey": "k" })),
        ("erase", json!({ "person": "eve", "reason": "request 4711" })),
        ("dispose", json!({ "before": "2020-01-01", "tenant": "acme", "reason": "room" })),
    ] {
        let refused = post(&world.acme, &format!("/audit/{path}"), body).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: {}", refused.body);
    }
    let asked = world.acme.ask(Method::POST, "/audit/witnesses/ask", None, None).await;
    let removed = world.acme.ask(Method::DELETE, "/audit/witnesses/harbour", None, None).await;
    assert_eq!((asked.status, removed.status), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
    assert!(world.paper.done().is_empty());
}

#[tokio::test]
async fn values_are_counted_and_erased_and_the_reason_does_not_say_them_again() {
    let world = world().await;
    for body in [
        json!({ "reason": "request 4711" }),
        json!({ "person": "eve", "entry": 1, "reason": "request 4711" }),
        json!({ "person": "eve", "field": "resource", "reason": "request 4711" }),
        json!({ "person": " ", "reason": "request 4711" }),
        json!({ "person": "eve", "reason": "EVE asked" }),
        json!({ "record": "user:7", "reason": " " }),
    ] {
        let refused = post(&world.operator, "/audit/erase", body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
    }
    let body = json!({ "entry": 1, "field": "actor.name", "reason": "request 4711" });
    let tried = post(&world.operator, "/audit/erase?dry_run=true", body.clone()).await;
    assert_eq!(
        (tried.status, &tried.body["erased"], &tried.body["dry_run"]),
        (StatusCode::OK, &json!(2), &json!(true))
    );
    assert!(world.paper.done().is_empty());
    assert_eq!(tried.body["entries"], json!([1]));
    let everywhere = json!({ "person": "eve", "reason": "request 4711" });
    let platform = world.operator.as_caller(testing::of_platform());
    let counted = post(&platform, "/audit/erase?dry_run=true", everywhere).await;
    assert_eq!((&counted.body["erased"], &counted.body["entries"]), (&json!(2), &json!([])), "{}", counted.body);
    let noted = world.store.entries(4, 10).await.unwrap();
    let noted: Vec<Entry> = noted.into_iter().map(|one| one.read().unwrap()).collect();
    assert!(noted.iter().all(|one| (one.kind, one.text("way")) == (Kind::AuditRead, Some("erase-rehearsal"))));
    let sought: Vec<Option<&str>> = noted.iter().map(|one| one.text("filter")).collect();
    assert_eq!(sought, [Some("1 actor.name"), Some("eve")], "whoever looks is on record");
    let erased = post(&world.operator, "/audit/erase", body).await;
    assert_eq!((&erased.body["recorded"], &erased.body["gone_from_files"]), (&json!([4]), &json!(true)));
    let which = Values::Entry { index: 1, field: Some("actor.name".into()) };
    assert_eq!(world.paper.done(), [format!("erased {which:?}: request 4711")]);
}

#[tokio::test]
async fn entries_are_disposed_of_above_the_floor_alone() {
    let world = world().await;
    for (body, status) in [
        (json!({ "before": "2999-01-01", "reason": "room" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "before": "soon", "reason": "room" }), StatusCode::BAD_REQUEST),
        (json!({ "before": "2020-01-01", "reason": "" }), StatusCode::BAD_REQUEST),
        (json!({ "before": "2020-01-01", "tenant": "acme", "host": true, "reason": "room" }), StatusCode::BAD_REQUEST),
    ] {
        for dry in ["", "?dry_run=true"] {
            let refused = post(&world.operator, &format!("/audit/dispose{dry}"), body.clone()).await;
            assert_eq!(refused.status, status, "{}", refused.body);
        }
    }
    let body = json!({ "before": "2020-01-01", "host": true, "reason": "room" });
    let tried = post(&world.operator, "/audit/dispose?dry_run=true", body.clone()).await;
    assert_eq!((tried.status, &tried.body["disposed"][0]["count"]), (StatusCode::OK, &json!(2)), "{}", tried.body);
    assert!(world.paper.done().is_empty());
    let disposed = post(&world.operator, "/audit/dispose", body).await;
    assert_eq!(disposed.body["disposed"][0]["is-gone"], true, "{}", disposed.body);
    assert_eq!(world.paper.done(), ["disposed of Some(None): room"]);
}

#[tokio::test]
async fn a_bundle_is_of_what_may_be_seen() {
    let world = world().await;
    for (query, status) in [
        ("filter=tenant%3Dglobex", StatusCode::NOT_FOUND),
        ("incident=inc_94d78c29b0191a8042d922c6", StatusCode::NOT_FOUND),
        ("alert=alr_1", StatusCode::NOT_FOUND),
        ("filter=x&alert=alr_1", StatusCode::BAD_REQUEST),
        ("filter=nonsense%3D1", StatusCode::BAD_REQUEST),
        ("alert=alr_1&hours=99999999", StatusCode::BAD_REQUEST),
    ] {
        let refused = get(&world.acme, &format!("/audit/bundle?{query}")).await;
        assert_eq!(refused.status, status, "{query}: {}", refused.body);
    }
    let unknown = get(&world.operator, "/audit/bundle?alert=alr_1").await;
    let busy = get(&world.operator, "/audit/bundle?incident=inc_94d78c29b0191a8042d922c6").await;
    assert_eq!((unknown.status, busy.status), (StatusCode::NOT_FOUND, StatusCode::CONFLICT));
    assert!(world.paper.done().is_empty());
    for local in [&world.acme, &world.operator] {
        let taken = get(local, "/audit/bundle").await;
        assert_eq!((taken.status, &taken.body), (StatusCode::OK, &json!("a tar")));
    }
    let acme: TenantId = "acme".parse().unwrap();
    let (own, all) = (vec![Some(acme)], vec![None::<TenantId>]);
    let expected = [format!("bundled 'tenant=acme' for {own:?}"), format!("bundled '' for {all:?}")];
    assert_eq!(world.paper.done(), expected);
}

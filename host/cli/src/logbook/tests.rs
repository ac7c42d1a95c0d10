use std::{collections::BTreeSet, fs, io::Read as _, sync::Arc, time::Duration};

use portcullis_api::admin::{
    Method,
    v1::{
        audit::Sight,
        log::{Bundles as _, Chosen, LogError, Order},
    },
};
use portcullis_audit::{Checkpoint, EntryProof, LogVerifier};
use portcullis_model::{
    alert::{AlertId, AlertQuery, AlertSeverity, Alerts as _, Hit, Party},
    audit::{Actor, Entry, Kind},
    id::{Digest, IncidentId, TenantId},
    incident::{Incident, IncidentStore as _, Origin, Subject},
};
use portcullis_store::DetectStep;
use serde_json::{Value, json};

use super::bundle::Binder;
use crate::{
    admin::{Keyboard, NotDone},
    commands::init,
    home::Home,
    host::Host,
    parcel::OUTGOING,
    reading::LogReader,
};

/// Of a key that somebody else holds.
const WITNESS: &str = "w.example/1+711f387f+BNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

async fn host() -> (Host, Keyboard, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let host = init::create(Home::at(dir.path()), "").await.unwrap();
    let keyboard = Keyboard::of(&host).unwrap();
    keyboard.publish().await.unwrap();
    (host, keyboard, dir)
}

/// The head in an answer, checked with the key in it.
fn head(answer: &Value) -> Checkpoint {
    let text = |name: &str| answer[name].as_str().unwrap();
    let head = Checkpoint::open(text("checkpoint").as_bytes(), &LogVerifier::parse(text("key")).unwrap()).unwrap();
    assert_eq!((head.origin(), Some(head.size())), (text("origin"), answer["size"].as_u64()));
    head
}

async fn kinds(host: &Host) -> Vec<String> {
    host.store.entries(0, 100).await.unwrap().into_iter().map(|entry| entry.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_those_of_the_published_log_and_of_its_views() {
    let (host, keyboard, _dir) = host().await;
    let whole = keyboard.read("/audit/checkpoint").await.unwrap();
    let older = head(&whole);
    assert_eq!(older.size(), host.store.entry_count().await.unwrap());
    let own = keyboard.read("/audit/checkpoint?host=true").await.unwrap();
    assert_eq!(head(&own).size(), older.size(), "what there is is no tenant's");
    assert_ne!(own["key"], whole["key"]);
    let views = keyboard.all("/audit/views", &[]).await.unwrap();
    assert_eq!((views.len(), &views[0]["tenant"], &views[0]["size"]), (1, &Value::Null, &json!(older.size())));
    assert_eq!(keyboard.read("/audit/key").await.unwrap()["key"], whole["key"]);
    let nobody = keyboard.read("/audit/checkpoint?tenant=nobody").await.unwrap_err();
    assert!(nobody.downcast_ref::<NotDone>().unwrap().unknown, "{nobody}");

    keyboard.read("/audit/entries/0/proof").await.unwrap();
    keyboard.publish().await.unwrap();
    for part in ["", "&host=true"] {
        let path = format!("/audit/consistency?from={}{part}", older.size());
        let grown = keyboard.read(&path).await.unwrap();
        assert_eq!(grown["to"], json!(older.size() + 1), "{grown}");
        assert!(!grown["hashes"].as_array().unwrap().is_empty(), "{grown}");
        let beyond = keyboard.read(&format!("/audit/consistency?from=9999{part}")).await.unwrap_err().to_string();
        assert!(beyond.contains("there were never 9999 entries"), "{beyond}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_holds_by_the_logs_key_and_is_of_what_is_published() {
    let (host, keyboard, _dir) = host().await;
    let key = keyboard.read("/audit/key").await.unwrap();
    let key = LogVerifier::parse(key["key"].as_str().unwrap()).unwrap();
    let proof: EntryProof = keyboard.read_as("/audit/entries/0/proof").await.unwrap();
    proof.check(&key).unwrap();
    let noted = host.store.entry_count().await.unwrap() - 1;
    assert_eq!(kinds(&host).await.last().map(String::as_str), Some("audit.read"));
    let early = keyboard.read(&format!("/audit/entries/{noted}/proof")).await.unwrap_err().to_string();
    assert!(early.contains("is not published"), "{early}");
    keyboard.publish().await.unwrap();
    let later: EntryProof = keyboard.read_as(&format!("/audit/entries/{noted}/proof")).await.unwrap();
    later.check(&key).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_is_added_asked_and_removed_on_record() {
    let (host, keyboard, _dir) = host().await;
    let body = json!({ "name": "harbour", "url": "http://127.0.0.1:9/w1", "vkey": WITNESS });
    for (field, wrong) in [("vkey", "w.example/1+711f387f+AA=="), ("url", "http://w.example/w1")] {
        let mut unfit = body.clone();
        unfit[field] = json!(wrong);
        keyboard.post("/audit/witnesses", &unfit).await.unwrap_err();
    }
    keyboard.post("/audit/witnesses?dry_run=true", &body).await.unwrap();
    let before = kinds(&host).await.len();
    assert!(keyboard.all("/audit/witnesses", &[]).await.unwrap().is_empty());
    let added = keyboard.post("/audit/witnesses", &body).await.unwrap();
    assert_eq!(added["witness"], "w.example/1+711f387f");
    let twice = keyboard.post("/audit/witnesses", &body).await.unwrap_err().to_string();
    assert!(twice.contains("remove it first"), "{twice}");
    // Nobody listens there.
    let asked = keyboard.act(Method::POST, "/audit/witnesses/ask", None, None).await.unwrap();
    assert!(asked["asked"][0]["problem"].is_string(), "{asked}");
    let listed = keyboard.all("/audit/witnesses", &[]).await.unwrap();
    assert_eq!((&listed[0]["vkey"], listed[0]["asked"].is_string()), (&json!(WITNESS), true));
    keyboard.act(Method::DELETE, "/audit/witnesses/harbour", None, None).await.unwrap();
    assert!(keyboard.all("/audit/witnesses", &[]).await.unwrap().is_empty());
    assert_eq!(kinds(&host).await[before..], ["log.witness-added", "log.witness-removed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_young_is_kept_and_an_erasure_of_nothing_is_on_record() {
    let (host, keyboard, _dir) = host().await;
    let before = kinds(&host).await.len();
    let young = json!({ "before": "2999-01-01", "reason": "room" });
    let refused = keyboard.post("/audit/dispose", &young).await.unwrap_err().to_string();
    assert!(refused.contains("audit.minimum-days"), "{refused}");
    let old = json!({ "before": "2020-01-01", "reason": "room" });
    let disposed = keyboard.post("/audit/dispose", &old).await.unwrap();
    assert_eq!((&disposed["disposed"][0]["view"], &disposed["disposed"][0]["count"]), (&json!("host"), &json!(0)));
    let eve = json!({ "person": "eve", "reason": "request 4711" });
    let tried = keyboard.post("/audit/erase?dry_run=true", &eve).await.unwrap();
    assert_eq!((&tried["erased"], kinds(&host).await.len()), (&json!(0), before + 1), "only that somebody looked");
    let erased = keyboard.post("/audit/erase", &eve).await.unwrap();
    assert_eq!((&erased["recorded"], &erased["fields"]), (&json!([before + 1]), &json!({ "detail.filter": 1 })));
    assert_eq!(kinds(&host).await[before..], ["audit.read", "audit.erased"]);
}

/// An alert of acme's.
async fn alert(host: &Host) -> AlertId {
    let (cursor, now) = (host.store.detect_cursor().await.unwrap().next, host.clock.now());
    let hit = Hit {
        rule: "new-destination".into(),
        title: "A plugin sends to a new host".into(),
        severity: AlertSeverity::High,
        party: Party::Subscriber,
        subject: "acme/ins_1".into(),
        tenant: Some("acme".parse().unwrap()),
        installation: Some("ins_1".parse().unwrap()),
        why: "h.example for the first time".into(),
        entries: vec![0],
        time: now,
        cool_down: Duration::from_secs(3_600),
        is_news: false,
    };
    let step = DetectStep { from: cursor, to: cursor, cells: Vec::new(), hits: vec![hit], forget: Vec::new(), now };
    assert!(host.store.detect_step(step).await.unwrap());
    let query = AlertQuery { closed: true, most: 10, ..AlertQuery::default() };
    host.store.alerts(query, now).await.unwrap().alerts[0].id
}

/// An incident of acme's.
async fn incident(host: &Host) -> IncidentId {
    let (id, now): (IncidentId, _) = ("inc_1".parse().unwrap(), host.clock.now());
    let incident = Incident {
        id: id.clone(),
        title: "tokens seen elsewhere".into(),
        severity: AlertSeverity::High,
        subject: Subject { about: "installation:ins_1".parse().unwrap(), tenant: Some("acme".parse().unwrap()) },
        origin: Origin::Hand,
        personal_data: false,
        opened: now,
        by: "dana".into(),
        tell: Vec::new(),
        notes: Vec::new(),
        containment: None,
        closed: None,
        announced: None,
        revision: 1,
    };
    let entry = Entry::new(now, Kind::IncidentOpened, Actor::Host, Some("acme".parse().unwrap()));
    host.store.open_incident(incident, entry).await.unwrap();
    id
}

fn order(host: &Host, chosen: Chosen, sight: Sight) -> Order {
    let reader = Arc::new(LogReader::new(&host.home, host.store.clone()));
    Order { chosen, personal: false, tenants: sight.tenants(), sight, reader, by: Actor::Host }
}

/// What the platform's own people see who have nothing to do with a tenant.
fn platform() -> Sight {
    Sight::Of { tenants: BTreeSet::new(), platform: true }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_an_alert_or_an_incident_out_of_sight_is_not_there() {
    let (host, _keyboard, _dir) = host().await;
    let binder = Binder::of(&host);
    for chosen in [Chosen::Alert(alert(&host).await, 24), Chosen::Incident(incident(&host).await, 24)] {
        for sight in [platform(), Sight::Of { tenants: ["globex".parse::<TenantId>().unwrap()].into(), platform: true }]
        {
            let refused = binder.bundle(order(&host, chosen.clone(), sight)).await.err();
            assert!(matches!(refused, Some(LogError::Unknown(_))), "{chosen:?}: {refused:?}");
        }
        let acme = Sight::Of { tenants: ["acme".parse::<TenantId>().unwrap()].into(), platform: false };
        assert!(binder.bundle(order(&host, chosen.clone(), acme)).await.is_ok(), "{chosen:?}");
        assert!(binder.bundle(order(&host, chosen, Sight::Everything)).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_log_one_bundle_is_handed_over_at_a_time_and_others_are_not_in_its_way() {
    let (host, _keyboard, _dir) = host().await;
    let binder = Binder::of(&host);
    let order_of = |sight| order(&host, Chosen::Filter(Default::default()), sight);
    let acme = || Sight::Of { tenants: ["acme".parse::<TenantId>().unwrap()].into(), platform: false };
    let mut held = binder.bundle(order_of(acme())).await.unwrap();
    assert!(matches!(binder.bundle(order_of(acme())).await.err(), Some(LogError::Conflict(_))));
    assert!(binder.bundle(order_of(Sight::Everything)).await.is_ok(), "the platform's is another's");
    let mut whole = Vec::new();
    held.content.read_to_end(&mut whole).unwrap();
    assert_eq!((held.bytes, held.digest), (whole.len() as u64, Digest::of(&whole)));
    drop(held);
    assert!(binder.bundle(order_of(acme())).await.is_ok(), "it was handed over");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_bundle_stays_in_the_home() {
    let (host, keyboard, _dir) = host().await;
    let names = || fs::read_dir(host.home.dir()).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap());
    let left = || names().filter(|name| name.starts_with('.')).collect::<Vec<_>>();
    fs::create_dir_all(host.home.dir().join(format!("{OUTGOING}killed/whole"))).unwrap();
    let mut tar = Vec::new();
    keyboard.save("/audit/bundle?personal=true", &mut tar).await.unwrap();
    assert!(!tar.is_empty());
    assert_eq!(left(), Vec::<String>::new(), "what was left by a host that was killed is gone, too");
}

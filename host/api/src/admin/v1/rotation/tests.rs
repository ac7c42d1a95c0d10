use std::sync::Mutex;

use axum::http::{Method, StatusCode};
use portcullis_broker::rotation::{Families, Latency, NobodyServes, Pace, Quiet, Rehearsed};
use portcullis_model::{
    connection::ConnectionKey,
    error::StoreError,
    freeze::FreezeStore as _,
    people::Caller,
    rotation::{Held, Item, Nature, Renewal},
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{
    Local, LocalAnswer, Routes,
    testing::{self, Own, of},
    v1::people::tests::Counting,
};

/// Two tenants' connections, minted anew by stand-ins at once; whose turn somebody else has; and for whom each act was, as far as it got.
struct Stage(Arc<SqliteStore>, Arc<Mutex<Option<TenantId>>>, Mutex<Vec<bool>>);

fn held(tenant: &str, name: &str, renewal: Renewal) -> Held {
    let key = ConnectionKey {
        tenant: tenant.parse().unwrap(),
        installation: "ins_1".parse().unwrap(),
        name: name.to_owned(),
    };
    Held {
        item: Item::connection(key),
        plugin: None,
        provider: Some("zendesk".parse().unwrap()),
        generation: 3,
        issued: Some(testing::NOW),
        nature: Nature { renewal, renewal_ends_old: false, refresh_once: false, revocable: true },
        needs_person: false,
    }
}

#[async_trait]
impl Workshop for Stage {
    fn rotator(&self, by: Actor, platform: bool) -> Rotator {
        let all = vec![
            held("acme", "desk", Renewal::Own),
            held("acme", "chat", Renewal::Person),
            held("other", "desk", Renewal::Own),
        ];
        self.2.lock().unwrap().push(platform);
        let quick = Latency::from_lines(&[], Duration::from_millis(1));
        Rotator {
            store: self.0.clone(),
            freezes: self.0.clone(),
            families: Families::new(vec![Arc::new(Rehearsed::new(all, quick))]),
            reach: Arc::new(NobodyServes(testing::Fixed)),
            clock: Arc::new(testing::Fixed),
            rng: Arc::new(Counting::default()),
            actor: by,
            platform,
            pace: Pace::default(),
        }
    }

    async fn turn(&self, tenant: Option<&TenantId>) -> Result<Option<Turn>, StoreError> {
        let taken = self.1.lock().unwrap().clone();
        let meets = taken.is_some_and(|taken| tenant.is_none_or(|tenant| *tenant == taken));
        Ok((!meets).then(|| Box::new(()) as Turn))
    }

    async fn place(&self, _: Option<&TenantId>) -> Result<Option<Box<dyn Place>>, StoreError> {
        Ok(Some(Box::new(Waiting(self.1.clone()))))
    }

    async fn overlap(&self, _: Option<&TenantId>) -> Result<Duration, StoreError> {
        Ok(Duration::ZERO)
    }

    async fn sign(&self, report: &Report, _: Actor) -> Result<SignedReport, StoreError> {
        Ok(SignedReport { envelope: report.act.id.to_string(), digest: "d".into(), key: "k".into() })
    }
}

/// Waits until nobody has a turn.
struct Waiting(Arc<Mutex<Option<TenantId>>>);

#[async_trait]
impl Place for Waiting {
    async fn turn(self: Box<Self>) -> Result<Option<Turn>, StoreError> {
        if self.0.lock().unwrap().as_ref().is_some_and(|taken| taken.as_str() == "endless") {
            return Ok(None);
        }
        while self.0.lock().unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(Some(Box::new(())))
    }
}

struct World {
    store: Arc<SqliteStore>,
    stage: Arc<Stage>,
    rehearsing: Rehearsing,
    router: axum::Router,
    _dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let stage = Arc::new(Stage(store.clone(), Arc::default(), Mutex::default()));
        let rehearsing = Rehearsing::default();
        let ports = Ports {
            workshop: stage.clone(),
            store: store.clone(),
            installations: store.clone(),
            cut_off: Default::default(),
            rehearsing: rehearsing.clone(),
        };
        let frame = testing::frame_with(&store, b"operator", Arc::new(Own));
        let router = Routes::new(frame).mount(operations(), Arc::new(ports)).router();
        Self { store, stage, rehearsing, router, _dir: dir }
    }

    async fn ask(&self, by: &Caller, method: Method, path: &str, body: Value) -> LocalAnswer {
        let body = Some(&body).filter(|body| !body.is_null());
        Local::new(self.router.clone(), by.clone()).ask(method, path, None, body).await
    }

    /// The rotation, when it is through.
    async fn through(&self, by: &Caller, id: &str) -> Value {
        for _ in 0..500 {
            let found = self.ask(by, Method::GET, &format!("/rotations/{id}"), Value::Null).await.body;
            if found["rotation"]["ended"].is_string() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the rotation does not end")
    }
}

fn order(of: &str, id: &str) -> Value {
    json!({ "mode": "emergency", "extent": { "of": of, "id": id }, "reason": "before the audit" })
}

#[tokio::test]
async fn a_rotation_is_rehearsed_ordered_seen_and_its_report_signed() {
    let world = World::new();
    let acme = of("acme");
    let tried = world.ask(&acme, Method::POST, "/rotations?dry_run=true", order("tenant", "acme")).await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.body);
    assert_eq!(
        (&tried.body["rotation"]["mode"], tried.body["lines"].as_array().unwrap().len()),
        (&json!("rehearsal"), 2)
    );
    let mut planned = order("tenant", "acme");
    planned["mode"] = json!("planned");
    let planned = world.ask(&acme, Method::POST, "/rotations?dry_run=true", planned).await.body;
    let lines = planned["lines"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["outcome"], &lines[0]["revocation"]), (1, &json!("renewed"), &json!("not")));
    assert_eq!(world.store.entry_count().await.unwrap(), 0);
    assert!(world.store.acts().await.unwrap().is_empty());
    let begun = world.ask(&acme, Method::POST, "/rotations", order("tenant", "acme")).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.body);
    let id = begun.body["rotation"]["id"].as_str().unwrap();
    let done = world.through(&acme, id).await;
    let outcome = |name: &str| {
        let line = done["lines"].as_array().unwrap().iter().find(|line| line["name"] == name).cloned().unwrap();
        line["outcome"].clone()
    };
    assert_eq!((outcome("desk"), outcome("chat")), (json!("renewed"), json!("person-needed")), "{done}");
    assert_eq!(done["rotation"]["whole"], true);
    let list = world.ask(&acme, Method::GET, "/rotations", Value::Null).await.body;
    assert_eq!((list["items"][0]["id"].as_str(), &list["next"]), (Some(id), &Value::Null));
    let signed = world.ask(&acme, Method::POST, &format!("/rotations/{id}/report"), Value::Null).await;
    assert_eq!((signed.status, signed.body["envelope"].as_str()), (StatusCode::OK, Some(id)), "{}", signed.body);
    let over = world.ask(&acme, Method::POST, &format!("/rotations/{id}/resume"), Value::Null).await;
    assert_eq!(over.status, StatusCode::CONFLICT, "{}", over.body);
}

#[tokio::test]
async fn nobody_orders_beyond_their_tenant_or_sees_anothers_lines() {
    let world = World::new();
    let (acme, other, stranger) = (of("acme"), of("other"), of("third"));
    for (of, id) in [("provider", "zendesk"), ("tenant", "other"), ("plugin", "com.example.x")] {
        let refused = world.ask(&acme, Method::POST, "/rotations?dry_run=true", order(of, id)).await;
        assert!(matches!(refused.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND), "{of}: {}", refused.body);
    }
    let begun = world.ask(&testing::dana(), Method::POST, "/rotations", order("provider", "zendesk")).await;
    let id = begun.body["rotation"]["id"].as_str().unwrap().to_owned();
    assert_eq!(world.through(&testing::dana(), &id).await["lines"].as_array().unwrap().len(), 3);
    for (by, lines) in [(&acme, 2), (&other, 1)] {
        let seen = world.ask(by, Method::GET, &format!("/rotations/{id}"), Value::Null).await.body;
        assert_eq!(
            (seen["lines"].as_array().unwrap().len(), &seen["rotation"]["totals"]["items"]),
            (lines, &json!(lines))
        );
        let first = world.ask(by, Method::GET, &format!("/rotations/{id}?limit=1"), Value::Null).await.body;
        let (mut found, mut next) =
            (first["lines"].as_array().unwrap().clone(), first["next"].as_str().map(str::to_owned));
        assert_eq!((found.len(), &first["rotation"]["totals"]), (1, &seen["rotation"]["totals"]), "of all of them");
        while let Some(link) = next {
            let path = link.strip_prefix("/admin/v1").unwrap();
            let stolen = world.ask(&stranger, Method::GET, path, Value::Null).await;
            assert_eq!(stolen.status, StatusCode::NOT_FOUND, "{}", stolen.body);
            let page = world.ask(by, Method::GET, path, Value::Null).await.body;
            found.extend(page["lines"].as_array().unwrap().iter().cloned());
            next = page["next"].as_str().map(str::to_owned);
        }
        assert_eq!(&Value::Array(found), &seen["lines"], "each on one page");
        let told = (&seen["rotation"]["reason"], &seen["rotation"]["by"]);
        assert_eq!(told, (&json!("for reasons of whoever runs the host"), &json!("")), "the platform's own words");
        let list = world.ask(by, Method::GET, "/rotations", Value::Null).await.body.to_string();
        assert!(list.contains(&id) && !list.contains("before the audit"), "{list}");
        let report = world.ask(by, Method::POST, &format!("/rotations/{id}/report"), Value::Null).await;
        assert_eq!(report.status, StatusCode::FORBIDDEN, "{}", report.body);
    }
    let hidden = world.ask(&stranger, Method::GET, &format!("/rotations/{id}"), Value::Null).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{}", hidden.body);
    assert_eq!(world.ask(&stranger, Method::GET, "/rotations", Value::Null).await.body["items"], json!([]));
    let status = world.ask(&other, Method::GET, "/rotation/status", Value::Null).await.body;
    assert_eq!(
        (status["items"].as_array().unwrap().len(), &status["items"][0]["age-seconds"]),
        (1, &json!(0)),
        "{status}"
    );
}

#[tokio::test]
async fn a_tenant_waits_for_its_own_turn_and_no_tenant_for_anothers() {
    let world = World::new();
    *world.stage.1.lock().unwrap() = Some("acme".parse().unwrap());
    let busy = world.ask(&of("acme"), Method::POST, "/rotations", order("tenant", "acme")).await;
    assert_eq!(busy.status, StatusCode::CONFLICT, "{}", busy.body);
    let free = world.ask(&of("other"), Method::POST, "/rotations", order("tenant", "other")).await;
    assert_eq!(free.status, StatusCode::CREATED, "{}", free.body);
    let planned = json!({ "mode": "planned", "extent": { "of": "provider", "id": "zendesk" }, "reason": "in order" });
    let all = world.ask(&testing::dana(), Method::POST, "/rotations", planned).await;
    assert_eq!(all.status, StatusCode::CONFLICT, "what reaches both meets it: {}", all.body);
}

#[tokio::test]
async fn an_emergency_of_the_platform_freezes_before_it_waits_for_a_tenant() {
    for (kind, name) in [("provider", "zendesk"), ("tenant", "acme")] {
        freezes_first(&World::new(), order(kind, name)).await;
    }
}

async fn freezes_first(world: &World, order: Value) {
    *world.stage.1.lock().unwrap() = Some("acme".parse().unwrap());
    let dana = testing::dana();
    let begun = world.ask(&dana, Method::POST, "/rotations", order).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.body);
    let id = begun.body["rotation"]["id"].as_str().unwrap().to_owned();
    assert!(begun.body["rotation"]["reach-ms"].is_u64(), "nothing goes out any more: {}", begun.body);
    let freezes = world.store.freezes().await.unwrap().freezes;
    assert_eq!((freezes.len(), freezes[0].platform), (1, true));
    let waits = world.ask(&dana, Method::GET, &format!("/rotations/{id}"), Value::Null).await.body;
    assert_eq!((&waits["rotation"]["whole"], &waits["lines"]), (&json!(false), &json!([])), "{waits}");
    *world.stage.1.lock().unwrap() = None;
    assert_eq!(world.through(&dana, &id).await["rotation"]["whole"], true);
    assert!(world.store.freezes().await.unwrap().freezes.is_empty());
}

#[tokio::test]
async fn whoever_signed_in_for_the_platform_acts_for_it_within_a_tenant_too() {
    let actor = Actor::Account { person: "per_1".parse().unwrap(), name: "dana".into(), session: None };
    let signed_in = Caller { actor, ..testing::dana() };
    for (by, platform) in [(signed_in, true), (of("acme"), false)] {
        let world = World::new();
        let begun = world.ask(&by, Method::POST, "/rotations", order("tenant", "acme")).await;
        assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.body);
        let id = begun.body["rotation"]["id"].as_str().unwrap().to_owned();
        world.through(&by, &id).await;
        world.ask(&by, Method::POST, &format!("/rotations/{id}/resume"), Value::Null).await;
        let told = std::mem::take(&mut *world.stage.2.lock().unwrap());
        assert_eq!(told, [platform, platform], "ordered and gone on with");
    }
}

#[tokio::test]
async fn a_policy_is_bound_to_its_version_tried_out_and_of_whoever_may() {
    let world = World::new();
    let as_of = |caller: &Caller| Local::new(world.router.clone(), caller.clone());
    let (dana, acme) = (as_of(&testing::dana()), as_of(&of("acme")));
    let path = "/rotation/policies/tenant:acme";
    let none = acme.ask(Method::GET, path, None, None).await;
    assert_eq!((none.etag.as_deref(), &none.body["policy"]), (Some("\"0\""), &Value::Null), "{}", none.body);
    let put = async |by: &Local, path: &str, version: Option<&str>, body: Value| {
        by.ask(Method::PUT, path, version, Some(&body)).await
    };
    let month = json!({ "max-age": 2_592_000, "windows": ["sat,sun 22:00-06:00"] });
    assert_eq!(put(&acme, path, None, month.clone()).await.status, StatusCode::PRECONDITION_REQUIRED);
    for wrong in [json!({}), json!({ "max-age": 60 }), json!({ "max-age": 7_200, "windows": ["sometimes"] })] {
        let refused = put(&acme, path, Some("\"0\""), wrong).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
    }
    let tried = put(&acme, &format!("{path}?dry_run=true"), Some("\"0\""), month.clone()).await;
    assert_eq!((tried.status, &tried.body["dry_run"]), (StatusCode::OK, &json!(true)), "{}", tried.body);
    assert!(world.store.policies().await.unwrap().is_empty());
    let set = put(&acme, path, Some("\"0\""), month.clone()).await;
    assert_eq!(
        (set.status, &set.body["after"]["policy"]["max-age"]),
        (StatusCode::OK, &json!(2_592_000)),
        "{}",
        set.body
    );
    let late = put(&acme, path, Some("\"0\""), month.clone()).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED, "{}", late.body);
    for place in ["host", "tenant:other", "installation:ins_9"] {
        let refused = put(&acme, &format!("/rotation/policies/{place}"), Some("\"0\""), month.clone()).await;
        assert!(matches!(refused.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND), "{place}: {}", refused.body);
    }
    assert_eq!(put(&dana, "/rotation/policies/host", Some("\"0\""), month).await.status, StatusCode::OK);
    let listed = async |by: &Local| {
        let items = by.ask(Method::GET, "/rotation/policies", None, None).await.body["items"].take();
        items.as_array().unwrap().iter().map(|one| one["scope"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (listed(&dana).await, listed(&acme).await),
        (vec!["host".into(), "tenant:acme".into()], vec!["tenant:acme".to_owned()])
    );
    let version = acme.ask(Method::GET, path, None, None).await.etag;
    let gone = acme.ask(Method::DELETE, path, version.as_deref(), None).await;
    assert_eq!((gone.status, &gone.body["after"]["policy"]), (StatusCode::OK, &Value::Null), "{}", gone.body);
    assert_eq!((listed(&acme).await.len(), world.store.entry_count().await.unwrap()), (0, 3), "and each is on record");
}

#[tokio::test]
async fn what_was_cut_off_says_why_until_it_goes_on() {
    let (world, dana) = (World::new(), testing::dana());
    *world.stage.1.lock().unwrap() = Some("endless".parse().unwrap());
    let begun = world.ask(&dana, Method::POST, "/rotations", order("tenant", "acme")).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.body);
    let id = begun.body["rotation"]["id"].as_str().unwrap().to_owned();
    let path = format!("/rotations/{id}");
    let mut why = Value::Null;
    for _ in 0..500 {
        why = world.ask(&dana, Method::GET, &path, Value::Null).await.body["rotation"]["cut-off"].take();
        if why.is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(why.as_str().unwrap().contains("do not come to their end"), "{why}");
    *world.stage.1.lock().unwrap() = None;
    let resumed = world.ask(&dana, Method::POST, &format!("{path}/resume"), Value::Null).await;
    assert_eq!(resumed.status, StatusCode::OK, "{}", resumed.body);
    let done = world.through(&dana, &id).await;
    assert!(done["rotation"]["cut-off"].is_null(), "{done}");
}

#[tokio::test]
async fn what_another_process_ended_is_not_said_to_be_cut_off() {
    let (world, dana) = (World::new(), testing::dana());
    *world.stage.1.lock().unwrap() = Some("endless".parse().unwrap());
    let begun = world.ask(&dana, Method::POST, "/rotations", order("tenant", "acme")).await;
    let id = begun.body["rotation"]["id"].as_str().unwrap().to_owned();
    let seen = async || world.ask(&dana, Method::GET, &format!("/rotations/{id}"), Value::Null).await.body;
    for _ in 0..500 {
        if seen().await["rotation"]["cut-off"].is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(seen().await["rotation"]["cut-off"].is_string());
    let elsewhere = world.stage.rotator(dana.actor.clone(), true);
    elsewhere.go_on(&id.parse().unwrap(), Arc::new(Quiet)).await.unwrap();
    let done = seen().await;
    assert!(done["rotation"]["ended"].is_string() && done["rotation"]["cut-off"].is_null(), "{done}");
}

#[tokio::test]
async fn a_rehearsal_assumes_what_is_said_within_bounds() {
    let world = World::new();
    let acme = of("acme");
    let tried = async |assumed: u64| {
        let mut order = order("tenant", "acme");
        order["assume-ms"] = json!(assumed);
        world.ask(&acme, Method::POST, "/rotations?dry_run=true", order).await
    };
    let one = tried(1).await;
    assert_eq!((one.status, &one.body["providers-measured"]), (StatusCode::OK, &json!(0)), "{}", one.body);
    for wrong in [0, 10_001] {
        assert_eq!(tried(wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
        let mut order = order("tenant", "acme");
        order["assume-ms"] = json!(wrong);
        let real = world.ask(&acme, Method::POST, "/rotations", order).await;
        assert_eq!(real.status, StatusCode::BAD_REQUEST, "{wrong}: {}", real.body);
    }
    let tenant = "acme".parse().unwrap();
    let alone = world.rehearsing.take(Some(&tenant)).unwrap();
    assert_eq!(tried(1).await.status, StatusCode::CONFLICT, "one at a time");
    drop(alone);
    assert_eq!(tried(1).await.status, StatusCode::OK);
}

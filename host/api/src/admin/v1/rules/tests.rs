use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use portcullis_model::people::Caller;
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::admin::{Local, LocalAnswer, Routes, testing};

/// Two rules: one comes with the host, one is the operator's. Or a file that is no rule.
struct Shelf(bool);

fn rule(id: &str, file: Option<&str>) -> RuleView {
    RuleView {
        id: id.to_owned(),
        title: "Something is new".to_owned(),
        severity: "high".to_owned(),
        party: "subscriber".to_owned(),
        duties: vec!["MON-4".to_owned()],
        look_at: "What it sent".to_owned(),
        filter: if file.is_some() { "kind=act.outcome tenant=globex host=hooks.example" } else { "kind=act.outcome" }
            .to_owned(),
        condition: "first-seen".to_owned(),
        raises: "host never seen before".to_owned(),
        cool_down_hours: 6,
        enabled: true,
        own: file.is_some(),
        file: file.map(str::to_owned),
        digest: "sha256:0".to_owned(),
    }
}

#[async_trait]
impl Rulebook for Shelf {
    fn rules(&self) -> Result<Vec<RuleView>, StoreError> {
        match self.0 {
            true => Ok(vec![rule("mine", Some("/srv/home/rules/mine.toml")), rule("new-destination", None)]),
            false => Err(StoreError("/srv/home/rules/mine.toml: it is no rule".to_owned())),
        }
    }

    async fn try_out(&self, rule: Wanted, within: Within) -> Result<Tried, NotTried> {
        match rule {
            Wanted::Known(id) if id == "mine" => {
                let hit = Raised {
                    subject: "acme/ins_1".to_owned(),
                    found: format!("{within:?}"),
                    entries: vec![7],
                    time: testing::NOW.to_string(),
                };
                Ok(Tried { rule: id, entries: 9, about: 2, hits: 1, shown: vec![hit] })
            }
            Wanted::Known(id) if id == "slow" => Err(NotTried::Busy),
            Wanted::Known(_) => Err(NotTried::Missing),
            Wanted::Text(_) => Err(NotTried::NoRule("it has\nno id".to_owned())),
        }
    }
}

fn asked(store: &SqliteStore, whole: bool, by: Caller) -> Local {
    let frame = testing::frame_with(store, b"operator", Arc::new(testing::Own));
    let ports = Arc::new(Ports { book: Arc::new(Shelf(whole)), recorder: Arc::new(store.clone()) });
    Local::new(Routes::new(frame).mount(operations(), ports).router(), by)
}

async fn ask(whole: bool, by: Caller, path: &str) -> LocalAnswer {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    asked(&store, whole, by).ask(Method::GET, path, None, None).await
}

#[tokio::test]
async fn rules_are_listed_and_shown_and_only_the_platform_reads_where_files_lie() {
    let list = ask(true, testing::dana(), "/rules").await;
    let files: Vec<&Value> = list.body["items"].as_array().unwrap().iter().map(|one| &one["file"]).collect();
    assert_eq!(files, [&json!("/srv/home/rules/mine.toml"), &Value::Null], "{}", list.body);
    let first = ask(true, testing::dana(), "/rules?limit=1").await;
    assert!(first.body["next"].is_string(), "{}", first.body);
    let one = ask(true, testing::dana(), "/rules/new-destination").await;
    assert_eq!((&one.body["where"], &one.body["cool-down-hours"]), (&json!("kind=act.outcome"), &json!(6)));
    for path in ["/rules", "/rules/mine"] {
        let seen = ask(true, testing::of("acme"), path).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
        assert!(!seen.body.to_string().contains("/srv/home"), "a tenant reads a path of the host: {}", seen.body);
        assert!(!seen.body.to_string().contains("globex"), "a tenant reads what another is watched for: {}", seen.body);
    }
    let mine = ask(true, testing::of("acme"), "/rules/mine").await;
    assert_eq!((&mine.body["own"], &mine.body["file"]), (&json!(true), &Value::Null), "{}", mine.body);
    assert_eq!((&mine.body["title"], &mine.body["digest"]), (&json!(NEUTRAL), &json!("")), "{}", mine.body);
    assert_eq!((&mine.body["severity"], &mine.body["enabled"]), (&json!("high"), &json!(true)), "{}", mine.body);
    let shipped = ask(true, testing::of("acme"), "/rules/new-destination").await;
    assert_eq!((&shipped.body["where"], &shipped.body["digest"]), (&json!("kind=act.outcome"), &json!("sha256:0")));
    let whole = ask(true, testing::dana(), "/rules/mine").await;
    assert_eq!(
        whole.body["where"], "kind=act.outcome tenant=globex host=hooks.example",
        "the operator reads their own"
    );
}

#[tokio::test]
async fn what_is_no_rule_is_not_there_and_what_cannot_be_read_is_not_said_to_strangers() {
    assert_eq!(ask(true, testing::dana(), "/rules/none").await.status, StatusCode::NOT_FOUND);
    let broken = ask(false, testing::of("acme"), "/rules").await;
    assert_eq!(broken.status, StatusCode::SERVICE_UNAVAILABLE, "{}", broken.body);
    assert!(!broken.body.to_string().contains("/srv/home"), "{}", broken.body);
}

#[tokio::test]
async fn whoever_has_no_role_anywhere_reads_none() {
    let nobody = Caller { reach: portcullis_model::people::Reach::Holdings(Vec::new()), ..testing::of("acme") };
    assert_eq!(ask(true, nobody, "/rules").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_rule_is_tried_on_the_log_by_the_platform_alone_and_that_is_on_record() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let local = asked(&store, true, testing::dana());
    let post = async |local: &Local, body: Value| local.ask(Method::POST, "/audit/rule", None, Some(&body)).await;
    for body in [
        json!({}),
        json!({ "rule": "mine", "text": "id = 'mine'" }),
        json!({ "rule": "mine", "from": "yesterday" }),
        json!({ "rule": "mine", "until": "2026-11-01" }),
    ] {
        let refused = post(&local, body.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}: {}", refused.body);
    }
    let acme = post(&local.as_caller(testing::of("acme")), json!({ "rule": "mine" })).await;
    assert_eq!(acme.status, StatusCode::FORBIDDEN, "{}", acme.body);
    assert_eq!(store.entry_count().await.unwrap(), 0, "nothing was read");
    let found = post(&local, json!({ "rule": "mine", "to": "2027-01-15T08:00:00Z" })).await;
    let numbers = (&found.body["entries"], &found.body["about"], &found.body["hits"]);
    assert_eq!(numbers, (&json!(9), &json!(2), &json!(1)), "{}", found.body);
    let within = Within { from: None, to: Some(testing::NOW) };
    assert_eq!(found.body["shown"][0]["found"], format!("{within:?}"), "{}", found.body);
    assert_eq!(store.entry_count().await.unwrap(), 1);
    let text = post(&local, json!({ "text": "title = 1" })).await;
    assert_eq!((text.status, &text.body["detail"]), (StatusCode::BAD_REQUEST, &json!("text: it has no id.")));
    for (id, status) in [("none", StatusCode::NOT_FOUND), ("slow", StatusCode::CONFLICT)] {
        assert_eq!(post(&local, json!({ "rule": id })).await.status, status, "{id}");
    }
}

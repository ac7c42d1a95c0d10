use std::{net::SocketAddr, time::Duration};

use portcullis_model::{
    alert::{AlertSeverity, Hit, Party},
    audit::Actor,
    id::TenantId,
    people::{Action, BuiltIn, Caller, Decide, Holding, Needs, Principal, Reach, Refusal, Why},
    time::Timestamp,
};
use portcullis_store::{DetectStep, SqliteStore};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::admin::{Local, Method, Routes, testing};

/// A server over a store with two alerts, of two installations.
struct Server {
    _dir: tempfile::TempDir,
    store: Arc<SqliteStore>,
    address: SocketAddr,
}

fn hit(installation: &str) -> Hit {
    Hit {
        rule: "new-destination".into(),
        title: "A plugin sends to a new host".into(),
        severity: AlertSeverity::High,
        party: Party::Subscriber,
        subject: format!("acme/{installation}"),
        tenant: Some("acme".parse().unwrap()),
        installation: Some(installation.parse().unwrap()),
        why: "b.example for the first time".into(),
        entries: vec![7],
        time: Timestamp(500),
        cool_down: Duration::from_secs(60),
        is_news: false,
    }
}

async fn server() -> Server {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
    let hits = vec![hit("ins_1"), hit("ins_2")];
    let step = DetectStep { from: 0, to: 1, cells: Vec::new(), hits, forget: Vec::new(), now: Timestamp(600) };
    assert!(store.detect_step(step).await.unwrap());
    let ports = Ports { alerts: store.clone(), clock: Arc::new(testing::Fixed) };
    let router = Routes::new(testing::frame(&store, b"token")).mount(operations(), Arc::new(ports)).router();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Server { _dir: dir, store, address }
}

impl Server {
    async fn ask(&self, request: &str, token: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(&format!("GET /admin/v1/alerts{path}"), "token", "").await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { "{}".to_owned() } else { body.to_string() };
        self.ask(&format!("POST /admin/v1/alerts{path}"), "token", &body).await
    }

    /// What was written about alerts: kind, resource, reason, tenant.
    async fn log(&self) -> Vec<(String, String, String)> {
        let entries = self.store.entries(0, 100).await.unwrap();
        let read = entries.iter().map(|stored| stored.read().unwrap());
        read.filter(|entry| entry.kind != Kind::AlertRaised)
            .map(|entry| {
                assert_eq!(entry.tenant.as_ref().map(|tenant| tenant.as_str()), Some("acme"));
                assert_eq!(entry.actor, Actor::Person { name: "operator".into() });
                let reason = entry.text("reason").or(entry.text("comment")).unwrap_or_default().to_owned();
                (entry.kind.name(), entry.resource.clone().unwrap_or_default(), reason)
            })
            .collect()
    }
}

#[tokio::test]
async fn nobody_without_the_token_sees_or_changes_anything() {
    let server = server().await;
    for request in [
        "GET /admin/v1/alerts",
        "GET /admin/v1/alerts/alr_1",
        "POST /admin/v1/alerts/alr_1/acknowledge",
        "POST /admin/v1/alerts/alr_1/close",
        "POST /admin/v1/alerts/alr_1/mute",
        "POST /admin/v1/alerts/alr_1/unmute",
        "POST /admin/v1/alerts/mutes",
        "POST /admin/v1/alerts/mutes/end",
    ] {
        for token in ["", "toke", "tokenx"] {
            assert_eq!(server.ask(request, token, "").await.0, 401, "{request}");
        }
    }
    assert_eq!(server.log().await, []);
}

#[tokio::test]
async fn alerts_are_listed_shown_and_filtered() {
    let server = server().await;
    let (status, list) = server.get("").await;
    assert_eq!((status, list["items"].as_array().map(Vec::len)), (200, Some(2)));
    assert_eq!(list["items"][0]["id"], "alr_2");
    let (_, page) = server.get("?limit=1").await;
    let next = page["next"].as_str().unwrap().strip_prefix("/admin/v1/alerts").unwrap().to_owned();
    let (_, page) = server.get(&next).await;
    assert_eq!((page["items"][0]["id"].clone(), page["next"].clone()), (json!("alr_1"), Value::Null));
    for (state, expected) in [("open", 2), ("acknowledged", 0), ("closed", 0), ("all", 2)] {
        let (_, page) = server.get(&format!("?state={state}")).await;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(expected), "{state}");
    }
    let (_, one) = server.get("?installation=ins_1&rule=new-destination&tenant=acme").await;
    assert_eq!(one["items"].as_array().map(Vec::len), Some(1));
    let (status, shown) = server.get("/alr_1").await;
    assert_eq!((status, shown["entries"].clone(), shown["state"].clone()), (200, json!([7]), json!("open")));
    for (path, expected) in [
        ("/alr_9", 404),
        ("/7", 404),
        ("?limit=0", 400),
        ("?limit=201", 400),
        ("?closed=yes", 400),
        ("?tenant=A", 400),
        ("?cursor=alr_2", 400),
        ("?state=opne", 400),
    ] {
        assert_eq!(server.get(path).await.0, expected, "{path}");
    }
}

#[tokio::test]
async fn each_change_is_made_once_and_is_in_the_log_with_its_reason() {
    let server = server().await;
    let (status, one) = server.post("/alr_1/acknowledge", &Value::Null).await;
    assert_eq!((status, one["state"].clone()), (200, json!("acknowledged")));
    assert_eq!(server.post("/alr_1/acknowledge", &Value::Null).await.0, 409);
    let until = "2027-02-01";
    let mute = json!({ "until": until, "reason": "an export that we know" });
    let (status, one) = server.post("/alr_2/mute", &mute).await;
    assert_eq!((status, one["muted"]["reason"].clone()), (200, json!("an export that we know")));
    assert_eq!(server.post("/alr_2/unmute", &Value::Null).await.0, 200);
    assert_eq!(server.post("/alr_2/unmute", &Value::Null).await.0, 404);
    let (status, one) =
        server.post("/alr_2/mute", &json!({ "until": until, "reason": "y", "whole-tenant": true })).await;
    assert_eq!((status, one["muted"].get("installation")), (200, None));
    assert!(server.get("/alr_1").await.1["muted"].is_object(), "of the same tenant");
    assert_eq!(server.post("/alr_1/close", &json!({ "reason": "done" })).await.0, 200);
    let short = |kind: &str, about: &str, reason: &str| (kind.to_owned(), about.to_owned(), reason.to_owned());
    assert_eq!(
        server.log().await,
        [
            short("alert.acknowledged", "alert:alr_1", ""),
            short("alert.muted", "rule:new-destination", "an export that we know"),
            short("alert.unmuted", "rule:new-destination", ""),
            short("alert.muted", "rule:new-destination", "y"),
            short("alert.closed", "alert:alr_1", "done"),
        ]
    );
}

#[tokio::test]
async fn a_rule_is_muted_by_its_name_in_exactly_its_scope() {
    let server = server().await;
    let about = |installation: Option<&str>| json!({ "rule": "new-destination", "tenant": "acme", "installation": installation });
    let muting = |installation| {
        let mut body = about(installation);
        (body["until"], body["reason"]) = (json!("2027-02-01"), json!("an export"));
        body
    };
    let (status, muted) = server.post("/mutes", &muting(Some("ins_1"))).await;
    assert_eq!((status, muted["until"].clone()), (201, json!("2027-02-01T00:00:00.000Z")), "{muted}");
    assert!(server.get("/alr_1").await.1["muted"].is_object());
    assert_eq!(server.get("/alr_2").await.1["muted"], Value::Null, "another installation's");
    assert_eq!(server.post("/mutes/end", &about(None)).await.0, 404, "that of the tenant is another one");
    let (_, before) = server.get("?before=alr_2").await;
    assert_eq!((before["items"][0]["id"].clone(), before["items"].as_array().map(Vec::len)), (json!("alr_1"), Some(1)));
    assert_eq!(server.post("/mutes/end", &about(Some("ins_1"))).await.0, 200);
    let mut wrong = muting(Some("ins_1"));
    wrong["tenant"] = Value::Null;
    assert_eq!(server.post("/mutes", &wrong).await.0, 400, "an installation is a tenant's");
    (wrong["installation"], wrong["until"]) = (Value::Null, json!("1970-01-01"));
    assert_eq!(server.post("/mutes", &wrong).await.0, 400, "over already");
    let short = |kind: &str, reason: &str| (kind.to_owned(), "rule:new-destination".to_owned(), reason.to_owned());
    assert_eq!(server.log().await, [short("alert.muted", "an export"), short("alert.unmuted", "")]);
}

#[tokio::test]
async fn what_is_not_understood_changes_nothing() {
    let server = server().await;
    for (path, body, expected) in [
        ("/alr_1/close", json!({}), 400),
        ("/alr_1/close", json!({ "reason": " " }), 400),
        ("/alr_1/close", json!({ "reason": "x", "more": 1 }), 400),
        ("/alr_1/close", json!({ "reason": "x".repeat(501) }), 400),
        ("/alr_1/close", json!([]), 400),
        ("/alr_9/close", json!({ "reason": "x" }), 404),
        ("/x/close", json!({ "reason": "x" }), 404),
        ("/alr_1/mute", json!({ "reason": "x" }), 400),
        ("/alr_1/mute", json!({ "reason": "x", "until": "soon" }), 400),
        ("/alr_1/mute", json!({ "reason": "x", "until": "1970-01-01" }), 400),
        ("/alr_1/mute", json!({ "reason": "", "until": "2027-02-01" }), 400),
    ] {
        assert_eq!(server.post(path, &body).await.0, expected, "{path} {body}");
    }
    assert_eq!(server.log().await, []);
}

/// Lets everybody do everything in the tenants where they hold a role.
struct Holders;

#[async_trait::async_trait]
impl Decide for Holders {
    async fn decide(
        &self,
        caller: &Caller,
        _: &Action,
        resource: &Resource,
    ) -> Result<Result<(), Refusal>, portcullis_model::error::StoreError> {
        let holds = resource.tenant.as_ref().is_some_and(|tenant| caller.tenants().unwrap().contains(tenant));
        let no = Refusal { rule: Why::NoRole, needs: Needs::Role { one_of: Vec::new() }, who: String::new() };
        Ok(if holds { Ok(()) } else { Err(no) })
    }
}

#[tokio::test]
async fn an_alert_of_another_tenant_is_as_if_it_were_not_there() {
    let Server { _dir, store, .. } = server().await;
    let other = Hit { tenant: Some("globex".parse().unwrap()), subject: "globex/ins_3".into(), ..hit("ins_3") };
    let step =
        DetectStep { from: 1, to: 2, cells: Vec::new(), hits: vec![other], forget: Vec::new(), now: Timestamp(600) };
    assert!(store.detect_step(step).await.unwrap());
    let ports = Ports { alerts: store.clone(), clock: Arc::new(testing::Fixed) };
    let frame = testing::frame_with(&store, b"token", Arc::new(Holders));
    let router = Routes::new(frame).mount(operations(), Arc::new(ports)).router();
    let tenant: TenantId = "acme".parse().unwrap();
    let role = BuiltIn::Admin.name().parse().unwrap();
    let holding = Holding { tenant: Some(tenant), role, until: None, support: None, break_glass: false };
    let caller = Caller {
        principal: Principal::Automation("cli_1".parse().unwrap()),
        reach: Reach::Holdings(vec![holding]),
        ..testing::dana()
    };
    let local = Local::new(router, caller);
    let list = local.ask(Method::GET, "/alerts", None, None).await;
    let ids: Vec<&str> = list.body["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["alr_2", "alr_1"]);
    let statuses = [
        local.ask(Method::GET, "/alerts?tenant=globex", None, None).await.status,
        local.ask(Method::GET, "/alerts/alr_3", None, None).await.status,
        local.ask(Method::POST, "/alerts/alr_3/close", None, Some(&json!({ "reason": "x" }))).await.status,
        local
            .ask(Method::POST, "/alerts/alr_3/mute", None, Some(&json!({ "reason": "x", "until": "2027-02-01" })))
            .await
            .status,
        local
            .ask(
                Method::POST,
                "/alerts/mutes",
                None,
                Some(&json!({ "rule": "new-destination", "tenant": "globex", "reason": "x", "until": "2027-02-01" })),
            )
            .await
            .status,
        local
            .ask(
                Method::POST,
                "/alerts/mutes/end",
                None,
                Some(&json!({ "rule": "new-destination", "tenant": "globex" })),
            )
            .await
            .status,
    ];
    assert!(statuses.iter().all(|status| *status == 404), "{statuses:?}");
    let own = local.ask(Method::POST, "/alerts/alr_1/close", None, Some(&json!({ "reason": "x" }))).await;
    assert_eq!((own.status.as_u16(), &own.body["state"]), (200, &json!("closed")));
}

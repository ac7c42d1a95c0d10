//! Installations that leave: uninstalled, taken back, erased.

use axum::http::{Method, StatusCode};
use portcullis_model::{
    audit::{Entry, Kind},
    installation::InstallationState,
    people::{Caller, Principal},
    secret::{SealedSecret, SecretStore as _, WrappedKey},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{tests::Desk, *};
use crate::admin::{LocalAnswer, testing};

const DAY: i64 = 24 * 60 * 60 * 1_000;

impl Desk {
    async fn act(&self, path: &str, version: Option<&str>, body: Value) -> LocalAnswer {
        let body = Some(&body).filter(|body| !body.is_null());
        self.local.ask(Method::POST, &format!("/installations/{path}"), version, body).await
    }

    /// The kinds of the entries after this many.
    async fn kinds(&self, after: u64) -> Vec<Kind> {
        let found = self.store.entries(after, 100).await.unwrap();
        found.iter().map(|stored| stored.read().unwrap().kind).collect()
    }

    /// Gives `ins_0` a credential of this provider.
    async fn credential(&self, provider: &str) {
        let told = |kind| Entry::new(Timestamp(1), kind, Actor::Host, Some("acme".parse().unwrap()));
        let key = WrappedKey {
            tenant: "acme".parse().unwrap(),
            number: 1,
            wrapped_by: "k".into(),
            wrapped: vec![1],
            made: Timestamp(0),
            current: true,
        };
        self.store.set_wrapping_key("k", None, None).await.unwrap();
        self.store.add_data_key(key, None, told(Kind::VaultDataKeyMade)).await.unwrap();
        let secret = SealedSecret {
            tenant: "acme".parse().unwrap(),
            installation: Some("ins_0".parse().unwrap()),
            name: "desk".into(),
            generation: 1,
            place: "{}".into(),
            origin: json!({ "provider": provider }).to_string(),
            issued: Timestamp(0),
            expires: None,
            data_key: 1,
            sealed: vec![1],
        };
        self.store.put_secret(secret, None, Timestamp(0), told(Kind::ConnectionAdded)).await.unwrap();
    }
}

#[tokio::test]
async fn one_is_uninstalled_with_its_credentials_and_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 1).await;
    desk.credential("zendesk").await;
    let before = desk.store.entry_count().await.unwrap();
    let why = json!({ "reason": "not needed" });
    let tried = desk.act("ins_0/uninstall?dry_run=true", Some("\"1\""), why.clone()).await;
    assert_eq!((tried.status, tried.etag.as_deref()), (StatusCode::OK, Some("\"1\"")), "{}", tried.body);
    assert_eq!((&tried.body["dry_run"], &tried.body["stopped"]["secrets"]), (&json!(true), &json!(1)));
    assert_eq!(desk.store.entry_count().await.unwrap(), before, "a rehearsal writes nothing");

    let done = desk.act("ins_0/uninstall", Some("\"1\""), why.clone()).await;
    assert_eq!((done.status, done.etag.as_deref()), (StatusCode::OK, Some("\"2\"")), "{}", done.body);
    let purge_at = Timestamp(testing::NOW.0 + 30 * DAY).to_string();
    assert_eq!(done.body["installation"]["state"], "uninstalled");
    assert_eq!(done.body["installation"]["purge_at"], purge_at);
    let credential =
        json!({ "name": "desk", "provider": "zendesk", "generation": 1, "fate": "not-offered", "why": null });
    assert_eq!(done.body["credentials"], json!([credential]));
    assert_eq!(desk.kinds(before).await, [Kind::PluginUninstalled, Kind::ConnectionEnded]);

    let again = desk.act("ins_0/uninstall", Some("\"2\""), why).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.body);
    let back = desk.act("ins_0/restore", Some("\"2\""), Value::Null).await;
    assert_eq!((back.status, &back.body["installation"]["state"]), (StatusCode::OK, &json!("suspended")));
    let running = desk.act("ins_0/restore", Some("\"3\""), Value::Null).await;
    assert_eq!(running.status, StatusCode::CONFLICT, "{}", running.body);
    assert_eq!(desk.kinds(before + 2).await, [Kind::PluginRestored]);
}

#[tokio::test]
async fn what_it_stored_goes_when_it_was_said_and_not_by_two_words_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 1).await;
    for wrong in [
        json!({ "reason": " " }),
        json!({ "reason": "x", "now": true, "keep_for": 5 }),
        json!({ "reason": "x", "keep_for": 3_651 * 86_400 }),
        json!({ "reason": "x", "keep-for": 5 }),
    ] {
        let refused = desk.act("ins_0/uninstall", Some("\"1\""), wrong.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}: {}", refused.body);
    }
    let stale = desk.act("ins_0/uninstall", Some("\"9\""), json!({ "reason": "x" })).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.body);
    assert_eq!(desk.store.entry_count().await.unwrap(), 1, "nothing was done");
    let done = desk.act("ins_0/uninstall", Some("\"1\""), json!({ "reason": "x", "now": true })).await;
    assert_eq!(done.body["installation"]["purge_at"], testing::NOW.to_string(), "{}", done.body);
    let kept = desk.store.installation(&"ins_0".parse().unwrap()).await.unwrap().unwrap();
    assert!(matches!(kept.state, InstallationState::Uninstalled { .. }), "the running host erases it: {kept:?}");
}

#[tokio::test]
async fn a_receipt_is_there_when_the_log_proves_it_and_reading_it_is_on_record() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 1).await;
    let none = desk.get("/installations/ins_0/receipt").await;
    assert_eq!(none.status, StatusCode::CONFLICT, "{}", none.body);
    assert!(none.body["detail"].as_str().unwrap().contains("is not erased"), "{}", none.body);
    let entry = Entry::new(Timestamp(5), Kind::PluginErased, Actor::Host, None).with("kv-rows", 3);
    let set = |proof| *desk.erased.lock().unwrap() = Some(Erasure { index: 7, entry: entry.clone(), proof });
    set(None);
    let early = desk.get("/installations/ins_0/receipt").await;
    assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.body);
    set(Some(json!({ "index": 7 })));
    let receipt = desk.get("/installations/ins_0/receipt").await.body;
    assert_eq!((&receipt["index"], &receipt["erased"]["kv-rows"]), (&json!(7), &json!(3)), "{receipt}");
    assert_eq!(receipt["proof"]["index"], 7);
    assert_eq!(desk.kinds(1).await, [Kind::AuditRead]);
}

#[tokio::test]
async fn who_may_not_uninstalls_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 1).await;
    let principal = Principal::Automation("cli_1".parse().unwrap());
    let stranger = desk.local.as_caller(Caller { principal, ..testing::dana() });
    let body = json!({ "reason": "x" });
    for (method, path, body) in
        [(Method::POST, "uninstall", Some(&body)), (Method::POST, "restore", None), (Method::GET, "receipt", None)]
    {
        let refused = stranger.ask(method, &format!("/installations/ins_0/{path}"), Some("\"1\""), body).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: {}", refused.body);
    }
    assert_eq!(desk.store.entry_count().await.unwrap(), 1);
}

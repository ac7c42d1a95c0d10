//! What a real plugin does, held against the rules: an alert names the very entry of the act (MON-4).
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

use std::sync::Arc;

use portcullis_cli::detect::Follower;
use portcullis_e2e::{Far, Lab, Package};
use portcullis_model::{
    alert::{Alert, AlertQuery, Alerts as _},
    audit::Kind,
};
use serde_json::json;

const TO_FAR: &str = "http:send to=https://api.example.test/v1/* methods=GET,POST";

async fn alerts(lab: &Lab, rule: &str) -> Vec<Alert> {
    let query = AlertQuery { rule: Some(rule.into()), most: 100, ..AlertQuery::default() };
    lab.host.store.alerts(query, lab.host.clock.now()).await.unwrap().alerts
}

/// The indices of the entries of a kind.
async fn indices(lab: &Lab, kind: Kind) -> Vec<u64> {
    let all = lab.stored_entries().await;
    all.iter().filter(|stored| stored.kind == kind.name()).map(|stored| stored.index).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_sends_to_a_new_host_is_one_alert_with_that_act() {
    let far = Far::start().await;
    let lab = Lab::with(&format!("[detect]\nlearn-hours = 0\n{}", far.config())).await;
    let guest = lab.install(&Package::guest("uses_http", &["log:write", TO_FAR], "")).await;
    let follower = Follower::new(Arc::new(lab.reopened().await)).unwrap();
    follower.catch_up().await.unwrap();
    assert_eq!(alerts(&lab, "new-destination").await, []);

    lab.call(&guest, json!({ "url": "https://api.example.test/v1/x" })).await;
    let sent: Vec<u64> = {
        let all = lab.stored_entries().await;
        let sends = |stored: &&portcullis_store::StoredEntry| {
            stored.kind == "act.permitted" && stored.read().unwrap().text("act") == Some("http.send")
        };
        all.iter().filter(sends).map(|stored| stored.index).collect()
    };
    assert_eq!(sent.len(), 1);
    follower.catch_up().await.unwrap();
    let [alert] = &alerts(&lab, "new-destination").await[..] else {
        panic!("{:?}", alerts(&lab, "new-destination").await)
    };
    assert_eq!((&alert.entries, alert.count), (&sent, 1));
    assert_eq!(alert.installation.as_ref(), Some(&guest.id));

    // Known now; and what is denied is another rule's.
    lab.call(&guest, json!({ "url": "https://api.example.test/v1/y" })).await;
    lab.call(&guest, json!({ "url": "https://other.example.test/v1/x" })).await;
    follower.catch_up().await.unwrap();
    assert_eq!(alerts(&lab, "new-destination").await[0].count, 1);
    let [denied] = &alerts(&lab, "denied-egress").await[..] else {
        panic!("{:?}", alerts(&lab, "denied-egress").await)
    };
    assert_eq!(denied.entries, indices(&lab, Kind::ActDenied).await);
}

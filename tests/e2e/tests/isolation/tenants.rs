//! The same plugin in two tenants, and twice in one.

use portcullis_e2e::{Lab, Package, TENANT, event, root};
use portcullis_model::{
    audit::Kind,
    event::{Event, EventForm},
    helpdesk::Priority,
    id::TenantId,
    installation::{Installation, InstallationStore as _},
    invoke::CallEnd,
    limits::Limits,
    queue::DeliveryState,
};
use portcullis_packages::install::Order;
use serde_json::{Value, json};

use crate::said;

const BETA: &str = "beta";

fn beta() -> TenantId {
    BETA.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn storage() {
    let lab = Lab::new().await;
    let scopes = ["log:write", "kv:read", "kv:write bytes=1KiB"];
    let package = Package::guest("uses_kv", &scopes, "");
    lab.trust(&package).await;
    // Cut off after its write, so that the value stays.
    let limits = Some(Limits { host_calls: 4, ..Limits::default() });
    let order = Order { tenant: TENANT.parse().unwrap(), grant: None, limits };
    let writer = lab.try_install(&package.signed(&lab.key), order).await.unwrap();
    let report = lab.call(&writer, json!({})).await;
    assert_eq!((report.end.clone(), said(&report, "set: ")), (CallEnd::Limit("host-calls"), "Ok(())"));

    let reading = ["events:receive types=test.*", "log:write", "kv:read"];
    for tenant in [TENANT, BETA] {
        let other = lab.install_in(tenant, &package, Some(&reading)).await;
        let report = lab.call(&other, json!({})).await;
        assert_eq!(said(&report, "get: "), "Ok(None)", "another installation in {tenant}");
        assert_eq!(said(&report, "list-keys: "), "Ok([])", "another installation in {tenant}");
    }
    // The writer itself does see it.
    let granted = reading.map(|scope| scope.parse().unwrap()).to_vec();
    let again = Installation { limits: Limits::default(), granted, generation: 2, ..writer };
    let entry = lab.host.entry(Kind::PluginGranted, None);
    assert!(lab.host.store.put_installation(again.clone(), Some(1), entry).await.unwrap());
    let report = lab.call(&again, json!({})).await;
    assert_eq!((said(&report, "get: "), said(&report, "list-keys: ")), ("Ok(Some(\"value\"))", "Ok([\"key\"])"));
}

/// What one installation stores is not counted against another.
#[tokio::test(flavor = "multi_thread")]
async fn quotas() {
    let lab = Lab::new().await;
    let package = Package::guest("huge_kv", &["log:write", "kv:read", "kv:write bytes=64KiB"], "");
    for tenant in [TENANT, TENANT, BETA] {
        let report = lab.call(&lab.install_in(tenant, &package, None).await, json!({})).await;
        assert!(said(&report, "full after ").starts_with("3: Limited"), "{:?}", report.log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let package = Package::guest("reads_named_fields", &["log:write", "tickets:read fields=subject"], "");
    let ours = lab.install(&package).await;
    let theirs = lab.install_in(BETA, &package, None).await;
    let asked = json!({ "fields": ["subject"] });
    assert!(said(&lab.call(&ours, asked.clone()).await, "").starts_with("Ok(Ticket"));
    // The ticket's number is right, and the event says acme; the installation's own tenant decides.
    assert_eq!(said(&lab.call(&theirs, asked.clone()).await, ""), "Err(NotFound)");
    let denied = lab.entries_of(Kind::ActDenied).await;
    assert_eq!(denied, [], "it may read tickets: there just is none");
    lab.seed(BETA).await;
    assert!(said(&lab.call(&theirs, asked).await, "").starts_with("Ok(Ticket"));
}

#[tokio::test(flavor = "multi_thread")]
async fn comments() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    lab.seed(BETA).await;
    let package = Package::guest("comments_keyed", &["log:write", "tickets:comment visibility=internal"], "");
    let (first, second) = (lab.install(&package).await, lab.install(&package).await);
    let theirs = lab.install_in(BETA, &package, None).await;
    let count = async |tenant: &TenantId| lab.desk.comments_of(tenant, "1005").await.unwrap().len();
    let (acme, before) = (&first.tenant, count(&beta()).await);
    let event = event(json!({}));
    for (number, installation) in [&first, &second].into_iter().enumerate() {
        lab.handle(installation, &event, 2).await;
        // The same key by another installation is another comment.
        assert_eq!(count(acme).await, before + number + 1);
        assert_eq!(lab.comments_by(installation, "1005").await.len(), 1);
    }
    assert_eq!(count(&beta()).await, before);
    lab.handle(&theirs, &event, 2).await;
    assert_eq!((count(acme).await, count(&beta()).await), (before + 2, before + 1));
    let by: Vec<_> = lab.desk.comments_of(acme, "1005").await.unwrap();
    assert!(by.iter().all(|comment| comment.author_id != theirs.id.as_str()));
}

/// An event goes to the installations of its own tenant.
#[tokio::test(flavor = "multi_thread")]
async fn events() {
    let lab = Lab::new().await;
    lab.source("zen", EventForm::Zendesk).await;
    let package = Package::guest("echo", &[], "");
    let ours = lab.install(&package).await;
    let theirs = lab.install_in(BETA, &package, None).await;
    let host = lab.run().await;
    for number in 0..5 {
        assert_eq!(lab.send_created(&host, "zen", "1005", &format!("e{number}")).await.status, 202);
    }
    let rows = lab.settled(5).await;
    host.stop().await;
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row.installation == ours.id && row.state == DeliveryState::Done), "{rows:?}");
    let calls = lab.entries_of(Kind::CallEnded).await;
    assert!(calls.iter().all(|entry| entry.tenant.as_ref() == Some(&ours.tenant)), "{calls:?}");
    assert!(!format!("{calls:?}").contains(theirs.id.as_str()));
}

/// A plugin that is more than a guest, with memory: what it did in one tenant it has not done in the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_plugin() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    lab.seed(BETA).await;
    let package = Package::sample("vip-escalator");
    let (ours, theirs) = (lab.install(&package).await, lab.install_in(BETA, &package, None).await);
    let event = created("1020");
    let priority = async |tenant: &TenantId| lab.desk.ticket_row(tenant, "1020").await.unwrap().unwrap().priority;
    for attempt in [1, 2] {
        assert_eq!(lab.handle(&ours, &event, attempt).await.end, CallEnd::Ok);
        assert_eq!(priority(&ours.tenant).await, Some(Priority::High));
        assert_eq!(priority(&theirs.tenant).await, Some(Priority::Normal));
        assert_eq!((lab.comments_by(&ours, "1020").await.len(), lab.comments_by(&theirs, "1020").await.len()), (1, 0));
    }
    assert_eq!(lab.handle(&theirs, &event, 1).await.end, CallEnd::Ok);
    assert_eq!(priority(&theirs.tenant).await, Some(Priority::High));
    assert_eq!((lab.comments_by(&ours, "1020").await.len(), lab.comments_by(&theirs, "1020").await.len()), (1, 1));
}

/// The recorded event that this ticket was created.
fn created(ticket: &str) -> Event {
    let text = std::fs::read_to_string(root().join("tests/events/zendesk.ndjson")).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of = |data: &Value| data["detail"]["id"] == ticket && data["type"] == "zen:event-type:ticket.created";
    let data = all.into_iter().find(of).unwrap();
    let kind = "zen:event-type:ticket.created".to_owned();
    Event { kind, subject: Some(format!("zen:ticket:{ticket}")), form: EventForm::Zendesk, ..event(data) }
}

/// A release is its digest, and its manifest is part of what was signed: what another tenant installs of the same
/// component does not change what this one runs.
#[tokio::test(flavor = "multi_thread")]
async fn another_manifest_for_the_same_component() {
    let mut lab = Lab::new().await;
    lab.seed(TENANT).await;
    let package = Package::guest("reads_named_fields", &["log:write", "tickets:read fields=subject,tags"], "");
    let ours = lab.install(&package).await;
    let asked = json!({ "fields": ["tags"] });
    assert!(said(&lab.call(&ours, asked.clone()).await, "").starts_with("Ok(Ticket"));
    let mut second = Package::guest("reads_named_fields", &["log:write", "tickets:read fields=subject"], "");
    second.manifest = second.manifest.replace("release = 1", "release = 2");
    // Whether the host takes the second one or not, the first one is what it was.
    let order = Order { tenant: beta(), grant: None, limits: None };
    drop(lab.try_install(&second.signed(&lab.key), order).await);
    lab.restart().await;
    let report = lab.call(&ours, asked).await;
    assert!(said(&report, "").starts_with("Ok(Ticket"), "{:?}", report.log);
}

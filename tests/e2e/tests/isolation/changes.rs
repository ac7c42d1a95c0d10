//! What an admin changes while the host runs: it holds from the next call on.

use std::time::Duration;

use portcullis_e2e::{Lab, Package, TENANT, acts, run};
use portcullis_model::{audit::Kind, event::EventForm, installation::Installation, queue::DeliveryState};

const COMMENTING: &str = "tickets:comment visibility=internal";

/// A running host with a plugin that comments, and its source.
async fn commenting() -> (Lab, Installation) {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    lab.source("zen", EventForm::Zendesk).await;
    let guest = lab.install(&Package::guest("comments_unkeyed", &["log:write", COMMENTING], "")).await;
    (lab, guest)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_installation_is_not_called() {
    let (lab, guest) = commenting().await;
    let neighbour = lab.install(&Package::guest("echo", &[], "")).await;
    let host = lab.run().await;
    lab.host.installer().suspend(&guest.id, "The tests want it.").await.unwrap();
    assert_eq!(lab.send_created(&host, "zen", "1005", "e1").await.status, 202);
    let rows = lab.settled(1).await;
    assert_eq!(rows.len(), 2, "its event waits");
    // Long enough for the worker to look several times.
    tokio::time::sleep(Duration::from_millis(700)).await;
    for row in lab.deliveries().await {
        let expected =
            if row.installation == neighbour.id { (DeliveryState::Done, 1) } else { (DeliveryState::Pending, 0) };
        assert_eq!((row.state, row.attempts), expected, "{row:?}");
    }
    assert_eq!(lab.comments_by(&guest, "1005").await, [""; 0]);
    lab.host.installer().resume(&guest.id).await.unwrap();
    lab.settled(2).await;
    assert_eq!(lab.comments_by(&guest, "1005").await.len(), 2);
    host.stop().await;
    let kinds: Vec<Kind> = lab.entries().await.iter().map(|entry| entry.kind).collect();
    let position = |kind| kinds.iter().position(|known| *known == kind).unwrap();
    assert!(position(Kind::PluginSuspended) < position(Kind::EventReceived));
    assert!(position(Kind::PluginResumed) < position(Kind::ActPermitted));
}

/// By another process, as an admin does it.
#[tokio::test(flavor = "multi_thread")]
async fn a_narrower_grant_holds_at_the_next_call() {
    let (lab, guest) = commenting().await;
    let host = lab.run().await;
    let mut sent = 0;
    let mut send = async || {
        sent += 1;
        assert_eq!(lab.send_created(&host, "zen", "1005", &format!("e{sent}")).await.status, 202);
        lab.settled(sent).await.remove(sent - 1)
    };
    assert_eq!(send().await.state, DeliveryState::Done);
    assert_eq!(lab.comments_by(&guest, "1005").await.len(), 2);

    let id = guest.id.as_str();
    let events = "events:receive types=zen:event-type:*";
    let narrow = ["plugin", "grant", id, events, "log:write", "tickets:comment visibility=public"];
    let ended = run(lab.host.home.dir(), &narrow).await;
    assert!(ended.code != 0 && ended.stderr.contains("goes beyond what the manifest asks for"), "{ended:?}");
    let ended = run(lab.host.home.dir(), &["plugin", "grant", id, events, "log:write"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let row = send().await;
    assert_eq!((row.state, row.attempts), (DeliveryState::Dead, 1));
    assert!(row.error.as_deref().unwrap().contains("imports 'portcullis:plugin/tickets@0.1.0'"), "{row:?}");
    assert_eq!(lab.comments_by(&guest, "1005").await.len(), 2, "nothing more");

    let ended = run(lab.host.home.dir(), &["plugin", "grant", id, events, "log:write", COMMENTING]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(send().await.state, DeliveryState::Done);
    assert_eq!(lab.comments_by(&guest, "1005").await.len(), 4);
    let ended = run(lab.host.home.dir(), &["plugin", "grant", id, "log:write"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(lab.send_created(&host, "zen", "1005", "to-nobody").await.status, 202);
    host.stop().await;
    assert_eq!(lab.deliveries().await.len(), 3, "what it is not granted it is not sent");
    assert_eq!(lab.entries_of(Kind::PluginGranted).await.len(), 3);
    acts(&lab.entries().await);
}

/// The grant itself narrows what is read: fields that go are denied from the next call on.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_taken_away() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let package = Package::guest("reads_named_fields", &["log:write", "tickets:read fields=subject,tags"], "");
    let guest = lab.install(&package).await;
    let asked = serde_json::json!({ "fields": ["tags"] });
    assert!(crate::said(&lab.call(&guest, asked.clone()).await, "").starts_with("Ok("));
    let less = ["events:receive types=test.* data=full", "log:write", "tickets:read fields=subject"];
    let guest = lab.grant(&guest, &less).await;
    let report = lab.call(&guest, asked).await;
    assert!(crate::said(&report, "").contains("reading tags of tickets is not granted"), "{:?}", report.log);
    let seen = acts(&lab.entries().await);
    assert_eq!((seen.permitted("tickets.get"), seen.denied("tickets.get")), (1, 1));
}

/// The operator's ceiling holds for every grant, and a denial by it says who can change that.
#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_ceiling() {
    let ceiling = "[ceiling]\nscopes = ['events:receive types=*', 'log:write', 'tickets:read fields=subject,status']\n";
    let lab = Lab::with(ceiling).await;
    lab.seed(TENANT).await;
    let scopes = ["log:write", "tickets:read fields=subject,status,comments", "tickets:redact"];
    let guest = lab.install(&Package::guest("uses_tickets", &scopes, "")).await;
    let report = lab.call(&guest, serde_json::json!({})).await;
    assert!(crate::said(&report, "get: ").starts_with("Ok("), "{:?}", report.log);
    assert!(crate::said(&report, "comments: ").contains("grantor: \"platform\""), "{:?}", report.log);
    assert!(
        crate::said(&report, "comments: ").contains("the platform's ceiling does not cover it"),
        "{:?}",
        report.log
    );
}

//! Budgets that belong to no capability: calls and what they take. Deliveries wait for them, and lose nothing by it.

use std::time::Duration;

use portcullis_e2e::{Lab, Package, event, run};
use portcullis_model::{
    audit::Kind,
    event::EventForm,
    invoke::{CallEnd, Invoke as _},
    queue::DeliveryState,
};
use serde_json::json;

use crate::PATIENT;

fn echo(limits: &str) -> Package {
    Package::guest("echo", &["log:write"], &format!("{PATIENT}{limits}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_calls_at_once_than_the_limit() {
    let lab = Lab::new().await;
    let limits = "cpu-ms = 1000\nwall-ms = 60000\nconcurrent-calls = 1";
    let endless = lab.install(&Package::guest("loops", &["log:write"], limits)).await;
    let other = lab.install(&echo("concurrent-calls = 1")).await;
    lab.runtime.prepare(&endless).await.unwrap();
    let (runtime, guest) = (lab.runtime.clone(), endless.clone());
    let looping = tokio::spawn(async move { runtime.handle(&guest, &event(json!({})), 1).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let held = lab.runtime.handle(&endless, &event(json!({})), 1).await;
    assert!(!looping.is_finished(), "the first was to run meanwhile");
    let CallEnd::Held { reason, wait } = &held.end else { panic!("{:?}", held.end) };
    assert_eq!(reason, "concurrent-calls: 1 allowed, and as many are under way");
    assert!(*wait <= Duration::from_millis(100));
    assert_eq!(lab.runtime.handle(&other, &event(json!({})), 1).await.end, CallEnd::Ok, "it is nobody else's limit");
    assert_eq!(looping.await.unwrap().end, CallEnd::Limit("cpu-ms"));
    let after = lab.runtime.handle(&endless, &event(json!({})), 1).await;
    assert_eq!(after.end, CallEnd::Limit("cpu-ms"), "its turn now");
    assert_eq!(lab.entries_of(Kind::CapabilitySuspended).await.len(), 0, "waiting for a turn suspends nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_wait_for_the_hour_and_are_neither_lost_nor_counted_as_tries() {
    let lab = Lab::new().await;
    lab.source("zen", EventForm::Zendesk).await;
    let guest = lab.install(&echo("calls-per-hour = 3")).await;
    let running = lab.run().await;
    for n in 0..5 {
        assert_eq!(lab.send_created(&running, "zen", "1005", &format!("e{n}")).await.status, 202);
    }
    lab.settled(3).await;
    // The next one asks for a call that there is none of any more.
    let suspended = async {
        while lab.entries_of(Kind::CapabilitySuspended).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), suspended).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let rows = lab.deliveries().await;
    let waiting: Vec<u32> =
        rows.iter().filter(|row| row.state == DeliveryState::Pending).map(|row| row.attempts).collect();
    assert_eq!(waiting, [0, 0], "{rows:?}");
    assert_eq!(lab.entries_of(Kind::CallEnded).await.len(), 3, "what was held is no call");
    let entry = &lab.entries_of(Kind::CapabilitySuspended).await[0];
    assert_eq!(entry.text("capability"), Some("events"));

    let home = lab.host.home.dir().to_owned();
    let resumed = run(&home, &["plugin", "resume", guest.id.as_str(), "--capability", "events"]).await;
    assert_eq!(resumed.code, 0, "{resumed:?}");
    let rows = lab.settled(5).await;
    assert!(rows.iter().all(|row| (row.state, row.attempts) == (DeliveryState::Done, 1)), "{rows:?}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_bounded_too() {
    let lab = Lab::new().await;
    let guest = lab.install(&echo("table-elements = 2")).await;
    assert_eq!(lab.call(&guest, json!({})).await.end, CallEnd::Limit("table-elements"));
}

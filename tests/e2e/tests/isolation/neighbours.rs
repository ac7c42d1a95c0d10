//! A plugin that fails, waits or floods costs its own deliveries time, not its neighbours' (INC-6).

use portcullis_e2e::{Far, Lab, Package, Request, Running};
use portcullis_model::{
    event::EventForm,
    installation::Installation,
    queue::{DeliveryRow, DeliveryState},
};
use serde_json::json;

const EVENTS: usize = 12;

async fn send_all(host: &Running) {
    for number in 0..EVENTS {
        let event = json!({
            "specversion": "1.0", "id": format!("e{number}"), "source": "/tests", "type": "test.event",
            "data": { "url": format!("https://{}/never", Far::HOST), "error": "unavailable" },
        });
        let request = Request::post("/v1/events", event.to_string())
            .header("content-type", "application/cloudevents+json")
            .header("authorization", format!("Bearer {}", Lab::SECRET));
        assert_eq!(request.send(host.address).await.status, 202);
    }
}

/// A host where this neighbour of `echo` gets the same events. Gives all deliveries at the moment when echo's are done.
async fn beside(name: &str, scopes: &[&str], limits: &str) -> (Lab, Running, Installation, Vec<DeliveryRow>) {
    let far = Far::start().await;
    let lab = Lab::with(&far.config()).await;
    lab.source("bus", EventForm::CloudEvents).await;
    let scopes: Vec<&str> = ["log:write"].iter().chain(scopes).copied().collect();
    let bad = lab.install(&Package::guest(name, &scopes, limits)).await;
    let echo = lab.install(&Package::guest("echo", &[], "")).await;
    let host = lab.run().await;
    send_all(&host).await;
    let done = |rows: &[DeliveryRow]| {
        rows.iter().filter(|row| row.installation == echo.id && row.state == DeliveryState::Done).count()
    };
    for settled in 1..=2 * EVENTS {
        let rows = lab.settled(settled).await;
        if done(&rows) == EVENTS {
            let of_bad = rows.into_iter().filter(|row| row.installation == bad.id).collect();
            return (lab, host, bad, of_bad);
        }
    }
    panic!("echo has not handled all of its events");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits() {
    let scopes = ["http:send to=https://api.example.test/* methods=GET"];
    // Two at a time, three seconds each: its twelve take eighteen seconds at the least.
    let (_lab, _host, _bad, rows) = beside("sleeps_in_http", &scopes, "wall-ms = 3000").await;
    assert_eq!(rows.len(), EVENTS);
    let waiting = rows.iter().filter(|row| row.state == DeliveryState::Pending && row.attempts == 0).count();
    assert!(waiting > 0, "it still has events that were never tried: {rows:?}");
    assert!(rows.iter().filter(|row| row.state == DeliveryState::Leased).count() <= 2, "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails() {
    let (lab, host, bad, _) = beside("panics", &[], "").await;
    let rows = lab.settled(2 * EVENTS).await;
    host.stop().await;
    let own: Vec<_> = rows.iter().filter(|row| row.installation == bad.id).collect();
    assert_eq!(own.len(), EVENTS);
    assert!(own.iter().all(|row| row.state == DeliveryState::Dead && row.attempts == 1), "{own:?}");
}

/// `unavailable` is tried again, with pauses; each try is a call of its own in the log.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_asks_for_another_try() {
    let far = Far::start().await;
    let config = far.config();
    // The table `[delivery]` is the last of the lab's own.
    let lab = Lab::with(&format!("attempts = 3\n{config}")).await;
    lab.source("bus", EventForm::CloudEvents).await;
    let guest = lab.install(&Package::guest("returns_each_error", &["log:write"], "")).await;
    let host = lab.run().await;
    send_all(&host).await;
    let rows = lab.settled(EVENTS).await;
    host.stop().await;
    assert!(rows.iter().all(|row| row.state == DeliveryState::Dead && row.attempts == 3), "{rows:?}");
    let ended = lab.entries_of(portcullis_model::audit::Kind::CallEnded).await;
    assert_eq!(ended.len(), 3 * EVENTS);
    let attempts = |number: u64| ended.iter().filter(|entry| entry.detail["attempt"] == number).count();
    assert_eq!([attempts(1), attempts(2), attempts(3)], [EVENTS; 3]);
    assert!(format!("{ended:?}").contains(guest.id.as_str()));
}

//! A host that is told to stop while a slow call is under way: the call comes to its end within the time that the host has, or it is
//! handed over to the next start. Either way nothing is lost, and the log says what became of each act.

use std::time::{Duration, Instant};

use portcullis_e2e::{Daemon, Far, Lab, Package, Request, acts, run};
use portcullis_model::{event::EventForm, queue::DeliveryState};
use serde_json::json;

/// A lab with a plugin that asks the far server what the event says.
async fn lab(far: &Far, shutdown: &str) -> Lab {
    let lab = Lab::with(&format!("{}{shutdown}", far.config())).await;
    lab.source("bus", EventForm::CloudEvents).await;
    let scopes = ["log:write", "http:send to=https://api.example.test/* methods=GET"];
    lab.install(&Package::guest("http_get", &scopes, "wall-ms = 30000")).await;
    lab
}

/// Starts the host, and has it be in the middle of a call that takes as long as the far server does.
async fn in_a_slow_call(lab: &Lab, far: &Far) -> Daemon {
    let host = Daemon::start(lab.host.home.dir()).await;
    let event = json!({
        "specversion": "1.0", "id": "e1", "source": "/tests", "type": "test.event",
        "data": { "url": format!("https://{}/slow", Far::HOST) },
    });
    let request = Request::post("/v1/events", event.to_string())
        .header("content-type", "application/cloudevents+json")
        .header("authorization", format!("Bearer {}", Lab::SECRET));
    assert_eq!(request.send(host.address).await.status, 202);
    let began = Instant::now();
    while far.arrived().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "the far server is never asked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    host
}

async fn verified(lab: &Lab) {
    let verified = run(lab.host.home.dir(), &["audit", "verify"]).await;
    assert_eq!(verified.code, 0, "{verified:?}");
    assert_eq!(verified.json()["database"]["unpublished"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_comes_to_its_end_before_the_host_does() {
    let far = Far::start().await;
    let lab = lab(&far, "").await;
    let host = in_a_slow_call(&lab, &far).await;
    assert_eq!(host.stop().await, 0);
    let rows = lab.deliveries().await;
    assert_eq!((rows.len(), rows[0].state, far.arrived().len()), (1, DeliveryState::Done, 1), "{rows:?}");
    let seen = acts(&lab.entries().await);
    assert_eq!((seen.permitted("http.send"), seen.unknown), (1, 0), "{seen:?}");
    verified(&lab).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_too_long_is_handed_over_to_the_next_start() {
    let far = Far::start().await;
    let lab = lab(&far, "[shutdown]\nseconds = 1\n").await;
    let host = in_a_slow_call(&lab, &far).await;
    let told = Instant::now();
    host.stop().await;
    assert!(told.elapsed() < Far::SLOW, "it does not wait longer than it may: {:?}", told.elapsed());
    let rows = lab.deliveries().await;
    assert!(!matches!(rows[0].state, DeliveryState::Done | DeliveryState::Dead), "it is not over: {rows:?}");
    let host = Daemon::start(lab.host.home.dir()).await;
    let rows = lab.settled(1).await;
    assert_eq!((rows.len(), rows[0].state, far.arrived().len()), (1, DeliveryState::Done, 2), "{rows:?}");
    assert_eq!(host.stop().await, 0);
    let seen = acts(&lab.entries().await);
    assert_eq!((seen.permitted("http.send"), seen.unknown), (2, 1), "how the first one ended nobody knows: {seen:?}");
    verified(&lab).await;
}

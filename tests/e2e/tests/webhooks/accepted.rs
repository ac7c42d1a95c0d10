//! What senders send as they should.

use std::collections::BTreeMap;

use portcullis_e2e::{Answer, created_on};
use portcullis_model::{audit::Kind, queue::DeliveryState};
use serde_json::{Value, json};

use crate::{World, cloudevent, github, recorded};

fn is_taken(answer: &Answer, status: &str) {
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json(), json!({ "status": status }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_twice_is_one_event() {
    let world = World::new().await;
    let body = created_on("1005", "the-one");
    is_taken(&world.send(world.zendesk(&body, 0)).await, "accepted");
    is_taken(&world.send(world.zendesk(&body, 0)).await, "duplicate");
    // Another body with the same id is the same event too; an event of the same id by another source is not.
    is_taken(&world.send(world.zendesk(&created_on("1006", "the-one"), 0)).await, "duplicate");
    is_taken(&world.send(github("{}", "ping", "the-one")).await, "accepted");
    let rows = world.lab.settled(2).await;
    assert_eq!((rows.len(), world.rows("events")), (2, 2));
    assert_eq!(world.lab.entries_of(Kind::EventReceived).await.len(), 2);
    assert_eq!(world.lab.entries_of(Kind::EventDuplicate).await.len(), 2);
    assert_eq!(world.lab.entries_of(Kind::CallEnded).await.len(), 2);
    assert_eq!(world.refusals().await, BTreeMap::new());
}

/// Senders' clocks and networks are off by a little.
#[tokio::test(flavor = "multi_thread")]
async fn a_timestamp_may_be_minutes_off() {
    let world = World::new().await;
    for (number, off) in [-290_000, 290_000].into_iter().enumerate() {
        is_taken(&world.send(world.zendesk(&created_on("1005", &format!("e{number}")), off)).await, "accepted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_zendesk_events_are_accepted_and_handled() {
    let world = World::new().await;
    let events = recorded("zendesk.ndjson");
    for event in &events {
        is_taken(&world.send(world.zendesk(event, 0)).await, "accepted");
    }
    let rows = world.lab.settled(events.len()).await;
    assert_eq!(rows.len(), events.len());
    for (row, event) in rows.iter().zip(&events) {
        let event: Value = serde_json::from_str(event).unwrap();
        assert_eq!(
            (row.event.as_str(), row.kind.as_str()),
            (event["id"].as_str().unwrap(), event["type"].as_str().unwrap())
        );
        assert_eq!((row.state, row.attempts), (DeliveryState::Done, 1), "{row:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_github_events_are_accepted_and_handled() {
    let world = World::new().await;
    let events: Vec<Value> = recorded("github.ndjson").iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (number, event) in events.iter().enumerate() {
        let (kind, body) = (event["event"].as_str().unwrap(), event["body"].to_string());
        let request = github(&body, kind, &format!("delivery-{number}"));
        is_taken(&world.send(request.clone()).await, "accepted");
        is_taken(&world.send(request).await, "duplicate");
    }
    let rows = world.lab.settled(events.len()).await;
    assert!(rows.iter().all(|row| row.state == DeliveryState::Done), "{rows:?}");
    let kinds: Vec<String> = events
        .iter()
        .map(|event| match event["body"]["action"].as_str() {
            Some(action) => format!("com.github.{}.{action}", event["event"].as_str().unwrap()),
            None => format!("com.github.{}", event["event"].as_str().unwrap()),
        })
        .collect();
    assert_eq!(rows.into_iter().map(|row| row.kind).collect::<Vec<_>>(), kinds);
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_cloudevents_are_accepted_and_handled() {
    let world = World::new().await;
    let events = recorded("cloudevents.ndjson");
    for event in &events {
        is_taken(&world.send(cloudevent(event)).await, "accepted");
        is_taken(&world.send(cloudevent(event)).await, "duplicate");
    }
    // The id alone does not make an event the same: it counts within its `source`.
    let elsewhere = events[3].replace("/sensors/tn-1234567/alerts", "/sensors/tn-7654321/alerts");
    is_taken(&world.send(cloudevent(&elsewhere)).await, "accepted");
    let rows = world.lab.settled(5).await;
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row.state == DeliveryState::Done), "{rows:?}");
}

//! What each library accepts before, during and after a rotation, with the old key or the new one alone.

use std::{sync::atomic::Ordering, time::Duration};

use portcullis_broker::standard_webhooks::key::Scheme;
use portcullis_model::{egress::SendRequest, queue::DeliveryState};
use serde_json::json;
use standardwebhooks::Webhook;

use crate::{
    receiver::Receiver,
    world::{World, text},
};

const DAY: Duration = Duration::from_secs(86_400);

/// Whether the crate `standardwebhooks` accepts a request.
fn crate_accepts(secret: &str, request: &SendRequest) -> bool {
    let mut headers = hyper::HeaderMap::new();
    for (name, value) in &request.headers {
        headers.insert(hyper::header::HeaderName::try_from(name.as_str()).unwrap(), value.parse().unwrap());
    }
    Webhook::new(secret).unwrap().verify(&request.body, &headers).is_ok()
}

/// By which of the keys every one of the libraries accepts a request, and none of them refuses it.
async fn accepted_by(request: &SendRequest, keys: &serde_json::Value, receivers: &[Receiver]) -> Vec<String> {
    let mut by = Vec::new();
    for (name, key) in keys.as_object().unwrap() {
        let mut says = vec![("crate", crate_accepts(key.as_str().unwrap(), request))];
        for receiver in receivers {
            says.push((receiver.name, receiver.accepts(name, request).await));
        }
        assert!(says.iter().all(|(_, yes)| *yes == says[0].1), "they disagree about '{name}': {says:?}");
        if says[0].1 {
            by.push(name.clone());
        }
    }
    by.sort();
    by
}

#[tokio::test]
async fn old_or_new_alone_is_enough_while_they_overlap_and_only_new_after_it() {
    let world = World::new().await;
    let old = text(&world.create(Scheme::Hmac).await);
    let first = world.sends("e1", None).await.remove(0);
    let new = text(&world.rotate(None, DAY).await);
    let stranger = format!("whsec_{}", "QUFB".repeat(8));
    let keys = json!({ "old": old, "new": new, "stranger": stranger });
    let receivers = Receiver::all(&keys);
    assert_eq!(accepted_by(&first, &keys, &receivers).await, ["old"]);

    // The notice of the rotation itself, and the event.
    let during = world.sends("e2", None).await;
    assert_eq!(during.len(), 2);
    for request in &during {
        assert_eq!(accepted_by(request, &keys, &receivers).await, ["new", "old"]);
    }
    let bodies: Vec<_> = during.iter().map(|request| String::from_utf8(request.body.clone()).unwrap()).collect();
    let notice = bodies.iter().find(|body| body.contains(r#""type":"credentials.rotated""#)).unwrap();
    assert!(!notice.contains("origin") && notice.contains(r#""name":"backend/webhook""#), "{notice}");

    world.keys_clock.0.store(i64::try_from(DAY.as_millis()).unwrap(), Ordering::SeqCst);
    let after = world.sends("e3", None).await.remove(0);
    assert_eq!(accepted_by(&after, &keys, &receivers).await, ["new"]);
}

#[tokio::test]
async fn an_emergency_leaves_no_old_key_a_moment() {
    let world = World::new().await;
    let old = text(&world.create(Scheme::Hmac).await);
    world.rotate(None, DAY).await;
    let new = text(&world.rotate(None, Duration::ZERO).await);
    let keys = json!({ "old": old, "new": new });
    let receivers = Receiver::all(&keys);
    for request in world.sends("e1", None).await {
        assert_eq!(accepted_by(&request, &keys, &receivers).await, ["new"]);
    }
}

#[tokio::test]
async fn from_shared_secret_to_key_pair_without_a_message_lost() {
    let world = World::new().await;
    let old = text(&world.create(Scheme::Hmac).await);
    let new = text(&world.rotate(Some(Scheme::Ed25519), DAY).await);
    assert!(new.starts_with("whpk_"));
    let [python, node] = Receiver::all(&json!({ "old": old, "new": new }));
    for request in world.sends("e1", None).await {
        // The libraries know nothing of `v1a` and pass it by.
        assert!(python.accepts("old", &request).await && node.accepts("old", &request).await);
        assert!(node.accepts("new", &request).await);
        let changed = SendRequest { body: [&request.body[..], b" "].concat(), ..request };
        assert!(!node.accepts("new", &changed).await && !node.accepts("old", &changed).await);
    }
}

#[tokio::test]
async fn a_receiver_that_refuses_a_message_gets_it_again_and_one_that_accepts_does_not() {
    let world = World::new().await;
    let secret = text(&world.create(Scheme::Hmac).await);
    let stranger = format!("whsec_{}", "QUFB".repeat(8));
    let keys = json!({ "right": secret, "wrong": stranger });
    for (receiver, id) in [(Receiver::python(&keys), "e1"), (Receiver::node(&keys), "e2")] {
        world.sends(id, Some((receiver, "right"))).await;
        assert_eq!(world.states().await[0], (DeliveryState::Done, None));
    }
    world.sends("e3", Some((Receiver::python(&keys), "wrong"))).await;
    let (state, error) = world.states().await.remove(0);
    assert_eq!((state, error.as_deref()), (DeliveryState::Pending, Some("it answered 400")));
}

//! Rates and circuits through the door, and connections that are kept.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use portcullis_broker::egress::{Config, Traffic};
use portcullis_model::{egress::Answer, error::ServiceError};

use crate::{
    CHAT,
    support::{
        server::{NAMES, Server},
        world::{Hand, World, get, leading_to},
    },
    unavailable,
};

async fn busy(traffic: Traffic) -> (Server, Arc<Hand>, World) {
    let server = Server::start().await;
    let config = Config { traffic, total_timeout: Duration::from_secs(20), ..leading_to(&server, &NAMES) };
    let hand = Arc::new(Hand::default());
    let world = World::prepared(&config, hand.clone(), |_, _| {}).await;
    (server, hand, world)
}

fn limited(result: Result<Answer, ServiceError>) -> (&'static str, u32) {
    match result {
        Err(ServiceError::Limited { name, retry_after_ms: Some(ms), .. }) => (name, ms),
        other => panic!("not limited: {other:?}"),
    }
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_left_alone_and_tried_again() {
    let (server, hand, world) = busy(Traffic { failures: 3, ..Traffic::default() }).await;
    for _ in 0..3 {
        unavailable(world.send(get(&format!("{CHAT}/drop"))).await, "");
    }
    assert_eq!(limited(world.send(get(CHAT)).await), ("http-circuit", 10_000));
    assert_eq!(server.arrived().len(), 3, "it is not asked");
    assert!(world.log().contains("limited"));
    // Another host of the same installation, and another installation of the same host.
    assert_eq!(world.send(get("https://other.example.test/")).await.unwrap().status, 200);
    assert_eq!(world.send_as("acme", "ins_2", get(CHAT)).await.unwrap().status, 200);
    hand.0.store(10_000, Ordering::Relaxed);
    unavailable(world.send(get(&format!("{CHAT}/drop"))).await, "");
    assert_eq!(limited(world.send(get(CHAT)).await), ("http-circuit", 20_000));
    hand.0.store(30_000, Ordering::Relaxed);
    assert_eq!(world.send(get(CHAT)).await.unwrap().status, 200);
    assert_eq!(world.send(get(CHAT)).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_answer_is_an_answer_whatever_it_says() {
    let (_server, _, world) = busy(Traffic { failures: 1, ..Traffic::default() }).await;
    for _ in 0..3 {
        assert_eq!(world.send(get(&format!("{CHAT}/redirect"))).await.unwrap().status, 302);
        let refused = world.send(get("https://loop.example.test/")).await;
        assert!(matches!(refused, Err(ServiceError::Invalid(_))), "an address that is refused is nobody's failure");
    }
}

#[tokio::test]
async fn so_many_a_minute() {
    let (server, hand, world) = busy(Traffic { requests_per_minute: 3, ..Traffic::default() }).await;
    for _ in 0..3 {
        world.send(get(CHAT)).await.unwrap();
    }
    assert_eq!(limited(world.send(get(CHAT)).await), ("http-requests-per-minute", 20_000));
    assert_eq!(server.arrived().len(), 3);
    hand.0.store(20_000, Ordering::Relaxed);
    assert!(world.send(get(CHAT)).await.is_ok());
}

#[tokio::test]
async fn a_call_that_ends_leaves_its_lane() {
    let (_server, _, world) = busy(Traffic { concurrent: 1, ..Traffic::default() }).await;
    let slow = tokio::time::timeout(Duration::from_millis(200), world.send(get(&format!("{CHAT}/slow")))).await;
    assert!(slow.is_err());
    assert_eq!(world.send(get(CHAT)).await.unwrap().status, 200);
}

#[tokio::test]
async fn as_many_connections_as_requests_at_once_and_all_are_kept() {
    const AT_ONCE: usize = 200;
    let (server, _, world) = busy(Traffic { concurrent: AT_ONCE as u32, ..Traffic::default() }).await;
    let world = Arc::new(world);
    for _ in 0..3 {
        let sending: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let world = world.clone();
                tokio::spawn(async move { world.send(get(CHAT)).await.unwrap().status })
            })
            .collect();
        for sent in sending {
            assert_eq!(sent.await.unwrap(), 200);
        }
    }
    assert_eq!(server.arrived().len(), 3 * AT_ONCE);
    let connections = server.arrived().iter().map(|one| one.connection).max().unwrap();
    assert!(connections <= AT_ONCE, "{connections} connections");
}

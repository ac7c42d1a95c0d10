//! A source's secret is rotated and revoked while its events come in.

use std::time::{Duration, Instant};

use portcullis_broker::{hmac::github_signature, rotation::Credentials as _};
use portcullis_cli::rotation::sources;
use portcullis_e2e::{Lab, Request};
use portcullis_model::{audit::Actor, secret::Secret, source::SourceStore as _};

use crate::{GITHUB, World};

const NEW: &str = "another-secret-of-the-tests-9876543210";
/// A running host looks for changes once a second.
const PATIENCE: Duration = Duration::from_secs(5);

/// The status of an event that is signed with this secret.
async fn signed_with(world: &World, secret: &str) -> u16 {
    let signature = github_signature(&Secret::new(secret.as_bytes().to_vec()), b"{}");
    // The same event again is accepted as well: as a duplicate.
    let request = Request::post(GITHUB, "{}")
        .header("content-type", "application/json")
        .header("x-hub-signature-256", signature)
        .header("x-github-event", "ping")
        .header("x-github-delivery", "the-one");
    world.send(request).await.status
}

async fn becomes(world: &World, secret: &str, status: u16) {
    let began = Instant::now();
    while signed_with(world, secret).await != status {
        assert!(began.elapsed() < PATIENCE, "'{secret}' does not become {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_secrets_are_accepted_during_the_overlap_and_none_after_a_revocation() {
    let world = World::new().await;
    let all = world.lab.host.store.sources().await.unwrap();
    let source = all.into_iter().find(|one| one.name.as_str() == "hub").unwrap();
    let keeper = sources(&world.lab.host, Actor::Host);
    assert_eq!((signed_with(&world, Lab::SECRET).await, signed_with(&world, NEW).await), (202, 401));
    let new = Secret::new(NEW.as_bytes().to_vec());
    assert!(keeper.rotate(&source, &new, Duration::from_secs(600)).await.unwrap().is_some());
    becomes(&world, NEW, 202).await;
    assert_eq!(signed_with(&world, Lab::SECRET).await, 202, "whoever sends was not told yet");
    let held = keeper.list().await.unwrap();
    let hub = held.iter().find(|held| held.item.name == "hub").unwrap();
    keeper.revoke_now(&hub.item, hub.generation, false).await.unwrap();
    becomes(&world, NEW, 401).await;
    becomes(&world, Lab::SECRET, 401).await;
}

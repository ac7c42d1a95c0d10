use portcullis_audit::{EntryProof, LogVerifier, View, verify};
use portcullis_model::audit::{Actor, Entry, Kind, Recorder as _};
use tempfile::TempDir;

use super::*;
use crate::{commands::init, host::Host, log_proof};

/// A host with so many entries of each of two tenants, and its own.
async fn host(entries: u64) -> (TempDir, Host) {
    let dir = tempfile::tempdir().unwrap();
    let host = init::create(Home::at(dir.path()), "").await.unwrap();
    add(&host, entries).await;
    (dir, host)
}

async fn add(host: &Host, entries: u64) {
    let entry = |n: u64| {
        let tenant = match n % 3 {
            0 => None,
            n => Some(format!("tenant-{n}").parse().unwrap()),
        };
        Entry::new(host.clock.now(), Kind::HostStarted, Actor::Host, tenant).with("n", n)
    };
    host.store.record((0..entries).map(entry).collect()).await.unwrap();
}

fn publisher(host: &Host) -> LogPublisher {
    LogPublisher::new(&host.home, host.store.clone())
}

fn holds(host: &Host, size: u64) {
    let report = verify(&host.home.log(), &log_proof::vkey(&host.home).unwrap(), None).unwrap();
    assert_eq!((report.size, report.views, report.bare), (size, 3, 0));
}

/// All tiles of all views, as they are stored.
async fn tiles(host: &Host) -> Vec<(u64, Vec<portcullis_store::StoredTile>)> {
    let mut all = Vec::new();
    for view in host.store.log_views().await.unwrap() {
        let mut tiles = Vec::new();
        for (level, n) in [(0, 0), (0, 1), (1, 0)] {
            tiles.extend(host.store.view_tile(view.tag.clone(), level, n).await.unwrap());
        }
        all.push((view.size, tiles));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_is_published_as_the_head_of_its_view_and_proven() {
    let (_dir, host) = host(900).await;
    let size = publisher(&host).catch_up().await.unwrap();
    assert_eq!(size, host.store.entry_count().await.unwrap());
    holds(&host, size);
    let key = LogVerifier::parse(&log_proof::vkey(&host.home).unwrap()).unwrap();
    let log = Log::open(&host.home.log(), &key).unwrap();
    for index in [0, 5, 300, size - 1] {
        let proof = log_proof::of_entry_in(&log, &key, &host.store, index).await.unwrap();
        assert_eq!(proof.entry.as_bytes(), host.store.entries(index, 1).await.unwrap()[0].body);
        let again = EntryProof::read(&serde_json::to_vec(&proof).unwrap()).unwrap();
        let view = again.check(&key).unwrap().view.unwrap();
        assert!(view.origin().starts_with(key.origin()) && view.size() >= 300);
    }
    let logged = std::fs::read_dir(host.home.log().join("tile/entries")).unwrap().flatten();
    for file in logged.filter(|file| file.path().is_file()) {
        let text = String::from_utf8_lossy(&std::fs::read(file.path()).unwrap()).into_owned();
        assert!(!text.contains("tenant-1") && !text.contains("host.started"), "the public log has no content");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_took_of_the_views_is_made_again_from_the_log() {
    let (_dir, host) = host(700).await;
    publisher(&host).catch_up().await.unwrap();
    let whole = tiles(&host).await;
    let tags: Vec<String> = host.store.log_views().await.unwrap().into_iter().map(|view| view.tag).collect();
    host.store.forget_view_tiles().await.unwrap();
    assert_ne!(tiles(&host).await, whole);
    let size = publisher(&host).catch_up().await.unwrap();
    assert_eq!(tiles(&host).await, whole);
    assert_eq!(host.store.log_views().await.unwrap().into_iter().map(|view| view.tag).collect::<Vec<_>>(), tags);
    add(&host, 10).await;
    let more = publisher(&host).catch_up().await.unwrap();
    assert_eq!(more, size + 10);
    holds(&host, more);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_publish_one_log() {
    let (_dir, host) = host(10).await;
    let other = Host::open(host.home.clone()).await.unwrap();
    let (mut one, mut two) = (publisher(&host), publisher(&other));
    for _ in 0..40 {
        add(&host, 7).await;
        add(&other, 5).await;
        let (a, b) = tokio::join!(one.catch_up(), two.catch_up());
        assert!(a.unwrap() > 0 && b.unwrap() > 0);
    }
    let size = one.catch_up().await.unwrap();
    assert_eq!(size, two.catch_up().await.unwrap());
    assert_eq!(size, host.store.entry_count().await.unwrap());
    holds(&host, size);
    assert_eq!(host.store.log_state().await.unwrap().advanced, size);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_tiles_are_never_published_from() {
    let (_dir, host) = host(30).await;
    publisher(&host).catch_up().await.unwrap();
    let view = host.store.view_of(None).await.unwrap().unwrap();
    let (level, n) = View::partials_of(view.size)[0];
    let mut tile = host.store.view_tile(view.tag.clone(), level, n).await.unwrap().unwrap();
    tile.hashes[3] ^= 1;
    let advanced = host.store.log_state().await.unwrap().advanced;
    let damaged = portcullis_store::ViewChange {
        tag: view.tag,
        size: view.size,
        checkpoint: view.checkpoint.unwrap(),
        tiles: vec![tile],
    };
    assert!(host.store.advance_views(advanced, advanced, vec![damaged]).await.unwrap());
    add(&host, 3).await;
    let error = format!("{:#}", publisher(&host).catch_up().await.unwrap_err());
    assert!(error.contains("audit rebuild") && error.contains("damaged"), "{error}");
    host.store.forget_view_tiles().await.unwrap();
    let size = publisher(&host).catch_up().await.unwrap();
    holds(&host, size);
}

//! Registries that want to cheat, and such as are broken: what comes of it, and that it is said.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use portcullis_broker::oci::OciError;
use portcullis_model::id::Digest;
use serde_json::{Value, json};

use super::{
    fake::{ENDLESS, Fake, reply},
    world::{OTHER, SECRET, World, artifact},
};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Puts an image in the place of the one under the tag `1`, after `change` was made to its manifest.
fn changed(world: &World, change: impl FnOnce(&mut Value)) {
    let mut manifest = world.fake.manifest("1").unwrap();
    change(&mut manifest);
    world.fake.put_manifest("1", MANIFEST, manifest.to_string().as_bytes());
}

#[tokio::test]
async fn other_bytes_than_were_named() {
    let world = World::plain(true).await;
    let pushed = world.pushed().await;
    let component = format!("/blobs/{}", pushed.component);
    let swapped = world.pull(":1").await.unwrap().component.iter().map(|byte| byte ^ 1).collect::<Vec<_>>();
    world.fake.rule(move |one| one.is("GET", &component).then(|| reply("200 OK", &swapped)));
    let error = world.refusal().await;
    assert!(matches!(error, OciError::OtherBytes { expected, .. } if expected == pushed.component), "{error}");

    for attached in pushed.attached {
        for path in [format!("/manifests/{}", attached.manifest), format!("/blobs/{}", attached.document)] {
            let world = World::plain(true).await;
            world.pushed().await;
            let size = world.fake.blob(&attached.document).unwrap().len();
            world.fake.rule(move |one| one.is("GET", &path).then(|| reply("200 OK", &vec![b' '; size])));
            assert!(matches!(world.refusal().await, OciError::OtherBytes { .. }));
        }
    }
}

#[tokio::test]
async fn a_manifest_by_its_digest_is_that_manifest() {
    let world = World::plain(true).await;
    let pushed = world.pushed().await;
    let other = world.push(&artifact(2), "2").await.unwrap();
    let theirs = world.fake.manifest(&other.image.to_string()).unwrap().to_string();
    // Even where a header says otherwise.
    let head = format!("200 OK\r\ndocker-content-digest: {}", pushed.image);
    world.fake.rule(move |one| one.is("GET", "/manifests/").then(|| reply(&head, theirs.as_bytes())));
    let error = world.pull(&format!("@{}", pushed.image)).await.unwrap_err();
    assert!(matches!(error, OciError::OtherBytes { expected, .. } if expected == pushed.image), "{error}");
}

#[tokio::test]
async fn more_than_is_read() {
    let endless = [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", ENDLESS].concat();
    let lying = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{}".to_vec();
    let pushed = World::plain(true).await.pushed().await;
    let document = |at: usize| pushed.attached[at].document;
    let paths = [
        "/manifests/1".to_owned(),
        "/referrers/".to_owned(),
        format!("/blobs/{}", pushed.component),
        format!("/manifests/{}", pushed.attached[0].manifest),
        format!("/blobs/{}", document(0)),
        format!("/blobs/{}", document(3)),
    ];
    for path in paths {
        for answer in [&endless, &lying] {
            let world = World::plain(true).await;
            world.pushed().await;
            let (path, answer) = (path.clone(), answer.clone());
            let answer = match path.contains("referrers") {
                true => replaced(&answer, "200 OK", "200 OK\r\ncontent-type: application/vnd.oci.image.index.v1+json"),
                false => answer,
            };
            let place = path.clone();
            world.fake.rule(move |one| one.is("GET", &place).then(|| answer.clone()));
            let error = world.refusal().await;
            assert!(matches!(error, OciError::TooLarge { .. }), "{path}: {error}");
        }
    }
}

fn replaced(answer: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = answer.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
    [&answer[..at], to.as_bytes(), &answer[at + from.len()..]].concat()
}

#[tokio::test]
async fn what_is_announced_as_too_large_is_not_asked_for() {
    let world = World::plain(true).await;
    world.pushed().await;
    for (size, refused) in [(33_554_433_u64, true), (u64::MAX, true), (33_554_432, false)] {
        changed(&world, |manifest| manifest["layers"][0]["size"] = json!(size));
        let asked = world.fake.count("GET", "/blobs/");
        let error = world.refusal().await;
        assert_eq!(world.fake.count("GET", "/blobs/") == asked, refused, "{size}");
        match refused {
            true => assert!(matches!(error, OciError::TooLarge { .. }), "{error}"),
            false => assert!(error.to_string().contains("100000 bytes came, 33554432 were announced"), "{error}"),
        }
    }
    changed(&world, |manifest| manifest["layers"][0]["size"] = json!(99_999));
    assert!(matches!(world.refusal().await, OciError::TooLarge { most: 99_999, .. }));
}

#[tokio::test]
async fn a_body_that_breaks_off() {
    let world = World::plain(true).await;
    let pushed = world.pushed().await;
    let path = format!("/blobs/{}", pushed.component);
    world.fake.rule(move |one| {
        one.is("GET", &path)
            .then(|| b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".to_vec())
    });
    assert!(world.refusal().await.to_string().contains("5 bytes came, 100000 were announced"));
}

#[tokio::test]
async fn a_tag_is_asked_once_however_it_moves() {
    let world = World::plain(true).await;
    let first = world.pushed().await;
    let second = world.push(&artifact(2), "2").await.unwrap();
    let asked = AtomicUsize::new(0);
    let both = [first.image, second.image].map(|image| world.fake.manifest(&image.to_string()).unwrap());
    let bytes = both.map(|manifest| manifest.to_string());
    assert_eq!(Digest::of(bytes[0].as_bytes()), first.image);
    world.fake.rule(move |one| {
        one.is("GET", "/manifests/1").then(|| {
            let now = asked.fetch_add(1, Ordering::Relaxed);
            reply(&format!("200 OK\r\ncontent-type: {MANIFEST}"), bytes[now.min(1)].as_bytes())
        })
    });
    let pulled = world.pull(":1").await.unwrap();
    assert_eq!(pulled.image, first.image);
    super::world::assert_same(&pulled, &artifact(1));
    assert_eq!(world.fake.count("GET", "/manifests/1"), 1);
    assert_eq!(world.pull(":1").await.unwrap().image, second.image, "it does move");
}

#[tokio::test]
async fn nothing_is_inflated() {
    for (part, bomb) in
        [("/manifests/1", &b"\x1f\x8b\x08"[..]), ("/blobs/", b"\x1f\x8b\x08"), ("/referrers/", b"\x1f\x8b")]
    {
        let world = World::plain(true).await;
        world.pushed().await;
        world.fake.rule(move |one| {
            let kind = "application/vnd.oci.image.index.v1+json";
            let head = format!("200 OK\r\ncontent-type: {kind}\r\ncontent-encoding: gzip");
            one.is("GET", part).then(|| reply(&head, bomb))
        });
        let error = world.refusal().await.to_string();
        assert!(error.contains("compressed, which was not asked for"), "{part}: {error}");
    }
    let world = World::plain(true).await;
    world.pushed().await;
    assert!(world.fake.arrived().iter().all(|one| one.header("accept-encoding") == Some("identity")));
}

#[tokio::test]
async fn what_is_no_component() {
    let index = "application/vnd.oci.image.index.v1+json";
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 5] = [
        ("its configuration is 'application/vnd.oci.image.config.v1+json'", |manifest| {
            manifest["config"]["mediaType"] = json!("application/vnd.oci.image.config.v1+json");
        }),
        ("its layer is 'application/x'", |manifest| manifest["layers"][0]["mediaType"] = json!("application/x")),
        ("it has 2 layers", |manifest| {
            let layer = manifest["layers"][0].clone();
            manifest["layers"].as_array_mut().unwrap().push(layer);
        }),
        ("it is a 'application/vnd.oci.image.index", |manifest| {
            manifest["mediaType"] = json!("application/vnd.oci.image.index.v1+json");
        }),
        ("it is no image manifest", |manifest| *manifest = json!({ "manifests": [] })),
    ];
    for (expected, change) in cases {
        let world = World::plain(true).await;
        world.pushed().await;
        changed(&world, change);
        let error = world.refusal().await.to_string();
        assert!(error.contains(expected), "{error}");
    }
    let world = World::plain(true).await;
    world.fake.put_manifest("1", index, "[".repeat(10_000).as_bytes());
    assert!(world.refusal().await.to_string().contains("no image manifest"));
}

#[tokio::test]
async fn waits_end() {
    let mut world = World::plain(true).await;
    world.pushed().await;
    world.config.answer_timeout = Duration::from_millis(300);
    world.fake.rule(|one| one.is("GET", "/manifests/1").then(Vec::new));
    let start = Instant::now();
    let error = world.refusal().await.to_string();
    assert!(error.contains("no answer within"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());

    world.config.answer_timeout = Duration::from_secs(60);
    world.config.total_timeout = Duration::from_millis(300);
    assert!(matches!(world.refusal().await, OciError::Slow { .. }));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn what_a_registry_writes_is_made_plain() {
    let world = World::plain(true).await;
    let body =
        json!({ "errors": [{ "code": "DENIED", "message": "\u{1b}[2J\u{202e}gone\nportcullis: done" }] }).to_string();
    world.fake.rule(move |_| Some(reply("403 Forbidden", body.as_bytes())));
    let error = world.refusal().await.to_string();
    assert!(error.contains("answered 403") && error.contains("DENIED"), "{error}");
    assert!(!error.contains('\u{1b}') && !error.contains('\u{202e}') && !error.contains('\n'), "{error}");
    let error = world.push(&artifact(1), "1").await.unwrap_err().to_string();
    assert!(error.contains("answered 403 to the component"), "{error}");
}

#[tokio::test]
async fn a_registry_that_stores_something_else_is_found_out() {
    let world = World::plain(true).await;
    let other = Digest::of(b"other");
    world.fake.rule(move |one| {
        one.is("PUT", "/manifests/").then(|| reply(&format!("201 Created\r\ndocker-content-digest: {other}"), b""))
    });
    let error = world.push(&artifact(1), "1").await.unwrap_err();
    assert!(matches!(error, OciError::OtherBytes { found, .. } if found == other), "{error}");
}

#[tokio::test]
async fn an_upload_goes_to_the_registry_itself() {
    let other = Fake::plain(true).await;
    for place in [
        format!("http://{}/v2/acme/guard/blobs/uploads/x", other.address),
        format!("https://{OTHER}/upload"),
        "http://192.0.2.1/upload".to_owned(),
        "file:///tmp/upload".to_owned(),
    ] {
        let world = World::tls().await.placed(&other).known();
        let head = format!("202 Accepted\r\nlocation: {place}");
        world.fake.rule(move |one| one.is("POST", "/uploads/").then(|| reply(&head, b"")));
        let error = world.push(&artifact(1), "1").await.unwrap_err();
        assert!(matches!(error, OciError::Elsewhere { .. }), "{place}: {error}");
        assert!(!error.to_string().contains(SECRET));
        assert_eq!(world.fake.count("PUT", ""), 0);
    }
    assert_eq!(other.connections(), 0);
    let world = World::plain(true).await;
    world.fake.rule(|one| one.is("POST", "/uploads/").then(|| reply("202 Accepted", b"")));
    assert!(world.push(&artifact(1), "1").await.unwrap_err().to_string().contains("does not say where to"));
}

//! Lists of what is attached: too long, without end, elsewhere, or not true.

use portcullis_broker::oci::{OciError, layout::Attachment};
use portcullis_model::id::Digest;
use serde_json::{Value, json};

use super::{
    fake::{index, reply},
    world::{World, artifact},
};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const KIND: &str = "application/vnd.oci.image.index.v1+json";

fn entry(n: usize, artifact_type: &str) -> Value {
    let digest = Digest::of(n.to_string().as_bytes());
    json!({ "mediaType": MANIFEST, "digest": digest, "size": 500, "artifactType": artifact_type })
}

/// A world whose registry gives this list.
async fn listing(entries: Vec<Value>) -> World {
    let world = World::plain(true).await;
    world.pushed().await;
    world.fake.rule(move |one| one.is("GET", "/referrers/").then(|| index(&entries)));
    world
}

#[tokio::test]
async fn ten_thousand_entries_are_not_read() {
    let world = listing((0..10_000).map(|n| entry(n, "application/x")).collect()).await;
    let error = world.refusal().await;
    assert!(matches!(error, OciError::TooLarge { most: 262_144, .. }), "{error}");
    let fetched = world.fake.count("GET", "/manifests/sha256:");
    assert_eq!(fetched, 0);
    // The same under a tag.
    let world = World::plain(false).await;
    let pushed = world.pushed().await;
    let entries: Vec<Value> = (0..10_000).map(|n| entry(n, "application/x")).collect();
    let list = json!({ "schemaVersion": 2, "mediaType": KIND, "manifests": entries }).to_string();
    world.fake.put_manifest(&format!("sha256-{}", pushed.image.hex()), KIND, list.as_bytes());
    assert!(matches!(world.refusal().await, OciError::TooLarge { .. }));
    let error = world.push(&artifact(1), "1").await.unwrap_err();
    assert!(matches!(error, OciError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn sixty_four_of_ours_and_not_one_more() {
    let ours = |count: usize| (0..count).map(|n| entry(n, Attachment::Report.media_type())).collect();
    let error = listing(ours(65)).await.refusal().await.to_string();
    assert!(error.contains("65 manifests, envelopes and reports; the most that are read is 64"), "{error}");
    let error = listing(ours(64)).await.refusal().await;
    assert!(matches!(error, OciError::Missing { .. }), "the list itself is fine: {error}");
    let world = listing((0..300).map(|n| entry(n, "application/spdx+json")).collect()).await;
    let pulled = world.pull(":1").await.unwrap();
    assert_eq!((pulled.others, pulled.manifests.len()), (300, 0), "counted, not fetched");
}

#[tokio::test]
async fn pages_end_and_stay_within_the_registry() {
    let world = World::plain(true).await;
    let pushed = world.pushed().await;
    let list = json!({ "manifests": [entry(1, "application/x")] }).to_string();
    let next = |url: &str| format!("200 OK\r\ncontent-type: {KIND}\r\nlink: <{url}>; rel=\"next\"");
    let endless = next(&format!("/v2/acme/guard/referrers/{}?last=x", pushed.image));
    let body = list.clone();
    world.fake.rule(move |one| one.is("GET", "/referrers/").then(|| reply(&endless, body.as_bytes())));
    let error = world.refusal().await.to_string();
    assert!(error.contains("more than 8 pages"), "{error}");
    assert_eq!(world.fake.count("GET", "/referrers/"), 8);

    for place in
        ["https://192.0.2.1/v2/acme/guard/referrers/x", "/v2/other/secret/tags/list", "file:///etc/passwd", "//["]
    {
        let world = World::plain(true).await;
        world.pushed().await;
        let (head, body) = (next(place), list.clone());
        world.fake.rule(move |one| one.is("GET", "/referrers/").then(|| reply(&head, body.as_bytes())));
        assert!(matches!(world.refusal().await, OciError::Form { .. }), "{place}");
    }
}

#[tokio::test]
async fn two_pages_are_one_list() {
    let world = World::plain(true).await;
    let pushed = world.pushed().await;
    let path = format!("/v2/acme/guard/referrers/{}", pushed.image);
    let entries: Vec<Value> = pushed
        .attached
        .iter()
        .map(|one| {
            let size = world.fake.manifest(&one.manifest.to_string()).unwrap().to_string().len();
            json!({ "mediaType": "x", "digest": one.manifest, "size": size, "artifactType": one.kind.media_type() })
        })
        .collect();
    let page = |entries: &[Value]| json!({ "manifests": entries }).to_string();
    let (first, second) = (page(&entries[..2]), page(&entries[1..]));
    world.fake.rule(move |one| {
        let more = format!("200 OK\r\ncontent-type: {KIND}\r\nlink: <{path}?n=2&last=y>;rel=next");
        let last = format!("200 OK\r\ncontent-type: {KIND}");
        one.is("GET", "/referrers/").then(|| match one.path.contains('?') {
            true => reply(&last, second.as_bytes()),
            false => reply(&more, first.as_bytes()),
        })
    });
    super::world::assert_same(&world.pull(":1").await.unwrap(), &artifact(1));
}

/// Older copying tools drop the types of a list's entries.
#[tokio::test]
async fn an_entry_without_a_type_is_looked_into() {
    let world = World::plain(false).await;
    let pushed = world.pushed().await;
    let tag = format!("sha256-{}", pushed.image.hex());
    let mut list = world.fake.manifest(&tag).unwrap();
    for entry in list["manifests"].as_array_mut().unwrap() {
        entry.as_object_mut().unwrap().remove("artifactType");
    }
    world.fake.put_manifest(&tag, KIND, list.to_string().as_bytes());
    super::world::assert_same(&world.pull(":1").await.unwrap(), &artifact(1));

    let report = pushed.attached.iter().find(|one| one.kind == Attachment::Report).unwrap().manifest;
    let mut theirs = world.fake.manifest(&report.to_string()).unwrap();
    theirs["artifactType"] = json!("application/x");
    let bytes = theirs.to_string();
    let digest = world.fake.put_manifest("theirs", MANIFEST, bytes.as_bytes());
    let entry = json!({ "mediaType": MANIFEST, "digest": digest, "size": bytes.len() });
    list["manifests"].as_array_mut().unwrap().push(entry);
    world.fake.put_manifest(&tag, KIND, list.to_string().as_bytes());
    let pulled = world.pull(":1").await.unwrap();
    assert_eq!(pulled.others, 1);
    super::world::assert_same(&pulled, &artifact(1));
}

#[tokio::test]
async fn what_belongs_to_something_else_does_not_count() {
    let world = World::plain(true).await;
    world.pushed().await;
    let other = world.push(&artifact(2), "2").await.unwrap();
    let theirs: Vec<Value> = other
        .attached
        .iter()
        .map(|one| {
            let size = world.fake.manifest(&one.manifest.to_string()).unwrap().to_string().len();
            json!({ "mediaType": "x", "digest": one.manifest, "size": size, "artifactType": one.kind.media_type() })
        })
        .collect();
    let list = theirs.clone();
    world.fake.rule(move |one| one.is("GET", "/referrers/").then(|| index(&list)));
    let error = world.refusal().await.to_string();
    assert!(error.contains("attached to something else"), "{error}");

    // A list that calls a report an envelope.
    let world = World::plain(true).await;
    let pushed = world.pushed().await;
    let report = pushed.attached.iter().find(|one| one.kind == Attachment::Report).unwrap();
    let size = world.fake.manifest(&report.manifest.to_string()).unwrap().to_string().len();
    let lie = json!({ "mediaType": "x", "digest": report.manifest, "size": size, "artifactType": Attachment::Envelope.media_type() });
    world.fake.rule(move |one| one.is("GET", "/referrers/").then(|| index(std::slice::from_ref(&lie))));
    let error = world.refusal().await.to_string();
    assert!(error.contains("lists it as what it is not"), "{error}");
}

#[tokio::test]
async fn a_registry_in_trouble_does_not_pass_for_one_without_the_api() {
    for (status, falls_back) in [
        ("404 Not Found", true),
        ("405 Method Not Allowed", true),
        ("501 Not Implemented", true),
        ("403 Forbidden", false),
        ("429 Too Many Requests", false),
        ("500 Oops", false),
        ("503 Later", false),
    ] {
        let world = World::plain(false).await;
        world.pushed().await;
        world.fake.rule(move |one| one.is("GET", "/referrers/").then(|| reply(status, b"")));
        match falls_back {
            true => assert_eq!(world.pull(":1").await.unwrap().manifests.len(), 1, "{status}"),
            false => assert!(matches!(world.refusal().await, OciError::Refused { .. }), "{status}"),
        }
    }
    // A page for people in the list's place.
    let world = World::plain(false).await;
    world.pushed().await;
    world.fake.rule(|one| one.is("GET", "/referrers/").then(|| reply("200 OK\r\ncontent-type: text/html", b"<html>")));
    assert_eq!(world.pull(":1").await.unwrap().manifests.len(), 1);
}

#[tokio::test]
async fn others_who_write_the_index_at_the_same_time_are_not_lost() {
    let world = World::plain(false).await;
    let first = world.pushed().await;
    let tag = format!("sha256-{}", first.image.hex());
    // Somebody else's list takes the place of ours, once.
    let (fake, lost, place) = (world.fake.clone(), std::sync::atomic::AtomicBool::new(false), tag.clone());
    let theirs = json!({ "schemaVersion": 2, "mediaType": KIND, "manifests": [entry(7, "application/x")] }).to_string();
    let stale = reply(&format!("200 OK\r\ncontent-type: {KIND}"), theirs.as_bytes());
    let puts = fake.clone().count("PUT", &tag);
    world.fake.rule(move |one| {
        let once = one.is("GET", &place) && !lost.swap(true, std::sync::atomic::Ordering::Relaxed);
        once.then(|| stale.clone())
    });
    world.pushed().await;
    assert!(world.fake.count("PUT", &tag) > puts);
    let list = world.fake.manifest(&tag).unwrap();
    let digests: Vec<&str> =
        list["manifests"].as_array().unwrap().iter().filter_map(|one| one["digest"].as_str()).collect();
    assert!(digests.contains(&Digest::of(b"7").to_string().as_str()), "{digests:?}");
    assert!(first.attached.iter().all(|one| digests.contains(&one.manifest.to_string().as_str())), "{digests:?}");
}

//! There and back, with honest registries.

use portcullis_broker::oci::{Access, MAX_COMPONENT, MAX_DOCUMENT, MAX_REPORT, push::push};
use portcullis_model::id::Digest;

use super::world::{World, artifact, assert_same};

#[tokio::test]
async fn what_was_pushed_is_pulled_with_the_api_and_without() {
    for api in [true, false] {
        let world = World::plain(api).await;
        let pushed = world.pushed().await;
        assert_eq!(pushed.by_api, api);
        assert_eq!(pushed.component, Digest::of(&artifact(1).component));
        assert_eq!(pushed.attached.len(), 4);
        let by_tag = world.pull(":1").await.unwrap();
        let by_digest = world.pull(&format!("@{}", pushed.image)).await.unwrap();
        for pulled in [by_tag, by_digest] {
            assert_eq!(pulled.image, pushed.image);
            assert_eq!(pulled.others, 0);
            assert_same(&pulled, &artifact(1));
        }
        let index = world.fake.manifest(&format!("sha256-{}", pushed.image.hex()));
        match api {
            true => assert_eq!(index, None, "no tag where the registry keeps the list"),
            false => assert_eq!(index.unwrap()["manifests"].as_array().unwrap().len(), 4),
        }
        assert_eq!(world.registry(Access::Pull).tags().await.unwrap(), ["1"], "tags of lists are no releases");
    }
}

#[tokio::test]
async fn to_push_again_changes_nothing_and_uploads_nothing() {
    let world = World::plain(false).await;
    let first = world.pushed().await;
    let uploads = world.fake.count("POST", "uploads");
    let list = world.fake.manifest(&format!("sha256-{}", first.image.hex()));
    let second = world.pushed().await;
    assert_eq!((first.image, first.attached), (second.image, second.attached));
    assert_eq!(world.fake.count("POST", "uploads"), uploads);
    assert_eq!(world.fake.manifest(&format!("sha256-{}", first.image.hex())), list);
}

#[tokio::test]
async fn what_is_attached_later_is_pulled_too() {
    for api in [true, false] {
        let world = World::plain(api).await;
        let first = world.pushed().await;
        let mut more = artifact(1);
        more.statements.push(artifact(2).envelope);
        let second = world.push(&more, "1").await.unwrap();
        assert_eq!(first.image, second.image);
        assert_eq!(world.pull(":1").await.unwrap().envelopes.len(), 3);
    }
}

#[tokio::test]
async fn the_tag_comes_last_and_points_to_what_is_complete() {
    let world = World::plain(false).await;
    world.pushed().await;
    let puts: Vec<String> =
        world.fake.arrived().iter().filter(|one| one.is("PUT", "/manifests/")).map(|one| one.path.clone()).collect();
    assert!(puts.last().unwrap().ends_with("/manifests/1"), "{puts:?}");
    assert!(puts[puts.len() - 2].contains("/manifests/sha256-"), "{puts:?}");
}

#[tokio::test]
async fn nothing_is_pushed_that_could_not_be_pulled() {
    let world = World::plain(true).await;
    let registry = world.registry(Access::Push);
    let large = |most: usize| "x".repeat(most + 1);
    let cases = [
        ("the component", {
            let mut a = artifact(1);
            a.component = large(MAX_COMPONENT).into_bytes().into();
            a
        }),
        ("portcullis.toml", {
            let mut a = artifact(1);
            a.manifest = large(MAX_DOCUMENT);
            a
        }),
        ("release.dsse.json", {
            let mut a = artifact(1);
            a.envelope.text = large(MAX_DOCUMENT);
            a
        }),
        (".json", {
            let mut a = artifact(1);
            a.reports = vec![large(MAX_REPORT).into_bytes()];
            a
        }),
        ("what is to be attached", {
            let mut a = artifact(1);
            a.reports = vec![b"{}".to_vec(); 62];
            a
        }),
    ];
    for (what, artifact) in cases {
        let error = push(&registry, &artifact, None).await.unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("the most"), "{what}: {error}");
    }
    assert_eq!(world.fake.arrived().len(), 0);
}

#[tokio::test]
async fn over_tls_to_the_authority_that_was_named_alone() {
    let mut world = World::tls().await;
    let pushed = world.pushed().await;
    assert_eq!(world.pull(":1").await.unwrap().image, pushed.image);
    world.config.ca_pem = None;
    let error = world.refusal().await.to_string();
    assert!(error.contains("UnknownIssuer"), "{error}");
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let world = World::plain(true).await;
    world.pushed().await;
    let error = |rest: String| {
        let world = &world;
        async move { world.pull(&rest).await.unwrap_err().to_string() }
    };
    assert!(error(":2".into()).await.contains("does not have the component under the tag '2'"));
    assert!(error(format!("@{}", Digest::of(b"x"))).await.contains("does not have the component's manifest sha256:"));
    assert!(error(String::new()).await.contains("a tag or a digest is needed"));
}

//! Who is asking: which credential goes where, and where none goes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_broker::oci::OciError;

use super::{
    fake::{Arrived, ENDLESS, Fake, reply},
    world::{OTHER, REGISTRY, SECRET, World, artifact},
};

fn basic() -> String {
    format!("Basic {}", STANDARD.encode(format!("ann:{SECRET}")))
}

/// Lets the registry refuse whoever does not show this, with this challenge.
fn wants(fake: &Fake, expected: &str, challenge: &str) {
    let (expected, challenge) = (expected.to_owned(), challenge.to_owned());
    fake.rule(move |one| {
        let fine = one.header("authorization") == Some(&expected) || !one.path.starts_with("/v2/");
        (!fine).then(|| reply(&format!("401 Unauthorized\r\nwww-authenticate: {challenge}"), b""))
    });
}

/// Lets a server give out a token to whoever shows name and password, and else another one.
fn gives(fake: &Fake, token: &str) {
    let token = token.to_owned();
    fake.rule(move |one: &Arrived| {
        let name = if one.header("authorization") == Some(&basic()) { &token } else { "anonymous" };
        one.path.starts_with("/token").then(|| reply("200 OK", format!("{{\"token\":\"{name}\"}}").as_bytes()))
    });
}

#[tokio::test]
async fn a_password_is_shown_when_it_is_asked_for_and_to_the_registry() {
    let world = World::plain(true).await.known();
    wants(&world.fake, &basic(), "Basic realm=\"x\"");
    world.pushed().await;
    world.pull(":1").await.unwrap();
    let arrived = world.fake.arrived();
    assert_eq!(arrived[0].header("authorization"), None, "not before it is asked for");
    assert_eq!(arrived.iter().filter(|one| one.header("authorization").is_none()).count(), 2, "asked for once each");

    let mut nobody = World::plain(true).await;
    wants(&nobody.fake, &basic(), "Basic realm=\"x\"");
    let error = nobody.refusal().await.to_string();
    assert!(error.contains("give --username"), "{error}");
    nobody.credentials = world.credentials;
    wants(&nobody.fake, "Basic other", "Basic realm=\"x\"");
    let error = nobody.refusal().await.to_string();
    assert!(error.contains("they are not good for the component under the tag '1'"), "{error}");
}

#[tokio::test]
async fn a_token_for_one_repository_from_the_service_that_the_registry_names() {
    let service = Fake::tls(OTHER).await;
    gives(&service, "tok-1");
    let world = World::tls().await.placed(&service).known();
    wants(
        &world.fake,
        "Bearer tok-1",
        &format!("Bearer realm=\"https://{OTHER}/token?x=y\",service=\"reg\",scope=\"repository:*:*\""),
    );
    world.pushed().await;
    world.pull(":1").await.unwrap();
    let asked = service.arrived();
    assert_eq!(asked.len(), 2, "once for each");
    assert_eq!(asked[0].path, "/token?x=y&service=reg&scope=repository%3Aacme%2Fguard%3Apull%2Cpush");
    assert_eq!(
        asked[1].path, "/token?x=y&service=reg&scope=repository%3Aacme%2Fguard%3Apull",
        "no more than is needed"
    );
    assert!(
        world.fake.arrived().iter().all(|one| one.header("authorization") != Some(&basic())),
        "the password stays away"
    );
}

#[tokio::test]
async fn anonymous_tokens() {
    let service = Fake::tls(OTHER).await;
    gives(&service, "tok-1");
    let world = World::tls().await.placed(&service);
    world.pushed().await;
    wants(&world.fake, "Bearer anonymous", &format!("Bearer realm=\"https://{OTHER}/token\""));
    world.pull(":1").await.unwrap();
    wants(&world.fake, "Bearer tok-1", &format!("Bearer realm=\"https://{OTHER}/token\""));
    let error = world.refusal().await.to_string();
    assert!(error.contains("is not for everybody; give --username"), "{error}");
}

#[tokio::test]
async fn a_realm_that_is_not_asked() {
    let other = Fake::plain(true).await;
    gives(&other, "tok-1");
    let port = other.address.port();
    // Named by a registry that speaks TLS: no way but TLS, to a public host.
    for realm in [
        format!("http://127.0.0.1:{port}/token"),
        format!("https://127.0.0.1:{port}/token"),
        format!("https://unplaced.example.test:{port}/token"),
        format!("https://localhost:{port}/token"),
        "https://user:pass@other.example.test/token".to_owned(),
        "/token".to_owned(),
    ] {
        let world = World::tls().await.known();
        wants(&world.fake, "Bearer tok-1", &format!("Bearer realm=\"{realm}\""));
        let error = world.refusal().await;
        assert!(matches!(error, OciError::Elsewhere { .. } | OciError::Down { .. }), "{realm}: {error}");
    }
    // Named in plain HTTP: nobody but that very registry.
    for realm in [format!("http://127.0.0.1:{port}/token"), format!("https://{OTHER}/token")] {
        let world = World::plain(true).await.known().placed(&other);
        wants(&world.fake, "Bearer tok-1", &format!("Bearer realm=\"{realm}\""));
        let error = world.refusal().await.to_string();
        assert!(error.contains("it was named in plain HTTP"), "{realm}: {error}");
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_registry_that_gives_out_its_own_tokens() {
    let world = World::plain(true).await.known();
    gives(&world.fake, "own");
    let realm = format!("http://127.0.0.1:{}/token", world.fake.address.port());
    wants(&world.fake, "Bearer own", &format!("Bearer realm=\"{realm}\",service=s"));
    world.pushed().await;
    world.pull(":1").await.unwrap();
}

#[tokio::test]
async fn a_token_service_that_misbehaves() {
    let endless = [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", ENDLESS].concat();
    let redirect = reply(&format!("302 Found\r\nlocation: https://{REGISTRY}/stolen"), b"");
    for (answer, expected) in [
        (endless, "more than 65536 bytes"),
        (reply("200 OK", b"{}"), "no token in it"),
        (reply("200 OK", b"{\"token\":\"a b\"}"), "no token in it"),
        (reply("200 OK", b"{\"token\":\"a\\r\\nx: y\"}"), "no token in it"),
        (reply("200 OK", b"{\"token\":7, \"x\":\"secret-part\"}"), "not as expected"),
        (reply("200 OK\r\ncontent-encoding: gzip", b"\x1f\x8b"), "compressed"),
        (reply("401 Unauthorized", b""), "name or secret are wrong"),
        (redirect, "its token service answers 302"),
    ] {
        let service = Fake::tls(OTHER).await;
        let raw = answer.clone();
        service.rule(move |_| Some(raw.clone()));
        let world = World::tls().await.placed(&service).known();
        wants(&world.fake, "Bearer x", &format!("Bearer realm=\"https://{OTHER}/token\""));
        let error = world.refusal().await.to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(!error.contains("secret-part"), "{error}");
        assert_eq!(service.arrived().len(), 1);
        assert_eq!(world.fake.count("GET", "/stolen"), 0);
    }
}

#[tokio::test]
async fn a_blob_that_lies_elsewhere_is_fetched_without_the_credential() {
    let storage = Fake::tls(OTHER).await;
    let world = World::tls().await.placed(&storage).known();
    wants(&world.fake, &basic(), "Basic realm=\"x\"");
    world.pushed().await;
    let component = artifact(1).component;
    storage.rule(move |_| Some(reply("200 OK", &component)));
    world.fake.rule(|one| {
        one.is("GET", "/blobs/")
            .then(|| reply(&format!("307 Temporary Redirect\r\nlocation: https://{OTHER}/b?sig=1"), b""))
    });
    // What lies there is the component, so the first document is what fails: by its size.
    let error = world.refusal().await;
    assert!(matches!(error, OciError::TooLarge { .. }), "{error}");
    let arrived = storage.arrived();
    assert_eq!((arrived.len(), arrived[0].path.as_str()), (2, "/b?sig=1"));
    assert!(arrived.iter().all(|one| one.header("authorization").is_none()), "{arrived:?}");
    assert!(arrived.iter().all(|one| one.header("host") == Some(OTHER)));
}

#[tokio::test]
async fn a_redirect_that_is_not_followed() {
    let other = Fake::plain(true).await;
    let port = other.address.port();
    for place in [
        format!("http://127.0.0.1:{port}/b"),
        format!("https://127.0.0.1:{port}/b"),
        format!("https://unplaced.example.test:{port}/b"),
        format!("https://localhost:{port}/b"),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://u:p@other.example.test/b".to_owned(),
        "ftp://other.example.test/b".to_owned(),
    ] {
        let world = World::tls().await.known();
        world.pushed().await;
        let head = format!("307 Temporary Redirect\r\nlocation: {place}");
        world.fake.rule(move |one| one.is("GET", "/blobs/").then(|| reply(&head, b"")));
        let error = world.refusal().await;
        assert!(matches!(error, OciError::Elsewhere { .. } | OciError::Down { .. }), "{place}: {error}");
    }
    assert_eq!(other.connections(), 0);

    let world = World::tls().await;
    world.pushed().await;
    world.fake.rule(|one| one.is("GET", "/blobs/").then(|| reply("302 Found\r\nlocation: ./again", b"")));
    assert!(world.refusal().await.to_string().contains("more than 3 times"));
    // A manifest is where it is.
    let world = World::tls().await;
    world.fake.rule(|one| one.is("GET", "/manifests/").then(|| reply("302 Found\r\nlocation: ./again", b"")));
    assert!(world.refusal().await.to_string().contains("answered 302"));
}

#[tokio::test]
async fn whoever_left_the_registry_comes_back_without_the_credential() {
    let storage = Fake::tls(OTHER).await;
    let world = World::tls().await.placed(&storage).known();
    wants(&world.fake, &basic(), "Basic realm=\"x\"");
    world.pushed().await;
    let back = format!("https://{REGISTRY}:{}/v2/other/secret/blobs/x", world.fake.address.port());
    storage.rule(move |_| Some(reply(&format!("307 Back\r\nlocation: {back}"), b"")));
    world.fake.rule(|one| {
        let away = one.is("GET", "/acme/guard/blobs/");
        away.then(|| reply(&format!("307 Temporary Redirect\r\nlocation: https://{OTHER}/b"), b""))
    });
    let error = world.refusal().await.to_string();
    assert!(error.contains("answered 401"), "{error}");
    let came_back: Vec<Arrived> =
        world.fake.arrived().into_iter().filter(|one| one.is("GET", "/other/secret/")).collect();
    assert_eq!(came_back.len(), 1);
    assert_eq!(came_back[0].header("authorization"), None);
}

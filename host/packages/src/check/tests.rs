use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_model::{
    id::TenantId,
    release::{ReleaseError, ReleaseStore as _, Releases as _, StoredRelease},
};

use super::*;
use crate::{
    keys::{PublicKey, SecretKey},
    publish::sign_release,
    statement::Statement,
    testing::{Fake, Fixed, MANIFEST, Memory, component, importing, root},
};

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

/// A registry on this memory, which trusts these keys for what begins with com.example.
fn registry(memory: &Arc<Memory>, keys: &[PublicKey]) -> Registry {
    let own = SecretKey::generate(&Fixed::new());
    let anchor = memory.trusting(&own, &root(&own, keys));
    Registry::new(memory.clone(), memory.clone(), anchor, Arc::new(Fake), Arc::new(Fixed::new()))
}

/// Checks a release that is not stored, where these keys are trusted.
fn verify(stored: &StoredRelease, component: &Arc<[u8]>, keys: &[PublicKey]) -> Result<Examined, ReleaseError> {
    let registry = registry(&Arc::default(), keys);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(registry.examine(stored, &[], Some(component), &acme()))
}

const RULES: Rules<'static> = Rules { catalogue: &Fake };

struct Signed {
    stored: StoredRelease,
    component: Arc<[u8]>,
    key: SecretKey,
    other: SecretKey,
}

fn signed() -> Signed {
    let rng = Fixed::new();
    let (key, other) = (SecretKey::generate(&rng), SecretKey::generate(&rng));
    let component: Arc<[u8]> = component().into();
    let envelope = sign_release(&component, MANIFEST, &key, RULES).unwrap().to_json();
    let stored = StoredRelease { digest: Digest::of(&component), manifest: MANIFEST.into(), envelope };
    Signed { stored, component, key, other }
}

/// A release of this component under this manifest that nobody checked before signing.
fn unchecked(component: &[u8], manifest: &str, key: &SecretKey) -> StoredRelease {
    let digest = Digest::of(component);
    let statement = Statement::new(&Manifest::parse(manifest).unwrap(), &digest);
    let envelope = statement.signed(key).unwrap().to_json();
    StoredRelease { digest, manifest: manifest.into(), envelope }
}

fn reason(result: Result<Examined, ReleaseError>) -> String {
    match result {
        Err(ReleaseError::Refused { reason, .. }) => reason,
        Err(other) => other.to_string(),
        Ok(_) => "accepted".to_owned(),
    }
}

#[test]
fn a_release_as_it_was_signed_holds() {
    let Signed { stored, component, key, .. } = signed();
    let examined = verify(&stored, &component, &[key.public()]).unwrap();
    assert_eq!(examined.release.digest, Digest::of(&component));
    assert_eq!(examined.release.asked, examined.manifest.asked());
    assert_eq!(examined.release.version, "1.2.0");
    assert_eq!((examined.release.number, examined.release.reviewed), (3, None));
}

type Tamper = fn(&mut Signed);

/// Each row: what is tampered with, how, and what the refusal must name.
const TAMPERING: &[(&str, Tamper, &str)] = &[
    ("a byte of the component", |s| flip(&mut s.component, 40), "component digest mismatch: the release is"),
    (
        "the component, and the digest it is stored under",
        |s| {
            flip(&mut s.component, 40);
            s.stored.digest = Digest::of(&s.component);
        },
        "component digest mismatch: ",
    ),
    ("a byte of the manifest", |s| replace(&mut s.stored.manifest, "to tell", "to sell"), "manifest digest mismatch"),
    ("a comment in the manifest", |s| s.stored.manifest.push('#'), "manifest digest mismatch"),
    (
        "the manifest's scope",
        |s| replace(&mut s.stored.manifest, "=comments", "=comments,tags"),
        "manifest digest mismatch",
    ),
    ("the version", |s| replace(&mut s.stored.manifest, "1.2.0", "1.2.1"), "version mismatch"),
    (
        "the release number",
        |s| replace(&mut s.stored.manifest, "release = 3", "release = 9"),
        "release number mismatch",
    ),
    ("the plugin", |s| replace(&mut s.stored.manifest, ".card-guard", ".other"), "plugin id mismatch"),
    (
        "the manifest, for another publisher's",
        |s| {
            replace(&mut s.stored.manifest, "\"com.example.card-guard\"", "\"org.evil.card-guard\"");
            replace(&mut s.stored.manifest, "\"com.example\"", "\"org.evil\"");
        },
        "the root of 'platform' lets nobody publish 'org.evil.card-guard'",
    ),
    ("a byte of the payload", |s| tamper_payload(&mut s.stored), "signature 0 does not verify"),
    ("a byte of the signature", |s| tamper_signature(&mut s.stored), "signature 0 does not verify"),
    ("the key", |s| s.stored = unchecked(&s.component, MANIFEST, &s.other), "signature 0 does not verify"),
    ("another release's envelope", |s| swap_envelope(s), "version mismatch"),
    ("the envelope, emptied", |s| s.stored.envelope.clear(), "envelope is not JSON"),
];

fn flip(component: &mut Arc<[u8]>, at: usize) {
    let mut bytes = component.to_vec();
    bytes[at] ^= 1;
    *component = bytes.into();
}

fn replace(text: &mut String, from: &str, to: &str) {
    assert!(text.contains(from), "{from}");
    *text = text.replace(from, to);
}

fn decoded(json: &serde_json::Value) -> Vec<u8> {
    STANDARD.decode(json.as_str().unwrap()).unwrap()
}

fn tamper_payload(stored: &mut StoredRelease) {
    let mut json: serde_json::Value = serde_json::from_str(&stored.envelope).unwrap();
    let payload = String::from_utf8(decoded(&json["payload"])).unwrap().replace("\"release\":3", "\"release\":4");
    json["payload"] = STANDARD.encode(payload).into();
    stored.envelope = json.to_string();
}

fn tamper_signature(stored: &mut StoredRelease) {
    let mut json: serde_json::Value = serde_json::from_str(&stored.envelope).unwrap();
    let mut bytes = decoded(&json["signatures"][0]["sig"]);
    bytes[10] ^= 1;
    json["signatures"][0]["sig"] = STANDARD.encode(bytes).into();
    stored.envelope = json.to_string();
}

fn swap_envelope(signed: &mut Signed) {
    let newer = MANIFEST.replace("1.2.0", "1.3.0");
    signed.stored.envelope = unchecked(&signed.component, &newer, &signed.key).envelope;
}

#[test]
fn whatever_is_tampered_with_is_named() {
    for (what, tamper, error) in TAMPERING {
        let mut release = signed();
        tamper(&mut release);
        let keys = [release.key.public()];
        let found = reason(verify(&release.stored, &release.component, &keys));
        assert!(found.starts_with(error), "{what}: {found}");
    }
}

#[test]
fn every_bit_of_the_signature_matters() {
    let release = signed();
    let keys = [release.key.public()];
    let json: serde_json::Value = serde_json::from_str(&release.stored.envelope).unwrap();
    let good = decoded(&json["signatures"][0]["sig"]);
    for bit in 0..good.len() * 8 {
        let (mut bytes, mut json) = (good.clone(), json.clone());
        bytes[bit / 8] ^= 1 << (bit % 8);
        json["signatures"][0]["sig"] = STANDARD.encode(bytes).into();
        let stored = StoredRelease { envelope: json.to_string(), ..release.stored.clone() };
        assert!(verify(&stored, &release.component, &keys).is_err(), "bit {bit}");
    }
}

#[test]
fn without_a_key_nothing_holds() {
    let Signed { stored, component, other, .. } = signed();
    let nobody = reason(verify(&stored, &component, &[]));
    assert!(nobody.contains("lets nobody publish 'com.example.card-guard'"), "{nobody}");
    let strangers = reason(verify(&stored, &component, &[other.public()]));
    assert!(strangers.contains("with any trusted key of publisher com.example"), "{strangers}");
}

#[test]
fn imports_are_held_against_the_manifest() {
    let key = signed().key;
    for (imports, error) in [
        (["portcullis:plugin/http@0.1.0", "portcullis:plugin/types@0.1.0"], "accepted"),
        (["wasi:io/poll@0.2.0", "wasi:clocks/wall-clock@0.2.0"], "accepted"),
        (
            ["wasi:io/poll@0.2.0", "wasi:sockets/tcp@0.2.0"],
            "imports wasi:sockets/tcp@0.2.0, which this host does not offer",
        ),
        (["wasi:http/types@0.2.0", "wasi:io/poll@0.2.0"], "accepted"),
        (["wasi:keyvalue/store@0.2.0", "wasi:io/poll@0.2.0"], "imports wasi:keyvalue/store@0.2.0, which this host"),
        (
            ["portcullis:plugin/teleport@0.1.0", "wasi:io/poll@0.2.0"],
            "imports portcullis:plugin/teleport, which this host has no capability",
        ),
        (
            ["portcullis:plugin/events@0.1.0", "wasi:io/poll@0.2.0"],
            "imports portcullis:plugin/events, which this host has no capability",
        ),
    ] {
        let component: Arc<[u8]> = importing(&imports).into();
        let stored = unchecked(&component, MANIFEST, &key);
        let found = reason(verify(&stored, &component, &[key.public()]));
        assert!(found.contains(error), "{imports:?}: {found}");
    }
    // What is no interface is none that is offered, whatever it is called.
    let func: Arc<[u8]> = wat::parse_str(r#"(component (import "wasi:io/poll@0.2.0" (func)))"#).unwrap().into();
    let stored = unchecked(&func, MANIFEST, &key);
    let found = reason(verify(&stored, &func, &[key.public()]));
    assert!(found.contains("imports wasi:io/poll@0.2.0, which this host does not offer"), "{found}");
    let wasi: Arc<[u8]> = importing(&["wasi:http/types@0.2.0"]).into();
    let stored = unchecked(&wasi, &MANIFEST.replace("http:send to", "tickets:read fields"), &key);
    let found = reason(verify(&stored, &wasi, &[key.public()]));
    let expected = "imports wasi:http/types@0.2.0 (the capability http), but the manifest asks for no scope of it";
    assert!(found.contains(expected), "{found}");
    let component: Arc<[u8]> = component().into();
    let manifest = MANIFEST.replace("tickets:read fields=comments", "http:send to=other.test");
    let stored = unchecked(&component, &manifest, &key);
    let found = reason(verify(&stored, &component, &[key.public()]));
    assert!(found.contains("imports portcullis:plugin/tickets, but the manifest asks for no scope"), "{found}");
}

#[test]
fn a_release_that_carries_a_secret_is_refused() {
    let key = signed().key;
    let token = "ghp_1aB2cD3eF4gH5iJ6kL7mN8oP9qR0sT1uV2wX";
    let text = format!(r#"(component (core module (memory 1) (data "{token}")))"#);
    let leaky: Arc<[u8]> = wat::parse_str(text).unwrap().into();
    let stored = unchecked(&leaky, MANIFEST, &key);
    let found = reason(verify(&stored, &leaky, &[key.public()]));
    assert!(found.starts_with("the component carries what looks like a secret: a GitHub token at byte "), "{found}");
    assert!(found.contains("(ghp_…)") && !found.contains("ghp_1"), "{found}");
    assert!(matches!(sign_release(&leaky, MANIFEST, &key, RULES), Err(Refusal::Secret { .. })));

    // A comment goes to whoever gets the manifest.
    let manifest = format!("{MANIFEST}# {token}\n");
    let component: Arc<[u8]> = component().into();
    let stored = unchecked(&component, &manifest, &key);
    let found = reason(verify(&stored, &component, &[key.public()]));
    let at = format!("the manifest carries what looks like a secret: a GitHub token at byte {}", MANIFEST.len() + 2);
    assert!(found.starts_with(&at), "{found}");
}

#[test]
fn scopes_that_nobody_understands_are_refused_although_they_were_signed() {
    let Signed { component, key, .. } = signed();
    let stored = unchecked(&component, &MANIFEST.replace("tickets:read", "tickets:eat"), &key);
    let found = reason(verify(&stored, &component, &[key.public()]));
    assert!(found.contains("tickets has no action 'eat'"), "{found}");
}

#[tokio::test]
async fn the_registry_reads_and_checks_anew_each_time() {
    let Signed { stored, component, key, .. } = signed();
    let store: Arc<Memory> = Arc::default();
    let registry = registry(&store, &[key.public()]);
    let (digest, id) = (stored.digest, stored.id());
    let verified = async || registry.verified(&id, &acme()).await;
    assert!(matches!(verified().await, Err(ReleaseError::Missing(missing)) if missing == digest));

    store.put_release(stored, component.clone()).await.unwrap();
    assert_eq!(verified().await.unwrap().plugin.as_str(), "com.example.card-guard");
    assert_eq!(registry.component(&id).await.unwrap(), component);

    let mut changed = component;
    flip(&mut changed, 40);
    store.releases.lock().unwrap().get_mut(&id).unwrap().1 = changed;
    assert!(registry.component(&id).await.unwrap_err().to_string().contains("component digest mismatch"));
    let other = Registry::new(
        store.clone(),
        store.clone(),
        Digest::of(b"another root"),
        Arc::new(Fake),
        Arc::new(Fixed::new()),
    );
    let error = other.verified(&id, &acme()).await.unwrap_err().to_string();
    assert!(error.contains("but this host was set up with sha256:"), "{error}");

    store.releases.lock().unwrap().get_mut(&id).unwrap().0.digest = Digest::of(b"another");
    let error = verified().await.unwrap_err().to_string();
    assert!(error.contains(&digest.to_string()), "the digest that was asked for is the one that counts: {error}");
}

#[tokio::test]
async fn bytes_that_nobody_has_inspected_are_hashed_before_they_are() {
    let Signed { stored, mut component, key, .. } = signed();
    let store: Arc<Memory> = Arc::default();
    let registry = registry(&store, &[key.public()]);
    let id = stored.id();
    flip(&mut component, 40);
    store.put_release(stored, component).await.unwrap();
    let error = registry.verified(&id, &acme()).await.unwrap_err().to_string();
    assert!(error.contains("component digest mismatch"), "{error}");
}

#[tokio::test]
async fn one_component_with_two_manifests_is_two_releases() {
    let Signed { stored, component, key, .. } = signed();
    let store: Arc<Memory> = Arc::default();
    let registry = registry(&store, &[key.public()]);
    let other = unchecked(&component, &MANIFEST.replace("release = ", "release = 1"), &key);
    for one in [&stored, &other] {
        store.put_release(one.clone(), component.clone()).await.unwrap();
    }
    for one in [&stored, &other] {
        let examined = registry.examined(&one.id(), &acme()).await.unwrap();
        assert_eq!(examined.manifest.digest, one.id().manifest);
    }
    // A row that holds another release, whole and signed, is not the one that was asked for.
    store.releases.lock().unwrap().get_mut(&stored.id()).unwrap().0 = other;
    let error = registry.examined(&stored.id(), &acme()).await.unwrap_err().to_string();
    assert!(error.contains("manifest digest mismatch"), "{error}");
}

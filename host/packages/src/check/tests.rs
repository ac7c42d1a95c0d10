use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_model::{
    audit::Actor, audit::Entry, audit::Kind, installation::InstallationStore as _, time::Timestamp,
};

use super::*;
use crate::{
    keys::SecretKey,
    publish::sign_release,
    testing::{Fake, Fixed, MANIFEST, Memory, component, importing},
};

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
    let envelope = Envelope::sign(PayloadType::Statement, statement.to_bytes(), key).unwrap().to_json();
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
    let examined = verify(&stored, &component, &[key.public().to_bytes()], RULES).unwrap();
    assert_eq!(examined.release.digest, Digest::of(&component));
    assert_eq!(examined.release.asked, examined.manifest.asked());
    assert_eq!(examined.release.version, "1.2.0");
    assert!(Arc::ptr_eq(&examined.release.component, &component));
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
        "plugin id mismatch",
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
        let keys = [release.key.public().to_bytes()];
        let found = reason(verify(&release.stored, &release.component, &keys, RULES));
        assert!(found.starts_with(error), "{what}: {found}");
    }
}

#[test]
fn every_bit_of_the_signature_matters() {
    let release = signed();
    let keys = [release.key.public().to_bytes()];
    let json: serde_json::Value = serde_json::from_str(&release.stored.envelope).unwrap();
    let good = decoded(&json["signatures"][0]["sig"]);
    for bit in 0..good.len() * 8 {
        let (mut bytes, mut json) = (good.clone(), json.clone());
        bytes[bit / 8] ^= 1 << (bit % 8);
        json["signatures"][0]["sig"] = STANDARD.encode(bytes).into();
        let stored = StoredRelease { envelope: json.to_string(), ..release.stored.clone() };
        assert!(verify(&stored, &release.component, &keys, RULES).is_err(), "bit {bit}");
    }
}

#[test]
fn without_a_key_nothing_holds() {
    let Signed { stored, component, other, .. } = signed();
    assert!(reason(verify(&stored, &component, &[], RULES)).contains("no key of publisher com.example is trusted"));
    assert!(
        reason(verify(&stored, &component, &[[0; 32]], RULES)).contains("no key of publisher"),
        "a weak key is none"
    );
    let strangers = reason(verify(&stored, &component, &[other.public().to_bytes()], RULES));
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
            "imports portcullis:plugin/teleport, which is no capability",
        ),
        (
            ["portcullis:plugin/events@0.1.0", "wasi:io/poll@0.2.0"],
            "imports portcullis:plugin/events, which is no capability",
        ),
    ] {
        let component: Arc<[u8]> = importing(&imports).into();
        let stored = unchecked(&component, MANIFEST, &key);
        let found = reason(verify(&stored, &component, &[key.public().to_bytes()], RULES));
        assert!(found.contains(error), "{imports:?}: {found}");
    }
    // What is no interface is none that is offered, whatever it is called.
    let func: Arc<[u8]> = wat::parse_str(r#"(component (import "wasi:io/poll@0.2.0" (func)))"#).unwrap().into();
    let stored = unchecked(&func, MANIFEST, &key);
    let found = reason(verify(&stored, &func, &[key.public().to_bytes()], RULES));
    assert!(found.contains("imports wasi:io/poll@0.2.0, which this host does not offer"), "{found}");
    let wasi: Arc<[u8]> = importing(&["wasi:http/types@0.2.0"]).into();
    let stored = unchecked(&wasi, &MANIFEST.replace("http:send to", "tickets:read fields"), &key);
    let found = reason(verify(&stored, &wasi, &[key.public().to_bytes()], RULES));
    let expected = "imports wasi:http/types@0.2.0 (the capability http), but the manifest asks for no scope of it";
    assert!(found.contains(expected), "{found}");
    let component: Arc<[u8]> = component().into();
    let manifest = MANIFEST.replace("tickets:read fields=comments", "http:send to=other.test");
    let stored = unchecked(&component, &manifest, &key);
    let found = reason(verify(&stored, &component, &[key.public().to_bytes()], RULES));
    assert!(found.contains("imports portcullis:plugin/tickets, but the manifest asks for no scope"), "{found}");
}

#[test]
fn scopes_that_nobody_understands_are_refused_although_they_were_signed() {
    let Signed { component, key, .. } = signed();
    let stored = unchecked(&component, &MANIFEST.replace("tickets:read", "tickets:eat"), &key);
    let found = reason(verify(&stored, &component, &[key.public().to_bytes()], RULES));
    assert!(found.contains("tickets has no action 'eat'"), "{found}");
}

#[tokio::test]
async fn the_registry_reads_and_checks_anew_each_time() {
    let Signed { stored, component, key, .. } = signed();
    let store = Arc::new(Memory::default());
    let registry = Registry::new(store.clone(), Arc::new(Fake));
    let (digest, id) = (stored.digest, stored.id());
    assert!(matches!(registry.verified(&id).await, Err(ReleaseError::Missing(missing)) if missing == digest));

    store.put_release(stored, component.clone()).await.unwrap();
    assert!(registry.verified(&id).await.unwrap_err().to_string().contains("no key of publisher"));

    let entry = Entry::new(Timestamp(0), Kind::TrustAdded, Actor::Host, None);
    store.trust_key("com.example".parse().unwrap(), key.public().to_bytes(), entry).await.unwrap();
    assert_eq!(registry.verified(&id).await.unwrap().plugin.as_str(), "com.example.card-guard");

    let mut changed = component;
    flip(&mut changed, 40);
    store.releases.lock().unwrap().get_mut(&id).unwrap().1 = changed;
    assert!(registry.verified(&id).await.unwrap_err().to_string().contains("component digest mismatch"));

    store.releases.lock().unwrap().get_mut(&id).unwrap().0.digest = Digest::of(b"another");
    let error = registry.verified(&id).await.unwrap_err().to_string();
    assert!(error.contains(&digest.to_string()), "the digest that was asked for is the one that counts: {error}");
}

#[tokio::test]
async fn one_component_with_two_manifests_is_two_releases() {
    let Signed { stored, component, key, .. } = signed();
    let store = Arc::new(Memory::default());
    let registry = Registry::new(store.clone(), Arc::new(Fake));
    let entry = Entry::new(Timestamp(0), Kind::TrustAdded, Actor::Host, None);
    store.trust_key("com.example".parse().unwrap(), key.public().to_bytes(), entry).await.unwrap();
    let other = unchecked(&component, &MANIFEST.replace("release = ", "release = 1"), &key);
    for one in [&stored, &other] {
        store.put_release(one.clone(), component.clone()).await.unwrap();
    }
    for one in [&stored, &other] {
        let examined = registry.examined(&one.id()).await.unwrap();
        assert_eq!(examined.manifest.digest, one.id().manifest);
    }
    // A row that holds another release, whole and signed, is not the one that was asked for.
    store.releases.lock().unwrap().get_mut(&stored.id()).unwrap().0 = other;
    let error = registry.examined(&stored.id()).await.unwrap_err().to_string();
    assert!(error.contains("manifest digest mismatch"), "{error}");
}

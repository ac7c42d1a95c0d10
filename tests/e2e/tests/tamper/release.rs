//! A release that was changed on its way from its publisher: not installed, and recorded as refused.

use std::fs;

use portcullis_e2e::Lab;
use portcullis_model::audit::Kind;
use portcullis_packages::{keys::SecretKey, release_dir::read_release};

use crate::{flipped, order, package, rows};

/// A handed-over release in the lab's directory.
struct Handed {
    lab: Lab,
    refused: usize,
}

impl Handed {
    async fn new() -> Self {
        let lab = Lab::new().await;
        lab.trust(&package()).await;
        package().write(lab.dir(), &lab.key);
        Self { lab, refused: 0 }
    }

    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.lab.dir().join(file)).unwrap()
    }

    fn write(&self, file: &str, bytes: &[u8]) {
        fs::write(self.lab.dir().join(file), bytes).unwrap();
    }

    /// Why it is refused.
    async fn refusal(&mut self, what: &str) -> String {
        let files = match read_release(self.lab.dir()) {
            Ok(files) => files,
            Err(error) => return error.to_string(),
        };
        match self.lab.try_install(&files, order()).await {
            Ok(installation) => panic!("{what}: was installed as {}", installation.id),
            Err(error) => {
                self.refused += 1;
                error.to_string()
            }
        }
    }

    /// Puts changed bytes in a file's place for one try.
    async fn with(&mut self, file: &str, changed: &[u8], what: &str) -> String {
        let whole = self.read(file);
        assert_ne!(whole, changed, "{what}");
        self.write(file, changed);
        let refusal = self.refusal(what).await;
        self.write(file, &whole);
        refusal
    }

    /// Nothing of what was refused is there, but for the word that it was; and the release as it was handed over is fine.
    async fn ends(self) {
        assert_eq!((rows(&self.lab, "releases"), rows(&self.lab, "installations")), (0, 0));
        let recorded = self.lab.entries_of(Kind::ReleaseRefused).await;
        assert_eq!(recorded.len(), self.refused, "each refusal is in the log");
        assert!(recorded.iter().all(|entry| entry.text("at") == Some("install") && entry.text("reason").is_some()));
        let files = read_release(self.lab.dir()).unwrap();
        self.lab.try_install(&files, order()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_component() {
    let mut handed = Handed::new().await;
    let component = handed.read("plugin.wasm");
    let last = component.len() - 1;
    for at in (0..component.len()).step_by(component.len() / 40).chain([last]) {
        let refusal = handed.with("plugin.wasm", &flipped(&component, at), &format!("byte {at}")).await;
        assert!(refusal.contains("component digest mismatch"), "byte {at}: {refusal}");
    }
    let longer = [component.as_slice(), b"\0"].concat();
    for (what, changed) in [("cut", &component[..last]), ("longer", &longer), ("nothing", &[])] {
        let refusal = handed.with("plugin.wasm", changed, what).await;
        assert!(refusal.contains("component digest mismatch"), "{what}: {refusal}");
    }
    handed.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_manifest() {
    let mut handed = Handed::new().await;
    let manifest = handed.read("portcullis.toml");
    let mut by_digest = 0;
    for at in (0..manifest.len()).step_by(3) {
        let changed = flipped(&manifest, at);
        let refusal = handed.with("portcullis.toml", &changed, &format!("byte {at}")).await;
        by_digest += usize::from(refusal.contains("manifest digest mismatch"));
        let named = ["manifest", "scope", "plugin id", "publisher", "version", "release number"];
        assert!(named.iter().any(|word| refusal.contains(word)), "byte {at}: {refusal}");
    }
    assert!(by_digest > 20, "many changes can be read and are found by the digest alone: {by_digest}");
    let text = String::from_utf8(manifest).unwrap();
    let more = text.replace("[limits]", "[[scopes]]\nscope = \"tickets:redact\"\npurpose = \"x\"\n\n[limits]");
    for (what, changed) in [("one more scope", more), ("a space at the end", format!("{text} "))] {
        let refusal = handed.with("portcullis.toml", changed.as_bytes(), what).await;
        assert!(refusal.contains("manifest digest mismatch"), "{what}: {refusal}");
    }
    handed.ends().await;
}

/// Every byte counts but those of the key id, which is a hint that nothing is decided by.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_envelope() {
    let mut handed = Handed::new().await;
    let envelope = handed.read("release.dsse.json");
    let text = String::from_utf8(envelope.clone()).unwrap();
    let hint = text.find("\"keyid\"").unwrap()..text.find("\"sig\"").unwrap();
    let signature = text.find("\"sig\"").unwrap() + 7..text.rfind("\"}]").unwrap();
    for at in (0..envelope.len()).filter(|at| !hint.contains(at)) {
        let refusal = handed.with("release.dsse.json", &flipped(&envelope, at), &format!("byte {at}")).await;
        let named = if signature.contains(&at) { &["signature"][..] } else { &["envelope", "signature", "payload"] };
        assert!(named.iter().any(|word| refusal.contains(word)), "byte {at}: {refusal}");
    }
    let odd = handed.with("release.dsse.json", b"{\"payload\":\"\xff\"}", "not UTF-8").await;
    assert!(odd.contains("release.dsse.json is not UTF-8"), "{odd}");
    handed.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_by_somebody_else() {
    let mut handed = Handed::new().await;
    let stranger = SecretKey::generate(handed.lab.host.rng.as_ref());
    let forged = package().signed(&stranger).stored.envelope;
    let refusal = handed.with("release.dsse.json", forged.as_bytes(), "a stranger's signature").await;
    assert!(refusal.contains("signature 0 does not verify with any trusted key of publisher test.guests"), "{refusal}");
    // A good signature of the same publisher, for another release.
    let other = portcullis_e2e::Package::guest("echo", &[], "").signed(&handed.lab.key).stored.envelope;
    let refusal = handed.with("release.dsse.json", other.as_bytes(), "another release's signature").await;
    assert!(refusal.contains("plugin id mismatch: test.guests.echo was signed"), "{refusal}");
    handed.ends().await;
}

/// A key counts for the publisher whom it was trusted for, and for no other.
#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_key_of_another_publisher() {
    let lab = Lab::new().await;
    lab.trust(&package()).await;
    let mut other = package();
    other.manifest = other.manifest.replace("test.guests", "test.others");
    let error = lab.try_install(&other.signed(&lab.key), order()).await.unwrap_err().to_string();
    assert!(error.contains("lets nobody publish 'test.others"), "{error}");
    assert_eq!(rows(&lab, "installations"), 0);
}

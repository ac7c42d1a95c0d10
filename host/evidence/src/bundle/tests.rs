use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use portcullis_audit::{ENTRY_PROOF, EntryProof, InView, Log, LogKey, LogVerifier, Publisher, View, ViewLog};
use portcullis_model::{
    audit::{Actor, Entry, Kind, Opening, reader::Shown},
    time::{Rng, Timestamp},
};

use super::*;

mod packed;

/// Something, and what it is called.
type Named<T> = (&'static str, T);

/// Not random at all.
struct Counter(u8);
impl Rng for Counter {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.iter_mut().zip(self.0..).for_each(|(byte, n)| *byte = n);
    }
}

fn key() -> LogKey {
    LogKey::generate(&Counter(1))
}

/// What a host has: entries 0 to 5, with their proofs.
struct Source {
    dir: tempfile::TempDir,
    log: Log,
    shown: Vec<Shown>,
    proofs: Vec<EntryProof>,
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn source() -> Source {
    let dir = tempfile::tempdir().unwrap();
    let mut publisher = Publisher::create(&dir.path().join("log"), key()).unwrap();
    let mut view = View::new("0a".repeat(16));
    let mut sealed = Vec::new();
    for n in 0..6u8 {
        let actor = Actor::Person { name: format!("<b>person {n}</b>") };
        let entry = Entry::new(Timestamp(i64::from(n)), Kind::PluginGranted, actor, None)
            .about(format!("installation:ins_{n}"))
            .with("reason", "because \"so\"");
        let mut salt = n * 10;
        sealed.push(
            entry
                .seal(|| {
                    salt += 1;
                    [salt; 32]
                })
                .unwrap(),
        );
    }
    let leaves: Vec<Vec<u8>> = sealed.iter().zip(0..).map(|(one, n)| view.push(n, &one.body).encode()).collect();
    publisher.append(&leaves).unwrap();
    let head = publisher.sign_view(&view).unwrap();
    let tiles = view.take_tiles();
    let log = Log::open(&dir.path().join("log"), &key().verifier()).unwrap();
    let proofs = sealed.iter().zip(&leaves).zip(0u64..).map(|((one, leaf), index)| {
        let tile = |level: u8, n: u64| {
            let found = tiles.iter().find(|tile| (tile.level, tile.n) == (level, n));
            Ok::<_, String>(found.map(|tile| tile.hashes.clone()))
        };
        EntryProof {
            format: ENTRY_PROOF.to_owned(),
            index,
            entry: text(one.body.clone()),
            leaf: Some(text(leaf.clone())),
            proof: text(log.proof_text(index).unwrap()),
            key: key().vkey(),
            view: Some(InView {
                tag: view.tag().to_owned(),
                position: index,
                proof: text(ViewLog::new(head.clone(), tile).proof_text(index).unwrap()),
                key: key().verifier().of_view(view.tag()).vkey(),
            }),
        }
    });
    let proofs = proofs.collect();
    let shown = sealed.into_iter().zip(0..).map(|(one, index)| Shown {
        index,
        entry: None,
        fault: None,
        body: Some(text(one.body)),
        openings: one.openings,
        erased: BTreeMap::new(),
        disposed: None,
        leaf: None,
    });
    Source { log, proofs, shown: shown.collect(), dir }
}

impl Source {
    fn begin(&self, name: &str, personal: bool) -> (PathBuf, Maker) {
        let out = self.dir.path().join(name);
        let about = ("kind=plugin.granted", Timestamp(1_000), personal);
        let maker = Maker::create(&out, &key().verifier(), self.log.head(), about).unwrap();
        (out, maker)
    }

    /// Of entries 1, 3 and 4.
    fn bundle(&self, name: &str, personal: bool) -> PathBuf {
        let (out, mut maker) = self.begin(name, personal);
        for n in [1, 3, 4] {
            maker.put(&self.shown[n], &self.proofs[n]).unwrap();
        }
        maker.leave_out(5, Some(6)).unwrap();
        maker.finish(&key(), self.log.head().note(), &[]).unwrap().publish().unwrap();
        out
    }
}

fn verifier() -> LogVerifier {
    key().verifier()
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

/// Signs the manifest anew over what lies there: as the host itself could, if it lied.
fn sign_anew(dir: &Path, change: impl FnOnce(&mut Manifest)) {
    use sha2::{Digest as _, Sha256};
    let said = verifier().statement(SIGNED_AS, &fs::read(dir.join(MANIFEST)).unwrap()).unwrap();
    let mut manifest: Manifest = serde_json::from_str(&said).unwrap();
    for (name, digest) in &mut manifest.files {
        *digest = hex::encode(Sha256::digest(fs::read(dir.join(name)).unwrap()));
    }
    change(&mut manifest);
    let note = key().sign_statement(SIGNED_AS, &format!("{}\n", serde_json::to_string_pretty(&manifest).unwrap()));
    fs::write(dir.join(MANIFEST), note.unwrap()).unwrap();
}

#[test]
fn a_bundle_is_verified_with_the_key_alone() {
    let source = source();
    let out = source.bundle("out", true);
    let verified = verify_bundle(&out, &verifier()).unwrap();
    assert_eq!((verified.manifest.entries, verified.manifest.size, verified.key), (3, 6, key().vkey()));
    assert_eq!(verified.manifest.left_out, [LeftOut { index: 5, disposed: Some(6) }]);
    let page = read(&out, SUMMARY);
    assert!(
        page.contains("&lt;b&gt;person 1&lt;/b&gt;") && !page.contains("<b>") && !page.contains("<script"),
        "{page}"
    );
    let other = LogKey::generate(&Counter(9)).verifier();
    assert_eq!(verify_bundle(&out, &other).unwrap_err().to_string(), "manifest.note: is not signed by the log's key");
}

#[test]
fn personal_values_are_in_none_of_the_files_unless_they_are_asked_for() {
    let source = source();
    let out = source.bundle("out", false);
    verify_bundle(&out, &verifier()).unwrap();
    for name in FILES {
        let text = read(&out, name);
        assert!(!text.contains("person 1") && !text.contains("because"), "{name}: {text}");
    }
    assert!(read(&source.bundle("shown", true), ENTRIES).contains("person 1"));
}

#[test]
fn a_bundle_without_its_manifest_is_none() {
    let source = source();
    let (out, mut maker) = source.begin("out", true);
    maker.put(&source.shown[0], &source.proofs[0]).unwrap();
    maker.finish(&key(), source.log.head().note(), &[]).unwrap();
    assert_eq!(verify_bundle(&out, &verifier()).unwrap_err().file, MANIFEST);
}

#[test]
fn only_the_next_entry_with_its_own_proof_is_taken() {
    let source = source();
    let (_, mut maker) = source.begin("out", true);
    maker.put(&source.shown[3], &source.proofs[3]).unwrap();
    assert!(maker.put(&source.shown[3], &source.proofs[3]).is_err(), "twice");
    assert!(maker.put(&source.shown[1], &source.proofs[1]).is_err(), "an older one");
    assert!(maker.put(&source.shown[4], &source.proofs[5]).is_err(), "another's proof");
    let mut forged = source.proofs[4].clone();
    forged.entry = forged.entry.replace("ins_4", "ins_9");
    assert!(maker.put(&source.shown[4], &forged).is_err(), "another body");
    maker.put(&source.shown[4], &source.proofs[4]).unwrap();
}

#[test]
fn a_file_that_was_changed_cut_added_or_taken_is_named() {
    let source = source();
    for (n, name) in FILES.into_iter().chain([MANIFEST]).enumerate() {
        let changes: [Named<fn(&Path)>; 4] = [
            ("changed", |file| {
                let mut bytes = fs::read(file).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(file, bytes).unwrap();
            }),
            ("cut", |file| {
                let bytes = fs::read(file).unwrap();
                fs::write(file, &bytes[..bytes.len() - 1]).unwrap();
            }),
            ("grown", |file| fs::write(file, [fs::read(file).unwrap(), b"\n".to_vec()].concat()).unwrap()),
            ("taken", |file| fs::remove_file(file).unwrap()),
        ];
        for (how, change) in changes {
            let out = source.bundle(&format!("{how}{n}"), true);
            change(&out.join(name));
            assert_eq!(verify_bundle(&out, &verifier()).unwrap_err().file, name, "{how}");
        }
    }
    let out = source.bundle("added", true);
    fs::write(out.join("more.txt"), "x").unwrap();
    assert_eq!(verify_bundle(&out, &verifier()).unwrap_err().file, "more.txt");
    let out = source.bundle("linked", true);
    fs::rename(out.join(README), source.dir.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(source.dir.path().join("elsewhere"), out.join(README)).unwrap();
    assert_eq!(verify_bundle(&out, &verifier()).unwrap_err().to_string(), "README.txt: is no plain file");
}

#[test]
fn files_of_another_bundle_of_the_same_host_do_not_fit() {
    let source = source();
    for name in [ENTRIES, EVENTS, PROOFS, SUMMARY, MANIFEST] {
        let (other, mut maker) = source.begin(&format!("other-{name}"), true);
        maker.put(&source.shown[2], &source.proofs[2]).unwrap();
        maker.finish(&key(), source.log.head().note(), &[]).unwrap().publish().unwrap();
        let out = source.bundle(name, true);
        fs::copy(other.join(name), out.join(name)).unwrap();
        assert!(verify_bundle(&out, &verifier()).is_err(), "{name}");
    }
}

/// Makes a text another one.
type Lie = fn(String) -> String;

/// The manifest's signature is the host's word. What is proven does not rest on it.
#[test]
fn a_host_that_signs_what_is_not_in_its_log_is_found_out() {
    let source = source();
    let lies: [(&str, Named<Lie>); 7] = [
        (
            ENTRIES,
            ("another body", |text| {
                text.replacen("\\\"ins_", "\\\"inx_", 1).replacen("installation:ins_1\\\"", "installation:ins_9\\\"", 1)
            }),
        ),
        (ENTRIES, ("another reading", |text| text.replacen("person 1</b>\"},\"", "person 7</b>\"},\"", 1))),
        (ENTRIES, ("another opening", |text| text.replacen("\"value\":\"<b>person 1", "\"value\":\"<b>person 2", 1))),
        (ENTRIES, ("one fewer", |text| text.split_inclusive('\n').take(2).collect())),
        (PROOFS, ("another index", |text| text.replacen("\"index\":1,", "\"index\":2,", 1))),
        (PROOFS, ("another leaf", |text| text.replacen("\\\"size\\\":2", "\\\"size\\\":3", 1))),
        (EVENTS, ("another entry's event", |text| text.replacen("/1\"", "/2\"", 1))),
    ];
    for (n, (name, (what, lie))) in lies.into_iter().enumerate() {
        let out = source.bundle(&format!("lie{n}"), true);
        let (before, after) = (read(&out, name), lie(read(&out, name)));
        assert_ne!(before, after, "{what}");
        fs::write(out.join(name), after).unwrap();
        sign_anew(&out, |_| ());
        assert!(verify_bundle(&out, &verifier()).is_err(), "{what}");
    }
    let out = source.bundle("honest", true);
    sign_anew(&out, |_| ());
    verify_bundle(&out, &verifier()).unwrap();
    sign_anew(&out, |manifest| manifest.entries += 1);
    assert_eq!(verify_bundle(&out, &verifier()).unwrap_err().file, ENTRIES);
    sign_anew(&out, |manifest| manifest.size += 1);
    assert_eq!(verify_bundle(&out, &verifier()).unwrap_err().file, CHECKPOINT);
}

#[test]
fn an_opening_that_the_body_does_not_commit_to_is_not_bundled() {
    let mut source = source();
    source.shown[1].openings[0] =
        Opening { field: source.shown[1].openings[0].field.clone(), salt: [9; 32], value: "somebody else".into() };
    let (_, mut maker) = source.begin("out", true);
    assert!(maker.put(&source.shown[1], &source.proofs[1]).is_err());
}

use std::{collections::BTreeMap, fs, path::Path};

use portcullis_model::{scope::ScopeText, time::Timestamp};
use portcullis_packages::{
    keys::SecretKey,
    statement::{Decision, Verdict},
};

use super::*;
use crate::system::SystemRng;

const COMPONENT: &[u8] = b"component";

/// A sample's manifest with other values in these lines.
fn manifest(values: &[(&str, &str)]) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-plugins/card-guard/portcullis.toml");
    let text = fs::read_to_string(file).unwrap();
    let line = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        let value = values.iter().find(|(known, _)| *known == key);
        value.map_or_else(|| format!("{line}\n"), |(key, value)| format!("{key} = {value}\n"))
    };
    text.lines().map(line).collect()
}

fn document(text: &str) -> Document {
    Document { digest: Digest::of(text.as_bytes()), bytes: text.as_bytes().to_vec() }
}

fn envelope(manifest: &str) -> Document {
    let manifest = Manifest::parse(manifest).unwrap();
    let statement = Statement::<Release>::new(&manifest, &Digest::of(COMPONENT));
    document(&statement.signed(&SecretKey::generate(&SystemRng)).unwrap().to_json())
}

fn verdict(manifest: &str) -> Document {
    let verdict = Verdict {
        decision: Decision::Approve,
        at_most: Vec::<ScopeText>::new(),
        issued: Timestamp(0),
        expires: Timestamp(1),
        report: None,
        reason: "fine".into(),
    };
    let release = ReleaseId { component: Digest::of(COMPONENT), manifest: Digest::of(manifest.as_bytes()) };
    document(&Statement::about(&release, verdict).signed(&SecretKey::generate(&SystemRng)).unwrap().to_json())
}

fn pulled(manifests: &[&str], envelopes: Vec<Document>) -> Pulled {
    Pulled {
        image: Digest::of(b"image"),
        component: COMPONENT.into(),
        annotations: BTreeMap::new(),
        manifests: manifests.iter().map(|text| document(text)).collect(),
        envelopes,
        reports: vec![document("{}")],
        others: 0,
    }
}

fn any() -> Wanted<'static> {
    Wanted { release: None, take: &[] }
}

#[test]
fn what_belongs_together_is_put_together() {
    let one = manifest(&[]);
    let (publisher, other) = (envelope(&one), verdict(&one));
    let elsewhere = verdict(&manifest(&[("release", "99")]));
    let chosen =
        choose(pulled(&[&one], vec![elsewhere, other.clone(), document("{}"), publisher.clone()]), &any()).unwrap();
    assert_eq!(chosen.files.component.as_ref(), COMPONENT);
    assert_eq!(chosen.files.stored.manifest, one);
    assert_eq!(chosen.files.stored.envelope.as_bytes(), publisher.bytes);
    assert_eq!(chosen.files.statements.concat().as_bytes(), other.bytes);
    assert_eq!(chosen.files.reports.concat(), b"{}");
    assert_eq!(chosen.notes, ["2 envelopes were left: they are about something else, or cannot be read"]);
}

#[test]
fn the_highest_release_unless_another_is_named() {
    let old = manifest(&[("release", "2"), ("version", "\"1.1.0\"")]);
    let new = manifest(&[("release", "10"), ("version", "\"1.2.0\"")]);
    let bare = manifest(&[("release", "11"), ("version", "\"1.3.0\"")]);
    let all =
        || pulled(&[&bare, &new, "nothing", &old], vec![envelope(&old), envelope(&new), verdict(&old), verdict(&new)]);
    let release = |release| choose(all(), &Wanted { release, take: &[] });
    let taken = release(None).unwrap();
    assert_eq!((taken.manifest.release, taken.files.statements.len()), (10, 1));
    let notes = taken.notes.join("\n");
    for expected in ["1.3.0 (release 11) was left", "the manifest sha256:", "taken: ", "1.1.0 (release 2)"] {
        assert!(notes.contains(expected), "{notes}");
    }
    for wanted in ["2", "1.1.0"] {
        assert_eq!(release(Some(wanted)).unwrap().manifest.release, 2, "{wanted}");
    }
    for nothing in ["11", "1.3.0", "1", "x"] {
        let error = release(Some(nothing)).unwrap_err().to_string();
        assert!(error.contains("no such release is attached; there is: "), "{nothing}: {error}");
    }
    let take = [Digest::of(old.as_bytes())];
    assert_eq!(choose(all(), &Wanted { release: None, take: &take }).unwrap().manifest.release, 2);
}

#[test]
fn where_two_would_do_none_is_taken() {
    let one = manifest(&[("release", "5")]);
    let two = manifest(&[("release", "5"), ("version", "\"9.0.0\"")]);
    let all = || pulled(&[&one, &two], vec![envelope(&one), envelope(&two)]);
    let error = choose(all(), &any()).unwrap_err().to_string();
    let digests = [&one, &two].map(|text| Digest::of(text.as_bytes()));
    assert!(error.contains("several manifests") && digests.iter().all(|d| error.contains(&d.to_string())), "{error}");
    for digest in digests {
        assert_eq!(choose(all(), &Wanted { release: None, take: &[digest] }).unwrap().manifest.digest, digest);
    }
    // A higher release of another plugin does not push itself into the place of this one.
    let theirs = manifest(&[("release", "99"), ("id", "\"com.example.other\""), ("publisher", "\"com.example\"")]);
    let both = pulled(&[&one, &theirs], vec![envelope(&one), envelope(&theirs)]);
    assert!(choose(both, &any()).unwrap_err().to_string().contains("several manifests"));

    let (first, second) = (envelope(&one), envelope(&one));
    let twice = || pulled(&[&one], vec![first.clone(), second.clone()]);
    let error = choose(twice(), &any()).unwrap_err().to_string();
    assert!(error.contains("several envelopes") && error.contains(&second.digest.to_string()), "{error}");
    let chosen = choose(twice(), &Wanted { release: None, take: &[second.digest] }).unwrap();
    assert_eq!(chosen.files.stored.envelope.as_bytes(), second.bytes);
    assert!(chosen.files.statements.is_empty());
    let unknown = [Digest::of(b"unknown")];
    let error = choose(twice(), &Wanted { release: None, take: &unknown }).unwrap_err().to_string();
    assert!(error.contains("nothing with the digest"), "{error}");
}

#[test]
fn what_is_not_whole_is_not_taken() {
    let one = manifest(&[]);
    for (pulled, expected) in [
        (pulled(&[], vec![envelope(&one)]), "was not pushed whole"),
        (pulled(&[&one], vec![]), "was not pushed whole"),
        (pulled(&[&one], vec![verdict(&one)]), "was not pushed whole"),
        (
            Pulled { component: b"other".as_slice().into(), ..pulled(&[&one], vec![envelope(&one)]) },
            "was not pushed whole",
        ),
    ] {
        let error = choose(pulled, &any()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

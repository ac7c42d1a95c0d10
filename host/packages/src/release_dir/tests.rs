use std::{fs, os::unix::fs::symlink};

use super::*;
use crate::{
    dsse::{Envelope, PayloadType},
    keys::SecretKey,
    testing::{Fixed, MANIFEST, component},
};

#[test]
fn reads_what_was_handed_over_and_names_the_file_that_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let error = |expected: &str| {
        let found = read_release(dir).unwrap_err().to_string();
        assert!(found.contains(expected), "{found}");
    };
    error("portcullis.toml is missing; write one");
    fs::write(dir.join(MANIFEST_NAME), [0xff]).unwrap();
    error("plugin.wasm is missing; build the plugin");
    fs::write(dir.join(COMPONENT_NAME), component()).unwrap();
    error("portcullis.toml is not UTF-8 text");
    fs::write(dir.join(MANIFEST_NAME), "#".repeat(MAX_MANIFEST + 1)).unwrap();
    error("portcullis.toml is larger than 65536 bytes");
    fs::write(dir.join(MANIFEST_NAME), MANIFEST).unwrap();
    error("release.dsse.json is missing; the publisher makes it");
    assert_eq!(read_unsigned(dir).unwrap().manifest, MANIFEST);
    fs::create_dir(dir.join(ENVELOPE_NAME)).unwrap();
    error("release.dsse.json is not a regular file");
    fs::remove_dir(dir.join(ENVELOPE_NAME)).unwrap();

    let envelope = Envelope::sign(PayloadType::Statement, b"x".to_vec(), &SecretKey::generate(&Fixed::new())).unwrap();
    for _ in 0..2 {
        assert_eq!(write_envelope(dir, &envelope).unwrap(), dir.join(ENVELOPE_NAME));
    }
    let files = read_release(dir).unwrap();
    assert_eq!(Envelope::parse(PayloadType::Statement, &files.stored.envelope), Ok(envelope));
    assert_eq!(files.stored.digest, Digest::of(&component()));
    assert_eq!(fs::read_dir(dir).unwrap().count(), 3);
}

#[test]
fn what_others_said_is_read_in_order_and_under_its_own_name() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let key = SecretKey::generate(&Fixed::new());
    let signed = |payload: &[u8]| Envelope::sign(PayloadType::Statement, payload.to_vec(), &key).unwrap();
    fs::write(dir.join(MANIFEST_NAME), MANIFEST).unwrap();
    fs::write(dir.join(COMPONENT_NAME), component()).unwrap();
    write_envelope(dir, &signed(b"release")).unwrap();
    assert!(read_release(dir).unwrap().statements.is_empty());
    assert_eq!(add_statement(dir, &signed(b"one")).unwrap(), dir.join("statements/0001.dsse.json"));
    assert_eq!(add_statement(dir, &signed(b"two")).unwrap(), dir.join("statements/0002.dsse.json"));
    let report = add_report(dir, b"{}").unwrap();
    assert_eq!(add_report(dir, b"{}").unwrap(), report, "the same report again is the same file");

    let files = read_release(dir).unwrap();
    let payloads = files.statements.iter().map(|text| Envelope::parse(PayloadType::Statement, text).unwrap());
    assert_eq!(payloads.map(|one| one.unverified().to_vec()).collect::<Vec<_>>(), [b"one", b"two"]);
    assert_eq!(files.reports, [b"{}"]);

    let refused = |expected: &str| {
        let found = read_release(dir).unwrap_err().to_string();
        assert!(found.contains(expected), "{found}");
    };
    fs::write(&report, b"{ }").unwrap();
    refused("a report's name is its own digest");
    fs::write(&report, b"{}").unwrap();
    for name in ["statements/3.dsse.json", "statements/notes.txt", "reports/vet.json"] {
        fs::write(dir.join(name), "{}").unwrap();
        refused(&format!("{name} does not belong there; expected"));
        fs::remove_file(dir.join(name)).unwrap();
    }
    for to in ["/dev/zero", "/etc/passwd", "0001.dsse.json"] {
        symlink(to, dir.join("statements/0003.dsse.json")).unwrap();
        refused("statements/0003.dsse.json is not a regular file");
        fs::remove_file(dir.join("statements/0003.dsse.json")).unwrap();
    }
    fs::write(dir.join("statements/\u{1b}[2J"), "").unwrap();
    refused("statements/\\u{1b}[2J does not belong there");
    fs::remove_file(dir.join("statements/\u{1b}[2J")).unwrap();
    fs::write(dir.join("statements/0003.dsse.json"), "x".repeat(MAX_ENVELOPE + 1)).unwrap();
    refused("statements/0003.dsse.json is larger than 65536 bytes");
    fs::write(dir.join("statements/0003.dsse.json"), "{}").unwrap();
    for number in 4..=MAX_STATEMENTS {
        add_statement(dir, &signed(number.to_string().as_bytes())).unwrap();
    }
    let full = add_statement(dir, &signed(b"one more")).unwrap_err().to_string();
    assert!(full.contains("holds more than 64 files"), "{full}");
    fs::write(dir.join("statements/0065.dsse.json"), "{}").unwrap();
    refused("statements holds more than 64 files");
}

/// A directory that somebody handed over can have links in it, which lead to what is not theirs.
#[test]
fn what_is_written_follows_no_link() {
    let dir = tempfile::tempdir().unwrap();
    let (handed, own) = (dir.path().join("handed"), dir.path().join("own"));
    fs::create_dir(&handed).unwrap();
    fs::create_dir(&own).unwrap();
    fs::write(own.join("file"), "mine").unwrap();
    symlink(own.join("file"), handed.join(".release.new")).unwrap();
    symlink(own.join("file"), handed.join(ENVELOPE_NAME)).unwrap();
    let key = SecretKey::generate(&Fixed::new());
    let envelope = Envelope::sign(PayloadType::Statement, b"x".to_vec(), &key).unwrap();
    write_envelope(&handed, &envelope).unwrap();
    symlink(&own, handed.join(STATEMENTS)).unwrap();
    symlink(&own, handed.join(REPORTS)).unwrap();
    assert!(add_statement(&handed, &envelope).unwrap_err().to_string().contains("statements is not a folder"));
    assert!(add_report(&handed, b"{}").unwrap_err().to_string().contains("reports is not a folder"));
    assert_eq!(fs::read_to_string(own.join("file")).unwrap(), "mine");
    assert_eq!(fs::read_dir(&own).unwrap().count(), 1);
}

#[test]
fn a_directory_and_its_bundle_are_the_same_release() {
    let dir = tempfile::tempdir().unwrap();
    let (handed, copy) = (dir.path().join("dist"), dir.path().join("copy"));
    let key = SecretKey::generate(&Fixed::new());
    let signed = |payload: &[u8]| Envelope::sign(PayloadType::Statement, payload.to_vec(), &key).unwrap();
    fs::create_dir(&handed).unwrap();
    fs::write(handed.join(MANIFEST_NAME), MANIFEST).unwrap();
    fs::write(handed.join(COMPONENT_NAME), component()).unwrap();
    write_envelope(&handed, &signed(b"release")).unwrap();
    for round in 0..2 {
        let files = read_release(&handed).unwrap();
        let bundle = dir.path().join(format!("{round}.portcullis"));
        bundle::write_file(&bundle, &bundle::to_bytes(&files).unwrap()).unwrap();
        assert_eq!(read_release(&bundle).unwrap(), files);
        let copy = copy.with_extension(round.to_string());
        write_new(&copy, &read_release(&bundle).unwrap()).unwrap();
        assert_eq!(read_release(&copy).unwrap(), files);
        let again = write_new(&copy, &files).unwrap_err().to_string();
        assert!(again.contains("exists already and is not overwritten"), "{again}");
        add_statement(&handed, &signed(b"one")).unwrap();
        add_report(&handed, b"{}").unwrap();
    }
}

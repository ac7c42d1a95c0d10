//! OpenSSL: our key files are PKCS#8 to it, its key files are keys to us, and it verifies our signatures.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use portcullis_packages::{
    dsse::pae,
    keys::{Passphrase, SecretKey, Signer as _, open},
};
use zeroize::Zeroizing;

use crate::{With, keys, private, rng, run, there_is};

const WORDS: &str = "correct horse battery staple";

fn openssl(arguments: &[&str], dir: &Path) -> Command {
    let mut command = Command::new("openssl");
    command.args(arguments).current_dir(dir);
    command
}

fn fails(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{command:?}");
    output
}

#[test]
fn reads_our_key_files() {
    if !there_is("openssl", &["version"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let passphrase = Passphrase::new(Zeroizing::new(WORDS.to_owned())).unwrap();
    private(&dir.join("words"), WORDS.as_bytes());
    private(&dir.join("wrong"), b"correct horse battery stable");
    let (ours, other) = keys();
    ours.save(&dir.join("encrypted"), Some(&passphrase), &rng()).unwrap();
    other.save(&dir.join("plain"), None, &rng()).unwrap();
    let public = ["-pubout", "-outform", "DER"];
    for (name, key) in [("encrypted", &ours), ("plain", &other)] {
        let arguments = [&["pkey", "-in", name, "-passin", "file:words"], &public[..]].concat();
        // SubjectPublicKeyInfo ends with the key's 32 bytes (RFC 8410).
        assert!(run(&mut openssl(&arguments, dir)).stdout.ends_with(&key.public().to_bytes()), "{name}");
    }
    fails(&mut openssl(&[&["pkey", "-in", "encrypted", "-passin", "file:wrong"], &public[..]].concat(), dir));
    let shown = run(&mut openssl(&["asn1parse", "-in", "encrypted"], dir)).stdout;
    let shown = String::from_utf8_lossy(&shown);
    for part in ["PBES2", "scrypt", "aes-256-cbc"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn its_key_files_are_read_if_they_are_encrypted_well() {
    if !there_is("openssl", &["version"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let words = private(&dir.join("words"), WORDS.as_bytes());
    run(&mut openssl(&["genpkey", "-algorithm", "ed25519", "-out", "plain"], dir));
    run(&mut openssl(&["genpkey", "-algorithm", "ed448", "-out", "another"], dir));
    let protect = |arguments: &[&str]| {
        let all = ["pkcs8", "-topk8", "-passout", "file:words", "-v2", "aes-256-cbc"];
        run(&mut openssl(&[&all, arguments].concat(), dir));
    };
    protect(&["-in", "plain", "-scrypt", "-out", "scrypt"]);
    protect(&["-in", "plain", "-out", "pbkdf2"]);
    protect(&["-in", "another", "-scrypt", "-out", "ed448"]);
    let with = With { passphrase: Some(words), ..With::default() };
    let load = |name: &str| {
        private(&dir.join(name), &fs::read(dir.join(name)).unwrap());
        open(dir.join(name).to_str().unwrap(), &with)
    };
    let public = run(&mut openssl(&["pkey", "-in", "plain", "-pubout", "-outform", "DER"], dir)).stdout;
    for name in ["plain", "scrypt"] {
        assert!(public.ends_with(&load(name).unwrap().public().to_bytes()), "{name}");
    }
    let refused = |name: &str| load(name).err().unwrap().to_string();
    assert!(refused("pbkdf2").contains("encrypted in another way"), "{}", refused("pbkdf2"));
    for name in ["another", "ed448"] {
        assert!(refused(name).contains("another kind of key than Ed25519"), "{}", refused(name));
    }
}

#[test]
fn verifies_our_signatures() {
    if !there_is("openssl", &["version"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (ours, other) = keys();
    for (name, key) in [("ours", &ours), ("other", &other)] {
        key.save(&dir.join(name), None, &rng()).unwrap();
        run(&mut openssl(&["pkey", "-in", name, "-pubout", "-out", &format!("{name}.pub")], dir));
    }
    let message = pae("application/vnd.in-toto+json", br#"{"_type":"https://in-toto.io/Statement/v1"}"#);
    let write = |message: &[u8], signature: &[u8]| {
        fs::write(dir.join("message"), message).unwrap();
        fs::write(dir.join("signature"), signature).unwrap();
    };
    let verify = |key: &str| {
        let all = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key, "-in", "message", "-sigfile", "signature"];
        openssl(&all, dir)
    };
    let signature = ours.sign(&message).unwrap();
    write(&message, &signature);
    run(&mut verify("ours.pub"));
    fails(&mut verify("other.pub"));
    let flipped = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    write(&flipped(&message, 9), &signature);
    fails(&mut verify("ours.pub"));
    write(&message, &flipped(&signature, 40));
    fails(&mut verify("ours.pub"));

    // And the other way round.
    let sign = ["pkeyutl", "-sign", "-rawin", "-inkey", "other", "-in", "message", "-out", "theirs"];
    run(&mut openssl(&sign, dir));
    let theirs = fs::read(dir.join("theirs")).unwrap();
    assert!(other.public().verifies(&message, &theirs) && !ours.public().verifies(&message, &theirs));
    assert_eq!(theirs, SecretKey::load(&dir.join("other"), &With::default()).unwrap().sign(&message).unwrap());
}

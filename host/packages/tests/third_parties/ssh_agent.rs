//! A real `ssh-agent`: a key that it keeps signs for us, and verifies like any other.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_model::time::Timestamp;
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    keys::{PublicKey, handover, open},
};
use tempfile::TempDir;

use crate::{With, keys, run, there_is};

/// An agent of this test's own, which ends with it.
struct Agent {
    dir: TempDir,
    process: Child,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Agent {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // In the foreground, so that it is this process's child and no other's.
        let process = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(dir.path().join("socket"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Self { dir, process };
        for _ in 0..500 {
            if agent.socket().exists() {
                return agent;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the agent did not start");
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    fn with(&self) -> With {
        With { agent: Some(self.socket()), ..With::default() }
    }

    fn add(&self, arguments: &[&str]) {
        run(Command::new("ssh-add").args(arguments).env("SSH_AUTH_SOCK", self.socket()).current_dir(self.dir.path()));
    }

    /// Makes a key and hands it to the agent. Gives its public half, as the key's own tool wrote it.
    fn new_key(&self, name: &str, kind: &str, comment: &str) -> Vec<u8> {
        let mut make = Command::new("ssh-keygen");
        make.args(["-q", "-t", kind, "-N", "", "-C", comment, "-f", name]).current_dir(self.dir.path());
        run(&mut make);
        self.add(&[name]);
        let line = fs::read_to_string(self.dir.path().join(format!("{name}.pub"))).unwrap();
        STANDARD.decode(line.split(' ').nth(1).unwrap()).unwrap()
    }
}

#[test]
fn signs_for_us() {
    if !there_is("ssh-agent", &["-h"]) || !there_is("ssh-keygen", &["-?"]) {
        return;
    }
    let agent = Agent::start();
    let none = open("agent:publisher@example.test", &agent.with()).err().unwrap().to_string();
    assert!(none.contains("it has none at all"), "{none}");

    agent.new_key("ecdsa", "ecdsa", "publisher@example.test");
    let made = agent.new_key("ed25519", "ed25519", "publisher@example.test");
    let second = agent.new_key("second", "ed25519", "second");
    let key = open("agent:publisher@example.test", &agent.with()).unwrap();
    assert!(made.ends_with(&key.public().to_bytes()), "the Ed25519 key, not the other of that name");

    // As large as a signed document can be, nearly.
    for payload in [b"{}".to_vec(), vec![b'x'; 48_000]] {
        let text = Envelope::sign(PayloadType::Statement, payload.clone(), key.as_ref()).unwrap().to_json();
        let envelope = Envelope::parse(PayloadType::Statement, &text).unwrap();
        assert_eq!(envelope.verify(&[key.public()], 1, "us").unwrap(), payload);
        assert!(envelope.verify(&[keys().0.public()], 1, "us").is_err());
    }
    let by_key = open(&format!("agent:{}", key.public()), &agent.with()).unwrap();
    assert_eq!(by_key.sign(b"message").unwrap(), key.sign(b"message").unwrap(), "Ed25519 signs alike each time");

    let other: [u8; 32] = second[second.len() - 32..].try_into().unwrap();
    let other = open(&format!("agent:{}", PublicKey::from_bytes(&other).unwrap()), &agent.with()).unwrap();
    let handed = handover::sign(key.as_ref(), other.as_ref(), Timestamp(0)).unwrap().to_json();
    assert_eq!(handover::verify_for(&handed, &key.public()).unwrap().new, other.public());

    agent.new_key("third", "ed25519", "second");
    let several = open("agent:second", &agent.with()).err().unwrap().to_string();
    assert!(several.contains("several of the agent's keys are called 'second'"), "{several}");

    agent.add(&["-D"]);
    let gone = key.sign(b"message").unwrap_err().to_string();
    assert!(gone.contains("the SSH agent refused"), "{gone}");
}

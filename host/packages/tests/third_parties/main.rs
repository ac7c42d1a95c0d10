//! Third parties that agree: verifiers, key tools, agents and archivers that others wrote, on what this crate makes, and this
//! crate on what they make. What is not on the machine is skipped with a word, but for what `make setup-tests` installs.
#![expect(clippy::unwrap_used, reason = "a test")]

mod archive;
mod dsse;
mod openssl;
mod ssh_agent;
mod wycheproof;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU8, Ordering},
};

use portcullis_model::time::Rng;
use portcullis_packages::keys::{KeyError, Passphrase, SecretKey, Unlock};

/// Other bytes each time, and the same in each run.
struct Counting(AtomicU8);

impl Rng for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn rng() -> Counting {
    Counting(AtomicU8::new(1))
}

fn keys() -> (SecretKey, SecretKey) {
    let rng = rng();
    (SecretKey::generate(&rng), SecretKey::generate(&rng))
}

/// Opens keys with the passphrase in this file, or by the agent at this socket.
#[derive(Default)]
struct With {
    passphrase: Option<PathBuf>,
    agent: Option<PathBuf>,
}

impl Unlock for With {
    fn passphrase(&self, file: &Path) -> Result<Passphrase, KeyError> {
        Passphrase::read(self.passphrase.as_deref().unwrap_or(file))
    }

    fn agent(&self) -> Option<PathBuf> {
        self.agent.clone()
    }
}

/// A file that nobody else can read.
fn private(path: &Path, bytes: &[u8]) -> PathBuf {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_owned()
}

/// Whether a program can be started with these arguments; says so where it cannot.
fn there_is(program: &str, arguments: &[&str]) -> bool {
    let found = Command::new(program).args(arguments).output().is_ok();
    if !found {
        eprintln!("skipped: there is no {program} on this machine");
    }
    found
}

/// Runs a program to its end. Its words are part of a failure.
fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
    output
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

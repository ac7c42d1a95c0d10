//! Releases through a real registry, and a client of it that somebody else wrote.
//!
//! The registry is Debian's `docker-registry`, which has no referrers API: what is attached is found by the index under a tag.
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

mod commands;
mod registry;
mod signed_in;
mod stock;

use std::{
    fs,
    path::{Path, PathBuf},
};

use portcullis_cli::system::SystemRng;
use portcullis_e2e::{Ended, Package, run_with};
use portcullis_model::id::Digest;
use portcullis_packages::keys::SecretKey;
use registry::Registry;
use tempfile::TempDir;

/// A release on disk, a registry, and room for what is pulled.
struct World {
    registry: Registry,
    key: SecretKey,
    dir: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with(Registry::start("").await)
    }

    fn with(registry: Registry) -> Self {
        let world = Self { registry, key: SecretKey::generate(&SystemRng), dir: tempfile::tempdir().unwrap() };
        world.release("release", &package());
        world
    }

    /// A path in its directory.
    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Signs a release into a directory.
    fn release(&self, name: &str, package: &Package) {
        fs::create_dir(self.at(name)).unwrap();
        package.write(&self.at(name), &self.key);
    }

    fn reference(&self, rest: &str) -> String {
        format!("oci://{}/acme/guard{rest}", self.registry.address)
    }

    /// Runs a command; paths that begin with `@` are in its directory.
    async fn run(&self, arguments: &[&str], input: &str) -> Ended {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|one| {
                one.strip_prefix('@').map_or_else(|| (*one).to_owned(), |name| self.at(name).display().to_string())
            })
            .collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        run_with(&self.at("home"), &arguments, input.as_bytes()).await
    }

    /// Pushes the release in a directory. Gives the image's digest.
    async fn push(&self, name: &str, rest: &str) -> Digest {
        let to = self.reference(rest);
        let ended = self.run(&["plugin", "push", &format!("@{name}"), &to, "--plain-http"], "").await;
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.json()["image"].as_str().unwrap().parse().unwrap()
    }

    async fn pull(&self, rest: &str, name: &str) -> Ended {
        let from = self.reference(rest);
        self.run(&["plugin", "pull", &from, &format!("@{name}"), "--plain-http"], "").await
    }
}

/// A small component that imports the log and handles events.
fn package() -> Package {
    let component = wat::parse_str(
        r#"(component
            (import "portcullis:plugin/types@0.1.0" (instance))
            (import "portcullis:plugin/log@0.1.0" (instance))
            (instance $handler)
            (export "portcullis:plugin/events@0.1.0" (instance $handler)))"#,
    );
    Package::of(component.unwrap().into(), "pushed", &["log:write"], "")
}

/// All files below a directory, by their path, with their bytes.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(next) = dirs.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().display().to_string();
                found.push((name, fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

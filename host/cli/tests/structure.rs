//! The structure that the architecture promises, held by a test: who may depend on whom, and what a capability consists of.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// What each of our crates may use of the others. `cli` wires everything together.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("runtime", &["model"]),
    ("capabilities", &["model", "runtime"]),
    ("vet", &["model", "runtime", "capabilities"]),
    ("packages", &["model"]),
    ("broker", &["model"]),
    ("delivery", &["model"]),
    ("audit", &["model"]),
    ("evidence", &["model", "audit"]),
    ("store", &["model"]),
    ("detect", &["model"]),
    ("access", &["model"]),
    ("duties", &["model"]),
    ("api", &["model", "broker", "delivery", "packages", "audit", "evidence", "duties", "access"]),
    ("console", &["model", "api"]),
    ("sdk", &[]),
];

/// What only some of our crates may use, of what others wrote.
const ONLY: &[(&str, &[&str])] = &[
    ("wasmtime", &["runtime", "bench"]),
    ("wasmtime-wasi", &["runtime"]),
    ("wasmtime-wasi-http", &["runtime"]),
    ("cap-std", &["store"]),
    ("rusqlite", &["store", "bench"]),
    ("axum", &["api", "console"]),
    ("cedar-policy", &["access"]),
    ("webauthn-rs", &["access"]),
    ("maud", &["console"]),
    ("tokio-rustls", &["broker", "cli", "bench"]),
    ("hyper", &["broker", "api", "cli", "bench"]),
    ("chacha20poly1305", &["broker"]),
    ("tlog_tiles", &["audit"]),
    ("pkcs8", &["packages"]),
    ("tar", &["packages", "evidence", "cli"]),
    ("age", &["cli"]),
    ("rpassword", &["cli"]),
    ("wit-component", &["cli"]),
    ("anyhow", &["cli", "bench"]),
    ("reqwest", &[]),
    ("ureq", &[]),
    ("isahc", &[]),
    ("curl", &[]),
    ("hyper-rustls", &[]),
    ("openssl", &[]),
];

fn short(name: &str) -> &str {
    if name == "portcullis" { "cli" } else { name.strip_prefix("portcullis-").unwrap_or(name) }
}

/// Normal dependencies of each member of the workspace.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let normal = |package: &serde_json::Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|d| d["kind"].is_null()).map(|d| d["name"].as_str().unwrap().to_owned()).collect()
    };
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.map(|package| (package["name"].as_str().unwrap().to_owned(), normal(package))).collect()
}

#[test]
fn crates_depend_in_one_direction() {
    let all = dependencies();
    for (name, allowed) in MAY_USE {
        let found =
            all.iter().find(|(package, _)| short(package) == *name).unwrap_or_else(|| panic!("no crate {name}"));
        let ours = found.1.iter().filter(|d| d.starts_with("portcullis"));
        let beyond: Vec<_> = ours.filter(|d| !allowed.contains(&short(d))).collect();
        assert!(beyond.is_empty(), "{name} must not use {beyond:?}");
    }
    let model = all.iter().find(|(package, _)| short(package) == "model").unwrap();
    for never in ["axum", "sqlx", "rusqlite", "wasmtime", "tokio", "hyper"] {
        assert!(!model.1.contains(never), "model must not use {never}");
    }
}

#[test]
fn what_is_dangerous_is_used_in_one_place() {
    for (package, uses) in dependencies() {
        for (dependency, allowed) in ONLY {
            let may = allowed.contains(&short(&package)) || package == "portcullis-e2e";
            assert!(may || !uses.contains(*dependency), "{package} must not use {dependency}");
        }
    }
}

fn capabilities() -> Vec<String> {
    let source = fs::read_to_string(root().join("host/capabilities/src/lib.rs")).unwrap();
    let list = source.split("capabilities! {").nth(1).unwrap().split('}').next().unwrap().to_owned();
    list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn a_capability_is_whole() {
    let names = capabilities();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        for path in [
            format!("wit/{name}.wit"),
            format!("sdk/src/{name}.rs"),
            format!("docs/developers/capabilities/{name}.md"),
            format!("tests/guests/examples/uses_{name}.rs"),
            format!("host/capabilities/src/{name}/scope.rs"),
        ] {
            assert!(root().join(&path).is_file(), "the capability '{name}' lacks {path}");
        }
    }
}

fn rust_files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => rust_files(&path, into),
            false if path.extension().is_some_and(|e| e == "rs") => into.push(path),
            false => {}
        }
    }
}

#[test]
fn a_capability_never_names_a_sibling() {
    let names = capabilities();
    for name in &names {
        let mut files = Vec::new();
        rust_files(&root().join("host/capabilities/src").join(name), &mut files);
        for file in files {
            let source = fs::read_to_string(&file).unwrap();
            for sibling in names.iter().filter(|n| *n != name) {
                let path = |from: &str| source.contains(&format!("{from}::{sibling}::"));
                assert!(!path("crate") && !path("super::super"), "{} names the sibling '{sibling}'", file.display());
            }
        }
    }
}

/// Files are short enough to be read in one go.
#[test]
fn no_file_is_long() {
    let mut files = Vec::new();
    for dir in ["host", "sdk", "sample-plugins", "tests"] {
        rust_files(&root().join(dir), &mut files);
    }
    let mut lengths: Vec<(usize, PathBuf)> =
        files.into_iter().map(|file| (fs::read_to_string(&file).unwrap().lines().count(), file)).collect();
    lengths.sort();
    let median = lengths[lengths.len() / 2].0;
    assert!(median <= 150, "the median file has {median} lines");
    let (longest, file) = lengths.last().unwrap();
    assert!(*longest <= 500, "{} has {longest} lines", file.display());
}

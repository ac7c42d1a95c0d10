//! Verifiers and a witness that others wrote, on logs of ours: Debian's Go with golang.org/x/mod/sumdb, and from PyPI aics-tlog and
//! aics-witness; and a witness on Go's packages, which is always there. `make setup-tests` installs them.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod tampered;
mod witness;
mod world;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

use world::World;

fn contract() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/audit")
}

/// The Go programs, built once: the verifier, and a witness.
static GO: LazyLock<PathBuf> = LazyLock::new(|| built("gocheck"));
static GO_WITNESS: LazyLock<PathBuf> = LazyLock::new(|| built("gowitness"));

fn built(name: &str) -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = tmp.join(name);
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(contract().join(name))
        .envs([("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode"), ("GOFLAGS", "")])
        .env("GOCACHE", tmp.join("go-cache"))
        .output()
        .expect("there is no Go; 'make setup-tests' installs it");
    assert!(built.status.success(), "{}", text(&built));
    program
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs the Go program: what to check, where, with which key, and kept checkpoints.
fn go(what: &str, at: &Path, vkey: &str, older: &[PathBuf]) -> Result<String, String> {
    let output = Command::new(&*GO).arg(what).arg(at).arg(vkey).args(older).output().unwrap();
    if output.status.success() { Ok(text(&output)) } else { Err(text(&output)) }
}

/// A program of the Python environment. None where there is no Python 3.12 on the machine, which is said.
fn python(program: &str) -> Option<Command> {
    let found = contract().join(".venv/bin").join(program);
    if found.exists() {
        return Some(Command::new(found));
    }
    println!("left out: there is no Python 3.12 with the packages of tests/contract/audit/aics.txt");
    None
}

/// Runs aics-tlog. None where it is not there.
fn aics(log: &Path, vkey: &str, older: Option<&Path>) -> Option<Result<String, String>> {
    let key = log.with_extension("vkey");
    std::fs::write(&key, format!("{vkey}\n")).unwrap();
    let output =
        python("python")?.arg(contract().join("tlog_check.py")).arg(log).arg(key).args(older).output().unwrap();
    Some(if output.status.success() { Ok(text(&output)) } else { Err(text(&output)) })
}

#[test]
fn go_verifies_the_log_its_views_any_entry_and_any_two_checkpoints() {
    let world = World::new();
    let said = go("log", &world.log(), &world.vkey(), &world.older).unwrap();
    assert_eq!(said.matches("ok: continues the checkpoint").count(), world.older.len(), "{said}");
    assert!(said.contains("700 entries lead to its root") && said.contains("heads of 2 views"), "{said}");
    let leaves = said;
    for view in &world.views {
        let copy = world.copy(view);
        let said = go("view", &copy, &world.view_vkey(view), &view.older).unwrap();
        assert!(said.contains("continues the checkpoint"), "{said}");
        // What a tenant compares: the head of its copy, and the last leaf of its view in the host's log.
        let head = said.lines().find_map(|line| line.strip_prefix("head ")).unwrap();
        let size = view.bodies.len();
        assert!(head.starts_with(&format!("{size} ")), "{head}");
        let last = format!("view {} {head}", view.view.tag());
        assert!(leaves.lines().any(|line| line == last), "{last}\n{leaves}");
    }
    for index in [0, 1, 255, 256, 511, 698, 699] {
        let file = world.proof(index);
        assert!(go("proof", &file, &world.vkey(), &[]).unwrap().contains("ok: entry"), "{index}");
    }
}

#[test]
fn aics_tlog_verifies_the_log_and_its_views() {
    let world = World::new();
    let Some(said) = aics(&world.log(), &world.vkey(), Some(&world.older[1])) else { return };
    assert!(said.as_ref().unwrap().contains("a changed bit is noticed in each file"), "{said:?}");
    for view in &world.views {
        let said = aics(&world.copy(view), &world.view_vkey(view), Some(&view.older[0])).unwrap();
        assert!(said.as_ref().unwrap().contains("continues the checkpoint"), "{said:?}");
    }
}

//! Evidence bundles as the command makes them, in the hands of tools that others wrote: Debian's Go with golang.org/x/mod/sumdb, and
//! aics-tlog with openssl, sed and jq. `make setup-tests` installs them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use portcullis_e2e::{Ended, Lab, root, run};
use portcullis_model::audit::{Kind, Recorder as _};

use crate::flipped;

fn contract() -> PathBuf {
    root().join("tests/contract/audit")
}

/// A host with a few entries, one with a personal value.
async fn host() -> Lab {
    let lab = Lab::new().await;
    let entry = |n: u64| {
        let entry = lab.host.entry(Kind::HostStarted, None).with("number", n);
        if n == 1 { entry.with_personal("reason", "Ana Diaz asked") } else { entry }
    };
    lab.host.store.record((0..4).map(entry).collect()).await.unwrap();
    lab
}

async fn bundle(lab: &Lab, out: &Path) {
    let ended = run(lab.host.home.dir(), &["audit", "bundle", "--personal", "--out", out.to_str().unwrap()]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
}

/// Our own tool, on a machine without a host.
async fn ours(bundle: &Path, key: &str) -> Ended {
    let arguments = ["audit", "verify", "--bundle", bundle.to_str().unwrap(), "--key", key];
    run(Path::new("/nonexistent"), &arguments).await
}

/// What another tool says of a bundle.
type Tool = fn(&Path, &str) -> Output;

fn go(bundle: &Path, key: &str) -> Output {
    let mut go = Command::new("go");
    go.args(["run", "."]).current_dir(contract().join("gocheck"));
    go.envs([("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode"), ("GOFLAGS", "")]);
    go.env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-cache"));
    go.args([Path::new("bundle"), bundle]).arg(key).output().unwrap()
}

fn aics(bundle: &Path, key: &str) -> Output {
    let mut script = Command::new(contract().join("bundle_check.sh"));
    script.env("AICS_TLOG", contract().join(".venv/bin/aics-tlog")).arg(bundle).arg(key).output().unwrap()
}

/// The tools that are on this machine: aics-tlog needs Python 3.12.
fn tools() -> Vec<Tool> {
    let mut tools: Vec<Tool> = vec![go];
    match contract().join(".venv/bin/aics-tlog").exists() {
        true => tools.push(aics),
        false => println!("left out: there is no Python 3.12 with the packages of tests/contract/audit/aics.txt"),
    }
    tools
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn others_verify_a_bundle_and_refuse_one_with_a_changed_bit() {
    let lab = host().await;
    let dir = tempfile::tempdir().unwrap();
    let (tar, unpacked) = (dir.path().join("b.tar"), dir.path().join("b"));
    bundle(&lab, &tar).await;
    assert!(!dir.path().join("b.tar.partial").exists());
    let key = fs::read_to_string(lab.host.home.log_vkey()).unwrap().trim().to_owned();
    assert_eq!(ours(&tar, &key).await.code, 0);
    // With the tar of the machine, not with ours.
    fs::create_dir(&unpacked).unwrap();
    assert!(Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(&unpacked).status().unwrap().success());
    assert_eq!(ours(&unpacked, &key).await.code, 0);
    for tool in tools() {
        let said = tool(&unpacked, &key);
        assert!(said.status.success() && words(&said).contains("ok: "), "{}", words(&said));
        // In the middle of each file that its proofs need: in a proof, in an entry's body, in the signed head.
        for name in ["proofs.ndjson", "entries.ndjson", "checkpoint"] {
            let path = unpacked.join(name);
            let whole = fs::read(&path).unwrap();
            let body = whole.windows(8).position(|at| at == b"\"body\":\"").map_or(whole.len() / 2, |at| at + 40);
            fs::write(&path, flipped(&whole, body)).unwrap();
            let said = tool(&unpacked, &key);
            assert!(!said.status.success() && words(&said).contains("REFUSED"), "{name}: {}", words(&said));
            assert_eq!(ours(&unpacked, &key).await.code, 3, "{name}");
            fs::write(&path, &whole).unwrap();
        }
        assert!(tool(&unpacked, &key).status.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_hosts_key_and_a_name_that_is_taken_are_refused() {
    let (lab, other) = (host().await, host().await);
    let dir = tempfile::tempdir().unwrap();
    let tar = dir.path().join("b.tar");
    bundle(&lab, &tar).await;
    let key = fs::read_to_string(other.host.home.log_vkey()).unwrap();
    let ended = ours(&tar, key.trim()).await;
    assert!(ended.code == 3 && ended.stdout.contains("manifest.note: is not signed by the log's key"), "{ended:?}");
    let again = run(lab.host.home.dir(), &["audit", "bundle", "--out", tar.to_str().unwrap()]).await;
    assert!(again.code == 1 && again.stderr.contains("is there already"), "{again:?}");
}

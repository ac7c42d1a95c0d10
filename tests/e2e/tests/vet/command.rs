//! `portcullis plugin vet`, as the binary that it is.

use std::{fs, path::Path};

use portcullis_e2e::{Ended, Package, run};
use portcullis_model::{behaviour::Report, id::Digest};

async fn vet(dir: &Path, arguments: &[&str]) -> Ended {
    let path = dir.join("plugin").display().to_string();
    let all: Vec<&str> = ["plugin", "vet", path.as_str()].into_iter().chain(arguments.iter().copied()).collect();
    // There is no host, and none is needed.
    run(&dir.join("home"), &all).await
}

fn put(dir: &Path, package: &Package) {
    fs::create_dir_all(dir.join("plugin")).unwrap();
    fs::write(dir.join("plugin/plugin.wasm"), &package.component).unwrap();
    fs::write(dir.join("plugin/portcullis.toml"), &package.manifest).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_the_bytes_that_its_digest_is_over_and_runs_one_input_again() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    put(dir, &Package::guest("cuts_text_blindly", &["log:write"], ""));
    let file = dir.join("report.json").display().to_string();
    let done = vet(dir, &["--inputs", "100", "--seed", "4", "-o", &file]).await;
    assert_eq!(done.code, 0, "{done:?}");
    let said = done.json();
    let bytes = fs::read(&file).unwrap();
    assert_eq!(said["digest"], Digest::of(&bytes).to_string());
    assert_eq!((&said["signed"], &said["report"]["seed"]), (&false.into(), &4.into()));
    let report = Report::read(&bytes).unwrap();
    assert_eq!(serde_json::to_value(&report).unwrap(), said["report"]);
    assert!(said["findings"][0]["words"].as_str().unwrap().contains("crashes"), "{}", said["findings"]);
    assert!(!dir.join("home").exists(), "nothing is left behind");

    let first = report.passes[0].breakages[0].first.to_string();
    let again = vet(dir, &["--seed", "4", "--replay", &first]).await;
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.json()["all"]["end"].as_str().unwrap().starts_with("trapped"), "{again:?}");
    assert!(!again.json()["all"]["stack"].as_array().unwrap().is_empty(), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn says_what_it_cannot_run() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let gone = vet(dir, &[]).await;
    assert_eq!((gone.code, gone.stderr.contains("portcullis.toml is missing")), (1, true), "{gone:?}");
    let package = Package::guest("uses_kv", &["log:write"], "");
    put(dir, &package);
    let beyond = vet(dir, &[]).await;
    assert_eq!((beyond.code, beyond.stderr.contains("asks for no scope of it")), (1, true), "{beyond:?}");
    put(dir, &Package::guest("keeps_state", &["log:write"], ""));
    fs::write(dir.join("events.json"), "[{}]").unwrap();
    let events = dir.join("events.json").display().to_string();
    let odd = vet(dir, &["--events", &events]).await;
    assert_eq!((odd.code, odd.stderr.contains("event 1: expected a Zendesk body")), (1, true), "{odd:?}");
    assert_eq!(vet(dir, &["--replay", "1"]).await.code, 2, "a replay needs the seed");
}

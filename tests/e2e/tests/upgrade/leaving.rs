//! An installation's end: exported, uninstalled, taken back, erased; and the receipt.

use std::{fs, path::Path};

use portcullis_audit::{EntryProof, LogVerifier};
use portcullis_e2e::{Lab, Package, TENANT, run};
use portcullis_model::{
    audit::Kind,
    event::EventForm,
    id::Digest,
    installation::{Installation, InstallationState},
    invoke::CallEnd,
};
use serde_json::json;

use crate::becomes;

const MARK: &str = "mark-1f4d9c27-of-the-tests";
const SCOPES: [&str; 5] = ["log:write", "kv:read", "kv:write bytes=64KiB", "files:read", "files:write bytes=64KiB"];

/// A plugin that has kept the mark wherever it can.
async fn marked() -> (Lab, Installation) {
    let lab = Lab::new().await;
    lab.source("zen", EventForm::Zendesk).await;
    let guest = lab.install(&Package::guest("leaves_traces", &SCOPES, "")).await;
    let report = lab.call(&guest, json!({ "mark": MARK })).await;
    assert_eq!(report.end, CallEnd::Ok, "{:?}", report.log);
    use portcullis_model::invoke::PluginLogs as _;
    lab.host.store.keep(&report, lab.host.clock.now());
    lab.entries().await;
    (lab, guest)
}

/// Files below a directory in which the mark stands. Another process looks: closing a file that SQLite has open in this one would
/// drop its locks.
fn found(dir: &Path) -> Vec<String> {
    let grep = std::process::Command::new("grep").args(["-rlaF", "--", MARK]).arg(dir).output().unwrap();
    assert!(grep.stderr.is_empty(), "{grep:?}");
    String::from_utf8(grep.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_and_the_receipt_holds() {
    let (lab, guest) = marked().await;
    let home = lab.host.home.dir().to_owned();
    assert!(found(&home).len() >= 2, "in the database and in a file");
    let host = lab.run().await;
    let export = lab.dir().join("export");
    let (id, to) = (guest.id.as_str(), export.to_str().unwrap());
    let arguments = ["plugin", "uninstall", id, "--reason", "asked to", "--now", "--yes", "--export", to];
    let ended = run(&home, &arguments).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    becomes(&lab, &guest, "erased", |one| matches!(one.state, InstallationState::Erased { .. })).await;
    host.stop().await;
    assert!(found(&home).is_empty(), "the mark is still in {:?}", found(&home));

    let sums = fs::read_to_string(export.join("SHA256SUMS")).unwrap();
    let mut names = Vec::new();
    for line in sums.lines() {
        let (digest, name) = line.split_once("  ").unwrap();
        assert_eq!(Digest::of(&fs::read(export.join(name)).unwrap()).hex(), digest, "{name}");
        names.push(name.to_owned());
    }
    for name in ["installation.json", "portcullis.toml", "values.ndjson", "log.ndjson", "audit.ndjson"] {
        assert!(names.iter().any(|one| one == name), "{name} in {names:?}");
    }
    assert!(names.iter().any(|one| one == "files/traces/mark.txt"), "{names:?}");
    for name in ["values.ndjson", "log.ndjson"] {
        assert!(fs::read_to_string(export.join(name)).unwrap().contains(MARK), "{name}");
    }

    let receipt = run(&home, &["plugin", "receipt", id]).await.json();
    let erased = &receipt["erased"];
    assert_eq!((&erased["kv-rows"], &erased["files"]), (&json!(1), &json!(1)), "{receipt}");
    assert!(erased["log-lines"].as_u64().unwrap() >= 1, "{receipt}");
    // As anybody would check it, from the receipt and the key alone.
    let mut proof: EntryProof = serde_json::from_value(receipt["proof"].clone()).unwrap();
    let key = LogVerifier::parse(&proof.key).unwrap();
    assert_eq!((proof.check(&key).unwrap().log.origin(), &json!(proof.index)), (key.origin(), &receipt["index"]));
    proof.entry = proof.entry.replace("erased", "kept");
    assert!(proof.check(&key).is_err());
    let again = run(&home, &["plugin", "restore", id]).await;
    assert!(again.code != 0 && again.stderr.contains("cannot come back"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_at_once_and_can_be_taken_back() {
    let (lab, guest) = marked().await;
    let host = lab.run().await;
    let home = lab.host.home.dir().to_owned();
    let id = guest.id.as_str();
    let ended = run(&home, &["plugin", "uninstall", id, "--reason", "not needed", "--yes"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(lab.send_created(&host, "zen", "1005", "e1").await.status, 202);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(lab.deliveries().await.len(), 0, "no new deliveries");
    assert!(!found(&home).is_empty(), "what it stored is there for the time of grace");
    let gone = lab.installations().await.remove(0);
    assert!(matches!(gone.state, InstallationState::Uninstalled { .. }));

    assert_eq!(run(&home, &["plugin", "restore", id]).await.code, 0);
    let back = lab.installations().await.remove(0);
    assert!(matches!(back.state, InstallationState::Suspended { .. }));
    assert_eq!(run(&home, &["plugin", "resume", id]).await.code, 0);
    assert_eq!(lab.send_created(&host, "zen", "1005", "e2").await.status, 202);
    lab.settled(1).await;
    host.stop().await;
    assert_eq!(lab.entries_of(Kind::PluginRestored).await.len(), 1);
    let no_receipt = run(&home, &["plugin", "receipt", id]).await;
    assert!(no_receipt.code != 0 && no_receipt.stderr.contains("is not erased"), "{no_receipt:?}");
    assert_eq!(gone.tenant.as_str(), TENANT);
}

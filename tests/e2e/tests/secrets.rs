//! The search for secrets in guest memory: it finds one that is there, in each encoding, and none that is not. A search that could
//! not find anything would prove nothing. And the whole of it: with tokens that are renewed every few seconds, a back end outside,
//! and everything that is left behind (INT-7).

use std::{fs, os::unix::fs::PermissionsExt as _};

use portcullis_e2e::{Lab, Package, root, run};
use portcullis_model::invoke::CallEnd;
use serde_json::json;

const TOKEN: &str = "tok_2f9c1e7ab04d44d5";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_guest_memory_is_found_and_its_absence_too() {
    let lab = Lab::scanning().await;
    let echo = lab.install(&Package::guest("echo", &[], "")).await;
    lab.connect(&echo, "api.example.test", TOKEN).await;

    let clean = lab.call(&echo, json!({ "text": "nothing here", "almost": "tok_2f9c1e7ab04d44d" })).await;
    assert_eq!((clean.end, clean.usage.leaked), (CallEnd::Ok, Some(false)));

    let hex: String = TOKEN.bytes().map(|b| format!("{b:02x}")).collect();
    for planted in [TOKEN, hex.as_str(), "dG9rXzJmOWMxZTdhYjA0ZDQ0ZDU="] {
        let dirty = lab.call(&echo, json!({ "text": format!("before {planted} after") })).await;
        assert_eq!((dirty.end, dirty.usage.leaked), (CallEnd::Ok, Some(true)), "{planted}");
    }
}

/// Calls that do not end well are searched too.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_cut_off_is_searched_too() {
    let lab = Lab::scanning().await;
    for guest in ["loops", "eats_memory", "recurses", "panics"] {
        let installed = lab.install(&Package::guest(guest, &["log:write"], "memory-mib = 8")).await;
        lab.connect(&installed, "api.example.test", TOKEN).await;
        let clean = lab.call(&installed, json!({})).await;
        assert_ne!(clean.end, CallEnd::Ok, "{guest}");
        assert_eq!(clean.usage.leaked, Some(false), "{guest}: {}", clean.end);
        let dirty = lab.call(&installed, json!({ "text": TOKEN })).await;
        assert_eq!(dirty.usage.leaked, Some(true), "{guest}: {}", dirty.end);
    }
}

/// A token that the host does not know, of which it stores only the digest say, is found in core dumps by whoever knows it.
#[tokio::test(flavor = "multi_thread")]
async fn each_call_leaves_a_core_dump_where_that_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let dumps = dir.path().join("dumps");
    let lab = Lab::dumping(&dumps).await;
    let mut calls = 0;
    for guest in ["echo", "panics", "loops", "recurses"] {
        let installed = lab.install(&Package::guest(guest, &["log:write"], "memory-mib = 8")).await;
        for (data, planted) in [(json!({ "text": "nothing" }), false), (json!({ "text": TOKEN }), true)] {
            let report = lab.call(&installed, data).await;
            assert_eq!(report.usage.leaked, Some(false), "{guest}: the host does not know it");
            let file = dumps.join(format!("{}.core", report.call.id));
            let dump = fs::read(&file).unwrap();
            assert!(dump.starts_with(b"\0asm\x01\0\0\0\0"), "{guest}: a module, and a custom section first");
            assert!(dump.windows(8).any(|part| part == b"corestac"), "{guest}: it has the stack");
            let found = dump.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes());
            assert_eq!(found, planted, "{guest}");
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{guest}");
            calls += 1;
        }
    }
    assert_eq!(fs::read_dir(&dumps).unwrap().count(), calls);
}

/// The demo, whole: what it says in the end is what must be true, and it must have had something to say it of.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_left_anywhere_by_renewals_consents_and_back_ends() {
    let (dir, repo) = (tempfile::tempdir().unwrap(), root());
    let ended = run(dir.path(), &["demo", "--repo", repo.to_str().unwrap()]).await;
    let report = ended.json();
    let missed: Vec<_> = report["expectations"].as_array().unwrap().iter().filter(|one| one["held"] != true).collect();
    assert!(missed.is_empty() && ended.code == 0, "{missed:#?} {}", ended.code);
    let secrets = &report["account"]["secrets"];
    let many = |value: &serde_json::Value| value.as_u64().unwrap_or_default();
    for (what, least) in [
        ("access tokens of the provider", 6),
        ("refresh tokens of the provider", 3),
        ("secrets of clients", 2),
        ("access tokens of the host", 3),
        ("refresh tokens of the host", 2),
        ("assertions", 3),
        ("secrets of webhooks", 1),
    ] {
        assert!(many(&secrets["values"][what]) >= least, "{what}: {secrets:#}");
    }
    for (place, least) in [
        ("core dumps of guests", 500),
        ("files of the databases", 2),
        ("files of the audit log", 3),
        ("audit entries", 1_000),
        ("logs of the host's process", 2),
        ("arguments and environment of the host's process", 2),
    ] {
        let place = &secrets["places"][place];
        assert!(many(&place["searched"]) >= least && many(&place["bytes"]) > 0, "{place:#}");
        assert_eq!(place["found"], json!([]));
    }
    assert_eq!((many(&secrets["found_in_memory"]), many(&secrets["unauthorized"])), (0, 0));
    assert!(many(&secrets["planted_found"]) > 0 && many(&secrets["renewed"]["chat"]) >= 2, "{secrets:#}");
}

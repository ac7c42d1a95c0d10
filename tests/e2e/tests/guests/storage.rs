//! Guests that keep things: in `kv` and in `files`; and those that use what needs no permit, `clocks` and `random`.

use std::time::Duration;

use portcullis_e2e::{Lab, Package, TENANT, acts};
use portcullis_model::invoke::CallEnd;
use serde_json::json;

use crate::acts::{refused_at_load, said};

#[tokio::test(flavor = "multi_thread")]
pub async fn uses_kv() {
    let lab = Lab::new().await;
    let package = Package::guest("uses_kv", &["log:write", "kv:read", "kv:write bytes=1KiB"], "");
    let report = lab.call(&lab.install(&package).await, json!({})).await;
    assert_eq!(report.end, CallEnd::Ok);
    assert_eq!(said(&report, "set: "), "Ok(())");
    assert_eq!(said(&report, "get: "), "Ok(Some(\"value\"))");
    assert_eq!(said(&report, "list-keys: "), "Ok([\"key\"])");
    assert_eq!(said(&report, "delete: "), "Ok(())");
    let seen = acts(&lab.entries().await);
    for act in ["kv.set", "kv.get", "kv.list-keys", "kv.delete"] {
        assert_eq!((seen.permitted(act), seen.denied(act)), (1, 0), "{act}");
    }
    refused_at_load(&lab, &package, "kv").await;

    let reading = ["events:receive types=test.*", "log:write", "kv:read"];
    let report = lab.call(&lab.install_in(TENANT, &package, Some(&reading)).await, json!({})).await;
    assert!(said(&report, "set: ").contains("scope: \"kv:write bytes="), "{:?}", report.log);
    assert!(said(&report, "delete: ").contains("the admin's grant does not cover it"), "{:?}", report.log);
    assert_eq!(said(&report, "get: "), "Ok(None)");
    let seen = acts(&lab.entries().await);
    assert_eq!((seen.denied("kv.set"), seen.denied("kv.delete"), seen.denied("kv.get")), (1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
pub async fn huge_kv() {
    let lab = Lab::new().await;
    let limits = "host-calls = 2000\ncpu-ms = 10000\nwall-ms = 60000";
    let scopes = ["log:write", "kv:read", "kv:write bytes=1MiB"];
    let guest = lab.install(&Package::guest("huge_kv", &scopes, limits)).await;
    for call in 1..=2 {
        let report = lab.call(&guest, json!({})).await;
        assert_eq!(report.end, CallEnd::Ok);
        assert_eq!(said(&report, "too large: "), "Err(Invalid(\"value: expected at most 64 KiB\"))");
        // 64 values of 16 KiB and their keys are more than 1 MiB. The second call replaces what the first one kept.
        let full = "63: Limited(Limit { name: \"kv-bytes\", allowed: 1048576, retry-after-ms: None })";
        assert_eq!(said(&report, "full after "), full, "call {call}");
        assert_eq!(said(&report, "delete: "), "Ok(())");
    }
    let kept: u64 = lab
        .database()
        .query_row(
            "SELECT sum(length(key) + length(value)) FROM kv WHERE installation = ?1",
            [guest.id.as_str()],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(kept, 62 * (16 * 1024 + 8));
    acts(&lab.entries().await);
}

#[tokio::test(flavor = "multi_thread")]
pub async fn uses_kv_times() {
    let lab = Lab::new().await;
    let scopes = ["log:write", "kv:read", "kv:write bytes=1KiB ttl<=1h"];
    let package = Package::guest("uses_kv_times", &scopes, "");
    let guest = lab.install(&package).await;
    let report = lab.call(&guest, json!({})).await;
    assert_eq!(report.end, CallEnd::Ok);
    for invalid in ["none: ", "for ever: "] {
        assert!(said(&report, invalid).contains("ttl-seconds: expected 1 to"), "{}", said(&report, invalid));
    }
    let denied = said(&report, "too long: ");
    assert!(denied.contains("keeping a value for 3601s is not granted"), "{denied}");
    assert!(denied.contains("scope: \"kv:write bytes=1KiB ttl<=3601s\""), "{denied}");
    for fine in ["short: ", "long: ", "first: ", "swap: "] {
        assert_eq!(said(&report, fine), "Ok(())", "{fine}");
    }
    assert_eq!((said(&report, "first again: "), said(&report, "swapped: ")), ("Err(Conflict)", "Ok(Some(\"2\"))"));
    // Without a time of its own a value is kept for as long as the grant allows, and no longer.
    let kept: i64 =
        lab.database().query_row("SELECT expires FROM kv WHERE key = 'long'", [], |row| row.get(0)).unwrap();
    let now = lab.host.clock.now().0;
    assert!((now + 3_500_000..=now + 3_600_000).contains(&kept), "{now} {kept}");

    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let report = lab.call(&guest, json!({ "look": true })).await;
    assert_eq!((said(&report, "short: "), said(&report, "long: ")), ("Ok(None)", "Ok(Some(\"l\"))"));
    assert_eq!(said(&report, "keys: "), "Ok([\"long\", \"swapped\"])");
    assert_eq!(
        lab.host.store.sweep_expired(lab.host.clock.now(), 100).await.unwrap(),
        1,
        "it lies there until it is swept"
    );

    // The swap is a reading as well.
    let writing = ["events:receive types=test.* data=full", "log:write", "kv:write bytes=1KiB ttl<=1h"];
    let report = lab.call(&lab.grant(&guest, &writing).await, json!({})).await;
    for words in ["first: ", "first again: ", "swap: "] {
        assert!(said(&report, words).contains("scope: \"kv:read\""), "{words}{}", said(&report, words));
    }
    let seen = acts(&lab.entries().await);
    assert_eq!((seen.denied("kv.set"), seen.denied("kv.get")), (2, 4));
}

#[tokio::test(flavor = "multi_thread")]
pub async fn uses_files() {
    let lab = Lab::new().await;
    let package = Package::guest("uses_files", &["log:write", "files:read", "files:write bytes=8KiB"], "");
    let guest = lab.install(&package).await;
    let report = lab.call(&guest, json!({})).await;
    assert_eq!(report.end, CallEnd::Ok);
    assert_eq!(said(&report, "write: "), "Ok(())");
    assert_eq!(said(&report, "read: "), "Ok(\"hello\")");
    assert_eq!(said(&report, "list: "), "Ok([(\"notes\", true, 0)])");
    assert_eq!(said(&report, "list below: "), "Ok([(\"today.txt\", false, 5)])");
    let full = "Err(Limited(Limit { name: \"files-bytes\", allowed: 8192, retry-after-ms: None }))";
    assert_eq!(said(&report, "too full: "), full);
    assert_eq!((said(&report, "remove full: "), said(&report, "remove: ")), ("Err(Conflict)", "Ok(())"));
    assert!(!report.log.iter().any(|(_, line)| line.starts_with("out: ")), "{:?}", report.log);
    let seen = acts(&lab.entries().await);
    for (act, count) in [("files.write", 2), ("files.read", 1), ("files.list", 2), ("files.remove", 3)] {
        assert_eq!((seen.permitted(act), seen.denied(act)), (count, 0), "{act}");
    }
    let own = lab.host.home.files().join(TENANT).join(guest.id.as_str());
    assert_eq!(std::fs::read_dir(own.join("data")).unwrap().count(), 0);
    let log = serde_json::to_string(&lab.entries().await).unwrap();
    assert!(log.contains("file at depth 2") && !log.contains("today"), "names of files are not in the log: {log}");

    // Another installation of the same plugin has a directory of its own; what it may not do is denied.
    std::fs::create_dir(own.join("data/notes")).unwrap();
    std::fs::write(own.join("data/notes/today.txt"), "not for others").unwrap();
    let reading = ["events:receive types=test.* data=full", "log:write", "files:read"];
    let other = lab.install_in("globex", &package, Some(&reading)).await;
    let report = lab.call(&other, json!({})).await;
    assert_eq!((said(&report, "read: "), said(&report, "list: ")), ("Err(NotFound)", "Ok([])"));
    for words in ["write: ", "remove: "] {
        assert!(said(&report, words).contains("scope: \"files:write bytes="), "{:?}", report.log);
    }
    refused_at_load(&lab, &package, "files").await;
}

#[tokio::test(flavor = "multi_thread")]
pub async fn uses_clocks() {
    let lab = Lab::new().await;
    let limits = "host-calls = 100000\ncpu-ms = 5000\nwall-ms = 60000";
    let package = Package::guest("uses_clocks", &["log:write", "clocks:read"], limits);
    let guest = lab.install(&package).await;
    for _ in 0..2 {
        let before = lab.host.clock.now().0;
        let report = lab.call(&guest, json!({})).await;
        assert_eq!(report.end, CallEnd::Ok);
        let now: i64 = said(&report, "now: ").parse().unwrap();
        assert!((before..=lab.host.clock.now().0).contains(&now), "{now}");
        let began: u64 = said(&report, "began: ").parse().unwrap();
        assert!(began < 5_000, "it counts from the call on: {began}");
        assert!(said(&report, "passed: ").parse::<u64>().unwrap() >= 3, "{:?}", report.log);
        assert_eq!(said(&report, "later: "), "true");
        assert!(report.usage.host_calls > 5, "each look counts");
    }
    refused_at_load(&lab, &package, "clocks").await;
}

#[tokio::test(flavor = "multi_thread")]
pub async fn uses_random() {
    let lab = Lab::new().await;
    let package = Package::guest("uses_random", &["log:write", "random:read"], "");
    let guest = lab.install(&package).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let report = lab.call(&guest, json!({})).await;
        assert_eq!(report.end, CallEnd::Ok);
        for words in ["some: ", "again: "] {
            assert!(said(&report, words).starts_with("Ok(["), "{}", said(&report, words));
            assert!(seen.insert(said(&report, words).to_owned()), "twice the same");
        }
        assert_eq!((said(&report, "none: "), said(&report, "most: ")), ("Ok([])", "Ok(4096)"));
        for words in ["too many: ", "far too many: "] {
            assert_eq!(said(&report, words), "Err(Invalid(\"count: expected at most 4096\"))");
        }
    }
    refused_at_load(&lab, &package, "random").await;
}

#[tokio::test(flavor = "multi_thread")]
pub async fn leaves_traces() {
    let lab = Lab::new().await;
    let scopes = ["log:write", "kv:read", "kv:write bytes=64KiB", "files:read", "files:write bytes=64KiB"];
    let guest = lab.install(&Package::guest("leaves_traces", &scopes, "")).await;
    let report = lab.call(&guest, json!({ "mark": "blue" })).await;
    assert_eq!(report.end, CallEnd::Ok, "{:?}", report.log);
    assert_eq!(said(&report, "kept: "), "blue");
    assert_eq!(lab.host.store.values_of(&guest, None, 9).await.unwrap()[0].value, "blue".repeat(200).into_bytes());
}

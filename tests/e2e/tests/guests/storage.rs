//! Guests that keep things in `kv`.

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

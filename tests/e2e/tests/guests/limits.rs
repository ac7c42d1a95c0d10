//! Guests that want more than they may have: each call ends at the limit that was reached, and says which.

use std::time::Duration;

use portcullis_e2e::{Lab, Package, event};
use portcullis_model::{invoke::CallEnd, limits::Limits};
use serde_json::json;

const MIB: u64 = 1024 * 1024;

/// With one thread for everything, so that a loop that did not give way would stop the other call.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
pub async fn loops() {
    let lab = Lab::new().await;
    let endless = lab.install(&Package::guest("loops", &["log:write"], "cpu-ms = 2000\nwall-ms = 60000")).await;
    let echo = lab.install(&Package::guest("echo", &[], "wall-ms = 60000")).await;
    lab.runtime.prepare(&endless).await.unwrap();
    lab.runtime.prepare(&echo).await.unwrap();
    let (runtime, of_loop) = (lab.runtime.clone(), event(json!({})));
    let looping = tokio::spawn(async move {
        use portcullis_model::invoke::Invoke as _;
        runtime.handle(&endless, &of_loop, 1).await
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    for _ in 0..3 {
        assert_eq!(lab.call(&echo, json!({})).await.end, CallEnd::Ok);
    }
    assert!(!looping.is_finished(), "the other calls were to run while it loops");
    let report = looping.await.unwrap();
    assert_eq!(report.end, CallEnd::Limit("cpu-ms"));
    assert!(report.usage.cpu >= Duration::from_secs(2), "{:?}", report.usage);
    assert!(report.usage.cpu < Duration::from_secs(10), "{:?}", report.usage);
    assert_eq!(report.usage.host_calls, 0);
}

#[tokio::test(flavor = "multi_thread")]
pub async fn recurses() {
    let lab = Lab::new().await;
    let guest = lab.install(&Package::guest("recurses", &["log:write"], "wall-ms = 60000")).await;
    for _ in 0..3 {
        let report = lab.call(&guest, json!({})).await;
        assert_eq!(report.end, CallEnd::Limit("stack"));
        assert_eq!(report.log, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
pub async fn eats_memory() {
    let lab = Lab::new().await;
    let limits = "memory-mib = 8\ncpu-ms = 10000\nwall-ms = 60000";
    let guest = lab.install(&Package::guest("eats_memory", &["log:write"], limits)).await;
    for _ in 0..3 {
        let report = lab.call(&guest, json!({})).await;
        assert_eq!(report.end, CallEnd::Limit("memory-mib"));
        assert!((2 * MIB..=8 * MIB).contains(&report.usage.memory), "{:?}", report.usage);
    }
}

#[tokio::test(flavor = "multi_thread")]
pub async fn eats_memory_slowly() {
    let lab = Lab::new().await;
    let limits = "memory-mib = 16\ncpu-ms = 10000\nwall-ms = 60000";
    let guest = lab.install(&Package::guest("eats_memory_slowly", &["log:write"], limits)).await;
    let report = lab.call(&guest, json!({})).await;
    assert_eq!(report.end, CallEnd::Limit("memory-mib"));
    assert!((8 * MIB..=16 * MIB).contains(&report.usage.memory), "{:?}", report.usage);
    let lines: Vec<&str> = report.log.iter().map(|(_, line)| line.as_str()).collect();
    assert!(lines.contains(&"holding 8192 KiB"), "it got most of what it may have: {lines:?}");
    assert!(!lines.contains(&"holding 16384 KiB"), "and not more: {lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
pub async fn burns_host_calls() {
    let lab = Lab::new().await;
    let limits = "host-calls = 200\ncpu-ms = 10000\nwall-ms = 60000";
    let guest = lab.install(&Package::guest("burns_host_calls", &["log:write", "kv:read"], limits)).await;
    let report = lab.call(&guest, json!({})).await;
    assert_eq!(report.end, CallEnd::Limit("host-calls"));
    assert_eq!(report.log, [], "the call ends there: it is not told and does not go on");
    let acts = portcullis_e2e::acts(&lab.entries().await);
    assert_eq!(acts.permitted("kv.get"), 199, "one of the 200 opened the bucket");
}

#[tokio::test(flavor = "multi_thread")]
pub async fn exports_all_tickets() {
    let lab = Lab::new().await;
    lab.seed(portcullis_e2e::TENANT).await;
    let limits = "records-read = 9\ncpu-ms = 10000\nwall-ms = 60000";
    let scopes = ["log:write", "tickets:read fields=subject", "kv:write bytes=64KiB"];
    let guest = lab.install(&Package::guest("exports_all_tickets", &scopes, limits)).await;
    let report = lab.call(&guest, json!({})).await;
    let lines: Vec<&str> = report.log.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!((lines[0], lines[2]), ("got 9", "kv: Ok(())"));
    assert_eq!(portcullis_e2e::acts(&lab.entries().await).permitted("tickets.get"), 9);
}

#[tokio::test(flavor = "multi_thread")]
pub async fn huge_error() {
    let lab = Lab::new().await;
    let limits = "memory-mib = 64\ncpu-ms = 10000\nwall-ms = 60000";
    let guest = lab.install(&Package::guest("huge_error", &["log:write"], limits)).await;
    // 16 MiB is past what the engine carries over in one piece, before anybody could look at how long an error may be.
    for (kib, end) in [(65, "output-kib"), (4096, "output-kib"), (16_384, "host-call-bytes")] {
        let report = lab.call(&guest, json!({ "kib": kib })).await;
        assert_eq!(report.end, CallEnd::Limit(end), "{kib} KiB");
        assert!(report.end.to_string().len() < 1024, "what goes into the queue");
        assert!(report.entry(lab.host.clock.now()).encode().unwrap().len() < 4096, "what goes into the log");
    }
    let report = lab.call(&guest, json!({ "kib": 60 })).await;
    assert!(matches!(report.end, CallEnd::Failed { error: "invalid", .. }), "{}", report.end);
}

/// What is refused for its form costs as much as what is not: no loop over calls into the host is free.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_calls_count_too() {
    let lab = Lab::new().await;
    let limits = "host-calls = 200\ncpu-ms = 10000\nwall-ms = 60000";
    let scopes = ["log:write", "http:send to=https://api.example.test/* methods=GET"];
    let guest = lab.install(&Package::guest("sleeps_in_http", &scopes, limits)).await;
    let report = lab.call(&guest, json!({ "url": "no url" })).await;
    assert_eq!(report.end, CallEnd::Limit("host-calls"));
}

/// The smallest value of every layer holds: manifest, admin, and the operator's ceiling.
#[tokio::test(flavor = "multi_thread")]
async fn the_smallest_limit_holds() {
    let config = "[ceiling.limits]\nhost-calls = 7\n";
    let lab = Lab::with(config).await;
    let limits = "host-calls = 5000\ncpu-ms = 10000\nwall-ms = 60000";
    let guest = lab.install(&Package::guest("burns_host_calls", &["log:write", "kv:read"], limits)).await;
    let report = lab.call(&guest, json!({})).await;
    assert_eq!((report.end.clone(), report.call.limits.host_calls), (CallEnd::Limit("host-calls"), 7));
    let admins = Limits { host_calls: 3, ..guest.limits };
    let narrower = portcullis_model::installation::Installation { limits: admins, generation: 2, ..guest };
    assert_eq!(lab.call(&narrower, json!({})).await.usage.host_calls, 4, "three, and the one that was too much");
}

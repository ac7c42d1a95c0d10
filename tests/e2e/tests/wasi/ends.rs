//! How calls end that would not end well by themselves.

use std::time::Duration;

use portcullis_e2e::Lab;
use portcullis_model::{
    installation::Installation,
    invoke::{CallEnd, CallReport},
};
use serde_json::json;

use crate::{package, said};

pub const GUEST: &str = "wasip2_std_ends";

async fn installed(lab: &Lab, limits: &str) -> Installation {
    lab.install(&package(GUEST, &["log:write"], limits)).await
}

async fn ends(lab: &Lab, guest: &Installation, how: &str) -> CallReport {
    let report = lab.call(guest, json!({ "how": how })).await;
    assert_eq!(said(&report, "how "), how);
    assert!(!report.log.iter().any(|(_, line)| line == "not reached"));
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn to_exit_is_to_fail_whatever_the_status() {
    let lab = Lab::new().await;
    let guest = installed(&lab, "").await;
    for (how, status) in [("exit", "1"), ("exit-well", "0")] {
        let report = ends(&lab, &guest, how).await;
        let why = format!("the plugin exited with status {status} before its handler returned");
        assert_eq!(report.end, CallEnd::Trapped(why));
        assert!(!report.end.worth_retrying());
    }
    let report = ends(&lab, &guest, "abort").await;
    assert!(matches!(&report.end, CallEnd::Trapped(why) if why.contains("unreachable")), "{:?}", report.end);
    assert!(matches!(lab.call(&guest, json!({ "how": "?" })).await.end, CallEnd::Failed { error: "invalid", .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn to_sleep_for_ever_ends_at_the_wall_clock_limit() {
    let lab = Lab::new().await;
    let guest = installed(&lab, "wall-ms = 700").await;
    let report = ends(&lab, &guest, "sleep").await;
    assert_eq!(report.end, CallEnd::Limit("wall-ms"));
    assert!((Duration::from_millis(700)..Duration::from_secs(20)).contains(&report.usage.wall), "{:?}", report.usage);
    assert!(report.usage.cpu < Duration::from_millis(100), "sleeping is no work: {:?}", report.usage);
}

#[tokio::test(flavor = "multi_thread")]
async fn to_ask_for_ever_ends_at_a_limit() {
    let lab = Lab::new().await;
    let guest = installed(&lab, "cpu-ms = 20\nhost-calls = 100000").await;
    let report = ends(&lab, &guest, "ask-the-time").await;
    assert_eq!(report.end, CallEnd::Limit("cpu-ms"));
    let guest = installed(&lab, "cpu-ms = 10000\nhost-calls = 500").await;
    let report = ends(&lab, &guest, "ask-the-time").await;
    assert_eq!((report.end, report.usage.host_calls), (CallEnd::Limit("host-calls"), 501));
}

#[tokio::test(flavor = "multi_thread")]
async fn to_print_for_ever_fills_no_more_than_the_log() {
    let lab = Lab::new().await;
    let guest = installed(&lab, "log-kib = 8\ncpu-ms = 10000\nhost-calls = 2000").await;
    let report = ends(&lab, &guest, "print").await;
    assert_eq!(report.end, CallEnd::Limit("host-calls"));
    let bytes: usize = report.log.iter().map(|(_, line)| line.len() + 16).sum();
    assert!((7 * 1024..=8 * 1024).contains(&bytes), "{bytes}");
    assert!(report.usage.log_dropped > 100, "{}", report.usage.log_dropped);
}

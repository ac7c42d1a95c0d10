//! Guests that log: what stands in a plugin's log, and what can never stand there.

use portcullis_e2e::{Lab, Package, event};
use portcullis_model::invoke::{CallEnd, CallReport, PluginLogs as _};
use serde_json::json;

fn lines(report: &CallReport) -> Vec<&str> {
    report.log.iter().map(|(_, line)| line.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
pub async fn panics() {
    let lab = Lab::new().await;
    let guest = lab.install(&Package::guest("panics", &["log:write"], "")).await;
    let event = event(json!({}));
    let report = lab.handle(&guest, &event, 1).await;
    assert!(matches!(&report.end, CallEnd::Trapped(why) if why.contains("unreachable")), "{:?}", report.end);
    let [(level, line)] = report.log.as_slice() else { panic!("one line: {:?}", report.log) };
    assert_eq!(*level, "error");
    assert!(line.ends_with(&format!("on purpose, for event {}", event.id)), "{line}");
    assert!(line.contains("examples/panics.rs:"), "the place: {line}");
    assert!(!line.contains(&portcullis_e2e::root().display().to_string()), "and nothing about this machine: {line}");
}

#[tokio::test(flavor = "multi_thread")]
pub async fn keeps_state() {
    let lab = Lab::new().await;
    let guest = lab.install(&Package::guest("keeps_state", &["log:write"], "")).await;
    for _ in 0..5 {
        let report = lab.call(&guest, json!({})).await;
        assert_eq!((report.end.clone(), lines(&report)), (CallEnd::Ok, vec!["calls: 1"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
pub async fn floods_log() {
    let lab = Lab::new().await;
    let limits = "log-kib = 4\nhost-calls = 100000\ncpu-ms = 10000\nwall-ms = 60000";
    let guest = lab.install(&Package::guest("floods_log", &["log:write"], limits)).await;
    let report = lab.call(&guest, json!({})).await;
    assert_eq!(report.end, CallEnd::Ok);
    // Each line counts 16 bytes beside its text.
    let bytes: usize = lines(&report).iter().map(|line| line.len() + 16).sum();
    assert!((3 * 1024..=4 * 1024).contains(&bytes), "{bytes}");
    assert_eq!(report.log.len() + report.usage.log_dropped as usize, 100_000);
    assert_eq!(lines(&report)[0], "line 0 of a flood that nobody wants to read");
}

#[tokio::test(flavor = "multi_thread")]
pub async fn forges_log() {
    let lab = Lab::new().await;
    let guest = lab.install(&Package::guest("forges_log", &["log:write"], "cpu-ms = 5000\nwall-ms = 60000")).await;
    let report = lab.call(&guest, json!({})).await;
    assert_eq!(report.end, CallEnd::Ok);
    assert_eq!(report.log.len(), 5, "{:?}", lines(&report));
    assert!(report.log.iter().all(|(level, _)| *level == "info"), "{:?}", report.log);
    assert_eq!(lines(&report)[0], "first\\u{a}second");
    assert_eq!(lines(&report)[4].chars().count(), 4096);
    lab.host.store.keep(&report, lab.host.clock.now());
    // What is stored is what people see. Line ends of Unicode, and marks that turn the text around, count as well.
    let unfit = |c: char| c.is_control() || "\u{2028}\u{2029}\u{61c}\u{200e}\u{200f}".contains(c) || is_turning(c);
    drop(lab.entries().await);
    let stored = lab.host.store.log_lines(Some(guest.id.clone()), 100).await.unwrap();
    assert_eq!(stored.len(), 5);
    for line in &stored {
        assert!(!line.message.contains(unfit), "{:?}", line.message.escape_unicode().to_string());
        assert_eq!((line.installation.as_str(), line.level.as_str()), (guest.id.as_str(), "info"));
    }
}

fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[tokio::test(flavor = "multi_thread")]
pub async fn uses_log() {
    let lab = Lab::new().await;
    let package = Package::guest("uses_log", &["log:write"], "");
    let report = lab.call(&lab.install(&package).await, json!({})).await;
    let expected = ["debug", "info", "warn", "error"].map(|level| (level, level.to_owned()));
    assert_eq!((report.end, report.log), (CallEnd::Ok, expected.to_vec()));
    super::acts::refused_at_load(&lab, &package, "log").await;
}

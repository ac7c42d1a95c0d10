//! What a program sees of the world.

use portcullis_e2e::{Lab, event};
use portcullis_model::invoke::{CallEnd, CallReport};
use serde_json::json;

use crate::{package, said};

pub const GUEST: &str = "wasip2_std_world";

fn lines(report: &CallReport) -> Vec<String> {
    let all = report.log.iter().map(|(level, line)| format!("{level} {line}"));
    // The second in which the call began is the one thing that differs.
    all.filter(|line| !line.starts_with("info seconds ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nothing_granted_there_is_nothing_to_see() {
    let lab = Lab::new().await;
    let guest = lab.install(&package(GUEST, &["log:write"], "cpu-ms = 2000")).await;
    let report = lab.call(&guest, json!({})).await;
    assert_eq!(report.end, CallEnd::Ok, "{:?}", report.log);
    for (what, seen) in [
        ("variables ", "0"),
        ("arguments ", "0"),
        ("input ", "Ok(0)"),
        ("read /etc/passwd ", "false"),
        ("read etc/passwd ", "false"),
        ("read . ", "false"),
        ("read ../../../../etc/passwd ", "false"),
        ("write ", "false"),
        ("nanoseconds ", "0"),
        ("worked ", "0"),
        ("slept ", "30000000"),
        ("wall moved ", "0"),
    ] {
        assert_eq!(said(&report, what), seen, "{what}");
    }
    assert!(said(&report, "root ").starts_with("Err("), "{:?}", report.log);
    let now = lab.host.clock.now().0 / 1000;
    let seconds: i64 = said(&report, "seconds ").parse().unwrap();
    assert!((now - 120..=now).contains(&seconds), "the second in which the call began: {seconds}, {now}");
    assert!(report.usage.wall.as_millis() >= 30, "it really slept");
    assert!(report.usage.host_calls > 30, "WASI's functions are counted: {}", report.usage.host_calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_is_the_same_twice_and_others_tell_nothing() {
    let lab = Lab::new().await;
    let package = package(GUEST, &["log:write"], "cpu-ms = 2000");
    let (guest, neighbour) = (lab.install(&package).await, lab.install(&package).await);
    let one = event(json!({}));
    let first = lab.handle(&guest, &one, 1).await;
    let again = lab.handle(&guest, &one, 2).await;
    assert_eq!(lines(&first), lines(&again));
    let other = lab.call(&guest, json!({})).await;
    let elsewhere = lab.handle(&neighbour, &one, 1).await;
    assert_ne!(said(&first, "order "), said(&other, "order "), "another event");
    assert_ne!(said(&first, "order "), said(&elsewhere, "order "), "another installation");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_clocks_and_random_they_are_the_hosts() {
    let lab = Lab::new().await;
    let scopes = ["log:write", "clocks:read", "random:read"];
    let guest = lab.install(&package(GUEST, &scopes, "cpu-ms = 2000")).await;
    let one = event(json!({}));
    let first = lab.handle(&guest, &one, 1).await;
    assert_eq!(first.end, CallEnd::Ok);
    let number = |words| said(&first, words).parse::<u64>().unwrap();
    assert!(number("slept ") >= number("worked ") + 30_000_000);
    assert!(number("wall moved ") >= 30_000_000);
    for words in ["nanoseconds ", "worked ", "slept ", "wall moved "] {
        assert_eq!(number(words) % 1_000_000, 0, "in steps of 1 ms: {words}");
    }
    assert!(number("slept ") < 120_000_000_000, "since the call began, not since the host did");
    let again = lab.handle(&guest, &one, 2).await;
    assert_ne!(said(&first, "order "), said(&again, "order "));
}

#[tokio::test(flavor = "multi_thread")]
async fn output_is_lines_in_the_plugins_log() {
    let lab = Lab::new().await;
    let guest = lab.install(&package(GUEST, &["log:write"], "cpu-ms = 2000")).await;
    let report = lab.call(&guest, json!({})).await;
    let of = |words: &str| {
        let mut found = report.log.iter().filter(|(_, line)| line.starts_with(words));
        let one = found.next().unwrap_or_else(|| panic!("no '{words}': {:?}", report.log));
        assert!(found.next().is_none(), "'{words}' twice");
        (one.0, one.1.as_str())
    };
    assert_eq!(of("to standard"), ("warn", "to standard error"));
    assert_eq!(of("forged"), ("info", r#"forged\u{1b}[31m\u{d}{"level":"error"}\u{85}end"#));
    assert_eq!(of("in two"), ("info", "in two pieces"));
    assert_eq!(of("unfinished"), ("info", "unfinished"), "what has no end of line is not lost");
    assert_eq!(of("long x").1.len(), 4096);
    assert_eq!(report.log.last().unwrap().1, "unfinished");
}

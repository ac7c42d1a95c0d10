//! The account, for people.

use super::{
    Report,
    account::{Latency, PluginAccount},
    secrets::SecretsAccount,
};

/// What each plugin is, in a line.
fn about(plugin: &str) -> &'static str {
    match plugin {
        "card-guard" => "covers card numbers in comments",
        "vip-escalator" => "raises tickets of important customers",
        "chat-notifier" => "posts urgent tickets to a chat room, with a token that it never sees",
        _ => "an \"analytics\" plugin that wants more than it was given",
    }
}

/// The whole report.
pub fn report(report: &Report) -> String {
    let account = &report.account;
    let mut lines = vec![format!(
        "{} signed events in: {} duplicates dropped, {} bad requests refused.",
        account.sent.accepted, account.sent.duplicates, account.sent.refused
    )];
    for (name, plugin) in &account.plugins {
        lines.push(String::new());
        lines.push(format!("{name}: {}", about(name)));
        lines.extend(plugin_lines(plugin));
    }
    lines.push(String::new());
    lines.push(format!(
        "From an event's arrival to the end of each call for it: {} (with guest memory searched and dumped after every call).",
        latency(&account.event_to_handled_ms, "ms")
    ));
    lines.push(String::new());
    lines.extend(search_lines(&account.secrets));
    lines.push(String::new());
    for expectation in &report.expectations {
        let mark = if expectation.held { "  ok  " } else { "FAILED" };
        lines.push(format!("[{mark}] {}", expectation.what));
        lines.push(format!("         {}", expectation.saw));
    }
    lines.push(String::new());
    lines.push(match report.held {
        true => "Every expectation held.".to_owned(),
        false => "NOT every expectation held.".to_owned(),
    });
    lines.join("\n")
}

/// What was looked for, and where.
fn search_lines(secrets: &SecretsAccount) -> Vec<String> {
    let values: Vec<String> = secrets.values.iter().map(|(what, count)| format!("{what} ({count})")).collect();
    let mut lines = vec![format!("Looked for, in every usual encoding: {}", values.join(", "))];
    for (sort, place) in &secrets.places {
        let kib = place.bytes.div_ceil(1_024);
        lines.push(format!(
            "  in {} {sort} ({kib} KiB): {} with a find, {} with what was planted",
            place.searched,
            place.found.len(),
            place.planted
        ));
    }
    lines
}

fn plugin_lines(plugin: &PluginAccount) -> Vec<String> {
    let counts = |map: &std::collections::BTreeMap<String, u64>| {
        map.iter().map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
    };
    let mut lines = vec![format!("  calls: {}; {}", counts(&plugin.calls), latency(&plugin.call_us, "µs"))];
    for (act, outcomes) in &plugin.acts {
        lines.push(format!("  did    {act}: {}", counts(outcomes)));
    }
    for denial in &plugin.denials {
        lines.push(format!(
            "  DENIED {} x{}: needs '{}'; {}; the {} could change that",
            denial.act, denial.count, denial.scope, denial.reason, denial.grantor
        ));
    }
    lines
}

fn latency(latency: &Latency, unit: &str) -> String {
    format!("median {} {unit}, p99 {} {unit}", latency.p50, latency.p99)
}

//! Budgets: what runs out is suspended for one capability of one installation, exactly where the bound is, and everybody
//! else goes on.
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

mod calls;
mod export;
mod tenants;

use portcullis_e2e::Package;
use portcullis_model::invoke::CallReport;

/// Enough of everything that a slow machine could run out of.
const PATIENT: &str = "cpu-ms = 10000\nwall-ms = 60000\n";

/// The guest that reads all tickets, with these further limits.
fn exporter(limits: &str) -> Package {
    let scopes = ["log:write", "tickets:read fields=subject", "kv:write bytes=64KiB"];
    Package::guest("exports_all_tickets", &scopes, &format!("{PATIENT}{limits}"))
}

/// What the guest logged after these words.
fn said<'a>(report: &'a CallReport, words: &str) -> &'a str {
    let found = report.log.iter().find_map(|(_, line)| line.strip_prefix(words));
    found.unwrap_or_else(|| panic!("'{words}' is not in the log; {:?}: {:?}", report.end, report.log))
}

/// How many records it got.
fn got(report: &CallReport) -> u64 {
    said(report, "got ").parse().unwrap()
}

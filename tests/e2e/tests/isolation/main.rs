//! Installations are worlds of their own: what one has, does or is denied is nothing to another.
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

mod changes;
mod neighbours;
mod tenants;

use portcullis_model::invoke::CallReport;

/// What the guest logged after these words.
fn said<'a>(report: &'a CallReport, words: &str) -> &'a str {
    let found = report.log.iter().find_map(|(_, line)| line.strip_prefix(words));
    found.unwrap_or_else(|| panic!("'{words}' is not in the log; {:?}: {:?}", report.end, report.log))
}

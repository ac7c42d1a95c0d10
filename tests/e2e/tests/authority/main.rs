//! Authority is an intersection: each layer takes away, a denial says which one, and `explain` says the same as the decision.
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

mod explained;
mod layers;
mod over_http;

use portcullis_e2e::{Lab, Package};
use portcullis_model::{
    audit::{Entry, Kind},
    invoke::CallReport,
};

/// The guest that reads the fields that its event names, with the right to read three.
fn reader() -> Package {
    Package::guest("reads_named_fields", &["tickets:read fields=subject,status,tags", "log:write"], "")
}

/// The newest denial in the log.
async fn denial(lab: &Lab) -> Entry {
    lab.entries_of(Kind::ActDenied).await.pop().unwrap()
}

/// What the guest logged.
fn log(report: &CallReport) -> String {
    report.log.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n")
}

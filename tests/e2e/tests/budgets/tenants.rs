//! A tenant's bound: for all of its installations together, whatever each of them may have.

use portcullis_e2e::{Lab, run};
use portcullis_model::audit::Kind;
use serde_json::json;

use crate::{exporter, got, said};

#[tokio::test(flavor = "multi_thread")]
async fn what_one_installation_used_another_does_not_get() {
    let lab = Lab::with("[tenants.acme.limits]\nrecords-read-per-hour = 30\n").await;
    lab.seed("acme").await;
    lab.seed("other").await;
    let package = exporter("records-read = 20");
    let (one, two) = (lab.install(&package).await, lab.install(&package).await);
    let elsewhere = lab.install_in("other", &package, None).await;
    assert_eq!(got(&lab.call(&one, json!({})).await), 20);
    let report = lab.call(&two, json!({})).await;
    assert_eq!(got(&report), 10);
    let why = said(&report, "refused: ");
    assert!(
        why.contains("the tenant's records-read-per-hour: its 30 are used up by its installations together"),
        "{why}"
    );
    assert_eq!(got(&lab.call(&elsewhere, json!({})).await), 20, "another tenant has no such bound");

    let suspended = lab.entries_of(Kind::CapabilitySuspended).await;
    assert_eq!(suspended.len(), 1, "the one that asked, and not yet the one that used most");
    assert_eq!(suspended[0].text("whose"), Some("tenant"));
    // An admin's word does not make the tenant's bound larger.
    let home = lab.host.home.dir().to_owned();
    let resumed = run(&home, &["plugin", "resume", two.id.as_str(), "--capability", "tickets"]).await;
    assert_eq!(resumed.code, 0, "{resumed:?}");
    lab.runtime.ledger().write_now().await;
    assert_eq!(got(&lab.call(&two, json!({})).await), 0);
    assert_eq!(got(&lab.call(&one, json!({})).await), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_limits_of_a_call_hold_for_each_call() {
    let lab = Lab::with("[tenants.acme.limits]\nrecords-read = 5\n").await;
    lab.seed("acme").await;
    let guest = lab.install(&exporter("")).await;
    for _ in 0..3 {
        assert_eq!(got(&lab.call(&guest, json!({})).await), 5);
    }
}

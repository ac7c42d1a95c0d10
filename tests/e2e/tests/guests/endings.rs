//! How a call ends, and what becomes of it.

use portcullis_e2e::{Lab, Package, TENANT};
use portcullis_model::invoke::CallEnd;
use serde_json::json;

/// With no scope but the event's.
#[tokio::test(flavor = "multi_thread")]
pub async fn echo() {
    let lab = Lab::new().await;
    let guest = lab.install(&Package::bare("echo", &["events:receive types=test.* data=full"])).await;
    let report = lab.call(&guest, json!({ "a": [1, "two", null], "b": { "c": "d" } })).await;
    assert_eq!(report.end, CallEnd::Ok);
    assert_eq!((report.usage.host_calls, report.log.len()), (0, 0));
    assert_eq!(portcullis_e2e::acts(&lab.entries().await), portcullis_e2e::Acts::default());
}

/// An event that is not granted does not get as far as the plugin.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_not_granted_is_not_delivered() {
    let lab = Lab::new().await;
    let package = Package::bare("echo", &["events:receive types=test.*"]);
    let guest = lab.install_in(TENANT, &package, Some(&["events:receive types=test.other"])).await;
    let report = lab.call(&guest, json!({})).await;
    assert!(matches!(&report.end, CallEnd::Refused(why) if why.contains("test.event")), "{:?}", report.end);
}

#[tokio::test(flavor = "multi_thread")]
pub async fn returns_each_error() {
    let lab = Lab::new().await;
    let guest = lab.install(&Package::guest("returns_each_error", &["log:write"], "")).await;
    let failed = |error, message: &str| CallEnd::Failed { error, message: message.to_owned() };
    for (name, end, again) in [
        ("none", CallEnd::Ok, false),
        ("denied", failed("denied", "made-up needs tickets:redact"), false),
        ("invalid", failed("invalid", "event: no error named"), false),
        ("not-found", failed("not-found", ""), false),
        ("limited", failed("limited", "made-up"), true),
        ("conflict", failed("conflict", ""), false),
        ("unavailable", failed("unavailable", ""), true),
    ] {
        let report = lab.call(&guest, json!({ "error": name })).await;
        assert_eq!((&report.end, report.end.worth_retrying()), (&end, again), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
pub async fn cuts_text_blindly() {
    let lab = Lab::new().await;
    let guest = lab.install(&Package::guest("cuts_text_blindly", &["log:write"], "")).await;
    let report = lab.call(&guest, json!({ "subject": "Printer on fire" })).await;
    assert_eq!((&report.end, report.log[0].1.as_str()), (&CallEnd::Ok, "begins with Printer "));
    for subject in ["Printer", "Drucker\u{fc}"] {
        let report = lab.call(&guest, json!({ "subject": subject })).await;
        assert!(matches!(report.end, CallEnd::Trapped(_)), "{subject}: {:?}", report.end);
    }
}

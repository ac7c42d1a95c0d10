//! Guests that are asked by data subjects (DAT-9).

use portcullis_e2e::{Lab, Package, TENANT, event};
use portcullis_model::{
    event::{Event, EventForm},
    installation::Installation,
    invoke::{CallEnd, CallReport},
    privacy::{Identity, PrivacyAnswer, PrivacyAsk, PrivacyKind, event_kind},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::acts::said;

const SCOPES: [&str; 4] =
    ["log:write", "kv:read", "kv:write bytes=1KiB", "users:read fields=name,email,phone token=email mask=phone"];

fn request(kind: PrivacyKind, correction: Option<Value>) -> Event {
    let who = Identity {
        user: "7".into(),
        names: vec!["Ada Person".into()],
        emails: vec!["ada@example.com".into()],
        phones: vec!["+49 30 901820".into()],
    };
    let asked = PrivacyAsk { kind, who, deadline: Timestamp(1_792_000_000_000), correction };
    let data = serde_json::to_value(asked).unwrap();
    Event { kind: event_kind(kind), form: EventForm::Privacy, data, ..event(json!({})) }
}

async fn ask(lab: &Lab, guest: &Installation, kind: PrivacyKind) -> CallReport {
    lab.handle(guest, &request(kind, None), 1).await
}

#[tokio::test(flavor = "multi_thread")]
pub async fn answers_privacy() {
    let lab = Lab::new().await;
    let package = Package::guest("answers_privacy", &SCOPES, "");
    let guest = lab.install(&package).await;

    let report = ask(&lab, &guest, PrivacyKind::Access).await;
    assert_eq!((&report.end, &report.answer), (&CallEnd::Ok, &Some(PrivacyAnswer::NothingHeld)), "{:?}", report.log);
    lab.call(&guest, json!({ "user": "7" })).await;
    let report = ask(&lab, &guest, PrivacyKind::Access).await;
    let held = Some("{\"note\":\"likes tea\"}".to_owned());
    assert_eq!(report.answer, Some(PrivacyAnswer::Done { records: 1, data: held, note: None }));

    // The name as it is, the address as a token, the telephone number not at all: a mask says nothing about whose it is.
    let asked = said(&report, "asked: ");
    assert!(asked.starts_with("Kind::Access 7 [\"Ada Person\", \""), "{asked}");
    assert!(!asked.contains("ada@example.com") && !asked.contains("901820") && !asked.contains('•'), "{asked}");
    assert_eq!(asked.matches("\", \"").count(), 1, "{asked}");

    let report = ask(&lab, &guest, PrivacyKind::Restrict).await;
    assert_eq!(report.answer, Some(PrivacyAnswer::Later { seconds: 60 }));
    let report =
        lab.handle(&guest, &request(PrivacyKind::Correct, Some(json!({ "name": "Ada P.", "phone": "1" }))), 1).await;
    assert_eq!(report.answer, None);
    let CallEnd::Failed { error: "invalid", message } = &report.end else { panic!("{:?}", report.end) };
    assert_eq!(message, "{\"name\":\"Ada P.\"}", "what it could not read it is not told");
    let report = ask(&lab, &guest, PrivacyKind::Correct).await;
    assert_eq!((&report.end, &report.answer), (&CallEnd::Limit("output-kib"), &None));
    let report = ask(&lab, &guest, PrivacyKind::Erase).await;
    assert_eq!(report.answer, Some(PrivacyAnswer::Done { records: 1, data: None, note: None }));
    assert_eq!(ask(&lab, &guest, PrivacyKind::Erase).await.answer, Some(PrivacyAnswer::NothingHeld));

    // With nothing granted to read of people it learns the id alone.
    let blind = ["events:receive types=test.*", "log:write", "kv:read", "kv:write bytes=1KiB"];
    let guest = lab.install_in(TENANT, &package, Some(&blind)).await;
    let report = ask(&lab, &guest, PrivacyKind::Access).await;
    assert_eq!(said(&report, "asked: "), "Kind::Access 7 []");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_cannot_be_asked_is_not_called() {
    let lab = Lab::new().await;
    let guest = lab.install(&Package::guest("echo", &["log:write"], "")).await;
    let report = ask(&lab, &guest, PrivacyKind::Erase).await;
    let why = "the component does not export 'portcullis:plugin/privacy@0.1.0'";
    assert_eq!(report.end, CallEnd::Refused(why.to_owned()));
}

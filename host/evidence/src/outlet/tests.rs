use portcullis_model::{
    audit::{Actor, Entry, Kind, Sealed, WITHHELD},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{
    Sender,
    otlp::Otlp,
    syslog::{LONGEST, Syslog},
};
use crate::outlet::Shown;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn shown(entry: &Entry) -> Shown {
    let Sealed { body, openings } = entry.seal(|| [7; 32]).unwrap();
    Shown {
        index: 41,
        entry: Some(entry.clone()),
        fault: None,
        body: Some(String::from_utf8(body).unwrap()),
        openings,
        erased: Default::default(),
        disposed: None,
        leaf: None,
    }
}

fn denied() -> Entry {
    let person = Actor::Person { name: "dana of accounts".into() };
    let entry = Entry::new(Timestamp(1_700_000_000_250), Kind::ActDenied, person, Some("acme".parse().unwrap()));
    Entry { trace: Some(TRACE.into()), ..entry }.about("installation:ins_7").with("note", "Grüße \u{1f600} \"]\\ ende")
}

fn syslog(personal: bool) -> Syslog {
    let sender = Sender { origin: "host.example/audit".into(), personal };
    Syslog { sender, facility: 13, hostname: "host.example".into(), enterprise: Some(64_000) }
}

/// The message's event.
fn event(message: &[u8]) -> Value {
    let text = std::str::from_utf8(message).unwrap();
    serde_json::from_str(&text[text.find("{").unwrap()..]).unwrap()
}

#[test]
fn a_message_has_the_form_of_rfc_5424_and_is_ascii() {
    let message = syslog(true).message(&shown(&denied())).unwrap();
    assert!(message.is_ascii() && message.len() <= LONGEST);
    let text = String::from_utf8(message.clone()).unwrap();
    let head = format!(
        "<108>1 2023-11-14T22:13:20.250Z host.example portcullis {} act.denied [origin software=\"portcullis\" \
         swVersion=\"{}\" enterpriseId=\"64000\"][meta sequenceId=\"42\"][portcullis@64000 index=\"41\" kind=\"act.denied\" \
         tenant=\"acme\" installation=\"ins_7\" decision=\"denied\" trace=\"{TRACE}\"] {{\"specversion\"",
        std::process::id(),
        env!("CARGO_PKG_VERSION")
    );
    assert!(text.starts_with(&head), "{text}");
    let event = event(&message);
    assert_eq!(event["id"], "host.example/audit/41");
    assert_eq!(event["data"]["unmapped"]["note"], "Grüße \u{1f600} \"]\\ ende", "reads back as the same characters");
}

#[test]
fn without_a_number_there_is_no_element_of_the_products_own() {
    let message =
        Syslog { enterprise: None, hostname: "a b\u{e9}\n".into(), ..syslog(true) }.message(&shown(&denied()));
    let text = String::from_utf8(message.unwrap()).unwrap();
    assert!(text.contains(" ab portcullis ") && !text.contains('@'), "{text}");
    assert!(text.contains("[meta sequenceId=\"42\"] {"), "{text}");
}

#[test]
fn personal_values_are_sent_only_where_that_is_said() {
    let shown = shown(&denied().with_personal("asked-by", "ana@x.example"));
    for (personal, name) in [(true, "dana of accounts"), (false, WITHHELD)] {
        let message = syslog(personal).message(&shown).unwrap();
        let otlp = Otlp { sender: syslog(personal).sender }.record(&shown).unwrap();
        assert_eq!(event(&message)["data"]["actor"]["user"]["name"], name);
        for text in [String::from_utf8(message).unwrap(), String::from_utf8(otlp).unwrap()] {
            assert_eq!(text.contains("dana of accounts") && text.contains("ana@x.example"), personal, "{text}");
            assert_eq!(text.contains("dana") || text.contains("ana@x"), personal, "{text}");
        }
    }
}

#[test]
fn what_is_too_long_is_left_out_by_name_and_its_hash_stays() {
    let long = |bytes: usize| {
        let fill = (0..bytes / 500).fold(denied(), |entry, n| entry.with(&format!("f{n}"), "x".repeat(500)));
        event(&syslog(true).message(&shown(&fill)).unwrap())
    };
    assert!(long(1_000)["data"]["left_out"].is_null());
    for (bytes, left_out) in [(4_000, "raw_data"), (12_000, "raw_data unmapped"), (50_000, "raw_data unmapped")] {
        let event = long(bytes);
        assert_eq!(event["data"]["left_out"], left_out, "{bytes}");
        assert!(event["data"]["raw_data"].is_null() && event["data"]["raw_data_hash"]["value"].is_string());
    }
    let wide = denied().about("é".repeat(512)).with("reason", "é".repeat(512)).with("act", "é".repeat(512));
    let message = syslog(true).message(&shown(&wide)).unwrap();
    let event = event(&message);
    assert!(message.len() <= LONGEST && event["data"]["raw_data_hash"]["value"].is_string(), "{}", message.len());
    assert_eq!(event["data"]["left_out"], "data");
}

#[test]
fn what_is_gone_or_cannot_be_read_is_no_message() {
    let gone = Shown { entry: None, body: None, disposed: Some(50), ..shown(&denied()) };
    let broken = Shown { entry: None, body: Some("{}".into()), ..shown(&denied()) };
    for personal in [true, false] {
        let otlp = Otlp { sender: syslog(personal).sender };
        for shown in [&gone, &broken] {
            assert!(syslog(personal).message(shown).is_none() && otlp.record(shown).is_none());
        }
    }
}

#[test]
fn a_record_has_its_place_in_the_trace() {
    let otlp = Otlp { sender: syslog(false).sender };
    let (head, tail) = otlp.around();
    let record = String::from_utf8(otlp.record(&shown(&denied())).unwrap()).unwrap();
    let request: Value = serde_json::from_str(&format!("{head}{record},{record}{tail}")).unwrap();
    let scope = &request["resourceLogs"][0]["scopeLogs"][0];
    assert_eq!(scope["logRecords"].as_array().unwrap().len(), 2);
    let record = &scope["logRecords"][0];
    assert_eq!(record["timeUnixNano"], "1700000000250000000");
    assert_eq!(record["traceId"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!((&record["spanId"], &record["flags"]), (&json!("b7ad6b7169203331"), &json!(1)));
    assert_eq!(record["severityText"], "WARN");
    let body: Value = serde_json::from_str(record["body"]["stringValue"].as_str().unwrap()).unwrap();
    assert_eq!(body["type"], "dev.portcullis.act.denied");
}

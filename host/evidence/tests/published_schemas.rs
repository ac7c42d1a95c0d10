//! Events against the schemas that others published: CloudEvents 1.0 and OCSF 1.8.0, by `tests/contract/ocsf`.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::BTreeSet,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use portcullis_evidence::{Class, CloudEvent};
use portcullis_model::{
    audit::{Actor, ERASED, Entry, Kind, WITHHELD, query::kinds},
    id::Digest,
    time::Timestamp,
};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/ocsf")
}

/// What is wrong with each event, or `ok`.
fn judged(events: &[Value]) -> Vec<String> {
    let python = folder().join(".venv/bin/python");
    assert!(python.is_file(), "the packages in tests/contract/ocsf are not installed; run .ci/third-parties");
    let mut child = Command::new(python)
        .arg(folder().join("ocsf_check.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let judged: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(judged.len(), events.len());
    judged
}

fn actors() -> Vec<Actor> {
    vec![
        Actor::Host,
        Actor::Person { name: "ana".into() },
        Actor::Person { name: WITHHELD.into() },
        Actor::Account { person: "per_1".parse().unwrap(), name: "ana".into(), session: None },
        Actor::Account {
            person: "per_1".parse().unwrap(),
            name: WITHHELD.into(),
            session: Some("ses_1".parse().unwrap()),
        },
        Actor::Automation { client: "cl_1".parse().unwrap() },
        Actor::Source { name: "desk".parse().unwrap() },
        Actor::Client { client: "cl_1".parse().unwrap(), installation: "ins_1".parse().unwrap() },
        Actor::Plugin {
            installation: "ins_1".parse().unwrap(),
            plugin: "com.example.plugin".parse().unwrap(),
            release: Digest::of(b"x"),
            call: "call_1".parse().unwrap(),
        },
    ]
}

const ABOUT: &[&str] = &[
    "",
    "ticket:1042",
    "installation:ins_1",
    "POST https://hooks.example:8443/path?x=1",
    "PURGE http://[2001:db8::1]/",
    "connection acme/ins_2/chat",
    WITHHELD,
    ERASED,
    "https://no-method.example/",
    "Grüße: \"quoted\" \\ {}",
];

/// Every kind, by everybody, about everything.
fn entries() -> Vec<Entry> {
    let mut entries = Vec::new();
    for name in kinds() {
        let kind: Kind = serde_json::from_value(json!(name)).unwrap();
        for (n, actor) in actors().into_iter().enumerate() {
            for (m, about) in ABOUT.iter().enumerate() {
                let tenant = (n != 0).then(|| "acme".parse().unwrap());
                let mut entry = Entry::new(Timestamp(1_795_000_000_123), kind, actor.clone(), tenant);
                if !about.is_empty() {
                    entry = entry.about(about);
                }
                if m % 2 == 0 {
                    entry.trace = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
                }
                entries.push(match m % 4 {
                    0 => entry,
                    1 => entry.with("act", "http.send").with("outcome", "ok").with("status", 204).with("scope", "a:b"),
                    2 => entry.with("scopes", json!(["a:b", 7])).with("decision", "denied").with("reason", "why"),
                    _ => entry
                        .with("act", "tickets.get")
                        .with("end", "unknown")
                        .with("token", "tok_1")
                        .with("client", "c"),
                });
            }
        }
    }
    entries
}

#[test]
fn every_kind_is_an_event_of_the_published_schemas() {
    let entries = entries();
    let events: Vec<Value> = entries
        .iter()
        .zip(0..)
        .map(|(entry, index)| {
            let body = String::from_utf8(entry.encode().unwrap()).unwrap();
            let body = (index % 7 != 0).then_some(body.as_str());
            json!(CloudEvent::of_entry("portcullis.local/1f0a93c2", index, entry, body))
        })
        .collect();
    assert!(events.len() > 5_000);
    for (event, judged) in events.iter().zip(judged(&events)) {
        assert_eq!(judged, "ok", "{event:#}");
    }
    let classes: BTreeSet<u64> = events.iter().filter_map(|event| event["data"]["class_uid"].as_u64()).collect();
    assert_eq!(classes, [2004, 3002, 3003, 3004, 6002, 6003].into());
    assert_eq!(Class::ApiActivity.uid(), 6003);
}

/// Makes an event wrong.
type Change = fn(&mut Value);

#[test]
fn what_is_wrong_is_found_by_those_schemas() {
    let entry = Entry::new(Timestamp(0), Kind::ActDenied, Actor::Host, None).about("POST https://hooks.example/x");
    let good = json!(CloudEvent::of_entry("portcullis.local/1f0a93c2", 7, &entry, Some("{}")));
    let changes: [(&str, Change); 9] = [
        ("specversion", |event| drop(event.as_object_mut().unwrap().remove("specversion"))),
        ("$.time", |event| event["time"] = json!("yesterday")),
        ("$.id", |event| event["id"] = json!("")),
        ("activity_id", |event| event["data"]["activity_id"] = json!(5)),
        ("invented", |event| event["data"]["invented"] = json!(1)),
        ("src_endpoint", |event| drop(event["data"].as_object_mut().unwrap().remove("src_endpoint"))),
        ("actor", |event| event["data"]["actor"] = json!({})),
        ("disposition_id", |event| event["data"]["metadata"]["profiles"] = json!([])),
        ("class", |event| event["data"]["class_uid"] = json!(6099)),
    ];
    let bad: Vec<Value> = changes
        .iter()
        .map(|(_, change)| {
            let mut event = good.clone();
            change(&mut event);
            event
        })
        .collect();
    assert_eq!(judged(&[good]), ["ok"]);
    for ((what, _), judged) in changes.iter().zip(judged(&bad)) {
        assert!(judged.contains(what), "{what}: {judged}");
    }
}

#[test]
fn an_event_says_what_the_entry_says() {
    let actor = actors().pop().unwrap();
    let mut entry = Entry::new(Timestamp(1_000), Kind::ActDenied, actor, Some("acme".parse().unwrap()))
        .about("POST https://hooks.example:8443/path?x")
        .with("act", "http.send")
        .with("id", "call_1.3")
        .with("reason", "sending there is not granted");
    entry.trace = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    let body = String::from_utf8(entry.encode().unwrap()).unwrap();
    let event = json!(CloudEvent::of_entry("portcullis.local/1f0a93c2", 7, &entry, Some(&body)));
    for (at, expected) in [
        ("/id", json!("portcullis.local/1f0a93c2/7")),
        ("/type", json!("dev.portcullis.act.denied")),
        ("/time", json!("1970-01-01T00:00:01.000Z")),
        ("/data/class_uid", json!(6003)),
        ("/data/status", json!("Failure")),
        ("/data/severity", json!("Medium")),
        ("/data/status_detail", json!("sending there is not granted")),
        ("/data/actor/app_uid", json!("ins_1")),
        ("/data/actor/session/uid", json!("call_1")),
        ("/data/metadata/correlation_uid", json!("call_1")),
        ("/data/metadata/tenant_uid", json!("acme")),
        ("/data/metadata/labels", json!(["MON-1", "INT-2", "DAT-2", "MON-4"])),
        ("/data/trace/uid", json!("0af7651916cd43dd8448eb211c80319c")),
        ("/data/dst_endpoint", json!({ "hostname": "hooks.example", "port": 8443 })),
        ("/data/http_request/http_method", json!("POST")),
        ("/data/unmapped/id", json!("call_1.3")),
        ("/data/unmapped/actor-release", json!(Digest::of(b"x").to_string())),
        ("/data/raw_data", json!(body)),
    ] {
        assert_eq!(event.pointer(at), Some(&expected), "{at}");
    }
}

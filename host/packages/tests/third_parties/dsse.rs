//! securesystemslib, the library of those who wrote DSSE down, on our envelopes, and we on one of its own.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    keys::PublicKey,
};
use serde_json::{Value, json};

use crate::{keys, root};

#[test]
fn securesystemslib_agrees() {
    let ((first, second), python) = (keys(), root().join(".venv/bin/python"));
    assert!(python.is_file(), "{} is missing: run 'make setup-tests'", python.display());
    let payload = br#"{"_type":"https://in-toto.io/Statement/v1","subject":[]}"#.to_vec();
    let one = Envelope::sign(PayloadType::Statement, payload, &first).unwrap();
    let json = |envelope: Envelope| serde_json::from_str::<Value>(&envelope.to_json()).unwrap();
    let hex = |key: PublicKey| hex::encode(key.to_bytes());
    let question = json!({
        "keys": [hex(first.public()), hex(second.public())],
        "one": json(one.clone()),
        "two": json(one.clone().signed_also(&second).unwrap()),
        "doubled": json(one.signed_also(&first).unwrap()),
    });
    let mut child = Command::new(python)
        .arg(root().join("tests/contract/dsse_check.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {words}"));
    let checks: Vec<&str> = answer["checks"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    println!("{}", checks.join("\n"));
    assert!(output.status.success(), "{}\n{words}", checks.join("\n"));
    assert!(checks.len() > 45 && checks.iter().all(|line| line.starts_with("ok: ")), "{checks:?}");
    assert_eq!(checks.iter().filter(|line| line.ends_with(": accepted")).count(), 3, "{checks:?}");

    let theirs = answer["theirs"].to_string();
    let key: [u8; 32] = hex::decode(answer["key"].as_str().unwrap()).unwrap().try_into().unwrap();
    let key = PublicKey::from_bytes(&key).unwrap();
    let envelope = Envelope::parse(PayloadType::Statement, &theirs).unwrap();
    assert_eq!(envelope.verify(&[key], 1, "theirs").unwrap(), br#"{"by":"securesystemslib"}"#);
    assert!(envelope.verify(&[first.public()], 1, "ours").is_err());
}

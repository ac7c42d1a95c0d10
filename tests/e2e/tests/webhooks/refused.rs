//! What is refused: with which words, without a trace of it but its count.

use std::collections::BTreeMap;

use portcullis_e2e::{Lab, Request, created_on, sign};
use serde_json::{Value, json};

use crate::{CLOUDEVENTS, GITHUB, MARK, World, ZENDESK, cloudevent, github, is_problem};

/// One refused request: what is wrong with it, the request, the status, the problem's name, and what it is counted for.
type Case = (&'static str, Request, u16, &'static str, &'static str);

/// Sends them all; checks the answers, that nothing is stored, and the counts in the audit log.
async fn all_refused(world: World, cases: Vec<Case>) {
    let before = world.lab.entries().await.len();
    let mut expected: BTreeMap<(String, String), u64> = BTreeMap::new();
    for (what, request, status, name, source) in cases {
        is_problem(&world.send(request).await, status, name, what);
        *expected.entry((format!("source:{source}"), name.to_owned())).or_default() += 1;
    }
    for table in ["events", "deliveries", "plugin_log"] {
        assert_eq!(world.rows(table), 0, "{table}");
    }
    let written = world.lab.entries().await;
    // A host that has just begun says which rules it has.
    let own = |kind: portcullis_model::audit::Kind| ["ingest.refused", "alert.rules-changed"].contains(&&*kind.name());
    assert!(written[before..].iter().all(|entry| own(entry.kind)), "{:?}", &written[before..]);
    let text = format!("{written:?}");
    assert!(!text.contains(MARK), "nothing of a refused request is in the log");
    assert_eq!(world.refusals().await, expected);
}

fn with(name: &str, value: Value) -> String {
    let mut body: Value = serde_json::from_str(&created_on("1005", MARK)).unwrap();
    body[name] = value;
    body.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn zendesk() {
    let world = World::new().await;
    let body = created_on("1005", MARK);
    let good = world.zendesk(&body, 0);
    let [signature, timestamp] = sign(Lab::SECRET, world.now(), body.as_bytes());
    let unsigned = || Request::post(ZENDESK, body.clone());
    let other = sign("another-secret-zq7mark", world.now(), body.as_bytes());
    let late = sign(Lab::SECRET, portcullis_model::time::Timestamp(world.now().0 + 1), body.as_bytes())[1].clone();
    let changed = Request { body: created_on("1006", MARK).into_bytes(), ..good.clone() };
    let at = |path: &str| Request { path: path.to_owned(), ..good.clone() };
    let signed = |body: &str| world.zendesk(body, 0);
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let cases: Vec<Case> = vec![
        ("signed with another secret", unsigned().headers(other), 401, "wrong-signature", "zen"),
        ("a changed body", changed, 401, "wrong-signature", "zen"),
        ("a changed timestamp", unsigned().headers([signature.clone(), late]), 401, "wrong-signature", "zen"),
        (
            "a signature that is none",
            unsigned().header(&signature.0, MARK).headers([timestamp.clone()]),
            401,
            "wrong-signature",
            "zen",
        ),
        (
            "an empty signature",
            unsigned().header(&signature.0, "").headers([timestamp.clone()]),
            401,
            "wrong-signature",
            "zen",
        ),
        ("six minutes old", world.zendesk(&body, -360_000), 401, "stale", "zen"),
        ("six minutes in the future", world.zendesk(&body, 360_000), 401, "stale", "zen"),
        ("ten years in the future", world.zendesk(&body, 315_360_000_000), 401, "stale", "zen"),
        ("no signature", unsigned().headers([timestamp]), 401, "unsigned", "zen"),
        ("no timestamp", unsigned().headers([signature]), 401, "unsigned", "zen"),
        ("no header at all", unsigned(), 401, "unsigned", "zen"),
        ("no JSON, and not signed", Request::post(ZENDESK, MARK), 401, "unsigned", "zen"),
        ("too large", signed(&format!("\"{}\"", MARK.repeat(10_000))), 413, "too-large", "zen"),
        ("too large, and not signed", Request::post(ZENDESK, MARK.repeat(10_000)), 413, "too-large", "zen"),
        ("not JSON", signed(MARK), 400, "not-json", "zen"),
        ("nothing", signed(""), 400, "not-json", "zen"),
        ("two objects", signed(&format!("{body}{body}")), 400, "not-json", "zen"),
        ("not UTF-8", signed_bytes(&world, b"{\"id\":\"\xff\"}"), 400, "not-json", "zen"),
        ("nested without end", signed(&deep), 400, "not-json", "zen"),
        ("a batch", signed(&format!("[{body}]")), 400, "malformed", "zen"),
        ("a number", signed("7"), 400, "malformed", "zen"),
        ("no id", signed(&with("id", Value::Null)), 400, "malformed", "zen"),
        ("an id with a line end", signed(&with("id", json!("zq7mark\n"))), 400, "malformed", "zen"),
        ("an endless id", signed(&with("id", json!(MARK.repeat(100)))), 400, "malformed", "zen"),
        ("a time that is none", signed(&with("time", json!(MARK))), 400, "malformed", "zen"),
        ("a type that is no text", signed(&with("type", json!([MARK]))), 400, "malformed", "zen"),
        ("no such source", at("/v1/hooks/zendesk/zq7mark"), 404, "unknown-source", "unknown"),
        ("a name that cannot be one", at("/v1/hooks/zendesk/ZQ7%20zq7mark"), 404, "unknown-source", "unknown"),
        ("a source of another kind", at("/v1/hooks/zendesk/hub"), 404, "unknown-source", "unknown"),
    ];
    all_refused(world, cases).await;
}

fn signed_bytes(world: &World, body: &[u8]) -> Request {
    Request::post(ZENDESK, body).headers(sign(Lab::SECRET, world.now(), body))
}

#[tokio::test(flavor = "multi_thread")]
async fn github_hooks() {
    let world = World::new().await;
    let body = json!({ "action": "opened", "zen": MARK }).to_string();
    let good = || github(&body, "issues", MARK);
    let without = |name: &str| {
        let mut request = good();
        request.headers.retain(|(known, _)| known != name);
        request
    };
    let signature = &good().headers[1].1;
    let sha1 = signature.replace("sha256=", "sha1=");
    let upper = signature.to_uppercase().replace("SHA256=", "sha256=");
    let cases: Vec<Case> = vec![
        ("a changed body", Request { body: b"{\"zq7mark\":1}".to_vec(), ..good() }, 401, "wrong-signature", "hub"),
        (
            "an older scheme",
            without("x-hub-signature-256").header("x-hub-signature-256", sha1),
            401,
            "wrong-signature",
            "hub",
        ),
        (
            "in capitals",
            without("x-hub-signature-256").header("x-hub-signature-256", upper),
            401,
            "wrong-signature",
            "hub",
        ),
        ("no signature", without("x-hub-signature-256"), 401, "unsigned", "hub"),
        ("no event", without("x-github-event"), 400, "malformed", "hub"),
        ("no delivery", without("x-github-delivery"), 400, "malformed", "hub"),
        ("an event that is no word", github(&body, "a zq7mark", "1"), 400, "malformed", "hub"),
        ("a delivery that is no word", github(&body, "issues", "zq7mark/1"), 400, "malformed", "hub"),
        ("not JSON", github(MARK, "issues", "1"), 400, "not-json", "hub"),
        ("a batch", github(&format!("[{body}]"), "issues", "2"), 400, "malformed", "hub"),
        ("a text", github("\"zq7mark\"", "issues", "3"), 400, "malformed", "hub"),
        ("too large", github(&format!("\"{}\"", MARK.repeat(10_000)), "issues", "1"), 413, "too-large", "hub"),
        (
            "no such source",
            Request { path: "/v1/hooks/github/zq7mark".into(), ..good() },
            404,
            "unknown-source",
            "unknown",
        ),
        (
            "a source of another kind",
            Request { path: "/v1/hooks/github/zen".into(), ..good() },
            404,
            "unknown-source",
            "unknown",
        ),
    ];
    assert!(cases.iter().all(|case| case.1.path.starts_with("/v1/hooks/github/") && GITHUB.ends_with("hub")));
    all_refused(world, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudevents() {
    let world = World::new().await;
    let body = json!({ "specversion": "1.0", "id": MARK, "source": "/zq7mark", "type": "test.zq7mark", "data": {} })
        .to_string();
    let put = |name: &str, value: Value| {
        let mut changed: Value = serde_json::from_str(&body).unwrap();
        changed[name] = value;
        cloudevent(&changed.to_string())
    };
    let typed = |media: &str| {
        let token = format!("Bearer {}", Lab::SECRET);
        Request::post(CLOUDEVENTS, body.clone()).header("authorization", token).header("content-type", media)
    };
    let token = |token: &str| {
        let request = Request::post(CLOUDEVENTS, body.clone());
        request.header("content-type", "application/cloudevents+json").header("authorization", token)
    };
    let untyped = Request { headers: vec![cloudevent(&body).headers[1].clone()], ..cloudevent(&body) };
    let cases: Vec<Case> = vec![
        ("another token", token("Bearer zq7mark"), 401, "wrong-signature", "unknown"),
        ("a part of the token", token(&format!("Bearer {}", &Lab::SECRET[..20])), 401, "wrong-signature", "unknown"),
        ("an empty token", token("Bearer "), 401, "unsigned", "unknown"),
        ("another scheme", token("Basic enE3bWFyaw=="), 401, "unsigned", "unknown"),
        ("no token", Request::post(CLOUDEVENTS, body.clone()), 401, "unsigned", "unknown"),
        ("plain JSON", typed("application/json"), 415, "wrong-content-type", "bus"),
        ("a batch by its type", typed("application/cloudevents-batch+json"), 415, "wrong-content-type", "bus"),
        ("a form", typed("multipart/form-data; boundary=zq7mark"), 415, "wrong-content-type", "bus"),
        ("no type", untyped, 415, "wrong-content-type", "bus"),
        ("a batch in the body", cloudevent(&format!("[{body}]")), 400, "malformed", "bus"),
        ("not JSON", cloudevent(MARK), 400, "not-json", "bus"),
        ("another version", put("specversion", json!("0.3")), 400, "malformed", "bus"),
        ("a number as version", put("specversion", json!(1.0)), 400, "malformed", "bus"),
        ("binary data", put("data_base64", json!("enE3bWFyaw==")), 400, "malformed", "bus"),
        ("no id", put("id", json!("")), 400, "malformed", "bus"),
        ("no source", put("source", Value::Null), 400, "malformed", "bus"),
        ("a number as type", put("type", json!(7)), 400, "malformed", "bus"),
        ("a time that is none", put("time", json!("zq7mark")), 400, "malformed", "bus"),
        ("a subject that is none", put("subject", json!({ "zq7mark": 1 })), 400, "malformed", "bus"),
        ("too large", put("data", json!(MARK.repeat(10_000))), 413, "too-large", "bus"),
    ];
    all_refused(world, cases).await;
}

/// A flood of bad requests fills neither the log nor anything else.
#[tokio::test(flavor = "multi_thread")]
async fn many_refusals_are_few_entries() {
    let world = World::new().await;
    for _ in 0..300 {
        assert_eq!(world.send(Request::post(ZENDESK, MARK)).await.status, 401);
        assert_eq!(world.send(Request::post("/v1/hooks/zendesk/nobody", MARK)).await.status, 404);
    }
    let before = world.lab.entries().await.len();
    assert!(before < 60, "600 refusals made {before} entries");
    let counted = world.refusals().await;
    let count = |source: &str, reason: &str| counted[&(source.to_owned(), reason.to_owned())];
    assert_eq!((count("source:zen", "unsigned"), count("source:unknown", "unknown-source")), (300, 300));
}

//! Guests that send: no further than the grant, with nothing that they must not send, and without ever seeing a
//! credential.

use portcullis_e2e::{Far, Lab, Package, TENANT, acts};
use portcullis_model::{
    audit::Kind,
    invoke::{CallEnd, CallReport},
};
use serde_json::{Value, json};

use crate::acts::{refused_at_load, said};

const TO_FAR: &str = "http:send to=https://api.example.test/v1/* methods=GET,POST";
const TOKEN: &str = "tok-9f8e7d6c5b4a-SECRET";

#[tokio::test(flavor = "multi_thread")]
pub async fn uses_http() {
    let far = Far::start().await;
    let lab = Lab::with(&far.config()).await;
    let package = Package::guest("uses_http", &["log:write", TO_FAR], "");
    let guest = lab.install(&package).await;
    let report = lab.call(&guest, json!({ "url": "https://api.example.test/v1/x" })).await;
    assert_eq!(said(&report, "send: "), "Ok(200)");
    assert_eq!(far.take().unwrap().path, "/v1/x");
    let report = lab.call(&guest, json!({ "url": "https://other.example.test/v1/x" })).await;
    assert!(said(&report, "send: ").contains("scope: \"http:send methods=GET to=https://other.example.test/v1/x\""));
    assert!(far.take().is_none());
    let seen = acts(&lab.entries().await);
    assert_eq!((seen.permitted("http.send"), seen.denied("http.send")), (1, 1));
    refused_at_load(&lab, &package, "http").await;
}

struct Sender {
    far: Far,
    lab: Lab,
    guest: portcullis_model::installation::Installation,
}

impl Sender {
    async fn new(scopes: &[&str], limits: &str) -> Self {
        let far = Far::start().await;
        let lab = Lab::with(&far.config()).await;
        let scopes: Vec<&str> = ["log:write"].iter().chain(scopes).copied().collect();
        let guest = lab.install(&Package::guest("http_get", &scopes, limits)).await;
        Self { far, lab, guest }
    }

    async fn send(&self, request: Value) -> CallReport {
        let report = self.lab.call(&self.guest, request).await;
        assert_eq!(report.end, CallEnd::Ok, "{:?}", report.log);
        report
    }
}

#[tokio::test(flavor = "multi_thread")]
pub async fn http_get() {
    let sender = Sender::new(&[TO_FAR], "").await;
    let url = "https://api.example.test/v1/items?page=2";
    let report = sender.send(json!({ "url": url, "headers": [["accept", "text/plain"]] })).await;
    assert_eq!((said(&report, "status "), said(&report, "body ")), ("200", "fine"));
    let arrived = sender.far.take().unwrap();
    assert_eq!((arrived.method.as_str(), arrived.path.as_str()), ("GET", "/v1/items?page=2"));
    assert_eq!((arrived.all("host"), arrived.all("accept")), (vec![Far::HOST], vec!["text/plain"]));
    assert!(arrived.all("authorization").is_empty());
    let report = sender.send(json!({ "url": url, "method": "POST", "body": "some words" })).await;
    assert_eq!(said(&report, "status "), "200");
    assert_eq!(sender.far.take().unwrap().body, "some words");
    let entries = sender.lab.entries().await;
    assert_eq!(acts(&entries).permitted("http.send"), 2);
    let whole = format!("{entries:?}");
    assert!(whole.contains("GET https://api.example.test/v1/items"), "the log says where to");
    assert!(!whole.contains("page=2") && !whole.contains("some words"), "and nothing of what");
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_no_further_than_the_grant() {
    let sender = Sender::new(&[TO_FAR], "").await;
    for (method, url) in [
        ("GET", "https://api.example.test/v2/"),
        ("GET", "https://api.example.test/v1"),
        ("GET", "https://api.example.test/v1/../v2/"),
        ("DELETE", "https://api.example.test/v1/x"),
        ("GET", "https://api.example.test:8443/v1/x"),
        ("GET", "https://other.example.test/v1/x"),
        ("GET", "https://api.example.test.evil.test/v1/x"),
    ] {
        let report = sender.send(json!({ "url": url, "method": method })).await;
        assert!(said(&report, "error ").starts_with("Denied("), "{method} {url}: {:?}", report.log);
    }
    let denied = sender.lab.entries_of(Kind::ActDenied).await;
    assert_eq!(denied.len(), 7);
    for (method, url) in [
        ("GET", "http://api.example.test/v1/x"),
        ("GET", "https://127.0.0.1/v1/x"),
        ("GET", "https://2130706433/v1/x"),
        ("GET", "https://[::1]/v1/x"),
        ("GET", "https://localhost/v1/x"),
        ("GET", "https://user:word@api.example.test/v1/x"),
        ("GET", "https://api.example.test@evil.test/v1/x"),
        ("GET", "https://api.example.test/v1/%2e%2e/v2"),
        ("GET", "https://api.example.test/v1/%2F..%2Fv2"),
        ("GET", "https://api.example.test/v1\\..\\v2"),
        ("GET", "https://api.example.test/v1/x#part"),
        ("GET", "https://api.example.test/v1/x HTTP/1.1\r\nx-injected: 1"),
        ("GET", "file:///etc/passwd"),
        ("TRACE", "https://api.example.test/v1/x"),
        ("get", "https://api.example.test/v1/x"),
        ("GET\r\nx-injected: 1", "https://api.example.test/v1/x"),
    ] {
        let report = sender.send(json!({ "url": url, "method": method })).await;
        assert!(said(&report, "error ").starts_with("Invalid("), "{method} {url}: {:?}", report.log);
    }
    assert_eq!(sender.far.arrived().len(), 0);
    assert_eq!(acts(&sender.lab.entries().await).permitted("http.send"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_the_connection_and_credentials_are_the_hosts_own() {
    let sender = Sender::new(&[TO_FAR], "").await;
    let url = "https://api.example.test/v1/x";
    let own = [
        ["Authorization", "Bearer forged"],
        ["cookie", "forged=1"],
        ["proxy-authorization", "forged"],
        ["Host", "forged.example.test"],
        ["content-length", "3"],
        ["transfer-encoding", "chunked"],
        ["connection", "x-forged"],
        ["x-http-method-override", "DELETE"],
        ["upgrade", "forged"],
        ["x-mine", "kept"],
    ];
    let report = sender.send(json!({ "url": url, "method": "POST", "headers": own, "body": "12345" })).await;
    assert_eq!(said(&report, "status "), "200");
    let arrived = sender.far.take().unwrap();
    assert!(!format!("{arrived:?}").contains("forged"), "{arrived:?}");
    assert_eq!((arrived.all("host"), arrived.all("x-mine")), (vec![Far::HOST], vec!["kept"]));
    assert_eq!((arrived.all("content-length"), arrived.body.as_str()), (vec!["5"], "12345"));
    assert!(arrived.all("x-http-method-override").is_empty() && arrived.all("transfer-encoding").is_empty());
    for header in [
        ["x-a", "1\r\nx-injected: 1"],
        ["x-a", "1\nx-injected: 1"],
        ["x-a\r\nx-injected", "1"],
        ["x-a: 1", "1"],
        ["x a", "1"],
        ["", "1"],
        ["x-a", "\u{0}"],
    ] {
        let report = sender.send(json!({ "url": url, "headers": [header] })).await;
        assert!(said(&report, "error ").starts_with("Invalid("), "{header:?}: {:?}", report.log);
        assert!(sender.far.take().is_none(), "{header:?}");
    }
    acts(&sender.lab.entries().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_goes_where_it_belongs_and_the_plugin_never_sees_it() {
    let sender = Sender::new(&[TO_FAR, "http:send to=https://other.example.test/* methods=GET"], "").await;
    sender.lab.connect(&sender.guest, Far::HOST, TOKEN).await;
    let forged = json!([["authorization", "Bearer forged"]]);
    let reflect = json!({ "url": "https://api.example.test/v1/x", "headers": forged });
    sender.send(reflect).await;
    assert_eq!(sender.far.take().unwrap().all("authorization"), [format!("Bearer {TOKEN}")]);
    // Elsewhere it does not go, and to others it does not belong.
    sender.send(json!({ "url": "https://other.example.test/x" })).await;
    assert!(sender.far.take().unwrap().all("authorization").is_empty());
    let neighbour = sender.lab.install(&Package::guest("http_get", &["log:write", TO_FAR], "")).await;
    let request = json!({ "url": "https://api.example.test/v1/x" });
    assert_eq!(said(&sender.lab.call(&neighbour, request).await, "status "), "200");
    assert!(sender.far.take().unwrap().all("authorization").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_comes_back_is_taken_out() {
    let sender = Sender::new(&["http:send to=https://api.example.test/* methods=GET"], "").await;
    sender.lab.connect(&sender.guest, Far::HOST, TOKEN).await;
    let report = sender.send(json!({ "url": "https://api.example.test/reflect" })).await;
    assert_eq!(sender.far.take().unwrap().all("authorization"), [format!("Bearer {TOKEN}")], "it was sent");
    assert_eq!(said(&report, "body "), "your credential is Bearer [redacted]");
    assert!(!said(&report, "headers ").contains("set-cookie"));
    assert!(!format!("{report:?}").contains("SECRET"));
    assert!(!format!("{:?}", sender.lab.entries().await).contains("SECRET"));
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_answers_and_answers_have_an_end() {
    let sender = Sender::new(&["http:send to=https://api.example.test/* methods=GET"], "").await;
    let report = sender.send(json!({ "url": "https://api.example.test/redirect" })).await;
    assert_eq!(said(&report, "status "), "302");
    let report = sender.send(json!({ "url": "https://api.example.test/big" })).await;
    assert!(said(&report, "error ").contains("http-response-bytes"), "{:?}", report.log);
    assert_eq!(sender.far.arrived().len(), 2, "nobody followed");
    acts(&sender.lab.entries().await);
}

#[tokio::test(flavor = "multi_thread")]
pub async fn sleeps_in_http() {
    let far = Far::start().await;
    let lab = Lab::with(&far.config()).await;
    let scopes = ["log:write", "http:send to=https://api.example.test/* methods=GET"];
    let limits = "wall-ms = 1500\ncpu-ms = 10000\nhost-calls = 100000\nhttp-requests = 1000";
    let guest = lab.install_in(TENANT, &Package::guest("sleeps_in_http", &scopes, limits), None).await;
    let report = lab.call(&guest, json!({ "url": "https://api.example.test/never" })).await;
    assert_eq!(report.end, CallEnd::Limit("wall-ms"));
    assert!(report.end.worth_retrying());
    assert!(report.usage.wall >= std::time::Duration::from_millis(1500));
    assert!(report.usage.wall < std::time::Duration::from_secs(20), "{:?}", report.usage);
    assert_eq!(far.arrived().len(), 1, "it was waiting for the one answer");
    // The request was permitted and it went out: the log must not leave open how it ended, be it that nobody knows.
    assert_eq!(acts(&lab.entries().await).permitted("http.send"), 1);
}

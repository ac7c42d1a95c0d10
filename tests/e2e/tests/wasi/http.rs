//! `wasi:http/outgoing-handler` through the one door.

use std::{io, net::SocketAddr, sync::Arc};

use portcullis_broker::resolve::Resolve;
use portcullis_cli::serve::runtime_resolving;
use portcullis_e2e::{Far, Lab, acts};
use portcullis_model::{
    audit::Kind,
    installation::Installation,
    invoke::{CallEnd, CallReport},
};
use serde_json::{Value, json};

use crate::{package, said};

pub const GUEST: &str = "wasip2_http";

const TO_FAR: &str = "http:send to=https://api.example.test/v1/* methods=GET,POST";
const ANYWHERE: &str = "http:send to=https://api.example.test/* methods=GET,POST";
const TOKEN: &str = "tok-9f8e7d6c5b4a-SECRET";

struct Sender {
    far: Far,
    lab: Lab,
    guest: Installation,
}

impl Sender {
    async fn new(scope: &str, limits: &str) -> Self {
        let far = Far::start().await;
        let lab = Lab::with(&far.config()).await;
        let guest = lab.install(&package(GUEST, &["log:write", scope], limits)).await;
        Self { far, lab, guest }
    }

    /// Sends to the far server.
    async fn send(&self, mut request: Value) -> CallReport {
        let fields = request.as_object_mut().unwrap();
        fields.entry("authority").or_insert(json!(Far::HOST));
        let report = self.lab.call(&self.guest, request).await;
        assert_eq!(report.end, CallEnd::Ok, "{:?}", report.log);
        report
    }

    async fn permitted(&self) -> usize {
        acts(&self.lab.entries().await).permitted("http.send")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_granted_is_sent_and_recorded() {
    let sender = Sender::new(TO_FAR, "").await;
    let report = sender.send(json!({ "path": "/v1/items?page=2", "headers": [["accept", "text/plain"]] })).await;
    assert_eq!((said(&report, "status "), said(&report, "body ")), ("200", "fine"));
    let arrived = sender.far.take().unwrap();
    assert_eq!((arrived.method.as_str(), arrived.path.as_str()), ("GET", "/v1/items?page=2"));
    assert_eq!((arrived.all("host"), arrived.all("accept")), (vec![Far::HOST], vec!["text/plain"]));
    let body = "0123456789".repeat(5_000);
    let report = sender.send(json!({ "path": "/v1/x", "method": "POST", "body": body, "trailers": true })).await;
    assert_eq!(said(&report, "status "), "200");
    let arrived = sender.far.take().unwrap();
    assert_eq!((arrived.body.len(), arrived.all("content-length")), (50_000, vec!["50000"]));
    assert!(arrived.all("x-trailer").is_empty() && arrived.all("transfer-encoding").is_empty());
    assert_eq!(sender.permitted().await, 2);
    let whole = format!("{:?}", sender.lab.entries().await);
    assert!(whole.contains("GET https://api.example.test/v1/items") && !whole.contains("page=2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_is_denied_and_recorded() {
    let sender = Sender::new(TO_FAR, "").await;
    let denied = [
        json!({ "path": "/v2/x" }),
        json!({ "path": "/v1/../v2/x" }),
        json!({ "path": "/v1/x", "method": "DELETE" }),
        json!({ "path": "/v1/x", "authority": "other.example.test" }),
        json!({ "path": "/v1/x", "authority": "api.example.test:8443" }),
        json!({ "path": "/v1/x", "authority": "api.example.test.evil.test" }),
    ];
    for request in &denied {
        let report = sender.send(request.clone()).await;
        assert_eq!(said(&report, "error "), "ErrorCode::HttpRequestDenied", "{request}: {:?}", report.log);
        let told = report.log.iter().find(|(level, _)| *level == "warn").unwrap();
        assert!(told.1.starts_with("http: ") && told.1.contains("it needs http:send methods="), "{told:?}");
    }
    assert!(sender.far.take().is_none());
    let entries = sender.lab.entries_of(Kind::ActDenied).await;
    assert_eq!((entries.len(), sender.permitted().await), (denied.len(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_not_judged() {
    let sender = Sender::new(TO_FAR, "").await;
    let uri = "ErrorCode::HttpRequestUriInvalid";
    for (request, error) in [
        (json!({ "path": "/v1/x", "scheme": "http" }), "ErrorCode::HttpProtocolError"),
        (json!({ "path": "/v1/x", "scheme": "ftp" }), "ErrorCode::HttpProtocolError"),
        (json!({ "path": "/v1/x", "method": "CONNECT" }), "ErrorCode::HttpRequestMethodInvalid"),
        (json!({ "path": "/v1/x", "method": "TRACE" }), "ErrorCode::HttpRequestMethodInvalid"),
        (json!({ "path": "/v1/x", "method": "get" }), "ErrorCode::HttpRequestMethodInvalid"),
        (json!({ "path": "/v1/x", "authority": "127.0.0.1" }), uri),
        (json!({ "path": "/v1/x", "authority": "[::1]" }), uri),
        (json!({ "path": "/v1/x", "authority": "2130706433" }), uri),
        (json!({ "path": "/v1/x", "authority": "localhost" }), uri),
        (json!({ "path": "/v1/x", "authority": "user:word@api.example.test" }), uri),
        (json!({ "path": "/v1/%2e%2e/v2" }), uri),
        (json!({ "path": "https://evil.test/v1/x" }), "cannot set the path"),
        (json!({ "path": "/v1/x HTTP/1.1\r\nx-injected: 1" }), "cannot set the path"),
        (json!({ "path": "/v1/x", "authority": "api.example.test/../evil.test" }), "cannot set the authority"),
    ] {
        let report = sender.send(request.clone()).await;
        assert!(said(&report, "error ").starts_with(error), "{request}: {:?}", report.log);
        assert!(sender.far.take().is_none(), "{request}");
    }
    let entries = sender.lab.entries().await;
    assert_eq!((acts(&entries).permitted("http.send"), acts(&entries).denied("http.send")), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_the_connection_and_credentials_are_the_hosts_own() {
    let sender = Sender::new(ANYWHERE, "").await;
    sender.lab.connect(&sender.guest, Far::HOST, TOKEN).await;
    let own = json!([
        ["Authorization", "Bearer forged"],
        ["cookie", "forged=1"],
        ["proxy-authorization", "forged"],
        ["host", "forged.example.test"],
        ["transfer-encoding", "chunked, forged"],
        ["connection", "x-forged"],
        ["upgrade", "forged"],
        ["x-http-method-override", "forged"],
        ["x-mine", "kept"],
    ]);
    sender.send(json!({ "path": "/v1/x", "method": "POST", "headers": own, "body": "12345" })).await;
    let arrived = sender.far.take().unwrap();
    assert!(!format!("{arrived:?}").contains("forged"), "{arrived:?}");
    assert_eq!(arrived.all("authorization"), [format!("Bearer {TOKEN}")]);
    assert_eq!((arrived.all("host"), arrived.all("x-mine")), (vec![Far::HOST], vec!["kept"]));
    assert_eq!((arrived.all("content-length"), arrived.body.as_str()), (vec!["5"], "12345"));
    // What comes back is without it.
    let report = sender.send(json!({ "path": "/reflect" })).await;
    assert_eq!(said(&report, "body "), "your credential is Bearer [redacted]");
    assert!(!format!("{report:?}").contains("SECRET") && !format!("{report:?}").contains("set-cookie"));
    assert!(!format!("{:?}", sender.lab.entries().await).contains("SECRET"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_have_an_end_in_both_directions() {
    let sender = Sender::new(ANYWHERE, "http-out-kib = 4096\ncpu-ms = 5000\nhost-calls = 10000").await;
    let piece = "x".repeat(64 * 1024);
    let report = sender.send(json!({ "path": "/v1/x", "method": "POST", "body": piece, "repeat": 16 })).await;
    assert_eq!(said(&report, "status "), "200");
    assert_eq!(sender.far.take().unwrap().body.len(), 1024 * 1024);
    let report = sender.send(json!({ "path": "/v1/x", "method": "POST", "body": piece, "repeat": 17 })).await;
    assert_eq!(said(&report, "error "), "ErrorCode::HttpRequestBodySize(Some(1048576))");
    assert!(sender.far.take().is_none());
    let report = sender.send(json!({ "path": "/big" })).await;
    assert_eq!(said(&report, "error "), "ErrorCode::HttpResponseBodySize(Some(1048576))");
    acts(&sender.lab.entries().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_requests_than_the_limits_say() {
    let limits = "http-in-kib = 65536\nhost-calls = 10000\ncpu-ms = 5000";
    let sender = Sender::new(ANYWHERE, limits).await;
    let report = sender.send(json!({ "path": "/v1/x", "at_once": 12 })).await;
    assert_eq!(said(&report, "sent "), "8", "at a time");
    let sender = Sender::new(ANYWHERE, &format!("{limits}\nhttp-requests = 3")).await;
    let report = sender.send(json!({ "path": "/v1/x", "at_once": 6 })).await;
    assert_eq!(said(&report, "sent "), "3", "in a call");
    assert_eq!(sender.far.arrived().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_ends_at_the_wall_clock_limit() {
    let sender = Sender::new(ANYWHERE, "wall-ms = 800").await;
    let report = sender.lab.call(&sender.guest, json!({ "path": "/never", "authority": Far::HOST })).await;
    assert_eq!(report.end, CallEnd::Limit("wall-ms"));
    // Permitted, sent, and nobody knows how it ended: the log says so.
    let acts = acts(&sender.lab.entries().await);
    assert_eq!((acts.permitted("http.send"), acts.unknown), (1, 1));
}

struct Private;

#[portcullis_runtime::wasmtime_wasi::async_trait]
impl Resolve for Private {
    async fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![SocketAddr::new([10, 0, 0, 1].into(), port)])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_not_public_is_named_as_such() {
    let mut lab = Lab::new().await;
    lab.runtime = runtime_resolving(&lab.host, Arc::new(Private)).unwrap();
    let guest = lab.install(&package(GUEST, &["log:write", ANYWHERE], "")).await;
    let report = lab.call(&guest, json!({ "path": "/v1/x", "authority": Far::HOST })).await;
    assert_eq!(said(&report, "error "), "ErrorCode::DestinationIpProhibited");
}

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::{body::Body, http::Request};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use portcullis_model::time::Timestamp;

use super::*;

/// A host that is as it is told to be, and counts who looks.
#[derive(Default)]
struct Host {
    broken: AtomicBool,
    looks: AtomicUsize,
}

#[async_trait]
impl Operations for Host {
    fn lives(&self) -> bool {
        !self.broken.load(Ordering::Relaxed)
    }

    async fn checks(&self) -> Vec<Check> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        match self.lives() {
            true => vec![Check::ok("store", "answers")],
            false => vec![Check::ok("log", "published"), Check::bad("store", "the disk is full")],
        }
    }

    async fn metrics(&self) -> Vec<Family> {
        let buckets = vec![(0.5, 3), (f64::MAX, 1)];
        vec![
            Family::by(
                ("calls", "Calls, by how they ended.", Kind::Counter),
                "end",
                [("ok".into(), 3), ("a\"b\n".into(), 1)],
            ),
            Family::single("lag_seconds", "How late.", Kind::Gauge, Value::Number(0.25)),
            Family::single("tasks", "Tasks.", Kind::Gauge, Value::Count(7)),
            Family::single("call_seconds", "How long.", Kind::Histogram, Value::Buckets(buckets, 2.5)),
        ]
    }

    async fn status(&self) -> Status {
        let announced = Announced {
            id: "1".into(),
            kind: "incident".into(),
            title: "<script>alert(1)</script>".into(),
            text: "late & lost".into(),
            since: Timestamp(0),
            until: None,
            resolved: None,
        };
        let days = vec![Day { day: "2026-11-22".into(), available_percent: Some(99.999) }];
        let components = vec![Component { name: "Plugins", works: self.lives() }];
        Status { at: Timestamp(0), components, announced: vec![announced], days, available_percent: Some(99.999) }
    }

    fn security_txt(&self) -> Option<String> {
        self.lives().then(|| "Contact: mailto:a@b.example\n".to_owned())
    }
}

struct Still;
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(5)
    }
}

const TOKEN: &str = "the-token";

async fn ask(router: &Router, path: &str, token: Option<&str>) -> (u16, String, HeaderMap) {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let service = TowerToHyperService::new(router.clone());
    let response = service.call(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    (parts.status.as_u16(), String::from_utf8(body.to_vec()).unwrap(), parts.headers)
}

fn both() -> (Arc<Host>, Router, Router) {
    let host = Arc::new(Host::default());
    let ops = Arc::new(Ops::new(host.clone(), Secret::new(TOKEN.into()), Arc::new(Still)));
    let anybody = routes(ops.clone()).merge(guarded_routes(ops.clone()));
    (host, anybody, routes_for_operators(ops))
}

#[tokio::test]
async fn strangers_learn_whether_it_is_ready_and_operators_why_not() {
    let (host, open, operators) = both();
    assert_eq!(ask(&open, "/healthz", None).await.0, 200);
    host.broken.store(true, Ordering::Relaxed);
    assert_eq!(ask(&open, "/healthz", None).await.0, 503);
    let (status, body, headers) = ask(&open, "/readyz", None).await;
    assert_eq!((status, body.as_str()), (503, r#"{"ready":false}"#));
    assert_eq!(headers["cache-control"], "no-store");
    for (router, token) in [(&open, Some(TOKEN)), (&operators, None)] {
        let (status, body, _) = ask(router, "/readyz", token).await;
        assert!(status == 503 && body.contains("the disk is full"), "{body}");
    }
    assert!(!ask(&open, "/readyz", Some("another")).await.1.contains("disk"));
}

#[tokio::test]
async fn however_often_it_is_asked_the_host_is_looked_at_once_a_moment() {
    let (host, open, _) = both();
    for _ in 0..50 {
        ask(&open, "/readyz", None).await;
    }
    assert_eq!(host.looks.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn metrics_are_openmetrics_and_for_operators() {
    let (_, open, operators) = both();
    assert_eq!(ask(&open, "/metrics", None).await.0, 401);
    assert_eq!(ask(&open, "/metrics", Some("another")).await.0, 401);
    let (status, body, headers) = ask(&operators, "/metrics", None).await;
    assert_eq!(status, 200);
    assert!(headers["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    for line in [
        "# TYPE portcullis_calls counter",
        "portcullis_calls_total{end=\"ok\"} 3",
        "portcullis_calls_total{end=\"a\\\"b\\n\"} 1",
        "portcullis_lag_seconds 0.25",
        "portcullis_tasks 7",
        "portcullis_call_seconds_bucket{le=\"0.5\"} 3",
        "portcullis_call_seconds_bucket{le=\"+Inf\"} 4",
        "portcullis_call_seconds_count 4",
        "portcullis_call_seconds_sum 2.5",
        "# EOF",
    ] {
        assert!(body.lines().any(|found| found == line), "no '{line}' in\n{body}");
    }
    assert_eq!(ask(&open, "/metrics", Some(TOKEN)).await.1, body);
}

#[tokio::test]
async fn the_status_page_has_no_script_and_writes_what_was_announced_as_text() {
    let (_, open, _) = both();
    let (status, page, headers) = ask(&open, "/status", None).await;
    assert_eq!(status, 200);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;") && page.contains("late &amp; lost"), "{page}");
    assert!(page.contains("99.99 %"), "never rounded up");
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let json: serde_json::Value = serde_json::from_str(&ask(&open, "/status.json", None).await.1).unwrap();
    assert_eq!(json["components"][0]["works"], true);
}

#[tokio::test]
async fn security_txt_is_plain_text_or_not_there() {
    let (host, open, _) = both();
    let (status, body, headers) = ask(&open, "/.well-known/security.txt", None).await;
    assert_eq!((status, body.as_str()), (200, "Contact: mailto:a@b.example\n"));
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    host.broken.store(true, Ordering::Relaxed);
    assert_eq!(ask(&open, "/.well-known/security.txt", None).await.0, 404);
}

//! Events in, over the wire, at a running host: what is accepted, what is refused, and what is left of either.
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

mod accepted;
mod refused;
mod rotated;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use portcullis_broker::hmac::github_signature;
use portcullis_e2e::{Answer, Lab, Package, Request, Running, sign};
use portcullis_model::{audit::Kind, event::EventForm, secret::Secret, time::Timestamp};

const ZENDESK: &str = "/v1/hooks/zendesk/zen";
const GITHUB: &str = "/v1/hooks/github/hub";
const CLOUDEVENTS: &str = "/v1/events";
/// Stands in every part of the refused requests, and may stand in no answer.
const MARK: &str = "zq7mark";

/// A running host with one source of each kind, and a plugin that gets everything.
struct World {
    lab: Lab,
    host: Running,
}

impl World {
    async fn new() -> Self {
        let lab = Lab::with("[ingest]\nmax-body-kib = 64\n").await;
        lab.source("zen", EventForm::Zendesk).await;
        lab.source("hub", EventForm::Github).await;
        lab.source("bus", EventForm::CloudEvents).await;
        lab.install(&Package::bare("echo", &["events:receive types=* data=full"])).await;
        let host = lab.run().await;
        Self { lab, host }
    }

    fn now(&self) -> Timestamp {
        self.lab.host.clock.now()
    }

    /// A Zendesk webhook, signed at this distance from now, in milliseconds.
    fn zendesk(&self, body: &str, off: i64) -> Request {
        let at = Timestamp(self.now().0 + off);
        Request::post(ZENDESK, body).header("content-type", "application/json").headers(sign(
            Lab::SECRET,
            at,
            body.as_bytes(),
        ))
    }

    async fn send(&self, request: Request) -> Answer {
        request.send(self.host.address).await
    }

    /// How many rows a table has.
    fn rows(&self, table: &str) -> u64 {
        self.lab.database().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    /// Stops the host; gives what it says that it refused: by resource and reason, how often.
    async fn refusals(self) -> BTreeMap<(String, String), u64> {
        self.host.stop().await;
        let mut counts = BTreeMap::new();
        for entry in self.lab.entries_of(Kind::IngestRefused).await {
            let key = (entry.resource.clone().unwrap(), entry.text("reason").unwrap().to_owned());
            *counts.entry(key).or_default() += entry.detail["count"].as_u64().unwrap();
        }
        counts
    }
}

fn github(body: &str, event: &str, delivery: &str) -> Request {
    let signature = github_signature(&Secret::new(Lab::SECRET.as_bytes().to_vec()), body.as_bytes());
    Request::post(GITHUB, body)
        .header("content-type", "application/json")
        .header("x-hub-signature-256", signature)
        .header("x-github-event", event)
        .header("x-github-delivery", delivery)
}

fn cloudevent(body: &str) -> Request {
    Request::post(CLOUDEVENTS, body)
        .header("content-type", "application/cloudevents+json; charset=utf-8")
        .header("authorization", format!("Bearer {}", Lab::SECRET))
}

/// The lines of a file of recorded events.
fn recorded(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(portcullis_e2e::root().join("tests/events").join(file)).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Checks that an answer is a problem (RFC 9457) of this status and name, which repeats nothing of the request.
fn is_problem(answer: &Answer, status: u16, name: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}: {}", answer.text);
    let problem = answer.json();
    let keys: BTreeSet<&str> = problem.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, BTreeSet::from(["detail", "status", "title", "type"]), "{what}");
    assert_eq!(problem["status"], status, "{what}");
    assert_eq!(problem["type"], format!("https://portcullis.dev/problems/{name}"), "{what}");
    assert!(["title", "detail"].iter().all(|key| problem[key].as_str().is_some_and(|text| text.len() > 10)), "{what}");
    assert!(!answer.text.contains(MARK), "{what}: {}", answer.text);
    assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{what}: RFC 9110, 15.5.2");
}

//! A trace that a webhook brings along: on each entry that follows from it, and on what goes out, each time with a span of its own.
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use portcullis_e2e::{Arrived, Far, Lab, Package, Request, created_on, run, sign};
use portcullis_evidence::spans::Spans;
use portcullis_model::{
    audit::{Entry, Kind, reader::Shown},
    event::EventForm,
    trace::Traceparent,
};

const READ: &str = "tickets:read fields=subject";
const SEND: &str = "http:send to=https://api.example.test/* methods=GET,POST";
const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A plugin that sends a request for each event, with a back end that gets the event as well. Gives what arrived.
async fn handled(traceparent: &str) -> (Lab, Vec<Arrived>) {
    let far = Far::start().await;
    let lab = Lab::with(&format!("[backends]\nfirst-pause-ms = 20\n{}", far.config())).await;
    lab.source("zen", EventForm::Zendesk).await;
    let installation = lab.install(&Package::guest("uses_http", &["log:write", READ, SEND], "")).await;
    let url = format!("https://{}/hooks", Far::HOST);
    let set = run(lab.host.home.dir(), &["backend", "set", installation.id.as_str(), "--url", &url]).await;
    assert_eq!(set.code, 0, "{set:?}");
    let host = lab.run().await;
    let body = created_on("1005", "e1");
    let signed = sign(Lab::SECRET, lab.host.clock.now(), body.as_bytes());
    let request = Request::post("/v1/hooks/zendesk/zen", body).headers(signed).header("traceparent", traceparent);
    assert_eq!(request.send(host.address).await.status, 202);
    let both = async {
        while far.arrived().len() < 2 || lab.entries_of(Kind::CallEnded).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), both).await.unwrap();
    host.stop().await;
    (lab, far.arrived())
}

/// The one place in a trace that a request carries.
fn place(arrived: &Arrived) -> Traceparent {
    let [value] = arrived.all("traceparent")[..] else { panic!("{arrived:?}") };
    Traceparent::parse(value).unwrap()
}

/// Each span that a collector is sent, with its parent.
fn tree(entries: &[Entry]) -> BTreeMap<String, Option<String>> {
    let mut spans = Spans::new(1.0);
    let shown = entries.iter().map(|entry| Shown {
        index: 0,
        entry: Some(entry.clone()),
        fault: None,
        body: None,
        openings: Vec::new(),
        erased: BTreeMap::new(),
        disposed: None,
        leaf: None,
    });
    let read = |span: Vec<u8>| {
        let span: serde_json::Value = serde_json::from_slice(&span).unwrap();
        let text = |name: &str| span.get(name).map(|id| id.as_str().unwrap().to_owned());
        (text("spanId").unwrap(), text("parentSpanId"))
    };
    shown.flat_map(|shown| spans.take(&shown)).map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_webhook_to_what_goes_out() {
    let (lab, arrived) = handled(GIVEN).await;
    let given = Traceparent::parse(GIVEN).unwrap();
    let entries = lab.entries().await;
    let received = entries.iter().find(|entry| entry.kind == Kind::EventReceived).unwrap();
    assert_eq!(received.text("sender-span"), Some(given.span_id().as_str()));
    let mut spans = BTreeSet::from([given.span_id()]);
    for kind in [Kind::EventReceived, Kind::CallEnded, Kind::VisitBegan, Kind::ActPermitted, Kind::ActOutcome] {
        let of: Vec<_> = entries.iter().filter(|entry| entry.kind == kind).collect();
        assert!(!of.is_empty(), "{kind:?}");
        for entry in of {
            let place = Traceparent::parse(entry.trace.as_deref().unwrap()).unwrap();
            assert_eq!(place.trace_id(), given.trace_id(), "{entry:?}");
            let is_new = spans.insert(place.span_id());
            assert!(is_new || kind == Kind::ActOutcome, "{entry:?}");
        }
    }
    let tree = tree(&entries);
    assert_eq!(
        tree.values().flatten().filter(|parent| !tree.contains_key(*parent)).collect::<Vec<_>>(),
        [&given.span_id()]
    );
    assert_eq!(arrived.len(), 2, "{arrived:?}");
    for request in &arrived {
        let carried = place(request).to_string();
        assert!(
            tree.contains_key(&place(request).span_id()),
            "a collector is sent what a request came from: {request:?}"
        );
        let permits = entries.iter().filter(|entry| entry.kind == Kind::ActPermitted);
        let led: Vec<_> = permits.filter(|entry| entry.trace.as_deref() == Some(carried.as_str())).collect();
        assert_eq!(led.len(), 1, "a request leads to its permit: {request:?}");
        assert_eq!(led[0].text("act"), Some("http.send"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_trace_is_not_carried_on() {
    let (lab, arrived) = handled("00-00000000000000000000000000000000-b7ad6b7169203331-01").await;
    let traces: BTreeSet<_> = arrived.iter().map(|one| place(one).trace_id()).collect();
    assert_eq!(traces.len(), 1, "the event has a trace of its own");
    let received = lab.entries_of(Kind::EventReceived).await.remove(0);
    assert!(received.text("sender-span").is_none());
    assert!(received.trace.unwrap().contains(traces.first().unwrap().as_str()));
}

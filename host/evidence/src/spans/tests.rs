use portcullis_model::id::Digest;

use super::*;

const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn shown(entry: Entry) -> Shown {
    Shown {
        index: 1,
        entry: Some(entry),
        fault: None,
        body: None,
        openings: Default::default(),
        erased: Default::default(),
        disposed: None,
        leaf: None,
    }
}

fn of_plugin(at: i64, kind: Kind, place: Traceparent) -> Entry {
    of_call(at, kind, place, "call_1")
}

fn of_call(at: i64, kind: Kind, place: Traceparent, call: &str) -> Entry {
    let actor = Actor::Plugin {
        installation: "ins_7".parse().unwrap(),
        plugin: "com.example.plugin".parse().unwrap(),
        release: Digest::of(b"x"),
        call: call.parse().unwrap(),
    };
    Entry::new(Timestamp(at), kind, actor, Some("acme".parse().unwrap())).in_trace(Some(place))
}

/// An event, its call, and what the call did: one act to its end, one that was denied, and one of which the end is not known.
fn story(event: &str, sender: Option<&Traceparent>) -> Vec<Entry> {
    let call = Traceparent::of_call(sender, event, "call_1");
    let act = |at, kind, id: &str, act: &str| {
        let entry = of_plugin(at, kind, call.child("act", id));
        entry.with("id", id).with("act", act).about("https://crm.example/secret")
    };
    let received = Entry::new(Timestamp(1_000), Kind::EventReceived, Actor::Host, None)
        .about(format!("event:{event}"))
        .in_trace(Some(Traceparent::of_event(sender, event)))
        .with("about", "ticket:1042");
    vec![
        sender.iter().fold(received, |entry, sender| entry.with("sender-span", sender.span_id())),
        act(1_010, Kind::ActPermitted, "call_1.1", "http.send"),
        act(1_250, Kind::ActOutcome, "call_1.1", "http.send").with("outcome", "ok").with("status", 201),
        act(1_260, Kind::ActDenied, "call_1.2", "tickets.get").with("layer", "granted").with("reason", "words"),
        act(1_270, Kind::ActPermitted, "call_1.3", "kv.set"),
        of_plugin(1_300, Kind::CallEnded, call)
            .about(format!("event:{event}"))
            .with("end", "ok")
            .with("wall-us", 295_000),
    ]
}

fn told(spans: &mut Spans, entries: Vec<Entry>) -> Vec<Value> {
    let bytes = entries.into_iter().flat_map(|entry| spans.take(&shown(entry)));
    bytes.map(|span| serde_json::from_slice(&span).unwrap()).collect()
}

#[test]
fn an_event_its_call_and_its_acts_are_one_tree() {
    let given = Traceparent::parse(GIVEN).unwrap();
    for sender in [None, Some(&given)] {
        let all = told(&mut Spans::new(1.0), story("zen/7", sender));
        let [event, call, sent, denied, open] = &all[..] else { panic!("{all:?}") };
        assert!(all.iter().all(|span| span["traceId"] == event["traceId"]));
        assert_eq!(event["parentSpanId"].as_str(), sender.map(Traceparent::span_id).as_deref());
        assert_eq!(call["parentSpanId"], event["spanId"]);
        for act in [sent, denied, open] {
            assert_eq!(act["parentSpanId"], call["spanId"]);
        }
        let names: Vec<_> = all.iter().map(|span| span["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["event", "call", "http.send", "tickets.get", "kv.set"]);
        let times = |span: &Value| {
            [&span["startTimeUnixNano"], &span["endTimeUnixNano"]].map(|at| at.as_str().unwrap().to_owned())
        };
        assert_eq!(times(sent), ["1010000000", "1250000000"]);
        assert_eq!(times(call), ["1005000000", "1300000000"]);
        assert_eq!(times(open), ["1270000000", "1300000000"]);
        let codes: Vec<_> = all.iter().map(|span| span["status"]["code"].as_u64().unwrap()).collect();
        assert_eq!(codes, [0, 0, 0, 2, 2]);
        let status = r#"{"key":"http.response.status_code","value":{"intValue":"201"}}"#;
        assert!(sent["attributes"].to_string().contains(status));
    }
}

#[test]
fn a_call_of_an_event_from_before_leads_to_it_where_the_trace_is_its_own() {
    let later = |sender| {
        let mut story = story("zen/7", sender);
        story.remove(0);
        told(&mut Spans::new(1.0), story).remove(0)
    };
    assert_eq!(later(None)["parentSpanId"], Traceparent::of_event(None, "zen/7").span_id());
    let given = Traceparent::parse(GIVEN).unwrap();
    assert!(later(Some(&given)).get("parentSpanId").is_none(), "a sender's trace does not say where the event was");
}

#[test]
fn nothing_of_a_request_or_a_record_is_in_a_span() {
    for span in told(&mut Spans::new(1.0), story("zen/7", None)) {
        let text = span.to_string();
        assert!(!["crm.example", "1042", "words", "acme", "zen"].iter().any(|word| text.contains(word)), "{text}");
    }
}

#[test]
fn a_trace_is_sent_whole_or_not_at_all() {
    assert!(told(&mut Spans::new(0.0), story("zen/7", None)).is_empty());
    let mut counts = [0; 6];
    for n in 0..1_000 {
        counts[told(&mut Spans::new(0.25), story(&format!("zen/{n}"), None)).len()] += 1;
    }
    assert_eq!(counts[0] + counts[5], 1_000, "{counts:?}");
    assert!((180..320).contains(&counts[5]), "{counts:?}");
}

#[test]
fn what_never_ends_is_forgotten() {
    let mut spans = Spans::new(1.0);
    for n in 0..OPEN * 2 {
        let place = Traceparent::parse(GIVEN).unwrap();
        let act = of_call(1, Kind::ActPermitted, place, &format!("call_{n}")).with("id", "1").with("act", "kv.set");
        let event = Entry::new(Timestamp(1), Kind::EventReceived, Actor::Host, None).about(format!("event:zen/{n}"));
        assert!(spans.take(&shown(act)).is_empty());
        assert_eq!(spans.take(&shown(event.in_trace(Some(place)))).len(), 1);
    }
    let left = [spans.acts, spans.calls.values.len(), spans.calls.order.len(), spans.events.values.len()];
    assert!(left.iter().all(|left| *left <= OPEN), "{left:?}");
}

#[test]
fn calls_that_end_leave_nothing() {
    let mut spans = Spans::new(1.0);
    for n in 0..1_000 {
        told(&mut spans, story(&format!("zen/{n}"), None));
    }
    assert_eq!((spans.acts, spans.calls.values.len()), (0, 0));
    assert!(spans.calls.order.len() <= 65);
}

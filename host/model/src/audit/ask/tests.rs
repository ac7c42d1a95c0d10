use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::{
    audit::{
        Kind,
        export::Export,
        query::{Cursor, Terms},
        reader::{Found as Page, Shown},
    },
    id::Digest,
};

/// A log in memory, of which the last entry is not published yet.
struct Log(Mutex<Vec<Entry>>);

#[async_trait]
impl AuditReader for Log {
    async fn written(&self) -> Result<u64, StoreError> {
        Ok(self.0.lock().unwrap().len() as u64)
    }

    async fn published(&self) -> Result<u64, StoreError> {
        Ok(self.written().await?.saturating_sub(1))
    }

    async fn search(&self, filter: &Filter, window: Window) -> Result<Page, StoreError> {
        let shown = |(index, entry): (u64, &Entry)| Shown {
            index,
            entry: Some(entry.clone()),
            fault: None,
            body: None,
            openings: vec![],
            erased: BTreeMap::new(),
            disposed: None,
            leaf: None,
        };
        let log = self.0.lock().unwrap();
        let found = (0..).zip(log.iter()).filter(|(index, entry)| {
            (window.from..window.to).contains(index) && filter.matches(entry.time, &Terms::of(entry))
        });
        let mut entries: Vec<Shown> = found.map(shown).collect();
        if window.backwards {
            entries.reverse();
        }
        // Small pages, so that every walk has several.
        let most = window.most.min(3);
        let next = (entries.len() > most).then(|| entries[most - 1].index + u64::from(!window.backwards));
        entries.truncate(most);
        Ok(Page { entries, next })
    }

    async fn follow(&self, _: u64, _: usize) -> Result<Vec<Shown>, StoreError> {
        Ok(vec![])
    }

    async fn add_leaves(&self, _: &mut [Shown]) -> Result<(), StoreError> {
        Ok(())
    }
}

fn plugin(call: &str) -> Actor {
    Actor::Plugin {
        installation: "ins_1".parse().unwrap(),
        plugin: "com.example.plugin".parse().unwrap(),
        release: Digest::of(b"x"),
        call: call.parse().unwrap(),
    }
}

fn entry(kind: Kind, actor: Actor) -> Entry {
    Entry::new(Timestamp(0), kind, actor, Some("acme".parse().unwrap()))
}

fn act(call: &str, act: &str, about: &str, scope: &str) -> [Entry; 2] {
    let one = |kind| entry(kind, plugin(call)).about(about).with("act", act);
    [one(Kind::ActPermitted).with("scope", scope), one(Kind::ActOutcome).with("outcome", "ok").with("records", 1)]
}

fn get(call: &str, record: &str) -> [Entry; 2] {
    act(call, "tickets.get", record, "tickets:read fields=subject")
}

fn send(call: &str, host: &str) -> [Entry; 2] {
    act(call, "http.send", &format!("POST https://{host}/path"), &format!("http:send to=https://{host}/path"))
}

fn about(kind: Kind, actor: Actor) -> Entry {
    entry(kind, actor).about("installation:ins_1").with("plugin", "com.example.plugin")
}

fn person(name: &str) -> Actor {
    Actor::Person { name: name.into() }
}

fn log(entries: Vec<Vec<Entry>>) -> Log {
    let mut all = entries.concat();
    for (n, entry) in (0..).zip(&mut all) {
        entry.time = Timestamp(n * 1_000);
    }
    Log(Mutex::new(all))
}

fn lines(answer: &Answer) -> Vec<(String, Vec<u64>)> {
    answer.findings.iter().map(|one| (one.what.clone(), one.entries.clone())).collect()
}

fn line(what: &str, entries: &[u64]) -> (String, Vec<u64>) {
    (what.to_owned(), entries.to_vec())
}

async fn ask(log: &Log, question: Question) -> Answer {
    question.answer(log).await.unwrap()
}

#[tokio::test]
async fn what_a_plugin_touched_is_counted_by_how_it_ended() {
    let denied = entry(Kind::ActDenied, plugin("call_2")).about("ticket:7").with("act", "tickets.get");
    let log = log(vec![get("call_1", "ticket:7").into(), get("call_1", "ticket:8").into(), vec![denied]]);
    let touched = |since| {
        let span = Span { since, until: None };
        ask(&log, Question::Touched(Whose::Plugin("com.example.plugin".into()), span))
    };
    let expected =
        [line("ticket:7: tickets.get (denied 1, ok 1)", &[1, 4]), line("ticket:8: tickets.get (ok 1)", &[3])];
    let answer = touched(None).await;
    assert_eq!((lines(&answer), answer.complete), (expected.to_vec(), true));
    assert_eq!(lines(&touched(Some(Timestamp(4_000))).await), [line("ticket:7: tickets.get (denied 1)", &[4])]);
    let other = Question::Touched(Whose::Installation("ins_2".into()), Span::default());
    assert_eq!(lines(&ask(&log, other).await), []);
}

#[tokio::test]
async fn what_was_read_before_a_request_of_the_same_call_left_with_it() {
    let search = act("call_1", "tickets.search", "tickets", "tickets:read fields=subject");
    let log = log(vec![
        get("call_1", "ticket:7").into(),
        search.into(),
        send("call_1", "a.example").into(),
        get("call_1", "ticket:8").into(),
        get("call_2", "ticket:9").into(),
        send("call_3", "b.example").into(),
    ]);
    let left = |record: Option<&str>| {
        let record = record.map(str::to_owned);
        ask(&log, Question::Left(Whose::All, record, Span::default()))
    };
    let seven = line("ticket:7 -> a.example, 1 times", &[1, 4]);
    let all = [seven.clone(), line("tickets -> a.example (possibly), 1 times", &[3, 4])];
    assert_eq!(lines(&left(None).await), all);
    let possibly = line("ticket:7 -> a.example (possibly), 1 times", &[3, 4]);
    assert_eq!(lines(&left(Some("ticket:7")).await), [possibly, seven]);
    assert_eq!(lines(&left(Some("ticket:8")).await), [line("ticket:8 -> a.example (possibly), 1 times", &[3, 4])]);
    assert_eq!(lines(&left(Some("user:1")).await), []);
}

#[tokio::test]
async fn what_a_call_was_handed_with_its_event_may_have_left_with_its_requests() {
    let source = Actor::Source { name: "zen".parse().unwrap() };
    let received = entry(Kind::EventReceived, source).about("event:zen/1").with("about", "ticket:7");
    let ended = entry(Kind::CallEnded, plugin("call_1")).about("event:zen/1");
    let log =
        log(vec![vec![received], send("call_1", "a.example").into(), vec![ended], send("call_2", "b.example").into()]);
    let left = |record: Option<&str>| {
        let record = record.map(str::to_owned);
        ask(&log, Question::Left(Whose::Plugin("com.example.plugin".into()), record, Span::default()))
    };
    let expected = [line("ticket:7 -> a.example (possibly), 1 times", &[0, 1])];
    assert_eq!(lines(&left(None).await), expected);
    assert_eq!(lines(&left(Some("ticket:7")).await), expected);
    assert_eq!(lines(&left(Some("ticket:8")).await), []);
}

#[tokio::test]
async fn who_granted_a_scope_and_when_it_was_used() {
    let granted = |kind, who: &str, scopes: &[&str]| about(kind, person(who)).with("scopes", scopes.to_vec());
    let log = log(vec![
        vec![
            granted(Kind::PluginInstalled, "ana", &["log:write"]),
            granted(Kind::PluginGranted, "ben", &["log:write", "tickets:read fields=subject"]),
        ],
        get("call_1", "ticket:7").into(),
        get("call_2", "ticket:8").into(),
        vec![granted(Kind::PluginGranted, "ana", &["log:write"])],
    ]);
    let granted = |scope: &str| ask(&log, Question::Granted { scope: scope.into(), installation: "ins_1".into() });
    let expected = [
        line("granted by ben (plugin.granted): tickets:read fields=subject", &[1]),
        line("taken away by ana (plugin.granted): -", &[6]),
        line("last used: tickets.get on ticket:8", &[4]),
    ];
    assert_eq!(lines(&granted("tickets:read").await), expected);
    let never = granted("log:write").await;
    assert_eq!((never.findings.len(), never.notes), (1, vec!["It was never used.".to_owned()]));
    assert!(granted("kv:read").await.notes[0].contains("has no grant of kv:read"));
}

#[tokio::test]
async fn what_a_token_did_is_found_through_its_visits() {
    let client = || Actor::Client { client: "client_1".parse().unwrap(), installation: "ins_1".parse().unwrap() };
    let issued = |token: &str, family: &str| {
        entry(Kind::TokenIssued, client()).with("token", token).with("grant", family).with("client", "client_1")
    };
    let visit =
        |call: &str, token: &str| entry(Kind::VisitBegan, plugin(call)).with("client", "client_1").with("token", token);
    let log = log(vec![
        vec![issued("tok:a", "grt_1"), issued("tok:b", "grt_2"), visit("call_1", "tok:a")],
        get("call_1", "ticket:7").into(),
        vec![visit("call_2", "tok:b")],
        get("call_2", "ticket:8").into(),
        get("call_3", "ticket:9").into(),
    ]);
    let did = |tokens| ask(&log, Question::Token(tokens, Span::default()));
    let family = did(Tokens::Family("grt_1".into())).await;
    let expected = [
        line("token.issued by client client_1, token tok:a, grant grt_1", &[0]),
        line("ticket:7: tickets.get (ok 1)", &[4]),
    ];
    assert_eq!(lines(&family), expected);
    assert_eq!(lines(&did(Tokens::One("tok:a".into())).await), expected);
    assert_eq!(did(Tokens::Client("client_1".into())).await.findings.len(), 4);
    let left = ask(&log, Question::Left(Whose::All, Some("ticket:8".into()), Span::default())).await;
    assert_eq!(lines(&left), [line("ticket:8 -> client client_1, 1 times", &[7])]);
}

#[tokio::test]
async fn what_changed_since_the_last_review() {
    let log = log(vec![
        vec![about(Kind::PluginInstalled, person("ana")).with("scopes", vec!["log:write"])],
        send("call_1", "a.example").into(),
        vec![entry(Kind::ReleaseReviewed, person("rev")).with("plugin", "com.example.plugin")],
        send("call_2", "a.example").into(),
        send("call_2", "b.example").into(),
        vec![
            about(Kind::PluginGranted, person("ana")).with("before", vec!["log:write"]).with("scopes", vec!["kv:read"]),
            about(Kind::PluginSuspended, Actor::Host).with("reason", "too much"),
        ],
    ]);
    let changed = |since| ask(&log, Question::SinceReview("ins_1".into(), since));
    let answer = changed(None).await;
    let expected = [
        line("plugin.granted by ana, added: kv:read, dropped: log:write", &[8]),
        line("plugin.suspended by the host, reason too much", &[9]),
        line("first use of the destination b.example", &[6]),
    ];
    assert_eq!(lines(&answer), expected);
    assert!(answer.notes[0].contains("by rev (entry 3)"), "{:?}", answer.notes);
    assert_eq!(changed(Some(Timestamp(9_000))).await.findings.len(), 1);
}

#[tokio::test]
async fn an_export_ends_at_what_is_published_and_the_next_goes_on_there() {
    let log = log(vec![get("call_1", "ticket:7").into(), get("call_2", "ticket:8").into()]);
    let filter: Filter = "kind=act.*".parse().unwrap();
    let run = async |from: Option<Cursor>| {
        let mut export = Export::begin(&log, filter.clone(), from).await.unwrap();
        let mut text = String::new();
        while let Some(lines) = export.next(&log).await.unwrap() {
            text.push_str(&lines.text);
        }
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (last, entries) = lines.split_last().unwrap();
        assert_eq!(last["end_of_stream"], true);
        let cursor = Cursor::decode(last["cursor"].as_str().unwrap(), &filter).unwrap();
        (entries.iter().map(|line| line["index"].as_u64().unwrap()).collect::<Vec<_>>(), cursor)
    };
    let (seen, cursor) = run(None).await;
    assert_eq!(seen, [0, 1, 2], "the fourth is not published");
    assert_eq!(run(Some(cursor)).await.0, [] as [u64; 0]);
    log.0.lock().unwrap().extend(get("call_3", "ticket:9"));
    assert_eq!(run(Some(cursor)).await.0, [3, 4]);
    assert!(Export::begin(&log, filter.clone(), Some(Cursor(77))).await.is_err());
}

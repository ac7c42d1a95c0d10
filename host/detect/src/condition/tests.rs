use std::{cell::RefCell, collections::BTreeMap};

use portcullis_model::{
    alert::Hit,
    audit::{Actor, Entry, Kind},
    id::Digest,
    time::Timestamp,
};
use serde_json::json;

use crate::{Cell, Engine, Facts, Key, Library, Memory, State};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn digest(text: &str) -> String {
    Digest::of(format!("a test's key {text}").as_bytes()).hex()
}

/// A host that looks at what it is told, entry by entry.
struct World {
    engine: Engine,
    state: RefCell<State>,
    next: RefCell<u64>,
}

/// With one of the rules that come with the host, learning for a day.
fn world(rule: &str) -> World {
    let library = Library::built_in().unwrap();
    let rule = library.get(rule).unwrap_or_else(|| panic!("no rule {rule}")).rule.clone();
    World { engine: Engine::new([rule], 24), state: RefCell::default(), next: RefCell::new(0) }
}

impl World {
    fn take(&self, entry: &Entry) -> Vec<Hit> {
        let index = self.next.replace_with(|next| *next + 1);
        let facts = Facts::of(index, entry, &digest);
        let found = if self.engine.wants(entry) { self.engine.look(&facts) } else { Vec::new() };
        self.engine.take(&facts, found, &mut self.state.borrow_mut())
    }

    fn hits(&self, entries: impl IntoIterator<Item = Entry>) -> usize {
        entries.into_iter().map(|entry| self.take(&entry).len()).sum()
    }
}

fn plugin(installation: &str) -> Actor {
    Actor::Plugin {
        installation: installation.parse().unwrap(),
        plugin: "com.example.plugin".parse().unwrap(),
        release: Digest::of(b"release"),
        call: "call_1".parse().unwrap(),
    }
}

fn entry(at: i64, kind: Kind) -> Entry {
    Entry::new(Timestamp(at), kind, plugin("ins_1"), Some("acme".parse().unwrap()))
}

fn sends(at: i64, host: &str) -> Entry {
    entry(at, Kind::ActPermitted)
        .about(format!("POST https://{host}/in"))
        .with("act", "http.send")
        .with("id", "call_1.1")
        .with("scope", format!("http:send to=https://{host}/ methods=POST"))
}

fn of(entry: Entry, installation: &str) -> Entry {
    Entry { actor: plugin(installation), ..entry }
}

fn acts(at: i64, act: &str, scope: &str) -> Entry {
    entry(at, Kind::ActPermitted).about("ticket:1").with("act", act).with("scope", scope)
}

fn read(at: i64, records: u64) -> Entry {
    entry(at, Kind::ActOutcome)
        .about("tickets")
        .with("act", "tickets.search")
        .with("outcome", "ok")
        .with("records", records)
}

fn sent(at: i64, bytes: u64) -> Entry {
    entry(at, Kind::ActOutcome).with("act", "http.send").with("outcome", "ok").with("bytes-out", bytes)
}

/// An act that the host died in, as the log has it.
fn cut_off(at: i64, bytes: u64) -> Entry {
    let entry = Entry { actor: Actor::Host, ..entry(at, Kind::ActUnknown) };
    entry.with("installation", "ins_1").with("act", "http.send").with("bytes-out", bytes)
}

/// Somebody did not get in as this person.
fn refused_as(at: i64, id: &str) -> Entry {
    let actor = Actor::Account { person: id.parse().unwrap(), name: "Ana".into(), session: None };
    Entry::new(Timestamp(at), Kind::SessionRefused, actor, None).about(format!("person:{id}")).with("why", "passkey")
}

fn person(at: i64, name: &str) -> Entry {
    Entry::new(Timestamp(at), Kind::PluginGranted, Actor::Person { name: name.into() }, Some("acme".parse().unwrap()))
}

/// An account's new session, on a device that is new to it or not.
fn signs_in(at: i64, id: &str, new: bool) -> Entry {
    let actor = Actor::Account { person: id.parse().unwrap(), name: "Ana".into(), session: None };
    Entry::new(Timestamp(at), Kind::SessionStarted, actor, None)
        .about(format!("session:ses_{at}_{id}"))
        .with("new-device", new)
        .with_personal("device", "Firefox on Linux")
}

fn denied(at: i64, act: &str) -> Entry {
    entry(at, Kind::ActDenied).about("POST https://evil.example/x").with("act", act)
}

/// Fourteen days of usual hours, and what comes after.
fn usual(one: impl Fn(i64, u64) -> Entry, amount: u64) -> Vec<Entry> {
    (0..24).map(|hour| one(hour * HOUR, amount + u64::try_from(hour % 3).unwrap())).collect()
}

#[test]
fn each_rule_fires_on_what_it_is_for_and_not_on_the_near_miss() {
    let late = 2 * DAY;
    let client = |at: i64, kind: Kind| {
        let actor = Actor::Client { client: "cl_1".parse().unwrap(), installation: "ins_1".parse().unwrap() };
        Entry { actor, ..entry(at, kind) }.about("installation:ins_1")
    };
    let refused = |at: i64, count: u64| {
        Entry::new(Timestamp(at), Kind::RequestRefused, Actor::Host, None)
            .about("endpoint:oauth")
            .with("counts", json!({ "invalid-client": count }))
    };
    let ingest = |at: i64, count: u64| {
        Entry::new(Timestamp(at), Kind::IngestRefused, Actor::Host, None)
            .about("source:zen")
            .with("reason", "wrong-signature")
            .with("count", count)
    };
    let on = |at: i64, device: &str| person(at, "dana").with_personal("device", device);
    let every_minute = |n: i64, one: &dyn Fn(i64) -> Entry| (0..n).map(|i| one(late + i * 60_000)).collect::<Vec<_>>();
    // Rule, what comes before, what fires once, what does not.
    type Case = (&'static str, Vec<Entry>, Vec<Entry>, Vec<Entry>);
    let cases: Vec<Case> = vec![
        (
            "new-destination",
            vec![sends(0, "a.example")],
            vec![sends(late, "b.example")],
            vec![sends(late, "a.example")],
        ),
        (
            "new-destination",
            vec![sends(0, "a.example")],
            vec![sends(late, "a.example:8443")],
            // Within the time of learning; and by an installation of which nothing is known yet.
            vec![sends(DAY - 1, "c.example"), of(sends(late, "d.example"), "ins_2")],
        ),
        (
            "first-scope",
            vec![acts(0, "tickets.get", "tickets:read")],
            vec![acts(late, "users.get", "users:read")],
            vec![acts(late, "tickets.search", "tickets:read where=\"status=open\"")],
        ),
        (
            "first-act",
            vec![acts(0, "tickets.get", "tickets:read")],
            vec![acts(late, "tickets.search", "tickets:read")],
            vec![acts(late, "tickets.get", "tickets:write")],
        ),
        ("records-read-jump", usual(read, 100), vec![read(late, 900), read(late + 1, 900)], vec![read(late, 499)]),
        // Five hundred and one, where six hundred are usual.
        ("records-read-jump", usual(read, 600), vec![read(late, 9_000)], vec![read(late, 700)]),
        (
            "records-read-jump",
            usual(read, 100),
            vec![read(late, 250), read(late + 1, 251)],
            vec![read(late, 250), read(late + HOUR, 251)],
        ),
        // Too little is known.
        ("records-read-jump", usual(read, 100), vec![read(late, 9_000)], vec![of(read(late, 9_000), "ins_2")]),
        // Without a history, above the ceiling alone; and a send that had begun counts, whatever came of it.
        ("records-read-jump", vec![], vec![read(late, 50_001)], vec![read(late, 50_000)]),
        (
            "bytes-out-jump",
            usual(sent, 1_000),
            vec![sent(late, 1_000_001).with("outcome", "unavailable")],
            vec![sent(late, 1_000_000).with("outcome", "unavailable")],
        ),
        ("bytes-out-jump", usual(sent, 1_000), vec![sent(late, 1_000_001)], vec![sent(late, 1_000_000)]),
        // What was cut off may have left; that it was permitted says nothing yet.
        (
            "bytes-out-jump",
            usual(sent, 1_000),
            vec![cut_off(late, 1_000_001)],
            vec![sends(late, "a.example").with("most-bytes-out", 1_000_001)],
        ),
        (
            "repeated-denials",
            vec![],
            (0..20).map(|i| denied(i * 1_000, "tickets.get")).collect(),
            (0..19).map(|i| denied(i * 1_000, "tickets.get")).collect(),
        ),
        (
            "repeated-denials",
            vec![],
            (0..20).map(|i| denied(i * 31_000, "tickets.get")).collect::<Vec<_>>(),
            (0..40).map(|i| denied(i * 61_000, "tickets.get")).collect(),
        ),
        (
            "denied-egress",
            vec![],
            vec![denied(late, "http.send")],
            vec![denied(late, "tickets.get"), sends(late, "x.example")],
        ),
        (
            "long-silence",
            vec![acts(0, "tickets.get", "tickets:read")],
            vec![acts(30 * DAY, "tickets.get", "tickets:read")],
            vec![acts(30 * DAY - 1, "tickets.get", "tickets:read")],
        ),
        (
            "privacy-overdue",
            vec![],
            vec![entry(late, Kind::PrivacyOverdue)],
            vec![entry(late, Kind::PrivacyRequested), entry(late, Kind::PrivacyFailed)],
        ),
        ("refresh-reused", vec![], vec![client(late, Kind::RefreshReused)], vec![client(late, Kind::TokenIssued)]),
        ("code-misused", vec![], vec![client(late, Kind::CodeMisused)], vec![client(late, Kind::CodeIssued)]),
        ("admin-from-new-account", vec![person(0, "dana")], vec![person(late, "eve")], vec![person(late, "dana")]),
        ("admin-from-new-device", vec![on(0, "d1")], vec![on(late, "d2")], vec![on(late, "d1"), person(late, "eve")]),
        (
            "admin-from-new-device",
            vec![signs_in(0, "per_1", true)],
            vec![signs_in(late, "per_1", true)],
            // The same device; and a person's first days.
            vec![signs_in(late, "per_1", false), signs_in(late, "per_2", true)],
        ),
        (
            "admin-from-new-account",
            vec![signs_in(0, "per_1", true)],
            vec![signs_in(late, "per_2", false)],
            vec![signs_in(late, "per_1", true)],
        ),
        (
            "refused-client",
            vec![],
            every_minute(20, &|at| client(at, Kind::TokenRefused).with("client", "cl_1")),
            every_minute(19, &|at| client(at, Kind::TokenRefused).with("client", "cl_1")),
        ),
        // What was folded into an entry counts.
        (
            "refused-client",
            vec![],
            vec![client(late, Kind::TokenRefused).with("client", "cl_1").with("before", 19)],
            vec![client(late, Kind::TokenRefused).with("client", "cl_1").with("before", 18)],
        ),
        ("refused-requests", vec![], vec![refused(late, 60), refused(late + 1, 40)], vec![refused(late, 99)]),
        ("refused-requests", vec![], vec![refused(late, 100)], vec![refused(late, 60), refused(late + HOUR, 60)]),
        ("refused-events", vec![], vec![ingest(late, 100)], vec![ingest(late, 99)]),
        (
            "refused-sign-ins",
            vec![],
            (0..5).map(|i| refused_as(late + i * 60_000, "per_1")).collect(),
            // Four of one person and four of another; and a fifth when the first is too old.
            (0..4).flat_map(|i| ["per_1", "per_2"].map(|id| refused_as(late + i * 60_000, id))).collect(),
        ),
        (
            "refused-sign-ins",
            vec![],
            (0..5).map(|i| refused_as(late + i * 3 * 60_000, "per_1")).collect(),
            (0..9).map(|i| refused_as(late + i * 4 * 60_000, "per_1")).collect(),
        ),
    ];
    let mut told = std::collections::BTreeSet::new();
    for (number, (rule, before, fires, misses)) in cases.into_iter().enumerate() {
        let one = world(rule);
        assert_eq!(one.hits(before.clone()), 0, "{rule} ({number}): before");
        assert_eq!(one.hits(fires), 1, "{rule} ({number}): fires once");
        let other = world(rule);
        other.hits(before);
        assert_eq!(other.hits(misses), 0, "{rule} ({number}): the near miss");
        told.insert(rule);
    }
    let all: Vec<String> = Library::built_in().unwrap().iter().map(|one| one.rule.id.clone()).collect();
    assert_eq!(all.iter().map(String::as_str).collect::<Vec<_>>(), told.into_iter().collect::<Vec<_>>());
}

#[test]
fn a_hit_says_whom_it_is_about_and_which_entries_it_came_of() {
    let world = world("repeated-denials");
    let hits: Vec<Hit> = (0..20).flat_map(|i| world.take(&denied(i, "tickets.get"))).collect();
    let [hit] = hits.as_slice() else { panic!("{hits:?}") };
    assert_eq!((hit.subject.as_str(), hit.time), ("acme/ins_1", Timestamp(19)));
    assert_eq!(hit.entries, (0..20).collect::<Vec<u64>>());
    assert_eq!(hit.installation.as_ref().map(|id| id.as_str()), Some("ins_1"));
}

#[test]
fn no_memory_and_no_hit_holds_a_personal_value() {
    let world = world("admin-from-new-account");
    world.take(&person(0, "dana-of-accounts"));
    let hits = world.take(&person(2 * DAY, "eve-of-sales"));
    let (state, hits) = (format!("{:?}", world.state.borrow()), format!("{hits:?}"));
    assert!(hits.contains("an account for the first time"), "{hits}");
    assert!(state.contains(&digest("dana-of-accounts")), "it is remembered: {state}");
    for text in [state, hits] {
        assert!(!text.contains("dana-of") && !text.contains("eve-of"), "{text}");
    }
}

#[test]
fn what_was_erased_is_nobody_new() {
    let world = world("admin-from-new-account");
    world.take(&person(0, "dana"));
    let erased = [portcullis_model::audit::ERASED, portcullis_model::audit::WITHHELD];
    assert_eq!(world.hits(erased.map(|name| person(2 * DAY, name))), 0);
}

#[test]
fn alerts_raise_no_alerts_but_what_people_do_about_them_may() {
    let world = world("admin-from-new-account");
    world.take(&person(0, "dana"));
    let own = Entry::new(Timestamp(2 * DAY), Kind::AlertRaised, Actor::Host, None);
    let mutes = Entry { kind: Kind::AlertMuted, ..person(2 * DAY, "eve") };
    assert_eq!((world.hits([own]), world.hits([mutes])), (0, 1));
}

#[test]
fn a_subjects_memory_is_bounded_and_the_least_recent_goes_first() {
    let world = world("new-destination");
    let most = super::MOST_CELLS as i64;
    world.hits((0..most + 50).map(|n| sends(n, &format!("h{n}.example"))));
    let kept = world.state.borrow_mut().take_changed().into_iter().filter(|(_, _, cell)| cell.is_some()).count();
    assert_eq!(kept, super::MOST_CELLS);
    let late = 2 * DAY;
    assert_eq!(world.hits([sends(late, &format!("h{}.example", most + 49))]), 0, "known still");
    assert_eq!(world.hits([sends(late, "h0.example")]), 1, "forgotten");
}

#[test]
fn a_hundred_thousand_entries_take_seconds() {
    let library = Library::built_in().unwrap();
    let engine = Engine::new(library.iter().map(|one| one.rule.clone()), 24);
    let mut state = State::default();
    let entries: Vec<Entry> = (0..100_000_i64)
        .map(|n| {
            let at = n * 10_000;
            let one = match n % 4 {
                0 => sends(at, &format!("h{}.example", n % 40)),
                1 => sent(at, 100),
                2 => read(at, 3),
                _ => acts(at, "tickets.get", "tickets:read"),
            };
            of(one, &format!("ins_{}", n % 50))
        })
        .collect();
    let began = std::time::Instant::now();
    let mut hits = 0;
    for (index, entry) in (0..).zip(&entries) {
        let facts = Facts::of(index, entry, &digest);
        hits += engine.take(&facts, engine.look(&facts), &mut state).len();
    }
    println!("{} entries, {} memories, {hits} hits: {:?}", entries.len(), state.len(), began.elapsed());
    assert!(state.len() >= 50 * 5 && hits < 1_000, "{} memories, {hits} hits", state.len());
}

/// As a follower does: memories are read for each part, and what changed of them is kept.
fn in_parts(engine: &Engine, entries: &[Entry], size: usize) -> Vec<Hit> {
    let mut kept: BTreeMap<(Key, String), Cell> = BTreeMap::new();
    let (mut hits, mut index) = (Vec::new(), 0);
    for part in entries.chunks(size) {
        let mut state = State::default();
        for (index, entry) in (index..).zip(part) {
            for found in engine.look(&Facts::of(index, entry, &digest)) {
                let of = kept.iter().filter(|((key, _), _)| *key == found.key);
                let cells: Vec<_> = of.map(|((_, item), cell)| (item.clone(), *cell)).collect();
                state.add(found.key, Memory::of(cells));
            }
        }
        for entry in part {
            let facts = Facts::of(index, entry, &digest);
            hits.extend(engine.take(&facts, engine.look(&facts), &mut state));
            index += 1;
        }
        for (key, item, cell) in state.take_changed() {
            match cell {
                Some(cell) => kept.insert((key, item), cell),
                None => kept.remove(&(key, item)),
            };
        }
    }
    hits
}

#[test]
fn it_finds_the_same_however_the_entries_are_cut() {
    let library = Library::built_in().unwrap();
    let engine = Engine::new(library.iter().map(|one| one.rule.clone()), 24);
    let mut entries = usual(read, 100);
    entries.extend(usual(|at, _| sends(at, "a.example"), 0));
    entries.extend((0..45).map(|n| denied(2 * DAY + n * 1_000, "tickets.get")));
    entries.extend([sends(3 * DAY, "b.example"), read(3 * DAY, 9_000), sends(40 * DAY, "c.example")]);
    let whole = in_parts(&engine, &entries, usize::MAX);
    let rules: std::collections::BTreeSet<_> = whole.iter().map(|hit| hit.rule.as_str()).collect();
    assert_eq!(
        rules.into_iter().collect::<Vec<_>>(),
        ["long-silence", "new-destination", "records-read-jump", "repeated-denials"]
    );
    for size in [1, 2, 7, 50] {
        assert_eq!(in_parts(&engine, &entries, size), whole, "parts of {size}");
    }
}

use std::{fs, sync::Arc};

use portcullis_model::{
    audit::{
        Actor, Entry, Kind, Recorder as _,
        query::{Filter, Terms},
        reader::{AuditReader, Window},
    },
    id::Digest,
    time::Timestamp,
};
use proptest::prelude::*;

use super::*;
use crate::{db::failed, testing::store};

const ALL: Window = Window { from: 0, to: u64::MAX, backwards: false, most: LARGEST_PAGE };

fn filter(text: &str) -> Filter {
    text.parse().unwrap()
}

fn world() -> (Arc<tempfile::TempDir>, SqliteStore, AuditIndex) {
    let (dir, store) = store();
    let index = AuditIndex::new(&dir.path().join("audit-index.db"), store.clone());
    (dir, store, index)
}

/// One of many that differ in what filters are about.
fn entry(n: u64) -> Entry {
    let kind = [Kind::ActPermitted, Kind::ActOutcome, Kind::ActDenied, Kind::CallEnded][n as usize % 4];
    let actor = match n % 5 {
        0 => Actor::Host,
        1 => Actor::Person { name: format!("person {}", n % 7) },
        _ => Actor::Plugin {
            installation: format!("ins_{}", n % 3).parse().unwrap(),
            plugin: "com.example.plugin".parse().unwrap(),
            release: Digest::of(b"x"),
            call: format!("call_{}", n / 8).parse().unwrap(),
        },
    };
    let tenant = (!n.is_multiple_of(6)).then(|| ["acme", "other"][n as usize % 2].parse().unwrap());
    // Time goes back now and then.
    Entry::new(Timestamp((n * 10 - n % 4 * 25 / 10 + 100) as i64), kind, actor, tenant)
        .about(format!("ticket:{}", n % 11))
        .with("scope", format!("tickets:read fields={}", ["subject", "status"][n as usize % 2]))
        .with("n", n)
}

async fn fill(store: &SqliteStore, count: u64) {
    store.record((0..count).map(entry).collect()).await.unwrap();
}

async fn indices(index: &AuditIndex, text: &str, window: Window) -> (Vec<u64>, Option<u64>) {
    let found = index.search(&filter(text), window).await.unwrap();
    (found.entries.iter().map(|one| one.index).collect(), found.next)
}

#[tokio::test]
async fn pages_go_on_where_the_last_ended_in_both_directions() {
    let (_dir, store, index) = world();
    fill(&store, 100).await;
    let expected: Vec<u64> = (0..100).filter(|n| n % 4 == 2).collect();
    for backwards in [false, true] {
        let (mut seen, mut window) = (Vec::new(), Window { backwards, most: 7, ..ALL });
        loop {
            let (page, next) = indices(&index, "kind=act.denied", window).await;
            seen.extend(page);
            let Some(next) = next else { break };
            if backwards { window.to = next } else { window.from = next }
        }
        if backwards {
            seen.reverse();
        }
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn the_newest_of_each_value_is_what_a_search_for_it_finds_first() {
    let (_dir, store, index) = world();
    // Beyond one chunk, with a value that only the first one has.
    store.record(vec![entry(0).about("ticket:first").with("scope", "kv:read")]).await.unwrap();
    fill(&store, CHUNK + 500).await;
    for many in [false, true] {
        let mut values: Vec<String> = (0..13).map(|n| format!("ticket:{n}")).collect();
        values.push("ticket:first".to_owned());
        // More than are looked up one by one.
        values.extend((0..if many { 200 } else { 0 }).map(|n| format!("ticket:none-{n}")));
        for text in ["", "kind=act.denied", "tenant=acme kind=call.ended"] {
            let found = index.newest_each(&filter(text), Field::Record, &values).await.unwrap();
            let newest = Window { backwards: true, most: 1, ..ALL };
            for value in &values {
                let one = index.search(&filter(&format!("{text} record={value}")), newest).await.unwrap().entries;
                let expected = one.first().map(|one| (one.index, one.entry.as_ref().unwrap().time));
                assert_eq!(found.get(value).copied(), expected, "{text} {value}");
            }
        }
        let all = index.newest_each(&filter(""), Field::Record, &values).await.unwrap();
        assert_eq!(all.get("ticket:first").map(|one| one.0), Some(0));
        assert_eq!(all.len(), 12, "{all:?}");
    }
}

/// The same log, read without what the index counts.
struct Plain(AuditIndex);

#[async_trait::async_trait]
impl AuditReader for Plain {
    async fn written(&self) -> Result<u64, StoreError> {
        self.0.catch_up().await
    }

    async fn published(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn search(&self, filter: &Filter, window: Window) -> Result<Found, StoreError> {
        self.0.search(filter, window).await
    }

    async fn follow(&self, from: u64, most: usize) -> Result<Vec<Shown>, StoreError> {
        self.0.entries(from, most).await
    }

    async fn add_leaves(&self, _: &mut [Shown]) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test]
async fn what_is_counted_is_what_a_search_finds() {
    let (_dir, store, index) = world();
    let day = 86_400_000;
    // A day ends within a chunk, and a chunk within a day.
    let entries = (0..CHUNK + 900).map(|n| {
        let time = Timestamp(i64::try_from(n / 700).unwrap() * day + i64::try_from(n % 700).unwrap());
        let mut one = entry(n);
        one.time = time;
        one
    });
    store.record(entries.collect()).await.unwrap();
    let plain = Plain(index.clone());
    for text in ["", "kind=act.permitted", "tenant=acme kind=act.permitted scope=tickets:read", "since=1970-01-03"] {
        let meant = filter(text);
        let days = index.per_day(&meant).await.unwrap();
        assert!(days.len() > 4, "{text} {days:?}");
        assert_eq!(days, plain.per_day(&meant).await.unwrap(), "{text}");
        for (field, begins) in [(Field::Scope, "tickets:read"), (Field::Kind, ""), (Field::Record, "ticket:1")] {
            let found = index.tally(&meant, field, begins).await.unwrap();
            assert!(!found.is_empty(), "{text}");
            assert_eq!(found, plain.tally(&meant, field, begins).await.unwrap(), "{text} {begins}");
        }
    }
    assert!(index.tally(&filter("kind=host.started"), Field::Kind, "").await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_knows_of_everything_that_was_durable() {
    let (_dir, store, index) = world();
    for round in 0..5 {
        fill(&store, 3).await;
        assert_eq!(indices(&index, "", ALL).await.0.len(), (round + 1) * 3);
    }
    let other = AuditIndex::new(&index.path, store.clone());
    let (a, b) = tokio::join!(index.catch_up(), other.catch_up());
    assert_eq!((a.unwrap(), b.unwrap()), (15, 15));
    assert_eq!(indices(&other, "n", ALL).await.0.len(), 0, "names of details are no text");
}

#[tokio::test]
async fn a_damaged_index_is_made_anew() {
    let (_dir, store, index) = world();
    fill(&store, 50).await;
    let before = indices(&index, "person=*", ALL).await;
    assert!(before.0.len() == 10, "{before:?}");
    fs::write(&index.path, b"this is no database, but something else that is long enough to be looked at").unwrap();
    drop(fs::remove_file(index.path.with_extension("db-wal")));
    assert_eq!(indices(&index, "person=*", ALL).await, before);
    let conn = rusqlite::Connection::open(&index.path).unwrap();
    conn.execute("UPDATE postings SET bits = x'010203'", []).unwrap();
    assert_eq!(indices(&index, "person=*", ALL).await, before);
    conn.execute_batch("PRAGMA user_version = 77").unwrap();
    drop(conn);
    assert_eq!(indices(&index, "person=*", ALL).await, before);
}

#[tokio::test]
async fn an_index_of_another_log_is_made_anew() {
    let (_dir, store, index) = world();
    fill(&store, 50).await;
    index.catch_up().await.unwrap();
    // As where the database was restored from an older copy, and went on otherwise.
    store.db.write(|c| c.execute("DELETE FROM audit WHERE idx >= 40", []).map(drop).map_err(failed)).await.unwrap();
    assert_eq!(indices(&index, "", ALL).await.0.len(), 40);
    store.record(vec![entry(3); 30]).await.unwrap();
    assert_eq!(indices(&index, "", ALL).await.0.len(), 70);
    assert_eq!(indices(&index, "kind=call.ended", Window { from: 40, ..ALL }).await.0.len(), 30);
}

#[tokio::test]
async fn an_index_goes_over_chunks() {
    let (_dir, store, index) = world();
    fill(&store, CHUNK - 1).await;
    index.catch_up().await.unwrap();
    store.record((CHUNK - 1..2 * CHUNK + 5).map(entry).collect()).await.unwrap();
    let window = Window { from: CHUNK - 20, ..ALL };
    let expected: Vec<u64> = (CHUNK - 20..2 * CHUNK + 5).filter(|n| n % 11 == 3).take(LARGEST_PAGE).collect();
    assert_eq!(indices(&index, "record=ticket:3", window).await.0, expected);
    let span = format!("since={} until={}", Timestamp(100 + 41_000), Timestamp(100 + 41_100));
    let means = filter(&span);
    let expected: Vec<u64> = (0..2 * CHUNK + 5).filter(|n| means.covers(entry(*n).time)).collect();
    assert!(expected.len() >= 9);
    assert_eq!(indices(&index, &span, ALL).await.0, expected);
}

#[test]
fn what_the_index_finds_is_what_a_comparison_finds() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let (_dir, store, index) = world();
    runtime.block_on(fill(&store, 200));
    let term = prop::sample::select(vec![
        "kind=act.denied",
        "kind=act.*",
        "tenant=acme",
        "tenant=other",
        "installation=ins_1",
        "person=*",
        "person=\"person 3\"",
        "record=ticket:3",
        "record=ticket:1*",
        "scope=tickets:read",
        "call=call_5",
        "decision=denied",
        "actor=host",
        "duty=MON-4",
        "\"person 3\"",
        "stat*",
        "subject",
        "since=1970-01-01T00:00:00.500Z",
        "until=1970-01-01T00:00:01.200Z",
        "host=nowhere.example",
    ]);
    proptest!(|(terms in prop::collection::btree_set(term, 0..4))| {
        let text = terms.into_iter().collect::<Vec<_>>().join(" ");
        let means = filter(&text);
        let expected: Vec<u64> = (0..200).filter(|n| means.matches(entry(*n).time, &Terms::of(&entry(*n)))).collect();
        prop_assert_eq!(runtime.block_on(indices(&index, &text, ALL)).0, expected, "{}", text);
    });
}

/// Erases one opening and disposes of one entry, as the entries say that are written in the same transactions.
async fn take_away(store: &SqliteStore, sql: &'static str, kind: &'static str) {
    store
        .db
        .write(move |conn| {
            crate::audit::append(conn, &testing_entry())?;
            let by: u64 = conn.query_row("SELECT max(idx) FROM audit", [], |row| row.get(0)).map_err(failed)?;
            conn.execute("UPDATE audit SET kind = ?1 WHERE idx = ?2", rusqlite::params![kind, by]).map_err(failed)?;
            conn.execute(sql, [by]).map(drop).map_err(failed)
        })
        .await
        .unwrap();
}

fn testing_entry() -> Entry {
    crate::testing::entry(Kind::HostStarted)
}

#[tokio::test]
async fn what_was_erased_or_disposed_of_is_no_term_any_more() {
    const MARK: &str = "unmistakable";
    let (_dir, store, index) = world();
    let person = |n: u64| Entry { actor: Actor::Person { name: format!("{MARK} {n}") }, ..entry(n) };
    store.record((0..10).map(person).collect()).await.unwrap();
    fill(&store, CHUNK).await;
    assert_eq!(indices(&index, MARK, ALL).await.0.len(), 10);
    take_away(&store, "UPDATE audit_openings SET salt = NULL, value = NULL, erased = ?1 WHERE idx = 3", "audit.erased")
        .await;
    assert_eq!(indices(&index, MARK, ALL).await.0, [0, 1, 2, 4, 5, 6, 7, 8, 9]);
    assert_eq!(
        indices(&index, "record=ticket:3", Window { most: 1, ..ALL }).await.0,
        [3],
        "the rest of it is still found"
    );
    let shown = index.entries(3, 1).await.unwrap().remove(0);
    assert!(shown.erased.contains_key("actor.name") && shown.openings.is_empty(), "{shown:?}");
    take_away(&store, "UPDATE audit SET body = x'', disposed = ?1 WHERE idx = 5", "audit.disposed").await;
    assert_eq!(indices(&index, MARK, ALL).await.0, [0, 1, 2, 4, 6, 7, 8, 9], "nothing of it is found");
    assert!(indices(&index, "kind=call.ended kind=act.*", ALL).await.0.contains(&5), "but that it was there");
    take_away(&store, "UPDATE audit_openings SET salt = NULL, value = NULL, erased = ?1", "audit.erased").await;
    assert_eq!(indices(&index, MARK, ALL).await.0.len(), 0);
    for end in ["", "-wal"] {
        let file = fs::read(format!("{}{end}", index.path.display())).unwrap_or_default();
        assert!(!file.windows(MARK.len()).any(|bytes| bytes == MARK.as_bytes()), "the file still has it");
    }
}

#[tokio::test]
async fn it_is_gone_from_the_index_only_when_nobody_reads_that() {
    let (dir, store) = store();
    let path = dir.path().join("index.db");
    let index = AuditIndex::new(&path, store.clone());
    assert!(index.forget_taken_away().await.unwrap() && !path.exists(), "there is none");
    let by = Actor::Person { name: MARK.into() };
    store.record(vec![Entry::new(Timestamp(0), Kind::PluginGranted, by, None)]).await.unwrap();
    index.catch_up().await.unwrap();
    let holds = || {
        let mut files = ["", "-wal"].iter().filter_map(|end| fs::read(format!("{}{end}", path.display())).ok());
        files.any(|file| file.windows(MARK.len()).any(|at| at == MARK.as_bytes()))
    };
    assert!(holds(), "it is there to be found");
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM postings;").unwrap();
    let request = Entry::new(Timestamp(0), Kind::AuditErased, Actor::Host, None);
    store.erase_openings(crate::Which::Value(MARK.into()), request).await.unwrap();
    assert!(!index.forget_taken_away().await.unwrap(), "somebody reads");
    reader.execute_batch("COMMIT").unwrap();
    assert!(index.forget_taken_away().await.unwrap());
    assert!(!holds());
}

const MARK: &str = "dana-whose-name-must-not-stay";

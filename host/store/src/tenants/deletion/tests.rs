use std::path::PathBuf;

use portcullis_model::{
    audit::{Actor, ERASED, Recorder as _},
    erasure::ErasureStore as _,
    installation::{InstallationState, InstallationStore as _},
    queue::Queue as _,
};
use rusqlite::types::Value;

use super::*;
use crate::testing::{entry, event, installation, store};

/// Tables in which nothing is a tenant's own. Whoever adds a table says here, or in the list of parts, whose its rows are.
const PLATFORMS: &[&str] = &[
    "announcements",
    "audit",
    "audit_disposals",
    "audit_openings",
    "behaviour_reports",
    "detect_cursor",
    "duty_revision",
    "freeze_revision",
    "listed_releases",
    "log_outlets",
    "log_state",
    "log_witnesses",
    "oauth_used",
    "open_acts",
    "operations",
    "releases",
    "review_notes",
    "secrets_revision",
    "statements",
    "submissions",
    "tenant_deletions",
    "trust_revision",
    "uptime",
    "view_tiles",
    "views",
    "vulnerabilities",
    "withdrawals",
    "wrapping_keys",
];

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn tables(conn: &Connection) -> Vec<String> {
    let mut query = conn.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1").unwrap();
    let all: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    all.into_iter().filter(|name| !name.starts_with("sqlite_") && !PLATFORMS.contains(&name.as_str())).collect()
}

/// What stands in a column of a row of this tenant: the same in all of its rows, so that they refer to one another.
fn cell(table: &str, column: &str, kind: &str, tenant: &str, n: i64) -> Value {
    let mark = format!("{tenant}-mark");
    let text = match (table, column) {
        (_, "tenant" | "place" | "owner" | "subject_tenant") | ("detect_memory", "subject") => tenant.to_owned(),
        (_, "scope") => format!("tenant:{tenant}"),
        ("rotation_needed", "item") => format!("connection {tenant}/i/{mark}"),
        (_, "body") => serde_json::json!({
            "tenant": tenant, "extent": { "tenant": tenant }, "subject": { "tenant": tenant }, "mark": mark, "state": "erased",
        })
        .to_string(),
        _ => mark,
    };
    match kind {
        "INTEGER" => Value::Integer(n),
        "BLOB" => Value::Blob(text.into_bytes()),
        _ => Value::Text(text),
    }
}

/// A row of this tenant in every table that is not the platform's.
fn fill(dir: &std::path::Path, tenant: &str, n: i64) {
    let conn = Connection::open(dir.join("host.db")).unwrap();
    conn.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA secure_delete = ON;").unwrap();
    for table in tables(&conn) {
        let columns: Vec<(String, String)> = conn
            .prepare(&format!("PRAGMA table_info({table})"))
            .unwrap()
            .query_map([], |row| Ok((row.get(1)?, row.get(2)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let cells: Vec<Value> = columns.iter().map(|(name, kind)| cell(&table, name, kind, tenant, n)).collect();
        let marks = vec!["?"; cells.len()].join(", ");
        conn.execute(&format!("INSERT INTO {table} VALUES ({marks})"), rusqlite::params_from_iter(cells))
            .unwrap_or_else(|error| panic!("{table}: {error}"));
    }
}

fn rows(dir: &std::path::Path) -> BTreeMap<String, i64> {
    let conn = Connection::open(dir.join("host.db")).unwrap();
    let count =
        |table: &String| conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
    tables(&conn).into_iter().map(|table| (table.clone(), count(&table))).collect()
}

fn holding(dir: &std::path::Path, mark: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| std::fs::read(path).unwrap().windows(mark.len()).any(|at| at == mark.as_bytes())).collect()
}

fn leaving(name: &str) -> Leaving {
    let entry = Entry { tenant: Some(tenant(name)), ..entry(Kind::TenantLeaving) };
    let by = Actor::Person { name: "the-one-who-deletes".into() };
    Leaving {
        tenant: tenant(name),
        at: Timestamp(5),
        installations: Vec::new(),
        beside: [("files".to_owned(), 3)].into(),
        entry: Entry { actor: by, ..entry },
    }
}

async fn forgotten() -> Outcome<()> {
    Ok(())
}

fn deleted(name: &str) -> Entry {
    Entry { tenant: Some(tenant(name)), ..entry(Kind::TenantDeleted) }
}

#[tokio::test]
async fn nothing_of_a_tenant_is_left_in_any_table_or_byte_and_all_of_another_is() {
    let (dir, store) = store();
    fill(dir.path(), "acme", 20);
    fill(dir.path(), "acme-2", 30);
    let mut by = Entry { tenant: Some(tenant("acme")), ..entry(Kind::PluginGranted) };
    by.actor = Actor::Person { name: "acme-mark".into() };
    let theirs = Entry { tenant: Some(tenant("acme-2")), actor: Actor::Host, ..by.clone() };
    store
        .record(vec![by.with("reason", "acme-mark wrote"), theirs.with_personal("reason", "of the other")])
        .await
        .unwrap();
    let before = rows(dir.path());
    assert!(before.values().all(|rows| *rows == 2), "{before:?}");

    let untold = store.delete_tenant(&tenant("acme"), Timestamp(6), deleted("acme"), forgotten()).await.unwrap();
    assert!(!untold.is_empty() && rows(dir.path()) == before, "nothing is deleted before that is on record");
    let found = store.found_of_tenant(tenant("acme")).await.unwrap();
    assert_eq!(found.keys().count(), PARTS.len() + 2, "{found:?}");
    assert!(store.begin_deletion(leaving("acme")).await.unwrap());
    assert!(!store.begin_deletion(leaving("acme")).await.unwrap(), "once");
    assert_eq!(store.deletions_under_way().await.unwrap().len(), 1);
    let left = store.delete_tenant(&tenant("acme"), Timestamp(6), deleted("acme"), forgotten()).await.unwrap();
    assert_eq!(left, BTreeMap::new());

    let after = rows(dir.path());
    assert!(after.values().all(|rows| *rows == 1), "{after:?}");
    assert_eq!(holding(dir.path(), "acme-mark"), Vec::<PathBuf>::new());
    assert!(!holding(dir.path(), "acme-2-mark").is_empty());
    let deletion = store.deletion(tenant("acme")).await.unwrap().unwrap();
    assert_eq!((deletion.ended, deletion.found["events"], deletion.found["files"]), (Some(Timestamp(6)), 1, 3));
    assert!(store.deletions_under_way().await.unwrap().is_empty());
    let entries: Vec<Entry> = store.entries(0, 100).await.unwrap().iter().map(|one| one.read().unwrap()).collect();
    assert_eq!((entries[0].text("reason"), entries[1].text("reason")), (Some(ERASED), Some("of the other")));
    assert_eq!(entries[2].actor, Actor::Person { name: "the-one-who-deletes".into() }, "who did it stays on record");
    assert_eq!(entries.last().unwrap().kind, Kind::TenantDeleted);
}

#[tokio::test]
async fn what_was_cut_off_between_any_two_steps_comes_to_the_same_end() {
    for steps in [0, 1, PARTS.len() / 2, PARTS.len()] {
        let (dir, store) = store();
        fill(dir.path(), "acme", 20);
        assert!(store.begin_deletion(leaving("acme")).await.unwrap());
        for at in 0..steps {
            store.db.write(move |conn| delete(conn, &tenant("acme"), at)).await.unwrap();
        }
        drop(store);
        let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
        let under_way = store.deletions_under_way().await.unwrap();
        assert_eq!(under_way[0].tenant, tenant("acme"), "after {steps}");
        assert!(
            store.delete_tenant(&tenant("acme"), Timestamp(6), deleted("acme"), forgotten()).await.unwrap().is_empty()
        );
        assert_eq!(holding(dir.path(), "acme-mark"), Vec::<PathBuf>::new(), "after {steps}");
        assert!(
            store.delete_tenant(&tenant("acme"), Timestamp(7), deleted("acme"), forgotten()).await.unwrap().is_empty()
        );
        let told = store.entries(0, 100).await.unwrap();
        let ends = told.iter().filter(|one| one.read().unwrap().kind == Kind::TenantDeleted).count();
        assert_eq!((ends, store.deletion(tenant("acme")).await.unwrap().unwrap().ended), (1, Some(Timestamp(6))));
    }
}

async fn late(store: &SqliteStore) -> Outcome<usize> {
    let line = "INSERT INTO plugin_log VALUES (NULL, 'acme', 'a', 'c', 0, 'info', 'late')";
    store.db.write(move |conn| conn.execute(line, []).map_err(failed)).await
}

#[tokio::test]
async fn the_id_of_a_tenant_that_left_is_not_taken_again_and_nothing_comes_late() {
    let (_dir, store) = store();
    let one = installation("a");
    assert!(store.put_installation(one.clone(), None, entry(Kind::PluginInstalled)).await.unwrap());
    let active = store.begin_deletion(leaving("acme")).await.unwrap_err();
    assert!(active.to_string().contains("1 installations of 'acme' are not uninstalled"), "{active}");
    assert!(store.deletion(tenant("acme")).await.unwrap().is_none() && store.entry_count().await.unwrap() == 1);
    let state =
        InstallationState::Uninstalled { since: Timestamp(5), purge_at: Timestamp(5), reason: "x".into(), held: None };
    let ended = Installation { state, generation: 2, ..one.clone() };
    let contained = Leaving { installations: vec![(ended, 1, entry(Kind::PluginUninstalled))], ..leaving("acme") };
    assert!(store.begin_deletion(contained).await.unwrap());
    let state = InstallationState::Suspended { reason: "taken back".into(), by_platform: false };
    let back = Installation { state, generation: 3, ..one.clone() };
    assert!(store.put_installation(back, Some(2), entry(Kind::PluginRestored)).await.is_err(), "it is not taken back");
    let erased =
        Installation { state: InstallationState::Erased { at: Timestamp(6), held: None }, generation: 3, ..one };
    let files = portcullis_model::erasure::Erased::default();
    assert!(store.erase(erased, 2, files, entry(Kind::PluginErased)).await.unwrap().is_some(), "it comes to its end");
    assert_eq!(late(&store).await.unwrap(), 0, "a line of a call that goes on is not kept");
    assert!(store.delete_tenant(&tenant("acme"), Timestamp(6), deleted("acme"), forgotten()).await.unwrap().is_empty());
    assert_eq!(late(&store).await.unwrap(), 0);
    let again = store.put_installation(installation("b"), None, entry(Kind::PluginInstalled)).await.unwrap_err();
    assert!(again.to_string().contains("its id is not given again"), "{again}");
    let (new, old) = (entry(Kind::EventReceived), entry(Kind::EventDuplicate));
    assert!(store.ingest(event("1"), vec![], new, old).await.is_err());
    let other = Installation { tenant: tenant("acme-2"), ..installation("b") };
    assert!(store.put_installation(other, None, entry(Kind::PluginInstalled)).await.unwrap(), "another may");
    assert!(store.was_deleted(&tenant("acme")).await.unwrap() && !store.was_deleted(&tenant("acme-2")).await.unwrap());
}

#[tokio::test]
async fn whoever_belongs_to_another_tenant_too_stays() {
    let (dir, store) = store();
    let conn = Connection::open(dir.path().join("host.db")).unwrap();
    for (person, places) in
        [("here", &["acme"][..]), ("both", &["acme", "other"]), ("platform", &["acme", ""]), ("none", &[])]
    {
        let sql =
            "INSERT INTO people VALUES (?1, ?1, 'acme', ?1, 1, 1, json_object('subject', json_array('acme', ?1)))";
        conn.execute(sql, [person]).unwrap();
        conn.execute("INSERT INTO people_factors VALUES (?1, ?1, NULL, 1, 1, '{}')", [person]).unwrap();
        for place in places {
            conn.execute("INSERT INTO people_members VALUES (?1, ?2, 'admin', NULL, 1, 1, '{}')", [person, place])
                .unwrap();
        }
    }
    assert!(store.begin_deletion(leaving("acme")).await.unwrap());
    assert!(store.delete_tenant(&tenant("acme"), Timestamp(6), deleted("acme"), forgotten()).await.unwrap().is_empty());
    let all = |sql: &str| -> Vec<String> {
        let mut query = conn.prepare(sql).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(all("SELECT id FROM people ORDER BY 1"), ["both", "none", "platform"]);
    assert_eq!(all("SELECT person FROM people_factors ORDER BY 1"), ["both", "none", "platform"]);
    assert_eq!(all("SELECT person || '@' || place FROM people_members ORDER BY 1"), ["both@other", "platform@"]);
    assert_eq!(all("SELECT id FROM people WHERE subject_tenant IS NOT NULL OR body LIKE '%acme%'"), [""; 0]);
}

/// Rows of two large tables, of which the last one cannot be deleted while `stuck` is there.
fn many(dir: &std::path::Path, stuck: &str) -> Connection {
    let conn = Connection::open(dir.join("host.db")).unwrap();
    let rows = turns::AT_ONCE * 2 + 500;
    conn.execute_batch(&format!(
        "PRAGMA foreign_keys = OFF;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO plugin_log SELECT i, 'acme', 'a', 'c', 0, 'info', 'line' FROM n;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO events SELECT i, 'acme', 'o', 's', i, '{{}}' FROM n;
         INSERT INTO events VALUES ({rows} + 1, 'other', 'o', 's', 'theirs', '{{}}');
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= {rows})
         INSERT INTO deliveries (event, installation, state, due, attempts, lane) SELECT i, 'a', 2, 0, 1, 0 FROM n;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO people SELECT 'per_' || i, 'mail' || i, NULL, NULL, 1, 1, '{{}}' FROM n;
         INSERT INTO people_members SELECT id, 'acme', 'admin', NULL, 1, 1, '{{}}' FROM people;
         CREATE TRIGGER stuck BEFORE DELETE ON {stuck} BEGIN SELECT RAISE(ABORT, 'the disk is gone'); END;"
    ))
    .unwrap();
    conn
}

#[tokio::test]
async fn a_deletion_is_not_done_while_what_went_is_not_forgotten() {
    let (_dir, store) = store();
    assert!(store.begin_deletion(leaving("acme")).await.unwrap());
    let read = async { Err(portcullis_model::error::StoreError("somebody reads it".into())) };
    assert!(store.delete_tenant(&tenant("acme"), Timestamp(6), deleted("acme"), read).await.is_err());
    assert_eq!(store.deletions_under_way().await.unwrap().len(), 1, "it is looked at again");
    assert!(store.delete_tenant(&tenant("acme"), Timestamp(7), deleted("acme"), forgotten()).await.unwrap().is_empty());
    assert_eq!(store.deletion(tenant("acme")).await.unwrap().unwrap().ended, Some(Timestamp(7)));
}

#[tokio::test]
async fn much_goes_in_turns_and_what_went_before_a_cut_stays_gone() {
    let rows = i64::try_from(turns::AT_ONCE * 2 + 500).unwrap();
    for (table, stuck) in [
        ("plugin_log", format!("plugin_log WHEN OLD.number = {rows}")),
        ("deliveries", format!("deliveries WHEN OLD.event = {rows}")),
        ("events", format!("events WHEN OLD.number = {rows}")),
        ("people", "people WHEN OLD.id = 'per_999'".to_owned()),
    ] {
        let (dir, store) = store();
        let conn = many(dir.path(), &stuck);
        let count =
            || -> i64 { conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap() };
        let all = count();
        assert!(store.begin_deletion(leaving("acme")).await.unwrap());
        assert!(
            store.delete_tenant(&tenant("acme"), Timestamp(6), deleted("acme"), forgotten()).await.is_err(),
            "{table}"
        );
        assert!(store.deletion(tenant("acme")).await.unwrap().unwrap().ended.is_none());
        let left = count();
        assert!(left > 0 && left < all, "{table}: {left} of {all}: neither all nor nothing is one transaction's");
        conn.execute_batch("DROP TRIGGER stuck").unwrap();
        assert!(
            store.delete_tenant(&tenant("acme"), Timestamp(7), deleted("acme"), forgotten()).await.unwrap().is_empty()
        );
        assert_eq!(count(), i64::from(matches!(table, "deliveries" | "events")), "{table}: another's stays");
    }
}

#[tokio::test]
async fn whether_values_are_left_is_seen_without_a_look_at_the_whole_log() {
    let (_dir, store) = store();
    let plan = store.db.read(|conn| {
        let sql = format!("EXPLAIN QUERY PLAN SELECT count(*) FROM {VALUES}");
        let mut query = conn.prepare(&sql).map_err(failed)?;
        let steps = query.query_map(params!["acme", 7], |row| row.get::<_, String>(3)).map_err(failed)?;
        steps.collect::<Result<Vec<_>, _>>().map_err(failed)
    });
    let plan = plan.await.unwrap();
    assert!(plan.iter().any(|step| step.contains("o USING") && step.contains("idx>?")), "{plan:?}");
    assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{plan:?}");
}

#[tokio::test]
async fn more_values_than_go_in_a_turn_are_all_erased_and_each_once() {
    let (_dir, store) = store();
    let said = |n: usize| {
        let one = Entry { tenant: Some(tenant("acme")), ..entry(Kind::PluginGranted) };
        let by = Actor::Person { name: format!("acme-mark-{n}") };
        Entry { actor: by, ..one }.with("reason", "acme-mark wrote")
    };
    let entries = turns::AT_ONCE / 2 * 3 + 7;
    store.record((0..entries).map(said).collect()).await.unwrap();
    assert!(store.begin_deletion(leaving("acme")).await.unwrap());
    let found = store.deletion(tenant("acme")).await.unwrap().unwrap().found["audit-values"];
    assert_eq!(found, 2 * entries as u64, "of each entry who, and why");
    assert!(store.delete_tenant(&tenant("acme"), Timestamp(6), deleted("acme"), forgotten()).await.unwrap().is_empty());
    let all = store.entries(0, 100_000).await.unwrap();
    let told: Vec<Entry> = all.iter().map(|one| one.read().unwrap()).collect();
    let erased = told.iter().filter(|one| one.kind == Kind::AuditErased);
    assert_eq!(erased.map(|one| one.detail["count"].as_u64().unwrap()).sum::<u64>(), found);
}

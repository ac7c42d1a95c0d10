//! The audit entries, in order, without a gap. The Merkle log is published from here.
//!
//! Invariants: indices are 0, 1, 2 ... with none missing; a body never changes; a permit stays in `open_acts` until its outcome
//! is recorded.

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind, RecordError, Recorder},
    error::StoreError,
    id::TenantId,
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    SqliteStore,
    db::{Outcome, corrupt, failed},
    webhooks,
};

/// An entry as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its index in the log, from 0.
    pub index: u64,
    /// The bytes that are hashed.
    pub body: Vec<u8>,
}

/// Appends an entry in the present transaction. The end of a call also ends what the call left open: an act that was cut off
/// by a limit is unknown from then on.
pub(crate) fn append(conn: &Connection, entry: &Entry) -> Outcome<()> {
    if let (Kind::CallEnded | Kind::VisitEnded, Actor::Plugin { call, .. }) = (entry.kind, &entry.actor) {
        // An act's id is its call's, a dot and a number; '/' is the character after '.'.
        close_open_acts(conn, entry.time, &format!("{call}."), &format!("{call}/"))?;
    }
    append_one(conn, entry)
}

/// The tenant that all of these are about, if there is one.
pub(crate) fn whose(entries: &[Entry]) -> Option<TenantId> {
    let tenant = entries.first()?.tenant.as_ref()?;
    entries.iter().all(|entry| entry.tenant.as_ref() == Some(tenant)).then(|| tenant.clone())
}

fn append_one(conn: &Connection, entry: &Entry) -> Outcome<()> {
    let body = entry.encode().map_err(|e| StoreError(e.to_string()))?;
    let index: i64 = conn
        .prepare_cached("SELECT coalesce(max(idx) + 1, 0) FROM audit")
        .and_then(|mut s| s.query_row([], |row| row.get(0)))
        .map_err(failed)?;
    let (kind, tenant) = (entry.kind.name(), entry.tenant.as_ref().map(|t| t.as_str()));
    conn.prepare_cached("INSERT INTO audit (idx, time, kind, tenant, body) VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut s| s.execute(params![index, entry.time.0, kind, tenant, body]))
        .map_err(failed)?;
    webhooks::tell_of(conn, index, entry, &kind);
    match (entry.kind, entry.text("id")) {
        (Kind::ActPermitted, Some(id)) => conn
            .prepare_cached("INSERT INTO open_acts (id, idx) VALUES (?1, ?2)")
            .and_then(|mut s| s.execute(params![id, index])),
        (Kind::ActOutcome | Kind::ActUnknown, Some(id)) => {
            conn.prepare_cached("DELETE FROM open_acts WHERE id = ?1").and_then(|mut s| s.execute([id]))
        }
        _ => Ok(0),
    }
    .map(drop)
    .map_err(failed)
}

/// Says of every permit without an outcome, with an id from `from` to before `to`, that it is unknown.
fn close_open_acts(conn: &Connection, now: Timestamp, from: &str, to: &str) -> Outcome<usize> {
    let mut open = conn
        .prepare_cached(
            "SELECT a.body FROM open_acts o JOIN audit a ON a.idx = o.idx WHERE o.id >= ?1 AND o.id < ?2 ORDER BY o.idx",
        )
        .map_err(failed)?;
    let bodies: Vec<Vec<u8>> =
        open.query_map([from, to], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    for body in &bodies {
        let permit: Entry = serde_json::from_slice(body).map_err(corrupt)?;
        let mut entry = Entry::new(now, Kind::ActUnknown, Actor::Host, permit.tenant.clone());
        entry.resource.clone_from(&permit.resource);
        for name in ["id", "act"] {
            entry = entry.with(name, permit.text(name).unwrap_or_default());
        }
        append_one(conn, &entry)?;
    }
    Ok(bodies.len())
}

impl SqliteStore {
    /// How many entries there are.
    pub async fn entry_count(&self) -> Outcome<u64> {
        self.db
            .read(|conn| {
                conn.query_row("SELECT coalesce(max(idx) + 1, 0) FROM audit", [], |r| r.get(0)).map_err(failed)
            })
            .await
    }

    /// Up to `most` entries from an index on, in order. An error where one is missing.
    pub async fn entries(&self, from: u64, most: usize) -> Outcome<Vec<StoredEntry>> {
        self.db.read(move |conn| read_entries(conn, from, most)).await
    }

    /// Marks all acts whose outcome a crash left unknown. For the start of a host that is alone on its store. Gives how many.
    pub async fn sweep_open_acts(&self, now: Timestamp) -> Outcome<usize> {
        self.db.write(move |conn| close_open_acts(conn, now, "", "\u{10ffff}")).await
    }

    /// The entry of a permit or denial, by its act id.
    pub async fn entry_of_act(&self, id: String) -> Outcome<Option<StoredEntry>> {
        self.db
            .read(move |conn| {
                conn.query_row(
                    "SELECT idx, body FROM audit WHERE kind IN ('act.permitted', 'act.denied')
                     AND json_extract(CAST(body AS TEXT), '$.detail.id') = ?1",
                    [id],
                    |row| Ok(StoredEntry { index: row.get(0)?, body: row.get(1)? }),
                )
                .optional()
                .map_err(failed)
            })
            .await
    }
}

fn read_entries(conn: &Connection, from: u64, most: usize) -> Outcome<Vec<StoredEntry>> {
    let mut query =
        conn.prepare_cached("SELECT idx, body FROM audit WHERE idx >= ?1 ORDER BY idx LIMIT ?2").map_err(failed)?;
    let rows: Vec<StoredEntry> = query
        .query_map(params![from, most], |row| Ok(StoredEntry { index: row.get(0)?, body: row.get(1)? }))
        .and_then(Iterator::collect)
        .map_err(failed)?;
    match rows.iter().zip(from..).find(|(row, expected)| row.index != *expected) {
        Some((_, missing)) => Err(StoreError(format!("audit entry {missing} is missing from the database"))),
        None => Ok(rows),
    }
}

#[async_trait]
impl Recorder for SqliteStore {
    async fn record(&self, entries: Vec<Entry>) -> Result<(), RecordError> {
        let whose = whose(&entries);
        let all = move |conn: &Connection| entries.iter().try_for_each(|entry| append(conn, entry));
        self.db.write_of(whose, all).await.map_err(|e| RecordError(e.0))
    }

    fn note(&self, entry: Entry) {
        if let Err(error) = self.db.write_soon(entry.tenant.clone(), move |conn| append(conn, &entry)) {
            tracing::error!(%error, "an audit entry could not be handed in");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{entry, store};

    #[tokio::test]
    async fn indices_have_no_gap_and_notes_keep_their_order() {
        let (_dir, store) = store();
        store.note(entry(Kind::HostStarted).with("n", 0));
        store.record(vec![entry(Kind::CallEnded).with("n", 1), entry(Kind::CallEnded).with("n", 2)]).await.unwrap();
        let entries = store.entries(0, 10).await.unwrap();
        let numbers: Vec<(u64, Entry)> =
            entries.iter().map(|e| (e.index, serde_json::from_slice(&e.body).unwrap())).collect();
        for (index, entry) in numbers {
            assert_eq!(entry.detail["n"], index);
        }
        assert_eq!(store.entry_count().await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_permit_without_an_outcome_is_marked_once() {
        let (_dir, store) = store();
        let permit = |id: &str| entry(Kind::ActPermitted).with("id", id).with("act", "kv.set");
        store.record(vec![permit("call_1.1"), permit("call_1.2")]).await.unwrap();
        store.record(vec![entry(Kind::ActOutcome).with("id", "call_1.1").with("outcome", "ok")]).await.unwrap();
        assert_eq!(store.sweep_open_acts(Timestamp(5)).await.unwrap(), 1);
        assert_eq!(store.sweep_open_acts(Timestamp(6)).await.unwrap(), 0);
        let last: Entry = serde_json::from_slice(&store.entries(3, 1).await.unwrap()[0].body).unwrap();
        assert_eq!((last.kind, last.text("id")), (Kind::ActUnknown, Some("call_1.2")));
        assert!(store.entry_of_act("call_1.2".into()).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn the_end_of_a_call_ends_what_it_left_open_and_nothing_else() {
        let (_dir, store) = store();
        let permit = |id: &str| entry(Kind::ActPermitted).with("id", id).with("act", "http.send");
        store.record(vec![permit("call_1.1"), permit("call_12.1"), permit("call_1.2")]).await.unwrap();
        let ended = Entry {
            actor: Actor::Plugin {
                installation: "ins_1".parse().unwrap(),
                plugin: "com.example.plugin".parse().unwrap(),
                release: portcullis_model::id::Digest::of(b"x"),
                call: "call_1".parse().unwrap(),
            },
            ..entry(Kind::CallEnded)
        };
        store.record(vec![ended]).await.unwrap();
        let kinds: Vec<(Kind, Option<String>)> = store
            .entries(3, 10)
            .await
            .unwrap()
            .iter()
            .map(|e| serde_json::from_slice::<Entry>(&e.body).unwrap())
            .map(|e| (e.kind, e.text("id").map(str::to_owned)))
            .collect();
        let unknown = |id: &str| (Kind::ActUnknown, Some(id.to_owned()));
        assert_eq!(kinds, [unknown("call_1.1"), unknown("call_1.2"), (Kind::CallEnded, None)]);
        assert_eq!(store.sweep_open_acts(Timestamp(9)).await.unwrap(), 1, "the other call's act is still open");
    }

    #[tokio::test]
    async fn a_missing_entry_is_noticed() {
        let (_dir, store) = store();
        store.record(vec![entry(Kind::HostStarted), entry(Kind::HostStarted), entry(Kind::HostStopped)]).await.unwrap();
        store.db.write(|c| c.execute("DELETE FROM audit WHERE idx = 1", []).map(drop).map_err(failed)).await.unwrap();
        let error = store.entries(0, 10).await.unwrap_err();
        assert!(error.to_string().contains("audit entry 1 is missing"), "{error}");
    }
}

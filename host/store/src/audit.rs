//! The audit entries, in order, without a gap. The Merkle log is published from here.
//!
//! An entry is sealed when it is appended: of a personal value the body has a commitment, and what that commits to lies in a row
//! beside, in the same transaction.
//!
//! Invariants: indices are 0, 1, 2 ... with none missing; a body never changes, and where it is disposed of an entry says so; a permit
//! stays in `open_acts` until its outcome is recorded.

mod dispose;
mod erase;
mod ready;
mod stored;

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind, Opening, RecordError, Recorder},
    id::TenantId,
    permit::AT_MOST,
    time::Timestamp,
};
use rusqlite::{Connection, params};

use self::ready::{Ready, Then};
pub use self::{
    dispose::{Announcement, Due},
    erase::{Erased, Which},
    stored::StoredEntry,
};
pub(crate) use self::{
    erase::{FoundValue, about, erase_found},
    stored::{COLUMNS, from, select},
};
use crate::{
    SqliteStore,
    db::{Outcome, Writing, corrupt, failed, within_transaction},
    webhooks,
};

/// Appends an entry in the present transaction. The end of a call also ends what the call left open: an act that was cut off by a
/// limit is unknown from then on.
pub(crate) fn append(conn: &Writing, entry: &Entry) -> Outcome<()> {
    append_ready(conn, &Ready::new(entry, conn.salts())?)
}

fn append_ready(conn: &Writing, ready: &Ready) -> Outcome<()> {
    if let Then::EndCall(call) = &ready.then {
        // An act's id is its call's, a dot and a number; '/' is the character after '.'.
        close_open_acts(conn, ready.time, &format!("{call}."), &format!("{call}/"))?;
    }
    put(conn, ready).map(drop)
}

/// Appends entries, in their order.
pub(crate) fn append_all(conn: &Writing, entries: &[Entry]) -> Outcome<()> {
    entries.iter().try_for_each(|entry| append(conn, entry))
}

/// The tenant that all of these are about, if there is one.
pub(crate) fn whose(entries: &[Entry]) -> Option<TenantId> {
    let tenant = entries.first()?.tenant.as_ref()?;
    entries.iter().all(|entry| entry.tenant.as_ref() == Some(tenant)).then(|| tenant.clone())
}

/// The same, and gives the entry's index.
pub(crate) fn append_one(conn: &Writing, entry: &Entry) -> Outcome<u64> {
    put(conn, &Ready::new(entry, conn.salts())?)
}

fn put(conn: &Writing, ready: &Ready) -> Outcome<u64> {
    let index = conn.take_index()?;
    let Ready { time, kind, tenant, sealed, then, notice } = ready;
    conn.prepare_cached("INSERT INTO audit (idx, time, kind, tenant, body) VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut s| s.execute(params![index, time.0, kind, tenant, sealed.body]))
        .map_err(failed)?;
    sealed.openings.iter().try_for_each(|opening| put_opening(conn, index, opening))?;
    if let Some(notice) = notice {
        webhooks::tell_of(conn, index, notice);
        // What goes wrong with the notice alone does not undo the entry; what took the entry back as well must not be gone on from.
        within_transaction(conn)?;
    }
    match then {
        Then::Open(id) => conn
            .prepare_cached("INSERT INTO open_acts (id, idx) VALUES (?1, ?2)")
            .and_then(|mut s| s.execute(params![id, index])),
        Then::Close(id) => conn.prepare_cached("DELETE FROM open_acts WHERE id = ?1").and_then(|mut s| s.execute([id])),
        Then::EndCall(_) | Then::Nothing => Ok(0),
    }
    .map_err(failed)?;
    u64::try_from(index).map_err(corrupt)
}

fn put_opening(conn: &Connection, index: i64, opening: &Opening) -> Outcome<()> {
    conn.prepare_cached("INSERT INTO audit_openings (idx, field, salt, value) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut s| s.execute(params![index, opening.field, opening.salt, opening.value]))
        .map(drop)
        .map_err(failed)
}

/// Says of every permit without an outcome, with an id from `from` to before `to`, that it is unknown.
fn close_open_acts(conn: &Writing, now: Timestamp, from: &str, to: &str) -> Outcome<usize> {
    let open = select(
        conn,
        &format!(
            "SELECT {COLUMNS} FROM open_acts o JOIN audit a ON a.idx = o.idx WHERE o.id >= ?1 AND o.id < ?2 ORDER BY o.idx"
        ),
        [from, to],
    )?;
    for stored in &open {
        let permit = stored.read().map_err(corrupt)?;
        let mut entry = Entry::new(now, Kind::ActUnknown, Actor::Host, permit.tenant.clone());
        entry.resource.clone_from(&permit.resource);
        entry.trace.clone_from(&permit.trace);
        for name in ["id", "act"] {
            entry = entry.with(name, permit.text(name).unwrap_or_default());
        }
        // Whose it was: what is asked of an installation or a plugin must not leave out what nobody knows the end of.
        if let Actor::Plugin { installation, plugin, release, call } = &permit.actor {
            entry = entry.with("installation", installation.as_str()).with("plugin", plugin.as_str());
            entry = entry.with("release", release.to_string()).with("call", call.as_str());
        }
        // All of it may have happened.
        for (name, number) in &permit.detail {
            if let Some(name) = name.strip_prefix(AT_MOST) {
                entry = entry.with(name, number.clone());
            }
        }
        append_one(conn, &entry)?;
    }
    Ok(open.len())
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
        self.db.read(move |conn| stored::from(conn, from, most)).await
    }

    /// Marks all acts whose outcome a crash left unknown. For the start of a host that is alone on its store. Gives how many.
    pub async fn sweep_open_acts(&self, now: Timestamp) -> Outcome<usize> {
        self.db.write(move |conn| close_open_acts(conn, now, "", "\u{10ffff}")).await
    }
}

#[async_trait]
impl Recorder for SqliteStore {
    async fn record(&self, entries: Vec<Entry>) -> Result<(), RecordError> {
        let whose = whose(&entries);
        // Made ready here, where many can be at once: the writer has all of them to write.
        let ready = entries.iter().map(|entry| Ready::new(entry, self.db.salts())).collect::<Outcome<Vec<_>>>();
        let ready = ready.map_err(|e| RecordError(e.0))?;
        let all = move |conn: &Writing| ready.iter().try_for_each(|ready| append_ready(conn, ready));
        self.db.write_repeatable(whose, all).await.map_err(|e| RecordError(e.0))
    }

    fn note(&self, entry: Entry) {
        let handed = Ready::new(&entry, self.db.salts())
            .and_then(|ready| self.db.write_soon(entry.tenant, move |conn| append_ready(conn, &ready)));
        if let Err(error) = handed {
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
        let numbers: Vec<(u64, Entry)> = entries.iter().map(|e| (e.index, e.read().unwrap())).collect();
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
        let last: Entry = store.entries(3, 1).await.unwrap()[0].read().unwrap();
        assert_eq!((last.kind, last.text("id")), (Kind::ActUnknown, Some("call_1.2")));
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
            .map(|e| e.read().unwrap())
            .map(|e| (e.kind, e.text("id").map(str::to_owned)))
            .collect();
        let unknown = |id: &str| (Kind::ActUnknown, Some(id.to_owned()));
        assert_eq!(kinds, [unknown("call_1.1"), unknown("call_1.2"), (Kind::CallEnded, None)]);
        assert_eq!(store.sweep_open_acts(Timestamp(9)).await.unwrap(), 1, "the other call's act is still open");
    }

    #[tokio::test]
    async fn what_nobody_knows_the_end_of_says_whose_it_was_and_how_much_may_have_left() {
        let (_dir, store) = store();
        let permit = entry(Kind::ActPermitted).about("POST https://a.example/in").with("id", "call_1.1");
        let actor = Actor::Plugin {
            installation: "ins_1".parse().unwrap(),
            plugin: "com.example.plugin".parse().unwrap(),
            release: portcullis_model::id::Digest::of(b"x"),
            call: "call_1".parse().unwrap(),
        };
        let permit = Entry { actor, ..permit.with("act", "http.send").with("most-bytes-out", 700) };
        store.record(vec![permit]).await.unwrap();
        assert_eq!(store.sweep_open_acts(Timestamp(5)).await.unwrap(), 1);
        let unknown = store.entries(1, 1).await.unwrap()[0].read().unwrap();
        assert_eq!((unknown.kind, &unknown.detail["bytes-out"]), (Kind::ActUnknown, &700.into()));
        let terms = portcullis_model::audit::query::Terms::of(&unknown);
        for filter in ["installation=ins_1", "plugin=com.example.plugin", "call=call_1", "host=a.example"] {
            let filter: portcullis_model::audit::query::Filter = filter.parse().unwrap();
            assert!(filter.matches(unknown.time, &terms), "{filter}");
        }
    }

    #[tokio::test]
    async fn a_missing_entry_is_noticed() {
        let (_dir, store) = store();
        store.record(vec![entry(Kind::HostStarted), entry(Kind::HostStarted), entry(Kind::HostStopped)]).await.unwrap();
        store.db.write(|c| c.execute("DELETE FROM audit WHERE idx = 1", []).map(drop).map_err(failed)).await.unwrap();
        let error = store.entries(0, 10).await.unwrap_err();
        assert!(error.to_string().contains("audit entry 1 is missing"), "{error}");
    }

    #[tokio::test]
    async fn personal_values_lie_beside_the_body_and_come_back_with_it() {
        let (_dir, store) = store();
        let by = Actor::Person { name: "dana-of-accounts".into() };
        let one = Entry { actor: by, ..entry(Kind::PluginGranted) }
            .about("user:4711")
            .with_personal("asked-by", "ana@x.example");
        store.record(vec![entry(Kind::HostStarted), one.clone(), one.clone()]).await.unwrap();
        let stored = store.entries(1, 2).await.unwrap();
        for row in &stored {
            let body = String::from_utf8(row.body.clone()).unwrap();
            for value in ["dana-of-accounts", "user:4711", "ana@x.example"] {
                assert!(!body.contains(value), "{body}");
            }
            assert_eq!(row.read().unwrap(), one);
        }
        let salts: std::collections::BTreeSet<_> =
            stored.iter().flat_map(|row| &row.openings.open).map(|opening| opening.salt).collect();
        assert_eq!(salts.len(), 6, "each value has a salt of its own");
        let changed = "UPDATE audit_openings SET value = 'eve' WHERE idx = 1 AND field = 'actor.name'";
        store.db.write(move |c| c.execute(changed, []).map(drop).map_err(failed)).await.unwrap();
        let error = store.entries(1, 1).await.unwrap()[0].read().unwrap_err();
        assert!(error.to_string().contains("actor.name"), "{error}");
    }

    #[tokio::test]
    async fn an_act_on_a_person_that_was_cut_off_is_about_the_same_person() {
        let (_dir, store) = store();
        let permit = entry(Kind::ActPermitted).about("user:7").with("id", "call_1.1").with("act", "users.get");
        store.record(vec![permit]).await.unwrap();
        assert_eq!(store.sweep_open_acts(Timestamp(5)).await.unwrap(), 1);
        let unknown = store.entries(1, 1).await.unwrap()[0].read().unwrap();
        assert_eq!((unknown.kind, unknown.resource.as_deref()), (Kind::ActUnknown, Some("user:7")));
    }

    #[tokio::test]
    async fn a_job_that_is_taken_back_leaves_no_gap() {
        let (_dir, store) = store();
        let failing = store.db.write(|conn| {
            append(conn, &entry(Kind::HostStarted))?;
            Err::<(), _>(portcullis_model::error::StoreError("no".into()))
        });
        let (before, failed, after) = tokio::join!(
            store.record(vec![entry(Kind::HostStarted)]),
            failing,
            store.record(vec![entry(Kind::HostStopped)])
        );
        assert!(before.is_ok() && failed.is_err() && after.is_ok());
        assert_eq!(store.entries(0, 10).await.unwrap().len(), 2);
    }
}

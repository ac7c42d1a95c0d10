//! Disposing of entries at the end of their retention (DAT-8): bodies and openings go, the chain of hashes stays.
//!
//! A view is disposed of from its beginning, a part at a time. What is due is announced before (MON-3), so that whoever wants to keep it
//! can export it.
//!
//! Invariants: nothing is disposed of that is not published, since its hash must be there before its bytes go; each part has an entry of
//! the same view in the same transaction, and each row says which; entries about erasures, disposals and keys of the log stay, and so
//! does a permit whose outcome is open.

use portcullis_model::{audit::Entry, id::TenantId, time::Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::append_one;
use crate::{
    SqliteStore,
    db::{Outcome, Writing, failed},
};

/// The most entries that are looked through for one part: the writer serves others in between.
const PART: u64 = 5_000;
/// What a reader of the log needs for as long as there is a log.
const KEPT: &str = "a.kind NOT IN ('audit.erased', 'audit.disposed', 'host.created') AND a.kind NOT GLOB 'log.*'
  AND NOT EXISTS (SELECT 1 FROM open_acts o WHERE o.idx = a.idx)";

/// What of a view is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The first entry's index.
    pub first: u64,
    /// The last one's.
    pub last: u64,
    /// How many of the view's entries between have a body that goes.
    pub count: u64,
    /// They are older than this.
    pub before: Timestamp,
}

/// How far a view's disposal was announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announcement {
    /// Entries older than this have been announced long enough.
    pub free: Timestamp,
    /// Entries older than this were announced.
    pub announced: Timestamp,
    /// When those have been announced long enough.
    pub ripe: Timestamp,
}

impl SqliteStore {
    /// The next part of a view that is older than a moment, of the entries below `published`. None: nothing is due.
    pub async fn disposable(&self, view: Option<TenantId>, before: Timestamp, published: u64) -> Outcome<Option<Due>> {
        let part = move |conn: &Connection| due(conn, view.as_ref(), before, published, upto(conn, view.as_ref())?);
        self.db.read(part).await
    }

    /// All of a view that [`disposable`](Self::disposable) would give, part after part, as one. None: nothing is due.
    pub async fn all_disposable(
        &self,
        view: Option<TenantId>,
        before: Timestamp,
        published: u64,
    ) -> Outcome<Option<Due>> {
        let all = move |conn: &Connection| {
            let (mut all, mut from) = (None::<Due>, upto(conn, view.as_ref())?);
            while let Some(part) = due(conn, view.as_ref(), before, published, from)? {
                from = part.last + 1;
                all = Some(all.map_or(part, |all| Due { last: part.last, count: all.count + part.count, ..all }));
            }
            Ok(all)
        };
        self.db.read(all).await
    }

    /// Disposes of a part as [`disposable`](Self::disposable) gave it, with an entry of the same view, which gets what it is about. False:
    /// somebody else did meanwhile.
    pub async fn dispose(&self, due: Due, entry: Entry) -> Outcome<bool> {
        self.db.write(move |conn| dispose(conn, due, &entry)).await
    }

    /// Takes what was disposed of out of the file of recent changes as well. False where somebody is using that.
    pub async fn forget_disposed(&self) -> bool {
        self.db.empty_wal().await.is_ok()
    }

    /// How far a view's disposal was announced; all zero where it never was.
    pub async fn announcement(&self, view: Option<TenantId>) -> Outcome<Announcement> {
        self.db.read(move |conn| Ok(state(conn, name(view.as_ref()))?.1)).await
    }

    /// Sets that, with an entry where one is to be written.
    pub async fn announce(&self, view: Option<TenantId>, to: Announcement, entry: Option<Entry>) -> Outcome<()> {
        self.db
            .write(move |conn| {
                put(conn, name(view.as_ref()), state(conn, name(view.as_ref()))?.0, to)?;
                entry.map_or(Ok(()), |entry| super::append(conn, &entry))
            })
            .await
    }
}

/// A view's name in the table.
fn name(view: Option<&TenantId>) -> &str {
    view.map_or("", TenantId::as_str)
}

fn state(conn: &Connection, view: &str) -> Outcome<(u64, Announcement)> {
    conn.prepare_cached("SELECT upto, free, announced, ripe FROM audit_disposals WHERE view = ?1")
        .and_then(|mut s| {
            s.query_row([view], |row| {
                let at = |place| Ok::<_, rusqlite::Error>(Timestamp(row.get(place)?));
                Ok((row.get(0)?, Announcement { free: at(1)?, announced: at(2)?, ripe: at(3)? }))
            })
            .optional()
        })
        .map(Option::unwrap_or_default)
        .map_err(failed)
}

fn put(conn: &Connection, view: &str, upto: u64, to: Announcement) -> Outcome<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO audit_disposals VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut s| s.execute(params![view, upto, to.free.0, to.announced.0, to.ripe.0]))
        .map(drop)
        .map_err(failed)
}

/// The first entry of a view that may be left.
fn upto(conn: &Connection, view: Option<&TenantId>) -> Outcome<u64> {
    Ok(state(conn, name(view))?.0)
}

fn due(
    conn: &Connection,
    view: Option<&TenantId>,
    before: Timestamp,
    published: u64,
    mut from: u64,
) -> Outcome<Option<Due>> {
    let tenant = view.map(TenantId::as_str);
    while from < published {
        let to = published.min(from + PART);
        // In the view's order: what is behind one that is too young waits for it, whatever the clock said.
        let young: Option<u64> = conn
            .prepare_cached("SELECT min(idx) FROM audit WHERE idx >= ?1 AND idx < ?2 AND tenant IS ?3 AND time >= ?4")
            .and_then(|mut s| s.query_row(params![from, to, tenant, before.0], |row| row.get(0)))
            .map_err(failed)?;
        let end = young.unwrap_or(to);
        let sql = format!(
            "SELECT min(a.idx), max(a.idx), count(*) FROM audit a
             WHERE a.idx >= ?1 AND a.idx < ?2 AND a.tenant IS ?3 AND a.disposed IS NULL AND {KEPT}"
        );
        let (first, last, count): (Option<u64>, Option<u64>, u64) = conn
            .prepare_cached(&sql)
            .and_then(|mut s| {
                s.query_row(params![from, end, tenant], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            })
            .map_err(failed)?;
        if let (Some(first), Some(last)) = (first, last) {
            return Ok(Some(Due { first, last, count, before }));
        }
        if young.is_some() {
            return Ok(None);
        }
        from = to;
    }
    Ok(None)
}

/// Refuses what a row says is old, and its body, which is what was published, says is not.
fn check_bodies(conn: &Connection, due: Due, tenant: Option<&str>) -> Outcome<()> {
    let sql = format!(
        "SELECT min(a.idx) FROM audit a
         WHERE a.idx BETWEEN ?1 AND ?2 AND a.tenant IS ?3 AND a.disposed IS NULL AND {KEPT}
           AND ifnull(json_extract(CAST(a.body AS TEXT), '$.time'), '') NOT BETWEEN '0' AND ?4"
    );
    let before = Timestamp(due.before.0.saturating_sub(1)).to_string();
    let young: Option<u64> = conn
        .prepare_cached(&sql)
        .and_then(|mut s| s.query_row(params![due.first, due.last, tenant, before], |row| row.get(0)))
        .map_err(failed)?;
    young.map_or(Ok(()), |index| {
        Err(portcullis_model::error::StoreError(format!(
            "entry {index} is younger by its body than by the database; check the log with 'portcullis audit verify'"
        )))
    })
}

fn dispose(conn: &Writing, due: Due, entry: &Entry) -> Outcome<bool> {
    let tenant = entry.tenant.as_ref().map(TenantId::as_str);
    check_bodies(conn, due, tenant)?;
    let said = entry.clone().with("from", due.first).with("to", due.last).with("count", due.count);
    let by = append_one(conn, &said)?;
    let sql = format!(
        "UPDATE audit AS a SET body = x'', disposed = ?4
         WHERE a.idx BETWEEN ?1 AND ?2 AND a.tenant IS ?3 AND a.disposed IS NULL AND {KEPT}"
    );
    let changed = conn
        .prepare_cached(&sql)
        .and_then(|mut s| s.execute(params![due.first, due.last, tenant, by]))
        .map_err(failed)?;
    if changed as u64 != due.count {
        return Err(portcullis_model::error::StoreError(
            "these entries were disposed of by somebody else just now".into(),
        ));
    }
    conn.prepare_cached(
        "DELETE FROM audit_openings WHERE idx BETWEEN ?1 AND ?2
         AND idx IN (SELECT idx FROM audit WHERE idx BETWEEN ?1 AND ?2 AND disposed = ?3)",
    )
    .and_then(|mut s| s.execute(params![due.first, due.last, by]))
    .map_err(failed)?;
    let view = name(entry.tenant.as_ref());
    let (_, announcement) = state(conn, view)?;
    put(conn, view, due.last + 1, announcement)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use portcullis_model::audit::{Actor, Kind, Recorder as _, SealedError};

    use super::*;
    use crate::testing::{entry, store};

    fn of(tenant: Option<&str>, time: i64, kind: Kind) -> Entry {
        let actor = Actor::Person { name: "dana-of-old".into() };
        let tenant = tenant.map(|tenant| tenant.parse().unwrap());
        Entry { time: Timestamp(time), actor, tenant, ..entry(kind) }.with("mark", "a-mark-in-the-body")
    }

    fn acme() -> Option<TenantId> {
        Some("acme".parse().unwrap())
    }

    #[tokio::test]
    async fn a_row_that_was_made_older_than_its_body_stays() {
        let (_dir, store) = store();
        let entries = [5, 30].map(|time| of(Some("acme"), time, Kind::PluginGranted));
        store.record(entries.to_vec()).await.unwrap();
        let older = "UPDATE audit SET time = 6 WHERE idx = 1";
        store.db.write(move |conn| conn.execute(older, []).map(drop).map_err(failed)).await.unwrap();
        let due = store.disposable(acme(), Timestamp(20), 2).await.unwrap().unwrap();
        assert_eq!(due.count, 2);
        let refused = store.dispose(due, of(Some("acme"), 99, Kind::AuditDisposed)).await.unwrap_err().to_string();
        assert!(refused.contains("entry 1 is younger by its body"), "{refused}");
        assert!(store.entries(0, 2).await.unwrap().iter().all(|row| row.read().is_ok()), "nothing went");
        let only = store.disposable(acme(), Timestamp(20), 1).await.unwrap().unwrap();
        assert!(store.dispose(only, of(Some("acme"), 99, Kind::AuditDisposed)).await.unwrap());
    }

    #[tokio::test]
    async fn a_view_is_disposed_of_from_its_beginning_and_its_neighbour_stays() {
        let (dir, store) = store();
        let mut entries = Vec::new();
        for n in 0..40 {
            entries.push(of(Some("acme"), n, Kind::PluginGranted));
            entries.push(of(Some("other"), n, Kind::PluginGranted));
        }
        entries[4] = of(Some("acme"), 2, Kind::ActPermitted).with("id", "call_1.1").with("act", "kv.set");
        entries[6] = of(Some("acme"), 3, Kind::AuditErased);
        store.record(entries).await.unwrap();
        assert_eq!(store.disposable(acme(), Timestamp(0), 80).await.unwrap(), None, "all is too young");
        let due = store.disposable(acme(), Timestamp(20), 30).await.unwrap().unwrap();
        assert_eq!(
            due,
            Due { first: 0, last: 28, count: 13, before: Timestamp(20) },
            "what is published, less the open act and the erasure"
        );
        let said = of(Some("acme"), 99, Kind::AuditDisposed);
        assert!(store.dispose(due, said.clone()).await.unwrap());
        assert!(store.dispose(due, said.clone()).await.is_err(), "once");
        let next = store.disposable(acme(), Timestamp(20), 80).await.unwrap().unwrap();
        assert_eq!(next, Due { first: 30, last: 38, count: 5, before: Timestamp(20) });
        assert!(store.dispose(next, said).await.unwrap());
        assert_eq!(store.disposable(acme(), Timestamp(20), 80).await.unwrap(), None);

        let rows = store.entries(0, 100).await.unwrap();
        assert_eq!(rows.len(), 82, "no gap");
        assert_eq!((rows[0].read(), rows[30].read()), (Err(SealedError::Disposed(80)), Err(SealedError::Disposed(81))));
        assert!(rows[0].body.is_empty() && rows[0].openings.open.is_empty());
        for kept in [1, 4, 6, 40] {
            assert!(rows[kept].read().is_ok(), "{kept}");
        }
        let tombstone = rows[80].read().unwrap();
        let number = |name: &str| tombstone.detail[name].as_u64();
        assert_eq!((number("from"), number("to"), number("count")), (Some(0), Some(28), Some(13)));

        for view in [acme(), Some("other".parse().unwrap())] {
            while let Some(due) = store.disposable(view.clone(), Timestamp(1_000), 80).await.unwrap() {
                let name = view.as_ref().map(TenantId::as_str);
                let said = Entry { actor: Actor::Host, ..of(name, 99, Kind::AuditDisposed).with("mark", "") };
                assert!(store.dispose(due, said).await.unwrap());
            }
        }
        assert!(store.forget_disposed().await);
        let left = store.entries(0, 80).await.unwrap().iter().filter(|one| one.read().is_ok()).count();
        assert_eq!(left, 2, "the open act and the erasure");
        let size = std::fs::read(dir.path().join("host.db")).unwrap();
        let marks = size.windows(18).filter(|at| *at == b"a-mark-in-the-body").count();
        assert_eq!(marks, 4, "the two, and the first two disposals");
    }

    #[tokio::test]
    async fn what_would_go_is_all_that_goes_part_by_part() {
        let (_dir, store) = store();
        let count = 2 * PART + 10;
        let entries =
            (0..count).map(|n| of((n % 2 == 0).then_some("acme"), i64::try_from(n).unwrap(), Kind::HostStarted));
        store.record(entries.collect()).await.unwrap();
        let before = Timestamp(i64::try_from(count - 4).unwrap());
        let all = store.all_disposable(acme(), before, count).await.unwrap().unwrap();
        assert_eq!((all.first, all.last, all.count), (0, count - 6, PART + 3));
        let (mut gone, mut parts) = (0, 0);
        while let Some(due) = store.disposable(acme(), before, count).await.unwrap() {
            assert!(store.dispose(due, of(Some("acme"), 0, Kind::AuditDisposed)).await.unwrap());
            (gone, parts) = (gone + due.count, parts + 1);
        }
        assert_eq!(gone, all.count);
        assert!(parts > 1, "one part alone shows nothing");
        assert_eq!(store.all_disposable(acme(), before, count).await.unwrap(), None);
    }

    #[tokio::test]
    async fn one_that_is_too_young_holds_up_what_is_behind_it() {
        let (_dir, store) = store();
        let times = [1, 2, 50, 3, 4];
        store.record(times.map(|time| of(None, time, Kind::PluginGranted)).into()).await.unwrap();
        let due = store.disposable(None, Timestamp(10), 5).await.unwrap().unwrap();
        assert_eq!(due, Due { first: 0, last: 1, count: 2, before: Timestamp(10) });
        assert!(store.dispose(due, of(None, 60, Kind::AuditDisposed)).await.unwrap());
        assert_eq!(store.disposable(None, Timestamp(10), 5).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_was_announced_is_kept_beside_how_far_it_went() {
        let (_dir, store) = store();
        store.record(vec![of(Some("acme"), 1, Kind::PluginGranted)]).await.unwrap();
        assert_eq!(store.announcement(acme()).await.unwrap(), Announcement::default());
        let to = Announcement { free: Timestamp(1), announced: Timestamp(2), ripe: Timestamp(3) };
        store.announce(acme(), to, Some(of(Some("acme"), 2, Kind::AuditDisposalAnnounced))).await.unwrap();
        let due = store.disposable(acme(), Timestamp(2), 1).await.unwrap().unwrap();
        assert!(store.dispose(due, of(Some("acme"), 3, Kind::AuditDisposed)).await.unwrap());
        assert_eq!(store.announcement(acme()).await.unwrap(), to);
        assert_eq!(store.entry_count().await.unwrap(), 3);
    }
}

//! Outlets of the audit log: how far each is, and how it stands.
//!
//! Invariants: what the log says of an outlet is written together with what it is about; how far one is never goes back.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    outlet::{Missed, Outlet, OutletStore, Progress},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::{
    SqliteStore, audit,
    db::{Outcome, failed},
};

const COLUMNS: &str =
    "SELECT name, settings, next, sent, failing, problem, missed, missed_from, missed_to, refused FROM log_outlets";

#[async_trait]
impl OutletStore for SqliteStore {
    async fn outlets(&self) -> Outcome<Vec<Outlet>> {
        self.db
            .read(|conn| {
                let mut query = conn.prepare_cached(&format!("{COLUMNS} ORDER BY name")).map_err(failed)?;
                let all: Vec<Outlet> = query.query_map([], row).and_then(Iterator::collect).map_err(failed)?;
                Ok(all)
            })
            .await
    }

    async fn outlet_on(&self, name: &str, settings: &str, entry: Entry) -> Outcome<Outlet> {
        let (name, settings) = (name.to_owned(), settings.to_owned());
        self.db
            .write(move |conn| {
                if let Some(known) = one(conn, &name)?.filter(|known| known.settings == settings) {
                    return Ok(known);
                }
                let index = audit::append_one(conn, &entry)?;
                conn.execute(
                    "INSERT INTO log_outlets (name, settings, next) VALUES (?1, ?2, ?3)
                     ON CONFLICT (name) DO UPDATE SET settings = excluded.settings",
                    params![name, settings, index],
                )
                .map_err(failed)?;
                one(conn, &name)?.ok_or_else(|| crate::db::corrupt("an outlet that was just stored is not there"))
            })
            .await
    }

    async fn outlet_off(&self, name: &str, entry: Entry) -> Outcome<bool> {
        let name = name.to_owned();
        self.db
            .write(move |conn| {
                let gone = conn.execute("DELETE FROM log_outlets WHERE name = ?1", [&name]).map_err(failed)?;
                if gone == 1 {
                    audit::append(conn, &entry)?;
                }
                Ok(gone == 1)
            })
            .await
    }

    async fn outlet_at(&self, name: &str, progress: Progress, at: Timestamp) -> Outcome<()> {
        let (name, Progress { next, missed, refused }) = (name.to_owned(), progress);
        self.db
            .write(move |conn| {
                let known = one(conn, &name)?.filter(|known| known.next < next);
                let Some(known) = known else { return Ok(()) };
                let missed = known.missed.and(missed);
                // SQLite's integers have a sign.
                let refused = i64::try_from(refused).unwrap_or(i64::MAX);
                conn.execute(
                    "UPDATE log_outlets SET next = ?2, sent = ?3, missed = ?4, missed_from = ?5, missed_to = ?6,
                       refused = CASE WHEN refused > ?8 - ?7 THEN ?8 ELSE refused + ?7 END
                     WHERE name = ?1",
                    params![name, next, at.0, missed.count, missed.from, missed.to, refused, i64::MAX],
                )
                .map(drop)
                .map_err(failed)
            })
            .await
    }

    async fn outlet_fails(&self, name: &str, problem: &str, entry: Option<Entry>) -> Outcome<()> {
        let (name, problem) = (name.to_owned(), problem.to_owned());
        self.db
            .write(move |conn| {
                let since = entry.as_ref().map(|entry| entry.time.0);
                conn.execute(
                    "UPDATE log_outlets SET problem = ?2, failing = coalesce(?3, failing) WHERE name = ?1",
                    params![name, problem, since],
                )
                .map_err(failed)?;
                entry.iter().try_for_each(|entry| audit::append(conn, entry))
            })
            .await
    }

    async fn outlet_recovers(&self, name: &str, entry: Option<Entry>) -> Outcome<()> {
        let name = name.to_owned();
        self.db
            .write(move |conn| {
                conn.execute("UPDATE log_outlets SET problem = NULL, failing = NULL WHERE name = ?1", [&name])
                    .map_err(failed)?;
                entry.iter().try_for_each(|entry| audit::append(conn, entry))
            })
            .await
    }

    async fn outlet_missed(&self, name: &str, entry: Entry) -> Outcome<()> {
        let name = name.to_owned();
        self.db
            .write(move |conn| {
                let none = "UPDATE log_outlets SET missed = 0, missed_from = 0, missed_to = 0 WHERE name = ?1";
                conn.execute(none, [&name]).map_err(failed)?;
                audit::append(conn, &entry)
            })
            .await
    }
}

fn one(conn: &Connection, name: &str) -> Outcome<Option<Outlet>> {
    conn.prepare_cached(&format!("{COLUMNS} WHERE name = ?1"))
        .and_then(|mut query| query.query_row([name], row).optional())
        .map_err(failed)
}

fn row(row: &Row<'_>) -> rusqlite::Result<Outlet> {
    let time = |column: usize| row.get::<_, Option<i64>>(column).map(|time| time.map(Timestamp));
    Ok(Outlet {
        name: row.get(0)?,
        settings: row.get(1)?,
        next: row.get(2)?,
        sent: time(3)?,
        failing: time(4)?,
        problem: row.get(5)?,
        missed: Missed { count: row.get(6)?, from: row.get(7)?, to: row.get(8)? },
        refused: row.get(9)?,
    })
}

#[cfg(test)]
mod tests {
    use portcullis_model::audit::Kind;

    use super::*;
    use crate::testing::{entry, store};

    #[tokio::test]
    async fn an_outlet_begins_with_the_entry_that_says_so_and_only_goes_on() {
        let (_dir, store) = store();
        audit_is(&store, 0).await;
        store.outlet_on("other", "x", entry(Kind::OutletStarted)).await.unwrap();
        let on = |settings: &'static str| store.outlet_on("syslog", settings, entry(Kind::OutletStarted));
        assert_eq!(on("a").await.unwrap().next, 1);
        audit_is(&store, 2).await;
        on("a").await.unwrap();
        audit_is(&store, 2).await;
        let at = |next, missed, refused| {
            store.outlet_at("syslog", Progress { next, missed, refused }, Timestamp(i64::try_from(next).unwrap()))
        };
        at(7, Missed::one(4), 1).await.unwrap();
        at(6, Missed::one(5), 1).await.unwrap();
        at(9, Missed::one(8), 2).await.unwrap();
        let changed = on("b").await.unwrap();
        assert_eq!((changed.next, changed.sent, changed.refused), (9, Some(Timestamp(9)), 3), "settings move nothing");
        assert_eq!(changed.missed, Missed { count: 2, from: 4, to: 8 });
        audit_is(&store, 3).await;
        for next in 10..12 {
            at(next, Missed::default(), u64::MAX).await.unwrap();
        }
        assert_eq!(store.outlets().await.unwrap()[1].refused, u64::try_from(i64::MAX).unwrap());
        store.outlet_missed("syslog", entry(Kind::OutletMissed)).await.unwrap();
        store.outlet_fails("syslog", "down", Some(entry(Kind::OutletFailing))).await.unwrap();
        store.outlet_fails("syslog", "still down", None).await.unwrap();
        let failing = &store.outlets().await.unwrap()[1];
        assert_eq!(failing.missed, Missed::default());
        assert_eq!((failing.failing.is_some(), failing.problem.as_deref()), (true, Some("still down")));
        store.outlet_recovers("syslog", Some(entry(Kind::OutletRecovered))).await.unwrap();
        let well = &store.outlets().await.unwrap()[1];
        assert_eq!((well.failing, well.problem.as_deref()), (None, None));
        audit_is(&store, 6).await;
        assert!(store.outlet_off("syslog", entry(Kind::OutletStopped)).await.unwrap());
        assert!(!store.outlet_off("syslog", entry(Kind::OutletStopped)).await.unwrap());
        audit_is(&store, 7).await;
    }

    async fn audit_is(store: &SqliteStore, entries: u64) {
        assert_eq!(store.entry_count().await.unwrap(), entries);
    }
}

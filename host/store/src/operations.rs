//! What an operator has to see the age of, and what is told on the status page: the newest backup, test and restore; when the host was
//! up; incidents and maintenance.
//!
//! Invariant: each of the operator's acts is stored together with the entry that says it.

use portcullis_model::{audit::Entry, time::Timestamp};
use rusqlite::{OptionalExtension as _, params};

use crate::{
    SqliteStore, audit,
    db::{Outcome, Writing, failed},
};

/// The newest of one kind of act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// When it was.
    pub at: Timestamp,
    /// The audit entry that says it.
    pub entry: u64,
    /// What there is to say of it, as JSON.
    pub body: String,
}

/// Something that the operator tells on the status page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// What it is called here.
    pub id: String,
    /// `incident` or `maintenance`.
    pub kind: String,
    /// Since when, or from when on.
    pub since: Timestamp,
    /// Until when, where that is known.
    pub until: Option<Timestamp>,
    /// When it was said to be over.
    pub resolved: Option<Timestamp>,
    /// Title and text, as JSON.
    pub body: String,
}

impl SqliteStore {
    /// Notes an act as the newest of its name, with the entry that says it. Gives the entry's index.
    pub async fn note_newest(&self, name: &'static str, entry: Entry, body: String) -> Outcome<u64> {
        self.db
            .write(move |conn| {
                let index = audit::append_one(conn, &entry)?;
                conn.prepare_cached("INSERT OR REPLACE INTO operations (name, at, idx, body) VALUES (?1, ?2, ?3, ?4)")
                    .and_then(|mut s| s.execute(params![name, entry.time.0, index, body]))
                    .map_err(failed)?;
                Ok(index)
            })
            .await
    }

    /// The newest act of a name.
    pub async fn newest(&self, name: &'static str) -> Outcome<Option<Newest>> {
        self.db
            .read(move |conn| {
                conn.prepare_cached("SELECT at, idx, body FROM operations WHERE name = ?1")
                    .and_then(|mut s| {
                        let read = |row: &rusqlite::Row<'_>| {
                            Ok(Newest { at: Timestamp(row.get(0)?), entry: row.get(1)?, body: row.get(2)? })
                        };
                        s.query_row([name], read).optional()
                    })
                    .map_err(failed)
            })
            .await
    }

    /// Notes that a run of the host that began at `since` is still there.
    pub async fn seen_up(&self, since: Timestamp, now: Timestamp) -> Outcome<()> {
        self.db
            .write(move |conn| {
                let sql = "INSERT INTO uptime VALUES (?1, ?2) ON CONFLICT (since) DO UPDATE SET seen = max(seen, ?2)";
                conn.prepare_cached(sql).and_then(|mut s| s.execute([since.0, now.0])).map(drop).map_err(failed)
            })
            .await
    }

    /// Whether anything can be written.
    pub async fn can_write(&self) -> Outcome<()> {
        // Changes nothing, and still has to be written.
        let sql = "UPDATE log_state SET advanced = advanced";
        self.db.write(move |conn| conn.execute(sql, []).map(drop).map_err(failed)).await
    }

    /// When the oldest delivery was due that waits, and is due.
    pub async fn oldest_due(&self, now: Timestamp) -> Outcome<Option<Timestamp>> {
        let sql = "SELECT min(due) FROM deliveries WHERE state = 0 AND due <= ?1";
        self.db
            .read(move |conn| {
                // Of one that waits for a place among others, 0.
                let due = conn.query_row(sql, [now.0], |row| row.get::<_, Option<i64>>(0)).map_err(failed)?;
                Ok(due.filter(|due| *due > 0).map(Timestamp))
            })
            .await
    }

    /// How many freezes are in force.
    pub async fn freeze_count(&self) -> Outcome<u64> {
        self.db.read(|conn| conn.query_row("SELECT count(*) FROM freezes", [], |row| row.get(0)).map_err(failed)).await
    }

    /// When the host was up, after a moment, in order: from and to of each run that was seen since.
    pub async fn uptime(&self, after: Timestamp) -> Outcome<Vec<(Timestamp, Timestamp)>> {
        self.db
            .read(move |conn| {
                let sql = "SELECT since, seen FROM uptime WHERE seen > ?1 ORDER BY since";
                let mut statement = conn.prepare_cached(sql).map_err(failed)?;
                let rows = statement.query_map([after.0], |row| Ok((Timestamp(row.get(0)?), Timestamp(row.get(1)?))));
                rows.and_then(Iterator::collect).map_err(failed)
            })
            .await
    }

    /// The first moment of which it is known whether the host was up.
    pub async fn first_up(&self) -> Outcome<Option<Timestamp>> {
        self.db
            .read(|conn| {
                conn.query_row("SELECT min(since) FROM uptime", [], |row| row.get::<_, Option<i64>>(0))
                    .map(|at| at.map(Timestamp))
                    .map_err(failed)
            })
            .await
    }

    /// Tells of something, with the entry that says so. False where something is told under its id already.
    pub async fn announce_status(&self, announcement: Announcement, entry: Entry) -> Outcome<bool> {
        self.db.write(move |conn| announce(conn, &announcement, &entry)).await
    }

    /// Tells that something is over, and what is told of it from then on, with the entry that says so. False where it is over already, or
    /// is not told.
    pub async fn resolve_status(&self, announcement: Announcement, entry: Entry) -> Outcome<bool> {
        self.db
            .write(move |conn| {
                let Announcement { id, resolved, body, .. } = &announcement;
                let sql = "UPDATE announcements SET resolved = ?2, body = ?3 WHERE id = ?1 AND resolved IS NULL";
                let over = conn.execute(sql, params![id, resolved.map(|at| at.0), body]);
                noted(conn, over.map_err(failed)?, &entry)
            })
            .await
    }

    /// What is told: all that is not over, and what was over after a moment; the newest first, 200 at most.
    pub async fn announcements(&self, after: Timestamp) -> Outcome<Vec<Announcement>> {
        self.db
            .read(move |conn| {
                let sql = "SELECT id, kind, since, until, resolved, body FROM announcements
                           WHERE resolved IS NULL OR resolved > ?1 ORDER BY since DESC, id LIMIT 200";
                let mut statement = conn.prepare_cached(sql).map_err(failed)?;
                let read = |row: &rusqlite::Row<'_>| {
                    let at = |place| row.get::<_, Option<i64>>(place).map(|at| at.map(Timestamp));
                    Ok(Announcement {
                        id: row.get(0)?,
                        kind: row.get(1)?,
                        since: Timestamp(row.get(2)?),
                        until: at(3)?,
                        resolved: at(4)?,
                        body: row.get(5)?,
                    })
                };
                statement.query_map([after.0], read).and_then(Iterator::collect).map_err(failed)
            })
            .await
    }

    /// For a host that was restored and goes on under another name of its log: no witness knows that one.
    pub async fn forget_cosigned(&self) -> Outcome<()> {
        let sql = "UPDATE log_witnesses SET known = 0, asked = NULL, problem = NULL";
        self.db.write(move |conn| conn.execute(sql, []).map(drop).map_err(failed)).await
    }
}

/// Tells it, with its entry. False where something is told under its id already.
pub(crate) fn announce(conn: &Writing, announcement: &Announcement, entry: &Entry) -> Outcome<bool> {
    let Announcement { id, kind, since, until, resolved, body } = announcement;
    let told = conn.execute(
        "INSERT INTO announcements (id, kind, since, until, resolved, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        params![id, kind, since.0, until.map(|at| at.0), resolved.map(|at| at.0), body],
    );
    noted(conn, told.map_err(failed)?, entry)
}

/// Appends the entry where something was written.
fn noted(conn: &Writing, rows: usize, entry: &Entry) -> Outcome<bool> {
    if rows == 1 {
        audit::append(conn, entry)?;
    }
    Ok(rows == 1)
}

#[cfg(test)]
mod tests {
    use portcullis_model::audit::Kind;

    use super::*;
    use crate::testing::{entry, store};

    #[tokio::test]
    async fn the_newest_is_the_last_that_was_noted_and_has_its_entry() {
        let (_dir, store) = store();
        assert_eq!(store.newest("backup").await.unwrap(), None);
        for n in 0..2_i64 {
            let one = Entry { time: Timestamp(n), ..entry(Kind::BackupMade) };
            assert_eq!(store.note_newest("backup", one, format!("{{\"n\":{n}}}")).await.unwrap(), n as u64);
        }
        let newest = store.newest("backup").await.unwrap().unwrap();
        assert_eq!(newest, Newest { at: Timestamp(1), entry: 1, body: "{\"n\":1}".into() });
        assert_eq!(store.entries(0, 9).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_run_is_one_row_however_often_it_is_seen() {
        let (_dir, store) = store();
        for (since, seen) in [(10, 10), (10, 40), (10, 20), (60, 61)] {
            store.seen_up(Timestamp(since), Timestamp(seen)).await.unwrap();
        }
        let at = |from, to| (Timestamp(from), Timestamp(to));
        assert_eq!(store.uptime(Timestamp(0)).await.unwrap(), [at(10, 40), at(60, 61)]);
        assert_eq!(store.uptime(Timestamp(40)).await.unwrap(), [at(60, 61)]);
        assert_eq!(store.first_up().await.unwrap(), Some(Timestamp(10)));
    }

    #[tokio::test]
    async fn what_is_over_is_told_for_a_time() {
        let (_dir, store) = store();
        let mut one = Announcement {
            id: "inc_1".into(),
            kind: "incident".into(),
            since: Timestamp(5),
            until: None,
            resolved: None,
            body: "{}".into(),
        };
        assert!(store.announce_status(one.clone(), entry(Kind::StatusAnnounced)).await.unwrap());
        let other = Announcement { body: "{\"title\":\"Another\"}".into(), ..one.clone() };
        assert!(!store.announce_status(other, entry(Kind::StatusAnnounced)).await.unwrap(), "its id is taken");
        assert_eq!(store.announcements(Timestamp(1_000)).await.unwrap(), [one.clone()]);
        one.resolved = Some(Timestamp(50));
        assert!(store.resolve_status(one.clone(), entry(Kind::StatusAnnounced)).await.unwrap());
        let later = Announcement { resolved: Some(Timestamp(60)), ..one.clone() };
        assert!(!store.resolve_status(later, entry(Kind::StatusAnnounced)).await.unwrap(), "it is over already");
        assert_eq!(store.announcements(Timestamp(49)).await.unwrap(), [one]);
        assert_eq!(store.announcements(Timestamp(50)).await.unwrap(), []);
        assert_eq!(store.entry_count().await.unwrap(), 2);
    }
}

//! A copy of a database as it was at one moment, while others go on writing to it; and whether a database is whole.
//!
//! Invariants: a copy has what was committed before it began, and nothing of what came after; nobody who writes waits for it; its
//! memory is a few hundred pages, whatever the database's size.

use std::path::Path;

use portcullis_model::error::StoreError;
use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};

use crate::db::{Outcome, connect, failed};

/// Pages that are copied at a time.
const PAGES: i32 = 256;
/// The most problems that are told of.
const MOST: usize = 20;

/// A database as of the moment at which this was made.
pub struct Snapshot {
    conn: Connection,
}

impl Snapshot {
    /// Holds on to the present moment. As long as this lives, what others write stays in the file of recent changes.
    ///
    /// # Errors
    /// The file is no database, or cannot be read.
    pub fn begin(file: &Path) -> Outcome<Self> {
        let conn = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // The moment is that of the first read, not of BEGIN.
        conn.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;").map_err(failed)?;
        Ok(Self { conn })
    }

    /// How far the views of the published log were, and how many entries there were.
    pub fn log(&self) -> Outcome<(u64, u64)> {
        let sql = "SELECT (SELECT advanced FROM log_state), (SELECT coalesce(max(idx) + 1, 0) FROM audit)";
        self.conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)
    }

    /// The number of the schema.
    pub fn schema(&self) -> Outcome<u64> {
        self.conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)
    }

    /// Writes it to a file that is not there yet, for as long as it may go on.
    ///
    /// # Errors
    /// The file cannot be written, the disk is full for one, or it may not go on; then what was written of it is to be removed.
    pub fn write_to(&self, to: &Path, go_on: impl Fn() -> bool) -> Outcome<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut copy = connect(to, flags)?;
        // A copy that is not finished is thrown away: it needs no journal, and no fsync of its own.
        copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;").map_err(failed)?;
        let backup = Backup::new(&self.conn, &mut copy).map_err(failed)?;
        loop {
            if !go_on() {
                return Err(StoreError("it was told to stop".into()));
            }
            match backup.step(PAGES).map_err(failed)? {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                // The moment is held, and nobody else knows of the copy: neither can happen.
                _ => return Err(StoreError("the copy of the database was locked by somebody else".into())),
            }
        }
    }
}

/// What is wrong with a database: its pages, its indices and its references. Nothing, where it is whole. `quick` leaves out
/// whether each index has each row.
///
/// # Errors
/// It cannot be read at all.
pub fn problems(file: &Path, quick: bool) -> Outcome<Vec<String>> {
    let conn = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let sql = if quick { "PRAGMA quick_check(20)" } else { "PRAGMA integrity_check(20)" };
    let mut found: Vec<String> = texts(&conn, sql)?;
    found.retain(|line| line != "ok");
    if !quick {
        let of = "SELECT 'a row of ' || \"table\" || ' names one of ' || parent || ' that is not there'
                  FROM pragma_foreign_key_check LIMIT 20";
        found.extend(texts(&conn, of)?);
    }
    found.truncate(MOST);
    Ok(found)
}

fn texts(conn: &Connection, sql: &str) -> Outcome<Vec<String>> {
    let mut statement = conn.prepare(sql).map_err(failed)?;
    let rows = statement.query_map([], |row| row.get(0)).and_then(Iterator::collect);
    rows.map_err(failed)
}

#[cfg(test)]
mod tests {
    use portcullis_model::audit::{Kind, Recorder as _};

    use super::*;
    use crate::testing::{entry, store};

    #[tokio::test]
    async fn a_snapshot_has_what_was_there_when_it_began_whatever_comes_while_it_is_copied() {
        let (dir, store) = store();
        store.record(vec![entry(Kind::HostStarted); 300]).await.unwrap();
        let snapshot = Snapshot::begin(&dir.path().join("host.db")).unwrap();
        store.record(vec![entry(Kind::HostStopped); 300]).await.unwrap();
        assert_eq!(snapshot.log().unwrap().1, 300);
        let copy = dir.path().join("copy.db");
        snapshot.write_to(&copy, || true).unwrap();
        store.record(vec![entry(Kind::HostStopped)]).await.unwrap();
        drop(snapshot);
        assert_eq!(problems(&copy, false).unwrap(), [""; 0]);
        let copied = crate::SqliteStore::open(&copy).unwrap();
        assert_eq!(copied.entry_count().await.unwrap(), 300);
        assert_eq!(store.entry_count().await.unwrap(), 601);
    }

    #[tokio::test]
    async fn a_page_that_was_overwritten_is_found() {
        use std::io::{Seek as _, SeekFrom, Write as _};
        let (dir, store) = store();
        store.record(vec![entry(Kind::HostStarted); 3_000]).await.unwrap();
        let copy = dir.path().join("copy.db");
        Snapshot::begin(&dir.path().join("host.db")).unwrap().write_to(&copy, || true).unwrap();
        let length = std::fs::metadata(&copy).unwrap().len();
        let mut file = std::fs::File::options().write(true).open(&copy).unwrap();
        file.seek(SeekFrom::Start(length / 2 / 4096 * 4096)).unwrap();
        file.write_all(&[0xa5; 4096]).unwrap();
        drop(file);
        for quick in [true, false] {
            assert!(!problems(&copy, quick).is_ok_and(|found| found.is_empty()), "quick: {quick}");
        }
        std::fs::write(dir.path().join("none.db"), b"no database at all, however long this text may be").unwrap();
        assert!(problems(&dir.path().join("none.db"), true).is_err());
    }
}

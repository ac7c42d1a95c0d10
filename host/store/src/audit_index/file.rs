//! The index's own file, and one chunk of it at a time.
//!
//! Invariants: `next` moves in the transaction that adds what it moves past; what is taken out of the file is overwritten.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
    time::Duration,
};

use crate::StoredEntry;
use portcullis_model::{
    audit::query::{Field, Pattern},
    error::StoreError,
    time::Timestamp,
};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params};

use super::{
    bits::{Bits, CHUNK},
    source,
};

/// What the tables and terms of this version are called. Another's are made anew.
const VERSION: i64 = 1;

/// How long a change waits for another's.
const BUSY: Duration = Duration::from_secs(60);
/// How long it is waited for readers before what was forgotten is said to be left.
const WIPE: Duration = Duration::from_secs(2);
/// So many values are looked up one by one; of more, all of a chunk's are read.
const FEW: usize = 64;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS postings (chunk INTEGER, field INTEGER, value TEXT, bits BLOB NOT NULL,
  PRIMARY KEY (chunk, field, value)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS chunks (chunk INTEGER PRIMARY KEY, earliest INTEGER NOT NULL, latest INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS moments (idx INTEGER PRIMARY KEY, time INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), next INTEGER NOT NULL, time INTEGER NOT NULL,
  kind TEXT NOT NULL) STRICT;
";

/// Why the index could not be used.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is damaged, or of another log: it is to be made anew.
    Unfit(String),
    /// Something else.
    Store(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let unfit = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase];
        match error.sqlite_error_code() {
            Some(code) if unfit.contains(&code) => Self::Unfit(error.to_string()),
            _ => Self::Store(StoreError(format!("the index of the audit log: {error}"))),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(super) type Try<T> = Result<T, Fault>;

/// Up to where an index goes: the next entry, and time and kind of the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub next: u64,
    pub last: Option<(i64, String)>,
}

/// An open index.
pub(super) struct File(Connection);

/// Takes the file away, with what lies beside it.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        match fs::remove_file(Path::new(&name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

impl File {
    /// Opens it, or makes it. It can be made anew at any time, so nothing waits until it is durable.
    pub fn open(path: &Path) -> Try<Self> {
        let conn = Connection::open(path)?;
        conn.busy_timeout(BUSY)?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON; PRAGMA cache_size = -32768;",
        )?;
        let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == 0 {
            conn.execute_batch(SCHEMA)?;
            conn.pragma_update(None, "user_version", VERSION)?;
        } else if version != VERSION {
            return Err(Fault::Unfit(format!("it is of version {version}")));
        }
        Ok(Self(conn))
    }

    pub fn state(&self) -> Try<State> {
        let mut query = self.0.prepare_cached("SELECT next, time, kind FROM state")?;
        let found = query.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
        Ok(found.map_or(State { next: 0, last: None }, |(next, time, kind)| State { next, last: Some((time, kind)) }))
    }

    /// Runs a change in one transaction.
    pub fn change<T>(&self, work: impl FnOnce() -> Try<T>) -> Try<T> {
        self.0.execute_batch("BEGIN IMMEDIATE")?;
        let done = work().and_then(|value| Ok(self.0.execute_batch("COMMIT").map(|()| value)?));
        if done.is_err() && !self.0.is_autocommit() {
            drop(self.0.execute_batch("ROLLBACK"));
        }
        done
    }

    /// Adds entries of one chunk, none of which it has.
    pub fn add(&self, rows: &[StoredEntry]) -> Try<()> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
        let chunk = first.index / CHUNK;
        let mut found = BTreeMap::<(u8, String), Bits>::new();
        let mut moment = self.0.prepare_cached("INSERT OR REPLACE INTO moments (idx, time) VALUES (?1, ?2)")?;
        for row in rows {
            moment.execute(params![row.index, row.time.0])?;
            for (field, value) in source::terms(row).iter() {
                found.entry((field.number(), value.to_owned())).or_insert(Bits::NONE).set(row.index % CHUNK);
            }
        }
        let begun = first.index % CHUNK != 0;
        let mut put = self
            .0
            .prepare_cached("INSERT OR REPLACE INTO postings (chunk, field, value, bits) VALUES (?1, ?2, ?3, ?4)")?;
        for ((field, value), mut bits) in found {
            if begun && let Some(before) = self.posting(chunk, field, &value)? {
                bits.or(&before);
            }
            put.execute(params![chunk, field, value, bits.encode()])?;
        }
        let times = || rows.iter().map(|row| row.time.0);
        let mut span = self.0.prepare_cached(
            "INSERT INTO chunks (chunk, earliest, latest) VALUES (?1, ?2, ?3) ON CONFLICT (chunk) DO UPDATE
             SET earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)",
        )?;
        span.execute(params![chunk, times().min(), times().max()])?;
        self.restore(&State { next: last.index + 1, last: Some((last.time.0, last.kind.clone())) })
    }

    /// Says how far it goes.
    pub fn restore(&self, state: &State) -> Try<()> {
        let Some((time, kind)) = &state.last else { return Ok(()) };
        self.0
            .prepare_cached("INSERT OR REPLACE INTO state (one, next, time, kind) VALUES (1, ?1, ?2, ?3)")?
            .execute(params![state.next, time, kind])?;
        Ok(())
    }

    /// Forgets all terms of a chunk's entries.
    pub fn forget(&self, chunk: u64) -> Try<()> {
        self.0.prepare_cached("DELETE FROM postings WHERE chunk = ?1")?.execute([chunk])?;
        Ok(())
    }

    /// Forgets everything.
    pub fn clear(&self) -> Try<()> {
        Ok(self.0.execute_batch("DELETE FROM postings; DELETE FROM chunks; DELETE FROM moments; DELETE FROM state;")?)
    }

    /// Leaves nothing of what was forgotten beside the file. False where somebody was reading it for too long.
    pub fn wipe(&self) -> Try<bool> {
        self.0.busy_timeout(WIPE)?;
        let busy: Result<i64, _> = self.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        self.0.busy_timeout(BUSY)?;
        Ok(busy? == 0)
    }

    fn posting(&self, chunk: u64, field: u8, value: &str) -> Try<Option<Bits>> {
        let mut query =
            self.0.prepare_cached("SELECT bits FROM postings WHERE chunk = ?1 AND field = ?2 AND value = ?3")?;
        let found: Option<Vec<u8>> = query.query_row(params![chunk, field, value], |row| row.get(0)).optional()?;
        found.map(|bytes| decode(&bytes)).transpose()
    }

    /// Which entries of a chunk have what is meant.
    pub fn having(&self, chunk: u64, field: Field, pattern: &Pattern) -> Try<Bits> {
        let field = field.number();
        if !pattern.open {
            return Ok(self.posting(chunk, field, &pattern.text)?.unwrap_or(Bits::NONE));
        }
        let mut query = self.0.prepare_cached(
            "SELECT bits FROM postings WHERE chunk = ?1 AND field = ?2 AND value >= ?3 AND value < ?4",
        )?;
        let mut rows = query.query(params![chunk, field, pattern.text, format!("{}\u{10ffff}", pattern.text)])?;
        let mut all = Bits::NONE;
        while let Some(row) = rows.next()? {
            all.or(&decode(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?);
        }
        Ok(all)
    }

    /// Which entries of a chunk have each of these values; those that none has are left out.
    pub fn among(&self, chunk: u64, field: Field, values: &BTreeSet<&str>) -> Try<Vec<(String, Bits)>> {
        let (field, mut found) = (field.number(), Vec::new());
        if values.len() <= FEW {
            for value in values {
                found.extend(self.posting(chunk, field, value)?.map(|bits| ((*value).to_owned(), bits)));
            }
            return Ok(found);
        }
        let mut query = self.0.prepare_cached("SELECT value, bits FROM postings WHERE chunk = ?1 AND field = ?2")?;
        let mut rows = query.query(params![chunk, field])?;
        while let Some(row) = rows.next()? {
            let value = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            if values.contains(value) {
                let bits = decode(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
                found.push((value.to_owned(), bits));
            }
        }
        Ok(found)
    }

    /// Which entries of a chunk have each value of a field that begins so.
    pub fn beginning(&self, chunk: u64, field: Field, begins: &str) -> Try<Vec<(String, Bits)>> {
        let mut query = self.0.prepare_cached(
            "SELECT value, bits FROM postings WHERE chunk = ?1 AND field = ?2 AND value >= ?3 AND value < ?4",
        )?;
        let mut rows = query.query(params![chunk, field.number(), begins, format!("{begins}\u{10ffff}")])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push((row.get(0)?, decode(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?));
        }
        Ok(found)
    }

    /// From when to when the entries of a chunk are; none where it has none.
    pub fn span(&self, chunk: u64) -> Try<Option<(Timestamp, Timestamp)>> {
        let mut query = self.0.prepare_cached("SELECT earliest, latest FROM chunks WHERE chunk = ?1")?;
        Ok(query.query_row([chunk], |row| Ok((Timestamp(row.get(0)?), Timestamp(row.get(1)?)))).optional()?)
    }

    /// The time of an entry that it has.
    pub fn moment(&self, index: u64) -> Try<Timestamp> {
        let mut query = self.0.prepare_cached("SELECT time FROM moments WHERE idx = ?1")?;
        let found = query.query_row([index], |row| row.get(0)).optional()?;
        found.map(Timestamp).ok_or_else(|| Fault::Unfit(format!("entry {index} has no time")))
    }

    /// Which entries of a chunk are of this span; all, where it has no ends.
    pub fn within(&self, chunk: u64, since: Option<Timestamp>, until: Option<Timestamp>) -> Try<Bits> {
        let all = Bits::range(0, CHUNK);
        if since.is_none() && until.is_none() {
            return Ok(all);
        }
        let (since, until) = (since.map_or(i64::MIN, |time| time.0), until.map_or(i64::MAX, |time| time.0));
        let mut query = self.0.prepare_cached("SELECT earliest, latest FROM chunks WHERE chunk = ?1")?;
        let span: Option<(i64, i64)> = query.query_row([chunk], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match span {
            Some((earliest, latest)) if earliest >= since && latest < until => return Ok(all),
            Some((earliest, latest)) if latest < since || earliest >= until => return Ok(Bits::NONE),
            Some(_) => {}
            None => return Ok(Bits::NONE),
        }
        let mut query = self
            .0
            .prepare_cached("SELECT idx FROM moments WHERE idx >= ?1 AND idx < ?2 AND time >= ?3 AND time < ?4")?;
        let mut rows = query.query(params![chunk * CHUNK, (chunk + 1) * CHUNK, since, until])?;
        let mut bits = Bits::NONE;
        while let Some(row) = rows.next()? {
            bits.set(row.get::<_, u64>(0)? % CHUNK);
        }
        Ok(bits)
    }
}

fn decode(bytes: &[u8]) -> Try<Bits> {
    Bits::decode(bytes).ok_or_else(|| Fault::Unfit("a set of entries cannot be read".into()))
}

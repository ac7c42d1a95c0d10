//! What the index is made from: the rows of the log.

use portcullis_model::{
    audit::{Entry, Openings, SealedError, query::Terms, reader::Shown},
    error::StoreError,
    time::Timestamp,
};
use rusqlite::{Connection, Row, params};

use crate::db::{Outcome, failed};

/// Kinds of entries that take something away from earlier ones.
const TAKES_AWAY: [&str; 2] = ["audit.erased", "audit.disposed"];

/// An entry with what is left of its openings.
pub(super) struct Source {
    pub index: u64,
    pub time: Timestamp,
    pub kind: String,
    tenant: Option<String>,
    body: Vec<u8>,
    openings: Openings,
}

impl Source {
    /// Whether it says that something was erased or disposed of.
    pub fn takes_away(&self) -> bool {
        TAKES_AWAY.contains(&self.kind.as_str())
    }

    /// What it can be found by.
    pub fn terms(&self) -> Terms {
        match self.read() {
            Ok(entry) => Terms::of(&entry),
            Err(_) => Terms::of_unreadable(&self.kind, self.tenant.as_deref()),
        }
    }

    /// As people see it.
    pub fn show(self) -> Shown {
        let (entry, fault) = match self.read() {
            Ok(entry) => (Some(entry), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let Self { index, body, openings, .. } = self;
        Shown { index, entry, fault, body: String::from_utf8(body).ok(), openings: openings.open, leaf: None }
    }

    fn read(&self) -> Result<Entry, SealedError> {
        Entry::open(&self.body, &self.openings)
    }
}

const COLUMNS: &str = "SELECT idx, time, kind, tenant, body FROM audit";

fn row(row: &Row<'_>) -> rusqlite::Result<Source> {
    Ok(Source {
        index: row.get(0)?,
        time: Timestamp(row.get(1)?),
        kind: row.get(2)?,
        tenant: row.get(3)?,
        body: row.get(4)?,
        openings: Openings::default(),
    })
}

/// How many there are.
pub(super) fn count(conn: &Connection) -> Outcome<u64> {
    conn.query_row("SELECT coalesce(max(idx) + 1, 0) FROM audit", [], |row| row.get(0)).map_err(failed)
}

/// Up to `most` from an index on, in order. An error where one is missing.
pub(super) fn from(conn: &Connection, from: u64, most: u64) -> Outcome<Vec<Source>> {
    let mut query = conn.prepare_cached(&format!("{COLUMNS} WHERE idx >= ?1 ORDER BY idx LIMIT ?2")).map_err(failed)?;
    let rows: Vec<Source> = query.query_map(params![from, most], row).and_then(Iterator::collect).map_err(failed)?;
    match rows.iter().zip(from..).find(|(row, expected)| row.index != *expected) {
        Some((_, missing)) => Err(StoreError(format!("audit entry {missing} is missing from the database"))),
        None => Ok(rows),
    }
}

/// Those with these indices, in the order of these.
pub(super) fn at(conn: &Connection, indices: &[u64]) -> Outcome<Vec<Source>> {
    let mut query = conn.prepare_cached(&format!("{COLUMNS} WHERE idx = ?1")).map_err(failed)?;
    indices.iter().map(|index| query.query_row([index], row).map_err(failed)).collect()
}

/// Time and kind of one, where it is there: neither ever changes.
pub(super) fn mark(conn: &Connection, index: u64) -> Outcome<Option<(i64, String)>> {
    use rusqlite::OptionalExtension as _;
    conn.prepare_cached("SELECT time, kind FROM audit WHERE idx = ?1")
        .and_then(|mut query| query.query_row([index], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(failed)
}

/// From which entries something was taken away by these, as indices of entries, one a chunk at least.
pub(super) fn taken_from(conn: &Connection, by: &[u64]) -> Outcome<Vec<u64>> {
    let mut found = Vec::new();
    for sql in
        ["SELECT DISTINCT idx FROM audit_openings WHERE erased = ?1", "SELECT idx FROM audit WHERE disposed = ?1"]
    {
        let mut query = conn.prepare_cached(sql).map_err(failed)?;
        for index in by {
            let rows = query.query_map([index], |row| row.get::<_, u64>(0));
            found.extend(rows.and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?);
        }
    }
    Ok(found)
}

//! What the index is made from: the rows of the log.

use portcullis_model::audit::{query::Terms, reader::Shown};
use rusqlite::{Connection, OptionalExtension as _};

use crate::{
    audit::{COLUMNS, StoredEntry, from as entries_from, select},
    db::{Outcome, failed},
};

/// Kinds of entries that take something away from earlier ones.
const TAKES_AWAY: [&str; 2] = ["audit.erased", "audit.disposed"];

/// Whether an entry says that something was erased or disposed of.
pub(super) fn takes_away(stored: &StoredEntry) -> bool {
    TAKES_AWAY.contains(&stored.kind.as_str())
}

/// What an entry can be found by.
pub(super) fn terms(stored: &StoredEntry) -> Terms {
    match stored.read() {
        Ok(entry) => Terms::of(&entry),
        Err(_) => Terms::of_unreadable(&stored.kind, stored.tenant.as_deref()),
    }
}

/// An entry as people see it.
pub(super) fn show(stored: StoredEntry) -> Shown {
    let (entry, fault) = match stored.read() {
        Ok(entry) => (Some(entry), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let StoredEntry { index, body, openings, erased, disposed, .. } = stored;
    let body = String::from_utf8(body).ok().filter(|_| disposed.is_none());
    Shown { index, entry, fault, body, openings: openings.open, erased, disposed, leaf: None }
}

/// How many there are.
pub(super) fn count(conn: &Connection) -> Outcome<u64> {
    conn.query_row("SELECT coalesce(max(idx) + 1, 0) FROM audit", [], |row| row.get(0)).map_err(failed)
}

/// Up to `most` from an index on, in order. An error where one is missing.
pub(super) fn from(conn: &Connection, from: u64, most: u64) -> Outcome<Vec<StoredEntry>> {
    entries_from(conn, from, usize::try_from(most).unwrap_or(usize::MAX))
}

/// Those with these indices, in the order of these.
pub(super) fn at(conn: &Connection, indices: &[u64]) -> Outcome<Vec<StoredEntry>> {
    let sql = format!("SELECT {COLUMNS} FROM audit a WHERE idx = ?1");
    let mut found = Vec::with_capacity(indices.len());
    for index in indices {
        found.extend(select(conn, &sql, [index])?);
    }
    Ok(found)
}

/// Time and kind of one, where it is there: neither ever changes.
pub(super) fn mark(conn: &Connection, index: u64) -> Outcome<Option<(i64, String)>> {
    conn.prepare_cached("SELECT time, kind FROM audit WHERE idx = ?1")
        .and_then(|mut query| query.query_row([index], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(failed)
}

/// The entries that something was taken from by these.
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

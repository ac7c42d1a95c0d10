//! Entries as they lie in the store, and how they are read with what is left of their openings.

use std::collections::BTreeMap;

use portcullis_model::{
    audit::{Entry, Opening, Openings, SealedError},
    error::StoreError,
    time::Timestamp,
};
use rusqlite::{Connection, Params, Row, params};

use crate::db::{Outcome, corrupt, failed};

/// What [`select`] wants to be selected, of `audit` under the name `a`.
pub(crate) const COLUMNS: &str = "a.idx, a.time, a.kind, a.tenant, a.body, a.disposed";

/// An entry as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its index in the log, from 0.
    pub index: u64,
    /// When it was written, by the host's clock.
    pub time: Timestamp,
    /// The name of its kind.
    pub kind: String,
    /// In whose data, as its body says.
    pub tenant: Option<String>,
    /// The bytes that are hashed. Empty where the entry was disposed of.
    pub body: Vec<u8>,
    /// What is left of what its commitments commit to.
    pub openings: Openings,
    /// By which entries what is not left was erased: index by field.
    pub erased: BTreeMap<String, u64>,
    /// Which entry says that this one was disposed of.
    pub disposed: Option<u64>,
}

impl StoredEntry {
    /// Reads the entry, with its personal values where they are left.
    pub fn read(&self) -> Result<Entry, SealedError> {
        match self.disposed {
            Some(by) => Err(SealedError::Disposed(by)),
            None => Entry::open(&self.body, &self.openings),
        }
    }
}

/// The entries that a query gives, which selects [`COLUMNS`].
pub(crate) fn select(conn: &Connection, sql: &str, params: impl Params) -> Outcome<Vec<StoredEntry>> {
    let mut query = conn.prepare_cached(sql).map_err(failed)?;
    let rows = query.query_map(params, bare).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut rows = rows.map_err(failed)?;
    let mut lacking = conn.prepare_cached(&format!("{OPENINGS} idx = ?1")).map_err(failed)?;
    for stored in &mut rows {
        let mut openings = lacking.query([stored.index]).map_err(failed)?;
        while let Some(row) = openings.next().map_err(failed)? {
            put(stored, row)?;
        }
    }
    Ok(rows)
}

/// Up to `most` entries from an index on. An error where one is missing.
pub(crate) fn from(conn: &Connection, from: u64, most: usize) -> Outcome<Vec<StoredEntry>> {
    let mut query = conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM audit a WHERE idx >= ?1 ORDER BY idx LIMIT ?2"))
        .map_err(failed)?;
    let rows = query.query_map(params![from, most], bare).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut rows = rows.map_err(failed)?;
    if let Some((_, missing)) = rows.iter().zip(from..).find(|(row, expected)| row.index != *expected) {
        return Err(StoreError(format!("audit entry {missing} is missing from the database")));
    }
    let Some(last) = rows.last().map(|row| row.index) else { return Ok(rows) };
    let mut query = conn.prepare_cached(&format!("{OPENINGS} idx BETWEEN ?1 AND ?2 ORDER BY idx")).map_err(failed)?;
    let mut openings = query.query(params![from, last]).map_err(failed)?;
    while let Some(row) = openings.next().map_err(failed)? {
        let index: u64 = row.get(0).map_err(failed)?;
        if let Some(stored) = usize::try_from(index - from).ok().and_then(|place| rows.get_mut(place)) {
            put(stored, row)?;
        }
    }
    Ok(rows)
}

const OPENINGS: &str = "SELECT idx, field, salt, value, erased FROM audit_openings WHERE";

fn bare(row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
    Ok(StoredEntry {
        index: row.get(0)?,
        time: Timestamp(row.get(1)?),
        kind: row.get(2)?,
        tenant: row.get(3)?,
        body: row.get(4)?,
        disposed: row.get(5)?,
        openings: Openings::default(),
        erased: BTreeMap::new(),
    })
}

fn put(stored: &mut StoredEntry, row: &Row<'_>) -> Outcome<()> {
    let field: String = row.get(1).map_err(failed)?;
    if let Some(by) = row.get(4).map_err(failed)? {
        stored.openings.erased.push(field.clone());
        stored.erased.insert(field, by);
        return Ok(());
    }
    let salt: Vec<u8> = row.get(2).map_err(failed)?;
    let salt = salt.try_into().map_err(|_| corrupt("a salt of another length"))?;
    stored.openings.open.push(Opening { field, salt, value: row.get(3).map_err(failed)? });
    Ok(())
}

//! Slots and generations: to and from their tables.

use std::collections::BTreeMap;

use portcullis_model::{
    secret::{Head, SealedSecret, Slot, SlotRows},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::installation;
use crate::db::{Outcome, corrupt, failed};

const COLUMNS: &str =
    "g.tenant, g.installation, g.name, g.generation, g.place, g.origin, g.issued, g.expires, g.data_key, g.sealed";
const HEAD: &str = "generation, standing, claimant, unknown";

/// Runs queries on one and the same state of the database.
pub(super) fn snapshot<T>(conn: &Connection, query: impl FnOnce(&Connection) -> Outcome<T>) -> Outcome<T> {
    let transaction = conn.unchecked_transaction().map_err(failed)?;
    let result = query(&transaction);
    transaction.finish().map_err(failed)?;
    result
}

fn generation(row: &Row<'_>) -> Outcome<SealedSecret> {
    let text = |i| row.get::<_, String>(i).map_err(failed);
    let installation = text(1)?;
    Ok(SealedSecret {
        tenant: text(0)?.parse().map_err(corrupt)?,
        installation: match installation.as_str() {
            "" => None,
            id => Some(id.parse().map_err(corrupt)?),
        },
        name: text(2)?,
        generation: row.get(3).map_err(failed)?,
        place: text(4)?,
        origin: text(5)?,
        issued: Timestamp(row.get(6).map_err(failed)?),
        expires: row.get::<_, Option<i64>>(7).map_err(failed)?.map(Timestamp),
        data_key: row.get(8).map_err(failed)?,
        sealed: row.get(9).map_err(failed)?,
    })
}

fn head_at(row: &Row<'_>, first: usize) -> Outcome<Head> {
    let standing: String = row.get(first + 1).map_err(failed)?;
    Ok(Head {
        generation: row.get(first).map_err(failed)?,
        standing: serde_json::from_str(&standing).map_err(corrupt)?,
        claimant: row.get(first + 2).map_err(failed)?,
        unknown: row.get(first + 3).map_err(failed)?,
    })
}

pub(super) fn head(conn: &Connection, slot: &Slot) -> Outcome<Option<Head>> {
    let sql = format!("SELECT {HEAD} FROM secrets WHERE tenant = ?1 AND installation = ?2 AND name = ?3");
    let mut query = conn.prepare_cached(&sql).map_err(failed)?;
    let whose = params![slot.tenant.as_str(), installation(slot), slot.name];
    query.query_row(whose, |row| Ok(head_at(row, 0))).optional().map_err(failed)?.transpose()
}

pub(super) fn write_head(conn: &Connection, slot: &Slot, head: &Head) -> Outcome<()> {
    let standing = serde_json::to_value(&head.standing).map_err(corrupt)?;
    let state = standing.get("state").and_then(serde_json::Value::as_str).unwrap_or_default();
    conn.prepare_cached(
        "INSERT INTO secrets (tenant, installation, name, generation, state, standing, claimant, unknown)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (tenant, installation, name) DO UPDATE SET generation = excluded.generation, state = excluded.state,
         standing = excluded.standing, claimant = excluded.claimant, unknown = excluded.unknown",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            slot.tenant.as_str(),
            installation(slot),
            slot.name,
            head.generation,
            state,
            standing.to_string(),
            head.claimant,
            head.unknown
        ])
    })
    .map(drop)
    .map_err(failed)
}

pub(super) fn insert(conn: &Connection, row: &SealedSecret) -> Outcome<()> {
    let slot = row.slot();
    conn.prepare_cached(
        "INSERT INTO secret_generations
         (tenant, installation, name, generation, place, origin, issued, expires, data_key, sealed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            slot.tenant.as_str(),
            installation(&slot),
            slot.name,
            row.generation,
            row.place,
            row.origin,
            row.issued.0,
            row.expires.map(|at| at.0),
            row.data_key,
            row.sealed
        ])
    })
    .map(drop)
    .map_err(failed)
}

pub(super) fn reseal(conn: &Connection, old: &SealedSecret, new: &SealedSecret) -> Outcome<bool> {
    let slot = old.slot();
    conn.prepare_cached(
        "UPDATE secret_generations SET data_key = ?5, sealed = ?6
         WHERE tenant = ?1 AND installation = ?2 AND name = ?3 AND generation = ?4 AND data_key = ?7 AND sealed = ?8",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            slot.tenant.as_str(),
            installation(&slot),
            slot.name,
            old.generation,
            new.data_key,
            new.sealed,
            old.data_key,
            old.sealed
        ])
    })
    .map(|rows| rows == 1)
    .map_err(failed)
}

pub(super) fn revision(conn: &Connection) -> Outcome<u64> {
    let mut query = conn.prepare_cached("SELECT value FROM secrets_revision").map_err(failed)?;
    query.query_row([], |row| row.get(0)).map_err(failed)
}

pub(super) fn current(conn: &Connection) -> Outcome<Vec<SealedSecret>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM secrets s JOIN secret_generations g USING (tenant, installation, name, generation)
         ORDER BY g.tenant, g.installation, g.name"
    );
    let mut query = conn.prepare_cached(&sql).map_err(failed)?;
    let mut rows = query.query([]).map_err(failed)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        all.push(generation(row)?);
    }
    Ok(all)
}

pub(super) fn one(conn: &Connection, slot: &Slot) -> Outcome<Option<SlotRows>> {
    let Some(head) = head(conn, slot)? else { return Ok(None) };
    let sql = format!(
        "SELECT {COLUMNS} FROM secret_generations g
         WHERE g.tenant = ?1 AND g.installation = ?2 AND g.name = ?3 ORDER BY g.generation"
    );
    let mut query = conn.prepare_cached(&sql).map_err(failed)?;
    let whose = params![slot.tenant.as_str(), installation(slot), slot.name];
    let mut rows = query.query(whose).map_err(failed)?;
    let mut generations = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        generations.push(generation(row)?);
    }
    Ok(Some(SlotRows { head, generations }))
}

pub(super) fn all(conn: &Connection) -> Outcome<Vec<SlotRows>> {
    let sql = format!(
        "SELECT {COLUMNS}, s.generation, s.standing, s.claimant, s.unknown
         FROM secrets s JOIN secret_generations g USING (tenant, installation, name)
         ORDER BY g.tenant, g.installation, g.name, g.generation"
    );
    let mut query = conn.prepare_cached(&sql).map_err(failed)?;
    let mut rows = query.query([]).map_err(failed)?;
    let mut slots: BTreeMap<Slot, SlotRows> = BTreeMap::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let (one, head) = (generation(row)?, head_at(row, 10)?);
        slots.entry(one.slot()).or_insert_with(|| SlotRows { head, generations: Vec::new() }).generations.push(one);
    }
    Ok(slots.into_values().collect())
}

//! Data keys, wrapped, and the names of what they are wrapped by.

use portcullis_model::{
    audit::Entry,
    id::TenantId,
    secret::{Swap, WrappedKey},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    audit::append,
    db::{Outcome, Writing, corrupt, failed},
};

/// The number of a tenant's current data key.
pub(super) fn current(conn: &Connection, tenant: &TenantId) -> Outcome<Option<u64>> {
    conn.prepare_cached("SELECT number FROM data_keys WHERE tenant = ?1 AND current = 1")
        .and_then(|mut query| query.query_row([tenant.as_str()], |row| row.get(0)).optional())
        .map_err(failed)
}

/// The name of the current key-encryption key.
fn wrapping_now(conn: &Connection) -> Outcome<Option<String>> {
    conn.query_row("SELECT name FROM wrapping_keys WHERE current = 1", [], |row| row.get(0)).optional().map_err(failed)
}

pub(super) fn all(conn: &Connection) -> Outcome<Vec<WrappedKey>> {
    let sql = "SELECT tenant, number, wrapped_by, wrapped, made, current FROM data_keys ORDER BY tenant, number";
    let mut query = conn.prepare_cached(sql).map_err(failed)?;
    let mut rows = query.query([]).map_err(failed)?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        keys.push(WrappedKey {
            tenant: row.get::<_, String>(0).map_err(failed)?.parse().map_err(corrupt)?,
            number: row.get(1).map_err(failed)?,
            wrapped_by: row.get(2).map_err(failed)?,
            wrapped: row.get(3).map_err(failed)?,
            made: Timestamp(row.get(4).map_err(failed)?),
            current: row.get(5).map_err(failed)?,
        });
    }
    Ok(keys)
}

pub(super) fn add(conn: &Writing, key: &WrappedKey, expected: Option<u64>, entry: &Entry) -> Outcome<Swap> {
    if current(conn, &key.tenant)? != expected {
        return Ok(Swap::Stale);
    }
    if wrapping_now(conn)?.as_ref() != Some(&key.wrapped_by) {
        return Ok(Swap::OtherKey);
    }
    let tenant = key.tenant.as_str();
    conn.execute("UPDATE data_keys SET current = 0 WHERE tenant = ?1", [tenant]).map_err(failed)?;
    conn.execute(
        "INSERT INTO data_keys (tenant, number, wrapped_by, wrapped, made, current) VALUES (?1, ?2, ?3, ?4, ?5, 1)",
        params![tenant, key.number, key.wrapped_by, key.wrapped, key.made.0],
    )
    .map_err(failed)?;
    append(conn, entry)?;
    Ok(Swap::Done)
}

pub(super) fn rewrap(conn: &Connection, old: &WrappedKey, new: &WrappedKey) -> Outcome<Swap> {
    if wrapping_now(conn)?.as_ref() != Some(&new.wrapped_by) {
        return Ok(Swap::OtherKey);
    }
    let rows = conn
        .execute(
            "UPDATE data_keys SET wrapped_by = ?3, wrapped = ?4
             WHERE tenant = ?1 AND number = ?2 AND wrapped_by = ?5 AND wrapped = ?6",
            params![old.tenant.as_str(), old.number, new.wrapped_by, new.wrapped, old.wrapped_by, old.wrapped],
        )
        .map_err(failed)?;
    Ok(if rows == 1 { Swap::Done } else { Swap::Stale })
}

pub(super) fn drop_one(conn: &Writing, tenant: &TenantId, number: u64, entry: &Entry) -> Outcome<bool> {
    let rows = conn
        .execute(
            "DELETE FROM data_keys WHERE tenant = ?1 AND number = ?2 AND current = 0
             AND NOT EXISTS (SELECT 1 FROM secret_generations WHERE tenant = ?1 AND data_key = ?2)",
            params![tenant.as_str(), number],
        )
        .map_err(failed)?;
    if rows == 1 {
        append(conn, entry)?;
    }
    Ok(rows == 1)
}

pub(super) fn wrapping(conn: &Connection) -> Outcome<Vec<String>> {
    let mut query =
        conn.prepare_cached("SELECT name FROM wrapping_keys ORDER BY current DESC, name").map_err(failed)?;
    query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)
}

pub(super) fn set_wrapping(conn: &Writing, name: &str, expected: Option<&str>, entry: Option<&Entry>) -> Outcome<bool> {
    if wrapping_now(conn)?.as_deref() != expected {
        return Ok(false);
    }
    conn.execute("UPDATE wrapping_keys SET current = 0", []).map_err(failed)?;
    let sql = "INSERT INTO wrapping_keys VALUES (?1, 1) ON CONFLICT (name) DO UPDATE SET current = 1";
    conn.execute(sql, [name]).map_err(failed)?;
    entry.map_or(Ok(()), |entry| append(conn, entry))?;
    Ok(true)
}

pub(super) fn drop_wrapping(conn: &Writing, name: &str, entry: &Entry) -> Outcome<bool> {
    let sql = "DELETE FROM wrapping_keys WHERE name = ?1 AND current = 0
      AND NOT EXISTS (SELECT 1 FROM data_keys WHERE wrapped_by = ?1)";
    let rows = conn.execute(sql, [name]).map_err(failed)?;
    if rows == 1 {
        append(conn, entry)?;
    }
    Ok(rows == 1)
}

//! Single rows: read, and put over the version that is expected.

use portcullis_model::{
    id::{ClientId, Digest, GrantId, InstallationId},
    installation::Installation,
    oauth::{AccessToken, Client, Grant, GrantKey, Pending, Put},
};
use rusqlite::{Connection, Error, ErrorCode, OptionalExtension, Params, params};
use serde::{Serialize, de::DeserializeOwned};

use super::lost;
use crate::db::{Outcome, corrupt, failed};

pub(super) fn all<T: DeserializeOwned>(conn: &Connection, query: &str, params: impl Params) -> Outcome<Vec<T>> {
    let mut query = conn.prepare_cached(query).map_err(failed)?;
    let bodies: Vec<String> = query.query_map(params, |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    bodies.iter().map(|body| serde_json::from_str(body).map_err(corrupt)).collect()
}

pub(super) fn one<T: DeserializeOwned>(conn: &Connection, query: &str, params: impl Params) -> Outcome<Option<T>> {
    let body: Option<String> = conn
        .prepare_cached(query)
        .and_then(|mut s| s.query_row(params, |row| row.get(0)).optional())
        .map_err(failed)?;
    body.map(|body| serde_json::from_str(&body).map_err(corrupt)).transpose()
}

pub(super) fn client(conn: &Connection, id: &ClientId) -> Outcome<Option<Client>> {
    one(conn, "SELECT body FROM oauth_clients WHERE id = ?1", [id.as_str()])
}

pub(super) fn grant(conn: &Connection, id: &GrantId) -> Outcome<Option<Grant>> {
    one(conn, "SELECT body FROM oauth_grants WHERE id = ?1", [id.as_str()])
}

pub(super) fn token(conn: &Connection, digest: &Digest) -> Outcome<Option<AccessToken>> {
    one(conn, "SELECT body FROM oauth_tokens WHERE digest = ?1", [digest.hex()])
}

pub(super) fn installation(conn: &Connection, id: &InstallationId) -> Outcome<Option<Installation>> {
    one(conn, "SELECT body FROM installations WHERE id = ?1", [id.as_str()])
}

pub(super) fn grant_by(conn: &Connection, digest: &Digest) -> Outcome<Option<(Grant, u64)>> {
    let found: Option<(String, u64)> = conn
        .prepare_cached(
            "SELECT g.body, k.generation FROM oauth_grant_keys k JOIN oauth_grants g ON g.id = k.grant_id
             WHERE k.digest = ?1",
        )
        .and_then(|mut s| s.query_row([digest.hex()], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(failed)?;
    found.map(|(body, generation)| Ok((serde_json::from_str(&body).map_err(corrupt)?, generation))).transpose()
}

/// Runs a statement that changes one row. None changed, or another in its place: somebody else was faster.
fn exactly_one(conn: &Connection, statement: &str, params: impl Params) -> Outcome<()> {
    match conn.prepare_cached(statement).and_then(|mut s| s.execute(params)) {
        Ok(1) => Ok(()),
        Ok(_) => Err(lost()),
        Err(Error::SqliteFailure(error, _)) if error.code == ErrorCode::ConstraintViolation => Err(lost()),
        Err(error) => Err(failed(error)),
    }
}

fn body(row: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(row).map_err(corrupt)
}

pub(super) fn put_client(conn: &Connection, put: &Put<Client>) -> Outcome<()> {
    let Put { row, expected } = put;
    let (live, body) = (row.revoked.is_none(), body(row)?);
    match expected {
        None => exactly_one(
            conn,
            "INSERT INTO oauth_clients (id, name, tenant, installation, live, version, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![row.id.as_str(), row.name, row.tenant.as_str(), row.installation.as_str(), live, row.version, body],
        ),
        Some(expected) => exactly_one(
            conn,
            "UPDATE oauth_clients SET live = ?2, version = ?3, body = ?4 WHERE id = ?1 AND version = ?5",
            params![row.id.as_str(), live, row.version, body, expected],
        ),
    }
}

pub(super) fn put_grant(conn: &Connection, put: &Put<Grant>) -> Outcome<()> {
    let Put { row, expected } = put;
    let body = body(row)?;
    match expected {
        None => exactly_one(
            conn,
            "INSERT INTO oauth_grants (id, tenant, version, expires, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![row.id.as_str(), row.tenant.as_str(), row.version, row.expires.0, body],
        ),
        Some(expected) => exactly_one(
            conn,
            "UPDATE oauth_grants SET version = ?2, expires = ?3, body = ?4 WHERE id = ?1 AND version = ?5",
            params![row.id.as_str(), row.version, row.expires.0, body, expected],
        ),
    }
}

pub(super) fn add_key(conn: &Connection, key: &GrantKey) -> Outcome<()> {
    exactly_one(
        conn,
        "INSERT INTO oauth_grant_keys (digest, grant_id, generation) VALUES (?1, ?2, ?3)",
        params![key.digest.hex(), key.grant.as_str(), key.generation],
    )
}

pub(super) fn put_token(conn: &Connection, token: &AccessToken) -> Outcome<()> {
    let body = body(token)?;
    exactly_one(
        conn,
        "INSERT INTO oauth_tokens (digest, grant_id, tenant, expires, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (digest) DO UPDATE SET body = excluded.body",
        params![token.digest.hex(), token.grant.as_str(), token.tenant.as_str(), token.expires.0, body],
    )
}

pub(super) fn put_pending(conn: &Connection, put: &Put<Pending>) -> Outcome<()> {
    let Put { row, expected } = put;
    let body = body(row)?;
    match expected {
        None => exactly_one(
            conn,
            "INSERT INTO oauth_pending (id, code, tenant, version, expires, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![row.id.as_str(), row.code, row.tenant.as_str(), row.version, row.expires.0, body],
        ),
        Some(expected) => exactly_one(
            conn,
            "UPDATE oauth_pending SET version = ?2, body = ?3 WHERE id = ?1 AND version = ?4",
            params![row.id.as_str(), row.version, body, expected],
        ),
    }
}

//! Back ends of installations, and the messages that wait for them: deliveries in a lane of their own.
//!
//! Invariants: a message is stored together with the event or the audit entry that it is about; a notice's row says that it is one,
//! and no source of events can store such a row; a back end that cannot be read holds up nobody's events and no entry of the log.

mod outbox;

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::InstallationId,
    secret::{SecretPut, Swap},
    webhook::{BackEnd, BackEnds, Notice, SIGNING},
};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    SqliteStore,
    audit::append,
    db::{Outcome, corrupt, failed},
    queue::{DEAD, PENDING},
    secrets,
};

/// The lane of deliveries to back ends.
pub(crate) const LANE: u8 = 1;

/// What stands as origin of a notice. No source can have it as its name.
const NO_SOURCE: &str = "";

fn read(conn: &Connection, installation: &InstallationId) -> Outcome<Option<BackEnd>> {
    let body: Option<String> = conn
        .prepare_cached("SELECT body FROM backends WHERE installation = ?1")
        .and_then(|mut s| s.query_row([installation.as_str()], |row| row.get(0)).optional())
        .map_err(failed)?;
    body.map(|body| serde_json::from_str(&body).map_err(corrupt)).transpose()
}

fn write(conn: &Connection, one: &BackEnd) -> Outcome<()> {
    let body = serde_json::to_string(one).map_err(corrupt)?;
    let hold = one.health.not_before.map_or(0, |at| at.0);
    conn.prepare_cached(
        "INSERT INTO backends (installation, tenant, generation, active, hold, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (installation) DO UPDATE SET tenant = excluded.tenant, generation = excluded.generation,
         active = excluded.active, hold = excluded.hold, body = excluded.body",
    )
    .and_then(|mut s| {
        s.execute(params![one.installation.as_str(), one.tenant.as_str(), one.generation, one.is_active(), hold, body])
    })
    .map(drop)
    .map_err(failed)
}

fn generation(conn: &Connection, installation: &InstallationId) -> Outcome<Option<u64>> {
    conn.query_row("SELECT generation FROM backends WHERE installation = ?1", [installation.as_str()], |row| row.get(0))
        .optional()
        .map_err(failed)
}

/// Puts aside what waits for a back end. Gives how many messages.
fn close(conn: &Connection, installation: &InstallationId, why: &str) -> Outcome<u64> {
    let closed = conn
        .execute(
            "UPDATE deliveries SET state = ?2, error = ?3 WHERE lane = ?4 AND installation = ?1 AND state = 0",
            params![installation.as_str(), DEAD, why, LANE],
        )
        .map_err(failed)?;
    Ok(closed as u64)
}

fn enqueue(conn: &Connection, event: i64, installation: &InstallationId) -> Outcome<i64> {
    conn.prepare_cached(
        "INSERT INTO deliveries (event, installation, state, due, attempts, lane) VALUES (?1, ?2, ?3, 0, 0, ?4)",
    )
    .and_then(|mut s| s.execute(params![event, installation.as_str(), PENDING, LANE]))
    .map_err(failed)?;
    Ok(conn.last_insert_rowid())
}

/// Has an event that goes to an installation go to its back end too, where that is active and wants it.
pub(crate) fn also_deliver(conn: &Connection, event: i64, installation: &InstallationId, kind: &str) -> Outcome<()> {
    match read(conn, installation) {
        Ok(Some(one)) if one.is_active() && one.wants(kind) => enqueue(conn, event, installation).map(drop),
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::error!(%error, %installation, "a back end gets no events: it cannot be read");
            Ok(())
        }
    }
}

/// Stores the notice of an entry that has just been appended, where there is somebody to tell. What goes wrong with that must not undo
/// the entry: it is logged.
pub(crate) fn tell_of(conn: &Connection, index: i64, notice: &Notice) {
    let installation = &notice.installation;
    if let Err(error) = tell(conn, notice.clone(), &format!("notice-{index}")) {
        tracing::error!(%error, %installation, "a back end is not told of something");
    }
}

fn tell(conn: &Connection, notice: Notice, id: &str) -> Outcome<Option<i64>> {
    let installation = notice.installation.clone();
    let ours = |one: &BackEnd| one.is_active() && one.tenant == notice.tenant;
    if !read(conn, &installation)?.is_some_and(|one| ours(&one)) {
        return Ok(None);
    }
    let event = notice.event(id.to_owned()).ok_or_else(|| corrupt("a notice without an origin"))?;
    let body = serde_json::to_string(&event).map_err(corrupt)?;
    conn.prepare_cached("INSERT INTO events (tenant, origin, source, id, body) VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut s| s.execute(params![event.tenant.as_str(), NO_SOURCE, event.source, event.id, body]))
        .map_err(failed)?;
    enqueue(conn, conn.last_insert_rowid(), &installation).map(Some)
}

#[async_trait]
impl BackEnds for SqliteStore {
    async fn back_ends(&self) -> Result<Vec<BackEnd>, StoreError> {
        self.db
            .read(|conn| {
                let mut query =
                    conn.prepare_cached("SELECT body FROM backends ORDER BY tenant, installation").map_err(failed)?;
                let bodies: Vec<String> =
                    query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
                bodies.iter().map(|body| serde_json::from_str(body).map_err(corrupt)).collect()
            })
            .await
    }

    async fn back_end(&self, installation: &InstallationId) -> Result<Option<BackEnd>, StoreError> {
        let installation = installation.clone();
        self.db.read(move |conn| read(conn, &installation)).await
    }

    async fn put_back_end(
        &self,
        one: BackEnd,
        expected: Option<u64>,
        keys: Option<SecretPut>,
        entry: Entry,
    ) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                if generation(conn, &one.installation)? != expected {
                    return Ok(false);
                }
                if let Some(keys) = &keys
                    && secrets::put_with(conn, keys)? != Swap::Done
                {
                    return Ok(false);
                }
                write(conn, &one)?;
                append(conn, &entry)?;
                Ok(true)
            })
            .await
    }

    async fn remove_back_end(&self, one: &BackEnd, entry: Entry) -> Result<bool, StoreError> {
        let one = one.clone();
        self.db
            .write(move |conn| {
                if generation(conn, &one.installation)? != Some(one.generation) {
                    return Ok(false);
                }
                let whose = params![one.installation.as_str(), one.tenant.as_str(), SIGNING];
                conn.execute("DELETE FROM secrets WHERE installation = ?1 AND tenant = ?2 AND name = ?3", whose)
                    .map_err(failed)?;
                conn.execute("DELETE FROM backends WHERE installation = ?1", [one.installation.as_str()])
                    .map_err(failed)?;
                let closed = close(conn, &one.installation, "the back end was taken away")?;
                append(conn, &entry.with("messages", closed))?;
                Ok(true)
            })
            .await
    }
}

#[cfg(test)]
mod tests;

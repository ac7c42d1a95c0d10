//! Endpoints, and what waits to be told to them.
//!
//! Invariants: a notification is stored with its alert; one worker holds it at a time, and it comes back when its lease ends; what is
//! read for it is rule, severity, alert, tenant and installation, and nothing else (DAT-13).

use std::time::Duration;

use async_trait::async_trait;
use portcullis_model::{
    alert::{AlertId, AlertOutbox, AlertSettled, AlertSeverity, Endpoint, Hit, Notification, Trial},
    audit::{Actor, Entry, Kind},
    error::StoreError,
    id::TenantId,
    queue::Verdict,
    secret::{SecretPut, Slot, Swap},
    time::Timestamp,
    webhook::{BackEndState, note},
};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    SqliteStore,
    audit::{append, append_all},
    db::{Outcome, Writing, corrupt, failed},
    queue::{DEAD, DONE, PENDING},
    secrets,
};

/// A row that waits: its number, alert, time and tries; the alert's rule, severity, tenant and installation; the endpoint.
/// The operator's come first, and of each owner no more than [`MOST_HELD`] with those that are held.
const WAITING: &str =
    "SELECT s.number, s.alert, s.time, s.attempts, a.rule, a.severity, a.tenant, a.installation, e.body
  FROM (SELECT *, row_number() OVER (PARTITION BY owner ORDER BY number) AS place FROM alert_sendings
        WHERE state < 2 AND due <= ?1) s
  JOIN alert_endpoints e ON e.owner = s.owner LEFT JOIN alerts a ON a.number = s.alert
  WHERE e.active = 1 AND e.hold <= ?1
    AND s.place + (SELECT count(*) FROM alert_sendings h WHERE h.owner = s.owner AND h.state = 1 AND h.due > ?1) <= ?3
  ORDER BY s.owner <> '', s.number LIMIT ?2";
/// How many of one owner are held at a time: whose endpoint is slow delays nobody else's.
const MOST_HELD: usize = 2;

fn owner(tenant: Option<&TenantId>) -> &str {
    tenant.map_or("", TenantId::as_str)
}

fn read(conn: &Connection, tenant: Option<&TenantId>) -> Outcome<Option<Endpoint>> {
    let body: Option<String> = conn
        .prepare_cached("SELECT body FROM alert_endpoints WHERE owner = ?1")
        .and_then(|mut query| query.query_row([owner(tenant)], |row| row.get(0)).optional())
        .map_err(failed)?;
    body.map(|body| serde_json::from_str(&body).map_err(corrupt)).transpose()
}

fn generation(conn: &Connection, tenant: Option<&TenantId>) -> Outcome<Option<u64>> {
    Ok(read(conn, tenant)?.map(|one| one.generation))
}

fn all(conn: &Connection) -> Outcome<Vec<Endpoint>> {
    let mut query = conn.prepare_cached("SELECT body FROM alert_endpoints ORDER BY owner").map_err(failed)?;
    let bodies: Vec<String> = query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    bodies.iter().map(|body| serde_json::from_str(body).map_err(corrupt)).collect()
}

fn write(conn: &Connection, one: &Endpoint) -> Outcome<()> {
    let body = serde_json::to_string(one).map_err(corrupt)?;
    let hold = one.health.not_before.map_or(0, |at| at.0);
    conn.prepare_cached("INSERT OR REPLACE INTO alert_endpoints (owner, active, hold, body) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut s| s.execute(params![owner(one.tenant.as_ref()), one.is_active(), hold, body]))
        .map(drop)
        .map_err(failed)
}

fn put(conn: &Connection, tenant: Option<&TenantId>, alert: Option<u64>, now: Timestamp) -> Outcome<()> {
    conn.prepare_cached(
        "INSERT INTO alert_sendings (owner, alert, time, state, due, attempts) VALUES (?1, ?2, ?3, 0, 0, 0)",
    )
    .and_then(|mut s| s.execute(params![owner(tenant), alert, now.0]))
    .map(drop)
    .map_err(failed)
}

/// Puts aside what only tries an endpoint out.
fn close_trials(conn: &Connection, tenant: Option<&TenantId>) -> Outcome<()> {
    conn.execute(
        "UPDATE alert_sendings SET state = ?2, error = ?3 WHERE owner = ?1 AND alert IS NULL AND state < 2",
        params![owner(tenant), DEAD, "the endpoint was set anew"],
    )
    .map(drop)
    .map_err(failed)
}

/// Whether a notification waits that only tries an endpoint out.
fn is_tried_out(conn: &Connection, tenant: Option<&TenantId>) -> Outcome<bool> {
    let waits = "SELECT EXISTS (SELECT 1 FROM alert_sendings WHERE owner = ?1 AND alert IS NULL AND state < 2)";
    conn.prepare_cached(waits).and_then(|mut s| s.query_row([owner(tenant)], |row| row.get(0))).map_err(failed)
}

/// Has an alert told to whoever wants to know: the operator, and the tenant that it is about.
pub(super) fn enqueue(conn: &Connection, alert: u64, hit: &Hit, now: Timestamp) -> Outcome<()> {
    for one in all(conn)? {
        let concerns = one.tenant.is_none() || one.tenant == hit.tenant;
        if concerns && one.is_active() && one.least <= hit.severity {
            put(conn, one.tenant.as_ref(), Some(alert), now)?;
        }
    }
    Ok(())
}

/// Puts aside what waits for an endpoint.
fn close(conn: &Connection, tenant: Option<&TenantId>, why: &str) -> Outcome<u64> {
    let closed = conn
        .execute(
            "UPDATE alert_sendings SET state = ?2, error = ?3 WHERE owner = ?1 AND state < 2",
            params![owner(tenant), DEAD, why],
        )
        .map_err(failed)?;
    Ok(closed as u64)
}

fn lease(conn: &Connection, most: usize, now: Timestamp, until: Timestamp) -> Outcome<Vec<Notification>> {
    let mut query = conn.prepare_cached(WAITING).map_err(failed)?;
    let mut rows = query.query(params![now.0, most, MOST_HELD]).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let text = |at: usize| row.get::<_, Option<String>>(at).map_err(failed);
        let alert: Option<u64> = row.get(1).map_err(failed)?;
        let severity: Option<AlertSeverity> = text(5)?.map(|text| text.parse().map_err(corrupt)).transpose()?;
        let endpoint: Endpoint = serde_json::from_str(&text(8)?.unwrap_or_default()).map_err(corrupt)?;
        found.push(Notification {
            number: row.get(0).map_err(failed)?,
            alert: alert.map(AlertId),
            rule: text(4)?.unwrap_or_else(|| "test".to_owned()),
            severity: severity.unwrap_or(AlertSeverity::Low),
            tenant: text(6)?.map(|text| text.parse().map_err(corrupt)).transpose()?,
            installation: text(7)?.map(|text| text.parse().map_err(corrupt)).transpose()?,
            time: Timestamp(row.get(2).map_err(failed)?),
            attempt: row.get::<_, u32>(3).map_err(failed)? + 1,
            endpoint,
        });
    }
    let mut hold = conn
        .prepare_cached("UPDATE alert_sendings SET state = 1, due = ?2, attempts = attempts + 1 WHERE number = ?1")
        .map_err(failed)?;
    for one in &found {
        hold.execute(params![one.number, until.0]).map_err(failed)?;
    }
    Ok(found)
}

fn settle(conn: &Writing, settled: &AlertSettled, entries: &[Entry]) -> Outcome<()> {
    let (state, due, error) = match &settled.verdict {
        Verdict::Done => (DONE, 0, None),
        Verdict::Dead { error } => (DEAD, 0, Some(error)),
        Verdict::Retry { at, error } => (PENDING, at.0, Some(error)),
        Verdict::Released { at } => (PENDING, at.0, None),
        // A data subject's request is no alert.
        Verdict::Answered { .. } | Verdict::Later { .. } | Verdict::Unanswered { .. } => {
            return Err(corrupt("an alert that was answered as a request of a data subject"));
        }
    };
    conn.execute(
        "UPDATE alert_sendings SET state = ?2, due = ?3, error = ?4 WHERE number = ?1 AND state = 1",
        params![settled.number, state, due, error],
    )
    .map_err(failed)?;
    append_all(conn, entries)?;
    let (Some(shown), Some(mut one)) = (&settled.shown, read(conn, settled.tenant.as_ref())?) else { return Ok(()) };
    if one.generation != settled.generation || !one.is_active() {
        return Ok(());
    }
    note(&mut one.state, &mut one.health, shown, settled.now);
    write(conn, &one)?;
    let BackEndState::Disabled { why, .. } = &one.state else { return Ok(()) };
    let closed = close(conn, one.tenant.as_ref(), why)?;
    let entry = Entry::new(settled.now, Kind::AlertEndpointDisabled, Actor::Host, one.tenant.clone())
        .with("url", one.origin())
        .with("reason", why.as_str())
        .with("failures", one.health.failures)
        .with("notifications", closed);
    append(conn, &entry)
}

#[async_trait]
impl AlertOutbox for SqliteStore {
    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.db.read(all).await
    }

    async fn put_endpoint(
        &self,
        endpoint: Endpoint,
        expected: Option<u64>,
        keys: Option<SecretPut>,
        entry: Entry,
    ) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                if generation(conn, endpoint.tenant.as_ref())? != expected {
                    return Ok(false);
                }
                if let Some(keys) = &keys
                    && secrets::put_with(conn, keys)? != Swap::Done
                {
                    return Ok(false);
                }
                write(conn, &endpoint)?;
                // What tried out the one before says nothing about this one, and does not keep it from being tried out.
                close_trials(conn, endpoint.tenant.as_ref())?;
                append(conn, &entry)?;
                Ok(true)
            })
            .await
    }

    async fn remove_endpoint(&self, endpoint: &Endpoint, keys: Slot, entry: Entry) -> Result<bool, StoreError> {
        let one = endpoint.clone();
        self.db
            .write(move |conn| {
                let tenant = one.tenant.as_ref();
                if generation(conn, tenant)? != Some(one.generation) {
                    return Ok(false);
                }
                secrets::forget(conn, &keys)?;
                let closed = close(conn, tenant, "the endpoint was taken away")?;
                conn.execute("DELETE FROM alert_endpoints WHERE owner = ?1", [owner(tenant)]).map_err(failed)?;
                append(conn, &entry.with("notifications", closed))?;
                Ok(true)
            })
            .await
    }

    async fn try_endpoint(&self, tenant: Option<TenantId>, entry: Entry) -> Result<Trial, StoreError> {
        self.db
            .write(move |conn| {
                if !read(conn, tenant.as_ref())?.is_some_and(|one| one.is_active()) {
                    return Ok(Trial::NoEndpoint);
                }
                if is_tried_out(conn, tenant.as_ref())? {
                    return Ok(Trial::Waits);
                }
                put(conn, tenant.as_ref(), None, entry.time)?;
                append(conn, &entry)?;
                Ok(Trial::Queued)
            })
            .await
    }

    async fn lease_notifications(
        &self,
        most: usize,
        now: Timestamp,
        hold: Duration,
    ) -> Result<Vec<Notification>, StoreError> {
        // At most times there is nothing, and asking costs no transaction.
        let some = |conn: &Connection| {
            let some = "SELECT EXISTS (SELECT 1 FROM alert_sendings WHERE state < 2)";
            conn.prepare_cached(some).and_then(|mut s| s.query_row([], |row| row.get::<_, bool>(0))).map_err(failed)
        };
        if !self.db.read(some).await? {
            return Ok(Vec::new());
        }
        self.db.write(move |conn| lease(conn, most, now, now.plus(hold))).await
    }

    async fn settle_notification(&self, settled: AlertSettled, entries: Vec<Entry>) -> Result<(), StoreError> {
        self.db.write(move |conn| settle(conn, &settled, &entries)).await
    }
}

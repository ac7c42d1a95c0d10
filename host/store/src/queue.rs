//! Events and deliveries.
//!
//! Invariants: an event and its deliveries are stored together or not at all; an event id is stored once an origin and source; a
//! delivery is held by one worker at a time, and comes back when its lease ends.

use std::time::Duration;

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::StoreError,
    event::Event,
    id::InstallationId,
    privacy::ORIGIN,
    queue::{DeliveryRow, DeliveryState, Ingested, Lease, Queue, Retried, Verdict},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, Params, params};

use crate::{
    SqliteStore,
    audit::{append, append_all, whose},
    db::{Outcome, Writing, corrupt, failed},
    privacy, webhooks,
};

pub(crate) const PENDING: u8 = 0;
const LEASED: u8 = 1;
pub(crate) const DONE: u8 = 2;
pub(crate) const DEAD: u8 = 3;

fn state(number: u8) -> Outcome<DeliveryState> {
    match number {
        PENDING => Ok(DeliveryState::Pending),
        LEASED => Ok(DeliveryState::Leased),
        DONE => Ok(DeliveryState::Done),
        DEAD => Ok(DeliveryState::Dead),
        other => Err(corrupt(format!("delivery state {other}"))),
    }
}

fn number_of(state: DeliveryState) -> u8 {
    match state {
        DeliveryState::Pending => PENDING,
        DeliveryState::Leased => LEASED,
        DeliveryState::Done => DONE,
        DeliveryState::Dead => DEAD,
    }
}

fn insert(conn: &Connection, event: &Event, targets: &[InstallationId]) -> Outcome<Ingested> {
    let body = serde_json::to_string(event).map_err(corrupt)?;
    let added = conn
        .prepare_cached(
            "INSERT INTO events (tenant, origin, source, id, body) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )
        .and_then(|mut s| {
            s.execute(params![event.tenant.as_str(), event.origin.as_str(), event.source, event.id, body])
        })
        .map_err(failed)?;
    if added == 0 {
        return Ok(Ingested::Duplicate);
    }
    let number = conn.last_insert_rowid();
    let mut deliver = conn
        .prepare_cached("INSERT INTO deliveries (event, installation, state, due, attempts) VALUES (?1, ?2, ?3, 0, 0)")
        .map_err(failed)?;
    for target in targets {
        deliver.execute(params![number, target.as_str(), PENDING]).map_err(failed)?;
        webhooks::also_deliver(conn, number, target, &event.kind)?;
    }
    Ok(Ingested::New(targets.len()))
}

/// Installations that have something pending and may run. A loose index scan: its cost goes with their number, not with
/// the length of the queue.
const WAITING: &str = "WITH RECURSIVE waiting (id) AS (
  SELECT min(installation) FROM deliveries WHERE state = 0 AND lane = 0
  UNION ALL
  SELECT (SELECT min(installation) FROM deliveries WHERE state = 0 AND lane = 0 AND installation > id) FROM waiting
  WHERE id IS NOT NULL)
SELECT w.id FROM waiting w JOIN installations i ON i.id = w.id WHERE i.active = 1";

/// A waiting delivery: its number, its tries so far, its event's body.
type Waiting = (i64, u32, String);

/// Makes leases that ran out due again.
pub(crate) fn take_back(conn: &Writing, now: Timestamp) -> Outcome<()> {
    conn.prepare_cached("UPDATE deliveries SET state = 0, due = 0 WHERE state = 1 AND due <= ?1")
        .and_then(|mut s| s.execute([now.0]))
        .map(drop)
        .map_err(failed)
}

fn take(conn: &Writing, most: usize, each: usize, now: Timestamp, until: Timestamp) -> Outcome<Vec<Lease>> {
    take_back(conn, now)?;
    let mut waiting = conn.prepare_cached(WAITING).map_err(failed)?;
    let installations: Vec<String> =
        waiting.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    let mut held = conn
        .prepare_cached("SELECT count(*) FROM deliveries WHERE installation = ?1 AND state = 1 AND lane = 0")
        .map_err(failed)?;
    let mut pick = conn
        .prepare_cached(
            "SELECT d.number, d.attempts, e.body FROM deliveries d JOIN events e ON e.number = d.event
             WHERE d.installation = ?1 AND d.state = 0 AND d.lane = 0 AND d.due <= ?2 ORDER BY d.number LIMIT ?3",
        )
        .map_err(failed)?;
    let mut found: Vec<(InstallationId, Waiting)> = Vec::new();
    for id in &installations {
        let installation: InstallationId = id.parse().map_err(corrupt)?;
        let held: usize = held.query_row([id], |row| row.get(0)).map_err(failed)?;
        let rows = pick
            .query_map(params![id, now.0, each.saturating_sub(held)], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
            .and_then(Iterator::collect::<Result<Vec<Waiting>, _>>)
            .map_err(failed)?;
        found.extend(rows.into_iter().map(|row| (installation.clone(), row)));
    }
    found.sort_by_key(|(_, (number, ..))| *number);
    found.truncate(most);
    let mut hold = conn
        .prepare_cached("UPDATE deliveries SET state = 1, due = ?2, attempts = attempts + 1 WHERE number = ?1")
        .map_err(failed)?;
    let mut leases = Vec::with_capacity(found.len());
    for (installation, (delivery, attempts, body)) in found {
        match serde_json::from_str(&body) {
            Ok(event) => {
                hold.execute(params![delivery, until.0]).map_err(failed)?;
                let asked = privacy::tries(conn, delivery, &event)?;
                leases.push(Lease { delivery, event, installation, attempt: attempts + 1, asked });
            }
            // One row that nobody can read must not hold up all the others (INC-6).
            Err(error) => give_up(conn, delivery, now, &corrupt(error).to_string())?,
        }
    }
    Ok(leases)
}

pub(crate) fn give_up(conn: &Writing, delivery: i64, now: Timestamp, error: &str) -> Outcome<()> {
    settle(conn, delivery, &Verdict::Dead { error: error.to_owned() })?;
    let entry = Entry::new(now, Kind::DeliveryDead, Actor::Host, None)
        .about(format!("delivery:{delivery}"))
        // What is wrong with a row can quote what is in it.
        .with_personal("reason", error);
    append(conn, &entry)
}

pub(crate) fn settle(conn: &Writing, delivery: i64, verdict: &Verdict) -> Outcome<()> {
    let (state, due, error, tries) = match verdict {
        Verdict::Done | Verdict::Answered { .. } => (DONE, 0, None, 0),
        Verdict::Retry { at, error } => (PENDING, at.0, Some(error), 0),
        // What was settled is counted with the request: here only tries that nobody settled are.
        Verdict::Later { at, error } => (PENDING, at.0, error.as_ref(), u32::MAX),
        Verdict::Dead { error } | Verdict::Unanswered { error, .. } => (DEAD, 0, Some(error), 0),
        Verdict::Released { at } => (PENDING, at.0, None, 1),
    };
    conn.prepare_cached(
        // What was given up meanwhile stays so. What is done has no error: one that was got over would be taken for what became of it.
        "UPDATE deliveries SET state = ?2, due = ?3, error = iif(?2 = 2, NULL, coalesce(?4, error)), attempts = max(attempts - ?5, 0)
         WHERE number = ?1 AND state <> 3",
    )
    .and_then(|mut s| s.execute(params![delivery, state, due, error, tries]))
    .map_err(failed)?;
    privacy::settle(conn, delivery, verdict)
}

/// What would come of having one tried again.
fn may_retry(conn: &Connection, delivery: i64) -> Outcome<Retried> {
    let row = conn
        .query_row(
            "SELECT d.state, e.origin,
               EXISTS (SELECT 1 FROM installations i WHERE i.id = d.installation AND i.body ->> 'state' IN ('active', 'suspended'))
               AND (d.lane = 0 OR EXISTS (SELECT 1 FROM backends b WHERE b.installation = d.installation))
             FROM deliveries d JOIN events e ON e.number = d.event WHERE d.number = ?1",
            [delivery],
            |row| Ok((row.get::<_, u8>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?)),
        )
        .optional()
        .map_err(failed)?;
    Ok(match row {
        Some((DEAD, origin, _)) if origin == ORIGIN => Retried::OfPerson,
        Some((DEAD, _, true)) => Retried::Waits,
        Some((DEAD, _, false)) => Retried::NobodyThere,
        _ => Retried::NotAside,
    })
}

/// Has one that was put aside wait anew, where somebody is there to get it.
fn retry(conn: &Writing, delivery: i64, entry: &Entry) -> Outcome<Retried> {
    let may = may_retry(conn, delivery)?;
    if may != Retried::Waits {
        return Ok(may);
    }
    conn.execute("UPDATE deliveries SET state = 0, due = 0, attempts = 0 WHERE number = ?1 AND state = 3", [delivery])
        .map_err(failed)?;
    append(conn, entry)?;
    Ok(Retried::Waits)
}

/// The newest deliveries; with `sent_to`, those to the back end of this installation.
pub(crate) fn rows(conn: &Connection, most: usize, sent_to: Option<&InstallationId>) -> Outcome<Vec<DeliveryRow>> {
    let which = "?2 IS NULL OR (d.installation = ?2 AND d.lane = 1) ORDER BY d.number DESC LIMIT ?1";
    found(conn, which, params![most, sent_to.map(|id| id.as_str())])
}

/// Those that a condition of this host's own means.
fn found(conn: &Connection, which: &str, given: impl Params) -> Outcome<Vec<DeliveryRow>> {
    let mut query = conn
        .prepare_cached(&format!(
            "SELECT d.number, d.installation, d.state, d.attempts, d.error, e.body, e.source, e.id, d.lane
             FROM deliveries d JOIN events e ON e.number = d.event WHERE {which}"
        ))
        .map_err(failed)?;
    let mut found = query.query(given).map_err(failed)?;
    let mut list = Vec::new();
    while let Some(row) = found.next().map_err(failed)? {
        let text = |i| row.get::<_, String>(i).map_err(failed);
        let event = serde_json::from_str::<Event>(&text(5)?);
        list.push(DeliveryRow {
            delivery: row.get(0).map_err(failed)?,
            source: text(6)?,
            event: text(7)?,
            kind: event.map_or_else(|_| "unreadable".to_owned(), |event| event.kind),
            installation: text(1)?.parse().map_err(corrupt)?,
            back_end: row.get::<_, u8>(8).map_err(failed)? == webhooks::LANE,
            state: state(row.get(2).map_err(failed)?)?,
            attempts: row.get(3).map_err(failed)?,
            error: row.get(4).map_err(failed)?,
        });
    }
    Ok(list)
}

/// The newest to any of these installations (`?1`, a JSON list) before that number (`?2`), at most so many (`?3`): so many of each are
/// looked at, however long the queue is.
fn listed(state: Option<DeliveryState>) -> String {
    let of_state = state.map_or_else(String::new, |state| format!("AND n.state = {}", number_of(state)));
    format!(
        "d.number IN (
           SELECT p.number FROM json_each(?1) i JOIN deliveries p ON p.number IN (
             SELECT n.number FROM deliveries n WHERE n.installation = i.value AND n.number < ?2 {of_state}
             ORDER BY n.number DESC LIMIT ?3)
           ORDER BY p.number DESC LIMIT ?3)
         ORDER BY d.number DESC"
    )
}

#[async_trait]
impl Queue for SqliteStore {
    async fn ingest(
        &self,
        event: Event,
        targets: Vec<InstallationId>,
        entry: Entry,
        duplicate: Entry,
    ) -> Result<Ingested, StoreError> {
        self.db
            .write_of(Some(event.tenant.clone()), move |conn| {
                let ingested = insert(conn, &event, &targets)?;
                append(conn, if ingested == Ingested::Duplicate { &duplicate } else { &entry })?;
                Ok(ingested)
            })
            .await
    }

    async fn lease(&self, most: usize, each: usize, now: Timestamp, hold: Duration) -> Result<Vec<Lease>, StoreError> {
        self.db.write(move |conn| take(conn, most, each, now, now.plus(hold))).await
    }

    async fn settle(&self, delivery: i64, verdict: Verdict, entries: Vec<Entry>) -> Result<(), StoreError> {
        self.db
            .write_of(whose(&entries), move |conn| {
                settle(conn, delivery, &verdict)?;
                append_all(conn, &entries)
            })
            .await
    }

    async fn recover(&self) -> Result<usize, StoreError> {
        self.db
            .write(|conn| conn.execute("UPDATE deliveries SET state = 0, due = 0 WHERE state = 1", []).map_err(failed))
            .await
    }

    async fn deliveries(&self, most: usize) -> Result<Vec<DeliveryRow>, StoreError> {
        self.db.read(move |conn| rows(conn, most, None)).await
    }

    async fn delivery(&self, number: i64) -> Result<Option<DeliveryRow>, StoreError> {
        self.db.read(move |conn| Ok(found(conn, "d.number = ?1", params![number])?.pop())).await
    }

    async fn deliveries_to(
        &self,
        of: Vec<InstallationId>,
        state: Option<DeliveryState>,
        before: Option<i64>,
        most: usize,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let ids = serde_json::to_string(&of).map_err(corrupt)?;
        let before = before.unwrap_or(i64::MAX);
        self.db.read(move |conn| found(conn, &listed(state), params![ids, before, most])).await
    }

    async fn retry(&self, delivery: i64, entry: Entry) -> Result<Retried, StoreError> {
        self.db.write_of(entry.tenant.clone(), move |conn| retry(conn, delivery, &entry)).await
    }

    async fn may_retry(&self, delivery: i64) -> Result<Retried, StoreError> {
        self.db.read(move |conn| may_retry(conn, delivery)).await
    }

    async fn depth(&self) -> Result<Vec<(DeliveryState, u64)>, StoreError> {
        self.db
            .read(|conn| {
                let mut query = conn
                    .prepare_cached("SELECT state, count(*) FROM deliveries GROUP BY state ORDER BY state")
                    .map_err(failed)?;
                let counts: Vec<(u8, u64)> =
                    query.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).and_then(Iterator::collect).map_err(failed)?;
                counts.into_iter().map(|(number, count)| Ok((state(number)?, count))).collect()
            })
            .await
    }
}

#[cfg(test)]
mod tests;

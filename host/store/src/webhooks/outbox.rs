//! Messages to back ends: leased, settled, and sent again.
//!
//! Invariants: a message is held by one worker at a time, and comes back when its lease ends; what an attempt showed is noted in the
//! same transaction as what becomes of the message; nothing waits for a back end that gets no more messages.

use std::time::Duration;

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::StoreError,
    id::InstallationId,
    queue::{DeliveryRow, Verdict},
    time::Timestamp,
    webhook::{BackEnd, BackEndState, Notice, Outbox, Replay, Sending, Settled, Shown},
};
use rusqlite::{Connection, params};

use super::{LANE, NO_SOURCE, close, read, tell, write};
use crate::{
    SqliteStore,
    audit::{append, append_all},
    db::{Outcome, Writing, corrupt, failed},
    queue::{DEAD, DONE, PENDING, give_up, rows, settle, take_back},
};

/// Back ends that have something pending and may be sent it: one seek each.
const OPEN: &str = "SELECT b.body FROM backends b JOIN installations i ON i.id = b.installation AND i.tenant = b.tenant
  WHERE b.active = 1 AND b.hold <= ?1 AND i.active = 1
  AND EXISTS (SELECT 1 FROM deliveries d WHERE d.lane = 1 AND d.installation = b.installation AND d.state = 0)";

/// A waiting message: its number, its tries so far, its event's origin and body.
type Waiting = (i64, u32, String, String);

fn open(conn: &Connection, now: Timestamp) -> Outcome<Vec<BackEnd>> {
    let mut query = conn.prepare_cached(OPEN).map_err(failed)?;
    let bodies: Vec<String> = query.query_map([now.0], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    let readable = |body: &String| match serde_json::from_str(body) {
        Ok(one) => Some(one),
        Err(error) => {
            tracing::error!(%error, "a back end is sent nothing: it cannot be read");
            None
        }
    };
    Ok(bodies.iter().filter_map(readable).collect())
}

fn waiting(conn: &Connection, one: &BackEnd, each: usize, now: Timestamp) -> Outcome<Vec<Waiting>> {
    let id = one.installation.as_str();
    let held: usize = conn
        .prepare_cached("SELECT count(*) FROM deliveries WHERE installation = ?1 AND state = 1 AND lane = 1")
        .and_then(|mut s| s.query_row([id], |row| row.get(0)))
        .map_err(failed)?;
    conn.prepare_cached(
        "SELECT d.number, d.attempts, e.origin, e.body FROM deliveries d JOIN events e ON e.number = d.event
         WHERE d.lane = 1 AND d.installation = ?1 AND d.state = 0 AND d.due <= ?2 AND e.tenant = ?4
         ORDER BY d.number LIMIT ?3",
    )
    .and_then(|mut s| {
        let row = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?));
        s.query_map(params![id, now.0, each.saturating_sub(held), one.tenant.as_str()], row)?.collect()
    })
    .map_err(failed)
}

fn take(conn: &Writing, most: usize, each: usize, now: Timestamp, until: Timestamp) -> Outcome<Vec<Sending>> {
    take_back(conn, now)?;
    let mut found: Vec<(BackEnd, Waiting)> = Vec::new();
    for one in open(conn, now)? {
        found.extend(waiting(conn, &one, each, now)?.into_iter().map(|row| (one.clone(), row)));
    }
    found.sort_by_key(|(_, (number, ..))| *number);
    found.truncate(most);
    let mut hold = conn
        .prepare_cached("UPDATE deliveries SET state = 1, due = ?2, attempts = attempts + 1 WHERE number = ?1")
        .map_err(failed)?;
    let mut leases = Vec::with_capacity(found.len());
    for (back_end, (delivery, attempts, origin, body)) in found {
        match serde_json::from_str(&body) {
            Ok(event) => {
                hold.execute(params![delivery, until.0]).map_err(failed)?;
                let notice = origin == NO_SOURCE;
                leases.push(Sending { delivery, back_end, event, notice, attempt: attempts + 1 });
            }
            Err(error) => give_up(conn, delivery, now, &corrupt(error).to_string())?,
        }
    }
    Ok(leases)
}

/// Notes what an attempt showed about the back end that it went to, unless that was set anew or is gone.
fn note(conn: &Writing, installation: &InstallationId, generation: u64, shown: &Shown, now: Timestamp) -> Outcome<()> {
    let Some(before) = read(conn, installation)?.filter(|one| one.generation == generation && one.is_active()) else {
        return Ok(());
    };
    let after = before.clone().after(shown, now);
    if after == before {
        return Ok(());
    }
    write(conn, &after)?;
    let BackEndState::Disabled { why, .. } = &after.state else { return Ok(()) };
    let closed = close(conn, installation, &format!("the back end was disabled: {why}"))?;
    let entry = Entry::new(now, Kind::BackendDisabled, Actor::Host, Some(after.tenant.clone()))
        .about(format!("installation:{installation}"))
        .with("url", after.url.origin())
        .with("reason", why.as_str())
        .with("failures", after.health.failures)
        .with("messages", closed);
    append(conn, &entry)
}

fn end(conn: &Writing, settled: &Settled, entries: &[Entry]) -> Outcome<()> {
    if let Some((installation, generation, shown)) = &settled.shown {
        note(conn, installation, *generation, shown, settled.now)?;
    }
    settle(conn, settled.delivery, &settled.verdict)?;
    if matches!(settled.verdict, Verdict::Retry { .. } | Verdict::Released { .. }) {
        let orphaned = "UPDATE deliveries SET state = ?2, error = coalesce(error, 'there is no active back end')
          WHERE number = ?1 AND NOT EXISTS
          (SELECT 1 FROM backends b WHERE b.installation = deliveries.installation AND b.active = 1)";
        conn.execute(orphaned, params![settled.delivery, DEAD]).map_err(failed)?;
    }
    append_all(conn, entries)
}

/// Which messages are sent again: one that is finished, or those that were put aside.
const ONE: &str = "lane = ?2 AND installation = ?1 AND number = ?3 AND state IN (?4, ?5)";
/// Times are written in one form, of which the order is that of its text.
const SINCE: &str =
    "lane = ?2 AND installation = ?1 AND state = ?3 AND (SELECT body <> '' AND json_extract(body, '$.time') >= ?4
  FROM events WHERE number = event)";

fn again(conn: &Connection, installation: &InstallationId, which: Replay) -> Outcome<u64> {
    let due = format!("UPDATE deliveries SET state = {PENDING}, due = 0, attempts = 0 WHERE");
    let id = installation.as_str();
    let changed = match which {
        Replay::One(number) => conn.execute(&format!("{due} {ONE}"), params![id, LANE, number, DONE, DEAD]),
        Replay::Since(since) => conn.execute(&format!("{due} {SINCE}"), params![id, LANE, DEAD, since.to_string()]),
    };
    changed.map(|changed| changed as u64).map_err(failed)
}

/// How many that would be.
fn reached(conn: &Connection, installation: &InstallationId, which: Replay) -> Outcome<u64> {
    let count = "SELECT count(*) FROM deliveries WHERE";
    let (id, first) = (installation.as_str(), |row: &rusqlite::Row<'_>| row.get::<_, usize>(0));
    let found = match which {
        Replay::One(number) => conn.query_row(&format!("{count} {ONE}"), params![id, LANE, number, DONE, DEAD], first),
        Replay::Since(since) => {
            conn.query_row(&format!("{count} {SINCE}"), params![id, LANE, DEAD, since.to_string()], first)
        }
    };
    found.map(|found| found as u64).map_err(failed)
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn lease_sendings(
        &self,
        most: usize,
        each: usize,
        now: Timestamp,
        hold: Duration,
    ) -> Result<Vec<Sending>, StoreError> {
        // Most hosts have none at most times, and asking costs no transaction.
        let some = |conn: &Connection| {
            let some = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE lane = 1 AND state = 0)
              OR EXISTS (SELECT 1 FROM deliveries WHERE state = 1 AND lane = 1)";
            conn.prepare_cached(some).and_then(|mut s| s.query_row([], |row| row.get::<_, bool>(0))).map_err(failed)
        };
        if !self.db.read(some).await? {
            return Ok(Vec::new());
        }
        self.db.write(move |conn| take(conn, most, each, now, now.plus(hold))).await
    }

    async fn settle_sending(&self, settled: Settled, entries: Vec<Entry>) -> Result<(), StoreError> {
        self.db.write(move |conn| end(conn, &settled, &entries)).await
    }

    async fn tell(&self, notice: Notice, entry: Entry) -> Result<Option<i64>, StoreError> {
        self.db
            .write(move |conn| {
                append(conn, &entry)?;
                // Its own entry's index is nobody else's.
                let index: i64 = conn.query_row("SELECT max(idx) FROM audit", [], |row| row.get(0)).map_err(failed)?;
                tell(conn, notice, &format!("told-{index}"))
            })
            .await
    }

    async fn replay(&self, installation: &InstallationId, which: Replay, entry: Entry) -> Result<u64, StoreError> {
        let installation = installation.clone();
        self.db
            .write(move |conn| {
                let count = again(conn, &installation, which)?;
                append(conn, &entry.with("messages", count))?;
                Ok(count)
            })
            .await
    }

    async fn replayable(&self, installation: &InstallationId, which: Replay) -> Result<u64, StoreError> {
        let installation = installation.clone();
        self.db.read(move |conn| reached(conn, &installation, which)).await
    }

    async fn sendings(&self, installation: &InstallationId, most: usize) -> Result<Vec<DeliveryRow>, StoreError> {
        let installation = installation.clone();
        self.db.read(move |conn| rows(conn, most, Some(&installation))).await
    }
}

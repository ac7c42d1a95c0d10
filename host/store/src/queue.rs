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
mod tests {
    use portcullis_model::installation::{InstallationState, InstallationStore};

    use super::*;
    use crate::testing::{entry, event, installation, store};

    const HOLD: Duration = Duration::from_secs(30);

    async fn ingest(store: &SqliteStore, id: &str, targets: &[&str]) -> Ingested {
        let targets = targets.iter().map(|t| t.parse().unwrap()).collect();
        let (new, old) = (entry(Kind::EventReceived), entry(Kind::EventDuplicate));
        store.ingest(event(id), targets, new, old).await.unwrap()
    }

    async fn install(store: &SqliteStore, id: &str) {
        store.put_installation(installation(id), None, entry(Kind::PluginInstalled)).await.unwrap();
    }

    #[tokio::test]
    async fn a_duplicate_is_dropped_and_on_record() {
        let (_dir, store) = store();
        assert_eq!(ingest(&store, "e1", &["a", "b"]).await, Ingested::New(2));
        assert_eq!(ingest(&store, "e1", &["a", "b"]).await, Ingested::Duplicate);
        let bodies = store.entries(0, 10).await.unwrap();
        assert!(String::from_utf8_lossy(&bodies[1].body).contains("event.duplicate"));
        assert_eq!(store.depth().await.unwrap(), vec![(DeliveryState::Pending, 2)]);
    }

    #[tokio::test]
    async fn a_lease_is_exclusive_and_comes_back() {
        let (_dir, store) = store();
        install(&store, "a").await;
        ingest(&store, "e1", &["a"]).await;
        let now = Timestamp(1_000);
        let first = store.lease(10, 10, now, HOLD).await.unwrap();
        assert_eq!((first.len(), first[0].attempt), (1, 1));
        assert!(store.lease(10, 10, now, HOLD).await.unwrap().is_empty());
        let later = store.lease(10, 10, now.plus(HOLD), HOLD).await.unwrap();
        assert_eq!((later.len(), later[0].attempt), (1, 2));
        assert_eq!(store.recover().await.unwrap(), 1);
        assert_eq!(store.lease(10, 10, now, HOLD).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_row_that_nobody_can_read_is_put_aside_and_the_others_go_on() {
        let (_dir, store) = store();
        install(&store, "a").await;
        ingest(&store, "bad", &["a"]).await;
        ingest(&store, "good", &["a"]).await;
        let spoil = |conn: &crate::db::Writing| {
            conn.execute("UPDATE events SET body = '{' WHERE id = 'bad'", []).map_err(failed)
        };
        store.db.write(spoil).await.unwrap();
        let leases = store.lease(10, 10, Timestamp(1_000), HOLD).await.unwrap();
        assert_eq!(leases.iter().map(|lease| lease.event.id.as_str()).collect::<Vec<_>>(), ["good"]);
        let rows = store.deliveries(10).await.unwrap();
        let bad = rows.iter().find(|row| row.event == "bad").unwrap();
        assert_eq!((bad.state, bad.kind.as_str()), (DeliveryState::Dead, "unreadable"));
        let last = store.entries(0, 10).await.unwrap().pop().unwrap();
        assert!(String::from_utf8_lossy(&last.body).contains("delivery.dead"));
    }

    #[tokio::test]
    async fn one_installation_cannot_take_all_and_a_suspended_one_waits() {
        let (_dir, store) = store();
        for id in ["a", "b", "c"] {
            install(&store, id).await;
        }
        for n in 0..20 {
            ingest(&store, &format!("e{n}"), &["a"]).await;
        }
        ingest(&store, "last", &["b", "c"]).await;
        let mut c = installation("c");
        c.generation = 2;
        c.state = InstallationState::Suspended { reason: "test".into(), by_platform: false };
        assert!(store.put_installation(c, Some(1), entry(Kind::PluginSuspended)).await.unwrap());
        let leases = store.lease(100, 4, Timestamp(0), HOLD).await.unwrap();
        let of = |id: &str| leases.iter().filter(|l| l.installation.as_str() == id).count();
        assert_eq!((of("a"), of("b"), of("c")), (4, 1, 0));
        assert!(store.lease(100, 4, Timestamp(0), HOLD).await.unwrap().is_empty(), "four of it are held already");
    }

    #[tokio::test]
    async fn verdicts_do_what_they_say() {
        let (_dir, store) = store();
        install(&store, "a").await;
        for id in ["done", "retry", "dead", "released"] {
            ingest(&store, id, &["a"]).await;
        }
        let leases = store.lease(10, 10, Timestamp(0), HOLD).await.unwrap();
        let verdicts = [
            Verdict::Done,
            Verdict::Retry { at: Timestamp(50), error: "busy".into() },
            Verdict::Dead { error: "broken".into() },
            Verdict::Released { at: Timestamp(50) },
        ];
        for (lease, verdict) in leases.iter().zip(verdicts) {
            store.settle(lease.delivery, verdict, vec![entry(Kind::CallEnded)]).await.unwrap();
        }
        assert!(store.lease(10, 10, Timestamp(49), HOLD).await.unwrap().is_empty());
        let again = store.lease(10, 10, Timestamp(50), HOLD).await.unwrap();
        let tries: Vec<(&str, u32)> = again.iter().map(|l| (l.event.id.as_str(), l.attempt)).collect();
        assert_eq!(tries, [("retry", 2), ("released", 1)]);
        let rows = store.deliveries(10).await.unwrap();
        let dead = rows.iter().find(|r| r.event == "dead").unwrap();
        assert_eq!((dead.state, dead.error.as_deref()), (DeliveryState::Dead, Some("broken")));
    }

    #[tokio::test]
    async fn what_was_put_aside_waits_anew_once_and_only_where_somebody_is_there() {
        let (_dir, store) = store();
        for id in ["a", "b"] {
            install(&store, id).await;
        }
        ingest(&store, "one", &["a", "b", "gone"]).await;
        let leases = store.lease(9, 9, Timestamp(0), HOLD).await.unwrap();
        for lease in &leases {
            let dead = Verdict::Dead { error: "it trapped".into() };
            store.settle(lease.delivery, dead, vec![entry(Kind::DeliveryDead)]).await.unwrap();
        }
        let of = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect::<Vec<InstallationId>>();
        let dead = Some(DeliveryState::Dead);
        let aside = store.deliveries_to(of(&["a", "b"]), dead, None, 9).await.unwrap();
        assert_eq!(aside.iter().map(|row| row.delivery).collect::<Vec<_>>(), [2, 1], "the newest first");
        assert_eq!(store.deliveries_to(of(&["a", "b"]), dead, Some(2), 9).await.unwrap().len(), 1);
        let others = store.deliveries_to(of(&["b"]), dead, None, 9).await.unwrap();
        assert_eq!(others[0].installation.as_str(), "b", "of nobody else");
        let waiting = Some(DeliveryState::Pending);
        assert!(store.deliveries_to(of(&["a", "b"]), waiting, None, 9).await.unwrap().is_empty(), "none waits");
        assert_eq!(store.deliveries_to(of(&["a", "b"]), None, None, 9).await.unwrap().len(), 2, "in any state");
        let before = store.entry_count().await.unwrap();
        let retry = async |number| store.retry(number, entry(Kind::DeliveryRetried)).await.unwrap();
        assert_eq!(store.may_retry(1).await.unwrap(), Retried::Waits);
        assert_eq!(store.delivery(1).await.unwrap().unwrap().state, DeliveryState::Dead, "nothing was changed");
        assert_eq!(retry(1).await, Retried::Waits);
        let row = store.delivery(1).await.unwrap().unwrap();
        assert_eq!((row.state, row.attempts), (DeliveryState::Pending, 0), "its tries are counted anew");
        for number in [1, 9] {
            assert_eq!(retry(number).await, Retried::NotAside);
        }
        let nobody =
            store.db.write(|conn| conn.execute("UPDATE deliveries SET state = 3 WHERE number = 3", []).map_err(failed));
        nobody.await.unwrap();
        assert_eq!(retry(3).await, Retried::NobodyThere);
        assert_eq!(store.entry_count().await.unwrap(), before + 1, "what changed nothing left no entry");
        let again = store.lease(9, 9, Timestamp(0), HOLD).await.unwrap();
        assert_eq!(again.iter().map(|one| (one.delivery, one.attempt)).collect::<Vec<_>>(), [(1, 1)]);
    }

    #[tokio::test]
    async fn a_list_of_deliveries_walks_an_index_and_no_other_installations() {
        let (_dir, store) = store();
        for (id, targets) in [("e1", ["a", "b"]), ("e2", ["b", "c"]), ("e3", ["a", "c"])] {
            ingest(&store, id, &targets).await;
        }
        let listed_to = async |ids: &[&str], before, most| {
            let of = ids.iter().map(|id| id.parse().unwrap()).collect();
            let rows = store.deliveries_to(of, None, before, most).await.unwrap();
            rows.into_iter().map(|row| (row.delivery, row.installation.to_string())).collect::<Vec<_>>()
        };
        let row = |number, to: &str| (number, to.to_owned());
        assert_eq!(listed_to(&["a", "b"], None, 3).await, [row(5, "a"), row(3, "b"), row(2, "b")]);
        assert_eq!(listed_to(&["a", "b"], Some(2), 3).await, [row(1, "a")]);
        for (state, index) in [(None, "deliveries_of"), (Some(DeliveryState::Dead), "deliveries_dead")] {
            let plan = store.db.read(move |conn| {
                let sql = format!("EXPLAIN QUERY PLAN SELECT d.number FROM deliveries d WHERE {}", listed(state));
                let mut query = conn.prepare(&sql).map_err(failed)?;
                let steps = query.query_map(params!["[]", 7, 3], |row| row.get::<_, String>(3)).map_err(failed)?;
                steps.collect::<Result<Vec<_>, _>>().map_err(failed)
            });
            let plan = plan.await.unwrap();
            let walks = |step: &String| step.contains(&format!("{index} (installation=? AND number<?)"));
            assert!(plan.iter().any(walks), "{plan:?}");
            assert!(!plan.iter().any(|step| step.starts_with("SCAN") && !step.starts_with("SCAN i ")), "{plan:?}");
        }
    }
}

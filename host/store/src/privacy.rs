//! Requests of data subjects, and what each installation made of them.
//!
//! Invariants: a request, its parts, what asks them and the entry are stored together; a part is answered together with its delivery,
//! and once; a part whose delivery is gone or was given up does not wait; what was asked is in no event any more once nobody has to
//! be asked.

mod others;
mod records;
mod sweep;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod traces_test;

use async_trait::async_trait;
use portcullis_model::{
    audit::{ERASED, Entry},
    call::Call,
    error::StoreError,
    event::{Event, EventForm},
    id::{PrivacyId, TenantId},
    privacy::{
        Closing, HeldCopies, Identity, NewPart, ORIGIN, PartState, PrivacyAnswer, PrivacyKind, PrivacyPart,
        PrivacyRequest, PrivacyStore, Stage, Sweep,
    },
    queue::Verdict,
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::others::line;
pub use self::sweep::FoundCopy;
use crate::{
    SqliteStore,
    audit::{append, append_one},
    db::{Outcome, Writing, corrupt, failed},
    queue,
};

/// Whom a request is about, as it is stored.
#[derive(Serialize, Deserialize)]
struct Person {
    who: Identity,
    correction: Option<Value>,
}

/// The request that a call answers, where it answers one.
pub(crate) fn request_of(call: &Call) -> Option<&str> {
    call.event.strip_prefix(ORIGIN)?.strip_prefix('/')
}

/// How often the part behind a delivery was settled without a final answer.
pub(crate) fn tries(conn: &Connection, delivery: i64, event: &Event) -> Outcome<u32> {
    if event.form != EventForm::Privacy {
        return Ok(0);
    }
    conn.prepare_cached("SELECT tries FROM privacy_parts WHERE request = ?1 AND delivery = ?2")
        .and_then(|mut s| s.query_row(params![event.id, delivery], |row| row.get(0)).optional())
        .map(Option::unwrap_or_default)
        .map_err(failed)
}

/// What becomes of the part behind a delivery, where there is one, with what becomes of the delivery.
pub(crate) fn settle(conn: &Connection, delivery: i64, verdict: &Verdict) -> Outcome<()> {
    let (state, at, records, note, data, problem) = match verdict {
        Verdict::Answered { at, answer: PrivacyAnswer::Done { records, data, note } } => {
            ("done", Some(at), Some(*records), note.as_deref(), data.as_deref(), None)
        }
        Verdict::Answered { at, .. } => ("nothing-held", Some(at), None, None, None, None),
        Verdict::Later { error, .. } => ("waiting", None, None, None, None, error.as_deref()),
        Verdict::Unanswered { at, error } => ("failed", Some(at), None, None, None, Some(error.as_str())),
        Verdict::Dead { .. } | Verdict::Done | Verdict::Retry { .. } | Verdict::Released { .. } => return Ok(()),
    };
    // What comes when the request is closed comes too late: its parts are not touched any more, and nothing of a person is kept then.
    conn.prepare_cached(
        "UPDATE privacy_parts SET state = ?2, ended = ?3, records = ?4, note = ?5,
           data = iif((SELECT kind FROM privacy_requests r WHERE r.id = privacy_parts.request) = 'access', ?6, NULL),
           problem = iif(?2 = 'waiting' OR ?2 = 'failed', coalesce(?7, problem), NULL), tries = tries + 1
         WHERE delivery = ?1 AND state = 'waiting'
         AND EXISTS (SELECT 1 FROM privacy_requests r WHERE r.id = privacy_parts.request AND r.stage = 'asking')
         AND installation = (SELECT installation FROM deliveries WHERE number = ?1)",
    )
    .and_then(|mut s| s.execute(params![delivery, state, at.map(|at| at.0), records, note, data, problem]))
    .map_err(failed)?;
    match state {
        "waiting" => Ok(()),
        _ => put_away(conn, "number = (SELECT event FROM deliveries WHERE number = ?1)", delivery),
    }
}

/// Takes out of events of requests whom they are about, where no delivery needs it any more.
fn put_away<P: rusqlite::ToSql>(conn: &Connection, which: &str, of: P) -> Outcome<()> {
    let sql = format!(
        "SELECT number, body FROM events WHERE {which} AND origin = 'privacy' AND body <> ''
         AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = events.number AND state IN (0, 1))"
    );
    let mut query = conn.prepare_cached(&sql).map_err(failed)?;
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let found: Vec<(i64, String)> = query.query_map([of], row).and_then(Iterator::collect).map_err(failed)?;
    for (number, body) in found {
        let body = match serde_json::from_str::<Event>(&body) {
            Ok(event) => serde_json::to_string(&Event { data: Value::Null, ..event }).map_err(corrupt)?,
            Err(_) => String::new(),
        };
        conn.execute("UPDATE events SET body = ?2 WHERE number = ?1", params![number, body]).map_err(failed)?;
    }
    Ok(())
}

/// Stores what asks the parts that wait, a delivery each.
fn ask(conn: &Connection, id: &PrivacyId, event: &Event) -> Outcome<()> {
    let body = serde_json::to_string(event).map_err(corrupt)?;
    conn.execute(
        "INSERT INTO events (tenant, origin, source, id, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![event.tenant.as_str(), event.origin.as_str(), event.source, event.id, body],
    )
    .map_err(failed)?;
    let number = conn.last_insert_rowid();
    let mut waiting = conn
        .prepare_cached("SELECT installation FROM privacy_parts WHERE request = ?1 AND state = 'waiting' ORDER BY 1")
        .map_err(failed)?;
    let waiting: Vec<String> =
        waiting.query_map([id.as_str()], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    for installation in waiting {
        conn.execute(
            "INSERT INTO deliveries (event, installation, state, due, attempts) VALUES (?1, ?2, ?3, 0, 0)",
            params![number, installation, queue::PENDING],
        )
        .map_err(failed)?;
        let delivery = conn.last_insert_rowid();
        conn.execute(
            "UPDATE privacy_parts SET delivery = ?3 WHERE request = ?1 AND installation = ?2",
            params![id.as_str(), installation, delivery],
        )
        .map_err(failed)?;
    }
    set_stage(conn, id, Stage::Asking)?;
    put_away(conn, "number = ?1", number)
}

fn set_stage(conn: &Connection, id: &PrivacyId, stage: Stage) -> Outcome<()> {
    conn.execute("UPDATE privacy_requests SET stage = ?2 WHERE id = ?1", params![id.as_str(), stage.name()])
        .map(drop)
        .map_err(failed)
}

fn open(
    conn: &Writing,
    request: &PrivacyRequest,
    parts: &[NewPart],
    event: Option<&Event>,
    entry: &Entry,
) -> Outcome<()> {
    let index = append_one(conn, entry)?;
    let who = request.who.clone().ok_or_else(|| StoreError("a request is about somebody".to_owned()))?;
    let person = Person { who, correction: request.correction.clone() };
    conn.execute(
        "INSERT INTO privacy_requests (id, tenant, kind, stage, opened, deadline, overdue, entry, person)
         VALUES (?1, ?2, ?3, 'begun', ?4, ?5, 0, ?6, ?7)",
        params![
            request.id.as_str(),
            request.tenant.as_str(),
            request.kind.name(),
            request.opened.0,
            request.deadline.0,
            index,
            serde_json::to_string(&person).map_err(corrupt)?
        ],
    )
    .map_err(failed)?;
    for NewPart { installation, plugin, state } in parts {
        let contact = if let PartState::NoHandler { contact } = state { Some(contact.as_str()) } else { None };
        conn.execute(
            "INSERT INTO privacy_parts (request, installation, plugin, state, contact) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![request.id.as_str(), installation.as_str(), plugin.as_str(), state.name(), contact],
        )
        .map_err(failed)?;
    }
    event.map_or(Ok(()), |event| ask(conn, &request.id, event))
}

/// A part that waits does so where its delivery does.
const PARTS: &str =
    "SELECT p.installation, p.plugin, p.state, p.ended, p.tries, p.records, p.note, p.data, p.contact, p.problem,
    p.delivery IS NOT NULL AND d.number IS NULL, d.state = 3, d.error, i.active = 0, r.stage IN ('closed', 'forgotten')
  FROM privacy_parts p JOIN privacy_requests r ON r.id = p.request
  LEFT JOIN deliveries d ON d.number = p.delivery AND d.installation = p.installation
  LEFT JOIN installations i ON i.id = p.installation
  WHERE p.request = ?1 ORDER BY p.installation";

/// One row of these, with texts that may be no ids.
struct PartRow {
    installation: String,
    plugin: String,
    state: String,
    ended: Option<i64>,
    tries: u32,
    records: Option<u32>,
    note: Option<String>,
    data: Option<String>,
    contact: Option<String>,
    problem: Option<String>,
    gone: Option<bool>,
    dead: Option<bool>,
    error: Option<String>,
    suspended: Option<bool>,
    over: bool,
}

impl PartRow {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            installation: row.get(0)?,
            plugin: row.get(1)?,
            state: row.get(2)?,
            ended: row.get(3)?,
            tries: row.get(4)?,
            records: row.get(5)?,
            note: row.get(6)?,
            data: row.get(7)?,
            contact: row.get(8)?,
            problem: row.get(9)?,
            gone: row.get(10)?,
            dead: row.get(11)?,
            error: row.get(12)?,
            suspended: row.get(13)?,
            over: row.get(14)?,
        })
    }

    fn part(self) -> Outcome<PrivacyPart> {
        let failed = |error: Option<String>, otherwise: &str| PartState::Failed {
            error: error.unwrap_or_else(|| otherwise.to_owned()),
        };
        let state = match self.state.as_str() {
            "waiting" if self.gone == Some(true) => failed(None, "the installation was uninstalled and erased"),
            "waiting" if self.dead == Some(true) => failed(self.error, "it was given up"),
            "waiting" if self.over => failed(self.problem.clone(), "the request was closed before it answered"),
            "waiting" => PartState::Waiting,
            "nothing-held" => PartState::NothingHeld,
            "done" => PartState::Done { records: self.records.unwrap_or(0), note: self.note, data: self.data },
            "failed" => failed(self.problem.clone(), "it did not answer"),
            "no-handler" => PartState::NoHandler { contact: self.contact.unwrap_or_default() },
            "uninstalled" => PartState::Uninstalled,
            other => return Err(corrupt(format!("a part of a request that is '{other}'"))),
        };
        Ok(PrivacyPart {
            installation: self.installation.parse().map_err(corrupt)?,
            plugin: self.plugin.parse().map_err(corrupt)?,
            suspended: state == PartState::Waiting && self.suspended == Some(true),
            state,
            ended: self.ended.map(Timestamp),
            tries: self.tries,
            problem: self.problem,
        })
    }
}

fn read_parts(conn: &Connection, id: &str) -> Outcome<Vec<PrivacyPart>> {
    let mut query = conn.prepare_cached(PARTS).map_err(failed)?;
    let rows: Vec<PartRow> = query.query_map([id], PartRow::of).and_then(Iterator::collect).map_err(failed)?;
    rows.into_iter().map(PartRow::part).collect()
}

const REQUESTS: &str =
    "SELECT id, tenant, kind, stage, opened, deadline, closed, overdue, entry, person, erased, emptied_by,
  settled, awaits FROM privacy_requests";

fn read_requests(conn: &Connection, which: &str, of: &[&dyn rusqlite::ToSql]) -> Outcome<Vec<PrivacyRequest>> {
    let mut query = conn.prepare_cached(&format!("{REQUESTS} {which}")).map_err(failed)?;
    let mut rows = query.query(of).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let text = |i| row.get::<_, String>(i).map_err(failed);
        let (id, kind, stage) = (text(0)?, text(2)?, text(3)?);
        let person: Option<String> = row.get(9).map_err(failed)?;
        let person = person.map(|text| serde_json::from_str::<Person>(&text).map_err(corrupt)).transpose()?;
        let (who, correction) = person.map_or((None, None), |person| (Some(person.who), person.correction));
        let erased: Option<String> = row.get(10).map_err(failed)?;
        found.push(PrivacyRequest {
            parts: read_parts(conn, &id)?,
            id: id.parse().map_err(corrupt)?,
            tenant: text(1)?.parse().map_err(corrupt)?,
            kind: PrivacyKind::ALL
                .into_iter()
                .find(|one| one.name() == kind)
                .ok_or_else(|| corrupt(format!("a request for '{kind}'")))?,
            who,
            correction,
            opened: Timestamp(row.get(4).map_err(failed)?),
            deadline: Timestamp(row.get(5).map_err(failed)?),
            stage: Stage::of(&stage).ok_or_else(|| corrupt(format!("a request that is '{stage}'")))?,
            closed: row.get::<_, Option<i64>>(6).map_err(failed)?.map(Timestamp),
            overdue: row.get(7).map_err(failed)?,
            entry: row.get(8).map_err(failed)?,
            erased: erased.map(|text| serde_json::from_str::<HeldCopies>(&text).map_err(corrupt)).transpose()?,
            emptied_by: others::emptied_by(row.get(11).map_err(failed)?)?,
            settled: row.get(12).map_err(failed)?,
            awaits: row
                .get::<_, Option<String>>(13)
                .map_err(failed)?
                .map_or(Ok(Vec::new()), |text| serde_json::from_str(&text).map_err(corrupt))?,
        });
    }
    Ok(found)
}

/// Less what was answered.
fn listed(conn: &Connection, which: &str, of: &[&dyn rusqlite::ToSql]) -> Outcome<Vec<PrivacyRequest>> {
    let tx = conn.unchecked_transaction().map_err(failed)?;
    let mut all = read_requests(&tx, which, of)?;
    for part in all.iter_mut().flat_map(|one| &mut one.parts) {
        if let PartState::Done { data, .. } = &mut part.state {
            *data = None;
        }
    }
    Ok(all)
}

fn read_one(conn: &Connection, id: &PrivacyId) -> Outcome<Option<PrivacyRequest>> {
    Ok(read_requests(conn, "WHERE id = ?1", &[&id.as_str()])?.pop())
}

fn close(conn: &Writing, closing: &Closing) -> Outcome<bool> {
    let Closing { id, tenant, at, entry } = closing;
    let closed = conn
        .execute(
            "UPDATE privacy_requests SET stage = 'closed', closed = ?3, awaits =
               (SELECT json_group_array(d.number) FROM deliveries d JOIN events e ON e.number = d.event
                WHERE d.state = 1 AND e.tenant = ?2)
             WHERE id = ?1 AND tenant = ?2 AND stage = 'asking'",
            params![id.as_str(), tenant.as_str(), at.0],
        )
        .map_err(failed)?;
    if closed == 0 {
        return Ok(false);
    }
    conn.execute(
        "UPDATE deliveries SET state = 3, error = 'the request was closed' WHERE state IN (0, 1)
         AND number IN (SELECT delivery FROM privacy_parts WHERE request = ?1)
         AND event IN (SELECT number FROM events WHERE origin = 'privacy' AND id = ?1)",
        [id.as_str()],
    )
    .map_err(failed)?;
    put_away(conn, "id = ?1", id.as_str())?;
    append(conn, entry)?;
    Ok(true)
}

/// Keeps no more whom a request was about, nor what was answered, nor, for one to erase, what the entry about it says.
fn forget(conn: &Writing, id: &PrivacyId, entry: &Entry) -> Outcome<bool> {
    let gone = conn
        .execute(
            "UPDATE privacy_requests SET stage = 'forgotten', person = NULL WHERE id = ?1 AND stage = 'closed'",
            [id.as_str()],
        )
        .map_err(failed)?;
    if gone == 0 {
        return Ok(false);
    }
    conn.execute("UPDATE privacy_parts SET data = NULL WHERE request = ?1", [id.as_str()]).map_err(failed)?;
    append(conn, entry)?;
    Ok(true)
}

#[async_trait]
impl PrivacyStore for SqliteStore {
    async fn open_request(
        &self,
        request: PrivacyRequest,
        parts: Vec<NewPart>,
        event: Option<Event>,
        entry: Entry,
    ) -> Result<(), StoreError> {
        self.db.write(move |conn| open(conn, &request, &parts, event.as_ref(), &entry)).await
    }

    async fn sweep(&self, sweep: Sweep) -> Result<Option<HeldCopies>, StoreError> {
        self.erase_copies(sweep).await
    }

    async fn requests(&self, tenant: Option<TenantId>) -> Result<Vec<PrivacyRequest>, StoreError> {
        self.db
            .read(move |conn| {
                let whose = tenant.as_ref().map(TenantId::as_str);
                listed(conn, "WHERE ?1 IS NULL OR tenant = ?1 ORDER BY opened, id", &[&whose])
            })
            .await
    }

    async fn unfinished(&self) -> Result<Vec<PrivacyRequest>, StoreError> {
        self.db.read(|conn| listed(conn, "WHERE stage <> 'forgotten' ORDER BY opened, id", &[])).await
    }

    async fn request(&self, id: PrivacyId) -> Result<Option<PrivacyRequest>, StoreError> {
        self.db
            .read(move |conn| {
                let tx = conn.unchecked_transaction().map_err(failed)?;
                read_one(&tx, &id)
            })
            .await
    }

    async fn note_overdue(&self, id: PrivacyId, entry: Entry) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let noted = conn
                    .execute(
                        "UPDATE privacy_requests SET overdue = 1 WHERE id = ?1 AND overdue = 0 AND closed IS NULL",
                        [id.as_str()],
                    )
                    .map_err(failed)?;
                if noted == 1 {
                    append(conn, &entry)?;
                }
                Ok(noted == 1)
            })
            .await
    }

    async fn still_under_way(&self, deliveries: Vec<i64>, now: Timestamp) -> Result<bool, StoreError> {
        self.db
            .read(move |conn| {
                // What was put away while a plugin was at it (3) goes on until its lease ends.
                let sql = "SELECT 1 FROM deliveries WHERE number = ?1 AND state IN (1, 3) AND due > ?2";
                let mut held = conn.prepare_cached(sql).map_err(failed)?;
                for number in deliveries {
                    if held.exists(params![number, now.0]).map_err(failed)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            })
            .await
    }

    async fn close_request(&self, closing: Closing) -> Result<bool, StoreError> {
        self.db.write(move |conn| close(conn, &closing)).await
    }

    async fn forget_request(&self, id: PrivacyId, entry: Entry) -> Result<bool, StoreError> {
        let forgotten = self.db.write(move |conn| forget(conn, &id, &entry)).await?;
        if forgotten {
            self.emptied().await;
        }
        Ok(forgotten)
    }
}

impl SqliteStore {
    /// Empties the file of recent changes. Whether it did.
    async fn emptied(&self) -> bool {
        let emptied = self.db.empty_wal().await;
        if let Err(error) = &emptied {
            tracing::warn!(%error, "what was erased stays in the file of recent changes until that is written over");
        }
        emptied.is_ok()
    }
}

/// A text of a plugin's that is kept with a part, where the person stands in it.
fn covered(text: Option<String>, is_about: impl Fn(&str) -> bool) -> Option<String> {
    text.map(|text| if is_about(&text) { ERASED.to_owned() } else { text })
}

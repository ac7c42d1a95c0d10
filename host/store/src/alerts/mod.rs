//! What rules remember, the alerts that they raised, mutes, and what waits to be told.
//!
//! - this file moves the cursor: memories, alerts and cursor in one transaction;
//! - [`rows`] is what people see and change;
//! - [`outbox`] is what endpoints are told.
//!
//! Invariants: the cursor moves by compare-and-swap in the transaction that stores what was found before it, so that nothing is found
//! twice or lost, whoever dies and however many follow the log; an alert, its entry and what waits to be told of it are stored
//! together; rows hold no personal value: who and why are read from entries, and are gone with them.

mod outbox;
mod rows;
#[cfg(test)]
mod tests;

use portcullis_model::{
    alert::{AlertId, Hit, MOST_ENTRIES},
    audit::{Actor, Entry, Kind},
    id::Digest,
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    SqliteStore, StoredEntry,
    audit::{append, append_one, from},
    db::{Outcome, Writing, corrupt, failed},
};

/// Up to how many hits of one alert each new thing is told of.
const MOST_TOLD: u64 = 25;

/// A thing that a rule remembers of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryCell {
    /// The rule.
    pub rule: String,
    /// The subject.
    pub subject: String,
    /// What it is called.
    pub item: String,
    /// How often, and when first and last, in milliseconds since 1970; none: it is forgotten.
    pub cell: Option<(u64, i64, i64)>,
}

/// How far the rules have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectCursor {
    /// The first entry that they were not held against.
    pub next: u64,
    /// The digest of the rules then; none where there were none.
    pub rules: Option<Digest>,
}

/// What came of holding entries against the rules.
#[derive(Clone, Debug)]
pub struct DetectStep {
    /// From this entry on.
    pub from: u64,
    /// To before this one.
    pub to: u64,
    /// What changed of the memories.
    pub cells: Vec<MemoryCell>,
    /// What was found, in the order of the entries.
    pub hits: Vec<Hit>,
    /// Subjects of which nothing is to be remembered any more, since they were erased.
    pub forget: Vec<String>,
    /// When.
    pub now: Timestamp,
}

impl SqliteStore {
    /// How far the rules have come.
    pub async fn detect_cursor(&self) -> Outcome<DetectCursor> {
        self.db.read(cursor).await
    }

    /// Says under which rules it goes on from here, with the entry that says so. False where it is so already.
    pub async fn detect_under(&self, rules: Digest, entry: Entry) -> Outcome<bool> {
        self.db
            .write(move |conn| {
                let changed = conn
                    .execute("UPDATE detect_cursor SET rules = ?1 WHERE rules <> ?1", [rules.to_string()])
                    .map_err(failed)?;
                if changed == 1 {
                    append(conn, &entry)?;
                }
                Ok(changed == 1)
            })
            .await
    }

    /// Up to `most` entries from the cursor on.
    pub async fn detect_next(&self, most: usize) -> Outcome<(DetectCursor, Vec<StoredEntry>)> {
        self.db
            .read(move |conn| {
                let cursor = cursor(conn)?;
                let entries = from(conn, cursor.next, most)?;
                Ok((cursor, entries))
            })
            .await
    }

    /// What rules remember of these subjects.
    pub async fn detect_memories(&self, of: Vec<(String, String)>) -> Outcome<Vec<MemoryCell>> {
        self.db
            .read(move |conn| {
                let mut query = conn
                    .prepare_cached(
                        "SELECT item, count, first, last FROM detect_memory WHERE rule = ?1 AND subject = ?2",
                    )
                    .map_err(failed)?;
                let mut all = Vec::new();
                for (rule, subject) in of {
                    let mut rows = query.query(params![rule, subject]).map_err(failed)?;
                    while let Some(row) = rows.next().map_err(failed)? {
                        let read = || Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)));
                        let (item, cell) = read().map_err(failed)?;
                        let (rule, subject) = (rule.clone(), subject.clone());
                        all.push(MemoryCell { rule, subject, item, cell: Some(cell) });
                    }
                }
                Ok(all)
            })
            .await
    }

    /// Forgets whatever is remembered under this name, by whichever rule.
    pub async fn detect_forget(&self, item: String) -> Outcome<()> {
        let forget = "DELETE FROM detect_memory WHERE item = ?1";
        self.db.write(move |conn| conn.execute(forget, [item]).map(drop).map_err(failed)).await
    }

    /// Moves the cursor on, with all that was found before it. False, and nothing is stored, where it was elsewhere.
    pub async fn detect_step(&self, step: DetectStep) -> Outcome<bool> {
        self.db.write(move |conn| apply(conn, &step)).await
    }
}

fn cursor(conn: &Connection) -> Outcome<DetectCursor> {
    let row = conn.query_row("SELECT next, rules FROM detect_cursor", [], |row| Ok((row.get(0)?, row.get(1)?)));
    let (next, rules): (u64, String) = row.map_err(failed)?;
    let rules = if rules.is_empty() { None } else { Some(rules.parse().map_err(corrupt)?) };
    Ok(DetectCursor { next, rules })
}

fn apply(conn: &Writing, step: &DetectStep) -> Outcome<bool> {
    let moved =
        conn.execute("UPDATE detect_cursor SET next = ?2 WHERE next = ?1", [step.from, step.to]).map_err(failed)?;
    if moved != 1 {
        return Ok(false);
    }
    let mut put = conn
        .prepare_cached(
            "INSERT OR REPLACE INTO detect_memory (rule, subject, item, count, first, last)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .map_err(failed)?;
    let mut forget = conn
        .prepare_cached("DELETE FROM detect_memory WHERE rule = ?1 AND subject = ?2 AND item = ?3")
        .map_err(failed)?;
    for MemoryCell { rule, subject, item, cell } in &step.cells {
        let of = subject.split('/').next().unwrap_or(subject);
        if cell.is_some() && is_deleted(conn, of)? {
            continue;
        }
        match cell {
            // SQLite's integers have a sign.
            Some((count, first, last)) => {
                put.execute(params![rule, subject, item, i64::try_from(*count).unwrap_or(i64::MAX), first, last])
            }
            None => forget.execute(params![rule, subject, item]),
        }
        .map_err(failed)?;
    }
    for subject in &step.forget {
        conn.execute("DELETE FROM detect_memory WHERE subject = ?1", [subject]).map_err(failed)?;
    }
    for hit in &step.hits {
        if let Some(tenant) = &hit.tenant
            && is_deleted(conn, tenant.as_str())?
        {
            continue;
        }
        take(conn, hit, step.now)?;
    }
    Ok(true)
}

/// Whether nothing about this tenant is kept any more: the log is read behind, and may still speak of it (DAT-10).
fn is_deleted(conn: &Writing, tenant: &str) -> Outcome<bool> {
    conn.prepare_cached("SELECT 1 FROM tenant_deletions WHERE tenant = ?1 AND tenant <> 'host'")
        .and_then(|mut query| query.exists([tenant]))
        .map_err(failed)
}

/// Hides a hit under a mute, adds it to the alert that there is, or raises one.
fn take(conn: &Writing, hit: &Hit, now: Timestamp) -> Outcome<()> {
    let tenant = hit.tenant.as_ref().map(|tenant| tenant.as_str());
    let installation = hit.installation.as_ref().map(|one| one.as_str());
    if let Some(mute) = rows::mute_over(conn, &hit.rule, tenant, installation, hit.time)? {
        return conn
            .execute(
                "UPDATE alert_mutes SET hidden = hidden + 1, hidden_last = ?2 WHERE number = ?1",
                params![mute, hit.entries.last()],
            )
            .map(drop)
            .map_err(failed);
    }
    match newest(conn, hit)? {
        Some(one) if one.state != rows::CLOSED && hit.time < one.first.plus(hit.cool_down) => add(conn, one, hit, now),
        _ => raise(conn, hit, now),
    }
}

/// The newest alert of a rule about a subject.
struct Newest {
    number: u64,
    first: Timestamp,
    state: u8,
    count: u64,
    body: String,
}

fn newest(conn: &Connection, hit: &Hit) -> Outcome<Option<Newest>> {
    conn.prepare_cached(
        "SELECT number, first, state, count, body FROM alerts WHERE rule = ?1 AND subject = ?2 ORDER BY number DESC LIMIT 1",
    )
    .and_then(|mut query| {
        let row = |row: &rusqlite::Row<'_>| {
            let (first, body) = (Timestamp(row.get(1)?), row.get(4)?);
            Ok(Newest { number: row.get(0)?, first, state: row.get(2)?, count: row.get(3)?, body })
        };
        query.query_row([&hit.rule, &hit.subject], row).optional()
    })
    .map_err(failed)
}

/// Adds a hit to an alert. One that somebody looked at is open again and told anew, as what it was looked at for was less than it is
/// now; so is one in which there is something new.
fn add(conn: &Writing, alert: Newest, hit: &Hit, now: Timestamp) -> Outcome<()> {
    let mut body: rows::Body = serde_json::from_str(&alert.body).map_err(corrupt)?;
    let is_other = body.add(&hit.why, &hit.entries);
    let body = serde_json::to_string(&body).map_err(corrupt)?;
    conn.prepare_cached(
        "UPDATE alerts SET count = count + 1, last = max(last, ?2), body = ?3, state = 0 WHERE number = ?1",
    )
    .and_then(|mut s| s.execute(params![alert.number, hit.time.0, body]))
    .map_err(failed)?;
    let count = alert.count.saturating_add(1);
    // Beyond so many, news is told the more rarely the more there was: nobody is kept awake by what makes new values without end.
    let is_told = hit.is_news && is_other && (count <= MOST_TOLD || count.is_power_of_two());
    let reopens = alert.state == rows::ACKNOWLEDGED;
    if !reopens && !is_told {
        return Ok(());
    }
    append_one(conn, &raised(alert.number, hit, &hit.entries, now).with("hits", count).with("reopened", reopens))?;
    outbox::enqueue(conn, alert.number, hit, now)
}

fn raise(conn: &Writing, hit: &Hit, now: Timestamp) -> Outcome<()> {
    let mut entries = hit.entries.clone();
    rows::ends(&mut entries, MOST_ENTRIES);
    let body =
        rows::Body { title: hit.title.clone(), party: hit.party, why: hit.why.clone(), more: Vec::new(), entries };
    let (tenant, installation) =
        (hit.tenant.as_ref().map(|one| one.as_str()), hit.installation.as_ref().map(|one| one.as_str()));
    conn.prepare_cached(
        "INSERT INTO alerts (rule, subject, severity, tenant, installation, first, last, count, state, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1, 0, ?7)",
    )
    .and_then(|mut s| {
        let body = serde_json::to_string(&body).unwrap_or_default();
        s.execute(params![hit.rule, hit.subject, hit.severity.name(), tenant, installation, hit.time.0, body])
    })
    .map_err(failed)?;
    let number = u64::try_from(conn.last_insert_rowid()).map_err(corrupt)?;
    append_one(conn, &raised(number, hit, &body.entries, now))?;
    outbox::enqueue(conn, number, hit, now)
}

/// What the log says of a hit that is told.
fn raised(number: u64, hit: &Hit, entries: &[u64], now: Timestamp) -> Entry {
    let entry = Entry::new(now, Kind::AlertRaised, Actor::Host, hit.tenant.clone())
        .about(format!("alert:{}", AlertId(number)))
        .with("rule", hit.rule.as_str())
        .with("severity", hit.severity.name())
        .with("subject", hit.subject.as_str())
        .with("found", hit.why.as_str())
        .with("entries", entries.to_vec());
    match &hit.installation {
        Some(installation) => entry.with("installation", installation.as_str()),
        None => entry,
    }
}

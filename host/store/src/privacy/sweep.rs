//! What the host itself keeps about a person: found, for an export, and erased (DAT-4).
//!
//! Invariants: what is looked through is one tenant's; it is looked for outside of the writer, and what was found is looked at again
//! where it is erased, so that what has changed in between is not taken for what it was; counts, entries and what follows from them
//! are of one transaction with what was erased.

use std::sync::Arc;

use portcullis_model::{
    audit::ERASED,
    consent::Consent,
    event::Event,
    id::{InstallationId, TenantId},
    idempotency::Kept,
    privacy::{Finder, Finders, HeldCopies, Stage, Sweep},
};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};
use serde_json::{Value, json};

use super::{ask, others, records};
use crate::{
    SqliteStore,
    audit::{FoundValue, about, append, append_one, erase_found},
    db::{Outcome, Writing, corrupt, failed},
};

/// Something that the host keeps about a person.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundCopy {
    /// Of which installation; `None`: of the tenant.
    pub installation: Option<InstallationId>,
    /// Of which sort, as in [`HeldCopies`].
    pub sort: &'static str,
    /// What it is, and what is in it.
    pub content: Value,
}

/// A stored value's place: installation, bucket and key.
type Place = (String, String, String);

/// What was found, by where it lies.
#[derive(Default)]
struct Found {
    values: Vec<(Place, Vec<u8>)>,
    events: Vec<FoundEvent>,
    errors: Vec<(i64, String, String)>,
    lines: Vec<(i64, String, String)>,
    consents: Vec<(String, String)>,
    answers: Vec<(String, String, String)>,
    records: Vec<records::FoundRecord>,
    openings: Vec<FoundValue>,
}

/// An event: its number, what it is stored under, and its body, which is empty once nobody waits for it.
struct FoundEvent {
    number: i64,
    source: String,
    id: String,
    body: String,
}

/// Has each row of a query looked at.
pub(super) fn each<T>(
    conn: &Connection,
    sql: &str,
    of: &[&dyn ToSql],
    row: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    mut look: impl FnMut(T),
) -> Outcome<()> {
    let mut query = conn.prepare_cached(sql).map_err(failed)?;
    let mut rows = query.query(of).map_err(failed)?;
    while let Some(found) = rows.next().map_err(failed)? {
        look(row(found).map_err(failed)?);
    }
    Ok(())
}

/// Three columns.
fn three<A: rusqlite::types::FromSql, B: rusqlite::types::FromSql, C: rusqlite::types::FromSql>(
    row: &Row<'_>,
) -> rusqlite::Result<(A, B, C)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn find(conn: &Connection, tenant: &TenantId, finders: &Finders, but: Option<u64>) -> Outcome<Found> {
    let mut found = Found { openings: about(conn, tenant, &finders.tenant, but)?, ..Found::default() };
    let whose: &[&dyn ToSql] = &[&tenant.as_str()];
    let value = |row: &Row<'_>| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get::<_, Vec<u8>>(3)?));
    each(
        conn,
        "SELECT installation, bucket, key, value FROM kv WHERE tenant = ?1",
        whose,
        value,
        |(at, value): (Place, _)| {
            let finder = finders.of(&at.0);
            if finder.in_text(&at.2) || finder.in_text(&at.1) || finder.in_bytes(&value) {
                found.values.push((at, value));
            }
        },
    )?;
    let event =
        |row: &Row<'_>| Ok(FoundEvent { number: row.get(0)?, source: row.get(1)?, id: row.get(2)?, body: row.get(3)? });
    let events = "SELECT number, source, id, body FROM events WHERE tenant = ?1 AND origin <> 'privacy'";
    each(conn, events, whose, event, |event| {
        if finders.tenant.in_id(&event.id)
            || finders.tenant.in_id(&event.source)
            || finders.tenant.in_bytes(event.body.as_bytes())
        {
            found.events.push(event);
        }
    })?;
    let errors = "SELECT d.number, d.installation, d.error FROM deliveries d JOIN events e ON e.number = d.event
      WHERE e.tenant = ?1 AND d.error IS NOT NULL";
    each(conn, errors, whose, three, |(number, installation, error): (i64, String, String)| {
        if finders.of(&installation).in_text(&error) {
            found.errors.push((number, installation, error));
        }
    })?;
    let lines = "SELECT number, installation, message FROM plugin_log WHERE tenant = ?1";
    each(conn, lines, whose, three, |(number, installation, line): (i64, String, String)| {
        if finders.of(&installation).in_bytes(line.as_bytes()) {
            found.lines.push((number, installation, line));
        }
    })?;
    let body = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?));
    each(conn, "SELECT id, body FROM consents WHERE tenant = ?1 AND open = 0", whose, body, |(id, body)| {
        if finders.tenant.in_bytes(body.as_bytes()) {
            found.consents.push((id, body));
        }
    })?;
    let answers = "SELECT caller, key, answer FROM idempotency WHERE tenant = ?1 AND answer IS NOT NULL";
    each(conn, answers, whose, three, |row: Place| {
        if is_answer_about(&row.2, &finders.tenant) {
            found.answers.push(row);
        }
    })?;
    found.records = records::find(conn, tenant.as_str(), &finders.tenant)?;
    Ok(found)
}

/// Whether what is kept of an answer says anything of the person. What cannot be read is looked at as text.
fn is_answer_about(text: &str, finder: &Finder) -> bool {
    let Ok(kept) = serde_json::from_str::<Kept>(text) else { return finder.in_text(text) };
    let in_body = |body: &str| match serde_json::from_str(body) {
        Ok(body) => finder.in_answer(&body),
        Err(_) => finder.in_text(body),
    };
    kept.body.as_deref().is_some_and(in_body) || kept.headers.iter().any(|(_, value)| finder.in_text(value))
}

/// What is left of it: how the request ended, which has to be read anew by whoever sends it again.
fn emptied_answer(text: &str) -> Outcome<String> {
    let status = serde_json::from_str::<Kept>(text).map_or(200, |kept| kept.status);
    serde_json::to_string(&Kept { status, headers: Vec::new(), body: None }).map_err(corrupt)
}

fn erase_values(conn: &Writing, sweep: &Sweep, found: &Found, held: &mut HeldCopies) -> Outcome<()> {
    let tenant = sweep.tenant.as_str();
    for ((installation, bucket, key), _) in &found.values {
        let at = params![tenant, installation, bucket, key];
        let value: Option<Vec<u8>> = conn
            .prepare_cached("SELECT value FROM kv WHERE tenant = ?1 AND installation = ?2 AND bucket = ?3 AND key = ?4")
            .and_then(|mut s| s.query_row(at, |row| row.get(0)).optional())
            .map_err(failed)?;
        let finder = sweep.finders.of(installation);
        let Some(value) = value.filter(|value| finder.in_text(key) || finder.in_text(bucket) || finder.in_bytes(value))
        else {
            continue;
        };
        conn.prepare_cached("DELETE FROM kv WHERE tenant = ?1 AND installation = ?2 AND bucket = ?3 AND key = ?4")
            .and_then(|mut s| s.execute(at))
            .map_err(failed)?;
        let bytes = i64::try_from(key.len() + value.len()).map_err(corrupt)?;
        conn.prepare_cached("UPDATE kv_use SET bytes = max(bytes - ?3, 0) WHERE tenant = ?1 AND installation = ?2")
            .and_then(|mut s| s.execute(params![tenant, installation, bytes]))
            .map_err(failed)?;
        held.count(installation, "values", 1);
    }
    Ok(())
}

/// Empties events that nobody waits for, and takes the person out of the others.
fn erase_events(conn: &Writing, sweep: &Sweep, found: &Found, held: &mut HeldCopies) -> Outcome<()> {
    for FoundEvent { number, source, id, .. } in &found.events {
        erase_names(conn, sweep, (*number, source, id), held)?;
        let row = conn
            .prepare_cached(
                "SELECT body, EXISTS (SELECT 1 FROM deliveries WHERE event = events.number AND state <> 2) FROM events
                 WHERE number = ?1 AND tenant = ?2 AND body <> ''",
            )
            .and_then(|mut s| {
                s.query_row(params![number, sweep.tenant.as_str()], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(failed)?;
        let Some((body, is_needed)) = row.filter(|(body, _)| sweep.finders.tenant.in_bytes(body.as_bytes())) else {
            continue;
        };
        let left = if is_needed { without(&body, sweep) } else { String::new() };
        conn.prepare_cached("UPDATE events SET body = ?2 WHERE number = ?1")
            .and_then(|mut s| s.execute(params![number, left]))
            .map_err(failed)?;
        held.count_tenant(if left.is_empty() { "events" } else { "events-changed" }, 1);
    }
    Ok(())
}

/// Gives an event another name where the person stands in the one that it came under. If it comes once more, it is another.
fn erase_names(
    conn: &Writing,
    sweep: &Sweep,
    (number, source, id): (i64, &str, &str),
    held: &mut HeldCopies,
) -> Outcome<()> {
    let finder = &sweep.finders.tenant;
    let (in_source, in_id) = (finder.in_id(source), finder.in_id(id));
    if !in_source && !in_id {
        return Ok(());
    }
    // No two events of a source have one id.
    let (source, id) = (if in_source { ERASED } else { source }, format!("erased-{number}"));
    let renamed = conn.execute(
        "UPDATE events SET source = ?3, id = ?4 WHERE number = ?1 AND tenant = ?2",
        params![number, sweep.tenant.as_str(), source, id],
    );
    held.count_tenant("event-names", renamed.map_err(failed)? as u64);
    Ok(())
}

/// An event that somebody waits for, less the person. One that cannot be read is emptied.
fn without(body: &str, sweep: &Sweep) -> String {
    let finder = &sweep.finders.tenant;
    let Ok(mut event) = serde_json::from_str::<Event>(body) else { return String::new() };
    finder.take_out(&mut event.data);
    event.subject = event.subject.filter(|subject| !finder.in_text(subject));
    for name in [&mut event.id, &mut event.source] {
        if finder.in_id(name) {
            ERASED.clone_into(name);
        }
    }
    serde_json::to_string(&event).unwrap_or_default()
}

fn erase_texts(conn: &Writing, sweep: &Sweep, found: &Found, held: &mut HeldCopies) -> Outcome<()> {
    for (sql, sort, rows) in [
        ("UPDATE deliveries SET error = ?2 WHERE number = ?1 AND error = ?3", "delivery-errors", &found.errors),
        ("UPDATE plugin_log SET message = ?2 WHERE number = ?1 AND message = ?3", "log-lines", &found.lines),
    ] {
        for (number, installation, text) in rows {
            let gone =
                conn.prepare_cached(sql).and_then(|mut s| s.execute(params![number, ERASED, text])).map_err(failed)?;
            held.count(installation, sort, gone as u64);
        }
    }
    for (id, body) in &found.consents {
        let Ok(mut value) = serde_json::from_str::<Value>(body) else { continue };
        sweep.finders.tenant.take_out(&mut value);
        // One that would not be read any more would take all of its tenant's with it.
        if serde_json::from_value::<Consent>(value.clone()).is_err() {
            tracing::warn!(consent = id, "what a closed consent says of a person cannot be taken out of it");
            continue;
        }
        let gone = conn
            .execute("UPDATE consents SET body = ?2 WHERE id = ?1 AND body = ?3", params![id, value.to_string(), body]);
        held.count_tenant("consents", gone.map_err(failed)? as u64);
    }
    for (caller, key, text) in &found.answers {
        let kept = emptied_answer(text)?;
        let sql = "UPDATE idempotency SET answer = ?3 WHERE caller = ?1 AND key = ?2 AND answer = ?4";
        held.count_tenant("answers", conn.execute(sql, params![caller, key, kept, text]).map_err(failed)? as u64);
    }
    Ok(())
}

fn erase_openings(conn: &Writing, sweep: &Sweep, found: Vec<FoundValue>, held: &mut HeldCopies) -> Outcome<()> {
    let mut there = Vec::with_capacity(found.len());
    for (index, field, _) in found {
        let is_there = conn
            .prepare_cached("SELECT 1 FROM audit_openings WHERE idx = ?1 AND field = ?2 AND value IS NOT NULL")
            .and_then(|mut s| s.exists(params![index, field]))
            .map_err(failed)?;
        if is_there {
            there.push((index, field));
        }
    }
    if !there.is_empty() {
        erase_found(conn, &there, &sweep.values)?;
    }
    held.count_tenant("audit-values", there.len() as u64);
    Ok(())
}

/// The entries about what was erased, and what is kept of it with the request.
fn tell(conn: &Writing, sweep: &Sweep, held: &mut HeldCopies) -> Outcome<()> {
    held.add(&sweep.files);
    for (installation, counts) in &held.installations {
        append(conn, &sweep.entry.clone().with("installation", installation.as_str()).with("counts", json!(counts)))?;
    }
    let all = sweep.entry.clone().with("counts", json!(held.tenant)).with("total", held.total());
    append_one(conn, &all.with("installations", held.installations.len()))?;
    let before: Option<String> = conn
        .query_row("SELECT erased FROM privacy_requests WHERE id = ?1", [sweep.id.as_str()], |row| row.get(0))
        .map_err(failed)?;
    let mut sum = match before {
        Some(before) => serde_json::from_str(&before).map_err(corrupt)?,
        None => HeldCopies::default(),
    };
    sum.add(held);
    let sum = serde_json::to_string(&sum).map_err(corrupt)?;
    conn.execute("UPDATE privacy_requests SET erased = ?2 WHERE id = ?1", params![sweep.id.as_str(), sum])
        .map_err(failed)?;
    Ok(())
}

fn stage(conn: &Connection, sweep: &Sweep) -> Outcome<Option<(Stage, u64)>> {
    let row = conn
        .query_row(
            "SELECT stage, entry FROM privacy_requests WHERE id = ?1 AND tenant = ?2",
            [sweep.id.as_str(), sweep.tenant.as_str()],
            |row| Ok((row.get::<_, String>(0)?, row.get(1)?)),
        )
        .optional()
        .map_err(failed)?;
    row.map(|(name, entry)| Ok((Stage::of(&name).ok_or_else(|| corrupt(format!("the stage '{name}'")))?, entry)))
        .transpose()
}

fn erase(conn: &Writing, sweep: &Sweep, found: Found) -> Outcome<Option<HeldCopies>> {
    if stage(conn, sweep)?.is_none_or(|(stage, _)| stage != sweep.at) {
        return Ok(None);
    }
    if sweep.at == Stage::Asking {
        let settled = "UPDATE privacy_requests SET settled = 1 WHERE id = ?1 AND settled = 0";
        if conn.execute(settled, [sweep.id.as_str()]).map_err(failed)? == 0 {
            return Ok(None);
        }
    }
    let mut held = HeldCopies::default();
    erase_values(conn, sweep, &found, &mut held)?;
    erase_events(conn, sweep, &found, &mut held)?;
    erase_texts(conn, sweep, &found, &mut held)?;
    records::erase(conn, &found.records, &mut held)?;
    others::erase(conn, sweep, &mut held)?;
    erase_openings(conn, sweep, found.openings, &mut held)?;
    tell(conn, sweep, &mut held)?;
    if let Some(event) = &sweep.ask {
        ask(conn, &sweep.id, event)?;
    }
    Ok(Some(held))
}

impl SqliteStore {
    pub(super) async fn erase_copies(&self, sweep: Sweep) -> Outcome<Option<HeldCopies>> {
        // What was handed in until now, and that nobody waits for, is written before it is looked for: lines of plugins' logs.
        self.db.write_of(Some(sweep.tenant.clone()), |_| Ok(())).await?;
        let look = sweep.clone();
        let found = self
            .db
            .read(move |conn| {
                let tx = conn.unchecked_transaction().map_err(failed)?;
                // The entry that the request itself made says whose it is until it is closed.
                let own = stage(&tx, &look)?.filter(|(stage, _)| *stage != Stage::Closed).map(|(_, entry)| entry);
                find(&tx, &look.tenant, &look.finders, own)
            })
            .await?;
        let mut held = self.db.write(move |conn| erase(conn, &sweep, found)).await?;
        if let Some(held) = &mut held {
            held.is_gone = self.emptied().await;
        }
        Ok(held)
    }

    /// What the host keeps itself about a person in a tenant, less files.
    pub async fn copies_of(&self, tenant: TenantId, finders: Arc<Finders>) -> Outcome<Vec<FoundCopy>> {
        let found = self
            .db
            .read(move |conn| {
                let tx = conn.unchecked_transaction().map_err(failed)?;
                find(&tx, &tenant, &finders, None)
            })
            .await?;
        found.copies()
    }
}

fn text_of(bytes: Vec<u8>) -> Value {
    match String::from_utf8(bytes) {
        Ok(text) => Value::String(text),
        Err(error) => json!({ "bytes": error.into_bytes() }),
    }
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

impl Found {
    fn copies(self) -> Outcome<Vec<FoundCopy>> {
        let of = |installation: String, sort: &'static str, content: Value| {
            let installation = Some(installation.parse().map_err(corrupt)?);
            Ok::<_, portcullis_model::error::StoreError>(FoundCopy { installation, sort, content })
        };
        let mut all = Vec::new();
        for ((installation, bucket, key), value) in self.values {
            all.push(of(installation, "values", json!({ "bucket": bucket, "key": key, "value": text_of(value) }))?);
        }
        for (number, installation, error) in self.errors {
            all.push(of(installation, "delivery-errors", json!({ "delivery": number, "error": error }))?);
        }
        for (number, installation, line) in self.lines {
            all.push(of(installation, "log-lines", json!({ "number": number, "message": line }))?);
        }
        let tenants = |sort, content| FoundCopy { installation: None, sort, content };
        all.extend(self.events.iter().map(|event| {
            tenants("events", json!({ "source": event.source, "id": event.id, "event": json_of(&event.body) }))
        }));
        all.extend(self.records.iter().map(|record| {
            let (sort, body) = record.content();
            tenants(sort, json_of(body))
        }));
        all.extend(self.consents.iter().map(|(_, body)| tenants("consents", json_of(body))));
        all.extend(self.openings.into_iter().map(|(index, field, value)| {
            tenants("audit-values", json!({ "entry": index, "field": field, "value": value }))
        }));
        Ok(all)
    }
}

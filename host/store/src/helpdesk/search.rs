//! Finding tickets.
//!
//! Invariants: a search looks at the tenant's tickets one by one in its order, at most [`WORK`] of them in one go, and says
//! where it stopped; what comes back lies within the act's reach and fits its query; parts that follow one another by
//! `next` have every ticket once that was there all the time and did not change.

use portcullis_model::{
    error::ServiceError,
    helpdesk::{Found, Position, Query, SearchTickets, Sort},
};
use rusqlite::{Connection, Row, types::Value};

use super::{
    Failure, keys, page_size,
    reach::{Condition, Reach},
    tickets,
};

/// How many tickets one search looks at before it stops, whether it found something or not; the longer the subjects that
/// it has to look into, the fewer.
pub(super) const WORK: usize = 10_000;
/// As many bytes of a subject are as much work as one more ticket.
const BYTES: usize = 256;
/// All words of a search together, in bytes.
const MAX_WORDS: usize = 1_024;

/// Part of the tickets that fit, in order. Where [`WORK`] was done before the end, `next` is where it stopped: then the
/// part may be short or empty, and that there is more is not known. `Invalid` for words that are too many.
pub(super) fn search(db: &Connection, reach: &Reach, act: &SearchTickets) -> Result<Found, Failure> {
    let words = folded_words(&act.query)?;
    let most = page_size(act.most)? as usize;
    let scan = scan(db, reach, act, &words, most)?;
    let read = |here: &Position| Ok(tickets::seen(tickets::read(db, reach, here.id)?, &act.fields));
    let tickets = scan.hits.iter().map(read).collect::<Result<_, Failure>>()?;
    Ok(Found { tickets, next: scan.next })
}

fn folded_words(query: &Query) -> Result<Vec<String>, ServiceError> {
    let length: usize = query.words.iter().map(String::len).sum();
    if length > MAX_WORDS {
        return Err(ServiceError::Invalid(format!("words: {MAX_WORDS} bytes together at most, not {length}")));
    }
    Ok(query.words.iter().filter_map(|word| keys::folded(word)).collect())
}

#[derive(Default)]
struct Scan {
    hits: Vec<Position>,
    next: Option<Position>,
}

fn scan(db: &Connection, reach: &Reach, act: &SearchTickets, words: &[String], most: usize) -> Result<Scan, Failure> {
    let (sql, values) = statement(reach, act);
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(values)?;
    let (mut scan, mut last, mut work) = (Scan::default(), None, 0);
    while let Some(row) = rows.next()? {
        if work >= WORK {
            scan.next = last;
            break;
        }
        let here = position(row, act.sort)?;
        work += 1;
        if row.get(2)? && has_words(row, words, &mut work)? {
            if scan.hits.len() == most {
                scan.next = scan.hits.last().copied();
                break;
            }
            scan.hits.push(here);
        }
        last = Some(here);
    }
    Ok(scan)
}

/// The tenant's tickets after the position, in order: id, time of change, whether it fits, subject. Whether it fits is a
/// column and not a condition, so that those that do not are counted too.
pub(super) fn statement(reach: &Reach, act: &SearchTickets) -> (String, impl rusqlite::Params + use<>) {
    let fits = Condition::all([reach.tickets(), fits(&act.query)]);
    let tenant = Value::from(reach.tenant.as_str().to_owned());
    let after = act.after.unwrap_or(Position { updated_at: i64::MAX, id: i64::MAX });
    let (order, behind) = match act.sort {
        Sort::Newest => ("t.id < ? ORDER BY t.id DESC", vec![tenant, after.id.into()]),
        Sort::Updated => {
            let since = act.query.updated_since.unwrap_or(i64::MIN);
            let order = "(t.updated_at, t.id) < (?, ?) AND t.updated_at >= ? ORDER BY t.updated_at DESC, t.id DESC";
            (order, vec![tenant, after.updated_at.into(), after.id.into(), since.into()])
        }
        Sort::Changes => {
            let first = Position { updated_at: act.query.updated_since.unwrap_or(i64::MIN), id: i64::MIN };
            let after = act.after.unwrap_or(first);
            let before = act.query.updated_before.unwrap_or(i64::MAX);
            let order = "(t.updated_at, t.id) > (?, ?) AND t.updated_at < ? ORDER BY t.updated_at, t.id";
            (order, vec![tenant, after.updated_at.into(), after.id.into(), before.into()])
        }
    };
    let select = "SELECT t.id, t.updated_at";
    let sql = format!("{select}, {} IS TRUE, t.subject FROM tickets t WHERE t.tenant = ? AND {order}", fits.sql());
    (sql, fits.with(behind))
}

/// All that the query says but its words.
fn fits(query: &Query) -> Condition {
    let id = |column: &'static str, id: &Option<String>| id.as_ref().map(|id| Condition::among_ids(column, [id]));
    let names = |column, names: Vec<&str>| (!names.is_empty()).then(|| Condition::among(column, &names));
    let tags = || {
        let lower: Vec<String> = query.tags.iter().map(|tag| tag.to_lowercase()).collect();
        let sql = "NOT EXISTS (SELECT 1 FROM json_each(?) wanted
            WHERE wanted.value NOT IN (SELECT value FROM json_each(t.tags)))";
        Condition::one(sql, serde_json::json!(lower).to_string())
    };
    let parts = [
        names("t.status", query.status.iter().map(|status| status.name()).collect()),
        names("t.priority", query.priority.iter().map(|priority| priority.name()).collect()),
        id("t.requester_id", &query.requester_id),
        id("t.assignee_id", &query.assignee_id),
        id("t.organization_id", &query.organization_id),
        query.brand_id.as_ref().map(|brand| Condition::among("t.brand_id", [brand])),
        query.updated_since.map(|since| Condition::one("t.updated_at >= ?", since)),
        query.updated_before.map(|before| Condition::one("t.updated_at < ?", before)),
        (!query.tags.is_empty()).then(tags),
    ];
    Condition::all(parts.into_iter().flatten())
}

/// Where the row is. The time is left out where the order does not go by it: who may not read it shall not get it by way
/// of a cursor.
fn position(row: &Row<'_>, sort: Sort) -> rusqlite::Result<Position> {
    let updated_at = if sort == Sort::Newest { 0 } else { row.get(1)? };
    Ok(Position { id: row.get(0)?, updated_at })
}

fn has_words(row: &Row<'_>, words: &[String], work: &mut usize) -> Result<bool, Failure> {
    if words.is_empty() {
        return Ok(true);
    }
    let subject: String = row.get(3)?;
    *work += subject.len() / BYTES;
    let subject = keys::folded(&subject).unwrap_or_default();
    Ok(words.iter().all(|word| subject.contains(word)))
}

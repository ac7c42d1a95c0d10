//! What is kept with other requests about a person who is erased: whom they were about, what was answered, and plugins' words.
//!
//! Invariants: no request of the same person has anything left of them once one to erase them is closed, whatever became of it until
//! then, and it says by which it was emptied; another request to erase the same person goes on, since it has more to look for.

use portcullis_model::{
    audit::{ERASED, Entry, Kind},
    id::PrivacyId,
    privacy::{HeldCopies, PrivacyKind, Stage, Sweep},
};
use rusqlite::{Row, params};

use super::{Person, covered, put_away, sweep::each};
use crate::{
    audit::append,
    db::{Outcome, Writing, failed},
};

/// Empties those of the same person, and takes the person out of plugins' words in all of the tenant's. `closing`: it is the last look.
pub(super) fn erase(conn: &Writing, sweep: &Sweep, held: &mut HeldCopies) -> Outcome<()> {
    let emptied = same_person(conn, sweep)?;
    for id in &emptied {
        empty(conn, sweep, id)?;
    }
    held.count_tenant("requests", emptied.len() as u64);
    words(conn, sweep, held)
}

/// The requests of the same person that are to be emptied: those that are closed; at the last look, those that go on as well.
fn same_person(conn: &Writing, sweep: &Sweep) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    let sql = "SELECT id, kind, stage, person FROM privacy_requests
      WHERE tenant = ?1 AND id <> ?2 AND stage <> 'forgotten' AND person IS NOT NULL ORDER BY id";
    let row = |row: &Row<'_>| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?))
    };
    each(conn, sql, &[&sweep.tenant.as_str(), &sweep.id.as_str()], row, |(id, kind, stage, person)| {
        // One to erase has a last look of its own to come, and is forgotten with that.
        let may_go = kind != PrivacyKind::Erase.name();
        let goes = may_go && (stage == Stage::Closed.name() || sweep.at == Stage::Closed);
        // A request that only mentions the number of somebody else is another person's.
        let is_theirs =
            || serde_json::from_str::<Person>(&person).is_ok_and(|of| sweep.finders.tenant.is(&of.who.user));
        if goes && is_theirs() {
            found.push(id);
        }
    })?;
    Ok(found)
}

fn empty(conn: &Writing, sweep: &Sweep, id: &str) -> Outcome<()> {
    conn.execute(
        "UPDATE deliveries SET state = 3, error = 'a request to erase the person was closed' WHERE state IN (0, 1)
         AND number IN (SELECT delivery FROM privacy_parts WHERE request = ?1)
         AND event IN (SELECT number FROM events WHERE origin = 'privacy' AND id = ?1)",
        [id],
    )
    .map_err(failed)?;
    conn.execute(
        "UPDATE privacy_requests SET stage = 'forgotten', person = NULL, emptied_by = ?2, closed = coalesce(closed, ?3)
         WHERE id = ?1",
        params![id, sweep.id.as_str(), sweep.entry.time.0],
    )
    .map_err(failed)?;
    conn.execute("UPDATE privacy_parts SET data = NULL WHERE request = ?1", [id]).map_err(failed)?;
    put_away(conn, "id = ?1", id)?;
    let Entry { time, actor, .. } = &sweep.entry;
    let entry = Entry::new(*time, Kind::PrivacyForgotten, actor.clone(), Some(sweep.tenant.clone()))
        .about(format!("privacy:{id}"))
        .with("emptied-by", sweep.id.as_str());
    append(conn, &entry)
}

/// Which requests those of a tenant were emptied by.
pub(super) fn emptied_by(text: Option<String>) -> Outcome<Option<PrivacyId>> {
    text.map(|id| id.parse().map_err(crate::db::corrupt)).transpose()
}

fn words(conn: &Writing, sweep: &Sweep, held: &mut HeldCopies) -> Outcome<()> {
    let mut texts = Vec::new();
    let sql = "SELECT p.rowid, p.note, p.problem, p.installation FROM privacy_parts p JOIN privacy_requests r ON r.id = p.request
      WHERE r.tenant = ?1 AND (p.note IS NOT NULL OR p.problem IS NOT NULL)";
    let row = |row: &Row<'_>| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, Option<String>>(1)?,
            row.get::<_, Option<String>>(2)?,
            row.get::<_, String>(3)?,
        ))
    };
    each(conn, sql, &[&sweep.tenant.as_str()], row, |row| texts.push(row))?;
    for (number, note, problem, installation) in texts {
        let is_about = |text: &str| sweep.finders.of(&installation).in_bytes(text.as_bytes());
        let left = (covered(note.clone(), is_about), covered(problem.clone(), is_about));
        if left != (note, problem) {
            conn.execute(
                "UPDATE privacy_parts SET note = ?2, problem = ?3 WHERE rowid = ?1",
                params![number, left.0, left.1],
            )
            .map_err(failed)?;
            held.count(&installation, "answers", 1);
        }
    }
    Ok(())
}

/// What a plugin writes while it answers a request to erase that is closed comes too late to be looked through, and names the person.
pub(crate) fn line(conn: &Writing, event: Option<&str>, message: &str) -> Outcome<String> {
    let Some(id) = event else { return Ok(message.to_owned()) };
    let is_over = conn
        .prepare_cached(
            "SELECT 1 FROM privacy_requests WHERE id = ?1
             AND (emptied_by IS NOT NULL OR (kind = 'erase' AND stage IN ('closed', 'forgotten')))",
        )
        .and_then(|mut query| query.exists([id]))
        .map_err(failed)?;
    Ok(if is_over { ERASED.to_owned() } else { message.to_owned() })
}

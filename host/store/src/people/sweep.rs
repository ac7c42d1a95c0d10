//! What is over by itself: sessions past their limits, links that nobody used, and what is left of both.
//!
//! Invariant: nothing is forgotten that has not ended, and that it was is on record in the same transaction.

use portcullis_model::{audit::Entry, people::Session, time::Timestamp};
use rusqlite::{Connection, params};

use super::rows;
use crate::{
    audit::append,
    db::{Outcome, Writing, failed},
};

/// Sessions that are past a limit of theirs, the longest unused first.
pub(super) fn sessions_over(conn: &Connection, now: Timestamp, most: usize) -> Outcome<Vec<Session>> {
    let which = "live = 1 AND (used + json_extract(body, '$.\"idle-minutes\"') * 60000 <= ?1
        OR created + json_extract(body, '$.\"absolute-minutes\"') * 60000 <= ?1) ORDER BY used LIMIT ?2";
    rows::sessions(conn, which, params![now.0, most])
}

/// Forgets what ended before then. Times in bodies are text of one length, which sorts as they do.
pub(super) fn forget_ended(conn: &Writing, before: Timestamp, entry: Entry) -> Outcome<(u64, u64)> {
    let sessions = "DELETE FROM people_sessions WHERE live = 0 AND json_extract(body, '$.ended.at') < ?1";
    let links = "DELETE FROM people_invitations WHERE live = 0 AND json_extract(body, '$.ended') < ?1";
    let gone = |query: &str| conn.execute(query, [before.to_string()]).map(|rows| rows as u64).map_err(failed);
    let (sessions, links) = (gone(sessions)?, gone(links)?);
    if sessions + links > 0 {
        append(conn, &entry.with("sessions", sessions).with("invitations", links))?;
    }
    Ok((sessions, links))
}

//! Comments: listing, adding and covering.
//!
//! Invariants: a ticket's comments are in the order of their ids, which is the order they came in; one installation's
//! comment with one key on one ticket is there once; a covered character never comes back, and no digest of the text that
//! was covered is kept from which it could be guessed.

use portcullis_model::{
    call::Call,
    error::ServiceError,
    helpdesk::{AddComment, Comment, ListComments, RedactComment, Seen},
    id::TenantId,
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Failure, check_text,
    ids::{self, Kind},
    number, page_size,
    reach::Reach,
    tickets,
};

/// What covers a character: U+2587, the sign that Zendesk uses.
const COVER: char = '\u{2587}';
const MAX_KEY: usize = 255;
/// Zendesk's own limit.
const MAX_COMMENTS: u32 = 5_000;

/// Some of a ticket's comments, oldest first, and the ticket's facts. `NotFound` where no such ticket can be reached; an
/// `after` that is no comment of this ticket is `Invalid`.
pub(super) fn list(db: &Connection, reach: &Reach, act: &ListComments) -> Result<Seen<Vec<Comment>>, Failure> {
    let ticket = number(&act.ticket)?;
    let facts = tickets::facts(&tickets::read(db, reach, ticket)?);
    let tenant = &reach.tenant;
    let after = act.after.as_ref().map_or(Ok(0), |after| known_comment(db, tenant, ticket, after))?;
    Ok(Seen { record: page(db, tenant, ticket, after, page_size(act.most)?.into())?, facts })
}

fn known_comment(db: &Connection, tenant: &TenantId, ticket: i64, id: &str) -> Result<i64, Failure> {
    let found = number(id).map_err(Failure::from).and_then(|id| body(db, tenant, ticket, id).map(|_| id));
    found.map_err(|failure| match failure {
        Failure::Refused(_) => ServiceError::Invalid("after: the id of a comment on this ticket".into()).into(),
        other => other,
    })
}

/// Up to `limit` comments (all, where that is -1) after the one with the id `after`.
pub(super) fn page(
    db: &Connection,
    tenant: &TenantId,
    ticket: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<Comment>, Failure> {
    // Without the index's name the comments of all the tenant's tickets are looked at.
    let sql = "SELECT id, author_id, body, public, created_at FROM comments INDEXED BY comments_of_ticket
        WHERE tenant = ? AND ticket_id = ? AND id > ? ORDER BY id LIMIT ?";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map(params![tenant.as_str(), ticket, after, limit], comment)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn comment(row: &Row<'_>) -> rusqlite::Result<Comment> {
    Ok(Comment {
        id: row.get::<_, i64>(0)?.to_string(),
        author_id: row.get(1)?,
        body: row.get(2)?,
        public: row.get(3)?,
        created_at: Timestamp(row.get(4)?).to_string(),
    })
}

/// A comment that is not in the table yet.
pub(super) struct NewComment<'a> {
    pub ticket: i64,
    pub author: &'a str,
    pub body: &'a str,
    pub public: bool,
    /// Installation and key, where a plugin wrote it.
    pub once: Option<(&'a str, &'a str)>,
}

/// A plugin's comment, once for each key.
pub(super) fn add_by_plugin(
    db: &Connection,
    reach: &Reach,
    call: &Call,
    act: &AddComment,
    now: Timestamp,
) -> Result<String, Failure> {
    let ticket = number(&act.ticket)?;
    check_text("body", &act.body)?;
    let key = act.idempotency_key.as_str();
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(ServiceError::Invalid(format!("idempotency key: 1 to {MAX_KEY} bytes")).into());
    }
    let installation = call.installation.as_str();
    tickets::expect_there(db, reach, ticket)?;
    if let Some(id) = earlier(db, call, ticket, act)? {
        return Ok(id);
    }
    tickets::expect_changeable(db, reach, ticket)?;
    let once = Some((installation, key));
    add(db, &reach.tenant, &NewComment { ticket, author: installation, body: &act.body, public: act.public, once }, now)
}

/// The comment that this installation made with this key, if the act asks for the same one again.
fn earlier(db: &Connection, call: &Call, ticket: i64, act: &AddComment) -> Result<Option<String>, Failure> {
    let sql = "SELECT id, body, public FROM comments
        WHERE tenant = ? AND ticket_id = ? AND installation = ? AND idempotency_key = ?";
    let values = params![call.tenant.as_str(), ticket, call.installation.as_str(), act.idempotency_key];
    let get = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?));
    match db.prepare_cached(sql)?.query_row(values, get).optional()? {
        None => Ok(None),
        Some((id, body, public)) if public == act.public && same(&body, &act.body) => Ok(Some(id.to_string())),
        Some(_) => Err(ServiceError::Conflict.into()),
    }
}

/// Whether the kept text may be what was given, some of which may have been covered since.
fn same(kept: &str, given: &str) -> bool {
    let (mut kept, mut given) = (kept.chars(), given.chars());
    loop {
        match (kept.next(), given.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b || a == COVER => {}
            _ => return false,
        }
    }
}

/// Adds a comment to a ticket that exists, and marks that as changed.
pub(super) fn add(db: &Connection, tenant: &TenantId, new: &NewComment<'_>, now: Timestamp) -> Result<String, Failure> {
    let sql = "SELECT count(*) FROM comments WHERE tenant = ? AND ticket_id = ?";
    let count: u32 = db.prepare_cached(sql)?.query_row(params![tenant.as_str(), new.ticket], |row| row.get(0))?;
    if count >= MAX_COMMENTS {
        return Err(ServiceError::limited("comments-per-ticket", MAX_COMMENTS.into()).into());
    }
    let id = ids::next(db, tenant, Kind::Comments)?;
    insert(db, tenant, id, new, now)?;
    tickets::touch(db, tenant, new.ticket, now)?;
    Ok(id.to_string())
}

/// Writes the row.
pub(super) fn insert(
    db: &Connection,
    tenant: &TenantId,
    id: i64,
    new: &NewComment<'_>,
    at: Timestamp,
) -> Result<(), Failure> {
    let sql = "INSERT INTO comments
        (tenant, id, ticket_id, author_id, body, public, created_at, installation, idempotency_key)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let (installation, key) = new.once.unzip();
    let tenant = tenant.as_str();
    let values = params![tenant, id, new.ticket, new.author, new.body, new.public, at.0, installation, key];
    db.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Covers stretches of a comment's text. On a closed ticket too: what must not be there must not be there.
pub(super) fn redact(db: &Connection, reach: &Reach, act: &RedactComment, now: Timestamp) -> Result<(), Failure> {
    let (ticket, id) = (number(&act.ticket)?, number(&act.comment)?);
    tickets::expect_there(db, reach, ticket)?;
    let tenant = &reach.tenant;
    let old = body(db, tenant, ticket, id)?;
    let new = covered(&old, &act.spans)?;
    if new == old {
        return Ok(());
    }
    let sql = "UPDATE comments SET body = ? WHERE tenant = ? AND ticket_id = ? AND id = ?";
    db.prepare_cached(sql)?.execute(params![new, tenant.as_str(), ticket, id])?;
    tickets::touch(db, tenant, ticket, now)
}

fn body(db: &Connection, tenant: &TenantId, ticket: i64, id: i64) -> Result<String, Failure> {
    let sql = "SELECT body FROM comments WHERE tenant = ? AND ticket_id = ? AND id = ?";
    let body = db.prepare_cached(sql)?.query_row(params![tenant.as_str(), ticket, id], |row| row.get(0)).optional()?;
    Ok(body.ok_or(ServiceError::NotFound)?)
}

fn covered(text: &str, spans: &[(u32, u32)]) -> Result<String, ServiceError> {
    let mut chars: Vec<char> = text.chars().collect();
    let length = chars.len();
    for &(from, to) in spans {
        let stretch = chars.get_mut(from as usize..to as usize).filter(|stretch| !stretch.is_empty());
        let outside = || ServiceError::Invalid(format!("span {from}..{to}: not within the text's {length} characters"));
        stretch.ok_or_else(outside)?.fill(COVER);
    }
    Ok(chars.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_scalar_values_not_bytes() {
        assert_eq!(covered("héllo 4111", &[(1, 2), (6, 8)]).unwrap(), "h▇llo ▇▇11");
        assert_eq!(covered("ab", &[]).unwrap(), "ab");
        for bad in [(0, 3), (1, 1), (2, 1), (5, 6), (u32::MAX, 0)] {
            assert!(matches!(covered("ab", &[bad]), Err(ServiceError::Invalid(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_covered_text_is_still_the_same() {
        assert!(same("a ▇▇", "a 12"));
        assert!(!same("a ▇▇", "a 123") && !same("a ▇▇", "b 12") && !same("a 12", "a ▇▇"));
    }
}

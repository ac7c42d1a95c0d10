//! Files that came with comments: what is known about them, reading a stretch of one, and a file arriving (INT-14).
//!
//! Invariants: a file of a ticket that is out of reach is as good as not there; its bytes never change, what the scan said
//! may; a stretch costs as much as its own length, not as the file's; name and type are what the sender claimed, checked for
//! form alone.

use portcullis_model::{
    error::ServiceError,
    helpdesk::{Attachment, Chunk, ListAttachments, ReadAttachment, Scan, Seen},
    id::TenantId,
    time::Timestamp,
};
use rusqlite::{Connection, Row, params};

use super::{
    Failure, SqliteHelpDesk,
    ids::{self, Kind},
    number, page_size,
    reach::{Condition, Reach},
    tickets,
};

/// The largest file, in bytes.
pub const MAX_FILE: usize = 20 * 1024 * 1024;
const MAX_NAME: usize = 255;
const MAX_FILES: u32 = 1_000;
/// As many bytes are in every part of a file but the last.
const PART: u64 = 64 * 1024;
/// The longest stretch that is read at once.
const MAX_STRETCH: u64 = 1024 * 1024;

const COLUMNS: &str = "SELECT a.id, a.ticket_id, a.comment_id, a.name, a.content_type, a.size, a.scan";
const TICKET: &str = "JOIN tickets t ON t.tenant = a.tenant AND t.id = a.ticket_id";
/// One ticket's, in order. Without the index's name those of all its tenant's tickets are looked at.
const INDEX: &str = "INDEXED BY attachments_of_ticket";

/// A file that is about to come with a comment.
#[derive(Clone, Debug)]
pub struct NewAttachment {
    /// On which ticket.
    pub ticket: String,
    /// With which comment of it.
    pub comment: String,
    /// As its sender named it: 1 to 255 bytes without control characters.
    pub name: String,
    /// The media type that its sender claims, such as `text/plain`. Parameters are left out.
    pub content_type: String,
    /// At most [`MAX_FILE`].
    pub bytes: Vec<u8>,
    /// What the scan said.
    pub scan: Scan,
}

impl SqliteHelpDesk {
    /// A file arrives with a comment; gives its id. For the product itself: no plugin can reach it.
    ///
    /// # Errors
    /// `NotFound` for a comment that is not on this ticket of the tenant's, `Conflict` for a closed ticket, `Invalid` for
    /// name, type and size, `Limited` for a ticket that has 1,000 files, `Unavailable`.
    pub async fn add_attachment(&self, tenant: &TenantId, new: NewAttachment) -> Result<String, ServiceError> {
        let (tenant, now) = (tenant.clone(), self.clock.now());
        self.write(move |db| arrive(db, &tenant, &new, now)).await
    }

    /// Keeps what a scan said about a file. For the product itself: no plugin can reach it.
    ///
    /// # Errors
    /// `NotFound` for a file that the tenant does not have, `Unavailable`.
    pub async fn mark_scanned(&self, tenant: &TenantId, id: &str, scan: Scan) -> Result<(), ServiceError> {
        let (tenant, id) = (tenant.clone(), number(id)?);
        self.write(move |db| {
            let sql = "UPDATE attachments SET scan = ? WHERE tenant = ? AND id = ?";
            match db.prepare_cached(sql)?.execute(params![scan.name(), tenant.as_str(), id])? {
                0 => Err(ServiceError::NotFound.into()),
                _ => Ok(()),
            }
        })
        .await
    }
}

fn arrive(db: &Connection, tenant: &TenantId, new: &NewAttachment, now: Timestamp) -> Result<String, Failure> {
    let (ticket, comment) = (number(&new.ticket)?, number(&new.comment)?);
    tickets::expect_changeable(db, &Reach::whole(tenant), ticket)?;
    let sql = "SELECT (SELECT count(*) FROM comments WHERE tenant = ?1 AND ticket_id = ?2 AND id = ?3),
        (SELECT count(*) FROM attachments WHERE tenant = ?1 AND ticket_id = ?2)";
    let counts = db.prepare_cached(sql)?.query_row(params![tenant.as_str(), ticket, comment], |row| row.try_into());
    let (comments, files): (u32, u32) = counts?;
    if comments == 0 {
        return Err(ServiceError::NotFound.into());
    }
    if files >= MAX_FILES {
        return Err(ServiceError::limited("attachments-per-ticket", MAX_FILES.into()).into());
    }
    let id = ids::next(db, tenant, Kind::Attachments)?;
    insert(db, tenant, id, new)?;
    tickets::touch(db, tenant, ticket, now)?;
    Ok(id.to_string())
}

/// Writes the rows. Its comment must be there.
pub(super) fn insert(db: &Connection, tenant: &TenantId, id: i64, new: &NewAttachment) -> Result<(), Failure> {
    let (content_type, size) = (checked_type(&new.content_type)?, new.bytes.len());
    if !(1..=MAX_NAME).contains(&new.name.len()) || new.name.chars().any(char::is_control) {
        return Err(ServiceError::Invalid(format!("name: 1 to {MAX_NAME} bytes without control characters")).into());
    }
    if size > MAX_FILE {
        return Err(ServiceError::Invalid(format!("a file: at most {MAX_FILE} bytes, not {size}")).into());
    }
    let (ticket, comment) = (number(&new.ticket)?, number(&new.comment)?);
    let sql = "INSERT INTO attachments (tenant, id, ticket_id, comment_id, name, content_type, size, scan)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let scan = new.scan.name();
    let values = params![tenant.as_str(), id, ticket, comment, new.name, content_type, size as i64, scan];
    db.prepare_cached(sql)?.execute(values)?;
    let sql = "INSERT INTO attachment_parts (tenant, attachment_id, part, bytes) VALUES (?, ?, ?, ?)";
    let mut statement = db.prepare_cached(sql)?;
    for (part, bytes) in new.bytes.chunks(PART as usize).enumerate() {
        statement.execute(params![tenant.as_str(), id, part as i64, bytes])?;
    }
    Ok(())
}

/// The media type as it is kept: type and subtype as RFC 6838 has them, in lower case, without parameters.
fn checked_type(text: &str) -> Result<String, ServiceError> {
    let name = |name: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
        (1..=127).contains(&name.len()) && name.as_bytes()[0].is_ascii_alphanumeric() && name.bytes().all(allowed)
    };
    let essence = text.split(';').next().unwrap_or_default().trim_matches([' ', '\t']);
    match essence.split_once('/') {
        Some((kind, subtype)) if name(kind) && name(subtype) => Ok(essence.to_ascii_lowercase()),
        _ => Err(ServiceError::Invalid("content type: a type and a subtype, such as 'text/plain'".into())),
    }
}

/// A ticket's files, in the order of their ids, with the ticket's facts. `NotFound` where no such ticket can be reached.
pub(super) fn list(db: &Connection, reach: &Reach, act: &ListAttachments) -> Result<Vec<Seen<Attachment>>, Failure> {
    let ticket = number(&act.ticket)?;
    let facts = tickets::facts(&tickets::read(db, reach, ticket)?);
    let (after, most) = (ids::after(act.after.as_deref())?, page_size(act.most)?);
    let wanted = Condition::all([reach.tickets(), of_types(&act.types)]);
    let sql = format!(
        "{COLUMNS} FROM attachments a {INDEX} {TICKET} WHERE {} AND a.ticket_id = ? AND a.id > ? ORDER BY a.id LIMIT ?",
        wanted.sql()
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(wanted.with([ticket.into(), after.into(), most.into()]))?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        files.push(Seen { record: file(row)?, facts: facts.clone() });
    }
    Ok(files)
}

/// `image/png`, `image/*` or `*`, in any case.
fn of_types(patterns: &[String]) -> Condition {
    let lower: Vec<String> = patterns.iter().map(|pattern| pattern.to_ascii_lowercase()).collect();
    if lower.iter().any(|pattern| pattern == "*") {
        return Condition::all([]);
    }
    let kinds: Vec<&str> = lower.iter().filter_map(|pattern| pattern.strip_suffix('*')).collect();
    let kind = "substr(a.content_type, 1, instr(a.content_type, '/'))";
    Condition::any([Condition::among("a.content_type", &lower), Condition::among(kind, &kinds)])
}

/// What is known about one file, with its ticket's facts. `NotFound` where none with this id can be reached.
pub(super) fn stat(db: &Connection, reach: &Reach, id: i64) -> Result<Seen<Attachment>, Failure> {
    let record = known(db, reach, id)?;
    let ticket = tickets::read(db, reach, number(&record.ticket)?)?;
    Ok(Seen { facts: tickets::facts(&ticket), record })
}

fn known(db: &Connection, reach: &Reach, id: i64) -> Result<Attachment, Failure> {
    let reached = reach.tickets();
    let mut statement =
        db.prepare_cached(&format!("{COLUMNS} FROM attachments a {TICKET} WHERE {} AND a.id = ?", reached.sql()))?;
    let mut rows = statement.query(reached.with([id.into()]))?;
    file(rows.next()?.ok_or(ServiceError::NotFound)?)
}

fn file(row: &Row<'_>) -> Result<Attachment, Failure> {
    let id = |at: usize| row.get::<_, i64>(at).map(|id| id.to_string());
    let scan: String = row.get(6)?;
    let scan = [Scan::Clean, Scan::Unscanned, Scan::Infected].into_iter().find(|known| known.name() == scan);
    Ok(Attachment {
        id: id(0)?,
        ticket: id(1)?,
        comment: id(2)?,
        name: row.get(3)?,
        content_type: row.get(4)?,
        size: row.get(5)?,
        scan: scan.ok_or_else(|| Failure::corrupt("attachments", "column scan"))?,
    })
}

/// A stretch of a file that is still what the act was decided on: at most 1 MiB of it, whatever is asked for.
pub(super) fn read(db: &Connection, reach: &Reach, act: &ReadAttachment) -> Result<Chunk, Failure> {
    let id = number(&act.file.id)?;
    let now = known(db, reach, id)?;
    let held_against = |file: &Attachment| (file.size, file.scan, file.content_type.clone());
    if held_against(&now) != held_against(&act.file) {
        return Err(ServiceError::NotFound.into());
    }
    let end = act.offset.saturating_add(u64::from(act.most).min(MAX_STRETCH)).min(now.size);
    if act.offset >= end {
        return Ok(Chunk::default());
    }
    stretch(db, &reach.tenant, id, act.offset, end).map(Chunk)
}

/// The bytes from `start` to before `end`, both within the file.
fn stretch(db: &Connection, tenant: &TenantId, id: i64, start: u64, end: u64) -> Result<Vec<u8>, Failure> {
    let (first, last) = (start / PART, (end - 1) / PART);
    let sql = "SELECT bytes FROM attachment_parts
        WHERE tenant = ? AND attachment_id = ? AND part BETWEEN ? AND ? ORDER BY part";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![tenant.as_str(), id, first as i64, last as i64])?;
    let mut bytes = Vec::with_capacity((end - start) as usize);
    for part in first..=last {
        let missing = || Failure::corrupt("attachment_parts", "a part is missing or too short");
        let row = rows.next()?.ok_or_else(missing)?;
        let whole = row.get_ref(0)?.as_blob().map_err(|_| missing())?;
        let from = start.saturating_sub(part * PART) as usize;
        let to = (end - part * PART).min(PART) as usize;
        bytes.extend_from_slice(whole.get(from..to).ok_or_else(missing)?);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_checked_and_kept_in_one_form() {
        assert_eq!(checked_type("Text/CSV; charset=utf-8"), Ok("text/csv".into()));
        assert_eq!(checked_type("image/svg+xml"), Ok("image/svg+xml".into()));
        for bad in
            ["", "text", "text/", "/plain", "a/b/c", "image/*", "*/*", ".a/b", "text/pl ain", "text/plain\n", "té/x"]
        {
            assert!(matches!(checked_type(bad), Err(ServiceError::Invalid(_))), "{bad:?}");
        }
        assert!(checked_type(&format!("a/{}", "b".repeat(128))).is_err());
    }
}

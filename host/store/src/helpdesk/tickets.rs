//! Tickets: reading one, narrowing it to what was asked for, changing and deleting it.
//!
//! Invariants: a ticket out of reach is as good as not there; a closed ticket does not change; `updated_at` moves only when
//! something else did; tags are lower-case, sorted and without doubles, at most 100 of at most 64 characters.

use std::collections::BTreeSet;

use portcullis_model::{
    audit::plain,
    error::ServiceError,
    helpdesk::{DeleteTicket, Kind, Priority, Seen, Status, Ticket, TicketField, UpdateTicket},
    id::TenantId,
    scope::Facts,
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Serialize, de::DeserializeOwned};

use super::{Failure, ids, number, reach::Reach};

const MAX_TAGS: usize = 100;
const MAX_TAG: usize = 64;

/// Without the index's name all comments of the tenant are looked at, up to the ticket's first.
pub(super) const SELECT: &str = "
    SELECT id, subject, status, priority, type, requester_id, assignee_id, organization_id, tags, custom_fields,
        created_at, updated_at, brand_id,
        (SELECT body FROM comments c INDEXED BY comments_of_ticket
            WHERE c.tenant = t.tenant AND c.ticket_id = t.id ORDER BY c.id LIMIT 1)
    FROM tickets t";

/// The whole ticket. `NotFound` where none with this id can be reached.
pub(super) fn read(db: &Connection, reach: &Reach, id: i64) -> Result<Ticket, Failure> {
    let reached = reach.tickets();
    let mut statement = db.prepare_cached(&format!("{SELECT} WHERE {} AND t.id = ?", reached.sql()))?;
    let mut rows = statement.query(reached.with([id.into()]))?;
    let row = rows.next()?.ok_or(ServiceError::NotFound)?;
    Ok(Ticket {
        id: row.get::<_, i64>(0)?.to_string(),
        subject: row.get(1)?,
        description: row.get(13)?,
        status: name("tickets", row, 2)?,
        priority: name("tickets", row, 3)?,
        kind: name("tickets", row, 4)?,
        requester_id: id_at(row, 5)?,
        assignee_id: id_at(row, 6)?,
        organization_id: id_at(row, 7)?,
        tags: Some(json("tickets", row, 8)?),
        custom_fields: Some(json("tickets", row, 9)?),
        created_at: Some(time_at(row, 10)?),
        updated_at: Some(time_at(row, 11)?),
        brand_id: row.get(12)?,
    })
}

/// The named fields of a whole ticket, and its facts.
pub(super) fn seen(ticket: Ticket, fields: &BTreeSet<TicketField>) -> Seen<Ticket> {
    Seen { facts: facts(&ticket), record: narrowed(ticket, fields) }
}

/// What a whole ticket can be told apart by.
pub(super) fn facts(ticket: &Ticket) -> Facts {
    Facts::default()
        .with("brand", ticket.brand_id.clone())
        .with("organization", ticket.organization_id.clone())
        .with("status", ticket.status.map(Status::name))
        .with("priority", ticket.priority.map(Priority::name))
        .with("type", ticket.kind.map(Kind::name))
        .with("assignee", ticket.assignee_id.clone())
        .with("requester", ticket.requester_id.clone())
}

/// The ticket with no more than the named fields. [`TicketField::Comments`] is the conversation, which is read by itself.
fn narrowed(ticket: Ticket, fields: &BTreeSet<TicketField>) -> Ticket {
    let mut narrow = Ticket { id: ticket.id, ..Ticket::default() };
    for field in fields {
        match field {
            TicketField::Subject => narrow.subject.clone_from(&ticket.subject),
            TicketField::Description => narrow.description.clone_from(&ticket.description),
            TicketField::Status => narrow.status = ticket.status,
            TicketField::Priority => narrow.priority = ticket.priority,
            TicketField::Type => narrow.kind = ticket.kind,
            TicketField::Requester => narrow.requester_id.clone_from(&ticket.requester_id),
            TicketField::Assignee => narrow.assignee_id.clone_from(&ticket.assignee_id),
            TicketField::Organization => narrow.organization_id.clone_from(&ticket.organization_id),
            TicketField::Tags => narrow.tags.clone_from(&ticket.tags),
            TicketField::CustomFields => narrow.custom_fields.clone_from(&ticket.custom_fields),
            TicketField::CreatedAt => narrow.created_at.clone_from(&ticket.created_at),
            TicketField::UpdatedAt => narrow.updated_at.clone_from(&ticket.updated_at),
            TicketField::Brand => narrow.brand_id.clone_from(&ticket.brand_id),
            TicketField::Comments => {}
        }
    }
    narrow
}

/// Refuses with `NotFound` where no such ticket can be reached.
pub(super) fn expect_there(db: &Connection, reach: &Reach, id: i64) -> Result<(), Failure> {
    status(db, reach, id).map(|_| ())
}

/// Refuses with `NotFound` where no such ticket can be reached, and with `Conflict` where it is closed.
pub(super) fn expect_changeable(db: &Connection, reach: &Reach, id: i64) -> Result<(), Failure> {
    if status(db, reach, id)? == Status::Closed.name() {
        return Err(ServiceError::Conflict.into());
    }
    Ok(())
}

fn status(db: &Connection, reach: &Reach, id: i64) -> Result<String, Failure> {
    let reached = reach.tickets();
    let sql = format!("SELECT t.status FROM tickets t WHERE {} AND t.id = ?", reached.sql());
    let values = reached.with([id.into()]);
    let status: Option<String> = db.prepare_cached(&sql)?.query_row(values, |row| row.get(0)).optional()?;
    Ok(status.ok_or(ServiceError::NotFound)?)
}

/// Marks the ticket as changed.
pub(super) fn touch(db: &Connection, tenant: &TenantId, id: i64, now: Timestamp) -> Result<(), Failure> {
    let sql = "UPDATE tickets SET updated_at = ? WHERE tenant = ? AND id = ?";
    db.prepare_cached(sql)?.execute(params![now.0, tenant.as_str(), id])?;
    Ok(())
}

/// Changes status, priority and tags together, or nothing at all.
pub(super) fn update(db: &Connection, reach: &Reach, act: &UpdateTicket, now: Timestamp) -> Result<(), Failure> {
    let id = number(&act.ticket)?;
    let add = clean_tags(&act.add_tags)?;
    let remove = clean_tags(&act.remove_tags)?;
    if let Some(tag) = add.intersection(&remove).next() {
        return Err(ServiceError::Invalid(format!("tag '{tag}' is both added and removed")).into());
    }
    expect_changeable(db, reach, id)?;
    let old = read(db, reach, id)?;
    if act.status == Some(Status::New) && old.status != Some(Status::New) {
        return Err(ServiceError::Invalid("status: a ticket that was not 'new' any more cannot be 'new'".into()).into());
    }
    let mut tags: BTreeSet<String> = match &act.set_tags {
        Some(set) => clean_tags(set)?,
        None => old.tags.iter().flatten().cloned().collect(),
    };
    tags.extend(add);
    tags.retain(|tag| !remove.contains(tag));
    let tags: Vec<String> = limited_tags(tags)?;
    let new = Ticket {
        status: act.status.or(old.status),
        priority: act.priority.or(old.priority),
        tags: Some(tags),
        ..old.clone()
    };
    if new != old {
        write(db, &reach.tenant, id, &new, now)?;
    }
    Ok(())
}

fn write(db: &Connection, tenant: &TenantId, id: i64, new: &Ticket, now: Timestamp) -> Result<(), Failure> {
    let sql = "UPDATE tickets SET status = ?, priority = ?, tags = ?, updated_at = ? WHERE tenant = ? AND id = ?";
    db.prepare_cached(sql)?.execute(params![
        new.status.map(Status::name),
        new.priority.map(Priority::name),
        to_json("tickets", &new.tags)?,
        now.0,
        tenant.as_str(),
        id
    ])?;
    Ok(())
}

/// Deletes the ticket, its comments and, by their foreign keys, the files that came with them. A closed one too.
pub(super) fn delete(db: &Connection, reach: &Reach, act: &DeleteTicket) -> Result<(), Failure> {
    let id = number(&act.ticket)?;
    expect_there(db, reach, id)?;
    ids::retire_of_ticket(db, &reach.tenant, id)?;
    for sql in
        ["DELETE FROM comments WHERE tenant = ? AND ticket_id = ?", "DELETE FROM tickets WHERE tenant = ? AND id = ?"]
    {
        db.prepare_cached(sql)?.execute(params![reach.tenant.as_str(), id])?;
    }
    Ok(())
}

/// Tags as they are kept. `Invalid` names the one that cannot be a tag.
pub(super) fn clean_tags(tags: &[String]) -> Result<BTreeSet<String>, ServiceError> {
    let clean = |tag: &String| {
        let lower = tag.to_lowercase();
        let fits = (1..=MAX_TAG).contains(&lower.chars().count());
        // What cannot be seen or turns text around would also fool who reads the list.
        if fits && plain(&lower) == lower && !lower.chars().any(char::is_whitespace) {
            return Ok(lower);
        }
        let shown: String = lower.chars().filter(|c| !c.is_control()).take(MAX_TAG).collect();
        Err(ServiceError::Invalid(format!("tag '{shown}': 1 to {MAX_TAG} characters without white space")))
    };
    if tags.len() > MAX_TAGS {
        return Err(ServiceError::Invalid(format!("tags: at most {MAX_TAGS} at once, not {}", tags.len())));
    }
    tags.iter().map(clean).collect()
}

/// Sorted tags, if there are not too many.
pub(super) fn limited_tags(tags: BTreeSet<String>) -> Result<Vec<String>, ServiceError> {
    if tags.len() > MAX_TAGS {
        return Err(ServiceError::Invalid(format!("tags: at most {MAX_TAGS} on a ticket, not {}", tags.len())));
    }
    Ok(tags.into_iter().collect())
}

/// A nullable column with one of a set of names.
pub(super) fn name<T>(table: &'static str, row: &Row<'_>, at: usize) -> Result<Option<T>, Failure>
where
    T: std::str::FromStr<Err = String>,
{
    let text: Option<String> = row.get(at)?;
    text.map(|text| text.parse().map_err(|problem| Failure::corrupt(table, problem))).transpose()
}

/// A nullable column with an id.
pub(super) fn id_at(row: &Row<'_>, at: usize) -> Result<Option<String>, Failure> {
    Ok(row.get::<_, Option<i64>>(at)?.map(|id| id.to_string()))
}

/// A column with a time, as RFC 3339.
pub(super) fn time_at(row: &Row<'_>, at: usize) -> Result<String, Failure> {
    Ok(Timestamp(row.get(at)?).to_string())
}

/// A column with JSON.
pub(super) fn json<T: DeserializeOwned>(table: &'static str, row: &Row<'_>, at: usize) -> Result<T, Failure> {
    let text: String = row.get(at)?;
    // The error's own text may quote the value.
    serde_json::from_str(&text).map_err(|error| Failure::corrupt(table, format!("column {at}: {:?}", error.classify())))
}

/// A value for a column with JSON.
pub(super) fn to_json<T: Serialize + ?Sized>(table: &'static str, value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::corrupt(table, error))
}

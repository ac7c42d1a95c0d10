//! What the product itself does with the help desk: a customer's ticket or comment arriving, and looking at the records
//! for the product's own pages and tests.
//!
//! Nothing here takes a permit, and nothing here can be reached by a plugin: capabilities hold the help desk as
//! `dyn HelpDesk`, which has none of these functions.
//!
//! Invariant: a person named here is one of the same tenant, or the answer is `NotFound`.

use portcullis_model::{
    error::ServiceError,
    helpdesk::{Comment, CustomField, Kind, Priority, Status, Ticket},
    id::TenantId,
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{
    Failure, SqliteHelpDesk, check_text,
    comments::{self, NewComment},
    ids, number, people,
    reach::Reach,
    tickets,
};

/// A customer's ticket that is about to be opened. Its organization is the requester's.
#[derive(Clone, Debug, Default)]
pub struct NewTicket {
    /// The title: 1 byte to 64 KiB.
    pub subject: String,
    /// The first comment: 1 byte to 64 KiB.
    pub description: String,
    /// Who asks.
    pub requester_id: String,
    /// How urgent, if that is known.
    pub priority: Option<Priority>,
    /// What sort, if that is known.
    pub kind: Option<Kind>,
    /// Labels.
    pub tags: Vec<String>,
    /// The subscriber's own fields.
    pub custom_fields: Vec<CustomField>,
    /// Through which of the subscriber's brands, if through one: 1 to 64 of `A-Z a-z 0-9 - _ .`
    pub brand_id: Option<String>,
}

/// How many records a tenant has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Organizations.
    pub organizations: u32,
    /// People, agents among them.
    pub users: u32,
    /// Tickets.
    pub tickets: u32,
    /// Comments, first ones among them.
    pub comments: u32,
    /// Files.
    pub attachments: u32,
}

impl SqliteHelpDesk {
    /// A whole ticket, or `None` where the tenant has no such ticket. For the product itself: no plugin can reach it.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn ticket_row(&self, tenant: &TenantId, id: &str) -> Result<Option<Ticket>, ServiceError> {
        let (tenant, id) = (tenant.clone(), id.to_owned());
        match self.read(move |db| tickets::read(db, &Reach::whole(&tenant), number(&id)?)).await {
            Ok(ticket) => Ok(Some(ticket)),
            Err(ServiceError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All comments of a ticket, oldest first. For the product itself: no plugin can reach it.
    ///
    /// # Errors
    /// `NotFound` where the tenant has no such ticket; `Unavailable`.
    pub async fn comments_of(&self, tenant: &TenantId, ticket: &str) -> Result<Vec<Comment>, ServiceError> {
        let (tenant, ticket) = (tenant.clone(), ticket.to_owned());
        let read = move |db: &Transaction<'_>| {
            let ticket = number(&ticket)?;
            tickets::expect_there(db, &Reach::whole(&tenant), ticket)?;
            comments::page(db, &tenant, ticket, 0, -1)
        };
        self.read(read).await
    }

    /// A person's comment arrives; gives its id. A public one by the requester reopens a ticket that was pending, on hold
    /// or solved, as with Zendesk. For the product itself: no plugin can reach it.
    ///
    /// # Errors
    /// `NotFound` for a ticket or an author that the tenant does not have, `Conflict` for a closed ticket, `Invalid` for
    /// an empty or too long body, `Unavailable`.
    pub async fn customer_comments(
        &self,
        tenant: &TenantId,
        ticket: &str,
        author: &str,
        body: &str,
        public: bool,
    ) -> Result<String, ServiceError> {
        let (tenant, ticket, author, body) = (tenant.clone(), ticket.to_owned(), author.to_owned(), body.to_owned());
        let now = self.clock.now();
        self.write(move |db| arrive(db, &tenant, &ticket, &author, &body, public, now)).await
    }

    /// A customer opens a ticket; gives its id. For the product itself: no plugin can reach it.
    ///
    /// # Errors
    /// `NotFound` for a requester that the tenant does not have, `Invalid` for texts and tags, `Unavailable`.
    pub async fn create_ticket(&self, tenant: &TenantId, new: NewTicket) -> Result<String, ServiceError> {
        let tenant = tenant.clone();
        let now = self.clock.now();
        self.write(move |db| create(db, &tenant, &new, now)).await
    }

    /// How many records the tenant has. For the product itself: no plugin can reach it.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn counts(&self, tenant: &TenantId) -> Result<Counts, ServiceError> {
        let tenant = tenant.clone();
        self.read(move |db| counts(db, &tenant)).await
    }
}

fn arrive(
    db: &Connection,
    tenant: &TenantId,
    ticket: &str,
    author: &str,
    body: &str,
    public: bool,
    now: Timestamp,
) -> Result<String, Failure> {
    let ticket = number(ticket)?;
    check_text("body", body)?;
    people::user(db, &Reach::whole(tenant), number(author)?)?;
    tickets::expect_changeable(db, &Reach::whole(tenant), ticket)?;
    let id = comments::add(db, tenant, &NewComment { ticket, author, body, public, once: None }, now)?;
    if public {
        let sql = "UPDATE tickets SET status = 'open' WHERE tenant = ? AND id = ? AND requester_id = ?
            AND status IN ('pending', 'hold', 'solved')";
        db.prepare_cached(sql)?.execute(params![tenant.as_str(), ticket, number(author)?])?;
    }
    Ok(id)
}

fn create(db: &Connection, tenant: &TenantId, new: &NewTicket, now: Timestamp) -> Result<String, Failure> {
    check_text("subject", &new.subject)?;
    check_text("description", &new.description)?;
    let tags = tickets::limited_tags(tickets::clean_tags(&new.tags)?)?;
    new.brand_id.as_deref().map_or(Ok(()), check_brand)?;
    let requester = people::user(db, &Reach::whole(tenant), number(&new.requester_id)?)?;
    let id = ids::next(db, tenant, ids::Kind::Tickets)?;
    let at = Some(now.to_string());
    let ticket = Ticket {
        id: id.to_string(),
        subject: Some(new.subject.clone()),
        status: Some(Status::New),
        priority: new.priority,
        kind: new.kind,
        requester_id: Some(requester.id.clone()),
        organization_id: requester.organization_id,
        tags: Some(tags),
        custom_fields: Some(new.custom_fields.clone()),
        created_at: at.clone(),
        updated_at: at,
        brand_id: new.brand_id.clone(),
        ..Ticket::default()
    };
    insert(db, tenant, &ticket)?;
    let first = NewComment { ticket: id, author: &requester.id, body: &new.description, public: true, once: None };
    comments::add(db, tenant, &first, now)?;
    Ok(ticket.id)
}

/// What no scope could name could not be told apart.
fn check_brand(id: &str) -> Result<(), ServiceError> {
    let fits = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if fits { Ok(()) } else { Err(ServiceError::Invalid("brand_id: 1 to 64 of A-Z a-z 0-9 - _ .".into())) }
}

/// Writes a ticket's row. Its description is written as its first comment.
pub(super) fn insert(db: &Connection, tenant: &TenantId, ticket: &Ticket) -> Result<(), Failure> {
    let time = |text: &Option<String>| text.as_deref().and_then(Timestamp::parse).map(|at| at.0);
    let id = |text: &Option<String>| text.as_deref().map(number).transpose();
    let sql = "INSERT INTO tickets (tenant, id, subject, status, priority, type, requester_id, assignee_id,
        organization_id, tags, custom_fields, created_at, updated_at, brand_id)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    db.prepare_cached(sql)?.execute(params![
        tenant.as_str(),
        number(&ticket.id)?,
        ticket.subject,
        ticket.status.map(Status::name),
        ticket.priority.map(Priority::name),
        ticket.kind.map(Kind::name),
        id(&ticket.requester_id)?,
        id(&ticket.assignee_id)?,
        id(&ticket.organization_id)?,
        tickets::to_json("tickets", ticket.tags.as_deref().unwrap_or_default())?,
        tickets::to_json("tickets", ticket.custom_fields.as_deref().unwrap_or_default())?,
        time(&ticket.created_at),
        time(&ticket.updated_at),
        ticket.brand_id,
    ])?;
    Ok(())
}

/// Whether the tenant ever had any ticket at all.
pub(super) fn had_tickets(db: &Connection, tenant: &TenantId) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM tickets WHERE tenant = ?1 UNION ALL SELECT 1 FROM retired_ids WHERE tenant = ?1 LIMIT 1";
    Ok(db.query_row(sql, [tenant.as_str()], |_| Ok(())).optional()?.is_some())
}

pub(super) fn counts(db: &Connection, tenant: &TenantId) -> Result<Counts, Failure> {
    let sql =
        "SELECT (SELECT count(*) FROM organizations WHERE tenant = ?1), (SELECT count(*) FROM users WHERE tenant = ?1),
        (SELECT count(*) FROM tickets WHERE tenant = ?1), (SELECT count(*) FROM comments WHERE tenant = ?1),
        (SELECT count(*) FROM attachments WHERE tenant = ?1)";
    Ok(db.query_row(sql, [tenant.as_str()], |row| {
        Ok(Counts {
            organizations: row.get(0)?,
            users: row.get(1)?,
            tickets: row.get(2)?,
            comments: row.get(3)?,
            attachments: row.get(4)?,
        })
    })?)
}

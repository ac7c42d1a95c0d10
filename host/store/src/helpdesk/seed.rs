//! A help desk to begin with: the invented records of `seed/helpdesk.json`, which `seed/generate.py` made.
//! Card numbers in it are published test numbers; what is marked as infected is harmless text.
//!
//! Invariants: a tenant that ever had a ticket is left alone; the records come in together or not at all; a ticket's
//! description is its first comment's text.

use portcullis_model::{
    error::ServiceError,
    helpdesk::{Comment, Organization, Role, Scan, Ticket, User},
    id::TenantId,
    time::Timestamp,
};
use rusqlite::{Connection, params};
use serde::Deserialize;

use super::{
    Failure, SqliteHelpDesk,
    attachments::{self, NewAttachment},
    comments::{self, NewComment},
    keys, number,
    product::{self, Counts},
    tickets::to_json,
};

const RECORDS: &str = include_str!("../../seed/helpdesk.json");

/// What seeding did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeded {
    /// The tenant was empty and has these records now.
    Loaded(Counts),
    /// The tenant had tickets already, deleted or not; nothing changed.
    HadTickets,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Records {
    organizations: Vec<Organization>,
    users: Vec<User>,
    tickets: Vec<Ticket>,
    comments: Vec<SeedComment>,
    attachments: Vec<SeedAttachment>,
}

#[derive(Deserialize)]
struct SeedComment {
    ticket_id: String,
    #[serde(flatten)]
    comment: Comment,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedAttachment {
    id: String,
    ticket_id: String,
    comment_id: String,
    name: String,
    content_type: String,
    scan: Scan,
    content: Content,
}

/// A file's content: text as it is, else a list of its bytes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Bytes(Vec<u8>),
}

impl Content {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

impl SqliteHelpDesk {
    /// Fills a tenant that never had a ticket with invented records. For the product itself: no plugin can reach it.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn seed(&self, tenant: &TenantId) -> Result<Seeded, ServiceError> {
        let tenant = tenant.clone();
        self.write(move |db| {
            if product::had_tickets(db, &tenant)? {
                return Ok(Seeded::HadTickets);
            }
            let records: Records =
                serde_json::from_str(RECORDS).map_err(|error| Failure::corrupt("the seed", error))?;
            load(db, &tenant, &records)?;
            Ok(Seeded::Loaded(product::counts(db, &tenant)?))
        })
        .await
    }
}

fn load(db: &Connection, tenant: &TenantId, records: &Records) -> Result<(), Failure> {
    for organization in &records.organizations {
        insert_organization(db, tenant, organization)?;
    }
    for user in &records.users {
        insert_user(db, tenant, user)?;
    }
    for ticket in &records.tickets {
        product::insert(db, tenant, ticket)?;
    }
    for SeedComment { ticket_id, comment } in &records.comments {
        let at = Timestamp::parse(&comment.created_at);
        let at = at.ok_or_else(|| Failure::corrupt("the seed", "created_at is no time"))?;
        let new = NewComment {
            ticket: number(ticket_id)?,
            author: &comment.author_id,
            body: &comment.body,
            public: comment.public,
            once: None,
        };
        comments::insert(db, tenant, number(&comment.id)?, &new, at)?;
    }
    for file in &records.attachments {
        insert_attachment(db, tenant, file)?;
    }
    Ok(())
}

fn insert_attachment(db: &Connection, tenant: &TenantId, file: &SeedAttachment) -> Result<(), Failure> {
    let new = NewAttachment {
        ticket: file.ticket_id.clone(),
        comment: file.comment_id.clone(),
        name: file.name.clone(),
        content_type: file.content_type.clone(),
        bytes: file.content.bytes(),
        scan: file.scan,
    };
    attachments::insert(db, tenant, number(&file.id)?, &new)
}

fn insert_organization(db: &Connection, tenant: &TenantId, new: &Organization) -> Result<(), Failure> {
    let sql = "INSERT INTO organizations (tenant, id, name, domain_names, tags, organization_fields)
        VALUES (?, ?, ?, ?, ?, ?)";
    db.prepare_cached(sql)?.execute(params![
        tenant.as_str(),
        number(&new.id)?,
        new.name,
        to_json("organizations", new.domain_names.as_deref().unwrap_or_default())?,
        to_json("organizations", new.tags.as_deref().unwrap_or_default())?,
        to_json("organizations", new.organization_fields.as_deref().unwrap_or_default())?,
    ])?;
    Ok(())
}

fn insert_user(db: &Connection, tenant: &TenantId, new: &User) -> Result<(), Failure> {
    let sql = "INSERT INTO users
        (tenant, id, name, email, phone, role, organization_id, tags, locale, time_zone, email_key, phone_key)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    db.prepare_cached(sql)?.execute(params![
        tenant.as_str(),
        number(&new.id)?,
        new.name,
        new.email,
        new.phone,
        new.role.map(Role::name),
        new.organization_id.as_deref().map(number).transpose()?,
        to_json("users", new.tags.as_deref().unwrap_or_default())?,
        new.locale,
        new.time_zone,
        new.email.as_deref().and_then(keys::folded),
        new.phone.as_deref().and_then(keys::digits),
    ])?;
    Ok(())
}

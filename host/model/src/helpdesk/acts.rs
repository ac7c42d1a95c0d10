//! What can be done with the help desk, each an act that needs a permit.
//!
//! Invariant: every act says which records it is about: `within` is what the grant's `where=` leaves, and a service treats
//! a record outside of it as one that is not there.

use std::collections::BTreeSet;

use super::{OrganizationField, Position, Priority, Status, TicketField, UserField};
use crate::{
    budget::{Cost, Resource},
    permit::Act,
    scope::Within,
};

/// The most records that one act reads.
pub const PAGE: u32 = 100;

/// Read one ticket's named fields.
#[derive(Clone, Debug)]
pub struct GetTicket {
    /// Which.
    pub id: String,
    /// What of it.
    pub fields: BTreeSet<TicketField>,
    /// Among which tickets.
    pub within: Within,
}

/// What a search asks for: tickets that fit all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Query {
    /// Words that all occur in the subject, in any case. Empty: any.
    pub words: Vec<String>,
    /// Any of these. Empty: any.
    pub status: Vec<Status>,
    /// Any of these. Empty: any.
    pub priority: Vec<Priority>,
    /// All of these.
    pub tags: Vec<String>,
    /// Of this requester.
    pub requester_id: Option<String>,
    /// Of this assignee.
    pub assignee_id: Option<String>,
    /// Of this organization.
    pub organization_id: Option<String>,
    /// Of this brand.
    pub brand_id: Option<String>,
    /// Changed at or after this moment, in milliseconds since 1970.
    pub updated_since: Option<i64>,
    /// Changed before this moment, in milliseconds since 1970.
    pub updated_before: Option<i64>,
}

impl Query {
    /// The fields that it speaks of: who may not read one in the clear may not ask by it either.
    pub fn fields(&self) -> BTreeSet<TicketField> {
        use TicketField as F;
        [
            (!self.words.is_empty(), F::Subject),
            (!self.status.is_empty(), F::Status),
            (!self.priority.is_empty(), F::Priority),
            (!self.tags.is_empty(), F::Tags),
            (self.requester_id.is_some(), F::Requester),
            (self.assignee_id.is_some(), F::Assignee),
            (self.organization_id.is_some(), F::Organization),
            (self.brand_id.is_some(), F::Brand),
            (self.updated_since.is_some() || self.updated_before.is_some(), F::UpdatedAt),
        ]
        .into_iter()
        .filter_map(|(used, field)| used.then_some(field))
        .collect()
    }
}

/// The order of what a search finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// By id, newest first.
    #[default]
    Newest,
    /// By last change, newest first.
    Updated,
    /// By last change, oldest first: for whoever follows what changes.
    Changes,
}

/// Find tickets and read their named fields.
#[derive(Clone, Debug)]
pub struct SearchTickets {
    /// Which.
    pub query: Query,
    /// In which order.
    pub sort: Sort,
    /// What of each.
    pub fields: BTreeSet<TicketField>,
    /// At most so many; never more than [`PAGE`].
    pub most: u32,
    /// After this one.
    pub after: Option<Position>,
    /// Among which tickets.
    pub within: Within,
}

impl SearchTickets {
    /// The fields that must be readable in the clear: those of the query and of the order.
    pub fn asked_by(&self) -> BTreeSet<TicketField> {
        let mut fields = self.query.fields();
        if self.sort != Sort::Newest {
            fields.insert(TicketField::UpdatedAt);
        }
        fields
    }
}

/// Read some of a ticket's comments, oldest first.
#[derive(Clone, Debug)]
pub struct ListComments {
    /// Of which ticket.
    pub ticket: String,
    /// After the comment with this id.
    pub after: Option<String>,
    /// At most so many; never more than [`PAGE`].
    pub most: u32,
    /// Among which tickets.
    pub within: Within,
}

/// Add one comment.
#[derive(Clone, Debug)]
pub struct AddComment {
    /// To which ticket.
    pub ticket: String,
    /// Plain text, 1 byte to 64 KiB.
    pub body: String,
    /// False for an internal note.
    pub public: bool,
    /// Two with the same key on one ticket by one installation are one comment.
    pub idempotency_key: String,
    /// Among which tickets.
    pub within: Within,
}

/// Change a ticket.
#[derive(Clone, Debug, Default)]
pub struct UpdateTicket {
    /// Which.
    pub ticket: String,
    /// The new status.
    pub status: Option<Status>,
    /// The new priority.
    pub priority: Option<Priority>,
    /// The tags that it has afterwards, before others are added and removed. Absent: those that it has.
    pub set_tags: Option<Vec<String>>,
    /// Tags to add.
    pub add_tags: Vec<String>,
    /// Tags to remove.
    pub remove_tags: Vec<String>,
    /// Among which tickets, as they are before the change.
    pub within: Within,
}

/// Cover parts of a comment for good.
#[derive(Clone, Debug)]
pub struct RedactComment {
    /// Of which ticket.
    pub ticket: String,
    /// Which comment.
    pub comment: String,
    /// Stretches in Unicode scalar values: first, and one past the last.
    pub spans: Vec<(u32, u32)>,
    /// Among which tickets.
    pub within: Within,
}

/// Delete a ticket with its comments and attachments for good.
#[derive(Clone, Debug)]
pub struct DeleteTicket {
    /// Which.
    pub ticket: String,
    /// Among which tickets.
    pub within: Within,
}

/// Read one person's named fields.
#[derive(Clone, Debug)]
pub struct GetUser {
    /// Which.
    pub id: String,
    /// What of them.
    pub fields: BTreeSet<UserField>,
    /// Among which people.
    pub within: Within,
}

/// What to find a person by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindBy {
    /// The whole primary address, in any case.
    Email(String),
    /// The whole primary number, digits only counted.
    Phone(String),
    /// The organization's id.
    Organization(String),
}

impl FindBy {
    /// The field that must be readable in the clear.
    pub fn field(&self) -> UserField {
        match self {
            Self::Email(_) => UserField::Email,
            Self::Phone(_) => UserField::Phone,
            Self::Organization(_) => UserField::Organization,
        }
    }
}

/// Find people and read their named fields, in the order of their ids.
#[derive(Clone, Debug)]
pub struct FindUsers {
    /// Whom.
    pub by: FindBy,
    /// What of each.
    pub fields: BTreeSet<UserField>,
    /// After the person with this id.
    pub after: Option<String>,
    /// At most so many; never more than [`PAGE`].
    pub most: u32,
    /// Among which people.
    pub within: Within,
}

/// Read one organization's named fields.
#[derive(Clone, Debug)]
pub struct GetOrganization {
    /// Which.
    pub id: String,
    /// What of it.
    pub fields: BTreeSet<OrganizationField>,
    /// Among which organizations.
    pub within: Within,
}

/// Read organizations' named fields, in the order of their ids.
#[derive(Clone, Debug)]
pub struct ListOrganizations {
    /// What of each.
    pub fields: BTreeSet<OrganizationField>,
    /// After the one with this id.
    pub after: Option<String>,
    /// At most so many; never more than [`PAGE`].
    pub most: u32,
    /// Among which organizations.
    pub within: Within,
}

macro_rules! acts {
    ($($act:ident, $name:literal, $resource:expr, $cost:expr;)*) => {$(
        impl Act for $act {
            const NAME: &'static str = $name;
            fn resource(&self) -> String {
                let resource: fn(&Self) -> String = $resource;
                resource(self)
            }
            fn cost(&self) -> Cost {
                let cost: fn(&Self) -> Cost = $cost;
                cost(self)
            }
        }
    )*};
}

fn read(records: u32) -> Cost {
    Cost::of(Resource::RecordsRead, records.into())
}

fn written() -> Cost {
    Cost::of(Resource::RecordsWritten, 1)
}

acts! {
    GetTicket, "tickets.get", |act| format!("ticket:{}", act.id), |_| read(1);
    SearchTickets, "tickets.search", |_| "tickets".to_owned(), |act| read(act.most);
    ListComments, "tickets.comments", |act| format!("ticket:{}", act.ticket), |act| read(act.most);
    AddComment, "tickets.add-comment", |act| format!("ticket:{}", act.ticket), |_| written();
    UpdateTicket, "tickets.update", |act| format!("ticket:{}", act.ticket), |_| written();
    RedactComment, "tickets.redact", |act| format!("ticket:{}", act.ticket), |_| written();
    DeleteTicket, "tickets.delete", |act| format!("ticket:{}", act.ticket), |_| written();
    GetUser, "users.get", |act| format!("user:{}", act.id), |_| read(1);
    FindUsers, "users.find", |_| "users".to_owned(), |act| read(act.most);
    ListOrganizations, "users.list-organizations", |_| "organizations".to_owned(), |act| read(act.most);
    GetOrganization, "users.get-organization", |act| format!("organization:{}", act.id), |_| read(1);
}

//! The help desk's records, and what a service says about them beside their fields.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Priority, Role, Status};
#[cfg(doc)]
use super::{OrganizationField, TicketField, UserField};
use crate::{permit::Effect, scope::Facts};

/// A custom field and its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomField {
    /// Id or key.
    pub id: String,
    /// Any JSON value.
    pub value: Value,
}

/// A ticket, as far as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ticket {
    /// Always there.
    pub id: String,
    /// [`TicketField::Subject`].
    pub subject: Option<String>,
    /// [`TicketField::Description`].
    pub description: Option<String>,
    /// [`TicketField::Status`].
    pub status: Option<Status>,
    /// [`TicketField::Priority`].
    pub priority: Option<Priority>,
    /// [`TicketField::Type`].
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    /// [`TicketField::Requester`].
    pub requester_id: Option<String>,
    /// [`TicketField::Assignee`].
    pub assignee_id: Option<String>,
    /// [`TicketField::Organization`].
    pub organization_id: Option<String>,
    /// [`TicketField::Tags`].
    pub tags: Option<Vec<String>>,
    /// [`TicketField::CustomFields`].
    pub custom_fields: Option<Vec<CustomField>>,
    /// [`TicketField::CreatedAt`], RFC 3339.
    pub created_at: Option<String>,
    /// [`TicketField::UpdatedAt`], RFC 3339.
    pub updated_at: Option<String>,
    /// [`TicketField::Brand`].
    pub brand_id: Option<String>,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    /// Its id.
    pub id: String,
    /// Who wrote it; an installation's id where a plugin did.
    pub author_id: String,
    /// Plain text.
    pub body: String,
    /// False for an internal note.
    pub public: bool,
    /// RFC 3339.
    pub created_at: String,
}

/// A person, as far as asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    /// Always there.
    pub id: String,
    /// [`UserField::Name`].
    pub name: Option<String>,
    /// [`UserField::Email`].
    pub email: Option<String>,
    /// [`UserField::Phone`].
    pub phone: Option<String>,
    /// [`UserField::Role`].
    pub role: Option<Role>,
    /// [`UserField::Organization`].
    pub organization_id: Option<String>,
    /// [`UserField::Tags`].
    pub tags: Option<Vec<String>>,
    /// [`UserField::Locale`].
    pub locale: Option<String>,
    /// [`UserField::TimeZone`].
    pub time_zone: Option<String>,
}

/// An organization, as far as asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Organization {
    /// Always there.
    pub id: String,
    /// [`OrganizationField::Name`].
    pub name: Option<String>,
    /// [`OrganizationField::DomainNames`].
    pub domain_names: Option<Vec<String>>,
    /// [`OrganizationField::Tags`].
    pub tags: Option<Vec<String>>,
    /// [`OrganizationField::OrganizationFields`].
    pub organization_fields: Option<Vec<CustomField>>,
}

/// A record as a service found it: the fields that were named, and the facts that a grant's `where=` is held against. The
/// facts are for the host; a guest sees only fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen<T> {
    /// With the named fields and no others.
    pub record: T,
    /// About the whole record, whatever was named.
    pub facts: Facts,
}

/// Where a search goes on: after the ticket with this id, which changed last at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Milliseconds since 1970; used where the order goes by change.
    pub updated_at: i64,
    /// The ticket's number.
    pub id: i64,
}

/// Part of what a search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// In order.
    pub tickets: Vec<Seen<Ticket>>,
    /// Where the next part begins; `None` at the end.
    pub next: Option<Position>,
}

macro_rules! counts {
    ($($record:ty => $count:expr;)*) => {$(
        impl Effect for $record {
            fn facts(&self) -> Vec<(&'static str, u64)> {
                let count: fn(&Self) -> usize = $count;
                vec![("records", count(self) as u64)]
            }
        }
    )*};
}

counts! {
    Seen<Ticket> => |_| 1;
    Seen<User> => |_| 1;
    Seen<Organization> => |_| 1;
    Seen<Vec<Comment>> => |seen| seen.record.len();
    Vec<Seen<User>> => |all| all.len();
    Vec<Seen<Organization>> => |all| all.len();
    Found => |found| found.tickets.len();
}
